"""Networks of other tools: what is read is what the tool computes; what cannot be read is refused by name."""

from __future__ import annotations

import io
import itertools
import json
import pickle
import random
import re
import sys
import warnings
import zipfile
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from torch import nn

import circuitkit as ck
from benchmarks.properties import NETWORKS
from circuitkit import Network
from circuitkit.importing import files, lowering, nnet, onnx_rules
from circuitkit.importing import hdf5 as hdf5_files
from circuitkit.importing.agreement import Imported, Precision, need_agreement
from circuitkit.importing.layering import layered
from circuitkit.importing.lowering import Lowering

#: a handful of steps is enough of training here
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FLOAT = TensorProto.FLOAT
FLOAT32 = Precision.of(np.float32)


# --- rows, nodes, layers ------------------------------------------------------------------------------------


def built(n_inputs, function):
    """The network of what a function of a lowering and its inputs gives."""
    low = Lowering(n_inputs)
    output = function(low, low.inputs((n_inputs,), 0))
    return Network(*layered(low, output))


NUMPY = {
    "linear": lambda a, b, m, c: m @ a + c,
    "relu": lambda a, b, m, c: np.maximum(a, 0),
    "leaky": lambda a, b, m, c: np.where(a > 0, a, 0.5 * a),
    "abs": lambda a, b, m, c: np.abs(a),
    "clip": lambda a, b, m, c: np.clip(a, -1, 2),
    "max": lambda a, b, m, c: np.maximum(a, b),
    "min": lambda a, b, m, c: np.minimum(a, b),
    "skip": lambda a, b, m, c: a + b,
}


@st.composite
def graphs(draw):
    """A random graph of small whole numbers: its network, and a direct evaluation."""
    n = draw(st.integers(1, 3))
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(list(NUMPY)),
                st.integers(0, 99),
            ),
            min_size=1,
            max_size=7,
        )
    )
    return n, steps


def run(steps, n, start, algebra):
    """The steps of :func:`graphs`, each of some two earlier tensors, in some algebra of ``n``-vectors."""
    made = [start]
    for kind, seed in steps:
        rng = np.random.default_rng(seed)
        a, b = (made[i] for i in rng.integers(len(made), size=2))
        matrix = rng.integers(-2, 3, size=(n, n)).astype(float)
        shift = rng.integers(-2, 3, size=n).astype(float)
        made.append(algebra[kind](a, b, matrix, shift))
    return made[-1]


def rows(low):
    return {
        "linear": lambda a, b, m, c: low.add(low.matmul(m, a), c),
        "relu": lambda a, b, m, c: low.relu(a),
        "leaky": lambda a, b, m, c: low.leaky(a, 0.5),
        "abs": lambda a, b, m, c: low.leaky(a, -1.0),
        "clip": lambda a, b, m, c: low.clip(a, -1, 2),
        "max": lambda a, b, m, c: low.maximum(a, b),
        "min": lambda a, b, m, c: low.minimum(a, b),
        "skip": lambda a, b, m, c: low.add(a, b),
    }


@settings(max_examples=150)
@given(graphs())
def test_any_graph_becomes_layers_that_compute_it_exactly(graph):
    n, steps = graph
    net = built(n, lambda low, x: run(steps, n, x, rows(low)))
    for x in np.random.default_rng(1).integers(-5, 6, size=(12, n)).astype(float):
        assert np.array_equal(net(x), run(steps, n, x, NUMPY))  # whole numbers: no rounding


def test_a_chain_keeps_its_dead_and_its_equal_units_bit_for_bit():
    net = Network(
        [[[0.1], [0.1], [0.0]], [[0.2, 0, 1], [0, 0, 0]], [[0, 0]]],
        [[0.3, 0.3, -1], None, [7]],
    )

    def chain(low, x):
        for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            x = low.add(low.matmul(w, low.relu(x) if i else x), b)
        return x

    assert built(1, chain) == net


def part(value, i):
    return value.move(lambda r: r[i : i + 1])


def test_what_is_carried_costs_a_unit_for_a_relu_and_a_pair_for_an_input():
    minimum = built(2, lambda low, x: low.minimum(part(x, 0), part(x, 1)))
    assert minimum.layer_sizes == (2, 3, 1)  # the deck's later form
    assert ck.prove(minimum, "min")
    # relu(x) + relu(relu(x) + 1) is affine in one ReLU: a nonnegative sum is none itself
    assert built(
        1, lambda low, x: low.add(low.relu(x), low.relu(low.add(low.relu(x), np.ones(1))))
    ).layer_sizes == (1, 1, 1)
    # |relu(x) - 1| + relu(x): relu(x) goes along in one unit
    kept = built(
        1, lambda low, x: low.add(low.relu(x), low.leaky(low.add(low.relu(x), -np.ones(1)), -1.0))
    )
    assert kept.layer_sizes == (1, 1, 3, 1)
    # x + relu(relu(x) - 1): x goes along in a pair, twice
    pair = built(1, lambda low, x: low.add(x, low.relu(low.add(low.relu(x), -np.ones(1)))))
    assert pair.layer_sizes == (1, 3, 3, 1)
    # the sum of 20 inputs goes along as one pair, not as twenty
    whole = built(
        20,
        lambda low, x: low.add(
            low.matmul(np.ones((1, 20)), x), low.relu(low.clip(part(x, 0), -1, 3))
        ),
    )
    assert whole.layer_sizes == (20, 4, 3, 1)


def test_equal_nodes_are_made_once_and_constant_ones_not_at_all():
    twice = built(
        2,
        lambda low, x: low.add(
            low.maximum(part(x, 0), part(x, 1)), low.maximum(part(x, 0), part(x, 1))
        ),
    )
    assert twice.layer_sizes == (2, 3, 1)
    constant = built(
        1, lambda low, x: low.add(low.relu(x), low.maximum(low.scale(x, 0.0), low.scale(x, 0.0)))
    )
    assert constant.layer_sizes == (1, 1, 1)


def test_a_merged_step_rounds_within_the_bound_that_is_kept_beside_it():
    rng = np.random.default_rng(2)
    a, b, c = rng.normal(size=(4, 6)), rng.normal(size=(6, 5)), rng.normal(size=(5, 3))
    low = Lowering(3)
    value = low.matmul(a, low.matmul(b, low.matmul(c, low.inputs((3,), 0))))

    def exact(m):
        return np.vectorize(Fraction, otypes=[object])(m)

    product = exact(a) @ exact(b) @ exact(c)
    off = np.abs(product - exact(value.rows[:, 1:]))
    assert (off <= exact(value.sizes[:, 1:]) * 90 * Fraction(1, 2**53)).all()
    assert off.any()  # it does round


def test_a_reading_that_is_wrong_is_noticed():
    low = Lowering(2)
    h = low.relu(low.matmul(np.array([[1.0, 2.0], [3.0, -1.0]]), low.inputs((2,), 0)))
    found = Imported.of(low, h)
    need_agreement("model", found, found, FLOAT32, "itself")
    for wrong in (
        lambda x: found(x) + 1e-3 * np.abs(x[:, :1]),
        lambda x: np.minimum(found(x), 1e6),
        lambda x: found(x)[:, :1],
        lambda x: np.where(x[:, :1] == 0, 1e-3, found(x)),
        lambda x: found(x) * np.nan,
    ):
        with pytest.raises(
            ValueError, match="^model: what was read is not what another tool computes"
        ):
            need_agreement("model", found, wrong, FLOAT32, "another tool")
    low = Lowering(1)
    huge = Imported.of(low, low.scale(low.inputs((1,), 0), 1e300))
    with pytest.raises(ValueError, match="^model: its values leave the range of float32"):
        need_agreement("model", huge, huge, FLOAT32, "itself")


def steep(weight, *after, dtype=torch.float64):
    """``weight * x`` and what follows."""
    linear = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        linear.weight.fill_(weight)
    return nn.Sequential(linear, *after).to(dtype)


LOST = "so much cancels in its layers that float64 loses its outputs .*; scale its layers"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("clip", [nn.ReLU6(), nn.Hardtanh()], ids=["ReLU6", "Hardtanh"])
def test_a_clip_of_more_than_doubles_hold_is_refused(clip, dtype):
    with pytest.raises(ValueError, match=f"^module: {LOST}"):
        Network.from_torch(steep(1e17, clip, dtype=dtype))
    net = Network.from_torch(steep(1e6, clip, dtype=dtype))
    assert net(1.0) == pytest.approx(clip(torch.tensor(1e6)).item())
    assert Network.from_torch(steep(1e17, dtype=dtype))(1.0) == pytest.approx(1e17)


def test_a_clip_after_weights_of_1e150_is_refused():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU6(), nn.Linear(3, 1)).double()
    Network.from_torch(module)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter *= 1e150
    with pytest.raises(ValueError, match=f"^module: {LOST}"):
        Network.from_torch(module)


def test_a_scaler_that_clips_more_than_doubles_hold_is_refused():
    x = np.array([[0.0], [1.0], [2.0]])
    pipeline = make_pipeline(
        MinMaxScaler(clip=True), MLPRegressor(hidden_layer_sizes=(2,), max_iter=2, random_state=0)
    ).fit(x, x[:, 0])
    Network.from_sklearn(pipeline)
    pipeline[0].scale_ = pipeline[0].scale_ * 1e17
    with pytest.raises(ValueError, match=f"^estimator: {LOST}"):
        Network.from_sklearn(pipeline)


# --- ONNX ---------------------------------------------------------------------------------------------------


def model_of(nodes, inputs, outputs=("y",), opset=17, **weights):
    """A model of these nodes; ``inputs`` name -> shape."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(n, FLOAT, shape) for n, shape in inputs.items()],
        [helper.make_tensor_value_info(n, FLOAT, None) for n in outputs],
        [numpy_helper.from_array(np.asarray(w), n) for n, w in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(op, read="x", made="y", **attributes):
    return helper.make_node(op, read.split(), made.split(), **attributes)


def outside(model, x):
    """What onnxruntime computes for one flat input, asked in another way than the package does."""
    session = onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else model.SerializeToString(),
        providers=["CPUExecutionProvider"],
    )
    feed, start = {}, 0
    for entry in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in entry.shape]
        n = int(np.prod(shape))
        feed[entry.name] = x[start : start + n].reshape(shape).astype(np.float32)
        start += n
    return np.concatenate([np.ravel(y) for y in session.run(None, feed)])


def agrees(net, model):
    for x in np.random.default_rng(5).normal(size=(8, net.n_inputs)).astype(np.float32) * 3:
        np.testing.assert_allclose(net(x), outside(model, x), rtol=1e-4, atol=1e-4)


ZOO = sorted((NETWORKS / "onnx").glob("*.onnx"))
REFUSED = {"sigmoid": "Sigmoid", "tanh": "Tanh"}


@pytest.mark.parametrize("path", [p for p in ZOO if p.stem not in REFUSED], ids=lambda p: p.stem)
def test_a_public_onnx_file_is_what_onnxruntime_computes(path):
    agrees(Network.from_onnx(path), path.read_bytes())


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_piecewise_linear_is_refused_by_its_node(name):
    message = f"^model: expected piecewise-linear operators, got {REFUSED[name]} in the node 'y'"
    with pytest.raises(TypeError, match=message):
        Network.from_onnx(NETWORKS / "onnx" / f"{name}.onnx")


def test_leaky_units_are_two_each_and_carry_nothing():
    net = Network.from_onnx(NETWORKS / "onnx" / "mnist5x20_leaky_relu.onnx")
    assert net.layer_sizes == (784, 40, 40, 40, 40, 40, 40, 10)


W = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
K = np.random.default_rng(0).normal(size=(4, 2, 3, 2)).astype(np.float32)
RULES = {
    "matmul": ([node("MatMul", "x w")], {"x": [1, 4]}, {"w": W}),
    "matmul from the left": ([node("MatMul", "w x")], {"x": [3, 2]}, {"w": W}),
    "vectors": ([node("MatMul", "x w", "h"), node("MatMul", "w h")], {"x": [4]}, {"w": W}),
    "batched": ([node("MatMul", "w x")], {"x": [3]}, {"w": np.stack([W, -W])}),
    "batched matrices": ([node("MatMul", "x w")], {"x": [2, 4]}, {"w": np.stack([W, -W])}),
    "gemm": ([node("Gemm", "x w b", alpha=0.5, beta=2.0, transA=1)], {"x": [4, 2]}, {"w": W, "b": W[0]}),
    "sub neg": ([node("Sub", "w x", "h"), node("Neg", "h")], {"x": [4, 1]}, {"w": W}),
    "mul div": ([node("Mul", "x w", "h"), node("Div", "h w")], {"x": [4, 3]}, {"w": W}),
    "sum mean": ([node("Sum", "x x w", "h"), node("Mean", "h x")], {"x": [4, 3]}, {"w": W}),
    "clip": ([node("Clip", "x low high")], {"x": [3]}, {"low": np.float32(-0.5), "high": np.float32(1)}),
    "clip below": ([node("Clip", "x low")], {"x": [3]}, {"low": np.float32(-0.5)}),
    "clip above": ([node("Clip", "x  high".replace("  ", " none ")), ], {"x": [3]}, {"none": np.float32(-3.4028235e38), "high": np.float32(1)}),
    "clip crossed": ([node("Clip", "x low high")], {"x": [3]}, {"low": np.float32(2), "high": np.float32(1)}),
    "prelu": ([node("PRelu", "x s")], {"x": [2, 3]}, {"s": np.float32([0.1, -2, 0])}),
    "leaky zero": ([node("LeakyRelu", alpha=0.0)], {"x": [3]}, {}),
    "max": ([node("Max", "x z c")], {"x": [3], "z": [3]}, {"c": np.float32([0, 1, -1])}),
    "min": ([node("Min", "x c")], {"x": [3]}, {"c": np.float32([0, 1, -1])}),
    "hard sigmoid": ([node("HardSigmoid", alpha=0.3)], {"x": [3]}, {}),
    "conv": ([node("Conv", "x k b", strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2])], {"x": [1, 2, 6, 5]}, {"k": K, "b": K[:, 0, 0, 0]}),
    "conv in groups": ([node("Conv", "x k", group=2)], {"x": [1, 4, 4, 3]}, {"k": K}),
    "conv same": ([node("Conv", "x k", auto_pad="SAME_LOWER", strides=[2, 2])], {"x": [1, 2, 5, 4]}, {"k": K}),
    "conv in one dimension": ([node("Conv", "x k")], {"x": [2, 2, 5]}, {"k": K[:, :, 0]}),
    "max pool": ([node("MaxPool", kernel_shape=[2, 3], pads=[1, 1, 0, 1], strides=[1, 2])], {"x": [1, 1, 3, 4]}, {}),
    "average pool": ([node("AveragePool", kernel_shape=[2, 2], pads=[1, 0, 0, 1])], {"x": [1, 2, 3, 3]}, {}),
    "average pool with the padding": ([node("AveragePool", kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)], {"x": [1, 1, 3, 3]}, {}),
    "global": ([node("GlobalMaxPool", "x", "a"), node("GlobalAveragePool", "x", "b"), node("Sub", "a b")], {"x": [1, 2, 2, 2]}, {}),
    "reduce": ([node("ReduceMean", "x", "a", axes=[1]), node("ReduceMax", "x", "b", axes=[-1]), node("ReduceMin", "x", "c"), node("Sub", "a b", "d"), node("Add", "c d")], {"x": [2, 3]}, {}),
    "reduce sum": ([node("ReduceSum", "x a", keepdims=0)], {"x": [2, 3]}, {"a": np.int64([0])}),
    "gather": ([node("Gather", "x i", axis=1)], {"x": [2, 3]}, {"i": np.int64([[2, -1], [0, 0]])}),
    "slice": ([node("Slice", "x a b d e")], {"x": [3, 5]}, {"a": np.int64([4, 0]), "b": np.int64([-100, 2]), "d": np.int64([1, 0]), "e": np.int64([-2, 1])}),
    "split": ([node("Split", "x s", "a b", axis=1), node("Concat", "b a x", axis=1)], {"x": [2, 3]}, {"s": np.int64([1, 2])}),
    "expand": ([node("Expand", "x s")], {"x": [3, 1]}, {"s": np.int64([2, 1, 4])}),
    "shape": ([node("Shape", "x", "s"), node("ConstantOfShape", "s", "z"), node("Add", "x z")], {"x": [2, 3]}, {}),
    "fold": ([node("Sqrt", "w", "a"), node("Pow", "a e", "b"), node("Reciprocal", "b", "c"), node("Mul", "x c")], {"x": [3]}, {"w": np.float32([1, 4, 9]), "e": np.float32(3)}),
    "constants": ([node("Relu", "w", "a"), node("Abs", "w", "b"), node("Add", "a b", "c"), node("Sub", "c w", "d"), node("Mul", "d w", "e"), node("Neg", "e", "f"), node("Div", "f d", "g"), node("MatMul", "g v", "h"), node("Clip", "h low", "i"), node("Concat", "i", "j", axis=0), node("Max", "j x")], {"x": [4]}, {"w": W, "v": W[0], "low": np.float32(0)}),
    "two outputs of one relu": ([node("Relu", "x", "a"), node("Relu", "a", "b"), node("Abs", "x", "c"), node("Sub", "b c")], {"x": [3]}, {}),
    "open batch": ([node("Gemm", "x w")], {"x": ["batch", 4]}, {"w": W}),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_what_onnxruntime_does(name):
    nodes, inputs, weights = RULES[name]
    model = model_of(nodes, inputs, **weights)
    agrees(Network.from_onnx(model), model)


def test_an_onnx_clip_of_more_than_doubles_hold_is_refused():
    for weight in (1e6, 1e17):
        made = [node("Mul", "x w", "a"), node("Clip", "a low high")]
        bounds = {"low": np.float32(0), "high": np.float32(6)}
        model = model_of(made, {"x": [1]}, w=np.float32([weight]), **bounds)
        if weight < 1e17:
            agrees(Network.from_onnx(model), model)
        else:
            with pytest.raises(ValueError, match=f"^model: {LOST}"):
                Network.from_onnx(model)


def test_older_files_keep_their_ways():
    for nodes, opset in (
        ([node("Clip", min=-1.0, max=0.5)], 8),
        ([node("Unsqueeze", axes=[0], made="a"), node("Squeeze", "a", axes=[0])], 11),
        ([node("Slice", starts=[1], ends=[3])], 9),
        ([node("Split", made="a b", split=[1, 2]), node("Concat", "b a", axis=0)], 11),
        ([node("ReduceSum", axes=[0])], 11),
    ):
        model = model_of(nodes, {"x": [3]}, opset=opset)
        agrees(Network.from_onnx(model), model)


@pytest.mark.parametrize(
    ("nodes", "inputs", "weights", "error", "message"),
    [
        ([node("Mul", "x x")], {"x": [2]}, {}, TypeError, r"the node 'y' \(Mul\) multiplies two computed tensors; it is not piecewise linear"),
        ([node("MatMul", "x x")], {"x": [2, 2]}, {}, TypeError, "multiplies two computed"),
        ([node("Div", "w x")], {"x": [2]}, {"w": np.float32(1)}, TypeError, "computed, not constant"),
        ([node("Cast", to=TensorProto.INT32)], {"x": [2]}, {}, TypeError, "rounds its input"),
        ([node("Softmax")], {"x": [2]}, {}, TypeError, "expected piecewise-linear operators, got Softmax"),
        ([node("Relu", domain="their.own")], {"x": [2]}, {}, TypeError, "got their.own.Relu"),
        ([node("If", "x", then_branch=helper.make_graph([], "g", [], []), else_branch=helper.make_graph([], "g", [], []))], {"x": []}, {}, TypeError, "got If"),
        ([node("Div", "x w")], {"x": [2]}, {"w": np.float32(0)}, TypeError, "divides by zero"),
        ([node("Dropout", "x r t")], {"x": [2]}, {"r": np.float32(0.5), "t": np.array(True)}, TypeError, "training mode"),
        ([node("MatMul", "x w")], {"x": [2]}, {"w": W}, ValueError, r"the node 'y' \(MatMul\) does not fit"),
        ([node("Gemm", "x w")], {"x": [4]}, {"w": W}, ValueError, "a matrix is needed"),
        ([node("Reshape", "x s")], {"x": [3]}, {"s": np.int64([2, 2])}, ValueError, "does not fit what it is given"),
        ([node("Relu", "z")], {"x": [3]}, {}, ValueError, "a graph that makes all that it reads, got nothing for 'z'"),
        ([node("Add", "x z", "y"), node("Relu", "y", "z")], {"x": [3]}, {}, ValueError, "a graph without circles"),
        ([node("Relu", "x", "z")], {"x": [3]}, {}, ValueError, "nothing for 'y'"),
        ([node("Relu")], {"x": [2**24]}, {}, ValueError, "at most 2.20 inputs"),
        ([node("Relu")], {"x": [2**14]}, {}, ValueError, "its input would need a tensor"),
        ([node("ConstantOfShape", "s", "z"), node("Add", "x z")], {"x": [1]}, {"s": np.int64([2**20, 2**20])}, ValueError, "would make a tensor"),
        ([node("Expand", "x s")], {"x": [1]}, {"s": np.int64([2**20, 2**20])}, ValueError, r"the node 'y' \(Expand\)"),
        ([node("Mul", "x w", "h"), node("Mul", "h w")], {"x": [1]}, {"w": np.float64(1e200)}, ValueError, "leaves the range"),
        ([node("Add", "x w")], {"x": [2]}, {"w": np.float32([1, np.nan])}, ValueError, "inf or nan in 'w'"),
        ([node("Add", "x w")], {"x": [2]}, {"w": np.array(["a", "b"])}, TypeError, "tensors of numbers, got object in 'w'"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_read_is_refused_by_name(nodes, inputs, weights, error, message):
    with pytest.raises(error, match=f"^model: .*{message}"):
        Network.from_onnx(model_of(nodes, inputs, **weights))


def test_a_damaged_file_is_refused_as_such(tmp_path):
    path = tmp_path / "net.onnx"
    Network([[[1.0], [2.0]], [[1.0, 1.0]]]).to_onnx(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    read, said = 0, set()
    for cut in range(0, len(whole), 7):
        spoiled = bytearray(whole)
        spoiled[cut] ^= int(rng.integers(1, 256))
        for data in (whole[:cut], bytes(spoiled)):
            path.write_bytes(data)
            try:
                Network.from_onnx(path)
                read += 1
            except (ValueError, TypeError) as error:
                said.add(str(error).partition(":")[0])
    assert said == {"model"}
    assert read  # a name spoiled, a weight changed: another network
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="^model: expected an ONNX model, got"):
        Network.from_onnx(path)


def test_no_other_file_is_opened_for_an_onnx_file():
    model = model_of([node("Add", "x w")], {"x": [2]}, w=np.float32([1, 2]))
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    with pytest.raises(ValueError, match="^model: expected weights within the file"):
        Network.from_onnx(model)


def test_inputs_of_other_kinds_and_old_operators_are_refused():
    whole = helper.make_tensor_value_info("x", TensorProto.INT64, [2])
    graph = helper.make_graph(
        [node("Relu")], "g", [whole], [helper.make_tensor_value_info("y", FLOAT, None)]
    )
    with pytest.raises(
        TypeError, match="^model: expected inputs of float32 or float64, got the input 'x'"
    ):
        Network.from_onnx(helper.make_model(graph))
    with pytest.raises(ValueError, match="^model: expected operators of version 7 or later"):
        Network.from_onnx(model_of([node("Relu")], {"x": [2]}, opset=6))
    none = helper.make_tensor_value_info("x", FLOAT, None)
    graph = helper.make_graph(
        [node("Relu")], "g", [none], [helper.make_tensor_value_info("y", FLOAT, None)]
    )
    with pytest.raises(ValueError, match="^model: expected inputs with a shape"):
        Network.from_onnx(helper.make_model(graph))
    for other in (3, None, [1]):
        with pytest.raises(TypeError, match=r"^model: expected a path or an onnx.ModelProto"):
            Network.from_onnx(other)


def test_a_wrong_rule_does_not_pass_onnxruntime(monkeypatch):
    model = model_of([node("Relu")], {"x": [2]})
    monkeypatch.setitem(onnx_rules.RULES, "Relu", onnx_rules.RULES["Abs"])
    with pytest.raises(ValueError, match="^model: what was read is not what onnxruntime computes"):
        Network.from_onnx(model)


def test_what_would_run_code_is_not_read_and_the_line_that_converts_it_is_said(tmp_path):
    for name, line in (
        ("net.pt", r"ck\.Network\.from_torch\(torch\.load"),
        ("net.joblib", r"ck\.Network\.from_sklearn\(joblib\.load"),
        ("net.onnx", "ck.Network.from_sklearn"),
    ):
        path = tmp_path / name
        path.write_bytes(pickle.dumps([1]))
        with pytest.raises(ValueError, match=rf"^model: .* is a pickle, which runs code .*{line}"):
            Network.from_onnx(path)
        with pytest.raises(ValueError, match="^path: .* is a pickle"):
            Network.from_nnet(path)
    with pytest.raises(ValueError, match="^model: expected an ONNX file, got the folder"):
        Network.from_onnx(tmp_path)
    with pytest.raises(FileNotFoundError):
        Network.from_onnx(tmp_path / "missing")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_FILE", 10)
    (tmp_path / "net.nnet").write_text("2\n" * 20)
    with pytest.raises(ValueError, match="^path: expected a file of at most 10 bytes, got 40"):
        Network.from_nnet(tmp_path / "net.nnet")


def test_what_is_carried_may_be_too_much(monkeypatch):
    monkeypatch.setattr(lowering, "LARGEST", 100)
    with pytest.raises(ValueError, match="^model: the node 'y'.* would need a tensor of shape"):
        Network.from_onnx(
            model_of([node("MatMul", "x w")], {"x": [1]}, w=np.ones((1, 60), np.float32))
        )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.integers(0, 10**6))
def test_onnx_and_back_keeps_every_bit(tmp_path_factory, sizes, seed):
    rng = np.random.default_rng(seed)
    weights = [
        rng.normal(size=(b, a)) * rng.integers(0, 2, size=(b, a))
        for a, b in itertools.pairwise(sizes)
    ]
    net = Network(weights, [rng.normal(size=len(w)) for w in weights])
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    net.to_onnx(path)
    assert Network.from_onnx(path) == net
    onnx.checker.check_model(onnx.load(path), full_check=True)


def test_to_onnx_writes_nothing_that_onnxruntime_computes_otherwise(tmp_path, monkeypatch):
    from circuitkit.importing import onnx_write

    other = onnx_write.helper.make_node
    monkeypatch.setattr(
        onnx_write.helper,
        "make_node",
        lambda op, *a, **k: other("Abs" if op == "Relu" else op, *a, **k),
    )
    with pytest.raises(ValueError, match="onnxruntime computes something else"):
        ck.circuit("abs").to_onnx(tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


# --- .nnet --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(NETWORKS.glob("*/*.nnet")), ids=lambda p: p.stem)
def test_a_public_nnet_file_is_read(path):
    file = nnet.read(path)
    assert Network.from_nnet(path) == Network(file.weights, file.biases)


def test_small_files_are_proved_to_be_the_functions_that_are_known_of_them():
    small = NETWORKS / "small"
    assert ck.prove(Network.from_nnet(small / "small_nnet.nnet"), "max(37/2, 24*x + 109/2)")
    assert ck.prove(Network.from_nnet(small / "small_nnet_id.nnet"), "min(-23/2, -24*x - 95/2)")


def test_an_onnx_twin_is_the_nnet_file_without_its_normalization():
    folder = NETWORKS / "acasxu"
    twin = Network.from_onnx(folder / "ACASXU_1_1.onnx")
    plain = Network.from_nnet(folder / "ACASXU_1_1.nnet")
    folded = Network.from_nnet(folder / "ACASXU_1_1.nnet", normalise=True)
    x = np.random.default_rng(0).uniform(-0.5, 0.5, size=(200, 5))
    assert np.abs(twin(x) - plain(x)).max() < 1e-5
    assert np.abs(twin(x) - folded(x)).max() > 10
    file = nnet.read(folder / "ACASXU_1_1.nnet")
    raw = x * file.ranges[:5] + file.means[:5]
    np.testing.assert_allclose(
        folded(raw), plain(x) * file.ranges[5] + file.means[5], rtol=1e-9, atol=1e-9
    )
    assert file.box[0] == (0.0, 60760.0)


def test_a_zero_in_place_of_a_line_means_that_it_is_not_there():
    file = nnet.read(NETWORKS / "small" / "small_nnet.nnet")
    assert file.box is None
    assert file.means is None
    assert nnet.read(NETWORKS / "small" / "spiky_nnet.nnet").box == [(-65500.0, 65500.0)]


LINES = [
    "2,1,1,2,",
    "1,2,1,",
    "flag",
    "-1,",
    "1,",
    "0,0,",
    "1,1,",
    "1,",
    "-1,",
    "0,",
    "0,",
    "1,1,",
    "0,",
]


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (1, "two", "expected numbers in line 1 of"),
        (1, "3,1,1,2", "the sizes of 3 layers and of the input in line 2"),
        (1, "2,5,1,2", "[5, 1], inputs and outputs, first and last in line 2"),
        (1, "1e9", "whole numbers up to a million in line 1"),
        (2, "1,2.5,1", "whole numbers"),
        (2, "1,0,1", "the sizes of 2 layers"),
        (4, "1,2", "1 numbers, or a 0 for none in line 4"),
        (8, "1,2", "expected 1 number in line 8"),
        (8, "nan", "expected finite numbers in line 8"),
        (8, "x", "expected numbers in line 8"),
        (13, "", "an .nnet file with more than 12 lines"),
        (13, "0\n0", "nothing after the last bias in line 14"),
    ],
)
def test_a_file_that_is_no_nnet_file_is_refused_by_its_line(tmp_path, line, text, message):
    path = tmp_path / "net.nnet"
    path.write_text("\n".join(LINES))
    assert ck.prove(Network.from_nnet(path), "abs")
    lines = list(LINES)
    lines[line - 1] = text
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=rf"^path: .*{re.escape(message)}"):
        Network.from_nnet(path)


@pytest.mark.parametrize("number", ["1_0", "\uff11", "\u0661"])
def test_only_digits_that_everybody_reads_make_a_number(tmp_path, number):
    path = tmp_path / "net.nnet"
    for line, text in enumerate(LINES):
        if text == "flag":  # nobody reads it
            continue
        lines = list(LINES)
        lines[line] = number + text[1:]
        path.write_text("\n".join(lines), encoding="utf-8")
        with pytest.raises(ValueError, match="^path: expected .* line"):
            Network.from_nnet(path)


def test_a_normalization_that_is_not_there_cannot_be_folded_in(tmp_path):
    with pytest.raises(ValueError, match="^normalise: .* has no means and ranges"):
        Network.from_nnet(NETWORKS / "small" / "small_nnet.nnet", normalise=True)
    lines = list(LINES)
    lines[6] = "0,1"
    path = tmp_path / "net.nnet"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match="^normalise: .* has a range that is not positive"):
        Network.from_nnet(path, normalise=True)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="^path: expected an .nnet file, which is text"):
        Network.from_nnet(Path(path))


def test_an_onnx_model_that_mixes_the_inputs_of_a_batch_is_refused():
    mixing = model_of(
        [node("ReduceMean", "x", "a", axes=[0]), node("Sub", "x a")], {"x": ["batch", 2]}
    )
    with pytest.raises(ValueError, match="^model: .* of a batch, whose inputs it mixes"):
        Network.from_onnx(mixing)


def test_a_chain_is_kept_whatever_its_numbers_are():
    for weights in (
        [[[1.0]], [[1.0]], [[1.0]]],  # a second ReLU of the same does nothing, and is there
        [[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0]], [[-1.0]]],
        [[[2.2e-311], [5e-5]], [[1e5, 2.2e-311]], [[-1.1e-308]]],  # numbers that have lost digits
    ):
        net = Network(weights)
        assert Network.from_torch(net.to_torch()) == net


# --- PyTorch ------------------------------------------------------------------------------------------------


def module_of(forward, **parts):
    """A module with these layers and parameters, in doubles and eval mode, whose weights are no round numbers."""

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, x):
            return forward(self, x)

    torch.manual_seed(3)
    module = Module().double()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d) and part.track_running_stats:
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2)
            if part.affine:
                nn.init.normal_(part.weight)
    return module.eval()


def matrix(*shape):
    return nn.Parameter(torch.tensor(np.random.default_rng(4).normal(size=shape)))


def residual(m, x):
    h = torch.relu(m.a(x))
    return m.c(h + torch.relu(m.b(h))) + x


def linear(n_in=3, n_out=3):
    return nn.Linear(n_in, n_out)


MODULES = {
    "nested": lambda: module_of(lambda m, x: m.a(x), a=nn.Sequential(nn.Sequential(linear(), nn.Flatten()), nn.Sequential(nn.ReLU(), linear(3, 1)))),
    "two linears in a row": lambda: module_of(lambda m, x: m.b(m.a(x)), a=linear(3, 5), b=linear(5, 2)),
    "batch normalization": lambda: module_of(lambda m, x: m.c(torch.relu(m.b(m.a(x)))), a=linear(3, 4), b=nn.BatchNorm1d(4), c=nn.Sequential(nn.Dropout(0.5), linear(4, 1))),
    "normalization first": lambda: module_of(lambda m, x: m.a(m.b(x)), a=linear(), b=nn.BatchNorm1d(3, affine=False)),
    "leaky": lambda: module_of(lambda m, x: m.b(nn.functional.leaky_relu(m.a(x), 0.2)), a=nn.Sequential(linear(), nn.LeakyReLU(0.1)), b=linear()),
    "prelu": lambda: module_of(lambda m, x: m.c(m.b(m.a(x))), a=linear(3, 4), b=nn.PReLU(4), c=nn.Sequential(linear(4, 2), nn.PReLU())),
    "bounded": lambda: module_of(lambda m, x: nn.functional.hardtanh(m.a(x)) + nn.functional.relu6(x), a=nn.Sequential(linear(), nn.ReLU6(), linear(), nn.Hardtanh(-2, 0.5), nn.Hardsigmoid())),
    "clamp": lambda: module_of(lambda m, x: m.a(x).clamp(-0.25, 0.5) + x.clamp(min=0.1) - torch.clip(x, max=0.2), a=linear()),
    "clamp by tensors": lambda: module_of(lambda m, x: torch.clamp(m.a(x), min=m.b, max=x), a=linear(), b=matrix(3)),
    "abs, max and min": lambda: module_of(lambda m, x: torch.abs(x[:, :1]) + torch.max(x[:, 1:2], m.a(x)) - torch.minimum(x[:, 2:], m.a(x)).abs(), a=linear(3, 1)),
    "extremes": lambda: module_of(lambda m, x: x.max(dim=1, keepdim=True).values + m.a(x).min(dim=1)[0].unsqueeze(1) - x.amax(1, keepdim=True) + x.amin((1,), keepdim=True), a=linear()),
    "residual": lambda: module_of(residual, a=linear(3, 4), b=linear(4, 4), c=linear(4, 3)),
    "unary minus": lambda: module_of(lambda m, x: -torch.relu(-m.a(x)) + 1 - x / 4 + 2 * x, a=linear()),
    "x @ W": lambda: module_of(lambda m, x: torch.relu(x @ m.w + m.b) @ m.v, w=matrix(3, 4), b=matrix(4), v=matrix(4, 2)),
    "the deck's layout": lambda: module_of(lambda m, x: torch.matmul(nn.functional.relu(torch.matmul(x, m.hidden_layer_0)), m.output_layer), hidden_layer_0=matrix(1, 2), output_layer=matrix(2, 1)),
    "a masked weight": lambda: module_of(lambda m, x: nn.functional.linear(x, m.w * (m.w > 0), m.w.sum(0)[:2]), w=matrix(2, 3)),
    "addmm": lambda: module_of(lambda m, x: torch.addmm(m.b, x, m.w), w=matrix(3, 2), b=matrix(2)),
    "joined": lambda: module_of(lambda m, x: torch.cat([m.a(x), torch.relu(x)], dim=1).view(x.size(0), -1), a=linear()),
    "cut": lambda: module_of(lambda m, x: torch.stack([x.chunk(3, 1)[0], m.a(x).split([1, 2], dim=1)[0], x.unbind(1)[2].unsqueeze(1)]).permute(1, 0, 2).flatten(1), a=linear()),
    "turned": lambda: module_of(lambda m, x: m.a(x).reshape(-1, 2, 2).transpose(1, 2)[:, None, ..., 0].squeeze(1) + x.sum(1, keepdim=True) + x.mean(-1).unsqueeze(1), a=linear(3, 4)),
    "unflatten": lambda: module_of(lambda m, x: m.b(m.a(x))[:, 0] + m.w.T[:, 0], a=linear(3, 4), b=nn.Unflatten(1, (2, 2)), w=matrix(2, 2)),
    "one constant": lambda: module_of(lambda m, x: torch.relu(m.w) + 0 * m.a(x), a=linear(), w=matrix(1, 3)),
    "in place": lambda: module_of(lambda m, x: m.a(x).relu_().mul_(2), a=nn.Sequential(linear(), nn.ReLU(inplace=True), linear())),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_a_module_becomes_what_it_computes(name):
    module = MODULES[name]()
    net = Network.from_torch(module)
    for row in np.random.default_rng(6).normal(size=(10, net.n_inputs)):
        there = module(torch.tensor(row[None])).detach().numpy().ravel()
        np.testing.assert_allclose(net(row), there, rtol=1e-12, atol=1e-12)


def image(*sizes):
    return nn.Unflatten(1, sizes)


def windowed(m, x):
    h = nn.functional.conv2d(x.view(-1, 1, 3, 3), m.w, m.b, padding=1)
    return nn.functional.avg_pool2d(nn.functional.max_pool2d(torch.relu(h), 2), (2, 1)).flatten(1)


#: images: what they are made of -> a module; each begins with a line of numbers
IMAGES = {
    "conv and linear": lambda: nn.Sequential(image(1, 4, 4), nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)),
    "same, in groups": lambda: nn.Sequential(image(2, 3, 3), nn.Conv2d(2, 2, 3, padding="same", groups=2), nn.ReLU(), nn.Flatten()),
    "valid": lambda: nn.Sequential(image(1, 3, 3), nn.Conv2d(1, 1, 2, padding="valid", bias=False), nn.Flatten()),
    "strides and dilations": lambda: nn.Sequential(image(1, 5, 4), nn.Conv2d(1, 2, (2, 1), stride=(2, 1), padding=(1, 0), dilation=(2, 1)), nn.Flatten()),
    "max": lambda: nn.Sequential(image(1, 4, 4), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.Flatten(), nn.Linear(9, 1)),
    "mean": lambda: nn.Sequential(image(1, 5, 4), nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.Flatten()),
    "mean without padding": lambda: nn.Sequential(image(1, 5, 4), nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), nn.Flatten()),
    "mean with a divisor": lambda: nn.Sequential(image(1, 4, 4), nn.AvgPool2d(2, divisor_override=3), nn.Flatten()),
    "one dimension": lambda: nn.Sequential(image(2, 6), nn.Conv1d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2), nn.AvgPool1d(3), nn.Flatten()),
    "normalized": lambda: nn.Sequential(image(2, 3, 3), nn.Conv2d(2, 2, 2), nn.BatchNorm2d(2).eval(), nn.ReLU(), nn.Flatten()),
    "functions": lambda: module_of(windowed, w=nn.Parameter(torch.randn(2, 1, 2, 2)), b=nn.Parameter(torch.randn(2))),
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGES)
def test_convolutions_and_pooling_are_read_as_torch_computes_them(name):
    torch.manual_seed(4)
    module = IMAGES[name]().double().eval()
    net = Network.from_torch(module)
    rng = np.random.default_rng(6)
    x = rng.normal(size=(40, net.n_inputs)) * np.repeat([0.1, 1.0, 1e3, 1e6], 10)[:, None]
    there = module(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(net(x), there, rtol=1e-10, atol=1e-10 * np.abs(there).max())


def test_a_window_that_is_not_read_is_refused_by_its_layer():
    for module, message in (
        (nn.Sequential(image(1, 4, 4), nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), nn.Flatten()), "Conv2d in the layer '1' is called in a way that is not read .padding_mode"),
        (nn.Sequential(image(1, 4, 4), nn.MaxPool2d(2, return_indices=True)), "MaxPool2d in the layer '1' gives the places"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), r"Conv2d in the layer '0' .* an nn.Unflatten\(1, \(channels, height, width\)\) in front"),
        (nn.Sequential(image(2, 3, 3), nn.Conv2d(3, 1, 2), nn.Flatten()), "2 channels, a kernel of shape"),
        (nn.Sequential(image(1, 2, 2), nn.Conv2d(1, 1, 3), nn.Flatten()), "a window of 3 in 2 elements"),
        (nn.Sequential(image(3, 200, 200), nn.Conv2d(3, 16, 3), nn.Flatten()), "at most .* coefficients are read"),
        (nn.Sequential(image(1, 3, 3), nn.ConvTranspose2d(1, 1, 2), nn.Flatten()), "got ConvTranspose2d"),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=f"^module: .*{message}"):
            Network.from_torch(module.eval())


def exactly(layers, x):
    """A chain of linear layers, a ReLU where None stands between them, in fractions."""
    h = [Fraction(v) for v in x]
    for layer in layers:
        if layer is None:
            h = [max(v, Fraction(0)) for v in h]
            continue
        w, b = layer.weight.detach().double().tolist(), layer.bias.detach().double().tolist()
        h = [
            sum((Fraction(a) * v for a, v in zip(row, h, strict=True)), Fraction(c))
            for row, c in zip(w, b, strict=True)
        ]
    return h


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(3))
def test_the_rounding_of_merged_layers_is_bounded_for_every_input(seed, dtype):
    torch.manual_seed(seed)
    steps = [
        nn.Linear(3, 9),
        nn.Linear(9, 9),
        None,
        nn.Linear(9, 7),
        nn.Linear(7, 5),
        nn.Linear(5, 2),
    ]
    module = nn.Sequential(*(step or nn.ReLU() for step in steps)).to(dtype)
    with torch.no_grad():
        for step in steps:
            if step is not None:
                step.weight.mul_(3)
    net = Network.from_torch(module)
    assert net.layer_sizes == (3, 9, 2) and 0 < net.rounding < 1e-8
    rng = np.random.default_rng(seed)
    worst = Fraction(0)
    for size in (0.0, 0.5, 1.0, 1e6):
        for x in rng.choice([-1.0, 1.0, 0.3], size=(6, 3)) * size:
            there = exactly(steps, x)
            here = [Fraction(v) for v in x]
            for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
                h = [max(v, Fraction(0)) for v in here] if i else here
                here = [
                    sum((Fraction(a) * v for a, v in zip(row, h, strict=True)), Fraction(c))
                    for row, c in zip(w.tolist(), b.tolist(), strict=True)
                ]
            scale = max(1, *(abs(Fraction(v)) for v in x))
            worst = max(worst, *(abs(a - b) / scale for a, b in zip(here, there, strict=True)))
    assert 0 < worst <= net.rounding


def test_where_nothing_is_merged_nothing_is_rounded():
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert Network.from_torch(module).rounding == 0
    assert Network.from_torch(nn.Sequential(module, nn.ReLU())).rounding == 0
    normalized = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    assert 0 < Network.from_torch(normalized.eval()).rounding < 1e-12
    net = ck.circuit("min")
    assert net.rounding is None and Network.from_torch(net.to_torch()) == net


def test_residual_and_normalized_modules_have_the_layers_that_they_should():
    assert Network.from_torch(MODULES["batch normalization"]()).layer_sizes == (3, 4, 1)
    assert Network.from_torch(MODULES["leaky"]()).layer_sizes == (3, 6, 6, 3)
    assert Network.from_torch(MODULES["residual"]()).layer_sizes == (3, 10, 10, 3)


def test_what_a_module_does_that_is_not_piecewise_linear_is_refused_by_its_step():
    def step(function, **parts):
        return module_of(function, a=linear(), **parts)

    for module, message in (
        (step(lambda m, x: torch.exp(m.a(x))), "got the operation 'exp'"),
        (step(lambda m, x: m.a(x) * x), "the operation 'mul' multiplies two computed tensors; it is not"),
        (step(lambda m, x: m.a(x) @ x.t()), "multiplies two computed"),
        (step(lambda m, x: 1 / m.a(x)), "divides by a computed"),
        (step(lambda m, x: m.a(x) / 0), "divides by zero"),
        (step(lambda m, x: m.b(m.a(x)), b=nn.GELU()), "got GELU in the layer 'b'"),
        (step(lambda m, x: m.a(x).sort()[0]), "got the operation 'sort'"),
        (step(lambda m, x: nn.functional.dropout(m.a(x))), "is a dropout in training mode"),
        (step(lambda m, x: nn.functional.linear(x, m.a(x))), "weight that is computed from the input"),
        (step(lambda m, x: m.a(x).mean(dtype=torch.float32)), "is called in a way that is not read"),
        (step(lambda m, x: (m.a(x), x)), "expected one tensor as the output, got tuple"),
        (step(lambda m, x: m.b(m.a(x)), b=nn.BatchNorm1d(3, track_running_stats=False)), "normalizes by the batch"),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=f"^module: .*{message}"):
            Network.from_torch(module)


def test_what_a_module_hides_is_refused():
    def clamped(m, x):
        x = m.a(x)
        x.clamp_(-1e9, 1e9)
        return x

    def written(m, x):
        x = m.a(x)
        x[:, 0] = 0
        return x

    def chosen(m, x):
        return m.a(x) if x.sum() > 0 else x

    normalizing = module_of(
        lambda m, x: m.a(x), a=nn.Sequential(linear(), nn.BatchNorm1d(3))
    ).train()
    for module, message in (
        (module_of(clamped, a=linear()), "the operation 'clamp_' changes in place what is read again"),
        (module_of(written, a=linear()), "does not support item assignment"),
        (module_of(chosen, a=linear()), "the forward pass of Module cannot be traced"),
        (module_of(lambda m, x: m.a(x) - m.a(x).mean(0), a=linear()), "of a batch, whose inputs it mixes"),
        (module_of(lambda m, x: m.a(x) + torch.rand(1), a=linear()), "gives other values when it is called again"),
        (normalizing, "layer 'a.1' is a BatchNorm1d in training mode; call module.eval"),
        (module_of(lambda m, x: m.b(m.a(x)), a=linear(3, 2), b=linear()), "does not fit what it is given"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"^module: .*{message}"):
            Network.from_torch(module)


def test_a_path_of_a_pickle_says_how_to_convert_it(tmp_path):
    with pytest.raises(
        ValueError, match=r"^module: .*net\.pt' is a pickle.*safetensors\.torch\.save_file"
    ):
        Network.from_torch(str(tmp_path / "net.pt"))
    with pytest.raises(TypeError, match="^module: expected a torch.nn.Module, got str"):
        Network.from_torch("net")


# --- scikit-learn -------------------------------------------------------------------------------------------

X = np.random.default_rng(7).normal(size=(80, 3)) * [1, 10, 0.1] + [0, 5, -2]
Y = np.abs(X[:, 0]) - X[:, 1] / 10


def mlp(kind=MLPRegressor, **options):
    return kind(
        **{
            "hidden_layer_sizes": (5, 4),
            "solver": "lbfgs",
            "max_iter": 60,
            "random_state": 0,
            **options,
        }
    )


SCALERS = {
    "standard": StandardScaler,
    "standard without a mean": lambda: StandardScaler(with_mean=False),
    "standard without a scale": lambda: StandardScaler(with_std=False),
    "range": lambda: MinMaxScaler((-1, 2)),
    "range, clipped": lambda: MinMaxScaler(clip=True),
    "quartiles": RobustScaler,
    "quartiles, not centered": lambda: RobustScaler(with_centering=False),
    "largest": MaxAbsScaler,
}


@pytest.mark.parametrize("name", SCALERS)
def test_a_pipelines_scaler_is_folded_in(name):
    fitted = make_pipeline("passthrough", MinMaxScaler(), SCALERS[name](), mlp()).fit(X, Y)
    net = Network.from_sklearn(fitted)
    far = np.random.default_rng(8).normal(size=(50, 3)) * 30
    np.testing.assert_allclose(net(far)[:, 0], fitted.predict(far), rtol=1e-9, atol=1e-9)
    assert net.layer_sizes[-3:] == (5, 4, 1)


def test_an_unscaled_perceptron_is_kept_bit_for_bit():
    fitted = mlp().fit(X, np.stack([Y, -Y], axis=1))
    net = Network.from_sklearn(fitted)
    assert net == Network([w.T for w in fitted.coefs_], fitted.intercepts_)
    linear = Network.from_sklearn(mlp(activation="identity").fit(X, Y))
    assert linear.layer_sizes == (3, 1)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_becomes_its_logits(classes):
    labels = np.digitize(Y, [0] if classes == 2 else [-0.5, 0.5])
    fitted = make_pipeline(StandardScaler(), mlp(MLPClassifier)).fit(X, labels)
    net = Network.from_sklearn(fitted)
    logits = net(X)
    assert logits.shape[1] == (1 if classes == 2 else 3)
    decided = (logits[:, 0] > 0).astype(int) if classes == 2 else logits.argmax(axis=1)
    assert (decided == fitted.predict(X)).all()


def test_a_scaled_target_is_unscaled():
    fitted = TransformedTargetRegressor(mlp(), transformer=StandardScaler()).fit(X, 1000 * Y + 3)
    np.testing.assert_allclose(Network.from_sklearn(fitted)(X)[:, 0], fitted.predict(X), rtol=1e-9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TransformedTargetRegressor(
            make_pipeline(StandardScaler(), mlp()), transformer=MinMaxScaler()
        ),
        lambda: make_pipeline(
            StandardScaler(),
            TransformedTargetRegressor(
                make_pipeline(MinMaxScaler(), mlp()), transformer=StandardScaler()
            ),
        ),
        lambda: TransformedTargetRegressor(
            TransformedTargetRegressor(mlp(), transformer=StandardScaler()),
            transformer=make_pipeline(MinMaxScaler((2, 3)), MaxAbsScaler()),
        ),
        lambda: make_pipeline(make_pipeline(StandardScaler(), MinMaxScaler()), mlp()),
    ],
)
def test_pipelines_inside_of_estimators_are_read(make):
    fitted = make().fit(X, 1000 * Y + 3)
    wanted = np.ravel(fitted.predict(X))
    np.testing.assert_allclose(Network.from_sklearn(fitted)(X)[:, 0], wanted, rtol=1e-9)


def test_a_step_deep_inside_is_named_when_it_is_refused():
    inner = make_pipeline(PolynomialFeatures(), mlp())
    fitted = TransformedTargetRegressor(inner, transformer=MinMaxScaler()).fit(X, Y)
    with pytest.raises(TypeError, match="got PolynomialFeatures in the step 'polynomialfeatures'"):
        Network.from_sklearn(fitted)


def test_a_module_without_inputs_is_refused_for_that():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of weights without numbers
        module = nn.Sequential(nn.Linear(0, 3), nn.ReLU(), nn.Linear(3, 1))
    with pytest.raises(ValueError, match="module: expected at least one input, got none"):
        Network.from_torch(module)


def test_an_estimator_that_cannot_be_read_is_refused_by_its_step():
    spoiled = mlp().fit(X, Y)
    spoiled.coefs_[1][0, 0] = np.nan
    crooked = mlp().fit(X, Y)
    crooked.coefs_[1] = crooked.coefs_[1][:3]

    class Doubled(MLPRegressor):
        def predict(self, X):
            return 2 * super().predict(X)

    changed = make_pipeline(StandardScaler(), mlp(MLPClassifier)).fit(X, Y > 0)
    changed.predict_proba = lambda x: np.full((len(x), 2), 0.5)
    forest = RandomForestRegressor(2).fit(X, Y)
    for estimator, error, message in (
        (
            forest,
            TypeError,
            "expected an MLPRegressor or MLPClassifier, .*got RandomForestRegressor",
        ),
        (3, TypeError, "got int"),
        ("net.joblib", ValueError, r"is a pickle, .*ck\.Network\.from_sklearn\(joblib\.load"),
        (Doubled(max_iter=5).fit(X, Y), TypeError, "got Doubled"),
        (make_pipeline(PCA(), mlp()).fit(X, Y), TypeError, "got PCA in the step 'pca'"),
        (make_pipeline(StandardScaler()).fit(X, Y), TypeError, "got StandardScaler in the step"),
        (Pipeline([("none", "passthrough")]), TypeError, "a Pipeline without steps"),
        (
            mlp(activation="tanh").fit(X, Y),
            TypeError,
            "the activation 'relu' or 'identity', got 'tanh'",
        ),
        (mlp(), ValueError, "expected a fitted estimator .*, got MLPRegressor"),
        (make_pipeline(StandardScaler(), mlp()), ValueError, "got StandardScaler in the step"),
        (spoiled, ValueError, r"inf or nan in coefs_\[1\]"),
        (crooked, ValueError, "its parts do not fit together"),
        (changed, ValueError, "not what its predict_proba computes"),
    ):
        with pytest.raises(error, match=f"^estimator: .*{message}"):
            Network.from_sklearn(estimator)


# --- safetensors --------------------------------------------------------------------------------------------


def saved(tmp_path, **tensors):
    path = tmp_path / "net.safetensors"
    save_file(
        {name.replace("__", "."): np.ascontiguousarray(t) for name, t in tensors.items()}, path
    )
    return path


def test_the_names_of_a_file_say_which_way_round_a_matrix_is_and_what_follows_what(tmp_path):
    a, b = np.float32([[1, 2], [3, 4], [5, 6]]), np.float32([[1, -1, 0.1]])
    expected = Network([a, b], [[0, 1, 2], None])
    for tensors in (
        {"net__0__weight": a, "net__0__bias": np.arange(3), "net__2__weight": b},
        {"net__9__weight": a, "net__9__bias": np.arange(3.0), "net__10__weight": b},
        {
            "z__kernel": a.T,
            "z__bias": np.arange(3),
            "a__kernel": b.T,
        },  # in the one order that chains
        {"first_weight": a, "first_bias": np.arange(3), "second_weight": b},
    ):
        assert Network.from_safetensors(saved(tmp_path, **tensors)) == expected
    deck = saved(tmp_path, output_layer=b.T, hidden_layer_0=a.T)
    assert Network.from_safetensors(deck) == Network([a, b])
    assert Network.load(deck) == Network([a, b])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64", "int8"])
def test_numbers_of_every_precision_are_taken_exactly(tmp_path, dtype):
    from safetensors.torch import save_file

    values = torch.tensor([[1.0, -2.703125, 7.0]]).to(getattr(torch, dtype))
    save_file({"weight": values}, tmp_path / "net")
    assert np.array_equal(Network.from_safetensors(tmp_path / "net").weights[0], values.double())


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a__weight": np.ones(3)}, "expected tensors named <layer>.weight and <layer>.bias in"),
        ({"a__weight": np.ones((2, 2)), "a__running_mean": np.ones(2)}, "got 'a.running_mean' (2,), 'a.weight'"),
        ({"a__bias": np.ones(2)}, "expected tensors named"),
        ({"a__weight": np.ones((2, 2)), "b__bias": np.ones(2)}, "expected tensors named"),
        ({"a__weight": np.ones((2, 2)), "a__kernel": np.ones((2, 2))}, "expected tensors named"),
        ({"a__weight": np.ones((2, 2)), "a__bias": np.ones(3)}, "2 biases in 'a.bias' of"),
        ({"a__weight": np.ones((2, 3)), "b__weight": np.ones((2, 3))}, "layers whose widths chain, each (n_out, n_in), in"),
        ({"a__weight": np.ones((2, 3)), "b__weight": np.ones((3, 2)), "c__weight": np.ones((3, 2))}, "layers in one order only"),
        ({"a__weight": np.full((1, 1), np.inf)}, "inf, nan or nothing in 'a.weight'"),
        ({"a__weight": np.ones((0, 2))}, "inf, nan or nothing in 'a.weight'"),
        ({"a__weight": np.ones((1, 1), bool)}, "got BOOL in 'a.weight'"),
        ({}, "got none"),
    ],
)  # fmt: skip
def test_tensors_that_are_no_chain_of_layers_are_refused_by_their_names(tmp_path, tensors, message):
    with pytest.raises(ValueError, match=f"^path: .*{re.escape(message)}"):
        Network.from_safetensors(saved(tmp_path, **tensors))


def test_a_whole_number_that_is_no_double_is_refused_by_its_tensor(tmp_path):
    for number in (2**53 + 1, -(2**53) - 1, 2**63 - 1):
        path = saved(tmp_path, a__weight=np.array([[1, number]]))
        for read in (Network.from_safetensors, Network.load):
            with pytest.raises(
                ValueError, match="^path: .* one in 'a.weight' that would be rounded"
            ):
                read(path)
    for number in (2**53, -(2**63), 2**53 + 2):
        net = Network.from_safetensors(saved(tmp_path, a__weight=np.array([[1, number]])))
        assert [int(w) for w in net.weights[0][0]] == [1, number]


def test_a_damaged_safetensors_file_is_refused_as_such(tmp_path):
    whole = saved(tmp_path, a__weight=np.ones((2, 2))).read_bytes()
    path = tmp_path / "damaged"
    for data in (b"", whole[:20], whole[:-1], whole + b"0", b"\xff" * 40):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="^path: .* is not a safetensors file"):
            Network.from_safetensors(path)


# --- Keras --------------------------------------------------------------------------------------------------

KERAS = NETWORKS / "keras"

#: file -> its input's shape, and what Keras 3.15 predicted for evenly spaced inputs from -2 to 2
PREDICTED = {
    "graph.keras": ((3,), [[1.3408859], [1.2455046], [1.5604149], [1.6273675]]),
    "chain.keras": ((2, 2), [[3.110162, -4.2765837], [-0.07017267, -2.80591], [0.38034987, -2.1644266], [7.3570843, -2.6863384]]),
}  # fmt: skip
PREDICTED["chain.h5"] = PREDICTED["chain.keras"]


@pytest.mark.parametrize("name", PREDICTED)
def test_a_file_of_keras_is_what_keras_predicted(name):
    shape, predicted = PREDICTED[name]
    n = int(np.prod(shape))
    net = Network.from_keras(KERAS / name)
    np.testing.assert_allclose(
        net(np.linspace(-2, 2, 4 * n).reshape(4, n)), predicted, rtol=1e-5, atol=1e-5
    )


def test_a_file_of_keras_1_is_kept_bit_for_bit():
    net = Network.from_keras(KERAS / "KerasTestNetwork.h5")
    with h5py.File(KERAS / "KerasTestNetwork.h5") as file:
        held = file["model_weights"]
        for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
            assert np.array_equal(w.T, held[f"dense_{i}/dense_{i}_W"])
            assert np.array_equal(b, held[f"dense_{i}/dense_{i}_b"])
    assert net.layer_sizes == (5, *[45] * 6, 5)


def dense(name="d", n=1, *reads, kind="Dense", **config):
    entry = {
        "class_name": kind,
        "name": name,
        "config": {"name": name, "activation": "linear", **config},
    }
    return {**entry, "inbound_nodes": [[[r, 0, 0, {}] for r in reads]] if reads else []}


def graph_of(*entries, kind="Functional", output="d"):
    first = {
        "class_name": "InputLayer",
        "name": "x",
        "config": {"name": "x", "batch_input_shape": [None, 2]},
    }
    config = {
        "layers": [first, *entries],
        "input_layers": [["x", 0, 0]],
        "output_layers": [[output, 0, 0]],
    }
    return {"class_name": kind, "config": config}


def hdf5(tmp_path, config, **weights):
    """A file as Keras 2 wrote it."""
    path = tmp_path / "net.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        held = file.create_group("model_weights")
        for name, arrays in weights.items():
            group = held.create_group(name)
            group.attrs["weight_names"] = [f"{name}/w{i}:0" for i in range(len(arrays))]
            for i, array in enumerate(arrays):
                group[f"{name}/w{i}:0"] = array
    return path


def test_a_graph_as_keras_2_wrote_it(tmp_path):
    config = graph_of(
        dense("e", 2, "m"),
        dense("m", 2, "d", "x", kind="Maximum"),
        dense("d", 2, "x"),
        output="e",
        kind="Model",
    )
    net = Network.from_keras(hdf5(tmp_path, config, d=[-np.eye(2)], e=[np.ones((2, 1)), [3.0]]))
    assert ck.prove(net, "max(x1, -x1) + max(x2, -x2) + 3")


@pytest.mark.parametrize(
    ("config", "weights", "error", "message"),
    [
        (graph_of(dense(kind="Lambda")), {}, TypeError, r"got the layer 'd' \(Lambda\)"),
        (graph_of(dense("d", 1, "x", activation="tanh")), {"d": [np.ones((2, 1))]}, TypeError, r"the layer 'd' \(Dense\) has the activation 'tanh'"),
        (graph_of(dense("d", 1, "x", activation={"class_name": "Mine"})), {"d": [np.ones((2, 1))]}, TypeError, "has the activation 'Mine'"),
        (graph_of(dense("d", 1, "x", kind="ReLU", threshold=1.0)), {}, TypeError, "has a threshold, at which it jumps"),
        (graph_of(dense("d", 1, "x", kind="ReLU", max_value=6.0, negative_slope=0.1)), {}, TypeError, "both a slope and a largest value"),
        (graph_of(dense("d", 1, "x", kind="BatchNormalization", axis=[1, 2])), {}, TypeError, "another axis|several axes"),
        (graph_of(dense("d", 1, "x", kind="BatchNormalization", axis=0)), {}, TypeError, "another axis than the last"),
        (graph_of(dense("d", 1, "x")), {"d": [np.ones((3, 1))]}, ValueError, r"the layer 'd' \(Dense\) does not fit what it is given"),
        (graph_of(dense("d", 1, "x")), {}, ValueError, r"the layer 'd' \(Dense\) does not fit"),
        (graph_of(dense("d", 3, "x", units=3, use_bias=False)), {"d": [np.ones((2, 3)), np.ones(3)]}, ValueError, r"'d' \(Dense\) does not fit .*takes weights of shapes \(2, 3\), and it has \(2, 3\), \(3,\)"),
        (graph_of(dense("d", 3, "x", units=3, use_bias=True)), {"d": [np.ones((2, 3))]}, ValueError, r"takes weights of shapes \(2, 3\), \(3,\), and it has \(2, 3\)\)"),
        (graph_of(dense("d", 3, "x", units=5, use_bias=False)), {"d": [np.ones((2, 3))]}, ValueError, r"takes weights of shapes \(2, 5\), and it has \(2, 3\)"),
        (graph_of(dense("d", 3, "x", output_dim=5, bias=True)), {"d": [np.ones((2, 3)), np.ones(3)]}, ValueError, r"takes weights of shapes \(2, 5\), \(5,\)"),
        (graph_of(dense("d", 3, "x", input_dim=4)), {"d": [np.ones((2, 3))]}, ValueError, "takes 4 numbers, not 2"),
        (graph_of(dense("d", 3, "x")), {"d": [np.ones((2, 3)), np.ones(3), np.ones((2, 1))]}, ValueError, r"and it has \(2, 3\), \(3,\), \(2, 1\)"),
        (graph_of(dense("d", 3, "x", units=3)), {"d": [np.ones((2, 3)), np.ones(1)]}, ValueError, r"and it has \(2, 3\), \(1,\)"),
        (graph_of(dense("d", 1, "x", kind="BatchNormalization", scale=False)), {"d": [np.ones(2)] * 4}, ValueError, r"'d' \(BatchNormalization\) does not fit .*takes weights of shapes \(2,\), \(2,\), \(2,\), and it has"),
        (graph_of(dense("d", 1, "x", kind="BatchNormalization", center=True)), {"d": [np.ones(2)] * 3}, ValueError, "takes weights of shapes"),
        (graph_of(dense("d", 1, "x", kind="BatchNormalization")), {"d": [np.ones(1)] * 4}, ValueError, r"and it has \(1,\)"),
        (graph_of(dense("d", 1, "x", kind="PReLU")), {"d": [np.ones(1)]}, ValueError, r"takes weights of shapes \(2,\), and it has \(1,\)"),
        (graph_of(dense("d", 1, "x", kind="PReLU", shared_axes=[1])), {"d": [np.ones(2)]}, ValueError, r"takes weights of shapes \(1,\), and it has \(2,\)"),
        (graph_of(dense("d", 1, "x", kind="ReLU")), {"d": [np.ones(2)]}, ValueError, r"takes weights of shapes none, and it has \(2,\)"),
        (graph_of({**dense("d", 1, "x"), "module": "mine.layers", "registered_name": None}), {"d": [np.ones((2, 1))]}, TypeError, r"got the layer 'd' \(mine.layers.Dense\)"),
        (graph_of({**dense("d", 1, "x"), "module": "mine", "registered_name": "Mine>Dense"}), {"d": [np.ones((2, 1))]}, TypeError, r"got the layer 'd' \(Mine>Dense\)"),
        (graph_of(dense("d", 1, "x")), {"d": [np.full((2, 1), np.nan)]}, ValueError, "expected finite weights, got inf or nan in the layer 'd'"),
        (graph_of(dense("d", 1, "y")), {"d": [np.ones((2, 1))]}, ValueError, "a graph that makes all that it reads"),
        (graph_of({**dense("d", 1, "x"), "inbound_nodes": [[["x", 0, 0, {}]]] * 2}), {"d": [np.ones((2, 1))]}, ValueError, "each layer called once"),
        (graph_of(dense("d", 1, "x"), kind="Mine"), {}, TypeError, "a Sequential or Functional model, got a Mine"),
        ({"class_name": "Functional", "config": {**graph_of(dense("d", 1, "x"))["config"], "output_layers": [["d", 0, 0], ["x", 0, 0]]}}, {"d": [np.ones((2, 1))]}, ValueError, "one input and one output, got 1 and 2"),
        ({"class_name": "Sequential", "config": []}, {}, ValueError, "at least one layer"),
        ({"class_name": "Sequential", "config": [dense(kind="ReLU")]}, {}, ValueError, "a model that was never built"),
        ({"class_name": "Sequential", "config": [dense(kind="ReLU", batch_shape=[None, None])]}, {}, ValueError, "an input of fixed shape"),
        ({"class_name": "Sequential"}, {}, ValueError, "is not a file that Keras writes"),
        ([], {}, ValueError, "is not a file that Keras writes"),
    ],
)  # fmt: skip
def test_a_model_of_keras_that_cannot_be_read_is_refused_by_its_layer(
    tmp_path, config, weights, error, message
):
    with pytest.raises(error, match=f"^model: .*({message})"):
        Network.from_keras(hdf5(tmp_path, config, **weights))


def test_no_link_out_of_a_file_of_keras_is_followed(tmp_path):
    config = graph_of(dense("d", 1, "x"))
    hdf5(tmp_path, config, d=[np.ones((2, 1))]).rename(tmp_path / "other.h5")
    path = hdf5(tmp_path, config)
    (tmp_path / "numbers").write_bytes(np.ones(2).tobytes())
    for name, put in (
        (
            "link",
            lambda g: g.__setitem__(
                "d", h5py.ExternalLink(str(tmp_path / "other.h5"), "/model_weights/d")
            ),
        ),
        ("link", lambda g: g.__setitem__("d", h5py.SoftLink("/elsewhere"))),
        (
            "not an array in the file",
            lambda g: g.create_dataset(
                "d/w", (2, 1), "f8", external=[(str(tmp_path / "numbers"), 0, 16)]
            ),
        ),
    ):
        with h5py.File(path, "a") as file:
            put(file["model_weights"])
            if "w" in (file["model_weights"].get("d") or ()):
                file["model_weights/d"].attrs["weight_names"] = ["w"]
        with pytest.raises(ValueError, match=f"^model: .*{name}"):
            Network.from_keras(path)
        path = hdf5(tmp_path, config)


def test_a_damaged_file_of_keras_is_refused_as_such(tmp_path, monkeypatch):
    whole = (KERAS / "graph.keras").read_bytes()
    path = tmp_path / "net.keras"
    for data in (
        b"",
        b"PK",
        whole[: len(whole) // 2],
        (KERAS / "chain.h5").read_bytes()[:3000],
        b"text",
    ):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="^model: .*is not a file that Keras writes"):
            Network.from_keras(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{")
    with pytest.raises(ValueError, match="is not a file that Keras writes"):
        Network.from_keras(path)
    from circuitkit.importing import keras

    monkeypatch.setattr(keras, "LARGEST_FILE", 100)
    with pytest.raises(
        ValueError, match="^model: expected parts of at most 100 bytes, got 'config.json'"
    ):
        Network.from_keras(KERAS / "graph.keras")


def hanging() -> bytes:
    """A file of Keras with 23 bytes lost and 41 others added, which HDF5 2.0 reads for ever."""
    whole = (KERAS / "chain.h5").read_bytes()
    lost = whole[:3198] + whole[3221:]
    return lost[:5146] + whole[:41] + lost[5146:]


def test_a_damaged_file_of_keras_that_hdf5_reads_for_ever_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_files, "SECONDS", 1.0)
    path = tmp_path / "net.h5"
    path.write_bytes(hanging())
    with pytest.raises(ValueError, match="^model: .*is not a file that Keras writes"):
        Network.from_keras(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the processor's time there")
@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("from circuitkit.importing import hdf5; hdf5._limit(1)\nwhile 1: pass",
         "HDF5 did not end within 1 s of the processor"),
        ("import time; time.sleep(60)", "HDF5 did not end within 4 s"),
        ("import os; os._exit(7)", "HDF5 ended the process that read it, with 7"),
        ("print('a sentence'); exit(1)", "a sentence"),
    ],
    ids=["runs on", "sleeps", "ends", "says why"],
)  # fmt: skip
def test_a_reader_of_hdf5_that_does_not_come_back_is_an_error(tmp_path, monkeypatch, program, told):
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(hdf5_files, "PROGRAM", str(tmp_path / "program.py"))
    monkeypatch.setattr(hdf5_files, "SECONDS", 1.0)
    monkeypatch.setattr(hdf5_files, "PATIENCE", 4.0 if "sleep" in program else 120.0)
    with pytest.raises(ValueError, match=f"^{told}"):
        hdf5_files.read(b"", largest=100)


def test_what_stands_in_an_hdf5_file_is_walked_through_once(tmp_path, monkeypatch):
    path = tmp_path / "any.h5"
    with h5py.File(path, "w") as file:
        file.attrs["text"], file.attrs["number"], file.attrs["texts"] = "a", 3, [b"b", b"c"]
        root = file.create_group("root")
        root["array"], root["words"], root["large"] = np.arange(3), np.bytes_("a"), np.ones(200)
        root["link"] = h5py.SoftLink("/other")
        file["other"] = 1.0
    data = path.read_bytes()
    with np.load(io.BytesIO(hdf5_files._walked(data, ["root", "nowhere"], 1000))) as parts:
        tree = json.loads(parts["tree"].tobytes())
        assert tree["texts"] == {"": {"text": "a", "texts": ["b", "c"]}, "root": {}}
        assert tree["groups"] == {"root": ["array", "large", "link", "words"]}
        assert parts[tree["arrays"]["root/array"]].tolist() == [0, 1, 2]
    assert tree["refused"] == {
        "root/large": "is too large, or no numbers",
        "root/link": "is a link",
        "root/words": "is too large, or no numbers",
    }
    read = hdf5_files.read(data, "root", largest=1000)
    assert read.array("root/array").tolist() == [0, 1, 2]
    assert read.find("root/nothing") is None
    with pytest.raises(ValueError, match="'link' is a link"):
        read.find("root/link/further")
    with pytest.raises(ValueError, match="'root' is not an array in the file"):
        read.array("root")


def test_an_hdf5_file_whose_groups_stand_in_a_circle_ends(tmp_path, monkeypatch):
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w") as file:
        root = file.create_group("root")
        root["a"] = root
    with np.load(io.BytesIO(hdf5_files._walked(path.read_bytes(), ["root"], 100))) as parts:
        deepest = "/".join(["root", *"a" * hdf5_files._DEEPEST])
        assert list(json.loads(parts["tree"].tobytes())["refused"]) == [deepest]
    with h5py.File(path, "a") as file:
        file["root/b"] = file["root"]
    monkeypatch.setattr(hdf5_files, "_MOST", 100)
    with pytest.raises(ValueError, match="it holds more than 100 groups and arrays"):
        hdf5_files._walked(path.read_bytes(), ["root"], 100)


class Sequential:
    """What the package asks of an object of Keras, without Keras."""

    def __init__(self, factor=1.0):
        self.layers = [self]
        self.name = "d"
        self.factor = factor
        self.matrix = np.float32([[1.0, -1.0], [0.1, 2.0]])

    def get_config(self):
        return {"name": "sequential", "layers": [dense("d", 2, activation="relu")]}

    def get_weights(self):
        return [self.matrix]

    def predict(self, x, verbose):
        assert x.dtype == np.float32
        return np.maximum(x @ self.matrix * self.factor, 0)


def test_an_object_of_keras_is_compared_with_its_own_prediction():
    net = Network.from_keras(Sequential())
    assert net.layer_sizes == (2, 2, 2)
    assert np.array_equal(net.weights[0], Sequential().matrix.T)
    with pytest.raises(ValueError, match="^model: what was read is not what the model computes"):
        Network.from_keras(Sequential(factor=1.01))
    for other in (3, None):
        with pytest.raises(TypeError, match="^model: expected a path or a Keras model"):
            Network.from_keras(other)


# --- what is rarely met -------------------------------------------------------------------------------------

F = np.float32
RARE = [
    ([node("Squeeze", "x a")], {"x": [2]}, {"a": np.int64([0])}, ValueError, "are not 1 long"),
    ([node("Split", "x s", "y z")], {"x": [4]}, {"s": np.int64([1, 2])}, ValueError, "4 elements in parts of"),
    ([node("Constant", "", value_string="a")], {"x": [1]}, {}, TypeError, "a constant of another kind than numbers"),
    ([node("BatchNormalization", "x w w w w", training_mode=1)], {"x": [1, 1]}, {"w": F([1])}, TypeError, "training mode"),
    ([node("BatchNormalization", "x w w w v")], {"x": [1, 1]}, {"w": F([1]), "v": F([-1])}, TypeError, "variance that is not positive"),
    ([node("ReduceSum", "w", "h"), node("Add", "x h")], {"x": [1]}, {"w": F([1])}, TypeError, "reduces a constant"),
    ([node("MaxPool", kernel_shape=[3])], {"x": [1, 1, 2]}, {}, ValueError, "a window of 3 in 2 elements"),
    ([node("MaxPool", "x", "y z", kernel_shape=[1])], {"x": [1, 1, 2]}, {}, TypeError, "the places of its maxima"),
    ([node("MaxPool", kernel_shape=[1], pads=[1, 0])], {"x": [1, 1, 2]}, {}, ValueError, "lies in the padding alone"),
    ([node("Clip", "x w")], {"x": [2]}, {"w": F(np.nan)}, TypeError, "a bound that is nan"),
    ([node("Conv", "x k")], {"x": [1, 1, 50, 50]}, {"k": np.ones((1, 1, 25, 25), F)}, ValueError, "reads|would need"),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "inputs", "weights", "error", "message"), RARE)
def test_what_is_rarely_met_is_refused_by_its_node_too(nodes, inputs, weights, error, message):
    with pytest.raises(error, match=f"^model: the node .*({message})"):
        Network.from_onnx(model_of(nodes, inputs, **weights))


def test_what_is_rarely_met_is_read_too():
    for nodes, inputs, weights in (
        ([node("Split", "x", "a b"), node("Sub", "a b")], {"x": [4]}, {}),
        (
            [node("Expand", "w s", "h"), node("Add", "x h")],
            {"x": [2, 3]},
            {"w": F([1, 2, 3]), "s": np.int64([2, 3])},
        ),
        (
            [node("MaxPool", kernel_shape=[2], strides=[3], pads=[0, 1], ceil_mode=1)],
            {"x": [1, 1, 5]},
            {},
        ),
    ):
        model = model_of(
            nodes, inputs, opset=17 if "Split" not in nodes[0].op_type else 13, **weights
        )
        agrees(Network.from_onnx(model), model)


def test_a_graph_without_inputs_and_a_sparse_weight_are_refused():
    with pytest.raises(ValueError, match="^model: expected at least one input, got none"):
        Network.from_onnx(model_of([node("Relu", "w")], {}, w=F([1])))
    sparse = model_of([node("Relu")], {"x": [2]})
    sparse.graph.sparse_initializer.add()
    with pytest.raises(TypeError, match="^model: expected dense weights"):
        Network.from_onnx(sparse)


def test_what_a_module_rarely_does_is_read_or_refused_too():
    read = module_of(
        lambda m, x: torch.add(torch.min(m.a(x), x), x, alpha=0.5).contiguous()
        + nn.functional.dropout(x, training=False)
        + m.c(m.w).view(x.shape[0], 3),
        a=linear(), c=nn.ReLU(), w=matrix(1, 3),
    )  # fmt: skip
    x = torch.tensor([[0.3, -2.0, 5.0]], dtype=torch.float64)
    np.testing.assert_allclose(Network.from_torch(read)(x.numpy()), read(x).detach(), atol=1e-12)
    for function, parts, message in (
        (lambda m, x: m.a(x).sum(5), {}, "axis 5 of shape"),
        (lambda m, x: m.b(m.a(x)), {"b": nn.BatchNorm1d(4)}, "4 channels, shape"),
        (lambda m, x: m.b(m.a(x)), {"b": nn.PReLU(4)}, "4 slopes, shape"),
        (lambda m, x: m.a(x).view(2, 2), {}, "into"),
        (lambda m, x: m.a(x).real, {}, "called in a way that is not read"),
        (lambda m, x: m.a(x) * 1e200 * 1e200, {}, "leaves the range of the doubles"),
    ):
        with pytest.raises((TypeError, ValueError), match=f"^module: .*{message}"):
            Network.from_torch(module_of(function, a=linear(), **parts))

    class Two(nn.Module):
        def forward(self, x, y):
            return nn.functional.relu(x) + y

    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = linear(3, 2)

        def forward(self, x):
            return self.a(x) if x.size(0) is None else self.a.weight.sum(1)

    with pytest.raises(ValueError, match="^module: expected one input"):
        Network.from_torch(_with_weights(Two()))
    assert Network.from_torch(Fixed().double()).n_outputs == 2


def _with_weights(module):
    module.unused = linear()
    return module


def test_weights_that_are_those_of_the_configuration_of_keras_are_read(tmp_path):
    def read(held, **config):
        return Network.from_keras(hdf5(tmp_path, graph_of(dense("d", 1, "x", **config)), d=held))

    x = [3.0, -5.0]
    assert read([np.ones((2, 1))], units=1, use_bias=False)(x) == -2
    assert read([np.ones((2, 1)), [1.0]], output_dim=1, bias=True, input_dim=2)(x) == -1
    plain = [np.zeros(2), np.ones(2) - 1e-3]
    moved = read(plain, kind="BatchNormalization", scale=False, center=False)
    np.testing.assert_allclose(moved(x), x)
    moved = read([[1.0, 2.0], *plain], kind="BatchNormalization", scale=False)
    np.testing.assert_allclose(moved(x), [4, -3])
    assert read([[0.5]], kind="PReLU", shared_axes=[1])(x).tolist() == [3, -2.5]


def test_a_models_flattened_channels_and_odd_numbers_of_keras(tmp_path):
    first = graph_of(dense("d", 1, "x", kind="Flatten", data_format="channels_first"))
    first["config"]["layers"][0]["config"]["batch_input_shape"] = [None, 2, 2]
    with pytest.raises(TypeError, match="channels that come first"):
        Network.from_keras(hdf5(tmp_path, first))
    slope = graph_of(
        dense(
            "d",
            1,
            "x",
            kind="LeakyReLU",
            alpha={"class_name": "__numpy__", "config": {"value": 0.5}},
        )
    )
    assert Network.from_keras(hdf5(tmp_path, slope))([-2, 2]).tolist() == [-1, 2]
    with pytest.raises(ValueError, match="too large, or no numbers"):
        Network.from_keras(hdf5(tmp_path, graph_of(dense("d", 1, "x")), d=[np.bytes_("a")]))
    path = hdf5(tmp_path, graph_of(dense("d", 1, "x")))
    with h5py.File(path, "a") as file:
        del file["model_weights"]
    with pytest.raises(ValueError, match="it has no weights"):
        Network.from_keras(path)


@pytest.mark.parametrize(
    ("forward", "width"),
    [
        (lambda self, x: x.amax(-1, keepdim=True), 1),
        (lambda self, x: torch.relu(x), 1),
        (lambda self, x: torch.relu(x * 3), 3),
        (lambda self, x: x.sum(1, keepdim=True), 1),
    ],
)
def test_a_module_that_takes_any_number_of_inputs_is_refused_until_it_says_how_many(forward, width):
    class Any(nn.Module):
        def forward(self, x):
            return forward(self, x)

    said = rf"^module: expected layers that tell .*, got Any, which takes {width} as well as {width + 1}; "
    with pytest.raises(ValueError, match=said):
        Network.from_torch(Any())
    assert Network.from_torch(nn.Sequential(nn.Unflatten(-1, (4,)), Any())).n_inputs == 4


def test_constants_that_are_filled_or_changed_in_place_are_read():
    for constant in (
        lambda m: torch.empty(3).fill_(1.0),
        lambda m: torch.empty_like(m.a.bias).fill_(1.0),
        lambda m: torch.zeros_like(m.a.bias).add_(1.0),
    ):
        module = module_of(lambda m, x, made=constant: m.a(x) + made(m), a=linear())
        state, held = torch.get_rng_state(), set(vars(module))
        found = Network.from_torch(module)
        assert found.biases[0] == pytest.approx(module.a.bias.detach().numpy() + 1, abs=1e-6)
        assert torch.equal(state, torch.get_rng_state()) and set(vars(module)) == held


@pytest.mark.filterwarnings("ignore")
def test_a_layer_of_another_class_of_the_same_name_is_named_with_its_module():
    plain = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    quantized = torch.ao.quantization.quantize_dynamic(plain, {nn.Linear}, dtype=torch.qint8)
    name = type(quantized[0]).__module__ + ".Linear"
    assert name.startswith("torch.ao.")
    with pytest.raises(
        TypeError, match=rf"^module: expected layers of nn.Linear, .*, got {name} in"
    ):
        Network.from_torch(quantized)

    class Linear(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    with pytest.raises(
        ValueError, match=r"is a \S*test_importing\.\S*Linear with a forward pass of"
    ):
        Network.from_torch(nn.Sequential(Linear(2, 1)))


def test_noise_below_what_the_modules_floats_tell_is_refused():
    for noise, message in (
        (lambda m: torch.randn(3), "its forward pass gives other values when it is called again"),
        (lambda m: random.random(), "its forward pass gives other values when it is called again"),
        (
            lambda m: torch.rand_like(m.a.bias),
            "'rand_like' gives other values when it is called again",
        ),
    ):
        module = module_of(lambda m, x, made=noise: m.a(x) + 1e-20 * made(m), a=linear()).float()
        with pytest.raises(ValueError, match=f"^module: .*{message}"):
            Network.from_torch(module)
