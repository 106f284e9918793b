"""The small pictures of handwritten digits that come with scikit-learn: nothing is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import detached, finite, wrong, wrong_type
from circuitkit.extras import need
from circuitkit.images.model import pictures

__all__ = ["Digits", "digits"]

#: so many pictures are trained on; the others test
TRAINED_ON = 1297
#: how many there are to tell apart
DIGITS = 10
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

    Other pictures of that size, and other numbers of them, are welcome, too.

    Raises:
        TypeError: pictures that are not numeric, or labels that are not whole numbers.
        ValueError: pictures of another shape or not finite; other labels than one from 0 to 9 for each picture.
    """

    train: NDArray[np.float64]
    train_labels: NDArray[np.int64]
    test: NDArray[np.float64]
    test_labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        # An array that will do is kept as it is: all share one copy of the digits.
        for part in ("train", "test"):
            images, labels = getattr(self, part), getattr(self, f"{part}_labels")
            taken = pictures().take(part, images)
            if not (isinstance(images, np.ndarray) and images.dtype == taken.dtype):
                object.__setattr__(self, part, taken)
            object.__setattr__(
                self, f"{part}_labels", _labels(f"{part}_labels", labels, len(taken))
            )


def _labels(name: str, value: Any, count: int) -> NDArray[np.int64]:
    """So many digits."""
    expected = f"{count} whole numbers from 0 to {DIGITS - 1}, one for each picture"
    numbers = finite(value, name)
    if numbers.shape != (count,):
        raise wrong(name, expected, f"an array of shape {numbers.shape}")
    raw = np.asarray(detached(name, value, within=1))
    if raw.dtype.kind not in "iu":
        raise wrong_type(name, expected, "other numbers")
    if numbers.min() < 0 or numbers.max() >= DIGITS:
        raise wrong(name, expected, f"numbers from {numbers.min():.0f} to {numbers.max():.0f}")
    return raw.astype(np.int64, copy=False)


@cache
def digits() -> Digits:
    """The 1,797 digits of 8 by 8 pixels that scikit-learn brings, split once and for all.

    Raises:
        ImportError: scikit-learn is missing; it comes with the extra ``sklearn``.

    Example:
        >>> data = digits()
        >>> data.train.shape, data.test.shape
        ((1297, 8, 8), (500, 8, 8))

    Source: Alpaydin and Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository.
    """
    need("sklearn")
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(_SPLIT).permutation(len(images))
    images = images[order].reshape(-1, 8, 8) / 16
    labels = labels[order].astype(np.int64)
    for shared in (images, labels):  # one copy for everybody
        shared.setflags(write=False)
    n = TRAINED_ON
    return Digits(images[:n], labels[:n], images[n:], labels[n:])
