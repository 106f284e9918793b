r"""Cones by their generators, split along hyperplanes exactly (double description).

A cone is kept by its lines and rays. Where a linear form is positive on one ray and negative on
another, the cone is split along it; where it is not, the form has one sign on the whole cone.

Source: Motzkin et al., "The double description method" (1953); Fukuda and Prodon, "Double description
method revisited" (1996).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from circuitkit.exact.integers import Integers, combined, primitive, product, stacked

__all__ = ["Cone"]


class Cone:
    """A full-dimensional cone: all sums of its lines (any factor) and rays (factor >= 0).

    ``tight[i, j]`` says that ray ``i`` lies on the ``j``-th bounding hyperplane; two rays are
    neighbors (span a two-dimensional face) iff no third ray lies on all hyperplanes they share.
    """

    __slots__ = ("lines", "rays", "tight")

    def __init__(self, lines: Integers, rays: Integers, tight: NDArray[np.bool_]) -> None:
        self.lines = lines
        self.rays = rays
        self.tight = tight

    @classmethod
    def everything(cls, dimension: int) -> Cone:
        """All of R^dimension."""
        eye = np.eye(dimension, dtype=np.int64)
        return cls(eye, eye[:0], np.zeros((0, 0), dtype=bool))

    def values(self, forms: Integers) -> tuple[Integers, Integers]:
        """The linear forms (one a row) on the lines and on the rays."""
        return product(self.lines, forms.T), product(self.rays, forms.T)

    def split(self, form: Integers) -> tuple[Cone, Cone]:
        """The halves where ``form >= 0`` and where ``form <= 0``; it must take both signs inside."""
        form = primitive(form[None])
        on_lines = product(self.lines, form.T)[:, 0]
        on_rays = product(self.rays, form.T)[:, 0]
        if on_lines.any():
            return self._split_line(on_lines, on_rays)
        return self._split_rays(on_rays)

    def clip(self, form: Integers) -> Cone:
        """The part where ``form >= 0``; the cone must have interior points there."""
        on_lines, on_rays = self.values(form[None])
        if not on_lines.any() and not (on_rays < 0).any():
            return self
        return self.split(form)[0]

    def _split_line(self, on_lines: Integers, on_rays: Integers) -> tuple[Cone, Cone]:
        k = int(np.flatnonzero(on_lines)[0])
        line, height = self.lines[k : k + 1], on_lines[k : k + 1]
        if height[0] < 0:
            line, height = -line, -height
        keep = np.arange(len(self.lines)) != k
        # Shift everything else along the line into the hyperplane.
        ones = np.ones(1, dtype=np.int64)
        lines = combined(ones * height, self.lines[keep], -on_lines[keep], line)
        rays = combined(ones * height, self.rays, -on_rays, line)
        n, m = self.tight.shape
        tight = np.ones((n + 1, m + 1), dtype=bool)
        tight[:n, :m] = self.tight
        tight[n, m] = False
        return (
            Cone(lines, stacked(rays, line), tight),
            Cone(lines, stacked(rays, -line), tight),
        )

    def _split_rays(self, on_rays: Integers) -> tuple[Cone, Cone]:
        above, below = np.flatnonzero(on_rays > 0), np.flatnonzero(on_rays < 0)
        level = np.flatnonzero(on_rays == 0)
        p, q = self._neighbors(above, below)
        new = combined(on_rays[p], self.rays[q], -on_rays[q], self.rays[p])
        wall_tight = np.concatenate([self.tight[level], self.tight[p] & self.tight[q]])
        wall = stacked(self.rays[level], new)
        return self._half(above, wall, wall_tight), self._half(below, wall, wall_tight)

    def _half(self, side: NDArray[np.intp], wall: Integers, wall_tight: NDArray[np.bool_]) -> Cone:
        n = len(side)
        tight = np.empty((n + len(wall), self.tight.shape[1] + 1), dtype=bool)
        tight[:n, :-1] = self.tight[side]
        tight[n:, :-1] = wall_tight
        tight[:n, -1] = False
        tight[n:, -1] = True
        # A hyperplane that touches fewer rays than a facet has is redundant from here on.
        facet = self.rays.shape[1] - len(self.lines) - 1
        needed = tight.sum(axis=0) >= facet
        if not needed.all():
            tight = tight[:, needed]
        return Cone(self.lines, stacked(self.rays[side], wall), tight)

    def _neighbors(
        self, above: NDArray[np.intp], below: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        p, q = np.repeat(above, len(below)), np.tile(below, len(above))
        dimension = self.rays.shape[1] - len(self.lines)
        if len(self.rays) == dimension or dimension <= 2:  # simplicial: every pair spans a face
            return p, q
        shared = self.tight[p] & self.tight[q]
        possible = np.flatnonzero(shared.sum(axis=1) >= dimension - 2)
        p, q, shared = p[possible], q[possible], shared[possible]
        # How many rays miss none of the shared hyperplanes: only the pair itself, if neighbors.
        loose = (~self.tight).astype(np.int16)
        missed = shared.astype(np.int16) @ loose.T
        neighbors = (missed == 0).sum(axis=1) == 2
        return p[neighbors], q[neighbors]
