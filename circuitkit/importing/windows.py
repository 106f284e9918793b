"""Convolution and pooling: which elements each window reads, and what becomes of them.

Of a tensor ``(batch, channels, ...)``; ONNX and PyTorch differ only in how they name the arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitkit.importing.lowering import LARGEST, Lowering, TooLarge, Value

__all__ = ["Windows", "average_pool", "convolution", "max_pool", "windows"]

Array = NDArray[np.float64]

#: numbers that the places of all windows may hold together, over inputs and units
_LARGEST_PATCHES = 2**25


@dataclass(frozen=True)
class Windows:
    """Which spatial element each place of each window reads: ``(places, window)``, -1 for padding."""

    index: NDArray[np.intp]
    shape: tuple[int, ...]
    beyond: NDArray[np.bool_]  # places that even the padding does not reach (ceil_mode)


def windows(
    spatial: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    *,
    ceil: bool,
) -> Windows:
    """All windows of a tensor.

    Args:
        spatial: its sizes after batch and channels.
        kernel: the window's, one an axis, as are ``strides`` and ``dilations``.
        strides: how far one window is from the next.
        dilations: how far apart a window's places are.
        pads: zeros before each axis, then behind each.
        ceil: whether a last window that is not full counts, if it does not start behind the tensor.

    Raises:
        ValueError: the numbers do not go together.
        TooLarge: too many places.
    """
    rank = len(spatial)
    per_axis, beyond, sizes = [], [], []
    for i, n in enumerate(spatial):
        before, after = pads[i], pads[rank + i]
        reach = dilations[i] * (kernel[i] - 1) + 1
        room = n + before + after - reach
        if room < 0 or strides[i] < 1:
            raise ValueError(f"a window of {reach} in {n} elements")
        count = (-(-room // strides[i]) if ceil else room // strides[i]) + 1
        if ceil and (count - 1) * strides[i] >= n + before:
            count -= 1  # a window that would start in the padding behind
        at = np.arange(count)[:, None] * strides[i] + np.arange(kernel[i])[None] * dilations[i]
        at = at - before
        per_axis.append(np.where((at >= 0) & (at < n), at, -1))
        beyond.append(at >= n + after)
        sizes.append(count)
    # per axis (count, k) -> all (count..., k...) -> (places, window)
    shape = (*sizes, *kernel)
    if np.prod(shape, dtype=float) > LARGEST:
        raise TooLarge(f"would make a tensor of shape {shape}")
    index = np.zeros(shape, dtype=np.intp)
    missing, over = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for i in range(rank):
        axes = [1] * (2 * rank)
        axes[i], axes[rank + i] = sizes[i], kernel[i]
        step = int(np.prod(spatial[i + 1 :], dtype=np.int64))
        index = index + per_axis[i].reshape(axes) * step
        missing |= per_axis[i].reshape(axes) < 0
        over |= beyond[i].reshape(axes)
    places = int(np.prod(sizes, dtype=np.int64))
    return Windows(
        np.where(missing, -1, index).reshape(places, -1), tuple(sizes), over.reshape(places, -1)
    )


def _patches(x: Value, read: Windows) -> Value:
    """``(batch, channels, places, window)``, zeros for padding."""
    batch, channels = x.shape[:2]

    def cut(r: Array) -> Array:
        flat = r.reshape(batch, channels, -1, r.shape[-1])
        flat = np.concatenate([flat, np.zeros_like(flat[:, :, :1])], axis=2)  # -1 reads this one
        return np.asarray(flat[:, :, read.index])

    n = batch * channels * read.index.size
    if n * x.rows.shape[-1] > _LARGEST_PATCHES:
        raise TooLarge(f"reads {n} places over {x.rows.shape[-1]} inputs and units")
    return x.move(cut)


def _shaped(x: Value, *shape: int) -> Value:
    return x.move(lambda r: r.reshape(*shape, r.shape[-1]))


def convolution(
    low: Lowering, x: Value, kernel: Array, bias: Array | None, groups: int, read: Windows
) -> Value:
    """The convolution with a kernel of shape ``(out, channels / groups, ...)``.

    Raises:
        ValueError: the kernel is not for so many channels.
    """
    patches = _patches(x, read)
    batch, channels, places, size = patches.shape
    if channels != groups * kernel.shape[1] or len(kernel) % groups:
        raise ValueError(
            f"{channels} channels, a kernel of shape {kernel.shape} in {groups} groups"
        )
    out = len(kernel) // groups
    split = _shaped(patches, batch, groups, channels // groups, places, size)
    weights = kernel.reshape(groups, out, kernel.shape[1], size)
    made = low.contract("bgcpwk,gocw->bgopk", split, weights)
    result = _shaped(made, batch, groups * out, *read.shape)
    return result if bias is None else low.add(result, bias.reshape(-1, *[1] * len(read.shape)))


def average_pool(
    low: Lowering, x: Value, read: Windows, *, with_padding: bool, divisor: int | None = None
) -> Value:
    """The mean of each window; whether zeros of the padding count, or by which number its sum is divided."""
    counted = (read.index >= 0) | with_padding
    counted &= ~read.beyond
    count = counted.sum(axis=1, keepdims=True) if divisor is None else divisor
    made = low.contract("bcpwk,pw->bcpk", _patches(x, read), counted / count)
    return _shaped(made, *x.shape[:2], *read.shape)


def max_pool(low: Lowering, x: Value, read: Windows) -> Value:
    """The maximum of each window.

    Raises:
        ValueError: a window is padding alone.
    """
    index = read.index
    if (index < 0).all(axis=1).any():
        raise ValueError("a window that lies in the padding alone")
    # What a window skips is read as one of its others: the maximum stays.
    other = np.take_along_axis(index, (index >= 0).argmax(axis=1)[:, None], 1)
    index = np.where(index < 0, other, index)
    flat = _shaped(x, *x.shape[:2], -1)
    parts = [flat.move(lambda r, i=i: r[:, :, index[:, i]]) for i in range(index.shape[1])]  # type: ignore[misc]
    return _shaped(low.value(low.fold(parts, low.maximum)), *x.shape[:2], *read.shape)
