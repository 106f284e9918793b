"""What each hidden unit is for: a name, what of, and a certified bound on how far that is off."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.detection import guess
from circuitkit.detection.moderate import moderate
from circuitkit.detection.needed import Mask, needed_units, only
from circuitkit.detection.place import EVERYWHERE, Place
from circuitkit.detection.readings import Reader, own_expressions
from circuitkit.detection.shape import simplest
from circuitkit.exact.canonical import CanonicalForm, canonical_form
from circuitkit.exact.regions import OutOfTime, look_at_the_clock
from circuitkit.exact.spell import expression, length, text
from circuitkit.functions.target import Target
from circuitkit.functions.trees import KeepsTrees
from circuitkit.network import Network
from circuitkit.proof.prove import Proof
from circuitkit.rules import RULES, phrase
from circuitkit.words import nearest_float

__all__ = ["FEATURES", "Unit", "read_units"]

Array = NDArray[np.float64]

#: a unit's function is spelled out exactly if it has at most so many kinks, and is that short
_UNIT_KINKS = 6
_UNIT_LENGTH: int = RULES["reading"]["unit_length"]
#: how far the shares of a first layer's unit may be rounded
_UNIT_COARSENESS: list[float] = RULES["reading"]["unit_coarseness"]
#: and how fine its decimals are at most
_DECIMALS = 1000
#: the names of what a unit can be
FEATURES: dict[str, str] = RULES["features"]


@dataclass(frozen=True)
class Unit(KeepsTrees):
    """What one hidden unit is for.

    Attributes:
        layer: hidden layer, 0 for the first.
        index: which unit of the layer, 0 for the first.
        feature: ``"positiveness detector"``: activation ``scale * relu(of)``; ``"negativeness
            detector"``: ``scale * relu(-of)``; ``"greaterness detector"``: ``scale * relu(of)`` where
            ``of`` is a difference of two things; ``"duplicate"``: a multiple of an earlier unit of the
            layer, and of what that one is; ``"always on"``: never negative before ReLU: activation
            ``scale * of``; ``"dead"``: never active, up to the tolerance; ``"other"``: none of these
            within the tolerance.
        of: what it detects, or None where nothing simple fits.
        scale: the factor, 0 for a dead unit, inf where it is beyond the doubles.
        error: the certified worst error of that description, relative to ``scale * max(1, |x|)``.
        in_circuit: False for a unit that the function does not need: it is proved that the network
            without all these units, whose output weights are then 0, is the same network within the
            tolerance. True also where that was not proved in time.
        is_read: False for a unit that nothing reads: every weight out of it is 0, or leads to hidden units that
            nothing reads.
        in_time: False for a unit that was not read within the time limit; its feature is ``"other"``.

    Example:
        >>> import sympy
        >>> str(Unit(0, 1, "positiveness detector", sympy.Symbol("x"), scale=2.0))
        'positiveness detector of x'

    Source: the deck, "Identity Function: Features" and "Subtraction: Features", for the detectors;
    the other names are this book's.
    """

    layer: int
    index: int
    feature: str
    of: sympy.Expr | None
    scale: float
    error: float = 0.0
    in_circuit: bool = True
    is_read: bool = True
    in_time: bool = True

    def __str__(self) -> str:
        name = self.feature
        if self.of is not None:
            name = phrase("unit", feature=name, of=text(self.of))
        if not self.in_time:
            name = phrase("late", feature=name)
        adds = self.feature != FEATURES["dead"]  # what adds nothing has nothing to cancel
        if not self.is_read:
            return phrase("nobody", unit=name)
        return phrase("unused", unit=name) if adds and not self.in_circuit else name


#: seconds that one proof about a unit may take, and all those about which units are needed
_PROOF = 5.0
#: and which share of the time these may take at most
_NEEDED = 0.3


def read_units(
    net: Network, tolerance: Fraction, deadline: float = math.inf, where: Place = EVERYWHERE
) -> list[Unit]:
    """What each hidden unit is for there, layer by layer, and whether the network needs it.

    Units that are not read before the deadline are ``"other"``, and say so.
    """
    x = where.samples(net, 1000)
    sized = moderate(net, x)
    if sized is None:
        with np.errstate(over="ignore", invalid="ignore"):
            preactivations = net.preactivations(x)
        return [
            Unit(layer, k, FEATURES["other"], None, float(np.nanmax(np.maximum(z[:, k], 0.0))))
            for layer, z in enumerate(preactivations)
            for k in range(z.shape[1])
        ]
    given, (net, divided) = net, sized
    preactivations = net.preactivations(x)
    needed = _needed(given, net, preactivations, x, tolerance, deadline, where)
    is_read = _read_by_something(net)
    units: list[Unit] = []
    for layer, z in enumerate(preactivations):
        leaders: list[Unit] = []
        out = np.abs(given.float_layers[layer + 1][0]).max(axis=0).tolist()
        for index in range(z.shape[1]):
            power = int(divided[layer][index])
            size = _Size(power, max(out[index], 1.0))
            unit = _read_in_time(
                net, (layer, index), size, z[:, index], x, tolerance, deadline, where
            )
            if unit.in_time and unit.feature not in (FEATURES["dead"], FEATURES["always_on"]):
                copy = _as_copy(net, unit, z, leaders, tolerance, deadline, where)
                if copy is None:
                    leaders.append(unit)
                else:
                    unit = copy
            used = bool(needed[layer][index])
            if used and unit.feature == FEATURES["dead"]:
                used = not _is_off(net, unit, deadline, where)
            units.append(
                replace(
                    unit,
                    scale=size.whole(unit.scale),
                    in_circuit=used,
                    is_read=bool(is_read[layer][index]),
                )
            )
        del leaders
    return units


@dataclass(frozen=True)
class _Size:
    """What was done to a unit's values, and how far they count.

    Attributes:
        power: they are divided by two to this power.
        out: the largest weight of the given network that reads them, at least 1.
    """

    power: int
    out: float

    def whole(self, scale: float) -> float:
        """A factor of the divided values as one of the given ones."""
        if not self.power:
            return scale
        with np.errstate(over="ignore"):
            return float(np.ldexp(scale, self.power))

    def simple(self, scale: float) -> float:
        """The factor, with rounding noise of the last few bits of the given one taken off."""
        whole = self.whole(scale)
        if not math.isfinite(whole):
            return _simple_scale(scale)
        return (
            float(np.ldexp(_simple_scale(whole), -self.power))
            if self.power
            else _simple_scale(whole)
        )

    def negligible(self, tolerance: Fraction) -> Fraction:
        """Divided values of which the network reads no more than the tolerance."""
        return tolerance / (Fraction(self.out) * Fraction(2) ** self.power)


def _read_by_something(net: Network) -> list[NDArray[np.bool_]]:
    """For each hidden layer whether a path of weights that are not 0 leads from a unit to an output."""
    found: list[NDArray[np.bool_]] = []
    readers = np.ones(net.n_outputs, dtype=bool)
    for w in reversed(net.weights[1:]):
        readers = (w[readers] != 0).any(axis=0)
        found.insert(0, readers)
    return found


def _needed(
    given: Network,
    net: Network,
    preactivations: list[Array],
    x: Array,
    tolerance: Fraction,
    deadline: float,
    where: Place,
) -> list[NDArray[np.bool_]]:
    """For each layer which units are not proved to be unneeded."""
    now = time.monotonic()
    until = now + min(_PROOF, max(_NEEDED * (deadline - now), 0.0))

    def same(stays: list[Mask]) -> bool:
        without = only(given, stays)
        return bool(where.prove(given, without, tolerance, until - time.monotonic()))

    allowed = nearest_float(tolerance)
    return needed_units(net, preactivations, where.sizes(x), allowed, same, until)


def _is_off(net: Network, unit: Unit, deadline: float, where: Place) -> bool:
    """Whether a unit is proved to be never active at all."""
    try:
        return _at_most(_alone(net, unit.layer, unit.index), Fraction(0), deadline, where)
    except OutOfTime:
        return False


def _as_copy(
    net: Network,
    unit: Unit,
    z: Array,
    leaders: list[Unit],
    tolerance: Fraction,
    deadline: float,
    where: Place,
) -> Unit | None:
    """The unit as a duplicate of an earlier one of its layer: by its certified description, or proved."""
    for before in leaders:
        if unit.of is not None:
            same = (before.feature, before.of) == (unit.feature, unit.of)
            error = unit.error if same else None
        elif _cosine(z[:, unit.index], z[:, before.index]) > 1 - 1e-12:
            error = _apart(net, unit, before.index, z, tolerance, deadline, where)
        else:
            error = None
        if error is not None:
            return replace(unit, feature=FEATURES["duplicate"], error=error)
    return None


def _apart(
    net: Network,
    unit: Unit,
    other: int,
    z: Array,
    tolerance: Fraction,
    deadline: float,
    where: Place,
) -> float | None:
    """How far a unit is from a positive multiple of another one, relative to its scale; None: too far."""
    both = [unit.index, other]
    rows = np.column_stack([net.weights[unit.layer], net.biases[unit.layer]])[both].tolist()
    mine, theirs = ([Fraction(v) for v in row] for row in rows)
    pivot = next((k for k, v in enumerate(theirs) if v), None)
    if pivot is not None:
        exact = mine[pivot] / theirs[pivot]
        if exact > 0 and all(a == exact * b for a, b in zip(mine, theirs, strict=True)):
            return 0.0
    a, b = z[:, unit.index], z[:, other]
    factor = float(a @ b) / float(b @ b)
    scale = Fraction(unit.scale)
    difference = Network(
        [*net.weights[: unit.layer], net.weights[unit.layer][both], [[1.0, -factor]]],
        [*net.biases[: unit.layer], net.biases[unit.layer][both], None],
    )
    try:
        proof = _proved(difference, _nothing(net), tolerance * scale, deadline, where)
    except OutOfTime:
        return None
    return float(proof.error / scale) if proof is not None and scale else None


def _cosine(a: Array, b: Array) -> float:
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size else 0.0


def _read_in_time(
    net: Network,
    place: tuple[int, int],
    size: _Size,
    z: Array,
    x: Array,
    tolerance: Fraction,
    deadline: float,
    where: Place,
) -> Unit:
    reach = float((np.maximum(z, 0) / where.sizes(x)).max())
    try:
        look_at_the_clock(deadline)
        return _unit(net, *place, size, z, x, tolerance, reach, deadline, where)
    except OutOfTime:
        return Unit(*place, FEATURES["other"], None, reach, in_time=False)


def _unit(
    net: Network,
    layer: int,
    index: int,
    size: _Size,
    z: Array,
    x: Array,
    tolerance: Fraction,
    reach: float,
    deadline: float,
    where: Place,
) -> Unit:
    alone = _alone(net, layer, index)
    if size.whole(reach) * size.out <= max(nearest_float(tolerance), 1e-12) and _at_most(
        alone, size.negligible(tolerance), deadline, where
    ):
        return Unit(layer, index, FEATURES["dead"], None, 0.0)
    described = _describe(alone, size, z, x, tolerance, deadline, where)
    if float(z.min()) >= 0 and _never_negative(alone, deadline, where):
        if described is None:
            return Unit(layer, index, FEATURES["always_on"], None, reach)
        of, scale, error = described
        of = of if scale > 0 else _negative(of)  # what it passes on
        return Unit(layer, index, FEATURES["always_on"], of, abs(scale), error)
    if described is None:
        return Unit(layer, index, FEATURES["other"], None, reach)
    of, scale, error = described
    if _is_difference(of):
        of = of if scale > 0 else _negative(of)
        return Unit(layer, index, FEATURES["greater"], of, abs(scale), error)
    feature = FEATURES["positive"] if scale > 0 else FEATURES["negative"]
    return Unit(layer, index, feature, of, abs(scale), error)


def _alone(net: Network, layer: int, index: int) -> Network:
    """The network whose output is the preactivation of one unit."""
    return Network(
        [*net.weights[:layer], net.weights[layer][index : index + 1]],
        [*net.biases[:layer], net.biases[layer][index : index + 1]],
    )


def _nothing(net: Network) -> Target:
    return Target(sympy.Integer(0), variables=guess.input_variables(net.n_inputs))


def _at_most(alone: Network, bound: Fraction, deadline: float, where: Place) -> bool:
    """Whether ``relu(z(x))`` is at most the bound at every x there, in that place's measure."""
    activation = Network([*alone.weights, [[1.0]]], [*alone.biases, None])
    return _proved(activation, _nothing(alone), bound, deadline, where) is not None


def _proved(
    net: Network, target: Target, tolerance: Fraction, deadline: float, where: Place
) -> Proof | None:
    """The proof that the network is the target there, if there is one.

    Raises:
        OutOfTime: the deadline passed before it was settled.
    """
    look_at_the_clock(deadline)
    seconds = min(_PROOF, max(deadline - time.monotonic(), 1e-3))
    proof = where.prove(net, target, tolerance, seconds)
    if proof is None:
        look_at_the_clock(deadline)
    return proof if proof else None


def _never_negative(alone: Network, deadline: float, where: Place) -> bool:
    flipped = Network(
        [*alone.weights[:-1], -alone.weights[-1]], [*alone.biases[:-1], -alone.biases[-1]]
    )
    return _at_most(flipped, Fraction(0), deadline, where)


def _describe(
    alone: Network,
    size: _Size,
    z: Array,
    x: Array,
    tolerance: Fraction,
    deadline: float,
    where: Place,
) -> tuple[sympy.Expr, float, float] | None:
    """``(e, s, error)`` with ``|z - s e| <= error |s|`` there, certified; None if not simple."""
    variables = guess.input_variables(alone.n_inputs)
    if len(alone.weights) == 1:
        return _describe_linear(alone, size, variables, tolerance, where)
    slope = guess.largest_slope(alone, x)
    if not slope:
        return None
    if where.domain is None:
        readings: Iterator[sympy.Expr] = itertools.chain(
            _exact_readings(canonical_form(alone, deadline=deadline), slope, variables),
            _near_readings(alone, slope, x, tolerance, deadline),
        )
    else:
        readings = _readings_there(alone, slope, tolerance, deadline, where)
    for e in readings:
        values = Target(e, variables=variables)(x)[:, 0]
        scale = size.simple(_multiple(values, z))
        if not scale:
            continue
        allowed = tolerance * abs(Fraction(scale))
        target = Target(sympy.Rational(Fraction(scale)) * e, variables=variables)
        proof = _proved(alone, target, allowed, deadline, where)
        if proof is not None:
            return e, scale, float(proof.error / abs(scale))
    return None


def _readings_there(
    alone: Network, slope: float, tolerance: Fraction, deadline: float, where: Place
) -> Iterator[sympy.Expr]:
    """What the unit is a multiple of on a domain, the shorter one of both signs first."""
    read = []
    for factor in (1 / slope, -1 / slope):
        net = Network(
            [*alone.weights[:-1], factor * alone.weights[-1]],
            [*alone.biases[:-1], factor * alone.biases[-1]],
        )
        reader = Reader(net, where, deadline)
        own = own_expressions(net, where, deadline)
        if not reader.is_readable:  # larger numbers than are fitted to: what it is exactly
            read += [_unscaled(e) for e in own if length(e)[0] <= _UNIT_LENGTH]
            continue
        found = reader.within(tolerance, _UNIT_LENGTH, own, pieces=False)
        if found is not None:
            read.append(_unscaled(found.expression))
    yield from sorted(read, key=length)


def _exact_readings(
    form: CanonicalForm, slope: float, variables: list[sympy.Symbol]
) -> list[sympy.Expr]:
    """The function itself, or what it is the negative of, if that is short to write."""
    if form.n_kinks > _UNIT_KINKS:
        return []
    read = {
        _unscaled(expression(_scaled(form, sign / Fraction(slope)), variables, max_regions=300))
        for sign in (1, -1)
    }
    return sorted((e for e in read if length(e)[0] <= _UNIT_LENGTH), key=length)[:1]


def _near_readings(
    alone: Network, slope: float, x: Array, tolerance: Fraction, deadline: float
) -> Iterator[sympy.Expr]:
    """Simple functions that the unit is nearly a multiple of."""
    if not tolerance:
        return
    found = set()
    for factor in (1 / slope, -1 / slope):
        net = Network(
            [*alone.weights[:-1], factor * alone.weights[-1]],
            [*alone.biases[:-1], factor * alone.biases[-1]],
        )
        best = guess.balanced(guess.guesses(net, x, deadline))
        if best is not None and best.error <= 10 * nearest_float(tolerance):
            found.add(_unscaled(best.expressions[0]))
    yield from sorted(found, key=length)


def _describe_linear(
    alone: Network,
    size: _Size,
    variables: list[sympy.Symbol],
    tolerance: Fraction,
    where: Place,
) -> tuple[sympy.Expr, float, float] | None:
    """A first layer's unit: its weights as a multiple of a simple direction, the error exactly."""
    row = [Fraction(v) for v in (*alone.weights[0][0].tolist(), *alone.biases[0].tolist())]
    top = max(abs(v) for v in row[:-1]) if any(row[:-1]) else abs(row[-1])
    if not top:
        return None
    shares = [nearest_float(v / top) for v in row]
    if not math.isfinite(shares[-1]):  # a constant beside which the doubles lose every weight
        return None
    for simple in _simple_rows(shares, decimals=where.domain is not None):
        scale = sum(a * b for a, b in zip(row, simple, strict=True)) / sum(b * b for b in simple)
        scale = Fraction(size.simple(float(scale)))
        # relu changes by no more than its argument.
        change = where.largest([a - scale * b for a, b in zip(row, simple, strict=True)])
        if change is None or change / abs(scale) > tolerance:
            continue
        e = sympy.Add(
            *(
                sympy.Rational(b.numerator, b.denominator) * v
                for b, v in zip(simple, [*variables, 1], strict=True)
            )
        )
        error = float(change / abs(scale))
        if e.could_extract_minus_sign():
            return -e, -float(scale), error
        return e, float(scale), error
    return None


def _simple_rows(row: list[float], *, decimals: bool) -> Iterator[list[Fraction]]:
    """Rows of whole numbers that are nearly parallel, or of short decimals where those are allowed."""
    for slack in _UNIT_COARSENESS:
        simple = [guess.simple_fraction(v, slack) for v in row]
        if all(v is not None for v in simple):
            yield _whole([v for v in simple if v is not None])
        elif decimals:
            plain = [simplest(v, slack / 10) for v in row]
            if any(plain) and all(v.denominator <= _DECIMALS for v in plain):
                yield plain


def _whole(values: list[Fraction]) -> list[Fraction]:
    """The values times the number that makes them whole without a common factor."""
    denominator = math.lcm(*(v.denominator for v in values))
    divisor = math.gcd(*(int(v * denominator) for v in values))
    return [v * denominator / divisor for v in values]


def _multiple(values: Array, z: Array) -> float:
    """Which multiple of the values is nearest to z; 0 where they are no numbers."""
    top = float(np.abs(values).max())
    if not (0 < top < math.inf):
        return 0.0
    power = math.frexp(top)[1]
    values = np.ldexp(values, -power)
    return float(np.ldexp(float(values @ z) / float(values @ values), -power))


def _simple_scale(scale: float) -> float:
    """The scale itself, with rounding noise of the last few bits taken off."""
    return float(f"{scale:.12g}")


def _scaled(form: CanonicalForm, factor: Fraction) -> CanonicalForm:
    outputs = tuple(tuple((j, c * factor) for j, c in row) for row in form.outputs)
    return CanonicalForm(form.n_inputs, form.nodes, outputs)


def _unscaled(e: sympy.Expr) -> sympy.Expr:
    """``e`` without a positive common factor: 2 min(a, b) and min(2 a, 2 b) become min(a, b)."""
    if isinstance(e, (sympy.Min, sympy.Max)):
        contents = [abs(a.as_content_primitive()[0]) for a in e.args if a != 0]
        if contents and all(c == contents[0] for c in contents):
            return type(e)(*(a / contents[0] for a in e.args), evaluate=False)
        return e
    content, primitive = e.as_content_primitive()
    return primitive if content > 0 else -primitive


def _is_difference(e: sympy.Expr) -> bool:
    """Whether it compares two things: a - b, neither a number."""
    if not isinstance(e, sympy.Add) or len(e.args) != 2 or any(a.is_number for a in e.args):
        return False
    signs = [a.could_extract_minus_sign() and not isinstance(a, sympy.Symbol) for a in e.args]
    return signs[0] != signs[1]


def _negative(e: sympy.Expr) -> sympy.Expr:
    return sympy.Add(*(-a for a in e.args)) if isinstance(e, sympy.Add) else -e
