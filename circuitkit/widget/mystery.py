r"""Unlabelled networks to read, and a proof in the page for whoever says what they compute.

``static/mystery.mjs`` shows one network after the other and asks for its function; ``static/expression.mjs``
reads what is typed, ``static/bench.mjs`` rescales, prunes and disguises, and the page's exact verdict compares
the answer with the network itself. So no answer is sent to a page. A network can be sent to a friend as an address.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable
from typing import Any

import traitlets

from circuitkit import words
from circuitkit.checks import accepts, instance, made_by, several, string, wrong
from circuitkit.functions.page_json import target_to_json
from circuitkit.functions.target import target as as_target
from circuitkit.mysteries import Level, ladder
from circuitkit.network import Network, need_plain
from circuitkit.rules import RULES
from circuitkit.widget import page, still

__all__ = ["ADDED", "Mystery"]

#: what a page needs beside what all widgets share
ADDED = page.Added("bench", "mystery", reads=True)
#: the largest network that a page takes: inputs, hidden units, layers of weights; as in static/bench.mjs
_INPUTS, _HIDDEN, _LAYERS = 4, 40, 5


def _levels(name: str, levels: Any) -> list[Level]:
    """Levels, and networks of which nothing is said."""
    expected = "a Network or a Level, or several"
    given = [levels] if isinstance(levels, (Network, Level)) else levels
    found = several(instance((Network, Level), expected), expected, fewest=1).take(name, given)
    for k, one in enumerate(found):
        if isinstance(one, Network) and one.n_outputs != 1:
            raise wrong(f"{name}[{k}]", "a network with one output", words.dashes(one.layer_sizes))
    made = [
        one
        if isinstance(one, Level)
        else Level(f"network-{_mark(one)}", "A network", "What does it compute?", one)
        for one in found
    ]
    for k, level in enumerate(made):
        sizes = level.network.layer_sizes
        hidden = sum(sizes[1:-1])
        if not (sizes[0] <= _INPUTS and 0 < hidden <= _HIDDEN and len(sizes) - 1 <= _LAYERS):
            most = f"{_INPUTS} inputs, {_HIDDEN} hidden units and {_LAYERS} layers of weights"
            raise wrong(f"{name}[{k}]", f"a hidden layer, and at most {most}", words.dashes(sizes))
    keys = [level.key for level in made]
    if len(set(keys)) < len(keys):
        raise wrong(name, "levels with a key each", ", ".join(keys))
    return made


class Mystery(page.PageWidget):
    r"""Unlabelled networks to read one after the other, and a proof for whoever says what they compute.

    The reader turns inputs and weights, switches units off, rescales and prunes them, gives them names, and types
    a function such as ``max(x1, 2*x2)``. The page decides by its own exact arithmetic whether that *is* the network, for every input (or
    within a level's tolerance on its domain), and shows an input where it is not. Where a network claims a
    function, an input is asked for where the claim is false. Solved levels are remembered in the browser, a
    level has an address, and any small network can be made an address to send.

    Args:
        levels: a :class:`~circuitkit.mysteries.Level` or several, or networks of which nothing is said, each with one output, at most 4 inputs,
            40 hidden units and 5 layers of weights; by default the book's twelve,
            :func:`circuitkit.mysteries.ladder`.
        caption: a sentence below.

    Traits: ``level``, the key of the level that is open (empty for a friend's network), can be set; ``solved``, the keys of those
    solved here; ``verdict``, what became of the last answer, a dict with ``guess``, ``holds``, ``error`` and ``text``.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> w = Mystery()
        >>> w.level, w.network
        ('two-units', Network(1-2-1, no biases))
    """

    _added = ADDED
    _esm = ADDED.module_source
    _css = page.style_source() + ADDED.style_source

    level = traitlets.Unicode("").tag(sync=True)
    solved: traitlets.List[Any] = traitlets.List().tag(sync=True)
    verdict: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    _config: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    @accepts(
        levels=made_by(_levels, right=Network, wrong=(3, "abs", [], [3], [[1]])),
        caption=string(empty=True),
    )
    def __init__(
        self,
        levels: Network | Level | Iterable[Network | Level] | None = None,
        *,
        caption: str = "",
    ) -> None:
        self._levels = list(ladder()) if levels is None else _levels("levels", levels)
        for level in self._levels:
            need_plain("levels", level.network)
        config: dict[str, Any] = {
            "levels": [_told(level) for level in self._levels],
            "tolerance": RULES["verdict"],
            "caption": caption,
            "palette": page.palette_variables(),
        }
        # The book's own is not made of its contents: the address of a level, or of a friend's network,
        # outlives a new hint.
        config["key"] = "mystery" if levels is None else page.key_of(config)
        super().__init__(level=self._levels[0].key, _config=config)

    @property
    def network(self) -> Network | None:
        """The network of the level that is open; None for a friend's."""
        return next((one.network for one in self._levels if one.key == self.level), None)

    @traitlets.validate("level")
    def _check_level(self, proposal: Any) -> str:
        key = str(proposal["value"])
        known = [one.key for one in self._levels]
        if key and key not in known:
            raise wrong("level", f"one of {words.alternatives(known)}", key)
        return key

    def _static_html(self) -> str:
        # A reader who comes back goes on with the first level that is not solved yet.
        chosen = "" if self.level == self._levels[0].key else self.level
        state: dict[str, Any] = {"level": chosen, "solved": [], "verdict": {}}
        state["_config"] = {**self._config, "on_page": True}
        return page.page_html(state, self._still(), module=ADDED.name)

    def _still(self) -> str:
        """The first network, and what is asked about the others: what stands there without a script."""
        first = self._levels[0]
        drawing = still.figure(
            first.network,
            [3.0, -5.0, 4.0, -2.0][: first.network.n_inputs],
            {
                "show_biases": first.network.has_biases,
                "label": f"A network {words.dashes(first.network.layer_sizes)}",
                "caption": "",
                "challenge": {"prompt": first.prompt},
                "names": None,
                "input_names": None,
                "target": None,
            },
        )
        rest = "".join(
            f"<li><b>{html.escape(one.title)}</b> ({words.dashes(one.network.layer_sizes)}): {html.escape(one.prompt)}</li>"
            for one in self._levels
        )
        below = still.captions(self._config["caption"])
        return f'{drawing}<div class="ck-still ck-still-text"><ol>{rest}</ol>{below}</div>'

    def __repr__(self) -> str:
        return f"Mystery({words.count(len(self._levels), 'level')})"


def _mark(network: Network) -> str:
    """What tells a network from others, in the reader's progress."""
    return page.key_of(
        [[w.tolist() for w in network.weights], [b.tolist() for b in network.biases]]
    )


def _told(level: Level) -> dict[str, Any]:
    """A level as the page needs it: no answer, and what is told afterwards not to be read by chance."""
    names = None if level.names is None else [list(layer) for layer in level.names]
    after = json.dumps({"solved": level.solved or "You have read it.", "names": names})
    return {
        "key": level.key,
        "title": level.title,
        "prompt": level.prompt,
        "weights": [w.tolist() for w in level.network.weights],
        "biases": [b.tolist() for b in level.network.biases],
        "claim": None if level.claim is None else target_to_json(as_target(level.claim)),
        "domain": None if level.domain is None else [list(pair) for pair in level.domain],
        "tolerance": level.tolerance,
        "hints": list(level.hints),
        "revealed": base64.b64encode(after.encode()).decode(),
        "span": list(level.span),
    }
