"""A function typed into a page: its circuit, what is wrong with it, training, its address, on a phone and in the dark."""

from __future__ import annotations

import re

import pytest
from accessible import violations
from playwright.sync_api import Page, expect

import circuitkit as ck

HOSTILE = (
    '<img src=x onerror="window.hurt=1">',
    "constructor.constructor('window.hurt=1')()",
    "x; window.hurt=1",
    "max(x1, x2)</script><script>window.hurt=1</script>",
)


def typed(page: Page, text: str) -> None:
    field = page.get_by_label("Type a function")
    field.fill(text)
    field.press("Enter")


def verdict(page: Page):
    return page.locator(".ck-typed-verdict")


def test_a_typed_function_becomes_its_circuit_with_an_exact_verdict(show):
    page = show(ck.Typed())
    expect(verdict(page)).to_contain_text("A 2-3-1 network, 3 hidden units, computes max(x₁, x₂)")
    typed(page, "clamp(x, -1, 1)")
    expect(verdict(page)).to_contain_text("A 1-2-1 network, 2 hidden units")
    expect(page.locator(".ck-typed-network .ck-verdict")).to_contain_text("Equals")
    typed(page, "|b - a|/3")
    expect(verdict(page)).to_contain_text("computes 1/3 |b − a|")
    expect(page.locator(".ck-typed-facts")).to_contain_text("taken times 1/3: exactly")
    expect(page.locator(".ck-typed-network .ck-verdict")).to_contain_text("for every input")
    page.get_by_role("button", name="sort(x1, x2)").click()
    expect(verdict(page)).to_contain_text("A 2-4-2 network")


def test_the_circuit_can_be_turned_and_its_verdict_follows(show):
    page = show(ck.Typed("|x|"))
    inner = page.locator(".ck-typed-network .ck-verdict")
    expect(inner).to_contain_text("Equals")
    field = page.get_by_role("spinbutton", name="weight from hidden unit 1 to the output")
    field.click()
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(inner).to_contain_text("Not |x|")


def test_what_cannot_be_read_is_marked_where_it_is_wrong(show):
    page = show(ck.Typed())
    typed(page, "2a + max(a b)")
    alert = page.locator(".ck-typed-error [role=alert]")
    expect(alert).to_contain_text("missing between ‘a’ and ‘b’")
    expect(page.locator(".ck-typed-echo mark")).to_have_text("b")
    expect(verdict(page)).to_be_hidden()
    assert page.locator(".ck-typed-network > *").count() == 0
    typed(page, "x^2")
    expect(alert).to_contain_text("ck.approximate")
    typed(page, "sign(x)")
    expect(alert).to_contain_text("jumps, at x = 0, from −1 to 1")
    page.get_by_label("Type a function").fill("foo(x) +")  # before Enter, too
    expect(alert).to_contain_text("unknown function ‘foo’")
    typed(page, "x*sign(x)")
    expect(page.locator(".ck-typed-error")).to_be_hidden()
    expect(verdict(page)).to_contain_text("|x|")


def test_random_weights_of_the_same_widths_can_be_trained_towards_it(show):
    page = show(ck.Typed("|x|"))
    page.get_by_role("button", name="Train from random weights instead").click()
    expect(page.locator(".ck-typed-network .ck-status")).to_contain_text("Step 0")
    for _ in range(3):
        page.get_by_role("button", name="Step").click()
    expect(page.locator(".ck-typed-network .ck-status")).to_contain_text(re.compile("Step 3, loss"))
    page.get_by_role("button", name="The circuit").click()
    expect(page.locator(".ck-typed-network .ck-verdict")).to_contain_text("Equals")


def test_seven_inputs_have_numbers_and_can_be_trained(show):
    page = show(ck.Typed("x1 + x2 + x3 + x4 + x5 + x6 + x7"))
    inner = page.locator(".ck-typed-network")
    expect(inner.locator(".ck-verdict")).to_contain_text("Equals")
    picture = inner.locator(".ck-map")
    expect(picture).to_have_attribute("aria-label", re.compile("x₇ = 2 the network gives 0, the"))
    typed(page, "max(x1, x2, x3, x4, x5, x6, x7)")
    expect(picture).to_have_attribute("aria-label", re.compile("x₇ = 2 the network gives 4, the"))
    page.get_by_role("button", name="Train from random weights instead").click()
    page.get_by_role("button", name="Step").click()
    expect(inner.locator(".ck-status")).to_contain_text(re.compile("Step 1, loss 0"))


def test_the_function_is_in_the_address(show):
    page = show(ck.Typed())
    typed(page, "hat(2x)")
    expect(verdict(page)).to_contain_text("A 1-3-1 network")
    assert "#circuit=" in page.url
    page.reload()
    expect(page.get_by_label("Type a function")).to_have_value("hat(2x)")
    expect(verdict(page)).to_contain_text("A 1-3-1 network")


def test_the_address_names_no_function_where_none_is_built(show):
    page = show(ck.Typed())
    typed(page, "hat(2x)")
    assert "#circuit=" in page.url
    typed(page, "x*x")
    expect(page.locator(".ck-typed-error")).to_contain_text("taken for curved")
    assert page.evaluate("location.hash") == ""
    assert page.locator(".ck-typed > .ck-spoken").text_content() == ""


@pytest.mark.parametrize("text", ["0.1234567*x", "10000000*x", "x - 1e-12", "|x + 1e-8|"])
def test_a_number_of_many_zeros_is_built_and_named_exactly(show, text):
    page = show(ck.Typed())
    typed(page, text)
    expect(verdict(page)).to_contain_text("checked here in exact arithmetic")
    expect(page.locator(".ck-typed-network .ck-verdict")).to_contain_text(
        re.compile("Equals|Within")
    )


def test_a_circuit_too_large_to_draw_can_be_copied_and_says_where_its_function_is_seen(show):
    page = show(ck.Typed())
    expect(page.get_by_role("button", name="Copy as Python")).to_have_count(1)
    typed(page, "max(a,b,c,d,e,f,g)")
    expect(page.locator(".ck-typed-network .ck-caption")).to_have_text(
        "The network is too large to draw here; this is its function."
    )
    expect(page.locator(".ck-picker")).to_have_text(
        re.compile("at c = 4, d = −2, e = 1, f = −3, g = 2$")
    )
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as Python").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    code = page.evaluate("navigator.clipboard.readText()")
    copied = eval(code, {"ck": ck})
    assert ck.prove(copied, "max(x1, x2, x3, x4, x5, x6, x7)")


def test_a_damaged_address_is_told(show):
    w = ck.Typed()
    page = show(w, hash=f"#circuit={w._config['key']}.damaged.x")
    expect(page.locator(".ck-typed-error")).to_contain_text("damaged")
    expect(verdict(page)).to_contain_text("max(x₁, x₂)")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_never_run(show, text):
    page = show(ck.Typed(text, caption=text, examples=[text]))
    typed(page, text)
    expect(page.locator(".ck-typed-error")).to_be_visible()
    assert page.evaluate("window.hurt") is None
    assert page.locator("main img").count() == 0


def test_without_a_script_the_circuit_is_drawn(show):
    page = show(ck.Typed("max(x1, x2)"), java_script_enabled=False)
    expect(page.locator(".ck-still svg")).to_be_visible()
    expect(page.locator(".ck-still-text")).to_contain_text("ck.compile_expression('max(x1, x2)')")


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 380)])
def test_the_field_is_accessible_and_fits(show, theme, width):
    page = show(ck.Typed(), theme=theme, width=width, color_scheme=theme)
    for text in ("max(x1 x2)", "sort(a, b, c)", "|b - a|/3"):
        typed(page, text)
        page.wait_for_timeout(150)
        assert violations(page, "main") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
