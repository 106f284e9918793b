"""The normal form of piecewise-linear targets: one answer to every question about one."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.core.cache import clear_cache
from timing import timed

import circuitkit as ck
from circuitkit.exact.canonical import function_form
from circuitkit.training.outcomes import worst_errors

X = sympy.Symbol("x", real=True)
IDENTITY = ck.circuit("identity")


def raw(function, *arguments):
    return function(*arguments, evaluate=False)


#: spelled so that looking at the expression alone misleads -> the same, said plainly
DISGUISED = {
    "multiplied out": (X * (X + 1) - X**2, "x"),
    "inside abs": (sympy.Abs(X * (X + 1) - X**2), "abs(x)"),
    "a product of absolute values": (raw(sympy.Mul, sympy.Abs(X), sympy.Abs(X)) - X**2 + X, "x"),
    "a number in abs": (X + raw(sympy.Abs, -3), "x + 3"),
    "a factor in abs": (raw(sympy.Mul, raw(sympy.Abs, -3), X), "3*x"),
    "a maximum of numbers": (X + raw(sympy.Max, 1, 2), "x + 2"),
    "constants that cancel": (raw(sympy.Add, X, 1, -1), "x"),
    "to the first power": (raw(sympy.Pow, X, 1), "x"),
    "to the power 0": (X + raw(sympy.Pow, X, 0), "x + 1"),
    "a root of a square": (raw(sympy.Mul, raw(sympy.Pow, 4, sympy.Rational(1, 2)), X), "2*x"),
    "roots that cancel": ((sympy.sqrt(2) + 1) * (sympy.sqrt(2) - 1) * X, "x"),
    "a divisor": (raw(sympy.Mul, X, raw(sympy.Pow, 3, -1)), "x/3"),
    "a fraction and a float": (
        raw(sympy.Mul, sympy.Rational(1, 2) + sympy.Float(0.25), X),
        "3*x/4",
    ),
    "a maximum of one": (raw(sympy.Max, X, X) + 1, "x + 1"),
    "a maximum with a number to spare": (raw(sympy.Max, X, X + 1), "x + 1"),
    "absolute twice": (raw(sympy.Abs, raw(sympy.Abs, X)), "abs(x)"),
}


@pytest.mark.parametrize("case", DISGUISED)
def test_a_function_is_the_same_whatever_it_is_spelled_as(case):
    disguised, plain = DISGUISED[case]
    f, g = ck.Target(disguised, variables=[X]), ck.target(plain)
    assert f.is_piecewise_linear
    assert f.exact_pieces.is_homogeneous == g.exact_pieces.is_homogeneous
    assert function_form(f) == function_form(g)
    assert f.pieces([Fraction(-7, 3)]) == g.pieces([Fraction(-7, 3)])
    weights = [w[None] for w in IDENTITY.weights]
    assert worst_errors(f, weights) == pytest.approx(worst_errors(g, weights), abs=0)
    assert ck.prove(IDENTITY, f).exact_error == ck.prove(IDENTITY, g).exact_error
    np.testing.assert_allclose(f([[-2.5], [3]]), g([[-2.5], [3]]), rtol=1e-15)


NOT_LINEAR = {
    "x**2": "x**2",
    "x*abs(x)": "x*abs(x)",
    "1 + sin(2*x)": "sin(2*x)",
    "1/(1 + x**2)": "1/(1 + x**2)",
    "max(x, exp(x))": "exp(x)",
}


@pytest.mark.parametrize("text", NOT_LINEAR)
def test_the_part_that_is_not_linear_is_named(text):
    f = ck.target(text)
    assert not f.is_piecewise_linear
    with pytest.raises(ValueError, match=re.escape(f"got {f}: {NOT_LINEAR[text]} is not")):
        _ = f.pieces


def test_what_is_not_defined_everywhere_is_not_multiplied_out():
    # (x**2 + x)/x is x + 1 everywhere but at 0
    f = ck.Target((X**2 + X) / X)
    assert not f.is_piecewise_linear


X1, X2 = sympy.symbols("x1 x2", real=True)
CONDITIONS = {
    "relu": (sympy.Piecewise((X, X > 0), (0, True)), "max(x, 0)"),
    "relu, at most": (sympy.Piecewise((0, X <= 0), (X, True)), "max(x, 0)"),
    "Heaviside": (X * sympy.Heaviside(X), "max(x, 0)"),
    "sign": (X * sympy.sign(X) + 1, "abs(x) + 1"),
    "clamp": (sympy.Piecewise((-1, X < -1), (X, X <= 1), (1, True)), "clamp(x, -1, 1)"),
    "hat": (
        sympy.Piecewise((1 - X, (X >= 0) & (X < 1)), (1 + X, (X < 0) & (X > -1)), (0, True)),
        "max(0, 1 - abs(x))",
    ),
    "shifted": ((X - 1) * sympy.Heaviside(2 * X - 2), "max(x - 1, 0)"),
    "max of two": (sympy.Piecewise((X1, X1 > X2), (X2, True)), "max(x1, x2)"),
    "min of two": (sympy.Piecewise((X1, X1 <= X2), (X2, True)), "min(x1, x2)"),
    "of a plane": (
        sympy.Piecewise((X1 + 3 * X2 - 3, X1 + X2 > 1), (2 * X2 - 2, True)),
        "2*x2 - 2 + relu(x1 + x2 - 1)",
    ),
    "not everywhere alike": (2 * sympy.Piecewise((X, X > 0), (3 * X, True)), "4*min(x, 0) + 2*x"),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_conditions_whose_pieces_meet_are_maxima(case):
    written, plain = CONDITIONS[case]
    f, g = ck.Target(written), ck.target(plain)
    for a, b in itertools.product([Fraction(k, 4) for k in range(-12, 13)], repeat=2):
        x = [a, b][: f.n_inputs]
        assert f.exact_pieces(x) == g.exact_pieces(x)
        assert f([float(v) for v in x]) == pytest.approx(g([float(v) for v in x]), abs=1e-12)


JUMPING = {
    "a step": sympy.Heaviside(X),
    "a jump": sympy.Piecewise((X, X > 0), (1, True)),
    "a hole": sympy.Piecewise((1, sympy.Eq(X, 0)), (X, True)),
    "not straight": sympy.Piecewise((X**2, X > 0), (0, True)),
    "pieces of a plane that do not meet": sympy.Piecewise((X1, X1 > X2 + 1), (X2, True)),
    "no case left": sympy.Piecewise((X, X > 0)),
}


@pytest.mark.parametrize("case", JUMPING)
def test_conditions_whose_pieces_do_not_meet_stay_as_they_are(case):
    assert not ck.Target(JUMPING[case]).is_piecewise_linear


def test_a_conditional_is_named_as_a_whole():
    f = ck.Target(sympy.Piecewise((X, X > 0), (1, True)))
    with pytest.raises(ValueError, match="Piecewise"):
        _ = f.pieces


def test_a_number_that_is_no_fraction_is_linear_but_not_exact():
    for e in (sympy.sqrt(2) * X, sympy.Max(X, sympy.pi)):
        f = ck.Target(e)
        assert f.is_piecewise_linear
        assert len(f.pieces.rounded) == 1
        with pytest.raises(ValueError, match="with rational numbers .*: (sqrt|pi)"):
            _ = f.exact_pieces
        with pytest.raises(ValueError, match="with rational numbers"):
            function_form(f)
    root = float(np.sqrt(2))
    assert worst_errors(ck.Target(sympy.sqrt(2) * X), [[[[1.0]]]]) == pytest.approx(root - 1)
    assert not ck.Target(sympy.asin(2) * X).is_piecewise_linear  # no real number


def test_a_float_is_the_fraction_that_it_is():
    assert ck.Target(sympy.Float(0.1) * X).exact_pieces([1]) == [Fraction(0.1)]
    assert ck.target("0.1*x").exact_pieces([1]) == [Fraction(1, 10)]


def test_maxima_are_shared_flattened_and_only_kept_where_they_are_read():
    shared = ck.target("max(x1, x2) + 2*max(x2, x1), abs(max(x1, x2))").pieces
    assert len(shared.nodes) == 2
    nested = raw(sympy.Max, raw(sympy.Max, *sympy.symbols("x1 x2")), sympy.Symbol("x3"))
    assert [len(node) for node in ck.Target(nested).pieces.nodes] == [3]
    low = raw(sympy.Min, raw(sympy.Min, *sympy.symbols("x1 x2")), sympy.Symbol("x3"))
    assert [len(node) for node in ck.Target(low).pieces.nodes] == [3]
    gone = raw(sympy.Add, sympy.Max(X, 1), -sympy.Max(X, 1), X)
    assert ck.Target(gone).pieces.nodes == ()
    assert ck.Target(gone).pieces.is_homogeneous


def test_the_form_is_made_once():
    f = ck.target("min(x1, x2)")
    assert f.pieces is f.pieces is f.exact_pieces


@st.composite
def functions(draw, depth=3):
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["x1", "x2", "2", "-1/3", "(x1 - x2)", "0.5*x2"]))
    a, b, c = (draw(functions(depth - 1)) for _ in range(3))
    form = draw(
        st.sampled_from(["({}+{})", "(3*{}-{}/7)", "min({},{})", "max({},{},{})", "abs({})"])
    )
    return form.format(a, b, c)


@settings(max_examples=60, deadline=None)
@given(functions(), st.lists(st.fractions(-9, 9, max_denominator=9), min_size=2, max_size=2))
def test_exact_values_are_those_of_the_expression(text, x):
    f = ck.target(f"{text} + 0*x1 + 0*x2")
    at = {
        v: sympy.Rational(a.numerator, a.denominator) for v, a in zip(f.variables, x, strict=True)
    }
    wanted = sympy.Rational(f.expression.xreplace(at))
    assert f.pieces(x) == [Fraction(int(wanted.p), int(wanted.q))]
    point = np.array([float(v) for v in x])
    scaled = f.pieces.values(np.array([*(2 * point), 2.0]))
    np.testing.assert_allclose(scaled / 2, f(point), rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(functions())
def test_between_breakpoints_the_function_is_straight(text):
    pieces = ck.target(f"{text} + 0*x1 + 0*x2").pieces
    start, end = np.array([-2.0, 0.7, 1]), np.array([1.5, -3.1, 0])
    t = pieces.breakpoints(start, end)
    assert t[0] == 0
    assert t[-1] == 1

    def at(shares):
        return pieces.values(np.outer(1 - shares, start) + np.outer(shares, end))[:, 0]

    middle = at((t[1:] + t[:-1]) / 2)
    values = at(t)
    np.testing.assert_allclose(middle, (values[1:] + values[:-1]) / 2, rtol=1e-9, atol=1e-9)


@pytest.mark.no_cover  # tracing takes time of its own
def test_a_minimum_of_256_numbers_takes_no_time():
    names, spaces = [f"x{i + 1}" for i in range(256)], itertools.count()
    x = np.random.default_rng(0).normal(size=(5, 256))

    def read():
        clear_cache()  # and a text that was not read before
        f = ck.target(f"min({(',' + ' ' * next(spaces)).join(names)})")
        return f, f(x)[:, 0]

    seconds, (f, values) = timed(read, below=5)
    assert seconds < 5  # SymPy's own simplification takes a minute, twice
    assert [len(node) for node in f.pieces.nodes] == [256]
    np.testing.assert_array_equal(values, x.min(axis=1))


def test_deeply_nested_expressions_are_read():
    e = X
    for k in range(150):
        e = raw(sympy.Max, -e, X - k)
    f = ck.Target(e)
    assert f.pieces.depths[-1] == 150


@pytest.mark.no_cover  # tracing takes time of its own
def test_a_product_too_large_to_multiply_out_is_refused_at_once():
    many = sum(sympy.symbols("x1:100"))

    def read():
        clear_cache()
        return ck.Target((many + 1) ** 16 - many).is_piecewise_linear

    seconds, linear = timed(read, below=5)
    assert not linear
    assert seconds < 5
