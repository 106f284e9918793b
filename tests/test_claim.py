"""What can be claimed of a network beside "it is this function": relations, twins, domains, measures."""

from __future__ import annotations

import itertools
import json
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import sympy

import circuitkit as ck
from benchmarks.generators import random_network, random_target, scramble, textbook
from circuitkit.proof import deciding, ranges
from circuitkit.proof.claim import read_claim

MINIMUM = ck.circuit("min")
#: 2 outputs: the smaller and the larger of two numbers
SORT = ck.Network(
    [[[1, 0], [-1, 0], [0, 1], [0, -1], [1, -1]], [[1, -1, 0, 0, -1], [0, 0, 1, -1, 1]]]
)


def both(found, target=None):
    """The proof, its certificate checked again from JSON as somebody else would."""
    certificate = json.loads(json.dumps(found.certificate))
    assert ck.check(
        certificate, found.network.to_dict(), found.target if target is None else target
    )
    return found


# --- two networks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["min4", "median3", "sort3", "abs of min", "clamp"])
def test_a_network_equals_its_scrambled_twin(name):
    net = textbook(name)
    twin = scramble(np.random.default_rng(3), net, units=40)
    found = both(ck.prove(net, twin), twin)
    assert found and found.exact_error == 0
    assert repr(found).startswith("Proved: the two networks are equal for every input")


def test_two_networks_are_within_a_tolerance_or_told_apart():
    rounded = ck.Network([np.round(w * (1 + 2.0**-10), 2) for w in MINIMUM.weights])
    other = ck.Network([MINIMUM.weights[0], [[1, -1, -1.25]]])
    found = ck.prove(MINIMUM, other)
    assert not found and found.exact_error == Fraction(1, 2)
    assert "the first network gives" in repr(found) and "the second" in repr(found)
    close = both(ck.prove(MINIMUM, other, tolerance=0.5), other)
    assert close and "within 0.5 of each other" in repr(close)
    assert ck.prove(MINIMUM, rounded)


def test_networks_of_other_shapes_are_not_compared():
    with pytest.raises(
        ValueError, match="target: expected 2 inputs, as the network has, got one wit"
    ):
        ck.prove(MINIMUM, ck.circuit("abs"))
    with pytest.raises(
        ValueError, match="target: expected 1 output, as the network has, got one wit"
    ):
        ck.prove(MINIMUM, SORT)


# --- relations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        "y <= x1",
        "y <= x1 and y <= x2",
        "x1 >= y <= x2",
        "y < x1 + 1",
        "y > x1 + x2 - abs(x1) - abs(x2) - 1/7",
        "2*y == x1 + x2 - abs(x1 - x2)",
        "min(y, 0) <= relu(x1)",
    ],
)
def test_relations_that_hold_are_proved_with_a_certificate(claim):
    found = both(ck.prove(MINIMUM, claim), claim)
    assert found and found.error == 0
    assert repr(found) == f"Proved: {claim} for every input."


def test_a_relation_may_be_written_loosely():
    found = ck.prove(MINIMUM, "2y <= x1 + x2")
    assert both(found, str(found.target)) and str(found.target) == "2*y <= x1 + x2"


def test_the_counterexample_of_a_relation_says_which_part_fails():
    found = ck.prove(MINIMUM, "y <= x1 and y >= x1")
    assert not found and found.exact_error == 2
    assert repr(found) == (
        "Refuted: at x = (1, -1) the network gives y = -1: y >= x1 is false by 2 "
        "(largest violation 2, relative to the input's size beyond 1)."
    )
    ordered = ck.prove(SORT, "y1 <= y2 and y1 < x1")
    assert "y1 < x1 is false, both sides are equal" in repr(ordered)
    assert ck.prove(SORT, "y1 <= y2 and y1 + y2 == x1 + x2")


def test_a_part_of_a_relation_is_shown_as_it_was_written():
    one = ck.Network([[[1.0]]])
    found = repr(ck.prove(one, "y==0.7", domain=[(0, 1)]))
    assert "y == 0.7 is false by 0.7 (" in found and "7/10" not in found
    assert "0.1*x <= y <= 1e5" in repr(ck.prove(one, "0.1*x <= y <= 1e5", domain=[(0, 1)]))
    assert "y <= 1e5 is false" in repr(ck.prove(one, "0.1*x <= y <= 1e5", domain=[(0, 1e6)]))


def test_both_violations_of_a_sentence_are_in_one_measure():
    double = ck.Network([[[2.0]]])
    on_a_ray = repr(ck.prove(double, "y <= x + 1", domain=[(1000, math.inf)]))
    false, largest = re.search(
        r"false by ([0-9.]+) \(largest violation ([0-9.]+); both", on_a_ray
    ).groups()
    assert 0.99 < float(false) <= float(largest) == 1
    assert "both relative to the input's size beyond 1" in on_a_ray
    equal = repr(ck.prove(ck.Network([[[1.0]]]), "y < x"))
    assert "both sides are equal" in equal and "at least 0" not in equal


def test_a_strict_relation_needs_more_than_equality():
    relu = ck.Network([[[1]], [[1]]])
    assert ck.prove(relu, "y >= 0")
    assert not ck.prove(relu, "y > 0")
    assert ck.prove(relu, "y > 0", domain=[(1e-300, math.inf)])
    found = both(ck.prove(relu, "y > -1/1000"), "y > -1/1000")
    assert found.certificate["margins"] == ["1/1000"]


def test_violations_are_measured_as_errors_are():
    double = ck.Network([[[2.0]]])
    assert ck.prove(double, "y <= x + 1").exact_error == 1
    absolute = ck.prove(double, "y <= x + 1", measure="absolute")
    assert not absolute and absolute.error == math.inf
    assert "(largest violation unbounded, in absolute error)" in repr(absolute)
    on_a_box = ck.prove(double, "y <= x + 1", measure="absolute", domain=[(0, 5)])
    assert on_a_box.exact_error == 4
    assert repr(on_a_box).endswith("false by 4 (largest violation 4, in absolute error).")


# --- domains and measures -----------------------------------------------------------------------------


def test_an_input_may_be_fixed():
    found = both(
        ck.prove(MINIMUM, "min(x1, 1)", domain=[(-math.inf, math.inf), (1, 1)]), "min(x1, 1)"
    )
    assert found and "for every input in (-inf, inf) × {1}." in repr(found)
    assert found.domain == ((-math.inf, math.inf), (1.0, 1.0))
    assert not ck.prove(MINIMUM, "min(x1, 1)", domain=[(-2, 2), (0.5, 0.5)])
    point = ck.prove(MINIMUM, "x1", domain=[(3, 3), (2, 2)])
    assert not point and point.counterexample.tolist() == [3, 2]


def test_polytopes():
    triangle = ([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])  # x1, x2 >= 0, x1 + x2 <= 1
    found = both(ck.prove(MINIMUM, "y <= 1/2", domain=triangle), "y <= 1/2")
    assert found and "of the polytope A x <= b (3 inequalities)" in repr(found)
    refuted = ck.prove(MINIMUM, "y <= 0.49", domain=triangle)
    assert not refuted and refuted.exact_error == Fraction(1, 100)
    assert refuted.counterexample.tolist() == [0.5, 0.5]
    half = ([[1, -1]], [0])  # x1 <= x2
    assert ck.prove(MINIMUM, "x1", domain=half)
    assert not ck.prove(MINIMUM, "x2", domain=half)
    line = ([[1, -1], [-1, 1]], [0, 0])  # x1 = x2, without an interior
    assert ck.prove(MINIMUM, "(x1 + x2)/2", domain=line)
    matrix, ends = found.domain
    assert matrix.tolist() == [[-1, 0], [0, -1], [1, 1]] and ends.tolist() == [0, 0, 1]


@pytest.mark.parametrize("seed", range(25))
def test_worst_errors_in_every_measure_and_domain_bound_what_samples_show(seed):
    rng = np.random.default_rng(seed)
    n, bias = int(rng.integers(1, 3)), bool(rng.integers(2))
    net = random_network(rng, [n, 4, 1], bias=bias, weights=rng.choice(["quarters", "normal"]))
    target = random_target(rng, n, bias=bias)
    measure = ("relative", "absolute")[seed % 2]
    matrix = np.vstack([rng.integers(-3, 4, size=(2, n)), np.eye(n), -np.eye(n)])
    ends = np.concatenate([rng.integers(0, 5, size=2), np.full(2 * n, 3)])
    domain = ([(-3, 3)] * n, (matrix.tolist(), ends.tolist()))[seed // 2 % 2]
    found = ck.prove(net, target, domain=domain, measure=measure)
    x = rng.uniform(-3, 3, size=(4000, n))
    if isinstance(domain, tuple):
        x = x[(x @ matrix.T <= ends).all(axis=1)]
    errors = np.abs(net(x) - target(x)).max(axis=1)
    if measure == "relative":
        errors /= np.maximum(1, np.abs(x).max(axis=1))
    assert errors.max(initial=0) <= found.error * (1 + 1e-9) + 1e-12
    assert errors.max(initial=0) >= 0.7 * found.error - 1e-12 or len(x) < 200
    assert found.bound == "exact"
    both(found)
    if found.exact_error:
        tight = ck.prove(net, target, domain=domain, measure=measure, tolerance=found.exact_error)
        assert both(tight)


# --- what a proof carries -----------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["min(x1, min(x3, min(x2, x4)))", "min4"])
def test_the_certificate_is_checked_against_the_text_and_the_target(target):
    net = ck.circuit("min4")
    found = ck.prove(net, target)
    assert found
    both(found, target)
    both(found)
    other = ck.Network([w * 1.25 for w in net.weights])
    assert not ck.check(found.certificate, other, target)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("identity", "x^1"),
        ("identity", "2x - x"),
        ("identity", "x¹"),
        ("identity", "3(x - 1) - 2x + 3"),
        ("identity", "(x + 1)*(x - 1) - x**2 + x + 1"),
        ("identity", "y ≤ x"),
        ("identity", "2y == 2x and y ≥ x"),
        ("identity", "-|x| <= y ≤ |x|"),
        ("abs", "|x|"),
        ("abs", "max(a, -a)"),
        ("abs", "2|x| − |x|"),
        ("add", "b + c"),
        ("subtract", "a - b"),
        ("subtract", "x₁ − x₂"),
        ("min", "min(a, b)"),
        ("min", "MIN(x1, x2)"),
        ("min", r"\min(x_1, x_2)"),
        ("min", "min"),
        ("min", "x1 - relu(x1 - x2)"),
        ("min", "mean(x1, x2) - |x1 - x2|/2"),
    ],
)
def test_whatever_spelling_prove_reads_the_check_reads(name, target):
    net = ck.circuit(name)
    found = ck.prove(net, target)
    assert found
    for certificate in (found.certificate, json.loads(json.dumps(found.certificate))):
        for network in (net, net.to_dict()):
            assert ck.check(certificate, network, target)
            assert ck.check(certificate, network, found.target)
    other = ck.Network([*net.weights[:-1], 1.001 * net.weights[-1]])
    assert not ck.check(found.certificate, other, target)


def test_a_check_of_what_cannot_be_read_is_false():
    certificate = ck.prove(ck.circuit("abs"), "abs").certificate
    for target in ("", "|x", "sin(x)", "x1 + x2", "y >=", "x and x", None, 3, [], {}, object()):
        assert not ck.check(certificate, ck.circuit("abs"), target)
    for network in (None, 3, {}, [], "abs", {"weights": 3}):
        assert not ck.check(certificate, network, "|x|")
    for junk in (None, 3, {}, [], "abs"):
        assert not ck.check(junk, ck.circuit("abs"), "|x|")


def test_a_refutation_certifies_its_worst_error():
    found = ck.prove(MINIMUM, "max")
    assert not found and found.certificate["tolerance"] == "2"
    both(found, "max")
    assert not ck.check({**found.certificate, "tolerance": "1.99"}, MINIMUM, "max")


def test_nothing_is_proved_without_the_checker(monkeypatch):
    from circuitkit.check import Rejected
    from circuitkit.proof import deciding

    def refuse(*arguments, **keywords):
        raise Rejected("no")

    monkeypatch.setattr(deciding, "verify", refuse)
    with pytest.raises(ck.Undecided, match="a proof was found, but the checker: no"):
        ck.prove(MINIMUM, "min")
    refuted = ck.prove(
        MINIMUM, "max"
    )  # the counterexample stands; its worst error is not certified
    assert not refuted and refuted.bound == "at least" and refuted.certificate is None


def test_undecided_carries_bounds_both_ways():
    rng = np.random.default_rng(6)
    net = random_network(rng, [6, 50, 50, 50, 1], bias=True, weights="normal")
    x = rng.uniform(-1, 1, size=(2000, 6))
    seen = np.abs(net(x)[:, 0] - x[:, 0]).max()
    with pytest.raises(ck.Undecided) as out:
        ck.prove(net, "x1", domain=[(-1, 1)] * 6, tolerance=2 * seen, time_limit=0.5)
    assert 0 <= out.value.lower <= out.value.upper
    assert seen <= out.value.upper


def random_claim(rng):
    """A network, a target, a box or none, a measure."""
    n, outputs = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    sizes = [n, *map(int, rng.integers(1, 7, rng.integers(0, 4))), outputs]
    net = random_network(rng, sizes, bias=bool(rng.integers(2)), weights="normal")
    net = ck.Network([w * 10.0 ** rng.integers(-3, 4) for w in net.weights], net.biases)
    x, y = (f"x{n}" if n > 1 else "x"), (f"y{outputs}" if outputs > 1 else "y")
    one = f"min({x}, 0.3) - 2*abs({x} - 1/7)"
    targets = [
        ", ".join([one] * outputs),
        f"{y} <= {one} and {x} > abs({y} - 3)",
        f"2*{y} == 1 - {x}",
    ]
    targets.append(random_network(rng, [n, 4, outputs], bias=True, weights="normal"))
    ends = np.sort(rng.normal(size=(n, 2)) * 10.0 ** rng.integers(-2, 4), axis=1)
    domain = [tuple(pair) for pair in ends.tolist()] if rng.random() < 0.7 else None
    measure = "absolute" if domain and rng.integers(2) else "relative"
    return read_claim(net, targets[rng.integers(4)], 0, domain, measure)


@pytest.mark.parametrize("seed", range(40))
def test_interval_arithmetic_bounds_every_miss(seed):
    rng = np.random.default_rng(seed)
    claim = random_claim(rng)
    bound = ranges.at_most(claim)
    assert bound is not None and bound >= 0
    n = claim.network.n_inputs
    ends = claim.domain.floats() if claim.domain else [(-100.0, 100.0)] * n
    corners = itertools.product(*ends)
    points = [*corners, *(rng.uniform(*np.array(ends).T, size=(30, n))).tolist()]
    for point in points:
        x = tuple(
            Fraction(min(max(v, low), high)) for v, (low, high) in zip(point, ends, strict=True)
        )
        assert claim.error_at(x) <= bound


def test_interval_arithmetic_is_exact_where_floats_overflow_and_safe_where_they_round():
    huge = ck.Network([[[1e300]], [[1e300]]])
    claim = read_claim(huge, "0", 0, [(0, 1)])
    assert ranges.at_most(claim) == Fraction(1e300) ** 2
    tenths = ck.Network([[[0.1] * 10]])
    claim = read_claim(tenths, "0*x10", 0, [(1, 1)] * 10)
    assert 10 * Fraction(0.1) <= ranges.at_most(claim) < Fraction("1.000001")
    assert ranges.at_most(read_claim(huge, "0", 0, None, "absolute")) is None
    assert ranges.at_most(read_claim(huge, "0", 0, [(0, math.inf)])) == Fraction(1e300) ** 2


@pytest.mark.parametrize("seed", range(20))
def test_what_is_undecided_on_a_finite_box_has_finite_bounds(seed):
    rng = np.random.default_rng(seed)
    sizes = [3, *map(int, rng.integers(20, 40, 3)), 1]
    net = random_network(rng, sizes, bias=True, weights="normal")
    same = ck.Network([w * (1 + 1e-9) for w in net.weights], net.biases)
    for measure in ("relative", "absolute"):
        with pytest.raises(ck.Undecided) as out:
            ck.prove(
                net, same, domain=[(-2, 3)] * 3, tolerance=1e-3, measure=measure, time_limit=1e-3
            )
        assert 0 <= out.value.lower <= out.value.upper < math.inf
        assert "worst error is " in str(out.value)


def test_what_is_known_of_one_part_is_not_said_of_the_whole(monkeypatch):
    def out_of_time(rows, **limits):
        raise deciding.OutOfTime(0.125, 0.25, None)

    monkeypatch.setattr(deciding, "exhaust", lambda *args, **kwargs: None)
    monkeypatch.setattr(deciding, "search", out_of_time)
    monkeypatch.setattr(deciding, "sampled", lambda claim: None)
    rng = np.random.default_rng(1)
    net = random_network(rng, [2, 6, 1], bias=True, weights="normal")
    box = [(3, 4), (0, 1)]
    far = read_claim(net, "y <= -100", 0, box)
    worst = max(far.error_at((Fraction(3), Fraction(k, 8))) for k in range(9))
    for target, lower, largest in (
        ("y <= 1000", 0.125, 0.25),
        ("y < 1000", 0.0, 0.25),
        ("y <= 1000 and y <= -100", 0.125, math.inf),
    ):
        with pytest.raises(ck.Undecided) as out:
            ck.prove(net, target, domain=box)
        assert out.value.lower == lower and out.value.upper <= largest
    assert out.value.upper >= worst


# --- edges that once crashed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "target", "arguments", "holds"),
    [
        (MINIMUM, "max", {"tolerance": 10**400}, True),
        (MINIMUM, "max", {"tolerance": Fraction(10**400, 3), "measure": "absolute"}, False),
        (MINIMUM, "min", {"domain": [(-(10**400), 10**400)] * 2}, True),
        (MINIMUM, "max", {"domain": [(-(10**400), 10**400)] * 2}, False),
        (ck.Network([[[1.0]]]), "10*x", {"domain": [(1e308, 1.7e308)], "time_limit": 0.5}, False),
        (ck.Network([[[1e308]], [[1e308]]]), "x", {}, False),
        (ck.Network([[[5e-324]]] * 45), "0*x", {}, False),
        (ck.Network([[[5e-324]]] * 45), "0*x", {"tolerance": 5e-324}, True),
        (ck.Network([[[1.0], [1.0]], [[1, -1]]], [[0, -1], [0]]), "x", {"tolerance": 1}, True),
    ],
    ids=str,
)
def test_numbers_at_the_ends_of_what_floats_hold_are_decided(net, target, arguments, holds):
    found = ck.prove(net, target, **arguments)
    assert found.holds is holds
    assert repr(found) and found._repr_html_()
    if not holds:
        assert found.counterexample is not None


def test_numbers_that_sympy_was_told_not_to_evaluate_are_read():
    x = sympy.Symbol("x", real=True)
    target = ck.Target(sympy.Abs(-3, evaluate=False) + x)
    assert ck.prove(ck.Network([[[1.0]]], [[3]]), target)


def test_symbols_that_are_more_than_real_are_refused():
    x = sympy.Symbol("x", positive=True)
    with pytest.raises(ValueError, match="may be any real number, got x with positive=True"):
        ck.prove(ck.circuit("identity"), sympy.Abs(x))


@pytest.mark.parametrize("domain", [None, [(-1, 1), (-1, 1)], [(1 / 8, 1 / 4), (1 / 8, 1)]])
def test_a_strict_relation_that_is_equal_where_no_sample_falls_is_refuted(domain):
    weights = [[[1, -1 / 3], [-1, 1 / 3]], [[1, 1]]]  # |x1 - x2/3 - 1/7|
    found = ck.prove(ck.Network(weights, [[-1 / 7, 1 / 7], [0]]), "y > 0", domain=domain)
    assert not found.holds
    assert "both sides are equal" in repr(found)


def test_an_array_of_no_axes_is_no_domain():
    with pytest.raises(ValueError, match="domain: expected None, 1 pair"):
        ck.prove(ck.circuit("identity"), "identity", domain=np.array(3.0))
