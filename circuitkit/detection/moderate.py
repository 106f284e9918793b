"""The same network with hidden values whose squares are doubles: each unit divided by a power of two.

A unit's weights divided by a power of two, and what reads it multiplied by the same, is the same function:
relu(z / 2^a) = relu(z) / 2^a. Reading compares units by products of their values, which overflow from
about 1e154 on, far below what a weight may be.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from circuitkit.network import Network

__all__ = ["moderate"]

Array = NDArray[np.float64]
Powers = list[NDArray[np.int64]]

#: values below two to this power stay as they are, and larger ones become about as large as two to the other
_LARGE, _MODERATE = 498, 400
#: stands for the exponent of 0
_NONE = -(10**9)


def moderate(net: Network, x: Array) -> tuple[Network, Powers] | None:
    """The network with hidden units and outputs divided by powers of two, and the powers' exponents, layer by layer.

    Args:
        net: the network; of its output scale nothing is left if anything is divided.
        x: inputs whose sizes are those that the network is used at.

    Returns:
        The network itself and zeros where nothing is large; None where a number, divided, is no double.
    """
    sizes = _exponents(np.abs(x).max(axis=0))
    divided = [np.zeros(net.n_inputs, dtype=np.int64)]
    for w, b in zip(net.weights, net.biases, strict=True):
        # at most: no value is larger than all its terms together
        terms = np.column_stack([_exponents(w) + sizes, _exponents(b)])
        sizes = terms.max(axis=1) + math.ceil(math.log2(terms.shape[1]))
        divided.append(np.where(sizes > _LARGE, sizes - _MODERATE, 0))
    if not any(each.any() for each in divided):
        return net, divided[1:]
    weights, biases = [], []
    for w, b, (before, after) in zip(net.weights, net.biases, pairwise(divided), strict=True):
        by = before - after[:, None]
        with np.errstate(over="ignore", under="ignore"):
            scaled = np.ldexp(w, by), np.ldexp(b, -after)
            back = np.ldexp(scaled[0], -by), np.ldexp(scaled[1], after)
        if not (np.array_equal(back[0], w) and np.array_equal(back[1], b)):
            return None
        weights.append(scaled[0])
        biases.append(scaled[1])
    return Network(weights, biases), divided[1:]


def _exponents(values: Array) -> NDArray[np.int64]:
    """The powers of two that they are below."""
    found = np.frexp(values)[1].astype(np.int64)
    return np.where(values == 0, _NONE, found)
