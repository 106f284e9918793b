from __future__ import annotations

import math
import multiprocessing
import pickle
import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
import sympy
from cases import CIRCUITS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from timing import longest_between_looks, timed

import circuitkit as ck
from benchmarks.generators import random_network, random_target
from circuitkit import check
from circuitkit.exact import regions
from circuitkit.proof import deciding, many, sentences
from circuitkit.proof.claim import read_claim, values
from circuitkit.proof.counting import count_pieces
from circuitkit.proof.deciding import NotSettled

ENGINES = ("regions", "z3")
SEEDS = st.integers(0, 2**32 - 1)

MAXIMA = {"max": sympy.Max, "min": sympy.Min, "abs": sympy.Abs}
NOTHING = ck.Target(sympy.Integer(0), variables=sympy.symbols("x1:7"))

#: the deck's printed weights, (hidden, output), its function, the exact worst error
PRINTED = (
    ([[-0.9192], [1.0035]], [[-1.0872, 0.9957]], "identity", 8.15e-4),
    ([[1.0627], [-1.0206]], [[0.9403, 0.9790]], "abs", 8.33e-4),
    ([[0.8511, 0.8522], [-0.9304, -0.9291]], [[1.1742, -1.0755]], "add", 1.40e-3),
    ([[-0.8519, 0.8508], [0.9296, -0.9309]], [[-1.1746, 1.0750]], "subtract", 1.40e-3),
)


def exact_error(net, target, x, relative=True):
    """|net - f| / max(1, |x|) in fractions, written without circuitkit's own evaluation."""
    h = sympy.Matrix([sympy.Rational(Fraction(v)) for v in x])
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        h = w_exact(w) * h + w_exact(b[:, None])
        if i < len(net.weights) - 1:
            h = h.applyfunc(lambda v: max(v, sympy.Integer(0)))
    point = {v: sympy.Rational(Fraction(a)) for v, a in zip(target.variables, x, strict=True)}
    worst = max(abs(a - e.subs(point)) for a, e in zip(h, target.outputs, strict=True))
    return Fraction(str(worst / (max(1, *(abs(v) for v in point.values())) if relative else 1)))


def w_exact(matrix):
    return sympy.Matrix([[sympy.Rational(Fraction(v)) for v in row] for row in matrix.tolist()])


# --- what is proved -----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CIRCUITS, ids=str)
def test_every_circuit_is_its_function_for_all_inputs(case, engine):
    found = ck.prove(case.make(), case.target, engine=engine)
    assert found and found.holds is True
    assert found.counterexample is None
    assert found.error == 0 and found.exact_error == 0
    assert found.domain is None


@pytest.mark.parametrize(
    ("name", "regions"), [("identity", 2), ("abs", 2), ("add", 2), ("min", 4), ("min4", 33)]
)
def test_regions_are_counted_as_a_reader_counts_them(name, regions):
    found = ck.prove(ck.circuit(name), name)
    assert found.n_regions == regions
    assert repr(found).endswith(f"for every input ({regions} linear regions).")


#: two zones of the bumps are one formula, but apart; a wall that is cut is one wall
_HAT = "max(x1, 0) - 2*max(x1 - 1, 0) + max(x1 - 2, 0)"


@pytest.mark.parametrize(
    ("hidden", "target", "domain", "regions"),
    [
        ([], "max(x1, x2, x3)", None, 3),
        ([], "max(x1, x2, x3)", [(0, 1)] * 3, 3),
        ([[1, 0, 0]], "max(x1, x2, x3)", None, 6),
        ([], "min4", None, 4),
        ([], "max(x1, x2, x3, x4, x5)", None, 5),
        ([], "max(abs(x1), abs(x2))", None, 4),
        ([], "max(0, x1, x2)", None, 3),
        ([], _HAT, None, 4),
        ([], f"{_HAT} + x2", None, 4),
        ([[1, 0]], f"{_HAT} + x2", None, 4),
        ([], "max(0, max(abs(x1), abs(x2)) - 1)", None, 5),
        ([], "max(0, min(abs(x1), abs(x2)) - 1)", None, 9),
        ([], "max(0, 1 - max(abs(x1), abs(x2)))", None, 5),
        ([], "max(x1, x2, x3, x4, x5, x6, x7, x8, x9)", None, None),
    ],
)
def test_regions_are_where_the_target_has_kinks(hidden, target, domain, regions):
    n = ck.target(target).n_inputs
    net = ck.Network([hidden, [[1] * len(hidden)]]) if hidden else ck.Network([[[0] * n]])
    claim = read_claim(net, target, 10, domain, "relative")
    assert count_pieces(claim) == regions


def nested(rng, depth):
    """A function of two inputs without constants, as text."""
    if not depth or rng.random() < 0.2:
        a, b = rng.integers(-2, 3, size=2)
        return f"({a}*x1 + {b}*x2)"
    name = rng.choice(["max", "min", "abs"])
    many = 1 if name == "abs" else int(rng.integers(2, 4))
    return f"{name}({', '.join(nested(rng, depth - 1) for _ in range(many))})"


@pytest.mark.parametrize("seed", range(25))
def test_the_sectors_of_a_plane_are_counted_all_around(seed):
    """Without constants every region is a sector: units that are on and slopes, read in 20,000 directions."""
    rng = np.random.default_rng(seed)
    text = f"{nested(rng, 3)} + {nested(rng, 1)} + 0*x1 + 0*x2"
    f = ck.Target(sympy.sympify(text, locals=MAXIMA), variables=sympy.symbols("x1:3"))
    weights = rng.integers(-2, 3, size=(int(rng.integers(1, 3)), 2))
    angles = 2 * np.pi * (np.arange(20_000) + 1 / np.pi) / 20_000
    x = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    slopes = [(f(x + step) - f(x)) / 1e-7 for step in 1e-7 * np.eye(2)]
    seen = np.column_stack([*(np.ravel(s).round(2) for s in slopes), x @ weights.T > 0])
    changes = int((np.abs(seen - np.roll(seen, 1, axis=0)) > 0.1).any(axis=1).sum())
    net = ck.Network([weights, np.ones((1, len(weights)))])
    assert count_pieces(read_claim(net, f, 0, None, "relative")) == max(changes, 1)


def test_the_verdict_comes_first_and_reads_like_a_sentence():
    minimum = ck.circuit("min")
    assert repr(ck.prove(minimum, "min")) == (
        "Proved: this network equals min(x1, x2) for every input (4 linear regions)."
    )
    assert repr(ck.prove(minimum, "max")) == (
        "Refuted: at x = (1, -1) the network gives -1, the target max(x1, x2) gives 1 "
        "(worst error 2, relative to the input's size beyond 1)."
    )
    assert repr(ck.prove(minimum, "x1", domain=[(-3, 0), (1, 2)])) == (
        "Proved: this network equals x1 for every input in [-3, 0] × [1, 2] (1 linear region)."
    )
    assert "; tolerance 0.5)" in repr(ck.prove(minimum, "max", tolerance=0.5))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {},
            "within 0.2 of x for every input, relative to the input's size beyond 1 "
            "(worst error 0.1, 2 linear regions)",
        ),
        # on [-1, 1] every size is 1: there is one measure only
        ({"domain": [(-1, 1)]}, "within 0.2 of x for every input in [-1, 1] (worst error 0.1, 2"),
        (
            {"domain": [(-2, 1)], "measure": "absolute"},
            "within 0.2 of x for every input in [-2, 1], in absolute error (worst error 0.2, 2",
        ),
        (
            {"domain": [(-2, math.inf)]},
            "every input in [-2, inf), relative to the input's size beyond 1 (worst error 0.1, 2",
        ),
    ],
)
def test_the_measure_is_in_the_sentence(arguments, sentence):
    almost = ck.Network([[[1], [-1]], [[1, -0.9]]])
    found = ck.prove(
        almost, "identity", tolerance=Fraction("0.2") + Fraction(1, 10**9), **arguments
    )
    assert sentence in repr(found) and sentence in found._repr_html_().replace("&#x27;", "'")


def test_an_unbounded_error_is_said_to_be_unbounded():
    almost = ck.Network([[[1], [-1]], [[1, -0.9]]])
    found = ck.prove(almost, "identity", measure="absolute", tolerance=1)
    assert not found and found.error == math.inf and found.exact_error is None
    assert "(worst error unbounded, in absolute error; tolerance 1)" in repr(found)
    assert exact_error(almost, found.target, found.counterexample, relative=False) > 1


def test_numbers_that_differ_look_different():
    third = ck.Network([[[1 / 3]]])
    assert "gives 0.33333333333333331, the target x/3 gives 0.33333333333333333 " in repr(
        ck.prove(third, "x/3", domain=[(1, 1)])
    )
    tiny = ck.Network([[[1.0]]], [[5e-324]])
    text = repr(ck.prove(tiny, "x", domain=[(1, 2)]))
    assert "gives 1 + 4.941e-324, the target x gives 1 (" in text or (
        "gives 2 + 4.941e-324, the target x gives 2 (" in text
    )
    assert "worst error 4.941e-324" in text
    thin = repr(ck.prove(ck.Network([[[1.0]]]), "x", domain=[(1, 1 + 2**-52)]))
    assert "in [1, 1.0000000000000002]" in thin
    assert "in {1}" in repr(ck.prove(ck.Network([[[1.0]]]), "x", domain=[(1, 1)]))


def shown(bias, tolerance, **arguments):
    return repr(ck.prove(ck.Network([[[1.0]]], [[bias]]), "x", tolerance=tolerance, **arguments))


@pytest.mark.parametrize("bias", [0.5, 1e-3, 0.1, 1 / 3, 1e-300, 1e300, 5e-324])
@pytest.mark.parametrize("more", [1e-5, 1e-12, 1e-20, 1e-100])
def test_the_comparison_that_a_refutation_shows_is_true(bias, more):
    tolerance = Fraction(bias) * (1 - Fraction(more))
    text = shown(bias, tolerance)
    error, allowed = re.search(r"worst error ([^,)]*).*; tolerance (.*)\)", text).groups()
    base, _, rest = error.partition(" + ")
    assert Fraction(base) + Fraction(rest or 0) > Fraction(allowed)
    assert len(text) < 300
    # and a proof's: the error is at most what it is said to be within
    text = shown(bias, Fraction(bias) * (1 + Fraction(more)))
    within, error = re.search(r"within (\S*) of .*worst error ([^,)]*)", text).groups()
    assert Fraction(error) <= Fraction(within)
    assert Fraction(within) >= Fraction(bias) or float(within) == bias


def test_a_bound_on_the_error_is_rounded_to_the_safe_side():
    claim = read_claim(ck.circuit("identity"), "x", tolerance=Fraction("0.1"))
    bound = Fraction("0.015625")
    assert "(error at most 0.01563)" in sentences.proved(claim, bound, "at most", None)
    low = sentences.refuted(claim, Fraction("0.115625"), "at least", (Fraction(1),))
    assert "worst error at least 0.1156," in low
    assert sentences.between(claim, bound, bound) == (
        "the worst error is at least 0.01562 and at most 0.01563, relative to the input's size beyond 1"
    )


def test_an_error_is_a_float_that_says_as_much_as_a_float_can():
    one = ck.Network([[[1.0]]])
    tiny = ck.prove(ck.Network([[[1e-300], [-1e-300]], [[1e-300, -1e-300]]]), "0")
    assert not tiny and tiny.error == 5e-324 and "worst error 1e-600" in repr(tiny)
    large = ck.prove(ck.Network([[[1e300]], [[1e300]]]), "0", domain=[(-1, 1)])
    assert large.error == math.inf and large.exact_error == Fraction(1e300) ** 2
    assert "worst error 1e+600)" in repr(large)
    equal = ck.prove(one, "y < x")
    assert not equal and equal.error == 0.0
    bounds = Fraction(1, 3), Fraction(2, 3)
    for value in bounds:
        claim = read_claim(one, "x", tolerance=Fraction(1, 2))
        at_most = ck.Proof(True, claim, value, "at most", None, "search")
        at_least = ck.Proof(False, claim, value, "at least", None, "search")
        assert at_least.error <= value <= at_most.error


def test_a_number_of_hundreds_of_digits_is_short_in_a_sentence():
    large, tiny = ck.Network([[[1e300]], [[1e300]]]), ck.Network([[[1.0]]], [[5e-324]])
    found = [
        ck.prove(large, "1e300*x"),
        ck.prove(large, ck.Target(sympy.Integer(7) ** 700 * sympy.Symbol("x", real=True))),
        ck.prove(tiny, "x", domain=[(Fraction(1, 3), Fraction(1, 3))]),
        ck.prove(ck.Network([[[1.0]]]), "y >= 1e300", domain=[(Fraction(1, 3**400), 1)]),
    ]
    for proof in found:
        assert len(repr(proof)) < 260
    assert "the target 1e+300*x gives" in repr(found[0])
    assert "the target about 3.704e+591*x gives" in repr(found[1])


def test_what_is_undecided_is_asked_with_its_domain_and_its_measure():
    claim = read_claim(ck.circuit("min"), "x1", 0.5, [(-2, 1), (0, 1)], "absolute")
    assert sentences.question(claim) == (
        "whether this network is within 0.5 of x1 for every input in [-2, 1] × [0, 1], in absolute error"
    )
    many = read_claim(ck.circuit("min4"), "min4", domain=[(0, 1)] * 4)
    assert sentences.question(many).endswith("for every input in [0, 1]^4")
    assert sentences.question(read_claim(ck.circuit("min"), ck.circuit("max"))) == (
        "whether the two networks are equal for every input"
    )


def test_numbers_beyond_the_doubles_are_written_out():
    found = ck.prove(ck.Network([[[1.0]]], [[1]]), "x", domain=[(10**400, 10**400 + 1)])
    assert not found and found.exact_error == Fraction(1, 10**400)
    assert "at x = 1e+400 the network gives" in repr(found)
    assert "worst error 1e-400" in repr(found) and found.error == 5e-324


def test_the_html_is_escaped():
    target = ck.Target(sympy.Symbol("x", real=True), name="<b>x</b>")
    page = ck.prove(ck.circuit("abs"), target)._repr_html_()
    assert page.startswith('<p class="ck-result ck-result-refuted"><strong>Refuted:</strong>')
    assert "<b>" not in page


@pytest.mark.parametrize(("hidden", "output", "target", "error"), PRINTED)
def test_the_worst_error_of_the_decks_printed_weights(hidden, output, target, error):
    net = ck.Network([hidden, output])
    found = ck.prove(net, target)
    assert not found
    assert found.error == pytest.approx(error, rel=5e-3)
    assert exact_error(net, ck.target(target), found.counterexample) <= found.exact_error
    for engine in ENGINES:
        assert ck.prove(net, target, tolerance=found.exact_error, engine=engine)
        assert not ck.prove(
            net, target, tolerance=found.exact_error * Fraction(9999, 10000), engine=engine
        )


# --- near misses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("off", [1e-1, 1e-4, 1e-9, 2.0**-52])
def test_one_weight_off_is_refuted_with_its_exact_error(off, engine):
    # relu(x1) - (1 + off) relu(-x1) - relu(x1 - x2): wrong by off * relu(-x1), worst at x1 = -1
    net = ck.Network([[[1, 0], [-1, 0], [1, -1]], [[1, -(1 + off), -1]]])
    found = ck.prove(net, "min", engine=engine)
    assert not found
    exact = Fraction(1 + off) - 1
    assert 0 < found.error <= float(exact)
    if engine == "regions":
        assert found.exact_error == exact
    assert exact_error(net, ck.target("min"), found.counterexample) > 0
    assert ck.prove(net, "min", tolerance=exact, engine=engine)
    assert not ck.prove(net, "min", tolerance=exact * Fraction(10**6 - 1, 10**6), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("width", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_thin_wedge_is_found(width, engine):
    # relu(x1 - x2) - relu(x1 - (1 + width) x2) differs from relu(width x2) only between two near lines
    wedge = ck.Network([[[1, -1], [1, -(1 + width)], [0, 1]], [[1, -1, -width]]])
    found = ck.prove(wedge, "0*x1 + 0*x2", engine=engine)
    assert not found
    assert exact_error(wedge, found.target, [Fraction(v) for v in found.counterexample]) > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fit_on_the_training_range_fails_outside_it(engine):
    # two units and a bias: |x| on [-1, 1], not beyond: x + 2 relu(-x) with x = relu(x + 1) - 1
    net = ck.Network([[[1], [-1]], [[1, 2]]], [[1, 0], [-1]])
    assert ck.prove(net, "abs", domain=[(-1, 1)], engine=engine)
    found = ck.prove(net, "abs", engine=engine)
    assert not found
    assert found.counterexample[0] < -1


def test_an_error_that_is_only_approached_at_infinity_is_the_supremum():
    clamp = ck.Network([[[1], [1]], [[1, -1]]], [[0, -1], [0]])
    found = ck.prove(clamp, "identity")
    assert found.error == 1
    assert ck.prove(clamp, "identity", tolerance=1)
    close = Fraction(10**12 - 1, 10**12)
    near = ck.prove(clamp, "identity", tolerance=close)
    assert not near
    assert exact_error(clamp, ck.target("identity"), near.counterexample) > close


@pytest.mark.parametrize("engine", ENGINES)
def test_an_infinite_end_leaves_that_side_open(engine):
    relu = ck.Network([[[1]], [[1]]])
    assert ck.prove(relu, "identity", domain=[(0, math.inf)], engine=engine)
    assert not ck.prove(relu, "identity", domain=[(-math.inf, 0)], engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_several_outputs_must_all_agree(engine):
    swap = ck.Network([[[0, 1], [1, 0]]])
    assert ck.prove(swap, "x2, x1", engine=engine)
    assert not ck.prove(swap, "x2, x2", engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_without_hidden_layers_can_be_proved(engine):
    assert ck.prove(ck.Network([[[2.0, -0.5]]], [[3]]), "2*x1 - x2/2 + 3", engine=engine)


def test_a_target_may_leave_out_inputs():
    assert ck.prove(ck.Network([[[1.0, 0, 0]]]), "x1")
    assert ck.prove(ck.Network([[[1.0, 1, 0]]]), "x1 + x2")


# --- the engines against each other -------------------------------------------------------------------


@settings(max_examples=20)
@given(SEEDS)
@example(3_770_907_923)  # two claims in one cell, where the second one's ratio is the larger
def test_both_engines_agree_also_exactly_at_the_worst_error(seed):
    rng = np.random.default_rng(seed)
    n, depth, bias = int(rng.integers(1, 4)), int(rng.integers(1, 3)), bool(rng.integers(2))
    sizes = [n, *(int(rng.integers(1, 4)) for _ in range(depth)), 1]
    net = random_network(rng, sizes, bias=bias, weights=rng.choice(["small", "quarters", "normal"]))
    target = random_target(rng, n, bias=bias)
    domain = [(-1, 2)] * n if rng.integers(2) else None
    found = ck.prove(net, target, domain=domain, engine="regions")
    assert found.holds == (found.exact_error == 0)
    for tolerance in (0, found.exact_error, found.exact_error * Fraction(999, 1000)):
        expected = found.exact_error <= tolerance
        for engine in ENGINES:
            again = ck.prove(net, target, domain=domain, tolerance=tolerance, engine=engine)
            assert again.holds == expected
            if not expected:
                x = [Fraction(v) for v in again.counterexample]
                assert tolerance < exact_error(net, again.target, x) <= found.exact_error
                assert domain is None or all(-1 <= v <= 2 for v in x)


@settings(max_examples=25)
@given(SEEDS)
def test_no_sampled_error_is_above_the_exact_worst_error(seed):
    rng = np.random.default_rng(seed)
    net = random_network(rng, [2, 5, 4, 2], bias=bool(rng.integers(2)), weights="normal")
    target = ck.target("abs(x1) - x2, max(x1, 1/3 - x2)")
    found = ck.prove(net, target)
    x = rng.normal(size=(2000, 2)) * rng.choice([0.3, 1, 30], size=(2000, 1))
    errors = np.abs(net(x) - target(x)).max(axis=1) / np.maximum(1, np.abs(x).max(axis=1))
    assert errors.max() <= found.error * (1 + 1e-9)
    at = ck.prove(net, target, tolerance=found.exact_error * Fraction(999, 1000)).counterexample
    error = np.abs(net(at) - target(at)).max() / max(1, np.abs(at).max())
    assert 0.9989 * found.error <= error <= found.error * (1 + 1e-9)


@settings(max_examples=40)
@given(SEEDS)
def test_regions_cover_everything_and_carry_the_networks_own_values(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    net = random_network(rng, [n, 4, 3, 1], bias=True, weights="small")
    made = regions.program(net, None, homogeneous=False)
    scale = made.outputs[0][1]
    seen = []
    for cell in regions.cells(made, regions.domain_cone(n, homogeneous=False, box=None)):
        inside = sum(
            (rng.integers(1, 9) * ray for ray in cell.cone.rays.astype(object)),
            np.zeros(n + 1, dtype=object),
        )
        for line in cell.cone.lines:
            inside = inside + int(rng.integers(-9, 9)) * line.astype(object)
        if not inside[-1]:
            inside[-1] = 1  # a cone all of whose rays are at infinity has the line t
        x = [Fraction(int(v), int(inside[-1])) for v in inside[:-1]]
        value = Fraction(int(cell.outputs[0][0].astype(object) @ inside), int(inside[-1]) * scale)
        assert values(net, x) == [value]
        seen.append(cell)
    assert len(seen) >= 1


def test_min8_and_sorting_stay_exact_and_quick():
    minimum = ck.circuit("min")
    min4 = ck.circuit("min4")
    min8 = ck.compose(minimum, ck.parallel(min4, min4))
    for engine in ENGINES:
        assert ck.prove(min8, "min(x1, x2, x3, x4, x5, x6, x7, x8)", engine=engine)
    wrong = ck.Network([*min8.weights[:-1], [[1, -1, -1.001]]])
    for engine in ENGINES:
        assert not ck.prove(wrong, "min(x1, x2, x3, x4, x5, x6, x7, x8)", engine=engine)


# --- undecided, and errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["auto", *ENGINES])
def test_what_is_not_settled_in_time_is_undecided(engine):
    # the difference of two networks that are the same but for 1e-9 of their weights: within 1e-6 of 0
    # at every sample, and too many regions to see in so short a time
    rng = np.random.default_rng(5)
    one = random_network(rng, [6, 30, 30, 1], bias=True, weights="normal")
    two = ck.Network([w * (1 + 1e-9) for w in one.weights], one.biases)
    gap = np.zeros((30, 30))
    difference = ck.Network(
        [
            np.vstack([one.weights[0], two.weights[0]]),
            np.block([[one.weights[1], gap], [gap, two.weights[1]]]),
            np.hstack([one.weights[2], -two.weights[2]]),
        ],
        [np.tile(b, 2) for b in one.biases[:2]] + [None],
    )
    with pytest.raises(
        ck.Undecided,
        match="undecided within 0.3 s: whether this network is within 1e-05 of 0 for every input, relative",
    ):
        ck.prove(difference, NOTHING, tolerance=1e-5, time_limit=0.3, engine=engine)


def test_a_counterexample_found_before_the_time_is_up_still_counts():
    rng = np.random.default_rng(6)
    net = random_network(rng, [6, 40, 40, 1], bias=True, weights="normal")
    found = ck.prove(net, NOTHING, time_limit=0.5)
    assert not found
    assert found.bound == "at least" and found.exact_error is None
    assert "worst error at least" in repr(found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "sin(x)"}, "piecewise linear function with rational numbers"),
        (
            {"target": "x**2"},
            r"got x\*\*2: x\*\*2 is not, as it is written; only those can be proved exactly",
        ),
        ({"target": "sqrt(2)*x"}, "piecewise linear"),
        ({"target": "min"}, "target: expected a function of 1 input, as the network has, got min"),
        ({"target": "x, x"}, "target: expected 1 output, as the network has"),
        (
            {"target": "x", "tolerance": -1},
            "tolerance: expected a finite number, 0 or above, got -1",
        ),
        ({"target": "x", "tolerance": math.nan}, "tolerance: expected a finite number"),
        ({"target": "x", "tolerance": math.inf}, "tolerance: expected a finite number"),
        (
            {"target": "x", "domain": [(1, 0)]},
            r"domain: expected None, 1 pair \(low, high\) with low <= high, one for each input, or",
        ),
        ({"target": "x", "domain": [(math.inf, math.inf)]}, "domain: expected None, 1 pair "),
        ({"target": "x", "domain": [(math.nan, 1)]}, "domain: expected None, 1 pair "),
        ({"target": "x", "domain": ([[1, 2]], [0])}, r"domain: expected \(A, b\) with A of shape"),
        ({"target": "x", "domain": ([[1], [-1]], [-1, -1])}, "got an empty polytope"),
        (
            {"target": "x", "measure": "mean"},
            "measure: expected 'relative' or 'absolute', got 'mean'",
        ),
        (
            {"target": "y <= x", "tolerance": 1},
            "tolerance: expected 0 for the relation y <= x, got 1",
        ),
        ({"target": "y <= x2"}, "target: expected 1 input, as the network has, got y <= x2"),
        ({"target": "y2 <= x"}, "target: expected 1 output, as the network has, got y2 <= x"),
        ({"target": "x <= 1"}, "target: expected a relation of the outputs y"),
        ({"target": "y != x"}, "target: cannot read 'y != x': expected <= >= < > or =="),
        ({"target": "y <= x or y >= x"}, "joined by 'and'"),
        ({"target": "y <= x**2"}, "piecewise linear"),
        ({"target": "y <= __import__('os')"}, "target: cannot read|target: unknown function"),
        ({"target": "x", "domain": [(0, 1), (0, 1)]}, "got 2"),
        ({"target": "x", "domain": 3}, "got 3"),
        ({"target": "x", "domain": (0, 1)}, r"\(A, b\), got \(0, 1\)"),
        ({"target": "x", "domain": []}, "got none"),
        (
            {"target": "x", "time_limit": 0},
            "time_limit: expected a number of seconds above 0, got 0",
        ),
        (
            {"target": "x", "engine": "guess"},
            "engine: expected 'auto', 'regions' or 'z3', got 'guess'",
        ),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        ck.prove(ck.circuit("identity"), **arguments)


@pytest.mark.parametrize("tolerance", ["0.1", None, True, [0.1], 1j])
def test_a_tolerance_that_is_no_number_is_a_type_error(tolerance):
    with pytest.raises(TypeError, match="tolerance: expected a finite number, 0 or above, got"):
        ck.prove(ck.circuit("abs"), "abs", tolerance=tolerance)


def test_the_network_must_be_one():
    with pytest.raises(TypeError, match=r"net\[0\]: expected a Network, got list"):
        ck.prove([[1]], "x")


def test_products_that_multiply_out_to_something_linear_are_taken():
    x = sympy.Symbol("x", real=True)
    assert ck.prove(ck.Network([[[-1.0]]], [[-1]]), ck.Target((x - 1) * (x + 1) - x**2 - x))


def test_floats_in_a_target_are_the_rationals_that_they_are():
    x = sympy.Symbol("x", real=True)
    assert ck.prove(ck.Network([[[0.1]]]), ck.Target(0.1 * x))
    assert not ck.prove(ck.Network([[[0.1]]]), "x/10")


def test_weights_at_the_ends_of_the_float_range_stay_exact():
    huge = ck.Network([[[1e200]], [[1e200]]])
    found = ck.prove(huge, "identity")
    assert not found and found.error == math.inf and found.exact_error > 10**399
    assert "worst error 1e+400, relative" in repr(found)
    tiny = ck.Network([[[1.0], [-1.0]], [[1.0, -1.0]]], [[0, 0], [5e-324]])
    assert ck.prove(tiny, "identity").exact_error == Fraction(5e-324)


#: trained to be the minimum, and it but for rounding
TRAINED = (
    [[1.5741355669966337, -3.3507975212997764e-14], [0.5559451090867088, -0.5559451090867118],
     [-1.84995950130854, -1.733447351441315e-14]],
    [[0.4380536458157078, -9.417060610740418e-14, -1.3803150313726036],
     [1.430982051080278e-07, 1.4155964232922715, 0.4254114251762555]],
    [[1.4502093249425556, -1.2706578664368715]],
)  # fmt: skip


@pytest.mark.no_cover  # tracing takes time of its own
@pytest.mark.parametrize("engine", ["auto", "regions"])
def test_the_exact_worst_error_of_a_small_trained_network_is_found_at_once(engine):
    seconds, found = timed(
        lambda: ck.prove(ck.Network(TRAINED), "min", tolerance=1e-6, engine=engine), below=0.05
    )
    assert found and found.bound == "exact"
    assert 0 < found.exact_error < Fraction(1, 10**6)
    assert seconds < 0.05


@pytest.mark.no_cover  # tracing takes time of its own
@pytest.mark.parametrize("engine", ["auto", *ENGINES])
def test_a_large_network_is_given_no_more_time_than_there_is(engine):
    net = random_network(np.random.default_rng(1), [6, 150, 150, 1], bias=True, weights="normal")
    seconds, found = timed(lambda: ck.prove(net, NOTHING, time_limit=1, engine=engine), below=1.2)
    assert seconds < 1.2
    assert not found and found.bound == "at least"


@pytest.mark.no_cover  # tracing takes time of its own
@pytest.mark.parametrize("engine", ["auto", "regions"])
def test_no_step_of_a_proof_is_long_without_a_look_at_the_clock(engine, monkeypatch):
    net = random_network(np.random.default_rng(1), [6, 150, 150, 1], bias=True, weights="normal")
    longest, found = longest_between_looks(
        monkeypatch,
        lambda: ck.prove(net, NOTHING, time_limit=3, engine=engine),
        below=0.3,
    )
    assert longest < 0.3
    assert not found


def test_a_proof_pickles():
    found = pickle.loads(pickle.dumps(ck.prove(ck.circuit("min"), "max")))
    assert found.error == 2 and found.counterexample.tolist() == [1, -1]


@pytest.mark.parametrize("claim", ["y <= 1", "0", "x1 + x2"])
def test_a_gate_that_floats_lose_is_no_reason_to_crash(claim):
    weights = [[[0, 1], [1, 0], [1, 1]], [[0, 0, -1], [0, -1, 1], [1, -1, 0]], [[1, 1, 5e-324]]]
    proof = ck.prove(ck.Network(weights, [[0, 0, 0], [1, 0, 0], [0]]), claim)
    assert not proof.holds
    assert proof.counterexample is not None


@pytest.mark.parametrize("sign", [1, -1])
def test_a_target_beyond_the_doubles_is_refuted(sign):
    steep = sympy.Rational(sign * 10**400, 3) * sympy.Symbol("x")
    assert not ck.prove(ck.circuit("identity"), steep)


# --- many networks --------------------------------------------------------------------------------------


def test_many_networks_get_the_proofs_that_each_of_them_gets():
    nets = [ck.circuit("min"), ck.circuit("max"), ck.circuits.minimum()]
    alone = [ck.prove(net, "min", tolerance=1e-3) for net in nets]
    together = ck.prove(nets, "min", tolerance=1e-3)
    with ThreadPoolExecutor(2) as pool:
        elsewhere = ck.prove(iter(nets), "min", tolerance=1e-3, executor=pool)
        assert ck.prove(nets[0], "min", executor=pool).holds
    for found in (together, elsewhere):
        assert [proof.verdict for proof in found] == [proof.verdict for proof in alone]
        assert [proof.certificate for proof in found] == [proof.certificate for proof in alone]
        assert all(proof.network is net for proof, net in zip(found, nets, strict=True))
    assert ck.prove([], "min") == []


def test_many_networks_are_proved_by_a_pool_of_processes():
    nets = [ck.circuit("abs"), ck.circuit("identity")] * 2
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = ck.prove(nets, "y >= x", executor=pool)
    assert all(found)
    assert all(ck.check(p.certificate, p.network, "y >= x") for p in found)


def test_many_networks_of_which_one_is_undecided_lose_no_proof(monkeypatch):
    slow = ck.circuit("max")

    def decide(claim, *rest):
        if claim.network is slow:
            raise NotSettled(Fraction(1, 2))
        return deciding.decide(claim, *rest)

    monkeypatch.setattr(many, "decide", decide)
    with pytest.raises(
        ck.Undecided, match=r"^net\[1\]: undecided within 60 s: .*at least 0.5"
    ) as no:
        ck.prove([ck.circuit("min"), slow, ck.circuit("min")], "min")
    assert no.value.lower == 0.5
    assert [bool(proof) for proof in no.value.proofs] == [True, False, True]


def test_what_is_given_up_with_time_left_does_not_speak_of_the_time_limit(monkeypatch):
    def refuse(*_, **__):
        raise check.Rejected("no")

    monkeypatch.setattr(deciding, "verify", refuse)
    said = r"^undecided after 0\.\d+ s, with time left: whether .* \(a proof was found, but the checker: no\)"
    with pytest.raises(ck.Undecided, match=said):
        ck.prove(ck.circuit("min"), "min")


EVERY = (-math.inf, math.inf)


@pytest.mark.parametrize("engine", ["auto", "z3"])
@pytest.mark.parametrize(
    ("net", "target", "domain", "tolerance"),
    [
        (ck.circuit("min"), "min(0, x2)", [(0, 0), EVERY], 0),
        (
            ck.Network([[[2, 2]], [[1]]]),
            ck.Network([[[-1, 2]], [[1]]]),
            [(0, 0), EVERY],
            0,
        ),
        (
            ck.Network([[[0, -1], [1, 1]], [[-0.5, -1], [2, 2]], [[-2, 0.5]]]),
            "x1 + x2",
            [(-math.inf, 0), (0, 0)],
            1,
        ),
    ],
)
def test_beside_an_input_that_is_fixed_at_0_another_may_be_unbounded(
    net, target, domain, tolerance, engine
):
    proof = ck.prove(net, target, domain=domain, tolerance=tolerance, engine=engine)
    assert (proof.holds, proof.exact_error) == (True, tolerance)
    assert ck.check(proof.certificate, net, target)
    if tolerance:
        refuted = ck.prove(net, target, domain=domain, tolerance=tolerance / 10, engine=engine)
        assert not refuted
        assert refuted.exact_error == (tolerance if engine == "auto" else None)


@pytest.mark.parametrize("seed", range(40))
def test_with_inputs_fixed_the_verdict_is_that_of_the_network_without_them(seed):
    """The fixed inputs go into the biases by hand; the weights that they are multiplied with differ."""
    rng = np.random.default_rng(seed)
    n, h = int(rng.integers(2, 5)), int(rng.integers(1, 4))
    fixed = np.flatnonzero(rng.random(n) < 0.5)[: n - 1]
    fixed = fixed if fixed.size else np.array([0])
    at = rng.choice([0, 0, 0, 1, -1, 0.5], size=n) if seed % 2 else np.zeros(n)
    free = np.setdiff1d(np.arange(n), fixed)
    w, v, b = rng.integers(-2, 3, (h, n)), rng.integers(-2, 3, (1, h)), rng.integers(-1, 2, h)
    b = b * (seed % 3 == 0)
    other = np.array(w)
    other[:, fixed] += rng.integers(-3, 4, (h, len(fixed)))
    bias = b + (w - other) @ at
    if seed % 4 == 3:
        bias[0] += 1
    ends = [EVERY, (0, math.inf), (-math.inf, 0)]
    sides = [ends[int(rng.integers(3))] for _ in range(n)]
    domain = [(at[i], at[i]) if i in fixed else sides[i] for i in range(n)]
    nets = [ck.Network([w, v], [b, [0]]), ck.Network([other, v], [bias, [0]])]
    plain = [
        ck.Network([w[:, free], v], [b + w[:, fixed] @ at[fixed], [0]]),
        ck.Network([other[:, free], v], [bias + other[:, fixed] @ at[fixed], [0]]),
    ]
    wanted = ck.prove(*plain, domain=[sides[i] for i in free])
    proof = ck.prove(*nets, domain=domain)
    assert (proof.holds, proof.exact_error) == (wanted.holds, wanted.exact_error)
    assert proof.holds or seed % 4 == 3


def test_of_many_networks_one_that_does_not_fit_is_refused_before_any_is_decided(monkeypatch):
    monkeypatch.setattr(many, "decide", None)
    with pytest.raises(
        ValueError, match="target: expected a function of 1 input, as the network has"
    ):
        ck.prove([ck.circuit("min"), ck.circuit("abs")], "min")
    with pytest.raises(TypeError, match=r"net\[1\]: expected a Network, got int"):
        ck.prove([ck.circuit("min"), 3], "min")


def test_a_relation_is_read_once_for_many_networks():
    nets = [ck.circuit("abs"), ck.circuit("identity")]
    asked = many.Question("y >= x and y >= 0")
    first, second = (asked.claim(net) for net in nets)
    assert first.pieces is second.pieces
    assert [asked.answer(net).holds for net in nets] == [True, False]


def test_the_numbers_of_a_refutation_are_exact_where_short_and_else_say_how_large_the_error_is():
    shown = (
        sentences.apart(Fraction(-39967, 2), Fraction(10000)),
        sentences.apart(Fraction(15, 16), Fraction(1)),
    )
    assert shown == (("-19983.5", "10000"), ("0.9375", "1"))
    assert sentences.apart(Fraction(1) + Fraction(1, 1024), Fraction(1)) == ("1.000977", "1")
    rng = np.random.default_rng(3)
    for _ in range(500):
        a = Fraction(rng.uniform(-1, 1) * 10.0 ** rng.integers(-3, 6))
        b = a + Fraction(rng.uniform(-1, 1) * 10.0 ** rng.integers(-4, 3))
        first, second = map(Fraction, sentences.apart(a, b))
        assert abs(first - second - (a - b)) <= abs(a - b) / 500
    steep = ck.Network([[[1.0009765625]]])
    assert "gives 1.000977, the target x gives 1 (worst error 0.0009766" in str(
        ck.prove(steep, "x", domain=[(1, 1)]).verdict
    )


def test_an_input_is_told_in_as_many_digits_as_it_takes_to_be_that_double():
    net = ck.compile_expression("abs(x) + relu(x - 1)")
    above = 1 + 2**-52
    found = ck.prove(net, "abs", domain=[(-5, above)])
    assert "at x = 1.0000000000000002 the network gives 1.0000000000000004," in str(found)
    found = ck.prove(net, "y <= abs(x)", domain=[(-5, above)])
    assert "at x = 1.0000000000000002 the network gives y = 1.0000000000000004:" in str(found)
    for end in (0.1, 1 / 3, 0.1234567, 1e22 / 3, 5e-324, 2.0, 12345678.5):
        found = ck.prove(ck.circuit("abs"), "abs(x) + 1", domain=[(end, end)])
        told = re.search(r"at x = (\S+) the network gives", str(found))
        assert float(told[1]) == end
        assert len(told[1]) <= len(repr(end))


LONG = Fraction(2167613559, 4900315155)


@pytest.mark.parametrize(
    ("low", "high"),
    [(LONG, 1), (-1, -LONG), (LONG, LONG + Fraction(1, 10**30)), (LONG, None), (0.1, 1e9 + 0.3)],
)
def test_a_proof_says_a_domain_within_its_own(low, high):
    net = ck.Network([[[-LONG.denominator]], [[2.0**40]]], [[LONG.numerator], [0]])
    proof = ck.prove(net, net, domain=[(low, math.inf if high is None else high)])
    ends = re.search(r"in \[(.*?), (.*?)[\])]", str(proof))
    doubles = [low, high] == [0.1, 1e9 + 0.3]
    said = [float(text) if doubles or text == "inf" else Fraction(text) for text in ends.groups()]
    assert low <= said[0] < said[1] <= (math.inf if high is None else high)
    assert proof.domain == ((low, math.inf if high is None else high),)
    assert ck.prove(net, net, domain=proof.domain).claim.domain == proof.claim.domain


def test_a_polytope_is_given_back_as_it_was():
    given = ([[Fraction(1, 3)], [-1]], [Fraction(1, 7), 0])
    proof = ck.prove(ck.circuit("identity"), "x", domain=given)
    matrix, ends = proof.domain
    assert matrix.tolist() == given[0] and ends.tolist() == given[1]
    assert (
        ck.prove(ck.circuit("identity"), "x", domain=proof.domain).claim.domain
        == proof.claim.domain
    )
