"""Short expressions for what a network computes on a domain, each certified there.

Three ways to propose, in this order: known functions (:mod:`.known`), a few kinks (:mod:`.sparse`), the
fewest affine pieces (:mod:`.covering`). First the structure, the shortest that is proved; then its numbers,
fitted again and rounded as far as they bear it (:mod:`.shape`): a front of length against certified error.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.detection.covering import covers, local_pieces
from circuitkit.detection.guess import gradients, input_variables
from circuitkit.detection.known import known_shapes, near_known
from circuitkit.detection.place import Place
from circuitkit.detection.shape import Shape
from circuitkit.detection.sparse import few_kinks
from circuitkit.exact.canonical import CanonicalForm, canonical_form, function_form, ordered
from circuitkit.exact.regions import OutOfTime
from circuitkit.exact.spell import expression, length
from circuitkit.functions.pieces import Row
from circuitkit.functions.target import Target
from circuitkit.functions.trees import KeepsTrees
from circuitkit.network import Network
from circuitkit.proof.claim import Box
from circuitkit.proof.prove import Proof
from circuitkit.words import nearest_float

__all__ = ["Reader", "Reading", "best", "joined", "own_expressions"]

Array = NDArray[np.float64]

#: samples that numbers are fitted to; all of them judge
_FITTED = 900
#: a reading so short is not looked for more pieces to make it shorter
_SHORT_ENOUGH = 5
#: proofs of candidates at one tolerance, and for one front
_TRIES, _FRONT = 8, 5
#: expressions of more symbols are not rewritten
_REWRITTEN = 40
#: of more inputs that are not fixed no expression is short
_MOST_INPUTS = 20
#: larger numbers are not fitted to
_LARGEST = 1e60
#: what rewriting may save
_SPARED = 6
#: what counts as equal among samples
_ROUNDING = 1e-9
#: an error below this share of the tolerance is not worth another symbol
_FINE = 1e-3
#: and how many symbols half of an error above that is worth
_WORTH = 1.5
#: the network's own function is spelled out if it has at most so many kinks there
_OWN_KINKS = 12
_ZERO, _ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True)
class Reading(KeepsTrees):
    """An expression for a network, certified.

    Attributes:
        expression: SymPy; a Tuple for several outputs.
        proof: that the network is within ``error`` of it.
        length: how many symbols and numbers it has; long numbers count more.
    """

    expression: sympy.Expr
    proof: Proof
    length: int

    @property
    def error(self) -> float:
        """The certified worst error on the domain, absolute; where it is known exactly, rounded to the nearest double."""
        return self.proof.error


class Reader:
    """Looks for readings of one output of a network on a domain.

    Args:
        net: a network of one output.
        where: the domain.
        deadline: the value of ``time.monotonic()`` after which nothing more is found.
    """

    def __init__(self, net: Network, where: Place, deadline: float) -> None:
        self.net = net
        self.where = where
        self.deadline = deadline
        self.variables = input_variables(net.n_inputs)
        fixed = where.fixed(net.n_inputs)
        self.free = [i for i in range(net.n_inputs) if i not in fixed]
        self.symbols = [self.variables[i] for i in self.free]
        #: the inputs that have one value only
        self.constants = {
            self.variables[i]: sympy.Rational(v.numerator, v.denominator) for i, v in fixed.items()
        }
        x = where.samples(net)
        with np.errstate(over="ignore", invalid="ignore"):
            y = net(x)[:, 0]
        #: squares of numbers that are larger are none
        self.is_finite = bool((np.abs(y) < _LARGEST).all() and (np.abs(x) < _LARGEST).all())
        self.is_readable = self.is_finite and len(self.free) <= _MOST_INPUTS
        self.x, self.y = x, y
        self.most = math.inf
        self._known_fits: list[tuple[sympy.Expr, float]] = []
        self.proofs: dict[tuple[sympy.Expr, Fraction], Proof | None] = {}

    @property
    def spread(self) -> float:
        """Half of the range of the values at the samples."""
        return float(self.y.max() - self.y.min()) / 2 if self.is_finite else math.inf

    # --- points -----------------------------------------------------------------------------------------

    @cached_property
    def _all(self) -> Array:
        return np.column_stack([self.x[:, self.free], np.ones(len(self.x))])

    @cached_property
    def _x1(self) -> Array:
        """The points that numbers are fitted to."""
        return self._all[:_FITTED]

    @cached_property
    def _y(self) -> Array:
        return self.y[:_FITTED]

    def sampled(self, e: sympy.Expr) -> float:
        """The worst error of an expression at the samples."""
        shape = Shape(e, self.symbols)
        values = shape.values(np.array(shape.start), self._all)
        return float(np.abs(values - self.y).max(initial=0.0))

    def _learn(self, point: NDArray[np.object_] | NDArray[np.float64]) -> None:
        """A counterexample is a sample from now on."""
        x = np.array([float(v) for v in point])
        y = self.net(x)
        self.x = np.concatenate([self.x, x[None]])
        self.y = np.append(self.y, y[0])
        self.__dict__.pop("_all", None)

    # --- proposals --------------------------------------------------------------------------------------

    @cached_property
    def _near(self) -> list[tuple[float, sympy.Expr, Array]]:
        return near_known(self.symbols, self._x1, self._y, self.deadline)

    @cached_property
    def _more_fits(self) -> Iterator[tuple[sympy.Expr, float]]:
        return few_kinks(self.symbols, self._x1, self._y, self.deadline)

    @cached_property
    def _pieces(self) -> Array:
        x = self.x[:_FITTED]
        slopes = gradients(self.net, x)[:, 0][:, self.free]
        return local_pieces(slopes, self._x1, self._y)

    def _known(self, tolerance: float) -> Iterable[sympy.Expr]:
        near = [each for each in self._near if each[0] <= max(8 * tolerance, 0.2 * self.spread)]
        best: dict[str, tuple[float, sympy.Expr]] = {}
        for e in known_shapes(near, self.symbols, self._x1, self._y, tolerance):
            yield e
            miss = self.sampled(e)
            key = str(sorted(map(str, e.atoms(sympy.Abs, sympy.Min, sympy.Max))))
            best[key] = min(best.get(key, (math.inf, e)), (miss, e), key=lambda each: each[0])
        for miss, e in sorted(best.values(), key=lambda each: each[0])[:4]:
            if miss <= 10 * tolerance:
                yield from self._refitted(e, tolerance)

    def _kinks(self, tolerance: float) -> Iterable[sympy.Expr]:
        fit = next((e for e, miss in self._fits() if miss <= 1.5 * tolerance), None)
        if fit is None:
            return
        for e in self._refitted(fit, tolerance, fits=1):
            yield e
            yield from self._rewritten(e)

    def _fits(self) -> Iterator[tuple[sympy.Expr, float]]:
        """With one kink, two, ...; each is made once, when it is first asked for."""
        yield from self._known_fits
        for fit in self._more_fits:
            self._known_fits.append(fit)
            yield fit

    def _covers(self, tolerance: float) -> Iterable[sympy.Expr]:
        found = covers(
            self._pieces, self.symbols, self._x1, self._y, 0.9 * tolerance, self.deadline
        )
        for raw in found:
            for e in (raw, *self._rewritten(raw)):
                yield e
                if length(e)[0] <= self.most + 2 * _SPARED and self.sampled(e) <= 3 * tolerance:
                    yield from self._refitted(e, tolerance)

    def _refitted(self, e: sympy.Expr, tolerance: float, fits: int = 6) -> Iterable[sympy.Expr]:
        """The same structure with its numbers fitted, and rounded more and more finely."""
        shape = Shape(e, self.symbols)
        theta = shape.fitted(np.array(shape.start), self._x1, self._y, rounds=fits)
        if float(np.abs(shape.values(theta, self._x1) - self._y).max(initial=0.0)) > tolerance / 2:
            theta = shape.flattened(theta, self._x1, self._y)
        for whole in (False, True):
            for rounded in shape.roundings(theta, self._x1, self._y, tolerance, whole=whole):
                yield rounded
                if length(rounded)[0] > self.most + _SPARED:
                    break  # finer ones are longer

    def _rewritten(self, e: sympy.Expr) -> list[sympy.Expr]:
        """Spelled anew from the canonical form, which finds min and max in sums of absolute values."""
        if length(e)[0] > _REWRITTEN:
            return []
        form = function_form(Target(e, variables=self.variables))
        return [expression(form, self.variables, max_regions=300)]

    # --- the search -------------------------------------------------------------------------------------

    def within(
        self, tolerance: Fraction, most: int, own: Iterable[sympy.Expr] = (), *, pieces: bool = True
    ) -> Reading | None:
        """The shortest reading found within the tolerance, of at most so many symbols.

        Args:
            tolerance: absolute.
            most: a longer one is none.
            own: expressions to begin with.
            pieces: whether to look for the fewest affine pieces, too.
        """
        if not self.is_readable:
            return None
        allowed = nearest_float(tolerance)
        found = self._shortest(own, tolerance, most)
        ways = [self._known, self._kinks, *([self._covers] if pieces else [])]
        for way in ways:
            if found is not None and found.length <= _SHORT_ENOUGH:
                break
            try:
                proposed = way(max(allowed, _ROUNDING))
                below = most if found is None else found.length - 1
                self.most = below
                found = self._shortest(proposed, tolerance, below) or found
            except OutOfTime:
                break
        return found

    def _shortest(
        self, proposed: Iterable[sympy.Expr], tolerance: Fraction, most: int
    ) -> Reading | None:
        """The shortest of the proposals that is proved."""
        allowed = nearest_float(tolerance) * (1 + 1e-6) + _ROUNDING * min(1.0, self.spread or 1.0)
        candidates: dict[sympy.Expr, tuple[int, float]] = {}
        for e in proposed:
            if time.monotonic() > self.deadline:
                break
            size = length(e)[0]
            if size <= most and e not in candidates:
                miss = self.sampled(e)
                if miss <= allowed:
                    candidates[e] = size, miss
        order = sorted(candidates, key=lambda e: (*candidates[e], str(e)))
        tries = 0
        for e in order:
            if tries >= _TRIES or self.sampled(e) > allowed:
                continue
            tries += 1
            proof = self.proved(e, tolerance)
            if proof is not None and proof:
                return Reading(e, proof, candidates[e][0])
        return None

    def proved(self, e: sympy.Expr, tolerance: Fraction) -> Proof | None:
        """The proof or refutation of an expression; None where there is no time for it."""
        key = e, tolerance
        if key not in self.proofs:
            target = Target(e, variables=self.variables)
            left = self.deadline - time.monotonic()
            proof = self.where.prove(self.net, target, tolerance, left)
            if proof is not None and proof.counterexample is not None:
                self._learn(proof.counterexample)
            self.proofs[key] = proof
        return self.proofs[key]

    def front(self, found: Reading, tolerance: Fraction) -> list[Reading]:
        """The same structure with other numbers: longer ones that come nearer, each certified."""
        allowed = nearest_float(tolerance)
        self.most = math.inf
        if not self.is_readable:
            return [found]
        start = found.expression.xreplace(self.constants)
        options = {e: (length(e)[0], self.sampled(e)) for e in self._refitted(start, allowed)}
        front = [found]
        for e in sorted(options, key=lambda e: (*options[e], str(e))):
            size, miss = options[e]
            last = front[-1]
            if size <= last.length or miss > 0.7 * last.error or len(front) >= _FRONT:
                continue
            if last.error <= _FINE * allowed or time.monotonic() > self.deadline:
                break
            proof = self.proved(e, tolerance)
            if proof is not None and proof and proof.error < 0.8 * last.error:
                front.append(Reading(e, proof, size))
        return front


def best(front: list[Reading], tolerance: Fraction) -> Reading:
    """The reading that trades length for error best: half the error is worth a symbol or two."""
    floor = max(_FINE * nearest_float(tolerance), 1e-300)
    return min(
        front, key=lambda r: (r.length + _WORTH * math.log2(max(r.error, floor) / floor), r.length)
    )


def joined(
    net: Network, where: Place, parts: list[Reading], tolerance: Fraction, deadline: float
) -> Reading | None:
    """The readings of the outputs as one of the network; None where there is no time to prove it."""
    if len(parts) == 1:
        return parts[0]
    target = Target([p.expression for p in parts], variables=input_variables(net.n_inputs))
    proof = where.prove(net, target, tolerance, deadline - time.monotonic())
    if proof is None or not proof:
        return None
    return Reading(target.expression, proof, sum(p.length for p in parts))


def own_expressions(net: Network, where: Place, deadline: float) -> list[sympy.Expr]:
    """The network's own function there, spelled out, if it has few kinks: those that do not meet it are none."""
    variables = input_variables(net.n_inputs)
    if net.n_inputs - len(where.fixed(net.n_inputs)) > _MOST_INPUTS:
        return []
    try:
        form = canonical_form(net, deadline=time.monotonic() + (deadline - time.monotonic()) / 6)
        signs = _signs(form, where)
        form = ordered(form.n_inputs, list(form.nodes), list(form.outputs), signs, deadline)
    except OutOfTime:
        return []
    if form.n_kinks > _OWN_KINKS:
        return []
    fixed = where.fixed(net.n_inputs)
    values = {variables[i]: sympy.Rational(v.numerator, v.denominator) for i, v in fixed.items()}
    return [expression(form, variables, max_regions=300).xreplace(values)]


def _signs(form: CanonicalForm, where: Place) -> dict[int, int]:
    """Columns of the kinks whose argument has one sign there, as far as interval arithmetic sees."""
    if not isinstance(where.domain, Box):
        return {}
    ranges: list[tuple[Fraction | None, Fraction | None]] = [*where.domain.ends, (_ONE, _ONE)]
    signs = {}
    for k, row in enumerate(form.nodes):
        low, high = _range(row, ranges)
        if low is not None and low >= 0:
            signs[form.n_inputs + 1 + k] = 1
        elif high is not None and high <= 0:
            signs[form.n_inputs + 1 + k] = -1
        size = None if low is None or high is None else max(abs(low), abs(high))
        least = max(
            (v for v in (low, -high if high is not None else None) if v is not None), default=_ZERO
        )
        ranges.append((max(least, _ZERO), size))
    return signs


def _range(
    row: Row, ranges: list[tuple[Fraction | None, Fraction | None]]
) -> tuple[Fraction | None, Fraction | None]:
    low: Fraction | None = _ZERO
    high: Fraction | None = _ZERO
    for j, c in row:
        ends = ranges[j] if c > 0 else ranges[j][::-1]
        low = None if low is None or ends[0] is None else low + c * ends[0]
        high = None if high is None or ends[1] is None else high + c * ends[1]
    return low, high
