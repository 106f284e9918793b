"""Where is a network without a loss wrong, and what would it be with tidy weights: before the prover is asked.

A network that is right at all points that it was trained on is mostly right nearly everywhere. What is left is
thin: a wedge between a hyperplane of the target and one of the network that is not quite the same. A random
point hardly ever falls into it, but a random *line* crosses it as soon as the wedge is wide in any other
direction, and along a line the error is linear between kinks. So random lines are followed from kink to kink.

And a network that *is* the function can often be had with weights such as 1, 0 and -1. With these it is proved in
milliseconds; as it was found, every hyperplane that should be one with another is a little beside it, and
there is a cell of the proof in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.functions.pieces import crossings
from circuitkit.training.problem import Problem

__all__ = ["errors_at", "tidied", "wrong_points"]

Array = NDArray[np.float64]

#: random lines that are followed before a proof, and how many of the wrong points join the data
LINES, JOINING = 300, 16
#: the share of the way along a line below which two kinks are one
_SAME = 1e-12
#: weights that are tidy are multiples of this, and how far from one a weight may be
_TIDY, _BESIDE = 0.25, 1e-5
#: steps with which the others follow a weight that was fixed
_FITS = 12
#: in so many orders the weights are fixed, until one leaves none that is not tidy
_ORDERS = 8


def wrong_points(
    problem: Problem,
    weights: Sequence[Array],
    biases: Sequence[Array],
    random: np.random.Generator,
    tolerance: float,
) -> tuple[Array, int]:
    """Points (x, c) on random lines where the network is off by more than the tolerance, and how many it took.

    Args:
        problem: what is learned.
        weights: of each layer, ``(n_out, n_in)``.
        biases: of each layer, ``(n_out,)``.
        random: where the lines come from.
        tolerance: relative to the inputs.

    Returns:
        Up to :data:`JOINING` points, ``(n, n_inputs + 1)``: the worst, and others; and at how many points
        the network was evaluated.
    """
    ends = problem.spread(2 * LINES, seed=int(random.integers(2**63)))
    a, b = ends[:LINES, None], ends[LINES:, None]
    t = np.broadcast_to([0.0, 1.0], (LINES, 2))
    looked = 0
    for layer in range(1, len(weights)):
        x = a + t[..., None] * (b - a)
        looked += t.size
        z = _forward(weights[:layer], biases[:layer], x)
        t = _joined(t, crossings(t, z.transpose(0, 2, 1)))
    # The target bends as well: in between, too, something may be hidden.
    t = np.concatenate([t, (t[:, 1:] + t[:, :-1]) / 2], axis=1)
    looked += t.size
    points = (a + t[..., None] * (b - a)).reshape(-1, a.shape[2])
    off = errors_at(problem, weights, biases, points)
    wrong = np.flatnonzero(off > tolerance)
    if len(wrong) > JOINING:
        worst = wrong[np.argsort(-off[wrong], kind="stable")]
        others = random.permutation(worst[JOINING // 2 :])
        wrong = np.concatenate([worst[: JOINING // 2], others[: JOINING // 2]])
    found = points[wrong]
    if problem.box is None or problem.is_far:  # as large as those of the data
        found /= np.maximum(np.abs(found).max(axis=1, keepdims=True), 1e-300)
    return found, looked


def errors_at(
    problem: Problem, weights: Sequence[Array], biases: Sequence[Array], points: Array
) -> Array:
    """The error at points (x, c), relative to the inputs."""
    off: Array = np.abs(_forward(weights, biases, points) - problem.values(points)).max(axis=1)
    off /= np.maximum(np.abs(points).max(axis=1), 1e-300)
    return off


def tidied(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    y: Array,
    *,
    bias: bool,
    enough: float,
) -> tuple[tuple[list[Array], list[Array]] | None, float]:
    """The same function with tidy weights, where some can be found, by fixing one after the other.

    Every hidden unit is scaled so that its largest incoming weight is 1 or -1. Then weights that are multiples
    of 1/4, nearly, are fixed there; of the others the one that is next to a whole number is set to it, and the
    rest fitted to the points again. Networks with more than one way to be the function have weights that are
    free, and this uses that freedom up. Where it ends with a weight that the others determine, and that is not
    tidy, such as 1/3, the weights are fixed in another order, every second time at 0, 1 and -1 alone.

    Args:
        weights: of each layer.
        biases: of each layer.
        x: points (x, c), ``(n_points, n + 1)``.
        y: the target there.
        bias: whether the biases are parameters; otherwise they are zeros.
        enough: the sum of squared errors that counts as none.

    Returns:
        Weights and biases, or None where some weight is never tidy; and the multiply-adds it took.

    Example:
        >>> weights = [np.array([[3.0], [-2.0 - 1e-9]]), np.array([[1 / 3, -0.5]])]
        >>> x = np.array([[1.0, 0.0], [-1.0, 0.0]])
        >>> tidy, _ = tidied(weights, [np.zeros(2), np.zeros(1)], x, x[:, :1], bias=False, enough=1e-16)
        >>> [w.tolist() for w in tidy[0]]
        [[[1.0], [-1.0]], [[1.0, -1.0]]]
    """
    work = 0.0
    for order in range(_ORDERS):
        net = _Fitted(weights, biases, x, y, bias=bias)
        # What is next to its whole number comes first; after the first two times, by chance too.
        favor = np.ones(len(net.theta))
        if order > 1:
            favor = np.random.default_rng(order).uniform(0.2, 1.0, len(net.theta))
        is_tidy = net.tidy(favor, np.inf if order % 2 == 0 else 1.0, enough)
        work += net.work
        if is_tidy:
            return net.layers(), work
    return None, work


class _Fitted:
    """A network whose free parameters are fitted to points, by damped Gauss-Newton steps."""

    def __init__(
        self, weights: Sequence[Array], biases: Sequence[Array], x: Array, y: Array, *, bias: bool
    ) -> None:
        self.x, self.y, self.bias, self.work = x, y, bias, 0.0
        ws, bs = [w.copy() for w in weights], [b.copy() for b in biases]
        largest = []
        for layer in range(len(ws) - 1):
            scale = np.abs(ws[layer]).max(axis=1)
            scale[scale == 0] = 1.0
            ws[layer] /= scale[:, None]
            bs[layer] /= scale
            ws[layer + 1] *= scale
            largest.append(np.abs(ws[layer]) == 1.0)
        largest.append(np.zeros(ws[-1].shape, dtype=bool))
        self.shapes = [w.shape for w in ws]
        self.theta = self._flat(ws, bs)
        self.free = ~self._flat(largest, [np.zeros(len(b), dtype=bool) for b in bs])

    def _flat(
        self, weights: Sequence[NDArray[Any]], biases: Sequence[NDArray[Any]]
    ) -> NDArray[Any]:
        parts = [
            np.column_stack([w, b]) if self.bias else w
            for w, b in zip(weights, biases, strict=True)
        ]
        return np.concatenate([part.ravel() for part in parts])

    def layers(self) -> tuple[list[Array], list[Array]]:
        """Weights and biases of each layer."""
        ws, bs, begin = [], [], 0
        for n_out, n_in in self.shapes:
            end = begin + n_out * (n_in + self.bias)
            part = self.theta[begin:end].reshape(n_out, n_in + self.bias)
            ws.append(part[:, :n_in].copy())
            bs.append(part[:, n_in].copy() if self.bias else np.zeros(n_out))
            begin = end
        return ws, bs

    def errors(self) -> tuple[Array, list[Array]]:
        """At every point and output, and the activations that each layer reads."""
        ws, bs = self.layers()
        h, c = [self.x[:, :-1]], self.x[:, -1:]
        for w, b in zip(ws[:-1], bs[:-1], strict=True):
            h.append(np.maximum(h[-1] @ w.T + c * b, 0))
        self.work += len(self.x) * len(self.theta)
        return h[-1] @ ws[-1].T + c * bs[-1] - self.y, h

    def slopes(self, h: list[Array]) -> Array:
        """Of every error by every free parameter, ``(n_points * n_outputs, n_free)``."""
        ws, _ = self.layers()
        rows = []
        for output in range(self.y.shape[1]):
            back = np.zeros((len(self.x), self.y.shape[1]))
            back[:, output] = 1.0
            parts = []
            for w, below in zip(ws[::-1], h[::-1], strict=True):
                read = np.column_stack([below, self.x[:, -1]]) if self.bias else below
                parts.append((back[:, :, None] * read[:, None, :]).reshape(len(self.x), -1))
                back = (back @ w) * (below > 0)
            rows.append(np.hstack(parts[::-1])[:, self.free])
        return np.concatenate(rows)

    def fit(self, enough: float) -> bool:
        """Steps until the sum of squared errors is gone; whether it is."""
        damping = 1e-3
        errors, h = self.errors()
        loss = float((errors**2).sum())
        for _ in range(_FITS):
            if not self.free.any() or loss < 1e-4 * enough:
                break
            slopes = self.slopes(h)
            matrix, vector = slopes.T @ slopes, slopes.T @ errors.T.ravel()
            k = len(vector)
            self.work += len(slopes) * (2 * len(self.theta) + k * (k + 1) / 2) + k**3 / 6
            before = self.theta.copy()
            matrix[np.diag_indices(k)] += damping
            self.theta[self.free] -= np.linalg.solve(matrix, vector)
            errors, h = self.errors()
            if (new := float((errors**2).sum())) < loss:
                loss, damping = new, max(0.1 * damping, 1e-12)
            else:
                self.theta, damping = before, 10 * damping
                errors, h = self.errors()
        return loss < enough

    def tidy(self, favor: Array, most: float, enough: float) -> bool:
        """Fix all parameters at tidy numbers, and whether it could be done.

        Args:
            favor: of each parameter: the distance to its whole number, times this, decides which comes first.
            most: whole numbers are at most so large.
            enough: the sum of squared errors that counts as none.
        """
        refused: set[int] = set()
        while True:
            neat = np.round(self.theta / _TIDY) * _TIDY
            near = self.free & (np.abs(self.theta - neat) <= _BESIDE)
            self.theta[near], self.free[near] = neat[near] + 0.0, False  # and no -0.0
            if not self.fit(enough):
                return False
            left = [int(k) for k in np.flatnonzero(self.free) if k not in refused]
            if not left:
                return not self.free.any()
            values = self.theta[left]
            away = np.abs(values - np.clip(np.round(values), -most, most)) * favor[left]
            k = left[int(away.argmin())]
            if not self.fix(k, most, enough):
                refused.add(k)

    def fix(self, k: int, most: float, enough: float) -> bool:
        """Set a parameter to a whole number next to it, or to 0, if the others can follow."""
        before = self.theta.copy()
        self.free[k] = False
        low = np.floor(before[k])
        values = {0.0, *(float(v) for v in np.clip([low, low + 1], -most, most))}
        for value in sorted(values, key=lambda v: (abs(v - before[k]), v)):
            self.theta[k] = value
            if self.fit(enough):
                return True
            self.theta = before.copy()
        self.free[k] = True
        return False


def _forward(weights: Sequence[Array], biases: Sequence[Array], points: Array) -> Array:
    """The last of these layers' preactivations at points (x, c), ``(..., n + 1)``."""
    h, c = points[..., :-1], points[..., -1:]
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        h = (np.maximum(h, 0) if layer else h) @ w.T + c * b
    return h


def _joined(t: Array, more: Array) -> Array:
    """Both, sorted along each line, each place once; 1 again and again where a line has fewer than others."""
    t = np.sort(np.concatenate([t, more], axis=1), axis=1)
    t[:, :-1][t[:, 1:] - t[:, :-1] < _SAME] = 1.0
    t.sort(axis=1)
    return t[:, : int((t < 1).sum(axis=1).max()) + 1]
