r"""The exact worst error of a layer that is read out by ReLU, over all inputs with few active features."""

from __future__ import annotations

from itertools import combinations
from math import comb, cos, pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitkit.checks import accepts, finite, interval, shown, whole, wrong
from circuitkit.superposition.model import Superposition

__all__ = ["at_most_active", "errors_by_output", "least_worst_error", "worst_error"]

Array = NDArray[np.float64]

#: of boxes: beyond that a list of them helps nobody
_MOST_BOXES = 100_000
#: and of intervals, in all of them together
_MOST_INTERVALS = 50_000_000


@accepts(n=whole(least=1), active=whole(least=0), values=interval())
def at_most_active(
    n: int, active: int, *, values: tuple[float, float] = (0.0, 1.0)
) -> list[list[tuple[float, float]]]:
    r"""The inputs with at most so many active features, as boxes that :func:`circuitkit.prove` takes.

    They are no box and no polytope but a union of boxes, one for each choice of active features, in
    which all the others are fixed at 0. A claim holds for all of these inputs if it holds on each box, and
    its error is the largest of theirs; each proof has its own certificate.

    Args:
        n: how many inputs, 1 or above.
        active: how many of them may differ from 0 at once, 0 or above; beyond n as n.
        values: between which numbers an active input lies, 0 among them.

    Returns:
        A list of boxes, each a list of n pairs ``(low, high)``: one for each set of exactly
        ``min(active, n)`` inputs, which contains the smaller sets.

    Raises:
        TypeError, ValueError: an argument that is not one of these, or more than 100,000 boxes or 50 million intervals.

    Example:
        >>> at_most_active(3, 1)
        [[(0.0, 1.0), (0.0, 0.0), (0.0, 0.0)], [(0.0, 0.0), (0.0, 1.0), (0.0, 0.0)], [(0.0, 0.0), (0.0, 0.0), (0.0, 1.0)]]
        >>> len(at_most_active(5, 2))
        10
    """
    low, high = values
    if not low <= 0 <= high:
        raise wrong("values", "an interval with 0 in it", f"({low}, {high})")
    active = min(active, n)
    if n > _MOST_INTERVALS:
        raise wrong("n", f"at most {_MOST_INTERVALS:,} inputs", shown(n))
    if comb(n, active) > _MOST_BOXES:
        raise wrong(
            "active",
            f"a number that gives at most {_MOST_BOXES:,} boxes",
            f"{shown(active)} of {n} inputs",
        )
    if comb(n, active) * n > _MOST_INTERVALS:
        raise wrong(
            "n",
            f"a number that gives at most {_MOST_INTERVALS:,} intervals",
            f"{comb(n, active):,} boxes of {n:,}",
        )
    inside, fixed = (float(low), float(high)), (0.0, 0.0)
    return [
        [inside if i in chosen else fixed for i in range(n)]
        for chosen in map(set, combinations(range(n), active))
    ]


@accepts(active=whole(least=0))
def worst_error(
    model: Superposition | ArrayLike, active: int = 1, *, bias: ArrayLike | None = None
) -> Array | float:
    r"""The largest :math:`|y_i - x_i|` over all outputs and all x in [0, 1]^n with at most ``active`` not 0.

    Of :math:`y = \mathrm{ReLU}(M x + b)`, in closed form: the overshoot :math:`y_i - x_i` is convex in x, so it
    is largest at a corner; the undershoot falls in each :math:`M_{ij} x_j` and is concave in :math:`x_i`, so it
    is largest at :math:`x_i = 1` or where the ReLU bends. Sorting a row finds both.

    Args:
        model: a Superposition; or M, of shape ``(..., n, n)``, many of them at once, tied or not.
        active: how many features may be active, 0 or above; beyond n as n.
        bias: b of shape ``(..., n)``, 0 by default, with an array M only: a Superposition has its own.

    Returns:
        A float; of many matrices an array ``(...)``.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> from circuitkit.superposition import polygon
        >>> round(worst_error(polygon(5)), 6)
        0.154508
        >>> round(worst_error(polygon(5), 2), 3)
        0.964
    """
    if isinstance(model, Superposition):
        if bias is not None:
            raise wrong("bias", "none beside a Superposition, which has its own", shown(bias))
        matrix, offset = model.matrix, model.bias
    else:
        matrix = finite(model, "model")
        if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or not matrix.shape[-1]:
            raise wrong("model", "a Superposition, or square matrices", f"shape {matrix.shape}")
        offset = finite(0.0 if bias is None else bias, "bias")
        try:
            offset = np.broadcast_to(offset, matrix.shape[:-1])
        except ValueError:
            raise wrong("bias", f"shape {matrix.shape[:-1]}", f"shape {offset.shape}") from None
    found: Array = errors_by_output(matrix, offset, active).max(axis=-1)
    return float(found) if found.ndim == 0 else found


def errors_by_output(matrix: Array, bias: Array, active: int) -> Array:
    """The worst error of each output, ``(..., n)``."""
    n = matrix.shape[-1]
    own = np.diagonal(matrix, axis1=-2, axis2=-1)
    others = np.where(np.eye(n, dtype=bool), 0.0, matrix)
    most = -np.sort(-np.maximum(others, 0), axis=-1)
    least = -np.sort(-np.maximum(-others, 0), axis=-1)
    beside = min(max(active - 1, 0), n - 1)

    worst = np.maximum(0.0, bias + most[..., : min(active, n - 1)].sum(axis=-1))
    if active == 0:
        return np.asarray(worst)
    worst = np.maximum(worst, np.maximum(0.0, own + bias + most[..., :beside].sum(axis=-1)) - 1)
    offset = bias - least[..., :beside].sum(axis=-1)
    worst = np.maximum(worst, 1 - np.maximum(0.0, own + offset))
    with np.errstate(divide="ignore", invalid="ignore"):
        kink = -offset / own
    found: Array = np.where((kink > 0) & (kink < 1), np.maximum(worst, kink), worst)
    return found


@accepts(n=whole(least=1), active=whole(least=1))
def least_worst_error(n: int, active: int = 1) -> float:
    r"""The least worst error that n features in the plane can have with tied weights, as the book proves it.

    With one active feature it is :math:`\max(0, \cos(2\pi/n)/2)` and the regular polygon attains it, for three
    features 0. With two or more it is 0 for n of 2 or less and 1/2 for n of 4 or more, which the constant
    1/2 attains. For three features of which two may be active it is 1/4: arrows at 120 degrees, all biases 1/4.

    Args:
        n: how many features, 1 or above.
        active: how many may be active at once, 1 or above.

    Raises:
        TypeError, ValueError: an argument that is not one of these; or three features of which all may be
            active, where the book knows no proof.

    Example:
        >>> round(least_worst_error(5), 4), least_worst_error(5, 2)
        (0.1545, 0.5)
    """
    if n <= 2:
        return 0.0
    if active == 1:
        return 0.0 if n <= 4 else cos(2 * pi / min(n, 10**15)) / 2
    if n == 3 and active > 2:
        raise wrong(
            "active", "1 or 2 of three features: the case of all three is open here", active
        )
    return 0.25 if n == 3 else 0.5
