"""PyTorch modules: each step of the traced forward pass by its rule, or refused by its name; and back.

The forward pass is traced by ``torch.fx`` for one input of shape ``(1, n)``. What depends on no input (a
parameter times a mask) PyTorch computes itself.

Kept apart so that :mod:`circuitkit.network` needs numpy alone.
"""

from __future__ import annotations

import copy
import math
import operator
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn

from circuitkit.checks import instance, wrong, wrong_type
from circuitkit.importing.agreement import (
    Imported,
    Precision,
    fit,
    need_agreement,
    need_agreement_of_batches,
    points,
)
from circuitkit.importing.files import refuse_pickle
from circuitkit.importing.lowering import Lowering, NotPiecewiseLinear, TooLarge, Value
from circuitkit.importing.torch_rules import FUNCTIONS, LAYERS, METHODS

__all__ = ["layers", "sequential"]

Array = NDArray[np.float64]

_KNOWN = "nn.Linear, ReLU and other piecewise-linear ones"
_MODULE = instance(nn.Module, "a torch.nn.Module")


def layers(module: nn.Module) -> tuple[list[Array], list[Array], float]:
    """Weights and biases of what ``module`` computes, compared with the module itself."""
    if isinstance(module, (str, os.PathLike)):
        refuse_pickle(os.fsdecode(module), "module")
    _MODULE.take("module", module)
    _need_numbers(module)
    _refuse_what_no_weight_tells(module)
    _refuse_training(module)
    graph = _traced(module)
    found = _lowered(module, graph)
    _need_the_same_values(module, found)
    return list(found.weights), list(found.biases), found.rounding


def sequential(weights: Sequence[Array], biases: Sequence[Array] | None) -> nn.Sequential:
    """An ``nn.Sequential`` in float64 with these weights."""
    steps: list[nn.Module] = []
    for i, w in enumerate(weights):
        linear = nn.Linear(w.shape[1], w.shape[0], bias=biases is not None, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(w))
            if biases is not None:
                linear.bias.copy_(torch.tensor(biases[i]))
        steps += [linear, nn.ReLU()]
    return nn.Sequential(*steps[:-1])


def _exact(tensor: torch.Tensor) -> Array:
    return tensor.detach().cpu().to(torch.float64).numpy()


# --- the forward pass ----------------------------------------------------------------------------------


def _traced(module: nn.Module) -> fx.GraphModule:
    try:
        with torch.random.fork_rng(devices=[]):
            first, second = (_traced_once(module) for _ in range(2))
    except Exception as error:  # fx raises whatever the module's own forward pass raises
        raise ValueError(
            f"module: the forward pass of {type(module).__name__} cannot be traced ({error})"
        ) from error
    # What is drawn in it is a number in the graph, or a tensor of its own: too small for the module's floats, perhaps.
    drawn, again = (dict(graph.named_buffers()) for graph in (first, second))
    same = drawn.keys() == again.keys() and all(_same(drawn[k], again[k]) for k in drawn)
    if first.code != second.code or not same:
        raise ValueError(
            "module: its forward pass gives other values when it is called again, as random ones are"
        )
    return first


def _traced_once(module: nn.Module) -> fx.GraphModule:
    """The trace; fx keeps the tensors that are made in it in the module, too: they are taken out again."""
    before = set(vars(module))
    try:
        return fx.symbolic_trace(module)
    finally:
        for name in set(vars(module)) - before:
            if name.startswith("_tensor_constant"):
                delattr(module, name)


def _same(a: Any, b: Any) -> bool:
    """Whether two tensors hold the same, nan included."""
    alike = isinstance(b, torch.Tensor) and (a.shape, a.dtype) == (b.shape, b.dtype)
    return alike and torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))


def _lowered(module: nn.Module, graph: fx.GraphModule) -> Imported:
    """With the first width of the input that the layers take, if it is the only one."""
    _refuse_what_changes_tensors(graph)
    graph.graph.eliminate_dead_code()
    mismatch: Exception | None = None
    tried: set[int] = set()
    for width in _widths(module, graph):
        if width in tried:
            continue
        tried.add(width)
        try:
            found = _run(graph, width)
        except _DoesNotFit as error:
            mismatch = mismatch or error
            continue
        if _is_read(graph) and _fits(graph, width + 1):
            raise wrong(
                "module",
                "layers that tell how many numbers go in",
                f"{type(module).__name__}, which takes {width} as well as {width + 1}; "
                "say it by nn.Sequential(nn.Unflatten(-1, (n,)), module)",
            )
        return found
    if mismatch is None:
        raise wrong("module", "at least one nn.Linear", "none")
    raise ValueError(str(mismatch)) from None


def _is_read(graph: fx.GraphModule) -> bool:
    """Whether anything is made of the input; a constant has what width its parameters have."""
    return any(node.op == "placeholder" and node.users for node in graph.graph.nodes)


def _fits(graph: fx.GraphModule, width: int) -> bool:
    """Whether an input of another width goes through, too."""
    try:
        _run(graph, width)
    except (TypeError, ValueError):
        return False
    return True


def _widths(module: nn.Module, graph: fx.GraphModule) -> Iterator[int]:
    """How many numbers may go in, the likeliest first: what the layers take, in their order."""
    for node in graph.graph.nodes:
        if node.op == "call_module":
            layer = module.get_submodule(str(node.target))
            for name in ("in_features", "num_features"):
                if isinstance(getattr(layer, name, None), int):
                    yield getattr(layer, name)
            if isinstance(layer, nn.Unflatten):
                yield math.prod(n for n in layer.unflattened_size if isinstance(n, int) and n > 0)
        elif node.op in ("call_method", "call_function"):
            # The sizes of a view: of an image's channels, rows and columns, say.
            yield math.prod(n for n in _flat(node.args) if isinstance(n, int) and n > 0)
        elif node.op == "get_attr":
            yield from _attribute(graph, node).shape
    for parameter in module.parameters():
        yield from parameter.shape


class _DoesNotFit(ValueError):
    """Shapes that do not go together: of another width, perhaps they do."""


def _run(graph: fx.GraphModule, width: int) -> Imported:
    low = Lowering(width)
    known: dict[fx.Node, Any] = {}
    inputs = 0
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            inputs += 1
            if inputs > 1 and node.users:
                raise wrong("module", "one input", "a forward pass that takes several")
            try:
                known[node] = low.inputs((1, width), 0)
            except TooLarge as error:
                raise ValueError(f"module: {error}") from None
        elif node.op == "output":
            return _finished(low, _given(node.args[0], known))
        else:
            known[node] = _step(low, graph, node, known)
    raise wrong("module", "a forward pass with an output", "none")


def _finished(low: Lowering, output: Any) -> Imported:
    if isinstance(output, torch.Tensor):
        output = low.value(_exact(output))
    if not isinstance(output, Value):
        raise wrong("module", "one tensor as the output", type(output).__name__)
    try:
        return Imported.of(low, output)
    except TooLarge as error:
        raise ValueError(f"module: {error}") from None


def _step(low: Lowering, graph: fx.GraphModule, node: fx.Node, known: dict[fx.Node, Any]) -> Any:
    if node.op == "get_attr":
        return _attribute(graph, node)
    args = _given(node.args, known)
    kwargs = _given(node.kwargs, known)
    where, rule = _rule(graph, node)
    if not any(isinstance(each, Value) for each in _flat((args, kwargs))):
        return _constant(graph, node, args, kwargs)
    if rule is None:
        raise wrong_type("module", f"layers of {_KNOWN}", where)
    try:
        with np.errstate(all="ignore"):  # beyond the doubles: refused below
            made = rule(low, *args, **kwargs)
    except NotPiecewiseLinear as error:
        raise TypeError(f"module: {where} {error}; it is not piecewise linear") from None
    except TooLarge as error:
        raise ValueError(f"module: {where} {error}") from None
    except (ValueError, IndexError) as error:
        raise _DoesNotFit(f"module: {where} does not fit what it is given ({error})") from None
    except (TypeError, AttributeError, KeyError) as error:
        raise TypeError(f"module: {where} is called in a way that is not read ({error})") from None
    if isinstance(made, Value) and not np.isfinite(made.rows).all():
        raise ValueError(f"module: {where} leaves the range of the doubles")
    return made


def _rule(graph: fx.GraphModule, node: fx.Node) -> tuple[str, Any]:
    """What the step is called in messages, and its rule."""
    if node.op == "call_module":
        layer = graph.get_submodule(str(node.target))
        kind = next((k for k in type(layer).__mro__ if k in LAYERS), None)
        where = f"{_class_of(layer)} in the layer {str(node.target)!r}"
        if kind is None:
            return where, None
        rule = LAYERS[kind]
        return where, lambda low, x: rule(low, layer, x)
    where = f"the operation {node.name!r}"
    if node.op == "call_method":
        return where, METHODS.get(str(node.target))
    return where, FUNCTIONS.get(node.target)


def _class_of(layer: nn.Module) -> str:
    """The class for a message, with its module where that is not torch.nn: a quantized Linear is another one."""
    cls = type(layer)
    own = cls.__module__ == "torch.nn" or cls.__module__.startswith("torch.nn.modules.")
    return cls.__name__ if own else f"{cls.__module__}.{cls.__name__}"


def _refuse_what_changes_tensors(graph: fx.GraphModule) -> None:
    """In the traced steps a tensor has one value.

    Raises:
        ValueError: one is changed in place and read again.
    """
    for node in graph.graph.nodes:
        read = node.all_input_nodes[0].users if node.all_input_nodes else ()
        if "out" in node.kwargs or (_in_place(graph, node) and len(read) > 1):
            raise ValueError(
                f"module: the operation {node.name!r} changes in place what is read again; write it "
                "without a trailing underscore, inplace=True or +="
            )


def _in_place(graph: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        return bool(getattr(graph.get_submodule(str(node.target)), "inplace", False))
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    changing = name.endswith("_") or name in ("iadd", "imul", "isub", "itruediv", "setitem")
    return changing or bool(node.kwargs.get("inplace"))


def _constant(graph: fx.GraphModule, node: fx.Node, args: Any, kwargs: Any) -> Any:
    """A step without any input of the network in it.

    Raises:
        ValueError: it gives other values when it is taken again, such as random ones.
    """

    def taken() -> Any:
        if node.op == "call_module":
            return graph.get_submodule(str(node.target))(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        return node.target(*args, **kwargs)  # type: ignore[operator]

    # What is changed in place would change once more; what is left empty is filled by a later step.
    once = "out" in kwargs or _in_place(graph, node) or "empty" in node.name
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        made = taken()
        if isinstance(made, torch.Tensor) and not once and not _same(made, taken()):
            raise ValueError(
                f"module: the operation {node.name!r} gives other values when it is called again, "
                "as random ones are"
            )
    return made


def _attribute(graph: fx.GraphModule, node: fx.Node) -> torch.Tensor:
    found: torch.Tensor = operator.attrgetter(str(node.target))(graph)
    return found.detach()


def _given(tree: Any, known: dict[fx.Node, Any]) -> Any:
    return fx.node.map_arg(tree, lambda node: known[node])


def _flat(tree: Any) -> Iterator[Any]:
    if isinstance(tree, (tuple, list)):
        for each in tree:
            yield from _flat(each)
    elif isinstance(tree, dict):
        yield from _flat(list(tree.values()))
    else:
        yield tree


# --- is it what the module does? -----------------------------------------------------------------------


def _precision(dtype: torch.dtype) -> Precision:
    info = torch.finfo(dtype)

    def rounded(x: Array) -> Array:
        return _exact(torch.tensor(x).to(dtype))

    return Precision(str(dtype), info.eps, info.tiny, info.max, rounded)


def _need_the_same_values(module: nn.Module, found: Imported) -> None:
    """Call the module itself, as it is: what is written in its layers may not be what it does.

    Raises:
        ValueError: it gives something else than its weights say, with the likely reason.
    """
    parameter = next(iter(module.parameters()), torch.zeros(1))
    floats = _precision(parameter.dtype)
    with np.errstate(all="ignore"):  # beyond the doubles: not compared
        x = points(found.low.n_inputs, floats)
        fits = fit(found.low.largest_sums(found.output, x), floats)
    # Its own values are inf, nan or 0 where they should not be: it is asked in doubles.
    if not fits[x.any(axis=1)].any() and parameter.dtype != torch.float64:
        try:
            module = copy.deepcopy(module).to(torch.float64)
            floats, parameter = _precision(torch.float64), torch.zeros(1, dtype=torch.float64)
        except Exception:  # what a norm computes cannot be copied; then its range is said below
            floats = _precision(parameter.dtype)

    def called(x: Array) -> Array:
        # A row at a time, as it is traced.
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                rows = [torch.tensor(row[None]).to(parameter) for row in x]
                given, again = ([_exact(module(row)).ravel() for row in rows] for _ in range(2))
        except Exception as error:  # a forward pass raises what it likes
            raise ValueError(
                f"module: called with an input of shape (1, {x.shape[1]}), it raises "
                f"{type(error).__name__} ({error})"
            ) from error
        if not np.array_equal(given, again, equal_nan=True):
            raise ValueError(
                "module: gives other values when it is called again"
                f"{_reason(module) or '; try module.eval()'}"
            )
        return np.array(given)

    def at_once(x: Array) -> Array:
        with torch.no_grad():
            return _exact(module(torch.tensor(x).to(parameter))).reshape(len(x), -1)

    try:
        need_agreement("module", found, called, floats, "the module")
        need_agreement_of_batches("module", found, at_once, floats)
    except ValueError as error:
        raise ValueError(f"{error}{_reason(module)}") from error


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
        known = next((k for k in type(part).__mro__ if k in LAYERS), None)
        own = known is not None and type(part).forward is not known.forward
        if own or (known is not None and "forward" in vars(part)):
            raise ValueError(
                f"module: {where} is a {_class_of(part)} with a forward pass of its own"
            )


def _refuse_training(module: nn.Module) -> None:
    """What is another function in training mode.

    Raises:
        ValueError: the module is, or has a layer, in that mode.
    """
    for name, part in module.named_modules():
        where = f"layer {name!r}" if name else "the module"
        drops = isinstance(part, nn.modules.dropout._DropoutNd) and part.p
        if part.training and (drops or isinstance(part, nn.modules.batchnorm._BatchNorm)):
            raise ValueError(
                f"module: {where} is a {type(part).__name__} in training mode; "
                "call module.eval() first"
            )


def _reason(module: nn.Module) -> str:
    """What may make a module do something else than its layers say."""
    for name, part in module.named_modules():
        where = f"layer {name!r}" if name else "the module"
        if part._forward_pre_hooks:  # a norm's, all others have been refused
            return (
                f": the weights of {where} are computed by a hook when it is called, and are out of "
                "date; call the module once, or remove the norm"
            )
    return ""
