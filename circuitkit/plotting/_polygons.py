"""Linear regions of a network with one or two inputs, in floating point, for drawing.

Deciding anything about all inputs is the proof's business, in exact arithmetic; here a border may
be off by a rounding error that no one can see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import wrong
from circuitkit.network import Network

Array = NDArray[np.float64]
_DRAWABLE = "slopes and values within the range of a double on the domain"


def kinks(net: Network, low: float, high: float, name: str = "net") -> tuple[Array, Array]:
    """Where a network of one input bends between ``low`` and ``high``.

    Returns:
        ``(switches, bends)``: where any hidden unit turns on or off, and those of them where the
        output's slope changes.

    Raises:
        ValueError: weights so large that the function's slopes are beyond the doubles.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        points = np.array([low, high])
        for layer in range(len(net.weights) - 1):
            z = net.preactivations(points[:, None])[layer]  # (n_points, width)
            new = [points]
            for column in z.T:
                a, b = column[:-1], column[1:]
                crosses = np.sign(a) * np.sign(b) < 0  # a product may be no double
                share = a[crosses] / (a[crosses] - b[crosses])
                new.append(points[:-1][crosses] + share * np.diff(points)[crosses])
            points = _distinct(np.concatenate(new), high - low)
        # A unit that is zero exactly at an old point switches there without a new point.
        values = net(points[:, None])
        slopes = np.diff(values, axis=0) / np.diff(points)[:, None]
        bent = np.abs(np.diff(slopes, axis=0)).max(axis=1)
    if not np.isfinite(bent).all() or not np.isfinite(slopes).all():
        raise wrong(name, _DRAWABLE, "larger ones")
    inner = points[1:-1]
    size = max(1.0, float(np.abs(slopes).max()))
    return inner, inner[bent > 1e-9 * size]


def _distinct(points: Array, size: float) -> Array:
    points = np.sort(points)
    keep = np.concatenate([[True], np.diff(points) > 1e-12 * size])
    distinct: Array = points[keep]
    return distinct


@dataclass(frozen=True)
class Region:
    """A polygon on which every hidden unit is either on or off.

    Attributes:
        corners: shape ``(n, 2)``, in order.
        slope: shape ``(n_outputs, 2)``; with ``constant`` the affine function on the polygon.
        constant: shape ``(n_outputs,)``.
    """

    corners: Array
    slope: Array
    constant: Array

    @property
    def center(self) -> Array:
        """The centroid."""
        x, y = self.corners.T
        x2, y2 = np.roll(self.corners, -1, axis=0).T
        cross = x * y2 - x2 * y
        sums = np.array([((x + x2) * cross).sum(), ((y + y2) * cross).sum()])
        center: Array = sums / (3 * cross.sum())
        return center

    @property
    def area(self) -> float:
        x, y = self.corners.T
        return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def regions(net: Network, low: float, high: float, name: str = "net") -> list[Region]:
    """The regions of a two-input network inside the square ``[low, high]^2``.

    Raises:
        ValueError: weights so large that the function's slopes are beyond the doubles; it says ``name``.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            found = _cut_up(net, low, high)
    except FloatingPointError:
        raise wrong(name, _DRAWABLE, "larger ones") from None
    if not all(np.isfinite(v).all() for r in found for v in (r.slope, r.constant)):
        raise wrong(name, _DRAWABLE, "larger ones")
    return found


def _cut_up(net: Network, low: float, high: float) -> list[Region]:
    square = np.array([[low, low], [high, low], [high, high], [low, high]])
    pieces = [(square, np.eye(2), np.zeros(2))]
    tiny = 1e-10 * (high - low)
    most = np.eye(2)  # what slopes are sums of, in size: what is far below that is rounding
    for w, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        most = np.abs(w) @ most
        rounding = 1e-12 * most.max(axis=1)
        split = []
        for corners, slope, constant in pieces:
            slopes, constants = w @ slope, w @ constant + b
            parts = [corners]
            for normal, offset, least in zip(slopes, constants, rounding, strict=True):
                parts = [q for p in parts for q in _cut(p, normal, offset, tiny, least)]
            for part in parts:
                on = (part.mean(axis=0) @ slopes.T + constants) > 0
                split.append((part, slopes * on[:, None], constants * on))
        pieces = split
    w, b = net.float_layers[-1]
    return [Region(corners, w @ slope, w @ constant + b) for corners, slope, constant in pieces]


def _cut(corners: Array, normal: Array, offset: float, tiny: float, rounding: float) -> list[Array]:
    """A convex polygon cut by the line ``normal . p + offset = 0``: one or two polygons."""
    length = float(np.hypot(*normal))
    if length <= rounding:  # the sum of what cancels
        return [corners]
    side = (corners @ normal + offset) / length
    if not np.isfinite(side).all():
        raise FloatingPointError("a border beyond the doubles")
    side[np.abs(side) < tiny] = 0.0
    if (side >= 0).all() or (side <= 0).all():
        return [corners]
    above: list[Array] = []
    below: list[Array] = []
    n = len(corners)
    for i in range(n):
        j = (i + 1) % n
        if side[i] >= 0:
            above.append(corners[i])
        if side[i] <= 0:
            below.append(corners[i])
        if side[i] * side[j] < 0:
            share = side[i] / (side[i] - side[j])
            crossing = corners[i] + share * (corners[j] - corners[i])
            above.append(crossing)
            below.append(crossing)
    return [np.array(above), np.array(below)]


def pieces(parts: list[Region]) -> list[list[Region]]:
    """Regions grouped by their affine function: neighbors across which nothing bends are one piece."""
    groups: list[list[Region]] = []
    for part in parts:
        for group in groups:
            if same_function(part, group[0]):
                group.append(part)
                break
        else:
            groups.append([part])
    return groups


def same_function(a: Region, b: Region) -> bool:
    size = max(1.0, float(np.abs(a.slope).max()), float(np.abs(a.constant).max()))
    return bool(
        np.abs(a.slope - b.slope).max() < 1e-9 * size
        and np.abs(a.constant - b.constant).max() < 1e-9 * size
    )


def borders(parts: list[Region], low: float, high: float) -> tuple[Array, Array]:
    """The borders between regions inside the square, shape ``(n, 2, 2)`` each.

    Returns:
        ``(bends, switches)``: borders across which the function bends, and those where hidden units
        switch but the function goes straight on.
    """
    seen: dict[tuple[float, ...], tuple[Array, int]] = {}
    bends: list[Array] = []
    switches: list[Array] = []
    # Not a round number: no simple fraction of the square lies between two steps of this grid.
    scale = 1.0472e-7 * (high - low)
    for i, part in enumerate(parts):
        for a, b in zip(part.corners, np.roll(part.corners, -1, axis=0), strict=True):
            ends = sorted([tuple(np.round(a / scale)), tuple(np.round(b / scale))])
            key = (*ends[0], *ends[1])
            if key in seen:
                segment, j = seen.pop(key)
                (switches if same_function(part, parts[j]) else bends).append(segment)
            else:
                seen[key] = np.array([a, b]), i
    return np.array(bends).reshape(-1, 2, 2), np.array(switches).reshape(-1, 2, 2)


def sliced(net: Network, inputs: tuple[int, int], at: Array) -> Network:
    """The two-input network left when all inputs but two are held at ``at``."""
    held = at.copy()
    held[list(inputs)] = 0.0
    first = net.weights[0]
    return Network(
        [first[:, list(inputs)], *net.weights[1:]],
        [first @ held + net.biases[0], *net.biases[1:]],
        scale=net.scale,
    )
