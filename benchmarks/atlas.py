"""An atlas of stuck minima: which shelf of the loss, what a network there computes, and whether there is a way down.

    python -m benchmarks.atlas                 both networks, as in the book (a quarter of an hour)
    python -m benchmarks.atlas 2-3-1           only this one
    python -m benchmarks.atlas --share 0.01    a hundredth of the seeds, printed and not kept

Every seed is trained by gradient descent on the loss over 64 directions (``ck.train``), from so many seeds
that 10,000 networks of each kind are stuck. Each of these goes on with the *exact* loss, first by gradient descent, then by
Levenberg and Marquardt's steps, until it rests. Shelves are heights of that loss.

On a shelf whose function is known in closed form the height is computed in rational numbers. Whether a network
rests in a local minimum is decided as follows, in this order:

- *on its way*: on the way to rest the exact loss falls to nothing; this network was slow, and not stuck;
- *still moving*: it falls by more than a hundredth on the way to rest, or does not rest;
- *minimum, by argument*: all units of the last hidden layer that are on anywhere have output weights of one
  sign, all others are off by their signs alone, and the loss is that of the best function of that sign:
  no network nearby has a function of the other sign, so none has a smaller loss;
- *saddle*: the matrix of second derivatives of the exact loss has a negative eigenvalue;
- *minimum, to second order*: it has none. Then some are kicked at random, and go on: how many fall lower?

The results are in ``chapters/data/atlas.json``.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

import circuitkit as ck
from circuitkit.training import compiled_search as search
from circuitkit.training.learn import _Data
from circuitkit.training.problem import Problem
from circuitkit.training.run import Rate, TrainingRun
from scripts.arguments import positive

Array = NDArray[np.float64]

RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "atlas.json"
#: network -> hidden widths, seeds at a time, steps of training
NETWORKS = {"2-3-1": ((3,), 23_000, 3000), "2-3-2-1": ((3, 2), 13_400, 5000)}
#: as the seeds of the book's other tables, none of which chose anything
FIRST = 1_000_000
RATE = 0.5
#: steps of gradient descent on the exact loss, and of Levenberg and Marquardt after that
DOWN, REST = 200, 400
#: what is one height: relative to it
SAME = 2e-4
#: an eigenvalue below this, relative to the largest, is negative
NEGATIVE = -1e-5
#: networks of a shelf that are kicked, how often each, and how hard
KICKED, KICKS, KICK = 20, 4, 1e-2


# --- heights in rational numbers -------------------------------------------------------------------------

Function = Callable[[Fraction, Fraction], Fraction]
ZERO = Fraction(0)

#: functions of shelves with kinks on the axes and diagonals only: name -> function
CLOSED: dict[str, Function] = {
    "0": lambda x1, x2: ZERO,
    "relu(min(x1, x2))": lambda x1, x2: max(min(x1, x2), ZERO),
    "min(x1, x2, 0)": lambda x1, x2: min(x1, x2, ZERO),
    "relu(x1 + x2)/4": lambda x1, x2: max(x1 + x2, ZERO) / 4,
    "(x1 + x2)/2": lambda x1, x2: (x1 + x2) / 2,
}


def exact_loss(f: Function) -> Fraction:
    """E (f - min)^2 for inputs uniform on the square, of a homogeneous f with kinks on axes and diagonals.

    Along half a side of the square f - min is linear, so Simpson's rule gives its square's integral exactly.

    Example:
        >>> exact_loss(CLOSED["min(x1, x2, 0)"])
        Fraction(1, 24)
    """
    total = ZERO
    for side in range(4):
        for a, b in ((-1, 0), (0, 1)):
            values = []
            for t in (Fraction(a), Fraction(a + b, 2), Fraction(b)):
                x1, x2 = ((t, 1), (t, -1), (1, t), (-1, t))[side]
                values.append((f(Fraction(x1), Fraction(x2)) - min(x1, x2)) ** 2)
            total += (values[0] + 4 * values[1] + values[2]) / 6
    return total / 16


@dataclass(frozen=True)
class Root:
    """A height of arrows that lean by t off the axes, where t is a root: the loss is rational in t.

    Attributes:
        function: in words, with a factor k > 0 that is the best one.
        equation: coefficients of the polynomial whose root between 0 and 1 is t.
        above, below: those of the loss, ``above / below``.
    """

    function: str
    equation: tuple[int, ...]
    above: tuple[int, ...]
    below: tuple[int, ...]

    @property
    def t(self) -> float:
        roots = np.roots(self.equation)
        return float(next(r.real for r in roots if abs(r.imag) < 1e-9 and 0 < r.real < 1))

    @property
    def loss(self) -> float:
        return float(np.polyval(self.above, self.t) / np.polyval(self.below, self.t))

    @property
    def formula(self) -> str:
        def said(coefficients: tuple[int, ...]) -> str:
            n = len(coefficients) - 1
            terms = [f"{c:+d} t^{n - i}" for i, c in enumerate(coefficients) if c]
            return " ".join(terms).removesuffix(" t^0")

        return f"({said(self.above)}) / ({said(self.below)}), {said(self.equation)} = 0"


#: the loss of such functions is 1/3 - (E min f)^2 / E f^2, whose derivative by t has the equation as a factor
ROOTS = [
    Root(
        "-k (relu(t x2 - x1) + relu(t x1 - x2))",
        (1, 3, -25, 5),
        (1, -6, 47, -52, -337, 154, -63),
        (96, 0, -14 * 96, 8 * 96, -11 * 96),
    ),
    Root(
        "-k relu(-t x1 - x2), or with the inputs exchanged",
        (2, 5, 8, -3),
        (-1, -6, -15, -52, 401, -102, 223),
        (1536, 0, 1536),
    ),
]


# --- the exact loss, compiled ----------------------------------------------------------------------------


@numba.njit
def _descend(theta, setting, x, y, room, number, rate, steps):  # type: ignore[no-untyped-def]
    loss = np.inf
    for _ in range(steps):
        loss = search._loss(theta, setting, x, y, room, number)
        search._equations(theta, setting, x, y, room, number)
        for k in range(len(theta)):
            theta[k] -= 2 * rate * room.vector[k]
    return loss


@numba.njit
def _rest(theta, setting, x, y, room, number, steps):  # type: ignore[no-untyped-def]
    damping = 1.0
    for _ in range(steps):
        loss = search._loss(theta, setting, x, y, room, number)
        search._equations(theta, setting, x, y, room, number)
        lower = loss
        for _ in range(12):
            if search._solve(room, damping):
                for k in range(len(theta)):
                    room.trial[k] = theta[k] - room.step[k]
                lower = search._loss(room.trial, setting, x, y, room, number)
                if lower < loss:
                    break
            damping *= 4
        if not lower < loss:
            return
        for k in range(len(theta)):
            theta[k] = room.trial[k]
        damping = max(0.5 * damping, 1e-4)


@numba.njit
def _gradient(theta, setting, x, y, room, number, out):  # type: ignore[no-untyped-def]
    loss = search._loss(theta, setting, x, y, room, number)
    search._equations(theta, setting, x, y, room, number)
    for k in range(len(theta)):
        out[k] = 2 * room.vector[k]
    return loss


class Landscape:
    """The exact loss of one network, for one seed at a time."""

    def __init__(self, hidden: tuple[int, ...]) -> None:
        self.problem = Problem(ck.target("min"), (2, *hidden, 1), False)
        data = _Data(self.problem, "redraw")
        x, y = (np.ascontiguousarray(a) for a in self.problem.points)
        self.fixed = (data.setting, x, y, data.room(0), np.zeros(5))
        self.n = data.n

    def descend(self, theta: Array, steps: int) -> float:
        return float(_descend(theta, *self.fixed, RATE, steps))

    def rest(self, theta: Array) -> None:
        _rest(theta, *self.fixed, REST)

    def gradient(self, theta: Array) -> tuple[float, Array]:
        out = np.empty(self.n)
        return float(_gradient(theta, *self.fixed, out)), out

    def curvature(self, theta: Array, step: float = 1e-5) -> Array:
        """The eigenvalues of the second derivatives, from differences of the exact gradient."""
        matrix = np.empty((self.n, self.n))
        for k in range(self.n):
            up, down = theta.copy(), theta.copy()
            up[k] += step
            down[k] -= step
            matrix[k] = (self.gradient(up)[1] - self.gradient(down)[1]) / (2 * step)
        return np.linalg.eigvalsh((matrix + matrix.T) / 2)


# --- one network -----------------------------------------------------------------------------------------


@dataclass
class Stuck:
    """One stuck network at rest."""

    seed: int
    theta: Array
    trained: float  # the exact loss after training
    loss: float  # at rest
    slope: float  # the gradient's length at rest
    kind: str = ""


def layers(theta: Array, sizes: tuple[int, ...]) -> list[Array]:
    weights, begin = [], 0
    for n_in, n_out in pairwise(sizes):
        weights.append(theta[begin : begin + n_in * n_out].reshape(n_out, n_in))
        begin += n_in * n_out
    return weights


#: directions that tell whether a unit is on anywhere
_ANGLES = 2 * np.pi * (np.arange(3600) + 0.5) / 3600
_AROUND = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])


def one_sign(weights: list[Array]) -> int:
    """The sign that the function can have, here and nearby: 1, -1, 0 for none, 2 for both or not known.

    A unit of the last hidden layer is off here and nearby where all its incoming weights from units that are on
    somewhere are negative. It is counted as off then, and as on otherwise.
    """
    h = _AROUND
    off = np.zeros(2, dtype=bool)  # of the layer before: inputs are on
    for w in weights[:-1]:
        z = w @ h
        # Off by signs alone: no unit that feeds it is on with a weight that is not clearly negative.
        now = np.array([bool((row[~off] < -1e-6).all()) for row in w])
        if h is _AROUND:
            now = np.zeros(len(w), dtype=bool)  # an arrow is always on somewhere
        off, h = now, np.maximum(z, 0)
    out = weights[-1][0][~off]
    if not len(out):
        return 0
    return int(np.sign(out[0])) if (np.sign(out) == np.sign(out[0])).all() else 2


def classified(land: Landscape, stuck: Stuck, bounds: dict[int, float]) -> str:
    """What keeps the network where it is."""
    if stuck.slope > 1e-6 or stuck.loss < (1 - 1e-2) * stuck.trained:
        return "still moving"
    sign = one_sign(layers(stuck.theta, land.problem.sizes))
    if sign in bounds and stuck.loss < bounds[sign] * (1 + 1e-6):
        return "minimum, by argument"
    values = land.curvature(stuck.theta)
    if values[0] < NEGATIVE * values[-1]:
        return "saddle"
    return "minimum, to second order"


def kicked(land: Landscape, stuck: Stuck) -> bool:
    """Whether one of some small random changes leads lower."""
    random = np.random.default_rng((stuck.seed, 2))
    for _ in range(KICKS):
        theta = stuck.theta + KICK * random.standard_normal(land.n)
        land.descend(theta, 2 * DOWN)
        land.rest(theta)
        if land.gradient(theta)[0] < (1 - 1e-2) * stuck.loss:
            return True
    return False


# --- shelves ---------------------------------------------------------------------------------------------


def shelves(losses: Array) -> list[Array]:
    """Groups of equal heights, the most crowded first."""
    order = np.argsort(losses, kind="stable")
    groups: list[list[int]] = []
    for i in order:
        if groups and losses[i] <= losses[groups[-1][0]] * (1 + SAME) + 1e-12:
            groups[-1].append(int(i))
        else:
            groups.append([int(i)])
    return sorted((np.array(g) for g in groups), key=lambda g: (-len(g), losses[g[0]]))


def closed_form(theta: Array, sizes: tuple[int, ...]) -> str | None:
    """The function in words, where it is one of those of :data:`CLOSED`, everywhere to within 1e-3."""
    values = ck.Network(layers(theta, sizes))(_AROUND.T)[:, 0]
    for name, f in CLOSED.items():
        known = np.array([float(f(Fraction(a), Fraction(b))) for a, b in _AROUND.T[::10]])
        if np.abs(values[::10] - known).max() < 1e-3:
            return name
    return None


def arrows(theta: Array, sizes: tuple[int, ...]) -> list[list[float]]:
    """Of a network with one hidden layer: angle in degrees and strength of its distinct units, by angle."""
    w, v = layers(theta, sizes)
    size = np.linalg.norm(w, axis=1)
    found: list[list[float]] = []
    for angle, strength in sorted(
        zip(np.degrees(np.arctan2(w[:, 1], w[:, 0])) % 360, v[0] * size, strict=True)
    ):
        if found and abs(angle - found[-1][0]) < 0.5:
            found[-1][1] += strength  # a copy
        elif abs(strength) > 1e-4:
            found.append([float(angle), float(strength)])
    return [[round(a, 4), round(s, 6)] for a, s in found]


def signs(run: TrainingRun) -> NDArray[np.str_]:
    """Of every seed's output weights at the start."""
    plus = (run.weights[-1][:, 0] > 0).sum(axis=1)
    many = run.weights[-1].shape[2]
    return np.where(plus == many, "all positive", np.where(plus == 0, "all negative", "mixed"))


def survey(name: str, share: float) -> dict[str, Any]:
    """Train, bring to rest, sort by height, and decide."""
    hidden, count, steps = NETWORKS[name]
    count = max(40, round(count * share))
    run = ck.train(
        "min", hidden, seeds=range(FIRST, FIRST + count), steps=steps, learning_rate=RATE, dtype="float64",
        threads=1, progress=False,
    )  # fmt: skip
    start = signs(
        ck.train("min", hidden, seeds=run.seeds, steps=0, dtype="float64", progress=False)
    )
    land = Landscape(hidden)
    sizes = land.problem.sizes
    # Those that are right in all directions and wrong between them are counted apart.
    by_heart = ~run.solved & (run.loss < 1e-9)
    found, on_its_way = [], 0
    for s in np.flatnonzero(~run.solved & ~by_heart):
        theta = np.concatenate([w[s].ravel() for w in run.weights])
        trained = land.gradient(theta)[0]
        land.descend(theta, DOWN)
        land.rest(theta)
        loss, gradient = land.gradient(theta)
        if loss < 1e-12:
            on_its_way += 1
            continue
        found.append(Stuck(int(s), theta, trained, loss, float(np.linalg.norm(gradient))))
    heights = {closed: exact_loss(f) for closed, f in CLOSED.items()}
    bounds = {
        0: 1 / 3,
        1: float(heights["relu(min(x1, x2))"]),
        -1: float(heights["min(x1, x2, 0)"]),
    }
    for each in found:
        each.kind = classified(land, each, bounds)
    table = []
    losses = np.array([each.loss for each in found])
    for group in shelves(losses):
        here = [found[i] for i in group]
        kinds = Counter(each.kind for each in here)
        rate = Rate(len(here), len(found))
        function = closed_form(here[len(here) // 2].theta, sizes)
        row: dict[str, Any] = {
            "loss": float(np.median(losses[group])),
            "networks": len(here),
            "share": float(rate),
            "low": rate.low,
            "high": rate.high,
            "kinds": dict(sorted(kinds.items())),
            "function": function,
            "exact loss": None if function is None else str(heights[function]),
            "start": dict(sorted(Counter(str(start[each.seed]) for each in here).items())),
            "example seed": int(run.seeds[here[0].seed]),
        }
        for root in ROOTS:
            if abs(row["loss"] - root.loss) < 1e-9:
                row["function"], row["exact loss"] = root.function, root.formula
        if len(sizes) == 3:
            row["arrows"] = arrows(here[0].theta, sizes)
        second = [each for each in here if each.kind == "minimum, to second order"][:KICKED]
        row["kicked"], row["fell"] = len(second), sum(kicked(land, each) for each in second)
        table.append(row)
    common = [row for row in table if row["networks"] >= 10]
    return {
        "seeds": count,
        "first seed": FIRST,
        "steps": steps,
        "solved": int(run.solved.sum()),
        "by heart": int(by_heart.sum()),
        "on their way": on_its_way,
        "stuck": len(found),
        "kinds": dict(sorted(Counter(each.kind for each in found).items())),
        "start": dict(sorted(Counter(map(str, start)).items())),
        "solved by start": dict(sorted(Counter(map(str, start[run.solved])).items())),
        "shelves": common,
        "on other heights": len(found) - sum(row["networks"] for row in common),
    }


def main() -> None:
    """Survey the networks that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(NETWORKS)}; all by default")
    parser.add_argument("--share", type=positive(1), default=1.0, help="share of the seeds to run")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in NETWORKS]:
        parser.error(f"unknown network {unknown[0]!r}; expected any of {', '.join(NETWORKS)}")
    for name in arguments.names or NETWORKS:
        result = survey(name, arguments.share)
        print(name, json.dumps(result, indent=1), flush=True)
        if arguments.share >= 1.0:
            known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            known[name] = result
            known["software"] = {
                "python": platform.python_version(), "numpy": np.__version__, "numba": numba.__version__,
            }  # fmt: skip
            RESULTS.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
