r"""Bisection of the inputs, with bounds anew on each box, many boxes at once.

Where inputs are few and gates many, halving an input's interval decides many gates in both halves, and
costs the certificate nothing: a half needs no proof that it is one. A box whose claim follows from the
checker's own slopes is a leaf; a box on which few gates are still open goes to :mod:`.branching`; the
others are halved again, along the input that moves the open gates most.

The bounds that a box inherits are those of the last box above it where the certificate says ``anew``,
exactly as the checker will compute them.

Source: Wang et al., "Formal security analysis of neural networks using symbolic intervals" (2018) for
bisecting inputs; Bunel et al., "Branch and bound for piecewise linear neural network verification" (2020).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import rationals
from .branching import Budget, branch, cost_of_solving
from .floats import Floats, lines
from .problem import Incumbent, Problem, Stuck

__all__ = ["bisect"]

Array = NDArray[np.float64]

#: how many boxes are bounded in one go
_BATCH = 128
#: a box's bounds are written into the certificate, for all boxes in it, after this many cuts
_EVERY = 4
#: with so few open gates a box of a deep network is left to branch and bound, however long that takes
_FEW = 14
#: and with more of them where it may solve at least so often for what the checker needs for two halves
_SOLVES = 8
_DEEPEST = 60


@dataclass
class _Box:
    """A box that waits, and where its tree goes."""

    parent: list[Any]
    slot: int
    ends: list[tuple[Any, Any]]
    low: Array
    high: Array
    #: bounds and signs that the checker has when it comes here
    known: tuple[Array, Array, NDArray[np.int8]]
    depth: int
    bound: float


def bisect(
    problem: Problem,
    bounds: tuple[Array, Array, NDArray[np.int8]],
    best: Incumbent,
    budget: Budget,
    *,
    alone: bool = True,
) -> Generator[float, None, list[Any]]:
    """Prove the claim on the problem's box; yields costs and returns the tree, as :func:`.branch` does.

    ``alone``: nobody else branches on the whole box.
    """
    floats = problem.floats
    w = floats.width
    value, size = floats.dense([problem.claim.value, problem.claim.size or {}])
    plain = problem.claim.size is None
    shallow = floats.levels[0] if floats.levels else slice(0, 0)
    reads = np.abs(floats.matrix[shallow, :w])
    checking, bounding = _costs(floats)
    # Gates that read inputs only are bounded at once, and exactly; but where as many kinks as there are
    # inputs meet in a point, no halving takes them apart.
    few = w - 1 if len(floats.levels) == 1 else _FEW
    root: list[Any] = [None]
    todo = [_Box(root, 0, list(problem.box), problem.low, problem.high, bounds, 0, budget.first)]
    while todo:
        budget.check()
        batch, todo = todo[-_BATCH:], todo[:-_BATCH]
        budget.pending = [*todo, *batch]
        low, high = np.stack([b.low for b in batch]), np.stack([b.high for b in batch])
        known = tuple(np.stack([b.known[i] for b in batch]) for i in range(3))
        row = value - best.near * size
        inherited, _ = floats.upper(row[None], low, high, lines(*known))  # type: ignore[arg-type]
        fresh = floats.bounds(low, high, known)  # type: ignore[arg-type]
        upper, left = floats.upper(row[None], low, high, lines(*fresh))
        yield len(batch) * bounding
        reach = np.maximum(np.abs(low), np.abs(high))
        noise = best.margin * (
            reach @ np.abs(row[:w])
            + np.maximum(np.abs(fresh[0]), np.abs(fresh[1])) @ np.abs(row[w:])
        )
        open_ = fresh[2] == 0
        wide = high - low
        moves = (open_[:, shallow].astype(float) @ reads) * wide
        still = moves.max(axis=1) <= 0
        moves[still] = (np.abs(left[:, 0]) * wide)[still]
        moves[wide <= 0] = -1.0
        for b, box in enumerate(batch):
            here: Any = tuple(a[b] for a in fresh)
            budget.nodes += 1
            goal = (best.near if plain else 0.0) - noise[b]
            if min(upper[b, 0], inherited[b, 0]) <= goal:
                _put(box, ["leaf"], inherited[b, 0] > goal)
                budget.close(box.depth)
                continue
            i = int(np.argmax(moves[b]))
            # halving further than floats can tell apart leads nowhere
            last = not moves[b, i] > 0 or box.depth >= _DEEPEST
            allowed = np.inf if last else _allowed(open_[b], checking, few)
            if allowed > 0 and (alone or box.depth or last):
                budget.share = 0.5**box.depth
                tree = yield from _attempt(problem.on(box.ends, here), here, best, budget, allowed)
                budget.share = 1.0
                if tree is not None:
                    _put(box, tree, box.depth > 0)
                    continue
                if last:
                    raise Stuck
            todo.extend(_halves(box, here, i, float(upper[b, 0])))
    budget.pending = []
    made: list[Any] = root[0]
    return made


def _costs(floats: Floats) -> tuple[Array, float]:
    """Roughly the seconds that the checker takes for each gate's bounds, and those of all of them here."""
    entries = [np.count_nonzero(floats.matrix[level]) for level in floats.levels]
    before = np.cumsum([0, *entries])
    checking = np.zeros(len(floats))
    for level, count in zip(floats.levels, before[:-1], strict=True):
        own = np.count_nonzero(floats.matrix[level], axis=1)
        checking[level] = 1e-5 + 4e-7 * (own + count)
    return checking, 2e-5 + 2e-3 * float(checking.sum())


def _allowed(open_: NDArray[np.bool_], checking: Array, few: int) -> float:
    """The cost that branching may have on a box: what its halves would cost the checker."""
    count = int(open_.sum())
    if count <= few:
        return np.inf
    solves = float(checking[open_].sum()) / cost_of_solving(count)
    return solves * cost_of_solving(count) if solves >= _SOLVES else 0.0


def _attempt(
    problem: Problem,
    bounds: tuple[Array, Array, NDArray[np.int8]],
    best: Incumbent,
    budget: Budget,
    allowed: float,
) -> Generator[float, None, list[Any] | None]:
    """The tree of branch and bound, if it is found at the cost that is allowed."""
    search, spent, before = branch(problem, bounds, best, budget), 0.0, budget.done
    found: list[Any]
    while spent < allowed:
        try:
            cost = next(search)
        except StopIteration as done:
            found = done.value
            return found
        except Stuck:
            break
        spent += cost
        yield cost
    budget.done = before
    return None


def _put(box: _Box, tree: list[Any], anew: bool) -> None:
    box.parent[box.slot] = ["anew", tree] if anew else tree


def _halves(
    box: _Box, here: tuple[Array, Array, NDArray[np.int8]], i: int, bound: float
) -> Iterator[_Box]:
    from_, to = box.ends[i]
    middle = (from_ + to) / 2
    made: list[Any] = ["cut", i, rationals.text(middle), None, None]
    anew = box.depth > 0 and box.depth % _EVERY == 0
    _put(box, made, anew)
    known = here if anew or box.depth == 0 else box.known
    for slot, ends in ((3, (from_, middle)), (4, (middle, to))):
        low, high = box.low.copy(), box.high.copy()
        low[i], high[i] = rationals.floats(ends)
        inside = [*box.ends[:i], ends, *box.ends[i + 1 :]]
        yield _Box(made, slot, inside, low, high, known, box.depth + 1, bound)
