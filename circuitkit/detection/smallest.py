r"""None smaller exists: circuits with the fewest units, and what proves that there are none with fewer.

**Refit.** What some units cannot do, fewer cannot do either. So every circuit has a unit outside of every set of
units that was refuted, and the fewest units that meet all those complements are a lower bound; where they
will do themselves, they are the minimum (implicit hitting sets).

**Ablation.** Which units to keep is a choice of 0 or 1 each, and at every point the error is affine in these
choices. HiGHS finds the smallest choice; that there is none with fewer is proved anew by branching on units, where
each leaf has multipliers with which the inequalities at the points contradict each other. These come from a linear
program in floats and are checked in exact numbers: any multipliers will do, however they were found.

Source: Moreno-Centeno and Karp, "The implicit hitting set approach" (2013); Neumaier and Shcherbina, "Safe bounds in
linear and mixed-integer linear programming" (2004).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from circuitkit.detection.part import Part, UnitKey, Whole
from circuitkit.detection.refutation import Refutation
from circuitkit.detection.search import Made, Search, residual_bound
from circuitkit.exact.regions import OutOfTime, look_at_the_clock
from circuitkit.proof.claim import Claim, Point
from circuitkit.proof.rationals import fraction, number

__all__ = ["Blocked", "Branched", "LowerBound", "Smallest", "smallest"]

Array = NDArray[np.float64]
_ZERO = number(0)


# --- what is proved -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Blocked:
    """No circuit of fewer units: each of these sets is refuted, and fewer units do not leave all of them.

    Attributes:
        at_least: every circuit has so many units.
        refuted: sets of units that will not do, whatever the readout is, each with its refutation.
    """

    at_least: int
    refuted: tuple[tuple[frozenset[UnitKey], Refutation], ...]

    def holds(self, whole: Whole, claim: Claim) -> bool:
        """Whether all of it is true, computed from the beginning in exact numbers."""
        if self.at_least == 0:
            return True
        if whole.depth != 1 or whole.method != "refit":
            return False  # a unit more may do harm there
        every = whole.everything.units
        if not all(shown.holds(whole.family(Part(units)), claim) for units, shown in self.refuted):
            return False
        outside = [every - units for units, _ in self.refuted]
        return cannot_meet(outside, self.at_least - 1)


#: a leaf: multipliers ``(point, output, factor)`` and that of the count; or a unit and both cases, removed first
Tree: TypeAlias = "tuple[Any, ...]"


@dataclass(frozen=True)
class Branched:
    """No circuit of fewer units: for every choice of so few, the errors at some points contradict each other.

    Attributes:
        at_least: every circuit has so many units.
        points: the points.
        tree: ``("leaf", ((point, output, factor), ...), factor)``, or ``("unit", k, removed, kept)``.
    """

    at_least: int
    points: tuple[Point, ...]
    tree: Tree

    def holds(self, whole: Whole, claim: Claim) -> bool:
        """Whether all of it is true, computed from the beginning in exact numbers."""
        if self.at_least == 0:
            return True
        if not _adds_up(whole) or not all(claim.contains(x) for x in self.points):
            return False
        rows = Rows(whole, claim, self.points)
        return _refutes(rows, self.tree, {}, self.at_least - 1, claim.tolerance)


LowerBound = Blocked | Branched


@dataclass(frozen=True)
class Smallest:
    """The smallest circuit that was found, None where time ran out, and the lower bound that was proved."""

    made: Made | None
    bound: LowerBound


def smallest(search: Search, until: float) -> Smallest | None:
    """The circuit of the fewest units as far as time allows; None for kinds whose fewest are not searched for."""
    if search.whole.depth == 1 and search.whole.method == "refit":
        return _by_blocking(search, until)
    return _by_branching(search, until) if _adds_up(search.whole) else None


def _adds_up(whole: Whole) -> bool:
    """Whether the output is a sum over units with nothing to choose but which are kept."""
    return whole.depth == 1 and whole.method == "ablation" and whole.fill != "affine"


# --- refit: hitting sets --------------------------------------------------------------------------------


def cannot_meet(sets: Sequence[frozenset[Any]], most: int, deadline: float | None = None) -> bool:
    """Whether no ``most`` elements meet every one of these sets: all cases, in whole numbers.

    Raises:
        OutOfTime: the deadline passed.
    """
    if deadline is not None:
        look_at_the_clock(deadline)
    if most < 0:
        return True
    if not sets:
        return False
    least = min(sets, key=len)
    # Sets that have nothing in common need an element each.
    apart, used = 0, frozenset[Any]()
    for s in sorted(sets, key=len):
        if not s & used:
            apart, used = apart + 1, used | s
    if apart > most:
        return True
    left = list(sets)
    for element in sorted(least):
        if not cannot_meet([s for s in left if element not in s], most - 1, deadline):
            return False
        left = [s - {element} for s in left]  # from here on without it
    return True


def _by_blocking(search: Search, until: float) -> Smallest:
    every = sorted(search.whole.everything.units)
    refuted: list[tuple[frozenset[UnitKey], Refutation]] = []
    at_least = 0
    rng = np.random.default_rng(5)
    made: Made | None = None
    try:
        while made is None:
            chosen = _meeting(every, [u for u, _ in refuted])
            outcome = search.settle(Part(frozenset(chosen)))
            if isinstance(outcome, Made):
                made = outcome
            elif outcome is None:
                break
            else:
                refuted.append(_enlarged(search, frozenset(chosen), outcome, every, rng))
                if len(refuted[-1][0]) == len(every):
                    at_least = len(every) + 1  # all of them will not do
                    break
            if time.monotonic() > until:
                break
        outside = [frozenset(every) - units for units, _ in refuted]
        most = (
            len(made.part.units)
            if made is not None
            else len(_meeting(every, [u for u, _ in refuted]))
        )
        if at_least <= len(every) and (most == 0 or cannot_meet(outside, most - 1, until)):
            at_least = most
    except OutOfTime:
        pass
    return Smallest(made, Blocked(at_least, tuple(refuted)))


def _meeting(every: list[UnitKey], refuted: list[frozenset[UnitKey]]) -> list[UnitKey]:
    """The fewest units of which at least one is outside of each set."""
    if not refuted:
        return []
    rows = np.array([[unit not in units for unit in every] for units in refuted], dtype=float)
    found = milp(
        np.ones(len(every)), constraints=LinearConstraint(rows, lb=1.0),
        integrality=np.ones(len(every)), bounds=Bounds(0, 1),
    )  # fmt: skip
    if found.x is None:
        raise OutOfTime
    return [unit for unit, x in zip(every, found.x, strict=True) if x > 0.5]


def _enlarged(
    search: Search,
    units: frozenset[UnitKey],
    shown: Refutation,
    every: list[UnitKey],
    rng: np.random.Generator,
) -> tuple[frozenset[UnitKey], Refutation]:
    """A larger set that will not do either, with its refutation: it says more."""
    whole = search.whole
    family = whole.family(whole.everything)
    features, _ = family.at(search.x)
    scaled = features / search.size[:, None]
    wanted = search.wanted / search.size[:, None]
    rest = list(range(len(every), features.shape[1]))
    place = {unit: k for k, unit in enumerate(every)}

    def far(columns: list[int]) -> bool:
        """Whether the residual of least squares shows that these columns are not enough."""
        phi = scaled[:, columns]
        bounds = [residual_bound(phi, wanted[:, j]) for j in range(wanted.shape[1])]
        return max(bounds) > search.limit * (1 + 1e-6) + 1e-9

    columns = [place[u] for u in units] + rest
    if not far(columns):
        return units, shown
    order = [k for k in rng.permutation(len(every)).tolist() if every[k] not in units]
    stack = [order]
    while stack:
        look_at_the_clock(search.deadline)
        group = stack.pop()
        if not group:
            continue
        if far(columns + group):
            columns += group
        elif len(group) > 1:
            half = len(group) // 2
            stack += [group[half:], group[:half]]
    larger = frozenset(every[k] for k in columns if k < len(every))
    again = whole.family(Part(larger))
    fit = search.fit(again)
    found = search.refuted(again, fit, None) if fit.errors.max() > search.limit else None
    return (larger, found) if found is not None else (units, shown)


# --- ablation: branching --------------------------------------------------------------------------------


class Rows:
    """``error = base + sum_k z_k share_k`` at every point for every output, z_k = 1 where a unit is kept; exact.

    Both are for one hidden layer: its units add up.
    """

    def __init__(self, whole: Whole, claim: Claim, points: Sequence[Point]) -> None:
        self.whole, self.claim = whole, claim
        self.width = whole.net.layer_sizes[1]
        self.n_outputs = whole.net.n_outputs
        self.base: list[list[Any]] = []
        self.share: list[list[list[Any]]] = []
        self.size: list[Any] = []
        self._out = [[number(v) for v in row] for row in whole.net.weights[1].tolist()]
        self._means = [number(float(v)) for v in whole.means[0]]
        bias = [number(v) for v in whole.net.biases[1].tolist()]
        self._empty = [
            b + sum((w * m for w, m in zip(row, self._means, strict=True)), _ZERO)
            for b, row in zip(bias, self._out, strict=True)
        ]
        self.extend(points)

    def extend(self, points: Sequence[Point]) -> None:
        """More points."""
        net = self.whole.net
        first = [[number(v) for v in row] for row in net.weights[0].tolist()]
        bias = [number(v) for v in net.biases[0].tolist()]
        for x in points:
            at = [number(v) for v in x]
            h = [
                max(_ZERO, b + sum((a * v for a, v in zip(row, at, strict=True)), _ZERO))
                for row, b in zip(first, bias, strict=True)
            ]
            over = [a - m for a, m in zip(h, self._means, strict=True)]
            self.base.append(
                [c - number(v) for c, v in zip(self._empty, self.claim.wanted(x), strict=True)]
            )
            self.share.append(
                [[w * v for w, v in zip(row, over, strict=True)] for row in self._out]
            )
            self.size.append(number(self.claim.size(x)))

    def floats(self) -> tuple[Array, Array]:
        """Shares ``(rows, units)`` and bases ``(rows,)``, each divided by the point's size."""
        share = np.array(
            [
                [float(fraction(v / s)) for v in row]
                for rows, s in zip(self.share, self.size, strict=True)
                for row in rows
            ]
        )
        base = np.array(
            [
                float(fraction(v / s))
                for row, s in zip(self.base, self.size, strict=True)
                for v in row
            ]
        )
        return share.reshape(-1, self.width), base


def _refutes(rows: Rows, tree: Tree, fixed: dict[int, int], most: int, tolerance: Fraction) -> bool:
    """Whether no choice of at most so many units is within the tolerance at all points."""
    if tree[0] == "unit":
        _, k, removed, kept = tree
        if k in fixed or not 0 <= k < rows.width:
            return False
        return _refutes(rows, removed, {**fixed, k: 0}, most, tolerance) and _refutes(
            rows, kept, {**fixed, k: 1}, most, tolerance
        )
    if tree[0] == "count":
        return sum(fixed.values()) > most
    _, factors, count = tree
    if count < 0:
        return False
    # sum of factor * error + count * (units - most) is larger than the tolerance allows, for all choices
    left = -number(count) * most
    slopes = [number(count)] * rows.width
    for i, j, factor in factors:
        f = number(factor)
        left += f * rows.base[i][j] - abs(f) * number(tolerance) * rows.size[i]
        slopes = [s + f * v for s, v in zip(slopes, rows.share[i][j], strict=True)]
    for k, slope in enumerate(slopes):
        if k in fixed:
            left += slope * fixed[k]
        elif slope < 0:
            left += slope
    return bool(left > 0)


def _by_branching(search: Search, until: float) -> Smallest:
    rows = Rows(search.whole, search.claim, search.points)
    at_least, tree, n_points = 0, ("leaf", (), Fraction(0)), len(search.points)
    made: Made | None = None
    units = [(1, k) for k in range(rows.width)]
    try:
        chosen = _chosen(search, rows, until)
        while chosen is not None:
            outcome = search.settle(Part(frozenset(units[k] for k in chosen)), rounds=1)
            if isinstance(outcome, Made):
                made = outcome
                break
            if len(search.points) == n_points:
                break  # open, or floats were wrong about the choice
            rows.extend(search.points[n_points:])
            n_points = len(search.points)
            chosen = _chosen(search, rows, until)
        most = len(made.part.units) if made is not None else rows.width
        at_least, tree = _at_once(rows, most, search.claim.tolerance)
        if at_least < most and made is not None:
            found = _branched(rows, most - 1, search.claim.tolerance, until)
            if found is not None:
                at_least, tree = most, found
    except OutOfTime:
        pass
    return Smallest(made, Branched(at_least, tuple(search.points[:n_points]), tree))


def _chosen(search: Search, rows: Rows, until: float) -> list[int] | None:
    """The fewest units that are within the tolerance at the points, as HiGHS sees it."""
    share, base = rows.floats()
    left = until - time.monotonic()
    if left <= 0:
        raise OutOfTime
    found = milp(
        np.ones(rows.width),
        constraints=LinearConstraint(share, lb=-search.limit - base, ub=search.limit - base),
        integrality=np.ones(rows.width), bounds=Bounds(0, 1), options={"time_limit": left},
    )  # fmt: skip
    if found.status == 2:
        return None
    if found.x is None or found.status != 0:
        raise OutOfTime
    return np.flatnonzero(found.x > 0.5).tolist()


def _at_once(rows: Rows, most: int, tolerance: Fraction) -> tuple[int, Tree]:
    """What one linear program shows: the largest number of units up to ``most`` that are needed."""
    share, base = rows.floats()
    low, high, tree = 0, most, _leaf((), 0.0)
    while low < high:  # so many are needed: low yes, above high not asked
        tried = (low + high + 1) // 2
        leaf = _leaf_of(rows, _relaxed(share, base, float(tolerance), tried - 1, {}))
        if _refutes(rows, leaf, {}, tried - 1, tolerance):
            low, tree = tried, leaf
        else:
            high = tried - 1
    return low, tree


def _leaf(factors: tuple[tuple[int, int, Fraction], ...], count: float) -> Tree:
    return ("leaf", factors, Fraction(float(np.float32(count))))


def _leaf_of(rows: Rows, relaxed: tuple[Array, Array, float]) -> Tree:
    """The multipliers of a linear program, in few digits; those of errors divided by sizes made those of errors."""
    _, factors, count = relaxed
    least = 1e-9 * float(np.abs(factors).max(initial=0.0))
    return _leaf(
        tuple(
            (
                i // rows.n_outputs,
                i % rows.n_outputs,
                factor / fraction(rows.size[i // rows.n_outputs]),
            )
            for i, factor in (
                (int(i), Fraction(float(np.float32(factors[i]))))
                for i in np.flatnonzero(np.abs(factors) > least)
            )
        ),
        count,
    )


def _branched(rows: Rows, most: int, tolerance: Fraction, until: float) -> Tree | None:
    """The tree that shows that no choice of at most so many units will do; None if it was not found."""
    share, base = rows.floats()
    limit = float(tolerance)

    def visit(fixed: dict[int, int]) -> Tree | None:
        look_at_the_clock(until)
        if sum(fixed.values()) > most:
            return ("count",)
        relaxed = _relaxed(share, base, limit, most, fixed)
        x = relaxed[0]
        leaf = _leaf_of(rows, relaxed)
        if _refutes(rows, leaf, fixed, most, tolerance):
            return leaf
        free = [k for k in range(rows.width) if k not in fixed]
        if not free:
            return None
        k = max(free, key=lambda k: (min(x[k], 1 - x[k]), abs(share[:, k]).max()))
        removed = visit({**fixed, k: 0})
        if removed is None:
            return None
        kept = visit({**fixed, k: 1})
        return None if kept is None else ("unit", k, removed, kept)

    return visit({})


def _relaxed(
    share: Array, base: Array, limit: float, most: int, fixed: dict[int, int]
) -> tuple[Array, Array, float]:
    """The choice between 0 and 1 that errs least with at most so many units, and its multipliers."""
    width = share.shape[1]
    low, high = np.zeros(width), np.ones(width)
    for k, v in fixed.items():
        low[k] = high[k] = v
    ones = np.ones((len(share), 1))
    found = linprog(
        np.append(np.zeros(width), 1.0),
        A_ub=np.vstack(
            [
                np.hstack([share, -ones]),
                np.hstack([-share, -ones]),
                np.append(np.ones(width), 0.0)[None],
            ]
        ),
        b_ub=np.concatenate([limit - base, limit + base, [most]]),
        bounds=[*zip(low, high, strict=True), (None, None)],
        method="highs-ds",
    )
    if found.x is None:
        raise OutOfTime
    duals = np.maximum(-found.ineqlin.marginals, 0.0)
    n = len(share)
    return found.x[:-1], duals[:n] - duals[n : 2 * n], float(duals[-1])
