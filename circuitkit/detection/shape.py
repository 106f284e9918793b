r"""An expression whose numbers may move: fitted to a network's values, then rounded as far as they bear it.

The structure (which min, max and abs of what) stays; the numbers in it are parameters :math:`\theta`. Since
the function is piecewise linear in them, too, a few steps of Gauss and Newton find the least squares, and a
linear program at each of a few more the smallest worst error at the samples. By floats: what comes out is
proposed, and proved elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

__all__ = ["Shape", "rounded_linear", "simplest"]

Array = NDArray[np.float64]

#: denominators in the order in which numbers are tried: small fractions, then decimals
_SMALL = (1, 2, 4, 3, 5, 10, 6, 8)
_DECIMALS = tuple(10**k for k in range(2, 16))
#: samples of the linear program for the smallest worst error
_IN_PROGRAM = 250
#: which shares of the tolerance the numbers may move by, when they are rounded
_SHARES = (1.0, 0.5, 0.25, 0.1, 0.04, 0.01, 0.001)
#: and those that become whole numbers or halves by it
_WHOLE = 0.7


def simplest(value: float, slack: float) -> Fraction:
    """The simplest fraction or decimal within ``slack`` of ``value``.

    Example:
        >>> [str(simplest(0.3702, s)) for s in (0.5, 0.05, 0.006, 0.001)]
        ['0', '1/3', '3/8', '37/100']
    """
    for q in _SMALL:
        p = round(value * q)
        if abs(value - p / q) <= slack:
            return Fraction(p, q)
    for q in _DECIMALS:
        if abs(value) * q > 2**52:
            break
        p = round(value * q)
        if abs(value - p / q) <= slack:
            return Fraction(p, q)
    return Fraction(value)


#: parameters, points (x, 1), and whether to differentiate -> values, and their derivatives
_Function = Callable[[Array, Array, bool], tuple[Array, Array | None]]
#: numbers, one a parameter -> the expression
_Speller = Callable[[Sequence[Fraction]], sympy.Expr]


class Shape:
    """A structure with its numbers as parameters.

    Args:
        e: the expression; made of numbers, sums, multiples, min, max and abs.
        variables: one symbol an input.

    Attributes:
        start: the numbers that it has in ``e``.
    """

    def __init__(self, e: sympy.Expr, variables: Sequence[sympy.Symbol]) -> None:
        self.variables = list(variables)
        self.start: list[float] = []
        self._value, self._spell = self._read(e)

    def values(self, theta: Array, x1: Array) -> Array:
        """At points (x, 1) of shape ``(n_samples, n + 1)``."""
        return self._value(theta, x1, False)[0]

    def spelled(self, theta: Sequence[Fraction]) -> sympy.Expr:
        """The expression with these numbers."""
        return self._spell(theta)

    # --- reading --------------------------------------------------------------------------------------

    def _read(self, e: sympy.Expr, *, fixed: bool = False) -> tuple[_Function, _Speller]:
        row = self._affine(e)
        if row is not None:
            return self._row(row, fixed=fixed)
        if isinstance(e, sympy.Add):
            return self._sum(e)
        if isinstance(e, sympy.Mul):
            factor, inner = e.as_coeff_Mul()
            return self._multiple(factor, inner)
        if isinstance(e, sympy.Abs):
            inside, spell = self._read(e.args[0], fixed=fixed)

            def size(theta: Array, x1: Array, slopes: bool) -> tuple[Array, Array | None]:
                v, d = inside(theta, x1, slopes)
                return np.abs(v), None if d is None else np.where(v < 0, -1.0, 1.0)[:, None] * d

            return size, lambda theta: sympy.Abs(spell(theta))
        return self._extremum(e, fixed=fixed)

    def _affine(self, e: sympy.Expr) -> list[tuple[int, Fraction]] | None:
        """(column, number) of a sum of variables and numbers; None of anything else."""
        row = []
        for term in sympy.Add.make_args(e):
            factor, rest = term.as_coeff_Mul()
            if not factor.is_Rational:
                return None
            if rest == 1:
                column = len(self.variables)
            elif rest in self.variables:
                column = self.variables.index(rest)
            else:
                return None
            row.append((column, Fraction(int(factor.p), int(factor.q))))
        return row

    def _parameter(self, value: Fraction) -> int:
        self.start.append(float(value))
        return len(self.start) - 1

    def _row(self, row: list[tuple[int, Fraction]], *, fixed: bool) -> tuple[_Function, _Speller]:
        """Zeros stay zeros; with ``fixed`` the first number stays, too."""
        places: list[tuple[int, int]] = []
        kept: list[tuple[int, Fraction]] = []
        row = sorted(row)  # the constant last: it is no number to keep
        for k, (column, number) in enumerate(row):
            if number == 0 or (fixed and k == 0):
                kept.append((column, number))
            else:
                places.append((column, self._parameter(number)))
        symbols = [*self.variables, sympy.Integer(1)]
        constant = np.zeros(len(symbols))
        for column, number in kept:
            constant[column] += float(number)
        columns = [column for column, _ in places]
        at = [place for _, place in places]

        def value(theta: Array, x1: Array, slopes: bool) -> tuple[Array, Array | None]:
            row = constant.copy()
            row[columns] += theta[at]
            if not slopes:
                return x1 @ row, None
            d = np.zeros((len(x1), len(theta)))
            d[:, at] = x1[:, columns]
            return x1 @ row, d

        def spell(theta: Sequence[Fraction]) -> sympy.Expr:
            terms = [(c, v) for c, v in kept] + [(c, theta[p]) for c, p in places]
            return sympy.Add(*(_rational(v) * symbols[c] for c, v in terms))

        return value, spell

    def _sum(self, e: sympy.Expr) -> tuple[_Function, _Speller]:
        flat = [a for a in e.args if self._affine(a) is not None]
        rest = [a for a in e.args if self._affine(a) is None]
        parts = [self._read(a) for a in ([sympy.Add(*flat)] if flat else []) + rest]

        def value(theta: Array, x1: Array, slopes: bool) -> tuple[Array, Array | None]:
            total, d = parts[0][0](theta, x1, slopes)
            for f, _ in parts[1:]:
                more, e = f(theta, x1, slopes)
                total, d = total + more, d if d is None or e is None else d + e
            return total, d

        return value, lambda theta: sympy.Add(*(spell(theta) for _, spell in parts))

    def _multiple(self, factor: sympy.Rational, inner: sympy.Expr) -> tuple[_Function, _Speller]:
        place = None
        if factor != -1:
            place = self._parameter(Fraction(int(factor.p), int(factor.q)))
        inside, spell = self._read(inner, fixed=factor != -1)

        def value(theta: Array, x1: Array, slopes: bool) -> tuple[Array, Array | None]:
            v, d = inside(theta, x1, slopes)
            times = -1.0 if place is None else theta[place]
            if d is not None:
                d = times * d
                if place is not None:
                    d[:, place] += v
            return times * v, d

        def spelled(theta: Sequence[Fraction]) -> sympy.Expr:
            return _times(Fraction(-1) if place is None else theta[place], spell(theta))

        return value, spelled

    def _extremum(self, e: sympy.Expr, *, fixed: bool) -> tuple[_Function, _Speller]:
        """Of a multiple the first part that is no number keeps its scale."""
        arguments = sorted(e.args, key=lambda a: (bool(a.is_number), str(a)))
        parts = [self._read(a, fixed=fixed and k == 0) for k, a in enumerate(arguments)]
        kind: Any = type(e)
        sign = 1.0 if isinstance(e, sympy.Max) else -1.0

        def value(theta: Array, x1: Array, slopes: bool) -> tuple[Array, Array | None]:
            total, d = parts[0][0](theta, x1, slopes)
            for f, _ in parts[1:]:
                other, slope = f(theta, x1, slopes)
                over = sign * other > sign * total
                total = np.where(over, other, total)
                if d is not None and slope is not None:
                    d = np.where(over[:, None], slope, d)
            return total, d

        def spell(theta: Sequence[Fraction]) -> sympy.Expr:
            spelled = list(dict.fromkeys(part(theta) for _, part in parts))
            return spelled[0] if len(spelled) == 1 else kind(*spelled, evaluate=False)

        return value, spell

    # --- fitting --------------------------------------------------------------------------------------

    def slopes(self, theta: Array, x1: Array) -> tuple[Array, Array]:
        """The values, and their derivatives by the parameters, of shape ``(n_samples, n_parameters)``."""
        values, slopes = self._value(theta, x1, True)
        return values, np.zeros((len(x1), len(theta))) if slopes is None else slopes

    def fitted(
        self, theta: Array, x1: Array, y: Array, which: Sequence[int] | None = None, rounds: int = 6
    ) -> Array:
        """Least squares by Gauss and Newton in some of the parameters, from theta on."""
        free = list(range(len(theta))) if which is None else list(which)
        if not free:
            return theta
        best, least = theta, float(np.square(y - self.values(theta, x1)).sum())
        for _ in range(rounds):
            values, slopes = self.slopes(best, x1)
            step, *_ = np.linalg.lstsq(slopes[:, free], y - values, rcond=1e-9)
            improved = False
            for share in (1.0, 0.5, 0.2):
                moved = best.copy()
                moved[free] += share * step
                now = float(np.square(y - self.values(moved, x1)).sum())
                if now < least * (1 - 1e-9):
                    best, least, improved = moved, now, True
                    break
            if not improved:
                break
        return best

    def flattened(self, theta: Array, x1: Array, y: Array, rounds: int = 4) -> Array:
        """The smallest worst error, by linear programs from theta on."""
        from scipy.optimize import linprog

        best, least = theta, float(np.abs(y - self.values(theta, x1)).max())
        m = len(theta)
        for _ in range(rounds if m else 0):
            values, slopes = self.slopes(best, x1)
            miss = y - values
            hard = np.argsort(-np.abs(miss))[: _IN_PROGRAM // 2]
            some = np.concatenate([hard, np.arange(0, len(y), max(1, 2 * len(y) // _IN_PROGRAM))])
            slopes = slopes[some]
            reach = 0.2 * np.maximum(np.abs(best), 0.1)
            found = linprog(
                np.r_[np.zeros(m), 1.0],
                A_ub=np.block(
                    [[slopes, -np.ones((len(some), 1))], [-slopes, -np.ones((len(some), 1))]]
                ),
                b_ub=np.r_[miss[some], -miss[some]],
                bounds=[*((-r, r) for r in reach), (0, None)],
            )
            if found.x is None:
                break
            moved = best + found.x[:m]
            now = float(np.abs(y - self.values(moved, x1)).max())
            if now > least * (1 - 1e-3):
                break
            best, least = moved, now
        return best

    # --- rounding -------------------------------------------------------------------------------------

    def roundings(
        self, theta: Array, x1: Array, y: Array, tolerance: float, *, whole: bool = False
    ) -> Iterator[sympy.Expr]:
        """The expression with its numbers rounded, roughly first.

        Args:
            theta: the numbers.
            x1: points (x, 1).
            y: what the values there should be.
            tolerance: how far rounding may move the values, at first; less and less then.
            whole: whether those that can be 0, a whole number or a half are rounded as roughly as that
                always, and the others more and more finely.
        """
        seen = set()
        for share in _SHARES:
            rough = (_WHOLE if whole else share) * tolerance
            numbers = self._rounded(theta, x1, y, rough, share * tolerance)
            key = tuple(numbers)
            if key not in seen:
                seen.add(key)
                yield self.spelled(numbers)

    def _rounded(
        self, theta: Array, x1: Array, y: Array, rough: float, slack: float
    ) -> list[Fraction]:
        """One number after the other, those first that become simplest; the rest is fitted again."""
        theta = theta.copy()
        numbers: dict[int, Fraction] = {}
        left = list(range(len(theta)))
        while left:
            reach = np.abs(self.slopes(theta, x1)[1][:, left]).max(axis=0, initial=0.0)
            options = []
            for k, r in zip(left, np.maximum(reach, 1e-12).tolist(), strict=True):
                simple = simplest(float(theta[k]), rough / r)
                if simple.denominator > 2:
                    simple = simplest(float(theta[k]), slack / r)
                options.append((simple.denominator, abs(float(simple) - theta[k]) * r, k, simple))
            *_, k, simple = min(options)
            numbers[k] = simple
            theta[k] = float(simple)
            left.remove(k)
            theta = self.fitted(theta, x1, y, left, rounds=1)
        return [numbers[k] for k in range(len(theta))]


def rounded_linear(columns: Array, y: Array, slack: float) -> list[Fraction]:
    """Simple factors of the columns, whose sum is near y: rounded one after the other, the rest refitted."""
    reach = np.maximum(np.abs(columns).max(axis=0, initial=0.0), 1e-12)
    numbers: dict[int, Fraction] = {}
    left = list(range(columns.shape[1]))
    rest = y.copy()
    while left:
        fit, *_ = np.linalg.lstsq(columns[:, left], rest, rcond=1e-9)
        options = []
        for k, v in zip(left, fit.tolist(), strict=True):
            simple = simplest(v, slack / reach[k])
            options.append((simple.denominator, abs(float(simple) - v) * reach[k], k, simple))
        *_, k, simple = min(options)
        numbers[k] = simple
        rest = rest - float(simple) * columns[:, k]
        left.remove(k)
    return [numbers[k] for k in range(columns.shape[1])]


def _rational(v: Fraction) -> sympy.Rational:
    return sympy.Rational(v.numerator, v.denominator)


def _times(factor: Fraction, e: sympy.Expr) -> sympy.Expr:
    return sympy.Mul(_rational(factor), e)
