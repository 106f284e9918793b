r"""Folding: what depth can do that width cannot.

A triangle wave of r teeth, :math:`g \mapsto` 0, L, 0, L, ..., takes r units, and a wave of a wave has as many
teeth as the product. The chords of :math:`u^2` over N equal pieces of [0, L] lie above it by
:math:`(L/N)^2 t(1-t)`, where :math:`tL` or :math:`(1-t)L` is the wave of N teeth; so one more layer refines all
pieces at once:

.. math:: f_{rN} = f_N - (L/N)^2\,\varphi_r(g_N / L), \qquad f_1 = L u,

with :math:`\varphi_r` the chords of :math:`t(1-t)` at 0, 1/r, ..., 1. The error is :math:`(L/N)^2/4`; half of it
where the output is moved down by as much. With a carried sum a layer takes r + 1 units, so that four teeth (2.5
units for each doubling) are a little cheaper than two (3 units).

Source: D. Yarotsky, "Error bounds for approximations with deep ReLU networks", Neural Networks 94 (2017),
proposition 2, with r = 2; M. Telgarsky, "Benefits of depth in neural networks", COLT 2016, for the wave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from circuitkit.network import Network

__all__ = ["Square", "Sum", "folded", "folds", "modulated"]


@dataclass(frozen=True)
class Sum:
    """A weighted sum of the units of one layer, and a number."""

    terms: dict[int, Fraction]
    constant: Fraction = Fraction(0)

    def __add__(self, other: Sum) -> Sum:
        terms = dict(self.terms)
        for k, v in other.terms.items():
            terms[k] = terms.get(k, Fraction(0)) + v
        return Sum(terms, self.constant + other.constant)

    def __mul__(self, factor: Fraction | int) -> Sum:
        return Sum({k: v * factor for k, v in self.terms.items()}, self.constant * factor)

    def __sub__(self, other: Sum) -> Sum:
        return self + other * -1

    def plus(self, number: Fraction) -> Sum:
        """The sum and a number."""
        return Sum(self.terms, self.constant + number)


class _Layers:
    """A network as it grows."""

    def __init__(self, n_inputs: int) -> None:
        self.width = n_inputs
        self.rows: list[list[Sum]] = []
        self.widths = [n_inputs]

    def layer(self, units: Sequence[Sum]) -> list[Sum]:
        """One more hidden layer; its units."""
        self.rows.append(list(units))
        self.widths.append(len(units))
        return [Sum({k: Fraction(1)}) for k in range(len(units))]

    def network(self, output: Sum) -> Network:
        """The network, if its numbers are binary fractions.

        Raises:
            ValueError: one is not a double.
        """
        weights, biases = [], []
        for row, width in zip([*self.rows, [output]], self.widths, strict=True):
            weights.append(
                [[_double(s.terms.get(k, Fraction(0))) for k in range(width)] for s in row]
            )
            biases.append([_double(s.constant) for s in row])
        return Network(weights, biases)


def _double(v: Fraction) -> float:
    if Fraction(float(v)) != v:
        raise ValueError(
            f"tolerance: expected one that weights in doubles can reach, got a weight {float(v)!r} that they round"
        )
    return float(v)


def folds(doublings: int) -> list[int]:
    """Teeth of each layer with fewest units for 2^doublings pieces: fours, and a two where it does not go up."""
    return [4] * (doublings // 2) + [2] * (doublings % 2)


def _wave(g: Sum, kinks: Sequence[Sum], teeth: int) -> Sum:
    """The triangle wave of a wave, from its units."""
    made = g * teeth
    for j, unit in enumerate(kinks):
        made += unit * (2 * teeth * (-1) ** (j + 1))
    return made


def _chords(g: Sum, kinks: Sequence[Sum], teeth: int, factor: Fraction) -> Sum:
    """factor times the chords of t(1 - t), from t = g/L and the units relu(g - jL/teeth)."""
    made = g * (factor * (teeth - 1) / teeth)
    for unit in kinks:
        made -= unit * (factor * 2 / teeth)
    return made


@dataclass(frozen=True)
class Square:
    """A square in a sum: ``share`` times (form - low)^2, where the form runs from low to low + length."""

    form: tuple[Fraction, ...]
    low: Fraction
    length: Fraction
    share: Fraction


def folded(
    squares: Sequence[Square],
    linear: Sequence[Fraction],
    constant: Fraction,
    teeth: Sequence[int],
    offset: Fraction,
) -> tuple[Network, Fraction]:
    """The sum of squares, a linear form and a constant, each square by a wave with so many teeth a layer.

    One unit a layer carries what has been added up; ``offset`` keeps it from being negative. A square's error is
    centred: it lies between -1/2 and 1/2 of share (length/N)^2/4. Returned with the network is how much
    rounding has moved its output: the constant alone is rounded.
    """
    layers = _Layers(len(linear))
    inputs = [Sum({k: Fraction(1)}) for k in range(len(linear))]
    waves = []
    total = Sum({}, constant)
    for k, v in enumerate(linear):
        total += inputs[k] * v
    for q in squares:
        g = Sum({}, -q.low)
        for k, v in enumerate(q.form):
            g += inputs[k] * v
        waves.append(g)
        total += g * (q.share * q.length)
    pieces, moved = 1, Fraction(0)
    for depth, r in enumerate(teeth):
        last = depth == len(teeth) - 1
        refined = [q.share * q.length / pieces**2 for q in squares]
        straight = total
        if last:  # what is left to do is straight but for the kinks
            for g, factor in zip(waves, refined, strict=True):
                straight -= g * (factor * (r - 1) / r)
        if not depth:
            moved = straight.constant - offset
            straight = Sum(straight.terms, offset)
        units: list[Sum] = [straight]
        for g, q in zip(waves, squares, strict=True):
            units += [] if last else [g]
            units += [g.plus(-q.length * j / r) for j in range(1, r)]
        made = layers.layer(units)
        total, at = made[0], 1
        for i, factor in enumerate(refined):
            g = Sum({}) if last else made[at]
            at += 0 if last else 1
            kinks = made[at : at + r - 1]
            at += r - 1
            total -= _chords(g, kinks, r, factor)
            waves[i] = _wave(g, kinks, r)
        pieces *= r
    centred = sum((q.share * (q.length / pieces) ** 2 / 8 for q in squares), Fraction(0))
    final = moved - centred
    return layers.network(total.plus(Fraction(float(final)))), Fraction(float(final)) - final


def modulated(
    start: Fraction,
    length: Fraction,
    height: Fraction,
    slopes: Sequence[Fraction],
    bends: Sequence[Fraction],
    doublings: int,
    lift: Fraction,
) -> Network:
    r"""A line on each of 2^j equal pieces of an interval, and ``bends[k] * length`` times :math:`t(1-t)` on piece k.

    Waves fold the interval onto one piece, and refine t(1 - t) there for all pieces at once, by ``doublings``.
    Which piece it is decides how much of it is wanted: a unit relu(p(t) - relu(knot - x)/h) is p to the right of
    a knot, and 0 to its left, since p is 0 at the knot and its slope at most 1/h.

    Args:
        start: where the interval begins.
        length: of the interval.
        height: of the lines at the start.
        slopes: of the lines, one a piece.
        bends: one a piece.
        doublings: t(1 - t) is refined to 2^doublings chords.
        lift: keeps the lines from being negative.
    """
    n = len(bends)
    layers = _Layers(1)
    x = g = Sum({0: Fraction(1)}, -start)
    for r in folds(n.bit_length() - 1):
        x, g, kinks, _ = _layer(layers, x, g, length, r, None)
        g = _wave(g, kinks, r)
    bump: Sum | None = None
    pieces = 1
    for r in folds(doublings):
        x, g, kinks, bump = _layer(layers, x, g, length, r, bump)
        bump = (bump or Sum({})) + _chords(g, kinks, r, Fraction(1, pieces**2))
        g = _wave(g, kinks, r)
        pieces *= r
    knots = [length * k / n for k in range(1, n)]
    made = layers.layer([x, bump or Sum({}), *(x.plus(-k) for k in knots)])
    x, bump, after = made[0], made[1], made[2:]
    line = x * slopes[0] + Sum({}, height + lift)
    gates = [bump]
    for k, (unit, knot) in enumerate(zip(after, knots, strict=True)):
        line += unit * (slopes[k + 1] - slopes[k])
        # relu(knot - x) = relu(x - knot) - x + knot
        gates.append(bump - (unit - x).plus(knot) * n)
    made = layers.layer([line, *gates])
    total = made[0].plus(-lift) + made[1] * bends[0]
    for unit, a, b in zip(made[2:], bends, bends[1:], strict=False):
        total += unit * (b - a)
    return layers.network(total)


def _layer(
    layers: _Layers, x: Sum, g: Sum, length: Fraction, teeth: int, carried: Sum | None
) -> tuple[Sum, Sum, list[Sum], Sum | None]:
    """One fold: x and what is carried go through; the wave and its kinks."""
    units = [x, *([] if g is x else [g]), *(g.plus(-length * j / teeth) for j in range(1, teeth))]
    made = layers.layer([*units, *([] if carried is None else [carried])])
    wave = made[0] if g is x else made[1]
    kinks = made[len(units) - (teeth - 1) : len(units)]
    return made[0], wave, kinks, None if carried is None else made[-1]
