"""Shorter ways to write a clean function than the one that its kinks spell at length.

:func:`circuitkit.exact.spell.expression` writes a function kink by kink, or region by region. Here the kinks are put into
groups, each a maximum or minimum inside which others lie; the pieces of a group, few as a rule, become the fewest minima and
maxima (:mod:`.lattices`); a linear part that moves between the groups is put where it leaves the least to write. All are
guesses from samples. What is shorter than the plain way is returned as a candidate; whoever uses it has it proved.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.compiling.lattices import MOST_PIECES, Node, Tree, trees, with_absolutes
from circuitkit.exact.canonical import CanonicalForm, ordered
from circuitkit.exact.regions import OutOfTime, look_at_the_clock
from circuitkit.exact.spell import expression, shortest, size
from circuitkit.functions.pieces import Row, combined, content
from circuitkit.words import nearest_float

__all__ = ["shorter"]

Array = NDArray[np.float64]
#: a linear part: the inputs' coefficients and the constant
_Linear = tuple[Fraction, ...]

_SAMPLES = 1200
#: functions of more kinks are left as they are spelled
_MOST_KINKS = 24
#: so many ways to share out kinks among groups, and to take single kinks out, are tried
_MOST_SHARES, _MOST_ALONE = 12, 8
#: so many places for the linear part of a group
_MOST_SHIFTS = 4


@np.errstate(all="ignore")  # samples suggest, and weights may be as large as doubles are
def shorter(
    form: CanonicalForm,
    variables: Sequence[sympy.Symbol],
    plain: sympy.Expr,
    *,
    deadline: float = math.inf,
) -> sympy.Expr:
    """The shortest way found to write a function of one output, unproved; ``plain`` where there is none shorter.

    Args:
        form: the function.
        variables: one real symbol an input.
        plain: the function as it is spelled.
        deadline: the value of ``time.monotonic()`` after which no further way is tried.

    Example:
        >>> from circuitkit import compile_expression
        >>> from circuitkit.exact.canonical import canonical_form
        >>> x = sympy.Symbol("x", real=True)
        >>> form = canonical_form(compile_expression("min(abs(2*x - 1), abs(10*x/3 - 2))"))
        >>> plain = expression(form, [x])
        >>> size(plain), shorter(form, [x], plain)
        (31, Min(Abs(2*x - 1), Abs(10*x/3 - 2)))
    """
    found = [plain]
    if 0 < form.n_kinks <= _MOST_KINKS:
        try:
            for e in _Search(form, tuple(variables), deadline).candidates():
                found.append(e)
                look_at_the_clock(deadline)
        except OutOfTime:
            pass
    best = shortest(found)
    return shortest([best, with_ranges(best)])


def with_ranges(e: sympy.Expr) -> sympy.Expr:
    """The expression with its ranges written as a largest minus a smallest number.

    The largest distance between any two of some numbers is their range.

    Example:
        >>> x1, x2, x3 = sympy.symbols("x1 x2 x3", real=True)
        >>> with_ranges(sympy.Max(abs(x1 - x2), abs(x1 - x3), abs(x2 - x3)))
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


@dataclass(frozen=True)
class _Group:
    """A linear function plus multiples of kinks: what will be written as one maximum or minimum."""

    kinks: tuple[tuple[int, Fraction], ...]
    linear: Row = ()


class _Search:
    def __init__(
        self, form: CanonicalForm, variables: tuple[sympy.Symbol, ...], deadline: float
    ) -> None:
        self.form, self.variables, self.deadline = form, variables, deadline
        self.n = form.n_inputs
        (row,) = form.outputs
        self.linear: Row = tuple((j, c) for j, c in row if j <= self.n)
        self.kinks = {j - self.n - 1: c for j, c in row if j > self.n}
        self.known: dict[_Group, list[_Written]] = {}

    # --- at samples -------------------------------------------------------------------------------------

    @cached_property
    def x(self) -> Array:
        """Points and 1."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(_SAMPLES, self.n)) * rng.choice([0.5, 2.0, 8.0], size=(_SAMPLES, 1))
        if self.n == 1:
            x = np.concatenate([x, np.linspace(-12, 12, 961)[:, None] + 1e-3])
        return np.column_stack([x, np.ones(len(x))])

    @cached_property
    def nodes(self) -> tuple[list[Array], list[Array]]:
        """Each kink's value and gradient (with respect to the inputs and 1) at the samples."""
        values: list[Array] = []
        gradients: list[Array] = []
        for row in self.form.nodes:
            value, gradient = self.sum(row, values, gradients)
            values.append(np.abs(value))
            gradients.append(np.sign(value)[:, None] * gradient)
        return values, gradients

    def sum(
        self, row: Iterable[tuple[int, Fraction]], values: list[Array], gradients: list[Array]
    ) -> tuple[Array, Array]:
        total, slope = np.zeros(len(self.x)), np.zeros(self.x.shape)
        for j, c in row:
            factor = nearest_float(c)
            if j <= self.n:
                total += factor * self.x[:, j]
                slope[:, j] += factor
            else:
                total += factor * values[j - self.n - 1]
                slope += factor * gradients[j - self.n - 1]
        return total, slope

    def exact(self, row: Row, at: int) -> Row:
        """The piece of a row that holds at a sample."""
        known: dict[int, Row] = {}

        def piece(row: Row) -> Row:
            parts: list[tuple[Fraction, Row]] = [
                (c, ((j, Fraction(1)),)) for j, c in row if j <= self.n
            ]
            parts += [(c, kink(j - self.n - 1)) for j, c in row if j > self.n]
            return combined(*parts)

        def kink(k: int) -> Row:
            if k not in known:
                inside = piece(self.form.nodes[k])
                sign = sum(nearest_float(c) * self.x[at, j] for j, c in inside)
                known[k] = combined((Fraction(1 if sign > 0 else -1), inside))
            return known[k]

        return piece(row)

    # --- groups -----------------------------------------------------------------------------------------

    def candidates(self) -> Iterator[sympy.Expr]:
        """The whole as one maximum or minimum, with some kinks apart, and as a sum of several."""
        alone = [k for k in self.kinks if self.form.depths[k] == 1]
        leave: list[tuple[int, ...]] = [()]
        leave += [(k,) for k in alone[:_MOST_ALONE]]
        leave += list(itertools.combinations(alone[: _MOST_ALONE // 2], 2))
        if self.kinks:
            for apart in leave:
                rest = {k: c for k, c in self.kinks.items() if k not in apart}
                if rest and (apart or len(self.kinks) == len(rest)):
                    yield from self.sums([_Group(tuple(rest.items()), self.linear)], ())
        for shared in itertools.islice(self.shares(), _MOST_SHARES):
            yield from self.sums(shared, self.linear)

    def shares(self) -> Iterator[list[_Group]]:
        """Groups of one outermost kink each, with those inside it, in such shares that they vanish on one side of it.

        In :math:`\\max(u, v) = (u + v + |u - v|)/2` a kink of u or v has, beside the outer one, its own share or its
        negative of what it has inside.
        """
        inside = {
            k: {j - self.n - 1: abs(c * v) for j, v in self.form.nodes[k] if j > self.n}
            for k, c in self.kinks.items()
        }
        deep = [k for k in self.kinks if inside[k]]
        outer = [k for k in deep if not any(k in inside[other] for other in deep)]
        if not outer:
            return
        claims: dict[int, list[int]] = {}
        for k in outer:
            for j in inside[k]:
                claims.setdefault(j, []).append(k)
        options = [
            self.parts(self.kinks.get(j, Fraction(0)), [inside[k][j] for k in who])
            for j, who in claims.items()
        ]
        for chosen in itertools.product(*options):
            members: dict[int, dict[int, Fraction]] = {k: {k: self.kinks[k]} for k in outer}
            for (j, who), parts in zip(claims.items(), chosen, strict=True):
                for k, part in zip(who, parts, strict=True):
                    if part:
                        members[k][j] = part
            yield [_Group(tuple(sorted(m.items()))) for m in members.values()]

    def parts(self, coefficient: Fraction, sizes: list[Fraction]) -> list[list[Fraction]]:
        """How the groups may share out a kink: of nothing left over if that can be, else of any signs."""
        ways = []
        for signs in itertools.product((1, -1, 0), repeat=len(sizes)):
            look_at_the_clock(self.deadline)
            parts = [s * own for s, own in zip(signs, sizes, strict=True)]
            left = coefficient - sum(parts)
            ways.append((left != 0, signs.count(0), abs(left), parts))
        ways.sort(key=lambda way: way[:3])
        return [parts for over, *_, parts in ways if over == ways[0][0]][:4]

    def sums(self, groups: list[_Group], linear: Row) -> Iterator[sympy.Expr]:
        """Sums of the groups and of what they leave over."""
        left = dict(self.kinks)
        for group in groups:
            for k, c in group.kinks:
                left[k] = left.get(k, Fraction(0)) - c
        rest = tuple((k + self.n + 1, c) for k, c in sorted(left.items()) if c)
        written = [self.group(group) for group in groups]
        if not all(written):
            return
        for choice in itertools.islice(itertools.product(*written), 4):
            yield self.best(list(choice), linear, rest)

    def group(self, group: _Group) -> list[_Written]:
        if group not in self.known:
            self.known[group] = list(self.write(group))
        return self.known[group]

    def write(self, group: _Group) -> Iterator[_Written]:
        row = combined(
            (Fraction(1), group.linear),
            (Fraction(1), tuple((k + self.n + 1, c) for k, c in group.kinks)),
        )
        values, slopes = self.sum(row, *self.nodes)
        size = np.abs(slopes).max() or 1.0
        _, where = np.unique(np.round(slopes / size, 8), axis=0, return_index=True)
        if not 1 < len(where) <= MOST_PIECES:
            return
        pieces = list(dict.fromkeys(self.exact(row, int(at)) for at in where))
        dense = [self.dense(piece) for piece in pieces]
        at = np.array([[nearest_float(c) for c in piece] for piece in dense]) @ self.x.T
        for tree in trees(at, values):
            yield _Written(tree, dense, at)

    def dense(self, row: Row) -> _Linear:
        found = [Fraction(0)] * (self.n + 1)
        for j, c in row:
            found[j] = c
        return tuple(found)

    # --- what is written --------------------------------------------------------------------------------

    def best(self, groups: list[_Written], linear: Row, rest: Row) -> sympy.Expr:
        """The linear part where it is shortest: in the groups one after the other, then beside them."""
        left = self.dense(linear)
        parts = []
        for group in groups:
            options = []
            for shift in group.shifts(left):
                part = group.spelled(shift, self)
                after = tuple(a + b for a, b in zip(left, shift, strict=True))
                options.append((size(part) + _cost(after), after, part))
            _, left, part = min(options, key=lambda option: option[0])
            parts.append(part)
        row = combined(
            (Fraction(1), tuple((j, c) for j, c in enumerate(left) if c)), (Fraction(1), rest)
        )
        if row:
            beside = ordered(self.n, list(self.form.nodes), [row])
            parts.append(expression(beside, self.variables, max_pieces=0, deadline=self.deadline))
        return sympy.Add(*parts)

    def affine(self, piece: _Linear) -> sympy.Expr:
        return sympy.Add(
            *(
                sympy.Rational(c.numerator, c.denominator) * v
                for c, v in zip(piece, (*self.variables, sympy.Integer(1)), strict=True)
                if c
            )
        )


class _Written:
    """A group as a tree over its pieces."""

    def __init__(self, tree: Tree, pieces: list[_Linear], at: Array) -> None:
        self.tree, self.pieces, self.at = tree, pieces, at
        self.used = sorted(_used(tree))

    def shifts(self, left: _Linear) -> list[_Linear]:
        """What may be taken out of all pieces: nothing, what leaves the fewest numbers, and what makes two of them opposite."""
        zero = tuple(Fraction(0) for _ in left)
        pieces = [self.pieces[i] for i in self.used]
        each = []
        for j, beside in enumerate(left):

            def price(shift: Fraction, j: int = j, beside: Fraction = beside) -> int:
                return sum(_weight(p[j] - shift) for p in pieces) + _weight(beside + shift)

            options = {Fraction(0), -beside, *(piece[j] for piece in pieces)}
            each.append(min(sorted(options, key=lambda v: (abs(v), v)), key=price))
        found = [zero, tuple(each)]
        halves = {
            tuple((a + b) / 2 for a, b in zip(p, q, strict=True))
            for p, q in itertools.combinations(pieces, 2)
        }
        found += sorted(
            halves,
            key=lambda s: (
                sum(_cost(tuple(a - b for a, b in zip(piece, s, strict=True))) for piece in pieces)
                + _cost(tuple(a + b for a, b in zip(left, s, strict=True)))
            ),
        )[: _MOST_SHIFTS - 2]
        return list(dict.fromkeys(found))

    def spelled(self, shift: _Linear, search: _Search) -> sympy.Expr:
        pieces = [tuple(a - b for a, b in zip(p, shift, strict=True)) for p in self.pieces]
        at = self.at - np.array([nearest_float(c) for c in shift]) @ search.x.T
        tree = with_absolutes(self.tree, at)
        factor = content(c for i in self.used for c in pieces[i])
        plain = _spelled(tree, [search.affine(p) for p in pieces])
        if factor == 1:
            return plain
        scaled = [search.affine(tuple(c / factor for c in p)) for p in pieces]
        out = sympy.Rational(factor.numerator, factor.denominator) * _spelled(tree, scaled)
        return shortest([plain, out])


def _used(tree: Tree) -> set[int]:
    if not isinstance(tree, Node):
        return {tree}
    return set().union(*map(_used, tree.parts))


def _spelled(tree: Tree, pieces: list[sympy.Expr]) -> sympy.Expr:
    if not isinstance(tree, Node):
        return pieces[tree]
    parts = list(dict.fromkeys(_spelled(part, pieces) for part in tree.parts))
    if tree.kind in ("abs", "-abs"):
        inside = parts[0]
        turned = _turned(tree.parts[0], pieces)
        inside = shortest([inside, turned])
        return sympy.Abs(inside) * (1 if tree.kind == "abs" else -1)
    if len(parts) == 1:
        return parts[0]
    made = (sympy.Max, sympy.Min) if tree.kind == "max" else (sympy.Min, sympy.Max)
    plain = made[0](*parts, evaluate=False)
    if not all(part.could_extract_minus_sign() for part in parts):
        return plain
    return shortest([plain, -made[1](*(-part for part in parts), evaluate=False)])


def _turned(tree: Tree, pieces: list[sympy.Expr]) -> sympy.Expr:
    """The negative, with the sign inside."""
    if not isinstance(tree, Node):
        return -pieces[tree]
    if tree.kind in ("abs", "-abs"):
        return -_spelled(tree, pieces)
    other = Node("min" if tree.kind == "max" else "max", tree.parts)
    return _spelled(other, [-p for p in pieces])


def _weight(c: Fraction) -> int:
    """About how long a coefficient is to read."""
    if not c:
        return 0
    return 1 if abs(c) == 1 else 3


def _cost(piece: _Linear) -> int:
    return sum(map(_weight, piece))
