"""Networks near smooth functions: every bound holds, is met, and is refused where it is altered."""

from __future__ import annotations

import importlib
import itertools
import re
import time
import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import circuitkit as ck
from circuitkit.compiling import recheck
from circuitkit.compiling.sawtooth import Square, folded
from circuitkit.compiling.segments import exact_layers, segments

approximate = importlib.import_module("circuitkit.compiling.approximate")
X = sympy.Symbol("x", real=True)


def exact(net: ck.Network, point: list[Fraction]) -> Fraction:
    """What the network gives, in fractions: one layer after another."""
    values = point
    layers = exact_layers(net)
    for i, (weights, biases, scale) in enumerate(layers):
        z = [
            (sum(int(w) * v for w, v in zip(row, values, strict=True)) + int(b)) / Fraction(scale)
            for row, b in zip(weights, biases, strict=True)
        ]
        values = z if i == len(layers) - 1 else [max(v, Fraction(0)) for v in z]
    return values[0]


def sampled(near: ck.Approximation, count: int) -> mpmath.mpf:
    """The worst error at so many inputs of the box, to 40 digits; of one input at the network's corners, too."""
    mpmath.mp.dps = 40
    f = sympy.lambdify(near.target.variables, near.target.expression, "mpmath")
    rng = np.random.default_rng(1)
    points = [
        [low + Fraction(rng.random()) * (high - low) for low, high in near.domain]
        for _ in range(count)
    ]
    if len(near.domain) == 1:
        (ends,) = near.domain
        points += [[x] for x in segments(near.network, *ends).x]
    worst = mpmath.mpf(0)
    for p in points:
        y = exact(near.network, p)
        value = f(*(mpmath.mpf(v.numerator) / v.denominator for v in p))
        worst = max(worst, abs(mpmath.mpf(y.numerator) / y.denominator - value))
    return worst


def holds_and_is_met(near: ck.Approximation, tolerance: object, count: int = 60) -> None:
    assert near.error <= Fraction(tolerance)
    worst = sampled(near, count)
    assert (
        worst <= mpmath.mpf(near.error.numerator) / near.error.denominator + mpmath.mpf(10) ** -30
    )
    assert near.lower <= near.error <= 2 * near.lower  # no looser than that
    assert near.check()


# --- the two constructions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "box", "tolerance", "method"),
    [
        ("x**2", [(0, 1)], 1e-5, "folding"),
        ("0.1*x**2 - x/3 + 1/7", [(-1.7, 2.3)], 1e-4, "folding"),
        ("-3*x**2 + x", [(5, 6)], 1e-3, "folding"),
        ("x**2", [(-1, 1)], 1e-2, "interpolation"),
        ("3*x - 1/3", [(-2, 5)], 1e-9, None),
        ("sin(x)", [(0, 6.3)], 1e-2, "interpolation"),
        ("sin(x)", [(0, 6.3)], 2e-3, "folding"),
        ("exp(x)", [(-2, 1)], 1e-2, None),
        ("log(x)", [(0.1, 3)], 1e-2, None),
        ("sqrt(x)", [(0, 1)], 1e-2, None),
        ("x**1.5 + x**(1/3)", [(0, 1)], 3e-2, None),
        ("1/x", [(0.25, 4)], 3e-2, None),
        ("x**-2", [(-2, -0.5)], 3e-2, None),
        ("tan(x)", [(-1, 1)], 2e-2, None),
        ("tanh(3*x) + atan(x)/2", [(-2, 2)], 2e-2, None),
        ("sigmoid(x) - softplus(x)", [(-6, 6)], 2e-2, None),
        ("sinh(x)*cosh(x)", [(-1, 1)], 2e-2, None),
        ("exp(-x**2)*cos(3*x)", [(-2, 2)], 2e-2, None),
        ("2**x + x**x", [(0.5, 2)], 2e-2, None),
        ("pi*x**3 - x**5", [(-1, 1)], 2e-2, None),
    ],
)
def test_a_function_of_one_variable_is_met_within_a_bound_that_dense_samples_respect(
    text, box, tolerance, method
):
    near = ck.approximate(text, box, tolerance=tolerance, method=method)
    assert method in (None, near.method)
    holds_and_is_met(near, tolerance)


@pytest.mark.parametrize(
    ("text", "box", "tolerance"),
    [
        ("x1*x2", [(0, 1), (0, 1)], 1e-3),
        ("x1*x2", [(-3, 5), (0.1, 0.2)], 1e-3),
        ("x1*x2 + x3*x1 - 0.1*x2**2 + x3", [(-1, 1), (0, 2), (-0.3, 0.3)], 1e-2),
        ("3*x1**2 + 2*x1*x2 + x2**2/7", [(-1, 1), (-1, 1)], 1e-3),
        ("(x1 - 2*x2)**2", [(-1, 1), (0, 1)], 1e-2),
        ("x1**2 + x2", [(-1, 1), (0, 1)], 1e-2),
        ("x1/3 - x2 + 1/7", [(-1, 1), (0, 1)], 1e-9),
    ],
)
def test_a_quadratic_polynomial_of_several_variables_is_met_within_its_bound(text, box, tolerance):
    near = ck.approximate(text, box, tolerance=tolerance)
    assert near.error <= Fraction(tolerance)
    assert sampled(near, 200) <= near.error.numerator / mpmath.mpf(near.error.denominator)
    assert near.error <= 2 * near.lower or near.error < Fraction(1, 10**12)
    assert near.check()


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.integers(-4, 4), min_size=3, max_size=5),
    st.integers(-8, 7),
    st.integers(1, 8),
    st.sampled_from([Fraction(1, 20), Fraction(1, 300)]),
)
def test_a_random_polynomial_is_met_within_its_bound(coefficients, low, width, tolerance):
    e = sum(c * X**k / sympy.Integer(k + 2) for k, c in enumerate(coefficients))
    assume(e.free_symbols)
    box = [(Fraction(low, 4), Fraction(low + width, 4))]
    near = ck.approximate(e, box, tolerance=tolerance)
    assert near.error <= tolerance
    assert sampled(near, 30) <= near.error.numerator / mpmath.mpf(near.error.denominator) * (
        1 + mpmath.mpf(10) ** -25
    )
    assert near.error <= 2 * near.lower or not near.error
    assert near.check()


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(-6, 6), min_size=6, max_size=6), st.integers(1, 4))
def test_a_random_quadratic_form_is_met_within_its_bound(c, width):
    x, y, z = sympy.symbols("x1:4", real=True)
    pairs = [x * x, x * y, x * z, y * y, y * z, z * z]
    e = sum(sympy.Rational(v, 3) * p for v, p in zip(c, pairs, strict=True)) + x - z / 2
    near = ck.approximate(ck.Target(e, variables=(x, y, z)), [(-1, width)] * 3, tolerance=0.1)
    assert sampled(near, 100) <= near.error.numerator / mpmath.mpf(near.error.denominator)
    assert near.check()


@pytest.mark.parametrize("doublings", range(1, 7))
def test_folding_in_two_refines_the_square_as_yarotsky_says(doublings):
    square = Square((Fraction(1),), Fraction(0), Fraction(1), Fraction(1))
    net, moved = folded([square], [Fraction(0)], Fraction(0), [2] * doublings, Fraction(4))
    assert not moved and net.layer_sizes[1:-1] == (*[3] * (doublings - 1), 2)
    low, high = ck.enclose_error(net, "x**2", domain=[(0, 1)])
    assert low == high == Fraction(1, 8 * 4**doublings)


def test_the_best_three_units_for_a_square_leave_one_piece_level():
    """1/98 with a level piece; an even division into three leaves 1/72."""
    near = ck.approximate("x**2", [(0, 1)], tolerance=0.01025, method="interpolation")
    assert near.network.layer_sizes == (1, 3, 1)
    assert Fraction(1, 98) <= near.error <= Fraction(1025, 100_000)


def test_units_grow_like_the_root_of_the_accuracy_or_like_its_logarithm():
    def units(method, tolerance):
        return ck.approximate("x**2", [(0, 1)], tolerance=tolerance, method=method).n_units

    wide = [units("interpolation", t) for t in (1e-2, 1e-4)]
    deep = [units("folding", t) for t in (1e-2, 1e-4, 1e-6)]
    assert 8 < wide[1] / wide[0] < 12
    assert all(6 <= b - a <= 10 for a, b in itertools.pairwise(deep))


@pytest.mark.parametrize(
    ("text", "box"),
    [("sin(x)", [(0, 6)]), ("x**2", [(0, 1)]), ("x1*x2", [(0, 1), (0, 1)]), ("exp(x)", [(0, 1)])],
)
@pytest.mark.parametrize("method", [None, "folding"])
def test_what_is_not_proved_in_time_is_undecided(text, box, method):
    with pytest.raises(ck.Undecided, match=r"no network was proved to be within 0\.01 of"):
        ck.approximate(text, box, tolerance=0.01, method=method, time_limit=1e-9)


def test_no_network_of_thousands_of_units_is_built_when_the_time_is_over(monkeypatch):
    monkeypatch.setattr(approximate, "_from_floats", None)  # it took seconds
    with pytest.raises(ck.Undecided):
        ck.approximate("sin(300*x)", [(0, 1)], tolerance=1e-3, time_limit=1e-9)


def test_what_was_proved_when_the_time_is_over_is_returned(monkeypatch):
    def out_of_time(*_):
        raise approximate.OutOfTime

    monkeypatch.setattr(approximate._Search, "fold", out_of_time)
    near = ck.approximate("sin(x)", [(0, 6)], tolerance=1e-3, time_limit=300)
    assert near.method == "interpolation"
    assert near.check()


def test_the_proof_itself_stops_at_the_deadline():
    near = ck.approximate("sin(x)", [(0, 6)], tolerance=0.1)
    graph = segments(near.network, Fraction(0), Fraction(6))
    with pytest.raises(approximate.OutOfTime):
        approximate.worst_error(graph, near.target.expression, X, time.monotonic() - 1)


def test_the_method_with_fewer_units_is_taken():
    for text, box, tolerance in [("x**2", [(0, 1)], 1e-3), ("exp(x)", [(0, 1)], 2e-4)]:
        chosen = ck.approximate(text, box, tolerance=tolerance)
        either = [
            ck.approximate(text, box, tolerance=tolerance, method=m).n_units
            for m in ("interpolation", "folding")
        ]
        assert chosen.n_units == min(either)


# --- any network ----------------------------------------------------------------------------------------


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["sin(x)", "x**2", "exp(x)/2", "1/(2 + x)"]))
def test_the_error_of_any_network_is_enclosed(seed, text):
    rng = np.random.default_rng(seed)
    sizes = (1, 5, 4, 1)
    net = ck.Network(
        [rng.normal(size=(b, a)) for a, b in itertools.pairwise(sizes)],
        [rng.normal(size=b) for b in sizes[1:]],
        scale=Fraction(2, 3),
    )
    low, high = ck.enclose_error(net, text, domain=[(-1, 2)])
    x = np.linspace(-1, 2, 20_001)
    f = ck.approximate(text, [(-1, 2)], tolerance=1).target
    met = np.abs(net(x[:, None]) - f(x[:, None])).max()
    assert met <= float(high) + 1e-9 and float(low) - met <= 1e-3
    assert low <= high <= low * (1 + Fraction(1, 10**6))


def test_no_corner_of_a_network_is_missed():
    net = ck.compose(
        ck.circuit("abs"), ck.Network([[[1.0], [1.0]], [[3.0, -7.0]]], [[0, -0.3], [-0.1]])
    )
    graph = segments(net, Fraction(-1), Fraction(2))
    for x, y in zip(graph.x, graph.y, strict=True):
        assert exact(net, [x]) == y
    for (a, ya), (b, yb) in itertools.pairwise(zip(graph.x, graph.y, strict=True)):
        assert exact(net, [(a + b) / 2]) == (ya + yb) / 2


# --- the check refuses what is not so -------------------------------------------------------------------

NEAR = {
    "square": lambda: ck.approximate("x**2", [(0, 1)], tolerance=1e-3),
    "sine": lambda: ck.approximate("sin(x)", [(0, 6.3)], tolerance=1e-2),
    "folded sine": lambda: ck.approximate("sin(x)", [(0, 6.3)], tolerance=1e-2, method="folding"),
    "product": lambda: ck.approximate("x1*x2", [(0, 1), (0, 1)], tolerance=1e-2),
}


@pytest.mark.parametrize("name", NEAR)
def test_a_smaller_bound_a_wider_box_and_another_function_are_refused(name):
    near = NEAR[name]()
    assert near.check()
    assert replace(near, error=near.error * 2).check()
    assert not replace(near, error=near.lower * Fraction(9, 10)).check()
    assert not replace(near, domain=tuple((low - 1, high) for low, high in near.domain)).check()
    assert not replace(near, target=ck.target(str(near.target) + " + 0.1")).check()
    assert not replace(near, domain=near.domain * 2).check()


@pytest.mark.parametrize("name", NEAR)
def test_every_altered_weight_that_matters_is_refused(name):
    near = NEAR[name]()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(8):
        weights = [w.copy() for w in near.network.weights]
        layer = rng.integers(len(weights))
        nonzero = np.argwhere(weights[layer])
        k = tuple(nonzero[rng.integers(len(nonzero))])
        weights[layer][k] *= 1.3
        altered = replace(near, network=ck.Network(weights, near.network.biases))
        held = altered.check()
        refused += not held
        if held:  # then it is true
            assert sampled(altered, 100) <= float(near.error) * (1 + 1e-9)
    assert refused >= 5


def test_the_check_uses_neither_the_search_nor_its_arithmetic():
    source = Path(recheck.__file__).read_text(encoding="utf-8")
    for name in ("worst_error", "flint", "compiling.smooth", "squares", "sawtooth"):
        assert f"import {name}" not in source and f".{name} import" not in source


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "box", "message"),
    [
        ("1/x", [(-1, 1)], r"domain: expected numbers for which 1/x has a value (x != 0), got [-1, 1]"),
        ("x/x", [(-1, 1)], "domain: expected numbers for which x/x has a value"),
        ("log(x)", [(0, 1)], "domain: expected numbers for which log(x) has a value (x > 0)"),
        ("sqrt(x)", [(-1, 1)], "domain: expected numbers for which sqrt(x) has a value (x >= 0)"),
        ("x**0.5", [(-1, 1)], "domain: expected numbers for which x**0.5 has a value"),
        ("tan(x)", [(0, 2)], "domain: expected numbers for which tan(x) has a value (cos(x) != 0)"),
        ("tan(x) - tan(x)", [(0, 2)], "domain: expected numbers for which tan(x) has a value"),
        ("1/sin(t)", [(3, 4)], "domain: expected numbers for which 1/sin(t) has a value"),
        ("abs(x)", [(-1, 1)], "expr: expected a smooth function"),
        ("min(x1, x2)", [(-1, 1)] * 2, "expr: expected a smooth function"),
        ("min", [(-1, 1)] * 2, "expr: expected a smooth function"),
        ("floor(x)", [(-1, 1)], "expr: floor"),
        ("gamma(x)", [(1, 2)], "expr: unknown function 'gamma'"),
        ("x1*x2*x3", [(0, 1)] * 3, "expr: expected a polynomial of degree 2 at most"),
        ("sin(x1) + x2", [(0, 1)] * 2, "expr: expected a polynomial of degree 2 at most"),
        ("pi*x1*x2", [(0, 1)] * 2, "expr: expected a polynomial of degree 2 at most"),
        ("x, x**2", [(0, 1)], "expr: expected one function, got 2 outputs"),
        ("sin(x)", [(0, float("inf"))], "domain: expected finite ends"),
        ("sin(x)", None, "domain: expected a pair"),
        ("sin(x)", [(0, 1)] * 2, "domain: expected"),
        ("sin(x)", [(1, 1)], "domain: expected low < high"),
        ("sin(x)", ([[1], [-1]], [1, 1]), "domain: expected 1 pairs"),
        ("__import__('os')", [(0, 1)], "expr: cannot read"),
    ],
)  # fmt: skip
def test_what_cannot_be_approximated_is_refused_by_its_name(text, box, message):
    with pytest.raises((TypeError, ValueError)) as refused:
        ck.approximate(text, box, tolerance=0.1)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("tolerance", [1e-300, Fraction(1, 10**400), 1e-17])
def test_a_tolerance_out_of_reach_is_said_to_be(tolerance):
    for text in ("sin(x)", "x**2"):
        with pytest.raises(ValueError, match="^tolerance: expected one that"):
            ck.approximate(text, [(0, 1)], tolerance=tolerance)


def test_a_network_of_several_inputs_or_outputs_has_no_enclosure():
    with pytest.raises(ValueError, match="^net: expected one input and one output, got 2-3-1"):
        ck.enclose_error(ck.circuit("min"), "sin(x)", domain=[(0, 1)])
    with pytest.raises(ValueError, match="^f: expected a function of one variable"):
        ck.enclose_error(ck.circuit("abs"), "x1*x2", domain=[(0, 1)])


def test_a_sympy_expression_and_a_target_do_as_well_as_text():
    for f in (sympy.sin(X), ck.target("sin(x)"), "sin(x)", "sin(t)"):
        assert ck.approximate(f, [(0, 1)], tolerance=0.01).check()


def test_without_flint_squares_are_still_approximated(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "flint", None)
    assert ck.approximate("x**2", [(0, 1)], tolerance=0.01).check()
    with pytest.raises(ImportError, match="the extra 'exact'"):
        ck.approximate("sin(x)", [(0, 1)], tolerance=0.01)


def test_three_units_a_layer_can_cut_every_piece_into_four():
    # The zigzag of an exercise in the chapter `smooth`.
    zigzag = ck.Network([[[1], [1], [-1]], [[-12, 7, -10]]], [[-0.1, -0.6, 0.8], [8]])
    net = ck.compose(zigzag, ck.compose(zigzag, zigzag))
    x = np.linspace(0, 1, 100_001)[:, None]
    up = np.sign(np.diff(net(x)[:, 0])) > 0
    assert np.count_nonzero(up[1:] != up[:-1]) + 1 == 4**3
    assert np.allclose(zigzag([[0], [0.1], [0.6], [0.8], [1]])[:, 0], [0, 1, 0, 1, 0])


def test_two_layers_of_two_units_make_seven_pieces_at_most():
    rng = np.random.default_rng(0)
    x = np.linspace(-50, 50, 20_001)
    most = 0
    for _ in range(300):
        first = np.maximum(0, rng.normal(size=(2, 1)) * x + 3 * rng.normal(size=(2, 1)))
        z = rng.normal(size=(2, 2)) @ first + 3 * rng.normal(size=(2, 1))
        crossings = np.count_nonzero(np.diff(np.sign(z), axis=1), axis=1)
        assert max(crossings) <= 2
        most = max(most, crossings.sum())
    assert most == 4


# --- hostile cases ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["sin(x)", "x**2", "x1*x2"])
def altered(request: pytest.FixtureRequest) -> ck.Approximation:
    """One approximation of each kind, to be altered."""
    box = [(0, 1)] * (2 if "x2" in request.param else 1)
    return ck.approximate(request.param, box, tolerance=0.01)


def test_an_error_that_is_met_nowhere_is_not_accepted(altered: ck.Approximation) -> None:
    assert altered.check()
    assert altered.lower > 0
    for lower in (altered.error * 2, Fraction(10), float("nan"), None):
        assert not replace(altered, lower=lower).check()
    at = altered.at
    assert at is not None
    for elsewhere in (None, (), (Fraction(2),) * len(at), tuple(v + 3 for v in at)):
        assert not replace(altered, at=elsewhere).check()
    assert replace(altered, lower=Fraction(0), at=None).check()


@pytest.mark.parametrize(
    "ends",
    [
        (Fraction(1, 2), Fraction(1, 2)),
        (Fraction(1), Fraction(0)),
        (float("-inf"), float("inf")),
        (float("nan"), 1),
        (None, 1),
        ("0", "1"),
    ],
)
@pytest.mark.parametrize("error", [None, Fraction(0), Fraction(-1)])
def test_nothing_is_accepted_on_what_is_no_box(
    altered: ck.Approximation, ends: tuple[object, object], error: Fraction | None
) -> None:
    box = (ends,) * len(altered.domain)
    changed = replace(altered, domain=box, error=altered.error if error is None else error)
    assert not replace(changed, lower=Fraction(0)).check()


@pytest.mark.parametrize(
    "change",
    [
        {"error": float("nan")},
        {"error": float("inf")},
        {"error": None},
        {"error": "1"},
        {"network": None},
        {"domain": None},
        {"domain": ()},
        {"target": None},
        {"target": "x"},
        {"target": ck.target("abs(x)")},
        {"target": ck.target(("x", "x"))},
    ],
    ids=str,
)
def test_what_is_no_approximation_is_not_accepted(
    altered: ck.Approximation, change: dict[str, object]
) -> None:
    assert not replace(altered, **change).check()


def test_floats_are_the_numbers_that_they_are() -> None:
    near = ck.approximate("sin(x)", [(0, 1)], tolerance=0.01)
    assert replace(near, domain=((0.0, 1.0),), error=0.01).check()
    assert not replace(near, domain=((0.0, 1.0),), error=float(near.lower) * 0.99).check()


@pytest.mark.parametrize(("low", "high"), [(4543.275050586896, 4543.332625212646)])
def test_intervals_of_the_arctangent_contain_it(low: float, high: float) -> None:
    outside, recheck.iv.prec = recheck.iv.prec, 140
    try:
        found = recheck._FUNCTIONS[sympy.atan](recheck.iv.mpf([low, high]))
        with mpmath.workprec(300):
            ends = [mpmath.mp.make_mpf(v) for v in found._mpi_]
            assert ends[0] <= mpmath.atan(low) < mpmath.atan(high) <= ends[1]
    finally:
        recheck.iv.prec = outside


def test_a_bound_that_is_met_exactly_is_verified() -> None:
    """The peak of this function, 1, is no corner of the graph, and the first piece is level there."""
    box = [(Fraction(-1, 3), Fraction(9, 10))]
    assert ck.approximate("1/(1+x**2)", box, tolerance=0.04909760150818279).check()


@pytest.mark.parametrize(
    ("f", "ends", "tolerance"),
    [
        ("x**2", (1, 1 + 2**-52), 0.01),
        ("sin(x)", (Fraction(1, 3), Fraction(1, 3) + Fraction(1, 10**30)), 0.01),
        ("sin(x)", (0, 1), np.float32(0.1)),
        ("sin(x)", (0, 1), 10**400),
        ("x**2", (0, 1), Fraction(10**400)),
        ("x**2", (0, 1), np.int64(1)),
    ],
)
def test_short_intervals_and_numbers_of_any_kind_will_do(
    f: str, ends: tuple[float, float], tolerance: float
) -> None:
    near = ck.approximate(f, [ends], tolerance=tolerance)
    assert isinstance(near.error, Fraction)
    assert near.check()


@pytest.mark.parametrize(
    ("f", "ends", "named"),
    [
        ("sin(x)", (-1e308, 1e308), "domain: expected"),
        ("x**2", (10**400, 10**401), "domain: expected"),
        ("x**2", (1e16, 1e16 + 2), "tolerance: expected"),
        ("sin(x)", (1e16, 1e16 + 2), "tolerance: expected"),
        ("1e308*x**2", (0, 1), "expr: expected"),
        ("softplus(1000*x)", (0, 1), "expr: expected"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_doubles_do_not_hold_is_refused_by_name(
    f: str, ends: tuple[float, float], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        ck.approximate(f, [ends], tolerance=0.01)


@pytest.mark.parametrize(("low", "high"), [(123456.4, 123476), (1000.06, 1010), (1e9, 1e9 + 3)])
def test_it_says_no_more_than_its_domain(low, high):
    text = repr(ck.approximate("x**2", [(low, high)], tolerance=1))
    ends = re.search(r"on \[(.*?), (.*?)\]", text)
    assert [float(end) for end in ends.groups()] == [low, high]


@pytest.mark.parametrize(
    ("text", "domain", "tolerance"),
    [
        ("exp(x)", [(700, 709)], 1e306),
        ("exp(x)", [(300, 400)], 1e173),
        ("1e300*x**2", [(0, 1)], 1e298),
        ("1e200*sin(x)", [(0, 6)], 1e199),
        ("1e307*x**2", [(-4, 4)], 1e306),
        ("x**2", [(0, 1e154)], 1e306),
        ("1e300*x", [(0, 1)], 1e290),
        ("1e300*x1*x2", [(0, 1)] * 2, 1e298),
    ],
)
def test_functions_of_values_near_the_largest_doubles_are_approximated_without_a_warning(
    text, domain, tolerance
):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = ck.approximate(text, domain, tolerance=tolerance)
    assert 0 < near.lower <= near.error <= Fraction(tolerance)
    assert near.check()
    if len(domain) == 1:
        low, high = ck.enclose_error(near.network, text, domain=domain)
        assert low <= near.error
        assert high <= near.error * (1 + Fraction(1, 10**5))


def test_large_values_are_folded_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = ck.approximate("exp(x)", [(700, 709)], tolerance=1e306, method="folding")
    assert near.error <= Fraction(1e306)
    assert near.check()


def test_a_refusal_gives_the_tolerance_that_was_given():
    with pytest.raises(ValueError, match=r"^tolerance: expected one that .* got 1e\+305$"):
        ck.approximate("sinh(x)", [(-709, 709)], tolerance=1e305, method="folding")


@pytest.mark.parametrize("low", [1e12, 1e15, -1e15 - 3])
def test_few_kinks_are_laid_far_from_zero(low):
    near = ck.approximate("sin(x)", [(low, low + 3)], tolerance=0.1)
    assert near.n_units <= 6
    assert near.check()
    assert ck.enclose_error(near.network, "sin(x)", domain=[(low, low + 3)])[1] <= Fraction(1, 10)


@pytest.mark.parametrize(("low", "method"), [(1e16, None), (1e12, "folding")])
def test_where_doubles_are_too_few_to_bend_at_the_refusal_says_what_was_not_tried(low, method):
    with pytest.raises(
        ValueError, match=r"too few doubles: no network that bends there was tried$"
    ):
        ck.approximate("sin(x)", [(low, low + 4)], tolerance=0.1, method=method)
