r"""Every cell of a plane, exactly: for claims that read two columns only.

Two inputs without constants, one input with them: what is looked at then is a plane, its cells are sectors
between two rays, and everything about a linear form on a sector is known from its values there. With the
walls :math:`a, b \ge 0` on which the rays :math:`u, v` lie, a form is

.. math:: z = \frac{z(v)}{a(v)} a + \frac{z(u)}{b(u)} b,

which is a certificate of its sign where both factors are at least 0; no linear program is solved. Gates are decided in order;
one that has both signs on the rays splits the sector.

Source: Farkas' lemma, in two dimensions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

from circuitkit.check import Problem, Q
from circuitkit.proof.claim import exact_text
from circuitkit.proof.exhaustive import needed
from circuitkit.proof.rationals import fraction
from circuitkit.proof.search import Found, OutOfTime

__all__ = ["walk_plane"]

#: a linear form over the two columns, or a ray in them
Pair: TypeAlias = tuple[Any, Any]
#: what is at least 0 in a cell; None where the box says so, which needs no multiplier
Wall: TypeAlias = tuple[int | None, Pair]

#: so many signs are looked at, at most: of more gates a search needs fewer
_MOST = 1500
_ZERO, _ONE = Q(0), Q(1)


def walk_plane(problem: Problem, *, limit: Fraction | None = None, deadline: float) -> Found | None:
    """The supremum of the claims' rows, or whether it is above a limit; as :func:`.exhaust` answers.

    Returns:
        What was found; None if more than two columns are read, sizes are not 1, or there are too many cells.

    Raises:
        OutOfTime: with the largest value seen.
    """
    columns = _columns(problem)
    return None if columns is None else _Plane(problem, columns, limit, deadline).found()


def _columns(problem: Problem) -> tuple[int, int] | None:
    """The two columns; of an affine problem an input, and the constant."""
    program = problem.program
    one = None if problem.homogenised else {program.n: _ONE}
    if program.signs or any(claim.size not in (None, one) for claim in problem.claims):
        return None
    read = needed(problem)[1]
    if problem.homogenised:
        # An input that is fixed at 0 is no column of the plane: beside it there is nothing of the domain.
        moving = [i for i in range(program.n, -1, -1) if program.box[i][0] < program.box[i][1]]
        read = read.intersection(moving)
        others = [i for i in moving if i not in read]
        first, *more = sorted([*read, *others[: max(0, 2 - len(read))]])
        return (first, more[0]) if len(more) == 1 else None
    inputs = [i for i in range(program.n) if i in read] or [0]
    low, high = program.box[inputs[0]]
    return (inputs[0], program.n) if len(inputs) == 1 and low < high else None


@dataclass
class _Sector:
    """A cell, and where its tree goes.

    Attributes:
        rays: its two rays; of a half plane they are opposite; none of the whole plane.
        walls: the walls that they lie on.
        forms: of the gates that are on.
        position: how many gates are decided.
    """

    parent: list[Any]
    slot: int
    rays: tuple[Pair, ...]
    walls: tuple[Wall, ...]
    forms: dict[int, Pair]
    position: int = 0
    #: the claims' forms, once every gate is decided
    claims: list[Pair] = field(default_factory=list)

    def put(self, node: list[Any], slot: int | None = None) -> None:
        """Write a node; what follows goes to its slot."""
        self.parent[self.slot] = node
        if slot is not None:
            self.parent, self.slot = node, slot

    def sign(self, z: Pair) -> tuple[int, dict[str, str]]:
        """The one sign of a form and its reason: multipliers that show it; 0 if it has both."""
        if not any(z):
            return 1, {}
        if not self.walls:
            return 0, {}
        (_, a), (_, b) = self.walls
        u, v = self.rays
        on_u, on_v = _at(z, u), _at(z, v)
        if a is b and on_u:  # a half plane, and its rays are opposite
            return 0, {}
        factors = (_at(z, a) / _at(a, a),) if a is b else (on_v / _at(a, v), on_u / _at(b, u))
        if min(factors) >= 0:
            return 1, _written(self.walls, factors)
        if max(factors) <= 0:
            return -1, _written(self.walls, [-factor for factor in factors])
        return 0, {}

    def halves(self, node: list[Any], k: int, z: Pair) -> Iterator[_Sector]:
        """The parts where gate k's row, of both signs here, is at most and at least 0."""
        middle = (-z[1], z[0])
        minus = (-z[0], -z[1])
        for sign, slot in ((-1, 3), (1, 2)):
            wall: Wall = (k, z if sign > 0 else minus)
            forms = {**self.forms, k: z} if sign > 0 else dict(self.forms)
            if not self.walls:
                rays: tuple[Pair, ...] = (middle, (z[1], -z[0]))
                walls: tuple[Wall, ...] = (wall, wall)
            else:
                first = self.walls[0][1]
                inside = _at(first, middle) or _at(self.walls[1][1], middle)
                between = middle if inside > 0 else (z[1], -z[0])
                keeps_u = sign * _at(z, self.rays[0]) > 0
                rays = (self.rays[0], between) if keeps_u else (between, self.rays[1])
                walls = (self.walls[0], wall) if keeps_u else (wall, self.walls[1])
            yield _Sector(node, slot, rays, walls, forms, self.position)


class _Plane:
    def __init__(
        self, problem: Problem, columns: tuple[int, int], limit: Fraction | None, deadline: float
    ) -> None:
        self.problem, self.columns, self.deadline = problem, columns, deadline
        self.program = problem.program
        self.width = len(self.program.box)
        self.gates = needed(problem)[0]
        self.box = [self.program.box[i] for i in columns]
        self.fixed = limit is not None
        scaled = problem.homogenised
        self.best: Any = Q(limit.numerator, limit.denominator) if limit is not None else None
        if scaled and limit is None:
            self.best = _ZERO  # at the origin
        self.at: Pair | None = None
        self.looks = 0

    def found(self) -> Found | None:
        root: list[Any] = [None]
        leaves = []
        for sector in self._leaves(root):
            sector.claims = [self._form(claim.row, sector.forms) for claim in self.problem.claims]
            self._compare(sector)
            if self.fixed and self.at is not None:
                return Found(fraction(self.best), self._point(), None)
            leaves.append(sector)
        if self.looks > _MOST:
            return None
        for sector in leaves:
            shown = [self._shown(form, sector) for form in sector.claims]
            if None in shown:
                return None
            while shown and not shown[-1]:
                shown.pop()
            sector.put(["leaf", *shown])
        return Found(fraction(self.best), self._point(), root[0])

    # --- sectors ----------------------------------------------------------------------------------------

    def _whole(self, root: list[Any]) -> _Sector:
        """The domain."""
        if not self.problem.homogenised:
            low, high = self.box[0]
            rays: tuple[Pair, ...] = ((low, _ONE), (high, _ONE))
            return _Sector(root, 0, rays, ((None, (_ONE, -low)), (None, (-_ONE, high))), {})
        units = ((_ONE, _ZERO), (_ZERO, _ONE))
        # of each column that has one sign that sign
        sides = [0 if low < 0 < high else 1 if high > 0 else -1 for low, high in self.box]
        ends = [(side * unit[0], side * unit[1]) for side, unit in zip(sides, units, strict=True)]
        if all(sides):
            return _Sector(root, 0, tuple(ends), ((None, ends[1]), (None, ends[0])), {})
        if not any(sides):
            return _Sector(root, 0, (), (), {})
        wall: Wall = (None, ends[0] if sides[0] else ends[1])
        along = units[1] if sides[0] else units[0]
        return _Sector(root, 0, (along, (-along[0], -along[1])), (wall, wall), {})

    def _leaves(self, root: list[Any]) -> Iterator[_Sector]:
        todo = [self._whole(root)]
        while todo and self.looks <= _MOST:
            sector = todo.pop()
            steps: list[Any] = []
            halves: list[_Sector] = []
            while sector.position < len(self.gates) and not halves:
                self._look_at_the_clock()
                k = self.gates[sector.position]
                sector.position += 1
                self.looks += 1
                z = self._form(self.program.gates[k], sector.forms)
                sign, reason = sector.sign(z)
                if not sign:
                    node: list[Any] = ["split", k, None, None]
                    halves = list(sector.halves(node, k, z))
                    continue
                steps.append([k, sign, reason])
                if sign > 0:
                    sector.forms[k] = z
            if steps:
                sector.put(["fix", steps, None], 2)
            if halves:
                sector.put(node)
                todo += halves
            else:
                yield sector

    def _look_at_the_clock(self) -> None:
        if time.monotonic() > self.deadline:
            lower = Fraction(0) if self.best is None else fraction(self.best)
            raise OutOfTime(lower, float("inf"), self._point())

    def _form(self, row: dict[int, Any], forms: dict[int, Pair]) -> Pair:
        p, q = row.get(self.columns[0], _ZERO), row.get(self.columns[1], _ZERO)
        for c, value in row.items():
            if c >= self.width and c - self.width in forms:
                a, b = forms[c - self.width]
                p, q = p + value * a, q + value * b
        return p, q

    # --- claims -----------------------------------------------------------------------------------------

    def _compare(self, sector: _Sector) -> None:
        """Is a claim's largest value in the sector, which is at one of its vertices, the largest known?"""
        forms = sector.claims
        if self.problem.homogenised:
            forms = [form for form in forms if self._most(form) > self.best]
        for point in self._vertices(sector) if forms else ():
            for form in forms:
                value = _at(form, point)
                if self.best is None or value > self.best:
                    self.best, self.at = value, point

    def _vertices(self, sector: _Sector) -> Iterator[Pair]:
        if not self.problem.homogenised:
            yield from ((p / q, _ONE) for p, q in sector.rays)
            return
        for p, q in sector.rays:
            size = max(abs(p), abs(q))
            yield p / size, q / size
        for p in self.box[0]:
            for q in self.box[1]:
                if p and q and all(_at(wall, (p, q)) > 0 for _, wall in sector.walls):
                    yield p, q

    def _shown(self, form: Pair, sector: _Sector) -> dict[str, str] | None:
        """Multipliers that show the form to be at most the worst value in the sector."""
        p, q = form
        if not self.problem.homogenised:
            sign, reason = sector.sign((-p, self.best - q))
            return reason if sign > 0 else None
        if self._most(form) <= self.best:
            return {}
        # at a vertex a wall meets a side of the box: the other column's number vanishes
        for name, wall in sector.walls:
            for j in (0, 1):
                factor = -form[j] / wall[j] if wall[j] else -_ONE
                if (
                    factor >= 0
                    and self._most((p + factor * wall[0], q + factor * wall[1])) <= self.best
                ):
                    return _written([(name, wall)], [factor])
        sign, reason = sector.sign((-p, -q))
        return reason if sign > 0 else None

    def _most(self, form: Pair) -> Any:
        """The largest value of a form on the box."""
        (p, q), (first, second) = form, self.box
        return p * first[p > 0] + q * second[q > 0]

    def _point(self) -> tuple[Fraction, ...] | None:
        """All columns of the point where the worst value is; those that nothing reads do not matter."""
        if self.at is None:
            return None
        point = [
            Fraction(0) if self.problem.homogenised else fraction(a) for a, _ in self.program.box
        ]
        point[-1] = Fraction(1)
        for i, v in zip(self.columns, self.at, strict=True):
            point[i] = fraction(v)
        return tuple(point)


def _at(form: Pair, point: Pair) -> Any:
    return form[0] * point[0] + form[1] * point[1]


def _written(walls: Sequence[Wall], factors: Sequence[Any]) -> dict[str, str]:
    """The multipliers of gates."""
    return {
        str(name): exact_text(factor)
        for (name, _), factor in zip(walls, factors, strict=False)
        if factor and name is not None
    }
