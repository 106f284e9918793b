r"""Exact layers in doubles: every hidden unit scaled until its numbers are doubles, and what that leaves at the end.

``relu(c z) = c relu(z)`` for c > 0, so a hidden unit may take its weights in any size; its readers take that back.
Only the last layer cannot: there the factor is the network's output scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm

from circuitkit.compiling.layers import Layer
from circuitkit.network import Network

__all__ = ["NoDoubles", "network_of"]


class NoDoubles(ValueError):
    """A number that no double is, whatever it is scaled by; ``number`` is it."""

    def __init__(self, number: Fraction) -> None:
        super().__init__(str(number))
        self.number = number


def network_of(layers: Sequence[Layer]) -> Network:
    """The network of exact layers.

    Raises:
        NoDoubles: two numbers of one unit have a ratio that no doubles have.

    Example:
        >>> third = Fraction(1, 3)
        >>> network_of([Layer([[third]], [third])])
        Network(1-1, with biases, times 1/3)
    """
    weights: list[list[list[float]]] = []
    biases: list[list[float]] = []
    sizes = [Fraction(1)] * len(
        layers[0].weights[0]
    )  # what an activation of the network stands for
    for layer in layers[:-1]:
        rows, ends, new = [], [], []
        for row, bias in zip(layer.weights, layer.biases, strict=True):
            taken = [w * s for w, s in zip(row, sizes, strict=True)]
            size = _unit_size(taken, bias)
            rows.append([_double(w / size) for w in taken])
            ends.append(_double(bias / size))
            new.append(size)
        weights.append(rows)
        biases.append(ends)
        sizes = new
    last = [
        [*(w * s for w, s in zip(row, sizes, strict=True)), bias]
        for row, bias in zip(layers[-1].weights, layers[-1].biases, strict=True)
    ]
    scale = _scale(last)
    weights.append([[_double(v / scale) for v in row[:-1]] for row in last])
    biases.append([_double(row[-1] / scale) for row in last])
    return Network(weights, biases, scale=scale)


def _unit_size(row: list[Fraction], bias: Fraction) -> Fraction:
    """What a unit's numbers are divided by: its weights become whole, its bias a binary fraction."""
    size = _content(row)
    return size / _odd((bias / size).denominator)


def _scale(rows: list[list[Fraction]]) -> Fraction:
    """The output scale: 1 where all numbers are doubles, else 1 over what makes them whole, or their content."""
    values = [v for row in rows for v in row if v]
    if all(map(_is_double, values)):
        return Fraction(1)
    small = Fraction(1, lcm(1, *(v.denominator for v in values)))
    return small if all(_is_double(v / small) for v in values) else _content(values)


def _content(values: Iterable[Fraction]) -> Fraction:
    """The largest fraction of which all are whole multiples; 1 of zeros."""
    some = [v for v in values if v]
    if not some:
        return Fraction(1)
    below = lcm(*(v.denominator for v in some))
    return Fraction(gcd(*(int(v * below) for v in some)), below)


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
