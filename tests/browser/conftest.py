"""The built book, served on loopback, and a headless Chromium that reaches nothing else.

``make browser`` runs these tests; they need pages built by ``make html``. Other pages can be
checked with ``BOOK_HTML=folder``, another browser be used with ``CHROMIUM=path``.
"""

from __future__ import annotations

import gzip
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starting import PATIENCE, until
from xdist.scheduler import LoadScopeScheduling

from scripts.browsers import chromium

if TYPE_CHECKING:
    from walks import Desk, Phone

T = TypeVar("T")
#: What is asked of a page's file, of a walk through it at a desk and of one on a phone.
HOW = ("in its file", "at a desk", "on a phone")

ROOT = Path(__file__).resolve().parents[2]
HTML = Path(os.environ.get("BOOK_HTML", ROOT / "build" / "book" / "_build" / "html")).resolve()
COMPRESSIBLE = (".html", ".css", ".js", ".mjs", ".json", ".svg")

expect.set_options(timeout=PATIENCE)
# Chromium's sandbox needs rights that containers lack; the pages are our own.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def built_pages() -> list[str]:
    """The addresses of all pages below the book's root, such as ``chapters/abs.html``."""
    if not (HTML / "index.html").exists():
        raise pytest.UsageError(f"no book in {HTML}; run `make html` first")
    found = (path.relative_to(HTML) for path in HTML.rglob("*.html"))
    return sorted(str(p) for p in found if p.parts[0][0] != "_" and not _leads_on(p))


def _leads_on(page: Path) -> bool:
    """Whether a file is no page of the book: one that moved, or what a server shows for none."""
    return page.name == "404.html" or 'http-equiv="refresh"' in (HTML / page).read_text("utf-8")


@dataclass
class Visit:
    """An opened page and what it did that a reader should never see."""

    page: Page
    console_errors: list[str] = field(default_factory=list)
    outside_requests: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)  # address -> bytes sent, gzipped

    @property
    def problems(self) -> list[str]:
        return [*self.console_errors, *self.outside_requests, *self.failed_requests]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def book_url() -> Iterator[str]:
    """The address of the built book, without a slash at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@cache
def _sent(file: Path) -> int:
    """The bytes that a server sends for a file, gzipped where that helps."""
    body = file.read_bytes()
    return len(gzip.compress(body, 6) if file.suffix in COMPRESSIBLE else body)


@contextmanager
def opening(browser: Browser, book_url: str) -> Iterator[Callable[..., Visit]]:
    """What opens pages; they are closed in the end."""
    contexts = []

    def open_page(
        address: str,
        *,
        width: int = 1280,
        height: int = 900,
        color_scheme: str = "light",
        quiet: bool = True,
        **options: object,
    ) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=color_scheme, **options
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        seen = Visit(page)

        def guard(route):
            parts = urlsplit(route.request.url)
            if parts.scheme in ("http", "https") and parts.hostname != "127.0.0.1":
                seen.outside_requests.append(route.request.url)
                route.abort()
            else:
                route.continue_()

        def note_response(response):
            if response.status >= 400:
                seen.failed_requests.append(f"{response.status} {response.url}")
            elif response.url.startswith("http"):
                file = HTML / urlsplit(response.url).path.lstrip("/")
                if file.is_file() and response.url.startswith(book_url):
                    seen.sizes[str(file.relative_to(HTML))] = _sent(file)

        context.route("**/*", guard)
        page.on("response", note_response)
        page.on("pageerror", lambda error: seen.console_errors.append(f"uncaught: {error}"))
        page.on(
            "console",
            lambda message: (
                seen.console_errors.append(message.text) if message.type == "error" else None
            ),
        )
        page.goto(address if "://" in address else f"{book_url}/{address}", wait_until="load")
        if quiet:
            page.wait_for_load_state("networkidle")
        return seen

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def visit(browser: Browser, book_url: str) -> Iterator[Callable[..., Visit]]:
    """``visit("chapters/abs.html", width=380, color_scheme="dark")`` opens a page of the book.

    Also takes a full address on loopback. Requests to other hosts are refused and noted. With ``quiet``
    the page is there when nothing has been asked of a server for half a second.
    """
    with opening(browser, book_url) as open_page:
        yield open_page


@pytest.fixture(scope="session")
def desk(browser: Browser, book_url: str) -> Callable[[str], Desk]:
    """``desk("chapters/abs.html")``: what was seen of a page at a desk."""
    from walks import at_a_desk

    return cache(partial(_walk, browser, book_url, at_a_desk))


@pytest.fixture(scope="session")
def phone(browser: Browser, book_url: str) -> Callable[[str], Phone]:
    """``phone("chapters/abs.html")``: what was seen of a page on a phone."""
    from walks import on_a_phone

    return cache(partial(_walk, browser, book_url, on_a_phone))


def _walk(browser: Browser, book_url: str, through: Callable[..., T], address: str) -> T:
    with opening(browser, book_url) as open_page:
        return through(open_page, address)


def each(pages: Iterable[str], how: str) -> pytest.MarkDecorator:
    """One test for each page; ``how``, one of :data:`HOW`, says which of them are run in one process."""
    assert how in HOW
    return pytest.mark.parametrize(
        "address", [pytest.param(page, id=f"{page} {how}") for page in pages]
    )


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Tests that share a walk, the elements of the files or a JupyterLab are run in one process, the most first."""
    return _Together(config, log)


class _Together(LoadScopeScheduling):
    # xdist's own groups, by a mark, do not reach the scheduler with pytest 9.
    def _split_scope(self, nodeid: str) -> str:
        if "test_jupyterlab.py" in nodeid:
            return "JupyterLab"
        found = re.search(rf"[^-\[]+ ({'|'.join(HOW)})", nodeid)
        return nodeid if found is None else found[1] if found[1] == HOW[0] else found[0]


@cache
def soup(address: str) -> BeautifulSoup:
    """A page's elements, as they come."""
    return BeautifulSoup((HTML / address).read_text("utf-8"), "html.parser")


#: Whether what is in sight of a reader, or nearly, has become a widget.
STARTED = """() => {
  const places = [...document.querySelectorAll(".ck-static")];
  const near = (e) => e.getBoundingClientRect().height > 0 && e.getBoundingClientRect().top < innerHeight + 500;
  return places.some((e) => e.dataset.state) && places.every((e) => e.dataset.state || !near(e));
}"""


class _Modules(_Quiet):
    extensions_map = {**_Quiet.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[tuple[Path, str]]:
    """A folder with what pages with widgets load, and its address."""
    sys.path.insert(0, str(ROOT / "_ext"))
    from circuit_widgets import assets

    folder = tmp_path_factory.mktemp("site")
    for name, text in assets().items():
        (folder / name).write_text(text, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Modules, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def show(site, visit) -> Iterator[Callable[..., Page]]:
    """``show(widget, ...)`` opens a page of these widgets; at the end nothing may have failed."""
    folder, address = site
    visits = []

    def open_page(*widgets, hash: str = "", theme: str = "light", **options) -> Page:
        name = f"{len(list(folder.iterdir()))}.html"
        body = "".join(w._repr_mimebundle_()[0]["text/html"] for w in widgets)
        added = "".join(
            f'<link rel="stylesheet" href="{n}.css"><script defer src="{n}.js"></script>'
            for n in (
                "compare",
                "reader",
                "plane",
                "shelves",
                "mystery",
                "arrows",
                "gallery",
                "typed",
            )
            if f'data-module="{n}"' in body
        )
        (folder / name).write_text(
            f'<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">'
            '<title>A page</title><meta name="viewport" content="width=device-width">'
            '<link rel="icon" href="data:,"><link rel="stylesheet" href="widget.css">'
            '<script defer src="widget.js"></script><script defer src="language.js"></script>'
            f"{added}" + "<style>body{margin:0 auto;max-width:760px;padding:8px}"
            "[data-theme=dark] body{background:#14181e;color:#eee}</style></head>"
            f"<body><main><h1>A page</h1>{body}</main></body></html>",
            encoding="utf-8",
        )
        seen = visit(f"{address}/{name}{hash}", quiet=False, **options)
        visits.append(seen)
        if options.get("java_script_enabled", True):
            until(seen.page, STARTED)
            expect(seen.page.locator(".ck-widget").first).to_be_visible()
            seen.page.evaluate(
                "() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))"
            )
        return seen.page

    yield open_page
    for seen in visits:
        assert seen.problems == []


def after_transitions(page: Page) -> None:
    """Wait until colors and sizes have their final values: what unfolds fades in for a while."""
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    until(
        page,
        """() => document.getAnimations().every(
            (a) => a.playState !== "running" || a.effect.getComputedTiming().endTime === Infinity
        )""",
    )


def pytest_terminal_summary(terminalreporter) -> None:
    """Say what each page weighs."""
    weights = sorted(
        (value, report.nodeid)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "gzipped KB"
    )
    if weights:
        terminalreporter.section("page weight, gzipped")
        for size, test in weights:
            page = test.split("[")[-1].removesuffix(f" {HOW[1]}]")
            terminalreporter.write_line(f"{size:6.0f} KB  {page}")
