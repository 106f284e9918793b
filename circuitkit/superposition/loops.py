"""The loops of training as machine code; ``widget/static/superposing.mjs`` has the same, operation by operation.

One file: numba's cache does not see changes in another.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np

from circuitkit.training.compiled import OPTIONS, Compiled, compiled

__all__ = ["descend", "fill"]

_part = numba.njit(**OPTIONS)
_T: Any = numba.types
_REAL, _WHOLE = _T.float64, _T.int64


@_part
def _following(state):  # type: ignore[no-untyped-def]
    """The next number in [0, 1): sfc32, a generator of 32 bits that a page computes as fast."""
    t = np.uint32(np.uint32(state[0] + state[1]) + state[3])
    state[3] = np.uint32(state[3] + np.uint32(1))
    state[0] = np.uint32(state[1] ^ (state[1] >> np.uint32(9)))
    state[1] = np.uint32(state[2] + np.uint32(state[2] << np.uint32(3)))
    turned = np.uint32(np.uint32(state[2] << np.uint32(21)) | (state[2] >> np.uint32(11)))
    state[2] = np.uint32(turned + t)
    return np.float64(t) * 2.0**-32


@_part
def _begin(state):  # type: ignore[no-untyped-def]
    """Mixes a seed into the whole state."""
    for _ in range(12):
        _following(state)


@_part
def _none(sparsity, n):  # type: ignore[no-untyped-def]
    """The chance that all n features are 0."""
    found = 1.0
    for _ in range(n):
        found *= sparsity
    return found


@_part
def _draw(x, state, sparsity, none):  # type: ignore[no-untyped-def]
    """An input that is not all zeros: its first active feature from the geometric law, the later ones one by one."""
    n = len(x)
    first = 0
    u = _following(state)
    if sparsity > 0:
        first = min(n - 1, int(np.floor(np.log(1 - u * (1 - none)) / np.log(sparsity))))
    for i in range(n):
        x[i] = 0.0
        if i == first or (i > first and _following(state) >= sparsity):
            x[i] = _following(state)


def _fill(x, state, sparsity):  # type: ignore[no-untyped-def]
    """Inputs that are not all zeros, one a row."""
    none = _none(sparsity, x.shape[1])
    _begin(state)
    for k in range(len(x)):
        _draw(x[k], state, sparsity, none)


@_part
def _slopes(p, slope, x, h, g, share, each):  # type: ignore[no-untyped-def]
    """Add what one input says: forward to the outputs, and back to W and b, the last row of ``p``."""
    m, n = len(h), len(x)
    for k in range(m):
        h[k] = 0.0
        g[k] = 0.0
        for i in range(n):
            h[k] += p[k, i] * x[i]
    for i in range(n):
        z = p[m, i]
        for k in range(m):
            z += p[k, i] * h[k]
        if z > 0:
            d = each * share[i] * (z - x[i])
            slope[m, i] += d
            for k in range(m):
                slope[k, i] += d * h[k]
                g[k] += d * p[k, i]
    for k in range(m):
        for i in range(n):
            slope[k, i] += g[k] * x[i]


@_part
def _adam(p, slope, first, second, rate, left1, left2):  # type: ignore[no-untyped-def]
    for k in range(p.shape[0]):
        for i in range(p.shape[1]):
            d = slope[k, i]
            first[k, i] = 0.9 * first[k, i] + 0.1 * d
            second[k, i] = 0.999 * second[k, i] + 0.001 * d * d
            size = np.sqrt(second[k, i] / left2) + 1e-8
            p[k, i] -= rate * (first[k, i] / left1) / size


def _descend(weights, biases, states, share, sparsity, steps, batch, start):  # type: ignore[no-untyped-def]
    """Train each seed; what comes out is written into ``weights`` and ``biases``."""
    seeds, m, n = weights.shape
    reach = np.sqrt(6.0 / (n + m))
    none = _none(sparsity, n)
    each = 2 * (1 - none) / batch
    x, h, g = np.empty(n), np.empty(m), np.empty(m)
    slope = np.empty((m + 1, n))
    for s in range(seeds):
        state = states[s]
        _begin(state)
        p = np.zeros((m + 1, n))
        for k in range(m):
            for i in range(n):
                p[k, i] = (2 * _following(state) - 1) * reach
        first, second = np.zeros((m + 1, n)), np.zeros((m + 1, n))
        fade1, fade2 = 1.0, 1.0
        for step in range(steps):
            for k in range(m + 1):
                for i in range(n):
                    slope[k, i] = 0.0
            for i in range(n):  # inputs that are all zeros
                if p[m, i] > 0:
                    slope[m, i] = 2 * none * share[i] * p[m, i]
            for _ in range(batch):
                _draw(x, state, sparsity, none)
                _slopes(p, slope, x, h, g, share, each)
            fade1 *= 0.9
            fade2 *= 0.999
            _adam(p, slope, first, second, start * (1 - step / steps), 1 - fade1, 1 - fade2)
        for i in range(n):
            biases[s, i] = p[m, i]
            for k in range(m):
                weights[s, k, i] = p[k, i]


def _array(kind: Any, dims: int) -> Any:
    return _T.Array(kind, dims, "C")


@cache
def fill() -> Compiled:
    """``fill(x, state, sparsity)``: inputs that are not all zeros into the rows of x."""
    return compiled(_fill, _T.void(_array(_REAL, 2), _array(_T.uint32, 1), _REAL))


@cache
def descend() -> Compiled:
    """``descend(weights, biases, states, share, sparsity, steps, batch, start)``: the training of all seeds."""
    kinds = [_array(_REAL, 3), _array(_REAL, 2), _array(_T.uint32, 2), _array(_REAL, 1)]
    return compiled(_descend, _T.void(*kinds, _REAL, _WHOLE, _WHOLE, _REAL))
