r"""The catalogue: functions with a name, each with its circuit and the proof that it is one.

What is told of them is data, :mod:`circuitkit.functions.catalogue`; the circuits are the ones derived by hand
(:mod:`circuitkit.circuits`) or compiled from the expression.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from circuitkit import circuits
from circuitkit.checks import shown
from circuitkit.compiling.approximate import Approximation, approximate
from circuitkit.compiling.compile import compile_expression
from circuitkit.functions.catalogue import ROWS
from circuitkit.functions.target import Target, target
from circuitkit.network import Network
from circuitkit.proof.prove import prove
from circuitkit.proof.verdict import Proof
from circuitkit.words import alternatives, dashes

__all__ = ["Catalogue", "Entry", "catalogue"]

#: where the size comes from
_SOURCES = {
    "deck": "the deck",
    "here": "best found here",
    "least": "none has fewer in one hidden layer",
    "depth": "best found here, see the chapter on depth",
    "near": "as ck.approximate builds it",
}


def made(name: str) -> Network:
    """The circuit of a function: derived by hand, or compiled from its expression."""
    row = ROWS[name]
    by_hand = circuits.DERIVED.get(name)
    if by_hand is not None:
        return by_hand()
    if "tolerance" in row:
        return near(name).network
    f = target(name)
    # A function without a kink needs no hidden layer; its circuit has one, as the deck's have.
    hidden = None if f.pieces.nodes else row["hidden"]
    return compile_expression(f, hidden=hidden)


def near(name: str) -> Approximation:
    """The network near a function that is not made of straight pieces, with its proved bound."""
    row, f = ROWS[name], target(name)
    box = [tuple(row["domain"])] * f.n_inputs
    return approximate(f, box, tolerance=Fraction(row["tolerance"]))


@dataclass(frozen=True)
class Entry:
    r"""A function of the catalogue.

    Attributes:
        name: what :func:`circuitkit.target` and :func:`circuitkit.circuit` know it by.
        group: the field that it belongs to, such as ``"order statistics"``.
        expression: in the language of :func:`circuitkit.target`.
        use: what it is good for, in a line.
        hidden: the widths of the hidden layers of the smallest circuit known.
        source: where that size comes from.
        bits: whether it is meant for bits, inputs of 0 and 1; circuit and expression are equal elsewhere, too.
        span: the inputs that are worth a look.
        domain: None for every input; of what is not made of straight pieces the interval of each input on which
            the circuit is within ``tolerance`` of it.
        tolerance: how far the circuit is off at most, 0 or above; 0 where they are equal.

    Example:
        >>> from circuitkit.entries import catalogue
        >>> entry = catalogue["soft_threshold"]
        >>> entry.group, entry.expression, entry.hidden
        ('sparse coding', 'x - clamp(x, -1, 1)', (2,))
        >>> print(entry.proof)
        Proved: ...
    """

    name: str
    group: str
    expression: str
    use: str
    hidden: tuple[int, ...]
    source: str
    bits: bool = False
    span: tuple[float, float] = (-3.0, 3.0)
    domain: tuple[float, float] | None = None
    tolerance: Fraction = Fraction(0)

    @property
    def title(self) -> str:
        """The name with its words apart."""
        return self.name.replace("_", " ")

    @cached_property
    def target(self) -> Target:
        """The function."""
        return target(self.name)

    @property
    def n_inputs(self) -> int:
        """How many numbers it takes."""
        return self.target.n_inputs

    @property
    def n_outputs(self) -> int:
        """How many numbers it gives."""
        return self.target.n_outputs

    @property
    def units(self) -> int:
        """How many hidden units its circuit has."""
        return sum(self.hidden)

    @cached_property
    def circuit(self) -> Network:
        """The smallest network known that is this function."""
        return made(self.name)

    @cached_property
    def proof(self) -> Proof | Approximation:
        """The proof, exact, that the circuit is the function for every input; for others the proved bound.

        Raises:
            Undecided: it takes longer than a minute.
        """
        return near(self.name) if self.tolerance else prove(self.circuit, self.target)

    def __repr__(self) -> str:
        sizes = dashes((self.n_inputs, *self.hidden, self.n_outputs))
        where = " for bits" if self.bits else ""
        return f"Entry({self.name}: {self.target}{where}, {sizes})"


class Catalogue(Mapping[str, Entry]):
    """The entries by their names, in order.

    Example:
        >>> catalogue["max"].circuit
        Network(2-3-1, no biases)
        >>> [entry.name for entry in catalogue.values() if entry.group == "rectifiers"][:3]
        ['positive_part', 'negative_part', 'leaky_part']
    """

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            KeyError: there is none; close matches are listed.
        """
        if isinstance(name, str) and name in self._entries:
            return self._entries[name]
        text = name if isinstance(name, str) else ""
        close = difflib.get_close_matches(text, self._entries, n=3)
        hint = f"; did you mean {alternatives(close)}?" if close else ""
        raise KeyError(f"no function called {shown(name)} in the catalogue{hint}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def groups(self) -> tuple[str, ...]:
        """The fields that the functions belong to, in order."""
        return tuple(dict.fromkeys(entry.group for entry in self._entries.values()))

    def __repr__(self) -> str:
        return f"Catalogue({len(self)} functions in {len(self.groups)} groups)"


def _entry(name: str, row: Mapping[str, Any]) -> Entry:
    told = {key: row[key] for key in ("group", "expression", "use")}
    span = tuple(row.get("span", (-3.0, 3.0)))
    return Entry(
        name, **told, hidden=tuple(row["hidden"]), source=_SOURCES[row["source"]],
        bits=row.get("bits", False), span=span,
        domain=tuple(row["domain"]) if "domain" in row else None,
        tolerance=Fraction(row.get("tolerance", 0)),
    )  # fmt: skip


#: every function with a name
catalogue = Catalogue({name: _entry(name, row) for name, row in ROWS.items()})
