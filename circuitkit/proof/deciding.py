"""From a claim to a verdict: who is asked in which order, and what has to pass before it is believed.

An engine proposes: a number that is said to be the worst error, a point where it is said to be reached,
a tree that is said to prove that it is nowhere larger. Here the point is evaluated directly and the tree
is handed to the checker; only then is there a verdict.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from circuitkit.check import Problem, Q, Rejected, pose, verify
from circuitkit.exact import regions
from circuitkit.functions.relation import Relation
from circuitkit.proof.claim import Box, Claim, Point, exact_text
from circuitkit.proof.counterexample import looks_equal, looks_near, near, sampled
from circuitkit.proof.counting import joint_program
from circuitkit.proof.exhaustive import exhaust
from circuitkit.proof.lemmas import freed, shared, sums_of_earlier
from circuitkit.proof.plane import walk_plane
from circuitkit.proof.ranges import at_most
from circuitkit.proof.rationals import fraction, number, values
from circuitkit.proof.search import Found, OutOfTime, search
from circuitkit.proof.verdict import Proof
from circuitkit.words import number as seconds_in_words

__all__ = ["Engine", "NotSettled", "decide"]

Engine: TypeAlias = Literal["auto", "regions", "z3"]

#: which share of the time an engine may take; the rest is for the checker
_SEARCH = 0.75
#: an engine that counts in milliseconds may end so much before its time is up, in seconds
_EARLY = 0.002
#: and merging equal gates, and one of them
_MERGING, _ONE_LEMMA = 0.4, 0.06
#: so many linear programs at most are spent cell by cell before a search begins
_AT_ONCE = 40
#: so many where network and target are near each other: there every cell is nearly the worst
_IF_NEAR = 100
#: and so many where network and target look equal, which a search in floats is bad at showing
_IF_EQUAL = 10_000
#: and so many where what both sides share may be any numbers
_IF_FREE = 2_000
#: and so many before equal gates are looked for
_BEFORE_MERGING = 1_500
_SAMPLES = 20
_ZERO = Fraction(0)


class NotSettled(Exception):
    """There is no verdict; what is known of the worst error.

    Attributes:
        lower: it is at least this.
        upper: and at most this; None where there is no bound.
        too_long: whether nothing was begun, because the time would not have been enough.
        spent: after how many seconds it was given up while there was time left; None where the time is up.
    """

    def __init__(
        self,
        lower: Fraction = _ZERO,
        upper: Fraction | None = None,
        why: str = "",
        *,
        too_long: bool = False,
    ) -> None:
        super().__init__(f" ({why})" if why else "")
        self.lower, self.upper, self.too_long = lower, upper, too_long
        self.spent: float | None = None

    def when(self, limit: str) -> str:
        """The time limit in these words, where it was reached; else how soon it was given up."""
        if self.spent is None:
            return limit
        return f"after {seconds_in_words(self.spent, 2)} s, with time left"


@dataclass(frozen=True)
class Finding:
    """What an engine says.

    Attributes:
        worst: the supremum of the error, None where it is unbounded; with ``is_worst`` False only a bound:
            from below where there is a point, from above where there is a tree.
        point: the columns of a point where the error is ``worst``: the inputs, then what they are
            multiplied by, 0 for a direction.
        tree: a proof that the error is at most ``worst``.
        engine: who says so.
    """

    worst: Fraction | None
    point: tuple[Fraction, ...] | None
    tree: list[Any] | None
    is_worst: bool
    engine: str


def decide(claim: Claim, seconds: float, engine: Engine, *, worst: bool = True) -> Proof:
    """The verdict on a claim; ``worst``: with the exact worst error, if that is found in a while.

    Raises:
        NotSettled: there is none within so many seconds, or it is given up before.
        ValueError: the engine does not know such claims.
    """
    start = time.monotonic()
    try:
        judge = _Judge(claim, seconds, worst=worst)
        return judge.by_rewriting() or judge.by_search(engine)
    except NotSettled as left:
        spent = time.monotonic() - start
        if spent < _SEARCH * seconds - _EARLY and not left.too_long:
            left.spent = spent
        point = sampled(claim)
        if point is not None:
            return _refuted(claim, point, "samples")
        known = [bound for bound in (left.upper, at_most(claim)) if bound is not None]
        left.upper = min(known, default=None)
        raise


class _Judge:
    """One claim and the time there is for it.

    Attributes:
        claim: the claim.
        problem: network and target as the checker's rows.
        worst: whether the exact worst error is looked for, once the verdict is there.
    """

    def __init__(self, claim: Claim, seconds: float, *, worst: bool = True) -> None:
        self.worst = worst
        self.start = time.monotonic()
        self.end = self.start + seconds
        self.until = self.start + _SEARCH * seconds
        #: gates that are sums of columns before them, with their proofs, as a certificate has them
        self.lemmas: list[Any] = []
        self.claim, self.problem = self._posed(claim)
        #: until a try to look at every cell has taken too long
        self.is_small = True

    def _posed(self, claim: Claim) -> tuple[Claim, Problem]:
        """The checker's rows, with a size to divide errors by; without a text that it cannot read."""
        try:
            stated = {**claim.stated(Fraction(1)), **self._given()}
            problem = pose(stated, *_subject(claim), deadline=self.until)
        except Rejected as refused:
            plain = claim.without_text()
            if plain is None:
                raise NotSettled(why=f"the checker: {refused}") from None
            return self._posed(plain)
        return claim, problem

    @cached_property
    def is_near(self) -> bool:
        """Whether network and target are close to each other at all of some samples."""
        return looks_near(self.claim)

    @cached_property
    def looks_equal(self) -> bool:
        """Whether they are the same at all of some samples, up to rounding; exactly, where much cancels."""
        return looks_equal(self.claim) or _is_zero_at_samples(self.problem)

    # --- the routes -------------------------------------------------------------------------------------

    def by_rewriting(self) -> Proof | None:
        """Network and target are the same rows after the checker's own pass."""
        if any(part.row for part in self.problem.claims) or any(self.claim.strict):
            return None
        return self._proved(_ZERO, ["leaf"], "exact", "search" if self.lemmas else "rewriting")

    def by_search(self, engine: Engine) -> Proof:
        """Engines, until one is believed."""
        if engine == "regions":
            return self._judged(self._after_regions())
        if engine == "z3":
            return self._after_z3()
        return self._relation() if isinstance(self.claim.target, Relation) else self._function()

    def _function(self) -> Proof:
        """The exact worst error where that is found at once; else a verdict first, then that for a while."""
        # Cells of what looks equal are looked at below, once.
        found = self._at_once(self.problem, None, self.until, unless_equal=not self.claim.tolerance)
        if not self.claim.tolerance:
            if found is None and self.looks_equal:
                found = self._cell_by_cell(_BEFORE_MERGING)
                if found is None:
                    self._merge()
                elif found.tree is None:
                    found = None  # not equal after all: the search knows the worst error
            return self.by_rewriting() or self._judged(found or self._search())
        if found is not None:
            return self._judged(found)
        proof = self._judged(self._search(limit=self.claim.tolerance))
        return self._better(proof)

    def _cell_by_cell(self, most: int) -> Finding | None:
        """A proof that network and target are equal, or a point where not; None after so many linear programs."""
        try:
            found = exhaust(self.problem, limit=_ZERO, deadline=self.until, most=most)
        except OutOfTime as out:
            raise _unsettled(out) from None
        return None if found is None else _finding(found, _ZERO)

    def _merge(self) -> None:
        """Find gates that are sums of earlier ones and prove it, one after another, until nothing else is left."""
        start, until = 0, self.start + _MERGING * (self.end - self.start)
        while any(part.row for part in self.problem.claims) and time.monotonic() < until:
            found = next(sums_of_earlier(self.problem, start), None)
            if found is None:
                return
            k, row = found
            start = k + 1
            column = len(self.problem.program.box) + k
            if row == {column: 1}:
                continue
            part = self.problem.claims[0]
            rows = [_difference(sign, column, row) for sign in (1, -1)]
            alone = replace(self.problem, claims=[replace(part, row=r, size=None) for r in rows])
            tree = self._equal(alone, shared(alone, [column], row), until)
            if tree is not None:
                said = {str(c): exact_text(fraction(v)) for c, v in row.items()}
                self.lemmas.append([k, said, tree])
                self.claim, self.problem = self._posed(self.claim)

    def _equal(self, problem: Problem, common: set[int], until: float) -> list[Any] | None:
        """A proof that the claims' rows are nowhere above 0: whatever the common gates are, or as they are."""
        until = min(until, time.monotonic() + _ONE_LEMMA * (self.end - self.start))
        try:
            if common:
                free = freed(problem, common)
                found = exhaust(free.problem, limit=_ZERO, deadline=until, most=_IF_FREE)
                if found is not None and found.tree is not None:
                    tree: list[Any] = free.back(found.tree)
                    return tree
            shown = self._search(problem, limit=_ZERO, until=until)
        except (NotSettled, OutOfTime):
            return None
        return shown.tree if shown.worst == 0 else None

    def _given(self) -> dict[str, Any]:
        """What certificate and problem have in common beside the claim."""
        return {"lemmas": self.lemmas} if self.lemmas else {}

    def _better(self, proof: Proof) -> Proof:
        """The verdict with the exact worst error, if that is found in a while."""
        if not self.worst:
            return proof
        longer = max(1.0, 4 * (time.monotonic() - self.start))
        try:
            return self._judged(self._search(until=time.monotonic() + longer))
        except NotSettled:
            return proof

    def _relation(self) -> Proof:
        """Part by part; of a strict part one has to know how far it is from being an equation."""
        trees, margins = [], []
        for part, strict in zip(self.problem.claims, self.claim.strict, strict=True):
            if strict:
                part = replace(part, size={self.claim.network.n_inputs: Q(1)})
            alone = replace(self.problem, claims=[part])
            try:
                found = self._search(alone, limit=None if strict else _ZERO)
            except NotSettled as left:
                # A strict part is measured absolutely here; another part may be further off.
                left.lower = _ZERO if strict and self.claim.measure == "relative" else left.lower
                left.upper = left.upper if len(self.problem.claims) == 1 else None
                raise
            if found.tree is None or (strict and (found.worst is None or found.worst >= 0)):
                return self._better(_refuted(self.claim, self._counterexample(found), found.engine))
            trees.append(found.tree)
            if strict and found.worst is not None:
                margins.append(exact_text(-found.worst))
        tree = trees[0] if len(trees) == 1 else ["each", *trees]
        return self._proved(_ZERO, tree, "exact", "search", margins)

    def _after_regions(self) -> Finding:
        """The worst error over all linear regions; then a proof that it is nowhere larger."""
        box = self.claim.domain
        ends = box.ends if isinstance(box, Box) else None
        complete = True
        try:
            made = joint_program(self.claim, self.until)
            if made is None or self.claim.measure != "relative":
                raise ValueError(
                    "engine: 'regions' knows functions and networks in the relative measure, on all of "
                    "R^n or on a box without fixed inputs; 'auto' knows the others"
                )
            cone = regions.domain_cone(self.claim.network.n_inputs, homogeneous=False, box=ends)
            worst = regions.worst_difference(made, cone, homogeneous=False, deadline=self.until)
        except regions.OutOfTime as out:
            worst, complete = out.worst or regions.Worst(_ZERO, 0), False
            if worst.error <= self.claim.tolerance:
                raise NotSettled(worst.error) from None
        point = None if worst.ray is None else tuple(map(Fraction, worst.ray[:-1]))
        seen = Finding(worst.error, point, None, is_worst=False, engine="regions")
        if not complete:
            return seen
        try:
            shown = self._search(limit=worst.error)
        except NotSettled:
            if worst.error <= self.claim.tolerance:
                raise
            return seen
        return shown if shown.tree is None else replace(seen, tree=shown.tree, is_worst=True)

    def _after_z3(self) -> Proof:
        """z3's counterexample, or the search for a proof of what z3 believes."""
        from circuitkit.proof import z3_engine

        try:
            point = z3_engine.violation(self.claim, seconds=self.until - time.monotonic())
        except z3_engine.Unknown as unknown:
            too_long = isinstance(unknown, z3_engine.TooLong)
            raise NotSettled(why=f"z3: {unknown}", too_long=too_long) from None
        if point is not None and self.claim.fails_at(point):
            plain = near(self.claim, point, Fraction(1), self.claim.error_at(point))
            return _refuted(self.claim, plain or point, "z3")
        proof = self.by_search("auto")
        return replace(proof, engine="z3") if proof.holds else proof

    def _search(
        self,
        problem: Problem | None = None,
        *,
        limit: Fraction | None = None,
        until: float | None = None,
    ) -> Finding:
        """The exact worst error, or with a limit whether it is above that.

        The smallest problems are settled cell by cell at once, and so are those whose numbers a search
        in floats cannot tell apart.
        """
        rows = problem or self.problem
        end = min(self.until, until or self.until)
        found = self._at_once(rows, limit, end)
        if found is not None:
            return found
        try:
            most = _IF_EQUAL if self.looks_equal else 0
            every = exhaust(rows, limit=limit, deadline=end, most=most)
            return _finding(every or self._searched(rows, limit, end), limit)
        except OutOfTime as out:
            raise _unsettled(out) from None

    def _at_once(
        self, rows: Problem, limit: Fraction | None, end: float, *, unless_equal: bool = False
    ) -> Finding | None:
        """What the cells of a small network say; None of others, of which a search knows more, sooner.

        ``unless_equal``: of a claim that looks equal only what a drawing of the plane says.
        """
        if not self.is_small:
            return None
        try:
            found = walk_plane(rows, limit=limit, deadline=end)
            if found is not None:
                return _finding(found, limit)
            if unless_equal and self.looks_equal:
                return None
            most = _IF_NEAR if self.is_near else _AT_ONCE
            found = exhaust(rows, limit=limit, deadline=end, most=most)
        except OutOfTime as out:
            raise _unsettled(out) from None
        self.is_small = found is not None
        return None if found is None else _finding(found, limit)

    def _searched(self, rows: Problem, limit: Fraction | None, end: float) -> Found:
        try:
            return search(rows, limit=limit, deadline=end)
        except OutOfTime as first:
            if time.monotonic() > end - 0.1 * (end - self.start):
                raise
            try:
                found = exhaust(rows, limit=limit, deadline=end)
            except OutOfTime as out:
                raise OutOfTime(
                    max(first.lower, out.lower), min(first.upper, out.upper), first.point
                ) from None
            if found is None:
                raise
            return found

    # --- what is believed -------------------------------------------------------------------------------

    def _judged(self, found: Finding) -> Proof:
        """The verdict that a finding justifies."""
        worst = found.worst
        if worst is not None and worst <= self.claim.tolerance and found.tree is not None:
            # no error is less than 0
            exact = worst == 0 or (found.is_worst and self._reached(found))
            return self._proved(worst, found.tree, "exact" if exact else "at most", found.engine)
        proof = _refuted(self.claim, self._counterexample(found), found.engine)
        if not found.is_worst or not self._reached(found):
            return proof
        if worst is None:
            return replace(proof, bounding_error=None, bound="exact")
        try:
            certificate = self._certified(worst, found.tree)
        except NotSettled:
            return replace(proof, bounding_error=worst)
        return replace(proof, bounding_error=worst, bound="exact", certificate=certificate)

    def _proved(
        self,
        error: Fraction,
        tree: list[Any],
        bound: Literal["exact", "at most"],
        engine: str,
        margins: list[str] | None = None,
    ) -> Proof:
        certificate = self._certified(error, tree, margins)
        return Proof(True, self.claim, error, bound, certificate, engine)

    def _certified(
        self, error: Fraction, tree: list[Any] | None, margins: list[str] | None = None
    ) -> dict[str, Any]:
        """The certificate that the error is at most so large, accepted by the checker."""
        certificate = {**self.claim.stated(error), **self._given(), "tree": tree}
        if margins:
            certificate["margins"] = margins
        try:
            verify(certificate, *_subject(self.claim), deadline=self.end)
        except Rejected as refused:
            raise NotSettled(error, why=f"a proof was found, but the checker: {refused}") from None
        return certificate

    def _counterexample(self, found: Finding) -> Point:
        point = None
        if found.point is not None:
            *inputs, scale = found.point
            point = near(self.claim, inputs, scale, found.worst)
        if point is None:
            raise NotSettled(why="what was found does not survive exact evaluation")
        return point

    def _reached(self, found: Finding) -> bool:
        """Whether the error comes as close to ``worst`` as one likes at, or towards, the point."""
        if found.worst == 0:
            return True
        if found.point is None:
            return False
        *inputs, scale = found.point
        if scale > 0:
            x = tuple(v / scale for v in inputs)
            return self.claim.contains(x) and self.claim.error_at(x) == found.worst
        # Towards infinity the rows themselves say what is approached: their constants do not count.
        program = self.problem.program
        columns = [fraction(v) for v in program.values([number(v) for v in found.point])]
        given = [program.gates[k] for k, sign in program.signs.items() if sign > 0]
        if any(_at(row, columns) < 0 for row in given):
            return False
        for part in self.problem.claims:
            value = _at(part.row, columns)
            size = max(map(abs, inputs)) if part.size is None else _at(part.size, columns)
            if value > 0 and (size == 0 if found.worst is None else value == size * found.worst):
                return True
        return False


def _is_zero_at_samples(problem: Problem) -> bool:
    """Whether what is left of the claims is exactly 0 at some points of the domain: a guess, no verdict."""
    rng = np.random.default_rng(0)
    program = problem.program
    given = [program.gates[k] for k, sign in program.signs.items() if sign > 0]
    rows = [*given, *(part.row for part in problem.claims)]
    inside = 0
    for shares in rng.integers(0, 1001, size=(_SAMPLES, len(program.box))).tolist():
        point = [a + (b - a) * Q(s, 1000) for (a, b), s in zip(program.box, shares, strict=True)]
        found = values(program.gates, rows, point)
        if all(v >= 0 for v in found[: len(given)]):
            inside += 1
            if any(found[len(given) :]):
                return False
    return inside > 0


def _difference(sign: int, column: int, row: dict[int, Any]) -> dict[int, Any]:
    """sign * (column - row)."""
    return {column: Q(sign), **{c: -sign * v for c, v in row.items()}}


def _finding(found: Found, limit: Fraction | None) -> Finding:
    return Finding(found.worst, found.point, found.tree, limit is None, "search")


def _unsettled(out: OutOfTime) -> NotSettled:
    return NotSettled(max(_ZERO, _rational(out.lower) or _ZERO), _rational(out.upper))


def _refuted(claim: Claim, point: Point, engine: str) -> Proof:
    """What one input shows: the error there, which may not be the worst."""
    return Proof(False, claim, claim.error_at(point), "at least", None, engine, point)


def _subject(claim: Claim) -> tuple[Any, Any]:
    """The network and the target as the checker takes them."""
    return claim.network, claim.checkable


def _rational(value: Fraction | float) -> Fraction | None:
    """A bound as a fraction; None for infinity."""
    # A fraction is finite, also where no double is so large.
    return None if isinstance(value, float) and not math.isfinite(value) else Fraction(value)


def _at(row: dict[int, Any], columns: list[Fraction]) -> Fraction:
    return sum((fraction(c) * columns[j] for j, c in row.items()), _ZERO)
