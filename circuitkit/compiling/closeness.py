"""Find a proof that a noisy network is close to the clean function that it was rounded to.

The network's units are put beside clean references, and what is between is bounded at the corners of cells, as the checker
does it (:mod:`circuitkit.difference`), in exact numbers. Where that is too loose, the cell is cut at the kink of a gate: of the
one whose sign, were it known, would help most at the corner where the bound is worst. Once all are known it is cut at the
kinks of the network's own units, in the same way. Then the bound is exact: the search ends with a proof, or at a corner
where the network *is* further off. How a tree is found is no part of what is believed: the checker reads it again.

Source: Bunel and others, "Branch and bound for piecewise linear neural network verification" (2020), for choosing a cut by
what it would do to the bound.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from circuitkit.check import Claim, Problem, Program, Q, Rejected, pose, prove_rows, read_network
from circuitkit.compiling.snap import Snapped
from circuitkit.difference import Bounds, Cell, Corner, Difference
from circuitkit.exact.canonical import CanonicalForm, ordered
from circuitkit.functions.pieces import Row
from circuitkit.network import Network
from circuitkit.proof.exhaustive import exhaust
from circuitkit.proof.search import OutOfTime, search
from circuitkit.words import nearest_float

__all__ = ["NotClose", "clean_network", "close"]

#: how long the sign of a unit is looked at
_SIGN_SECONDS = 1.0
#: binary digits of the tolerance that is shown
_BITS = 40


class NotClose(Exception):
    """No proof was found; ``upper`` bounds the difference all the same, where it is known."""

    def __init__(self, why: str, upper: float = math.inf) -> None:
        super().__init__(why)
        self.upper = upper


# --- the clean network ----------------------------------------------------------------------------------


def clean_network(form: CanonicalForm) -> dict[str, Any]:
    """A network of whole weights, with an exact scale an output, as :meth:`Network.to_dict` writes one.

    Each absolute value is a pair of units; what later layers read is carried along, a number that has two signs by a
    pair of units.
    """
    n = form.n_inputs
    carried: dict[int, dict[int, int]] = {j: {j: 1} for j in range(n)}
    width = n
    weights: list[list[list[int]]] = []
    biases: list[list[int]] = []

    def line(row: Row, scale: Fraction) -> tuple[list[int], int]:
        made, bias = [0] * width, 0
        for j, c in row:
            whole = int(c * scale)
            if j == n:
                bias += whole
            else:
                for i, v in carried[j].items():
                    made[i] += whole * v
        return made, bias

    for depth in range(1, max(form.depths, default=0) + 1):
        later = [row for row, d in zip(form.nodes, form.depths, strict=True) if d > depth]
        needed = {j for row in (*later, *form.outputs) for j, _ in row}
        layer: list[tuple[list[int], int]] = []
        after: dict[int, dict[int, int]] = {}
        for k, row in enumerate(form.nodes):
            if form.depths[k] == depth:
                after[n + 1 + k] = {len(layer): 1, len(layer) + 1: 1}
                layer += _both(line(row, Fraction(1)))
        for j in sorted(needed & set(carried)):
            pair = _both(line(((j, Fraction(1)),), Fraction(1)))
            after[j] = {len(layer): 1} if j > n else {len(layer): 1, len(layer) + 1: -1}
            layer += pair[:1] if j > n else pair
        weights.append([w for w, _ in layer])
        biases.append([b for _, b in layer])
        carried, width = after, len(layer)
    scales = [math.lcm(*(c.denominator for _, c in row)) for row in form.outputs]
    last = [line(row, Fraction(s)) for row, s in zip(form.outputs, scales, strict=True)]
    weights.append([w for w, _ in last])
    biases.append([b for _, b in last])
    return {"weights": weights, "biases": biases, "scale": [f"1/{s}" for s in scales]}


def _both(line: tuple[list[int], int]) -> list[tuple[list[int], int]]:
    """A unit and its opposite."""
    return [line, ([-v for v in line[0]], -line[1])]


# --- what the checker is to read ------------------------------------------------------------------------


def close(
    net: Network,
    near: Snapped,
    stated: dict[str, Any],
    deadline: float,
) -> dict[str, Any]:
    """A certificate for :mod:`circuitkit.difference`, but for the proof that the clean network is the target.

    Args:
        net: the noisy network.
        near: the clean function and the references.
        stated: ``tolerance``, ``measure`` and ``domain``, as certificates say them.
        deadline: as ``time.monotonic()`` counts.

    Raises:
        NotClose: none was found.
    """
    form = ordered(near.n_inputs, list(near.nodes), list(near.outputs))
    clean = clean_network(form)
    problem = pose(stated, clean, clean, deadline)
    program = problem.program
    read_network(program, clean)
    known = len(program.gates)
    references = _References(program, near, problem.homogenised, deadline).of(net)
    gates = [_written(row) for row in program.gates[known:]]
    certificate = {**stated, "clean": clean, "gates": gates, "references": references}
    found = Difference(certificate, net, deadline)
    hunt = _Hunt(found, deadline)
    tree = hunt.run()
    return {**certificate, "tolerance": _text(hunt.shown), "tree": tree}


def _sign_shown(
    program: Program, row: dict[int, Any], sign: int, homogenised: bool, deadline: float
) -> list[Any] | None:
    """The tree of a proof that a row has one sign in all of the domain; None if there is none."""
    by = -sign / abs(row[min(row)])
    claim = Claim({c: by * v for c, v in row.items()}, Q(0), None)
    problem = Problem(program, [claim], homogenised, "")
    until = min(deadline, time.monotonic() + _SIGN_SECONDS)
    try:
        found = exhaust(problem, limit=Fraction(0), deadline=until, most=2000)
        found = found or search(problem, limit=Fraction(0), deadline=until)
    except OutOfTime:
        return None
    if found is None or found.tree is None:
        return None
    try:
        prove_rows(program, [claim], found.tree)
    except Rejected:
        return None
    return found.tree


class _References:
    """What each unit is compared with, as certificates have it.

    A unit near a hyperplane of the clean function is compared with a multiple of that one. Any other unit was to cancel
    with others, or is on or off throughout: it is compared with its own preactivation, as far as the references before
    it say, and those parallel to it with multiples of the same row.
    """

    def __init__(self, program: Program, near: Snapped, homogenised: bool, deadline: float) -> None:
        self.program, self.near, self.deadline = program, near, deadline
        self.homogenised = homogenised
        self.known = {_direction(row) for row in program.gates}
        self.columns: list[dict[int, Any]] = [{j: Q(1)} for j in range(near.n_inputs + 1)]
        #: direction of a row of the rounded network -> the row that stands for it, and its first number
        self.own: dict[Any, tuple[dict[int, Any], Any]] = {}
        self.shown: dict[Any, list[Any] | None] = {}

    def of(self, net: Network) -> list[list[Any]]:
        made: list[list[Any]] = []
        before: list[dict[int, Any]] = [{j: Q(1)} for j in range(net.n_inputs)]
        one = {net.n_inputs: Q(1)}
        for layer, given in enumerate(self.near.references):
            made.append([])
            after = []
            for w, b, near in zip(net.weights[layer], net.biases[layer], given, strict=True):
                numbers = [Fraction(v) for v in (*w.tolist(), float(b))]
                row = _combined(tuple(enumerate(numbers)), [*before, one])
                if layer and (max(numbers) <= 0 or min(numbers) >= 0):
                    # It reads nothing below 0: on, or off, whatever the others are.
                    sign = written = -1 if max(numbers) <= 0 else 1
                    reference = row
                else:
                    sign, reference, written = self.unit(row, *near)
                made[-1].append(written)
                after.append(self.program.relu(reference, sign))
            before = after
        return made

    def unit(self, row: dict[int, Any], near: Row, sign: int) -> tuple[int, dict[int, Any], Any]:
        """The sign of a unit's reference where that has to be shown, the reference, and how it is written."""
        if self.program.plain_sign(row):
            return 0, row, _written(row)
        clean = _combined(near, [self.column(j) for j in range(max(near, default=(0,))[0] + 1)])
        if sign:
            # A clean row may touch 0, which noise may well cross.
            for reference in (clean, row):
                tree = self.sign_shown(reference, sign) if reference else None
                if tree is not None:
                    return sign, reference, [sign, _written(reference), tree]
        if clean and _direction(clean) in self.known:
            return 0, clean, _written(clean)
        if near:
            key, first = _direction(dict(near)), near[0][1]
            if key in self.own:
                stands, its = self.own[key]
                factor = Q(first.numerator, first.denominator) / its
                row = {c: factor * v for c, v in stands.items()}
            else:
                self.own[key] = row, Q(first.numerator, first.denominator)
        return 0, row, _written(row)

    def sign_shown(self, row: dict[int, Any], sign: int) -> list[Any] | None:
        key = sign * (1 if row[min(row)] > 0 else -1), _direction(row)
        if key not in self.shown:
            self.shown[key] = _sign_shown(self.program, row, sign, self.homogenised, self.deadline)
        return self.shown[key]

    def column(self, j: int) -> dict[int, Any]:
        """A column of the rounded form as a row of the program."""
        while len(self.columns) <= j:
            row = _combined(
                self.near.nodes[len(self.columns) - self.near.n_inputs - 1], self.columns
            )
            bent = self.program.relu(row)
            total = {c: -v for c, v in row.items()}
            for c, v in bent.items():
                total[c] = total.get(c, Q(0)) + 2 * v
            self.columns.append({c: v for c, v in total.items() if v})
        return self.columns[j]


def _direction(row: dict[int, Any]) -> tuple[Any, ...]:
    """The same for all multiples of a row."""
    first = row[min(row)]
    return tuple((c, str(v / first)) for c, v in sorted(row.items()))


def _combined(row: Row, columns: Sequence[dict[int, Any]]) -> dict[int, Any]:
    total: dict[int, Any] = {}
    for j, c in row:
        factor = Q(c.numerator, c.denominator)
        for column, value in columns[j].items():
            total[column] = total.get(column, Q(0)) + factor * value
    return {c: v for c, v in total.items() if v}


def _written(row: dict[int, Any]) -> dict[str, int | str]:
    return {str(c): _text(v) for c, v in sorted(row.items())}


def _text(value: Any) -> int | str:
    top, bottom = int(value.numerator), int(value.denominator)
    return top if bottom == 1 else f"{top}/{bottom}"


# --- the tree -------------------------------------------------------------------------------------------


@dataclass
class _Node:
    cell: Cell
    #: how the tree goes on: the start of a node and what follows
    by: tuple[Any, ...] = ("leaf",)
    children: list[_Node] = field(default_factory=list)


class _Hunt:
    """Where to cut: by what helps most at the corner where the bound is worst."""

    def __init__(self, found: Difference, deadline: float) -> None:
        self.found, self.deadline = found, deadline
        self.first = found.program.n + 1
        #: the gates that anything rests on
        self.needed: set[int] = set()
        units = [unit for layer in found.layers for unit in layer]
        todo = [row for _, row in found.outputs] + [found.size or {}]
        todo += [row for unit in units for row in (unit.reference, unit.rest)]
        while todo:
            fresh = {c - self.first for c in todo.pop() if c >= self.first} - self.needed
            self.needed |= fresh
            todo += [found.program.gates[k] for k in fresh]
        #: the largest difference that the leaves leave possible, relative to the size
        self.most: Any = Q(0)

    def run(self) -> list[Any]:
        """A tree for the checker.

        Raises:
            NotClose: there is none, or no time to find it.
        """
        root = _Node(self.found.whole())
        waiting = [root]
        while waiting:
            if time.monotonic() > self.deadline:
                raise NotClose("out of time")
            node = waiting.pop()
            bounds = self.found.bounds(node.cell.corners)
            if self.found.close(bounds):
                shares = [bounds.most(i) / size for i, size in enumerate(bounds.sizes) if size > 0]
                self.most = max([self.most, *shares])
            else:
                self.cut(node, bounds)
                waiting += node.children
        return _tree(root)

    @property
    def shown(self) -> Any:
        """A tolerance of few digits that the leaves show."""
        top = self.most * 2**_BITS
        few = Q(-(-int(top.numerator) // int(top.denominator)), 2**_BITS)
        return min(few, self.found.tolerance)

    def cut(self, node: _Node, bounds: Bounds) -> None:
        """Its two parts.

        Raises:
            NotClose: the network is further off at a corner.
        """
        rooms = [self.room(bounds, i) for i in range(len(bounds.sizes))]
        worst = rooms.index(min(rooms))
        corner = node.cell.corners[worst]
        truth = self.found.bounds([corner])
        if self.room(truth, 0) < 0 and not self.found.free:
            size = truth.sizes[0]
            away = nearest_float(_fraction(truth.most(0) / size)) if size else math.inf
            raise NotClose("the network is further off at a point", away)
        gate = self.gate(corner, bounds)
        unit = None if gate and gate[0] > rooms[worst] else self.unit(corner, worst, bounds)
        if unit and (not gate or unit[0] > gate[0]):
            _, layer, k = unit
            node.by = "unit", layer, k
            parts = self.found.at_unit(node.cell, bounds, layer, k)
        elif gate:
            k = gate[1]
            node.by = "gate", k
            parts = self.found.at_gate(node.cell, bounds, k)
        else:
            raise NotClose("a bound is exact and not enough")
        node.children = [_Node(part) for part in parts]

    def room(self, bounds: Bounds, i: int) -> Any:
        """By how much a bound at a corner is below what is allowed there."""
        return self.found.tolerance * bounds.sizes[i] - bounds.most(i)

    def gate(self, corner: Corner, bounds: Bounds) -> tuple[Any, int] | None:
        """The room if one more sign of a gate were known, and that gate; None if all are known."""
        unknown = [k for k, sign in enumerate(bounds.gates) if not sign and k in self.needed]
        best: tuple[Any, int] | None = None
        for k in unknown:
            gates = [*bounds.gates]
            gates[k] = 1 if corner.rows[k] >= 0 else -1
            room = self.room(self.found.bounds([corner], replace(bounds, gates=gates)), 0)
            if best is None or room > best[0]:
                best = room, k
        if best is None:
            return None
        room, k = best
        while not bounds.linear[k]:  # the gates that it rests on come first
            rests = {c - self.first for c in self.found.program.gates[k]}
            k = next((j for j in unknown if j in rests), -1)
            if k < 0:
                return None
        return room, k

    def unit(self, corner: Corner, worst: int, bounds: Bounds) -> tuple[Any, int, int] | None:
        """The room if one more sign of a unit were known, and that unit; None if there is no such."""
        best: tuple[Any, int, int] | None = None
        for layer, signs in enumerate(bounds.units):
            for k, sign in enumerate(signs):
                if sign or any(z[k][0] is not z[k][1] for z in bounds.z[layer]):
                    continue
                units = [[*each] for each in bounds.units]
                units[layer][k] = 1 if bounds.z[layer][worst][k][0] >= 0 else -1
                known = replace(bounds, units=units)
                room = self.room(self.found.bounds([corner], known), 0)
                if best is None or room > best[0]:
                    best = room, layer, k
        return best


def _tree(root: _Node) -> list[Any]:
    made: dict[int, list[Any]] = {}
    todo = [root]
    while todo:
        node = todo[-1]
        if all(id(child) in made for child in node.children):
            made[id(todo.pop())] = [*node.by, *(made[id(c)] for c in node.children)]
        else:
            todo += node.children
    return made[id(root)]


def _fraction(value: Any) -> Fraction:
    """An exact number of the checker, of whichever library it is."""
    return Fraction(int(value.numerator), int(value.denominator))
