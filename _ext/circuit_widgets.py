"""Ships the widget with the book: one script, one style sheet, only on pages that show a widget.

The script and the style sheet are those that Jupyter runs (``circuitkit.widget.page.module_source`` and
``style_source``), here in fewer letters; ``hydrate.mjs`` starts them on a page without a
kernel. What reads weights (``circuitkit.widget.reader``) is a script and a style sheet of its own, for the
pages that show it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from circuitkit.widget import page, reader

try:
    import minify
except ModuleNotFoundError:  # no wheel of it for this machine: the same script, only longer
    minify = None

FOLDER = "circuitkit"
_SCRIPT, _STYLE = "text/javascript", "text/css"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", write_assets)
    app.connect("html-page-context", start_widgets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def assets() -> dict[str, str]:
    """File name -> content of everything a page with widgets loads."""
    hydrate = (page.STATIC / "hydrate.mjs").read_text(encoding="utf-8")
    scripts = {
        "widget.mjs": _small(_SCRIPT, page.module_source()),
        "reader.mjs": _small(_SCRIPT, reader.page_source()),
        "hydrate.mjs": _small(_SCRIPT, hydrate),
    }
    # A reader who comes back must not meet yesterday's module in the browser's cache.
    for name in ("widget.mjs", "reader.mjs"):
        version = hashlib.sha256(scripts[name].encode()).hexdigest()[:8]
        for other, script in scripts.items():
            scripts[other] = script.replace(f"./{name}", f"./{name}?v={version}")
    return {
        **scripts,
        "widget.css": _small(_STYLE, page.style_source()),
        "reader.css": _small(_STYLE, reader.style_source()),
    }


def _small(kind: str, source: str) -> str:
    return source if minify is None else str(minify.string(kind, source))


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
