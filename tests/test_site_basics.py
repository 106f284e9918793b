"""What a page says of itself to search engines and to previews of links."""

from __future__ import annotations

import doctest
import re
import sys
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "_ext"))

import site_basics  # noqa: E402


def test_the_examples_in_the_extension_hold():
    assert doctest.testmod(site_basics).failed == 0


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"BOOK_URL": "https://example.org/book"}, "https://example.org/book/"),
        ({"GITHUB_REPOSITORY": "Someone/book"}, "https://someone.github.io/book/"),
        ({"GITHUB_REPOSITORY": "a/a.github.io"}, "https://a.github.io/"),
        ({"BOOK_URL": "https://example.org/", "GITHUB_REPOSITORY": "a/b"}, "https://example.org/"),
        ({}, "http://127.0.0.1:8000/"),
    ],
)
def test_the_address_is_the_one_told_or_that_of_the_repositorys_pages(environ, expected, tmp_path):
    assert site_basics.address(environ, tmp_path) == expected


def test_every_page_has_a_sentence_that_says_what_it_is_about():
    pages = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text("utf-8"))
    cards = site_basics.cards((ROOT / "index.ipynb").read_text("utf-8"))
    told = site_basics.DESCRIBED | {page: card.sentence for page, card in cards.items()}
    assert [page for page in pages if page not in told] == []
    assert len(set(told.values())) == len(told)
    assert all(len(sentence) <= 160 for sentence in told.values())  # what a list of results shows


def test_a_card_is_drawn_in_the_size_of_a_preview_with_no_line_too_wide(tmp_path):
    letters = site_basics.Letters(ROOT / "_static" / "fonts", tmp_path)
    assert letters.lines("one two three", 30, 80) == ["one", "two", "three"]
    assert letters.lines("one two three", 30, 120) == ["one two", "three"]
    for card in site_basics.cards((ROOT / "index.ipynb").read_text("utf-8")).values():
        svg = site_basics.social_card(card, (ROOT / card.picture).read_text("utf-8"), "B", letters)
        lines = [float(y) for y in re.findall(r'<text x="70" y="(\d+)"', svg)]
        assert max(lines[:-1]) <= 530, card.title  # above the book's name
    drawn = Image.open(BytesIO(letters.draw(svg)))
    assert drawn.size == (site_basics.CARD_WIDTH, site_basics.CARD_HEIGHT)
    assert (
        len(drawn.convert("RGB").crop((70, 60, 600, 300)).getcolors(100_000) or []) > 20
    )  # letters


def test_the_page_on_citing_says_what_the_citation_file_says():
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    page = " ".join((ROOT / "reference" / "cite.md").read_text("utf-8").split())
    year = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["copyright"]
    author = told["authors"][0]["name"]
    assert f"{author} ({year}). *{told['title']}*, version {told['version']}." in page
    assert f"author = {{{{{author}}}}}, title = {{{told['title']}}}" in page
    assert f"year = {{{year}}}, version = {{{told['version']}}}" in page
    assert " AND ".join(told["license"]) in page
