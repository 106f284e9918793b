"""Polytopes whose numbers a linear program in floats does not take: how far they reach and their corners, exactly.

HiGHS takes 1e20 for infinity and 1e-7 for nothing. A polytope beyond that is measured in fractions: an x with
A x <= b where c x is largest comes with y >= 0 such that A^T y = c and b y = c x, and both together solve one
system of equations with unknowns >= 0 (:func:`circuitkit.simplex.multipliers`).

Source: the duality theorem of linear programming, Gale, Kuhn and Tucker (1951).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from circuitkit import words
from circuitkit.checks import wrong
from circuitkit.proof.claim import Point, Polytope
from circuitkit.proof.rationals import fraction, number
from circuitkit.simplex import multipliers
from circuitkit.words import nearest_float

__all__ = [
    "corners",
    "ends_of",
    "highest",
    "is_moderate",
    "mixtures",
    "need_doubles",
    "of_size_one",
]

Array = NDArray[np.float64]
Ends = tuple[tuple[Fraction | None, Fraction | None], ...]

#: sizes of a polytope that floats are right about
_SMALLEST, _LARGEST = Fraction(1, 10**6), Fraction(10**15)
#: inequalities and inputs together that are measured exactly: each linear program takes their number cubed
_MOST = 24
#: inputs in which corners are looked for in every direction of signs; and further directions at random
_SIGNS, _DIRECTIONS = 4, 12
#: how far to go where there is no end, as a multiple of how far the known point is out, and 1
_FAR = 100


def of_size_one(polytope: Polytope) -> Polytope:
    """The same polytope, its rows times powers of two, so that floats judge all of them alike."""
    rows, ends = [], []
    for row, end in zip(polytope.matrix, polytope.ends, strict=True):
        top = max((abs(v) for v in row), default=Fraction(0)) or Fraction(1)
        size = Fraction(2) ** (top.numerator.bit_length() - top.denominator.bit_length())
        rows.append(tuple(v / size for v in row))
        ends.append(end / size)
    return replace(polytope, matrix=tuple(rows), ends=tuple(ends))


@lru_cache(maxsize=64)
def is_moderate(polytope: Polytope) -> bool:
    """Whether a linear program in floats is right about it: neither far away, nor all of it near 0."""
    scaled = of_size_one(polytope)
    sizes = [
        abs(end) for row, end in zip(scaled.matrix, scaled.ends, strict=True) if any(row) and end
    ]
    point = max(map(abs, polytope.point))
    # only zeros: a cone
    return not sizes or (max(sizes) >= _SMALLEST and max(*sizes, point) <= _LARGEST)


@lru_cache(maxsize=64)
def ends_of(polytope: Polytope) -> Ends:
    """How far it reaches in each input, exactly; None where it has no end.

    Raises:
        ValueError: it has too many inequalities for that.
    """
    n = len(polytope.point)
    found = []
    for i in range(n):
        unit = [Fraction(int(k == i)) for k in range(n)]
        up, down = highest(polytope, unit), highest(polytope, [-v for v in unit])
        found.append((None if down is None else down[i], None if up is None else up[i]))
    return tuple(found)


def highest(polytope: Polytope, direction: Sequence[Fraction]) -> Point | None:
    """A point of it that is farthest in a direction, exactly; None where it has no end there.

    Raises:
        ValueError: it has too many inequalities for that.
    """
    polytope = of_size_one(polytope)
    m, n = len(polytope.matrix), len(polytope.point)
    if m + n > _MOST:
        expected = (
            f"A x <= b with numbers between {float(_SMALLEST):g} and {float(_LARGEST):g}, rows of A divided by "
            f"their largest, where inequalities and inputs are more than {_MOST} together"
        )
        raise wrong("domain", expected, f"{m} inequalities of {n} inputs")
    zero, one = number(0), number(1)
    rows = [[number(v) for v in row] for row in polytope.matrix]
    ends, wanted = [number(v) for v in polytope.ends], [number(v) for v in direction]
    # Unknowns: x = u - v, what is left of each inequality, and its factor y.
    unknowns = []
    for i in range(n):
        u = [*(row[i] for row in rows), *[zero] * n, wanted[i]]
        unknowns += [u, [-v for v in u]]
    unknowns += [[one if k == r else zero for k in range(m)] + [zero] * (n + 1) for r in range(m)]
    unknowns += [[*[zero] * m, *rows[r], -ends[r]] for r in range(m)]
    found = multipliers([*ends, *wanted, zero], unknowns)
    if found is None:
        return None
    return tuple(fraction(found[2 * i] - found[2 * i + 1]) for i in range(n))


@lru_cache(maxsize=16)
def corners(polytope: Polytope) -> tuple[Point, ...]:
    """Those that are extreme in some directions, exactly; where it has no end there, points far away.

    Raises:
        ValueError: it has too many inequalities for that.
    """
    n = len(polytope.point)
    anchor = _anchor(polytope)
    far = _FAR * (1 + max(map(abs, anchor)))
    rows, ends = list(polytope.matrix), list(polytope.ends)
    for i, (low, high) in enumerate(ends_of(polytope)):
        unit = tuple(Fraction(int(k == i)) for k in range(n))
        if high is None:
            rows.append(unit)
            ends.append(anchor[i] + far)
        if low is None:
            rows.append(tuple(-v for v in unit))
            ends.append(far - anchor[i])
    bounded = replace(polytope, matrix=tuple(rows), ends=tuple(ends))
    signs = itertools.product((-1, 1), repeat=n) if n <= _SIGNS else ()
    eye = np.eye(n, dtype=int)
    rng = np.random.default_rng(11)
    some = rng.integers(-9, 10, size=(_DIRECTIONS if n > 1 else 0, n))
    directions = [*eye.tolist(), *(-eye).tolist(), *signs, *some.tolist()]
    found = {anchor}
    for direction in directions:
        corner = highest(bounded, [Fraction(v) for v in direction])
        if corner is not None:
            found.add(corner)
    return tuple(sorted(found))


def _anchor(polytope: Polytope) -> Point:
    """A point of it: the origin if it can be, for the known one may be farther out than doubles reach."""
    origin = (Fraction(0),) * len(polytope.point)
    return origin if polytope.contains(origin) else polytope.point


def mixtures(polytope: Polytope, count: int, rng: np.random.Generator) -> list[Point]:
    """Corners, and means of a few of them each with whole weights: every one lies in it, exactly."""
    known = corners(polytope)
    n = len(polytope.point)
    several = min(n + 1, len(known))
    made = list(known)
    for _ in range(count if len(known) > 1 else 0):
        picked = rng.integers(len(known), size=several).tolist()
        shares = rng.integers(1, 1024, size=several).tolist()
        total = sum(shares)
        made.append(
            tuple(
                sum((known[k][i] * s for k, s in zip(picked, shares, strict=True)), Fraction(0))
                / total
                for i in range(n)
            )
        )
    return made


def need_doubles(polytope: Polytope) -> None:
    """Refuse a polytope between whose points differences are no doubles.

    Raises:
        ValueError: it is, or has too many inequalities to tell.
    """
    if is_moderate(polytope):
        return
    expected = "A x <= b whose solutions, and their differences in each input, are within the range of a double"
    ends, point = ends_of(polytope), _anchor(polytope)
    far = 2 * _FAR * (1 + max(map(abs, point)))  # between samples, where there is no end
    for name, v, (low, high) in zip(words.input_names(len(point)), point, ends, strict=True):
        out = max(abs(v), *(abs(end) for end in (low, high) if end is not None))
        out = max(out, far if low is None or high is None else high - low)
        if math.isinf(nearest_float(out)):
            raise wrong("domain", expected, f"{name} in {words.interval(low, high, 4)}")
