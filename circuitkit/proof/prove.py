r"""Does a network compute a function, for every input there is? Exact arithmetic, no sampling.

Two engines that share no code answer the same question. :mod:`circuitkit.exact.regions` enumerates the
linear regions as integer cones and finds the exact worst error; :mod:`circuitkit.proof.z3_engine` asks an
SMT solver. Weights are the exact rationals that the floats are, and every counterexample is evaluated
again here, in exact fractions, before anybody sees it.
"""

from __future__ import annotations

import html
import math
import numbers
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.exact import regions
from circuitkit.exact.canonical import canonical_form
from circuitkit.functions.language import CATALOGUE
from circuitkit.functions.target import Target, TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network

__all__ = ["Proof", "Undecided", "prove"]

#: networks of more hidden units are simplified before their regions are enumerated
_PLAIN_UNITS = 16

Box = tuple[tuple[Fraction | None, Fraction | None], ...]


class Undecided(RuntimeError):
    """The question was not settled within the time limit: neither proved nor refuted."""


@dataclass(frozen=True, eq=False, repr=False)
class Proof:
    r"""The verdict on: :math:`|net(x) - f(x)| \le tolerance \cdot \max(1, \max_i |x_i|)` everywhere.

    Attributes:
        holds: whether it is true for every ``x`` in the domain; also ``bool(proof)``.
        counterexample: an ``x`` of shape ``(n_in,)`` where it is false, checked in exact arithmetic;
            None if it holds. (Fractions, should no float lie in the region where it is false.)
        error: the worst error, the supremum of :math:`\max_j |net_j(x) - f_j(x)| / \max(1, \max_i
            |x_i|)` over the domain, rounded to a float.
        n_regions: how many linear regions were compared: on each of them every hidden unit is on or
            off throughout, and the target is linear. A network of more than 16 hidden units is
            simplified exactly before its regions are counted. None where z3 decided.
        domain: ``None`` for all of R^n, or the box as ``((low, high), ...)``.
        target: the function.
        network: the network.
        tolerance: the tolerance that was asked for, as an exact fraction.
        exact_error: the worst error as a fraction; None where only a bound is known, see ``bound``.
        bound: ``"exact"`` if ``error`` is the worst error; ``"at least"`` where a counterexample was
            found before all regions were seen; ``"at most"`` where z3 proved the claim with a tolerance.
        engine: what decided, ``"regions"`` or ``"z3"``; ``"samples"`` where the regions were too many
            but a sampled input refutes the claim.
    """

    holds: bool
    counterexample: NDArray[Any] | None
    error: float
    n_regions: int | None
    domain: tuple[tuple[float, float], ...] | None
    target: Target
    network: Network
    tolerance: Fraction = Fraction(0)
    exact_error: Fraction | None = None
    bound: Literal["exact", "at least", "at most"] = "exact"
    engine: Literal["regions", "z3", "samples"] = "regions"
    _point: tuple[Fraction, ...] | None = field(default=None)

    def __bool__(self) -> bool:
        return self.holds

    @property
    def verdict(self) -> str:
        """The verdict as a sentence, verdict first."""
        return self._proved() if self.holds else self._refuted()

    def _proved(self) -> str:
        where = (
            "for every input"
            if self.domain is None
            else f"for every input in {_box_text(self.domain)}"
        )
        regions = (
            f" ({_count(self.n_regions, 'linear region')})" if self.n_regions is not None else ""
        )
        if self.exact_error == 0:
            return f"Proved: this network equals {self.target} {where}{regions}."
        worst = {
            "exact": "worst error ",
            "at most": "error at most ",
            "at least": "error at least ",
        }
        return (
            f"Proved: this network is within {_short(self.tolerance)} of {self.target} {where} "
            f"({worst[self.bound]}{_short(self.error)}"
            + (
                f", {_count(self.n_regions, 'linear region')})."
                if self.n_regions is not None
                else ")."
            )
        )

    def _refuted(self) -> str:
        point = self._point or ()
        at = [_short(v) for v in point]
        x = at[0] if len(at) == 1 else f"({', '.join(at)})"
        given = _values_text(_network_at(self.network, point))
        wanted = _values_text(_target_at(self.target, point))
        worst = {
            "exact": "worst error ",
            "at least": "worst error at least ",
            "at most": "error at most ",
        }
        beyond = f"; tolerance {_short(self.tolerance)}" if self.tolerance else ""
        close = "almost " if given == wanted else ""
        return (
            f"Refuted: at x = {x} the network gives {given}, the target {self.target} gives {close}{wanted} "
            f"({worst[self.bound]}{_short(self.error)}{beyond})."
        )

    def __repr__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        verdict, _, rest = self.verdict.partition(":")
        kind = "proved" if self.holds else "refuted"
        return (
            f'<p class="ck-result ck-result-{kind}"><strong>{html.escape(verdict)}:</strong>'
            f"{html.escape(rest)}</p>"
        )


def prove(
    net: Network,
    target: TargetLike,
    *,
    tolerance: float | Fraction = 0,
    domain: Sequence[tuple[float, float]] | None = None,
    time_limit: float = 60.0,
    engine: Literal["auto", "regions", "z3"] = "auto",
) -> Proof:
    r"""Decide whether the network is the function, for every input in the domain.

    The claim is :math:`|net(x) - f(x)| \le tolerance \cdot \max(1, \max_i |x_i|)`, for every output, at
    every ``x``. All numbers are the exact rationals that the floats are; the answer is exact.

    Args:
        net: the network.
        target: a catalogue name, an expression, or a Target; piecewise linear with rational numbers,
            that is, made of numbers, ``+ -``, multiples, ``abs``, ``min`` and ``max``.
        tolerance: 0 or above; 0 asks whether they are equal.
        domain: None for all of R^n, or a box, ``(low, high)`` for each input, ends included;
            infinite ends are allowed.
        time_limit: seconds, above 0.
        engine: ``"regions"`` (exact worst error), ``"z3"``, or ``"auto"``: regions first; if they are
            too many, a look at samples, then z3 with what is left of the time.

    Returns:
        A Proof. A refuted claim comes with a counterexample that was evaluated again exactly.

    Raises:
        Undecided: neither engine could settle it within the time limit.
        TypeError: ``net`` is not a Network, or another argument has the wrong type.
        ValueError: the target takes or gives another number of values than the network, is not
            piecewise linear, or an argument is out of range.

    Example:
        >>> identity = Network([[[1], [-1]], [[1, -1]]])
        >>> prove(identity, "identity")
        Proved: this network equals x for every input (2 linear regions).
        >>> prove(identity, "abs")
        Refuted: at x = -1 the network gives -1, the target abs(x) gives 1 (worst error 2).
    """
    if not isinstance(net, Network):
        raise TypeError(f"net: expected a Network, got {type(net).__name__}")
    f = _checked_target(net, target)
    allowed = _checked_tolerance(tolerance)
    box = _checked_domain(domain, net.n_inputs)
    if (
        isinstance(time_limit, bool)
        or not isinstance(time_limit, numbers.Real)
        or not time_limit > 0
    ):
        raise ValueError(f"time_limit: expected a number of seconds above 0, got {time_limit!r}")
    if engine not in ("auto", "regions", "z3"):
        raise ValueError(f"engine: expected 'auto', 'regions' or 'z3', got {engine!r}")
    start = time.monotonic()
    if engine != "z3":
        share = 0.7 if engine == "auto" else 1.0
        found = _by_regions(net, f, allowed, box, start + share * time_limit)
        if found is not None:
            return found
    if engine == "auto":
        found = _by_sampling(net, f, allowed, box)
        if found is not None:
            return found
    if engine != "regions":
        found = _by_z3(net, f, allowed, box, time_limit - (time.monotonic() - start))
        if found is not None:
            return found
    raise Undecided(
        f"undecided within {time_limit:g} s: whether this network equals {f}"
        + (f" within {_short(allowed)}" if allowed else "")
    )


# --- the engines ------------------------------------------------------------------------------------


def _by_regions(
    net: Network, f: Target, tolerance: Fraction, box: Box | None, deadline: float
) -> Proof | None:
    homogeneous = box is None and not net.has_biases and _is_homogeneous(f)
    cone = regions.domain_cone(net.n_inputs, homogeneous=homogeneous, box=box)
    complete = True
    try:
        made = _program(net, f, homogeneous, deadline)
        worst = regions.worst_difference(made, cone, homogeneous=homogeneous, deadline=deadline)
    except regions.OutOfTime as out:
        if out.worst is None or out.worst.error <= tolerance:
            return None
        worst, complete = out.worst, False
    point = None
    if worst.error > tolerance:
        point = _counterexample(net, f, tolerance, box, worst, homogeneous)
    return Proof(
        holds=point is None,
        counterexample=_as_array(point),
        error=_nearest_float(worst.error),
        n_regions=worst.n_regions,
        domain=_float_box(box),
        target=f,
        network=net,
        tolerance=tolerance,
        exact_error=worst.error if complete else None,
        bound="exact" if complete else "at least",
        engine="regions",
        _point=point,
    )


def _program(net: Network, f: Target, homogeneous: bool, deadline: float) -> regions.Program:
    """Network and target for the region engine; a large network simplified first."""
    n_units = sum(net.layer_sizes[1:-1])
    if n_units <= _PLAIN_UNITS:
        return regions.program(net, f, homogeneous=homogeneous)
    made = regions.Program(net.n_inputs + (0 if homogeneous else 1))
    canonical_form(net, deadline=deadline).add_to(made, homogeneous=homogeneous)
    regions.add_target(made, f, homogeneous=homogeneous)
    return made


def _by_z3(
    net: Network, f: Target, tolerance: Fraction, box: Box | None, seconds: float
) -> Proof | None:
    from circuitkit.proof import z3_engine

    if seconds <= 0:
        return None
    try:
        point = z3_engine.violation(net, f, tolerance=tolerance, box=box, seconds=seconds)
    except z3_engine.Unknown:
        return None
    if point is not None:
        error = _error_at(net, f, point)
        if not (error > tolerance and _inside(point, box)):
            raise AssertionError(
                "z3's counterexample does not survive exact evaluation; please report"
            )
        rounded = _as_floats(point, box)
        if rounded is not None and _violates(net, f, tolerance, box, rounded):
            point = list(rounded)
            error = max(error, _error_at(net, f, point))
        return _refutation(net, f, tolerance, box, point, error, "z3")
    exact = tolerance == 0
    return Proof(
        holds=True,
        counterexample=None,
        error=_nearest_float(tolerance),
        n_regions=None,
        domain=_float_box(box),
        target=f,
        network=net,
        tolerance=tolerance,
        exact_error=Fraction(0) if exact else None,
        bound="exact" if exact else "at most",
        engine="z3",
    )


def _by_sampling(net: Network, f: Target, tolerance: Fraction, box: Box | None) -> Proof | None:
    """A refutation by luck, where the regions are too many: floats propose, fractions decide."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, net.n_inputs)) * rng.choice([0.3, 1.0, 30.0], size=(2000, 1))
    if box is not None:
        low, high = np.array(_float_box(box)).T
        x = np.clip(x, low, high)
    with np.errstate(all="ignore"):
        misses = np.abs(net(x) - f(x)).max(axis=1) / np.maximum(1.0, np.abs(x).max(axis=1))
    for k in np.argsort(-misses)[:3].tolist():
        point = tuple(Fraction(v) for v in x[k].tolist())
        if _violates(net, f, tolerance, box, point):
            return _refutation(net, f, tolerance, box, point, _error_at(net, f, point), "samples")
    return None


def _refutation(
    net: Network,
    f: Target,
    tolerance: Fraction,
    box: Box | None,
    point: Sequence[Fraction],
    error: Fraction,
    engine: Literal["z3", "samples"],
) -> Proof:
    """What one input shows: the error there, which may not be the worst."""
    return Proof(
        holds=False,
        counterexample=_as_array(point),
        error=_nearest_float(error),
        n_regions=None,
        domain=_float_box(box),
        target=f,
        network=net,
        tolerance=tolerance,
        bound="at least",
        engine=engine,
        _point=tuple(point),
    )


# --- counterexamples, always evaluated exactly ------------------------------------------------------


def _network_at(net: Network, x: Sequence[Fraction]) -> list[Fraction]:
    h = list(x)
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        z = [
            sum((Fraction(a) * v for a, v in zip(row, h, strict=True) if a), Fraction(c))
            for row, c in zip(w.tolist(), b.tolist(), strict=True)
        ]
        h = z if i == len(net.weights) - 1 else [max(v, Fraction(0)) for v in z]
    return h


def _target_at(f: Target, x: Sequence[Fraction]) -> list[Fraction]:
    values = {
        v: sympy.Rational(a.numerator, a.denominator) for v, a in zip(f.variables, x, strict=True)
    }
    exact = [sympy.Rational(e.xreplace(values)) for e in f.outputs]
    return [Fraction(int(v.p), int(v.q)) for v in exact]


def _error_at(net: Network, f: Target, x: Sequence[Fraction]) -> Fraction:
    """``max_j |net_j(x) - f_j(x)| / max(1, max_i |x_i|)``, exactly."""
    differences = (abs(a - b) for a, b in zip(_network_at(net, x), _target_at(f, x), strict=True))
    return max(differences) / max(Fraction(1), *(abs(v) for v in x))


def _counterexample(
    net: Network,
    f: Target,
    tolerance: Fraction,
    box: Box | None,
    worst: regions.Worst,
    homogeneous: bool,
) -> tuple[Fraction, ...]:
    """A point where the error is above the tolerance: near the worst one, of floats if there is one."""
    exact: tuple[Fraction, ...] | None = None
    for attempt, x in enumerate(_towards_worst(worst, homogeneous)):
        rounded = _as_floats(x, box)
        if rounded is not None and _violates(net, f, tolerance, box, rounded):
            return rounded
        if exact is None and _violates(net, f, tolerance, box, x):
            exact = x
        if exact is not None and attempt > 60:
            return exact
    raise AssertionError("the worst error does not survive exact evaluation; please report")


def _towards_worst(worst: regions.Worst, homogeneous: bool) -> Iterator[tuple[Fraction, ...]]:
    """The worst point, if finite, and points on the way to it from inside its region."""
    if worst.ray is None or worst.inside is None:
        return
    n = len(worst.ray) - (1 if homogeneous else 2)
    steps = [None, *range(64), *(2**k for k in range(6, 16))]
    for step in steps:
        mixed = [Fraction(v) for v in worst.ray]
        if step is not None:
            mixed = [a + Fraction(b, 2**step) for a, b in zip(mixed, worst.inside, strict=True)]
        # Homogeneous: any multiple of the ray is as good; the one with max |x_i| = 1 reads best.
        t = mixed[-1] if homogeneous else mixed[-2]
        if t > 0:
            yield tuple(v / t for v in mixed[:n])


def _as_floats(x: Sequence[Fraction], box: Box | None) -> tuple[Fraction, ...] | None:
    """The nearest floats, or None where they overflow or leave the box."""
    try:
        rounded = tuple(Fraction(float(v)) for v in x)
    except OverflowError:
        return None
    return rounded if _inside(rounded, box) else None


def _inside(x: Sequence[Fraction], box: Box | None) -> bool:
    return box is None or all(
        (low is None or low <= v) and (high is None or v <= high)
        for v, (low, high) in zip(x, box, strict=True)
    )


def _violates(
    net: Network, f: Target, tolerance: Fraction, box: Box | None, x: Sequence[Fraction]
) -> bool:
    return _inside(x, box) and _error_at(net, f, x) > tolerance


def _as_array(point: Sequence[Fraction] | None) -> NDArray[Any] | None:
    if point is None:
        return None
    try:
        if all(Fraction(float(v)) == v for v in point):
            return np.array([float(v) for v in point])
    except OverflowError:
        pass
    return np.array(list(point), dtype=object)


# --- checking arguments -----------------------------------------------------------------------------


def _checked_target(net: Network, target: TargetLike) -> Target:
    f = _widened(target, net.n_inputs)
    if f.n_inputs != net.n_inputs:
        raise ValueError(
            f"target: expected a function of {_count(net.n_inputs, 'input')}, as the network has, "
            f"got {f} with {f.n_inputs}"
        )
    if f.n_outputs != net.n_outputs:
        raise ValueError(
            f"target: expected {_count(net.n_outputs, 'output')}, as the network has, "
            f"got {f} with {f.n_outputs}"
        )
    outputs = tuple(_piecewise_linear(e, f) for e in f.outputs)
    if outputs == f.outputs:
        return f
    return Target(outputs, variables=f.variables, name=str(f) if f.name == str(f) else f.name)


def _widened(target: TargetLike, n: int) -> Target:
    """The target, as a function of n inputs where it is spelled out and uses the first few only."""
    f = as_target(target)
    if isinstance(target, Target) or (isinstance(target, str) and target.strip() in CATALOGUE):
        return f
    if f.n_inputs >= n:
        return f
    spelled = str(target) if not isinstance(target, str) else target
    if f.n_inputs == 1 and re.search(r"\bx\b", spelled):
        return f
    first = [sympy.Symbol(f"x{i + 1}", real=True) for i in range(n)]
    renamed = dict(zip(f.variables, first, strict=False))
    return Target([e.xreplace(renamed) for e in f.outputs], variables=first)


def _piecewise_linear(e: sympy.Expr, f: Target) -> sympy.Expr:
    """``e`` with every number rational and products multiplied out where that makes it linear."""
    exact = e.xreplace({v: sympy.Rational(v) for v in e.atoms(sympy.Float)})
    problem = _not_linear(exact)
    if problem is not None:
        expanded = sympy.expand(exact)
        if _not_linear(expanded) is not None:
            raise ValueError(
                "target: expected a piecewise linear function with rational numbers (numbers, + -, "
                f"multiples, abs, min, max), got {f}: {problem} is not; only those can be proved exactly"
            )
        exact = expanded
    return exact


def _not_linear(e: sympy.Expr) -> sympy.Expr | None:
    """The part of ``e`` that is not piecewise linear over the rationals."""
    if e.is_Symbol or e.is_Rational:
        return None
    if isinstance(e, sympy.Mul) and sum(not a.is_Rational for a in e.args) > 1:
        return e
    if isinstance(e, (sympy.Add, sympy.Mul, sympy.Abs, sympy.Min, sympy.Max)):
        return next((p for p in map(_not_linear, e.args) if p is not None), None)
    return e


def _is_homogeneous(f: Target) -> bool:
    """Whether ``f(c x) = c f(x)`` can be read off: no constant is added or compared with, but 0."""
    for e in f.outputs:
        if e.is_Rational and e != 0:
            return False
        for part in sympy.preorder_traversal(e):
            if isinstance(part, (sympy.Add, sympy.Min, sympy.Max)) and any(
                a.is_Rational and a != 0 for a in part.args
            ):
                return False
    return True


def _checked_tolerance(tolerance: Any) -> Fraction:
    good = isinstance(tolerance, (numbers.Real, sympy.Rational, sympy.Float)) and not isinstance(
        tolerance, bool
    )
    if good and math.isfinite(tolerance) and tolerance >= 0:
        if isinstance(tolerance, sympy.Basic):
            exact = sympy.Rational(tolerance)
            return Fraction(int(exact.p), int(exact.q))
        return (
            Fraction(tolerance)
            if isinstance(tolerance, numbers.Rational)
            else Fraction(float(tolerance))
        )
    raise ValueError(f"tolerance: expected a finite number, 0 or above, got {tolerance!r}")


def _checked_domain(domain: Any, n: int) -> Box | None:
    if domain is None:
        return None
    expected = f"domain: expected None or {n} pairs (low, high) with low < high, one for each input"
    if isinstance(domain, (str, bytes)) or not isinstance(domain, Iterable):
        raise ValueError(f"{expected}, got {domain!r}")
    box: list[tuple[Fraction | None, Fraction | None]] = []
    for pair in domain:
        try:
            low, high = pair
            finite = [not math.isinf(low), not math.isinf(high)]
            ordered = low < high and not math.isnan(low) and not math.isnan(high)
        except (TypeError, ValueError):
            raise ValueError(f"{expected}, got {pair!r}") from None
        if not ordered:
            raise ValueError(f"{expected}, got {pair!r}")
        exact = [
            (Fraction(v) if isinstance(v, numbers.Rational) else Fraction(float(v)))
            if keep
            else None
            for v, keep in zip((low, high), finite, strict=True)
        ]
        box.append((exact[0], exact[1]))
    if len(box) != n:
        raise ValueError(f"{expected}, got {len(box)}")
    return tuple(box)


def _float_box(box: Box | None) -> tuple[tuple[float, float], ...] | None:
    if box is None:
        return None
    return tuple(
        (-math.inf if low is None else float(low), math.inf if high is None else float(high))
        for low, high in box
    )


# --- words ------------------------------------------------------------------------------------------


def _count(n: int | None, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _nearest_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _short(value: Fraction | float) -> str:
    """Four digits; whole numbers as they are."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        value = Fraction(value)
    if value.denominator == 1 and abs(value) < 10**6:
        return str(value.numerator)
    return f"{_nearest_float(value):.4g}"


def _values_text(values: Sequence[Fraction]) -> str:
    texts = [_short(v) for v in values]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _box_text(box: Sequence[tuple[float, float]]) -> str:
    return " × ".join(f"[{low:g}, {high:g}]" for low, high in box)
