"""Functions of one number as curves; a unit with two inputs as a direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch
from numpy.typing import ArrayLike, NDArray

from circuitkit import palette, words
from circuitkit.checks import accepts, finite_vector, flag, interval, vector, wrong
from circuitkit.functions.target import FUNCTION, Target, TargetLike
from circuitkit.network import Network
from circuitkit.plotting import _style as style
from circuitkit.plotting._polygons import kinks

Array = NDArray[np.float64]

_DASHES = [(0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1.2)), (0, (8, 2))]

_SEATS = (-1.0, -0.5, 0.5, 1.0)


@accepts(ax=style.AX)
def relu(ax: Axes | None = None) -> Axes:
    r"""The ReLU activation function, :math:`\\max(z, 0)`: off for negative z, unchanged for positive.

    Args:
        ax: where to draw.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``ax`` is not an Axes.

    Example:
        >>> relu().get_xlabel()
        'preactivation z'

    Source: the deck, "The ReLU Activation Function".
    """
    ax = style.fresh_axes(ax, 4.4, 3.1)
    style.through_zero(ax)
    ax.plot([-5, 0, 5], [0, 0, 5], color=palette.NETWORK, linewidth=3, solid_joinstyle="round")
    ax.plot([0], [0], "o", color=palette.PAPER, markeredgecolor=palette.NETWORK, markersize=6)
    ax.text(-2.5, 0.35, "off: 0", ha="center", va="bottom", color=palette.MUTED)
    ax.text(2.05, 2.7, "on: z", ha="right", va="bottom", color=palette.MUTED)
    ax.set(
        xlabel="preactivation z",
        ylabel="activation max(z, 0)",
        xlim=(-5, 5),
        ylim=(-0.6, 5.2),
        xticks=[-4, -2, 0, 2, 4],
        yticks=[0, 2, 4],
    )
    return ax


@accepts(net=style.NET, target=FUNCTION, ax=style.AX, domain=interval(), units=flag())
def function(
    net: Network,
    target: TargetLike | None = None,
    *,
    ax: Axes | None = None,
    domain: Sequence[float] = (-6, 6),
    units: bool = False,
) -> Axes:
    """What a network of one input computes, against what it should compute.

    The curve is exact: straight lines between the points where hidden units switch. Circles mark
    the points where it bends.

    Args:
        net: one input, one output.
        target: drawn dashed.
        ax: where to draw.
        domain: ``(low, high)``, the inputs to show, ``low < high``.
        units: whether to add what each unit of the last hidden layer contributes, its output weight
            times its activation; the network is their sum (plus the output's bias).

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``net`` is not a Network.
        ValueError: more than one input or output, a target of another number of inputs, a domain
            that is not ``low < high``.

    Example:
        >>> import circuitkit as ck
        >>> ax = function(ck.circuit("abs"), "abs", units=True)
        >>> [t.get_text() for t in ax.get_legend().get_texts()]
        ['network', 'target |x|', '1 · relu(x)', '1 · relu(−x)']
    """
    if net.n_inputs != 1 or net.n_outputs != 1:
        given = f"{words.dashes(net.layer_sizes)} (plotting.heatmap shows two inputs)"
        raise wrong("net", "one input and one output", given)
    f = style.checked_target(target, net)
    low, high = domain
    ax = style.fresh_axes(ax, 4.8, 3.5 + (0.24 * -(-net.layer_sizes[-2] // 2) if units else 0.0))
    x = curves(ax, net, f, low, high, broad=units)
    if units and len(net.weights) > 1:
        hidden = net.activations(x[:, None])[-1]
        for i, weight in enumerate(net.weights[-1][0]):
            ax.plot(
                x,
                weight * hidden[:, i],
                color=palette.CURVES[i % len(palette.CURVES)],
                linewidth=2.1,
                linestyle=_DASHES[i % len(_DASHES)],
                label=f"{words.drawn(weight)} · {_unit_text(net, i)}",
                zorder=5,
            )
    ax.set_xlabel("x")
    entries = len(ax.get_legend_handles_labels()[0])
    if entries > 1:
        style.legend_below(ax)
    else:
        ax.set_ylabel("network")
    return ax


def curves(
    ax: Axes, net: Network, f: Target | None, low: float, high: float, *, broad: bool = False
) -> Array:
    """The network's curve, its bends, the target; returns the inputs at the curve's corners."""
    switches, bends = kinks(net, low, high)
    x = np.concatenate([[low], switches, [high]])
    style.through_zero(ax)
    ax.plot(
        x,
        net(x[:, None])[:, 0],
        color=palette.NETWORK,
        # A broad pale band when the parts that it is the sum of are drawn over it.
        linewidth=7 if broad else 3.2,
        alpha=0.4 if broad else 1.0,
        label="network",
        zorder=3,
        solid_joinstyle="round",
    )
    if f is not None:
        dense = np.linspace(low, high, 241)
        dense = np.union1d(dense, x) if _bends_sharply(f.latex) else dense
        ax.plot(
            dense,
            f(dense[:, None])[:, 0],
            color=palette.TARGET,
            linewidth=1.6,
            linestyle=(0, (4, 2.5)),
            label=f"target {style.formula(f)}",
            zorder=4,
        )
    if len(bends):
        ax.plot(
            bends,
            net(bends[:, None])[:, 0],
            "o",
            color=palette.PAPER,
            markeredgecolor=palette.NETWORK,
            markeredgewidth=1.6,
            markersize=6.5,
            zorder=6,
        )
    ax.set_xlim(low, high)
    return x


def _bends_sharply(latex: str) -> bool:
    return any(sign in latex for sign in (r"\min", r"\max", r"\left|"))


def _unit_text(net: Network, unit: int) -> str:
    """``relu(x − 1)`` in a network of one hidden layer, else ``h₁``, the unit's number."""
    if len(net.weights) > 2:
        return words.pretty(f"h{unit + 1}")
    inner = style.affine(net.weights[0][unit].tolist(), float(net.biases[0][unit]), ["x"])
    return f"relu({inner})"


@accepts(weight=vector(), bias=vector(), ax=style.AX, x=vector())
def direction(
    weight: ArrayLike, bias: float = 0.0, *, ax: Axes | None = None, x: ArrayLike | None = None
) -> Axes:
    r"""A hidden unit of two inputs as a direction in the plane.

    The arrow is the weight vector. The unit is on in the half-plane that it points into; its
    activation, :math:`\\max(w \\cdot x + b, 0)`, is the same along lines across the arrow.

    Args:
        weight: the two weights, not both 0.
        bias: any finite number; moves the border away from the origin.
        ax: where to draw.
        x: a point to mark, with its activation.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: not numbers.
        ValueError: not two weights, or both 0 (a unit without a direction).

    Example:
        >>> ax = direction((1, -1), x=(3, 1))
        >>> ax.texts[-1].get_text()
        'activation 2'

    Source: the deck, "Features"; Olah et al., "Zoom In", claim 1.
    """
    w = finite_vector(weight, "weight", 2, "one for each input")
    b = float(finite_vector(bias, "bias", 1, "the unit's")[0])
    point = None if x is None else finite_vector(x, "x", 2, "one for each input")
    length = float(np.hypot(*w))
    if length == 0:
        raise wrong("weight", "a direction, not both weights 0", "(0, 0)")
    unit, across = w / length, np.array([-w[1], w[0]]) / length
    foot = -b / length * unit  # the border's nearest point to the origin
    shown = [foot] if point is None else [foot, point]
    reach = max(4.0, 1.25 * float(np.abs(shown).max()))
    ax = style.fresh_axes(ax, 4.0, 4.0)
    far = 4 * reach
    corners = [foot - far * across, foot + far * across]
    on = np.array([corners[0], corners[1], corners[1] + far * unit, corners[0] + far * unit])
    off = np.array([corners[0], corners[1], corners[1] - far * unit, corners[0] - far * unit])
    ax.fill(*off.T, facecolor="#eeeeee", edgecolor="none", zorder=0)
    ax.fill(*on.T, facecolor=to_rgba(palette.POSITIVE, 0.10), edgecolor="none", zorder=0)
    style.through_zero(ax)
    step = _nice_step(reach * length / 2.2)
    for k in range(1, 40):
        level = foot + k * step / length * unit
        a, c = level - far * across, level + far * across
        ax.plot(
            [a[0], c[0]], [a[1], c[1]], color=palette.POSITIVE, linewidth=0.8, alpha=0.55, zorder=1
        )
    ax.plot(*np.array(corners).T, color=palette.INK, linewidth=1.6, zorder=2)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set(xlabel=words.pretty("x1"), ylabel=words.pretty("x2"))
    if reach == 4:
        ax.set(xticks=range(-4, 5, 2), yticks=range(-4, 5, 2))
    size = float(style.inches(ax).min())
    # Level numbers on the side of the arrow away from the point.
    side = -1.0 if point is not None and (point - foot) @ across > 0 else 1.0
    for k in range(5):
        spot = foot + k * step / length * unit + 0.5 * side * reach * across
        if np.abs(spot).max() < 0.88 * reach:
            color = palette.POSITIVE_TEXT if k else palette.INK
            _tag(ax, spot, words.drawn(k * step), fontsize=style.FINE, color=color, zorder=3)
    tip = foot + unit * min(max(length, 0.3 * reach), 0.6 * reach)
    ax.add_patch(
        FancyArrowPatch(
            tuple(foot),
            tuple(tip),
            arrowstyle="-|>",
            mutation_scale=17,
            shrinkA=0,
            shrinkB=0,
            linewidth=2.6,
            color=palette.INK,
            zorder=5,
        )
    )
    name = f"w = ({words.drawn(w[0])}, {words.drawn(w[1])})"
    # Half the label's size in data units, so that it starts where the arrow ends.
    half = np.array(style.text_size(name, style.BODY, weight="bold")) / 2 * (2 * reach / size)
    spot = tip + unit * (half @ np.abs(unit) + 0.06 * reach)
    if (np.abs(spot) + half > reach).any():  # no room beyond the tip: beside it
        spot = tip - side * across * (half @ np.abs(across) + 0.06 * reach)
    _tag(
        ax,
        np.clip(spot, half - 0.98 * reach, 0.98 * reach - half),
        name,
        fontweight="bold",
        zorder=6,
    )
    # In the corner deepest on its side; beside the marked point where that takes the corner.
    seats = 0.86 * reach * np.array([[i, j] for i in _SEATS for j in _SEATS if abs(i * j) >= 0.5])
    if point is not None:
        seats = seats[np.abs(seats - point).max(axis=1) > 0.3 * reach]
    for name, sign in (("on", 1), ("off", -1)):
        seat = seats[np.argmax(sign * (seats @ w + b))]
        if sign * (seat @ w + b) > 0:
            _tag(ax, seat, name, color=palette.MUTED, zorder=4)
    if point is not None:
        z = float(w @ point + b)
        drop = point - (z / length**2) * w
        ax.plot(
            [point[0], drop[0]],
            [point[1], drop[1]],
            color=palette.NETWORK,
            linewidth=1.6,
            linestyle=(0, (3, 2)),
            zorder=5,
        )
        ax.plot(*point, "o", color=palette.NETWORK, markersize=8, zorder=7)
        # The number above or below the point, whichever is away from the dashed line.
        up = 1.0 if drop[1] < point[1] else -1.0
        up = -up if abs(point[1] + 0.14 * up * reach) > 0.95 * reach else up
        spot = np.array(
            [np.clip(point[0], -0.6 * reach, 0.6 * reach), point[1] + 0.14 * up * reach]
        )
        name = f"activation {words.drawn(max(z, 0.0))}"
        _tag(ax, spot, name, color=palette.NETWORK, fontweight="bold", zorder=7)
    return ax


def _tag(ax: Axes, spot: ArrayLike, text: str, **kwargs: Any) -> None:
    """Centered text on a white, slightly transparent ground."""
    box = {"boxstyle": "round,pad=0.15", "facecolor": "#ffffffd9", "edgecolor": "none"}
    x, y = np.asarray(spot, dtype=np.float64)
    ax.text(x, y, text, ha="center", va="center", bbox=box, **kwargs)


def _nice_step(size: float) -> float:
    power = 10.0 ** np.floor(np.log10(size))
    return float(power * max(m for m in (1, 2, 5) if m * power <= size))
