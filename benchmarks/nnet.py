"""Networks in the ``.nnet`` format, and the properties beside them, for tests and benchmarks.

The format: comments; a line of counts; the layers' sizes; a flag; minima and maxima of the inputs; means
and ranges of a normalization, which is left out here; then each layer's weights, a line a unit, and biases.
"""

from __future__ import annotations

import re
from pathlib import Path

import circuitkit as ck

NETWORKS = Path(__file__).parents[1] / "tests" / "networks"

Box = list[tuple[float, float]]


def read(path: Path) -> tuple[ck.Network, Box]:
    """The network, and the box of the file's minima and maxima."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("//")]
    rows = [[float(v) for v in line.replace(",", " ").split()] for line in lines if line.strip()]
    sizes = [int(v) for v in rows[1]]
    low, high = rows[3], rows[4]
    weights, biases, at = [], [], 7
    for width in sizes[1:]:
        weights.append(rows[at : at + width])
        biases.append([row[0] for row in rows[at + width : at + 2 * width]])
        at += 2 * width
    return ck.Network(weights, biases), list(zip(low, high, strict=True))


def violation(path: Path) -> tuple[Box, str]:
    """The box of a property file, and as a relation that no input of it violates the property."""
    ends: dict[int, list[float]] = {}
    larger = []
    for line in path.read_text("utf-8").splitlines():
        found = re.fullmatch(r"x(\d+) (<=|>=) (\S+)", line.strip())
        if found:
            ends.setdefault(int(found[1]), [0.0, 0.0])[found[2] == "<="] = float(found[3])
        found = re.fullmatch(r"\+y0 -y(\d+) <= 0", line.strip())
        if found:
            larger.append(f"y{int(found[1]) + 1}")
    return [(ends[i][0], ends[i][1]) for i in sorted(ends)], f"y1 > min({', '.join(larger)})"
