"""What all figures share: the look, short numbers, names, fresh Axes, checks of arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.contour import ContourSet
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.path import Path as Outline
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

from circuitkit import palette, words
from circuitkit.checks import LARGEST_DRAWN, instance, wrong
from circuitkit.functions.target import Target, TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network

Array = NDArray[np.float64]

#: sizes of text, points
HEAD, BODY, NOTE, FINE = 13.0, 12.0, 11.0, 10.0

#: signs of a formula in a legend, which has to fit beside its figure
_LONGEST = 48

_FONTS = sorted((Path(__file__).parent / "fonts").glob("*.ttf"))

_RC: dict[str, Any] = {
    "figure.facecolor": palette.PAPER,
    "savefig.facecolor": palette.PAPER,
    "axes.facecolor": palette.PAPER,
    "figure.figsize": (4.8, 3.2),
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.05,
    "figure.constrained_layout.h_pad": 0.05,
    "figure.dpi": 100,
    # The second one for the few signs that the first does not have.
    "font.family": ["Source Sans Pro", "DejaVu Sans"],
    "mathtext.fontset": "custom",
    "mathtext.rm": "Source Sans Pro",
    "mathtext.it": "Source Sans Pro",
    "mathtext.cal": "Source Sans Pro",
    "mathtext.sf": "Source Sans Pro",
    "mathtext.tt": "Source Sans Pro",
    "mathtext.bf": "Source Sans Pro:bold",
    "font.size": BODY,
    "axes.titlesize": HEAD,
    "axes.titleweight": "bold",
    "axes.titlepad": 9,
    "axes.labelsize": BODY,
    "xtick.labelsize": NOTE,
    "ytick.labelsize": NOTE,
    "legend.fontsize": NOTE,
    "legend.frameon": False,
    "text.color": palette.INK,
    "axes.labelcolor": palette.INK,
    "axes.titlecolor": palette.INK,
    "axes.edgecolor": "#8a8f94",
    "axes.linewidth": 0.9,
    "xtick.color": "#8a8f94",
    "ytick.color": "#8a8f94",
    "xtick.labelcolor": palette.MUTED,
    "ytick.labelcolor": palette.MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "lines.solid_capstyle": "round",
    # Points that lie within a third of a pixel of a line are left out: small files.
    "path.simplify_threshold": 0.33,
    # Letters as outlines: a page looks the same whatever fonts its reader has.
    "svg.fonttype": "path",
    # A fixed salt, and no date below: the same figure is the same file, byte for byte.
    "svg.hashsalt": "circuitkit",
}


NET = instance(Network)
AX = instance(Axes, "a matplotlib Axes")


def setup() -> None:
    """Set the look of every figure; call it once, in a notebook's import cell.

    Figures appear in the page as SVG: sharp at any size, letters as outlines, white background (so
    they read in dark mode too), and byte for byte the same when nothing has changed. Outside
    Jupyter only matplotlib's settings change.

    Example:
        >>> setup()
    """
    known = {entry.fname for entry in fontManager.ttflist}
    for font in map(str, _FONTS):
        if font not in known:
            fontManager.addfont(font)
    mpl.rcParams.update(_RC)  # type: ignore[arg-type]
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return
    options = {"metadata": {"Date": None, "Creator": None}, "pad_inches": 0.06}
    set_matplotlib_formats("svg", **options)  # type: ignore[no-untyped-call]


#: The zero-centered scale of values: orange negative, grey zero, blue positive.
DIVERGING = LinearSegmentedColormap.from_list(
    "circuitkit.diverging", [palette.NEGATIVE, palette.ZERO, palette.POSITIVE]
)
#: The scale of shares from 0 to 1.
SHARE = LinearSegmentedColormap.from_list(
    "circuitkit.share", ["#f7f8fa", "#a9c8e4", palette.POSITIVE, "#0f3460"]
)


def affine(coefficients: Sequence[float], constant: float, names: Sequence[str]) -> str:
    """``0.5 x₁ − x₂ + 3``, as text.

    Example:
        >>> affine([1, -1], 0, ["x1", "x2"]), affine([0, 0], 0, ["x1", "x2"])
        ('x₁ − x₂', '0')
    """
    terms = []
    for c, name in zip(coefficients, names, strict=True):
        if abs(c) > 1e-9:
            size = "" if math.isclose(abs(c), 1.0, rel_tol=1e-12) else words.drawn(abs(c))
            terms.append((c < 0, f"{size}{words.pretty(name)}"))
    if abs(constant) > 1e-9 or not terms:
        terms.append((constant < -1e-9, words.drawn(abs(constant))))
    first_negative, first = terms[0]
    text = ("−" if first_negative else "") + first
    return text + "".join(f" {'−' if negative else '+'} {t}" for negative, t in terms[1:])


def text_size(text: str, size: float, *, weight: str = "normal") -> tuple[float, float]:
    """Width and height in inches of ``text`` (lines separated by newlines) at ``size`` points."""
    properties = FontProperties(family=mpl.rcParams["font.family"], size=size, weight=weight)
    widths = [
        text_to_path.get_text_width_height_descent(line, properties, ismath="$" in line)[0]
        for line in text.split("\n")
    ]
    return max(widths) / 72, size * 1.2 * len(widths) / 72


def fresh_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """``ax`` itself, or the Axes of a new figure of that many inches."""
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
        ax.figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03)  # type: ignore[union-attr,call-arg]
        return ax
    return ax


def inches(ax: Axes) -> Array:
    """Width and height of the room that ``ax`` has, its figure laid out as it is now."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise wrong("ax", "axes in a figure", "axes that were removed from theirs")
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    # The original position: an equal aspect shrinks the active one.
    box = ax.get_position(original=True).transformed(ax.figure.transSubfigure)
    return np.array([box.width, box.height]) / figure.dpi


def legend_below(ax: Axes, *args: Any, **kwargs: Any) -> None:
    """A legend under the x axis and its label: the room above stays free for a title."""
    look = {"ncols": 2, "handlelength": 2.4, "columnspacing": 1.6, "borderaxespad": 3.6, **kwargs}
    ax.legend(*args, loc="upper center", bbox_to_anchor=(0.5, 0.0), **look)


def checked_target(target: TargetLike | None, net: Network | Target) -> Target | None:
    """The target, after checking that it takes and gives as many numbers as ``net``."""
    if target is None:
        return None
    f = as_target(target)
    if f.n_inputs != net.n_inputs:
        wanted = f"a function of {words.count(net.n_inputs, 'input')} like the network"
        raise wrong("target", wanted, f"{f.name} of {words.count(f.n_inputs, 'input')}")
    if f.n_outputs != net.n_outputs:
        wanted = f"a function with {words.count(net.n_outputs, 'output')} like the network"
        raise wrong("target", wanted, f"{f.name} with {words.count(f.n_outputs, 'output')}")
    return f


def through_zero(ax: Axes) -> None:
    """Faint lines through the origin, behind everything."""
    ax.axhline(0, color=palette.HAIRLINE, linewidth=0.9, zorder=0)
    ax.axvline(0, color=palette.HAIRLINE, linewidth=0.9, zorder=0)


def formula(f: Target) -> str:
    """The function in the figures' letters: ``min(x₁, x₂)``, ``|x|``, ``x₁ − x₂``.

    Example:
        >>> formula(as_target("abs")), formula(as_target("min(x1, x2)"))
        ('|x|', 'min(x₁, x₂)')
    """
    text = re.sub(r"\babs\(([^()]*)\)", r"|\1|", str(f))
    return words.pretty(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ...")


def values(f: Network | Target, x: Array, name: str) -> Array:
    """The first output at inputs of shape ``(..., n_in)``, where it can be drawn.

    Raises:
        ValueError: it is not defined there, or larger than what is drawn; it says ``name``.
    """
    expected = f"values of at most {LARGEST_DRAWN:g} on the domain"
    if isinstance(f, Network):
        with np.errstate(over="ignore", invalid="ignore"):
            found = f(x)[..., 0]
    else:
        try:
            found = f(x)[..., 0]
        except ValueError:
            raise wrong(name, expected, words.quoted(f.name)) from None
    if not (np.abs(found) <= LARGEST_DRAWN).all():
        raise wrong(name, expected, "larger ones")
    return found


def thinner(n: int) -> float:
    """A factor on the width of ``n`` lines in one plot, 1 for a few of them."""
    return float(np.clip((25 / max(n, 1)) ** 0.5, 0.35, 1.0))


def simplify(contours: ContourSet, size: float) -> None:
    """Leave out the corners of contours that no one sees, on a square of side ``size``."""
    grid = Affine2D().scale(500 / size)
    paths = []
    for path in contours.get_paths():
        clean = path.cleaned(grid, simplify=True)
        corners, codes = np.asarray(clean.vertices), np.asarray(clean.codes)
        # The last one only says that the path ends.
        paths.append(Outline(grid.inverted().transform(corners[:-1]), codes[:-1]))
    contours.set_paths(paths)


def colorbar(filled: Any, axes: list[Axes], levels: Array, label: str) -> None:
    """One scale for all of ``axes``, without a frame."""
    every = 2 if len(levels) > 9 else 1
    start = int(np.abs(levels).argmin()) % every  # zero is among the numbers written
    bar = axes[0].figure.colorbar(
        filled, ax=axes, ticks=levels[start::every], shrink=0.86, spacing="proportional"
    )
    if np.abs(levels).max() < 1e-4:  # Matplotlib may write 0.000...1
        bar.ax.yaxis.set_major_formatter(lambda value, _: words.drawn(value))
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    bar.set_label(label)
