r"""What a network computes for every input there is.

The network is brought into canonical form exactly (:mod:`circuitkit.exact.canonical`), simple functions near it are
guessed (:mod:`.guess`), and only what :func:`circuitkit.prove` confirms for every input is reported. The same holds for
every unit: its name is a statement about all inputs, with an error bound computed in exact fractions.
"""

from __future__ import annotations

import contextlib
import html
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property
from typing import Any, Literal

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef

from circuitkit import words
from circuitkit.detection import guess
from circuitkit.detection.place import EVERYWHERE, Place
from circuitkit.detection.readings import Reading
from circuitkit.detection.recognize import known_circuit
from circuitkit.detection.units import Unit, read_units
from circuitkit.exact.canonical import CanonicalForm, canonical_form, function_form
from circuitkit.exact.regions import OutOfTime
from circuitkit.exact.spell import expression, length, text
from circuitkit.functions.catalogue import NAMES
from circuitkit.functions.language import CATALOGUE
from circuitkit.functions.target import Target
from circuitkit.functions.target import target as as_target
from circuitkit.functions.trees import KeepsTrees
from circuitkit.network import Network
from circuitkit.proof.prove import Proof, Undecided, prove
from circuitkit.rules import RULES, phrase
from circuitkit.words import nearest_float

__all__ = ["Detection", "Judge", "catalogue", "detect_everywhere"]

#: an expression with more kinks than this is not spelled out
_READABLE_KINKS = 12
#: a reading of at most so many symbols and numbers needs no rounding
_SHORT: int = RULES["reading"]["short"]
#: a network's own function is worth spelling out if its numbers have not many more digits than this
_PLAIN_BITS: int = RULES["reading"]["plain_bits"]
#: without a tolerance these are tried, until a name or an expression of so many symbols an output holds
_LADDER = tuple(
    map(
        Fraction, ("0", "1e-6", "1e-4", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.06", "0.15")
    )
)
_SHORT_READING = 16
#: networks of more hidden units are described without a list of their units
_LISTED_UNITS = 60
#: which share of the time the naming of the function may take
_NAMING = 0.75
#: and of what is left then the search for an expression
_SPELLING = 0.5
#: so many points tell most functions of the catalogue apart
_FEW_SAMPLES = 300


@dataclass(frozen=True, eq=False, repr=False)
class Detection(KeepsTrees):
    """What was found in a network; everything named is certified, for every input or on the domain.

    Attributes:
        network: the network.
        tolerance: how far from a function it may be to be called by its name, 0 or above; the one that
            was chosen, where none was given.
        basic: which of the eight basic functions, those of the deck with ``max``, ``negation`` and ``min4``, it
            computes within the tolerance, or None.
        basic_proof: the proof that it is this function; where there is none, the refutation of the nearest
            of the eight, or None if none of them takes so many inputs.
        undecided: names of basic functions that could not be decided in time.
        time_limit: seconds for all of it, above 0. The expression, the units, the circuit and the inner
            functions are read when they are first asked for, in what is left of the time: a unit that is
            not read then is ``"other"`` and says so, an expression that was not found is called
            ``network(x)``, and what was not settled is not named.

    Example:
        >>> from circuitkit import detect
        >>> found = detect(Network([[[2], [-1]], [[0.5, 1]]]))
        >>> isinstance(found, Detection), found.basic, found.circuit
        (True, 'abs', 'abs')
        >>> found.expression, found.error, bool(found.expression_proof)
        (Abs(x), 0.0, True)
        >>> [str(unit) for unit in found.units], found.inner
        (['positiveness detector of x', 'negativeness detector of x'], {})
        >>> found.verdict
        'This network computes abs(x) exactly, for every input, with the circuit "abs".'

        On a domain, one whose last unit sleeps until x = 1.5:

        >>> found = detect(Network([[[2], [-1], [1]], [[0.5, 1, -1]]], [[0, 0, -1.5], [0]]), domain=[(-1, 1)])
        >>> found.function, found.domain, [(r.expression, r.error) for r in found.readings]
        ('abs', ((-1.0, 1.0),), [(Abs(x), 0.0)])
        >>> found.valid_box, found.outside
        (((-1.5078125, 1.5078125),), array([1.51171875]))
    """

    network: Network
    tolerance: Fraction
    basic: str | None
    basic_proof: Proof | None
    undecided: tuple[str, ...] = ()
    time_limit: float = 60.0
    _form: CanonicalForm | None = field(default=None)
    _spent: float = 0.0

    @cached_property
    def _clock(self) -> _Clock:
        return _Clock(self.time_limit - self._spent)

    @property
    def function(self) -> str | None:
        """The catalogue name of the function that it is proved to compute within the tolerance, or None.

        One of the eight basic functions if it can be; else the first of :data:`circuitkit.catalogue` that is
        proved, in what is left of the time, when this is first asked for (on a domain, one that is the ``expression``).
        None where none is: each has other numbers of inputs or outputs, is further off, bends where no network does, or
        was not proved in time.

        Example:
            >>> from circuitkit import circuit, detect
            >>> found = detect(circuit("median_of_three"))
            >>> found.basic, found.function, bool(found.proof)
            (None, 'median_of_three', True)
        """
        return self._named[0]

    @property
    def proof(self) -> Proof | None:
        """The proof that it is ``function``; where there is none, ``basic_proof``."""
        return self._named[1]

    @cached_property
    def _named(self) -> tuple[str | None, Proof | None]:
        if self.basic is None:
            for t, proof in self._entries():
                if proof is not None and proof:
                    return t.name, proof
        return self.basic, self.basic_proof

    def _entries(self) -> Iterator[tuple[Target, Proof | None]]:
        """The catalogue's other functions that it may be, and what became of the proofs."""
        with self._clock.running() as deadline:
            judge = Judge(self.network, self.tolerance, deadline)
            yield from ((t, judge(t)) for t in _near(self.network, self.tolerance))

    @cached_property
    def _read(self) -> tuple[sympy.Expr, Proof | None]:
        named = None if self.basic is None else as_target(self.basic)
        with self._clock.running(_SPELLING) as deadline:  # the units want to be read, too
            judge = Judge(self.network, self.tolerance, deadline)
            return _expression(self.network, self._form, judge, named, self.basic_proof)

    @property
    def expression(self) -> sympy.Expr | None:
        """The simplest expression found that the network equals within the tolerance.

        Where there is none: a simple one that comes near, or the network's own function spelled out. On
        a domain the one of ``readings`` that trades length for error best, and None where no short one
        was found near it.
        """
        return self._read[0]

    @property
    def expression_proof(self) -> Proof | None:
        """How far the network is from ``expression``, for every input; None if not settled in time."""
        return self._read[1]

    @property
    def error(self) -> float:
        """The certified worst error of ``expression``; infinite where there is none.

        It is its proof's: where that knows it exactly, the fraction rounded to the nearest double, which may be a
        little below it; ``expression_proof.exact_error`` is the fraction.
        """
        return self.expression_proof.error if self.expression_proof is not None else math.inf

    @property
    def units(self) -> list[Unit]:
        """The hidden units, layer by layer; a list of the caller's own."""
        return list(self._units)

    @cached_property
    def _units(self) -> list[Unit]:
        with self._clock.running() as deadline:
            return read_units(self.network, min(self.tolerance, Fraction(10**300)), deadline)

    @cached_property
    def circuit(self) -> str | None:
        """The known circuit that it is, up to order and scale of its units, or None."""
        if self.basic is None:
            return None
        return known_circuit(self.network, self.basic, self.units, self.tolerance)

    @property
    def inner(self) -> dict[int, list[sympy.Expr]]:
        """For each hidden layer but the first, 1 for the second, the min, max and abs that can be read off linearly.

        On a domain, what :func:`circuitkit.subcircuits` proves there: functions that a unit's row is made of, beside
        something straight, and those that a combination of the layer is. A dict of the caller's own.
        """
        return {layer: list(found) for layer, found in self._inner.items()}

    @cached_property
    def _inner(self) -> dict[int, list[sympy.Expr]]:
        with self._clock.running() as deadline:
            return _inner_functions(self.network, self.tolerance, deadline)

    @property
    def domain(self) -> Any:
        """The inputs for which all of this holds, as ``Proof.domain`` gives them; None for every input."""
        return None

    @property
    def readings(self) -> list[Reading]:
        """Expressions that the network was proved to be near, longer ones nearer.

        Each has ``.expression``, ``.error``, ``.length`` and its ``.proof``. On a domain the first may be
        further off than the tolerance, where a much simpler one is not much further off, or none is short.
        """
        proof = self.expression_proof
        if proof is None or not proof.holds or self.expression is None:
            return []
        outputs = getattr(proof.target, "outputs", (self.expression,))
        return [Reading(self.expression, proof, sum(length(e)[0] for e in outputs))]

    @property
    def valid_box(self) -> Any:
        """The largest domain found on which the name, or else the expression, holds within the tolerance.

        (Or within the larger one that the expression needed.) The domain scaled about its center, in the
        same form, each larger one proved; of a side with one end, that end is moved outwards. None where
        nothing was named, and where no domain was asked about.
        """
        return None

    @property
    def outside(self) -> NDArray[Any] | None:
        """An input outside of ``valid_box`` where it is false; None where there is none known."""
        return None

    @property
    def _names_circuit(self) -> bool:
        # Reading every unit of a large network takes long; it is done where it is asked for.
        return self._n_units <= _LISTED_UNITS and self.circuit is not None

    @property
    def _n_units(self) -> int:
        return sum(self.network.layer_sizes[1:-1])

    @property
    def verdict(self) -> str:
        """What was found, in a sentence."""
        name = text(self.expression)
        if self.basic is not None and self.basic_proof is not None:
            return phrase(
                "exactly" if self.basic_proof.exact_error == 0 else "within",
                function=text(as_target(self.basic).expression),
                error=_at_most(self.basic_proof),
                circuit=phrase("circuit", label=self.circuit) if self._names_circuit else "",
            )
        how = "how_within" if self.tolerance else "how_exactly"
        start = phrase(
            "undecided" if self.undecided else "none",
            names=", ".join(self.undecided),
            how=phrase(how, tolerance=_named(self.tolerance)),
        )
        proof = self.expression_proof
        if proof is None:
            unread = isinstance(self.expression, AppliedUndef)
            found = "unspelled" if unread else "unsettled"
        elif proof.exact_error == 0:
            found = "own"
        else:
            found = "near" if proof.holds else "rough"
        size = ""
        if proof is not None:
            size = _at_most(proof) if proof.holds else _above(proof, self.tolerance)
        measure = phrase("same" if self.tolerance else "measure")
        return f"{start}{phrase(found, expression=name, error=size, measure=measure)}."

    def __repr__(self) -> str:
        lines = [self.verdict]
        if self._n_units <= 24:
            lines += [f"  layer {u.layer}, unit {u.index}: {u}" for u in self.units]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{u.layer}</td><td>{u.index}</td><td>{html.escape(str(u))}</td>"
            f"<td>{words.number(u.scale)}</td></tr>"
            for u in (self.units if self._n_units <= _LISTED_UNITS else ())
        )
        verdict = f'<p class="ck-result"><strong>{html.escape(self.verdict)}</strong></p>'
        if not rows:
            return verdict
        return (
            f"{verdict}<table><thead><tr><th>layer</th><th>unit</th><th>feature</th><th>scale</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def detect_everywhere(net: Network, tolerance: Fraction | None, time_limit: float) -> Detection:
    """What a network computes within a tolerance, for every input; None chooses the tolerance."""
    if tolerance is None:
        return _with_tolerance(net, time_limit)
    started = time.monotonic()
    judge = Judge(net, tolerance, started + _NAMING * time_limit)
    form = _form_in_time(net, _NAMING * time_limit)
    function, proof, undecided = catalogue(net, form, judge)
    spent = time.monotonic() - started
    return Detection(net, tolerance, function, proof, undecided, time_limit, form, spent)


def _with_tolerance(net: Network, time_limit: float) -> Detection:
    """At the smallest tolerance of the ladder at which there is a name or a short expression."""
    end = time.monotonic() + time_limit
    for step in _LADDER:
        left = max(end - time.monotonic(), 1e-3)
        found = detect_everywhere(net, step, left if step == _LADDER[-1] else left / 2)
        if found.basic is not None or step == _LADDER[-1]:
            break
        short = found.readings and found.readings[0].length <= _SHORT_READING * net.n_outputs
        if short:
            break
    return found


def _form_in_time(net: Network, time_limit: float) -> CanonicalForm | None:
    """The canonical form, if it is found in a third of the time: nothing that is proved needs it."""
    try:
        return canonical_form(net, deadline=time.monotonic() + time_limit / 3)
    except OutOfTime:
        return None


class _Clock:
    """Seconds that several readings share."""

    def __init__(self, seconds: float) -> None:
        self.left = max(seconds, 0.0)

    @contextlib.contextmanager
    def running(self, share: float = 1.0) -> Iterator[float]:
        """While it runs, the time goes by; gives the deadline, with a share of what is left."""
        started = time.monotonic()
        try:
            yield started + share * self.left
        finally:
            self.left = max(self.left - (time.monotonic() - started), 0.0)


# --- function -----------------------------------------------------------------------------------------


class Judge:
    """Proves guesses about one network within one time limit."""

    def __init__(
        self, net: Network, tolerance: Fraction, deadline: float, where: Place = EVERYWHERE
    ) -> None:
        self.net = net
        self.tolerance = tolerance
        self.deadline = deadline
        self.where = where
        self.known: dict[Target, Proof | None] = {}

    def __call__(self, target: Target) -> Proof | None:
        """The proof or refutation; None where there is no time for it."""
        if target not in self.known:
            left = self.deadline - time.monotonic()
            self.known[target] = self.where.prove(self.net, target, self.tolerance, left)
        return self.known[target]


@cache
def _named_targets(n_inputs: int, n_outputs: int) -> tuple[tuple[Target, CanonicalForm], ...]:
    targets = (as_target(name) for name in CATALOGUE)
    return tuple(
        (t, function_form(t)) for t in targets if (t.n_inputs, t.n_outputs) == (n_inputs, n_outputs)
    )


def _sampled_error(
    where: Place, target: Target, values: NDArray[np.float64], x: NDArray[np.float64]
) -> float:
    """The error of a function on the samples; 0, which rules out nothing, where no double holds its values."""
    try:
        return where.sampled_error(target(x), values, x)
    except ValueError:
        return 0.0


@np.errstate(over="ignore", invalid="ignore")  # weights may be as large as doubles are
def catalogue(
    net: Network, form: CanonicalForm | None, judge: Judge
) -> tuple[str | None, Proof | None, tuple[str, ...]]:
    """The first function of the catalogue that it is proved to be, or the nearest one refuted."""
    named = _named_targets(net.n_inputs, net.n_outputs)
    x = judge.where.samples(net)
    values = net(x)
    errors = {t: _sampled_error(judge.where, t, values, x) for t, _ in named}
    order = sorted(named, key=lambda pair: (pair[1] != form, errors[pair[0]]))
    undecided = []
    nearest: Proof | None = None
    for t, t_form in order:
        # The samples hold the truth up to rounding: far off there is far off.
        far = errors[t] > nearest_float(judge.tolerance) * (1 + 1e-6) + 1e-9 and t_form != form
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


@cache
def entries_of(n_inputs: int, n_outputs: int) -> tuple[Target, ...]:
    """The other functions of the catalogue, those of straight pieces."""
    targets = (as_target(name) for name in NAMES if name not in CATALOGUE)
    sizes = (n_inputs, n_outputs)
    return tuple(t for t in targets if (t.n_inputs, t.n_outputs) == sizes and t.is_piecewise_linear)


@np.errstate(over="ignore", invalid="ignore")  # weights may be as large as doubles are
def _near(net: Network, tolerance: Fraction) -> list[Target]:
    """Those of them that are within the tolerance at samples."""
    x = EVERYWHERE.samples(net, _FEW_SAMPLES)
    values = net(x)
    allowed = nearest_float(tolerance) * (1 + 1e-6) + 1e-9
    every = entries_of(net.n_inputs, net.n_outputs)
    return [t for t in every if EVERYWHERE.sampled_error(t(x), values, x) <= allowed]


@np.errstate(over="ignore", invalid="ignore")  # weights may be as large as doubles are
def _expression(
    net: Network,
    form: CanonicalForm | None,
    judge: Judge,
    named: Target | None,
    proof: Proof | None,
) -> tuple[sympy.Expr, Proof | None]:
    """The shortest expression that is proved within the tolerance, else a simple one that comes near.

    ``named`` is the catalogue function that the network was proved to be.
    """
    variables = guess.input_variables(net.n_inputs)
    own = _own_expression(form, variables) if time.monotonic() < judge.deadline else None
    if named is not None and (own is None or (proof is not None and proof.exact_error == 0)):
        return named.expression, proof
    candidates = [] if named is None else [named]
    found: list[guess.Guess] = []
    plain = own is not None and (
        not judge.tolerance or _number_bits(own) <= _PLAIN_BITS * net.n_outputs
    )
    if own is not None and plain:
        candidates.append(own)
    short = own is not None and sum(length(e)[0] for e in own.outputs) <= _SHORT * net.n_outputs
    if not short and (own is None or judge.tolerance):
        x = EVERYWHERE.samples(net)
        with contextlib.suppress(OutOfTime):
            found = guess.guesses(net, x, judge.deadline)
    near = [g for g in found if g.error <= nearest_float(judge.tolerance) * (1 + 1e-6)]
    candidates += [Target(g.expressions, variables=variables) for g in near]
    candidates.sort(key=lambda t: sum(length(e)[0] for e in t.outputs))
    for candidate in candidates[:8]:
        candidate_proof = judge(candidate)
        if candidate_proof is not None and candidate_proof:
            return candidate.expression, candidate_proof
    best = guess.balanced(found)
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


def _own_expression(form: CanonicalForm | None, variables: list[sympy.Symbol]) -> Target | None:
    """The network's own function, spelled out, if it has few kinks."""
    if form is None or form.n_kinks > _READABLE_KINKS:
        return None
    outputs = [expression(form, variables, output=k) for k in range(len(form.outputs))]
    return Target(outputs, variables=variables)


# --- functions inside ---------------------------------------------------------------------------------


def _inner_functions(
    net: Network, tolerance: Fraction, deadline: float
) -> dict[int, list[sympy.Expr]]:
    """min, max and abs of inputs that a linear probe reads off what each deeper layer receives.

    Those that are found before the deadline.
    """
    variables = guess.input_variables(net.n_inputs)
    x = EVERYWHERE.samples(net, 1000)
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
            left = deadline - time.monotonic()
            if left <= 0:
                return found
            target = Target(e, variables=variables)
            probe, *_ = np.linalg.lstsq(z, target(x)[:, 0], rcond=1e-9)
            miss = EVERYWHERE.sampled_error((z @ probe)[:, None], target(x), x)
            if miss > max(nearest_float(tolerance), 1e-9):
                continue
            simple = np.array([float(guess.simple_fraction(v, 1e-9) or Fraction(v)) for v in probe])
            read = Network(
                [*net.weights[:layer], simple[None] @ net.weights[layer]],
                [*net.biases[:layer], simple[None] @ net.biases[layer]],
            )
            try:
                allowed = max(tolerance, Fraction(1, 10**9))
                if prove(read, target, tolerance=allowed, time_limit=min(5.0, left)):
                    found[layer].append(e)
            except Undecided:
                continue
    return found


# --- words --------------------------------------------------------------------------------------------


#: significant digits of an error
_DIGITS = 3


def _at_most(proof: Proof) -> str:
    """A number that the error is at most, for "within"."""
    return words.number(proof.bounding_error or 0, _DIGITS, rounding="up")


def _above(proof: Proof, tolerance: Fraction) -> str:
    """The error of a refutation, with as many digits as it takes to see that it is above the tolerance."""
    error, bound = proof.bounding_error, proof.bound
    if error is None:
        return "inf"
    rounding: Literal["nearest", "down"] = "nearest" if bound == "exact" else "down"
    text, _ = words.larger(error, tolerance, rounding=rounding, digits=_DIGITS)
    return text if bound == "exact" else f"at least {text}"


def _named(tolerance: Fraction) -> str:
    """The tolerance in three digits if they name it, else rounded down: no function is within that."""
    text = words.number(tolerance, _DIGITS)
    nearest = nearest_float(Fraction(text))
    named = math.isfinite(nearest) and Fraction(nearest) == tolerance
    return text if named else words.number(tolerance, _DIGITS, rounding="down")
