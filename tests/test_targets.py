"""Targets: values, exactness, and a reader of text that evaluates nothing."""

from __future__ import annotations

import contextlib
import copy
import pickle

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy.printing.numpy import NumPyPrinter

import circuitkit as ck
from circuitkit import Target, target
from circuitkit.functions.language import CATALOGUE, parse
from circuitkit.functions.relation import relation

SPELLED = {
    "identity": lambda x: x[..., 0],
    "negation": lambda x: -x[..., 0],
    "abs": lambda x: np.abs(x[..., 0]),
    "add": lambda x: x[..., 0] + x[..., 1],
    "subtract": lambda x: x[..., 0] - x[..., 1],
    "min": lambda x: x.min(-1),
    "max": lambda x: x.max(-1),
    "min4": lambda x: x.min(-1),
}

X = sympy.Symbol("x", real=True)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_catalogue_function_is_its_numpy_function(name):
    f = target(name)
    x = np.random.default_rng(0).normal(size=(6, 50, f.n_inputs)) * 10
    assert f.name == name
    assert f(x).shape == (6, 50, 1)
    np.testing.assert_array_equal(f(x)[..., 0], SPELLED[name](x))


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["x1", "x2", "x3", "2", "0.5", "1e-2"]))
    a, b = draw(expressions(depth - 1)), draw(expressions(depth - 1))
    form = draw(
        st.sampled_from(["({}+{})", "({}-{})", "min({},{})", "max({},{})", "abs({})", "-{}"])
    )
    return form.format(a, b)


@given(expressions(), st.lists(st.integers(-9, 9), min_size=3, max_size=3))
def test_text_means_what_python_would_make_of_it(text, x):
    f = target(f"{text} + 0*x3")  # so that it always has three inputs
    names = {"min": min, "max": max, "abs": abs, "x1": x[0], "x2": x[1], "x3": x[2]}
    expected = eval(text, {"__builtins__": {}}, names)
    np.testing.assert_allclose(f(x), [expected], atol=1e-12)


@given(expressions())
def test_the_text_of_a_target_reads_back_as_the_same_function(text):
    f = target(f"{text} + x3")
    again = target(f"{f} + 0*x3")
    x = np.random.default_rng(0).integers(-9, 10, (50, 3))
    np.testing.assert_allclose(again(x), f(x), atol=1e-12)


def test_relu_and_clamp_are_spelled_with_min_and_max():
    assert target("relu(x)") == target("max(x, 0)")
    np.testing.assert_array_equal(target("clamp(x, -1, 2)")([[-5], [0], [5]]), [[-1], [0], [2]])


def test_decimals_are_exact():
    assert target("0.1*x").expression == sympy.Rational(1, 10) * target("identity").expression


def test_a_variable_that_cancels_is_still_an_input():
    assert target("x1 + 0*x2").n_inputs == 2
    assert target("x1 - x3 + x3").n_inputs == 3


def test_constants_and_unused_inputs():
    np.testing.assert_array_equal(target("3")([[1], [2]]), [[3], [3]])
    f = target("x3")
    assert f.n_inputs == 3
    np.testing.assert_array_equal(f([1, 2, 7]), [7])


def test_a_comma_makes_several_outputs():
    f = target("min(x1, x2), max(x1, x2)")
    assert (f.n_inputs, f.n_outputs) == (2, 2)
    np.testing.assert_array_equal(f([[5, 3]]), [[3, 5]])


def test_sympy_expressions_of_complex_symbols_become_real():
    x = sympy.Symbol("x")
    assert target(sympy.Abs(x)) == target("abs")
    assert target(target("abs")) is not None


def test_other_variable_names_need_their_order():
    a, b = sympy.symbols("a b")
    f = Target(a - b, variables=(b, a))
    np.testing.assert_array_equal(f([1, 5]), [4])
    with pytest.raises(
        ValueError, match=r"the variables x, or x1, x2, .*got 'a'; .*variables=\(a, b\)\)"
    ):
        target(a - b)
    assert repr(target(sympy.Abs(a))) == "Target(f(x) = abs(x), where x = a)"
    with pytest.raises(
        ValueError, match=r"variables: expected distinct names that include \['a', 'b'\]"
    ):
        Target(a - b, variables=(a,))


@pytest.mark.parametrize("told", ["positive", "nonnegative", "negative", "integer", "rational"])
def test_variables_that_cannot_be_any_number_are_refused(told):
    # SymPy has made x of max(x, 0) already, if it was told that x is positive
    x = sympy.Symbol("x", **{told: True})
    for make in (lambda: target(sympy.Max(x + 1, 0)), lambda: Target(0 * x, variables=[x])):
        with pytest.raises(
            ValueError, match=rf"any real number, got x with {told}=True; make them"
        ):
            make()
    for harmless in ({}, {"real": True}, {"finite": True}, {"complex": True}):
        assert target(sympy.Abs(sympy.Symbol("x", **harmless))) == target("abs")


def test_what_is_not_an_expression_of_numbers_is_refused_when_it_is_made():
    x = sympy.Symbol("x")
    with pytest.raises(TypeError, match="got Lambda.*; give what it returns"):
        target(sympy.Lambda(x, sympy.Abs(x)))
    with pytest.raises(ValueError, match=r"expected functions that numpy computes.* got f\(x\)"):
        target(sympy.Function("f")(x))


@pytest.mark.parametrize("text", ["relu(x)", "max(x1, 0)", "clamp(x, -1, 1)", "max(x, 0)*sin(x)"])
def test_arrays_and_numbers_mix_whatever_sympy_prints_for_a_maximum(text, monkeypatch):
    # SymPy 1.13 prints numpy.amax((0, x), axis=0), which numpy refuses: a number beside an array
    def amax(self, e, name="numpy.amax"):
        return f"{name}(({', '.join(map(self._print, e.args))}), axis=0)"

    monkeypatch.setattr(NumPyPrinter, "_print_Max", amax)
    monkeypatch.setattr(NumPyPrinter, "_print_Min", lambda s, e: amax(s, e, "numpy.amin"))
    assert target(text)(np.ones((2, 1))).shape == (2, 1)


TYPED = {
    "|x|": "abs(x)",
    "||x| − 1|": "abs(abs(x) - 1)",
    "|x1 - x2|/2 + |x1|": "abs(x1 - x2)/2 + abs(x1)",
    "2x": "2*x",
    "2x1 + 3(x2 - 1)": "2*x1 + 3*(x2 - 1)",
    "(x + 1)(x - 1)": "(x + 1)*(x - 1)",
    "x^2": "x**2",
    "x²": "x**2",
    "x₁ − x₂": "x1 - x2",
    "x_1 · x_2": "x1*x2",
    "\\max(x_1, x_2)": "max(x1, x2)",
    "\\min\\left(x_{1}, x_{2}\\right)": "min(x1, x2)",
    "\\left|{x}\\right|": "abs(x)",
    "\\frac{x}{2}": "x/2",
    "Max(x1, Abs(x2))": "max(x1, abs(x2))",
    "[x1, -x1]": "x1, -x1",
    "1e2*x": "100*x",
    "leaky_relu(x)": "max(x, 0) + min(x, 0)/100",
    "leaky_relu(x, 1/4)": "max(x, 0) + min(x, 0)/4",
    "clip(x, -1, 1)": "clamp(x, -1, 1)",
    "hat(x)": "max(0, 1 - abs(x))",
    "mean(x1, x2)": "(x1 + x2)/2",
    "range(x1, x2)": "max(x1, x2) - min(x1, x2)",
    "gap(x1, x2)": "max(x1, x2) - min(x1, x2)",
    "norm1(x1, x2)": "abs(x1) + abs(x2)",
    "norminf(x1, x2)": "max(abs(x1), abs(x2))",
    "sort(x1, x2)": "min(x1, x2), max(x1, x2)",
    "median(x1, x2)": "(min(x1, x2) + max(x1, x2))/2",
}


@pytest.mark.parametrize("text", TYPED)
def test_a_function_may_be_said_as_people_say_it(text):
    assert target(text) == target(TYPED[text])


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("y ≤ |x|", ["y <= abs(x)"]),
        ("y1 ≥ 2x1 and |y2| < 3 and y1 = y2", None),
        ("y1 <= 1 and |x1 - 1| >= y2", ["y1 <= 1", "abs(-1 + x1) >= y2"]),
        ("(y1) <= (x1) and (y1) >= -2", ["y1 <= x1", "y1 >= -2"]),
    ],
)
def test_a_relation_may_be_said_as_people_say_it(typed, plain):
    if plain is None:
        with pytest.raises(ValueError, match="cannot read"):
            relation(typed)
    else:
        assert [str(part) for part in relation(typed).parts] == plain


def test_a_text_is_kept_where_the_checker_reads_it_too():
    assert target("|x1| - 2x2").text == "abs(x1) - 2*x2"
    assert (
        target("max(a, b)").text is target("median(x1, x2)").text is target("[x1, x2]").text is None
    )
    hat = ck.Network([[[1], [1], [1]], [[1, -2, 1]]], [[1, 0, -1], None])
    assert ck.prove(hat, "hat(x)")
    assert ck.prove(ck.circuit("min"), "a + b - max(a, b)")


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_order_statistics_are_those_of_numpy(n):
    names = ", ".join(f"x{i + 1}" for i in range(n)) if n > 1 else "x"
    x = np.random.default_rng(0).integers(-5, 6, size=(200, n)).astype(float)
    np.testing.assert_allclose(target(f"median({names})")(x)[:, 0], np.median(x, axis=1))
    if n > 1:
        np.testing.assert_array_equal(target(f"sort({names})")(x), np.sort(x, axis=1))
        top = np.sort(x, axis=1)
        np.testing.assert_array_equal(target(f"gap({names})")(x)[:, 0], top[:, -1] - top[:, -2])


def test_points_are_joined_by_straight_lines():
    x = np.linspace(-3, 5, 81)
    f = target("interpolate(x, (3, 1), (0, 0), (1, 2.5))")
    np.testing.assert_allclose(
        f(x[:, None])[:, 0], np.interp(x, [0, 1, 3], [0, 2.5, 1]), atol=1e-12
    )
    assert f.is_piecewise_linear


def test_other_letters_are_inputs_in_the_order_in_which_they_come():
    assert repr(target("b - 2a")) == "Target(f(x1, x2) = x1 - 2*x2, where x1 = b, x2 = a)"
    assert repr(target("y")) == "Target(f(x) = x, where x = y)"
    assert repr(target("y2 - y1")) == "Target(f(x1, x2) = x2 - x1, where x1 = y1, x2 = y2)"
    assert repr(target("x1 - x3")) == "Target(f(x1, x2, x3) = x1 - x3)"
    again = pickle.loads(pickle.dumps(target("b - a")))
    assert repr(again) == repr(target("b - a"))


@pytest.mark.parametrize("text", ["x01", "x01 + x1", "(x00, x1)"])
def test_inputs_are_counted_from_one(text):
    with pytest.raises(ValueError, match=r"^target: expected .* counted from 1, got 'x0[01]'$"):
        target(text)


@given(st.text(alphabet="x12+-*/()|^_{}\\ abs.,₁²", max_size=25))
def test_whatever_is_typed_is_read_or_refused_with_a_reason(text):
    with contextlib.suppress(ValueError):  # any other error fails the test
        assert target(text).n_inputs >= 1


def test_pickling_keeps_name_and_expression():
    for f in (
        target("min"),
        target("abs(x1) - x2"),
        Target(sympy.Integer(2), variables=sympy.symbols("x1 x2")),
    ):
        again = pickle.loads(pickle.dumps(f))
        assert again == f
        assert again.name == f.name
        assert again.n_inputs == f.n_inputs


COPIES = [lambda f: pickle.loads(pickle.dumps(f)), copy.deepcopy, copy.copy]
_X = sympy.Symbol("x", real=True)
#: SymPy would evaluate each of these
PLAIN = [
    sympy.Abs(sympy.Abs(_X), evaluate=False),
    sympy.Mul(-1, sympy.Abs(_X) - 1, evaluate=False),
    sympy.Add(_X, _X, 0, evaluate=False),
    sympy.Max(_X, sympy.Max(_X, 0), evaluate=False),
    sympy.Max(0, 1, sympy.Abs(_X), evaluate=False),
    sympy.Piecewise((sympy.Abs(sympy.Abs(_X), evaluate=False), _X > 0), (0, True)),
]


@pytest.mark.parametrize("again", COPIES)
def test_copies_of_a_target_are_made_of_the_same_parts(again):
    texts = ["norminf(norm1(x, x), 0)", "hat(2*x - hat(x))", "median(x1, x2, x3, x4)", "sort(a, b)"]
    for f in [*map(target, texts), *map(Target, PLAIN), Target(PLAIN[:3])]:
        f(np.zeros(f.n_inputs))  # what is compiled is not copied
        made = again(f)
        assert made == f
        assert hash(made) == hash(f)
        assert (repr(made), made.name, made.text) == (repr(f), f.name, f.text)
        np.testing.assert_array_equal(made(np.ones(f.n_inputs)), f(np.ones(f.n_inputs)))


@pytest.mark.parametrize("again", COPIES)
def test_copies_of_verdicts_keep_what_their_certificates_are_about(again):
    net = ck.Network([[[2], [-2]], [[1, 1]]])
    for claim in ("norminf(norm1(x, x), 0)", "y <= norminf(norm1(x, x), 0)"):
        proof = ck.prove(net, claim)
        made = again(proof)
        assert made.target == proof.target
        assert ck.check(made.certificate, made.network, made.claim.checkable)
    plain = sympy.Max(_X, sympy.Max(_X, 0), evaluate=False)
    found = ck.decompiled(net)
    object.__setattr__(found, "expression", plain)
    assert again(found).expression == plain
    unit = ck.detect(net).units[0]
    object.__setattr__(unit, "of", plain)
    assert again(unit) == unit


def test_a_hint_names_a_function_of_the_catalogue_and_of_expressions_once():
    with pytest.raises(ValueError, match="did you mean") as caught:
        target("mim")
    assert str(caught.value).count("'min'") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("idnetity", "unknown name 'idnetity'; did you mean 'identity'"),
        ("minn(x1, x2)", "unknown function 'minn' in 'minn.*did you mean 'min'"),
        (
            "x + yy",
            "unknown name 'yy' in 'x \\+ yy'; known names: identity.*; variables are single",
        ),
        ("|x", "a bar | without its partner"),
        ("x|", "a bar | without its partner"),
        ("1 + sort(x1, x2)", r"'sort\(x1, x2\)' is 2 numbers; it can only stand alone"),
        ("max(x1, (1, 2))", "max takes numbers, got a list"),
        ("interpolate(x, 1, 2)", r"takes points of two numbers, such as \(0, 1\)"),
        ("interpolate(x, (0, 1), (0, 2))", "one point at each place, got two at 0"),
        ("median(" + ", ".join(f"x{i}" for i in range(1, 11)) + ")", "at most 9 numbers can be"),
        ("sign(x)", r"sign in 'sign\(x\)' jumps, .* such as clamp\(100\*x, -1, 1\)"),
        ("floor(x1)", "jumps, and a network is continuous"),
        ("foo(x)", "unknown function 'foo' in 'foo.*known functions: abs, min"),
        ("x + x1", "expected the variables x, or x1, x2, ..., got 'x' beside x1"),
        ("", "expected a name or an expression, got an empty string"),
        ("x +", "cannot read 'x \\+': invalid syntax"),
        ("x / 0", "division by zero"),
        ("x/x", "division by 'x', which may be 0"),
        ("1 + x1/(x1 - x2)", "division by 'x1 - x2', which may be 0"),
        ("identity + 1", "'identity' names a whole function, in 'identity . 1'; write it out: x"),
        ("9**9**9", r"\*\* takes a variable part and a whole power"),
        ("x**0.5", r"\*\* takes a variable part"),
        ("1e999", "outside the range of a double"),
        ("1e-999", "outside the range of a double"),
        ("x1000", "at most 256 inputs, got x1000"),
        ("abs(x, x)", "abs takes 1 argument, got 2"),
        ("relu", "'relu' is a function; write what it is of, such as relu\\(x\\)"),
        ("x + clamp", "'clamp' is a function, in 'x \\+ clamp'; .* such as clamp\\(x, -1, 1\\)"),
        ("clamp(x, 1, -1)", "takes low <= high, got 1 and -1"),
        ("clamp(x, x + 1, x)", "takes low <= high, got x \\+ 1 and x"),
        ("clamp(x)", "clamp takes 3 arguments, got 1"),
        ("min()", "min takes at least 1 argument, got 0"),
        ("x if x else 1", "is not a number, a variable"),
        ("[x for x in (1,)]", "is not a number, a variable"),
        ("x.real", "is not a number, a variable"),
        ("().__class__", "is not a number, a variable"),
        ("abs(x=1)", "is not a number, a variable"),
        ("True", "'True' is not a number"),
        ("x @ x", "expected the operations"),
        ("()", "no expression in it"),
        ("-" * 500 + "x", "nested deeper|too deeply nested"),
        ("(" * 5000 + "x", "cannot read"),
        ("x+" * 20000 + "x", "at most 20000 characters"),
    ],
)
def test_text_that_cannot_be_read_says_why(text, message):
    with pytest.raises(ValueError, match=message):
        target(text)


def test_text_never_runs(tmp_path):
    flag = tmp_path / "ran"
    with pytest.raises(ValueError, match="cannot read"):
        target(f"__import__('pathlib').Path({str(flag)!r}).touch()")
    assert not flag.exists()


@pytest.mark.parametrize("bad", [None, 3, {"x"}, np.ones(2)])
def test_other_types_are_refused(bad):
    with pytest.raises(TypeError, match="target: expected a catalogue name"):
        target(bad)


def test_expressions_that_are_no_functions_of_real_numbers_are_refused():
    x = sympy.Symbol("x")
    with pytest.raises(ValueError, match="expected a real, finite function"):
        Target(x + sympy.oo)
    with pytest.raises(ValueError, match="expected a real, finite function"):
        Target(sympy.I * x)
    with pytest.raises(TypeError, match="expected a SymPy expression, got StrictGreaterThan"):
        Target(x > 1)
    with pytest.raises(ValueError, match="at least one output"):
        Target([])


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1, 2, 3], ValueError, r"x: expected shape \(\.\.\., 2\), got shape \(3,\)"),
        ([np.inf, 1], ValueError, "x: expected finite numbers"),
        (["a", "b"], TypeError, "x: expected real numbers"),
    ],
)
def test_bad_inputs_are_refused_by_name(x, error, message):
    with pytest.raises(error, match=message):
        target("min")(x)


def test_division_by_what_is_never_0_is_read():
    assert target("1/(1 + exp(-x))")(0) == 0.5
    assert target("x/(2 + abs(x))")(2) == 0.5


@pytest.mark.parametrize(
    "expression",
    [
        sympy.Integral(X, X),
        sympy.Integral(X, (X, 0, 1)),
        X + sympy.Derivative(X**2, X),
        sympy.Subs(X**2, X, 3),
        sympy.Limit(X, X, 0),
        sympy.Sum(X, (X, 0, 3)),
        sympy.gamma(X),
        sympy.zeta(X),
    ],
    ids=str,
)
def test_what_is_not_written_out_is_refused(expression):
    with pytest.raises(ValueError, match="^target: expected functions that numpy computes"):
        target(expression)
    with pytest.raises(ValueError, match="^expression: expected functions that numpy computes"):
        Target(expression)


def test_a_function_outside_its_domain_is_an_error():
    with pytest.raises(ValueError, match="is not defined, or too large"):
        target("log(x)")([[-1.0]])
    with pytest.raises(ValueError, match="is not defined, or too large"):
        target(1 / sympy.Symbol("x"))(0)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2|x| + 1", "2*abs(x) + 1"),
        ("1 - 0.5 |x|", "1 - 0.5*abs(x)"),
        ("|x1| + 2|x2 - 3|", "abs(x1) + 2*abs(x2 - 3)"),
        ("max(2|x1|-3|x2|, 1)", "max(2*abs(x1) - 3*abs(x2), 1)"),
    ],
)
def test_a_number_before_a_bar_multiplies(text, same):
    assert ck.target(text) == ck.target(same)


@pytest.mark.parametrize("text", ["|2|x + 3|y|", "|x - 2|+3|x|"])
def test_bars_that_can_be_paired_in_two_ways_are_refused(text):
    with pytest.raises(ValueError, match="paired in two ways"):
        ck.target(text)


@pytest.mark.parametrize("text", ["1e20", "9" * 20, "x + 1e20", "max(x, 1e300)"])
def test_whole_numbers_beyond_64_bits_have_values(text):
    values = ck.target(text)([[1.0], [2.0]])
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, float(text.split("+")[-1].split(",")[-1].strip(" )")))


def test_an_array_of_pythons_numbers_as_numpy_1_makes_it_has_values():
    f = ck.target("x + 1e20")
    f._call = lambda x: (np.array([v + 10**20 for v in x], dtype=object),)
    values = f([[1.0], [2.0]])
    assert values.dtype == np.float64
    assert values.tolist() == [[1e20], [1e20]]


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("9" * 5000 + "*x", 5000),
        ("x + 1_" + "0" * 4999, 5000),
        ("0." + "1" * 450 + "x", 450),
        ("x" + "¹" * 5000, 5000),
    ],
)
def test_a_number_of_thousands_of_digits_is_refused_by_its_length(typed, count):
    with pytest.raises(ValueError, match=f"cannot read .* a number of {count} digits is in it"):
        ck.compile_expression(typed)


def test_a_number_of_hundreds_of_digits_is_written_short_and_never_read_as_another():
    x = sympy.Symbol("x", real=True)
    for number in (sympy.Rational(1, 10**14567), sympy.Integer(-3) ** 9999):
        text = str(ck.Target(number * x + 1))
        assert "about" in text
        assert len(text) < 60
        with pytest.raises(ValueError, match="cannot read"):
            ck.target(text)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("x/x", [("x", "!= 0", "x/x")]),
        ("sqrt(x)**2", [("x", ">= 0", "sqrt(x)")]),
        ("x**-2", [("x", "!= 0", "x**-2")]),
        ("x**x", [("x", "> 0", "x**x")]),
        ("tan(x) - tan(x)", [("cos(x)", "!= 0", "tan(x)")] * 2),
        ("2**x + x**3", []),
    ],
)
def test_where_an_expression_has_a_value_is_read_from_its_text(text, conditions):
    """SymPy makes 1 of x/x; what is asked about is what was written."""
    found = []
    parse(text, conditions=found)
    assert [(str(c.part), c.sign, c.written) for c in found] == conditions


@pytest.mark.parametrize("text", ["9**9**9", "x**65", "x**(1/1000)", "0**x", f"{10**30}**2"])
def test_powers_that_would_never_come_back_are_refused_with_conditions_too(text):
    with pytest.raises(ValueError, match="power"):
        parse(text, conditions=[])


@pytest.mark.parametrize(
    "wrong", [3, None, [1, 2], (1, 2), [None], [[X]], ["x", 3], {"x"}, {"x": 1}]
)
def test_what_is_no_function_is_told_all_that_would_be_one(wrong):
    net = ck.circuit("min")
    kinds = "a catalogue name, an expression as text, a SymPy expression"
    with pytest.raises(TypeError, match=f"^target: expected .*{kinds}(,| or) a Target"):
        target(wrong)
    whole = rf"^target: expected .*{kinds}, a Target, a Network(,| or) a relation as text"
    with pytest.raises(TypeError, match=whole):
        ck.prove(net, wrong)
    if wrong is not None:
        with pytest.raises(
            TypeError, match=rf"^against: expected .*{kinds}, a Target(,| or) a Network"
        ):
            ck.extract(net, against=wrong)


@pytest.mark.parametrize("wrong", [(), [], sympy.Tuple(), sympy.oo, [X, sympy.oo], sympy.I * X])
def test_what_cannot_be_a_target_is_refused_by_the_name_of_the_argument(wrong):
    asked = [
        lambda: target(wrong),
        lambda: ck.prove(ck.circuit("min"), wrong),
        lambda: ck.train(wrong, 2, seeds=4),
        lambda: ck.learn(wrong),
    ]
    for call in asked:
        with pytest.raises(ValueError, match=r"^target: expected "):
            call()
    with pytest.raises(ValueError, match=r"^expr: expected "):
        ck.compile_expression(wrong)
    with pytest.raises(ValueError, match=r"^expr: expected "):
        ck.approximate(wrong, [(0, 1)], tolerance=0.1)
    with pytest.raises(ValueError, match=r"^against: expected "):
        ck.extract(ck.circuit("min"), against=wrong)
    for empty, kind in (((), "tuple"), ([], "list")):
        with pytest.raises(
            ValueError, match=f"^target: expected at least one output, got an empty {kind}"
        ):
            target(empty)
        with pytest.raises(ValueError, match=f"^expression: .* got an empty {kind}"):
            Target(empty)
