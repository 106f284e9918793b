"""PyTorch modules as chains of linear layers and back: the two torch methods of ``Network``.

Kept apart so that :mod:`circuitkit.network` needs numpy alone.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn

_RELU_FUNCTIONS = {torch.relu, torch.nn.functional.relu, torch.relu_}
_KNOWN = "nn.Linear, ReLU, nn.Identity and nn.Dropout"


def linear_layers(
    module: nn.Module,
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64] | None]]:
    """Weights and biases of ``module``, whose forward pass must be a chain of Linear and ReLU."""
    if not isinstance(module, nn.Module):
        raise TypeError(f"module: expected a torch.nn.Module, got {type(module).__name__}")
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
        raise ValueError("module: expected at least one nn.Linear, got none")
    if previous == "relu":
        weights.append(np.eye(weights[-1].shape[0]))
        biases.append(None)
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
                raise ValueError("module: expected one input, the forward pass takes several")
            current = node
            continue
        if node.op == "output":
            if node.args[0] is not current:
                raise ValueError("module: expected the last layer's output, got another result")
            break
        steps += _step(graph, node)
        if node.all_input_nodes != [current]:
            raise ValueError(f"module: expected one chain of layers, got a branch at {node.name!r}")
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
        raise TypeError(f"module: expected layers of {_KNOWN}, got {type(layer).__name__}")
    is_relu = node.target in _RELU_FUNCTIONS or (
        node.op == "call_method" and node.target in ("relu", "relu_")
    )
    if is_relu:
        return ["relu"]
    raise TypeError(f"module: expected layers of {_KNOWN}, got the operation {node.name!r}")
