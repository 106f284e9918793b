"""Parts of a network, tried: on points in floats first, then by the prover, whose points join the others.

Source: counterexample-guided inductive synthesis, Solar-Lezama et al., "Combinatorial sketching for finite
programs" (2006).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from circuitkit.checks import wrong
from circuitkit.detection.part import Family, Key, Part, UnitKey, Whole
from circuitkit.detection.points import first_points
from circuitkit.detection.refutation import Refutation, refutation
from circuitkit.exact.regions import OutOfTime, look_at_the_clock
from circuitkit.network import Network
from circuitkit.proof.claim import Claim, Point
from circuitkit.proof.deciding import NotSettled, decide
from circuitkit.proof.prove import Proof
from circuitkit.proof.rationals import fraction, number
from circuitkit.simplex import solve
from circuitkit.words import nearest_float

__all__ = ["Fit", "Made", "Outcome", "Search", "Stopped", "minimax", "residual_bound"]

Array = NDArray[np.float64]

#: how many points to begin with, inside and on faces each
_POINTS = 90
#: how often the prover may add a point before a part is given up as open
_ROUNDS = 60
#: which share of the time the exact values at the first points may take
_SHARE = 0.1
#: values of the network beyond this are refused
_LARGEST = 1e150
#: errors below this share of what is wanted are what the linear program's own tolerance leaves
_LP_ERROR = 1e-5
#: so many free weights an output are solved for exactly, and from so many equations a weight
_EXACT, _EXACT_ROWS = 24, 4


@dataclass(frozen=True)
class Fit:
    """The best choice of the free weights on the points: errors, weights, and why no other is better."""

    errors: Array
    chosen: Array
    factors: list[Array]


@dataclass(frozen=True)
class Made:
    """A part that was proved to be within the tolerance."""

    part: Part
    network: Network
    slopes: Array | None
    carriers: list[UnitKey]
    chosen: Array
    proof: Proof


#: proved, refuted, or None where it stayed open
Outcome = Made | Refutation | None


class Search:
    """One question about parts of one network, and the points that are known until now."""

    def __init__(self, claim: Claim, whole: Whole, deadline: float) -> None:
        self.claim, self.whole = claim, whole
        self.deadline = deadline
        self.limit = nearest_float(claim.tolerance)
        self.points: list[Point] = []
        n = claim.network.n_inputs
        self.x = np.zeros((0, n))
        self.wanted = np.zeros((0, claim.network.n_outputs))
        self.size = np.zeros(0)
        self._exact: list[tuple[list[Any], Any]] = []
        self._first: dict[int, list[Any]] = {}
        started = time.monotonic()
        for x in first_points(claim, _POINTS):
            # Exact values of a large network take long: then fewer points have to do.
            if self.points and time.monotonic() > started + _SHARE * (deadline - started):
                break
            self.add([x])
        self._within_doubles()

    def among(self, whole: Whole) -> Search:
        """The same question about parts of a wider network, with the points that are known already."""
        if whole is self.whole:
            return self
        wider = Search(self.claim, whole, self.deadline)
        wider.add(self.points)
        return wider

    def add(self, points: Iterable[Point]) -> None:
        """More points of the domain."""
        for x in points:
            if x in self.points:
                continue
            wanted, size = self.claim.wanted(x), self.claim.size(x)
            self.points.append(x)
            self._exact.append(([number(v) for v in wanted], number(size)))
            self.x = np.vstack([self.x, [nearest_float(v) for v in x]])
            self.wanted = np.vstack([self.wanted, [nearest_float(v) for v in wanted]])
            self.size = np.append(self.size, nearest_float(size))

    def _within_doubles(self) -> None:
        """Sums and products of what is computed have to be doubles, too.

        Raises:
            ValueError: the network's values at the points are too large for that.
        """
        if self.claim.domain is not None and not (np.abs(self.x) < _LARGEST).all():
            expected = f"inputs below {_LARGEST:g}: sums of larger ones round too much"
            raise wrong("domain", expected, f"inputs up to {np.abs(self.x).max():.3g}")
        layer = _too_large(self.whole.net, self.x)
        if layer is not None:
            expected = (
                f"values below {_LARGEST:g} on the domain: sums of larger ones round too much"
            )
            raise wrong("net", expected, f"larger ones in layer {layer}")
        if not (np.abs(self.wanted) < _LARGEST).all():
            raise wrong("against", f"values below {_LARGEST:g} on the domain", "larger ones")

    def learn(self, x: Point) -> bool:
        """One more point, if it is new and what is computed there are doubles; whether it was taken."""
        row = np.array([nearest_float(v) for v in x])
        values = [*row, *(nearest_float(v) for v in self.claim.wanted(x))]
        if x in self.points or not all(abs(v) < _LARGEST for v in values):
            return False
        if _too_large(self.whole.net, row[None]) is not None:
            return False
        self.add([x])
        return True

    def known(
        self, family: Family, index: int
    ) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any], Any]:
        """Features, fixed part, wanted values and size at a point, exactly."""
        wanted, size = self._exact[index]
        x = self.points[index]
        if self.whole.depth == 1 and family.refits and not family.part.cut:
            if index not in self._first:
                self._first[index] = self.whole.family(self.whole.everything).exactly(x)[0]
            every = self._first[index]
            kept = family.kept[1]
            rest = every[self.whole.net.layer_sizes[1] :]
            zeros = [number(0)] * len(wanted)
            return [*(every[k] for k in kept), *rest], zeros, wanted, size
        features, fixed = family.exactly(x)
        return features, fixed, wanted, size

    # --- on the points ----------------------------------------------------------------------------------

    def fit(self, family: Family) -> Fit:
        """The least largest error of each output on the points, and the weights that reach it."""
        features, fixed = family.at(self.x)
        left = (self.wanted - fixed) / self.size[:, None]
        scaled = features / self.size[:, None]
        count = left.shape[1]
        errors = np.zeros(count)
        chosen = np.zeros((count, features.shape[1]))
        factors = []
        for j in range(count):
            use = np.flatnonzero(family.usable[j])
            errors[j], chosen[j, use], dual = minimax(scaled[:, use], left[:, j])
            factors.append(dual / self.size)
        return Fit(errors, chosen, factors)

    def roughly(self, family: Family) -> float:
        """The least largest error on the points, or a bound below it that is above the tolerance."""
        features, fixed = family.at(self.x)
        left = (self.wanted - fixed) / self.size[:, None]
        if not family.usable.any():
            return float(np.abs(left).max())
        scaled = features / self.size[:, None]
        for j in range(left.shape[1]):
            bound = residual_bound(scaled[:, family.usable[j]], left[:, j])
            if bound > 1.001 * self.slack:
                return bound
        return float(self.fit(family).errors.max())

    @property
    def slack(self) -> float:
        """The tolerance, and what floats may be off by."""
        return self.limit * (1 + 1e-9) + 1e-12 * float(np.abs(self.wanted).max(initial=0.0))

    # --- with the prover --------------------------------------------------------------------------------

    def settle(self, part: Part, dropped: Key | None = None, rounds: int = _ROUNDS) -> Outcome:
        """The proof that a part will do, or the refutation.

        Raises:
            OutOfTime: the deadline passed.
        """
        family = self.whole.family(part)
        for _ in range(rounds):
            look_at_the_clock(self.deadline)
            fit = self.fit(family)
            if fit.errors.max() > self.limit:
                found = self.refuted(family, fit, dropped)
                if found is not None:
                    return found
                if fit.errors.max() > self.slack:
                    return None
            made = self.proved(family, fit)
            if made is None or isinstance(made, Made):
                return made
            if not self.learn(made):
                # Rounded weights miss at a point that they were chosen by: what is left is a tie.
                tie = self.at_a_tie(family, fit)
                made = None if tie is None else self.proved(family, tie)
                return made if isinstance(made, Made) else None
        return None

    def at_a_tie(self, family: Family, fit: Fit) -> Fit | None:
        """Where the least error is the tolerance itself: the weights that reach it exactly, as doubles.

        They solve the equations of the points at which the fit errs as much as it may, in exact numbers. None where
        nothing else comes of it.
        """
        features, fixed = family.at(self.x)
        chosen = fit.chosen.copy()
        tolerance = number(self.claim.tolerance)
        for j in range(len(chosen)):
            use = np.flatnonzero(family.usable[j])
            spare = self.slack - self.limit
            if not 0 < len(use) <= _EXACT or abs(fit.errors[j] - self.limit) > spare:
                continue
            left = (self.wanted[:, j] - fixed[:, j] - features @ chosen[j]) / self.size
            tight = np.flatnonzero(np.abs(left) >= self.limit - spare)
            # Those that the dual rests on come first: they decide the least error.
            order = sorted(tight.tolist(), key=lambda i: -abs(fit.factors[j][i]))
            rows, values = [], []
            for i in order[: _EXACT_ROWS * len(use)]:
                look_at_the_clock(self.deadline)
                exact, given, wanted, size = self.known(family, i)
                rows.append([exact[k] for k in use.tolist()])
                values.append(wanted[j] - given[j] - int(np.sign(left[i])) * size * tolerance)
            guess = [number(round(v, 6)) for v in chosen[j, use].tolist()]
            solved = [nearest_float(fraction(v)) for v in solve(rows, values, guess)]
            if all(map(np.isfinite, solved)):
                chosen[j, use] = solved
        return None if (chosen == fit.chosen).all() else replace(fit, chosen=chosen)

    def refuted(self, family: Family, fit: Fit, dropped: Key | None) -> Refutation | None:
        """The refutation that a fit points to, in exact numbers."""
        j = int(fit.errors.argmax())
        use = np.flatnonzero(family.usable[j]).tolist()
        return refutation(
            self.claim, lambda i: self.known(family, i), self.points, j, use, fit.factors[j],
            dropped, self.deadline,
        )  # fmt: skip

    def proved(self, family: Family, fit: Fit) -> Made | Point | None:
        """The prover's word on the fitted network: a proof, a counterexample, or None in too long a time."""
        network, slopes, carriers = family.network(fit.chosen)
        left = max(self.deadline - time.monotonic(), 1e-3)
        try:
            # Of most tries the verdict is enough; the exact worst error takes longer.
            proof = decide(self.claim.about(network), left, "auto", worst=False)
        except NotSettled:
            return None
        if proof:
            return Made(family.part, network, slopes, carriers, fit.chosen, proof)
        found = proof.counterexample
        return None if found is None else tuple(map(Fraction, found.tolist()))

    # --- smaller and smaller ----------------------------------------------------------------------------

    def shrink(self, made: Made, keys: str) -> Made:
        """Drop units or edges one at a time while the points allow it, then prove; again with its point.

        Args:
            made: what to begin with.
            keys: ``"units"`` or ``"edges"``.

        Raises:
            OutOfTime: the deadline passed; with the smallest part that is proved, as ``made``.
        """
        best = made
        while True:
            try:
                part = self._shrunk(best.part, keys)
                if part == best.part:
                    return best
                family = self.whole.family(part)
                found = self.proved(family, self.fit(family))
                if isinstance(found, Made):
                    best = found
                elif found is None or not self.learn(found):
                    return best
                look_at_the_clock(self.deadline)
            except OutOfTime as out:
                raise Stopped(best) from out

    def _shrunk(self, part: Part, keys: str) -> Part:
        """The part without what can be left out on the points; what does least harm goes first."""
        while True:
            look_at_the_clock(self.deadline)
            options: Iterable[Key] = (
                sorted(part.units) if keys == "units" else self.whole.edges(part)
            )
            trials = []
            for key in options:
                look_at_the_clock(self.deadline)
                miss = self.roughly(self.whole.family(part.without(key)))
                if miss <= self.slack:
                    trials.append((miss, key))
            if not trials:
                return part
            # Each try of a refit is a linear program: what seems to do least harm goes in one pass.
            ordered = [key for _, key in sorted(trials)]
            part = part.without(ordered[0])
            if self.whole.family(part).usable.any():
                for key in ordered[1:]:
                    look_at_the_clock(self.deadline)
                    if self.roughly(self.whole.family(part.without(key))) <= self.slack:
                        part = part.without(key)


class Stopped(OutOfTime):
    """The deadline passed while something smaller was looked for."""

    def __init__(self, made: Made) -> None:
        super().__init__()
        self.made = made


def _too_large(net: Network, x: Array) -> int | None:
    """The first layer of weights in which values are too large at these inputs, counted from 1; None if none is."""
    h = x
    with np.errstate(over="ignore", invalid="ignore"):
        for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            h = np.maximum(h, 0.0) if i else h
            most = np.abs(h) @ np.abs(w).T + np.abs(b)
            h = h @ w.T + b
            if not (most < _LARGEST).all():
                return i + 1
    return None


def residual_bound(features: Array, wanted: Array) -> float:
    """What the residual of least squares shows: no choice of the factors errs less at every point."""
    with np.errstate(all="ignore"):
        left = wanted - features @ np.linalg.lstsq(features, wanted, rcond=None)[0]
        bound = float((left**2).sum() / np.abs(left).sum())
    return bound if np.isfinite(bound) else 0.0


def _miss(features: Array, wanted: Array, chosen: Array) -> float:
    """The largest error of these factors; infinite where it is no double."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = float(np.abs(wanted - features @ chosen).max())
    return error if np.isfinite(error) else float("inf")


def minimax(features: Array, wanted: Array) -> tuple[float, Array, Array]:
    """``(t, c, factors)``: the least ``t = max |wanted - features c|``, and the dual that shows it."""
    n, width = features.shape
    if not width:
        at = int(np.abs(wanted).argmax())
        factors = np.zeros(n)
        factors[at] = 1.0 if wanted[at] >= 0 else -1.0
        return float(np.abs(wanted[at])), np.zeros(0), factors
    scale = np.abs(features).max(axis=0)
    scale[scale == 0] = 1.0
    plain = features / scale
    size = float(np.abs(wanted).max(initial=0.0)) or 1.0
    ones = np.ones((n, 1))
    found = linprog(
        np.append(np.zeros(width), 1.0),
        A_ub=np.vstack([np.hstack([plain, -ones]), np.hstack([-plain, -ones])]),
        b_ub=np.concatenate([wanted, -wanted]) / size,
        bounds=[(None, None)] * width + [(0, None)],
        method="highs-ds",
    )
    if found.x is None:
        raise OutOfTime  # the solver gave up: nothing is known
    tries = [np.zeros(width)]
    with np.errstate(over="ignore", invalid="ignore"):
        tries.append(found.x[:-1] * size / scale)
        if found.x[-1] < _LP_ERROR:
            # They all but fit, as far as the linear program can tell: least squares tells closer, and
            # where the domain has no end only weights that are right to the last bit will do, such as whole ones.
            tries.append(np.linalg.lstsq(plain, wanted, rcond=None)[0] / scale)
            tries += [np.round(c, 6) for c in tries]
    # Weights that are no doubles are none; 0 for all of them always is a choice.
    error, chosen = min(
        ((_miss(features, wanted, c), c) for c in tries if np.isfinite(c).all()),
        key=lambda pair: pair[0],
    )
    duals = -found.ineqlin.marginals
    return error, chosen, duals[n:] - duals[:n]
