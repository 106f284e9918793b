"""Ships the widget with the book: one script, one style sheet, only on pages that show a widget.

The script and the style sheet are those that Jupyter runs (``circuitkit.widget.module_source`` and
``style_source``), here without comments and blanks; ``hydrate.mjs`` starts them on a page without a
kernel.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import rcssmin
import rjsmin
from sphinx.application import Sphinx
from sphinx.config import Config

from circuitkit import widget

FOLDER = "circuitkit"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", write_assets)
    app.connect("html-page-context", start_widgets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def assets() -> dict[str, str]:
    """File name -> content of everything a page with widgets loads."""
    module = rjsmin.jsmin(widget.module_source())
    version = hashlib.sha256(module.encode()).hexdigest()[:8]
    hydrate = (Path(widget.__file__).parent / "static" / "hydrate.mjs").read_text(encoding="utf-8")
    return {
        "widget.mjs": module,
        # A reader who comes back must not meet yesterday's module in the browser's cache.
        "hydrate.mjs": rjsmin.jsmin(hydrate.replace("./widget.mjs", f"./widget.mjs?v={version}")),
        "widget.css": rcssmin.cssmin(widget.style_source()),
    }


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
