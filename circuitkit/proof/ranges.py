r"""What an error is at most, by interval arithmetic: known at once, and seldom sharp.

Where a search runs out of time this bounds the worst error from above. An interval is pushed through the
network layer by layer, with ends in floats moved outward by more than rounding may have taken, or in
exact numbers where floats overflow. Where the domain has no finite ends, inputs are looked at as the points
(x, 1) / max(1, max|x_i|), which lie in a box; that bounds errors in the relative measure only.

Source: Moore, "Interval Analysis" (1966); Higham, "Accuracy and Stability of Numerical Algorithms" (2002),
section 3.1, for the rounding of a sum of products.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuitkit.functions.pieces import Pieces
from circuitkit.functions.relation import Relation
from circuitkit.network import Network
from circuitkit.proof.claim import Box, Claim
from circuitkit.words import float_above, float_below

__all__ = ["at_most"]

Array = NDArray[np.float64]
#: its lower and its upper end
Interval: TypeAlias = tuple[Fraction, Fraction]

_EPSILON = float(np.finfo(np.float64).eps)
_ZERO, _ONE = Fraction(0), Fraction(1)


def at_most(claim: Claim) -> Fraction | None:
    """A number that the worst error is nowhere above, or None where interval arithmetic bounds nothing."""
    found = []
    if isinstance(claim.domain, Box) and claim.domain.is_bounded:
        ends = [(a, b) for a, b in claim.domain.ends if a is not None and b is not None]
        least = [max(a, -b, _ZERO) for a, b in ends]
        size = _ONE if claim.measure == "absolute" else max(_ONE, *least)
        found.append(_largest(claim, ends, (_ONE, _ONE)) / size)
    if claim.measure == "relative":
        scaled = [(-_ONE, _ONE)] * claim.network.n_inputs
        found.append(_largest(claim, scaled, (_ZERO, _ONE)))
    return min(found, default=None)


def _largest(claim: Claim, inputs: Sequence[Interval], one: Interval) -> Fraction:
    """What a miss is at most for inputs in a box, where the constant 1 is somewhere in an interval."""
    given = _network(claim.network, inputs, one)
    if isinstance(claim.target, Relation):
        sides = iter(_pieces(claim.pieces, [*inputs, *given], one))
        gaps = []
        for part, left, right in zip(claim.target.parts, sides, sides, strict=False):
            up, down = left[1] - right[0], right[1] - left[0]
            gaps += [up, down] if part.sign == "==" else [up if "<" in part.sign else down]
        return max(_ZERO, *gaps)
    wanted = (
        _network(claim.target, inputs, one)
        if isinstance(claim.target, Network)
        else _pieces(claim.pieces, inputs, one)
    )
    pairs = list(zip(given, wanted, strict=True))
    return max(_ZERO, *(a[1] - b[0] for a, b in pairs), *(b[1] - a[0] for a, b in pairs))


def _pieces(form: Pieces, inputs: Sequence[Interval], one: Interval) -> list[Interval]:
    columns = [*inputs, one]

    def value(row: Sequence[tuple[int, Fraction]]) -> Interval:
        low = sum((c * columns[j][c < 0] for j, c in row), _ZERO)
        return low, sum((c * columns[j][c > 0] for j, c in row), _ZERO)

    for node in form.nodes:
        rows = [value(row) for row in node]
        columns.append((max(low for low, _ in rows), max(high for _, high in rows)))
    return [value(row) for row in form.outputs]


def _network(net: Network, inputs: Sequence[Interval], one: Interval) -> list[Interval]:
    low = np.array([float_below(a) for a, _ in inputs])
    high = np.array([float_above(b) for _, b in inputs])
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            if layer:
                low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
            low, high = _affine(w, b, low, high, one)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return _exact(net, inputs, one)
    ends = zip(low.tolist(), high.tolist(), strict=True)
    return [(net.scale * Fraction(a), net.scale * Fraction(c)) for a, c in ends]


def _affine(w: Array, b: Array, low: Array, high: Array, one: Interval) -> tuple[Array, Array]:
    up, down = np.maximum(w, 0.0), np.minimum(w, 0.0)
    least = np.minimum(b, 0.0) if not one[0] else b
    most = np.maximum(b, 0.0) if not one[0] else b
    size = np.abs(w) @ np.maximum(np.abs(low), np.abs(high)) + np.abs(b)
    slack = (2 * w.shape[1] + 4) * (_EPSILON * size + 1e-300)
    return up @ low + down @ high + least - slack, up @ high + down @ low + most + slack


def _exact(net: Network, inputs: Sequence[Interval], one: Interval) -> list[Interval]:
    ends = list(inputs)
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        if layer:
            ends = [(max(low, _ZERO), max(high, _ZERO)) for low, high in ends]
        rows = []
        for line, bias in zip(w.tolist(), b.tolist(), strict=True):
            terms = [
                (Fraction(c), end) for c, end in zip((*line, bias), (*ends, one), strict=True) if c
            ]
            low = sum((c * end[c < 0] for c, end in terms), _ZERO)
            rows.append((low, sum((c * end[c > 0] for c, end in terms), _ZERO)))
        ends = rows
    return [(net.scale * low, net.scale * high) for low, high in ends]
