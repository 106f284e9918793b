"""The functions that an expression may use by their names, as SymPy expressions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy

__all__ = ["ALIASES", "FUNCTIONS", "JUMPS", "STEPS", "Named"]

#: min and max of more arguments are left as they are written
_SIMPLIFIED = 8
#: order statistics of more numbers would be too long to write down
_MOST_SORTED = 9


@dataclass(frozen=True)
class Named:
    """A function by its name.

    Attributes:
        make: arguments -> an expression, or a list of them, one an output; raises ValueError with what is
            wrong with them.
        fewest: how many arguments it takes at least.
        most: at most; None for any number.
        example: how it is written.
    """

    make: Callable[..., Any]
    fewest: int
    most: int | None
    example: str


def _extremum(function: Any) -> Callable[..., sympy.Expr]:
    """min or max; of many arguments without SymPy's simplification, which takes minutes for 256."""

    def apply(*arguments: sympy.Expr) -> sympy.Expr:
        if len(arguments) <= _SIMPLIFIED:
            return function(*arguments)
        flat = [a for e in arguments for a in (e.args if isinstance(e, function) else (e,))]
        number = function(*(a for a in flat if a.is_Rational))
        rest = [a for a in flat if not a.is_Rational]
        return function(*rest, *([number] if number.is_Rational else []), evaluate=False)

    return apply


_min, _max = _extremum(sympy.Min), _extremum(sympy.Max)


def _relu(t: sympy.Expr) -> sympy.Expr:
    return sympy.Max(t, 0)


def _leaky_relu(t: sympy.Expr, slope: sympy.Expr | None = None) -> sympy.Expr:
    below = sympy.Rational(1, 100) if slope is None else slope
    return sympy.Max(t, 0) + below * sympy.Min(t, 0)


def _clamp(t: sympy.Expr, low: sympy.Expr, high: sympy.Expr) -> sympy.Expr:
    if (low - high).is_positive:
        raise ValueError(f"clamp(t, low, high) takes low <= high, got {low} and {high}")
    return sympy.Min(sympy.Max(t, low), high)


def _hat(t: sympy.Expr) -> sympy.Expr:
    return sympy.Max(1 - sympy.Abs(t), 0)


def _mean(*values: sympy.Expr) -> sympy.Expr:
    return sympy.Add(*values) / len(values)


def _range(*values: sympy.Expr) -> sympy.Expr:
    return _max(*values) - _min(*values)


def _smallest(k: int, values: tuple[sympy.Expr, ...]) -> sympy.Expr:
    """The k-th smallest, counted from 1: the least that some k of them do not exceed."""
    if len(values) > _MOST_SORTED:
        raise ValueError(f"at most {_MOST_SORTED} numbers can be sorted, got {len(values)}")
    return _min(*(_max(*chosen) for chosen in itertools.combinations(values, k)))


def _sort(*values: sympy.Expr) -> list[sympy.Expr]:
    return [_smallest(k, values) for k in range(1, len(values) + 1)]


def _median(*values: sympy.Expr) -> sympy.Expr:
    n = len(values)
    return (_smallest((n + 1) // 2, values) + _smallest(n // 2 + 1, values)) / 2


def _sigmoid(t: sympy.Expr) -> sympy.Expr:
    return 1 / (1 + sympy.exp(-t))


def _softplus(t: sympy.Expr) -> sympy.Expr:
    return sympy.log(1 + sympy.exp(t))


def _gap(*values: sympy.Expr) -> sympy.Expr:
    return _max(*values) - _smallest(len(values) - 1, values)


def _norm1(*values: sympy.Expr) -> sympy.Expr:
    return sympy.Add(*map(sympy.Abs, values))


def _norminf(*values: sympy.Expr) -> sympy.Expr:
    return _max(*map(sympy.Abs, values))


def _is_point(p: Any) -> bool:
    both = isinstance(p, list) and len(p) == 2
    return both and all(not isinstance(v, list) and v.is_Rational for v in p)


def _interpolate(t: sympy.Expr, *points: Any) -> sympy.Expr:
    """Straight lines between points, level beyond the first and the last; of x if it is not said of what."""
    if isinstance(t, list):
        t, points = sympy.Symbol("x", real=True), (t, *points)
    if len(points) == 1 and all(isinstance(p, list) for p in points[0]):
        points = tuple(points[0])
    if len(points) < 2 or not all(map(_is_point, points)):
        raise ValueError("interpolate takes points of two numbers, such as (0, 1)")
    rising = sorted(points)
    total, slope = rising[0][1], sympy.Integer(0)
    for (x0, y0), (x1, y1) in itertools.pairwise(rising):
        if x0 == x1:
            raise ValueError(f"interpolate takes one point at each place, got two at {x0}")
        total += ((y1 - y0) / (x1 - x0) - slope) * _relu(t - x0)
        slope = (y1 - y0) / (x1 - x0)
    return total - slope * _relu(t - rising[-1][0])


FUNCTIONS: dict[str, Named] = {
    "abs": Named(sympy.Abs, 1, 1, "abs(x)"),
    "min": Named(_min, 1, None, "min(x1, x2)"),
    "max": Named(_max, 1, None, "max(x1, x2)"),
    "relu": Named(_relu, 1, 1, "relu(x)"),
    "leaky_relu": Named(_leaky_relu, 1, 2, "leaky_relu(x, 0.01)"),
    "clamp": Named(_clamp, 3, 3, "clamp(x, -1, 1)"),
    "clip": Named(_clamp, 3, 3, "clip(x, -1, 1)"),
    "hat": Named(_hat, 1, 1, "hat(x)"),
    "mean": Named(_mean, 1, None, "mean(x1, x2)"),
    "median": Named(_median, 1, None, "median(x1, x2, x3)"),
    "range": Named(_range, 1, None, "range(x1, x2, x3)"),
    "sort": Named(_sort, 2, None, "sort(x1, x2)"),
    "gap": Named(_gap, 2, None, "gap(x1, x2)"),
    "norm1": Named(_norm1, 1, None, "norm1(x1, x2)"),
    "norminf": Named(_norminf, 1, None, "norminf(x1, x2)"),
    "interpolate": Named(_interpolate, 1, None, "interpolate(x, (0, 0), (1, 2))"),
    "sin": Named(sympy.sin, 1, 1, "sin(x)"),
    "cos": Named(sympy.cos, 1, 1, "cos(x)"),
    "tan": Named(sympy.tan, 1, 1, "tan(x)"),
    "atan": Named(sympy.atan, 1, 1, "atan(x)"),
    "sinh": Named(sympy.sinh, 1, 1, "sinh(x)"),
    "cosh": Named(sympy.cosh, 1, 1, "cosh(x)"),
    "tanh": Named(sympy.tanh, 1, 1, "tanh(x)"),
    "sigmoid": Named(_sigmoid, 1, 1, "sigmoid(x)"),
    "softplus": Named(_softplus, 1, 1, "softplus(x)"),
    "exp": Named(sympy.exp, 1, 1, "exp(x)"),
    "log": Named(sympy.log, 1, 1, "log(x)"),
    "sqrt": Named(sympy.sqrt, 1, 1, "sqrt(x)"),
}

#: other names of the same functions
ALIASES: dict[str, str] = {
    "argmax_gap": "gap",
    "interpolation": "interpolate",
    "leakyrelu": "leaky_relu",
    "norm_inf": "norminf",
}

#: functions that jump, but not in a product that is 0 there: x*sign(x)
STEPS: dict[str, Callable[[sympy.Expr], sympy.Expr]] = {
    "sign": sympy.sign,
    "step": sympy.Heaviside,
    "heaviside": sympy.Heaviside,
}

#: functions that jump, which no network of ReLU units does, and a ramp that comes near them
JUMPS: dict[str, str] = {
    "sign": "clamp(100*x, -1, 1)",
    "step": "clamp(100*x, 0, 1)",
    "heaviside": "clamp(100*x, 0, 1)",
    "floor": "clamp(100*(x - 1) + 1, 0, 1)",
    "ceil": "clamp(100*x, 0, 1)",
    "round": "clamp(100*x - 49, 0, 1)",
    "frac": "clamp(100*x, 0, 1)",
    "mod": "clamp(100*x, 0, 1)",
}
