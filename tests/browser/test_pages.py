"""Every page of the built book, as a reader's browser and a reader's eyes meet it."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from functools import cache
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from conftest import HTML, ROOT, built_pages, each, soup
from walks import SCHEMES

sys.path.insert(0, str(ROOT / "_ext"))
from book_site import MOVED
from citations import CITATION

PAGES = built_pages()
HEAVIEST = 450  # KB, gzipped, all files of a page together
TALLEST = 12_000  # px at a width of 1280: a chapter is read in half an hour
RESTLESS = 0.1  # layout shift, above which browsers' makers call a page unsteady

in_its_file = each(PAGES, "in its file")
at_a_desk = each(PAGES, "at a desk")
on_a_phone = each(PAGES, "on a phone")


@cache
def anchors(address: str) -> set[str]:
    tags = soup(address).find_all(lambda tag: tag.has_attr("id") or tag.has_attr("name"))
    return {str(tag.get(key)) for tag in tags for key in ("id", "name") if tag.get(key)}


# --- the files ---------------------------------------------------------------------------------


@in_its_file
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


def test_every_name_of_the_package_is_on_the_references_first_page_and_leads_to_its_own(visit):
    """The reference was one page: who looks for a name there, or has its old address, finds it."""
    names = {
        f"{page.removeprefix('reference/')}#{anchor}"
        for page in PAGES
        if page.startswith("reference/api-")
        for anchor in anchors(page)
        if re.match(r"(module-)?circuitkit\.", anchor)
    }
    first = "reference/api.html"
    linked = {str(a["href"]) for a in soup(first).select(".reference-parts a[href*='#']")}
    assert len(linked) > 300
    assert linked == {name for name in names if "#module-" not in name}
    script = next(
        s.string for s in soup(first).select("script") if "location.replace" in (s.string or "")
    )
    led = json.loads(re.search(r"Object\.entries\((\{.*?\})\)", script)[1])
    assert {f"{place}#{name}" for place, all_names in led.items() for name in all_names} >= names
    for name in ("module-circuitkit.circuits", "circuitkit.train", "circuitkit.Network.from_torch"):
        visit(f"{first}#{name}").page.wait_for_url(f"**/reference/api-*.html#{name}")


@in_its_file
def test_nothing_on_the_page_comes_from_another_host(address):
    def outside(link):
        return link and (urlsplit(link).netloc or link.startswith("//"))

    page = soup(address)
    loaded = [tag.get("src") for tag in page.find_all(src=True)]
    loaded += [tag["href"] for tag in page.find_all("link", href=True) if _is_loaded(tag)]
    assert [link for link in loaded if outside(link)] == []


def _is_loaded(link_tag) -> bool:
    return not {"canonical", "author", "license"} & set(link_tag.get("rel", []))


@in_its_file
def test_a_name_on_a_page_leads_to_one_place(address):
    times = Counter(str(tag["id"]) for tag in soup(address).find_all(id=True))
    assert [name for name, n in times.items() if n > 1] == []


@in_its_file
def test_no_page_is_fetched_before_one_asks_for_it(address):
    """Firefox does so for each of these, against the page's own policy and with an error in its console."""
    assert (
        soup(address).select('link:is([rel~="next"], [rel~="prefetch"], [rel~="prerender"])') == []
    )


@in_its_file
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


@in_its_file
def test_no_cell_shows_an_error_and_no_reference_is_left_open(address):
    page = soup(address)
    assert page.select(".output.traceback, .output.stderr, .system-message") == []
    text = page.get_text(" ")
    shown = " ".join(cell.get_text(" ") for cell in page.select(".cell_output"))
    for sign in ("Traceback (most recent call last)", "Warning:", "[object Object]"):
        assert sign not in shown, f"{sign!r} in a result"
    assert not re.search(r"\{(numref|ref|doc|term|cite|eq)\}`", text)


@in_its_file
def test_a_citation_says_what_the_notebook_says_and_leads_to_its_work(address):
    """In JupyterLab a link of the same words stands in its place (_ext/citations.py)."""
    source = next((p for p in ROOT.glob(f"{address.removesuffix('.html')}.*")), None)
    if source is None:
        pytest.skip("a page that the build writes itself")
    text = source.read_text("utf-8")
    if source.suffix == ".ipynb":
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    here = soup(address).select("main .bibtex-citation")
    said = [" ".join(e.get_text().split()) for e in here]
    assert said == [words for words, _ in CITATION.findall(text)]
    for link in (a for e in here for a in e.select("a")):
        page, name = link["href"].split("#")
        folder = (HTML / address).parent
        assert (folder / page).resolve() == HTML / "reference" / "bibliography.html"
        assert name in anchors("reference/bibliography.html")


@in_its_file
def test_every_figure_has_a_numbered_caption(address):
    figures = soup(address).select("main figure:has(img)")
    assert [str(figure)[:120] for figure in figures if not figure.select(".caption-number")] == []


# --- the page in a browser ---------------------------------------------------------------------


@at_a_desk
def test_the_page_loads_quietly_and_alone_and_is_light_and_steady(address, desk, record_property):
    seen = desk(address)
    assert seen.shift < RESTLESS
    assert seen.leaps == []
    assert seen.problems == []
    assert not re.search(r"\bundefined\b|\bNaN\b|\[object ", seen.text), "a value that is none"
    weight = sum(seen.sizes.values()) / 1024
    record_property("gzipped KB", weight)
    heaviest = sorted(seen.sizes.items(), key=lambda item: -item[1])[:6]
    assert weight <= HEAVIEST, f"{weight:.0f} KB; heaviest: {heaviest}"


@at_a_desk
@pytest.mark.parametrize("color_scheme", SCHEMES)
def test_the_page_is_accessible(address, color_scheme, desk):
    assert desk(address).violations[color_scheme] == []


@each([page for page in PAGES if page.startswith("chapters/")], "at a desk")
def test_a_chapter_is_short_enough_to_finish(address, desk):
    seen = desk(address)
    assert seen.height <= TALLEST, f"{seen.height} px; its sections: {seen.sections}"


@on_a_phone
def test_the_page_fits_a_small_phone_and_is_steady_there(address, phone):
    seen = phone(address)
    assert seen.shift < RESTLESS
    assert seen.leaps == []
    assert seen.wide == []


@each([page for page in PAGES if soup(page).select("math")], "on a phone")
def test_a_formula_fits_a_small_phone_or_shows_that_it_goes_on(address, phone):
    assert phone(address).ill_set == []


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_a_figure_keeps_its_white_ground(color_scheme, visit):
    pages = [page for page in PAGES if soup(page).select("main figure img")]
    if not pages:
        pytest.skip("no page has a figure yet")
    seen = visit(pages[0], color_scheme=color_scheme)
    image = seen.page.locator("main figure img").first
    assert image.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


def test_the_reader_can_search_the_book(visit):
    seen = visit("search.html?q=positiveness")
    seen.page.wait_for_selector("#search-results li")
    assert seen.problems == []
