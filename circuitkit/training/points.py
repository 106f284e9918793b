"""What training averages over: the points at which a network is compared with its target.

The distribution is always uniform on [-1, 1]^n. A population is a fixed set of points whose mean
squared error is the expectation over that distribution, exactly or by quadrature; a batch is a
fresh sample.

Weights of the quadrature are folded into the points. A network without biases satisfies
``net(c x) = c net(x)`` for ``c > 0``, so a point ``x`` with weight ``w`` counts the same as the point
``sqrt(w) x`` with weight 1. A network with biases does so too once the constant 1 that its biases
multiply is scaled along; that constant is :attr:`Points.unit`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitkit.functions.target import Target

Array = NDArray[np.float64]

#: directions of the quadrature for two inputs without biases
DIRECTIONS = 64
#: points a side of the midpoint rule for one and two inputs with biases
MIDPOINTS = {1: 128, 2: 16}
#: points of the low-discrepancy sample for three inputs and more
SAMPLE = 1024
#: points in one batch, as in the deck
BATCH = 1000
#: the batches' stream of random numbers; seeds use the keys below 2**63, so no seed shares it
BATCH_KEY = 2**64


@dataclass(frozen=True)
class Points:
    """Points with folded weights: the loss is ``sum((net(x) - y)**2) / n_outputs + floor``.

    Attributes:
        x: inputs, shape ``(n_points, n_inputs)``.
        y: the target there, shape ``(n_points, n_outputs)``.
        unit: what a bias is multiplied by.
        floor: the part of the loss that no network without biases can reduce.
    """

    x: Array
    y: Array
    unit: float
    floor: float = 0.0


def population(target: Target, *, bias: bool) -> Points:
    r"""The population loss of ``target`` under the uniform distribution on [-1, 1]^n.

    =========  ==================================  =====================================
    inputs     without biases                      with biases
    =========  ==================================  =====================================
    1          exact: the two points -1 and 1      midpoint rule, 128 points
    2          64 directions                       midpoint rule, 16 x 16 points
    3 and up   Sobol points, 1024                  Sobol points, 1024
    =========  ==================================  =====================================

    Without biases the network is linear along every ray, ``net(r u) = r net(u)``, and so the
    integral along a ray is done in closed form: with R the distance to the edge of the square,
    ``int_0^R (r a - f(r u))^2 r^(n-1) dr = R^(n+2)/(n+2) (a - c)^2 + rest``, where ``c`` is the
    target's projection ``(n+2)/R^(n+2) int_0^R r^n f(r u) dr`` and the rest does not depend on the
    network (:attr:`Points.floor`).
    """
    n = target.n_inputs
    if not bias and n == 1:
        return _rays(target, np.array([[-1.0], [1.0]]), np.ones(2), np.full(2, 0.5))
    if not bias and n == 2:
        angle = (np.arange(DIRECTIONS) + 0.5) * (2 * np.pi / DIRECTIONS)
        half = np.stack([np.cos(angle), np.sin(angle)], axis=1)[: DIRECTIONS // 2]
        u = np.concatenate([half, -half])
        edge = 1 / np.abs(u).max(axis=1)
        # The density of the uniform distribution on the square is 1/4.
        return _rays(target, u, edge, np.full(DIRECTIONS, 2 * np.pi / DIRECTIONS / 4))
    if n in MIDPOINTS:
        k = MIDPOINTS[n]
        side = (np.arange(k) + 0.5) * (2 / k) - 1
        x = np.stack(np.meshgrid(*[side] * n, indexing="ij"), axis=-1).reshape(-1, n)
    else:
        from scipy.stats import qmc

        # Not scrambled, but moved to the middle of its cells: as accurate, and the same points
        # under every version of every library, in the widget's training too.
        x = 2 * qmc.Sobol(n, scramble=False).random(SAMPLE) - 1 + 1 / SAMPLE
    return _sample(target, x)


def batches(target: Target, *, size: int = BATCH) -> Iterator[Points]:
    """Fresh uniform batches, without end: the same sequence in every run, for every seed."""
    stream = np.random.Generator(np.random.Philox(key=BATCH_KEY))
    while True:
        yield _sample(target, 2 * stream.random((size, target.n_inputs)) - 1)


def _sample(target: Target, x: Array) -> Points:
    unit = 1 / np.sqrt(len(x))
    return Points(x * unit, target(x) * unit, float(unit))


def _rays(target: Target, u: Array, edge: Array, density: Array) -> Points:
    """Directions ``u`` out to ``edge``, each standing for ``density`` of the solid angle."""
    n = u.shape[1]
    node, weight = np.polynomial.legendre.leggauss(64)
    # r: (n_nodes, n_directions); the rule on (0, R)
    r = (node[:, None] + 1) / 2 * edge
    dr = weight[:, None] / 2 * edge
    f = target(r[..., None] * u)  # (n_nodes, n_directions, n_outputs)
    total = edge ** (n + 2) / (n + 2)  # int r^(n+1) dr
    at_edge = target(u * edge[:, None]) / edge[:, None]
    if np.allclose(f, r[..., None] * at_edge, rtol=0, atol=1e-12):
        c, floor = at_edge, 0.0  # positively homogeneous: nothing to integrate
    else:
        c = ((r**n * dr)[..., None] * f).sum(axis=0) / total[:, None]
        rest = ((r ** (n - 1) * dr)[..., None] * (f - r[..., None] * c) ** 2).sum(axis=0)
        floor = float((density[:, None] * rest).sum() / f.shape[-1])
    scale = np.sqrt(density * total)[:, None]
    return Points(u * scale, c * scale, 0.0, floor)
