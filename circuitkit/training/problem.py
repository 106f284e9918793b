r"""What a search learns: the inputs that its loss is taken over, where it can be exactly.

Inputs are homogeneous points :math:`(x_1, \dots, x_n, c)`: the network with biases multiplied by
:math:`c`, at :math:`s (x, c)`, is :math:`s` times the network at :math:`(x, c)`, and :math:`c f(x / c)`
stands for a piecewise-linear target. All of R^n is then the surface :math:`\max(|x_i|, c) = 1`,
:math:`c \ge 0`, and the error there is the error of the proof, :math:`|net(x) - f(x)| / \max(1, \max|x_i|)`.

================================================  =====================================================
inputs                                            the loss
================================================  =====================================================
one, no constants                                 the two points -1 and 1: exact
one, on a box                                     one segment; on a far one up to three, as below: exact
one, all real numbers                             three segments: out to infinity and in between: exact
two, no constants, all real numbers               the four sides of the square: exact
more, or two with constants                       fixed points, and the prover's counterexamples
================================================  =====================================================

On a box the loss is the mean of the squared error, with c = 1, as long as the box is within
[-100, 100]^n. On one that reaches further, next to nothing of that mean would be about the inputs where most
functions have their kinks, so that the points of the surface max(|x_i|, c) = 1 are taken there, too.

Without constants the loss over [-1, 1]^2 is the integral over its sides, times 1/16: the network is linear
along every ray.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuitkit.functions.target import Target
from circuitkit.training.arguments import Box
from circuitkit.training.flat import n_parameters
from circuitkit.training.outcomes import worst_errors
from circuitkit.training.points import MIDPOINTS

__all__ = ["Problem"]

Array = NDArray[np.float64]

#: a box that reaches further is *far*
FAR = 100.0
#: fixed points, where the loss is not exact: at least so many, and so many for each parameter
POINTS, PER_PARAMETER = 64, 4


@dataclass(frozen=True)
class Problem:
    """A target, an architecture, and the inputs on which they are to agree.

    Attributes:
        target: piecewise linear.
        sizes: widths from input to output.
        bias: whether the layers have biases.
        box: the domain, or None for all of R^n.
    """

    target: Target
    sizes: tuple[int, ...]
    bias: bool
    box: Box | None = None

    @property
    def has_constants(self) -> bool:
        """Whether c plays a part: in the network, the target or the domain."""
        return self.bias or self.box is not None or not self.target.pieces.is_homogeneous

    @property
    def is_far(self) -> bool:
        """Whether the domain is a box that reaches further than :data:`FAR`."""
        return self.box is not None and max(abs(end) for pair in self.box for end in pair) > FAR

    @property
    def is_exact(self) -> bool:
        """Whether the loss is an integral over the whole domain, not a sum over points of it."""
        return self.target.n_inputs + self.has_constants <= 2

    @property
    def segments(self) -> list[tuple[float, Array, Array]]:
        """Weight and both ends of the segments that the loss is taken over; none where it is points."""
        n = self.target.n_inputs
        ends: list[tuple[float, tuple[float, ...], tuple[float, ...]]] = []
        if n == 2 and not self.has_constants:
            corners = [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]
            ends = [(1 / 8, corners[i], corners[(i + 1) % 4]) for i in range(4)]
        elif n == 1 and self.box is not None:
            ((low, high),) = self.box
            ends = _along(low, high) if self.is_far else [(1.0, (low, 1), (high, 1))]
        elif n == 1 and self.has_constants:
            ends = [(1 / 4, (-1, 0), (-1, 1)), (1 / 2, (-1, 1), (1, 1)), (1 / 4, (1, 1), (1, 0))]
        return [(w, np.array(a, dtype=float), np.array(b, dtype=float)) for w, a, b in ends]

    @cached_property
    def points(self) -> tuple[Array, Array]:
        """Points (x, c), scaled so that the loss is the sum of squared errors, and the target there."""
        n = self.target.n_inputs
        if self.is_exact and (n == 2 or self.has_constants):
            return np.empty((0, n + 1)), np.empty((0, self.target.n_outputs))
        if n == 1:
            x = np.array([[-1.0, 0.0], [1.0, 0.0]]) / np.sqrt(
                6
            )  # the integral of x^2 / 2 over [0, 1]
        else:
            count = max(POINTS, PER_PARAMETER * n_parameters(self.sizes, bias=self.bias))
            # The sequence is made for powers of two; its beginning is as good as any here.
            x = self.spread(2 ** (count - 1).bit_length())[:count] / np.sqrt(count)
        return x, self.values(x)

    def values(self, x: Array) -> Array:
        """The target at homogeneous points, ``(n_points, n_outputs)``."""
        values: Array = self.target.pieces.values(x)
        return values

    def spread(self, count: int, seed: int | None = None) -> Array:
        """So many points (x, c) that cover the domain: always the same ones, or drawn from ``seed``."""
        n = self.target.n_inputs
        whole = self.box is None
        m = n + (self.has_constants if whole else self.is_far)
        if seed is None:
            from scipy.stats import qmc

            u = qmc.Sobol(m, scramble=True, rng=np.random.default_rng(0)).random(count)
        else:
            u = np.random.default_rng(seed).random((count, m))
        if self.box is not None:
            return self._far(u) if self.is_far else self._near(u)
        x: Array = 2 * u - 1
        x /= np.maximum(np.abs(x).max(axis=1, keepdims=True), 1e-300)
        if m == n:
            return np.column_stack([x, np.zeros(count)])
        x[:, -1] = np.abs(x[:, -1])
        return x

    def _near(self, u: Array) -> Array:
        low, high = np.array(self.box, dtype=float).T
        return np.column_stack([low + (high - low) * u, np.ones(len(u))])

    def _far(self, u: Array) -> Array:
        """Half of them spread over the box, half nearer to the origin, in every order of magnitude."""
        size = 2.0 ** min(1023.0, float(np.ceil(np.log2(np.abs(self.box).max()))))  # type: ignore[arg-type]
        low, high = np.array(self.box, dtype=float).T / size
        middle, n = np.clip(0.0, low, high), len(low)
        x = low + (high - low) * u[:, :n]
        x = middle + (x - middle) * size ** -np.maximum(0, 2 * u[:, n:] - 1)
        x = np.column_stack([x, np.full(len(u), 1 / size)])
        x /= np.abs(x).max(axis=1, keepdims=True)
        return x

    def worst_errors(self, weights: Sequence[Array], biases: Sequence[Array]) -> Array:
        """The largest error of each seed's network on the domain; on a box a lower bound, from a dense sample."""
        if self.box is None:
            errors: Array = worst_errors(self.target, weights, biases)
            return errors
        points = self.spread(4096)
        values, c = self.values(points), points[:, -1]
        worst = np.empty(len(weights[0]))
        for s in range(len(worst)):
            h = points[:, :-1].T
            for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
                h = w[s] @ (np.maximum(h, 0) if layer else h) + np.outer(b[s], c)
            worst[s] = (np.abs(h.T - values).max(axis=1) / np.abs(points).max(axis=1)).max()
        return worst

    def point(self, x: Sequence[float] | Array) -> Array:
        """A point of the domain as (x, c), as large as those of :meth:`spread`."""
        at: Array = np.append(np.asarray(x, dtype=float), 1.0 if self.has_constants else 0.0)
        near = self.box is not None and not self.is_far
        return at if near else at / max(float(np.abs(at).max()), 1e-300)

    @property
    def unit(self) -> float:
        """The multiply-adds of one full-batch gradient, the unit in which costs are counted.

        Over 2 points for one input without biases, 128 with; 64 for two without biases; 256 otherwise.
        """
        n, p = self.target.n_inputs, n_parameters(self.sizes, bias=self.bias)
        if n == 1:
            points = MIDPOINTS[1] if self.has_constants else 2
        else:
            points = 256 if n > 2 or self.has_constants else 64
        return float(points * (3 * p - self.sizes[0] * self.sizes[1]))


def _along(low: float, high: float) -> list[tuple[float, tuple[float, ...], tuple[float, ...]]]:
    """Weights and ends of the segments of an interval: as far as -1 and 1 with c = 1, beyond with |x| = 1.

    Example:
        >>> _along(-1.0, 0.5)
        [(1.0, (-1.0, 1), (0.5, 1))]
        >>> _along(0.0, 4.0)
        [(0.5714285714285714, (0.0, 1), (1.0, 1)), (0.42857142857142855, (1, 1.0), (1, 0.25))]
    """
    inner = max(low, -1.0), min(high, 1.0)
    parts: list[tuple[float, tuple[float, ...], tuple[float, ...]]] = []
    if low < -1:
        near = 1 / max(1.0, -high)
        parts.append((near + 1 / low, (-1, -1 / low), (-1, near)))
    if inner[0] < inner[1]:
        parts.append((inner[1] - inner[0], (inner[0], 1), (inner[1], 1)))
    if high > 1:
        near = 1 / max(1.0, low)
        parts.append((near - 1 / high, (1, near), (1, 1 / high)))
    total = sum(weight for weight, *_ in parts)
    if total <= 0:  # so far out that its ends are one, to rounding
        return [(1.0, *ends) for _, *ends in parts]  # type: ignore[misc]
    return [(weight / total, a, b) for weight, a, b in parts]
