"""A network as an ONNX model, computed by onnxruntime before it is written.

One ``Gemm`` and ``Relu`` a layer, in float64: the very same weights. In float32 it would be another function.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from circuitkit.importing.agreement import Precision, fit, points

__all__ = ["written"]

Array = NDArray[np.float64]

#: what onnxruntime has read since 2022
_OPERATORS, _FORMAT = 17, 8


def written(weights: Sequence[Array], biases: Sequence[Array], name: str) -> bytes:
    """The bytes of an ONNX file: input ``x`` of shape ``(batch, n_in)``, output ``y``.

    Raises:
        ValueError: onnxruntime computes something else.
    """
    nodes, constants, before = [], [], "x"
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        last = i == len(weights) - 1
        constants.append(numpy_helper.from_array(np.ascontiguousarray(w), f"layers.{i}.weight"))
        constants.append(numpy_helper.from_array(np.ascontiguousarray(b), f"layers.{i}.bias"))
        after = "y" if last else f"layers.{i}.preactivation"
        read = [before, f"layers.{i}.weight", f"layers.{i}.bias"]
        nodes.append(helper.make_node("Gemm", read, [after], f"layers.{i}", transB=1))
        if not last:
            before = f"layers.{i}.activation"
            nodes.append(helper.make_node("Relu", [after], [before], f"layers.{i}.relu"))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["batch", weights[0].shape[1]])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["batch", len(weights[-1])])],
        constants,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPERATORS)],
        ir_version=_FORMAT,
        producer_name="circuitkit",
    )
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    _need_the_same(data, weights, biases)
    return data


def _need_the_same(data: bytes, weights: Sequence[Array], biases: Sequence[Array]) -> None:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    doubles = Precision.of(np.float64)
    x = points(weights[0].shape[1], doubles)
    h, size, sums = x, np.abs(x), []
    with np.errstate(all="ignore"):  # beyond the doubles: not compared
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = (np.maximum(h, 0.0) if i else h) @ w.T + b
            size = size @ np.abs(w).T + np.abs(b)
            sums.append(size)
        fits = fit(sums, doubles)
        allowed = 8 * doubles.eps * sum(w.shape[1] + 1 for w in weights) * size
        (given,) = session.run(None, {"x": x})
        if not (np.abs(given - h) <= allowed)[fits].all():
            raise ValueError("onnxruntime computes something else of this network's weights")
