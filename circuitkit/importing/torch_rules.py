"""What each of PyTorch's layers, functions and methods does to rows: three tables.

A rule takes the lowering and what PyTorch's own function takes, under its names. A tensor that depends on the
input is a :class:`~circuitkit.importing.lowering.Value`, any other a tensor of PyTorch's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from circuitkit.importing.lowering import Lowering, NotPiecewiseLinear, Value
from circuitkit.importing.windows import Windows, average_pool, convolution, max_pool, windows

__all__ = ["FUNCTIONS", "LAYERS", "METHODS"]

Rule = Callable[..., Any]


def _plain(x: Any) -> Any:
    """A tensor of PyTorch's as an array of doubles; a value as it is."""
    if isinstance(x, torch.Tensor):
        return x.detach().cpu().to(torch.float64).numpy()
    return x if isinstance(x, Value) else np.asarray(x, dtype=np.float64)


def _axis(x: Value, dim: int) -> int:
    rank = len(x.shape)
    if not -rank <= dim < rank:
        raise ValueError(f"axis {dim} of shape {x.shape}")
    return dim % rank


# --- affine -------------------------------------------------------------------------------------------


def _add(low: Lowering, a: Any, b: Any, *, alpha: float = 1.0) -> Value:
    return low.add(_plain(a), _scaled(low, b, alpha))


def _sub(low: Lowering, a: Any, b: Any, *, alpha: float = 1.0) -> Value:
    return low.add(_plain(a), _scaled(low, b, alpha), -1.0)


def _scaled(low: Lowering, x: Any, factor: float) -> Any:
    if factor == 1.0:
        return _plain(x)
    return low.scale(low.value(_plain(x)), factor)


def _mul(low: Lowering, a: Any, b: Any) -> Value:
    if isinstance(a, Value) and isinstance(b, Value):
        raise NotPiecewiseLinear("multiplies two computed tensors")
    return low.scale(a, _plain(b)) if isinstance(a, Value) else low.scale(b, _plain(a))


def _div(low: Lowering, a: Any, b: Any) -> Value:
    if isinstance(b, Value):
        raise NotPiecewiseLinear("divides by a computed tensor")
    divisor = _plain(b)
    if not divisor.all():
        raise NotPiecewiseLinear("divides by zero")
    return low.scale(a, 1 / divisor)


def _neg(low: Lowering, x: Value) -> Value:
    return low.scale(x, -1.0)


def _matmul(low: Lowering, a: Any, b: Any) -> Value:
    return low.matmul(_plain(a), _plain(b))


def _linear(low: Lowering, x: Value, weight: Any, bias: Any = None) -> Value:
    if isinstance(weight, Value):
        raise NotPiecewiseLinear("has a weight that is computed from the input")
    made = low.matmul(_plain(x), np.atleast_2d(_plain(weight)).T)
    return made if bias is None else low.add(made, _plain(bias))


def _addmm(low: Lowering, bias: Any, a: Any, b: Any) -> Value:
    return low.add(_matmul(low, a, b), _plain(bias))


def _batch_norm(
    low: Lowering,
    x: Value,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Value:
    if training or running_mean is None or running_var is None:
        raise NotPiecewiseLinear("normalizes by the batch")
    column = (-1,) + (1,) * (len(x.shape) - 2)
    factor = 1 / np.sqrt(_plain(running_var) + eps)
    if weight is not None:
        factor = factor * _plain(weight)
    if len(x.shape) < 2 or x.shape[1] != factor.size:
        raise ValueError(f"{factor.size} channels, shape {x.shape}")
    made = low.scale(low.add(x, _plain(running_mean).reshape(column), -1.0), factor.reshape(column))
    return made if bias is None else low.add(made, _plain(bias).reshape(column))


# --- kinks --------------------------------------------------------------------------------------------


def _relu(low: Lowering, x: Value, inplace: bool = False) -> Value:
    return low.relu(x)


def _leaky_relu(
    low: Lowering, x: Value, negative_slope: float = 0.01, inplace: bool = False
) -> Value:
    return low.leaky(x, negative_slope)


def _prelu(low: Lowering, x: Value, weight: Any) -> Value:
    slope = _plain(weight).ravel()
    if slope.size > 1:
        if len(x.shape) < 2 or x.shape[1] != slope.size:
            raise ValueError(f"{slope.size} slopes, shape {x.shape}")
        slope = slope.reshape((-1,) + (1,) * (len(x.shape) - 2))
    return low.leaky(x, np.broadcast_to(slope, x.shape))


def _clamp(low: Lowering, x: Value, min: Any = None, max: Any = None) -> Value:
    if isinstance(min, (Value, torch.Tensor)) or isinstance(max, (Value, torch.Tensor)):
        lower = x if min is None else low.maximum(x, _plain(min))
        return lower if max is None else low.minimum(lower, _plain(max))
    return low.clip(x, -np.inf if min is None else min, np.inf if max is None else max)


def _hardtanh(
    low: Lowering, x: Value, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Value:
    return low.clip(x, min_val, max_val)


def _relu6(low: Lowering, x: Value, inplace: bool = False) -> Value:
    return low.clip(x, 0.0, 6.0)


def _hardsigmoid(low: Lowering, x: Value, inplace: bool = False) -> Value:
    return low.clip(low.add(low.scale(x, 1 / 6), np.array(0.5)), 0.0, 1.0)


def _abs(low: Lowering, x: Value) -> Value:
    return low.leaky(x, -1.0)


def _maximum(low: Lowering, a: Any, b: Any) -> Value:
    return low.maximum(_plain(a), _plain(b))


def _minimum(low: Lowering, a: Any, b: Any) -> Value:
    return low.minimum(_plain(a), _plain(b))


def _amax(low: Lowering, x: Value, dim: Any = (), keepdim: bool = False) -> Value:
    return _extreme(low, x, dim, keepdim, low.maximum)


def _amin(low: Lowering, x: Value, dim: Any = (), keepdim: bool = False) -> Value:
    return _extreme(low, x, dim, keepdim, low.minimum)


def _extreme(low: Lowering, x: Value, dim: Any, keepdim: bool, pair: Any) -> Value:
    front, shape = _reduced(x, dim, keepdim)
    parts = [front.move(lambda r, i=i: r[i]) for i in range(front.shape[0])]  # type: ignore[misc]
    return _reshaped(low.value(low.fold(parts, pair)), shape)


def _max(low: Lowering, x: Value, dim: Any = None, keepdim: bool = False) -> Any:
    if isinstance(dim, (Value, torch.Tensor)):
        return _maximum(low, x, dim)
    return _amax(low, x) if dim is None else [_amax(low, x, dim, keepdim), None]


def _min(low: Lowering, x: Value, dim: Any = None, keepdim: bool = False) -> Any:
    if isinstance(dim, (Value, torch.Tensor)):
        return _minimum(low, x, dim)
    return _amin(low, x) if dim is None else [_amin(low, x, dim, keepdim), None]


# --- windows ------------------------------------------------------------------------------------------


def _each(value: Any, rank: int) -> list[int]:
    """One number an axis; PyTorch takes one for all of them."""
    numbers = list(value) if isinstance(value, (tuple, list)) else [value]
    if len(numbers) not in (1, rank):
        raise ValueError(f"{len(numbers)} numbers for {rank} axes")
    return [int(v) for v in (numbers if len(numbers) == rank else numbers * rank)]


def _read(
    x: Value, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, rank: int
) -> Windows:
    if len(x.shape) != rank + 2:
        sizes = ", ".join(["channels", *(("height", "width") if rank == 2 else ("length",))])
        raise ValueError(
            f"expected (batch, {sizes}), got {x.shape}; an nn.Unflatten(1, ({sizes})) in front makes it so"
        )
    size, apart = _each(kernel, rank), _each(dilation, rank)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(apart, size, strict=True)]
        pads = [*(t // 2 for t in total), *(t - t // 2 for t in total)]
    else:
        pads = _each(0 if padding == "valid" else padding, rank) * 2
    return windows(x.shape[2:], size, _each(stride, rank), apart, pads, ceil=ceil_mode)


def _convolution(rank: int) -> Rule:
    def rule(
        low: Lowering,
        input: Value,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Value:
        if isinstance(weight, Value) or isinstance(bias, Value):
            raise NotPiecewiseLinear("has a kernel that is computed from the input")
        kernel = _plain(weight)
        read = _read(input, kernel.shape[2:], stride, padding, dilation, False, rank)
        offset = None if bias is None else _plain(bias)
        return convolution(low, input, kernel, offset, groups, read)

    return rule


def _max_pool(rank: int) -> Rule:
    def rule(
        low: Lowering,
        input: Value,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Value:
        if return_indices:
            raise NotPiecewiseLinear("gives the places of its maxima")
        step = stride if stride not in (None, [], ()) else kernel_size
        read = _read(input, kernel_size, step, padding, dilation, ceil_mode, rank)
        return max_pool(low, input, read)

    return rule


def _average_pool(rank: int) -> Rule:
    def rule(
        low: Lowering,
        input: Value,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Value:
        step = stride if stride not in (None, [], ()) else kernel_size
        read = _read(input, kernel_size, step, padding, 1, ceil_mode, rank)
        return average_pool(
            low, input, read, with_padding=count_include_pad, divisor=divisor_override
        )

    return rule


def _conv_layer(rank: int) -> Rule:
    def rule(low: Lowering, layer: Any, x: Value) -> Value:
        if layer.padding_mode != "zeros":
            raise AttributeError(f"padding_mode={layer.padding_mode!r}")
        made: Value = _convolution(rank)(
            low, x, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups
        )  # fmt: skip
        return made

    return rule


def _max_pool_layer(rank: int) -> Rule:
    return lambda low, layer, x: _max_pool(rank)(
        low, x, layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.ceil_mode,
        layer.return_indices,
    )  # fmt: skip


def _average_pool_layer(rank: int) -> Rule:
    return lambda low, layer, x: _average_pool(rank)(
        low, x, layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode,
        layer.count_include_pad, getattr(layer, "divisor_override", None),
    )  # fmt: skip


# --- sums over axes -----------------------------------------------------------------------------------


def _reduced(x: Value, dim: Any, keepdim: bool) -> tuple[Value, list[int]]:
    """The axes to reduce as one in front; the shape of the result."""
    rank = len(x.shape)
    named = range(rank) if dim is None or dim == () else [dim] if isinstance(dim, int) else dim
    axes = [_axis(x, d) for d in named]
    rest = [i for i in range(rank) if i not in axes]
    n = int(np.prod([x.shape[i] for i in axes], dtype=np.int64))
    shape = [1 if i in axes else s for i, s in enumerate(x.shape) if keepdim or i not in axes]
    turned = x.move(lambda r: r.transpose(*axes, *rest, rank))
    return turned.move(lambda r: r.reshape(n, -1, r.shape[-1])), shape


def _sum(low: Lowering, x: Value, dim: Any = None, keepdim: bool = False) -> Value:
    front, shape = _reduced(x, dim, keepdim)
    low.roundings += front.shape[0]
    return _reshaped(Value(front.rows.sum(axis=0), front.sizes.sum(axis=0)), shape)


def _mean(low: Lowering, x: Value, dim: Any = None, keepdim: bool = False) -> Value:
    front, _ = _reduced(x, dim, keepdim)
    return low.scale(_sum(low, x, dim, keepdim), 1 / front.shape[0])


# --- what moves elements ------------------------------------------------------------------------------


def _reshaped(x: Value, shape: Sequence[int]) -> Value:
    sizes, n = [int(s) for s in shape], int(np.prod(x.shape, dtype=np.int64))
    if -1 in sizes:
        known = int(np.prod([s for s in sizes if s != -1], dtype=np.int64))
        sizes[sizes.index(-1)] = n // known if known else 0
    if int(np.prod(sizes, dtype=np.int64)) != n:
        raise ValueError(f"shape {x.shape} into {tuple(shape)}")
    return x.move(lambda r: r.reshape(*sizes, r.shape[-1]))


def _reshape(low: Lowering, x: Value, *shape: Any) -> Value:
    first = shape[0] if shape else ()
    return _reshaped(x, first if isinstance(first, (tuple, list)) else shape)


def _flatten(low: Lowering, x: Value, start_dim: int = 0, end_dim: int = -1) -> Value:
    start, end = _axis(x, start_dim), _axis(x, end_dim)
    return _reshaped(x, [*x.shape[:start], -1, *x.shape[end + 1 :]])


def _unflatten(low: Lowering, x: Value, dim: int, sizes: Sequence[int]) -> Value:
    axis = _axis(x, dim)
    return _reshaped(x, [*x.shape[:axis], *sizes, *x.shape[axis + 1 :]])


def _squeeze(low: Lowering, x: Value, dim: int | None = None) -> Value:
    axes = range(len(x.shape)) if dim is None else [_axis(x, dim)]
    return _reshaped(x, [n for i, n in enumerate(x.shape) if n != 1 or i not in axes])


def _unsqueeze(low: Lowering, x: Value, dim: int) -> Value:
    at = dim % (len(x.shape) + 1)
    return _reshaped(x, [*x.shape[:at], 1, *x.shape[at:]])


def _permute(low: Lowering, x: Value, *dims: Any) -> Value:
    order = dims[0] if isinstance(dims[0], (tuple, list)) else dims
    axes = [_axis(x, d) for d in order]
    return x.move(lambda r: r.transpose(*axes, len(axes)))


def _transpose(low: Lowering, x: Value, dim0: int, dim1: int) -> Value:
    a, b = _axis(x, dim0), _axis(x, dim1)
    return x.move(lambda r: r.swapaxes(a, b))


def _t(low: Lowering, x: Value) -> Value:
    return _transpose(low, x, 0, 1) if len(x.shape) == 2 else x


def _cat(low: Lowering, tensors: Sequence[Any], dim: int = 0) -> Value:
    return low.concatenate([_plain(t) for t in tensors], dim)


def _stack(low: Lowering, tensors: Sequence[Any], dim: int = 0) -> Value:
    return _cat(low, [_unsqueeze(low, low.value(_plain(t)), dim) for t in tensors], dim)


def _split(low: Lowering, x: Value, split_size_or_sections: Any, dim: int = 0) -> list[Value]:
    axis, asked = _axis(x, dim), split_size_or_sections
    n = x.shape[axis]
    sizes = [asked] * -(-n // asked) if isinstance(asked, int) else list(asked)
    return _cut(x, np.cumsum(sizes)[:-1], axis)


def _chunk(low: Lowering, x: Value, chunks: int, dim: int = 0) -> list[Value]:
    return _split(low, x, -(-x.shape[_axis(x, dim)] // chunks), dim)


def _unbind(low: Lowering, x: Value, dim: int = 0) -> list[Value]:
    axis = _axis(x, dim)
    return [_squeeze(low, part, axis) for part in _cut(x, np.arange(1, x.shape[axis]), axis)]


def _cut(x: Value, ends: Any, axis: int) -> list[Value]:
    rows, sizes = (np.split(r, ends, axis) for r in (x.rows, x.sizes))
    return [Value(a, b) for a, b in zip(rows, sizes, strict=True)]


def _getitem(low: Lowering, x: Any, index: Any) -> Any:
    if not isinstance(x, Value):
        return x[index]
    parts = index if isinstance(index, tuple) else (index,)
    plain = tuple(
        p.cpu().numpy() if isinstance(p, torch.Tensor) else p for p in parts
    )  # a list or a tensor of places, as numpy has it
    tail = (slice(None),) if any(p is Ellipsis for p in plain) else ()
    return x.move(lambda r: r[(*plain, *tail)])


def _getattr(low: Lowering, x: Any, name: str) -> Any:
    if name == "shape":
        return torch.Size(x.shape)
    if name == "T":
        return _t(low, x)
    if name == "values" and isinstance(x, list):
        return x[0]
    raise AttributeError(f"its attribute {name!r}")


def _size(low: Lowering, x: Value, dim: int | None = None) -> Any:
    return torch.Size(x.shape) if dim is None else x.shape[_axis(x, dim)]


def _same(low: Lowering, x: Value, *_: Any, **__: Any) -> Value:
    return x


def _dropout(
    low: Lowering, x: Value, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Value:
    if training and p:
        raise NotPiecewiseLinear("is a dropout in training mode")
    return x


# --- tables -------------------------------------------------------------------------------------------

#: names in torch, torch.nn.functional, operator or of a tensor's methods -> rule
_RULES: dict[str, Rule] = {
    "abs": _abs,
    "absolute": _abs,
    "add": _add,
    "addmm": _addmm,
    "amax": _amax,
    "amin": _amin,
    "avg_pool1d": _average_pool(1),
    "avg_pool2d": _average_pool(2),
    "batch_norm": _batch_norm,
    "cat": _cat,
    "chunk": _chunk,
    "clamp": _clamp,
    "clamp_max": lambda low, x, max: _clamp(low, x, None, max),
    "clamp_min": lambda low, x, min: _clamp(low, x, min),
    "clip": _clamp,
    "concat": _cat,
    "contiguous": _same,
    "conv1d": _convolution(1),
    "conv2d": _convolution(2),
    "div": _div,
    "dropout": _dropout,
    "flatten": _flatten,
    "getitem": _getitem,
    "hardsigmoid": _hardsigmoid,
    "hardtanh": _hardtanh,
    "iadd": _add,
    "imul": _mul,
    "isub": _sub,
    "leaky_relu": _leaky_relu,
    "linear": _linear,
    "matmul": _matmul,
    "max": _max,
    "max_pool1d": _max_pool(1),
    "max_pool2d": _max_pool(2),
    "maximum": _maximum,
    "mean": _mean,
    "min": _min,
    "minimum": _minimum,
    "mm": _matmul,
    "mul": _mul,
    "multiply": _mul,
    "neg": _neg,
    "negative": _neg,
    "permute": _permute,
    "pos": _same,
    "prelu": _prelu,
    "relu": _relu,
    "relu6": _relu6,
    "reshape": _reshape,
    "size": _size,
    "split": _split,
    "squeeze": _squeeze,
    "stack": _stack,
    "sub": _sub,
    "subtract": _sub,
    "sum": _sum,
    "t": _t,
    "transpose": _transpose,
    "truediv": _div,
    "unbind": _unbind,
    "unflatten": _unflatten,
    "unsqueeze": _unsqueeze,
    "view": _reshape,
}

FUNCTIONS: dict[Any, Rule] = {
    getattr(module, name + end): rule
    for module in (torch, functional, operator)
    for name, rule in _RULES.items()
    for end in ("", "_")
    if hasattr(module, name + end)
} | {getattr: _getattr}

METHODS: dict[str, Rule] = {
    name + end: rule
    for name, rule in _RULES.items()
    for end in ("", "_")
    if hasattr(torch.Tensor, name + end)
}


def _norm(low: Lowering, layer: Any, x: Value) -> Value:
    mean, variance = layer.running_mean, layer.running_var
    return _batch_norm(low, x, mean, variance, layer.weight, layer.bias, eps=layer.eps)


LAYERS: dict[type[nn.Module], Rule] = {
    nn.AvgPool1d: _average_pool_layer(1),
    nn.AvgPool2d: _average_pool_layer(2),
    nn.BatchNorm1d: _norm,
    nn.BatchNorm2d: _norm,
    nn.BatchNorm3d: _norm,
    nn.Conv1d: _conv_layer(1),
    nn.Conv2d: _conv_layer(2),
    nn.Dropout: lambda low, layer, x: x,
    nn.Dropout1d: lambda low, layer, x: x,
    nn.Dropout2d: lambda low, layer, x: x,
    nn.AlphaDropout: lambda low, layer, x: x,
    nn.Flatten: lambda low, layer, x: _flatten(low, x, layer.start_dim, layer.end_dim),
    nn.Hardsigmoid: lambda low, layer, x: _hardsigmoid(low, x),
    nn.Hardtanh: lambda low, layer, x: low.clip(x, layer.min_val, layer.max_val),
    nn.Identity: lambda low, layer, x: x,
    nn.LeakyReLU: lambda low, layer, x: low.leaky(x, layer.negative_slope),
    nn.Linear: lambda low, layer, x: _linear(low, x, layer.weight, layer.bias),
    nn.MaxPool1d: _max_pool_layer(1),
    nn.MaxPool2d: _max_pool_layer(2),
    nn.PReLU: lambda low, layer, x: _prelu(low, x, layer.weight),
    nn.ReLU: lambda low, layer, x: low.relu(x),
    nn.ReLU6: lambda low, layer, x: low.clip(x, 0.0, 6.0),
    nn.Unflatten: lambda low, layer, x: _unflatten(low, x, layer.dim, layer.unflattened_size),
}
