r"""The functions of the catalogue as cards, and the circuit of the one that is open, to touch.

``static/gallery.mjs`` lists and filters the cards and puts one circuit at a time into the reader's hands, with the
exact verdict that every circuit of the book has.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import traitlets

from circuitkit.checks import (
    accepts,
    instance,
    made_by,
    optional,
    several,
    shown,
    string,
    wrong,
    wrong_type,
)
from circuitkit.entries import Entry, catalogue
from circuitkit.functions.page_json import target_to_json
from circuitkit.rules import RULES
from circuitkit.widget import page, still
from circuitkit.words import alternatives, count, dashes

__all__ = ["ADDED", "Gallery"]

#: what a page needs beside what all widgets share
ADDED = page.Added("gallery")
#: larger ones have a card, and no circuit to touch: a page would take too long to judge them
_INPUTS, _UNITS = 5, 40


def _names(name: str, names: Any) -> list[str]:
    """One name or several."""
    expected = "names of the catalogue"
    given = [names] if isinstance(names, str) else names
    found = several(string(), expected, fewest=1).take(name, given)
    for one in found:
        if one not in catalogue:
            raise wrong(name, expected, one)
    return list(dict.fromkeys(found))


class Gallery(page.PageWidget):
    r"""The catalogue as cards that can be filtered, each of which opens its circuit.

    A circuit can be turned as in a :class:`~circuitkit.CircuitWidget`, and its verdict follows.

    Args:
        names: which functions, in this order; by default the whole catalogue.
        notes: what else is said of a function, ``{name: {label: text}}``.
        chosen: the one that is open at first.
        caption: a sentence.

    Traits: ``chosen``, the name of the function that is open, can be set.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> Gallery(["median_of_three", "sort_two"])
        Gallery(2 functions)
    """

    _added = ADDED
    _esm = ADDED.module_source
    _css = page.style_source() + ADDED.style_source

    chosen = traitlets.Unicode("").tag(sync=True)
    _config: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    @accepts(
        names=made_by(_names, right="min", wrong=(3, "no name", [], [3])),
        notes=optional(instance(Mapping, "a dict {name: {label: text}}")),
        chosen=string(),
        caption=string(empty=True),
    )
    def __init__(
        self,
        names: str | Iterable[str] | None = None,
        *,
        notes: Mapping[str, Mapping[str, str]] | None = None,
        chosen: str | None = None,
        caption: str = "",
    ) -> None:
        self._entries = [
            catalogue[n] for n in (catalogue if names is None else _names("names", names))
        ]
        for name, told in (notes or {}).items():
            if name not in {entry.name for entry in self._entries}:
                raise wrong("notes", "names of functions that are shown", shown(name))
            if not isinstance(told, Mapping) or not all(
                isinstance(text, str) for pair in told.items() for text in pair
            ):
                raise wrong_type("notes", "a dict {name: {label: text}}", shown(notes))
        config = {
            "entries": [_told(entry, (notes or {}).get(entry.name, {})) for entry in self._entries],
            "caption": caption,
            "palette": page.palette_variables(),
        }
        config["key"] = "gallery" if names is None else page.key_of(config)
        super().__init__(_config=config)
        self.chosen = self._entries[0].name if chosen is None else chosen

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: Any) -> str:
        known = [entry.name for entry in self._entries]
        if proposal["value"] not in known:
            raise wrong("chosen", f"one of {alternatives(known)}", proposal["value"])
        return str(proposal["value"])

    def _static_html(self) -> str:
        state = {"chosen": self.chosen, "_config": {**self._config, "on_page": True}}
        return page.page_html(state, self._still(), module=ADDED.name)

    def _still(self) -> str:
        """The functions as a list: what stands there without a script."""
        rows = "".join(
            f"<li><b>{html.escape(one['title'])}</b> ({dashes(one['sizes'])}): "
            f"{html.escape(textwrap.shorten(one['expression'], 70, placeholder=' …'))}</li>"
            for one in self._config["entries"]
        )
        below = still.captions(self._config["caption"])
        return f'<div class="ck-still ck-still-text"><ul>{rows}</ul>{below}</div>'

    def __repr__(self) -> str:
        return f"Gallery({count(len(self._entries), 'function')})"


def _inputs(entry: Entry) -> str:
    """The inputs that its circuit is for."""
    if entry.bits:
        return "bits, 0 or 1"
    if not entry.domain:
        return "all numbers"
    low, high = entry.domain
    return f"numbers from {low} to {high}"


def _claim(entry: Entry) -> str:
    """What is proved of its circuit."""
    if not entry.domain:
        return "equal to the formula, exactly, for every input"
    low, high = entry.domain
    return f"within {entry.tolerance} of the formula, for inputs from {low} to {high}"


def _told(entry: Entry, notes: Mapping[str, str]) -> dict[str, Any]:
    """An entry as the page needs it."""
    told: dict[str, Any] = {
        "name": entry.name,
        "title": entry.title,
        "group": entry.group,
        "expression": entry.expression,
        "use": entry.use,
        "sizes": [entry.n_inputs, *entry.hidden, entry.n_outputs],
        "units": entry.units,
        "source": entry.source,
        "bits": entry.bits,
        "inputs": _inputs(entry),
        "proof": _claim(entry),
        "notes": [[label, text] for label, text in notes.items()],
        "net": None,
    }
    if entry.n_inputs > _INPUTS or entry.units > _UNITS:
        return told
    x = [2.0, -1.0, 1.0, -2.0, 0.5][: entry.n_inputs]
    low, high = entry.span
    if not all(low <= v <= high for v in x):
        x = [round(low + (high - low) * share, 2) for share in (0.25, 0.75, 0.5, 0.6, 0.4)]
    net = entry.circuit
    weights, biases = ([layer.tolist() for layer in layers] for layers in (net.weights, net.biases))
    return told | {
        "net": {"weights": weights, "biases": biases},
        "scale": None if net.scale == 1 else str(net.scale),
        "target": target_to_json(entry.target),
        "span": [[low, high]] * entry.n_inputs,
        "x": x[: entry.n_inputs],
        "tolerance": float(entry.tolerance) or RULES["verdict"],
        "within": entry.domain and [list(entry.domain)] * entry.n_inputs,
    }
