from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitkit as ck
from benchmarks.generators import (
    TEXTBOOK,
    random_network,
    random_target,
    scramble,
    textbook,
    variables,
)
from circuitkit.exact.canonical import canonical_form
from circuitkit.exact.spell import expression
from circuitkit.proof.claim import values

SEEDS = st.integers(0, 2**32 - 1)

#: what the textbook networks are called in the book's own notation
WRITTEN = {
    "identity": "x",
    "abs": "Abs(x)",
    "add": "x1 + x2",
    "subtract": "x1 - x2",
    "min": "Min(x1, x2)",
    "min by average": "Min(x1, x2)",
    "min in two layers": "Min(x1, x2)",
    "relu": "Max(0, x)",
    "clamp": "Max(-1, Min(1, x))",
    "distance": "Abs(x1 - x2)",
    "abs of min": "Abs(Min(x1, x2))",
    "min of abs": "Min(Abs(x1), Abs(x2))",
    "max4": "Max(x1, x2, x3, x4)",
    "min8": "Min(x1, x2, x3, x4, x5, x6, x7, x8)",
    "median3": "Max(Min(x1, x2), Min(x1, x3), Min(x2, x3))",
}


def exact_values(net, x):
    return values(net, [Fraction(v) for v in x])


@pytest.mark.parametrize(("name", "text"), WRITTEN.items())
def test_textbook_networks_read_back_as_written_by_hand(name, text):
    form = canonical_form(textbook(name))
    assert str(expression(form, variables(form.n_inputs))) == text


@pytest.mark.parametrize("name", TEXTBOOK)
def test_every_reading_is_proved_equal_to_its_network(name):
    net = textbook(name)
    xs = variables(net.n_inputs)
    form = canonical_form(net)
    outputs = [expression(form, xs, output=k) for k in range(net.n_outputs)]
    for engine in ("regions", "z3"):
        assert ck.prove(net, ck.Target(outputs, variables=xs), engine=engine)


@settings(max_examples=60)
@given(SEEDS, st.sampled_from(sorted(TEXTBOOK)), st.integers(0, 150))
def test_a_scrambled_network_has_the_textbook_form(seed, name, units):
    net = scramble(np.random.default_rng(seed), textbook(name), units=units)
    assert canonical_form(net) == canonical_form(textbook(name))


@settings(max_examples=50)
@given(SEEDS)
def test_the_form_has_the_networks_values(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    sizes = [n, *(int(rng.integers(1, 6)) for _ in range(rng.integers(1, 4))), 2]
    kind = rng.choice(["small", "quarters", "normal"])
    net = random_network(rng, sizes, bias=bool(rng.integers(2)), weights=kind)
    form = canonical_form(net)
    for x in rng.integers(-9, 10, size=(5, n)).tolist():
        assert form(x) == exact_values(net, x)


@settings(max_examples=50)
@given(SEEDS)
def test_shallow_forms_are_equal_iff_the_functions_are(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 3))
    bias = bool(rng.integers(2))
    a = random_network(rng, [n, 3, 1], bias=bias)
    b = random_network(rng, [n, 3, 1], bias=bias)
    for other in (b, scramble(rng, a, units=12)):
        form = canonical_form(other)
        target = ck.Target(expression(form, variables(n)), variables=variables(n))
        assert bool(ck.prove(a, target)) == (canonical_form(a) == form)


@settings(max_examples=40)
@given(SEEDS)
def test_a_reading_is_the_function_itself(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 3))
    sizes = [n, *(int(rng.integers(1, 4)) for _ in range(rng.integers(1, 3))), 1]
    net = random_network(rng, sizes, bias=bool(rng.integers(2)))
    read = expression(canonical_form(net), variables(n))
    assert ck.prove(net, ck.Target(read, variables=variables(n)), engine="z3")


@settings(max_examples=30)
@given(SEEDS)
def test_simplifying_first_does_not_change_a_verdict_or_the_worst_error(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    net = random_network(rng, [n, 4, 3, 1], bias=bool(rng.integers(2)), weights="quarters")
    target = random_target(rng, n, bias=bool(rng.integers(2)))
    domain = [(-1, 2)] * n if rng.integers(2) else None
    plain = ck.prove(net, target, domain=domain)
    large = ck.prove(scramble(rng, net, units=40), target, domain=domain)
    assert large.exact_error == plain.exact_error
    assert large.n_regions <= plain.n_regions


def deep_integer_network(seed):
    """Few small whole numbers in many layers: rows that coincide, cancel or become constant abound."""
    rng = np.random.default_rng(seed)
    sizes = [int(rng.integers(1, 3)), *rng.integers(2, 6, size=rng.integers(2, 6)).tolist(), 1]
    return ck.Network(
        [rng.integers(-2, 3, size=(b, a)) for a, b in pairwise(sizes)],
        [rng.integers(-1, 2, size=b) for b in sizes[1:]],
    )


def test_rows_that_become_one_keep_what_they_are_multiplied_by():
    # once two nodes are the same, |x| + |x| + 2x is read: twice (|x| + x), and the 2 counts
    keep = np.eye(5)[:4].tolist()
    layers = [
        [[1], [-1], [1], [-1], [0]],
        [[1, 1, -1, -1, 0], *keep],
        [[1, 0, -2, 1, 1], [-1, 0, 2, -1, -1], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]],
    ]
    biases = [[0, 0, 1, -1, -1], [1, 0, 0, 0, 0], [-1, 1, 0, 0]]
    net = ck.Network(
        [*layers, [[1, 1, 3, -1], [0, 0, 1, 0], [0, 0, 0, 1]], [[4, -11, 1]]],
        [*biases, [0, 0, 0], [0]],
    )
    assert net(1.0) == 5
    assert canonical_form(net)([1]) == [5] and canonical_form(net)([-1]) == [1]
    assert not ck.prove(net, "abs") and ck.prove(net, "3*abs(x) + 2*x")
    assert ck.detect(net).function is None

    nothing = ck.Network([*layers, [[-1, -1, 1, 1]], [[1]]], [*biases, [0], [0]])
    for x in range(-3, 4):
        assert canonical_form(nothing)([x]) == exact_values(nothing, [x])


def test_a_row_that_becomes_constant_keeps_its_value():
    # a = |x1| + |x2| - |x1 + x2| >= 0, which the regions show: relu(relu(a) - a + 3) is 3
    halves = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]]
    a = [1, 1, 1, 1, -1, -1]
    net = ck.Network(
        [halves, [a, *np.eye(6).tolist()], [[1, *(-v for v in a)]], [[1]]], [None, None, [3], None]
    )
    form = canonical_form(net)
    assert form.n_kinks == 0 and form([5, -2]) == [3]


#: of the first 1,674 such networks those whose form was another function, or none, before one pass
#: kept every factor where it renames a column
ONCE_WRONG = (105, 205, 223, 728, 1028, 1187, 1199, 1440, 1520, 1525)


@pytest.mark.parametrize("seed", [*ONCE_WRONG, *range(100_000, 100_080)])
def test_the_form_of_a_deep_network_of_small_whole_numbers_has_its_values(seed):
    net = deep_integer_network(seed)
    form = canonical_form(net)
    rng = np.random.default_rng(seed)
    for x in rng.integers(-24, 25, size=(12, net.n_inputs)).tolist():
        x = [Fraction(v, 8) for v in x]
        assert form(x) == exact_values(net, x)
    assert canonical_form(scramble(rng, net, units=0)) == form


def test_products_that_floats_cannot_hold_stay_exact():
    weight = 2**27 + 1  # its square has 55 bits, a double 53
    net = ck.Network([[[weight]], [[weight]]])
    assert canonical_form(net)([1]) == [weight**2]


def test_activations_that_are_never_negative_lose_their_second_relu():
    net = ck.Network([[[1], [-1]], [[1, 2]], [[3]]])  # 3 relu(relu(x) + 2 relu(-x))
    form = canonical_form(net)
    assert form.n_kinks == 1
    assert form([-5]) == [30]


def test_signs_known_from_the_regions_remove_a_kink():
    # |x1| + |x2| - |x1 + x2| >= 0 is no sum of positive parts
    net = ck.Network(
        [[[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]], [[1, 1, 1, 1, -1, -1]], [[1]]]
    )
    assert canonical_form(net).n_kinks == 3


def test_what_is_known_about_a_form():
    form = canonical_form(ck.circuit("min4"))
    assert form.n_kinks == 3
    assert sorted(form.depths) == [1, 1, 2]
    assert form.is_homogeneous
    assert not canonical_form(textbook("clamp")).is_homogeneous
    assert hash(form) == hash(canonical_form(ck.circuit("min4")))


def test_a_long_way_round_is_still_read_as_a_sum():
    x1, x2 = variables(2)
    net = ck.Network([[[1, 0], [0, 1], [1, 1]], [[1, 1, 2]]])
    read = expression(canonical_form(net), (x1, x2))
    assert read == sympy.Max(0, x1) + sympy.Max(0, x2) + 2 * sympy.Max(0, x1 + x2)


def test_only_networks_are_simplified():
    with pytest.raises(TypeError, match="net: expected a Network, got list"):
        canonical_form([[1]])
