"""The widget's JavaScript against Python: numpy, torch, exact fractions, z3, ck.prove and ck.train."""

from __future__ import annotations

import json
import random
import struct
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch
import z3
from cases import CIRCUITS
from nodejs import node

import circuitkit as ck
from circuitkit.functions.language import CATALOGUE
from circuitkit.functions.page_json import target_to_json
from circuitkit.proof.claim import read_claim
from circuitkit.proof.counting import count_pieces

ROOT = Path(__file__).parent.parent
MODULE = ROOT / "circuitkit" / "widget" / "static" / "mathematics.mjs"
SHAPES = ((1, 2, 1), (1, 5, 1), (2, 3, 1), (2, 3, 2, 1), (3, 4, 4, 1), (4, 6, 3, 1), (2, 4, 2))


def answers(module, calls):
    """[{"value": ...} or {"error": ...}] of calls ``[name, *arguments]``, in one Node process."""
    done = subprocess.run(
        [node(), ROOT / "tests" / "javascript" / "bridge.mjs", module.as_uri()],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def values(module, calls):
    found = answers(module, calls)
    assert [a["error"] for a in found if "error" in a] == []
    return [a.get("value") for a in found]


def javascript(calls):
    return values(MODULE, calls)


def as_json(net):
    return {
        "weights": [w.tolist() for w in net.weights],
        "biases": [b.tolist() for b in net.biases],
    }


def random_net(rng, sizes, *, bias=True, whole=False):
    draw = (lambda s: rng.integers(-2, 3, s)) if whole else (lambda s: rng.normal(size=s))
    weights = [draw((o, i)) for i, o in pairwise(sizes)]
    return ck.Network(weights, [draw(o) if bias else np.zeros(o) for o in sizes[1:]])


def as_target(text):
    return target_to_json(ck.target(text))


@pytest.mark.parametrize("name", ["mathematics", "state", "training"])
def test_the_javascript_tests_pass(name):
    done = subprocess.run(
        [node(), "--test", ROOT / "tests" / "javascript" / f"{name}.test.mjs"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


# --- values ---------------------------------------------------------------------------------------


def test_every_unit_has_the_values_that_python_computes():
    rng = np.random.default_rng(0)
    nets = [random_net(rng, sizes) for sizes in SHAPES for _ in range(20)]
    points = [rng.normal(size=net.n_inputs) * 3 for net in nets]
    found = javascript(
        [["forward", as_json(n), x.tolist()] for n, x in zip(nets, points, strict=True)]
    )
    for net, x, values in zip(nets, points, found, strict=True):
        close = {"rtol": 1e-12, "atol": 1e-12}
        np.testing.assert_allclose(values["out"], net(x), **close)
        for mine, theirs in zip(values["pre"], net.preactivations(x), strict=True):
            np.testing.assert_allclose(mine, theirs, **close)
        for mine, theirs in zip(values["act"], net.activations(x), strict=True):
            np.testing.assert_allclose(mine, theirs, **close)


TARGETS = (
    *CATALOGUE,
    "clamp(2*x, -1, 1/3)",
    "2*min(x1, -x2) - abs(x1/7) + 0.1",
    "-3*max(x1, x2, 2 - x1) + abs(abs(x2) - 1)",
    "x**2 - sin(x)",
    "exp(x1) * tanh(x2) / (1 + x1**2)",
    "sqrt(abs(x))",
    "log(1 + x**2) + cos(x)",
    "x1 + x2, x1 - x2, min(x1, x2)",
)


def test_targets_have_the_values_that_python_computes():
    rng = np.random.default_rng(1)
    calls, wanted = [], []
    for text in TARGETS:
        f = ck.target(text)
        for _ in range(20):
            x = rng.normal(size=f.n_inputs) * 2
            calls.append(["evaluate", target_to_json(f), x.tolist()])
            wanted.append(f(x))
    for values, truth in zip(javascript(calls), wanted, strict=True):
        np.testing.assert_allclose(values, truth, rtol=1e-12, atol=1e-12)


def test_what_is_not_piecewise_linear_is_judged_by_samples():
    smooth = {"x**2 - sin(x)", "exp(x1) * tanh(x2) / (1 + x1**2)", "sqrt(abs(x))"}
    smooth.add("log(1 + x**2) + cos(x)")
    goals = [ck.target(t) for t in TARGETS]
    nets = [as_json(ck.Network([np.zeros((f.n_outputs, f.n_inputs))])) for f in goals]
    calls = [["verdict", net, target_to_json(f)] for net, f in zip(nets, goals, strict=True)]
    assert [v["nRegions"] > 0 for v in javascript(calls)] == [t not in smooth for t in TARGETS]


def test_regions_are_counted_as_in_a_proof():
    """Functions that bend upwards alone, in which a formula holds in one place: maxima of maxima and sizes."""
    rng = np.random.default_rng(3)
    calls, wanted = [], []

    def drawn(depth):
        a, b, c = rng.integers(-2, 3, size=3)
        line = f"({a}*x1 + {b}*x2 + {c})"
        if not depth or rng.random() < 0.2:
            return line if rng.random() < 0.5 else f"abs({line})"
        return f"max({', '.join(drawn(depth - 1) for _ in range(rng.integers(2, 4)))})"

    for _ in range(40):
        f = ck.target(f"{drawn(2)} + {drawn(2)} + max(x1, x2)")
        net = ck.Network([rng.integers(-2, 3, (2, 2)), [[1, -1]]], [[0, 1], [0]])
        wanted.append(count_pieces(read_claim(net, f, 100, None, "relative")))
        calls.append(
            ["verdict", as_json(net), target_to_json(f), {"tolerance": 100, "exact": True}]
        )
    assert [found["nRegions"] for found in javascript(calls)] == wanted
    assert max(wanted) > 20


def test_numbers_are_read_as_the_nearest_double_or_not_at_all():
    rng = random.Random(9)
    texts = [repr(struct.unpack("<d", rng.randbytes(8))[0]) for _ in range(2000)]
    texts += [f"{rng.randint(-(10**9), 10**9)}/{rng.randint(1, 10**9)}" for _ in range(500)]
    texts += [f"{rng.uniform(-9, 9):.6f} / {rng.uniform(-9, 9):.3f}" for _ in range(500)]
    texts += ["".join(rng.choices("0123456789.e+-/− ", k=rng.randint(0, 9))) for _ in range(3000)]
    texts += [
        "".join(rng.choices("1.e-/x_\u00bd\u0663\u00a0\n", k=rng.randint(0, 5))) for _ in range(500)
    ]
    for text, value in zip(texts, javascript([["parseNumber", t] for t in texts]), strict=True):
        expected = spelled(text)
        assert value == "NaN" if expected is None else float(value) == expected, text


def spelled(text):
    """What the text means, by Python's own readers."""
    parts = (
        text.strip(" \t\n\r\f\v\u00a0\ufeff")
        .replace("\N{MINUS SIGN}", "-")
        .replace("\N{EN DASH}", "-")
    )
    pieces = [p.strip() for p in parts.split("/")]
    if len(pieces) > 2 or not all(p.isascii() and p and "_" not in p for p in pieces):
        return None
    if any(c not in "0123456789.eE+-" for p in pieces for c in p):
        return None
    try:
        values = [Fraction(p) for p in pieces]
        exact = values[0] / values[1] if len(values) == 2 else values[0]
        value = float(exact)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return value if value or not exact else None


# --- random numbers and training ------------------------------------------------------------------


def test_initial_weights_are_numpys_to_the_last_bit():
    seeds = [*range(40), 2**31, 2**32 - 1, 2**32, 2**53 - 1, 2**53 + 1, 2**62 + 12345, 2**63 - 1]
    rng = random.Random(0)
    seeds += [rng.randrange(2**63) for _ in range(40)]
    calls, wanted = [], []
    for seed in seeds:
        for sizes, bias in (((1, 2, 1), False), ((4, 6, 3, 1), True)):
            calls.append(["initialWeights", sizes, str(seed), {"bias": bias}])
            stream = np.random.Generator(np.random.Philox(key=seed))
            weights, biases = [], []
            for n_in, n_out in pairwise(sizes):
                weights.append(((2 * stream.random((n_out, n_in)) - 1) / np.sqrt(n_in)).tolist())
                biases.append(
                    ((2 * stream.random(n_out) - 1) / np.sqrt(n_in)).tolist()
                    if bias
                    else [0.0] * n_out
                )
            wanted.append({"weights": weights, "biases": biases})
    assert javascript(calls) == wanted


def test_the_loss_and_its_gradient_are_torchs():
    rng = np.random.default_rng(2)
    calls, wanted = [], []
    for sizes in SHAPES:
        for _ in range(5):
            net = random_net(rng, sizes)
            points = rng.uniform(-1, 1, (17, sizes[0]))
            weights = rng.uniform(size=17)
            values = rng.normal(size=(17, sizes[-1]))
            rule = {
                "points": points.tolist(),
                "weights": weights.tolist(),
                "values": values.tolist(),
            }
            calls.append(["gradient", as_json(net), rule])
            layers = [torch.tensor(w, requires_grad=True) for w in net.weights]
            offsets = [torch.tensor(b, requires_grad=True) for b in net.biases]
            h = torch.tensor(points)
            for i, (w, b) in enumerate(zip(layers, offsets, strict=True)):
                h = (torch.relu(h) if i else h) @ w.T + b
            loss = (torch.tensor(weights)[:, None] * (h - torch.tensor(values)) ** 2).sum() / sizes[
                -1
            ]
            loss.backward()
            wanted.append((loss.item(), [p.grad for p in layers], [p.grad for p in offsets]))
    for found, (loss, layers, offsets) in zip(javascript(calls), wanted, strict=True):
        assert found["loss"] == pytest.approx(loss, rel=1e-12)
        for mine, theirs in zip(found["weights"] + found["biases"], layers + offsets, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "hidden", "bias"),
    [
        ("identity", (2,), False),
        ("abs", (2,), True),
        ("min", (3,), False),
        ("min", (3, 2), True),
        ("min4", (6, 3), False),
        ("x**2", (4,), False),
        ("max(x1, 1/3)", (3,), False),
        ("x1*x2, x1 - x2", (4,), True),
        ("min(x1, x2, x3)", (5,), True),
        ("max(x1, x2, x3, x4, x5, x6, x7)", (4,), True),
        ("|x12| - x11 + max(x10, x9) + x8", (4,), False),
    ],
)
def test_training_in_the_page_follows_ck_train(name, hidden, bias):
    seeds = [3, 2**62 + 5]
    run = ck.train(name, hidden, seeds=seeds, steps=200, bias=bias, dtype="float64", threads=1)
    starts = javascript(
        [["initialWeights", list(run.layer_sizes), str(s), {"bias": bias}] for s in seeds]
    )
    calls = [["train", net, as_target(name), {"bias": bias}, 0.1, 200] for net in starts]
    for i, found in enumerate(javascript(calls)):
        assert found["losses"][-1] == pytest.approx(run.loss[i], rel=1e-6, abs=1e-12)
        for step, loss in zip(run.history_steps, run.history[:, i], strict=True):
            assert found["losses"][step] == pytest.approx(loss, rel=1e-5, abs=1e-7)
        for mine, theirs in zip(found["weights"], run.weights, strict=True):
            np.testing.assert_allclose(mine, theirs[i], rtol=1e-6, atol=1e-12)
        for mine, theirs in zip(found["biases"], run.biases, strict=True):
            np.testing.assert_allclose(mine, theirs[i], rtol=1e-6, atol=1e-12)


# --- the verdict ----------------------------------------------------------------------------------
#
# The independent judge for one dimension: a piecewise-linear function as its breakpoints with values
# and its two outermost slopes, in fractions.


class Line:
    """A piecewise-linear function of one number: sorted (x, value) and the slopes at both ends."""

    def __init__(self, points, left, right):
        self.points, self.left, self.right = points, left, right

    @classmethod
    def affine(cls, slope, constant):
        return cls([(Fraction(0), constant)], slope, slope)

    def __call__(self, x):
        (first, low), (last, high) = self.points[0], self.points[-1]
        if x <= first:
            return low + self.left * (x - first)
        if x >= last:
            return high + self.right * (x - last)
        for (a, u), (b, v) in pairwise(self.points):
            if a <= x <= b:
                return u + (v - u) * (x - a) / (b - a)
        raise AssertionError

    def on(self, xs):
        return Line([(x, self(x)) for x in sorted(xs)], self.left, self.right)

    def plus(self, other, factor=1):
        xs = {x for x, _ in self.points} | {x for x, _ in other.points}
        values = [(x, self(x) + factor * other(x)) for x in sorted(xs)]
        return Line(values, self.left + factor * other.left, self.right + factor * other.right)

    def times(self, c):
        return Line([(x, c * v) for x, v in self.points], c * self.left, c * self.right)

    def relu(self):
        xs = {x for x, _ in self.points}
        (first, low), (last, high) = self.points[0], self.points[-1]
        for (a, u), (b, v) in pairwise(self.points):
            if u * v < 0:
                xs.add(a + (b - a) * u / (u - v))
        if low * self.left > 0:
            xs.add(first - low / self.left)
        if high * self.right < 0:
            xs.add(last - high / self.right)
        cut = self.on(xs)
        return Line([(x, max(v, 0)) for x, v in cut.points], min(self.left, 0), max(self.right, 0))


def through(net, inputs):
    """The network's outputs where its inputs are Lines."""
    h = inputs
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        z = []
        for row, constant in zip(w.tolist(), b.tolist(), strict=True):
            total = Line.affine(Fraction(0), Fraction(constant))
            for weight, line in zip(row, h, strict=True):
                total = total.plus(line, Fraction(weight))
            z.append(total)
        h = [line.relu() for line in z] if i < len(net.weights) - 1 else z
    return h


def lower(a, b):
    return a.plus(a.plus(b, -1).relu(), -1)


JUDGED = {
    "identity": lambda x: x,
    "abs": lambda x: x.relu().plus(x.times(-1).relu()),
    "max(x, 1/3)": lambda x: x.plus(Line.affine(Fraction(-1), Fraction(1, 3)).relu()),
    "clamp(2*x, -1, 1)": lambda x: (
        x.times(2)
        .plus(Line.affine(Fraction(0), Fraction(1)))
        .relu()
        .plus(Line.affine(Fraction(2), Fraction(-1)).relu(), -1)
        .plus(Line.affine(Fraction(0), Fraction(-1)))
    ),
    "min": lower,
    "add": lambda a, b: a.plus(b),
    "abs(x1) - 2*x2": lambda a, b: a.relu().plus(a.times(-1).relu()).plus(b, -2),
}


def exact_error_1d(net, judge):
    x = Line.affine(Fraction(1), Fraction(0))
    gap = through(net, [x])[0].plus(judge(x), -1)
    gap = gap.on({p for p, _ in gap.points} | {Fraction(-1), Fraction(1)})
    return max(abs(gap.left), abs(gap.right), *(abs(v) / max(1, abs(p)) for p, v in gap.points))


def exact_error_2d(net, judge):
    """Without biases the worst error is on the square's four edges."""
    worst = Fraction(0)
    t = Line.affine(Fraction(1), Fraction(0))
    for side in (-1, 1):
        still = Line.affine(Fraction(0), Fraction(side))
        for a, b in ((t, still), (still, t)):
            gap = through(net, [a, b])[0].plus(judge(a, b), -1)
            ends = {Fraction(-1), Fraction(1)}
            inside = {p for p, _ in gap.points if -1 < p < 1} | ends
            worst = max(worst, *(abs(v) for _, v in gap.on(inside).points))
    return worst


def near_miss(rng, net):
    """The network with one weight moved by one to a thousand units in its last place."""
    weights = [w.copy() for w in net.weights]
    layer = weights[rng.integers(len(weights))]
    places = np.argwhere(layer != 0)
    i, j = places[rng.integers(len(places))]
    layer[i, j] += np.spacing(layer[i, j]) * rng.integers(1, 1000)
    return ck.Network(weights, net.biases)


def rescaled(rng, net):
    """Hidden units scaled by random positive floats, their outgoing weights by the inverse."""
    weights = [w.copy() for w in net.weights]
    for into, out in pairwise(weights):
        c = rng.uniform(0.2, 5, len(into))
        into *= c[:, None]
        out /= c
    return ck.Network(weights, net.biases)


def variants(rng, name, sizes, *, bias):
    circuit = ck.circuit(name) if name in CATALOGUE else None
    for _ in range(12):
        yield random_net(rng, sizes, bias=bias)
        yield random_net(rng, sizes, bias=bias, whole=True)
        if circuit is not None:
            yield near_miss(rng, circuit)
            yield rescaled(rng, circuit)
    if circuit is not None:
        yield circuit


def check_verdicts(cases):
    """cases: (network, target, exact error). The decision is right, the error to 1e-12."""
    seen = set()
    found = javascript([["verdict", as_json(net), as_target(t)] for net, t, _ in cases])
    for (net, text, truth), verdict in zip(cases, found, strict=True):
        assert verdict["exact"]
        assert verdict["holds"] == (truth == 0)
        scale = 1e-12 * max(1, *(float(np.abs(w).sum()) for w in net.weights))
        assert verdict["error"] == pytest.approx(
            float(truth), rel=1e-12, abs=scale if truth > 1e-9 else 0
        )
        seen.add(verdict["status"])
        if truth > 1e-9:
            x = np.array(verdict["worst"])
            at = np.abs(net(x) - ck.target(text)(x)).max() / max(1, np.abs(x).max())
            assert at == pytest.approx(float(truth), rel=2e-3 if verdict["ray"] else 1e-10)
            assert verdict["status"] == "different"
    return seen


@pytest.mark.parametrize("name", ["identity", "abs", "max(x, 1/3)", "clamp(2*x, -1, 1)"])
def test_verdicts_on_one_input_are_those_of_exact_fractions(name):
    rng = np.random.default_rng(3)
    cases = [
        (net, name, exact_error_1d(net, JUDGED[name]))
        for sizes, bias in (((1, 2, 1), False), ((1, 4, 1), True), ((1, 3, 2, 1), True))
        for net in variants(rng, name, sizes, bias=bias)
    ]
    seen = check_verdicts(cases)
    assert seen == ({"equal", "rounding", "different"} if name in CATALOGUE else {"different"})


@pytest.mark.parametrize("name", ["min", "add", "abs(x1) - 2*x2"])
def test_verdicts_on_two_inputs_are_those_of_exact_fractions(name):
    rng = np.random.default_rng(4)
    cases = [
        (net, name, exact_error_2d(net, JUDGED[name]))
        for sizes in ((2, 3, 1), (2, 3, 2, 1))
        for net in variants(rng, name, sizes, bias=False)
    ]
    seen = check_verdicts(cases)
    assert seen == ({"equal", "rounding", "different"} if name in CATALOGUE else {"different"})


@pytest.mark.parametrize("case", CIRCUITS, ids=str)
def test_every_circuit_is_equal_to_its_function_and_to_no_other(case):
    net = case.make()
    others = [t for t in CATALOGUE if ck.target(t).n_inputs == net.n_inputs]
    found = javascript([["verdict", as_json(net), as_target(t)] for t in others])
    for t, verdict in zip(others, found, strict=True):
        assert verdict["exact"] and verdict["holds"] == (t == case.target)
        assert verdict["status"] == ("equal" if t == case.target else "different")


def test_verdicts_are_those_of_ck_prove_also_with_four_inputs_and_in_boxes():
    rng = np.random.default_rng(5)
    cases = []
    for sizes, name in (
        ((2, 3, 1), "min"),
        ((3, 3, 1), "max(x1, x2 - x3, 1)"),
        ((4, 4, 2, 1), "min4"),
    ):
        for k in range(6):
            net = random_net(rng, sizes, bias=bool(k % 2), whole=k < 2)
            low = rng.integers(-4, 3, sizes[0])
            box = [[int(a), int(a) + int(rng.integers(1, 4))] for a in low]
            cases += [(net, name, None), (net, name, box)]
    minimum = ck.circuit("min4")
    cases += [(minimum, "min4", None), (near_miss(rng, minimum), "min4", None)]
    cases += [
        (rescaled(rng, minimum), "min4", None),
        (minimum, "x1", [[0, 1], [2, 3], [4, 5], [6, 7]]),
    ]
    calls = [["verdict", as_json(n), widened(t, n), {"domain": box}] for n, t, box in cases]
    for (net, name, box), verdict in zip(cases, javascript(calls), strict=True):
        proof = ck.prove(net, name, domain=box)
        assert verdict["exact"] and verdict["holds"] == proof.holds
        assert verdict["error"] == pytest.approx(float(proof.exact_error), rel=1e-11)
        if verdict["worst"] and box:
            assert all(a <= v <= b for v, (a, b) in zip(verdict["worst"], box, strict=True))


def widened(text, net):
    """The target as a function of all of the network's inputs."""
    f = ck.target(text)
    if f.n_inputs < net.n_inputs:
        first = [f"x{i + 1}" for i in range(net.n_inputs)]
        f = ck.Target(f.expression.subs(f.variables[0], sympy.Symbol("x1")), variables=first)
    return target_to_json(f)


def test_floating_point_and_exact_arithmetic_find_the_same_error():
    rng = np.random.default_rng(6)
    targets = {1: "max(x, 1/3)", 2: "abs(min(x1, x2)) - x1/7", 3: "max(x1, x2, -x3, 1)"}
    calls, nets = [], []
    for k in range(60):
        sizes = [int(rng.integers(1, 4)), *rng.integers(1, 5, 1 + k % 2).tolist(), 1]
        net = random_net(rng, sizes, bias=bool(rng.integers(2)), whole=k % 3 == 0)
        if k % 3 == 1:  # tenths: sums that floating point rounds
            net = ck.Network([w.round(1) for w in net.weights], [b.round(1) for b in net.biases])
        low = rng.integers(-9, 6, sizes[0]) / 3
        box = [[a, a + int(rng.integers(1, 5))] for a in low.tolist()] if k % 4 == 0 else None
        nets.append(net)
        for exact in (True, False):
            calls.append(
                [
                    "verdict",
                    as_json(net),
                    as_target(targets[sizes[0]]),
                    {"exact": exact, "domain": box},
                ]
            )
    found = javascript(calls)
    for net, exact, quick in zip(nets, found[::2], found[1::2], strict=True):
        size = np.prod([max(1, np.abs(w).sum(axis=1).max()) for w in net.weights])
        assert quick["error"] == pytest.approx(exact["error"], rel=0, abs=1e-12 * size)


@pytest.mark.parametrize("bias", [False, True])
def test_z3_agrees_that_the_worst_error_is_one(bias):
    rng = np.random.default_rng(7 + bias)
    nets = [random_net(rng, (2, 3, 1), bias=bias, whole=k < 4) for k in range(8)]
    found = javascript([["verdict", as_json(n), as_target("min")] for n in nets])
    for net, verdict in zip(nets, found, strict=True):
        error = Fraction(verdict["error"])
        assert not exceeds(net, error * (1 + Fraction(1, 10**9)) + Fraction(1, 10**12))
        assert exceeds(net, error * (1 - Fraction(1, 10**9)) - Fraction(1, 10**12))


def exceeds(net, tolerance):
    """z3: is there an x with |net(x) - min(x1, x2)| > tolerance * max(1, |x1|, |x2|)?"""
    x = [z3.Real("x1"), z3.Real("x2")]
    h = list(x)
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        h = [
            z3.Sum([q(a) * v for a, v in zip(row, h, strict=True)]) + q(c)
            for row, c in zip(w.tolist(), b.tolist(), strict=True)
        ]
        if i < len(net.weights) - 1:
            h = [z3.If(v > 0, v, 0) for v in h]
    size = z3.Real("size")
    solver = z3.Solver()
    solver.add(size >= 1, *(s * v <= size for v in x for s in (-1, 1)))
    gap = h[0] - z3.If(x[0] < x[1], x[0], x[1])
    solver.add(z3.Or(gap > q(tolerance) * size, -gap > q(tolerance) * size))
    answer = solver.check()
    assert answer != z3.unknown
    return answer == z3.sat


def q(value):
    f = Fraction(value)
    return z3.Q(f.numerator, f.denominator)


def test_an_error_left_by_cancellation_is_computed_exactly():
    net = ck.Network(
        [
            [[1, 0], [-1, 0], [-1, 1]],
            [[1.0000000008651502, -0.9999999992799363, 1.000000000903492]],
        ]
    )
    (found,) = javascript([["verdict", as_json(net), as_target("max")]])
    assert found["exact"] and found["error"] == float(ck.prove(net, "max").exact_error)
    huge = ck.Network([[[1], [1]], [[1, 0]]], [[1e17, 0], [-1e17]])
    (found,) = javascript([["verdict", as_json(huge), as_target("identity")]])
    assert not found["holds"]  # off below -1e17, and there alone
    values = javascript([["exactForward", as_json(huge), [x]] for x in (-3, 0.1, 5e-324)])
    assert [v["out"] for v in values] == [[-3], [0.1], [5e-324]]
    assert javascript([["forward", as_json(huge), [-3]]])[0]["out"] == [0]


def test_exact_values_are_the_nearest_doubles_of_fractions():
    rng = np.random.default_rng(11)
    nets = [random_net(rng, sizes) for sizes in SHAPES for _ in range(6)]
    nets += [ck.Network([w * 1e200 for w in net.weights], net.biases) for net in nets[:6]]
    points = [rng.normal(size=net.n_inputs) * 10.0 ** rng.integers(-9, 9) for net in nets]
    calls = [["exactForward", as_json(n), x.tolist()] for n, x in zip(nets, points, strict=True)]
    for net, x, found in zip(nets, points, javascript(calls), strict=True):
        h = [Fraction(v) for v in x.tolist()]
        layers = list(zip(net.weights, net.biases, strict=True))
        for i, (w, b) in enumerate(layers):
            z = [
                sum(Fraction(a) * v for a, v in zip(row, h, strict=True)) + Fraction(c)
                for row, c in zip(w.tolist(), b.tolist(), strict=True)
            ]
            wanted = found["out"] if i == len(layers) - 1 else found["pre"][i]
            for mine, theirs in zip(wanted, z, strict=True):
                assert float(mine) == nearest_double(theirs)
            h = [max(v, Fraction(0)) for v in z]


def nearest_double(value):
    try:
        return float(value)
    except OverflowError:
        return np.copysign(np.inf, float(np.sign(value)))


def test_no_sampled_error_is_above_the_verdicts():
    rng = np.random.default_rng(8)
    nets = [random_net(rng, (4, 6, 3, 1), bias=bool(k % 2)) for k in range(10)]
    f = ck.target("min4")
    for net, verdict in zip(
        nets, javascript([["verdict", as_json(n), target_to_json(f)] for n in nets]), strict=True
    ):
        x = rng.normal(size=(20_000, 4)) * np.exp(rng.normal(size=(20_000, 1)) * 3)
        error = np.abs(net(x) - f(x))[:, 0] / np.maximum(1, np.abs(x).max(axis=1))
        assert error.max() <= verdict["error"] * (1 + 1e-12)
        assert error.max() >= 0.5 * verdict["error"]


def test_an_error_of_rounding_is_told_as_python_computes_it():
    circuit = ck.circuits.identity(3.0, -3.0)
    (found,) = javascript([["verdict", as_json(circuit), as_target("identity")]])
    assert (found["holds"], found["status"]) == (False, "rounding")
    assert found["error"] == float(ck.prove(circuit, "identity").exact_error)


@pytest.mark.parametrize("case", CIRCUITS, ids=str)
def test_a_circuit_whose_weights_were_rounded_is_equal_up_to_rounding(case):
    rng = np.random.default_rng(10)
    nets = [rescaled(rng, rescaled(rng, case.make())) for _ in range(20)]
    for tolerance in (0, 1e-9):
        calls = [
            ["verdict", as_json(n), as_target(case.target), {"tolerance": tolerance}] for n in nets
        ]
        for verdict in javascript(calls):
            assert verdict["status"] in {"equal", "rounding"} and verdict["exact"]
            assert verdict["holds"] == (verdict["error"] <= tolerance)
            assert verdict["error"] < 1e-14


def test_the_module_has_no_imports_and_is_small():
    import gzip
    import re

    text = MODULE.read_text(encoding="utf-8")
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    code = re.sub(r"^\s*(//|/?\*).*\n", "", text, flags=re.MULTILINE)
    assert len(gzip.compress(code.encode(), 9)) < 14_000
