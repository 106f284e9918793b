"""A short hunt for one wrong answer, with a fresh seed each time; and what it holds answers against."""

import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import independent as exact
import soundness


def test_a_short_hunt_with_a_fresh_seed_finds_nothing(fresh_seed):
    print(f"python benchmarks/soundness.py --seed {fresh_seed}")  # shown where it fails
    found = soundness.hunt(fresh_seed, first=0, step=1, seconds=15, least=30)
    assert found["wrong"] == []
    assert found["counts"]["proved"] and found["counts"]["refuted"]


@pytest.mark.parametrize("number", [1069, 3989, 5255, 6368, 6523])
def test_what_a_long_hunt_found_stays_mended(number):
    assert soundness.examine(2026, number, Counter()) == []


def test_every_family_and_every_kind_of_claim_is_drawn():
    cases = [soundness.draw(3, k) for k in range(300)]
    assert {c.kind for c in cases} == {"integers", "rows", "magnitudes", "floats", "disguised"}
    assert {type(c.domain) for c in cases} == {type(None), list, tuple}
    assert {c.measure for c in cases} == {"relative", "absolute"}
    assert {c.relation for c in cases} == {None, "<", "<=", ">", ">="}
    assert any(not isinstance(c.target, str) for c in cases)


def worst(e, f, segments, measure="relative"):
    steps = exact.Steps(1)
    a, b = exact.expression_steps(steps, e), exact.expression_steps(steps, f)
    difference = steps.sum({a: Fraction(1), b: Fraction(-1)} if a != b else {})
    return exact.worst_along(steps, [difference], segments, measure).error


X = ("x", 0)


@pytest.mark.parametrize(
    ("e", "f", "relative", "absolute"),
    [
        (X, X, 0, 0),
        (("abs", X), X, 2, np.inf),
        (("max", X, ("number", Fraction(0))), ("relu", X), 0, 0),
        (("+", X, ("number", Fraction(1, 3))), X, Fraction(1, 3), Fraction(1, 3)),
        (("min", ("abs", X), ("number", Fraction(5))), ("abs", X), 1, np.inf),
        (("*", Fraction(1, 2), ("abs", X)), ("number", Fraction(1)), 1, np.inf),
    ],
)
def test_independent_worst_errors_on_the_line_are_those_worked_out_by_hand(
    e, f, relative, absolute
):
    assert worst(e, f, exact.whole_line()) == relative
    assert worst(e, f, exact.whole_line(), "absolute") == absolute


def test_a_difference_between_two_kinks_is_found_where_it_is():
    # A tent of height 1/8 on [3, 3 + 1/4], from four kinks that cancel everywhere else.
    steps = exact.Steps(1)
    weights = [[[1.0], [1.0], [1.0]], [[1.0, -2.0, 1.0]]]
    biases = [[-3.0, -3.125, -3.25], [0.0]]
    (out,) = exact.network_steps(steps, weights, biases, [0])
    found = exact.worst_along(steps, [out], exact.whole_line(), "absolute")
    assert found.error == Fraction(1, 8)
    assert found.point[0] / found.point[1] == Fraction(25, 8)


def test_a_case_is_its_seed_and_number():
    a, b = soundness.draw(5, 77), soundness.draw(5, 77)
    assert a.net.to_dict() == b.net.to_dict()
    assert (a.domain is None) == (b.domain is None)
    counts = Counter()
    soundness._form(a, np.random.default_rng(0), counts)
    assert counts["canonical forms"] == 1
