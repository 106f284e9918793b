"""The bound of an approximation, verified again from the network's weights by code that did not find it.

For one input: the corners of the network's graph are taken as a hint. That it is straight between them follows
from the signs of all preactivations at the corners, and there the difference from the function is bounded with
derivatives that SymPy takes and intervals of mpmath; the search has neither of them.

For quadratic polynomials of several inputs: every hidden unit must be a function of one linear form of the
inputs, or never negative, so that the network is a sum of functions of one number each, computed exactly; their
distances from parabolas add up. The construction's own formula for the error is not used.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sympy
from mpmath import iv, mp

from circuitkit.compiling.segments import exact_layers, segments
from circuitkit.exact.regions import look_at_the_clock
from circuitkit.network import Network

__all__ = ["holds_for_one", "holds_for_several", "is_met"]

#: bits of mpmath's intervals
_BITS = 140
#: how often one straight piece is cut, at most
_MOST_CUTS = 4000
_SMALLEST = Fraction(1, 2**80)


class _Unclear(Exception):
    """There is no value, or none that these intervals show."""


# --- one input ----------------------------------------------------------------------------------------


def holds_for_one(
    net: Network,
    e: sympy.Expr,
    variable: sympy.Symbol,
    domain: tuple[Fraction, Fraction],
    error: Fraction,
) -> bool:
    """Whether :math:`|net(x) - e(x)|` is at most ``error`` on the domain; False also where that is not shown."""
    low, high = domain
    if net.layer_sizes[0] != 1 or net.layer_sizes[-1] != 1:
        return False
    corners = segments(net, low, high, joined=False).x
    if (
        corners[0] != low
        or corners[-1] != high
        or any(a >= b for a, b in itertools.pairwise(corners))
    ):
        return False
    layers = [_sparse(layer) for layer in exact_layers(net)]
    signs, y = zip(*(_forward(layers, [x]) for x in corners), strict=True)
    for before, after in itertools.pairwise(signs):
        if any(a * b < 0 for a, b in zip(before, after, strict=True)):
            return False
    coefficients = _degree_two(e, variable)
    pieces = zip(corners, corners[1:], y, y[1:], strict=False)
    if coefficients is not None:
        return all(_parabola_within(coefficients, *piece, error) for piece in pieces)
    outside = iv.prec
    try:
        iv.prec = _BITS
        enclosed = _Enclosed(e, variable)
        return all(enclosed.within(*piece, error) for piece in pieces)
    finally:
        iv.prec = outside


def _sparse(layer: tuple[Any, Any, int]) -> tuple[list[list[tuple[int, int]]], list[int], int]:
    weights, biases, scale = layer
    rows = [[(k, int(w)) for k, w in enumerate(row) if w] for row in weights]
    return rows, [int(b) for b in biases], scale


def is_met(
    net: Network,
    e: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    box: Sequence[tuple[Fraction, Fraction]],
    at: Sequence[Fraction],
    lower: Fraction,
) -> bool:
    """Whether ``at`` is an input of the box and :math:`|net(at) - e(at)|` is at least ``lower``."""
    if len(at) != len(box) or any(
        not low <= v <= high for v, (low, high) in zip(at, box, strict=True)
    ):
        return False
    output = _forward([_sparse(layer) for layer in exact_layers(net)], at)[1]
    outside = iv.prec
    if e.is_polynomial(*variables):
        value = e.xreplace({v: _rational(x) for v, x in zip(variables, at, strict=True)})
        if value.is_Rational:
            return abs(output - Fraction(int(value.p), int(value.q))) >= lower
    try:
        iv.prec = _BITS
        places = {v: _point(x) for v, x in zip(variables, at, strict=True)}
        apart = _value(e, places) - _point(output)
        least = _point(lower)
        return bool(apart.a >= least.b or apart.b <= -least.b)
    except _Unclear:
        return False
    finally:
        iv.prec = outside


def _forward(layers: Sequence[Any], x: Sequence[Fraction]) -> tuple[list[int], Fraction]:
    """The signs of all preactivations at x, and the output."""
    below = math.lcm(*(v.denominator for v in x))
    values = [v.numerator * (below // v.denominator) for v in x]
    signs: list[int] = []
    for i, (rows, biases, scale) in enumerate(layers):
        z = [
            sum(w * values[k] for k, w in row) + b * below
            for row, b in zip(rows, biases, strict=True)
        ]
        below *= scale
        if i == len(layers) - 1:
            return signs, Fraction(z[0], below)
        signs += [(v > 0) - (v < 0) for v in z]
        values = [max(v, 0) for v in z]
    raise ValueError("net: expected at least one layer, got none")


def _degree_two(e: sympy.Expr, variable: sympy.Symbol) -> list[Fraction] | None:
    """p(0), p'(0) and p''(0)/2 of a polynomial with p''' = 0; None of anything else."""
    if not e.is_polynomial(variable) or sympy.expand(e.diff(variable, 3)) != 0:
        return None
    found = [
        sympy.expand(e.diff(variable, k)).subs(variable, 0) / (2 if k == 2 else 1) for k in range(3)
    ]
    if not all(v.is_Rational for v in found):
        return None
    return [Fraction(int(sympy.Rational(v).p), int(sympy.Rational(v).q)) for v in found]


def _parabola_within(
    coefficients: Sequence[Fraction],
    left: Fraction,
    r: Fraction,
    yl: Fraction,
    yr: Fraction,
    error: Fraction,
) -> bool:
    """Whether error - g and error + g are nowhere negative on [left, r], by ends and discriminant."""
    c, b, a = coefficients
    slope = (yr - yl) / (r - left)
    g = (c - yl + slope * left, b - slope, a)
    for sign in (1, -1):
        p, q, s = error + sign * g[0], sign * g[1], sign * g[2]
        if any(p + x * (q + x * s) < 0 for x in (left, r)):
            return False
        inside = s > 0 and 2 * s * left < -q < 2 * s * r
        if inside and q * q > 4 * s * p:
            return False
    return True


class _Enclosed:
    """A function and two derivatives in mpmath's intervals."""

    def __init__(self, e: sympy.Expr, variable: sympy.Symbol) -> None:
        self.variable = variable
        self.parts = [e, e.diff(variable), e.diff(variable, 2)]

    def at(self, order: int, low: Fraction, high: Fraction) -> Any:
        ends = [_point(low), _point(high)] if low != high else [_point(low)]
        x = iv.mpf([ends[0].a, ends[-1].b])
        found = _value(self.parts[order], {self.variable: x})
        if not (_finite(found.a) and _finite(found.b)):
            raise _Unclear
        return found

    def within(
        self, left: Fraction, r: Fraction, yl: Fraction, yr: Fraction, error: Fraction
    ) -> bool:
        """Whether the function stays within the error of the line from (left, yl) to (r, yr)."""
        slope = (yr - yl) / (r - left)
        bound = _point(error).a
        stack, cuts = [(left, r)], 0

        def apart(at: Fraction) -> Any:
            return self.at(0, at, at) - _point(yl + slope * (at - left))

        while stack:
            a, b = stack.pop()
            cuts += 1
            try:
                ends = [apart(a), apart(b)]
            except _Unclear:
                return False
            if any(v.a > bound or v.b < -bound for v in ends):
                return False  # there it is larger
            if self._cell(a, b, ends, slope, yl + slope * (a - left), bound):
                continue
            if cuts > _MOST_CUTS or b - a < (r - left) * _SMALLEST:
                return False
            stack += [(a, (a + b) / 2), ((a + b) / 2, b)]
        return True

    def _cell(
        self,
        a: Fraction,
        b: Fraction,
        ends: Sequence[Any],
        slope: Fraction,
        start: Fraction,
        bound: Any,
    ) -> bool:
        if any(v.b > bound or v.a < -bound for v in ends):
            return False
        try:
            second = self.at(2, a, b)
            if second.a >= 0 or second.b <= 0:
                p = self._turn(a, b, slope)
                tilt = self.at(1, p, p) - _point(slope)
                g = self.at(0, p, p) - _point(start + slope * (p - a))
                return all(_inside(g + tilt * _point(x - p), bound) for x in (a, b))
            middle = (a + b) / 2
            half = _point((b - a) / 2)
            g = self.at(0, middle, middle) - _point(start + slope * (middle - a))
            tilt = self.at(1, middle, middle) - _point(slope)
            step = iv.mpf([-half.b, half.b])
            return _inside(g + tilt * step + second * step**2 / 2, bound)
        except _Unclear:
            pass
        try:  # no derivatives: the values alone
            height = self.at(0, a, b)
        except _Unclear:
            return False
        line = [_point(start), _point(start + slope * (b - a))]
        return all(_inside(height - v, bound) for v in line)

    def _turn(self, a: Fraction, b: Fraction, slope: Fraction) -> Fraction:
        """About where the derivative is the slope, by secants; any place will do, this one does best."""
        try:
            p, q = a, b
            at_p, at_q = (float((self.at(1, t, t) - _point(slope)).mid) for t in (p, q))
            for _ in range(7):
                if at_p == at_q:
                    break
                new = q - Fraction(at_q / (at_q - at_p)) * (q - p)
                new = Fraction(float(min(max(new, a), b)))
                new = min(max(new, a), b)
                if new in (p, q):
                    break
                p, at_p = q, at_q
                q, at_q = new, float((self.at(1, new, new) - _point(slope)).mid)
            return q if abs(at_q) <= abs(at_p) else p
        except _Unclear:
            return (a + b) / 2


def _finite(v: Any) -> bool:
    return bool(-iv.inf < v < iv.inf)


def _inside(v: Any, bound: Any) -> bool:
    return bool(v.b <= bound) and bool(v.a >= -bound)


def _point(v: Fraction) -> Any:
    return iv.mpf(v.numerator) / iv.mpf(v.denominator)


def _value(e: sympy.Expr, at: dict[sympy.Symbol, Any]) -> Any:
    """The expression's values for numbers in an interval."""
    if e in at:
        return at[e]
    of = [_value(a, at) for a in e.args]
    if e.is_Add:
        found = functools.reduce(lambda a, b: a + b, of)
    elif e.is_Mul:
        found = functools.reduce(lambda a, b: a * b, of)
    elif e.is_Pow:
        found = _power(e, *of)
    elif e.func in _FUNCTIONS:
        found = _FUNCTIONS[e.func](*of)
    else:
        found = _number(e)
    at[e] = found
    return found


@functools.cache
def _number(e: sympy.Expr) -> Any:
    """A number, at the one precision that is used here."""
    if e == sympy.pi:
        return +iv.pi
    if e == sympy.E:
        return iv.exp(iv.mpf(1))
    if not (e.is_Rational or e.is_Float):
        raise _Unclear  # no smooth function
    exact = sympy.Rational(e)
    return iv.mpf(int(exact.p)) / iv.mpf(int(exact.q))


def _power(e: sympy.Expr, base: Any, exponent: Any) -> Any:
    r = e.exp
    if r.is_Integer:
        raised = base ** abs(int(r))
        if r >= 0:
            return raised
        if raised.a <= 0 <= raised.b:
            raise _Unclear
        return 1 / raised
    if base.a < 0 or (base.a <= 0 and not (r.is_Rational and r > 0)):
        raise _Unclear
    if base.a > 0:
        return iv.exp(exponent * iv.log(base))
    if base.b <= 0:
        return iv.mpf(0)
    top = iv.exp(exponent * iv.log(iv.mpf(base.b)))
    return iv.mpf([0, top.b])


def _log(t: Any) -> Any:
    if t.a <= 0:
        raise _Unclear
    return iv.log(t)


def _over(t: Any) -> Any:
    if t.a <= 0 <= t.b:
        raise _Unclear
    return 1 / t


def _tan(t: Any) -> Any:
    _over(iv.cos(t))
    return iv.tan(t)


def _atan(t: Any) -> Any:
    """From mpmath's numbers: its ``iv.atan2`` leaves true values out by 1e-30."""
    with mp.workprec(_BITS + 60):
        ends = [mp.atan(mp.make_mpf(v)) for v in t._mpi_]
    share = iv.mpf(1) / 2 ** (_BITS + 20)
    return iv.mpf(ends) * iv.mpf([1 - share.b, 1 + share.b])


_FUNCTIONS: dict[Any, Any] = {
    sympy.exp: iv.exp,
    sympy.log: _log,
    sympy.sin: iv.sin,
    sympy.cos: iv.cos,
    sympy.tan: _tan,
    sympy.atan: _atan,
    sympy.sinh: lambda t: (iv.exp(t) - iv.exp(-t)) / 2,
    sympy.cosh: lambda t: (iv.exp(t) + iv.exp(-t)) / 2,
    sympy.tanh: lambda t: 1 - 2 / (iv.exp(2 * t) + 1),
}


# --- several inputs -----------------------------------------------------------------------------------

Vector = list[Fraction]
Box = Sequence[tuple[Fraction, Fraction]]


@dataclass
class _Form:
    """A linear form of the inputs, its corners, and there the values of the units of one layer."""

    direction: Vector
    t: list[Fraction]
    values: list[Vector] = field(default_factory=list)


def holds_for_several(
    net: Network,
    e: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    box: Box,
    error: Fraction,
    deadline: float = math.inf,
) -> bool:
    """Whether the network is within ``error`` of a quadratic polynomial on a box; False where that is not shown.

    Raises:
        OutOfTime: ``time.monotonic()`` passed the deadline.
    """
    summands = _as_sum(net, box, deadline)
    if summands is None or net.layer_sizes[-1] != 1:
        return False
    forms, linear, constant = summands
    quadratic = sympy.Poly(sympy.expand(e), *variables)
    if quadratic.total_degree() > 2 or not all(c.is_Rational for c in quadratic.coeffs()):
        return False
    wanted = {powers: Fraction(int(c.p), int(c.q)) for powers, c in quadratic.terms()}
    for form, share in zip(forms, _shares(forms, wanted), strict=True):
        look_at_the_clock(deadline)
        t, y = form.t, form.values[0]
        rest = [v - share * x * x for x, v in zip(t, y, strict=True)]
        # A hint, from the outermost corners inside: the ends of the box may lie between two.
        first, last = (1, -2) if len(t) > 4 else (0, -1)
        tilt = (rest[last] - rest[first]) / (t[last] - t[first])
        least, most = _extremes(t, y, share, tilt, deadline)
        error -= (most - least) / 2
        constant += (most + least) / 2
        n = len(linear)
        for i in range(n):
            linear[i] += tilt * form.direction[i]
            for j in range(n):
                powers = tuple((k == i) + (k == j) for k in range(n))
                both = share * form.direction[i] * form.direction[j]
                wanted[powers] = wanted.get(powers, Fraction(0)) - both
    # What is left over is bounded term by term: nothing at all where the coefficients are binary fractions.
    for i, v in enumerate(linear):
        powers = tuple(int(k == i) for k in range(len(linear)))
        wanted[powers] = wanted.get(powers, Fraction(0)) - v
    nothing = (0,) * len(linear)
    wanted[nothing] = wanted.get(nothing, Fraction(0)) - constant
    sizes = [max(abs(low), abs(high)) for low, high in box]
    for powers, coefficient in wanted.items():
        bound = abs(coefficient)
        for size, power in zip(sizes, powers, strict=True):
            bound *= size**power
        error -= bound
    return error >= 0


def _shares(forms: Sequence[_Form], wanted: dict[tuple[int, ...], Fraction]) -> Vector:
    """How much of each form's square the network adds: a hint, any will do.

    Chords of s t^2 over [a, b] have the slope s (a + b): read off two pieces inside where there are two, since those
    at the ends may be cut off; otherwise by exact least squares from the polynomial.
    """
    if not forms:
        return []
    n = len(forms[0].direction)
    pairs = [(i, j) for i in range(n) for j in range(i, n)]
    columns = [
        [(1 if i == j else 2) * f.direction[i] * f.direction[j] for i, j in pairs] for f in forms
    ]
    right = [
        wanted.get(tuple((k == i) + (k == j) for k in range(n)), Fraction(0)) for i, j in pairs
    ]
    matrix = sympy.Matrix(len(pairs), len(forms), lambda r, c: _rational(columns[c][r]))
    aim = sympy.Matrix(len(pairs), 1, lambda r, _: _rational(right[r]))
    guessed = (matrix.T * matrix).pinv() * matrix.T * aim
    found = [Fraction(int(v.p), int(v.q)) for v in guessed]
    for k, form in enumerate(forms):
        t, y = form.t, form.values[0]
        if len(t) > 4:
            first, last = (y[2] - y[1]) / (t[2] - t[1]), (y[-2] - y[-3]) / (t[-2] - t[-3])
            found[k] = (last - first) / (t[-2] + t[-3] - t[1] - t[2])
    return found


def _rational(v: Fraction) -> sympy.Rational:
    return sympy.Rational(v.numerator, v.denominator)


def _extremes(
    t: Vector, y: Vector, share: Fraction, tilt: Fraction, deadline: float
) -> tuple[Fraction, Fraction]:
    """The least and the largest value of y(t) - share t^2 - tilt t, for y straight between its corners."""
    found = []
    for left, r, yl, yr in zip(t, t[1:], y, y[1:], strict=False):
        look_at_the_clock(deadline)
        slope = (yr - yl) / (r - left) - tilt
        points = [left, r]
        if share and left < slope / (2 * share) < r:
            points.append(slope / (2 * share))
        found += [yl - tilt * left + slope * (p - left) - share * p * p for p in points]
    return min(found), max(found)


def _as_sum(net: Network, box: Box, deadline: float) -> tuple[list[_Form], Vector, Fraction] | None:
    """The network as a sum of functions of one linear form each and an affine function; None if it is none."""
    n = net.n_inputs
    forms: list[_Form] = []
    linear = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    constant = [Fraction(0)] * n
    layers = exact_layers(net)
    for k, (weights, biases, scale) in enumerate(layers):
        rows = [[(j, Fraction(int(w), scale)) for j, w in enumerate(row) if w] for row in weights]
        linear = [
            [sum((w * linear[j][i] for j, w in row), Fraction(0)) for i in range(n)] for row in rows
        ]
        constant = [
            sum((w * constant[j] for j, w in row), Fraction(int(b), scale))
            for row, b in zip(rows, biases, strict=True)
        ]
        for form in forms:
            width = range(len(form.t))
            new = []
            for row in rows:
                look_at_the_clock(deadline)
                new.append(
                    [sum((w * form.values[j][p] for j, w in row), Fraction(0)) for p in width]
                )
            form.values = new
        if k < len(layers) - 1 and not _rectified(forms, linear, constant, box, deadline):
            return None
    return forms, linear[0], constant[0]


def _rectified(
    forms: list[_Form], linear: list[Vector], constant: Vector, box: Box, deadline: float
) -> bool:
    """ReLU on every unit of a layer, in place; False where one has no form of its own and either sign."""
    bending: dict[int, list[int]] = {}
    for u in range(len(linear)):
        look_at_the_clock(deadline)
        low, high = _range(linear[u], box)
        low, high = low + constant[u], high + constant[u]
        for form in forms:
            low, high = low + min(form.values[u]), high + max(form.values[u])
        if low >= 0:
            continue
        own = [i for i, form in enumerate(forms) if any(form.values[u])]
        if high <= 0:
            for i in own:
                forms[i].values[u] = [Fraction(0)] * len(forms[i].t)
        else:
            if len(own) > 1:
                return False
            i = own[0] if own else _form_along(forms, linear[u], box, len(linear))
            ratio = _ratio(linear[u], forms[i].direction)
            if ratio is None:
                return False
            forms[i].values[u] = [
                v + ratio * t + constant[u]
                for v, t in zip(forms[i].values[u], forms[i].t, strict=True)
            ]
            bending.setdefault(i, []).append(u)
        linear[u], constant[u] = [Fraction(0)] * len(box), Fraction(0)
    for i, units in bending.items():
        _bend(forms[i], units, deadline)
    return True


def _range(v: Vector, box: Box) -> tuple[Fraction, Fraction]:
    ends = [sorted((w * low, w * high)) for w, (low, high) in zip(v, box, strict=True)]
    return sum((a for a, _ in ends), Fraction(0)), sum((b for _, b in ends), Fraction(0))


def _form_along(forms: list[_Form], direction: Vector, box: Box, units: int) -> int:
    for i, form in enumerate(forms):
        if _ratio(direction, form.direction) is not None:
            return i
    low, high = _range(direction, box)
    forms.append(_Form(direction, [low, high], [[Fraction(0)] * 2 for _ in range(units)]))
    return len(forms) - 1


def _ratio(v: Vector, direction: Vector) -> Fraction | None:
    """The r with v = r direction."""
    i = next(i for i, d in enumerate(direction) if d)
    r = v[i] / direction[i]
    return r if all(a == r * d for a, d in zip(v, direction, strict=True)) else None


def _bend(form: _Form, units: Sequence[int], deadline: float) -> None:
    """ReLU on these units of a form; where one crosses 0, all get a corner."""
    new_t, columns = [form.t[0]], [[row[0] for row in form.values]]
    for p in range(1, len(form.t)):
        look_at_the_clock(deadline)
        left, right = [row[p - 1] for row in form.values], [row[p] for row in form.values]
        shares = {left[u] / (left[u] - right[u]) for u in units if left[u] * right[u] < 0}
        for share in sorted(shares):
            new_t.append(form.t[p - 1] + share * (form.t[p] - form.t[p - 1]))
            columns.append([a + share * (b - a) for a, b in zip(left, right, strict=True)])
        new_t.append(form.t[p])
        columns.append(right)
    form.t = new_t
    form.values = [list(row) for row in zip(*columns, strict=True)]
    for u in units:
        form.values[u] = [max(v, Fraction(0)) for v in form.values[u]]
