"""Every widget of the built book, on its own page: it starts, it answers, and nothing is asked of others."""

from __future__ import annotations

import pytest
from conftest import HTML, built_pages, each
from starting import start_all
from walks import PRESS_ALL, SCHEMES, WIDTHS

import circuitkit as ck

PAGES = [name for name in built_pages() if 'class="ck-static"' in (HTML / name).read_text("utf-8")]


at_a_desk = each(PAGES, "at a desk")
on_a_phone = each(PAGES, "on a phone")


@at_a_desk
def test_every_widget_starts_and_answers_with_all_other_hosts_blocked(address, desk):
    assert desk(address).mute == []
    assert desk(address).problems == []


@at_a_desk
@pytest.mark.parametrize("width", WIDTHS)
def test_every_control_of_every_widget_is_large_enough_and_answers_at_its_center(
    address, width, desk
):
    found = desk(address).controls[width]
    assert found["count"] > 0
    assert found["faults"] == []


@on_a_phone
@pytest.mark.parametrize("color_scheme", SCHEMES)
def test_axe_finds_nothing_in_any_widget_and_none_is_wider_than_a_phone(
    address, color_scheme, phone
):
    assert phone(address).violations[color_scheme] == []
    assert phone(address).wide_unfolded == []


def test_what_is_opened_read_or_typed_answers_at_its_center_too(show):
    rows = [[2, -2], [-1.5, 1.5], [1, 1], [-2, -2], [1.5, 1], [-3, -2], [0.5, 2]]
    crowd = ck.Network([rows, [[0.25, 0.33, 0.5, -0.25, 6, -3, 0.01]]])
    seven = " + ".join(f"|x{i}|" for i in range(1, 8))
    page = show(ck.Gallery(chosen="median_of_three"), ck.WeightsReader(crowd), ck.Typed(seven))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        start_all(page)
        found = page.evaluate(PRESS_ALL)
        assert found["count"] > 130
        assert found["faults"] == [], f"at {width} px"


def test_the_sign_of_a_weight_is_seen_in_the_built_page(visit):
    """The pages have a style sheet of their own, in which only rules that are used are left."""
    page = visit("chapters/identity.html").page
    start_all(page)
    strokes = page.evaluate(
        """() => Object.fromEntries(["ck-positive", "ck-negative"].map((sign) => {
             const edge = document.querySelector(`.ck-edge.${sign}`);
             const { stroke, strokeDasharray } = getComputedStyle(edge);
             return [sign, [stroke, strokeDasharray]];
           }))"""
    )
    (excites, solid), (inhibits, dashed) = strokes.values()
    assert "none" not in (excites, inhibits)
    assert excites != inhibits
    assert solid == "none" != dashed
