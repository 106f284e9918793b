"""Initial weights: one stream of random numbers a seed, and what each initialization makes of it.

Seed s gives the doubles of ``numpy.random.Generator(numpy.random.Philox(key=s)).random()``, used in
order: for each layer its weights row by row, then its biases if the network has any. Every
initialization uses the same numbers in the same order, so that a seed can be compared across them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: weights (n_seeds, n_out, n_in) and biases (n_seeds, n_out) of every layer
Layers = tuple[list[Array], list[Array]]


def uniforms(seeds: Sequence[int], count: int) -> Array:
    """The first ``count`` doubles in [0, 1) of every seed's stream, shape ``(n_seeds, count)``."""
    u = np.empty((len(seeds), count))
    for row, seed in zip(u, seeds, strict=True):
        np.random.Generator(np.random.Philox(key=int(seed))).random(out=row)
    return u


def initial(init: str, sizes: Sequence[int], seeds: Sequence[int], *, bias: bool) -> Layers:
    """Initial weights and biases of every seed; biases are zeros where ``bias`` is false."""
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    u = uniforms(seeds, sum(o * (i + bias) for o, i in shapes))
    weights: list[Array] = []
    biases: list[Array] = []
    start = 0
    for n_out, n_in in shapes:
        weights.append(2 * u[:, start : start + n_out * n_in].reshape(-1, n_out, n_in) - 1)
        start += n_out * n_in
        if bias:
            biases.append(2 * u[:, start : start + n_out] - 1)
            start += n_out
        else:
            biases.append(np.zeros((len(u), n_out)))
    INITS[init](weights, biases)
    return weights, biases


def _torch(weights: list[Array], biases: list[Array]) -> None:
    for w, b in zip(weights, biases, strict=True):
        w /= np.sqrt(w.shape[2])
        b /= np.sqrt(w.shape[2])


def _zero_bias(weights: list[Array], biases: list[Array]) -> None:
    _torch(weights, biases)
    for b in biases:
        b[...] = 0


def _he(weights: list[Array], biases: list[Array]) -> None:
    _zero_bias(weights, biases)
    for w in weights:
        w *= np.sqrt(6)


def _xavier(weights: list[Array], biases: list[Array]) -> None:
    _zero_bias(weights, biases)
    for w in weights:
        w *= np.sqrt(6 * w.shape[2] / (w.shape[1] + w.shape[2]))


def _orthogonal(weights: list[Array], biases: list[Array]) -> None:
    from scipy.special import ndtri

    for w, b in zip(weights, biases, strict=True):
        b[...] = 0
        # u = 0 would be minus infinity; the smallest positive u is 2**-53.
        gaussian = ndtri(np.maximum((w + 1) / 2, 2.0**-54))
        tall = w.shape[1] >= w.shape[2]
        q, r = np.linalg.qr(gaussian if tall else gaussian.transpose(0, 2, 1))
        # With a positive diagonal of r the distribution of q is uniform.
        q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
        w[...] = np.sqrt(2) * (q if tall else q.transpose(0, 2, 1))


def _mirrored(weights: list[Array], biases: list[Array]) -> None:
    _torch(weights, biases)
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        pairs = w.shape[1] // 2
        w[:, 1 : 2 * pairs : 2] = -w[:, 0 : 2 * pairs : 2]
        b[:, 1 : 2 * pairs : 2] = -b[:, 0 : 2 * pairs : 2]


def _hidden_dominant(weights: list[Array], biases: list[Array]) -> None:
    _torch(weights, biases)
    _quieten(weights)


def _mirrored_dominant(weights: list[Array], biases: list[Array]) -> None:
    _mirrored(weights, biases)
    _quieten(weights)


def _quieten(weights: list[Array]) -> None:
    """Scale every hidden unit's outgoing weights to at most half the norm of its incoming ones."""
    for incoming, outgoing in pairwise(weights):
        into = np.sqrt((incoming**2).sum(axis=2))  # (n_seeds, n_units)
        out = np.sqrt((outgoing**2).sum(axis=1))
        outgoing *= np.minimum(1, 0.5 * into / np.maximum(out, 1e-300))[:, None, :]


#: name -> what it makes, in place, of uniform numbers in [-1, 1)
INITS: dict[str, Callable[[list[Array], list[Array]], None]] = {
    "torch": _torch,
    "he": _he,
    "xavier": _xavier,
    "orthogonal": _orthogonal,
    "zero-bias": _zero_bias,
    "mirrored": _mirrored,
    "hidden-dominant": _hidden_dominant,
    "mirrored-dominant": _mirrored_dominant,
}
