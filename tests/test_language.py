"""The language of functions: one table of what is typed, read by Python and by the page alike."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from nodejs import run as run_in_node

import circuitkit as ck
from circuitkit.functions.joined import Jump, joined
from circuitkit.functions.language import CATALOGUE

#: what is typed -> the same in the plain grammar
READ = {
    "Max(x1, x2)": "max(x1, x2)",
    "|x|": "abs(x)",
    "2x": "2*x",
    "2 x": "2*x",
    "x₁ − x₂": "x1 - x2",
    "2·x₁ + 3×x₂": "2*x1 + 3*x2",
    "\\max(x_1, x_2)": "max(x1, x2)",
    "\\min\\{x_1, x_2\\}": "min(x1, x2)",
    "\\left|x_{1}\\right| \\cdot \\frac{1}{2}": "abs(x1)/2",
    "\\frac{x_1 + x_2}{2}": "x1/2 + x2/2",
    "y": "x",
    "|a|": "abs(x)",
    "b - 2a": "x1 - 2*x2",
    "y2 - y1": "x2 - x1",
    "x_1": "x",
    "x0": "x",
    "x1 - 2x0": "x2 - 2*x1",
    "x + y": "x1 + x2",
    "x1 + x3": "x1 + 0*x2 + x3",
    "[x1, x2]": "x1, x2",
    "(x1, -x1)": "x1, -x1",
    "½x + x/3": "5*x/6",
    "0.1x + 1e-1": "x/10 + 1/10",
    ".5x": "x/2",
    "1_000x": "1000*x",
    "3(x + 1) - 2": "3*x + 1",
    "(x + 1)2": "2*x + 2",
    "2|x| + ||x| − 1|": "2*abs(x) + abs(abs(x) - 1)",
    "x^1": "x",
    "relu(-x)": "max(-x, 0)",
    "ReLU(x)": "max(x, 0)",
    "leaky_relu(x)": "max(x, 0) + min(x, 0)/100",
    "LeakyReLU(x, 1/4)": "max(x, 0) + min(x, 0)/4",
    "clip(x, -1, 1)": "clamp(x, -1, 1)",
    "hat(2x)": "max(0, 1 - abs(2*x))",
    "median(x1, x2, x3)": "min(max(x1, x2), max(x1, x3), max(x2, x3))",
    "median(x1, x2)": "x1/2 + x2/2",
    "sort(x1, x2)": "min(x1, x2), max(x1, x2)",
    "mean(x1, x2)": "x1/2 + x2/2",
    "range(x1, x2, x3)": "max(x1, x2, x3) - min(x1, x2, x3)",
    "gap(x1, x2)": "abs(x1 - x2)",
    "argmax-gap(x1, x2)": "abs(x1 - x2)",
    "norm1(x1, x2)": "abs(x1) + abs(x2)",
    "norminf(x1, x2)": "max(abs(x1), abs(x2))",
    "norm_inf(x1, x2)": "max(abs(x1), abs(x2))",
    "interpolate(x, (0, 0), (1, 2))": "clamp(2*x, 0, 2)",
    "interpolation((1, 2), (0, 0))": "clamp(2*x, 0, 2)",
    "interpolation(x, [(0, 0), (1, 2)])": "clamp(2*x, 0, 2)",
    "x if x > 0 else 0": "max(x, 0)",
    "x1 if x1 >= x2 else x2": "max(x1, x2)",
    "1 if x > 1 else x if x > -1 else -1": "clamp(x, -1, 1)",
    "1 - |x| if -1 < x < 1 else 0": "hat(x)",
    "1 - |x| if x ≥ -1 and x ≤ 1 else 0": "hat(x)",
    "0 if x < -1 or x > 1 else 1 - |x|": "hat(x)",
    "2(x if x > 0 else 0) + 1": "2*max(x, 0) + 1",
    "|x1| if |x1| > |x2| else |x2|": "max(abs(x1), abs(x2))",
    "Piecewise((x, x > 0), (0, True))": "max(x, 0)",
    "Piecewise((x1, (x1 > x2) and (x1 > x3)), (x2, x2 > x3), (x3, True))": "max(x1, x2, x3)",
    "ITE(x > 0, x, 0)": "max(x, 0)",
    "x*Heaviside(x)": "max(x, 0)",
    "x1 + (x2 - x1)*step(x2 - x1)": "max(x1, x2)",
    "x*sign(x)": "abs(x)",
    "x*sign(2x) + 1": "abs(x) + 1",
    "sign(x)*min(|x|, 1)": "clamp(x, -1, 1)",
}  # fmt: skip

#: what is typed -> words of the refusal
REFUSED = {
    "": "",
    "sign(x)": "jumps, at x = 0, from -1 to 1",
    "step(x - 1/2)": "jumps, at x = 0.5, from 0 to 1",
    "x if x > 1 else 0": "jumps, at x = 1, from 0 to 1",
    "x1*sign(x2)": "jumps, where x2 = 0",
    "x1 + 1 if x1 > x2 else x2": "jumps, where x1 - x2 = 0",
    "1 if x == 2 else 0": "jumps, at x = 2, 0 around it, and 1 there",
    "floor(x)": "jumps",
    "round(x)": "jumps",
    "x % 2": "jumps",
    "sign": "jumps",
    "x1/x2": "division by",
    "1/x": "division by",
    "x/0": "division by zero",
    "clamp(x, 1, -1)": "low <= high",
    "clamp(x, 1)": "takes 3 arguments, got 2",
    "abs(x, x)": "takes 1 argument, got 2",
    "max()": "takes at least 1 argument, got 0",
    "max(x1 x2)": "missing between 'x1' and 'x2'",
    "2 3": "missing between '2' and '3'",
    "x1 +": "missing at the end",
    "x1 + )": "missing before ')'",
    "* x": "missing before '*'",
    "max(x1, x2": "'(' is never closed",
    "x)": "')' closes no bracket",
    "|x": "without its partner",
    "|2|x + 3|y|": "paired in two ways",
    "max x": "max takes its arguments in brackets",
    "relu": "write what it is of, such as relu(x)",
    "foo(x)": "unknown function 'foo'",
    "minn(x)": "did you mean 'min'",
    "x1x2": "a product is written x1*x2",
    "xyz": "unknown name 'xyz'",
    "x + x1": "'x' beside x1, x2, ...",
    "x01 + x1": "counted from 1",
    "x1000": "at most 256 inputs",
    "x < 1": "true or false",
    "x if x else 1": "is not a number, a variable",
    "Piecewise((x, x > 0))": "ends with a case for all other inputs",
    "1 + sort(x1, x2)": "can only stand alone",
    "max(x1, (1, 2))": "takes numbers, got a list",
    "interpolate(x, (0, 1), (0, 2))": "two at 0",
    "interpolate(x, 1, 2)": "points of two numbers",
    "median(x1, x2, x3, x4, x5, x6, x7, x8, x9, y)": "at most 9 numbers",
    "x**0.5": "a whole power",
    "1e999x": "outside the range of a double",
    "∞x": "'∞' is none of",
    "x; y": "';' is none of",
    "import os": "unknown name 'import'|missing between|invalid syntax",
    "__import__('os')": "unknown function|is none of|is not a number",
    "x.y": "is not a number, a variable|is none of",
    "<b>x</b>": "missing before '<'|is none of|invalid syntax",
    "(" * 300 + "x" + ")" * 300: "nested|at most 400",
}  # fmt: skip

#: read as a function that has no exact network -> what is said where one is needed
CURVED = {
    "x^2": r"x\*\*2 is not",
    "x²": r"x\*\*2 is not",
    "x1*x2": r"x1\*x2 is not",
    "x1 x2 + 0": None,
    "|x|*x": "is not",
    "sin(x)": r"sin\(x\) is not",
    "sigmoid(x)": "is not",
}


@pytest.mark.parametrize("text", READ)
def test_what_people_type_is_the_function_they_mean(text):
    f, g = ck.target(text), ck.target(READ[text])
    assert (f.n_inputs, f.n_outputs) == (g.n_inputs, g.n_outputs)
    for x in itertools.islice(
        itertools.product((-2, -1, 0, Fraction(1, 3), 1, 3), repeat=f.n_inputs), 300
    ):
        assert f.exact_pieces(x) == g.exact_pieces(x)


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(text):
    with pytest.raises(ValueError, match="^target: ") as caught:
        ck.target(text)
    assert any(words in str(caught.value) for words in REFUSED[text].split("|"))


@pytest.mark.parametrize("text", [text for text, words in CURVED.items() if words])
def test_what_has_no_exact_network_is_refused_with_where_to_go(text):
    with pytest.raises(ValueError, match=CURVED[text]) as caught:
        ck.prove(ck.circuit("add" if "x2" in text else "abs"), text)
    assert "circuitkit.approximate" in str(caught.value)


PAGE = """
import { parseExpression, Unclear } from EXPRESSION;
import { evaluate } from MATHEMATICS;
console.log(JSON.stringify(INPUT.map(({ text, points }) => {
  try {
    const target = parseExpression(text);
    const { n_inputs, n_outputs, names } = target;
    return { sizes: [n_inputs, n_outputs], names, values: (points ?? []).map((x) => evaluate(target, x)) };
  } catch (error) {
    if (!(error instanceof Unclear)) throw error;
    return { unclear: error.message, at: error.at, to: error.to };
  }
})));
"""


def in_the_page(questions):
    return run_in_node(PAGE, list(questions), ("expression", "mathematics"))


def test_the_page_reads_what_people_type_as_python_does():
    points = np.random.default_rng(1).uniform(-3, 3, (20, 3)).round(3)
    functions = {text: ck.target(text) for text in READ}
    told = in_the_page(
        {"text": text, "points": points[:, : f.n_inputs].tolist()} for text, f in functions.items()
    )
    for (text, f), found in zip(functions.items(), told, strict=True):
        assert found.get("sizes") == [f.n_inputs, f.n_outputs], (text, found)
        values = f(points[:, : f.n_inputs])
        np.testing.assert_allclose(found["values"], values, atol=1e-9, err_msg=text)


def test_the_page_knows_the_names_of_the_catalogue():
    told = in_the_page({"text": name} for name in CATALOGUE)
    sizes = [[ck.target(name).n_inputs, ck.target(name).n_outputs] for name in CATALOGUE]
    assert [found.get("sizes") for found in told] == sizes


#: the page's quotation marks, and its sentences for what Python says otherwise
_IN_THE_PAGE = {"": "no function yet", "x if x else 1": "asks for a comparison"}


def test_the_page_refuses_what_python_refuses_for_the_same_reason():
    told = in_the_page({"text": text} for text in REFUSED)
    for text, found in zip(REFUSED, told, strict=True):
        said = found.get("unclear", "it is read")
        words = _IN_THE_PAGE.get(text, REFUSED[text]).lower().split("|")
        plain = said.lower().translate(str.maketrans("‘’−", "''-"))
        assert any(w in plain for w in words), (text, said)
        assert said.endswith((".", "?")), said


def test_the_page_says_of_what_is_curved_where_to_go():
    told = in_the_page({"text": text} for text, words in CURVED.items() if words)
    assert all("ck.approximate" in found["unclear"] for found in told)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("2x + max(x1 x2)", "x2"), ("x1 + foo(x2)", "foo"), ("1 + x*x", "x*x"), ("(x", "("), ("x)", ")"),
        ("x +", ""), ("x ∞", "∞"), ("clamp(x, 2, 1) + 1", "clamp(x, 2, 1)"), ("3/x", "3/x"), ("1 + |x", "|"),
        ("𝔛 + 1", "𝔛"), ("x + 𝔛", "𝔛"),
    ],
)  # fmt: skip
def test_the_page_shows_the_part_that_is_wrong(text, part):
    (found,) = in_the_page([{"text": text}])
    units = text.encode("utf-16-le")
    assert units[2 * found["at"] : 2 * found["to"]].decode("utf-16-le") == part


@settings(max_examples=20)
@given(
    st.lists(
        st.text(alphabet="x12+-*/()|^_{}[]\\ abs.,₁²½<>ifelsmax", max_size=25),
        min_size=40,
        max_size=40,
    )
)
def test_the_page_reads_whatever_is_typed_or_refuses_it_with_a_reason(texts):
    in_the_page({"text": text} for text in texts)  # any other error fails in Node


def test_everything_that_takes_a_target_reads_the_same_language():
    relu = ck.Network([[[1]], [[1]]])
    text = "x if x > 0 else 0"
    assert ck.prove(relu, text)
    assert ck.prove(relu, f"y <= ({text}) and y >= relu(x)")
    assert ck.train(text, (1,), seeds=1, steps=1).target == ck.target("relu(x)")
    assert ck.CircuitWidget(relu, text).target == ck.target("max(0, x)")
    assert ck.learn("ITE(x > 0, x, 0)", (1,)).layer_sizes == (1, 1, 1)
    jump = "jumps, at x = 0, from -1 to 1"
    for call in (
        lambda: ck.prove(relu, "sign(x)"),
        lambda: ck.prove(relu, "y <= sign(x)"),
        lambda: ck.train("sign(x)", (1,), seeds=1, steps=1),
        lambda: ck.CircuitWidget(relu, "sign(x)"),
        lambda: ck.learn("sign(x)"),
    ):
        with pytest.raises(ValueError, match=jump):
            call()


def test_a_list_of_texts_is_a_function_with_several_outputs():
    assert ck.target(["min", "x1 - x2"]) == ck.target("min(x1, x2), x1 - x2")
    with pytest.raises(ValueError, match="one output for each text of a list"):
        ck.target(["x1, x2", "x1"])
    with pytest.raises(ValueError, match="cannot read"):
        ck.target(["x1], [x2", "x1"])


def test_a_refusal_quotes_what_was_typed():
    with pytest.raises(ValueError, match=r"cannot read '2\^x₁'"):
        ck.target("2^x₁")


def test_inputs_counted_from_zero_say_so():
    assert repr(ck.target("x1 - 2x0")) == "Target(f(x1, x2) = x2 - 2*x1, where x1 = x0, x2 = x1)"
    assert ck.target(sympy.Max(*sympy.symbols("x0 x1"))) == ck.target("max(x1, x2)")


# --- choices ----------------------------------------------------------------------------------------

X, X1, X2, X3, X4 = sympy.symbols("x x1 x2 x3 x4", real=True)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (sympy.ITE(X > 0, X, 0), "max(x, 0)"),
        (sympy.Max(X1, X2, X3).rewrite(sympy.Piecewise), "max(x1, x2, x3)"),
        (sympy.Min(X1, X2, X3).rewrite(sympy.Piecewise), "min(x1, x2, x3)"),
        (sympy.Max(X, 2 * X - 1).rewrite(sympy.Heaviside), "max(x, 2*x - 1)"),
        (X2 + (X1 - X2) * sympy.Heaviside(X1 - X2), "max(x1, x2)"),
        (sympy.Heaviside(X) + sympy.Heaviside(-X) + X, "x + 1"),
        (sympy.Piecewise((sympy.Abs(X), sympy.Abs(X) > 1), (1, True)), "max(1, abs(x))"),
    ],
    ids=str,
)
def test_every_way_to_write_a_choice_is_read_where_its_pieces_meet(written, plain):
    f, g = ck.target(written), ck.target(plain)
    assert f.is_piecewise_linear
    for x in itertools.product((-2, -1, Fraction(-1, 2), 0, 1, Fraction(5, 2)), repeat=f.n_inputs):
        assert f.exact_pieces(x) == g.exact_pieces(x)


@pytest.mark.parametrize(
    ("written", "where"),
    [
        (sympy.Heaviside(X), "at x = 0, from 0 to 1"),
        (sympy.Piecewise((X, X > 3), (1, True)), "at x = 3, from 1 to 3"),
        (sympy.Piecewise((1, sympy.Eq(X, 0)), (X, True)), "at x = 0, 0 around it, and 1 there"),
        (sympy.Piecewise((X1, X1 > X2 + 1), (X2, True)), "where x1 - x2 = 1, from x"),
    ],
    ids=str,
)
def test_a_choice_that_jumps_is_refused_with_the_place(written, where):
    with pytest.raises(
        ValueError, match=f"it jumps {where}.* a network of ReLU units is continuous"
    ):
        ck.prove(ck.circuit("add" if written.has(X2) else "abs"), written)


@st.composite
def choices(draw, depth=2):
    """Choices between pieces that may meet, and what they are at a point."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        a, b, c = (draw(st.integers(-2, 2)) for _ in range(3))
        return a * X1 + b * X2 + c
    kind = draw(st.sampled_from(["choice", "max", "kink", "sum"]))
    one, two = draw(choices(depth - 1)), draw(choices(depth - 1))
    if kind == "choice":
        return sympy.Piecewise((one, one > two), (two, True))
    if kind == "kink":
        return one * sympy.Heaviside(one) if not one.has(sympy.Piecewise, sympy.Heaviside) else one
    return sympy.Max(one, two) if kind == "max" else one - two


@settings(max_examples=30)
@given(choices())
def test_choices_become_the_same_function_or_a_jump_is_named(e):
    try:
        found = joined(e)
    except Jump:
        return
    if found is None:
        return
    rng = np.random.default_rng(0)
    for x, y in [*rng.integers(-3, 4, (12, 2)), *rng.uniform(-3, 3, (4, 2)).round(3)]:
        at = {X1: sympy.Rational(str(x)), X2: sympy.Rational(str(y))}
        assert found.subs(at) == e.subs(at)


# --- numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "text", "odd"),
    [
        ([[1 / 3]], "x/3", "1/3 exactly"),
        ([[0.1]], "0.1x", "1/10 exactly"),
        ([[1 / 3] * 3], "mean(x1, x2, x3)", r"1/3 exactly, the target's value at x = \(1, 0, 0\)"),
    ],
)
def test_a_verdict_says_where_no_float_can_be_exact(weights, text, odd):
    net = ck.Network([weights])
    proof = ck.prove(net, text)
    assert not proof
    assert f"cannot give {odd.split(',')[0]}" in str(proof)
    assert odd.replace("\\", "") in str(proof)
    assert ck.prove(net, text, tolerance=1e-9)


def test_a_verdict_on_binary_fractions_says_nothing_of_floats():
    assert "floats" not in str(ck.prove(ck.Network([[[0.5]]]), "x/3 + x/6 + 1"))
    assert "floats" not in str(ck.prove(ck.Network([[[0.5 + 2**-50]]]), "x/2"))


#: what has no value somewhere -> the part that has none
GUARDED = {
    "exp(log(x))": "log",
    "sqrt(x)**2": "sqrt",
    "sqrt(x)*sqrt(x) + 1": "sqrt",
    "0*log(x)": "log",
    "log(x) - log(x)": "log",
    "max(sqrt(x - 1)^2, 0)": "sqrt",
    "0*tan(x)": "tan",
    "0*log(-1)": "log",
    "x, exp(2*log(x))": "log",
}


@pytest.mark.parametrize(("text", "written"), GUARDED.items())
def test_what_has_no_value_somewhere_is_not_simplified_to_what_has_one(text, written):
    with pytest.raises(ValueError, match=rf"{written}\(.* has a value only where"):
        ck.target(text)


def test_the_page_refuses_what_has_no_value_somewhere_too():
    divided = [
        "x*(1/x)",
        "0/x",
        "1/x - 1/x",
        "abs(x)/abs(x)",
        "relu(1/x)*0",
        "(1/x if x > 0 else 0)*0",
    ]
    for text in divided:
        with pytest.raises(ValueError, match="division by 'x'|division by 'abs"):
            ck.target(text)
    told = in_the_page({"text": text} for text in (*GUARDED, *divided))
    for text, found in zip((*GUARDED, *divided), told, strict=True):
        assert "ck.approximate" in found.get("unclear", "it is read"), (text, found)


def test_nothing_is_proved_equal_to_what_has_no_value_somewhere():
    identity = ck.circuit("identity")
    with pytest.raises(ValueError, match="has a value only where x > 0"):
        ck.prove(identity, "exp(log(x))")
    with pytest.raises(ValueError, match="has a value only where"):
        ck.prove(identity, "y <= sqrt(x)**2")


@pytest.mark.parametrize(
    "text",
    [
        "sqrt(x^2)",
        "sqrt(4*x) + 1",
        "sqrt(abs(x))**2",
        "log(exp(x))",
        "sqrt(x)*x",
        "sqrt(x1)*sqrt(x2)",
        "sqrt(x)^3",
        "log(2)*x",
        "tan(atan(x))",
        "log(x^2 + 1) - log(x^2 + 1)",
    ],
)
def test_what_has_a_value_where_it_had_one_is_read(text):
    assert ck.target(text).n_outputs == 1


@pytest.mark.parametrize("mixed", [["x1", None], ["x1", sympy.Symbol("x2", real=True)], ["x1", 1]])
def test_a_list_of_text_and_something_else_is_refused_for_what_it_is(mixed):
    with pytest.raises(TypeError, match="target: expected a list of texts or of SymPy expressions"):
        ck.target(mixed)


@pytest.mark.parametrize("n", [151, 1000, 2000])
def test_many_operations_in_a_row_are_nothing_nested(n):
    assert ck.target("+".join(["x"] * n)).expression == n * X
    assert ck.target("x" + "-x" * n).expression == (1 - n) * X
    assert ck.target("x" + "*1" * n).expression == X
    net = ck.compile_expression("+".join(["abs(x)"] * n))
    assert net(-2) == 2 * n and ck.prove(net, "+".join(["abs(x)"] * n)).holds
    same = ck.target("+".join(f"abs(x-{k})" for k in range(150)))
    assert same(0) == sum(range(150))


def test_more_operations_than_are_read_are_told_as_such():
    with pytest.raises(
        ValueError, match="^expr: cannot read .*: its 8,999 operations are too many"
    ):
        ck.compile_expression("+".join(["x"] * 9000))
    with pytest.raises(ValueError, match="nested"):
        ck.compile_expression("abs(" * 190 + "x" + ")" * 190)
