r"""The second checker: that a network is close to a function which a *clean* network computes exactly.

A trained network and the clean one that it nearly is differ by a little in every weight. Proving that they are close by
looking at both of them from outside is hard, since every kink is there twice. Here each unit of the network is compared
with a clean row instead, its *reference* (Paulsen, Wang, Wang, "ReluDiff", 2020). Like :mod:`circuitkit.check`, whose rows
and numbers it uses and which is all that it imports, it does not ask how a proof was found.

**What is checked.** That the clean network equals the target: a certificate for :func:`circuitkit.check.verify`. And that the
network differs from the clean one by at most the tolerance, as follows.

**Columns** are those of the checker: inputs, the constant, and gates, which are those of the clean network and further
ones that references read. For unit k with preactivation z and reference r, any row at all, let :math:`\delta = z - r` and
:math:`\varepsilon = \mathrm{relu}(z) - \mathrm{relu}(r)`. Since the units before are relu of *their* references plus their
:math:`\varepsilon`, :math:`\delta` is a row of small numbers plus a sum of weights times earlier :math:`\varepsilon`; and so
is network minus clean network.

**Cells** are polytopes, as the list of their corners, exactly. A tree cuts the domain into them, at the kinks of gates and
of units. A point of a cell is a mean of its corners. So a linear function is bounded by its values at the corners in this
sense: *at every point it is the mean of those*, with the same weights for all functions. What is no more than such a mean of
some numbers at the corners stays so when it is added, multiplied, or bent upwards: :math:`\mathrm{relu}` of a mean is at most the
mean of :math:`\mathrm{relu}`. From the first layer to the last, each number is bounded in this way from both sides:

- a gate that has one sign in the cell is linear there; another lies between a line and relu of its row at the corners;
- where :math:`r \ge 0`: :math:`\varepsilon = \max(\delta, -r) \ge \delta`;
- where :math:`r \le 0`: :math:`\varepsilon = \max(z, 0)`;
- always: :math:`\min(\delta, 0) \le \varepsilon \le \max(\delta, 0)`;
- where the signs of r and z are both known, :math:`\varepsilon` is linear.

In the end the bound of network minus clean network is at most the tolerance at every corner, hence in the cell. Only units that
have their kinks *at* a corner are uncertain there: far fewer than those whose kinks pass through the cell. *Whatever*
references and cells a certificate holds, the bound is true.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass, field
from typing import Any

from circuitkit.check import (
    Claim,
    Program,
    Q,
    Rejected,
    pose,
    prove_rows,
    read_network,
    verify,
)

__all__ = ["Bounds", "Cell", "Corner", "Difference", "check", "verify_close"]

Row = dict[int, Any]

_PARTS = ("tolerance", "measure", "domain", "clean", "same", "gates", "references", "tree")
MAX_NODES, MAX_DEPTH, MAX_DIMENSION = 200_000, 1_000, 9


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
        rest: the part of its difference to the reference that is no earlier difference, a row.
        gate: the gate whose row the reference is ``factor`` times, or None if its sign is plain to see.
        factor: 1 or -1 where there is no gate: the sign.
        sign: of the preactivation itself, where its weights show it, else 0.
    """

    weights: list[Any]
    reference: Row
    rest: Row
    gate: int | None
    factor: Any
    sign: int = 0


Ends = tuple[Any, Any]


@dataclass
class Corner:
    """A corner of cells, and what there is at it.

    Attributes:
        values: of all columns.
        rows: of the rows of all gates.
        rest: for each hidden layer and unit, of the row ``rest``.
        reference: the same of the references.
        outputs: of the rows of the outputs.
        size: of the row that the tolerance is multiplied by.
    """

    values: list[Any]
    rows: list[Any]
    rest: list[list[Any]]
    reference: list[list[Any]]
    outputs: list[Any]
    size: Any


@dataclass
class Cell:
    """A polytope.

    Attributes:
        corners: all of its corners.
        tight: for each of these the walls that it lies on, as the bits of a number.
    """

    corners: list[Corner]
    tight: list[int]


@dataclass
class Bounds:
    """What is known in a cell: numbers are ``(low, high)``, the same object twice where there is one.

    Attributes:
        gates: the signs of gates' rows, 0 where they are open.
        linear: whether a gate's row is linear in the cell.
        units: the signs of preactivations, by layer and unit.
        z: for each layer, corner and unit the preactivation.
        after: the same for what the activation is away from that of the reference.
        outputs: for each corner network minus clean network.
        sizes: for each corner the least of what the tolerance is multiplied by.
    """

    gates: list[int]
    linear: list[bool]
    units: list[list[int]] = field(default_factory=list)
    z: list[list[list[Ends]]] = field(default_factory=list)
    after: list[list[list[Ends]]] = field(default_factory=list)
    outputs: list[list[Ends]] = field(default_factory=list)
    sizes: list[Any] = field(default_factory=list)

    def most(self, i: int) -> Any:
        """The largest difference that is possible at corner i."""
        return max(max(high, -low) for low, high in self.outputs[i])


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
        self.dimension = 0
        #: inputs that are no coordinates of the corners -> how far away they may be
        self.free: dict[int, Ends] = {}
        self.layers: list[list[Unit]] = []
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
                sums.append((numbers, row, (min(bias, *line), max(bias, *line))))
            if layer == len(weights) - 1:
                break
            units, before = [], []
            for (numbers, row, ends), given in zip(sums, references[layer], strict=True):
                if type(given) is int:
                    sign, reference = self._by_weights(layer, given, *ends), dict(row)
                else:
                    sign, reference = self._reference(given)
                _add(row, Q(-1), reference)
                gate, factor = (None, Q(sign)) if sign else self._gate(reference)
                active = self.program.relu(reference, sign)
                shown = sign if type(given) is int else 0
                units.append(Unit(numbers, reference, row, gate, factor, shown))
                before.append(active)
            self.layers.append(units)
        scale = data.get("scale", 1)
        scales = scale if type(scale) is list else [scale] * len(sums)
        for (numbers, row, _), s, f in zip(sums, scales, self._clean, strict=True):
            by = _number(s)
            difference = _scaled(by, row)
            _add(difference, Q(-1), f)
            self.outputs.append(([by * v for v in numbers], difference))

    def _reference(self, given: Any) -> tuple[int, Row]:
        """A reference and its sign, where the certificate shows that it has one: ``[sign, row, tree]``.

        The tree is for the row divided by the size of its first number: multiples of a row have the same.
        """
        if type(given) is dict:
            return 0, self.row(given)
        sign, row, tree = given
        _need(type(sign) is int and sign in (1, -1), "a sign is 1 or -1")
        made = self.row(row)
        _need(made, "an empty row needs no sign")
        claim = Claim(_scaled(-sign / abs(made[min(made)]), made), Q(0), None)
        prove_rows(self.program, [claim], tree)
        return sign, made

    @staticmethod
    def _by_weights(layer: int, sign: int, least: Any, most: Any) -> int:
        """The sign of a unit that reads nothing below 0, by weights and a bias of one sign."""
        _need(layer and sign in (1, -1), "not the sign of a later unit")
        _need(least >= 0 if sign > 0 else most <= 0, "weights of two signs")
        return sign

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

    # --- cells ------------------------------------------------------------------------------------------

    def whole(self) -> Cell:
        """All of the domain."""
        box, n = self.program.box, self.program.n
        units = [unit for layer in self.layers for unit in layer]
        rows = [*self.program.gates, *(row for _, row in self.outputs), self.size or {}]
        rows += [row for unit in units for row in (unit.reference, unit.rest)]
        used = {c for row in rows for c in row if c <= n}
        wide = [i for i in (n, *range(n)) if i in used and box[i][0] < box[i][1]]
        self.dimension = min(len(wide), MAX_DIMENSION)
        ends = [[low] for low, _ in box]
        for i in wide[: self.dimension]:
            ends[i] = list(box[i])
        for i in wide[self.dimension :]:
            low, high = box[i]
            ends[i] = [(low + high) / 2]
            self.free[i] = (low - high) / 2, (high - low) / 2
        cell = Cell([], [])
        for point in itertools.product(*ends):
            tight = 0
            for i, (v, (low, high)) in enumerate(zip(point, box, strict=True)):
                tight |= (v == low) << 2 * i | (v == high) << 2 * i + 1
            cell.corners.append(self.corner(list(point)))
            cell.tight.append(tight)
        for k in sorted(self.program.signs):
            if self.free.keys() & self.program.gates[k].keys():
                continue  # what is shown of more than the domain holds in it
            cell = self.parts(cell, [c.rows[k] for c in cell.corners], self._wall(k))[1]
        return cell

    def corner(self, point: list[Any]) -> Corner:
        """What there is at a point."""
        self.program.spend(sum(map(len, self.program.gates)))
        values, rows = list(point), []
        for row in self.program.gates:
            rows.append(_at(row, values))
            values.append(max(rows[-1], Q(0)))
        rest, reference = [], []
        for layer in self.layers:
            rest.append([_at(unit.rest, values) for unit in layer])
            reference.append(
                [
                    _at(u.reference, values) if u.gate is None else u.factor * rows[u.gate]
                    for u in layer
                ]
            )
        outputs = [_at(row, values) for _, row in self.outputs]
        size = Q(1) if self.size is None else _at(self.size, values)
        return Corner(values, rows, rest, reference, outputs, size)

    def parts(self, cell: Cell, heights: list[Any], wall: int) -> tuple[Cell, Cell]:
        """Where a function is at most 0, and where at least 0, that is linear in a cell, given at its corners."""
        above = [i for i, h in enumerate(heights) if h > 0]
        below = [i for i, h in enumerate(heights) if h < 0]
        tight = [t | (not h) << wall for t, h in zip(cell.tight, heights, strict=True)]
        fresh = Cell([], [])
        self.program.spend(len(above) * len(below))
        for i, j in itertools.product(above, below):
            # An edge: no other corner lies on all walls that both of them lie on.
            common = tight[i] & tight[j]
            if common.bit_count() < self.dimension - 1:
                continue
            if sum(t & common == common for t in tight) > 2:
                continue
            share = heights[i] / (heights[i] - heights[j])
            a, b = cell.corners[i].values, cell.corners[j].values
            point = [v + share * (w - v) for v, w in zip(a, b, strict=False)]
            fresh.corners.append(self.corner(point[: self.program.n + 1]))
            fresh.tight.append(common | 1 << wall)
        made = []
        for sign in (-1, 1):
            kept = [i for i, h in enumerate(heights) if sign * h >= 0]
            made.append(
                Cell(
                    [cell.corners[i] for i in kept] + fresh.corners,
                    [tight[i] for i in kept] + fresh.tight,
                )
            )
        return made[0], made[1]

    def _wall(self, k: int) -> int:
        """The bit of a gate's kink."""
        return 2 * (self.program.n + 1) + k

    def at_gate(self, cell: Cell, found: Bounds, k: int) -> tuple[Cell, Cell]:
        """The parts where the row of a gate is at most 0, and at least 0."""
        _need(found.linear[k], "a gate that is not linear in the cell")
        return self._proper(cell, [c.rows[k] for c in cell.corners], self._wall(k))

    def at_unit(self, cell: Cell, found: Bounds, layer: int, k: int) -> tuple[Cell, Cell]:
        """The parts where the preactivation of a unit is at most 0, and at least 0."""
        ends = [corner[k] for corner in found.z[layer]]
        _need(all(low is high for low, high in ends), "a unit that is not linear in the cell")
        number = sum(map(len, self.layers[:layer])) + k
        wall = self._wall(len(self.program.gates)) + number
        return self._proper(cell, [low for low, _ in ends], wall)

    def _proper(self, cell: Cell, heights: list[Any], wall: int) -> tuple[Cell, Cell]:
        _need(min(heights) < 0 < max(heights), "a cut that does not cut")
        return self.parts(cell, heights, wall)

    # --- bounds -----------------------------------------------------------------------------------------

    def bounds(self, corners: list[Corner], known: Bounds | None = None) -> Bounds:
        """What is between network and clean network, at the corners of a cell.

        Args:
            corners: all of the cell's; or some with what is ``known``.
            known: signs that hold in a cell.
        """
        found, gaps = self._gates(corners, known)
        for i, layer in enumerate(self.layers):
            self.program.spend(len(corners) * len(layer) * len(layer[0].weights if layer else ()))
            before = found.after[-1] if i else None
            z, apart = [], []
            ahead = self._ahead(found, corners, gaps, i)
            for c, corner in enumerate(corners):
                sums = [
                    _ends(rest, unit.rest, gaps[c])
                    for rest, unit in zip(corner.rest[i], layer, strict=True)
                ]
                if before is not None:
                    terms = [(j, *e) for j, e in enumerate(before[c]) if e[0] is not e[1] or e[0]]
                    sums = [
                        _weighted(*ends, unit.weights, terms)
                        for ends, unit in zip(sums, layer, strict=True)
                    ]
                apart.append(sums)
                z.append([_plus(r, d) for r, d in zip(ahead[c], sums, strict=True)])
            signs = (
                known.units[i]
                if known
                else [_sign(unit.sign, z, k) for k, unit in enumerate(layer)]
            )
            found.units.append(signs)
            found.z.append(z)
            found.after.append(
                [
                    [
                        _bent(self._side(found, unit), sign, *numbers)
                        for unit, sign, *numbers in zip(layer, signs, *of, strict=True)
                    ]
                    for of in zip(ahead, apart, z, strict=True)
                ]
            )
        for c, corner in enumerate(corners):
            last = found.after[-1][c] if found.after else []
            terms = [(j, *e) for j, e in enumerate(last) if e[0] is not e[1] or e[0]]
            found.outputs.append(
                [
                    _weighted(*_ends(value, row, gaps[c]), weights, terms)
                    for value, (weights, row) in zip(corner.outputs, self.outputs, strict=True)
                ]
            )
            size = self.size or {}
            found.sizes.append(_ends(corner.size, size, gaps[c])[0])
        return found

    def _ahead(
        self, found: Bounds, corners: list[Corner], gaps: list[dict[int, Ends]], layer: int
    ) -> list[list[Ends]]:
        """Bounds of the references of a layer, at each corner."""
        units, zero = self.layers[layer], Q(0)
        ahead = [
            [
                _ends(r, u.reference, gap)
                for r, u in zip(corner.reference[layer], units, strict=True)
            ]
            for corner, gap in zip(corners, gaps, strict=True)
        ]
        for k, unit in enumerate(units):
            side = self._side(
                found, unit
            )  # where that says more than the corners: 0 at all of them
            if side > 0 and any(of[k][0] < 0 for of in ahead):
                for of in ahead:
                    of[k] = zero, max(of[k][1], zero)
            if side < 0 and any(of[k][1] > 0 for of in ahead):
                for of in ahead:
                    of[k] = min(of[k][0], zero), zero
        return ahead

    @staticmethod
    def _side(found: Bounds, unit: Unit) -> int:
        """The sign of a unit's reference in the cell, 0 if that is open."""
        sign = 1 if unit.factor > 0 else -1
        return sign if unit.gate is None else sign * found.gates[unit.gate]

    def _gates(
        self, corners: list[Corner], known: Bounds | None
    ) -> tuple[Bounds, list[dict[int, Ends]]]:
        """The signs of gates, and by how much the bounds of columns are away from their values at the corners."""
        found = Bounds([], [])
        gaps = [{**self.free} for _ in corners]
        first, zero = self.program.n + 1, Q(0)
        for k, row in enumerate(self.program.gates):
            ends = [_ends(c.rows[k], row, g) for c, g in zip(corners, gaps, strict=True)]
            least, most = min(low for low, _ in ends), max(high for _, high in ends)
            sign = known.gates[k] if known else 1 if least >= 0 else -1 if most <= 0 else 0
            found.gates.append(sign)
            found.linear.append(all(low is high for low, high in ends))
            if sign < 0 or (sign > 0 and found.linear[-1]):
                continue
            over = most > -least  # which line is nearer
            for corner, gap, (low, high) in zip(corners, gaps, ends, strict=True):
                value = corner.values[first + k]
                if not sign:
                    low, high = (low if over else zero), max(high, zero)
                if low != value or high != value:
                    gap[first + k] = low - value, high - value
        return found, gaps

    def close(self, found: Bounds) -> bool:
        """Whether bounds at the corners of a cell show that the tolerance holds in it."""
        return all(found.most(i) <= self.tolerance * size for i, size in enumerate(found.sizes))

    # --- the tree ---------------------------------------------------------------------------------------

    def prove(self, tree: Any) -> None:
        """Every leaf shows the claims in its cell.

        Raises:
            Rejected: one does not.
        """
        todo: list[tuple[Any, Cell, int]] = [(tree, self.whole(), 1)]
        nodes = 0
        while todo:
            node, cell, depth = todo.pop()
            nodes += 1
            _need(nodes <= MAX_NODES and depth <= MAX_DEPTH, "too large a tree")
            _need(type(node) is list and node, "a node is a list")
            _need(time.monotonic() < self.deadline, "out of time")
            found = self.bounds(cell.corners)
            match node:
                case ["gate", k, below, above]:  # its row is <= 0, or it is >= 0
                    _need(type(k) is int and 0 <= k < len(self.program.gates), "no such gate")
                    parts = self.at_gate(cell, found, k)
                case ["unit", layer, k, below, above]:  # its preactivation is
                    _need(type(layer) is int and 0 <= layer < len(self.layers), "no such layer")
                    _need(type(k) is int and 0 <= k < len(self.layers[layer]), "no such unit")
                    parts = self.at_unit(cell, found, layer, k)
                case ["leaf"]:
                    _need(self.close(found), "the network is not shown to be so close")
                    continue
                case _:
                    raise Rejected("not a node of a tree")
            todo += [
                (child, part, depth + 1) for child, part in zip((below, above), parts, strict=True)
            ]


def _at(row: Row, values: list[Any]) -> Any:
    """The value of a row."""
    total = Q(0)
    for column, v in row.items():
        total += v * values[column]
    return total


def _ends(value: Any, row: Row, gaps: dict[int, Ends]) -> Ends:
    """Bounds of a row whose value is known, by how much its columns may be off."""
    low = high = value
    for column, (down, up) in gaps.items():
        v = row.get(column)
        if v:
            low, high = (
                (low + v * down, high + v * up) if v > 0 else (low + v * up, high + v * down)
            )
    return low, high


def _plus(a: Ends, b: Ends) -> Ends:
    low = a[0] + b[0]
    return (low, low) if a[0] is a[1] and b[0] is b[1] else (low, a[1] + b[1])


def _weighted(low: Any, high: Any, weights: list[Any], terms: list[tuple[int, Any, Any]]) -> Ends:
    """Bounds plus weighted bounds."""
    one = low is high
    for j, a, b in terms:
        w = weights[j]
        if not w:
            continue
        if a is b:
            low += w * a
            high = low if one else high + w * a
        else:
            one = False
            low, high = (low + w * a, high + w * b) if w > 0 else (low + w * b, high + w * a)
    return low, high


def _sign(shown: int, z: list[list[Ends]], k: int) -> int:
    """The sign of unit k's preactivation, which may be shown by its weights."""
    if shown or all(corner[k][0] >= 0 for corner in z):
        return shown or 1
    return -1 if all(corner[k][1] <= 0 for corner in z) else 0


def _bent(side: int, sign: int, r: Ends, apart: Ends, z: Ends) -> Ends:
    r"""Bounds of :math:`\mathrm{relu}(z) - \mathrm{relu}(r)`, z being r plus ``apart``, of which the signs may be known."""
    zero = Q(0)
    if side > 0:
        if sign < 0:
            low = -r[1]
            return low, (low if r[0] is r[1] else -r[0])
        return apart if sign > 0 else (apart[0], max(apart[1], -r[0]))
    if side < 0:
        if sign < 0:
            return zero, zero
        return z if sign > 0 else (zero, max(z[1], zero))
    if sign > 0:
        return min(apart[0], z[0]), apart[1]
    return min(apart[0], zero), (zero if sign < 0 else max(apart[1], zero))


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
