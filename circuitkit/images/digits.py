"""The small pictures of handwritten digits that come with scikit-learn: nothing is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from circuitkit.extras import need

__all__ = ["Digits", "digits"]

#: so many pictures are trained on; the others test
TRAINED_ON = 1297
#: which pictures: one split for every network, so that only the networks differ
_SPLIT = 0


@dataclass(frozen=True, eq=False)
class Digits:
    """Pictures of digits, and which digit each one shows.

    Attributes:
        train: pictures to train on, ``(1297, 8, 8)``, each pixel from 0 (paper) to 1 (ink).
        train_labels: their digits, ``(1297,)``.
        test: pictures that no network is trained on, ``(500, 8, 8)``.
        test_labels: their digits, ``(500,)``.
    """

    train: NDArray[np.float64]
    train_labels: NDArray[np.int64]
    test: NDArray[np.float64]
    test_labels: NDArray[np.int64]


@cache
def digits() -> Digits:
    """The 1,797 digits of 8 by 8 pixels that scikit-learn brings, split once and for all.

    Raises:
        ImportError: scikit-learn is missing; it comes with the extra ``images``.

    Example:
        >>> data = digits()
        >>> data.train.shape, data.test.shape
        ((1297, 8, 8), (500, 8, 8))

    Source: Alpaydin and Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository.
    """
    need("sklearn")
    from sklearn.datasets import load_digits

    pictures, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(_SPLIT).permutation(len(pictures))
    pictures = pictures[order].reshape(-1, 8, 8) / 16
    labels = labels[order].astype(np.int64)
    for shared in (pictures, labels):  # one copy for everybody
        shared.setflags(write=False)
    n = TRAINED_ON
    return Digits(pictures[:n], labels[:n], pictures[n:], labels[n:])
