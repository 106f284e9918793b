"""What training makes of the functions of the catalogue, at the size of their smallest circuits.

    python -m benchmarks.catalogue                 # writes chapters/data/catalogue.json; goes on where it stopped
    python -m benchmarks.catalogue --again         # all of it anew
    python -m benchmarks.catalogue tent min        # these, anew

For each function two rates, at the widths of :data:`circuitkit.catalogue`:

* gradient descent: ``ck.train`` with Adam, 3,000 steps from 0.02 down to 0, up to 1,000 seeds; *solved* means
  within 1e-3 of the function for every input, which is certified and no reported loss. (On wide networks a low
  loss would not say as much: they bend between the points of the rule that measures it.)
* ``ck.learn``, up to ten seeds: proved within 1e-6 for every input.

Training knows inputs from -1 to 1, so a function with kinks further out is measured in larger units, as
f(s x) / s: the same network but for its biases. Functions with constants are given biases.

What takes longer than its share of the time is given fewer seeds; what is larger than the limits below is not
measured, and the file says so.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import sympy

import circuitkit as ck
from circuitkit.entries import Entry

RESULT = Path(__file__).parent.parent / "chapters" / "data" / "catalogue.json"
STEPS, RATE, SEEDS = 3_000, 0.02, 1_000
LEARNED, BUDGET = 10, 20_000.0
#: seconds of processor time for descents from all seeds of a function, and for learning it
SHARE, LEARNING = 40.0, 8.0
#: larger circuits are not trained, and of these not learned
MOST_UNITS, MOST_LEARNED = 24, 16


def scale(entry: Entry) -> sympy.Rational:
    """The unit of length: 1 where there are no constants, else as far as the graph of its card goes."""
    if entry.target.pieces.is_homogeneous:
        return sympy.Integer(1)
    return sympy.Rational(max(map(abs, entry.span)))


def scaled(entry: Entry) -> ck.Target:
    """The function in these units."""
    s, f = scale(entry), entry.target
    larger = {v: s * v for v in f.variables}
    return ck.Target([e.xreplace(larger) / s for e in f.outputs], variables=f.variables)


def descended(entry: Entry, seeds: int) -> ck.TrainingRun:
    """Gradient descent from that many seeds."""
    return ck.train(
        scaled(entry), entry.hidden, seeds=seeds, steps=STEPS, learning_rate=RATE,
        optimizer="adam", schedule="cosine", bias=not entry.target.pieces.is_homogeneous, progress=False, threads=1,
    )  # fmt: skip


def rate_of_descent(entry: Entry) -> dict[str, Any]:
    """As many seeds as fit into the share, at most 1,000."""
    descended(entry, 1)  # whatever has to be compiled or made once
    began = time.process_time()
    descended(entry, 8)
    each = (time.process_time() - began) / 8
    seeds = next((n for n in (SEEDS, 500, 200, 100, 50, 20) if n * each <= SHARE), 0)
    if not seeds:
        return {"not measured": f"{each:.2f} seconds a seed"}
    return share(int(descended(entry, seeds).solved.sum()), seeds)


def share(solved: int, n: int) -> dict[str, Any]:
    """A rate with its 95 % Wilson interval, as data."""
    rate = ck.Rate(solved, n)
    return {"solved": solved, "n": n, "low": rate.low, "high": rate.high}


def learned(entry: Entry) -> dict[str, Any]:
    """As many seeds as fit into the share, at most ten, and what the first learned network is read as."""
    f, solved, first = scaled(entry), 0, {}
    began = time.process_time()
    for seed in range(LEARNED):
        if time.process_time() - began > LEARNING:
            break
        try:
            net = ck.learn(f, entry.hidden, seed=seed, budget=BUDGET, progress=False)
        except ck.NotLearned:
            continue
        finally:
            tried = seed + 1
        solved += 1
        first = first or {"seed": seed, "read": read(net)}
    return share(solved, tried) | first


def read(net: ck.Network) -> dict[str, Any]:
    """What is in a learned network: its expression where it is proved within 1e-4, its circuit, its units."""
    found = ck.detect(net, tolerance=1e-4, time_limit=10)
    units = Counter(unit.feature for unit in found.units)
    within = found.expression is not None and found.error <= 1e-4
    return {
        "expression": str(found.expression) if within else None,
        "circuit": found.circuit,
        "units": dict(units.most_common()),
    }


def measured(entry: Entry) -> dict[str, Any]:
    """Both rates of a function."""
    told: dict[str, Any] = {"hidden": list(entry.hidden), "scale": str(scale(entry))}
    if entry.units > MOST_UNITS:
        return told | {"not measured": f"more than {MOST_UNITS} hidden units"}
    told["descent"] = rate_of_descent(entry)
    if entry.units > MOST_LEARNED:
        return told | {"learn": {"not measured": f"more than {MOST_LEARNED} hidden units"}}
    return told | {"learn": learned(entry)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    exact = {name: entry for name, entry in ck.catalogue.items() if not entry.tolerance}
    parser.add_argument("names", nargs="*", help="functions of the catalogue; all by default")
    parser.add_argument("--again", action="store_true", help="measure what the file has, too")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in exact]:
        parser.error(f"unknown function {unknown[0]!r}; expected any of {', '.join(exact)}")
    again = options.names or (exact if options.again else [])
    rows = json.loads(RESULT.read_text("utf-8"))["functions"] if RESULT.exists() else {}
    settings = {
        "steps": STEPS,
        "learning rate": RATE,
        "budget": BUDGET,
        "limits": [MOST_UNITS, MOST_LEARNED],
    }
    for name, entry in exact.items():
        done = name in rows and rows[name]["hidden"] == list(entry.hidden)
        if name in again or (not options.names and not done):
            rows[name] = measured(entry)
            print(name, json.dumps(rows[name]), flush=True)
        kept = {n: rows[n] for n in ck.catalogue if n in rows}
        text = json.dumps({"settings": settings, "functions": kept}, indent=1)
        RESULT.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
