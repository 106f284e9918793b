"""Whole numbers in arrays: int64 while that is safe, Python's integers otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SAFE",
    "Integers",
    "combined",
    "integers",
    "magnitude",
    "primitive",
    "product",
    "stacked",
]

#: int64 or object (Python integers)
Integers = NDArray[Any]

#: sums and products below this fit int64
SAFE = 1 << 62
_SMALL = 1 << 30


def integers(rows: Sequence[Sequence[int]] | NDArray[Any], width: int | None = None) -> Integers:
    """The rows as int64 where that is safe, as Python integers otherwise."""
    array = np.array(rows, dtype=object)
    if array.size == 0:
        return np.zeros((len(rows), width or 0), dtype=np.int64)
    return tidied(array)


def tidied(array: Integers) -> Integers:
    if array.dtype == object and (array.size == 0 or abs(array).max() < _SMALL):
        return array.astype(np.int64)
    return array


def magnitude(array: Integers) -> int:
    """The largest absolute value; 0 where there is none."""
    return max(int(array.max()), -int(array.min())) if array.size else 0


def product(a: Integers, b: Integers) -> Integers:
    """``a @ b``, exactly."""
    small = a.dtype != object and b.dtype != object
    if small and magnitude(a) * magnitude(b) * max(1, a.shape[-1]) < SAFE:
        a_b: Integers = a @ b
    else:
        a_b = np.dot(a.astype(object), b.astype(object))
    return a_b


def primitive(rows: Integers) -> Integers:
    """Every row divided by the greatest common divisor of its entries."""
    if not rows.size:
        return rows
    divisors = np.gcd.reduce(rows, axis=1)
    if (divisors > 1).any():
        rows = rows // np.maximum(divisors, 1)[:, None]
    return tidied(rows)


def combined(factor_a: Integers, a: Integers, factor_b: Integers, b: Integers) -> Integers:
    """Primitive rows in the direction ``factor_a * a + factor_b * b``, row by row."""
    arrays = (factor_a, a, factor_b, b)
    small = all(x.dtype != object for x in arrays)
    if not small or magnitude(factor_a) * magnitude(a) + magnitude(factor_b) * magnitude(b) >= SAFE:
        factor_a, a, factor_b, b = (x.astype(object) for x in arrays)
    return primitive(factor_a[:, None] * a + factor_b[:, None] * b)


def stacked(*blocks: Integers) -> Integers:
    """The rows of all, one block below the other."""
    return np.concatenate(blocks, axis=0)
