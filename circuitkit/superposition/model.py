r"""A layer too narrow for its inputs: y = ReLU(W'W x + b), n features in m directions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitkit.checks import accepts, finite, flag, whole, wrong
from circuitkit.network import Network

__all__ = ["Superposition", "polygon", "untied"]

Array = NDArray[np.float64]


class Superposition:
    r"""The network :math:`y = \mathrm{ReLU}(W^\top W x + b)`: n features through m directions and back.

    Feature i is written along column i of W, its *direction*, and read along the same column: the decoder
    is the encoder transposed, the weights are *tied*. The layer in the middle is linear.

    Args:
        weights: W, shape ``(m, n)``: column i is where feature i points.
        bias: b, shape ``(n,)``, or one number for all.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Attributes:
        weights: W, read-only.
        bias: b, read-only.

    Example:
        Four features in two directions, as two antipodal pairs:

        >>> square = Superposition([[1, 0, -1, 0], [0, 1, 0, -1]])
        >>> square([0, 0, 0.5, 0])
        array([0. , 0. , 0.5, 0. ])
        >>> square.network()
        Network(4-4-4, no biases)

    Source: Elhage et al. (2022), "Toy Models of Superposition".
    """

    weights: Array
    bias: Array

    def __init__(self, weights: ArrayLike, bias: ArrayLike = 0.0) -> None:
        w = _matrix("weights", weights)
        b = finite(bias, "bias")
        if b.shape not in ((), (w.shape[1],)):
            raise wrong("bias", f"a number, or {w.shape[1]} numbers", f"shape {b.shape}")
        b = np.broadcast_to(b, (w.shape[1],)).copy()
        for each in (w, b):
            each.setflags(write=False)
        self.weights, self.bias = w, b

    @property
    def n_features(self) -> int:
        """How many features there are."""
        return int(self.weights.shape[1])

    @property
    def n_directions(self) -> int:
        """How wide the layer in the middle is."""
        return int(self.weights.shape[0])

    @property
    def matrix(self) -> Array:
        """:math:`M = W^\\top W`, ``(n, n)``: how much of feature j arrives at output i."""
        m: Array = self.weights.T @ self.weights
        return m

    def __call__(self, x: ArrayLike) -> Array:
        """The output for ``x`` of shape ``(..., n)``."""
        return self.network()(x)

    @accepts(bottleneck=flag())
    def network(self, *, bottleneck: bool = False) -> Network:
        r"""The same as a :class:`circuitkit.Network`, which can be proved, read and drawn.

        A Network has a ReLU after every layer but the last, and the layer in the middle has none. Two
        linear maps in a row are one: the outputs see W only through :math:`M = W^\top W`, so the network is
        n-n-n with weights M and 1. With ``bottleneck`` the middle is kept: each direction is carried by two
        units, its positive and its negative half, n-2m-n-n.

        Args:
            bottleneck: keep the layer in the middle.

        Example:
            >>> pair = Superposition([[1, -1]])
            >>> pair.network(bottleneck=True).layer_sizes
            (2, 2, 2, 2)
        """
        one, n = np.eye(self.n_features), self.n_features
        if not bottleneck:
            return Network([self.matrix, one], [self.bias, np.zeros(n)])
        w = self.weights
        halves = np.concatenate([w, -w])
        return Network(
            [halves, np.concatenate([w.T, -w.T], axis=1), one],
            [np.zeros(len(halves)), self.bias, np.zeros(n)],
        )

    def __repr__(self) -> str:
        return f"Superposition({self.n_features} features in {self.n_directions} directions)"


def _matrix(name: str, value: Any) -> Array:
    w = finite(value, name)
    if w.ndim != 2 or 0 in w.shape:
        raise wrong(name, "one row a direction, one column a feature", f"shape {w.shape}")
    return w.copy()


@accepts(n=whole(least=1, most=1000))
def polygon(n: int = 5) -> Superposition:
    r"""The regular n-gon with the bias that is best for one active feature: :math:`b = -\cos(2\pi/n)/2`.

    With n = 4 or fewer the bias is 0, and for n of 4 or more no tied network of n features in the plane has a
    smaller worst error with one active feature: see :func:`least_worst_error`.

    Args:
        n: how many features, 1 to 1000.

    Example:
        >>> round(float(polygon(5).bias[0]), 4)
        -0.1545
    """
    angles = 2 * np.pi * np.arange(n) / n
    bias = -np.cos(2 * np.pi / n) / 2 if n > 4 else 0.0
    return Superposition([np.cos(angles), np.sin(angles)], bias)


@accepts(n=whole(least=1, most=1000))
def untied(n: int) -> Network:
    r"""n features through three directions, exactly, one active at a time: encoder and decoder differ.

    Feature j is written as :math:`(1, t_j, t_j^2)` with :math:`t_j = j` and read by
    :math:`(1 - t_i^2, 2 t_i, -1)`, so that output i sees :math:`M_{ij} = 1 - (t_i - t_j)^2`: 1 of itself and
    0 or less of any other.

    Args:
        n: how many features, 1 to 1000.

    Returns:
        An n-n-n network, whose first weights M have rank 3 at most.

    Example:
        >>> untied(4).weights[0]
        array([[ 1.,  0., -3., -8.],
               [ 0.,  1.,  0., -3.],
               [-3.,  0.,  1.,  0.],
               [-8., -3.,  0.,  1.]])
    """
    t = np.arange(float(n))
    return Network([1 - (t[:, None] - t) ** 2, np.eye(n)])
