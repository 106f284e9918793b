"""Ships the widget with the book: one script, one style sheet, only on pages that show a widget.

They are those that Jupyter runs (:mod:`circuitkit.widget.page`), in fewer letters, the script as a classic
one, so that a page opened from a disk is alive. Seeds side by side (the panel ``"compare"``), what reads weights
(``circuitkit.widget.reader``), the plane of a unit (``circuitkit.widget.plane``), networks on their shelves
(``circuitkit.widget.shelves``), unlabelled ones (``circuitkit.widget.mystery``), features as arrows
(``circuitkit.widget.arrows``), the catalogue (``circuitkit.widget.gallery``) and the field for a function
(``circuitkit.widget.typed``) are a script and a style sheet each, for the pages that show them.

What a widget will take of the page is kept free for it, as ``scripts/heights.py`` has measured it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from circuitkit.widget import (
    arrows,
    circuit_widget,
    gallery,
    mystery,
    page,
    plane,
    reader,
    shelves,
    typed,
)

try:
    import minify
except ModuleNotFoundError:  # no wheel of it for this machine: the same script, only longer
    minify = None

FOLDER = "circuitkit"
#: page -> for each widget how tall it is, once it lives, on screens of the four widths
HEIGHTS = json.loads((Path(__file__).parent / "widget_heights.json").read_text("utf-8"))
WIDTHS = (360, 640, 768, 1280)
PLACE = '<div class="ck-static"'
#: an exported notebook carries the script in its first widget; a page of the book has it as a file
_CARRIED = re.compile(f"{re.escape(page.CARRIED[0])}.*?{re.escape(page.CARRIED[1])}", re.DOTALL)
_SCRIPT, _STYLE = "text/javascript", "text/css"
#: The minifier joins declarations that follow one another and then moves those with a pattern to the front, past
#: what they read or come after: `const a = f(), [b] = g((a))` becomes `const [b] = g((a)), a = f()`, which stops.
#: It joins no `let` with a `const`; so only patterns stay constants.
_CONSTANT = re.compile(r"\bconst (?=[A-Za-z_$])")
#: what a place names as its module -> what that needs beside the widget's own
_ADDED = {
    each.ADDED.name: each.ADDED
    for each in (arrows, circuit_widget, gallery, mystery, plane, reader, shelves, typed)
}


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", write_assets)
    app.connect("html-page-context", start_widgets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def assets() -> dict[str, str]:
    """File name -> content of everything a page with widgets loads."""
    found = {
        "widget.js": page.page_script(),
        "widget.css": page.style_source(),
        "language.js": page.language_script(),
    }
    for name, own in _ADDED.items():
        found |= {f"{name}.js": own.page_script, f"{name}.css": own.style_source}
    return {
        name: _small(_SCRIPT if name.endswith(".js") else _STYLE, source)
        for name, source in found.items()
    }


def _small(kind: str, source: str) -> str:
    if minify is None:
        return source
    if kind == _SCRIPT:
        source = _CONSTANT.sub("let ", source)
    return str(minify.string(kind, source))


def write_assets(app: Sphinx, config: Config) -> None:
    root = Path(app.doctreedir) / "circuit_widgets"
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in assets().items():
        (folder / name).write_text(text, encoding="utf-8")
    config.html_static_path.append(str(root))


def start_widgets(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    if 'class="ck-static"' in context.get("body", ""):
        context["body"] = keep_free(_CARRIED.sub("", context["body"]), HEIGHTS.get(pagename, []))
        app.add_css_file(f"{FOLDER}/widget.css")
        app.add_js_file(f"{FOLDER}/widget.js", loading_method="defer")
    shown = [
        own for own in _ADDED.values() if f'data-module="{own.name}"' in context.get("body", "")
    ]
    if any(own.reads for own in shown):
        app.add_js_file(f"{FOLDER}/language.js", loading_method="defer")
    for name in (own.name for own in shown):
        app.add_css_file(f"{FOLDER}/{name}.css")
        app.add_js_file(f"{FOLDER}/{name}.js", loading_method="defer")


def keep_free(body: str, heights: Sequence[Sequence[int]]) -> str:
    """Each place of a widget says how tall it will be, for ``_static/book.css``; none of a page whose widgets are others.

    >>> keep_free('<div class="ck-static" data-key="a">', [(4, 3, 2, 1)])
    '<div class="ck-static" style="--tall-360:4px;--tall-640:3px;--tall-768:2px;--tall-1280:1px" data-key="a">'
    >>> keep_free('<div class="ck-static" data-key="a">', [])
    '<div class="ck-static" data-key="a">'
    """
    between = body.split(PLACE)
    if len(between) - 1 != len(heights):
        return body
    styles = (
        ";".join(f"--tall-{width}:{height}px" for width, height in zip(WIDTHS, row, strict=True))
        for row in heights
    )
    return between[0] + "".join(
        f'{PLACE} style="{style}"{after}' for style, after in zip(styles, between[1:], strict=True)
    )
