r"""From a network to a short expression that it is proved to equal, exactly or within a tolerance.

Three ways, in this order. A network of plain numbers is spelled out from its canonical form, which is exact, whatever it
was disguised by. A noisy one is rounded to clean functions, more and more coarsely (:mod:`.snap`); the simplest of those
that samples do not refute is proved to be close (:mod:`.closeness`). What is left, or was rounded to something long, is read
as :func:`circuitkit.detect` reads, by guesses from samples: the weights of a trained network may be nobody's plain numbers where
its function is simple.

Source: Paulsen, Wang, Wang, "ReluDiff: differential verification of deep neural networks" (2020), for the bound between two
networks of the same structure.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef

from circuitkit import difference
from circuitkit.check import Rejected, pose
from circuitkit.checks import accepts, instance, number, seconds
from circuitkit.compiling.closeness import NotClose, clean_network, close
from circuitkit.compiling.idioms import named
from circuitkit.compiling.shorter import shorter
from circuitkit.compiling.snap import Snapped, snapped
from circuitkit.detection.detect import detect
from circuitkit.detection.guess import input_variables
from circuitkit.detection.place import Place, place
from circuitkit.exact.canonical import CanonicalForm, canonical_form, ordered
from circuitkit.exact.regions import OutOfTime as FormOutOfTime
from circuitkit.exact.spell import expression, size, text
from circuitkit.functions.target import Target
from circuitkit.functions.trees import KeepsTrees
from circuitkit.network import Network
from circuitkit.proof.claim import Claim, exact_number, read_claim
from circuitkit.proof.exhaustive import exhaust
from circuitkit.proof.prove import Proof, Undecided
from circuitkit.proof.search import OutOfTime, search
from circuitkit.words import nearest_float
from circuitkit.words import number as in_words

__all__ = ["Decompilation", "NotDecompiled", "decompile", "decompiled"]

Array = NDArray[np.float64]

#: relative noise of the weights that is tried, the smallest first
_NOISE = (1e-7, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
_SAMPLES = 2000
#: numbers of more binary digits than this are not what somebody wrote
_PLAIN_BITS = 24
#: what is no further off at the samples than this is tried for equality
_ROUNDING = 1e-11
#: a form of more kinks is not spelled out before something shorter is looked for
_MOST_KINKS = 40
#: shares of the time
_EXACT, _CLOSE, _ONE, _ALIKE = 0.35, 0.85, 0.8, 0.1
#: of what is left then, for guesses, where the network itself can be spelled after them
_GUESSED = 0.7
#: a rounded network of more signs an output is guessed at, too, in a small share of the time
_SHORT, _SHORTER = 16, 0.05
_CANDIDATES = 4
#: seconds for each of :func:`size`, measured: to look for something shorter, and to compare it with the network
_TO_SHORTEN, _TO_COMPARE = 16e-6, 4e-6
#: an expression longer than this is not quoted in an error
_QUOTED = 200


class NotDecompiled(Undecided):
    """No expression was proved to equal the network within the tolerance, in the time there was.

    What there was to try was tried, and to spell the network out would take longer than its share of the time. The
    message says how long that took.

    Args:
        message: what the error says.

    Attributes:
        best: the simplest expression near the network at samples, unproved; None if there is none.
        best_error: how far off it is at the samples at most, 0 or above; infinite if there is none.

    Example:
        >>> error = NotDecompiled("nothing was proved", best=None)
        >>> error.best, error.best_error, error.upper
        (None, inf, inf)
    """

    def __init__(
        self, message: str, best: sympy.Expr | None = None, best_error: float = math.inf
    ) -> None:
        super().__init__(message)
        self.best, self.best_error = best, best_error


@dataclass(frozen=True, eq=False, repr=False)
class Decompilation(KeepsTrees):
    """An expression and the proof that a network equals it.

    Attributes:
        network: the network.
        expression: a SymPy expression in x, or x1, x2, ...; a Tuple for several outputs.
        proof: that they are equal within ``proof.tolerance``, on ``proof.domain``, in ``proof.measure``.
        seconds: how long it took, 0 or above.

    Example:
        >>> found = decompiled(Network([[[2], [-1]], [[0.5, 1]]]))
        >>> isinstance(found, Decompilation), found.length
        (True, 2)
        >>> found, found.exact, found.error
        (abs(x), proved equal to the network for every input, True, 0.0)
        >>> found.proof.holds, found.certificate == found.proof.certificate, found.seconds < 60
        (True, True, True)
    """

    network: Network
    expression: sympy.Expr
    proof: Proof
    seconds: float

    @property
    def certificate(self) -> dict[str, Any] | None:
        """What :func:`circuitkit.check` accepts for the network and the expression, JSON-safe."""
        return self.proof.certificate

    @property
    def error(self) -> float:
        """What the network and the expression differ by at most, in the proof's measure.

        It is the proof's: where that knows it exactly, the fraction rounded to the nearest double, which may be a
        little below it; ``proof.exact_error`` is the fraction.
        """
        return self.proof.error

    @property
    def exact(self) -> bool:
        """Whether they are equal."""
        return self.proof.bounding_error == 0

    @property
    def length(self) -> int:
        """How many numbers, variables and operations the expression has, long numbers counting more."""
        return _length(self.expression)

    @property
    def text(self) -> str:
        """The expression as :func:`circuitkit.target` reads it, median, sort, range and clamp by their names.

        :func:`circuitkit.check` takes ``expression`` for the certificate, not this text where it has such a name:
        the parts of what the name stands for may come in another order.

        Example:
            >>> from circuitkit import circuit, prove, target
            >>> found = decompiled(circuit("median_of_three"))
            >>> found.text, bool(prove(found.network, target(found.text)))
            ('median(x1, x2, x3)', True)
        """
        return text(named(self.expression))

    def __repr__(self) -> str:
        where = "for every input" if self.proof.domain is None else "on its domain"
        name = self.text
        if self.exact:
            return f"{name}, proved equal to the network {where}"
        size = in_words(self.proof.bounding_error or 0, 3, rounding="up")
        return f"{name}, proved within {size} of the network {where}"


def _outputs(e: sympy.Expr) -> Sequence[sympy.Expr]:
    return tuple(e) if isinstance(e, sympy.Tuple) else (e,)


def _length(e: sympy.Expr) -> int:
    return sum(map(size, _outputs(e)))


_ARGUMENTS = {"net": instance(Network), "tolerance": number(least=0), "time_limit": seconds()}


@accepts(**_ARGUMENTS)
def decompile(
    net: Network,
    *,
    domain: Sequence[tuple[float, float]] | tuple[Any, Any] | None = None,
    tolerance: float | Fraction = 1e-2,
    time_limit: float = 60.0,
) -> sympy.Expr:
    r"""An expression that the network equals within the tolerance, proved; a short one where one is found.

    Where no short one is found within the tolerance, the network is spelled out exactly, and that may be long:
    ``length`` of :func:`decompiled` says how long. What would take longer to spell than there is time is not.

    Args:
        net: the network, trained or built, of any depth.
        domain: None for all of R^n, where the tolerance is relative to the input's size beyond 1; or a box,
            ``(low, high)`` for each input, or a polytope ``(A, b)``, as :func:`circuitkit.prove` takes them,
            where errors are absolute.
        tolerance: 0 or above; 0 asks for equality.
        time_limit: seconds, above 0.

    Returns:
        A SymPy expression in x, or x1, x2, ...; a Tuple for several outputs. :func:`decompiled` gives its
        proof, certificate and error, too.

    Raises:
        NotDecompiled: an :class:`~circuitkit.Undecided`: none was proved, perhaps before the time is up;
            ``best`` is the simplest that is near at samples.
        TypeError: ``net`` is not a Network, or another argument no number.
        ValueError: a tolerance below 0, a time limit that is not above 0, or a domain that does not fit.

    Example:
        A trained minimum, its weights off by some thousandths:

        >>> net = Network([[[1.0003, 0], [-0.9998, 0], [1.0001, -1]], [[1, -1.0002, -0.9999]]])
        >>> decompile(net)
        Min(x1, x2)

    Source: Paulsen, Wang, Wang, "ReluDiff" (2020), for the bound between a network and a clean one.
    """
    return decompiled(net, domain=domain, tolerance=tolerance, time_limit=time_limit).expression


@accepts(**_ARGUMENTS)
def decompiled(
    net: Network,
    *,
    domain: Sequence[tuple[float, float]] | tuple[Any, Any] | None = None,
    tolerance: float | Fraction = 1e-2,
    time_limit: float = 60.0,
) -> Decompilation:
    r"""As :func:`decompile`, with the proof, its certificate and the error.

    Args:
        net: the network, trained or built, of any depth.
        domain: None for all of R^n; or a box, ``(low, high)`` for each input, or a polytope ``(A, b)``.
        tolerance: 0 or above, in the measure that :func:`decompile` explains.
        time_limit: seconds, above 0.

    Returns:
        A :class:`Decompilation`.

    Raises:
        NotDecompiled: none was proved, perhaps before the time is up.
        TypeError: ``net`` is not a Network, or another argument no number.
        ValueError: a tolerance below 0, a time limit that is not above 0, or a domain that does not fit.

    Example:
        >>> net = Network([[[1.0003, 0], [-0.9998, 0], [1.0001, -1]], [[1, -1.0002, -0.9999]]])
        >>> found = decompiled(net)
        >>> found.expression, found.exact, found.error < 1e-3
        (Min(x1, x2), False, True)
        >>> from circuitkit import check
        >>> check(found.certificate, net, found.expression)
        True

    Source: Paulsen, Wang, Wang, "ReluDiff" (2020), for the bound between a network and a clean one.
    """
    allowed = exact_number(tolerance, "tolerance: expected a number, 0 or above")
    search_ = _Search(net, place(net, domain, None), allowed, float(time_limit))
    return search_.run()


class _Search:
    def __init__(self, net: Network, where: Place, tolerance: Fraction, time_limit: float) -> None:
        self.net, self.where, self.tolerance = net, where, tolerance
        self.start = time.monotonic()
        self.time_limit = time_limit
        self.variables = input_variables(net.n_inputs)
        self.best: sympy.Expr | None = None
        self.best_error = math.inf
        #: the network's own function where it is long, to be spelled if nothing shorter is proved
        self.form: CanonicalForm | None = None

    def until(self, share: float) -> float:
        """A share of what is left of the time, as a deadline."""
        now = time.monotonic()
        return now + share * max(self.start + self.time_limit - now, 0.0)

    def run(self) -> Decompilation:
        found = self.exactly()
        if found is None:
            found = self.nearly()
            if found is None:
                found = self.otherwise(_GUESSED if self.form is not None else 1.0) or self.spelled()
            elif _length(found[0]) > _SHORT * self.net.n_outputs:
                found = min(
                    found, self.otherwise(_SHORTER) or found, key=lambda way: _length(way[0])
                )
        if found is not None:
            e, proof = found
            return Decompilation(self.net, e, proof, time.monotonic() - self.start)
        how = f"within {in_words(self.tolerance, 3)}" if self.tolerance else "exactly"
        best = ""
        if self.best is not None:
            long = _length(self.best)
            near = text(self.best) if long <= _QUOTED else f"an expression of length {long}"
            best = f"; near at samples: {near}"
        took = time.monotonic() - self.start
        raise NotDecompiled(
            f"no expression was proved to equal the network {how} in the {in_words(round(took) if took >= 1 else took, 1)} s that it took, "
            f"of {in_words(self.time_limit, 3)} s at most{best}",
            self.best,
            self.best_error,
        )

    # --- as it is ---------------------------------------------------------------------------------------

    def exactly(self) -> tuple[sympy.Expr, Proof] | None:
        """The network's own function, where its numbers are plain and its kinks few."""
        try:
            form = canonical_form(self.net, deadline=self.until(_EXACT))
        except FormOutOfTime:
            return None
        plain = _longest(form) <= _PLAIN_BITS
        if form.n_kinks > _MOST_KINKS or (self.tolerance and not plain):
            self.form = form
            return None
        if self.where.domain is not None and self.tolerance:
            found = self.otherwise(0.5)  # on a domain less may do
            if found is not None:
                return found
        return self.spelled(form)

    def spelled(self, form: CanonicalForm | None = None) -> tuple[sympy.Expr, Proof] | None:
        """A form of the network, or the one that was left for the end, whatever its numbers are."""
        form = form or self.form
        if form is None:
            return None
        try:
            target = self.target(form)
        except FormOutOfTime:
            return None
        proof = self.where.prove(self.net, target, Fraction(0), self.until(_ONE) - time.monotonic())
        return (target.expression, proof) if proof is not None and proof else None

    def target(self, form: CanonicalForm) -> Target:
        """A clean function as it is spelled, or in a shorter way that is proved to be the same.

        Raises:
            FormOutOfTime: it is too long to be spelled, or to be proved, in what is left of the time.
        """
        rows = [ordered(form.n_inputs, list(form.nodes), [row]) for row in form.outputs]
        end = self.until(_ONE)
        plain = [expression(row, self.variables, deadline=end) for row in rows]
        sizes = [size(e) for e in plain]
        if time.monotonic() + _TO_COMPARE * sum(sizes) > end:
            raise FormOutOfTime
        end = self.until(_ALIKE)
        short = [
            shorter(row, self.variables, e, deadline=end)
            if time.monotonic() + _TO_SHORTEN * long < end
            else e
            for row, e, long in zip(rows, plain, sizes, strict=True)
        ]
        target = Target(plain, variables=self.variables)
        if short != plain:
            other = Target(short, variables=self.variables)
            claim = read_claim(self.net, other, Fraction(0), self.where.domain, self.where.measure)
            try:
                _same(clean_network(form), claim, claim.stated(), self.until(_ALIKE))
            except (NotClose, OutOfTime, Rejected):
                return target
            return other
        return target

    # --- but for noise ------------------------------------------------------------------------------------

    def nearly(self) -> tuple[sympy.Expr, Proof] | None:
        """A clean function that the network is close to."""
        if not self.tolerance or len(self.net.weights) < 2:
            return None
        end = self.until(_CLOSE)
        x = self.where.samples(self.net, _SAMPLES)
        for form, snaps, error in self.candidates(x, end):
            try:
                target = self.target(form)
            except FormOutOfTime:
                continue
            if error < self.best_error:
                self.best, self.best_error = target.expression, error
            proof = self.equal(target) if error <= _ROUNDING else None
            proof = proof or self.proved_close(target, snaps, x, end)
            if proof is None and time.monotonic() < end:
                left = (end - time.monotonic()) * _ONE
                proof = self.where.prove(self.net, target, self.tolerance, left)
            if proof is not None and proof:
                return target.expression, proof
        return None

    def candidates(
        self, x: Array, end: float
    ) -> Iterator[tuple[CanonicalForm, list[Snapped], float]]:
        """Clean functions near the network at the samples, the simplest first, each with its roundings."""
        found = self._near(x, end)
        for form in sorted(found, key=_bits)[:_CANDIDATES]:
            yield form, *found[form]

    # Not on the generator itself, whose steps a decorator would not reach.
    @np.errstate(over="ignore", invalid="ignore")
    def _near(self, x: Array, end: float) -> dict[CanonicalForm, tuple[list[Snapped], float]]:
        """The clean functions, each with its roundings and how far it is from the network at most."""
        wanted = self.net(x)
        limit = nearest_float(self.tolerance) * (1 + 1e-6)
        found: dict[CanonicalForm, tuple[list[Snapped], float]] = {}
        if not np.isfinite(wanted).all():
            return found
        for noise, zeros in itertools.product(_NOISE, (False, True)):
            if time.monotonic() > end:
                break
            try:
                near = snapped(self.net, noise, x, zeros=zeros, deadline=end)
            except (FormOutOfTime, OverflowError):
                break
            error = self.where.sampled_error(_values(near, x), wanted, x)
            if not error <= limit:
                continue
            form = ordered(near.n_inputs, list(near.nodes), list(near.outputs))
            if form.n_kinks <= _MOST_KINKS:
                found.setdefault(form, ([], error))[0].append(near)
        return found

    def equal(self, target: Target) -> Proof | None:
        """The proof of equality, if it takes a small part of the time."""
        left = self.until(_EXACT / 2) - time.monotonic()
        proof = self.where.prove(self.net, target, Fraction(0), left)
        return proof if proof is not None and proof else None

    def proved_close(
        self, target: Target, snaps: list[Snapped], x: Array, end: float
    ) -> Proof | None:
        """The proof by differences, judged by its checker; None where there is none."""
        domain = self.where.domain
        claim = read_claim(self.net, target, self.tolerance, domain, self.where.measure)
        stated = claim.stated()
        for near in snaps[:2]:
            if time.monotonic() > end:
                return None
            form = ordered(near.n_inputs, list(near.nodes), list(near.outputs))
            near = self.compared(near, form, x, end)
            try:
                certificate = close(self.net, near, stated, min(end, self.until(_ONE)))
                certificate["same"] = _same(certificate["clean"], claim, stated, end)
                difference.verify_close(
                    certificate, self.net, claim.checkable, deadline=self.until(0.9)
                )
            except (NotClose, OutOfTime, Rejected):
                continue
            error = Fraction(str(certificate["tolerance"]))
            return Proof(True, claim, error, "at most", certificate, "differences")
        return None

    def compared(self, near: Snapped, form: CanonicalForm, x: Array, end: float) -> Snapped:
        """The same clean function, units near none of its hyperplanes compared with rows of their own."""
        known = replace(near, nodes=form.nodes, outputs=form.outputs)
        try:
            return snapped(self.net, near.noise, x, known, zeros=near.zeros, deadline=end)
        except (KeyError, FormOutOfTime):
            return near

    # --- by samples ---------------------------------------------------------------------------------------

    def otherwise(self, share: float = 1.0) -> tuple[sympy.Expr, Proof] | None:
        """As :func:`circuitkit.detect` reads."""
        left = self.until(share) - time.monotonic()
        if left <= 0:
            return None
        domain = None if self.where.domain is None else self.where.domain
        found = detect(self.net, domain=domain, tolerance=self.tolerance, time_limit=left)  # type: ignore[arg-type]
        for reading in found.readings:
            if reading.proof and reading.error <= nearest_float(self.tolerance):
                return reading.expression, reading.proof
        e = found.expression
        if e is None or found.expression_proof is not None or isinstance(e, AppliedUndef):
            return None
        # Its proof was cut short: detection keeps time for the units, which nobody asks for here.
        target = Target(_outputs(e), variables=self.variables)
        left = self.until(share) - time.monotonic()
        proof = self.where.prove(self.net, target, self.tolerance, left)
        return (target.expression, proof) if proof is not None and proof else None


def _longest(form: CanonicalForm) -> int:
    """How many binary digits its longest number has."""
    rows = (*form.nodes, *form.outputs)
    return max(
        (abs(c.numerator).bit_length() + c.denominator.bit_length() for r in rows for _, c in r),
        default=0,
    )


def _bits(form: CanonicalForm) -> int:
    """How many binary digits its numbers have."""
    rows = (*form.nodes, *form.outputs)
    return sum(
        abs(c.numerator).bit_length() + c.denominator.bit_length() for r in rows for _, c in r
    )


def _values(near: Snapped, x: Array) -> Array:
    columns = [*x.T, np.ones(len(x))]
    for row in near.nodes:
        columns.append(np.abs(_sum(row, columns)))
    return np.stack([_sum(row, columns) for row in near.outputs], axis=1)


def _sum(row: Any, columns: list[Array]) -> Array:
    total = np.zeros(len(columns[0]))
    for j, c in row:
        total += nearest_float(c) * columns[j]
    return total


def _same(clean: dict[str, Any], claim: Claim, stated: dict[str, Any], end: float) -> list[Any]:
    """The tree of a proof that the clean network is the target."""
    problem = pose({**stated, "tolerance": 0}, clean, claim.checkable)
    if not any(part.row for part in problem.claims):
        return ["leaf"]
    found = exhaust(problem, limit=Fraction(0), deadline=end, most=10_000)
    found = found or search(problem, limit=Fraction(0), deadline=end)
    if found.tree is None:
        raise NotClose("the expression is not the clean function")
    return found.tree
