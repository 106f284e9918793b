"""Circuits inside a network: what is there is found, what is not there is not, and each reading is proved."""

from __future__ import annotations

from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitkit as ck
from benchmarks.generators import comparator_network, random_network, scramble
from circuitkit import palette, plotting
from circuitkit.functions.target import Target

X = sympy.symbols("x1:5", real=True)
INTERVAL = [(-1, 1)]
PAIRS = [sympy.Min(X[0], X[1]), sympy.Min(X[2], X[3])]


def disguised(seed: int, noise: float = 0.0) -> ck.Network:
    """The minimum of four, its units split in two, rescaled and permuted, every weight disturbed."""
    rng = np.random.default_rng(seed)
    weights = [w.copy() for w in ck.circuit("min4").weights]
    for i in range(len(weights) - 1):
        width = len(weights[i])
        split = np.concatenate([np.arange(width), rng.integers(0, width, size=3)])
        counts = np.bincount(split)
        scale = rng.uniform(0.5, 2, size=len(split))
        order = rng.permutation(len(split))
        split, scale = split[order], scale[order]
        weights[i] = weights[i][split] * scale[:, None]
        weights[i + 1] = weights[i + 1][:, split] / scale / counts[split]
    return ck.Network([w * (1 + noise * rng.normal(size=w.shape)) for w in weights])


def received(net: ck.Network, layer: int, unit: int) -> ck.Network:
    """What one unit receives, as a network of its own."""
    return ck.Network(
        [*net.weights[: layer - 1], net.weights[layer - 1][unit : unit + 1]],
        [*net.biases[: layer - 1], net.biases[layer - 1][unit : unit + 1]],
    )


def prove_again(found: ck.Subcircuits, domain=None) -> None:
    """Each reading, asked of the prover anew."""
    variables = sympy.symbols(f"x1:{found.network.n_inputs + 1}", real=True)
    variables = variables if found.network.n_inputs > 1 else [sympy.Symbol("x", real=True)]
    for row in found.rows:
        proof = ck.prove(
            received(found.network, row.layer, row.unit),
            Target(row.expression, variables=variables),
            tolerance=found.tolerance * Fraction(row.scale),
            domain=domain,
            measure="relative" if domain is None else "absolute",
        )
        assert proof and row.proof


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", [0.0, 5e-3])
def test_in_a_minimum_of_four_that_is_a_tree_exactly_its_two_pairs_are_found(seed, noise):
    found = ck.subcircuits(disguised(seed, noise), tolerance=0.05 if noise else 1e-6)
    assert found.functions == {2: PAIRS}
    assert found.unexplained == found.undecided == ()
    assert found.probed == {2: PAIRS}
    prove_again(found)


def test_units_that_cancel_each_other_are_taken_out_before():
    net = scramble(np.random.default_rng(3), ck.circuit("min4"), units=16)
    box = [(-1, 1)] * 4
    assert len(ck.subcircuits(net, domain=box).unexplained) == 4
    cut = ck.extract(net, domain=box, method="refit", fill="affine", edges=False)
    assert cut.check()
    assert cut.network.layer_sizes == (4, 6, 3, 1)
    inside = ck.subcircuits(cut.network, domain=box)
    assert inside.functions == {2: PAIRS} and inside.unexplained == ()


def test_a_sorter_has_its_comparators_inside():
    net = comparator_network(3, [[(0, 1)], [(1, 2)], [(0, 1)]], [0, 1, 2])
    found = ck.subcircuits(net, tolerance=0)
    assert (
        found.functions[2] == [sympy.Max(X[0], X[1])] or sympy.Min(X[0], X[1]) in found.functions[2]
    )
    assert len(net.weights) > 3 and 3 in found.functions
    prove_again(found)


def test_whether_two_numbers_are_equal_is_decided_by_their_distance():
    close = ck.Network([[[1, -1], [-1, 1]], [[-4, -4]], [[1]]], [None, [1], None])
    found = ck.subcircuits(close, domain=[(0, 1)] * 2, tolerance=0)
    assert found.functions == {2: [sympy.Abs(X[0] - X[1])]}
    assert str(found.rows[0]) == "hidden layer 2, unit 0 reads 1 - 4*abs(x1 - x2)"


def test_a_kink_off_the_middle_is_found_on_a_box():
    net = ck.Network([[[1], [-1]], [[2, 2]], [[1]]], [[-0.25, 0.25], [-0.5], None])
    found = ck.subcircuits(net, domain=[(-1, 1)], tolerance=0)
    x = sympy.Symbol("x", real=True)
    assert found.functions == {2: [sympy.Abs(x - sympy.Rational(1, 4))]}
    prove_again(found, [(-1, 1)])


def test_a_function_of_functions_found_before_is_found():
    four = ck.circuit("min4")
    eight = ck.compose(ck.circuit("min"), ck.parallel(four, four))
    found = ck.subcircuits(eight, tolerance=0, time_limit=100)
    assert len(found.functions[2]) == 4
    x = sympy.symbols("x1:9", real=True)
    assert found.functions[3] == [sympy.Min(*x[:4]), sympy.Min(*x[4:])]
    assert not found.undecided
    prove_again(found)


@pytest.mark.parametrize("tolerance", [0, 1e-2])
def test_a_function_that_is_passed_on_is_named_as_where_it_was_found(tolerance):
    same = np.eye(2)
    net = ck.Network([[[1], [-1]], same, same, same, [[1, 1]]])
    found = ck.subcircuits(net, domain=INTERVAL, tolerance=tolerance)
    assert [str(row) for row in found.rows] == [
        f"hidden layer {layer}, unit {unit} reads max(0, {'-' if unit else ''}x)"
        for layer in (2, 3, 4)
        for unit in (0, 1)
    ]
    pairs = ck.Network([[[1, 1], [-1, 1]], same, [[2, 0], [1, 1]], [[1, 1]]])
    inside = ck.subcircuits(pairs, domain=[(-1, 1)] * 2, tolerance=tolerance)
    assert set(inside.functions[3]) <= set(inside.functions[2])
    prove_again(inside, [(-1, 1)] * 2)


def test_words_and_keys_count_layers_alike_and_say_which():
    found = ck.subcircuits(ck.circuit("min4"))
    assert found.verdict == "Hidden layer 2 reads min(x1, x2) and min(x3, x4)."
    assert {str(row).split(",")[0] for row in found.rows} == {"hidden layer 2"}


def test_nothing_is_found_where_nothing_is():
    rng = np.random.default_rng(0)
    for _ in range(3):
        found = ck.subcircuits(random_network(rng, [3, 6, 4, 1], bias=True, weights="normal"))
        assert found.functions == {} and found.verdict == "No known function was found inside."
        assert len(found.unexplained) + len(found.rows) == 4
    shallow = ck.subcircuits(ck.circuit("min"))
    assert shallow.rows == () and shallow.functions == {} and shallow.probed == {}


def test_noise_is_not_amplified_into_a_circuit():
    for seed in range(2):
        found = ck.subcircuits(disguised(seed, 1e-3), tolerance=0.02)
        assert not any(isinstance(f, sympy.Abs) for f in found.probed[2])
        assert not any(f.has(sympy.Abs) for f in found.functions.get(2, []))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6))
def test_every_reading_is_true_whatever_the_network(seed):
    rng = np.random.default_rng(seed)
    net = random_network(rng, [2, 3, 3, 1], bias=bool(seed % 2))
    domain = [(-1, 1)] * 2 if seed % 3 else None
    found = ck.subcircuits(net, domain=domain, tolerance=[0, 0.02][seed % 2], time_limit=20)
    prove_again(found, domain)
    places = {(row.layer, row.unit) for row in found.rows}
    assert places | {*found.unexplained} | {*found.undecided} == {(2, k) for k in range(3)}


def test_when_time_runs_out_rows_are_undecided():
    found = ck.subcircuits(disguised(0, 1e-3), tolerance=0.05, time_limit=1e-6)
    assert len(found.undecided) == 6 and found.functions == {}
    assert "Not settled in time: 6 rows." in found.verdict


def test_a_page_shows_the_readings():
    found = ck.subcircuits(ck.circuit("min4"))
    assert "<li>hidden layer 2, unit 0 reads min(x1, x2)</li>" in found._repr_html_()
    assert "<ul>" not in ck.subcircuits(ck.circuit("min"))._repr_html_()


# --- drawn ----------------------------------------------------------------------------------------------


def test_blocks_are_the_units_that_make_a_function():
    found = ck.subcircuits(ck.circuit("min4"))
    blocks = found.blocks
    assert blocks == {
        "min(x1, x2)": [(1, 0), (1, 1), (1, 2)],
        "min(x3, x4)": [(1, 3), (1, 4), (1, 5)],
    }
    ax = plotting.network(found.network, circuits=blocks)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["min(x₁, x₂)", "min(x₃, x₄)"]
    plt.close("all")


def test_what_is_kept_is_drawn_strong_and_the_rest_pale():
    net = ck.Network([[[1], [-1], [0.001]], [[1, 1, 0.5]]], [[0, 0, 0.1], [0]])
    found = ck.extract(net, domain=[(-1, 1)], tolerance=0.1)
    assert found.kept.units == ((1, 0), (1, 1))
    ax = plotting.network(net, kept=found.kept)
    pale = [p for p in ax.patches if p.get_edgecolor()[:3] == _rgb(palette.HAIRLINE)]
    assert len(pale) == 1
    faint = [line for line in ax.lines if (line.get_alpha() or 1) < 0.5]
    assert len(faint) == 3  # in, out and the bias of the unit that is removed
    assert {t.get_text() for t in ax.texts} >= {"1", "−1"}
    assert "0.5" not in {t.get_text() for t in ax.texts}
    plt.close("all")
    for wrong in ([(9, 9)], [(1,)], ["x"], [3]):
        with pytest.raises(ValueError, match="^kept: expected"):
            plotting.network(net, kept=wrong)


def _rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def test_a_row_at_the_largest_double_is_read_or_left_and_never_overflows():
    largest = np.finfo(float).max
    weights = [[[-1.0]], [[0.0], [1.0], [-2.0], [2.0]], [[-2.0, -2.0, 0.0, 1.0]]]
    net = ck.Network(weights, [[largest], [2.0, 2.0, 1.0, 2e17], [0.0]])
    read = ck.subcircuits(net, domain=[(-2.0, -1.0)], tolerance=255)
    assert "layer 2, unit 0 reads 2" in str(read)


def test_what_is_handed_out_changes_no_verdict():
    found = ck.subcircuits(ck.circuit("min4"))
    verdict, blocks = found.verdict, found.blocks
    found.functions[2].append(3)
    found.functions.clear()
    assert (found.verdict, found.blocks) == (verdict, blocks)
    assert [str(f) for f in found.functions[2]] == ["Min(x1, x2)", "Min(x3, x4)"]
