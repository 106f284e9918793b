"""Widgets in an exported notebook: the first cell that shows one carries what its HTML needs to run by itself."""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import IPython
import pytest
from nodejs import run

import circuitkit as ck
from circuitkit.widget import page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import book  # noqa: E402

#: enough of a browser for scripts that wait until the page has loaded
BROWSER = """
import { readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";
Object.assign(globalThis, { window: globalThis, document: { readyState: "loading" }, addEventListener() {} });
for (const script of JSON.parse(readFileSync(INPUT, "utf-8"))) runInThisContext(script);
console.log(JSON.stringify(Object.keys(window.circuitkit.renderers)));
"""


@pytest.fixture
def kernel(monkeypatch) -> types.SimpleNamespace:
    """A notebook's kernel, as far as a widget asks for it; ``cell`` is the one that runs."""
    now = types.SimpleNamespace(cell="first", execution_count=1, kernel=object())
    now.get_parent = lambda: {"metadata": {"cellId": now.cell}}
    now.published = []
    now.display_pub = types.SimpleNamespace(publish=lambda **said: now.published.append(said))
    monkeypatch.setattr(page, "_carriers", {})
    monkeypatch.setattr(IPython, "get_ipython", lambda: now)
    return now


def shown(widget: Any) -> str:
    return widget._repr_mimebundle_()[0]["text/html"]


def carried(text: str) -> list[str]:
    """The scripts that a cell's HTML carries."""
    before, after = map(re.escape, page.CARRIED)
    inside = re.findall(f"{before}(.*?){after}", text, re.DOTALL)
    return re.findall(r"<script>(.*?)</script>", "".join(inside), re.DOTALL)


@pytest.fixture
def renderers(tmp_path) -> Callable[[list[str]], list[str]]:
    """The modules that can be drawn once some scripts have run, one after the other."""

    def found(scripts: list[str]) -> list[str]:
        file = tmp_path / "scripts.json"
        file.write_text(json.dumps(scripts), encoding="utf-8")
        return run(BROWSER, str(file))

    return found


@pytest.mark.parametrize(
    ("made", "module"),
    [
        (lambda: ck.CircuitWidget("abs", "abs"), "widget"),
        (lambda: ck.CircuitWidget("abs", "abs", panels=["compare"]), "compare"),
        (lambda: ck.FeatureArrows(), "arrows"),
        (lambda: ck.Typed("abs(x)"), "typed"),
    ],
)
def test_a_cell_carries_scripts_that_can_draw_what_it_shows(kernel, renderers, made, module):
    text = shown(made())
    assert module in renderers(carried(text))
    if module != "widget":
        assert f'data-module="{module}"' in text
        assert page.Added(module).style_source in text


def test_what_a_cell_above_has_brought_is_not_brought_again(kernel, renderers):
    first = carried(shown(ck.CircuitWidget("abs", "abs")))
    kernel.cell = "second"
    second = carried(shown(ck.FeatureArrows()))
    assert first
    assert second
    assert not set(first) & set(second)
    assert "arrows" in renderers([*first, *second])
    kernel.cell = "third"
    assert carried(shown(ck.FeatureArrows())) == []


def test_a_cell_that_runs_again_carries_its_parts_again(kernel):
    once = carried(shown(ck.FeatureArrows()))
    assert once
    assert carried(shown(ck.FeatureArrows())) == once


def test_where_cells_have_no_name_their_number_tells_them_apart(kernel):
    kernel.get_parent = dict
    assert carried(shown(ck.FeatureArrows()))
    kernel.execution_count = 2
    assert carried(shown(ck.FeatureArrows())) == []


def test_scripts_that_come_twice_do_no_harm(kernel, renderers):
    scripts = carried(shown(ck.Typed("abs(x)")))
    assert renderers(scripts + scripts) == renderers(scripts)


@pytest.mark.parametrize(
    "made",
    [lambda: ck.CircuitWidget("abs", "abs"), lambda: ck.FeatureArrows(), lambda: ck.Mystery()],
)
def test_a_notebook_keeps_a_picture_that_says_how_to_go_on(kernel, made, tmp_path):
    widget = made()
    text = shown(widget)
    (said,) = kernel.published
    picture = said["data"]["text/html"]
    assert "run this cell again" in picture and "run this cell again" in said["data"]["text/plain"]
    assert f'class="ck-picture" data-key="{widget._config["key"]}"' in picture
    assert "<script" not in picture
    assert said["metadata"] == {page.PICTURE: True}
    assert page.PICTURE == book.PICTURE
    assert re.findall("<svg|<ul|<p", picture)
    assert ".ck-picture{display:none}" in text  # an exported page lives
    # The book takes it out: there the widget is alive, or its own picture stands there.
    out = {"output_type": "display_data", **said}
    other = {"output_type": "stream", "name": "stdout", "text": "1"}
    cells = [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": [out, other]}]
    file = tmp_path / "chapter.ipynb"
    file.write_text(json.dumps({"cells": cells, "metadata": {"widgets": {}}}), "utf-8")
    book.drop_widget_state(file)
    left = json.loads(file.read_text("utf-8"))
    assert left["cells"][1]["outputs"] == [other] and left["metadata"] == {}


@pytest.mark.parametrize("shell", [None, types.SimpleNamespace()])
def test_outside_of_a_notebook_nothing_is_carried(monkeypatch, shell):
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    text = shown(ck.FeatureArrows())
    assert page.CARRIED[0] not in text
    assert "<script>" not in text
