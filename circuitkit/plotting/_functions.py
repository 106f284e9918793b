"""Functions of one number as curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from circuitkit import palette, words
from circuitkit.checks import accepts, flag, interval, wrong
from circuitkit.functions.target import FUNCTION, Target, TargetLike
from circuitkit.network import Network
from circuitkit.plotting import _style as style
from circuitkit.plotting._polygons import kinks

Array = NDArray[np.float64]

_DASHES = [(0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1.2)), (0, (8, 2))]


@accepts(ax=style.AX)
def relu(ax: Axes | None = None) -> Axes:
    r"""The ReLU activation function, :math:`\max(z, 0)`: off for negative z, unchanged for positive.

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


@accepts(net=style.NET, target=FUNCTION, ax=style.AX, domain=interval(drawn=True), units=flag())
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
        for i, weight in enumerate(net.float_layers[-1][0][0]):
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
    ax: Axes,
    net: Network,
    f: Target | None,
    low: float,
    high: float,
    *,
    broad: bool = False,
    name: str = "net",
) -> Array:
    """The network's curve, its bends, the target; returns the inputs at the curve's corners."""
    switches, bends = kinks(net, low, high, name)
    x = np.concatenate([[low], switches, [high]])
    drawn = style.values(net, x[:, None], name)
    style.through_zero(ax)
    ax.plot(
        x,
        drawn,
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
            style.values(f, dense[:, None], "target"),
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
