"""Which circuit forms: functions x architectures x starts x methods, over a thousand seeds each, in arithmetic.

    python -m benchmarks.universality                 # writes chapters/data/universality.json
    python -m benchmarks.universality --share 0.05    # a small part, printed and not kept

One yardstick, fixed beforehand: a network counts as solved whose worst error over all inputs is at most 1e-3; beside it
the same at .01 and .05. Seven tables. ``min``: which member of the family that ``ck.kinks`` names, of one hidden layer;
``deep``: which first layer the deck's 2-3-2-1 has. ``abs`` and ``add``: which units carry what, with and without
units to spare. ``data``: the same training on 64 fixed directions, where a bend may hide between two of them, and
longer. ``decay``: with weight decay, beside the control without. ``coin``: x1 or x2, on seeds that nothing else has
seen. Some six minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

import circuitkit as ck
from scripts.arguments import positive

RESULT = Path(__file__).parent.parent / "chapters" / "data" / "universality.json"
SEEDS = 1024
OTHERS = 100_000  # the first of the seeds that nothing else has seen
YARDSTICKS = (1e-3, 1e-2, 5e-2)
#: a share of the bend this near to 0 or 1 counts as 0 or 1
MARGIN = 0.05
#: a bend this small counts as none: a decay of 1e-3 alone leaves .09 where there is none without
NONE = 0.15
#: degrees within which units count as bending in the same place
ANGLE = 10.0
#: a unit that adds less than this share of what all add together does not work
IDLE = 0.01
INITS = ("torch", "he", "orthogonal", "mirrored")
METHODS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.5},
    "adam": {"optimizer": "adam", "learning_rate": 0.01, "schedule": "linear"},
}
#: fresh points at every step: few are enough, and no bend can hide between them
BATCH = 100
#: target and hidden layers -> how many steps
STEPS = {
    ("min", (3,)): 8_000,
    ("min", (4,)): 20_000,
    ("min", (3, 2)): 8_000,
    ("abs", (2,)): 4_000,
    ("abs", (4,)): 4_000,
    ("add", (2,)): 4_000,
    ("add", (4,)): 4_000,
}
#: sgd at .5 throws the steeper starts of these out
RATES = {"abs": 0.1, "add": 0.1}
DECAYS = (0.0, 1e-4, 3e-4, 1e-3)
MEMBERS = ("via x1", "via x2", "in between", "beyond", "bent elsewhere")

Reading = Callable[[ck.Network], tuple[str, float]]


def member(net: ck.Network) -> tuple[str, float]:
    """Which member of the minimum's family a network is, and its share p; nan where it is none."""
    found = ck.kinks(net, angle=ANGLE)
    at = [k for k in found if angle_between(k.normal, (1, -1)) <= ANGLE]
    if len(at) != 1 or any(abs(k.bend) > NONE for k in found if k not in at):
        return "bent elsewhere", math.nan
    p = at[0].share
    if abs(p - 1) <= MARGIN:
        return "via x1", p
    if abs(p) <= MARGIN:
        return "via x2", p
    return ("in between" if 0 < p < 1 else "beyond"), p


def angle_between(u: Iterable[float], v: Iterable[float]) -> float:
    """In degrees, between lines: 0 to 90."""
    a, b = np.array(list(u), dtype=float), np.array(list(v), dtype=float)
    cosine = abs(a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))
    return math.degrees(math.acos(min(1.0, cosine)))


def first_layer(net: ck.Network) -> tuple[str, float]:
    """What the units of the first hidden layer detect, in order of their names."""
    names = {"x1": (1, 0), "-x1": (-1, 0), "x2": (0, 1), "-x2": (0, -1)}
    names |= {"x1 - x2": (1, -1), "x2 - x1": (-1, 1)}
    found = []
    for row in net.weights[0]:
        near = [
            name for name, v in names.items() if row @ v > 0 and angle_between(row, v) <= ANGLE / 3
        ]
        found.append(near[0] if near else "other")
    units = ", ".join(sorted(found))
    return {"-x1, x1, x1 - x2": "via x1", "-x2, x2, x2 - x1": "via x2"}.get(units, units), math.nan


def working(net: ck.Network) -> list[tuple[np.ndarray, float]]:
    """The units that add something: what each is a detector of, as a unit vector, and how much it adds."""
    first, last = net.weights[0], net.weights[1][0]
    size = np.linalg.norm(first, axis=1)
    adds = last * size
    enough = IDLE * np.abs(adds).sum()
    return [(first[i] / size[i], adds[i]) for i in np.flatnonzero(np.abs(adds) > enough)]


def sides(net: ck.Network) -> tuple[str, float]:
    """How many units work on the positive and on the negative side, and whether one works against the others."""
    units = working(net)
    count = Counter("+" if direction[0] > 0 else "-" for direction, _ in units)
    against = any(adds < 0 for _, adds in units)
    return f"{count['+']}+{count['-']}" + (", one against" if against else ""), math.nan


def carriers(net: ck.Network) -> tuple[str, float]:
    """Along how many lines the sum is carried; where two, the angle between them, in degrees."""
    units = working(net)
    lines: list[np.ndarray] = []
    for direction, _ in sorted(units, key=lambda unit: -abs(unit[1])):
        if all(angle_between(direction, line) > ANGLE / 3 for line in lines):
            lines.append(direction)
    if len(lines) == 1:
        pair = "a pair" if len(units) == 2 else f"{len(units)} units"
        return f"{pair} of x1 + x2", math.nan
    if len(lines) != 2:
        return f"{len(lines)} lines", math.nan
    axes = [min(angle_between(line, axis) for line in lines) for axis in ((1, 0), (0, 1))]
    apart = max(axes) <= ANGLE / 3
    return ("x1 and x2 apart" if apart else "two lines"), angle_between(*lines)


READINGS: dict[tuple[str, int], Reading] = {
    ("min", 1): member,
    ("min", 2): first_layer,
    ("abs", 1): sides,
    ("add", 1): carriers,
}


def row(
    target: str, hidden: tuple[int, ...], *, init: str, method: str, seeds: range, **more: Any
) -> dict[str, Any]:
    """One setting: of its seeds how many are within each yardstick, and which circuits these are."""
    options = {**METHODS[method], "steps": STEPS[target, hidden], "data": "batches", **more}
    if options["data"] == "batches":
        options["batch_size"] = BATCH
    if method == "sgd":
        options["learning_rate"] = RATES.get(target, options["learning_rate"])
    run = ck.train(target, hidden, seeds=seeds, init=init, progress=False, **options)
    read = READINGS[target, len(hidden)]
    told = [
        read(run.network(s)) if e <= 0.1 else None
        for s, e in zip(run.seeds, run.error, strict=True)
    ]
    found: dict[str, Any] = {
        "target": target,
        "sizes": "-".join(map(str, run.layer_sizes)),
        "init": init,
        "method": method,
        "data": options["data"],
        "steps": options["steps"],
        "decay": options.get("weight_decay", 0.0),
        "seeds": len(seeds),
        "first seed": seeds[0],
        "within": {},
    }
    for yardstick in (*YARDSTICKS, 0.1):
        kept = [t for t, e in zip(told, run.error, strict=True) if t is not None and e <= yardstick]
        numbers = np.array([number for _, number in kept if not math.isnan(number)])
        found["within"][f"{yardstick:g}"] = {
            "networks": len(kept),
            "circuits": dict(Counter(name for name, _ in kept).most_common()),
        }
        if len(numbers):
            found["within"][f"{yardstick:g}"]["numbers"] = histogram(numbers, target)
    found["solved seeds"] = [
        [int(run.seeds[i]), name, None if math.isnan(number) else number]
        for i in np.flatnonzero(run.solved)[:8]
        for name, number in told[i : i + 1]
    ]
    print({k: v for k, v in found.items() if k != "within"})
    for yardstick, part in found["within"].items():
        print("   ", yardstick, part, flush=True)
    return found


def histogram(numbers: np.ndarray, target: str) -> list[int]:
    """Shares by twentieths from 0 to 1, those nearest to an end or beyond it in the last; angles by ten degrees."""
    if target == "min":
        at = np.clip(np.floor(numbers * 20).astype(int), 0, 19)
        return np.bincount(at, minlength=20).tolist()
    at = np.clip(np.floor(numbers / 10).astype(int), 0, 8)
    return np.bincount(at, minlength=9).tolist()


def grid(target: str, shapes: Iterable[tuple[int, ...]], seeds: range) -> list[dict[str, Any]]:
    return [
        row(target, hidden, init=init, method=method, seeds=seeds)
        for hidden in shapes
        for init in INITS
        for method in METHODS
    ]


def data(seeds: range) -> list[dict[str, Any]]:
    """Is what is within a yardstick a matter of the training data, or of how long it takes?"""
    common: dict[str, Any] = {"init": "torch", "method": "sgd", "seeds": seeds}
    rows = [
        row("min", (4,), data=source, steps=steps, **common)
        for source, steps in (("population", 4_000), ("population", 100_000), ("batches", 4_000))
    ]
    return [*rows, row("min", (3,), data="population", steps=4_000, **common)]


def decay(seeds: range) -> list[dict[str, Any]]:
    """With decay no network comes within 1e-3 of the function, so that these are read within .1, the control too."""
    common: dict[str, Any] = {"init": "torch", "method": "sgd", "seeds": seeds}
    rows = [row("min", (4,), weight_decay=d, **common) for d in DECAYS]
    still = {"data": "population", "steps": 40_000}
    return [*rows, row("min", (4,), weight_decay=1e-3, **still, **common)]


def coin(seeds: range) -> list[dict[str, Any]]:
    """Via which input, on other and on more seeds, with data that are the same after the inputs are exchanged."""
    common: dict[str, Any] = {"init": "torch", "method": "sgd", "data": "population"}
    return [row("min", hidden, seeds=seeds, **common) for hidden in ((3,), (3, 2))]


def text(told: dict[str, Any]) -> str:
    """As JSON, a line for each row."""
    parts = []
    for key, value in told.items():
        rows = ",\n  ".join(map(json.dumps, value)) if isinstance(value, list) else ""
        parts.append(f'"{key}": ' + (f"[\n  {rows}\n ]" if rows else json.dumps(value)))
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--share", type=positive(1), help="so much of it, and keep nothing")
    share = parser.parse_args().share
    seeds = range(max(8, round((share or 1.0) * SEEDS)))
    others = range(OTHERS, OTHERS + 16 * len(seeds))
    told = {
        "yardstick": YARDSTICKS[0],
        "margin": MARGIN,
        "none": NONE,
        "angle": ANGLE,
        "idle": IDLE,
        "min": grid("min", [(3,), (4,)], seeds),
        "deep": grid("min", [(3, 2)], seeds),
        "abs": grid("abs", [(2,), (4,)], seeds),
        "add": grid("add", [(2,), (4,)], seeds),
        "data": data(seeds),
        "decay": decay(seeds),
        "coin": coin(others),
    }
    if share is None:
        RESULT.write_text(text(told), "utf-8")


if __name__ == "__main__":
    main()
