r"""What depends on one number alone, in one layer: its kinks, a unit each.

A part of a circuit that reads its inputs only through one row t is a function of one number, piecewise linear
with slope s at the far left and kinks at :math:`\kappa_i` where its slope grows by :math:`\delta_i`:

.. math:: f(t) = c + s t + \sum_i \delta_i \operatorname{relu}(t - \kappa_i).

That form is unique, and computed exactly. A unit may face left instead, :math:`relu(t - \kappa) = (t - \kappa)
+ relu(\kappa - t)`, which takes :math:`\delta_i` from the slope s: where some of them add up to it, no straight
part is left to be carried, as in clamp (two units).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise

from circuitkit.compiling.circuit import Circuit, Number, Row, quotient, summed

__all__ = ["flattened"]

#: a function of more kinks is left nested
_MOST_KINKS = 64
#: of more kinks, not every subset is tried for the straight part
_MOST_TRIED = 12


@dataclass(frozen=True)
class _Bent:
    """A piecewise-linear function of one number."""

    constant: Fraction
    slope: Fraction
    kinks: tuple[tuple[Fraction, Fraction], ...]  # (place, growth of the slope), rising

    def plus(self, factor: Number, other: _Bent) -> _Bent:
        """self + factor * other."""
        growth = dict(self.kinks)
        for place, d in other.kinks:
            growth[place] = growth.get(place, Fraction(0)) + factor * d
        return _Bent(
            self.constant + factor * other.constant,
            self.slope + factor * other.slope,
            tuple(sorted((p, d) for p, d in growth.items() if d)),
        )

    def at(self, t: Fraction) -> Fraction:
        """Its value."""
        value = self.constant + self.slope * t
        return value + sum((d * (t - p) for p, d in self.kinks if p < t), Fraction(0))

    def relu(self) -> _Bent:
        """max(self, 0)."""
        places = [p for p, _ in self.kinks]
        slopes = [self.slope]
        for _, d in self.kinks:
            slopes.append(slopes[-1] + d)
        zeros = []
        for i, slope in enumerate(slopes):
            if not slope:
                continue
            t = places[i] if i < len(places) else (places[-1] if places else Fraction(0))
            zero = t - self.at(t) / slope
            after = i == 0 or zero >= places[i - 1]
            before = i == len(places) or zero <= places[i]
            if after and before:
                zeros.append(zero)
        cuts = sorted({*places, *zeros})
        if not cuts:
            return self if self.constant > 0 else _Bent(Fraction(0), Fraction(0), ())
        pieces = []
        ends = [
            cuts[0] - 1,
            *((a + b) / 2 for a, b in pairwise(cuts)),
            cuts[-1] + 1,
        ]
        for t in ends:
            on = self.at(t) > 0
            slope = slopes[sum(1 for p in places if p < t)]
            pieces.append(slope if on else Fraction(0))
        kinks = tuple(
            (p, b - a) for p, a, b in zip(cuts, pieces, pieces[1:], strict=False) if a != b
        )
        left = max(self.at(cuts[0]), Fraction(0))
        return _Bent(left - pieces[0] * cuts[0], pieces[0], kinks)


@dataclass(frozen=True)
class _Line:
    """A number t that parts of the circuit are functions of: the row that it is."""

    row: tuple[tuple[int, Number], ...]


def flattened(circuit: Circuit, chosen: Callable[[int], bool] = lambda number: True) -> Circuit:
    """The same function with what depends on one number alone in one layer.

    Args:
        circuit: the function.
        chosen: which of the lines, numbered as they are met, are flattened.
    """
    return _Flattening(circuit, chosen).made


class _Flattening:
    def __init__(self, circuit: Circuit, chosen: Callable[[int], bool]) -> None:
        self.old = circuit
        self.n = circuit.n
        self.chosen = chosen
        self.lines: dict[_Line, int] = {}
        self.bent: dict[int, tuple[_Line, _Bent]] = {}  # unit's column -> what it is
        for k in range(len(circuit.units)):
            self._read(k)
        self.made = Circuit(self.n)
        self.numbers: dict[_Line, Row] = {}  # what is written is not written again
        self.made.outputs = [self._output(row) for row in circuit.outputs]

    # --- reading ----------------------------------------------------------------------------------------

    def _read(self, k: int) -> None:
        row = self.old.units[k]
        column = self.n + 1 + k
        found = self._on_a_line(row)
        if found is not None:
            line, bent = found
            after = bent.relu()
            if len(after.kinks) <= _MOST_KINKS and self._may(line):
                self.bent[column] = line, after
                return
        line, factor, constant = self._line(row)
        self.bent[column] = line, _Bent(Fraction(constant), Fraction(factor), ()).relu()

    def _may(self, line: _Line) -> bool:
        return self.chosen(self.lines.setdefault(line, len(self.lines)))

    def _on_a_line(self, row: Row) -> tuple[_Line, _Bent] | None:
        """The row as a function of one of the lines that its units are on."""
        for line in dict.fromkeys(self.bent[c][0] for c in row if c in self.bent):
            bent, rest = _Bent(Fraction(0), Fraction(0), ()), {}
            for c, v in row.items():
                if c in self.bent and self.bent[c][0] == line:
                    bent = bent.plus(v, self.bent[c][1])
                else:
                    rest[c] = v
            constant = rest.pop(self.n, 0)
            if rest:
                other, factor, _ = self._line(rest)
                if other != line:
                    continue
                bent = bent.plus(factor, _Bent(Fraction(0), Fraction(1), ()))
            return line, bent.plus(constant, _Bent(Fraction(1), Fraction(0), ()))
        return None

    def _line(self, row: Row) -> tuple[_Line, Number, Number]:
        """The row as factor * t + constant."""
        free = {c: v for c, v in row.items() if c != self.n}
        factor = free[min(free)]
        line = _Line(tuple((c, quotient(free[c], factor)) for c in sorted(free)))
        return line, factor, row.get(self.n, 0)

    # --- writing ----------------------------------------------------------------------------------------

    def _output(self, row: Row) -> Row:
        """A row over the old columns over the new ones; all units on one line become one sum."""
        together: dict[_Line, _Bent] = {}
        total: Row = {}
        for c, v in row.items():
            if c <= self.n:
                total = summed((1, total), (v, {c: 1}))
            else:
                line, bent = self.bent[c]
                before = together.get(line, _Bent(Fraction(0), Fraction(0), ()))
                together[line] = before.plus(v, bent)
        for line, bent in together.items():
            total = summed((1, total), (1, self._written(line, bent)))
        return total

    def _written(self, line: _Line, bent: _Bent) -> Row:
        if line not in self.numbers:
            self.numbers[line] = self._output(dict(line.row))
        t = self.numbers[line]
        one: Row = {self.n: 1}
        total = summed((bent.constant, one), (bent.slope, t))
        left = _facing_left(bent)
        for place, growth in bent.kinks:
            if place in left:
                unit = self.made.relu(summed((place, one), (-1, t)))
                straight = summed((1, t), (-place, one))
                total = summed((1, total), (growth, straight), (growth, unit))
            else:
                total = summed((1, total), (growth, self.made.relu(summed((1, t), (-place, one)))))
        return total


def _facing_left(bent: _Bent) -> set[Fraction]:
    """The places of units that face left so that no straight part is left, if some do."""
    if not bent.slope:
        return set()
    slope = bent.slope
    for i, (_, growth) in enumerate(bent.kinks):
        slope += growth
        if not slope:
            return {p for p, _ in bent.kinks[: i + 1]}
    if len(bent.kinks) <= _MOST_TRIED:
        for size in range(1, len(bent.kinks)):
            for some in combinations(bent.kinks, size):
                if sum(d for _, d in some) == -bent.slope:
                    return {p for p, _ in some}
    return set()
