"""Learn a function and prove it: curvature, giving up early, and the prover in the loop.

:mod:`~circuitkit.training.compiled_search` searches for weights with no loss on a
:class:`~circuitkit.training.problem.Problem`. Where its loss is exact, what it finds is the function up to a
small error, which it measures itself; elsewhere :mod:`~circuitkit.training.judging` looks along random lines
first, and what is wrong there joins the data; then it makes the weights tidy, where it can. The last word
is :func:`circuitkit.prove`'s: a counterexample becomes a point, and the search goes on.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import accepts, flag, optional
from circuitkit.extras import need
from circuitkit.functions.target import FUNCTION, TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.progress import Bar, News, attended
from circuitkit.training.architecture import least_hidden, too_small
from circuitkit.training.arguments import BOX, HIDDEN, POSITIVE, SEED, box_of, need_few
from circuitkit.training.flat import from_chunks, n_parameters, to_chunks
from circuitkit.training.judging import errors_at, tidied, wrong_points
from circuitkit.training.outcomes import ways_of_being_stuck
from circuitkit.training.problem import Problem
from circuitkit.training.start import initial

__all__ = ["PATIENCE", "TOLERANCE", "Learned", "NotLearned", "learn", "search_all"]

Array = NDArray[np.float64]

#: what a learned network is proved within
TOLERANCE = Fraction(1, 1_000_000)
#: seconds that one proof may take, after which the search starts anew
PROOF_SECONDS = 60.0
#: the loss that counts as none where it is exact, and over points; an error of 1e-6 in one place may be
#: as little as 1e-20 of an exact loss
ENOUGH = {"segments": 1e-20, "points": 1e-18}
#: how many redraws in vain the first start is given, the second, ...; the last number from then on. Of
#: deep networks in many inputs a start gets so much right that it is worth staying with.
PATIENCE: dict[tuple[str, str], tuple[int, ...]] = {
    ("restart", "segments"): (0,),
    ("restart", "points"): (0,),
    ("redraw", "segments"): (0, 1, 4, 12, 40),
    ("redraw", "points"): (40,),
}
#: the size of the outgoing weights of a unit that is drawn anew, as a share of a new start's. Where many parts
#: have to come right, a unit that is silent at first leaves the others as they are: the first step fits it in.
ALOUD = {"segments": 1.0, "points": 1e-4}
#: rounds of counterexamples to one network, after which the search starts anew
ROUNDS = 8
#: what is spent between two looks at the keyboard, in gradients
_SLICE = 2_000.0


class NotLearned(RuntimeError):
    """No proved network was found.

    Attributes:
        best: the best network found.
        reason: what stands in its way: a proof that the architecture is too small, or the trap that the
            best network is in.

    Args:
        message: what the error says: the reason, and how good the best network is.

    Example:
        >>> try:
        ...     learn("abs", (1,), budget=100)
        ... except NotLearned as error:
        ...     print(error.best)
        Network(1-1-1, no biases)
    """

    def __init__(self, message: str, best: Network, reason: str) -> None:
        super().__init__(message)
        self.best = best
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:  # an exception is made again from its message alone
        return type(self), (str(self), self.best, self.reason)


@dataclass(frozen=True)
class Learned:
    """How the search of one seed ended.

    Attributes:
        weights, biases: of each layer: the proved network, or the best one.
        proved: whether :func:`circuitkit.prove` holds within :data:`TOLERANCE`.
        error: what the worst error is at most where proved, nan elsewhere.
        loss: of this network, on the problem's inputs.
        cost: in full-batch gradients, see :attr:`circuitkit.training.problem.Problem.unit`.
        starts, descents, steps: new starts, descents from them and from redrawn units, steps accepted.
        counterexamples: points that joined the data.
        proofs: how often the prover was asked.
    """

    weights: list[Array]
    biases: list[Array]
    proved: bool
    error: float
    loss: float
    cost: float
    starts: int
    descents: int
    steps: int
    counterexamples: int
    proofs: int

    @property
    def network(self) -> Network:
        """The network; its biases are all 0 where the problem has none."""
        return Network(self.weights, self.biases)


@accepts(
    target=FUNCTION,
    hidden=optional(HIDDEN),
    seed=SEED,
    domain=BOX,
    budget=POSITIVE,
    progress=optional(flag()),
)
def learn(
    target: TargetLike,
    hidden: int | Iterable[int] | None = None,
    *,
    seed: int = 0,
    domain: Sequence[tuple[float, float]] | None = None,
    budget: float = 100_000.0,
    progress: bool | None = None,
) -> Network:
    r"""A network that is *proved* to compute the function, within 1e-6 of it.

    Descents by Levenberg and Marquardt's method in double precision, given up early; from there one or two
    hidden units of the best network are drawn anew, or all of them. The loss is exact in one input, and
    in two without constants, otherwise over points, to which counterexamples are added.
    The network satisfies :math:`|net(x) - f(x)| \le 10^{-6} \max(1, \max_i |x_i|)` on the whole domain.

    Args:
        target: a piecewise-linear function: whatever :func:`circuitkit.target` takes.
        hidden: width of each hidden layer, such as ``(3, 2)``, with at most 2,000 weights and biases in all;
            None for what a rule gives: for one input and one output, with up to 16 kinks, a unit a kink and one
            or two more where the slopes do not add up; else a knockout tournament of pairs for every maximum,
            ``max(a, b) = b + relu(a - b)``. Fewer units may do: ``"sort_two"`` gets 2-6-2, and 2-4-2 can sort.
        seed: decides every random choice, 0 to 2**63 - 1.
        domain: None for all of R^n, or a box, ``(low, high)`` for each input.
        budget: what may be spent, above 0, in full-batch gradients: over 2 points for one input without
            constants, 128 with, 64 for two without, 256 otherwise. A Levenberg-Marquardt step counts
            by its multiply-adds, and so does all else but proofs.
        progress: show a progress bar; by default once it has taken two seconds.

    Returns:
        The network. It has biases where the target has constants or a domain is given.

    Raises:
        NotLearned: with the best network, and why it is not the function; at Ctrl-C, too.
        TypeError, ValueError: an argument that is not one of these, named in the message.

    Example:
        >>> net = learn("min", (3, 2), seed=7)
        >>> from circuitkit import prove
        >>> bool(prove(net, "min", tolerance=1e-6))
        True
        >>> learn("clamp(x, -1, 1)", domain=[(-4, 4)])
        Network(1-2-1, with biases)

    Source: Levenberg (1944) and Marquardt (1963) for the step; for the loop with the prover see the
    chapter on learning.
    """
    f = as_target(target)
    _ = f.exact_pieces  # what can be proved
    box = box_of(BOX.take("domain", domain), f.n_inputs)
    widths = least_hidden(f, box) if hidden is None else HIDDEN.take("hidden", hidden)
    limit = budget
    sizes, bias = (f.n_inputs, *widths, f.n_outputs), box is not None or not f.pieces.is_homogeneous
    need_few(sizes, bias=bias)
    problem = Problem(f, sizes, bias, box)
    impossible = too_small(f, widths, box)
    if impossible is not None:
        limit = min(limit, 1_000.0)
    stopped = False

    def work(news: News) -> list[Learned]:
        nonlocal stopped
        found = search_all(problem, [seed], "redraw", limit, news=news, threads=1)
        stopped = news.stopped
        return found

    (found,) = attended(work, Bar(1, "network", progress))
    best = found.network if problem.bias else Network(found.weights)
    if found.proved:
        return best
    reason = impossible or ("interrupted: " if stopped else "") + _trap(problem, found)
    raise NotLearned(
        f"not learned: {f.name} by {'-'.join(map(str, problem.sizes))} in {found.descents} descents "
        f"(cost {found.cost:.0f}): {reason}",
        best,
        reason,
    )


def search_all(
    problem: Problem,
    seeds: Sequence[int] | NDArray[np.int64],
    rescue: str,
    budget: float,
    *,
    news: News,
    threads: int,
    init: str = "torch",
) -> list[Learned]:
    """The search of every seed, in its order; each is the same in any company.

    Args:
        problem: what is learned.
        seeds: each gives one stream of random numbers.
        rescue: ``"restart"`` or ``"redraw"``.
        budget: in full-batch gradients, for each seed.
        news: is told of every seed that is done; when it is stopped, the seeds under way end where they are.
        threads: how many share the seeds.
        init: what a first start is drawn from; where there are biases, and always later, He's
            distribution with every unit turning on at a data point.
    """
    need("numba")
    news.doing("compiling the search, once on this machine")
    from circuitkit.training.compiled_search import search_kernel

    search_kernel()
    news.doing("learning")
    weights, biases = initial(init, problem.sizes, [int(s) for s in seeds], bias=problem.bias)
    flat = to_chunks(weights, biases, 1, bias=problem.bias)
    data = _Data(problem, rescue)
    with ThreadPoolExecutor(threads, "circuitkit") as pool:
        jobs = [
            pool.submit(_one, data, int(s), start[:, 0], budget, news)
            for s, start in zip(seeds, flat, strict=True)
        ]
        for _ in as_completed(jobs):
            news.done(1)
        return [job.result() for job in jobs]


class _Data:
    """A problem as the kernel takes it, with scratch for every thread."""

    def __init__(self, problem: Problem, rescue: str) -> None:
        from circuitkit.proof.many import Question
        from circuitkit.training import compiled_search as loop

        self.loop, self.problem = loop, problem
        #: what the prover is asked about every network that is found
        self.question = Question(problem.target, TOLERANCE, problem.box, time_limit=PROOF_SECONDS)
        kind = "segments" if problem.is_exact else "points"
        self.kernel = loop.search_kernel()
        self.n = n_parameters(problem.sizes, bias=problem.bias)
        pieces, n = problem.target.pieces, problem.target.n_inputs
        places, values, begins = [np.empty(0)], [np.empty((0, problem.sizes[-1]))], [0]
        for _, a, b in problem.segments:
            t = pieces.breakpoints(a, b)
            places.append(t)
            values.append(problem.values(np.outer(1 - t, a) + np.outer(t, b)))
            begins.append(begins[-1] + len(t))
        ends = np.array([(a, b) for _, a, b in problem.segments]).reshape(-1, 2, n + 1)
        self.setting = loop.Setting(
            sizes=np.array(problem.sizes, dtype=np.int64),
            bias=problem.bias,
            starts=np.ascontiguousarray(ends[:, 0]),
            ends=np.ascontiguousarray(ends[:, 1]),
            weights=np.array([w for w, *_ in problem.segments], dtype=float),
            kinks=np.array(begins, dtype=np.int64),
            kink_places=np.concatenate(places),
            kink_values=np.concatenate(values),
            key=np.uint64(0),
            vain=np.array(PATIENCE[rescue, kind], dtype=np.int64),
            aloud=ALOUD[kind],
            unit=problem.unit,
        )
        self.enough = ENOUGH[kind]
        self._local = threading.local()

    def room(self, n_points: int) -> object:
        """Scratch for this thread and so many points."""
        held = getattr(self._local, "room", None)
        if held is None or len(held.points) != n_points:
            held = self._new_room(n_points)
            self._local.room = held
        return held

    def _new_room(self, n_points: int) -> object:
        p, sizes = self.n, self.problem.sizes
        units, n_outputs = sum(sizes[1:]), sizes[-1]
        kinks = 256 + 64 * sum(sizes[1:-1]) + 4 * len(self.setting.kink_places)
        kinks = kinks if self.problem.segments else 1

        def empty(*shape: int) -> Array:
            return np.empty(shape)

        return self.loop.Room(
            *(empty(kinks), empty(kinks, units), empty(kinks, n_outputs)),
            *(empty(kinks), empty(kinks, units), empty(kinks, n_outputs)),
            np.zeros(len(self.setting.weights) + 1, dtype=np.int64),
            empty(n_points, units),
            *(empty(p, p), empty(p, p)),
            *(empty(p), empty(p), empty(p), empty(p)),
            *(empty(units), empty(max(units, sizes[0] + 1)), empty(max(sizes) + 1, 2)),
        )


def _one(data: _Data, seed: int, start: Array, budget: float, news: News) -> Learned:
    """The whole search of one seed, proofs and counterexamples included."""
    loop, problem = data.loop, data.problem
    x, y = (np.ascontiguousarray(a) for a in problem.points)
    scale = 1 / 8 if problem.segments else float(np.sqrt((x**2).max(axis=1).mean()))
    search = loop.Search(
        theta=np.array(start),
        best=np.array(start),
        number=np.array([math.inf, math.inf, 0.0, loop.DAMPING, data.enough]),
        # The start has used its numbers of the stream; with biases the first is drawn like all others.
        counts=np.array([data.n, int(problem.bias), 0, 0, 0, loop.NEW_START], dtype=np.int64),
    )
    setting = data.setting._replace(key=np.uint64(seed))
    joined = rounds = proofs = 0
    proved, error = False, math.nan
    undecided: tuple[Array, float] | None = (
        None  # what has no loss and no proof: the best, without one
    )
    status = loop.GOING_ON
    while not news.stopped:
        limit = search.number[loop.SPENDING] + _SLICE
        room = data.room(len(x))
        status = data.kernel(setting, x, y, search, room, data.enough, limit, budget)
        if status == loop.SPENT:
            break
        if status == loop.GOING_ON:
            continue
        wrong, looked = np.empty((0, x.shape[1])), 0
        if not problem.is_exact:
            random = np.random.default_rng((seed, rounds))
            wrong, looked = wrong_points(
                problem, *_layers(problem, search.theta), random, float(TOLERANCE)
            )
            search.number[loop.SPENDING] += looked * data.n / setting.unit
        if not len(wrong):
            proofs += 1
            proved, error, at, work = _judged(data, search.theta, x, y)
            search.number[loop.SPENDING] += work / setting.unit
            if proved:
                break
            if at is None:
                undecided = search.theta.copy(), float(search.number[loop.LOSS])
                search.counts[loop.PHASE] = loop.NEW_START
                continue
            wrong = problem.point(at)[None]
        joined += len(wrong)
        rounds += 1
        x = np.concatenate([x, wrong * scale])
        y = np.concatenate([y, problem.values(wrong) * scale])
        search.number[loop.BEST] = math.inf  # losses before were of other data
        search.counts[loop.PHASE] = loop.NEW_START if rounds % ROUNDS == 0 else loop.DESCEND
    number, count = search.number, search.counts
    best, loss = search.theta, float(number[loop.LOSS])
    if not proved and undecided is not None:
        best, loss = undecided
    elif status != loop.FOUND and number[loop.BEST] < math.inf:
        best, loss = search.best, float(number[loop.BEST])
    weights, biases = _layers(problem, best)
    return Learned(
        weights=weights,
        biases=biases,
        proved=proved,
        error=error,
        loss=loss,
        cost=float(number[loop.SPENDING]),
        starts=int(count[loop.STARTS]) - problem.bias,
        descents=int(count[loop.DESCENTS]),
        steps=int(count[loop.ITERATIONS]),
        counterexamples=joined,
        proofs=proofs,
    )


def _judged(
    data: _Data, theta: Array, x: Array, y: Array
) -> tuple[bool, float, Array | None, float]:
    """What :func:`_proof` says of the network, or of a tidy one, put in its place; and the multiply-adds."""
    problem = data.problem
    if problem.is_exact:
        return *_proof(data.question, _network(problem, theta)), 0.0
    weights, biases = _layers(problem, theta)
    tidy, work = tidied(weights, biases, x, y, bias=problem.bias, enough=ENOUGH["points"])
    if tidy is not None:
        ws, bs = ([layer[None] for layer in part] for part in tidy)
        neat = to_chunks(ws, bs, 1, bias=problem.bias)
        proved, error, at = _proof(data.question, _network(problem, neat[0][:, 0]))
        if proved:
            theta[:] = neat[0][:, 0]
        is_wrong = at is not None and bool(
            errors_at(problem, weights, biases, problem.point(at)[None])[0] > 2 * TOLERANCE
        )
        if proved or is_wrong:
            return proved, error, at, work
    return *_proof(data.question, _network(problem, theta)), work


def _proof(question: Any, net: Network) -> tuple[bool, float, Array | None]:
    """Whether the network is proved, its worst error at most, and a counterexample where it is refuted.

    ``question`` is a :class:`circuitkit.proof.many.Question`; imports do not go from here to the prover.
    """
    from circuitkit.proof.verdict import Undecided

    try:
        proof = question.answer(net)
    except Undecided:
        return False, math.nan, None
    if proof.holds:
        return True, float(proof.error), None
    return False, math.nan, np.asarray(proof.counterexample, dtype=float)


def _layers(problem: Problem, theta: Array) -> tuple[list[Array], list[Array]]:
    weights, biases = from_chunks([theta[:, None]], 1, problem.sizes, bias=problem.bias)
    return [w[0] for w in weights], [b[0] for b in biases]


def _network(problem: Problem, theta: Array) -> Network:
    weights, biases = _layers(problem, theta)
    return Network(weights, biases if problem.bias else None)


def _trap(problem: Problem, found: Learned) -> str:
    """What the best network is, in the words of :mod:`circuitkit.training.outcomes`, within the domain."""
    if found.proofs and found.loss < ENOUGH["points"]:
        return f"its loss is gone, and it could not be proved within {PROOF_SECONDS:g} s"
    weights, biases = [w[None] for w in found.weights], [b[None] for b in found.biases]
    if problem.box is not None:
        # Traps are looked for on [-1, 1]^n: this is the network over the box, with inputs and outputs to scale.
        low, high = np.array(problem.box, dtype=float).T
        size = max(1.0, float(np.abs([low, high]).max()))
        low, high = low / size, high / size
        biases = [b / size for b in biases]
        biases[0] = biases[0] + weights[0] @ ((low + high) / 2)
        weights[0] = weights[0] * ((high - low) / 2)
    ways = ways_of_being_stuck(problem.target.n_inputs, weights, biases)
    if _is_affine(problem):
        del ways["affine"]  # as it should be
    named = next((f"its trap: {way}" for way, fits in ways.items() if fits[0]), None)
    return f"the best network stays at a loss of {found.loss:.2g}; {named or 'no trap that has a name'}"


def _is_affine(problem: Problem) -> bool:
    """Whether the target has no kink in the domain, as far as some points can tell."""
    points = problem.spread(512)
    values = problem.values(points)
    fit, *_ = np.linalg.lstsq(points, values, rcond=None)
    return bool(np.abs(points @ fit - values).max() < 1e-9)
