r"""Simplify a network exactly: the same function in the fewest kinks, whatever way it was written.

Since :math:`\mathrm{relu}(t) = (t + |t|)/2`, every ReLU network is a sum of a linear part and multiples
of absolute values, whose arguments are again such sums: an *abs-normal form*. Each argument is divided
down to whole numbers without a common factor and given a fixed sign, so that every hyperplane has one
name; units that share a hyperplane then add up, and what cancels is gone. That removes permutations,
scalings, duplicates, opposite, dead and cancelling units. With one hidden layer the form is unique: two
networks are equal as functions iff their forms are. For deeper networks equal forms prove equal
functions, but equal functions may have different forms.

All numbers are exact.

Source: Griewank, "On stable piecewise linearization and generalized algorithmic differentiation"
(2013), for the abs-normal form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import accepts, instance
from circuitkit.exact import regions
from circuitkit.exact.integers import Integers, integers, product
from circuitkit.exact.regions import Program, look_at_the_clock
from circuitkit.functions.pieces import Row, combined, reachable
from circuitkit.functions.target import Target
from circuitkit.network import Network

__all__ = ["CanonicalForm", "canonical_form", "function_form", "ordered"]

_SIGN_NODES = 10  # decide the sign of an argument exactly if it has at most so many kinks itself
_EXACT_FLOAT = 1 << 53
_CHUNK = 64  # rows between two looks at the clock


@dataclass(frozen=True)
class CanonicalForm:
    """A network's function as linear parts and absolute values.

    Columns ``0 .. n_inputs - 1`` are the inputs, column ``n_inputs`` is the constant 1, column
    ``n_inputs + 1 + k`` is the absolute value of ``nodes[k]``. Two forms that are equal are the same
    function.

    Attributes:
        n_inputs: how many numbers the function takes.
        nodes: the arguments of the absolute values: rows of whole numbers without a common factor, the
            first one positive, each reading only columns before its own.
        outputs: one row an output.
    """

    n_inputs: int
    nodes: tuple[Row, ...]
    outputs: tuple[Row, ...]

    @property
    def n_kinks(self) -> int:
        """How many absolute values there are; 0 for an affine function."""
        return len(self.nodes)

    @property
    def is_homogeneous(self) -> bool:
        """Whether no constant appears, so that f(c x) = c f(x) for c > 0."""
        return all(j != self.n_inputs for row in (*self.nodes, *self.outputs) for j, _ in row)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """For each node how deeply absolute values are nested in it, itself included."""
        depths: list[int] = []
        for row in self.nodes:
            inner = (depths[j - self.n_inputs - 1] for j, _ in row if j > self.n_inputs)
            depths.append(1 + max(inner, default=0))
        return tuple(depths)

    def __call__(self, x: Sequence[Fraction | int]) -> list[Fraction]:
        """The exact values at ``x``."""
        columns = [*(Fraction(v) for v in x), Fraction(1)]
        for row in self.nodes:
            columns.append(abs(sum((c * columns[j] for j, c in row), Fraction(0))))
        return [sum((c * columns[j] for j, c in row), Fraction(0)) for row in self.outputs]

    def add_to(self, made: Program, *, homogeneous: bool, deadline: float = math.inf) -> None:
        """Append this function to a program of the region engine, before the deadline."""
        _add_form(made, self, homogeneous, deadline)


@accepts(net=instance(Network))
def canonical_form(net: Network, *, deadline: float = math.inf) -> CanonicalForm:
    """The network's function in abs-normal form.

    Args:
        net: the network.
        deadline: the value of ``time.monotonic()`` after which to give up.

    Raises:
        TypeError: ``net`` is not a Network.
        OutOfTime: the deadline passed.

    Example:
        relu(x) - relu(-x) + relu(2x) - 2 relu(x) is x:

        >>> net = Network([[[1], [-1], [2], [1]], [[1, -1, 1, -2]]])
        >>> canonical_form(net)
        CanonicalForm(n_inputs=1, nodes=(), outputs=(((0, Fraction(1, 1)),),))
    """
    builder = _Builder(net.n_inputs, deadline)
    rows = builder.run(net)
    return _settled(net.n_inputs, builder.sparse_nodes(), rows, deadline)


def function_form(target: Target) -> CanonicalForm:
    """The form of a piecewise linear target with rational numbers (as :func:`circuitkit.prove` takes).

    Example:
        >>> from circuitkit.functions.target import target
        >>> function_form(target("max(x, -x)")) == function_form(target("abs"))
        True
    """
    pieces = target.exact_pieces
    n = pieces.n_inputs
    nodes: list[Row] = []
    known: dict[Row, int] = {}
    one, half = Fraction(1), Fraction(1, 2)
    #: what each column of the pieces is in columns of the form
    meaning: dict[int, Row] = {j: ((j, one),) for j in range(n + 1)}

    def read(row: Row) -> Row:
        return combined(*((c, meaning[j]) for j, c in row))

    def absolute(row: Row) -> Row:
        if all(j == n for j, _ in row):
            return tuple((j, abs(c)) for j, c in row)
        node = _primitive(row)
        if node not in known:
            known[node] = n + 1 + len(nodes)
            nodes.append(node)
        return ((known[node], abs(row[0][1] / node[0][1])),)

    def larger(a: Row, b: Row) -> Row:
        return combined((half, a), (half, b), (half, absolute(combined((one, a), (-one, b)))))

    for k, node in enumerate(pieces.nodes):
        rows = [read(row) for row in node]
        while len(rows) > 1:
            pairs = [larger(a, b) for a, b in zip(rows[::2], rows[1::2], strict=False)]
            rows = pairs + rows[len(rows) - len(rows) % 2 :]
        meaning[n + 1 + k] = rows[0]
    return _settled(n, nodes, [read(row) for row in pieces.outputs])


# --- layer by layer, with integer matrices ----------------------------------------------------------


class _Builder:
    """Runs a network on rows over the columns: inputs, 1, absolute values met so far."""

    def __init__(self, n: int, deadline: float) -> None:
        self.n = n
        self.deadline = deadline
        #: normalized argument (without trailing zeros, as bytes or tuple) -> its column
        self.columns: dict[Any, int] = {}
        self.nodes: list[Integers] = []

    def run(self, net: Network) -> list[Row]:
        n = self.n
        rows = integers(np.eye(n, n + 1, dtype=int).tolist())
        scale = 1
        last = len(net.weights) - 1
        for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            weights, bias, denominator = _whole(w, b)
            rows = self.product(weights, rows)
            if bias.any():
                rows = _plus_constant(rows, n, bias, scale)
            scale *= denominator
            if i < last:
                rows, scale = self.relu(rows, scale, *_known_signs(weights, bias, first=i == 0))
        return [combined((net.scale, self.sparse(row, scale))) for row in rows]

    def product(self, weights: Integers, rows: Integers) -> Integers:
        """``weights @ rows``, a few rows at a time, so that a deadline is kept."""
        parts = []
        for start in range(0, len(weights), _CHUNK):
            look_at_the_clock(self.deadline)
            parts.append(_product(weights[start : start + _CHUNK], rows))
        return np.concatenate(parts)

    def relu(
        self, rows: Integers, scale: int, always: NDArray[np.bool_], never: NDArray[np.bool_]
    ) -> tuple[Integers, int]:
        """The activations: half of the preactivation plus its absolute value, where both signs occur."""
        found: list[tuple[int, int, int]] = []  # (row, column, factor)
        kept = np.zeros(len(rows), dtype=np.int64)  # how often the row itself counts, of two
        divisors = np.gcd.reduce(rows, axis=1) if rows.size else np.zeros(len(rows), dtype=np.int64)
        width = rows.shape[1]
        for k, row in enumerate(rows):
            if not k % _CHUNK:
                look_at_the_clock(self.deadline)
            divisor = int(divisors[k])
            if not divisor or never[k]:
                continue
            support = np.flatnonzero(row)
            nonnegative = (support >= self.n).all()  # 1 and absolute values
            if always[k] or (nonnegative and (row[support] > 0).all()):
                kept[k] = 2
                continue
            if nonnegative and (row[support] < 0).all():
                continue
            kept[k] = 1
            sign = 1 if row[support[0]] > 0 else -1
            node = row // (divisor * sign)
            key = tuple(node[: support[-1] + 1].tolist())
            column = self.columns.get(key)
            if column is None:
                column = self.n + 1 + len(self.nodes)
                self.columns[key] = column
                self.nodes.append(node)
            found.append((k, column, divisor))
        total = self.n + 1 + len(self.nodes)
        doubled = np.zeros((len(rows), total), dtype=rows.dtype)
        doubled[:, :width] = rows * kept[:, None]
        for k, column, factor in found:
            doubled[k, column] += factor
        common = math.gcd(2 * scale, *(int(v) for v in np.unique(doubled)))
        if common >= 1 << 62:  # of units that are all off: 0 divided by a large scale
            doubled = doubled.astype(object)
        return doubled // common, 2 * scale // common

    def sparse_nodes(self) -> list[Row]:
        return [self.sparse(node) for node in self.nodes]

    def sparse(self, row: Integers, scale: int = 1) -> Row:
        look_at_the_clock(self.deadline)
        return tuple((j, Fraction(int(row[j]), scale)) for j in np.flatnonzero(row).tolist())


def _whole(w: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[Integers, Integers, int]:
    """Weights and biases times their common denominator."""
    ratios = [v.as_integer_ratio() for v in (*w.ravel().tolist(), *b.tolist())]
    denominator = max((q for _, q in ratios), default=1)  # powers of two: the largest is common
    flat = [p * (denominator // q) for p, q in ratios]
    weights = integers([flat[: w.size]])[0].reshape(w.shape)
    return weights, integers([flat[w.size :]])[0], denominator


def _known_signs(
    weights: Integers, bias: Integers, *, first: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which units are on, and which off, for every input: activations are never negative."""
    rises, falls = (weights >= 0).all(axis=1), (weights <= 0).all(axis=1)
    if first:
        rises = falls = rises & falls
    return rises & (bias >= 0), falls & (bias <= 0)


def _product(a: Integers, b: Integers) -> Integers:
    """``a @ b`` exactly; through floats where every sum stays below 2**53, which is much faster."""
    used = np.flatnonzero((b != 0).any(axis=0)) if b.size else np.arange(0)
    result: Integers
    if a.dtype != object and b.dtype != object and a.size and b.size:
        top = int(np.abs(a).max()) * int(np.abs(b).max()) * b.shape[0]
        if top < _EXACT_FLOAT:
            whole: Integers = np.rint(a.astype(float) @ b.astype(float)).astype(np.int64)
            return whole
    part = product(a, b[:, used])
    result = np.zeros((a.shape[0], b.shape[1]), dtype=part.dtype)
    result[:, used] = part
    return result


def _plus_constant(rows: Integers, n: int, bias: Integers, scale: int) -> Integers:
    small = rows.dtype != object and bias.dtype != object
    if not small or int(np.abs(bias).max()) * scale + int(np.abs(rows).max()) >= 1 << 62:
        rows, bias = rows.astype(object), bias.astype(object)
    rows = rows.copy()
    rows[:, n] += bias * scale
    return rows


# --- settling: signs that are known, one order for all ----------------------------------------------


def _settled(
    n: int, nodes: list[Row], outputs: list[Row], deadline: float = math.inf
) -> CanonicalForm:
    """Only nodes that are read, none whose sign is known, in an order that forgets how they came."""
    form = ordered(n, nodes, outputs, deadline=deadline)
    while True:
        found = _known_sign(form, deadline)
        if found is None:
            return form
        column, sign = found
        form = ordered(n, list(form.nodes), list(form.outputs), {column: sign}, deadline)


def ordered(
    n: int,
    nodes: list[Row],
    outputs: list[Row],
    signs: Mapping[int, int] | None = None,
    deadline: float = math.inf,
) -> CanonicalForm:
    """Only the nodes that are read, level by level, in an order that forgets how they came.

    Args:
        n: how many inputs.
        nodes: the arguments of the absolute values, each reading only columns before its own.
        outputs: one row an output.
        signs: columns of nodes whose argument is never negative (1) or never positive (-1): |y| is then
            y or -y throughout.
        deadline: the value of ``time.monotonic()`` after which to give up.

    Raises:
        OutOfTime: the deadline passed.
    """
    while True:
        made, rows = _rewritten(n, nodes, outputs, signs or {}, deadline)
        # What became one, or constant, or lost its sign may leave others unread or less deep.
        if made == nodes and rows == outputs:
            return CanonicalForm(n, tuple(made), tuple(rows))
        nodes, outputs, signs = made, rows, None


def _rewritten(
    n: int, nodes: list[Row], outputs: list[Row], signs: Mapping[int, int], deadline: float
) -> tuple[list[Row], list[Row]]:
    """One pass from the inputs to the outputs: ``meaning`` is what each old column is in the new ones.

    A node that is read anew may have another factor or sign, be constant, or be the row of another
    node: what it was divided by stays in its meaning, the one place where columns are renamed.
    """
    needed = reachable(n, [(row,) for row in nodes], outputs)
    depth: dict[int, int] = {}
    for j in needed:
        depth[j] = 1 + max((depth[i] for i, _ in nodes[j - n - 1] if i > n), default=0)
    meaning: dict[int, Row] = {j: ((j, Fraction(1)),) for j in range(n + 1)}

    def read(row: Row) -> Row:
        look_at_the_clock(deadline)
        return combined(*((c, meaning[j]) for j, c in row))

    made: list[Row] = []
    known: dict[Row, int] = {}
    for level in sorted(set(depth.values())):
        arguments = []
        for j in (j for j in needed if depth[j] == level):
            row = read(nodes[j - n - 1])
            if j in signs:
                meaning[j] = tuple((i, c * signs[j]) for i, c in row)
            elif all(i == n for i, _ in row):
                meaning[j] = tuple((i, abs(c)) for i, c in row)
            else:
                primitive = _primitive(row)
                arguments.append((primitive, j, abs(row[0][1] / primitive[0][1])))
        for row, j, factor in sorted(arguments):
            if row not in known:
                known[row] = n + 1 + len(made)
                made.append(row)
            meaning[j] = ((known[row], factor),)
    return made, [read(row) for row in outputs]


def _primitive(row: Row) -> Row:
    """Whole numbers without a common factor, the first one positive."""
    numerator = math.gcd(*(c.numerator for _, c in row))
    denominator = math.lcm(*(c.denominator for _, c in row))
    factor = Fraction(denominator, numerator) * (1 if row[0][1] > 0 else -1)
    return tuple((j, c * factor) for j, c in row)


def _known_sign(form: CanonicalForm, deadline: float) -> tuple[int, int] | None:
    """The column of the first |y| whose y never changes its sign, and that sign; None if there is none."""
    for k, row in enumerate(form.nodes):
        if form.depths[k] == 1:
            continue  # a plane has two sides
        sign = _sign(form, row, deadline)
        if sign:
            return form.n_inputs + 1 + k, sign
    return None


def _sign(form: CanonicalForm, row: Row, deadline: float) -> int:
    """1 if the row is never negative, -1 if never positive, 0 if it is both or that is not known."""
    n = form.n_inputs
    if all(j >= n for j, _ in row):
        if all(c > 0 for _, c in row):
            return 1
        if all(c < 0 for _, c in row):
            return -1
    part = ordered(n, list(form.nodes), [row], deadline=deadline)
    if part.n_kinks > _SIGN_NODES:
        return 0
    # Values at a few points settle most cases: both signs were seen.
    seen = {(v > 0) - (v < 0) for x in _probes(n) for v in part(x)}
    if {1, -1} <= seen:
        return 0
    homogeneous = part.is_homogeneous
    made = Program(n + (0 if homogeneous else 1))
    part.add_to(made, homogeneous=homogeneous, deadline=deadline)
    positive = negative = False
    cone = regions.domain_cone(n, homogeneous=homogeneous, box=None)
    for cell in regions.cells(made, cone, deadline):
        on_lines, on_rays = cell.cone.values(cell.outputs[0])
        positive |= bool((on_rays > 0).any() or on_lines.any())
        negative |= bool((on_rays < 0).any() or on_lines.any())
        if positive and negative:
            return 0
    return 1 if positive else -1


def _probes(n: int) -> list[list[int]]:
    rng = np.random.default_rng(0)
    points = rng.integers(-99, 100, size=(24, n)) * rng.choice([1, 1, 100], size=(24, 1))
    return [*points.tolist(), [0] * n]


# --- for the region engine --------------------------------------------------------------------------


def _add_form(made: Program, form: CanonicalForm, homogeneous: bool, deadline: float) -> None:
    """Stages of relu(y), one for each depth; |y| = 2 relu(y) - y."""
    n = form.n_inputs
    #: what |node| is over (block, column): block 0 the coordinates, later ones the stages' units
    meaning: list[dict[tuple[int, int], Fraction]] = []
    spelled: dict[int, dict[tuple[int, int], Fraction]] = {}
    scale_of = {0: 1}

    def spell(row: Row) -> dict[tuple[int, int], Fraction]:
        look_at_the_clock(deadline)
        total: dict[tuple[int, int], Fraction] = {}
        for j, c in row:
            parts = {(0, j): Fraction(1)} if j <= n else meaning[j - n - 1]
            for key, value in parts.items():
                total[key] = total.get(key, Fraction(0)) + c * value
        return {k: v for k, v in total.items() if v}

    def matrices(rows: list[dict[tuple[int, int], Fraction]]) -> tuple[dict[int, Integers], int]:
        scaled = [{k: v / scale_of[k[0]] for k, v in row.items()} for row in rows]
        return regions.scaled_matrices(scaled, widths)

    widths = {0: made.dimension}
    by_depth: dict[int, list[int]] = {}
    for k, depth in enumerate(form.depths):
        by_depth.setdefault(depth, []).append(k)
    meaning = [{} for _ in form.nodes]
    for depth in sorted(by_depth):
        members = by_depth[depth]
        for k in members:
            spelled[k] = spell(form.nodes[k])
        stage, scale = matrices([spelled[k] for k in members])
        made.stages.append(regions.Stage(stage))
        block = len(made.stages)
        widths[block], scale_of[block] = len(members), scale
        for i, k in enumerate(members):
            meaning[k] = {key: -value for key, value in spelled[k].items()}
            meaning[k][block, i] = Fraction(2)
    made.outputs.append(matrices([spell(row) for row in form.outputs]))
