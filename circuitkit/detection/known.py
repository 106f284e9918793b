"""Is it a multiple of a known function plus something linear? Each by least squares, in textbook words.

By floats and samples: proposals, proved elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.detection.shape import Shape, rounded_linear
from circuitkit.exact.regions import look_at_the_clock
from circuitkit.exact.spell import length

__all__ = ["known_shapes", "near_known"]

Array = NDArray[np.float64]

#: of more inputs the functions of pairs and triples are not tried one by one
_PAIRS, _TRIPLES = 12, 6
#: so many of the nearest are looked at, and so many ways to write each
_NEAREST, _ALIKE = 4, 16
#: which shares of the tolerance the factors may move by
_SHARES = (1.0, 0.5, 0.2, 0.05)


def _known(variables: Sequence[sympy.Symbol]) -> Iterator[sympy.Expr]:
    """What textbooks have names for, of these inputs, none of it linear; some of it more than once.

    One after the other: of many inputs it takes seconds to write them all.
    """
    one = sympy.Integer(1)
    for x in variables:
        yield from [sympy.Abs(x), sympy.Max(x, 0), sympy.Min(x, 0)]
        yield from [sympy.Max(-1, sympy.Min(1, x)), sympy.Max(0, sympy.Min(1, x))]
        yield from [sympy.Max(0, one - sympy.Abs(x)), sympy.Abs(sympy.Abs(x) - one / 2)]
        yield from [sympy.Max(0, x - one / 2) + sympy.Min(0, x + one / 2)]
    pairs = itertools.combinations(variables, 2) if len(variables) <= _PAIRS else ()
    for a, b in pairs:
        for t in (a - b, a + b):
            yield from [sympy.Abs(t), sympy.Max(t, 0), sympy.Max(-1, sympy.Min(1, t))]
        yield from [sympy.Max(b - a, 0), sympy.Max(a + b - 1, 0), sympy.Min(a + b, 1)]
        yield from [sympy.Min(a, b), sympy.Max(a, b), sympy.Max(a, b, 0), sympy.Min(a, b, 0)]
        yield from [sympy.Max(0, sympy.Min(a, b)), sympy.Min(0, sympy.Max(a, b))]
        yield from [sympy.Max(sympy.Abs(a), sympy.Abs(b)), sympy.Min(sympy.Abs(a), sympy.Abs(b))]
        yield from [sympy.Abs(a) + sympy.Abs(b), sympy.Abs(a) - sympy.Abs(b)]
        yield from [sympy.Max(a, 0) + sympy.Max(b, 0), sympy.Abs(sympy.Abs(a) - sympy.Abs(b))]
        yield from [sympy.Abs(sympy.Min(a, b)), sympy.Abs(sympy.Max(a, b))]
    triples = itertools.combinations(variables, 3) if len(variables) <= _TRIPLES else ()
    for a, b, c in triples:
        yield from [sympy.Min(a, b, c), sympy.Max(a, b, c)]
        yield from [_median(a, b, c), sympy.Max(a, b, c) - sympy.Min(a, b, c)]
        yield from [sympy.Max(a, sympy.Min(b, c)), sympy.Min(a, sympy.Max(b, c))]
        yield from [sympy.Max(b, sympy.Min(a, c)), sympy.Min(b, sympy.Max(a, c))]
        yield from [sympy.Max(c, sympy.Min(a, b)), sympy.Min(c, sympy.Max(a, b))]
    if len(variables) > 1:
        yield from [kind(*variables, evaluate=False) for kind in (sympy.Min, sympy.Max)]
        sizes = [sympy.Abs(v) for v in variables]
        yield from [sympy.Add(*sizes), sympy.Max(*sizes, evaluate=False)]
    if len(variables) == 4:
        a, b, c, d = variables
        for p, q, r, s in ((a, b, c, d), (a, c, b, d), (a, d, b, c)):
            yield from [sympy.Abs(sympy.Min(p, q) - sympy.Min(r, s))]
            yield from [sympy.Max(sympy.Min(p, q), sympy.Min(r, s))]
            yield from [sympy.Min(sympy.Max(p, q), sympy.Max(r, s))]
            yield from [sympy.Abs(p - q) + sympy.Abs(r - s), sympy.Max(p + q, r + s)]


def _median(a: sympy.Expr, b: sympy.Expr, c: sympy.Expr) -> sympy.Expr:
    return sympy.Max(sympy.Min(a, b), sympy.Min(c, sympy.Max(a, b)))


def near_known(
    variables: Sequence[sympy.Symbol], x1: Array, y: Array, deadline: float
) -> list[tuple[float, sympy.Expr, Array]]:
    """``(error, g, g's values)`` for the functions nearest to the values, up to a factor and an affine part.

    Args:
        variables: the inputs.
        x1: points (x, 1).
        y: the values there.
        deadline: the value of ``time.monotonic()`` after which to give up.

    Raises:
        OutOfTime: the deadline passed.
    """
    basis, _ = np.linalg.qr(x1) if x1.shape[1] > 1 else (x1 / np.sqrt(len(x1)), None)
    rest = y - basis @ (basis.T @ y)
    found = []
    seen: set[sympy.Expr] = set()
    for g in _known(variables):
        look_at_the_clock(deadline)
        if g in seen:
            continue
        seen.add(g)
        shape = Shape(g, variables)
        values = shape.values(np.array(shape.start), x1)
        column = values - basis @ (basis.T @ values)
        size = float(column @ column)
        if size <= 1e-12 * max(1.0, float(values @ values)):
            continue  # linear here
        miss = rest - (float(column @ rest) / size) * column
        found.append((float(np.abs(miss).max(initial=0.0)), g, values))
    found.sort(key=lambda each: (each[0], *length(each[1])))
    return _alike(found)


def _alike(
    found: list[tuple[float, sympy.Expr, Array]],
) -> list[tuple[float, sympy.Expr, Array]]:
    """The nearest few; those that are the same here, up to what is linear, stand for one, the shorter ones."""
    groups: list[list[tuple[float, sympy.Expr, Array]]] = []
    for each in found:
        if groups and each[0] <= groups[-1][0][0] * (1 + 1e-6) + 1e-12:
            groups[-1].append(each)
        elif len(groups) < _NEAREST:
            groups.append([each])
        else:
            break
    return [each for group in groups for each in sorted(group, key=lambda e: length(e[1]))[:_ALIKE]]


def known_shapes(
    near: list[tuple[float, sympy.Expr, Array]],
    variables: Sequence[sympy.Symbol],
    x1: Array,
    y: Array,
    tolerance: float,
) -> Iterator[sympy.Expr]:
    """The nearest of them with their factor and affine part, these rounded; first what is linear alone."""
    symbols = [*variables, sympy.Integer(1)]
    nothing = np.zeros((len(x1), 0))
    ways = [(0.0, None, nothing), *((miss, g, values[:, None]) for miss, g, values in near)]
    for miss, g, columns in ways:
        # One that is further off needs its own numbers moved, too, and is only a start for that.
        for share in _SHARES if miss <= 1.2 * tolerance else _SHARES[-1:]:
            numbers = rounded_linear(np.concatenate([columns, x1], axis=1), y, share * tolerance)
            parts = [*([] if g is None else [g]), *symbols]
            yield sympy.Add(
                *(
                    sympy.Rational(v.numerator, v.denominator) * part
                    for v, part in zip(numbers, parts, strict=True)
                )
            )
