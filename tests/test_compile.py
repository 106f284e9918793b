"""Every expression becomes a network that is proved to equal it, at tolerance 0, with few units."""

import tomllib
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import timed

import circuitkit as ck
from circuitkit.compiling.circuit import Circuit
from circuitkit.compiling.order import comparators, order_statistics

#: functions, and the widths that they take
TABLE = (Path(__file__).parent / "compiled.toml").read_text(encoding="utf-8")
FUNCTIONS = tomllib.loads(TABLE)["functions"]


@pytest.mark.parametrize("function", FUNCTIONS, ids=[f["name"] for f in FUNCTIONS])
def test_each_function_of_the_table_is_proved_and_as_small_as_was_found(function):
    expression = function["expression"]
    net = ck.compile_expression(expression)
    proof = ck.prove(net, expression)
    assert proof
    assert ck.check(proof.certificate, net, expression)
    assert list(net.layer_sizes[1:-1]) == function["hidden"]
    assert sum(function["hidden"]) <= function.get("before", 10**6)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["maximum of 16", "median of 5", "sort of 4"])
def test_the_largest_compile_and_are_proved_within_a_second_each(name):
    expression = next(f["expression"] for f in FUNCTIONS if f["name"] == name)
    compiled, net = timed(lambda: ck.compile_expression(expression), below=1)
    proved, proof = timed(lambda: ck.prove(net, expression), below=1)
    assert proof
    assert max(compiled, proved) < 1, (compiled, proved)


@pytest.mark.parametrize("n", [7, 11, 13, 15, 20])
def test_a_maximum_of_many_is_proved_at_once(n):
    expression = f"max({', '.join(f'x{i + 1}' for i in range(n))})"
    assert ck.prove(ck.compile_expression(expression), expression).engine == "rewriting"


# --- random expressions ------------------------------------------------------------------------------

NUMBERS = st.fractions(-3, 3, max_denominator=12)
LEAVES = st.one_of(st.sampled_from(["x1", "x2", "x3"]), NUMBERS.map(lambda q: f"({q})"))


def larger(parts):
    two, three = st.tuples(parts, parts), st.tuples(parts, parts, parts)
    return st.one_of(
        two.map(lambda p: f"({p[0]} + {p[1]})"),
        two.map(lambda p: f"({p[0]} - {p[1]})"),
        two.map(lambda p: f"max({p[0]}, {p[1]})"),
        three.map(lambda p: f"min({p[0]}, {p[1]}, {p[2]})"),
        three.map(lambda p: f"median({p[0]}, {p[1]}, {p[2]})"),
        three.map(lambda p: f"range({p[0]}, {p[1]}, {p[2]})"),
        parts.map(lambda p: f"abs({p})"),
        parts.map(lambda p: f"relu({p})"),
        parts.map(lambda p: f"clamp({p}, -1, 1/3)"),
        st.tuples(NUMBERS, parts).map(lambda p: f"({p[0]})*{p[1]}"),
    )


EXPRESSIONS = st.recursive(LEAVES, larger, max_leaves=5)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS)
def test_a_random_expression_is_proved_at_tolerance_0(expression):
    text = f"{expression} + 0*x1 + 0*x2 + 0*x3"
    net = ck.compile_expression(text)
    assert ck.prove(net, text, time_limit=60)


@settings(max_examples=40, deadline=None)
@given(EXPRESSIONS, st.lists(NUMBERS, min_size=3, max_size=3))
def test_the_exact_values_are_the_expressions(expression, x):
    f = ck.target(f"{expression} + 0*x1 + 0*x2 + 0*x3")
    h = list(x)
    for i, (w, b) in enumerate(ck.compile_expression(f).exact_layers):
        h = [max(v, Fraction(0)) for v in h] if i else h
        h = [
            sum((a * v for a, v in zip(row, h, strict=True)), c)
            for row, c in zip(w, b, strict=True)
        ]
    assert h == f.pieces(x)


# --- the forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7])
def test_comparators_sort_every_order(n):
    for order in permutations(range(n)):
        wires = list(order)
        for i, j in comparators(n, frozenset(range(n))):
            wires[i], wires[j] = sorted((wires[i], wires[j]))
        assert wires == list(range(n))


def test_an_order_statistic_is_known_however_it_is_written():
    for text in (
        "median(x1, x2, x3)",
        "max(min(x1, x2), min(x3, max(x1, x2)))",
        "min(max(x1, x2), max(x1, x3), max(x2, x3))",
        "-median(-x1, -x2, -x3)",
        "2*median(x1/2, x2/2, x3/2) + 1 - 1",
    ):
        assert 2 in [o.k for o in order_statistics(ck.target(text).pieces).values()], text
    for text in ("max(x1, min(x2, x3))", "max(x1, x2, x3)", "max(min(x1, x2), x3 + x1)"):
        assert order_statistics(ck.target(text).pieces) == {}


def test_a_unit_is_built_once_for_all_multiples_of_its_row():
    circuit = Circuit(2)
    row = {0: 2, 1: -3, 2: 1}
    once = circuit.relu(row)
    fifth = {c: Fraction(v, 5) for c, v in row.items()}
    assert circuit.relu(fifth) == {c: Fraction(v, 5) for c, v in once.items()}
    assert circuit.relu({c: -v for c, v in row.items()}) == {0: -2, 1: 3, 2: -1, 3: 1}
    assert len(circuit.units) == 1
    assert circuit.relu({3: 1, 2: 1}) == {3: 1, 2: 1}  # never negative
    assert circuit.relu({3: -1}) == {}


# --- what is asked for -------------------------------------------------------------------------------


def test_an_affine_function_takes_the_decks_form_when_asked():
    net = ck.compile_expression("x", hidden=(2,))
    assert net == ck.circuit("identity")
    assert ck.compile_expression("x", hidden=2) == net
    deep = ck.compile_expression("2*x1 - x2/3", hidden=(2, 3, 4))
    assert deep.layer_sizes == (2, 2, 3, 4, 1)
    assert ck.prove(deep, "2*x1 - x2/3")


def test_a_given_depth_is_kept_to():
    flat = ck.compile_expression("abs(abs(abs(x) - 2) - 1)", hidden=8)
    assert flat.layer_sizes == (1, 8, 1)
    assert ck.prove(flat, "abs(abs(abs(x) - 2) - 1)")
    assert ck.prove(ck.compile_expression("max(x1, x2)", hidden=(4, 4, 4)), "max")


@pytest.mark.parametrize(
    ("expression", "hidden", "least"),
    [
        ("max(x1, x2)", (2,), r"3 units in 1 layer \(3\)"),
        ("x", (1,), r"2 units in 1 layer \(2\)"),
        ("max(x1, x2, x3)", (9,), r"8 units in 2 layers \(5-3\)"),
        ("abs(x)", (), r"2 units in 1 layer \(2\)"),
    ],
)
def test_hidden_layers_that_are_too_small_are_refused_with_the_least_that_was_found(
    expression, hidden, least
):
    with pytest.raises(ValueError, match=rf"hidden: expected at least {least}"):
        ck.compile_expression(expression, hidden=hidden)


@pytest.mark.parametrize(
    "hidden", ["2", 1.5, True, [1.5], 0, -1, (2, 0), (True,), {2}, [None], (1,) * 101, 10**9]
)
def test_hidden_that_means_nothing_is_refused(hidden):
    with pytest.raises((TypeError, ValueError), match="^hidden: expected"):
        ck.compile_expression("x", hidden=hidden)


@pytest.mark.parametrize(
    "expression",
    ["x**2", "x1*x2", "floor(x)", "sqrt(2)*x", "nonsense(x)", "", "x1 <= x2", "exp(x)", "pi*x"],
)
def test_what_has_no_exact_network_is_refused(expression):
    with pytest.raises(ValueError, match="^expr: "):
        ck.compile_expression(expression)


@pytest.mark.parametrize("expression", [3, None, {"min"}, ck.circuit("abs"), b"x", lambda x: x])
def test_what_is_no_function_is_refused(expression):
    with pytest.raises(TypeError, match="^expr: "):
        ck.compile_expression(expression)


def test_sympy_targets_lists_and_piecewise_are_taken():
    x = sympy.Symbol("x", real=True)
    a, b = sympy.symbols("a b", real=True)
    for expression in (
        sympy.Max(x, -x / 3),
        sympy.Piecewise((x, x > 0), (0, True)),
        ck.target("clamp(x, -1, 1)"),
        [sympy.Abs(x), x / 7],
        ck.Target(sympy.Max(a, b), variables=(a, b)),
        "max",
        "3/7",
    ):
        net = ck.compile_expression(expression)
        assert ck.prove(net, ck.target(expression))


def test_an_output_scale_keeps_what_no_double_is():
    net = ck.compile_expression("x/3")
    assert net.scale == Fraction(1, 3)
    assert net(1)[0] == 1 / 3
    assert not ck.prove(ck.Network([[[1 / 3]]]), "x/3")
    assert ck.prove(net, "x/3")


@pytest.mark.parametrize(
    "expression",
    [
        "1000000000000000000000000000001*x1 + x2",
        "x1/3 + 0.1234567890123456789*x2",
        "relu(x - 10000000000000000000000000000001) + abs(x/3)",
        "max(1000000000000000000000000000001*x1 + x2/7, x2 + 123456789012345678901/1000)",
        "1e300*x",
    ],
)
def test_numbers_of_more_digits_than_a_double_has_are_sums_of_several(expression):
    net = ck.compile_expression(expression)
    assert ck.prove(net, expression)


def test_numbers_too_far_apart_for_doubles_are_refused():
    with pytest.raises(ValueError, match="^expr: expected numbers near enough"):
        ck.compile_expression("1e-300*x1 + 1e300*x2")
    with pytest.raises(ValueError, match="hidden: expected at least 6 units in 1 layer"):
        ck.compile_expression("1000000000000000000000000000001*x1 + x2", hidden=())


@pytest.mark.parametrize("text", ["abs(x)*1e-320", "1e-320*x", "1e308*x + 1e308*x"])
def test_a_factor_beyond_the_doubles_is_the_expressions_fault(text):
    with pytest.raises(ValueError, match="expr: expected numbers near enough to each other"):
        ck.compile_expression(text)
