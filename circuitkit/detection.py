r"""Which function does a network compute, with which circuit, and what is each hidden unit for?

Simplify, propose, certify: the network is brought into canonical form exactly
(:mod:`circuitkit.canonical`), simple functions near it are guessed (:mod:`circuitkit._propose`), and only
what :func:`circuitkit.prove` confirms for every input is reported. The same holds for every unit: its name
is a statement about all inputs, with an error bound computed in exact fractions.

Source: the deck, "Next Steps": develop methodology for detecting these features / circuits in trained
models.
"""

from __future__ import annotations

import html
import itertools
import math
import numbers
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit import _propose, circuits
from circuitkit.canonical import CanonicalForm, canonical_form, expression, function_form, length
from circuitkit.network import Network
from circuitkit.proof import Proof, Undecided, prove
from circuitkit.targets import CATALOGUE, Target
from circuitkit.targets import target as as_target

__all__ = ["Detection", "Unit", "detect"]

Array = NDArray[np.float64]

#: an expression with more kinks than this is not spelled out
_READABLE_KINKS = 12
_UNIT_KINKS = 6
#: a reading of at most so many symbols and numbers needs no rounding
_SHORT = 5
#: a network's own function is worth spelling out if its numbers have not many more digits than this
_PLAIN_BITS = 60
_UNIT_LENGTH = 16
#: units whose preactivations form a smaller angle than this share a hyperplane
_PARALLEL = 1e-2


@dataclass(frozen=True)
class Unit:
    """What one hidden unit is for.

    Attributes:
        layer: hidden layer, 0 for the first.
        index: which unit of the layer.
        feature: ``"positiveness detector"``: activation ``scale * relu(of)``; ``"negativeness
            detector"``: ``scale * relu(-of)``; ``"greaterness detector"``: ``scale * relu(of)`` where
            ``of`` is a difference of two things; ``"duplicate"``: a multiple of an earlier unit of the
            layer; ``"always on"``: never negative before ReLU; ``"dead"``: never active, up to the
            tolerance; ``"other"``: none of these within the tolerance.
        of: what it detects, or None where nothing simple fits.
        scale: the factor, 0 for a dead unit.
        error: the certified worst error of that description, relative to ``scale * max(1, |x|)``.
        in_circuit: False for a unit that the function does not need: what it adds, other units of its
            kind take away again.
    """

    layer: int
    index: int
    feature: str
    of: sympy.Expr | None
    scale: float
    error: float = 0.0
    in_circuit: bool = True

    def __str__(self) -> str:
        text = self.feature if self.of is None else f"{self.feature} of {_text(self.of)}"
        return text if self.in_circuit else f"{text} (cancels out)"


@dataclass(frozen=True, eq=False, repr=False)
class Detection:
    """What was found in a network; everything named is certified for every input.

    Attributes:
        network: the network.
        tolerance: how far from a function it may be to be called by its name.
        function: the catalogue name of the function that it computes within the tolerance, or None.
        proof: the proof that it is this function; where there is none, the refutation of the nearest
            catalogue function, or None if no catalogue function takes so many inputs.
        undecided: catalogue names that could not be decided in time.
        time_limit: seconds for each of the readings below, which are made when first asked for.
    """

    network: Network
    tolerance: Fraction
    function: str | None
    proof: Proof | None
    undecided: tuple[str, ...] = ()
    time_limit: float = 60.0
    _form: CanonicalForm | None = field(default=None)

    @cached_property
    def _read(self) -> tuple[sympy.Expr, Proof | None]:
        judge = _Judge(self.network, self.tolerance, time.monotonic() + self.time_limit)
        form = self._form if self._form is not None else canonical_form(self.network)
        return _expression(self.network, form, judge, self.proof if self.function else None)

    @property
    def expression(self) -> sympy.Expr:
        """The simplest expression found that the network equals within the tolerance.

        Where there is none: the nearest simple one, or the network's own function spelled out.
        """
        return self._read[0]

    @property
    def expression_proof(self) -> Proof | None:
        """How far the network is from ``expression``, for every input; None if not settled in time."""
        return self._read[1]

    @property
    def error(self) -> float:
        """The certified worst error of ``expression``; infinite where it could not be computed."""
        return self.expression_proof.error if self.expression_proof is not None else math.inf

    @cached_property
    def units(self) -> list[Unit]:
        """The hidden units, layer by layer."""
        return _units(self.network, self.tolerance)

    @cached_property
    def circuit(self) -> str | None:
        """The known circuit that it is, up to order and scale of its units, or None."""
        if self.function is None:
            return None
        return _known_circuit(self.network, self.function, self.units, self.tolerance)

    @cached_property
    def inner(self) -> dict[int, list[sympy.Expr]]:
        """For each hidden layer but the first the min, max and abs that can be read off linearly."""
        return _inner_functions(self.network, self.tolerance)

    @property
    def verdict(self) -> str:
        """What was found, in a sentence."""
        name = _text(self.expression)
        if self.function is not None:
            assert self.proof is not None
            how = "exactly" if self.proof.exact_error == 0 else f"within {_size(self.proof)}"
            circuit = "" if self.circuit is None else f', with the circuit "{self.circuit}"'
            return (
                f"This network computes {_text(self.proof.target.expression)} {how}, "
                f"for every input{circuit}."
            )
        start = "No function of the catalogue"
        if self.undecided:
            start = (
                f"Undecided: {', '.join(self.undecided)}. Otherwise no function of the catalogue"
            )
        if self.expression_proof is None:
            return f"{start} within {float(self.tolerance):g}; nearest expression found: {name}."
        if self.expression_proof.exact_error == 0:
            return f"{start}; this network computes {name} exactly, for every input."
        relation = "computes" if self.expression_proof.holds else "is nearest to"
        return (
            f"{start}; this network {relation} {name}, worst error {_size(self.expression_proof)}."
        )

    def __repr__(self) -> str:
        lines = [self.verdict]
        if len(self.units) <= 24:
            lines += [f"  layer {u.layer}, unit {u.index}: {u}" for u in self.units]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{u.layer}</td><td>{u.index}</td><td>{html.escape(str(u))}</td>"
            f"<td>{u.scale:.4g}</td></tr>"
            for u in self.units[:60]
        )
        return (
            f'<p class="ck-verdict"><strong>{html.escape(self.verdict)}</strong></p>'
            "<table><thead><tr><th>layer</th><th>unit</th><th>feature</th><th>scale</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def detect(
    net: Network, *, tolerance: float | Fraction = 1e-2, time_limit: float = 60.0
) -> Detection:
    """Read a network: which function, which circuit, which unit does what, and how far off at worst.

    Args:
        net: the network.
        tolerance: how far from a function the network may be, in the prover's measure ``|net - f| /
            max(1, max|x_i|)`` over all of R^n, to be called by its name; also how far from a feature a
            unit may be, relative to its scale. 0 asks for exact equality.
        time_limit: seconds for the whole of the proofs; what is not settled then is not named.

    Returns:
        A Detection. The expression and the units are read when they are first asked for.

    Raises:
        TypeError: ``net`` is not a Network.
        ValueError: a tolerance below 0 or a time limit that is not above 0.

    Example:
        The deck's printed weights for the identity:

        >>> found = detect(Network([[[-0.9192], [1.0035]], [[-1.0872, 0.9957]]]))
        >>> found
        This network computes x within 0.000815, for every input, with the circuit "identity".
          layer 0, unit 0: negativeness detector of x
          layer 0, unit 1: positiveness detector of x
        >>> found.function, found.units[0].scale
        ('identity', 0.9192)
    """
    if not isinstance(net, Network):
        raise TypeError(f"net: expected a Network, got {type(net).__name__}")
    if isinstance(tolerance, bool) or not isinstance(tolerance, numbers.Real) or not tolerance >= 0:
        raise ValueError(f"tolerance: expected a number, 0 or above, got {tolerance!r}")
    if (
        isinstance(time_limit, bool)
        or not isinstance(time_limit, numbers.Real)
        or not time_limit > 0
    ):
        raise ValueError(f"time_limit: expected a number of seconds above 0, got {time_limit!r}")
    allowed = Fraction(tolerance)
    judge = _Judge(net, allowed, time.monotonic() + time_limit)
    form = canonical_form(net)
    function, proof, undecided = _catalogue(net, form, judge)
    return Detection(net, allowed, function, proof, undecided, float(time_limit), form)


# --- function -----------------------------------------------------------------------------------------


class _Judge:
    """Proves guesses about one network within one time limit."""

    def __init__(self, net: Network, tolerance: Fraction, deadline: float) -> None:
        self.net = net
        self.tolerance = tolerance
        self.deadline = deadline
        self.known: dict[Target, Proof | None] = {}

    def __call__(self, target: Target) -> Proof | None:
        """The proof or refutation; None where there is no time for it."""
        if target not in self.known:
            left = self.deadline - time.monotonic()
            try:
                self.known[target] = (
                    prove(self.net, target, tolerance=self.tolerance, time_limit=left)
                    if left > 0
                    else None
                )
            except Undecided:
                self.known[target] = None
        return self.known[target]


@cache
def _named_targets(n_inputs: int, n_outputs: int) -> tuple[tuple[Target, CanonicalForm], ...]:
    targets = (as_target(name) for name in CATALOGUE)
    return tuple(
        (t, function_form(t)) for t in targets if (t.n_inputs, t.n_outputs) == (n_inputs, n_outputs)
    )


def _catalogue(
    net: Network, form: CanonicalForm, judge: _Judge
) -> tuple[str | None, Proof | None, tuple[str, ...]]:
    named = _named_targets(net.n_inputs, net.n_outputs)
    x = _propose.sample_inputs(net.n_inputs, homogeneous=not net.has_biases)
    values = net(x)
    errors = {t: _propose.sampled_error(t(x), values, x) for t, _ in named}
    order = sorted(named, key=lambda pair: (pair[1] != form, errors[pair[0]]))
    undecided = []
    nearest: Proof | None = None
    for t, t_form in order:
        # The samples hold the truth up to rounding: far off there is far off.
        far = errors[t] > float(judge.tolerance) * (1 + 1e-6) + 1e-9 and t_form != form
        if far and nearest is not None:
            continue
        proof = judge(t)
        if proof is None:
            if not far:
                undecided.append(t.name)
            continue
        if proof:
            return t.name, proof, ()
        nearest = nearest if nearest is not None else proof
    return None, nearest, tuple(undecided)


def _expression(
    net: Network, form: CanonicalForm, judge: _Judge, proof: Proof | None
) -> tuple[sympy.Expr, Proof | None]:
    """The shortest expression that is proved within the tolerance, else the nearest simple one."""
    variables = _variables(net.n_inputs)
    own = _own_expression(form, variables)
    if proof is not None and proof.exact_error == 0:
        return proof.target.expression, proof
    if proof is not None and own is None:
        return proof.target.expression, proof
    candidates: list[Target] = [] if proof is None else [proof.target]
    found: list[_propose.Guess] = []
    plain = own is not None and (
        not judge.tolerance or _number_bits(own) <= _PLAIN_BITS * net.n_outputs
    )
    if own is not None and plain:
        candidates.append(own)
    short = own is not None and sum(length(e)[0] for e in own.outputs) <= _SHORT * net.n_outputs
    if not short and (own is None or judge.tolerance):
        x = _propose.sample_inputs(net.n_inputs, homogeneous=not net.has_biases)
        found = _propose.guesses(net, x)
    near = [g for g in found if g.error <= float(judge.tolerance) * (1 + 1e-6)]
    candidates += [Target(g.expressions, variables=variables) for g in near]
    candidates.sort(key=lambda t: sum(length(e)[0] for e in t.outputs))
    for candidate in candidates[:8]:
        candidate_proof = judge(candidate)
        if candidate_proof is not None and candidate_proof:
            return candidate.expression, candidate_proof
    best = _balanced(found)
    if best is not None:
        target = Target(best.expressions, variables=variables)
        return target.expression, judge(target)
    if own is not None:
        return own.expression, judge(own)
    return sympy.Function("network")(*variables), None


def _number_bits(target: Target) -> int:
    """How many binary digits the numbers have beyond those of small fractions."""
    return sum(
        max(0, int(part.p).bit_length() + int(part.q).bit_length() - 8)
        for e in target.outputs
        for part in sympy.preorder_traversal(e)
        if part.is_Rational
    )


def _balanced(found: list[_propose.Guess]) -> _propose.Guess | None:
    """The guess that best trades error for length: half the error is worth a few symbols."""
    if not found:
        return None
    floor = max(found[0].error, 1e-12)
    return min(found, key=lambda g: 3 * math.log2(max(g.error, 1e-12) / floor) + g.length)


def _own_expression(form: CanonicalForm, variables: list[sympy.Symbol]) -> Target | None:
    """The network's own function, spelled out, if it has few kinks."""
    if form.n_kinks > _READABLE_KINKS:
        return None
    outputs = [expression(form, variables, output=k) for k in range(len(form.outputs))]
    return Target(outputs, variables=variables)


def _variables(n: int) -> list[sympy.Symbol]:
    names = ["x"] if n == 1 else [f"x{i + 1}" for i in range(n)]
    return [sympy.Symbol(name, real=True) for name in names]


# --- units --------------------------------------------------------------------------------------------


def _units(net: Network, tolerance: Fraction) -> list[Unit]:
    x = _propose.sample_inputs(net.n_inputs, homogeneous=not net.has_biases, count=1000)
    preactivations = net.preactivations(x)
    needed = _needed_units(net, preactivations, x, float(tolerance))
    units: list[Unit] = []
    for layer, z in enumerate(preactivations):
        leaders: list[tuple[int, Array]] = []
        for index in range(z.shape[1]):
            unit = _unit(net, layer, index, z[:, index], x, tolerance)
            if unit.feature not in ("dead", "always on"):
                earlier = _parallel_to(z[:, index], leaders, units, unit)
                if earlier is None:
                    leaders.append((len(units), z[:, index]))
                else:
                    unit = Unit(layer, index, "duplicate", unit.of, unit.scale, unit.error)
            used = bool(needed[layer][index]) and unit.feature != "dead"
            units.append(Unit(layer, index, unit.feature, unit.of, unit.scale, unit.error, used))
        del leaders
    return units


def _parallel_to(
    z: Array, leaders: list[tuple[int, Array]], units: list[Unit], unit: Unit
) -> int | None:
    """An earlier unit that this one is a multiple of: the same certified description."""
    for position, other in leaders:
        before = units[position]
        same = unit.of is not None and (before.feature, before.of) == (unit.feature, unit.of)
        if same or (unit.of is None and _cosine(z, other) > 1 - 1e-12):
            return position
    return None


def _cosine(a: Array, b: Array) -> float:
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size else 0.0


def _unit(net: Network, layer: int, index: int, z: Array, x: Array, tolerance: Fraction) -> Unit:
    size = np.maximum(1.0, np.abs(x).max(axis=1))
    reach = float((np.maximum(z, 0) / size).max())
    out = float(np.abs(net.weights[layer + 1][:, index]).max())
    alone = Network(
        [*net.weights[:layer], net.weights[layer][index : index + 1]],
        [*net.biases[:layer], net.biases[layer][index : index + 1]],
    )
    form = canonical_form(alone)
    if reach * max(out, 1.0) <= max(float(tolerance), 1e-12) and _at_most(
        alone, tolerance / Fraction(max(out, 1.0))
    ):
        return Unit(layer, index, "dead", None, 0.0)
    described = _describe(alone, form, z, x, tolerance)
    if float(z.min()) >= 0 and _never_negative(alone):
        of, scale, error = described if described is not None else (None, reach, 0.0)
        return Unit(layer, index, "always on", of, abs(scale), error)
    if described is None:
        return Unit(layer, index, "other", None, reach)
    of, scale, error = described
    if _is_difference(of):
        of = of if scale > 0 else _negative(of)
        return Unit(layer, index, "greaterness detector", of, abs(scale), error)
    feature = "positiveness detector" if scale > 0 else "negativeness detector"
    return Unit(layer, index, feature, of, abs(scale), error)


def _at_most(alone: Network, bound: Fraction) -> bool:
    """Whether ``relu(z(x)) <= bound * max(1, |x|)`` for every x."""
    activation = Network([*alone.weights, [[1.0]]], [*alone.biases, None])
    nothing = Target(sympy.Integer(0), variables=_variables(alone.n_inputs))
    try:
        return bool(prove(activation, nothing, tolerance=bound, time_limit=5.0))
    except Undecided:
        return False


def _never_negative(alone: Network) -> bool:
    flipped = Network(
        [*alone.weights[:-1], -alone.weights[-1]], [*alone.biases[:-1], -alone.biases[-1]]
    )
    return _at_most(flipped, Fraction(0))


def _describe(
    alone: Network, form: CanonicalForm, z: Array, x: Array, tolerance: Fraction
) -> tuple[sympy.Expr, float, float] | None:
    """``(e, s, error)`` with ``|z - s e| <= error |s| max(1, |x|)``, certified; None if not simple."""
    variables = _variables(alone.n_inputs)
    if len(alone.weights) == 1:
        return _describe_linear(alone, variables, tolerance)
    slope = _propose.largest_slope(alone, x)
    if not slope:
        return None
    for e in itertools.chain(
        _exact_readings(form, slope, variables), _near_readings(alone, slope, x, tolerance)
    ):
        values = Target(e, variables=variables)(x)[:, 0]
        norm = float(values @ values)
        scale = _simple_scale(float(values @ z) / norm) if norm else 0.0
        if not scale:
            continue
        allowed = tolerance * abs(Fraction(scale))
        target = Target(sympy.Rational(Fraction(scale)) * e, variables=variables)
        try:
            proof = prove(alone, target, tolerance=allowed, time_limit=5.0)
        except Undecided:
            continue
        if proof:
            return e, scale, float(proof.error / abs(scale))
    return None


def _exact_readings(
    form: CanonicalForm, slope: float, variables: list[sympy.Symbol]
) -> list[sympy.Expr]:
    """The function itself, or what it is the negative of, if that is short to write."""
    if form.n_kinks > _UNIT_KINKS:
        return []
    read = {
        _unscaled(expression(_scaled(form, sign / Fraction(slope)), variables, seconds=0.5))
        for sign in (1, -1)
    }
    return sorted((e for e in read if length(e)[0] <= _UNIT_LENGTH), key=length)[:1]


def _near_readings(
    alone: Network, slope: float, x: Array, tolerance: Fraction
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
        best = _balanced(_propose.guesses(net, x))
        if best is not None and best.error <= 10 * float(tolerance):
            found.add(_unscaled(best.expressions[0]))
    yield from sorted(found, key=length)


def _describe_linear(
    alone: Network, variables: list[sympy.Symbol], tolerance: Fraction
) -> tuple[sympy.Expr, float, float] | None:
    """A first layer's unit: its weights as a multiple of a simple direction, the error exactly."""
    row = [Fraction(v) for v in (*alone.weights[0][0].tolist(), *alone.biases[0].tolist())]
    top = max(abs(v) for v in row[:-1]) if any(row[:-1]) else abs(row[-1])
    if not top:
        return None
    for slack in (1e-9, 1e-4, 1e-3, 0.01, 0.03, 0.1):
        simple = [_propose.simple_fraction(float(v / top), slack) for v in row]
        if any(v is None for v in simple):
            continue
        whole = _whole([v for v in simple if v is not None])
        scale = sum(a * b for a, b in zip(row, whole, strict=True)) / sum(b * b for b in whole)
        scale = Fraction(_simple_scale(float(scale)))
        # relu changes by no more than its argument, and that by no more than the sum of all changes.
        error = sum(abs(a - scale * b) for a, b in zip(row, whole, strict=True)) / abs(scale)
        if error > tolerance:
            continue
        e = sympy.Add(*(int(b) * v for b, v in zip(whole, [*variables, 1], strict=True)))
        if e.could_extract_minus_sign():
            return -e, -float(scale), float(error)
        return e, float(scale), float(error)
    return None


def _whole(values: list[Fraction]) -> list[Fraction]:
    """The values times the number that makes them whole without a common factor."""
    denominator = math.lcm(*(v.denominator for v in values))
    divisor = math.gcd(*(int(v * denominator) for v in values))
    return [v * denominator / divisor for v in values]


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


# --- which units the function needs -------------------------------------------------------------------


def _needed_units(
    net: Network, preactivations: list[Array], x: Array, tolerance: float
) -> list[NDArray[np.bool_]]:
    """For each layer which units stay when what cancels is taken out, from the output backwards.

    Units on one hyperplane form a group. A group bends the output along its hyperplane, or it adds
    something linear only; of those, the fewest that add up to the whole are needed.
    """
    needed = [np.ones(z.shape[1], dtype=bool) for z in preactivations]
    readers = np.ones(net.n_outputs, dtype=bool)
    for layer in reversed(range(len(preactivations))):
        z = preactivations[layer]
        w = net.weights[layer + 1][readers] * (z > 0).any(axis=0)  # nobody reads the dead
        always = (z >= 0).all(axis=0)
        groups = _groups(z)
        bends, slants, members = [], [], []
        for group in groups:
            lead = z[:, group[0]]
            norm = float(lead @ lead)
            factor = z[:, group].T @ lead / norm if norm else np.zeros(len(group))
            amounts = w[:, group] * np.abs(factor)
            # relu(z) = (z + |z|) / 2, but z where the unit is on throughout
            bent = amounts * ~always[group] / 2
            bends.append(bent.sum(axis=1))
            slants.append(((amounts - bent) * np.sign(factor)).sum(axis=1))
            members.append(_needed_members(group, amounts, factor, tolerance))
        keep = _needed_groups([z[:, g[0]] for g in groups], bends, slants, w, z, groups, tolerance)
        chosen = np.zeros(z.shape[1], dtype=bool)
        for kept, units in zip(keep, members, strict=True):
            if kept:
                chosen[units] = True
        needed[layer] = chosen
        readers = chosen
    return needed


def _groups(z: Array) -> list[list[int]]:
    """Units whose preactivations are multiples of each other, of either sign."""
    norms = np.linalg.norm(z, axis=0)
    unit = z / np.where(norms > 0, norms, 1.0)
    left = list(range(z.shape[1]))
    groups = []
    while left:
        k = left[0]
        distance = 1 - np.abs(unit[:, left].T @ unit[:, k])
        same = [left[i] for i in np.flatnonzero(distance <= _PARALLEL**2 / 2).tolist()] or [k]
        groups.append(same)
        left = [i for i in left if i not in same]
    return groups


def _needed_members(group: list[int], amounts: Array, factor: Array, tolerance: float) -> list[int]:
    """The fewest units of a hyperplane that add up to the same on each of its two sides."""
    units: list[int] = []
    for sign in (1, -1):
        side = np.flatnonzero(np.sign(factor) == sign)
        if not len(side):
            continue
        parts = amounts[:, side].T
        slack = max(4e-3 * (tolerance > 0), 1e-9) * float(np.abs(parts).max(initial=0.0))
        for picked in _fewest(parts, parts.sum(axis=0), slack):
            units += [group[side[i]] for i in picked]
    return units


def _needed_groups(
    leads: list[Array],
    bends: list[Array],
    slants: list[Array],
    w: Array,
    z: Array,
    groups: list[list[int]],
    tolerance: float,
) -> list[bool]:
    keep = [False] * len(groups)
    scale = float(np.abs(w @ np.maximum(z, 0).T).max(initial=0.0)) or 1.0
    loose = []
    for k, group in enumerate(groups):
        size = np.abs(leads[k]).max()
        amount = float((np.abs(w[:, group]) * np.abs(z[:, group]).max(axis=0)).max(initial=0.0))
        slack = max(tolerance / 4 * scale, 4e-3 * amount * (tolerance > 0), 1e-9 * amount)
        if np.abs(bends[k]).max(initial=0.0) * size > slack:
            keep[k] = True
        elif np.abs(slants[k]).max(initial=0.0) * size > slack:
            loose.append(k)
    if not loose:
        return keep
    # The linear parts as functions on the samples, all readers beside each other.
    parts = np.stack([np.outer(slants[k], leads[k]).ravel() for k in loose])
    # Only their span matters: a few coordinates instead of all samples.
    _, s, vt = np.linalg.svd(parts, full_matrices=False)
    rank = max(1, int((s > 1e-9 * s[0]).sum()))
    parts = parts @ vt[:rank].T
    total = parts.sum(axis=0)
    sizes = np.linalg.norm(parts, axis=1)
    slack = max(1e-9, tolerance / 2) * max(float(np.linalg.norm(total)), 1e-3 * sizes.max())
    slack = max(slack, 4e-3 * float(sizes.max()) * (tolerance > 0))
    for chosen in _fewest(parts, total, slack):
        for i in chosen:
            keep[loose[i]] = True
    return keep


def _fewest(parts: Array, total: Array, slack: float) -> Iterable[tuple[int, ...]]:
    """The smallest subset of rows that adds up to ``total``; failing that, all but what cancels."""
    count = len(parts)
    for size in range(4):
        if math.comb(count, size) > 60_000:
            break
        subsets = np.array(list(itertools.combinations(range(count), size)), dtype=int)
        if not size:
            if np.linalg.norm(total) <= slack:
                return [()]
            continue
        if not len(subsets):
            break
        misses = np.linalg.norm(parts[subsets].sum(axis=1) - total, axis=1)
        best = int(misses.argmin())
        if misses[best] <= slack:
            return [tuple(subsets[best].tolist())]
    left = list(range(count))
    for size in (1, 2, 3, 4):
        again = True
        while again and len(left) >= size and math.comb(len(left), size) <= 60_000:
            subsets = np.array(list(itertools.combinations(left, size)), dtype=int)
            misses = np.linalg.norm(parts[subsets].sum(axis=1), axis=1)
            best = int(misses.argmin())
            again = bool(misses[best] <= slack)
            if again:
                left = [i for i in left if i not in subsets[best]]
    return [tuple(left)]


# --- circuits -----------------------------------------------------------------------------------------

#: name -> (its function, how to make it)
_CIRCUITS: dict[str, tuple[str, Any]] = {
    "identity": ("identity", circuits.identity),
    "negation": ("negation", circuits.negation),
    "abs": ("abs", circuits.absolute),
    "add": ("add", circuits.add),
    "subtract": ("subtract", circuits.subtract),
    "min via x1": ("min", circuits.minimum),
    "min via x2": ("min", lambda: circuits.minimum(via=2)),
    "min by average": ("min", circuits.minimum_by_average),
    "min in two layers": ("min", circuits.minimum_two_layers),
    "max via x1": ("max", circuits.maximum),
    "max via x2": ("max", lambda: circuits.maximum(via=2)),
    "min4": ("min4", circuits.minimum_four),
}

#: the features of each layer, and how much the output takes of each feature of the last one
_Signature = tuple[tuple[tuple[tuple[str, str], ...], ...], dict[tuple[str, str], float]]


def _known_circuit(
    net: Network, function: str, units: list[Unit], tolerance: Fraction
) -> str | None:
    own = _signature(net, units)
    if own is None:
        return None
    signature, shares = own
    for name, (target, _) in _CIRCUITS.items():
        if target != function:
            continue
        for known_signature, known_shares in _known_signatures(name):
            if signature == known_signature and all(
                abs(shares[key] - known_shares[key]) <= max(5 * float(tolerance), 1e-9)
                for key in shares
            ):
                return name
    return None


@cache
def _known_signatures(name: str) -> tuple[_Signature, ...]:
    """The circuit's signatures under every order of its inputs that leaves its function the same."""
    function, make = _CIRCUITS[name]
    net = make()
    units = _units(net, Fraction(0))
    variables = _variables(net.n_inputs)
    target = as_target(function)
    found = []
    for order in itertools.permutations(variables):
        # "via x1" is a circuit of its own, not another order of "via x2"
        if name.endswith(("x1", "x2")) and list(order) != variables:
            continue
        swap = dict(zip(variables, order, strict=True))
        if _swapped(target.expression, swap) != target.expression:
            continue
        permuted = [replace(u, of=None if u.of is None else _swapped(u.of, swap)) for u in units]
        signature = _signature(net, permuted)
        if signature is not None and signature not in found:
            found.append(signature)
    return tuple(found)


def _swapped(e: sympy.Expr, swap: dict[sympy.Symbol, sympy.Symbol]) -> sympy.Expr:
    """Other variables for the old ones, without simplifying anew, which SymPy is slow at."""
    if not e.args:
        return swap.get(e, e)
    arguments = [_swapped(a, swap) for a in e.args]
    if isinstance(e, (sympy.Min, sympy.Max)):
        return type(e)(*arguments, evaluate=False)
    return e.func(*arguments)


def _signature(net: Network, units: list[Unit]) -> _Signature | None:
    """For each layer which features there are, and what the first output takes of the last ones."""
    layers: list[set[tuple[str, str]]] = [set() for _ in net.weights[:-1]]
    shares: dict[tuple[str, str], float] = {}
    leaders: dict[tuple[int, str], tuple[str, str]] = {}
    for unit in units:
        if not unit.in_circuit or unit.feature == "dead":
            continue
        if unit.of is None or unit.feature == "other":
            return None
        key = (unit.feature, str(unit.of))
        if unit.feature == "duplicate":
            key = leaders.get((unit.layer, str(unit.of)), key)
        else:
            leaders[unit.layer, str(unit.of)] = key
        layers[unit.layer].add(key)
        if unit.layer == len(layers) - 1:
            share = unit.scale * float(net.weights[-1][0, unit.index])
            shares[key] = shares.get(key, 0.0) + share
    return tuple(tuple(sorted(layer)) for layer in layers), shares


# --- functions inside ---------------------------------------------------------------------------------


def _inner_functions(net: Network, tolerance: Fraction) -> dict[int, list[sympy.Expr]]:
    """min, max and abs of inputs that a linear probe reads off what each deeper layer receives."""
    variables = _variables(net.n_inputs)
    x = _propose.sample_inputs(net.n_inputs, homogeneous=not net.has_biases, count=1000)
    pairs = list(itertools.combinations(variables, 2))
    candidates = [sympy.Abs(v) for v in variables]
    candidates += [f(a, b) for a, b in pairs for f in (sympy.Min, sympy.Max)]
    candidates += [sympy.Abs(a - b) for a, b in pairs]
    found: dict[int, list[sympy.Expr]] = {}
    preactivations = net.preactivations(x)
    for layer in range(1, len(preactivations)):
        z = preactivations[layer]
        found[layer] = []
        for e in candidates:
            target = Target(e, variables=variables)
            probe, *_ = np.linalg.lstsq(z, target(x)[:, 0], rcond=1e-9)
            miss = _propose.sampled_error((z @ probe)[:, None], target(x), x)
            if miss > max(float(tolerance), 1e-9):
                continue
            simple = np.array(
                [float(_propose.simple_fraction(v, 1e-9) or Fraction(v)) for v in probe]
            )
            read = Network(
                [*net.weights[:layer], simple[None] @ net.weights[layer]],
                [*net.biases[:layer], simple[None] @ net.biases[layer]],
            )
            try:
                if prove(
                    read, target, tolerance=max(tolerance, Fraction(1, 10**9)), time_limit=5.0
                ):
                    found[layer].append(e)
            except Undecided:
                continue
    return found


# --- words --------------------------------------------------------------------------------------------


def _text(e: sympy.Expr) -> str:
    """The expression in small letters, what is added before what is subtracted."""
    if isinstance(e, sympy.Tuple):
        return f"({', '.join(map(_text, e))})"
    if isinstance(e, sympy.Add):
        plus = [a for a in e.as_ordered_terms() if not a.could_extract_minus_sign()]
        minus = [-a for a in e.as_ordered_terms() if a.could_extract_minus_sign()]
        if plus and minus:
            return " - ".join([" + ".join(map(_text, plus)), *map(_text, minus)])
    return str(e).replace("Min(", "min(").replace("Max(", "max(").replace("Abs(", "abs(")


def _size(proof: Proof) -> str:
    at = {"exact": "", "at most": "at most ", "at least": "at least "}[proof.bound]
    return f"{at}{proof.error:.3g}"
