r"""Exact linear regions: enumerate the cones on which networks and targets are linear.

Everything here is integer arithmetic; there is no solver and no float. A function with biases is made
homogeneous by one more coordinate, :math:`t = 1`, so that every linear region becomes a cone, with its
vertices as rays with :math:`t > 0` and its directions to infinity as rays with :math:`t = 0`. A cone is
kept by its generators (double description): where a unit's preactivation is positive on one ray and
negative on another, the cone is split along it; where it is not, the unit is linear on the whole cone.
What comes out is a list of full-dimensional cones with the one linear map that holds on each.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.exact.cones import Cone
from circuitkit.exact.integers import SAFE, Integers, integers, magnitude, product
from circuitkit.functions.pieces import Row
from circuitkit.functions.target import Target
from circuitkit.network import Network

__all__ = [
    "Cell",
    "OutOfTime",
    "Program",
    "Stage",
    "Worst",
    "add_target",
    "cells",
    "domain_cone",
    "look_at_the_clock",
    "program",
    "worst_difference",
]


class OutOfTime(Exception):
    """The deadline passed; ``worst`` is the largest difference met until then."""

    def __init__(self, worst: Worst | None = None) -> None:
        super().__init__("time limit reached")
        self.worst = worst


def look_at_the_clock(deadline: float) -> None:
    """Raise OutOfTime if ``time.monotonic()`` passed the deadline.

    Whatever may take long calls it once a row, a cell or a split: no step may keep others waiting.
    """
    if time.monotonic() > deadline:
        raise OutOfTime


# --- programs: networks and targets as integer matrices ---------------------------------------------


@dataclass
class Stage:
    """Nodes that read earlier blocks: ReLU units, one a row, or the maxima of ``groups`` of rows.

    ``matrices[b]`` multiplies block ``b``; block 0 is the coordinates, stage ``s`` makes block
    ``s + 1``.
    """

    matrices: dict[int, Integers]
    groups: list[slice] | None = None


@dataclass
class Program:
    """A piecewise linear map as stages and output rows; ``scale`` times the true outputs."""

    dimension: int
    stages: list[Stage] = field(default_factory=list)
    #: per function: the rows that read the blocks, and the positive integer they are too large by
    outputs: list[tuple[dict[int, Integers], int]] = field(default_factory=list)


def program(net: Network, target: Target | Network | None, *, homogeneous: bool) -> Program:
    """The network's stages, then the target's, over ``x`` (and ``t`` unless homogeneous)."""
    made = Program(net.n_inputs + (0 if homogeneous else 1))
    add_network(made, net, homogeneous)
    if isinstance(target, Network):
        add_network(made, target, homogeneous)
    elif target is not None:
        add_target(made, target, homogeneous=homogeneous)
    return made


def add_target(made: Program, target: Target, *, homogeneous: bool) -> None:
    """Append a piecewise linear target: a stage of maxima for each depth, then its outputs."""
    pieces = target.exact_pieces
    if homogeneous and not pieces.is_homogeneous:
        raise ValueError(
            f"target: expected no constant, as it was called homogeneous, got {target}"
        )
    n = pieces.n_inputs
    #: where each column is: the block, and its column there
    places = {j: (0, j) for j in range(made.dimension)}
    widths, scales = {0: made.dimension}, {0: 1}

    def matrices(rows: Sequence[Row]) -> tuple[dict[int, Integers], int]:
        placed = []
        for row in rows:
            there = [(places[j], value) for j, value in row]
            placed.append({place: value / scales[place[0]] for place, value in there})
        return scaled_matrices(placed, widths)

    by_depth: dict[int, list[int]] = {}
    for k, depth in enumerate(pieces.depths):
        by_depth.setdefault(depth, []).append(k)
    for _, members in sorted(by_depth.items()):
        matrix, scale = matrices([row for k in members for row in pieces.nodes[k]])
        ends = np.cumsum([len(pieces.nodes[k]) for k in members]).tolist()
        groups = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        made.stages.append(Stage(matrix, groups))
        block = len(made.stages)
        widths[block], scales[block] = len(members), scale
        places.update((n + 1 + k, (block, i)) for i, k in enumerate(members))
    made.outputs.append(matrices(pieces.outputs))


def add_network(made: Program, net: Network, homogeneous: bool) -> None:
    scale, block = 1, 0
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        by = net.scale if i == len(net.weights) - 1 else Fraction(1)
        weights = [[by * Fraction(v) for v in row] for row in w.tolist()]
        bias = [by * Fraction(v) for v in b.tolist()]
        denominator = math.lcm(
            *(v.denominator for v in [*bias, *(v for row in weights for v in row)])
        )
        rows = [[int(v * denominator) for v in row] for row in weights]
        constants = [int(v * denominator * scale) for v in bias]
        if block == 0:
            if not homogeneous:
                rows = [[*row, c] for row, c in zip(rows, constants, strict=True)]
            matrices = {0: integers(rows)}
        else:
            matrices = {block: integers(rows)}
            if any(constants):
                matrices[0] = integers([[0] * (made.dimension - 1) + [c] for c in constants])
        scale *= denominator
        if i < len(net.weights) - 1:
            made.stages.append(Stage(matrices))
            block = len(made.stages)
        else:
            made.outputs.append((matrices, scale))


def scaled_matrices(
    rows: list[dict[tuple[int, int], Fraction]], widths: dict[int, int]
) -> tuple[dict[int, Integers], int]:
    """Rows over (block, column) as one integer matrix a block, and the factor that made them whole."""
    scale = math.lcm(1, *(v.denominator for row in rows for v in row.values()))
    return {
        block: integers(
            [[int(row.get((block, j), 0) * scale) for j in range(widths[block])] for row in rows],
            widths[block],
        )
        for block in sorted({0, *(block for row in rows for block, _ in row)})
    }, scale


# --- enumeration ------------------------------------------------------------------------------------


@dataclass
class Cell:
    """A cone where all units and maxima are decided, and for each function its (scaled) linear forms, one an output.

    ``walls`` are the forms along which cones were split on the way here, all of them at least 0 in it.
    """

    cone: Cone
    outputs: list[Integers]
    walls: tuple[Integers, ...] = ()


def domain_cone(
    n: int, *, homogeneous: bool, box: Sequence[tuple[Fraction | None, Fraction | None]] | None
) -> Cone:
    """All of R^n, or the cone over a box (None: no bound on that side)."""
    cone = Cone.everything(n if homogeneous else n + 1)
    if homogeneous:
        return cone
    cone = cone.clip(integers([[0] * n + [1]])[0])
    for i, (low, high) in enumerate(box or ()):
        for bound, sign in ((low, 1), (high, -1)):
            if bound is not None:
                row = [0] * (n + 1)
                row[i] = sign * bound.denominator
                row[n] = -sign * bound.numerator
                cone = cone.clip(integers([row])[0])
    return cone


def cells(made: Program, cone: Cone, deadline: float = math.inf) -> Iterator[Cell]:
    """The cells in ``cone``, each full-dimensional, together all of it.

    Of networks they are the linear regions. Of a maximum of three and of nested ones several may be one piece of
    the function, cut where there is no kink.

    Raises:
        OutOfTime: ``time.monotonic()`` passed ``deadline``.
    """
    # (cone, its walls, blocks made so far, forms of the stage at work, units not decided yet, units that are on)
    nothing = np.zeros(0, dtype=np.int64)
    walls: tuple[Integers, ...] = ()
    stack: list[tuple[Cone, Any, list[Integers], Integers | None, NDArray[Any], NDArray[Any]]] = [
        (cone, walls, [], None, nothing, nothing)
    ]
    while stack:
        cone, walls, blocks, forms, todo, on = stack.pop()
        while True:
            look_at_the_clock(deadline)
            if len(blocks) == len(made.stages):
                yield Cell(cone, [_forms(m, blocks) for m, _ in made.outputs], walls)
                break
            stage = made.stages[len(blocks)]
            if forms is None:
                forms = _forms(stage.matrices, blocks)
                todo = np.arange(len(forms))
                on = np.zeros(len(forms), dtype=bool)
            if stage.groups is not None:
                chosen, split_at = _largest(cone, forms, stage.groups)
                if split_at is None:
                    blocks, forms = [*blocks, forms[chosen]], None
                    continue
                for half, wall in zip(cone.split(split_at), (split_at, -split_at), strict=True):
                    stack.append((half, (*walls, wall), blocks, forms, todo, on))
                break
            on_lines, on_rays = cone.values(forms[todo])
            positive, negative = (on_rays > 0).any(axis=0), (on_rays < 0).any(axis=0)
            open_ = positive & negative
            if len(on_lines):
                open_ |= (on_lines != 0).any(axis=0)
            on = on.copy()
            on[todo] = positive & ~open_
            todo = todo[open_]
            if len(todo) == 0:
                blocks, forms = [*blocks, forms * on[:, None]], None
                continue
            wall = forms[todo[0]]
            upper, lower = cone.split(wall)
            rest = todo[1:]
            on_upper = on.copy()
            on_upper[todo[0]] = True
            stack.append((lower, (*walls, -wall), blocks, forms, rest, on))
            cone, walls, todo, on = upper, (*walls, wall), rest, on_upper


def _forms(matrices: dict[int, Integers], blocks: list[Integers]) -> Integers:
    parts = [m if b == 0 else product(m, blocks[b - 1]) for b, m in matrices.items()]
    total = parts[0]
    for part in parts[1:]:
        if (
            total.dtype == object
            or part.dtype == object
            or max(magnitude(total), magnitude(part)) >= SAFE // 2
        ):
            total = total.astype(object) + part.astype(object)
        else:
            total = total + part
    return total


def _largest(cone: Cone, forms: Integers, groups: list[slice]) -> tuple[list[int], Integers | None]:
    """For each group which form is the largest on the whole cone, or a difference of both signs."""
    on_lines, on_rays = cone.values(forms)
    chosen = []
    for group in groups:
        first, count = group.start, group.stop - group.start
        for k in range(first + 1, group.stop) if len(on_lines) else ():
            if (on_lines[:, k] != on_lines[:, first]).any():
                return [], _difference(forms[k], forms[first])
        values = on_rays[:, group]
        best = 0
        if count > 1 and len(values):
            best = int(np.argmax(values.sum(axis=0, dtype=object)))
            higher = (values > values[:, best : best + 1]).any(axis=0)
            if higher.any():
                other = int(np.flatnonzero(higher)[0])
                return [], _difference(forms[first + other], forms[first + best])
        chosen.append(first + best)
    return chosen, None


def _difference(a: Integers, b: Integers) -> Integers:
    if a.dtype == object or b.dtype == object or max(magnitude(a), magnitude(b)) >= SAFE // 2:
        a, b = a.astype(object), b.astype(object)
    difference: Integers = a - b
    return difference


# --- the worst difference ---------------------------------------------------------------------------


@dataclass
class Worst:
    """The largest difference: its size, the region's generators, the ray where it is reached."""

    error: Fraction
    n_regions: int
    #: homogeneous coordinates of where it is reached; the last one is t unless homogeneous
    ray: list[int] | None = None
    #: a ray strictly inside the same region
    inside: list[int] | None = None


def worst_difference(
    made: Program,
    cone: Cone,
    *,
    homogeneous: bool,
    deadline: float = math.inf,
    enough: Fraction | None = None,
) -> Worst:
    r"""The supremum of :math:`\max_j |f_j - g_j| / \max(t, |x_1|, \ldots, |x_n|)` over the cone.

    ``made`` has two functions. On a region both are linear, and so the supremum is taken at a vertex
    of the region cut off at :math:`\max(t, |x_i|) \le 1`. With ``enough``, stops at the first
    difference above it.

    Raises:
        OutOfTime: with the worst difference so far.
    """
    (_, scale_a), (_, scale_b) = made.outputs
    common = math.lcm(scale_a, scale_b)
    up_a, up_b = common // scale_a, common // scale_b
    n = made.dimension - (0 if homogeneous else 1)
    limits = _unit_ball(n, homogeneous)
    worst = Worst(Fraction(0), 0)
    try:
        for cell in cells(made, cone, deadline):
            worst.n_regions += 1
            a, b = cell.outputs
            if up_a == up_b == 1 and a.dtype == b.dtype != object:
                difference = _difference_rows(a, b)
            else:
                difference = a.astype(object) * up_a - b.astype(object) * up_b
            if not difference.any():
                continue
            # |g . v| <= sum |g_i| where max |v_i| <= 1: often too small to matter.
            bounds = abs(difference.astype(object)).sum(axis=1)
            rows = [k for k, bound in enumerate(bounds) if bound > worst.error * common]
            if rows:
                _maximize(cell.cone, difference[rows], common, limits, worst, deadline)
                if enough is not None and worst.error > enough:
                    return worst
    except OutOfTime:
        raise OutOfTime(worst) from None
    return worst


def _difference_rows(a: Integers, b: Integers) -> Integers:
    return _difference(a, b)


def _unit_ball(n: int, homogeneous: bool) -> Integers:
    """The rows of ``s - |x_i| >= 0`` and ``s - t >= 0`` over ``(x, t, s)``."""
    d = n if homogeneous else n + 1
    rows = []
    for i in range(d):
        for sign in (-1, 1) if i < n else (-1,):
            row = [0] * (d + 1)
            row[i], row[d] = sign, 1
            rows.append(row)
    return integers(rows)


def _maximize(
    cone: Cone, forms: Integers, scale: int, limits: Integers, worst: Worst, deadline: float
) -> None:
    rays = _on_one_facet(cone, limits)
    if rays is None:
        rays = _clipped(cone, limits, deadline)
    values = abs(product(rays[:, :-1], forms.T).astype(object)).max(axis=1)
    sizes = rays[:, -1].tolist()
    for k, (value, size) in enumerate(zip(values.tolist(), sizes, strict=True)):
        if value and value > worst.error * (size * scale):
            worst.error = Fraction(int(value), int(size) * scale)
            worst.ray = [int(v) for v in rays[k].tolist()]
            worst.inside = [int(v) for v in rays.astype(object).sum(axis=0).tolist()]


def _on_one_facet(cone: Cone, limits: Integers) -> Integers | None:
    """The rays, each with its size, if one facet of the unit ball is active on all of them; else None.

    The size is linear there, and so the largest ratio is on a ray: nothing has to be cut off.
    """
    if len(cone.lines):
        return None
    levels = product(cone.rays, -limits[:, :-1].T)
    sizes = levels.max(axis=1)
    if not (levels == sizes[:, None]).all(axis=0).any():
        return None
    return np.concatenate([cone.rays, sizes[:, None]], axis=1)


def _clipped(cone: Cone, limits: Integers, deadline: float) -> Integers:
    """The rays of the cone over the part of this one where the size is at most 1."""
    d = cone.rays.shape[1]
    n_lines, n_rays = len(cone.lines), len(cone.rays)
    dtype = cone.rays.dtype
    rays = np.zeros((n_rays + 1, d + 1), dtype=dtype)
    rays[:-1, :-1] = cone.rays
    rays[-1, -1] = 1
    lines = np.zeros((n_lines, d + 1), dtype=cone.lines.dtype)
    lines[:, :-1] = cone.lines
    tight = np.ones((n_rays + 1, cone.tight.shape[1] + 1), dtype=bool)
    tight[:-1, :-1] = cone.tight
    tight[-1, -1] = False
    ball = Cone(lines, rays, tight)
    for row in limits:
        look_at_the_clock(deadline)
        ball = ball.clip(row)
    return ball.rays
