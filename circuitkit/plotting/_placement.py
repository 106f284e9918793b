"""Where to write the weights on the edges, so that no label covers a node or another label."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# How much worse each thing is than a label somewhat off its row.
_ON_NODE, _ON_LABEL, _ON_EDGE, _ON_HAIRLINE, _OFF_ROW = 1000.0, 1000.0, 6.0, 0.3, 4.0


@dataclass(frozen=True)
class Placement:
    """Where each label goes.

    Attributes:
        along: for each labelled edge the position in [0, 1] from its start to its end.
        centers: shape ``(n_labels, 2)``.
        clear: whether no label touches a node or another label.
    """

    along: Array
    centers: Array
    clear: bool


def place_labels(
    starts: Array,
    ends: Array,
    sizes: Array,
    boxes: Array,
    others: tuple[Array, Array],
    *,
    gap: float = 0.04,
) -> Placement:
    """Choose a position on each edge for its label.

    Labels stand in a row across the layer where they can, step aside along their own edge where
    they would cover something. Solved by coordinate descent from several rows; deterministic.

    Args:
        starts: shape ``(m, 2)``, the node centers at which the labelled edges begin.
        ends: shape ``(m, 2)``, those at which they end.
        sizes: shape ``(m, 2)``, width and height of the labels.
        boxes: shape ``(k, 4)``, obstacles as ``(x, y, half width, half height)``.
        others: starts and ends of edges without a label, that a label may cross.
        gap: room to keep between labels, and between labels and nodes.
    """
    m = len(starts)
    if m == 0:
        return Placement(np.zeros(0), np.zeros((0, 2)), True)
    steps = np.linspace(0.12, 0.88, 39)
    # (m, k, 2) centers of every label at every step, (m, 1, 2) half sizes.
    at = starts[:, None] + steps[None, :, None] * (ends - starts)[:, None]
    half = sizes[:, None] / 2 + gap / 2
    covers = _touching(at, half, boxes[:, :2], boxes[:, 2:] + gap / 2).sum(axis=-1)
    fixed = _ON_NODE * covers
    crossed = _crossing(at, half, starts, ends)
    crossed[range(m), :, range(m)] = False
    fixed += _ON_EDGE * crossed.sum(axis=-1)
    fixed += _ON_HAIRLINE * _crossing(at, half, *others).sum(axis=-1)
    # clash[i, a, j, b]: label i at step a meets label j at step b.
    apart = np.abs(at[:, :, None, None] - at[None, None])
    clash = np.all(apart < half[:, :, None, None] + half[None, None], axis=-1)
    clash[range(m), :, range(m), :] = False
    each = np.arange(m)
    least, clear, best = math.inf, False, fixed.argmin(axis=1)
    for row in np.linspace(0.25, 0.75, 11):
        unary = fixed + _OFF_ROW * (steps - row) ** 2 * 10
        choice = unary.argmin(axis=1)
        for _ in range(12):
            before = choice.copy()
            for i in range(m):
                meets = clash[i][:, each, choice].sum(axis=1)
                choice[i] = (unary[i] + _ON_LABEL * meets).argmin()
            if np.array_equal(before, choice):
                break
        pairs = int(clash[each[:, None], choice[:, None], each, choice].sum()) // 2
        cost = float(unary[each, choice].sum() + _ON_LABEL * pairs + 2 * abs(row - 0.5))
        if cost < least - 1e-9:
            least, best = cost, choice
            clear = not pairs and not covers[each, choice].any()
    return Placement(steps[best], at[each, best], clear)


def _touching(at: Array, half: Array, centers: Array, halves: Array) -> NDArray[np.bool_]:
    """Shape ``(m, k, n)``: whether a label box meets an obstacle box."""
    near: NDArray[np.bool_] = np.abs(at[:, :, None] - centers) < half[:, :, None] + halves
    return np.asarray(near.all(axis=-1))


def _crossing(at: Array, half: Array, starts: Array, ends: Array) -> NDArray[np.bool_]:
    """Shape ``(m, k, n)``: whether a label box meets a segment (slab test)."""
    direction = ends - starts
    safe = np.where(np.abs(direction) < 1e-12, 1e-12, direction)
    low = (at - half)[:, :, None] - starts
    high = (at + half)[:, :, None] - starts
    enter = np.minimum(low / safe, high / safe).max(axis=-1)
    leave = np.maximum(low / safe, high / safe).min(axis=-1)
    met: NDArray[np.bool_] = (enter <= leave) & (leave >= 0) & (enter <= 1)
    return met
