"""The public functions by families: what each argument may be, and whether an answer is right."""

from __future__ import annotations

import inspect
import itertools
import json
import math
import pickle
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import independent as exact
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from hostile import TEXTS, bytes_from, changed, text_from

import circuitkit as ck
from circuitkit import circuits, images, plotting, superposition

mpl.use("agg")

__all__ = ["FAMILIES", "Call"]

Rng = np.random.Generator
Arguments = dict[str, Any]
Judge = Callable[[Arguments, set[str], Any], str | None]
NETWORKS = Path(__file__).parents[1] / "tests" / "networks"
#: seconds that a question may take which can say that it is undecided
SECONDS = 0.3


@dataclass(frozen=True)
class Call:
    """A function, its right arguments, and who says whether its answer is right.

    Attributes:
        name: what the reports call it.
        function: what is called, by names.
        draw: arguments that will do; those that begin with "_" are for the judge alone.
        judge: arguments, the names of the replaced ones, the answer -> what is wrong with it, or None.
        named: errors that its documentation names beside ValueError and TypeError.
        optional: arguments that may be replaced, too, though none is drawn.
        says: what else its messages call an argument.
        replaces: whether arguments are replaced; not where they are hostile already.
        fixed: arguments that are never replaced: what is asked.
    """

    name: str
    function: Callable[..., Any]
    draw: Callable[[Rng], Arguments]
    judge: Judge = lambda arguments, replaced, answer: None
    named: tuple[type[BaseException], ...] = ()
    optional: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    replaces: bool = True
    fixed: tuple[str, ...] = ()

    @property
    def may_name(self) -> set[str]:
        parameters = {name.split(".")[-1] for name in _parameters(self.function)}
        return parameters | set(self.says) | set(self.optional)


@cache
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


# --- numbers, found without the package ---------------------------------------------------------------


def spelled(rng: Rng, depth: int = 2) -> tuple[str, exact.Expression, int]:
    """A text, what it means and its number of inputs; each of them is mentioned."""
    n = int(rng.choice([1, 1, 2, 3]))
    e = exact.random_expression(rng, n, depth)
    every = ("+", e, *(("*", Fraction(1), ("x", i)) for i in range(n)))
    return exact.text(every), every, n


def value(e: exact.Expression, x: Sequence[Fraction]) -> Fraction:
    steps = exact.Steps(len(x))
    column = exact.expression_steps(steps, e)
    return steps.values([*x, Fraction(1)])[column]


def outputs(net: ck.Network, x: Sequence[Fraction]) -> list[Fraction]:
    """What a network computes, from its weights as the fractions that they are."""
    found = list(x)
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        rows = zip(w.tolist(), b.tolist(), strict=True)
        found = [
            sum((Fraction(v) * a for v, a in zip(row, found, strict=True)), Fraction(bias))
            for row, bias in rows
        ]
        if layer < len(net.weights) - 1:
            found = [max(v, Fraction(0)) for v in found]
    return [v * net.scale for v in found]


def points(n: int, box: Any = None, count: int = 12) -> list[list[Fraction]]:
    """Inputs here and there, the same each time; in a box where there is one."""
    rng = np.random.default_rng(n)
    drawn = [[Fraction(int(v), 8) for v in rng.integers(-40, 41, n)] for _ in range(count)]
    drawn += [[Fraction(0)] * n, [Fraction(10**6)] * n]
    if box is None:
        return drawn
    ends = [(Fraction(low), Fraction(high)) for low, high in box]
    shares = rng.random((count, n))
    inside = [
        [a + Fraction(float(s)) * (b - a) for s, (a, b) in zip(row, ends, strict=True)]
        for row in shares
    ]
    return [*inside, [a for a, _ in ends], [b for _, b in ends]]


def rational(v: Any) -> Fraction:
    """A number as it is; a fraction of one of numpy's wholes would go on rounding as that does."""
    return Fraction(v.item() if isinstance(v, np.generic) else v)


def size(x: Sequence[Fraction]) -> Fraction:
    return max(Fraction(1), *(abs(v) for v in x))


def network(rng: Rng, n: int | None = None, *, most: int = 4, out: int = 1) -> ck.Network:
    """Small ones, some of them with magnitudes that doubles hardly hold."""
    n = n or int(rng.choice([1, 1, 2, 3]))
    sizes = [n, *rng.integers(1, most + 1, int(rng.integers(1, 4))).tolist(), out]
    wild = rng.random() < 0.15
    extreme = [5e-324, 1e-300, 1e-17, 1.0, 1 + 2**-52, 1e17, 1e150, 1e308]

    def draw(*shape: int) -> np.ndarray:
        whole = rng.integers(-2, 3, shape).astype(float)
        if wild:
            return np.where(rng.random(shape) < 0.6, whole, rng.choice(extreme, shape) * whole)
        return whole if rng.random() < 0.6 else rng.normal(size=shape)

    layers = list(itertools.pairwise(sizes))
    with np.errstate(over="ignore"):
        weights = [np.nan_to_num(draw(b, a)) for a, b in layers]
        biases = [np.nan_to_num(draw(b)) for _, b in layers] if rng.random() < 0.6 else None
    scale = Fraction(1, 3) if rng.random() < 0.1 else 1
    return ck.Network(weights, biases, scale=scale)


def box(rng: Rng, n: int) -> list[tuple[float, float]] | None:
    if rng.random() < 0.5:
        return None
    low = rng.integers(-4, 4, n)
    return [(float(a), float(a + d)) for a, d in zip(low, rng.integers(0, 5, n), strict=True)]


def is_near(a: float, b: Fraction, rel: float = 1e-9, scale: Fraction = Fraction(1)) -> bool:
    return math.isinf(a) or abs(Fraction(a) - b) <= Fraction(rel) * max(scale, abs(b), 1)


def choice(rng: Rng, *values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def a_circuit(rng: Rng) -> ck.Network:
    return ck.circuit(choice(rng, "abs", "identity", "min", "max", "add", "median_of_three"))


# --- language -----------------------------------------------------------------------------------------


def _targets_value(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    if not isinstance(answer, ck.Target) or not answer.name:
        return "no target"
    if "t" in replaced:
        return None
    for x in points(arguments["_n"]):
        got = answer([float(v) for v in x])
        right = value(arguments["_e"], x)
        if got.shape != (1,) or not is_near(float(got[0]), right):
            return f"{got} at {x}, expected {right}"
    return None


def _spelled_target(rng: Rng) -> Arguments:
    text, e, n = spelled(rng, 3)
    if rng.random() < 0.3:
        text = text.replace(" ", "").replace("*", " * ")
    return {"t": text, "_e": e, "_n": n}


def _broken_text(rng: Rng) -> Arguments:
    text = choice(rng, spelled(rng, 3)[0], *TEXTS[:8], "clamp(x, -1, 1)", "|x| - 2|x - 1|", "y1 <= x1",
                  "x if x > 0 else x/3", "interpolate(x, (-2, 0), (0, 3), (2, -1))", "sort(a, b)")  # fmt: skip
    return {"t": text_from(rng, text)}


def _same_again(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    """What was read from a text is read from its own expression, too."""
    again = ck.target(answer.expression)
    if again.n_inputs != answer.n_inputs:
        return None  # an input that the expression no longer mentions
    x = np.linspace(-2, 3, 7 * answer.n_inputs).reshape(7, answer.n_inputs)
    try:
        first, second = answer(x), again(x)
    except ValueError:
        return None
    same = np.allclose(first, second, rtol=1e-9, atol=1e-9, equal_nan=True)
    return None if same else f"{first} and {second}"


def _at_value(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    return None if isinstance(answer, np.ndarray) and np.isfinite(answer).all() else f"{answer}"


def _asked_target(rng: Rng) -> Arguments:
    target = ck.target(choice(rng, "abs", "min", "x/3", "sort(x1, x2)", "1e308*x", "max(x, 0)/7"))
    return {"target": target, "x": rng.normal(size=(3, target.n_inputs))}


LANGUAGE = (
    Call("target", ck.target, _spelled_target, _targets_value, says=("target", "expression")),
    Call(
        "target, broken text",
        ck.target,
        _broken_text,
        _same_again,
        says=("target", "expression"),
        replaces=False,
    ),
    Call("Target(x)", lambda target, x: target(x), _asked_target, _at_value, fixed=("target",)),
)


# --- networks and circuits ----------------------------------------------------------------------------


def _weights(rng: Rng) -> Arguments:
    net = network(rng)
    return {
        "weights": [w.tolist() for w in net.weights],
        "biases": [b.tolist() for b in net.biases],
    }


def _keeps_weights(arguments: Arguments, replaced: set[str], net: Any) -> str | None:
    if replaced - {"scale"}:
        return None if all(np.isfinite(w).all() for w in net.weights) else "weights not finite"
    same = all(w.tolist() == v for w, v in zip(net.weights, arguments["weights"], strict=True))
    return None if same and ck.Network.from_dict(net.to_dict()) == net else "other weights"


def _evaluated(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    net = arguments["net"]
    if not isinstance(answer, np.ndarray):
        return f"{type(answer)}"
    if replaced or any(np.abs(w).max() > 1e6 for w in (*net.weights, *net.biases)):
        return None
    for x, y in zip(arguments["x"].tolist(), answer.tolist(), strict=True):
        right = outputs(net, [Fraction(v) for v in x])
        bound = Fraction(float(np.prod([1 + np.abs(w).sum() for w in net.weights])))
        scale = bound * size([Fraction(v) for v in x]) + 10**6
        if not all(is_near(a, b, 1e-9, scale) for a, b in zip(y, right, strict=True)):
            return f"{y} at {x}, expected {[float(v) for v in right]}"
    return None


def _asked(rng: Rng) -> Arguments:
    net = network(rng, out=int(rng.integers(1, 3)))
    return {"net": net, "x": rng.normal(size=(3, net.n_inputs)) * choice(rng, 1, 1, 1e6)}


def _layers(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    hidden = [a.shape[-1] for a in answer]
    return None if hidden == list(arguments["net"].layer_sizes[1:-1]) else f"{hidden}"


def _two(rng: Rng) -> Arguments:
    inner = network(rng, out=2, most=3)
    outer = network(rng, 2, most=3)
    return {"outer": outer, "inner": inner}


def _composed(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    outer, inner = arguments["outer"], arguments["inner"]
    for x in points(inner.n_inputs, count=4):
        if outputs(answer, x) != outputs(outer, outputs(inner, x)):
            return f"another value at {x}"
    return None


def _beside(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    a, b = arguments["a"], arguments["b"]
    for x in points(answer.n_inputs, count=4):
        own = outputs(a, x[: a.n_inputs]) + outputs(b, x[a.n_inputs :])
        if outputs(answer, x) != own:
            return f"another value at {x}"
    return None


def _signed(name: str) -> Call:
    function = getattr(circuits, name)

    def right(arguments: Arguments, replaced: set[str], net: Any) -> str | None:
        computes = {"identity": lambda x: x[0], "negation": lambda x: -x[0], "add": lambda x: x[0] + x[1],
                    "absolute": lambda x: abs(x[0]), "subtract": lambda x: x[0] - x[1]}[name]  # fmt: skip
        for x in points(net.n_inputs, count=4):
            if not is_near(float(outputs(net, x)[0]), computes(x), 1e-12, size(x)):
                return f"{float(outputs(net, x)[0])} at {x}"
        return None

    return Call(
        f"circuits.{name}",
        function,
        lambda rng: {"w1": float(2.0 ** rng.integers(-3, 4)), "w2": -float(rng.random() + 0.01)},
        right,
    )


def _from_dict(data: Any) -> Any:
    return ck.Network.from_dict(data)


def _finite_network(arguments: Arguments, replaced: set[str], net: Any) -> str | None:
    if not isinstance(net, ck.Network):
        return f"{type(net)}"
    finite = all(np.isfinite(v).all() for v in (*net.weights, *net.biases))
    return None if finite else "weights not finite"


NETWORK = (
    Call("Network", ck.Network, _weights, _keeps_weights, optional=("scale",)),
    Call("Network(x)", lambda net, x: net(x), _asked, _evaluated, fixed=("net",)),
    Call("Network.activations", lambda net, x: net.activations(x), _asked, _layers, fixed=("net",)),
    Call("Network.preactivations", lambda net, x: net.preactivations(x), _asked, _layers, fixed=("net",)),
    Call(
        "Network.from_dict",
        _from_dict,
        lambda rng: {"data": changed(rng, network(rng).to_dict())},
        _finite_network,
        says=("weights", "biases", "scale"),
    ),
    Call("circuit", ck.circuit, lambda rng: {"name": choice(rng, "abs", "min", "sort_two")}, _finite_network),
    Call("compose", ck.compose, _two, _composed),
    Call("parallel", ck.parallel, lambda rng: {"a": network(rng), "b": network(rng)}, _beside),
    *map(_signed, ("identity", "negation", "absolute", "add", "subtract")),
    Call("circuits.minimum", circuits.minimum, lambda rng: {"via": choice(rng, 1, 2)}, _finite_network),
    Call("circuits.maximum", circuits.maximum, lambda rng: {"via": choice(rng, 1, 2)}, _finite_network),
)  # fmt: skip


# --- proofs -------------------------------------------------------------------------------------------


def _claim(rng: Rng) -> Arguments:
    if rng.random() < 0.5:
        text, e, n = spelled(rng)
        net = network(rng, n)
        if rng.random() < 0.5:
            net = ck.compile_expression(text)
    else:
        net = ck.circuit("min")
        text, e, n = "min(x1, x2)", ("min", ("x", 0), ("x", 1)), 2
        if rng.random() < 0.5:
            w = [a.copy() for a in net.weights]
            w[0][0, 0] += choice(rng, 1e-3, 2**-52, 1)
            net = ck.Network(w)
    return {
        "net": net,
        "target": text,
        "tolerance": choice(rng, 0, 0, 0.01, Fraction(1, 7)),
        "domain": box(rng, n),
        "measure": choice(rng, "relative", "absolute"),
        "time_limit": SECONDS,
        "_e": e,
    }


def _error(arguments: Arguments, net: ck.Network, x: Sequence[Fraction]) -> Fraction:
    off = abs(outputs(net, x)[0] - value(arguments["_e"], x))
    return off / size(x) if arguments["measure"] == "relative" else off


def _is_box(domain: Any, n: int) -> bool:
    return domain is None or (
        isinstance(domain, list)
        and len(domain) == n
        and all(isinstance(v, tuple) and all(math.isfinite(e) for e in v) for v in domain)
    )


def _proved(arguments: Arguments, replaced: set[str], proof: Any) -> str | None:
    if not isinstance(proof, ck.Proof):
        return None if isinstance(proof, list) else f"{type(proof)}"
    json.dumps(proof.certificate)
    if proof.holds:
        if not ck.check(proof.certificate, arguments["net"], proof.target):
            return "its certificate is refused"
    elif proof.counterexample is None:
        return "no counterexample"
    net, domain = arguments["net"], arguments["domain"]
    if replaced & {"net", "target", "measure"} or not _is_box(domain, net.n_inputs):
        return None
    tolerance = rational(arguments["tolerance"])
    if proof.holds:
        for x in points(net.n_inputs, domain):
            if _error(arguments, net, x) > tolerance:
                return f"holds, yet is off by {float(_error(arguments, net, x))} at {x}"
        return None
    x = [Fraction(v) for v in proof.counterexample.tolist()]
    if domain and not all(
        Fraction(a) <= v <= Fraction(b) for v, (a, b) in zip(x, domain, strict=True)
    ):
        return f"its counterexample {x} is outside"
    return None if _error(arguments, net, x) > tolerance else f"its counterexample {x} is none"


def _relation(rng: Rng) -> Arguments:
    net = network(rng, 2, out=2)
    left, right = choice(rng, "y1", "y2", "x1 + 1"), choice(rng, "y1", "x1", "2*x2", "abs(x1) + 3")
    text = f"{left} {choice(rng, '<=', '<', '>', '>=')} {right}"
    if rng.random() < 0.3:
        text += " and y2 >= y1 - 4"
    return {"net": net, "target": text if "y" in text else "y1 <= x1", "domain": box(rng, 2), "time_limit": SECONDS}  # fmt: skip


def _related(arguments: Arguments, replaced: set[str], proof: Any) -> str | None:
    if not isinstance(proof, ck.Proof):
        return None
    if proof.holds and not ck.check(proof.certificate, arguments["net"], proof.target):
        return "its certificate is refused"
    net, domain = arguments["net"], arguments["domain"]
    if replaced & {"net", "target"} or not _is_box(domain, 2):
        return None
    if proof.holds:
        lost = [x for x in points(2, domain) if not _true(arguments["target"], net, x)]
        return f"holds, yet not at {lost[0]}" if lost else None
    x = [Fraction(v) for v in proof.counterexample.tolist()]
    return f"its counterexample {x} is none" if _true(arguments["target"], net, x) else None


def _true(relation: str, net: ck.Network, x: Sequence[Fraction]) -> bool:
    """The relation's value, by Python itself: it is one of ours."""
    names = dict(zip(("y1", "y2"), outputs(net, x), strict=True)) | {"x1": x[0], "x2": x[1]}
    return bool(eval(relation, {"__builtins__": {"abs": abs}}, names))  # noqa: S307


@cache
def _certificates() -> list[tuple[dict[str, Any], ck.Network, str]]:
    """Proved claims, each with a network for which the claim is false."""
    found = []
    for name, domain in (
        ("abs", None),
        ("min", None),
        ("max", [(-1, 1)] * 2),
        ("clamp(x, -1, 1)", None),
    ):
        net = ck.compile_expression(name) if "(" in name else ck.circuit(name)
        w = [a.copy() for a in net.weights]
        w[-1][0, 0] += 0.5
        false = ck.Network(w, net.biases, scale=net.scale)
        proof = ck.prove(net, name, domain=domain)
        found.append((json.loads(json.dumps(proof.certificate)), false, name))
    return found


def _forged(rng: Rng) -> Arguments:
    certificate, false, name = choice(rng, *_certificates())
    return {
        "certificate": changed(rng, certificate),
        "network": false,
        "target": name,
        "_whole": certificate,
    }


def _not_fooled(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    if not isinstance(answer, bool):
        return f"{answer!r} is neither True nor False"
    claim = ("tolerance", "measure", "domain")
    forged, whole = arguments["certificate"], arguments["_whole"]
    if not answer or replaced & {"network", "target"}:
        return None
    same = isinstance(forged, dict) and all(forged.get(k) == whole.get(k) for k in claim)
    return "a false claim is accepted" if same else None


PROOF = (
    Call("prove", ck.prove, _claim, _proved, (ck.Undecided,), ("engine", "executor"), ("expression",)),
    Call("prove, relations", ck.prove, _relation, _related, (ck.Undecided,), ("tolerance", "measure"), ("expression",)),
    Call("check", ck.check, _forged, _not_fooled),
)  # fmt: skip


# --- detection ----------------------------------------------------------------------------------------


def _reading(rng: Rng) -> Arguments:
    net = network(rng) if rng.random() < 0.6 else a_circuit(rng)
    return {"net": net, "domain": box(rng, net.n_inputs), "tolerance": choice(rng, 0.01, 0, 0.1), "time_limit": SECONDS}  # fmt: skip


def _far(net: Any, other: Callable[[Any], Any], arguments: Arguments, inside: Any) -> str | None:
    """Where ``other`` is further from the network than the tolerance and a float's rounding."""
    tolerance = arguments["tolerance"]
    for x in points(net.n_inputs, inside):
        right = outputs(net, x)
        rounding = Fraction(1e-9) * max(1, *(abs(v) for v in right))
        with np.errstate(all="ignore"):
            got = np.atleast_1d(other([float(v) for v in x]))
        for a, b in zip(got.tolist(), right, strict=True):
            if math.isfinite(a) and abs(Fraction(a) - b) > rational(tolerance) * size(x) + rounding:
                return f"{a} where the network gives {float(b)}, at {x}"
    return None


def _judgeable(arguments: Arguments, replaced: set[str]) -> bool:
    net = arguments["net"]
    small = all(np.abs(v).max(initial=0) < 1e6 for v in (*net.weights, *net.biases))
    return (
        small
        and not replaced & {"net", "data"}
        and _is_box(arguments["domain"], net.n_inputs)
        and isinstance(arguments["tolerance"], (int, float, Fraction))
    )


def _detected(arguments: Arguments, replaced: set[str], found: Any) -> str | None:
    if len(found.units) != sum(arguments["net"].layer_sizes[1:-1]):
        return "not every unit is told of"
    str(found)
    if found.function is None or not _judgeable(arguments, replaced):
        return None
    return _far(arguments["net"], ck.target(found.function), arguments, arguments["domain"])


def _extracted(arguments: Arguments, replaced: set[str], found: Any) -> str | None:
    str(found), repr(found.verdict)
    if not _judgeable(arguments, replaced) or arguments.get("against") is not None:
        return None
    return _far(arguments["net"], found.network, arguments, arguments["domain"])


def _inside(arguments: Arguments, replaced: set[str], found: Any) -> str | None:
    return None if str(found) and found.verdict else "no verdict"


def _extract(rng: Rng) -> Arguments:
    return {
        **_reading(rng),
        "method": choice(rng, "ablation", "ablation", "exact"),
        "edges": bool(rng.random() < 0.5),
    }


DETECTION = (
    Call("detect", ck.detect, _reading, _detected, optional=("data",)),
    Call("detect", ck.detect, _reading, _detected, optional=("data",)),
    Call("extract", ck.extract, _extract, _extracted, (ck.Undecided,), ("against", "fill"), ("expression",)),
    Call("subcircuits", ck.subcircuits, _reading, _inside, (ck.Undecided,)),
)  # fmt: skip


# --- training -----------------------------------------------------------------------------------------


def _training(rng: Rng) -> Arguments:
    return {
        "target": choice(rng, "identity", "abs", "min", "x/2 + 1"),
        "hidden": choice(rng, 1, 2, (2, 2), 3),
        "seeds": choice(rng, 1, 3, [7, 2], range(4, 6)),
        "steps": int(rng.integers(0, 6)),
        "optimizer": choice(rng, "sgd", "adam"),
        "learning_rate": float(choice(rng, 0.1, 0.01, 1e3)),
        "bias": bool(rng.random() < 0.5),
        "progress": False,
        "data": choice(rng, "population", "batches"),
        "budget": 20.0,
    }


def _trained(arguments: Arguments, replaced: set[str], run: Any) -> str | None:
    n = len(run.seeds)
    if run.loss.shape != (n,) or run.solved.shape != (n,):
        return f"{run.loss.shape} losses of {n} seeds"
    for i, seed in enumerate(run.seeds.tolist()[:2]):
        if run.diverged[i]:
            continue
        net = run.network(seed)
        if not replaced & {"seeds"}:
            alone = ck.train(**{k: v for k, v in arguments.items() if k != "seeds"}, seeds=[seed])
            if alone.network(seed) != net:
                return f"seed {seed} gives another network beside others"
        if run.solved[i] and not replaced & {"domain", "target"}:
            target = ck.target(arguments["target"])
            wrong = _far(net, target, {"tolerance": 1e-3}, [(-1, 1)] * net.n_inputs)
            if wrong:
                return f"solved, yet {wrong}"
    return None


def _learned(arguments: Arguments, replaced: set[str], net: Any) -> str | None:
    if replaced & {"target", "domain"}:
        return None
    return _far(net, ck.target(arguments["target"]), {"tolerance": 1e-6}, None)


def _learning(rng: Rng) -> Arguments:
    return {"target": choice(rng, "identity", "abs", "x"), "seed": int(rng.integers(99)), "budget": 300.0, "progress": False}  # fmt: skip


def _cells(rng: Rng) -> Arguments:
    cell = {
        "target": choice(rng, "abs", "identity"),
        "hidden": choice(rng, (2,), 3),
        "seeds": (0, 2),
        "steps": 2,
    }
    cells = [changed(rng, cell) if rng.random() < 0.7 else cell]
    return {"cells": cells, "progress": False}


def _wilson(arguments: Arguments, replaced: set[str], rate: Any) -> str | None:
    k, n = int(arguments["count"]), int(arguments["n"])
    if not n:
        return None
    z, p = 1.959963984540054, k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    near = (
        abs(rate.low - max(0, middle - half)) < 1e-6
        and abs(rate.high - min(1, middle + half)) < 1e-6
    )
    return None if near else f"({rate.low}, {rate.high}) for {k} of {n}"


def _store(store: Any) -> Any:
    return ck.sweep(
        [{"target": "abs", "hidden": 2, "seeds": (0, 2), "steps": 1}], store=store, progress=False
    )


CELL = ("target", "hidden", "seeds", "steps", "optimizer", "learning_rate", "init", "data", "rescue", "bias",
        "schedule", "weight_decay", "options", "dtype")  # fmt: skip
TRAINING = (
    Call("train", ck.train, _training, _trained,
         optional=("init", "rescue", "schedule", "weight_decay", "options", "dtype", "device", "batch_size",
                   "threads", "domain"), says=("expression",)),
    Call("learn", ck.learn, _learning, _learned, (ck.NotLearned,), ("hidden", "domain"), ("expression",)),
    Call("sweep", ck.sweep, _cells, named=(OSError,), says=(*CELL, "cell", "expression")),
    Call("sweep, store", _store, lambda rng: {"store": choice(rng, None, "folder", *TEXTS[:5])}, named=(OSError,)),
    Call("Cell", ck.Cell, lambda rng: {"target": "abs", "hidden": (2,), "seeds": (0, 2), "steps": 2},
         optional=CELL[4:], says=("expression",)),
    Call("grid", ck.grid, lambda rng: {"target": "abs", "hidden": [2], "seeds": 8, "seeds_per_cell": 4},
         optional=("steps", "bias"), says=(*CELL, "choices", "expression")),
    Call("Rate", ck.Rate, lambda rng: {"count": int(rng.integers(0, 9)), "n": int(rng.integers(8, 99))}, _wilson),
)  # fmt: skip


# --- files and objects of other tools -----------------------------------------------------------------

READERS: dict[str, Callable[[str], Any]] = {
    ".onnx": lambda path: ck.Network.from_onnx(path),
    ".nnet": lambda path: ck.Network.from_nnet(path),
    ".h5": lambda path: ck.Network.from_keras(path),
    ".keras": lambda path: ck.Network.from_keras(path),
    ".safetensors": lambda path: ck.Network.from_safetensors(path),
    "": lambda path: ck.Network.load(path),
}


@cache
def _files() -> list[tuple[str, bytes]]:
    """Small files of every kind that is read: (the end of its name, its bytes)."""
    found = []
    for path in sorted(NETWORKS.rglob("*")):
        if path.suffix in READERS and path.is_file() and path.stat().st_size < 20_000:
            found.append((path.suffix, path.read_bytes()))
    with tempfile.TemporaryDirectory() as folder:
        for i, net in enumerate(
            (ck.circuit("min"), ck.circuit("abs"), ck.Network([[[1.0]]], scale="1/3"))
        ):
            path = Path(folder, f"{i}.safetensors")
            net.save(path)
            found += [("", path.read_bytes()), (".safetensors", path.read_bytes())]
    by_kind: dict[str, list[tuple[str, bytes]]] = {}
    for kind, content in found:
        by_kind.setdefault(kind, []).append((kind, content))
    return [item for group in by_kind.values() for item in group[:12]]


def _file(rng: Rng) -> Arguments:
    """A file of each kind equally often."""
    kinds = sorted({kind for kind, _ in _files()})
    kind = str(rng.choice(kinds))
    content = choice(rng, *(c for k, c in _files() if k == kind))
    content = (
        rng.bytes(int(rng.integers(0, 400))) if rng.random() < 0.1 else bytes_from(rng, content)
    )
    return {"kind": kind, "content": content}


def read(kind: str, content: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"net{kind}")
        path.write_bytes(content)
        return READERS[kind](str(path))


def _module(rng: Rng) -> Arguments:
    import torch
    from torch import nn

    torch.manual_seed(int(rng.integers(1000)))
    n = int(rng.integers(1, 4))
    width, layers = n, []
    for _ in range(int(rng.integers(1, 5))):
        new = int(rng.integers(1, 4))
        layers.append(
            choice(rng, nn.Linear(width, new), nn.Linear(width, new), nn.Linear(width, new, bias=False), nn.ReLU(),
                   nn.Sigmoid(), nn.Identity(), nn.Dropout(), nn.LeakyReLU(0.1), nn.Hardtanh(), nn.Flatten(),
                   nn.BatchNorm1d(width), nn.LayerNorm(width), nn.Softmax(-1), nn.PReLU(), nn.Conv1d(1, 1, 1),
                   nn.GELU(), nn.ReLU6(), nn.Sequential(), nn.MaxPool1d(1))
        )  # fmt: skip
        if isinstance(layers[-1], nn.Linear):
            width = new
    module = nn.Sequential(*layers).eval()
    for parameter in module.parameters():
        if rng.random() < 0.05:
            parameter.data.fill_(choice(rng, math.nan, math.inf, 1e38, 0.0))
    return {"module": module, "_n": n}


def _as_torch(arguments: Arguments, replaced: set[str], net: Any) -> str | None:
    import torch

    if replaced:
        return _finite_network(arguments, replaced, net)
    x = np.random.default_rng(0).normal(size=(5, net.n_inputs))
    with torch.no_grad():
        right = arguments["module"].double()(torch.tensor(x)).numpy()
    scale = 1 + np.abs(right).max()
    near = np.allclose(net(x), right.reshape(5, -1), rtol=1e-5, atol=1e-5 * scale)
    return None if near else f"{net(x)}, expected {right}"


def _perceptron(rng: Rng) -> Arguments:
    return {"estimator": changed_object(rng, pickle.loads(_estimator()))}  # noqa: S301


@cache
def _estimator() -> bytes:
    """A fitted one of scikit-learn, to be copied from."""
    import warnings

    from sklearn.neural_network import MLPRegressor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = np.linspace(-1, 1, 8)[:, None]
        return pickle.dumps(
            MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0).fit(
                x, np.abs(x[:, 0])
            )
        )


def changed_object(rng: Rng, thing: Any) -> Any:
    """One of its attributes is lost, or something else."""
    name = choice(
        rng, "coefs_", "intercepts_", "activation", "out_activation_", "n_layers_", "n_features_in_"
    )
    if rng.random() < 0.2:
        delattr(thing, name) if name in vars(thing) else None
    elif rng.random() < 0.8:
        setattr(thing, name, changed(rng, {"value": getattr(thing, name)}).get("value"))
    return thing


IMPORTING = (
    *(Call("a file's bytes", read, _file, _finite_network, (OSError,), says=("path", "model"), replaces=False)
      for _ in range(6)),
    Call("from_torch", ck.Network.from_torch, _module, _as_torch),
    Call("from_sklearn", ck.Network.from_sklearn, _perceptron, _finite_network),
    *(Call(f"Network.{name}", getattr(ck.Network, name), lambda rng, a=argument: {a: "nowhere"}, _finite_network,
           (OSError,), more)
      for name, argument, more in (("from_onnx", "model", ()), ("from_keras", "model", ()), ("load", "path", ()),
                                   ("from_nnet", "path", ("normalise",)), ("from_safetensors", "path", ()))),
)  # fmt: skip


# --- expressions and networks -------------------------------------------------------------------------


def _compiling(rng: Rng) -> Arguments:
    text, e, n = spelled(rng, 3)
    return {"expr": text, "_e": e, "_n": n}


def _compiled(arguments: Arguments, replaced: set[str], net: Any) -> str | None:
    if "expr" in replaced:
        return _finite_network(arguments, replaced, net)
    for x in points(arguments["_n"], count=6):
        if outputs(net, x) != [value(arguments["_e"], x)]:
            return f"{outputs(net, x)} at {x}, expected {value(arguments['_e'], x)}"
    return None


def _read_back(arguments: Arguments, replaced: set[str], found: Any) -> str | None:
    if not _judgeable(arguments, replaced):
        return None
    names = (
        [f"x{i + 1}" for i in range(arguments["net"].n_inputs)]
        if arguments["net"].n_inputs > 1
        else ["x"]
    )
    import sympy

    symbols = [sympy.Symbol(name, real=True) for name in names]
    each = list(found) if isinstance(found, sympy.Tuple) else [found]

    def evaluated(x: list[float]) -> list[float]:
        at = dict(zip(symbols, map(sympy.Float, x, itertools.repeat(30)), strict=True))
        return [float(e.subs(at)) for e in each]

    return _far(arguments["net"], evaluated, arguments, arguments["domain"])


def _near_function(rng: Rng) -> Arguments:
    text = choice(rng, "x**2", "sin(x)", "exp(x)", "abs(x)", "x**3", "sqrt(x)", "1/x", "log(x)")
    low = float(rng.integers(1, 3))
    return {
        "expr": text,
        "domain": [(low, low + float(rng.integers(1, 3)))],
        "tolerance": choice(rng, 0.1, 0.01, 0.3),
    }


_SMOOTH: dict[str, Callable[[float], float]] = {
    "x**2": lambda x: x * x, "sin(x)": math.sin, "exp(x)": math.exp, "abs(x)": abs, "x**3": lambda x: x**3,
    "sqrt(x)": math.sqrt, "1/x": lambda x: 1 / x, "log(x)": math.log,
}  # fmt: skip


def _near(arguments: Arguments, replaced: set[str], found: Any) -> str | None:
    if (
        "expr" in replaced
        or not _is_box(arguments["domain"], 1)
        or arguments["expr"] not in _SMOOTH
    ):
        return None
    for x in points(1, arguments["domain"], 20):
        right = Fraction(_SMOOTH[arguments["expr"]](float(x[0])))
        if abs(outputs(found.network, x)[0] - right) > found.error + Fraction(1e-12):
            return f"further off than {float(found.error)} at {x}"
    return None


def _enclosed(arguments: Arguments, replaced: set[str], found: Any) -> str | None:
    low, high = found
    if low > high:
        return f"{low} above {high}"
    if replaced & {"net", "f", "domain"}:
        return None
    worst = max(
        abs(outputs(arguments["net"], x)[0] - Fraction(_SMOOTH[arguments["f"]](float(x[0]))))
        for x in points(1, arguments["domain"], 20)
    )
    return (
        None
        if worst <= high + Fraction(1e-12)
        else f"an error of {float(worst)} is above {float(high)}"
    )


def _enclosing(rng: Rng) -> Arguments:
    drawn = _near_function(rng)
    return {"net": network(rng, 1), "f": drawn["expr"], "domain": drawn["domain"]}


def _entry(name: Any) -> Any:
    return ck.catalogue[name]


COMPILING = (
    Call("compile_expression", ck.compile_expression, _compiling, _compiled, (), ("hidden",), ("expression", "target")),
    Call("compile_expression", ck.compile_expression, _compiling, _compiled, (), ("hidden",), ("expression", "target")),
    Call("decompile", ck.decompile, _reading, _read_back, (ck.Undecided, ck.NotDecompiled)),
    Call("approximate", ck.approximate, _near_function, _near, (ck.Undecided,), ("method",), ("expression", "target")),
    Call("enclose_error", ck.enclose_error, _enclosing, _enclosed, (ck.Undecided,), (), ("expression", "target")),
    Call("catalogue[name]", _entry, lambda rng: {"name": choice(rng, "abs", "min", "xor")}, named=(KeyError,)),
)  # fmt: skip


# --- figures ------------------------------------------------------------------------------------------


def _drawn(arguments: Arguments, replaced: set[str], ax: Any) -> str | None:
    first = np.ravel(ax)[0]
    try:
        if not isinstance(first, mpl.axes.Axes):
            return f"{type(ax)}"
        if len(repr(arguments)) % 8 == 0:  # now and then: it takes longer than all the rest
            first.figure.canvas.draw()
    finally:
        plt.close("all")
    return None


@cache
def _run() -> Any:
    return ck.train("min", 3, seeds=4, steps=2, progress=False)


def _figure(
    function: Callable[..., Any], draw: Callable[[Rng], Arguments], *optional: str, axes: str = "ax"
) -> Call:
    def closing(**arguments: Any) -> Any:
        try:
            return function(**arguments)
        except BaseException:
            plt.close("all")
            raise

    closing.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return Call(f"plotting.{function.__name__}", closing, draw, _drawn, optional=(axes, *optional), says=("expression", "target"))  # fmt: skip


def _table(rng: Rng) -> Any:
    import pandas as pd

    return pd.DataFrame(
        {
            "label": ["a", "b"],
            "rate": [0.5, 1],
            "low": [0.4, 0.9],
            "high": [0.6, 1],
            "width": [2, 3],
        }
    )


def _tame(rng: Rng, n: int | None = None) -> ck.Network:
    return network(rng, n) if rng.random() < 0.5 else ck.circuit("min" if n == 2 else "abs")


PLOTTING = (
    _figure(plotting.network, lambda rng: {"net": network(rng)}, "x", "biases", "labels", "names", "input_names", "output_names", "circuits", "kept", "title"),
    _figure(plotting.function, lambda rng: {"net": _tame(rng, 1), "target": "abs", "domain": (-3, 3)}, "units"),
    _figure(plotting.heatmap, lambda rng: {"f": _tame(rng, 2), "domain": (-3, 3)}, "target", "inputs", "at", "regions", "error"),
    _figure(plotting.regions, lambda rng: {"net": _tame(rng, 2), "domain": (-3, 3)}, "target"),
    _figure(plotting.direction, lambda rng: {"weight": rng.normal(size=2), "bias": 0.5}, "x"),
    _figure(plotting.neuron, lambda rng: {"weights": rng.normal(size=2), "bias": 0.5, "x": rng.normal(size=2)}),
    _figure(plotting.weights, lambda rng: {"net": network(rng)}),
    _figure(plotting.history, lambda rng: {"run": _run()}, "seeds"),
    _figure(plotting.rates, lambda rng: {"table": _table(rng)}),
    _figure(plotting.rate_grid, lambda rng: {"table": _table(rng), "rows": "label", "columns": "width"}),
    _figure(plotting.blocks, lambda rng: {"tree": choice(rng, ("min", "x1", "x2"), ("min", ("max", "x1", "x2"), "x3"))}, "inputs"),
    _figure(plotting.relu, lambda rng: {}),
    _figure(plotting.legend, lambda rng: {}),
)  # fmt: skip


# --- widgets ------------------------------------------------------------------------------------------


def _shown(arguments: Arguments, replaced: set[str], widget: Any) -> str | None:
    html = widget._repr_mimebundle_()[0]["text/html"]
    widget.close()
    if "<script>alert(1)" in html or "<img src=x" in html:
        return "a text from outside has become HTML"
    return None if "ck-" in html else "no HTML"


def _widget(
    cls: Any, draw: Callable[[Rng], Arguments], *optional: str, says: tuple[str, ...] = ()
) -> Call:
    return Call(
        cls.__name__,
        cls,
        draw,
        _shown,
        optional=(*optional, "caption"),
        says=("expression", "target", *says),
    )


def _about(rng: Rng) -> Arguments:
    net = _tame(rng)
    return {"network": net, "target": choice(rng, None, "abs" if net.n_inputs == 1 else None)}


WIDGETS = (
    _widget(ck.CircuitWidget, _about, "x", "domain", "panels", "challenge", "ties", "names", "input_names", "seed",
            "seeds", "learning_rate", "frozen", "biases", "kept", "blocks"),
    _widget(ck.CircuitWidget, lambda rng: {"network": ck.circuit("min"), "target": "min"}, "x", "domain", "panels",
            "challenge", "ties", "names", "input_names", "frozen", "biases", "kept", "blocks"),
    _widget(ck.WeightsReader, lambda rng: {"weights": choice(rng, ck.circuit("abs"), "[[[1]], [[1]]]")}, "tolerance", "examples"),
    _widget(ck.Typed, lambda rng: {"text": spelled(rng)[0]}, "examples"),
    _widget(ck.Gallery, lambda rng: {"names": choice(rng, "min", ["min", "abs"])}, "notes", "chosen"),
    _widget(ck.Mystery, lambda rng: {"levels": choice(rng, ck.circuit("min"), [ck.circuit("abs")])}),
    _widget(ck.FeatureArrows, lambda rng: {"model": superposition.polygon(5)}, "active", "goal", "challenge", "solved",
            "trained", "sparsity", "importance", "seed"),
    _widget(ck.LossShelves, lambda rng: {"runs": _run()}, "shelves"),
    _widget(ck.WeightPlane, lambda rng: {"target": "identity", "seeds": 2, "steps": 2}, "learning_rate", "line", "compact"),
    Call("Challenge", ck.Challenge, lambda rng: {"key": "a", "prompt": "b"},
         optional=("hints", "domain", "fails_outside", "max_units", "solved")),
)  # fmt: skip


# --- superposition ------------------------------------------------------------------------------------


def _model(rng: Rng) -> Any:
    n = int(rng.integers(1, 6))
    return superposition.Superposition(rng.normal(size=(2, n)), rng.normal(size=n) / 4)


def _bounded(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    """No sampled input with so many active features has a larger error."""
    model, active = arguments["model"], arguments["active"]
    if replaced or not isinstance(model, superposition.Superposition):
        return None
    w, b = np.asarray(model.weights), np.asarray(model.bias)
    rng = np.random.default_rng(0)
    worst = float(np.max(answer))
    for _ in range(30):
        x = np.zeros(w.shape[1])
        x[rng.permutation(w.shape[1])[:active]] = rng.random(min(active, w.shape[1]))
        off = np.abs(np.maximum(w.T @ (w @ x) + b, 0) - x).max()
        if off > worst + 1e-9:
            return f"{off} at {x}, above {worst}"
    return None


def _all_boxes(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    n, active = arguments["n"], min(arguments["active"], arguments["n"])
    return None if len(answer) == math.comb(n, active) else f"{len(answer)} boxes"


def _sparse(arguments: Arguments, replaced: set[str], x: Any) -> str | None:
    good = (
        x.shape == (arguments["count"], arguments["features"]) and (x >= 0).all() and (x <= 1).all()
    )
    return None if good else f"{x.shape}"


def _overlap(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    w = np.asarray(arguments["weights"], float)
    if replaced:
        return None
    return None if answer >= 0 and math.isfinite(answer) else f"{answer} for {w}"


@cache
def _features() -> Any:
    return superposition.train(3, seeds=1, steps=2)


@cache
def _dictionary() -> Any:
    return superposition.autoencoder(_features(), 2, steps=1)


SUPERPOSITION = (
    Call("Superposition", superposition.Superposition, lambda rng: {"weights": rng.normal(size=(2, 3)), "bias": 0.0}),
    Call("worst_error", superposition.worst_error, lambda rng: {"model": _model(rng), "active": int(rng.integers(1, 4))}, _bounded, optional=("bias",), says=("weights",)),
    Call("at_most_active", ck.at_most_active, lambda rng: {"n": int(rng.integers(1, 7)), "active": int(rng.integers(0, 7))}, _all_boxes, optional=("values",)),
    Call("least_worst_error", superposition.least_worst_error, lambda rng: {"n": int(rng.integers(1, 9)), "active": 1}),
    Call("geometry", superposition.geometry, lambda rng: {"weights": rng.normal(size=(2, 5))}, optional=("tolerance", "norm")),
    Call("interference", superposition.interference, lambda rng: {"weights": rng.normal(size=(2, 5))}, _overlap),
    Call("polygon", superposition.polygon, lambda rng: {"n": int(rng.integers(3, 9))}),
    Call("untied", superposition.untied, lambda rng: {"n": int(rng.integers(3, 9))}, _finite_network),
    Call("sparse_inputs", superposition.sparse_inputs, lambda rng: {"features": 3, "sparsity": 0.5, "count": 4}, _sparse, optional=("seed",)),
    Call("train", superposition.train, lambda rng: {"features": 3, "directions": 2, "steps": 2, "seeds": 1}, optional=("sparsity", "importance", "batch", "learning_rate")),
    Call("autoencoder", superposition.autoencoder, lambda rng: {"run": _features(), "units": 2, "steps": 1}, optional=("penalty", "batch", "learning_rate")),
    Call("sparse_codes", superposition.sparse_codes, lambda rng: {"run": _features(), "units": 2, "steps": 1, "batch": 8}, optional=("penalty",)),
    Call("judge", superposition.judge, lambda rng: {"found": _dictionary(), "run": _features()}, optional=("cosine",)),
)  # fmt: skip


# --- pictures -----------------------------------------------------------------------------------------


@cache
def _pictures() -> tuple[Any, Any]:
    """An untrained network of each kind, and the digits."""
    kinds = ("one layer", "two layers", "residual")
    return tuple(images.train(kind, epochs=0)[0] for kind in kinds), images.digits()


def _filters(rng: Rng) -> Any:
    size = choice(rng, 1.0, 1.0, 1e-3, 1e100)
    return rng.normal(size=(int(rng.integers(1, 5)), 5, 5)) * size


def _two_filters(rng: Rng) -> Arguments:
    return {"a": _filters(rng), "b": _filters(rng)}


def _seen(rng: Rng) -> Arguments:
    networks, data = _pictures()
    return {"network": choice(rng, *networks), "data": data}


def _shown_pictures(rng: Rng) -> Arguments:
    networks, data = _pictures()
    return {"network": choice(rng, *networks), "images": data.test[: int(rng.integers(1, 4))]}


def _like(arguments: Arguments, replaced: set[str], r: Any) -> str | None:
    good = r.ndim == 2 and np.isfinite(r).all() and np.abs(r).max(initial=0) <= 1 + 1e-9
    return None if good else f"{r}"


def _one_to_one(arguments: Arguments, replaced: set[str], found: Any) -> str | None:
    each = found.pairs.T
    good = (
        all(len(set(side.tolist())) == len(side) for side in each) and 0 <= found.mean <= 1 + 1e-9
    )
    return None if good or arguments.get("signed") is not False else f"{found}"


def _share(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    return None if 0 <= answer <= 1 + 1e-9 else f"{answer}"


def _changes(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    return None if answer.shape == (10, 16) and np.isfinite(answer).all() else f"{answer}"


def _finite_array(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    return None if np.isfinite(answer).all() else f"{answer}"


def _as_many(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    same = answer.shape == np.shape(arguments["filters"]) and np.isfinite(answer).all()
    return None if same else f"{answer.shape}"


IMAGES = (
    Call("images.cka", images.cka, lambda rng: {"a": rng.normal(size=(9, 3)), "b": rng.normal(size=(9, 2))}, _share),
    Call("images.correlations", images.correlations, _two_filters, _like, optional=("covariance",)),
    Call("images.match", images.match, lambda rng: {**_two_filters(rng), "signed": False}, _one_to_one, optional=("covariance",)),
    Call("images.patch_covariance", images.patch_covariance, lambda rng: {"images": rng.random((3, 8, 8))}, _finite_array),
    Call("images.scrambled", images.scrambled, lambda rng: {"filters": _filters(rng), "keep": choice(rng, "weights", "coarseness"), "seed": int(rng.integers(9))}, _as_many),
    Call("images.train", images.train, lambda rng: {"architecture": choice(rng, "one layer", "residual"), "seeds": 1, "epochs": 0}, optional=("shuffled",)),
    Call("images.recall", images.recall, lambda rng: {**_seen(rng), "digit": int(rng.integers(10))}, _share, optional=("without",)),
    Call("images.predicted_changes", images.predicted_changes, _seen, _changes),
    Call("images.measured_changes", images.measured_changes, _seen, _changes),
    Call("ImageNetwork.logits", lambda network, images: network.logits(images), _shown_pictures, _finite_array, fixed=("network",)),
    Call("ImageNetwork.pooled", lambda network, images: network.pooled(images), _shown_pictures, _finite_array, fixed=("network",)),
)  # fmt: skip


# --- what is asked of what others have made ------------------------------------------------------------


def _shallow(rng: Rng) -> Arguments:
    n, width = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    wild = choice(rng, 1.0, 1.0, 1.0, 1e-200, 1e200)
    weights = [rng.normal(size=(width, n)) * wild, rng.normal(size=(1, width))]
    return {"net": ck.Network(weights, [rng.normal(size=width), [0.5]])}


def _bends(arguments: Arguments, replaced: set[str], found: Any) -> str | None:
    most = arguments["net"].layer_sizes[1]
    return None if len(found) <= most else f"{len(found)} kinks of {most} units"


def _verdicts(rng: Rng) -> Arguments:
    import pandas as pd

    n = int(rng.integers(0, 6))
    table = pd.DataFrame(
        {"solved": rng.random(n) < 0.5, "width": rng.integers(1, 3, n), "target": ["abs"] * n}
    )
    return {"table": table, "by": choice(rng, "width", ["width", "target"])}


def _rates(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    if replaced:
        return None
    good = (
        answer["seeds"].sum() == len(arguments["table"])
        and answer["solved"].sum() == arguments["table"]["solved"].sum()
    )
    return None if good else f"{answer}"


def _written(arguments: Arguments, replaced: set[str], answer: Any) -> str | None:
    if "path" in replaced or replaced & {"net"}:
        return None
    return None if Path(arguments["path"]).stat().st_size else "an empty file"


def _of_a_run(rng: Rng) -> Arguments:
    return {"run": _run(), "seed": int(rng.integers(4))}


def _reading_whole(arguments: Arguments, replaced: set[str], found: Any) -> str | None:
    return None if found.expression is not None and str(found) else "no expression"


METHODS = (
    Call("decompiled", ck.decompiled, _reading, _reading_whole, (ck.Undecided, ck.NotDecompiled)),
    Call("kinks", ck.kinks, _shallow, _bends, optional=("angle",)),
    Call("success_rates", ck.success_rates, _verdicts, _rates),
    Call("Network.save", lambda net, path: net.save(path), lambda rng: {"net": network(rng), "path": "a.safetensors"}, _written, (OSError,), fixed=("net",)),
    Call("Network.to_onnx", lambda net, path: net.to_onnx(path), lambda rng: {"net": a_circuit(rng), "path": "a.onnx"}, _written, (OSError,), fixed=("net",)),
    Call("TrainingRun.network", lambda run, seed: run.network(seed), _of_a_run, _finite_network, fixed=("run",)),
    Call("TrainedFeatures.model", lambda run, seed: run.model(seed), lambda rng: {"run": _features(), "seed": 0}, fixed=("run",)),
    _figure(plotting.filters, lambda rng: {"weights": rng.normal(size=(2, 3, 3))}, "labels"),
    _figure(plotting.stuck, lambda rng: {"nets": [_tame(rng, 1)], "target": "abs"}, "domain", "titles", "columns", "error", axes="axes"),
)  # fmt: skip


FAMILIES: dict[str, tuple[Call, ...]] = {
    "language": LANGUAGE,
    "networks": NETWORK,
    "proof": PROOF,
    "detection": DETECTION,
    "training": TRAINING,
    "importing": IMPORTING,
    "compiling": COMPILING,
    "plotting": PLOTTING,
    "widgets": WIDGETS,
    "superposition": SUPERPOSITION,
    "images": IMAGES,
    "methods": METHODS,
}
