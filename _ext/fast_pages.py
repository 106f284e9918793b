"""What makes the built pages fast and calm, done last, when all else about them is done.

- One style sheet with only the rules that the book uses, one script for what all pages run, both found
  before the fonts; search is loaded where one searches (:mod:`page_styles`, :mod:`page_scripts`).
- Every picture's size stands in the page (:mod:`page_images`).
- A folded solution is the browser's own ``details``: nothing folds up under the eyes of who reads on.

What of it is a matter of style is in ``_static/book.css``: sections far below are not laid out before they
come near, and the fonts that stand in until the book's own have come are as wide as those.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from reference_parts import FIRST
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator
from sphinx_exercise.nodes import solution_node

#: of what a page shows first
PRELOADED = tuple(
    f"source-serif-4-latin-{face}" for face in ("400-normal", "700-normal", "400-italic")
)
FOR_FORMULAS = "stix-two-math"
#: The theme sets the colors late, when its script comes, and stops where nothing may be kept. What is not
#: served has its fonts at hand, and a browser that may not preload them from a disk says so as an error.
_FIRST = (
    "<script>{const d = document.documentElement, of = (k) => {try {return localStorage.getItem(k)} catch {}};"
    'd.dataset.mode = of("mode") || "auto";'
    'd.dataset.theme = {light: "light", dark: "dark"}[d.dataset.mode] || '
    '(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");'
    'if (location.protocol !== "file:") for (const name of NAMES) document.head.append(Object.assign('
    'document.createElement("link"), {rel: "preload", as: "font", type: "font/woff2", crossOrigin: "",'
    "href: `${d.dataset.content_root}_static/fonts/${name}.woff2`}));}</script>"
)
_THEMES_FIRST = re.compile(r'<script data-cfasync="false">.*?</script>', re.DOTALL)
_TITLE = re.compile(
    r'(<details class="[^"]*\bsolution\b[^"]*"[^>]*>\s*)<p class="admonition-title">(.*?)</p>',
    re.DOTALL,
)


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx_exercise")  # whose way to write a solution is replaced
    app.add_node(solution_node, override=True, html=(open_solution, close_solution))
    app.connect("html-page-context", drop_toggles, priority=900)
    app.connect("html-page-context", unfold_contents)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def fold_and_preload(site: Path, pages: dict[str, str]) -> None:
    """What opens a solution is the browser's own; fonts and colors are there before the first word."""
    for address, html in pages.items():
        fonts = (*PRELOADED, FOR_FORMULAS) if "<math" in html else PRELOADED
        first = _FIRST.replace("NAMES", json.dumps(fonts))
        html = _TITLE.sub(_summary, html)
        pages[address] = _THEMES_FIRST.sub(lambda _, first=first: first, html, count=1)


def _summary(found: re.Match[str]) -> str:
    """What opens a solution; a link in it would be a button within a button."""
    title = re.sub(r"</?a\b[^>]*>", "", found[2])
    return f'{found[1]}<summary class="admonition-title">{title}</summary>'


def unfold_contents(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """A long list beside the text does not fold and unfold itself while one reads on."""
    if pagename.startswith(f"{FIRST}-"):
        context["theme_show_toc_level"] = 3  # the page, its sections, their classes and functions


# --- folded solutions --------------------------------------------------------------------------


def open_solution(self: HTML5Translator, node: nodes.Element) -> None:
    element = "details" if "dropdown" in node["classes"] else "div"
    self.body.append(self.starttag(node, element, CLASS="admonition"))


def close_solution(self: HTML5Translator, node: nodes.Element) -> None:
    self.body.append("</details>\n" if "dropdown" in node["classes"] else "</div>\n")


def drop_toggles(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """What folds by a script is folded by the browser here."""
    context["script_files"] = [
        each for each in context.get("script_files", []) if not _toggles(each)
    ]
    context["css_files"] = [each for each in context.get("css_files", []) if not _toggles(each)]


def _toggles(asset: Any) -> bool:
    body = getattr(asset, "attributes", {}).get("body") or ""
    return "togglebutton" in f"{getattr(asset, 'filename', asset)}{body}" or body.startswith(
        "let toggle"
    )
