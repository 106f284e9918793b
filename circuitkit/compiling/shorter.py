"""Shorter ways to write what the linear regions spell at length: ranges."""

from __future__ import annotations

import itertools

import sympy

__all__ = ["shorter"]


def shorter(e: sympy.Expr) -> sympy.Expr:
    """The expression with its ranges written as a largest minus a smallest number.

    The largest distance between any two of some numbers is their range. This is a way of writing; whoever uses it has
    the result proved.

    Example:
        >>> x1, x2, x3 = sympy.symbols("x1 x2 x3", real=True)
        >>> shorter(sympy.Max(abs(x1 - x2), abs(x1 - x3), abs(x2 - x3)))
        Max(x1, x2, x3) - Min(x1, x2, x3)
    """
    found: sympy.Expr = e.replace(
        lambda part: isinstance(part, sympy.Max) and len(part.args) > 2, _range
    )
    return found


def _range(part: sympy.Max) -> sympy.Expr:
    if not all(isinstance(a, sympy.Abs) and a.args[0].is_Add for a in part.args):
        return part
    differences = [a.args[0] for a in part.args]
    points = set()
    for d in differences:
        rises = [t for t in d.args if not t.could_extract_minus_sign()]
        points |= {sympy.Add(*rises), sympy.Add(*rises) - d}
    numbers = sorted(points, key=str)
    wanted = {frozenset((a - b, b - a)) for a, b in itertools.combinations(numbers, 2)}
    if wanted != {frozenset((d, -d)) for d in differences}:
        return part
    return sympy.Max(*numbers, evaluate=False) - sympy.Min(*numbers, evaluate=False)
