"""What is done to the built pages when all of them are there: each is read once, passed on, and written once.

A step gets the folder of the site and its pages, address -> HTML, and changes them in place. Their order counts:
fonts and the one style sheet keep what the pages show, and a page may run those scripts that it has at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from book_site import polish_pages
from content_security import say_what_is_allowed
from fast_pages import fold_and_preload
from page_fonts import keep_used_icons, keep_used_letters
from page_images import size_images
from page_scripts import join_scripts
from page_styles import join_styles
from reader_progress import say_what_there_is
from sphinx.application import Sphinx

STEPS: tuple[Callable[[Path, dict[str, str]], None], ...] = (
    say_what_there_is,
    polish_pages,
    keep_used_icons,
    keep_used_letters,
    fold_and_preload,
    size_images,
    join_scripts,
    join_styles,
    say_what_is_allowed,
)


def setup(app: Sphinx) -> dict[str, Any]:
    # After the extensions that write pages by themselves, such as those that lead on to others.
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def finish(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages = pages_of(site)
    for step in STEPS:
        step(site, pages)
    for address, html in pages.items():
        (site / address).write_text(html, "utf-8")


def pages_of(site: Path) -> dict[str, str]:
    """Every page by its address, without what themes keep in their own folders."""
    found = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    return {
        address: path.read_text("utf-8")
        for address, path in found.items()
        if not address.startswith("_")
    }
