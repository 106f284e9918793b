"""How good is ``ck.detect``: planted, disturbed, nearly right and trained networks, and single units.

    python -m benchmarks.detection                    every part, as in the book (about an hour)
    python -m benchmarks.detection planted near       only these parts
    python -m benchmarks.detection --share 0.05       a twentieth of the cases
    python -m benchmarks.detection --seed 1           other cases

The results are merged into ``chapters/data/detection.json``, which the book reads. Times are processor
seconds. The unit part compares with attribution by captum where captum is installed (``pip install
captum``); it is no dependency of anything else.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import sympy

import circuitkit as ck
from benchmarks.generators import (
    TEXTBOOK,
    disturbed,
    near_miss,
    permuted_inputs,
    scramble,
    scramble_with_labels,
    textbook,
    variables,
)
from circuitkit.exact.canonical import canonical_form
from circuitkit.exact.spell import expression, length
from circuitkit.exact.spell import text as spelled
from circuitkit.training.run import Rate
from scripts.arguments import positive, whole_number

RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "detection.json"


def share(count: int, n: int) -> dict[str, Any]:
    """A rate with its 95 % Wilson interval."""
    rate = Rate(count, n)
    return {"count": count, "n": n, "rate": float(rate), "low": rate.low, "high": rate.high}


def seconds(times: list[float]) -> dict[str, float]:
    return {
        "median": float(np.median(times)),
        "p95": float(np.quantile(times, 0.95)),
        "max": float(max(times)),
    }


def outputs_of(net: ck.Network) -> tuple[sympy.Expr, ...]:
    form = canonical_form(net)
    xs = variables(net.n_inputs)
    return tuple(expression(form, xs, output=k) for k in range(net.n_outputs))


def found_outputs(found: ck.Detection) -> tuple[sympy.Expr, ...]:
    e = found.expression
    return tuple(e) if isinstance(e, sympy.Tuple) else (e,)


# --- parts --------------------------------------------------------------------------------------------


def planted(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Textbook networks scrambled exactly, up to 1,000 hidden units: back to their textbook form?"""
    right, times, sizes, misses = 0, [], [], Counter()
    names = list(TEXTBOOK)
    for i in range(count):
        name = names[i % len(names)]
        plain = permuted_inputs(rng, textbook(name))
        units = int(np.exp(rng.uniform(np.log(10), np.log(1000))))
        net = scramble(rng, plain, units=units)
        wanted = outputs_of(plain)
        start = time.process_time()
        found = ck.detect(net, tolerance=0)
        times.append(time.process_time() - start)
        sizes.append(sum(net.layer_sizes[1:-1]))
        good = found_outputs(found) == wanted and found.error == 0
        right += good
        if not good:
            misses[name] += 1
    return {
        "textbook form": share(right, count),
        "seconds": seconds(times),
        "hidden units": {"median": float(np.median(sizes)), "max": max(sizes)},
        "missed": dict(misses),
    }


def near(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Networks that are nearly right: no false verdict, and a name exactly within the tolerance."""
    false_verdicts, false_names, missed_names, wrong_errors = 0, 0, 0, 0
    kinds: Counter[str] = Counter()
    times = []
    for i in range(count):
        kind, name, net = near_miss(rng, i)
        kinds[kind] += 1
        start = time.process_time()
        refuted = ck.prove(net, name, engine="regions")
        times.append(time.process_time() - start)
        error = refuted.exact_error
        assert error is not None
        if refuted or not error or ck.prove(net, name, engine="z3"):
            false_verdicts += 1
        inside, outside = error * Fraction(1000001, 1000000), error * Fraction(999999, 1000000)
        for engine in ("regions", "z3"):
            for tolerance, expected in ((error, True), (inside, True), (outside, False)):
                if bool(ck.prove(net, name, tolerance=tolerance, engine=engine)) != expected:
                    if tolerance == error:
                        wrong_errors += 1
                    false_verdicts += 1
        # A sign flip may turn one function into another.
        exactly = ck.detect(net, tolerance=0).basic
        if exactly == name or (exactly is not None and not ck.prove(net, exactly, engine="z3")):
            false_names += 1
        if ck.detect(net, tolerance=outside).basic == name:
            false_names += 1
        if ck.detect(net, tolerance=inside).basic != name and error < Fraction(1, 10):
            missed_names += 1
        usual = ck.detect(net)
        if usual.basic is not None and not ck.prove(net, usual.basic, tolerance=1e-2, engine="z3"):
            false_names += 1
    return {
        "kinds": dict(kinds),
        "false verdicts": false_verdicts,
        "exact errors not confirmed by z3": wrong_errors,
        "false names": false_names,
        "names missed just inside the tolerance": missed_names,
        "false verdicts or names": share(false_verdicts + false_names, count),
        "seconds": seconds(times),
    }


def noise(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Weight noise of 1e-3 and cancelling units added: the planted function, with a certified error."""
    right, false_names, certified, times, errors = 0, 0, 0, [], []
    misses: Counter[str] = Counter()
    names = [n for n in TEXTBOOK if n not in ("sort4", "sort5", "median5", "min8")]
    for i in range(count):
        name = names[i % len(names)]
        plain = permuted_inputs(rng, textbook(name))
        extra = int(rng.integers(2, 9))
        net = scramble(rng, plain, units=sum(plain.layer_sizes[1:-1]) + extra)
        net = disturbed(rng, net, 1e-3)
        wanted = ck.Target(outputs_of(plain), variables=variables(plain.n_inputs))
        start = time.process_time()
        found = ck.detect(net, time_limit=120)
        times.append(time.process_time() - start)
        equal = canonical_equal(plain, found_outputs(found))
        right += equal and found.error < float("inf")
        certified += found.error < float("inf")
        errors.append(found.error)
        if not equal:
            misses[name] += 1
        if found.basic is not None and ck.target(found.basic).outputs != wanted.outputs:
            false_names += 1
    return {
        "certified recall": share(right, count),
        "certified": share(certified, count),
        "false names": false_names,
        "worst error": {"median": float(np.median(errors)), "max": float(max(errors))},
        "seconds": seconds(times),
        "missed": dict(misses),
    }


def canonical_equal(plain: ck.Network, outputs: tuple[sympy.Expr, ...]) -> bool:
    """Whether the expressions are the plain network's function, whatever way they are written."""
    if any(e.has(sympy.Function("network")) for e in outputs):
        return False
    return bool(ck.prove(plain, ck.Target(outputs, variables=variables(plain.n_inputs))))


SHALLOW = {
    "identity": (2,),
    "negation": (2,),
    "abs": (2,),
    "add": (2,),
    "subtract": (2,),
    "min": (3,),
    "max": (3,),
}


def trained(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Shallow networks trained with the default settings: solved ones named, stuck ones not."""
    each = -(-count // len(SHALLOW))
    named, circuits, solved, quiet, stuck, exact, read, n = 0, 0, 0, 0, 0, 0, 0, 0
    times = []
    for name, hidden in SHALLOW.items():
        first = int(rng.integers(0, 2**31))
        steps = 10_000 if name in ("min", "max") else 500
        run = ck.train(
            name, hidden, seeds=range(first, first + each), steps=steps, threads=1, progress=False
        )
        for seed in run.seeds.tolist():
            net = run.network(int(seed))
            start = time.process_time()
            found = ck.detect(net)
            circuit = found.circuit
            times.append(time.process_time() - start)
            n += 1
            worst = ck.prove(net, name)
            exact += worst.exact_error is not None
            read += found.error <= 1e-2
            if worst.exact_error <= Fraction(1, 100):
                solved += 1
                named += found.basic == name
                circuits += circuit is not None
            else:
                stuck += 1
                quiet += found.basic is None
    return {
        "right structure": share(named + quiet, n),
        "solved, named": share(named, solved),
        "solved, circuit known": share(circuits, solved),
        "stuck, no name given": share(quiet, stuck),
        "expression within 0.01": share(read, n),
        "exact worst error": share(exact, n),
        "seconds": seconds(times),
    }


#: target, hidden layers
DEEP = (
    ("min", (8, 6)),
    ("max", (6, 4)),
    ("abs(min(x1, x2))", (10, 6)),
    ("min(abs(x1), abs(x2))", (10, 8)),
    ("max(min(x1, x2), min(x1, x3), min(x2, x3))", (12, 8)),
    ("min(x1, x2, x3)", (10, 6)),
    ("max(0, x1) + abs(x2)", (8, 4)),
    ("min4", (14, 10)),
)


def deep(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Two hidden layers, 10 to 24 units, trained: the exact worst error, and the function read back.

    Training now and then ends at another function. Those networks are counted apart: what is read is short,
    and its certified error is smaller than the exact error of the function that was to be learned.
    """
    each = -(-count // len(DEEP))
    rows: list[dict[str, Any]] = []
    for text, hidden in DEEP:
        first = int(rng.integers(0, 2**31))
        many = ck.target(text).n_inputs > 2
        data: dict[str, Any] = {"data": "batches", "batch_size": 256} if many else {}
        run = ck.train(
            text,
            hidden,
            seeds=range(first, first + each),
            steps=2500,
            optimizer="adam",
            learning_rate=0.01,
            threads=1,
            progress=False,
            **data,
        )
        for seed in run.seeds.tolist():
            rows.append(deep_row(text, seed, run.network(int(seed))))
            print(json.dumps(rows[-1]), flush=True)
    own = [row for row in rows if row["outcome"] != "another function"]
    errors = [row["worst error"] for row in rows if row["worst error"] is not None]
    right = {text: [row for row in rows if row["target"] == text] for text, _ in DEEP}
    return {
        "structure": share(sum(row["outcome"] == "the target" for row in own), len(own)),
        "trained into another function, which was read": len(rows) - len(own),
        "exact worst error": share(len(errors), len(rows)),
        "worst error": {"median": float(np.median(errors)), "max": float(max(errors))},
        "seconds for the worst error": seconds([row["seconds"] for row in rows]),
        "by target": {
            text: dict(Counter(row["outcome"] for row in some)) for text, some in right.items()
        },
        "rows": rows,
    }


#: what is read of a network that trained into another function is as short as this, symbols and numbers
SHORT = 16


def deep_row(text: str, seed: int, net: ck.Network) -> dict[str, Any]:
    """One deep network: its exact worst error, what is read, and whether that is the target."""
    target = ck.target(text)
    start = time.process_time()
    worst = None
    try:
        proof = ck.prove(net, target, engine="regions", time_limit=120)
        worst = proof.error if proof.exact_error is not None else None
    except ck.Undecided:
        pass
    spent = time.process_time() - start
    start = time.process_time()
    found = ck.detect(net, time_limit=120)
    e = found.expression
    is_read = e is not None and not e.has(sympy.Function("network"))
    outcome = "not read"
    if is_read and same_function(e, target):
        outcome = "the target"
    elif is_read and worst is not None and found.error < worst and length(e)[0] <= SHORT:
        outcome = "another function"
    return {
        "target": text,
        "seed": seed,
        "outcome": outcome,
        "worst error": worst,
        "seconds": spent,
        "read": spelled(e) if is_read else None,
        "its error": found.error if is_read else None,
        "seconds to read": time.process_time() - start,
    }


def same_function(e: sympy.Expr, target: ck.Target) -> bool:
    zero = ck.Network([np.zeros((1, target.n_inputs))])
    return bool(ck.prove(zero, ck.Target(e - target.expression, variables=target.variables)))


# --- units --------------------------------------------------------------------------------------------

UNIT_CIRCUITS = ("identity", "abs", "add", "subtract", "min", "max", "min by average", "min4")


def units(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Which units belong to the circuit, beside units that cancel: AUC, and attribution's."""
    results: dict[str, Any] = {}
    for amplitude in (1.0, 4.0, 16.0):
        scores: dict[str, list[float]] = {}
        for i in range(count):
            name = UNIT_CIRCUITS[i % len(UNIT_CIRCUITS)]
            plain = textbook(name)
            total = sum(plain.layer_sizes[1:-1])
            net, labels = scramble_with_labels(
                rng,
                plain,
                units=2 * total + int(rng.integers(4, 10)),
                amplitude=amplitude,
                split=False,
            )
            wanted = np.concatenate(labels)
            if wanted.all():
                continue
            found = ck.detect(net, tolerance=0)
            own = np.array([u.in_circuit for u in found.units], dtype=float)
            scores.setdefault("ck.detect", []).append(auc(own, wanted))
            for method, values in attributions(net, rng).items():
                scores.setdefault(method, []).append(auc(values, wanted))
        results[f"null amplitude x{amplitude:g}"] = {
            method: {"mean AUC": float(np.mean(v)), "min AUC": float(min(v)), "n": len(v)}
            for method, v in scores.items()
        }
    return results


def attributions(net: ck.Network, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Mean absolute attribution of each hidden unit: captum's LayerConductance, gradient x activation."""
    import torch

    module = net.to_torch().double()
    x = torch.as_tensor(rng.uniform(-1, 1, size=(256, net.n_inputs)))
    layers = [layer for layer in module if isinstance(layer, torch.nn.ReLU)]
    kept: list[torch.Tensor] = []
    handles = [layer.register_forward_hook(lambda _m, _i, o: kept.append(o)) for layer in layers]
    y = module(x)
    gradients = torch.autograd.grad(y.sum(), kept)
    for handle in handles:
        handle.remove()
    found = {
        "gradient x activation": np.concatenate(
            [
                (g * h).abs().mean(dim=0).detach().numpy()
                for g, h in zip(gradients, kept, strict=True)
            ]
        )
    }
    try:
        from captum.attr import LayerConductance
    except ImportError:
        return found
    found["captum LayerConductance"] = np.concatenate(
        [
            LayerConductance(module, layer)
            .attribute(x, target=0)
            .abs()
            .mean(dim=0)
            .detach()
            .numpy()
            for layer in layers
        ]
    )
    return found


def auc(scores: np.ndarray, wanted: np.ndarray) -> float:
    """How often a unit of the circuit scores above another one; ties count half."""
    inside, outside = scores[wanted], scores[~wanted]
    above = (inside[:, None] > outside).mean()
    return float(above + (inside[:, None] == outside).mean() / 2)


PARTS: dict[str, tuple[Callable[[np.random.Generator, int], dict[str, Any]], int]] = {
    "planted": (planted, 1000),
    "near": (near, 3000),
    "noise": (noise, 180),
    "trained": (trained, 500),
    "deep": (deep, 64),
    "units": (units, 160),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--seed", type=whole_number(0), default=0)
    parser.add_argument("--share", type=positive(1), default=1.0, help="share of the cases to run")
    parser.add_argument("--save", action="store_true", help="keep the results of a share, too")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; expected any of {', '.join(PARTS)}")
    for part in arguments.parts or PARTS:
        run, count = PARTS[part]
        n = max(1, round(count * arguments.share))
        start = time.process_time()
        result = run(np.random.default_rng([arguments.seed, list(PARTS).index(part)]), n)
        result["processor seconds in all"] = time.process_time() - start
        result["seed"] = arguments.seed
        result["cases"] = n
        print(json.dumps({part: result}, indent=2))
        if arguments.share >= 1.0 or arguments.save:
            save(part, result)


def save(part: str, result: dict[str, Any]) -> None:
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known["software"] = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "sympy": sympy.__version__,
    }
    known[part] = result
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
