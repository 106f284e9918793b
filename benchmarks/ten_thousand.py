"""How long do ten thousand proved minima take, from random weights to certificates that the checker has accepted?

    python -m benchmarks.ten_thousand                    10,000 networks 2-3-2-1, two processes
    python -m benchmarks.ten_thousand --share 0.01       a hundredth of them; nothing is written

First every seed is searched by ``ck.learn``'s method, with its proof; then all networks are proved once more, by
``ck.prove`` of the whole list with a process pool, so that one knows what of it is the proofs. Seconds of processor
are those of both processes; a busy machine makes the seconds on the clock longer. Writes ``chapters/data/ten-thousand.json``.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import circuitkit as ck
from benchmarks.learning import CHUNK, Row, searched
from scripts import children
from scripts.arguments import positive

RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "ten-thousand.json"
NETWORKS, FIRST, PROCESSES = 10_000, 6_000_000, 2

T = TypeVar("T")


def timed(work: Callable[[ProcessPoolExecutor], T]) -> tuple[T, float, float]:
    """What it returned with a pool of its own, the seconds of processor, and those on the clock."""

    def processor() -> float:
        each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(used.ru_utime + used.ru_stime for used in each)

    before, began = processor(), time.monotonic()
    with ProcessPoolExecutor(PROCESSES) as pool:
        found = work(pool)
        clock = time.monotonic() - began
    return found, processor() - before, clock


def main() -> None:
    """Learn, prove, and say how long it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--share", type=positive(1), default=1.0, help="share of the networks to run"
    )
    share = parser.parse_args().share
    children.end_with_this()
    n = max(1, round(NETWORKS * share))
    row = Row("min", (3, 2), n)
    jobs = [(row, FIRST + i, FIRST + min(i + CHUNK, n)) for i in range(0, n, CHUNK)]
    searched((row, FIRST, FIRST + 1))  # compiled, so that the workers read it from disk

    def learn(pool: ProcessPoolExecutor) -> list[ck.Network]:
        parts = pool.map(searched, jobs)
        return [ck.Network(f.weights) for found, _ in parts for f in found if f.proved]

    nets, learning, learning_clock = timed(learn)
    proofs, proving, proving_clock = timed(
        lambda pool: ck.prove(nets, "min", tolerance=1e-6, executor=pool)
    )
    result = {
        "networks": n,
        "first seed": FIRST,
        "processes": PROCESSES,
        "learned and proved": len(nets),
        "proved again": sum(map(bool, proofs)),
        "processor seconds": round(learning, 2),
        "seconds": round(learning_clock, 2),
        "processor seconds of the proofs": round(proving, 2),
        "seconds of the proofs": round(proving_clock, 2),
        "processor milliseconds a proof": round(1000 * proving / max(1, len(nets)), 3),
    }
    print(json.dumps(result, indent=1))
    if share >= 1.0:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
