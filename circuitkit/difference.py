r"""The second checker: that a network is close to a function which a *clean* network computes exactly.

A trained network and the clean one that it nearly is differ by a little in every weight. Proving that they are close by
looking at both of them from outside is hard, since every kink is there twice. Here each unit of the network is compared
with a clean row instead, its *reference* (Paulsen, Wang, Wang, "ReluDiff", 2020). Like :mod:`circuitkit.check`, whose rows,
cells and numbers it uses and which is all that it imports, it does not ask how a proof was found.

**What is checked.** That the clean network equals the target: a certificate for :func:`circuitkit.check.verify`. And that the
network differs from the clean one by at most the tolerance, as follows.

**Columns** are those of the checker: inputs, the constant, and gates, which are those of the clean network and further
ones that references read. For unit k with preactivation z and reference r, any row at all, let :math:`\delta = z - r` and
:math:`\varepsilon = \mathrm{relu}(z) - \mathrm{relu}(r)`. Since the units before are relu of *their* references plus their
:math:`\varepsilon`, :math:`\delta` is a row of small numbers plus a sum of weights times earlier :math:`\varepsilon`; and so
is network minus clean network. An :math:`\varepsilon` is eliminated by one of three facts, from the last layer to the first:

- where :math:`r \ge 0`: :math:`\varepsilon = \delta + \mathrm{relu}(-z)`;
- where :math:`r \le 0`: :math:`\varepsilon = \mathrm{relu}(z)`;
- always: :math:`-\mathrm{relu}(-\delta) \le \varepsilon \le \mathrm{relu}(\delta)`,

relu being bounded by a line, as the gates are that are left. So there is a row of inputs below, which is least at a corner. A
tree cuts the domain into cells at values of gates' rows, and at 0 of the units themselves: where the sign of z is known, :math:`\varepsilon` is :math:`\delta + r - \mathrm{relu}(r)` or :math:`-\mathrm{relu}(r)`, without any slack. Any multiple, at least
0, of what is at least 0 in a cell may be taken away. *Whatever* references, multiples and cells a certificate holds, the
bound is true.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any

from circuitkit.check import (
    Cell,
    Claim,
    Program,
    Q,
    Rejected,
    pose,
    prove_rows,
    read_network,
    verify,
)

__all__ = ["Difference", "Region", "check", "verify_close"]

Row = dict[int, Any]

_PARTS = ("tolerance", "measure", "domain", "clean", "same", "gates", "references", "tree")
MAX_NODES, MAX_DEPTH = 200_000, 1_000


def _need(condition: Any, why: str) -> None:
    if not condition:
        raise Rejected(why)


def _number(value: Any) -> Any:
    """A whole number or text such as "-1/3"."""
    _need(type(value) in (int, str) and len(str(value)) < 4000, "not an exact number")
    top, _, bottom = str(value).partition("/")
    return Q(int(top), int(bottom or 1))


def _add(total: Row, factor: Any, row: Row) -> None:
    for column, value in row.items():
        new = total.get(column, 0) + factor * value
        if new:
            total[column] = new
        else:
            total.pop(column, None)


def _scaled(factor: Any, row: Row) -> Row:
    return {column: factor * value for column, value in row.items() if factor}


@dataclass
class Unit:
    """A unit of the network beside its reference.

    Attributes:
        weights: of what it reads, the inputs or the units before it.
        reference: a row.
        active: its positive part, a row.
        rest: the part of its difference to the reference that is no earlier difference, a row.
        gate: the gate whose row the reference is ``factor`` times, or None if its sign is plain to see.
        factor: 1 or -1 where there is no gate: the sign.
        ends: numbers between which the reference lies in all of the domain, where there is no gate.
    """

    weights: list[Any]
    reference: Row
    active: Row
    rest: Row
    gate: int | None
    factor: Any
    ends: tuple[Any, Any] | None = None


@dataclass
class Region:
    """A part of the domain.

    Attributes:
        cell: it as a cell of the checker, with the bounds of gates' rows that it was cut to.
        above: gate -> a number that its row is nowhere below.
        below: gate -> a number that its row is nowhere above.
        units: 1 for a unit (layer, number) whose preactivation is nowhere below 0, -1 for nowhere above.
    """

    cell: Cell
    above: dict[int, Any] = field(default_factory=dict)
    below: dict[int, Any] = field(default_factory=dict)
    units: dict[tuple[int, int], int] = field(default_factory=dict)


@dataclass
class Multiples:
    """What is taken away in a region.

    Attributes:
        gates: so much times a gate's row above its least value; if that is negative, below its largest.
        units: so much, at least 0, times the preactivation of a unit, or minus it.
    """

    gates: dict[int, Any] = field(default_factory=dict)
    units: dict[tuple[int, int], Any] = field(default_factory=dict)


class Difference:
    """A network beside the clean one, as the certificate puts them; its tree is not looked at.

    Attributes:
        program: the columns.
        layers: the hidden units.
        outputs: network minus clean network as ``(weights of the last hidden units, row)``.
        tolerance: what is claimed.
        size: the row that the tolerance is multiplied by; None for the number 1.
    """

    def __init__(
        self, certificate: dict[str, Any], network: Any, deadline: float = math.inf
    ) -> None:
        stated = {name: certificate[name] for name in ("tolerance", "measure", "domain")}
        clean = certificate["clean"]
        problem = pose(stated, clean, clean, deadline)
        self.words = problem.words
        self.deadline = deadline
        self.program: Program = problem.program
        self.size = problem.claims[0].size
        self.tolerance = problem.claims[0].limit
        self._clean = read_network(self.program, clean)
        for row in certificate["gates"]:
            self.program.relu(self.row(row))
        signs = dict(self.program.signs)
        self.root = Region(
            Cell(self.program, self.program.box, signs), above=dict.fromkeys(signs, Q(0))
        )
        self.layers: list[list[Unit]] = []
        self._apart: dict[tuple[int, int], tuple[Any, Any]] = {}
        self.outputs: list[tuple[list[Any], Row]] = []
        self._read(network, certificate["references"])

    def row(self, given: Any) -> Row:
        """A row of the certificate: only columns that are there, no zeros."""
        _need(type(given) is dict, "a row is a JSON object")
        columns = self.program.n + 1 + len(self.program.gates)
        made = {}
        for name, value in given.items():
            _need(str(name).isdigit() and int(name) < columns, "no such column")
            made[int(name)] = _number(value)
        _need(
            len(made) == len(given) and all(made.values()), "a row holds a zero or a column twice"
        )
        return made

    def _read(self, network: Any, references: Any) -> None:
        data = network if type(network) is dict else network.to_dict()
        weights, biases = data["weights"], data.get("biases") or [None] * len(data["weights"])
        _need(not set(data) - {"weights", "biases", "scale"}, "not a network")
        _need(
            len(weights) == len(biases) == len(references) + 1, "references for each hidden layer"
        )
        n, one = self.program.n, Q(1)
        before: list[Row] = [{i: one} for i in range(n)]
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            sums = []
            for line, bias in zip(w, [0.0] * len(w) if b is None else b, strict=True):
                numbers = [self._weight(v) for v in line]
                row: Row = {}
                for factor, r in zip(
                    (self._weight(bias), *numbers), ({n: one}, *before), strict=True
                ):
                    if factor:
                        self.program.spend(len(r), factor)
                        _add(row, factor, r)
                sums.append((numbers, row))
            if layer == len(weights) - 1:
                break
            units, before = [], []
            for (numbers, row), given in zip(sums, references[layer], strict=True):
                sign, reference = self._reference(given)
                _add(row, Q(-1), reference)
                gate, factor = (None, Q(sign)) if sign else self._gate(reference)
                active = self.program.relu(reference, sign)
                units.append(Unit(numbers, reference, active, row, gate, factor))
                before.append(active)
            self.layers.append(units)
        scale = data.get("scale", 1)
        scales = scale if type(scale) is list else [scale] * len(sums)
        for (numbers, row), s, f in zip(sums, scales, self._clean, strict=True):
            by = _number(s)
            difference = _scaled(by, row)
            _add(difference, Q(-1), f)
            self.outputs.append(([by * v for v in numbers], difference))

    def _reference(self, given: Any) -> tuple[int, Row]:
        """A reference and its sign, where the certificate shows that it has one: ``[sign, row, tree]``."""
        if type(given) is dict:
            return 0, self.row(given)
        sign, row, tree = given
        _need(type(sign) is int and sign in (1, -1), "a sign is 1 or -1")
        made = self.row(row)
        claim = Claim(_scaled(Q(-sign), made), Q(0), None)
        prove_rows(self.program, [claim], tree)
        return sign, made

    @staticmethod
    def _weight(value: Any) -> Any:
        _need(type(value) in (int, float), "not a weight")
        return Q(*value.as_integer_ratio())  # fails for infinity and nan

    def _gate(self, row: Row) -> tuple[int | None, Any]:
        """The gate that a row is a multiple of, and that multiple; or None and the sign that is plain to see."""
        sign = self.program.plain_sign(row)
        if sign:
            return None, Q(sign)
        first = min(row)
        for k, gate in enumerate(self.program.gates):
            if len(gate) == len(row) and min(gate) == first:
                factor = row[first] / gate[first]
                if all(row.get(c) == factor * v for c, v in gate.items()):
                    return k, factor
        self.program.relu(row)
        return len(self.program.gates) - 1, Q(1)

    # --- bounds -----------------------------------------------------------------------------------------

    def least(
        self, region: Region, row: Row, weights: list[Any], layer: int, multiples: Multiples
    ) -> Any:
        """What ``row`` plus the sum of ``weights`` times the differences of a layer is at least in the region."""
        total, constant = self.below(region, row, weights, layer)
        for (
            k,
            multiple,
        ) in multiples.gates.items():  # something that is at most 0: added, from below
            ends = region.above if multiple >= 0 else region.below
            _need(k in ends, "a multiple of a row that has no such end: gate")
            side, more = self.below(region, _scaled(-multiple, self.program.gates[k]), [], -1)
            _add(total, Q(1), side)
            constant += more + multiple * ends[k]
        for (i, k), multiple in multiples.units.items():
            sign, unit = region.units.get((i, k), 0), self.layers[i][k]
            _need(sign and multiple >= 0, "a multiple of what is not known to be at least 0")
            side = _scaled(-sign * multiple, unit.reference)
            _add(side, -sign * multiple, unit.rest)
            weights = [-sign * multiple * v for v in unit.weights]
            side, more = self.below(region, side, weights, i - 1)
            _add(total, Q(1), side)
            constant += more
        for i, v in total.items():
            low, high = self.program.box[i]
            constant += v * (low if v > 0 else high)
        return constant

    def below(self, region: Region, row: Row, weights: list[Any], layer: int) -> tuple[Row, Any]:
        """A row of inputs and a number that are together nowhere above it in the region."""
        total, constant = dict(row), Q(0)
        while layer >= 0:
            earlier = [Q(0)] * len(self.layers[layer][0].weights)
            for k, weight in enumerate(weights):
                if not weight:
                    continue
                unit = self.layers[layer][k]
                on_difference, on_reference, on_active, extra = self.line(region, layer, k, weight)
                constant += extra
                if on_reference:
                    _add(total, on_reference, unit.reference)
                if on_active:
                    _add(total, on_active, unit.active)
                if on_difference:
                    _add(total, on_difference, unit.rest)
                    self.program.spend(len(unit.weights), on_difference)
                    if layer:
                        for j, v in enumerate(unit.weights):
                            earlier[j] += on_difference * v
            weights, layer = earlier, layer - 1
        n = self.program.n
        for k in range(max(total, default=0) - n - 1, -1, -1):
            value = total.pop(n + 1 + k, 0)
            if value:
                sign = region.cell.sign(k)
                ends = (Q(0), Q(sign)) if sign > 0 else (Q(sign), Q(0)) if sign else None
                slope, extra = _relu(value, *(ends or region.cell.bound(k)))
                constant += extra
                if slope:
                    self.program.spend(len(self.program.gates[k]), slope)
                    _add(total, slope, self.program.gates[k])
        return total, constant

    def line(self, region: Region, layer: int, k: int, weight: Any) -> tuple[Any, Any, Any, Any]:
        r"""Numbers with :math:`weight\,\varepsilon \ge a\,\delta + b\,r + c\,\mathrm{relu}(r) + d` in the region."""
        unit = self.layers[layer][k]
        known, zero = region.units.get((layer, k)), Q(0)
        if known:
            return (weight, weight, -weight, zero) if known > 0 else (zero, zero, -weight, zero)
        low, high = self.apart(layer, k)
        sign = self.sign(region.cell, unit)
        if sign:
            down, up = self.between(region.cell, unit)
            down, up = (max(down, zero), up) if sign > 0 else (down, min(up, zero))
            down, up = down + low, up + high
            if sign > 0:
                slope, extra = _relu(weight, -up, -down)
                return weight - slope, -slope, zero, extra
            slope, extra = _relu(weight, down, up)
            return slope, slope, zero, extra
        if weight > 0:
            slope, extra = _relu(-weight, -high, -low)
            return -slope, zero, zero, extra
        slope, extra = _relu(weight, low, high)
        return slope, zero, zero, extra

    def sign(self, cell: Cell, unit: Unit) -> int:
        """The sign of its reference in the cell, 0 if that is open."""
        if unit.gate is None:
            return 1 if unit.factor > 0 else -1
        return cell.sign(unit.gate) * (1 if unit.factor > 0 else -1)

    def between(self, cell: Cell, unit: Unit) -> tuple[Any, Any]:
        """Numbers between which its reference lies in the cell."""
        if unit.gate is None:
            if unit.ends is None:
                least = self.root.cell.least
                unit.ends = least(unit.reference, {}), -least(_scaled(Q(-1), unit.reference), {})
            return unit.ends
        low, high = (unit.factor * v for v in cell.bound(unit.gate))
        return min(low, high), max(low, high)

    def apart(self, layer: int, k: int) -> tuple[Any, Any]:
        """Numbers between which the difference of preactivation and reference lies everywhere."""
        if (layer, k) not in self._apart:
            unit = self.layers[layer][k]
            ends = []
            for sign in (Q(1), Q(-1)):
                weights = [sign * v for v in unit.weights]
                row = _scaled(sign, unit.rest)
                ends.append(self.least(self.root, row, weights, layer - 1, Multiples()))
            self._apart[layer, k] = ends[0], -ends[1]
        return self._apart[layer, k]

    # --- the tree ---------------------------------------------------------------------------------------

    def prove(self, tree: Any) -> None:
        """Every leaf shows the claims in its region.

        Raises:
            Rejected: one does not.
        """
        claims = [(o, sign) for o in range(len(self.outputs)) for sign in (1, -1)]
        todo: list[tuple[Any, Region, list[tuple[int, int]], int]] = [(tree, self.root, claims, 1)]
        nodes = 0
        while todo:
            node, region, claims, depth = todo.pop()
            nodes += 1
            _need(nodes <= MAX_NODES and depth <= MAX_DEPTH, "too large a tree")
            _need(type(node) is list and node, "a node is a list")
            _need(time.monotonic() < self.deadline, "out of time")
            match node:
                case ["each", *children]:  # a tree for each claim
                    for claim, child in zip(claims, children, strict=True):
                        todo.append((child, region, [claim], depth + 1))
                case ["split", unit, on, off]:  # its preactivation is >= 0, or it is <= 0
                    for sign, child in ((1, on), (-1, off)):
                        units = {**region.units, self._unit(unit): sign}
                        self.program.spend(len(units))
                        todo.append((child, replace(region, units=units), claims, depth + 1))
                case ["cut", k, c, below, above]:  # row k <= c, row k >= c
                    self._gate_number(k)
                    for low, child in ((False, below), (True, above)):
                        part = self._cut(region, k, _number(c), low=low)
                        todo.append((child, part, claims, depth + 1))
                case ["leaf", *given]:
                    _need(len(given) <= len(claims), "more multiples than claims")
                    given += [{}] * (len(claims) - len(given))
                    for claim, numbers in zip(claims, given, strict=True):
                        room = self.room(region, *claim, self._multiples(numbers))
                        _need(room >= 0, "the network is not shown to be so close")
                case _:
                    raise Rejected("not a node of a tree")

    def room(self, region: Region, output: int, sign: int, multiples: Multiples) -> Any:
        """How much the tolerance is above ``sign`` times the difference of an output, at least."""
        weights, row = self.outputs[output]
        total = _scaled(Q(-sign), row)
        if self.size is not None:
            _add(total, self.tolerance, self.size)
        found = self.least(
            region, total, [-sign * v for v in weights], len(self.layers) - 1, multiples
        )
        return found + (self.tolerance if self.size is None else 0)

    def _cut(self, region: Region, k: int, c: Any, *, low: bool) -> Region:
        """Where row k is at least c; or at most c."""
        least, most = region.cell.bound(k)
        ends = (max(least, c), most) if low else (least, min(most, c))
        self.program.spend(len(region.cell.bounds) + len(region.above) + len(region.below))
        part = replace(region, cell=region.cell.part(bounds={**region.cell.bounds, k: ends}))
        if low:
            part.above = {**region.above, k: max(c, region.above.get(k, c))}
        else:
            part.below = {**region.below, k: min(c, region.below.get(k, c))}
        return part

    def _gate_number(self, k: Any) -> None:
        _need(type(k) is int and 0 <= k < len(self.program.gates), "no such gate")

    def _unit(self, name: Any) -> tuple[int, int]:
        """Unit 3 of the first hidden layer is ``"0:3"``."""
        layer, _, k = str(name).partition(":")
        _need(layer.isdecimal() and k.isdecimal() and len(name) < 20, "no such unit")
        _need(int(layer) < len(self.layers) and int(k) < len(self.layers[int(layer)]), "no unit")
        return int(layer), int(k)

    def _multiples(self, given: Any) -> Multiples:
        _need(type(given) is dict, "multiples are a JSON object")
        made = Multiples()
        for name, value in given.items():
            if ":" in str(name):
                made.units[self._unit(str(name))] = _number(value)
            else:
                _need(str(name).isdecimal(), "no such gate")
                self._gate_number(int(name))
                made.gates[int(name)] = _number(value)
        _need(len(made.gates) + len(made.units) == len(given), "a gate or unit stands twice")
        return made


def _relu(weight: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """A line ``slope v + extra`` that is nowhere above ``weight relu(v)`` for low <= v <= high."""
    if high <= 0:
        return Q(0), Q(0)
    if low >= 0:
        return weight, Q(0)
    if weight > 0:
        return (weight if high > -low else Q(0)), Q(0)
    slope = high / (high - low)
    slope = Q(int(slope.numerator * 2**30 // slope.denominator), 2**30)
    return weight * slope, weight * max((1 - slope) * high, -slope * low)


def verify_close(
    certificate: dict[str, Any], network: Any, target: Any, *, deadline: float = math.inf
) -> str:
    """What the certificate proves of the network and the target, in words.

    Raises:
        Rejected: it does not prove what it claims, or not before the deadline; other exceptions
            where something is malformed.
    """
    _need(type(certificate) is dict, "a certificate is a JSON object")
    _need(sorted(certificate) == sorted(_PARTS), "a certificate of other parts")
    same = {name: certificate[name] for name in ("measure", "domain")}
    verify(
        {**same, "tolerance": 0, "tree": certificate["same"]},
        certificate["clean"],
        target,
        deadline=deadline,
    )
    difference = Difference(certificate, network, deadline)
    difference.prove(certificate["tree"])
    return difference.words.replace(
        "the other network", str(getattr(target, "text", None) or target)
    )


def check(certificate: dict[str, Any], network: Any, target: Any) -> bool:
    """Whether the certificate proves what it claims of this network and this target; False if malformed."""
    try:
        verify_close(certificate, network, target)
    except Exception:
        return False
    return True
