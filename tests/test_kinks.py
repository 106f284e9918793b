"""Which units bend in the same place: what tells circuits of one family apart."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import circuitkit as ck
from benchmarks import universality
from circuitkit import circuits, words


def mixed(p: float) -> ck.Network:
    """The member p of the minimum's family, as p x1 + (1 - p) x2 less both greaternesses."""
    q = 1 - p
    return ck.Network([[[p, q], [-p, -q], [1, -1], [-1, 1]], [[1, -1, -p, -q]]])


@pytest.mark.parametrize("p", [-0.5, 0.25, 0.5, 0.75, 1.5])
def test_the_share_of_the_bend_is_the_member_of_the_family(p):
    net = mixed(p)
    assert ck.prove(net, "min")
    at = [kink for kink in ck.kinks(net) if kink.bend]
    assert [(k.normal, k.share, k.units, k.error) for k in at] == [((1, -1), p, (2, 3), 0)]
    assert universality.member(net) == ("in between" if 0 < p < 1 else "beyond", p)


@pytest.mark.parametrize("seed", range(4))
def test_kinks_are_the_same_after_units_are_shuffled_and_rescaled(seed):
    rng = np.random.default_rng(seed)
    net = mixed(0.25)
    order, by = rng.permutation(4), rng.uniform(0.1, 10, 4)
    first, last = net.weights
    other = ck.Network([(by[:, None] * first)[order], (last / by)[:, order]])
    found = [sorted(ck.kinks(n), key=lambda kink: kink.normal) for n in (net, other)]
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose([*a.normal, a.front, a.back], [*b.normal, b.front, b.back])
        assert sorted(order[list(b.units)]) == list(a.units)
    assert universality.member(other)[1] == pytest.approx(0.25)


def test_what_units_add_together_is_off_by_no_more_than_the_error_says():
    rng = np.random.default_rng(0)
    for _ in range(20):
        n = int(rng.integers(1, 4))
        net = ck.Network(
            [rng.normal(size=(6, n)), rng.normal(size=(1, 6))], [rng.normal(size=6), [0]]
        )
        for kink in ck.kinks(net, angle=45):
            units = list(kink.units)
            part = ck.Network(
                [net.weights[0][units], net.weights[1][:, units]], [net.biases[0][units], [0]]
            )
            line = np.array(kink.normal)
            told = ck.Network(
                [[line, -line], [[kink.front, kink.back]]], [[kink.offset, -kink.offset], [0]]
            )
            assert ck.prove(part, told, tolerance=kink.error * (1 + 1e-9) + 1e-12)


def test_where_nothing_bends_no_share_is_told():
    (kink,) = ck.kinks(ck.circuit("add"))
    assert (kink.bend, math.isnan(kink.share)) == (0, True)
    assert ck.kinks(ck.Network([[[0, 0], [1, 1]], [[3, 0]]], [[1, 0], [0]])) == []


def test_a_kink_reads_as_a_formula():
    net = ck.Network([[[2.0, -1.0], [-4.0, 2.0]], [[1, -0.5]]], [[0.5, -1], [0]])
    (kink,) = ck.kinks(net)
    assert str(kink) == "2 relu(x1 - 0.5 x2 + 0.25) - 2 relu(-x1 + 0.5 x2 - 0.25): units 0, 1"
    assert repr(kink) == "Kink((1.0, -0.5), offset=0.25, front=2.0, back=-2.0, units=(0, 1))"


@pytest.mark.parametrize(
    "net",
    [circuits.minimum_two_layers(), ck.Network([[[1.0]]]), ck.parallel(*[ck.circuit("abs")] * 2)],
)
def test_a_network_of_another_shape_is_refused(net):
    with pytest.raises(
        ValueError, match="net: expected a network with one hidden layer and one output, got"
    ):
        ck.kinks(net)


@pytest.mark.parametrize(
    ("w", "b", "out"), [(1e308, 0, 1e10), (1e-300, 1e300, 1.0), (1e308, 1e308, 1e308)]
)
def test_products_beyond_the_doubles_are_refused_and_not_told_as_infinite(w, b, out):
    with pytest.raises(ValueError, match="net: expected weights whose products and quotients"):
        ck.kinks(ck.Network([[[w]], [[out]]], [[b], [0]]))


@pytest.mark.parametrize(
    "net",
    [
        ck.Network([[[1e-200], [-1e-200]], [[1e-200, 1e-200]]]),
        ck.Network([[[1e-200], [1.0]], [[1e-200, 1.0]]]),
    ],
)
def test_a_unit_whose_weights_multiply_to_less_than_a_double_is_refused_and_not_left_out(net):
    with pytest.raises(ValueError, match="net: expected weights whose products and quotients"):
        ck.kinks(net)


def test_a_bend_whose_place_squared_is_beyond_the_doubles_is_refused_and_not_told_as_nothing():
    with pytest.raises(ValueError, match="net: expected weights whose products and quotients"):
        ck.kinks(ck.Network([[[1e-100]], [[1.0]]], [[1e100], [0]]))


def test_bends_far_apart_that_are_put_together_tell_their_error():
    net = ck.Network([[[1.0], [1.0]], [[1.0, 1.0]]], [[-1000.0, -2000.0], [0.0]])
    (kink,) = ck.kinks(net)
    assert kink.error > 1
    assert str(kink).endswith(f"units 0, 1, within {words.number(kink.error, rounding='up')}")
    assert [k.units for k in ck.kinks(net, angle=0)] == [(0,), (1,)]
    thirds = ck.Network([[[1 / 3, 0.1], [-0.7, -0.21]], [[1.0, 1.0]]])
    assert "within" not in str(ck.kinks(thirds)[0])


def test_the_table_reads_the_circuits_that_it_is_about():
    read = universality.READINGS
    assert read["min", 1](circuits.minimum(1)) == ("via x1", 1)
    assert read["min", 1](circuits.minimum(2)) == ("via x2", 0)
    assert read["min", 1](ck.circuit("add"))[0] == "bent elsewhere"
    assert read["min", 2](circuits.minimum_two_layers())[0] == "via x1"
    assert read["abs", 1](ck.circuit("abs"))[0] == "1+1"
    thirds = ck.Network([[[1], [2], [-1], [-1]], [[1, 1, 3, -2]]])
    assert read["abs", 1](thirds)[0] == "2+2, one against"
    assert read["add", 1](ck.circuit("add"))[0] == "a pair of x1 + x2"
    apart = ck.Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, -1, 1, -1]]])
    assert read["add", 1](apart) == ("x1 and x2 apart", pytest.approx(90))
    tilted = ck.Network([[[2, 0], [-2, 0], [1, 2], [-1, -2]], [[0.25, -0.25, 0.5, -0.5]]])
    assert ck.prove(tilted, "add")
    assert read["add", 1](tilted)[0] == "two lines"
    doubled = ck.Network([[[1, 1], [2, 2], [-1, -1]], [[0.5, 0.25, -1]]])
    assert read["add", 1](doubled)[0] == "3 units of x1 + x2"


def test_a_row_of_the_table_tells_its_setting_and_counts_what_is_within_each_yardstick():
    row = universality.row("min", (3,), init="torch", method="sgd", seeds=range(24), steps=3000)
    within = row["within"]
    solved = within["0.001"]
    assert (row["sizes"], row["data"], row["seeds"]) == ("2-3-1", "batches", 24)
    assert 0 < solved["networks"] <= within["0.01"]["networks"] <= within["0.05"]["networks"]
    assert set(solved["circuits"]) <= {"via x1", "via x2"}
    assert json.loads(universality.text({"min": [row], "margin": 0.05})) == {
        "min": [row],
        "margin": 0.05,
    }
    assert sum(solved["numbers"]) == solved["networks"] == sum(solved["circuits"].values())
