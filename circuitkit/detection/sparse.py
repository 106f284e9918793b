"""Is it affine plus a few absolute values? Orthogonal matching pursuit over kinks on a grid, then refitted.

By floats and samples: proposals, proved elsewhere.

Source: Pati, Rezaiifar and Krishnaprasad, "Orthogonal matching pursuit" (1993).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.exact.regions import look_at_the_clock

__all__ = ["few_kinks"]

Array = NDArray[np.float64]

_MOST_KINKS = 5
#: offsets of each direction
_OFFSETS = 15
#: of so many inputs all directions of small whole numbers are tried, of more those of two inputs only
_ALL_DIRECTIONS = 3
#: samples for the search; all of them for the fit
_SAMPLES = 700


def few_kinks(
    variables: Sequence[sympy.Symbol], x1: Array, y: Array, deadline: float
) -> Iterator[tuple[sympy.Expr, float]]:
    """Affine plus one, two, ... absolute values, each fitted, with the worst error at the points.

    Args:
        variables: the inputs.
        x1: points (x, 1).
        y: the values there.
        deadline: the value of ``time.monotonic()`` after which to give up.

    Yields:
        The fits, and their errors; numbers in them are not rounded.

    Raises:
        OutOfTime: the deadline passed.
    """
    some = x1[:: max(1, len(x1) // _SAMPLES)]
    wanted = y[:: max(1, len(x1) // _SAMPLES)]
    atoms, rows = _atoms(some, len(variables))
    if not len(rows):
        return
    rows_of = np.zeros((1, x1.shape[1]))  # the affine part, then the kinks
    signs = np.ones(1)
    for _ in range(_MOST_KINKS):
        look_at_the_clock(deadline)
        basis = np.concatenate([some, np.abs(some @ rows_of[1:].T)], axis=1)
        q, _ = np.linalg.qr(basis)
        rest = wanted - q @ (q.T @ wanted)
        free = atoms - q @ (q.T @ atoms)
        sizes = np.linalg.norm(free, axis=0)
        share = (free.T @ rest) / np.where(sizes > 1e-6 * np.sqrt(len(some)), sizes, np.inf)
        best = int(np.abs(share).argmax())
        if not share[best]:
            break
        factor = abs(share[best]) / sizes[best]
        rows_of = np.concatenate([rows_of, factor * rows[best : best + 1]])
        signs = np.append(signs, np.sign(share[best]))
        rows_of = _fitted(rows_of, signs, x1, y)
        miss = float(np.abs(y - _values(rows_of, signs, x1)).max())
        yield _spelled(rows_of, signs, variables), miss


def _values(rows: Array, signs: Array, x1: Array) -> Array:
    values: Array = x1 @ rows[0] + np.abs(x1 @ rows[1:].T) @ signs[1:]
    return values


def _fitted(rows: Array, signs: Array, x1: Array, y: Array, rounds: int = 12) -> Array:
    """Least squares by Gauss and Newton, in all numbers."""
    least = float(np.square(y - _values(rows, signs, x1)).sum())
    for _ in range(rounds):
        sides = np.where(x1 @ rows.T >= 0, 1.0, -1.0) * signs
        sides[:, 0] = 1.0
        slopes = (sides[:, :, None] * x1[:, None, :]).reshape(len(x1), -1)
        step, *_ = np.linalg.lstsq(slopes, y - _values(rows, signs, x1), rcond=1e-9)
        for share in (1.0, 0.4, 0.1):
            moved = rows + share * step.reshape(rows.shape)
            now = float(np.square(y - _values(moved, signs, x1)).sum())
            if now < least * (1 - 1e-6):
                rows, least = moved, now
                break
        else:
            break
    return rows


def _atoms(x1: Array, n: int) -> tuple[Array, Array]:
    """|d x + c| for small whole d and c on a grid: the values, and the rows (d, c)."""
    directions = []
    for d in itertools.product(range(-2, 3), repeat=n) if n <= _ALL_DIRECTIONS else _sparse(n):
        first = next((v for v in d if v), 0)
        if first > 0 and np.gcd.reduce(d) == 1:
            directions.append(d)
    rows = []
    for d in directions:
        t = x1[:, :-1] @ np.array(d, dtype=float)
        low, high = float(t.min()), float(t.max())
        if high - low <= 1e-12 * max(1.0, abs(low)):
            continue
        grid = np.linspace(low, high, _OFFSETS + 2)[1:-1].tolist()
        rows += [(*d, -c) for c in ([0.0] if low < 0 < high else []) + grid]
    if not rows:
        return np.zeros((len(x1), 0)), np.zeros((0, n + 1))
    table = np.array(rows, dtype=float)
    return np.abs(x1 @ table.T), table


def _sparse(n: int) -> list[tuple[int, ...]]:
    """Directions of one or two inputs."""
    found = []
    for i in range(n):
        for j in range(i, n):
            for b in (1, -1) if j > i else (1,):
                d = [0] * n
                d[j] = b
                d[i] = 1
                found.append(tuple(d))
    return found


def _spelled(rows: Array, signs: Array, variables: Sequence[sympy.Symbol]) -> sympy.Expr:
    """The fit, the factor of each kink inside of it."""
    symbols = [*variables, sympy.Integer(1)]
    total = [_row(rows[0], symbols)]
    for sign, row in zip(signs[1:].tolist(), rows[1:], strict=True):
        total.append(int(sign) * sympy.Abs(_row(row, symbols), evaluate=False))
    return sympy.Add(*total)


def _row(row: Array, symbols: Sequence[sympy.Expr]) -> sympy.Expr:
    return sympy.Add(*(sympy.Rational(v) * s for v, s in zip(row.tolist(), symbols, strict=True)))
