r"""The plane in which training moves a hidden unit, alive: put units down, or let a thousand networks go.

A hidden unit of a network with one input and no biases is a point: its hidden weight w and its output
weight v. ``static/descents.mjs`` moves such points by the gradient descent of :func:`circuitkit.train`, from
the same seeds; ``static/plane.mjs`` draws them, in Jupyter and on a page.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import numpy as np
import traitlets

from circuitkit import palette
from circuitkit.checks import (
    accepts,
    count_or_list,
    flag,
    made_by,
    number,
    one_of,
    string,
    whole,
)
from circuitkit.rules import RULES
from circuitkit.training.train import train
from circuitkit.widget import page, still

__all__ = ["ADDED", "WeightPlane"]

#: what a page needs beside what all widgets share
ADDED = page.Added("picture", "descents", "plane")
#: what can be learned, and how a reader writes it: the slope of the target
_SLOPES = {"identity": (1, "x"), "negation": (-1, "−x")}
#: how many networks a page moves smoothly
_MOST = 4096
_SEEDS = f"a count from 1 to {_MOST}, or as many distinct whole numbers from 0 to 10^15 - 1"
_SEED = whole(least=0, most=10**15 - 1, top="10^15 - 1")


_seeds = count_or_list(_SEEDS, _SEED, most=_MOST, longest=_MOST)


class WeightPlane(page.PageWidget):
    r"""The plane of one hidden unit, hidden weight w and output weight v, and what training does in it.

    A unit that is put down in the plane moves as gradient descent moves it while it is alone on its side of
    zero; the two units of a seed move as those of ``ck.train(target, (2,), seeds=[seed])``; and all
    ``seeds`` together show how many networks learn the target, those of ``ck.train(target, (2,),
    seeds=seeds, steps=steps, learning_rate=learning_rate).solved``. They are computed ahead in the page, so
    that each point has the color and the shape of its fate from the first step.

    Args:
        target: ``"identity"`` or ``"negation"``.
        seeds: a count from 1 to 4096 (the seeds 0, 1, ...), or distinct whole numbers, 0 or above.
        steps: of gradient descent, 1 to 20,000.
        learning_rate: above 0 and at most 1.
        line: whether the border that no unit crosses, w + v = 0 for the identity, is drawn from the start.
        compact: only the plane and the networks of ``seeds``, for a place with little room.
        caption: a sentence below.

    Trait: ``tally``, what has come of the networks once they have gone to the end in the page, a dict with
    ``learned``, ``networks`` and ``steps``; empty before.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> WeightPlane("negation", seeds=64)
        WeightPlane('negation', seeds=64)
    """

    _added = ADDED
    _esm = ADDED.module_source
    _css = page.style_source() + ADDED.style_source

    tally: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    _config: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    @accepts(
        target=one_of(*_SLOPES),
        seeds=made_by(
            _seeds,
            right=4,
            wrong=("4", None, 0, 4097, True, 2.5, [], [1, 1], [-1], [0.5], [10**15]),
        ),
        steps=whole(least=1, most=20_000),
        learning_rate=number(
            "a number above 0 and at most 1", above=0, fits=lambda v: v <= 1, bad=(1.5,)
        ),
        line=flag(),
        compact=flag(),
        caption=string(empty=True),
    )
    def __init__(
        self,
        target: str = "identity",
        *,
        seeds: int | Iterable[int] = 1024,
        steps: int = 500,
        learning_rate: float = 0.1,
        line: bool = False,
        compact: bool = False,
        caption: str = "",
    ) -> None:
        slope, name = _SLOPES[target]
        self._target = target
        config: dict[str, Any] = {
            "slope": slope,
            "name": name,
            "seeds": _seeds("seeds", seeds),
            "steps": steps,
            "rate": float(learning_rate),
            "near": RULES["solved"],
            "line": line,
            "compact": compact,
            "caption": caption,
            "palette": page.palette_variables(),
        }
        config["key"] = page.key_of(config)
        super().__init__(_config=config)

    def _static_html(self) -> str:
        state = {"tally": {}, "_config": {**self._config, "on_page": True}}
        return page.page_html(state, self._still(), module=ADDED.name)

    def _still(self) -> str:
        """Where the networks have come to rest: what stands there without a script, and in print."""
        config = self._config
        slope, name, seeds = config["slope"], config["name"], config["seeds"]
        run = train(
            self._target, (2,), seeds=seeds, steps=config["steps"], learning_rate=config["rate"],
            progress=False,
        )  # fmt: skip
        learned = int(run.solved.sum())
        sentence = (
            f"{learned:,} of {len(seeds):,} networks have learned {name} after {config['steps']:,} steps of "
            "gradient descent. Each of their hidden units is a point, its hidden weight w to the right, its "
            "output weight v upward; a cross is a unit of a network that has not learned it. No unit has "
            f"crossed the dashed line, w {'+' if slope > 0 else '−'} v = 0."
        )
        w, v = run.weights[0][:, :, 0], run.weights[1][:, 0]
        drawn = _drawing(slope, (w, v), run.solved, sentence)
        texts = still.captions(sentence, config["caption"])
        return f'<figure class="ck-still">{drawn}{texts}</figure>'

    def __repr__(self) -> str:
        return f"WeightPlane({self._target!r}, seeds={len(self._config['seeds'])})"


#: of the still picture: pixels a side, how far the plane reaches, how many networks it shows
_SIZE, _REACH, _SHOWN = 400, 1.75, 256


def _at(w: float, v: float) -> str:
    return f"{(w + _REACH) / (2 * _REACH) * _SIZE:.0f} {(_REACH - v) / (2 * _REACH) * _SIZE:.0f}"


def _drawing(slope: int, points: tuple[Any, Any], learned: Any, label: str) -> str:
    """The plane as inline SVG, with the units of the first networks: dots and crosses."""
    marks = {True: "", False: ""}
    for ws, vs, good in zip(*points, learned[:_SHOWN], strict=False):
        for w, v in zip(ws, vs, strict=True):
            if abs(w) < _REACH and abs(v) < _REACH:
                marks[bool(good)] += f"M{_at(w, v)}" + ("h0" if good else "m-3-3l6 6m0-6l-6 6")
    ws = np.geomspace(1 / _REACH, _REACH, 24)
    curve = "".join("M" + "L".join(_at(s * w, s * slope / w) for w in ws) for s in (1, -1))

    def path(d: str, color: str, width: int, more: str = "") -> str:
        return f'<path d="{d}" fill="none" stroke="{color}" stroke-width="{width}"{more}/>'

    end, half = _REACH, _SIZE / 2
    return (
        f'<svg viewBox="0 0 {_SIZE} {_SIZE}" width="{_SIZE}" height="{_SIZE}" role="img" '
        f'aria-label="{html.escape(label)}" font-family="system-ui, sans-serif" font-size="15">'
        + path(f"M{_at(-end, 0)}H{_SIZE}M{_at(0, -end)}V0", palette.HIDDEN, 1)
        + path(curve, palette.NETWORK, 2, ' opacity=".5"')
        + path(
            f"M{_at(-end, slope * end)}L{_at(end, -slope * end)}",
            palette.TARGET,
            2,
            ' stroke-dasharray="7 5"',
        )
        + path(marks[False], palette.NEGATIVE, 1)
        + path(marks[True], palette.NETWORK, 5, ' stroke-linecap="round"')
        + f'<text x="{_SIZE - 16}" y="{half - 6}">w</text><text x="{half + 6}" y="14">v</text></svg>'
    )
