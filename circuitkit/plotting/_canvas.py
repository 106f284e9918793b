"""An Axes measured in inches, and the nodes and edges of the deck drawn on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Patch, PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from numpy.typing import NDArray

from circuitkit import palette, words
from circuitkit.plotting import _style as style

#: radius of a node, inches
RADIUS = 0.33

#: the ground that a number on an edge is written on
LABEL_BOX = {"boxstyle": "square,pad=0.16", "facecolor": palette.PAPER, "edgecolor": "none"}
#: dashes of negative edges, in line widths
DASHES = (0, (2.6, 1.5))

FILL = {
    "input": palette.INPUT,
    "hidden": palette.HIDDEN,
    "output": palette.OUTPUT,
    "bias": palette.BIAS,
}
_OUTLINE = {"input": "#2d5f6b", "hidden": "#7d7d7d", "output": "#c97a12", "bias": "#c9b45f"}
_TEXT = {"input": "#ffffff", "hidden": palette.INK, "output": palette.INK, "bias": palette.INK}


@dataclass
class _Drawing:
    """The size of a drawing in inches, and how much smaller it is shown."""

    size: NDArray[np.float64]
    scale: float = 1.0

    def fit(self, ax: Axes) -> float:
        """Center the drawing in ``ax``, shrunk where it must be; returns new scale over old."""
        inches = style.inches(ax)
        before, self.scale = self.scale, float(min(1.0, (inches / self.size).min()))
        half = inches / self.scale / 2
        ax.set_xlim(self.size[0] / 2 - half[0], self.size[0] / 2 + half[0])
        ax.set_ylim(self.size[1] / 2 - half[1], self.size[1] / 2 + half[1])
        return self.scale / before


#: drawings on Axes that the caller gave
_DRAWINGS: WeakKeyDictionary[Axes, _Drawing] = WeakKeyDictionary()


class Canvas:
    """Axes without a frame on which one unit of data is one inch (less where the Axes is small).

    Text and line widths shrink with the drawing, so that what fits fits in a small Axes too.
    """

    def __init__(
        self,
        ax: Axes | None,
        width: float,
        height: float,
        *,
        title: str | None = None,
        below: float = 0.0,
    ) -> None:
        own = ax is None
        self.ax = style.fresh_axes(ax, width, height + (0.34 if title else 0.0) + below)
        self.ax.set_axis_off()
        self.ax.set_aspect("equal")
        if title:
            self.ax.set_title(title)
        self.ax.set_xlim(0, width)
        self.ax.set_ylim(0, height)
        self.scale = 1.0
        if not own:
            drawing = _DRAWINGS[self.ax] = _Drawing(np.array([width, height]))
            drawing.fit(self.ax)
            self.scale = drawing.scale

    def finish(self) -> Axes:
        """The Axes, after all drawings in its figure are fitted to the room they have now.

        A drawing beside this one was fitted before this one's title or legend took its share; fitted
        again, drawings of one size side by side stand at one height.
        """
        for ax in self.ax.figure.axes:
            if ax in _DRAWINGS and not ax.axison:  # not cleared since
                ratio = _DRAWINGS[ax].fit(ax)
                for text in ax.texts:
                    text.set_fontsize(float(text.get_fontsize()) * ratio)
                for line in ax.lines:
                    line.set_linewidth(line.get_linewidth() * ratio)
                for patch in ax.patches:
                    patch.set_linewidth(patch.get_linewidth() * ratio)
        return self.ax

    def text(self, x: float, y: float, text: str, size: float = style.BODY, **kwargs: Any) -> Text:
        kwargs = {"ha": "center", "va": "center_baseline", "zorder": 6, **kwargs}
        return self.ax.text(x, y, text, fontsize=size * self.scale, **kwargs)

    def line(
        self, x: tuple[float, float], y: tuple[float, float], width: float, **kwargs: Any
    ) -> Line2D:
        kwargs = {"color": palette.INK, "solid_capstyle": "butt", **kwargs}
        line = Line2D(x, y, linewidth=width * self.scale, **kwargs)
        self.ax.add_line(line)
        return line

    def edge(
        self, start: Any, end: Any, weight: float, *, thinner: float = 1.0, **kwargs: Any
    ) -> Line2D:
        """A connection: blue solid for positive, orange dashed for negative, a hairline for zero."""
        color, dashes = edge_style(weight)
        width = 0.8 if weight == 0 else max(0.8, edge_width(weight) * thinner)
        return self.line(
            (start[0], end[0]),
            (start[1], end[1]),
            width,
            **{"color": color, "linestyle": dashes, "zorder": 1 if weight == 0 else 2, **kwargs},
        )

    def node(
        self, x: float, y: float, kind: str, *, radius: float = RADIUS, half_width: float = 0.0
    ) -> Patch:
        """A circle, or a rounded box where a name needs ``half_width``."""
        look: dict[str, Any] = {
            "facecolor": FILL[kind],
            "edgecolor": _OUTLINE[kind],
            "linewidth": 1.2 * self.scale * min(1.0, radius / 0.25),
            "zorder": 4,
        }
        patch: Patch
        if half_width <= radius:
            patch = Circle((x, y), radius, **look)
        else:
            patch = FancyBboxPatch(
                (x - half_width, y - radius),
                2 * half_width,
                2 * radius,
                boxstyle=f"round,pad=0,rounding_size={radius}",
                **look,
            )
        self.ax.add_patch(patch)
        return patch

    def inside(
        self, x: float, y: float, text: str, kind: str, *, radius: float, room: float
    ) -> Text:
        """Text in a node, shrunk to ``room`` inches."""
        size = style.HEAD * radius / RADIUS
        size = min(size, size * room / max(style.text_size(text, size, weight="bold")[0], 1e-9))
        return self.text(x, y, text, size, color=_TEXT[kind], fontweight="bold")

    def values(
        self, x: float, y: float, activation: float, preactivation: float, radius: float
    ) -> None:
        """A hidden unit's activation over its preactivation, a line between."""
        self.line((x - radius, x + radius), (y, y), 1.1, color=_OUTLINE["hidden"], zorder=5)
        for value, dy, weight in ((activation, 0.42, "bold"), (preactivation, -0.45, "normal")):
            text = words.drawn(value)
            size = style.BODY * radius / RADIUS
            room = 1.45 * radius
            size = min(size, size * room / max(style.text_size(text, size, weight=weight)[0], 1e-9))
            self.text(x, y + dy * radius, text, size, fontweight=weight)

    def hinge(self, x: float, y: float, radius: float) -> None:
        """The small sign of ReLU: flat, then rising."""
        points = np.array([[-0.55, -0.28], [0.0, -0.28], [0.5, 0.38]]) * radius + [x, y]
        self.ax.add_patch(
            PathPatch(
                Path(points),
                facecolor="none",
                edgecolor="#4d4d4d",
                linewidth=1.8 * self.scale * radius / RADIUS,
                capstyle="round",
                joinstyle="round",
                zorder=5,
            )
        )


def edge_style(weight: float) -> tuple[str, Any]:
    """Color and dashes that show the sign of a weight."""
    if weight == 0:
        return palette.ZERO, "-"
    return (palette.POSITIVE, "-") if weight > 0 else (palette.NEGATIVE, DASHES)


def edge_width(weight: float) -> float:
    """Line width in points: 2.4 for a weight of 1, growing with its size up to 6."""
    return min(6.0, 0.7 + 1.7 * abs(weight))


def sign_text(value: float) -> str:
    """The color for a signed number."""
    return (
        palette.INK if value == 0 else palette.POSITIVE_TEXT if value > 0 else palette.NEGATIVE_TEXT
    )
