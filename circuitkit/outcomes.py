"""What became of a seed: the worst error over all inputs, and the named ways of being stuck."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from circuitkit.targets import Target

Array = NDArray[np.float64]


def worst_errors(target: Target, weights: Sequence[Array], biases: Sequence[Array]) -> Array:
    """The largest ``|net(x) - f(x)| / max(1, max|x_i|)`` of every seed, shape ``(n_seeds,)``."""
    n = target.n_inputs
    if n == 1:
        u = np.array([[-1.0], [1.0]])
    else:
        t = np.linspace(-1, 1, 129)
        u = np.concatenate(
            [np.stack([t, t * 0 + s], 1) for s in (-1, 1)]
            + [np.stack([t * 0 + s, t], 1) for s in (-1, 1)]
        )
        if n > 2:
            u = np.random.default_rng(0).uniform(-1, 1, (1024, n))
            u /= np.abs(u).max(1, keepdims=True)
    y = target(u)
    out = []
    for s in range(0, len(weights[0]), 1000):
        h = np.broadcast_to(u.T, (len(weights[0][s : s + 1000]), *u.T.shape))
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = np.maximum(h, 0) if layer else h
            h = w[s : s + 1000] @ h + b[s : s + 1000, :, None]
        out.append(np.abs(h - y.T).max(axis=(1, 2)))
    return np.concatenate(out)


def name_outcomes(
    target: Target,
    weights: Sequence[Array],
    biases: Sequence[Array],
    *,
    solved: NDArray[np.bool_],
    diverged: NDArray[np.bool_],
) -> NDArray[np.str_]:
    return np.where(solved, "solved", np.where(diverged, "diverged", "other"))
