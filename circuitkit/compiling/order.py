r"""Order statistics, recognized exactly, and the comparators that compute several at once.

A function made of minima and maxima alone of some numbers is the same as another one as soon as the two agree
where every number is 0 or 1: for each threshold t, what is above t is decided by which numbers are. So a table
of 0 and 1, one entry for each set of numbers, decides whether such a function is the k-th smallest.

Source: the 0-1 principle, Knuth, "The Art of Computer Programming" 3, 5.3.4; Batcher's merging networks, there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from circuitkit.functions.pieces import Pieces, Row, combined

__all__ = ["Ordered", "comparators", "order_statistics"]

#: of more numbers the table would be too long
_MOST = 9


@dataclass(frozen=True)
class Ordered:
    """A node that is the k-th smallest, from 1, of some rows: of ``rows`` of the normal form."""

    rows: tuple[Row, ...]
    k: int


@dataclass(frozen=True)
class _Lattice:
    """Minima and maxima of rows; bit s of the table is the value where the rows of set s are 1."""

    rows: tuple[Row, ...]
    table: int


def order_statistics(pieces: Pieces) -> dict[int, Ordered]:
    """The nodes that are order statistics, neither the least nor the largest, by their number.

    Example:
        >>> import circuitkit as ck
        >>> found = order_statistics(ck.target("median(x1, x2, x3)").pieces)
        >>> [(len(o.rows), o.k) for o in found.values()]
        [(3, 2)]
    """
    reader = _Reader(pieces)
    found = {}
    for k in range(len(pieces.nodes)):
        lattice = reader.node(k)
        if lattice is not None:
            place = _place(lattice)
            if place is not None and len(lattice.rows) > 2:
                found[k] = Ordered(lattice.rows, place)
    return found


class _Reader:
    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self.first = pieces.n_inputs + 1
        self.known: dict[int, _Lattice | None] = {}

    def node(self, k: int) -> _Lattice | None:
        """The node as minima and maxima; None of more rows than a table is made for."""
        if k not in self.known:
            self.known[k] = self._joined([self._row(row) for row in self.pieces.nodes[k]])
        return self.known[k]

    def _row(self, row: Row) -> _Lattice:
        """c node + rest: of the rows c r + rest, the other way up where c is negative."""
        nodes = [(j, c) for j, c in row if j >= self.first]
        inner = self.node(nodes[0][0] - self.first) if len(nodes) == 1 else None
        if inner is None:
            return _Lattice((row,), 0b10)
        c = nodes[0][1]
        rest = tuple((j, v) for j, v in row if j < self.first)
        rows = tuple(combined((c, r), (Fraction(1), rest)) for r in inner.rows)
        table = inner.table if c > 0 else _upside_down(inner.table, len(rows))
        return _Lattice(rows, table)

    def _joined(self, parts: list[_Lattice]) -> _Lattice | None:
        rows = tuple(sorted({row for part in parts for row in part.rows}))
        if len(rows) > _MOST:
            return None
        place = {row: i for i, row in enumerate(rows)}
        table = 0
        for part in parts:
            own = [place[row] for row in part.rows]
            for s in range(1 << len(rows)):
                inner = sum(1 << i for i, at in enumerate(own) if s >> at & 1)
                if part.table >> inner & 1:
                    table |= 1 << s
        return _Lattice(rows, table)


def _upside_down(table: int, n: int) -> int:
    every = (1 << n) - 1
    return sum(1 << s for s in range(1 << n) if not table >> (every ^ s) & 1)


def _place(lattice: _Lattice) -> int | None:
    """k where the table is that of the k-th smallest; None where it is that of none."""
    n = len(lattice.rows)
    ones = [s for s in range(1 << n) if lattice.table >> s & 1]
    if not ones:
        return None
    fewest = min(s.bit_count() for s in ones)
    right = sum(1 for s in range(1 << n) if s.bit_count() >= fewest)
    if len(ones) != right or not 1 < fewest < n:
        return None
    return n + 1 - fewest


@lru_cache(maxsize=64)
def comparators(n: int, wanted: frozenset[int]) -> tuple[tuple[int, int], ...]:
    """Pairs of wires (i, j): the smaller number goes to wire i, the larger to wire j, one pair after another.

    Args:
        n: how many numbers.
        wanted: the wires that are read afterwards, from 0; wire k then holds the number of rank k.

    Example:
        >>> comparators(3, frozenset({0, 1, 2}))
        ((0, 1), (0, 2), (1, 2))
        >>> len(comparators(4, frozenset(range(4)))), len(comparators(5, frozenset({2})))
        (5, 8)
    """
    size = 1
    while size < n:
        size *= 2
    pairs = [(i, j) for i, j in _sorting(0, size) if j < n]
    read, kept = set(wanted), []
    for i, j in reversed(pairs):
        if i in read or j in read:
            read |= {i, j}
            kept.append((i, j))
    return tuple(reversed(kept))


def _sorting(low: int, size: int) -> Iterator[tuple[int, int]]:
    if size > 1:
        half = size // 2
        yield from _sorting(low, half)
        yield from _sorting(low + half, half)
        yield from _merging(low, size, 1)


def _merging(low: int, size: int, step: int) -> Iterator[tuple[int, int]]:
    twice = 2 * step
    if twice < size:
        yield from _merging(low, size, twice)
        yield from _merging(low + step, size, twice)
        for i in range(low + step, low + size - step, twice):
            yield i, i + step
    else:
        yield low, low + step
