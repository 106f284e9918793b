"""A network of one input on an interval, as the straight pieces of its graph: exact, whatever its depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.network import Network

__all__ = ["MOST_PIECES", "Segments", "exact_layers", "segments"]

#: a graph of more pieces is not drawn up
MOST_PIECES = 1 << 16

Integers = NDArray[Any]


@dataclass(frozen=True)
class Segments:
    """The corners of a graph: between neighbors it is straight.

    Attributes:
        x: where they are, rising; the first and the last are the ends of the interval.
        y: the output there.
    """

    x: tuple[Fraction, ...]
    y: tuple[Fraction, ...]

    def __len__(self) -> int:
        """How many straight pieces there are."""
        return len(self.x) - 1


def exact_layers(net: Network) -> list[tuple[Integers, Integers, int]]:
    """Per layer: weights and biases as whole numbers, and the positive whole number they are too large by."""
    layers = []
    for w, b in zip(net.weights, net.biases, strict=True):
        ratios = [v.as_integer_ratio() for v in (*w.ravel().tolist(), *b.tolist())]
        scale = max((below for _, below in ratios), default=1)  # powers of two
        whole = [above * (scale // below) for above, below in ratios]
        numbers = np.array(whole, dtype=object)
        layers.append((numbers[: w.size].reshape(w.shape), numbers[w.size :], scale))
    weights, biases, scale = layers[-1]
    top, below = net.scale.numerator, net.scale.denominator
    layers[-1] = (weights * top, biases * top, scale * below)
    return layers


def segments(net: Network, low: Fraction, high: Fraction, *, joined: bool = True) -> Segments:
    """The graph of a network of one input and one output over ``[low, high]``.

    All units are followed at once, as their values at the corners met so far: where a preactivation changes its
    sign between two corners, there is a new one, by similar triangles. Corners of hidden units at which the
    output does not bend are left out, if ``joined``.

    Raises:
        ValueError: it has more than 65,536 pieces.

    Example:
        >>> tent = Network([[[1], [1]], [[2, -4]]], [[0, -0.5], [0]])
        >>> corners = segments(tent, Fraction(0), Fraction(1))
        >>> [(str(x), str(y)) for x, y in zip(corners.x, corners.y)]
        [('0', '0'), ('1/2', '1'), ('1', '0')]
    """
    # A row is one corner: x, then all values of a layer there, over one denominator.
    x = [low, high] if low < high else [low]
    rows = np.array([[v.numerator] for v in x], dtype=object)
    below = np.array([v.denominator for v in x], dtype=object)
    layers = exact_layers(net)
    for i, (weights, biases, scale) in enumerate(layers):
        z = _times(rows, weights) + below[:, None] * biases
        below = below * scale
        if i == len(layers) - 1:
            y = [Fraction(int(v), int(d)) for v, d in zip(z[:, 0], below, strict=True)]
            return _joined(x, y) if joined else Segments(tuple(x), tuple(y))
        x, z, below = _with_crossings(x, z, below)
        rows = np.maximum(z, 0)
    raise ValueError("net: expected at least one layer, got none")


def _times(rows: Integers, weights: Integers) -> Integers:
    """``rows @ weights.T``, without the products by 0 that most of them are."""
    made = np.zeros((len(rows), len(weights)), dtype=object)
    for j, row in enumerate(weights):
        used = np.flatnonzero(row != 0)
        if len(used):
            made[:, j] = rows[:, used] @ row[used]
    return made


def _with_crossings(
    x: Sequence[Fraction], z: Integers, below: Integers
) -> tuple[list[Fraction], Integers, Integers]:
    """The corners, and between them the points at which some preactivation is 0."""
    up, down = z > 0, z < 0
    crossing = (up[:-1] & down[1:]) | (down[:-1] & up[1:])
    new_x: list[Fraction] = []
    new_z: list[Integers] = []
    new_below: list[int] = []
    for k, here in enumerate(x):
        new_x.append(here)
        common = math.gcd(*map(int, z[k]), int(below[k])) or 1
        new_z.append(z[k] // common)
        new_below.append(int(below[k]) // common)
        if k == len(x) - 1 or not crossing[k].any():
            continue
        left, right = z[k] * below[k + 1], z[k + 1] * below[k]
        units = np.flatnonzero(crossing[k])
        for share in sorted({Fraction(int(left[j]), int(left[j] - right[j])) for j in units}):
            new_x.append(here + share * (x[k + 1] - here))
            n, m = share.numerator, share.denominator
            row = left * (m - n) + right * n
            bottom = int(below[k] * below[k + 1]) * m
            common = math.gcd(*map(int, row), bottom)
            new_z.append(row // common)
            new_below.append(bottom // common)
        if len(new_x) > MOST_PIECES:
            raise ValueError(
                f"net: expected at most {MOST_PIECES:,} straight pieces on the domain, got more"
            )
    return new_x, np.array(new_z, dtype=object), np.array(new_below, dtype=object)


def _joined(x: Sequence[Fraction], y: Sequence[Fraction]) -> Segments:
    """Neighboring pieces on one line are one."""
    keep_x, keep_y = [x[0]], [y[0]]
    for k in range(1, len(x)):
        if k < len(x) - 1:
            before = (y[k] - keep_y[-1]) * (x[k + 1] - x[k])
            after = (y[k + 1] - y[k]) * (x[k] - keep_x[-1])
            if before == after:
                continue
        keep_x.append(x[k])
        keep_y.append(y[k])
    return Segments(tuple(keep_x), tuple(keep_y))
