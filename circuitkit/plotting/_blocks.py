"""Networks of blocks: each block a circuit that an earlier chapter has built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from circuitkit import palette, words
from circuitkit.checks import accepts, made_by, number, several, shown, string, wrong, wrong_type
from circuitkit.functions.target import target
from circuitkit.plotting import _style as style
from circuitkit.plotting._canvas import RADIUS, Canvas

#: A block ``(name, part, ...)`` whose parts are blocks or the names of inputs.
Tree: TypeAlias = "str | tuple[Any, ...]"

_PITCH, _RISE, _HALF_HEIGHT = 1.1, 1.1, 0.24


def _inputs(name: str, value: Any) -> Any:
    """A list of names, or a mapping of names to numbers."""
    if isinstance(value, Mapping):
        several(string(), "").take(name, list(value))
        return {k: number().take(f"{name}[{k!r}]", v) for k, v in value.items()}
    return several(string(), "a list of inputs, or input -> number").take(name, value)


@accepts(
    ax=style.AX,
    inputs=made_by(_inputs, right=["x1"], wrong=("x1", 3, [1], {"x1": "one"}, {1: 1})),
)
def blocks(
    tree: Tree, *, ax: Axes | None = None, inputs: Sequence[str] | Mapping[str, float] | None = None
) -> Axes:
    """Draw a network built of blocks, inputs at the bottom, output at the top.

    Args:
        tree: nested tuples, a block's name first and then what it is fed: blocks or names of
            inputs, such as ``("min", ("min", "x1", "x2"), ("min", "x3", "x4"))``.
        ax: where to draw.
        inputs: the inputs from left to right, by default as they first appear. A mapping of input
            to number shows these numbers and what every block makes of them; the blocks' names must
            then be functions that :func:`circuitkit.target` knows.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``tree`` is not made of tuples and names.
        ValueError: a block without parts, or ``inputs`` that leaves one out.

    Example:
        >>> ax = blocks(("min", ("min", "x1", "x2"), "x3"), inputs={"x1": 4, "x2": -2, "x3": 7})
        >>> ax.texts[-1].get_text()
        '−2'

    Source: the deck, "Minimum of four: Circuit".
    """
    found: list[str] = []
    root = _read(tree, found)
    if root.name is None:
        raise wrong("tree", "a block such as ('min', 'x1', 'x2')", shown(tree))
    order = found if inputs is None else list(inputs)
    missing = [name for name in found if name not in order]
    if missing:
        raise wrong("inputs", f"all of {found}", f"{order} without {missing[0]!r}")
    numbers = dict(inputs) if isinstance(inputs, Mapping) else None
    places = {name: (0.45 + i * _PITCH) for i, name in enumerate(order)}
    width = 0.9 + (len(order) - 1) * _PITCH
    below = RADIUS + 0.06 + (0.26 if numbers else 0.0)
    top = below + _RISE * (root.level + 1)
    canvas = Canvas(ax, width, top + RADIUS + 0.06)

    _place(root, places, below)
    value = _draw(canvas, root, numbers, root.x)
    canvas.line((root.x, root.x), (root.y, top), 2.0, color="#777777", zorder=1)
    for name in order:
        x = places[name]
        canvas.node(x, below, "input")
        if numbers:
            canvas.text(
                x, below - RADIUS - 0.15, words.pretty(name), style.BODY, color=palette.MUTED
            )
        text = words.drawn(numbers[name]) if numbers else words.pretty(name)
        canvas.inside(x, below, text, "input", radius=RADIUS, room=1.6 * RADIUS)
    canvas.node(root.x, top, "output")
    text = "y" if value is None else words.drawn(value)
    canvas.inside(root.x, top, text, "output", radius=RADIUS, room=1.6 * RADIUS)
    return canvas.finish()


@dataclass
class _Part:
    """A block, or with ``name`` None the input called ``source``."""

    name: str | None
    source: str
    parts: list[_Part]
    level: int
    x: float = 0.0
    y: float = 0.0
    half: float = 0.0


def _read(tree: object, found: list[str]) -> _Part:
    if isinstance(tree, str):
        if tree not in found:
            found.append(tree)
        return _Part(None, tree, [], 0)
    if not isinstance(tree, tuple):
        expected = "nested tuples of a block's name and its parts"
        raise wrong_type("tree", expected, type(tree).__name__)
    if len(tree) < 2 or not isinstance(tree[0], str):
        raise wrong("tree", "(name, part, ...) such as ('min', 'x1', 'x2')", shown(tree))
    parts = [_read(part, found) for part in tree[1:]]
    half = max(
        0.42, style.text_size(words.pretty(tree[0]), style.HEAD, weight="bold")[0] / 2 + 0.16
    )
    return _Part(tree[0], "", parts, 1 + max(p.level for p in parts), half=half)


def _place(part: _Part, places: Mapping[str, float], below: float) -> None:
    if part.name is None:
        part.x, part.y = places[part.source], below
        return
    for p in part.parts:
        _place(p, places, below)
    part.x = sum(p.x for p in part.parts) / len(part.parts)
    part.y = below + _RISE * part.level


def _draw(
    canvas: Canvas, part: _Part, numbers: Mapping[str, float] | None, toward: float
) -> float | None:
    """Draw what ``part`` is fed by, then its box; returns its value if numbers are given.

    ``toward`` is where the line up from it leads: the value stands on the other side.
    """
    if part.name is None:
        return None if numbers is None else float(numbers[part.source])
    values = []
    n = len(part.parts)
    for i, p in enumerate(part.parts):
        # Parts arrive side by side, in order, at the lower edge of the box.
        port = part.x + (i - (n - 1) / 2) * min(0.4, 1.5 * part.half / n)
        values.append(_draw(canvas, p, numbers, port))
        canvas.line((p.x, port), (p.y, part.y), 2.0, color="#777777", zorder=1)
    canvas.ax.add_patch(
        FancyBboxPatch(
            (part.x - part.half, part.y - _HALF_HEIGHT),
            2 * part.half,
            2 * _HALF_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.1",
            facecolor="#e9e9e9",
            edgecolor="#6f6f6f",
            linewidth=1.4 * canvas.scale,
            zorder=4,
        )
    )
    canvas.text(part.x, part.y, words.pretty(part.name), style.HEAD, fontweight="bold")
    if numbers is None:
        return None
    function = target(part.name)
    if function.n_inputs != n:
        raise ValueError(
            f"tree: {part.name} takes {words.count(function.n_inputs, 'input')}, got {n} parts"
        )
    value = float(function([v for v in values if v is not None])[0])
    side = -1 if toward > part.x else 1
    canvas.text(
        part.x + 0.1 * side,
        part.y + _HALF_HEIGHT + 0.14,
        words.drawn(value),
        style.BODY,
        ha="left" if side > 0 else "right",
        color=palette.MUTED,
        fontweight="bold",
    )
    return value
