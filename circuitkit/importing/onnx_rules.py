"""What each ONNX operator does to rows: the table ``RULES``, operator -> rule.

A rule takes a :class:`Step` and gives the node's output, or a list of them. Tensors that do not depend on the
inputs are numpy arrays and stay such.

Source: the operators' pages in the ONNX documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.importing.lowering import LARGEST, Lowering, NotPiecewiseLinear, TooLarge, Value
from circuitkit.importing.windows import Windows, average_pool, convolution, max_pool, windows

__all__ = ["RULES", "Step"]

Numbers = NDArray[Any]
Tensor = Value | Numbers


@dataclass(frozen=True)
class Step:
    """One node with what it is given."""

    low: Lowering
    inputs: Sequence[Tensor]
    attributes: Mapping[str, Any]
    version: int
    n_outputs: int

    def has(self, i: int) -> bool:
        """Whether the optional input number ``i`` is there."""
        given = self.inputs[i] if i < len(self.inputs) else None
        return given is not None and (isinstance(given, Value) or given.size > 0)

    def constant(self, i: int) -> Numbers:
        """Input number ``i``, which may not depend on the network's inputs."""
        given = self.inputs[i]
        if isinstance(given, Value):
            raise NotPiecewiseLinear(
                f"has an input, number {i + 1}, that is computed, not constant"
            )
        return given

    def axes(self, rank: int, *, at: int = 1) -> list[int] | None:
        """The axes, an attribute in old versions and an input in new ones; None where none are named."""
        named = self.attributes.get("axes")
        if named is None and self.has(at):
            named = self.constant(at)
        return None if named is None else [int(a) % rank for a in np.atleast_1d(named)]


Rule = Callable[[Step], Tensor | list[Tensor]]


def _room(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """What these shapes broadcast to, if that is not too large."""
    shape = np.broadcast_shapes(*shapes)
    if int(np.prod(shape, dtype=object)) > LARGEST:
        raise TooLarge(f"would make a tensor of shape {shape}")
    return shape


# --- what moves elements --------------------------------------------------------------------------------


def _moved(tensor: Tensor, function: Callable[[Numbers, tuple[int, ...]], Numbers]) -> Tensor:
    """Apply to a constant as it is, to a value with the axis of its columns last: ``tail`` is that axis."""
    if isinstance(tensor, Value):
        return tensor.move(lambda r: function(r, r.shape[-1:]))
    return function(tensor, ())


def _rank(tensor: Tensor) -> int:
    return len(tensor.shape)


def _reshaped(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    # numpy finds the -1 from all elements; here it is found without the columns
    sizes, n = [int(s) for s in shape], int(np.prod(tensor.shape, dtype=np.int64))
    if -1 in sizes:
        known = int(np.prod([s for s in sizes if s != -1], dtype=np.int64))
        sizes[sizes.index(-1)] = n // known if known else 0
    if int(np.prod(sizes, dtype=np.int64)) != n or min(sizes, default=0) < 0:
        raise ValueError(f"shape {tensor.shape} into {tuple(shape)}")
    return _moved(tensor, lambda r, tail: r.reshape(*sizes, *tail))


def _identity(s: Step) -> Tensor:
    return s.inputs[0]


def _dropout(s: Step) -> list[Tensor]:
    if s.has(2) and bool(s.constant(2).any()):
        raise NotPiecewiseLinear("is a Dropout in training mode")
    return [s.inputs[0], np.ones(s.inputs[0].shape, dtype=bool)]


def _cast(s: Step) -> Tensor:
    kinds = {1: np.float32, 11: np.float64, 6: np.int32, 7: np.int64, 9: np.bool_}
    to = kinds.get(s.attributes["to"])
    x = s.inputs[0]
    if to is None or (isinstance(x, Value) and to not in (np.float32, np.float64)):
        raise NotPiecewiseLinear("rounds its input to another type of numbers")
    return x if isinstance(x, Value) else x.astype(to)


def _flatten(s: Step) -> Tensor:
    shape, axis = s.inputs[0].shape, s.attributes.get("axis", 1)
    axis = axis if axis >= 0 else axis + len(shape)
    return _reshaped(s.inputs[0], [int(np.prod(shape[:axis], dtype=np.int64)), -1])


def _reshape(s: Step) -> Tensor:
    old = s.inputs[0].shape
    asked = [int(v) for v in s.constant(1).ravel()]
    if not s.attributes.get("allowzero", 0):
        asked = [old[i] if v == 0 else v for i, v in enumerate(asked)]
    return _reshaped(s.inputs[0], asked)


def _transpose(s: Step) -> Tensor:
    rank = _rank(s.inputs[0])
    order = [int(i) for i in s.attributes.get("perm", range(rank)[::-1])]
    return _moved(s.inputs[0], lambda r, tail: r.transpose(*order, *range(rank, rank + len(tail))))


def _squeeze(s: Step) -> Tensor:
    shape = s.inputs[0].shape
    axes = s.axes(len(shape))
    dropped = [i for i, n in enumerate(shape) if n == 1] if axes is None else axes
    if any(shape[a] != 1 for a in dropped):
        raise ValueError(f"axes {dropped} of shape {shape} are not 1 long")
    return _reshaped(s.inputs[0], [n for i, n in enumerate(shape) if i not in dropped])


def _unsqueeze(s: Step) -> Tensor:
    named = s.attributes.get("axes")
    count = len(np.atleast_1d(s.constant(1) if named is None else named))
    rank = _rank(s.inputs[0]) + count
    axes, rest = s.axes(rank), iter(s.inputs[0].shape)
    return _reshaped(s.inputs[0], [1 if i in (axes or ()) else next(rest) for i in range(rank)])


def _concat(s: Step) -> Tensor:
    axis = s.attributes["axis"]
    if all(not isinstance(t, Value) for t in s.inputs):
        return np.concatenate([t for t in s.inputs if not isinstance(t, Value)], axis)
    return s.low.concatenate(s.inputs, axis)


def _taken(tensor: Tensor, indices: Numbers, axis: int) -> Tensor:
    axis = axis if axis >= 0 else axis + _rank(tensor)
    return _moved(tensor, lambda r, tail: np.take(r, indices, axis))


def _gather(s: Step) -> Tensor:
    axis = s.attributes.get("axis", 0)
    n = s.inputs[0].shape[axis]
    indices = s.constant(1)
    return _taken(s.inputs[0], np.where(indices < 0, indices + n, indices).astype(np.intp), axis)


def _slice(s: Step) -> Tensor:
    x = s.inputs[0]
    if s.version < 10:
        starts, ends = s.attributes["starts"], s.attributes["ends"]
        axes, steps = s.attributes.get("axes", range(len(starts))), [1] * len(starts)
    else:
        starts, ends = s.constant(1), s.constant(2)
        axes = s.constant(3) if s.has(3) else range(len(starts))
        steps = s.constant(4).tolist() if s.has(4) else [1] * len(starts)
    cut = [slice(None)] * _rank(x)
    for axis, a, b, step in zip(axes, starts, ends, steps, strict=True):
        n, a, b, step = x.shape[int(axis)], int(a), int(b), int(step)
        if step < 0 and b <= -n - 1:
            cut[int(axis)] = slice(a, None, step)
        else:
            cut[int(axis)] = slice(a, b, step)
    return _moved(x, lambda r, tail: r[tuple(cut)])


def _split(s: Step) -> list[Tensor]:
    x, axis = s.inputs[0], s.attributes.get("axis", 0)
    n = x.shape[axis]
    sizes = s.attributes.get("split")
    if sizes is None and s.has(1):
        sizes = s.constant(1)
    if sizes is None:
        parts = s.attributes.get("num_outputs", s.n_outputs)
        each = -(-n // parts)
        sizes = [min(each, n - i * each) for i in range(parts)]
    ends = np.cumsum([int(v) for v in sizes])
    if ends[-1] != n:
        raise ValueError(f"{n} elements in parts of {list(sizes)}")
    starts = [0, *ends[:-1]]
    return [_taken(x, np.arange(a, b), axis) for a, b in zip(starts, ends, strict=True)]


def _expand(s: Step) -> Tensor:
    x = s.inputs[0]
    shape = _room(x.shape, tuple(int(v) for v in s.constant(1)))
    if isinstance(x, Value):
        return s.low.add(x, np.zeros(shape))
    return np.broadcast_to(x, shape)


def _constant(s: Step) -> Tensor:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in s.attributes:
            value = s.attributes[name]
            plain = np.float32 if "float" in name else np.int64
            return np.asarray(value) if name == "value" else np.asarray(value, dtype=plain)
    raise NotPiecewiseLinear("is a constant of another kind than numbers")


def _constant_of_shape(s: Step) -> Tensor:
    value = np.asarray(s.attributes.get("value", np.zeros(1, np.float32)))
    shape = [int(v) for v in s.constant(0)]
    _room(tuple(shape))
    return np.full(shape, value.ravel()[0])


def _shape(s: Step) -> Tensor:
    return np.array(s.inputs[0].shape, dtype=np.int64)


# --- what is affine -------------------------------------------------------------------------------------


def _add(s: Step) -> Tensor:
    a, b = s.inputs
    _room(a.shape, b.shape)
    if isinstance(a, Value) or isinstance(b, Value):
        return s.low.add(a, b)
    return a + b


def _sub(s: Step) -> Tensor:
    a, b = s.inputs
    _room(a.shape, b.shape)
    if isinstance(a, Value) or isinstance(b, Value):
        return s.low.add(a, b, -1.0)
    return a - b


def _sum(s: Step) -> Tensor:
    total = s.inputs[0]
    for part in s.inputs[1:]:
        total = _add(Step(s.low, [total, part], {}, s.version, 1))
    return total


def _mean(s: Step) -> Tensor:
    total, n = _sum(s), len(s.inputs)
    return s.low.scale(total, 1 / n) if isinstance(total, Value) else total / n


def _mul(s: Step) -> Tensor:
    a, b = s.inputs
    _room(a.shape, b.shape)
    if isinstance(a, Value) and isinstance(b, Value):
        raise NotPiecewiseLinear("multiplies two computed tensors")
    if isinstance(a, Value):
        return s.low.scale(a, np.asarray(b))
    return s.low.scale(b, a) if isinstance(b, Value) else a * b


def _div(s: Step) -> Tensor:
    a, b = s.inputs[0], s.constant(1)
    _room(a.shape, b.shape)
    if not np.all(b):
        raise NotPiecewiseLinear("divides by zero")
    if isinstance(a, Value):
        return s.low.scale(a, 1 / b.astype(np.float64))
    whole = a.dtype.kind in "iu" and b.dtype.kind in "iu"
    return np.trunc(a / b).astype(a.dtype) if whole else a / b


def _neg(s: Step) -> Tensor:
    x = s.inputs[0]
    return s.low.scale(x, -1.0) if isinstance(x, Value) else -x


def _matmul(s: Step) -> Tensor:
    a, b = s.inputs
    if isinstance(a, Value) or isinstance(b, Value):
        return s.low.matmul(a, b)
    return a @ b


def _gemm(s: Step) -> Tensor:
    given = s.attributes

    def turned(tensor: Tensor, name: str) -> Tensor:
        if _rank(tensor) != 2:
            raise ValueError(f"a matrix is needed, shape {tensor.shape} is given")
        return _moved(tensor, lambda r, tail: r.swapaxes(0, 1)) if given.get(name) else tensor

    a, b = turned(s.inputs[0], "transA"), turned(s.inputs[1], "transB")
    product = _matmul(Step(s.low, [a, b], {}, s.version, 1))
    alpha, beta = given.get("alpha", 1.0), given.get("beta", 1.0)
    product = _times(s, product, alpha)
    if s.has(2):
        product = _add(Step(s.low, [product, _times(s, s.inputs[2], beta)], {}, s.version, 1))
    return product


def _times(s: Step, tensor: Tensor, factor: float) -> Tensor:
    if factor == 1.0:
        return tensor
    return s.low.scale(tensor, factor) if isinstance(tensor, Value) else tensor * factor


def _batch_normalization(s: Step) -> Tensor:
    x = s.low.value(s.inputs[0])
    if s.attributes.get("training_mode", 0):
        raise NotPiecewiseLinear("normalizes by the batch (training mode)")
    scale, bias, mean, variance = (s.constant(i).astype(np.float64) for i in range(1, 5))
    if (variance + s.attributes.get("epsilon", 1e-5) <= 0).any():
        raise NotPiecewiseLinear("has a variance that is not positive")
    factor = scale / np.sqrt(variance + s.attributes.get("epsilon", 1e-5))
    column = (-1,) + (1,) * (_rank(x) - 2)
    centered = s.low.add(x, mean.reshape(column), -1.0)
    return s.low.add(s.low.scale(centered, factor.reshape(column)), bias.reshape(column))


def _reduced(s: Step) -> tuple[Value, list[int], list[int]]:
    """A value with the axes to reduce last, flattened into one; those axes; the result's shape."""
    x = s.low.value(s.inputs[0])
    rank = _rank(x)
    axes = s.axes(rank)
    if axes is None or not axes:
        axes = [] if s.attributes.get("noop_with_empty_axes") else list(range(rank))
    rest = [i for i in range(rank) if i not in axes]
    keep = s.attributes.get("keepdims", 1)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes]
    n = int(np.prod([x.shape[i] for i in axes], dtype=np.int64))
    turned = x.move(lambda r: r.transpose(*rest, *axes, rank))
    return turned.move(lambda r: r.reshape(-1, n, r.shape[-1])), axes, shape


def _reduce_affine(mean: bool) -> Rule:
    def rule(s: Step) -> Tensor:
        if not isinstance(s.inputs[0], Value):
            raise NotPiecewiseLinear("reduces a constant")
        x, _, shape = _reduced(s)
        n = x.shape[1]
        total = s.low.contract("abk,b->ak", x, np.full(n, 1 / n if mean else 1.0))
        return _reshaped(total, shape)

    return rule


def _reduce_extreme(name: str) -> Rule:
    def rule(s: Step) -> Tensor:
        x, _, shape = _reduced(s)
        parts = [_taken(x, np.array(i), 1) for i in range(x.shape[1])]
        return _reshaped(s.low.fold(parts, getattr(s.low, name)), shape)

    return rule


# --- windows --------------------------------------------------------------------------------------------


def _windows(s: Step, spatial: tuple[int, ...], kernel: Sequence[int]) -> Windows:
    rank = len(spatial)
    strides = s.attributes.get("strides", [1] * rank)
    dilations = s.attributes.get("dilations", [1] * rank)
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    pads = _pads(s, spatial, strides, reach)
    ceil = bool(s.attributes.get("ceil_mode", 0))
    return windows(spatial, kernel, strides, dilations, pads, ceil=ceil)


def _pads(
    s: Step, spatial: tuple[int, ...], strides: Sequence[int], reach: Sequence[int]
) -> list[int]:
    auto = s.attributes.get("auto_pad", b"NOTSET")
    auto = auto.decode() if isinstance(auto, bytes) else auto
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        needed = [
            max(0, (-(-n // t) - 1) * t + r - n)
            for n, t, r in zip(spatial, strides, reach, strict=True)
        ]
        small, large = [p // 2 for p in needed], [p - p // 2 for p in needed]
        return [*small, *large] if auto == "SAME_UPPER" else [*large, *small]
    pads = [0] * (2 * len(spatial)) if auto == "VALID" else s.attributes.get("pads")
    return [0] * (2 * len(spatial)) if pads is None else list(pads)


def _conv(s: Step) -> Tensor:
    x, kernel = s.low.value(s.inputs[0]), s.constant(1).astype(np.float64)
    read = _windows(s, x.shape[2:], kernel.shape[2:])
    bias = s.constant(2) if s.has(2) else None
    return convolution(s.low, x, kernel, bias, s.attributes.get("group", 1), read)


def _average_pool(s: Step) -> Tensor:
    x = s.low.value(s.inputs[0])
    read = _windows(s, x.shape[2:], s.attributes["kernel_shape"])
    with_padding = bool(s.attributes.get("count_include_pad", 0))
    return average_pool(s.low, x, read, with_padding=with_padding)


def _max_pool(s: Step) -> Tensor:
    if s.n_outputs > 1:
        raise NotPiecewiseLinear("gives the places of its maxima")
    x = s.low.value(s.inputs[0])
    return max_pool(s.low, x, _windows(s, x.shape[2:], s.attributes["kernel_shape"]))


def _global(name: str) -> Rule:
    def rule(s: Step) -> Tensor | list[Tensor]:
        axes = list(range(2, _rank(s.inputs[0])))
        step = Step(s.low, s.inputs[:1], {"axes": axes}, s.version, 1)
        return (_reduce_affine(mean=True) if name == "mean" else _reduce_extreme("maximum"))(step)

    return rule


# --- what kinks -----------------------------------------------------------------------------------------


def _relu(s: Step) -> Tensor:
    x = s.inputs[0]
    return s.low.relu(x) if isinstance(x, Value) else np.maximum(x, 0)


def _leaky_relu(s: Step) -> Tensor:
    x = s.low.value(s.inputs[0])
    return s.low.leaky(x, float(s.attributes.get("alpha", 0.01)))


def _prelu(s: Step) -> Tensor:
    x, slope = s.low.value(s.inputs[0]), s.constant(1)
    return s.low.leaky(x, np.broadcast_to(slope, np.broadcast_shapes(x.shape, slope.shape)))


def _clip(s: Step) -> Tensor:
    ends = [-np.inf, np.inf]
    for i, name in enumerate(("min", "max")):
        if name in s.attributes:
            ends[i] = float(s.attributes[name])
        elif s.has(i + 1):
            ends[i] = float(s.constant(i + 1).reshape(()))
    x = s.inputs[0]
    if not isinstance(x, Value):
        return np.minimum(np.maximum(x, ends[0]), ends[1]).astype(x.dtype)
    large = float(np.finfo(np.float32).max)  # how exporters write that there is no end
    low = -np.inf if ends[0] <= -large else ends[0]
    return s.low.clip(x, low, np.inf if ends[1] >= large else ends[1])


def _abs(s: Step) -> Tensor:
    x = s.inputs[0]
    return s.low.leaky(x, -1.0) if isinstance(x, Value) else np.abs(x)


def _extreme(name: str) -> Rule:
    def rule(s: Step) -> Tensor:
        constants = [t for t in s.inputs if not isinstance(t, Value)]
        values = [t for t in s.inputs if isinstance(t, Value)]
        parts: list[Tensor] = list(values)
        if constants:
            _room(*(t.shape for t in constants))
            several = np.broadcast_arrays(*constants)
            parts.append(getattr(np, name).reduce(several))
        return s.low.fold(parts, getattr(s.low, name))

    return rule


def _hard_sigmoid(s: Step) -> Tensor:
    alpha, beta = s.attributes.get("alpha", 0.2), s.attributes.get("beta", 0.5)
    x = s.low.add(s.low.scale(s.low.value(s.inputs[0]), alpha), np.array(beta))
    return s.low.clip(x, 0.0, 1.0)


def _folded(function: Callable[..., Numbers]) -> Rule:
    """What is computed of constants alone, such as a normalization's factor."""

    def rule(s: Step) -> Tensor:
        given = [s.constant(i) for i in range(len(s.inputs))]
        with np.errstate(all="ignore"):
            return function(*given)

    return rule


RULES: dict[str, Rule] = {
    "Abs": _abs,
    "Add": _add,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Conv": _conv,
    "Div": _div,
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global("mean"),
    "GlobalMaxPool": _global("maximum"),
    "HardSigmoid": _hard_sigmoid,
    "Identity": _identity,
    "LeakyRelu": _leaky_relu,
    "MatMul": _matmul,
    "Max": _extreme("maximum"),
    "MaxPool": _max_pool,
    "Mean": _mean,
    "Min": _extreme("minimum"),
    "Mul": _mul,
    "Neg": _neg,
    "PRelu": _prelu,
    "Pow": _folded(np.power),
    "Reciprocal": _folded(np.reciprocal),
    "ReduceMax": _reduce_extreme("maximum"),
    "ReduceMean": _reduce_affine(mean=True),
    "ReduceMin": _reduce_extreme("minimum"),
    "ReduceSum": _reduce_affine(mean=False),
    "Relu": _relu,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Split": _split,
    "Sqrt": _folded(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _sub,
    "Sum": _sum,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
