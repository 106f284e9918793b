"""Features that share units: the exact worst error, the theorems about it, training, dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, product

import numpy as np
import pytest
import torch
from nodejs import run as node

import circuitkit as ck
from circuitkit import superposition as sp
from circuitkit.superposition import loops

EXACT = 1e-14


def proved(model: sp.Superposition, active: int) -> float:
    """The worst error by proofs, one for each choice of active features."""
    identity = ck.Network([np.eye(model.n_features)])
    boxes = ck.at_most_active(model.n_features, active)
    return max(float(ck.prove(model.network(), identity, domain=box).error) for box in boxes)


# --- the worst error ----------------------------------------------------------------------------------


@pytest.mark.parametrize("active", [0, 1, 2, 3])
def test_the_closed_form_is_what_the_prover_proves(active):
    rng = np.random.default_rng(active)
    models = [sp.polygon(5)] if active == 1 else []
    models += [sp.Superposition(rng.normal(size=(2, 4)), rng.normal(size=4) / 3)]
    for model in models:
        assert sp.worst_error(model, active) == pytest.approx(proved(model, active), abs=EXACT)


def test_the_closed_form_is_the_largest_error_among_many_inputs_of_any_matrix():
    rng = np.random.default_rng(0)
    for _ in range(25):
        n, active = rng.integers(1, 5), rng.integers(0, 4)
        matrix, bias = rng.normal(size=(n, n)), rng.normal(size=n) / 2
        x = np.zeros((4000, n))
        for row in x:
            chosen = rng.permutation(n)[:active]
            row[chosen] = rng.choice([rng.uniform(), 1.0], size=len(chosen))
        tried = np.abs(np.maximum(x @ matrix.T + bias, 0) - x).max()
        exact = sp.worst_error(matrix, int(active), bias=bias)
        assert tried <= exact + EXACT
        assert tried > 0.97 * exact - 0.01


def test_many_matrices_at_once_give_what_each_gives():
    run = sp.train(seeds=6, steps=50)
    together = sp.worst_error(run.matrices, 2, bias=run.bias)
    assert np.allclose(together, [sp.worst_error(run.model(k), 2) for k in range(6)], atol=EXACT)


def test_a_box_for_each_choice_of_active_features():
    boxes = ck.at_most_active(4, 2, values=(-1, 2))
    assert {tuple(i for i, b in enumerate(box) if b == (-1.0, 2.0)) for box in boxes} == set(
        combinations(range(4), 2)
    )
    assert ck.at_most_active(2, 9) == [[(0.0, 1.0), (0.0, 1.0)]]
    assert ck.at_most_active(2, 0) == [[(0.0, 0.0), (0.0, 0.0)]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((0, 1), "n: expected"),
        ((3, -1), "active: expected"),
        ((60, 20), "active: expected .*boxes"),
    ],
)
def test_boxes_that_cannot_be_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        ck.at_most_active(*arguments)
    with pytest.raises(ValueError, match="values: expected"):
        ck.at_most_active(3, 1, values=(1, 2))


# --- theorems -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(1, 13))
def test_the_polygon_attains_the_bound_of_the_theorem(n):
    least = 0.0 if n <= 4 else np.cos(2 * np.pi / n) / 2
    assert sp.least_worst_error(n) == pytest.approx(least, abs=EXACT)
    if n != 3:
        assert sp.worst_error(sp.polygon(n)) == pytest.approx(least, abs=EXACT)
    assert sp.least_worst_error(5) == pytest.approx((np.sqrt(5) - 1) / 8, abs=EXACT)


def test_no_network_found_anywhere_is_better_than_the_theorems_allow():
    rng = np.random.default_rng(1)
    thirds = sp.Superposition(sp.polygon(3).weights, 0.25)
    assert sp.worst_error(thirds, 2) == pytest.approx(sp.least_worst_error(3, 2), abs=EXACT)
    for n in (3, 4, 5, 6):
        w = rng.normal(size=(20_000, 2, n)) * rng.uniform(0.3, 1.2, size=(20_000, 1, 1))
        b = rng.uniform(-0.6, 0.6, size=(20_000, 1)) * np.ones(n)
        m = np.einsum("smi,smj->sij", w, w)
        for active in (1, 2, 3)[: n - 1]:
            assert (
                sp.worst_error(m, active, bias=b).min() >= sp.least_worst_error(n, active) - EXACT
            )


def lemma(angles):
    """Of four directions in the plane: the entries that the lemma's proof picks, a symmetric matrix.

    Row i has |cos| of its angles to at most two vectors at 90 degrees or less and one at more.
    """
    order = np.argsort(np.mod(angles, 2 * np.pi))
    gaps = np.mod(np.diff(angles[order], append=angles[order[0]]), 2 * np.pi)
    quarter = np.pi / 2
    cosines = np.abs(np.cos(angles[:, None] - angles))
    turns = [(k, [order[(k + s) % 4] for s in range(4)], np.roll(gaps, -k)) for k in range(4)]

    def matrix(*edges):
        found = np.zeros((4, 4))
        for i, j in edges:
            found[i, j] = found[j, i] = cosines[i, j]
        return found

    for _, (a, b, c, _d), g in turns:
        if g[0] + g[1] <= quarter:  # three in a quarter turn
            return matrix((a, b), (b, c), (a, c))
    for _, (a, b, c, d), g in turns:
        if max(g[:3]) <= quarter:  # a chain
            return matrix((a, b), (b, c), (c, d), (a, c), (b, d))
    for _, (a, b, c, d), g in turns:
        if max(g[:2]) <= quarter:  # a star around the middle one
            return matrix((a, b), (b, c), (b, d))
    k = int(np.argmin(gaps))
    _, (a, b, c, d), _ = turns[k]  # the two nearest, and what lies across
    return matrix((a, b), (a, c), (b, d))


def test_the_lemma_of_two_active_features_picks_what_it_may_and_is_right():
    rng = np.random.default_rng(2)
    grid = np.array(list(product(range(0, 360, 15), repeat=3)))
    corners = np.radians(np.column_stack([np.zeros(len(grid)), grid]))
    near = corners[rng.integers(len(corners), size=4000)] + rng.normal(size=(4000, 4)) * 1e-3
    for angles in [*rng.uniform(0, 2 * np.pi, size=(4000, 4)), *near, *corners[::7]]:
        picked = lemma(angles)
        cosines = np.cos(angles[:, None] - angles)
        for row, c in zip(picked, cosines, strict=True):
            assert ((row > 0) & (c > 1e-9)).sum() <= 2
            assert ((row > 0) & (c < -1e-9)).sum() <= 1
        assert np.linalg.eigvalsh(picked)[-1] >= 1 - 1e-9


def test_the_sum_in_the_lemma_is_one_or_more_whatever_the_lengths():
    rng = np.random.default_rng(3)
    for _ in range(3000):
        n = rng.integers(4, 8)
        vectors = rng.normal(size=(2, n)) * rng.uniform(0.1, 3, size=n)
        assert sp.interference(vectors) >= 1
    assert sp.interference([[1, 0, -1, 0], [0, 3, 0, -3]]) == pytest.approx(1)
    assert sp.interference(sp.polygon(3).weights) < 1, "three vectors do better"


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_untied_weights_carry_any_number_of_features_through_three_directions(n):
    net = sp.untied(n)
    assert np.linalg.matrix_rank(net.weights[0]) <= 3
    assert sp.worst_error(net.weights[0]) == 0
    identity = ck.Network([np.eye(n)])
    assert all(ck.prove(net, identity, domain=box) for box in ck.at_most_active(n, 1))
    if n > 3:
        assert sp.worst_error(net.weights[0], 2) > 0


def test_the_network_with_its_bottleneck_is_the_same_function():
    model = sp.Superposition([[1, 0.5, -1], [0, 0.5, 0.25]], [0, -0.25, 0.125])
    wide = model.network(bottleneck=True)
    assert wide.layer_sizes == (3, 4, 3, 3)
    assert ck.prove(wide, model.network())


def test_an_antipodal_pair_is_the_subtraction_circuit_and_detect_says_so():
    square = sp.Superposition([[1, 0, -1, 0], [0, 1, 0, -1]])
    units = ck.detect(square.network(), domain=[(0, 1)] * 4).units[:4]
    assert {u.feature for u in units} == {"greaterness detector"}
    assert {str(u.of) for u in units} == {"x1 - x3", "-x1 + x3", "x2 - x4", "-x2 + x4"}


# --- training -----------------------------------------------------------------------------------------


PAGE = """
import { train, meanError, worst, geometry } from SUPERPOSING;
console.log(JSON.stringify(INPUT.map(({ sparsity, seed, importance, steps }) => {
  const net = train({ sparsity, seed, importance, steps });
  return { ...net, mean: meanError(net, sparsity), worst: [0, 1, 2, 5].map((s) => worst(net, s)), name: geometry(net) };
})));
"""


def test_the_page_trains_the_very_networks_that_python_trains():
    cases = [
        {"sparsity": s, "seed": seed, "importance": i, "steps": steps}
        for s, seed, i, steps in (
            (0.95, 3, 0.9, 3000),
            (0.5, 7, 1.0, 400),
            (0, 1, 0.9, 400),
            (0.99, 2**52 + 5, 0.8, 400),
        )
    ]
    for case, page in zip(cases, node(PAGE, cases, ("superposing",)), strict=True):
        run = sp.train(seeds=[case.pop("seed")], **case)
        assert np.abs(run.weights[0] - page["weights"]).max() < 1e-12
        assert np.abs(run.bias[0] - page["bias"]).max() < 1e-12
        assert run.mean_error[0] == pytest.approx(page["mean"], abs=1e-12)
        assert sp.geometry(run.weights[0]) == page["name"]
        model = sp.Superposition(run.weights[0], run.bias[0])
        for active, found in zip((0, 1, 2, 5), page["worst"], strict=True):
            assert sp.worst_error(model, active) == pytest.approx(found["error"], abs=1e-12)
            off = np.abs(model(found["x"]) - found["x"])[found["output"]]
            assert off == pytest.approx(found["error"], abs=1e-12), "attained where the page says"
            assert np.count_nonzero(found["x"]) <= active


def stream(seed: int) -> Iterator[float]:
    """sfc32 in Python's whole numbers, mixed as the seed is."""
    a, b, c, d = seed & 0xFFFFFFFF, seed >> 32, 0x9E3779B9, 1
    for drawn in range(10**9):
        t = (a + b + d) & 0xFFFFFFFF
        d = (d + 1) & 0xFFFFFFFF
        a = b ^ b >> 9
        b = (c + (c << 3)) & 0xFFFFFFFF
        c = ((c << 21 | c >> 11) + t) & 0xFFFFFFFF
        if drawn >= 12:
            yield t / 2**32


def drawn(u: Iterator[float], n: int, sparsity: float) -> list[float]:
    """An input that is not all zeros: where its first active feature is, by adding up the chances."""
    first, place = next(u) * (1 - sparsity**n), 0
    while place < n - 1 and first >= 1 - sparsity ** (place + 1):
        place += 1
    x = [0.0] * n
    for i in range(place, n):
        if i == place or next(u) >= sparsity:
            x[i] = next(u)
    return x


def by_torch(seed, n, m, sparsity, importance, steps, batch, rate):
    """The same training from its description, with torch's gradients and torch's Adam."""
    u, reach = stream(seed), np.sqrt(6 / (n + m))
    w = [[(2 * next(u) - 1) * reach for _ in range(n)] for _ in range(m)]
    w = torch.tensor(w, dtype=torch.float64, requires_grad=True)
    b = torch.zeros(n, dtype=torch.float64, requires_grad=True)
    share = torch.tensor([importance**i for i in range(n)], dtype=torch.float64)
    adam = torch.optim.Adam([w, b], lr=rate)
    empty = sparsity**n
    for step in range(steps):
        x = torch.tensor([drawn(u, n, sparsity) for _ in range(batch)], dtype=torch.float64)
        y = torch.relu(x @ w.T @ w + b)
        loss = (1 - empty) * (share * (y - x) ** 2).sum() / batch
        loss = loss + empty * (share * torch.relu(b) ** 2).sum()
        adam.param_groups[0]["lr"] = rate * (1 - step / steps)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return w.detach().numpy(), b.detach().numpy()


TRAININGS = [(0, 5, 2, 0.9, 0.9, 25, 8, 0.01), (2**52 + 5, 3, 1, 0.0, 0.5, 25, 4, 0.3)]


@pytest.mark.parametrize("case", TRAININGS)
def test_training_is_what_torchs_gradients_and_adam_make_of_its_description(case):
    seed, n, m, sparsity, importance, steps, batch, rate = case
    asked = {"importance": importance, "steps": steps, "batch": batch, "learning_rate": rate}
    run = sp.train(n, m, sparsity=sparsity, seeds=[seed], **asked)
    w, b = by_torch(*case)
    assert np.abs(b).max() > 0.01, "it has learned something"
    np.testing.assert_allclose(run.weights[0], w, rtol=0, atol=1e-9)
    np.testing.assert_allclose(run.bias[0], b, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("sparsity", "seed"), [(0.7, 3), (0.0, 2**52 + 5)])
def test_inputs_are_drawn_from_the_stream_by_the_geometric_law(sparsity, seed):
    u = stream(seed)
    expected = [drawn(u, 4, sparsity) for _ in range(200)]
    assert sp.sparse_inputs(4, sparsity, 200, seed=seed).tolist() == expected


@pytest.mark.parametrize("case", TRAININGS)
def test_the_machine_code_of_training_does_what_its_lines_say(case, monkeypatch):
    seed, n, m, sparsity, importance, _, batch, rate = case

    def trained() -> tuple[np.ndarray, ...]:
        asked = {"importance": importance, "steps": 9, "batch": batch, "learning_rate": rate}
        run = sp.train(n, m, sparsity=sparsity, seeds=[seed, 1], **asked)
        return run.weights, run.bias, sp.sparse_inputs(n, sparsity, 20, seed=seed)

    compiled = trained()
    for name, value in list(vars(loops).items()):
        if hasattr(value, "py_func"):
            monkeypatch.setattr(loops, name, value.py_func)
    monkeypatch.setattr(loops, "fill", lambda: loops._fill)
    monkeypatch.setattr(loops, "descend", lambda: loops._descend)
    with np.errstate(over="ignore"):  # numpy tells of whole numbers that wrap around, as they shall
        interpreted = trained()
    for machine, plain in zip(compiled, interpreted, strict=True):
        np.testing.assert_allclose(machine, plain, rtol=0, atol=1e-13)


def test_a_seed_is_the_same_whatever_runs_beside_it():
    together, alone = sp.train(seeds=3, steps=60), sp.train(seeds=[2], steps=60)
    assert np.array_equal(together.weights[2], alone.weights[0])
    with pytest.raises(ValueError, match="seed: expected"):
        alone.model(0)


def test_inputs_follow_the_law_of_those_that_are_not_all_zeros():
    x = sp.sparse_inputs(4, 0.7, 40_000)
    active = (x > 0).mean(axis=0)
    assert (x > 0).any(axis=1).all()
    assert active == pytest.approx(np.full(4, 0.3 / (1 - 0.7**4)), abs=0.01)
    assert x[x > 0].mean() == pytest.approx(0.5, abs=0.01)


# --- dictionaries -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toys():
    return sp.train(8, 4, sparsity=0.9, importance=1.0, seeds=3, steps=600)


@pytest.mark.parametrize("learn", [sp.autoencoder, sp.sparse_codes])
def test_a_dictionary_is_judged_by_the_features_that_are_there(toys, learn):
    found = learn(toys, 12, penalty=0.3, steps=150)
    judged = sp.judge(found, toys)
    assert np.allclose(np.linalg.norm(found.atoms, axis=2), 1, atol=1e-5)
    assert (judged.recovered + judged.missed == judged.represented).all()
    assert (judged.recovered + judged.false + judged.copies == judged.alive).all()
    assert (judged.alive == found.alive.sum(axis=1)).all()
    assert ((found.unexplained > 0) & (found.unexplained < 1)).all()


def test_the_truth_itself_is_judged_perfect_and_noise_is_not(toys):
    truth = toys.weights.transpose(0, 2, 1)
    truth = (truth / np.linalg.norm(truth, axis=2, keepdims=True)).astype(np.float32)
    alive = np.linalg.norm(toys.weights, axis=1) > 0.5
    some = np.zeros(3, np.float32)
    assert sp.judge(sp.Dictionary(truth, alive, some, some), toys).perfect.all()
    twice = sp.Dictionary(np.repeat(truth, 2, axis=1), np.repeat(alive, 2, axis=1), some, some)
    judged = sp.judge(twice, toys)
    assert (judged.missed == 0).all()
    assert (judged.copies == judged.represented).all()
    with pytest.raises(ValueError, match="found: expected"):
        sp.judge(sp.Dictionary(truth[:1], alive[:1], some, some), toys)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: sp.Superposition([1, 2]), "weights: expected"),
        (lambda: sp.Superposition([[1, 2]], [1, 2, 3]), "bias: expected"),
        (lambda: sp.Superposition([[1, float("nan")]]), "weights: expected"),
        (lambda: sp.worst_error([[1, 2]]), "model: expected"),
        (lambda: sp.worst_error([[1, 0], [0, 1]], bias=[1, 2, 3]), "bias: expected"),
        (lambda: sp.geometry([[1, 2]]), "weights: expected"),
        (lambda: sp.interference([[0, 1], [0, 1]]), "weights: expected"),
        (lambda: sp.least_worst_error(3, 3), "active: expected"),
        (lambda: sp.train(seeds=[1, 1]), "seeds: expected"),
    ],
)
def test_bad_arguments_are_refused_by_their_name(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def trained() -> sp.TrainedFeatures:
    return sp.train(3, seeds=1, steps=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sp.worst_error(sp.polygon(5), bias=0.3), "bias: expected"),
        (lambda: sp.at_most_active(10**30, 10**30), "n: expected"),
        (lambda: sp.at_most_active(10**5, 1), "n: expected"),
        (lambda: sp.geometry([[1, 0], [0, 1]], tolerance=10**400), "tolerance: expected"),
        (lambda: sp.geometry([[1, 0], [0, 1]], norm=10**400), "norm: expected"),
        (lambda: sp.interference([[]]), "weights: expected shape"),
        (lambda: sp.interference([[1e200, 1e200, 1], [0, 1, 1]]), "weights: expected"),
        (lambda: sp.interference([[1e-200, 1, 1], [0, 1, 1]]), "weights: expected"),
        (lambda: sp.sparse_inputs(3, 0.5, 10**400), "count: expected"),
        (
            lambda: sp.sparse_inputs(1000, 0.5, 10**6),
            "count: expected at most 268,435,456 numbers, got",
        ),
        (lambda: sp.train(seeds=10**400), "seeds: expected"),
        (
            lambda: sp.autoencoder(trained(), 2, penalty=1e308),
            "penalty: expected a number up to 1e6",
        ),
        (lambda: sp.train(1000, 1000, seeds=1000), "seeds: expected networks of at most"),
        (
            lambda: sp.autoencoder(trained(), 2, steps=10**119),
            "steps: expected a whole number from 1",
        ),
        (lambda: sp.autoencoder(trained(), 10**5), "units: expected a whole number from 1 to 2000"),
        (
            lambda: sp.sparse_codes(trained(), 2, steps=10**119),
            "steps: expected a whole number from",
        ),
    ],
)
def test_numbers_that_are_too_large_and_a_second_bias_are_refused(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_very_many_features_in_the_plane_have_the_error_of_the_limit() -> None:
    assert sp.least_worst_error(10**400) == 0.5
