r"""Where a relaxation's bound is the worst value itself: the exact vertex, and the exact proof of it.

On a cell where every gate that a claim reads is on or off, claim and cell are linear. Floats know about
where the claim is largest, and so which constraints are tight there; the vertex at which these meet, and
factors :math:`\\lambda_i \\ge 0` with which they bound the claim, follow in rationals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit import simplex

from . import rationals
from .problem import Incumbent, Problem

__all__ = ["Cell"]

#: how often a vertex may turn out to be worse than the worst one known, and the proof begin again
_ROUNDS = 100


class Cell:
    """A cell of a problem's box on which gates have the given signs; ``x`` is about its worst vertex.

    A gate without a sign may have a slope: the claim, where it reads less than nothing of the gate, is then
    at most what it is with that multiple of the gate's row. Slopes that are the checker's own may stay unwritten.
    """

    def __init__(
        self,
        problem: Problem,
        signs: dict[int, int],
        x: NDArray[np.float64],
        slopes: dict[int, Any],
        unwritten: set[int],
    ) -> None:
        self.problem, self.signs, self.x = problem, signs, x
        self.slopes, self.unwritten = slopes, unwritten
        self.width = len(problem.box)
        self.forms = rationals.Forms(problem.gates, self.width, signs, slopes)
        self.value = self.forms.row(problem.claim.value)
        self.size = self.forms.row(problem.claim.size or {})
        self.free = [j for j, (low, high) in enumerate(problem.box) if low != high]
        self.faces = self._faces()

    def _faces(self) -> list[tuple[int, int]]:
        """The faces of the box on which ``x`` lies: the column, and 1 at its lower end."""
        low, high = self.problem.low, self.problem.high
        noise = 1e-7 * (high - low)
        return [
            (j, side)
            for j in self.free
            for side, on in (
                (1, self.x[j] <= low[j] + noise[j]),
                (-1, self.x[j] >= high[j] - noise[j]),
            )
            if on
        ]

    def settled(self, names: Sequence[int], best: Incumbent) -> list[Any] | None:
        """A leaf that proves the claim at ``best.worst``, which the vertex may have raised.

        Only the constraints of the gates in ``names`` are used. None: they do not suffice.
        """
        named = [(k, wall) for k, wall in ((k, self._wall(k)) for k in names) if wall is not None]
        walls = [wall for _, wall in named]
        zero, one = rationals.number(0), rationals.number(1)
        generators = [[wall[j] for j in self.free] for wall in walls]
        for face, side in self.faces:
            generators.append([one * side if j == face else zero for j in self.free])
        for _ in range(_ROUNDS):
            plain = self.problem.claim.size is None
            form = [a - best.worst * b for a, b in zip(self.value, self.size, strict=True)]
            factors = simplex.multipliers([-form[j] for j in self.free], generators)
            if factors is None:
                return None
            if self._bound(form, factors, walls) <= (best.worst if plain else 0):
                written = {k: f for (k, _), f in zip(named, factors, strict=False) if f}
                return self._written(written, best)
            point = self._vertex(generators, factors, walls)
            if not self.problem.allows(point):
                return None
            if not best.offer(self.problem.claim.at(self.problem.gates, point), point):
                return None
        return None

    def _written(self, multipliers: dict[int, Any], best: Incumbent) -> list[Any] | None:
        """The leaf, if every gate that has a slope is read with a coefficient of at most 0."""
        claim = self.problem.claim
        if self.slopes:
            total = dict(claim.value)
            rows = [(-best.worst, claim.size or {})]
            rows += [(f * self.signs[k], self.problem.gates[k]) for k, f in multipliers.items()]
            for factor, row in rows:
                for c, a in row.items():
                    total[c] = total.get(c, 0) + factor * a
            read: dict[int, Any] = {}
            self.forms.row(total, read)
            if any(read.get(k, 0) > 0 for k in self.slopes):
                return None
            multipliers = multipliers | {
                k: a for k, a in self.slopes.items() if read.get(k, 0) and k not in self.unwritten
            }
        return ["leaf", {str(k): rationals.text(v) for k, v in multipliers.items()}]

    def _wall(self, k: int) -> list[Any] | None:
        """What is >= 0 on gate k's side; None if it reads a gate that nobody needed to decide."""
        try:
            return [self.signs[k] * v for v in self.forms.gate(k)]
        except KeyError:
            return None

    def _bound(self, form: list[Any], factors: list[Any], walls: list[list[Any]]) -> Any:
        left = list(form)
        for factor, wall in zip(factors, walls, strict=False):
            if factor:
                left = [a + factor * b for a, b in zip(left, wall, strict=True)]
        ends = zip(left, self.problem.box, strict=True)
        return sum((max(a * low, a * high) for a, (low, high) in ends), rationals.number(0))

    def _vertex(
        self, generators: list[list[Any]], factors: list[Any], walls: list[list[Any]]
    ) -> list[Any]:
        """Where the constraints that carry a factor, then the other tight ones, meet."""
        box = self.problem.box
        fixed = [j for j in range(self.width) if j not in self.free]
        levels = [-sum((wall[j] * box[j][0] for j in fixed), rationals.number(0)) for wall in walls]
        levels += [box[j][0] if side > 0 else -box[j][1] for j, side in self.faces]
        order = sorted(range(len(factors)), key=lambda i: not factors[i])
        guess = [rationals.number(float(self.x[j])) for j in self.free]
        met = simplex.solve([generators[i] for i in order], [levels[i] for i in order], guess)
        point = [low for low, _ in box]
        for j, v in zip(self.free, met, strict=True):
            low, high = box[j]
            point[j] = min(max(v, low), high)
        return point
