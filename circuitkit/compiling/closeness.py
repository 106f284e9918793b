r"""Find a proof that a noisy network is close to the clean function that it was rounded to.

The network's units are put beside clean references (:mod:`circuitkit.difference`), which bounds what is between network and
function in one pass. Where that is too loose, the domain is cut by the signs of those clean units that cost most, until
every cell is settled; in a cell a linear program gives the multiples of its inequalities. All of it in floats: the tree
that is found is judged by the checker, in exact numbers.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from circuitkit.check import Claim, Problem, Program, Q, Rejected, pose, prove_rows, read_network
from circuitkit.compiling.snap import Snapped
from circuitkit.difference import Difference
from circuitkit.exact.canonical import CanonicalForm, ordered
from circuitkit.functions.pieces import Row
from circuitkit.network import Network
from circuitkit.proof.exhaustive import exhaust
from circuitkit.proof.search import OutOfTime, search

__all__ = ["NotClose", "clean_network", "close"]

Array = NDArray[np.float64]
Signs = NDArray[np.int8]

#: cells looked at together
_BATCH = 48
#: how many cells a claim may take
_MOST_CELLS = 4000
#: how often bounds are computed anew in a cell
_ANEW = 2
#: how long the sign of a unit is looked at
_SIGN_SECONDS = 1.0
#: what floats may be wrong by, relative to the tolerance
_MARGIN = 1e-7
#: binary digits of a reference's scale, and of multiples
_BITS = 32


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
    problem = pose(stated, clean, clean)
    program = problem.program
    read_network(program, clean)
    known = len(program.gates)
    columns = _columns(program, near)
    gates = [_written(row) for row in program.gates[known:]]
    shown: dict[tuple[Any, ...], list[Any] | None] = {}
    references: list[list[Any]] = []
    for layer in near.references:
        references.append([])
        for row, sign in layer:
            made = _combined(row, columns)
            written: Any = _written(made)
            if sign and program.plain_sign(made) != sign:
                key = (sign, *((c, str(v)) for c, v in sorted(made.items())))
                if key not in shown:
                    shown[key] = _sign_shown(program, made, sign, problem.homogenised, deadline)
                if shown[key] is not None:
                    written = [sign, written, shown[key]]
            references[-1].append(written)
    certificate = {**stated, "clean": clean, "gates": gates, "references": references}
    found = Difference(certificate, net, deadline)
    hunt = _Hunt(found, deadline)
    tree = hunt.run()
    return {**certificate, "tolerance": _text(hunt.shown), "tree": tree}


def _sign_shown(
    program: Program, row: dict[int, Any], sign: int, homogenised: bool, deadline: float
) -> list[Any] | None:
    """The tree of a proof that a row has one sign in all of the domain; None if there is none."""
    claim = Claim({c: -sign * v for c, v in row.items()}, Q(0), None)
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


def _columns(program: Program, near: Snapped) -> list[dict[int, Any]]:
    """Each column of the rounded form as a row of the program."""
    columns: list[dict[int, Any]] = [{j: Q(1)} for j in range(near.n_inputs + 1)]
    for node in near.nodes:
        row = _combined(node, columns)
        bent = program.relu(row)
        total = {c: -v for c, v in row.items()}
        for c, v in bent.items():
            total[c] = total.get(c, Q(0)) + 2 * v
        columns.append({c: v for c, v in total.items() if v})
    return columns


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


# --- in floats ------------------------------------------------------------------------------------------


@dataclass
class _Layer:
    """A hidden layer's units in floats, see :class:`circuitkit.difference.Unit`."""

    weights: Array
    rest: Array
    reference: Array
    gate: NDArray[np.intp]
    direction: Signs
    factor: Array
    low: Array
    high: Array
    #: between which the preactivation is away from the reference
    less: Array
    more: Array
    #: gate -> units, 1 where the unit's reference is a multiple of the gate
    owners: Array


@dataclass
class _Node:
    signs: Signs
    split: tuple[int, ...] = ()
    gate: int = -1
    children: list[_Node] = field(default_factory=list)
    leaf: list[Any] | None = None


class _Hunt:
    def __init__(self, found: Difference, deadline: float) -> None:
        self.found, self.deadline = found, deadline
        program = found.program
        self.n1 = program.n + 1
        self.low = np.array([float_of(a) for a, _ in program.box])
        self.high = np.array([float_of(b) for _, b in program.box])
        self.rows = self.dense(program.gates)
        self.levels = self.by_level()
        self.root = np.zeros(len(program.gates), dtype=np.int8)
        for k, sign in program.signs.items():
            self.root[k] = sign
        self.down, self.up = self.gate_bounds()
        self.layers: list[_Layer] = []
        for units in found.layers:
            self.layers.append(self.layer(units))
        self.tolerance = float_of(found.tolerance)
        #: the tolerance that was shown, exactly a little above what floats say
        self.shown: Any = found.tolerance
        self.spared = math.inf

    def dense(self, rows: Sequence[dict[int, Any]]) -> Array:
        made = np.zeros((len(rows), self.n1 + len(self.found.program.gates)))
        for i, row in enumerate(rows):
            for c, v in row.items():
                made[i, c] = float_of(v)
        return made

    def by_level(self) -> list[NDArray[np.intp]]:
        depth: list[int] = []
        for row in self.found.program.gates:
            depth.append(1 + max((depth[c - self.n1] for c in row if c >= self.n1), default=0))
        levels = np.array(depth, dtype=np.intp)
        return [np.flatnonzero(levels == d) for d in range(1, max(depth, default=0) + 1)]

    def gate_bounds(self) -> tuple[Array, Array]:
        count = len(self.rows)
        self.down, self.up = np.full(count, -1.0), np.full(count, 1.0)  # until they are known
        for members in self.levels:
            self.down[members], self.up[members] = self.between(members)
        return self.down, self.up

    def between(self, members: NDArray[np.intp]) -> tuple[Array, Array]:
        """Numbers between which rows of gates lie."""
        both = np.concatenate([self.rows[members], -self.rows[members]])
        signs = np.broadcast_to(self.root, (len(both), len(self.rows)))
        linear, constant, _ = self.gates_gone(both, signs)
        ends = self.least(linear) + constant
        return ends[: len(members)], -ends[len(members) :]

    def renewed(self, signs: Signs) -> _Hunt:
        """The same with bounds that are computed anew in a cell."""
        made = copy.copy(self)
        made.root, made.down, made.up = signs, self.down.copy(), self.up.copy()
        for members in self.levels:
            low, high = made.between(members)
            is_open = (self.down[members] < 0) & (self.up[members] > 0)
            made.down[members] = np.where(
                is_open, np.maximum(low, self.down[members]), self.down[members]
            )
            made.up[members] = np.where(
                is_open, np.minimum(high, self.up[members]), self.up[members]
            )
        made.layers = []
        for old in self.layers:
            new = replace(old)
            owned = new.gate >= 0
            ends = new.factor[owned] * np.array([made.down, made.up])[:, new.gate[owned]]
            new.low, new.high = old.low.copy(), old.high.copy()
            new.low[owned], new.high[owned] = np.sort(ends, axis=0)
            made.apart(new)
            new.less, new.more = np.maximum(new.less, old.less), np.minimum(new.more, old.more)
            made.layers.append(new)
        return made

    def layer(self, units: Any) -> _Layer:
        gate = np.array([-1 if u.gate is None else u.gate for u in units], dtype=np.intp)
        factor = np.array([float_of(u.factor) for u in units])
        reference = self.dense([u.reference for u in units])
        signs = np.broadcast_to(self.root, (len(units), len(self.rows)))
        low, high = (
            sign * (self.least(linear) + constant)
            for sign, (linear, constant, _) in (
                (s, self.gates_gone(s * reference, signs)) for s in (1.0, -1.0)
            )
        )
        owned = gate >= 0
        ends = np.sort(factor[owned] * np.array([self.down, self.up])[:, gate[owned]], axis=0)
        low[owned], high[owned] = ends
        owners = np.zeros((len(units), len(self.rows)))
        owners[np.flatnonzero(owned), gate[owned]] = 1
        made = _Layer(
            np.array([[float_of(v) for v in u.weights] for u in units]),
            self.dense([u.rest for u in units]),
            reference,
            gate,
            np.sign(factor).astype(np.int8),
            factor,
            low,
            high,
            np.zeros(len(units)),
            np.zeros(len(units)),
            owners,
        )
        self.apart(made)
        return made

    def apart(self, made: _Layer) -> None:
        """How far its units are from their references, by what is known of the layers before."""
        both = np.concatenate([made.rest, -made.rest])
        weights = np.concatenate([made.weights, -made.weights])
        signs = np.broadcast_to(self.root, (len(both), len(self.rows)))
        linear, constant, _ = self.bounded(both, weights, len(self.layers) - 1, signs)
        ends = self.least(linear) + constant
        count = len(made.weights)
        made.less, made.more = ends[:count], -ends[count:]

    def least(self, linear: Array) -> Array:
        found: Array = np.where(linear > 0, linear * self.low, linear * self.high).sum(axis=1)
        return found

    # --- a row from below, as the checker does it ---------------------------------------------------------

    def bounded(
        self, rows: Array, weights: Array, layer: int, signs: Signs, multiples: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """Linear rows and constants below each row plus weighted differences; and what each gate costs."""
        total = rows.copy()
        constant = np.zeros(len(rows))
        cost = np.zeros((len(rows), len(self.rows)))
        for made in self.layers[layer::-1] if layer >= 0 else ():
            sign = (
                np.where(
                    made.gate >= 0,
                    self.effective(signs)[:, made.gate] * made.direction,
                    made.direction,
                )
                if len(self.rows)
                else np.broadcast_to(made.direction, weights.shape)
            )
            on, off, up = sign > 0, sign < 0, weights > 0
            low = np.where(
                on,
                -(made.high + made.more),
                np.where(off, made.low + made.less, np.where(up, -made.more, made.less)),
            )
            high = np.where(
                on,
                -(np.maximum(made.low, 0) + made.less),
                np.where(
                    off,
                    np.minimum(made.high, 0) + made.more,
                    np.where(up, -made.less, made.more),
                ),
            )
            weight = np.where(on | off, weights, -np.abs(weights))
            slope, extra = _relu(weight, low, high)
            difference = np.where(on, weights - slope, np.where(off | ~up, slope, -slope))
            on_reference = np.where(on, -slope, np.where(off, slope, 0.0))
            constant += extra.sum(axis=1)
            total += difference @ made.rest + on_reference @ made.reference
            gap = np.where(on | off, 0.0, np.abs(weight) * (high - low) / 2)
            cost += gap @ made.owners
            weights = difference @ made.weights
        linear, more, by_gates = self.gates_gone(total, signs, multiples)
        return linear, constant + more, cost + by_gates

    def effective(self, signs: Signs) -> Signs:
        """Signs as decided, or as the bounds of the gates show them."""
        shown = np.where(self.down >= 0, 1, np.where(self.up <= 0, -1, 0)).astype(np.int8)
        return np.where(signs != 0, signs, shown)

    def gates_gone(
        self, total: Array, signs: Signs, multiples: Array | None = None
    ) -> tuple[Array, Array, Array]:
        total = total.copy()
        constant = np.zeros(len(total))
        cost = np.zeros((len(total), len(self.rows)))
        shown = self.effective(signs) if len(self.rows) else signs
        for members in reversed(self.levels):
            c = total[:, self.n1 + members]
            sign = shown[:, members]
            low, high = self.down[members], self.up[members]
            slope, extra = _relu(c, np.broadcast_to(low, c.shape), np.broadcast_to(high, c.shape))
            is_open = sign == 0
            factor = np.where(is_open, slope, np.where(sign > 0, c, 0.0))
            if multiples is not None:
                factor = factor - sign * multiples[:, members]
            constant += np.where(is_open, extra, 0.0).sum(axis=1)
            room = np.where(is_open, np.abs(c) * np.minimum(high, -low), 0.0)
            cost[:, members] = room
            total[:, self.n1 + members] = 0
            total += factor @ self.rows[members]
        return total[:, : self.n1], constant, cost

    # --- branch and bound -------------------------------------------------------------------------------

    def run(self) -> list[Any]:
        trees = []
        for weights, row in self.found.outputs:
            for sign in (1, -1):
                total = self.dense([{c: -sign * v for c, v in row.items()}])[0]
                if self.found.size is not None:
                    total += self.tolerance * self.dense([self.found.size])[0]
                outer = np.array([-sign * float_of(v) for v in weights])
                plain = self.tolerance if self.found.size is None else 0.0
                trees.append(self.tree(total, outer, plain))
        if self.found.size is None and math.isfinite(self.spared):
            spared = Fraction(max(self.spared - _MARGIN * self.tolerance, 0.0))
            tolerance = Fraction(
                int(self.found.tolerance.numerator), int(self.found.tolerance.denominator)
            )
            shown = Fraction(math.ceil((tolerance - spared) * 2**40), 2**40)
            self.shown = min(tolerance, shown)
        return ["each", *trees]

    def tree(self, total: Array, outer: Array, plain: float) -> list[Any]:
        root = _Node(self.root)
        waiting = [root]
        seen = 0
        while waiting:
            if time.monotonic() > self.deadline:
                raise NotClose("out of time")
            nodes, waiting = waiting[-_BATCH:], waiting[:-_BATCH]
            seen += len(nodes)
            if seen > _MOST_CELLS:
                raise NotClose("too many cells")
            signs = np.array([node.signs for node in nodes])
            rows = np.broadcast_to(total, (len(nodes), len(total)))
            weights = np.broadcast_to(outer, (len(nodes), len(outer)))
            linear, constant, cost = self.bounded(rows, weights, len(self.layers) - 1, signs)
            room = self.least(linear) + constant + plain
            for i, node in enumerate(nodes):
                if room[i] > _MARGIN * self.tolerance:
                    node.leaf = ["leaf"]
                    self.spared = min(self.spared, room[i])
                    continue
                if node.split:
                    leaf = self.settled(node, total, outer, linear[i], constant[i] + plain, plain)
                    if leaf is not None:
                        node.leaf = leaf
                        continue
                gate = int(np.argmax(cost[i])) if cost.shape[1] else -1
                if gate < 0 or cost[i, gate] <= 0:
                    node.leaf = self.looked_at_anew(node, total, outer, plain)
                    if node.leaf is not None:
                        continue
                    raise NotClose(
                        "a cell without open units is not shown", self.tolerance - room[i]
                    )
                node.gate = gate
                for sign in (1, -1):
                    child = node.signs.copy()
                    child[gate] = sign
                    node.children.append(_Node(child, (*node.split, gate)))
                waiting += node.children
        return _tree(root)

    def settled(
        self, node: _Node, total: Array, outer: Array, linear: Array, constant: float, plain: float
    ) -> list[Any] | None:
        """A leaf with the multiples that a linear program finds; None where the claim is not shown yet."""
        split = np.array(node.split)
        given = node.signs[split].astype(float)
        signs = np.broadcast_to(node.signs, (len(split), len(node.signs)))
        below, extra, _ = self.gates_gone(-given[:, None] * self.rows[split], signs)
        found = linprog(
            linear,
            A_ub=below,
            b_ub=-extra,
            bounds=np.column_stack([self.low, self.high]),
            method="highs",
        )
        if found.status == 2:
            return self.empty(node, split, below, extra)
        if found.status != 0:
            return None
        if found.fun + constant <= _MARGIN * self.tolerance:
            return None
        multiples = np.zeros((1, len(self.rows)))
        multiples[0, split] = np.maximum(-found.ineqlin.marginals, 0.0)
        multiples = np.round(multiples * 2.0**_BITS) / 2.0**_BITS
        one, more, _ = self.bounded(
            total[None], outer[None], len(self.layers) - 1, node.signs[None], multiples
        )
        room = float(self.least(one)[0] + more[0] + plain)
        if room <= _MARGIN * self.tolerance:
            return None
        self.spared = min(self.spared, room)
        return ["leaf", _multiples(multiples[0])]

    def looked_at_anew(
        self, node: _Node, total: Array, outer: Array, plain: float
    ) -> list[Any] | None:
        """A leaf with bounds that are computed in its cell, as often as that gains something."""
        view = self
        for times in range(1, _ANEW + 1):
            view = view.renewed(node.signs)
            linear, constant, _ = view.bounded(
                total[None], outer[None], len(self.layers) - 1, node.signs[None]
            )
            room = float(self.least(linear)[0] + constant[0] + plain)
            leaf: list[Any] | None = ["leaf"] if room > _MARGIN * self.tolerance else None
            if leaf is not None:
                self.spared = min(self.spared, room)
            elif node.split:
                leaf = view.settled(node, total, outer, linear[0], constant[0] + plain, plain)
                self.spared = min(self.spared, view.spared)
            if leaf is not None:
                for _ in range(times):
                    leaf = ["anew", leaf]
                return leaf
        return None

    def empty(
        self, node: _Node, split: NDArray[np.intp], below: Array, extra: Array
    ) -> list[Any] | None:
        """A leaf that shows that there is no input in the cell."""
        wide = np.column_stack([below, -np.ones(len(below))])
        found = linprog(
            np.append(np.zeros(self.n1), 1.0),
            A_ub=wide,
            b_ub=-extra,
            bounds=[*zip(self.low, self.high, strict=True), (0, None)],
            method="highs",
        )
        if found.status != 0 or found.fun <= 1e-9:
            return None
        multiples = np.zeros((1, len(self.rows)))
        multiples[0, split] = np.maximum(-found.ineqlin.marginals, 0.0)
        multiples = np.round(multiples * 2.0**_BITS) / 2.0**_BITS
        nothing = np.zeros((1, self.n1 + len(self.rows)))
        linear, more, _ = self.gates_gone(nothing, node.signs[None], multiples)
        if float(self.least(linear)[0] + more[0]) <= 1e-10:
            return None
        return ["empty", _multiples(multiples[0])]


def _relu(weight: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """A line ``slope v + extra`` that is nowhere above ``weight relu(v)`` for low <= v <= high."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(high > low, high / (high - low), 0.0)
        # down to a multiple of 2**-30, as the checker writes it
        share = np.floor(np.clip(np.nan_to_num(share), 0.0, 1.0) * 2.0**30) / 2.0**30
        extra = weight * np.nan_to_num(np.maximum((1 - share) * high, -share * low))
    share = np.where(weight > 0, (high > -low * (1 + 1e-9)).astype(float), share)
    extra = np.where(weight > 0, 0.0, extra)
    slope = np.where(high <= 0, 0.0, np.where(low >= 0, weight, weight * share))
    extra = np.where((high <= 0) | (low >= 0), 0.0, extra)
    return slope, extra


def _multiples(row: Array) -> dict[str, int | str]:
    return {str(k): _text(Fraction(float(row[k]))) for k in np.flatnonzero(row).tolist()}


def _tree(root: _Node) -> list[Any]:
    made: dict[int, list[Any]] = {}
    todo = [root]
    while todo:
        node = todo[-1]
        if node.leaf is not None:
            made[id(todo.pop())] = node.leaf
        elif all(id(child) in made for child in node.children):
            made[id(todo.pop())] = ["split", node.gate, *(made[id(c)] for c in node.children)]
        else:
            todo += node.children
    return made[id(root)]


def float_of(value: Any) -> float:
    """An exact number as a float."""
    return int(value.numerator) / int(value.denominator)
