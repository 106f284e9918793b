r"""Every cell of a domain in whole numbers, written as a certificate: for claims that are tight everywhere.

Where two functions are equal, or a claim holds by exactly 0 at every scale, no relaxation has room to be
wrong: all cells have to be met. A domain with its scale is a cone, kept by its rays and lines
(:mod:`circuitkit.exact.cones`). Gates are taken in order, those only that the claims still read. A gate with both
signs on the rays splits the cone; one with a single sign is *fixed*, and its reason is a combination, with
factors >= 0, of what bounds the cone, found exactly. On a cell where all gates read are decided a claim is
linear, and largest on a ray.

Source: Motzkin et al., "The double description method" (1953); Farkas' lemma for the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from circuitkit import simplex
from circuitkit.exact.cones import Cone
from circuitkit.exact.integers import Integers, integers, product

from . import rationals
from .branching import Budget
from .problem import Claim, Incumbent, Stuck, Unbounded

__all__ = ["enumerate_cells"]

#: a vector over the columns before the gates, in rationals
Form = list[Any]

_MOST_CELLS = 50_000
#: roughly the seconds of looking at one gate in one cell, and of each number that is touched
_LOOK, _TOUCH = 2e-4, 1e-6


@dataclass
class _Wall:
    """What is >= 0 in a cell: a decided gate's row, or (gate None) a bound of the domain's box."""

    gate: int | None
    form: Form
    whole: Integers


@dataclass
class _Cell:
    """A cell that waits, and where its tree goes."""

    parent: list[Any]
    slot: int
    cone: Cone
    signs: dict[int, int]
    #: the forms of gates that are on
    forms: dict[int, Form]
    walls: list[_Wall]


@dataclass
class _Leaf:
    """A cell where every claim is linear: value and size of each."""

    cell: _Cell
    claims: list[tuple[Form, Form]] = field(default_factory=list)


def enumerate_cells(
    gates: Sequence[dict[int, Any]],
    box: Sequence[tuple[Any, Any]],
    claims: Sequence[Claim],
    given: Sequence[int],
    best: Incumbent,
    budget: Budget,
) -> Generator[float, None, list[Any]]:
    """Prove all claims at once; yields costs and returns the tree, as :func:`.branch` does.

    Raises:
        Stuck: the domain has no interior, or the claims' worst value depends on the box of directions.
        Unbounded, Refuted, OutOfTime: as elsewhere.
    """
    made = _Cells(gates, box, claims, best, budget)
    yield from made.visit(given)
    return made.root


def _whole(form: Form) -> Integers:
    """The form times a positive number, in whole numbers."""
    fractions = [rationals.fraction(v) for v in form]
    scale = math.lcm(*(v.denominator for v in fractions))
    row: Integers = integers([[int(v * scale) for v in fractions]])[0]
    return row


class _Cells:
    def __init__(
        self,
        gates: Sequence[dict[int, Any]],
        box: Sequence[tuple[Any, Any]],
        claims: Sequence[Claim],
        best: Incumbent,
        budget: Budget,
    ) -> None:
        self.gates, self.box, self.claims = gates, box, claims
        self.best, self.budget = best, budget
        self.width = len(box)
        self.scaled = box[-1][0] == 0  # the last column is the scale t, not the number 1
        self.root: list[Any] = []
        #: what was spent since this was last told
        self.spent = 0.0
        self.reads = [[c - self.width for c in row if c >= self.width] for row in gates]
        self.entries = sum(map(len, self.reads))
        asked = {c for claim in claims for row in (claim.value, claim.size or {}) for c in row}
        self.asked = [c - self.width for c in asked if c >= self.width]

    # --- the walk ---------------------------------------------------------------------------------------

    def visit(self, given: Sequence[int]) -> Generator[float, None, None]:
        holder: list[Any] = [None]
        leaves: list[_Leaf] = []
        todo = [self._domain(holder, given)]
        while todo:
            self.budget.check()
            self.budget.nodes += 1
            cell = todo.pop()
            children = self._decided(cell)
            if not children:
                leaf = self._leaf(cell)
                self._compare(leaf)
                leaves.append(leaf)
                if self.best.fixed:
                    self._prove(leaf)
                if len(leaves) > _MOST_CELLS:
                    raise Stuck
            todo.extend(children)
            yield self._told()
        if not self.best.fixed:
            for leaf in leaves:
                self.budget.check()
                self._prove(leaf)
                yield self._told()
        self.root = holder[0]

    def _told(self) -> float:
        spent, self.spent = self.spent, 0.0
        return spent

    def _domain(self, holder: list[Any], given: Sequence[int]) -> _Cell:
        """The cone of the domain."""
        w = self.width
        zero, one = rationals.number(0), rationals.number(1)
        unit = [[one if i == j else zero for i in range(w)] for j in range(w)]
        bounds = [unit[w - 1]]
        for j, (low, high) in enumerate(self.box[:-1]):
            if not self.scaled:
                bounds.append([*unit[j][:-1], -low])
                bounds.append([*[-v for v in unit[j][:-1]], high])
            elif low == 0 or high == 0:
                bounds.append(unit[j] if low == 0 else [-v for v in unit[j]])
        walls = [_Wall(None, form, _whole(form)) for form in bounds]
        forms = rationals.Forms(self.gates, w, {})
        for k in given:
            form = forms.gate(k)
            walls.append(_Wall(k, form, _whole(form)))
        cone = Cone.everything(w)
        for wall in walls:
            on_lines, on_rays = cone.values(wall.whole[None])
            if not on_lines.any() and not (on_rays > 0).any():
                raise Stuck  # the domain is flat: double description needs an interior
            cone = cone.clip(wall.whole)
        signs = dict.fromkeys(given, 1)
        return _Cell(holder, 0, cone, signs, {k: forms.gate(k) for k in given}, walls)

    def _next(self, signs: dict[int, int]) -> int | None:
        """The first gate that the claims still read and that is not decided."""
        needed = set(self.asked)
        first = None
        for k in range(max(needed, default=-1), -1, -1):
            if k in needed:
                sign = signs.get(k, 0)
                if sign >= 0:
                    needed.update(self.reads[k])
                if sign == 0:
                    first = k
        return first

    def _decided(self, cell: _Cell) -> list[_Cell]:
        """Fix what has one sign; the two halves at the first gate with both, none where all is decided."""
        steps: list[Any] = []
        while True:
            k = self._next(cell.signs)
            if k is None:
                self._put_steps(cell, steps)
                return []
            self.budget.check()
            self.spent += self._cost(k, cell)
            form = self._form(self.gates[k], cell)
            whole = _whole(form)
            on_lines, on_rays = cell.cone.values(whole[None])
            above, below = (on_rays > 0).any(), (on_rays < 0).any()
            if on_lines.any() or (above and below):
                self._put_steps(cell, steps)
                return self._halves(cell, k, form, whole)
            sign = 1 if above else -1
            reason = self._reason([sign * v for v in form], cell)
            steps.append([k, sign, reason])
            cell.signs[k] = sign
            if sign > 0:
                cell.forms[k] = form

    def _cost(self, k: int, cell: _Cell) -> float:
        touched = self.width * (len(self.gates[k]) + len(cell.cone.rays) * (1 + len(cell.walls)))
        return _LOOK + _TOUCH * (touched + self.entries / 10)

    def _put_steps(self, cell: _Cell, steps: list[Any]) -> None:
        if steps:
            made = ["fix", steps, None]
            cell.parent[cell.slot] = made
            cell.parent, cell.slot = made, 2

    def _halves(self, cell: _Cell, k: int, form: Form, whole: Integers) -> list[_Cell]:
        made: list[Any] = ["split", k, None, None]
        cell.parent[cell.slot] = made
        on, off = cell.cone.split(whole)
        negative = [-v for v in form]
        return [
            _Cell(
                made, 3, off, {**cell.signs, k: -1}, dict(cell.forms),
                [*cell.walls, _Wall(k, negative, -whole)],
            ),
            _Cell(
                made, 2, on, {**cell.signs, k: 1}, {**cell.forms, k: form},
                [*cell.walls, _Wall(k, form, whole)],
            ),
        ]  # fmt: skip

    def _form(self, row: dict[int, Any], cell: _Cell) -> Form:
        total = [rationals.number(0)] * self.width
        for c, a in row.items():
            factor = rationals.number(a)
            if c < self.width:
                total[c] = total[c] + factor
            elif cell.signs[c - self.width] > 0:
                for j, v in enumerate(cell.forms[c - self.width]):
                    if v:
                        total[j] = total[j] + factor * v
        return total

    def _reason(self, wanted: Form, cell: _Cell) -> dict[str, Any]:
        """Multipliers of the cell's gates that show ``wanted >= 0``; the box does the rest."""
        if not any(wanted):
            return {}
        rays = cell.cone.rays
        level = product(rays, _whole(wanted)[:, None])[:, 0] == 0
        # Only what is 0 wherever ``wanted`` is can be a part of it.
        usable = [
            wall
            for wall in cell.walls
            if not level.any() or not product(rays[level], wall.whole[:, None]).any()
        ]
        factors = simplex.multipliers(wanted, [wall.form for wall in usable])
        if factors is None:
            raise Stuck
        return {
            str(wall.gate): rationals.text(factor)
            for wall, factor in zip(usable, factors, strict=True)
            if factor and wall.gate is not None
        }

    # --- leaves -----------------------------------------------------------------------------------------

    def _leaf(self, cell: _Cell) -> _Leaf:
        one = [rationals.number(0)] * (self.width - 1) + [rationals.number(1)]
        nothing = [rationals.number(0)] * self.width
        leaf = _Leaf(cell)
        for claim in self.claims:
            if claim.size is not None:
                size = self._form(claim.size, cell)
            else:  # the number 1: the constant, or of a scaled input nothing that is linear
                size = nothing if self.scaled else one
            leaf.claims.append((self._form(claim.value, cell), size))
        return leaf

    def _compare(self, leaf: _Leaf) -> None:
        """Is a claim's value larger than the worst one known on a ray of the cell?"""
        cone = leaf.cell.cone
        for claim, (value, size) in zip(self.claims, leaf.claims, strict=True):
            lines = [[int(v) for v in line] for line in cone.lines.tolist()]
            lines += [[-v for v in line] for line in lines]
            for ray in [*lines, *([int(v) for v in ray] for ray in cone.rays.tolist())]:
                up = sum((a * v for a, v in zip(value, ray, strict=True)), rationals.number(0))
                down = sum((a * v for a, v in zip(size, ray, strict=True)), rationals.number(0))
                if up > self.best.worst * down or self.best.point is None:
                    self.budget.check()  # the whole network is evaluated there
                    self._offer(claim, ray, up)
            if self.scaled and claim.size is None and self.best.worst > 0:
                raise Stuck  # how large it is depends on the box of directions

    def _offer(self, claim: Claim, ray: list[int], up: Any) -> None:
        top = max(abs(v) for v in ray) if self.scaled else ray[-1]
        if top == 0:
            return
        point = [rationals.number(v) / top for v in ray]
        value = claim.at(self.gates, point)
        if value is None and up > 0:
            raise Unbounded(point)
        self.best.offer(value, point)

    def _prove(self, leaf: _Leaf) -> None:
        """Write the leaf, at the worst value."""
        cell = leaf.cell
        self.spent += len(leaf.claims) * (_LOOK + _TOUCH * self.width * len(cell.cone.rays))
        shown = []
        for value, size in leaf.claims:
            wanted = [self.best.worst * b - a for a, b in zip(value, size, strict=True)]
            shown.append(self._reason(wanted, cell))
        while shown and not shown[-1]:
            shown.pop()
        cell.parent[cell.slot] = ["leaf", *shown]
