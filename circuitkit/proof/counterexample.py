"""Counterexamples: from where an engine points to an input that a reader can check with a calculator.

Floats propose, exact fractions decide: every input that leaves this module makes the claim false when
both sides are evaluated directly (:meth:`circuitkit.proof.claim.Claim.misses`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.functions.relation import Relation
from circuitkit.network import Network
from circuitkit.proof.claim import Box, Claim, Point
from circuitkit.words import nearest_float

__all__ = ["as_array", "looks_equal", "looks_near", "near", "sampled"]

#: an input that errs at least this share of the worst error is as good an example as the worst one
_NEARLY = Fraction(999, 1000)
#: towards infinity: x = p + 2**k d
_FAR = (*range(0, 64, 2), *(64 * 2**k for k in range(9)))


def near(
    claim: Claim, point: Sequence[Fraction], scale: Fraction, worst: Fraction | None
) -> Point | None:
    """An input that makes the claim false near ``point / scale``; None if none was found.

    Args:
        claim: the claim.
        point: the inputs times the scale.
        scale: what they are multiplied by; 0 for a direction in which the worst error is only approached.
        worst: the error there; None if it grows without bound.
    """
    best: Point | None = None
    largest = Fraction(0)
    tried: Point | None = None
    for x in _far(claim, point) if scale == 0 else _here(claim, point, scale):
        if x == tried:
            continue
        tried = x
        misses = claim.misses(x) if claim.contains(x) else []
        if not misses or not claim.fails(misses):
            continue
        error = max(misses)
        if worst is None or error >= worst * _NEARLY:
            return x
        if best is None or error > largest:
            best, largest = x, error
        elif scale == 0 and error == largest:
            break
    return best


def _here(claim: Claim, point: Sequence[Fraction], scale: Fraction) -> Iterator[Point]:
    """The point, in numbers as plain as may be."""
    x = tuple(v / scale for v in point)
    size = max((abs(v) for v in x), default=Fraction(0))
    if claim.domain is None and size:
        # Where only the direction counts, the input with max |x_i| = 1 reads best.
        unit = tuple(v / size for v in x)
        yield from _floats(unit)
        yield unit
    yield from _floats(x)
    yield from _beside(x)
    yield x


def _far(claim: Claim, direction: Sequence[Fraction]) -> Iterator[Point]:
    """Inputs further and further out."""
    start = (Fraction(0),) * len(direction) if claim.domain is None else claim.domain.point
    for k in _FAR:
        x = tuple(a + 2**k * d for a, d in zip(start, direction, strict=True))
        yield from _floats(x)
        yield x


def _floats(x: Sequence[Fraction]) -> Iterator[Point]:
    """The nearest floats, where there are such."""
    try:
        yield tuple(Fraction(float(v)) for v in x)
    except OverflowError:
        return


def _beside(x: Point) -> Iterator[Point]:
    """The floats around a point: rounding to the nearest may leave a thin region."""
    if len(x) > 3:
        return
    for rounded in _floats(x):
        sides = [
            [math.nextafter(float(v), to) for to in (-math.inf, float(v), math.inf)]
            for v in rounded
        ]
        for choice in itertools.product(*sides):
            if all(map(math.isfinite, choice)):
                yield tuple(map(Fraction, choice))


def sampled(claim: Claim) -> Point | None:
    """A counterexample by luck, where an engine ran out of time before it saw one."""
    x = _samples(claim, 2000)
    rough, _ = _rough_misses(claim, x)
    order = np.argsort(-np.nan_to_num(rough, nan=-np.inf, posinf=-np.inf), kind="stable")
    points = (tuple(map(Fraction, x[k].tolist())) for k in order[:2].tolist())
    return next((point for point in points if claim.fails_at(point)), None)


def looks_equal(claim: Claim) -> bool:
    """Whether network and target are the same at every sample, up to rounding: a guess, no verdict."""
    rough, size = _rough_misses(claim, _samples(claim, 200))
    return bool((rough <= 1e-12 * size).all())


def looks_near(claim: Claim) -> bool:
    """Whether they are nowhere further from each other than a hundredth of their largest value: a guess."""
    rough, size = _rough_misses(claim, _samples(claim, 200))
    return bool(rough.max() <= 0.01 * size.max())


def _samples(claim: Claim, count: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    n = claim.network.n_inputs
    x = rng.normal(size=(count, n)) * rng.choice([0.3, 1.0, 30.0], size=(count, 1))
    if isinstance(claim.domain, Box):
        low, high = np.array(claim.domain.floats()).T
        with np.errstate(all="ignore"):
            wide = np.where(np.isfinite(high - low), high - low, 1.0)
        middle = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - wide, 0.0))
        inside = middle + wide * rng.random(x.shape)
        x = np.clip(np.where(rng.random(x.shape) < 0.5, x, inside), low, high)
    return np.where(np.isfinite(x), x, 0.0)


def _rough_misses(
    claim: Claim, x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest miss at each sample, in floats, and how large the numbers are that it comes from."""
    if isinstance(claim.target, Relation):
        exact = (claim.misses(tuple(map(Fraction, row))) for row in x[:40].tolist())
        rough = np.array([nearest_float(max(misses)) for misses in exact])
        return rough, np.zeros_like(rough)
    with np.errstate(all="ignore"):
        given = claim.network(x)
        wanted = _target_values(claim, x)
        relative = claim.measure == "relative"
        size = np.maximum(1.0, np.abs(x).max(axis=1)) if relative else np.ones(len(x))
        rough = np.abs(given - wanted).max(axis=1) / size
        return rough, np.maximum(np.abs(given), np.abs(wanted)).max(axis=1) / size


def _target_values(claim: Claim, x: NDArray[np.float64]) -> NDArray[np.float64]:
    if isinstance(claim.target, Network):
        return claim.target(x)
    return claim.pieces.values(np.column_stack([x, np.ones(len(x))]))


def as_array(point: Sequence[Fraction] | None) -> NDArray[Any] | None:
    """A point as floats where they are exact, else as fractions."""
    if point is None:
        return None
    if any(rounded == tuple(point) for rounded in _floats(point)):
        return np.array([float(v) for v in point])
    return np.array(list(point), dtype=object)
