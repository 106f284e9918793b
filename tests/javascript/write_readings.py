"""Writes ``readings.json``: networks, and what ``ck.detect`` says of them, which the page must say too.

``python tests/javascript/write_readings.py`` after a change of what is read or said. The script is held
to it by ``node --test tests/javascript/readings.test.mjs``, Python by ``tests/test_reading.py``.
"""

from __future__ import annotations

import json
import math
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("readings.json")
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from cases import CIRCUITS  # noqa: E402

import circuitkit as ck  # noqa: E402
from benchmarks.generators import scramble  # noqa: E402
from circuitkit.exact.spell import text  # noqa: E402


def networks() -> list[tuple[ck.Network, float]]:
    """Each with the tolerance that it is read with."""
    rng = np.random.default_rng(2026)
    default = 0.01
    found = [(case.make(), default) for case in CIRCUITS]
    found += [(ck.circuit(name), 0.0) for name in ("identity", "abs", "min", "max", "min4")]
    for result in json.loads((ROOT / "chapters/data/deck-results.json").read_text())["results"]:
        layers = [np.array(result[n]).T for n in ("hidden_layer_0", "output_layer")]
        found.append((ck.Network(layers), default))
    for name in ("identity", "abs", "subtract", "min"):
        found.append((scramble(rng, ck.circuit(name), units=5), 0.0))
        plain = ck.circuit(name)
        near = [w + 1e-3 * rng.normal(size=w.shape) for w in plain.weights]
        found += [(ck.Network(near), default), (ck.Network(near), 1e-5)]
    small = [
        ck.Network([[[1]], [[1]]]),
        ck.Network([[[1], [1]], [[1, -1]]], [[0, -1], [0]]),
        ck.Network([[[1, -1], [-1, 1]], [[1, 1]]]),
        ck.Network([[[1], [-1]], [[2, 2]]], [None, [1]]),
        ck.Network([[[2.0, 3.0]], [[1]]]),
        ck.Network([[[2.0, -0.5, 1 / 4]]]),
        ck.Network([[[0.1]]]),
        ck.Network([[[1], [-1]]]),
        ck.Network([[[0.0]], [[1.0]]]),
        # units that are always on, of minus what is shorter to write
        ck.Network([[[-1]], [[1]], [[1]]]),
        ck.Network([[[-2, 0], [0, -1]], [[1, 1]], [[1]]]),
        ck.Network([[[-1, 0], [1, -1]], [[1, 1], [0, 2]], [[1, 1]]]),
    ]
    found += [(net, default) for net in small]
    # a spike that a thousand samples miss: its units do not cancel
    ends = [0, -0.3137, -0.3237, -0.3337]
    found.append((ck.Network([[[1]] * 4, [[1, 50, -100, 50]]], [ends, [0]]), 0.0))
    ends = [0, -0.3137, -0.3138, -0.3139]
    spike = ck.Network([[[1]] * 4, [[1, 1e4, -2e4, 1e4]]], [ends, [0]])
    deep = ck.Network([[[1]] * 4, np.eye(4), [[1, 1e4, -2e4, 1e4]]], [ends, [0] * 4, [0]])
    found += [(spike, default), (deep, 0.0)]
    for k in range(40):
        sizes = [int(v) for v in rng.integers(1, (4, 5, 3)[: 2 + k % 2])] + [1]
        weights = [rng.integers(-2, 3, (o, i)) / (1, 2)[k % 2] for i, o in pairwise(sizes)]
        biases = [rng.integers(-2, 3, o) * (k % 3 == 0) for o in sizes[1:]]
        found.append((ck.Network(weights, biases), default))
    for k in range(12):
        sizes = [(1, 2, 1), (2, 3, 1), (2, 2, 2), (1, 2, 2, 1)][k % 4]
        layers = [rng.normal(size=(o, i)) for i, o in pairwise(sizes)]
        found.append((ck.Network(layers), default))
    return found


def reading(net: ck.Network, tolerance: float) -> dict[str, Any]:
    found = ck.detect(net, tolerance=tolerance)
    units = [
        {"text": str(u), "scale": u.scale, "error": u.error, "layer": u.layer} for u in found.units
    ]
    named = found.basic_proof if found.basic is not None else None
    exact = found.expression_proof is not None and found.expression_proof.exact_error == 0
    return {
        "function": found.basic,
        "circuit": found.circuit,
        "error": named.error if named is not None and math.isfinite(named.error) else None,
        "expression": text(found.expression) if exact else None,
        "sentence": found.verdict,
        "units": units,
    }


def main() -> None:
    cases = []
    for net, tolerance in networks():
        given = {
            "weights": [w.tolist() for w in net.weights],
            "biases": [b.tolist() for b in net.biases],
        }
        cases.append({"net": given, "tolerance": tolerance, "reading": reading(net, tolerance)})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    FILE.write_text(f"[\n{lines}\n]\n", "utf-8")
    print(f"{len(cases)} readings in {FILE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
