r"""A circuit laid out in layers: what a later layer reads has to be carried there, by as few units as possible.

Between layer l and what is above it only numbers that are at least 0 pass. What is above reads rows; of each, the
part that units of layer l do not give is a *demand* on it, an affine function of the layers before. Units that
carry are chosen so that every demand is an affine function of layer l's activations:

====================================  =====  ===========================================
to carry                              units  because
====================================  =====  ===========================================
row k of a unit of layer l            1      r = relu(r) - relu(-r), and relu(r) is there
what is never negative                1      relu(v) = v
anything else                         2      v = relu(v) - relu(-v)
====================================  =====  ===========================================

Only the space that the demands span counts: of several sums of the same numbers, the cheapest basis is carried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import gcd
from typing import TypeAlias

from circuitkit.compiling.circuit import Circuit, Number, Row, quotient, summed

__all__ = ["Layer", "laid_out", "units_a_layer"]

#: among more demands than this, sums of two are not looked at
_MOST_PAIRED = 12


@dataclass
class Layer:
    """One layer of the network: each unit's weights on the layer before, and its bias, exactly."""

    weights: list[list[Fraction]]
    biases: list[Fraction]


@dataclass(frozen=True)
class _Carrier:
    """A row that may be carried, and its vector in whole numbers."""

    vector: dict[int, int]
    row: Row
    kind: int | None  # -1: never negative; a column: the unit that it mirrors; None: by two units


class _Span:
    """The space that some vectors span, in whole numbers."""

    def __init__(self, vectors: Iterable[dict[int, int]] = ()) -> None:
        self.rows: dict[int, dict[int, int]] = {}
        for vector in vectors:
            self.add(vector)

    def __len__(self) -> int:
        return len(self.rows)

    def rest(self, vector: dict[int, int], *, whole: bool = False) -> dict[int, int]:
        """What is left of a vector; nothing where it is in the space. The ``whole`` rest is that of its class alone."""
        while vector:
            top = max((c for c in vector if c in self.rows), default=-1) if whole else max(vector)
            row = self.rows.get(top)
            if row is None:
                return vector
            a, b = row[top], vector[top]
            made = {c: a * v for c, v in vector.items()}
            for c, v in row.items():
                new = made.get(c, 0) - b * v
                if new:
                    made[c] = new
                else:
                    made.pop(c, None)
            vector = _reduced(made)
        return vector

    def add(self, vector: dict[int, int]) -> bool:
        """Whether the vector was not in the space; it is from now on."""
        left = self.rest(vector)
        if left:
            self.rows[max(left)] = left
        return bool(left)


_Direction: TypeAlias = frozenset[tuple[int, int]]


def _direction(vector: dict[int, int]) -> _Direction:
    """The same for parallel vectors only, of those that have no common divisor."""
    sign = 1 if vector[max(vector)] > 0 else -1
    return frozenset((c, sign * v) for c, v in vector.items())


def _reduced(vector: dict[int, int]) -> dict[int, int]:
    size = gcd(*vector.values())
    return {c: v // size for c, v in vector.items()} if size > 1 else vector


def _whole(row: Row, constant: int) -> dict[int, int]:
    """A multiple of a row without its constant, in whole numbers."""
    below = 1
    for v in row.values():
        if type(v) is Fraction:
            below = below * v.denominator // gcd(below, v.denominator)
    return _reduced({c: int(v * below) for c, v in row.items() if c != constant})


def _below(circuit: Circuit, rows: list[Row], layer: int) -> tuple[list[int], list[Row]]:
    """The units of a layer that the rows read, and the rest of the rows, where there is one."""
    depths, n = circuit.depths, circuit.n
    read = sorted({c for row in rows for c in row if depths[c] == layer})
    rests = [{c: v for c, v in row.items() if depths[c] < layer} for row in rows]
    return read, [r for r in rests if any(c != n for c in r)]


def _candidates(circuit: Circuit, demands: list[Row]) -> Iterator[Row]:
    """What one unit carries: rows that are never negative."""
    n = circuit.n
    for c in sorted({c for row in demands for c in row if c > n}):
        yield {c: 1}
    for row in demands:
        yield from _positive(circuit, row)
    if len(demands) <= _MOST_PAIRED:
        for a, b in combinations(demands, 2):
            for sign in (1, -1):
                yield from _positive(circuit, summed((1, a), (sign, b)))


def _positive(circuit: Circuit, row: Row) -> Iterator[Row]:
    """The row or its negative without the constant, where it is never negative: its last unit tells which of them."""
    plain = {c: v for c, v in row.items() if c != circuit.n}
    top = max(plain, default=0)
    turned = plain if not plain or plain[top] > 0 else {c: -v for c, v in plain.items()}
    if top > circuit.n and circuit.is_positive(turned):
        yield turned


def _chosen(circuit: Circuit, read: list[int], demands: list[Row]) -> list[tuple[Row, int | None]]:
    """The rows to carry, each with -1 where it is never negative, the unit that it mirrors, or None."""
    space = _Span(_whole(row, circuit.n) for row in demands)
    carriers = _carriers(circuit, read, demands)
    best = _basis(space, carriers)
    while sum(carrier.kind is None for carrier in best) > 1:
        better = _enlarged(space, carriers, best)
        if better is None:
            break
        space, best = better
    return [(carrier.row, carrier.kind) for carrier in best]


def _carriers(circuit: Circuit, read: list[int], demands: list[Row]) -> list[_Carrier]:
    """What may be carried, the cheapest first; of parallel ones the first: no basis takes two."""
    n = circuit.n
    rows: list[tuple[Row, int | None]] = [(circuit.units[c - n - 1], c) for c in read]
    rows += [(row, -1) for row in _candidates(circuit, demands)]
    rows += [(row, None) for row in sorted(demands, key=lambda row: (len(row), max(row)))]
    made: dict[_Direction, _Carrier] = {}
    for row, kind in rows:
        vector = _whole(row, n)
        if vector:
            made.setdefault(_direction(vector), _Carrier(vector, row, kind))
    return list(made.values())


def _basis(space: _Span, carriers: list[_Carrier]) -> list[_Carrier]:
    """The cheapest basis of the space: greedy, as its sets of independent vectors are a matroid."""
    made: list[_Carrier] = []
    have = _Span()
    for carrier in carriers:
        if len(have) == len(space):
            break
        if not space.rest(carrier.vector) and have.add(carrier.vector):
            made.append(carrier)
    return made


def _enlarged(
    space: _Span, carriers: list[_Carrier], best: list[_Carrier]
) -> tuple[_Span, list[_Carrier]] | None:
    """A cheaper basis of a larger space: u1 - u2 and u1 - u3 are carried by three units, not four."""
    # Those of one rest are all in one larger space.
    beyond: dict[_Direction, list[dict[int, int]]] = {}
    for carrier in carriers:
        left = space.rest(carrier.vector, whole=True)
        if left:
            beyond.setdefault(_direction(left), []).append(left)
    for left, *others in beyond.values():
        # One unit more, and two for one with every other carrier: of fewer nothing is saved.
        if len(others) < 2:
            continue
        larger = _Span([*space.rows.values(), left])
        found = _basis(larger, carriers)
        if _price(found) < _price(best):
            return larger, found
    return None


def _price(basis: list[_Carrier]) -> int:
    return sum(2 if carrier.kind is None else 1 for carrier in basis)


def _rows_below(
    circuit: Circuit, read: list[int], chosen: list[tuple[Row, int | None]]
) -> list[Row]:
    """The rows of a layer's units: those that are read, then those that carry."""
    rows = [circuit.units[c - circuit.n - 1] for c in read]
    for row, kind in chosen:
        if kind == -1:
            rows.append(row)
        elif kind is None:
            rows += [row, {c: -v for c, v in row.items()}]
        else:
            rows.append({c: -v for c, v in row.items()})
    return rows


def units_a_layer(circuit: Circuit, depth: int | None = None) -> list[int]:
    """How many units each hidden layer needs, the first layer first."""
    top = max((circuit.depth(row) for row in circuit.outputs), default=0)
    rows, counts = circuit.outputs, []
    for layer in range(max(top, depth or 0), 0, -1):
        read, demands = _below(circuit, rows, layer)
        chosen = _chosen(circuit, read, demands)
        rows = _rows_below(circuit, read, chosen)
        counts.append(len(rows))
    return counts[::-1]


def laid_out(circuit: Circuit, depth: int | None = None) -> list[Layer]:
    """The layers, the last one without ReLU; each hidden one gets the least that is read of it.

    Args:
        circuit: the function.
        depth: how many hidden layers at least; what is there before is carried through the others.
    """
    n = circuit.n
    top = max((circuit.depth(row) for row in circuit.outputs), default=0)
    rows = circuit.outputs
    made: list[Layer] = []
    for layer in range(max(top, depth or 0), 0, -1):
        read, demands = _below(circuit, rows, layer)
        chosen = _chosen(circuit, read, demands)
        made.append(_weights(circuit, rows, read, chosen))
        rows = _rows_below(circuit, read, chosen)
    made.append(
        Layer(
            [[Fraction(row.get(i, 0)) for i in range(n)] for row in rows],
            [Fraction(row.get(n, 0)) for row in rows],
        )
    )
    return made[::-1]


def _weights(
    circuit: Circuit, rows: list[Row], read: list[int], chosen: list[tuple[Row, int | None]]
) -> Layer:
    """Rows as sums over a layer's units."""
    n, width = circuit.n, len(read)
    units: list[Row] = []  # each carried row as a sum of units
    for _, kind in chosen:
        if kind is None:
            units.append({width: 1, width + 1: -1})
            width += 2
        else:
            units.append({width: 1} if kind == -1 else {read.index(kind): 1, width: -1})
            width += 1
    solver = _Solver([row for row, _ in chosen], n)
    weights, biases = [], []
    for row in rows:
        line = [Fraction(0)] * width
        rest = dict(row)
        for i, c in enumerate(read):
            line[i] = Fraction(rest.pop(c, 0))
        shares = solver.shares({c: v for c, v in rest.items() if c != n})
        bias = Fraction(rest.get(n, 0))
        for share, unit, (carried, _) in zip(shares, units, chosen, strict=True):
            bias -= share * carried.get(n, 0)
            for i, v in unit.items():
                line[i] += share * v
        weights.append(line)
        biases.append(bias)
    return Layer(weights, biases)


class _Solver:
    """Vectors as sums of independent ones, exactly."""

    def __init__(self, basis: list[Row], constant: int) -> None:
        self.size = len(basis)
        self.rows: dict[
            int, tuple[Row, Row]
        ] = {}  # top column -> what is left, and of what it is made
        for i, row in enumerate(basis):
            vector = {c: v for c, v in row.items() if c != constant}
            left, made = self._rest(vector, {i: 1})
            self.rows[max(left)] = left, made

    def _rest(self, vector: Row, made: Row) -> tuple[Row, Row]:
        while vector:
            top = max(vector)
            if top not in self.rows:
                break
            row, of = self.rows[top]
            factor = quotient(vector[top], row[top])
            vector, made = summed((1, vector), (-factor, row)), summed((1, made), (-factor, of))
        return vector, made

    def shares(self, vector: Row) -> list[Number]:
        """How much of each."""
        left, made = self._rest(vector, {})
        if left:
            raise ArithmeticError("a demand outside the space that is carried")
        return [-made.get(i, 0) for i in range(self.size)]
