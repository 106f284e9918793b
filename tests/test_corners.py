"""Polytopes of huge and tiny numbers: what is read on them, what is refused, and their corners in exact numbers."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import circuitkit as ck
from circuitkit.detection import corners
from circuitkit.detection.points import first_points, interior_sample
from circuitkit.proof.claim import Polytope, read_claim, read_domain

SIDES = [[1, 0], [-1, 0], [0, 1], [0, -1]]
WIDER = "domain: expected A x <= b whose solutions, and their differences in each input, are within the range of"
SMALLER = r"domain: expected inputs below 1e\+150"


@pytest.fixture(autouse=True)
def _nothing_is_warned_of() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def polytope(domain: Any, n: int) -> Polytope:
    found = read_domain(domain, n)
    assert isinstance(found, Polytope)
    return found


@pytest.mark.parametrize(
    ("domain", "expression"),
    [
        (([[1], [-1]], [1, 1e300]), "Abs(x)"),
        (([[1], [-1]], [1e308, -1e307]), "x"),
        (([[-1]], [-1e-308]), "x"),
        (([[-1e-200]], [-1]), "x"),
        (([[1]], [-1e300]), "-x"),
        (([[1e300], [-1e-300]], [1, 1]), "Abs(x)"),
        (([[1], [-1]], [1e300, -1e300]), "x"),
        (([[1e-308], [-1e-308]], [1e-308, 1e-308]), "Abs(x)"),
        (([[1e308], [-1e308]], [1e308, 0]), "x"),
    ],
)
def test_a_network_is_read_on_a_polytope_of_huge_or_tiny_numbers(domain, expression):
    net = ck.circuit("abs")
    found = ck.detect(net, domain=domain)
    assert str(found.expression) == expression
    assert ck.prove(net, ck.decompile(net, domain=domain), domain=domain)
    assert found.expression_proof is not None
    assert found.expression_proof.exact_error == 0
    assert ck.prove(net, "abs", domain=domain)


@pytest.mark.parametrize(
    ("ends", "expression"),
    [
        ([1e200, 1e200, 1, 1], "Min(x1, x2)"),
        ([1e200, -1e199, 1, 1], "x2"),
        ([-1e300, 2e300, 1, Fraction(1, 10**500)], "x1"),
        ([1e-200, 1e-200, 1e-200, -1e-201], "Min(x1, x2)"),
    ],
)
def test_two_inputs_of_very_different_sizes(ends, expression):
    net = ck.circuit("min")
    read = ck.decompile(net, domain=(SIDES, ends), tolerance=0)
    assert ck.prove(net, read, domain=(SIDES, ends))
    assert str(ck.detect(net, domain=(SIDES, ends), tolerance=0).expression) == expression


def test_a_known_point_at_the_end_of_the_doubles_does_not_keep_the_origin_from_being_read():
    assert polytope(([[1]], [1.7e308]), 1).point == (Fraction(1.7e308),)
    assert ck.detect(ck.circuit("abs"), domain=([[1]], [1.7e308])).circuit == "abs"


def test_the_refusal_names_the_input_that_reaches_too_far():
    domain = ([[1e250, 1e-250], [-1, 0]], [1, 1])
    with pytest.raises(ValueError, match=r"got x2 in \(-inf, 9.999e\+499\]$"):
        ck.detect(ck.circuit("min"), domain=domain)


@pytest.mark.parametrize("function", [ck.detect, ck.decompile, ck.extract, ck.subcircuits])
@pytest.mark.parametrize(
    "domain",
    [
        ([[1], [-1]], [1e308, 1e308]),
        ([[1e300], [-1e-300]], [1e-300, 1e300]),
        ([[5e-324], [-5e-324]], [1, 1]),
        ([[1]], [Fraction(-(10**400))]),
        ([[1]], [-1.7e308]),
        ([[-1e-308]], [-1]),
    ],
)
def test_what_is_wider_than_the_doubles_is_refused_by_name_and_still_proved(function, domain):
    with pytest.raises(ValueError, match=f"^{WIDER} a double, got x in "):
        function(ck.circuit("abs"), domain=domain)
    assert ck.prove(ck.circuit("abs"), "abs", domain=domain)


def test_the_refusal_says_which_input_is_too_wide():
    with pytest.raises(ValueError, match=r"got x2 in \[-1e\+308, 1e\+308\]$"):
        ck.detect(ck.circuit("min"), domain=(SIDES, [1, 1, 1e308, 1e308]))


def test_what_would_take_too_long_in_exact_numbers_is_refused_by_name():
    rows = [[math.cos(k), math.sin(k)] for k in range(40)]
    told = "^domain: expected A x <= b with numbers between .* more than 24 together, got 40 inequalities of 2"
    with pytest.raises(ValueError, match=told):
        ck.detect(ck.circuit("min"), domain=(rows, [1e200] * 40))
    assert ck.detect(ck.circuit("min"), domain=(rows, [1.0] * 40)).function == "min"


@pytest.mark.parametrize("domain", [([[1], [-1]], [1, 1e300]), ([[1]], [1e300]), [(-1e300, 1)]])
def test_a_part_is_not_looked_for_among_inputs_whose_sums_round_too_much(domain):
    with pytest.raises(ValueError, match=f"^{SMALLER}"):
        ck.extract(ck.circuit("abs"), domain=domain)


def test_a_part_on_a_tiny_polytope():
    found = ck.extract(ck.circuit("abs"), domain=([[1], [-1]], [1e-308, -1e-309]), tolerance=0)
    assert found.network.layer_sizes == (1, 1, 1)


def test_means_on_a_polytope_far_away_are_those_of_points_in_it():
    domain = ([[1], [-1]], [3e100, -1e100])
    claim = read_claim(ck.circuit("abs"), "abs", 0, domain)
    x = interior_sample(claim, 500)
    assert x.min() >= 1e100
    assert x.max() <= 3e100
    assert x.max() - x.min() > 1e100
    assert ck.extract(ck.circuit("abs"), domain=domain, fill="mean").proof
    with pytest.raises(ValueError, match="^fill: expected 'zero' or 'affine' where the domain is"):
        ck.extract(ck.circuit("abs"), domain=([[1]], [1e100]), fill="mean")


# --- the corners --------------------------------------------------------------------------------------


def test_first_points_of_a_far_polytope_lie_in_it_and_are_many():
    domain = ([[1, 1], [-1, 0], [0, -1]], [1e250, 0, -1e249])
    claim = read_claim(ck.circuit("min"), "min", 0, domain)
    points = first_points(claim, 60)
    assert len(points) > 50
    assert all(claim.contains(x) for x in points)
    x = np.array([[float(v) for v in p] for p in points])
    assert x[:, 0].max() > 0.8e250
    assert x[:, 0].min() == 0


def test_how_far_a_polytope_reaches_is_exact():
    far = polytope(([[1, 1], [-1, 0], [0, -1]], [1e250, 0, -1e-250]), 2)
    low, high = Fraction(1e-250), Fraction(1e250)
    assert corners.ends_of(far) == ((0, high - low), (low, high))
    assert corners.ends_of(polytope(([[1, -1]], [1e250]), 2)) == ((None, None), (None, None))
    assert corners.highest(far, [Fraction(1), Fraction(0)]) == (high - low, low)


@pytest.mark.parametrize("seed", range(6))
def test_the_farthest_point_is_the_best_of_all_vertices(seed):
    """Every pair of inequalities that meets in the polytope, tried."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-5, 6, size=(5, 2)).tolist()
    sizes = [Fraction(10) ** int(e) for e in rng.integers(-200, 200, size=5)]
    bounded = polytope(([*rows, *SIDES], [*sizes, *[Fraction(10) ** 210] * 4]), 2)
    direction = [Fraction(int(v)) for v in rng.integers(-9, 10, size=2)]
    vertices = []
    lines = list(zip(bounded.matrix, bounded.ends, strict=True))
    for ((a, b), e), ((c, d), f) in itertools.combinations(lines, 2):
        if a * d != b * c:
            x = ((e * d - b * f) / (a * d - b * c), (a * f - e * c) / (a * d - b * c))
            vertices += [x] if bounded.contains(x) else []
    best = max(direction[0] * x + direction[1] * y for x, y in vertices)
    found = corners.highest(bounded, direction)
    assert found is not None
    assert bounded.contains(found)
    assert direction[0] * found[0] + direction[1] * found[1] == best
