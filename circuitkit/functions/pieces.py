r"""The normal form of a piecewise-linear function: sums of inputs and of maxima of such sums.

Everything that is asked about a piecewise-linear target is read off here: that it is one, whether it is
homogeneous, where it has kinks, its linear regions, its canonical form, its exact values. Absolute values and
minima are maxima, :math:`|a| = \max(a, -a)` and :math:`\min(a, b) = -\max(-a, -b)`; numbers are fractions;
products are multiplied out where that makes them linear, :math:`x(x+1) - x^2 = x`.

A *row* is a sum of columns, as (column, coefficient) pairs: columns ``0 .. n-1`` are the inputs, column
``n`` is the constant 1, column ``n + 1 + k`` is the largest of the rows in ``nodes[k]``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from typing import TypeAlias

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.functions.joined import CONDITIONS, Jump, joined
from circuitkit.words import nearest_float

__all__ = [
    "NotPiecewiseLinear",
    "Pieces",
    "Row",
    "bottom_up",
    "combined",
    "content",
    "crossings",
    "parts_of",
    "pieces_of",
    "reachable",
    "settled",
]

#: (column, coefficient) pairs with rising columns and no zeros
Row: TypeAlias = tuple[tuple[int, Fraction], ...]
Array = NDArray[np.float64]

#: products that have more terms than this when multiplied out are left alone
_MOST_TERMS = 5_000
#: what piecewise-linear expressions are made of, beside variables and numbers
_MADE_OF = (sympy.Add, sympy.Mul, sympy.Abs, sympy.Min, sympy.Max)


def content(values: Iterable[Fraction | int]) -> Fraction:
    """The largest fraction of which all are whole multiples; 1 where all are 0."""
    some = [v for v in values if v]
    if not some:
        return Fraction(1)
    return Fraction(
        math.gcd(*(v.numerator for v in some)), math.lcm(*(v.denominator for v in some))
    )


class NotPiecewiseLinear(ValueError):
    """A function that is not piecewise linear; ``part`` is the part of it that is not.

    ``jump`` says where it jumps, if it does.
    """

    def __init__(self, part: sympy.Expr, jump: str = "") -> None:
        super().__init__(f"{part} {f'jumps {jump}' if jump else 'is not piecewise linear'}")
        self.part = part
        self.jump = jump


@dataclass(frozen=True)
class Pieces:
    """A piecewise-linear function as rows over its inputs, 1 and maxima of rows.

    Two that are equal are the same function; the same function may have different ones.

    Attributes:
        n_inputs: how many numbers the function takes.
        nodes: for each maximum the rows that it is the largest of, at least two; they read only columns
            before its own.
        outputs: one row an output.
        rounded: the numbers in it that are no fractions (the square root of 2): their nearest doubles
            stand for them, so that nothing about the function can be decided exactly.
        expressions: the expressions that this was read from, numbers as fractions and products multiplied
            out where it needs that; one an output.

    Example:
        >>> import circuitkit as ck
        >>> ck.target("max(x1, x2 + 1/2)").pieces.nodes[0][1]
        ((1, Fraction(1, 1)), (2, Fraction(1, 2)))
    """

    n_inputs: int
    nodes: tuple[tuple[Row, ...], ...]
    outputs: tuple[Row, ...]
    rounded: tuple[sympy.Expr, ...] = ()
    expressions: tuple[sympy.Expr, ...] = ()

    @cached_property
    def is_homogeneous(self) -> bool:
        """Whether no constant is added or compared, so that f(c x) = c f(x) for c > 0."""
        n = self.n_inputs
        rows = (*self.outputs, *(row for node in self.nodes for row in node))
        return all(j != n for row in rows for j, _ in row)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """For each node how deeply maxima are nested in it, itself included."""
        first = self.n_inputs + 1
        depths: list[int] = []
        for node in self.nodes:
            inner = (depths[j - first] for row in node for j, _ in row if j >= first)
            depths.append(1 + max(inner, default=0))
        return tuple(depths)

    def __call__(self, x: Sequence[Fraction | int]) -> list[Fraction]:
        """The exact values at ``x``."""
        columns = [*(Fraction(v) for v in x), Fraction(1)]

        def value(row: Row) -> Fraction:
            return sum((c * columns[j] for j, c in row), Fraction(0))

        for node in self.nodes:
            columns.append(max(map(value, node)))
        return [value(row) for row in self.outputs]

    def values(self, x: Array) -> Array:
        """In floats: c f(x / c), and its limit where c = 0, at points (x, c) of shape ``(..., n + 1)``."""
        columns = self._columns(x)
        return np.stack([_sum(row, columns) for row in self.outputs], axis=-1)

    def _columns(self, x: Array, count: int | None = None) -> list[Array]:
        """The inputs, the constant and the first ``count`` nodes at points (x, c)."""
        columns = [x[..., j] for j in range(self.n_inputs + 1)]
        for node in self.nodes[:count]:
            columns.append(reduce(np.maximum, (_sum(row, columns) for row in node)))
        return columns

    def breakpoints(self, start: Array, end: Array) -> Array:
        """Where the function may have a kink between two points (x, c), as shares of the way.

        Args:
            start: shape ``(n + 1,)``.
            end: shape ``(n + 1,)``.

        Returns:
            Rising, 0 and 1 included.
        """
        t = np.array([0.0, 1.0])
        for k, node in enumerate(self.nodes):
            columns = self._columns(np.outer(1 - t, start) + np.outer(t, end), k)
            heights = np.stack([_sum(row, columns) for row in node])
            first, second = np.triu_indices(len(node), 1)
            t = np.union1d(t, crossings(t[None], (heights[first] - heights[second])[None]))
        return t


def _sum(row: Row, columns: Sequence[Array]) -> Array:
    total = np.zeros_like(columns[0])
    for j, c in row:
        total = total + nearest_float(c) * columns[j]
    return total


def crossings(t: Array, z: Array) -> Array:
    """Where functions that are linear between the points ``t`` cross zero.

    Args:
        t: rising, ``(n_seeds, n_points)``.
        z: values there, ``(n_seeds, n_functions, n_points)``.

    Returns:
        Shape ``(n_seeds, n_functions * (n_points - 1))``; the left end where nothing crosses.
    """
    left, right = z[..., :-1], z[..., 1:]
    crosses = (left < 0) != (right < 0)
    share = np.divide(left, left - right, out=np.zeros_like(left), where=crosses & (left != right))
    at = t[:, None, :-1] + share * (t[:, 1:] - t[:, :-1])[:, None]
    return np.clip(at, 0, 1).reshape(len(t), -1)


def combined(*parts: tuple[Fraction, Row]) -> Row:
    """The sum of factor times row."""
    total: dict[int, Fraction] = {}
    for factor, row in parts:
        for j, c in row:
            total[j] = total.get(j, Fraction(0)) + factor * c
    return tuple(sorted((j, c) for j, c in total.items() if c))


def reachable(n: int, nodes: Sequence[Iterable[Row]], outputs: Iterable[Row]) -> list[int]:
    """The columns of the nodes that some output reads, directly or through others, rising.

    Args:
        n: the column of the constant.
        nodes: the rows that each node reads.
        outputs: the rows of the outputs.
    """
    needed: set[int] = set()
    waiting = [j for row in outputs for j, _ in row if j > n]
    while waiting:
        j = waiting.pop()
        if j not in needed:
            needed.add(j)
            waiting.extend(i for row in nodes[j - n - 1] for i, _ in row if i > n)
    return sorted(needed)


# --- from expressions ---------------------------------------------------------------------------------


def pieces_of(outputs: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol]) -> Pieces:
    """The normal form of expressions, one an output.

    Raises:
        NotPiecewiseLinear: with the part that is not.
    """
    builder = _Builder(variables)
    expressions = tuple(builder.readable(e) for e in outputs)
    nodes, rows = _read_ones(builder.n, builder.nodes, [builder.row(e) for e in expressions])
    rounded = dict.fromkeys(v for e in expressions for v in _irrational(e))
    return Pieces(builder.n, nodes, rows, tuple(rounded), expressions)


class _Builder:
    """Reads expressions into rows, the same maximum once."""

    def __init__(self, variables: Sequence[sympy.Symbol]) -> None:
        self.n = len(variables)
        one = Fraction(1)
        self.rows: dict[sympy.Expr, Row] = {v: ((j, one),) for j, v in enumerate(variables)}
        self.nodes: list[tuple[Row, ...]] = []
        self.known: dict[tuple[Row, ...], int] = {}

    def readable(self, e: sympy.Expr) -> sympy.Expr:
        """``e`` with fractions for numbers, multiplied out where only that makes it linear and exact."""
        exact = settled(e, floats=True)
        if any(isinstance(part, CONDITIONS) for part in parts_of(exact)):
            try:
                exact = settled(joined(exact) or exact, floats=True)
            except Jump as jump:
                raise NotPiecewiseLinear(exact, str(jump)) from None
        problem = self.problem(exact)
        if problem is None and not _irrational(exact):
            return exact
        expanded = _expanded(exact)
        if expanded is None or self.problem(expanded) is not None:
            expanded = exact
        if problem is not None and expanded is exact:
            raise problem
        return expanded if problem is not None or not _irrational(expanded) else exact

    def problem(self, e: sympy.Expr) -> NotPiecewiseLinear | None:
        try:
            self.row(e)
        except NotPiecewiseLinear as problem:
            return problem
        return None

    def row(self, e: sympy.Expr) -> Row:
        for part in parts_of(
            e
        ):  # the largest part first: "Piecewise(...) is not", not "x > 0 is not"
            if not (part.is_number or part.is_Symbol or isinstance(part, _MADE_OF)):
                raise NotPiecewiseLinear(part)
        for part in bottom_up(e):
            if part not in self.rows:
                self.rows[part] = self.combine(part)
        return self.rows[e]

    def combine(self, e: sympy.Expr) -> Row:
        if e.is_number:
            value = self.number(e)
            return ((self.n, value),) if value else ()
        rows = [self.rows[a] for a in e.args]
        if isinstance(e, sympy.Add):
            return combined(*((Fraction(1), row) for row in rows))
        if isinstance(e, sympy.Mul):
            return self.product(e, rows)
        if isinstance(e, sympy.Max):
            return self.largest(rows)
        negated = [combined((Fraction(-1), row)) for row in rows]
        if isinstance(e, sympy.Min):
            return combined((Fraction(-1), self.largest(negated)))
        return self.largest(rows + negated)  # Abs

    def product(self, e: sympy.Expr, rows: list[Row]) -> Row:
        factor, rest = Fraction(1), None
        for row in rows:
            if all(j == self.n for j, _ in row):
                factor *= row[0][1] if row else 0
            elif rest is None:
                rest = row
            else:
                raise NotPiecewiseLinear(e)
        return combined((factor, rest if rest is not None else ((self.n, Fraction(1)),)))

    def largest(self, rows: list[Row]) -> Row:
        """The row of max(rows); of rows that differ by a number only the larger one counts."""
        best: dict[Row, Fraction] = {}
        for row in self.flat(rows):
            constant = next((c for j, c in row if j == self.n), Fraction(0))
            rest = tuple((j, c) for j, c in row if j != self.n)
            best[rest] = max(constant, best.get(rest, constant))
        kept = [tuple(sorted((*rest, (self.n, c)))) if c else rest for rest, c in best.items()]
        if len(kept) == 1:
            return kept[0]
        node = tuple(sorted(kept))
        if node not in self.known:
            self.known[node] = self.n + 1 + len(self.nodes)
            self.nodes.append(node)
        return ((self.known[node], Fraction(1)),)

    def flat(self, rows: list[Row]) -> Iterable[Row]:
        """max(max(a, b), c) = max(a, b, c)."""
        for row in rows:
            if len(row) == 1 and row[0][0] > self.n and row[0][1] == 1:
                yield from self.nodes[row[0][0] - self.n - 1]
            else:
                yield row

    def number(self, e: sympy.Expr) -> Fraction:
        if e.is_Rational:
            return Fraction(int(e.p), int(e.q))
        try:
            value = float(e)
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if not math.isfinite(value):
            raise NotPiecewiseLinear(e)
        return Fraction(value)


def _read_ones(
    n: int, nodes: list[tuple[Row, ...]], outputs: list[Row]
) -> tuple[tuple[tuple[Row, ...], ...], tuple[Row, ...]]:
    """Only the nodes that some output reads, directly or through others."""
    needed = reachable(n, nodes, outputs)
    new = {j: j for j in range(n + 1)}
    new.update((j, n + 1 + k) for k, j in enumerate(needed))

    def renamed(row: Row) -> Row:
        return tuple((new[j], c) for j, c in row)

    kept = tuple(tuple(map(renamed, nodes[j - n - 1])) for j in needed)
    return kept, tuple(map(renamed, outputs))


def settled(e: sympy.Expr, *, floats: bool = False) -> sympy.Expr:
    """``e`` with every number in it that is a fraction written as one, and t**1 as t.

    What SymPy was told not to evaluate may hide one: ``Abs(-3, evaluate=False)``. Floats become the
    fractions that they are only with ``floats=True``.
    """
    found: dict[sympy.Expr, sympy.Expr] = {}
    for part in parts_of(e):
        if isinstance(part, sympy.Pow) and part.exp in (0, 1):
            found[part] = part.base if part.exp == 1 else sympy.Integer(1)
        elif part.is_number and not part.is_Rational and (floats or not part.is_Float):
            value = _exact(part)
            if value.is_Rational:
                found[part] = value
    return e.xreplace(found) if found else e


def parts_of(e: sympy.Expr, *, numbers: bool = False) -> Iterator[sympy.Expr]:
    """Every part of ``e`` once, from the top down; numbers as a whole, or with ``numbers`` their parts, too."""
    seen = {e}
    stack = [e]
    while stack:
        part = stack.pop()
        yield part
        new = [a for a in (part.args if numbers else _inside(part)) if a not in seen]
        seen.update(new)
        stack.extend(new)


def bottom_up(e: sympy.Expr) -> Iterator[sympy.Expr]:
    """Every part of ``e`` once, after those inside of it; numbers as a whole.

    With a stack of its own: an expression may be nested more deeply than Python's calls.
    """
    done: set[sympy.Expr] = set()
    stack = [e]
    while stack:
        waiting = [a for a in _inside(stack[-1]) if a not in done]
        if waiting:
            stack.extend(reversed(waiting))
        elif (part := stack.pop()) not in done:
            done.add(part)
            yield part


def _inside(e: sympy.Expr) -> tuple[sympy.Expr, ...]:
    return () if e.is_number else e.args


def _irrational(e: sympy.Expr) -> list[sympy.Expr]:
    return [part for part in parts_of(e) if part.is_number and not part.is_Rational]


def _exact(number: sympy.Expr) -> sympy.Expr:
    """The number in its simplest form, exactly: a Rational wherever that is easily seen."""
    value = number.xreplace({v: sympy.Rational(v) for v in number.atoms(sympy.Float)}).doit()
    if value.is_Rational or _terms(value) > _MOST_TERMS:
        return value
    return sympy.expand(value)


def _expanded(e: sympy.Expr) -> sympy.Expr | None:
    """``e`` multiplied out; None where that would take too long, or hide a division by 0."""
    for part in parts_of(e):
        power = isinstance(part, sympy.Pow) and bool(part.base.free_symbols)
        if power and not (part.exp.is_Integer and part.exp > 0):
            return None
    return settled(sympy.expand(e), floats=True) if _terms(e) <= _MOST_TERMS else None


def _terms(e: sympy.Expr) -> int:
    """How many terms ``e`` has at most when it is multiplied out, inside of functions too."""
    counts: dict[sympy.Expr, int] = {}
    total = 0
    for part in bottom_up(e):
        inner = [counts[a] for a in _inside(part)]
        if part.is_number:
            count = 1
        elif isinstance(part, sympy.Add):
            count = sum(inner)
        elif isinstance(part, sympy.Mul):
            count = math.prod(inner)
        elif isinstance(part, sympy.Pow) and part.exp.is_Integer and part.exp > 0:
            count = inner[0] ** min(int(part.exp), 64)
        else:
            total += sum(inner)
            count = 1
        counts[part] = min(count, 10 * _MOST_TERMS)
    return total + counts[e]
