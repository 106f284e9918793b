"""The landing page says how far its reader has come, and forgets it when asked to."""

from __future__ import annotations

import json

from conftest import HTML
from playwright.sync_api import expect
from starting import start_all


def test_what_is_solved_in_the_book_stands_on_the_landing_page(visit):
    seen = visit("chapters/identity.html")
    page = seen.page
    answer = page.locator(".book-answer").first
    answer.locator("input").fill(answer.get_attribute("data-answer"))
    answer.get_by_role("button", name="Check").click()
    page.evaluate("localStorage.setItem('circuitkit:challenge:abs-puzzle', 'solved')")
    page.evaluate("localStorage.setItem('circuitkit:challenge:add', 'begun')")
    page.goto(page.url.replace("chapters/identity.html", "index.html"))
    line = page.locator(".book-progress")
    expect(line).to_contain_text("You have solved 2 of the book’s")
    marks = page.locator(".book-solved")
    assert [text.split(" solved")[0][:4] for text in marks.all_inner_texts()] == ["1 of"] * 2
    assert page.locator(".sd-card", has=marks).locator("a").first.get_attribute("href")
    page.reload()  # it is counted anew
    expect(line).to_contain_text("You have solved 2")
    page.get_by_role("button", name="Start over").click()
    expect(line).to_contain_text("You have solved 2")  # asks first
    page.get_by_role("button", name="Forget all of it").click()
    expect(line).to_have_text("All of it is forgotten.")
    expect(line).to_be_focused()
    assert (
        page.evaluate("Object.keys(localStorage).filter((k) => /circuitkit|answer/.test(k))") == []
    )
    assert seen.problems == []


def test_the_landing_pages_own_puzzle_counts_the_moment_it_is_solved(visit):
    page = visit("index.html").page
    widget = page.locator(".ck-widget").first
    for name, value in [
        ("weight from x to hidden unit 1", "1"),
        ("weight from x to hidden unit 2", "-1"),
        ("weight from hidden unit 1 to the output", "1"),
        ("weight from hidden unit 2 to the output", "-1"),
    ]:
        widget.get_by_role("spinbutton", name=name, exact=True).click()
        page.keyboard.type(value)
        page.keyboard.press("Enter")
    line = page.locator(".book-progress")
    expect(line).to_contain_text("You have solved 1 of the book’s")
    page.get_by_role("button", name="Start over").click()
    page.keyboard.press("Tab")  # is no yes
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Forget all of it").click()
    expect(line).to_have_text("All of it is forgotten.")
    start_all(page)  # anew: touched once more, it is not solved
    page.locator(".ck-widget").first.get_by_role("slider").first.press("ArrowRight")
    page.reload()
    expect(line).to_be_hidden()


def test_every_page_that_has_something_to_solve_has_a_card(visit):
    page = visit("index.html").page
    expect(page.locator(".book-progress")).to_be_hidden()
    found = json.loads(page.locator("#book-to-solve").text_content())
    assert found
    assert found.pop("index.html") == ["circuitkit:challenge:landing-identity"]
    for address in found:
        assert (HTML / address).exists()
        assert page.locator(f'.book-chapters a[href$="{address}"]').count() == 1, address


def test_a_browser_that_keeps_nothing_shows_no_progress(visit):
    seen = visit("chapters/abs.html")
    seen.page.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no'); } });"
    )
    seen.page.goto(seen.page.url.replace("chapters/abs.html", "index.html"))
    expect(seen.page.locator(".book-progress")).to_have_count(0)
