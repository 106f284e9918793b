"""Weights in a safetensors file: numbers and names, nothing that runs.

Such a file has no graph. What its names say is taken: which matrix is a layer, which way round it is, and in
which order the layers follow; between two layers a ReLU is understood.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from circuitkit.checks import shown, wrong
from circuitkit.importing.agreement import Imported, Precision, need_agreement
from circuitkit.importing.files import read_bytes
from circuitkit.importing.lowering import Lowering, TooLarge

__all__ = ["layers"]

Array = NDArray[np.float64]

_NUMBERS: dict[str, Any] = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1",
}  # fmt: skip
_ENDS = re.compile(r"(?P<layer>|.*[._/])(?P<end>weight|kernel|bias)$")
_EXPECTED = "tensors named <layer>.weight and <layer>.bias"
#: more layers than this are not put into another order than their names'
_FEW = 10


@dataclass(frozen=True)
class _Layer:
    name: str
    matrix: Array
    turned: bool  # (n_in, n_out), for x @ W
    bias: Array | None

    @property
    def weight(self) -> Array:
        return self.matrix.T if self.turned else self.matrix


#: what a file that a network was saved to says of itself
_FORMAT = "circuitkit.Network"


def layers(path: str) -> tuple[list[Array], list[Array], str]:
    """Weights, biases and output scale of the file, compared with a direct evaluation of its tensors as they lie there.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a safetensors file, or tensors that are not a chain of layers.
    """
    data = read_bytes(path, "a safetensors file")
    found = _ordered(path, _layers(path, _tensors(path, data)))
    low = Lowering(found[0].weight.shape[1])
    weights, biases = [each.weight for each in found], [each.bias for each in found]
    try:
        h = low.inputs((low.n_inputs,), 0)
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = low.matmul(w, low.relu(h) if i else h)
            h = h if b is None else low.add(h, b)
        made = Imported.of(low, h)
    except TooLarge as error:
        raise ValueError(f"path: {path!r} {error}") from None

    def directly(x: Array) -> Array:
        for i, layer in enumerate(found):
            h = np.maximum(x, 0.0) if i else x
            x = h @ layer.matrix if layer.turned else np.einsum("oi,ki->ko", layer.matrix, h)
            x = x if layer.bias is None else x + layer.bias
        return x

    need_agreement(
        "path", made, directly, Precision.of(np.float64), "a direct evaluation of the file"
    )
    return list(made.weights), list(made.biases), _scale(path, data)


def _scale(path: str, data: bytes) -> str:
    """The output scale that a saved network's metadata gives; other tools' metadata mean nothing here."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    notes = header.get("__metadata__") or {}
    if notes.get("format") != _FORMAT:
        return "1"
    text = notes.get("scale", "1")
    if not re.fullmatch(r"[1-9]\d*(/[1-9]\d*)?", text, re.ASCII):
        raise wrong("path", f"a positive fraction as scale in {path!r}", shown(text))
    return str(text)


def _tensors(path: str, data: bytes) -> dict[str, Array]:
    try:
        listed = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise ValueError(f"path: {path!r} is not a safetensors file ({error})") from None
    return {name: _values(path, name, tensor) for name, tensor in listed}


def _values(path: str, name: str, tensor: Mapping[str, Any]) -> Array:
    kind, data = tensor["dtype"], bytes(tensor["data"])
    if kind == "BF16":  # the upper half of a float32
        values = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    elif kind in _NUMBERS:
        values = np.frombuffer(data, _NUMBERS[kind])
    else:
        raise wrong(
            "path", f"tensors of {', '.join(_NUMBERS)} or BF16 in {path!r}", f"{kind} in {name!r}"
        )
    made = np.asarray(values, dtype=np.float64).reshape(tensor["shape"])
    if not np.isfinite(made).all() or not made.size:
        raise wrong("path", f"finite numbers in {path!r}", f"inf, nan or nothing in {name!r}")
    large = np.abs(made).ravel() >= 2**53 if kind == "I64" else np.zeros(made.size, dtype=bool)
    if any(int(v) != w for v, w in zip(made.ravel()[large], values[large].tolist(), strict=True)):
        expected = f"whole numbers that are doubles in {path!r}"
        raise wrong("path", expected, f"one in {name!r} that would be rounded")
    return made


def _layers(path: str, tensors: Mapping[str, Array]) -> list[_Layer]:
    """The layers in the natural order of their names."""
    ends = {name: _ENDS.match(name) for name in tensors}
    if tensors and not any(ends.values()) and all(t.ndim == 2 for t in tensors.values()):
        # The deck's layout: a name for each matrix, x @ hidden_layer_0.
        return [_Layer(name, tensors[name], True, None) for name in sorted(tensors, key=_natural)]
    found = {name: end for name, end in ends.items() if end is not None}
    matrices = {e["layer"]: n for n, e in found.items() if e["end"] != "bias"}
    biases = {e["layer"]: n for n, e in found.items() if e["end"] == "bias"}
    fits = all(tensors[n].ndim == 2 for n in matrices.values())
    fits &= all(tensors[n].ndim == 1 for n in biases.values())
    twice = len(matrices) + len(biases) != len(tensors)
    if not matrices or twice or not fits or not set(biases) <= set(matrices):
        got = sorted(f"{n!r} {t.shape}" for n, t in tensors.items())
        raise wrong("path", f"{_EXPECTED} in {path!r}", ", ".join(got)[:400] or "none")
    made = []
    for layer in sorted(matrices, key=_natural):
        matrix = tensors[matrices[layer]]
        turned = found[matrices[layer]]["end"] == "kernel"
        bias = tensors[biases[layer]] if layer in biases else None
        n_out = matrix.shape[1 if turned else 0]
        if bias is not None and len(bias) != n_out:
            raise wrong("path", f"{n_out} biases in {biases[layer]!r} of {path!r}", len(bias))
        made.append(_Layer(layer, matrix, turned, bias))
    return made


def _ordered(path: str, found: list[_Layer]) -> list[_Layer]:
    """As their names go; or, where widths do not chain so, in the one order in which they do."""
    if _chain(found):
        return found
    orders: list[list[_Layer]] = []

    def extend(order: list[_Layer], left: list[_Layer]) -> None:
        if not left:
            orders.append(order)
        for each in left:
            if len(orders) < 2 and _chain([*order[-1:], each]):
                extend([*order, each], [other for other in left if other is not each])

    if len(found) <= _FEW:
        extend([], found)
    if len(orders) == 1:
        return orders[0]
    shapes = ", ".join(f"{each.name.rstrip('._/')!r} {each.weight.shape}" for each in found)
    how = "layers in one order only" if orders else "layers whose widths chain"
    raise wrong("path", f"{how}, each (n_out, n_in), in {path!r}", shapes)


def _chain(found: list[_Layer]) -> bool:
    return all(a.weight.shape[0] == b.weight.shape[1] for a, b in itertools.pairwise(found))


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Sort key under which ``layers.10`` follows ``layers.9``."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name)]
