"""Unlabelled networks in a browser: solved and missed, linked and sent, with keys, without a script, on a phone."""

from __future__ import annotations

import re

import pytest
from accessible import violations
from playwright.sync_api import Page, expect
from walks import PRESS_ALL

import circuitkit as ck
from circuitkit.mysteries import ladder


def answer(page: Page, text: str) -> None:
    field = page.get_by_role("textbox", name=re.compile("^the function of"))
    field.fill(text)
    field.press("Enter")


def verdict(page: Page):
    return page.locator(".ck-mystery-verdict")


def at(page: Page) -> str | None:
    return page.locator(".ck-mystery-ladder [aria-current]").get_attribute("aria-label")


def test_a_wrong_answer_meets_its_input_and_a_right_one_a_proof_and_the_next_level(show):
    page = show(ck.Mystery())
    answer(page, "3x")
    expect(verdict(page)).to_contain_text("Not 3 x: at x = 1 it gives 2, not 3.")
    page.get_by_role("button", name="Go there").click()
    expect(page.get_by_role("spinbutton", name="input x")).to_have_value("1")
    answer(page, "x^2")
    expect(page.get_by_role("alert").first).to_contain_text("A power is taken for curved")
    expect(verdict(page)).to_be_hidden()
    answer(page, "10000000*x")
    expect(verdict(page)).to_contain_text("Not 1e7 x: at x = 1 it gives 2, not 1e7.")
    answer(page, "|x| + x - |−x| + x")
    expect(verdict(page)).to_contain_text(
        "for every input, checked on each of its 2 linear regions"
    )
    expect(page.locator(".ck-feature").first).to_have_text("+(x)")
    page.get_by_role("button", name="Next level").click()
    assert at(page) == "Level 2: Two slopes"
    assert page.locator(".ck-mystery > .ck-spoken").text_content() == ""
    assert page.evaluate("location.hash") == "#circuit=mystery.two-slopes"
    page.reload()
    assert at(page) == "Level 2: Two slopes"
    expect(page.get_by_role("button", name="Level 1: Two units, solved")).to_be_visible()
    page.goto(page.url.partition("#")[0])
    assert at(page) == "Level 2: Two slopes"  # the first that is not solved


def test_every_level_has_a_link_and_is_solved_by_its_answer(show):
    page = show(ck.Mystery(), hash="#circuit=mystery.two-units")
    for k, level in enumerate(ladder(), 1):
        page.get_by_role("button", name=f"Level {k}: {level.title}").click()
        if level.claim:
            for field, value in zip(
                page.locator(".ck-mystery-form input").all(), level.answer, strict=True
            ):
                field.fill(repr(value))
            page.get_by_role("button", name="Try it").click()
            expect(verdict(page)).to_contain_text("Found: at")
        else:
            answer(page, level.answer)
            expect(verdict(page)).to_contain_text(re.compile("Equals|Within"))
        expect(page.locator(".ck-mystery-end")).to_contain_text(level.solved)
        assert page.evaluate("location.hash") == f"#circuit=mystery.{level.key}"
    expect(page.locator(".ck-mystery-end")).to_contain_text("you have read them all")


def test_an_input_where_the_claim_is_true_refutes_nothing(show):
    page = show(ck.Mystery(), hash="#circuit=mystery.a-billionth")
    assert at(page) == "Level 10: A billionth"
    field = page.locator(".ck-mystery-form input")
    field.fill("0.7")
    page.get_by_role("button", name="Try it").click()
    expect(verdict(page)).to_contain_text("At x = 0.7 both are 0.7.")
    field.fill("a lot")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("alert").first).to_contain_text("x: “a lot” is not a number.")


def test_the_bench_says_whether_the_function_has_changed(show):
    page = show(ck.Mystery(), hash="#circuit=mystery.dead-wood")
    page.get_by_text("The units, one by one").click()
    state = page.locator(".ck-mystery-state")
    page.get_by_role("button", name="unit 2 is switched on").click()  # dead
    expect(state).to_contain_text("still computes the same, for every input: proved")
    page.get_by_role("button", name="unit 5 is switched on").click()
    expect(state).to_contain_text("another function now: at")
    page.get_by_role("button", name="unit 5 is switched off").click()
    page.get_by_role("button", name="Prune").click()
    expect(page.locator(".ck-mystery-units li")).to_have_count(6)
    page.get_by_role("button", name="Rescale all").click()
    expect(state).to_contain_text("still computes the same")
    expect(page.locator(".ck-mystery-sum").first).to_contain_text("1: relu(x₁ + 0.333")
    page.get_by_label("a name for unit 1").fill("a<b>ha")
    expect(page.locator(".ck-feature").first).to_have_text("a<b>ha")
    answer(page, "abs(x1 - x2)")
    expect(verdict(page)).to_contain_text("Equals |x₁ − x₂| for every input")
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".ck-mystery-units li")).to_have_count(7)


def test_a_network_too_large_to_draw_is_read_unit_by_unit(show):
    page = show(ck.Mystery(), hash="#circuit=mystery.among-thirty")
    expect(page.locator(".ck-mystery-units li")).to_have_count(33)
    page.get_by_role("spinbutton", name="input x₁").fill("5")
    page.keyboard.press("Enter")
    expect(page.locator(".ck-mystery-inputs")).to_contain_text("gives 5")


def test_a_network_is_sent_as_a_link_and_read_by_a_friend(show):
    page = show(ck.Mystery())
    page.get_by_text("Build one, and send the link").click()
    made = page.locator(".ck-mystery-made")
    weights = page.get_by_label(re.compile("^The weights"))
    for text, said in (
        ("abs", "Expected nested lists"),
        ("[[[1]], [[1], [2]]]", "Expected one output"),
        ("", "no weights yet"),
    ):
        weights.fill(text)
        page.get_by_role("button", name="Make the link").click()
        expect(made).to_contain_text(said)
    weights.fill("[[[3], [-1]], [[0.3, 1]]]")
    page.get_by_role("button", name="Disguise it").click()
    expect(made).to_contain_text("computes the same, to the last bit")
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("The link to your network").input_value()
    friend = show(ck.Mystery(), hash=link[link.index("#") :])
    expect(friend.locator(".ck-mystery-title")).to_have_text("From a friend")
    answer(friend, "max(0.9x, -x)")
    expect(verdict(friend)).to_contain_text("Within 1e-9 of max(9/10 x, −x) for every input")
    friend.get_by_role("button", name="Level 1: Two units").click()
    assert friend.evaluate("location.hash") == "#circuit=mystery.two-units"
    friend.get_by_role("button", name="A friend’s network").click()
    assert friend.evaluate("location.hash") == link[link.index("#") :]
    friend.reload()
    assert at(friend) == "A friend’s network"
    for bad in (link[:-2], link[: link.index(".", link.index("#")) + 9]):
        page = show(ck.Mystery(), hash=bad[bad.index("#") :])
        expect(page.get_by_role("alert").first).to_contain_text("The link is damaged")
        assert at(page) == "Level 1: Two units"


def test_what_a_link_brings_is_looked_at_first(show):
    page = show(ck.Mystery())
    net = "{weights: [[[1, '<img src=x onerror=stop()>']], [[1]]], biases: [[0], [0]]}"
    hash = page.evaluate(f"circuitkit.state.encode({net})")
    page = show(ck.Mystery(), hash=f"#circuit=mystery.{hash}")
    expect(page.get_by_role("alert").first).to_contain_text("Layer 1: expected numbers")
    assert at(page) == "Level 1: Two units"


def test_a_browser_that_keeps_nothing_solves_a_level_all_the_same(show, browser, site):
    page = show(ck.Mystery())
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no'); }})"
    )
    page.reload()
    expect(page.locator(".ck-mystery-title")).to_be_visible()
    answer(page, "2x")
    expect(verdict(page)).to_contain_text("Equals 2 x")
    expect(page.get_by_role("button", name="Level 1: Two units, solved")).to_be_visible()


def test_keys_alone_solve_a_level(show):
    page = show(ck.Mystery())
    page.get_by_role("button", name="Level 1: Two units").focus()
    for _ in range(11):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Level 12: Folded"
    page.keyboard.press("Tab")
    page.keyboard.type("2x")
    page.keyboard.press("Enter")
    expect(page.locator(".ck-spoken").first).to_contain_text("Equals 2 x")
    page.get_by_role("button", name="A hint").press("Enter")
    expect(page.locator(".ck-hints li")).to_have_count(1)
    page.get_by_role("button", name="Next level").press("Enter")
    assert page.evaluate("document.activeElement.className") == "ck-mystery-title"


def test_without_a_script_the_networks_are_listed(show):
    page = show(ck.Mystery(), java_script_enabled=False)
    expect(page.locator(".ck-still svg")).to_be_visible()
    expect(page.locator(".ck-still-text li")).to_have_count(12)


@pytest.mark.parametrize(
    ("theme", "level", "width"),
    [("dark", "among-thirty", 360), ("light", "impostor", 360), ("light", "somebody-else", 1000)],
)
def test_every_control_is_large_enough_and_axe_finds_nothing(show, theme, level, width):
    page = show(
        ck.Mystery(), theme=theme, width=width, color_scheme=theme, hash=f"#circuit=mystery.{level}"
    )
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.get_by_role("button", name="A hint").click()
    page.locator("form button").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert page.evaluate(PRESS_ALL)["faults"] == []
    assert violations(page) == []
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
