"""How trained features lie in the plane: a name for the arrangement."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitkit.checks import accepts, double, finite, wrong

__all__ = ["GEOMETRIES", "geometry", "interference", "represented"]

#: the arrangements that have a name, and the angles between neighbors, in degrees
GEOMETRIES: dict[str, tuple[float, ...]] = {
    "two orthogonal": (90, 270),
    "a pair and one": (90, 90, 180),
    "two antipodal pairs": (90, 90, 90, 90),
    "pentagon": (72, 72, 72, 72, 72),
}


def represented(weights: NDArray[np.float64], norm: float = 0.5) -> NDArray[np.bool_]:
    """Which features have an arrow longer than ``norm``: shape ``(..., n)`` of ``(..., m, n)``."""
    found: NDArray[np.bool_] = np.linalg.norm(weights, axis=-2) > norm
    return found


@accepts(
    tolerance=double("a number of degrees", least=0),
    norm=double("a number", least=0),
)
def geometry(weights: ArrayLike, *, tolerance: float = 12.0, norm: float = 0.5) -> str:
    """The arrangement of the features that are represented, those with an arrow longer than ``norm``.

    Args:
        weights: W, shape ``(2, n)``.
        tolerance: by how many degrees each angle between neighbors may be off.
        norm: how long the arrow of a feature must be to count.

    Returns:
        A name of ``GEOMETRIES``, or ``"other"``.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> geometry([[1, 0, -1, 0, 0.1], [0, 1, 0, -1, 0]])
        'two antipodal pairs'
    """
    w = finite(weights, "weights")
    if w.ndim != 2 or w.shape[0] != 2:
        raise wrong("weights", "shape (2, n)", f"shape {w.shape}")
    x, y = w[:, represented(w, norm)]
    angles = np.sort(np.degrees(np.arctan2(y, x)))
    if not len(angles):
        return "other"
    gaps = np.sort(np.diff(angles, append=angles[0] + 360))
    for name, wanted in GEOMETRIES.items():
        if len(wanted) == len(gaps) and np.abs(gaps - wanted).max() <= tolerance:
            return name
    return "other"


def interference(weights: ArrayLike) -> float:
    r"""The quantity of the two-active theorem: twice the worst error is at least this, if that is below 1.

    :math:`\max_i T_i / |w_i|^2`, where :math:`T_i` is the sum of the two largest positive products
    :math:`w_i \cdot w_j` and the size of the most negative one. Of four or more vectors in the plane it is
    1 or more: the lemma that the book proves.

    Args:
        weights: W, shape ``(m, n)``, without a zero column.

    Example:
        >>> interference([[1, 0, -1, 0], [0, 2, 0, -2]])
        1.0
    """
    w = finite(weights, "weights")
    if w.ndim != 2 or not w.size or not np.all(np.any(w != 0, axis=0)):
        raise wrong("weights", "shape (m, n), without a zero column", f"shape {w.shape}")
    with np.errstate(all="ignore"):
        products = w.T @ w
    own = np.diagonal(products).copy()
    np.fill_diagonal(products, 0.0)
    ordered = np.sort(products, axis=1)
    positive = np.maximum(ordered[:, -2:], 0).sum(axis=1)
    with np.errstate(all="ignore"):
        found = float(((positive - np.minimum(ordered[:, 0], 0)) / own).max())
    if not np.isfinite(found):
        raise wrong("weights", "columns whose products are doubles", "some too large or too small")
    return found
