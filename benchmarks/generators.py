"""Seeded networks and functions to put the prover and the detector to the test.

Everything is drawn from the ``numpy.random.Generator`` that is passed in, so that a seed gives the same
case in a benchmark and in a test.
"""

from __future__ import annotations

import itertools

import numpy as np
import sympy

import circuitkit as ck

__all__ = ["random_network", "random_target", "variables"]

Rng = np.random.Generator


def variables(n: int) -> list[sympy.Symbol]:
    """The inputs as a target names them: x, or x1, x2, ..."""
    names = ["x"] if n == 1 else [f"x{i + 1}" for i in range(n)]
    return [sympy.Symbol(name, real=True) for name in names]


def random_network(rng: Rng, sizes: list[int], *, bias: bool, weights: str = "small") -> ck.Network:
    """Weights whole numbers -2 to 2 (``"small"``), quarters (``"quarters"``) or normal (``"normal"``)."""

    def draw(*shape: int) -> np.ndarray:
        if weights == "small":
            return rng.integers(-2, 3, shape).astype(float)
        if weights == "quarters":
            return rng.integers(-8, 9, shape) / 4
        return rng.normal(size=shape)

    layers = list(itertools.pairwise(sizes))
    return ck.Network(
        [draw(b, a) for a, b in layers], [draw(b) if bias else None for _, b in layers]
    )


def random_target(rng: Rng, n: int, *, bias: bool, depth: int = 2) -> ck.Target:
    """Sums, abs, min and max nested ``depth`` deep, over small rational numbers."""
    xs = variables(n)

    def linear() -> sympy.Expr:
        total = sum((int(rng.integers(-2, 3)) * x for x in xs), sympy.Integer(0))
        return total + (int(rng.integers(-2, 3)) if bias else 0)

    def expression(levels: int) -> sympy.Expr:
        if levels == 0:
            return linear()
        kind = rng.integers(4)
        if kind == 0:
            return sympy.Abs(expression(levels - 1))
        if kind == 1:
            return sympy.Min(expression(levels - 1), expression(levels - 1))
        if kind == 2:
            return sympy.Max(expression(levels - 1), expression(levels - 1))
        share = sympy.Rational(int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        return expression(levels - 1) + share * expression(levels - 1)

    return ck.Target(expression(depth), variables=xs)
