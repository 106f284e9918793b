"""Linear regions with their pieces, and many networks side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy import ndimage

from circuitkit import palette, words
from circuitkit.checks import (
    accepts,
    detached,
    flag,
    interval,
    listed,
    made_by,
    several,
    string,
    whole,
    wrong,
)
from circuitkit.functions.target import FUNCTION, Target, TargetLike
from circuitkit.network import Network
from circuitkit.plotting import _style as style
from circuitkit.plotting._functions import curves
from circuitkit.plotting._maps import Field, draw_map, levels_for, square
from circuitkit.plotting._polygons import Region, borders, pieces
from circuitkit.plotting._polygons import regions as linear_regions

Array = NDArray[np.float64]

#: light tints, neighbors in the list well apart in lightness
_TINTS = ("#dbe9f6", "#fdebd3", "#e3f1e4", "#efe3f4", "#f6f3c9", "#d9eeee", "#f8dedd", "#e8e8e8")
_GRID = 120


@accepts(net=style.NET, target=FUNCTION, ax=style.AX, domain=interval(drawn=True))
def regions(
    net: Network,
    target: TargetLike | None = None,
    *,
    ax: Axes | None = None,
    domain: Sequence[float] = (-6, 6),
) -> Axes:
    """The linear regions of a network of two inputs, with the affine function on each.

    Neighboring regions on which the function is the same have one color and one text; dotted
    lines show where hidden units switch inside of it.

    Args:
        net: two inputs, one output.
        target: where the network differs from it by more than ``1e-3 * max(1, |x1|, |x2|)``, the plane
            is hatched.
        ax: where to draw.
        domain: ``(low, high)`` of both inputs, ``low < high``.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``net`` is not a Network.
        ValueError: other than two inputs and one output, a target of another number of inputs, a
            domain that is not ``low < high``.

    Example:
        >>> import circuitkit as ck
        >>> sorted(t.get_text() for t in regions(ck.circuit("min")).texts)
        ['x₁', 'x₂']
    """
    if net.n_inputs != 2 or net.n_outputs != 1:
        raise wrong("net", "two inputs and one output", words.dashes(net.layer_sizes))
    f = style.checked_target(target, net)
    low, high = domain
    ax = style.fresh_axes(ax, 4.0, 4.0)
    parts = linear_regions(net, low, high)
    groups = pieces(parts)
    for i, group in enumerate(groups):
        tint = _TINTS[i % len(_TINTS)]
        polygons = [part.corners for part in group]
        ax.add_collection(
            PolyCollection(polygons, facecolors=tint, edgecolors=tint, linewidths=0.6, zorder=0)
        )
    bends, switches = borders(parts, low, high)
    ax.add_collection(
        LineCollection(
            list(bends),
            colors=palette.NETWORK,
            linewidths=2.2 * style.thinner(len(bends)),
            zorder=3,
        )
    )
    ax.add_collection(
        LineCollection(
            list(switches),
            colors=palette.NETWORK,
            linewidths=1.2,
            linestyles=[(0, (1, 2.2))],
            alpha=0.8,
            zorder=2,
        )
    )
    if f is not None:
        _hatch_differences(ax, net, f, low, high)
    square(ax, net, (0, 1), low, high)
    _write_pieces(ax, groups, low, high)
    return ax


def _hatch_differences(ax: Axes, net: Network, f: Target, low: float, high: float) -> None:
    axis = np.linspace(low, high, 2 * _GRID + 1)
    at = np.stack(np.meshgrid(axis, axis), axis=-1)
    off = np.abs(net(at) - f(at))[..., 0] / np.maximum(1.0, np.abs(at).max(axis=-1))
    if off.max() <= 1e-3:
        return
    with plt.rc_context({"hatch.color": palette.NEGATIVE, "hatch.linewidth": 0.7}):
        hatched = ax.contourf(
            axis, axis, off, levels=[1e-3, np.inf], colors="none", hatches=["////"], zorder=1
        )
        style.simplify(hatched, high - low)
        patch = Patch(facecolor="none", edgecolor=palette.NEGATIVE, hatch="////", linewidth=0.8)
        style.legend_below(ax, [patch], [f"not {style.formula(f)}"])


def _write_pieces(ax: Axes, groups: list[list[Region]], low: float, high: float) -> None:
    """Each piece's formula where it has the most room, smaller where the room is small."""
    step = (high - low) / _GRID
    axis = low + step * (np.arange(_GRID) + 0.5)
    at = np.stack(np.meshgrid(axis, axis), axis=-1)
    inches = float(style.inches(ax).min())
    unit = step / (high - low) * inches
    for group in groups:
        inside = np.zeros((_GRID, _GRID), dtype=bool)
        for part in group:
            inside |= _contains(part.corners, at)
        spots, count = ndimage.label(inside)
        text = style.affine(group[0].slope[0].tolist(), float(group[0].constant[0]), ["x1", "x2"])
        width, height = style.text_size(text, style.HEAD)
        for spot in range(1, count + 1):
            mine = spots == spot
            if mine.sum() * unit**2 < 0.25 * width * height:  # too small for the text at any size
                continue
            padded = np.pad(mine, 1)
            # Distances measured in half text boxes: 1 is where a text of 12 points just fits.
            room = ndimage.distance_transform_edt(
                padded, sampling=(unit / (height / 2), unit / (width / 2))
            )
            place = np.unravel_index(int(room.argmax()), room.shape)
            size = style.HEAD * min(1.0, float(room.max()) / 1.3)
            if size >= 6.5:
                x, y = axis[place[1] - 1], axis[place[0] - 1]
                box = {"boxstyle": "round,pad=0.15", "facecolor": "#ffffffc8", "edgecolor": "none"}
                ax.text(x, y, text, ha="center", va="center", fontsize=size, bbox=box, zorder=5)


def _contains(corners: Array, at: Array) -> NDArray[np.bool_]:
    """Whether points lie in a convex polygon, corners in either order."""
    edge = np.roll(corners, -1, axis=0) - corners
    offset = at[..., None, :] - corners
    power = -math.frexp(float(np.abs(edge).max()))[1]  # products of lengths are doubles then
    edge, offset = np.ldexp(edge, power), np.ldexp(offset, power)
    side = edge[:, 0] * offset[..., 1] - edge[:, 1] * offset[..., 0]
    return np.asarray(np.all(side >= 0, axis=-1) | np.all(side <= 0, axis=-1))


def _networks(name: str, value: Any) -> Any:
    """A list or a mapping of networks, at least one."""
    several(style.NET, "a list of at least one Network", fewest=1).take(
        name, value.values() if isinstance(value, Mapping) else value
    )
    return value


@accepts(
    nets=made_by(_networks, right=[Network], wrong=([], "min", 3, ["min"], {"a": 1}, [None])),
    target=FUNCTION,
    axes=listed("a list of matplotlib Axes"),
    domain=interval(drawn=True),
    titles=several(string(empty=True), "a list of titles"),
    columns=whole(least=1),
    error=flag(),
)
def stuck(
    nets: Mapping[str, Network] | Iterable[Network],
    target: TargetLike | None = None,
    *,
    axes: Sequence[Axes] | NDArray[Any] | None = None,
    domain: Sequence[float] = (-6, 6),
    titles: Sequence[str] | None = None,
    columns: int = 3,
    error: bool = False,
) -> NDArray[Any]:
    """What several networks compute, side by side on one scale.

    Networks of one input are drawn as curves against the target, of two inputs as maps with the
    target's lines dashed.

    Args:
        nets: title -> network, or networks.
        target: what they should compute.
        axes: shape ``(n_nets,)``, as many Axes as networks; a figure is made if not given.
        domain: ``(low, high)`` of the inputs, ``low < high``.
        titles: one a network, where ``nets`` does not name them.
        columns: how many panels in a row.
        error: whether maps show network minus target.

    Returns:
        The Axes, shape ``(n_nets,)``.

    Raises:
        TypeError: something else than Networks.
        ValueError: no networks, networks of different or more than two inputs, another number of
            ``axes`` or ``titles`` than of networks, ``error`` without a target.

    Example:
        >>> import circuitkit as ck
        >>> panels = stuck({"identity": ck.circuit("identity"), "abs": ck.circuit("abs")}, "abs")
        >>> [ax.get_title() for ax in panels]
        ['identity', 'abs']
    """
    if isinstance(nets, Mapping):
        titles = list(nets) if titles is None else titles
        nets = nets.values()
    networks = list(nets)
    n = len(networks)
    kinds = {(net.n_inputs, net.n_outputs) for net in networks}
    if len(kinds) > 1 or not kinds <= {(1, 1), (2, 1)}:
        expected = "networks that all have one input, or all two, and one output"
        raise wrong("nets", expected, ", ".join(map(repr, networks)))
    if titles is not None and len(titles) != n:
        raise wrong("titles", words.count(n, "title"), len(titles))
    if error and target is None:
        raise wrong("target", "a function to compare with, since error=True", None)
    f = style.checked_target(target, networks[0])
    low, high = domain
    plane = networks[0].n_inputs == 2
    panels = _panels(axes, n, columns, plane, 0.0 if titles is None else 0.27)
    for i, ax in enumerate(panels):
        ax.set_title(
            titles[i] if titles is not None else "", fontsize=style.NOTE, fontweight="normal"
        )
    if plane:
        _maps(panels, networks, f, low, high, error=error, columns=columns, own=axes is None)
    else:
        for ax, net in zip(panels, networks, strict=True):
            curves(ax, net, f, low, high, name="nets")
            ax.set(xlabel="", xticks=_few(low, high))
        if axes is None:
            handles = [Line2D([], [], color=palette.NETWORK, linewidth=3)]
            names = ["network"]
            if f is not None:
                handles.append(Line2D([], [], color=palette.TARGET, linestyle=(0, (4, 2.5))))
                names.append(f"target {style.formula(f)}")
            panels[0].figure.legend(handles, names, loc="outside upper center", ncols=2)
    return panels


def _panels(
    axes: Sequence[Axes] | NDArray[Any] | None, n: int, columns: int, plane: bool, title: float
) -> NDArray[Any]:
    if axes is not None:
        given = np.array(detached("axes", axes, within=1), dtype=object).ravel()
        if len(given) != n:
            raise wrong("axes", f"{n}, one for each network", len(given))
        for i, ax in enumerate(given):
            style.AX.take(f"axes[{i}]", ax)
        return given
    columns = min(columns, n)
    rows = -(-n // columns)
    size = (1.75 * columns + (0.75 if plane else 0.1), (1.55 + title) * rows + 0.45)
    _, grid = plt.subplots(
        rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for spare in grid.ravel()[n:]:
        spare.remove()
    for ax in grid.ravel()[max(0, n - columns) : n]:  # the lowest panel of each column
        ax.tick_params(labelbottom=True)
    return np.asarray(grid.ravel()[:n])


def _maps(
    panels: NDArray[Any],
    networks: list[Network],
    f: Target | None,
    low: float,
    high: float,
    *,
    error: bool,
    columns: int,
    own: bool,
) -> None:
    origin = np.zeros(2)
    fields = [
        Field(net, f if error else None, (0, 1), origin, low, high, "nets") for net in networks
    ]
    values = np.concatenate([field.values.ravel() for field in fields])
    levels = levels_for(values, max(abs(low), abs(high)))
    goal = None if f is None or error else Field(f, None, (0, 1), origin, low, high, "target")
    for ax, net, field in zip(panels, networks, fields, strict=True):
        filled = draw_map(ax, field, levels, goal)
        square(ax, net, (0, 1), low, high)
        ax.set(xticks=_few(low, high), yticks=_few(low, high))
    if own:
        for i, ax in enumerate(panels):
            if i % columns:
                ax.set_ylabel("")
            if i + columns < len(panels):
                ax.set_xlabel("")
        style.colorbar(filled, panels.tolist(), levels, "error" if error else "")


def _few(low: float, high: float) -> list[float]:
    return [low, 0.0, high] if low < 0 < high else [low, high]
