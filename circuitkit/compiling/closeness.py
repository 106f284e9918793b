r"""Find a proof that a noisy network is close to the clean function that it was rounded to.

The network's units are put beside clean references (:mod:`circuitkit.difference`), which bounds what is between network and
function in one pass. Where that is too loose, a linear program gives the point at which the bound is worst, and the domain
is cut by the sign of what the bound is furthest off at there: of a clean unit, or of the noisy one beside it, so that what
is left between their two kinks is a cell of its own. A bound is exact once all signs are known: the search ends with a
proof, or at a point where the network *is* further off. All of it in floats: the tree that is found is judged by the
checker, in exact numbers.

Source: Bunel and others, "Branch and bound for piecewise linear neural network verification" (2020), for the cuts;
Wang et al., "Beta-CROWN" (2021), for the multiples.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from circuitkit.check import Claim, Problem, Program, Q, Rejected, pose, prove_rows, read_network
from circuitkit.compiling.snap import Snapped
from circuitkit.difference import Difference
from circuitkit.exact.canonical import CanonicalForm, ordered
from circuitkit.functions.pieces import Row
from circuitkit.network import Network
from circuitkit.proof.exhaustive import exhaust
from circuitkit.proof.relaxation import silent
from circuitkit.proof.search import OutOfTime, search

__all__ = ["NotClose", "clean_network", "close"]

Array = NDArray[np.float64]
Signs = NDArray[np.int8]

#: cells looked at together
_BATCH = 48
#: how many cells a claim may take
_MOST_CELLS = 4000
#: near a kink is at most this share of the way to the end of the cell
_NARROW = 0.25
#: what one has to pay for violating a cut in a linear program
_DEAR = 1e3
#: a violation of less is none
_TINY = 1e-8
#: and a multiple of one over this
_FINER = 2.0**40
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
                sign, reference, written = self.unit(row, *near)
                made[-1].append(written)
                after.append(self.program.relu(reference, sign))
            before = after
        return made

    def unit(self, row: dict[int, Any], near: Row, sign: int) -> tuple[int, dict[int, Any], Any]:
        """The sign of a unit's reference where that has to be shown, the reference, and how it is written."""
        if self.program.plain_sign(row):
            return 0, row, _written(row)
        if sign:
            tree = self.sign_shown(row, sign)
            if tree is not None:
                return sign, row, [sign, _written(row), tree]
        clean = _combined(near, [self.column(j) for j in range(max(near, default=(0,))[0] + 1)])
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
        key = sign, _direction(row)
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


# --- in floats ------------------------------------------------------------------------------------------


@dataclass
class _Layer:
    """A hidden layer's units in floats, see :class:`circuitkit.difference.Unit`."""

    #: the number of its first unit, units of all layers being counted
    start: int
    weights: Array
    rest: Array
    reference: Array
    active: Array
    gate: NDArray[np.intp]
    #: between which the reference lies everywhere
    low: Array
    high: Array
    #: what of its gate's row the reference is, 1 or -1 where there is no gate
    factor: Array
    #: between which the preactivation is away from the reference
    less: Array
    more: Array

    @property
    def units(self) -> slice:
        """Its units among those of all layers."""
        return slice(self.start, self.start + len(self.weights))


@dataclass
class _Cells:
    """What is known in some cells: one row a cell, a column each gate and each unit."""

    #: between which the gates' rows lie
    low: Array
    high: Array
    #: the signs of units, 0 where they are open
    units: Signs

    def repeated(self, count: int) -> _Cells:
        """The first cell, as often as that."""
        return _Cells(
            self.low[:1].repeat(count, 0),
            self.high[:1].repeat(count, 0),
            self.units[:1].repeat(count, 0),
        )


@dataclass
class _Node:
    cell: _Cells
    #: what it was cut by: (gate, 1 where its row is above the number, the number), and units
    gates: tuple[tuple[int, int, float], ...] = ()
    units: tuple[int, ...] = ()
    #: how the tree goes on: the start of a node and what follows
    by: tuple[Any, ...] = ()
    children: list[_Node] = field(default_factory=list)
    leaf: list[Any] | None = None


@dataclass
class _Traced:
    """How a bound came about: a line for each difference of a unit, and for each gate, as ``(weight, ...)``."""

    layers: list[tuple[_Layer, Array, Array, Array, Array, Array]] = field(default_factory=list)
    weight: Array = field(default_factory=lambda: np.zeros(0))
    slope: Array = field(default_factory=lambda: np.zeros(0))
    extra: Array = field(default_factory=lambda: np.zeros(0))


class _Hunt:
    def __init__(self, found: Difference, deadline: float) -> None:
        self.found, self.deadline = found, deadline
        program = found.program
        self.n1 = program.n + 1
        self.low = np.array([float_of(a) for a, _ in program.box])
        self.high = np.array([float_of(b) for _, b in program.box])
        self.rows = self.dense(program.gates)
        self.levels = self.by_level()
        self.n_units = sum(map(len, found.layers))
        self.root = self.gate_bounds()
        self.layers: list[_Layer] = []
        for units in found.layers:
            self.layers.append(self.layer(units))
        #: the layer of each unit
        self.owner = np.repeat(np.arange(len(self.layers)), [len(u.gate) for u in self.layers])
        #: how near a gate's kink units that are compared with it may have another sign than it
        self.near = self.nearness()
        self.tolerance = float_of(found.tolerance)
        #: the tolerance that was shown, exactly a little above what floats say
        self.shown: Any = found.tolerance
        self.spared = math.inf
        self.solver = silent()
        for name, value in (("threads", 1), ("presolve", "off"), ("solver", "simplex")):
            self.solver.setOptionValue(name, value)

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

    def gate_bounds(self) -> _Cells:
        """What is known in all of the domain."""
        count = len(self.rows)
        self.root = _Cells(
            np.full((1, count), -1.0),  # until they are known
            np.full((1, count), 1.0),
            np.zeros((1, self.n_units), dtype=np.int8),
        )
        for members in self.levels:
            self.root.low[0, members], self.root.high[0, members] = self.ends(self.rows[members])
            given = [k for k in members.tolist() if k in self.found.program.signs]
            self.root.low[0, given] = np.maximum(self.root.low[0, given], 0.0)
        return self.root

    def ends(self, rows: Array, weights: Array | None = None) -> tuple[Array, Array]:
        """Numbers between which rows, plus weighted differences of the last layer so far, lie."""
        count = len(rows)
        both = np.concatenate([rows, -rows])
        cells = self.root.repeated(len(both))
        if weights is None:
            linear, constant = self.gates_gone(both, cells)
        else:
            weights = np.concatenate([weights, -weights])
            linear, constant = self.bounded(both, weights, len(self.layers) - 1, cells)
        ends = self.least(linear) + constant
        return ends[:count], -ends[count:]

    def layer(self, units: Any) -> _Layer:
        gate = np.array([-1 if u.gate is None else u.gate for u in units], dtype=np.intp)
        factor = np.array([float_of(u.factor) for u in units])
        reference = self.dense([u.reference for u in units])
        low, high = self.ends(reference)
        weights = np.array([[float_of(v) for v in u.weights] for u in units])
        rest = self.dense([u.rest for u in units])
        return _Layer(
            sum(len(made.gate) for made in self.layers),
            weights,
            rest,
            reference,
            self.dense([u.active for u in units]),
            gate,
            low,
            high,
            factor,
            *self.ends(rest, weights),
        )

    def nearness(self) -> list[float]:
        near = [0.0] * len(self.rows)
        for made in self.layers:
            for k, by, less, more in zip(
                made.gate.tolist(), made.factor, made.less, made.more, strict=True
            ):
                if k >= 0:
                    near[k] = max(near[k], max(-less, more) / abs(by))
        return [math.ceil(v * _FINER) / _FINER for v in near]

    def least(self, linear: Array) -> Array:
        found: Array = np.where(linear > 0, linear * self.low, linear * self.high).sum(axis=1)
        return found

    # --- a row from below, as the checker does it ---------------------------------------------------------

    def bounded(
        self,
        rows: Array,
        weights: Array,
        layer: int,
        cells: _Cells,
        traced: _Traced | None = None,
    ) -> tuple[Array, Array]:
        """Linear rows and constants below each row plus weighted differences of a layer."""
        total = rows.copy()
        constant = np.zeros(len(rows))
        for made in self.layers[layer::-1] if layer >= 0 else ():
            on_difference, on_reference, on_active, extra = self.lines(made, weights, cells)
            if traced is not None:
                traced.layers.append(
                    (made, weights[0], on_difference[0], on_reference[0], on_active[0], extra[0])
                )
            constant += extra.sum(axis=1)
            total += on_difference @ made.rest + on_reference @ made.reference
            total += on_active @ made.active
            weights = on_difference @ made.weights
        linear, more = self.gates_gone(total, cells, traced)
        return linear, constant + more

    def lines(
        self, made: _Layer, weights: Array, cells: _Cells
    ) -> tuple[Array, Array, Array, Array]:
        """What weighted differences are replaced by, see :meth:`circuitkit.difference.Difference.line`."""
        known = cells.units[:, made.units]
        down, up = self.references(made, cells)
        on, off, rises = down >= 0, (up <= 0) & (down < 0), weights > 0
        low = np.where(
            on,
            -(up + made.more),
            np.where(off, down + made.less, np.where(rises, -made.more, made.less)),
        )
        high = np.where(
            on,
            -(down + made.less),
            np.where(off, up + made.more, np.where(rises, -made.less, made.more)),
        )
        weight = np.where(on | off, weights, -np.abs(weights))
        slope, extra = _relu(weight, low, high)
        on_difference = np.where(on, weights - slope, np.where(off | ~rises, slope, -slope))
        on_reference = np.where(on, -slope, np.where(off, slope, 0.0))
        exact = np.where(known > 0, weights, 0.0)
        return (
            np.where(known, exact, on_difference),
            np.where(known, exact, on_reference),
            np.where(known, -weights, 0.0),
            np.where(known, 0.0, extra),
        )

    def references(self, made: _Layer, cells: _Cells) -> tuple[Array, Array]:
        """Numbers between which a layer's references lie in some cells."""
        size = (len(cells.units), len(made.gate))
        fixed = made.factor > 0
        low = np.broadcast_to(np.where(fixed, np.maximum(made.low, 0.0), made.low), size)
        high = np.broadcast_to(np.where(fixed, made.high, np.minimum(made.high, 0.0)), size)
        if not len(self.rows):
            return low, high
        ends = made.factor * cells.low[:, made.gate], made.factor * cells.high[:, made.gate]
        owned = made.gate >= 0
        return np.where(owned, np.minimum(*ends), low), np.where(owned, np.maximum(*ends), high)

    def gates_gone(
        self, total: Array, cells: _Cells, traced: _Traced | None = None
    ) -> tuple[Array, Array]:
        total = total.copy()
        constant = np.zeros(len(total))
        if traced is not None:
            traced.weight, traced.slope, traced.extra = np.zeros((3, len(self.rows)))
        for members in reversed(self.levels):
            c = total[:, self.n1 + members]
            slope, extra = _relu(c, cells.low[:, members], cells.high[:, members])
            if traced is not None:
                traced.weight[members], traced.slope[members] = c[0], slope[0]
                traced.extra[members] = extra[0]
            constant += extra.sum(axis=1)
            total[:, self.n1 + members] = 0
            total += slope @ self.rows[members]
        return total[:, : self.n1], constant

    # --- what is there in truth ---------------------------------------------------------------------------

    def truth(self, x: Array) -> tuple[Array, list[tuple[Array, Array, Array]]]:
        """The columns at a point of the box; and each layer's references, differences before and after relu."""
        columns = np.zeros(self.n1 + len(self.rows))
        columns[: self.n1] = x
        for members in self.levels:
            columns[self.n1 + members] = np.maximum(self.rows[members] @ columns, 0.0)
        layers: list[tuple[Array, Array, Array]] = []
        after = np.zeros(0)
        for made in self.layers:
            r, delta = made.reference @ columns, made.rest @ columns
            if layers:
                delta = delta + made.weights @ after
            after = np.maximum(r + delta, 0.0) - np.maximum(r, 0.0)
            layers.append((r, delta, after))
        return columns, layers

    def furthest(
        self,
        node: _Node,
        passes: Sequence[tuple[Array, Array, int]],
        columns: Array,
        layers: list[tuple[Array, Array, Array]],
    ) -> tuple[float, int | str]:
        """By how much the worst line of some bounds is off at a point, and whose sign would mend that.

        Each bound is of a row plus weighted differences of a layer.
        """
        best: tuple[float, int | str] = (0.0, -1)
        v = self.rows @ columns
        is_open = (node.cell.low[0] < 0) & (node.cell.high[0] > 0)
        for row, weights, layer in passes:
            traced = _Traced()
            self.bounded(row[None], weights[None], layer, node.cell, traced)
            if len(self.rows):
                off = traced.weight * np.maximum(v, 0.0) - traced.slope * v - traced.extra
                off = np.where(is_open, off, 0.0)
                k = int(np.argmax(off))
                if off[k] > best[0]:
                    best = float(off[k]), k
            for i, (made, w, a, b, c, extra) in enumerate(traced.layers):
                r, delta, after = layers[layer - i]
                off = w * after - a * delta - b * r - c * np.maximum(r, 0.0) - extra
                off = np.where(node.cell.units[0, made.units] == 0, off, 0.0)
                k = int(np.argmax(off))
                if off[k] > best[0]:
                    best = float(off[k]), f"{layer - i}:{k}"
        return best

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
        root = _Node(self.root, tuple((k, 1, 0.0) for k in sorted(self.found.program.signs)))
        waiting = [root]
        seen = 0
        while waiting:
            nodes, waiting = waiting[-_BATCH:], waiting[:-_BATCH]
            seen += len(nodes)
            if seen > _MOST_CELLS:
                raise NotClose("too many cells")
            cells = _Cells(
                np.concatenate([v.cell.low for v in nodes]),
                np.concatenate([v.cell.high for v in nodes]),
                np.concatenate([v.cell.units for v in nodes]),
            )
            rows = np.broadcast_to(total, (len(nodes), len(total)))
            weights = np.broadcast_to(outer, (len(nodes), len(outer)))
            linear, constant = self.bounded(rows, weights, len(self.layers) - 1, cells)
            room = self.least(linear) + constant + plain
            for i, node in enumerate(nodes):
                if time.monotonic() > self.deadline:
                    raise NotClose("out of time")
                if room[i] > _MARGIN * self.tolerance:
                    node.leaf = ["leaf"]
                    self.spared = min(self.spared, room[i])
                    continue
                self.settle(node, total, outer, linear[i], constant[i] + plain, plain)
                for child in node.children:
                    waiting += child.children or [child]
        return _tree(root)

    def settle(
        self, node: _Node, total: Array, outer: Array, linear: Array, constant: float, plain: float
    ) -> None:
        """Make it a leaf with the multiples that a linear program finds, or cut it.

        Raises:
            NotClose: the network is further off, or what is between is lost in rounding.
        """
        x = np.where(linear > 0, self.low, self.high)
        if node.gates or node.units:
            below, extra = self.sides(node)
            x, values = self.multiples(linear, constant, below, extra)
            room = float(self.least((linear + values @ below)[None])[0])
            room += constant + float(values @ extra)
            if room > _MARGIN * self.tolerance:
                self.spared = min(self.spared, room)
                node.leaf = ["leaf", self.written(node, values)]
                return
        columns, layers = self.truth(x)
        value = float(total @ columns + plain)
        if layers:
            value += float(outer @ layers[-1][2])
        if value < -_MARGIN * self.tolerance and not self.found.program.signs:
            raise NotClose("the network is further off at a point", self.tolerance - value)
        passes = [(total, outer, len(self.layers) - 1)]
        off, by = self.furthest(node, passes, columns, layers)
        if off <= _MARGIN * self.tolerance:  # then what the cuts say is not known well at the point
            passes = [(-sign * self.rows[k], outer[:0], -1) for k, sign, _ in node.gates]
            passes += [self.preactivation(node, unit) for unit in node.units]
            off, by = self.furthest(node, passes, columns, layers)
        if off <= _MARGIN * self.tolerance:
            raise NotClose("a bound is exact and not enough")
        self.cut(node, by)

    def multiples(
        self, linear: Array, constant: float, below: Array, extra: Array
    ) -> tuple[Array, Array]:
        """Where a row is least in a cell; and multiples of what is at most 0 there that show it."""
        x, values, by = self.linear_program(linear, _DEAR, below, extra)
        if by <= _TINY:
            return x, values
        _, shown, apart = self.linear_program(0 * linear, 1.0, below, extra)
        if apart <= _TINY:
            return self.linear_program(linear, _DEAR**2, below, extra)[:2]
        # The cell is empty: a large multiple of what shows that is above anything.
        least = float(self.least(linear[None])[0]) + constant
        return x, shown * 2.0 ** math.ceil(math.log2(max(self.tolerance - least, 1e-12) / apart))

    def linear_program(
        self, linear: Array, price: float, below: Array, extra: Array
    ) -> tuple[Array, Array, float]:
        """Where a row is least while others are at most 0; and multiples of these that show it.

        What a cut says may be violated, for a price: so there is an answer where a cell is empty, too.
        The last number is by how much it is.
        """
        count, width = below.shape
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = width + 1, count
        model.col_cost_ = np.append(linear, price)
        model.col_lower_ = np.append(self.low, 0.0)
        model.col_upper_ = np.append(self.high, highspy.kHighsInf)
        model.row_lower_, model.row_upper_ = np.full(count, -highspy.kHighsInf), -extra
        matrix = np.column_stack([below, -np.ones(count)])
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.arange(count + 1, dtype=np.int32) * (width + 1)
        model.a_matrix_.index_ = np.tile(np.arange(width + 1, dtype=np.int32), count)
        model.a_matrix_.value_ = matrix.ravel()
        self.solver.passModel(model)
        if self.solver.run() == highspy.HighsStatus.kError:
            # Somebody else's program has run in this thread, with another number of threads: keep that.
            self.solver.setOptionValue("threads", 0)
            self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise NotClose("a linear program was not solved")
        found = self.solver.getSolution()
        multiples = np.maximum(-np.array(found.row_dual), 0.0)
        multiples = np.round(multiples * 2.0**_BITS) / 2.0**_BITS  # in few digits
        *x, by = found.col_value
        return np.array(x), multiples, by

    def cut(self, node: _Node, by: int | str) -> None:
        """Its parts: on both sides of a gate's kink, and near it; or where a unit is on, and off."""
        if isinstance(by, str):
            layer, k = map(int, by.split(":"))
            made = self.layers[layer]
            low, high = self.references(made, node.cell)
            if low[0, k] >= 0 or high[0, k] <= 0:
                node.by = "split", by
                for sign in (1, -1):
                    units = node.cell.units.copy()
                    units[0, made.start + k] = sign
                    cell = _Cells(node.cell.low, node.cell.high, units)
                    node.children.append(_Node(cell, node.gates, (*node.units, made.start + k)))
                return
            by = int(made.gate[k])  # the clean unit's sign first
        low, high = node.cell.low[0, by], node.cell.high[0, by]
        width = self.near[by]
        if not 0 < width < _NARROW * min(-low, high):
            node.by = "cut", by, 0
            node.children = [self.beyond(node, by, -1, 0.0), self.beyond(node, by, 1, 0.0)]
            return
        node.by = "cut", by, _text(Fraction(width))
        inner = self.beyond(node, by, -1, width)
        inner.by = "cut", by, _text(Fraction(-width))
        inner.children = [self.beyond(inner, by, -1, -width), self.beyond(inner, by, 1, -width)]
        node.children = [inner, self.beyond(node, by, 1, width)]

    def beyond(self, node: _Node, k: int, sign: int, end: float) -> _Node:
        """The part of a cell where a gate's row is above a number (1) or below it (-1)."""
        low, high = node.cell.low.copy(), node.cell.high.copy()
        if sign > 0:
            low[0, k] = max(low[0, k], end)
        else:
            high[0, k] = min(high[0, k], end)
        kept = tuple(each for each in node.gates if each[:2] != (k, sign))
        cell = _Cells(low, high, node.cell.units)
        return _Node(cell, (*kept, (k, sign, end)), node.units)

    def sides(self, node: _Node) -> tuple[Array, Array]:
        """Linear rows and constants that are at most 0 in a cell: below what its cuts say."""
        split = [k for k, _, _ in node.gates]
        sign = np.array([s for _, s, _ in node.gates], dtype=float)
        ends = np.array([s * end for _, s, end in node.gates], dtype=float)
        below, extra = self.gates_gone(
            -sign[:, None] * self.rows[split], node.cell.repeated(len(split))
        )
        parts = [(below, extra + ends)]
        for unit in node.units:
            row, weights, layer = self.preactivation(node, unit)
            parts.append(self.bounded(row[None], weights[None], layer, node.cell))
        return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])

    def preactivation(self, node: _Node, unit: int) -> tuple[Array, Array, int]:
        """What is at most 0 by the sign of a unit: a row, and weights of the differences of a layer."""
        layer = int(self.owner[unit])
        made, k = self.layers[layer], unit - self.layers[layer].start
        by = -float(node.cell.units[0, unit])
        return by * (made.reference[k] + made.rest[k]), by * made.weights[k], layer - 1

    def written(self, node: _Node, values: Array) -> dict[str, int | str]:
        """Multiples as certificates have them."""
        gates: dict[str, Fraction] = {}
        for value, (k, sign, _) in zip(values.tolist(), node.gates, strict=False):
            gates[str(k)] = gates.get(str(k), Fraction(0)) + sign * Fraction(value)
        units = {}
        for unit, value in zip(node.units, values[len(node.gates) :].tolist(), strict=True):
            layer = int(self.owner[unit])
            units[f"{layer}:{unit - self.layers[layer].start}"] = Fraction(value)
        return {name: _text(v) for name, v in (gates | units).items() if v}


def _relu(weight: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """A line ``slope v + extra`` that is nowhere above ``weight relu(v)`` for low <= v <= high."""
    crosses = (low < 0) & (high > 0)
    share = np.divide(high, high - low, out=np.zeros(high.shape), where=crosses)
    # down to a multiple of 2**-30, as the checker writes it
    share = np.floor(share * 2.0**30) / 2.0**30
    rises = weight > 0
    extra = np.where(crosses & ~rises, weight * np.maximum((1 - share) * high, -share * low), 0.0)
    share = np.where(rises, high > -low * (1 + 1e-9), share)
    return np.where(crosses, weight * share, np.where(high > 0, weight, 0.0)), extra


def _tree(root: _Node) -> list[Any]:
    made: dict[int, list[Any]] = {}
    todo = [root]
    while todo:
        node = todo[-1]
        if node.leaf is not None:
            made[id(todo.pop())] = node.leaf
        elif all(id(child) in made for child in node.children):
            made[id(todo.pop())] = [*node.by, *(made[id(c)] for c in node.children)]
        else:
            todo += node.children
    return made[id(root)]


def float_of(value: Any) -> float:
    """An exact number as a float."""
    return int(value.numerator) / int(value.denominator)
