"""Measure how tall each widget of the built pages is once it lives, on screens of four widths.

    python scripts/heights.py                  of all pages
    python scripts/heights.py chapters/abs     of this one, the others as they were

Until a widget has started, a still picture stands in its place, which is not as tall; what is written here,
into _ext/widget_heights.json, is kept free for it (_ext/circuit_widgets.py), so that nothing below moves.
A test compares: run this after a change to a chapter's widgets or to their look, with the pages built.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer

import book
from browsers import chromium, named
from playwright.sync_api import Page, sync_playwright

ROOT = book.ROOT
sys.path.insert(0, str(ROOT / "_ext"))

from circuit_widgets import PLACE, WIDTHS  # noqa: E402 - which keeps free what is measured here

HTML = ROOT / "build" / "book" / "_build" / "html"
WRITTEN = ROOT / "_ext" / "widget_heights.json"
PATIENCE = 400  # looks, 50 ms apart


def heights(page: Page) -> list[int]:
    """Of all widgets on a page, in pixels, each started, and what is folded opened."""
    page.add_style_tag(content="* { content-visibility: visible !important; }")
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    places = page.locator(".ck-static")
    for place in places.all():
        for _ in range(PATIENCE):
            if place.evaluate(
                "e => { e.scrollIntoView({ block: 'nearest' }); return e.dataset.state === 'live'; }"
            ):
                break
            page.wait_for_timeout(50)
        else:
            sys.exit(f"error: a widget of {page.url} does not start")
    page.wait_for_timeout(300)
    return [round(e.bounding_box()["height"]) for e in places.all()]  # type: ignore[index]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", help="such as chapters/abs; all of them by default")
    options = parser.parse_args()
    if not (HTML / "index.html").exists():
        sys.exit("error: no pages yet; run `make html`")
    there = [
        path.relative_to(HTML).with_suffix("").as_posix()
        for path in sorted(HTML.rglob("*.html"))
        if PLACE in path.read_text("utf-8")
    ]
    asked = named(options.pages, there)
    browser = chromium()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(book.Quiet, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found: dict[str, list[list[int]]] = json.loads(WRITTEN.read_text("utf-8")) if asked else {}
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser)
        for name in asked or there:
            columns = []
            for width in WIDTHS:
                page = opened.new_page(viewport={"width": width, "height": 900})
                page.goto(f"http://127.0.0.1:{server.server_port}/{name}.html")
                columns.append(heights(page))
                page.close()
            found[name] = [list(row) for row in zip(*columns, strict=True)]
            print(name, found[name], flush=True)
    server.shutdown()
    lines = (f"  {json.dumps(name)}: {json.dumps(rows)}" for name, rows in found.items())
    WRITTEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
