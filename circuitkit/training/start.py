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
    """The first ``count`` doubles in [0, 1) of every seed's stream, shape ``(n_seeds, count)``.

    numpy makes a generator in ten microseconds, which a hundred thousand seeds would wait for; so
    the same rounds are done here for all seeds at once, one block of four numbers at a time.
    """
    key = np.array(seeds, dtype=np.uint64)
    blocks = -(-count // 4)
    words = np.empty((len(key), 4 * blocks), dtype=np.uint64)
    for block in range(blocks):
        # numpy counts on before it makes a block: the first has the counter 1.
        words[:, 4 * block : 4 * block + 4] = _philox(block + 1, key)
    return (words[:, :count] >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _philox(counter: int, key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Philox-4x64-10 (Salmon et al., 2011) of one counter under many keys, ``(n_keys, 4)``."""
    zero = np.zeros_like(key)
    x = [np.full_like(key, counter), zero, zero, zero]
    low, high = key, zero
    for _ in range(10):
        high0, low0 = _multiply(x[0], 0xD2E7470EE14C6C93)
        high1, low1 = _multiply(x[2], 0xCA5A826395121157)
        x = [high1 ^ x[1] ^ low, low1, high0 ^ x[3] ^ high, low0]
        low = low + np.uint64(0x9E3779B97F4A7C15)
        high = high + np.uint64(0xBB67AE8584CAA73B)
    return np.stack(x, axis=1)


def _multiply(a: NDArray[np.uint64], b: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The upper and lower 64 bits of the product of 64-bit numbers, by halves of 32 bits."""
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    a0, a1, b0, b1 = a & mask, a >> shift, np.uint64(b & 0xFFFFFFFF), np.uint64(b >> 32)
    low = a0 * b0
    middle = a1 * b0 + (low >> shift)
    cross = a0 * b1 + (middle & mask)
    high = a1 * b1 + (middle >> shift) + (cross >> shift)
    return high, (cross << shift) | (low & mask)


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
