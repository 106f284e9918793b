"""A program's rows in exact rationals: values at a point, and linear forms once signs are known."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

fmpq: Any
try:
    from flint import fmpq
except ImportError:  # slower, the same numbers
    fmpq = None

__all__ = ["Forms", "floats", "fraction", "number", "text", "values"]


def number(value: Any) -> Any:
    """An int, a float (as the rational that it is) or a Fraction, as the fastest exact type here."""
    if fmpq is None:
        return value if isinstance(value, Fraction) else Fraction(value)
    if isinstance(value, fmpq):
        return value
    if isinstance(value, float):
        return fmpq(*value.as_integer_ratio())
    if isinstance(value, int):
        return fmpq(value)
    return fmpq(int(value.numerator), int(value.denominator))


def fraction(value: Any) -> Fraction:
    """The same number as a Fraction."""
    if fmpq is not None and isinstance(value, fmpq):
        return Fraction(int(value.p), int(value.q))
    return Fraction(value)


def floats(numbers: Sequence[Any]) -> NDArray[np.float64]:
    """The numbers as floats, infinite where they are too large."""
    made = np.empty(len(numbers))
    for i, v in enumerate(numbers):
        top, bottom = _parts(v)
        try:
            made[i] = top / bottom
        except OverflowError:
            made[i] = np.inf if top > 0 else -np.inf
    return made


def text(value: Any) -> int | str:
    """The number as a certificate writes it."""
    top, bottom = _parts(value)
    return top if bottom == 1 else f"{top}/{bottom}"


def _parts(value: Any) -> tuple[int, int]:
    """Numerator and denominator."""
    if fmpq is not None and isinstance(value, fmpq):
        return int(value.p), int(value.q)
    found = Fraction(value)
    return found.numerator, found.denominator


def values(
    gates: Sequence[dict[int, Any]], rows: Sequence[dict[int, Any]], point: Sequence[Any]
) -> list[Any]:
    """The rows' values at a point, which gives the columns before the gates."""
    width = len(point)
    known = {j: v for j, v in enumerate(point) if v}
    done: set[int] = set()

    def visit(row: dict[int, Any]) -> None:
        stack = [c - width for c in row if c >= width]
        while stack:
            k = stack[-1]
            if k in done:
                stack.pop()
                continue
            missing = [c - width for c in gates[k] if c >= width and c - width not in done]
            if missing:
                stack.extend(missing)
                continue
            z = _at(gates[k], known)
            if z > 0:
                known[width + k] = z
            done.add(k)
            stack.pop()

    found = []
    for row in rows:
        visit(row)
        found.append(_at(row, known))
    return found


def _at(row: dict[int, Any], known: dict[int, Any]) -> Any:
    total = number(0)
    for c, a in row.items():
        v = known.get(c)
        if v is not None:
            total += number(a) * v
    return total


class Forms:
    """Linear forms over the first ``width`` columns, every gate read being on or off, or a multiple of its row.

    Args:
        signs: 1 and -1 for gates that are on and off.
        slopes: for other gates, what of its row a gate is replaced by.
    """

    def __init__(
        self,
        gates: Sequence[dict[int, Any]],
        width: int,
        signs: dict[int, int],
        slopes: dict[int, Any] | None = None,
    ) -> None:
        self.gates = gates
        self.width = width
        self.factors: dict[int, Any] = dict(slopes or {})
        self.factors |= {k: number(1 if sign > 0 else 0) for k, sign in signs.items()}

    def row(self, row: dict[int, Any], read: dict[int, Any] | None = None) -> list[Any]:
        """The form of a row, the last gate written out first; KeyError if it reads another gate.

        ``read``, if given, collects what is read of each gate.
        """
        rest = {c: number(a) for c, a in row.items()}
        waiting = [-c for c in rest if c >= self.width]
        heapq.heapify(waiting)
        while waiting:
            c = -heapq.heappop(waiting)
            coefficient = rest.pop(c, None)
            if coefficient is None or not coefficient:
                continue
            if read is not None:
                read[c - self.width] = read.get(c - self.width, 0) + coefficient
            factor = coefficient * self.factors[c - self.width]
            if not factor:
                continue
            for j, a in self.gates[c - self.width].items():
                if j in rest:
                    rest[j] = rest[j] + factor * a
                else:
                    rest[j] = factor * a
                    if j >= self.width:
                        heapq.heappush(waiting, -j)
        zero = number(0)
        return [rest.get(j, zero) for j in range(self.width)]

    def gate(self, k: int) -> list[Any]:
        """The form of gate ``k``'s row."""
        return self.row(self.gates[k])
