"""Inputs of a domain to search with: exact, in few binary digits, and known in floats as well."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import shown, wrong
from circuitkit.detection.corners import is_moderate, mixtures, need_doubles, of_size_one
from circuitkit.proof.claim import Box, Claim, Point, Polytope
from circuitkit.words import nearest_float

__all__ = ["first_points", "interior_sample", "need_width"]

Array = NDArray[np.float64]

#: inputs of more coordinates than this have too many corners to try all
_CORNERS = 6
#: binary digits of a coordinate, in shares of the domain's width
_DIGITS = 10


def need_width(domain: Box | Polytope | None) -> Box | Polytope | None:
    """The domain, where points can be drawn between its ends in floats.

    Raises:
        ValueError: a box or a polytope that is wider than the doubles reach.
    """
    if isinstance(domain, Polytope):
        need_doubles(domain)
    elif isinstance(domain, Box):
        for low, high in domain.ends:
            if low is not None and high is not None and math.isinf(nearest_float(high - low)):
                expected = "pairs (low, high) whose difference is within the range of a double"
                raise wrong("domain", expected, shown(domain.floats()))
    return domain


def first_points(claim: Claim, count: int) -> list[Point]:
    """Corners and points inside; every one of them is in the domain, exactly."""
    n = claim.network.n_inputs
    rng = np.random.default_rng(11)
    if claim.domain is None:
        rough = _everywhere(rng, n, count)
    elif isinstance(claim.domain, Box):
        rough = _of_box(rng, claim.domain, count)
    elif not is_moderate(claim.domain):
        exact = sorted(set(mixtures(claim.domain, count, rng)))
        return [exact[i] for i in rng.permutation(len(exact))]
    else:
        rough = _of_polytope(rng, claim.domain, count)
    found = {_exact(row, claim) for row in rough.tolist()}
    inside = [x for x in found if x is not None and claim.contains(x)]
    if claim.domain is not None and claim.domain.point not in inside:
        inside.append(claim.domain.point)
    inside.sort()
    return [inside[i] for i in rng.permutation(len(inside))]


def interior_sample(claim: Claim, count: int) -> Array:
    """Uniform points of a box, or points of a random walk in a polytope, in floats."""
    rng = np.random.default_rng(12)
    if isinstance(claim.domain, Box):
        low, high = np.array(claim.domain.floats()).T
        inside: Array = low + (high - low) * rng.random((count, len(low)))
        return inside
    if isinstance(claim.domain, Polytope):
        if not is_moderate(claim.domain):
            exact = mixtures(claim.domain, count, rng)
            return np.array([[nearest_float(v) for v in x] for x in exact])
        return _of_polytope(rng, claim.domain, count)
    raise ValueError("only a bounded domain has a mean")


def _everywhere(rng: np.random.Generator, n: int, count: int) -> Array:
    directions = rng.normal(size=(count, n))
    directions /= np.abs(directions).max(axis=1, keepdims=True)
    scales = rng.choice([0.25, 1.0, 1.0, 4.0, 32.0], size=(count, 1))
    rows = [
        directions * scales,
        np.eye(n),
        -np.eye(n),
        32 * np.eye(n),
        -32 * np.eye(n),
        np.zeros((1, n)),
    ]
    if n <= _CORNERS:
        corners = np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
        rows += [corners, 32 * corners]
    return np.vstack(rows)


def _of_box(rng: np.random.Generator, box: Box, count: int) -> Array:
    ends = []
    for low, high in box.floats():
        # An end at infinity is far enough away where it is 64 units off.
        known = [v for v in (low, high) if math.isfinite(v)]
        middle = sum(known) / len(known) if known else 0.0
        ends.append(
            (
                low if math.isfinite(low) else middle - 64,
                high if math.isfinite(high) else middle + 64,
            )
        )
    low, high = np.array(ends).T
    n = len(ends)
    rows = [low + (high - low) * rng.random((count, n)), (low / 2 + high / 2)[None]]
    # Faces, where the worst errors are: coordinates at their ends, some or all.
    at_end = rng.random((count, n)) < 0.5
    faces = np.where(rng.random((count, n)) < 0.5, low, high)
    rows.append(np.where(at_end, faces, low + (high - low) * rng.random((count, n))))
    if n <= _CORNERS:
        rows.append(np.array(list(itertools.product(*ends))))
    return np.vstack(rows)


def _of_polytope(rng: np.random.Generator, domain: Polytope, count: int) -> Array:
    """A random walk that goes to some point of the chord at each step, at most 64 units far."""
    matrix, ends = of_size_one(domain).floats()
    x = np.array([float(v) for v in domain.point])
    found = [x]
    for _ in range(count):
        direction = rng.normal(size=len(x))
        direction /= np.linalg.norm(direction)
        slope, room = matrix @ direction, ends - matrix @ x
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = room / slope
        up = min([64.0, *steps[slope > 1e-12].tolist()])
        down = max([-64.0, *steps[slope < -1e-12].tolist()])
        if up > down:
            x = x + direction * (down + (up - down) * (0.001 + 0.998 * rng.random()))
            found.append(x)
    return np.array(found)


def _exact(row: Sequence[float], claim: Claim) -> Point | None:
    """The point rounded to few digits, moved to the box's ends where rounding left it."""
    made = []
    ends: Sequence[tuple[Fraction | None, Fraction | None]] = [(None, None)] * len(row)
    if isinstance(claim.domain, Box):
        ends = claim.domain.ends
    for v, (low, high) in zip(row, ends, strict=True):
        width = 1.0
        if low is not None and high is not None:
            width = min(nearest_float(high - low), 1e300)
        step = Fraction(2) ** (math.frexp(width)[1] - _DIGITS) if width else Fraction(1)
        value = round(Fraction(v) / step) * step
        if low is not None and (value < low or v <= float(low)):
            value = low
        if high is not None and (value > high or v >= float(high)):
            value = high
        made.append(value)
    return tuple(made)
