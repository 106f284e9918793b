"""One network trained in plain numpy: what the fast loops of this room do, to be read.

Every step of the computation stands beside its way back: the function that takes the derivative of the
loss by what came out, and gives the derivative by what went in. That is all of backpropagation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuitkit.functions.target import TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.training.points import Points, population
from circuitkit.training.start import initial

Array = NDArray[np.float64]
#: one array a layer
Layers: TypeAlias = list[Array]


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


def one_step(
    weights: Layers, biases: Layers, points: Points, rate: float
) -> tuple[Layers, Layers, float]:
    """Both after a step of gradient descent, and the loss before it."""
    inputs, z = [points.x], []  # of each layer, and its preactivations
    for w, b in zip(weights, biases, strict=True):  # forward
        z.append(affine(inputs[-1], w, b, points.unit))
        inputs.append(relu(z[-1]))
    loss = squared_error(z[-1], points.y) + points.floor
    d = squared_error_back(z[-1], points.y)
    weights, biases = list(weights), list(biases)
    for layer in reversed(range(len(weights))):  # and backward
        if layer < len(weights) - 1:  # no ReLU after the last
            d = relu_back(d, z[layer])
        h, w = inputs[layer], weights[layer]
        d, by_w, by_b = affine_back(d, h, w, points.unit)
        weights[layer] = w - rate * by_w
        biases[layer] = biases[layer] - rate * by_b
    return weights, biases, loss


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
    points = replace(points, unit=points.unit * bias)  # biases that count for nothing stay 0
    start: Any = initial(init, (f.n_inputs, *hidden, f.n_outputs), [seed], bias=bias)
    weights, biases = ([a[0] for a in arrays] for arrays in start)
    losses = []
    for _ in range(steps):
        weights, biases, loss = one_step(weights, biases, points, learning_rate)
        losses.append(loss)
    return Network(weights, biases if bias else None), losses
