r"""Depth-first branch and bound on the signs of gates, over one box and for one claim.

A node's relaxation either is empty, or bounds the claim well enough, or shows a point that the claim
does not survive, or is split: on the open gate whose chord lifts the bound most. Where the bound meets
the best value known (to within float noise) the node is *tight*: gates are split until every gate that
the claim reads is decided, and then the vertex and its multipliers are computed in exact rationals
(:mod:`.vertex`).

The tree is written in the certificate's own terms as it grows, with multipliers rounded to few bits;
what is written is what :meth:`.Relaxation.certified` bounded.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import rationals
from .problem import Incumbent, OutOfTime, Problem, Stuck
from .relaxation import Relaxation, Solved
from .vertex import Cell

__all__ = ["Budget", "branch", "cost_of_solving"]

Array = NDArray[np.float64]

#: slopes that are meant exactly are nearly always 0, 1 or a short fraction
_SLOPE_BITS = 16


@dataclass
class Budget:
    """When to stop, and what is not done yet: boxes and nodes, each with a bound of the claim there."""

    deadline: float
    #: a bound that holds everywhere
    first: float = np.inf
    nodes: int = 0
    #: which share of the tree is finished, a node's halves being a half of its share each
    done: float = 0.0
    #: the share that the search at work has, which may be one of a box only
    share: float = 1.0
    pending: list[Any] = field(default_factory=list)
    stack: list[Any] = field(default_factory=list)

    def seconds(self) -> float:
        """What is left of the time."""
        return self.deadline - time.monotonic()

    def check(self) -> None:
        """Is there time left?"""
        if time.monotonic() > self.deadline:
            raise OutOfTime

    def close(self, depth: int) -> None:
        """A node so many halvings below the root of the search at work is finished."""
        self.done += self.share * 0.5**depth

    def waiting(self) -> float:
        """The largest bound of what waits."""
        if not self.nodes:
            return self.first
        return max((item.bound for item in [*self.pending, *self.stack]), default=self.first)


@dataclass
class Node:
    """A node that waits: where its tree goes, and the signs that lead to it."""

    parent: list[Any]
    slot: int
    path: tuple[tuple[int, int], ...]
    bound: float = np.inf


def branch(
    problem: Problem,
    bounds: tuple[Array, Array, NDArray[np.int8]],
    best: Incumbent,
    budget: Budget,
) -> Generator[float, None, list[Any]]:
    """Prove the claim on the box, at the tolerance or at the final ``best.worst``.

    Yields what each node cost, roughly in seconds (from sizes, not a clock, so that what is found does not
    depend on the machine), and returns the tree.

    Raises:
        Refuted: a point is above the fixed tolerance.
        OutOfTime: the deadline passed.
        Stuck: exact arithmetic does not confirm what floats say.
    """
    search = _Search(problem, bounds, best, budget)
    yield from search.run()
    made: list[Any] = search.root[0]
    return made


def cost_of_solving(gates: int) -> float:
    """Roughly the seconds of one solve with so many open gates."""
    return 3e-4 + 2.5e-7 * gates**2


class _Search:
    def __init__(
        self,
        problem: Problem,
        bounds: tuple[Array, Array, NDArray[np.int8]],
        best: Incumbent,
        budget: Budget,
    ) -> None:
        self.problem, self.best, self.budget = problem, best, budget
        self.low, self.high = low, high = problem.low, problem.high
        floats = problem.floats
        self.value, self.size = floats.dense([problem.claim.value, problem.claim.size or {}])
        self.plain = problem.claim.size is None
        # The solver's tolerances are absolute: the claim's largest coefficient is to be about 1.
        top = max(np.abs(self.value).max(initial=0.0), np.abs(self.size).max(initial=0.0))
        self.factor = float(np.ldexp(1.0, -int(np.frexp(top)[1]))) if top > 0 else 1.0
        self.value, self.size = self.value * self.factor, self.size * self.factor
        self.near = best.near
        row = self.value - self.near * self.size
        self.relaxation = Relaxation(floats, row, low, high, bounds, problem.given)
        r = self.relaxation
        self.names = [floats.order[i] for i in r.gates]
        reach = np.maximum(np.abs(low), np.abs(high))
        self.scale = float(np.abs(row[: floats.width]) @ reach) + float(
            np.abs(row[floats.width :][r.gates]) @ np.maximum(np.abs(r.down), np.abs(r.up))
        )
        self.margin = best.margin * max(self.scale, 1e-300)
        self.nothing = np.zeros(len(r.objective))

    def run(self) -> Iterator[float]:
        self.root: list[Any] = [None]
        cost = cost_of_solving(len(self.relaxation.gates))
        stack = [Node(self.root, 0, (), self.budget.first)]
        while stack:
            self.budget.stack = stack
            self.budget.check()
            children = self._visit(stack[-1])
            node = stack.pop()
            if not children:
                self.budget.close(len(node.path))
            stack.extend(children)
            yield cost
        self.budget.stack = []

    def _set(self, path: tuple[tuple[int, int], ...]) -> None:
        r = self.relaxation
        wanted = dict(path)
        for i in np.flatnonzero(r.sign).tolist():
            if i not in wanted and i not in r.given:
                r.decide(i, 0)
        for i, sign in path:
            if r.sign[i] != sign:
                r.decide(i, sign)

    def _retarget(self) -> None:
        """The objective follows the best value, where the size is more than a number."""
        if self.best.near != self.near and not self.plain:
            self.relaxation.aim(self.value - self.best.near * self.size)
            self.near = self.best.near

    @property
    def goal(self) -> float:
        """What the relaxation is to stay below."""
        return self.best.near * self.factor if self.plain else 0.0

    def _visit(self, node: Node) -> list[Node]:
        r = self.relaxation
        self.budget.nodes += 1
        self._retarget()
        self._set(node.path)
        solved = r.solve(self.budget.seconds())
        if solved is None:
            self.budget.check()
            unknown = np.full(len(r.gates), np.nan)
            solved = Solved(False, np.inf, self.nothing, unknown, np.zeros(len(r.gates)))
        if solved.empty:
            duals = self._shortened(self.nothing, solved.duals, -1e-9)
            if duals is not None:
                node.parent[node.slot] = ["empty", self._text(duals)]
                return []
        elif solved.value <= self.goal - self.margin:
            duals = self._shortened(r.objective, solved.duals, self.goal - self.margin / 2)
            if duals is not None:
                node.parent[node.slot] = ["leaf", self._text(duals, 1 / self.factor)]
                return []
        elif np.isfinite(solved.value):
            self._try(solved.point[: r.width])
        i = self._heaviest(solved)
        if i is None:  # no chord lifts the bound: it may be the worst value itself
            tree = self._tight(solved)
            if tree is not None:
                node.parent[node.slot] = tree
                return []
            i = self._nearest(solved)
            if i is None:
                raise Stuck
        made: list[Any] = ["split", self.names[i], None, None]
        node.parent[node.slot] = made
        on = Node(made, 2, (*node.path, (i, 1)), solved.value / self.factor)
        off = Node(made, 3, (*node.path, (i, -1)), solved.value / self.factor)
        # the side on which the relaxation's point lies first: it holds the larger values
        z = float(r.rows[i] @ solved.point)
        return [off, on] if z >= 0 else [on, off]

    def _try(self, x: Array) -> None:
        """Is the claim's value at the relaxation's point above the best known?"""
        full = self.problem.floats.values(x[None])[0]
        value = float(self.value @ full)
        size = self.factor if self.plain else float(self.size @ full)
        if value - self.best.near * size > self.margin * 1e-3:
            self.best.offer_floats(self.problem, x)
            self._retarget()

    def _heaviest(self, solved: Solved) -> int | None:
        """The open gate whose chord lifts the bound most; None if none does."""
        if not len(solved.weight):
            return None
        i = int(np.argmax(solved.weight))
        return i if solved.weight[i] > 1e-12 * self.scale else None

    def _nearest(self, solved: Solved) -> int | None:
        """Of the open gates that the claim or a multiplier reads the one nearest to its kink."""
        r = self.relaxation
        read = np.abs(r.coefficients(np.full(len(r.gates), np.nan)))
        read += np.abs(r.coefficients(solved.duals))
        open_ = np.flatnonzero((r.sign == 0) & (read > 0))
        if not len(open_):
            return None
        return int(open_[np.argmin(np.abs(r.rows[open_] @ solved.point))])

    # --- what is written ------------------------------------------------------------------------------

    def _shortened(self, objective: Array, duals: Array, target: float) -> Array | None:
        """The duals with as few bits as still give a bound below the target."""
        r = self.relaxation
        for bits in (8, 16, 26, 52):
            rounded = _rounded(duals, r.sign, bits)
            if r.certified(objective, rounded) < target:
                return rounded
        return None

    def _text(self, duals: Array, factor: float = 1.0) -> dict[str, Any]:
        """Slopes, and multipliers in the claim's own scale."""
        r = self.relaxation
        duals = np.where(r.sign == 0, duals, duals * factor)
        written = np.flatnonzero(~np.isnan(duals) & ((duals != 0) | (r.sign == 0)))
        return {str(self.names[i]): rationals.text(float(duals[i])) for i in written.tolist()}

    # --- tight nodes ----------------------------------------------------------------------------------

    def _tight(self, solved: Solved) -> list[Any] | None:
        """The exact vertex, and multipliers that prove it; open gates keep their slopes.

        None also where the exact rows read a gate that is lost in floats, such as 5e-324 of it.
        """
        try:
            return self._settled(solved)
        except KeyError:
            return None

    def _settled(self, solved: Solved) -> list[Any] | None:
        r, problem, point = self.relaxation, self.problem, solved.point
        order = problem.floats.order
        signs = {order[i]: int(s) for i, s in enumerate(problem.sign) if s}
        decided = np.flatnonzero(r.sign).tolist()
        signs |= {self.names[i]: int(r.sign[i]) for i in decided}
        slopes = _rounded(solved.duals, r.sign, _SLOPE_BITS)
        slopes = np.where(np.isnan(slopes), r.below, slopes)
        open_ = np.flatnonzero(r.sign == 0).tolist()
        z = np.abs(r.rows @ point)
        nearest = sorted(decided, key=lambda i: z[i])
        noise = 1e-6 * (1 + np.abs(r.rows) @ np.abs(point))
        sure = {self.names[i]: rationals.number(float(slopes[i])) for i in open_}
        unwritten = {self.names[i] for i in open_ if r.unsure[i]}
        cell = Cell(problem, signs, point[: r.width], sure, unwritten)
        near = [i for i in nearest if z[i] <= noise[i]]
        for chosen in (near, nearest) if not open_ else (near,):
            found = cell.settled([self.names[i] for i in chosen], self.best)
            if found is not None:
                return found
        return None


def _rounded(duals: Array, sign: NDArray[np.int8], bits: int) -> Array:
    mantissa, exponent = np.frexp(duals)
    multiplier = np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits)
    multiplier[np.abs(duals) < np.ldexp(np.nanmax(np.abs(duals), initial=0.0), -bits - 8)] = 0.0
    slope = np.ldexp(np.rint(np.ldexp(duals, bits)), -bits)
    return np.where(sign == 0, slope, multiplier)
