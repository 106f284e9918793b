"""Hide it, get it back: random expressions become networks, are disguised and made noisy, and are read back, proved.

    python -m benchmarks.round_trip                 all of it: 1,000 expressions that bend, exactly; 100 a disguise; 500 learned networks
    python -m benchmarks.round_trip --seconds 500   for so long; the next call goes on where this one stopped
    python -m benchmarks.round_trip --again         all of it anew; with --only, these
    python -m benchmarks.round_trip --only 0.0001 trained    these alone; what is written of the others stays as it was
    python -m benchmarks.round_trip --regression    symbolic regression (gplearn, which it takes) on learned networks
    python -m benchmarks.round_trip --summary       only write chapters/data/round-trip.json anew

The generator is seeded: case k is the same network every time. A case is an expression of 1 to 4 inputs, nested 1 to 3
deep, compiled by ``ck.compile_expression``; its units are split, merged with others, permuted, rescaled; units that cancel,
duplicates and dead ones are added (:func:`benchmarks.generators.scramble`); then noise, relative to each weight, of
the size asked for. With noise a case counts only where the network is still within the tolerance of the expression: what
was changed by more is another function, and those are counted apart. Two more disguises are measured by themselves:
*trained*, a hundred more steps of Adam on noisy values, and *composed*, everything at once: linear parts spread over
inverse pairs, units turned to their other side and doubled (:func:`benchmarks.generators.spread`), noise, and training.

Results go to ``build/round-trip.jsonl``, one line a case; what a chapter prints to ``chapters/data/round-trip.json``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import sympy

import circuitkit as ck
from benchmarks.generators import random_target, scramble, spread, trained_on
from benchmarks.generators import variables as variables_of
from circuitkit.detection.place import EVERYWHERE
from circuitkit.exact.spell import length, text
from scripts.arguments import positive

RESULTS = Path(__file__).parents[1] / "build" / "round-trip.jsonl"
DATA = Path(__file__).parents[1] / "chapters" / "data" / "round-trip.json"

TOLERANCE = 1e-2
#: seconds of processor time for a case
LIMIT = 10.0
#: noise -> how many cases: of those without, one in ten is affine; with 1e-3 seven of ten are another function
CASES = {
    0.0: 1130,
    1e-5: 148,
    1e-4: 148,
    1e-3: 400,
    "trained": 120,
    "composed": 120,
    "learned": 500,
}
#: further training: Adam's learning rate and steps, and the noise of the values that it sees
RATE, STEPS, VALUES = 1e-4, 100, 1e-2
#: the noise of weights where all disguises are composed
COMPOSED = 1e-5
#: what ``ck.learn`` is to learn, in turn, from one seed after the other
FUNCTIONS = (
    "abs", "min", "max", "add", "subtract", "identity", "negation", "min4", "max(x, 0)", "abs(x1 - x2)", "clamp(x, -1, 1)",
    "abs(x1) + abs(x2)", "max(x1, x2, 0)", "max(x1, x2, x3)", "abs(x1) - x2",
)  # fmt: skip


def disguised(seed: int) -> tuple[ck.Target, ck.Network] | None:
    """Case ``seed``: an expression and a network that computes it, disguised; None where it is affine."""
    rng = np.random.default_rng([17, seed])
    n, depth = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    target = random_target(rng, n, bias=bool(rng.integers(2)), depth=depth)
    net = ck.compile_expression(target)
    if len(net.weights) == 1:
        return None
    units = sum(net.layer_sizes[1:-1])
    hidden = scramble(
        rng, ck.Network(net.weights, net.biases), units=units + int(rng.integers(4, 20))
    )
    biases = hidden.biases if net.has_biases else None
    return target, ck.Network(hidden.weights, biases, scale=net.scale)


def noisy(net: ck.Network, seed: int, noise: float) -> ck.Network:
    """Every weight and bias times a normal number of mean 1 and this standard deviation."""
    rng = np.random.default_rng([18, seed])
    biases = [b * (1 + noise * rng.normal(size=b.shape)) for b in net.biases]
    weights = [w * (1 + noise * rng.normal(size=w.shape)) for w in net.weights]
    return ck.Network(weights, biases if net.has_biases else None, scale=net.scale)


def trained(net: ck.Network, seed: int) -> ck.Network:
    """The network, trained on a little: its weights move by about a ten-thousandth."""
    rng = np.random.default_rng([20, seed])
    plain = ck.Network(net.weights, net.biases)
    made = trained_on(rng, plain, rate=RATE, steps=STEPS, noise=VALUES)
    return ck.Network(made.weights, made.biases if net.has_biases else None, scale=net.scale)


def composed(net: ck.Network, seed: int) -> ck.Network:
    """Every other disguise at once."""
    hidden = spread(np.random.default_rng([19, seed]), ck.Network(net.weights, net.biases))
    biases = hidden.biases if net.has_biases else None
    hidden = ck.Network(hidden.weights, biases, scale=net.scale)
    return trained(noisy(hidden, seed, COMPOSED), seed)


def distance(net: ck.Network, target: ck.Target) -> float:
    """How far they are apart at samples."""
    x = EVERYWHERE.samples(net)
    return EVERYWHERE.sampled_error(net(x), target(x), x)


def case(seed: int, noise: float | str) -> dict[str, Any] | None:
    """One round trip."""
    made = disguised(seed)
    if made is None:
        return None
    target, net = made
    if isinstance(noise, str):
        net = {"trained": trained, "composed": composed}[noise](net, seed)
    elif noise:
        net = noisy(net, seed, noise)
    result: dict[str, Any] = {"seed": seed, "noise": noise, "layers": len(net.weights) - 1}
    result["units"] = sum(net.layer_sizes[1:-1])
    result["away"] = distance(net, target)
    result["within"] = result["away"] <= TOLERANCE
    result["length"] = sum(length(e)[0] for e in target.outputs)
    if not result["within"]:
        return {**result, "proved": False, "seconds": 0.0}
    return {**result, **_read(net, target, TOLERANCE if noise else 0)}


def _read(net: ck.Network, target: ck.Target, tolerance: float) -> dict[str, Any]:
    """What is read, in how many seconds of processor time, and whether the checker accepts it.

    The limit counts processor time, too: a busy machine reads no less than a quiet one.
    """
    start = time.process_time()
    try:
        with patch("time.monotonic", time.process_time):
            found = ck.decompiled(net, tolerance=tolerance, time_limit=LIMIT)
    except ck.NotDecompiled:
        return {"proved": False, "seconds": time.process_time() - start}
    seconds = time.process_time() - start
    return {
        "seconds": seconds,
        "proved": ck.check(found.certificate, net, found.expression),
        "same": not tolerance or _same(found.proof.target, target),
        "read": found.length,
        "error": found.error,
        "text": text(found.expression),
        "engine": found.proof.engine,
    }


def learned(seed: int) -> dict[str, Any]:
    """One network that was learned from random weights, proved within 1e-6 of its function, read back."""
    name = FUNCTIONS[seed % len(FUNCTIONS)]
    target = ck.target(name)
    result: dict[str, Any] = {"seed": seed, "noise": "learned", "function": name}
    try:
        net = ck.learn(name, seed=seed // len(FUNCTIONS))
    except ck.NotLearned:
        return {**result, "affine": True, "why": "not learned"}
    result |= {"layers": len(net.weights) - 1, "units": sum(net.layer_sizes[1:-1]), "within": True}
    result["length"] = sum(length(e)[0] for e in target.outputs)
    return {**result, **_read(net, target, TOLERANCE)}


def _same(a: Any, b: ck.Target) -> bool:
    """Whether the function read is the one that was hidden, to the last digit."""
    try:
        return bool(ck.prove(ck.compile_expression(a), b, time_limit=LIMIT))
    except (
        ValueError,
        ck.Undecided,
    ):  # numbers that no network of doubles has are not those hidden
        return False


def regression() -> list[dict[str, Any]]:
    """What symbolic regression makes of one learned network a function, beside what is read here.

    gplearn with a population of 1,000 over 12 generations sees 500 points of [-2, 2]^n. What it proposes is proved or
    refuted as ours is. (PySR, the other package of this kind, needs a Julia from the network and was not run.)
    """
    from gplearn.functions import _Function
    from gplearn.genetic import SymbolicRegressor

    def expression(program: list[Any], variables: list[Any]) -> Any:
        part = program.pop(0)
        if isinstance(part, _Function):
            a = [expression(program, variables) for _ in range(part.arity)]
            return {
                "add": lambda: a[0] + a[1], "sub": lambda: a[0] - a[1], "mul": lambda: a[0] * a[1],
                "neg": lambda: -a[0], "abs": lambda: sympy.Abs(a[0]), "max": lambda: sympy.Max(*a), "min": lambda: sympy.Min(*a),
            }[part.name]()  # fmt: skip
        return variables[part] if isinstance(part, int) else sympy.Rational(str(float(part)))

    found = []
    for name in FUNCTIONS:
        net = ck.learn(name, seed=0)
        x = np.random.default_rng(0).uniform(-2, 2, (500, net.n_inputs))
        start = time.process_time()
        names = ("add", "sub", "mul", "neg", "abs", "max", "min")
        model = SymbolicRegressor(
            population_size=1000, generations=12, function_set=names, random_state=0,
            parsimony_coefficient=0.001, stopping_criteria=1e-9,
        ).fit(x, net(x)[:, 0])  # fmt: skip
        seconds = time.process_time() - start
        variables = variables_of(net.n_inputs)
        e = expression(list(model._program.program), variables)
        try:
            proved = bool(ck.prove(net, ck.Target(e, variables=variables), tolerance=TOLERANCE))
        except (ValueError, ck.Undecided):  # a product of inputs, or too long
            proved = False
        start = time.process_time()
        ours = ck.decompiled(net, tolerance=TOLERANCE, time_limit=LIMIT)
        own = time.process_time() - start
        row = {
            "function": name,
            "proved": proved,
            "seconds": seconds,
            "length": length(e)[0],
            "text": text(e),
        }
        found.append(row | {"ours": text(ours.expression), "own_seconds": own})
    return found


def known() -> list[dict[str, Any]]:
    """What was measured so far."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def forget(only: list[float | str]) -> None:
    """Leave what is measured next to be measured anew."""
    left = [r for r in known() if r["noise"] not in only]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("".join(json.dumps(r) + "\n" for r in left), encoding="utf-8")


def measure(seconds: float, only: list[float | str]) -> None:
    """The cases that are missing, for so long."""
    done = {(r["noise"], r["seed"]) for r in known()}
    end = time.monotonic() + seconds
    todo: list[tuple[Any, int]] = [(0.0, k) for k in range(CASES[0.0])]
    todo += [(v, k) for k in range(max(CASES.values())) for v, n in CASES.items() if v and k < n]
    todo = [each for each in todo if each not in done and each[0] in only]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as file:
        for noise, seed in todo:
            if time.monotonic() > end:
                break
            result = learned(seed) if noise == "learned" else case(seed, noise)
            result = result or {"noise": noise, "seed": seed, "affine": True}
            file.write(json.dumps(result) + "\n")
            file.flush()


def summary(old: dict[str, Any], only: list[float | str]) -> dict[str, Any]:
    """Found, proved, lengths and seconds, by noise and number of hidden layers; what is not in ``only`` as it was."""
    groups: dict[tuple[Any, Any], list[dict[str, Any]]] = defaultdict(list)
    for r in known():
        if r.get("affine") or r["noise"] not in only:
            continue
        groups[r["noise"], "all"].append(r)
        groups[r["noise"], min(r["layers"], 4)].append(r)
        if r["layers"] <= 3:
            groups[r["noise"], "up to 3"].append(r)
    new = {noise for noise, _ in groups}
    rows = [row for row in old.get("rows", []) if row["noise"] not in new]
    for (noise, layers), every in groups.items():
        cases = [r for r in every if r["within"]]
        proved = [r for r in cases if r["proved"]]
        ratios = sorted(r["read"] / r["length"] for r in proved)
        seconds = sorted(r["seconds"] for r in cases)
        rate = ck.Rate(len(proved), len(cases))
        rows.append(
            {
                "noise": noise,
                "layers": layers,
                "networks": len(every),
                "within": len(cases),
                "proved": len(proved),
                "interval": [round(rate.low, 4), round(rate.high, 4)],
                "same": sum(r["same"] for r in proved),
                "ratio": _quantiles(ratios),
                "shorter": sum(v < 1 for v in ratios),
                "equal": sum(v == 1 for v in ratios),
                "seconds": _quantiles(seconds),
            }
        )
    rows.sort(key=lambda row: (str(row["noise"]), str(row["layers"])))
    return {"tolerance": TOLERANCE, "limit": LIMIT, "rows": rows}


def _quantiles(values: list[float]) -> list[float]:
    """Median, 90 in 100, largest."""
    return [round(float(np.quantile(values, q)), 3) for q in (0.5, 0.9, 1.0)] if values else []


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=positive(), default=float("inf"))
    names = {str(level): level for level in CASES}
    parser.add_argument("--only", nargs="+", choices=names, default=list(names))
    parser.add_argument(
        "--again", action="store_true", help="forget what was measured of these before"
    )
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--regression", action="store_true")
    options = parser.parse_args()
    only = [names[level] for level in options.only]
    old = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
    if not options.summary and not options.regression:
        if options.again:
            forget(only)
        measure(options.seconds, only)
    made = summary(old, only)
    made["regression"] = regression() if options.regression else old.get("regression", [])
    DATA.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    for row in made["rows"]:
        print(row)


if __name__ == "__main__":
    main()
