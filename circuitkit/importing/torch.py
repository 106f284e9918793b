"""PyTorch modules as chains of linear layers and back: the two torch methods of ``Network``.

Kept apart so that :mod:`circuitkit.network` needs numpy alone.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn

from circuitkit.checks import instance, wrong, wrong_type

_RELU_FUNCTIONS = {torch.relu, torch.nn.functional.relu, torch.relu_}
_LAYERS = (nn.Linear, nn.ReLU, nn.Identity, nn.Dropout)
_KNOWN = "nn.Linear, ReLU, nn.Identity and nn.Dropout"
_MODULE = instance(nn.Module, "a torch.nn.Module")


def linear_layers(
    module: nn.Module,
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64] | None]]:
    """Weights and biases of ``module``, whose forward pass must be a chain of Linear and ReLU."""
    _MODULE.take("module", module)
    _need_numbers(module)
    _refuse_what_no_weight_tells(module)
    weights: list[NDArray[np.float64]] = []
    biases: list[NDArray[np.float64] | None] = []
    pending_relu = False  # a ReLU that waits for the width of the layer after it
    previous = "start"
    for step in _chain(module):
        if step == "relu":
            if previous == "start":
                pending_relu = True
            previous = "relu"
            continue
        linear = step
        if previous == "linear":
            raise ValueError(
                "module: two linear layers in a row have no ReLU between them; "
                "multiply them into one layer first"
            )
        if pending_relu:
            weights.append(np.eye(linear.in_features))
            biases.append(None)
            pending_relu = False
        weights.append(_exact(linear.weight))
        biases.append(None if linear.bias is None else _exact(linear.bias))
        previous = "linear"
    if not weights:
        raise wrong("module", "at least one nn.Linear", "none")
    if previous == "relu":
        weights.append(np.eye(weights[-1].shape[0]))
        biases.append(None)
    _need_the_same_values(module, weights, biases)
    return weights, biases


def sequential(
    weights: Sequence[NDArray[np.float64]], biases: Sequence[NDArray[np.float64]] | None
) -> nn.Sequential:
    """An ``nn.Sequential`` in float64 with these weights."""
    layers: list[nn.Module] = []
    for i, w in enumerate(weights):
        linear = nn.Linear(w.shape[1], w.shape[0], bias=biases is not None, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(w))
            if biases is not None:
                linear.bias.copy_(torch.tensor(biases[i]))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _exact(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().cpu().to(torch.float64).numpy()


def _need_the_same_values(
    module: nn.Module,
    weights: Sequence[NDArray[np.float64]],
    biases: Sequence[NDArray[np.float64] | None],
) -> None:
    """Call the module itself, as it is: what is written in its layers may not be what it does.

    Raises:
        ValueError: it gives something else than its weights say, with the likely reason.
    """
    parameter = next(module.parameters())
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, weights[0].shape[1])) * np.repeat([0.1, 1.0, 10.0], 4)[:, None]
    inputs = torch.tensor(x).to(parameter)
    h = _exact(inputs)
    size = np.abs(h)  # the same sums without cancellation: what rounding errors are relative to
    sums = []
    with np.errstate(all="ignore"):  # beyond the doubles: refused below
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            bias = np.zeros(len(w)) if b is None else b
            h = (np.maximum(h, 0.0) if i else h) @ w.T + bias
            size = size @ np.abs(w).T + np.abs(bias)
            sums.append(size)
    dtype = parameter.dtype
    if not _fit(sums, dtype):  # its own values are inf, nan or 0 where they should not be
        refused = ValueError(
            f"module: its values leave the range of {dtype} at the points tried, with weights from "
            f"{_smallest(weights):.3g} to {max(np.abs(w).max() for w in weights):.3g} in size; "
            "scale its layers"
        )
        if dtype == torch.float64 or not _fit(sums, torch.float64):
            raise refused
        dtype = torch.float64
        try:
            module, inputs = copy.deepcopy(module).to(dtype), inputs.to(dtype)
        except Exception:  # what a norm computes cannot be copied
            raise refused from None
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            given, again = (_exact(module(inputs)) for _ in range(2))
    except Exception as error:  # a forward pass raises what it likes
        raise ValueError(
            f"module: called with an input of shape {tuple(inputs.shape)}, it raises "
            f"{type(error).__name__} ({error})"
        ) from error
    reason = _reason(module)
    if not np.array_equal(given, again, equal_nan=True):
        raise ValueError(
            f"module: gives other values when it is called again{reason or '; try module.eval()'}"
        )
    allowed = 8 * torch.finfo(dtype).eps * sum(w.shape[1] for w in weights) * size
    if given.shape != h.shape or not (np.abs(given - h) <= allowed).all():
        raise ValueError(
            "module: what it computes is not what the weights of its layers say"
            f"{reason or '; one of them does something of its own'}"
        )


def _fit(sums: Sequence[NDArray[np.float64]], dtype: torch.dtype) -> bool:
    """Whether a precision holds sums of these sizes: none beyond its range, none rounded to 0."""
    info = torch.finfo(dtype)
    return all(bool(((s == 0) | ((s >= info.tiny) & (s <= info.max / 2))).all()) for s in sums)


def _smallest(weights: Sequence[NDArray[np.float64]]) -> float:
    return min((float(np.abs(w[w != 0]).min()) for w in weights if w.any()), default=0.0)


def _need_numbers(module: nn.Module) -> None:
    """Refuse parameters that are no finite real numbers, or not there yet.

    Raises:
        ValueError: with the parameter's name.
    """
    for name, parameter in module.named_parameters():
        if isinstance(parameter, nn.UninitializedParameter):
            got = f"{name!r} of a lazy layer; call the module once"
            raise wrong("module", "weights whose shape is known", got)
        if parameter.is_meta:
            raise wrong("module", "weights with values", f"{name!r} on the device 'meta'")
        if parameter.is_complex():
            raise wrong("module", "real weights", f"{parameter.dtype} in {name!r}")
        if not np.isfinite(_exact(parameter)).all():
            raise wrong("module", "finite weights", f"inf or nan in {name!r}")


def _refuse_what_no_weight_tells(module: nn.Module) -> None:
    """A hook or a forward pass of a layer's own may do anything, and only far out: no sample shows it.

    Raises:
        ValueError: the module has one.
    """
    for name, part in module.named_modules():
        where = f"layer {name!r}" if name else "the module"
        norms = {"WeightNorm", "SpectralNorm"}  # they set the weights, which are compared below
        hooks = [*part._forward_hooks.values(), *part._forward_pre_hooks.values()]
        if any(type(hook).__name__ not in norms for hook in hooks):
            raise ValueError(
                f"module: {where} has a forward hook, which may change what it computes"
            )
        own = isinstance(part, nn.Linear) and type(part).forward is not nn.Linear.forward
        if own or (isinstance(part, _LAYERS) and "forward" in vars(part)):
            raise ValueError(
                f"module: {where} is a {type(part).__name__} with a forward pass of its own"
            )


def _reason(module: nn.Module) -> str:
    """What may make a module do something else than its layers say."""
    for name, part in module.named_modules():
        where = f"layer {name!r}" if name else "the module"
        if isinstance(part, nn.Dropout) and part.training and part.p:
            return f": {where} is a Dropout in training mode; call module.eval() first"
        if part._forward_pre_hooks:  # a norm's, all others have been refused
            return (
                f": the weights of {where} are computed by a hook when it is called, and are out of "
                "date; call the module once, or remove the norm"
            )
    return ""


def _chain(module: nn.Module) -> list[Any]:
    """The forward pass of ``module`` as a list of ``nn.Linear`` modules and ``"relu"``."""
    if isinstance(module, nn.Linear):
        return [module]
    try:
        graph = fx.symbolic_trace(module)
    except Exception as error:  # fx raises whatever the module's own forward pass raises
        raise ValueError(
            f"module: the forward pass of {type(module).__name__} cannot be traced ({error})"
        ) from error
    steps: list[Any] = []
    current: fx.Node | None = None
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            if current is not None:
                raise wrong("module", "one input", "a forward pass that takes several")
            current = node
            continue
        if node.op == "output":
            if node.args[0] is not current:
                raise wrong("module", "the last layer's output", "another result")
            break
        steps += _step(graph, node)
        if node.all_input_nodes != [current]:
            raise wrong("module", "one chain of layers", f"a branch at {node.name!r}")
        current = node
    return steps


def _step(graph: fx.GraphModule, node: fx.Node) -> list[Any]:
    if node.op == "call_module":
        layer = operator.attrgetter(str(node.target))(graph)
        if isinstance(layer, nn.Linear):
            return [layer]
        if isinstance(layer, nn.ReLU):
            return ["relu"]
        if isinstance(layer, (nn.Identity, nn.Dropout)):
            return []
        raise wrong_type("module", f"layers of {_KNOWN}", type(layer).__name__)
    is_relu = node.target in _RELU_FUNCTIONS or (
        node.op == "call_method" and node.target in ("relu", "relu_")
    )
    if is_relu:
        return ["relu"]
    raise wrong_type("module", f"layers of {_KNOWN}", f"the operation {node.name!r}")
