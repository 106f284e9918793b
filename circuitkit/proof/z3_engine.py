"""The SMT solver z3, asked about the claim's SMT-LIB script: a stranger who shares no code with us."""

from __future__ import annotations

from fractions import Fraction

from circuitkit.extras import need
from circuitkit.proof.claim import Claim, Point
from circuitkit.proof.smtlib import script

__all__ = ["TooLong", "Unknown", "violation"]


#: z3 keeps to its time limit once it has read the script, and so many weights it reads in a second
_READ_IN_A_SECOND = 8_000


class Unknown(Exception):
    """z3 gave up, with its reason."""


class TooLong(Unknown):
    """z3 was not even asked: it would not keep to its time limit."""


def violation(claim: Claim, *, seconds: float) -> Point | None:
    """An input where the claim is false, or None: z3 finds that there is none.

    Raises:
        TooLong: it could not even read the claim within ``seconds``.
        Unknown: it could not decide within them.
    """
    z3 = need("z3")
    numbers = sum(w.size for w in claim.network.weights)
    if numbers > _READ_IN_A_SECOND * seconds:
        raise TooLong("the script is too long to be read in time")
    context = z3.Context()  # z3 objects of one context must not meet another thread's
    solver = z3.SolverFor("QF_LRA", ctx=context)
    solver.from_string(script(claim))
    solver.set("timeout", max(1, int(seconds * 1000)))
    answer = solver.check()
    if answer == z3.unsat:
        return None
    if answer == z3.unknown:
        raise Unknown(solver.reason_unknown())
    model = solver.model()
    inputs = (z3.Real(f"x{i + 1}", ctx=context) for i in range(claim.network.n_inputs))
    found = [model.eval(x, model_completion=True) for x in inputs]
    return tuple(Fraction(v.numerator_as_long(), v.denominator_as_long()) for v in found)
