"""What a reader has made stays in the browser, widget by widget, until the reader starts over."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

import circuitkit as ck

REFUSED = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("kept nothing", "SecurityError"); },
});"""


def again(page: Page) -> None:
    page.goto(page.url.split("#")[0])
    expect(page.locator(".ck-static")).to_have_attribute("data-state", "live")


@pytest.fixture(scope="module")
def run():
    return ck.train("min", (3,), seeds=4, steps=50, learning_rate=0.5, progress=False)


def test_units_put_down_stand_there_again_until_they_are_cleared(show):
    page = show(ck.WeightPlane(seeds=8))
    told = page.locator(".ck-plane .ck-status").first
    page.get_by_role("button", name="Put down").first.click()
    again(page)
    expect(told).to_contain_text("it ends on the upper right branch")
    expect(page.locator(".ck-message")).to_contain_text("Clear starts over")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".ck-message")).to_be_hidden()
    again(page)
    expect(told).to_have_text("Alone on its side of zero, it follows the arrows.")


def test_a_complaint_of_the_plane_leaves_with_the_next_number(show):
    page = show(ck.WeightPlane(seeds=8))
    field = page.get_by_role("spinbutton", name="hidden weight w")
    for text in ("1000", "-1"):
        field.fill(text)
        page.keyboard.press("Enter")
        complaint = page.locator(".ck-message")
        (expect(complaint).to_be_visible if text == "1000" else expect(complaint).to_be_hidden)()


def test_arrows_stand_there_again_until_the_start(show):
    page = show(ck.FeatureArrows(goal=0.5))
    field = page.get_by_role("spinbutton", name="direction in degrees")
    first = field.input_value()
    field.fill("33")
    page.keyboard.press("Enter")
    again(page)
    expect(field).to_have_value("33")
    page.get_by_role("button", name="Start again").click()
    again(page)
    expect(field).to_have_value(first)


def test_the_network_opened_last_is_open_again(show, run):
    page = show(ck.LossShelves(run))
    seed = page.get_by_label("seed", exact=True)
    seed.fill("2")
    page.get_by_role("button", name="Open", exact=True).click()
    again(page)
    expect(seed).to_have_value("2")
    expect(page.locator(".ck-shelves-words").first).to_contain_text("Seed 2")


def test_the_text_read_last_is_there_again_until_the_reader_starts_over(show):
    page = show(ck.WeightsReader(ck.circuit("abs")))
    over = page.get_by_role("button", name="Start over")
    expect(over).to_be_hidden()
    page.locator("textarea").fill("[[[1], [-1]], [[1, -1]]]")
    page.get_by_role("button", name="Read it").click()
    again(page)
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes x exactly")
    over.click()
    expect(over).to_be_hidden()
    again(page)
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes abs(x) exactly")


def test_the_function_typed_last_is_there_again_until_the_reader_starts_over(show):
    page = show(ck.Typed(""))
    page.get_by_label("Type a function").fill("max(x, 2)")
    page.get_by_role("button", name="Build it").click()
    again(page)
    expect(page.locator(".ck-typed-verdict")).to_contain_text("computes max(x, 2)")
    page.get_by_role("button", name="Start over").click()
    assert "#" not in page.url
    again(page)
    expect(page.get_by_label("Type a function")).to_have_value("")


@pytest.mark.parametrize("kind", ["plane", "shelves", "mystery", "arrows", "typed", "reader"])
def test_a_browser_that_keeps_nothing_is_no_error(visit, site, show, run, kind):
    made = {
        "plane": lambda: ck.WeightPlane(seeds=8),
        "shelves": lambda: ck.LossShelves(run),
        "mystery": ck.Mystery,
        "arrows": lambda: ck.FeatureArrows(goal=0.5),
        "typed": lambda: ck.Typed("abs(x)"),
        "reader": lambda: ck.WeightsReader(ck.circuit("abs")),
    }
    page = show(made[kind]())
    page.context.add_init_script(REFUSED)
    again(page)
    names = ["Put down", "Open", "A hint", "Start again", "Build it", "Read it"]
    name = dict(zip(made, names, strict=True))[kind]
    page.get_by_role("button", name=name, exact=name == "Open").first.click()
    page.wait_for_timeout(100)
