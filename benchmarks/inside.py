"""What is inside networks that other tools have trained: circuits cut out, functions read, and the time it takes.

    python -m benchmarks.inside --seconds 600        as in the book: what is begun within ten minutes

Trains the first networks of ``benchmarks/wild.py``, whose order is random, those of Flax left out where it is not
installed; cuts each down with ``ck.extract``, asks ``ck.subcircuits`` of those with two hidden layers, and writes
``chapters/data/inside.json``. A part of the time goes to networks of the two sizes that reading has to be done with in
time: 2-16-16-1 within 5 seconds, 4-32-1 within 30. Seconds are processor time.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import platform
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import circuitkit as ck
from benchmarks import wild
from scripts.arguments import positive

RESULTS = wild.ROOT / "chapters" / "data" / "inside.json"

#: hidden layers -> functions of as many inputs, and the seconds that reading may take
TIMED = {
    (16, 16): (("min(x1, x2)", "max(x1, x2, 0)", "abs(x1) - abs(x2)"), 5.0),
    (32,): (("min(x1 + x2, x3 + x4)", "abs(x1 - x2) + x3 - x4", "x1 + x2 + x3 + x4"), 30.0),
}
#: seconds by the clock after which reading these is given up; the processor may be shared
PATIENCE = 240.0
#: and those for each extraction
SECONDS = 20.0


def timed() -> Iterator[dict[str, Any]]:
    """Networks of the two sizes: how long naming, spelling and everything that is printed takes."""
    for hidden, (functions, limit) in TIMED.items():
        for function in functions:
            for trainer in ("torch", "scikit-learn"):
                low, high = wild.FUNCTIONS.get(function, ((-1, 1), ()))[0]
                target = ck.target(function)
                x = np.random.default_rng(3).uniform(low, high, size=(1000, target.n_inputs))
                net = ck.Network(*wild.TRAINERS[trainer](x, target(x), hidden, 5))
                domain = [(low, high)] * net.n_inputs
                started, real = time.process_time(), time.monotonic()
                found = ck.detect(net, domain=domain, time_limit=PATIENCE)
                expression = found.expression
                spelled = time.process_time() - started
                said = repr(found)
                yield {
                    "sizes": list(net.layer_sizes), "function": function, "trainer": trainer,
                    "limit": limit, "name": found.function, "expression": str(expression),
                    "error": found.error if np.isfinite(found.error) else None, "spelled": spelled,
                    "seconds": time.process_time() - started, "waited": time.monotonic() - real,
                    "printed": len(said),
                }  # fmt: skip


def cut(cell: wild.Cell) -> dict[str, Any]:
    """One network: how few units are enough, and what its second hidden layer reads."""
    trained = wild.train(cell)
    net = ck.Network(trained["weights"], trained["biases"])
    domain = [wild.FUNCTIONS[cell[0]][0]] * net.n_inputs
    row: dict[str, Any] = {"cell": cell, "sizes": list(net.layer_sizes)}
    started = time.process_time()
    for name, how in (("ablation", {}), ("refit", {"method": "refit", "fill": "affine"})):
        found = ck.extract(net, domain=domain, tolerance=0.02, time_limit=SECONDS, **how)
        row[name] = {
            "units": found.size, "edges": len(found.kept.edges), "minimal": found.minimal or "open",
            "covers": found.covers,
        }  # fmt: skip
    row["seconds to cut"] = time.process_time() - started
    if len(net.weights) > 2:
        started = time.process_time()
        inside = ck.subcircuits(net, domain=domain, time_limit=SECONDS)
        row["inside"] = sorted({str(e) for e in inside.read[2]})
        row["rows"] = [len(inside.rows), len(inside.unexplained), len(inside.undecided)]
        row["seconds to look inside"] = time.process_time() - started
    return row


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How small, with which guarantee, and in how many something known was found."""
    found: dict[str, Any] = {"networks": len(rows)}
    for depth, label in ((3, "one hidden layer"), (4, "two hidden layers")):
        some = [r for r in rows if len(r["sizes"]) == depth]
        found[label] = {
            "networks": len(some),
            "units": sum(sum(r["sizes"][1:-1]) for r in some),
            **{
                way: {
                    "units": sum(r[way]["units"] for r in some),
                    "minimal": dict(Counter(r[way]["minimal"] for r in some)),
                    "covers": dict(Counter(str(r[way]["covers"]) for r in some)),
                }
                for way in ("ablation", "refit")
            },
        }
    deep = [r for r in rows if "inside" in r]
    found["inside"] = {
        "networks": len(deep),
        "with a known function": sum(bool(r["inside"]) for r in deep),
    }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=positive(), default=600.0, help="begin nothing after")
    parser.add_argument("--to", type=Path, default=RESULTS)
    given = parser.parse_args()
    end = time.monotonic() + given.seconds
    kept: dict[str, Any] = {"python": platform.python_version(), "timed": [], "each": []}
    for row in timed():
        print(json.dumps(row), flush=True)
        kept["timed"].append(row)
        given.to.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    for cell in wild.cells():
        if time.monotonic() > end:
            break
        if cell[1] == "flax" and find_spec("flax") is None:
            continue
        kept["each"].append(cut(cell))
        print(json.dumps(kept["each"][-1]), flush=True)
        kept["summary"] = summary(kept["each"])
        given.to.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
