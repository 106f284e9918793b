"""The widget in JupyterLab with a real kernel: the reader's hand and Python move the same numbers."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from conftest import PATIENCE
from playwright.sync_api import Browser, Locator, Page, expect

import circuitkit as ck

#: what MyST's markup looks like while it is not rendered
TYPED = r"\{[a-z:]+\}`|^:::|^```|^\(\w+\)="
#: what a reader sees, and cannot follow: a link to nowhere, and the name of a label that nothing knows
DEAD = """(cells) => cells.flatMap((cell) => [
  ...[...cell.querySelectorAll("a[href]")].filter((a) => !/^https?:|^#./.test(a.getAttribute("href"))),
  ...cell.querySelectorAll("[title$='Not Found']"),
].map((e) => e.outerHTML))"""
BOOK = Path(__file__).resolve().parents[2]
CHAPTERS = BOOK / "chapters"
NOTEBOOK = """\
import time

import ipywidgets
import circuitkit as ck
from circuitkit.book import claim

claim("Of $n$ networks {found} found it, *fewer* than half.", found=(0, 473, 511))

w = ck.CircuitWidget("identity", "identity", x=3, caption="</script><img src=x onerror='hacked=1'>",
                     panels=("network", "graph", "verdict", "training"), learning_rate=0.01)
label = ipywidgets.Label("nothing yet")
failure = ipywidgets.Label("no error yet")
w.observe(lambda c: setattr(label, "value", f"x {w.x} weights {w.weights} verdict {w.verdict['holds']}"))

def turn(_):
    time.sleep(0.4)  # a kernel that is busy while the page goes on training
    w.weights = [[[2.0], [-2.0]], [[0.5, -0.25]]]

def spoil(_):
    try:
        w.weights = [[["a lot"]]]
    except Exception as error:
        failure.value = str(error)

good = ipywidgets.Button(description="Turn")
bad = ipywidgets.Button(description="Spoil")
good.on_click(turn)
bad.on_click(spoil)
ipywidgets.VBox([w, label, failure, good, bad])
"""

PICTURES = """\
import ipywidgets
import circuitkit as ck

plane = ck.WeightPlane(seeds=64)
run = ck.train("min", (3,), seeds=64, steps=2000, learning_rate=0.5)
shelves = ck.LossShelves(run, shelves={0.0474: "the best two units"})
tally, opened = ipywidgets.Label("nothing yet"), ipywidgets.Label("nothing yet")
plane.observe(lambda _: setattr(tally, "value", str(plane.tally)), "tally")

def told(_):
    net = shelves.network
    loss = float(((net([[1, 2], [-3, 4]])[:, 0] - [1, -3]) ** 2).mean())
    opened.value = f"seed {shelves.opened['seed']} attempts {shelves.opened['attempts']} solved {shelves.opened['solved']} off {loss:.3f}"

shelves.observe(told, "opened")
ipywidgets.VBox([plane, shelves, tally, opened])
"""

KINDS = """\
import circuitkit as ck

run = ck.train("min", (3,), seeds=4, steps=50, learning_rate=0.5, progress=False)
display(ck.CircuitWidget("abs", "abs"), ck.WeightPlane(seeds=8), ck.LossShelves(run), ck.Mystery(),
        ck.FeatureArrows(goal=0.5), ck.Gallery(["abs"]), ck.Typed("abs(x)"), ck.WeightsReader(ck.circuit("abs")))
"""
N_KINDS = 8


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    """The address of a notebook in a JupyterLab of its own."""
    if shutil.which("jupyter-lab", path=os.path.dirname(sys.executable)) is None:
        pytest.fail("expected JupyterLab beside this Python; found none")
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for name, source in (("page", NOTEBOOK), ("pictures", PICTURES), ("kinds", KINDS)):
        cell = {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    for part in ("chapters", "reference"):
        shutil.copytree(BOOK / part, folder / part)
    shutil.copy(BOOK / "references.bib", folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Only the environment's own settings, extensions and kernels.
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(folder / "ipython"),
    }
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    # All cells at once, not those alone that are in sight.
    notebooks = folder / "settings" / "@jupyterlab" / "notebook-extension"
    notebooks.mkdir(parents=True)
    (notebooks / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--ip=127.0.0.1",
        "--IdentityProvider.token=local",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.user_settings_dir={folder / 'settings'}",
        f"--LabApp.app_settings_dir={BOOK / 'binder' / 'lab'}",
        "--LabApp.news_url=None",
        "--LabApp.expose_app_in_browser=True",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
    ]
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            for _ in range(1200):
                try:
                    urllib.request.urlopen(f"{address}/api?token=local", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.25)
            else:
                pytest.fail(f"JupyterLab did not start: {(folder / 'log.txt').read_text()[-2000:]}")
            yield f"{address}/lab/tree/page.ipynb?token=local"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:  # a busy machine
                server.kill()
                server.wait()


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """A notebook, and its kernel ready: before that, a cell that is run does nothing."""
    context = browser.new_context(viewport={"width": 1300, "height": 1100})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}&reset")  # without what other tests have left open
    expect(page.get_by_text("| Idle")).to_be_visible()
    yield page
    context.close()


def run_cell(page: Page) -> None:
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")


@contextmanager
def executed(browser: Browser, address: str) -> Iterator[Page]:
    """A notebook whose cell has run, until it shows a widget."""
    with opened(browser, address) as page:
        run_cell(page)
        expect(page.locator(".ck-widget").first).to_be_visible()
        yield page


@pytest.fixture(scope="module")
def page(browser: Browser, lab: str) -> Iterator[Page]:
    """The notebook, executed, with the widget in a VBox among other widgets."""
    with executed(browser, lab) as page:
        yield page


@pytest.fixture(scope="module")
def pictures(browser: Browser, lab: str) -> Iterator[Page]:
    """The plane of a unit and the networks on their shelves, live."""
    with executed(browser, lab.replace("page.ipynb", "pictures.ipynb")) as page:
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        assert errors == []


def label(page: Page):
    return page.locator(".widget-label").nth(0)


def field(page: Page, name: str):
    return page.get_by_role("spinbutton", name=name, exact=True)


def test_the_widget_composes_with_other_widgets(page):
    box = page.locator(".widget-vbox")
    expect(box.locator(".ck-widget")).to_be_visible()
    expect(box.get_by_role("button", name="Turn")).to_be_visible()
    expect(page.locator(".ck-caption")).to_contain_text("</script><img")
    assert page.evaluate("typeof hacked") == "undefined"


def test_a_sentence_with_a_number_reads_as_in_the_page(page):
    said = page.locator(".jp-OutputArea-output").filter(has_text="networks 473 found it")
    expect(said.locator("em", has_text="fewer")).to_be_visible()
    expect(said.locator(".katex, mjx-container").first).to_be_visible()


def test_moving_the_slider_changes_the_trait_and_tells_observers(page):
    page.get_by_role("slider", name="slider for input x").fill("-4")
    expect(label(page)).to_contain_text("x [-4")


def test_arrow_keys_reach_the_slider(page):
    slider = page.get_by_role("slider", name="slider for input x")
    slider.fill("2")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(label(page)).to_contain_text("x [2.1]")
    assert page.evaluate("document.activeElement.type") == "range"


def test_keys_in_a_weight_are_no_shortcuts_of_the_notebook(page):
    weight = field(page, "weight from x to hidden unit 2")
    weight.click()
    for key in ["a", "b", "d", "d", "x", "Escape"]:
        page.keyboard.press(key)
    assert page.locator(".jp-CodeCell").count() == 2  # the cell and the one that running it added
    page.get_by_role("button", name="Reset").click()


def test_a_dragged_weight_and_its_verdict_arrive_in_python(page):
    page.get_by_role("button", name="Reset").click()
    weight = field(page, "weight from x to hidden unit 1")
    box = weight.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 25, y, steps=5)
    page.mouse.move(x + 50, y, steps=5)
    page.mouse.up()
    expect(label(page)).to_contain_text(re.compile(r"weights \[\[\[2(\.0)?\]"))
    expect(label(page)).to_contain_text("verdict False")


def test_weights_set_in_python_are_drawn(page):
    page.get_by_role("button", name="Turn").click()
    expect(field(page, "weight from x to hidden unit 1")).to_have_value("2")
    expect(field(page, "weight from hidden unit 2 to the output")).to_have_value("−0.25")
    expect(page.locator(".ck-verdict")).to_contain_text("Not x yet")
    weight = field(page, "weight from hidden unit 2 to the output")
    weight.click()
    page.keyboard.type("-1/2")
    page.keyboard.press("Enter")
    expect(label(page)).to_contain_text("verdict True")


def test_weights_set_in_python_win_over_the_training_of_the_page(page):
    for _ in range(4):
        page.get_by_role("button", name="Reset").click()
        field(page, "weight from hidden unit 1 to the output").fill("0.3")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.locator(".ck-status")).to_contain_text(re.compile(r"Step \d\d"))
        page.get_by_role("button", name="Turn").click()
        expect(page.locator(".ck-message")).to_contain_text("training has paused")
        page.wait_for_timeout(700)
        expect(label(page)).to_contain_text("weights [[[2.0], [-2.0]], [[0.5, -0.25]]]")
        expect(field(page, "weight from x to hidden unit 1")).to_have_value("2")
        expect(field(page, "weight from hidden unit 2 to the output")).to_have_value("−0.25")


def test_bad_weights_are_refused_in_python_with_the_traits_name(page):
    page.get_by_role("button", name="Spoil").click()
    expect(page.locator(".widget-label").nth(1)).to_contain_text(
        "weights[0]: expected real numbers"
    )


def test_the_widget_follows_the_theme(page):
    background = "() => getComputedStyle(document.querySelector('.ck-widget')).backgroundColor"
    light = page.evaluate(background)
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    page.wait_for_function(f"light => ({background})() !== light", arg=light)
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")


def test_the_plane_counts_in_a_notebook_what_python_counts(pictures):
    plane = pictures.locator(".ck-plane")
    plane.get_by_role("button", name="Let 64 networks go").click()
    expect(plane.get_by_role("button", name="Once more")).to_be_visible()
    solved = ck.train("identity", (2,), seeds=64).solved.sum()
    counted = f"{{'learned': {solved}, 'networks': 64, 'steps': 500}}"
    expect(pictures.locator(".widget-label").nth(0)).to_have_text(counted)
    expect(plane.locator(".ck-plane-tally")).to_contain_text(f"{solved} of 64 networks")


def test_a_network_opened_and_lifted_in_a_notebook_arrives_in_python(pictures):
    run = ck.train("min", (3,), seeds=64, steps=2000, learning_rate=0.5)
    seed = int(run.seeds[~run.solved][0])
    shelves, said = pictures.locator(".ck-shelves"), pictures.locator(".widget-label").nth(1)
    shelves.get_by_label("seed", exact=True).fill(str(seed))
    shelves.get_by_role("button", name="Open").click()
    off = float(((run.network(seed)([[1, 2], [-3, 4]])[:, 0] - [1, -3]) ** 2).mean())
    expect(said).to_have_text(f"seed {seed} attempts 0 solved False off {off:.3f}")
    lifted = shelves.locator(".ck-shelves-words").nth(1)
    for attempt in range(1, 41):
        shelves.get_by_role("button", name="Redraw a unit").click()
        expect(lifted).to_contain_text(re.compile(f"Attempt {attempt}, .*(kept|put back)"))
        expect(said).to_contain_text(f"seed {seed} attempts {attempt} ")
        if "solved True" in said.inner_text():
            break
    expect(said).to_have_text(f"seed {seed} attempts {attempt} solved True off 0.000")


def test_letters_typed_into_a_seed_are_no_shortcuts_of_the_notebook(pictures):
    field = pictures.locator(".ck-shelves").get_by_label("seed", exact=True)
    field.click()
    for key in ["a", "b", "d", "d", "x", "Escape"]:
        pictures.keyboard.press(key)
    assert (
        pictures.locator(".jp-CodeCell").count() == 2
    )  # the cell and the one that running it added
    expect(pictures.locator(".ck-plane")).to_be_visible()


def test_the_pictures_follow_the_theme_of_the_notebook(pictures):
    background = "(c) => getComputedStyle(document.querySelector(c)).backgroundColor"
    light = [pictures.evaluate(background, c) for c in (".ck-plane", ".ck-shelves")]
    pictures.evaluate("document.body.dataset.jpThemeLight = 'false'")
    for c, before in zip((".ck-plane", ".ck-shelves"), light, strict=True):
        pictures.wait_for_function(f"([c, b]) => ({background})(c) !== b", arg=[c, before])
    pictures.evaluate("document.body.dataset.jpThemeLight = 'true'")


@pytest.fixture(scope="module")
def chapters(browser: Browser, lab: str) -> Iterator[Page]:
    """A JupyterLab beside the chapters."""
    context = browser.new_context(viewport={"width": 1300, "height": 1100})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(lab.split("/tree/")[0] + "?token=local&reset")
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('docmanager:open')")
    yield page
    context.close()


def open_chapter(chapters: Page, name: str) -> Locator:
    """The cells of text of a chapter, as they look before anything is executed: no kernel is needed."""
    chapters.evaluate(
        """async (path) => {
          await jupyterapp.commands.execute("application:close-all");
          const kernelPreference = { shouldStart: false, canStart: false, autoStartDefault: false };
          jupyterapp.commands.execute("docmanager:open", { path, factory: "Notebook", kernelPreference });
        }""",
        f"chapters/{name}.ipynb",
    )
    cells = chapters.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-MarkdownCell")
    expect(cells.first).to_be_visible()
    return cells


@pytest.mark.parametrize("name", sorted(path.stem for path in CHAPTERS.glob("*.ipynb")))
def test_a_chapter_shows_no_markup_as_it_is_typed_and_no_link_that_leads_nowhere(chapters, name):
    cells = open_chapter(chapters, name)
    written = json.loads((CHAPTERS / f"{name}.ipynb").read_text("utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in written if cell["cell_type"] == "markdown"]
    local = sum(len(re.findall(r"\]\((?!https?:)[^)\s]+\)", text)) for text in texts)

    def raw() -> list[str]:
        typed = [t for t in cells.all_inner_texts() if re.search(TYPED, t, re.MULTILINE)]
        return typed + cells.evaluate_all(DEAD)

    def files() -> list[str]:
        links = cells.evaluate_all(
            "(cells) => cells.flatMap((c) => [...c.querySelectorAll('a')].map((a) => a.href))"
        )
        paths = [unquote(urlsplit(link).path) for link in links]
        return [path.split("/files/", 1)[1] for path in paths if "/files/" in path]

    chapters.wait_for_timeout(1_000)  # a cell is rendered some time after it is there
    for _ in range(100):
        if cells.count() == len(texts) and not raw() and len(files()) == local:
            break
        chapters.wait_for_timeout(500)
    assert cells.count() == len(texts)
    assert raw() == []
    assert len(files()) == local > 0
    assert [path for path in files() if not (BOOK / path).is_file()] == []


def test_a_link_in_a_chapter_opens_what_it_leads_to_beside_it(browser, lab):
    with opened(browser, lab.replace("page.ipynb", "chapters/abs.ipynb")) as page:
        tabs = page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab")
        for text, file in (
            ("Adding and subtracting", "arithmetic.ipynb"),
            ("piecewise linear", "glossary.md"),
        ):
            tabs.filter(has_text="abs.ipynb").click()
            # A click before JupyterLab has made an address of it would leave the page.
            page.locator(".jp-MarkdownCell a[href*='/files/']").get_by_text(
                text, exact=True
            ).first.click()
            expect(tabs.filter(has_text=file)).to_be_visible()
        preview = page.locator(".jp-MarkdownViewer")
        expect(preview.get_by_role("heading", name="Glossary")).to_be_visible()


def test_after_a_restart_of_the_kernel_the_view_says_that_python_has_stopped(page):
    page.evaluate("() => { jupyterapp.commands.execute('notebook:restart-kernel'); }")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".ck-message")).to_contain_text("Python has stopped or was restarted")
    page.get_by_role("slider", name="slider for input x").fill("-2")
    expect(page.get_by_role("spinbutton", name="input x", exact=True)).to_have_value("−2")


def test_every_kind_says_that_python_has_stopped_and_leaves_a_picture_for_another_day(browser, lab):
    """One notebook: run, its kernel restarted, saved, opened again without what ran, run again."""
    address = lab.replace("page.ipynb", "kinds.ipynb")
    with executed(browser, address) as page:
        expect(page.locator(".ck-reader-verdict")).to_be_visible()  # the last one
        expect(page.locator(".ck-picture")).to_have_count(N_KINDS)
        for picture in page.locator(".ck-picture").all():
            expect(picture).to_be_hidden()
        page.evaluate("() => { jupyterapp.commands.execute('notebook:restart-kernel'); }")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(page.get_by_text("Python has stopped or was restarted")).to_have_count(N_KINDS)
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    with opened(browser, address) as page:
        expect(page.locator(".ck-picture")).to_have_count(N_KINDS)
        for picture in page.locator(".ck-picture").all():
            expect(picture).to_be_visible()
            expect(picture).to_contain_text("run this cell again")
        run_cell(page)
        expect(page.locator(".ck-mystery").first).to_be_visible()
        for picture in page.locator(".ck-picture").all():
            expect(picture).to_be_hidden()
