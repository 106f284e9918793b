"""One network trained in plain numpy: what the fast loops of this room do, to be read.

Every step of the computation stands beside its way back: the function that takes the derivative of the
loss by what came out, and gives the derivative by what went in. That is all of backpropagation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.functions.target import TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.training.points import population
from circuitkit.training.start import initial

Array = NDArray[np.float64]


def affine(h: Array, w: Array, b: Array, one: float) -> Array:
    """A layer's preactivations; ``one`` is what a bias is multiplied by."""
    z: Array = h @ w.T + b * one
    return z


def affine_back(d: Array, h: Array, w: Array, one: float) -> tuple[Array, Array, Array]:
    """From the derivative by the preactivations those by ``h``, by ``w`` and by ``b``."""
    return d @ w, d.T @ h, d.sum(axis=0) * one


def relu(z: Array) -> Array:
    """Activations from preactivations."""
    return np.maximum(z, 0)


def relu_back(d: Array, z: Array) -> Array:
    """A unit that is off passes nothing back."""
    return d * (z > 0)


def squared_error(z: Array, y: Array) -> float:
    """Summed over the points, whose weights are folded into them, and averaged over the outputs."""
    return float(((z - y) ** 2).sum() / y.shape[1])


def squared_error_back(z: Array, y: Array) -> Array:
    """Its derivative by the outputs."""
    d: Array = 2 * (z - y) / y.shape[1]
    return d


def train_one(
    target: TargetLike, hidden: tuple[int, ...], *, seed: int = 0, steps: int = 500,
    learning_rate: float = 0.1, init: str = "torch", bias: bool = False,
) -> tuple[Network, list[float]]:  # fmt: skip
    """The network that ``circuitkit.train`` makes of one seed by gradient descent, and its losses.

    Example:
        >>> net, losses = train_one("abs", (2,), seed=3)
        >>> len(losses), bool(losses[-1] < losses[0])
        (500, True)
    """
    f = as_target(target)
    points = population(f, bias=bias)
    start: Any = initial(init, (f.n_inputs, *hidden, f.n_outputs), [seed], bias=bias)
    weights, biases = ([a[0] for a in arrays] for arrays in start)
    last, losses = len(weights) - 1, []
    for _ in range(steps):
        h, z = [points.x], []  # what goes into each layer, and its preactivations
        for w, b in zip(weights, biases, strict=True):
            z.append(affine(h[-1], w, b, points.unit))
            h.append(relu(z[-1]))
        losses.append(squared_error(z[last], points.y) + points.floor)
        d = squared_error_back(z[last], points.y)
        for layer in range(last, -1, -1):
            if layer < last:  # no ReLU after the last
                d = relu_back(d, z[layer])
            d, by_w, by_b = affine_back(d, h[layer], weights[layer], points.unit)
            weights[layer] = weights[layer] - learning_rate * by_w
            if bias:
                biases[layer] = biases[layer] - learning_rate * by_b
    return Network(weights, biases if bias else None), losses
