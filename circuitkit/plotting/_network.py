"""Networks as the deck draws them: inputs below, output above."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.legend_handler import HandlerBase
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.text import Text
from numpy.typing import ArrayLike, NDArray

from circuitkit import palette, words
from circuitkit.checks import (
    accepts,
    finite_vector,
    flag,
    instance,
    listed,
    optional,
    several,
    shown,
    string,
    vector,
    wrong,
)
from circuitkit.network import Network
from circuitkit.plotting import _style as style
from circuitkit.plotting._canvas import (
    LABEL_BOX,
    RADIUS,
    Canvas,
    edge_width,
    sign_text,
)
from circuitkit.plotting._placement import place_labels

Array = NDArray[np.float64]

#: ``(layer, unit)`` or ``(layer, unit_from, unit_to)``
Key: TypeAlias = "tuple[int, int] | tuple[int, int, int]"

#: Layers with more connections than this are drawn without numbers.
_MOST_LABELS = 40


_NAMES = several(string("a name", empty=True), "a list of names")


@accepts(
    net=style.NET,
    x=vector(),
    ax=style.AX,
    biases=flag(),
    labels=flag(),
    names=several(
        several(optional(string("a name", empty=True)), "a list of names"),
        "a list of names for each hidden layer",
    ),
    input_names=_NAMES,
    output_names=_NAMES,
    circuits=instance(Mapping, "a dict of label -> units and edges"),
    kept=listed("a list of units and edges, or an Extraction's kept", ordered=False),
    title=string(empty=True),
)
def network(
    net: Network,
    x: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    biases: bool | None = None,
    labels: bool = True,
    names: Sequence[Sequence[str | None]] | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    circuits: Mapping[str, Sequence[Key]] | None = None,
    kept: Iterable[Key] | None = None,
    title: str | None = None,
) -> Axes:
    """Draw a network: inputs at the bottom, output at the top.

    An edge is the wider the larger its weight; positive ones are blue and solid, negative ones
    orange and dashed, zeros a grey hairline. A hidden unit shows its feature's name, or its
    activation above its preactivation for the input ``x``, or else the small sign of ReLU.

    Args:
        net: the network, best with at most 20 units a layer.
        x: one input, shape ``(n_in,)`` (a plain number for one input), whose values to show.
        ax: where to draw; a figure of the right size is made if not given.
        biases: whether to draw bias nodes; by default only if a bias differs from zero.
        labels: whether to write the weights on the edges. A layer too dense to write on without
            overlap gets none: use :func:`weights`.
        names: one list a hidden layer of one feature name a unit, such as ``"+(x)"`` or ``"x1>x2"``,
            shown in the nodes instead of values; ``None`` or ``""`` for a unit without a name.
        input_names: default ``x``, or ``x1, x2, ...``.
        output_names: default ``y``, or ``y1, y2, ...``.
        circuits: label -> units ``(layer, unit)`` and edges ``(layer, unit_from, unit_to)``, both
            counted from 0 with layer 0 the inputs; an edge's layer is that of ``unit_from``. Groups
            are highlighted and lettered, with a legend below. A group without any edge takes in
            the edges between its units.
        kept: units and edges, as ``circuits`` counts them, that are drawn strong, all others pale:
            ``extract(...).kept``. Inputs and outputs stay strong.
        title: written above.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``net`` is not a Network, ``ax`` not an Axes.
        ValueError: ``x`` or names that do not match the layers, circuits or kept with unknown units.

    Example:
        >>> import circuitkit as ck
        >>> ax = network(ck.circuit("identity"), x=3)
        >>> [t.get_text() for t in ax.texts][:4]
        ['1', '−1', '1', '−1']

    Source: the deck, "Legend" and "Identity Function: Examples".
    """
    if biases is None:
        biases = net.has_biases
    sizes = net.layer_sizes
    texts = _node_texts(net, names, input_names, output_names)
    groups = _checked_circuits(circuits, net)
    strong = _strong(kept, net)
    point = None if x is None else finite_vector(x, "x", net.n_inputs, "one for each input")
    plan = _Plan.of(
        net,
        texts,
        biases=biases,
        labels=labels,
        groups=groups,
        outside=point is not None,
        strong=strong,
    )
    canvas = Canvas(
        ax,
        plan.width,
        plan.height,
        title=title,
        below=0.26 * len(groups) + 0.1 if groups else 0.0,
    )
    _draw_groups(canvas, plan, groups)
    crowded = len(plan.edges) > 150
    for edge in sorted(plan.edges, key=lambda e: abs(e.weight)):  # the heaviest on top
        canvas.edge(
            plan.at[edge.start],
            plan.at[edge.end],
            edge.weight,
            thinner=(0.6 if crowded else 1.0) * plan.radius / RADIUS,
            alpha=(0.6 if crowded else 1.0) if strong.edge(edge) else _PALE,
        )
    for edge, (lx, ly), text in plan.labels:
        canvas.text(
            lx,
            ly,
            text,
            plan.label_size,
            color=sign_text(edge.weight),
            fontweight="bold",
            zorder=3,
            bbox=LABEL_BOX,
        )
    hidden = [] if point is None else net.preactivations(point)
    for layer, unit in plan.units:
        px, py = plan.at[layer, unit]
        kind = "input" if layer == 0 else "output" if layer == len(sizes) - 1 else "hidden"
        if unit == sizes[layer]:
            canvas.node(px, py, "bias", radius=plan.bias_radius)
            canvas.inside(px, py, "1", "bias", radius=plan.bias_radius, room=plan.bias_radius)
            continue
        half = plan.half_widths[layer]
        node = canvas.node(px, py, kind, radius=plan.radius, half_width=half)
        if not strong.unit(layer, unit):
            node.set(facecolor=palette.PAPER, edgecolor=palette.HAIRLINE, linestyle=":")
        name = texts[layer][unit]
        room = 2 * half - 0.14 if half > plan.radius else 1.6 * plan.radius
        if kind == "hidden":
            if name:
                canvas.inside(px, py, name, kind, radius=plan.radius * 0.95, room=room)
            elif not strong.unit(layer, unit):
                continue
            elif point is not None:
                z = float(hidden[layer - 1][unit])
                canvas.values(px, py, max(z, 0.0), z, plan.radius)
            else:
                canvas.hinge(px, py, plan.radius)
        elif point is None:
            canvas.inside(px, py, name, kind, radius=plan.radius, room=room)
        else:
            value = point[unit] if kind == "input" else net(point)[unit]
            canvas.inside(px, py, words.drawn(value), kind, radius=plan.radius, room=room)
            dy = plan.radius + 0.15
            canvas.text(
                px, py - dy if kind == "input" else py + dy, name, style.BODY, color=palette.MUTED
            )
    _draw_badges(canvas, plan, groups)
    if groups:
        _groups_legend(canvas, groups)
    return canvas.finish()


@accepts(ax=style.AX)
def legend(ax: Axes | None = None) -> Axes:
    """What the parts of a network drawing mean: the kinds of nodes, the signs of edges.

    Args:
        ax: where to draw.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``ax`` is not an Axes.

    Example:
        >>> ax = legend()
        >>> len(ax.patches), len(ax.lines)
        (6, 7)

    Source: the deck, "Legend".
    """
    rows: list[tuple[Any, str]] = [
        ("output", "an output, a number"),
        ("hidden", "a hidden unit with ReLU"),
        ("values", "its activation, above its preactivation"),
        ("bias", "a bias node, always 1"),
        ("input", "an input, a number"),
        (1.0, "a positive weight"),
        (-1.0, "a negative weight"),
        (None, "the wider, the larger the weight"),
        (0.0, "a weight of 0"),
    ]
    step = 0.5
    canvas = Canvas(ax, 4.05, step * len(rows) + 0.1)
    radius = 0.21
    for i, (kind, meaning) in enumerate(rows):
        x, y = 0.42, step * (len(rows) - i - 0.5) + 0.05
        if isinstance(kind, str):
            canvas.node(x, y, "hidden" if kind == "values" else kind, radius=radius)
            if kind == "hidden":
                canvas.hinge(x, y, radius)
            elif kind == "values":
                canvas.values(x, y, 0, -5, radius * 1.08)
            elif kind == "bias":
                canvas.inside(x, y, "1", kind, radius=radius, room=radius)
            else:
                canvas.inside(
                    x, y, "x" if kind == "input" else "y", kind, radius=radius, room=radius
                )
        elif kind is None:
            for dy, weight in ((0.11, 2.0), (0.0, 1.0), (-0.09, 0.3)):
                canvas.line(
                    (x - 0.36, x + 0.36), (y + dy, y + dy), edge_width(weight), color="#777777"
                )
        else:
            canvas.edge((x - 0.36, y), (x + 0.36, y), kind)
            if kind:
                label = canvas.text(x, y, words.drawn(kind), style.NOTE, color=sign_text(kind))
                label.set(fontweight="bold", bbox={**LABEL_BOX, "boxstyle": "square,pad=0.5"})
        canvas.text(1.0, y, meaning, style.BODY, ha="left")
    return canvas.finish()


@dataclass(frozen=True)
class _Edge:
    start: tuple[int, int]
    end: tuple[int, int]
    weight: float


#: how much of an edge's color is left where it is not kept
_PALE = 0.15


@dataclass(frozen=True)
class _Strong:
    """What is drawn strong: everything, or what is kept."""

    sizes: tuple[int, ...]
    keys: frozenset[tuple[int, ...]] | None

    def unit(self, layer: int, unit: int) -> bool:
        """Whether a node is; inputs, outputs and bias nodes always are."""
        hidden = 0 < layer < len(self.sizes) - 1 and unit < self.sizes[layer]
        return self.keys is None or not hidden or (layer, unit) in self.keys

    def edge(self, edge: _Edge) -> bool:
        """Whether an edge is; one from a bias node goes with the unit that it leads to."""
        layer, unit = edge.start
        if unit == self.sizes[layer]:
            return self.unit(*edge.end)
        return self.keys is None or (layer, unit, edge.end[1]) in self.keys


def _strong(kept: Iterable[Key] | None, net: Network) -> _Strong:
    if kept is None:
        return _Strong(net.layer_sizes, None)
    keys = list(kept)
    for key in keys:
        if not _known(key, net.layer_sizes):
            raise wrong("kept", _a_key(net.layer_sizes), shown(key))
    return _Strong(net.layer_sizes, frozenset(tuple(int(k) for k in key) for key in keys))


def _a_key(sizes: tuple[int, ...]) -> str:
    return (
        f"(layer, unit) or (layer, unit_from, unit_to) of a {words.dashes(sizes)} "
        "network, counted from 0"
    )


@dataclass
class _Group:
    label: str
    color: str
    letter: str
    units: list[tuple[int, int]]
    edges: list[tuple[int, int, int]]


@dataclass
class _Plan:
    """Where everything goes, in inches; (0, 0) is the lower left corner of the drawing."""

    radius: float
    bias_radius: float
    label_size: float
    half_widths: list[float]
    at: dict[tuple[int, int], Array]
    edges: list[_Edge]
    width: float = 0.0
    height: float = 0.0
    labels: list[tuple[_Edge, Array, str]] = field(default_factory=list)
    badges: list[tuple[_Group, Array]] = field(default_factory=list)

    @property
    def units(self) -> list[tuple[int, int]]:
        return sorted(self.at)

    @classmethod
    def of(
        cls,
        net: Network,
        texts: list[list[str]],
        *,
        biases: bool,
        labels: bool,
        groups: list[_Group],
        outside: bool,
        strong: _Strong,
    ) -> _Plan:
        sizes = net.layer_sizes
        last = len(sizes) - 1
        counts = [n + (biases and i < last) for i, n in enumerate(sizes)]
        pitch = min(1.3, 6.2 / max(counts))
        radius = min(RADIUS, 0.4 * pitch)
        half_widths = [radius] * len(sizes)
        for i in range(1, last):
            if any(texts[i]):
                size = style.HEAD * radius * 0.95 / RADIUS
                widest = max(style.text_size(t, size, weight="bold")[0] for t in texts[i] if t)
                if widest > 1.7 * radius:
                    half_widths[i] = widest / 2 + 0.12
        needed = [max(pitch, 2 * h + 0.25 * radius / RADIUS + 0.05) for h in half_widths]
        breadth = max((n - 1) * p for n, p in zip(counts, needed, strict=True))
        pitches = [
            max(p, min(1.3, breadth / (n - 1))) if n > 1 else p
            for n, p in zip(counts, needed, strict=True)
        ]
        half = max(
            (n - 1) * p / 2 + h for n, p, h in zip(counts, pitches, half_widths, strict=True)
        )
        plan = cls(
            radius,
            min(0.24, 0.8 * radius),
            max(7.0, style.NOTE * radius / RADIUS),
            half_widths,
            {},
            _edges(net, biases),
            width=2 * half + (0.3 if groups else 0.1),
        )
        # Labels decide how far apart the layers are: grow a gap until all of its labels fit.
        margin = radius + (0.16 if groups else 0.06) + (0.26 if outside else 0.0)
        y = margin
        plan._place_row(0, counts[0], pitches[0], y)
        for layer in range(last):
            between = [e for e in plan.edges if e.start[0] == layer]
            written = [e for e in between if e.weight != 0 and strong.edge(e)] if labels else []
            if len(written) > _MOST_LABELS:
                written = []
            gap = 2 * radius + 0.62 + 0.035 * len(written) + 0.006 * min(len(between), 150)
            for growth in (0.0, 0.25, 0.5, 0.8, 1.2):
                plan._place_row(layer + 1, counts[layer + 1], pitches[layer + 1], y + gap + growth)
                plan._place_badges(groups, layer)
                placed = plan._write(layer, between, written)
                if placed is not None:
                    plan.labels += placed
                    break
            else:
                plan._place_row(layer + 1, counts[layer + 1], pitches[layer + 1], y + gap)
                plan._place_badges(groups, layer)
            y = float(plan.at[layer + 1, 0][1])
        plan.height = y + margin
        return plan

    def _place_row(self, layer: int, count: int, pitch: float, y: float) -> None:
        for unit in range(count):
            x = self.width / 2 + (unit - (count - 1) / 2) * pitch
            self.at[layer, unit] = np.array([x, y])

    def _write(
        self, layer: int, between: list[_Edge], written: list[_Edge]
    ) -> list[tuple[_Edge, Array, str]] | None:
        """The labels of one layer of edges, or None where they do not fit."""
        silent = [e for e in between if e not in written]
        strings = [words.drawn(e.weight) for e in written]
        sizes = [style.text_size(t, self.label_size, weight="bold") for t in strings]
        boxes = [
            (*self.at[k], self.half_widths[k[0]], self.radius)
            for k in self.at
            if k[0] in (layer, layer + 1)
        ]
        boxes += [(*at, _BADGE, _BADGE) for _, at in self.badges]
        ends = [
            np.array([[self.at[e.start], self.at[e.end]] for e in edges]).reshape(-1, 2, 2)
            for edges in (written, silent)
        ]
        placed = place_labels(
            ends[0][:, 0],
            ends[0][:, 1],
            np.array(sizes).reshape(-1, 2),
            np.array(boxes),
            (ends[1][:, 0], ends[1][:, 1]),
            gap=0.05,
        )
        return list(zip(written, placed.centers, strings, strict=True)) if placed.clear else None

    def _place_badges(self, groups: list[_Group], layer: int) -> None:
        """The letters of groups that are edges alone; those of units sit on the nodes' rims."""
        self.badges = [b for b in self.badges if b[0].edges[0][0] != layer]
        for group in groups:
            if not group.units and group.edges[0][0] == layer:
                _, i, j = group.edges[0]
                a, b = self.at[layer, i], self.at[layer + 1, j]
                reach = (self.half_widths[layer] + 0.22) / float(np.hypot(*(b - a)))
                self.badges.append((group, a + min(0.4, reach) * (b - a)))


_BADGE = 0.1


def _edges(net: Network, biases: bool) -> list[_Edge]:
    edges = []
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        columns = np.column_stack([w, b]) if biases else w
        for unit_to, row in enumerate(columns.tolist()):
            for unit_from, weight in enumerate(row):
                edges.append(_Edge((layer, unit_from), (layer + 1, unit_to), weight))
    return edges


def _node_texts(
    net: Network,
    names: Sequence[Sequence[str | None]] | None,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
) -> list[list[str]]:
    """What every node is called, layer by layer; ``""`` for hidden units without a name."""
    hidden = net.layer_sizes[1:-1]
    if names is None:
        names = [[""] * n for n in hidden]
    if len(names) != len(hidden):
        expected = f"{words.count(len(hidden), 'list')} of names, one a hidden layer"
        raise wrong("names", expected, shown(names))
    for i, (row, n) in enumerate(zip(names, hidden, strict=True)):
        if len(row) != n:
            raise wrong(f"names[{i}]", f"{words.count(n, 'name')}, one a unit", shown(row))
    outputs = words.output_names(net.n_outputs)
    ends = []
    for given, default, argument in (
        (input_names, words.input_names(net.n_inputs), "input_names"),
        (output_names, outputs, "output_names"),
    ):
        row = default if given is None else list(given)
        if len(row) != len(default):
            raise wrong(argument, words.count(len(default), "name"), shown(given))
        ends.append(row)
    if net.scale != 1:
        ends[1] = [f"{name}, times {net.scale}" for name in ends[1]]
    rows = [ends[0], *names, ends[1]]
    return [[words.pretty(t) if t else "" for t in row] for row in rows]


def _checked_circuits(circuits: Mapping[str, Sequence[Key]] | None, net: Network) -> list[_Group]:
    if circuits is None:
        return []
    if len(circuits) > len(palette.GROUPS):
        raise wrong("circuits", f"at most {len(palette.GROUPS)} groups", len(circuits))
    sizes = net.layer_sizes
    groups = []
    for i, (label, keys) in enumerate(circuits.items()):
        units: list[tuple[int, int]] = []
        edges: list[tuple[int, int, int]] = []
        for key in listed(_a_key(sizes), ordered=False).take(f"circuits[{label!r}]", keys):
            if not _known(key, sizes):
                raise wrong(f"circuits[{label!r}]", _a_key(sizes), shown(key))
            layer, unit, *above = (int(k) for k in key)
            if above:
                edges.append((layer, unit, above[0]))
            else:
                units.append((layer, unit))
        if not units and not edges:
            raise wrong(f"circuits[{label!r}]", "at least one unit or edge", shown(keys))
        if not edges:
            edges = [
                (layer, i, j)
                for layer, i in units
                for layer_above, j in units
                if layer_above == layer + 1 and net.weights[layer][j, i] != 0
            ]
        groups.append(_Group(label, palette.GROUPS[i], "ABCDEF"[i], units, edges))
    return groups


def _known(key: object, sizes: tuple[int, ...]) -> bool:
    """Whether ``key`` is a unit or an edge of a network with these layers."""
    if not isinstance(key, Sequence) or len(key) not in (2, 3):
        return False
    if not all(isinstance(k, (int, np.integer)) for k in key):
        return False
    layer = key[0]
    return layer >= 0 and all(
        layer + step < len(sizes) and 0 <= unit < sizes[layer + step]
        for step, unit in enumerate(key[1:])
    )


def _draw_groups(canvas: Canvas, plan: _Plan, groups: list[_Group]) -> None:
    """Highlighter under the edges, a ring around the units."""
    rings: dict[tuple[int, int], int] = {}
    bands: dict[tuple[int, int, int], int] = {}
    shrink = plan.radius / RADIUS
    for group in groups:
        for edge in group.edges:
            a, b = plan.at[edge[0], edge[1]], plan.at[edge[0] + 1, edge[2]]
            depth = bands[edge] = bands.get(edge, -1) + 1
            # Groups that share an edge run side by side.
            normal = np.array([a[1] - b[1], b[0] - a[0]]) / float(np.hypot(*(b - a)))
            a, b = a + normal * 0.09 * depth, b + normal * 0.09 * depth
            canvas.line(
                (a[0], b[0]),
                (a[1], b[1]),
                13 * shrink,
                color=group.color,
                alpha=0.75,
                zorder=0.5,
                solid_capstyle="round",
            )
        for unit in group.units:
            depth = rings[unit] = rings.get(unit, -1) + 1
            x, y = plan.at[unit]
            grow = (0.075 + 0.06 * depth) * shrink
            patch = canvas.node(
                x,
                y,
                "hidden",
                radius=plan.radius + grow,
                half_width=plan.half_widths[unit[0]] + grow
                if plan.half_widths[unit[0]] > plan.radius
                else 0.0,
            )
            patch.set(facecolor=group.color, edgecolor="none", zorder=3.6 - 0.1 * depth)


def _draw_badges(canvas: Canvas, plan: _Plan, groups: list[_Group]) -> None:
    seats: dict[tuple[int, int], int] = {}
    spots = list(plan.badges)
    for group in groups:
        for unit in group.units:
            seat = seats[unit] = seats.get(unit, -1) + 1
            turn = np.deg2rad(45 + 90 * seat)
            reach = plan.half_widths[unit[0]] - plan.radius + plan.radius * 0.98 * np.cos(turn)
            offset = np.array([reach, plan.radius * 0.98 * np.sin(turn)])
            spots.append((group, plan.at[unit] + offset))
    for group, (x, y) in spots:
        _badge(canvas, x, y, group)


def _badge(canvas: Canvas, x: float, y: float, group: _Group) -> None:
    canvas.ax.add_patch(
        Circle(
            (x, y),
            _BADGE,
            facecolor=group.color,
            edgecolor=palette.INK,
            linewidth=0.8 * canvas.scale,
            zorder=7,
        )
    )
    canvas.text(x, y - 0.004, group.letter, 7.5, fontweight="bold", zorder=8)


class _BadgeHandler(HandlerBase):
    """A legend entry that shows a group's letter on its color."""

    def __init__(self, group: _Group) -> None:
        super().__init__()
        self.group = group

    def create_artists(
        self,
        legend: Any,
        handle: Any,
        x: float,
        y: float,
        width: float,
        height: float,
        size: float,
        trans: Any,
    ) -> list[Any]:
        center = (x + width / 2, y + height / 2)
        disc = Circle(
            center,
            0.62 * size,
            facecolor=self.group.color,
            edgecolor=palette.INK,
            linewidth=0.8,
            transform=trans,
        )
        letter = Text(
            *center,
            self.group.letter,
            fontsize=0.75 * size,
            fontweight="bold",
            ha="center",
            va="center_baseline",
            transform=trans,
        )
        return [disc, letter]


def _groups_legend(canvas: Canvas, groups: list[_Group]) -> None:
    handles = [Line2D([], [], color=g.color) for g in groups]
    canvas.ax.legend(
        handles,
        [words.pretty(g.label) for g in groups],
        handler_map={h: _BadgeHandler(g) for h, g in zip(handles, groups, strict=True)},
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        handlelength=1.4,
        fontsize=style.NOTE * canvas.scale,
        borderaxespad=0.3,
        labelspacing=0.55,
    )
