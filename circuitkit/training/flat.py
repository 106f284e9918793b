"""The parameters of many networks as one array ``(n_parameters, S)``, the axis of the seeds last.

A network's parameters follow one another layer by layer, each unit's weights and then, in networks
that have any, its bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flat = TypeVar("Flat", bound=Any)


def n_parameters(sizes: Sequence[int], *, bias: bool) -> int:
    """Weights and biases of one network.

    >>> n_parameters((2, 3, 1), bias=True)
    13
    """
    return sum(n_out * (n_in + bias) for n_in, n_out in pairwise(sizes))


def layers(flat: Flat, sizes: Sequence[int], *, bias: bool) -> list[Flat]:
    """Views of flat parameters, of numpy or torch: one ``(n_out, n_in [+ 1], S)`` a layer.

    With ``bias`` the last column of a layer holds its biases.
    """
    views: list[Flat] = []
    start = 0
    for n_in, n_out in pairwise(sizes):
        count = n_out * (n_in + bias)
        views.append(flat[start : start + count].reshape(n_out, n_in + bias, -1))
        start += count
    return views


def to_chunks(
    weights: Sequence[Array], biases: Sequence[Array], s: int, *, bias: bool
) -> list[Array]:
    """Flat parameters of ``s`` seeds each, the last chunk filled up with copies.

    Args:
        weights: one array ``(n_seeds, n_out, n_in)`` a layer.
        biases: one array ``(n_seeds, n_out)`` a layer.
        s: seeds in a chunk.
        bias: whether the networks have biases; otherwise ``biases`` is not looked at.
    """
    parts = [
        (np.concatenate([w, b[..., None]], axis=2) if bias else w).reshape(len(w), -1)
        for w, b in zip(weights, biases, strict=True)
    ]
    flat = np.concatenate(parts, axis=1)
    filled = np.concatenate([flat, np.repeat(flat[-1:], -len(flat) % s, axis=0)])
    return [filled[i : i + s].T.copy() for i in range(0, len(filled), s)]


def from_chunks(
    chunks: Sequence[NDArray[np.floating[Any]]], n_seeds: int, sizes: Sequence[int], *, bias: bool
) -> tuple[list[Array], list[Array]]:
    """The inverse of :func:`to_chunks`, in float64; biases are zeros in networks without."""
    flat = np.concatenate([c.astype(np.float64) for c in chunks], axis=1)[:, :n_seeds]
    weights: list[Array] = []
    biases: list[Array] = []
    for n_in, layer in zip(sizes, layers(flat, sizes, bias=bias), strict=False):
        seeds_first = layer.transpose(2, 0, 1)
        weights.append(seeds_first[:, :, :n_in].copy())
        biases.append(seeds_first[:, :, n_in:].sum(axis=2))
    return weights, biases
