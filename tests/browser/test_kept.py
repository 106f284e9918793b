"""What a reader has made stays in the browser, widget by widget, until the reader starts over."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

import circuitkit as ck

REFUSED = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("kept nothing", "SecurityError"); },
});"""


def again(page: Page) -> None:
    page.goto(page.url.split("#")[0])
    expect(page.locator(".ck-static")).to_have_attribute("data-state", "live")


def enter(field: Locator, text: str) -> None:
    field.click()
    field.page.keyboard.type(text)
    field.page.keyboard.press("Enter")


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


def test_the_sliders_of_trained_arrows_stand_there_again_until_the_start(show):
    page = show(ck.FeatureArrows(trained=True))
    slider = page.get_by_role("slider", name="sparsity", exact=True)
    seed = page.get_by_role("textbox", name="seed")
    first = slider.input_value(), seed.input_value()
    slider.fill("35")
    page.get_by_role("button", name="Next seed").click()
    drawn = page.locator(".ck-arrows-plane").get_attribute("aria-label")
    again(page)
    expect(slider).to_have_value("35")
    expect(seed).to_have_value(str(int(first[1]) + 1))
    expect(page.locator(".ck-arrows-plane")).to_have_attribute("aria-label", drawn)
    expect(page.locator(".ck-message")).to_contain_text("Start again starts over")
    page.get_by_role("button", name="Start again").click()
    expect(page.locator(".ck-message")).to_be_hidden()
    for _ in range(2):
        assert (slider.input_value(), seed.input_value()) == first
        again(page)


def a_minimum_with_a_weight_of_its_own(show):
    """A gallery whose minimum was opened, and the field of a weight that was made 2.5."""
    page = show(ck.Gallery(["abs", "min"]))
    page.locator('.ck-gallery-card[data-name="min"]').click()
    field = page.get_by_role("spinbutton", name="weight from x₁ to hidden unit 1")
    enter(field, "2.5")
    return page, field


def test_the_circuit_of_the_gallery_and_what_was_made_of_it_are_there_again_until_a_reset(show):
    page, field = a_minimum_with_a_weight_of_its_own(show)
    again(page)  # without the address that the card has left
    expect(page.locator(".ck-gallery-title")).to_have_text("min")
    expect(field).to_have_value("2.5")
    expect(page.get_by_text("your network from last time")).to_be_visible()
    page.get_by_role("button", name="Share").click()
    page.locator('.ck-gallery-card[data-name="abs"]').click()
    page.get_by_role("button", name="Reset").click()
    again(page)
    expect(page.locator(".ck-gallery-title")).to_have_text("abs")


def test_the_filters_of_the_gallery_are_there_again_until_they_choose_all(show):
    page = show(ck.Gallery(["abs", "min", "max"]))
    count = page.locator(".ck-gallery-count")
    inputs = page.get_by_role("combobox", name="inputs")
    word = page.get_by_role("searchbox")
    inputs.select_option("2")
    word.fill("min")
    expect(count).to_have_text("1 of 3 functions")
    again(page)
    expect(inputs).to_have_value("2")
    expect(word).to_have_value("min")
    expect(count).to_have_text("1 of 3 functions")
    inputs.select_option("any")
    word.fill("")
    again(page)
    expect(count).to_have_text("3 functions")
    for damaged in ('["any"]', '["any", "5", "any", ""]', "[", "null", '{"length": 4}'):
        page.evaluate(
            "text => localStorage.setItem('circuitkit:filters:'"
            " + document.querySelector('.ck-static').dataset.key, text)",
            damaged,
        )
        again(page)
        expect(count).to_have_text("3 functions")


def test_a_link_to_ones_own_weights_in_the_gallery_opens_that_circuit(show):
    page, field = a_minimum_with_a_weight_of_its_own(show)
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_text("The link to your network")).to_be_visible()
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(field).to_have_value("2.5")


def test_the_bench_of_a_mystery_is_there_again_until_the_reader_starts_over(show):
    page = show(ck.Mystery())
    page.get_by_text("The units, one by one").click()
    page.get_by_role("textbox", name="a name for unit 2").fill("mine")
    page.get_by_role("button", name="unit 1 is switched on").click()
    field = page.get_by_role("spinbutton", name="weight from x to hidden unit 1").first
    enter(field, "7")
    expect(page.locator(".ck-mystery-state")).to_contain_text("another function now")
    again(page)
    expect(field).to_have_value("7")
    expect(page.get_by_role("textbox", name="a name for unit 2")).to_have_value("mine")
    expect(page.get_by_role("button", name="unit 1 is switched off")).to_be_visible()
    expect(page.locator(".ck-mystery .ck-message").first).to_contain_text("starts over")
    page.get_by_role("button", name="Start over").click()
    expect(field).not_to_have_value("7")
    again(page)
    expect(page.locator(".ck-mystery .ck-message").first).to_be_hidden()
    expect(field).not_to_have_value("7")


def test_a_bench_that_was_pruned_and_one_that_is_damaged(show):
    page = show(ck.Mystery())
    page.get_by_text("The units, one by one").click()
    units = page.locator(".ck-mystery-units li")
    all_units = units.count()
    page.get_by_role("button", name="unit 1 is switched on").click()
    page.get_by_role("button", name="Prune").click()
    expect(units).to_have_count(all_units - 1)
    again(page)
    expect(units).to_have_count(all_units - 1)
    page.evaluate(
        """() => Object.keys(localStorage).filter((k) => k.includes("network:")).forEach(
             (k) => localStorage.setItem(k, localStorage[k].slice(1)))"""
    )
    again(page)  # as if it had not been kept
    page.get_by_text("The units, one by one").click()
    expect(units).to_have_count(all_units)


def test_a_network_that_was_read_and_turned_is_read_again_until_the_reader_starts_over(show):
    page = show(ck.WeightsReader(ck.Network([[[1], [-1]], [[1, 1]]])))
    field = page.get_by_role("spinbutton", name="weight from hidden unit 2 to the output")
    enter(field, "-1")
    expect(page.locator(".ck-reader")).to_contain_text("Read from the drawing below")
    again(page)
    expect(field).to_have_value("−1")
    page.get_by_role("button", name="Start over").click()
    again(page)
    expect(field).to_have_value("1")


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


def change(kind: str, page: Page) -> None:
    if kind == "circuit":
        enter(page.get_by_role("spinbutton", name="weight from x to hidden unit 1").first, "2.5")
    elif kind == "typed":
        page.get_by_label("Type a function").fill("max(x, 2)")
        page.get_by_role("button", name="Build it").click()
    elif kind == "reader":
        page.get_by_label("The weights of your network").fill("[[[1], [-1]], [[1, 1]]]")
        page.get_by_role("button", name="Read it").click()
    else:
        page.get_by_role("button", name="Put down").first.click()


@pytest.mark.parametrize("kind", ["circuit", "typed", "reader", "plane"])
def test_a_tab_says_that_another_one_has_changed_what_is_kept(show, kind):
    shown = {
        "circuit": lambda: ck.CircuitWidget("identity", "identity"),
        "typed": lambda: ck.Typed(""),
        "reader": lambda: ck.WeightsReader(""),
        "plane": lambda: ck.WeightPlane(seeds=8),
    }
    page = show(shown[kind]())
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".ck-static")).to_have_attribute("data-state", "live")
    change(kind, other)
    expect(page.locator("body")).to_contain_text("This was changed in another tab, too")
    expect(other.locator("body")).not_to_contain_text("This was changed in another tab, too")


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
