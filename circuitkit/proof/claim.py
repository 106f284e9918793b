r"""A claim about a network, read from what the caller gave and checked: exact numbers from here on.

The claim is :math:`|net_j(x) - f_j(x)| \le tolerance \cdot size(x)` for every output j, or a relation between
outputs and inputs; for every x of the domain. ``size`` is :math:`\max(1, \max_i |x_i|)` in the relative
measure and 1 in the absolute one.

:meth:`Claim.misses` evaluates both sides at one input directly, in exact fractions: the judge of every
counterexample, whoever found it.
"""

from __future__ import annotations

import itertools
import math
import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.check import Q
from circuitkit.checks import BYTES, is_real, is_unordered, number, shown
from circuitkit.functions.catalogue import NAMES
from circuitkit.functions.pieces import NotPiecewiseLinear, Pieces, pieces_of
from circuitkit.functions.relation import Relation, is_relation, relation
from circuitkit.functions.target import Target, TargetLike, need_function
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.words import count, is_double, nearest_float

__all__ = [
    "TOLERANCE",
    "Box",
    "Claim",
    "Measure",
    "Point",
    "Polytope",
    "exact_number",
    "exact_text",
    "read_claim",
    "read_domain",
]

Measure = Literal["relative", "absolute"]
Point: TypeAlias = tuple[Fraction, ...]

#: what a tolerance may be
TOLERANCE = number("a finite number", least=0)
_ONE = Fraction(1)


def _given(value: Fraction) -> float | Fraction:
    """The double that it is, or the fraction itself."""
    return float(value) if is_double(value) else value


# --- domains ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """An interval for each input; None where it has no end."""

    ends: tuple[tuple[Fraction | None, Fraction | None], ...]

    def contains(self, x: Sequence[Fraction]) -> bool:
        """Whether x lies in it, its ends included."""
        return all(
            (low is None or low <= v) and (high is None or v <= high)
            for v, (low, high) in zip(x, self.ends, strict=True)
        )

    @property
    def is_bounded(self) -> bool:
        """Whether every end is finite."""
        return all(low is not None and high is not None for low, high in self.ends)

    @property
    def is_small(self) -> bool:
        """Whether it lies in [-1, 1]^n, where relative and absolute errors are the same."""
        return self.is_bounded and all(-1 <= (v or 0) <= 1 for pair in self.ends for v in pair)

    @property
    def point(self) -> Point:
        """One of its points."""
        return tuple(
            next((v for v in (low, high) if v is not None), Fraction(0)) for low, high in self.ends
        )

    def stated(self) -> dict[str, Any]:
        """As a certificate says it."""
        return {"box": [[v if v is None else exact_text(v) for v in pair] for pair in self.ends]}

    def given(self) -> tuple[tuple[float | Fraction, float | Fraction], ...]:
        """As ``Proof.domain`` gives it: ends that are no doubles as fractions."""
        return tuple(
            (
                -math.inf if low is None else _given(low),
                math.inf if high is None else _given(high),
            )
            for low, high in self.ends
        )

    def floats(self) -> tuple[tuple[float, float], ...]:
        """With the nearest doubles as ends, to draw points from."""
        return tuple(
            (
                -math.inf if low is None else nearest_float(low),
                math.inf if high is None else nearest_float(high),
            )
            for low, high in self.ends
        )


@dataclass(frozen=True)
class Polytope:
    """The inputs with ``matrix x <= ends``; ``point`` is one of them."""

    matrix: tuple[tuple[Fraction, ...], ...]
    ends: tuple[Fraction, ...]
    point: Point

    is_bounded = is_small = False  # not known, nor needed

    def contains(self, x: Sequence[Fraction]) -> bool:
        """Whether x satisfies every inequality."""
        return all(
            sum((a * v for a, v in zip(row, x, strict=True)), Fraction(0)) <= end
            for row, end in zip(self.matrix, self.ends, strict=True)
        )

    def stated(self) -> dict[str, Any]:
        """As a certificate says it."""
        return {
            "A": [[exact_text(v) for v in row] for row in self.matrix],
            "b": [exact_text(v) for v in self.ends],
            "point": [exact_text(v) for v in self.point],
        }

    def given(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """As ``Proof.domain`` gives it: of fractions, where not all numbers are doubles."""
        numbers = [_given(v) for row in self.matrix for v in row]
        ends = [_given(v) for v in self.ends]
        kinds = [
            np.float64 if all(type(v) is float for v in some) else object
            for some in (numbers, ends)
        ]
        matrix = np.array(numbers, dtype=kinds[0]).reshape(len(self.matrix), -1)
        return matrix, np.array(ends, dtype=kinds[1])

    def floats(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """With the nearest doubles, to draw points from."""
        matrix = np.array([[nearest_float(v) for v in row] for row in self.matrix])
        return matrix, np.array([nearest_float(v) for v in self.ends])


# --- the claim ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """What is to be decided; every number exact."""

    network: Network
    target: Target | Network | Relation
    tolerance: Fraction
    measure: Measure
    domain: Box | Polytope | None

    @property
    def is_small(self) -> bool:
        """Whether every input's size is 1, so that there is one measure only."""
        return self.domain is not None and self.domain.is_small

    @property
    def checkable(self) -> Any:
        """The target as the checker takes it."""
        return self.target.text if isinstance(self.target, Relation) else self.target

    def about(self, net: Network) -> Claim:
        """The same claim about another network of as many inputs and outputs."""
        if net is self.network:
            return self
        claim = replace(self, network=net)
        if isinstance(self.target, Relation):
            claim.__dict__["pieces"] = self.pieces  # a cached property, of the target alone
        return claim

    def without_text(self) -> Claim | None:
        """The same claim, its target no longer remembering how it was written; None if it does not."""
        f = self.target
        if isinstance(f, Target) and f.text is not None:
            name = None if f.name == str(f) else f.name
            return replace(self, target=Target(f.outputs, variables=f.variables, name=name))
        if isinstance(f, Relation) and f.text != f.spelled:
            return replace(self, target=replace(f, text=f.spelled))
        return None

    def stated(self, tolerance: Fraction | None = None) -> dict[str, Any]:
        """What its certificate says it proves, perhaps with another tolerance."""
        return {
            "tolerance": exact_text(self.tolerance if tolerance is None else tolerance),
            "measure": self.measure,
            "domain": None if self.domain is None else self.domain.stated(),
        }

    def contains(self, x: Sequence[Fraction]) -> bool:
        """Whether x is in the domain."""
        return self.domain is None or self.domain.contains(x)

    def misses(self, x: Sequence[Fraction]) -> list[Fraction]:
        """By how much each part fails at x, in the claim's measure; at most 0 where a relation holds."""
        given = values(self.network, x)
        size = self.size(x)
        if isinstance(self.target, Relation):
            return [m / size for part in self.gaps(x, given) for m in part]
        return [abs(a - b) / size for a, b in zip(given, self.wanted(x), strict=True)]

    def size(self, x: Sequence[Fraction]) -> Fraction:
        """What errors at x are measured by."""
        return _ONE if self.measure == "absolute" else max(_ONE, *(abs(v) for v in x))

    def wanted(self, x: Sequence[Fraction]) -> list[Fraction]:
        """What the network should give at x."""
        if isinstance(self.target, Network):
            return values(self.target, x)
        return self.pieces(x)

    def gaps(self, x: Sequence[Fraction], given: Sequence[Fraction]) -> list[list[Fraction]]:
        """By how much each part of a relation fails at x, whatever the measure; an equation both ways."""
        if not isinstance(self.target, Relation):
            return []
        sides = iter(self.pieces([*x, *given]))
        found = []
        for part, left, right in zip(self.target.parts, sides, sides, strict=False):
            up = left - right
            found.append([up, -up] if part.sign == "==" else [up if "<" in part.sign else -up])
        return found

    @cached_property
    def pieces(self) -> Pieces:
        """The target in its normal form; of a relation left and right sides, over inputs and outputs."""
        if isinstance(self.target, Relation):
            return _pieces(self.target, self.network)
        if isinstance(self.target, Target):
            return self.target.exact_pieces
        return Pieces(self.network.n_inputs, (), ())

    @cached_property
    def strict(self) -> tuple[bool, ...]:
        """For each number of :meth:`misses` whether it has to stay below 0."""
        if not isinstance(self.target, Relation):
            return (False,) * self.network.n_outputs
        return tuple(
            part.is_strict for part in self.target.parts for _ in range(1 + (part.sign == "=="))
        )

    def fails(self, misses: Sequence[Fraction]) -> bool:
        """Whether a claim that misses by so much is false."""
        return any(
            m > self.tolerance or (strict and m == 0)
            for m, strict in zip(misses, self.strict, strict=True)
        )

    def fails_at(self, x: Sequence[Fraction]) -> bool:
        """Whether x is a counterexample."""
        return self.contains(x) and self.fails(self.misses(x))

    def error_at(self, x: Sequence[Fraction]) -> Fraction:
        """The largest miss at x, at least 0."""
        return max(Fraction(0), *self.misses(x))


def values(net: Network, x: Sequence[Fraction]) -> list[Fraction]:
    """The network's outputs at x, layer by layer in exact numbers."""
    h = [Q(v.numerator) / Q(v.denominator) for v in x]
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        before = [max(v, Q(0)) for v in h] if i else h
        h = []
        for row, c in zip(w.tolist(), b.tolist(), strict=True):
            z = Q(*c.as_integer_ratio())
            for a, v in zip(row, before, strict=True):
                if a and v:
                    z += Q(*a.as_integer_ratio()) * v
            h.append(z)
    return [net.scale * Fraction(int(v.numerator), int(v.denominator)) for v in h]


# --- reading the arguments ----------------------------------------------------------------------------


def read_claim(
    net: Network,
    target: TargetLike | Network,
    tolerance: Any = 0,
    domain: Any = None,
    measure: Measure = "relative",
) -> Claim:
    """The claim that the arguments of :func:`circuitkit.prove` make.

    Raises:
        TypeError: an argument of another kind.
        ValueError: an argument out of range; it names the argument.
    """
    allowed = exact_number(TOLERANCE.take("tolerance", tolerance), "tolerance: expected a number")
    f = _read_target(net, target)
    if isinstance(f, Relation) and allowed:
        raise ValueError(
            f"tolerance: expected 0 for the relation {f}, got {tolerance!r}; "
            "write how far it may be off into the relation"
        )
    where = read_domain(domain, net.n_inputs)
    return Claim(net, f, allowed, measure, where)


def _read_target(
    net: Network, target: TargetLike | Network | Relation
) -> Target | Network | Relation:
    if isinstance(target, Relation):  # as a proof of one names its target
        target = target.text
    if isinstance(target, str) and is_relation(target):
        found = relation(target)
        _same_count(found.n_inputs <= net.n_inputs, net.n_inputs, "input", f"{found}")
        _same_count(found.n_outputs <= net.n_outputs, net.n_outputs, "output", f"{found}")
        for letter, most in (("x", net.n_inputs), ("y", net.n_outputs)):
            if most > 1 and found.symbol(letter, 0).name == letter:
                raise ValueError(
                    f"target: expected {letter}1 to {letter}{most}, got {letter} in {found}"
                )
        sides = iter(_pieces(found, net).expressions)
        parts = zip(found.parts, sides, sides, strict=False)
        return replace(found, parts=tuple(replace(p, left=a, right=b) for p, a, b in parts))
    if isinstance(target, Network):
        for mine, theirs, noun in (
            (net.n_inputs, target.n_inputs, "input"),
            (net.n_outputs, target.n_outputs, "output"),
        ):
            _same_count(mine == theirs, mine, noun, f"one with {theirs}")
        return target
    need_function(target, "a Network", "a relation as text")
    f = _widened(target, net.n_inputs)
    if f.n_inputs != net.n_inputs:
        raise ValueError(
            f"target: expected a function of {count(net.n_inputs, 'input')}, as the network has, "
            f"got {f} with {f.n_inputs}"
        )
    _same_count(f.n_outputs == net.n_outputs, net.n_outputs, "output", f"{f} with {f.n_outputs}")
    outputs = f.exact_pieces.expressions
    if outputs == f.outputs:
        return f
    return Target(outputs, variables=f.variables, name=str(f) if f.name == str(f) else f.name)


def _same_count(good: bool, number: int, noun: str, got: str) -> None:
    if not good:
        raise ValueError(f"target: expected {count(number, noun)}, as the network has, got {got}")


def _widened(target: TargetLike, n: int) -> Target:
    """The target, as a function of n inputs where it is spelled out and uses the first few only."""
    f = as_target(target)
    if isinstance(target, Target) or (isinstance(target, str) and target.strip() in NAMES):
        return f
    if f.n_inputs >= n:
        return f
    spelled = str(target) if not isinstance(target, str) else target
    if f.n_inputs == 1 and re.search(r"\bx\b", spelled):
        return f
    first = [sympy.Symbol(f"x{i + 1}", real=True) for i in range(n)]
    renamed = dict(zip(f.variables, first, strict=False))
    return Target([e.xreplace(renamed) for e in f.outputs], variables=first, text=f.text)


def _pieces(found: Relation, net: Network) -> Pieces:
    """The sides of a relation in normal form, over the inputs and the outputs."""
    variables = [found.symbol("x", i) for i in range(net.n_inputs)]
    variables += [found.symbol("y", i) for i in range(net.n_outputs)]
    try:
        form = pieces_of([e for part in found.parts for e in (part.left, part.right)], variables)
        problem = next(iter(form.rounded), None)
    except NotPiecewiseLinear as error:
        problem = error.part
    if problem is not None:
        raise ValueError(
            "target: expected a relation of piecewise linear functions with rational numbers (numbers, "
            f"+ -, multiples, abs, min, max), got {found}: {problem} is not, as it is written; only those can be proved exactly"
        )
    return form


def exact_number(value: Any, expected: str) -> Fraction:
    """The rational that a number is.

    Raises:
        ValueError: it is not a finite number.
    """
    if isinstance(value, (sympy.Rational, sympy.Float)) and value.is_finite:
        exact = sympy.Rational(value)
        return Fraction(int(exact.p), int(exact.q))
    if is_real(value):
        if isinstance(value, numbers.Rational):
            return Fraction(int(value.numerator), int(value.denominator))
        if math.isfinite(value):
            return Fraction(float(value))
    raise ValueError(f"{expected}, got {shown(value)}")


def read_domain(domain: Any, n: int) -> Box | Polytope | None:
    """The domain of n inputs that the argument of :func:`circuitkit.prove` says; one read before, as it is.

    Raises:
        ValueError: it is none; it names the argument.
    """
    if domain is None or isinstance(domain, (Box, Polytope)):
        return domain
    if isinstance(domain, tuple | list) and len(domain) == 2 and _is_matrix(domain[0]):
        return _read_polytope(domain[0], domain[1], n)
    expected = (
        f"domain: expected None, {count(n, 'pair')} (low, high) with low <= high, one for each input, "
        "or (A, b)"
    )
    try:
        if isinstance(domain, (str, *BYTES)) or is_unordered(domain):
            raise TypeError
        # Of 10^12 numbers no list is made; an array of no axes says that it is iterable.
        pairs = list(itertools.islice(domain, n + 1))
    except TypeError:
        raise ValueError(f"{expected}, got {shown(domain)}") from None
    ends = []
    for pair in pairs:
        try:
            if isinstance(pair, BYTES) or is_unordered(pair):
                raise TypeError
            low, high = pair
        except (TypeError, ValueError):
            raise ValueError(f"{expected}, got {shown(domain)}") from None
        message = f"{expected}, got {shown(pair)}: each end a number"
        exact = [None if _infinite(v) else exact_number(v, message) for v in (low, high)]
        if exact[0] is not None and exact[1] is not None and exact[0] > exact[1]:
            raise ValueError(f"{expected}, got {shown(pair)}")
        if (exact[0] is None and low > 0) or (exact[1] is None and high < 0):
            raise ValueError(f"{expected}, got {shown(pair)}")
        ends.append((exact[0], exact[1]))
    if len(ends) != n:
        given = len(domain) if hasattr(domain, "__len__") else len(ends)
        raise ValueError(f"{expected}, got {given or 'none'}")
    return Box(tuple(ends))


def _is_matrix(value: Any) -> bool:
    """Whether it is a list of rows; the first of two intervals is a pair of numbers."""
    try:
        return hasattr(value, "__len__") and all(hasattr(row, "__len__") for row in value)
    except TypeError:  # a tensor of no axes has a length, until it is asked for
        return False


def _infinite(value: Any) -> bool:
    real = isinstance(value, (numbers.Real, sympy.Number))
    return real and bool(value in (math.inf, -math.inf))


def _read_polytope(matrix: Any, ends: Any, n: int) -> Polytope:
    from circuitkit.simplex import multipliers

    message = f"domain: expected (A, b) with A of shape (m, {n}) and b of shape (m,)"
    if any(is_unordered(numbers_) for numbers_ in (matrix, ends, *matrix)):
        raise ValueError(f"{message}, got sets of numbers")
    try:
        rows = [[exact_number(v, message) for v in row] for row in matrix]
        right = [exact_number(v, message) for v in ends]
    except TypeError:
        raise ValueError(message) from None
    if not rows or len(rows) != len(right) or any(len(row) != n for row in rows):
        raise ValueError(
            f"{message}, got {len(rows)} rows of {sorted({len(row) for row in rows})} numbers "
            f"and {len(right)} ends"
        )
    # A point: A (u - v) + s = b with u, v, s >= 0.
    columns = [[row[i] for row in rows] for i in range(n)]
    generators = [*columns, *([-v for v in column] for column in columns)]
    generators += [[Fraction(int(k == r)) for k in range(len(rows))] for r in range(len(rows))]
    found = multipliers(right, generators)
    if found is None:
        raise ValueError("domain: expected A x <= b to have a solution, got an empty polytope")
    point = tuple(found[i] - found[n + i] for i in range(n))
    return Polytope(tuple(map(tuple, rows)), tuple(right), point)


# --- numbers ------------------------------------------------------------------------------------------


def exact_text(value: Any) -> str:
    """A fraction, or the checker's kind of number, as a certificate writes it.

    ``"-1/3"``, in hexadecimal where it is very long.
    """
    top, bottom = int(value.numerator), int(value.denominator)
    parts = (top,) if bottom == 1 else (top, bottom)
    return "/".join(str(v) if v.bit_length() < 12_000 else _hexadecimal(v) for v in parts)


def _hexadecimal(value: int) -> str:
    return f"{value:#x}"
