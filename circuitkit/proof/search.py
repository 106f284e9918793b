r"""The search for a proof: the worst value of a claim and the tree that shows it, or a point against it.

Ways of searching that are good at different things take turns, so that the faster finishes whatever the
other does: branch and bound on the signs of gates (:mod:`.branching`), and bisection of the inputs
(:mod:`.boxes`). What one learns of the worst value the other uses.

Everything is proposed in floats, evaluated in exact rationals where it is a point, and written down as
the tree of a certificate where it is a proof, which :mod:`circuitkit.check` then judges.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.check import Problem as Posed

from . import problem as early
from . import rationals
from .boxes import bisect
from .branching import Budget, branch
from .floats import Floats, Unfit, lines
from .problem import Claim, Incumbent, Problem, Refuted, Stuck, Unbounded

__all__ = ["Found", "OutOfTime", "search"]

Array = NDArray[np.float64]
Bounds = tuple[Array, Array, NDArray[np.int8]]

#: more open gates than this at the root, and only bisection is tried
_TOO_MANY = 400
_SAMPLES = 2000


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
    return _Hunt(problem, limit, deadline).run()


class _Hunt:
    def __init__(self, problem: Posed, limit: Fraction | None, deadline: float) -> None:
        program = problem.program
        self.gates, self.box, self.deadline = program.gates, list(program.box), deadline
        self.claims = [Claim(c.row, c.size) for c in problem.claims]
        self.given = sorted(k for k, sign in program.signs.items() if sign > 0)
        self.signs = dict(program.signs)
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
                trees = self._trees()
        except Refuted:
            return Found(rationals.fraction(self.best.worst), self._point(), None)
        except Unbounded as found:
            return Found(None, tuple(rationals.fraction(v) for v in found.point), None)
        except (early.OutOfTime, Unfit, Stuck):
            raise OutOfTime(self._lower(), self._upper(), self._point()) from None
        tree = trees[0] if len(trees) == 1 else ["each", *trees]
        return Found(rationals.fraction(self.best.worst), self._point(), tree)

    def _trees(self) -> list[Any]:
        if time.monotonic() > self.deadline:
            raise early.OutOfTime
        floats = Floats(self.gates, len(self.box))
        low = rationals.floats([a for a, _ in self.box])
        high = rationals.floats([b for _, b in self.box])
        if not (np.abs([low, high]) < 1e120).all():
            raise Unfit
        places = [floats.place[k] for k in self.given]
        sign = np.zeros(len(floats), dtype=np.int8)
        for k, s in self.signs.items():
            sign[floats.place[k]] = s
        known = np.full((2, len(floats)), -np.inf)
        known[1] = np.inf
        found = floats.bounds(low[None], high[None], (known[:1], known[1:], sign[None]))
        bounds: Bounds = tuple(a[0] for a in found)
        self._first_bounds(floats, low, high, found)
        problems = [
            Problem(self.gates, floats, claim, self.box, bounds[2], places) for claim in self.claims
        ]
        self._sample(problems)
        trees = []
        for j, made in enumerate(problems):
            trees.append(self._raced(made, bounds, j))
            self.upper[j] = -np.inf
        return trees

    def _raced(self, problem: Problem, bounds: Bounds, j: int) -> list[Any]:
        """The tree of whichever way is through first."""
        self.at = j
        self.budgets = [Budget(self.deadline, self.upper[j]), Budget(self.deadline, self.upper[j])]
        ways = {1: bisect(problem, bounds, self.best, self.budgets[1])}
        if (bounds[2] == 0).sum() <= _TOO_MANY:
            ways[0] = branch(problem, bounds, self.best, self.budgets[0])
        spent = [0.0, 0.01]
        while ways:
            turn = min(ways, key=lambda i: spent[i])
            try:
                spent[turn] += next(ways[turn])
            except StopIteration as done:
                tree: list[Any] = done.value
                return tree
            except Stuck:
                del ways[turn]
        raise Stuck

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
