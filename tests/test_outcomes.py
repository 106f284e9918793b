"""The worst error over all inputs, and the named ways of being stuck."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitkit as ck
from circuitkit.training import outcomes
from circuitkit.training.outcomes import OUTCOMES, name_outcomes, ways_of_being_stuck, worst_errors


def error(net: ck.Network, target: str) -> float:
    weights = [w[None] for w in net.weights]
    return float(worst_errors(ck.target(target), weights, [b[None] for b in net.biases])[0])


def way(net: ck.Network) -> str:
    no = np.array([False])
    weights, biases = [w[None] for w in net.weights], [b[None] for b in net.biases]
    return str(name_outcomes(ck.target("min"), weights, biases, solved=no, diverged=no)[0])


@pytest.mark.parametrize(
    "name", ["identity", "negation", "abs", "add", "subtract", "min", "max", "min4"]
)
def test_the_hand_derived_circuits_have_no_error(name):
    assert error(ck.circuit(name), name) < 1e-15


def test_the_decks_minimum_with_two_hidden_layers_has_no_error():
    assert error(ck.circuits.minimum_two_layers(), "min") < 1e-15


def test_errors_of_small_networks_are_known():
    half = ck.Network([[[1]], [[1]]])
    assert error(half, "identity") == 1  # relu(x) - x is 1 at x = -1
    assert error(half, "abs") == 1
    shifted = ck.Network([[[1], [-1]], [[1, -1]]], [None, [0.25]])
    assert error(shifted, "identity") == 0.25
    hat = ck.Network([[[1], [1], [1]], [[1, -2, 1]]], [[0, -1, -2], None])
    assert error(hat, "0*x") == pytest.approx(1)  # the peak, 1 at x = 1
    clamp = ck.Network([[[1], [1]], [[1, -1]]], [[0, -1], None])
    assert error(clamp, "clamp(x, 0, 1)") == 0
    assert error(clamp, "x") == 1  # towards minus infinity, relative to |x|
    # exact between the grid: the kink of the network at x2 = x1 / 7
    kink = ck.Network([[[1, -7], [-1, 7], [1, 0], [-1, 0]], [[1, 1, 0, 0]]])
    assert error(kink, "abs(x1 - 7*x2)") < 1e-15
    assert error(kink, "0*x1 + 0*x2 + 8") == pytest.approx(8)


@pytest.mark.parametrize("together", [True, False])
def test_a_layer_is_the_matrix_product_with_one_term_after_the_other(together):
    rng = np.random.default_rng(3)
    w = rng.normal(size=(3, 2, 5))
    h = rng.normal(size=(1 if together else 3, 4, 7))  # for all seeds, or for each its own
    c = rng.normal(size=(len(h), 7))
    machine, plain = np.empty((2, 3, 2, 7))
    outcomes._affine()(w, h, c, machine)
    outcomes._sum_over_units(w, h, c, plain)
    assert machine.tobytes() == plain.tobytes()
    np.testing.assert_allclose(plain, w[:, :, :-1] @ h + w[:, :, -1:] * c[:, None], atol=1e-14)


def test_an_error_that_grows_without_bound_is_infinite():
    identity = ck.circuit("identity")
    assert error(identity, "x**2") == np.inf
    assert error(identity, "exp(x)") == np.inf
    assert error(ck.Network([[[1]], [[0]]]), "sin(x)") == pytest.approx(np.sin(1), abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([("abs", True), ("min", False), ("clamp(x, -1/2, 1/3)", True), ("max", False)]),
    st.sampled_from([(3,), (3, 2), (4, 3, 3)]),
)
def test_no_input_has_a_larger_error(seed, case, hidden):
    target, bias = case
    f = ck.target(target)
    rng = np.random.default_rng(seed)
    sizes = (f.n_inputs, *hidden, 1)
    net = ck.Network(
        [rng.normal(size=(o, i)) for i, o in pairwise(sizes)],
        [rng.normal(size=o) for o in sizes[1:]] if bias else None,
    )
    x = rng.uniform(-1, 1, (4000, f.n_inputs)) * 10 ** rng.uniform(-2, 4, (4000, 1))
    measured = np.abs(net(x) - f(x))[:, 0] / np.maximum(1, np.abs(x).max(axis=1))
    worst = error(net, target)
    assert measured.max() <= worst * (1 + 1e-9) + 1e-12
    assert measured.max() >= 0.8 * worst  # and the bound is met, nearly


def test_a_lower_bound_comes_close_in_more_dimensions():
    rng = np.random.default_rng(5)
    f = ck.target("min(x1, x2, x3)")
    for bias in (False, True):
        net = ck.Network(
            [rng.normal(size=(6, 3)), rng.normal(size=(1, 6))],
            [rng.normal(size=6), [0.5]] if bias else None,
        )
        x = rng.uniform(-1, 1, (200_000, 3)) * 10 ** rng.uniform(-1, 3, (200_000, 1))
        measured = np.abs(net(x) - f(x))[:, 0] / np.maximum(1, np.abs(x).max(axis=1))
        worst = worst_errors(f, [w[None] for w in net.weights], [b[None] for b in net.biases])[0]
        assert worst > 0.95 * measured.max()


def test_many_seeds_get_the_error_of_each():
    run = ck.train("min", (3, 2), seeds=40, steps=50)
    for seed in (0, 17, 39):
        assert run.error[seed] == error(run.network(seed), "min")


def test_a_very_wide_network_is_sampled_instead_of_running_out_of_memory():
    rng = np.random.default_rng(1)
    net = ck.Network(
        [rng.normal(size=(90, 2)), rng.normal(size=(90, 90)), rng.normal(size=(1, 90))]
    )
    assert error(net, "min") > 1


STUCK = {
    "affine": [[[1, 1], [-1, -1]], [[0.5, -0.5]]],
    "dead unit": [[[1, 0], [-1, 0], [1, -1]], [[1, -1, 0]]],
    "duplicate": [[[1, 0.1], [2, 0.2], [-1, 1]], [[1, 0.5, -1]]],
    "one-sided": [[[1, 0.2], [0.3, 1], [1, 1]], [[1, -1, 0.5]]],
    "other": [[[1, 0.2], [-1, 0.4], [0.1, -1]], [[1, 1, 1]]],
}


@pytest.mark.parametrize("name", STUCK)
def test_each_way_of_being_stuck_is_recognized(name):
    net = ck.Network(STUCK[name])
    if name == "dead unit":  # affine too once its third unit is dead: give it a kink that works
        net = ck.Network([[[1, 0], [-1, 0], [0.5, 1], [1, -1]], [[1, -1, 1, 0.0]]])
    assert way(net) == name


def test_solved_and_diverged_come_first():
    weights = [np.zeros((3, 2, 1)), np.zeros((3, 1, 2))]
    weights[0][1] = np.nan
    solved, diverged = np.array([True, False, False]), np.array([False, True, False])
    names = name_outcomes(
        ck.target("abs"),
        weights,
        [np.zeros((3, 2)), np.zeros((3, 1))],
        solved=solved,
        diverged=diverged,
    )
    assert names.tolist() == ["solved", "diverged", "affine"]


def test_several_ways_may_fit_one_network():
    ways = ways_of_being_stuck(
        1, [np.ones((1, 2, 1)), np.ones((1, 1, 2))], [np.zeros((1, 2)), np.zeros((1, 1))]
    )
    assert {k for k, v in ways.items() if v[0]} == {"duplicate", "one-sided"}
    assert set(ways) < set(OUTCOMES)


def test_every_seed_of_a_run_gets_one_of_the_names():
    run = ck.train("min", (3, 2), seeds=200, steps=600)
    assert set(run.outcomes.tolist()) <= set(OUTCOMES)
    np.testing.assert_array_equal(run.outcomes == "solved", run.solved)


# --- what is refused ----------------------------------------------------------------------------------

ONE = [np.ones((1, 2, 1)), np.ones((1, 1, 2))]
NO_BIASES = [np.zeros((1, 2)), np.zeros((1, 1))]

#: layers for a function of one input and one output, and how they are refused
LAYERS = [
    ([], r"^weights: expected at least one layer, got an empty list"),
    ([np.ones((1, 1, 2))], r"^weights\[0\]: expected 1 column, .*input.*, got 2 \(shape \(1, 1, 2\)\)"),
    ([np.ones((1, 2, 1)), np.ones((1, 1, 3))], r"^weights\[1\]: expected 2 columns, .*, got 3"),
    ([np.ones((1, 2, 1)), np.ones((2, 1, 2))], r"^weights\[1\]: expected 1 seed .*, got shape \(2, 1, 2\)"),
    ([np.ones((2, 1))], r"^weights\[0\]: expected shape \(n_seeds, n_out, n_in\)"),
    ([np.ones((1, 0, 1)), np.ones((1, 1, 0))], r"^weights\[0\]: .* at least one unit"),
    ([np.full((1, 1, 1), 1 + 1j)], r"^weights\[0\]: expected real numbers, got complex numbers"),
    ([[["a"]]], r"^weights\[0\]: expected real numbers, got text"),
    (3, r"^weights: expected a list"),
]  # fmt: skip

#: biases for :data:`ONE`
CONSTANTS = [
    ([np.zeros((1, 2))], r"^biases: expected 2 arrays, one a layer, got 1"),
    ([*NO_BIASES, np.zeros((1, 1))], r"^biases: expected 2 arrays, one a layer, got 3"),
    ([np.zeros((1, 3)), np.zeros((1, 1))], r"^biases\[0\]: expected shape \(1, 2\).*, got shape \(1, 3\)"),
    ([np.zeros((2, 2)), np.zeros((2, 1))], r"^biases\[0\]: expected shape \(1, 2\)"),
    ([np.zeros((1, 2)), np.full((1, 1), 1j)], r"^biases\[1\]: expected real numbers"),
    (3, r"^biases: expected a list"),
]  # fmt: skip

REFUSED = (TypeError, ValueError)


@pytest.mark.parametrize(("weights", "said"), LAYERS)
def test_weights_that_are_no_networks_of_the_function_are_refused(weights, said):
    no = np.array([False])
    biases = [np.zeros(np.shape(a)[:2]) for a in weights] if isinstance(weights, list) else []
    with pytest.raises(REFUSED, match=said):
        worst_errors(ck.target("abs"), weights)
    with pytest.raises(REFUSED, match=said):
        name_outcomes(ck.target("abs"), weights, biases, solved=no, diverged=no)
    with pytest.raises(REFUSED, match=said):
        ways_of_being_stuck(1, weights, biases)


@pytest.mark.parametrize(("biases", "said"), CONSTANTS)
def test_biases_that_do_not_go_with_the_weights_are_refused(biases, said):
    no = np.array([False])
    with pytest.raises(REFUSED, match=said):
        worst_errors(ck.target("abs"), ONE, biases)
    with pytest.raises(REFUSED, match=said):
        name_outcomes(ck.target("abs"), ONE, biases, solved=no, diverged=no)
    with pytest.raises(REFUSED, match=said):
        ways_of_being_stuck(1, ONE, biases)


def test_more_outputs_than_the_function_has_are_refused():
    three = [np.ones((1, 3, 1))]
    with pytest.raises(ValueError, match=r"^weights\[0\]: expected 1 row, .*output.*, got 3"):
        worst_errors(ck.target("abs"), three)


@pytest.mark.parametrize("f", [3, None, "nonsense(x)"])
def test_what_is_no_function_is_refused_and_its_name_will_do(f):
    with pytest.raises(REFUSED, match=r"^target: "):
        worst_errors(f, ONE)
    assert worst_errors("abs", ONE) == worst_errors(ck.target("abs"), ONE)


@pytest.mark.parametrize("n", [0, -1, True, 1.0, "1", None, 10**6])
def test_no_number_of_inputs_is_refused(n):
    with pytest.raises(REFUSED, match=r"^n_inputs: expected a whole number from 1 to 21200"):
        ways_of_being_stuck(n, ONE, NO_BIASES)


@pytest.mark.parametrize(
    "flags", [[1], [0.5], None, "yes", True, [True, False], [[True]], [[True], True]]
)
@pytest.mark.parametrize("name", ["solved", "diverged"])
def test_flags_that_are_not_one_for_each_seed_are_refused(name, flags):
    given = {"solved": np.array([False]), "diverged": np.array([False]), name: flags}
    with pytest.raises(REFUSED, match=f"^{name}: "):
        name_outcomes("abs", ONE, NO_BIASES, **given)


def test_of_many_inputs_not_every_corner_is_looked_at():
    n = 40  # of which the cube has a million million corners
    total = "+".join(f"x{i + 1}" for i in range(n))
    assert worst_errors(total, [np.ones((1, 1, n))], [np.full((1, 1), 0.5)]) == pytest.approx(0.5)
