"""Circuits cut out of networks: each guarantee is tried by code that did not find it."""

from __future__ import annotations

import dataclasses
import itertools
import time
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import circuitkit as ck
from circuitkit.detection.extract import Kept
from circuitkit.detection.listing import Listed
from circuitkit.detection.part import Part
from circuitkit.detection.search import minimax
from circuitkit.detection.smallest import Blocked, Branched, cannot_meet

INTERVAL = [(-1, 1)]
SQUARE = [(-1, 1)] * 2
METHODS = [
    {"method": method, "fill": fill}
    for method in ("ablation", "refit")
    for fill in ("zero", "mean", "affine")
]


def random_network(seed: int, sizes: tuple[int, ...] = (2, 6, 1)) -> ck.Network:
    """A few heavy units and many light ones."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(sizes)]
    weights[-1] = weights[-1] * rng.choice([0.02, 0.1, 1.0], size=weights[-1].shape)
    return ck.Network(weights, [rng.normal(size=len(w)) / 2 for w in weights])


def spread(seed: int, jumps: dict[float, float], units: int) -> ck.Network:
    """A function of one input with these kinks, as training leaves it: each spread over many units.

    The kinks' places are off by up to 0.01, their units face either way, and a third of the units are on
    everywhere in [-2, 2].
    """
    rng = np.random.default_rng(seed)
    rows = []
    for place, jump in jumps.items():
        shares = rng.random(units // (3 * len(jumps)) * 2)
        for share in shares / shares.sum() * jump:
            size, way = rng.uniform(0.3, 2), rng.choice([-1, 1])
            rows.append(
                (way * size, -way * size * (place + rng.uniform(-1, 1) / 100), share / size)
            )
    while len(rows) < units:
        rows.append((rng.normal() / 4, 2.0, rng.normal() / 4))
    hidden, bias, out = np.array(rows)[rng.permutation(units)].T
    return ck.Network([hidden[:, None], out[None]], [bias, [0.0]])


# --- what is proved -------------------------------------------------------------------------------------


def ablated(net: ck.Network, kept: set[int], means: np.ndarray) -> ck.Network:
    """The network of one hidden layer with some units left, written down once more."""
    keep = sorted(kept)
    gone = [k for k in range(net.layer_sizes[1]) if k not in kept]
    bias = net.biases[1] + net.weights[1][:, gone] @ means[gone]
    if not keep:
        return ck.Network([np.zeros((net.n_outputs, net.n_inputs))], [bias])
    return ck.Network([net.weights[0][keep], net.weights[1][:, keep]], [net.biases[0][keep], bias])


@pytest.mark.parametrize("fill", ["zero", "mean"])
@pytest.mark.parametrize("seed", range(4))
def test_of_all_subsets_of_units_none_smaller_is_within_the_tolerance_as_they_are(seed, fill):
    net = random_network(seed, (2, 7, 1))
    found = ck.extract(net, domain=SQUARE, tolerance=0.1, fill=fill, edges=False)
    assert found.minimal == "proved" and found.check()
    assert 0 < found.size < 7
    assert ck.prove(found.network, net, tolerance=0.1, domain=SQUARE, measure="absolute")
    means = found.means[0]
    assert fill == "mean" or not means.any()
    for size in range(found.size):
        for kept in itertools.combinations(range(7), size):
            smaller = ablated(net, set(kept), means)
            assert not ck.prove(smaller, net, tolerance=0.1, domain=SQUARE, measure="absolute")
    kept = {k for _, k in found.kept.units}
    assert np.allclose(ablated(net, kept, means)([[0.3, -0.2]]), found.network([[0.3, -0.2]]))


def best_fit(net: ck.Network, kept: tuple[int, ...], affine: bool, x: np.ndarray) -> float:
    """The least largest error of a readout on points, by a linear program of this file."""
    features = [
        net.activations(x)[0][:, list(kept)],
        np.ones((len(x), 1)),
        *([x] if affine else []),
    ]
    phi, ones = np.hstack(features), np.ones((len(x), 1))
    worst = 0.0
    for j in range(net.n_outputs):
        y = net(x)[:, j]
        found = linprog(
            np.append(np.zeros(phi.shape[1]), 1),
            A_ub=np.block([[phi, -ones], [-phi, -ones]]),
            b_ub=np.concatenate([y, -y]),
            bounds=(None, None),
        )
        worst = max(worst, found.fun)
    return worst


@pytest.mark.parametrize("fill", ["zero", "affine"])
@pytest.mark.parametrize("sizes", [(2, 6, 1), (1, 7, 1), (2, 5, 2)])
def test_of_all_subsets_of_units_none_smaller_is_within_the_tolerance_refitted(sizes, fill):
    net = random_network(3, sizes)
    domain = [(-1, 1)] * sizes[0]
    found = ck.extract(net, domain=domain, tolerance=0.1, method="refit", fill=fill, edges=False)
    assert found.minimal == "proved" and found.check()
    grid = np.array(list(itertools.product(np.linspace(-1, 1, 17), repeat=sizes[0])))
    for size in range(found.size):
        for kept in itertools.combinations(range(sizes[1]), size):
            assert best_fit(net, kept, fill == "affine", grid) > 0.1
    proof = ck.prove(found.network, net, tolerance=0.1, domain=domain, measure="absolute")
    assert proof


# --- units and edges together ---------------------------------------------------------------------------


def every_smaller_part(net: ck.Network, kept: tuple[int, int]) -> list[ck.Network]:
    """All networks of one hidden layer with fewer units, or as many and fewer edges, written down once more.

    A unit is in as soon as one of its edges is; a unit without edges is left out, zero stands for it.
    """
    first, last = net.weights
    places = [(0, k, i) for k, i in zip(*np.nonzero(first), strict=True)]
    places += [(1, j, k) for j, k in zip(*np.nonzero(last), strict=True)]
    found = []
    for mask in itertools.product((0, 1), repeat=len(places)):
        left = [p for p, there in zip(places, mask, strict=True) if there]
        units = {p[1] if p[0] == 0 else p[2] for p in left}
        if (len(units), len(left)) >= kept:
            continue
        w = [np.zeros_like(first), np.zeros_like(last)]
        for layer, row, column in left:
            w[layer][row, column] = net.weights[layer][row, column]
        found.append(ck.Network(w, net.biases))
    return found


@pytest.mark.parametrize("tolerance", [0.02, 0.25])
@pytest.mark.parametrize("seed", range(3))
def test_no_part_with_fewer_units_or_as_many_and_fewer_edges_is_within_the_tolerance(
    seed, tolerance
):
    net = random_network(seed, (2, 4, 1))
    found = ck.extract(net, domain=SQUARE, tolerance=tolerance)
    assert (found.minimal, found.covers) == ("proved", "units and edges") and found.check()
    assert "fewer units are not, nor are as many with fewer edges" in found.verdict
    grid = np.array(list(itertools.product(np.linspace(-1, 1, 41), repeat=2)))
    size = found.size, len(found.kept.edges)
    for part in every_smaller_part(net, size):
        if np.abs(part(grid) - net(grid)).max() <= tolerance:  # the grid is not the square
            assert not ck.prove(part, net, tolerance=tolerance, domain=SQUARE, measure="absolute")


@pytest.mark.parametrize("fill", ["zero", "affine"])
def test_no_part_with_fewer_edges_has_a_readout_that_fits(fill):
    net = random_network(5, (2, 3, 1))
    found = ck.extract(net, domain=SQUARE, tolerance=0.1, method="refit", fill=fill)
    assert (found.minimal, found.covers) == ("proved", "units and edges") and found.check()
    grid = np.array(list(itertools.product(np.linspace(-1, 1, 21), repeat=2)))
    wanted = net(grid)[:, 0]
    for part in every_smaller_part(net, (found.size, len(found.kept.edges))):
        used = np.flatnonzero(part.weights[1][0])
        beside = [np.ones((len(grid), 1)), *([grid] if fill == "affine" else [])]
        phi, ones = np.hstack([part.activations(grid)[0][:, used], *beside]), np.ones((441, 1))
        best = linprog(
            np.append(np.zeros(phi.shape[1]), 1),
            A_ub=np.block([[phi, -ones], [-phi, -ones]]),
            b_ub=np.concatenate([wanted, -wanted]),
            bounds=(None, None),
        )
        assert best.fun > 0.1


def test_with_some_edges_cut_fewer_units_may_do_than_with_all_of_them():
    # relu(x1 + x2) and relu(x1 - x2) / 2 against 1.5 relu(x1): both are needed, and each without its x2. With the
    # readout chosen anew one unit is enough, if its second edge is cut, and none with both edges is.
    net = ck.Network([[[1, 1], [1, -1]], [[1, 0.5]]])
    asked = {
        "domain": SQUARE,
        "tolerance": 0.05,
        "against": "max(x1, 0) + max(x1, 0)/2 + 0*x2",
        "method": "refit",
    }
    with pytest.raises(ValueError, match="^against: "):
        ck.extract(net, **asked)
    asked["tolerance"] = 0.6
    found = ck.extract(net, **asked)
    assert (found.minimal, found.covers) == ("proved", "units and edges") and found.check()
    assert (found.size, len(found.kept.edges)) == (1, 2)


@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_of_a_small_deep_network_every_smaller_part_is_tried(fill):
    net = random_network(3, (2, 3, 2, 1))
    found = ck.extract(net, domain=SQUARE, tolerance=0.1, fill=fill, time_limit=900)
    assert isinstance(found.bound, Listed) and found.check()
    assert (found.minimal, found.covers) == ("proved", "units and edges")
    fewer = dataclasses.replace(found.bound, points=found.bound.points[:1])
    assert not dataclasses.replace(found, bound=fewer).check()
    more = dataclasses.replace(found.bound, edges_at_least=found.bound.edges_at_least + 1)
    assert not dataclasses.replace(found, bound=more).check()


def test_of_a_larger_deep_network_the_fewest_units_are_proved_and_it_says_so():
    found = ck.extract(random_network(1, (2, 5, 4, 1)), domain=SQUARE, tolerance=0.02)
    assert (found.minimal, found.covers) == ("proved", "units") and found.check()
    assert found.bound.edges_at_least is None
    assert "with all of their edges, are not, nor are these without any one" in found.verdict
    assert not dataclasses.replace(found, covers="units and edges").check()
    assert not dataclasses.replace(found, covers=None).check()


def test_a_bound_of_units_and_edges_rests_on_all_that_it_names():
    net = random_network(3, (2, 5, 1))
    for how in ({}, {"method": "refit", "fill": "affine"}):
        found = ck.extract(net, domain=SQUARE, tolerance=0.1, time_limit=900, **how)
        assert found.covers == "units and edges" and found.check()
        more = dataclasses.replace(found.bound, edges_at_least=found.bound.edges_at_least + 1)
        assert not dataclasses.replace(found, bound=more).check()
        alone = dataclasses.replace(found.bound, edges_at_least=None)
        assert not dataclasses.replace(found, bound=alone).check()
        if isinstance(found.bound, Blocked):
            none = dataclasses.replace(found.bound, refuted=())
        else:
            none = dataclasses.replace(found.bound, tree=("twice",))
        assert not dataclasses.replace(found, bound=none).check()


@pytest.mark.parametrize(
    ("jumps", "units", "least"),
    [
        ({0.0: 2}, 64, 1),
        ({0.0: 1, 1.0: -1}, 64, 2),
        ({-1.0: 1, 0.0: -2, 1.0: 1}, 64, 3),
        ({-0.5: 1, 0.5: 1}, 40, 2),
        ({}, 12, 0),
    ],
)
def test_as_many_units_as_the_function_has_kinks_however_training_has_spread_them(
    jumps, units, least
):
    net = spread(1, jumps, units) if jumps else spread(1, {0.0: 0.0}, units)
    found = ck.extract(net, domain=[(-2, 2)], tolerance=0.03, method="refit", fill="affine")
    assert (found.size, found.minimal) == (least, "proved")
    assert found.bound.at_least == least
    assert found.check()


def test_a_kink_of_two_inputs_is_one_unit_and_an_affine_map():
    rng = np.random.default_rng(2)
    shares = rng.random(8)
    hidden = np.array([[1.0, -1.0]]) + rng.normal(size=(8, 2)) / 300
    net = ck.Network([hidden, (2 * shares / shares.sum())[None]])
    found = ck.extract(net, domain=SQUARE, tolerance=0.02, method="refit", fill="affine")
    assert (found.size, found.minimal) == (1, "proved")
    assert found.check()


# --- each drop is refuted -------------------------------------------------------------------------------


def exactly(net: ck.Network, x, gone=frozenset(), cut=frozenset(), means=None):
    """Last hidden activations and outputs in Fractions, units and edges left out, by loops of this file."""
    h = [Fraction(v) for v in x]
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        z = []
        for j, (row, c) in enumerate(zip(w.tolist(), b.tolist(), strict=True)):
            total = Fraction(c)
            for k, a in enumerate(row):
                if (i, k) in gone:
                    total += Fraction(a) * Fraction(float(means[i - 1][k]))
                elif (i, k, j) not in cut:
                    total += Fraction(a) * h[k]
            z.append(total)
        if i == len(net.weights) - 1:
            return h, z
        h = [max(v, Fraction(0)) for v in z]
    raise AssertionError


def missing(found: ck.Extraction, key) -> tuple[set, set]:
    """The hidden units and edges of the source that a circuit without this one does not have."""
    net = found.source
    units = {(i, k) for i, n in enumerate(net.layer_sizes[1:-1], 1) for k in range(n)}
    gone = units - {*found.kept.units} | ({key} if len(key) == 2 else set())
    every = {
        (i, k, j)
        for i, w in enumerate(net.weights)
        for j in range(len(w))
        for k in range(w.shape[1])
    }
    cut = every - {*found.kept.edges} | ({key} if len(key) == 3 else set())
    return gone, cut


@pytest.mark.parametrize("fill", ["zero", "mean"])
@pytest.mark.parametrize("sizes", [(2, 6, 1), (2, 5, 4, 1), (1, 4, 2)])
def test_without_any_unit_or_edge_an_input_shows_that_it_is_too_far_off(sizes, fill):
    net = random_network(7, sizes)
    domain = [(-1, 1)] * sizes[0]
    found = ck.extract(net, domain=domain, tolerance=0.1, fill=fill)
    assert found.minimal in ("locally", "proved") and not found.unsettled and found.check()
    assert {*found.refutations} == {*found.kept.units, *found.kept.edges}
    for key, shown in found.refutations.items():
        (x,) = shown.points
        assert all(-1 <= v <= 1 for v in x)
        gone, cut = missing(found, key)
        _, given = exactly(net, x, gone, cut, found.means)
        _, wanted = exactly(net, x)
        assert abs(given[shown.output] - wanted[shown.output]) == shown.bound > Fraction(0.1)


@pytest.mark.parametrize("fill", ["zero", "affine"])
@pytest.mark.parametrize("sizes", [(2, 6, 1), (2, 4, 3, 1)])
def test_without_any_unit_or_edge_no_readout_fits_a_few_inputs(sizes, fill):
    net = random_network(11, sizes)
    found = ck.extract(net, domain=SQUARE, tolerance=0.1, method="refit", fill=fill)
    assert found.minimal in ("locally", "proved") and not found.unsettled
    assert {*found.refutations} == {*found.kept.units, *found.kept.edges}
    last = len(sizes) - 2
    for key, shown in found.refutations.items():
        gone, cut = missing(found, key)
        total = size = Fraction(0)
        sums: dict[object, Fraction] = {}
        for x, m in zip(shown.points, shown.multipliers, strict=True):
            assert all(-1 <= v <= 1 for v in x)
            h, _ = exactly(net, x, gone, cut, found.means)
            _, wanted = exactly(net, x)
            features = {
                k: v for k, v in enumerate(h) if (last, k) not in gone and (last, k, 0) not in cut
            }
            features["one"] = Fraction(1)
            features |= {f"x{i}": v for i, v in enumerate(x)} if fill == "affine" else {}
            for k, v in features.items():
                sums[k] = sums.get(k, Fraction(0)) + m * v
            total += m * wanted[0]
            size += abs(m)
        assert not any(sums.values())
        assert total / size == shown.bound > Fraction(0.1)


# --- everywhere -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", METHODS, ids=lambda how: "-".join(how.values()))
def test_a_proof_is_about_the_circuit_that_is_returned(how):
    net = random_network(5, (2, 5, 3, 2))
    found = ck.extract(net, domain=SQUARE, tolerance=0.1, **how)
    proof = ck.prove(found.network, net, tolerance=0.1, domain=SQUARE, measure="absolute")
    assert proof and found.proof.network == found.network
    assert found.check()
    assert {i for i, _ in found.kept.units} <= {1, 2}
    for i, k, j in found.kept.edges:
        assert net.weights[i][j, k] and (i == 0 or (i, k) in found.kept.units)
    kept = [sum(1 for unit in found.kept.units if unit[0] == i) for i in (1, 2)]
    carried = [sum(1 for unit in found.carriers if unit[0] == i) for i in (1, 2)]
    if all(kept):
        widths = [a + b for a, b in zip(kept, carried, strict=True)]
        assert list(found.network.layer_sizes[1:-1]) == widths


def test_the_affine_map_is_carried_past_the_units_exactly():
    net = random_network(11, (2, 4, 3, 1))
    found = ck.extract(net, domain=SQUARE, tolerance=0.1, method="refit", fill="affine")
    (rows,) = found.slopes
    assert rows.any() and found.carriers
    x = np.random.default_rng(0).normal(size=(50, 2)) * 100
    for layer in (0, 1):
        mine = [k for i, k in found.carriers if i == layer + 1]
        h = found.network.activations(x)[layer][:, mine]
        assert np.allclose(h[:, 0] - h[:, 1], x @ rows, rtol=1e-12)


def test_on_all_of_space_the_measure_is_relative():
    net = ck.Network([[[1, 0], [-1, 0], [1, -1], [0.001, 0.001]], [[1, -1, -1, 1]]])
    found = ck.extract(net, tolerance=0.01)
    assert found.kept.units == ((1, 0), (1, 1), (1, 2)) and found.minimal == "proved"
    assert found.proof.measure == "relative" and found.proof.domain is None
    assert found.check() and not found.network.has_biases
    refitted = ck.extract(net, tolerance=0.01, method="refit", fill="affine")
    assert refitted.size == 1 and refitted.minimal == "proved" and not refitted.network.has_biases


def test_a_unit_that_is_needed_far_out_only_is_dropped_on_a_domain_and_kept_without_one():
    net = ck.Network([[[1.0], [-1.0], [1.0]], [[1, 1, 1]]], [[0, 0, -5.0], [0]])
    assert ck.extract(net, domain=INTERVAL).kept.units == ((1, 0), (1, 1))
    assert ck.extract(net).size == 3


def test_a_fixed_input_and_a_polytope_are_domains():
    net = random_network(3)
    fixed = ck.extract(net, domain=[(-1, 1), (0.25, 0.25)], tolerance=0.05)
    assert fixed.minimal == "proved" and fixed.check()
    triangle = ([[1, 1], [-1, 0], [0, -1]], [1, 0, 0])
    for how in METHODS:
        found = ck.extract(net, domain=triangle, tolerance=0.05, **how)
        assert found.minimal is not None and found.check()
        for shown in found.refutations.values():
            assert all(x + y <= 1 and x >= 0 and y >= 0 for x, y in shown.points)
    assert ck.extract(net, domain=([[1, 1], [-1, -1]], [1, -1]), tolerance=0.05).check()


def test_what_it_should_be_may_be_another_function():
    net = ck.Network([[[1.004], [-0.996], [0.01]], [[1, 1, 0.1]]])
    found = ck.extract(net, domain=INTERVAL, against="abs", tolerance=0.01)
    assert found.size == 2 and found.minimal == "proved" and found.check()
    assert ck.prove(found.network, "abs", domain=INTERVAL, tolerance=0.01, measure="absolute")
    same = ck.extract(net, domain=INTERVAL, against=ck.circuit("abs"), tolerance=0.01)
    assert same.kept == found.kept and same.check()


def test_a_network_that_is_not_the_function_may_become_it_with_another_readout():
    net = ck.Network([[[1.0], [-1.0], [0.5]], [[5.0, 0.1, 1.0]]])
    with pytest.raises(ValueError, match=r"^against: expected a function .* off$"):
        ck.extract(net, domain=INTERVAL, against="abs")
    found = ck.extract(net, domain=INTERVAL, against="abs", method="refit")
    assert found.size == 2 and found.minimal == "proved" and found.check()
    with pytest.raises(ValueError, match="^against: "):
        ck.extract(ck.Network([[[1.0]], [[1.0]]]), against="abs", method="refit")


def test_what_is_constant_or_affine_needs_no_unit():
    net = ck.Network([[[1.0], [2.0]], [[1e-4, 1e-4]]], [[0, 0], [3.0]])
    found = ck.extract(net, domain=INTERVAL)
    assert found.size == 0 and found.kept.edges == () and found.minimal == "proved"
    assert found.network == ck.Network([[[0.0]]], [[3.0]]) and found.check()
    line = ck.Network([[[1.0], [-1.0]], [[2, -2]]])
    found = ck.extract(line, fill="affine", method="refit")
    assert found.size == 0 and found.network.layer_sizes == (1, 1) and found.minimal == "proved"
    assert np.allclose(found.slopes, 2)


def test_a_network_without_hidden_layers_keeps_the_edges_that_it_needs():
    net = ck.Network([[[1.0, 0.001], [0.0, 2.0]]], [[0.5, 0]])
    found = ck.extract(net, domain=SQUARE)
    assert found.kept.edges == ((0, 0, 0), (0, 1, 1)) and found.kept.units == ()
    assert (found.minimal, found.covers) == ("proved", "units and edges") and found.check()


def test_exactness_may_be_asked_for():
    net = ck.Network([[[1], [-1], [1], [0], [1]], [[1, -1, 2, 5, -2]]])
    found = ck.extract(net, tolerance=0)
    assert found.size == 2 and found.error == 0 and found.check()


def test_edges_may_be_left_alone():
    net = random_network(4)
    found = ck.extract(net, domain=SQUARE, tolerance=0.1, edges=False)
    kept = {unit for _, unit in found.kept.units}
    wanted = {(0, i, k) for i in range(2) for k in kept} | {(1, k, 0) for k in kept}
    assert {*found.kept.edges} == wanted and {*found.refutations} == {*found.kept.units}
    assert "with all of their edges, weights as they are" in found.verdict and found.check()
    fewer = ck.extract(net, domain=SQUARE, tolerance=0.1)
    assert len(fewer.kept.edges) <= len(found.kept.edges)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(METHODS), st.sampled_from([0.02, 0.1, 0.5]))
def test_whatever_the_network_all_that_is_said_of_its_circuit_holds(seed, how, tolerance):
    rng = np.random.default_rng(seed)
    sizes = [(1, 4, 1), (2, 4, 1), (2, 3, 2, 1), (2, 3, 2)][seed % 4]
    net = random_network(int(rng.integers(10**9)), sizes)
    domain = [(-1, 1)] * sizes[0]
    found = ck.extract(net, domain=domain, tolerance=tolerance, time_limit=20, **how)
    assert found.check()
    assert found.error <= tolerance and found.size <= sum(sizes[1:-1])
    if found.minimal == "proved":
        assert found.bound.at_least == found.size


# --- honesty --------------------------------------------------------------------------------------------


def test_a_tampered_extraction_does_not_pass_its_check():
    net = random_network(3)
    for how in ({}, {"method": "refit", "fill": "affine"}):
        found = ck.extract(net, domain=SQUARE, tolerance=0.1, **how)
        assert found.check()
        key, shown = next(iter(found.refutations.items()))
        far = tuple(tuple(5 * v + 3 for v in x) for x in shown.points)
        for wrong in (
            dataclasses.replace(shown, bound=shown.bound + 1),
            dataclasses.replace(shown, bound=Fraction(1, 100)),
            dataclasses.replace(shown, points=far),
            dataclasses.replace(shown, points=(), multipliers=()),
            dataclasses.replace(shown, multipliers=tuple(m + 1 for m in shown.multipliers[:-1])),
        ):
            assert not dataclasses.replace(
                found, refutations={**found.refutations, key: wrong}
            ).check()
        more = dataclasses.replace(found.bound, at_least=found.size + 1)
        assert not dataclasses.replace(found, bound=more, minimal="locally").check()
        assert not dataclasses.replace(found, minimal="proved", bound=None).check()
        assert not dataclasses.replace(found, network=ck.circuit("min")).check()
        assert not dataclasses.replace(found, refutations={}).check()
        fewer = dataclasses.replace(found.kept, edges=found.kept.edges[1:])
        assert not dataclasses.replace(found, kept=fewer).check()


def test_a_bound_rests_on_all_that_it_names():
    net = random_network(3)
    found = ck.extract(net, domain=SQUARE, tolerance=0.1, method="refit")
    bound = found.bound
    assert isinstance(bound, Blocked) and bound.refuted
    whole, claim = found._whole, found.proof.claim
    assert bound.holds(whole, claim)
    assert not dataclasses.replace(bound, refuted=()).holds(whole, claim)
    (_, shown), *rest = bound.refuted
    all_of_them = frozenset(whole.everything.units)
    assert not dataclasses.replace(bound, refuted=((all_of_them, shown), *rest)).holds(whole, claim)
    as_they_are = ck.extract(net, domain=SQUARE, tolerance=0.1)
    whole, claim, branched = as_they_are._whole, as_they_are.proof.claim, as_they_are.bound
    assert isinstance(branched, Branched) and branched.holds(whole, claim)
    outside = dataclasses.replace(branched, points=tuple((x[0] + 9, x[1]) for x in branched.points))
    empty = ("leaf", (), Fraction(0))
    for wrong in (
        outside,
        *(
            dataclasses.replace(branched, tree=tree)
            for tree in (empty, ("count",), ("unit", 99, empty, empty), ("leaf", (), Fraction(-1)))
        ),
    ):
        assert not wrong.holds(whole, claim)


def test_a_refutation_of_one_circuit_is_none_of_another():
    net = random_network(3)
    found = ck.extract(net, domain=SQUARE, tolerance=0.1, method="refit", fill="affine")
    key, shown = next(iter(found.refutations.items()))
    everything = found._whole.family(found._whole.everything)
    assert not shown.holds(everything, found.proof.claim)
    assert (
        shown.holds(
            found._whole.family(Part(frozenset(found.kept.units) - {key})), found.proof.claim
        )
        or found._made.part.cut
    )


def test_points_of_the_prover_that_lie_on_a_kink_up_to_rounding_refute_as_well():
    found = ck.extract(
        random_network(3), domain=SQUARE, tolerance=0.1, method="refit", fill="affine"
    )
    assert found.unsettled == () and found.minimal == "proved"


def test_of_what_the_fewest_are_not_searched_for_nothing_is_said():
    for sizes in ((2, 5, 1), (2, 4, 3, 1)):
        net = random_network(2, sizes)
        found = ck.extract(net, domain=SQUARE, tolerance=0.1, fill="affine")
        assert found.minimal == "locally" and found.bound is None and found.check()
    zero = ck.extract(random_network(2, (2, 5, 1)), domain=SQUARE, tolerance=0.1)
    assert zero.bound is not None and zero.bound.at_least == zero.size > 0
    claim, whole = zero.proof.claim, zero._whole
    assert not zero.bound.holds(dataclasses.replace(whole, fill="affine"), claim)
    refit = ck.extract(random_network(2, (2, 5, 1)), domain=SQUARE, tolerance=0.1, method="refit")
    assert not refit.bound.holds(dataclasses.replace(refit._whole, method="ablation"), claim)


def test_when_time_runs_out_it_says_so_and_what_it_says_is_true():
    net = random_network(1, (4, 40, 1))
    started = time.monotonic()
    found = ck.extract(net, domain=[(-1, 1)] * 4, tolerance=1e-3, time_limit=0.2)
    assert time.monotonic() - started < 10
    assert found.minimal is None and found.unsettled and found.check()
    assert "not settled" in found.verdict
    with pytest.raises(ck.Undecided):
        ck.extract(
            net, domain=[(-1, 1)] * 4, against=random_network(2, (4, 40, 1)), tolerance=30.0,
            time_limit=1e-3,
        )  # fmt: skip


@pytest.mark.parametrize(
    "domain",
    [None, [(-1, np.inf), (0, 1)], ([[1, 0], [0, 1]], [1, 1])],
    ids=["all", "ray", "corner"],
)
def test_there_is_no_mean_where_the_domain_has_no_end(domain):
    with pytest.raises(ValueError, match="^fill: "):
        ck.extract(random_network(0), domain=domain, fill="mean")


def test_weights_at_the_ends_of_the_doubles_are_no_excuse():
    for scale in (1e-140, 1e140):
        net = ck.Network([[[scale], [-scale]], [[1 / scale, 1 / scale]]])
        found = ck.extract(net, domain=INTERVAL)
        assert found.size == 2 and found.check()
    for huge in (
        ck.Network([[[1e300], [-1e300]], [[1e300, 1e300]]]),
        ck.Network([[[1e200]], [[1e-200]]]),
        ck.Network([[[1e200]]]),
    ):
        with pytest.raises(ValueError, match="^net: expected values below"):
            ck.extract(huge, domain=INTERVAL)


INF = float("inf")
PAIR = ck.Network([[[1, 1], [1, -1], [-1, 0]], [[1, 1, 1]]])


@pytest.mark.parametrize(
    ("net", "domain", "asked", "size"),
    [
        (PAIR, [(-INF, INF), (1, 1)], {"fill": "affine"}, 3),
        (PAIR, ([[1, 0]], [1]), {"fill": "affine"}, 3),
        (ck.circuit("min4"), [(-INF, INF)] * 4, {"fill": "affine"}, 9),
        (ck.Network([[[1], [-1], [1]], [[1, 1, 1]]], [[0, 0, -1], [0]]), [(-INF, INF)], {"fill": "affine"}, 2),
        (
            ck.Network(
                [[[-2], [1], [-2], [-1]], [[1, -0.5, 1, 0.3], [-0.5, 0.3, 0.5, 0.3]]],
                [[0.37, 0, 0.25, 0.37], [0.5, 0.5]],
            ),
            INTERVAL, {"tolerance": 0}, 4,
        ),
    ],
)  # fmt: skip
def test_a_fit_that_errs_by_its_own_rounding_alone_is_no_refutation(net, domain, asked, size):
    # The linear program says that the points are met, and has no multipliers; its weights, in floats, do not
    # meet them closely enough far out, or for a tolerance of 0.
    found = ck.extract(net, domain=domain, method="refit", **asked)
    assert found.check() and found.size == size


def test_a_fit_is_as_close_as_floats_allow():
    x = np.concatenate([np.linspace(-1, 1, 9), [1e9, -1e9, 1e12]])
    features = np.column_stack([np.maximum(x, 0), np.ones_like(x), x])
    error, chosen, _ = minimax(features, features @ [2.0, 0.5, -1.0])
    assert error == 0 and chosen.tolist() == [2, 0.5, -1]


@pytest.mark.parametrize("fill", ["zero", "mean", "affine"])
@pytest.mark.parametrize("tiny", [1e-310, 5e-324])
def test_weights_that_a_refit_would_need_beyond_the_doubles_do_not_count(tiny, fill):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = ck.Network([[[tiny], [1]], [[1, 1]]])
        found = ck.extract(net, domain=INTERVAL, method="refit", fill=fill, tolerance=0)
        assert found.check() and found.error == 0
        with_it_alone = minimax(np.array([[tiny], [0.0]]), np.array([1.0, 0.0]))
    assert with_it_alone[0] == 1.0 and with_it_alone[1].tolist() == [0.0]


@pytest.mark.parametrize(
    ("net", "domain", "fill"),
    [
        (ck.Network([[[1e-150, 1], [5e-324, 1e-150], [0, 0], [-1, 0]], [[-1, 1e-310, 5e-324, 5e-324], [1e-310, 1, 5e-324, 1e-310]]]),
            [(-INF, INF), (1, 1)], "zero"),
        (ck.Network([[[-1, 1e50, 5e-324], [1e50, 1e-150, 0], [-1, 1e-150, 1e-150], [1e50, 1e-150, 1e50]], [[0, 1e-150, 1, 5e-324]]]),
            ([[1, 0, 0]], [1]), "affine"),
    ],
)  # fmt: skip
def test_inputs_so_far_out_that_doubles_end_are_not_fitted(net, domain, fill):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ck.extract(net, domain=domain, tolerance=1e-12, method="refit", fill=fill)
    assert found.check()


@pytest.mark.parametrize("edges", [True, False])
@pytest.mark.parametrize(
    ("net", "fill"),
    [
        (ck.Network([[[1], [-1]], [[1, 0], [0, 1]], [[0, 0]]]), "zero"),
        (ck.Network([[[1], [-1]], [[1, 0], [0, 1]], [[0, 0]]], [[1, 1], [0, 0], [2]]), "mean"),
        (ck.Network([[[2.0]]]), "affine"),
        (ck.Network([[[0.0]]]), "zero"),
    ],
)
def test_than_nothing_nothing_is_less(net, fill, edges):
    found = ck.extract(net, domain=INTERVAL, fill=fill, edges=edges)
    assert found.kept.units == () and found.minimal == "proved" and found.check()
    assert found.verdict.endswith("; nothing is less.")
    assert not dataclasses.replace(found, kept=Kept(((1, 0),), ())).check()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.frozensets(st.integers(0, 5), max_size=4), max_size=7), st.integers(-1, 4))
def test_that_no_so_few_elements_meet_all_sets_is_said_as_counting_says_it(sets, most):
    every = [
        frozenset(c) for n in range(max(most, -1) + 1) for c in itertools.combinations(range(6), n)
    ]
    assert cannot_meet(sets, most) == (not any(all(s & c for s in sets) for c in every))


def test_a_verdict_says_what_was_found():
    net = ck.Network([[[1], [-1], [0.001]], [[1, 1, 1]]])
    found = ck.extract(net, domain=INTERVAL)
    assert (
        repr(found)
        == found.verdict
        == (
            "2 of 3 hidden units and 4 of 6 edges, weights as they are, are enough within 0.001 for every input "
            "of the domain; fewer units are not, nor are as many with fewer edges."
        )
    )
    assert found.verdict in found._repr_html_()
    deep = ck.extract(random_network(1, (2, 5, 1)), domain=SQUARE, tolerance=0.1, fill="affine")
    assert deep.minimal == "locally" and "without any one of them they are not" in deep.verdict


def test_units_that_read_nothing_leave_no_choices():
    found = ck.extract(ck.Network([[[0, 0]], [[1]]]), domain=SQUARE)
    assert found.kept.units == () and found.covers == "units and edges" and found.check()


def test_a_domain_near_the_largest_doubles_has_a_middle() -> None:
    assert not ck.subcircuits(ck.circuit("abs"), domain=[(1e308, 1.1e308)]).blocks


# --- ties at the tolerance --------------------------------------------------------------------------------


def chebyshev_errors(net, xs, subsets):
    """The least largest error on a grid of the readout of each subset, with an affine map: a linear program."""
    x = np.array(list(itertools.product(*xs)))
    wanted = net(x)[:, 0]
    hidden = net.activations(x)[0]
    found = []
    for units in subsets:
        features = np.column_stack([hidden[:, list(units)], np.ones(len(x)), x])
        ones = np.ones((len(x), 1))
        rows = np.vstack([np.hstack([features, -ones]), np.hstack([-features, -ones])])
        goal = np.append(np.zeros(features.shape[1]), 1.0)
        ends = np.concatenate([wanted, -wanted])
        found.append(linprog(goal, A_ub=rows, b_ub=ends, bounds=[(None, None)] * len(goal)).fun)
    return found


def test_a_tie_at_the_tolerance_is_decided_by_the_exact_weights():
    net = ck.Network([[[-1, 1], [1, -1], [1, 1]], [[1, 1, 2]]])
    found = ck.extract(net, domain=[(0, 2)] * 2, tolerance=1, method="refit", fill="affine")
    assert (found.size, found.minimal, found.unsettled) == (0, "proved", ())
    assert found.proof.exact_error == 1
    assert found.check()
    assert found.network == ck.Network([[[2, 2]]], [[1]])


@pytest.mark.parametrize("seed", [4, 10, 39, 82, 117, 175, 182])
def test_small_whole_networks_leave_no_tie_open(seed):
    """Tolerances such as 1/4 are the very least errors of many of them."""
    rng = np.random.default_rng(seed)
    n, h = int(rng.integers(1, 3)), int(rng.integers(2, 5))
    w = rng.integers(-1, 2, (h, n))
    b = rng.integers(-1, 2, h) * (rng.random() < 0.5)
    net = ck.Network([w, rng.choice([-2, -1, 1, 2], (1, h))], [b, [0]])
    tolerance = float(rng.choice([0, 0.25, 0.5, 1, 2]))
    rng.random()
    fill = str(rng.choice(["zero", "affine"]))
    low, high = (0, 2) if rng.random() < 0.5 else (-1, 1)
    found = ck.extract(
        net, domain=[(low, high)] * n, tolerance=tolerance, method="refit", fill=fill
    )
    assert found.unsettled == ()
    assert found.minimal is not None
    assert found.check()
    if fill == "affine" and found.size:
        fewer = itertools.combinations(range(h), found.size - 1)
        errors = chebyshev_errors(net, [np.linspace(low, high, 17)] * n, fewer)
        assert min(errors) > tolerance + 1e-6


def test_a_tie_that_no_doubles_reach_stays_open():
    """On [-1, 2] the line x * 2/3 + 1/3 is within 1/3 of relu(x), and no other line is."""
    net = ck.Network([[[1]], [[1]]])
    found = ck.extract(
        net, domain=[(-1, 2)], tolerance=Fraction(1, 3), method="refit", fill="affine"
    )
    assert (found.size, found.minimal, found.unsettled) == (1, None, ((1, 0), (0, 0, 0), (1, 0, 0)))
    assert found.verdict.endswith("whether fewer would do was not settled.")
    assert found.check()
    above = Fraction(1, 3) + Fraction(1, 10**9)
    enough = ck.extract(net, domain=[(-1, 2)], tolerance=above, method="refit", fill="affine")
    assert (enough.size, enough.minimal) == (0, "proved")
