"""The second checker: a noisy network beside a clean one, bounded at the corners of cells."""

from __future__ import annotations

import copy
import importlib
import itertools
import json
import math
import random
from fractions import Fraction

import numpy as np
import pytest
import sympy

import circuitkit as ck
from benchmarks.generators import scramble
from benchmarks.round_trip import disguised, distance, noisy
from circuitkit import difference
from circuitkit.check import Q, Rejected
from circuitkit.compiling.closeness import NotClose, close
from circuitkit.compiling.snap import snapped
from circuitkit.detection.place import place
from circuitkit.difference import Difference
from circuitkit.proof.claim import read_claim

decompile = importlib.import_module("circuitkit.compiling.decompile")


@pytest.fixture(scope="module")
def noisy_max():
    net = ck.compile_expression("max(x1, x2, x3)")
    net = noisy(scramble(np.random.default_rng(3), net, units=24), 0, 1e-4)
    return net, ck.decompiled(net)


@pytest.fixture(scope="module")
def cut():
    """A network read within little more than it is off by, so that its certificate cuts the domain."""
    net = ck.compile_expression("clamp(x, -1, 1)")
    net = noisy(scramble(np.random.default_rng(3), net, units=12), 0, 1e-4)
    away = distance(net, ck.target("clamp(x, -1, 1)"))
    return net, away, ck.decompiled(net, tolerance=1.03 * away)


@pytest.fixture(scope="module")
def deep():
    """Three hidden layers, cut at kinks of both kinds."""
    _target, net = disguised(33)
    net = noisy(net, 33, 1e-4)
    search = decompile._Search(net, place(net, None, None), Fraction(1, 100), 60.0)
    e, proof = search.nearly()
    return net, decompile.Decompilation(net, e, proof, 0.0)


# --- what is believed ---------------------------------------------------------------------------------


def _cells(found, tree):
    """All cells of a tree, with their bounds."""
    todo = [(tree, found.whole())]
    while todo:
        node, cell = todo.pop()
        bounds = found.bounds(cell.corners)
        yield cell, bounds
        if node[0] == "gate":
            todo += zip(node[2:], found.at_gate(cell, bounds, node[1]), strict=True)
        if node[0] == "unit":
            todo += zip(node[3:], found.at_unit(cell, bounds, *node[1:3]), strict=True)


@pytest.mark.parametrize("name", ["noisy_max", "deep", "cut"])
def test_at_every_point_of_a_cell_the_truth_is_within_the_mean_of_the_bounds_at_its_corners(
    name, request
):
    net, *_, found = request.getfixturevalue(name)
    certificate = found.certificate
    pair = Difference(certificate, net)
    rng = random.Random(0)
    cells = list(_cells(pair, certificate["tree"]))
    for cell, bounds in rng.sample(cells, min(len(cells), 8)):
        for _ in range(2):
            shares = [Q(0)] * len(cell.corners)
            for _ in range(3):
                shares[rng.randrange(len(shares))] += rng.choice([1, 2, 40])
            total = sum(shares, Q(0))
            shares = [v / total for v in shares]
            inputs = zip(*(c.values[: net.n_inputs + 1] for c in cell.corners), strict=True)
            point = pair.corner(
                [sum((s * v for s, v in zip(shares, of, strict=True)), Q(0)) for of in inputs]
            )
            truth = pair.bounds([point])
            for layer in range(len(pair.layers)):
                for k, (z, _) in enumerate(truth.z[layer][0]):
                    assert _mean(shares, bounds.z[layer], k, 0) <= z
                    assert z <= _mean(shares, bounds.z[layer], k, 1)
            for o, (value, _) in enumerate(truth.outputs[0]):
                assert _mean(shares, bounds.outputs, o, 0) <= value
                assert value <= _mean(shares, bounds.outputs, o, 1)


def _mean(shares, corners, k, side):
    return sum((s * corner[k][side] for s, corner in zip(shares, corners, strict=True)), Q(0))


def test_what_is_true_at_a_point_is_what_the_two_networks_say(deep):
    net, found = deep
    pair = Difference(found.certificate, net)
    rng = random.Random(1)
    for _ in range(20):
        x = [rng.randrange(-64, 65) / 64 for _ in range(net.n_inputs)]
        truth = pair.bounds([pair.corner([Q(*v.as_integer_ratio()) for v in (*x, 1.0)])])
        low, high = truth.outputs[0][0]
        assert low == high
        said = (net(np.array(x)) - found.proof.target(np.array(x)))[0]
        assert int(low.numerator) / int(low.denominator) == pytest.approx(said, abs=1e-12)


def test_the_corners_of_a_cell_are_all_points_where_enough_of_its_walls_meet(deep):
    net, found = deep
    pair = Difference(found.certificate, net)
    tried = 0
    for cell, _ in _cells(pair, found.certificate["tree"]):
        walls = [
            i for i in range(max(cell.tight).bit_length()) if any(t >> i & 1 for t in cell.tight)
        ]
        rows = {w: _wall(pair, cell, w) for w in walls}
        rows = {w: row for w, row in rows.items() if row is not None}
        here = {tuple(map(float, map(_fraction, c.values[: net.n_inputs]))) for c in cell.corners}
        for chosen in itertools.combinations(rows, net.n_inputs):
            matrix = np.array([rows[w][0] for w in chosen])
            if abs(np.linalg.det(matrix)) < 1e-9:
                continue
            x = np.linalg.solve(matrix, [rows[w][1] for w in chosen])
            inside = all(side * (row @ x - b) >= -1e-9 for row, b, side in rows.values())
            if inside:
                tried += 1
                assert any(np.allclose(x, c, atol=1e-7) for c in here)
    assert tried > 100


def _fraction(v):
    return Fraction(int(v.numerator), int(v.denominator))


def _wall(pair, cell, w):
    """A wall as (row, number, side of the cell) in the inputs, by what the corners say; None for that of the scale."""
    n = pair.program.n
    points = np.array([[float(_fraction(v)) for v in c.values[:n]] for c in cell.corners])
    on = [bool(t >> w & 1) for t in cell.tight]
    middle = points[on].mean(axis=0)
    _, size, rows = np.linalg.svd(points[on] - middle)
    rank = int((size > 1e-9).sum())
    if rank != n - 1 or w in (2 * n, 2 * n + 1):
        return None
    row = rows[-1]
    return row, row @ middle, 1 if (points @ row - row @ middle).sum() > 0 else -1


def test_a_domain_of_more_inputs_than_corners_can_have_is_bounded_all_the_same():
    names = [f"x{i + 1}" for i in range(12)]
    e = " + ".join(f"abs({a} - {b})" for a, b in itertools.pairwise(names))
    net = noisy(ck.compile_expression(e), 1, 1e-6)
    found = ck.decompiled(net)
    assert found.proof.engine == "differences"
    assert distance(net, ck.target(e)) <= found.error < 1e-2
    assert ck.check(found.certificate, net, found.expression)


def test_on_a_polytope_the_cells_end_where_it_ends():
    net = noisy(ck.compile_expression("max(x1, x2)"), 3, 1e-4)
    square = ([[1, 0], [-1, 0], [0, 1], [0, -1]], [2, 2, 2, 2])
    found = ck.decompiled(net, domain=square, tolerance=1e-2)
    assert found.expression == sympy.Max(*sympy.symbols("x1 x2", real=True))
    pair = Difference(found.certificate, net)
    for corner in pair.whole().corners:
        x, y, t = corner.values[:3]
        assert max(abs(x), abs(y)) <= 2 * t


def test_no_certificate_shows_less_than_the_true_error():
    # whatever references and cells it holds: the bound is above what samples show
    for seed in (6, 9):
        _target, net = disguised(seed)
        net = noisy(net, seed, 1e-4)
        try:
            found = ck.decompiled(net, time_limit=2)
        except ck.NotDecompiled:
            continue
        assert distance(net, found.proof.target) <= found.error * (1 + 1e-9)


# --- the search ---------------------------------------------------------------------------------------


def test_the_bound_is_as_near_the_true_error_as_is_asked(cut):
    net, away, found = cut
    assert away <= found.error <= 1.03 * away
    assert found.expression == sympy.Max(-1, sympy.Min(1, sympy.Symbol("x", real=True)))
    assert ck.check(found.certificate, net, found.expression)


def test_at_a_point_that_is_further_off_the_search_ends(cut):
    net, away, _found = cut
    clean = ck.target("max(-1, min(1, x))")
    x = place(net, None, None).samples(net, 500)
    near = snapped(net, 1e-4, x)
    stated = read_claim(net, clean, Fraction(0.9 * away), None, "relative").stated()
    with pytest.raises(NotClose, match="further off at a point") as caught:
        close(net, near, stated, math.inf)
    assert 0.9 * away < caught.value.upper <= 1.001 * away


def test_the_search_keeps_its_deadline(cut):
    net, away, _found = cut
    clean = ck.target("max(-1, min(1, x))")
    near = snapped(net, 1e-4, place(net, None, None).samples(net, 500))
    stated = read_claim(net, clean, Fraction(2 * away), None, "relative").stated()
    with pytest.raises((NotClose, Rejected), match="out of time"):
        close(net, near, stated, 0.0)


# --- what is refused ----------------------------------------------------------------------------------


def test_a_certificate_survives_json_and_holds_for_no_other_network(noisy_max):
    net, found = noisy_max
    assert found.proof.engine == "differences"
    certificate = json.loads(json.dumps(found.certificate))
    assert difference.check(certificate, net.to_dict(), found.proof.target)
    other = ck.Network([*net.weights[:-1], net.weights[-1] * 1.01], net.biases)
    assert not ck.check(certificate, other, found.expression)
    assert not ck.check(certificate, net, found.expression + sympy.Rational(1, 10**6))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c.update(tolerance=str(Fraction(str(c["tolerance"])) / 64)),
        lambda c: c.update(tree=["each", ["leaf"]]),
        lambda c: c.update(tree=[]),
        lambda c: c.update(clean={**c["clean"], "scale": ["1/3"]}),
        lambda c: c.update(domain={"box": [[0, 1]] * 4}),
        lambda c: c["references"].pop(),
        lambda c: c["references"][0].__setitem__(0, {"0": 1, "99": 1}),
        lambda c: c["references"][-1].__setitem__(0, [1, {"0": 1}, ["leaf"]]),
        lambda c: c["references"][0].__setitem__(0, 1),
        lambda c: c.pop("same"),
        lambda c: c.update(more=1),
        lambda c: c.update(tolerance="nan"),
    ],
)
def test_a_spoiled_certificate_is_rejected(noisy_max, spoil):
    net, found = noisy_max
    certificate = copy.deepcopy(found.certificate)
    spoil(certificate)
    assert not difference.check(certificate, net, found.proof.target)


def _nodes(tree, kind):
    """The nodes of a kind, wherever they are."""
    found = [tree] if tree[0] == kind else []
    return found + [n for part in tree[1:] if isinstance(part, list) for n in _nodes(part, kind)]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tree: _nodes(tree, "gate")[0].__setitem__(1, 99),
        lambda tree: _nodes(tree, "gate")[0].__setitem__(1, "0"),
        lambda tree: _nodes(tree, "gate")[0].pop(),
        lambda tree: _nodes(tree, "gate")[0].__setitem__(2, ["leaf"]),
        lambda tree: _nodes(tree, "gate")[0].__setitem__(2, []),
        lambda tree: _nodes(tree, "unit")[0].__setitem__(1, -1),
        lambda tree: _nodes(tree, "unit")[0].__setitem__(2, 99),
        lambda tree: _nodes(tree, "unit")[0].__setitem__(3, ["anew", ["leaf"]]),
        lambda tree: _nodes(tree, "leaf")[0].append({}),
        # what was cut off is cut again: there is nothing on the other side
        lambda tree: _nodes(tree, "gate")[0].__setitem__(2, [*tree[:2], ["leaf"], ["leaf"]]),
    ],
)
def test_a_spoiled_cut_is_rejected(deep, spoil):
    net, found = deep
    certificate = copy.deepcopy(found.certificate)
    spoil(certificate["tree"])
    assert not difference.check(certificate, net, found.proof.target)


def _pair(reference, weights, **more):
    return {
        "tolerance": 0, "measure": "relative", "domain": None, "gates": [], "same": ["leaf"],
        "clean": {"weights": [[[1.0]]], "biases": [[0.0]]}, "tree": ["leaf"], "references": reference, **more,
    }, {"weights": weights, "biases": [[0.0] * len(w) for w in weights]}  # fmt: skip


def test_a_wrong_sign_of_a_reference_is_not_believed():
    certificate, net = _pair([[[1, {"0": 1}, ["leaf"]]]], [[[1.0]], [[1.0]]])
    with pytest.raises(Rejected):
        difference.verify_close(certificate, net, "x")
    certificate["domain"] = {"box": [[0, 1]]}
    assert difference.verify_close(certificate, net, "x")


def test_the_sign_of_a_unit_is_believed_by_its_weights_only_where_all_have_it():
    pair = [{"0": 1}, {"0": -1}]
    for weights, sign, right in (
        ([-1.0, -2.0], -1, True),
        ([-1.0, 2.0], -1, False),
        ([-1.0, -2.0], 1, False),
        ([0.0, 2.0], 1, True),
    ):
        made = [[1.0, 0.0], [0.0, 1.0], weights]
        references = [pair, [_on(0), _on(1), sign]]
        certificate, net = _pair(references, [[[1.0], [-1.0]], made, [[1.0, -1.0, 0.0]]])
        certificate["gates"] = [{"0": 1}]
        if right:
            assert difference.verify_close(certificate, net, "x")
        else:
            with pytest.raises(Rejected, match="weights of two signs"):
                difference.verify_close(certificate, net, "x")


def _on(k):
    """The activation of unit k of the pair: relu(x), which is column 2, or relu(-x)."""
    return (
        {"2": 1} if k == 0 else [1, {"0": -1, "2": 1}, ["split", 0, ["leaf"], ["leaf", {"0": 1}]]]
    )
