"""How fast is ``ck.prove``, what do its certificates weigh, and do others agree?

For every circuit: who settled it, the certificate, the time to find and to check it, and what z3 says of the
claim as ``Proof.to_smtlib`` writes it, without knowing the certificate. Then random networks, nearly right ones
among them: the engines' verdicts against an exact error found by enumerating linear regions.

    python -m benchmarks.proof                 everything (a quarter of an hour)
    python -m benchmarks.proof --random 43     fewer random networks
    python -m benchmarks.proof --seed 1        other ones

The results go to ``chapters/data/proof.json``, which the book reads. Times are processor seconds, the
median of three.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sympy
import z3

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
from scripts.arguments import positive, whole_number

ENGINES: tuple[Literal["auto", "regions", "z3"], ...] = ("auto", "regions", "z3")
LIMIT = 20  # seconds for one question
RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "proof.json"


def function_of(net: ck.Network) -> ck.Target:
    form = canonical_form(net)
    xs = variables(net.n_inputs)
    return ck.Target([expression(form, xs, output=k) for k in range(net.n_outputs)], variables=xs)


def seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """The median of the processor seconds that it takes."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return float(np.median(times))


def proved(net: ck.Network, target: ck.Target, repeats: int = 3) -> dict[str, Any]:
    """Who settled the claim that they are equal, with which certificate, and how long that took."""
    try:
        proof = ck.prove(net, target, time_limit=LIMIT)
    except ck.Undecided:
        return {"verdict": "undecided"}
    if not proof:
        return {"verdict": "refuted"}
    certificate = proof.certificate
    return {
        "verdict": "proved",
        "engine": proof.engine,
        "certificate bytes": len(json.dumps(certificate, separators=(",", ":"))),
        "seconds": seconds(lambda: ck.prove(net, target, time_limit=LIMIT), repeats),
        "seconds to check": seconds(lambda: ck.check(certificate, net, target), repeats),
    }


def second_opinion(net: ck.Network, target: ck.Target) -> dict[str, Any]:
    """What z3 says of the claim, given nothing but its text: is there an input where it fails?"""
    solver = z3.Solver()
    solver.set("timeout", 1000 * LIMIT)
    solver.from_string(ck.prove(net, target, time_limit=LIMIT).to_smtlib())
    start = time.process_time()
    found = str(solver.check())
    said = {"unsat": "proved", "sat": "refuted"}.get(found, "undecided")
    return {"verdict": said, "seconds": time.process_time() - start}


def circuits() -> list[dict[str, Any]]:
    """Every textbook network, proved, checked, and asked about elsewhere."""
    rows = []
    for name in TEXTBOOK:
        net = textbook(name)
        target = function_of(net)
        row = {"circuit": name, "hidden units": sum(net.layer_sizes[1:-1]), **proved(net, target)}
        if row["verdict"] != "undecided":
            row["z3"] = second_opinion(net, target)
        rows.append(row)
        print(row, flush=True)
    return rows


def scrambled(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Large scrambles of small circuits."""
    rows = []
    for name, units in (("min", 476), ("min4", 121), ("min8", 300), ("sort5", 400), ("min4", 1000)):
        net = scramble(rng, textbook(name), units=units)
        size = sum(net.layer_sizes[1:-1])
        row = {"circuit": name, "hidden units": size}
        rows.append(row | proved(net, function_of(textbook(name)), 1))
        print(rows[-1], flush=True)
    return rows


def against_each_other(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Random networks and targets, half of them equal or nearly so: do the engines ever disagree?"""
    disagreements, equal, checks, undecided, inexact = 0, 0, 0, 0, 0
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
        if error is None:  # known to lie between two numbers only
            inexact += 1
            continue
        equal += error == 0
        for tolerance in {Fraction(0), error, error * Fraction(999999, 1000000)}:
            expected = error <= tolerance
            for engine in ENGINES:
                try:
                    again = ck.prove(
                        net,
                        target,
                        domain=domain,
                        tolerance=tolerance,
                        engine=engine,
                        time_limit=10,
                    )
                except ck.Undecided:
                    undecided += 1
                    continue
                checks += 1
                disagreements += bool(again) != expected
    counts = {"networks": count, "equal": equal, "verdicts": checks}
    counts |= {"disagreements": disagreements, "undecided": undecided}
    return counts | {"without an exact error": inexact}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=whole_number(0), default=0)
    parser.add_argument(
        "--random", type=whole_number(1), default=300, help="how many random networks"
    )
    parser.add_argument(
        "--share", type=positive(1), default=1.0, help="share of these; below 1 nothing is kept"
    )
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    results = {
        "circuits": circuits(),
        "scrambled": scrambled(rng),
        "engines against each other": against_each_other(
            rng, max(1, round(arguments.random * arguments.share))
        ),
        "seed": arguments.seed,
        "software": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "sympy": sympy.__version__,
            "z3": z3.get_version_string(),
        },
    }
    print(json.dumps(results["engines against each other"], indent=2))
    if arguments.share >= 1.0:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
