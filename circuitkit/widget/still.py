"""The picture of a network that stands where no script runs, and in print."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from circuitkit import palette, words
from circuitkit.network import Network

__all__ = ["captions", "figure"]

#: of a node, in pixels
_RADIUS = 27
#: what is not kept
_PALE = ' opacity="0.2"'


def figure(net: Network, x: Sequence[float], config: Mapping[str, Any]) -> str:
    """The network as inline SVG: what stands there without a script, and in print."""
    at = _Layout(net.layer_sizes, show_biases=config["show_biases"])
    edges = [
        _edge(
            at, layer, int(i), int(j), float(value), pale=_is_pale(config, (layer, int(j), int(i)))
        )
        for layer, w in enumerate(net.weights)
        for (i, j), value in np.ndenumerate(w)
    ]
    nodes = [
        _node(at, net, layer, unit, shown, config)
        for layer, values in enumerate(_shown(net, x))
        for unit, shown in enumerate(values)
    ]
    # First what is drawn, then what is written on it.
    parts = [part for drawn, _ in (*edges, *nodes) for part in drawn]
    labels = [label for _, written in (*edges, *nodes) for label in written]
    title = html.escape(f"{config['label']}, at input {', '.join(words.drawn(v) for v in x)}")
    prompt = config["challenge"]["prompt"] if config["challenge"] else ""
    colored = "; ".join(_in_words(block) for block in config.get("blocks", ()))
    texts_below = captions(prompt or config["caption"], colored)
    return (
        f'<figure class="ck-still"><svg viewBox="0 0 {at.width} {at.height:.0f}" width="{at.width}" '
        f'role="img" aria-label="{title}" text-anchor="middle" '
        f'font-family="system-ui, sans-serif">{"".join(parts)}{"".join(labels)}</svg>{texts_below}</figure>'
    )


def captions(*texts: str) -> str:
    """The sentences below a picture, as HTML; nothing of those that are empty."""
    return "".join(f"<figcaption>{html.escape(text)}</figcaption>" for text in texts if text)


class _Layout:
    """Where nodes are, in pixels: input below, output above."""

    def __init__(self, sizes: tuple[int, ...], *, show_biases: bool) -> None:
        self.sizes = sizes
        self.last = len(sizes) - 1
        self.step = 96 if max(sizes) <= 4 else 76
        self.width = max(sizes) * self.step + (120 if show_biases else 40)
        self.levels = [float(_RADIUS + 8)]
        for pair in reversed(list(pairwise(sizes))):
            self.levels.insert(0, self.levels[0] + 56 + 30 * min(pair) + 2 * _RADIUS)
        self.height = self.levels[0] + _RADIUS + 24

    def node(self, layer: int, unit: int) -> tuple[float, float]:
        n = self.sizes[layer]
        pitch = self.step * (1.3 if n < 3 else 1)
        return self.width / 2 + (unit - (n - 1) / 2) * pitch, self.levels[layer]

    def label(self, layer: int, i: int, j: int) -> tuple[float, float]:
        """Where the weight from unit j to unit i of the next layer is written: each on a line of its own."""
        (x1, y1), (x2, y2) = self.node(layer, j), self.node(layer + 1, i)
        rows = min(self.sizes[layer], self.sizes[layer + 1])
        fan_out = self.sizes[layer] <= self.sizes[layer + 1]
        away = _RADIUS + 10 + 30 * (rows - (j if fan_out else i) - 0.5)
        y = y2 + away if fan_out else y1 - away
        return x1 + (y1 - y) / (y1 - y2) * (x2 - x1), y


def _shown(net: Network, x: Sequence[float]) -> list[list[tuple[float, ...]]]:
    """What is written in each node: the activation and the preactivation, or one number."""
    inner: list[list[tuple[float, ...]]] = [
        list(zip(act, pre, strict=True))
        for act, pre in zip(net.activations(x), net.preactivations(x), strict=True)
    ]
    return [[(v,) for v in x], *inner, [(v,) for v in net(x)]]


def _is_pale(config: Mapping[str, Any], key: tuple[int, ...]) -> bool:
    return "kept" in config and list(key) not in config["kept"]


def _in_words(block: Mapping[str, Any]) -> str:
    units = ", ".join(f"{layer}.{unit + 1}" for layer, unit in block["units"])
    return f"{block['label']}: units {units}"


def _edge(
    at: _Layout, layer: int, i: int, j: int, value: float, *, pale: bool
) -> tuple[list[str], list[str]]:
    (x1, y1), (x2, y2) = at.node(layer, j), at.node(layer + 1, i)
    color = palette.POSITIVE if value > 0 else palette.NEGATIVE if value < 0 else palette.ZERO
    size = 1.0 if value == 0 else 1.2 + 2.0 * min(abs(value), 3.0)
    line = (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
        f'stroke-width="{size:.1f}"{_PALE if pale else ""}/>'
    )
    x, y = at.label(layer, i, j)
    label = (
        f'<text class="ck-still-weight" x="{x:.1f}" y="{y + 4:.1f}" '
        f'font-size="13"{_PALE if pale else ""}>{words.drawn(value)}</text>'
    )
    return [line], [label]


def _node(
    at: _Layout, net: Network, layer: int, unit: int, shown: Sequence[float],
    config: Mapping[str, Any],
) -> tuple[list[str], list[str]]:  # fmt: skip
    x, y = at.node(layer, unit)
    inner = 0 < layer < at.last
    fill = palette.HIDDEN if inner else palette.INPUT if layer == 0 else palette.OUTPUT
    ink = "#ffffff" if layer == 0 else "#1b1b1b"
    pale = _PALE if inner and _is_pale(config, (layer, unit)) else ""
    parts = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{fill}"{pale}/>']
    ring = f'cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS + 3}" fill="none" stroke-width="5"'
    parts += [
        f'<circle {ring} stroke="{block["color"]}"/>'
        for block in config.get("blocks", ())
        if [layer, unit] in block["units"]
    ]
    if inner:
        half = _RADIUS * 0.8
        parts.append(
            f'<line x1="{x - half:.1f}" x2="{x + half:.1f}" y1="{y:.1f}" '
            f'y2="{y:.1f}" stroke="#1b1b1b" stroke-width="1"/>'
        )
    parts += [
        f'<text x="{x:.1f}" y="{y + dy:.1f}" font-size="14" fill="{ink}">{words.drawn(value)}</text>'
        for dy, value in zip((-7, 17) if inner else (5,), shown, strict=True)
    ]
    if layer == at.last and config.get("scale"):
        written = f"× {html.escape(config['scale'])}"
        parts.append(
            f'<text class="ck-still-name" x="{x + _RADIUS + 20:.1f}" y="{y + 5:.1f}" font-size="14">{written}</text>'
        )
    if layer == 0:
        name = html.escape(_input_name(unit, at.sizes[0], config))
        label = (
            f'<text class="ck-still-name" x="{x:.1f}" y="{y + _RADIUS + 17:.1f}" '
            f'font-size="14">{name}</text>'
        )
        return parts, [label]
    if not config["show_biases"]:
        return parts, []
    label = (
        f'<text class="ck-still-weight" x="{x + _RADIUS + 20:.1f}" y="{y + _RADIUS:.1f}" '
        f'font-size="12">b = {words.drawn(net.biases[layer - 1][unit])}</text>'
    )
    return parts, [label]


def _input_name(index: int, count: int, config: Mapping[str, Any]) -> str:
    names = config["input_names"]
    if names is not None and index < len(names):
        return str(names[index])
    return words.pretty(words.input_names(count)[index])
