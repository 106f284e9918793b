r"""The search for a proof: the worst value of a claim and the tree that shows it, or a point against it.

Ways of searching that are good at different things take turns, so that the faster finishes whatever the
other does: branch and bound on the signs of gates (:mod:`.branching`), bisection of the inputs
(:mod:`.boxes`), and every cell in whole numbers (:mod:`.cells`). What one learns of the worst value the
others use.

Everything is proposed in floats, evaluated in exact rationals where it is a point, and written down as
the tree of a certificate where it is a proof, which :mod:`circuitkit.check` then judges.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.check import Cell
from circuitkit.check import Problem as Posed

from . import problem as early
from . import rationals
from .boxes import bisect
from .branching import Budget, branch
from .cells import enumerate_cells
from .floats import Floats, Unfit, lines
from .problem import Claim, Incumbent, Problem, Refuted, Stuck, Unbounded

__all__ = ["Found", "OutOfTime", "search"]

Array = NDArray[np.float64]
Bounds = tuple[Array, Array, NDArray[np.int8]]

#: more open gates than this at the root, and only bisection is tried
_TOO_MANY = 400
#: how many times more a way has spent, in its turns, than it has, where another seems to be through sooner
_BEHIND = 4
#: how late bisection and branching on gates start, by the number of inputs
_WAIT = {1: (0.0, 0.01), 2: (0.0, 0.01), 3: (0.01, 0.0)}
_SAMPLES = 1000
_SAMPLING = 2e-3
#: boxes of more columns have too many corners to keep them all
_MOST_CORNERED = 8
_LARGEST = 1e120
#: how many gates are bounded exactly because floats are not sure
_DOUBTS = 30


@dataclass(frozen=True)
class Found:
    """What a search ends with.

    Attributes:
        worst: the largest ``row / size`` of any claim (of a claim without a size: the largest row), where
            a limit was given only a value above it, or the limit itself; None for infinity.
        point: where that is reached, all columns before the gates; None if nowhere yet.
        tree: proves every claim at ``worst``; None where a limit was given and is exceeded.
    """

    worst: Fraction | None
    point: tuple[Fraction, ...] | None
    tree: list[Any] | None


class OutOfTime(Exception):
    """The deadline passed, or numbers did not fit; ``lower`` and ``upper`` hold the worst value."""

    def __init__(
        self,
        lower: Fraction | float,
        upper: Fraction | float,
        point: tuple[Fraction, ...] | None = None,
    ) -> None:
        super().__init__("time limit reached")
        self.lower, self.upper, self.point = lower, upper, point


def search(problem: Posed, *, limit: Fraction | None = None, deadline: float) -> Found:
    r"""The supremum of :math:`\max_j \mathrm{row}_j / \mathrm{size}_j`, or whether it is above a limit.

    Args:
        problem: rows, sizes and the box, from :func:`circuitkit.check.pose`.
        limit: None for the exact supremum.
        deadline: as ``time.monotonic()`` counts.

    Raises:
        OutOfTime: with the best bounds both ways.
    """
    found = _Hunt(problem, limit, deadline).run()
    moving = any(c.size and max(c.size) > problem.program.n for c in problem.claims)
    if limit is None and moving and found.worst is not None:
        # Where the size reads gates, a leaf from when a smaller worst value was known may not hold at
        # this one: its line below the size may be negative somewhere.
        again = _Hunt(problem, found.worst, deadline).run()
        return replace(found, tree=again.tree)
    return found


@dataclass
class _Way:
    """A way of searching that takes turns with others.

    Attributes:
        steps: the search, which yields what it has spent.
        spent: how much that is; more than 0 at the beginning where it is to start late.
        weight: how much more than others it pays for what it takes.
        budget: tells how much of its tree is finished, if it does.
    """

    steps: Generator[float, None, list[Any]]
    spent: float = 0.0
    weight: float = 1.0
    budget: Budget | None = None

    def left(self) -> float | None:
        """What it will still spend, if it goes on as it has begun; None if nothing is finished yet."""
        done = 0.0 if self.budget is None else self.budget.done
        return self.spent * (1 - done) / done if done > 0 else None


def _raced(*entered: _Way) -> Generator[float, None, list[Any]]:
    """The tree of the way that is through first; they take turns by what they have spent.

    One that seems to be through sooner than others takes more turns.

    Raises:
        Stuck: none is.
    """
    ways = list(entered)
    while ways:
        left = {id(way): way.left() for way in ways}
        soonest = min((v for v in left.values() if v is not None), default=0.0)
        way = min(ways, key=lambda w: w.spent * (_BEHIND if (left[id(w)] or 0) > soonest else 1))
        try:
            cost = next(way.steps)
        except StopIteration as done:
            tree: list[Any] = done.value
            return tree
        except Stuck:
            ways.remove(way)
            continue
        way.spent += cost * way.weight
        yield cost
    raise Stuck


class _Hunt:
    def __init__(self, problem: Posed, limit: Fraction | None, deadline: float) -> None:
        self.program = program = problem.program
        self.gates, self.box, self.deadline = program.gates, list(program.box), deadline
        self.claims = [Claim(c.row, c.size) for c in problem.claims]
        self.given = sorted(k for k, sign in program.signs.items() if sign > 0)
        self.limit = limit
        self.best = Incumbent(rationals.number(limit or 0), limit is not None)
        self.upper: list[float] = [np.inf] * len(self.claims)
        self.budgets: list[Budget] = []
        self.homogenised = problem.homogenised
        #: the claim at work
        self.at = -1

    def run(self) -> Found:
        try:
            with np.errstate(all="ignore"):
                tree = self._tree()
        except Refuted:
            return Found(rationals.fraction(self.best.worst), self._point(), None)
        except Unbounded as found:
            return Found(None, tuple(rationals.fraction(v) for v in found.point), None)
        except (early.OutOfTime, Stuck):
            raise OutOfTime(self._lower(), self._upper(), self._point()) from None
        return Found(rationals.fraction(self.best.worst), self._point(), tree)

    def _tree(self) -> list[Any]:
        """The tree of whichever way is through first."""
        if time.monotonic() > self.deadline:
            raise early.OutOfTime
        ways = [_Way(self._claim_by_claim())]
        if self._few_rays():
            last = Budget(self.deadline)
            cells = enumerate_cells(self.gates, self.box, self.claims, self.given, self.best, last)
            # where a claim is tight at every scale, or at 0, cells are the likelier way
            likely = self.homogenised or self.limit == 0
            ways.append(_Way(cells) if likely else _Way(cells, 0.1, 8.0))
        race = _raced(*ways)
        while True:
            try:
                next(race)
            except StopIteration as done:
                tree: list[Any] = done.value
                return tree

    def _few_rays(self) -> bool:
        """Whether the domain is a cone of few rays, and the worst value is on one of them."""
        if not self.homogenised:
            return len(self.box) <= _MOST_CORNERED
        plain = any(claim.size is None for claim in self.claims)
        return not (plain and self.limit)

    def _claim_by_claim(self) -> Generator[float, None, list[Any]]:
        floats, low, high = self._floats()
        places = [floats.place[k] for k in self.given]
        sign = np.zeros(len(floats), dtype=np.int8)
        sign[places] = 1
        known = np.full((2, len(floats)), -np.inf)
        known[1] = np.inf
        found = floats.bounds(low[None], high[None], (known[:1], known[1:], sign[None]))
        self._looked_at_again(floats, found)
        bounds: Bounds = (found[0][0], found[1][0], found[2][0])
        self._first_bounds(floats, low, high, found)
        problems = [
            Problem(self.gates, floats, claim, self.box, bounds[2], places) for claim in self.claims
        ]
        self._sample(problems)
        yield _SAMPLING
        # in a plane halving decides most gates soon, in space not much later; beyond it seldom helps small
        # networks
        wait_for_boxes, wait_for_gates = _WAIT.get(len(self.box) - 1, (0.08, 0.0))
        trees = []
        for j, made in enumerate(problems):
            self.at = j
            first = self.upper[j]
            both = gates, boxes = Budget(self.deadline, first), Budget(self.deadline, first)
            alone = (bounds[2] == 0).sum() > _TOO_MANY
            ways = [
                _Way(
                    bisect(made, bounds, self.best, boxes, alone=alone), wait_for_boxes, 1.0, boxes
                )
            ]
            if not alone:
                ways.append(
                    _Way(branch(made, bounds, self.best, gates), wait_for_gates, 1.0, gates)
                )
            self.budgets = list(both)
            trees.append((yield from _raced(*ways)))
            self.upper[j] = -np.inf
        return trees[0] if len(trees) == 1 else ["each", *trees]

    def _looked_at_again(self, floats: Floats, found: Bounds) -> None:
        """Gates whose sign is shown but for float noise: does the checker see it?"""
        down, up, sign = (part[0] for part in found)
        doubtful = np.flatnonzero((sign != 0) & (down < 0) & (up > 0) & np.isfinite(down))
        cell = Cell(self.program, list(self.box), dict(self.program.signs))
        for i in doubtful[:_DOUBTS].tolist():
            low, high = cell.bound(floats.order[i])
            down[i], up[i] = rationals.floats([low, high])
            sign[i] = 1 if low >= 0 else -1 if high <= 0 else 0

    def _floats(self) -> tuple[Floats, Array, Array]:
        try:
            floats = Floats(self.gates, len(self.box))
            floats.dense([row for claim in self.claims for row in (claim.value, claim.size or {})])
        except Unfit:
            raise Stuck from None
        low = rationals.floats([a for a, _ in self.box])
        high = rationals.floats([b for _, b in self.box])
        if not (np.abs([low, high]) < _LARGEST).all():
            raise Stuck
        return floats, low, high

    # --- what is known early ----------------------------------------------------------------------------

    def _first_bounds(self, floats: Floats, low: Array, high: Array, found: Bounds) -> None:
        rows = floats.dense([claim.value for claim in self.claims])
        upper, _ = floats.upper(rows, low[None], high[None], lines(*found))
        self.upper = [float(v) if np.isfinite(v) else np.inf for v in upper[0]]

    def _sample(self, problems: list[Problem]) -> None:
        """Points at random, many of them on faces: the worst value is often large early."""
        floats, low, high = problems[0].floats, problems[0].low, problems[0].high
        rng = np.random.default_rng(0)
        x = low + (high - low) * rng.random((_SAMPLES, len(low)))
        face = rng.random(x.shape)
        x = np.where(face < 0.15, low, np.where(face > 0.85, high, x))
        x[0] = (low + high) / 2
        x[:, -1] = high[-1]  # the constant; where it is a scale, an input and not a direction
        full = floats.values(x)
        outside = np.zeros(len(x), dtype=bool)
        for k in self.given:
            outside |= full @ floats.dense([self.gates[k]])[0] < 0
        for problem in problems:
            value, size = floats.dense([problem.claim.value, problem.claim.size or {}])
            ratio = full @ value
            if problem.claim.size is not None:
                ratio = ratio / np.maximum(full @ size, 1e-300)
            ratio[outside | np.isnan(ratio)] = -np.inf
            i = int(np.argmax(ratio))
            if ratio[i] >= self.best.near or self.best.point is None:
                self.best.offer_floats(problem, x[i])

    # --- what is told -----------------------------------------------------------------------------------

    def _point(self) -> tuple[Fraction, ...] | None:
        point = self.best.point
        return None if point is None else tuple(rationals.fraction(v) for v in point)

    def _lower(self) -> Fraction | float:
        return -math.inf if self.best.seen is None else rationals.fraction(self.best.seen)

    def _upper(self) -> Fraction | float:
        """What the relaxations of the nodes that wait say, rounded up."""
        if self.homogenised and any(claim.size is not None for claim in self.claims):
            return math.inf  # a bound on the row says nothing where the size is near 0
        found = (
            -math.inf if self.best.seen is None else float(rationals.floats([self.best.seen])[0])
        )
        for j, upper in enumerate(self.upper):
            ways = [budget.waiting() for budget in self.budgets] if j == self.at else []
            found = max(found, min([upper, *ways]))
        if not math.isfinite(found):
            return math.inf
        return Fraction(found) + Fraction(abs(found) + 1e-12) / 10**9
