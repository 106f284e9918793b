"""What :func:`circuitkit.prove` answers: a Proof, or Undecided."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from circuitkit.functions.relation import Relation
from circuitkit.functions.target import Target
from circuitkit.network import Network
from circuitkit.proof import sentences, smtlib
from circuitkit.proof.claim import Claim, Measure, Point
from circuitkit.proof.counterexample import as_array
from circuitkit.proof.counting import count_pieces
from circuitkit.words import float_above, float_below, nearest_float

__all__ = ["Proof", "Undecided"]


class Undecided(RuntimeError):
    """The question was not settled: neither proved nor refuted.

    Its message says within which time limit, or how long before it the search was given up, and why.

    Attributes:
        lower: the worst error is at least this, 0 or above.
        upper: the worst error is at most this, 0 or above; infinite only where the measure is absolute and
            the domain no finite box, or where it is larger than every float.
        proofs: where many networks were asked about, the proof of each, None of one without a verdict.

    Args:
        message: what the error says.

    Example:
        >>> error = Undecided("undecided within 60 s", lower=0.25, upper=2.0)
        >>> error.lower, error.upper
        (0.25, 2.0)
    """

    def __init__(
        self,
        message: str,
        lower: float = 0.0,
        upper: float = math.inf,
        proofs: Sequence[Proof | None] = (),
    ) -> None:
        super().__init__(message)
        self.lower = lower
        self.upper = upper
        self.proofs = list(proofs)


@dataclass(frozen=True, eq=False, repr=False)
class Proof:
    r"""The verdict on a claim: proved, with a certificate that the checker accepted, or refuted.

    The claim is :math:`|net(x) - f(x)| \le tolerance \cdot \max(1, \max_i |x_i|)` for every x of the domain (in the
    absolute measure without the maximum), or a relation between outputs and inputs.

    Attributes:
        holds: whether it is true for every ``x`` in the domain; also ``bool(proof)``.
        claim: what was asked, in exact numbers.
        bounding_error: the worst error, or what ``bound`` says that bounds it, as a fraction of 0 or
            above; None where it is unbounded.
        bound: ``"exact"`` if ``error`` is the worst error; ``"at least"`` where a counterexample settled
            the question before it was known, ``"at most"`` where a proof did.
        certificate: what the checker accepted, JSON-safe: ``check(certificate, network, target)`` is
            True again. Its tolerance is the worst error where that is known, else the one asked for.
            None where nothing but a counterexample was found.
        engine: what found it: ``"rewriting"``, where network and target are the same program,
            ``"search"``, ``"regions"``, ``"z3"`` or ``"samples"``.

    Example:
        >>> from circuitkit import circuit, prove
        >>> proof = prove(circuit("identity"), "abs", domain=[(-1, 1)])
        >>> isinstance(proof, Proof), proof.holds, proof.bound
        (True, False, 'exact')
        >>> proof.counterexample, proof.error, proof.exact_error, proof.n_regions
        (array([-1.]), 2.0, Fraction(2, 1), 2)
        >>> proof.measure, proof.domain
        ('relative', ((-1.0, 1.0),))
    """

    holds: bool
    claim: Claim
    bounding_error: Fraction | None
    bound: sentences.Bound
    certificate: dict[str, Any] | None
    engine: str
    _point: Point | None = None

    def __bool__(self) -> bool:
        return self.holds

    @property
    def network(self) -> Network:
        """The network."""
        return self.claim.network

    @property
    def target(self) -> Target | Network | Relation:
        """The function, the other network, or the relation."""
        return self.claim.target

    @property
    def tolerance(self) -> Fraction:
        """The tolerance that was asked for."""
        return self.claim.tolerance

    @property
    def measure(self) -> Measure:
        """``"relative"`` or ``"absolute"``."""
        return self.claim.measure

    @property
    def domain(self) -> Any:
        """None for all of R^n, a box as ``((low, high), ...)``, or a polytope as ``(A, b)``.

        Exactly the domain of the claim: a number that is no double is a :class:`fractions.Fraction`.
        """
        return None if self.claim.domain is None else self.claim.domain.given()

    @property
    def counterexample(self) -> NDArray[Any] | None:
        """An ``x`` of shape ``(n_in,)`` where the claim is false, evaluated in exact arithmetic.

        None if it holds. Fractions, should no float lie in the region where it is false.
        """
        return as_array(self._point)

    @property
    def error(self) -> float:
        r"""The worst error as a float, the supremum of :math:`\max_j |net_j(x) - f_j(x)|`, in the measure.

        Of a relation the largest violation, 0 where it holds and where only equality breaks it. Infinite
        where it is unbounded, or larger than every float: ``exact_error`` tells which. One too small for a
        float is given as the smallest above 0, and a bound is rounded so that it stays one.
        """
        value = self.bounding_error
        if not value:
            return math.inf if value is None else 0.0
        if self.bound == "at most":
            return float_above(value)
        near = float_below(value) if self.bound == "at least" else nearest_float(value)
        return near or math.ulp(0.0)

    @property
    def exact_error(self) -> Fraction | None:
        """The worst error as a fraction; None where only a bound is known, or where it is unbounded."""
        return self.bounding_error if self.bound == "exact" else None

    @cached_property
    def n_regions(self) -> int | None:
        """How many linear regions network and target have together, in the domain.

        Each is a largest set, in one piece, on which the same hidden units are on and the target is one linear
        function; of a target that is a network its hidden units count, too. A network of more than 16 hidden units is
        simplified first. None where there are hundreds, or where the claim is a relation, its domain a polytope or an
        input fixed.
        """
        return count_pieces(self.claim)

    @property
    def verdict(self) -> str:
        """The verdict as a sentence, verdict first."""
        if self._point is None:
            return sentences.proved(self.claim, self.bounding_error, self.bound, self.n_regions)
        return sentences.refuted(self.claim, self.bounding_error, self.bound, self._point)

    def to_smtlib(self) -> str:
        """The claim as an SMT-LIB 2 script, for a second opinion.

        It asserts that some input makes the claim false, so that a solver answers ``unsat`` if it holds.

        Example:
            >>> from circuitkit import circuit, prove
            >>> print(prove(circuit("identity"), "identity").to_smtlib())
            (set-info :status unsat)
            (set-logic QF_LRA)
            (declare-fun x1 () Real)
            (declare-fun h1_1 () Real)
            (assert (>= h1_1 0.0))
            (assert (>= h1_1 x1))
            (assert (or (<= h1_1 0.0) (<= h1_1 x1)))
            (declare-fun h1_2 () Real)
            (assert (>= h1_2 0.0))
            (assert (>= h1_2 (* (- 1.0) x1)))
            (assert (or (<= h1_2 0.0) (<= h1_2 (* (- 1.0) x1))))
            (define-fun y1 () Real (+ h1_1 (* (- 1.0) h1_2)))
            (assert (not (= y1 x1)))
            (check-sat)
            <BLANKLINE>
        """
        return smtlib.script(self.claim, "unsat" if self.holds else "sat")

    def __repr__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        verdict, _, rest = self.verdict.partition(":")
        kind = "proved" if self.holds else "refuted"
        return (
            f'<p class="ck-result ck-result-{kind}"><strong>{html.escape(verdict)}:</strong>'
            f"{html.escape(rest)}</p>"
        )
