"""Weights, and what training many seeds has given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, to_hex, to_rgb
from matplotlib.patches import Rectangle

from circuitkit import palette, words
from circuitkit.checks import (
    accepts,
    instance,
    made_by,
    several,
    shown,
    string,
    whole,
    wrong,
    wrong_type,
)
from circuitkit.network import Network
from circuitkit.plotting import _style as style
from circuitkit.plotting._canvas import Canvas

if TYPE_CHECKING:
    from circuitkit.training.run import TrainingRun

#: lines drawn at most when no seeds are chosen
_MOST_SEEDS = 24
_TABLE = instance(pd.DataFrame, "a pandas DataFrame")
#: a loss of 0 has no place on a logarithmic axis
_LEAST_LOSS = 1e-16


@accepts(net=style.NET, ax=style.AX)
def weights(net: Network, *, ax: Axes | None = None) -> Axes:
    """The weight matrices as tables of numbers, one row a unit, on the diverging scale.

    Biases, where there are any, stand in a column of their own.

    Args:
        net: the network.
        ax: where to draw.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``net`` is not a Network, ``ax`` not an Axes.

    Example:
        >>> import circuitkit as ck
        >>> ax = weights(ck.circuit("abs"))
        >>> [t.get_text() for t in ax.texts][:5]
        ['weights[0]', 'x', 'h₁', '1', 'h₂']
    """
    sizes = net.layer_sizes
    with_biases = net.has_biases
    columns = sum(sizes[:-1]) + (len(sizes) - 1) * with_biases
    head, aside, apart, split = 0.62, 0.42, 0.3, 0.1
    spaces = (len(sizes) - 1) * (aside + split * with_biases) + (len(sizes) - 2) * apart
    cell = min(0.58, max(6.2 - spaces, 2.0) / columns)
    height_of = min(1.15 * cell, 0.44)
    rows = max(sizes[1:])
    width = columns * cell + spaces
    canvas = Canvas(ax, width + 0.1, head + rows * height_of + 0.05)
    top = rows * height_of + 0.05
    largest = max(1.0, *(float(np.abs(a).max()) for a in (*net.weights, *net.biases)))
    left = 0.05
    names = [words.input_names(sizes[0])]
    names += [[f"h{i + 1}" for i in range(n)] for n in sizes[1:-1]]
    names += [["y"] if sizes[-1] == 1 else [f"y{i + 1}" for i in range(sizes[-1])]]
    size = style.BODY * min(1.0, cell / 0.4)
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        left += aside
        n_out, n_in = w.shape
        scaled = f", times {net.scale}" if layer == len(sizes) - 2 and net.scale != 1 else ""
        title = f"weights[{layer}]{scaled}"
        canvas.text(left + n_in * cell / 2, top + 0.45, title, style.BODY, fontweight="bold")
        for j in range(n_in):
            heading = words.pretty(names[layer][j])
            canvas.text(left + (j + 0.5) * cell, top + 0.16, heading, size, color=palette.MUTED)
        if with_biases:
            spot = left + n_in * cell + split + cell / 2
            canvas.text(spot, top + 0.16, "bias", min(size, style.NOTE), color=palette.MUTED)
        for i in range(n_out):
            y = top - (i + 1) * height_of
            heading = words.pretty(names[layer + 1][i])
            canvas.text(left - 0.2, y + height_of / 2, heading, size, color=palette.MUTED)
            for j, value in enumerate([*w[i], *([b[i]] if with_biases else [])]):
                x = left + j * cell + (split if j == n_in else 0.0)
                _cell(canvas, x, y, cell, height_of, float(value), largest, size)
        left += n_in * cell + (split + cell) * with_biases + apart
    return canvas.finish()


def _cell(
    canvas: Canvas,
    x: float,
    y: float,
    w: float,
    h: float,
    value: float,
    largest: float,
    size: float,
) -> None:
    color = to_hex(style.DIVERGING(0.5 + 0.5 * value / largest))
    canvas.ax.add_patch(
        Rectangle(
            (x, y), w, h, facecolor=color, edgecolor=palette.PAPER, linewidth=1.5 * canvas.scale
        )
    )
    text = words.drawn(value)
    size = min(size, size * 0.86 * w / style.text_size(text, size)[0])
    if size >= 5.5:
        canvas.text(x + w / 2, y + h / 2, text, size, color=readable_on(color))


def readable_on(color: str) -> str:
    """Black or white, whichever stands out more on ``color``: a contrast of at least 4.5."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color))
    return "#000000" if 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 else palette.PAPER


def _run(name: str, value: Any) -> Any:
    if not (hasattr(value, "seeds") and hasattr(value, "history")):
        raise wrong_type(name, "what circuitkit.train returns", type(value).__name__)
    return value


@accepts(
    run=made_by(_run, right=SimpleNamespace(seeds=[0], history=[]), wrong=("run", None, 3)),
    ax=style.AX,
    seeds=several(whole(least=0), "a list of seeds"),
)
def history(
    run: TrainingRun, *, ax: Axes | None = None, seeds: Iterable[int] | None = None
) -> Axes:
    """How the loss of each seed went: solved ones solid and ending in a dot, others dashed, in a cross.

    Args:
        run: what :func:`circuitkit.train` returned.
        ax: where to draw.
        seeds: which of the run's seeds to show; by default all, or 24 spread over them.

    Returns:
        The Axes drawn on.

    Raises:
        ValueError: a seed that is not in the run, or none at all.

    Example:
        >>> import circuitkit as ck
        >>> history(ck.train("abs", 2, seeds=8, steps=50)).get_yscale()
        'log'
    """
    all_seeds = [int(s) for s in run.seeds]
    if seeds is None:
        step = max(1, -(-len(all_seeds) // _MOST_SEEDS))
        chosen = all_seeds[::step]
    else:
        chosen = [int(s) for s in seeds]
    known = {s: i for i, s in enumerate(all_seeds)}
    unknown = [s for s in chosen if s not in known]
    if unknown or not chosen:
        expected = f"seeds of this run ({all_seeds[0]} to {all_seeds[-1]})"
        raise wrong("seeds", expected, shown(unknown[0]) if unknown else "none")
    index = [known[s] for s in chosen]
    ax = style.fresh_axes(ax, 4.8, 3.4)
    losses = np.array(run.history, dtype=np.float64)[:, index]
    losses[~np.isfinite(losses)] = np.nan
    losses = np.maximum(losses, _LEAST_LOSS)
    steps = np.asarray(run.history_steps)
    solved = np.asarray(run.solved)[index]
    alpha = float(np.clip(6 / len(chosen), 0.35, 0.9))
    for good, color, dashes, marker, word in (
        (False, palette.NEGATIVE, (0, (4, 2)), "x", "not solved"),
        (True, palette.POSITIVE, "-", "o", "solved"),
    ):
        mine = np.flatnonzero(solved == good)
        if not len(mine):
            continue
        look: dict[str, Any] = {"color": color, "linestyle": dashes}
        ax.plot(steps, losses[:, mine], linewidth=1.2, alpha=alpha, **look)
        ax.plot(
            np.full(len(mine), steps[-1]),
            losses[-1, mine],
            marker,
            color=color,
            markersize=4.5,
            clip_on=False,
            zorder=4,
        )
        noun = "seeds" if len(chosen) == len(all_seeds) else "shown"
        label = f"{word}: {len(mine)} of {len(chosen)} {noun}"
        ax.plot([], [], linewidth=1.8, marker=marker, markersize=5, label=label, **look)
    ax.set(yscale="log", xlabel="step", ylabel="loss", xlim=(0, max(1, int(steps[-1]))))
    style.legend_below(ax, *(part[::-1] for part in ax.get_legend_handles_labels()))
    return ax


@accepts(ax=style.AX)
def rates(table: pd.DataFrame | Mapping[str, Any], *, ax: Axes | None = None) -> Axes:
    """Success rates with their intervals, one row each.

    Args:
        table: a DataFrame with the columns ``label``, ``rate``, ``low`` and ``high``, shares from 0
            to 1; or label -> a rate with ``.low`` and ``.high``, as a training run has.
        ax: where to draw.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``table`` is neither.
        ValueError: a missing column, no rows, or numbers that are not ``0 <= low <= rate <= high <= 1``.

    Example:
        >>> import pandas as pd
        >>> ax = rates(pd.DataFrame({"label": ["abs"], "rate": [0.36], "low": [0.33], "high": [0.39]}))
        >>> ax.texts[0].get_text()
        '0.360 [0.330, 0.390]'
    """
    if isinstance(table, Mapping):
        try:
            rows = [(label, float(r), r.low, r.high) for label, r in table.items()]
        except (TypeError, ValueError, AttributeError):
            expected = "label -> a rate with low and high"
            raise wrong_type("table", expected, shown(table)) from None
        table = pd.DataFrame(rows, columns=["label", "rate", "low", "high"])
    _checked_rates(table, ["label"])
    n = len(table)
    labels = [str(label) for label in table["label"]]
    room = max(style.text_size(label, style.BODY)[0] for label in labels)
    ax = style.fresh_axes(ax, 1.9 + room + 1.75, 0.38 * n + 0.75)
    y = np.arange(n)[::-1]
    rate, low, high = (table[c].to_numpy(dtype=float) for c in ("rate", "low", "high"))
    ax.hlines(y, 0, 1, color="#e9ebee", linewidth=1, zorder=0)
    ax.hlines(y, low, high, color=palette.POSITIVE, linewidth=5, alpha=0.45, zorder=2)
    ax.plot(rate, y, "o", color=palette.POSITIVE, markersize=7, zorder=3)
    for i, row in enumerate(zip(rate, low, high, strict=True)):
        ax.text(
            1.04,
            y[i],
            "{:.3f} [{:.3f}, {:.3f}]".format(*row),
            transform=ax.get_yaxis_transform(),
            va="center_baseline",
            fontsize=style.NOTE,
        )
    ax.set(
        xlim=(-0.05, 1.03),
        ylim=(-0.6, n - 0.4),
        xticks=[0, 0.5, 1],
        xticklabels=["0", "0.5", "1"],
        yticks=y,
        yticklabels=labels,
        xlabel="share of seeds solved",
    )
    ax.tick_params(axis="y", length=0, labelsize=style.BODY, labelcolor=palette.INK)
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_bounds(0, 1)
    return ax


@accepts(
    table=_TABLE, rows=string("a column's name"), columns=string("a column's name"), ax=style.AX
)
def rate_grid(table: pd.DataFrame, rows: str, columns: str, *, ax: Axes | None = None) -> Axes:
    """Success rates over two settings as a table, in percent: the darker, the more seeds solved.

    A cell has the rate and below it its interval, both rounded. It is narrow enough for seven
    columns on a phone, without a text that is too small there.

    Args:
        table: one line a cell, with the columns ``rows``, ``columns``, ``rate``, ``low``, ``high``.
        rows: the column whose values are the rows, in the order in which they come.
        columns: the column whose values are the columns.
        ax: where to draw.

    Returns:
        The Axes drawn on.

    Raises:
        TypeError: ``table`` is not a DataFrame.
        ValueError: a missing column, two lines for one cell, rates outside of 0 to 1.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"target": ["min", "min"], "optimizer": ["sgd", "adam"],
        ...     "rate": [0.53, 0.61], "low": [0.5, 0.58], "high": [0.56, 0.64]})
        >>> ax = rate_grid(table, "target", "optimizer")
        >>> [t.get_text() for t in ax.texts]
        ['53', '50–56', '61', '58–64']
    """
    _checked_rates(table, [rows, columns])
    twice = table.duplicated([rows, columns])
    if twice.any():
        row = table[twice].iloc[0]
        given = f"several for {rows} {row[rows]!r}, {columns} {row[columns]!r}"
        raise wrong("table", "one line a cell", given)
    down = list(dict.fromkeys(table[rows]))
    across = list(dict.fromkeys(table[columns]))
    width, height = 0.53, 0.56
    names, turned = _in_columns([str(v) for v in across], 0.95 * width)
    room = max(style.text_size(str(v), style.BODY)[0] for v in down)
    head = max(style.text_size(name, style.BODY)[0] for name in names) if turned else 0.2
    size = (room + 0.25 + width * len(across), height * len(down) + 0.45 + head)
    ax = style.fresh_axes(ax, *size)
    cmap: Colormap = style.SHARE
    for r in range(len(down)):
        for c in range(len(across)):
            box = Rectangle(
                (c, r),
                1,
                1,
                facecolor=palette.PAPER,
                edgecolor="#dfe2e6",
                hatch="////",
                linewidth=0,
                zorder=1,
            )
            ax.add_patch(box)
    for line in table.to_dict("records"):
        r, c = down.index(line[rows]), across.index(line[columns])
        color = to_hex(cmap(float(line["rate"])))
        ax.add_patch(
            Rectangle((c, r), 1, 1, facecolor=color, edgecolor=palette.PAPER, linewidth=2, zorder=2)
        )
        ink = readable_on(color)
        look: dict[str, Any] = {"ha": "center", "va": "center_baseline", "color": ink, "zorder": 3}
        share, low, high = (f"{100 * line[name]:.0f}" for name in ("rate", "low", "high"))
        ax.text(c + 0.5, r + 0.34, share, fontsize=style.HEAD, fontweight="bold", **look)
        ax.text(c + 0.5, r + 0.74, f"{low}–{high}", fontsize=style.NOTE, **look)
    ax.set(
        xlim=(0, len(across)),
        ylim=(len(down), 0),
        xticks=np.arange(len(across)) + 0.5,
        xticklabels=names,
        yticks=np.arange(len(down)) + 0.5,
        yticklabels=[str(v) for v in down],
    )
    ax.set_xlabel(columns, labelpad=7)
    # Over the names of the rows, where it takes no room from the cells.
    ax.set_ylabel(rows, rotation=0, ha="right", va="bottom")
    ax.yaxis.set_label_coords(-0.06 / width / len(across), 1 + 0.09 / height / len(down))
    ax.xaxis.set_label_position("top")
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelsize=style.BODY, labelcolor=palette.INK)
    if turned:
        for name in ax.get_xticklabels():
            name.set(rotation=45, ha="left", rotation_mode="anchor")
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def _in_columns(names: list[str], width: float) -> tuple[list[str], bool]:
    """The names as they are written over columns so many inches wide, and whether they lean.

    A long one with a hyphen takes two lines; if one is too long even so, all lean.
    """
    lines = [
        name if style.text_size(name, style.BODY)[0] <= width else name.replace("-", "-\n")
        for name in names
    ]
    return lines, any(style.text_size(name, style.BODY)[0] > width for name in lines)


def _checked_rates(table: pd.DataFrame, keys: list[str]) -> None:
    table = _TABLE.take("table", table)
    needed = [*keys, "rate", "low", "high"]
    missing = [c for c in needed if c not in table.columns]
    if missing or not len(table):
        given = f"{len(table)} rows with {', '.join(map(str, table.columns))}"
        raise wrong("table", f"rows with the columns {', '.join(needed)}", given)
    rate, low, high = (table[c].to_numpy(dtype=float) for c in ("rate", "low", "high"))
    fine = (low >= 0) & (low <= rate) & (rate <= high) & (high <= 1)
    if not fine.all():
        i = int(np.flatnonzero(~fine)[0])
        given = f"rate {rate[i]} with low {low[i]} and high {high[i]} in row {i}"
        raise wrong("table", "0 <= low <= rate <= high <= 1", given)
