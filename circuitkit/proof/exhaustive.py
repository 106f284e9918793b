r"""Every cell of a small network, in exact numbers: for what floats cannot tell apart.

An error of :math:`2^{-52}`, a wedge between two lines that are almost one, weights of :math:`10^{300}`, a
supremum that is only approached at infinity: there a search in floats gives up. With few gates nothing
clever is needed. Gates are decided in order; where a gate has both signs in the cell, the cell is split;
where it has one, that is written down with its reason. In a cell where every gate is decided network,
target and size are linear, and the worst error is the value of a linear program, solved by the simplex
method in rationals. Its multipliers are the certificate's.

:mod:`.cells` meets the same cells by their rays, as one of the ways that take turns in a search. That is up to
twice as fast where many gates meet few inputs; it needs a domain with an interior and a size that is linear in a
cell, and where functions are equal it is slower.

Source: Bland, "New finite pivoting rules for the simplex method" (1977); Dinkelbach, "On nonlinear
fractional programming" (1967), for the ratio of error and size.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from circuitkit.check import Problem, Q
from circuitkit.proof.claim import exact_text
from circuitkit.proof.rationals import fraction, number
from circuitkit.proof.search import Found, OutOfTime

__all__ = ["exhaust", "needed"]

Row = dict[int, Any]  # column -> coefficient
Form = list[Any]  # one coefficient a column, gates written out
Multipliers = dict[int, Any]  # the gate whose wall it is -> how often, none of them below 0

#: how many reasons of other cells are tried before a linear program
_REASONS = 4


def exhaust(
    problem: Problem, *, limit: Fraction | None = None, deadline: float, most: int | None = None
) -> Found | None:
    r"""The supremum of :math:`\max_j \mathrm{row}_j / \mathrm{size}_j`, or whether it is above a limit.

    Args:
        problem: rows, sizes and the box, from :func:`circuitkit.check.pose`.
        limit: None for the exact supremum.
        deadline: as ``time.monotonic()`` counts.
        most: how many linear programs to solve at most; None for any number.

    Returns:
        What was found; None if it would take more linear programs.

    Raises:
        OutOfTime: with the largest value seen.
    """
    try:
        if limit is not None:
            return _Cells(problem, deadline, most).all_below(number(limit))
        return _Cells(problem, deadline, most).worst()
    except _TooMany:
        return None


def needed(problem: Problem) -> tuple[list[int], set[int]]:
    """The gates that the claims and the domain rest on, the first ones first; and the columns before the gates."""
    width = len(problem.program.box)
    rows = [row for claim in problem.claims for row in (claim.row, claim.size or {})]
    todo = [c for row in rows for c in row] + [width + k for k in problem.program.signs]
    seen: set[int] = set()
    while todo:
        c = todo.pop()
        if c not in seen:
            seen.add(c)
            todo += problem.program.gates[c - width] if c >= width else ()
    return sorted(c - width for c in seen if c >= width), {c for c in seen if c < width}


class _TooMany(Exception):
    """More linear programs than allowed."""


@dataclass
class _Cell:
    """Where the tree goes that proves the claims in this cell, and the gates decided so far."""

    parent: list[Any]
    slot: int
    position: int
    #: the rows of the gates that are on
    forms: dict[int, Form]
    #: what bounds the cell: s * z >= 0 for every gate z on which it was split, or that the domain decides
    walls: dict[int, Form]
    #: some of its points, which show the signs that a row takes without a linear program
    points: list[list[Any]]

    def decide(self, k: int, sign: int, z: Form) -> None:
        """Gate k's row z has this sign in the cell."""
        if sign > 0:
            self.forms[k] = z

    def cut(self, k: int, sign: int, z: Form) -> None:
        """Keep the side of gate k where its row z has this sign."""
        self.decide(k, sign, z)
        self.walls[k] = wall = z if sign > 0 else [-v for v in z]
        parts = _parts(wall)
        self.points = [x for x in self.points if _value(parts, x) >= 0]


class _Cells:
    def __init__(self, problem: Problem, deadline: float, most: int | None = None) -> None:
        self.left = most
        self.program = problem.program
        self.claims = problem.claims
        self.deadline = deadline
        self.width = len(self.program.box)
        self.low = [a for a, _ in self.program.box]
        self.span = [b - a for a, b in self.program.box]
        self.needed = needed(problem)[0]
        #: gate and sign -> what has shown it in cells
        self.reasons: dict[tuple[int, int], list[Multipliers]] = {}
        self.best: Any = None
        self.at: list[Any] | None = None

    def worst(self) -> Found:
        """The supremum, where it is reached, and a proof that it is nowhere larger."""
        root: list[Any] = [None]
        leaves = []
        for cell in self._leaves(root):
            parts = []
            for claim in self.claims:
                row, size = self._form(claim.row, cell), self._size(claim, cell)
                shown = self._improve(row, size, cell)
                if shown is None:
                    return Found(None, self._point(), None)
                parts.append((row, size, self.best, shown))
            leaves.append((cell, parts))
        for cell, parts in leaves:
            leaf: list[Any] = ["leaf"]
            for row, size, best, multipliers in parts:
                # where the size is the number 1, what shows a smaller value shows a larger one
                if size is not None and best != self.best:
                    _, _, multipliers = self._highest(row, size, self.best, cell)
                leaf.append(_said(multipliers))
            cell.parent[cell.slot] = leaf
        return Found(fraction(self.best), self._point(), root[0])

    def all_below(self, limit: Any) -> Found:
        """A proof that no claim is above the limit, or a point where one is."""
        root: list[Any] = [None]
        for cell in self._leaves(root):
            leaf: list[Any] = ["leaf"]
            for claim in self.claims:
                row, size = self._form(claim.row, cell), self._size(claim, cell)
                above, x, multipliers = self._highest(row, size, limit, cell)
                if above > 0:
                    self.best, self.at = _ratio(row, size, x), x
                    return Found(
                        None if self.best is None else fraction(self.best), self._point(), None
                    )
                leaf.append(_said(multipliers))
            cell.parent[cell.slot] = leaf
        return Found(fraction(limit), None, root[0])

    def _leaves(self, root: list[Any]) -> Any:
        """The cells in which every gate is decided; the tree down to them is written into ``root``."""
        todo = [_Cell(root, 0, 0, {}, {}, [])]
        while todo:
            cell = todo.pop()
            while cell.position < len(self.needed):
                self._look_at_the_clock()
                k = self.needed[cell.position]
                z = self._form(self.program.gates[k], cell)
                cell.position += 1
                if k in self.program.signs:
                    cell.cut(k, self.program.signs[k], z)
                    continue
                known = self._sign(k, z, cell)
                if known:
                    cell.decide(k, known, z)
                    continue
                node: list[Any] = ["split", k, None, None]
                cell.parent[cell.slot] = node
                off = _Cell(node, 3, cell.position, dict(cell.forms), dict(cell.walls), cell.points)
                off.cut(k, -1, z)
                todo.append(off)
                cell.parent, cell.slot = node, 2
                cell.cut(k, 1, z)
            yield cell

    def _sign(self, k: int, z: Form, cell: _Cell) -> int:
        """The one sign that gate k's row has in the cell, written into the tree; 0 if it has both."""
        parts = _parts(z)
        heights = [_value(parts, x) for x in cell.points]
        seen = {1: any(h > 0 for h in heights), -1: any(h < 0 for h in heights)}
        if all(seen.values()):
            return 0
        negated = [-v for v in z]
        for sign, wanted, other in ((1, z, negated), (-1, negated, z)):
            if seen[-sign]:
                continue
            reason = _multiple(wanted, cell.walls)
            if reason is None:
                reason = self._as_before(k, sign, wanted, cell)
            if reason is None:
                most, x, found = self._maximum(other, cell)
                cell.points.append(x)
                if most <= 0:
                    reason = found
                    self.reasons.setdefault((k, sign), []).append(found)
            if reason is not None:
                if cell.parent[0] != "fix":
                    fixed: list[Any] = ["fix", [], None]
                    cell.parent[cell.slot] = fixed
                    cell.parent, cell.slot = fixed, 2
                cell.parent[1].append([k, sign, _said(reason)])
                return sign
            # a point of the other side: this one's
            seen[-sign] = True
        return 0

    def _as_before(self, k: int, sign: int, wanted: Form, cell: _Cell) -> Multipliers | None:
        """The reason of this sign in another cell, where it is one here as well: often, and sooner than anew."""
        for reason in self.reasons.get((k, sign), ())[-_REASONS:]:
            if reason.keys() <= cell.walls.keys():
                rest = list(wanted)
                for gate, factor in reason.items():
                    for i, v in _parts(cell.walls[gate]):
                        rest[i] -= factor * v
                if sum((v * self.program.box[i][v < 0] for i, v in _parts(rest)), Q(0)) >= 0:
                    return reason
        return None

    def _look_at_the_clock(self) -> None:
        if time.monotonic() > self.deadline:
            lower = Fraction(0) if self.best is None else fraction(self.best)
            raise OutOfTime(lower, float("inf"), self._point())

    # --- linear pieces ----------------------------------------------------------------------------------

    def _form(self, row: Row, cell: _Cell) -> Form:
        """A row over the columns before the gates, in a cell that decides every gate it reads."""
        made = [Q(0)] * self.width
        for c, value in row.items():
            if c < self.width:
                made[c] += value
            elif c - self.width in cell.forms:
                for i, v in enumerate(cell.forms[c - self.width]):
                    if v:
                        made[i] += value * v
        return made

    def _size(self, claim: Any, cell: _Cell) -> Form | None:
        return None if claim.size is None else self._form(claim.size, cell)

    def _improve(self, row: Form, size: Form | None, cell: _Cell) -> Multipliers | None:
        """Raise ``best`` to the largest row / size in the cell, and show it; None where there is none."""
        if size is None:
            value, x, multipliers = self._maximum(row, cell)
            if self.best is None or value > self.best:
                self.best, self.at = value, x
            return multipliers
        if self.best is None:
            largest, x, _ = self._maximum(size, cell)
            if largest > 0:
                self.best, self.at = _ratio(row, size, x), x
        while True:
            self._look_at_the_clock()
            above, x, multipliers = self._highest(row, size, self.best or Q(0), cell)
            if self.best is not None and above <= 0:
                return multipliers
            ratio = _ratio(row, size, x)
            if ratio is None:
                self.at = x
                return multipliers if above <= 0 else None
            self.best, self.at = ratio, x

    def _highest(
        self, row: Form, size: Form | None, limit: Any, cell: _Cell
    ) -> tuple[Any, list[Any], Multipliers]:
        """The largest value of row - limit * size in the cell, where, and the multipliers that show it."""
        if size is None:
            value, x, multipliers = self._maximum(row, cell)
            return value - limit, x, multipliers
        return self._maximum([a - limit * b for a, b in zip(row, size, strict=True)], cell)

    def _maximum(self, form: Form, cell: _Cell) -> tuple[Any, list[Any], Multipliers]:
        if cell.points and not any(form):
            return Q(0), cell.points[0], {}
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise _TooMany
        walls = list(cell.walls.items())
        value, x, multipliers = _linear_program(form, [w for _, w in walls], self.low, self.span)
        return value, x, {k: m for (k, _), m in zip(walls, multipliers, strict=True) if m}

    def _point(self) -> tuple[Fraction, ...] | None:
        return None if self.at is None else tuple(map(fraction, self.at))


def _multiple(wanted: Form, walls: dict[int, Form]) -> Multipliers | None:
    """The wall and the factor >= 0 of which the form is a multiple; None if there is none."""
    first = next((i for i, v in enumerate(wanted) if v), None)
    if first is None:
        return {}
    which = [bool(v) for v in wanted]
    for k, wall in walls.items():
        if [bool(w) for w in wall] == which:
            factor = wanted[first] / wall[first]
            if factor > 0 and all(v == factor * w for v, w in zip(wanted, wall, strict=True)):
                return {k: factor}
    return None


def _ratio(row: Form, size: Form | None, x: Sequence[Any]) -> Any:
    """row / size at x; None where the size is 0."""
    value = _dot(row, x)
    if size is None:
        return value
    below = _dot(size, x)
    return value / below if below > 0 else None


def _linear_program(
    form: Form, walls: Sequence[Form], low: Sequence[Any], span: Sequence[Any]
) -> tuple[Any, list[Any], list[Any]]:
    r"""The largest value of a form over :math:`\{low \le x \le low + span,\ wall\ x \ge 0\}`, which is not empty.

    Solves the dual, :math:`\min\ b y + span\, z` with :math:`G^T y + z \ge form`, where G u <= b says the walls
    in u = x - low: one row a column of x, and a first feasible basis for nothing.

    Returns:
        The value, an x where it is reached, and the multipliers y of the walls.
    """
    n, m = len(form), len(walls)
    # columns: y (m), z (n), surplus (n); the last one is the right side
    costs = [_dot(wall, low) for wall in walls] + list(span) + [Q(0)] * n
    table: list[list[Any]] = []
    basis: list[int] = []
    for j in range(n):
        turn = 1 if form[j] > 0 else -1
        line = [-turn * wall[j] for wall in walls]
        line += [Q(turn if i == j else 0) for i in range(n)]
        line += [Q(-turn if i == j else 0) for i in range(n)]
        table.append([*line, turn * form[j]])
        basis.append(m + j if turn > 0 else m + n + j)
    # reduced costs: what a unit of a column would cost; the last one is minus the value
    prices = [*costs, Q(0)]
    for line, b in zip(table, basis, strict=True):
        if costs[b]:
            prices = [p - costs[b] * v for p, v in zip(prices, line, strict=True)]
    while True:
        enter = next((i for i in range(m + 2 * n) if prices[i] < 0), None)
        if enter is None:
            break
        leave = -1
        for r, line in enumerate(table):
            if line[enter] > 0:
                better = (
                    leave < 0 or line[-1] * table[leave][enter] < table[leave][-1] * line[enter]
                )
                tie = (
                    leave >= 0 and line[-1] * table[leave][enter] == table[leave][-1] * line[enter]
                )
                if better or (tie and basis[r] < basis[leave]):
                    leave = r
        pivot = table[leave][enter]
        table[leave] = [v / pivot if v else v for v in table[leave]]
        source = [(i, v) for i, v in enumerate(table[leave]) if v]
        for line in (*table[:leave], *table[leave + 1 :], prices):
            factor = line[enter]
            if factor:
                for i, v in source:
                    line[i] -= factor * v
        basis[leave] = enter
    values = [Q(0)] * (m + 2 * n)
    for line, b in zip(table, basis, strict=True):
        values[b] = line[-1]
    # the price of a surplus is the value of its row's variable
    x = [low[j] + prices[m + n + j] for j in range(n)]
    return _dot(form, x), x, values[:m]


def _dot(form: Form, x: Sequence[Any]) -> Any:
    return _value(_parts(form), x)


def _parts(form: Form) -> list[tuple[int, Any]]:
    """The places and numbers of a form that are not 0."""
    return [(i, v) for i, v in enumerate(form) if v]


def _value(parts: Sequence[tuple[int, Any]], x: Sequence[Any]) -> Any:
    """The form of these parts at x."""
    total = Q(0)
    for i, v in parts:
        total += v * x[i]
    return total


def _said(multipliers: Multipliers) -> dict[str, str]:
    """As a certificate writes them."""
    return {str(k): exact_text(fraction(m)) for k, m in multipliers.items()}
