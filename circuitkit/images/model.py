"""A small convolutional network for pictures of 8 by 8 pixels, in one of three architectures, evaluated with numpy.

All begin alike: 16 filters of 5 by 5 pixels at every place, a ReLU, the largest value in each window. What follows is

- ``"one layer"``: windows of 4 by 4, and the ten logits, linear in what they hold;
- ``"two layers"``: windows of 2 by 2, a second layer of 16 filters of 3 by 3, a ReLU, means over 2 by 2, the logits;
- ``"residual"``: the same, with the second layer added to what it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from circuitkit.checks import (
    BYTES,
    Kind,
    accepts,
    detached,
    finite,
    made_by,
    shown,
    wrong,
    wrong_type,
)

__all__ = [
    "ARCHITECTURES",
    "CHANNELS",
    "FILTER",
    "PICTURE",
    "ImageNetwork",
    "later",
    "read_out",
    "second_layer",
]

Array = NDArray[np.float64]

#: what follows the first layer
ARCHITECTURES = ("one layer", "two layers", "residual")
#: pixels of a picture and of a filter, each way; filters of a layer
PICTURE, FILTER, CHANNELS = 8, 5, 16


def pictures() -> Kind:
    """Pictures of 8 by 8 numbers, at least one."""
    expected = f"pictures, an array of shape (n, {PICTURE}, {PICTURE})"

    def take(name: str, value: Any) -> Array:
        numbers = finite(value, name)
        if numbers.ndim != 3 or numbers.shape[1:] != (PICTURE, PICTURE) or not len(numbers):
            raise wrong(name, expected, f"an array of shape {numbers.shape}")
        return numbers

    bad = ("picture", None, np.zeros((8, 8)), np.zeros((0, 8, 8)), np.full((1, 8, 8), np.nan))
    return made_by(take, right=np.ones((1, PICTURE, PICTURE)), wrong=bad)


def channels() -> Kind:
    """Some of the 16 channels, each once; one alone is a number."""
    expected = f"channels, distinct whole numbers from 0 to {CHANNELS - 1}"

    def take(name: str, value: Any) -> tuple[int, ...]:
        value = detached(name, value, within=1)
        if isinstance(value, (*BYTES, Mapping)):
            raise wrong_type(name, expected, shown(value))
        if getattr(value, "ndim", 1) and hasattr(value, "__len__") and len(value) > CHANNELS:
            raise wrong(name, expected, shown(value))
        try:
            raw = np.atleast_1d(np.asarray(value if np.ndim(value) == 0 else list(value)))
        except ValueError:  # rows of different lengths
            raise wrong(name, expected, shown(value)) from None
        if not raw.size:
            return ()
        if raw.ndim != 1 or raw.dtype.kind not in "iu":
            raise wrong(name, expected, shown(value))
        found = tuple(int(v) for v in raw)
        if len(set(found)) < len(found) or min(found) < 0 or max(found) >= CHANNELS:
            raise wrong(name, expected, shown(value))
        return found

    bad = (
        "ab",
        b"\x01",
        {1: 2},
        None,
        -1,
        10**400,
        16,
        [1, 1],
        [0.5],
        [[1, 2]],
        [[1], [2, 3]],
        True,
    )
    return made_by(take, right=[0, 3], wrong=bad)


def windows(values: Array, size: int) -> Array:
    """``(n, c, h, w)`` in windows that do not overlap: ``(n, c, h / size, w / size, size * size)``."""
    n, c, h, w = values.shape
    cut = values.reshape(n, c, h // size, size, w // size, size).transpose(0, 1, 2, 4, 3, 5)
    return cut.reshape(n, c, h // size, w // size, size * size)


def patches(images: Array, size: int) -> Array:
    """What a filter sees at each place, zeros around the picture: ``(n, c, h, w)`` -> ``(n, h, w, c, size, size)``."""
    edge = size // 2
    padded = np.pad(images, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    return sliding_window_view(padded, (size, size), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)


@dataclass(frozen=True, eq=False)
class ImageNetwork:
    """One trained network.

    Attributes:
        architecture: one of ``"one layer"``, ``"two layers"``, ``"residual"``.
        seed: that it was trained from.
        filters: of the first layer, ``(16, 5, 5)``.
        bias: of the first layer, ``(16,)``.
        second: filters of the second layer, ``(16, 16, 3, 3)``; None where there is none.
        second_bias: ``(16,)``, or None.
        readout: from the 16 x 2 x 2 values before the logits, ``(10, 64)``.
        readout_bias: ``(10,)``.
    """

    architecture: str
    seed: int
    filters: Array
    bias: Array
    second: Array | None
    second_bias: Array | None
    readout: Array
    readout_bias: Array

    @accepts(images=pictures())
    def pooled(self, images: Array) -> Array:
        """What the first layer hands on: ReLU, then the largest value in each window.

        Args:
            images: ``(n, 8, 8)``.

        Returns:
            ``(n, 16, 2, 2)`` with one layer, else ``(n, 16, 4, 4)``.

        Raises:
            TypeError, ValueError: images of another shape, or not finite.
        """
        seen = patches(images[:, None], FILTER)[:, :, :, 0]
        sums = np.einsum("nhwij,cij->nchw", seen, self.filters, optimize=True)
        active = np.maximum(sums + self.bias[:, None, None], 0)
        found: Array = windows(active, 4 if self.second is None else 2).max(axis=-1)
        return found

    @accepts(images=pictures())
    def logits(self, images: Array) -> Array:
        """Ten numbers for each picture; the largest one names the digit.

        Args:
            images: ``(n, 8, 8)``.

        Returns:
            ``(n, 10)``.

        Raises:
            TypeError, ValueError: images of another shape, or not finite.
        """
        return read_out(self, self.pooled(images))


def second_layer(network: ImageNetwork) -> tuple[Array, Array]:
    """The second layer as a matrix, ``(256, 256)``, from what the first hands on, and the biases of its 256 sums.

    Raises:
        ValueError: the network has one layer.
    """
    if network.second is None or network.second_bias is None:
        raise wrong("network", "one with a second layer", repr(network.architecture))
    side = PICTURE // 2
    units = np.eye(CHANNELS * side * side).reshape(-1, CHANNELS, side, side)
    columns = np.einsum("nhwdij,cdij->nchw", patches(units, 3), network.second, optimize=True)
    matrix: Array = columns.reshape(len(units), -1).T
    return matrix, np.repeat(network.second_bias, side * side)


def later(network: ImageNetwork, pooled: Array) -> Array:
    """The values before the logits, ``(n, 64)``, of what the first layer hands on."""
    if network.second is None:
        return pooled.reshape(len(pooled), -1)
    matrix, offset = second_layer(network)
    flat = pooled.reshape(len(pooled), -1) @ matrix.T + offset
    values = np.maximum(flat, 0).reshape(pooled.shape)
    if network.architecture == "residual":
        values = values + pooled
    found: Array = windows(values, 2).mean(axis=-1).reshape(len(pooled), -1)
    return found


def read_out(network: ImageNetwork, pooled: Array) -> Array:
    """The logits, ``(n, 10)``, of what the first layer hands on."""
    found: Array = later(network, pooled) @ network.readout.T + network.readout_bias
    return found
