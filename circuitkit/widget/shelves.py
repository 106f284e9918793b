r"""The losses of many networks, alive: tiles that fall while training goes on and come to rest on shelves.

The fall is that of a :class:`~circuitkit.TrainingRun`, recorded in Python. A tile that is touched opens its
network: the page trains that seed again with its own arithmetic, the same (``static/mathematics.mjs``),
decides for itself what it computes, and can lift it off its shelf (``static/lifting.mjs``).
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from circuitkit import palette, words
from circuitkit.checks import accepts, instance, made_by, several, shown, string, wrong
from circuitkit.functions.page_json import target_to_json
from circuitkit.network import Network
from circuitkit.rules import RULES
from circuitkit.training.outcomes import OUTCOMES
from circuitkit.training.run import TrainingRun
from circuitkit.widget import page, still

__all__ = ["ADDED", "LossShelves"]

#: what a page needs beside what all widgets share
ADDED = page.Added("picture", "miniature", "lifting", "shelves")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#: how many networks of a run a page draws smoothly, and how many losses of each it keeps
_MOST, _SAMPLES = 4096, 32
#: the lowest and the highest loss that is told apart
_LEAST, _HIGHEST = 1e-4, 2.0
#: below the lowest loss that is told apart, and not solved
_BY_HEART = (_LEAST * 1.5, "right where the loss looks, not everywhere")
#: how far a loss may be from a shelf's, relative to it
_NEAR = 0.02
#: what the page's own training takes for granted, of the arguments of ``ck.train``
_PLAIN = {
    "optimizer": "sgd", "init": "torch", "data": "population", "rescue": None, "bias": False,
    "schedule": "constant", "weight_decay": 0.0,
}  # fmt: skip


def _runs(name: str, runs: Any) -> list[TrainingRun]:
    """One run or several."""
    expected = "a TrainingRun, or several"
    given = [runs] if isinstance(runs, TrainingRun) else runs
    found: list[TrainingRun] = several(
        instance(TrainingRun, "a TrainingRun"), expected, fewest=1
    ).take(name, given)
    return found


class LossShelves(page.PageWidget):
    r"""The networks of one or more trainings, falling in the order of their losses, and each of them to open.

    An opened network shows what it computes beside the target, the shelf on which it stands, the outcome
    that :attr:`.TrainingRun.outcomes` names, and a verdict for all inputs that the page decides by its own
    exact arithmetic. It can be lifted: one hidden unit, or the whole network, is drawn anew, gradient
    descent runs as many steps as the training had, and what ends with a lower loss is kept. That is the
    plainest relative of ``ck.train``'s ``rescue="redraw"`` and ``rescue="restart"``, without curvature and
    without a prover in the loop.

    Args:
        runs: a :class:`~circuitkit.TrainingRun`, or several of one target with two inputs and one output, by
            plain gradient descent (``"sgd"``) on the population from ``init="torch"``, without biases,
            schedule, decay or rescue, of at most 4096 seeds.
        shelves: loss -> what a network there computes; a stuck network whose loss is within 2 % of one of
            these, above 0.0001 and below 2, stands on it.
        caption: a sentence below.

    Trait: ``opened``, the network that is open in the page, a dict with ``seed``, ``attempts`` (of lifting
    it), ``loss``, ``solved`` and ``weights``; empty before.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> from circuitkit import train
        >>> run = train("min", 3, seeds=8, steps=2000, learning_rate=0.5)
        >>> LossShelves(run, shelves={0.0474: "the best two units"})
        LossShelves(min: 8 networks 2-3-1)
    """

    _added = ADDED
    _esm = ADDED.module_source
    _css = page.style_source() + ADDED.style_source

    opened: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    _config: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    @accepts(
        runs=made_by(_runs, right=TrainingRun, wrong=(3, "run", None, [], [3])),
        shelves=instance(Mapping, "a mapping of losses to what a network there computes"),
        caption=string(empty=True),
    )
    def __init__(
        self,
        runs: TrainingRun | Sequence[TrainingRun],
        *,
        shelves: Mapping[float, str] | None = None,
        caption: str = "",
    ) -> None:
        runs = _runs("runs", runs)
        for i, run in enumerate(runs):
            _fits(f"runs[{i}]", run, runs[0])
        heights = _heights(shelves or {})
        target = runs[0].target
        config: dict[str, Any] = {
            "target": target_to_json(target),
            "near": RULES["solved"],
            "least": _LEAST,
            "most": _HIGHEST,
            "shelves": [
                {"loss": a, "text": _text(a), "words": w} for a, w in [_BY_HEART, *heights]
            ],
            "outcomes": list(OUTCOMES),
            "runs": [_told(run, [a for a, _ in heights]) for run in runs],
            "caption": caption,
            "palette": page.palette_variables(),
        }
        config["key"] = page.key_of(config)
        self._name = target.name
        super().__init__(_config=config)

    @property
    def network(self) -> Network | None:
        """The network that is open in the page; None where none is."""
        return Network(self.opened["weights"]) if self.opened else None

    def _static_html(self) -> str:
        state = {"opened": {}, "_config": {**self._config, "on_page": True}}
        pictures = "".join(self._bars(run) for run in self._config["runs"])
        below = still.captions(self._config["caption"])
        return page.page_html(
            state, f'<figure class="ck-still">{pictures}{below}</figure>', module="shelves"
        )

    def _bars(self, run: Mapping[str, Any]) -> str:
        """How many networks stand where, as inline SVG: what stands there without a script, and in print."""
        shelves = self._config["shelves"]
        names = ["solved", *(f"{s['text']}: {s['words']}" for s in shelves), "elsewhere"]
        counts = [run["shelf"].count(_LETTERS[i]) for i in range(len(names))]
        rows = [(n, c) for n, c in zip(names, counts, strict=True) if c][::-1]
        total = len(run["seeds"])
        size = "-".join(map(str, run["sizes"]))
        title = f"{total:,} networks {size}, the highest shelf first: " + "; ".join(
            f"{name}, {count:,}" for name, count in rows
        )
        parts = []
        for k, (name, count) in enumerate(rows):
            y = 26 + 34 * k
            color = palette.NETWORK if name == "solved" else palette.NEGATIVE
            parts.append(
                f'<rect x="0" y="{y}" width="{max(1, 560 * count / total):.0f}" height="12" fill="{color}"/>'
                f'<text x="0" y="{y + 27}">{html.escape(name)}: {count:,}</text>'
            )
        return (
            f'<svg viewBox="0 0 560 {34 * len(rows) + 26}" width="560" role="img" '
            f'aria-label="{html.escape(title)}" font-family="system-ui, sans-serif" font-size="13" '
            f'fill="#1d2430"><text x="0" y="14">{total:,} networks {size}</text>{"".join(parts)}</svg>'
        )

    def __repr__(self) -> str:
        told = ", ".join(
            words.count(len(r["seeds"]), "network") + " " + "-".join(map(str, r["sizes"]))
            for r in self._config["runs"]
        )
        return f"LossShelves({self._name}: {told})"


def _fits(name: str, run: TrainingRun, first: TrainingRun) -> None:
    """Raise where the page could not train the run's networks again."""
    if (run.target.n_inputs, run.target.n_outputs) != (2, 1):
        raise wrong(name, "a target of two inputs and one output", run.target.name)
    if run.target.name != first.target.name:
        raise wrong(name, f"the target of the first run, {first.target.name}", run.target.name)
    for setting, plain in _PLAIN.items():
        given = run.settings.get(setting, plain)
        if given != plain:
            raise wrong(name, f"a training with {setting}={plain!r}", f"{setting}={given!r}")
    if len(run.seeds) > _MOST:
        raise wrong(name, f"at most {_MOST} seeds", len(run.seeds))
    if int(run.seeds.max()) > 2**53 - 1 or run.diverged.any():
        raise wrong(name, "seeds below 2^53, of which none has diverged", "others")


def _heights(shelves: Mapping[float, str]) -> list[tuple[float, str]]:
    """The shelves, the lowest first."""
    expected = f"losses between {_LEAST} and {_HIGHEST:g} -> texts"
    for loss, text in shelves.items():
        real = isinstance(loss, (int, float, np.floating)) and not isinstance(loss, bool)
        if not real or not _LEAST < loss < _HIGHEST or not isinstance(text, str) or not text:
            raise wrong("shelves", expected, f"{shown(loss)}: {shown(text)}")
    return sorted((float(loss), text) for loss, text in shelves.items())


def _text(loss: float) -> str:
    return f"below {_LEAST:g}" if loss == _BY_HEART[0] else f"{loss:.3g}"


def _told(run: TrainingRun, heights: list[float]) -> dict[str, Any]:
    """A run as the page needs it: where each tile is on its way, and where it comes to rest."""
    last = len(run.history_steps) - 1
    rows = np.unique(np.geomspace(1, last + 1, _SAMPLES).round().astype(int) - 1)
    losses = np.maximum(np.array(run.history[rows], dtype=np.float64), _LEAST)
    losses[-1] = np.maximum(run.loss, _LEAST)
    share = np.log(losses / _LEAST) / np.log(_HIGHEST / _LEAST)
    levels = np.clip((share * (len(_LETTERS) - 1)).round(), 0, len(_LETTERS) - 1).astype(int)
    # 0 is the ground, 1 what is right where the loss looks, then the shelves, then all the rest.
    shelf = np.full(len(run.seeds), len(heights) + 2)
    for i, height in enumerate(heights):
        shelf[np.isclose(run.loss, height, rtol=_NEAR)] = i + 2
    shelf[run.loss <= _LEAST] = 1
    shelf[run.solved] = 0
    outcomes = {word: i for i, word in enumerate(OUTCOMES)}
    return {
        "sizes": list(run.layer_sizes),
        "seeds": run.seeds.tolist(),
        "steps": run.steps,
        "rate": float(run.settings["learning_rate"]),
        "times": run.history_steps[rows].tolist(),
        "falls": "".join(_LETTERS[k] for k in levels.T.ravel()),
        "shelf": "".join(_LETTERS[k] for k in shelf),
        "outcome": [outcomes[str(word)] for word in run.outcomes],
        "loss": [float(f"{a:.4g}") for a in run.loss],
    }
