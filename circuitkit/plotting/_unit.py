"""One hidden unit: its arithmetic, and with two inputs the direction that it looks into."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch
from numpy.typing import ArrayLike, NDArray

from circuitkit import palette, words
from circuitkit.checks import LARGEST_DRAWN, accepts, finite, finite_vector, shown, vector, wrong
from circuitkit.plotting import _style as style
from circuitkit.plotting._canvas import LABEL_BOX, RADIUS, Canvas, sign_text

Array = NDArray[np.float64]

#: where "on" and "off" may stand, as shares of the way from the middle to the sides
_SEATS = (-1.0, -0.5, 0.5, 1.0)


@accepts(weights=vector(), bias=vector(), x=vector(), ax=style.AX)
def neuron(weights: ArrayLike, bias: float, x: ArrayLike, *, ax: Axes | None = None) -> Axes:
    r"""One hidden unit and its arithmetic: :math:`z = w \cdot x + b`, then :math:`\max(z, 0)`.

    Args:
        weights: shape ``(n_in,)``, one weight an input (a plain number for one).
        bias: any finite number, added to the weighted inputs.
        x: shape ``(n_in,)``, the inputs.
        ax: where to draw.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: not numbers.
        ValueError: ``x`` has another length than ``weights``, or numbers are not finite.

    Example:
        >>> ax = neuron([2, -1], 1, [3, 5])
        >>> [t.get_text() for t in ax.texts][-2:]
        ['activation max(2, 0)', '2']

    Source: the deck, "How a Single Neuron Works".
    """
    shape = finite(weights, "weights").shape
    if len(shape) > 1 or 0 in shape:
        raise wrong("weights", "shape (n_in,)", f"shape {shape}")
    n = shape[0] if shape else 1
    w = finite_vector(weights, "weights", n, "one for each input")
    b = float(finite_vector(bias, "bias", 1, "the unit's")[0])
    values = finite_vector(x, "x", n, "one for each weight")
    with np.errstate(over="ignore", invalid="ignore"):
        z = float(w @ values + b) + 0.0
        if not np.isfinite([*(w * values), z]).all():
            raise wrong("x", "products with the weights within the range of a double", shown(x))
    names = words.input_names(n)

    pitch = min(0.95, 3.6 / (n + 1))
    radius = min(RADIUS, 0.42 * pitch)
    left = 0.12 + n * pitch / 2 + radius
    row = 0.31
    result = f"activation max({words.drawn(z)}, 0)"
    table = max(
        2.45,
        sum(style.text_size(t, style.BODY, weight="bold")[0] for t in (result, words.drawn(z)))
        + 0.25,
    )
    edge = 2 * left + 0.3
    width = edge + table + 0.05
    height = max(3.1, row * (n + 4))
    canvas = Canvas(ax, width, height)
    low, high = 0.3 + radius, height - 0.62 - 1.15 * radius
    top = np.array([left, high])
    bottoms = [np.array([left + (i - n / 2) * pitch, low]) for i in range(n + 1)]
    for i, weight in enumerate([*w, b]):
        canvas.edge(bottoms[i], top, weight)
        lx, ly = bottoms[i] + 0.45 * (top - bottoms[i])
        canvas.text(
            lx,
            ly,
            words.drawn(weight),
            style.NOTE * radius / RADIUS,
            color=sign_text(weight),
            fontweight="bold",
            zorder=3,
            bbox=LABEL_BOX,
        )
    for i, (px, py) in enumerate(bottoms):
        kind = "input" if i < n else "bias"
        text = words.drawn(values[i]) if i < n else "1"
        canvas.node(px, py, kind, radius=radius)
        canvas.inside(px, py, text, kind, radius=radius, room=1.6 * radius)
        name = words.pretty(names[i]) if i < n else "bias"
        canvas.text(px, py - radius - 0.15, name, style.NOTE, color=palette.MUTED)
    rim = high + 1.15 * radius
    canvas.line((left, left), (rim, rim + 0.28), 2.0, color="#777777")
    canvas.text(left, rim + 0.42, words.drawn(max(z, 0.0)), style.HEAD, fontweight="bold")
    canvas.node(left, high, "hidden", radius=radius * 1.15)
    canvas.values(left, high, max(z, 0.0), z, radius * 1.15)

    # The sum as one writes it by hand: a product a line, the sum under a rule.
    lines = [
        (f"{words.drawn(weight)} × {_signed(value)}", weight * value)
        for weight, value in zip(w, values, strict=True)
    ]
    lines.append(("bias", b))
    y = height / 2 + row * (len(lines) + 1.3) / 2
    for label, value in lines:
        canvas.text(edge, y, label, style.BODY, ha="left")
        canvas.text(edge + table, y, words.drawn(value), style.BODY, ha="right")
        y -= row
    canvas.line((edge, edge + table), (y + row / 2, y + row / 2), 1.0)
    canvas.text(edge, y, "preactivation", style.BODY, ha="left")
    canvas.text(edge + table, y, words.drawn(z), style.BODY, ha="right")
    y -= 1.3 * row
    canvas.text(edge, y, result, style.BODY, ha="left", fontweight="bold")
    canvas.text(
        edge + table, y, words.drawn(max(z, 0.0)), style.BODY, ha="right", fontweight="bold"
    )
    return canvas.finish()


def _signed(value: float) -> str:
    text = words.drawn(value)
    return f"({text})" if value < 0 else text


# --- as a direction -----------------------------------------------------------------------------------


@accepts(weight=vector(), bias=vector(), ax=style.AX, x=vector())
def direction(
    weight: ArrayLike, bias: float = 0.0, *, ax: Axes | None = None, x: ArrayLike | None = None
) -> Axes:
    r"""A hidden unit of two inputs as a direction in the plane.

    The arrow is the weight vector. The unit is on in the half-plane that it points into; its
    activation, :math:`\max(w \cdot x + b, 0)`, is the same along lines across the arrow.

    Args:
        weight: the two weights, not both 0.
        bias: any finite number; moves the border away from the origin.
        ax: where to draw.
        x: a point to mark, with its activation.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: not numbers.
        ValueError: not two weights, or both 0 (a unit without a direction), or numbers of which no axis can be drawn.

    Example:
        >>> ax = direction((1, -1), x=(3, 1))
        >>> ax.texts[-1].get_text()
        'activation 2'

    Source: the deck, "Features"; Olah et al., "Zoom In", claim 1.
    """
    w = finite_vector(weight, "weight", 2, "one for each input")
    b = float(finite_vector(bias, "bias", 1, "the unit's")[0])
    point = None if x is None else finite_vector(x, "x", 2, "one for each input")
    if not w.any():
        raise wrong("weight", "a direction, not both weights 0", "(0, 0)")
    for name, given in (("weight", w), ("bias", b), ("x", 0.0 if point is None else point)):
        if np.abs(given).max() > LARGEST_DRAWN:
            raise wrong(
                name, f"numbers of at most {LARGEST_DRAWN:g}", shown(np.array(given).tolist())
            )
    with np.errstate(over="ignore", invalid="ignore"):
        half = _Half(w, b, point)
    if not (half.reach * max(1.0, half.length) <= LARGEST_DRAWN and 0 < half.step < np.inf):
        expected = f"a border and levels not beyond {LARGEST_DRAWN:g}"
        raise wrong("weight", expected, f"{shown(w.tolist())} with the bias {words.number(b)}")
    ax = style.fresh_axes(ax, 4.0, 4.0)
    _draw_sides(ax, half)
    style.through_zero(ax)
    _draw_levels(ax, half)
    ax.set(xlim=(-half.reach, half.reach), ylim=(-half.reach, half.reach), aspect="equal")
    ax.set(xlabel=words.pretty("x1"), ylabel=words.pretty("x2"))
    if half.reach == 4:
        ax.set(xticks=range(-4, 5, 2), yticks=range(-4, 5, 2))
    _number_levels(ax, half)
    _draw_arrow(ax, half)
    _name_sides(ax, half)
    if point is not None:
        _mark_activation(ax, half, point)
    return ax


class _Half:
    """The half-plane where a unit is on, and what is drawn of the plane.

    Attributes:
        unit, across: the direction that the weights point into, and the one along the border.
        foot: the border's nearest point to the origin.
        reach: the axes go from -reach to reach.
        side: the side of the arrow away from the marked point, 1 or -1 along ``across``.
        step: from one level of activation to the next that is drawn.
    """

    def __init__(self, w: Array, b: float, point: Array | None) -> None:
        self.w, self.b, self.point = w, b, point
        self.length = float(np.hypot(*w))
        self.unit, self.across = w / self.length, np.array([-w[1], w[0]]) / self.length
        self.foot = -b / self.length * self.unit
        shown = [self.foot] if point is None else [self.foot, point]
        self.reach = max(4.0, 1.25 * float(np.abs(shown).max()))
        away = point is not None and (point - self.foot) @ self.across > 0
        self.side = -1.0 if away else 1.0
        self.step = _nice_step(self.reach * self.length / 2.2)

    def level(self, k: int) -> Array:
        """The point of the arrow's line where the activation is ``k`` steps."""
        at: Array = self.foot + k * self.step / self.length * self.unit
        return at

    def along(self, at: Array) -> Array:
        """Two points far out on the parallel to the border through a point."""
        far = 4 * self.reach * self.across
        return np.array([at - far, at + far])


def _draw_sides(ax: Axes, half: _Half) -> None:
    border = half.along(half.foot)
    far = 4 * half.reach * half.unit
    for sign, color in ((-1, "#eeeeee"), (1, to_rgba(palette.POSITIVE, 0.10))):
        corners = np.concatenate([border, border[::-1] + sign * far])
        ax.fill(*corners.T, facecolor=color, edgecolor="none", zorder=0)


def _draw_levels(ax: Axes, half: _Half) -> None:
    look: dict[str, Any] = {"color": palette.POSITIVE, "linewidth": 0.8, "alpha": 0.55, "zorder": 1}
    for k in range(1, 40):
        ax.plot(*half.along(half.level(k)).T, **look)
    ax.plot(*half.along(half.foot).T, color=palette.INK, linewidth=1.6, zorder=2)


def _number_levels(ax: Axes, half: _Half) -> None:
    """Beside the arrow, where the marked point is not."""
    for k in range(5):
        spot = half.level(k) + 0.5 * half.side * half.reach * half.across
        if np.abs(spot).max() < 0.88 * half.reach:
            color = palette.POSITIVE_TEXT if k else palette.INK
            _tag(ax, spot, words.drawn(k * half.step), fontsize=style.FINE, color=color, zorder=3)


def _draw_arrow(ax: Axes, half: _Half) -> None:
    w, reach, unit = half.w, half.reach, half.unit
    tip = half.foot + unit * min(max(half.length, 0.3 * reach), 0.6 * reach)
    ax.add_patch(
        FancyArrowPatch(
            tuple(half.foot),
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
    size = np.array(style.text_size(name, style.BODY, weight="bold"))
    size = size / 2 * (2 * reach / float(style.inches(ax).min()))
    spot = tip + unit * (size @ np.abs(unit) + 0.06 * reach)
    if (np.abs(spot) + size > reach).any():  # no room beyond the tip: beside it
        spot = tip - half.side * half.across * (size @ np.abs(half.across) + 0.06 * reach)
    inside = np.clip(spot, size - 0.98 * reach, 0.98 * reach - size)
    _tag(ax, inside, name, fontweight="bold", zorder=6)


def _name_sides(ax: Axes, half: _Half) -> None:
    """In the corner deepest on its side; beside the marked point where that takes the corner."""
    places = [[i, j] for i in _SEATS for j in _SEATS if abs(i * j) >= 0.5]
    seats = 0.86 * half.reach * np.array(places)
    if half.point is not None:
        seats = seats[np.abs(seats - half.point).max(axis=1) > 0.3 * half.reach]
    for name, sign in (("on", 1), ("off", -1)):
        seat = seats[np.argmax(sign * (seats @ half.w + half.b))]
        if sign * (seat @ half.w + half.b) > 0:
            _tag(ax, seat, name, color=palette.MUTED, zorder=4)


def _mark_activation(ax: Axes, half: _Half, point: Array) -> None:
    z = float(half.w @ point + half.b)
    drop = point - (z / half.length) * half.unit
    look: dict[str, Any] = {
        "color": palette.NETWORK,
        "linewidth": 1.6,
        "linestyle": (0, (3, 2)),
        "zorder": 5,
    }
    ax.plot(*np.array([point, drop]).T, **look)
    ax.plot(*point, "o", color=palette.NETWORK, markersize=8, zorder=7)
    # The number above or below the point, whichever is away from the dashed line.
    up = 1.0 if drop[1] < point[1] else -1.0
    up = -up if abs(point[1] + 0.14 * up * half.reach) > 0.95 * half.reach else up
    limit = 0.6 * half.reach
    spot = np.array([np.clip(point[0], -limit, limit), point[1] + 0.14 * up * half.reach])
    name = f"activation {words.drawn(max(z, 0.0))}"
    _tag(ax, spot, name, color=palette.NETWORK, fontweight="bold", zorder=7)


def _tag(ax: Axes, spot: ArrayLike, text: str, **kwargs: Any) -> None:
    """Centered text on a white, slightly transparent ground."""
    box = {"boxstyle": "round,pad=0.15", "facecolor": "#ffffffd9", "edgecolor": "none"}
    x, y = np.asarray(spot, dtype=np.float64)
    ax.text(x, y, text, ha="center", va="center", bbox=box, **kwargs)


def _nice_step(size: float) -> float:
    power = 10.0 ** np.floor(np.log10(size))
    return float(power * max(m for m in (1, 2, 5) if m * power <= size))
