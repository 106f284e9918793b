"""Filters of image networks as small pictures in the colors of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from circuitkit.checks import accepts, finite, made_by, several, string, wrong
from circuitkit.plotting import _style as style

#: pixels between two filters; inches of one pixel; width of the labels
_GAP, _PIXEL, _LABELS = 1, 0.1, 1.4


def _grid(name: str, value: Any) -> NDArray[np.float64]:
    numbers = finite(value, name)
    if numbers.ndim not in (3, 4) or not numbers.size:
        expected = "filters, an array of shape (n, h, w) or (rows, columns, h, w)"
        raise wrong(name, expected, f"an array of shape {numbers.shape}")
    return numbers if numbers.ndim == 4 else numbers[None]


@accepts(
    weights=made_by(
        _grid,
        right=[[[[1.0]]]],
        wrong=("filter", None, [1.0], [[1.0]], [[[np.nan]]], np.zeros((0, 5, 5))),
    ),
    labels=several(string(empty=True), "a list of texts, one for each row"),
    ax=style.AX,
)
def filters(weights: ArrayLike, *, labels: Sequence[str] = (), ax: Axes | None = None) -> Axes:
    """Filters in rows, blue for positive weights and orange for negative ones, each scaled by its own largest.

    Args:
        weights: ``(n, h, w)`` for one row, or ``(rows, columns, h, w)``.
        labels: what stands to the left of each row; none by default.
        ax: where to draw; None for a new figure.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: weights that are not numeric, labels that are no texts.
        ValueError: weights of another shape, or not finite; another number of labels than of rows.

    Example:
        >>> edge = [[-1, 0, 1]] * 3
        >>> ax = filters([edge, np.transpose(edge)])
        >>> len(ax.collections)  # one mesh for all
        1
    """
    grid = _grid("weights", weights)
    rows, columns, height, width = grid.shape
    if labels and len(labels) != rows:
        raise wrong("labels", f"{rows}, one for each row", len(labels))
    down, across = height + _GAP, width + _GAP
    mosaic = np.full((rows * down - _GAP, columns * across - _GAP), np.nan)
    sizes = abs(grid).max(axis=(2, 3), keepdims=True)
    scaled = np.divide(grid, sizes, out=np.zeros_like(grid), where=sizes > 0)
    for i in range(rows):
        for j in range(columns):
            top, left = i * down, j * across
            mosaic[top : top + height, left : left + width] = scaled[i, j]
    drawn_high, drawn_wide = (n * _PIXEL for n in mosaic.shape)
    ax = style.fresh_axes(ax, drawn_wide + (_LABELS if labels else 0), drawn_high)
    ax.pcolormesh(np.ma.masked_invalid(mosaic), cmap=style.DIVERGING, vmin=-1, vmax=1)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.invert_yaxis()
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for i, label in enumerate(labels):
        middle = i * down + height / 2
        ax.text(-1, middle, label, ha="right", va="center")
    return ax
