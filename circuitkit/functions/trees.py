"""Expressions as plain data, from which they are made again as they were.

SymPy makes a pickled or deeply copied expression by calling its functions anew, which evaluates what was not: of
``Abs(Abs(x))`` comes ``Abs(x)``. It is the same function, but not the one whose parts a certificate numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy

__all__ = ["KeepsTrees", "Tree"]


class Tree:
    """Expressions taken apart: what each part is made by, and of which parts before it.

    Args:
        expressions: any number of SymPy objects.

    Example:
        >>> x = sympy.Symbol("x", real=True)
        >>> e = sympy.Abs(sympy.Abs(x), evaluate=False)
        >>> e.func(*e.args), *Tree([e]).expressions()
        (Abs(x), Abs(Abs(x)))
    """

    def __init__(self, expressions: Sequence[sympy.Basic]) -> None:
        number: dict[sympy.Basic, int] = {}
        # Each is (class, whether to say that nothing is to be evaluated, parts), or is there as it is.
        self._steps: list[tuple[Any, bool, tuple[int, ...]] | sympy.Basic] = []
        stack = list(reversed(expressions))  # of its own: deeper than Python's calls
        while stack:
            part = stack[-1]
            waiting = [] if part in number else [a for a in part.args if a not in number]
            if waiting:
                stack.extend(reversed(waiting))
            elif (part := stack.pop()) not in number:
                self._steps.append(_step(part, number))
                number[part] = len(number)
        self._ends = tuple(number[e] for e in expressions)

    def expressions(self) -> tuple[Any, ...]:
        """The expressions, as they were."""
        made: list[Any] = []
        for step in self._steps:
            if isinstance(step, tuple):
                kind, plain, parts = step
                made.append(_made(kind, plain, [made[k] for k in parts]))
            else:
                made.append(step)
        return tuple(made[k] for k in self._ends)


def _step(
    part: sympy.Basic, number: dict[sympy.Basic, int]
) -> tuple[Any, bool, tuple[int, ...]] | sympy.Basic:
    for plain in (True, False) if part.args else ():
        try:
            if _made(part.func, plain, part.args) == part:
                return part.func, plain, tuple(number[a] for a in part.args)
        except TypeError:  # it takes no "evaluate"
            continue
    return part


def _made(kind: Any, plain: bool, parts: Sequence[Any]) -> Any:
    return kind(*parts, evaluate=False) if plain else kind(*parts)


class KeepsTrees:
    """What comes back as it was from a pickle or a copy, with the expressions in its attributes."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: _kept(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: _again(value) for name, value in state.items()})


def _kept(value: Any) -> Any:
    """With a :class:`Tree` for each expression, in lists and the like, too."""
    if isinstance(value, sympy.Basic):
        return Tree([value])
    if type(value) in (tuple, list):
        return type(value)(map(_kept, value))
    return {k: _kept(v) for k, v in value.items()} if type(value) is dict else value


def _again(value: Any) -> Any:
    if isinstance(value, Tree):
        return value.expressions()[0]
    if type(value) in (tuple, list):
        return type(value)(map(_again, value))
    return {k: _again(v) for k, v in value.items()} if type(value) is dict else value
