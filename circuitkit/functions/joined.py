r"""Conditions written as maxima, where the pieces meet: ``x if x > 0 else 0`` is ``max(x, 0)``.

SymPy has several ways to say it: ``Piecewise``, ``x*Heaviside(x)``, ``x*sign(x)``. What jumps is left as it is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import sympy
from sympy.core.relational import Relational

__all__ = ["CONDITIONS", "joined"]

#: how SymPy writes conditions
CONDITIONS = (sympy.Piecewise, sympy.Heaviside, sympy.sign)
#: an expression with more conditions than this is left alone
_MOST_CASES = 12


def joined(e: sympy.Expr) -> sympy.Expr | None:
    """``e`` without conditions; None if it has none, jumps, or is no sum of straight pieces.

    Example:
        >>> x, y = sympy.symbols("x y", real=True)
        >>> joined(sympy.Piecewise((x, x > 0), (0, True)))
        Max(0, x)
        >>> joined(sympy.Piecewise((x, x > y), (y, True)))
        y + Max(0, x - y)
        >>> joined(sympy.sign(x))
    """
    if not 0 < len(e.atoms(*CONDITIONS)) <= _MOST_CASES:
        return None
    e = e.replace(
        lambda part: isinstance(part, (sympy.Heaviside, sympy.sign)),
        lambda part: part.rewrite(sympy.Piecewise),
    )
    e = e.replace(
        lambda part: isinstance(part, sympy.Mul) and part.has(sympy.Piecewise), sympy.piecewise_fold
    )
    made: dict[sympy.Expr, sympy.Expr] = {}
    for part in e.atoms(sympy.Piecewise):
        one = part.free_symbols
        whole = _on_a_line(part, *one) if len(one) == 1 else _of_two_sides(part)
        if whole is None:
            return None
        made[part] = whole
    return e.xreplace(made)


def _on_a_line(cases: sympy.Piecewise, x: sympy.Symbol) -> sympy.Expr | None:
    """Straight pieces of one variable: the first, and a kink of each change of slope."""
    places: set[sympy.Rational] = set()
    for relation in cases.atoms(Relational):
        at = _line(relation.lhs - relation.rhs, x)
        if at is None:
            return None
        if at[0]:
            places.add(-at[1] / at[0])
    kinks = sorted(places)
    if not kinks:
        return None
    between = [kinks[0] - 1, *((a + b) / 2 for a, b in pairwise(kinks)), kinks[-1] + 1]
    lines = [_line(_chosen(cases, x, at), x) for at in between]
    if any(line is None for line in lines):
        return None
    total: sympy.Expr | None = None
    for place, (left, right) in zip(kinks, pairwise(lines), strict=True):
        if left is None or right is None:
            return None
        height = left[0] * place + left[1]
        there = _chosen(cases, x, place)
        if height != right[0] * place + right[1] or there is None or there.subs(x, place) != height:
            return None  # it jumps
        total = left[0] * x + left[1] if total is None else total
        total += (right[0] - left[0]) * sympy.Max(x - place, 0)
    return total


def _chosen(cases: sympy.Piecewise, x: sympy.Symbol, at: sympy.Rational) -> sympy.Expr | None:
    """The expression that holds at a place."""
    for e, condition in cases.args:
        if condition.subs(x, at) == sympy.true:
            return e
    return None


def _line(e: sympy.Expr | None, x: sympy.Symbol) -> tuple[Any, Any] | None:
    """Slope and constant, both fractions, of an expression that has no more to it."""
    if e is None:
        return None
    e = sympy.expand(e)
    slope = e.coeff(x, 1)
    constant = e - slope * x
    return (slope, constant) if slope.is_Rational and constant.is_Rational else None


def _of_two_sides(cases: sympy.Piecewise) -> sympy.Expr | None:
    """``a if t > 0 else b`` is b + c max(t, 0) where a - b is c t: they meet where t is 0."""
    if len(cases.args) != 2 or cases.args[1][1] != sympy.true:
        return None
    (a, condition), (b, _) = cases.args
    if isinstance(condition, (sympy.StrictGreaterThan, sympy.GreaterThan)):
        t = sympy.expand(condition.lhs - condition.rhs)
    elif isinstance(condition, (sympy.StrictLessThan, sympy.LessThan)):
        t = sympy.expand(condition.rhs - condition.lhs)
    else:
        return None
    difference = sympy.expand(a - b)
    x = min(t.free_symbols, key=str)
    if not t.coeff(x, 1).is_Rational or not t.coeff(x, 1):
        return None
    factor = difference.coeff(x, 1) / t.coeff(x, 1)
    if not factor.is_Rational or sympy.expand(difference - factor * t) != 0:
        return None
    return b + factor * sympy.Max(t, 0)
