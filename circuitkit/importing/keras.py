"""Keras' networks, from its files or its objects: each layer of the configuration by its rule.

A file is ``.keras`` (Keras 3: a zip archive of JSON and HDF5) or ``.h5`` (HDF5, from Keras 1 on). Both are
data: this module reads them without Keras, follows no link out of them, and runs nothing that they name
(:mod:`.hdf5` does so in a process of its own). A ``Lambda`` layer holds code, and is refused as any other layer
that is not in the table.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import wrong, wrong_type
from circuitkit.importing import hdf5
from circuitkit.importing.agreement import Imported, Precision, need_agreement
from circuitkit.importing.files import LARGEST_FILE, read_bytes
from circuitkit.importing.lowering import Lowering, NotPiecewiseLinear, TooLarge, Value

__all__ = ["layers"]

Array = NDArray[np.float64]
Config = Mapping[str, Any]

#: what does nothing when a network is evaluated
_NOTHING = ("InputLayer", "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise",
            "ActivityRegularization", "SpatialDropout1D")  # fmt: skip


@dataclass(frozen=True)
class _Layer:
    """A layer: its class, its name, what it reads (names of layers), its configuration and weights."""

    kind: str
    name: str
    reads: Sequence[str]
    config: Config
    weights: Sequence[Array]

    @property
    def where(self) -> str:
        return f"the layer {self.name!r} ({self.kind})"


@dataclass(frozen=True)
class _Model:
    layers: Sequence[_Layer]
    shape: tuple[int, ...]
    output: str


def layers(model: Any) -> tuple[list[Array], list[Array], float]:
    """Weights and biases of a model (a path or an object of Keras), compared with what it computes.

    Raises:
        TypeError: neither, or a layer that is not piecewise linear or not known, by its name.
        ValueError: not a file of Keras, or one that does not fit together.
    """
    if isinstance(model, (str, os.PathLike)):
        read, source, tool = _from_file(os.fsdecode(model)), None, "a direct evaluation of the file"
    elif hasattr(model, "get_config") and hasattr(model, "predict") and hasattr(model, "layers"):
        read, source, tool = _from_object(model), model, "the model"
    else:
        raise wrong_type("model", "a path or a Keras model", type(model).__name__)
    n = int(np.prod(read.shape, dtype=np.int64))
    low = Lowering(n)
    known: dict[str, Value] = {}
    try:
        for layer in read.layers:
            given = [known[name] for name in layer.reads] or [low.inputs((1, *read.shape), 0)]
            known[layer.name] = _lowered(low, layer, given)
        found = Imported.of(low, known[read.output])
    except TooLarge as error:
        raise ValueError(f"model: {error}") from None

    def directly(x: Array) -> Array:
        values: dict[str, Array] = {}
        for layer in read.layers:
            given = [values[name] for name in layer.reads] or [x.reshape(len(x), *read.shape)]
            values[layer.name] = _evaluated(layer, given)
        return values[read.output].reshape(len(x), -1)

    def predicted(x: Array) -> Array:
        if source is None:
            return directly(x)
        made = source.predict(x.reshape(len(x), *read.shape).astype(np.float32), verbose=0)
        return np.asarray(made, dtype=np.float64).reshape(len(x), -1)

    floats = Precision.of(np.float64 if source is None else np.float32)
    need_agreement("model", found, predicted, floats, tool)
    return list(found.weights), list(found.biases), found.rounding


# --- one layer: as rows, and (to compare with) as numbers ----------------------------------------------


def _lowered(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    rule = _RULES.get(layer.kind)
    if rule is None:
        raise wrong_type("model", "layers that are piecewise linear", layer.where)
    try:
        if layer.kind not in (*_NOTHING, "Dense", "BatchNormalization", "PReLU"):
            _need_shapes(layer, [])
        made = rule(low, layer, given)
        return _activated(low, made, layer)
    except NotPiecewiseLinear as error:
        raise TypeError(f"model: {layer.where} {error}; it is not piecewise linear") from None
    except TooLarge:
        raise
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise ValueError(f"model: {layer.where} does not fit what it is given ({error})") from None


def _activation(layer: _Layer) -> str:
    name = layer.config.get("activation") or "linear"
    if isinstance(name, Mapping):  # an object of its own
        name = name.get("config", name.get("class_name"))
    if name not in ("linear", "relu", "relu6", "leaky_relu"):
        raise NotPiecewiseLinear(f"has the activation {name!r}")
    return str(name)


def _activated(low: Lowering, x: Value, layer: _Layer) -> Value:
    name = _activation(layer)
    if name == "relu":
        return low.relu(x)
    if name == "relu6":
        return low.clip(x, 0.0, 6.0)
    return low.leaky(x, 0.2) if name == "leaky_relu" else x  # Keras' own slope


def _need_shapes(layer: _Layer, expected: Sequence[tuple[int, ...]]) -> None:
    """Refuse weights that are not those of the configuration, which alone says what the layer computes.

    Raises:
        ValueError: others, fewer or more.
    """
    held = [w.shape for w in layer.weights]
    if held != list(expected):
        wanted, got = (", ".join(map(str, shapes)) or "none" for shapes in (expected, held))
        raise ValueError(f"its configuration takes weights of shapes {wanted}, and it has {got}")


def _said(layer: _Layer, *names: str) -> Any:
    """What the configuration says by the first of these names; Keras 1 had others."""
    return next((layer.config[n] for n in names if layer.config.get(n) is not None), None)


def _dense(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    units, biased = _said(layer, "units", "output_dim"), _said(layer, "use_bias", "bias")
    n = given[0].shape[-1]
    if _said(layer, "input_dim") not in (None, n):
        raise ValueError(f"its configuration takes {_said(layer, 'input_dim')} numbers, not {n}")
    units = layer.weights[0].shape[-1] if units is None else units
    biased = len(layer.weights) > 1 if biased is None else biased
    _need_shapes(layer, [(n, units), (units,)] if biased else [(n, units)])
    kernel, *bias = layer.weights
    made = low.matmul(given[0], kernel)
    return low.add(made, bias[0]) if bias else made


def _normalization(layer: _Layer, width: int) -> tuple[Array, Array]:
    """``x * factor + shift`` along the last axis."""
    axis = layer.config.get("axis", -1)
    axes = axis if isinstance(axis, list) else [axis]
    if len(axes) != 1:
        raise NotPiecewiseLinear("normalizes along several axes")
    parts = 2 + bool(layer.config.get("scale", True)) + bool(layer.config.get("center", True))
    _need_shapes(layer, [(width,)] * parts)
    left = list(layer.weights)
    gamma = left.pop(0) if layer.config.get("scale", True) else np.ones(width)
    beta = left.pop(0) if layer.config.get("center", True) else np.zeros(width)
    mean, variance = left
    factor = gamma / np.sqrt(variance + layer.config.get("epsilon", 1e-3))
    return factor, beta - mean * factor


def _batch_normalization(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    x = given[0]
    axis = layer.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    if axis not in (-1, len(x.shape) - 1):
        raise NotPiecewiseLinear("normalizes along another axis than the last")
    factor, shift = _normalization(layer, x.shape[-1])
    return low.add(low.scale(x, factor), shift)


def _bounds(layer: _Layer) -> tuple[float, float]:
    """Slope and largest value of a ReLU layer."""
    slope = layer.config.get("negative_slope", layer.config.get("alpha", 0.0)) or 0.0
    most = layer.config.get("max_value")
    if layer.config.get("threshold"):
        raise NotPiecewiseLinear("has a threshold, at which it jumps")
    if slope and most is not None:
        raise NotPiecewiseLinear("has both a slope and a largest value, which is not read")
    return float(_number(slope)), np.inf if most is None else float(_number(most))


def _number(value: Any) -> float:
    if isinstance(value, Mapping):  # an array written as a configuration
        value = value.get("config", {}).get("value", value)
    return float(np.asarray(value, dtype=np.float64).reshape(()))


def _relu(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    slope, most = _bounds(layer)
    return low.clip(given[0], 0.0, most) if most < np.inf else low.leaky(given[0], slope)


def _slope(layer: _Layer) -> float:
    default = 0.3
    return _number(layer.config.get("negative_slope", layer.config.get("alpha", default)))


def _leaky(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    return low.leaky(given[0], _slope(layer))


def _prelu(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    shared = [a % len(given[0].shape) for a in layer.config.get("shared_axes") or ()]
    shape = [1 if i in shared else n for i, n in enumerate(given[0].shape)]
    _need_shapes(layer, [tuple(shape[1:])])
    return low.leaky(given[0], np.broadcast_to(layer.weights[0], given[0].shape))


def _flatten(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    if layer.config.get("data_format") == "channels_first" and len(given[0].shape) > 2:
        raise NotPiecewiseLinear("flattens channels that come first, which is not read")
    return given[0].move(lambda r: r.reshape(1, -1, r.shape[-1]))


def _rescaling(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    scale, offset = (np.asarray(layer.config[key], dtype=np.float64) for key in ("scale", "offset"))
    return low.add(low.scale(given[0], scale), offset)


def _concatenate(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    return low.concatenate(given, layer.config.get("axis", -1))


def _sum(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    total = given[0]
    for other in given[1:]:
        total = low.add(total, other, -1.0 if layer.kind == "Subtract" else 1.0)
    return low.scale(total, 1 / len(given)) if layer.kind == "Average" else total


def _extreme(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    pair = low.maximum if layer.kind == "Maximum" else low.minimum
    return low.value(low.fold(given, pair))


def _same(low: Lowering, layer: _Layer, given: Sequence[Value]) -> Value:
    return given[0]


_RULES: dict[str, Callable[[Lowering, _Layer, Sequence[Value]], Value]] = {
    **dict.fromkeys((*_NOTHING, "Activation"), _same),
    **dict.fromkeys(("Add", "Average", "Subtract"), _sum),
    **dict.fromkeys(("Maximum", "Minimum"), _extreme),
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Dense": _dense,
    "Flatten": _flatten,
    "LeakyReLU": _leaky,
    "PReLU": _prelu,
    "ReLU": _relu,
    "Rescaling": _rescaling,
}


def _evaluated(layer: _Layer, given: Sequence[Array]) -> Array:
    """The layer on a batch of numbers, as Keras' documentation has it."""
    x = given[0]
    if layer.kind == "Dense":
        x = np.einsum("...i,ij->...j", x, layer.weights[0])
        x = x + layer.weights[1] if len(layer.weights) > 1 else x
    elif layer.kind == "BatchNormalization":
        factor, shift = _normalization(layer, x.shape[-1])
        x = x * factor + shift
    elif layer.kind == "ReLU":
        slope, most = _bounds(layer)
        x = np.minimum(np.where(x > 0, x, slope * x), most)
    elif layer.kind in ("LeakyReLU", "PReLU"):
        below = np.array(_slope(layer)) if layer.kind == "LeakyReLU" else layer.weights[0]
        x = np.where(x > 0, x, below * x)
    elif layer.kind == "Flatten":
        x = x.reshape(len(x), -1)
    elif layer.kind == "Rescaling":
        x = x * np.asarray(layer.config["scale"]) + np.asarray(layer.config["offset"])
    elif layer.kind == "Concatenate":
        x = np.concatenate(given, layer.config.get("axis", -1))
    elif layer.kind in ("Add", "Average", "Subtract", "Maximum", "Minimum"):
        join: dict[str, Callable[[], Array]] = {
            "Add": lambda: np.sum(given, axis=0),
            "Average": lambda: np.mean(given, axis=0),
            "Subtract": lambda: given[0] - given[1],
            "Maximum": lambda: np.max(given, axis=0),
            "Minimum": lambda: np.min(given, axis=0),
        }
        x = join[layer.kind]()
    name = _activation(layer)
    if name == "linear":
        return x
    x = np.where(x > 0, x, 0.2 * x) if name == "leaky_relu" else np.maximum(x, 0.0)
    return np.minimum(x, 6.0) if name == "relu6" else x


# --- the configuration ----------------------------------------------------------------------------------


def _model(kind: str, config: Any, weights: Callable[[int, str, str], Sequence[Array]]) -> _Model:
    """``weights`` is asked with a layer's number, class and name."""
    sequential = kind == "Sequential"
    if not sequential and kind not in ("Functional", "Model"):
        raise wrong_type("model", "a Sequential or Functional model", f"a {kind}")
    listed = config if isinstance(config, list) else config["layers"]  # Keras 1: the list itself
    found: list[_Layer] = []
    for i, entry in enumerate(listed):
        inner = entry["config"]
        name = str(inner.get("name", entry.get("name", f"layer {i}")))
        before = [found[-1].name] if found else []
        reads = before if sequential else _read_by(entry, name)
        kind_ = _class_of(entry)
        # A layer that is not known is refused by its name when it is its turn.
        held = weights(i, kind_, name) if kind_ in _RULES else []
        found.append(_Layer(kind_, name, reads, inner, held))
    if not found:
        raise wrong("model", "at least one layer", "none")
    if sequential:
        return _Model(found, _input_shape(found), found[-1].name)
    ends = [_names(config[key]) for key in ("input_layers", "output_layers")]
    if any(len(end) != 1 for end in ends):
        raise wrong("model", "one input and one output", f"{len(ends[0])} and {len(ends[1])}")
    return _Model(_sorted(found), _input_shape(found), ends[1][0])


def _class_of(entry: Config) -> str:
    """The layer's class; one of somebody's own has its module before it, whatever it is called."""
    name, own = str(entry["class_name"]), entry.get("registered_name")
    module = str(entry.get("module") or "keras").partition(".")[0]
    if own in (None, name) and module in ("keras", "tf_keras", "tensorflow"):
        return name
    return str(own or f"{entry['module']}.{name}")


def _names(ends: Any) -> list[str]:
    """The layers' names in ``["dense", 0, 0]`` or a list of such."""
    if ends and isinstance(ends[0], str):
        return [str(ends[0])]
    return [str(end[0]) for end in ends]


def _read_by(entry: Config, name: str) -> list[str]:
    """What a layer of a graph reads: Keras 3 writes tensors, Keras 2 ``[[[name, 0, 0, {}], ...]]``."""
    nodes = entry.get("inbound_nodes") or []
    if len(nodes) > 1:
        raise wrong(
            "model", "each layer called once", f"{name!r}, which is called {len(nodes)} times"
        )
    if not nodes:
        return []
    if isinstance(nodes[0], Mapping):
        reads: list[str] = []

        def gather(tree: Any) -> None:
            if isinstance(tree, Mapping) and "keras_history" in tree.get("config", {}):
                reads.append(str(tree["config"]["keras_history"][0]))
            elif isinstance(tree, (list, tuple)):
                for each in tree:
                    gather(each)
            elif tree is not None:
                raise wrong("model", "layers of tensors", f"a constant given to {name!r}")

        gather(nodes[0].get("args", []))
        return reads
    return [str(each[0]) for each in nodes[0]]


def _sorted(found: Sequence[_Layer]) -> list[_Layer]:
    """Each layer after those it reads."""
    left, order, done = list(found), [], set[str]()
    while left:
        ready = [layer for layer in left if done.issuperset(layer.reads)]
        if not ready:
            raise wrong("model", "a graph that makes all that it reads", f"{left[0].name!r}")
        order += ready
        done |= {layer.name for layer in ready}
        left = [layer for layer in left if layer.name not in done]
    return order


def _input_shape(found: Sequence[_Layer]) -> tuple[int, ...]:
    for layer in found:
        for key in ("batch_shape", "batch_input_shape"):
            shape = layer.config.get(key)
            if shape:
                if any(not isinstance(n, int) or n < 1 for n in shape[1:]):
                    raise wrong("model", "an input of fixed shape", f"{shape} in {layer.name!r}")
                return tuple(shape[1:])
    first = next((layer for layer in found if layer.kind == "Dense"), None)
    if first is None or not first.weights:
        raise wrong("model", "an input of fixed shape", "a model that was never built")
    return (first.weights[0].shape[0],)


def _checked(name: str, weights: Sequence[Any]) -> list[Array]:
    made = [np.asarray(w, dtype=np.float64) for w in weights]
    if not all(np.isfinite(w).all() for w in made):
        raise wrong("model", "finite weights", f"inf or nan in the layer {name!r}")
    return made


# --- where it comes from -------------------------------------------------------------------------------


def _from_object(model: Any) -> _Model:
    held = {layer.name: layer for layer in model.layers}

    def weights(i: int, kind: str, name: str) -> list[Array]:
        return _checked(name, held[name].get_weights()) if name in held else []

    return _fitting(lambda: _model(_kind(model), model.get_config(), weights), "the model")


def _kind(model: Any) -> str:
    return next(
        (k.__name__ for k in type(model).__mro__ if k.__name__ in ("Sequential", "Functional")),
        type(model).__name__,
    )


def _from_file(path: str) -> _Model:
    data = read_bytes(path, "a file of Keras", "model")
    return _fitting(lambda: _archived(data) if data[:2] == b"PK" else _hdf5(data), repr(path))


def _fitting(read: Callable[[], _Model], name: str) -> _Model:
    try:
        return read()
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OSError, RuntimeError,
            zipfile.BadZipFile, RecursionError) as error:  # fmt: skip
        if str(error).startswith("model: "):
            raise
        raise ValueError(f"model: {name} is not a file that Keras writes ({error})") from None


def _archived(data: bytes) -> _Model:
    """A ``.keras`` file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {}
        for name in ("config.json", "model.weights.h5"):
            if archive.getinfo(name).file_size > LARGEST_FILE:
                raise wrong("model", f"parts of at most {LARGEST_FILE} bytes", repr(name))
            parts[name] = archive.read(name)
    config = json.loads(parts["config.json"])
    used: dict[str, int] = {}
    held = hdf5.read(parts["model.weights.h5"], "layers", largest=LARGEST_FILE)

    def weights(i: int, kind: str, name: str) -> list[Array]:
        # Keras counts the layers of each class: dense, dense_1, whatever they are called.
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
        count = used.get(snake, 0)
        used[snake] = count + 1
        group = held.find(f"layers/{snake}{f'_{count}' if count else ''}/vars")
        if group is None:
            return []
        numbered = sorted(held.groups[group], key=int)
        return _checked(name, [held.array(f"{group}/{key}") for key in numbered])

    return _model(config["class_name"], config["config"], weights)


def _hdf5(data: bytes) -> _Model:
    """An ``.h5`` file, of Keras 1 to 3."""
    held = hdf5.read(data, "model_weights", largest=LARGEST_FILE)
    config = json.loads(held.texts[""]["model_config"])
    if held.find("model_weights") is None:
        raise ValueError("it has no weights")

    def weights(i: int, kind: str, name: str) -> list[Array]:
        group = held.find(f"model_weights/{name}")
        names = [] if group is None else held.texts[group].get("weight_names", [])
        return _checked(name, [held.array(f"{group}/{each}") for each in names])

    return _model(config["class_name"], config["config"], weights)
