"""What people have a name for, said by that name: medians, sorted numbers, ranges and clamps.

A tree of maxima and minima over some numbers takes one of them as its value, and which one is decided by its values at
zeros and ones alone: for a threshold t, whether the tree exceeds t depends only on which of the numbers do. So it is the
k-th largest of them exactly if it is 1 wherever k or more of the numbers are. The names are those that
:func:`circuitkit.target` reads.

Source: Knuth, "The Art of Computer Programming", vol. 3, section 5.3.4, for the principle of zeros and ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import sympy

__all__ = ["named"]

#: larger trees are not tried at every zero and one
_MOST_LEAVES = 9


def named(e: sympy.Expr | sympy.Tuple) -> sympy.Basic:
    """The expression with functions such as ``median`` in the place of what they stand for; a Tuple may become ``sort``.

    Example:
        >>> x1, x2, x3 = x = sympy.symbols("x1 x2 x3", real=True)
        >>> named(sympy.Max(sympy.Min(x1, x2), sympy.Min(x3, sympy.Max(x1, x2))) + 1)
        median(x1, x2, x3) + 1
        >>> named(sympy.Tuple(sympy.Min(x1, x2), sympy.Max(x1, x2)))
        sort(x1, x2)
        >>> named(sympy.Max(*x) - sympy.Min(*x)), named(sympy.Max(0, sympy.Min(1, x1)))
        (range(x1, x2, x3), clamp(x1, 0, 1))
    """
    if isinstance(e, sympy.Tuple):
        return _sorted(tuple(e)) or sympy.Tuple(*map(named, e))
    if isinstance(e, (sympy.Max, sympy.Min)):
        return _median(e) or _clamp(e) or e.func(*map(named, e.args), evaluate=False)
    if isinstance(e, sympy.Add):
        return _with_range(e)
    return e.func(*map(named, e.args)) if e.args else e


def _order(e: sympy.Expr) -> tuple[tuple[sympy.Expr, ...], int] | None:
    """Of which numbers it is the k-th largest, and k."""
    leaves = sorted(_leaves(e), key=str)
    n = len(leaves)
    if not 1 < n <= _MOST_LEAVES:
        return None
    place = {leaf: i for i, leaf in enumerate(leaves)}
    least = n + 1
    for ones in itertools.product((False, True), repeat=n):
        if _at(e, ones, place):
            least = min(least, sum(ones))
    for ones in itertools.product((False, True), repeat=n):
        if _at(e, ones, place) != (sum(ones) >= least):
            return None
    return tuple(leaves), least


def _leaves(e: sympy.Expr) -> set[sympy.Expr]:
    if isinstance(e, (sympy.Max, sympy.Min)):
        return set().union(*map(_leaves, e.args))
    return {e}


def _at(e: sympy.Expr, ones: Sequence[bool], place: dict[sympy.Expr, int]) -> bool:
    if isinstance(e, sympy.Max):
        return any(_at(part, ones, place) for part in e.args)
    if isinstance(e, sympy.Min):
        return all(_at(part, ones, place) for part in e.args)
    return ones[place[e]]


def _median(e: sympy.Expr) -> sympy.Expr | None:
    found = _order(e) if any(isinstance(a, (sympy.Max, sympy.Min)) for a in e.args) else None
    if found is None or 2 * found[1] != len(found[0]) + 1:
        return None
    return _call("median", found[0])


def _sorted(outputs: tuple[sympy.Expr, ...]) -> sympy.Expr | None:
    found = [_order(e) for e in outputs]
    if found[0] is None or len(found) != len(found[0][0]):
        return None
    numbers = found[0][0]
    wanted = [(numbers, k) for k in range(len(numbers), 0, -1)]
    return _call("sort", numbers) if found == wanted else None


def _clamp(e: sympy.Expr) -> sympy.Expr | None:
    """max(low, min(high, t)), min(high, max(low, t))."""
    numbers = [a for a in e.args if a.is_Rational]
    other = sympy.Min if isinstance(e, sympy.Max) else sympy.Max
    inner = [a for a in e.args if isinstance(a, other)]
    if len(e.args) != 2 or not numbers or not inner or len(inner[0].args) != 2:
        return None
    within = [a for a in inner[0].args if a.is_Rational]
    rest = [a for a in inner[0].args if not a.is_Rational]
    if len(within) != 1:
        return None
    low, high = sorted([numbers[0], within[0]])
    if (low == numbers[0]) != isinstance(e, sympy.Max):
        return None  # above 1 and below 0 there is nothing between
    return sympy.Function("clamp")(named(rest[0]), low, high)


def _with_range(e: sympy.Add) -> sympy.Expr:
    left = list(e.args)
    found = []
    for part in e.args:
        factor, largest = part.as_coeff_Mul()
        if not isinstance(largest, sympy.Max) or len(largest.args) < 3:
            continue
        other = -factor * sympy.Min(*largest.args, evaluate=False)
        if other in left and part in left:
            left.remove(part)
            left.remove(other)
            found.append(factor * _call("range", sorted(largest.args, key=str)))
    return sympy.Add(*found, *map(named, left))


def _call(name: str, numbers: Sequence[sympy.Expr]) -> sympy.Expr:
    made: sympy.Expr = sympy.Function(name)(*map(named, numbers))
    return made
