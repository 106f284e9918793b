"""How fast and how sure is ``ck.prove``: both engines on every circuit, and against each other.

    python -m benchmarks.proof                 everything (a quarter of an hour)
    python -m benchmarks.proof --random 300    fewer random networks
    python -m benchmarks.proof --seed 1        other ones

The results go to ``chapters/data/proof.json``, which the book reads. Times are processor seconds, the
median of three.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import sympy

import circuitkit as ck
from benchmarks.generators import (
    TEXTBOOK,
    random_network,
    random_target,
    scramble,
    textbook,
    variables,
)
from circuitkit.exact.canonical import canonical_form
from circuitkit.exact.spell import expression

RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "proof.json"


def function_of(net: ck.Network) -> ck.Target:
    form = canonical_form(net)
    xs = variables(net.n_inputs)
    return ck.Target([expression(form, xs, output=k) for k in range(net.n_outputs)], variables=xs)


def timed(net: ck.Network, target: ck.Target, engine: str, repeats: int = 3) -> dict[str, Any]:
    times, found = [], None
    for _ in range(repeats):
        start = time.process_time()
        try:
            found = ck.prove(net, target, engine=engine, time_limit=120)
        except ck.Undecided:
            return {"verdict": "undecided"}
        times.append(time.process_time() - start)
    assert found is not None
    return {
        "verdict": "proved" if found else "refuted",
        "seconds": float(np.median(times)),
        "regions": found.n_regions,
    }


def circuits() -> list[dict[str, Any]]:
    """Every textbook network, proved by both engines."""
    rows = []
    for name in TEXTBOOK:
        net = textbook(name)
        target = function_of(net)
        row: dict[str, Any] = {"circuit": name, "hidden units": sum(net.layer_sizes[1:-1])}
        for engine in ("regions", "z3"):
            row[engine] = timed(net, target, engine)
        rows.append(row)
        print(row)
    return rows


def scrambled(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Large scrambles of small circuits: simplified first, then proved."""
    rows = []
    for name, units in (("min", 476), ("min4", 121), ("min8", 300), ("sort5", 400), ("min4", 1000)):
        net = scramble(rng, textbook(name), units=units)
        row = {
            "circuit": name,
            "hidden units": sum(net.layer_sizes[1:-1]),
            "regions": timed(net, function_of(textbook(name)), "regions", 1),
        }
        rows.append(row)
        print(row)
    return rows


def against_each_other(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Random networks and targets, half of them equal or nearly so: do the engines ever disagree?"""
    disagreements, equal, checks = 0, 0, 0
    for i in range(count):
        n, bias = int(rng.integers(1, 4)), bool(rng.integers(2))
        sizes = [n, *(int(rng.integers(1, 5)) for _ in range(rng.integers(1, 3))), 1]
        kind = str(rng.choice(["small", "quarters", "normal"]))
        net = random_network(rng, sizes, bias=bias, weights=kind)
        if i % 2:
            target = random_target(rng, n, bias=bias)
        else:  # the network itself in other words, every second time a little off
            kind = "small"
            plain = random_network(rng, sizes, bias=bias, weights=kind)
            target = function_of(plain)
            net = scramble(rng, plain, units=6)
            if i % 4:
                weights = [w.copy() for w in net.weights]
                weights[0][0, 0] += 10.0 ** rng.uniform(-9, -1)
                net = ck.Network(weights, net.biases)
        domain = [(-1, 2)] * n if rng.integers(2) else None
        found = ck.prove(net, target, domain=domain, engine="regions")
        error = found.exact_error
        assert error is not None
        equal += error == 0
        for tolerance in {Fraction(0), error, error * Fraction(999999, 1000000)}:
            expected = error <= tolerance
            for engine in ("regions", "z3"):
                again = ck.prove(net, target, domain=domain, tolerance=tolerance, engine=engine)
                checks += 1
                disagreements += bool(again) != expected
    return {"networks": count, "equal": equal, "verdicts": checks, "disagreements": disagreements}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--random", type=int, default=3000, help="how many random networks")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    results = {
        "circuits": circuits(),
        "scrambled": scrambled(rng),
        "engines against each other": against_each_other(rng, arguments.random),
        "seed": arguments.seed,
        "software": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "sympy": sympy.__version__,
        },
    }
    print(json.dumps(results["engines against each other"], indent=2))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
