"""What the book's chapters use to keep their word: :func:`claim`, :func:`quoted` and :func:`seeds`.

A sentence with a measured number in it is not typed into the text. Its cell says it:

>>> from circuitkit.book import claim
>>> claim("Of {n} networks {solved} found the circuit: fewer than half.", n=1024, solved=(0, 473, 511))
Of 1024 networks 473 found the circuit: fewer than half.

The reader gets the sentence with the number in it, wherever the chapter is read. The author says
between which values the words stay true, and a chapter whose words are not true stops:

>>> claim("Fewer than {solved}, not even half.", solved=(0, 530, 511))
Traceback (most recent call last):
...
circuitkit.book.ClaimFailed: "Fewer than 530, not even half." is not true: solved is 530, and the words hold from 0 to 511

``python scripts/claims.py`` executes the chapters again from other base seeds and tells for each
claim whether its words still hold.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuitkit.checks import accepts, shown, string, whole, wrong

__all__ = ["ClaimFailed", "claim", "quoted", "seeds"]

#: Moves every seed that the chapters count from, to measure their claims on other seeds.
BASE_SEED = "CIRCUITKIT_BASE_SEED"

# {name}, {name.attribute} or {name:format}, but not the braces of a role such as {term}`weight`.
_PLACE = re.compile(r"\{([A-Za-z_]\w*)((?:\.[A-Za-z]\w*)*)(:[^{}]*)?\}(?!`)")


class ClaimFailed(Exception):
    """A sentence of the book is not true of what was measured."""


@accepts(count=whole(least=1), start=whole(least=0))
def seeds(count: int, start: int = 0) -> range:
    """The seeds ``start, ..., start + count - 1``, counted from the book's base seed.

    The base seed is 0, so that a reader can replay each seed by its number; the environment
    variable ``CIRCUITKIT_BASE_SEED`` sets another, to measure a chapter's claims again on seeds
    that nobody has looked at.

    Args:
        count: how many, at least 1.
        start: the first, at least 0.

    Raises:
        TypeError, ValueError: if one of them, or the environment variable, is no such number.

    Example:
        >>> seeds(1024)
        range(0, 1024)
        >>> seeds(64, start=1000)
        range(1000, 1064)
    """
    given = os.environ.get(BASE_SEED, "0")
    if not given.isdecimal():
        raise wrong(f"the environment variable {BASE_SEED}", "a whole number", repr(given))
    first = int(given) + start
    return range(first, first + count)


@accepts(sentence=string("a sentence"))
def claim(sentence: str, /, **measured: Any) -> None:
    """Say a sentence with its numbers in it, and hold it to the bounds within which it is true.

    ``{name}`` in the sentence is replaced by what was measured, ``{name:.2f}`` by it in that format,
    ``{name.low}`` by an attribute of it; other braces, as of a formula, stay. A percentage gets the
    space that it has in the text: 95 %. The sentence is Markdown with ``$formulas$``, a paragraph or
    a table if need be; its indentation does not count. Roles do not belong in it: outside the built
    page an output shows them as they are typed.

    Args:
        sentence: what is claimed, in words.
        **measured: by name, one of

            - ``(low, value, high)``: the words stay true while low <= value <= high;
            - a bool: the words are true if it is;
            - anything else is shown and not checked, such as the number of seeds.

    Raises:
        ClaimFailed: if the words are not true of a value; the sentence is shown all the same.
        TypeError: if the sentence is no text.
        ValueError: if the sentence names something that was not measured, or nothing is checked,
            or a value is neither shown nor checked.

    Example:
        >>> claim("It took {steps:,} steps, well over a thousand.", steps=(1500, 4210, 9999))
        It took 4,210 steps, well over a thousand.
        >>> claim("The second is the faster one.", faster=2.5 < 3.5)
        The second is the faster one.
    """
    sentence = inspect.cleandoc(sentence)
    checks: dict[str, dict[str, Any]] = {}
    values: dict[str, Any] = {}
    for name, given in measured.items():
        if isinstance(given, tuple):
            if len(given) != 3:
                raise wrong(name, "a bound (low, value, high)", shown(given))
            low, value, high = given
            holds = bool(low <= value <= high)
            checks[name] = {"value": value, "low": low, "high": high, "holds": holds}
        elif isinstance(given, bool | np.bool_):
            value = bool(given)
            checks[name] = {"value": value, "holds": value}
        else:
            value = given
        values[name] = value
    if not checks:
        expected = "a number (low, value, high), or a bool, for something in it"
        raise wrong("sentence", expected, f"nothing that is checked in {sentence!r}")
    named, words = _fill(sentence, values)
    if idle := set(values) - named - set(checks):
        raise wrong(min(idle), "something that the sentence shows, or that is checked", "neither")
    said = _Claim(words, " ".join(sentence.split()), checks)
    _display(said)
    if not said.holds:
        raise ClaimFailed(f'"{words}" is not true: {said.reason}')


#: what Markdown would take for emphasis, code, math, a link or a tag
_MARKS = re.compile(r"([\\`*_$\[\]<>])")


def quoted(words: object) -> Any:
    r"""What a program says, in the running text, letter by letter.

    Args:
        words: anything; ``str(words)`` is shown. An empty line begins a paragraph.

    Returns:
        Markdown in which ``*`` is a star and no emphasis.

    Example:
        >>> quoted("abs(-3*x1 + 4*x2)").data
        'abs(-3\\*x1 + 4\\*x2)'
    """
    from IPython.display import Markdown

    return Markdown(_MARKS.sub(r"\\\1", str(words)))  # type: ignore[no-untyped-call]


def _fill(sentence: str, values: Mapping[str, Any]) -> tuple[set[str], str]:
    """The names that the sentence shows, and the sentence with their values in it."""
    shown = set()

    def put(place: re.Match[str]) -> str:
        name, attributes, spec = place.groups()
        if name not in values:
            if spec is None:  # the braces of a formula
                return place[0]
            raise wrong("sentence", "what was measured", f"{place[0]}, and no {name!r} was")
        shown.add(name)
        value = values[name]
        for attribute in attributes.split(".")[1:]:
            value = getattr(value, attribute)
        said = format(value, (spec or ":")[1:])
        return f"{said[:-1]}\N{NO-BREAK SPACE}%" if said.endswith("%") else said

    return shown, _PLACE.sub(put, sentence)


@dataclass(frozen=True, repr=False)
class _Claim:
    """A sentence as it is displayed; its output carries what was checked."""

    words: str
    template: str
    checks: Mapping[str, Mapping[str, Any]]

    @property
    def holds(self) -> bool:
        return all(check["holds"] for check in self.checks.values())

    @property
    def reason(self) -> str:
        reasons = []
        for name, check in self.checks.items():
            if check["holds"]:
                continue
            if "low" not in check:
                reasons.append(f"{name} is false")
                continue
            reasons.append(
                f"{name} is {check['value']:.6g}, "
                f"and the words hold from {check['low']:.6g} to {check['high']:.6g}"
            )
        return "; ".join(reasons)

    def __repr__(self) -> str:
        return self.words

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        checks = [
            {"name": name}
            | {key: v if isinstance(v, bool) else float(v) for key, v in check.items()}
            for name, check in self.checks.items()
        ]
        record = {"sentence": self.template, "holds": self.holds, "checks": checks}
        return {"text/markdown": self.words, "text/plain": self.words}, {"claim": record}


def _display(said: _Claim) -> None:
    from IPython.display import display  # not needed by who only imports

    display(said)  # type: ignore[no-untyped-call]
