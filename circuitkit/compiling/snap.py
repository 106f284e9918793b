r"""Round a noisy network to a clean function, layer by layer: a guess, never a verdict.

A trained network is a clean one with noise on every weight. In abs-normal form
(:mod:`circuitkit.exact.canonical`) a unit's activation is :math:`(z + |z|)/2`, so that the input of the next layer
is a sum of inputs, 1 and absolute values; units that share a hyperplane add up there, and what was to cancel is
nearly 0. Each such sum is rounded to simple fractions, as far as noise of an assumed size could have moved it, before
the next layer is read: noise does not pile up.

Every unit keeps the clean row that it was rounded to, its *reference*: that is what a proof that the network is close
to the clean function compares it with (:mod:`circuitkit.difference`).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from circuitkit.exact.regions import OutOfTime
from circuitkit.functions.pieces import Row
from circuitkit.network import Network

__all__ = ["Snapped", "simplest", "snapped"]

Array = NDArray[np.float64]

#: by how many standard deviations noise may have moved a number
_DEVIATIONS = 4.0
#: numbers are not simple if any numbers would be so near to ones as simple, this often
_CHANCE = 0.05
#: binary digits that they keep then
_FINE = 28
#: whole numbers up to this are plain
_PLAIN = 64
#: a fraction of more digits than this is not simple
_SIMPLE = 4096


@dataclass(frozen=True)
class Snapped:
    """A clean function and what each unit of the noisy network was taken for.

    Columns are the inputs, 1 and the absolute values of ``nodes``, as in a canonical form.

    Attributes:
        n_inputs: how many numbers the function takes.
        nodes: rows of whole numbers, the arguments of the absolute values.
        outputs: one row of simple fractions an output.
        references: for each hidden layer and unit the clean row, times what the unit is scaled by, and its
            sign where that looks the same for every input, else 0.
        noise: the relative noise that was assumed.
        zeros: whether weights of 0 were taken to be noisy, too.
    """

    n_inputs: int
    nodes: tuple[Row, ...]
    outputs: tuple[Row, ...]
    references: tuple[tuple[tuple[Row, int], ...], ...]
    noise: float
    zeros: bool = False

    @property
    def bits(self) -> int:
        """How many binary digits all its numbers have: less is simpler."""
        rows = (*self.nodes, *self.outputs)
        return sum(
            abs(c.numerator).bit_length() + c.denominator.bit_length()
            for row in rows
            for _, c in row
        )


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction with the smallest denominator between two numbers.

    Example:
        >>> simplest(Fraction("0.33"), Fraction("0.34")), simplest(Fraction(-1, 2), Fraction(1, 3))
        (Fraction(1, 3), Fraction(0, 1))
    """
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest(-high, -low)
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    whole -= 1
    return whole + 1 / simplest(1 / (high - whole), 1 / (low - whole))


def snapped(
    net: Network,
    noise: float,
    x: Array,
    known: Snapped | None = None,
    *,
    zeros: bool = False,
    deadline: float = math.inf,
) -> Snapped:
    """The clean function near a network whose weights are off by about this, relative to their size.

    Args:
        net: the network.
        noise: the standard deviation of a weight, relative to the weight.
        x: samples of the inputs, shape ``(n_samples, n_in)``: a unit that has one sign at all of them is
            taken to be on, or off, throughout.
        known: the clean function, where that is known already: units that are near none of its hyperplanes
            are compared with rows of their own then, whatever their numbers.
        zeros: whether weights of 0 are noisy, too, as those of a trained network are: of the size of their row.
        deadline: on the clock of ``time.monotonic``.

    Raises:
        OutOfTime: the deadline passed.
        OverflowError: the squares of the weights are beyond the doubles: no noise can be told in them.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # it is looked for
        return _Snap(net, noise, x, known, zeros=zeros, deadline=deadline).run()


class _Snap:
    def __init__(
        self,
        net: Network,
        noise: float,
        x: Array,
        known: Snapped | None,
        *,
        zeros: bool,
        deadline: float,
    ) -> None:
        self.zeros = zeros
        self.deadline = deadline
        self.known = known
        #: the columns of the clean function among those here
        self.place = {j: j for j in range(net.n_inputs + 1)}
        self.net, self.n, self.noise = net, net.n_inputs, noise
        #: the columns at the samples
        self.values = np.column_stack([x, np.ones(len(x))])
        self.nodes: list[Array] = []
        #: what they were rounded from, and by how much noise may have moved that
        self.raw: list[tuple[Array, Array]] = []
        self.clean: list[Row] = []
        self.references: list[tuple[tuple[Row, int], ...]] = []

    def run(self) -> Snapped:
        net, n = self.net, self.n
        rows = np.eye(n, n + 1)
        for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            width = n + 1 + len(self.nodes)
            before = np.zeros((len(rows), width))
            before[:, : rows.shape[1]] = rows
            sums = w @ before
            squares = (w * w) @ (before * before)
            sums[:, n] += b
            squares[:, n] += b * b
            if layer == len(net.weights) - 1:
                by = float(net.scale)
                sums, squares = by * sums, by * by * squares
            if self.zeros:
                squares = squares + squares.max(axis=1, keepdims=True, initial=0.0)
                if not net.has_biases:
                    squares[:, n] = 0
            if not (np.isfinite(sums).all() and np.isfinite(squares).all()):
                raise OverflowError("the squares of the weights are beyond the doubles")
            slack = _DEVIATIONS * self.noise * np.sqrt((layer + 1) * squares)
            slack += 1e-13 * np.abs(sums).max(axis=1, keepdims=True, initial=0.0)
            if layer == len(net.weights) - 1:
                if self.known is not None:
                    outputs = [self.placed(row) for row in self.known.outputs]
                    break
                outputs = [self.output(row, by) for row, by in zip(sums, slack, strict=True)]
                break
            rows = self.relu(sums, slack)
        return Snapped(
            n, tuple(self.clean), tuple(outputs), tuple(self.references), self.noise, self.zeros
        )

    def relu(self, sums: Array, slack: Array) -> Array:
        # The row that noise has moved least, relative to its size, names the hyperplane.
        size = np.abs(sums).max(axis=1)
        order = np.argsort(np.where(size > 0, slack.max(axis=1) / np.maximum(size, 1e-300), 0.0))
        activations: dict[int, tuple[Array, tuple[Row, int]]] = {}
        for k in order.tolist():
            activations[k] = self.unit(sums[k], slack[k])
        width = self.n + 1 + len(self.nodes)
        made = np.zeros((len(sums), width))
        references = []
        for k in range(len(sums)):
            row, reference = activations[k]
            made[k, : len(row)] = row
            references.append(reference)
        self.references.append(tuple(references))
        return made

    def unit(self, row: Array, slack: Array) -> tuple[Array, tuple[Row, int]]:
        """The activation over the columns, and the clean row that the unit is compared with."""
        n = self.n
        kept = np.where(np.abs(row) > slack, row, 0.0)
        if not kept.any():
            return np.zeros(n + 1), ((), 1)
        sign = self.sign(kept, slack)
        if sign:
            clean = self.rounded(row, kept, slack)
            node = np.array([float(c) for c in clean])
            by = _short(float(row @ node / (node @ node)))
            reference = tuple((i, c * by) for i, c in enumerate(clean) if c)
            return (float(by) * node if sign > 0 else np.zeros(n + 1)), (reference, sign)
        j, factor = self.node(row, kept, slack)
        node = self.nodes[j]
        reference = tuple((i, c * _short(factor)) for i, c in self.clean[j])
        made = np.zeros(max(n + 2 + j, len(row)))
        # Rounding a row that is not simple may move it by more than noise did: what cancels would no longer.
        plain = all(c.denominator == 1 and abs(c) <= _PLAIN for _, c in self.clean[j])
        if plain:
            made[: len(node)] = factor * node / 2
        else:
            made[: len(row)] = row / 2
        made[n + 1 + j] += abs(factor) / 2
        return made, (reference, 0)

    def sign(self, row: Array, slack: Array) -> int:
        """1 if the row is never negative at the samples, but for noise; -1 if never positive; else 0."""
        values = self.values[:, : len(row)]
        z = values @ row
        room = np.abs(values) @ slack
        low, high = (z + room).min(), (z - room).max()
        if low >= 0 and high <= 0:  # noise alone
            return 1 if z.max() >= -z.min() else -1
        return 1 if low >= 0 else -1 if high <= 0 else 0

    def node(self, row: Array, kept: Array, slack: Array) -> tuple[int, float]:
        """The hyperplane of a row, a new one or one that is there, and the row as a multiple of it."""
        best: tuple[float, int, float] | None = None
        for j, node in enumerate(self.nodes):
            if len(node) > len(row):
                continue
            factor, miss = _near(row, node, slack)
            if miss > 1.5:  # rounding may have moved it: beside the row that it was rounded from
                noisy, other = self.raw[j]
                by, _ = _near(row, noisy, slack)
                both = slack.copy()
                both[: len(other)] += abs(by) * other
                miss = 1.0 + _near(row, noisy, both)[1] / 2
            if factor and miss <= 1.5 and (best is None or miss < best[0]):
                best = miss, j, factor
        if best is not None:
            return best[1], best[2]
        clean = self.wanted(row, slack)
        if clean is None:
            clean = self.fine(row) if self.known else self.rounded(row, kept, slack)
        node = np.array([float(c) for c in clean])
        self.nodes.append(node)
        self.raw.append((row, slack))
        fresh = np.abs(self.values[:, : len(node)] @ node)
        self.values = np.column_stack([self.values, fresh])
        self.clean.append(tuple((j, c) for j, c in enumerate(clean) if c))
        return len(self.nodes) - 1, float(row @ node / (node @ node))

    def wanted(self, row: Array, slack: Array) -> list[Fraction] | None:
        """The hyperplane of the clean function that the row is nearest to; None if it is near none."""
        if self.known is None:
            return None
        best: tuple[float, int, list[Fraction]] | None = None
        for k, node in enumerate(self.known.nodes):
            column = self.n + 1 + k
            if column in self.place or any(j not in self.place for j, _ in node):
                continue
            placed = self.placed(node)
            if placed[-1][0] >= len(row):
                continue
            clean = [Fraction(0)] * len(row)
            for j, c in placed:
                clean[j] = c
            other = np.array([float(c) for c in clean])
            factor, miss = _near(row, other, slack)
            if factor and miss <= 1.5 and (best is None or miss < best[0]):
                best = miss, column, clean
        if best is None:
            return None
        self.place[best[1]] = self.n + 1 + len(self.nodes)
        return best[2]

    def placed(self, row: Row) -> Row:
        """A row of the clean function in the columns here.

        Raises:
            KeyError: no unit was taken for one of its hyperplanes.
        """
        return tuple(sorted((self.place[j], c) for j, c in row))

    def fine(self, row: Array) -> list[Fraction]:
        """The row itself, in a few digits."""
        unit = Fraction(2) ** (math.frexp(float(np.abs(row).max()))[1])
        return [Fraction(round(v * 2**_FINE), 2**_FINE) for v in (row / float(unit)).tolist()]

    def rounded(self, row: Array, kept: Array, slack: Array) -> list[Fraction]:
        """Whole numbers without a common factor in nearly the ratios of the row."""
        support = np.flatnonzero(kept)
        best: tuple[float, list[Fraction]] | None = None
        for j in support.tolist():
            if time.monotonic() > self.deadline:
                raise OutOfTime
            unit = abs(row[j])
            ratios, cost, chance = [], 0.0, 1.0
            for i, (value, by) in enumerate(zip(row.tolist(), slack.tolist(), strict=True)):
                reach = (by + abs(value) * float(slack[j]) / unit) / unit
                ratio = Fraction(0) if abs(value) <= by else _simple(value / unit, reach)
                ratio = Fraction(1 if value > 0 else -1) if i == j else ratio
                ratios.append(ratio)
                cost += abs(ratio.numerator).bit_length() + ratio.denominator.bit_length() * 2
                if ratio and i != j:
                    chance *= min(1.0, 2 * reach * ratio.denominator**2)
            if chance > _CHANCE and len(support) > 1:  # no better than what any numbers are near
                fine = Fraction(2) ** (math.frexp(unit)[1] - _FINE)
                ratios = [round(Fraction(float(v)) / fine) * fine for v in kept]
                cost += 1000
            if best is None or cost < best[0]:
                best = cost, ratios
        ratios = best[1]  # type: ignore[index]
        common = Fraction(
            math.lcm(*(c.denominator for c in ratios)),
            math.gcd(*(c.numerator for c in ratios)) or 1,
        )
        first = next(c for c in ratios if c)
        whole = [c * common * (1 if first > 0 else -1) for c in ratios]
        top = max(map(abs, whole))
        # A column of values of an ordinary size, so that its coefficients are of one, too.
        return whole if top <= _SIMPLE else [c / 2 ** (int(top).bit_length()) for c in whole]

    def output(self, row: Array, slack: Array) -> Row:
        made = []
        for j, (value, by) in enumerate(zip(row.tolist(), slack.tolist(), strict=True)):
            c = _simple(value, by)
            if c:
                made.append((j, c))
        return tuple(made)


def _near(row: Array, other: Array, slack: Array) -> tuple[float, float]:
    """The multiple of a shorter row that is nearest, and how far off it is, in units of what noise may do."""
    long = np.zeros(len(row))
    long[: len(other)] = other
    factor = float(row @ long / (long @ long))
    return factor, float((np.abs(row - factor * long) / np.maximum(slack, 1e-300)).max())


def _simple(value: float, slack: float) -> Fraction:
    """The simplest fraction so near, or a fine one where none is simple."""
    exact = Fraction(value)
    by = Fraction(slack)
    found = simplest(exact - by, exact + by)
    if found.denominator > _SIMPLE and slack < 1:
        unit = 2 ** (3 - math.frexp(slack)[1])  # an eighth of what noise may do, or less
        found = Fraction(round(exact * unit), unit)
    return found


def _short(value: float) -> Fraction:
    """The number in some forty binary digits."""
    digits = 40 - math.frexp(value)[1]
    return Fraction(round(Fraction(value) * Fraction(2) ** digits)) / Fraction(2) ** digits
