r"""Few straight pieces near a function: one hidden layer, one unit a kink.

The pieces are laid greedily, each as far as it can stay within :math:`\pm\varepsilon` of the function, and a piece
may start anywhere on the one before. Where f is convex this is the chord of :math:`f - \varepsilon`, which touches
:math:`f + \varepsilon` from below: :math:`4\sqrt{\varepsilon/f''}` wide. n pieces take n units on an interval, a
unit that is always on carrying the first slope; n - 1 where one piece is level, as all others can then turn away
from it.

Source: H. Imai and M. Iri, "An optimal algorithm for approximating a piecewise linear function", Journal of
Information Processing 9 (1986), for the greedy choice. Here it guesses, in floats; the bound is proved afterwards.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from circuitkit.network import Network

__all__ = ["Corners", "TooManyPieces", "fewest_corners", "shallow"]

Array = NDArray[np.float64]
Values = Callable[[Array], Array]
#: the corners of a graph, in floats, from left to right
Corners = list[tuple[float, float]]

#: where a piece is held against the function: denser at its ends, where it leaves the band
_SAMPLES = (1 - np.cos(np.linspace(0, math.pi, 66)[1:])) / 2
#: where on the piece before the next one may start
_STARTS = np.linspace(0.4, 1.0, 9)
_STEPS = 26
#: a level piece saves one unit; of more than so many it is not looked for
_SAVED = 100
#: slopes keep so many bits after the point, at least
_BITS = 40


class TooManyPieces(Exception):
    """More pieces than asked for would be needed."""


@dataclass(frozen=True)
class _Band:
    f: Values
    error: float
    end: float

    def reach(self, starts: Array, heights: Array, guess: float) -> tuple[Array, Array]:
        """How far a straight piece from each start stays in the band, and its slope there."""
        left = self.end - starts
        good, bad = np.zeros_like(starts), left.copy()
        slopes = np.zeros_like(starts)
        whole, slope = self._fits(starts, heights, left)
        good, slopes = np.where(whole, left, good), np.where(whole, slope, slopes)
        trial = np.minimum(guess, left)
        for _ in range(_STEPS):
            trial = np.where(good >= left, left, trial)
            fits, slope = self._fits(starts, heights, trial)
            better = fits & (trial > good)
            slopes = np.where(better, slope, slopes)
            good = np.where(better, trial, good)
            bad = np.where(~fits, np.minimum(bad, trial), bad)
            growing = (bad >= left) & (good < left)
            trial = np.where(
                growing & (good > 0), np.minimum(good * 2, (good + bad) / 2), (good + bad) / 2
            )
            if bool(np.all((bad - good <= 1e-5 * bad) | (good >= left))):
                break
        return good, slopes

    def _fits(
        self, starts: Array, heights: Array, lengths: Array
    ) -> tuple[NDArray[np.bool_], Array]:
        steps = np.maximum(lengths, 1e-300)[:, None] * _SAMPLES
        y = self.f(starts[:, None] + steps) - heights[:, None]
        least = ((y - self.error) / steps).max(axis=1)
        most = ((y + self.error) / steps).min(axis=1)
        return least <= most, (least + most) / 2


def _laid(f: Values, start: tuple[Array, Array], end: float, error: float, most: int) -> Corners:
    """Corners of pieces from one of the starts to the end, to the right."""
    band = _Band(f, error, end)
    x, y = start
    corners: Corners = []
    guess = end - float(x.min())
    # What is left of rounding at the end is no piece; far from 0 a few roundings are much of the interval.
    near = end - min(1e-15 * end, 1e-5 * guess) if end > 0 else end
    while True:
        lengths, slopes = band.reach(x, y, guess)
        k = int(np.argmax(x + lengths))
        corners.append((float(x[k]), float(y[k])))
        length = float(lengths[k])
        if not length > 0:
            raise TooManyPieces
        reached = float(x[k]) + length
        if reached >= near:
            corners.append((end, float(y[k] + slopes[k] * (end - x[k]))))
            return corners
        if len(corners) > most:
            raise TooManyPieces
        guess = length
        x = x[k] + _STARTS * length
        y = corners[-1][1] + slopes[k] * (x - corners[-1][0])


def fewest_corners(f: Values, low: float, high: float, error: float, most: int) -> list[Corners]:
    """Graphs of few pieces within the error of f: without a level piece, and with one where there may be one.

    Raises:
        TooManyPieces: all would have more than ``most``.
    """
    found: list[Corners] = []
    middle = float(f(np.array([low]))[0])
    plain = (np.full(7, low), middle + error * np.linspace(-0.999, 0.999, 7))
    try:
        found.append(_laid(f, plain, high, error, most))
    except TooManyPieces:
        if most > _SAVED:
            raise  # one unit less would not help
    if found and len(found[0]) > _SAVED:
        return found
    for make in _level(f, low, high, error, most):
        try:
            found.append(make())
        except TooManyPieces:
            continue
    if not found:
        raise TooManyPieces
    return found


def _level(
    f: Values, low: float, high: float, error: float, most: int
) -> list[Callable[[], Corners]]:
    """Graphs with one level piece: at an end, or where f turns."""
    x = np.linspace(low, high, 2049)
    y = f(x)
    turns = [k for k in range(1, len(x) - 1) if (y[k] - y[k - 1]) * (y[k + 1] - y[k]) <= 0]
    places = [0, *turns[:6], len(x) - 1]
    made: list[Callable[[], Corners]] = []
    for k in places:
        here = y[max(0, k - 1) : k + 2]
        up = here.mean() >= y[k]  # f rises from here, so that the level lies above

        level = float(y[k]) + (1 - 1e-3) * (error if up else -error)
        made.append(functools.partial(_around, f, low, high, error, most, float(x[k]), level))
    return made


def _around(
    f: Values, low: float, high: float, error: float, most: int, at: float, level: float
) -> Corners:
    """A level piece around a place, and from it pieces to both sides."""
    right = _level_end(f, at, high, level, error)
    left = -_level_end(lambda t: f(-t), -at, -low, level, error)
    after = [(high, level)]
    if right < high:
        starts = np.linspace(at, right, 9)[1:]
        after = _laid(f, (starts, np.full(8, level)), high, error, most)
    before = [(low, level)]
    if left > low:
        starts = np.linspace(-at, -left, 9)[1:]
        mirrored = _laid(lambda t: f(-t), (starts, np.full(8, level)), -low, error, most)
        before = [(-x, y) for x, y in reversed(mirrored)]
    return [*before, *after]


def _level_end(f: Values, start: float, end: float, level: float, error: float) -> float:
    """How far f stays within the error of a level, to the right."""
    good, bad = start, end
    for k in range(60):
        trial = end if k == 0 else (good + bad) / 2
        t = np.linspace(start, trial, 65)
        if bool((abs(f(t) - level) <= error).all()):
            good = trial
            if k == 0:
                return end
        else:
            bad = trial
    return good


def shallow(corners: Corners, low: Fraction, high: Fraction) -> Network:
    """One hidden layer whose graph has the corners, its weights binary fractions, exactly as they are meant.

    Slopes are rounded one after another, each so that its piece ends as near as possible to its corner: roundings
    do not add up.
    """
    width = float(high - low)
    spacing = min(b[0] - a[0] for a, b in itertools.pairwise(corners))
    grid = Fraction(2) ** (math.frexp(spacing)[1] - _BITS // 2)
    xs = [Fraction(round(Fraction(x) / grid)) * grid for x, _ in corners]
    size = max(abs(y) for _, y in corners) or 1.0
    fine = Fraction(2) ** (math.frexp(size / width)[1] - _BITS)
    start = Fraction(round(Fraction(corners[0][1]) / fine)) * fine
    slopes, reached = [], start
    for (a, b), (_, y) in zip(itertools.pairwise(xs), corners[1:], strict=True):
        wanted = (Fraction(y) - reached) / (b - a)
        slope = (
            Fraction(round(wanted / fine)) * fine if abs(wanted * (b - a)) > fine else Fraction(0)
        )
        slopes.append(slope)
        reached += slope * (b - a)
    return _network(xs, slopes, start)


def _network(xs: list[Fraction], slopes: list[Fraction], start: Fraction) -> Network:
    """Units that turn away from a level piece, if there is one; else one that is always on, and then one a kink."""
    units: list[tuple[int, Fraction, Fraction]] = []  # direction, corner, weight
    level = next((k for k, s in enumerate(slopes) if s == 0), None)
    height = start
    if level is None:
        units.append((1, xs[0], slopes[0]))
        level = 0
    else:
        for k in range(level):
            height += slopes[k] * (xs[k + 1] - xs[k])
            units.append((-1, xs[k + 1], slopes[k + 1] - slopes[k]))
    units += [(1, xs[k], slopes[k] - slopes[k - 1]) for k in range(level + 1, len(slopes))]
    units = [u for u in units if u[2]] or [(1, xs[0], Fraction(0))]
    weights = [[[float(d)] for d, _, _ in units], [[float(w) for _, _, w in units]]]
    biases = [[float(-d * x) for d, x, _ in units], [float(height)]]
    return Network(weights, biases)
