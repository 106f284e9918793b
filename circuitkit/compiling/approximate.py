r"""Networks near functions that no network computes, with a proved bound of the distance on a box.

Two constructions: straight pieces laid by one hidden layer (:mod:`.interpolating`), whose number grows like
:math:`1/\sqrt{\varepsilon}`, and folding (:mod:`.sawtooth`), which takes :math:`\log(1/\varepsilon)` units for a
square. The bound is proved for the network as it stands, with its rounded weights, on the box and nowhere else.
"""

from __future__ import annotations

import itertools
import math
import numbers
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from circuitkit.checks import (
    accepts,
    instance,
    is_real,
    listed,
    made_by,
    number,
    one_of,
    optional,
    seconds,
    wrong_type,
)
from circuitkit.compiling.interpolating import TooManyPieces, fewest_corners, shallow
from circuitkit.compiling.recheck import holds_for_one, holds_for_several, is_met
from circuitkit.compiling.sawtooth import Square, folded, folds, modulated
from circuitkit.compiling.segments import segments
from circuitkit.compiling.smooth import Smooth, known
from circuitkit.compiling.squares import Squares, completed
from circuitkit.compiling.worst_error import Enclosure, check_defined, quadratic, worst_error
from circuitkit.exact.regions import OutOfTime, look_at_the_clock
from circuitkit.functions.language import CATALOGUE, Condition, parse
from circuitkit.functions.target import Target, TargetLike, target
from circuitkit.network import Network
from circuitkit.proof.claim import Box, read_domain, values
from circuitkit.proof.prove import Undecided
from circuitkit.words import dashes, float_above, interval, nearest_float
from circuitkit.words import number as written

__all__ = ["Approximation", "approximate", "enclose_error"]

#: more hidden units are not tried
_MOST_UNITS = 4096
#: with so many straight pieces in sight, folding is tried first
_FEW = 60
#: and with so few units found it is not tried at all
_FEW_ENOUGH = 20
#: bits of ends and coefficients that are not short binary fractions: first the most
_BITS = (24, 18, 12)
#: a graph of one input has at most 2^15 straight pieces, one after another
_MOST_DOUBLINGS = 15
#: significant digits of a bound that is not exact
_DIGITS = 4
#: an interval is not folded that is a smaller share than 2^-32 of its ends, whose halves doubles hardly tell apart,
#: nor are kinks laid where it holds some dozen doubles or fewer: there only a constant is tried
_EQUAL_PIECES, _FEW_DOUBLES = 32, 49
#: the doubles reach a little further than the ends of a box and a tolerance
_LARGEST = Fraction(10) ** 300
#: a function of larger values than 2^256 is made smaller while networks are looked for, so that squares are doubles, too;
#: a network takes its size back in its last weights, or as a scale up to 2^1000
_LARGE, _LARGEST_POWER = 256, 1000

Domain = Sequence[tuple[float | Fraction, float | Fraction]]
Ends = tuple[tuple[Fraction, Fraction], ...]


@dataclass(frozen=True)
class _Function:
    """What was read: the function, and what has to hold for it to have a value."""

    target: Target
    conditions: tuple[Condition, ...] = ()


def _read(name: str, value: Any) -> _Function:
    if not isinstance(value, str):
        made = _Function(target(value))
    else:
        conditions: list[Condition] = []
        text = value.strip()
        read = parse(CATALOGUE.get(text, text), conditions=conditions)
        function = Target(read.outputs, variables=read.variables, name=text)
        renamed = dict(zip(read.variables, function.variables, strict=True))
        renamed |= {sympy.Symbol(s.name, real=True): v for s, v in renamed.items()}
        made = _Function(
            function,
            tuple(Condition(c.part.xreplace(renamed), c.sign, c.written) for c in conditions),
        )
    if made.target.n_outputs != 1:
        raise ValueError(f"{name}: expected one function, got {made.target.n_outputs} outputs")
    for part in (made.target.expression, *(c.part for c in made.conditions)):
        try:
            known(part)
        except ValueError as problem:
            raise ValueError(f"{name}: {str(problem).partition(': ')[2]}") from None
    return made


_FUNCTION = made_by(
    _read,
    says=("target",),
    right="x**2",
    wrong=("nonsense(x)", "", 3, None, "abs(x)", ("x", "x"), [], sympy.Symbol("x", positive=True)),
)


@dataclass(frozen=True, eq=False, repr=False)
class Approximation:
    r"""A network near a function on a box, with a proved bound.

    Attributes:
        network: the network; its weights are the exact binary fractions that floats are.
        target: the function.
        domain: the box, (low, high) for each input, exact.
        error: for every x of the box, :math:`|net(x) - f(x)|` is at most this, 0 or above. Nothing is said beyond the box.
        lower: and somewhere in the box it is at least this, 0 or above.
        method: ``"interpolation"`` or ``"folding"``.
        at: an input of the box whose error is ``lower`` or more, n numbers between its ends; None if ``lower`` is 0 and none was kept.

    Example:
        >>> near = approximate("x**2", [(0, 1)], tolerance=1e-3)
        >>> near
        Approximation(x**2 on [0, 1] within 0.0004883, proved: 1-5-4-1, 9 hidden units, by folding)
        >>> near.error, near.check(), near.n_units, isinstance(near, Approximation)
        (Fraction(1, 2048), True, 9, True)
    """

    network: Network
    target: Target
    domain: Ends
    error: Fraction
    lower: Fraction
    method: str
    at: tuple[Fraction, ...] | None = None

    def check(self) -> bool:
        """Whether both bounds hold, verified from the network's weights by code that did not find them.

        False also where that cannot be shown, and where this is no network, function, box and bounds, for instance
        no two different ends. A ``lower`` above 0 is verified at the input ``at``. mpmath's intervals and SymPy's derivatives take the place
        of Arb, and the network's graph is only a hint (for several inputs, its sum of functions of one number).

        Example:
            >>> from dataclasses import replace
            >>> near = approximate("x**2", [(0, 1)], tolerance=1e-2)
            >>> near.check(), replace(near, error=near.error * Fraction(99, 100)).check()
            (True, False)
        """
        return self._holds(math.inf)

    def _holds(self, deadline: float) -> bool:
        """As :meth:`check`; OutOfTime where the deadline passes, looked at for several inputs alone."""
        if not isinstance(self.network, Network) or not isinstance(self.target, Target):
            return False
        if self.target.n_outputs != 1:
            return False
        f, variables = self.target.expression, self.target.variables
        if self.network.layer_sizes[:: len(self.network.weights)] != (len(variables), 1):
            return False
        try:
            box = tuple((_fraction(low), _fraction(high)) for low, high in self.domain)
            error, lower = _fraction(self.error), _fraction(self.lower)
            at = () if self.at is None else tuple(map(_fraction, self.at))
        except (TypeError, ValueError, OverflowError):  # no numbers, or infinite ones
            return False
        if len(box) != len(variables) or any(low >= high for low, high in box):
            return False
        if error < 0 or (lower > 0 and not is_met(self.network, f, variables, box, at, lower)):
            return False
        if len(variables) == 1:
            return holds_for_one(self.network, f, variables[0], box[0], error)
        return holds_for_several(self.network, f, variables, box, error, deadline)

    @property
    def n_units(self) -> int:
        """Hidden units."""
        return sum(self.network.layer_sizes[1:-1])

    def __repr__(self) -> str:
        box = " × ".join(interval(a, b) for a, b in self.domain)
        units = f"{self.n_units} hidden unit{'' if self.n_units == 1 else 's'}"
        return (
            f"Approximation({self.target.name} on {box} within {written(self.error, rounding='up')}, proved: "
            f"{dashes(self.network.layer_sizes)}, {units}, by {self.method})"
        )


@accepts(
    expr=_FUNCTION,
    domain=listed("a pair (low, high) for each input"),
    tolerance=number("a number", above=0, right=0.1),
    method=optional(one_of("interpolation", "folding")),
    time_limit=optional(seconds()),
)
def approximate(
    expr: TargetLike,
    domain: Domain,
    *,
    tolerance: float | Fraction,
    method: str | None = None,
    time_limit: float | None = None,
) -> Approximation:
    r"""A network within ``tolerance`` of a smooth function on a box, proved, with few units.

    Of one variable, anything built of ``exp log sqrt sin cos tan atan sinh cosh tanh sigmoid softplus``, of
    ``+ - * /`` and powers; of several, polynomials of degree 2.

    ``"interpolation"`` lays straight pieces: one hidden layer, one unit a kink, about
    :math:`\tfrac14 \int \sqrt{|f''|/\varepsilon}` of them. ``"folding"`` refines all pieces at once, layer by
    layer: a square takes 2.5 units for each bit; other functions a parabola on each of some equal
    pieces, :math:`O(\varepsilon^{-1/3})` units. Several variables are folded: their polynomial is a
    sum of squares of linear forms, ``x1*x2 = ((x1 + x2)/2)**2 - ((x1 - x2)/2)**2``.

    Args:
        expr: text, a SymPy expression or a :class:`~circuitkit.Target`. Text may divide and take powers
            where that is defined on the box.
        domain: ``[(low, high), ...]``, a finite interval for each input.
        tolerance: the error that is allowed at most, positive and absolute.
        method: ``"interpolation"`` or ``"folding"``; by default whichever needs fewer hidden units.
        time_limit: seconds for the search, above 0, or None for as long as it takes. What was proved when they
            are over is returned, though a method that was not tried by then might have needed fewer units. A network
            of one input that is being built then is finished first, some seconds for thousands of units.

    Raises:
        TypeError, ValueError: an argument that does not fit: ``expr`` is not smooth or, of several
            variables, no quadratic polynomial; it has no value somewhere on the box; the box is
            unbounded; the tolerance would need more than 4,096 units, 32,768 pieces by folding, or weights beyond
            the doubles.
        Undecided: no network was proved to be near enough within the time limit.
        ImportError: without the extra ``exact`` (python-flint), for other functions than quadratic ones.

    The time grows with the number of units, for the error is enclosed on each of their pieces, and with how hard the
    function is to enclose: ``sin(1000*x)``, of many units, takes long, and so does ``cos(1/x)`` near 0, of few.

    Example:
        >>> near = approximate("sin(x)", [(0, 6.3)], tolerance=0.01)
        >>> near.network.layer_sizes, near.method, near.error <= Fraction(1, 100), near.check()
        ((1, 12, 1), 'interpolation', True, True)
        >>> approximate("x1*x2", [(0, 1), (0, 1)], tolerance=1e-3)
        Approximation(x1*x2 on [0, 1] × [0, 1] within 0.0009766, proved: 2-9-7-1, 16 hidden units, by folding)
        >>> approximate("1/x", [(-1, 1)], tolerance=0.1)
        Traceback (most recent call last):
        ...
        ValueError: domain: expected numbers for which 1/x has a value (x != 0), got [-1, 1]

    Source: Yarotsky (2017), "Error bounds for approximations with deep ReLU networks", for folding; Imai and Iri
    (1986), "An optimal algorithm for approximating a piecewise linear function", for the straight pieces.
    """
    function = _function(expr)
    f, n = function.target, function.target.n_inputs
    box = _box(domain, n)
    allowed = _fraction(tolerance)
    deadline = math.inf if time_limit is None else time.monotonic() + time_limit
    try:
        if n == 1:
            _defined(function, box)
            made = _of_one(f, box[0], allowed, method, deadline)
        else:
            made = _of_several(f, box, allowed, method, deadline)
    except OutOfTime:
        raise Undecided(
            f"no network was proved to be within {written(allowed)} of {f} in {written(time_limit or 0)} s"
        ) from None
    except ZeroDivisionError:
        if nearest_float(allowed):
            raise
        made = None  # no double is as small as that
    except OverflowError:
        raise ValueError(
            f"expr: expected a function whose values on the domain, and those of its parts, are doubles, got {f}"
        ) from None
    if made is None:
        what = f"{_MOST_UNITS:,} hidden units with weights in doubles, and {2**_MOST_DOUBLINGS:,} pieces, can meet"
        how = "" if method is None else f" by {method}"
        few = ""
        bits = _EQUAL_PIECES if method == "folding" else _FEW_DOUBLES
        if (
            n == 1
            and _too_short(*box[0], bits=bits)
            and not f.expression.is_polynomial(*f.variables)
        ):
            few = "; between these ends of the domain are too few doubles: no network that bends there was tried"
        raise ValueError(f"tolerance: expected one that {what}{how}, got {written(allowed)}{few}")
    return made


@accepts(net=instance(Network), f=_FUNCTION, domain=listed("one pair (low, high)"))
def enclose_error(net: Network, f: TargetLike, *, domain: Domain) -> tuple[Fraction, Fraction]:
    r"""Two numbers between which the worst error of a network lies: :math:`\max_x |net(x) - f(x)|` on an interval.

    Both are proved. For a polynomial of degree 2 they are the same number; otherwise the upper one is at
    most some 1e-7 of itself larger, unless the search ends early.

    Args:
        net: a network of one input and one output, of any depth and from anywhere.
        f: a smooth function of one variable, as :func:`approximate` takes it.
        domain: ``[(low, high)]``.

    Raises:
        TypeError, ValueError: an argument that does not fit, as in :func:`approximate`; a network with
            several inputs or outputs, or more than 65,536 straight pieces.
        ImportError: without the extra ``exact`` (python-flint), for other functions than quadratic ones.

    Example:
        >>> tent = Network([[[1], [1]], [[1, -2]]], [[0, -1.5], [0]])
        >>> low, high = enclose_error(tent, "sin(x)", domain=[(0, 3)])
        >>> round(float(low), 6), round(float(high), 6)
        (0.502505, 0.502505)
        >>> enclose_error(tent, "x**2", domain=[(0, 1)])
        (Fraction(1, 4), Fraction(1, 4))

    Source: Moore (1966), "Interval Analysis".
    """
    function = _function(f)
    if net.layer_sizes[0] != 1 or net.layer_sizes[-1] != 1:
        sizes = dashes(net.layer_sizes)
        raise ValueError(f"net: expected one input and one output, got {sizes}")
    if function.target.n_inputs != 1:
        raise ValueError(f"f: expected a function of one variable, got {function.target}")
    box = _box(domain, 1)
    _defined(function, box)
    found = worst_error(
        segments(net, *box[0]), function.target.expression, function.target.variables[0]
    )
    return found.lower, found.upper


def _fraction(v: Any) -> Fraction:
    """The number that this is, exactly.

    Raises:
        TypeError, ValueError, OverflowError: it is none, or not finite.
    """
    if not is_real(v):
        raise wrong_type("a number", "a real one", type(v).__name__)
    if isinstance(v, numbers.Rational):
        return Fraction(int(v.numerator), int(v.denominator))
    return Fraction(float(v))


def _function(given: Any) -> _Function:
    """What :data:`_FUNCTION` has made of the argument."""
    if not isinstance(given, _Function):
        raise wrong_type("expr", "a function", type(given).__name__)
    return given


def _box(domain: Any, n: int) -> Ends:
    box = read_domain(domain, n)
    if not isinstance(box, Box):
        raise ValueError(
            f"domain: expected {n} pairs (low, high) of finite numbers, got a polytope"
        )
    ends = []
    for low, high in box.ends:
        if low is None or high is None:
            raise ValueError(
                "domain: expected finite ends, as no network stays near a function that bends for ever, "
                f"got {box.floats()}"
            )
        if low == high:
            raise ValueError(f"domain: expected low < high, got ({written(low)}, {written(high)})")
        if max(abs(low), abs(high)) > _LARGEST:
            raise ValueError(
                f"domain: expected ends between -1e300 and 1e300, got ({written(low)}, {written(high)})"
            )
        ends.append((low, high))
    return tuple(ends)


def _defined(function: _Function, box: Ends) -> None:
    f = function.target
    check_defined(*box[0], f.expression, f.variables[0], function.conditions)


# --- one variable -------------------------------------------------------------------------------------


def _of_one(
    f: Target,
    ends: tuple[Fraction, Fraction],
    allowed: Fraction,
    method: str | None,
    deadline: float,
) -> Approximation | None:
    search = _Search(f, ends, allowed, deadline)
    try:
        _try(search, method)
    except OutOfTime:
        if not search.found:
            raise
    return min(search.found, key=lambda a: a.n_units, default=None)


def _try(search: _Search, method: str | None) -> None:
    """The methods, in the order in which they may make each other superfluous."""
    bent = search.exact is not None and search.exact[2] != 0
    if method == "interpolation":
        search.interpolate()
    elif bent:
        search.square()
    elif method == "folding":
        search.fold()
    if method is None:
        # The one that seems to be cheaper first: it often tells that the other need not be tried.
        pieces = 0.8 * _pieces_wanted(search.f, search.ends, search.allowed)
        if pieces < min(search.fewest, _FEW):
            search.interpolate()
        if not bent and search.fewest > _FEW_ENOUGH:
            search.fold()
        if _FEW <= pieces < search.fewest:
            search.interpolate()
    if not search.found and method != "folding":
        search.level()


class _Search:
    """The approximations found so far of a function of one variable."""

    def __init__(
        self, f: Target, ends: tuple[Fraction, Fraction], allowed: Fraction, deadline: float
    ) -> None:
        self.f, self.ends, self.allowed, self.deadline = f, ends, allowed, deadline
        self.exact = quadratic(f.expression, f.variables[0])
        self.found: list[Approximation] = []
        self.values = _values(f, ends, deadline)
        self.power = _power(self.values(np.linspace(float(ends[0]), float(ends[1]), 1025)))
        #: what is looked for is 2**power times smaller than the function, and so is its error
        self.reduced = min(allowed / Fraction(2) ** self.power, _LARGEST)

    @property
    def fewest(self) -> int:
        return min((a.n_units for a in self.found), default=_MOST_UNITS)

    def interpolate(self) -> None:
        def values(t: Any) -> Any:
            return np.ldexp(self.values(t), -self.power)

        networks = _interpolated(values, self.ends, self.reduced, self.fewest, self.coefficients)
        self.first(networks, "interpolation")

    @property
    def coefficients(self) -> tuple[Fraction, ...] | None:
        """Those of what is looked for, where it is quadratic."""
        return None if self.exact is None else tuple(c / 2**self.power for c in self.exact)

    def level(self) -> None:
        """A constant: of a short interval, whose ends are too close for doubles to stand in for, it may be all."""
        low, high = (float(v) for v in self.ends)
        y = Smooth(self.f.expression, self.f.variables[0]).floats(np.linspace(low, high, 33))
        if np.isfinite(y).all():
            height = math.ldexp(float(y.min() / 2 + y.max() / 2), -self.power)
            self.first(iter([Network([[[1.0]], [[0.0]]], [[0.0], [height]])]), "interpolation")

    def fold(self) -> None:
        networks = _modulated(self.f, self.ends, self.reduced, self.fewest, self.power)
        self.first(networks, "folding")

    def square(self) -> None:
        terms: dict[tuple[int, ...], Fraction] = {
            (k,): c for k, c in enumerate(self.coefficients or ()) if c
        }
        networks = _folded(completed(terms, (self.ends,)), self.reduced)
        self.first((net for net, _ in networks), "folding")

    def first(self, networks: Iterator[Network], method: str) -> None:
        """Keep the first that is proved to be near enough."""
        look_at_the_clock(self.deadline)
        for reduced in networks:
            look_at_the_clock(self.deadline)
            net = _enlarged(reduced, self.power)
            graph = segments(net, *self.ends)
            enclosure = worst_error(graph, self.f.expression, self.f.variables[0], self.deadline)
            error = _stated(enclosure, self.allowed, exact=self.exact is not None)
            if error is not None:
                lower, at = enclosure.lower, (enclosure.at,)
                made = Approximation(net, self.f, (self.ends,), error, lower, method, at)
                self.found.append(made)
                return


def _values(f: Target, ends: tuple[Fraction, Fraction], deadline: float) -> Callable[[Any], Any]:
    """The function in floats, beyond the interval as at its end; nan or inf where it has no value."""
    low, high = (float(v) for v in ends)
    call = sympy.lambdify([f.variables[0]], f.expression, "numpy", cse=True)

    def values(t: Any) -> Any:
        look_at_the_clock(deadline)
        with np.errstate(all="ignore"):
            found = np.real(np.asarray(call(np.clip(t, low, high))))
        return np.broadcast_to(found.astype(float), np.shape(t))

    return values


def _power(values: Any) -> int:
    """The power of 2 that large values are divided by; 0 for others."""
    finite = np.abs(values[np.isfinite(values)])
    power = math.frexp(float(finite.max(initial=0.0)))[1]
    return power if power > _LARGE else 0


def _enlarged(net: Network, power: int) -> Network:
    """The network times a power of 2, exactly: in its last weights, or where these were no doubles, in its scale."""
    if not power:
        return net
    # A scale is a double, too, and 2**1024 is none.
    for scaled in (0, min(power, _LARGEST_POWER)):
        with np.errstate(over="ignore"):
            last = [np.ldexp(v[-1], power - scaled) for v in (net.weights, net.biases)]
        if all(np.isfinite(v).all() for v in last):
            break
    scale = net.scale * 2**scaled
    return Network([*net.weights[:-1], last[0]], [*net.biases[:-1], last[1]], scale=scale)


def _pieces_wanted(f: Target, ends: tuple[Fraction, Fraction], allowed: Fraction) -> float:
    """About how many straight pieces it takes: a quarter of the integral of the root of |f''|/error; 0 if not known."""
    if f.expression.is_polynomial(f.variables[0]):
        bends = sympy.lambdify([f.variables[0]], f.expression.diff(f.variables[0], 2), "numpy")
    else:
        bends = lambda t: Smooth(f.expression, f.variables[0]).floats(t, bends=True)  # noqa: E731
    low, high = (float(v) for v in ends)
    t = low + (high - low) * (np.arange(2048) + 0.5) / 2048
    with np.errstate(all="ignore"):
        roots = np.sqrt(np.abs(np.broadcast_to(np.asarray(bends(t), dtype=float), t.shape)))
    total = float(roots.mean()) * (high - low) / 4 / math.sqrt(float_above(allowed))
    return total if math.isfinite(total) else 0.0


def _stated(enclosure: Enclosure, allowed: Fraction, *, exact: bool) -> Fraction | None:
    """The bound to state: exact where it is short, else a few digits and a little above; None if it is too large.

    Of what is not quadratic always above: intervals do not show a bound that is met exactly.
    """
    upper = enclosure.upper
    if upper > allowed:
        return None
    if exact and enclosure.lower == upper and upper.denominator < 2**64:
        return upper
    above = Fraction(written(upper * (1 + Fraction(1, 10**6)), _DIGITS, rounding="up"))
    return min(above, allowed)


def _interpolated(
    values: Callable[[Any], Any],
    ends: tuple[Fraction, Fraction],
    allowed: Fraction,
    most: int,
    exact: Any,
) -> Iterator[Network]:
    """Networks of one hidden layer, the band a little narrower each time."""
    low, high = (float(v) for v in ends)
    if exact is not None and not exact[2]:
        yield shallow(
            [
                (low, float(exact[0] + exact[1] * ends[0])),
                (high, float(exact[0] + exact[1] * ends[1])),
            ],
            *ends,
        )
        return
    if _too_short(*ends, bits=_EQUAL_PIECES):
        # Kinks are at doubles, of which there are few, and values are rounded, perhaps by more than is allowed.
        size = np.abs(values(np.linspace(low, high, 33))).max()
        if _too_short(*ends, bits=_FEW_DOUBLES) or not size * 2.0**-50 < float(allowed):
            return
        most = min(most, int((high - low) / math.ulp(max(abs(low), abs(high)))))
    for narrower in (3e-4, 3e-3, 2e-2, 0.1):
        error = float(allowed) * (1 - narrower)
        if error <= 0:
            return
        try:
            graphs = fewest_corners(values, low, high, error, most)
        except TooManyPieces:
            return
        graphs.sort(key=len)
        apart = [c for c in graphs if all(a[0] < b[0] for a, b in itertools.pairwise(c))]
        made = [shallow(corners, *ends) for corners in apart]
        yield from sorted(made, key=lambda net: net.layer_sizes[1])


def _too_short(low: Fraction, high: Fraction, *, bits: int) -> bool:
    """Whether there are too few doubles in an interval to look for pieces among them."""
    return high - low < max(abs(low), abs(high)) / (1 << bits)


def _modulated(
    f: Target, ends: tuple[Fraction, Fraction], allowed: Fraction, most: int, power: int
) -> Iterator[Network]:
    """Parabolas on 2, 4, 8, ... equal pieces, where they take fewer units, near the function over 2**power."""
    if _too_short(*ends, bits=_EQUAL_PIECES):
        return
    low, high = _outward(*ends, 20)
    smooth = Smooth(f.expression, f.variables[0])
    tolerance = float(allowed)
    t = np.linspace(0, 1, 33)
    arch = t * (1 - t)
    for j in range(12):
        n = 2**j
        h = float(high - low) / n
        x = float(low) + h * (np.arange(n)[:, None] + t)
        y = np.ldexp(smooth.floats(np.clip(x, float(ends[0]), float(ends[1]))), -power)
        if not np.isfinite(y).all():
            return
        rest = y - (y[:, :1] * (1 - t) + y[:, -1:] * t)
        bends = (rest @ arch) / (arch @ arch)
        residual = rest - bends[:, None] * arch
        missed = float(np.abs(residual).max())
        if missed > 0.9 * tolerance:
            continue
        steepest = float(np.abs(bends).max())
        left = max((tolerance - missed) * 0.97, tolerance * 1e-3)
        m = max(1, math.ceil(math.log(max(steepest / 8 / left, 1e-9), 4)))
        for doublings in (m, m + 1):
            units = 2 * n + 1 + 5 * (j + doublings) // 2
            if units > most + 8 or j + doublings > _MOST_DOUBLINGS:
                return
            heights = np.append(y[:, 0], y[-1, -1])
            share = 4.0**-doublings / 8
            padded = np.concatenate([bends[:1], bends, bends[-1:]])
            heights = heights + share * (padded[:-1] + padded[1:]) / 2
            for bits in (34, 28):
                try:
                    net = _from_floats(low, high - low, heights, bends, doublings, bits)
                except ValueError:
                    continue
                if sum(net.layer_sizes[1:-1]) < most:
                    yield net
                break


def _from_floats(
    low: Fraction, length: Fraction, heights: Any, bends: Any, doublings: int, bits: int
) -> Network:
    """The folded network with slopes and bends as short binary fractions; roundings of slopes do not add up."""
    n = len(bends)
    h = length / n
    size = float(np.abs(heights).max()) + float(np.abs(bends).max()) + 1e-300
    grid = Fraction(2) ** (math.frexp(size / float(length))[1] - bits)
    start = reached = _rounded(
        Fraction(float(heights[0])), Fraction(2) ** (math.frexp(size)[1] - bits)
    )
    slopes = []
    for height in heights[1:]:
        slope = _rounded((Fraction(float(height)) - reached) / h, grid)
        slopes.append(slope)
        reached += slope * h
    short = [_rounded(Fraction(float(b)) / length, grid) for b in bends]
    lift = Fraction(2) ** (math.frexp(3 * size)[1] + 1)
    return modulated(low, length, start, slopes, short, doublings, lift)


def _rounded(v: Fraction, grid: Fraction) -> Fraction:
    return round(v / grid) * grid


def _outward(low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
    """An interval around this one whose ends are short binary fractions."""
    grid = Fraction(2) ** (math.frexp(float(high - low))[1] - bits)
    return math.floor(low / grid) * grid, math.ceil(high / grid) * grid


# --- squares ------------------------------------------------------------------------------------------


def _folded(squares: Squares, allowed: Fraction) -> Iterator[tuple[Network, Fraction]]:
    """Networks of ever more layers, each with its error by the construction's formula."""
    for bits in _BITS:
        rounded = squares.rounded(bits)
        for doublings in range(1, _MOST_DOUBLINGS + 1):
            pieces = 2**doublings
            error = rounded.left_over
            made = []
            for q in rounded.squares:
                low, high = _outward(*rounded.range_of(q), bits)
                made.append(Square(q.form, low, high - low, q.share))
                error += abs(q.share) * ((high - low) / pieces) ** 2 / 8
            if rounded.left_over >= allowed:
                break
            if error > allowed:
                continue
            try:
                yield _with_squares(rounded, made, doublings, error)
            except ValueError:  # a weight of too many bits
                break


def _with_squares(
    rounded: Squares, squares: list[Square], doublings: int, error: Fraction
) -> tuple[Network, Fraction]:
    linear, constant = list(rounded.linear), rounded.constant
    # share form^2 = share (form - low)^2 + 2 share low form - share low^2
    for q in squares:
        for k, v in enumerate(q.form):
            linear[k] += 2 * q.share * q.low * v
        constant -= q.share * q.low**2
    sizes = [max(abs(a), abs(b)) for a, b in rounded.box]
    reach = sum((abs(v) * s for v, s in zip(linear, sizes, strict=True)), Fraction(0))
    for q in squares:
        form = sum((abs(v) * s for v, s in zip(q.form, sizes, strict=True)), abs(q.low))
        reach += 2 * abs(q.share) * q.length * (form + q.length)
    offset = Fraction(2) ** math.ceil(math.log2(float_above(reach) or 1.0))
    net, moved = folded(squares, linear, constant, folds(doublings), offset)
    return net, error + abs(moved)


def _of_several(
    f: Target, box: Ends, allowed: Fraction, method: str | None, deadline: float
) -> Approximation | None:
    terms = _quadratic_terms(f)
    if method == "interpolation":
        raise ValueError(
            "method: expected 'folding' for a function of several variables, got 'interpolation'"
        )
    squares = completed(terms, box)
    if not squares.squares:
        net, error = squares.affine()
        return (
            Approximation(net, f, box, error, Fraction(0), "interpolation")
            if error <= allowed
            else None
        )
    for net, bound in _folded(squares, allowed):
        look_at_the_clock(deadline)
        if bound > allowed:
            continue
        stated = _stated(Enclosure(bound, bound, Fraction(0)), allowed, exact=True)
        if stated is not None:
            lower, at = _met(net, f, box)
            made = Approximation(net, f, box, stated, lower, "folding", at)
            if made._holds(deadline):
                return made
    return None


def _quadratic_terms(f: Target) -> dict[tuple[int, ...], Fraction]:
    e, variables = f.expression, f.variables
    if e.is_polynomial(*variables):
        found = sympy.Poly(e, *variables)
        if found.total_degree() <= 2 and all(c.is_Rational or c.is_Float for c in found.coeffs()):
            exact = {powers: sympy.Rational(c) for powers, c in found.terms()}
            return {powers: Fraction(int(c.p), int(c.q)) for powers, c in exact.items()}
    raise ValueError(
        f"expr: expected a polynomial of degree 2 at most with rational coefficients, for several variables, got {f}"
    )


def _met(net: Network, f: Target, box: Ends) -> tuple[Fraction, tuple[Fraction, ...]]:
    """An error that is met in the box, exactly, and where: the largest of some thousand inputs."""
    rng = np.random.default_rng(0)
    ends = np.array([[float(a), float(b)] for a, b in box])
    x = ends[:, 0] + rng.random((4096, len(box))) * (ends[:, 1] - ends[:, 0])
    x = np.clip(np.round(x * 2**20) / 2**20, ends[:, 0], ends[:, 1])
    with np.errstate(over="ignore", invalid="ignore"):  # any input will do, this one does best
        k = int(np.argmax(np.abs(net(x) - f(x))))
    point = [
        min(max(Fraction(float(v)), low), high) for v, (low, high) in zip(x[k], box, strict=True)
    ]
    (error,) = values(net, point)
    for powers, c in _quadratic_terms(f).items():
        term = c
        for v, power in zip(point, powers, strict=True):
            term *= v if power == 1 else v * v if power else 1
        error -= term
    return abs(error), tuple(point)
