"""Is a network what the other tool computes? Asked of the tool itself, at random and extreme inputs.

The inputs run from 0.1 to a million in size, with zero, single inputs and corners among them. What is
allowed is rounding in the tool's own precision: relative to the sums without cancellation, which the lowering
knows for each input. Where so much cancels that doubles hold little of an output, the network is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from circuitkit.checks import wrong
from circuitkit.importing.layering import layered
from circuitkit.importing.lowering import Lowering, Value

__all__ = ["Imported", "Precision", "fit", "need_agreement", "need_agreement_of_batches", "points"]

Array = NDArray[np.float64]

#: of the output's own size: what rounding of the layers in doubles may change
MOST_LOST = 1e-3
#: and of max(1, |x|), where an output is 0 but for rounding
LEAST_SEEN = 1e-9


@dataclass(frozen=True)
class Precision:
    """A tool's floats.

    Attributes:
        name: as the tool calls them.
        eps: the distance from 1 to the next one.
        tiny: the smallest that has all its digits.
        largest: the largest.
        rounded: doubles -> the nearest of these floats, as doubles.
    """

    name: str
    eps: float
    tiny: float
    largest: float
    rounded: Callable[[Array], Array]

    @classmethod
    def of(cls, dtype: DTypeLike) -> Precision:
        """One of numpy's."""
        info = np.finfo(dtype)
        return cls(
            str(np.dtype(dtype)),
            float(info.eps),
            float(info.tiny),
            float(info.max),
            lambda x: np.asarray(x.astype(dtype), dtype=np.float64),
        )


_DOUBLES = Precision.of(np.float64)


@dataclass(frozen=True)
class Imported:
    """A lowered graph and the layers made of it."""

    low: Lowering
    output: Value
    weights: Sequence[Array]
    biases: Sequence[Array]

    @classmethod
    def of(cls, low: Lowering, output: Value) -> Imported:
        """With the layers."""
        return cls(low, output, *layered(low, output))

    def __call__(self, x: Array) -> Array:
        """What the layers compute for ``(k, n)``."""
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = (np.maximum(x, 0.0) if i else x) @ w.T + b
        return x

    def allowed(self, sums: Sequence[Array], floats: Precision) -> Array:
        """How far rounding may take an output: ``(k, outputs)``."""
        terms = self.low.width + sum(w.shape[1] for w in self.weights)
        return np.asarray(8 * floats.eps * terms * sums[-1])

    @property
    def rounding(self) -> float:
        """How far rounding took the layers from the graph, at most, relative to ``max(1, max|x_i|)``; both in exact numbers.

        Higham, "Accuracy and Stability of Numerical Algorithms" (2002), ch. 3: after ``n`` roundings a sum
        is off by at most gamma_n = n u / (1 - n u) of the sum of its terms' sizes, u = 2^-53. Sizes grow no faster
        than ``max(1, max|x_i|)`` times theirs at the input of all ones.
        """
        n = self.low.roundings
        if not n:
            return 0.0
        ones = np.ones((1, self.low.n_inputs))
        largest = float(self.low.largest_sums(self.output, ones)[-1].max(initial=0.0))
        # The sizes are computed in doubles too, with as many roundings and those of the sums.
        own = _gamma(n + (1 + len(self.low.blocks)) * self.low.width)
        return math.nextafter(_gamma(n) * largest / (1 - own) * (1 + 1e-15), math.inf)

    def lost(self, x: Array, given: Array, own: Array, sums: Sequence[Array]) -> bool:
        """Whether at one of the inputs cancellation in doubles takes the output from the source's.

        A clip is a difference of two units: ``relu(z) - relu(z - 6)`` is 0 in doubles for z = 1e17. The
        sums are then large enough to explain the difference, so it is measured against the outputs of
        the source: the largest at inputs up to this one's size.
        """
        size = np.abs(x).max(axis=1)
        size = np.maximum(size, size[size > 0].min(initial=np.inf))  # 0 counts with the smallest
        reached = size[:, None] >= size
        outputs = np.where(reached[:, :, None], np.abs(given), 0.0).max(axis=1)
        off, most = np.abs(given - own), MOST_LOST * outputs
        seen = LEAST_SEEN * np.maximum(1.0, size)[:, None]
        # A float32 source rounds more than doubles do: that is no fault of the layers.
        explained = self.allowed(sums, _DOUBLES) > most
        return bool(((off > most) & (off > seen) & explained).any())


def _gamma(n: int) -> float:
    part = n * 2.0**-53
    return part / (1 - part)


def points(n: int, floats: Precision) -> Array:
    """Inputs ``(k, n)`` to compare at, as numbers of that precision."""
    rng = np.random.default_rng(0)
    scales = np.repeat([0.1, 1.0, 10.0, 1e3, 1e6], 6)
    normal = rng.normal(size=(len(scales), n)) * scales[:, None]
    corners = rng.choice([-1.0, 1.0], size=(6, n)) * np.repeat([1.0, 1e3], 3)[:, None]
    single = np.zeros((min(2 * n, 12), n))
    for i, row in enumerate(single):
        row[rng.integers(n) if n > 6 else i // 2] = 1e3 if i % 2 else -1e3
    x = np.concatenate([normal, corners, single, np.zeros((1, n))])
    return floats.rounded(x)


def fit(sums: Sequence[Array], floats: Precision) -> NDArray[np.bool_]:
    """For which inputs a precision holds sums of these sizes: none beyond its range, none rounded to 0."""
    small, large = floats.tiny, floats.largest / 2
    held = [((s == 0) | ((s >= small) & (s <= large))).all(axis=1) for s in sums]
    return np.asarray(np.all(held, axis=0))


def need_agreement(
    name: str,
    found: Imported,
    source: Callable[[Array], NDArray[np.generic]],
    floats: Precision,
    tool: str,
) -> None:
    """Compare with the source where its precision holds the numbers.

    Args:
        name: the argument, for messages.
        found: what was read.
        source: ``(k, n)`` -> ``(k, outputs)``, the tool itself.
        floats: what it computes in.
        tool: its name, for messages.

    Raises:
        ValueError: it has no input, gives something else, leaves the range of its precision at all inputs
            tried, or differs by cancellation in doubles by more than a thousandth of its outputs.
    """
    if not found.low.n_inputs:
        raise wrong(name, "at least one input", "none")
    with np.errstate(all="ignore"):  # beyond the doubles: not compared
        x = points(found.low.n_inputs, floats)
        sums = found.low.largest_sums(found.output, x)
        fits = fit(sums, floats)
        if not fits[
            x.any(axis=1)
        ].any():  # then with numbers that have lost their digits, where none is lost
            sums = found.low.largest_sums(found.output, x, floats.tiny / floats.eps)
            fits = fit(sums, floats)
        if not fits[x.any(axis=1)].any():
            raise ValueError(
                f"{name}: its values leave the range of {floats.name} at all inputs tried; "
                "scale its layers"
            )
        x, sums = x[fits], [s[fits] for s in sums]
        given = np.asarray(source(x), dtype=np.float64)
        own = found(x)
        agree = given.shape == own.shape and bool(
            (np.abs(given - own) <= found.allowed(sums, floats)).all()
        )
        lost = agree and found.lost(x, given, own, sums)
    if lost:
        raise ValueError(
            f"{name}: so much cancels in its layers that float64 loses its outputs (they differ from "
            f"{tool} by up to {np.abs(given - own).max():.3g}); scale its layers"
        )
    if not agree:
        raise ValueError(
            f"{name}: what was read is not what {tool} computes"
            + (
                f" (they differ by {np.abs(given - own).max():.3g})"
                if given.shape == own.shape
                else f" (shape {given.shape[1:]} there, {own.shape[1:]} here)"
            )
        )


def need_agreement_of_batches(
    name: str, found: Imported, source: Callable[[Array], Array], floats: Precision
) -> None:
    """Compare with what the source makes of many inputs at once, if it takes them.

    Raises:
        ValueError: it mixes the inputs of a batch, so that it is no function of one of them.
    """
    try:
        source(points(found.low.n_inputs, floats))
    except Exception:  # made for one input at a time
        return
    try:
        need_agreement(name, found, source, floats, "it")
    except ValueError as error:
        raise ValueError(f"{error} of a batch, whose inputs it mixes") from None
