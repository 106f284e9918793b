r"""The smallest part of a network that still does the same, for every input: cut out, with a proof.

The table of contents: what a part is and what may be chosen anew in it (:mod:`.part`), parts tried on points
and by the prover (:mod:`.search`), why a smaller one will not do (:mod:`.refutation`), the fewest units
(:mod:`.smallest`).

Source: Hadad, Katz and Bassan, "Formal Mechanistic Interpretability: Automated Circuit Discovery with Provable
Guarantees" (ICLR 2026, arXiv 2602.16823), for circuits with guarantees; Conmy et al., "Towards Automated Circuit
Discovery for Mechanistic Interpretability" (NeurIPS 2023), for ablating one edge after the other.
"""

from __future__ import annotations

import html
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from circuitkit import words
from circuitkit.checks import accepts, flag, instance, number, one_of, seconds, wrong
from circuitkit.detection.corners import ends_of, is_moderate, of_size_one
from circuitkit.detection.part import EdgeKey, Fill, Key, Method, UnitKey, Whole
from circuitkit.detection.points import interior_sample, need_width
from circuitkit.detection.refutation import Refutation
from circuitkit.detection.search import Made, Search, Stopped
from circuitkit.detection.smallest import Blocked, LowerBound, none_smaller, smallest
from circuitkit.exact.regions import OutOfTime
from circuitkit.fixed import fix
from circuitkit.functions.relation import is_relation
from circuitkit.functions.target import TargetLike, need_function
from circuitkit.network import Network, need_plain
from circuitkit.proof.checking import check as check_certificate
from circuitkit.proof.claim import Box, Claim, Measure, read_claim
from circuitkit.proof.deciding import NotSettled, decide
from circuitkit.proof.prove import Proof, Undecided
from circuitkit.words import float_above, float_below

__all__ = ["Extraction", "Kept", "extract"]

Array = NDArray[np.float64]
Minimal = Literal["proved", "locally"]
Covers = Literal["units and edges", "units"]

#: which share of the time the search for the fewest units may take
_SMALLEST = 0.5
#: and, of what is left then, that for units and edges to drop one by one
_SHRINKING = 0.6
#: and, of what is left then, that for units and edges together
_TOGETHER = 0.1
#: points of the domain over which means are taken
_SAMPLE = 4096


@dataclass(frozen=True)
class Kept:
    """What is left of a network, in the network's own numbering: ``plotting.network(net, kept=...)`` draws it.

    Attributes:
        units: hidden units ``(layer, unit)``, counted from 0 with layer 0 the inputs.
        edges: weights ``(layer, unit_from, unit_to)`` between these, the inputs and the outputs.

    Example:
        >>> Kept(units=((1, 0),), edges=((0, 0, 0), (1, 0, 0)))
        Kept(units=((1, 0),), edges=((0, 0, 0), (1, 0, 0)))
    """

    units: tuple[UnitKey, ...]
    edges: tuple[EdgeKey, ...]

    def __iter__(self) -> Iterator[Key]:
        """The units, then the edges."""
        yield from self.units
        yield from self.edges


@dataclass(frozen=True, eq=False, repr=False)
class Extraction:
    """A circuit that was cut out of a network, and how far it is proved to be all there is to it.

    Attributes:
        source: the network that it was cut out of.
        network: the circuit as a network. Its hidden units are the kept ones in their order, then ``carriers``.
        kept: which hidden units and edges of ``source`` are left.
        proof: the proof that ``network`` is within the tolerance of ``source`` (or of ``against``) at every input of
            the domain.
        minimal: ``"locally"``: without any one of its units or edges it is not within the tolerance any
            more, as ``refutations`` shows. ``"proved"``: moreover no smaller circuit of this kind is, as
            ``bound`` shows; ``covers`` says smaller in what. None where not even the first was settled.
            With ``edges=False`` it speaks of units alone.
        covers: what ``"proved"`` speaks of, else None. ``"units and edges"``: no circuit of fewer units, and none of as
            many units and fewer edges, is within the tolerance, whichever units and edges it keeps.
            ``"units"``: no circuit of fewer units is, each with all of its edges; of the edges it is only known
            that none can be dropped alone.
        method: ``"ablation"`` or ``"refit"``.
        fill: ``"zero"``, ``"mean"`` or ``"affine"``.
        refutations: unit or edge of ``kept`` -> why the circuit without it will not do.
        unsettled: units and edges of ``kept`` of which that was not settled: time was up, or without them the least error
            is the tolerance itself, or next to it, and no weights that are doubles were found to reach it.
        bound: what shows that less will not do. Its ``at_least`` is how many units are needed for sure; where its
            ``edges_at_least`` is None, each has all of its edges. None where nothing was proved: for an
            ablation with an affine map, and for larger networks of more than one hidden layer.
        slopes: with ``fill="affine"`` the matrix, of shape ``(n_out, n_in)``, of the affine map that is part of the
            circuit beside its units; its constants are in the output biases. Else None.
        carriers: hidden units ``(layer, unit)`` of ``network`` that do nothing but carry this map past the
            others, a pair relu(z) - relu(-z) a number and layer. They are not in ``kept``.
        means: one array a hidden layer: with ``fill="mean"`` what takes the place of a removed unit; zeros without.

    Example:
        >>> found = extract(Network([[[1], [-1], [1 / 1024]], [[1, 1, 1]]]), domain=[(-1, 1)])
        >>> isinstance(found, Extraction), found.network, found.error
        (True, Network(1-2-1, no biases), 0.0009765625)
        >>> found.kept.units, found.minimal, found.covers, found.check()
        (((1, 0), (1, 1)), 'proved', 'units and edges', True)
        >>> found.refutations[1, 0].bound, found.refutations[1, 0].points
        (Fraction(1025, 1024), ((Fraction(1, 1),),))
    """

    source: Network
    network: Network
    kept: Kept
    proof: Proof
    minimal: Minimal | None
    method: Method
    fill: Fill
    refutations: dict[Key, Refutation]
    unsettled: tuple[Key, ...]
    bound: LowerBound | None
    slopes: Array | None
    carriers: tuple[UnitKey, ...]
    means: tuple[Array, ...]
    covers: Covers | None = None
    _whole: Whole = field(kw_only=True)
    _made: Made = field(kw_only=True)
    _edges: bool = field(kw_only=True, default=True)

    def __post_init__(self) -> None:
        fix(self)

    @property
    def size(self) -> int:
        """How many hidden units are kept."""
        return len(self.kept.units)

    @property
    def error(self) -> float:
        """How far off it is at worst; where that is known exactly, rounded to the nearest double."""
        return self.proof.error

    def check(self) -> bool:
        """Whether all that is said of it is true, computed from the beginning in exact numbers.

        The proof's certificate goes to the checker; every refutation and the lower bound are evaluated anew.
        """
        claim, part = self.proof.claim, self._made.part
        made, *_ = self._whole.family(part).network(self._made.chosen)
        target: Any = self.proof.target
        certified = self.proof.certificate is not None and check_certificate(
            self.proof.certificate, self.network, target
        )
        refuted = all(
            shown.holds(self._whole.family(part.without(key)), claim)
            for key, shown in self.refutations.items()
        )
        bounded = self.bound is None or self.bound.holds(self._whole, claim)
        edges = {*self._whole.edges(part)}
        same = {*self.kept.units} == part.units and {*self.kept.edges} == edges
        asked = {*self.kept.units, *(self.kept.edges if self._edges else ())}
        missing = asked - {*self.refutations}
        complete = self.minimal is None or not missing
        least = (self.minimal == "proved") == (self.covers is not None)
        if self.covers is not None:
            covered = _covered(self.bound, self.kept, self._edges)
            least = covered == self.covers and self.minimal == "proved"
        return bool(
            same
            and made == self.network
            and certified
            and refuted
            and bounded
            and complete
            and least
        )

    @property
    def verdict(self) -> str:
        """What was found, in a sentence."""
        every = self._whole.everything
        units = f"{self.size} of {words.count(len(every.units), 'hidden unit')}"
        edges = (
            f" and {len(self.kept.edges)} of {words.count(len(self._whole.edges(every)), 'edge')}"
        )
        if not self._edges:
            edges = ", with all of their edges"
        beside = " and an affine map of the inputs" if self.carriers or self._is_affine else ""
        how = {"ablation": "weights as they are", "refit": "the readout chosen anew"}[self.method]
        error = _rounded_up(self.proof.bounding_error or Fraction(0))
        where = "every input" if self.proof.domain is None else "every input of the domain"
        return (
            f"{units}{edges}{beside}, {how}, are enough within {error} for {where}; {self._least}."
        )

    @property
    def _is_affine(self) -> bool:
        return self.slopes is not None and bool(self.slopes.any())

    @property
    def _least(self) -> str:
        known = self.bound.at_least if self.bound is not None else 0
        if self.covers == "units and edges":
            if not self.size and not self.kept.edges:
                return "nothing is less"
            if not self.size:
                return "fewer edges are not"
            return "fewer units are not, nor are as many with fewer edges"
        if self.covers == "units":
            if not self.size:
                return "nothing is less"
            without = ", nor are these without any one of the edges" if self._edges else ""
            return f"fewer units, with all of their edges, are not{without}"
        if self.minimal == "locally":
            more = (
                f", and fewer than {words.count(known, 'unit')}, with all of their edges, never are"
            )
            return f"without any one of them they are not{more if 0 < known < self.size else ''}"
        return "whether fewer would do was not settled"

    def __repr__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        return f'<p class="ck-result">{html.escape(self.verdict)}</p>'


@accepts(
    net=instance(Network),
    tolerance=number(least=0),
    method=one_of(*get_args(Method)),
    fill=one_of(*get_args(Fill)),
    edges=flag(),
    time_limit=seconds(),
)
def extract(
    net: Network,
    *,
    domain: Sequence[tuple[float, float]] | tuple[Any, Any] | None = None,
    tolerance: float | Fraction = 1e-2,
    against: TargetLike | Network | None = None,
    method: Method = "ablation",
    fill: Fill = "zero",
    edges: bool = True,
    time_limit: float = 60.0,
) -> Extraction:
    r"""Cut the circuit out: the fewest hidden units, then edges, that do the same at every input.

    A smaller network counts only if it is *proved* to be within the tolerance everywhere in the domain, and something is
    left in only where it is refuted, in exact numbers, that it can be left out, or stands in ``unsettled``. A point at
    which a try fails joins the points that all further tries have to pass first.

    **Ablation** keeps every weight of what is left. It answers which units carry the function *in this network*;
    where training has spread a kink over many units, many are needed to keep its height. **Refit** chooses the
    weights into the outputs, and the output biases, anew. It answers how many of the network's features
    are enough: often as many as the function has kinks. Hidden layers keep their weights in both.

    With one hidden layer the fewest units are searched for, each with all of its edges and with everything that
    ``method`` and ``fill`` leave free, and it is proved where time suffices that fewer will not do. Then edges are
    dropped, one by one, and so are units where there are more hidden layers, or an affine map beside ablated
    ones. That can end at a circuit that is small only among its neighbors; so in a tenth of the time that is left
    everything smaller is searched for, and refuted: all circuits of fewer units, and of as many units and fewer
    edges, whichever edges they keep. It is finished for some tens of units, or, with more hidden layers, where
    at most 25,000 circuits are smaller; not for an affine map beside ablated units, nor for a readout chosen anew
    on more than one hidden layer. What was proved, ``minimal`` and ``covers`` tell.

    Args:
        net: the network.
        domain: as in :func:`~circuitkit.prove`: None for all of R^n, a box or a polytope. Errors are
            absolute on a domain, and relative to ``max(1, max|x_i|)`` on all of R^n.
        tolerance: how far off the circuit may be, 0 or above.
        against: what it is compared with, a target or a network; the network itself by default.
        method: ``"ablation"`` or ``"refit"``.
        fill: what takes the place of what is removed: ``"zero"``, nothing; ``"mean"``, each unit's mean activation
            over 4096 points of the domain, which must be bounded (an edge that is cut carries nothing); ``"affine"``, any affine map of the
            inputs, the same for all of them. A Network has no such direct path: it is carried by pairs of units,
            listed as ``carriers`` and not counted.
        edges: whether to drop edges, too, once no more unit can be dropped.
        time_limit: seconds for all of it, above 0. What is not settled is said to be open.

    Returns:
        An Extraction.

    Raises:
        Undecided: it was not even settled whether the network is within the tolerance of ``against``.
        TypeError: ``net`` is not a Network, or another argument of another kind.
        ValueError: the network is not within the tolerance of ``against`` itself, ``fill="mean"`` on a
            domain that has no mean, or another argument out of range.

    Example:
        Four units for \|x\|, as training leaves them:

        >>> net = Network([[[0.6], [0.4], [-0.7], [-0.3]], [[1, 1, 1, 1]]])
        >>> extract(net, domain=[(-1, 1)])
        4 of 4 hidden units and 8 of 8 edges, weights as they are, are enough within 0 for every input of the domain; fewer units are not, nor are as many with fewer edges.
        >>> found = extract(net, domain=[(-1, 1)], method="refit", fill="affine")
        >>> found.size, found.minimal, found.network(-0.5).round(3)
        (1, 'proved', array([0.5]))

    Source: Hadad, Katz and Bassan (2026), for minimal circuits with a proof, there around single inputs.
    """
    start = time.monotonic()
    goal: Any = net if against is None else against
    claim = _claim(net, goal, tolerance, domain)
    whole = _whole(net, claim, method, fill, against is not None)
    search = Search(claim, whole, start + time_limit)
    made = _itself(search)
    bound: LowerBound | None = None
    found = smallest(search, start + _SMALLEST * time_limit)
    if found is not None:
        bound = found.bound
        made = found.made if found.made is not None else made
    search.deadline = time.monotonic() + _SHRINKING * (start + time_limit - time.monotonic())
    made = _shrunk(search, made, edges)
    search.deadline = start + time_limit
    made, refutations, unsettled = _locally(search, made, edges)
    less = None
    if not unsettled:
        until = time.monotonic() + _TOGETHER * (start + time_limit - time.monotonic())
        less = none_smaller(search, made, until, edges=edges)
        if less is None and edges and bound is None:
            less = none_smaller(search, made, until, edges=False)
    if less is not None:
        bound = less.bound
        if less.made is not None:
            made, refutations, unsettled = _locally(search, less.made, edges)
    made = _measured(search, made)
    kept = Kept(tuple(sorted(made.part.units)), tuple(sorted(whole.edges(made.part))))
    minimal: Minimal | None = None if unsettled else "locally"
    if bound is None and not kept.units:
        bound = Blocked(0, ())  # fewer units are not
    covers = _covered(bound, kept, edges) if minimal else None
    return Extraction(
        net, made.network, kept, made.proof, "proved" if covers else minimal, method, fill, refutations,
        tuple(unsettled), bound, made.slopes, tuple(made.carriers), whole.means, covers,
        _whole=whole, _made=made, _edges=edges,
    )  # fmt: skip


def _covered(bound: LowerBound | None, kept: Kept, edges: bool) -> Covers | None:
    """What a lower bound shows to be the least: units, or units and edges."""
    size = len(kept.units), len(kept.edges)
    if size == (0, 0) or (not edges and not kept.units):
        return "units and edges" if edges else "units"
    if bound is None or bound.at_least < size[0]:
        return None
    if edges and bound.edges_at_least is not None:
        return "units and edges" if (bound.at_least, bound.edges_at_least) >= size else None
    # Without a hidden unit there are edges alone, and of these nothing is said.
    return "units" if kept.units else None


def _rounded_up(error: Fraction) -> str:
    """Three digits, or so many as name the very float, such as a tolerance of 0.02."""
    plain = words.number(error, 3)
    return plain if Fraction(float(plain)) == error else words.number(error, 3, rounding="up")


# --- reading the arguments ------------------------------------------------------------------------------


def _claim(net: Network, goal: Any, tolerance: Any, domain: Any) -> Claim:
    """What is asked of every circuit.

    Raises:
        TypeError, ValueError: an argument does not fit; they name it.
    """
    need_plain("net", net)
    measure: Measure = "relative" if domain is None else "absolute"
    if isinstance(goal, str) and is_relation(goal):
        raise wrong("against", "a function or a Network", f"the relation {goal}")
    try:
        if not isinstance(goal, Network):
            need_function(goal, "a Network")
        claim = read_claim(net, goal, tolerance, domain, measure)
        need_width(claim.domain)
        return claim
    except (TypeError, ValueError) as error:
        name, _, rest = str(error).partition(": ")
        if name != "target":
            raise
        raise type(error)(f"against: {rest}") from None


def _whole(net: Network, claim: Claim, method: Method, fill: Fill, against: bool) -> Whole:
    """The rules by which parts are made.

    Raises:
        ValueError: means are asked for where there are none, or activations are too large for doubles.
    """
    means = tuple(np.zeros(n) for n in net.layer_sizes[1:-1])
    if fill == "mean":
        if not _is_bounded(claim):
            raise wrong("fill", "'zero' or 'affine' where the domain is unbounded", "'mean'")
        x = interior_sample(claim, _SAMPLE)
        with np.errstate(over="ignore", invalid="ignore"):
            means = tuple(h.mean(axis=0) for h in net.activations(x))
        if not all(np.isfinite(m).all() for m in means):
            raise wrong("net", "activations whose means are doubles", "larger ones")
    free = method == "refit" or fill == "affine"
    constant = free and (net.has_biases or claim.domain is not None or against)
    return Whole(net, method, fill, means, constant)


def _is_bounded(claim: Claim) -> bool:
    if claim.domain is None:
        return False
    if isinstance(claim.domain, Box):
        return claim.domain.is_bounded
    if not is_moderate(claim.domain):
        return all(v is not None for pair in ends_of(claim.domain) for v in pair)
    matrix, ends = of_size_one(claim.domain).floats()
    n = claim.network.n_inputs
    directions = [*np.eye(n), *-np.eye(n)]
    return all(
        linprog(d, A_ub=matrix, b_ub=ends, bounds=[(None, None)] * n).status == 0
        for d in directions
    )


# --- smaller and smaller --------------------------------------------------------------------------------


def _itself(search: Search) -> Made:
    """The network as the largest of its parts.

    Raises:
        Undecided: whether it is within the tolerance was not settled.
        ValueError: it is not.
    """
    whole, claim = search.whole, search.claim
    net, part = whole.net, whole.everything
    chosen = np.zeros(whole.family(part).usable.shape)
    if whole.method == "refit":
        width = net.layer_sizes[-2]
        chosen[:, :width] = net.weights[-1]
        if whole.constant:
            chosen[:, width] = net.biases[-1]
    slopes = np.zeros((net.n_outputs, net.n_inputs)) if whole.fill == "affine" else None
    left = max(search.deadline - time.monotonic(), 1e-3)
    if claim.target is net:
        left = math.inf  # the same rows: the checker sees it at once
    try:
        proof = decide(claim, left, "auto")
    except NotSettled as open_:
        raise Undecided(
            f"undecided {open_.when('in time')}: whether the network is within the tolerance of what it is compared "
            f"with{open_}",
            float_below(open_.lower),
            math.inf if open_.upper is None else float_above(open_.upper),
        ) from None
    if proof:
        return Made(part, net, slopes, [], chosen, proof)
    refitted = search.settle(part) if chosen.size else None
    if isinstance(refitted, Made):
        return refitted
    expected = (
        f"a function that the network is within the tolerance {words.number(claim.tolerance)} of"
    )
    raise wrong("against", expected, f"{claim.target}, which it is {words.number(proof.error)} off")


def _shrunk(search: Search, made: Made, edges: bool) -> Made:
    """Without units, then edges, that can be left out one by one."""
    try:
        made = search.shrink(made, "units")
        return search.shrink(made, "edges") if edges else made
    except Stopped as stopped:
        return stopped.made


def _measured(search: Search, made: Made) -> Made:
    """With the exact worst error, if there is time for it."""
    left = search.deadline - time.monotonic()
    if made.proof.bound == "exact" or left <= 0:
        return made
    try:
        proof = decide(made.proof.claim, left, "auto")
    except NotSettled:
        return made
    return replace(made, proof=proof) if proof else made


def _locally(
    search: Search, made: Made, edges: bool
) -> tuple[Made, dict[Key, Refutation], list[Key]]:
    """Each unit and edge is refuted to be too much; where one is, on with the smaller circuit."""
    refutations: dict[Key, Refutation] = {}
    while True:
        unsettled: list[Key] = []
        keys: list[Key] = sorted(made.part.units)
        keys += sorted(search.whole.edges(made.part)) if edges else []
        for key in keys:
            try:
                outcome = search.settle(made.part.without(key), key)
            except OutOfTime:
                outcome = None
            if isinstance(outcome, Made):
                made = outcome
                refutations.clear()
                break
            if outcome is None:
                unsettled.append(key)
            else:
                refutations[key] = outcome
        else:
            return made, refutations, unsettled
