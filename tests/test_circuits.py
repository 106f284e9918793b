"""The hand-derived circuits against their functions, and building larger ones from them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from cases import CIRCUITS
from hypothesis import given
from hypothesis import strategies as st

from circuitkit import Network, circuit, circuits, compose, parallel, target
from circuitkit.functions.language import CATALOGUE


def grid(n: int) -> np.ndarray:
    side = range(-9, 10) if n <= 2 else range(-3, 4)
    return np.array(list(itertools.product(side, repeat=n)), dtype=float)


@pytest.mark.parametrize("case", CIRCUITS, ids=str)
def test_every_circuit_equals_its_function_to_the_last_bit_on_small_integers(case):
    net, f = case.make(), target(case.target)
    x = grid(f.n_inputs)
    assert net.layer_sizes == case.layer_sizes
    np.testing.assert_array_equal(net(x), f(x))
    assert not net.has_biases


@pytest.mark.parametrize("case", CIRCUITS, ids=str)
def test_every_circuit_gives_the_values_worked_out_by_hand(case):
    net = case.make()
    for x, y in case.values:
        assert net(x) == y


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_catalogue_name_has_its_circuit(name):
    net, f = circuit(name), target(name)
    np.testing.assert_array_equal(net(grid(f.n_inputs)), f(grid(f.n_inputs)))


@pytest.mark.parametrize("name", ["identity", "negation", "abs", "add", "subtract"])
def test_the_catalogue_circuits_have_the_weights_of_the_deck(name):
    values = {abs(v) for w in circuit(name).weights for v in w.ravel()}
    assert values == {1.0}


@given(st.integers(-30, 30), st.integers(-30, 30))
def test_any_power_of_two_is_an_exact_free_parameter(i, j):
    w1, w2 = 2.0**i, -(2.0**j)
    x = grid(1)
    for make, name in [
        (circuits.identity, "identity"),
        (circuits.negation, "negation"),
        (circuits.absolute, "abs"),
    ]:
        np.testing.assert_array_equal(make(w1, w2)(x), target(name)(x))


@given(st.floats(1e-3, 1e3), st.floats(-1e3, -1e-3))
def test_any_weights_of_the_right_sign_solve_sum_and_difference(w1, w2):
    x = grid(2)
    np.testing.assert_allclose(circuits.add(w1, w2)(x), target("add")(x), atol=1e-13)
    np.testing.assert_allclose(circuits.subtract(w1, w2)(x), target("subtract")(x), atol=1e-13)


@pytest.mark.parametrize(
    "make", [circuits.identity, circuits.negation, circuits.absolute, circuits.add]
)
@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, np.nan, 5e-324])
def test_a_positiveness_detector_needs_a_weight_above_zero(make, bad):
    with pytest.raises(ValueError, match="w1: expected a weight above 0"):
        make(w1=bad)
    with pytest.raises(ValueError, match="w2: expected a weight below 0"):
        make(w2=-bad)


def test_minimum_is_reconstructed_via_one_of_two_inputs():
    with pytest.raises(ValueError, match="via: expected 1 or 2"):
        circuits.minimum(via=3)
    assert circuits.minimum(via=1) != circuits.minimum(via=2)


def test_the_minimum_circuits_have_the_weight_norms_the_book_states():
    def norm(net: Network) -> float:
        first, last = net.weights
        return float((np.linalg.norm(first, axis=1) * np.abs(last[0])).sum())

    assert norm(circuits.minimum()) == pytest.approx(2 + 2**0.5)
    assert norm(circuits.minimum_by_average()) == pytest.approx(2 * 2**0.5)


def test_unknown_circuits_list_close_matches():
    with pytest.raises(ValueError, match="no circuit called 'zzz'; known circuits: identity"):
        circuit("zzz")
    with pytest.raises(ValueError, match="did you mean 'subtract'"):
        circuit("substract")
    with pytest.raises(TypeError, match="name: expected the name of a circuit, got int"):
        circuit(3)  # type: ignore[arg-type]


def random_network(rng: np.random.Generator, sizes: list[int], integers: bool) -> Network:
    pairs = list(itertools.pairwise(sizes))
    if integers:
        return Network(
            [rng.integers(-3, 4, (b, a)) for a, b in pairs],
            [rng.integers(-3, 4, b) for _, b in pairs],
        )
    return Network(
        [rng.normal(size=(b, a)) for a, b in pairs], [rng.normal(size=b) for _, b in pairs]
    )


@pytest.mark.parametrize("seed", range(20))
def test_compose_and_parallel_are_exact_on_integer_networks_of_any_depth(seed):
    rng = np.random.default_rng(seed)
    middle = int(rng.integers(1, 4))
    inner = random_network(rng, [2, *rng.integers(1, 4, rng.integers(0, 3)).tolist(), middle], True)
    outer = random_network(rng, [middle, *rng.integers(1, 4, rng.integers(0, 3)).tolist(), 2], True)
    x, y = rng.integers(-9, 10, (100, 2)), rng.integers(-9, 10, (100, middle))
    np.testing.assert_array_equal(compose(outer, inner)(x), outer(inner(x)))
    np.testing.assert_array_equal(
        parallel(inner, outer)(np.hstack([x, y])), np.hstack([inner(x), outer(y)])
    )


def test_compose_merges_the_layers_between_when_floats_can_hold_the_product():
    assert compose(
        circuits.minimum(), circuits.parallel(circuits.minimum(), circuits.minimum())
    ) == (circuits.minimum_four())
    assert compose(circuits.identity(), circuits.identity()).layer_sizes == (1, 2, 2, 1)


def test_compose_keeps_the_layers_apart_rather_than_round():
    tenth = Network([[[0.1]]])
    both = compose(tenth, tenth)
    assert both.layer_sizes == (1, 2, 1)  # 0.1 * 0.1 is no float
    x = grid(1)
    np.testing.assert_array_equal(both(x), tenth(tenth(x)))
    assert compose(Network([[[0.5]]]), Network([[[0.5]]])).layer_sizes == (1, 1)


@pytest.mark.parametrize("seed", range(10))
def test_compose_of_float_networks_is_no_less_exact_than_one_after_the_other(seed):
    rng = np.random.default_rng(seed)
    inner, outer = random_network(rng, [2, 3, 2], False), random_network(rng, [2, 3, 1], False)
    x = rng.normal(size=(50, 2))
    np.testing.assert_allclose(compose(outer, inner)(x), outer(inner(x)), rtol=0, atol=1e-13)


def test_compose_refuses_widths_that_do_not_meet():
    with pytest.raises(
        ValueError, match="inner: expected 2 outputs, one for each input of outer, got 1"
    ):
        compose(circuits.minimum(), circuits.absolute())
    with pytest.raises(TypeError, match="outer: expected a Network, got str"):
        compose("min", circuits.absolute())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="b: expected a Network, got NoneType"):
        parallel(circuits.absolute(), None)  # type: ignore[arg-type]


def test_compose_of_overflowing_products_keeps_the_layers_apart():
    huge = Network([[[1e200]]])
    assert compose(huge, huge).layer_sizes == (1, 2, 1)
