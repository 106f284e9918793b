"""Spell a canonical form as an expression that a person would write: abs, min, max and sums.

Source: Ovchinnikov, "Max-min representation of piecewise linear functions" (2002), for reading minima
and maxima off the linear regions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import sympy

from circuitkit.exact import regions
from circuitkit.exact.canonical import CanonicalForm, ordered
from circuitkit.exact.cones import Cone
from circuitkit.exact.integers import integers
from circuitkit.exact.regions import Program, look_at_the_clock
from circuitkit.functions.pieces import Row, bottom_up, combined
from circuitkit.functions.target import written
from circuitkit.words import nearest_float

__all__ = ["expression", "lattice", "length", "shortest", "size", "text"]

#: of expressions longer than this, equally long, the first is as good as any: writing them takes long
_TOO_LONG_TO_WRITE = 2000


def expression(
    form: CanonicalForm,
    variables: Sequence[sympy.Symbol],
    *,
    output: int = 0,
    max_pieces: int = 12,
    max_regions: int = 2000,
    deadline: float = math.inf,
) -> sympy.Expr:
    """One output as a SymPy expression, the shortest of what absolute values and regions suggest.

    Args:
        form: the simplified function.
        variables: one real symbol an input.
        output: which output.
        max_pieces: read minima and maxima off the linear regions if there are at most so many
            different affine pieces.
        max_regions: and at most so many regions.
        deadline: the value of ``time.monotonic()`` after which it stops.

    Raises:
        OutOfTime: the deadline passed.

    Example:
        >>> from circuitkit import Network
        >>> from circuitkit.exact.canonical import canonical_form
        >>> x1, x2 = sympy.symbols("x1 x2", real=True)
        >>> net = Network([[[1, 0], [-1, 0], [1, -1]], [[1, -1, -1]]])
        >>> expression(canonical_form(net), (x1, x2))
        Min(x1, x2)
    """
    one = ordered(form.n_inputs, list(form.nodes), [form.outputs[output]])
    reader = _Reader(one, tuple(variables), deadline)
    candidates = [reader.row(one.outputs[0])]
    if one.n_kinks > 1:
        candidates.extend(_lattice(one, tuple(variables), max_pieces, max_regions, deadline))
    return shortest(candidates)


def size(e: sympy.Expr) -> int:
    """How long it is to read: its numbers, variables and operations, long numbers counting more."""
    sizes: dict[sympy.Basic, int] = {}
    for part in bottom_up(e):  # what occurs more than once is looked at once
        sizes[part] = 1 + sum(sizes[a] if a in sizes else size(a) for a in part.args)
        if part.is_Rational:
            sizes[part] += max(0, int(part.p).bit_length() + int(part.q).bit_length() - 8) // 4
    return sizes[e]


def length(e: sympy.Expr) -> tuple[int, str]:
    """How long it is to read, and what there is to read: in this order the shortest comes first."""
    return size(e), written(e)


def shortest(some: Sequence[sympy.Expr]) -> sympy.Expr:
    """The first by :func:`length`; what takes longest, writing them, only where several are as short.

    Of several as short that are long, it is the first given.
    """
    some = list(dict.fromkeys(some))
    if len(some) == 1:
        return some[0]
    sizes = [size(e) for e in some]
    least = min(sizes)
    best = [e for e, own in zip(some, sizes, strict=True) if own == least]
    if len(best) == 1 or least > _TOO_LONG_TO_WRITE:
        return best[0]
    return min(best, key=written)


#: a way to write b|y|: (length, the linear part that it leaves over, the expression)
_Way = tuple[float, Row, Callable[[], sympy.Expr]]


class _Reader:
    """Spells rows with abs, and with min and max where rest ± b|y| makes two simpler rows."""

    def __init__(
        self, form: CanonicalForm, variables: tuple[sympy.Symbol, ...], deadline: float
    ) -> None:
        self.form, self.deadline = form, deadline
        self.n = form.n_inputs
        self.variables = variables
        self.memo: dict[Row, sympy.Expr] = {}

    def row(self, row: Row) -> sympy.Expr:
        if row not in self.memo:
            look_at_the_clock(self.deadline)
            self.memo[row] = self.spell(row)
        return self.memo[row]

    def linear(self, row: Row) -> sympy.Expr:
        return sympy.Add(
            *(
                sympy.Rational(c.numerator, c.denominator)
                * (self.variables[j] if j < self.n else sympy.Integer(1))
                for j, c in row
                if j <= self.n
            )
        )

    def spell(self, row: Row) -> sympy.Expr:
        kinks = [(j, c) for j, c in row if j > self.n]
        if not kinks:
            return self.linear(row)
        if len(kinks) == len(row) == 1:
            ((j, c),) = kinks
            y = self.form.nodes[j - self.n - 1]
            inside = self.row(combined((abs(c), y)))
            outside = _rational(c) * sympy.Abs(self.row(y))
            return shortest([(-1 if c < 0 else 1) * sympy.Abs(inside), outside])
        folded, summed = self.fold(row, kinks), self.terms(row, kinks)
        return summed if folded is None else shortest([folded, summed])

    def fold(self, row: Row, kinks: list[tuple[int, Fraction]]) -> sympy.Expr | None:
        """rest + b|y| = max(rest + b y, rest - b y), min for b < 0, where both sides are simpler."""
        for j, c in reversed(kinks):
            rest: Row = tuple((i, v) for i, v in row if i != j)
            y = self.form.nodes[j - self.n - 1]
            sides = [combined((Fraction(1), rest), (s * c, y)) for s in (1, -1)]
            inside = {i for i, _ in y if i > self.n}
            before = {i for i, _ in rest if i > self.n} | inside
            size = len(rest) + len(y)
            if sum(map(len, sides)) > size or any(
                not {i for i, _ in side if i > self.n} <= before for side in sides
            ):
                continue
            if not inside and len(before) > 0 and sum(map(len, sides)) >= size:
                continue  # a sum of two separate kinks stays a sum
            if all(len([i for i, _ in s if i > self.n]) <= max(1, len(before) - 1) for s in sides):
                parts = [self.row(side) for side in sides]
                return _apply(sympy.Max if c > 0 else sympy.Min, parts)
        return None

    def terms(self, row: Row, kinks: list[tuple[int, Fraction]]) -> sympy.Expr:
        """A sum; each kink in the way that leaves the shortest linear rest.

        With :math:`b y = t_1 - t_2`, a kink :math:`b|y|` is also :math:`2b\\,\\mathrm{relu}(\\pm y) \\mp
        b y` and, for b > 0, :math:`\\max(2t_1, 2t_2) - t_1 - t_2` (min for b < 0).
        """
        flat = [(j, c) for j, c in kinks if self.form.depths[j - self.n - 1] == 1][:5]
        rest: Row = tuple((j, c) for j, c in row if j <= self.n)
        ways = [self.ways(self.form.nodes[j - self.n - 1], c) for j, c in flat]
        choice, left = self.shortest(rest, ways)
        total = [self.linear(left), *(way[2]() for way in choice)]
        written = {j for j, _ in flat}
        for j, c in kinks:
            if j not in written:
                total.append(_rational(c) * sympy.Abs(self.row(self.form.nodes[j - self.n - 1])))
        return sympy.Add(*total)

    @np.errstate(over="ignore", invalid="ignore")  # numbers may be beyond the doubles
    def shortest(self, rest: Row, ways: list[list[_Way]]) -> tuple[list[_Way], Row]:
        """One way for each kink such that what is left of the linear part is short."""
        width = self.n + 1
        lefts = np.zeros((1, width))
        costs = np.zeros(1)
        for j, c in rest:
            lefts[0, j] = nearest_float(c)
        scale = np.abs(lefts).max() + 1.0
        for options in ways:
            overs = np.zeros((len(options), width))
            for k, (_, over, _) in enumerate(options):
                for j, c in over:
                    overs[k, j] = nearest_float(c)
            scale += np.abs(overs).max()
            lefts = (lefts[:, None] + overs).reshape(-1, width)
            costs = (costs[:, None] + [cost for cost, _, _ in options]).ravel()
        # Floats only choose; what is written is computed exactly below.
        best = int(np.argmin((np.abs(lefts) > 1e-12 * scale).sum(axis=1) + costs))
        picks = np.unravel_index(best, [len(options) for options in ways]) if ways else ()
        choice = [options[int(k)] for options, k in zip(ways, picks, strict=True)]
        return choice, combined((Fraction(1), rest), *((Fraction(1), way[1]) for way in choice))

    def ways(self, y: Row, b: Fraction) -> list[_Way]:
        """How to write b|y|: (length, the linear part it leaves over, the expression)."""
        ways: list[_Way] = [(1, (), partial(self.bend, b, y))]
        for side in (1, -1):
            over = tuple((j, -side * b * c) for j, c in y)
            ways.append((1.1, over, partial(self.one_sided, b, y, side)))
        rises = tuple((j, 2 * abs(b) * c) for j, c in y if c > 0)
        falls = tuple((j, -2 * abs(b) * c) for j, c in y if c < 0)
        if rises and falls:
            middle = tuple((j, c / 2) for j, c in sorted(rises + falls))
            for sign in (1, -1):
                over = combined((Fraction(-sign), middle))
                function = sympy.Max if (b > 0) == (sign > 0) else sympy.Min
                ways.append((1.2, over, partial(self.extremum, function, sign, rises, falls)))
        return ways

    def bend(self, b: Fraction, y: Row) -> sympy.Expr:
        return _rational(b) * sympy.Abs(self.linear(y))

    def one_sided(self, b: Fraction, y: Row, side: int) -> sympy.Expr:
        return 2 * _rational(b) * sympy.Max(side * self.linear(y), 0)

    def extremum(self, function: Any, sign: int, rises: Row, falls: Row) -> sympy.Expr:
        return sign * function(self.linear(rises), self.linear(falls))


def _rational(c: Fraction) -> sympy.Rational:
    return sympy.Rational(c.numerator, c.denominator)


def _lattice(
    form: CanonicalForm,
    variables: tuple[sympy.Symbol, ...],
    max_pieces: int,
    max_regions: int,
    deadline: float,
) -> list[sympy.Expr]:
    """max over the regions of the min over the pieces that are above there, and the other way round."""
    n = form.n_inputs
    homogeneous = form.is_homogeneous
    made = Program(n + (0 if homogeneous else 1))
    form.add_to(made, homogeneous=homogeneous)
    scale = made.outputs[0][1]
    pieces: dict[tuple[int, ...], int] = {}
    seen: list[tuple[Cone, int]] = []
    cone = regions.domain_cone(n, homogeneous=homogeneous, box=None)
    for cell in regions.cells(made, cone, deadline):
        key = tuple(int(v) for v in cell.outputs[0][0])
        index = pieces.setdefault(key, len(pieces))
        if len(pieces) > max_pieces or len(seen) >= max_regions:
            return []
        seen.append((cell.cone, index))
    forms = integers([list(key) for key in pieces])
    above: set[frozenset[int]] = set()
    below: set[frozenset[int]] = set()
    for cone, own in seen:
        on_lines, on_rays = cone.values(forms)
        same = (on_lines == on_lines[:, own : own + 1]).all(axis=0)
        higher = same & (on_rays >= on_rays[:, own : own + 1]).all(axis=0)
        lower = same & (on_rays <= on_rays[:, own : own + 1]).all(axis=0)
        above.add(frozenset(np.flatnonzero(higher).tolist()))
        below.add(frozenset(np.flatnonzero(lower).tolist()))
    spelled = [
        sympy.Add(
            *(
                sympy.Rational(v, scale) * (variables[j] if j < n else sympy.Integer(1))
                for j, v in enumerate(key)
                if v
            )
        )
        for key in pieces
    ]
    return lattice(spelled, above, below)


def lattice(
    pieces: list[sympy.Expr], above: set[frozenset[int]], below: set[frozenset[int]]
) -> list[sympy.Expr]:
    """max over the regions of the min of the pieces ``above`` the function there, and its mirror image.

    Args:
        pieces: the affine pieces.
        above: for each region, which pieces are at or above the region's own on all of it.
        below: for each region, which are at or below.
    """
    return [
        _extremum(sympy.Max, sympy.Min, _minimal(above), pieces),
        _extremum(sympy.Min, sympy.Max, _minimal(below), pieces),
    ]


def _extremum(
    outer: Any, inner: Any, sets: list[frozenset[int]], spelled: list[sympy.Expr]
) -> sympy.Expr:
    return _apply(outer, [_apply(inner, [spelled[i] for i in s]) for s in sets])


def _apply(function: Any, parts: list[sympy.Expr]) -> sympy.Expr:
    """min or max; of parts that differ by a number only the one that counts is kept.

    SymPy's own simplification of Min and Max is slow, and these have little left to simplify.
    """
    flat = [a for part in parts for a in (part.args if isinstance(part, function) else (part,))]
    kept: dict[sympy.Expr, sympy.Expr] = {}
    for part in flat:
        number, rest = part.as_coeff_Add()
        kept[rest] = function(kept.get(rest, number), number)
    parts = [number + rest for rest, number in kept.items()]
    sign = 1 if function is sympy.Max else -1
    for part in list(parts):  # max(a, -a) = |a|
        if part in parts and -part in parts and part != 0:
            parts = [p for p in parts if p not in (part, -part)] + [sign * sympy.Abs(part)]
    return parts[0] if len(parts) == 1 else function(*parts, evaluate=False)


def _minimal(sets: set[frozenset[int]]) -> list[frozenset[int]]:
    return [s for s in sets if not any(other < s for other in sets)]


def text(e: sympy.Expr) -> str:
    """The expression in small letters, what is added before what is subtracted."""
    if isinstance(e, sympy.Tuple):
        return f"({', '.join(map(text, e))})"
    if isinstance(e, sympy.Add):
        plus = [a for a in e.as_ordered_terms() if not a.could_extract_minus_sign()]
        minus = [-a for a in e.as_ordered_terms() if a.could_extract_minus_sign()]
        if plus and minus:
            return " - ".join([" + ".join(map(text, plus)), *map(text, minus)])
    return written(e).replace("Min(", "min(").replace("Max(", "max(").replace("Abs(", "abs(")
