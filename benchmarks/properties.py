"""The public networks in ``tests/networks``, and what is asked of them, for tests and benchmarks."""

from __future__ import annotations

import re
from pathlib import Path

import circuitkit as ck
from circuitkit.importing import nnet

NETWORKS = Path(__file__).parents[1] / "tests" / "networks"

Box = list[tuple[float, float]]


def boxed(path: Path) -> tuple[ck.Network, Box]:
    """An ``.nnet`` file's network, and the box of its minima and maxima."""
    return ck.Network.from_nnet(path), nnet.read(path).box


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
