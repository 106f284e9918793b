"""Targets as plain data: nothing of the function is lost on the way to the page."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import circuitkit as ck
from circuitkit.functions.language import CATALOGUE
from circuitkit.functions.page_json import target_to_json

x = sympy.Symbol("x", real=True)


def value(tree, point):
    """The tree's value, by a reader of the format that shares nothing with the writer."""
    if tree["op"] == "const":
        return tree["value"]
    if tree["op"] == "var":
        return point[tree["index"]]
    args = [value(a, point) for a in tree["args"]]
    if tree["op"] == "pow":
        return args[0] ** tree["power"]
    if tree["op"] == "div":
        return args[0] / args[1]
    several = {"add": math.fsum, "mul": math.prod, "min": min, "max": max}
    if tree["op"] in several:
        return several[tree["op"]](args)
    (only,) = args
    return abs(only) if tree["op"] == "abs" else getattr(math, tree["op"])(only)


FUNCTIONS = (
    *CATALOGUE,
    "clamp(2*x, -1, 1/3)",
    "relu(x1 - 2*x2) + 0.1",
    "x**3 - 1/(1 + x**2)",
    "sin(x1)*cos(x2) + tanh(x1/exp(x2))",
    "exp(-x**2)",
    "sqrt(1 + x**2)/log(2 + x**2)",
    "x1, x2, x1 + x2",
)


@pytest.mark.parametrize("text", FUNCTIONS)
def test_the_tree_has_the_values_of_the_target(text):
    f = ck.target(text)
    data = json.loads(json.dumps(target_to_json(f), allow_nan=False))
    assert (data["n_inputs"], data["n_outputs"]) == (f.n_inputs, f.n_outputs)
    assert (data["name"], data["text"]) == (f.name, str(f))
    rng = np.random.default_rng(0)
    for point in rng.uniform(-3, 3, (20, f.n_inputs)):
        np.testing.assert_allclose([value(t, point) for t in data["outputs"]], f(point), rtol=1e-12)


@given(st.fractions(max_denominator=10**40))
def test_a_constant_is_the_nearest_double_with_the_exact_number_beside_it(c):
    (tree,) = target_to_json(ck.Target(sympy.Rational(c.numerator, c.denominator) + 0 * x))[
        "outputs"
    ]
    assert tree["value"] == float(c)
    assert Fraction(tree.get("text", repr(tree["value"]))) == c or Fraction(tree["value"]) == c
    assert ("text" in tree) == (Fraction(tree["value"]) != c)


def test_decimals_in_a_text_are_tenths_and_floats_of_sympy_are_doubles():
    tenth = target_to_json(ck.target("0.1*x"))["outputs"][0]["args"]
    assert {"op": "const", "value": 0.1, "text": "1/10"} in tenth
    double = target_to_json(ck.target(sympy.Float(0.1) * x))["outputs"][0]["args"]
    assert {"op": "const", "value": 0.1} in double


@pytest.mark.parametrize("text", ["x*(x + 1) - x**2", "(x + 1)**2 - x**2 - x - 1"])
def test_what_is_linear_once_it_is_multiplied_out_is_written_so(text):
    assert target_to_json(ck.target(text))["outputs"] == [{"op": "var", "index": 0}]


def test_an_irrational_constant_is_marked_as_rounded():
    for number in (sympy.sqrt(2), sympy.pi, sympy.log(3), sympy.GoldenRatio):
        tree = target_to_json(ck.target(number * x))["outputs"][0]
        assert {"op": "const", "value": float(number), "rounded": True} in tree["args"]


def test_powers_of_variables_and_powers_by_variables_are_told_apart():
    (root,) = target_to_json(ck.Target(sympy.cbrt(x + 4)))["outputs"]
    assert (root["op"], root["power"]) == ("pow", 1 / 3)
    (power,) = target_to_json(ck.Target(2**x))["outputs"]
    assert power["op"] == "exp"
    assert value(power, [3.0]) == pytest.approx(8)


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        (sympy.Piecewise((x, x > 0), (1, True)), "Piecewise"),
        (sympy.Mod(x, 2), "Mod"),
        (sympy.Heaviside(x), "Heaviside"),
        (sympy.sinc(x), "sinc"),
    ],
    ids=["Piecewise", "Mod", "Heaviside", "sinc"],
)
def test_functions_that_the_page_does_not_know_are_named(expression, named):
    with pytest.raises(
        ValueError,
        match=f"target: expected functions that the page can compute .*, got {named} in ",
    ):
        target_to_json(ck.Target(expression, variables=[x]))


def test_numbers_beyond_a_double_are_refused():
    with pytest.raises(
        ValueError, match="target: expected real numbers within the range of a double, got"
    ):
        target_to_json(ck.Target(sympy.Integer(10) ** 400 * x))
