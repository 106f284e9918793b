"""Where a network is read: for every input, or on a domain; samples from there, and proofs about it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit import words
from circuitkit.checks import finite, shown, wrong
from circuitkit.detection.corners import corners, highest, is_moderate, of_size_one
from circuitkit.detection.points import need_width
from circuitkit.functions.target import Target
from circuitkit.network import Network
from circuitkit.proof.claim import Box, Measure, Polytope, read_domain
from circuitkit.proof.prove import Proof, Undecided, prove
from circuitkit.simplex import multipliers

__all__ = ["EVERYWHERE", "Place", "place"]

Array = NDArray[np.float64]

#: all corners of a box of so many inputs are among the samples
_CORNERS = 9
#: which share of a sample's inputs is at an end of its interval
_AT_ENDS = 0.15
#: how far the samples go where a domain has no end
_FAR = (1.0, 10.0, 100.0)
#: directions in which a polytope's vertices are looked for
_DIRECTIONS = 96
#: inequalities of a polytope, or different sides of a box, that are written out
_WRITTEN = 6
#: significant digits of the ends of an interval
_DIGITS = 4


@dataclass(frozen=True)
class Place:
    """All of R^n, with errors relative to the input's size beyond 1; or a domain, with absolute errors.

    Attributes:
        domain: None for all of R^n.
        from_data: whether the domain is the box of some data.
        scaled: how many times larger it is than the one that was asked about.
    """

    domain: Box | Polytope | None = None
    from_data: bool = False
    scaled: Fraction = Fraction(1)

    @property
    def measure(self) -> Measure:
        """What errors are measured in."""
        return "relative" if self.domain is None else "absolute"

    @property
    def is_everything(self) -> bool:
        """Whether every input is in it."""
        ends = self.domain.ends if isinstance(self.domain, Box) else ()
        return self.domain is None or (bool(ends) and all(pair == (None, None) for pair in ends))

    def everything(self, n: int) -> Place:
        """Every input, in this measure; what is fixed stays fixed."""
        if self.domain is None:
            return self
        fixed = self.fixed(n)
        return Place(Box(tuple((fixed.get(i), fixed.get(i)) for i in range(n))))

    def fixed(self, n: int) -> dict[int, Fraction]:
        """The inputs that have one value only, and that value."""
        if not isinstance(self.domain, Box):
            return {}
        return {
            i: low
            for i, (low, high) in enumerate(self.domain.ends[:n])
            if low is not None and low == high
        }

    def sizes(self, x: Array) -> Array:
        """What the errors at inputs of shape ``(n_samples, n_in)`` are divided by."""
        if self.domain is not None:
            return np.ones(len(x))
        sizes: Array = np.maximum(1.0, np.abs(x).max(axis=1))
        return sizes

    def sampled_error(self, values: Array, wanted: Array, x: Array) -> float:
        """The largest error among samples, in this measure."""
        return float((np.abs(values - wanted).max(axis=1) / self.sizes(x)).max())

    def samples(self, net: Network, count: int = 3000) -> Array:
        """Inputs from there, of shape ``(n_samples, n_in)``; the same ones each time."""
        if self.domain is None:
            return everywhere(net.n_inputs, homogeneous=not net.has_biases, count=count)
        rng = np.random.default_rng(7)
        if isinstance(self.domain, Box):
            return _in_box(self.domain, count, rng)
        return _in_polytope(self.domain, count, rng)

    def largest(self, row: Sequence[Fraction]) -> Fraction | None:
        """What the size of the affine function with these numbers, the constant last, is at most there.

        In the place's measure; None where it has no bound, or the vertices that it takes are not known.
        """
        *factors, constant = row
        if self.domain is None:
            return sum((abs(v) for v in row), Fraction(0))
        if isinstance(self.domain, Polytope):
            return _largest_in_polytope(self.domain, factors, constant)
        low = high = constant
        for a, (left, right) in zip(factors, self.domain.ends, strict=True):
            if a and (left is None or right is None):
                return None
            ends = (a * (left or 0), a * (right or 0))
            low, high = low + min(ends), high + max(ends)
        return max(abs(low), abs(high))

    def prove(
        self, net: Network, target: Target | Network, tolerance: Fraction, seconds: float
    ) -> Proof | None:
        """The proof or refutation there; None where there is no time for it."""
        if seconds <= 0:
            return None
        try:
            return prove(
                net,
                target,
                tolerance=tolerance,
                domain=self.domain,  # type: ignore[arg-type]
                measure=self.measure,
                time_limit=seconds,
            )
        except Undecided:
            return None

    def larger(self, factor: Fraction) -> Place:
        """The domain scaled about its center; a side without an end stays, one end moves outwards."""
        if isinstance(self.domain, Box):
            ends = tuple(_scaled(low, high, factor) for low, high in self.domain.ends)
            return Place(Box(ends))
        if isinstance(self.domain, Polytope):
            return Place(_scaled_polytope(self.domain, factor), scaled=self.scaled * factor)
        return self

    def words(self) -> str:
        """``"on [0, 1]^2"``."""
        if self.domain is None:
            return "for every input"
        if isinstance(self.domain, Polytope):
            if self.scaled > 1:
                times = words.number(self.scaled, _DIGITS, rounding="down")
                return f"on that polytope made {times} times as large about its center"
            return f"where {_inequalities(self.domain)}"
        box = _box_in_words(self.domain)
        return f"on the box of the data, {box}" if self.from_data else f"on {box}"


#: all of R^n
EVERYWHERE = Place()


def place(net: Network, domain: Any, data: Any) -> Place:
    """Where to read a network, from what the caller gave.

    Raises:
        TypeError: data that are no numbers.
        ValueError: an argument that does not fit; it names the argument.
    """
    if data is None:
        return Place(need_width(read_domain(domain, net.n_inputs)))
    if domain is not None:
        raise wrong("data", "none where a domain is given", shown(data))
    n = net.n_inputs
    points = finite(data, "data")
    if points.ndim == 1 and n == 1:
        points = points[:, None]
    if points.ndim != 2 or points.shape[1] != n or not len(points):
        raise wrong("data", f"inputs of shape (n_samples, {n}), at least one", points.shape)
    pairs = zip(points.min(axis=0).tolist(), points.max(axis=0).tolist(), strict=True)
    return Place(Box(tuple((Fraction(a), Fraction(b)) for a, b in pairs)), from_data=True)


# --- samples ------------------------------------------------------------------------------------------


def everywhere(n: int, *, homogeneous: bool, count: int = 3000) -> Array:
    """Directions (max |x_i| = 1) for a homogeneous function, otherwise points near and far."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(count, n))
    x /= np.abs(x).max(axis=1, keepdims=True)
    if n == 1:
        x = np.where(np.arange(count) % 2, 1.0, -1.0)[:, None]
    if not homogeneous:
        x *= rng.choice([0.3, 1.0, 3.0, 30.0], size=(count, 1)) * rng.random((count, 1))
    return x


def _in_box(box: Box, count: int, rng: np.random.Generator) -> Array:
    """Corners, points on faces and edges, and inside."""
    n = len(box.ends)
    columns = []
    for low, high in box.ends:
        far = rng.choice(_FAR, size=count) * rng.random(count)
        if low is None and high is None:
            columns.append(far * rng.choice([-1.0, 1.0], size=count))
        elif low is None or high is None:
            end = words.nearest_float(low if high is None else high)  # type: ignore[arg-type]
            columns.append(end + far * (1 if high is None else -1))
        else:
            a, b = words.nearest_float(low), words.nearest_float(high)
            share = rng.random(count)
            at_end = rng.random(count) < _AT_ENDS
            share[at_end] = np.round(share[at_end])
            columns.append(a * (1 - share) + b * share)
    x = np.column_stack(columns)
    if box.is_bounded and n <= _CORNERS:
        ends = [
            sorted({words.nearest_float(low or 0), words.nearest_float(high or 0)})
            for low, high in box.ends
        ]
        x = np.concatenate([np.array(list(itertools.product(*ends))), x])
    return x


def _in_polytope(polytope: Polytope, count: int, rng: np.random.Generator) -> Array:
    """Vertices in many directions, and mixtures of a few of them each."""
    known = _corners(polytope)
    picked = rng.integers(len(known), size=(count, min(len(known[0]) + 1, len(known))))
    shares = rng.dirichlet(np.full(picked.shape[1], 0.7), size=count)
    mixed = np.einsum("sk,ski->si", shares, known[picked])
    return np.concatenate([known, mixed])


def _corners(polytope: Polytope) -> Array:
    if is_moderate(polytope):
        return _vertices(polytope)
    return np.array([[words.nearest_float(v) for v in x] for x in corners(polytope)])


def _vertices(polytope: Polytope) -> Array:
    """Those that are extreme in some directions; where it has no end there, points far away."""
    from scipy.optimize import linprog

    matrix, ends = of_size_one(polytope).floats()
    n = matrix.shape[1]
    center = np.array([words.nearest_float(v) for v in polytope.point])
    rng = np.random.default_rng(11)
    directions = np.concatenate([np.eye(n), -np.eye(n)])[:_DIRECTIONS]
    directions = np.concatenate([directions, rng.normal(size=(_DIRECTIONS, n))])
    far = (1 + np.abs(center).max()) * _FAR[-1]
    vertices = [center]
    for direction in directions:
        found = linprog(-direction, A_ub=matrix, b_ub=ends, bounds=[(-far, far)] * n)
        if found.x is not None and np.isfinite(found.x).all():
            vertices.append(found.x)
    unique: Array = np.unique(np.round(vertices, 12), axis=0)
    return unique


def _scaled_polytope(polytope: Polytope, factor: Fraction) -> Polytope:
    """About the mean of its vertices; what a rounded center leaves out is not cut off."""
    if is_moderate(polytope):
        center = [Fraction(v) for v in _vertices(polytope).mean(axis=0).tolist()]
    else:
        known = corners(polytope)
        center = [sum(column, Fraction(0)) / len(known) for column in zip(*known, strict=True)]
    ends = []
    for row, end in zip(polytope.matrix, polytope.ends, strict=True):
        room = max(end - _dot(row, center), Fraction(0))
        ends.append(end + (factor - 1) * room)
    return replace(polytope, ends=tuple(ends))


# --- larger domains, and in words ---------------------------------------------------------------------


def _scaled(
    low: Fraction | None, high: Fraction | None, factor: Fraction
) -> tuple[Fraction | None, Fraction | None]:
    if low is None:
        return None, (None if high is None else high + (factor - 1))
    if high is None:
        return low - (factor - 1), None
    middle, half = (low + high) / 2, (high - low) / 2
    return middle - factor * half, middle + factor * half


def _largest_in_polytope(
    polytope: Polytope, factors: Sequence[Fraction], constant: Fraction
) -> Fraction | None:
    """By multipliers of the inequalities, exactly: a x = sum y_i (A x)_i <= sum y_i b_i with y >= 0."""
    from scipy.optimize import linprog

    if not is_moderate(polytope):
        up, down = (highest(polytope, [sign * a for a in factors]) for sign in (1, -1))
        if up is None or down is None:
            return None
        return max(abs(_dot(factors, x) + constant) for x in (up, down))
    polytope = of_size_one(polytope)
    matrix, ends = polytope.floats()
    n = matrix.shape[1]
    bound = Fraction(0)
    for sign in (1, -1):
        wanted = [sign * a for a in factors]
        found = linprog(
            -np.array([words.nearest_float(v) for v in wanted]),
            A_ub=matrix,
            b_ub=ends,
            bounds=[(None, None)] * n,
        )
        if found.x is None:
            return None
        tight = np.flatnonzero(np.abs(matrix @ found.x - ends) <= 1e-7 * (1 + np.abs(ends)))
        rows = [polytope.matrix[k] for k in tight.tolist()]
        if not any(wanted):
            factors_of: list[Fraction] | None = [Fraction(0)] * len(rows)
        else:
            factors_of = multipliers(wanted, rows) if rows else None
        if factors_of is None:
            return None
        reached = sum(
            (y * polytope.ends[k] for y, k in zip(factors_of, tight.tolist(), strict=True)),
            sign * constant,
        )
        bound = max(bound, reached)
    return bound


def _dot(row: Sequence[Fraction], x: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(row, x, strict=True)), Fraction(0))


def _box_in_words(box: Box) -> str:
    """``[0, 1]^2``; the ends are rounded inwards."""
    sides = [words.interval(low, high, _DIGITS) for low, high in box.ends]
    if len(sides) > 1 and len(set(sides)) == 1:
        return f"{sides[0]}^{len(sides)}"
    if len(sides) > _WRITTEN:
        sides = [*sides[:_WRITTEN], "..."]
    return " × ".join(sides)


def _inequalities(polytope: Polytope) -> str:
    """The inequalities, where all their numbers can be said exactly: rounded, they would hold of other inputs."""
    rows = list(zip(polytope.matrix, polytope.ends, strict=True))
    given = [v for row, end in rows for v in (*row, end)]
    if len(rows) > _WRITTEN or not all(map(words.is_said, given)):
        return "1 inequality holds" if len(rows) == 1 else f"{len(rows)} inequalities hold"
    names = words.input_names(len(polytope.matrix[0]))
    return " and ".join(f"{_sum(row, names)} <= {words.exactly(end)}" for row, end in rows)


def _sum(row: Sequence[Fraction], names: Sequence[str]) -> str:
    text = ""
    for a, name in zip(row, names, strict=True):
        if a:
            sign = "-" if a < 0 else "+"
            size = "" if abs(a) == 1 else f"{words.exactly(abs(a))}*"
            text += f" {sign} {size}{name}" if text else f"{'-' if a < 0 else ''}{size}{name}"
    return text or "0"
