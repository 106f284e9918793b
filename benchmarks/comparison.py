"""What does a *proved* minimum cost? Ways of training compared, by one verdict and one unit of cost.

    python -m benchmarks.comparison                every row, as in the book (half an hour; resumes)
    python -m benchmarks.comparison 2-3-1          only this network
    python -m benchmarks.comparison --only noise   only methods whose name contains this
    python -m benchmarks.comparison --again        measure rows anew that the file has
    python -m benchmarks.comparison --share 0.01   a hundredth of the seeds, to see that all of it runs

A method is given a seed and a budget. It succeeds when its network is proved by ``ck.prove`` to be the minimum
within 1e-6 for all inputs; what it has spent counts in either case. The *expected cost* is what all seeds
spent together over the number of proved networks: what one proved network costs who keeps trying.

Cost is counted in full-batch gradients over 64 directions, by multiply-adds, everything included but proofs and
judging: a batch of 1,000 is 1000/64 gradients, a Levenberg-Marquardt step three to five. Every method has
its settings (rates, lengths, patience) chosen on seeds that its row does not use, by the least
expected cost at the lower end of the success rate's interval. All except ``ck.learn`` minimize the loss over the 64 directions; ``ck.learn`` takes it
exactly. CMA-ES needs the package ``cma`` (``benchmarks/requirements.txt``); without it its rows are left out.

The results are in ``chapters/data/comparison.json``; a row is written as soon as it is there.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.optimize import linprog, minimize

import circuitkit as ck
from benchmarks import descents
from circuitkit.progress import News
from circuitkit.training.learn import TOLERANCE, search_all
from circuitkit.training.outcomes import worst_errors
from circuitkit.training.points import BATCH, DIRECTIONS, population
from circuitkit.training.problem import Problem
from circuitkit.training.run import Rate
from circuitkit.training.start import INITS, initial
from scripts.arguments import positive

Array = NDArray[np.float64]
Settings = dict[str, Any]

RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "comparison.json"
#: what is measured beside the rows: no training, one programme
CONVEX = "convex programme"
TARGET = ck.target("min")
SHAPES = {"2-3-1": (2, 3, 1), "2-3-2-1": (2, 3, 2, 1)}
#: with spare units, to be pruned
WIDE = {(2, 3, 1): (2, 6, 1), (2, 3, 2, 1): (2, 6, 4, 1)}
#: seeds on which settings are chosen, and those of the rows
TUNING, TEST = 3_000_000, 2_000_000
BUDGET = 20_000.0
#: a loss that may be that of a network within the tolerance, and one that is none at all
PROMISING, GONE = 1e-13, 1e-20


# --- one seed ------------------------------------------------------------------------------------------


@dataclass
class Attempt:
    """One seed: its network, the points that it is trained on, and what has been spent on it."""

    seed: int
    shape: tuple[int, ...]
    spent: float = 0.0
    theta: Array = field(init=False)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng((self.seed, 1))
        points = population(TARGET, bias=False)
        self.x, self.y = points.x, points.y[:, 0]
        weights, _ = initial("torch", self.shape, [self.seed], bias=False)
        self.theta = np.concatenate([w.ravel() for w in weights])
        self.unit = DIRECTIONS * self.flops(self.shape)
        self.is_new = True

    @staticmethod
    def flops(shape: tuple[int, ...]) -> int:
        """Multiply-adds of a gradient at one point."""
        return 3 * sum(a * b for a, b in pairwise(shape)) - shape[0] * shape[1]

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.array(self.shape)

    @property
    def weights(self) -> list[Array]:
        ends = np.cumsum([0, *(a * b for a, b in pairwise(self.shape))])
        parts = [self.theta[a:b] for a, b in pairwise(ends)]
        return [p.reshape(n, -1) for p, n in zip(parts, self.shape[1:], strict=True)]

    @property
    def network(self) -> ck.Network:
        return ck.Network(self.weights)

    def gradients(self, count: float) -> None:
        """Count so many gradients over all points."""
        self.spent += count * len(self.x) * self.flops(self.shape) / self.unit

    def forwards(self, count: float) -> None:
        self.spent += count * len(self.x) * len(self.theta) / self.unit

    def follow(
        self, settings: Settings, enough: float, *, slope: float = 0.0, bends: int = 0
    ) -> int:
        """At most 2,000 steps of gradient descent, and ``bends`` more; how they ended."""
        made, _, how = descents.follow(
            self.theta, self.sizes, self.x, self.y, settings["rate"], 2000 + bends,
            settings["window"], 0.1, enough, slope, bends,
        )  # fmt: skip
        self.gradients(made)
        return how

    def start(self, *, sees: bool = False) -> None:
        """Draw all weights anew: as ``nn.Linear`` does, or large, and until no layer is off anywhere."""
        scale = math.sqrt(6) if sees else 1.0
        for _ in range(17 if sees else 1):
            parts = [
                self.random.uniform(-scale, scale, a * b) / math.sqrt(a)
                for a, b in pairwise(self.shape)
            ]
            self.theta = np.concatenate(parts)
            if not sees:
                break
            self.forwards(1)
            if not descents.blind(self.theta, self.sizes, self.x):
                break
        self.is_new = True

    def redraw(self, layer: int, unit: int, *, outgoing: float = 1.0) -> None:
        """Draw a hidden unit's incoming weights anew, and its outgoing ones ``outgoing`` times."""
        weights = self.weights
        n_in, n_out = self.shape[layer], self.shape[layer + 1]
        weights[layer][unit] = self.random.uniform(-1, 1, n_in) / math.sqrt(n_in)
        into = self.random.uniform(-1, 1, len(weights[layer + 1])) / math.sqrt(n_out)
        weights[layer + 1][:, unit] = outgoing * into
        self.theta = np.concatenate([w.ravel() for w in weights])

    def units(self) -> list[tuple[int, int]]:
        return [(layer, u) for layer, n in enumerate(self.shape[1:-1]) for u in range(n)]

    def usefulness(self) -> Array:
        """Of every hidden unit: its mean activation times the size of its outgoing weights."""
        active = descents.mean_activations(self.theta, self.sizes, self.x)
        self.forwards(1)
        out = [np.linalg.norm(w, axis=0) for w in self.weights[1:]]
        return active * np.concatenate(out)

    def error(self) -> float:
        if not np.isfinite(self.theta).all():
            return math.inf
        return float(worst_errors(TARGET, [w[None] for w in self.weights])[0])

    def is_close(self) -> bool:
        return self.error() <= float(TOLERANCE)


Method = Callable[[Attempt, Settings], bool]


# --- gradient descent, and what to do when it hardly moves -----------------------------------------------


def restart(a: Attempt, settings: Settings) -> None:
    a.start()


def recycle_least(a: Attempt, settings: Settings) -> None:
    """The unit that is of least use gets new weights."""
    a.redraw(*a.units()[int(a.usefulness().argmin())])


def recycle_random(a: Attempt, settings: Settings) -> None:
    units = a.units()
    a.redraw(*units[int(a.random.integers(len(units)))])


def redo(a: Attempt, settings: Settings) -> None:
    """ReDo (Sokar et al., 2023): units with a tenth of their layer's mean activation, or less, are recycled."""
    active = descents.mean_activations(a.theta, a.sizes, a.x)
    a.forwards(1)
    begin = 0
    for layer, width in enumerate(a.shape[1:-1]):
        score = active[begin : begin + width]
        for unit in np.flatnonzero(score <= 0.1 * score.mean()):
            a.redraw(layer, int(unit), outgoing=0.0)
        begin += width


def add_noise(a: Attempt, settings: Settings) -> None:
    a.theta = a.theta + settings["noise"] * a.random.standard_normal(len(a.theta))


def gradient_descent(
    a: Attempt, settings: Settings, when_slow: Callable[[Attempt, Settings], None]
) -> bool:
    """Steps of one size; every ``window`` of them that lowers the loss by less than a tenth is *slow*."""
    enough = PROMISING
    while a.spent < BUDGET:
        slope = settings.get("slope", 0.0) if a.is_new else 0.0
        bends = settings.get("bends", 0) if slope else 0
        a.is_new = False
        how = a.follow(settings, enough, slope=slope, bends=bends)
        if how == descents.GONE:
            if a.is_close():
                return True
            enough *= 0.1
            if enough > GONE:
                continue
            how = descents.SLOW  # right in all directions, and wrong between them
        if how == descents.SLOW:
            when_slow(a, settings)
            enough = PROMISING
            if not np.isfinite(a.theta).all():
                a.start()
    return False


def when_slow(action: Callable[[Attempt, Settings], None]) -> Method:
    return lambda a, settings: gradient_descent(a, settings, action)


def pruned(a: Attempt, settings: Settings) -> bool:
    """Spare units at first; when the loss is small or hardly falls, the least useful one goes, until none is spare."""
    goal = a.shape
    while a.spent < BUDGET:
        a.shape = WIDE[goal]
        a.start()
        while a.shape != goal and a.spent < BUDGET:
            how = a.follow(settings, 1e-8)
            if how == descents.MORE:
                continue
            if not np.isfinite(a.theta).all():
                break
            use = a.usefulness()
            spare = [a.shape[layer + 1] > goal[layer + 1] for layer, _ in a.units()]
            layer, unit = a.units()[int(np.where(spare, use, np.inf).argmin())]
            weights = a.weights
            weights[layer] = np.delete(weights[layer], unit, axis=0)
            weights[layer + 1] = np.delete(weights[layer + 1], unit, axis=1)
            a.theta = np.concatenate([w.ravel() for w in weights])
            a.shape = tuple(n - (i == layer + 1) for i, n in enumerate(a.shape))
        if a.shape != goal:
            continue
        # So many slow windows in a row, and it begins anew.
        gone = False
        enough = PROMISING
        while a.spent < BUDGET:
            how = a.follow(settings, enough)
            gone = how == descents.GONE and a.is_close()
            enough *= 0.1 if how == descents.GONE else 1.0
            if gone or how == descents.SLOW or enough < GONE:
                break
        if gone:
            return True
    a.shape = goal
    if len(a.theta) != sum(x * y for x, y in pairwise(goal)):
        a.start()
    return False


# --- quasi-Newton methods, and one without gradients -----------------------------------------------------


def quasi_newton(name: str) -> Method:
    """BFGS or L-BFGS of SciPy with restarts; left where ten iterations lower the loss by less than a share."""

    def run(a: Attempt, settings: Settings) -> bool:
        gradient = np.empty_like(a.theta)
        memory = 2 * len(a.theta) ** 2 if name == "BFGS" else 40 * len(a.theta)

        def loss(theta: Array) -> tuple[float, Array]:
            a.gradients(1)
            value = descents.loss_and_gradient(theta, a.sizes, a.x, a.y, 0.0, gradient)
            a.spent += memory / a.unit
            return value, gradient.copy()

        seen: list[float] = []

        def watch(intermediate_result: Any) -> None:
            seen.append(float(intermediate_result.fun))
            is_slow = len(seen) > 10 and seen[-1] > (1 - settings["fall"]) * seen[-11]
            if seen[-1] < 1e-17 or (is_slow and seen[-1] > 1e-12) or a.spent > BUDGET:
                raise StopIteration

        options = {"maxiter": 1000, "gtol": 1e-12}
        if name == "L-BFGS-B":
            options |= {"ftol": 0.0, "maxcor": 10}
        while a.spent < BUDGET:
            seen.clear()
            found = minimize(loss, a.theta, jac=True, method=name, callback=watch, options=options)
            a.theta = np.asarray(found.x)
            if found.fun < PROMISING and a.is_close():
                return True
            a.start()
        return False

    return run


def cma_es(a: Attempt, settings: Settings) -> bool:
    """CMA-ES (Hansen and Ostermeier, 2001) with restarts; it looks at the loss alone."""
    import cma

    while a.spent < BUDGET:
        options = {
            "seed": int(a.random.integers(1, 2**31)), "verbose": -9, "tolfun": 1e-17,
            "tolfunhist": 1e-17, "tolx": 1e-12,
        }  # fmt: skip
        evolution = cma.CMAEvolutionStrategy(a.theta, settings["sigma"], options)
        while not evolution.stop() and a.spent < BUDGET:
            candidates = evolution.ask()
            losses = [loss_at(a, theta) for theta in candidates]
            a.spent += len(candidates) * len(a.theta) ** 2 / a.unit  # drawing them
            evolution.tell(candidates, losses)
            if min(losses) < PROMISING:
                a.theta = candidates[int(np.argmin(losses))]
                if a.is_close():
                    return True
        a.start()
    return False


# --- the method, over points, and each of its parts taken away -------------------------------------------


def counterexample(a: Attempt) -> bool:
    """Whether the network is right; where the prover refutes it, its counterexample joins the points."""
    if a.is_close():
        return True  # by an exact computation in doubles; it is proved when it is counted
    proof = ck.prove(a.network, "min", tolerance=TOLERANCE)
    if proof.holds:
        return True
    point = np.array(proof.counterexample, dtype=float)
    point *= math.sqrt((a.x**2).sum(axis=1).mean()) / np.abs(point).max()
    a.x = np.concatenate([a.x, point[None]])
    a.y = np.append(a.y, TARGET(point))
    return False


def method(leave: bool = True, prover: bool = True, again: bool = True) -> Method:
    """Levenberg-Marquardt, given up early, from starts that see, with the prover in the loop.

    Args:
        leave: give up after two steps in a row that each lower the loss by less than a twentieth.
        prover: ask it, and go on from its counterexample; without, no loss is taken for success.
        again: start anew.
    """

    def run(a: Attempt, settings: Settings) -> bool:
        asked = 0
        while a.spent < BUDGET:
            damping, slow, loss = 0.1, 0, math.inf
            for _ in range(1000):
                p = len(a.theta)
                errors, jacobian = descents.errors_and_jacobian(a.theta, a.sizes, a.x, a.y, 0.0)
                a.gradients(1)
                a.spent += len(a.x) * (p * (p + 1) / 2 + p) / a.unit
                before = loss = float(errors @ errors)
                if loss < 1e-16:
                    if not prover or counterexample(a):
                        return a.is_close()
                    asked += 1
                    damping, slow = 0.1, 0
                    if asked % 8 == 0:
                        break
                    continue
                for _ in range(6):
                    matrix = jacobian.T @ jacobian + damping * np.eye(p)
                    trial = a.theta - np.linalg.solve(matrix, jacobian.T @ errors)
                    loss = loss_at(a, trial)
                    a.spent += (p**3 / 6 + p**2) / a.unit
                    if loss < before:
                        break
                    damping *= 4
                if not loss < before or a.spent > BUDGET:
                    break
                a.theta = trial
                damping = max(0.3 * damping, 1e-12)
                slow = slow + 1 if loss > 0.95 * before else 0
                if leave and slow == 2 and loss > 1e-16:
                    break
            if not again:
                return False
            a.start(sees=True)
        return False

    return run


def variable_projection(a: Attempt, settings: Settings) -> bool:
    """Golub and Pereyra's variable projection (1973), with Kaufman's Jacobian (1975); all else as in the method.

    The last layer's weights are no variables: they are always the least-squares fit to what the last hidden
    layer offers. Levenberg and Marquardt's steps move the other weights only.
    """
    q = a.shape[-2]
    asked = 0
    while a.spent < BUDGET:
        damping, slow = 0.1, 0
        errors, offered, slopes = projected(a, a.theta)
        for _ in range(1000):
            before = float(errors @ errors)
            if before < 1e-16:
                if counterexample(a):
                    return True
                asked += 1
                damping, slow = 0.1, 0
                if asked % 8 == 0:
                    break
                errors, offered, slopes = projected(a, a.theta)
                continue
            n, k = slopes.shape
            basis, _ = np.linalg.qr(offered)
            reduced = slopes - basis @ (basis.T @ slopes)
            a.gradients(1)
            a.spent += n * (q * q + 2 * q * k + k * (k + 1) / 2 + k) / a.unit
            for _ in range(6):
                trial = a.theta.copy()
                matrix = reduced.T @ reduced + damping * np.eye(k)
                trial[:k] -= np.linalg.solve(matrix, reduced.T @ errors)
                new = projected(a, trial)
                a.spent += (k**3 / 6 + k**2) / a.unit
                loss = float(new[0] @ new[0])
                if loss < before:
                    break
                damping *= 4
            if not loss < before or a.spent > BUDGET:
                break
            a.theta, (errors, offered, slopes) = trial, new
            damping = max(0.3 * damping, 1e-12)
            slow = slow + 1 if loss > 0.95 * before else 0
            if slow == 2 and loss > 1e-16:
                break
        a.start(sees=True)
    return False


def projected(a: Attempt, theta: Array) -> tuple[Array, Array, Array]:
    """Fit the last layer of ``theta``, in place: the errors, what that layer reads, the slopes by all other weights."""
    q = a.shape[-2]
    _, jacobian = descents.errors_and_jacobian(theta, a.sizes, a.x, a.y, 0.0)
    offered = jacobian[
        :, -q:
    ]  # the output is linear in the last layer: no need to know its weights
    theta[-q:] = np.linalg.lstsq(offered, a.y, rcond=1e-10)[0]
    errors, jacobian = descents.errors_and_jacobian(theta, a.sizes, a.x, a.y, 0.0)
    a.forwards(1)
    a.spent += len(a.x) * q * (q + 1) / a.unit
    return errors, offered, jacobian[:, :-q]


def alternating(a: Attempt, settings: Settings) -> bool:
    """Alternating least squares over activation patterns, from starts that see, with the prover in the loop.

    As long as no unit turns on or off at a data point the output is linear in each layer's weights for itself. So
    one layer after the other is set to the least-squares solution, for the patterns that there are; where
    others arise, so that the loss does not fall, it goes half the way, at most six times. A round of all layers
    that lowers the loss by less than a share is *slow*; after two of these in a row it starts anew.
    """
    ends = np.cumsum([0, *(m * n for m, n in pairwise(a.shape))])
    asked = 0
    while a.spent < BUDGET:
        slow, loss = 0, loss_at(a, a.theta)
        while slow < 2 and a.spent < BUDGET:
            if loss < 1e-16:
                if counterexample(a):
                    return True
                asked += 1
                if asked % 8 == 0:
                    break
                slow, loss = 0, loss_at(a, a.theta)
            before = loss
            for begin, end in pairwise(ends):
                loss = solved_layer(a, begin, end, loss)
            slow = slow + 1 if loss > (1 - settings["fall"]) * before else 0
        a.start(sees=True)
    return False


def solved_layer(a: Attempt, begin: int, end: int, before: float) -> float:
    """The parameters of one layer, where that lowers the loss, fitted by least squares; the loss."""
    k = int(end - begin)
    errors, jacobian = descents.errors_and_jacobian(a.theta, a.sizes, a.x, a.y, 0.0)
    a.gradients(1)
    step = np.linalg.lstsq(jacobian[:, begin:end], errors, rcond=1e-10)[0]
    a.spent += (len(a.x) * (k * (k + 1) / 2 + k) + k**3 / 6 + k**2) / a.unit
    for _ in range(7):
        trial = a.theta.copy()
        trial[begin:end] -= step
        loss = loss_at(a, trial)
        if loss < before:
            a.theta = trial
            return loss
        step /= 2
    return before


def convex(directions: int = 720) -> dict[str, Any]:
    """Pilanci and Ergen's convex programme (2020) for one hidden layer, at no loss over the 64 directions.

    Of all networks without a loss the one of the least norm, the sum of |in| |out| over its units: without
    biases that is a linear programme over the units' directions, of which so many are offered, evenly
    spread, and among them those where a unit turns on or off at a data point.
    """
    points = population(TARGET, bias=False)
    angle = np.arange(directions) * (2 * np.pi / directions)
    at = np.arctan2(points.x[:, 1], points.x[:, 0])
    angle = np.unique(np.concatenate([angle, at + np.pi / 2, at - np.pi / 2]) % (2 * np.pi))
    u = np.column_stack([np.cos(angle), np.sin(angle)])
    h = np.maximum(points.x @ u.T, 0)
    found = linprog(
        np.ones(2 * len(u)), A_eq=np.hstack([h, -h]), b_eq=points.y[:, 0], method="highs"
    )
    weights = found.x[: len(u)] - found.x[len(u) :]
    used = np.flatnonzero(np.abs(weights) > 1e-9)
    net = ck.Network([u[used], weights[None, used]])
    proof = ck.prove(net, "min", tolerance=TOLERANCE)
    circuit = ck.circuits.minimum()
    first, last = circuit.weights
    return {
        "units": len(used),
        "degrees": [round(float(d), 3) for d in np.degrees(angle[used])],
        "norm": float(np.abs(weights).sum()),
        "norm of the circuit": float((np.linalg.norm(first, axis=1) * np.abs(last[0])).sum()),
        "loss": float(((net(points.x) - points.y) ** 2).sum()),
        "proved": bool(proof),
        "error": float(proof.error),
    }


def loss_at(a: Attempt, theta: Array) -> float:
    a.forwards(1)
    return float(descents.loss(theta, a.sizes, a.x, a.y))


def without_curvature(a: Attempt, settings: Settings) -> bool:
    """Gradient descent in the place of Levenberg and Marquardt's steps; all else as in the method."""
    enough = PROMISING
    asked = 0
    while a.spent < BUDGET:
        how = a.follow(settings, enough)
        if how == descents.GONE:
            if a.is_close():
                return True
            enough *= 0.1
            if enough < GONE:
                asked += 1
                enough = PROMISING
                if counterexample(a):
                    return True
                how = descents.SLOW if asked % 8 == 0 else descents.MORE
        if how == descents.SLOW:
            a.start(sees=True)
    return False


# --- rows ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What became of some seeds: what each has spent, which network it gave, whether it says that it is done."""

    spent: Array
    networks: list[ck.Network]
    claimed: NDArray[np.bool_]
    is_proof: bool = False  # whether these claims are already ck.prove's


@dataclass(frozen=True)
class Row:
    """One method; ``grid``: the settings to choose from."""

    group: str
    name: str
    run: Callable[[tuple[int, ...], range, Settings], Outcome]
    grid: list[Settings]
    seeds: int = 100
    tuning: int = 25


def by_seed(run: Method) -> Callable[[tuple[int, ...], range, Settings], Outcome]:
    def all_seeds(shape: tuple[int, ...], seeds: range, settings: Settings) -> Outcome:
        attempts = [Attempt(seed, shape) for seed in seeds]
        claimed = np.array([run(a, settings) for a in attempts])
        finite = [np.isfinite(a.theta).all() for a in attempts]
        nets = [
            a.network if ok else ck.Network([np.zeros_like(w) for w in a.weights])
            for a, ok in zip(attempts, finite, strict=True)
        ]
        return Outcome(np.array([a.spent for a in attempts]), nets, claimed)

    return all_seeds


def fixed(**how: Any) -> Callable[[tuple[int, ...], range, Settings], Outcome]:
    """``ck.train`` for so many steps, whatever happens."""

    def all_seeds(shape: tuple[int, ...], seeds: range, settings: Settings) -> Outcome:
        run = ck.train(
            "min", shape[1:-1], seeds=seeds, dtype="float64", threads=1, progress=False, **how, **settings
        )  # fmt: skip
        step = BATCH / DIRECTIONS if how.get("data") == "batches" else 1.0
        with np.errstate(all="ignore"):
            errors = worst_errors(TARGET, run.weights)
        nets = [
            run.network(seed) if ok else ck.Network([np.zeros(w.shape[1:]) for w in run.weights])
            for seed, ok in zip(run.seeds, np.isfinite(errors), strict=True)
        ]
        return Outcome(np.full(len(seeds), step * run.steps), nets, errors <= float(TOLERANCE))

    return all_seeds


def learned(rescue: str) -> Callable[[tuple[int, ...], range, Settings], Outcome]:
    """The search of ``ck.learn``, whose loss is exact."""

    def all_seeds(shape: tuple[int, ...], seeds: range, settings: Settings) -> Outcome:
        problem = Problem(TARGET, shape, False)
        found = search_all(problem, seeds, rescue, BUDGET, news=News(), threads=1)
        nets = [ck.Network(f.weights) for f in found]
        return Outcome(
            np.array([f.cost for f in found]),
            nets,
            np.array([f.proved for f in found]),
            is_proof=True,
        )

    return all_seeds


def grid(**choices: list[Any]) -> list[Settings]:
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


RATES = [1.0, 0.5, 0.2, 0.1, 0.03, 0.01]
LENGTHS = [1000, 4000, 16_000]
#: of gradient descent with something to do when it is slow
SLOW = {"rate": [0.5, 1.0], "window": [50, 100]}


def rows() -> Iterator[Row]:
    """Every method of the comparison."""
    plain = "one start, fixed length"
    yield Row(
        plain, "the deck's loop: batches of 1,000, rate 0.1",
        fixed(data="batches", learning_rate=0.1), [{"steps": 16_000}],
    )  # fmt: skip
    yield Row(
        plain, "gradient descent, rate 0.1", fixed(learning_rate=0.1), [{"steps": 16_000}], 200
    )  # fmt: skip
    for name in ("sgd", "momentum", "adam", "rmsprop", "rprop"):
        schedules = ["constant"] if name in ("sgd", "momentum", "rprop") else ["constant", "linear"]
        rates = RATES[:3] if name in ("sgd", "momentum") else RATES[3:]
        rates = [0.1, 0.01] if name == "rprop" else rates  # of the first step alone
        # Its steps are never shorter than an option says, by default than the tolerance.
        more = {"options": {"smallest": 1e-12}} if name == "rprop" else {}
        yield Row(
            plain, {"sgd": "gradient descent, best rate"}.get(name, name),
            fixed(optimizer=name, **more), grid(learning_rate=rates, schedule=schedules, steps=LENGTHS), 300, 100,
        )  # fmt: skip
    for init in INITS:
        if init not in ("torch", "zero-bias"):  # without biases the same
            yield Row(
                "one start, other initial weights", init, fixed(init=init),
                grid(learning_rate=[0.5], steps=LENGTHS), 200, 60,
            )  # fmt: skip
    repair = "gradient descent with repairs"
    yield Row(repair, "start anew", by_seed(when_slow(restart)), grid(**SLOW))
    yield Row(
        repair, "recycle the least useful unit", by_seed(when_slow(recycle_least)), grid(**SLOW)
    )
    yield Row(repair, "recycle a random unit", by_seed(when_slow(recycle_random)), grid(**SLOW))
    yield Row(repair, "ReDo", by_seed(when_slow(redo)), grid(**SLOW))
    yield Row(
        repair, "noise on all weights", by_seed(when_slow(add_noise)),
        grid(rate=[0.5], window=[50], noise=[0.1, 0.3]),
    )  # fmt: skip
    yield Row(
        repair, "leaky units at first, start anew", by_seed(when_slow(restart)),
        grid(rate=[0.5], window=[50, 100], slope=[0.1, 0.5], bends=[100]),
    )  # fmt: skip
    yield Row(repair, "spare units, pruned", by_seed(pruned), grid(rate=[0.5], window=[50, 100]))
    others = "other methods, starting anew"
    yield Row(
        others, "L-BFGS (SciPy)", by_seed(quasi_newton("L-BFGS-B")), grid(fall=[0.05, 0.2, 0.5])
    )
    yield Row(others, "BFGS (SciPy)", by_seed(quasi_newton("BFGS")), grid(fall=[0.05, 0.2, 0.5]))
    yield Row(others, "variable projection", by_seed(variable_projection), [{}])
    yield Row(
        others, "alternating least squares", by_seed(alternating), grid(fall=[0.5, 0.2, 0.05])
    )
    if importlib.util.find_spec("cma"):
        yield Row(others, "CMA-ES", by_seed(cma_es), grid(sigma=[0.3, 1.0]), 20, 2)
    whole = "the method, over 64 directions"
    yield Row(whole, "all parts", by_seed(method()), [{}])
    yield Row(
        whole, "without curvature", by_seed(without_curvature), grid(rate=[0.5], window=[50, 100])
    )
    yield Row(whole, "without giving up early", by_seed(method(leave=False)), [{}])
    yield Row(whole, "without the prover", by_seed(method(prover=False)), [{}])
    yield Row(
        whole, "curvature alone",
        by_seed(method(leave=False, prover=False, again=False)), [{}],
    )  # fmt: skip
    exact = "ck.learn: the loss exact"
    yield Row(exact, "redraw units", learned("redraw"), [{}], 500)
    yield Row(exact, "start anew", learned("restart"), [{}], 500)


def expected(spent: Array, proved: NDArray[np.bool_]) -> float:
    return float(spent.sum() / proved.sum()) if proved.any() else math.inf


def interval(spent: Array, proved: NDArray[np.bool_]) -> tuple[float, float | None]:
    """95 % of the expected cost, over seeds drawn again; without a success, the rule of three's lower end."""
    if not proved.any():
        return float(spent.sum() / 3), None
    draws = np.random.default_rng(0).integers(len(spent), size=(2000, len(spent)))
    with np.errstate(divide="ignore"):
        costs = spent[draws].sum(axis=1) / proved[draws].sum(axis=1)
    low, high = np.quantile(costs, [0.025, 0.975])
    return float(low), float(high) if math.isfinite(high) else None


def measure(row: Row, shape: tuple[int, ...]) -> dict[str, Any]:
    """The row of one network: its settings chosen, then measured on other seeds."""
    chosen, tried = row.grid[0], []
    if len(row.grid) > 1:
        for settings in row.grid:
            outcome = row.run(shape, range(TUNING, TUNING + row.tuning), settings)
            # At the lower end of the rate's interval: one lucky seed of many chooses nothing.
            chance = Rate(int(outcome.claimed.sum()), row.tuning).low
            mean = float(outcome.spent.mean())
            tried.append((mean / chance if chance > 0 else math.inf, settings))
        chosen = min(tried, key=lambda each: each[0])[1]
    outcome = row.run(shape, range(TEST, TEST + row.seeds), chosen)
    proved = np.array(
        [
            bool(claimed and (outcome.is_proof or ck.prove(net, "min", tolerance=TOLERANCE)))
            for net, claimed in zip(outcome.networks, outcome.claimed, strict=True)
        ]
    )
    rate = Rate(int(proved.sum()), len(proved))
    low, high = interval(outcome.spent, proved)
    cost = expected(outcome.spent, proved)
    return {
        "group": row.group,
        "settings": chosen,
        "settings tried": len(row.grid),
        "seeds": row.seeds,
        "first seed": TEST,
        "proved": int(proved.sum()),
        "rate": float(rate),
        "rate low": rate.low,
        "rate high": rate.high,
        "spent a seed": round(float(outcome.spent.mean()), 2),
        "spent at most": round(float(outcome.spent.max()), 2),
        "expected cost": round(cost, 2) if math.isfinite(cost) else None,
        "low": round(low, 2),
        "high": None if high is None else round(high, 2),
    }


def main() -> None:
    """Measure what is not in the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("shapes", nargs="*", help=f"any of {', '.join(SHAPES)}; all by default")
    parser.add_argument(
        "--only", default="", help="methods whose group or name contains this, or one of these: a|b"
    )
    parser.add_argument("--again", action="store_true", help="measure what the file has, too")
    parser.add_argument(
        "--share", type=positive(1), default=1.0, help="share of the seeds; below 1 nothing is kept"
    )
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.shapes if name not in SHAPES]:
        parser.error(f"unknown network {unknown[0]!r}; expected any of {', '.join(SHAPES)}")
    titles = [f"{row.group}: {row.name}" for row in rows()]
    asked = arguments.only.split("|")
    if not any(part in title for part in asked for title in [*titles, CONVEX]):
        parser.error(
            f"argument --only: expected a part of any of {', '.join([*titles, CONVEX])}; "
            f"got {arguments.only!r}"
        )
    is_kept = arguments.share >= 1.0
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() and is_kept else {}
    for row, name in product(rows(), arguments.shapes or SHAPES):
        title = f"{row.group}: {row.name}"
        if not any(part in title for part in asked) or (
            title in known.get(name, {}) and not arguments.again
        ):
            continue
        seeds, tuning = (max(1, round(n * arguments.share)) for n in (row.seeds, row.tuning))
        result = measure(replace(row, seeds=seeds, tuning=tuning), SHAPES[name])
        print(f"{name}, {title}: {result}", flush=True)
        if not is_kept:
            continue
        known.setdefault(name, {})[title] = result
        known[name] = {each: known[name][each] for each in titles if each in known[name]}
        known["budget"], known["tolerance"] = BUDGET, float(TOLERANCE)
        known["software"] = {
            "python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
        }  # fmt: skip
        RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    if any(part in CONVEX for part in asked) and (CONVEX not in known or arguments.again):
        known[CONVEX] = convex()
        print(f"{CONVEX}: {known[CONVEX]}")
        if is_kept:
            RESULTS.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
