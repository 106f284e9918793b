"""What the page reads in a network, against ck.detect; and how it takes text and files for weights."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import test_widget_mathematics
import torch
from cases import CIRCUITS
from nodejs import node, run
from safetensors.numpy import save
from test_widget_mathematics import as_json, random_net

import circuitkit as ck
from benchmarks.generators import scramble
from circuitkit.rules import RULES

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests" / "javascript"))

import write_readings  # noqa: E402

MODULE = ROOT / "circuitkit" / "widget" / "static" / "reading.mjs"
DECK = json.loads((ROOT / "chapters" / "data" / "deck-results.json").read_text())["results"]


def answers(calls):
    return test_widget_mathematics.answers(MODULE, calls)


def values(calls):
    return test_widget_mathematics.values(MODULE, calls)


def readings(nets, **options):
    # Time enough on a busy machine: a page stops after five seconds by itself.
    return values([["read", as_json(net), {"seconds": 600, **options}] for net in nets])


def parsed(text, **options):
    (found,) = values([["parseWeights", text, options]])
    return ck.Network(found["net"]["weights"], found["net"]["biases"]), found


def refusal(call):
    (found,) = answers([call])
    kind, _, message = found["error"].partition(": ")
    assert kind == "Unreadable"
    return message


def assert_same_reading(net, page, **options):
    """The page names the same function, circuit, units and worst error as Python."""
    found = ck.detect(net, **options)
    assert (page["function"], page["circuit"]) == (found.basic, found.circuit)
    if found.basic_proof is not None:
        same = float(page["error"]) == pytest.approx(found.basic_proof.error, rel=1e-9, abs=0)
        # Samples choose Python's nearest function, exact errors the page's.
        nearer = found.basic is None and float(page["error"]) <= found.basic_proof.error
        assert same or nearer
    for mine, theirs in zip(page["units"], found.units, strict=True):
        bare = re.sub(r" of .*?(?= \((?:cancels out|nothing reads it)\)|$)", "", str(theirs))
        less = mine["feature"] is None or (mine["of"] is None and mine["text"] == bare)
        assert mine["text"] == str(theirs) or (mine["layer"] > 0 and less)
        if mine["of"] is not None:
            assert mine["scale"] == pytest.approx(theirs.scale, rel=1e-9)
            assert mine["error"] == pytest.approx(theirs.error, rel=1e-6, abs=1e-15)
    assert found.verdict.startswith(page["sentence"].removesuffix("."))
    return found


# --- readings -------------------------------------------------------------------------------------


def test_every_circuit_of_the_book_is_read_in_pythons_words():
    nets = [case.make() for case in CIRCUITS]
    for case, net, page in zip(CIRCUITS, nets, readings(nets), strict=True):
        found = assert_same_reading(net, page)
        assert page["function"] == case.target
        assert page["sentence"] == found.verdict


def test_the_page_gives_the_readings_that_python_has_written():
    tests = ROOT / "tests" / "javascript" / "readings.test.mjs"
    done = subprocess.run([node(), "--test", tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.no_cover
def test_python_still_gives_the_readings_that_it_has_written():
    cases = json.loads((ROOT / "tests" / "javascript" / "readings.json").read_text("utf-8"))
    assert len(cases) == len(write_readings.networks())
    for case in cases:
        net = ck.Network(case["net"]["weights"], case["net"]["biases"])
        now = json.loads(json.dumps(write_readings.reading(net, case["tolerance"])))
        assert now == approximately(case["reading"]), "python tests/javascript/write_readings.py"


def approximately(value):
    if isinstance(value, dict):
        return {k: approximately(v) for k, v in value.items()}
    if isinstance(value, list):
        return [approximately(v) for v in value]
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


def test_the_weights_of_the_known_circuits_are_those_that_are_derived():
    made = {
        "min via x1": ck.circuits.minimum(),
        "min via x2": ck.circuits.minimum(via=2),
        "min by average": ck.circuits.minimum_by_average(),
        "min in two layers": ck.circuits.minimum_two_layers(),
        "max via x1": ck.circuits.maximum(),
        "max via x2": ck.circuits.maximum(via=2),
    }
    for each in RULES["circuits"]:
        derived = made.get(each["name"]) or ck.circuit(each["name"])
        assert ck.Network(each["weights"]) == derived
        assert ck.prove(derived, each["function"])


def test_the_page_says_the_measure_in_the_words_of_python():
    text = (MODULE.parent / "mathematics.mjs").read_text("utf-8")
    assert RULES["phrases"]["measure"] in text


def test_the_decks_printed_weights_are_read_with_their_exact_worst_errors():
    errors = [8.15e-4, 8.33e-4, 8.33e-4, 1.40e-3, 1.40e-3]
    nets = []
    for result in DECK:
        net, found = parsed("\n".join(result["printed"]))
        assert found["layout"] == "columns"
        for w, name in zip(net.weights, ("hidden_layer_0", "output_layer"), strict=True):
            np.testing.assert_array_equal(w, np.array(result[name]).T)
        nets.append(net)
    for result, net, page, error in zip(DECK, nets, readings(nets), errors, strict=True):
        found = assert_same_reading(net, page)
        assert page["function"] == result["target"]
        assert page["sentence"] == found.verdict
        assert page["error"] == pytest.approx(error, rel=5e-3)


@pytest.mark.parametrize(
    ("target", "hidden", "first"),
    [("identity", (2,), 0), ("abs", (2,), 40), ("subtract", (2,), 80), ("min", (3,), 120)],
)
def test_freshly_trained_networks_solved_or_stuck_are_read_as_in_python(target, hidden, first):
    seeds = range(first, first + 4)
    run = ck.train(target, hidden, seeds=seeds, steps=1500)
    nets = [run.network(seed) for seed in seeds]
    for net, page in zip(nets, readings(nets), strict=True):
        assert_same_reading(net, page)


@pytest.mark.parametrize(
    "sizes", [(1, 2, 1), (1, 4, 1), (2, 3, 1), (2, 5, 1), (3, 4, 1), (4, 3, 1)]
)
def test_random_networks_are_read_as_in_python(sizes):
    rng = np.random.default_rng(sum(sizes))
    # More of them, in which more was found, are written down in readings.json.
    nets = [random_net(rng, sizes, bias=b, whole=w) for b in (0, 1) for w in (0, 1)]
    for net, page in zip(nets, readings(nets), strict=True):
        assert_same_reading(net, page)


@pytest.mark.parametrize("name", ["abs", "add", "min", "max"])
@pytest.mark.parametrize("seed", [1, 2])
def test_scrambled_circuits_are_read_at_tolerance_zero(name, seed):
    net = scramble(np.random.default_rng(seed), ck.circuit(name), units=6)
    (page,) = readings([net], tolerance=0)
    found = ck.detect(net, tolerance=0)
    assert page["function"] == found.basic == name
    assert page["error"] == 0 == found.basic_proof.exact_error
    assert [u["feature"] for u in page["units"]] == [u.feature for u in found.units]


@pytest.mark.parametrize("seed", range(4))
def test_a_near_miss_is_named_only_within_its_exact_error(seed):
    rng = np.random.default_rng(seed)
    plain = ck.circuit("min")
    net = ck.Network(
        [w + 10.0 ** -rng.integers(2, 8) * rng.normal(size=w.shape) for w in plain.weights]
    )
    error = ck.prove(net, "min").error
    for tolerance, expected in ((error * 1.001, "min"), (error * 0.999, None)):
        (page,) = readings([net], tolerance=tolerance)
        assert page["function"] == expected
        assert page["error"] == pytest.approx(error, rel=1e-9)


def test_the_worst_input_is_where_the_network_is_that_far_off():
    nets = [random_net(np.random.default_rng(k), (2, 4, 1), bias=False) for k in range(10)]
    for net, page in zip(nets, readings(nets), strict=True):
        x = np.array(page["worst"])
        gap = abs(net(x) - ck.target(page["nearest"])(x))[0] / max(1, abs(x).max())
        assert gap == pytest.approx(page["error"], rel=1e-9)


def test_simple_expressions_outside_the_catalogue_are_spelled_out():
    nets = [
        ck.Network([[[1]], [[1]]]),
        ck.Network([[[2], [-2]], [[1, 1]]]),
        ck.Network([[[2.0, 3.0]]], [[1]]),
    ]
    for net, page in zip(nets, readings(nets), strict=True):
        assert page["sentence"] == ck.detect(net).verdict
        assert page["expression"] in page["sentence"]


@pytest.mark.parametrize(
    "text",
    [
        "[[[3], [-3]], [[1/3, 1/3]]]",
        "[[[1/3], [-1/3]], [[3, 3]]]",
        "[[[1/10], [-1/10]], [[10, -10]]]",
        "[[[0.1/3], [-0.1/3]], [[30, 30]]]",
        "[[[1/2], [-1/2]], [[2, -2]]]",
        "[[[1], [-1]], [[1/3, 1/3]]]",
    ],
)
def test_a_fraction_that_is_typed_is_the_float_that_python_makes_of_it(text):
    net = ck.Network(eval(text))  # what a reader has in Python
    (found,) = values([["parseWeights", text]])
    assert found["net"] == {
        "weights": [w.tolist() for w in net.weights],
        "biases": [b.tolist() for b in net.biases],
    }
    (page,) = values([["read", found["net"], {"tolerance": 0}]])
    assert page["function"] == ck.detect(net, tolerance=0).basic
    assert (page["error"] == 0) == (page["function"] is not None)


# --- text -----------------------------------------------------------------------------------------

MIN = ck.circuit("min")
SHIFTED = ck.Network([[[1, 2], [3, -4]], [[1, -1]]], [[0.5, 0], [-2]])


def printed_state(net):
    module = net.to_torch()
    return str(module.state_dict())


@pytest.mark.parametrize("net", [MIN, SHIFTED], ids=["bare", "biased"])
@pytest.mark.parametrize(
    "write",
    [
        lambda n: json.dumps(n.to_dict()),
        lambda n: json.dumps(n.to_dict(), sort_keys=True, indent=2),
        lambda n: (
            f"ck.Network({[w.tolist() for w in n.weights]}, {[b.tolist() for b in n.biases]})"
        ),
        lambda n: (
            f"weights={[w.tolist() for w in n.weights]}\nbiases={[b.tolist() for b in n.biases]}"
        ),
        printed_state,
        lambda n: "\n".join(f"{k} {v}" for k, v in n.to_torch().state_dict().items()),
        lambda n: json.dumps({k: v.tolist() for k, v in sorted(n.to_torch().state_dict().items())}),
        lambda n: "\n\n".join(
            "\n".join(" ".join(map(str, r)) for r in w.tolist())
            + f"\nbias: {' '.join(map(str, b))}"
            for w, b in zip(n.weights, n.biases, strict=True)
        ),
        lambda n: (
            "-".join(map(str, n.layer_sizes))
            + "\n"
            + ", ".join(
                str(v) for w, b in zip(n.weights, n.biases, strict=True) for v in (*w.ravel(), *b)
            )
        ),
        lambda n: "\N{MINUS SIGN}".join(
            f"{[w.tolist() for w in n.weights]}, {[b.tolist() for b in n.biases]}".split("-")
        ),
    ],
    ids=[
        "json",
        "sorted json",
        "ck.Network",
        "assignments",
        "state_dict",
        "lines",
        "dict",
        "rows",
        "sizes",
        "minus signs",
    ],
)
def test_weights_are_taken_from_text_as_people_have_it(net, write):
    assert parsed(write(net))[0] == net


def test_numpy_and_parameter_prints_are_taken():
    text = f"{MIN.weights[0]}\n{MIN.weights[1]}"
    assert parsed(text)[0] == MIN
    linear = torch.nn.Linear(2, 1)
    net, _ = parsed("\n".join(f"{name}: {p}" for name, p in linear.named_parameters()))
    np.testing.assert_allclose(net.weights[0], linear.weight.detach(), atol=1e-4)
    np.testing.assert_allclose(net.biases[0], linear.bias.detach(), atol=1e-4)


def test_where_both_layouts_fit_the_reader_is_told_and_can_choose():
    text = "[[[-0.9192, 1.0035]], [[-1.0872], [0.9957]]]"
    net, found = parsed(text)
    assert net.layer_sizes == (2, 1, 2) and found["other"] and not found["said"]
    assert parsed(text, layout="columns")[0].layer_sizes == (1, 2, 1)
    (chosen,) = values([["decided", found, 0.01]])
    assert chosen["layout"] == "columns" and chosen["because"] == "x"
    neither = parsed("[[[2, 3]], [[5], [7]]]")[1]
    (kept,) = values([["decided", neither, 0.01]])
    assert kept["layout"] == "rows" and kept["other"] and "because" not in kept


@pytest.mark.parametrize(
    ("text", "net"),
    [
        ('{"2.weight": [[1, -1]], "0.weight": [[1], [-1]]}', ck.circuit("identity")),
        (
            "OrderedDict({'2.weight': tensor([[1., -1.]]), '0.bias': tensor([0., 2.]), "
            "'0.weight': tensor([[1.], [-1.]], requires_grad=True)})",
            ck.Network([[[1], [-1]], [[1, -1]]], [[0, 2], [0]]),
        ),
        (
            '{"layers.0.weight": [[1], [-1]], "layers.10.weight": [[1, -1]], '
            '"layers.2.weight": [[1, -2], [-1, 2]]}',
            ck.Network([[[1], [-1]], [[1, -2], [-1, 2]], [[1, -1]]]),
        ),
        (
            "[array([[1., -1.]]), array([0.5, 0.]), array([[1.], [-1.]]), array([0.])]",
            ck.Network([[[1], [-1]], [[1, -1]]], [[0.5, 0], [0]]),
        ),
        (
            '{"params": {"Dense_0": {"bias": [0.5, 0], "kernel": [[1, -1]]}, '
            '"Dense_1": {"bias": [2], "kernel": [[1], [-1]]}}}',
            ck.Network([[[1], [-1]], [[1, -1]]], [[0.5, 0], [2]]),
        ),
        ("bias = [0, 1]\nW = [[1], [-1]]\nb = [2]\nV = [[1, -1]]", None),
    ],
    ids=["json", "state_dict", "ten", "keras", "flax", "biases first"],
)
def test_layers_and_biases_come_in_whatever_order(text, net):
    expected = net or ck.Network([[[1], [-1]], [[1, -1]]], [[0, 1], [2]])
    assert parsed(text)[0] == expected


def test_a_row_that_starts_with_a_minus_is_not_taken_for_sizes():
    _, found = parsed("1 -1\n\n1\n-1")
    (chosen,) = values([["decided", found, 0.01]])
    assert ck.Network(chosen["net"]["weights"]) == ck.circuit("identity")
    assert chosen["because"] == "x"
    assert parsed("1 - 2 - 1\n1 -1 1 -1")[0] == parsed("1-2-1:\n1 -1 1 -1")[0]


def test_it_is_said_where_the_biases_decide_the_layout():
    keras = "[array([[1., -1.]]), array([0.5, 0.]), array([[1.], [-1.]]), array([0.])]"
    assert parsed(keras)[1]["byBiases"]
    assert not parsed("[array([[1., -1.]]), array([[1.], [-1.]])]")[1]["byBiases"]
    assert not parsed("[[[1], [-1]], [[1, -1]]]")[1]["byBiases"]


def test_its_own_function_is_told_only_where_doubles_hold_it():
    far = ck.Network([[[1, 1]], [[1]]], [[1e17], [-1e17]])  # 0, said the page: 1e17 + x - 1e17
    near = ck.Network([[[0.25, 1.5]], [[1]]], [[0.125], [-1]])
    assert [page["written"] for page in readings([far, near])] == [
        None,
        "max(-1, x1/4 + 3*x2/2 - 7/8)",
    ]


def test_layers_out_of_order_are_said_to_be_put_in_order():
    assert parsed('{"2.weight": [[1, -1]], "0.weight": [[1], [-1]]}')[1]["ordered"]
    assert not parsed('{"fc1.weight": [[1], [-1]], "fc2.weight": [[1, -1]]}')[1]["ordered"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is no text yet."),
        ("[[[1], [2, 3]]]", "row 1 has 1 number, row 2 has 2; all rows must be of equal length."),
        ("[[[1], [-1]], [[1, one]]]", "“one” is not a number."),
        ("[[[1], [-1]], [[1, nan]]]", "A weight is not finite"),
        ("[[[1], [-1]], [[1, ...]]]", "Some numbers are left out"),
        ("[[[1], [-1]], [[1, -1]]", "A bracket “[” is never closed"),
        ("[[1]]]", "A bracket “]” closes nothing"),
        ("[[1-2]]", "“1-2” is not a number."),
        ("[[[True], [1]], [[1, 1]]]", "“True” is not a number."),
        ("[[[]]]", "The weights of layer 1: there is no number."),
        (
            "Sequential(\n  (0): Linear(in_features=1, out_features=2)\n)",
            "print(model.state_dict())",
        ),
        ("[[[" + "1," * 350_000, "A bracket “[” is never closed"),
        ("[[[" + "1," * 350_000 + "1]]]", "a page reads at most 12 inputs"),
        ("[[- 2]]", "“-” is not a number."),
        ("[[1e99]]", "is not a number between"),
        ("[[1e-400]]", "“1e-400” is too close to 0: no double but 0 is as small as that."),
        ("[[1e-400/3]]", "“1e-400/3” is too close to 0"),
        ("1e-400\n", "“1e-400” is too close to 0"),
        ('{"a.weight": [[1], [-1]], "a.weight": [[1, 1]]}', "The key “a.weight” is there twice"),
        ("OrderedDict([('a.weight', [[1]]), ('a.weight', [[1]])])", "The key “a.weight” is there"),
        ("a.weight tensor([[1.]])\na.weight tensor([[1.]])", "The key “a.weight” is there twice"),
        ('{"d": {"kernel": [[1]]}, "d": {"kernel": [[1]]}}', "The key “d” is there twice"),
        ('{"weights": [[[1]]], "weights": [[[2]]]}', "The key “weights” is there twice"),
        ("[1, 2]", "There is one list of numbers, but no matrix"),
        ("[]", "The lists in this text are empty."),
        ("hello", "“hello” is not a number."),
        (
            "2-3-1\n1 2 3",
            "A 2-3-1 network has 9 weights, or 13 with its biases; the text has 3 numbers.",
        ),
        (
            "0-1\n1",
            "The first line, 0-1, says that there are 0 inputs: each layer takes at least 1.",
        ),
        ("1-0-1\n", "1-0-1, says that there are 0 units in hidden layer 1"),
        ("0-2-1\n1 1 1 1 0", "0-2-1, says that there are 0 inputs"),
        ("2 - 1 - 0\n1 1", "2-1-0, says that there are 0 outputs"),
        ("[[[1], [-1]], [[1, 1]]], [[1, 2, 3], [0]]", "Layer 1 has 2 units but 3 biases."),
        ("[[[1, 2], [3, 4]], [[1, 1, 1]]]", "layer 1 gives 2 numbers, layer 2 takes 3."),
        (json.dumps([[[1]] * 65, [[1] * 65]]), "a page reads at most 64 hidden units"),
        ("[" * 5000, "A bracket “[” is never closed"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(text, message):
    assert message in refusal(["parseWeights", text])


def test_keys_that_are_alike_in_different_dictionaries_are_no_doubles():
    layers = '[{"weight": [[1], [-1]], "bias": [0, 0]}, {"weight": [[1, 1]], "bias": [0]}]'
    assert parsed(layers)[0].layer_sizes == (1, 2, 1)
    nested = '{"a": {"kernel": [[1, -1]]}, "b": {"kernel": [[1], [1]]}}'
    assert parsed(nested)[0].layer_sizes == (1, 2, 1)


def test_a_worst_input_is_told_by_how_much_it_is_off_where_doubles_are_the_same():
    third = ck.Network([[[1 / 3], [-1 / 3]], [[3, 3]]])
    large = ck.Network([[[1e30], [-1e30]], [[1e-30, 1e-30]]])
    for page in readings([third, large]):
        said = re.fullmatch(
            r"Worst input: at x = -?1 the network is (\S+) off 1(; .*)?\.", page["details"]
        )
        assert said, page["details"]
        assert float(said[1]) == pytest.approx(page["error"], rel=0.01)


# --- safetensors ----------------------------------------------------------------------------------


def as_bytes(content):
    return {"base64": base64.b64encode(content).decode()}


def test_files_of_network_save_and_of_torch_are_read(tmp_path):
    rng = np.random.default_rng(5)
    net = random_net(rng, (2, *[2] * 6, 1))
    net.save(tmp_path / "net.safetensors")
    half = {
        "net.10.weight": np.array([[2.5, -1]], np.float16),
        "net.9.weight": np.array([[1.5], [-0.25]], np.float32),
        "net.9.bias": np.array([0, 3], np.int64),
    }
    found = values(
        [
            ["parseSafetensors", as_bytes((tmp_path / "net.safetensors").read_bytes())],
            ["parseSafetensors", as_bytes(save(half))],
        ]
    )
    assert ck.Network(found[0]["net"]["weights"], found[0]["net"]["biases"]) == net
    small = ck.Network([[[1.5], [-0.25]], [[2.5, -1]]], [[0, 3], [0]])
    assert ck.Network(found[1]["net"]["weights"], found[1]["net"]["biases"]) == small


def test_sixteen_bit_floats_have_the_values_that_torch_gives(tmp_path):
    from safetensors.torch import save as save_torch

    raw = torch.tensor([[1 / 3, -1e-5, 60000.0, 6e-8]])
    for dtype in (torch.bfloat16, torch.float16):
        content = save_torch({"0.weight": raw.to(dtype)})
        (found,) = values([["parseSafetensors", as_bytes(content)]])
        assert found["net"]["weights"][0] == raw.to(dtype).double().tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a safetensors file, or it is damaged"),
        (b"PK\x03\x04" + b"\0" * 40, "This is a pickle"),
        (b"\x80\x02" + b"\0" * 40, "torch.load("),
        (b"\x93NUMPY" + b"\0" * 40, "print(numpy.load("),
        (b"\x89HDF\r\n" + b"\0" * 40, ".get_weights()])"),
        (b"\x02" + b"\0" * 7 + b"{}" + b"\0" * 8, "found none"),
        (b"\xff" * 8 + b"{}", "not a safetensors file, or it is damaged"),
        (save({"a": np.eye(2)}), "found “a”"),
        (save({"0.weight": np.zeros(3)}), "has 1 dimension, not 2"),
        (save({"0.weight": np.array([[np.inf]])}), "not finite"),
        (
            save({"0.weight": np.eye(2), "1.weight": np.eye(3)}),
            "layer 1 gives 2 numbers, layer 2 takes 3",
        ),
        (
            save({"0.weight": np.eye(1), "1.weight": np.eye(1)}).replace(b"1.weight", b"0.weight"),
            "The key “0.weight” is there twice",
        ),
        (save({"0.weight": np.eye(2)})[:-8], "not a safetensors file, or it is damaged"),
        (save({"0.weight": np.zeros((500, 500))}), "at most 64 hidden units"),
    ],
    ids=range(14),
)
def test_files_that_are_no_network_are_refused_in_words(content, message):
    assert message in refusal(["parseSafetensors", as_bytes(content)])


@pytest.mark.parametrize("name", ["w.npz", "w.keras", "w.onnx", "w.msgpack"])
def test_other_files_are_named_with_the_line_that_prints_them(name):
    content = as_bytes(b"PK\x03\x04" + b"\0" * 40)
    lines = {"w.npz": "numpy.load", "w.keras": "get_weights", "w.onnx": "onnx.load"}
    line = lines.get(name, "flax.serialization.msgpack_restore")
    message = refusal(["parseSafetensors", content, name])
    assert line in message and f'"{name}"' in message


def test_a_file_whose_weights_are_turned_round_is_read_as_what_it_computes():
    content = save({"0.weight": np.array([[1.0, -1.0]]), "1.weight": np.array([[1.0], [-1.0]])})
    (found,) = values([["parseSafetensors", as_bytes(content)]])
    (chosen,) = values([["decided", found, 0.01]])
    assert ck.Network(chosen["net"]["weights"]) == ck.circuit("identity")
    assert chosen["because"] == "x"


def test_kernels_are_weights_turned_round():
    content = save({"0.kernel": np.array([[1.0, -1.0]]), "1.kernel": np.array([[1.0], [-1.0]])})
    (found,) = values([["parseSafetensors", as_bytes(content)]])
    assert ck.Network(found["net"]["weights"], found["net"]["biases"]) == ck.circuit("identity")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_text_files_are_read_in_the_encodings_that_editors_write(encoding):
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    content = mark + "[[[1], [\N{MINUS SIGN}1]], [[1, 1]]]".encode(encoding)
    (text,) = values([["textOf", as_bytes(content)]])
    assert parsed(text)[0] == ck.circuit("abs")


# --- the widget's Python half ---------------------------------------------------------------------


def test_the_reader_starts_with_a_networks_text_and_holds_what_the_page_sends():
    reader = ck.WeightsReader(SHIFTED)
    assert parsed(reader.text)[0] == SHIFTED
    assert reader.network is None and repr(reader) == "WeightsReader(nothing read yet)"
    with reader.hold_trait_notifications():
        reader.weights = [w.tolist() for w in SHIFTED.weights]
        reader.biases = [b.tolist() for b in SHIFTED.biases]
    assert reader.network == SHIFTED


def test_every_example_can_be_read():
    for _, text in ck.WeightsReader()._config["examples"]:
        parsed(text)


def test_nothing_in_its_page_can_end_the_data():
    hostile = "</script><img onerror=alert(1)>"
    reader = ck.WeightsReader(hostile, caption=hostile, examples={hostile: hostile})
    page = reader._repr_mimebundle_()[0]["text/html"]
    assert page.count("</script>") == 1 and "<img" not in page


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"weights": 3}, TypeError, "weights: expected a Network or text, got int"),
        ({"tolerance": -1}, ValueError, "tolerance: expected a number, 0 or above, got -1"),
        ({"tolerance": np.nan}, ValueError, "tolerance: expected a number, 0 or above, got nan"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ck.WeightsReader(**arguments)


@pytest.mark.no_cover
def test_the_page_reads_seven_units_before_a_reader_notices():
    """Each turn of a weight is read anew. It took four times the bound when sizes were taken per number."""
    script = """
      const { parseWeights, decided, read } = await import(READING);
      const { net } = decided(parseWeights(INPUT, { layout: "auto" }), 0.01);
      const taken = Array.from({ length: 5 }, () => {
        const before = process.cpuUsage();
        read(net, { tolerance: 0.01 });
        return process.cpuUsage(before).user / 1000;
      });
      console.log(JSON.stringify(Math.min(...taken)));
    """
    hidden = [[1.5, 1], [-2, 0], [-1, 2], [-0.5, 0.5], [3, 2], [0.5, 0], [-2, 4]]
    weights = [hidden, [[6, -0.5, -5, 2, -3, 2, 2.5]]]
    assert run(script, str(weights), ("reading",)) < 60  # milliseconds


# --- very large values ------------------------------------------------------------------------------


def _large(size):
    """Networks whose hidden values reach this size, and what Python says of their units."""
    rows = np.array([[1, 0.7345, 0.31], [2, 1.469, 0.62], [-0.3, 0.2, 0.77]])
    both = np.diag([size, size])
    return [
        (
            ck.Network([[[size], [-size]], [[1 / size, 1 / size]]]),
            ["positiveness detector of x", "negativeness detector of x"],
        ),
        (
            ck.Network([[[size], [-size], [3 * size]], [[3 / size, 1 / size, -1 / size]]]),
            [
                "positiveness detector of x (cancels out)",
                "negativeness detector of x",
                "duplicate of x (cancels out)",
            ],
        ),
        (
            ck.Network([[[1], [-1]], both, [[1 / size, 1 / size]]]),
            [
                "positiveness detector of x",
                "negativeness detector of x",
                "always on of max(0, x)",
                "always on of -min(0, x)",
            ],
        ),
        (ck.Network([rows * size, [[1 / size] * 3]]), ["other", "duplicate", "other"]),
        (
            ck.Network([[[size], [size]], [[1 / size, -1 / size]]], [[size, -size], [0]]),
            ["positiveness detector of x + 1", "positiveness detector of x - 1"],
        ),
    ]


@pytest.mark.parametrize("size", [2.0**300, 2.0**500, 2.0**510, 2.0**900])
def test_units_of_very_large_values_are_read_like_those_of_small_ones(size):
    nets, wanted = zip(*_large(size), strict=True)
    for net, units, page in zip(nets, wanted, readings(nets), strict=True):
        found = assert_same_reading(net, page)
        assert [str(u) for u in found.units] == units == [u["text"] for u in page["units"]]
    assert ck.detect(nets[0]).circuit == "abs"
