r"""Circuits inside a network: which known functions of the inputs its deeper layers read, certified row by row.

A **row** is what one unit of a deeper layer receives, its preactivation as a function of the network's inputs. It is taken
apart into an affine map and at most three known functions, by least squares over all small choices on samples; the
result is then proved. A function that a row is made of is there causally: the unit computes with it.

The **probe** asks less: whether a function is a combination of what a layer reads. A plain least-squares probe finds
functions that are not there, by amplifying noise that all rows have a little of; so directions in which the layer
varies by less than the tolerance are cut off.

Source: Pati, Rezaiifar and Krishnaprasad, "Orthogonal matching pursuit" (1993), for few functions at a time; Hansen,
"The truncated SVD as a method for regularization" (1987), for the cut.
"""

from __future__ import annotations

import contextlib
import html
import itertools
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit import words
from circuitkit.checks import accepts, instance, number, seconds
from circuitkit.detection.guess import input_variables
from circuitkit.detection.part import UnitKey
from circuitkit.detection.points import first_points, need_width
from circuitkit.detection.search import minimax
from circuitkit.exact.regions import OutOfTime, look_at_the_clock
from circuitkit.exact.spell import text
from circuitkit.functions.target import Target
from circuitkit.functions.trees import KeepsTrees
from circuitkit.network import Network
from circuitkit.proof.claim import Box, Claim, exact_number, read_claim
from circuitkit.proof.prove import Proof, Undecided, prove
from circuitkit.words import nearest_float

__all__ = ["Row", "Subcircuits", "subcircuits"]

Array = NDArray[np.float64]

#: at most so many functions a row
_MOST = 3
#: networks of more inputs are asked about pairs alone
_TRIPLES = 6
#: how many samples inside and on faces each
_SAMPLES = 400
#: seconds that the proof of one row may take
_PROOF = 10.0
#: significant digits of the row's scale, and the shares of it that factors are rounded to, coarsest first
_ROUNDINGS = [
    (digits, Fraction(1, share))
    for digits, finest in ((3, 100), (4, 1000), (6, 10**5), (9, 10**8), (12, 10**11), (17, 10**16))
    for share in (2, 10, finest)
]
#: a function whose share is smaller than this is no circuit of the row's
_LEAST_SHARE = 0.05


@dataclass(frozen=True)
class Row(KeepsTrees):
    """What a unit of a deeper layer receives, taken apart.

    Attributes:
        layer: the unit's layer, counted from 0 with layer 0 the inputs: the first hidden layer is 1.
        unit: which unit of the layer.
        functions: the known functions that it is made of, each with its factor, the largest first.
        expression: all of it: factors times functions, and an affine map.
        scale: the largest factor; the tolerance is relative to it.
        proof: the proof that the unit receives ``expression``, within the tolerance times ``scale``.
    """

    layer: int
    unit: int
    functions: tuple[tuple[float, sympy.Expr], ...]
    expression: sympy.Expr
    scale: float
    proof: Proof

    def __str__(self) -> str:
        return f"hidden layer {self.layer}, unit {self.unit} reads {text(self.expression)}"


@dataclass(frozen=True, eq=False, repr=False)
class Subcircuits(KeepsTrees):
    """Which known functions the deeper layers of a network read.

    Attributes:
        network: the network.
        tolerance: how far off a row may be, relative to its scale, 0 or above.
        rows: the rows that were taken apart, each with its proof.
        unexplained: units ``(layer, unit)`` of whose rows no such reading was found, or none that is proved.
        undecided: units whose reading was neither proved nor refuted in time, or that were not looked at.

    Example:
        >>> import circuitkit as ck
        >>> found = subcircuits(ck.circuit("min4"))
        >>> isinstance(found, Subcircuits), found.functions
        (True, {2: [Min(x1, x2), Min(x3, x4)]})
        >>> found.blocks["min(x1, x2)"][:2], found.verdict
        ([(1, 0), (1, 1)], 'Hidden layer 2 reads min(x1, x2) and min(x3, x4).')
    """

    network: Network
    tolerance: Fraction
    rows: tuple[Row, ...]
    unexplained: tuple[UnitKey, ...]
    undecided: tuple[UnitKey, ...]
    _probed: dict[int, list[sympy.Expr]]

    @property
    def probed(self) -> dict[int, list[sympy.Expr]]:
        """Layer, 2 or above -> functions that some combination of what it reads is, within the tolerance, each proved."""
        return {layer: list(functions) for layer, functions in self._probed.items()}

    @property
    def functions(self) -> dict[int, list[sympy.Expr]]:
        """Layer -> the functions that its rows are made of, as a dict; layers that read none are left out."""
        return {layer: list(functions) for layer, functions in self._functions.items()}

    @cached_property
    def _functions(self) -> dict[int, list[sympy.Expr]]:
        found: dict[int, list[sympy.Expr]] = {}
        for row in self.rows:
            for _, f in row.functions:
                known = found.setdefault(row.layer, [])
                if f not in known:
                    known.append(f)
        return {layer: sorted(fs, key=sympy.default_sort_key) for layer, fs in found.items() if fs}

    @property
    def read(self) -> dict[int, list[sympy.Expr]]:
        """What each layer was proved to read, in its rows or in combinations of them, as a dict."""
        found = {}
        for layer in range(2, len(self.network.weights)):
            both = dict.fromkeys([*self.functions.get(layer, []), *self.probed.get(layer, [])])
            found[layer] = sorted(both, key=sympy.default_sort_key)
        return found

    @property
    def blocks(self) -> dict[str, list[UnitKey]]:
        """Function -> units of the layer before that it is computed by, for ``plotting.network(circuits=...)``.

        Judged by which inputs a unit depends on: more than a tenth of its largest slope on no other input than
        the function has. A guide for the eye and no verdict; functions without such a unit are left out.
        """
        found = {}
        for layer, functions in self.functions.items():
            for f in functions:
                units = _made_by(self.network, f, layer)
                if units:
                    found[text(f)] = units
        return found

    @property
    def verdict(self) -> str:
        """What was found, in a sentence."""
        parts = [
            f"Hidden layer {layer} reads {_listed([text(f) for f in functions])}."
            for layer, functions in self.functions.items()
        ]
        if not parts:
            parts = ["No known function was found inside."]
        if self.undecided:
            parts.append(f"Not settled in time: {words.count(len(self.undecided), 'row')}.")
        return " ".join(parts)

    def __repr__(self) -> str:
        return "\n".join([self.verdict, *(f"  {row}" for row in self.rows)])

    def _repr_html_(self) -> str:
        rows = "".join(f"<li>{html.escape(str(row))}</li>" for row in self.rows)
        verdict = f'<p class="ck-result"><strong>{html.escape(self.verdict)}</strong></p>'
        return f"{verdict}<ul>{rows}</ul>" if rows else verdict


@accepts(net=instance(Network), tolerance=number(least=0), time_limit=seconds())
def subcircuits(
    net: Network,
    *,
    domain: Sequence[tuple[float, float]] | tuple[Any, Any] | None = None,
    tolerance: float | Fraction = 1e-2,
    time_limit: float = 60.0,
) -> Subcircuits:
    r"""Find the circuits inside: the known functions of the inputs that deeper layers compute with.

    What a unit of the second or a later hidden layer receives is taken apart into an affine map of the inputs and
    at most three of: \|x\|, min or max of two inputs, \|x1 − x2\|, \|x1 + x2\|, min and max of three inputs and of all;
    on a box \|x − c\| for multiples c of a quarter; and in later layers the same of functions that were found in
    earlier ones. Each reading is proved. What the outputs compute is :func:`~circuitkit.detect`'s question.

    Units that cancel each other hide what they are made of: ``extract(net, method="refit", fill="affine")`` takes
    them out first. A network may
    compute a minimum of four without containing any of two; then none is found, and that is an answer.

    Args:
        net: the network; of one with less than two hidden layers nothing is inside.
        domain: as for :func:`~circuitkit.prove`: None for all of R^n, a box or a polytope. Errors are
            absolute on a domain, and relative to ``max(1, max|x_i|)`` on all of R^n.
        tolerance: how far off a row's reading may be, relative to the row's largest factor, 0 or above.
        time_limit: seconds for all of it, above 0. Rows that are not settled then are listed.

    Returns:
        A Subcircuits.

    Raises:
        TypeError: ``net`` is not a Network, or another argument not a number.
        ValueError: an argument out of range.

    Example:
        >>> import circuitkit as ck
        >>> subcircuits(ck.circuit("min4"))
        Hidden layer 2 reads min(x1, x2) and min(x3, x4).
          hidden layer 2, unit 0 reads min(x1, x2)
          hidden layer 2, unit 1 reads -min(x1, x2)
          hidden layer 2, unit 2 reads min(x1, x2) - min(x3, x4)

    Source: the deck, "Next Steps for this Work"; orthogonal matching pursuit, Pati et al. (1993).
    """
    deadline = time.monotonic() + time_limit
    allowed = exact_number(tolerance, "tolerance: expected a number, 0 or above")
    claim = read_claim(net, net, 0, domain, "relative" if domain is None else "absolute")
    need_width(claim.domain)
    reading = _Reading(net, claim, domain, allowed, deadline)
    with np.errstate(over="ignore", invalid="ignore"):  # values may be as large as doubles are
        for layer in range(2, len(net.weights)):
            reading.read(layer)
            reading.probe(layer)
    return Subcircuits(
        net,
        allowed,
        tuple(reading.rows),
        tuple(reading.unexplained),
        tuple(reading.undecided),
        reading.probed,
    )


# --- known functions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Form:
    """One way to write a known function: it is ``factor`` times this, and ``over``."""

    name: sympy.Expr
    factor: Fraction = Fraction(1)
    over: sympy.Expr = sympy.S.Zero


#: a function with one kink, first as itself, then as others that differ by a factor and an affine part
_Known: TypeAlias = "tuple[_Form, ...]"


def _library(
    variables: Sequence[sympy.Symbol],
    found: Collection[sympy.Expr],
    claim: Claim,
    deadline: float,
) -> list[_Known]:
    """The known functions of the inputs and of what was found.

    Raises:
        OutOfTime: there was no time to write them all.
    """
    made: dict[sympy.Expr, _Known] = {}

    def add(*forms: _Form) -> None:
        look_at_the_clock(deadline)  # one of many inputs is thousands
        made.setdefault(forms[0].name, forms)

    def bend(e: sympy.Expr) -> None:
        two = Fraction(2)
        add(_Form(sympy.Abs(e)), _Form(sympy.Max(e, 0), two, -e), _Form(sympy.Max(-e, 0), two, e))

    parts = [*variables, *found]
    for v in parts:
        bend(v)
    for a, b in itertools.combinations(parts, 2):
        add(
            _Form(sympy.Min(a, b)),
            _Form(sympy.Max(a, b), Fraction(-1), a + b),
            _Form(sympy.Abs(a - b), Fraction(-1, 2), (a + b) / 2),
        )
        bend(a + b)
    n = len(variables)
    for size in {3, n} if 3 <= n <= _TRIPLES else ():
        for some in itertools.combinations(variables, size):
            add(_Form(sympy.Min(*some)))
            add(_Form(sympy.Max(*some)))
    if isinstance(claim.domain, Box):
        for v, (low, high) in zip(variables, claim.domain.ends, strict=True):
            if low is None or high is None or high - low > 8:
                continue
            for quarter in range(int(4 * low) - 1, int(4 * high) + 2):
                if quarter and low < Fraction(quarter, 4) < high:
                    bend(v - sympy.Rational(quarter, 4))
    # What was found before comes first, then what is shortest: of those that fit a row as well, it is named.
    known = set(found)
    return sorted(
        made.values(),
        key=lambda forms: (
            not any(form.name in known for form in forms),
            sympy.count_ops(forms[0].name),
        ),
    )


class _Reading:
    """One network that is read layer by layer."""

    def __init__(
        self, net: Network, claim: Claim, domain: Any, tolerance: Fraction, deadline: float
    ) -> None:
        self.net, self.claim, self.domain = net, claim, domain
        self.tolerance, self.deadline = tolerance, deadline
        self.limit = nearest_float(tolerance)
        self.variables = input_variables(net.n_inputs)
        points = first_points(claim, _SAMPLES)
        self.x = np.array([[nearest_float(v) for v in p] for p in points])
        self.size = np.array([nearest_float(claim.size(p)) for p in points])
        with np.errstate(over="ignore", invalid="ignore"):
            self.received = net.preactivations(self.x)
        self.constant = net.has_biases or domain is not None
        self.affine = np.hstack([self.x, np.ones((len(self.x), int(self.constant)))])
        self.rows: list[Row] = []
        self.unexplained: list[UnitKey] = []
        self.undecided: list[UnitKey] = []
        self.probed: dict[int, list[sympy.Expr]] = {}

    def alone(self, layer: int, mix: Array) -> Network:
        """A combination of what a layer receives, as a network of its own."""
        w, b = self.net.weights, self.net.biases
        return Network([*w[: layer - 1], mix @ w[layer - 1]], [*b[: layer - 1], mix @ b[layer - 1]])

    def values(self, e: sympy.Expr) -> Array:
        """A function at the samples, in the measure.

        Raises:
            OutOfTime: there is no time to evaluate it.
        """
        look_at_the_clock(self.deadline)
        found: Array = Target(e, variables=self.variables)(self.x)[:, 0] / self.size
        return found

    def read(self, layer: int) -> None:
        """Take every row of a layer apart."""
        found = [f for row in self.rows for _, f in row.functions]
        z = self.received[layer - 1] / self.size[:, None]
        try:
            look_at_the_clock(self.deadline)
            library = _library(self.variables, dict.fromkeys(found), self.claim, self.deadline)
            columns = np.column_stack([self.values(k[0].name) for k in library])
        except OutOfTime:  # no row can be compared with anything
            self.undecided += [(layer, unit) for unit in range(z.shape[1])]
            return
        rows = []
        for unit in range(z.shape[1]):
            place = layer, unit
            try:
                look_at_the_clock(self.deadline)
                row = self._row(place, z[:, unit], library, columns)
            except (OutOfTime, Undecided):
                self.undecided.append(place)
                continue
            if row is None:
                self.unexplained.append(place)
            else:
                rows.append(row)
        self.rows += rows

    def _row(self, place: UnitKey, z: Array, library: list[_Known], columns: Array) -> Row | None:
        """The reading of one row.

        Raises:
            OutOfTime, Undecided: it was not settled in time.
        """
        if not np.isfinite(z).all():
            return None
        chosen = self._few(z, columns)
        if chosen is None:
            return None
        base = self.affine / self.size[:, None]
        phi = np.hstack([base, columns[:, chosen]])
        _, factors, _ = minimax(phi, z)
        n = base.shape[1]
        scale = float(np.abs(factors[n:] if chosen else factors).max(initial=0.0))
        if not scale:
            scale = 1.0
        alone = self.alone(place[0], np.eye(len(self.received[place[0] - 1][0]))[[place[1]]])
        tried = set()
        for digits, share in _ROUNDINGS:
            grid = Fraction(f"{scale:.{digits}g}") * share
            exact = [round(Fraction(float(v)) / grid) * grid for v in factors]
            if tuple(exact) in tried:
                continue
            tried.add(tuple(exact))
            rounded = np.array([nearest_float(v) for v in exact])
            if not np.isfinite(rounded).all():  # rounded beyond the doubles: nothing to compare
                continue
            left = np.abs(z - phi @ rounded).max()
            if left > self.limit * scale * (1 + 1e-9) + 1e-12 * scale:
                continue
            expression, functions = self._named(exact, [library[k] for k in chosen], n)
            proof = self._proved(alone, expression, self.tolerance * Fraction(scale))
            if proof:
                ordered = sorted(functions, key=lambda pair: -abs(pair[0]))
                named = tuple((float(c), f) for c, f in ordered if f != 0)
                return Row(*place, named, expression, scale, proof)
        return None

    def _proved(self, alone: Network, e: sympy.Expr, allowed: Fraction) -> Proof:
        left = self.deadline - time.monotonic()
        return prove(
            alone, Target(e, variables=self.variables), tolerance=allowed, domain=self.domain,
            measure=self.claim.measure, time_limit=max(min(_PROOF, left), 1e-3),
        )  # fmt: skip

    def _few(self, z: Array, columns: Array) -> list[int] | None:
        """The fewest functions, at most three, with which the row is within the tolerance on the samples."""
        base = self.affine / self.size[:, None]
        q, _ = np.linalg.qr(base)
        rest = z - q @ (q.T @ z)
        if self._close(z, [], columns):
            return []
        bent = columns - q @ (q.T @ columns)
        norms = np.linalg.norm(bent, axis=0)
        bent = bent / np.where(norms > 1e-9, norms, np.inf)
        # All pairs at once: what is left of the row by the formula for two directions.
        gram, along = bent.T @ bent, bent.T @ rest
        single = [[k] for k in _best(along**2)[:5].tolist()]
        det = 1 - gram**2
        with np.errstate(divide="ignore", invalid="ignore"):
            taken = (along[:, None] ** 2 + along**2 - 2 * gram * along[:, None] * along) / det
        taken = np.where(det > 1e-6, taken, 0.0)
        order = _best(np.triu(taken, 1).ravel())[:12]
        pairs = [
            [int(i), int(j)] for i, j in zip(*np.unravel_index(order, taken.shape), strict=True)
        ]
        triples = []
        for pair in pairs[:4]:
            basis, _ = np.linalg.qr(bent[:, pair])
            left = rest - basis @ (basis.T @ rest)
            free = bent - basis @ (basis.T @ bent)
            sizes = np.linalg.norm(free, axis=0)
            gains = np.abs(free.T @ left) / np.where(sizes > 1e-3, sizes, np.inf)
            triples += [[*pair, k] for k in _best(gains)[:3].tolist()]
        for some in [*single, *pairs, *triples][: 5 + 12 + 12]:
            look_at_the_clock(self.deadline)
            if len(set(some)) <= _MOST and self._close(z, some, columns):
                return sorted(set(some))
        return None

    def _close(self, z: Array, some: list[int], columns: Array) -> bool:
        """Whether an affine map and these functions are within the tolerance, each with a share that counts."""
        base = self.affine / self.size[:, None]
        phi = np.hstack([base, columns[:, some]])
        factors = np.linalg.lstsq(phi, z, rcond=None)[0]
        own = np.abs(factors[base.shape[1] :])
        scale = float((own if some else np.abs(factors)).max(initial=0.0)) or 1.0
        rough = float(np.sqrt(np.mean((z - phi @ factors) ** 2)))
        if rough > self.limit * scale * 1.5 + 1e-12 * scale:
            return False
        error, factors, _ = minimax(phi, z)
        own = np.abs(factors[base.shape[1] :])
        scale = float((own if some else np.abs(factors)).max(initial=0.0)) or 1.0
        least = max(_LEAST_SHARE, 4 * self.limit) * scale
        return error <= self.limit * scale + 1e-11 * scale and bool((own >= least).all())

    def _named(
        self, exact: list[Fraction], chosen: list[_Known], n: int
    ) -> tuple[sympy.Expr, list[tuple[Fraction, sympy.Expr]]]:
        """The row spelled with those forms of its functions that leave the shortest affine part."""
        ends = [*self.variables, sympy.Integer(1)][:n]
        affine = sympy.Add(*(_rational(c) * v for c, v in zip(exact[:n], ends, strict=True)))
        best: tuple[int, int, sympy.Expr, list[tuple[Fraction, sympy.Expr]]] | None = None
        for forms in itertools.product(*chosen):
            rest = affine
            functions = []
            for c, form in zip(exact[n:], forms, strict=True):
                rest += _rational(c) * form.over
                functions.append((c * form.factor, form.name))
            rest = sympy.expand(rest)
            length = len(rest.as_ordered_terms()) if rest != 0 else 0
            bends = sum(
                1 for e in sympy.preorder_traversal(rest) if isinstance(e, (sympy.Min, sympy.Abs))
            )
            later = sum(known.index(form) for known, form in zip(chosen, forms, strict=True))
            if best is None or (bends + length, later) < best[:2]:
                total = sympy.Add(*(_rational(c) * f for c, f in functions), rest)
                best = bends + length, later, total, functions
        if best is None:
            return affine, []
        return best[2], best[3]

    def _is_straight(self, values: Array) -> bool:
        """Whether a function is affine at all samples, such as abs(x) where x is not negative."""
        base = self.affine / self.size[:, None]
        left = values - base @ np.linalg.lstsq(base, values, rcond=None)[0]
        return bool(np.abs(left).max() <= 1e-9 * max(1.0, float(np.abs(values).max())))

    def probe(self, layer: int) -> None:
        """Functions that are combinations of what a layer receives, noise cut off."""
        self.probed[layer] = []
        with contextlib.suppress(OutOfTime):
            self._probe(layer)

    @cached_property
    def _bent(self) -> list[tuple[sympy.Expr, Array]]:
        """The known functions of the inputs that are not straight, each with its values: the same for every layer."""
        forms = _library(self.variables, (), self.claim, self.deadline)
        known = [(form[0].name, self.values(form[0].name)) for form in forms]
        return [(e, wanted) for e, wanted in known if not self._is_straight(wanted)]

    def _probe(self, layer: int) -> None:
        z = self.received[layer - 1] / self.size[:, None]
        if not np.isfinite(z).all():
            return
        look_at_the_clock(self.deadline)
        z = np.hstack([z, self.affine[:, self.net.n_inputs :] / self.size[:, None]])
        cut = max(self.limit, 1e-9)
        u, s, vt = np.linalg.svd(z, full_matrices=False)
        kept = s > cut * s[0]
        inverse = (vt[kept].T / s[kept]) @ u[:, kept].T
        width = self.received[layer - 1].shape[1]
        for e, wanted in self._bent:
            mix = inverse @ wanted
            if np.abs(z @ mix - wanted).max() > max(self.limit, 1e-9):
                continue
            read = self.alone(layer, mix[None, :width])
            if len(mix) > width:
                read = Network(read.weights, [*read.biases[:-1], read.biases[-1] + mix[width]])
            look_at_the_clock(self.deadline)
            with contextlib.suppress(Undecided):
                if self._proved(read, e, max(self.tolerance, Fraction(1, 10**9))):
                    self.probed[layer].append(e)


def _best(gains: Array) -> NDArray[np.intp]:
    """The places of the largest first; those equal up to rounding in their order."""
    largest = float(gains.max(initial=0.0)) or 1.0
    return np.argsort(-np.round(gains / largest, 9), kind="stable")


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _rational(value: Fraction) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)


def _made_by(net: Network, function: sympy.Expr, layer: int) -> list[UnitKey]:
    """Units of the first layer, and those between, that depend on the function's inputs alone, mostly."""
    mine = {v.name for v in function.free_symbols}
    inside = np.array([v.name in mine for v in input_variables(net.n_inputs)])
    slopes = np.eye(net.n_inputs)
    found: list[UnitKey] = []
    for i in range(1, layer):
        slopes = np.abs(net.weights[i - 1]) @ slopes
        largest = slopes.max(axis=1)
        others = slopes[:, ~inside].max(axis=1, initial=0.0)
        picked = np.flatnonzero((largest > 0) & (others <= 0.1 * largest))
        found += [(i, int(k)) for k in picked]
    return found
