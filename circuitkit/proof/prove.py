r"""Does a network compute a function, for every input there is? Exact arithmetic, no sampling.

The table of contents: the claim is read (:mod:`.claim`) and decided (:mod:`.deciding`): network and
target are rewritten by the checker's own pass, which settles it where both are the same program;
otherwise an engine searches (:mod:`.search`; :mod:`circuitkit.exact.regions` or :mod:`.z3_engine` first,
on request); what it found is a counterexample, evaluated directly (:mod:`.counterexample`), or a
certificate, which is handed to :mod:`circuitkit.check`. Nothing is called proved that did not pass there.
The answer (:mod:`.verdict`) speaks in :mod:`.sentences`. Of many networks the question is read once (:mod:`.many`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from fractions import Fraction
from typing import Any, get_args, overload

from circuitkit.checks import accepts, instance, made_by, one_of, runner, seconds, several
from circuitkit.functions.target import TargetLike
from circuitkit.network import Network
from circuitkit.proof.claim import TOLERANCE, Measure
from circuitkit.proof.deciding import Engine
from circuitkit.proof.many import Question
from circuitkit.proof.verdict import Proof, Undecided

__all__ = ["Proof", "Undecided", "prove"]

_NETWORK = instance(Network)
_NETWORKS = several(_NETWORK, "a Network, or a list of them")


def _networks(name: str, value: Any) -> Network | list[Network]:
    if isinstance(value, Network):
        return value
    nets: list[Network] = _NETWORKS.take(name, value)
    return nets


@overload
def prove(
    net: Network,
    target: TargetLike | Network,
    *,
    tolerance: float | Fraction = 0,
    domain: Sequence[tuple[float, float]] | tuple[Any, Any] | None = None,
    measure: Measure = "relative",
    time_limit: float = 60.0,
    engine: Engine = "auto",
    executor: Executor | None = None,
) -> Proof: ...


@overload
def prove(
    net: Iterable[Network],
    target: TargetLike | Network,
    *,
    tolerance: float | Fraction = 0,
    domain: Sequence[tuple[float, float]] | tuple[Any, Any] | None = None,
    measure: Measure = "relative",
    time_limit: float = 60.0,
    engine: Engine = "auto",
    executor: Executor | None = None,
) -> list[Proof]: ...


@accepts(
    net=made_by(_networks, right=Network, wrong=("another thing", None, 3, [1])),
    tolerance=TOLERANCE,
    measure=one_of(*get_args(Measure)),
    time_limit=seconds(),
    engine=one_of(*get_args(Engine)),
    executor=runner(),
)
def prove(
    net: Network | Iterable[Network],
    target: TargetLike | Network,
    *,
    tolerance: float | Fraction = 0,
    domain: Sequence[tuple[float, float]] | tuple[Any, Any] | None = None,
    measure: Measure = "relative",
    time_limit: float = 60.0,
    engine: Engine = "auto",
    executor: Executor | None = None,
) -> Proof | list[Proof]:
    r"""Decide whether the network is the function, for every input in the domain.

    The claim is :math:`|net(x) - f(x)| \le tolerance \cdot \max(1, \max_i |x_i|)`, for every output, at
    every ``x``. All numbers are the exact rationals that the floats are; the answer is exact.

    Args:
        net: the network; or a list of them, of each of which the same is asked.
        target: a catalogue name, an expression, or a Target; piecewise linear with rational numbers,
            that is, made of numbers, ``+ -``, multiples, ``abs``, ``min`` and ``max``. Or another
            Network of as many inputs and outputs. Or a relation between the outputs ``y`` (``y1, y2,
            ...``) and the inputs as text, such as ``"y1 > y2 and y1 <= x1 + 1"``.
        tolerance: 0 or above; 0 asks whether they are equal. Of a relation 0: its ``error`` is the
            largest violation.
        domain: None for all of R^n; or a box, ``(low, high)`` for each input, ends included; infinite
            ends and fixed inputs, ``low == high``, are allowed; or ``(A, b)`` with A of shape (m, n_in):
            the polytope of all x with A x <= b.
        measure: ``"relative"`` to the input's size beyond 1, as above, or ``"absolute"``: without the
            maximum.
        time_limit: seconds, above 0, for each network.
        engine: ``"auto"``; or whom to ask first: ``"regions"``, which enumerates the linear regions
            (over all of R^n or a box with an interior, in the relative measure), or ``"z3"``, an SMT
            solver. What they say is checked like everything else.
        executor: any ``concurrent.futures.Executor`` that shares many networks among its workers, such as a
            process pool; None for this process.

    Returns:
        A Proof, or a list of them, one for each network of a list, in its order. One that holds has a
        certificate that :func:`circuitkit.check` accepted; a refutation comes with a counterexample that
        was evaluated exactly.

    Raises:
        Undecided: it could not be settled, as a rule within the time limit; with the best bounds on the error. Of a
            list all networks are tried first, and ``proofs`` holds what was settled.
        TypeError: ``net`` is no Network nor a list of them, or another argument has the wrong type.
        ValueError: the target takes or gives another number of values than the network, is not
            piecewise linear, or an argument is out of range.

    Example:
        >>> identity = Network([[[1], [-1]], [[1, -1]]])
        >>> prove(identity, "identity")
        Proved: this network equals x for every input (2 linear regions).
        >>> prove(identity, "abs", domain=[(-1, 1)])
        Refuted: at x = -1 the network gives -1, the target abs(x) gives 1 (worst error 2).
        >>> prove(identity, "y <= x + 1 and y >= 0", measure="absolute")
        Refuted: at x = -1 the network gives y = -1: y >= 0 is false by 1 (largest violation unbounded, in absolute error).
        >>> absolute = Network([[[1], [-1]], [[1, 1]]])
        >>> [proof.holds for proof in prove([identity, absolute], "abs")]
        [False, True]

    Source: Ehlers (2017) for the relaxation of ReLU in a search over its cases; Wang et al., "Beta-CROWN"
    (2021), for the multipliers that a certificate holds.
    """
    asked = Question(target, tolerance, domain, measure, time_limit, engine)
    if isinstance(net, Network):
        (proof,) = asked.answers([net], executor) if executor else [asked.answer(net)]
        return proof
    return asked.answers(list(net), executor)
