"""What a stranger's machine reads of the site: search engines, previews of links, the book's own search."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import HTML, built_pages
from PIL import Image
from playwright.sync_api import expect

PAGES = built_pages()
WRITTEN = [p for p in PAGES if p.startswith(("chapters/", "reference/")) or p == "index.html"]
NOTEBOOKS = [p for p in WRITTEN if (HTML / "_sources" / p).with_suffix(".ipynb").is_file()]
BOOK = "Mathematical circuits in neural networks"


@cache
def soup(address: str) -> BeautifulSoup:
    """The head of a page: the rest takes a hundred times as long to read."""
    head, _, _ = (HTML / address).read_text(encoding="utf-8").partition("</head>")
    return BeautifulSoup(head, "html.parser")


def meta(page: BeautifulSoup, name: str) -> list[str]:
    tags = page.select(f'head meta[name="{name}"], head meta[property="{name}"]')
    return [str(tag["content"]) for tag in tags]


def home() -> str:
    """The address that the book was built for, with a slash at the end."""
    return str(soup("index.html").select_one('link[rel="canonical"]')["href"]).removesuffix(
        "index.html"
    )


@pytest.mark.parametrize("address", PAGES)
def test_a_page_says_once_what_it_is_and_has_the_icons_of_the_book(address):
    page = soup(address)
    assert len(page.select("head title")) == 1
    assert page.title.text.count(BOOK) == 1
    assert len(meta(page, "viewport")) == 1
    (sentence,) = meta(page, "description")
    assert 10 < len(sentence) <= 160
    icons = {link["rel"][0]: link["href"] for link in page.select('link[rel*="icon"]')}
    assert icons.keys() == {"icon", "apple-touch-icon"}
    for place in (str(link["href"]) for link in page.select('link[rel*="icon"]')):
        assert (HTML / address).parent.joinpath(urlsplit(place).path).resolve().is_file()


@pytest.mark.parametrize("address", WRITTEN)
def test_a_link_to_a_page_is_shown_with_its_card(address):
    page = soup(address)
    here = home()
    assert [link["href"] for link in page.select('link[rel="canonical"]')] == [here + address]
    assert meta(page, "og:url") == [here + address]
    assert meta(page, "og:description") == meta(page, "description")
    assert meta(page, "twitter:card") == ["summary_large_image"]
    (picture,) = meta(page, "og:image")
    name = Path(address).stem if address.startswith("chapters/") else "index"
    assert picture == f"{here}_static/social/{name}.png"
    size = tuple(int(meta(page, f"og:image:{side}")[0]) for side in ("width", "height"))
    assert Image.open(HTML / picture.removeprefix(here)).size == size


def test_no_two_pages_describe_themselves_alike():
    told = [meta(soup(address), "description")[0] for address in PAGES]
    assert len(set(told)) == len(told)


def test_robots_find_a_map_of_all_pages_of_the_book():
    lines = (HTML / "robots.txt").read_text("utf-8").splitlines()
    assert f"Sitemap: {home()}sitemap.xml" in lines
    places = ElementTree.parse(HTML / "sitemap.xml").getroot().iterfind("{*}url/{*}loc")
    assert sorted(str(place.text) for place in places) == [home() + address for address in WRITTEN]


def test_the_page_for_what_is_not_found_works_at_every_depth():
    page = BeautifulSoup((HTML / "404.html").read_text(encoding="utf-8"), "html.parser")
    root = urlsplit(home()).path
    links = [t.get("href") or t.get("src") for t in page.select("[href], [src]")]
    for link in (link for link in links if link and link[0] != "#"):
        path = urlsplit(link).path
        assert path.startswith(root), link
        assert (HTML / path.removeprefix(root)).is_file(), link
    assert page.select_one("article h1").text.startswith("Not here")
    assert meta(page, "robots") == ["noindex"]
    assert page.select('link[rel="canonical"]') == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("chapters/index.html?q=1#a", "index.html?q=1#a"),
        ("reference/index.html", "reference/glossary.html"),
    ],
)
def test_an_address_that_moved_leads_on(old, new, visit, book_url):
    page = visit(old).page
    page.wait_for_url(f"{book_url}/{new}")


#: Every page that was ever published; one that moves keeps its line, and gets one of
#: ``rediraffe_redirects`` in ``_config.yml``.
PUBLISHED = [
    "index",
    "chapters/abs",
    "chapters/arithmetic",
    "chapters/blocks",
    "chapters/claims",
    "chapters/conclusions",
    "chapters/depth",
    "chapters/detection",
    "chapters/experiments",
    "chapters/features",
    "chapters/frontier",
    "chapters/functions",
    "chapters/identity",
    "chapters/learning",
    "chapters/min",
    "chapters/mystery",
    "chapters/proof",
    "chapters/reading",
    "chapters/running-sweeps",
    "chapters/smooth",
    "chapters/speed",
    "chapters/stranger",
    "chapters/superposition",
    "chapters/traps",
    "chapters/universality",
    "chapters/watershed",
    "reference/api",
    "reference/api-circuits",
    "reference/api-detection",
    "reference/api-expressions",
    "reference/api-figures",
    "reference/api-images",
    "reference/api-networks",
    "reference/api-proof",
    "reference/api-superposition",
    "reference/api-training",
    "reference/bibliography",
    "reference/cite",
    "reference/deck",
    "reference/glossary",
]


def test_every_address_that_was_ever_published_is_there():
    assert [page for page in PUBLISHED if not (HTML / f"{page}.html").is_file()] == []


@pytest.mark.parametrize("address", NOTEBOOKS)
def test_a_chapter_can_be_downloaded_as_a_notebook(address):
    html = (HTML / address).read_text(encoding="utf-8")
    (button,) = re.findall(r"<a [^>]*btn-download-source-button[^>]*>", html)
    (link,) = re.findall(r'href="([^"]*\.ipynb)"', button)
    file = (HTML / address).parent / link
    notebook = nbformat.read(file.resolve(), as_version=4)
    assert any(cell.cell_type == "code" for cell in notebook.cells)


# --- the search --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def search(browser, book_url):
    """``search("min")``: the addresses found, the best first, and what the page said."""
    context = browser.new_context()
    page = context.new_page()

    def find(words: str) -> tuple[list[str], str]:
        page.goto(
            f"{book_url}/search.html?" + re.sub(r"[|+ ]", lambda c: f"%{ord(c[0]):x}", f"q={words}")
        )
        expect(page.locator("#search-results .search-summary")).not_to_be_empty()
        found = page.eval_on_selector_all(
            "#search-results li a", "all => all.map((a) => a.getAttribute('href'))"
        )
        return [link.split("?")[0] for link in found], page.inner_text("#search-results")

    yield find
    context.close()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("min", "chapters/min.html"),
        ("minimum", "chapters/min.html"),
        ("max", "chapters/blocks.html"),
        ("identity", "chapters/identity.html"),
        ("prove", "chapters/proof.html"),
        ("proof", "chapters/proof.html"),
        ("|x|", "chapters/abs.html"),
        ("absolute value", "chapters/abs.html"),
        ("detect", "chapters/detection.html"),
        ("sweep", "chapters/running-sweeps.html"),
        ("identitty", "chapters/identity.html"),
    ],
)
def test_the_search_finds_the_chapter_before_the_names_of_the_package(words, expected, search):
    found, _ = search(words)
    assert found[0].split("#")[0] == expected, found[:6]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("circuitwidget", "reference/api-figures.html#circuitkit.CircuitWidget"),
        ("from_torch", "reference/api-networks.html#circuitkit.Network.from_torch"),
        ("success_rates", "reference/api-training.html#circuitkit.success_rates"),
    ],
)
def test_the_search_still_finds_the_packages_names(words, expected, search):
    found, _ = search(words)
    assert found[0] == expected


def test_a_word_that_is_nowhere_is_taken_for_the_nearest_and_the_page_says_so(search):
    _, said = search("identitty")
    assert "Nothing here says “identitty”; this is what was found for “identity”." in said
    found, said = search("zzzzzzzzzz")
    assert found == []
    assert "did not match any documents" in said
