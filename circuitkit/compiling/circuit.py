r"""A function as ReLU units over units, in exact numbers, the same unit once.

A *row* is a sum of columns, ``{column: coefficient}``: columns ``0 .. n-1`` are the inputs, column ``n`` is the
constant 1, column ``n + 1 + k`` is unit k, the relu of row k. Rows that are multiples of each other need one
unit, ``relu(c r) = c relu(r)`` and ``relu(-r) = relu(r) - r`` for c > 0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from circuitkit.functions.pieces import content

__all__ = ["Circuit", "Number", "Row", "TooLarge", "quotient", "summed"]

#: exact; a whole number is an int, which is faster
Number: TypeAlias = int | Fraction
#: column -> coefficient, never 0
Row: TypeAlias = dict[int, Number]

#: more units than this are not built
MOST_UNITS = 2_000


class TooLarge(ValueError):
    """A circuit of more units than anybody could look at."""


def quotient(a: Number, b: Number) -> Number:
    """a / b, exactly.

    Example:
        >>> quotient(6, 3), quotient(1, 3)
        (2, Fraction(1, 3))
    """
    if type(a) is int and type(b) is int and not a % b:
        return a // b
    value = Fraction(a, b)
    return value.numerator if value.denominator == 1 else value


def summed(*terms: tuple[Number, Row]) -> Row:
    """The sum of multiples of rows.

    Example:
        >>> summed((2, {0: 1}), (-1, {0: 2, 1: 1}))
        {1: -1}
    """
    total: Row = {}
    for factor, row in terms:
        if not factor:
            continue
        for column, value in row.items():
            new = total.get(column, 0) + (value if factor == 1 else factor * value)
            if not new:
                total.pop(column, None)
            elif type(new) is Fraction and new.denominator == 1:
                total[column] = new.numerator
            else:
                total[column] = new
    return total


class Circuit:
    """Units over inputs and earlier units, and the rows of the outputs.

    Args:
        n: how many numbers the function takes.

    Attributes:
        units: unit k is relu of ``units[k]``.
        depths: for each column the layer in which it is there: 0 for inputs and the constant.
        outputs: one row an output.

    Example:
        >>> c = Circuit(1)
        >>> c.relu({0: 1}), c.relu({0: -2})
        ({2: 1}, {0: -2, 2: 2})
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.units: list[Row] = []
        self.depths: list[int] = [0] * (n + 1)
        self.outputs: list[Row] = []
        self._known: dict[tuple[tuple[int, Number], ...], int] = {}

    def relu(self, row: Row) -> Row:
        """``max(row, 0)`` as a row."""
        if self.is_plainly_positive(row):
            return row
        if self.is_plainly_positive(summed((-1, row))):
            return {}
        key = self._key(row)
        if key not in self._known:
            if len(self.units) >= MOST_UNITS:
                raise TooLarge
            self._known[key] = len(self.units)
            self.depths.append(1 + self.depth(row))
            self.units.append(self._scaled(row))
        k = self._known[key]
        first = min(row)
        factor = quotient(row[first], self.units[k][first])
        unit: Row = {self.n + 1 + k: factor if factor > 0 else -factor}
        return unit if factor > 0 else summed((1, row), (1, unit))

    def larger(self, a: Row, b: Row) -> Row:
        """``max(a, b)``: a + relu(b - a)."""
        return summed((1, a), (1, self.relu(summed((1, b), (-1, a)))))

    def depth(self, row: Row) -> int:
        """The first layer in which everything that the row reads is there."""
        return max((self.depths[c] for c in row), default=0)

    def is_plainly_positive(self, row: Row) -> bool:
        """Whether the row is a sum of activations and a number that are at least 0."""
        return all(c >= self.n and v > 0 for c, v in row.items())

    def is_positive(self, row: Row) -> bool:
        r"""Whether the row is at least 0 because unit k and unit k - row k are; False where that is not plain.

        It is where :math:`row = \sum_k (c_k u_k - t_k r_k) + c` with :math:`0 \le t_k \le c_k, c \ge 0`.
        """
        rest = dict(row)
        for c in sorted(row, reverse=True):
            if c <= self.n:
                break
            value = rest.pop(c, 0)
            if value < 0:
                return False
            if not value:
                continue
            inner: Row = {i: v for i, v in self.units[c - self.n - 1].items() if i != self.n}
            open_ = {i: v for i, v in rest.items() if i < self.n or (v < 0 and i != self.n)}
            if not open_ or not inner:
                continue
            top = max(inner)
            share = quotient(-rest.get(top, 0), inner[top])
            if 0 < share <= value:
                rest = summed((1, rest), (share, self.units[c - self.n - 1]))
        return self.is_plainly_positive(rest)

    def flipped(self, k: int) -> Circuit:
        """The same function with unit k facing the other way: ``relu(r) = r + relu(-r)``."""
        made = Circuit(self.n)
        made.depths = self.depths
        column, row = self.n + 1 + k, self.units[k]

        def turned(one: Row) -> Row:
            factor = one.get(column)
            return one if factor is None else summed((1, one), (factor, row))

        made.units = [turned(one) for one in self.units]
        made.units[k] = {c: -v for c, v in row.items()}
        made.outputs = [turned(one) for one in self.outputs]
        return made

    def used(self) -> list[int]:
        """The units that an output reads, directly or through others."""
        needed: set[int] = set()
        waiting = [c for row in self.outputs for c in row if c > self.n]
        while waiting:
            c = waiting.pop()
            if c not in needed:
                needed.add(c)
                waiting += [i for i in self.units[c - self.n - 1] if i > self.n]
        return sorted(c - self.n - 1 for c in needed)

    def _key(self, row: Row) -> tuple[tuple[int, Number], ...]:
        """The same for all multiples of a row."""
        first = row[min(row)]
        return tuple((c, quotient(row[c], first)) for c in sorted(row))

    def _scaled(self, row: Row) -> Row:
        """The positive multiple of a row whose coefficients, the constant aside, are whole and the smallest."""
        size = content(v for c, v in row.items() if c != self.n)
        return {c: quotient(v, size) for c, v in row.items()}
