"""The check of an approximation by itself: right where the distance is known, and no where it cannot tell."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import circuitkit as ck
from circuitkit.compiling import recheck
from circuitkit.network import Network

X, Y = sympy.symbols("x y", real=True)
RELU = Network([[[1]], [[1]]])
LINE = Network([[[1], [-1]], [[1, -1]]])  # x
NOTHING = Network([[[1]], [[0]]])  # 0


def one(net: Network, e: Any, ends: tuple[Any, Any], error: Any) -> bool:
    low, high = (Fraction(v) for v in ends)
    return recheck.holds_for_one(net, sympy.sympify(e), X, (low, high), Fraction(error))


# --- one input: the distance is known -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "e", "ends", "distance"),
    [
        (RELU, X, (-1, 1), 1),
        (LINE, X**2, (0, 1), Fraction(1, 4)),
        (LINE, 3 * X + 1, (-1, 2), 5),
        (RELU, -(X**2), (-2, 1), 4),
        (NOTHING, sympy.exp(X), (-1, 1), mpmath.e),
        (NOTHING, sympy.sqrt(2) * X**2, (-1, 2), 4 * mpmath.sqrt(2)),
        (NOTHING, sympy.pi * X, (0, 1), mpmath.pi),
        (NOTHING, X**X, (1, 2), 4),
        (NOTHING, X ** sympy.Rational(3, 2), (0, 4), 8),  # no second derivative at 0
        (NOTHING, X**-2, (Fraction(1, 2), 2), 4),
        (NOTHING, sympy.tan(X), (-1, 1), mpmath.tan(1)),
        (LINE, sympy.sin(X), (0, 3), 3 - mpmath.sin(3)),
        (LINE, sympy.log(X), (Fraction(1, 2), 2), 2 - mpmath.log(2)),
        (NOTHING, sympy.tanh(X) + sympy.cosh(X), (0, 1), mpmath.tanh(1) + mpmath.cosh(1)),
        (LINE, X + sympy.cos(6 * X) / 9, (-1, 1), mpmath.mpf(1) / 9),  # bends both ways
    ],
    ids=str,
)
def test_a_bound_is_accepted_above_the_distance_and_refused_below_it(net, e, ends, distance):
    assert one(net, e, ends, float(distance) * 1.0001)
    assert not one(net, e, ends, float(distance) * 0.9999)


@pytest.mark.parametrize(
    ("e", "ends"),
    [
        (sympy.sqrt(X), (-1, 1)),
        (sympy.log(X), (0, 1)),
        (1 / X, (-1, 1)),
        (sympy.tan(X), (1, 2)),
        (X**X, (-1, 1)),
        (X**sympy.pi, (0, 1)),
        (sympy.erf(X), (0, 1)),  # a function that the intervals do not know
        (sympy.exp(sympy.exp(sympy.exp(10 * X))), (0, 1)),
    ],
    ids=str,
)
def test_where_a_function_has_no_value_that_intervals_show_nothing_is_accepted(e, ends):
    assert not one(NOTHING, e, ends, 10**6)


def test_a_distance_that_would_take_too_many_cuts_is_not_accepted(monkeypatch):
    wave = X + sympy.cos(40 * X) / 9
    assert one(LINE, wave, (-1, 1), 0.112)
    monkeypatch.setattr(recheck, "_MOST_CUTS", 5)
    assert not one(LINE, wave, (-1, 1), 0.112)


def test_networks_of_other_shapes_and_wrong_hints_of_their_corners_are_refused(monkeypatch):
    assert not one(ck.circuit("min"), X, (0, 1), 10)
    assert not one(Network([[[1], [2]]]), X, (0, 1), 10)
    assert one(RELU, X, (-1, 1), 1)
    true = recheck.segments
    for corners in ([-1, 1], [-1, 0], [0, 1], [-1, 0, 0, 1]):
        wrong = type(true(RELU, Fraction(-1), Fraction(1)))(
            tuple(map(Fraction, corners)), tuple(map(Fraction, corners))
        )
        monkeypatch.setattr(recheck, "segments", lambda *_, wrong=wrong, **__: wrong)
        assert not one(RELU, X, (-1, 1), 10)


# --- an input whose error is so large -----------------------------------------------------------------


def met(net: Network, e: Any, at: list[Any], lower: Any) -> bool:
    variables, box = [X, Y][: len(at)], [(Fraction(-2), Fraction(2))] * len(at)
    return recheck.is_met(
        net, sympy.sympify(e), variables, box, [Fraction(v) for v in at], Fraction(lower)
    )


@pytest.mark.parametrize(
    ("net", "e", "at", "error"),
    [
        (RELU, X, [-1], 1),
        (NOTHING, sympy.sqrt(2) * X, [1], 1.41421356),
        (LINE, sympy.exp(X), [1], 1.71828182),
        (LINE, -sympy.exp(X), [0], 1),
        (ck.circuit("min"), X * Y, [2, -1], 1),
    ],
    ids=str,
)
def test_an_error_is_met_where_it_is_so_large_and_not_beyond(net, e, at, error):
    assert met(net, e, at, error)
    assert not met(net, e, at, error + 1e-7)


def test_nothing_is_met_outside_of_the_box_or_where_there_is_no_value():
    assert not met(RELU, X, [-3], 0)
    assert not met(NOTHING, sympy.log(X), [0], 0)
    assert not met(NOTHING, 1 / X, [0], 0)
    assert not met(NOTHING, sympy.sqrt(X), [-1], 0)


# --- several inputs -----------------------------------------------------------------------------------


def several(net: Network, e: Any, error: Any, ends: Any = ((-1, 1), (-1, 1))) -> bool:
    box = [(Fraction(low), Fraction(high)) for low, high in ends]
    return recheck.holds_for_several(net, sympy.sympify(e), [X, Y], box, Fraction(error))


#: |x + y| / 2 + |x - y| / 2, and with two layers |x + y| folded again
FOLDED = Network([[[1, 1], [-1, -1], [1, -1], [-1, 1]], [[0.5] * 4]])
TWICE = Network([[[1, 1], [-1, -1]], [[1, 1], [1, 1]], [[1, -2]]], [None, [0, -1], None])


@pytest.mark.parametrize(
    ("net", "e", "shown", "distance"),
    [
        (FOLDED, 0 * X, 2, 1),  # both summands are not largest at one input
        (FOLDED, X**2 / 2 + Y**2 / 2, Fraction(1, 2), Fraction(1, 2)),
        (TWICE, 0 * X, 8, 1),  # a parabola is looked for first
        (
            Network([[[1, 1]], [[1]]], [[-5], [3]]),
            0 * X,
            3,
            3,
        ),  # a unit that is off in all of the box
        (Network([[[1, 1]], [[1]]], [[5], [0]]), X + Y, 5, 5),  # and one that is on
        (Network([[[1, 2]]], [[3]]), X + 2 * Y, 3, 3),
    ],
    ids=str,
)
def test_of_a_sum_of_functions_of_one_number_each_no_bound_below_the_distance_is_accepted(
    net, e, shown, distance
):
    assert several(net, e, shown)
    points = np.stack(np.meshgrid(*[np.linspace(-1, 1, 41)] * 2), axis=-1).reshape(-1, 2)
    f = sympy.lambdify([X, Y], e, "numpy")
    assert np.abs(net(points)[:, 0] - f(*points.T)).max() == pytest.approx(float(distance))
    assert not several(net, e, float(distance) * 0.999)


@pytest.mark.parametrize(
    ("net", "e"),
    [
        (FOLDED, X**3),
        (FOLDED, sympy.sqrt(2) * X),
        (Network([[[1, 1]], [[1], [1]]]), 0 * X),  # two outputs
        # relu(relu(x) + relu(y) - 1): a unit of two linear forms with either sign
        (Network([[[1, 0], [0, 1]], [[1, 1]], [[1]]], [None, [-1], None]), 0 * X),
        # relu(relu(x + y) - relu(-x - y) - x): of one form, and of another one beside it
        (Network([[[1, 1], [0, 1]], [[1, -1]], [[1]]], [[0, 5], [5.5], None]), 0 * X),
    ],
    ids=["cubic", "irrational", "outputs", "two forms", "beside"],
)
def test_what_is_no_such_sum_or_polynomial_is_not_accepted(net, e):
    assert not several(net, e, 10**6)
