"""What a search is about: a claim on a box, the worst value known, and how a search can end early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import rationals
from .floats import Floats

__all__ = ["Claim", "Incumbent", "OutOfTime", "Problem", "Refuted", "Stuck", "Unbounded"]

Array = NDArray[np.float64]


class OutOfTime(Exception):
    """The deadline passed."""


class Refuted(Exception):
    """A point above the tolerance was found, in exact numbers."""


@dataclass
class Claim:
    """``value <= T * size``: two rows over a program's columns; ``size`` None for the number 1."""

    value: dict[int, Any]
    size: dict[int, Any] | None

    def at(self, gates: Sequence[dict[int, Any]], point: Sequence[Any]) -> Any:
        """``value / size`` at a point, exactly; None where the size is 0."""
        if self.size is None:
            return rationals.values(gates, [self.value], point)[0]
        value, size = rationals.values(gates, [self.value, self.size], point)
        return value / size if size > 0 else None


@dataclass
class Problem:
    """A claim on a box, and what its gates are known to be there."""

    gates: Sequence[dict[int, Any]]
    floats: Floats
    claim: Claim
    box: Sequence[tuple[Any, Any]]
    sign: NDArray[np.int8]
    #: gates whose rows are >= 0 because the domain is so
    given: Sequence[int] = ()

    def __post_init__(self) -> None:
        self.low = rationals.floats([a for a, _ in self.box])
        self.high = rationals.floats([b for _, b in self.box])

    def on(
        self, box: Sequence[tuple[Any, Any]], bounds: tuple[Array, Array, NDArray[np.int8]]
    ) -> Problem:
        """The same claim on a smaller box."""
        return Problem(self.gates, self.floats, self.claim, box, bounds[2], self.given)

    def allows(self, point: Sequence[Any]) -> bool:
        """Whether a point of the box is in the domain."""
        rows = [self.gates[self.floats.order[i]] for i in self.given]
        return all(z >= 0 for z in rationals.values(self.gates, rows, point))

    def direction(self, point: Sequence[Any]) -> list[Any] | None:
        """The point moved to where the size is 0, if the size is the scale of the inputs."""
        last = len(self.box) - 1
        if (
            self.box[last][0] == 0
            and self.claim.size is not None
            and set(self.claim.size) == {last}
        ):
            return [*point[:-1], rationals.number(0)]
        return None


@dataclass
class Incumbent:
    """The largest ``value / size`` known, exactly, and where; a fixed tolerance for a yes or no."""

    worst: Any
    fixed: bool
    point: list[Any] | None = None
    #: as far below ``near`` as a bound must be to count, in units of the claim
    margin: float = 1e-8

    def __post_init__(self) -> None:
        #: the worst value as a float
        self.near = float(rationals.floats([self.worst])[0])
        #: the largest value seen, be it above a fixed tolerance or not
        self.seen: Any = None

    def offer(self, value: Any, point: list[Any]) -> bool:
        """A value that was computed exactly at a point; whether it is a new worst one.

        Raises:
            Refuted: it is above the fixed tolerance.
        """
        if value is not None and (self.seen is None or value > self.seen):
            self.seen = value
        if value is None or not (value > self.worst or (self.point is None and not self.fixed)):
            return False
        self.worst, self.point = value, point
        if self.fixed:
            raise Refuted
        self.near = float(rationals.floats([value])[0])
        return True

    def offer_floats(self, problem: Problem, x: Array) -> None:
        """A point known in floats: its value is computed exactly, if it is in the domain.

        Raises:
            Refuted: it is above the fixed tolerance.
            Unbounded: the size is 0 there, the value above 0.
        """
        point = [
            min(max(rationals.number(float(v)), low), high)
            for v, (low, high) in zip(x, problem.box, strict=True)
        ]
        for tried in (point, problem.direction(point)):
            if tried is None or not problem.allows(tried):
                continue
            value = problem.claim.at(problem.gates, tried)
            if (
                value is None
                and rationals.values(problem.gates, [problem.claim.value], tried)[0] > 0
            ):
                raise Unbounded(tried)
            self.offer(value, tried)


class Stuck(Exception):
    """Exact arithmetic does not confirm what floats say here."""


class Unbounded(Exception):
    """At a point the value is above 0 where the size is 0: the ratio has no bound."""

    def __init__(self, point: list[Any]) -> None:
        super().__init__("unbounded")
        self.point = point
