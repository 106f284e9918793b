"""Weights pasted into a page, or dropped as a file, and read there."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from accessible import violations
from playwright.sync_api import Page, expect

import circuitkit as ck

ROOT = Path(__file__).resolve().parents[2]

DECK = json.loads((ROOT / "chapters" / "data" / "deck-results.json").read_text())["results"]
IDENTITY = "\n".join(DECK[0]["printed"])
HOSTILE = (
    '</textarea><img src=x onerror="window.hurt=1"><script>window.hurt=1</script>',
    "[[[1], [-1]], [[1, <script>window.hurt=1</script>]]]",
    '{"weights": [[[1]]], "<img onerror=alert(1)>": [[[1]], [[2]]], "__proto__": {"a": 1}}',
    "constructor.constructor('window.hurt=1')()",
    "[" * 20_000,
    "[[1e999]]",
)


def read(page: Page, text: str) -> None:
    page.get_by_label("The weights of your network").fill(text)
    page.get_by_role("button", name="Read it").click()


def units(page: Page) -> list[str]:
    return page.locator(".ck-reader-units tbody td:nth-child(3)").all_inner_texts()


def test_the_decks_printed_identity_is_read_with_its_exact_worst_error(show):
    page = show(ck.WeightsReader())
    read(page, IDENTITY)
    expect(page.locator(".ck-reader-verdict")).to_contain_text(
        "This network computes x within 0.000816 for every input, relative to the input's size beyond 1, "
        'with the circuit "identity".'
    )
    assert units(page) == ["negativeness detector of x", "positiveness detector of x"]
    expect(page.locator(".ck-reader-facts")).to_contain_text("1-2-1 network without biases")
    expect(page.locator(".ck-spoken").first).to_contain_text("computes x within 0.000816")


def test_the_network_can_be_turned_and_the_reading_follows(show):
    page = show(ck.WeightsReader(ck.circuit("identity")))
    verdict = page.locator(".ck-reader-verdict")
    expect(verdict).to_contain_text("computes x exactly")
    field = page.get_by_role("spinbutton", name="weight from hidden unit 2 to the output")
    field.click()
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(verdict).to_contain_text("computes abs(x) exactly")
    names = page.locator(".ck-feature")
    expect(names.nth(0)).to_have_text("+(x)")
    hidden = page.get_by_role("spinbutton", name="weight from x to hidden unit 1")
    hidden.click()
    page.keyboard.type("-1")
    page.keyboard.press("Enter")
    expect(verdict).to_contain_text("none of the eight basic functions")
    expect(names.nth(0)).to_have_text("−(x)")
    assert units(page) == ["negativeness detector of x", "duplicate of x"]


def test_what_copy_as_python_gives_is_read_again(show):
    page = show(ck.WeightsReader("1/2 0\n-1 0\n2 -2\n\n2 -1 -1/2"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(page.locator(".ck-reader-verdict")).to_contain_text('with the circuit "min via x₁"')
    page.get_by_role("button", name="Copy as Python").click()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code.startswith("ck.Network([[[0.5, 0.0]")
    read(page, code)
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes min(x₁, x₂) exactly")


@pytest.mark.parametrize("bias", [False, True])
def test_a_saved_safetensors_file_is_read(show, tmp_path, bias):
    net = ck.circuits.minimum_two_layers()
    if bias:
        net = ck.Network(net.weights, [np.zeros(3), np.zeros(2), [0.001]])
    net.save(tmp_path / "minimum.safetensors")
    page = show(ck.WeightsReader())
    page.get_by_label("file").set_input_files(tmp_path / "minimum.safetensors")
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes min(x₁, x₂)")
    expect(page.locator(".ck-reader-verdict")).to_contain_text("0.001" if bias else "exactly")
    assert units(page)[3:] == [
        "positiveness detector of min(x₁, x₂)",
        "negativeness detector of min(x₁, x₂)",
    ]
    assert "ck.Network(" in page.get_by_label("The weights of your network").input_value()


def test_a_damaged_or_oversized_file_is_refused_in_words(show, tmp_path):
    page = show(ck.WeightsReader())
    (tmp_path / "bad.safetensors").write_bytes(b"\x10" + b"\0" * 7 + b'{"a": {"dtype":1}')
    page.get_by_label("file").set_input_files(tmp_path / "bad.safetensors")
    expect(page.get_by_role("alert")).to_contain_text("not a safetensors file, or it is damaged")
    (tmp_path / "big.safetensors").write_bytes(b"\0" * 6_000_000)
    page.get_by_label("file").set_input_files(tmp_path / "big.safetensors")
    expect(page.get_by_role("alert")).to_contain_text("The file has 6.0 MB; at most 5 MB")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_shown_and_never_run(show, text):
    page = show(ck.WeightsReader(text, caption='</script><img src=x onerror="window.hurt=1">'))
    read(page, text)
    expect(page.get_by_role("alert")).to_contain_text("Accepted: nested lists")
    assert page.evaluate("window.hurt") is None
    assert page.locator("img").count() == 0
    read(page, "[[[1], [-1]], [[1, -1]]]")
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes x exactly")


def test_layout_and_tolerance_can_be_chosen(show):
    page = show(ck.WeightsReader("[[[-0.9192, 1.0035]], [[-1.0872], [0.9957]]]"))
    facts = page.locator(".ck-reader-facts")
    expect(facts).to_contain_text("1-2-1 network without biases, one column a unit, as then it")
    expect(facts).to_contain_text("computes x; the matrices would also fit the other way round")
    page.get_by_label("matrices").select_option("rows")
    expect(facts).to_contain_text("2-1-2 network")
    page.get_by_label("matrices").select_option("columns")
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes x within 0.000816")
    page.get_by_label("name a function").select_option("exactly")
    expect(page.locator(".ck-reader-verdict")).to_contain_text("none of the eight basic functions")


@pytest.mark.parametrize("text", ["5", "[[1],[-1]]", "[[2, 3]]", "[[1, 0], [0, 1]]"])
def test_a_network_without_a_hidden_layer_is_read_and_drawn(show, text):
    page = show(ck.WeightsReader(ck.circuit("min")))
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes min")
    read(page, text)
    expect(page.locator(".ck-reader-verdict")).not_to_contain_text("min")
    expect(page.locator(".ck-output").first).to_be_visible()
    expect(page.locator(".ck-unit")).to_have_count(0)


def test_no_earlier_answer_stays_under_a_text_that_cannot_be_read(show):
    page = show(ck.WeightsReader(ck.circuit("min")))
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes min")
    field = page.get_by_label("The weights of your network")
    field.evaluate("(f) => { f.value = '[[[' + '1,'.repeat(350000); }")
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_role("alert")).to_contain_text("never closed")
    expect(page.locator(".ck-reader-verdict")).to_be_hidden()
    expect(page.locator(".ck-drawing")).to_have_count(0)


def test_other_pages_do_not_load_the_reader(show):
    page = show(ck.CircuitWidget("identity", "identity"))
    loaded = page.evaluate("performance.getEntriesByType('resource').map((e) => e.name)")
    assert any("widget.js" in name for name in loaded)
    assert not any("reader.js" in name for name in loaded)


def test_without_a_script_the_page_says_how_to_read_in_python(show):
    page = show(ck.WeightsReader(ck.circuit("abs")), java_script_enabled=False)
    expect(page.locator(".ck-still")).to_contain_text("ck.detect(ck.Network(...))")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1000])
def test_the_reader_is_accessible_and_fits(show, theme, width):
    page = show(ck.WeightsReader(IDENTITY), theme=theme, width=width, color_scheme=theme)
    expect(page.locator(".ck-reader-verdict")).to_contain_text("computes x within")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page, ".ck-reader") == []


def test_on_a_phone_no_name_runs_into_the_next_and_no_row_is_hidden(show):
    rows = [[2, -2], [-1.5, 1.5], [1, 1], [-2, -2], [1.5, 1], [-3, -2], [0.5, 2]]
    crowd = ck.Network([rows, [[0.25, 0.33, 0.5, -0.25, 6, -3, 0.01]]])
    page = show(ck.WeightsReader(crowd), width=380)
    expect(page.locator(".ck-feature")).to_have_count(7)
    frame, *names = page.evaluate(
        """() => [...document.querySelectorAll(".ck-drawing, .ck-feature")].map((e) => {
             const { left, right } = e.getBoundingClientRect();
             return [left, right];
           })"""
    )
    for (_, end), (start, _) in pairwise(names):
        assert end <= start
    assert frame[0] <= names[0][0]
    assert names[-1][1] <= frame[1]
    flags = page.locator(".ck-flag.ck-on").evaluate_all(
        "all => all.map((e) => e.getBoundingClientRect().right)"
    )
    assert flags
    assert max(flags) <= frame[1] + 1
    table = page.locator(".ck-reader-scroll")
    assert table.evaluate("e => e.scrollHeight <= e.clientHeight")


def test_the_worst_input_can_be_visited(show):
    page = show(ck.WeightsReader(ck.Network([[[1], [-1]], [[1, -0.5]]])))
    expect(page.locator(".ck-reader-facts")).to_contain_text("at x = −1 the network gives −0.5")
    page.get_by_role("button", name="Set the inputs to the worst").click()
    field = page.get_by_role("spinbutton", name="input x", exact=True)
    expect(field).to_have_attribute("aria-valuenow", "-1")
