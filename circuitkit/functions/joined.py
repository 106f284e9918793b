r"""Conditions written as maxima, where the pieces meet: ``x if x > 0 else 0`` is ``max(x, 0)``.

SymPy has several ways to say it: ``Piecewise``, ``x*Heaviside(x)``, ``x*sign(x)``. Each is cut into cells, by
the signs of what is compared, on each of which it is affine. It is continuous where the affine functions of any
two cells agree on all that their closures share, and then it is the largest, over the cells, of the least of
the affine functions that are at or above it there: the lattice form of a continuous piecewise-linear function.
All of that is decided in fractions. What jumps is left as it is, and said where.

Source: Ovchinnikov, "Max-min representation of piecewise linear functions" (2002).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Any, TypeAlias

import sympy
from sympy.core.relational import Equality, GreaterThan, LessThan, StrictGreaterThan, StrictLessThan

from circuitkit.simplex import multipliers
from circuitkit.words import number

__all__ = ["CONDITIONS", "Jump", "joined"]

#: how SymPy writes conditions
CONDITIONS = (sympy.Piecewise, sympy.Heaviside, sympy.sign)
#: an expression with more conditions than this is left alone, or one with more cells
_MOST_CASES = 12
_MOST_CELLS = 120

#: coefficients of the variables, and a constant
Form: TypeAlias = tuple[Fraction, ...]


class Jump(ValueError):
    """The pieces do not meet; the message says where, as in "at x = 0, from -1 to 1"."""


class _NotStraight(Exception):
    """Some piece is not affine, or nothing is said of some inputs."""


@dataclass
class _Undecided(Exception):
    """The sign of a form differs within the cell; ``exactly`` where it matters that it is 0."""

    form: Form
    exactly: bool


def joined(e: sympy.Expr) -> sympy.Expr | None:
    """``e`` without conditions; None if it has none, or too many, or is not made of straight pieces.

    Raises:
        Jump: its pieces do not meet.

    Example:
        >>> x, y = sympy.symbols("x y", real=True)
        >>> joined(sympy.Piecewise((x, x > 0), (0, True)))
        Max(0, x)
        >>> joined(1 + sympy.Piecewise((x, x > y), (y, True)))
        Max(x, y) + 1
        >>> joined(sympy.sign(x))
        Traceback (most recent call last):
        ...
        circuitkit.functions.joined.Jump: at x = 0, from -1 to 1
    """
    if not 0 < len(e.atoms(*CONDITIONS)) <= _MOST_CASES:
        return None
    try:
        return _smallest(e)
    except _NotStraight:
        return None


def _smallest(e: sympy.Expr) -> sympy.Expr:
    """Rewrites the smallest parts that are continuous: in ``y + x*Heaviside(x)`` the product."""
    if not e.has(*CONDITIONS):
        return e
    parts = [e]
    if isinstance(e, (sympy.Add, sympy.Mul, sympy.Abs, sympy.Min, sympy.Max)):
        try:
            return e.func(*map(_smallest, e.args))
        except (Jump, _NotStraight):
            if isinstance(e, sympy.Add):  # only what has conditions has to meet
                with_, without = sympy.sift(e.args, lambda a: a.has(*CONDITIONS), binary=True)
                parts = [sympy.Add(*with_), *without]
    return sympy.Add(_lattice(parts[0]), *parts[1:])


# --- cells --------------------------------------------------------------------------------------------


@dataclass
class _Cell:
    """Where some forms have the signs that ``known`` says, and what the function is there.

    Forms are kept up to a positive factor; their first coefficient is positive.
    """

    known: dict[Form, int] = field(default_factory=dict)
    value: Form = ()

    def sign(self, form: Form, *, exactly: bool) -> int:
        if not any(form[:-1]):
            return _sign(form[-1])
        unit, turn = _normal(form)
        if unit not in self.known:
            raise _Undecided(unit, exactly)
        return turn * self.known[unit]

    @property
    def is_open(self) -> bool:
        return 0 not in self.known.values()

    def rows(self, strict: bool) -> list[tuple[Form, int]]:
        """What holds in it, or on its closure: forms that are 0, at least 0 or above 0."""
        return [
            (_times(s or 1, f), 0 if s == 0 else 2 if strict else 1) for f, s in self.known.items()
        ]


def _sign(c: Fraction) -> int:
    return (c > 0) - (c < 0)


def _times(c: Fraction | int, form: Form) -> Form:
    return tuple(c * v for v in form)


def _minus(a: Form, b: Form) -> Form:
    return tuple(v - w for v, w in zip(a, b, strict=True))


def _normal(form: Form) -> tuple[Form, int]:
    first = next(c for c in form if c)
    return _times(1 / abs(first) if first > 0 else -1 / abs(first), form), _sign(first)


def _possible(rows: Iterable[tuple[Form, int]]) -> bool:
    """Whether some x has every form 0 (kind 0), at least 0 (kind 1) or above 0 (kind 2).

    If there is none, a sum of them with factors is 0, in which a form that is above 0, or the number 1,
    takes part (Motzkin's transposition theorem).
    """
    rows = list(rows)
    zero = Fraction(0)
    n = len(rows[0][0]) - 1
    sums = [(*form, Fraction(kind == 2)) for form, kind in rows]
    sums += [(*tuple(-v for v in form), zero) for form, kind in rows if kind == 0]
    sums.append((zero,) * n + (Fraction(1), Fraction(1)))
    return multipliers([zero] * (n + 1) + [Fraction(1)], sums) is None


def _cells(value: Callable[[_Cell], Form]) -> list[_Cell]:
    """All cells, with what the function is on each; the cells' closures are the whole space."""
    waiting, found = [_Cell()], []
    while waiting:
        cell = waiting.pop()
        try:
            cell.value = value(cell)
            found.append(cell)
        except _Undecided as open_:
            children = [_Cell({**cell.known, open_.form: s}) for s in (-1, 0, 1)]
            possible = [c for c in children if _possible(c.rows(strict=True))]
            sides = [c for c in possible if c.known[open_.form]]
            waiting += possible if open_.exactly or not sides else sides
        if len(waiting) + len(found) > _MOST_CELLS:
            raise _NotStraight
    return found


def _lattice(e: sympy.Expr) -> sympy.Expr:
    variables = sorted(e.free_symbols, key=lambda s: (len(s.name), s.name))
    cells = _cells(lambda cell: _Reading(variables, cell).of(e))
    cells.sort(key=lambda c: not c.is_open)
    _check(cells, variables)
    full = [c for c in cells if c.is_open]
    pieces = list(dict.fromkeys(c.value for c in full))

    def sets(sign: int) -> list[frozenset[int]]:
        """For each cell the pieces that are at or above (below) the function on all of it."""
        found = {
            frozenset(
                k
                for k, piece in enumerate(pieces)
                if piece == c.value
                or not _possible([*c.rows(strict=True), (_times(sign, _minus(c.value, piece)), 2)])
            )
            for c in full
        }
        return [s for s in found if not any(other < s for other in found)]

    spelled = [_spelled(piece, variables) for piece in pieces]
    ways = [
        (sets(sign), outer, inner)
        for sign, outer, inner in ((1, sympy.Max, sympy.Min), (-1, sympy.Min, sympy.Max))
    ]
    chosen, outer, inner = min(ways, key=lambda way: sum(map(len, way[0])))
    parts = [inner(*(spelled[k] for k in sorted(s))) for s in sorted(chosen, key=sorted)]
    if len(parts) == 2 and parts[0] == -parts[1]:  # max(t, -t) = |t|
        return sympy.Abs(parts[0]) * (1 if outer is sympy.Max else -1)
    return outer(*parts)


def _check(cells: Sequence[_Cell], variables: Sequence[sympy.Symbol]) -> None:
    """Whether the pieces agree wherever two cells' closures meet."""
    for a, b in combinations(cells, 2):
        apart = _minus(a.value, b.value)
        if not any(apart):
            continue
        both = [*a.rows(strict=False), *b.rows(strict=False)]
        if any(_possible([*both, (_times(s, apart), 2)]) for s in (1, -1)):
            raise Jump(_place(cells, a, b, variables))


def _place(cells: Sequence[_Cell], a: _Cell, b: _Cell, variables: Sequence[sympy.Symbol]) -> str:
    """Where the function jumps, and how far."""
    form = next(f for f, s in a.known.items() if f in b.known and (b.known[f] != s or s == 0))
    if len(variables) > 1:
        left, right = (_spelled(c.value, variables) for c in (a, b))
        edge = _spelled((*form[:-1], Fraction(0)), variables)
        return f"where {edge} = {number(-form[-1])}, from {left} to {right}"
    at = -form[-1] / form[0]
    values = {side: c.value[0] * at + c.value[1] for side, c in _beside(cells, at)}
    left, right = values[-1], values[1]
    here = values.get(0, left)
    hole = f", and {number(here)} there" if here not in (left, right) and left == right else ""
    steps = (
        f", from {number(left)} to {number(right)}"
        if left != right
        else f", {number(left)} around it{hole}"
    )
    return f"at {variables[0]} = {number(at)}{steps}"


def _beside(cells: Sequence[_Cell], at: Fraction) -> list[tuple[int, _Cell]]:
    """Of one variable: the cells to the left of a place, on it and to the right."""
    there = ((Fraction(1), -at), 0)
    found = []
    for side in (-1, 0, 1):
        beyond = there if side == 0 else (_times(side, there[0]), 2)
        for c in cells:
            if _possible([*c.rows(strict=side == 0), there]) and _possible(
                [*c.rows(strict=True), beyond]
            ):
                found.append((side, c))
    return found


# --- expressions --------------------------------------------------------------------------------------


class _Reading:
    """Reads the affine function that an expression is on a cell."""

    def __init__(self, variables: Sequence[sympy.Symbol], cell: _Cell) -> None:
        n = len(variables)
        units = [tuple(Fraction(j == at) for j in range(n + 1)) for at in range(n + 1)]
        self.one = units[n]
        self.known: dict[sympy.Expr, Form] = dict(zip(variables, units, strict=False))
        self.cell = cell

    def of(self, e: Any) -> Form:
        if e not in self.known:
            read = next((f for kind, f in _READ.items() if isinstance(e, kind)), None)
            if read is None:
                raise _NotStraight
            self.known[e] = read(self, e)
        return self.known[e]

    def number(self, e: Any) -> Form:
        return _times(Fraction(int(e.p), int(e.q)), self.one)

    def sum(self, e: Any) -> Form:
        columns = zip(*map(self.of, e.args), strict=True)
        return tuple(sum(column, Fraction(0)) for column in columns)

    def product(self, e: Any) -> Form:
        factor, varying = Fraction(1), self.one
        for form in map(self.of, e.args):
            if not any(form[:-1]):
                factor *= form[-1]
            elif varying is self.one:
                varying = form
            else:
                raise _NotStraight
        return _times(factor, varying)

    def extremum(self, e: Any) -> Form:
        turn = 1 if isinstance(e, sympy.Max) else -1
        best, *others = map(self.of, e.args)
        for other in others:
            if turn * self.cell.sign(_minus(other, best), exactly=False) > 0:
                best = other
        return best

    def absolute(self, e: Any) -> Form:
        inner = self.of(e.args[0])
        return _times(self.cell.sign(inner, exactly=False) or 1, inner)

    def sign(self, e: Any) -> Form:
        return _times(self.cell.sign(self.of(e.args[0]), exactly=True), self.one)

    def step(self, e: Any) -> Form:
        sign = self.cell.sign(self.of(e.args[0]), exactly=True)
        return _times((sign + 1) // 2, self.one) if sign else self.of(e.args[1])

    def cases(self, e: Any) -> Form:
        for result, condition in e.args:
            if self.is_true(condition):
                return self.of(result)
        raise _NotStraight

    def is_true(self, condition: Any) -> bool:
        if condition in (sympy.true, sympy.false):
            return bool(condition)
        if isinstance(condition, (sympy.And, sympy.Or)):
            every = all if isinstance(condition, sympy.And) else any
            return every(map(self.is_true, condition.args))
        if isinstance(condition, sympy.Not):
            return not self.is_true(condition.args[0])
        if type(condition) not in _COMPARED:
            raise _NotStraight
        apart = _minus(self.of(condition.lhs), self.of(condition.rhs))
        return self.cell.sign(apart, exactly=True) in _COMPARED[type(condition)]


_READ: dict[type, Callable[[_Reading, Any], Form]] = {
    sympy.Rational: _Reading.number, sympy.Add: _Reading.sum, sympy.Mul: _Reading.product,
    sympy.Max: _Reading.extremum, sympy.Min: _Reading.extremum, sympy.Abs: _Reading.absolute,
    sympy.sign: _Reading.sign, sympy.Heaviside: _Reading.step, sympy.Piecewise: _Reading.cases,
}  # fmt: skip
#: comparison -> the signs of left - right for which it is true
_COMPARED: dict[type, tuple[int, ...]] = {
    StrictGreaterThan: (1,), GreaterThan: (0, 1), StrictLessThan: (-1,), LessThan: (-1, 0),
    Equality: (0,), sympy.Unequality: (-1, 1),
}  # fmt: skip


def _spelled(form: Form, variables: Sequence[sympy.Symbol]) -> sympy.Expr:
    numbers = [sympy.Rational(c.numerator, c.denominator) for c in form]
    return sympy.Add(numbers[-1], *(c * v for c, v in zip(numbers[:-1], variables, strict=True)))
