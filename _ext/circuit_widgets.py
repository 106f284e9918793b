"""Ships the widget with the book: one script, one style sheet, only on pages that show a widget.

The script and the style sheet are those that Jupyter runs (``circuitkit.widget.page.module_source`` and
``style_source``), here without comments and blanks; ``hydrate.mjs`` starts them on a page without a
kernel. What reads weights (``circuitkit.widget.reader``) is a script and a style sheet of its own, for the
pages that show it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import rcssmin
import rjsmin
from sphinx.application import Sphinx
from sphinx.config import Config

from circuitkit.widget import page, reader

FOLDER = "circuitkit"
_COMMENT_OR_TEXT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`""", re.DOTALL
)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", write_assets)
    app.connect("html-page-context", start_widgets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def assets() -> dict[str, str]:
    """File name -> content of everything a page with widgets loads."""
    hydrate = (page.STATIC / "hydrate.mjs").read_text(encoding="utf-8")
    scripts = {
        "widget.mjs": minified(page.module_source()),
        "reader.mjs": minified(reader.page_source()),
        "hydrate.mjs": minified(hydrate),
    }
    # A reader who comes back must not meet yesterday's module in the browser's cache.
    for name in ("widget.mjs", "reader.mjs"):
        version = hashlib.sha256(scripts[name].encode()).hexdigest()[:8]
        for other, script in scripts.items():
            scripts[other] = script.replace(f"./{name}", f"./{name}?v={version}")
    return {
        **scripts,
        "widget.css": rcssmin.cssmin(page.style_source()),
        "reader.css": rcssmin.cssmin(reader.style_source()),
    }


def minified(source: str) -> str:
    """The script without comments and needless blanks.

    rjsmin does not know that a template literal may hold another, so they step aside meanwhile.
    """
    templates: list[str] = []
    parts: list[str] = []
    at = 0
    while found := _COMMENT_OR_TEXT.search(source, at):
        if found.group() == "`":
            end = _template_end(source, found.end())
            parts += [source[at : found.start()], f"TEMPLATE{len(templates)}_"]
            templates.append(source[found.start() : end])
        else:
            end = found.end()
            parts.append(source[at:end])
        at = end
    script: str = rjsmin.jsmin("".join([*parts, source[at:]]))
    return re.sub(r"TEMPLATE(\d+)_", lambda m: templates[int(m.group(1))], script)


def _template_end(source: str, at: int) -> int:
    """Where the template literal ends whose opening backtick lies just before ``at``."""
    while source[at] != "`":
        if source[at] == "\\":
            at += 2
        elif source.startswith("${", at):
            at = _braces_end(source, at + 2)
        else:
            at += 1
    return at + 1


def _braces_end(source: str, at: int) -> int:
    """Where the expression ends whose opening brace lies just before ``at``."""
    while source[at] != "}":
        found = _COMMENT_OR_TEXT.match(source, at)
        if source[at] == "{":
            at = _braces_end(source, at + 1)
        elif source[at] == "`":
            at = _template_end(source, at + 1)
        else:
            at = found.end() if found else at + 1
    return at + 1


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
        app.add_css_file(f"{FOLDER}/widget.css")
        app.add_js_file(f"{FOLDER}/hydrate.mjs", type="module")
    if 'data-module="reader"' in context.get("body", ""):
        app.add_css_file(f"{FOLDER}/reader.css")
