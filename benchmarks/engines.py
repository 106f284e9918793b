"""Exact worst errors with proof beside other engines, in one run: Marabou, HiGHS as a MILP solver, linear regions.

    pip install maraboupy        optional; without it its column stays empty
    python -m benchmarks.engines                 everything (about half an hour)
    python -m benchmarks.engines --limit 20      seconds of processor for each engine on each row
    python -m benchmarks.engines --only random   rows whose name contains this

Every engine runs in a process of its own and is stopped at the limit; times are seconds of processor of that
process, without its start. All engines get the same rows, after the checker's rewriting, which helps them too.

- *exact*: the exact worst error with its certificate, and what :mod:`circuitkit.check` then needs for it;
- *decided*: whether the error is within 1.05 times the worst one, with certificate, unchecked;
- *regions*: every linear region, in exact integers (:mod:`circuitkit.exact.regions`), without a certificate;
- *milp*: the worst error by HiGHS, one binary a gate, in floats; *marabou*: the same question as *decided*.

The results go to ``chapters/data/engines.json``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import highspy
import numpy as np

import circuitkit as ck
from benchmarks import properties
from circuitkit.check import Problem, pose, verify
from circuitkit.exact import regions
from circuitkit.functions.target import target as as_target
from circuitkit.proof import rationals
from circuitkit.proof.floats import Floats
from circuitkit.proof.relaxation import silent
from circuitkit.proof.search import OutOfTime, search
from scripts.arguments import positive

RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "engines.json"
TRAINED = Path(__file__).parents[1] / ".cache" / "benchmarks"

Box = list[tuple[Any, Any]]


@dataclass(frozen=True)
class Question:
    """A network, a target and a box; ``limit`` where only a yes or no is asked."""

    name: str
    network: ck.Network
    target: str
    box: Box | None
    limit: Fraction | None = None

    def posed(self, tolerance: Fraction = Fraction(1)) -> dict[str, Any]:
        """The claim, as a certificate states it."""
        ends = None
        if self.box is not None:
            ends = {"box": [[str(Fraction(low)), str(Fraction(high))] for low, high in self.box]}
        posed: dict[str, Any] = {"measure": "relative", "domain": ends, "tolerance": str(tolerance)}
        if self.limit is not None:
            posed |= {"tolerance": "0", "margins": [str(-self.limit)]}
        return posed

    def problem(self) -> Problem:
        """The rows that every engine gets."""
        return pose(self.posed(), self.network, self.target)


# --- processes -----------------------------------------------------------------------------------------


def alone(work: Callable[..., dict[str, Any]], *arguments: Any, limit: float) -> dict[str, Any]:
    """What ``work`` returns, run in a process of its own; ``{"stopped": limit}`` past the limit."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=_run, args=(sender, work, arguments, limit)
    )
    process.start()
    sender.close()
    try:
        found = receiver.recv() if receiver.poll(20 * limit) else None
    except EOFError:
        found = None
    process.kill()
    process.join()
    return {"stopped": limit} if found is None else found


def _run(sender: Any, work: Callable[..., dict[str, Any]], arguments: Any, limit: float) -> None:
    seconds = int(time.process_time() + limit) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    sender.send(work(*arguments))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processor, the least of three where that is quick, and what came out."""
    least, found = np.inf, None
    for _ in range(3):
        start = time.process_time()
        found = work()
        least = min(least, time.process_time() - start)
        if least > 0.5:
            break
    return float(least), found


# --- the engines ---------------------------------------------------------------------------------------


def ours(question: Question, limit: Fraction | None, seconds: float) -> dict[str, Any]:
    """The worst error or the decision, with certificate; what the check takes."""

    def find() -> Any:
        return search(question.problem(), limit=limit, deadline=time.monotonic() + 10 * seconds)

    try:
        took, found = timed(find)
    except OutOfTime as late:
        return {"open": [float(late.lower), float(late.upper)]}
    made: dict[str, Any] = {"seconds": took, "proved": found.tree is not None}
    if limit is None:
        made["error"] = str(found.worst)
    if found.tree is not None:
        tolerance = found.worst if limit is None else limit
        certificate = {**question.posed(max(tolerance, Fraction(0))), "tree": found.tree}
        made["bytes"] = len(json.dumps(certificate, separators=(",", ":")))
        made["check"], _ = timed(lambda: verify(certificate, question.network, question.target))
    return made


def by_regions(question: Question) -> dict[str, Any]:
    """The worst error over all linear regions."""

    def find() -> Any:
        made = regions.program(question.network, as_target(question.target), homogeneous=False)
        box = question.box and [(Fraction(low), Fraction(high)) for low, high in question.box]
        cone = regions.domain_cone(question.network.n_inputs, homogeneous=False, box=box)
        return regions.worst_difference(made, cone, homogeneous=False)

    took, worst = timed(find)
    return {"seconds": took, "error": str(worst.error), "regions": worst.n_regions}


def _bounds(problem: Problem) -> tuple[Floats, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    box = problem.program.box
    floats = Floats(problem.program.gates, len(box))
    low = rationals.floats([a for a, _ in box])
    high = rationals.floats([b for _, b in box])
    down, up, _ = floats.bounds(low[None], high[None])
    return floats, low, high, down[0], up[0]


def by_milp(question: Question) -> dict[str, Any]:
    """The worst error by HiGHS: a binary a gate, its bounds as big-M."""

    def find() -> float:
        problem = question.problem()
        floats, low, high, down, up = _bounds(problem)
        w, k = len(low), len(floats)
        solver = silent()
        for name, value in (("threads", 1), ("mip_rel_gap", 1e-9), ("mip_abs_gap", 1e-9)):
            solver.setOptionValue(name, value)
        for a, b in zip(low, high, strict=True):
            solver.addVar(a, b)
        for u in up:
            solver.addVar(0.0, max(u, 0.0))
        for i in range(k):
            solver.addVar(0.0, 1.0)
            solver.changeColIntegrality(w + k + i, highspy.HighsVarType.kInteger)
        for i in range(k):
            z = {int(j): -float(floats.matrix[i, j]) for j in np.flatnonzero(floats.matrix[i])}
            y, on = w + i, w + k + i
            lines = [
                ({**z, y: 1.0}, 0.0, highspy.kHighsInf),
                ({**z, y: 1.0, on: -min(down[i], 0.0)}, -highspy.kHighsInf, -min(down[i], 0.0)),
                ({y: 1.0, on: -max(up[i], 0.0)}, -highspy.kHighsInf, 0.0),
            ]
            for line, lower, upper in lines:
                columns = np.array(list(line), dtype=np.int32)
                solver.addRow(lower, upper, len(line), columns, np.array(list(line.values())))
        worst = 0.0
        for row in floats.dense([c.row for c in problem.claims]):
            costs = np.zeros(w + 2 * k)
            costs[: w + k] = row
            solver.changeColsCost(w + 2 * k, np.arange(w + 2 * k, dtype=np.int32), costs)
            solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
            solver.run()
            worst = max(worst, solver.getInfo().objective_function_value)
        return worst

    took, worst = timed(find)
    return {"seconds": took, "error": worst}


def by_marabou(question: Question, limit: Fraction, seconds: float) -> dict[str, Any]:
    """Is there a point where some claim is above the limit? One query a claim."""
    from maraboupy import Marabou, MarabouNetwork

    def find() -> list[str]:
        problem = question.problem()
        floats, low, high, *_ = _bounds(problem)
        w, k = len(low), len(floats)
        answers = []
        for claim in problem.claims:
            query = MarabouNetwork.MarabouNetwork()
            for _ in range(w + 2 * k):
                query.getNewVariable()
            query.inputVars = [np.arange(w)]
            query.outputVars = []
            for i in range(w):
                query.setLowerBound(i, low[i])
                query.setUpperBound(i, high[i])
            for i, row in enumerate([*floats.matrix, *floats.dense([claim.row])]):
                used = np.flatnonzero(row)
                if i < k:
                    z = w + k + i
                    query.addEquality([*used.tolist(), z], [*row[used].tolist(), -1.0], 0.0)
                    query.addRelu(z, w + i)
                else:
                    query.addInequality(used.tolist(), (-row[used]).tolist(), -float(limit))
            # The clock on the wall, which other processes use up, too: the processor's stops both engines.
            options = Marabou.createOptions(verbosity=0, timeoutInSeconds=int(10 * seconds))
            answers.append(query.solve(verbose=False, options=options)[0])
        return answers

    took, answers = timed(find)
    return {"seconds": took, "answers": answers}


# --- the questions -------------------------------------------------------------------------------------


def minimum(n: int) -> str:
    """The minimum of all inputs."""
    return f"min({', '.join(f'x{i + 1}' for i in range(n))})"


def drawn(sizes: tuple[int, ...]) -> ck.Network:
    """Normal weights and biases."""
    rng = np.random.default_rng(0)
    pairs = list(itertools.pairwise(sizes))
    weights = [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in pairs]
    return ck.Network(weights, [rng.normal(size=b) / 2 for _, b in pairs])


def trained(n: int, hidden: tuple[int, ...]) -> ck.Network:
    """Trained to the minimum; kept for the next run."""
    path = TRAINED / f"min_{n}_{'_'.join(map(str, hidden))}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        run = ck.train(
            minimum(n), hidden, seeds=[1], steps=1000, optimizer="adam", learning_rate=0.01,
            bias=True, data="batches",
        )  # fmt: skip
        run.network(1).save(path)
    return ck.Network.load(path)


def questions() -> list[Question]:
    """What is asked, the short ones first."""
    rows = []
    for sizes in ((2, 16, 1), (2, 64, 1), (2, 16, 16, 1), (4, 16, 1), (4, 32, 1), (3, 16, 16, 1)):
        n = sizes[0]
        name = f"random {'-'.join(map(str, sizes))}"
        rows.append(Question(name, drawn(sizes), minimum(n), [(-1, 1)] * n))
    for n, hidden, end in ((2, (16,), 1), (2, (64,), 1), (4, (32,), 1), (5, (50, 50), "1/10")):
        ends = (-Fraction(end), Fraction(end))
        where = "" if end == 1 else f" on [-{end}, {end}]^{n}"
        name = f"trained {'-'.join(map(str, (n, *hidden, 1)))}{where}"
        rows.append(Question(name, trained(n, hidden), minimum(n), [ends] * n))
    for n in (8, 13, 20, 40):
        one = ck.Network([[[1.0] * n], [[1.0]]], [[1000.0 * n], [-1000.0 * n]])
        target = " + ".join(f"x{i + 1}" for i in range(n)) + " + x1/1000"
        rows.append(Question(f"one region, {n} inputs", one, target, [(-1, 1)] * n))
    small = Fraction(-1, 10**9)
    for path in sorted((properties.NETWORKS / "coav").glob("*.nnet")):
        net, box = properties.boxed(path)
        rows.append(Question(f"collision avoidance {path.stem}", net, "y > 0", box, small))
    for name in ("3_3", "2_9", "1_1"):
        for number in (3, 4):
            folder = properties.NETWORKS / "acasxu"
            net = ck.Network.from_nnet(folder / f"ACASXU_{name}.nnet")
            box, relation = properties.violation(folder / f"property_{number}.txt")
            rows.append(Question(f"ACAS Xu {name} property {number}", net, relation, box, small))
    return rows


def asked(question: Question, seconds: float, marabou: bool) -> dict[str, Any]:
    """One row of the table."""
    row: dict[str, Any] = {"name": question.name}
    limit = question.limit
    if limit is None:
        row["exact"] = alone(ours, question, None, seconds, limit=seconds)
        row["regions"] = alone(by_regions, question, limit=seconds)
        row["milp"] = alone(by_milp, question, limit=seconds)
        if "error" not in row["exact"]:
            return row
        limit = Fraction(row["exact"]["error"]) * Fraction(105, 100)
    row["decided"] = alone(ours, question, limit, seconds, limit=seconds)
    if marabou:
        row["marabou"] = alone(by_marabou, question, limit, seconds, limit=seconds)
    return row


def installed(name: str) -> str | None:
    """Its version, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--limit", type=positive(), default=60.0)
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--share",
        type=positive(1),
        default=1.0,
        help="share of the questions; below 1 nothing is kept",
    )
    arguments = parser.parse_args()
    each = [question for question in questions() if arguments.only in question.name]
    if not each:
        parser.error(
            f"argument --only: expected a part of a question's name, got {arguments.only!r}"
        )
    versions = {p: installed(p) for p in ("highspy", "maraboupy", "python-flint", "numpy")}
    rows = []
    for question in each[: max(1, round(len(each) * arguments.share))]:
        rows.append(asked(question, arguments.limit, versions["maraboupy"] is not None))
        print(json.dumps(rows[-1]), flush=True)
    if arguments.only or arguments.share < 1.0:
        return
    results = {
        "rows": rows,
        "limit": arguments.limit,
        "software": {"python": platform.python_version(), **versions},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
