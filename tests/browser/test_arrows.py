"""Features as arrows, in a browser: dragged, typed, turned by keys; and trained again by a slider."""

from __future__ import annotations

import pytest
from accessible import violations
from playwright.sync_api import Page, expect

import circuitkit as ck
from circuitkit import superposition as sp

PUZZLE = {"goal": 0.16, "challenge": "test-arrows", "solved": "A pentagon."}


def place(page: Page, angles: list[int], bias: float) -> None:
    """Turn each arrow by its fields, as the keyboard does."""
    for tip, angle in zip(page.locator(".ck-arrows-tip").all(), angles, strict=True):
        tip.focus()
        for field, value in (("direction in degrees", angle), ("length", 1)):
            page.get_by_label(field).fill(str(value))
            page.keyboard.press("Enter")
    page.get_by_label("bias b of all outputs").fill(str(bias))
    page.keyboard.press("Enter")


def test_the_pentagon_solves_the_puzzle_and_the_browser_remembers(show):
    page = show(ck.FeatureArrows(**PUZZLE))
    verdict = page.locator(".ck-arrows-goal")
    expect(verdict).to_contain_text("at most 0.16")
    place(page, [0, 72, 144, 216, 288], -0.15)
    expect(page.locator(".ck-arrows-worst")).to_have_text("Worst error: 0.159")
    expect(verdict).to_contain_text("A pentagon.")
    assert page.evaluate("localStorage.getItem('circuitkit:challenge:test-arrows')") == "solved"
    page.get_by_role("button", name="two active").click()
    expect(verdict).to_contain_text("with one feature active")
    page.get_by_role("button", name="Start again").click()
    page.get_by_role("button", name="one active").click()
    expect(verdict).to_contain_text("at most 0.16")


def test_an_arrow_is_dragged_and_turned_by_keys(show):
    page = show(ck.FeatureArrows(sp.polygon(4)))
    plane, tip = page.locator(".ck-arrows-plane"), page.locator(".ck-arrows-tip").first
    expect(page.locator(".ck-arrows-worst")).to_have_text("Worst error: 0")
    box, at = plane.bounding_box(), tip.locator("circle").first.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25, steps=4)
    page.mouse.up()
    assert 43 <= int(tip.get_attribute("aria-valuenow")) <= 47
    before = int(tip.get_attribute("aria-valuenow"))
    tip.press("ArrowLeft")
    tip.press("Shift+ArrowLeft")
    tip.press("ArrowDown")
    assert int(tip.get_attribute("aria-valuenow")) == before + 11
    expect(page.locator(".ck-arrows-worst")).not_to_have_text("Worst error: 0")


def test_a_slider_trains_the_networks_that_python_trains(show):
    page = show(ck.FeatureArrows(trained=True, sparsity=0.9, seed=1))
    table = page.locator(".ck-arrows-table")
    expect(table).to_contain_text(sp.geometry(sp.train(seeds=[1]).weights[0]))
    page.get_by_label("sparsity", exact=True).fill("0")
    expect(table).to_contain_text("two orthogonal")
    page.get_by_role("button", name="Next seed").click()
    run = sp.train(sparsity=0.0, seeds=[2])
    expect(table).to_contain_text(f"{sp.worst_error(run.model(2), 2):.3f}")


@pytest.mark.parametrize(("theme", "width"), [("light", 380), ("dark", 760)])
def test_it_can_be_used_by_everyone(show, theme, width):
    page = show(
        ck.FeatureArrows(**PUZZLE), ck.FeatureArrows(trained=True),
        theme=theme, width=width, color_scheme=theme,
    )  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


def test_without_a_script_the_arrows_stand_there(show):
    page = show(ck.FeatureArrows(sp.polygon(5), goal=0.16), java_script_enabled=False)
    expect(page.locator("figcaption").first).to_contain_text("is 0.155 with one active feature")
