"""Where a network is read: samples from there, the size of affine functions there, larger ones, and words."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import circuitkit as ck
from circuitkit.detection.place import EVERYWHERE, Place, place
from circuitkit.proof.claim import Box, Polytope

INF = float("inf")
#: x >= 0, y >= 0, x + y <= 1; written so that its rows are of very different sizes
TRIANGLE = ([[-(2.0**60), 0], [0, -1], [1e-9, 1e-9]], [0, 0, Fraction(1e-9)])
QUADRANT = ([[-1, 0], [0, -1]], [0, 0])
HEXAGON = ([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]], [1, 1, 1, 1, 1, 1])


def net(n: int, bias: float = 0.0) -> ck.Network:
    return ck.Network([np.ones((1, n)), [[1.0]]], [[bias], [0.0]])


def at(domain: Any, n: int = 2) -> Place:
    return place(net(n), domain, None)


def numbers(*values: Any) -> list[Fraction]:
    return [Fraction(v) for v in values]


# --- samples ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ends",
    [
        [(-1, 1), (0, 3)],
        [(2, 2), (Fraction(-1, 4), 3)],
        [(-INF, INF), (5, INF)],
        [(-INF, -5), (0, 1)],
    ],
)
def test_samples_of_a_box_lie_in_it_and_reach_its_ends(ends):
    x = at(ends).samples(net(2))
    ends = [tuple(map(float, pair)) for pair in ends]
    for column, (low, high) in zip(x.T, ends, strict=True):
        assert ((column >= low) & (column <= high)).all()
        for end, others in ((low, column.min()), (high, column.max())):
            assert abs(others - end) < 0.1 if np.isfinite(end) else abs(others) > 50
    if np.isfinite(ends).all():
        assert set(itertools.product(*ends)) <= {tuple(row) for row in x.tolist()}


@pytest.mark.parametrize("domain", [TRIANGLE, QUADRANT, HEXAGON])
def test_samples_of_a_polytope_satisfy_its_inequalities(domain):
    where = at(domain)
    x = where.samples(net(2), 200)
    sizes = np.abs(np.array(domain[0], dtype=float)).max(axis=1)
    left = x @ np.array(domain[0], dtype=float).T - np.array(domain[1], dtype=float)
    assert (left <= 1e-9 * sizes).all()
    assert x.max() > (50 if domain is QUADRANT else 0.99)


@pytest.mark.parametrize("n", [1, 3])
def test_samples_of_everything_are_directions_unless_there_are_constants(n):
    assert np.allclose(np.abs(EVERYWHERE.samples(net(n))).max(axis=1), 1)
    sizes = np.abs(EVERYWHERE.samples(net(n, bias=1.0))).max(axis=1)
    assert sizes.min() < 0.1
    assert sizes.max() > 10


# --- the size of an affine function -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "row", "largest"),
    [
        (None, (2, -3, 1), 6),
        ([(-1, 2), (0, 1)], (2, -3, 1), 5),
        ([(-1, 2), (0, 1)], (2, -3, -1), 6),
        ([(0, INF), (0, 1)], (0, -3, 1), 2),
        ([(0, INF), (0, 1)], (1, 0, 0), None),
        ([(-INF, 0), (0, 1)], (1, 0, 0), None),
        (TRIANGLE, (2, -3, Fraction(1, 2)), Fraction(5, 2)),
        (TRIANGLE, (2, -3, -1), 4),
        (TRIANGLE, (0, 0, -1), 1),
        (QUADRANT, (1, 1, 0), None),
        (QUADRANT, (-1, -1, 0), None),
        (QUADRANT, (0, 0, 7), 7),
        (HEXAGON, (1, 1, 0), 1),
        (HEXAGON, (1, -1, 0), 2),
    ],
)
def test_the_largest_size_of_an_affine_function_is_exact(domain, row, largest):
    assert at(domain).largest(numbers(*row)) == largest


# --- larger domains -----------------------------------------------------------------------------------


def test_a_box_grows_about_its_center_and_a_side_without_an_end_at_the_other_one():
    box = at([(0, 2), (3, INF), (-INF, 3), (-INF, INF), (1, 1)], n=5).larger(Fraction(3))
    assert box.domain == Box(((-2, 4), (1, None), (None, 5), (None, None), (1, 1)))
    assert EVERYWHERE.larger(Fraction(3)) is EVERYWHERE


def test_a_polytope_grows_about_its_center():
    small = at(([[1, 0], [-1, 0], [0, 1], [0, -1]], [1, 1, 2, 0]))
    large = small.larger(Fraction(2))
    assert isinstance(large.domain, Polytope)
    assert large.domain.ends == (2, 2, 3, 1)
    assert large.words() == "on that polytope made 2 times as large about its center"
    assert large.larger(Fraction(3, 2)).words().startswith("on that polytope made 3 times")


# --- in words, and what is asked ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "n", "words"),
    [
        (None, 2, "for every input"),
        ([(0, 1), (0, 1)], 2, "on [0, 1]^2"),
        ([(0, 1)], 1, "on [0, 1]"),
        ([(Fraction(1, 3), Fraction(2, 3)), (4, 4)], 2, "on [1/3, 2/3] × {4}"),
        ([(-INF, 0), (1, INF)], 2, "on (-inf, 0] × [1, inf)"),
        ([(0, k) for k in range(1, 9)], 8, None),
        (QUADRANT, 2, "where -x1 <= 0 and -x2 <= 0"),
        (([[1, -2], [0, 0]], [3, 1]), 2, "where x1 - 2*x2 <= 3 and 0 <= 1"),
        (([[1, 0]] * 7, [1] * 7), 2, "where 7 inequalities hold"),
    ],
)
def test_a_place_is_said_in_words_and_never_as_larger_than_it_is(domain, n, words):
    said = at(domain, n).words()
    if words is None:
        words = f"on {' × '.join(f'[0, {k}]' for k in range(1, 7))} × ..."
    assert said == words


def test_the_box_of_data_is_the_place_and_says_so():
    points = [[0.0, 1.0], [0.5, -1.0], [0.25, 0.0]]
    where = place(net(2), None, points)
    assert where.domain == Box(((0, Fraction(1, 2)), (-1, 1)))
    assert where.words() == "on the box of the data, [0, 0.5] × [-1, 1]"
    assert place(net(1), None, [1.0, 3.0]).domain == Box(((1, 3),))


@pytest.mark.parametrize(
    ("domain", "data", "message"),
    [
        ([(0, 1), (0, 1)], [[0, 0]], "data: expected none where a domain is given"),
        (None, [1.0, 2.0], r"data: expected inputs of shape \(n_samples, 2\)"),
        (None, [[1.0, 2.0, 3.0]], r"data: expected inputs of shape \(n_samples, 2\)"),
        (None, np.zeros((0, 2)), r"data: expected"),
    ],
)
def test_data_that_do_not_fit_are_refused_by_name(domain, data, message):
    with pytest.raises(ValueError, match=message):
        place(net(2), domain, data)


def test_everything_with_what_is_fixed_has_the_measure_of_the_place():
    where = at([(0, 1), (4, 4)])
    assert where.fixed(2) == {1: 4}
    whole = where.everything(2)
    assert whole.domain == Box(((None, None), (4, 4)))
    assert whole.measure == where.measure == "absolute"
    assert not whole.is_everything
    assert at([(0, 1)] * 2).everything(2).is_everything
    assert at(TRIANGLE).fixed(2) == {}
    assert EVERYWHERE.everything(2) is EVERYWHERE
    assert EVERYWHERE.is_everything


def test_what_is_not_decided_in_time_is_no_proof():
    box = at([(0, 1)] * 2)
    tolerance = Fraction(1, 100)
    proof = box.prove(ck.circuit("min"), ck.target("min"), tolerance, 60)
    assert proof is not None
    assert proof.holds
    assert box.prove(ck.circuit("min"), ck.target("min"), tolerance, 0) is None
    rng = np.random.default_rng(0)
    wide = ck.Network([rng.normal(size=(40, 4)), rng.normal(size=(40, 40)), np.ones((1, 40))])
    same = ck.Network([wide.weights[0][::-1], wide.weights[1][:, ::-1] + 1e-9, np.ones((1, 40))])
    assert at([(0, 1)] * 4, 4).prove(wide, same, Fraction(1, 10**6), 0.05) is None
