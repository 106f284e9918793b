"""What a network computes on a domain: where it was trained, say, and not beyond.

All names and errors hold there, and errors are absolute. The function of the catalogue is named first; an
expression is looked for (:mod:`.readings`) within the tolerance, and where there is no short one, within a
little more; nothing longer is called a reading. Then it is tried how far beyond the domain that holds.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit import words
from circuitkit.detection import guess
from circuitkit.detection.everywhere import Detection, Judge, catalogue, entries_of
from circuitkit.detection.inside import subcircuits
from circuitkit.detection.place import EVERYWHERE, Place
from circuitkit.detection.readings import Reader, Reading, best, joined, own_expressions
from circuitkit.detection.units import Unit, read_units
from circuitkit.exact.canonical import function_form
from circuitkit.exact.spell import length, text
from circuitkit.functions.target import Target
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.proof.prove import Proof
from circuitkit.rules import phrase

__all__ = ["detect_there"]

#: where there is no short reading within the tolerance, within so many times that
_LADDER = tuple(Fraction(m) for m in ("1", "1.5", "2.5", "4", "6", "10", "15"))
#: the tolerance where none is given, or 0: the ladder begins here
_USUAL = Fraction(1, 100)
#: without a tolerance these come before it; all in units of the network's own range
_FINE = tuple(Fraction(m) for m in ("1e-6", "1e-5", "1e-4", "1e-3", "0.0025", "0.005"))
#: symbols and numbers of a short reading, for each output; of one within the tolerance asked for
_SHORT, _LONGEST = 16, 32
#: of one that may have a shorter one not much further off
_LONG = 5
#: how many steps of the ladder that may be further off
_FURTHER = 2
#: which share of the time may go to the function's name; of what is left then to the readings; and to
#: how far they hold
_NAMING, _READING, _BEYOND = 0.3, 0.6, 0.5
#: how many times larger the domain may become, and how often the last step is halved
_LARGEST, _HALVINGS = 1024, 8
#: what a function of more inputs is in fewer words is not asked; what counts as equal among samples
_FEW_INPUTS, _EQUAL = 6, 1e-9
#: significant digits of an error
_DIGITS = 3


def detect_there(
    net: Network, where: Place, tolerance: Fraction | None, time_limit: float
) -> Detection:
    """What a network computes within a tolerance on a domain; None chooses the tolerance."""
    started = time.monotonic()
    deadline = started + _NAMING * time_limit
    found = None
    if tolerance is None:
        search = _Search(net, where, started + _READING * time_limit)
        found = search.chosen()
        tolerance = found.tolerance
        deadline = max(deadline, time.monotonic() + (1 - _READING) / 2 * time_limit)
    judge = Judge(net, tolerance, deadline, where)
    function, proof, undecided = catalogue(net, None, judge)
    if function is not None and proof is not None and found is None:
        found = _shorter(net, where, as_target(function), proof, deadline)
        if found is not None:
            function, proof = None, None
    spent = time.monotonic() - started
    return DetectionThere(
        net, tolerance, function, proof, undecided, time_limit, None, spent, where, found
    )


@dataclass(frozen=True, eq=False, repr=False)
class DetectionThere(Detection):
    """What was found in a network on a domain."""

    where: Place = EVERYWHERE
    _given: _Found | None = None

    # --- the reading ------------------------------------------------------------------------------------

    def _entries(self) -> Iterator[tuple[Target, Proof | None]]:
        if self.expression is None:
            return
        net = self.network
        outputs = (
            self.expression if isinstance(self.expression, sympy.Tuple) else (self.expression,)
        )
        own = Target(tuple(outputs), variables=guess.input_variables(net.n_inputs))
        with self._clock.running() as deadline:
            judge = Judge(net, self.tolerance, deadline, self.where)
            for t in entries_of(net.n_inputs, net.n_outputs):
                if function_form(t) == function_form(own):
                    yield t, judge(t)

    @property
    def domain(self) -> Any:
        return None if self.where.domain is None else self.where.domain.given()

    @cached_property
    def _found(self) -> _Found:
        if self._given is not None:
            return self._given
        with self._clock.running(_READING) as deadline:
            search = _Search(self.network, self.where, deadline)
            if self.basic is not None and self.basic_proof is not None:
                return search.around(as_target(self.basic), self.basic_proof)
            return search.within(self.tolerance)

    @property
    def readings(self) -> list[Reading]:
        return list(self._found.readings)

    @property
    def expression(self) -> sympy.Expr | None:
        return None if self._found.best is None else self._found.best.expression

    @property
    def expression_proof(self) -> Proof | None:
        return None if self._found.best is None else self._found.best.proof

    @cached_property
    def _units(self) -> list[Unit]:
        with self._clock.running() as deadline:
            return read_units(self.network, self.tolerance, deadline, self.where)

    @cached_property
    def _inner(self) -> dict[int, list[sympy.Expr]]:
        hidden = range(2, len(self.network.weights))
        with self._clock.running() as deadline:
            left = deadline - time.monotonic()
            if left <= 0:
                return {layer - 1: [] for layer in hidden}
            found = subcircuits(
                self.network,
                domain=self.where.domain,  # type: ignore[arg-type]
                tolerance=self.tolerance,
                time_limit=left,
            )
        return {layer - 1: functions for layer, functions in found.read.items()}

    # --- how far it holds -------------------------------------------------------------------------------

    @cached_property
    def _claimed(self) -> tuple[Target, Fraction] | None:
        """What is tried beyond the domain: a function, and within how much."""
        if self.basic is not None:
            return as_target(self.basic), self.tolerance
        if self._found.best is None:
            return None
        proof = self._found.best.proof
        if not isinstance(proof.target, Target):
            return None
        return proof.target, max(proof.tolerance, self.tolerance)

    @cached_property
    def _reach(self) -> tuple[Place, Proof | None] | None:
        """The largest domain found, and the refutation of a larger one."""
        if self._claimed is None:
            return None
        with self._clock.running(_BEYOND) as deadline:
            return _largest(self.network, *self._claimed, self.where, deadline)

    @property
    def valid_box(self) -> Any:
        if self._reach is None or self._reach[0].domain is None:
            return None
        return self._reach[0].domain.given()

    @property
    def outside(self) -> NDArray[Any] | None:
        return (
            None if self._reach is None or self._reach[1] is None else self._reach[1].counterexample
        )

    # --- words ------------------------------------------------------------------------------------------

    @property
    def verdict(self) -> str:
        sentences = [self._says, self._holds]
        return " ".join(s for s in sentences if s)

    @property
    def _says(self) -> str:
        there = self.where.words()
        start = f"{there[0].upper()}{there[1:]}"
        if self.basic is not None and self.basic_proof is not None:
            name = _plain(as_target(self.basic).expression)
            circuit = phrase("circuit", label=self.circuit) if self._names_circuit else ""
            return f"{start} this network computes {name} {_size(self.basic_proof)}{circuit}."
        found = self._found
        if found.best is None:
            late = " in time" if found.is_late else ""
            return f"{start} no short reading {_within(found.tolerance)} was found{late}."
        what = f"{_plain(found.best.expression)} {_size(found.best.proof)}"
        said = f"{start} this network computes {what}"
        if found.tolerance > self.tolerance:
            said = f"{start} no short reading {_within(self.tolerance)} was found; this network computes {what}"
        if found.simpler is not None:
            simpler = found.simpler
            said += f"; more simply {_plain(simpler.expression)} {_size(simpler.proof)}"
        return f"{said}."

    @property
    def _holds(self) -> str:
        """Within the tolerance, which may be more than it is off on the domain itself."""
        if self._reach is None or self._claimed is None:
            return ""
        place, proof = self._reach
        target, allowed = self._claimed
        equals = f"equals {_plain(target.expression)}"
        stays = f"stays {_within(allowed)} of {_plain(target.expression)}" if allowed else equals
        if place.is_everything:
            if proof is not None and proof.exact_error == 0:
                stays = equals
            return f"It {stays} for every input."
        if proof is None or proof.counterexample is None:
            return "" if place == self.where else f"It {stays} {place.words()}."
        point = words.together([words.exactly(v) for v in proof.counterexample.tolist()])
        error = proof.claim.error_at(_exact(proof.counterexample))
        off, _ = words.larger(error, proof.tolerance, digits=_DIGITS)
        if place == self.where:
            return f"Outside that is not so: at {point} it is off by {off}."
        return f"It {stays} {place.words()}, and no longer at {point}, where it is off by {off}."


def _exact(point: NDArray[Any]) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, point.tolist()))


# --- the search -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """What a search found.

    Attributes:
        best: the reading, or None.
        readings: the front: longer ones are closer.
        tolerance: within which the best one was looked for, or nothing was found.
        simpler: a much shorter one that is not much further off than the tolerance.
        is_late: whether the time was up before the search was at its end.
    """

    best: Reading | None
    readings: list[Reading]
    tolerance: Fraction
    simpler: Reading | None = None
    is_late: bool = False


class _Search:
    """Looks for readings of all outputs, at one tolerance after the other."""

    def __init__(self, net: Network, where: Place, deadline: float) -> None:
        self.net = net
        self.where = where
        self.deadline = deadline
        self.readers = [Reader(_output(net, k), where, deadline) for k in range(net.n_outputs)]
        self.own = [own_expressions(r.net, where, deadline) for r in self.readers]

    def within(self, tolerance: Fraction) -> _Found:
        """Within a tolerance, or a little more."""
        first = self.at(tolerance, _LONGEST)
        if first is not None:
            return self._with_simpler(first, tolerance)
        steps = [tolerance * m for m in _LADDER[1:]] if tolerance else [_USUAL * m for m in _LADDER]
        for step in steps:
            if self.is_late:
                return _Found(None, [], tolerance, is_late=True)
            found = self.at(step, _SHORT)
            if found is not None:
                front = self.front(found, step)
                return _Found(best(front, step), front, step)
        found = self.spelled(_LONGEST)
        if found is not None:
            return _Found(found, [found], tolerance)
        return _Found(None, [], tolerance if self.is_late else steps[-1], is_late=self.is_late)

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self.deadline

    def chosen(self) -> _Found:
        """At the smallest tolerance at which there is a short reading, in units of the network's range."""
        spread = max(reader.spread for reader in self.readers)
        unit = Fraction(1)
        if 0 < spread < math.inf:
            unit = Fraction(10) ** math.floor(math.log10(spread))
        steps = [unit * m for m in (*_FINE, *(_USUAL * m for m in _LADDER))]
        for step in steps:
            if self.is_late:
                break
            found = self.at(step, _SHORT)
            if found is None:
                continue
            made = self._with_simpler(found, step)
            if made.simpler is None or made.best is None:
                return made
            if best([made.best, made.simpler], step) is made.simpler:
                return _Found(made.simpler, made.readings, made.simpler.proof.tolerance)
            return made
        own = self.spelled(_SHORT)
        if own is not None:
            return _Found(own, [own], Fraction(0))
        return _Found(None, [], steps[-1], is_late=self.is_late)

    def around(self, named: Target, proof: Proof) -> _Found:
        """A function that was proved already, and the same with other numbers."""
        found = Reading(named.expression, proof, length(named.expression)[0])
        return _Found(found, self.front(found, proof.tolerance), proof.tolerance)

    def _with_simpler(self, found: Reading, tolerance: Fraction) -> _Found:
        front = self.front(found, tolerance)
        chosen = best(front, tolerance)
        simpler = None
        if found.length > _LONG * len(self.readers):
            for step in [(tolerance or _USUAL) * m for m in _LADDER[1 : 1 + _FURTHER]]:
                if self.is_late:
                    break
                simpler = self.at(step, (found.length - 1) // len(self.readers), pieces=False)
                if simpler is not None:
                    front = [simpler, *front]
                    break
        return _Found(chosen, front, tolerance, simpler)

    def at(self, tolerance: Fraction, most: int, *, pieces: bool = True) -> Reading | None:
        """The shortest reading within a tolerance; ``most`` symbols for each output."""
        parts = []
        for reader, own in zip(self.readers, self.own, strict=True):
            part = reader.within(tolerance, most, own, pieces=pieces)
            if part is None:
                return None
            parts.append(part)
        return joined(self.net, self.where, parts, tolerance, self.deadline)

    def spelled(self, most: int) -> Reading | None:
        """The network's own function, where samples tell nothing: so far out that a double's rounding hides the error."""
        parts = []
        for reader, own in zip(self.readers, self.own, strict=True):
            e = next((e for e in own if length(e)[0] <= most), None)
            left = self.deadline - time.monotonic()
            if e is None or left <= 0:
                return None
            proof = self.where.prove(
                reader.net, Target(e, variables=reader.variables), Fraction(0), left
            )
            if proof is None or not proof:
                return None
            parts.append(Reading(e, proof, length(e)[0]))
        return joined(self.net, self.where, parts, Fraction(0), self.deadline)

    def front(self, found: Reading, tolerance: Fraction) -> list[Reading]:
        """Longer ones that are closer; of several outputs only the reading itself."""
        if len(self.readers) > 1:
            return [found]
        return self.readers[0].front(found, tolerance)


def _shorter(
    net: Network, where: Place, named: Target, proof: Proof, deadline: float
) -> _Found | None:
    """What a function of the catalogue is there in fewer words, and as near to the network: min(x1, x2) may be x1."""
    if named.n_outputs != 1 or not 2 <= named.n_inputs <= _FEW_INPUTS:
        return None
    words_now = length(named.expression)[0]
    x = where.samples(net)
    wanted = named(x)[:, 0]
    for e in sorted(_plain_functions(named), key=lambda e: length(e)[0]):
        if length(e)[0] >= words_now:
            break
        candidate = Target(e, variables=named.variables)
        if np.abs(candidate(x)[:, 0] - wanted).max() > _EQUAL * max(1.0, float(np.abs(x).max())):
            continue
        allowed = proof.exact_error if proof.exact_error is not None else proof.tolerance
        shown = where.prove(net, candidate, allowed, deadline - time.monotonic())
        if shown is not None and shown:
            reading = Reading(e, shown, length(e)[0])
            return _Found(reading, [reading], proof.tolerance)
    return None


def _plain_functions(named: Target) -> list[sympy.Expr]:
    """Functions of few words, of the variables of another."""
    variables = list(named.variables)
    found: list[sympy.Expr] = [sympy.S.Zero, *variables, *(-v for v in variables)]
    for a, b in itertools.combinations(variables, 2):
        found += [a + b, a - b, b - a]
    for size in range(2, len(variables)):
        for some in itertools.combinations(variables, size):
            found += [sympy.Min(*some), sympy.Max(*some)]
    return found


def _output(net: Network, k: int) -> Network:
    if net.n_outputs == 1:
        return net
    weights = [*net.weights[:-1], net.weights[-1][k : k + 1]]
    return Network(weights, [*net.biases[:-1], net.biases[-1][k : k + 1]], scale=net.scale)


def _largest(
    net: Network, target: Target, tolerance: Fraction, where: Place, deadline: float
) -> tuple[Place, Proof | None]:
    """The largest domain found on which it holds, scaled about the center, and the refutation beyond.

    Or the proof, where that is everything.
    """

    def proved(place: Place) -> Proof | None:
        return place.prove(net, target, tolerance, deadline - time.monotonic())

    if where.is_everything or where.larger(Fraction(2)).domain == where.domain:
        return where, None  # nothing is larger
    everything = where.everything(net.n_inputs)
    proof = proved(everything)
    if proof is not None and proof:
        return everything, proof
    good, bad, outside = Fraction(1), Fraction(2), None
    while good < _LARGEST:
        outside = proved(where.larger(bad))
        if outside is None or not outside:
            break
        good, bad = bad, 2 * bad
    for _ in range(_HALVINGS if good < _LARGEST else 0):
        middle = (good + bad) / 2
        proof = proved(where.larger(middle))
        if proof is not None and proof:
            good = middle
        else:
            bad, outside = middle, outside if proof is None else proof
    return (where.larger(good) if good > 1 else where), outside


# --- words ------------------------------------------------------------------------------------------------


def _plain(e: sympy.Expr) -> str:
    return words.with_decimals(text(e))


def _within(tolerance: Fraction) -> str:
    return f"within {words.number(tolerance, _DIGITS)}" if tolerance else "exactly"


def _size(proof: Proof) -> str:
    if proof.exact_error == 0:
        return "exactly"
    return f"within {words.number(proof.bounding_error or 0, _DIGITS, rounding='up')}"
