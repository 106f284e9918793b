"""The loss of one small network over points, its gradient and its Jacobian, compiled, for one seed at a time.

What :mod:`benchmarks.comparison` compares needs to stop, look, change a network and go on, which
``ck.train`` does not do. Networks are flat parameters without biases, layer by layer and row by row, with
one output; the loss is the sum of squared errors at points whose weights are folded in.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Sizes = NDArray[np.int64]

#: how :func:`follow` ends: its steps are used up, the loss is as good as gone, or it hardly falls
MORE, GONE, SLOW = 0, 1, 2

_compiled = numba.njit(cache=True)


@_compiled
def forward(theta: Array, sizes: Sizes, x: Array, slope: float, z: Array) -> float:
    """The output at the point ``x``; into ``z`` the inputs and all activations."""
    last = len(sizes) - 1
    for i in range(sizes[0]):
        z[i] = x[i]
    below, here, begin = 0, sizes[0], 0
    for layer in range(last):
        n_in = sizes[layer]
        for o in range(sizes[layer + 1]):
            total = 0.0
            for i in range(n_in):
                total += theta[begin + o * n_in + i] * z[below + i]
            if layer < last - 1 and total < 0:
                total *= slope
            z[here + o] = total
        begin += n_in * sizes[layer + 1]
        below, here = here, here + sizes[layer + 1]
    return z[below]


@_compiled
def backward(theta: Array, sizes: Sizes, slope: float, z: Array, d: Array, row: Array) -> None:
    """Add ``d[output]`` times the derivative of the output by every parameter to ``row``."""
    begin = len(theta)
    above = len(z) - 1
    for layer in range(len(sizes) - 2, -1, -1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        begin -= n_in * n_out
        below = above - n_in
        for i in range(n_in):
            d[below + i] = 0.0
        for o in range(n_out):
            for i in range(n_in):
                at = begin + o * n_in + i
                row[at] += d[above + o] * z[below + i]
                d[below + i] += d[above + o] * theta[at]
        if layer:
            for i in range(n_in):
                if z[below + i] <= 0:
                    d[below + i] *= slope
        above = below


@_compiled
def loss(theta: Array, sizes: Sizes, x: Array, y: Array) -> float:
    """The sum of squared errors."""
    z = np.empty(sizes.sum())
    total = 0.0
    for p in range(len(x)):
        r = forward(theta, sizes, x[p], 0.0, z) - y[p]
        total += r * r
    return total


@_compiled
def loss_and_gradient(
    theta: Array, sizes: Sizes, x: Array, y: Array, slope: float, gradient: Array
) -> float:
    """The loss; its gradient into ``gradient``. Units have the slope ``slope`` below zero."""
    z, d = np.empty(sizes.sum()), np.empty(sizes.sum())
    gradient[:] = 0.0
    loss = 0.0
    for p in range(len(x)):
        r = forward(theta, sizes, x[p], slope, z) - y[p]
        loss += r * r
        d[len(d) - 1] = 2 * r
        backward(theta, sizes, slope, z, d, gradient)
    return loss


@_compiled
def errors_and_jacobian(
    theta: Array, sizes: Sizes, x: Array, y: Array, slope: float
) -> tuple[Array, Array]:
    """The error at every point and its derivatives, ``(n_points, n_parameters)``."""
    z, d = np.empty(sizes.sum()), np.empty(sizes.sum())
    errors, jacobian = np.empty(len(x)), np.zeros((len(x), len(theta)))
    for p in range(len(x)):
        errors[p] = forward(theta, sizes, x[p], slope, z) - y[p]
        d[len(d) - 1] = 1.0
        backward(theta, sizes, slope, z, d, jacobian[p])
    return errors, jacobian


@_compiled
def follow(
    theta: Array,
    sizes: Sizes,
    x: Array,
    y: Array,
    rate: float,
    steps: int,
    window: int,
    fall: float,
    enough: float,
    slope: float,
    bends: int,
) -> tuple[int, float, int]:
    """Gradient descent, in place: the steps made, the last loss and how it ended.

    Args:
        theta: the network's parameters, changed in place.
        sizes: widths from input to output.
        x: the points.
        y: the target there.
        rate: the learning rate.
        steps: how many at most.
        window: after so many steps the loss is looked at; 0 for never.
        fall: it is slow where it has fallen by less than this share since.
        enough: the loss that counts as none.
        slope: what units have below zero at the first step.
        bends: in so many steps that slope falls to 0.
    """
    gradient = np.empty_like(theta)
    before, loss = np.inf, np.inf
    for step in range(steps):
        leak = slope * (1 - step / bends) if step < bends else 0.0
        loss = loss_and_gradient(theta, sizes, x, y, leak, gradient)
        if not loss < 1e6:
            return step + 1, loss, SLOW
        if step >= bends:
            if loss < enough:
                return step + 1, loss, GONE
            if window and step % window == 0:
                if loss > (1 - fall) * before:
                    return step + 1, loss, SLOW
                before = loss
        for k in range(len(theta)):
            theta[k] -= rate * gradient[k]
    return steps, loss, MORE


@_compiled
def blind(theta: Array, sizes: Sizes, x: Array) -> bool:
    """Whether some hidden layer is off at some point."""
    z = np.empty(sizes.sum())
    for p in range(len(x)):
        forward(theta, sizes, x[p], 0.0, z)
        place = sizes[0]
        for layer in range(1, len(sizes) - 1):
            on = False
            for u in range(place, place + sizes[layer]):
                on = on or z[u] > 0
            if not on:
                return True
            place += sizes[layer]
    return False


@_compiled
def mean_activations(theta: Array, sizes: Sizes, x: Array) -> Array:
    """Of every hidden unit, over the points; the hidden layers one after the other."""
    z = np.empty(sizes.sum())
    total = np.zeros(sizes[1:-1].sum())
    for p in range(len(x)):
        forward(theta, sizes, x[p], 0.0, z)
        for u in range(len(total)):
            total[u] += z[sizes[0] + u]
    return total / len(x)
