r"""Exact layers in doubles: every hidden unit scaled until its numbers are doubles, and what that leaves at the end.

``relu(c z) = c relu(z)`` for c > 0, so a hidden unit may take its weights in any size; its readers take that back.
Only the last layer cannot: there the factor is the network's output scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from sys import float_info

from circuitkit.compiling.layers import Layer
from circuitkit.functions.pieces import content
from circuitkit.network import Network

__all__ = ["NoDoubles", "network_of"]


class NoDoubles(ValueError):
    """A number that no sum of doubles is, whatever it is scaled by; ``number`` is it."""

    def __init__(self, number: Fraction) -> None:
        super().__init__(str(number))
        self.number = number


def network_of(layers: Sequence[Layer]) -> Network:
    """The network of exact layers.

    Where two numbers of one unit have a ratio that no doubles have, as 10**20 + 1 and 1, a weight is the sum of
    several: the unit that it reads is there several times, and an input is first carried by a pair of units.

    Raises:
        NoDoubles: a number is beyond the range of the doubles.

    Example:
        >>> third = Fraction(1, 3)
        >>> network_of([Layer([[third]], [third])])
        Network(1-1, with biases, times 1/3)
    """
    try:
        return _written(layers, split=False)
    except NoDoubles:
        return _written(_after_pairs(layers), split=True)


def _after_pairs(layers: Sequence[Layer]) -> list[Layer]:
    """The same function, its inputs first carried by pairs of units."""
    n = len(layers[0].weights[0])
    one, zero = Fraction(1), Fraction(0)
    pairs = [[s * one if i == j else zero for j in range(n)] for s in (1, -1) for i in range(n)]
    first = Layer([[*row, *(-v for v in row)] for row in layers[0].weights], layers[0].biases)
    return [Layer(pairs, [zero] * (2 * n)), first, *layers[1:]]


def _written(layers: Sequence[Layer], *, split: bool) -> Network:
    """The network; ``split``: with weights that are sums of several."""
    weights: list[list[list[float]]] = []
    biases: list[list[float]] = []
    sizes = [Fraction(1)] * len(
        layers[0].weights[0]
    )  # what an activation of the network stands for
    for i, layer in enumerate(layers):
        rows = [[w * s for w, s in zip(row, sizes, strict=True)] for row in layer.weights]
        if i < len(layers) - 1:
            sizes = [_unit_size(row, b) for row, b in zip(rows, layer.biases, strict=True)]
        else:
            both = [[*row, b] for row, b in zip(rows, layer.biases, strict=True)]
            sizes = [_scale(both)] * len(rows)
        rows = [[v / size for v in row] for row, size in zip(rows, sizes, strict=True)]
        ends = [b / size for b, size in zip(layer.biases, sizes, strict=True)]
        if split and i:
            rows, ends = _split(rows, ends, weights[-1], biases[-1])
        weights.append([[_double(v) for v in row] for row in rows])
        biases.append([_double(b) for b in ends])
    if not float_info.min <= sizes[0] <= float_info.max:
        raise NoDoubles(sizes[0])
    return Network(weights, biases, scale=sizes[0])


def _split(
    rows: list[list[Fraction]],
    ends: list[Fraction],
    weights: list[list[float]],
    biases: list[float],
) -> tuple[list[list[Fraction]], list[Fraction]]:
    """Sums of doubles in the place of numbers that are none, and in the layer before a unit for each summand."""
    made = [[_parts(v)[0] for v in row] for row in rows]
    zero = Fraction(0)
    for j in range(len(weights)):
        parts = [_parts(row[j]) for row in rows]
        for k in range(1, max(map(len, parts))):
            weights.append(weights[j])
            biases.append(biases[j])
            for new, own in zip(made, parts, strict=True):
                new.append(own[k] if k < len(own) else zero)
    constants = [_parts(b) for b in ends]
    for k in range(1, max(map(len, constants))):
        weights.append([0.0] * len(weights[0]))
        biases.append(1.0)
        for new, own in zip(made, constants, strict=True):
            new.append(own[k] if k < len(own) else zero)
    return made, [own[0] for own in constants]


def _parts(value: Fraction) -> list[Fraction]:
    """Doubles that add up to a binary fraction, the largest first."""
    found: list[Fraction] = []
    left = value
    while left or not found:
        try:
            part = Fraction(float(left))
        except OverflowError:
            raise NoDoubles(value) from None
        if left and not part:
            raise NoDoubles(value)
        found.append(part)
        left -= part
    return found


def _unit_size(row: list[Fraction], bias: Fraction) -> Fraction:
    """What a unit's numbers are divided by: its weights become whole, its bias a binary fraction."""
    size = content(row)
    return size / _odd((bias / size).denominator)


def _scale(rows: list[list[Fraction]]) -> Fraction:
    """The output scale: 1 where all numbers are doubles, else 1 over what makes them whole, or their content."""
    values = [v for row in rows for v in row if v]
    if all(map(_is_double, values)):
        return Fraction(1)
    small = Fraction(1, lcm(1, *(v.denominator for v in values)))
    return small if all(_is_double(v / small) for v in values) else content(values)


def _odd(n: int) -> int:
    return n // (n & -n)


def _is_double(value: Fraction) -> bool:
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False


def _double(value: Fraction) -> float:
    if not _is_double(value):
        raise NoDoubles(value)
    return float(value)
