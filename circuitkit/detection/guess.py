"""Guess simple functions near a network: by floats and sampling, so a guess is never a verdict.

Trained or disturbed weights are close to a simple function without being it. Two views of a network give
guesses: where its gradient jumps (one hidden layer), and which affine pieces it is made of (any depth).
Both are merged and rounded at several coarsenesses; :mod:`circuitkit.detection.detect` then proves which guess
is how far from the network.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.detection.place import EVERYWHERE
from circuitkit.exact.canonical import canonical_form, function_form
from circuitkit.exact.regions import look_at_the_clock
from circuitkit.exact.spell import expression, lattice, length
from circuitkit.functions.target import Target
from circuitkit.network import Network
from circuitkit.rules import RULES
from circuitkit.words import input_names

__all__ = [
    "Guess",
    "balanced",
    "gradients",
    "guesses",
    "input_variables",
    "largest_slope",
    "simple_fraction",
]

Array = NDArray[np.float64]

#: how far numbers may be moved, gradients merged; from rounding noise to barely trained
_COARSENESS: list[float] = RULES["reading"]["coarseness"]
_DENOMINATORS: list[int] = RULES["reading"]["denominators"]
_MAX_PIECES: int = RULES["reading"]["pieces"]
_MAX_KINKS: int = RULES["reading"]["kinks"]
_SHORT = 24
_MAX_LEADERS = 400


@dataclass(frozen=True)
class Guess:
    """Expressions, one an output; how far off on the samples; how long to read."""

    expressions: tuple[sympy.Expr, ...]
    error: float
    length: int


def simple_fraction(value: float, slack: float) -> Fraction | None:
    """The fraction with the smallest denominator within ``slack`` of ``value``; None if none is simple."""
    for q in _DENOMINATORS:
        p = round(value * q)
        if abs(value - p / q) <= slack:
            return Fraction(p, q)
    return None


def guesses(net: Network, x: Array, deadline: float = math.inf) -> list[Guess]:
    """Simple functions near the network, those closest on the samples first.

    Args:
        net: the network.
        x: samples, of shape ``(n_samples, n_in)``.
        deadline: the value of ``time.monotonic()`` after which no more are made.

    Raises:
        OutOfTime: the deadline passed before there was one.
    """
    wanted = net(x)
    if not np.isfinite(wanted).all():
        return []
    variables = input_variables(net.n_inputs)
    jumps = None
    if len(net.weights) == 2:
        with contextlib.suppress(OverflowError):  # a jump beyond the doubles is not simple
            jumps = _Jumps(net, deadline)
    pieces = _Pieces(net, x)
    found: dict[tuple[sympy.Expr, ...], Guess] = {}
    for slack in _COARSENESS:
        if found and time.monotonic() > deadline:
            break
        look_at_the_clock(deadline)
        per_output: list[list[sympy.Expr]] = []
        for k in range(net.n_outputs):
            options = pieces.expressions(k, slack, variables)
            if jumps is not None:
                options += jumps.expressions(k, slack, variables)
            per_output.append(_distinct(options))
        if not all(per_output):
            continue
        for pick in range(max(map(len, per_output))):
            chosen = tuple(options[min(pick, len(options) - 1)] for options in per_output)
            if chosen in found:
                continue
            values = Target(chosen, variables=variables)(x)
            found[chosen] = Guess(
                chosen,
                EVERYWHERE.sampled_error(values, wanted, x),
                sum(length(e)[0] for e in chosen),
            )
    return sorted(found.values(), key=lambda guess: (guess.error, guess.length))


def balanced(found: list[Guess]) -> Guess | None:
    """The guess that best trades error for length: half the error is worth a few symbols."""
    if not found:
        return None
    floor = max(found[0].error, 1e-12)
    return min(found, key=lambda g: 3 * math.log2(max(g.error, 1e-12) / floor) + g.length)


def input_variables(n: int) -> list[sympy.Symbol]:
    """x for one input, x1, x2, ... for more."""
    return [sympy.Symbol(name, real=True) for name in input_names(n)]


def largest_slope(net: Network, x: Array) -> float:
    """The largest partial derivative of any output at the samples."""
    return float(np.abs(_Pieces(net, x).gradients).max(initial=0.0))


def gradients(net: Network, x: Array) -> Array:
    """The derivatives of the outputs at the samples, of shape ``(n_samples, n_out, n_in)``."""
    first, *others = (w for w, _ in net.float_layers)
    gradient: Array = np.broadcast_to(first, (len(x), *first.shape))
    for w, h in zip(others, net.activations(x), strict=True):
        gradient = np.einsum("oh,shi->soi", w, gradient * (h > 0)[:, :, None])
    return gradient


def _distinct(options: list[sympy.Expr]) -> list[sympy.Expr]:
    return list(dict.fromkeys(options))


class _Jumps:
    """A shallow network as a linear part and the vectors by which its gradient jumps.

    ``b |n . x + d|`` jumps by ``2 b n`` across its hyperplane; nearly parallel hyperplanes act, from far
    away, like one whose jump is their sum.
    """

    def __init__(self, net: Network, deadline: float) -> None:
        form = canonical_form(net, deadline=deadline)
        n = net.n_inputs
        self.n = n
        self.normals = np.zeros((form.n_kinks, n + 1))
        for k, row in enumerate(form.nodes):
            for j, c in row:
                self.normals[k, j] = float(c)
        sizes = np.abs(self.normals).max(axis=1, initial=0.0)
        self.normals /= np.where(sizes > 0, sizes, 1.0)[:, None]
        self.linear = np.zeros((net.n_outputs, n + 1))
        self.factors = np.zeros((net.n_outputs, form.n_kinks))
        for o, row in enumerate(form.outputs):
            for j, c in row:
                if j <= n:
                    self.linear[o, j] = float(c)
                else:
                    self.factors[o, j - n - 1] = float(c) * sizes[j - n - 1]

    def expressions(
        self, output: int, slack: float, variables: Sequence[sympy.Symbol]
    ) -> list[sympy.Expr]:
        kinks: list[tuple[int, Array]] = []
        for group in self.groups(output, slack):
            jump = (self.factors[output, group, None] * self.normals[group]).sum(axis=0)
            if np.abs(jump).max() > slack:
                kinks.append((1 if jump @ self.normals[group[0]] > 0 else -1, jump))
        if len(kinks) > _MAX_KINKS:
            return []
        total = _rounded(self.linear[output], slack, variables)
        for direction, jump in kinks:
            inside = _rounded(jump, slack, variables)
            if total is None or inside is None:
                return []
            total += direction * sympy.Abs(inside)
        if total is None:
            return []
        return [expression(function_form(Target(total, variables=variables)), variables)]

    def groups(self, output: int, slack: float) -> list[list[int]]:
        """Indices of hyperplanes that are parallel within ``slack``, heavy ones lead."""
        order = np.argsort(-np.abs(self.factors[output]), kind="stable")
        groups: list[list[int]] = []
        for k in order.tolist():
            for group in groups:
                leader = self.normals[group[0]]
                sign = 1.0 if leader @ self.normals[k] >= 0 else -1.0
                if np.abs(leader - sign * self.normals[k]).max() <= 2 * slack:
                    if sign < 0:
                        self.normals[k] *= -1
                    group.append(k)
                    break
            else:
                groups.append([k])
        return groups


def _rounded(row: Array, slack: float, variables: Sequence[sympy.Symbol]) -> sympy.Expr | None:
    """The affine function with simple coefficients; None if one is not simple."""
    total = sympy.Integer(0)
    for value, variable in zip(row, [*variables, sympy.Integer(1)], strict=True):
        simple = simple_fraction(value, slack)
        if simple is None:
            return None
        total += sympy.Rational(simple.numerator, simple.denominator) * variable
    return total


class _Pieces:
    """The affine pieces that a network has at the samples, with the share of samples on each."""

    def __init__(self, net: Network, x: Array) -> None:
        self.x = x
        self.values = net(x)
        self.homogeneous = not net.has_biases
        self.gradients = gradients(net, x)
        self.offsets = self.values - np.einsum("soi,si->so", self.gradients, x)

    def expressions(
        self, output: int, slack: float, variables: Sequence[sympy.Symbol]
    ) -> list[sympy.Expr]:
        rows = np.column_stack([self.gradients[:, output], self.offsets[:, output]])
        if self.homogeneous:
            rows[:, -1] = 0.0
        pieces = self.rounded(rows, slack)
        if pieces is None:
            return []
        coefficients = np.array([[float(v) for v in piece] for piece in pieces])
        x1 = np.column_stack([self.x, np.ones(len(self.x))])
        heights = x1 @ coefficients.T
        nearest = np.abs(heights - self.values[:, output : output + 1]).argmin(axis=1)
        own = heights[np.arange(len(x1)), nearest][:, None]
        # Near a border the sample may be taken for the wrong side: count near ties as ties.
        misfit = np.abs(own[:, 0] - self.values[:, output])
        margin = min(0.25, max(1e-9, 3 * float(np.quantile(misfit, 0.95))))
        above = self.sets(heights >= own - margin)
        below = self.sets(heights <= own + margin)
        spelled = [
            sympy.Add(
                *(
                    sympy.Rational(c.numerator, c.denominator) * v
                    for c, v in zip(piece, [*variables, sympy.Integer(1)], strict=True)
                )
            )
            for piece in pieces
        ]
        if len(spelled) == 1:
            return spelled
        found = []
        for raw in lattice(spelled, above, below):
            target = Target(raw, variables=variables)
            found.append(raw)
            if length(raw)[0] <= _SHORT:
                found.append(expression(function_form(target), variables, max_regions=300))
        return found

    def rounded(self, rows: Array, slack: float) -> list[tuple[Fraction, ...]] | None:
        """The simple affine pieces that most samples are on, rounded; None if they are not simple."""
        unique, counts = np.unique(np.round(rows, 9), axis=0, return_counts=True)
        least = max(0.01, slack / 4) * len(rows)
        left = np.ones(len(unique), dtype=bool)
        leaders: list[Array] = []
        members: list[NDArray[np.intp]] = []
        # Heaviest first, by what lies within reach: many small pieces may stand for one.
        for k in np.argsort(-counts, kind="stable")[:_MAX_LEADERS].tolist():
            if left[k]:
                group = np.flatnonzero(left & (np.abs(unique - unique[k]).max(axis=1) <= 2 * slack))
                if counts[group].sum() >= least:
                    leaders.append(unique[k])
                    members.append(group)
                    left[group] = False
        pieces: dict[tuple[Fraction, ...], None] = {}
        for leader, group in zip(leaders, members, strict=True):
            mean = (counts[group, None] * unique[group]).sum(axis=0) / counts[group].sum()
            piece = [
                simple_fraction(v, slack) or simple_fraction(w, slack)
                for v, w in zip(leader, mean, strict=True)
            ]
            piece = [
                Fraction(0) if p is None and abs(v) <= slack else p
                for p, v in zip(piece, leader, strict=True)
            ]
            if any(p is None for p in piece):
                return None
            pieces.setdefault(tuple(p for p in piece if p is not None))
            if len(pieces) > _MAX_PIECES:
                return None
        return list(pieces) or None

    def sets(self, which: NDArray[np.bool_]) -> set[frozenset[int]]:
        """The different rows as sets; those of very few samples lie on a border and are left out."""
        unique, counts = np.unique(which, axis=0, return_counts=True)
        keep = counts >= max(2, 0.002 * len(which))
        keep |= counts == counts.max()
        return {frozenset(np.flatnonzero(row).tolist()) for row in unique[keep]}
