"""Exact values by a way that shares nothing with the package: what its verdicts are held against.

A network or an expression becomes a list of steps over columns: sums of earlier columns, and ``relu`` of
one. Along a segment every column is piecewise linear, so its values at the ends and at every kink say
all about it; kinks are found by walking the steps in order and splitting the segment wherever a
preactivation changes sign. All numbers are :class:`~fractions.Fraction`.

Points are homogeneous, ``(x_1, ..., x_n, c)`` with ``c >= 0``: a bias counts ``c`` times, ``c = 1`` is the
input x itself and ``c = 0`` the direction x, far away.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = [
    "Steps",
    "Worst",
    "expression_steps",
    "network_steps",
    "random_expression",
    "square",
    "text",
    "whole_line",
    "worst_along",
]

Point = Sequence[Fraction]
Row = dict[int, Fraction]
Expression = tuple[Any, ...]


class Steps:
    """What is computed, one column after the other; columns 0 to n are the input and the constant."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.steps: list[tuple[str, Any]] = []

    def sum(self, row: Row) -> int:
        """The column of a sum of multiples of columns."""
        self.steps.append(("sum", {k: v for k, v in row.items() if v}))
        return self.n + len(self.steps)

    def relu(self, column: int) -> int:
        """The column of the larger of a column and 0."""
        self.steps.append(("relu", column))
        return self.n + len(self.steps)

    def maximum(self, a: int, b: int) -> int:
        """The column of the larger of two columns: b + relu(a - b)."""
        one = Fraction(1)
        above = self.relu(self.sum({a: one, b: -one}) if a != b else self.sum({}))
        return self.sum({b: one, above: one})

    def values(self, point: Point) -> list[Fraction]:
        """Every column at a point."""
        found = list(point)
        for kind, what in self.steps:
            if kind == "sum":
                found.append(sum((v * found[k] for k, v in what.items()), Fraction(0)))
            else:
                found.append(max(found[what], Fraction(0)))
        return found

    def along(self, start: Point, end: Point) -> list[list[Fraction]]:
        """Every column's values at both ends of a segment and at all kinks between them."""
        columns = [[a, b] for a, b in zip(start, end, strict=True)]
        for kind, what in self.steps:
            if kind == "sum":
                new = [Fraction(0)] * len(columns[0])
                for k, v in what.items():
                    new = [a + v * b for a, b in zip(new, columns[k], strict=True)]
            else:
                _split(columns, what)
                new = [max(v, Fraction(0)) for v in columns[what]]
            columns.append(new)
        return columns


def _split(columns: list[list[Fraction]], column: int) -> None:
    """Put a point where this column changes its sign, in all of them."""
    z = columns[column]
    cuts = [i for i in range(len(z) - 1) if (z[i] < 0 < z[i + 1]) or (z[i] > 0 > z[i + 1])]
    shares = [z[i] / (z[i] - z[i + 1]) for i in cuts]
    if not cuts:
        return
    for k, values in enumerate(columns):
        new: list[Fraction] = []
        at = 0
        for i, value in enumerate(values):
            new.append(value)
            if at < len(cuts) and cuts[at] == i:
                new.append(value + shares[at] * (values[i + 1] - value))
                at += 1
        columns[k] = new


def network_steps(steps: Steps, weights: Any, biases: Any, inputs: Sequence[int]) -> list[int]:
    """A network's outputs: weights as nested lists, ``biases`` a list or None for each layer."""
    columns = list(inputs)
    for layer, w in enumerate(weights):
        b = biases[layer] if biases is not None and biases[layer] is not None else [0.0] * len(w)
        rows = []
        for line, bias in zip(w, b, strict=True):
            row: Row = {steps.n: Fraction(bias)}
            for weight, column in zip(line, columns, strict=True):
                row[column] = row.get(column, Fraction(0)) + Fraction(weight)
            rows.append(steps.sum(row))
        columns = rows if layer == len(weights) - 1 else [steps.relu(r) for r in rows]
    return columns


def expression_steps(steps: Steps, e: Expression) -> int:
    """The column of an expression: ("x", i), ("number", q), ("+", ...), ("*", q, e), ("abs", e), ..."""
    kind, *parts = e
    one = Fraction(1)
    if kind == "x":
        return int(parts[0])
    if kind == "number":
        return steps.sum({steps.n: parts[0]})
    if kind == "*":
        return steps.sum({expression_steps(steps, parts[1]): parts[0]})
    columns = [expression_steps(steps, part) for part in parts]
    if kind == "+":
        row: Row = {}
        for column in columns:
            row[column] = row.get(column, Fraction(0)) + 1
        return steps.sum(row)
    if kind == "relu":
        return steps.relu(columns[0])
    if kind == "abs":
        negative = steps.relu(steps.sum({columns[0]: -one}))
        return steps.sum({steps.relu(columns[0]): one, negative: one})
    sign = one if kind == "max" else -one
    total = steps.sum({columns[0]: sign})
    for column in columns[1:]:
        total = steps.maximum(total, steps.sum({column: sign}))
    return steps.sum({total: sign})


@dataclass
class Worst:
    """The largest value met, and the homogeneous point where; ``math.inf`` where there is no largest."""

    error: Fraction | float
    point: list[Fraction]


def worst_along(
    steps: Steps,
    differences: Sequence[int],
    segments: Sequence[tuple[Point, Point]],
    measure: str,
    *,
    signed: bool = False,
) -> Worst:
    """The largest of the columns on the segments: of their absolute values, unless ``signed``.

    ``"relative"`` divides by ``max(c, |x_i|)``, ``"absolute"`` by c. Both sizes are linear between their
    kinks, so the quotient is monotone there, and its largest value stands at a kink or an end.
    """
    one = Fraction(1)
    n = steps.n
    size = n
    if measure == "relative":
        for i in range(n):
            size = steps.maximum(size, i)
            size = steps.maximum(size, steps.sum({i: -one}))
    tops = [steps.sum({d: s}) for d in differences for s in ((one,) if signed else (one, -one))]
    best = Worst(-math.inf if signed else Fraction(0), [])
    for start, end in segments:
        columns = steps.along(start, end)
        for k in range(len(columns[0])):
            for top in tops:
                above, by = columns[top][k], columns[size][k]
                if not by:
                    error: Fraction | float = math.inf if above > 0 else -math.inf
                else:
                    error = above / by
                if error > best.error:
                    best = Worst(error, [columns[i][k] for i in range(n + 1)])
    return best


def whole_line() -> list[tuple[Point, Point]]:
    """All inputs of a function of one number: far left, -1, 1, far right."""
    corners = [(-1, 0), (-1, 1), (1, 1), (1, 0)]
    points = [tuple(Fraction(v) for v in corner) for corner in corners]
    return list(itertools.pairwise(points))


def square() -> list[tuple[Point, Point]]:
    """All directions of the plane, enough for functions with f(c x) = c f(x)."""
    corners = [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0), (-1, -1, 0)]
    points = [tuple(Fraction(v) for v in corner) for corner in corners]
    return list(itertools.pairwise(points))


def text(e: Expression) -> str:
    """The expression as ``ck.target`` reads it."""
    kind, *parts = e
    if kind == "x":
        return f"x{parts[0] + 1}"
    if kind == "number":
        return f"({parts[0]})"
    if kind == "*":
        return f"({parts[0]})*{text(parts[1])}"
    inner = [text(p) for p in parts]
    return f"({' + '.join(inner)})" if kind == "+" else f"{kind}({', '.join(inner)})"


def random_expression(rng: np.random.Generator, n: int, depth: int) -> Expression:
    """A piecewise-linear expression in n inputs, functions within one another ``depth`` deep at most."""
    if depth == 0 or rng.random() < 0.2:
        if rng.random() < 0.3:
            return ("number", Fraction(int(rng.integers(-3, 4)), int(rng.choice([1, 1, 2, 3]))))
        return ("x", int(rng.integers(n)))
    kind = str(rng.choice(["+", "*", "abs", "min", "max", "relu"]))
    if kind == "*":
        factor = Fraction(int(rng.choice([-3, -2, -1, 1, 2, 5])), int(rng.choice([1, 1, 2, 3, 10])))
        return ("*", factor, random_expression(rng, n, depth - 1))
    count = 1 if kind in ("abs", "relu") else 2
    return (kind, *(random_expression(rng, n, depth - 1) for _ in range(count)))
