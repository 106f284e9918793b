"""The ladder of unlabelled networks: each can be solved, and what the page says of an answer is Python's proof."""

from __future__ import annotations

import json
import random
from fractions import Fraction

import numpy as np
import pytest
from nodejs import run as run_in_node

import circuitkit as ck
from circuitkit.mysteries import Level, disguised, ladder

LEVELS = ladder()
by_key = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.key)

JUDGE = """
import { parseExpression, Unclear } from EXPRESSION;
import { verdict, differenceAt, evaluate } from MATHEMATICS;
const told = INPUT.map(({ net, text, x, domain, tolerance, points }) => {
  try {
    const target = parseExpression(text, net.weights[0][0].length);
    if (x) return { off: differenceAt(net, target, x) };
    const { holds, exact, error, worst } = verdict(net, target, { domain, tolerance });
    return { holds, exact, error: Number.isFinite(error) ? error : "inf", worst, values: (points ?? []).map((p) => evaluate(target, p)[0]) };
  } catch (error) {
    if (!(error instanceof Unclear)) throw error;
    return { unclear: error.message };
  }
});
console.log(JSON.stringify(told));
"""


def lists(net: ck.Network) -> dict:
    return {
        "weights": [w.tolist() for w in net.weights],
        "biases": [b.tolist() for b in net.biases],
    }


def judged(*questions: dict) -> list[dict]:
    return run_in_node(JUDGE, list(questions), ("expression", "mathematics"))


def asked(level: Level, text: str) -> dict:
    return {
        "net": lists(level.network),
        "text": text,
        "domain": level.domain,
        "tolerance": level.tolerance,
    }


# --- the ladder --------------------------------------------------------------------------------


def test_the_ladder_has_twelve_levels_and_each_its_key():
    assert len(LEVELS) == len({level.key for level in LEVELS}) == 12
    assert all(level.hints and level.solved and level.names for level in LEVELS)


@by_key
def test_each_level_is_solved_by_its_answer_in_python_and_in_the_page(level):
    if level.claim:
        proof = ck.prove(level.network, level.claim)
        assert not proof.holds
        exact = ck.target(level.claim)(np.array(level.answer))
        assert level.network(np.array(level.answer)) != exact
        (told,) = judged({**asked(level, level.claim), "x": level.answer})
        assert told["off"] == abs(float(level.network(np.array(level.answer))[0] - exact[0]))
        (whole,) = judged(asked(level, level.claim))
        assert not whole["holds"]
        assert whole["error"] == pytest.approx(float(proof.error))
        return
    proof = ck.prove(level.network, level.answer, domain=level.domain, tolerance=level.tolerance)
    assert proof.holds
    assert ck.check(proof.certificate, level.network, level.answer)
    (told,) = judged(asked(level, level.answer))
    assert told["holds"]
    assert told["exact"]
    assert told["error"] == pytest.approx(float(proof.error), rel=1e-9)


#: what a reader may type first, for one, two or three inputs
GUESSES = {
    1: ("x", "-x", "|x|", "2x", "max(3x, -x)", "x + 2*relu(-x)", "clamp(x, -1, 1)", "hat(x)", "1 - |1 - 2x|"),
    2: ("x1", "max(x1, x2)", "min(x1, x2)", "|x1 - x2|", "|x1| - |x2|", "min(|x1|, |x2|)", "x1 + x2",
        "clamp(x1 + x2, 0, 1)", "1 - 1.1764*relu(0.85 - 0.85*x1 - 0.85*x2)"),
    3: ("x3", "max(x1, x2)", "max(x1, x3)", "max(x1, x2, x3)", "x3 + relu(x1 - x3)", "median(x1, x2, x3)"),
}  # fmt: skip


@by_key
def test_the_pages_verdict_on_any_guess_is_pythons(level):
    guesses = GUESSES[level.network.n_inputs]
    told = judged(*(asked(level, guess) for guess in guesses))
    for guess, found in zip(guesses, told, strict=True):
        # Each of the inputs, whether it counts or not.
        function = " + ".join([guess, *(f"0*x{i + 1}" for i in range(level.network.n_inputs))])
        if level.network.n_inputs == 1:
            function = guess
        proof = ck.prove(level.network, function, domain=level.domain, tolerance=level.tolerance)
        assert found["holds"] == proof.holds, guess
        assert found["exact"], guess
        if found["holds"] or found["worst"] is None:
            continue
        x = np.array(found["worst"])
        assert abs(level.network(x)[0] - ck.target(function)(x)[0]) > level.tolerance, guess


def test_other_spellings_of_the_answer_solve_it_and_what_is_nearly_right_does_not():
    abs_ = Level("mine", "Mine", "What?", ck.circuit("abs"), "abs(x)")
    same = ["|x|", "max(x, -x)", "x + 2*relu(-x)", "2max(x,0) - x", "−min(x, −x)", "abs(-x)*3/3"]
    other = ["|x| + 1e-30", "|x| + relu(|x| - 1e9)/1e9", "0.99999999999|x|"]
    told = judged(*(asked(abs_, text) for text in same + other))
    assert [found["holds"] for found in told] == [True] * len(same) + [False] * len(other)


def test_an_input_that_is_not_wrong_does_not_refute_and_a_billionth_off_does():
    level = next(one for one in LEVELS if one.key == "a-billionth")
    start, half = Fraction(45, 64), Fraction(1, 2**12)
    places = [float(start), float(start + half / 2**20), float(start + 2 * half), 0.0, 3.0]
    told = judged(*({**asked(level, "abs(x)"), "x": [x]} for x in places))
    assert [found["off"] > 0 for found in told] == [False, True, False, False, False]


def test_a_disguise_keeps_the_function_to_the_last_bit_and_comes_again_from_its_seed():
    net = ck.circuit("min4")
    hidden, orders = disguised(net, 3)
    assert lists(disguised(net, 3)[0]) == lists(hidden) != lists(net)
    assert ck.prove(hidden, net)
    assert [sorted(order) for order in orders] == [list(range(n)) for n in net.layer_sizes[1:-1]]


# --- expressions -------------------------------------------------------------------------------

SPELLED = {
    1: ["x", "-x", "2x", "2*x/3", "1/2x", "|x| + 2|x - 1|", "||x| - 1|", "3(x + 1) - 2", "(x+1)/2", "relu(-x)",
        "clamp(x, -1, 1/3)", "hat(2x)", "max(x, 2, -x)", "min(1, 2)", "median(1, x, 3)", "median(x, 0)", "mean(x, 1, -x)",
        "0.1x + 1e-3", "x − 2·x", "-|x|", "- -x", "+x", "abs(x) * 2", ".5x", "2 * (3 - x)", "x*0"],
    2: ["x1 + x2", "x₁ − x₂", "max(x1, x2)/4", "min(|x1|, 2x2)", "x_1 - x_2", "relu(x1 - relu(x2))", "abs(x1)abs(2)", "3x2"],
}  # fmt: skip
REFUSED = [
    "", "   ", "x^2", "x*x", "x/x", "1/0", "sin(x)", "sqrt(x)", "sign(x)", "foo(x)", "y", "x2", "min(x", "(x", "x)", "|x", "x y",
    "clamp(x, 2, 1)", "clamp(x)", "abs", "abs()", "x,", "2 3", "x x", "1e999x", "import os", "x; 1", "__", "<b>x</b>", "x**2", "max()",
    "1e-999*x", "1 - |1 - 2|1 - 2x||", "0x10", "'x'", "9" * 401, "(" * 200 + "x" + ")" * 200 + "(",
]  # fmt: skip


@pytest.mark.parametrize("inputs", [1, 2])
def test_the_page_reads_an_expression_as_python_does(inputs):
    rng = random.Random(5)
    net = lists(ck.circuit("abs" if inputs == 1 else "min"))
    points = [[rng.uniform(-4, 4) for _ in range(inputs)] for _ in range(12)]
    texts = SPELLED[inputs]
    told = judged(*({"net": net, "text": text, "points": points} for text in texts))
    for text, found in zip(texts, told, strict=True):
        function = ck.target(text)
        wide = np.array(points)[:, : function.n_inputs]
        assert found.get("values") == pytest.approx(list(function(wide)[..., 0]), abs=1e-12), text


def test_what_is_no_piecewise_linear_function_is_refused_in_a_sentence():
    net = lists(ck.circuit("abs"))
    told = judged(*({"net": net, "text": text} for text in REFUSED))
    read = [text for text, found in zip(REFUSED, told, strict=True) if "unclear" not in found]
    assert read == []
    assert all(found["unclear"].endswith(".") for found in told)


# --- the bench ---------------------------------------------------------------------------------

BENCH = """
import * as bench from BENCH;
import { verdict } from MATHEMATICS;
const zero = (n) => ({ n_inputs: n, n_outputs: 1, outputs: [{ op: "const", value: 0 }] });
const at = (net) => net.weights[0][0].length;
let state = 7;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
const told = INPUT.map((net) => {
  const hidden = net.weights.slice(0, -1).flatMap((rows, l) => rows.map((_, i) => [l, i]));
  const scaled = hidden.reduce((made, [l, i]) => bench.rescaled(made, l, i), net);
  const disguised = bench.disguised(net, random);
  const error = (a, b) => verdict(bench.difference(a, b), zero(at(net))).error;
  const pruned = bench.without(net, [[0, 0]]).net;
  return {
    unfit: bench.unfit(net), scaled, disguised, pruned,
    same: error(net, net), rescaled: error(net, scaled), hidden: error(net, disguised), less: error(net, pruned),
  };
});
console.log(JSON.stringify(told));
"""


def test_what_the_bench_does_to_a_network_is_what_it_says():
    nets = [level.network for level in LEVELS]
    told = run_in_node(BENCH, [lists(net) for net in nets], ("bench", "mathematics"))
    for net, found in zip(nets, told, strict=True):
        assert found["unfit"] == ""
        assert found["same"] == found["hidden"] == 0
        assert found["rescaled"] < 1e-12
        hidden = ck.Network(found["disguised"]["weights"], found["disguised"]["biases"])
        assert ck.prove(hidden, net)
        for rows in found["scaled"]["weights"][:-1]:
            sizes = np.abs(rows).max(axis=1)
            assert np.isin(sizes, (0, 1)).all()
        pruned = ck.Network(found["pruned"]["weights"], found["pruned"]["biases"])
        assert pruned.layer_sizes[1] == net.layer_sizes[1] - 1
        proof = ck.prove(pruned, net)
        assert found["less"] == pytest.approx(float(proof.error), rel=1e-9)


TAKE = """
import { readNetwork, unfit } from BENCH;
import { Unclear } from EXPRESSION;
const told = INPUT.map((text) => {
  try {
    const net = readNetwork(text);
    return { net, fault: unfit(net) };
  } catch (error) {
    if (!(error instanceof Unclear)) throw error;
    return { fault: error.message };
  }
});
console.log(JSON.stringify(told));
"""


def test_weights_that_are_pasted_are_read_or_refused_in_a_sentence():
    net = lists(ck.circuit("abs"))
    good = [
        "[[[1], [-1]], [[1, 1]]]",
        "ck.Network([[[1.0], [-1.0]], [[1., 1.]]])",
        "[[[1],[−1]],[[1,1]]],[[0,0],[0]]",
    ]
    bad = [
        "", "abs", "[]", "[1]", "[[1]]", "[[[1]]]", "[[[1], [2, 3]], [[1, 1]]]", "[[[1], [-1]], [[1]]]", "[[[1],[1]],[[1,1],[1,1]]]",
        "[[[1e99],[1]],[[1,1]]]", "[[[null],[1]],[[1,1]]]", json.dumps([[[1] * 5] * 2, [[1, 1]]]), json.dumps([[[1]] * 41, [[1] * 41]]),
        json.dumps([[[1]], [[1]]] * 3), "[[[1], [-1]], [[1, 1]]], [[1]]", "[[[1], [-1]], [[1, 1]]", "9" * 30_000,
    ]  # fmt: skip
    told = run_in_node(TAKE, good + bad, ("bench", "expression"))
    assert [found.get("net") for found in told[: len(good)]] == [net] * len(good)
    assert [
        text for text, found in zip(bad, told[len(good) :], strict=True) if not found["fault"]
    ] == []


def test_of_weights_that_are_typed_no_link_is_blamed():
    rows = "expected a list of rows of weights such as [[1], [-1]], one row for each unit."
    faults = {
        "[[[]],[[1]]]": "Layer 1: expected at least one weight in each row, one for each input.",
        "[[1],[1]]": f"Layer 1: {rows}",
        "[[[1]],[]]": f"Layer 2: {rows}",
        "[[],[[1]]]": f"Layer 1: {rows}",
        "[[[1]],3]": f"Layer 2: {rows}",
        "[[[1]],[[1],2]]": f"Layer 2: {rows}",
        "[[[1]],[[1, 2]]]": "Layer 2: expected rows of 1 weight, one for each value below.",
        "[[[1]],[[1]]],[[1, 2]]": "Layer 1: expected 1 bias, one for each unit.",
        "[]": "Expected at least one hidden layer: two lists of weights.",
    }
    told = run_in_node(TAKE, list(faults), ("bench", "expression"))
    assert [found["fault"] for found in told] == list(faults.values())


def test_what_a_link_brings_is_a_network_or_refused_in_a_sentence():
    zero = [[0], [0]]
    brought = [
        None, [], "net", 3, {}, {"weights": 1}, {"weights": [], "biases": []}, {"weights": [[[1]]], "biases": [[0]]},
        {"weights": [[[1]], [[1]]], "biases": [[0], [None]]}, {"weights": [[[1]], [[1]]], "biases": [[0], 0]},
        {"weights": [[[1, 1]], [[1]]], "biases": [[0]]}, {"weights": [[[1, "<img>"]], [[1]]], "biases": zero},
        {"weights": [[[1e300]], [[1]]], "biases": zero}, {"weights": [[1], [1]], "biases": zero},
        {"weights": [[[]], [[1]]], "biases": zero}, {"weights": [[[1]], []], "biases": [[0], []]},
        {"weights": [{"0": [1], "length": 1}, [[1]]], "biases": zero},
    ]  # fmt: skip
    told = run_in_node(
        "import { unfit } from BENCH; console.log(JSON.stringify(INPUT.map((net) => unfit(net))));",
        brought,
        ("bench",),
    )
    assert [net for net, fault in zip(brought, told, strict=True) if not fault.endswith(".")] == []


# --- in Python ---------------------------------------------------------------------------------


def test_no_answer_is_sent_to_the_page():
    state = ck.Mystery()._static_html()
    for level in LEVELS:
        assert '"answer"' not in state
        assert level.solved not in state


def test_networks_and_levels_of_ones_own_make_a_page():
    net = ck.circuit("min")
    mine = Level("mine", "Mine", "What?", net, "min(x1, x2)")
    one = ck.Mystery([mine, ck.circuit("abs")])
    assert repr(one) == "Mystery(2 levels)"
    assert one.network is net
    one.level = one._levels[1].key
    assert one.network.n_inputs == 1
    with pytest.raises(ValueError, match="level: expected one of"):
        one.level = "third"
    assert one._config["key"] != ck.Mystery()._config["key"] == "mystery"


@pytest.mark.parametrize(
    ("made", "error", "said"),
    [
        (lambda: ck.Mystery([ck.circuit("abs")] * 2), ValueError, "levels: expected levels with a key each"),
        (lambda: ck.Mystery(ck.Network([[[1.0]]])), ValueError, r"levels\[0\]: expected a hidden layer"),
        (lambda: ck.Mystery(ck.Network([[[1], [1]]])), ValueError, r"^levels\[0\]: expected a network with one output, got 1-2"),
        (lambda: ck.Mystery([ck.circuit("abs"), ck.Network([[[1]], [[1], [1]]])]), ValueError, r"^levels\[1\]: expected a network with one"),
        (lambda: ck.Mystery(ck.Network([[[1.0]] * 41, [[1.0] * 41]])), ValueError, r"levels\[0\]"),
        (lambda: Level("Mine!", "A", "B", ck.circuit("abs")), ValueError, "key: expected lower-case"),
        (lambda: Level("a", "A", "B", ck.Network([[[1.0]], [[1.0], [2.0]]])), ValueError, "network: expected one output"),
        (lambda: Level("a", "A", "B", ck.circuit("min"), domain=[(0, 1)]), ValueError, "domain: expected 2 pairs"),
        (lambda: Level("a", "A", "B", ck.circuit("min"), names=[["a"]]), ValueError, "names: expected one text"),
        (lambda: Level("a", "A", "B", ck.circuit("min"), claim="foo("), ValueError, "target"),
        (lambda: Level("a", "A", "B", ck.circuit("min"), claim="abs(x)"), ValueError, "claim: expected"),
        (lambda: Level("a", "A", "B", "min"), TypeError, "network: expected a Network"),
        (lambda: disguised(ck.circuit("abs"), -1), ValueError, "seed: expected"),
    ],
)  # fmt: skip
def test_what_is_no_level_is_refused_by_name(made, error, said):
    with pytest.raises(error, match=said):
        made()
