"""The picture of a network that stands where no script runs, and in print."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from circuitkit import palette, words
from circuitkit.network import Network

__all__ = ["figure"]


def figure(net: Network, x: Sequence[float], config: Mapping[str, Any]) -> str:
    """The network as inline SVG: what stands there without a script, and in print."""
    sizes = net.layer_sizes
    layers = len(sizes) - 1
    step = 96 if max(sizes) <= 4 else 76
    width = max(sizes) * step + (120 if config["show_biases"] else 40)
    heights = [56 + 30 * min(a, b) for a, b in pairwise(sizes)]
    radius = 27
    levels = [float(radius + 8)]
    for h in reversed(heights):
        levels.insert(0, levels[0] + h + 2 * radius)
    total = levels[0] + radius + 24

    def column(layer: int, unit: int) -> float:
        return width / 2 + (unit - (sizes[layer] - 1) / 2) * step * (1.3 if sizes[layer] < 3 else 1)

    pre, act, out = net.preactivations(x), net.activations(x), net(x)
    colors = palette
    parts: list[str] = []
    labels: list[str] = []
    for layer, w in enumerate(net.weights):
        for (i, j), value in np.ndenumerate(w):
            x1, y1 = column(layer, int(j)), levels[layer]
            x2, y2 = column(layer + 1, int(i)), levels[layer + 1]
            color = colors.POSITIVE if value > 0 else colors.NEGATIVE if value < 0 else colors.ZERO
            size = 1.0 if value == 0 else 1.2 + 2.0 * min(abs(float(value)), 3.0)
            parts.append(
                f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
                f'stroke-width="{size:.1f}"/>'
            )
            rows = min(sizes[layer], sizes[layer + 1])
            fan_out = sizes[layer] <= sizes[layer + 1]
            lane = int(j) if fan_out else int(i)
            y = (
                y2 + radius + 10 + 30 * (rows - lane - 0.5)
                if fan_out
                else y1 - radius - 10 - 30 * (rows - lane - 0.5)
            )
            t = (y1 - y) / (y1 - y2)
            labels.append(
                f'<text class="ck-still-weight" x="{x1 + t * (x2 - x1):.1f}" y="{y + 4:.1f}" '
                f'font-size="13">{words.drawn(value)}</text>'
            )
    for layer, n in enumerate(sizes):
        for unit in range(n):
            cx, cy = column(layer, unit), levels[layer]
            fill = (
                colors.INPUT if layer == 0 else colors.OUTPUT if layer == layers else colors.HIDDEN
            )
            parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{radius}" fill="{fill}"/>')
            ink = "#ffffff" if layer == 0 else "#1b1b1b"
            if 0 < layer < layers:
                parts.append(
                    f'<line x1="{cx - radius * 0.8:.1f}" x2="{cx + radius * 0.8:.1f}" y1="{cy:.1f}" '
                    f'y2="{cy:.1f}" stroke="#1b1b1b" stroke-width="1"/>'
                )
                texts = [(cy - 7, act[layer - 1][unit]), (cy + 17, pre[layer - 1][unit])]
            else:
                texts = [(cy + 5, x[unit] if layer == 0 else out[unit])]
            parts += [
                f'<text x="{cx:.1f}" y="{y:.1f}" font-size="14" fill="{ink}">{words.drawn(value)}</text>'
                for y, value in texts
            ]
            if layer > 0 and config["show_biases"]:
                bias = words.drawn(net.biases[layer - 1][unit])
                labels.append(
                    f'<text class="ck-still-weight" x="{cx + radius + 20:.1f}" y="{cy + radius:.1f}" '
                    f'font-size="12">b = {bias}</text>'
                )
            if layer == 0:
                labels.append(
                    f'<text class="ck-still-name" x="{cx:.1f}" y="{cy + radius + 17:.1f}" '
                    f'font-size="14">{html.escape(_input_name(unit, sizes[0], config))}</text>'
                )
    title = html.escape(f"{config['label']}, at input {', '.join(words.drawn(v) for v in x)}")
    caption = html.escape(config["caption"])
    prompt = html.escape(config["challenge"]["prompt"]) if config["challenge"] else ""
    texts_below = "".join(f"<figcaption>{t}</figcaption>" for t in (prompt or caption,) if t)
    return (
        f'<figure class="ck-still"><svg viewBox="0 0 {width} {total:.0f}" width="{width}" '
        f'role="img" aria-label="{title}" text-anchor="middle" '
        f'font-family="system-ui, sans-serif">{"".join(parts)}{"".join(labels)}</svg>{texts_below}</figure>'
    )


def _input_name(index: int, count: int, config: Mapping[str, Any]) -> str:
    names = config["input_names"]
    if names is not None and index < len(names):
        return str(names[index])
    return words.pretty(words.input_names(count)[index])
