"""The catalogue's cards in a browser: filtered, opened and turned, with keys, without a script, on a phone."""

from __future__ import annotations

import pytest
from accessible import violations
from playwright.sync_api import Page, expect
from walks import PRESS_ALL

import circuitkit as ck

NAMES = [
    "abs", "tent", "min", "max", "min_of_three", "median_of_three", "sort_two", "full_adder", "xor", "opening",
    "norm_one", "soft_threshold", "lookup", "staircase", "flat_adder_of_four_bits",
]  # fmt: skip


@pytest.fixture(scope="module")
def gallery() -> ck.Gallery:
    return ck.Gallery(NAMES, notes={"abs": {"Gradient descent": "a <b>third</b> of the seeds"}})


def cards(page: Page) -> list[str]:
    return page.locator(".ck-gallery-card b").all_inner_texts()


def choose(page: Page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).select_option(value)


def test_cards_are_filtered_and_found(show, gallery):
    page = show(gallery)
    assert len(cards(page)) == 8
    expect(page.locator(".ck-gallery-count")).to_have_text("15 functions")
    page.get_by_role("button", name="Show the other 7").click()
    assert len(cards(page)) == 15
    choose(page, "group", "bit logic")
    assert cards(page) == ["full adder", "xor", "flat adder of four bits"]
    choose(page, "inputs", "3")
    assert cards(page) == ["full adder"]
    choose(page, "group", "any")
    choose(page, "hidden units", "7 to 15")
    assert cards(page) == ["min of three", "median of three", "opening"]
    page.get_by_label("with").fill("wrong pixels")
    assert cards(page) == ["median of three"]
    expect(page.locator(".ck-gallery-count")).to_have_text("1 of 15 functions")
    page.get_by_label("with").fill("nothing like it")
    expect(page.locator(".ck-gallery-count")).to_have_text("None: choose less.")


def test_a_card_opens_its_circuit_whose_verdict_follows_the_hand(show, gallery):
    page = show(gallery)
    expect(page.locator(".ck-gallery-title")).to_have_text("abs")
    expect(page.locator(".ck-gallery-facts")).to_contain_text("a <b>third</b> of the seeds")
    page.get_by_role("button", name="tent").click()
    expect(page.locator(".ck-gallery-title")).to_have_text("tent")
    verdict = page.locator(".ck-gallery-circuit .ck-verdict-text")
    expect(verdict).to_contain_text("Equals hat(x) for every input")
    weight = page.locator(".ck-gallery-circuit").get_by_role("spinbutton").nth(3)
    weight.fill("5")
    weight.press("Enter")
    expect(verdict).to_contain_text("Not hat(x) yet: at x =")
    assert page.evaluate("location.hash") == "#circuit=" + gallery._config["key"] + ".tent"
    page.reload()
    expect(page.locator(".ck-gallery-title")).to_have_text("tent")
    expect(verdict).to_contain_text("Not hat(x) yet")  # what was made of it stays, until
    page.get_by_role("button", name="Reset").click()
    expect(verdict).to_contain_text("Equals hat(x)")


def test_keys_alone_filter_and_open(show, gallery):
    page = show(gallery)
    page.get_by_label("group", exact=True).focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator(".ck-gallery-count")).to_contain_text("of 15 functions")
    page.locator(".ck-gallery-card").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".ck-gallery-title")).to_have_text("staircase")
    assert page.evaluate("document.activeElement.className") == "ck-gallery-title"


def test_what_is_too_large_to_touch_has_its_card(show, gallery):
    page = show(gallery, hash="#circuit=" + gallery._config["key"] + ".flat_adder_of_four_bits")
    expect(page.locator(".ck-gallery-facts")).to_contain_text("9-12-5, 12 hidden units")
    expect(page.locator(".ck-gallery-circuit .ck-widget")).to_have_count(0)


def test_without_a_script_the_functions_are_listed(show, gallery):
    page = show(gallery, java_script_enabled=False)
    expect(page.locator(".ck-still-text li")).to_have_count(15)


@pytest.mark.parametrize(("theme", "width"), [("dark", 380), ("light", 1000)])
def test_every_control_is_large_enough_and_axe_finds_nothing(show, gallery, theme, width):
    page = show(gallery, theme=theme, width=width, color_scheme=theme)
    assert page.evaluate(PRESS_ALL)["faults"] == []
    assert violations(page) == []
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
