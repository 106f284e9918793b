r"""The largest distance between a graph of straight pieces and a smooth function, enclosed.

On each piece the difference g is smooth. Where g'' has one sign it is largest at an end of the piece, or it is
bounded by a tangent: for g'' >= 0

.. math:: g(p) + g'(p)(x - p) \le g(x) \le \max(g(l), g(r))

whatever the point p; near the place where g' = 0 the tangent misses next to nothing. Where g'' may have either
sign, the chord bounds g within :math:`\max|g''| (r - l)^2/8`, and the piece with the largest bound is cut in two,
until nothing is gained any more. For polynomials of degree 2 the vertex is a fraction, and the answer exact.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from circuitkit.compiling.segments import Segments
from circuitkit.compiling.smooth import (
    PRECISION,
    Interval,
    Smooth,
    Undefined,
    fraction_of,
    magnitude,
    minus,
)
from circuitkit.exact.regions import look_at_the_clock
from circuitkit.functions.language import Condition
from circuitkit.functions.target import spelled
from circuitkit.words import nearest_float, number

__all__ = ["Enclosure", "check_defined", "quadratic", "worst_error"]

#: the ends of an enclosure differ by no more than this share of it
_GAP = Fraction(1, 10**7)
_MOST_CUTS = 50_000
#: an interval that is this share of the domain is not cut any more
_SMALLEST = Fraction(1, 2**70)


@dataclass(frozen=True)
class Enclosure:
    """Two numbers with the worst error between them, and an input whose error is the lower one or more."""

    lower: Fraction
    upper: Fraction
    at: Fraction


def quadratic(e: sympy.Expr, variable: sympy.Symbol) -> tuple[Fraction, Fraction, Fraction] | None:
    """Coefficients of 1, x and x**2, where that is all there is and they are fractions; else None."""
    if not e.is_polynomial(variable):
        return None
    found = sympy.Poly(e, variable).all_coeffs()[::-1]
    if len(found) > 3 or not all(c.is_Rational for c in found):
        return None
    padded = [*found, 0, 0][:3]
    a, b, c = (Fraction(int(sympy.Rational(v).p), int(sympy.Rational(v).q)) for v in padded)
    return a, b, c


def worst_error(
    graph: Segments, e: sympy.Expr, variable: sympy.Symbol, deadline: float = math.inf
) -> Enclosure:
    """The largest :math:`|y(x) - e(x)|` over the graph.

    Raises:
        OutOfTime: ``time.monotonic()`` reached the deadline.
        ValueError: ``e`` has no value somewhere there.
        ImportError: the extra ``exact`` is missing, and ``e`` is not a polynomial of degree 2.
    """
    coefficients = quadratic(e, variable)
    if coefficients is not None:
        return _of_quadratic(graph, coefficients)
    f = Smooth(e, variable)
    with f.flint.ctx.workprec(PRECISION):
        return _Search(graph, f, deadline).run()


def _of_quadratic(graph: Segments, coefficients: tuple[Fraction, Fraction, Fraction]) -> Enclosure:
    c, b, a = coefficients
    worst, at = Fraction(-1), graph.x[0]
    pairs = list(zip(graph.x, graph.y, strict=True))
    for (left, yl), (r, yr) in zip(pairs, pairs[1:] or pairs, strict=False):
        slope = (yr - yl) / (r - left) if r > left else Fraction(0)
        points = [left, r]
        if a and left < (slope - b) / (2 * a) < r:
            points.append((slope - b) / (2 * a))
        for p in points:
            error = abs(yl + slope * (p - left) - (c + p * (b + p * a)))
            if error > worst:
                worst, at = error, p
    return Enclosure(worst, worst, at)


class _Search:
    """Branch and bound over cells, each on one straight piece."""

    def __init__(self, graph: Segments, f: Smooth, deadline: float) -> None:
        self.graph, self.f, self.deadline = graph, f, deadline
        self.smallest = (graph.x[-1] - graph.x[0]) * _SMALLEST
        self.lower, self.at = Fraction(0), graph.x[0]
        self.values: dict[Fraction, Interval] = {}

    def run(self) -> Enclosure:
        heap: list[tuple[Fraction, int, int, Fraction, Fraction]] = []
        counter = 0

        def push(piece: int, low: Fraction, high: Fraction) -> None:
            nonlocal counter
            counter += 1
            heapq.heappush(heap, (-self.bound(piece, low, high), counter, piece, low, high))

        x = self.graph.x
        for k in range(max(1, len(self.graph))):
            push(k, x[k], x[min(k + 1, len(x) - 1)])
        while True:
            negative, _, piece, low, high = heap[0]
            upper = max(-negative, self.lower)
            done = upper <= self.lower * (1 + _GAP) or counter > _MOST_CUTS
            if done or high - low <= self.smallest:
                return Enclosure(self.lower, upper, self.at)
            heapq.heappop(heap)
            middle = (low + high) / 2
            push(piece, low, middle)
            push(piece, middle, high)

    def bound(self, piece: int, low: Fraction, high: Fraction) -> Fraction:
        """An upper bound of the error on a cell; better lower bounds are kept as they are met."""
        look_at_the_clock(self.deadline)
        slope = self.slope(piece)
        ends = [self.error(piece, low), self.error(piece, high)]
        largest = magnitude(ends[0]).max(magnitude(ends[1]))
        if low == high:
            return fraction_of(largest, up=True)
        try:
            second = self.f.jet(low, high)[2]
        except Undefined:
            return self.bound_by_values(piece, low, high)
        if not (second[0] >= 0 or second[1] <= 0):
            width = _ball(self.f, high - low)
            return fraction_of(largest + magnitude(second) * width * width / 8, up=True)
        p = self.stationary(slope, low, high)
        try:
            tangent_slope = self.f.jet(p, p)[1]
        except Undefined:
            return self.bound_by_values(piece, low, high)
        tangent = (tangent_slope[0] - _ball(self.f, slope), tangent_slope[1] - _ball(self.f, slope))
        error = self.error(piece, p)
        for end in (low, high):
            step = _ball(self.f, end - p)
            reached = [error[0] + tangent[0] * step, error[0] + tangent[1] * step]
            reached += [error[1] + tangent[0] * step, error[1] + tangent[1] * step]
            for v in reached:
                largest = largest.max(abs(v))
        return fraction_of(largest, up=True)

    def bound_by_values(self, piece: int, low: Fraction, high: Fraction) -> Fraction:
        """Where the function has no derivative: the largest and the smallest value, against the piece's."""
        try:
            value = self.f.jet(low, high, 0)[0]
        except Undefined:
            if high - low <= self.smallest:
                raise
            middle = (low + high) / 2
            return max(
                self.bound_by_values(piece, low, middle), self.bound_by_values(piece, middle, high)
            )
        line = sorted((self.line(piece, low), self.line(piece, high)))
        apart = (value[0] - _ball(self.f, line[1]), value[1] - _ball(self.f, line[0]))
        return fraction_of(magnitude(apart), up=True)

    def stationary(self, slope: Fraction, low: Fraction, high: Fraction) -> Fraction:
        """About where f' is the slope, by bisection in floats: any point will do, this one does best."""
        left, r = float(low), float(high)
        s = nearest_float(slope)
        at_l, at_r = self.f.slope(left) - s, self.f.slope(r) - s
        p = (left + r) / 2
        for _ in range(60):
            if not at_l * at_r < 0:  # there is none between them, or nan
                return low if abs(at_l) <= abs(at_r) else high
            # Newton's step from the middle if it stays between the ends, which are halved in any case
            p = (left + r) / 2
            at_p = self.f.slope(p) - s
            step = p - at_p / (self.f.bend(p) or 1.0)
            if left < step < r:
                at_step = self.f.slope(step) - s
                if abs(at_step) <= 1e-14 * (abs(s) + abs(at_l)):
                    p = step
                    break
                if abs(at_step) < abs(at_p):
                    p, at_p = step, at_step
            if not left < p < r:
                break
            if at_p * at_l > 0:
                left, at_l = p, at_p
            else:
                r, at_r = p, at_p
        return min(max(Fraction(p), low), high)

    def slope(self, piece: int) -> Fraction:
        x, y = self.graph.x, self.graph.y
        if len(x) == 1:
            return Fraction(0)
        return (y[piece + 1] - y[piece]) / (x[piece + 1] - x[piece])

    def line(self, piece: int, at: Fraction) -> Fraction:
        return self.graph.y[piece] + self.slope(piece) * (at - self.graph.x[piece])

    def error(self, piece: int, at: Fraction) -> Interval:
        """f minus the piece at a point; the best lower bound and its place are kept."""
        if at not in self.values:
            self.values[at] = self.f.jet(at, at, 0)[0]
        value = self.values[at]
        line = _ball(self.f, self.line(piece, at))
        found = (value[0] - line, value[1] - line)
        for v in (found, minus(found)):
            certain = fraction_of(v[0], up=False)
            if certain > self.lower:
                self.lower, self.at = certain, at
        return found


def _ball(f: Smooth, v: Fraction) -> Any:
    return f.flint.arb(f.flint.fmpq(v.numerator, v.denominator))


def check_defined(
    low: Fraction,
    high: Fraction,
    e: sympy.Expr,
    variable: sympy.Symbol,
    conditions: Iterable[Condition] = (),
) -> None:
    """Refuse an expression that has no value somewhere in ``[low, high]``.

    Raises:
        ValueError: which part has none, and about where.
    """
    for condition in conditions:
        part = condition.part
        if not _holds_everywhere(condition, low, high, variable):
            raise ValueError(
                f"domain: expected numbers for which {condition.written} has a value "
                f"({spelled(part)} {condition.sign}), got [{number(low)}, {number(high)}]"
            )
    if e.is_polynomial(variable):
        return
    f = Smooth(e, variable)
    stack = [(low, high)]
    smallest = (high - low) * _SMALLEST
    while stack:
        left, r = stack.pop()
        try:
            f.jet(left, r, 0)
        except Undefined as problem:
            if r - left <= smallest:
                raise ValueError(
                    f"domain: expected numbers for which {problem} has a value, got "
                    f"[{number(low)}, {number(high)}]: about {number(left)} it has none, or none near it"
                ) from None
            middle = (left + r) / 2
            stack += [(middle, r), (left, middle)]


def _holds_everywhere(
    condition: Condition, low: Fraction, high: Fraction, variable: sympy.Symbol
) -> bool:
    f = Smooth(condition.part, variable)
    stack = [(low, high)]
    smallest = (high - low) * _SMALLEST
    cuts = 0
    while stack:
        left, r = stack.pop()
        cuts += 1
        try:
            a, b = f.jet(left, r, 0)[0]
        except Undefined:
            a = b = None
        if a is not None:
            if condition.sign == "> 0":
                holds = a > 0
            elif condition.sign == ">= 0":
                holds = a >= 0
            else:
                holds = a > 0 or b < 0
            if holds:
                continue
        if r - left <= smallest or cuts > 20_000:
            return False
        middle = (left + r) / 2
        stack += [(middle, r), (left, middle)]
    return True
