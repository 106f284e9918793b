"""Is every function learned from every seed, and at what cost: ``ck.learn``'s method, each network proved.

    python -m benchmarks.learning                     every part, as in the book (two or three hours)
    python -m benchmarks.learning deck one-input      only these parts
    python -m benchmarks.learning --share 0.01        a hundredth of the seeds
    python -m benchmarks.learning frontier --only "sort|median"    only rows whose name has one of these
    python -m benchmarks.learning --processes 8       more at a time; the numbers are the same

Every row is one function, one architecture and one domain, with seeds that nothing was tuned on; *proved*
means that ``ck.prove`` holds within 1e-6 on the whole domain. The cost counts everything but proofs, in
full-batch gradients (over 64 points for two inputs without biases, 2 for one; 128 for one with, 256
otherwise), by multiply-adds. The results are merged into ``chapters/data/learning.json``, which the book
reads; each row says how many of its seeds it has run. A row is written as soon as it is there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np

import circuitkit as ck
from circuitkit.progress import News
from circuitkit.training.learn import Learned, search_all
from circuitkit.training.problem import Box, Problem
from circuitkit.training.run import Rate
from scripts import children
from scripts.arguments import positive, whole_number

RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "learning.json"
#: the first seed: those below 1,000,000 have been used for choosing defaults
FIRST = 1_000_000
#: seeds that one process takes at a time
CHUNK = 50


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    target: str
    hidden: tuple[int, ...]
    seeds: int
    bias: bool = False
    box: Box | None = None
    rescue: str = "redraw"
    budget: float = 20_000.0

    @property
    def problem(self) -> Problem:
        f = ck.target(self.target)
        return Problem(f, (f.n_inputs, *self.hidden, f.n_outputs), self.bias, self.box)

    @property
    def name(self) -> str:
        sizes = "-".join(map(str, self.problem.sizes))
        where = "all reals" if self.box is None else f"box {list(map(list, self.box))}"
        return f"{self.target}, {sizes}, {'biases' if self.bias else 'no biases'}, {where}, {self.rescue}"


ONE: Box = ((-1.0, 1.0),)
#: functions of one input, with biases: name -> target and least widths
SHAPES: dict[str, tuple[str, tuple[int, ...]]] = {
    "relu": ("relu(x)", (1,)),
    "leaky relu": ("max(x, x/10)", (2,)),
    "clamp": ("clamp(x, -1/2, 1/2)", (2,)),
    "hat": ("max(0, 1/2 - abs(x))", (3,)),
    "trapezoid": ("clamp(3/4 - abs(x), 0, 1/4)", (4,)),
    "W": ("abs(abs(x) - 1/2)", (4,)),
    "W, deep": ("abs(abs(x) - 1/2)", (2, 2)),
    "soft threshold": ("x - clamp(x, -1/2, 1/2)", (2,)),
    "dead zone": ("max(0, abs(x) - 1/2)", (2,)),
    "two steps": ("clamp(4*x + 2, 0, 1) + clamp(4*x - 1, 0, 1)", (4,)),
}


def deck(rescues: tuple[str, ...] = ("redraw", "restart")) -> Iterator[Row]:
    """The deck's functions without biases, proved on all of R^n: 10,000 seeds each."""
    for rescue in rescues:
        yield Row("min", (3, 2), 10_000, rescue=rescue)
        yield Row("min", (3,), 10_000, rescue=rescue)
        yield Row("add", (2,), 10_000, rescue=rescue)
        for name in ("identity", "negation", "abs", "subtract"):
            yield Row(name, (2,), 10_000, rescue=rescue)
        yield Row("max", (3,), 10_000, rescue=rescue)


def one_input() -> Iterator[Row]:
    """Functions of one input with biases, on a box and on all real numbers."""
    for target, hidden in SHAPES.values():
        for widths in dict.fromkeys([hidden, (2 * hidden[0], *hidden[1:])]):
            for box in (ONE, None):
                yield Row(target, widths, 500, bias=True, box=box)


def wide() -> Iterator[Row]:
    """Two inputs, wider than needed: where fixed directions overfit, the exact loss does not."""
    for width in (2, 4, 8, 16):
        yield Row("abs(x1 - x2)", (width,), 200)


def more_inputs() -> Iterator[Row]:
    """Two inputs with constants, three and more: points, random looks and the prover's counterexamples."""
    square, unit, cube = ((-1.0, 1.0),) * 2, ((0.0, 1.0),) * 2, ((0.0, 1.0),) * 3
    for box in (square, None):
        yield Row("abs(x1 + x2 - 1/2)", (2,), 100, bias=True, box=box)
    for box in (unit, None):
        yield Row("x1 + x2 - 2*relu(x1 + x2 - 1)", (2,), 100, bias=True, box=box)
        yield Row("clamp(2*(x1 - x2) + 1/2, 0, 1)", (2,), 100, bias=True, box=box)
    yield Row("clamp(x1 + x2 + x3 - 1, 0, 1)", (2,), 100, bias=True, box=cube)
    yield Row("(min(x1, x2), max(x1, x2))", (4,), 200)


def choice(name: str, count: int) -> str:
    """The smallest or the largest of so many numbers."""
    return f"{name}({', '.join(f'x{i + 1}' for i in range(count))})"


#: widths of the knockout tournament's hidden layers, by the count of its players
TOURNAMENT = {2: (3,), 3: (5, 3), 4: (6, 3), 5: (8, 5, 3), 6: (9, 5, 3), 8: (12, 6, 3)}


def frontier() -> Iterator[Row]:
    """Deeper: minima and maxima of three and more on the tournament's architecture, medians and sorting."""
    for name in ("min", "max"):
        yield Row(choice(name, 3), TOURNAMENT[3], 200, budget=100_000)
    yield Row("min4", TOURNAMENT[4], 200, budget=100_000)
    yield Row(choice("max", 4), TOURNAMENT[4], 200, budget=100_000)
    yield Row(choice("min", 5), TOURNAMENT[5], 100, budget=1_000_000)
    yield Row(choice("min", 6), TOURNAMENT[6], 12, budget=2_000_000)
    yield Row(choice("max", 8), TOURNAMENT[8], 3, budget=1_000_000)
    # By hand: two ordered numbers and the third that is put among them; a sorting network of three rounds; the
    # third of five as the median of the smallest that may be it, the largest that may, and the fifth.
    yield Row(choice("median", 3), (6, 4), 200, budget=100_000)
    yield Row(choice("sort", 3), (6, 6), 10, budget=500_000)
    yield Row(choice("sort", 4), (8, 8, 8), 2, budget=500_000)
    yield Row(choice("median", 5), (10, 8, 6, 4), 2, budget=500_000)
    yield Row("identity", (2, 2, 2, 2), 200, rescue="restart")
    yield Row("identity", (2, 2, 2, 2), 200)


def law() -> Iterator[Row]:
    """The chance of one descent from a new start, against depth and width, and against the count of inputs."""
    for width in (2, 3, 4):
        for depth in range(1, 7):
            yield Row("identity", (width,) * depth, 100, rescue="restart")
    for count, seeds, budget in (
        (2, 200, 20_000),
        (3, 100, 20_000),
        (4, 40, 20_000),
        (5, 10, 60_000),
    ):
        yield Row(choice("min", count), TOURNAMENT[count], seeds, rescue="restart", budget=budget)


PARTS = {
    "deck": deck,
    "one-input": one_input,
    "wide": wide,
    "more-inputs": more_inputs,
    "frontier": frontier,
    "law": law,
}


def searched(job: tuple[Row, int, int]) -> tuple[list[Learned], float]:
    """Some seeds of a row, and the processor time that they took."""
    row, first, stop = job
    search_all(
        row.problem, [0], row.rescue, 1.0, news=News(), threads=1
    )  # compiled, or read from disk
    began = time.process_time()
    found = search_all(
        row.problem, range(first, stop), row.rescue, row.budget, news=News(), threads=1
    )
    return found, time.process_time() - began


def measure(row: Row, share: float, pool: ProcessPoolExecutor) -> dict[str, Any]:
    """The row with what became of its seeds."""
    n = max(1, round(row.seeds * share))
    chunk = min(CHUNK, max(1, n // 8))
    jobs = [(row, FIRST + i, FIRST + min(i + chunk, n)) for i in range(0, n, chunk)]
    found: list[Learned] = []
    seconds = 0.0
    for part, taken in pool.map(searched, jobs):
        found += part
        seconds += taken
    proved = sum(f.proved for f in found)
    solved = np.array([f.proved for f in found])
    weights = [np.stack(layer) for layer in zip(*(f.weights for f in found), strict=True)]
    biases = [np.stack(layer) for layer in zip(*(f.biases for f in found), strict=True)]
    rate = Rate(proved, n)
    descents = sum(f.descents for f in found)
    chance = Rate(proved, descents)
    cost = np.array([f.cost for f in found])
    return {
        "target": row.target,
        "sizes": list(row.problem.sizes),
        "bias": row.bias,
        "box": row.box,
        "rescue": row.rescue,
        "budget": row.budget,
        "first seed": FIRST,
        "seeds": n,
        "proved": proved,
        "rate": float(rate),
        "low": rate.low,
        "high": rate.high,
        "cost median": round(float(np.median(cost)), 2),
        "cost mean": round(float(cost.mean()), 2),
        "cost max": round(float(cost.max()), 2),
        "first costs": [round(float(c), 2) for c in cost[:8]],
        "expected cost": round(float(cost.sum() / proved), 2) if proved else None,
        "descents": descents,
        "proved per descent": round(float(chance), 5),
        "per descent low": round(chance.low, 5),
        "per descent high": round(chance.high, 5),
        "counterexamples": sum(f.counterexamples for f in found),
        "proofs": sum(f.proofs for f in found),
        "largest error": float(row.problem.worst_errors(weights, biases)[solved].max())
        if proved
        else None,
        "processor milliseconds a seed": round(1000 * seconds / n, 3),
    }


def save(part: str, name: str, result: dict[str, Any]) -> None:
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known["software"] = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }
    known.setdefault(part, {})[name] = result
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def main() -> None:
    """Run the parts that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--share", type=positive(1), default=1.0, help="share of the seeds to run")
    parser.add_argument("--processes", type=whole_number(1), default=os.cpu_count() or 1)
    parser.add_argument("--rows", type=whole_number(1), help="only the first rows of a part")
    parser.add_argument(
        "--only", default="", help="only rows whose name contains this, or one of these: a|b"
    )
    parser.add_argument("--save", action="store_true", help="keep the results of a share, too")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; expected any of {', '.join(PARTS)}")
    chosen = {
        part: [
            row
            for row in list(PARTS[part]())[: arguments.rows]
            if any(each in row.name for each in arguments.only.split("|"))
        ]
        for part in arguments.parts or PARTS
    }
    if not any(chosen.values()):
        parser.error(f"argument --only: expected a part of a row's name, got {arguments.only!r}")
    children.end_with_this()
    with ProcessPoolExecutor(arguments.processes) as pool:
        for part, rows in chosen.items():
            for row in rows:
                result = measure(row, arguments.share, pool)
                print(
                    f"{row.name}: {result['proved']} of {result['seeds']} proved, cost median "
                    f"{result['cost median']}, mean {result['cost mean']}, max {result['cost max']}; "
                    f"{result['proved per descent']} a descent, {result['counterexamples']} "
                    f"counterexamples, {result['processor milliseconds a seed']} ms a seed",
                    flush=True,
                )
                if arguments.share >= 1.0 or arguments.save:
                    save(part, row.name, result)


if __name__ == "__main__":
    main()
