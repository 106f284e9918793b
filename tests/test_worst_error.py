"""The largest distance between straight pieces and a smooth function, against values known by hand and mpmath."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy

import circuitkit as ck
from circuitkit.compiling.segments import Segments
from circuitkit.compiling.worst_error import Enclosure, worst_error

X = sympy.Symbol("x", real=True)


def enclosed(e: Any, *corners: tuple[Any, Any]) -> Enclosure:
    x, y = zip(*((Fraction(a), Fraction(b)) for a, b in corners), strict=True)
    return worst_error(Segments(x, y), sympy.sympify(e), X)


def error_at(at: Fraction, e: Any, *corners: tuple[Any, Any]) -> Any:
    """The distance at an input, to 40 digits."""
    (a, ya), (b, yb) = next(
        (left, right)
        for left, right in zip(corners, corners[1:] or corners, strict=False)
        if left[0] <= at <= right[0]
    )
    line = Fraction(ya) + (Fraction(yb - ya) / Fraction(b - a) * (at - Fraction(a)) if b > a else 0)
    with mpmath.workdps(40):
        value = sympy.lambdify(X, e, "mpmath")(mpmath.mpf(at.numerator) / at.denominator)
        return abs(mpmath.mpf(value) - mpmath.mpf(line.numerator) / line.denominator)


CASES = [
    # straight pieces, a function, the largest distance
    (X**2, [(0, 0), (1, 1)], Fraction(1, 4)),
    (X**2, [(-1, 1), (0, 0), (3, 9)], Fraction(9, 4)),
    (2 * X + 1, [(0, 0), (1, 5)], 2),
    (X**2, [(2, 3)], 1),  # a domain of one number
    (sympy.exp(X), [(0, 3)], 2),
    (sympy.sqrt(X), [(0, 0), (1, 1)], Fraction(1, 4)),  # no derivative at 0
    (X ** sympy.Rational(1, 3), [(0, 0), (1, 1)], 2 / (3 * mpmath.sqrt(3))),
    (sympy.sqrt(X * (1 - X)), [(0, 0), (1, 0)], Fraction(1, 2)),
    # the intervals of the denominator hold 0 until they are short
    (1 / (X**2 - X + sympy.Rational(3, 10)), [(0, 0), (1, 0)], 20),
    (sympy.sin(X), [(0, 0), (3, 0)], 1),
    (sympy.exp(X), [(0, 1), (1, 2)], mpmath.e - 2),
    (sympy.cos(5 * X), [(-1, 0), (1, 0)], 1),  # bends both ways
    (X**3, [(-1, -1), (1, 1)], 2 / (3 * mpmath.sqrt(3))),
]


@pytest.mark.parametrize(("e", "corners", "worst"), CASES, ids=str)
def test_the_largest_distance_lies_between_two_numbers_and_is_met_where_it_says(e, corners, worst):
    found = enclosed(e, *corners)
    assert float(found.lower) <= float(worst) * (1 + 1e-15)
    assert float(found.upper) >= float(worst) * (1 - 1e-15)
    assert found.upper <= found.lower * (1 + Fraction(2, 10**7))
    assert corners[0][0] <= found.at <= corners[-1][0]
    assert float(error_at(found.at, e, *corners)) >= float(found.lower) * (1 - 1e-15)


def test_a_polynomial_of_degree_two_has_no_gap():
    found = enclosed(3 * X**2 - X / 7, (Fraction(-1, 3), 0), (Fraction(1, 2), 2), (4, 1))
    assert found.lower == found.upper
    corners = [
        (Fraction(-1, 3), Fraction(0)),
        (Fraction(1, 2), Fraction(2)),
        (Fraction(4), Fraction(1)),
    ]
    assert float(error_at(found.at, 3 * X**2 - X / 7, *corners)) == pytest.approx(
        float(found.upper)
    )


@pytest.mark.parametrize(
    ("text", "ends", "says"),
    [
        ("log(x)", (-1, 1), r"log\(x\) has a value \(x > 0\)"),
        ("sqrt(x - 1)", (0, 3), r"\(-1 \+ x >= 0\)"),
        ("1/x", (-1, 1), r"\(x != 0\)"),
        ("log(x**2)", (-1, 1), r"\(x\*\*2 > 0\)"),
        ("1/(2*x - 1)**2", (0, 1), r"\(\(-1 \+ 2\*x\)\*\*2 != 0\)"),
        ("sqrt(log(x))", (0.5, 3), "has a value"),
        ("tan(x)", (1, 2), r"\(cos\(x\) != 0\)"),
    ],
)
def test_a_function_without_a_value_somewhere_is_refused_with_the_part_that_has_none(
    text, ends, says
):
    with pytest.raises(ValueError, match=f"^domain: expected numbers for which .*{says}"):
        ck.approximate(text, [ends], tolerance=0.1)


@pytest.mark.parametrize(
    ("text", "ends"),
    [("log(x**2 - x + 0.3)", (0, 1)), ("1/(x**2 - x + 0.3)", (0, 1)), ("sqrt(log(x))", (2, 3))],
)
def test_a_function_whose_parts_have_values_everywhere_is_taken_where_long_intervals_do_not_show_it(
    text, ends
):
    near = ck.approximate(text, [ends], tolerance=0.5)
    assert near.error <= 0.5
    assert near.check()
