"""The widget on a page of its own, hydrated as the book hydrates it, in the hands of a reader."""

from __future__ import annotations

import ast
import re
from itertools import pairwise

import numpy as np
import pytest
from accessible import violations
from conftest import after_transitions
from playwright.sync_api import Page, expect
from starting import until

import circuitkit as ck

NAVIGATION = ("network", "graph", "verdict")
TRAINING = (*NAVIGATION, "training")
IDENTITY = ck.circuit("identity")
WRONG = ck.Network([[[1], [1]], [[1, 0.5]]])


def settle(page: Page) -> None:
    """Wait until the frame that follows the last event has been drawn."""
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")


def until_kept(page: Page, networks: int = 1) -> None:
    """Wait until the browser keeps so many networks for the next visit."""
    until(
        page,
        "n => Object.keys(localStorage).filter((k) => k.includes('network')).length === n",
        networks,
    )


def weight(page: Page, source: str, goal: str):
    return page.get_by_role("spinbutton", name=f"weight from {source} to {goal}", exact=True)


def value(field) -> float:
    return float(field.get_attribute("aria-valuenow"))


def type_into(page: Page, field, text: str) -> None:
    field.click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    settle(page)


def drag(page: Page, field, distance: int) -> None:
    box = field.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + distance / 2, y, steps=4)
    page.mouse.move(x + distance, y, steps=4)
    page.mouse.up()
    settle(page)


def python_copy(page: Page) -> ck.Network:
    """The network on screen, as the button "Copy as Python" writes it."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as Python").click()
    expect(page.get_by_role("alert")).to_contain_text("Copied")
    code = page.evaluate("navigator.clipboard.readText()")
    arguments = ast.parse(code, mode="eval").body.args
    assert code.startswith("ck.Network(")
    return ck.Network(*(ast.literal_eval(a) for a in arguments))


# ------------------------------------------------------------------ turning numbers


def test_dragging_a_weight_sideways_turns_it_and_the_verdict(show):
    page = show(ck.CircuitWidget("identity", "identity"))
    verdict = page.locator(".ck-verdict")
    expect(verdict).to_contain_text("Equals x for every input")
    field = weight(page, "x", "hidden unit 1")
    drag(page, field, 50)
    assert value(field) == pytest.approx(2.0)
    expect(verdict).to_contain_text("Not x yet")
    drag(page, field, -50)
    assert value(field) == pytest.approx(1.0)
    expect(verdict).to_contain_text("Equals x")


@pytest.mark.parametrize(("text", "number"), [("1/3", 1 / 3), ("-0.9192", -0.9192), ("−2", -2.0)])
def test_a_weight_can_be_typed(show, text, number):
    page = show(ck.CircuitWidget("identity", "identity"))
    type_into(page, weight(page, "x", "hidden unit 2"), text)
    assert python_copy(page).weights[0][1, 0] == number


def test_what_is_no_number_is_refused_in_words_and_escape_restores(show):
    page = show(ck.CircuitWidget("identity", "identity"))
    field = weight(page, "x", "hidden unit 1")
    type_into(page, field, "two")
    expect(page.get_by_role("alert")).to_contain_text("“two” is not a number")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")
    settle(page)
    expect(field).to_have_value("1")
    assert value(field) == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,5", "“1,5” is not a number. Write 1.5, with a point."),
        ("1e400", "“1e400” is too large or too close to 0 to compute with."),
        ("1e-400", "“1e-400” is too large or too close to 0 to compute with."),
    ],
)
def test_a_number_that_cannot_be_taken_is_told_why(show, text, message):
    page = show(ck.CircuitWidget("identity", "identity"))
    type_into(page, weight(page, "x", "hidden unit 1"), text)
    expect(page.get_by_role("alert")).to_have_text(message)


def test_numbers_that_differ_never_look_the_same_in_the_verdict(show):
    page = show(ck.CircuitWidget("identity", "identity"))
    type_into(page, weight(page, "x", "hidden unit 1"), "3")
    verdict = page.locator(".ck-verdict")
    output = weight(page, "hidden unit 1", "the output")
    type_into(page, output, "0.3333333")
    expect(verdict).to_contain_text("at x = 1 it gives 0.9999999, not 1.")
    type_into(page, output, "0.33333333333")
    expect(verdict).not_to_contain_text("Equals")
    expect(verdict).to_contain_text(
        "Within 1e-9 of x for every input, relative to the input's size"
    )


def test_sums_of_enormous_biases_are_exact_in_the_drawing_the_graph_and_the_sentence(show):
    net = ck.Network([[[1], [1]], [[1, 0]]], [[1e17, 0], [-1e17]])
    page = show(ck.CircuitWidget(net, "identity", challenge=ck.Challenge("k", "x", domain=(-6, 6))))
    expect(page.locator(".ck-verdict")).to_contain_text("Equals x for −6 ≤ x ≤ 6")
    expect(page.locator(".ck-output")).to_have_text("3")
    shape = "(p) => [...p.getAttribute('d').matchAll(/[-.\\d]+/g)].map(Number)"
    numbers = page.locator(".ck-network-line").evaluate(shape)
    (slope, _), (miss,), *_ = np.polyfit(numbers[::2], numbers[1::2], 1, full=True)
    assert slope < -0.3 and miss / len(numbers) < 0.01  # pixels: one straight line, rising
    both = ck.Network([[[1, 1]], [[1]]], [[1e17], [-1e17]])
    page = show(ck.CircuitWidget(both, "add"))
    expect(page.locator(".ck-verdict")).to_contain_text("it gives −1e17, not −2e20")
    expect(page.locator(".ck-wanted")).to_have_text("✓")
    below, beside = (s.evaluate(shape) for s in page.locator(".ck-section .ck-network-line").all())
    for numbers in (below, beside):
        assert len(set(numbers[::2])) > 40
        assert len(set(numbers[1::2])) > 40
    unit = page.locator(".ck-unit .ck-act")
    expect(unit).to_have_text("1e17")
    assert unit.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_what_cannot_be_decided_is_neither_right_nor_wrong(show):
    many = " + ".join(f"|x{i}|" for i in range(1, 9))
    page = show(ck.CircuitWidget(ck.compile_expression(many), many))
    expect(page.locator(".ck-verdict")).to_contain_text("that is no proof")
    expect(page.locator(".ck-verdict-mark")).to_have_text("?")
    expect(page.get_by_role("button", name="Go there")).to_be_hidden()


def test_the_arrow_keys_step_a_weight_and_shift_makes_ten_steps(show):
    page = show(ck.CircuitWidget("identity", "identity"))
    field = weight(page, "x", "hidden unit 1")
    field.focus()
    for key, expected in [
        ("ArrowUp", 1.1),
        ("ArrowRight", 1.2),
        ("Shift+ArrowDown", 0.2),
        ("Alt+ArrowDown", 0.19),
    ]:
        page.keyboard.press(key)
        settle(page)
        assert value(field) == pytest.approx(expected)


def test_every_control_is_reached_by_the_tab_key_and_has_a_name(show):
    page = show(ck.CircuitWidget(ck.circuit("min"), "min", panels=TRAINING, seed=0))
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "() => { const e = document.activeElement; return e.closest('.ck-widget') ? "
                "(e.getAttribute('aria-label') || e.innerText || e.closest('label')?.innerText || '') : 'outside' }"
            )
        )
    assert "" not in seen
    for label in (
        "slider for input x₁",
        "weight from x₂ to hidden unit 3",
        "Run",
        "learning rate",
        "seed",
    ):
        assert any(label in s for s in seen), label


def test_a_bias_is_shown_and_can_be_turned(show):
    page = show(ck.CircuitWidget(ck.Network([[[1.0]], [[1.0]]], [[0.5], [0.0]]), "identity"))
    field = page.get_by_role("spinbutton", name="bias of hidden unit 1", exact=True)
    drag(page, field, 30)
    assert python_copy(page).biases[0][0] == pytest.approx(1.1)


def test_a_finger_drags_a_weight(show):
    page = show(
        ck.CircuitWidget("identity", "identity"),
        width=380,
        height=800,
        has_touch=True,
        is_mobile=True,
    )
    field = weight(page, "x", "hidden unit 1")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    touch.send(
        "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    )
    for step in range(1, 11):
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": "touchMove", "touchPoints": [{"x": x + 5 * step, "y": y}]},
        )
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    assert value(field) == pytest.approx(2.0, abs=0.11)


def test_tied_weights_move_together(show):
    ties = [((0, 0, 0), (1, 0, 0), "inverse"), ((0, 1, 0), (1, 0, 1), "inverse")]
    page = show(ck.CircuitWidget("identity", "identity", ties=ties))
    type_into(page, weight(page, "x", "hidden unit 1"), "4")
    assert value(weight(page, "hidden unit 1", "the output")) == 0.25
    type_into(page, weight(page, "hidden unit 2", "the output"), "-2")
    assert value(weight(page, "x", "hidden unit 2")) == -0.5
    expect(page.locator(".ck-verdict")).to_contain_text("Equals x for every input")


def tied_as_inverses(show):
    ties = [((0, 0, 0), (1, 0, 0), "inverse"), ((0, 1, 0), (1, 0, 1), "inverse")]
    return show(ck.CircuitWidget(ck.circuits.identity(w1=2, w2=-0.5), "identity", ties=ties))


@pytest.mark.parametrize(("unit", "start", "way"), [(1, 2, -1), (2, -0.5, 1)])
def test_a_weight_tied_as_an_inverse_cannot_be_pulled_through_zero(show, unit, start, way):
    page = tied_as_inverses(show)
    field = weight(page, "x", f"hidden unit {unit}")
    partner = weight(page, f"hidden unit {unit}", "the output")
    box = field.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for pixels in range(0, 181, 12):
        page.mouse.move(x + way * pixels, y)
        settle(page)
        assert value(field) * start > 0
        assert value(partner) == pytest.approx(1 / value(field))
        assert abs(value(partner)) <= 3
    page.mouse.up()
    assert abs(value(field)) < 0.41
    field.focus()
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown" if way < 0 else "Shift+ArrowUp")
    settle(page)
    assert value(field) * start > 0
    slider = page.locator(".ck-inspector .ck-range")
    for text in ("0", f"{-start}"):
        slider.fill(text)
        settle(page)
        assert value(field) * start > 0
        assert float(slider.input_value()) * start > 0
    expect(page.locator(".ck-verdict")).to_have_class(re.compile("ck-holds"))
    page.get_by_role("button", name="Undo").click()
    settle(page)
    assert value(partner) == pytest.approx(1 / value(field))


@pytest.mark.parametrize("text", ["0", "-3", "1e-320"])
def test_typing_what_would_break_a_tie_is_refused_and_told_why(show, text):
    page = tied_as_inverses(show)
    field = weight(page, "x", "hidden unit 1")
    type_into(page, field, text)
    expect(page.get_by_role("alert")).to_contain_text("tied to another weight as 1/w")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")
    settle(page)
    assert (value(field), value(weight(page, "hidden unit 1", "the output"))) == (2, 0.5)


def test_a_weight_tied_to_a_frozen_one_stays(show):
    page = tied_as_inverses(show)
    weight(page, "hidden unit 1", "the output").focus()
    page.keyboard.press("f")
    field = weight(page, "x", "hidden unit 1")
    drag(page, field, 50)
    type_into(page, field, "4")
    expect(page.get_by_role("alert")).to_contain_text("tied to a weight that is frozen")
    page.keyboard.press("Escape")
    settle(page)
    assert value(field) == 2


# ------------------------------------------------------------------ what is shown


def test_units_show_preactivation_and_activation_and_say_when_they_are_off(show):
    page = show(ck.CircuitWidget("identity", "identity", x=-5))
    unit = page.get_by_role(
        "button", name="hidden unit 1, activation and preactivation: 0, −5, off"
    )
    expect(unit).to_contain_text("0")
    expect(page.locator(".ck-flag.ck-on")).to_have_text("off")
    page.get_by_role("slider", name="slider for input x").fill("4")
    settle(page)
    expect(
        page.get_by_role("button", name="hidden unit 1, activation and preactivation: 4, 4")
    ).to_be_visible()
    expect(
        page.get_by_role("button", name="hidden unit 2, activation and preactivation: 0, −4, off")
    ).to_be_visible()


def test_a_unit_spells_out_its_sum_when_it_is_clicked(show):
    page = show(ck.CircuitWidget("subtract", "subtract", x=[3, 5]))
    page.get_by_role("button", name=re.compile("^hidden unit 1")).click()
    expect(page.locator(".ck-inspector")).to_contain_text("1 · 3 + (−1) · 5 = −2, off: 0")


def test_names_of_inputs_beside_each_other_do_not_run_into_one_word(show):
    places = [
        f"{part} {where}" for part in ("windows", "body", "wheels") for where in ("top", "bottom")
    ]
    net = ck.Network([[[1, -1, 0.5, 1, -1, 1]], [[1]]])
    car = ck.CircuitWidget(net, input_names=places, panels=("network",), domain=(0, 1))
    page = show(car, width=380)
    boxes = page.evaluate(
        """() => [...document.querySelectorAll(".ck-input .ck-name")].map((name) => {
            const range = document.createRange();
            range.selectNodeContents(name);
            const box = range.getBoundingClientRect();
            return [box.left, box.right];
        })"""
    )
    assert len(boxes) == 6
    assert all(right + 3 <= left for (_, right), (left, _) in pairwise(boxes))


HEIGHTS = """() => {
    const clip = document.querySelector(".ck-curve .ck-clip").viewBox.baseVal;
    const d = document.querySelector(".ck-curve .ck-network-line").getAttribute("d");
    const ys = d.slice(1).split("L").map((p) => Number(p.split(" ")[1]));
    const point = document.querySelector(".ck-curve .ck-point");
    const share = (y) => (y - clip.y) / clip.height;
    return [...ys, Number(point.getAttribute("cy"))].map(share);
}"""
LABELS = "() => document.querySelector('.ck-curve .ck-grid').textContent"


@pytest.mark.parametrize("output", [1, -1, 8, 1000])
def test_the_graph_holds_the_network_and_the_present_point(show, output):
    net = ck.Network([[[1], [-1]], [[output, -output]]])
    page = show(ck.CircuitWidget(net, "abs", x=-5))
    heights = page.evaluate(HEIGHTS)
    assert min(heights) >= 0 and max(heights) <= 1
    assert max(heights) - min(heights) > 0.4


def test_the_axis_of_the_graph_moves_in_few_steps_while_a_weight_is_dragged(show):
    page = show(ck.CircuitWidget("identity", "abs", x=-5))
    field = weight(page, "hidden unit 2", "the output")
    box = field.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    shown = []
    for pixels in [*range(0, 105, 15), *range(105, 0, -15)]:
        page.mouse.move(x - pixels, y)
        settle(page)
        heights = page.evaluate(HEIGHTS)
        assert min(heights) >= 0 and max(heights) <= 1
        shown.append(page.evaluate(LABELS))
    page.mouse.up()
    assert sum(a != b for a, b in pairwise(shown)) <= 6


def test_the_curve_follows_the_weights_and_pointing_at_it_sets_the_input(show):
    page = show(ck.CircuitWidget("identity", "identity"))
    line = page.locator(".ck-curve .ck-network-line")
    before = line.get_attribute("d")
    drag(page, weight(page, "x", "hidden unit 1"), 40)
    assert line.get_attribute("d") != before
    box = page.locator(".ck-curve .ck-plot").bounding_box()
    left, right = box["x"] + 34, box["x"] + box["width"] - 12  # the axes, from -6 to 6
    page.mouse.click(left + (right - left) / 4, box["y"] + 40)
    settle(page)
    field = page.get_by_role("spinbutton", name="input x")
    assert value(field) == pytest.approx(-3, abs=0.1)


def test_the_heat_map_of_two_inputs_is_painted_and_sets_both(show):
    page = show(ck.CircuitWidget("min", "min"))
    colors = page.evaluate(
        """() => { const c = document.querySelector('.ck-heat canvas');
        const at = (x, y) => [...c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data];
        return [at(0.95, 0.05), at(0.05, 0.95), at(0.95, 0.55)] }"""
    )
    (top_right, bottom_left, _) = colors
    assert top_right[2] > top_right[0]  # min(5, 5) is positive: blue
    assert bottom_left[0] > bottom_left[2]  # min(-5, -5) is negative: orange
    box = page.locator(".ck-hit").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.75)
    settle(page)
    assert value(page.get_by_role("spinbutton", name="input x₁")) == pytest.approx(3, abs=0.1)
    assert value(page.get_by_role("spinbutton", name="input x₂")) == pytest.approx(-3, abs=0.1)


def test_of_four_inputs_two_can_be_chosen_for_the_map(show):
    page = show(ck.CircuitWidget("min4", "min4"))
    page.get_by_label("input across").select_option("2")
    page.locator(".ck-frame").scroll_into_view_if_needed()
    settle(page)
    box = page.locator(".ck-hit").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    settle(page)
    assert value(page.get_by_role("spinbutton", name="input x₃")) == pytest.approx(3, abs=0.1)
    assert value(page.get_by_role("spinbutton", name="input x₁")) == 3.0


def test_the_worst_input_is_marked_and_can_be_visited(show):
    page = show(ck.CircuitWidget(WRONG, "identity", x=2))
    expect(page.locator(".ck-worst")).to_be_visible()
    page.get_by_role("button", name="Go there").click()
    settle(page)
    at = value(page.get_by_role("spinbutton", name="input x"))
    proof = ck.prove(WRONG, "identity")
    gap = abs(WRONG(at)[0] - at) / max(1, abs(at))
    assert gap == pytest.approx(proof.error)


@pytest.mark.parametrize("name", ["identity", "abs", "subtract", "min", "min4"])
def test_the_verdict_on_screen_is_the_one_that_prove_gives(show, name):
    rng = np.random.default_rng(len(name))
    right = ck.circuit(name)
    wrong = ck.Network(
        [w + rng.choice([0, 0.5], size=w.shape, p=[0.8, 0.2]) for w in right.weights]
    )
    page = show(ck.CircuitWidget(right, name), ck.CircuitWidget(wrong, name))
    page.locator(".ck-static").nth(1).scroll_into_view_if_needed()
    for k, net in enumerate([right, wrong]):
        box = page.locator(".ck-verdict").nth(k)
        expect(box).to_contain_text("Equals" if ck.prove(net, name) else "Not ")


def test_pointing_at_a_region_shows_both_formulas(show):
    page = show(ck.CircuitWidget("min", "min", panels=(*NAVIGATION, "regions")))
    box = page.locator(".ck-hit").bounding_box()
    formulas = page.locator(".ck-piece-formula")
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.3)
    settle(page)
    expect(formulas.nth(0)).to_have_text("x₁")
    expect(formulas.nth(1)).to_have_text("x₁")
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.8)
    settle(page)
    expect(formulas.nth(0)).to_have_text("x₂")


def test_pointing_at_a_piece_of_a_curve_shows_its_formula(show):
    page = show(ck.CircuitWidget("abs", "abs", x=3, panels=(*NAVIGATION, "regions")))
    formulas = page.locator(".ck-piece-formula")
    expect(formulas.nth(0)).to_have_text("x")
    box = page.locator(".ck-curve .ck-plot").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 50)
    settle(page)
    expect(formulas.nth(0)).to_have_text("−x")
    expect(formulas.nth(1)).to_have_text("−x")


@pytest.mark.parametrize(
    ("name", "text", "formula"), [("identity", "−1e300", "x"), ("min", "100", "x₂")]
)
def test_outside_the_picture_of_the_regions_there_are_formulas_too(show, name, text, formula):
    page = show(ck.CircuitWidget(name, name, panels=(*NAVIGATION, "regions")))
    type_into(page, page.get_by_role("spinbutton", name=re.compile("^input x₁?$")), text)
    formulas = page.locator(".ck-piece-formula")
    expect(formulas.nth(0)).to_have_text(formula)
    expect(formulas.nth(1)).to_have_text(formula)
    expect(page.locator(".ck-piece-title")).to_contain_text(
        "in the picture; around the present input, outside it"
    )


# ------------------------------------------------------------------ ablate, undo, share, copy


def test_a_unit_is_ablated_by_a_click_and_undo_redo_and_reset_work(show):
    page = show(ck.CircuitWidget("identity", "identity", x=3))
    page.locator(".ck-tools").get_by_role("button", name="Ablate").click()
    unit = page.locator(".ck-unit").first
    unit.click()
    settle(page)
    expect(page.locator(".ck-output")).to_have_text("0")
    assert python_copy(page).weights[1][0, 0] == 0
    for name, output in [("Undo", "3"), ("Redo", "0"), ("Reset", "3")]:
        page.get_by_role("button", name=name, exact=True).click()
        settle(page)
        expect(page.locator(".ck-output")).to_have_text(output)


def test_an_edge_is_ablated_and_frozen_by_keyboard(show):
    page = show(ck.CircuitWidget("identity", "identity", x=3))
    field = weight(page, "x", "hidden unit 1")
    field.focus()
    page.keyboard.press("x")
    settle(page)
    expect(page.locator(".ck-output")).to_have_text("0")
    page.keyboard.press("x")
    page.keyboard.press("f")
    page.keyboard.press("ArrowUp")
    settle(page)
    assert value(field) == 1.0
    expect(field).to_have_attribute("readonly", "")


def test_one_drag_is_undone_in_one_step(show):
    page = show(ck.CircuitWidget("identity", "identity"))
    field = weight(page, "x", "hidden unit 1")
    drag(page, field, 60)
    page.keyboard.press("Control+z")
    page.get_by_role("button", name="Undo").click() if value(field) != 1.0 else None
    settle(page)
    assert value(field) == 1.0
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_shared_address_opens_with_the_same_network(show):
    widget = ck.CircuitWidget("identity", "identity", x=3)
    page = show(ck.CircuitWidget("abs", "abs"), widget)
    second = page.locator(".ck-static").nth(1)
    second.scroll_into_view_if_needed()
    field = second.get_by_role("spinbutton", name="weight from x to hidden unit 1")
    type_into(page, field, "1/3")
    second.get_by_role("button", name="Share").click()
    address = page.evaluate("location.hash")
    assert address.startswith(f"#circuit={widget._config['key']}.")

    again = show(ck.CircuitWidget("abs", "abs"), widget, hash=address)
    second = again.locator(".ck-static").nth(1)
    expect(second.get_by_role("spinbutton", name="weight from x to hidden unit 1")).to_have_value(
        "0.33"
    )
    expect(second.locator(".ck-verdict")).to_contain_text("Not x yet")


@pytest.mark.parametrize(
    "damage",
    [
        lambda h: h[:-8],
        lambda h: h.replace("=", "=", 1)[:30] + "%00" + h[30:],
        lambda h: h.split(".")[0] + ".bm9uc2Vuc2U.0",
        lambda h: h.split(".")[0] + ".",
        lambda h: "#circuit=0000000000.abc.def",
        lambda h: "#circuit=<img src=x onerror=alert(1)>",
        lambda h: "#circuit=",
        lambda h: "#circuit=b8a3",
        lambda h: "#circuit=" + "A" * 5000,
    ],
)
def test_a_damaged_address_gives_a_message_and_the_default(show, damage):
    widget = ck.CircuitWidget("identity", "identity")
    page = show(widget)
    page.get_by_role("button", name="Share").click()
    broken = damage(page.evaluate("location.hash"))
    again = show(widget, hash=broken)
    expect(weight(again, "x", "hidden unit 1")).to_have_value("1")
    expect(again.get_by_role("alert").filter(has_text="damaged")).to_be_visible()


def test_a_shared_network_with_biases_is_refused_where_none_are_shown(show):
    page = show(ck.CircuitWidget("identity", "identity", biases=True))
    type_into(page, page.get_by_role("spinbutton", name="bias of hidden unit 1"), "5")
    page.get_by_role("button", name="Share").click()
    payload = page.evaluate("location.hash").split(".", 1)[1]
    widget = ck.CircuitWidget("identity", "identity")
    again = show(widget, hash=f"#circuit={widget._config['key']}.{payload}")
    expect(again.get_by_role("alert").filter(has_text="has biases")).to_be_visible()
    expect(again.locator(".ck-verdict")).to_contain_text("Equals x for every input")


def test_a_shared_network_of_another_shape_is_refused(show):
    page = show(ck.CircuitWidget("min", "min"))
    page.get_by_role("button", name="Share").click()
    payload = page.evaluate("location.hash").split(".", 1)[1]
    widget = ck.CircuitWidget("identity", "identity")
    again = show(widget, hash=f"#circuit={widget._config['key']}.{payload}")
    expect(again.get_by_role("alert").filter(has_text="damaged")).to_be_visible()
    expect(weight(again, "x", "hidden unit 1")).to_have_value("1")


# ------------------------------------------------------------------ training


def initial(sizes: tuple[int, ...], seed: int) -> list[np.ndarray]:
    widget = ck.CircuitWidget(ck.Network([np.ones((o, i)) for i, o in pairwise(sizes)]), seed=seed)
    return [np.array(w) for w in widget.weights]


def test_training_solves_and_rewinds_to_the_very_same_weights(show):
    page = show(ck.CircuitWidget("identity", "identity", seed=3, panels=TRAINING))
    start = python_copy(page)
    for mine, theirs in zip(start.weights, initial((1, 2, 1), 3), strict=True):
        assert (mine == theirs).all()
    page.get_by_label("steps a frame").select_option("250")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".ck-status")).to_contain_text("solved")
    expect(page.locator(".ck-verdict")).to_contain_text(
        "Within 1e-9 of x for every input, relative to the input's size beyond 1"
    )
    page.get_by_role("button", name="Rewind").click()
    settle(page)
    assert python_copy(page) == start
    expect(page.locator(".ck-status")).to_contain_text("Step 0")


def test_one_step_is_a_step_of_gradient_descent(show):
    page = show(ck.CircuitWidget("identity", "identity", seed=3, panels=TRAINING))
    before = python_copy(page)
    page.get_by_role("button", name="Step").click()
    settle(page)
    run = ck.train("identity", (2,), seeds=[3], steps=1, learning_rate=0.1)
    after = python_copy(page)
    assert before != after
    for mine, theirs in zip(after.weights, run.network(3).weights, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-6)


def test_a_seed_can_be_typed_and_a_new_one_drawn(show):
    page = show(ck.CircuitWidget("abs", "abs", seed=0, panels=TRAINING))
    field = page.get_by_label("seed", exact=True)
    field.fill("41")
    field.press("Enter")
    settle(page)
    for mine, theirs in zip(python_copy(page).weights, initial((1, 2, 1), 41), strict=True):
        assert (mine == theirs).all()
    page.get_by_role("button", name="New seed").click()
    settle(page)
    assert field.input_value() != "41"
    field.fill("minus one")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("is not a seed")


def test_a_learning_rate_or_seed_out_of_range_is_refused_in_words_that_leave(show):
    page = show(ck.CircuitWidget("abs", "abs", seed=0, panels=TRAINING))
    rate = page.get_by_role("spinbutton", name="learning rate")
    for text in ("1000", "0", "-1", "1e-9"):
        type_into(page, rate, text)
        message = f"learning rate: expected 0.000001 to 100, got {text}."
        expect(page.get_by_role("alert")).to_have_text(message)
        page.keyboard.press("Escape")
        expect(rate).to_have_value("0.1")
    seed = page.get_by_label("seed", exact=True)
    seed.fill("1e3")
    seed.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("is not a seed")
    seed.fill("12")
    seed.press("Enter")
    expect(page.locator(".ck-message")).to_be_hidden()
    assert python_copy(page).weights[0].tolist() == initial((1, 2, 1), 12)[0].tolist()


def test_a_seed_that_is_mended_within_a_frame_leaves_no_complaint(show):
    page = show(ck.CircuitWidget("abs", "abs", seed=0, panels=TRAINING))
    page.get_by_label("seed", exact=True).evaluate(
        """(field) => {
          for (const text of ["1e3", "12"]) {
            field.value = text;
            field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
          }
        }"""
    )
    expect(page.locator(".ck-message")).to_be_hidden()
    assert python_copy(page).weights[0].tolist() == initial((1, 2, 1), 12)[0].tolist()


def test_seeds_that_diverge_are_not_counted_as_stuck(show):
    widget = ck.CircuitWidget("abs", "abs", seeds=[0, 3], learning_rate=90, panels=("compare",))
    page = show(widget)
    page.get_by_role("button", name="Run all").click()
    tally = page.locator(".ck-compare .ck-status")
    expect(tally).to_have_text("0 of 2 seeds solved, 0 stuck, 2 diverged.")


#: a second view of the page's network, with a model that a test can set, before its Run is pressed
BESIDE = """async () => {
  const { view: { default: widget }, state } = window.circuitkit;
  const data = JSON.parse(document.querySelector(".ck-static script").textContent);
  const model = state.standIn({ ...data, _turn: 0 });
  const el = document.createElement("div");
  document.body.prepend(el);
  widget.render({ model, el });
  const wait = (ms) => new Promise((r) => setTimeout(r, ms));
  await wait(200);
  const run = [...el.querySelectorAll("button")].find((b) => b.textContent === "Run");
"""


def test_weights_set_from_outside_while_the_page_trains_stay(show):
    page = show(ck.CircuitWidget("identity", "identity", seed=3, panels=TRAINING))
    result = page.evaluate(
        BESIDE
        + """
          run.click();
          await wait(300);
          const moved = JSON.stringify(model.get("weights")) !== JSON.stringify(data.weights);
          const mine = [[[2], [-2]], [[0.5, -0.5]]];
          model.set("weights", mine);
          model.set("_turn", 1);
          await wait(400);
          const kept = JSON.stringify(model.get("weights")) === JSON.stringify(mine);
          return [moved, kept, model.get("_sent").turn, el.querySelector(".ck-message").textContent];
        }"""
    )
    assert result == [True, True, 1, "Other weights were set: training has paused."]


def test_the_line_on_a_pause_goes_as_soon_as_training_runs_again(show):
    # Where motion is unwelcome a step comes a third of a second later: until then no weight has changed.
    widget = ck.CircuitWidget("identity", "identity", seed=3, panels=TRAINING)
    page = show(widget, reduced_motion="reduce")
    seen = page.evaluate(
        BESIDE
        + """
          run.click();
          await wait(500);
          model.set("weights", [[[2], [-2]], [[0.5, -0.25]]]);
          const message = el.querySelector(".ck-message");
          const told = !message.hidden && message.textContent;
          run.click();
          await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
          return [told, run.textContent, message.hidden];
        }"""
    )
    assert seen == ["Other weights were set: training has paused.", "Pause", True]


def test_the_step_that_training_tells_is_that_of_the_weights_on_screen(show):
    page = show(ck.CircuitWidget("identity", "identity", seed=3, panels=TRAINING))
    status = page.locator(".ck-training .ck-status")
    field = page.get_by_label("seed", exact=True)

    def press(name: str) -> None:
        page.get_by_role("button", name=name, exact=True).click()
        settle(page)

    def told(steps: int, seed: int = 3) -> None:
        """These weights are those of this seed after so many steps, and said to be."""
        words = "on its way" if steps else "at its initial weights"
        expect(status).to_have_text(re.compile(rf"^Step {steps}, loss [\d.]+: {words}\.$"))
        expect(field).to_have_value(str(seed))
        run = ck.train("identity", (2,), seeds=[seed], steps=steps, learning_rate=0.1)
        ours, theirs = python_copy(page).weights, run.network(seed).weights
        for mine, those in zip(ours, theirs, strict=True):
            assert mine == pytest.approx(those, abs=1e-6)

    told(0)
    for _ in range(3):
        press("Step")
    told(3)
    press("Undo")
    told(2)
    press("Undo")
    told(1)
    press("Redo")
    told(2)
    press("Step")
    told(3)
    press("Reset")
    told(0)
    press("Undo")
    told(3)
    page.keyboard.press("Control+z")
    settle(page)
    told(2)
    # What has been turned is no longer where training has brought it.
    output = weight(page, "hidden unit 1", "the output")
    type_into(page, output, "0.3")
    expect(status).to_have_text(
        re.compile(
            r"^Step 2, then the network was changed, loss [\d.]+: ready to go on from these weights\.$"
        )
    )
    press("Step")
    expect(status).to_contain_text(re.compile(r"^Step 3, loss .*: on its way"))
    press("Undo")
    expect(status).to_contain_text("Step 2, then the network was changed")
    press("Undo")
    told(2)
    # A weight that is frozen is the same weight; a unit that is taken out is not the same network.
    output.focus()
    page.keyboard.press("x")
    settle(page)
    expect(status).to_contain_text("Step 2, then the network was changed")
    press("Undo")
    told(2)
    output.focus()
    page.keyboard.press("f")
    settle(page)
    told(2)
    press("Undo")
    told(2)
    # Another seed comes with its number, and goes with it.
    field.fill("41")
    field.press("Enter")
    settle(page)
    told(0, seed=41)
    press("Step")
    told(1, seed=41)
    press("Undo")
    told(0, seed=41)
    press("Undo")
    told(2)
    press("Redo")
    told(0, seed=41)
    press("Reset")
    told(0)
    type_into(page, output, "0.3")
    expect(status).to_have_text(
        re.compile(r"^Step 0, loss .*: ready to start from these weights\.$")
    )
    press("Undo")
    told(0)


def test_undo_while_training_runs_pauses_it_where_it_began(show):
    page = show(ck.CircuitWidget("identity", "identity", seed=3, panels=TRAINING))
    status = page.locator(".ck-training .ck-status")
    start = python_copy(page)
    for way in ("Undo", "Reset"):
        page.get_by_role("button", name="Run", exact=True).click()
        expect(status).to_contain_text(re.compile(r"Step \d\d"))
        page.get_by_role("button", name=way, exact=True).click()
        expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
        expect(status).to_contain_text("Step 0, loss")
        expect(status).to_contain_text("at its initial weights")
        assert python_copy(page) == start


#: Presses a button of a page in training and says how long its message stays, in milliseconds.
STAYS = """button => new Promise((resolve) => {
  const message = document.querySelector(".ck-message");
  let shown = null;
  new MutationObserver(() => {
    if (!message.hidden) shown ??= performance.now();
    else if (shown !== null) resolve(performance.now() - shown);
  }).observe(message, { attributes: true });
  button.click();
  setTimeout(() => resolve("it stays"), 100_000);
})"""


def test_a_message_can_be_read_while_training_runs_and_leaves_afterwards(show):
    page = show(ck.CircuitWidget(ck.circuits.minimum_two_layers(), "min", seed=1, panels=TRAINING))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".ck-status")).to_contain_text(re.compile(r"Step \d\d"))
    stays = page.get_by_role("button", name="Copy as Python").evaluate(STAYS)
    assert stays != "it stays"
    assert stays > 2900


def test_a_descent_that_is_stuck_or_solved_is_so_again_when_its_weights_come_back(show):
    page = show(ck.CircuitWidget("abs", "abs", seed=0, seeds=[3], panels=(*TRAINING, "compare")))
    training = page.get_by_role("group", name="Training")
    status = training.locator(".ck-status")
    for speed in page.get_by_label("steps a frame").all():
        speed.select_option("250")
    training.get_by_role("button", name="Run", exact=True).click()
    expect(status).to_contain_text("stuck")
    stuck = status.inner_text()
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(status).to_contain_text("Step 0, loss")
    expect(status).to_have_attribute("data-outcome", "")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(status).to_have_text(stuck)
    expect(status).to_have_attribute("data-outcome", "stuck")
    page.get_by_role("button", name="Run all").click()
    expect(page.get_by_role("group", name="seed 3")).to_contain_text("solved")
    page.get_by_role("button", name="Open seed 3").click()
    expect(status).to_contain_text("solved")
    solved = status.inner_text()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(status).to_have_text(stuck)
    page.get_by_role("button", name="Redo", exact=True).click()
    expect(status).to_have_text(solved)
    expect(page.get_by_label("seed", exact=True)).to_have_value("3")


def test_a_step_beyond_all_numbers_is_told_apart_from_the_weights_that_are_shown(show):
    huge = ck.Network([[[1e200], [-1e200]], [[1e200, 1e200]]])
    page = show(ck.CircuitWidget(huge, "abs", panels=TRAINING))
    status = page.locator(".ck-training .ck-status")
    page.get_by_role("button", name="Step", exact=True).click()
    expect(status).to_contain_text("diverged: the learning rate was too large")
    expect(status).to_contain_text("what is shown are the weights of step 0")
    assert python_copy(page) == huge


def test_a_shared_network_is_not_called_a_seeds_initial_weights(show):
    widget = ck.CircuitWidget("identity", "identity", seed=3, panels=TRAINING)
    page = show(widget)
    type_into(page, weight(page, "x", "hidden unit 1"), "2")
    page.get_by_role("button", name="Share").click()
    payload = page.evaluate("location.hash")
    again = show(widget, hash=payload)
    expect(weight(again, "x", "hidden unit 1")).to_have_value("2")
    status = again.locator(".ck-training .ck-status")
    expect(status).to_contain_text(re.compile("Step 0, loss .*: ready to start from these weights"))
    again.get_by_role("button", name="Reset", exact=True).click()
    expect(status).to_contain_text("at its initial weights")


def test_a_frozen_weight_stays_through_training(show):
    page = show(
        ck.CircuitWidget("identity", "identity", seed=3, panels=TRAINING, frozen=[(0, 0, 0)])
    )
    before = python_copy(page)
    for _ in range(3):
        page.get_by_role("button", name="Step").click()
    settle(page)
    after = python_copy(page)
    assert after.weights[0][0, 0] == before.weights[0][0, 0]
    assert after.weights[0][1, 0] != before.weights[0][1, 0]


def test_training_pauses_and_goes_on(show):
    page = show(ck.CircuitWidget(ck.circuits.minimum_two_layers(), "min", seed=1, panels=TRAINING))
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".ck-status")).to_contain_text(re.compile(r"Step \d\d"))
    page.get_by_role("button", name="Pause").click()
    settle(page)
    held = page.locator(".ck-status").inner_text()
    page.wait_for_timeout(200)
    assert page.locator(".ck-status").inner_text() == held
    expect(page.locator(".ck-loss")).to_have_attribute("aria-label", re.compile("Loss curve"))


def test_seeds_side_by_side_show_one_that_solves_and_one_that_gets_stuck(show):
    page = show(ck.CircuitWidget("abs", "abs", seeds=[0, 3], panels=("network", "compare")))
    page.get_by_label("steps a frame").select_option("250")
    page.get_by_role("button", name="Run all").click()
    expect(page.get_by_role("group", name="seed 3")).to_contain_text("solved")
    expect(page.get_by_role("group", name="seed 0")).to_contain_text("stuck")
    expect(page.locator(".ck-compare .ck-status")).to_have_text("1 of 2 seeds solved, 1 stuck.")
    page.get_by_role("button", name="Open seed 3").click()
    settle(page)
    assert ck.prove(python_copy(page), "abs", tolerance=1e-3)


def test_an_opened_seed_is_shown_as_trained_and_starts_again(show):
    page = show(ck.CircuitWidget("abs", "abs", seed=1, seeds=[3], panels=(*TRAINING, "compare")))
    compare = page.get_by_role("group", name="Seeds side by side")
    compare.get_by_label("steps a frame").select_option("250")
    compare.get_by_role("button", name="Run all").click()
    card = page.get_by_role("group", name="seed 3")
    expect(card).to_contain_text("solved")
    opened = page.get_by_role("button", name="Open seed 3")
    field = page.get_by_label("seed", exact=True)
    status = page.get_by_role("group", name="Training").locator(".ck-status")
    steps = re.search(r"step \d+", card.inner_text())[0].capitalize()
    for again in ("Rewind", "Enter"):
        opened.click()
        settle(page)
        expect(status).to_contain_text(f"{steps}, loss")
        expect(status).to_contain_text("solved: within")
        expect(field).to_have_value("3")
        assert ck.prove(python_copy(page), "abs", tolerance=1e-3)
        if again == "Rewind":
            page.get_by_role("button", name="Rewind", exact=True).click()
        else:
            field.press("Enter")
        expect(status).to_contain_text("Step 0, loss")
        expect(status).to_contain_text("at its initial weights")
        for mine, theirs in zip(python_copy(page).weights, initial((1, 2, 1), 3), strict=True):
            assert (mine == theirs).all()


# ------------------------------------------------------------------ challenges


def test_a_challenge_is_graded_exactly_gives_hints_and_remembers(show):
    challenge = ck.Challenge(
        "test-abs", "Build |x|.", hints=("One for each side.", "Try −1."), max_units=2,
        solved="Two halves, <b>added</b>.",
    )  # fmt: skip
    widget = ck.CircuitWidget(WRONG, "abs", challenge=challenge)
    page = show(widget)
    box = page.locator(".ck-challenge")
    expect(box).to_contain_text("Build |x|.")
    page.get_by_role("button", name="A hint").click()
    expect(box).to_contain_text("One for each side.")
    page.get_by_role("button", name="Another hint").click()
    expect(box).to_contain_text("Try −1.")
    type_into(page, weight(page, "x", "hidden unit 2"), "-1")
    expect(box).not_to_contain_text("Solved")
    type_into(page, weight(page, "hidden unit 2", "the output"), "0.999999")
    expect(box).not_to_contain_text("Solved")  # almost is not equal
    expect(box.locator(".ck-afterword")).to_be_hidden()
    type_into(page, weight(page, "hidden unit 2", "the output"), "1")
    expect(box).to_contain_text("Solved")
    expect(box.locator(".ck-afterword")).to_be_visible()
    expect(box.locator(".ck-afterword")).to_have_text("Two halves, <b>added</b>.")
    until_kept(page)
    page.reload()
    expect(page.locator(".ck-challenge")).to_contain_text("✓ Solved")  # the network is still there
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(".ck-challenge")).to_contain_text("solved before")


def test_what_a_reader_has_made_is_there_again_until_a_reset(show):
    page = show(ck.CircuitWidget("identity", "identity"), ck.CircuitWidget("abs", "abs"))
    first = page.locator(".ck-widget").first
    type_into(page, weight(page, "x", "hidden unit 1").first, "2.5")
    until_kept(page)
    page.reload()
    expect(weight(page, "x", "hidden unit 1").first).to_have_value("2.5")
    expect(weight(page, "x", "hidden unit 1").last).to_have_value("1")
    expect(first.get_by_role("alert")).to_contain_text("your network from last time")
    first.get_by_role("button", name="Reset").click()
    until_kept(page, 0)
    page.reload()
    expect(weight(page, "x", "hidden unit 1").first).to_have_value("1")
    assert page.evaluate("Object.keys(localStorage).filter((k) => k.includes('network'))") == []


def test_the_last_change_is_kept_when_the_page_goes_at_once(show):
    page = show(ck.CircuitWidget("identity", "identity"))
    field = weight(page, "x", "hidden unit 1")
    type_into(page, field, "2.5")
    until_kept(page)
    type_into(page, field, "3.5")
    page.reload()
    expect(field).to_have_value("3.5")


def test_where_the_browser_keeps_nothing_the_widget_works_all_the_same(show, site, visit):
    show(ck.CircuitWidget("identity", "identity"))
    _, address = site
    page = visit("about:blank").page
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no'); }})"
    )
    seen = []
    page.on("pageerror", lambda error: seen.append(str(error)))
    newest = max(int(p.stem) for p in site[0].glob("*.html"))
    page.goto(f"{address}/{newest}.html")
    type_into(page, weight(page, "x", "hidden unit 1"), "2")
    page.wait_for_timeout(600)
    expect(page.locator(".ck-verdict")).to_contain_text("Not x yet")
    assert seen == []


def test_a_challenge_to_fit_inside_and_fail_outside_wants_both(show):
    challenge = ck.Challenge(
        "test-range", "Right on [-1, 1] only.", domain=(-1, 1), fails_outside=True
    )
    net = ck.Network([[[1], [1]], [[1, 0]]], [[5, 0], [-5]])  # always on between -5 and 5
    page = show(ck.CircuitWidget(net, "identity", challenge=challenge, biases=True))
    expect(page.locator(".ck-challenge")).to_contain_text("Solved")
    page = show(ck.CircuitWidget("identity", "identity", challenge=challenge))
    expect(page.locator(".ck-challenge")).not_to_contain_text("Solved")
    expect(page.locator(".ck-checks .ck-done")).to_have_count(1)


# ------------------------------------------------------------------ the page


@pytest.mark.parametrize("name", ["identity", "min"])
def test_enormous_weights_break_nothing(show, name):
    page = show(ck.CircuitWidget(name, name, panels=(*TRAINING, "regions")))
    for text in ("1e308", "-1e308", "1e-320", "0"):
        for field in (page.locator(".ck-weight").first, page.locator(".ck-weight").last):
            type_into(page, field, text)
        page.get_by_role("button", name="Step").click()
        settle(page)
    expect(page.locator(".ck-verdict")).to_contain_text("Not ")


HOSTILE = [
    "</script><script>window.hacked=1</script>",
    "</SCRIPT><SCRIPT>window.hacked=2</SCRIPT>",
    '<img src=x onerror="window.hacked=3">',
    '"><svg onload=window.hacked=4>',
    "<!--<script>",
]


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_that_contain_markup_are_shown_as_text(show, label):
    widget = ck.CircuitWidget(
        "identity",
        "identity",
        names=[[label, "b"]],
        input_names=[label],
        caption=label,
        challenge=ck.Challenge(label, label, hints=(label,)),
        panels=(*NAVIGATION, "regions", "training"),
    )
    page = show(widget)
    page.get_by_role("button", name="A hint").click()
    page.locator(".ck-unit").first.click()
    settle(page)
    assert page.evaluate("window.hacked") is None
    expect(page.locator(".ck-caption")).to_have_text(label)
    expect(page.locator(".ck-hints li")).to_have_text(label)
    expect(page.locator(".ck-feature").first).to_have_text(label)
    assert page.locator(".ck-widget img").count() == 0


@pytest.mark.parametrize("label", HOSTILE)
def test_without_scripts_a_drawn_figure_stands_there_with_labels_as_text(show, label):
    widget = ck.CircuitWidget("min", "min", caption=label, input_names=[label, "b"])
    page = show(widget, java_script_enabled=False)
    figure = page.locator("figure.ck-still")
    expect(figure).to_be_visible()
    expect(figure.locator("circle")).to_have_count(6)
    expect(figure.locator("figcaption")).to_have_text(label)
    assert page.locator("img").count() == 0


def test_in_print_the_network_stands_there_without_its_controls(show):
    page = show(ck.CircuitWidget("min", "min", panels=TRAINING))
    page.emulate_media(media="print")
    expect(page.locator(".ck-drawing")).to_be_visible()
    for part in (".ck-tools", ".ck-controls", ".ck-inspector"):
        expect(page.locator(part)).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 380])
def test_axe_finds_nothing_and_nothing_overflows(show, theme, width):
    challenge = ck.Challenge("axe", "Build |x|.", hints=("A hint.",), domain=(-1, 1))
    page = show(
        ck.CircuitWidget(WRONG, "abs", challenge=challenge, panels=TRAINING, caption="A caption."),
        ck.CircuitWidget(
            "min", "min", panels=(*NAVIGATION, "regions"), names=[["+(x₁)", "−(x₁)", "x₁ > x₂"]]
        ),
        ck.CircuitWidget("abs", "abs", seeds=[0, 3], panels=("compare",)),
        ck.CircuitWidget("min4", "min4"),
        ck.CircuitWidget(ck.Network([[[1], [-1]], [[1, 0]]], [[0.5, -1], [0]]), "identity"),
        theme=theme,
        width=width,
    )
    for place in page.locator(".ck-static").all():
        place.scroll_into_view_if_needed()
    expect(page.locator(".ck-widget")).to_have_count(5)
    page.locator(".ck-unit").first.click()
    after_transitions(page)
    assert violations(page) == []
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )


def test_widgets_start_only_when_they_come_near(show):
    page = show(*[ck.CircuitWidget("min4", "min4", caption=str(k)) for k in range(8)], height=700)
    started = page.locator('.ck-static[data-state="live"]').count()
    assert 1 <= started < 4
    expect(page.locator("figure.ck-still").last).to_be_attached()
    page.locator(".ck-static").last.scroll_into_view_if_needed()
    expect(page.locator(".ck-static").last).to_have_attribute("data-state", "live")


def test_the_map_is_repainted_when_the_theme_changes(show):
    page = show(ck.CircuitWidget("min", "min"))
    middle = "() => [...document.querySelector('.ck-heat canvas').getContext('2d').getImageData(48, 48, 1, 1).data]"
    light = page.evaluate(middle)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    settle(page)
    assert sum(page.evaluate(middle)[:3]) < sum(light[:3]) - 200


def test_what_render_returns_ends_every_listener(show):
    page = show(ck.CircuitWidget("min", "min", panels=(*TRAINING, "compare", "regions"), seeds=[1]))
    left = page.evaluate(
        """async () => {
          const { default: widget } = window.circuitkit.view;
          const data = JSON.parse(document.querySelector(".ck-static script").textContent);
          const handlers = new Map();
          const model = {
            get: (name) => data[name], set() {}, save_changes() {},
            on: (name, f) => handlers.set(f, (handlers.get(f) ?? 0) + 1),
            off: (name, f) => handlers.set(f, handlers.get(f) - 1),
          };
          const el = document.createElement("div");
          document.body.append(el);
          const end = widget.render({ model, el });
          await new Promise((r) => setTimeout(r, 200));
          const drawn = el.querySelectorAll(".ck-widget").length;
          end();
          await new Promise((r) => setTimeout(r, 100));
          return [drawn, el.childElementCount, [...handlers.values()].reduce((a, b) => a + Math.abs(b), 0)];
        }"""
    )
    assert left == [1, 0, 0]


def test_nothing_on_the_page_has_a_global_id(show):
    page = show(ck.CircuitWidget("min", "min", panels=(*TRAINING, "compare", "regions"), seeds=[1]))
    assert page.locator(".ck-widget [id]").count() == 0


def test_what_is_kept_is_strong_and_blocks_are_named_below(show):
    net = ck.Network([[[1, 0], [0, 1], [1, -1]], [[1, 0.5, -1]]])
    blocks = {"min(x1, x2)": [(1, 0), (1, 2)]}
    page = show(ck.CircuitWidget(net, kept=[(1, 0), (0, 0, 0), (1, 0, 0)], blocks=blocks))
    assert page.locator(".ck-edge:not(.ck-pale)").count() == 2
    assert page.locator(".ck-unit.ck-pale").count() == 2
    assert page.locator(".ck-unit.ck-block").count() == 2
    assert page.locator(".ck-blocks li").all_inner_texts() == [
        "min(x1, x2): hidden unit 1, hidden unit 3"
    ]


def test_where_the_system_chooses_the_colors_what_is_chosen_and_each_disc_are_seen(show):
    page = show(ck.CircuitWidget("min", "min"), forced_colors="active")
    styles = page.evaluate(
        """() => {
          const of = (selector) => getComputedStyle(document.querySelector(selector));
          return {
            chosen: of(".ck-tab[aria-pressed=true]").backgroundColor,
            other: of(".ck-tab[aria-pressed=false]").backgroundColor,
            scale: of(".ck-scale i").backgroundImage,
            input: of(".ck-input").borderTopWidth,
            output: of(".ck-output").borderTopWidth,
          };
        }"""
    )
    assert styles["chosen"] != styles["other"]
    assert "gradient" in styles["scale"]
    assert styles["input"] == styles["output"] == "1px"


#: A machine that is never idle: each frame comes late, and the time between them is taken too.
NEVER_IDLE = """(() => {
  const spin = (time) => { const end = performance.now() + time; while (performance.now() < end); };
  const frame = () => { spin(30); requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  setInterval(spin, 4, 3);
})();"""


def test_widgets_start_where_the_machine_is_never_idle(show):
    page = show(*[ck.CircuitWidget(ck.circuits.absolute(), target="abs(x)") for _ in range(3)])
    page.add_init_script(NEVER_IDLE)
    page.reload()
    until(page, "() => document.querySelectorAll('[data-state=live]').length === 3", pause=1000)
