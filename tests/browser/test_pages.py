"""Every page of the built book, as a reader's browser and a reader's eyes meet it."""

from __future__ import annotations

import re
import sys
from functools import cache
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from accessible import violations
from bs4 import BeautifulSoup
from conftest import HTML, ROOT, after_transitions, built_pages
from starting import lay_out, scroll_through, start_all

sys.path.insert(0, str(ROOT / "_ext"))
from book_site import MOVED

PAGES = built_pages()
GENERATED = {"genindex.html", "search.html", "py-modindex.html"}
HEAVIEST = 450  # KB, gzipped, all files of a page together
TALLEST = 12_000  # px at a width of 1280: a chapter is read in half an hour
RESTLESS = 0.1  # layout shift, above which browsers' makers call a page unsteady

each_page = pytest.mark.parametrize("address", PAGES)


@cache
def soup(address: str) -> BeautifulSoup:
    return BeautifulSoup((HTML / address).read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(address: str) -> set[str]:
    tags = soup(address).find_all(lambda tag: tag.has_attr("id") or tag.has_attr("name"))
    return {str(tag.get(key)) for tag in tags for key in ("id", "name") if tag.get(key)}


# --- the files ---------------------------------------------------------------------------------


@each_page
def test_every_link_within_the_book_leads_somewhere(address):
    broken = []
    for tag in soup(address).find_all(["a", "link", "script", "img", "source"]):
        link = tag.get("href") or tag.get("src")
        if not link or urlsplit(link).scheme:
            continue
        place, fragment = urldefrag(link)
        file = (HTML / address).parent / unquote(urlsplit(place).path) if place else HTML / address
        file = file.resolve()
        if file.is_dir():
            file /= "index.html"
        if not file.is_file() or not file.is_relative_to(HTML):
            broken.append(link)
        elif fragment and file.suffix == ".html":
            target = str(file.relative_to(HTML))
            if unquote(fragment) not in anchors(target):
                broken.append(link)
    assert not broken


def test_a_section_that_moved_is_found_under_its_old_address(visit):
    lost = []
    for page, places in MOVED.items():
        for target, renamed in places.items():
            for old, new in renamed.items():
                if old in anchors(f"{page}.html") or new not in anchors(f"{target}.html"):
                    lost.append((page, old))
    assert not lost
    page = next(iter(MOVED))
    target, renamed = next(iter(MOVED[page].items()))
    old, new = next(iter(renamed.items()))
    seen = visit(f"{page}.html#{old}")
    seen.page.wait_for_url(f"**/{target}.html#{new}")


@each_page
def test_nothing_on_the_page_comes_from_another_host(address):
    def outside(link):
        return link and (urlsplit(link).netloc or link.startswith("//"))

    page = soup(address)
    loaded = [tag.get("src") for tag in page.find_all(src=True)]
    loaded += [tag["href"] for tag in page.find_all("link", href=True) if _is_loaded(tag)]
    assert [link for link in loaded if outside(link)] == []


def _is_loaded(link_tag) -> bool:
    return not {"canonical", "author", "license"} & set(link_tag.get("rel", []))


@each_page
def test_every_image_says_what_it_shows(address):
    pictures = soup(address).select("article img, main img")
    nameless = [
        str(image.get("src"))[:80]
        for image in pictures
        # Sphinx falls back to the file's name, which tells a listener nothing.
        if not image.get("alt") or re.search(r"\.(png|svg|jpe?g)$|/_images/", image["alt"])
    ]
    drawings = soup(address).select('main svg[role="img"]')
    nameless += [
        str(drawing)[:80]
        for drawing in drawings
        if not (drawing.get("aria-label") or drawing.get("aria-labelledby") or drawing.title)
    ]
    assert not nameless


@each_page
def test_no_cell_shows_an_error_and_no_reference_is_left_open(address):
    page = soup(address)
    assert page.select(".output.traceback, .output.stderr, .system-message") == []
    text = page.get_text(" ")
    shown = " ".join(cell.get_text(" ") for cell in page.select(".cell_output"))
    for sign in ("Traceback (most recent call last)", "Warning:", "[object Object]"):
        assert sign not in shown, f"{sign!r} in a result"
    assert not re.search(r"\{(numref|ref|doc|term|cite|eq)\}`", text)


@each_page
def test_every_figure_has_a_numbered_caption(address):
    figures = soup(address).select("main figure:has(img)")
    assert [str(figure)[:120] for figure in figures if not figure.select(".caption-number")] == []


# --- the page in a browser ---------------------------------------------------------------------


@each_page
def test_the_page_loads_quietly_and_alone_and_is_light_and_steady(address, visit, record_property):
    seen = visit(address)
    assert scroll_through(seen.page) < RESTLESS
    assert seen.problems == []
    lay_out(seen.page)
    text = seen.page.inner_text("main")
    assert not re.search(r"\bundefined\b|\bNaN\b|\[object ", text), "a value that is none"
    weight = sum(seen.sizes.values()) / 1024
    record_property("gzipped KB", weight)
    heaviest = sorted(seen.sizes.items(), key=lambda item: -item[1])[:6]
    assert weight <= HEAVIEST, f"{weight:.0f} KB; heaviest: {heaviest}"


@each_page
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_page_is_accessible(address, color_scheme, visit):
    seen = visit(address, color_scheme=color_scheme)
    # Contents folded away are part of the page too.
    seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    lay_out(seen.page)
    scroll_through(seen.page)  # what is too wide can be scrolled by the keyboard once it comes near
    after_transitions(seen.page)
    assert violations(seen.page) == []


@each_page
def test_the_page_fits_a_small_phone_and_is_steady_there(address, visit):
    seen = visit(address, width=380, height=800)
    assert scroll_through(seen.page) < RESTLESS
    lay_out(seen.page)
    wide = seen.page.evaluate(
        """() => {
            if (document.documentElement.scrollWidth <= innerWidth) return [];
            return [...document.querySelectorAll('main *')]
                .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
                .map(e => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 40)}`)
                .slice(0, 8).concat(['(the page is wider than the screen)']);
        }"""
    )
    assert wide == []


FORMULAS = [address for address in PAGES if soup(address).select("math")]
#: Formulas that are wider than their place and do not say so, and what is not drawn with the book's font.
ILL_SET = """async () => {
    document.querySelectorAll("details").forEach((d) => (d.open = true));
    await document.fonts.ready;
    const fonts = [...document.fonts].filter((f) => /stix/i.test(f.family) && f.status === "loaded");
    const shows_that_it_goes_on = (e) => {
        const style = getComputedStyle(e);
        const attached = style.backgroundAttachment.split(", ");
        const shadows = style.backgroundImage.match(/gradient/g) ?? [];
        return attached.includes("scroll") && attached.includes("local") && shadows.length === 4;
    };
    const is_wide = (e) => {
        const block = e.closest("p, li, dd, dt, td, th, figcaption, h1, h2, h3, caption");
        if (!block || block.closest(".pst-scrollable-table-container")) return false;
        return e.getBoundingClientRect().right > block.getBoundingClientRect().right + 1;
    };
    const displayed = [...document.querySelectorAll("div.math")].filter((e) => e.scrollWidth > e.clientWidth + 1);
    const drawn = [...document.querySelectorAll("main math")].filter((e) => e.checkVisibility());
    const named = (fault, all) => all.map((e) => `${fault}: ${e.textContent.slice(0, 60)}`);
    return [
        ...(fonts.length ? [] : ["the font did not come"]),
        ...named("cut", displayed.filter((e) => !shows_that_it_goes_on(e))),
        ...named("nothing", drawn.filter((e) => !e.getBoundingClientRect().width)),
        ...named("too wide", drawn.filter((e) => e.matches("span.math *") && is_wide(e))),
    ];
}"""


@pytest.mark.parametrize("address", FORMULAS)
def test_a_formula_fits_a_small_phone_or_shows_that_it_goes_on(address, visit):
    seen = visit(address, width=380, height=800)
    lay_out(seen.page)
    assert seen.page.evaluate(ILL_SET) == []


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_a_figure_keeps_its_white_ground(color_scheme, visit):
    pages = [page for page in PAGES if soup(page).select("main figure img")]
    if not pages:
        pytest.skip("no page has a figure yet")
    seen = visit(pages[0], color_scheme=color_scheme)
    image = seen.page.locator("main figure img").first
    assert image.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


#: What stands where on a page, to say which section is long.
SECTIONS = """() => [...document.querySelectorAll("main section > h2")].map(
    (h) => `${Math.round(h.parentElement.getBoundingClientRect().height)} px: ${h.innerText.trim()}`)"""


@pytest.mark.parametrize("address", [page for page in PAGES if page.startswith("chapters/")])
def test_a_chapter_is_short_enough_to_finish(address, visit):
    page = visit(address, width=1280).page
    # As a reader finds it: what is folded stays folded, and every widget has been drawn.
    folded = page.evaluate_handle("[...document.querySelectorAll('details:not([open])')]")
    start_all(page)
    folded.evaluate("all => all.forEach((d) => { d.open = false; })")
    lay_out(page)
    after_transitions(page)
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height <= TALLEST, f"{height} px; its sections: {page.evaluate(SECTIONS)}"


def test_the_reader_can_search_the_book(visit):
    seen = visit("search.html?q=positiveness")
    seen.page.wait_for_selector("#search-results li")
    assert seen.problems == []
