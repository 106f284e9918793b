r"""Why a smaller circuit will not do: an input where it is too far off, or inputs that no choice of weights fits.

A circuit without free numbers is refuted by one input. One whose readout may be chosen anew is refuted by
several: with factors :math:`\lambda_i` for which :math:`\sum_i \lambda_i \varphi_k(x_i) = 0` for every
feature k, whatever the weights are,

.. math:: \sum_i \lambda_i (g - F)(x_i) = \sum_i \lambda_i (g - F - \sum_k c_k \varphi_k)(x_i)
          \le \max_i \frac{|g - F - \sum_k c_k \varphi_k|(x_i)}{size(x_i)} \sum_i |\lambda_i|\, size(x_i),

so that no choice errs less than the quotient. Linear programming in floats proposes the inputs and
the factors; the equations are then solved, and the quotient computed, in exact numbers.

Source: the alternation theorem of Chebyshev approximation in its dual form; Cheney, "Introduction to
Approximation Theory" (1966), ch. 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.detection.part import Family, Key
from circuitkit.exact.regions import look_at_the_clock
from circuitkit.proof.claim import Claim, Point
from circuitkit.proof.rationals import floats, fraction, number

__all__ = ["Refutation", "refutation"]

Array = NDArray[np.float64]
_ZERO = number(0)


@dataclass(frozen=True)
class Refutation:
    """What shows that a circuit errs more than the tolerance, whatever its free weights are.

    Attributes:
        dropped: the unit or edge without which it is tried; None where many units are missing.
        output: of which output, 0 for the first.
        points: inputs of the domain, as fractions.
        multipliers: one factor a point; for a circuit without free weights one point with the factor 1 or -1.
        bound: the circuit errs at least this much at one of the points, in the proof's measure.
    """

    dropped: Key | None
    output: int
    points: tuple[Point, ...]
    multipliers: tuple[Fraction, ...]
    bound: Fraction

    def holds(self, family: Family, claim: Claim) -> bool:
        """Whether it is true of these functions, computed from the beginning in exact numbers."""
        j = self.output
        if not self.points or len(self.points) != len(self.multipliers):
            return False
        total = size = _ZERO
        sums = [_ZERO] * family.usable.shape[1]
        for x, m in zip(self.points, self.multipliers, strict=True):
            if not claim.contains(x):
                return False
            factor = number(m)
            features, fixed = family.exactly(x)
            sums = [s + factor * v for s, v in zip(sums, features, strict=True)]
            total += factor * (number(claim.wanted(x)[j]) - fixed[j])
            size += abs(factor) * number(claim.size(x))
        if any(s for s, use in zip(sums, family.usable[j].tolist(), strict=True) if use):
            return False
        reached = size > 0 and total >= number(self.bound) * size
        return bool(reached and self.bound > claim.tolerance)


#: what is known exactly of an input: features and fixed part there, what is wanted, its size
Known = Callable[[int], tuple[Sequence[Any], Sequence[Any], Sequence[Any], Any]]


def refutation(
    claim: Claim,
    known: Known,
    points: Sequence[Point],
    output: int,
    usable: Sequence[int],
    factors: Array,
    dropped: Key | None,
    deadline: float,
) -> Refutation | None:
    """The refutation near these factors, one a point; None if exact numbers do not confirm it.

    Args:
        claim: what is asked of the circuit.
        known: exact values at the point of a number.
        points: the points.
        output: which output errs.
        usable: the features that it may use.
        factors: about what the multipliers are; most of them 0. Where all are, nothing is refuted.
        dropped: what is missing.
        deadline: the value of ``time.monotonic()`` at which to give up.

    Raises:
        OutOfTime: the deadline passed.
    """
    largest = float(np.abs(factors).max(initial=0.0))
    if not largest or not np.isfinite(largest):
        return None  # the error is that of the floats: nothing points to inputs
    support = np.flatnonzero(np.abs(factors) > 1e-9 * largest)
    support = support[np.argsort(-np.abs(factors[support]), kind="stable")]
    # Where points lie on a kink up to rounding, the equations at these alone may be solved by huge factors
    # only; with others beside them small ones do.
    spare = np.setdiff1d(np.arange(len(points)), support)
    spare = spare[:: max(1, len(spare) // (3 * len(usable) + 10))]
    for chosen in (support, np.concatenate([support, spare])):
        indices = chosen.tolist()
        there = [known(i) for i in indices]
        start = [number(float(factors[i] / largest)) if i in support else _ZERO for i in indices]
        rows = [[features[k] for features, *_ in there] for k in usable]
        exact = _orthogonal(rows, start, deadline)
        total = size = _ZERO
        for m, (_, fixed, wanted, length) in zip(exact, there, strict=True):
            total += m * (wanted[output] - fixed[output])
            size += abs(m) * length
        if total < 0:
            total, exact = -total, [-m for m in exact]
        if size and total > number(claim.tolerance) * size:
            picked = [(points[i], fraction(m)) for i, m in zip(indices, exact, strict=True) if m]
            return Refutation(
                dropped,
                output,
                tuple(p for p, _ in picked),
                tuple(m for _, m in picked),
                fraction(total / size),
            )
    return None


def _orthogonal(rows: list[list[Any]], start: list[Any], deadline: float) -> list[Any]:
    """The factors near ``start`` with which every row sums to 0 exactly."""
    width = len(start)
    reduced: list[tuple[int, list[Any]]] = []
    taken: set[int] = set()
    for row in rows:
        look_at_the_clock(deadline)
        line = list(row)
        for column, other in reduced:
            factor = line[column]
            if factor:
                line = [a - factor * b if b else a for a, b in zip(line, other, strict=True)]
        sizes = np.abs(floats(line))
        sizes[list(taken)] = 0.0
        column = int(sizes.argmax())
        if not sizes[column]:
            # Below the doubles, or zeros indeed: exact numbers tell.
            free = [j for j in range(width) if j not in taken and line[j]]
            if not free:
                continue
            column = max(free, key=lambda j: abs(line[j]))
        pivot = line[column]
        line = [v / pivot if v else v for v in line]
        for i, (there, other) in enumerate(reduced):
            factor = other[column]
            if factor:
                reduced[i] = (
                    there,
                    [a - factor * b if b else a for a, b in zip(other, line, strict=True)],
                )
        reduced.append((column, line))
        taken.add(column)
    found = list(start)
    for column, line in reduced:
        found[column] = -sum(
            (line[j] * start[j] for j in range(width) if j not in taken and line[j]), _ZERO
        )
    return found
