r"""From rows over inputs and ReLU nodes to a layered :class:`~circuitkit.Network`, exactly.

A graph that is one chain keeps each of its units as it is, dead and equal ones too, and their order.

Any other graph is first tidied: equal nodes become one, a node of a constant or of a sum of nodes with
nonnegative coefficients is not needed. Then each node stands in the layer of its depth, and what a later
layer reads across layers is **carried** through them by further units. A ReLU's activation is never negative,
so ``relu(h) = h``: one unit a layer. An input has either sign, so it takes a pair,
``x = relu(x) - relu(-x)``. Where several terms of a row are to be carried, the row's whole sum may be carried
instead, as one pair (or one unit, where it cannot be negative); in each layer the cheaper of the two ways
is taken.

The network stays a plain chain of layers for that price, and all that reads networks (the proof, the
certificates, the drawing, the page) reads these too. A direct path past layers would be smaller, and would
be another kind of network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitkit.importing.lowering import Lowering, TooLarge, Value

__all__ = ["layered"]

Array = NDArray[np.float64]
Layers = tuple[list[Array], list[Array]]

#: weights of a network: what is carried may be much
LARGEST = 2**24


def layered(low: Lowering, output: Value) -> Layers:
    """Weights and biases of the network whose outputs are the elements of ``output``, in their order.

    Raises:
        TooLarge: more than ``LARGEST`` weights.

    Example:
        >>> low = Lowering(2)
        >>> x = low.inputs((2,), 0)
        >>> first, second = (x.move(lambda r, i=i: r[i : i + 1]) for i in range(2))
        >>> weights, biases = layered(low, low.minimum(first, second))
        >>> weights[1]  # the minimum is one input, which a pair carries, less a greaterness detector
        array([[-1.,  1., -1.]])
    """
    value = low.value(output)
    rows = value.rows.reshape(-1, low.width)
    blocks = [_padded(block.rows, low.width) for block in low.blocks]
    chain = _chain(blocks, rows, low.n_inputs)
    if chain is not None:
        return chain
    return _spread(_tidied(blocks, rows, low.n_inputs))


def _padded(rows: Array, width: int) -> Array:
    return np.pad(rows, [(0, 0), (0, width - rows.shape[1])])


def _chain(blocks: Sequence[Array], output: Array, n_inputs: int) -> Layers | None:
    """The layers as they are, where each block reads the one before it and nothing else."""
    weights, biases = [], []
    start, n = 1, n_inputs
    for rows in (*blocks, output):
        before = rows[:, start : start + n]
        if np.count_nonzero(rows[:, 1:]) != np.count_nonzero(before):
            return None
        weights.append(before)
        biases.append(rows[:, 0])
        start, n = start + n, len(rows)
    return weights, biases


@dataclass(frozen=True)
class _Graph:
    """Rows over 1, inputs and nodes; a node's own row names only nodes before it."""

    nodes: Array
    outputs: Array
    n_inputs: int

    def depths(self) -> NDArray[np.intp]:
        """The layer of each column; 0 for the constant and the inputs."""
        depth = np.zeros(self.nodes.shape[1], dtype=np.intp)
        for i, row in enumerate(self.nodes):
            depth[1 + self.n_inputs + i] = 1 + depth[np.nonzero(row)[0]].max(initial=0)
        return depth


def _tidied(blocks: Sequence[Array], output: Array, n_inputs: int) -> _Graph:
    """The same function of fewer nodes: equal ones once, none where a node is an affine row itself."""
    old = np.concatenate(blocks)
    first = 1 + n_inputs
    width = old.shape[1]
    column = np.arange(width)  # where an old column has gone; -1: it is the row in ``instead``
    instead: dict[int, Array] = {}
    kept: dict[bytes, int] = {}
    rows: list[Array] = []

    def renamed(row: Array) -> Array:
        new = np.zeros(width)
        used = np.nonzero(row)[0]
        stays = used[column[used] >= 0]
        np.add.at(new, column[stays], row[stays])
        for i in used[column[used] < 0]:
            new += row[i] * instead[int(i)]
        return new + 0.0  # -0.0 is 0.0 in the key

    for i, row in enumerate(old, start=first):
        new = renamed(row)
        if not new[1:].any() or _nonnegative(new, first):
            column[i] = -1
            if not new[1:].any():
                new[0] = max(new[0], 0.0)
            instead[i] = new
            continue
        key = new.tobytes()
        if key not in kept:
            kept[key] = first + len(rows)
            rows.append(new)
        column[i] = kept[key]
    outputs = np.array([renamed(row) for row in output])
    end = first + len(rows)
    nodes = np.array(rows).reshape(len(rows), width)[:, :end]
    return _needed(_Graph(nodes, outputs[:, :end], n_inputs))


def _nonnegative(row: Array, first: int) -> bool:
    return not row[1:first].any() and bool((row >= 0).all())


def _needed(graph: _Graph) -> _Graph:
    """Without the nodes that no output depends on."""
    first = 1 + graph.n_inputs
    used: NDArray[np.bool_] = (graph.outputs != 0).any(axis=0)
    for i in reversed(range(len(graph.nodes))):
        if used[first + i]:
            used |= graph.nodes[i] != 0
    used[:first] = True
    return _Graph(graph.nodes[used[first:]][:, used], graph.outputs[:, used], graph.n_inputs)


def _spread(graph: _Graph) -> Layers:
    """From the outputs down, layer by layer: the units that give what the layer above reads."""
    first = 1 + graph.n_inputs
    depth = graph.depths()
    weights: list[Array] = []
    biases: list[Array] = []
    forms = graph.outputs
    for layer in range(int(depth.max(initial=0)), 0, -1):
        own = np.nonzero((depth == layer) & forms.any(axis=0))[0]
        rest = np.where(depth < layer, forms, 0.0)
        rest[:, 0] = 0.0
        units, readout = _carried(rest, first)
        weights.append(np.concatenate([forms[:, own], readout], axis=1))
        biases.append(forms[:, 0])
        if weights[-1].size > LARGEST:
            raise TooLarge(f"would become a network with more than {LARGEST} weights in a layer")
        forms = np.concatenate([graph.nodes[own - first], units])
    weights.append(forms[:, 1:first])
    biases.append(forms[:, 0])
    return weights[::-1], biases[::-1]


def _carried(rest: Array, first: int) -> tuple[Array, Array]:
    """Units (rows) and their readout, ``(forms, units)``, that bring these rows one layer further."""
    terms = np.nonzero(rest.any(axis=0))[0]
    single = [(sign, t) for t in terms for sign in ((1, -1) if t < first else (1,))]
    sums: dict[bytes, list[tuple[int, int]]] = {}  # a row up to its sign -> (form, sign)
    signs: dict[bytes, set[int]] = {}
    for i, row in enumerate(rest):
        if not row.any():
            continue
        sign = -1 if _nonnegative(-row, first) or row[np.nonzero(row)[0][0]] < 0 else 1
        if _nonnegative(row, first):
            sign = 1
        key = (sign * row + 0.0).tobytes()
        sums.setdefault(key, []).append((i, sign))
        signs[key] = {1} if _nonnegative(sign * row, first) else {1, -1}
    if sum(map(len, signs.values())) < len(single):
        units, columns = [], []
        for key, forms in sums.items():
            for unit_sign in sorted(signs[key], reverse=True):
                units.append(unit_sign * np.frombuffer(key))
                readout = np.zeros(len(rest))
                for i, sign in forms:
                    readout[i] = sign * unit_sign
                columns.append(readout)
        return np.array(units) + 0.0, np.array(columns).T
    units_ = np.zeros((len(single), rest.shape[1]))
    readouts = np.zeros((len(rest), len(single)))
    for j, (sign, t) in enumerate(single):
        units_[j, t] = sign
        readouts[:, j] = sign * rest[:, t]
    return units_, readouts + 0.0
