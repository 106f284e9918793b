"""The answer boxes of the exercises, in the built book."""

from __future__ import annotations

import re

import pytest
from conftest import HTML
from playwright.sync_api import expect

PLACE = re.compile(r'<div class="book-answer" data-label="([^"]*)" data-answer="([^"]*)"')
PAGES = [
    f"chapters/{path.name}"
    for path in sorted((HTML / "chapters").glob("*.html"))
    if PLACE.search(path.read_text("utf-8"))
]


def box(page, label):
    return page.locator(".book-answer").filter(has=page.get_by_label(label, exact=True))


def answer(page, label, text):
    page.get_by_label(label, exact=True).fill(text)
    box(page, label).get_by_role("button", name="Check").click()
    return box(page, label).get_by_role("status")


@pytest.mark.parametrize("address", PAGES)
def test_every_box_of_a_page_is_built_and_takes_its_own_answer(visit, address):
    page = visit(address).page
    asked = PLACE.findall((HTML / address).read_text("utf-8"))
    assert page.locator(".book-answer form").count() == len(asked) > 0
    for label, right in asked:
        expect(answer(page, label, right)).to_have_text("Right.")
        expect(answer(page, label, "1e9")).to_have_text("Not yet.")


def test_a_number_may_be_written_in_many_ways(visit):
    page = visit("chapters/detection.html").page
    for text in ("3/2", "1.5", "1.500", " 1.5 ", "15e-1", "+1.5"):
        expect(answer(page, "The factor of x in the form", text)).to_have_text("Right.")
        expect(answer(page, "The factor of x in the form", "7")).to_have_text("Not yet.")


def test_a_number_may_have_pi_in_it(visit):
    page = visit("chapters/detection.html").page
    box_, right = "The factor of x in the form", "Right."
    for text in (
        "4.71239/pi",
        "4.71239 / π",
        "pi*0.477465",
        "0.477465 π",
        "3/2*pi/π",
        "-1.5pi/-pi",
    ):
        expect(answer(page, box_, text)).to_have_text(right)
        expect(answer(page, box_, "pi/2/2")).to_have_text("Not yet.")
    for text in ("1/2pi", "pip", "pi/", "2 pi pi"):
        expect(answer(page, box_, text)).to_contain_text("A number, please")


def test_a_number_may_be_a_power_or_stand_in_brackets(visit):
    page = visit("chapters/smooth.html").page
    for text in ("2^20", "2**20", "2²⁰", "1,048,576", "1.048576·10⁶", "(2^10)^2", "2^(5*4)"):
        expect(answer(page, "Pieces", text)).to_have_text("Right.")
        expect(answer(page, "Pieces", "-2^20")).to_have_text("Not yet.")
    for text in ("1048575", "1048577", "1050000"):  # a whole number is to be met
        expect(answer(page, "Pieces", text)).to_have_text("Not yet.")
    for text in ("2^", "(2", "2)", "2^^3", "()", "2½", "(" * 500):
        expect(answer(page, "Pieces", text)).to_contain_text("A number, please")
    page = visit("chapters/experiments.html").page
    for text in ("-(1/24)", "(-1)/24", "−1⁄24"):
        expect(answer(page, "∂L/∂w", text)).to_have_text("Right.")
        expect(answer(page, "∂L/∂w", "7")).to_have_text("Not yet.")


def test_a_minus_sign_may_be_typed_or_pasted(visit):
    page = visit("chapters/features.html").page
    for text in ("-1", "\u22121", "\u22122/2"):
        expect(answer(page, "Preactivation at (0, 2)", text)).to_have_text("Right.")
        expect(answer(page, "Preactivation at (0, 2)", "7")).to_have_text("Not yet.")


def test_thousands_may_be_set_off(visit):
    page = visit("chapters/conclusions.html").page
    expect(answer(page, "Tests for ε = 10⁻⁶", "4,000,000")).to_have_text("Right.")


def test_what_is_no_number_is_refused_in_words(visit):
    page = visit("chapters/features.html").page
    for text in ("", "two", "1/", "1/0", "1,2,5", "<b>2</b>"):
        said = answer(page, "Activation at (1, 1)", text)
        expect(said).to_contain_text("A number, please")
        assert said.locator("*").count() == 0
        expect(answer(page, "Activation at (1, 1)", "7")).to_have_text("Not yet.")


def test_a_decimal_comma_is_never_graded_but_told_how_to_write(visit):
    page = visit("chapters/features.html").page
    for text, advice in [
        ("2,0", "Write 2.0, with a point."),
        ("0,004", "Write 0.004, with a point."),
        ("−0,500", "Write −0.500, with a point."),
        ("1,234", "Write 1234, or 1.234, with a point."),
        ("0,5/3", "Write 0.5/3, with a point."),
    ]:
        expect(answer(page, "Activation at (1, 1)", text)).to_have_text(advice)


def test_the_enter_key_checks_and_a_right_answer_is_there_again(visit):
    page = visit("chapters/features.html").page
    field = page.get_by_label("Activation at (1, 1)", exact=True)
    field.fill("2")
    field.press("Enter")
    expect(box(page, "Activation at (1, 1)").get_by_role("status")).to_have_text("Right.")
    page.reload()
    expect(page.get_by_label("Activation at (1, 1)", exact=True)).to_have_value("2")
    expect(box(page, "Activation at (1, 1)").get_by_role("status")).to_have_text("Right.")
    expect(page.get_by_label("Activation at (0, 2)", exact=True)).to_have_value("")


def test_the_answer_is_not_held_against_a_reader_who_goes_on_typing(visit):
    page = visit("chapters/features.html").page
    field = page.get_by_label("Activation at (1, 1)", exact=True)
    expect(answer(page, "Activation at (1, 1)", "7")).to_have_text("Not yet.")
    field.fill("2")
    expect(box(page, "Activation at (1, 1)").get_by_role("status")).to_have_text("")
    assert field.get_attribute("aria-invalid") is None
