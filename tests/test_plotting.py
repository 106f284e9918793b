"""Figures say what is true: every weight, value, border and rate drawn is the network's own."""

from __future__ import annotations

import gzip
import io
import itertools
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Patch
from matplotlib.text import Text

import circuitkit as ck
from circuitkit import palette, plotting, words
from circuitkit.plotting import _polygons, _results, _style
from circuitkit.plotting._maps import Field, levels_for
from tests.cases import CIRCUITS


@pytest.fixture(autouse=True)
def _figures() -> Iterator[None]:
    with mpl.rc_context():
        plotting.setup()
        yield
    plt.close("all")


def random_network(sizes: tuple[int, ...], seed: int, *, biases: bool = False) -> ck.Network:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(sizes)]
    return ck.Network(weights, [rng.normal(size=n) for n in sizes[1:]] if biases else None)


MIN = ck.circuit("min")
RATES = pd.DataFrame(
    {
        "label": ["min", "abs"],
        "rate": [0.53, 0.36],
        "low": [0.5, 0.33],
        "high": [0.56, 0.39],
        "target": ["min", "abs"],
        "optimizer": ["sgd", "adam"],
    }
)
RUN: Any = SimpleNamespace(
    seeds=np.array([3, 5, 8]),
    history=np.array([[1.0, 0.9, 0.8], [0.5, 0.2, np.inf], [0.4, 0.0, np.inf]]),
    history_steps=np.array([0, 100, 200]),
    solved=np.array([False, True, False]),
)

#: every function that draws on one Axes
DRAWN: dict[str, Callable[..., Axes]] = {
    "network": lambda **k: plotting.network(MIN, **k),
    "network with values": lambda **k: plotting.network(ck.circuit("min4"), [4, -2, 7, -3], **k),
    "network with circuits": lambda **k: plotting.network(
        MIN, circuits={"greaterness detector": [(0, 0), (0, 1), (1, 2)]}, title="min", **k
    ),
    "legend": plotting.legend,
    "neuron": lambda **k: plotting.neuron([2, -1], 1, [3, 5], **k),
    "relu": plotting.relu,
    "function": lambda **k: plotting.function(ck.circuit("abs"), "abs", units=True, **k),
    "heatmap": lambda **k: plotting.heatmap(MIN, "max", regions=True, **k),
    "heatmap of a function": lambda **k: plotting.heatmap("x1 * x2", **k),
    "heatmap of an error": lambda **k: plotting.heatmap(MIN, "add", error=True, **k),
    "direction": lambda **k: plotting.direction([1, -1], 0.5, x=[3, 1], **k),
    "blocks": lambda **k: plotting.blocks(("min", ("min", "x1", "x2"), "x3"), **k),
    "weights": lambda **k: plotting.weights(MIN, **k),
    "history": lambda **k: plotting.history(RUN, **k),
    "rates": lambda **k: plotting.rates(RATES, **k),
    "rate_grid": lambda **k: plotting.rate_grid(RATES, "target", "optimizer", **k),
    "regions": lambda **k: plotting.regions(MIN, "max", **k),
}


def texts(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.texts]


def legend_texts(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [t.get_text() for t in legend.get_texts()]


def svg(ax: Axes) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None}
    ax.figure.savefig(buffer, format="svg", bbox_inches="tight", metadata=metadata)
    return buffer.getvalue()


# --- what all functions share -----------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAWN)
def test_axes_given_are_drawn_on_and_returned_without_a_new_figure(name: str) -> None:
    _, given_axes = plt.subplots()
    before = plt.get_fignums()
    assert DRAWN[name](ax=given_axes) is given_axes
    assert plt.get_fignums() == before
    assert given_axes.has_data() or given_axes.texts or given_axes.collections


@pytest.mark.parametrize("name", DRAWN)
def test_without_axes_one_figure_is_made_narrow_enough_for_a_page(name: str) -> None:
    ax = DRAWN[name]()
    assert len(plt.get_fignums()) == 1
    assert 1.5 < ax.figure.get_size_inches()[0] <= 6.7


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_figure_is_the_same_svg_and_it_is_small(name: str) -> None:
    first = svg(DRAWN[name]())
    plt.close("all")
    second = svg(DRAWN[name]())
    assert first == second
    assert b"<dc:date>" not in first
    assert b"<text" not in first, "letters must be outlines, not the reader's fonts"
    assert len(gzip.compress(first)) < 25_000


@pytest.mark.parametrize("name", DRAWN)
def test_the_background_is_white_and_opaque(name: str) -> None:
    figure = DRAWN[name]().figure
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())
    assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    assert (pixels[..., 3] == 255).all()


@pytest.mark.parametrize("name", DRAWN)
def test_something_that_is_not_axes_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=r"ax: expected a matplotlib Axes, got str"):
        DRAWN[name](ax="axes")


def test_importing_circuitkit_does_not_import_matplotlib() -> None:
    code = "import sys, circuitkit; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_setup_makes_a_notebook_show_the_same_svg_without_a_date_each_time() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    code = [
        "import circuitkit as ck\nck.plotting.setup()",
        'ck.plotting.network(ck.circuit("abs"));',
        'ck.plotting.network(ck.circuit("abs"));',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in code])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    shown = [cell.outputs[0]["data"] for cell in notebook.cells[1:]]
    assert shown[0]["image/svg+xml"] == shown[1]["image/svg+xml"]
    assert "dc:date" not in shown[0]["image/svg+xml"]
    assert "image/png" not in shown[0]


# --- numbers, names, colors -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (-1, "−1"),
        (0, "0"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (-0.9192, "−0.92"),
        (1 / 3, "0.33"),
        (1.0035, "1.00"),
        (0.999999, "1.00"),
        (12.345, "12.35"),
        (123.456, "123"),
        (9999, "9999"),
        (0.0003, "0.0003"),
        (-2e-7, "−2e−7"),
        (12345.6, "1.2e4"),
    ],
)
def test_numbers_are_short_and_only_exact_ones_look_exact(value: float, text: str) -> None:
    assert words.drawn(value) == text


@given(st.floats(-9e3, 9e3).filter(lambda v: abs(v) > 1e-4))
def test_a_number_is_written_in_at_most_seven_characters_and_is_close(value: float) -> None:
    text = words.drawn(value).replace("−", "-")
    assert len(text) <= 7
    assert math.isclose(float(text), value, rel_tol=0.1, abs_tol=0.005)


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("x1>x2", "x₁ > x₂"),
        ("-(x)", "−(x)"),
        ("+(x12)", "+(x₁₂)"),
        ("x1 - x2", "x₁ − x₂"),
        ("x1>=0", "x₁ ≥ 0"),
        ("car", "car"),
        ("2-3-1", "2−3−1"),
        ("one-sided", "one-sided"),
        ("$x_1$", "$x_1$"),
    ],
)
def test_names_are_drawn_as_formulas(name: str, drawn: str) -> None:
    assert words.pretty(name) == drawn


@pytest.mark.parametrize(
    ("slope", "constant", "text"),
    [
        ([1, 0], 0, "x₁"),
        ([0.5, -1], 3, "0.5x₁ − x₂ + 3"),
        ([0, -2], -0.25, "−2x₂ − 0.25"),
        ([0, 0], 0, "0"),
        ([0.9999, 0.004], 0, "1.00x₁ + 0.004x₂"),
    ],
)
def test_affine_functions_are_written_without_idle_terms(
    slope: list[float], constant: float, text: str
) -> None:
    assert _style.affine(slope, constant, ["x1", "x2"]) == text


def luminance(color: str) -> float:
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colors_of_text_stand_out_on_white() -> None:
    for color in (palette.POSITIVE_TEXT, palette.NEGATIVE_TEXT, palette.INK, palette.MUTED):
        assert contrast(color, palette.PAPER) > 5.5


@pytest.mark.parametrize("scale", [_style.DIVERGING, _style.SHARE])
def test_text_on_colored_cells_is_readable(scale: Any) -> None:
    for share in np.linspace(0, 1, 41):
        color = to_hex(scale(share))
        assert contrast(_results.readable_on(color), color) >= 4.5


def test_the_diverging_scale_has_the_palette_at_its_ends_and_middle() -> None:
    ends = [to_hex(_style.DIVERGING(v)) for v in (0.0, 0.5, 1.0)]
    expected = [palette.NEGATIVE, palette.ZERO, palette.POSITIVE]
    for got, want in zip(ends, expected, strict=True):
        assert np.abs(np.subtract(to_rgb(got), to_rgb(want))).max() < 0.01


# --- network ----------------------------------------------------------------------------------------

EDGE_COLORS = {palette.POSITIVE, palette.NEGATIVE, palette.ZERO}


def edges(ax: Axes) -> list[Line2D]:
    return [line for line in ax.lines if line.get_color() in EDGE_COLORS]


def nodes(ax: Axes, *colors: str) -> list[Patch]:
    """Nodes of these kinds, rings around them left out."""
    wanted = {to_hex(c) for c in colors}
    return [
        p
        for p in ax.patches
        if isinstance(p, (Circle, FancyBboxPatch))
        and to_hex(p.get_facecolor()) in wanted
        and p.get_zorder() == 4
    ]


def all_nodes(ax: Axes) -> list[Patch]:
    return nodes(ax, palette.INPUT, palette.HIDDEN, palette.OUTPUT, palette.BIAS)


def center(patch: Patch) -> tuple[float, float]:
    box = patch.get_path().get_extents(patch.get_patch_transform())
    return (round((box.x0 + box.x1) / 2, 6), round((box.y0 + box.y1) / 2, 6))


def weight_labels(ax: Axes) -> list[Text]:
    return [t for t in ax.texts if t.get_bbox_patch() is not None]


@pytest.mark.parametrize("case", CIRCUITS, ids=str)
def test_a_circuit_has_a_node_for_every_unit_and_an_edge_for_every_weight(case: Any) -> None:
    net = case.make()
    ax = plotting.network(net, case.values[0][0])
    sizes = net.layer_sizes
    assert len(nodes(ax, palette.INPUT)) == sizes[0]
    assert len(nodes(ax, palette.HIDDEN)) == sum(sizes[1:-1])
    assert len(nodes(ax, palette.OUTPUT)) == sizes[-1]
    assert len(edges(ax)) == sum(w.size for w in net.weights)


@pytest.mark.parametrize("case", CIRCUITS, ids=str)
def test_values_shown_are_those_the_network_computes(case: Any) -> None:
    net, (x, y) = case.make(), case.values[0]
    ax = plotting.network(net, x)
    shown = Counter(texts(ax))
    expected = [*x, y, *np.concatenate(net.preactivations(x)), *np.concatenate(net.activations(x))]
    weights = np.concatenate([w.ravel() for w in net.weights])
    expected += list(weights[weights != 0])
    assert Counter(words.drawn(v) for v in expected) <= shown


def test_the_activation_stands_above_the_preactivation_with_a_line_between() -> None:
    ax = plotting.network(ck.circuit("identity"), -5)
    x, y = center(nodes(ax, palette.HIDDEN)[0])
    inside = sorted(
        (t for t in ax.texts if math.dist(t.get_position(), (x, y)) < 0.33),
        key=lambda t: -t.get_position()[1],
    )
    assert [t.get_text() for t in inside] == ["0", "−5"]
    between = [line for line in ax.lines if set(line.get_ydata()) == {y}]
    assert inside[0].get_position()[1] > y > inside[1].get_position()[1]
    assert any(min(line.get_xdata()) < x < max(line.get_xdata()) for line in between)


@pytest.mark.parametrize("seed", range(3))
def test_edges_join_the_right_nodes_and_show_sign_twice_and_size(seed: int) -> None:
    net = random_network((3, 4, 2), seed)
    ax = plotting.network(net, labels=False)
    rows: dict[float, list[tuple[float, float]]] = {}
    for patch in all_nodes(ax):
        rows.setdefault(center(patch)[1], []).append(center(patch))
    layers = [sorted(rows[y]) for y in sorted(rows)]
    assert [len(row) for row in layers] == [3, 4, 2], "inputs below, output above"
    drawn = {
        tuple((round(float(x), 6), round(float(y), 6)) for x, y in line.get_xydata()): line
        for line in edges(ax)
    }
    width_of = {}
    for layer, w in enumerate(net.weights):
        for (j, i), value in np.ndenumerate(w):
            line = drawn[layers[layer][i], layers[layer + 1][j]]
            assert line.get_color() == (palette.POSITIVE if value > 0 else palette.NEGATIVE)
            assert line.is_dashed() == (value < 0)
            width_of[abs(value)] = line.get_linewidth()
    widths = [width_of[size] for size in sorted(width_of)]
    assert widths == sorted(widths)
    assert widths[-1] > widths[0]


def test_a_weight_of_zero_is_a_grey_hairline_without_a_number() -> None:
    ax = plotting.network(MIN)
    zeros = [line for line in edges(ax) if line.get_color() == palette.ZERO]
    assert len(zeros) == 2
    assert all(line.get_linewidth() < 1 for line in zeros)
    assert Counter(t.get_text() for t in weight_labels(ax)) == {"1": 3, "−1": 4}


DENSE = [
    ((1, 2, 1), False),
    ((2, 3, 1), True),
    ((2, 3, 2, 1), True),
    ((3, 4, 4, 2), False),
    ((4, 6, 3, 1), False),
]


def overlaps(ax: Axes) -> list[tuple[str, str]]:
    """Labels of weights that touch each other or a node, as they are rendered."""
    ax.figure.canvas.draw()
    labels = [(t.get_text(), t.get_window_extent()) for t in weight_labels(ax)]
    found = [
        (a, b) for (a, box), (b, other) in itertools.combinations(labels, 2) if box.overlaps(other)
    ]
    for patch in all_nodes(ax):
        extent = patch.get_window_extent()
        middle = np.array([(extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2])
        half = np.array([extent.width, extent.height]) / 2
        for text, box in labels:
            nearest = np.clip(middle, [box.x0, box.y0], [box.x1, box.y1])
            inside = (np.abs(nearest - middle) < half).all()
            if isinstance(patch, Circle):
                inside = np.hypot(*(nearest - middle)) < half[0]
            if inside:
                found.append((text, "a node"))
    return found


@pytest.mark.parametrize(("sizes", "biases"), DENSE, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_every_weight_is_written_and_no_label_covers_anything(
    sizes: tuple[int, ...], biases: bool, seed: int
) -> None:
    net = random_network(sizes, seed, biases=biases)
    ax = plotting.network(net, np.arange(sizes[0]))
    expected = [*(v for w in net.weights for v in w.ravel())]
    expected += [v for b in net.biases for v in b] if biases else []
    written = Counter(t.get_text() for t in weight_labels(ax))
    assert written == Counter(words.drawn(v) for v in expected)
    assert overlaps(ax) == []


@pytest.mark.parametrize("case", CIRCUITS, ids=str)
def test_labels_of_circuits_cover_nothing_even_with_long_names(case: Any) -> None:
    net = case.make()
    names = [[f"a long name {i}" for i in range(n)] for n in net.layer_sizes[1:-1]]
    assert overlaps(plotting.network(net, names=names)) == []


def test_labels_stay_clear_on_small_axes_of_a_grid() -> None:
    _, axes = plt.subplots(1, 2, figsize=(5, 3))
    for ax, x in zip(axes, ([3, 5], [3, -5]), strict=True):
        plotting.network(ck.circuits.minimum_two_layers(), x, ax=ax)
        assert overlaps(ax) == []
        assert len(weight_labels(ax)) == 4 + 6 + 2


def test_each_label_lies_on_its_own_edge() -> None:
    net = random_network((4, 6, 3, 1), 5)
    ax = plotting.network(net)
    segments = [line.get_xydata() for line in edges(ax)]
    for label in weight_labels(ax):
        p = np.array(label.get_position())
        distances = [
            abs((b - a)[0] * (p - a)[1] - (b - a)[1] * (p - a)[0]) / math.dist(a, b)
            for a, b in segments
        ]
        nearest = int(np.argmin(distances))
        assert distances[nearest] < 1e-6
        positive = edges(ax)[nearest].get_color() == palette.POSITIVE
        assert label.get_text().startswith("−") != positive


@pytest.mark.parametrize("sizes", [(20, 20, 3), (1, 20, 1), (3, 1, 1, 1), (2, 1), (12, 20, 20, 5)])
def test_any_layer_sizes_can_be_drawn_without_nodes_touching(sizes: tuple[int, ...]) -> None:
    net = random_network(sizes, 0)
    ax = plotting.network(net, np.ones(sizes[0]), biases=True)
    assert len(all_nodes(ax)) == sum(sizes) + len(sizes) - 1
    assert len(edges(ax)) == sum(w.size for w in net.weights) + sum(sizes[1:])
    boxes = [p.get_path().get_extents(p.get_patch_transform()) for p in all_nodes(ax)]
    for a, b in itertools.combinations(boxes, 2):
        assert not a.overlaps(b)


def test_a_layer_too_dense_for_numbers_gets_none_of_them() -> None:
    ax = plotting.network(random_network((10, 10, 1), 0))
    assert len(weight_labels(ax)) == 10


def test_bias_nodes_are_drawn_when_there_are_biases_or_on_demand() -> None:
    plain, biased = MIN, random_network((2, 3, 1), 1, biases=True)
    assert len(nodes(plotting.network(plain), palette.BIAS)) == 0
    assert len(nodes(plotting.network(plain, biases=True), palette.BIAS)) == 2
    assert len(nodes(plotting.network(biased), palette.BIAS)) == 2
    assert len(nodes(plotting.network(biased, biases=False), palette.BIAS)) == 0


def test_names_stand_in_the_nodes_and_fit() -> None:
    names = [["+(x1)", None, "is x1 greater than x2?"]]
    ax = plotting.network(MIN, [3, 5], names=names, input_names=["left", "right"])
    ax.figure.canvas.draw()
    shown = {t.get_text(): t for t in ax.texts}
    assert "left" in shown
    assert "right" in shown
    hidden = nodes(ax, palette.HIDDEN)
    for name in ("+(x₁)", "is x₁ greater than x₂?"):
        text = shown[name].get_window_extent()
        assert any(
            box.x0 < text.x0 and text.x1 < box.x1 and box.y0 < text.y0 and text.y1 < box.y1
            for box in (p.get_window_extent() for p in hidden)
        )
    assert texts(ax).count("−3") == 1, "the unit without a name shows its value"


def test_circuits_are_highlighted_lettered_and_explained() -> None:
    groups = {"reconstructor": [(1, 0), (1, 1), (2, 0)], "greaterness detector": [(0, 1, 2)]}
    ax = plotting.network(MIN, circuits=groups)
    assert legend_texts(ax) == ["reconstructor", "greaterness detector"]
    assert texts(ax).count("A") == 3
    assert texts(ax).count("B") == 1
    bands = Counter(line.get_color() for line in ax.lines)
    # Without edges of its own a group takes in those between its units.
    assert bands[palette.GROUPS[0]] == 2
    assert bands[palette.GROUPS[1]] == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"x": [1, 2, 3]},
            ValueError,
            r"x: expected 2 numbers, one for each input, got \[1, 2, 3\]",
        ),
        ({"x": "3"}, TypeError, r"x: expected real numbers, got text"),
        ({"x": ["a", "b"]}, TypeError, r"x: expected real numbers, got text"),
        ({"x": [1, math.nan]}, ValueError, r"x: expected finite numbers"),
        (
            {"names": ["+(x)"]},
            TypeError,
            r"names\[0\]: expected a list of names, got '\+\(x\)'",
        ),
        (
            {"names": [["a", "b", "c"], []]},
            ValueError,
            r"names: expected 1 list of names, one a hidden",
        ),
        ({"names": [["a"]]}, ValueError, r"names\[0\]: expected 3 names, one a unit, got \['a'\]"),
        ({"input_names": ["a"]}, ValueError, r"input_names: expected 2 names, got \['a'\]"),
        ({"output_names": "y"}, TypeError, r"output_names: expected a list of names, got 'y'"),
        (
            {"circuits": [(0, 1)]},
            TypeError,
            r"circuits: expected a dict of label -> units and edges",
        ),
        (
            {"circuits": {"a": [(3, 0)]}},
            ValueError,
            r"circuits\['a'\]: expected \(layer, unit\) or .* of a 2-3-1 network, .*, got \(3, 0\)",
        ),
        ({"circuits": {"a": [(0, 0, 3)]}}, ValueError, r"got \(0, 0, 3\)"),
        ({"circuits": {"a": [(2, 0, 0)]}}, ValueError, r"got \(2, 0, 0\)"),
        ({"circuits": {"a": ["12"]}}, ValueError, r"got '12'"),
        (
            {"circuits": {"a": []}},
            ValueError,
            r"circuits\['a'\]: expected at least one unit or edge",
        ),
        (
            {"circuits": {str(i): [(0, 0)] for i in range(9)}},
            ValueError,
            r"expected at most 6 groups",
        ),
    ],
)
def test_network_refuses_what_does_not_fit(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        plotting.network(MIN, **arguments)


def test_network_refuses_what_is_not_a_network() -> None:
    with pytest.raises(TypeError, match="net: expected a Network, got str"):
        plotting.network("min")


# --- legend, neuron, relu ---------------------------------------------------------------------------


def test_the_legend_shows_every_kind_of_node_and_both_signs() -> None:
    ax = plotting.legend()
    for color in (palette.INPUT, palette.HIDDEN, palette.OUTPUT, palette.BIAS):
        assert nodes(ax, color)
    assert {line.get_color() for line in edges(ax)} == EDGE_COLORS
    assert "a hidden unit with ReLU" in texts(ax)


@pytest.mark.parametrize(
    ("weights", "bias", "x", "lines"),
    [
        ([2, -1], 1, [3, 5], ["2 × 3", "6", "−1 × 5", "−5", "bias", "1", "preactivation", "2"]),
        (1, 0, -5, ["1 × (−5)", "−5", "bias", "0", "preactivation", "−5"]),
        ([0.5], -2, [1], ["0.5 × 1", "0.5", "bias", "−2", "preactivation", "−1.5"]),
    ],
)
def test_a_neuron_spells_out_its_sum(weights: Any, bias: float, x: Any, lines: list[str]) -> None:
    shown = texts(plotting.neuron(weights, bias, x))
    z = float(np.sum(np.multiply(weights, x)) + bias)
    result = [f"activation max({words.drawn(z)}, 0)", words.drawn(max(z, 0))]
    assert shown[-len(lines) - 2 :] == [*lines, *result]


def test_the_arithmetic_of_a_neuron_never_runs_together() -> None:
    ax = plotting.neuron([0.123, -0.456, 100.5], -1234.5, [-333.3, 0.25, 77.7])
    ax.figure.canvas.draw()
    boxes = [t.get_window_extent() for t in ax.texts]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], 0, [1]), r"x: expected 2 numbers, one for each weight, got \[1\]"),
        (([], 0, []), r"weights: expected shape \(n_in,\), got shape \(0,\)"),
        (([[1]], 0, [1]), r"weights: expected shape \(n_in,\), got shape \(1, 1\)"),
        (([1], [0, 0], [1]), r"bias: expected 1 number"),
        (([math.inf], 0, [1]), r"weights: expected finite numbers"),
    ],
)
def test_neuron_refuses_what_does_not_fit(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plotting.neuron(*arguments)


def test_relu_is_flat_then_the_identity() -> None:
    line = next(line for line in plotting.relu().lines if len(line.get_xdata()) == 3)
    assert np.array_equal(line.get_ydata(), np.maximum(line.get_xdata(), 0))


# --- function ---------------------------------------------------------------------------------------


def curve(ax: Axes, label: str) -> Any:
    return next(line for line in ax.lines if str(line.get_label()).startswith(label)).get_xydata()


@given(st.integers(0, 10_000), st.sampled_from([(1, 3, 1), (1, 4, 3, 1), (1, 1), (1, 2, 5, 4, 1)]))
def test_the_curve_of_a_network_is_exact_between_its_corners(
    seed: int, sizes: tuple[int, ...]
) -> None:
    net = random_network(sizes, seed, biases=True)
    switches, bends = _polygons.kinks(net, -6.0, 6.0)
    corners = np.concatenate([[-6.0], switches, [6.0]])
    x = np.random.default_rng(seed).uniform(-6, 6, 200)
    drawn = np.interp(x, corners, net(corners[:, None])[:, 0])
    scale = max(1.0, float(np.abs(net(corners[:, None])).max()))
    assert np.allclose(drawn, net(x[:, None])[:, 0], atol=1e-9 * scale)
    assert set(bends) <= set(switches)


def test_kinks_are_found_where_they_are() -> None:
    # relu(x - 1) - 2 relu(2x + 3): bends at 1 and -1.5.
    net = ck.Network([[[1], [2]], [[1, -2]]], [[-1, 3], [0]])
    ax = plotting.function(net)
    circles = next(line for line in ax.lines if line.get_marker() == "o")
    assert circles.get_xdata().tolist() == [-1.5, 1.0]
    assert circles.get_ydata().tolist() == [0.0, -10.0]


def test_a_switch_at_which_the_output_goes_straight_on_is_no_kink() -> None:
    ax = plotting.function(ck.circuit("identity"), "identity")
    assert not [line for line in ax.lines if line.get_marker() == "o"]
    assert curve(ax, "network").tolist() == [[-6, -6], [0, 0], [6, 6]]


def test_the_target_is_dashed_dark_and_named() -> None:
    ax = plotting.function(ck.circuit("identity"), "abs", domain=(-2, 3))
    line = next(line for line in ax.lines if line.get_label() == "target |x|")
    assert line.is_dashed()
    assert line.get_color() == palette.TARGET
    x, y = line.get_xdata(), line.get_ydata()
    assert np.array_equal(np.abs(x), y)
    assert 0.0 in x, "the corner of |x| is a point of the curve"
    assert ax.get_xlim() == (-2, 3)


@pytest.mark.parametrize("seed", range(3))
def test_contributions_of_the_units_add_up_to_the_network(seed: int) -> None:
    net = random_network((1, 4, 3, 1), seed, biases=True)
    ax = plotting.function(net, units=True)
    parts = [line for line in ax.lines if " · " in str(line.get_label())]
    assert [str(p.get_label()).split(" · ")[1] for p in parts] == ["h₁", "h₂", "h₃"]
    total = sum(p.get_ydata() for p in parts) + net.biases[-1][0]
    assert np.allclose(total, curve(ax, "network")[:, 1])
    assert len({str(p.get_linestyle()) + str(p._dash_pattern) for p in parts}) == 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: plotting.function(MIN),
            ValueError,
            r"net: expected one input and one output, got 2-3-1",
        ),
        (
            lambda: plotting.function(ck.circuit("abs"), "min"),
            ValueError,
            r"target: expected a function of 1 input like the network, got min of 2 inputs",
        ),
        (
            lambda: plotting.function(ck.circuit("abs"), "x, 2*x"),
            ValueError,
            r"target: expected a function with 1 output like the network",
        ),
        (
            lambda: plotting.function(ck.circuit("abs"), domain=(6, -6)),
            ValueError,
            r"domain: expected two finite numbers \(low, high\) with low < high, got \(6, -6\)",
        ),
        (
            lambda: plotting.function(ck.circuit("abs"), domain=(0, math.inf)),
            ValueError,
            r"domain: expected two finite numbers \(low, high\) with low < high",
        ),
        (
            lambda: plotting.function(ck.circuit("abs"), domain=6),
            ValueError,
            r"domain: expected two finite numbers \(low, high\) with low < high, got 6",
        ),
        (
            lambda: plotting.function(ck.circuit("abs"), "absolute"),
            ValueError,
            r"target: unknown name 'absolute'",
        ),
        (lambda: plotting.function(abs), TypeError, r"net: expected a Network, got builtin"),
    ],
)
def test_function_refuses_what_does_not_fit(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


# --- maps -------------------------------------------------------------------------------------------

PLANE = [(2, 3, 1), (2, 3, 2, 1), (2, 5, 4, 1), (2, 1)]


@given(st.integers(0, 10_000), st.sampled_from(PLANE), st.booleans())
def test_regions_tile_the_square_and_are_linear(
    seed: int, sizes: tuple[int, ...], biases: bool
) -> None:
    net = random_network(sizes, seed, biases=biases)
    parts = _polygons.regions(net, -6.0, 6.0)
    assert math.isclose(sum(p.area for p in parts), 144.0, rel_tol=1e-6)
    rng = np.random.default_rng(seed)
    for part in parts:
        share = rng.dirichlet(np.ones(len(part.corners)), size=5)
        x = share @ part.corners
        expected = x @ part.slope.T + part.constant
        scale = max(1.0, float(np.abs(expected).max()))
        assert np.allclose(net(x), expected, atol=1e-6 * scale)


def test_the_minimum_bends_on_the_diagonal_and_only_switches_on_an_axis() -> None:
    bends, switches = _polygons.borders(_polygons.regions(MIN, -6.0, 6.0), -6.0, 6.0)
    assert np.allclose(bends[..., 0], bends[..., 1])
    assert np.allclose(switches[..., 0], 0)
    length = sum(math.dist(a, b) for a, b in bends)
    assert math.isclose(length, 12 * math.sqrt(2))
    assert math.isclose(sum(math.dist(a, b) for a, b in switches), 12)


@pytest.mark.parametrize(("sizes", "seed"), [*itertools.product(PLANE, range(2))], ids=str)
def test_a_map_holds_the_values_of_the_network(sizes: tuple[int, ...], seed: int) -> None:
    net = random_network(sizes, seed, biases=True)
    field = Field(net, None, (0, 1), np.zeros(2), -6.0, 6.0)
    assert field.mesh is not None
    at = np.column_stack([field.mesh.x, field.mesh.y])
    assert np.allclose(field.values, net(at)[:, 0])


def test_a_map_of_two_of_four_inputs_holds_the_others_fixed() -> None:
    net, at = ck.circuit("min4"), np.array([9.0, 2.0, 9.0, 3.0])
    part = _polygons.sliced(net, (0, 2), at)
    x = np.random.default_rng(0).uniform(-6, 6, (50, 2))
    full = np.column_stack([x[:, 0], np.full(50, 2.0), x[:, 1], np.full(50, 3.0)])
    assert np.allclose(part(x), net(full))
    ax = plotting.heatmap(net, inputs=(0, 2), at=at)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x₁", "x₃")


def pixel(ax: Axes, x: float, y: float) -> tuple[int, ...]:
    ax.figure.canvas.draw()
    column, row = ax.transData.transform((x, y))
    picture = np.asarray(ax.figure.canvas.buffer_rgba())
    return tuple(int(v) for v in picture[picture.shape[0] - 1 - round(row), round(column)][:3])


@pytest.mark.parametrize("f", [ck.circuit("subtract"), "subtract"])
def test_positive_is_blue_and_negative_orange(f: Any) -> None:
    ax = plotting.heatmap(f)
    red, _, blue = pixel(ax, 4.3, -4.4)
    assert blue > red + 50
    red, _, blue = pixel(ax, -4.4, 4.3)
    assert red > blue + 50


def test_a_plateau_at_the_top_is_filled_and_one_at_zero_is_grey() -> None:
    top = plotting.heatmap("min(x1, x2, 2)")
    assert pixel(top, 4.6, 4.7) != (255, 255, 255)
    dead = ck.Network([[[1, 0], [0, 1]], [[1, 1]]])
    grey = np.array(to_rgb(palette.ZERO)) * 255
    assert np.abs(np.array(pixel(plotting.heatmap(dead), -3.3, -3.4)) - grey).max() < 4


@pytest.mark.parametrize("f", ["0*x1 + 0*x2 + 3", "0*x1 + 0*x2", "0*x1 + x2 - 1000"])
def test_functions_that_hardly_vary_have_a_map_too(f: str) -> None:
    target = ck.Target(ck.target(f).outputs, variables=["x1", "x2"])
    ax = plotting.heatmap(target)
    assert pixel(ax, 1.1, 1.2) != (255, 255, 255)


def test_lines_of_a_map_are_solid_above_zero_and_dashed_below() -> None:
    ax = plotting.heatmap("add")
    seen = set()
    for line in ax.collections:
        level = getattr(line, "levels", [0.0, 0.0])
        if len(level) == 1 and abs(level[0]) > 0.5:
            seen.add((bool(level[0] > 0), line.get_linestyle()[0][1] is None))
    assert seen == {(True, True), (False, False)}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plotting.heatmap(3), TypeError, r"f: expected a Network or a function such as 'min', got int"),
        (lambda: plotting.heatmap("abs"), ValueError, r"f: expected at least two inputs and one output, got 1"),
        (lambda: plotting.heatmap("x1, x2"), ValueError, r"f: expected at least two inputs and one output, got 2 and 2"),
        (lambda: plotting.heatmap(MIN, error=True), ValueError, r"target: expected a function to compare with"),
        (lambda: plotting.heatmap("min", regions=True), ValueError, r"regions: expected a Network to show regions of"),
        (lambda: plotting.heatmap(MIN, inputs=(0, 2)), ValueError, r"inputs: expected two different inputs from 0 to 1, got \(0, 2\)"),
        (lambda: plotting.heatmap(MIN, inputs=(1, 1)), ValueError, r"inputs: expected two different inputs"),
        (lambda: plotting.heatmap(MIN, inputs=(0,)), ValueError, r"inputs: expected two different inputs"),
        (lambda: plotting.heatmap("min4", at=[1, 2]), ValueError, r"at: expected 4 numbers, one for each input"),
        (lambda: plotting.heatmap(MIN, "abs"), ValueError, r"target: expected a function of 2 inputs like the network"),
        (lambda: plotting.heatmap(MIN, domain=(1, 1)), ValueError, r"domain: expected two finite numbers \(low, high\) with low < high"),
        (lambda: plotting.regions(ck.circuit("abs")), ValueError, r"net: expected two inputs and one output, got 1-2-1"),
        (lambda: plotting.regions(MIN, "abs"), ValueError, r"target: expected a function of 2 inputs"),
    ],
)  # fmt: skip
def test_maps_refuse_what_does_not_fit(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("net", "pieces"),
    [
        (ck.circuit("min"), ["x₁", "x₂"]),
        (ck.circuit("max"), ["x₁", "x₂"]),
        (ck.circuits.minimum_two_layers(), ["x₁", "x₂"]),
        (ck.circuits.minimum_by_average(), ["x₁", "x₂"]),
        (ck.circuit("add"), ["x₁ + x₂"]),
        (ck.Network([[[1, 0], [0, 2]], [[1, -1]]], [[0, 1], [-3]]), ["x₁ − 3", "x₁ − 2x₂ − 4", "−3", "−2x₂ − 4"]),
    ],
)  # fmt: skip
def test_regions_are_written_with_their_affine_functions(
    net: ck.Network, pieces: list[str]
) -> None:
    assert sorted(texts(plotting.regions(net))) == sorted(pieces)


def test_regions_where_the_network_is_wrong_are_hatched_and_named() -> None:
    assert plotting.regions(MIN, "min").get_legend() is None
    assert legend_texts(plotting.regions(MIN, "max")) == ["not max(x₁, x₂)"]


# --- stuck ------------------------------------------------------------------------------------------


def test_networks_side_by_side_share_one_scale_of_colors() -> None:
    nets = {"one": MIN, "two": ck.circuit("subtract"), "three": ck.circuit("add")}
    panels = plotting.stuck(nets, "min", columns=2)
    assert [ax.get_title() for ax in panels] == ["one", "two", "three"]
    filled = [next(c for c in ax.collections if len(getattr(c, "levels", [])) > 2) for ax in panels]
    assert len({c.get_clim() for c in filled}) == 1
    assert filled[0].get_clim()[0] == -filled[0].get_clim()[1]
    assert len(panels[0].figure.axes) == 4, "three panels and one color scale"


def test_networks_of_one_input_are_shown_as_curves() -> None:
    nets = [ck.circuit("identity"), ck.circuit("abs")]
    panels = plotting.stuck(nets, "abs", titles=["seed 1", "seed 2"])
    assert curve(panels[0], "network").tolist() == [[-6, -6], [0, 0], [6, 6]]
    assert curve(panels[1], "network").tolist() == [[-6, 6], [0, 0], [6, 6]]
    assert [t.get_text() for t in panels[0].figure.legends[0].get_texts()] == [
        "network",
        "target |x|",
    ]


def test_stuck_draws_on_given_axes() -> None:
    _, axes = plt.subplots(1, 2)
    assert plotting.stuck([MIN, MIN], "min", axes=axes).tolist() == axes.tolist()
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, r"nets: expected a list of at least one Network, got none"),
        ((["min"],), TypeError, r"nets\[0\]: expected a Network, got str"),
        (([MIN, ck.circuit("abs")],), ValueError, r"nets: expected networks that all have one input, or all two"),
        (([ck.circuit("min4")],), ValueError, r"nets: expected networks that all have one input, or all two"),
    ],
)  # fmt: skip
def test_stuck_refuses_what_does_not_fit(
    arguments: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        plotting.stuck(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"titles": ["a"]}, r"titles: expected 2 titles, got 1"),
        ({"axes": []}, r"axes: expected 2, one for each network, got 0"),
        ({"columns": 0}, r"columns: expected a whole number, 1 or above, got 0"),
        ({"error": True}, r"target: expected a function to compare with"),
        ({"domain": (2, 1)}, r"domain: expected two finite numbers \(low, high\)"),
    ],
)
def test_stuck_refuses_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plotting.stuck([MIN, MIN], **options)


# --- direction --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [(1, -1), (0.3, 0.8), (-2, 0), (0, -0.1), (30, 40)])
@pytest.mark.parametrize("bias", [0.0, 1.5, -0.5])
def test_the_arrow_points_along_the_weights_and_labels_stay_inside(
    weight: tuple[float, float], bias: float
) -> None:
    ax = plotting.direction(weight, bias)
    arrow = next(p for p in ax.patches if hasattr(p, "_posA_posB"))
    tail, head = (np.array(p) for p in arrow._posA_posB)
    w = np.array(weight)
    assert np.allclose((head - tail) / np.hypot(*(head - tail)), w / np.hypot(*w))
    assert math.isclose(float(w @ tail + bias), 0, abs_tol=1e-9)
    ax.figure.canvas.draw()
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1


def test_on_and_off_stand_on_their_own_sides() -> None:
    ax = plotting.direction((1, -1), 1, x=(-3, 2))
    spots = {t.get_text(): t.get_position() for t in ax.texts}
    x, y = spots["on"]
    assert x - y + 1 > 0
    x, y = spots["off"]
    assert x - y + 1 < 0
    assert "activation 0" in spots


def test_level_lines_carry_their_activation() -> None:
    ax = plotting.direction((1, 1))
    for text in ax.texts:
        if text.get_text().isdigit():
            assert math.isclose(sum(text.get_position()), float(text.get_text()), abs_tol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 0),), r"weight: expected a direction, not both weights 0"),
        (((1, 2, 3),), r"weight: expected 2 numbers, one for each input"),
        (((1, 2), math.nan), r"bias: expected finite numbers"),
    ],
)
def test_direction_refuses_what_does_not_fit(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plotting.direction(*arguments)
    with pytest.raises(ValueError, match=r"x: expected 2 numbers, one for each input"):
        plotting.direction((1, 0), x=(1, 2, 3))


# --- blocks -----------------------------------------------------------------------------------------

MIN4 = ("min", ("min", "x1", "x2"), ("min", "x3", "x4"))


def test_blocks_show_every_block_input_and_wire() -> None:
    ax = plotting.blocks(MIN4)
    assert texts(ax).count("min") == 3
    assert [t for t in texts(ax) if t.startswith("x")] == ["x₁", "x₂", "x₃", "x₄"]
    assert len(ax.lines) == 7
    boxes = [p for p in ax.patches if isinstance(p, FancyBboxPatch)]
    assert len(boxes) == 3
    heights = sorted(round(b.get_y(), 6) for b in boxes)
    assert heights[0] == heights[1] < heights[2], "parts below, what they feed above"


@pytest.mark.parametrize("seed", range(3))
def test_numbers_travel_up_through_the_blocks(seed: int) -> None:
    values = np.random.default_rng(seed).integers(-9, 10, 4)
    inputs = {f"x{i + 1}": float(v) for i, v in enumerate(values)}
    shown = texts(plotting.blocks(MIN4, inputs=inputs))
    expected = [min(values[:2]), min(values[2:]), min(values), min(values)]
    numbers = Counter(words.drawn(v) for v in [*values, *expected])
    assert numbers <= Counter(shown)
    assert shown[-1] == words.drawn(min(values))


def test_an_input_used_twice_is_drawn_once() -> None:
    ax = plotting.blocks(("add", ("abs", "x"), "x"))
    assert texts(ax).count("x") == 1
    assert len(nodes(ax, palette.INPUT)) == 1


def test_inputs_stand_in_the_order_given() -> None:
    ax = plotting.blocks(("subtract", "x1", "x2"), inputs=["x2", "x1"])
    spots = {t.get_text(): t.get_position()[0] for t in ax.texts}
    assert spots["x₂"] < spots["x₁"]


@pytest.mark.parametrize(
    ("tree", "options", "error", "message"),
    [
        ("x1", {}, ValueError, r"tree: expected a block such as \('min', 'x1', 'x2'\), got 'x1'"),
        (("min",), {}, ValueError, r"tree: expected \(name, part, ...\)"),
        ((3, "x1"), {}, ValueError, r"tree: expected \(name, part, ...\)"),
        (("min", ["x1"]), {}, TypeError, r"tree: expected nested tuples .*, got list"),
        (("min", "x1", "x2"), {"inputs": ["x1"]}, ValueError, r"inputs: expected all of .* without 'x2'"),
        (("min", "x1", "x2"), {"inputs": {"x1": 1}}, ValueError, r"inputs: expected all of .* without 'x2'"),
        (("abs", "x1", "x2"), {"inputs": {"x1": 1, "x2": 2}}, ValueError, r"tree: abs takes 1 input, got 2 parts"),
    ],
)  # fmt: skip
def test_blocks_refuses_what_does_not_fit(
    tree: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        plotting.blocks(tree, **options)


# --- results ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(1, 2, 1), (2, 3, 2, 1), (4, 6, 3, 1)], ids=str)
@pytest.mark.parametrize("biases", [False, True])
def test_every_weight_stands_in_a_cell_of_its_sign(sizes: tuple[int, ...], biases: bool) -> None:
    net = random_network(sizes, 3, biases=biases)
    ax = plotting.weights(net)
    numbers = [
        v
        for w, b in zip(net.weights, net.biases, strict=True)
        for row, c in zip(w, b, strict=True)
        for v in ([*row, c] if biases else row)
    ]
    written = [t.get_text() for t in ax.texts if t.get_text().lstrip("−")[0].isdigit()]
    assert written == [words.drawn(v) for v in numbers]
    assert len(ax.patches) == len(numbers)
    for cell, value in zip(ax.patches, numbers, strict=True):
        red, _, blue, _ = cell.get_facecolor()
        assert abs(value) < 0.02 or (blue > red) == (value > 0)


def test_a_history_tells_solved_from_not_by_line_and_marker() -> None:
    ax = plotting.history(RUN)
    assert ax.get_yscale() == "log"
    assert legend_texts(ax) == ["solved: 1 of 3 seeds", "not solved: 2 of 3 seeds"]
    lines = [line for line in ax.lines if len(line.get_xdata()) == 3]
    assert Counter((line.get_color(), line.is_dashed()) for line in lines) == {
        (palette.POSITIVE, False): 1,
        (palette.NEGATIVE, True): 2,
    }
    solved = next(line for line in lines if not line.is_dashed())
    assert solved.get_xdata().tolist() == [0, 100, 200]
    assert solved.get_ydata()[:2].tolist() == [0.9, 0.2]
    assert 0 < solved.get_ydata()[2] <= 1e-15, "a loss of 0 is drawn at the bottom"


def test_a_history_of_many_seeds_shows_a_readable_part_and_says_so() -> None:
    run = ck.train("abs", 2, seeds=100, steps=60)
    ax = plotting.history(run)
    shown = [line for line in ax.lines if len(line.get_xdata()) == len(run.history_steps)]
    assert 16 <= len(shown) <= 24
    assert legend_texts(ax)[-1].endswith(f"of {len(shown)} shown")
    chosen = plotting.history(run, seeds=[99, 0])
    drawn = [line.get_ydata() for line in chosen.lines if len(line.get_xdata()) > 2]
    assert {tuple(d) for d in drawn} == {tuple(np.float64(run.history[:, i])) for i in (0, 99)}


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ([4], r"seeds: expected seeds of this run \(3 to 8\), got 4"),
        ([], r"seeds: expected seeds of this run \(3 to 8\), got none"),
    ],
)
def test_history_refuses_unknown_seeds(seeds: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plotting.history(RUN, seeds=seeds)


def test_rates_stand_in_the_order_of_the_table_with_their_intervals() -> None:
    ax = plotting.rates(RATES)
    assert texts(ax) == ["0.530 [0.500, 0.560]", "0.360 [0.330, 0.390]"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["min", "abs"]
    points = next(line for line in ax.lines if line.get_marker() == "o")
    assert points.get_xydata().tolist() == [[0.53, 1], [0.36, 0]]
    bars = ax.collections[1].get_segments()
    assert [b[:, 0].tolist() for b in bars] == [[0.5, 0.56], [0.33, 0.39]]


def test_rates_of_training_runs_can_be_given_by_name() -> None:
    class Half(float):
        low, high = 0.25, 0.75

    assert texts(plotting.rates({"abs": Half(0.5)})) == ["0.500 [0.250, 0.750]"]


def test_a_grid_of_rates_has_a_cell_for_each_line_and_leaves_gaps_hatched() -> None:
    ax = plotting.rate_grid(RATES, "target", "optimizer")
    assert texts(ax) == ["53", "50–56", "36", "33–39"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["sgd", "adam"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["min", "abs"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("optimizer", "target")
    filled = [p for p in ax.patches if not p.get_hatch()]
    assert [(p.get_x(), p.get_y()) for p in filled] == [(0, 0), (1, 1)]
    dark = [luminance(to_hex(p.get_facecolor())) for p in filled]
    assert dark[0] < dark[1], "the darker, the more seeds solved"


def test_a_grid_writes_names_too_long_for_their_columns_in_two_lines_and_aslant() -> None:
    ax = plotting.rate_grid(RATES.assign(optimizer=["ab-cdefg", "sgd"]), "target", "optimizer")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["ab-\ncdefg", "sgd"]
    assert {t.get_rotation() for t in ax.get_xticklabels()} == {0}
    long = RATES.assign(optimizer=["hidden-dominant", "zero-bias"])
    ax = plotting.rate_grid(long, "target", "optimizer")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["hidden-\ndominant", "zero-\nbias"]
    assert {t.get_rotation() for t in ax.get_xticklabels()} == {45}


#: As wide as a phone with 380 px shows at the size of 11 pt text that is still read there, 10.5 px.
PHONE = 331 / 10.5 * 11 / 72


def test_figures_of_rates_are_narrow_enough_to_be_read_on_a_phone() -> None:
    names = ["momentum", "sgd", "adam", "rmsprop", "rprop", "lbfgs", "mirrored-dominant"]
    grid = pd.DataFrame(
        {"rows": row, "columns": column, "rate": 1.0, "low": 0.99, "high": 1.0}
        for row in names[:6]
        for column in names
    )
    ax = plotting.rate_grid(grid, "rows", "columns")
    assert min(t.get_fontsize() for t in ax.texts) >= 11
    assert ax.get_figure(root=True).get_figwidth() <= PHONE
    ax.figure.canvas.draw()
    cell = np.ptp(ax.transData.transform([(0, 0), (1, 0)])[:, 0])
    assert max(t.get_window_extent().width for t in ax.texts) <= cell
    ax = plotting.rates(RATES.assign(label=["four units, more", "abs"]))
    assert min(t.get_fontsize() for t in ax.texts) >= 11
    assert ax.get_figure(root=True).get_figwidth() <= PHONE


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plotting.rates([1, 2]), TypeError, r"table: expected a pandas DataFrame, got list"),
        (lambda: plotting.rates(RATES.drop(columns="low")), ValueError, r"table: expected rows with the columns label, rate, low, high, got 2 rows with"),
        (lambda: plotting.rates(RATES.iloc[:0]), ValueError, r"table: expected rows .* got 0 rows"),
        (lambda: plotting.rates(RATES.assign(rate=0.9)), ValueError, r"table: expected 0 <= low <= rate <= high <= 1, got rate 0.9 .* in row 0"),
        (lambda: plotting.rate_grid(RATES, "target", "step"), ValueError, r"table: expected rows with the columns target, step,"),
        (lambda: plotting.rate_grid(pd.concat([RATES, RATES]), "target", "optimizer"), ValueError, r"table: expected one line a cell, got several for target 'min', optimizer 'sgd'"),
    ],
)  # fmt: skip
def test_rates_refuse_tables_that_do_not_fit(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


# --- side by side -----------------------------------------------------------------------------------


def test_drawings_side_by_side_stand_at_one_height_and_in_one_size() -> None:
    figure, axes = plt.subplots(1, 2, figsize=(6, 4))
    for ax, x in zip(axes, (3, -5), strict=True):
        plotting.network(ck.circuit("identity"), x, ax=ax, title=f"x = {x}")
    figure.canvas.draw()
    heights = [
        [(box.y0, box.y1) for box in (p.get_window_extent() for p in all_nodes(ax))] for ax in axes
    ]
    assert np.allclose(*heights, atol=0.5)
    sizes = [[t.get_fontsize() for t in weight_labels(ax)] for ax in axes]
    assert np.allclose(*sizes)


def test_axes_cleared_and_used_for_something_else_are_left_alone() -> None:
    _, (left, right) = plt.subplots(1, 2)
    plotting.network(MIN, ax=left)
    left.clear()
    plotting.function(ck.circuit("abs"), ax=left, domain=(-3, 4))
    plotting.network(MIN, ax=right)
    assert left.get_xlim() == (-3, 4)


# --- filters ------------------------------------------------------------------------------------------


def test_each_filter_is_scaled_by_its_own_largest_weight_and_stands_in_its_row():
    grid = np.array([[[[4.0, -2.0]], [[0.0, 0.0]]], [[[0.0, 0.1]], [[-3.0, 3.0]]]])
    ax = plotting.filters(grid, labels=["upper", "lower"])
    (mesh,) = ax.collections
    drawn = mesh.get_array().reshape(3, 5)
    assert drawn[0].tolist() == [1.0, -0.5, None, 0.0, 0.0]
    assert drawn[2].tolist() == [0.0, 1.0, None, -1.0, 1.0]
    assert drawn[1].mask.all(), "a gap between the rows"
    assert ax.yaxis_inverted()
    assert [(t.get_text(), t.get_position()[1]) for t in ax.texts] == [
        ("upper", 0.5),
        ("lower", 2.5),
    ]
    plt.close(ax.figure)


def test_filters_need_a_label_for_each_row_or_none():
    with pytest.raises(ValueError, match="labels: expected 2, one for each row, got 3"):
        plotting.filters(np.ones((2, 1, 2, 2)), labels=["a", "b", "c"])


@pytest.mark.parametrize("domain", [(0, 1e-10), (0, 1e-200), (1, 1 + 1e-10), (1, 1 + 1e-15)])
def test_maps_of_narrow_domains_have_both_regions(domain):
    low, high = domain
    net = ck.circuit("min")
    field = Field(net, None, (0, 1), np.zeros(2), low, high)
    assert len(field.mesh.x) == 4
    assert len(field.mesh.triangles) == 2
    plotting.heatmap(net, "min", domain=domain, regions=True)
    plotting.stuck([net, net], "min", domain=domain)


def test_a_narrow_map_has_levels_where_values_differ_by_more_than_rounding():
    levels = levels_for(np.array([0.0, 1e-10]), 1e-10)
    assert (levels[0], levels[-1]) == (0.0, pytest.approx(1e-10))
    assert np.ptp(levels_for(np.array([0.0, 1e-10]), 6.0)) == 2.0  # rounding beside 6


@pytest.mark.parametrize("high", [1e-200, 1e150, 1e300])
def test_regions_of_domains_whose_squares_are_no_doubles_have_their_text(high):
    ax = plotting.regions(ck.circuit("min"), "max", domain=(0, high))
    places = {t.get_text(): t.get_position() for t in ax.texts}
    assert set(places) == {"x₁", "x₂"}
    assert places["x₁"][0] < places["x₁"][1]
    assert places["x₂"][0] > places["x₂"][1]


# --- numbers of extreme size --------------------------------------------------------------------------

AXIS = r"domain: expected two finite numbers \(low, high\) with low < high"


@pytest.mark.parametrize(
    "domain",
    [(-1e308, 0), (1e308, 1.7e308), (0, 1.79e308), (0, 5e-324), (-1e-290, 1e-290)],
)
@pytest.mark.parametrize(
    "draw",
    [
        lambda domain: plotting.function(ck.circuit("abs"), domain=domain),
        lambda domain: plotting.heatmap("min", domain=domain),
        lambda domain: plotting.regions(ck.circuit("min"), domain=domain),
        lambda domain: plotting.stuck([ck.circuit("abs")], domain=domain),
    ],
)
def test_a_domain_that_no_axis_reaches_is_refused_by_name(draw, domain):
    with pytest.raises(ValueError, match=f"^{AXIS}, not beyond 1e\\+300 and at least"):
        draw(domain)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("domain", [(-1e299, 1e299), (0, 1e-279), (1e9, 1e9 + 1), (-1e200, 1e-200)])
def test_a_large_or_small_domain_is_drawn(domain):
    for ax in (
        plotting.function(ck.circuit("abs"), "abs", domain=domain, units=True),
        plotting.heatmap(ck.circuit("min"), "min", domain=domain, regions=True),
        plotting.regions(ck.circuit("min"), domain=domain),
        plotting.stuck([ck.circuit("min")], domain=domain)[0],
        plotting.stuck([ck.circuit("abs")], domain=domain)[0],
    ):
        assert ax.get_xlim() == domain
        ax.figure.savefig(io.BytesIO(), format="svg")


LARGE = r"expected values of at most 1e\+300 on the domain, got "


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (lambda: plotting.function(ck.Network([[[1e150]], [[1e155]]])), f"net: {LARGE}larger ones"),
        (lambda: plotting.function(ck.circuit("abs"), "1e308*x"), f"target: {LARGE}'1000"),
        (lambda: plotting.function(ck.circuit("abs"), "1e305*x"), f"target: {LARGE}larger ones"),
        (lambda: plotting.heatmap("1e305*x1 + x2"), f"f: {LARGE}larger ones"),
        (lambda: plotting.heatmap(ck.circuit("min"), "max(x1, 1e305*x2)"), f"target: {LARGE}larger"),
        (lambda: plotting.heatmap(ck.circuit("min"), "max(x1, 1e305*x2)", error=True), f"target: {LARGE}larger"),
        (lambda: plotting.stuck([ck.Network([[[1e155, 1]], [[1e150]]])]), f"nets: {LARGE}larger ones"),
        (lambda: plotting.stuck([ck.Network([[[1e155]], [[1e150]]])]), f"nets: {LARGE}larger ones"),
        (lambda: plotting.stuck([ck.Network([[[1e308, 1]], [[1e308]]])]), "nets: expected slopes and values within"),
        (lambda: plotting.neuron([1e200, 1], 0, [1e200, 1]), "x: expected products with the weights within"),
        (lambda: plotting.direction([1e308, 1]), r"weight: expected numbers of at most 1e\+300, got \[1e\+308, 1"),
        (lambda: plotting.direction([1, 1], 1e308), r"bias: expected numbers of at most 1e\+300, got 1e\+308"),
        (lambda: plotting.direction([1, 1], x=[1e308, 1]), r"x: expected numbers of at most 1e\+300, got \[1e\+308"),
        (lambda: plotting.direction([1e-305, 0], 1), r"weight: expected a border and levels not beyond 1e\+300"),
    ],
)  # fmt: skip
def test_values_that_no_axis_reaches_are_refused_by_name(draw, told):
    with pytest.raises(ValueError, match=f"^{told}"):
        draw()


@pytest.mark.filterwarnings("error")
def test_small_numbers_are_drawn():
    plotting.direction([1e-200, -1e-200], 1, x=[1e-200, 1e-200])
    plotting.heatmap("5e-324*x1 + 5e-324*x2")
    ax = plotting.function(ck.circuit("abs"), "abs(1e200*x)")
    ax.figure.savefig(io.BytesIO(), format="svg")
    assert max(len(t.get_text()) for t in ax.get_legend().get_texts()) < 80


@pytest.mark.parametrize("size", [1.0, 1e-20, 1e-200, 1e150])
def test_a_function_bends_where_it_does_however_small_its_units_weights_are(size):
    """Weights of a hidden unit times any number, and its output weight divided by it: the same function."""
    first = np.array([[1.0, -1.0], [1.0, 0.0], [-1.0, 0.0]]) * size
    net = ck.Network([first, np.array([[-1.0, 1.0, -1.0]]) / size])
    ax = plotting.regions(net)
    assert sorted(t.get_text() for t in ax.texts) == ["x₁", "x₂"]
    line = ck.Network([[[size], [-size]], [[1 / size, 1 / size]]])
    switches, bends = _polygons.kinks(line, -3.0, 5.0)
    assert switches.tolist() == bends.tolist() == [0.0]
