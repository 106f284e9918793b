"""The maximum of five and of six with two hidden layers: built from their formulas, proved, and read back."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction

import numpy as np
import pytest

import circuitkit as ck
from benchmarks import depth
from circuitkit import maxima
from circuitkit.proof.symmetric import prove_symmetric, sum_of_maxima

FIVE = "max(x1, x2, x3, x4, x5)"
SIX = "max(x1, x2, x3, x4, x5, x6)"


@pytest.fixture(scope="module")
def six():
    return ck.circuits.maximum_of_six()


@pytest.fixture(scope="module")
def proof_of_six(six):
    return prove_symmetric(six, SIX)


# --- formulas and networks ----------------------------------------------------------------------------


def exactly(terms, x):
    """The sum of the terms at whole numbers, from their definition and nothing else."""

    def side(pairs):
        return sum(max(x[i - 1], x[j - 1]) for i, j in pairs)

    return sum(term.coefficient * max(side(term.left), side(term.right)) for term in terms)


@pytest.mark.parametrize("terms", [maxima.five(), maxima.five_symmetric()], ids=["6", "13"])
def test_the_formulas_for_five_are_the_maximum_at_all_small_numbers(terms):
    for x in itertools.product(range(3), repeat=5):
        assert exactly(terms, x) == max(x)


def test_the_formula_for_six_is_the_maximum_at_numbers_of_every_order():
    terms = maxima.six()
    for x in np.random.default_rng(0).integers(-9, 9, size=(60, 6)).tolist():
        assert exactly(terms, x) == max(x)


@pytest.mark.parametrize(
    ("terms", "scale", "sizes"),
    [(maxima.five(), 1, (5, 10, 8, 1)), (maxima.five_symmetric(), Fraction(1, 12), (5, 15, 15, 1))],
)
def test_five_numbers_in_two_layers_are_proved_for_every_input(terms, scale, sizes):
    net = maxima.network(terms, 5)
    assert net.layer_sizes == sizes
    assert net.scale == scale
    proof = ck.prove(net, FIVE)
    assert proof.holds
    assert ck.check(json.loads(json.dumps(proof.certificate)), net, FIVE)


def test_the_circuit_of_five_is_that_of_the_formula_and_exact_in_doubles():
    net = ck.circuits.maximum_of_five()
    assert net == maxima.network(maxima.five(), 5)
    x = np.random.default_rng(1).integers(-1000, 1000, size=(500, 5))
    assert (net(x)[:, 0] == x.max(axis=1)).all()
    assert {abs(v) for w in net.weights for v in w.ravel()} == {0, 0.25, 0.5, 1, 2}


def test_the_tournament_has_fewer_units_and_one_layer_more():
    largest, pass_on = ck.circuits.maximum(), ck.circuits.identity()
    four = ck.compose(largest, ck.parallel(largest, largest))
    tree = ck.compose(largest, ck.parallel(four, pass_on))
    assert ck.prove(tree, FIVE)
    assert tree.layer_sizes == (5, 8, 5, 3, 1)


def test_a_term_whose_sides_are_the_same_costs_no_unit():
    half = Fraction(1, 2)
    alone = [maxima.Term(half, ((1, 2), (1, 2)), ((1, 2), (1, 2)))]
    net = maxima.network(alone, 2)
    assert net.layer_sizes[2] == 2  # the two that carry it on
    assert ck.prove(net, "max")


# --- read back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("terms", [maxima.five(), maxima.five_symmetric()], ids=["6", "13"])
def test_the_terms_are_read_back_from_the_weights(terms):
    form = sum_of_maxima(maxima.network(terms, 5))
    assert len(form.maxima) == len(terms)
    for x in np.random.default_rng(2).integers(-9, 9, size=(20, 5)).tolist():
        assert form(x) == max(x)


def test_of_three_hidden_layers_or_with_biases_there_is_no_such_form():
    deep = ck.compose(ck.circuits.absolute(), ck.circuits.minimum_four())
    with pytest.raises(ValueError, match="net: expected at most two hidden layers, got 3"):
        sum_of_maxima(deep)
    with pytest.raises(ValueError, match="net: expected a network without biases"):
        sum_of_maxima(ck.Network([[[1]], [[1]]], [[1], [0]]))
    with pytest.raises(ValueError, match="net: expected a network with one output"):
        sum_of_maxima(ck.Network([[[1], [2]]]))


# --- by symmetry --------------------------------------------------------------------------------------


def test_six_numbers_in_two_layers_are_proved_by_symmetry(proof_of_six):
    assert proof_of_six.holds
    assert proof_of_six.check()
    assert str(proof_of_six).endswith(
        "in 15 orders of the inputs, which by symmetry stand for all 720."
    )


def test_six_numbers_take_sixty_six_terms(six):
    assert six.layer_sizes == (6, 18, 68, 1)
    assert six.scale == Fraction(1, 12)
    x = np.random.default_rng(3).integers(-1000, 1000, size=(500, 6))
    assert np.allclose(six(x)[:, 0], x.max(axis=1), rtol=0, atol=1e-9)


def test_what_is_symmetric_has_one_order_left_and_what_is_not_has_all():
    assert len(prove_symmetric(ck.circuits.maximum(), "max").orders) == 1
    lopsided = ck.compose(
        ck.circuits.maximum(), ck.parallel(ck.circuits.maximum(), ck.circuits.identity())
    )
    proof = prove_symmetric(lopsided, "max(x1, x2, x3)")
    assert proof.check()
    form = sum_of_maxima(lopsided)
    assert len(proof.orders) == 6 / len(form.renamings)


def test_a_network_that_is_something_else_is_refuted_where_it_is():
    proof = prove_symmetric(ck.circuits.maximum(), "max(x1, x2) + max(2*x1 + x2, x1 + 2*x2)")
    assert not proof
    x = proof.counterexample
    assert ck.circuits.maximum()(x)[0] != proof.target(x)[0]
    assert not proof.check()
    only_in_one_order = ck.Network([[[1, 0], [-1, 0], [-1, 1]], [[1, -1, 2]]])
    proof = prove_symmetric(only_in_one_order, "max(x1, x2)")
    assert not proof
    x = proof.counterexample
    assert x[1] > x[0]


def test_a_target_that_minds_the_order_is_refused():
    with pytest.raises(ValueError, match="target: expected an expression that is the same"):
        prove_symmetric(ck.circuits.maximum(), "max(x1, x2) + x1")
    with pytest.raises(ValueError, match="target: expected a function of 2 inputs"):
        prove_symmetric(ck.circuits.maximum(), "max(x1, x2, x3)")


def test_a_proof_of_another_network_is_not_passed_off(proof_of_six):
    proof = proof_of_six
    other = ck.Network(proof.network.weights, scale=Fraction(1, 36))
    assert not type(proof)(other, proof.target, proof.orders, proof.proofs).check()
    fewer = type(proof)(proof.network, proof.target, proof.orders[1:], proof.proofs[1:])
    assert not fewer.check()


# --- the search for fewer terms -----------------------------------------------------------------------


def test_the_search_finds_the_fewest_terms_of_a_symmetry_and_the_primes_that_they_need():
    terms = depth.family(5)
    four = depth.search("S4", 5, terms, 60)
    assert four["optimal"]
    assert (four["best"]["terms"], four["primes that every solution needs"]) == (13, [3])
    square = depth.search("D4", 5, terms, 60)
    assert (square["best"]["terms"], square["primes that every solution needs"]) == (7, [])


@pytest.mark.parametrize(
    ("a", "b", "without"),
    [([[3]], [6], True), ([[3]], [1], False), ([[3, 2]], [1], True), ([[3, 6]], [2], False)],
)
def test_a_prime_is_needed_where_no_solution_does_without_it(a, b, without):
    assert depth.solvable_without(3, np.array(a), np.array(b)) is without


def test_the_formulas_of_the_package_are_as_short_as_the_search_found():
    told = json.loads(depth.RESULTS.read_text("utf-8"))["searches"]
    shortest = {n: min(s["best"]["terms"] for s in told if s["inputs"] == n) for n in (5, 6)}
    assert shortest == {5: len(maxima.five()), 6: len(maxima.six())}


def test_orders_of_more_inputs_than_can_be_gone_through_are_refused() -> None:
    """Of 12 inputs there are 479,001,600, and they filled the memory."""
    net = ck.Network([[[1.0] * 12], [[1.0]]])
    with pytest.raises(ValueError, match="net: expected at most 8 inputs"):
        sum_of_maxima(net)
    every = ", ".join(f"x{i}" for i in range(1, 13))
    with pytest.raises(ValueError, match="net: expected at most 8 inputs"):
        prove_symmetric(net, f"max({every})")


# --- what is refused ----------------------------------------------------------------------------------

PAIR = ((1, 2), (1, 2))
REFUSED = (TypeError, ValueError)


@pytest.mark.parametrize(
    ("n", "said"),
    [
        *[(n, f"5 inputs or more, since x5 is read, got {n}$") for n in (1, 4)],
        *[(n, "a whole number from 1 to 1000, got ") for n in (0, True, 5.0, "5", None, 10**400)],
    ],
)
def test_a_network_of_fewer_inputs_than_are_read_or_of_no_number_is_refused(n, said):
    with pytest.raises(REFUSED, match=f"^n: expected {said}"):
        maxima.network(maxima.five(), n)
    with pytest.raises(REFUSED, match=f"^n: expected {said}"):
        maxima.five()[0].slopes(n) if n != 4 else maxima.five()[1].slopes(n)


@pytest.mark.parametrize("coefficient", maxima._COEFFICIENT.wrong)
def test_a_coefficient_that_is_no_fraction_is_refused(coefficient):
    with pytest.raises(TypeError, match="^coefficient: expected a Fraction or an int, got "):
        maxima.Term(coefficient, PAIR, PAIR)
    assert maxima.Term(2, PAIR, PAIR).coefficient == Fraction(2)


@pytest.mark.parametrize("side", maxima._SIDE.wrong)
def test_a_side_that_is_not_two_pairs_of_inputs_is_refused(side):
    with pytest.raises(REFUSED, match="^left: expected "):
        maxima.Term(1, side, PAIR)
    with pytest.raises(REFUSED, match="^right: expected "):
        maxima.Term(1, PAIR, side)


def test_lists_will_do_for_pairs():
    assert maxima.Term(1, [[1, 2], [1, 2]], PAIR) == maxima.Term(1, PAIR, PAIR)


@pytest.mark.parametrize("terms", [[], "ab", 3, None, [1], [None], {"a": 1}])
def test_what_is_no_list_of_terms_is_refused(terms):
    with pytest.raises(REFUSED, match=r"^terms(\[0\])?: expected "):
        maxima.network(terms, 5)


@pytest.mark.parametrize(
    "coefficient", [2**60 + 1, 10**400, Fraction(1, 10**400), Fraction(1, 3**800)]
)
@pytest.mark.parametrize("right", [PAIR, ((3, 3), (3, 3))])
def test_a_coefficient_that_doubles_would_round_is_refused(coefficient, right):
    with pytest.raises(ValueError, match="^terms: expected coefficients of which doubles"):
        maxima.network([maxima.Term(coefficient, PAIR, right)], 3)
