"""Every widget of the built book, on its own page: it starts, it answers, and nothing is asked of others."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import HTML, built_pages
from playwright.sync_api import Page, expect

PAGES = [name for name in built_pages() if 'class="ck-static"' in (HTML / name).read_text("utf-8")]


def start_all(page: Page) -> int:
    places = page.locator(".ck-static")
    for place in places.all():
        place.scroll_into_view_if_needed()
        expect(place).to_have_attribute("data-state", "live")
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    return places.count()


@pytest.mark.parametrize("name", PAGES)
def test_every_widget_starts_and_answers_with_all_other_hosts_blocked(visit, name):
    seen = visit(name)
    page = seen.page
    start_all(page)
    for drawing in page.locator(".ck-drawing").all():
        field = drawing.locator(".ck-weight:not([readonly])").first
        before = float(field.get_attribute("aria-valuenow"))
        field.focus()
        page.keyboard.press("ArrowUp")
        assert float(field.get_attribute("aria-valuenow")) != before
    assert seen.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_any_widget_and_none_is_wider_than_a_phone(visit, name, theme):
    seen = visit(name, width=380, color_scheme=theme)
    page = seen.page
    start_all(page)
    results = Axe().run(page, context=".ck-widget")
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
