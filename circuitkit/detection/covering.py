"""The fewest simple affine pieces that a network is made of, by an integer program over its samples.

Every sample has to be within the tolerance of one of the pieces chosen; candidates are the pieces that the
network has at the samples, fitted to all samples that they are near, and rounded. What the pieces make is
spelled as maxima of minima. By floats and samples: proposals, proved elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.detection.shape import simplest
from circuitkit.exact.regions import look_at_the_clock
from circuitkit.exact.spell import lattice

__all__ = ["covers", "local_pieces"]

Array = NDArray[np.float64]

_MOST_PIECES = 8
#: local pieces, and candidates, at most
_LOCAL, _CANDIDATES = 250, 500
#: samples that have to be covered
_SAMPLES = 500
_ROUNDS = 3
#: which shares of the tolerance the numbers of a piece may move by
_SHARES = (2.0, 1.0, 0.4, 0.1)
#: seconds for one integer program
_SECONDS = 4.0
#: what a digit costs, in pieces
_DIGIT = 0.06


def local_pieces(gradients: Array, x1: Array, y: Array) -> Array:
    """The affine pieces (a, c) at the samples, those of most samples first; close ones count as one.

    Args:
        gradients: of shape ``(n_samples, n)``.
        x1: points (x, 1).
        y: the values there.
    """
    offsets = y - (gradients * x1[:, :-1]).sum(axis=1)
    rows = np.column_stack([gradients, offsets])
    scale = np.abs(rows).max(initial=1e-12)
    unique, counts = np.unique(np.round(rows / scale, 4), axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_LOCAL]
    pieces: Array = unique[order] * scale
    return pieces


def covers(
    pieces: Array,
    variables: Sequence[sympy.Symbol],
    x1: Array,
    y: Array,
    tolerance: float,
    deadline: float,
) -> list[sympy.Expr]:
    """Expressions of the fewest and simplest pieces that cover the samples within the tolerance.

    Args:
        pieces: as of :func:`local_pieces`.
        variables: the inputs.
        x1: points (x, 1).
        y: the values there.
        tolerance: how far a sample may be off the piece that covers it.
        deadline: the value of ``time.monotonic()`` after which to give up.

    Raises:
        OutOfTime: the deadline passed.
    """
    found: dict[sympy.Expr, None] = {}
    near = _fitted_to_many(pieces, x1, y, tolerance, deadline)
    reach = np.abs(x1).max(axis=0)
    for share in _SHARES:
        look_at_the_clock(deadline)
        slack = share * tolerance / np.maximum(reach, 1e-12) / 2
        simple = {
            tuple(simplest(v, s) for v, s in zip(row, slack.tolist(), strict=True)): None
            for row in near.tolist()
        }
        candidates = list(simple)[:_CANDIDATES]
        chosen = _fewest(candidates, x1, y, tolerance, deadline)
        if chosen:
            for e in _spelled([candidates[k] for k in chosen], variables, x1, y):
                found.setdefault(e)
    return list(found)


def _fitted_to_many(pieces: Array, x1: Array, y: Array, tolerance: float, deadline: float) -> Array:
    """The pieces, and what they become when they are fitted to all that they are near, a few times."""
    rows = [pieces]
    current = pieces
    for _ in range(_ROUNDS):
        look_at_the_clock(deadline)
        near = np.abs(x1 @ current.T - y[:, None]) <= 2 * tolerance
        fitted = []
        for k in np.flatnonzero(near.sum(axis=0) > x1.shape[1]).tolist():
            inside = near[:, k]
            row, *_ = np.linalg.lstsq(x1[inside], y[inside], rcond=1e-9)
            fitted.append(row)
        if not fitted:
            break
        scale = np.abs(pieces).max(initial=1e-12)
        current = np.unique(np.round(np.array(fitted) / scale, 5), axis=0) * scale
        rows.append(current)
    return np.concatenate(rows[::-1])


def _fewest(
    candidates: list[tuple[Fraction, ...]], x1: Array, y: Array, tolerance: float, deadline: float
) -> list[int]:
    """Which candidates cover the samples at the least cost; none if they cannot."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    table = np.array([[float(v) for v in row] for row in candidates])
    step = max(1, len(x1) // _SAMPLES)
    near = np.abs(x1[::step] @ table.T - y[::step, None]) <= tolerance
    if not near.any(axis=1).all():
        return []
    near = np.unique(near, axis=0)
    costs = np.array([1 + _DIGIT * sum(_digits(v) for v in row) for row in candidates])
    seconds = min(_SECONDS, max(deadline - time.monotonic(), 0.01))
    found = milp(
        costs,
        constraints=LinearConstraint(csr_array(near.astype(float)), lb=1.0),
        bounds=Bounds(0, 1),
        integrality=np.ones(len(costs)),
        options={"time_limit": seconds, "mip_rel_gap": 0.02},
    )
    if found.x is None:
        return []
    chosen = np.flatnonzero(found.x > 0.5).tolist()
    return chosen if len(chosen) <= _MOST_PIECES else []


def _digits(v: Fraction) -> int:
    return len(str(v).replace("-", "").replace("/", "")) if v else 0


def _spelled(
    pieces: list[tuple[Fraction, ...]], variables: Sequence[sympy.Symbol], x1: Array, y: Array
) -> list[sympy.Expr]:
    """max of min of the pieces, and min of max: which are above and below the network's own, where."""
    symbols = [*variables, sympy.Integer(1)]
    spelled = [
        sympy.Add(
            *(
                sympy.Rational(v.numerator, v.denominator) * s
                for v, s in zip(row, symbols, strict=True)
            )
        )
        for row in pieces
    ]
    if len(spelled) == 1:
        return spelled
    heights = x1 @ np.array([[float(v) for v in row] for row in pieces]).T
    nearest = np.abs(heights - y[:, None]).argmin(axis=1)
    own = heights[np.arange(len(x1)), nearest][:, None]
    # Near a border the sample may be taken for the wrong side: count near ties as ties.
    margin = 1e-9 + 2 * float(np.abs(own[:, 0] - y).max())
    return lattice(spelled, _sets(heights >= own - margin), _sets(heights <= own + margin))


def _sets(which: NDArray[np.bool_]) -> set[frozenset[int]]:
    """The different rows as sets; those of very few samples lie on a border and are left out."""
    unique, counts = np.unique(which, axis=0, return_counts=True)
    keep = counts >= max(2, 0.002 * len(which))
    keep |= counts == counts.max()
    return {frozenset(np.flatnonzero(row).tolist()) for row in unique[keep]}
