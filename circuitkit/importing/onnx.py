"""ONNX files: each node of the graph by its rule, or refused by its name.

A batch whose size is open is taken as a batch of one. Several inputs or outputs stand one after another, each
in its own order of elements.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from circuitkit.checks import wrong, wrong_type
from circuitkit.importing.agreement import (
    Imported,
    Precision,
    need_agreement,
    need_agreement_of_batches,
)
from circuitkit.importing.files import LARGEST_FILE, read_bytes
from circuitkit.importing.lowering import Lowering, NotPiecewiseLinear, TooLarge, Value
from circuitkit.importing.onnx_rules import RULES, Step

__all__ = ["layers"]

Array = NDArray[np.float64]
Tensor = Value | NDArray[np.generic]

_OLDEST = 7  # before, what broadcasts is said by attributes
_FLOATS = {onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.DOUBLE: np.float64}


def layers(model: Any) -> tuple[list[Array], list[Array], float]:
    """Weights and biases of a model (a path or a ``ModelProto``), compared with onnxruntime.

    Raises:
        TypeError: neither, or a node that is not piecewise linear, by its name.
        ValueError: not an ONNX model, or one that does not fit together.
    """
    proto, data = _taken(model)
    graph = proto.graph
    if any(o.domain in ("", "ai.onnx") and o.version < _OLDEST for o in proto.opset_import):
        raise wrong("model", f"operators of version {_OLDEST} or later", "older ones")
    known: dict[str, Tensor] = {"": np.empty(0)}
    for tensor in graph.initializer:
        known[tensor.name] = _constant(tensor)
    if graph.sparse_initializer:
        raise wrong_type("model", "dense weights", "a sparse initializer")
    entries = _entries(graph, known)
    low = Lowering(sum(e.size for e in entries))
    start = 0
    try:
        for entry in entries:
            known[entry.name] = low.inputs(entry.shape, start)
            start += entry.size
    except TooLarge as error:
        raise ValueError(f"model: its input {error}") from None
    for node in _sorted(graph, known):
        _run(low, node, known, _version(proto))
    found = _finished(low, graph, known)
    session, floats = _session(data), _precision(entries)

    def called(x: Array) -> Array:
        return np.concatenate([_called(session, entries, row[None]) for row in x])

    need_agreement("model", found, called, floats, "onnxruntime")
    if all(entry.open for entry in entries):
        at_once = functools.partial(_called, session, entries)
        need_agreement_of_batches("model", found, at_once, floats)
    return list(found.weights), list(found.biases), found.rounding


def _taken(model: Any) -> tuple[onnx.ModelProto, bytes]:
    if isinstance(model, onnx.ModelProto):
        return _with_graph(model, "the model"), model.SerializeToString()
    if not isinstance(model, (str, os.PathLike)):
        raise wrong_type("model", "a path or an onnx.ModelProto", type(model).__name__)
    path = os.fsdecode(model)
    data = read_bytes(path, "an ONNX file", "model")
    try:
        proto = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ValueError(f"model: {path!r} is not an ONNX file ({error})") from None
    return _with_graph(proto, repr(path)), data


def _with_graph(proto: onnx.ModelProto, name: str) -> onnx.ModelProto:
    if not proto.graph.output:
        raise wrong("model", "an ONNX model", f"{name}, which has no graph with an output")
    return proto


def _version(proto: onnx.ModelProto) -> int:
    return max((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), default=1)


def _constant(tensor: onnx.TensorProto) -> NDArray[np.generic]:
    """A tensor that the file itself holds; it names no other file."""
    name = tensor.name or "a constant"
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise wrong(
            "model",
            "weights within the file (onnx.save_model(model, path, save_as_external_data=False))",
            f"{name!r} in another file",
        )
    if (
        any(d < 0 for d in tensor.dims)
        or 8 * int(np.prod(tensor.dims, dtype=object)) > LARGEST_FILE
    ):
        raise wrong("model", f"tensors of at most {LARGEST_FILE} bytes", f"{name!r}")
    try:
        values = numpy_helper.to_array(tensor)
    except Exception as error:  # what a damaged tensor raises is the library's affair
        raise wrong("model", "readable tensors", f"{name!r} ({error})") from None
    if values.dtype.kind == "f" and not np.isfinite(values).all() and values.size > 1:
        raise wrong("model", "finite weights", f"inf or nan in {name!r}")
    if values.dtype.kind not in "fiub":
        raise wrong_type("model", "tensors of numbers", f"{values.dtype} in {name!r}")
    return values


# --- inputs and order ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    name: str
    shape: tuple[int, ...]
    dtype: Any
    open: bool  # any number of inputs at once

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


def _entries(graph: onnx.GraphProto, known: Mapping[str, Tensor]) -> list[_Entry]:
    entries = []
    for value in graph.input:
        if value.name in known:  # an old file lists its weights among the inputs
            continue
        kind = value.type.tensor_type
        if not value.type.HasField("tensor_type") or kind.elem_type not in _FLOATS:
            raise wrong_type("model", "inputs of float32 or float64", f"the input {value.name!r}")
        if not kind.HasField("shape"):
            raise wrong("model", "inputs with a shape", f"{value.name!r} without one")
        shape = tuple(d.dim_value if d.dim_value > 0 else 1 for d in kind.shape.dim)
        if int(np.prod(shape, dtype=object)) > 2**20:
            raise wrong("model", "at most 2^20 inputs", f"shape {shape} of {value.name!r}")
        dimensions = kind.shape.dim
        is_open = bool(dimensions) and dimensions[0].dim_value <= 0
        entries.append(_Entry(value.name, shape, _FLOATS[kind.elem_type], is_open))
    if not entries:
        raise wrong("model", "at least one input", "none")
    return entries


def _sorted(graph: onnx.GraphProto, known: Mapping[str, Tensor]) -> list[onnx.NodeProto]:
    """The nodes that an output needs, each after those it reads."""
    maker = {name: node for node in graph.node for name in node.output if name}
    order: list[onnx.NodeProto] = []
    state: dict[int, bool] = {}  # a node by its id: False while what it reads is being visited
    stack = [(name, False) for name in reversed([o.name for o in graph.output])]
    while stack:
        name, left = stack.pop()
        if name in known:
            continue
        node = maker.get(name)
        if node is None:
            raise wrong("model", "a graph that makes all that it reads", f"nothing for {name!r}")
        if left:
            state[id(node)] = True
            order.append(node)
        elif id(node) not in state:
            state[id(node)] = False
            stack.append((name, True))
            stack += [(read, False) for read in reversed(node.input) if read]
        elif not state[id(node)]:
            raise wrong("model", "a graph without circles", f"one through {name!r}")
    return order


# --- one node ------------------------------------------------------------------------------------------


def _run(low: Lowering, node: onnx.NodeProto, known: dict[str, Tensor], version: int) -> None:
    where = f"the node {node.name or node.output[0]!r} ({node.op_type})"
    rule = RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if rule is None:
        kind = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        raise wrong_type(
            "model",
            "piecewise-linear operators",
            f"{kind} in the node {node.name or node.output[0]!r}",
        )
    try:
        given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        for name, value in given.items():
            if isinstance(value, onnx.TensorProto):
                given[name] = _constant(value)
        step = Step(low, [known[name] for name in node.input], given, version, len(node.output))
        with np.errstate(all="ignore"):  # beyond the doubles: refused below
            made = rule(step)
    except NotPiecewiseLinear as error:
        raise TypeError(f"model: {where} {error}; it is not piecewise linear") from None
    except TooLarge as error:
        raise ValueError(f"model: {where} {error}") from None
    except MemoryError:
        raise ValueError(f"model: {where} is too large") from None
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        if str(error).startswith("model: "):
            raise
        raise ValueError(f"model: {where} does not fit what it is given ({error})") from None
    parts = made if isinstance(made, list) else [made]
    for name, part in zip(node.output, parts, strict=False):
        if isinstance(part, Value) and not np.isfinite(part.rows).all():
            raise ValueError(f"model: {where} leaves the range of the doubles")
        known[name] = part


def _finished(low: Lowering, graph: onnx.GraphProto, known: Mapping[str, Tensor]) -> Imported:
    parts = []
    for output in graph.output:
        value = low.value(known[output.name])
        parts.append(value.move(lambda r: r.reshape(-1, r.shape[-1])))
    if not sum(part.shape[0] for part in parts):
        raise wrong("model", "at least one output", "none")
    try:
        return Imported.of(low, low.concatenate(parts, 0))
    except TooLarge as error:
        raise ValueError(f"model: {error}") from None


# --- onnxruntime ---------------------------------------------------------------------------------------


def _precision(entries: list[_Entry]) -> Precision:
    double = all(e.dtype is np.float64 for e in entries)
    return Precision.of(np.float64 if double else np.float32)


def _session(data: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own exceptions, of many kinds
        raise ValueError(f"model: onnxruntime does not take it ({error})") from None


def _called(session: Any, entries: list[_Entry], x: Array) -> Array:
    """What onnxruntime makes of ``(k, n)``; of more than one input at once where the shapes are open."""
    feed, start = {}, 0
    for entry in entries:
        part = x[:, start : start + entry.size]
        shape = entry.shape if len(x) == 1 else (len(x), *entry.shape[1:])
        feed[entry.name] = part.reshape(shape).astype(entry.dtype)
        start += entry.size
    try:
        made = session.run(None, feed)
    except Exception as error:
        raise ValueError(f"model: onnxruntime cannot run it ({error})") from None
    parts = [np.asarray(m, dtype=np.float64).reshape(len(x), -1) for m in made]
    return np.concatenate(parts, axis=1)
