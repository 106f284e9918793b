"""How far a reader has come, on the landing page: each card says what of its chapter is solved.

What is solved stays in the reader's own browser, where widgets and answer boxes have put it; the
landing page counts it there, and nothing is sent anywhere.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

HERE = Path(__file__).resolve().parent
#: where the list of what there is to solve will stand
_PLACE = '<script type="application/json" id="book-to-solve"></script>'
_WIDGET = re.compile(
    r'<div class="ck-static".*?<script type="application/json">(.*?)</script>', re.DOTALL
)
_ANSWER = re.compile(r'<div class="book-answer[^>]*?data-label="([^"]*)"')


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", bring_script)
    app.connect("html-page-context", start_counting)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def bring_script(app: Sphinx, config: Config) -> None:
    config.html_static_path.append(str(HERE / "progress"))


def start_counting(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    if pagename == app.config.root_doc and "body" in context:
        context["body"] += _PLACE
        app.add_js_file("progress.js", loading_method="defer")


def say_what_there_is(site: Path, pages: dict[str, str]) -> None:
    """Write into the landing page what there is to solve on it and in the chapters."""
    landing = [address for address, page in pages.items() if _PLACE in page]
    found = {
        address: to_solve(address.rpartition("/")[2], pages[address])
        for address in [*landing, *(a for a in pages if a.startswith("chapters/"))]
    }
    data = json.dumps({name: keys for name, keys in found.items() if keys}, ensure_ascii=False)
    data = data.replace("<", "\\u003c")  # nothing in it ends the element
    filled = _PLACE.replace("><", f">{data}<")
    for address in landing:
        pages[address] = pages[address].replace(_PLACE, filled)


def to_solve(name: str, page: str) -> list[str]:
    """The names under which a browser keeps what is solved on a page: puzzles, levels, answers."""
    keys = []
    for data in _WIDGET.findall(page):
        config = json.loads(data)["_config"]
        challenge = config.get("challenge")
        if isinstance(challenge, dict):
            keys.append(f"circuitkit:challenge:{challenge['key']}")
        elif challenge and config.get("goal") is not None:
            keys.append(f"circuitkit:challenge:{challenge}")
        levels = [level["key"] for level in config.get("levels", []) if level["key"]]
        keys += [f"circuitkit:challenge:mystery-{key}" for key in levels]
    keys += [f"book-answer:{name}:{html.unescape(label)}" for label in _ANSWER.findall(page)]
    return list(dict.fromkeys(keys))
