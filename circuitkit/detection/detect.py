r"""Read a network: which function does it compute, with which circuit, and what is each hidden unit for?

Propose, then certify: guesses are made by any means, and only what :func:`circuitkit.prove` confirms is reported. The
table of contents: for every input there is (:mod:`.everywhere`), or on a domain (:mod:`.on_domain`).

Source: the deck, "Next Steps": develop methodology for detecting these features / circuits in trained
models.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from numpy.typing import ArrayLike

from circuitkit.checks import accepts, instance, number, optional, seconds
from circuitkit.detection.everywhere import Detection, detect_everywhere
from circuitkit.detection.on_domain import detect_there
from circuitkit.detection.place import place
from circuitkit.detection.units import Unit
from circuitkit.network import Network
from circuitkit.proof.claim import exact_number

__all__ = ["Detection", "Unit", "detect"]


@accepts(
    net=instance(Network),
    tolerance=optional(number(least=0)),
    time_limit=seconds(),
)
def detect(
    net: Network,
    *,
    domain: Sequence[tuple[float, float]] | tuple[Any, Any] | None = None,
    data: ArrayLike | None = None,
    tolerance: float | Fraction | None = 1e-2,
    time_limit: float = 60.0,
) -> Detection:
    r"""Read a network: which function, which circuit, which unit does what, and how far off at worst.

    Args:
        net: the network.
        domain: where to read it: None for all of R^n; or a box, ``(low, high)`` for each input, ends
            included, where infinite ends and fixed inputs are allowed; or ``(A, b)``, the polytope of all
            x with A x <= b. On a domain errors are absolute, ``|net - f|``, and everything that is said
            is certified there and may be wrong elsewhere: ``.valid_box`` tells how far it holds.
        data: instead of a domain, inputs of shape ``(n_samples, n_in)``; the domain is their box.
        tolerance: how far from a function the network may be, over all of R^n in the prover's measure
            ``|net - f| / max(1, max|x_i|)``, to be called by its name; also how far from a feature a
            unit may be, relative to its scale. 0 asks for exact equality. None chooses the smallest of
            a ladder of tolerances within which there is a short expression.
        time_limit: seconds for all of it, above 0. A part goes to the proofs that name the function; the
            expression and the units are read when they are first asked for, in what is left. What is
            not settled then is not named, and a unit that was not read says so.

    Returns:
        A Detection.

    Raises:
        TypeError: ``net`` is not a Network, or another argument not a number.
        ValueError: a tolerance below 0, a time limit that is not above 0, a domain or data that do not
            fit the network, or both of them.

    Example:
        The deck's printed weights for the identity:

        >>> found = detect(Network([[[-0.9192], [1.0035]], [[-1.0872, 0.9957]]]))
        >>> found
        This network computes x within 0.000816 for every input, relative to the input's size beyond 1, with the circuit "identity".
          layer 0, unit 0: negativeness detector of x
          layer 0, unit 1: positiveness detector of x
        >>> found.function, found.units[0].scale
        ('identity', 0.9192)

        One that is abs(x - 0.37) only where it was trained:

        >>> net = Network([[[2], [-1], [1]], [[0.5, 1, -1]]], [[-0.74, 0.37, -2], [0.003]])
        >>> detect(net, domain=[(-1, 1)])
        On [-1, 1] this network computes abs(x - 0.37) within 0.00301. It stays ...

    Source: the deck, "Next Steps for this Work".
    """
    allowed = None
    if tolerance is not None:
        allowed = exact_number(tolerance, "tolerance: expected a number, 0 or above")
    where = place(net, domain, data)
    if where.domain is None:
        return detect_everywhere(net, allowed, float(time_limit))
    return detect_there(net, where, allowed, float(time_limit))
