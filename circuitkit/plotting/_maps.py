"""Functions of two numbers as maps of the plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator
from matplotlib.tri import Triangulation
from numpy.typing import ArrayLike, NDArray

from circuitkit import palette, words
from circuitkit.checks import (
    SMALLEST_DRAWN,
    accepts,
    finite_vector,
    flag,
    interval,
    made_by,
    shown,
    vector,
    wrong,
    wrong_type,
)
from circuitkit.functions.target import FUNCTION, Target, TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.plotting import _style as style
from circuitkit.plotting._polygons import Region, borders, sliced
from circuitkit.plotting._polygons import regions as linear_regions

Array = NDArray[np.float64]

_GRID = 121


def _network_or_function(name: str, value: Any) -> Network | Target:
    if isinstance(value, Network):
        return value
    try:
        return as_target(value)
    except TypeError:
        expected = "a Network or a function such as 'min'"
        raise wrong_type(name, expected, type(value).__name__) from None


@accepts(
    f=made_by(
        _network_or_function,
        says=("target",),
        right="min",
        wrong=(3, None, "nonsense(x)", {"min"}),
    ),
    target=FUNCTION,
    ax=style.AX,
    domain=interval(drawn=True),
    at=vector(),
    regions=flag(),
    error=flag(),
)
def heatmap(
    f: Network | TargetLike,
    target: TargetLike | None = None,
    *,
    ax: Axes | None = None,
    domain: Sequence[float] = (-6, 6),
    inputs: tuple[int, int] = (0, 1),
    at: ArrayLike | None = None,
    regions: bool = False,
    error: bool = False,
) -> Axes:
    """A function of two numbers as a map: blue above zero, orange below, lines of equal value.

    Lines are solid above zero, dashed below it, and heavy at zero. A network's map is exact: it is
    drawn from its linear regions.

    Args:
        f: a Network, or a function in any form that :func:`circuitkit.target` takes.
        target: what ``f`` should be; its lines are drawn dashed and dark (or, with ``error``, it is
            subtracted).
        ax: where to draw.
        domain: ``(low, high)`` of both inputs, ``low < high``.
        inputs: which two inputs to vary, counted from 0; the first one runs to the right.
        at: the values of all inputs where ``f`` has more than two, those in ``inputs`` without
            effect; default 0.
        regions: whether to draw the borders of the linear regions (Networks only): solid where
            the function bends, dotted where hidden units switch but it goes straight on.
        error: whether to show ``f - target`` instead of ``f``.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``f`` is neither a Network nor a function.
        ValueError: fewer than two inputs or more than one output, unknown ``inputs``, a target of
            another number of inputs, ``error`` without a target, ``regions`` without a network.

    Example:
        >>> import circuitkit as ck
        >>> heatmap(ck.circuit("min"), regions=True).get_xlabel()
        'x₁'
    """
    f, g = _checked(f, target, error=error, regions=regions)
    low, high = domain
    pair, point = _checked_slice(f, inputs, at)
    ax = style.fresh_axes(ax, 4.6, 3.9)
    field = Field(f, g if error else None, pair, point, low, high)
    levels = levels_for(field.values, max(abs(low), abs(high)))
    goal = None if g is None or error else Field(g, None, pair, point, low, high, "target")
    filled = draw_map(ax, field, levels, goal)
    if regions:
        _draw_borders(ax, field.parts, low, high)
    square(ax, f, pair, low, high)
    style.colorbar(filled, [ax], levels, "error" if error else "")
    return ax


class Field:
    """Values of a function over a square: on the corners of its regions if it is a network."""

    def __init__(
        self,
        f: Network | Target,
        minus: Target | None,
        pair: tuple[int, int],
        point: Array,
        low: float,
        high: float,
        name: str = "f",
    ) -> None:
        self.parts: list[Region] = []
        if isinstance(f, Network):
            self.parts = linear_regions(sliced(f, pair, point), low, high, name)
        if self.parts and minus is None:
            self.mesh: Triangulation | None = _triangles(self.parts, low, high)
            at = np.column_stack([self.mesh.x, self.mesh.y])
        else:
            self.mesh = None
            self.axis = np.linspace(low, high, _GRID)
            at = np.stack(np.meshgrid(self.axis, self.axis), axis=-1)
        full = np.broadcast_to(point, (*at.shape[:-1], len(point))).copy()
        full[..., list(pair)] = at
        self.values: Array = style.values(f, full, name)
        if minus is not None:
            self.values = self.values - style.values(minus, full, "target")

    def inside(self, levels: Array) -> list[float]:
        """The levels strictly between the least and the greatest value."""
        low, high = self.values.min(), self.values.max()
        margin = 1e-6 * (high - low)
        return [float(v) for v in levels if low + margin < v < high - margin]

    def draw(self, ax: Axes, levels: Array, *, fill: bool = False, **kwargs: Any) -> Any:
        if fill:
            # Zero in the middle of the colors, wherever the values lie.
            size = float(np.abs(levels).max())
            kwargs = {"cmap": style.DIVERGING, "vmin": -size, "vmax": size, **kwargs}
        # A band excludes its upper level: pull the greatest values into the last band.
        values = (
            np.minimum(self.values, levels[-1] - 1e-9 * np.ptp(levels)) if fill else self.values
        )
        if self.mesh is not None:
            draw = ax.tricontourf if fill else ax.tricontour
            return draw(self.mesh, values, levels=levels, **kwargs)
        draw_grid: Any = ax.contourf if fill else ax.contour
        contours = draw_grid(self.axis, self.axis, values, levels=levels, **kwargs)
        style.simplify(contours, float(np.ptp(self.axis)))
        return contours


def _triangles(parts: list[Region], low: float, high: float) -> Triangulation:
    """The regions of a square as triangles that share their corners."""
    numbers: dict[tuple[float, float], int] = {}
    points: list[Array] = []
    triangles = []
    for part in parts:
        corners: list[int] = []
        for corner in part.corners:
            shares = (corner - low) / (high - low)  # one corner is one within a share of the square
            key = (round(float(shares[0]), 10), round(float(shares[1]), 10))
            if key not in numbers:
                numbers[key] = len(points)
                points.append(corner)
            if not corners or corners[-1] != numbers[key]:
                corners.append(numbers[key])
        for i in range(1, len(corners) - 1):
            triangle = [corners[0], corners[i], corners[i + 1]]
            if len(set(triangle)) == 3:
                triangles.append(triangle)
    x, y = np.array(points).T
    return Triangulation(x, y, triangles)


def levels_for(values: Array, size: float) -> Array:
    """Round numbers around all of the values, zero among them if the values reach it.

    Values at inputs up to that size, or up to 1 if it is larger, that differ by no more than rounding
    are one.
    """
    low, high = float(values.min()), float(values.max())
    spread = high - low
    if spread < 1e-9 * max(min(1.0, size), abs(low)):  # constant: a band above and one below it
        step = abs(low) / 2
        return low + np.array([-1.0, 0.0, 1.0]) * (step if step > SMALLEST_DRAWN else 1.0)
    power = 10.0 ** math.floor(math.log10(spread / 12))
    step = next(m * power for m in (1, 2, 5, 10, 20) if spread / (m * power) <= 12.0 + 1e-9)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return np.asarray(step * np.arange(first, last + 1), dtype=np.float64)


def _bands(levels: Array) -> Array:
    """The levels, zero widened to a hair: a plateau at zero is grey, not by chance blue or orange."""
    inner = np.isclose(levels, 0.0)
    if not inner.any():
        return levels
    hair = 0.004 * float(levels[1] - levels[0])
    return np.sort(np.concatenate([levels[~inner], [-hair, hair]]))


def draw_map(ax: Axes, field: Field, levels: Array, goal: Field | None) -> Any:
    """Bands and lines of equal value, and dashed and dark those of ``goal``; returns the bands."""
    bands = _bands(levels)
    filled = field.draw(ax, bands, fill=True)
    for v in field.inside(bands):
        zero = v not in levels
        field.draw(
            ax,
            np.array([v]),
            colors="#3d3d3d",
            linewidths=1.1 if zero else 0.6,
            linestyles="--" if v < 0 and not zero else "-",
            alpha=0.9 if zero else 0.6,
        )
    if goal is not None and (shared := goal.inside(levels)):
        look: dict[str, Any] = {"colors": palette.TARGET, "linewidths": 1.3}
        goal.draw(ax, np.array(shared), linestyles=[(0, (4, 3))], **look)
    return filled


def _draw_borders(ax: Axes, parts: list[Region], low: float, high: float) -> None:
    bends, switches = borders(parts, low, high)
    thinner = style.thinner(len(bends))
    for segments, color, width, dashes in (
        (bends, palette.PAPER, 4.0 * thinner, "-"),
        (bends, palette.NETWORK, 2.4 * thinner, "-"),
        (switches, palette.NETWORK, 1.6 * thinner, (0, (1, 2))),
    ):
        ax.add_collection(
            LineCollection(
                list(segments), colors=color, linewidths=width, linestyles=[dashes], zorder=5
            )
        )


def square(ax: Axes, f: Network | Target, pair: tuple[int, int], low: float, high: float) -> None:
    names = words.input_names(f.n_inputs)
    ax.set(
        xlabel=words.pretty(names[pair[0]]),
        ylabel=words.pretty(names[pair[1]]),
        xlim=(low, high),
        ylim=(low, high),
        aspect="equal",
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0)


def _checked(
    f: Network | TargetLike, target: TargetLike | None, *, error: bool, regions: bool
) -> tuple[Network | Target, Target | None]:
    f = f if isinstance(f, Network) else as_target(f)
    if f.n_inputs < 2 or f.n_outputs != 1:
        hint = " (plotting.function shows one input)" if f.n_inputs == 1 else ""
        given = f"{f.n_inputs} and {f.n_outputs}{hint}"
        raise wrong("f", "at least two inputs and one output", given)
    if error and target is None:
        raise wrong("target", "a function to compare with, since error=True", None)
    if regions and not isinstance(f, Network):
        raise wrong("regions", "a Network to show regions of", f"the target {f.name}")
    return f, style.checked_target(target, f)


def _checked_slice(
    f: Network | Target, inputs: tuple[int, int], at: ArrayLike | None
) -> tuple[tuple[int, int], Array]:
    n = f.n_inputs
    pair = tuple(inputs) if isinstance(inputs, Sequence) else ()
    known = all(isinstance(i, (int, np.integer)) and 0 <= i < n for i in pair)
    if len(pair) != 2 or not known or pair[0] == pair[1]:
        raise wrong("inputs", f"two different inputs from 0 to {n - 1}", shown(inputs))
    point = np.zeros(n) if at is None else finite_vector(at, "at", n, "one for each input")
    return (int(pair[0]), int(pair[1])), point
