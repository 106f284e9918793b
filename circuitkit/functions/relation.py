"""Relations between a network's outputs and its inputs: ``"y1 <= y2 and y1 > x1 + 1"``.

The outputs are ``y`` (of a network with one) or ``y1, y2, ...``, the inputs ``x`` or ``x1, x2, ...``. As
everywhere in the book text is read by a parser of its own and never evaluated as Python.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import sympy

from circuitkit.checks import wrong
from circuitkit.functions import language
from circuitkit.functions.target import spelled
from circuitkit.functions.trees import KeepsTrees
from circuitkit.words import quoted

__all__ = ["Part", "Relation", "is_relation", "relation"]

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.LtE: "<=", ast.GtE: ">=", ast.Lt: "<", ast.Gt: ">", ast.Eq: "==",
}  # fmt: skip


@dataclass(frozen=True)
class Part(KeepsTrees):
    """``left <sign> right``, where the sign is one of ``<= >= < > ==``.

    Attributes:
        left: one side.
        sign: how it compares.
        right: the other side.
        said: how the part was written, for a sentence.
    """

    left: sympy.Expr
    sign: str
    right: sympy.Expr
    said: str

    @property
    def is_strict(self) -> bool:
        """Whether equality is not enough."""
        return self.sign in ("<", ">")

    def __str__(self) -> str:
        return f"{spelled(self.left)} {self.sign} {spelled(self.right)}"


@dataclass(frozen=True)
class Relation:
    """Inequalities and equations that are to hold together.

    Attributes:
        parts: what is to hold.
        text: how it was written.
    """

    parts: tuple[Part, ...]
    text: str

    @cached_property
    def _names(self) -> list[str]:
        sides = [e for part in self.parts for e in (part.left, part.right)]
        return sorted({s.name for e in sides for s in e.free_symbols})

    @property
    def n_inputs(self) -> int:
        """The inputs it needs at least."""
        return max((_index(name) for name in self._names if name[0] == "x"), default=0)

    @property
    def n_outputs(self) -> int:
        """The outputs it needs at least."""
        return max((_index(name) for name in self._names if name[0] == "y"), default=0)

    @property
    def spelled(self) -> str:
        """The parts, written out one after the other."""
        return " and ".join(map(str, self.parts))

    def symbol(self, letter: str, index: int) -> sympy.Symbol:
        """The variable for input (``x``) or output (``y``) number ``index``, counted from 0."""
        plain = index == 0 and letter in self._names
        return sympy.Symbol(letter if plain else f"{letter}{index + 1}", real=True)

    def __str__(self) -> str:
        return self.text


def is_relation(text: str) -> bool:
    """Whether text compares something as a whole: ``x if x > 0 else 0`` is a function."""
    try:
        return isinstance(language.tree(language.checked(text)), ast.Compare | ast.BoolOp)
    except ValueError:
        return False


def relation(text: str) -> Relation:
    """Read a relation.

    Raises:
        ValueError: it is not one, or compares nothing with an output; it says what cannot be read.

    Example:
        >>> found = relation("y1 <= y2 < 3 and y1 > 2*x1")
        >>> [str(part) for part in found.parts]
        ['y1 <= y2', 'y2 < 3', 'y1 > 2*x1']
    """
    text = language.checked(text)
    parts = _parts(language.tree(text), text)
    found = Relation(tuple(parts), text.strip())
    names = found._names
    for letter in "xy":
        if letter in names and any(name[0] == letter and name != letter for name in names):
            raise wrong(
                "target", f"{letter}, or {letter}1, {letter}2, ...", f"both in {quoted(text)}"
            )
    if found.n_outputs == 0:
        raise wrong(
            "target",
            "a relation of the outputs y (or y1, y2, ...)",
            f"{quoted(text)}; for a function leave out the comparison",
        )
    return found


def _parts(node: ast.expr, text: str) -> list[Part]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return [part for value in node.values for part in _parts(value, text)]
    if not isinstance(node, ast.Compare):
        raise ValueError(
            f"target: cannot read {text!r}: expected comparisons (<= >= < > ==), joined by 'and'"
        )
    nodes = (node.left, *node.comparators)
    sides: Sequence[sympy.Expr] = [language.expression(n, text, letters="xy") for n in nodes]
    typed = [ast.get_source_segment(text, n) or "" for n in nodes]
    made = []
    for op, (left, right), ends in zip(node.ops, pairwise(sides), pairwise(typed), strict=True):
        if type(op) not in _SIGNS:
            raise ValueError(f"target: cannot read {text!r}: expected <= >= < > or ==")
        sign = _SIGNS[type(op)]
        made.append(Part(left, sign, right, f" {sign} ".join(ends)))
    return made


def _index(name: str) -> int:
    return int(name[1:] or 1)
