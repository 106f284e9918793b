"""Reading a network where it was trained: names that hold on a domain, and where they stop to."""

from __future__ import annotations

import itertools
import math
import re
import time
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from timing import timed

import circuitkit as ck
from circuitkit.detection.covering import covers, local_pieces
from circuitkit.detection.shape import Shape, simplest

X = sympy.Symbol("x", real=True)
X1, X2, X3 = sympy.symbols("x1 x2 x3", real=True)
SQUARE = [(0, 1), (0, 1)]
HALF = sympy.Rational(1, 2)

#: |x1 - x2| as scikit-learn trained it on [0, 1]^2 (eight units, lbfgs), six digits of each weight kept
TRAINED = ck.Network(
    [
        [
            [0.283928, -0.237289], [-0.742448, -0.637741], [0.388738, 0.432742], [0.0523612, 1.00807],
            [0.881522, -0.716803], [-0.426343, 0.0188882], [-1.31976, 1.31969], [0.43072, 0.206206],
        ],
        [[1.42848, -0.107755, -0.385324, -0.30019, 0.487898, 0.164996, 1.51555, 0.76611]],
    ],
    [
        [0.600729, -0.322424, 0.931854, 0.76597, 0.685927, -0.554348, 6.83043e-05, 0.336739],
        [-0.861849],
    ],
)  # fmt: skip


def certified(found):
    """Each reading's certificate is accepted again by the checker, for the error that is said."""
    for reading in found.readings:
        proof = reading.proof
        assert proof.holds and proof.measure == "absolute"
        assert ck.check(proof.certificate, found.network, proof.target)
        assert Fraction(proof.certificate["tolerance"]) <= max(
            proof.exact_error or 0, proof.tolerance
        )
    if found.function is not None:
        assert ck.check(found.proof.certificate, found.network, found.function)
    return found


def there(net, domain, **options):
    return certified(ck.detect(net, domain=domain, **options))


def planted(row, kinks, domain, rng, noise=0.0):
    """The affine row plus each sign * |kink| on a box: units that are always on or off, and loud pairs.

    Weights are eighths, so that all of it is exact unless there is noise.
    """
    reach = 4 * max(max(map(abs, pair)) for pair in domain) * len(domain) + 16
    hidden, out = [], []

    def unit(weights, factor):
        hidden.append(weights)
        out.append(factor)

    unit([*row[:-1], row[-1] + reach], 1.0)  # on throughout the box: the affine part, lifted
    for sign, kink in kinks:
        unit(list(kink), 2.0 * sign)  # |t| = 2 relu(t) - t
        unit([*(-v for v in kink[:-1]), reach - kink[-1]], 1.0 * sign)
    lifted = reach * (1 + sum(sign for sign, _ in kinks))
    for _ in range(2):
        loud = [*(rng.integers(-8, 9, size=len(domain)) / 8).tolist(), 0.0]
        unit([*loud[:-1], reach], 1.5)
        unit([*loud[:-1], reach], -1.5)
        unit([*loud[:-1], -reach], 3.0)  # off throughout the box
    order = rng.permutation(len(hidden))
    table = np.array(hidden)[order]
    table = table * (1 + noise * rng.uniform(-1, 1, size=table.shape))
    return ck.Network([table[:, :-1], np.array([out])[:, order]], [table[:, -1], [-lifted]])


def spelled(row, kinks):
    symbols = [X] if len(row) == 2 else [X1, X2]
    one = [*symbols, sympy.Integer(1)]

    def affine(numbers):
        return sympy.Add(*(sympy.Rational(v) * s for v, s in zip(numbers, one, strict=True)))

    return affine(row) + sum(sign * sympy.Abs(affine(kink)) for sign, kink in kinks)


EIGHTHS = st.integers(-16, 16).map(lambda k: k / 8)


@st.composite
def plans(draw):
    """An affine row, one or two kinks that meet the box, and the box."""
    n = draw(st.integers(1, 2))
    low = draw(st.lists(st.integers(-8, 4), min_size=n, max_size=n))
    domain = [(v / 4, v / 4 + draw(st.integers(4, 12)) / 4) for v in low]
    row = [draw(EIGHTHS) for _ in range(n + 1)]
    kinks = []
    for _ in range(draw(st.integers(1, 2))):
        direction = [draw(st.integers(-2, 2)) for _ in range(n)]
        if not any(direction):
            direction[0] = 1
        inside = [a + (b - a) * draw(st.sampled_from([0.25, 0.5, 0.75])) for a, b in domain]
        offset = -sum(d * v for d, v in zip(direction, inside, strict=True))
        kinks.append((draw(st.sampled_from([1, -1])), [*map(float, direction), offset]))
    return row, kinks, domain


# --- names and expressions ------------------------------------------------------------------------


def test_what_is_nothing_for_every_input_is_a_distance_where_it_was_trained():
    assert ck.detect(TRAINED).expression != abs(X1 - X2)
    found = there(TRAINED, SQUARE, tolerance=0.02)
    assert found.expression == abs(X1 - X2)
    assert 0.01 < found.error < 0.0151 == pytest.approx(found.error, abs=1e-4)
    assert found.domain == ((0.0, 1.0), (0.0, 1.0))
    assert (found.basic, found.function) == (None, "abs_difference")
    assert "On [0, 1]^2 this network computes abs(x1 - x2) within 0.0151." in repr(found)


def test_the_name_ends_just_outside_of_the_largest_box_on_which_it_is_proved():
    found = there(TRAINED, SQUARE, tolerance=0.02)
    (low, high), other = found.valid_box
    assert low <= 0 and 1 <= high < 1.2 and other == (low, high)
    assert ck.prove(
        TRAINED, abs(X1 - X2), tolerance=0.02, domain=found.valid_box, measure="absolute"
    )
    off = abs(TRAINED(found.outside)[0] - abs(found.outside[0] - found.outside[1]))
    assert off > 0.02
    assert (np.abs(found.outside - 0.5).max() - 0.5) < 1.02 * (high - 0.5) - 0.5 + 0.02
    assert re.search(
        r"no longer at \(.+\), where it is off by 0\.02|Outside that is not so: at", found.verdict
    )


def test_a_simpler_reading_a_little_further_off_is_told_with_its_error():
    found = there(TRAINED, SQUARE)
    assert found.error <= 0.01
    shortest = found.readings[0]
    assert shortest.expression == abs(X1 - X2) and shortest.error == pytest.approx(0.0151, abs=1e-4)
    assert "more simply abs(x1 - x2) within 0.0151" in found.verdict
    lengths, errors = zip(*((r.length, r.error) for r in found.readings), strict=True)
    assert sorted(lengths) == list(lengths) and sorted(errors, reverse=True) == list(errors)


def test_without_a_tolerance_it_is_chosen_from_the_network():
    found = there(TRAINED, SQUARE, tolerance=None)
    assert found.error <= found.tolerance < Fraction(1, 4)
    exact = there(ck.circuit("min"), SQUARE, tolerance=None)
    assert exact.function == "min" and exact.tolerance <= Fraction(1, 10**6)
    small = ck.Network([[[1.0], [-1.0]], [[0.002, 0.002]]])
    assert there(small, [(-1, 1)], tolerance=None).expression == abs(X) / 500
    assert ck.detect(ck.circuit("abs"), tolerance=None).tolerance == 0
    deck = ck.Network([[[-0.9192], [1.0035]], [[-1.0872, 0.9957]]])
    assert ck.detect(deck, tolerance=None).tolerance == Fraction("0.001")


@pytest.mark.parametrize("name", ["abs", "identity", "min", "subtract", "min4"])
def test_a_function_of_the_catalogue_is_named_with_its_circuit_on_a_box(name):
    net = ck.circuit(name)
    found = there(net, [(-1, 2)] * net.n_inputs)
    assert (found.function, found.error) == (name, 0)
    assert found.circuit == {"min": "min via x1"}.get(name, name)
    assert found.valid_box == ((-math.inf, math.inf),) * net.n_inputs
    assert "It equals" in found.verdict and found.verdict.endswith("for every input.")


def test_constants_are_decimals_or_fractions_and_not_the_shortest_that_will_do():
    net = planted([0, 0], [(1, [1.0, -0.37])], [(-1, 1)], np.random.default_rng(0), noise=1e-5)
    found = there(net, [(-1, 1)])
    assert found.expression == abs(X - sympy.Rational(37, 100))
    assert found.readings[0].expression == abs(X - sympy.Rational(3, 8))
    assert "abs(x - 0.37)" in found.verdict
    net = ck.Network([[[0.7, 0.0], [0.0, 1.3]], [[1, -1]]], [[1, 2], [0.15]])
    found = there(net, [(-1, 1)] * 2)
    assert found.expression == sympy.Rational(7, 10) * X1 - sympy.Rational(
        13, 10
    ) * X2 - sympy.Rational(17, 20)
    assert "7*x1/10 - 13*x2/10 - 0.85" in found.verdict


def test_a_fixed_input_is_a_number():
    net = ck.circuit("min")
    found = there(net, [(-1, 1), (HALF, HALF)])
    assert found.function == "min" and found.error == 0
    shifted = ck.Network(net.weights, [[0.0] * 3, [0.25]])
    found = there(shifted, [(-1, 1), (0.5, 0.5)])
    assert found.function is None
    assert ck.prove(shifted, found.expression, domain=[(-1, 1), (0.5, 0.5)])
    assert X2 not in found.expression.free_symbols
    point = there(shifted, [(1, 1), (0.5, 0.5)])
    assert point.expression == sympy.Rational(3, 4) and point.outside is None


def test_a_polytope_is_a_domain_too():
    # a triangle on which x1 is the smaller one
    triangle = ([[1, -1], [-1, 0], [0, 1]], [0, 0, 1])
    found = there(ck.circuit("min"), triangle)
    assert found.expression in (X1, sympy.Min(X1, X2)) and found.error == 0
    below = there(ck.Network([[[1, -1], [-1, 0], [1, 0]], [[1, -1, 1]]]), triangle)
    assert below.expression in (X1, sympy.Min(X1, X2)) and below.error == 0
    assert below.domain[0].shape == (3, 2)
    assert "Where x1 - x2 <= 0 and -x1 <= 0 and x2 <= 1 this network computes" in below.verdict
    assert (below.valid_box[1] >= below.domain[1]).all()


def test_a_domain_without_an_end_asks_for_the_slopes_exactly():
    net = ck.Network([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.25]])
    found = there(net, [(-math.inf, 3)])
    assert found.expression == abs(X) + sympy.Rational(1, 4) and found.error == 0


def test_data_are_read_as_their_box():
    data = np.random.default_rng(0).uniform(0.1, 0.9, size=(50, 2))
    found = certified(ck.detect(TRAINED, data=data, tolerance=0.02))
    assert found.domain == tuple(zip(data.min(axis=0), data.max(axis=0), strict=True))
    assert found.expression == abs(X1 - X2)
    assert found.verdict.startswith("On the box of the data, [0.1")


def test_several_outputs_are_read_together():
    net = ck.Network([[[1, 0], [1, -1]], [[1, -1], [0, 1]]], [[5, 0], [-5, 0.5]])
    found = there(net, [(-1, 1)] * 2)
    assert found.expression[0] == sympy.Min(X1, X2)
    assert ck.prove(
        ck.compose(ck.Network([[[0, 1]]]), net), found.expression[1], domain=[(-1, 1)] * 2
    )
    assert found.error == 0


def test_without_a_short_reading_the_ladder_is_climbed_and_told():
    # min(x1, x2) with a third kink of height 0.03
    net = ck.Network(
        [[[1, 0], [-1, 0], [1, -1], [1, 1]], [[1, -1, -1, 0.05]]], [[0, 0, 0, -1.2], [0]]
    )
    found = there(net, [(-1, 1)] * 2)
    assert found.error < 0.05 and found.expression_proof
    rough = there(net, [(-1, 1)] * 2, tolerance=1e-5)
    assert rough.error < 1e-4


@pytest.mark.parametrize(("tolerance", "far"), [(None, 1e200), (0.01, 1e20), (0.01, 1e200)])
def test_so_far_out_that_samples_tell_nothing_the_networks_own_function_is_still_read(
    tolerance, far
):
    net = ck.Network([[[2], [-1], [1]], [[0.5, 1, -1]]], [[0, 0, -1.5], [0]])
    found = ck.detect(net, domain=[(-far, far)], tolerance=tolerance)
    assert found.error == 0 and found.expression_proof
    assert "this network computes max(-x, min(3/2, x)) exactly." in found.verdict
    long = ck.Network([[[k] for k in range(1, 10)], [range(1, 10)]], [range(9), [0]])
    assert ck.detect(long, domain=[(-far, far)], tolerance=tolerance).expression is None
    late = ck.detect(net, domain=[(-far, far)], tolerance=tolerance, time_limit=1e-9)
    assert "was found in time" in late.verdict


def test_what_has_no_short_reading_gets_none():
    rng = np.random.default_rng(3)
    net = ck.Network(
        [rng.normal(size=(40, 2)), rng.normal(size=(1, 40))], [rng.normal(size=40), [0.0]]
    )
    found = there(net, [(-3, 3)] * 2, tolerance=1e-3, time_limit=30)
    assert found.expression is None and found.error == math.inf
    assert (found.readings, found.valid_box, found.outside) == ([], None, None)
    assert "On [-3, 3]^2 no short reading within 0.015 was found." in repr(found)
    assert len(found.verdict) < 120


# --- units ----------------------------------------------------------------------------------------


def test_units_are_named_for_what_they_do_there():
    net = ck.Network(
        [[[2.0], [-1.0], [1.0], [1.0], [1.0]], [[0.5, 1, 1, -1, 1]]],
        [[-0.74, 0.37, -2, 3, -1.5], [0]],
    )
    assert [str(u) for u in there(net, [(-1, 1)]).units] == [
        "positiveness detector of x - 37/100", "negativeness detector of x - 37/100",
        "dead", "always on of x + 3", "dead",
    ]  # fmt: skip
    assert [u.feature for u in ck.detect(net, domain=[(-1, 2)]).units][
        -1
    ] == "positiveness detector"
    found = there(TRAINED, SQUARE)
    assert str(found.units[6]) == "greaterness detector of x2 - x1"
    assert {u.feature for u in found.units} >= {"always on", "dead"}


@pytest.mark.parametrize("factor", [1e-20, 1.0, 1e20, 1e300])
def test_units_on_a_polytope_do_not_depend_on_the_size_of_its_rows(factor):
    net = ck.Network([[[1, 1], [1, -1], [-1, 0]], [[1, 1, 1]]])
    units = there(net, ([[factor, 0]], [factor])).units
    assert [str(u) for u in units] == [
        "positiveness detector of x1 + x2", "greaterness detector of x1 - x2",
        "negativeness detector of x1",
    ]  # fmt: skip
    assert all(u.in_circuit and u.error == 0 for u in units)


# --- no false names -------------------------------------------------------------------------------


@settings(max_examples=4, phases=[Phase.reuse, Phase.generate])  # shrinking takes minutes
@given(plans(), st.integers(0, 99))
def test_what_was_planted_on_a_box_is_read_exactly_through_its_disguise(plan, seed):
    row, kinks, domain = plan
    net = planted(row, kinks, domain, np.random.default_rng(seed))
    truth = spelled(row, kinks)
    assume(length_of(truth) <= 28)  # no reading is longer than 32
    assert ck.prove(net, truth, domain=domain)
    found = there(net, domain, tolerance=0)
    assert found.error == 0 and found.readings[0].length <= length_of(truth) + 1


@settings(max_examples=4, phases=[Phase.reuse, Phase.generate])  # shrinking takes minutes
@given(plans(), st.integers(0, 99))
def test_what_was_planted_and_disturbed_is_read_in_as_few_symbols(plan, seed):
    row, kinks, domain = plan
    net = planted(row, kinks, domain, np.random.default_rng(seed), noise=1e-5)
    found = there(net, domain)
    assert found.error <= 0.01 and found.readings[0].length <= length_of(spelled(row, kinks)) + 1


def length_of(e):
    from circuitkit.exact.spell import length

    return length(e)[0]


# --- parts ----------------------------------------------------------------------------------------


def test_numbers_are_fitted_and_rounded_in_a_structure():
    e = sympy.Rational(13, 10) * sympy.Max(X + sympy.Rational(1, 5), 0) - HALF
    shape = Shape(e, [X])
    x1 = np.column_stack([np.linspace(-1, 1, 200), np.ones(200)])
    y = 1.3 * np.maximum(0, x1[:, 0] + 0.21) - 0.6
    theta = shape.fitted(np.array(shape.start), x1, y)
    assert np.allclose(shape.values(theta, x1), y, atol=1e-9)
    assert sympy.Rational(13, 10) * sympy.Max(X + sympy.Rational(21, 100), 0) - sympy.Rational(
        3, 5
    ) in set(shape.roundings(theta, x1, y, 0.01))
    step = 1e-6 * np.eye(len(theta))
    slopes = shape.slopes(theta, x1)[1]
    for k in range(len(theta)):
        numeric = (shape.values(theta + step[k], x1) - shape.values(theta - step[k], x1)) / 2e-6
        assert np.abs(numeric - slopes[:, k]).max() < 1e-3
    assert simplest(0.7, 1e-9) == Fraction(7, 10) and simplest(math.pi, 1e-4) == Fraction("3.1416")


def test_the_fewest_pieces_that_cover_the_samples_are_found():
    x1 = np.column_stack([np.random.default_rng(0).uniform(-1, 1, size=(400, 2)), np.ones(400)])
    y = np.minimum(x1[:, 0], np.maximum(x1[:, 1], -0.5))
    slopes = np.where(
        (x1[:, :1] < y[:, None] + 1e-9), [[1, 0]], np.where(x1[:, 1:2] > -0.5, [[0, 1]], [[0, 0]])
    )
    found = covers(local_pieces(slopes, x1, y), [X1, X2], x1, y, 1e-3, math.inf)
    assert (
        sympy.Min(X1, sympy.Max(X2, -HALF)) in found
        or sympy.Max(sympy.Min(X1, X2), sympy.Min(X1, -HALF)) in found
    )


# --- arguments and time ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"domain": SQUARE, "data": [[0, 0]]}, "data: expected none where a domain is given"),
        ({"data": [[0, 0, 0]]}, r"data: expected inputs of shape \(n_samples, 2\), at least one, got \(1, 3\)"),
        ({"data": []}, "data: expected inputs"),
        ({"data": [[math.nan, 0]]}, "data: expected finite numbers"),
        ({"domain": [(0, 1)]}, "domain: expected None, 2 pairs"),
        ({"domain": "data"}, "domain: expected None, 2 pairs"),
        ({"domain": ([[1, 0]], [1, 2])}, "domain: expected"),
        ({"domain": [(1, 0)] * 2}, "domain: expected"),
        ({"domain": SQUARE, "tolerance": -1}, "tolerance: expected"),
        ({"domain": SQUARE, "time_limit": 0}, "time_limit: expected"),
    ],
)  # fmt: skip
def test_what_is_no_domain_is_refused_by_its_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        ck.detect(TRAINED, **arguments)


def test_data_of_another_kind_are_refused():
    with pytest.raises(TypeError, match="data: expected real numbers"):
        ck.detect(TRAINED, data="abc")


@pytest.mark.parametrize("weight", [1e300, 1e-300, 0.0])
def test_weights_at_the_ends_of_the_doubles_are_read_without_a_crash(weight):
    net = ck.Network([[[weight], [-weight]], [[weight, weight]]], [[weight, 0], [0]])
    assert repr(there(net, [(-1, 1)], time_limit=5))
    assert repr(there(net, [(-1e300, 1e300)], time_limit=5))


def test_of_many_inputs_nothing_short_is_said_and_that_soon():
    rng = np.random.default_rng(5)
    net = ck.Network([rng.normal(size=(8, 200)), rng.normal(size=(1, 8))])
    found = there(net, [(0, 1)] * 200, time_limit=3)
    assert found.expression is None
    fixed = there(net, [(0, 1), *[(0, 0)] * 199], tolerance=0.5, time_limit=5)
    assert fixed.expression.free_symbols <= {X1}


@pytest.mark.no_cover  # tracing takes time of its own
def test_the_time_limit_is_kept():
    rng = np.random.default_rng(5)
    net = ck.Network(
        [rng.normal(size=(16, 3)), rng.normal(size=(16, 16)), rng.normal(size=(1, 16))],
        [rng.normal(size=16), rng.normal(size=16), [0.0]],
    )

    def read():
        return repr(ck.detect(net, domain=[(-1, 1)] * 3, time_limit=2))

    taken, _ = timed(read, below=3.5)
    assert taken < 3.5


def test_beyond_the_domain_it_is_said_within_what_it_holds():
    found = there(ck.Network([[[2], [-1]], [[0.5, 1]]]), [(0, 1)])
    assert "computes x exactly. It stays within 0.01 of x on [" in found.verdict
    low, high = found.valid_box[0]
    edge = abs(found.network(low)[0] - low)
    assert 0 < edge <= 0.01 and high > 1


def test_a_domain_that_cannot_be_made_larger_is_not_said_to_be():
    one = ck.Network([[[2], [-1]], [[0.5, 1]]])
    found = there(one, ([[1], [-1]], [1, -1]))
    assert "times as large" not in found.verdict and found.outside is None
    half = there(one, ([[1]], [0]))
    assert "just" not in half.verdict


@pytest.mark.no_cover
def test_the_ladder_stops_when_the_time_is_up():
    rng = np.random.default_rng(0)
    sizes = (8, 64, 64, 1)
    pairs = list(itertools.pairwise(sizes))
    net = ck.Network(
        [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in pairs],
        [0.3 * rng.normal(size=b) for _, b in pairs],
    )
    began = time.process_time()
    found = ck.detect(net, domain=[(-1, 1)] * 8, time_limit=0.5)
    assert found.readings == []
    assert time.process_time() - began < 4
    assert "no short reading within 0.01 was found in time" in found.verdict


# --- functions inside -----------------------------------------------------------------------------------


def test_what_a_hidden_layer_reads_on_a_domain_is_found_and_proved_there():
    # The first row is min(x1, x2) + max(0, -x1), and the latter is nothing where x1 is not negative.
    net = ck.Network(
        [
            [[1, 0, 0], [1, -1, 0], [0, 0, 1], [0, 0, -1]],
            [[1, -1, 0, 0], [0, 0, 1, 1]],
            [[1, 1]],
        ]
    )
    there = ck.detect(net, domain=[(0, 1), (-1, 1), (-1, 1)])
    assert {*there.inner} == {1}
    assert [str(e) for e in there.inner[1]] == ["Abs(x3)", "Min(x1, x2)"]
    larger = ck.detect(net, domain=[(-1, 1)] * 3).inner[1]
    assert [str(e) for e in larger] == ["Abs(x3)", "Max(0, -x1)", "Min(x1, x2)"]
    found = ck.subcircuits(net, domain=[(0, 1), (-1, 1), (-1, 1)])
    assert there.inner[1] == found.read[2] and all(row.proof for row in found.rows)


def test_inside_a_network_of_one_hidden_layer_and_without_time_nothing_is_read():
    assert ck.detect(ck.circuit("abs"), domain=[(-1, 1)]).inner == {}
    found = ck.detect(ck.circuit("min4"), domain=[(-1, 1)] * 4, time_limit=1e-9)
    assert found.inner == {1: []}


def test_where_a_function_of_the_catalogue_is_something_shorter_that_is_its_name():
    triangle = ([[1, -1], [-1, 0], [0, 1]], [0, 0, 1])  # 0 <= x1 <= x2 <= 1: the minimum is x1
    found = ck.detect(ck.circuit("min"), domain=triangle)
    assert found.function is None and str(found.expression) == "x1" and found.error == 0
    assert "computes x1 exactly" in found.verdict and found.expression_proof.holds
    there = ck.detect(ck.circuit("min4"), domain=[(0, 1), (0, 1), (2, 3), (2, 3)])
    assert str(there.expression) == "Min(x1, x2)" and there.error == 0
    assert ck.detect(ck.circuit("min"), domain=[(0, 1), (0, 1)]).function == "min"


def test_where_a_known_function_is_straight_it_is_not_said_to_be_read():
    assert ck.detect(ck.circuit("min4"), domain=[(0, 0)] * 4).inner == {1: []}
    found = ck.detect(ck.circuit("min4"), domain=[(0, 1), (0, 1), (0, 1), (2, 3)]).inner[1]
    names = [str(e) for e in found]
    assert "Min(x1, x2)" in names and not any("Abs" in name for name in names)


def test_inequalities_are_said_exactly_or_not_at_all():
    net = ck.Network([[[7 * 2.0**40]], [[1.0]]], [[-3 * 2.0**40], [0]])
    exact = ck.detect(net, domain=([[Fraction(1, 3)], [-1]], [Fraction(1, 7), 0])).verdict
    assert exact.startswith("Where 1/3*x <= 1/7 and -x <= 0 this network computes 0 exactly.")
    long = Fraction(10**20 + 1, 7 * 10**20)
    said = ck.detect(net, domain=([[Fraction(1, 3)], [-1]], [long, 0])).verdict
    assert said.startswith("Where 2 inequalities hold this network")


def test_a_narrow_box_far_out_is_told_from_its_neighbors():
    said = ck.detect(ck.circuit("abs"), domain=[(1e9, 1e9 + 3)]).verdict
    assert said.startswith("On [1e+09, 1000000003] this network computes x exactly.")


@pytest.mark.parametrize(
    "domain", [[(-1e300, 1)], [(-1e308, 1e307)], ([[1], [-1]], [1, 1e200]), [(-1e150, 1)]]
)
def test_units_are_read_on_domains_whose_squares_overflow(domain):
    found = ck.detect(ck.circuit("abs"), domain=domain)
    assert [(u.feature, str(u.of), u.scale) for u in found.units] == [
        ("positiveness detector", "x", 1.0),
        ("negativeness detector", "x", 1.0),
    ]
    assert found.circuit == "abs"


def test_what_is_always_on_or_dead_on_a_very_large_domain():
    found = ck.detect(ck.circuit("abs"), domain=[(0, 1e308)])
    assert [u.feature for u in found.units] == ["always on", "dead"]


@pytest.mark.parametrize("end", [1e100, 1e200])
def test_deeper_units_on_very_large_domains_are_what_they_are_exactly(end):
    net = ck.circuit("min4")
    found = ck.detect(net, domain=[(-end, end)] * 4)
    assert [str(u) for u in found.units] == [str(u) for u in ck.detect(net).units]
    assert found.circuit == "min4"
