r"""A program in floats: bounds on its gates over many boxes at once, and its values at many points.

A program is a list of rows; gate :math:`k` is :math:`y_k = \mathrm{relu}(z_k)` with :math:`z_k` a linear row
over the inputs, the constant and earlier gates. Over a box, with :math:`l \le z \le u` and
:math:`l < 0 < u`, the gate lies between lines,

.. math:: a z \;\le\; \mathrm{relu}(z) \;\le\; s z + \max((1 - s) u, -s l),

for every :math:`a, s` in [0, 1]; :math:`s = u / (u - l)` is the chord. Replacing every gate of a row by the
line of its coefficient's sign, the last gate first, leaves a row over the box, whose largest value is at
a corner. The checker does the same in exact numbers; nothing here is believed by anybody.

Source: Zhang et al., "Efficient neural network robustness certification with general activation
functions" (2018); Singh et al., "An abstract domain for certifying neural networks" (2019).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import rationals

__all__ = ["CHORD_BITS", "Floats", "Unfit", "as_floats", "lines"]

Array = NDArray[np.float64]

#: the checker rounds the slope of a chord down to a multiple of 2**-30
CHORD_BITS = 30
#: float noise of a bound, in units of the sum of its terms' sizes
_NOISE = 1e-12


class Unfit(Exception):
    """The numbers do not fit into floats well enough for a search in floats."""


def as_floats(values: Sequence[Any]) -> Array:
    """The numbers (fractions, or python-flint's) as floats.

    Raises:
        Unfit: one is too large.
    """
    made = rationals.floats(values)
    if not (np.abs(made) < 1e120).all():
        raise Unfit
    return made


def lines(low: Array, up: Array, sign: NDArray[np.int8]) -> tuple[Array, Array, Array]:
    """Slope above, offset above and slope below of every gate: the checker's own choice."""
    open_ = sign == 0
    on = (sign > 0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        chord = np.where(open_, up / (up - low), 0.0)
    chord = np.ldexp(np.floor(np.ldexp(chord, CHORD_BITS)), -CHORD_BITS)
    offset = np.where(open_, np.maximum((1 - chord) * up, -chord * low), 0.0)
    below = np.where(open_, (up > -low).astype(np.float64), on)
    return np.where(open_, chord, on), offset, below


class Floats:
    """The rows of a program's gates as dense blocks, the gates sorted by how deeply they are nested.

    Attributes:
        width: how many columns come before the gates: the inputs and the constant.
        order: the program's gate number of each gate here.
        levels: the slices of gates that read earlier slices only.
    """

    def __init__(self, gates: Sequence[dict[int, Any]], width: int) -> None:
        self.width = width
        depth: list[int] = []
        for row in gates:
            depth.append(1 + max((depth[c - width] for c in row if c >= width), default=-1))
        self.order = sorted(range(len(gates)), key=lambda k: (depth[k], k))
        self.place = {k: i for i, k in enumerate(self.order)}
        count = [depth.count(d) for d in range(max(depth, default=-1) + 1)]
        ends = np.cumsum([0, *count]).tolist()
        self.levels = [slice(a, b) for a, b in itertools.pairwise(ends)]
        self.matrix = self.dense([gates[k] for k in self.order])
        #: per level: the blocks it reads, as (columns, matrix)
        self.blocks = [self._read(self.matrix[level]) for level in self.levels]

    def __len__(self) -> int:
        return len(self.order)

    def dense(self, rows: Sequence[dict[int, Any]]) -> Array:
        """Rows over the program's columns, one a line, over the columns here."""
        made = np.zeros((len(rows), self.width + len(self.order)))
        for i, row in enumerate(rows):
            if not row:
                continue
            columns = [
                c if c < self.width else self.width + self.place[c - self.width] for c in row
            ]
            made[i, columns] = as_floats(list(row.values()))
        return made

    def _read(self, rows: Array) -> list[tuple[slice, Array]]:
        spans = [slice(0, self.width)]
        spans += [slice(self.width + s.start, self.width + s.stop) for s in self.levels]
        return [(span, rows[:, span]) for span in spans if rows[:, span].any()]

    def upper(
        self, rows: Array, low: Array, high: Array, chosen: tuple[Array, Array, Array]
    ) -> tuple[Array, Array]:
        """Upper bounds of the rows (one a line) on each of B boxes, and what is left of them there.

        ``low`` and ``high`` are the boxes, ``(B, width)``; ``chosen`` the gates' lines, ``(B, gates)``.
        Returns bounds ``(B, rows)`` and linear rows ``(B, rows, width)`` with the offset left out.
        """
        above, offset, below = chosen
        n_boxes = len(low)
        parts: dict[int, Array] = {}
        for span, block in self._read(rows):
            parts[span.start] = block
        total = np.zeros((n_boxes, len(rows)))
        for level, blocks in zip(reversed(self.levels), reversed(self.blocks), strict=True):
            part = parts.pop(self.width + level.start, None)
            if part is None:
                continue
            positive, negative = np.maximum(part, 0.0), np.minimum(part, 0.0)
            on_offset = offset[:, level]
            if part.ndim == 2:
                total += on_offset @ positive.T
            else:
                total += np.matmul(positive, on_offset[:, :, None])[:, :, 0]
            passed = positive * above[:, None, level] + negative * below[:, None, level]
            for span, block in blocks:
                there = passed @ block
                known = parts.get(span.start)
                parts[span.start] = there if known is None else known + there
        left = parts.get(0, np.zeros((len(rows), self.width)))
        left = np.broadcast_to(left, (n_boxes, len(rows), self.width))
        corner = np.where(left > 0, high[:, None, :], low[:, None, :])
        return total + np.einsum("bmw,bmw->bm", left, corner), left

    def bounds(
        self, low: Array, high: Array, known: tuple[Array, Array, NDArray[np.int8]] | None = None
    ) -> tuple[Array, Array, NDArray[np.int8]]:
        """Bounds ``(B, gates)`` on every row, and the signs that they show, on B boxes.

        ``known``: bounds and signs that hold there already, of the same shape; they are kept or improved.
        """
        n_boxes = len(low)
        if known is None:
            down = np.full((n_boxes, len(self)), -np.inf)
            up = np.full((n_boxes, len(self)), np.inf)
            sign = np.zeros((n_boxes, len(self)), dtype=np.int8)
        else:
            down, up, sign = known[0].copy(), known[1].copy(), known[2].copy()
        slopes = tuple(np.zeros((n_boxes, len(self))) for _ in range(3))
        full = np.zeros((n_boxes, self.width + len(self)))
        full[:, : self.width] = np.maximum(np.abs(low), np.abs(high))
        for level in self.levels:
            undecided = (sign[:, level] == 0).any(axis=0)
            index = np.arange(level.start, level.stop)[undecided]
            if len(index):
                rows = self.matrix[index]
                both, _ = self.upper(np.concatenate([rows, -rows]), low, high, slopes)  # type: ignore[arg-type]
                up[:, index] = np.minimum(up[:, index], both[:, : len(index)])
                down[:, index] = np.maximum(down[:, index], -both[:, len(index) :])
                # An end that is 0 but for the noise is 0: the checker, which knows, may see the sign.
                noise = _NOISE * (full @ np.abs(rows).T)
                fresh = sign[:, index]
                fresh[(fresh == 0) & (down[:, index] >= -noise)] = 1
                fresh[(fresh == 0) & (up[:, index] <= noise)] = -1
                sign[:, index] = fresh
            made = lines(down[:, level], up[:, level], sign[:, level])
            for into, values in zip(slopes, made, strict=True):
                into[:, level] = values
            reach = np.maximum(np.abs(down[:, level]), np.abs(up[:, level]))
            full[:, self.width + level.start : self.width + level.stop] = reach
        return down, up, sign

    def values(self, points: Array) -> Array:
        """All columns at points ``(P, width)``: the inputs, then the gates, ``(P, width + gates)``."""
        full = np.zeros((len(points), self.width + len(self)))
        full[:, : self.width] = points
        for level, blocks in zip(self.levels, self.blocks, strict=True):
            z = sum((full[:, span] @ block.T for span, block in blocks), np.zeros(()))
            full[:, self.width + level.start : self.width + level.stop] = np.maximum(z, 0.0)
        return full
