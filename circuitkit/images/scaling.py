"""Numbers of any size brought near 1, so that no square of them is beyond the doubles.

By powers of two, which round nothing: what is scale-free comes out the same to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["scaled"]


def scaled(
    values: NDArray[np.float64], axis: tuple[int, ...] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """``(s, e)`` with values = s 2^e, the largest |s| from 1/2 to 1; along ``axis``, or of all. Zeros stay."""
    _, exponent = np.frexp(np.abs(values).max(axis=axis, keepdims=True))
    return np.ldexp(values, -exponent), exponent
