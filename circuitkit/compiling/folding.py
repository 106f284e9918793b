r"""From the normal form of a function to a circuit: each maximum in one of several exact ways.

- ``max(a, b) = a + relu(b - a)``, the two of least depth first, so that depth grows with the logarithm;
- ``max(r, r + p, r + q, r + p + q) = r + relu(p) + relu(q)`` and so on: where the rows are the corners of a
  parallelepiped, in one layer, :math:`\max(|a|, |b|) = (|a + b| + |a - b|)/2`;
- ``max(a, b, c) + max(-a, -b, -c) = relu(a - b) + relu(b - c) + relu(c - a)``, the range of three numbers;
- order statistics by comparators, or the middle one of three as their sum without the other two.

Each is applied only where the rows show exactly that it may be.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from circuitkit.compiling.circuit import Circuit, Number, Row, summed
from circuitkit.compiling.order import Ordered, comparators, order_statistics
from circuitkit.functions import pieces as normal
from circuitkit.functions.pieces import Pieces

__all__ = ["Form", "folded"]


@dataclass(frozen=True)
class Form:
    """In which of the ways.

    Attributes:
        corners: parallelepipeds in one layer.
        ranges: ranges of three numbers in one layer.
        sorting: order statistics by comparators; ``middle``: the middle one of three by their sum.
        seed: in which order the rows of a maximum are paired; 0 for as they come.
    """

    corners: bool = True
    ranges: bool = True
    sorting: bool = True
    middle: bool = True
    seed: int = 0


def folded(pieces: Pieces, form: Form) -> Circuit:
    """The circuit of a function, in one form."""
    return _Folding(pieces, form).circuit


class _Folding:
    def __init__(self, pieces: Pieces, form: Form) -> None:
        self.pieces, self.form = pieces, form
        self.circuit = Circuit(pieces.n_inputs)
        self.first = pieces.n_inputs + 1
        self.ordered = order_statistics(pieces) if form.sorting else {}
        self.nodes: dict[int, Row] = {}
        self.sorted: dict[tuple[normal.Row, ...], list[Row]] = {}
        self.circuit.outputs = [self.row(row) for row in pieces.outputs]

    def row(self, row: normal.Row) -> Row:
        """A row of the normal form over the circuit's columns."""
        terms = {j: c for j, c in row if j >= self.first}
        total = summed((1, {j: c for j, c in row if j < self.first}))
        if self.form.ranges:
            total = self._without_ranges(terms, total)
        return summed((1, total), *((c, self.node(j - self.first)) for j, c in terms.items()))

    def node(self, k: int) -> Row:
        """A maximum over the circuit's columns."""
        if k not in self.nodes:
            found = self.ordered.get(k)
            if found is not None:
                self.nodes[k] = self._statistic(found)
            else:
                self.nodes[k] = self.largest([self.row(row) for row in self.pieces.nodes[k]])
        return self.nodes[k]

    def largest(self, rows: list[Row]) -> Row:
        """The maximum of rows: corners first, then pairs of the least depth."""
        rows = self._undominated(rows)
        if self.form.corners and len(rows) > 3:
            rows = self._without_corners(rows)
        if self.form.seed:
            rows = _shuffled(rows, self.form.seed)
        heap = [(self.circuit.depth(row), i, row) for i, row in enumerate(rows)]
        heapq.heapify(heap)
        count = len(heap)
        while len(heap) > 1:
            (_, _, a), (_, _, b) = heapq.heappop(heap), heapq.heappop(heap)
            made = self.circuit.larger(a, b)
            heapq.heappush(
                heap, (max(self.circuit.depth(a), self.circuit.depth(b)) + 1, count, made)
            )
            count += 1
        return heap[0][2]

    def _undominated(self, rows: list[Row]) -> list[Row]:
        """Without rows that are plainly nowhere above another one."""
        kept: list[Row] = []
        for row in rows:
            if any(
                self.circuit.is_plainly_positive(summed((1, other), (-1, row))) for other in kept
            ):
                continue
            kept = [
                o for o in kept if not self.circuit.is_plainly_positive(summed((1, row), (-1, o)))
            ]
            kept.append(row)
        return kept

    # --- corners ----------------------------------------------------------------------------------------

    def _without_corners(self, rows: list[Row]) -> list[Row]:
        """Each parallelepiped among the rows as one row."""
        whole = _edges(rows)
        if whole is not None:
            return [self._box(*whole)]
        left, made = list(rows), []
        while (four := _parallelogram(left)) is not None:
            start, edges = four
            made.append(self._box(start, edges))
            for corner in _corners(start, edges):
                left.remove(corner)
        return [*made, *left]

    def _box(self, start: Row, edges: Sequence[Row]) -> Row:
        return summed((1, start), *((1, self.circuit.relu(edge)) for edge in edges))

    # --- ranges -----------------------------------------------------------------------------------------

    def _without_ranges(self, terms: dict[int, Fraction], total: Row) -> Row:
        """c max(a, b, c) + c max(l - a, l - b, l - c), taken out of the terms."""
        nodes = self.pieces.nodes
        three = [j for j in terms if len(nodes[j - self.first]) == 3]
        for i, j in ((i, j) for i in three for j in three if i < j):
            factor = terms.get(i)
            if factor is None or factor != terms.get(j):
                continue
            a, b = nodes[i - self.first], nodes[j - self.first]
            sums = _opposite(a, b)
            if sums is None:
                continue
            del terms[i], terms[j]
            p, q, r = (self.row(row) for row in a)
            parts = [
                self.circuit.relu(summed((1, u), (-1, v))) for u, v in ((p, q), (q, r), (r, p))
            ]
            total = summed(
                (1, total), (factor, self.row(sums)), *((factor, part) for part in parts)
            )
        return total

    # --- order statistics -------------------------------------------------------------------------------

    def _statistic(self, found: Ordered) -> Row:
        rows = [self.row(row) for row in found.rows]
        if self.form.middle and len(rows) == 3:
            negative = [summed((-1, row)) for row in rows]
            return summed(
                *((1, row) for row in rows), (-1, self.largest(rows)), (1, self.largest(negative))
            )
        if found.rows not in self.sorted:
            wanted = frozenset(o.k - 1 for o in self.ordered.values() if o.rows == found.rows)
            for i, j in comparators(len(rows), wanted):
                moved = self.circuit.relu(summed((1, rows[i]), (-1, rows[j])))
                rows[i], rows[j] = (
                    summed((1, rows[i]), (-1, moved)),
                    summed((1, rows[j]), (1, moved)),
                )
            self.sorted[found.rows] = rows
        return self.sorted[found.rows][found.k - 1]


def _shuffled(rows: list[Row], seed: int) -> list[Row]:
    """The rows in another order, the same each time."""
    from random import Random

    made = list(rows)
    Random(seed).shuffle(made)  # noqa: S311 (no secret)
    return made


def _opposite(a: tuple[normal.Row, ...], b: tuple[normal.Row, ...]) -> normal.Row | None:
    """The row l where the rows b are l minus the rows a, in some order."""
    one = Fraction(1)
    total = normal.combined(*((one, row) for row in (*a, *b)))
    middle = tuple((j, c / len(a)) for j, c in total)
    mirrored = {normal.combined((one, middle), (-one, row)) for row in a}
    return middle if mirrored == set(b) else None


def _frozen(row: Row) -> tuple[tuple[int, Number], ...]:
    return tuple(sorted(row.items()))


def _edges(rows: list[Row]) -> tuple[Row, list[Row]] | None:
    """A corner and the edges from there, where the rows are all corners of a parallelepiped."""
    n = len(rows)
    if n & (n - 1) or n > 256:
        return None
    left = sorted(rows, key=_order(rows))
    edges: list[Row] = []
    while len(left) > 1:
        edge = summed((1, left[1]), (-1, left[0]))
        rest, kept = list(left), []
        while rest:
            row = rest.pop(0)
            partner = summed((1, row), (1, edge))
            if partner not in rest:
                return None
            rest.remove(partner)
            kept.append(row)
        edges.append(edge)
        left = kept
    return left[0], edges


def _order(rows: list[Row]) -> Callable[[Row], tuple[Number, ...]]:
    """A linear order of rows: by their coefficients, the first column first."""
    columns = sorted({c for row in rows for c in row})
    return lambda row: tuple(row.get(c, 0) for c in columns)


def _parallelogram(rows: list[Row]) -> tuple[Row, list[Row]] | None:
    """Four of the rows that are the corners of a parallelogram."""
    if len(rows) > 64:
        return None
    sums: dict[tuple[tuple[int, Number], ...], Row] = {}
    for i, a in enumerate(rows):
        for b in rows[i + 1 :]:
            key = _frozen(summed((1, a), (1, b)))
            if key in sums:
                c = sums[key]
                return c, [summed((1, a), (-1, c)), summed((1, b), (-1, c))]
            sums[key] = a
    return None


def _corners(start: Row, edges: Sequence[Row]) -> list[Row]:
    corners = [start]
    for edge in edges:
        corners += [summed((1, corner), (1, edge)) for corner in corners]
    return corners
