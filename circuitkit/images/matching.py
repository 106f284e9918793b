r"""How alike two sets of filters are: the best one-to-one match, and what chance alone would give.

The response of a filter w is :math:`w \cdot x` over every patch x of the pictures. A patch that is bright as a whole
moves every filter, so the patch's mean is regressed out of the responses first; likeness is the size of the
correlation that is left. With C the patches' covariance, m the mean's filter and :math:`C' = C - C m m^\top C / m^\top C m`,

.. math:: r(v, w) = \frac{v^\top C' w}{\sqrt{v^\top C' v \; w^\top C' w}} .

A filter and its negative look for the same thing, one where the other finds its opposite; whether they are alike is a
choice of the yardstick, and the sign of r is not looked at unless it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from circuitkit.checks import Kind, accepts, finite, flag, made_by, one_of, optional, whole, wrong
from circuitkit.images.digits import digits
from circuitkit.images.model import FILTER, patches, pictures
from circuitkit.images.scaling import scaled

__all__ = ["Match", "correlations", "match", "patch_covariance", "scrambled"]

Array = NDArray[np.float64]


def filters() -> Kind:
    """Filters of 5 by 5 numbers, at least one."""
    expected = f"filters, an array of shape (n, {FILTER}, {FILTER})"

    def take(name: str, value: Any) -> Array:
        numbers = finite(value, name)
        if numbers.ndim != 3 or numbers.shape[1:] != (FILTER, FILTER) or not len(numbers):
            raise wrong(name, expected, f"an array of shape {numbers.shape}")
        return numbers

    bad = ("filter", None, np.zeros((5, 5)), np.zeros((0, 5, 5)), np.full((1, 5, 5), np.inf))
    return made_by(take, right=np.ones((1, FILTER, FILTER)), wrong=bad)


def covariance() -> Kind:
    """Of patches of 5 by 5: 25 by 25 numbers, symmetric."""
    n = FILTER * FILTER
    expected = f"a symmetric array of shape ({n}, {n})"

    def take(name: str, value: Any) -> Array:
        numbers = finite(value, name)
        if numbers.shape != (n, n):
            raise wrong(name, expected, f"an array of shape {numbers.shape}")
        numbers, _ = scaled(numbers)  # no correlation depends on it
        if not np.allclose(numbers, numbers.T):
            raise wrong(name, expected, "one that is not symmetric")
        return numbers

    bad = ("C", np.zeros((5, 5)), np.arange(625.0).reshape(25, 25), np.full((25, 25), np.nan))
    return made_by(take, right=np.eye(n), wrong=bad)


@dataclass(frozen=True, eq=False)
class Match:
    """The best one-to-one match of two sets of filters.

    Attributes:
        pairs: which filter of the first set goes with which of the second, ``(n, 2)``, the most alike first.
        likeness: of each pair, the size of the correlation of their responses (or the correlation, if signed), ``(n,)``.
    """

    pairs: NDArray[np.int64]
    likeness: Array

    @property
    def mean(self) -> float:
        """The mean likeness of the pairs."""
        return float(self.likeness.mean())


@accepts(images=pictures())
def patch_covariance(images: Array) -> Array:
    """The covariance of all patches of 5 by 5 pixels, the patch's mean regressed out, ``(25, 25)``.

    Args:
        images: ``(n, 8, 8)``; zeros stand around them, as they do for the network.

    Raises:
        TypeError, ValueError: images of another shape, not finite, or so large or small that their squares are no doubles.

    Example:
        >>> C = patch_covariance(digits().test)
        >>> bool(abs(C.sum(axis=0)).max() < 1e-12)  # nothing is left of the mean
        True
    """
    near_one, exponent = scaled(images)
    seen = patches(near_one[:, None], FILTER).reshape(-1, FILTER * FILTER)
    full = np.cov(seen.T)
    by_mean = full.mean(axis=1)
    spread = by_mean.mean()
    left = full - np.outer(by_mean, by_mean) / spread if spread > 0 else full
    with np.errstate(over="ignore"):
        found: Array = np.ldexp(left, 2 * exponent[0])
    if not np.isfinite(found).all() or (left.any() and abs(found).max() < np.finfo(float).tiny):
        size = abs(images).max()
        raise wrong("images", "pixels whose squares are doubles", f"some of size {size:.3g}")
    return found


@cache
def _test_covariance() -> Array:
    found = patch_covariance(digits().test)
    found.setflags(write=False)
    return found


@accepts(a=filters(), b=filters(), covariance=optional(covariance()))
def correlations(a: Array, b: Array, *, covariance: Array | None = None) -> Array:
    """The correlation of the responses of each filter of one set with each of another, the local mean regressed out.

    Args:
        a: filters, ``(n, 5, 5)``.
        b: filters, ``(m, 5, 5)``.
        covariance: what :func:`patch_covariance` found; None for that of the test pictures.

    Returns:
        ``(n, m)``, from -1 to 1; 0 for a filter that responds to nothing but the mean.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> edge = np.array([[-1, -1, 0, 1, 1]] * 5)
        >>> r = correlations([edge, edge.T], [-2 * edge + 1])
        >>> round(float(r[0, 0]), 6), bool(abs(r[1, 0]) < 0.5)
        (-1.0, True)
    """
    C = _test_covariance() if covariance is None else covariance
    left, right = (scaled(w.reshape(len(w), -1), (1,))[0] for w in (a, b))
    deviations = []
    for w in (left, right):
        variance = np.einsum("ni,ij,nj->n", w, C, w)
        # What the rounding of a sum of 625 products leaves is no response.
        nothing = variance <= 1e-12 * (w**2).sum(axis=1) * np.trace(C)
        deviations.append(np.where(nothing, np.inf, np.sqrt(np.maximum(variance, 0))))
    found: Array = (left @ C @ right.T) / np.outer(*deviations)
    return np.clip(found, -1, 1)


@accepts(a=filters(), b=filters(), signed=flag(), covariance=optional(covariance()))
def match(a: Array, b: Array, *, signed: bool = False, covariance: Array | None = None) -> Match:
    """Each filter of one set with one of the other, such that the sum of the likenesses is as large as it can be.

    Args:
        a: filters, ``(n, 5, 5)``.
        b: filters, ``(m, 5, 5)``; of unequal numbers the smaller one is matched.
        signed: whether a filter's negative is unlike it, as it is behind a ReLU; then likeness is r itself.
        covariance: what :func:`patch_covariance` found; None for that of the test pictures.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> w = np.random.default_rng(0).normal(size=(4, 5, 5))
        >>> found = match(w, 2 * w[[2, 0, 3, 1]])
        >>> sorted(map(tuple, found.pairs.tolist())), round(found.mean, 6)
        ([(0, 1), (1, 3), (2, 0), (3, 2)], 1.0)

    Source: Li et al. (2016), "Convergent Learning", for matching; Kuhn (1955) for the assignment.
    """
    r = correlations(a, b, covariance=covariance)
    likeness = r if signed else abs(r)
    rows, columns = linear_sum_assignment(-likeness)
    order = np.argsort(-likeness[rows, columns], kind="stable")
    pairs = np.stack([rows, columns], axis=1)[order]
    return Match(pairs, likeness[rows, columns][order])


@accepts(filters=filters(), keep=one_of("weights", "coarseness"), seed=whole(least=0))
def scrambled(filters: Array, *, keep: str = "weights", seed: int = 0) -> Array:
    """The same filters without their pattern: what is left of a match is chance.

    Args:
        filters: ``(n, 5, 5)``.
        keep: ``"weights"`` deals the 25 weights of each filter out to its pixels at random. ``"coarseness"`` draws a
            random filter instead, with as much of each spatial frequency, whatever its direction, as the filter has:
            smooth filters become smooth ones. What there is one coefficient of, the sum of the weights, keeps its
            size and draws its sign: of a filter whose weights are all equal no more than that is drawn.
        seed: of the draw.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> w = np.arange(25.0).reshape(1, 5, 5)
        >>> bool((np.sort(scrambled(w), axis=None) == w.ravel()).all())
        True
        >>> other = scrambled(w, keep="coarseness")  # of the same length
        >>> round(float((other**2).sum() / (w**2).sum()), 6)
        1.0
    """
    rng = np.random.default_rng(seed)
    if keep == "weights":
        return rng.permuted(filters.reshape(len(filters), -1), axis=1).reshape(filters.shape)
    near_one, exponent = scaled(filters, (1, 2))
    wanted = np.fft.fft2(near_one)
    drawn = np.fft.fft2(rng.normal(size=filters.shape))
    across = np.rint(np.fft.fftfreq(FILTER) * FILTER).astype(int) ** 2
    rings = across[:, None] + across  # the squared frequency of each coefficient
    for frequency in np.unique(rings):
        ring = rings == frequency
        power = [(abs(f[:, ring]) ** 2).sum(axis=1) for f in (wanted, drawn)]
        drawn[:, ring] *= np.sqrt(power[0] / power[1])[:, None]
    found: Array = np.ldexp(np.fft.ifft2(drawn).real, exponent)
    return found
