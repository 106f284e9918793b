"""Small networks of any depth: every part that is smaller is listed, and for each there is an input where it fails.

For what is kept with its weights as they are. The list is made anew whenever it is checked.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitkit.detection.part import EdgeKey, Part, UnitKey, Whole
from circuitkit.detection.search import Made, Search
from circuitkit.exact.regions import OutOfTime, look_at_the_clock
from circuitkit.proof.claim import Claim, Point
from circuitkit.proof.rationals import number

__all__ = ["Listed", "listed"]

Array = NDArray[np.float64]

#: no more parts than this are listed
_MOST = 25_000
#: so many parts are tried at once
_AT_ONCE = 256


@dataclass(frozen=True)
class Listed:
    """No smaller circuit: each part that is smaller is too far off at one of these points.

    Attributes:
        at_least: every circuit has so many units.
        edges_at_least: every circuit with as few units as that has so many edges. None where only units with all
            of their edges were tried.
        points: the points.
    """

    at_least: int
    edges_at_least: int | None
    points: tuple[Point, ...]

    def holds(self, whole: Whole, claim: Claim) -> bool:
        """Whether all of it is true: every part is listed anew, and evaluated in exact numbers."""
        size = (self.at_least, self.edges_at_least)
        if not is_listed(whole) or not all(claim.contains(x) for x in self.points):
            return False
        tried = count(whole, size)
        if tried > _MOST:
            return False
        if not self.points:
            return not tried
        x = np.array([[float(v) for v in p] for p in self.points])
        wanted = np.array([[float(v) for v in claim.wanted(p)] for p in self.points])
        sizes = np.array([float(claim.size(p)) for p in self.points])
        for part in smaller(whole, size):
            off = np.abs(whole.family(part).at(x)[1] - wanted).max(axis=1) / sizes
            # The point that floats point to, then the others: exact numbers judge.
            order = np.argsort(-off, kind="stable").tolist()
            if not any(is_off(whole, part, claim, self.points[i]) for i in order[:3]):
                return False
        return True


def is_listed(whole: Whole) -> bool:
    """Whether a part of it is one function."""
    return whole.method == "ablation" and whole.fill != "affine"


def is_off(whole: Whole, part: Part, claim: Claim, x: Point) -> bool:
    """Whether a part is further off than the tolerance at a point, in exact numbers."""
    _, fixed = whole.family(part).exactly(x)
    allowed = number(claim.tolerance) * number(claim.size(x))
    return any(abs(a - number(b)) > allowed for a, b in zip(fixed, claim.wanted(x), strict=True))


Size = tuple[int, "int | None"]


def _unit_sets(whole: Whole, size: Size) -> Iterator[tuple[frozenset[UnitKey], list[EdgeKey], int]]:
    """Sets of units, the edges among them, and of these how many at most make less than a size."""
    units, edges = size
    every = sorted(whole.everything.units)
    for n in range(min(units + (edges is not None), len(every) + 1)):
        for some in itertools.combinations(every, n):
            there = whole.edges(Part(frozenset(some)))
            if edges is None:
                yield frozenset(some), [], 0
            elif n < units:
                yield frozenset(some), there, len(there)
            elif edges:
                yield frozenset(some), there, min(edges - 1, len(there))


def count(whole: Whole, size: Size) -> int:
    """How many parts are smaller; as soon as they are too many, how many that are."""
    total = 0
    for _, there, most in _unit_sets(whole, size):
        total += sum(_binomials(len(there), most))
        if total > _MOST:
            break
    return total


def _binomials(n: int, most: int) -> Iterator[int]:
    value = 1
    for k in range(most + 1):
        yield value
        value = value * (n - k) // (k + 1)


def smaller(whole: Whole, size: Size) -> Iterator[Part]:
    """Every part that is smaller: of fewer units, or of as many and fewer edges."""
    for units, there, most in _unit_sets(whole, size):
        for k in range(most + 1):
            for kept in itertools.combinations(there, k):
                yield Part(units, frozenset(there) - frozenset(kept))


def listed(
    search: Search, known: Made, until: float, *, edges: bool
) -> tuple[Made | None, Listed] | None:
    """The smallest part there is, if it is smaller than a known one, and what shows that none is smaller.

    None where the list would be too long, or was not finished in time.
    """
    whole = search.whole
    if not is_listed(whole):
        return None
    made, best = None, known
    while True:
        units = len(best.part.units)
        size = units, len(whole.edges(best.part)) if edges else None
        if count(whole, size) > _MOST:
            return None
        try:
            found = _first_that_does(search, size, until)
        except OutOfTime:
            return None
        if found is None:
            return made, Listed(*size, tuple(search.points))
        if not isinstance(found, Made):
            return None
        made = best = found


def _first_that_does(search: Search, size: Size, until: float) -> Made | Part | None:
    """A smaller part, proved; the part where that stayed open; None where each is refuted."""
    whole = search.whole
    parts = smaller(whole, size)
    while some := list(itertools.islice(parts, _AT_ONCE)):
        look_at_the_clock(until)
        for part in _perhaps(search, some):
            outcome = search.settle(part)
            if isinstance(outcome, Made):
                return outcome
            if outcome is None:
                return part
    return None


def _perhaps(search: Search, parts: Sequence[Part]) -> list[Part]:
    """Those that no point refutes clearly, in floats."""
    left = []
    for part in parts:
        look_at_the_clock(search.deadline)
        _, fixed = search.whole.family(part).at(search.x)
        off = (np.abs(fixed - search.wanted) / search.size[:, None]).max()
        if off <= search.slack:
            left.append(part)
    return left
