"""Networks are read back: exactly where they were only disguised, within a tolerance where weights are noisy."""

from __future__ import annotations

import importlib
import math
import re
import time
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

import circuitkit as ck
from benchmarks import round_trip
from benchmarks.generators import scramble, spread
from benchmarks.round_trip import disguised, distance, noisy
from circuitkit.compiling import idioms
from circuitkit.compiling.snap import simplest, snapped
from circuitkit.detection.place import place
from circuitkit.exact.spell import text

decompile = importlib.import_module("circuitkit.compiling.decompile")
x1, x2 = sympy.symbols("x1 x2", real=True)


@pytest.fixture(scope="module")
def noisy_max():
    net = ck.compile_expression("max(x1, x2, x3)")
    net = noisy(scramble(np.random.default_rng(3), net, units=24), 0, 1e-4)
    return net, ck.decompiled(net)


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11])
def test_a_disguised_expression_is_read_back_exactly(seed):
    target, net = disguised(seed)
    found = ck.decompiled(net, tolerance=0)
    assert found.exact
    assert ck.check(found.certificate, net, found.expression)
    assert ck.prove(ck.compile_expression(target), found.proof.target)


# 8 took all the time at 1e-5, 16 and 30 at 1e-4: units that cancel were compared with rounded rows. 49, 33 and the last
# took it, too: bounds in a cell added up what units far from their kinks might do. 55 has units that are off by their weights.
@pytest.mark.parametrize(
    ("seed", "noise"),
    [(3, 1e-5), (8, 1e-5), (16, 1e-4), (19, 1e-5), (30, 1e-4), (49, 1e-4), (33, 1e-4), (55, 1e-5)],
)
def test_a_noisy_disguised_expression_is_read_back_within_the_tolerance(seed, noise):
    target, net = disguised(seed)
    net = noisy(net, seed, noise)
    found = ck.decompiled(net)
    assert distance(net, found.proof.target) <= found.error <= 1e-2
    assert ck.check(found.certificate, net, found.expression)
    assert ck.prove(ck.compile_expression(target), found.proof.target)


def test_noise_is_read_through_several_layers(noisy_max):
    net, found = noisy_max
    assert ck.prove(ck.compile_expression(found.proof.target), "max(x1, x2, x3)")
    assert not found.exact
    assert 0 < distance(net, found.proof.target) <= found.error <= 1e-2


def test_several_outputs_are_a_tuple():
    net = noisy(ck.compile_expression("sort(x1, x2)"), 1, 1e-4)
    assert ck.decompile(net) == sympy.Tuple(sympy.Min(x1, x2), sympy.Max(x1, x2))


def test_an_exact_scale_is_part_of_the_function():
    assert (
        ck.decompile(ck.compile_expression("abs(x)/3"), tolerance=0)
        == abs(sympy.Symbol("x", real=True)) / 3
    )


@pytest.mark.parametrize(
    ("seed", "longest"),
    [(838, 13), (785, 40), (362, 8), (1034, 46), (1128, 12), (561, 26), (793, 31), (319, 11)],
)
def test_what_was_spelled_twice_as_long_as_what_was_hidden_is_no_longer_than_that(seed, longest):
    # kinks in groups, pieces as the fewest minima and maxima, and linear parts where they leave the least
    _target, net = disguised(seed)
    found = ck.decompiled(net, tolerance=0)
    assert found.length <= longest
    assert ck.check(found.certificate, net, found.expression)


@pytest.mark.parametrize(
    "name",
    [
        "median(x1, x2, x3)", "median(x1, x2, x3, x4, x5)", "sort(x1, x2, x3)", "range(x1, x2, x3)",
        "range(x1, x2, x3, x4)", "clamp(2*x, -1, 1)", "median(1, abs(x2), x1)",
    ],
)  # fmt: skip
def test_what_has_a_name_is_read_by_its_name(name):
    net = ck.compile_expression(name)
    found = ck.decompiled(net, tolerance=0)
    assert found.text == name
    assert repr(found) == f"{name}, proved equal to the network for every input"
    assert ck.prove(net, ck.target(found.text))


@pytest.mark.parametrize(
    "name",
    [
        "max(0, min(x, -1))",  # below 0 and above -1 there is nothing between
        "max(min(x1, x2), min(x1, x3))",
        "max(x1, x2, x3) - min(x1, x2, x4)",
        "min(x1, x2), min(x1, x3)",
        "min(x1, x2), max(x1, x3)",
        "max(min(x1, x2), min(x3, x4), min(x1, x4), min(x2, x3))",
        "max(0, min(x1, x2))",
        "max(x1, 0, min(1, x2))",
    ],
)
def test_what_is_nearly_a_name_is_not_called_by_it(name):
    target = ck.target(name)
    other = text(idioms.named(target.expression))
    assert not re.search("median|sort|range|clamp", other)
    assert ck.prove(ck.compile_expression(name), other)


def test_a_shorter_way_that_is_not_the_same_function_is_not_taken(monkeypatch):
    _target, net = disguised(362)
    monkeypatch.setattr(decompile, "shorter", lambda *_, **__: sympy.Symbol("x", real=True))
    found = ck.decompiled(net, tolerance=0)
    assert found.exact
    assert found.length == 17


def test_on_a_domain_the_expression_holds_there():
    found = ck.decompiled(ck.Network([[[2], [-1]], [[0.5, 1]]]), domain=[(0, 4)])
    assert found.expression == sympy.Symbol("x", real=True)
    assert found.proof.domain == ((0.0, 4.0),)


def test_what_is_not_proved_is_refused_with_the_best_that_was_found():
    rng = np.random.default_rng(0)
    net = ck.Network([rng.normal(size=(9, 3)), rng.normal(size=(9, 9)), rng.normal(size=(1, 9))])
    with pytest.raises(ck.NotDecompiled, match="no expression was proved") as caught:
        ck.decompile(net, tolerance=1e-6, time_limit=0.5)
    assert isinstance(caught.value, ck.Undecided)


@pytest.mark.parametrize("tolerance", [0, 0.01])
@pytest.mark.parametrize(
    "net",
    [
        ck.Network([[[1e15]], [[1 / 3]]]),
        ck.Network([[[1e30]], [[1e30]], [[1e-30]]]),
        ck.Network([[[1e200]], [[1e200]], [[1e-200]]]),
        ck.Network([[[-1.0], [0.0], [-2.0]], [[-2e17, -1e308, -5e-324]]], scale="1/3"),
    ],
)
def test_a_network_of_which_nothing_short_is_proved_is_spelled_out(net, tolerance):
    found = ck.decompiled(net, tolerance=tolerance)
    assert found.exact
    assert ck.check(found.certificate, net, found.expression)


@pytest.mark.parametrize("tolerance", [0, 1e-9])
def test_many_kinks_are_spelled_out_too_if_there_is_time(tolerance):
    rng = np.random.default_rng(0)
    net = ck.Network(
        [rng.normal(size=(50, 1)), rng.normal(size=(1, 50))], [rng.normal(size=50), [0]]
    )
    found = ck.decompiled(net, tolerance=tolerance)
    assert found.exact
    assert ck.check(found.certificate, net, found.expression)


def test_what_is_given_up_early_says_how_long_it_took_and_not_how_long_it_might_have(monkeypatch):
    def late(*_, **__):
        raise decompile.FormOutOfTime

    monkeypatch.setattr(decompile, "canonical_form", late)  # or it would be spelled out
    net = ck.Network([[[-1.0], [-2.0]], [[-1e308, -1e-323]]], scale="1/3")
    with pytest.raises(ck.NotDecompiled) as caught:
        ck.decompile(net, domain=[(-3.0, -2.0)], time_limit=1000)
    took = re.search(r"in the (\S+) s that it took, of 1000 s at most", str(caught.value))
    assert 0 <= float(took[1]) < 100


#: what ``learn("max(x1, x2, 0)", seed=5)`` gave: its units cancel, and no weight is a plain number
LEARNED = ck.Network(
    [
        [
            [-0.12279689157549921, 0.13170213341938203],
            [-0.2019167210328043, 0.21655974016835397],
            [-0.017731676455678667, 0.8096617059671296],
            [4.143566485451647e-07, 0.9389090181217838],
            [1.1503602401205004, 2.7958890261707445e-17],
        ],
        [
            [
                -0.30014005480699063,
                -0.10840526751871649,
                -0.5802209591521853,
                -0.49992186536789,
                0.8111684703955756,
            ],
            [
                -0.028795505558859805,
                -0.028787707804889373,
                0.5272517674318092,
                0.8196098677701744,
                0.07105213466898773,
            ],
            [
                -0.3180065217961039,
                -0.4119982506406301,
                -0.24734553161773876,
                0.35293150898286485,
                1.5221234005295154e-05,
            ],
        ],
        [[0.9978355535061001, 0.8428803769130107, -0.5439958126206796]],
    ]
)


def test_a_learned_maximum_is_read_back_as_the_maximum_and_not_as_its_rounded_weights():
    found = ck.decompiled(LEARNED, time_limit=300)
    assert found.expression == sympy.Max(0, x1, x2)
    assert found.error < 1e-6
    assert ck.check(found.certificate, LEARNED, found.expression)


def test_what_detection_guessed_and_had_no_time_to_prove_is_proved(monkeypatch):
    guessed = SimpleNamespace(
        readings=[], expression=sympy.Max(0, x1, x2), expression_proof=None, error=math.inf
    )
    monkeypatch.setattr(decompile, "detect", lambda *_, **__: guessed)
    found = ck.decompiled(LEARNED, time_limit=300)
    assert found.expression == guessed.expression
    assert ck.check(found.certificate, LEARNED, found.expression)


# --- the benchmark's own disguises --------------------------------------------------------------------


def test_what_is_spread_over_inverse_pairs_and_doubled_is_the_same_function():
    for seed in (0, 1, 3):
        _target, net = disguised(seed)
        net = ck.Network(net.weights, net.biases)
        hidden = spread(np.random.default_rng(seed), net)
        assert sum(hidden.layer_sizes) > sum(net.layer_sizes)
        assert ck.prove(hidden, net)


@pytest.mark.parametrize("disguise", [round_trip.trained, round_trip.composed])
def test_a_network_that_was_trained_on_is_read_back_as_what_was_planted(disguise):
    target, net = disguised(5)
    later = disguise(net, 5)
    assert 1e-7 < distance(later, target) < 1e-2
    found = ck.decompiled(later)
    assert not found.exact
    assert ck.prove(ck.compile_expression(target), found.proof.target)


def test_rows_that_were_not_measured_again_stay_as_they_were(monkeypatch):
    case = {"noise": "trained", "layers": 1, "within": True, "proved": True, "same": True}
    case |= {"length": 4, "read": 2, "seconds": 1.0}
    monkeypatch.setattr(round_trip, "known", lambda: [case, {**case, "noise": "learned"}])
    old = {"rows": [{"noise": 1e-5, "layers": 1}, {"noise": "trained", "layers": 7}]}
    rows = round_trip.summary(old, ["trained"])["rows"]
    assert [(row["noise"], row["layers"]) for row in rows] == [
        (1e-5, 1), ("trained", 1), ("trained", "all"), ("trained", "up to 3"),
    ]  # fmt: skip
    assert rows[1]["ratio"] == [0.5] * 3 and rows[1]["interval"][0] < 0.5 < rows[1]["interval"][1]


# --- rounding -----------------------------------------------------------------------------------------


def test_the_simplest_fraction_of_an_interval():
    rng = np.random.default_rng(1)
    for _ in range(200):
        low = Fraction(int(rng.integers(-400, 400)), int(rng.integers(1, 90)))
        high = low + Fraction(1, int(rng.integers(1, 200)))
        found = simplest(low, high)
        assert low <= found <= high
        for q in range(1, found.denominator):
            assert -(-low * q // 1) > high * q


# 65: units whose linear parts cancel were rounded apart; 38: of two with the same kink each had one of its own
@pytest.mark.parametrize("seed", [38, 65])
def test_what_cancels_is_seen_to_cancel_though_its_numbers_are_not_simple(seed):
    target, net = disguised(seed)
    net = noisy(net, seed, 1e-5)
    search = decompile._Search(net, place(net, None, None), Fraction(1, 100), 60.0)
    form, _, _ = next(search.candidates(search.where.samples(net, 500), math.inf))
    assert ck.prove(ck.compile_expression(target), search.target(form))


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("big", [1e140, 1e154, 1e160, 1.7e308])
def test_weights_near_the_end_of_the_doubles_are_rounded_or_refused_without_a_warning(big):
    x = np.random.default_rng(0).normal(size=(50, 1))
    for weights in ([[[-big], [0.5]], [[-1.0, 3.0]]], [[[-1.0], [0.5]], [[big, 1e-300]]]):
        for zeros in (False, True):
            net = ck.Network(weights, scale="1/3")
            try:
                near = snapped(net, 1e-2, x, zeros=zeros)
            except OverflowError:
                assert big > 1e150
            else:
                assert len(near.outputs) == 1


def test_units_that_cancel_leave_no_trace_in_the_rounded_function():
    net = noisy(scramble(np.random.default_rng(5), ck.circuit("min"), units=20), 5, 1e-6)
    x = np.random.default_rng(0).normal(size=(500, 2))
    near = snapped(net, 1e-6, x)
    used = {j for row in near.outputs for j, _ in row}
    assert len(used) == 3
    assert len(near.nodes) > 1


@pytest.mark.no_cover
@pytest.mark.parametrize("domain", [None, [(-1, 1)] * 6])
def test_the_time_limit_holds_where_one_rounding_takes_longer(domain):
    rng = np.random.default_rng(0)
    sizes = [(60, 6), (60, 60), (1, 60)]
    net = ck.Network([rng.normal(size=s) for s in sizes], [rng.normal(size=s[0]) for s in sizes])
    start = time.process_time()
    with pytest.raises(ck.NotDecompiled):
        ck.decompile(net, domain=domain, time_limit=0.1)
    assert time.process_time() - start < 8  # it took 20 to 35


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_weights_whose_squares_overflow_are_spelled_out_without_a_warning():
    weights = [[[-1.0], [0.0], [-1.0], [-2.0]], [[-2e17, -1e308, -1e-323, -5e-324]]]
    net = ck.Network(weights, scale="1/3")
    found = ck.decompiled(net, domain=[(-3.0, -2.0)], tolerance=0.01, time_limit=60)
    assert found.exact
    assert ck.check(found.certificate, net, found.expression)
