"""Learning: the exact loss, its steps, every seed proved, and what cannot be learned refused with a reason."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from pathlib import Path

import numba
import numpy as np
import pytest
from scipy import integrate

import circuitkit as ck
from benchmarks.learning import frontier
from circuitkit.progress import Bar, News
from circuitkit.training import compiled_search as kernel
from circuitkit.training import judging
from circuitkit.training import learn as learning
from circuitkit.training.architecture import least_hidden, too_small
from circuitkit.training.flat import n_parameters, to_chunks
from circuitkit.training.problem import Problem
from circuitkit.training.start import initial

ROOT = Path(__file__).resolve().parents[1]
DECK = [
    ("identity", (2,), 60),
    ("negation", (2,), 60),
    ("abs", (2,), 60),
    ("add", (2,), 20),
    ("subtract", (2,), 20),
    ("min", (3,), 25),
    ("max", (3,), 25),
    ("min", (3, 2), 80),
]


def problem(target, hidden, *, bias=False, box=None):
    f = ck.target(target)
    return Problem(f, (f.n_inputs, *hidden, f.n_outputs), bias, box)


def seek(
    target, hidden, seeds, *, rescue="redraw", budget=20_000.0, bias=False, box=None, threads=2
):
    p = problem(target, hidden, bias=bias, box=box)
    return learning.search_all(p, seeds, rescue, budget, news=News(), threads=threads)


class Started:
    """A search that stands at given parameters, to look at its loss and its first step."""

    def __init__(self, p, theta):
        self.problem, self.data = p, learning._Data(p, "restart")
        self.x, self.y = (np.ascontiguousarray(a) for a in p.points)
        numbers = np.array([np.inf, np.inf, 0.0, kernel.DAMPING, 1e-20])
        counts = np.array([len(theta), 1, 0, 0, 0, kernel.DESCEND])
        self.search = kernel.Search(theta.copy(), theta.copy(), numbers, counts)

    def call(self, limit):
        self.data.kernel(
            self.data.setting, self.x, self.y, self.search, self.data.room(len(self.x)),
            1e-300, limit, 1e9,
        )  # fmt: skip

    def loss(self):
        self.call(0.0)
        return self.search.number[kernel.LOSS]

    def step(self):
        """The parameters after one step."""
        self.loss()
        spent = self.search.number[kernel.SPENDING]
        self.search.number[kernel.SPENDING] = 0.0
        self.search.counts[kernel.PHASE] = kernel.DESCEND
        self.call(spent)
        assert self.search.counts[kernel.ITERATIONS] == 1
        return self.search.theta


def random_start(p, seed):
    weights, biases = initial("torch", p.sizes, [seed], bias=p.bias)
    return to_chunks(weights, biases, 1, bias=p.bias)[0][:, 0]


def network(p, theta):
    return learning._network(p, theta)


EXACT = [
    ("min", (3, 2), False, None),
    ("abs(x1 - x2)", (8,), False, None),
    ("(min(x1, x2), max(x1, x2))", (4, 3), False, None),
    ("clamp(x, -1/2, 1/3)", (3, 2), True, ((-2.0, 1.0),)),
    ("abs(abs(x) - 1/2)", (4,), True, None),
    ("abs", (2,), False, None),
]


# --- the loss is the loss -----------------------------------------------------------------------


@pytest.mark.parametrize(("target", "hidden", "bias", "box"), EXACT)
@pytest.mark.parametrize("seed", [3, 4])
def test_the_loss_is_the_integral(target, hidden, bias, box, seed):
    p = problem(target, hidden, bias=bias, box=box)
    theta = random_start(p, seed)
    net, ours = network(p, theta), Started(p, theta).loss()

    def squared(x):
        return float(((net(x) - p.target(x)) ** 2).mean())

    if p.target.n_inputs == 2:  # of the whole square, by many points
        u = np.random.default_rng(seed).uniform(-1, 1, (400_000, 2))
        sample = ((net(u) - p.target(u)) ** 2).mean(axis=1)
        assert abs(ours - sample.mean()) < 4 * sample.std() / np.sqrt(len(u))
    elif box is not None:
        (low, high), pieces = box[0], np.linspace(*box[0], 200)
        whole = sum(
            integrate.quad(lambda x: squared([x]), a, b)[0] for a, b in itertools.pairwise(pieces)
        )
        assert ours == pytest.approx(whole / (high - low), rel=1e-6)
    elif (
        bias
    ):  # over all real numbers: inside of [-1, 1], and x times as much weight at 1 / x outside
        inside = np.linspace(-1, 1, 20_001)[:, None]
        mean = ((net(inside) - p.target(inside)) ** 2).mean()
        c = (np.arange(20_000) + 0.5)[:, None] / 20_000
        outside = [(((net(s / c) - p.target(s / c)) * c) ** 2).mean() for s in (-1, 1)]
        assert ours == pytest.approx((2 * mean + sum(outside)) / 4, rel=1e-4)
    else:
        whole = (
            integrate.quad(lambda x: squared([x]), -1, 0)[0]
            + integrate.quad(lambda x: squared([x]), 0, 1)[0]
        )
        assert ours == pytest.approx(whole / 2, rel=1e-9)


@pytest.mark.parametrize(("target", "hidden", "bias", "box"), EXACT)
def test_the_step_is_levenberg_and_marquardts(target, hidden, bias, box):
    p = problem(target, hidden, bias=bias, box=box)
    theta = random_start(p, 11)
    # The same integrals by brute force: many points, derivatives by differences.
    if p.segments:
        share = (np.arange(4000) + 0.5)[:, None] / 4000
        parts = [((1 - share) * a + share * b, w / 4000) for w, a, b in p.segments]
        points = np.concatenate([x * np.sqrt(w) for x, w in parts])
    else:
        points = p.points[0]

    def residuals(parameters):
        weights, biases = learning._layers(p, parameters)
        h = points[:, :-1].T
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = w @ (np.maximum(h, 0) if layer else h) + np.outer(b, points[:, -1])
        return (h.T - p.values(points)).ravel() / np.sqrt(p.sizes[-1])

    j = np.empty((len(residuals(theta)), len(theta)))
    for k in range(len(theta)):
        e = np.zeros_like(theta)
        e[k] = 1e-6
        j[:, k] = (residuals(theta + e) - residuals(theta - e)) / 2e-6
    for damping in kernel.DAMPING * kernel.GROW ** np.arange(kernel.TRIES):
        step = np.linalg.solve(j.T @ j + damping * np.eye(len(theta)), j.T @ residuals(theta))
        if (residuals(theta - step) ** 2).sum() < (residuals(theta) ** 2).sum():
            break
    np.testing.assert_allclose(Started(p, theta).step(), theta - step, atol=2e-3)


@pytest.fixture
def no_proofs(monkeypatch):
    """What the search finds is taken as it is: many seeds in little time, judged by other means."""
    monkeypatch.setattr(learning, "_proof", lambda *_: (True, 0.0, None))


@pytest.mark.parametrize("width", [2, 4, 8, 16])
def test_a_wide_network_does_not_hide_its_errors_between_points(width, no_proofs):
    for found in seek("abs(x1 - x2)", (width,), range(6)):
        x = np.random.default_rng(width).uniform(-1, 1, (100_000, 2))
        off = found.network(x)[:, 0] - np.abs(x[:, 0] - x[:, 1])
        assert np.abs(off).max() <= 1e-6


def test_the_search_draws_from_the_seeds_own_stream():
    draw = numba.njit(lambda key, counts: kernel._uniform(key, counts))
    for seed in (0, 7, 2**63 - 1):
        counts = np.zeros(6, dtype=np.int64)
        ours = [draw(np.uint64(seed), counts) for _ in range(13)]
        theirs = np.random.Generator(np.random.Philox(key=seed)).random(13)
        np.testing.assert_array_equal(ours, theirs)


# --- every seed, proved -------------------------------------------------------------------------


@pytest.mark.parametrize("rescue", ["restart", "redraw"])
@pytest.mark.parametrize(("target", "hidden", "cost"), DECK)
def test_every_seed_learns_the_decks_functions(target, hidden, cost, rescue, no_proofs):
    run = ck.train(target, hidden, seeds=range(9_000, 9_060), rescue=rescue)
    assert run.cost.mean() <= cost
    assert run.error.max() <= 1e-6  # exactly, by the judge of all trainings


@pytest.mark.parametrize(("target", "hidden", "cost"), DECK)
def test_solved_means_proved(target, hidden, cost):
    run = ck.train(target, hidden, seeds=[9_000, 9_001], rescue="redraw")
    assert run.solved.all()
    assert ck.prove(run.network(9_000), target, tolerance=1e-6)


@pytest.mark.parametrize(
    ("target", "hidden", "box"),
    [
        ("clamp(x, -1/2, 1/2)", (2,), ((-1.0, 1.0),)),
        ("clamp(x, -1/2, 1/2)", (2,), None),
        ("max(0, 1/2 - abs(x))", (3,), None),
        ("abs(abs(x) - 1/2)", (2, 2), ((-1.0, 1.0),)),
        ("abs(x1 + x2 - 1/2)", (2,), ((-1.0, 1.0), (-1.0, 1.0))),
        ("x1 + x2 - 2*relu(x1 + x2 - 1)", (2,), ((0.0, 1.0), (0.0, 1.0))),
        ("min(x1, x2, x3)", (5, 3), None),
    ],
)
def test_biases_boxes_and_more_inputs_are_learned(target, hidden, box):
    f = ck.target(target)
    bias = box is not None or not f.pieces.is_homogeneous
    for found in seek(target, hidden, range(2), bias=bias, box=box):
        assert found.proved
        net = found.network if bias else ck.Network(found.weights)
        assert ck.prove(net, target, tolerance=1e-6, domain=box)


def test_what_the_points_do_not_show_the_prover_does(monkeypatch):
    """With few points and no look at random inputs: wrong networks without a loss, refuted and mended."""
    monkeypatch.setattr(learning, "wrong_points", lambda *_: (np.empty((0, 4)), 0))
    monkeypatch.setattr("circuitkit.training.problem.POINTS", 32)
    monkeypatch.setattr("circuitkit.training.problem.PER_PARAMETER", 1)
    found = seek("min(x1, x2, x3)", (5, 3), range(3))
    assert all(f.proved for f in found)
    assert sum(f.counterexamples for f in found) > 0
    assert all(f.proofs == f.counterexamples + 1 for f in found)


def beside_the_minimum(apart):
    """The minimum of three, but for one unit whose hyperplane is a little beside the target's."""
    first = np.array([[0, 1, 0], [0, -1, 0], [-1, 1, 0], [0, 0, 1], [0, 0, -1.0]])
    second = np.array([[0, 0, 0, 1, -1], [0, 0, 0, -1, 1], [-1, 1, 1, 1, -1.0]])
    first[2, 2] = apart
    return [first, second, np.array([[1.0, -1, -1]])]


def test_random_lines_cross_what_random_points_do_not_hit():
    apart = 1e-5
    weights = beside_the_minimum(apart)
    biases = [np.zeros(len(w)) for w in weights]
    p = problem("min(x1, x2, x3)", (5, 3))
    # Off by up to 1e-5 in a wedge, and by no more than that anywhere.
    points = p.spread(2_000, seed=3)
    tolerance = 0.9 * apart
    assert (judging.errors_at(p, weights, biases, points) > tolerance).mean() < 0.2
    random = np.random.default_rng(5)
    found, looked = judging.wrong_points(p, weights, biases, random, tolerance)
    assert len(found) == judging.JOINING
    assert looked < 60_000
    assert (judging.errors_at(p, weights, biases, found) > tolerance).all()
    right = beside_the_minimum(0)
    found, _ = judging.wrong_points(p, right, biases, random, 1e-9)
    assert len(found) == 0


def test_a_network_that_is_free_to_be_tidy_becomes_so():
    """The median's circuit with its freedom spent on crooked weights; what is learned is tidy."""
    found = seek("max(min(x1, x2), min(max(x1, x2), x3))", (5, 4), [2])[0]
    assert found.proved
    assert found.error == 0
    for w in found.weights:
        np.testing.assert_array_equal(w, np.round(4 * w) / 4)
    crooked = [w.copy() for w in found.weights]
    crooked[0] *= np.array([[0.3], [1.7], [0.9], [2.1], [0.6]])
    crooked[1] /= np.array([0.3, 1.7, 0.9, 2.1, 0.6])
    p = problem("max(min(x1, x2), min(max(x1, x2), x3))", (5, 4))
    x, y = p.points
    tidy, work = judging.tidied(crooked, found.biases, x, y, bias=False, enough=1e-18)
    assert work > 0
    assert ck.prove(ck.Network(tidy[0]), p.target)


def test_weights_that_end_beside_a_tidy_number_are_fixed_in_another_order():
    """Units of two weights each, one of them free: one half of the orders leads to a fifth."""
    found = seek("min(x1, x2, x3, x4, x5)", (8, 5, 3), [508], budget=100_000)[0]
    assert found.proved
    assert found.error == 0


def test_what_cannot_be_tidy_is_left_as_it_is():
    x = np.array([[1.0, 0.0], [-1.0, 0.0]])
    weights = [np.array([[1.0], [-1.0]]), np.array([[1 / 3, -1 / 3]])]
    tidy, _ = judging.tidied(
        weights, [np.zeros(2), np.zeros(1)], x, x[:, :1] / 3, bias=False, enough=1e-18
    )
    assert tidy is None


def test_a_seed_is_the_same_in_any_company():
    alone = seek("min", (3, 2), [41], threads=1)[0]
    among = seek("min", (3, 2), [7, 41, 3, 12], threads=3)[1]
    assert alone.cost == among.cost
    for a, b in zip(alone.weights, among.weights, strict=True):
        assert a.tobytes() == b.tobytes()
    run = ck.train("min", (3, 2), seeds=[5, 41], rescue="redraw")
    assert run.network(41).weights[0].tobytes() == alone.weights[0].tobytes()
    assert ck.learn("min", (3, 2), seed=41) == ck.Network(alone.weights)


# --- ck.learn -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["identity", "negation", "abs", "add", "subtract", "min", "max", "min4"]
)
def test_the_catalogue_is_learned_at_its_least_architecture(name):
    net = ck.learn(name, seed=1)
    assert ck.prove(net, name, tolerance=1e-6)
    assert net.layer_sizes[1:-1] == least_hidden(ck.target(name), None)
    assert not net.has_biases


def test_on_a_box_a_network_may_be_smaller():
    net = ck.learn("identity", domain=[(-2, 3)])
    assert net.layer_sizes == (1, 1, 1)
    assert ck.prove(net, "identity", tolerance=1e-6, domain=[(-2, 3)])
    assert not ck.prove(net, "identity", tolerance=1e-6)


@pytest.mark.parametrize(
    ("target", "domain"),
    [
        ("abs", [(-1e300, 1e300)]),
        ("abs", [(-1e9, 1e9)]),
        ("clamp(x, -1, 1)", [(-1e6, 1e6)]),
        ("identity", [(-1.7e308, 1.7e308)]),
        ("min", [(-1e8, 1e8)] * 2),
        ("clamp(x1 + x2, -1, 1)", [(-1e4, 1e4)] * 2),
    ],
)
@pytest.mark.filterwarnings("error")
def test_however_far_a_box_reaches_the_function_is_learned_there(target, domain):
    net = ck.learn(target, domain=domain, seed=1)
    assert ck.prove(net, target, tolerance=1e-6, domain=domain)


def test_on_a_far_box_the_loss_is_taken_at_the_surface_of_the_proofs_measure():
    """As many points near -1 and 1 as far out, whether they are followed or drawn."""
    ends = problem("abs", (2,), bias=True, box=((-2000.0, 1000.0),)).segments
    assert sum(weight for weight, *_ in ends) == pytest.approx(1)
    points = [p for _, *pair in ends for p in pair]
    np.testing.assert_allclose(points, [(-1, 0.0005), (-1, 1), (-1, 1), (1, 1), (1, 1), (1, 0.001)])
    drawn = problem("min", (3,), bias=True, box=((-1e6, 1e6), (0.0, 1e6))).spread(1000, seed=1)
    assert (np.abs(drawn).max(axis=1) == 1).all()
    assert (drawn[:, 1] >= 0).all()
    at = drawn[:, :2] / drawn[:, 2:]
    assert np.abs(at).max() <= 1e6
    assert 0.05 < (np.abs(at).max(axis=1) < 1e3).mean() < 0.5


def test_a_trap_is_named_by_what_the_network_does_within_the_domain():
    """A bend at 50 is none on [-1, 1], and a function without kinks is not trapped by having none."""
    p = problem("clamp(x, -60, 50)", (2,), bias=True, box=((-100.0, 100.0),))
    bent = [np.array([[1.0], [1.0]]), np.array([[1.0, -1.0]])]
    biases = [np.array([101.0, -50.0]), np.array([-101.0])]

    def stuck(weights, biases, loss=1.0):
        return learning.Learned(weights, biases, False, np.nan, loss, 1.0, 1, 1, 1, 0, 0)

    assert "no trap that has a name" in learning._trap(p, stuck(bent, biases))
    flat = [np.array([[1.0], [1.0]]), np.array([[1.0, 0.0]])]
    assert "its trap: affine" in learning._trap(p, stuck(flat, biases))
    line = problem("identity", (2,), bias=True, box=((-100.0, 100.0),))
    assert "its trap: dead unit" in learning._trap(line, stuck(flat, biases))


def test_what_the_prover_cannot_decide_is_left_for_a_new_start(monkeypatch):
    asked = []

    def undecided_at_first(question, net):
        asked.append(net)
        return (False, np.nan, None) if len(asked) < 3 else (True, 0.0, None)

    monkeypatch.setattr(learning, "_proof", undecided_at_first)
    found = seek("min", (3, 2), [5])[0]
    assert (found.proved, found.proofs) == (True, 3)
    assert len(set(asked)) == 3
    asked.clear()
    monkeypatch.setattr(learning, "_proof", lambda *_: (False, np.nan, None))
    found = seek("min", (3, 2), [5], budget=500)[0]
    assert not found.proved
    assert found.loss < 1e-18
    with pytest.raises(ck.NotLearned, match="its loss is gone, and it could not be proved"):
        ck.learn("min", (3, 2), seed=5, budget=500)


def test_what_cannot_be_learned_is_refused_with_the_argument():
    with pytest.raises(ck.NotLearned, match="no sum of some of them is 1") as caught:
        ck.learn("abs(abs(x) - 1/2)", (3,))
    assert caught.value.best.layer_sizes == (1, 3, 1)
    with pytest.raises(ck.NotLearned, match="every kink needs a unit: 1 are too few"):
        ck.learn("clamp(x, 0, 1)", 1)
    assert too_small(ck.target("abs(abs(x) - 1/2)"), (4,), None) is None


def test_a_budget_that_is_too_small_gives_the_best_network_and_its_trap():
    with pytest.raises(ck.NotLearned, match="the best network stays at a loss of ") as caught:
        ck.learn("min", (3, 2), seed=2, budget=3)
    assert "loss" in caught.value.reason
    assert isinstance(caught.value.best, ck.Network)


def test_ctrl_c_returns_the_seeds_that_are_done(monkeypatch, no_proofs):
    original, seen = Bar.update, []

    def pressed(self, amount):
        original(self, amount)
        seen.append(amount)
        if len(seen) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Bar, "update", pressed)
    run = ck.train("min4", (6, 3), seeds=40, rescue="redraw", budget=1e6)
    assert run.interrupted
    assert 3 <= run.solved.sum() < 40
    assert len(run.loss) == 40


def test_learn_says_that_it_was_interrupted(monkeypatch):
    def pressed(self, doing):
        if doing == "learning":
            raise KeyboardInterrupt

    monkeypatch.setattr(Bar, "say", pressed)
    with pytest.raises(ck.NotLearned, match="interrupted: the best network stays at a loss of"):
        ck.learn("min(x1, x2, x3, x4, x5, x6)", seed=3, budget=1e9)


def test_a_sweep_of_rescued_trainings_says_what_each_seed_has_cost():
    table = ck.sweep([{"target": "abs", "hidden": (2,), "seeds": (0, 5), "rescue": "redraw"}])
    assert table.solved.all()
    run = ck.train("abs", (2,), seeds=5, rescue="redraw")
    np.testing.assert_array_equal(table.cost, run.cost)


def ordered(i, j, n):
    """Units of n numbers with which two of them are put in order, and what reads the smaller and the larger out."""
    e = np.eye(n)
    return [e[i] - e[j], e[j] - e[i], e[i], -e[i]], ([-1, 0, 1, -1], [0, 1, 1, -1])


def test_the_widths_tried_for_sorting_and_medians_are_enough():
    """Circuits by hand, as the frontier's table says: what is not learned there is no theorem."""
    widths = {row.target.split("(")[0] + str(row.problem.sizes[0]): row for row in frontier()}
    # Three: x1 and x2 in order, m and M; then the third is compared with both.
    first = [[-1, 1, 0], [1, -1, 0], [0, 0, 1], [0, 0, -1], [0, 1, -1], [0, -1, 1]]
    beyond = [[-1, 0, 0, 0, 1, -1], [0, -1, 0, 0, -1, 1]]  # m - x3, x3 - M
    third = [[0, 0, 1, -1, 0, 0], [0, 0, -1, 1, 0, 0]]
    inside = [[1, 0, 0, 0, -1, 1], [0, 1, 0, 0, 1, -1]]  # x3 - m, M - x3
    median = [first, beyond + third, [[1, -1, 1, -1]]]
    out = [[0, 0, 1, -1, -1, 0], [1, -1, 1, -1, 0, 0], [0, 0, 1, -1, 0, 1]]
    # Four: a sorting network of three rounds.
    pairs, (low, high) = ordered(0, 1, 4)
    round_of_two = np.array(pairs + ordered(2, 3, 4)[0])
    none = [0] * 4
    read = np.array([low + none, none + low, high + none, none + high])  # m1, m2, M1, M2
    middle = np.array([high + none, none + low, low + none, none + high])
    e = np.eye(4)
    last = np.array([*pairs, e[2], -e[2], e[3], -e[3]])
    sort4 = [
        round_of_two, round_of_two @ read, last @ middle,
        [[*none, 1, -1, 0, 0], low + none, high + none, [*none, 0, 0, 1, -1]],
    ]  # fmt: skip
    # Five: the median of the larger of the two smaller ones, the smaller of the two larger ones, and x5.
    two = np.array(ordered(0, 1, 5)[0] + ordered(2, 3, 5)[0] + [np.eye(5)[4], -np.eye(5)[4]])
    m1, m2, large1, large2 = np.column_stack([read, np.zeros((4, 2))])
    x5 = np.array([0] * 8 + [1, -1])
    choose = [m1 - m2, m2, -m2, large2 - large1, large2, -large2, x5, -x5]
    left = np.array(
        [[1, 1, -1, 0, 0, 0, 0, 0], [0, 0, 0, -1, 1, -1, 0, 0], [0, 0, 0, 0, 0, 0, 1, -1]]
    )
    median5 = [two, choose, np.array(first) @ left, *median[1:]]
    circuits = {
        "median3": median, "sort3": [first, beyond + third + inside, out], "sort4": sort4, "median5": median5,
    }  # fmt: skip
    for name, layers in circuits.items():
        net = ck.Network(layers)
        assert net.layer_sizes == widths[name].problem.sizes
        assert ck.prove(net, widths[name].target)


def test_the_committed_table_is_what_the_command_measures(no_proofs):
    known = json.loads((ROOT / "chapters" / "data" / "learning.json").read_text())
    rows = known["deck"]
    limits = {"min, 2-3-2-1": 80, "min, 2-3-1": 25, "add, 2-2-1": 20}
    for name, limit in limits.items():
        row = rows[f"{name}, no biases, all reals, redraw"]
        assert row["proved"] == row["seeds"] == 10_000
        assert row["cost mean"] <= limit
        assert row["largest error"] <= 1e-6
        found = seek(
            row["target"], row["sizes"][1:-1], range(row["first seed"], row["first seed"] + 8)
        )
        assert [f.cost for f in found] == pytest.approx(row["first costs"], abs=0.006)


def test_a_run_with_a_rescue_says_so():
    run = ck.train("clamp(x, 0, 1)", (2,), seeds=8, rescue="redraw", bias=True, domain=[(-3, 2)])
    assert "proved within 1e-6; Levenberg-Marquardt with redraw, cost" in repr(run)
    assert run.settings["domain"] == ((-3.0, 2.0),)
    assert "learning_rate" not in run.settings
    short = ck.train("min", (3, 2), seeds=20, rescue="restart", budget=20)
    assert not short.solved.all()
    assert np.isfinite(short.error).all()
    assert set(short.outcomes) >= {"solved"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rescue": "recycle"}, "rescue: expected None, 'restart' or 'redraw', got 'recycle'"),
        ({"rescue": "redraw", "steps": 10}, "steps: with rescue='redraw', whose steps are"),
        (
            {"rescue": "redraw", "optimizer": "adam"},
            "optimizer: with rescue='redraw' expected 'lm'",
        ),
        (
            {"rescue": "redraw", "target": "x1*x2"},
            "target: expected a piecewise linear function with rational numbers",
        ),
        (
            {"rescue": "redraw", "domain": [(0, 1)] * 2},
            "domain: networks that fit on a box alone need",
        ),
        (
            {"rescue": "redraw", "domain": [(0, 1)]},
            "domain: expected 2 pairs (low, high), one for each input, got 1",
        ),
        ({"rescue": "redraw", "budget": 0}, "budget: expected a number above 0, got 0"),
        ({"domain": [(0, 1)] * 2}, "domain: only with rescue"),
        ({"budget": 5.0}, "budget: only with rescue, got 5.0 without"),
    ],
)
def test_errors_of_a_rescue_name_the_argument(arguments, message):
    arguments = {"target": "min", "hidden": (3,), "seeds": 2, **arguments}
    with pytest.raises(ValueError, match=": ") as caught:
        ck.train(arguments.pop("target"), arguments.pop("hidden"), **arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target": "x**2"}, ValueError, "target: expected a piecewise linear function with"),
        ({"target": "sqrt(2)*x"}, ValueError, "target: expected a piecewise linear function with"),
        ({"hidden": (0,)}, ValueError, "hidden[0]: expected a whole number, 1 or above, got 0"),
        ({"seed": -1}, ValueError, "seed: expected a whole number from 0 to 2**63 - 1, got -1"),
        ({"seed": 0.5}, TypeError, "seed: expected a whole number from 0 to 2**63 - 1, got 0.5"),
        ({"domain": [(1, 0)]}, ValueError, "domain[0]: expected two finite numbers (low, high)"),
        ({"domain": 3}, TypeError, "domain: expected a pair (low, high) for each input"),
        ({"domain": []}, ValueError, "for each input, such as [(-1, 1)], got []"),
        ({"domain": (0, 1)}, ValueError, "for each input, such as [(-1, 1)], got (0, 1)"),
        ({"domain": [(0, 1)] * 2}, ValueError, "domain: expected 1 pair (low, high), one for"),
        ({"budget": -1}, ValueError, "budget: expected a number above 0, got -1"),
    ],
)
def test_errors_of_learn_name_the_argument(arguments, error, message):
    arguments = {"target": "abs", **arguments}
    with pytest.raises(error) as caught:
        ck.learn(arguments.pop("target"), **arguments)
    assert message in str(caught.value)


def test_the_least_architectures_are_those_of_the_tree():
    known = {
        "min(x1, x2, x3)": (5, 3),
        "max(x1, x2, x3, x4, x5)": (8, 5, 3),
        "max(x1, x2, x3, x4, x5, x6, x7, x8)": (12, 6, 3),
        "abs(x1) + abs(x2)": (4,),
        "relu(x)": (1,),
        "max(0, 1/2 - abs(x))": (3,),
        "abs(abs(x) - 1/2)": (4,),
    }
    assert {t: least_hidden(ck.target(t), None) for t in known} == known
    assert n_parameters((4, 6, 3, 1), bias=False) == 45


def test_what_was_not_learned_can_be_sent_between_processes():
    with pytest.raises(ck.NotLearned) as caught:
        ck.learn("abs", (1,), budget=100)
    for made in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert str(made) == str(caught.value) and made.reason == caught.value.reason
        assert made.best.weights[0].tolist() == caught.value.best.weights[0].tolist()
