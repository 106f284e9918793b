"""The checker: what it accepts is true by another route, whatever certificate it is given.

``CIRCUITKIT_TAMPERED=100000 pytest tests/test_check.py -k "tampered or tree"`` runs the key tests at length.
"""

from __future__ import annotations

import ast
import copy
import itertools
import json
import math
import os
import random
import re
import subprocess
import sys
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sympy
import z3
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import timed

import circuitkit as ck
from circuitkit import check as kernel
from circuitkit.check import Cell, Program, Q, Rejected, pose, verify

FILE = Path(kernel.__file__)
#: how many tampered certificates the key test tries
TAMPERED = int(os.environ.get("CIRCUITKIT_TAMPERED", "1000"))


def claim(tree=None, tolerance=0, measure="relative", domain=None, **more):
    made = {"tolerance": str(tolerance), "measure": measure, "domain": domain, **more}
    return made if tree is None else {**made, "tree": tree}


def box(*ends):
    return {"box": [[None if v is None else str(v) for v in pair] for pair in ends]}


def affine(weights, biases=None):
    return {"weights": weights, "biases": biases}


EQUAL = claim(["leaf"])
IDENTITY = affine([[[1], [-1]], [[1, -1]]])
ABS = affine([[[1], [-1]], [[1, 1]]])
MIN = ck.circuit("min").to_dict()

#: 3|x| + 2x; simplified without keeping the factor it once passed for |x| (and was "proved" to be)
THREE_ABS = affine(
    [
        [[1], [-1], [1], [-1], [0]],
        [[1, 1, -1, -1, 0], *np.eye(5)[:4].tolist()],
        [[1, 0, -2, 1, 1], [-1, 0, 2, -1, -1], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]],
        [[1, 1, 3, -1], [0, 0, 1, 0], [0, 0, 0, 1]],
        [[4, -11, 1]],
    ],
    [[0, 0, 1, -1, -1], [1, 0, 0, 0, 0], [-1, 1, 0, 0], [0, 0, 0], [0]],
)


def fraction(value):
    return Fraction(int(value.numerator), int(value.denominator))


# --- a small prover, so that the checker is tried on true certificates --------------------------------


def multiples(cell, room, offset):
    """Numbers that show ``room + offset >= 0`` in a cell where every gate is decided: vertex by vertex."""
    program = cell.program
    n = program.n

    def expanded(row):
        total = [Fraction(0)] * (n + 1)
        rest = {c: fraction(v) for c, v in row.items()}
        while rest:
            column = max(rest)
            value = rest.pop(column)
            if column <= n:
                total[column] += value
            elif cell.sign(column - n - 1) > 0:
                for c, v in program.gates[column - n - 1].items():
                    rest[c] = rest.get(c, 0) + value * fraction(v)
        return total

    free = [i for i in range(n + 1) if cell.box[i][0] < cell.box[i][1]]
    facets = [(None, [Fraction(s * (i == j)) for j in free]) for i in free for s in (1, -1)]
    decided = [k for k in range(len(program.gates)) if k in cell.signs]
    forms = [(k, [cell.signs[k] * expanded(program.gates[k])[i] for i in free]) for k in decided]
    wanted = [expanded(room)[i] for i in free]
    for kept in itertools.combinations(forms + facets, len(free)):
        solution = solve([form for _, form in kept], wanted)
        if solution is not None and all(m >= 0 for m in solution):
            found = {k: m for (k, _), m in zip(kept, solution, strict=True) if k is not None and m}
            exact = {k: Q(m.numerator, m.denominator) for k, m in found.items()}
            if cell.least(room, exact) + offset >= 0:
                return {str(k): str(m) for k, m in found.items()}
    return None


def emptiness(cell):
    """Numbers that show that a cell has no point: a multiple of one constraint above all it can be."""
    for k, s in cell.signs.items():
        row = {c: -s * v for c, v in cell.program.gates[k].items()}
        smaller = cell.part(signs={j: v for j, v in cell.signs.items() if j != k})
        if smaller.sign(k):
            continue
        tiny = Q(1, 10**9)
        found = multiples(smaller, row, -tiny)
        if found is not None:
            return {**found, str(k): "1"}
    return None


def solve(columns, wanted):
    """The x with ``sum_j x_j columns[j] = wanted``, or None where there is not exactly one."""
    size = len(wanted)
    rows = [[columns[j][i] for j in range(size)] + [wanted[i]] for i in range(size)]
    for p in range(size):
        pivot = next((r for r in range(p, size) if rows[r][p]), None)
        if pivot is None:
            return None
        rows[p], rows[pivot] = rows[pivot], rows[p]
        rows[p] = [v / rows[p][p] for v in rows[p]]
        for r in range(size):
            if r != p and rows[r][p]:
                rows[r] = [a - rows[r][p] * b for a, b in zip(rows[r], rows[p], strict=True)]
    return [row[-1] for row in rows]


def proved(certificate, network, target):
    """The certificate with a tree, by splitting until every leaf is decided; None if there is none."""
    problem = pose(certificate, network, target)
    program = problem.program

    def reads(cell):
        todo = [c for one in problem.claims for row in (one.row, one.size or {}) for c in row]
        todo += [c for k in cell.signs for c in program.gates[k]]
        seen = set()
        while todo:
            k = todo.pop() - program.n - 1
            if k >= 0 and k not in seen:
                seen.add(k)
                if cell.sign(k) != -1:
                    todo += program.gates[k]
        return seen

    def tree(cell):
        rooms = [
            (
                {
                    c: (one.limit * (one.size or {}).get(c, 0) - one.row.get(c, 0))
                    for c in {*one.row, *(one.size or {})}
                },
                0 if one.size else one.limit,
            )
            for one in problem.claims
        ]
        rooms = [({c: v for c, v in row.items() if v}, offset) for row, offset in rooms]
        if all(cell.least(row, {}) + offset >= 0 for row, offset in rooms):
            return ["leaf"]
        undecided = sorted(k for k in reads(cell) if not cell.sign(k))
        if undecided:
            k = undecided[0]
            children = [tree(cell.part(signs={**cell.signs, k: s})) for s in (1, -1)]
            return None if None in children else ["split", k, *children]
        shown = [multiples(cell, row, offset) for row, offset in rooms]
        if None not in shown:
            return ["leaf", *shown]
        shown = emptiness(cell)
        return None if shown is None else ["empty", shown]

    made = tree(Cell(program, program.box, dict(program.signs)))
    return None if made is None else {**certificate, "tree": made}


# --- the other route: z3 on the claim as it stands in the certificate ----------------------------------


def z3_number(value):
    value = Fraction(value)
    return z3.RealVal(f"{value.numerator}/{value.denominator}")


def z3_max(*values):
    largest = values[0]
    for v in values[1:]:
        largest = z3.If(v > largest, v, largest)
    return largest


def z3_network(network, x):
    h = x
    scale = network.get("scale", 1)
    layers = network["weights"]
    for layer, w in enumerate(layers):
        bias = (network.get("biases") or [None] * len(layers))[layer] or [0] * len(w)
        z = [
            z3.Sum([z3_number(a) * v for a, v in zip(row, h, strict=True)] + [z3_number(c)])
            for row, c in zip(w, bias, strict=True)
        ]
        h = z if layer == len(layers) - 1 else [z3.If(v > 0, v, 0) for v in z]
    return [z3_number(scale) * v for v in h]


def z3_violation(part):
    """By how much a relation is violated, as text."""
    left, sign, right = re.fullmatch(r"(.*?) ([<>=]+) (.*)", part).groups()
    difference = f"({left}) - ({right})"
    return {"<": difference, ">": f"-({difference})", "=": f"abs({difference})"}[sign[0]]


def z3_read(text, names):
    """The text of a target or of a relation in z3, read in Python's own way."""
    functions = {
        "abs": lambda v: z3.If(v > 0, v, -v),
        "max": z3_max,
        "min": lambda *v: -z3_max(*(-one for one in v)),
        "relu": lambda v: z3.If(v > 0, v, 0),
        "clamp": lambda v, low, high: -z3_max(-z3_max(v, low), -high),
    }
    return eval(text, {"__builtins__": {}}, {**functions, **names})


_judged = {}


def is_true(certificate, network, target):
    """Whether the claim holds, by z3; the tree is not looked at."""
    stated = {k: v for k, v in certificate.items() if k not in ("tree", "margins")}
    key = json.dumps([stated, network, target], sort_keys=True)
    if key not in _judged:
        _judged[key] = _is_true(stated, network, target)
    return _judged[key]


def _is_true(stated, network, target):
    n = len(network["weights"][0][0])
    x = [z3.Real(f"x{i}") for i in range(n)]
    y = z3_network(network, x)
    solver = z3.Solver()
    domain = stated["domain"]
    if domain and "box" in domain:
        for v, (low, high) in zip(x, domain["box"], strict=True):
            solver.add(*([v >= z3_number(low)] if low is not None else []))
            solver.add(*([v <= z3_number(high)] if high is not None else []))
    elif domain:
        for line, end in zip(domain["A"], domain["b"], strict=True):
            products = [z3_number(a) * v for a, v in zip(line, x, strict=True)]
            solver.add(z3.Sum(products) <= z3_number(end))
    names = {f"x{i + 1}": v for i, v in enumerate(x)} | ({"x": x[0]} if n == 1 else {})
    tolerance = z3_number(stated["tolerance"])
    size = z3.RealVal(1)
    if stated["measure"] == "relative":
        size = z3_max(size, *x, *(-v for v in x))
    if isinstance(target, dict):
        wanted = z3_network(target, x)
    elif any(sign in target for sign in "<>="):
        names |= {f"y{i + 1}": v for i, v in enumerate(y)} | ({"y": y[0]} if len(y) == 1 else {})
        parts = [z3_read(part, names) for part in target.split(" and ")]
        if Fraction(stated["tolerance"]):
            by = [z3_read(z3_violation(part), names) for part in target.split(" and ")]
            parts = [one <= tolerance * size for one in by]
        solver.add(z3.Not(z3.And(*parts)))
        return solver.check() == z3.unsat
    else:
        read = z3_read(target, names)
        wanted = list(read) if isinstance(read, tuple) else [read]
    if len(wanted) != len(y):
        return False
    room = tolerance * size
    solver.add(z3.Or(*(z3.Or(a - b > room, b - a > room) for a, b in zip(y, wanted, strict=True))))
    return solver.check() == z3.unsat


# --- the circuits of the book, and the network that fooled the form -----------------------------------

NAMES = ["identity", "negation", "abs", "add", "subtract", "min", "max", "min4"]


@pytest.mark.parametrize("name", NAMES)
def test_a_circuit_of_the_book_needs_one_leaf_and_no_numbers(name):
    net, f = ck.circuit(name), ck.target(name)
    assert len(json.dumps(EQUAL["tree"])) < 53
    for target in (name, str(f), f, f.expression, [f.expression], net, net.to_dict()):
        assert kernel.check(EQUAL, net, target)
    for other in NAMES:
        if other != name:
            assert not kernel.check(EQUAL, net, other)


def test_the_network_that_once_passed_for_abs_is_refused_as_abs_and_taken_for_what_it_is():
    net = ck.Network(THREE_ABS["weights"], THREE_ABS["biases"])
    assert net(1.0).item() == 5
    made = proved(claim(), net, "3*abs(x) + 2*x")
    assert kernel.check(made, net, "3*abs(x) + 2*x")
    assert is_true(made, THREE_ABS, "3*abs(x) + 2*x")
    assert proved(claim(), net, "abs(x)") is None
    for target in ("abs", "abs(x)", "x", "2*abs(x)", "3*abs(x) + 2.0000000000000001*x"):
        assert not kernel.check(made, net, target)
        assert not kernel.check(EQUAL, net, target)


def test_the_network_whose_form_once_divided_by_zero_is_read():
    weights = [*THREE_ABS["weights"][:3], [[-1, -1, 1, 1]], [[1]]]
    net = ck.Network(weights, [*THREE_ABS["biases"][:3], [0], [0]])
    program = Program([(Q(-3), Q(3)), (Q(1), Q(1))])
    (row,) = kernel.read_network(program, net)
    for x in (-3, -1, 0, Fraction(1, 3), 1, 2):
        values = program.values([Q(Fraction(x).numerator, Fraction(x).denominator), Q(1)])
        value = sum((c * values[i] for i, c in row.items()), Q(0))
        assert float(fraction(value)) == pytest.approx(net(float(x)).item())


# --- rows have the values of what they stand for, bounds are bounds -----------------------------------


def direct(network, x):
    h = [Fraction(v) for v in x]
    for i, (w, b) in enumerate(zip(network["weights"], network["biases"], strict=True)):
        z = [
            sum(Fraction(a) * v for a, v in zip(r, h, strict=True)) + Fraction(c)
            for r, c in zip(w, b, strict=True)
        ]
        h = z if i == len(network["weights"]) - 1 else [max(v, Fraction(0)) for v in z]
    return h


def random_network(rng, *, numbers=(-2, -1, 0, 1, 2), n_inputs=None, most=5, layers=5):
    hidden = [rng.randint(1, most) for _ in range(rng.randint(1, layers))]
    sizes = [n_inputs or rng.randint(1, 3), *hidden, rng.randint(1, 2)]
    shapes = list(zip(sizes[1:], sizes, strict=False))
    weights = [[[rng.choice(numbers) for _ in range(a)] for _ in range(b)] for b, a in shapes]
    for w in weights[:-1]:  # duplicated and opposite rows, where gates are shared
        if len(w) > 1 and rng.random() < 0.5:
            w[-1] = [rng.choice([-1, 1, 2]) * v for v in w[0]]
    return affine(weights, [[rng.choice([-1, 0, 0, 1]) for _ in range(b)] for b, _ in shapes])


def values_and_bounds_are_true(rng, numbers):
    network = random_network(rng, numbers=numbers)
    n = len(network["weights"][0][0])
    homogenised = rng.random() < 0.5
    if homogenised:
        ends = [(Q(-1), Q(1))] * n + [(Q(0), Q(1))]
    else:
        pairs = [sorted(rng.choices(range(-3, 4), k=2)) for _ in range(n)]
        ends = [(Q(low), Q(high)) for low, high in pairs] + [(Q(1), Q(1))]
    program = Program(ends)
    rows = kernel.read_network(program, network)

    def value(row, values):
        return sum((c * values[i] for i, c in row.items()), Q(0))

    points = []
    for _ in range(12):
        point = [low + (high - low) * Q(rng.randint(0, 6), 6) for low, high in ends]
        points.append(program.values(point))
        t = fraction(point[n])
        if t:
            outputs = direct(network, [fraction(v) / t for v in point[:n]])
            assert [fraction(value(row, points[-1])) for row in rows] == [t * v for v in outputs]
    for _ in range(3):
        here = rng.choice(points)
        cell = Cell(program, program.box, {}).part()
        for k, row in enumerate(program.gates):
            if rng.random() < 0.4:
                v = value(row, here)
                cell.signs[k] = 1 if v > 0 else -1 if v < 0 else rng.choice([1, -1])
        if rng.random() < 0.5:
            cell = cell.part(base=None, before=cell, bounds={})
        inside = [
            p
            for p in points
            if all(s * value(program.gates[k], p) >= 0 for k, s in cell.signs.items())
        ]
        assert here in inside
        count = n + 1 + len(program.gates)
        row = {
            c: Q(rng.choice([-3, -1, 1, 2]))
            for c in rng.sample(range(count), rng.randint(1, count))
        }
        numbers = {
            k: Q(rng.randint(0, 8), 8) for k in range(len(program.gates)) if rng.random() < 0.5
        }
        least = cell.least(row, numbers)
        assert all(value(row, p) >= least for p in inside)
        for k, gate in enumerate(program.gates):
            low, high = cell.bound(k)
            for p in inside:
                assert low <= value(gate, p) <= high
                assert cell.sign(k) * value(gate, p) >= 0


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_rows_have_the_values_of_the_network_and_bounds_hold_at_every_point(rng):
    values_and_bounds_are_true(rng, (-2, -1, 0, 1, 2))


@pytest.mark.parametrize("seed", range(3))
def test_the_same_on_networks_with_many_coincidences(seed):
    rng = random.Random(seed)
    kinds = [(-1, 0, 1), (-1, 1), (1, -2, 3, -4, 6), (0.5, -0.5, 5e-324, 1e307)]
    for _ in range(60):
        values_and_bounds_are_true(rng, rng.choice(kinds))


@pytest.mark.parametrize(
    ("bias", "weights", "sign"),
    [
        (1, [2, 3, 4], 1), (0, [2, 3, 4], 1), (-1, [-2, -3, -4], -1), (0, [-2, 0, -4], -1), (0, [0, 0, 0], 1),
        (-1, [2, 3, 4], 0), (1, [-2, -3, -4], 0), (1, [2, -3, 4], 0), (-1, [-2, 3, -4], 0),
    ],
)  # fmt: skip
def test_a_sum_of_activations_has_the_sign_of_its_weights_and_a_sum_of_inputs_has_none(
    bias, weights, sign
):
    first = [[1, 1], [-2, -2], [3, -1]]
    kinks = 2  # of x1 + x2, which -2 x1 - 2 x2 shares, and of 3 x1 - x2
    network = affine([first, [weights], [[1]]], [[0] * 3, [bias], [0]])
    program = Program([(Q(-1), Q(1))] * 2 + [(Q(1), Q(1))])
    (row,) = kernel.read_network(program, network)
    assert len(program.gates) == kinks + (sign == 0)
    assert (row == {}) == (sign < 0 or not any(weights))
    for x in itertools.product((-1, 0, 1), repeat=2):
        values = program.values([*map(Q, x), Q(1)])
        assert [fraction(sum((c * values[i] for i, c in row.items()), Q(0)))] == direct(network, x)


def test_rows_share_a_gate_exactly_if_one_is_a_multiple_of_the_other():
    program = Program([(Q(-9), Q(9)), (Q(-9), Q(9)), (Q(1), Q(1))])
    rows = [
        {0: Q(a), **({1: Q(b)} if b else {}), **({2: Q(c)} if c else {})}
        for a, b, c in itertools.product((1, -2, 3), (0, 1, -2), (0, 1, 3))
    ]
    for row in rows:
        (other,) = [c for c in program.relu(row) if c > program.n] or [None]
        gate = program.gates[other - program.n - 1]
        assert gate.keys() == row.keys()
        assert len({row[c] / gate[c] for c in row}) == 1
    ratios = {tuple(fraction(row.get(c, Q(0)) / row[0]) for c in (1, 2)) for row in rows}
    assert len(program.gates) == len(ratios)


# --- every kind of claim ------------------------------------------------------------------------------

NEAR = affine([[[1.0009765625]]])  # (1 + 1/1024) x
CLAMP = affine([[[1], [1]], [[1, -1]]], [[0, -1], [0]])  # clamp(x, 0, 1)
ABOVE = affine([[[1], [-1]], [[1, 1]]], [[0, 0], [1]])  # abs(x) + 1
SORT = affine([[[1, 0], [-1, 0], [1, -1], [0, 1], [0, -1]], [[1, -1, -1, 0, 0], [0, 0, 1, 1, -1]]])
MIN_BY_X2 = affine([[[0, 1], [0, -1], [-1, 1]], [[1, -1, -1]]])
HALF_MIN = affine([[[1, 1], [-1, -1], [1, -1], [-1, 1]], [[0.5, -0.5, -0.5, -0.5]]])
DRAWN = affine(
    [
        [[0.53, -0.71], [-0.42, 0.18], [0.9, 0.35]],
        [[0.61, -0.2, 0.44], [-0.3, 0.8, -0.57]],
        [[-0.7, 0.5]],
    ],
    [[0.1, -0.2, 0.05], [0.0, 0.3], [0.12]],
)
TRIANGLE = {"A": [["1", "0"], ["0", "1"], ["-1", "-1"]], "b": ["1", "1", "1"], "point": ["0", "0"]}
BELOW_DIAGONAL = {"A": [["1", "-1"]], "b": ["0"], "point": ["1/3", "2"]}

#: name -> (claim, network, target, the same with one number changed so that it is false)
CLAIMS = {
    "equal everywhere": (claim(), THREE_ABS, "3*abs(x) + 2*x", {"target": "abs(x)"}),
    "relative, everywhere": (claim(tolerance="1/1024"), NEAR, "x", {"tolerance": "1/1025"}),
    "relative, on a box": (
        claim(tolerance="1/1024", domain=box((-3, 5))), NEAR, "x", {"tolerance": "1/1025"},
    ),
    "absolute, on a box": (
        claim(tolerance="5/1024", measure="absolute", domain=box((-3, 5))), NEAR, "x",
        {"tolerance": "4/1024"},
    ),
    "absolute, everywhere": (
        claim(tolerance=1, measure="absolute"), CLAMP, "0", {"tolerance": "99/100"},
    ),
    "absolute, on a half line": (
        claim(tolerance="1/2", measure="absolute", domain=box((None, "1/2"))), CLAMP, "0",
        {"domain": box((None, "3/4"))},
    ),
    "equal on a half line": (claim(domain=box((0, None))), ABS, "x", {"domain": box((-1, None))}),
    "equal on an interval": (claim(domain=box((1, 2))), ABS, "x", {"domain": box((-1, 2))}),
    "a fixed input": (
        claim(domain=box((2, 2), (-3, 3))), MIN, "min(2, x2)", {"domain": box((1, 2), (-3, 3))},
    ),
    "a fixed input beside a free one": (
        claim(domain=box((2, 2), (None, None))), MIN, "min(2, x2)",
        {"domain": box((2, None), (None, None))},
    ),
    "equal on a polytope": (
        claim(domain=BELOW_DIAGONAL), MIN, "x1", {"domain": {**BELOW_DIAGONAL, "b": ["1/9"]}},
    ),
    "relative, on a polytope": (
        claim(tolerance=2, domain=TRIANGLE), MIN, "0", {"tolerance": "1/2"},
    ),
    "one-sided, on a polytope": (
        claim(domain=TRIANGLE), MIN, "y <= 1", {"domain": {**TRIANGLE, "b": ["2", "3/2", "1"]}},
    ),
    "strict": (
        claim(margins=["1"]), ABOVE, "y > x", {"margins": ["10000001/10000000"], "target": "y > x + 1"},
    ),
    "a violation": (claim(tolerance="1"), NEAR, "y <= x/2", {"tolerance": "1/3"}),
    "a violation on a box": (
        claim(tolerance="2", measure="absolute", domain=box((-3, 4))), ABOVE, "y < x + 5 and y <= 3",
        {"tolerance": "1"},
    ),
    "a violation beyond 1": (
        claim(tolerance="1/2", domain=box((-3, 4))), ABOVE, "y <= 3", {"tolerance": "1/3"},
    ),
    "several relations": (
        claim(margins=["1"]), ABOVE, "y >= x + 1 and y > 0 and 1 - x <= y",
        {"target": "y >= x + 1 and y > 1 and 1 - x <= y"},
    ),
    "between outputs": (
        claim(), SORT, "y1 <= y2 and y1 <= x1 and y2 >= x2", {"target": "y1 <= x2 and y2 <= x2"},
    ),
    "an equation": (claim(), SORT, "y1 + y2 == x1 + x2", {"target": "y1 - y2 == x1 - x2"}),
    "a relation on a box": (
        claim(domain=box((-2, 2), (-1, 3))), DRAWN, "y <= max(x1, x2) + 3", {"target": "y <= x1"},
    ),
    "two outputs": (claim(), SORT, "(min(x1, x2), max(x1, x2))", {"target": "(x1, max(x1, x2))"}),
    "another network": (claim(), MIN, MIN_BY_X2, {"target": ck.circuit("max").to_dict()}),
    "a third network": (claim(), MIN, HALF_MIN, {"target": ck.circuit("add").to_dict()}),
    "another network, within": (
        claim(tolerance=3, domain=box((-2, 2), (-2, 2))), DRAWN, MIN, {"tolerance": "1/2"},
    ),
    "clamp": (claim(), CLAMP, "clamp(x, 0, 1)", {"target": "clamp(x, 0, 2)"}),
    "relu": (claim(), CLAMP, "relu(x) - relu(x - 1)", {"target": "relu(x) - relu(x - 2)"}),
    "a worst error": (
        claim(tolerance="2", domain=box((-1, 1), (-1, 1))), DRAWN, "min(x1, x2)", {"tolerance": "1/2"},
    ),
    "a worst error beyond 1": (
        claim(tolerance="2", domain=box((-1, 3), (-2, 1))), DRAWN, "min(x1, x2)", {"tolerance": "1/2"},
    ),
    "a worst error everywhere": (
        claim(tolerance="2"), DRAWN, "min(x1, x2)", {"tolerance": "1/2"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def certificates():
    return {name: proved(*entry[:3]) for name, entry in CLAIMS.items()}


@pytest.mark.parametrize("name", CLAIMS)
def test_each_kind_of_claim_can_be_proved_where_true_and_not_where_false(name, certificates):
    stated, network, target, changes = CLAIMS[name]
    made = certificates[name]
    assert made is not None
    assert verify(made, network, target)
    assert kernel.check(json.loads(json.dumps(made)), ck.Network.from_dict(network), target)
    assert is_true(stated, network, target)
    changes = dict(changes)
    other = changes.pop("target", target)
    assert not is_true({**stated, **changes}, network, other)
    assert not kernel.check({**made, **changes}, network, other)


# --- the key test: accepted means true by another route ----------------------------------------------

JUNK = [
    None, True, False, [], {}, "", "1/0", "-1/0", "nan", "inf", 1e308, float("nan"), float("inf"), 0.5, -1, 0, 1,
    2, 10**400, "1" * 5000, "0x" + "f" * 50_000, "1e9", "1_0", " 1", "--1", "0x", "½", "١", "leaf", "split",
    "empty", ["leaf"], ["empty", {}], {"0": "1"}, {"0": "1", "1": "1/2"}, ["split", 0, ["leaf"], ["leaf"]],
    ["anew", ["leaf"]], ["each"], [[0, 1, {}]],
]  # fmt: skip


def places(part, path=()):
    """Every place in a JSON value, as the keys that lead to it."""
    yield path
    if isinstance(part, dict):
        for key in part:
            yield from places(part[key], (*path, key))
    elif isinstance(part, list):
        for i in range(len(part)):
            yield from places(part[i], (*path, i))


def at(part, path):
    for key in path:
        part = part[key]
    return part


def changed_number(rng, value):
    """Another number near or far from this one; numbers of certificates are text, gates are not."""
    if isinstance(value, str):
        number = Fraction(value)
        return str(
            rng.choice([
                -number, number * 2, number / 2, number + 1, number - 1, Fraction(0), Fraction(1),
                number * (1 - Fraction(1, 10**15)), number * (1 + Fraction(1, 10**15)),
                number - Fraction(1, 10**12), Fraction(rng.randint(-8, 8), rng.randint(1, 8)),
            ])
        )  # fmt: skip
    return rng.choice([value + 1, value - 1, -value, 0, 1, 2, -1])


def tampered(rng, certificate):
    """The certificate with one place changed; often it is malformed then, often it is not."""
    made = copy.deepcopy(certificate)
    inside = [p for p in places(made) if p]
    deep = [p for p in inside if p[0] == "tree" and len(p) > 1] or inside
    path = rng.choice(deep if rng.random() < 0.7 else inside)
    above, key, value = at(made, path[:-1]), path[-1], at(made, path)
    nodes = [
        p
        for p in inside
        if isinstance(at(made, p), list) and at(made, p)[:1] in (["leaf"], ["split"])
    ]
    match rng.randint(0, 8):
        case 0:
            above[key] = rng.choice(JUNK)
        case 1:
            del above[key]
        case 2 if isinstance(above, list):
            above.insert(rng.randint(0, len(above)), copy.deepcopy(value))
        case 3 if isinstance(above, list) and len(above) > 1:
            i, j = rng.sample(range(len(above)), 2)
            above[i], above[j] = above[j], above[i]
        case 4 if isinstance(above, dict) and path[0] == "tree":
            above[str(rng.randint(-1, 9))] = above.pop(key)
        case 5 if nodes:  # a leaf called empty, a subtree cut off, another one's place taken
            p = rng.choice(nodes)
            other = rng.choice(
                [["leaf"], ["empty", {}], copy.deepcopy(at(made, rng.choice(nodes)))]
            )
            at(made, p[:-1])[p[-1]] = other
        case 6:
            numbers = [
                p for p in inside if re.fullmatch(r"-?[0-9]{1,99}(/[1-9][0-9]*)?", str(at(made, p)))
            ]
            numbers = [p for p in numbers if isinstance(at(made, p), str)]
            if numbers:
                p = rng.choice(numbers)
                at(made, p[:-1])[p[-1]] = changed_number(rng, at(made, p))
        case 7:
            gates = [p for p in inside if type(at(made, p)) is int]
            if gates:
                p = rng.choice(gates)
                at(made, p[:-1])[p[-1]] = changed_number(rng, at(made, p))
        case _:
            made["measure"] = rng.choice(["relative", "absolute"])
            made["tolerance"] = changed_number(rng, rng.choice(["0", "1", "2", "1/1024"]))
    return made


def near_network(rng, network):
    """One weight a little or much different."""
    made = copy.deepcopy(network)
    layer = rng.choice(made["weights"])
    line = rng.choice(layer)
    i = rng.randrange(len(line))
    v = float(line[i])
    line[i] = rng.choice(
        [math.nextafter(v, math.inf), math.nextafter(v, -math.inf), -v, v + 1, 0.0]
    )
    return made


def test_a_tampered_certificate_that_is_accepted_claims_something_true(certificates, fresh_seed):
    seed = fresh_seed
    rng = random.Random(seed)
    names = sorted(certificates)
    counts = {"tried": 0, "accepted": 0}
    for _ in range(TAMPERED):
        name = rng.choice(names)
        _, network, target, changes = CLAIMS[name]
        made = certificates[name]
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            made = tampered(rng, made)
        if rng.random() < 0.2:
            network = near_network(rng, network)
        elif rng.random() < 0.1:
            target = rng.choice(
                [changes.get("target", target), "x1", "x", "abs(x)", "min(x1, x2)", "0"]
            )
        start = time.process_time()
        accepted = kernel.check(made, network, target)
        if time.process_time() - start >= 10:  # once may be the machine's fault
            seconds, accepted = timed(partial(ck.check, made, network, target), below=10)
            assert seconds < 10, (seed, made)
        counts["tried"] += 1
        if accepted:
            counts["accepted"] += 1
            assert is_true(made, network, target), (seed, name, made, network, target)
    print(counts)
    assert counts["accepted"] > TAMPERED // 50  # or the test would say nothing


# --- any tree at all: what it shows is true -----------------------------------------------------------


def random_claim(rng):
    """A claim on a small network, with its tolerance left open."""
    n = rng.randint(1, 2)
    network = random_network(rng, n_inputs=n, most=3, layers=2)
    m = len(network["weights"][-1])
    x = ["x"] if n == 1 else ["x1", "x2"]
    y = ["y"] if m == 1 else ["y1", "y2"]
    functions = ["0", f"abs({x[0]})", f"max({', '.join(x)}, 1)", f"relu({x[-1]} - 1)", x[0]]
    relations = [
        f"{y[0]} <= {x[-1]}",
        f"{y[-1]} > {rng.choice(functions)}",
        f"{y[0]} == {x[0]} + 1",
    ]
    function = (
        rng.choice(functions) if m == 1 else f"({rng.choice(functions)}, {rng.choice(functions)})"
    )
    ends = [sorted(rng.choices(range(-3, 4), k=2)) for _ in range(n)]
    halves = [[v if rng.random() < 0.6 else None for v in pair] for pair in ends]
    lines = [[rng.randint(-2, 2) for _ in range(n)] for _ in range(rng.randint(1, 3))]
    sides = [str(rng.randint(0, 2)) for _ in lines]
    polytope = {"A": [[str(a) for a in line] for line in lines], "b": sides, "point": ["0"] * n}
    domain = rng.choice([None, box(*ends), box(*ends), box(*halves), polytope])
    measure = rng.choice(["relative", "absolute"])
    target = (
        function if rng.random() < 0.6 else " and ".join(rng.sample(relations, rng.randint(1, 2)))
    )
    return claim(measure=measure, domain=domain), network, target


def random_tree(rng, problem, depth):
    """A tree of every kind of node, its numbers drawn at random."""
    count = len(problem.program.gates)

    def numbers():
        chosen = [k for k in range(count) if rng.random() < 0.5]
        return {str(k): str(Fraction(rng.choice([0, 1, 1, 2, 4, 8]), 4)) for k in chosen}

    kind = rng.choice(["leaf", "split", "split", "split", "cut", "fix", "anew", "each", "empty"])
    if depth == 0 or kind == "leaf" or (kind in ("split", "fix") and not count):
        return ["leaf", *(numbers() for _ in range(rng.randint(0, len(problem.claims))))]
    below = [random_tree(rng, problem, depth - 1) for _ in range(2)]
    if kind == "split":
        return ["split", rng.randrange(count), *below]
    if kind == "cut":
        i = rng.randint(0, problem.program.n)
        low, high = (fraction(v) for v in problem.program.box[i])
        return ["cut", i, str(low + (high - low) * Fraction(rng.randint(0, 4), 4)), *below]
    if kind == "fix":
        return ["fix", [[rng.randrange(count), rng.choice([1, -1]), numbers()]], below[0]]
    if kind == "each" and len(problem.claims) == 2:
        return ["each", *below]
    return ["empty", numbers()] if kind == "empty" else ["anew", below[0]]


def smallest_tolerance(certificate, network, target):
    """The smallest multiple of 1/64 for which the checker takes the certificate; None above 64."""

    def taken(steps):
        return kernel.check({**certificate, "tolerance": f"{steps}/64"}, network, target)

    low, high = 0, 64 * 64
    if not taken(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if taken(middle) else (middle + 1, high)
    return f"{high}/64"


def test_whatever_a_random_tree_shows_is_true(fresh_seed):
    seed = fresh_seed
    rng = random.Random(seed)
    shown = tight = 0
    tried = TAMPERED // 20
    for _ in range(tried):
        stated, network, target = random_claim(rng)
        problem = pose({**stated, "tolerance": "1"}, network, target)
        for _ in range(4):
            made = {**stated, "tree": random_tree(rng, problem, rng.randint(0, 3))}
            tolerance = smallest_tolerance(made, network, target)
            if tolerance is None or tolerance == "0/64":
                continue
            made["tolerance"] = tolerance
            assert is_true(made, network, target), (seed, made, network, target)
            shown += 1
            less = str(Fraction(tolerance) - Fraction(1, 64))
            tight += not is_true({**made, "tolerance": less}, network, target)
    print({"shown": shown, "as sharp as can be": tight})
    assert shown > tried / 2 and tight > tried / 10  # or the test would say little


# --- each rule keeps something false out --------------------------------------------------------------

RELU = affine([[[1]], [[1]]])
ZERO = affine([[[0]]])
UNIT = box((-1, 1))
#: proofs of something false, each of which would pass if one rule were not kept
FALSE_PROOFS = {
    "a multiple below 0": (
        claim(["split", 0, ["leaf", {"0": "-1"}], ["leaf", {"0": "-1"}]], domain=UNIT), ABS, "y <= 0",
    ),
    "a slope above 1": (claim(["leaf", {"0": "2"}], domain=UNIT), RELU, "y >= 2*x"),
    "a slope below 0": (claim(["leaf", {"0": "-1"}], domain=UNIT), RELU, "y >= -x"),
    "a chord below relu": (
        claim(["leaf", {"0": "1/2"}], tolerance="1/4", domain=UNIT), RELU, "y <= x/2",
    ),
    "a side left out": (claim(["split", 0, ["leaf"]]), ABS, "x"),
    "a side that is not shown": (claim(["split", 0, ["leaf"], ["leaf"]]), ABS, "x"),
    "the other side not shown": (claim(["split", 0, ["leaf"], ["leaf"]]), ABS, "-x"),
    "a half that is not shown": (
        claim(["cut", 0, "0", ["leaf"], ["leaf"]], domain=UNIT), affine([[[1]]]), "y >= 0",
    ),
    "the other half not shown": (
        claim(["cut", 0, "0", ["leaf"], ["leaf"]], domain=UNIT), affine([[[1]]]), "y <= 0",
    ),
    "a cut beside the cell": (
        claim(["cut", 0, "-5", ["leaf"], ["leaf"]], domain=UNIT), affine([[[1]]]), "y >= 0",
    ),
    "a sign that is not shown": (claim(["fix", [[0, 1, {}]], ["leaf"]]), ABS, "x"),
    "another gate's sign": (claim(["fix", [[0, -1, {"0": "1"}]], ["leaf"]]), ABS, "-x"),
    "a sign of 0": (claim(["fix", [[0, 0, {}]], ["leaf"]]), ABS, "x"),
    "a cell that is not empty": (claim(["empty", {}]), ABS, "x"),
    "a cell that is one point": (
        claim(["split", 0, ["split", 0, ["leaf"], ["empty", {"0": "1"}]], ["empty", {"0": "1"}]]),
        ABS, "x",
    ),
    "shown above, not below": (claim(["leaf"]), ZERO, "abs(x)"),
    "shown below, not above": (claim(["leaf"]), ABS, "0"),
    "shown of one output": (claim(["leaf"]), SORT, "(min(x1, x2), min(x1, x2))"),
    "one tree for two claims": (claim(["each", ["leaf"]]), ABS, "0"),
    "two of the same claim": (claim(["each", ["leaf"], ["leaf"]]), ZERO, "relu(x)"),
    "absolute, shown as relative": (
        claim(["leaf"], tolerance="1/1024", measure="absolute"), NEAR, "x",
    ),
    "absolute, shown as relative to a box": (
        claim(["leaf"], tolerance="1/1024", measure="absolute", domain=box((-3, 5))), NEAR, "x",
    ),
    "relative, to more than the input": (
        claim(["leaf"], tolerance="1/1025", domain=box((-3, 5))), NEAR, "x",
    ),
    "within its half": (claim(["leaf"], tolerance="1/2048"), NEAR, "x"),
    "strict where equal": (claim(["leaf"], margins=["0"]), IDENTITY, "y > x"),
    "strict by less than nothing": (claim(["leaf"], margins=["-1"]), IDENTITY, "y > x"),
    "strict without a margin": (claim(["leaf"]), IDENTITY, "y > x"),
    "strict the other way without a margin": (claim(["leaf"]), IDENTITY, "y < x"),
    "one half of an equation": (claim(["leaf"]), ZERO, "y == relu(x)"),
    "the other half of an equation": (claim(["leaf"]), RELU, "y == 0"),
    "outside the polytope": (
        claim(["leaf"], domain={"A": [["-1"]], "b": ["0"], "point": ["-1"]}), IDENTITY, "y > 1",
    ),
    "bounds of an older cell": (
        claim(["cut", 0, "0", ["anew", ["leaf"]], ["anew", ["leaf"]]], domain=UNIT), RELU, "y <= 0",
    ),
    "a sign from one side used on the other": (
        claim(["split", 0, ["fix", [[0, 1, {"0": "1"}]], ["leaf"]], ["leaf"]]), ABS, "x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE_PROOFS)
def test_no_rule_can_be_left_out(name):
    certificate, network, target = FALSE_PROOFS[name]
    assert not is_true(certificate, network, target)
    assert not kernel.check(certificate, network, target)


@pytest.mark.parametrize("c", ["-5", "5", "-1025/1024"])
def test_a_cut_outside_its_cell_is_no_part_of_a_proof(c):
    # Sound (the other side holds the whole cell), and never written by the prover: a mistake.
    tree = ["cut", 0, c, ["leaf"], ["leaf"]]
    with pytest.raises(Rejected, match="a cut outside the cell"):
        verify(claim(tree, domain=UNIT), IDENTITY, "x")
    assert kernel.check(claim(["cut", 0, "1", ["leaf"], ["leaf"]], domain=UNIT), IDENTITY, "x")


def test_a_side_of_the_domain_that_always_holds_is_no_gate():
    # Gates are counted from the domain's on: certificate and checker must count alike.
    where = {"A": [["0"], ["-1"]], "b": ["1", "2"], "point": ["0"]}
    problem = pose(claim(domain=where), ABS, "abs(x)")
    assert problem.program.signs == {0: 1} and len(problem.program.gates) == 2


# --- what is malformed or meant to do harm -------------------------------------------------------------


@pytest.mark.parametrize("junk", JUNK, ids=lambda v: f"{v!r:.20}")
def test_junk_in_place_of_any_part_is_refused_without_an_exception(junk):
    made = proved(claim(tolerance="1/1024", domain=box((-3, 5))), NEAR, "x")
    for part in ("tolerance", "measure", "domain", "tree"):
        if json.dumps(junk) not in (json.dumps(made[part]), "0", '["leaf"]', '["anew", ["leaf"]]'):
            accepted = kernel.check({**made, part: junk}, NEAR, "x")
            assert not accepted or (
                part == "tolerance" and junk in (1, 2, 10**400, "0x" + "f" * 50_000)
            )
    assert not kernel.check({**made, "another part": junk}, NEAR, "x")
    assert not kernel.check(junk, NEAR, "x")
    for network in (junk, {"weights": junk}, {**NEAR, "biases": [junk]}, {**NEAR, "scales": junk}):
        assert not kernel.check(EQUAL, network, "x")
    assert not kernel.check(made, affine([[[junk]]]), "x") or junk in (1, True)
    assert not kernel.check(EQUAL, IDENTITY, junk)


def test_a_weight_that_is_no_finite_number_is_refused():
    for weight in (True, "1", None, math.nan, math.inf, Fraction(1), [1], 1j):
        assert not kernel.check(EQUAL, affine([[[weight]]]), "x")
    assert kernel.check(EQUAL, affine([[[1]]]), "x") and kernel.check(EQUAL, affine([[[1.0]]]), "x")


def nested(depth):
    tree = ["leaf"]
    for _ in range(depth):
        tree = ["split", 0, tree, ["leaf"]]
    return tree


def shared(depth):
    tree = ["leaf"]
    for _ in range(depth):
        tree = ["split", 0, tree, tree]
    return tree


def looped():
    tree = ["anew"]
    tree.append(tree)
    return tree


@pytest.mark.parametrize(
    "tree", [nested(100_000), shared(60), looped(), ["fix", [[0, 1, {}]] * 200_000, ["leaf"]]]
)
def test_a_certificate_that_never_ends_is_refused_in_time(tree, monkeypatch):
    monkeypatch.setattr(kernel, "MAX_NODES", 20_000)
    monkeypatch.setattr(kernel, "MAX_WORK", 10**6)
    seconds, accepted = timed(lambda: kernel.check(claim(tree), ABS, "x"), below=10)
    assert not accepted
    assert seconds < 10


def test_a_tree_has_so_many_levels_at_most():
    assert kernel.check(claim(nested(kernel.MAX_DEPTH - 1)), ABS, "abs(x)")
    for depth in (kernel.MAX_DEPTH, 100_000):
        with pytest.raises(Rejected, match="too deep a tree"):
            verify(claim(nested(depth)), ABS, "abs(x)")


@pytest.mark.parametrize(
    "target",
    [
        "(" * 5000 + "x" + ")" * 5000,
        "abs(" * 3000 + "x" + ")" * 3000,
        "+".join(["abs(x)"] * 5000),
        "-" * 10_000 + "x",
        "1e999999999*x",
        "0e999999999*x + x/1e-999999999",
        "9**9**9**9*x",
        "*".join(["1e308"] * 3000) + "*x",
        "max(" + ",".join(f"{i}*x" for i in range(3000)) + ")",
        "(x\n)",
        "9.9+(\r0.1)",
        "__import__('os').system('true')",
        "x.real",
        "[x][0]",
        "(lambda: x)()",
        "add(x, x)",
        "number(3)",
        "variable(x)",
        "max(x, default=1)",
        "max(*x)",
        "x if x else x",
        "x or x",
        "not x",
        "x**1",
        "x // 1",
        "x @ x",
        "x and x",
        "x < 1 and x",
        "(x, y)",
        "y < ",
        "1 < 2 in 3",
        "y",
        "y1",
        "x2",
        "x0",
        "x01",
        "True",
        "...",
        "'x'",
        "1j*x",
        "x/0",
        "1/x",
        "x*x",
        "max()",
        "clamp(x)",
        "",
        "()",
        " ",
        "x != y",
        "x is y",
        "x١",
        "ｘ",
    ],
    ids=lambda t: f"{t[:20]!r}",
)
def test_a_text_that_is_no_target_is_refused_in_time(target):
    seconds, accepted = timed(lambda: kernel.check(EQUAL, IDENTITY, target), below=10)
    assert not accepted
    assert seconds < 10


def test_python_s_minus_one_is_no_gate_and_true_is_no_number():
    made = claim(["split", 0, ["leaf"], ["leaf", {"0": "2"}]], domain=box((-1, 1)))
    relation = "y >= x"
    assert kernel.check(made, ABS, relation)
    for k in (-1, True, "-1", "00", "0 ", 1, 0.0, None):
        tree = ["split", k, *made["tree"][2:]]
        assert not kernel.check({**made, "tree": tree}, ABS, relation), k
        for tree in (["split", k, ["leaf"], ["leaf"]], ["fix", [[k, 1, {}]], ["leaf"]]):
            assert not kernel.check(claim(tree, domain=box((1, 2))), ABS, "abs(x)"), k
    for i in (-1, 2, True, 0.0, None):
        tree = ["cut", i, "1", ["leaf"], ["leaf"]]
        assert not kernel.check(claim(tree, domain=box((1, 2))), ABS, "abs(x)"), i
    for number in (True, 1.0, "-1", None, "1.0", "1e0"):
        tree = ["split", 0, ["leaf"], ["leaf", {"0": number}]]
        assert not kernel.check({**made, "tree": tree}, ABS, relation), number
    tree = ["split", 0, ["leaf"], ["leaf", {"0": "2", 0: "2"}]]
    assert not kernel.check({**made, "tree": tree}, ABS, relation)


def test_an_empty_domain_proves_nothing():
    # x <= 0 and x >= 1: multiples of these two show whatever one likes.
    apart = {"A": [["1"], ["-1"]], "b": ["0", "-1"]}
    anything = ["leaf", {"0": "1"}, {"0": "4", "1": "5"}]
    here = {"A": [["1"], ["-1"]], "b": ["0", "1"], "point": ["-1/2"]}
    assert verify(claim(anything[:1], domain=here), IDENTITY, "x")
    for point in (["0"], ["1"], ["1/2"], [], ["0", "0"], None):
        assert not kernel.check(claim(anything, domain={**apart, "point": point}), IDENTITY, "5")
    assert not kernel.check(claim(anything, domain=apart), IDENTITY, "5")
    assert not kernel.check(claim(["leaf"], domain=box((2, 1))), IDENTITY, "y <= 1 and y >= 2")
    for domain in (
        {"A": [], "b": [], "point": ["0"]},
        {"A": [["0"]], "b": ["-1"], "point": ["0"]},
        {"A": [["1"]], "b": [], "point": ["0"]},
        {"A": ["1"], "b": ["0"], "point": ["0"]},
        {"box": []},
        {"box": ["12"]},
        {"box": [["1", "2", "3"]]},
        {},
    ):
        for tree in (["leaf"], ["empty", {"0": "1"}], anything):
            assert not kernel.check(claim(tree, domain=domain), IDENTITY, "5"), domain


def test_a_claim_of_nothing_is_refused():
    for target in ([], (), "()", [[]], sympy.Tuple(), sympy.true, sympy.And()):
        assert not kernel.check(EQUAL, IDENTITY, target)
    assert not kernel.check(claim(["each"]), IDENTITY, "x")
    assert not kernel.check(EQUAL, affine([[[]]]), "0")
    assert not kernel.check(EQUAL, affine([[]]), [])


def test_a_strict_relation_needs_its_margin():
    made = proved(claim(margins=["1"]), ABOVE, "y > 0")
    assert kernel.check(made, ABOVE, "y > 0")
    assert kernel.check({**made, "margins": ["1/3"]}, ABOVE, "y > 0")
    for margins in (["0"], ["-1"], ["2"], [], ["1", "1"], [1.0], [True], "1"):
        assert not kernel.check({**made, "margins": margins}, ABOVE, "y > 0"), margins
    assert not kernel.check(made, ABOVE, "y >= 0")
    assert kernel.check({**made, "margins": []}, ABOVE, "y >= 0")
    assert not kernel.check(claim(["leaf"], tolerance="-1"), ABOVE, "abs(x) + 1")


# --- what targets mean ----------------------------------------------------------------------------------

X = sympy.Symbol("x", real=True)


def test_a_decimal_in_a_text_is_a_decimal_and_a_float_of_sympy_the_double_that_it_is():
    tenth = affine([[[0.1]]])
    assert not kernel.check(EQUAL, tenth, "0.1*x")
    assert not kernel.check(EQUAL, tenth, X / 10)
    assert kernel.check(EQUAL, tenth, 0.1 * X)
    exact = Fraction(0.1)
    assert kernel.check(EQUAL, tenth, f"{exact.numerator}*x/{exact.denominator}")
    assert kernel.check(EQUAL, affine([[[1]]], [[0.5]]), "x + 0.5")
    assert kernel.check(EQUAL, affine([[[1]]], [[0.5]]), "x + 5_0.0e-2")
    assert kernel.check(EQUAL, affine([[[1e300]]]), "1e300*x") == (Fraction(1e300) == 10**300)
    assert kernel.check(EQUAL, affine([[[2.5]]]), "1e-400*x" if False else "2.5*x")


def test_the_checker_s_names_are_the_catalogue_s():
    for name, text in kernel.NAMES.items():
        assert str(ck.target(name)) == str(ck.target(text)) and ck.target(name).name == name


def random_text(rng, depth):
    """An expression as text, and the function that it is on fractions."""
    if depth == 0:
        i = rng.randint(1, 2)
        number = rng.choice(["2", "0.5", "1e-1", "3/4", "0.0"])
        if rng.random() < 0.6:
            return f"x{i}", lambda x: x[i - 1]
        return number, lambda x: Fraction(3, 4) if number == "3/4" else Fraction(number)
    (a, f), (b, g) = (random_text(rng, depth - 1) for _ in range(2))
    return rng.choice([
        (f"({a} + {b})", lambda x: f(x) + g(x)),
        (f"({a} - ({b}))", lambda x: f(x) - g(x)),
        (f"-({a})", lambda x: -f(x)),
        (f"-2.5*({a})", lambda x: Fraction(-5, 2) * f(x)),
        (f"({a})*3/7", lambda x: f(x) * Fraction(3, 7)),
        (f"abs({a})", lambda x: abs(f(x))),
        (f"relu({a})", lambda x: max(f(x), 0)),
        (f"min({a}, {b}, 1)", lambda x: min(f(x), g(x), 1)),
        (f"max({b}, {a})", lambda x: max(f(x), g(x))),
        (f"clamp({a}, -1, 2)", lambda x: min(max(f(x), -1), 2)),
    ])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_an_expression_means_the_same_as_text_as_a_target_and_as_sympy(rng):
    text, function = random_text(rng, 3)
    text = f"{text} + 0*x1 + 0*x2"
    f = ck.target(text)
    program = Program([(Q(-9), Q(9)), (Q(-9), Q(9)), (Q(1), Q(1))])
    rows = [kernel.read_target(program, t, []) for t in (text, f, str(f), f.expression, [f])]
    for _ in range(6):
        x = [Fraction(rng.randint(-40, 40), rng.randint(1, 9)) for _ in range(2)]
        values = program.values([*(Q(v.numerator, v.denominator) for v in x), Q(1)])
        for ((relation, row),) in rows:
            assert relation == ""
            assert fraction(sum((c * values[i] for i, c in row.items()), Q(0))) == function(x)


def test_only_sympy_s_own_functions_are_read_as_such():
    assert kernel.check(EQUAL, ABS, sympy.Max(X, -X))
    assert kernel.check(EQUAL, ABS, sympy.Abs(X))
    for pretender in ("Abs", "abs", "Max", "Add", "relu"):
        assert not kernel.check(EQUAL, ABS, sympy.Function(pretender)(X))
    for other in (
        X**2,
        sympy.sign(X) * X,
        sympy.oo,
        sympy.nan,
        sympy.pi * X,
        X * X,
    ):
        assert not kernel.check(EQUAL, ABS, other)


def test_relations_of_sympy_and_chains_are_read():
    y = sympy.Symbol("y", real=True)
    for relation in (y >= X + 1, sympy.And(y >= X, y >= 1), y >= 1 - X, sympy.Eq(y, abs(X) + 1)):
        made = proved(claim(), ABOVE, relation)
        assert kernel.check(made, ABOVE, relation)
        assert not kernel.check(made, ABS, relation)
    made = proved(claim(), CLAMP, "0 <= y <= 1")
    assert kernel.check(made, CLAMP, "0 <= y <= 1")
    assert not kernel.check(made, CLAMP, "0 <= y <= x")
    made = proved(claim(margins=["1/2"]), ABOVE, "x + 1 <= y > 1/2")
    assert kernel.check(made, ABOVE, "x + 1 <= y > 1/2")


def test_the_order_of_arguments_does_not_matter_to_a_certificate():
    texts = ["max(x1, x2, 1)", "max(1, x2, x1)", "max(x2, 1, x1, x1)"]
    shapes = [
        [(c.row, c.limit) for c in pose(claim(), ck.circuit("min"), text).claims] for text in texts
    ]
    assert shapes[0] == shapes[1] == shapes[2]


def test_an_output_scale_is_exact():
    third = {**affine([[[1], [-1]], [[1, -1]]]), "scale": "1/3"}
    assert kernel.check(EQUAL, third, "x/3")
    assert not kernel.check(EQUAL, third, "x")
    assert not kernel.check(EQUAL, third, "0.3333333333333333*x")
    two = {**affine([[[1, 1], [1, -1]]]), "scale": ["1/3", 0]}
    assert kernel.check(EQUAL, two, "((x1 + x2)/3, 0)")
    for scale in (0.5, True, None, "x", ["1", "1"], {}):
        assert not kernel.check(EQUAL, {**third, "scale": scale}, "x/3")


def test_a_target_of_other_inputs_or_outputs_is_refused():
    twice = affine([[[1], [1]]])
    assert kernel.check(EQUAL, twice, "(x, x)") and kernel.check(EQUAL, twice, ["x", X])
    assert not kernel.check(EQUAL, twice, "x and x")
    assert not kernel.check(EQUAL, twice, "(x, y1 >= x)")
    assert not kernel.check(EQUAL, MIN, ck.target("x"))
    assert not kernel.check(EQUAL, MIN, ck.target("min4"))
    assert not kernel.check(EQUAL, MIN, "(min(x1, x2), 0)")
    assert not kernel.check(EQUAL, MIN, ["min(x1, x2)"] * 2)
    assert not kernel.check(EQUAL, MIN, IDENTITY)
    assert not kernel.check(EQUAL, MIN, SORT)


# --- the file, the command and the name -----------------------------------------------------------------


def run(*arguments, program=("-W", "error", "-m", "circuitkit.check"), **kwargs):
    command = [sys.executable, *program, *arguments]
    root = FILE.parent.parent
    return subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=root, **kwargs)


def test_a_file_is_checked_from_the_command_line(tmp_path):
    path = tmp_path / "proof.json"
    data = {"certificate": EQUAL, "network": IDENTITY, "target": "x"}
    path.write_text(json.dumps(data), encoding="utf-8")
    for program in (("-W", "error", "-m", "circuitkit.check"), (str(FILE),)):
        done = run(str(path), program=program)
        assert (done.returncode, done.stdout) == (
            0,
            "accepted: this network equals x for every input\n",
        )
        assert done.stderr == ""
    path.write_text(json.dumps({**data, "target": "abs(x)"}), encoding="utf-8")
    done = run(str(path))
    assert (done.returncode, done.stdout) == (1, "rejected: a claim is not shown in a cell\n")
    path.write_text(json.dumps({**data, "certificate": 3}), encoding="utf-8")
    assert run(str(path)).returncode == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"certificate": {}, "network": {}}',
        "[" * 100_000,
        '{"certificate": {"tolerance": "1", "tolerance": "0"}, "network": {}, "target": "x"}',
    ],
    ids=range(6),
)
def test_a_file_that_is_no_proof_is_told_apart_from_a_proof_that_is_wrong(tmp_path, text):
    path = tmp_path / "proof.json"
    path.write_text(text, encoding="utf-8")
    done = run(str(path))
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    assert run(str(tmp_path / "nothing")).returncode == run().returncode == 2


FAULTS = {
    "nothing.json": None,
    "empty.json": "",
    "broken.json": '{"certificate": {',
    "deep.json": "[" * 100_000,
    "list.json": "[]",
    "number.json": "3",
    "bytes.json": b"\xff\xfe\x00",
    "twice.json": '{"target": "x", "target": "y"}',
    "half.json": '{"certificate": {}, "network": {}}',
    **{
        f"{k}.json": json.dumps(
            {"certificate": {**EQUAL, **certificate}, "network": network, "target": target}
        )
        for k, (certificate, network, target) in enumerate(
            [
                ({"tree": None}, IDENTITY, "x"),
                ({"tree": ["leaf", [{}]]}, IDENTITY, "x"),
                ({"tree": [["leaf"]]}, IDENTITY, "x"),
                ({"tolerance": 0.5}, IDENTITY, "x"),
                ({"tolerance": "1/0"}, IDENTITY, "x"),
                ({"domain": 3}, IDENTITY, "x"),
                ({"domain": {"box": [[1]]}}, IDENTITY, "x"),
                ({"domain": {"A": [[1]], "b": [1, 2], "point": [0]}}, IDENTITY, "x"),
                ({"measure": []}, IDENTITY, "x"),
                ({}, {}, "x"),
                ({}, {"weights": []}, "x"),
                ({}, {"weights": [[]]}, "x"),
                ({}, {"weights": [[1]]}, "x"),
                ({}, {"weights": [[["1"]]]}, "x"),
                ({}, {"weights": [[[1]], [[1, 2]]]}, "x"),
                ({}, {"weights": [[[1], [1]]], "biases": [[1]]}, "x"),
                ({}, [], "x"),
                ({}, "network", "x"),
                ({}, IDENTITY, None),
                ({}, IDENTITY, 3),
                ({}, IDENTITY, "2x"),
                ({}, IDENTITY, "x +"),
                ({}, IDENTITY, "x/0"),
                ({}, IDENTITY, "sin(x)"),
                ({}, IDENTITY, {"weights": 3}),
                ({}, IDENTITY, {}),
            ]
        )
    },
    "no certificate.json": json.dumps({"certificate": 3, "network": IDENTITY, "target": "x"}),
    "empty certificate.json": json.dumps({"certificate": {}, "network": IDENTITY, "target": "x"}),
}


def test_no_name_of_a_python_error_reaches_who_checks_a_file(tmp_path, capsys):
    said = {}
    for name, content in FAULTS.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        assert kernel.main([str(path)]) in (1, 2), name
        said[name] = "".join(capsys.readouterr())
    assert kernel.main([]) == kernel.main(["a", "b"]) == kernel.main([str(tmp_path)]) == 2
    said["arguments"] = "".join(capsys.readouterr())
    for name, text in said.items():
        assert not re.search(r"[A-Z][a-z]+(Error|Exception)|Traceback|zip\(\)|__", text), (
            name,
            text,
        )
        assert re.search(r"(rejected|FILE): \S", text), (name, text)
    assert "no such file" in said["nothing.json"]
    assert "line 1, column 18" in said["broken.json"]
    assert "missing in the file: 'target'" in said["half.json"]
    assert "'domain, measure, tolerance'" in said["empty certificate.json"]


def test_the_name_is_the_function_whatever_was_imported_first():
    code = """
certificate, identity = {EQUAL!r}, {IDENTITY!r}
import circuitkit as ck
{first}
assert ck.check(certificate, identity, "x") and not ck.check(certificate, identity, "-x")
import circuitkit.check
import circuitkit.check as module
from circuitkit import check as name
from circuitkit.check import check as function
for f in (circuitkit.check, module, name, function, ck.check):
    assert f(certificate, identity, "x")
assert module.verify is ck.check.verify
"""
    for first in (
        "",
        "ck.check",
        "import circuitkit.check",
        "from circuitkit import check",
        "ck.prove",
    ):
        program = (
            "-c",
            code.replace("{EQUAL!r}", repr(EQUAL)).replace("{IDENTITY!r}", repr(IDENTITY)),
        )
        done = run(program=(program[0], program[1].replace("{first}", first)))
        assert done.returncode == 0, (first, done.stderr)


def test_the_checker_imports_nothing_of_the_package_and_knows_no_floats():
    tree = ast.parse(FILE.read_text(encoding="utf-8"))
    imported = {
        a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names
    }
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    standard = {
        "__future__",
        "ast",
        "collections.abc",
        "dataclasses",
        "fractions",
        "json",
        "math",
        "re",
        "reprlib",
        "time",
    }
    assert imported <= standard | {"sys", "types", "typing", "flint"}
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not called & {"eval", "exec", "compile", "float", "round", "__import__"}


def test_without_flint_fractions_give_the_same_answers(certificates):
    code = """
import json, sys
sys.modules["flint"] = None
from circuitkit import check as kernel
assert kernel.Q.__name__ == "Fraction"
for certificate, network, target, changes in json.load(sys.stdin):
    assert kernel.verify(certificate, network, target)
    other = changes.pop("target", target)
    assert not kernel.check({**certificate, **changes}, network, other)
"""
    entries = [[certificates[name], *CLAIMS[name][1:]] for name in CLAIMS]
    done = run(program=("-c", code), input=json.dumps(entries))
    assert done.returncode == 0, done.stderr


class Relation:
    """A target that keeps its text."""

    n_inputs = 1
    outputs = (X,)
    text = "-1*x <= y"


def test_a_target_that_keeps_its_text_is_read_and_named_by_it():
    made = proved(claim(), ABS, Relation())
    assert verify(made, ABS, Relation()) == "-1*x <= y for every input"
    assert not kernel.check(EQUAL, IDENTITY, Relation())
    assert verify(EQUAL, affine([[[1], [2]]]), [ck.target("identity"), 2 * X]).startswith(
        "this network equals (x, 2*x) for"
    )


def test_the_claim_is_put_in_words():
    for name, words in {
        "equal everywhere": "this network equals 3*abs(x) + 2*x for every input",
        "relative, everywhere": "this network differs from x by at most 1/1024, relative to the size of "
        "the input beyond 1, for every input",
        "absolute, on a half line": "this network differs from 0 by at most 1/2 for every input in (-inf, 1/2]",
        "equal on a polytope": "this network equals x1 for every input in the polytope A x <= b",
        "strict": "y > x for every input",
        "a violation": "y <= x/2 is violated by at most 1, relative to the size of the input beyond 1, "
        "for every input",
        "another network": "this network equals the other network for every input",
        "a fixed input": "this network equals min(2, x2) for every input in [2, 2] × [-3, 3]",
    }.items():
        stated, network, target, _ = CLAIMS[name]
        assert pose(stated, network, target).words == words


def test_the_checker_gives_up_at_its_deadline():
    assert verify(EQUAL, IDENTITY, "x", deadline=time.monotonic() + 100)
    with pytest.raises(Rejected, match="out of time"):
        verify(EQUAL, IDENTITY, "x", deadline=time.monotonic())


def test_a_rejection_says_why():
    with pytest.raises(Rejected, match="a claim is not shown in a cell"):
        verify(EQUAL, IDENTITY, "abs(x)")
    with pytest.raises(Rejected, match="the measure is neither"):
        verify({**EQUAL, "measure": "euclidean"}, IDENTITY, "x")
    with pytest.raises(Rejected, match="not an exact number: 0.5"):
        verify({**EQUAL, "tolerance": 0.5}, IDENTITY, "x")
