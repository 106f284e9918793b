from __future__ import annotations

import math
import re
import time
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import timed

import circuitkit as ck
from benchmarks.detection import UNIT_CIRCUITS, auc
from benchmarks.generators import (
    TEXTBOOK,
    near_miss,
    random_network,
    scramble,
    scramble_with_labels,
    textbook,
    variables,
)
from circuitkit import circuits
from circuitkit.detection import everywhere
from circuitkit.exact.canonical import canonical_form
from circuitkit.exact.spell import expression

SEEDS = st.integers(0, 2**32 - 1)
X1, X2 = variables(2)

POSITIVE, NEGATIVE = "positiveness detector", "negativeness detector"
GREATER = "greaterness detector"

#: the deck's printed weights: (hidden, output), function, exact worst error, features, scales
PRINTED = (
    (
        ([[-0.9192], [1.0035]], [[-1.0872, 0.9957]]),
        ("identity", 8.15e-4, [(NEGATIVE, "x"), (POSITIVE, "x")], [0.9192, 1.0035]),
    ),
    (
        ([[1.0627], [-1.0206]], [[-0.9403, 0.9790]]),
        ("negation", 8.33e-4, [(POSITIVE, "x"), (NEGATIVE, "x")], [1.0627, 1.0206]),
    ),
    (
        ([[1.0627], [-1.0206]], [[0.9403, 0.9790]]),
        ("abs", 8.33e-4, [(POSITIVE, "x"), (NEGATIVE, "x")], [1.0627, 1.0206]),
    ),
    (
        ([[0.8511, 0.8522], [-0.9304, -0.9291]], [[1.1742, -1.0755]]),
        ("add", 1.40e-3, [(POSITIVE, "x1 + x2"), (NEGATIVE, "x1 + x2")], [0.85165, 0.92975]),
    ),
    (
        ([[-0.8519, 0.8508], [0.9296, -0.9309]], [[-1.1746, 1.0750]]),
        ("subtract", 1.40e-3, [(GREATER, "-x1 + x2"), (GREATER, "x1 - x2")], [0.85135, 0.93025]),
    ),
)

#: circuit -> its name
KNOWN = {
    "identity": lambda: circuits.identity(4.0, -0.5),
    "negation": lambda: circuits.negation(0.25, -8.0),
    "abs": lambda: circuits.absolute(2.0, -2.0),
    "add": circuits.add,
    "subtract": lambda: circuits.subtract(0.5, -4.0),
    "min via x1": circuits.minimum,
    "min via x2": lambda: circuits.minimum(via=2),
    "min by average": circuits.minimum_by_average,
    "min in two layers": circuits.minimum_two_layers,
    "max via x1": circuits.maximum,
    "max via x2": lambda: circuits.maximum(via=2),
    "min4": circuits.minimum_four,
}


def shuffled(net, seed):
    """The same network with its hidden units in another order and of other scales."""
    rng = np.random.default_rng(seed)
    return scramble(rng, net, units=0)


@pytest.mark.parametrize(("weights", "expected"), PRINTED, ids=lambda v: str(v[0])[:12])
def test_the_decks_printed_weights_are_read(weights, expected):
    function, error, features, scales = expected
    found = ck.detect(ck.Network(weights))
    assert found.function == found.circuit == function
    assert found.proof and found.proof.error == pytest.approx(error, rel=5e-3)
    assert [(u.feature, str(u.of)) for u in found.units] == features
    assert [u.scale for u in found.units] == pytest.approx(scales, abs=1e-9)
    assert [(u.layer, u.index) for u in found.units] == [(0, 0), (0, 1)]
    assert ck.detect(ck.Network(weights), tolerance=error / 2).function is None


@pytest.mark.parametrize("name", KNOWN)
def test_known_circuits_are_recognized_up_to_order_and_scale(name):
    found = ck.detect(shuffled(KNOWN[name](), 3), tolerance=0)
    assert found.circuit == name
    assert found.function == name.split(" ")[0]
    assert found.proof.exact_error == 0
    assert all(unit.in_circuit and unit.error == 0 for unit in found.units)


def test_min4_is_read_as_minima_of_minima():
    found = ck.detect(ck.circuit("min4"))
    names = [(u.layer, str(u)) for u in found.units]
    assert names[2] == (0, "greaterness detector of x1 - x2")
    assert names[6:] == [
        (1, "positiveness detector of min(x1, x2)"),
        (1, "negativeness detector of min(x1, x2)"),
        (1, "greaterness detector of min(x1, x2) - min(x3, x4)"),
    ]
    assert [str(e) for e in found.inner[1]] == ["Min(x1, x2)", "Min(x3, x4)"]


def test_min4_with_its_inputs_in_another_order_is_the_same_circuit():
    net = ck.circuit("min4")
    swapped = ck.Network([net.weights[0][:, [2, 0, 3, 1]], *net.weights[1:]])
    assert ck.detect(swapped).circuit == "min4"


@pytest.mark.parametrize("name", ["relu", "clamp", "distance", "abs of min", "median3", "max4"])
def test_functions_that_are_not_basic_are_still_spelled_out(name):
    found = ck.detect(textbook(name))
    assert found.basic is None and found.circuit is None
    assert (found.function is None) == (name == "abs of min")
    assert found.expression_proof and found.error == 0
    form = canonical_form(textbook(name))
    assert found.expression == expression(form, variables(form.n_inputs))
    assert repr(found).startswith(
        "This network computes none of the eight basic functions within 0.01, relative to"
    )


@pytest.mark.parametrize(
    "name",
    [
        "positive_part", "hard_tanh", "tent", "median_of_three", "range_of_three", "max_of_five", "sort_three",
        "half_adder", "third", "soft_threshold", "clamp_between",
    ],
)  # fmt: skip
def test_any_function_of_the_catalogue_is_named(name):
    net = ck.circuit(name)
    found = ck.detect(net, tolerance=0)
    assert (found.basic, found.function, found.circuit) == (None, name, None)
    off = ck.Network([*net.weights[:-1], net.weights[-1] * 1.001], net.biases, scale=net.scale)
    assert ck.detect(off, tolerance=Fraction(1, 10**9)).function is None
    if not net.has_biases:
        assert ck.detect(off, tolerance=0.05).function == name


def test_on_a_domain_the_function_is_what_it_is_there():
    distance = ck.circuit("abs_difference")
    found = ck.detect(distance, domain=[(-1, 1), (-1, 1)], tolerance=0)
    assert (found.basic, found.function) == (None, "abs_difference")
    assert ck.detect(distance, domain=[(2, 4), (-1, 1)], tolerance=0).function == "subtract"
    assert ck.detect(distance, domain=[(-1, 1), (2, 4)], tolerance=0).function is None  # x2 - x1


def test_no_name_is_given_when_there_is_no_time_to_prove_it(monkeypatch):
    found = ck.detect(ck.circuit("median_of_three"), tolerance=0)
    monkeypatch.setattr(everywhere.Judge, "__call__", lambda *_: None)
    assert found.function is None
    assert found.proof is found.basic_proof


@settings(max_examples=25)
@given(SEEDS, st.sampled_from(sorted(TEXTBOOK)))
def test_a_scrambled_network_is_read_as_its_textbook_form(seed, name):
    net = textbook(name)
    found = ck.detect(scramble(np.random.default_rng(seed), net, units=60), tolerance=0)
    plain = ck.detect(net, tolerance=0)
    assert found.expression == plain.expression
    assert found.function == plain.function
    assert found.error == 0


@pytest.mark.no_cover  # tracing takes time of its own
@pytest.mark.parametrize(
    ("name", "units"), [("min4", 121), ("min8", 60), ("min8", 300), ("sort5", 400)]
)
def test_a_circuit_hidden_in_many_units_is_proved_in_seconds(name, units):
    expression = ck.detect(textbook(name), tolerance=0).expression
    hidden = scramble(np.random.default_rng(0), textbook(name), units=units)
    seconds, proof = timed(lambda: ck.prove(hidden, expression, time_limit=600), below=10)
    assert proof.exact_error == 0
    assert seconds < 10


@settings(max_examples=25)
@given(SEEDS, st.sampled_from(["identity", "abs", "add", "subtract", "min", "max"]))
def test_no_near_miss_gets_a_name_that_it_does_not_deserve(seed, name):
    rng = np.random.default_rng(seed)
    net = ck.circuit(name)
    weights = [w.copy() for w in net.weights]
    layer = int(rng.integers(2))
    i, j = rng.integers(weights[layer].shape[0]), rng.integers(weights[layer].shape[1])
    weights[layer][i, j] += rng.choice([-1, 1]) * 10.0 ** rng.integers(-9, 0)
    miss = ck.Network(weights)
    error = ck.prove(miss, name).exact_error
    assert error > 0
    assert ck.detect(miss, tolerance=0).function is None
    assert ck.detect(miss, tolerance=error).function == name
    assert ck.detect(miss, tolerance=error * Fraction(999, 1000)).function is None


@settings(max_examples=4)
@given(SEEDS)
def test_every_named_unit_is_what_its_name_says(seed):
    rng = np.random.default_rng(seed)
    name = rng.choice(["min", "min4", "abs of min", "min in two layers"])
    plain = scramble(rng, textbook(name), units=14)
    net = ck.Network([w + 1e-3 * rng.normal(size=w.shape) for w in plain.weights])
    found = ck.detect(net)
    x = rng.normal(size=(500, net.n_inputs))
    size = np.maximum(1, np.abs(x).max(axis=1))
    for unit in found.units:
        activation = net.activations(x)[unit.layer][:, unit.index]
        if unit.of is None:
            continue
        of = ck.Target(unit.of, variables=variables(net.n_inputs))(x)[:, 0]
        sides = (
            [of, -of]
            if unit.feature == "duplicate"
            else ([-of] if unit.feature == NEGATIVE else [of])
        )
        misses = [np.abs(activation - unit.scale * np.maximum(s, 0)) / size for s in sides]
        assert min(m.max() for m in misses) <= unit.scale * unit.error + 1e-9
        assert unit.error <= 0.01


def test_dead_duplicate_and_always_on_units_are_named():
    net = ck.Network(
        [[[1], [-1], [2], [0]], [[1, 1, 0, 0], [-1, -2, 0, -1], [0, 1, -0.5, 0]], [[1, 1, 1]]]
    )
    found = ck.detect(net)
    features = [u.feature for u in found.units]
    assert features == [POSITIVE, NEGATIVE, "duplicate", "dead", "always on", "dead", NEGATIVE]
    assert found.units[2].scale == 2 and found.units[3].scale == 0
    assert str(found.units[4].of) == "Abs(x)"


@pytest.mark.parametrize(
    ("net", "domain", "told"),
    [
        (ck.Network([[[-1]], [[1]]]), [(-2, -1)], "-x"),
        (ck.Network([[[1]], [[1]]]), [(1, 2)], "x"),
        (ck.Network([[[-1]], [[1]]], [[5], [0]]), [(-1, 1)], "5 - x"),
        (ck.Network([[[-3]], [[1]]], [[5], [0]]), [(-1, 1)], "5 - 3*x"),
        (
            ck.Network([[[1], [-1]], [[-1, -1]], [[1]]], [[0, 0], [9], [0]]),
            [(-1, 1)],
            "9 - abs(x)",
        ),
        (ck.Network([[[-1, 0], [0, -1]], [[1, 1]], [[1]]]), [(-2, -1)] * 2, "-x1 - x2"),
        (ck.Network([[[-1]], [[2]], [[1]]]), None, "-min(0, x)"),
    ],
)
def test_a_unit_that_is_always_on_is_of_what_it_passes_on(net, domain, told):
    unit = ck.detect(net, domain=domain).units[-1]
    assert (str(unit), unit.error) == (f"always on of {told}", 0)
    low, high = np.array(domain if domain is not None else [(-3, 3)] * net.n_inputs).T
    x = np.random.default_rng(0).uniform(low, high, (50, net.n_inputs))
    of = ck.Target(unit.of, variables=variables(net.n_inputs))(x)[:, 0]
    np.testing.assert_allclose(unit.scale * of, net.activations(x)[unit.layer][:, -1], atol=1e-12)


def test_units_that_cancel_are_told_from_the_circuit():
    # min via x1 beside two pairs that cancel, one of them larger than the circuit
    rows = [
        [1, 0],
        [-1, 0],
        [1, -1],
        [1, 2],
        [2, 4],
        [3, 1],
        [-3, -1],
        [2, 1],
        [-2, -1],
        [5, 2],
        [-5, -2],
    ]
    outs = [[1, -1, -1, 8, -4, 4, -4, 4, -4, -4, 4]]
    net = ck.Network([rows, outs])
    found = ck.detect(net, tolerance=0)
    assert found.function == "min"
    needed = [u.in_circuit for u in found.units]
    assert needed == [True] * 3 + [False] * 8
    assert str(found.units[3]).endswith("(cancels out)")


def test_a_unit_that_nothing_reads_cancels_nothing_and_says_so():
    net = ck.Network([[[1], [-1], [2]], [[1, 1, 0], [0, 0, 1]], [[1, 0]]])
    units = ck.detect(net).units
    assert [u.is_read for u in units] == [True, True, False, True, False]
    assert str(units[2]) == "duplicate of x (nothing reads it)"
    assert str(units[4]) == "always on of max(0, x) (nothing reads it)"
    there = ck.detect(net, domain=[(-1, 1)])
    assert str(there.units[2]).endswith("(nothing reads it)") and not there.units[2].in_circuit


@settings(max_examples=12)
@given(SEEDS, st.sampled_from(UNIT_CIRCUITS), st.sampled_from([1.0, 4.0, 16.0]))
def test_units_of_the_circuit_are_told_from_louder_units_that_cancel(seed, name, amplitude):
    rng = np.random.default_rng(seed)
    plain = textbook(name)
    total = 2 * sum(plain.layer_sizes[1:-1]) + 6
    net, labels = scramble_with_labels(rng, plain, units=total, amplitude=amplitude, split=False)
    found = ck.detect(net, tolerance=0)
    needed = np.array([u.in_circuit for u in found.units], dtype=float)
    assert auc(needed, np.concatenate(labels)) >= 0.9


def test_hyperplanes_that_are_nearly_one_do_not_hide_what_cancels_on_each():
    net = ck.Network(
        [
            [
                [1.25, 1.75], [8, -6], [0.1875, 0.25], [-2, -2.75], [0.5, 0.5], [-1.25, -1.75],
                [-0.75, -1], [-0.25, -0.25], [4, 5.5], [0.25, -0.1875],
            ],
            [[
                -1.2509765625, -0.124267578125, -5.00390625, -1.2509765625, 2, 1.2509765625,
                1.2509765625, -4, 0.62548828125, 3.9765625,
            ]],
        ]
    )  # fmt: skip
    for tolerance in (0, 0.01):
        found = ck.detect(net, tolerance=tolerance)
        assert (found.function, found.circuit) == ("add", "add")
        assert [u.index for u in found.units if u.in_circuit] == [4, 7]


#: relu(x) and a spike so thin that a thousand samples miss it
SPIKES = [
    ck.Network([[[1]] * 4, [[1, 50, -100, 50]]], [[0, -0.3137, -0.3237, -0.3337], [0]]),
    ck.Network([[[1]] * 4, [[1, 1e4, -2e4, 1e4]]], [[0, -0.3137, -0.3138, -0.3139], [0]]),
    ck.Network(
        [[[1]] * 4, np.eye(4), [[1, 1e4, -2e4, 1e4]]],
        [[0, -0.3137, -0.3138, -0.3139], [0] * 4, [0]],
    ),
]


@pytest.mark.parametrize("net", SPIKES)
@pytest.mark.parametrize("domain", [None, [(-1, 1)], ([[1], [-1]], [10, 10])])
@pytest.mark.parametrize("tolerance", [0, 0.01])
def test_units_of_a_spike_between_the_samples_are_not_said_to_cancel(net, domain, tolerance):
    found = ck.detect(net, domain=domain, tolerance=tolerance)
    assert all(u.in_circuit for u in found.units)
    assert "cancels" not in " ".join(map(str, found.units))


@pytest.mark.parametrize("domain", [None, [(-2, 2)]])
def test_what_cancels_beside_a_spike_is_still_told(domain):
    net = ck.Network(
        [[[1], [1], [1], [1], [2], [4], [-1]], [[1, 1e4, -2e4, 1e4, 4, -2, 0]]],
        [[0, -0.3137, -0.3138, -0.3139, 1, 2, 3], [0]],
    )
    found = ck.detect(net, domain=domain, tolerance=0)
    assert [u.in_circuit for u in found.units] == [True] * 4 + [False] * 3


@settings(max_examples=8)
@given(SEEDS, st.sampled_from([0, 0.01]), st.sampled_from(UNIT_CIRCUITS))
def test_the_network_without_the_units_that_it_does_not_need_is_the_same(seed, tolerance, name):
    rng = np.random.default_rng(seed)
    plain = scramble(rng, textbook(name), units=10)
    noise = 1e-3 * bool(tolerance)
    net = ck.Network([w + noise * rng.normal(size=w.shape) for w in plain.weights], plain.biases)
    found = ck.detect(net, tolerance=tolerance)
    weights = [w.copy() for w in net.weights]
    for unit in found.units:
        if not unit.in_circuit:
            weights[unit.layer + 1][:, unit.index] = 0
    assert ck.prove(net, ck.Network(weights, net.biases), tolerance=tolerance)


def test_a_unit_that_is_on_far_out_only_is_not_taken_for_dead():
    net = ck.Network([[[1], [-1], [1], [0]], [[1, -1, 1, 1]]], [[0, 0, -1000, -1], [0]])
    assert [u.in_circuit for u in ck.detect(net).units] == [True, True, True, False]
    there = ck.detect(net, domain=[(-10, 10)])
    assert [u.in_circuit for u in there.units] == [True, True, False, False]
    assert [str(u) for u in there.units[2:]] == ["dead", "dead"]


def test_a_duplicate_that_has_no_name_is_proved_to_be_one():
    row = [0.123456789, 0.7654321, -0.3141592]
    near = [*row[:2], np.nextafter(row[2], 1)]
    net = ck.Network([[row, [2 * v for v in row], near], [[1, 1, 1]]])
    exactly = ck.detect(net, tolerance=0).units
    assert [u.feature for u in exactly] == ["other", "duplicate", "other"]
    assert [u.error for u in exactly] == [0, 0, 0]
    nearly = ck.detect(net, tolerance=1e-9).units
    assert [u.feature for u in nearly] == ["other", "duplicate", "duplicate"]
    assert 0 < nearly[2].error < 1e-15


def test_a_large_network_is_described_without_its_units():
    net = scramble(np.random.default_rng(0), ck.circuit("min"), units=200)
    found = ck.detect(net, tolerance=0)
    assert repr(found) == "This network computes min(x1, x2) exactly, for every input."
    assert "<table>" not in found._repr_html_()


def test_the_greaterness_detector_names_what_is_greater():
    net = ck.Network([[[-1.0, 1.0]], [[1]]])
    unit = ck.detect(net).units[0]
    assert str(unit) == "greaterness detector of x2 - x1"
    assert unit.of == X2 - X1 and unit.scale == 1


def test_noise_is_rounded_only_as_far_as_the_certified_error_allows():
    net = ck.Network([[[1.001, 0], [-1, 0], [1, -1]], [[1, -1, -1]]])
    coarse, fine = ck.detect(net), ck.detect(net, tolerance=1e-6)
    assert coarse.expression == sympy.Min(X1, X2)
    assert coarse.error == pytest.approx(1e-3, rel=1e-3)
    assert fine.function is None
    assert fine.expression != sympy.Min(X1, X2) or not fine.expression_proof


def test_a_stuck_network_is_told_what_it_lacks():
    half = ck.Network([[[1.0], [0.5]], [[0.5, 1.0]]])
    found = ck.detect(half)
    assert (found.basic, found.function) == (None, "positive_part")
    assert str(found.expression) == "Max(0, x)"
    assert not found.basic_proof and found.basic_proof.error == 1
    assert found.proof and found.proof.exact_error == 0
    assert [u.feature for u in found.units] == [POSITIVE, "duplicate"]


def test_a_network_without_a_hidden_layer_or_with_several_outputs_is_read():
    linear = ck.detect(ck.Network([[[1.0, 1.0]]]))
    assert linear.function == "add" and linear.units == [] and linear.circuit is None
    both = ck.detect(textbook("sort3"))
    assert (both.basic, both.function) == (None, "sort_three") and both.error == 0
    assert str(both.expression[0]) == "Min(x1, x2, x3)"


def test_the_html_is_a_table_of_units():
    page = ck.detect(ck.circuit("subtract"))._repr_html_()
    assert "<td>greaterness detector of x1 - x2</td>" in page
    assert page.startswith('<p class="ck-result"><strong>This network computes x1 - x2 exactly')


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"net": [[1]]}, TypeError, "net: expected a Network, got list"),
        ({"tolerance": -1}, ValueError, "tolerance: expected a number, 0 or above, got -1"),
        ({"tolerance": math.nan}, ValueError, "tolerance: expected a number, 0 or above, got nan"),
        ({"time_limit": 0}, ValueError, "time_limit: expected a number of seconds above 0, got 0"),
    ],
)
def test_errors_name_the_argument(arguments, error, message):
    with pytest.raises(error, match=message):
        ck.detect(**{"net": ck.circuit("min"), **arguments})


@pytest.mark.parametrize("seed", range(40))
def test_what_the_benchmark_calls_a_near_miss_does_miss(seed):
    kind, name, net = near_miss(np.random.default_rng(seed), seed)
    for engine in ("regions", "z3"):
        assert not ck.prove(net, name, engine=engine), kind


@pytest.mark.parametrize(
    "net",
    [
        ck.Network([[[1e308], [-1e308]], [[1, -1]]]),
        ck.Network([[[1e308], [-1e308]], [[1e308, -1e308]]]),
    ],
)
def test_weights_at_the_end_of_the_doubles_are_read_without_a_crash(net):
    found = ck.detect(net, time_limit=5)
    assert found.function is None and repr(found)


def test_a_tolerance_beyond_the_doubles_is_a_number_like_others():
    assert ck.detect(ck.circuit("min"), tolerance=Fraction(10**400)).function == "min"
    with pytest.raises(ValueError, match="tolerance: expected a number, 0 or above, got inf"):
        ck.detect(ck.circuit("min"), tolerance=math.inf)


@pytest.mark.no_cover  # tracing takes time of its own
def test_detect_gives_the_first_simplification_no_more_time_than_there_is():
    net = random_network(np.random.default_rng(0), [64, 32, 10], bias=True, weights="normal")
    seconds, _ = timed(lambda: ck.detect(net, time_limit=3), below=3.6)
    assert seconds < 3.6


@pytest.mark.parametrize("layers", [2, 3, 45])
@pytest.mark.parametrize("weight", [1e308, 5e-324])
def test_a_network_beyond_the_doubles_is_read_and_shown(weight, layers):
    found = ck.detect(ck.Network([[[weight]]] * layers), tolerance=0)
    assert len(repr(found).splitlines()[0]) < 400
    assert repr(ck.detect(found.network))


@pytest.mark.parametrize(
    "tolerance", [np.float32(0.01), np.int64(1), sympy.Rational(1, 100), Fraction(1, 100)]
)
def test_detecting_takes_the_tolerances_that_proving_takes(tolerance):
    net = ck.circuit("identity")
    assert ck.prove(net, "identity", tolerance=tolerance)
    assert ck.detect(net, tolerance=tolerance).function == "identity"


def test_more_time_than_a_float_can_say_is_no_limit():
    net = ck.circuit("identity")
    assert ck.prove(net, "identity", time_limit=10**400)
    assert ck.detect(net, time_limit=10**400).function == "identity"


@pytest.mark.parametrize("slope", [22 / 7, np.pi, 1 / 9, 0.2345])
def test_no_expression_is_called_the_nearest_which_is_not(slope):
    said = ck.detect(ck.Network([[[slope]]]), tolerance=1e-9).verdict
    assert "nearest" not in said
    assert "; roughly it is " in said or "; it computes " in said


def test_what_is_not_zero_is_not_said_to_be():
    tiny = ck.Network([[[1e-300], [-1e-300]], [[1e-300, -1e-300]]])
    said = ck.detect(tiny).verdict
    assert "it computes 0 within 1.01e-600 for every input, in the same measure" in said


@pytest.mark.parametrize("bias", [0.015625, 1e-3, 0.0081512])
def test_a_network_is_within_what_it_is_said_to_be(bias):
    found = ck.detect(ck.Network([[[1.0]]], [[bias]]), tolerance=0.1)
    within = re.search(r"within (\S+) for every", found.verdict)[1]
    assert found.proof.exact_error <= Fraction(within) < found.proof.exact_error * Fraction("1.02")


def test_an_error_above_the_tolerance_reads_so():
    found = ck.detect(ck.Network([[[1.0]]], [[0.0100001]]))
    assert "within 0.01, relative" in found.verdict
    if not found.expression_proof:
        assert "worst error of 0.0100001," in found.verdict


@pytest.mark.no_cover  # tracing takes time of its own
@pytest.mark.parametrize("sizes", [(2, 40, 40, 1), (3, 64, 32, 2), (1, 200, 1)])
def test_all_that_is_read_of_a_network_shares_one_time_limit(sizes):
    repr(ck.detect(ck.circuit("min")))  # imports are not part of it
    spent = []
    for seed in range(3):
        net = random_network(np.random.default_rng(seed), sizes, bias=True, weights="normal")
        started = time.process_time()
        found = ck.detect(net, time_limit=1.5)
        found.verdict, repr(found), found.units, found.circuit, found.inner, found._repr_html_()
        spent.append(time.process_time() - started)
        if spent[-1] < 2.5:
            break
    assert min(spent) < 2.5
    assert len(found.units) == sum(sizes[1:-1])
    late = [unit for unit in found.units if not unit.in_time]
    assert all(unit.feature == "other" and unit.of is None for unit in late)
    assert all(str(unit).startswith("other (not read in time)") for unit in late)


def test_what_there_is_no_time_for_is_not_named():
    net = random_network(np.random.default_rng(0), [2, 40, 40, 1], bias=True, weights="normal")
    found = ck.detect(net, time_limit=1e-6)
    assert found.function is None and found.circuit is None and found.inner == {1: []}
    assert not any(unit.in_time for unit in found.units)
    assert found.expression_proof is None and found.error == math.inf
    assert "nearest" not in found.verdict
    assert found.verdict.endswith("not settled in time.") or found.verdict.endswith(
        "found for it in time."
    )
    small = ck.detect(ck.circuit("min"), time_limit=1e-6)
    assert "other (not read in time)" in repr(small)
