"""What others read of the book: search engines, previews of links, browsers that show a mark in a tab.

Every page says in a sentence what it is about and where it lives; a link to it is shown with its
card. The sentences and the drawings are those of the cards on the landing page. Redirects, the map
of the site, the page for what is not found and the tags of previews come from Sphinx's extensions;
this module tells them what they need.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import resvg_py
from book_site import repository
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.config import Config

#: where `make serve` serves it: the address of a book that nobody publishes
AT_HOME = "http://127.0.0.1:8000/"
HERE = Path(__file__).resolve().parent

#: what the pages without a card are about
DESCRIBED = {
    "index": "How does a neural network compute x, |x| or the smaller of two numbers? Turn every "
    "weight, prove what it does, and watch how often training finds it.",
    "reference/glossary": "The words of the book, each in a sentence or two.",
    "reference/bibliography": "The works that the book draws on.",
    "reference/cite": "How to cite the book and its package circuitkit.",
    "reference/deck": "Where each of the slides that the book grew from went.",
    "reference/api": "The Python package circuitkit: all its names, with links to what each computes, takes "
    "and raises, and examples.",
    "reference/api-networks": "The Python package circuitkit: networks, the functions that they are to compute, "
    "and networks of other tools.",
    "reference/api-circuits": "The Python package circuitkit: circuits derived by hand, ways to join them, and "
    "the catalogue of functions.",
    "reference/api-expressions": "The Python package circuitkit: from an expression to the network that equals "
    "it, or comes near, and back.",
    "reference/api-training": "The Python package circuitkit: training from thousands of seeds, learning that "
    "ends with a proof, and sweeps.",
    "reference/api-proof": "The Python package circuitkit: proofs that a network equals a function, and the "
    "checker that has to be believed.",
    "reference/api-detection": "The Python package circuitkit: what units detect, which function a network "
    "computes, and its smallest part.",
    "reference/api-superposition": "The Python package circuitkit: more features than directions, exact worst "
    "errors, and dictionaries.",
    "reference/api-images": "The Python package circuitkit: small networks for pictures of digits, whose "
    "filters are matched.",
    "reference/api-figures": "The Python package circuitkit: figures of networks and results, their colors, "
    "and the widgets.",
    "genindex": "Every term of the glossary and every name of the package circuitkit.",
    "py-modindex": "The modules of the Python package circuitkit.",
    "search": "Search the book.",
    "404": "This page is not in the book.",
}
#: pages that a search engine should not show
UNLISTED = ("404", "search")

CARD_WIDTH, CARD_HEIGHT = 1200, 630  # pixels; what previews of links are cut to
_SERIF, _FOLDER = "Source Serif 4", "social"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", tell_the_extensions, priority=100)
    app.connect("config-inited", draw)
    # After the page for what is not found has its own way to name a file; before the previews' tags.
    app.connect("html-page-context", describe, priority=450)
    app.connect("build-finished", write_robots)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


# --- where the book lives ----------------------------------------------------------------------


def address(environ: Mapping[str, str], folder: Path) -> str:
    """Where the book is published, with a slash at the end.

    ``BOOK_URL`` says it; otherwise it is where GitHub and GitLab put a repository's pages, and for
    a book of no such repository where ``make serve`` serves it.
    """
    if told := environ.get("BOOK_URL"):
        return told.rstrip("/") + "/"
    found = repository(environ, folder)
    return pages_of(found[0]) if found else AT_HOME


def pages_of(url: str) -> str:
    """The address of a repository's pages.

    >>> pages_of("https://github.com/Someone/book")
    'https://someone.github.io/book/'
    >>> pages_of("https://gitlab.com/someone/someone.gitlab.io")
    'https://someone.gitlab.io/'
    """
    parts = urlsplit(url)
    owner, name = parts.path.strip("/").split("/")[:2]
    host = f"{owner.lower()}.{(parts.hostname or '').removesuffix('.com')}.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def tell_the_extensions(app: Sphinx, config: Config) -> None:
    here = address(os.environ, Path(app.srcdir))
    config.html_baseurl = here
    config.html_search_scorer = str(HERE / "search_order.js")
    config.ogp_site_url = here
    config.ogp_site_name = config.html_title
    config.ogp_custom_meta_tags = ['<meta name="twitter:card" content="summary_large_image" />']
    config.notfound_urls_prefix = urlsplit(here).path
    config.notfound_context = {"title": "Not here", "body": _lost(here)}
    config.sitemap_url_scheme = "{link}"
    config.sitemap_excludes = [f"{page}.html" for page in (*UNLISTED, "genindex", "py-modindex")]


def _lost(here: str) -> str:
    home = html.escape(urlsplit(here).path)
    return (
        "<h1>Not here</h1><p>This address is not a page of the book. It may have moved, or the link "
        f'was cut short.</p><p><a href="{home}index.html">The first page</a> leads to all chapters; '
        f'<a href="{home}search.html">the search</a> finds a word.</p>'
    )


def write_robots(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        lines = ("User-agent: *", "Allow: /", f"Sitemap: {app.config.html_baseurl}sitemap.xml", "")
        (Path(app.outdir) / "robots.txt").write_text("\n".join(lines), "utf-8")


# --- what a page is about ----------------------------------------------------------------------


@dataclass(frozen=True)
class Card:
    """What the landing page says of a chapter."""

    title: str
    picture: str
    shows: str
    sentence: str


def cards(notebook: str) -> dict[str, Card]:
    r"""Page -> its card on the landing page.

    >>> cell = {"cell_type": "markdown", "source": [
    ...     ":::{grid-item-card} One\n:link: chapters/one\n:link-type: doc\n:img-top: one.svg\n",
    ...     ":img-alt: A dot.\nWhy *one* takes $x$.\n:::\n"]}
    >>> cards(json.dumps({"cells": [cell]}))
    {'chapters/one': Card(title='One', picture='one.svg', shows='A dot.', sentence='Why one takes x.')}
    """
    text = "\n".join("".join(cell["source"]) for cell in json.loads(notebook)["cells"])
    found = re.findall(
        r"\{grid-item-card\} (.+)\n:link: (\S+)\n:link-type: doc\n:img-top: (\S+)\n:img-alt: (.+)\n"
        r"((?:[^:\n].*\n)+)",
        text,
    )
    return {
        link: Card(title, picture, shows, plain(sentence))
        for title, link, picture, shows, sentence in found
    }


def plain(markdown: str) -> str:
    """A sentence without its marks.

    >>> plain("For *all* $x$,\\nof course.")
    'For all x, of course.'
    """
    return " ".join(re.sub(r"[*$`]", "", markdown).split())


def describe(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Give the page its sentence, its card and its icons."""
    card = _cards(app).get(pagename)
    sentence = card.sentence if card else DESCRIBED.get(pagename)
    tags = re.sub(r'<meta [^>]*name="viewport"[^>]*>', "", context.get("metatags") or "")
    if sentence:
        tags += f'<meta name="description" content="{html.escape(sentence)}" />\n'
    if pagename in UNLISTED:
        tags += '<meta name="robots" content="noindex" />\n'
        context["pageurl"] = None
    if pagename == app.config.root_doc:
        context["docstitle"] = ""  # the title of this page is the book's: once is enough
    for size, relation in ((32, "icon"), (180, "apple-touch-icon")):
        place = context["pathto"](f"_static/{_FOLDER}/icon-{size}.png", True)
        tags += f'<link rel="{relation}" type="image/png" sizes="{size}x{size}" href="{place}" />\n'
    context["metatags"] = tags
    name = pagename.rpartition("/")[2] if card else "index"
    context["meta"] = {
        **(context.get("meta") or {}),
        "og:description": html.escape(sentence or ""),
        "og:image": f"_static/{_FOLDER}/{name}.png",
        "og:image:alt": html.escape(
            card.shows if card else "Two units between an input and an output."
        ),
        "og:image:width": str(CARD_WIDTH),
        "og:image:height": str(CARD_HEIGHT),
    }


def _cards(app: Sphinx) -> dict[str, Card]:
    if not hasattr(app, "book_cards"):
        notebook = Path(app.srcdir) / "index.ipynb"
        app.book_cards = cards(notebook.read_text("utf-8")) if notebook.exists() else {}
    return app.book_cards  # type: ignore[no-any-return]


# --- cards and icons as pictures ---------------------------------------------------------------


def draw(app: Sphinx, config: Config) -> None:
    """The cards and the mark in the tab as PNG: neither previews of links nor every browser take SVG."""
    source = Path(app.srcdir)
    root = Path(app.doctreedir) / "site_basics"
    folder = root / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    config.html_static_path.append(str(root))

    mark = (source / "_static" / "favicon.svg").read_text("utf-8")
    for size in (32, 180):
        ground = None if size == 32 else "#fffefb"  # Apple's devices would put it on black
        png = resvg_py.svg_to_bytes(svg_string=mark, width=size, height=size, background=ground)
        (folder / f"icon-{size}.png").write_bytes(bytes(png))

    letters = Letters(source / "_static" / "fonts", Path(app.doctreedir))
    whole = Card(config.html_title, "_static/favicon.svg", "", DESCRIBED["index"])
    for page, card in {"index": whole, **_cards(app)}.items():
        drawing = (source / card.picture).read_text("utf-8")
        book = "" if card is whole else config.html_title
        png = letters.draw(social_card(card, drawing, book, letters))
        (folder / f"{page.rpartition('/')[2]}.png").write_bytes(png)


class Letters:
    """The book's serif, as files that the drawing program reads, with the widths of its letters."""

    def __init__(self, fonts: Path, folder: Path) -> None:
        self.files: list[str] = []
        self._widths: dict[bool, dict[int, float]] = {}
        for weight in (400, 700):
            font = TTFont(fonts / f"source-serif-4-latin-{weight}-normal.woff2")
            unit, advance = font["head"].unitsPerEm, font["hmtx"]
            self._widths[weight == 700] = {
                code: advance[name][0] / unit for code, name in font.getBestCmap().items()
            }
            font.flavor = None
            plain_font = BytesIO()
            font.save(plain_font)
            path = folder / f"serif-{weight}.ttf"
            path.write_bytes(plain_font.getvalue())
            self.files.append(str(path))

    def lines(self, text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
        """The text broken where a line would be wider than ``width``."""
        widths, lines = self._widths[bold], [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if size * sum(widths.get(ord(c), 0.6) for c in longer) > width and lines[-1]:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def draw(self, svg: str) -> bytes:
        png = resvg_py.svg_to_bytes(
            svg_string=svg, width=CARD_WIDTH, height=CARD_HEIGHT, skip_system_fonts=True,
            font_files=self.files, font_family=_SERIF, serif_family=_SERIF,
        )  # fmt: skip
        return bytes(png)


def social_card(card: Card, drawing: str, book: str, letters: Letters) -> str:
    """The drawing, the title and the sentence side by side, 1200 by 630."""
    left, size, room = 70, 60, 520
    parts, y = [], 130.0

    def write(text: str, size: int, color: str, *, bold: bool = False) -> None:
        nonlocal y
        for line in letters.lines(text, size, room, bold=bold):
            weight = 700 if bold else 400
            parts.append(
                f'<text x="{left}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" '
                f'fill="{color}">{html.escape(line)}</text>'
            )
            y += 1.25 * size

    write(card.title, size, "#23282d", bold=True)
    y += 20
    write(card.sentence, 34, "#545c66")
    if book:
        parts.append(
            f'<text x="{left}" y="570" font-size="26" fill="#2a6675">{html.escape(book)}</text>'
        )
    inner = re.sub(r"<svg ", '<svg x="665" y="140" width="440" height="350" ', drawing, count=1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CARD_WIDTH} {CARD_HEIGHT}" '
        f'font-family="{_SERIF}"><rect width="{CARD_WIDTH}" height="{CARD_HEIGHT}" fill="#fffefb"/>'
        f'<rect width="14" height="{CARD_HEIGHT}" fill="#45818e"/>'
        '<rect x="640" y="90" width="490" height="450" rx="24" fill="#ffffff" stroke="#dcd8cd" '
        f'stroke-width="2"/>{inner}{"".join(parts)}</svg>'
    )
