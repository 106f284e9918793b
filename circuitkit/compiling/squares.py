"""Quadratic polynomials as sums of squares of linear forms, completed one after another (Lagrange)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from circuitkit.network import Network

__all__ = ["OneSquare", "Squares", "completed"]

Ends = tuple[tuple[Fraction, Fraction], ...]


@dataclass(frozen=True)
class OneSquare:
    """``share`` times the square of a linear form."""

    form: tuple[Fraction, ...]
    share: Fraction


@dataclass(frozen=True)
class Squares:
    """A sum of squares, a linear form and a constant on a box; ``left_over`` bounds what rounding changed."""

    squares: tuple[OneSquare, ...]
    linear: tuple[Fraction, ...]
    constant: Fraction
    box: Ends
    left_over: Fraction = Fraction(0)

    def range_of(self, q: OneSquare) -> tuple[Fraction, Fraction]:
        """The least and the largest value of a form on the box."""
        ends = [sorted((w * a, w * b)) for w, (a, b) in zip(q.form, self.box, strict=True)]
        return sum((a for a, _ in ends), Fraction(0)), sum((b for _, b in ends), Fraction(0))

    def rounded(self, bits: int) -> Squares:
        """The same with forms, shares and linear coefficients of at most so many bits."""
        left_over = self.left_over
        made = []
        for q in self.squares:
            form, share = tuple(_short(v, bits) for v in q.form), _short(q.share, bits)
            # A bound term by term, as the check has it.
            size = sum(
                (abs(v) * max(map(abs, ends)) for v, ends in zip(q.form, self.box, strict=True)),
                Fraction(0),
            )
            moved = sum(
                (
                    abs(a - b) * max(abs(low), abs(high))
                    for a, b, (low, high) in zip(form, q.form, self.box, strict=True)
                ),
                Fraction(0),
            )
            left_over += abs(share - q.share) * size**2 + abs(share) * moved * (2 * size + moved)
            made.append(OneSquare(form, share))
        linear = tuple(_short(v, bits) for v in self.linear)
        for a, b, (low, high) in zip(linear, self.linear, self.box, strict=True):
            left_over += abs(a - b) * max(abs(low), abs(high))
        return replace(self, squares=tuple(made), linear=linear, left_over=left_over)

    def affine(self) -> tuple[Network, Fraction]:
        """The network of a polynomial without squares, no hidden layer, and its error."""
        linear = [Fraction(float(v)) for v in self.linear]
        constant = Fraction(float(self.constant))
        error = self.left_over + abs(constant - self.constant)
        for a, b, (low, high) in zip(linear, self.linear, self.box, strict=True):
            error += abs(a - b) * max(abs(low), abs(high))
        return Network([[[float(v) for v in linear]]], [[float(constant)]]), error


def _short(v: Fraction, bits: int) -> Fraction:
    """The nearest number of so many bits."""
    if not v:
        return v
    grid = Fraction(2) ** (math.frexp(float(v))[1] - bits)
    return round(v / grid) * grid


def completed(terms: Mapping[tuple[int, ...], Fraction], box: Ends) -> Squares:
    """The polynomial with the coefficients of ``terms`` (powers -> coefficient) as squares.

    Example:
        >>> found = completed({(1, 1): Fraction(1)}, ((Fraction(0), Fraction(1)),) * 2)
        >>> [(str(q.share), *map(str, q.form)) for q in found.squares]
        [('1', '1/2', '1/2'), ('-1', '-1/2', '1/2')]
    """
    n = len(box)
    a = [[Fraction(0)] * n for _ in range(n)]
    linear, constant = [Fraction(0)] * n, Fraction(0)
    for powers, c in terms.items():
        used = [k for k, p in enumerate(powers) for _ in range(p)]
        if not used:
            constant += c
        elif len(used) == 1:
            linear[used[0]] += c
        else:
            i, j = used
            a[i][j] += c / 2
            a[j][i] += c / 2
    squares: list[OneSquare] = []
    while True:
        square = next((k for k in range(n) if a[k][k]), None)
        if square is not None:
            row, pivot = list(a[square]), a[square][square]
            simple = [v / pivot for v in row]
            if all(_binary(v) for v in simple):
                squares.append(OneSquare(tuple(simple), pivot))
            else:
                squares.append(OneSquare(tuple(row), 1 / pivot))
            a = [[a[r][c] - row[r] * row[c] / pivot for c in range(n)] for r in range(n)]
            continue
        pair = next(((r, c) for r in range(n) for c in range(n) if a[r][c]), None)
        if pair is None:
            return Squares(tuple(squares), tuple(linear), constant, box)
        p, q, between = list(a[pair[0]]), list(a[pair[1]]), a[pair[0]][pair[1]]
        share = 1 / (2 * between)
        squares.append(OneSquare(tuple(u + v for u, v in zip(p, q, strict=True)), share))
        squares.append(OneSquare(tuple(u - v for u, v in zip(p, q, strict=True)), -share))
        a = [[a[r][c] - (p[r] * q[c] + q[r] * p[c]) / between for c in range(n)] for r in range(n)]


def _binary(v: Fraction) -> bool:
    return v.denominator & (v.denominator - 1) == 0 and v.denominator < 2**20
