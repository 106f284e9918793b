"""Every expression becomes a network that is proved to equal it, at tolerance 0, with few units."""

from fractions import Fraction

import pytest

import circuitkit as ck

#: function -> widths of the hidden layers; none may grow
SIZES = {
    "x": (),
    "x/3": (),
    "abs(x)": (2,),
    "relu(x)": (1,),
    "leaky_relu(x)": (2,),
    "clamp(x, -1, 1)": (2,),
    "hat(x)": (3,),
    "x - clamp(x, -1, 1)": (2,),
    "max(x1, x2)": (3,),
    "max(x1, x2, x3)": (5, 3),
    "min(x1, x2, x3, x4)": (6, 3),
    "max(x1, x2, x3, x4, x5)": (8, 5, 3),
    "range(x1, x2, x3)": (3,),
    "range(x1, x2, x3, x4)": (6, 3),
    "norm1(x1, x2)": (4,),
    "norminf(x1, x2)": (4,),
    "norminf(x1, x2, x3)": (6, 2),
    "median(x1, x2, x3)": (6, 4),
    "sort(x1, x2)": (4,),
    "sort(x1, x2, x3)": (6, 6),
    "sort(x1, x2, x3, x4)": (8, 7, 6),
    "mean(x1, x2, x3)": (),
    "x1/3, x2/5, max(x1, x2)/7": (4,),
    "abs(abs(abs(x) - 2) - 1) - 1/2": (2, 2, 2),
}


@pytest.mark.parametrize("expression", SIZES)
def test_each_function_is_proved_and_as_small_as_was_found(expression):
    net = ck.compile_expression(expression)
    assert ck.prove(net, expression)
    assert net.layer_sizes[1:-1] == SIZES[expression]


def test_an_affine_function_takes_the_decks_form_when_asked():
    net = ck.compile_expression("x", hidden=(2,))
    assert net == ck.circuit("identity")
    assert ck.compile_expression("x", hidden=2) == net
    deep = ck.compile_expression("2*x1 - x2/3", hidden=(2, 3, 4))
    assert deep.layer_sizes == (2, 2, 3, 4, 1)
    assert ck.prove(deep, "2*x1 - x2/3")


def test_hidden_layers_that_are_too_small_are_refused_with_the_least_that_was_found():
    with pytest.raises(ValueError, match=r"hidden: expected at least 3 units in 1 layer \(3\)"):
        ck.compile_expression("max(x1, x2)", hidden=(2,))


@pytest.mark.parametrize("expression", ["x**2", "x1*x2", "floor(x)", "sqrt(2)*x", "nonsense(x)"])
def test_what_has_no_exact_network_is_refused(expression):
    with pytest.raises(ValueError, match="^expr: "):
        ck.compile_expression(expression)


def test_an_output_scale_keeps_what_no_double_is():
    net = ck.compile_expression("x/3")
    assert net.scale == Fraction(1, 3)
    assert net(1)[0] == 1 / 3
    assert not ck.prove(ck.Network([[[1 / 3]]]), "x/3")
    assert ck.prove(net, "x/3")
