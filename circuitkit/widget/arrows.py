r"""Features as arrows in the plane, alive: drag them, or have them trained again at every move of a slider.

The network is :class:`circuitkit.superposition.Superposition` with two directions. ``static/superposing.mjs``
computes the exact worst error and trains, number for number as :mod:`circuitkit.superposition` does;
``static/arrows.mjs`` draws, in Jupyter and on a page.
"""

from __future__ import annotations

import html
import math
from typing import Any

import traitlets

from circuitkit import palette
from circuitkit.checks import (
    accepts,
    double,
    flag,
    instance,
    number,
    one_of,
    optional,
    string,
    whole,
    wrong,
)
from circuitkit.superposition import Superposition, geometry, train, worst_error
from circuitkit.widget import page, still

__all__ = ["ADDED", "FeatureArrows"]

#: what a page needs beside what all widgets share
ADDED = page.Added("picture", "superposing", "arrows")
#: features that a plane can show
_MOST = 8


class FeatureArrows(page.PageWidget):
    r"""The plane of a layer with two directions: each feature of :math:`y = \mathrm{ReLU}(W^\top W x + b)` is an arrow.

    Without ``trained`` the reader moves the arrows and one bias for all outputs, by hand or by keyboard, in steps of
    one degree, 0.02 in length and 0.01 of bias, and reads the exact worst error over all inputs with at most
    ``active`` features, with an input where it is attained. With ``trained`` five features are trained in the
    page at every move of a slider, those of :func:`circuitkit.superposition.train`.

    Args:
        model: where the arrows stand at the start: two directions, at most 8 features, one bias for all.
            None for five arrows that are not well placed.
        active: 1 or 2, how many features may be active at once.
        goal: the worst error to be reached, above 0; None for no puzzle.
        challenge: the name under which a browser remembers that the goal was reached.
        solved: what is said then.
        trained: train instead of drag.
        sparsity: where its slider starts, 0 or above and at most 0.99.
        importance: where its slider starts, from 0.5 to 1.
        seed: where the seed starts, 0 or above.
        caption: a sentence below.

    Trait: ``found``, the arrows as they stand in the page, a dict with ``weights``, ``bias``, ``worst`` and
    ``active``; empty before.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> FeatureArrows(goal=0.16)
        FeatureArrows(5 features, worst error 0.766)
    """

    _added = ADDED
    _esm = ADDED.module_source
    _css = page.style_source() + ADDED.style_source

    found: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    _config: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    @accepts(
        model=optional(instance(Superposition)),
        active=one_of(1, 2),
        goal=optional(double("a number", above=0)),
        challenge=string(),
        solved=string(),
        trained=flag(),
        sparsity=number("a chance from 0 to 0.99", least=0, fits=lambda v: v <= 0.99, bad=(1.0,), right=0.4),
        importance=number("a number from 0.5 to 1", fits=lambda v: 0.5 <= v <= 1, bad=(0.4, 1.1)),
        seed=whole(least=0, most=10**15 - 1, top="10^15 - 1"),
        caption=string(empty=True),
    )  # fmt: skip
    def __init__(
        self,
        model: Superposition | None = None,
        *,
        active: int = 1,
        goal: float | None = None,
        challenge: str = "arrows",
        solved: str = "Reached, at every input.",
        trained: bool = False,
        sparsity: float = 0.9,
        importance: float = 0.9,
        seed: int = 0,
        caption: str = "",
    ) -> None:
        settings = {"sparsity": float(sparsity), "importance": float(importance), "seed": seed}
        if trained:
            run = train(sparsity=sparsity, importance=importance, seeds=[seed])
            model = run.model(seed)
        elif model is None:
            model = _ill_placed()
        if model.n_directions != 2 or model.n_features > _MOST:
            raise wrong("model", f"two directions and at most {_MOST} features", model)
        if not trained and len(set(model.bias.tolist())) > 1:
            raise wrong("model", "one bias for all outputs", "several")
        self._shown = model
        config: dict[str, Any] = {
            "weights": model.weights.tolist(),
            "bias": model.bias.tolist(),
            "active": active,
            "goal": goal,
            "challenge": challenge,
            "solved": solved,
            "trained": settings if trained else None,
            "caption": caption,
            "palette": page.palette_variables(),
        }
        config["key"] = page.key_of(config)
        super().__init__(_config=config)

    @property
    def model(self) -> Superposition:
        """The arrows as they stand in the page, or at the start."""
        if not self.found:
            return self._shown
        return Superposition(self.found["weights"], self.found["bias"])

    def _static_html(self) -> str:
        state = {"found": {}, "_config": {**self._config, "on_page": True}}
        return page.page_html(state, self._still(), module=ADDED.name)

    def _still(self) -> str:
        """The arrows at the start: what stands there without a script, and in print."""
        model, config = self._shown, self._config
        errors = [worst_error(model, s) for s in (1, 2)]
        sentence = (
            f"{model.n_features} features as arrows in the plane ({geometry(model.weights)}). The exact worst "
            f"error is {errors[0]:.3f} with one active feature, {errors[1]:.3f} with two."
        )
        if config["goal"] is not None:
            sentence += f" The goal: at most {config['goal']:g}."
        texts = still.captions(sentence, config["caption"])
        return f'<figure class="ck-still">{_drawing(model, sentence)}{texts}</figure>'

    def __repr__(self) -> str:
        worst = worst_error(self._shown, self._config["active"])
        return f"FeatureArrows({self._shown.n_features} features, worst error {worst:.3g})"


def _ill_placed() -> Superposition:
    """Five arrows that crowd on one side."""
    angles = [math.radians(a) for a in (10, 50, 90, 150, 260)]
    return Superposition([[math.cos(a) for a in angles], [math.sin(a) for a in angles]])


#: of the still picture: pixels a side, how far the plane reaches
_SIZE, _REACH = 300, 1.5


def _drawing(model: Superposition, label: str) -> str:
    """The arrows as inline SVG."""

    def at(v: float, w: float) -> tuple[float, float]:
        return (v + _REACH) / (2 * _REACH) * _SIZE, (_REACH - w) / (2 * _REACH) * _SIZE

    half, radius = _SIZE / 2, _SIZE / (2 * _REACH)
    parts = [
        f'<circle cx="{half}" cy="{half}" r="{radius:.1f}" fill="none" stroke="{palette.HIDDEN}" '
        'stroke-dasharray="3 4"/>'
    ]
    for i, (v, w) in enumerate(model.weights.T.tolist()):
        px, py = at(v, w)
        parts.append(
            f'<line x1="{half}" y1="{half}" x2="{px:.1f}" y2="{py:.1f}" stroke="{palette.NETWORK}" '
            f'stroke-width="4"/><circle cx="{px:.1f}" cy="{py:.1f}" r="12" fill="{palette.NETWORK}"/>'
            f'<text x="{px:.1f}" y="{py + 5:.1f}" fill="#ffffff">{i + 1}</text>'
        )
    return (
        f'<svg viewBox="0 0 {_SIZE} {_SIZE}" width="{_SIZE}" height="{_SIZE}" role="img" '
        f'aria-label="{html.escape(label)}" text-anchor="middle" font-family="system-ui, sans-serif" '
        f'font-size="14" font-weight="700">{"".join(parts)}</svg>'
    )
