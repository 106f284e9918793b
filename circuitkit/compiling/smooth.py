"""Smooth functions of one variable, and enclosures of their values and derivatives that are proved.

An expression becomes a list of steps; each is computed on intervals, with first and second derivative, in the
ball arithmetic of Arb (python-flint), whose results contain the true ones.

Source: F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic", IEEE Transactions
on Computers 66 (2017); for derivatives by steps: R. E. Moore, "Interval Analysis", 1966.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.extras import need
from circuitkit.functions.target import spelled

__all__ = ["PRECISION", "Smooth", "Undefined", "fraction_of", "known", "magnitude", "minus", "plus"]

#: bits; differences of a billionth of what they are of keep 90
PRECISION = 128

#: an interval as its ends, each a ball that contains the true end
Interval = tuple[Any, Any]
#: value, first and second derivative on an interval, or the value alone
Jet = tuple[Interval, ...]

_BOUNDED = (
    "exp, log, sqrt, sin, cos, tan, atan, sinh, cosh, tanh, sigmoid, softplus, + - * / and powers"
)
_FUNCTIONS = (
    sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.tan, sympy.atan, sympy.sinh, sympy.cosh, sympy.tanh,
)  # fmt: skip


class Undefined(Exception):
    """A step has no value, or no derivative, for some number of the interval."""


def known(e: sympy.Expr) -> None:
    """Refuse what has no enclosures here.

    Raises:
        ValueError: ``e`` is made of other functions than those; the first is named.

    Example:
        >>> known(sympy.Abs(sympy.Symbol("x", real=True)))
        Traceback (most recent call last):
        ...
        ValueError: expr: expected a smooth function (exp, log, sqrt, sin, cos, tan, atan, sinh, cosh, tanh, sigmoid, softplus, + - * / and powers), got abs(x)
    """
    for part in sympy.preorder_traversal(e):
        simple = part.is_Symbol or part.is_Rational or part.is_Float or part in (sympy.pi, sympy.E)
        if not simple and not isinstance(part, (sympy.Add, sympy.Mul, sympy.Pow, *_FUNCTIONS)):
            raise ValueError(f"expr: expected a smooth function ({_BOUNDED}), got {spelled(part)}")


class Smooth:
    """A function of one variable, made of steps that can be enclosed.

    Args:
        e: the expression.
        variable: its variable; the expression need not have it.

    Raises:
        ImportError: without the extra ``exact``, which brings Arb.
        ValueError: :func:`known` refuses it.

    Example:
        >>> x = sympy.Symbol("x", real=True)
        >>> low, high = Smooth(sympy.sin(x), x).jet(Fraction(0), Fraction(1))[1]  # cos on [0, 1]
        >>> bool(low <= 0.5404 < 1 <= high)
        True
    """

    def __init__(self, e: sympy.Expr, variable: sympy.Symbol) -> None:
        known(e)
        self.flint = need("flint")
        self.expression, self.variable = e, variable
        self._steps: list[tuple[sympy.Expr, tuple[int, ...]]] = []
        places: dict[sympy.Expr, int] = {}
        for part in sympy.postorder_traversal(e):
            if part not in places:
                places[part] = len(self._steps)
                self._steps.append((part, tuple(places[a] for a in part.args)))
        slope, bend = e.diff(variable), e.diff(variable, 2)
        self._call: Any = sympy.lambdify([variable], e, "numpy", cse=True)
        self._slope: Any = sympy.lambdify([variable], slope, "math", cse=True)
        self._bend: Any = sympy.lambdify([variable], bend, "math", cse=True)
        self._bends: Any = sympy.lambdify([variable], bend, "numpy", cse=True)

    def floats(self, x: NDArray[np.float64], *, bends: bool = False) -> NDArray[np.float64]:
        """Values, or second derivatives, in floats; nan or inf where there are none. For guesses, never for bounds."""
        with np.errstate(all="ignore"):
            found = np.asarray((self._bends if bends else self._call)(np.asarray(x, dtype=float)))
        real = np.where(np.isreal(found), np.real(found), np.nan).astype(float)
        return np.broadcast_to(real, np.shape(x))

    def slope(self, x: float) -> float:
        """The derivative as a float, nan where there is none; a guess."""
        return _guess(self._slope, x)

    def bend(self, x: float) -> float:
        """The second derivative as a float, nan where there is none; a guess."""
        return _guess(self._bend, x)

    def jet(self, low: Fraction, high: Fraction, order: int = 2) -> Jet:
        """Enclosures of the value and of so many derivatives on ``[low, high]``.

        Raises:
            Undefined: there may be a number in the interval for which there is none.
        """
        arb, fmpq = self.flint.arb, self.flint.fmpq
        with self.flint.ctx.workprec(PRECISION):
            ends = [arb(fmpq(v.numerator, v.denominator)) for v in (low, high)]
            arithmetic = _Arithmetic(arb, order)
            done: list[Jet] = []
            for part, of in self._steps:
                if part == self.variable:
                    one, zero = arb(1), arb(0)
                    jet: Jet = ((ends[0], ends[1]), (one, one), (zero, zero))[: order + 1]
                else:
                    jet = arithmetic.step(part, [done[k] for k in of])
                if any(not (v.is_finite()) for pair in jet for v in pair):
                    raise Undefined(spelled(part))
                done.append(jet)
            return done[-1]


def _guess(call: Any, x: float) -> float:
    try:
        return float(call(x))
    except (ArithmeticError, ValueError, TypeError):
        return math.nan


class _Arithmetic:
    """Sums, products, powers and functions of jets."""

    def __init__(self, arb: Any, order: int) -> None:
        self.arb, self.order = arb, order

    def step(self, part: sympy.Expr, of: list[Jet]) -> Jet:
        if not of:
            return self.constant(part)
        if part.is_Add:
            total = of[0]
            for jet in of[1:]:
                total = tuple((a[0] + b[0], a[1] + b[1]) for a, b in zip(total, jet, strict=True))
            return total
        if part.is_Mul:
            total = of[0]
            for jet in of[1:]:
                total = self.product(total, jet)
            return total
        if part.is_Pow:
            return self.power(part, *of)
        return self.applied(_RULES[part.func](self, of[0][0], spelled(part)), of[0])

    def constant(self, e: sympy.Expr) -> Jet:
        if e == sympy.pi:
            value = self.arb.pi()
        elif e == sympy.E:
            value = self.arb(1).exp()
        else:
            exact = sympy.Rational(e)
            value = self.arb(int(exact.p)) / int(exact.q)
        zero = self.arb(0)
        return ((value, value), (zero, zero), (zero, zero))[: self.order + 1]

    def product(self, a: Jet, b: Jet) -> Jet:
        made = [self.times(a[0], b[0])]
        if self.order:
            made.append(plus(self.times(a[1], b[0]), self.times(a[0], b[1])))
        if self.order > 1:
            mixed = self.times(a[1], b[1])
            ends = plus(self.times(a[2], b[0]), self.times(a[0], b[2]))
            made.append(plus(ends, plus(mixed, mixed)))
        return tuple(made)

    def times(self, a: Interval, b: Interval) -> Interval:
        corners = [a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1]]
        low = high = corners[0]
        for v in corners[1:]:
            low, high = low.min(v), high.max(v)
        return low, high

    def applied(self, outer: list[Callable[[], Interval]], u: Jet) -> Jet:
        """h(u) from h, h' and h'' on the values of u: the chain rule."""
        made = [outer[0]()]
        if self.order:
            slope = outer[1]()
            made.append(self.times(slope, u[1]))
        if self.order > 1:
            squared = self.whole_power(u[1], 2)
            made.append(plus(self.times(outer[2](), squared), self.times(slope, u[2])))
        return tuple(made)

    def power(self, part: sympy.Expr, base: Jet, exponent: Jet) -> Jet:
        written = spelled(part)
        r = part.exp
        if r.is_Rational:
            r = Fraction(int(r.p), int(r.q))
            value = base[0]

            def to(s: Fraction, factor: Fraction) -> Callable[[], Interval]:
                if not factor:
                    return lambda: (self.arb(0), self.arb(0))
                f = self.arb(factor.numerator) / factor.denominator
                return lambda: self.times((f, f), self.rational_power(value, s, written))

            return self.applied([to(r, Fraction(1)), to(r - 1, r), to(r - 2, r * (r - 1))], base)
        # u**v = exp(v log u)
        log = self.applied(_log(self, base[0], written), base)
        inner = self.product(exponent, log)
        return self.applied(_exp(self, inner[0], written), inner)

    def rational_power(self, u: Interval, r: Fraction, written: str) -> Interval:
        if r.denominator == 1:
            n = abs(r.numerator)
            raised = self.whole_power(u, n)
            return self.inverse(raised, written) if r < 0 else raised
        if not u[0] >= 0 or (r < 0 and not u[0] > 0):
            raise Undefined(written)
        roots = [v if v.is_zero() else v.root(r.denominator) for v in u]
        raised = self.whole_power((roots[0], roots[1]), abs(r.numerator))
        return self.inverse(raised, written) if r < 0 else raised

    def whole_power(self, u: Interval, n: int) -> Interval:
        low, high = u[0] ** n, u[1] ** n
        if n % 2:
            return low, high
        smallest = low.min(high) if u[0] >= 0 or u[1] <= 0 else self.arb(1 if n == 0 else 0)
        return smallest, low.max(high)

    def inverse(self, u: Interval, written: str) -> Interval:
        if not (u[0] > 0 or u[1] < 0):
            raise Undefined(written)
        return 1 / u[1], 1 / u[0]

    def cosine(self, u: Interval, *, turn: Fraction = Fraction(0)) -> Interval:
        """cos(t - turn pi) for t in u: its ends, and 1 or -1 where a multiple of pi may lie between them."""
        shift = self.arb.pi() * turn.numerator / turn.denominator
        at = (u[0] - shift, u[1] - shift)
        turns = [at[0] / self.arb.pi(), at[1] / self.arb.pi()]
        first, last = turns[0].lower().ceil(), turns[1].upper().floor()
        low, high = at[0].cos(), at[1].cos()
        low, high = low.min(high), low.max(high)
        if last - first >= 1:
            return self.arb(-1), self.arb(1)
        if last >= first:
            whole = first.unique_fmpz()
            if whole is None:
                raise Undefined("an angle")
            return (low, self.arb(1)) if int(whole) % 2 == 0 else (self.arb(-1), high)
        return low, high


def plus(a: Interval, b: Interval) -> Interval:
    """The sum of two intervals."""
    return a[0] + b[0], a[1] + b[1]


def minus(a: Interval) -> Interval:
    """The interval of the opposite numbers."""
    return -a[1], -a[0]


# --- h, h' and h'' on an interval, each computed when it is needed --------------------------------------

Outer = list[Callable[[], Interval]]


def _exp(do: _Arithmetic, u: Interval, written: str) -> Outer:
    return [lambda: (u[0].exp(), u[1].exp())] * 3


def _log(do: _Arithmetic, u: Interval, written: str) -> Outer:
    if not u[0] > 0:
        raise Undefined(written)
    return [
        lambda: (u[0].log(), u[1].log()),
        lambda: do.inverse(u, written),
        lambda: minus(do.inverse(do.whole_power(u, 2), written)),
    ]


def _sin(do: _Arithmetic, u: Interval, written: str) -> Outer:
    half = Fraction(1, 2)
    return [
        lambda: do.cosine(u, turn=half),
        lambda: do.cosine(u),
        lambda: minus(do.cosine(u, turn=half)),
    ]


def _cos(do: _Arithmetic, u: Interval, written: str) -> Outer:
    sin, cos, _ = _sin(do, u, written)
    return [cos, lambda: minus(sin()), lambda: minus(cos())]


def _tan(do: _Arithmetic, u: Interval, written: str) -> Outer:
    cosine = do.cosine(u)
    if not (cosine[0] > 0 or cosine[1] < 0):
        raise Undefined(written)
    value = (u[0].tan(), u[1].tan())
    one = do.arb(1)
    slope = plus((one, one), do.whole_power(value, 2))
    return [
        lambda: value,
        lambda: slope,
        lambda: do.times((one * 2, one * 2), do.times(value, slope)),
    ]


def _atan(do: _Arithmetic, u: Interval, written: str) -> Outer:
    one = do.arb(1)
    slope = do.inverse(plus((one, one), do.whole_power(u, 2)), written)
    twice = (-2 * u[1], -2 * u[0])
    return [
        lambda: (u[0].atan(), u[1].atan()),
        lambda: slope,
        lambda: do.times(twice, do.whole_power(slope, 2)),
    ]


def _sinh(do: _Arithmetic, u: Interval, written: str) -> Outer:
    def sinh() -> Interval:
        return u[0].sinh(), u[1].sinh()

    def cosh() -> Interval:
        ends = u[0].cosh(), u[1].cosh()
        inside = not (u[0] >= 0 or u[1] <= 0)
        return (do.arb(1) if inside else ends[0].min(ends[1])), ends[0].max(ends[1])

    return [sinh, cosh, sinh]


def _cosh(do: _Arithmetic, u: Interval, written: str) -> Outer:
    sinh, cosh, _ = _sinh(do, u, written)
    return [cosh, sinh, cosh]


def _tanh(do: _Arithmetic, u: Interval, written: str) -> Outer:
    value = (u[0].tanh(), u[1].tanh())
    one = do.arb(1)
    slope = plus((one, one), minus(do.whole_power(value, 2)))
    twice = (-2 * value[1], -2 * value[0])
    return [lambda: value, lambda: slope, lambda: do.times(twice, slope)]


_RULES: dict[Any, Callable[[_Arithmetic, Interval, str], Outer]] = {
    sympy.exp: _exp, sympy.log: _log, sympy.sin: _sin, sympy.cos: _cos, sympy.tan: _tan,
    sympy.atan: _atan, sympy.sinh: _sinh, sympy.cosh: _cosh, sympy.tanh: _tanh,
}  # fmt: skip


def fraction_of(end: Any, *, up: bool) -> Fraction:
    """An end as a fraction, rounded outward."""
    mantissa, exponent = (end.upper() if up else end.lower()).man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def magnitude(a: Interval) -> Any:
    """A ball that contains the largest absolute value."""
    return abs(a[0]).max(abs(a[1]))
