r"""None smaller exists: circuits with the fewest units, or units and edges, and what proves that there are none.

Edges count once no fewer units will do: of two circuits the one with fewer units is the smaller one, and of two
with as many the one with fewer edges. A unit with some of its edges is a choice of its own (:mod:`.choices`), so
one search does for both.

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

from circuitkit.detection.choices import Choices, choices
from circuitkit.detection.listing import Listed, listed
from circuitkit.detection.part import Part, UnitKey, Whole
from circuitkit.detection.refutation import Refutation
from circuitkit.detection.search import Made, Search, residual_bound
from circuitkit.exact.regions import OutOfTime, look_at_the_clock
from circuitkit.proof.claim import Claim, Point
from circuitkit.proof.rationals import fraction, number
from circuitkit.words import nearest_float

__all__ = ["Blocked", "Branched", "LowerBound", "Smallest", "none_smaller", "smallest"]

Array = NDArray[np.float64]
_ZERO = number(0)


# --- what is proved -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Blocked:
    """No smaller circuit: each of these sets is refuted, and what is smaller does not leave all of them.

    Attributes:
        at_least: every circuit has so many units.
        refuted: sets of units that will not do, whatever the readout is, each with its refutation. With
            ``edges_at_least`` they are units of the wider network of ``choices``.
        edges_at_least: every circuit with as few units as that has so many edges. None where that was not
            asked: then ``at_least`` speaks of units with all of their edges.
    """

    at_least: int
    refuted: tuple[tuple[frozenset[UnitKey], Refutation], ...]
    edges_at_least: int | None = None

    def holds(self, whole: Whole, claim: Claim) -> bool:
        """Whether all of it is true, computed from the beginning in exact numbers."""
        if not self.at_least and not self.edges_at_least:
            return True
        if whole.depth != 1 or whole.method != "refit":
            return False  # a unit more may do harm there
        among = choices(whole, edges=self.edges_at_least is not None)
        if among is None:
            return False
        wide = among.whole
        every = wide.everything.units
        if not all(shown.holds(wide.family(Part(units)), claim) for units, shown in self.refuted):
            return False
        outside = [every - units for units, _ in self.refuted]
        return cannot_meet(outside, _least(self, among) - 1, among=among)


#: a leaf: multipliers ``(point, output, factor)`` and that of the count; or a unit and both cases, removed first
Tree: TypeAlias = "tuple[Any, ...]"


@dataclass(frozen=True)
class Branched:
    """No smaller circuit: for every choice of so few, the errors at some points contradict each other.

    Attributes:
        at_least: every circuit has so many units.
        points: the points.
        tree: ``("leaf", ((point, output, factor), ...), factor)``, or ``("unit", k, removed, kept)``.
        edges_at_least: every circuit with as few units as that has so many edges; then ``k`` is a unit of the
            wider network of ``choices``. None where that was not asked: then ``at_least`` speaks of units with
            all of their edges.
    """

    at_least: int
    points: tuple[Point, ...]
    tree: Tree
    edges_at_least: int | None = None

    def holds(self, whole: Whole, claim: Claim) -> bool:
        """Whether all of it is true, computed from the beginning in exact numbers."""
        if not self.at_least and not self.edges_at_least:
            return True
        if not _adds_up(whole) or not all(claim.contains(x) for x in self.points):
            return False
        among = choices(whole, edges=self.edges_at_least is not None)
        if among is None:
            return False
        rows = Rows(among, claim, self.points)
        return _refutes(rows, self.tree, {}, _least(self, among) - 1, claim.tolerance)


LowerBound = Blocked | Branched | Listed


def _least(bound: Blocked | Branched, among: Choices) -> int:
    """What every circuit counts at least."""
    return among.dear * bound.at_least + (bound.edges_at_least or 0)


def _parts(least: int, among: Choices, edges: bool) -> tuple[int, int | None]:
    """How many units that is at least, and edges."""
    return divmod(least, among.dear) if edges else (least, None)


@dataclass(frozen=True)
class Smallest:
    """The smallest circuit that was found, None where time ran out, and the lower bound that was proved."""

    made: Made | None
    bound: LowerBound


def smallest(search: Search, until: float) -> Smallest | None:
    """The circuit of the fewest units as far as time allows; None for kinds whose fewest are not searched for.

    Units come with all of their edges here.
    """
    if not _is_searched(search.whole):
        return None
    among = choices(search.whole, edges=False)
    return None if among is None else _found(search, among, until)


def none_smaller(search: Search, known: Made, until: float, *, edges: bool) -> Smallest | None:
    """What shows that nothing is smaller than ``known``, or than the smaller circuit that was found then.

    Where edges count, no circuit is: of any units, with any of their edges. None where that was not finished.
    """
    whole = search.whole
    if whole.depth != 1:
        tried = listed(search, known, until, edges=edges)
        return None if tried is None else Smallest(*tried)
    among = choices(whole, edges=True) if edges and _is_searched(whole) else None
    if among is None:
        return None
    found = _found(search, among, until, known)
    bound = found.bound
    if isinstance(bound, Listed):
        return None
    least = among.size((found.made or known).part)
    return found if _least(bound, among) == least else None


def _is_searched(whole: Whole) -> bool:
    return _adds_up(whole) or (whole.depth == 1 and whole.method == "refit")


def _found(search: Search, among: Choices, until: float, known: Made | None = None) -> Smallest:
    """By the way that fits the rules."""
    way = _by_blocking if search.whole.method == "refit" else _by_branching
    return way(search, among, until, known)


def _adds_up(whole: Whole) -> bool:
    """Whether the output is a sum over units with nothing to choose but which are kept."""
    return whole.depth == 1 and whole.method == "ablation" and whole.fill != "affine"


# --- refit: hitting sets --------------------------------------------------------------------------------


def cannot_meet(
    sets: Sequence[frozenset[Any]],
    most: int,
    deadline: float | None = None,
    *,
    among: Choices | None = None,
) -> bool:
    """Whether no elements that count at most ``most`` meet every one of these sets: all cases, in whole numbers.

    An element counts 1; a choice what it costs, and with it the other choices of its unit are gone.

    Raises:
        OutOfTime: the deadline passed.
    """
    if deadline is not None:
        look_at_the_clock(deadline)
    if most < 0:
        return True
    if not sets:
        return False

    def counts(element: Any) -> int:
        return 1 if among is None else among.cost[element[1]]

    least = min(sets, key=len)
    if not least:
        return True
    # Sets that have nothing in common need an element each.
    apart, used = 0, frozenset[Any]()
    for s in sorted(sets, key=len):
        if not s & used:
            apart, used = apart + min(map(counts, s), default=most + 1), used | s
    if apart > most:
        return True
    left = list(sets)
    for element in sorted(least):
        rest = [s for s in left if element not in s]
        if among is not None:
            unit = among.unit[element[1]]
            rest = [frozenset(e for e in s if among.unit[e[1]] != unit) for s in rest]
        if not cannot_meet(rest, most - counts(element), deadline, among=among):
            return False
        left = [s - {element} for s in left]  # from here on without it
    return True


def _by_blocking(search: Search, among: Choices, until: float, known: Made | None) -> Smallest:
    looking = search.among(among.whole)
    every = sorted(among.whole.everything.units)
    refuted: list[tuple[frozenset[UnitKey], Refutation]] = []
    below = among.size(known.part) if known is not None else None
    at_least = 0
    rng = np.random.default_rng(5)
    made: Made | None = None
    try:
        while True:
            sets = [units for units, _ in refuted]
            chosen = _meeting_quickly(every, sets, among, below)
            if chosen is None:
                chosen = _meeting(every, sets, among)
            if chosen is None or (below is not None and among.total(chosen) >= below):
                break  # nothing is smaller
            outcome = looking.settle(Part(frozenset(chosen)))
            if isinstance(outcome, Made):
                own = _in_own_words(search, among, chosen, outcome)
                if own is None:
                    break
                made, below = own, among.size(own.part)
                if known is None:
                    break  # the fewest that meet them all
            elif outcome is None:
                break
            else:
                refuted.append(_enlarged(looking, frozenset(chosen), outcome, every, rng))
                if len(refuted[-1][0]) == len(every):
                    at_least = among.total(every) + 1  # all of them will not do
                    break
            if time.monotonic() > until:
                break
        outside = [frozenset(every) - units for units, _ in refuted]
        most = below
        if most is None:
            most = among.total(_meeting(every, [u for u, _ in refuted], among) or [])
        if not at_least and (most == 0 or cannot_meet(outside, most - 1, until, among=among)):
            at_least = most
    except OutOfTime:
        pass
    units, edges_at_least = _parts(at_least, among, known is not None)
    return Smallest(made, Blocked(units, tuple(refuted), edges_at_least))


def _meeting_quickly(
    every: list[UnitKey],
    refuted: list[frozenset[UnitKey]],
    among: Choices,
    below: int | None,
) -> list[UnitKey] | None:
    """Units that count less than something known, one of them outside of each set, one after the other; or None."""
    if below is None:
        return None
    chosen: list[UnitKey] = []
    left, counted, gone = refuted, 0, set()
    while left:
        free = [u for u in every if among.unit[u[1]] not in gone]
        meets = [sum(u not in units for units in left) for u in free]
        if not free or not max(meets):
            return None
        best = max(range(len(free)), key=lambda k: (meets[k], -among.cost[free[k][1]]))
        chosen.append(free[best])
        counted += among.cost[free[best][1]]
        if counted >= below:
            return None
        gone.add(among.unit[free[best][1]])
        left = [units for units in left if free[best] in units]
    return chosen


def _in_own_words(
    search: Search, among: Choices, chosen: Sequence[UnitKey], made: Made
) -> Made | None:
    """A circuit of choices as one of the network's own units and edges; None where that was not proved again."""
    if among.whole is search.whole:
        return made
    again = search.settle(among.part(k for _, k in chosen))
    return again if isinstance(again, Made) else None


def _meeting(
    every: list[UnitKey], refuted: list[frozenset[UnitKey]], among: Choices
) -> list[UnitKey] | None:
    """The units that count least of which at least one is outside of each set; None if there are none such."""
    if not refuted:
        return []
    rows = [[float(unit not in units) for unit in every] for units in refuted]
    limits = [LinearConstraint(np.array(rows), lb=1.0)]
    if among.dear > 1:
        limits.append(LinearConstraint(_one_each(among), ub=1.0))
    found = milp(
        np.array(among.cost, dtype=float), constraints=limits,
        integrality=np.ones(len(every)), bounds=Bounds(0, 1),
    )  # fmt: skip
    if found.status == 2:
        return None
    if found.x is None:
        raise OutOfTime
    return [unit for unit, x in zip(every, found.x, strict=True) if x > 0.5]


def _one_each(among: Choices) -> Array:
    """A row for each unit: 1 at its choices."""
    groups = among.of_one_unit()
    rows = np.zeros((len(groups), len(among.unit)))
    for row, group in zip(rows, groups, strict=True):
        row[group] = 1.0
    return rows


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
    """``error = base + sum_k z_k share_k`` at every point for every output, z_k = 1 for each choice taken; exact.

    Both are for one hidden layer: its units add up.
    """

    def __init__(self, among: Choices, claim: Claim, points: Sequence[Point]) -> None:
        self.among, self.claim = among, claim
        net, origin = among.whole.net, among.origin.net
        self.width = len(among.unit)
        self.n_outputs = net.n_outputs
        self.groups = among.of_one_unit()
        self.base: list[list[Any]] = []
        self.share: list[list[list[Any]]] = []
        self.size: list[Any] = []
        self._first = [[number(v) for v in row] for row in net.weights[0].tolist()]
        self._constants = [number(v) for v in net.biases[0].tolist()]
        self._out = [[number(v) for v in row] for row in net.weights[1].tolist()]
        means = [number(float(v)) for v in among.origin.means[0]]
        bias = [number(v) for v in origin.biases[1].tolist()]
        # What a unit that is left out leaves in its place; a choice takes that away.
        stays = [
            [number(w) * m for w, m in zip(row, means, strict=True)]
            for row in origin.weights[1].tolist()
        ]
        self._empty = [b + sum(row, _ZERO) for b, row in zip(bias, stays, strict=True)]
        self._instead = [[row[unit] for unit in among.unit] for row in stays]
        self.extend(points)

    def extend(self, points: Sequence[Point]) -> None:
        """More points."""
        for x in points:
            at = [number(v) for v in x]
            h = [
                max(_ZERO, b + sum((a * v for a, v in zip(row, at, strict=True)), _ZERO))
                for row, b in zip(self._first, self._constants, strict=True)
            ]
            self.base.append(
                [c - number(v) for c, v in zip(self._empty, self.claim.wanted(x), strict=True)]
            )
            self.share.append(
                [
                    [w * v - m for w, v, m in zip(row, h, instead, strict=True)]
                    for row, instead in zip(self._out, self._instead, strict=True)
                ]
            )
            self.size.append(number(self.claim.size(x)))

    def floats(self) -> tuple[Array, Array]:
        """Shares ``(rows, choices)`` and bases ``(rows,)``, each divided by the point's size."""
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
    """Whether no choice that counts at most so much is within the tolerance at all points."""
    if tree[0] == "unit":
        _, k, removed, kept = tree
        if k in fixed or not 0 <= k < rows.width:
            return False
        return _refutes(rows, removed, {**fixed, k: 0}, most, tolerance) and _refutes(
            rows, kept, {**fixed, k: 1}, most, tolerance
        )
    taken = [k for k, v in fixed.items() if v]
    if tree[0] == "count":
        return sum(rows.among.cost[k] for k in taken) > most
    if tree[0] == "twice":  # a unit cannot be two things
        return len({rows.among.unit[k] for k in taken}) < len(taken)
    _, factors, count = tree
    if count < 0:
        return False
    # sum of factor * error + count * (cost - most) is larger than the tolerance allows, for all choices
    left = -number(count) * most
    slopes = [number(count) * c for c in rows.among.cost]
    for i, j, factor in factors:
        f = number(factor)
        left += f * rows.base[i][j] - abs(f) * number(tolerance) * rows.size[i]
        slopes = [s + f * v for s, v in zip(slopes, rows.share[i][j], strict=True)]
    for group in rows.groups:
        taken = [k for k in group if fixed.get(k)]
        free = [slopes[k] for k in group if k not in fixed]
        left += slopes[taken[0]] if taken else min([_ZERO, *free])
    return bool(left > 0)


def _by_branching(search: Search, among: Choices, until: float, known: Made | None) -> Smallest:
    looking = search.among(among.whole)
    rows = Rows(among, search.claim, looking.points)
    at_least, tree, n_points = 0, ("leaf", (), Fraction(0)), len(looking.points)
    made: Made | None = None
    below = among.size(known.part) if known is not None else None
    try:
        chosen = _chosen(looking, rows, until)
        while chosen is not None:
            units = [(1, k) for k in chosen]
            if below is not None and among.total(units) >= below:
                break  # nothing is smaller
            outcome = looking.settle(Part(frozenset(units)), rounds=1)
            if isinstance(outcome, Made):
                made = _in_own_words(search, among, units, outcome)
                break
            if len(looking.points) == n_points:
                break  # open, or floats were wrong about the choice
            rows.extend(looking.points[n_points:])
            n_points = len(looking.points)
            chosen = _chosen(looking, rows, until)
        most = among.total((1, k) for k in range(rows.width))
        if made is not None or known is not None:
            most = among.size((made or known).part)  # type: ignore[union-attr]
        at_least, tree = _at_once(rows, most, search.claim.tolerance, until)
        if at_least < most and (made or known) is not None:
            found = _branched(rows, most - 1, search.claim.tolerance, until)
            if found is not None:
                at_least, tree = most, found
    except OutOfTime:
        pass
    units_at_least, edges = _parts(at_least, among, known is not None)
    points = tuple(looking.points[:n_points])
    return Smallest(made, Branched(units_at_least, points, tree, edges))


def _chosen(search: Search, rows: Rows, until: float) -> list[int] | None:
    """The choices that count least and are within the tolerance at the points, as HiGHS sees it."""
    share, base = rows.floats()
    left = until - time.monotonic()
    if left <= 0:
        raise OutOfTime
    limits = [LinearConstraint(share, lb=-search.limit - base, ub=search.limit - base)]
    if rows.among.dear > 1:
        limits.append(LinearConstraint(_one_each(rows.among), ub=1.0))
    found = milp(
        np.array(rows.among.cost, dtype=float), constraints=limits,
        integrality=np.ones(rows.width), bounds=Bounds(0, 1), options={"time_limit": left},
    )  # fmt: skip
    if found.status == 2:
        return None
    if found.x is None or found.status != 0:
        raise OutOfTime
    return np.flatnonzero(found.x > 0.5).tolist()


def _at_once(rows: Rows, most: int, tolerance: Fraction, until: float) -> tuple[int, Tree]:
    """What one linear program shows: the largest count up to ``most`` that is needed."""
    share, base = rows.floats()
    low, high, tree = 0, most, _leaf((), 0.0)
    while low < high:  # so much is needed: low yes, above high not asked
        look_at_the_clock(until)
        tried = (low + high + 1) // 2
        leaf = _leaf_of(rows, _relaxed(rows, share, base, nearest_float(tolerance), tried - 1, {}))
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
    limit = nearest_float(tolerance)

    def visit(fixed: dict[int, int]) -> Tree | None:
        look_at_the_clock(until)
        for leaf in (("count",), ("twice",)):
            if _refutes(rows, leaf, fixed, most, tolerance):
                return leaf
        relaxed = _relaxed(rows, share, base, limit, most, fixed)
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
    rows: Rows, share: Array, base: Array, limit: float, most: int, fixed: dict[int, int]
) -> tuple[Array, Array, float]:
    """The choice between 0 and 1 that errs least and counts at most so much, and its multipliers."""
    width = share.shape[1]
    low, high = np.zeros(width), np.ones(width)
    for k, v in fixed.items():
        low[k] = high[k] = v
    ones = np.ones((len(share), 1))
    one_each = _one_each(rows.among) if rows.among.dear > 1 else np.zeros((0, width))
    found = linprog(
        np.append(np.zeros(width), 1.0),
        A_ub=np.vstack(
            [
                np.hstack([share, -ones]),
                np.hstack([-share, -ones]),
                np.append(np.array(rows.among.cost, dtype=float), 0.0)[None],
                np.hstack([one_each, np.zeros((len(one_each), 1))]),
            ]
        ),
        b_ub=np.concatenate([limit - base, limit + base, [most], np.ones(len(one_each))]),
        bounds=[*zip(low, high, strict=True), (None, None)],
        method="highs-ds",
    )
    if found.x is None:
        raise OutOfTime
    duals = np.maximum(-found.ineqlin.marginals, 0.0)
    n = len(share)
    return found.x[:-1], duals[:n] - duals[n : 2 * n], float(duals[2 * n])
