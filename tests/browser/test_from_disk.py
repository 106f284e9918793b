"""Pages opened from a disk, without any server: a zip, an artifact, a stick in class."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from conftest import HTML, built_pages
from playwright.sync_api import Browser, expect
from starting import start_all

import circuitkit as ck

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "_ext"), str(ROOT / "scripts")]

from book import FROM_A_SERVER  # noqa: E402

SCRIPT = re.compile(r'<script\b[^>]*\bsrc="[^"]*?([\w-]+\.js)')


def one_of_each_kind() -> list[str]:
    """Pages with widgets that together load all scripts that any of them loads, at both depths."""
    scripts = {
        name: {*SCRIPT.findall(html), str(Path(name).parent)}
        for name in built_pages()
        if 'class="ck-static"' in (html := (HTML / name).read_text("utf-8"))
    }
    chosen: list[str] = []
    missing = set().union(*scripts.values())
    while missing:
        best = max(scripts, key=lambda name: len(scripts[name] & missing))
        chosen.append(best)
        missing -= scripts[best]
    return chosen


@pytest.fixture
def opened(browser: Browser, tmp_path):
    """Open HTML from a file, with the network off; at the end nothing may have failed."""
    problems: list[str] = []
    context = browser.new_context(viewport={"width": 1000, "height": 900}, offline=True)

    def open_file(html: str, name: str = "page.html"):
        (tmp_path / name).write_text(html, encoding="utf-8")
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.goto((tmp_path / name).as_uri())
        return page

    yield open_file
    context.close()
    assert problems == []


def test_widgets_and_the_reader_of_weights_live_in_a_page_opened_from_a_disk(opened, tmp_path):
    from circuit_widgets import assets

    for name, text in assets().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    widgets = [ck.CircuitWidget("min", "min"), ck.WeightsReader(ck.circuit("abs"))]
    body = "".join(w._repr_mimebundle_()[0]["text/html"] for w in widgets)
    links = "".join(f'<link rel="stylesheet" href="{n}.css">' for n in ("widget", "reader"))
    scripts = "".join(f'<script defer src="{n}.js"></script>' for n in ("widget", "reader"))
    page = opened(f'<!doctype html><meta charset="utf-8">{links}{scripts}{body}')
    expect(page.locator(".ck-static").first).to_have_attribute("data-state", "live")
    page.locator(".ck-static").last.scroll_into_view_if_needed()
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes abs(x) exactly")
    field = page.get_by_role("spinbutton", name="weight from x₁ to hidden unit 1").first
    field.click()
    page.keyboard.type("1/3")
    page.keyboard.press("Enter")
    expect(page.locator(".ck-verdict").first).to_contain_text("Not min(x₁, x₂) yet")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """The zip of the whole book that the landing page offers, unpacked."""
    (packed,) = HTML.glob("*.zip")
    folder = tmp_path_factory.mktemp("stick")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return folder / packed.stem


def test_the_pages_of_the_zip_are_those_of_the_site_but_for_what_needs_a_server(unpacked):
    for name in built_pages():
        whole = (HTML / name).read_text("utf-8")
        assert (unpacked / name).read_text("utf-8") == FROM_A_SERVER.sub("", whole), name


@pytest.mark.parametrize("name", one_of_each_kind())
def test_every_kind_of_widget_of_the_zip_lives_when_it_is_opened_from_a_disk(
    browser, unpacked, name
):
    context = browser.new_context(offline=True)
    problems: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto((unpacked / name).as_uri())
    page.set_default_timeout(30_000)
    start_all(page)
    context.close()
    assert problems == []


def test_the_zip_holds_the_whole_book_and_can_be_searched(browser, unpacked):
    assert {p.relative_to(unpacked) for p in unpacked.rglob("*.html")} == {
        p.relative_to(HTML) for p in HTML.rglob("*.html")
    }
    context = browser.new_context(offline=True)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto((unpacked / "index.html").as_uri())
    expect(page.locator('a[href$=".zip"]')).to_have_count(0)
    page.locator('.book-chapters a[href$="abs.html"]').evaluate("link => link.click()")
    expect(page.locator("h1").first).to_contain_text("The absolute value")
    page.goto((unpacked / "search.html").as_uri() + "?q=positiveness")
    expect(page.locator("#search-results li").first).to_be_visible()
    expect(page.locator("#search-results")).to_contain_text("found")
    context.close()
    assert problems == []


CELLS = (
    "import circuitkit as ck\nck.CircuitWidget('identity', 'identity')",
    "ck.CircuitWidget('min', 'min')",
    "ck.WeightPlane(seeds=8)",
    "ck.LossShelves(ck.train('min', (3,), seeds=4, steps=50, learning_rate=0.5, progress=False))",
    "ck.Mystery()",
    "ck.FeatureArrows(goal=0.5)",
    "ck.Gallery(['abs', 'min'])",
    "ck.Typed('abs(x)')",
    "ck.WeightsReader(ck.circuit('abs'))",
)


def test_an_exported_notebook_is_alive_without_any_network(browser, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    nbformat.write(notebook, tmp_path / "page.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "page.ipynb"]
    done = subprocess.run(
        [*command, "--NotebookClient.store_widget_state=False"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path / "ipython")},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "page.html").read_text("utf-8")
    assert html.count("window.circuitkit = {") == 1  # carried once
    context = browser.new_context(offline=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri(), wait_until="domcontentloaded")
    expect(page.locator(".ck-static")).to_have_count(len(CELLS))
    for place in page.locator(".ck-static").all():
        place.scroll_into_view_if_needed()
        expect(place).to_have_attribute("data-state", "live")
    for picture in page.locator(".ck-picture").all():
        expect(picture).to_be_hidden()  # what lives needs none
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes abs(x) exactly")
    assert [e for e in errors if "circuitkit" in e] == []
    context.close()
