"""A part of a network: what is kept, what takes the place of the rest, and what may then be chosen anew.

Everything is there twice: in floats for many inputs, to search with, and in exact numbers for one input, to
judge with. Keys are those of the drawings: a unit is ``(layer, unit)`` and an edge ``(layer, unit_from,
unit_to)``, counted from 0 with layer 0 the inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuitkit.network import Network
from circuitkit.proof.rationals import floats, number

__all__ = ["EdgeKey", "Family", "Fill", "Key", "Method", "Part", "UnitKey", "Whole"]

Array = NDArray[np.float64]
UnitKey: TypeAlias = tuple[int, int]
EdgeKey: TypeAlias = tuple[int, int, int]
Key: TypeAlias = UnitKey | EdgeKey

#: what happens to the weights of what is kept
Method = Literal["ablation", "refit"]
#: what takes the place of what is removed
Fill = Literal["zero", "mean", "affine"]

_ZERO = number(0)


@dataclass(frozen=True)
class Part:
    """The hidden units that are kept, and the edges between kept units that are cut."""

    units: frozenset[UnitKey]
    cut: frozenset[EdgeKey] = frozenset()

    def without(self, key: Key) -> Part:
        """Without one more unit or edge."""
        if len(key) == 3:
            return Part(self.units, self.cut | {key})
        gone = {e for e in self.cut if key in ((e[0], e[1]), (e[0] + 1, e[2]))}
        return Part(self.units - {key}, self.cut - gone)


@dataclass(frozen=True)
class Whole:
    """A network, and by which rules parts of it are made.

    Attributes:
        net: the network.
        method: ``"ablation"`` keeps every weight of what is kept; with ``"refit"`` the weights into the
            outputs, and their biases, may be chosen anew.
        fill: what is added in the place of what is removed: nothing, each unit's mean activation
            (``means``), or any affine map of the inputs.
        means: one array of mean activations a hidden layer; zeros where nothing takes a unit's place.
        constant: whether a constant may be chosen anew.
    """

    net: Network
    method: Method
    fill: Fill
    means: tuple[Array, ...]
    constant: bool

    @property
    def depth(self) -> int:
        """How many hidden layers."""
        return len(self.net.weights) - 1

    @property
    def everything(self) -> Part:
        """All hidden units, and all edges that are there at all; a weight of 0 is no edge."""
        sizes = self.net.layer_sizes
        return Part(frozenset((i, k) for i in range(1, self.depth + 1) for k in range(sizes[i])))

    def edges(self, part: Part) -> list[EdgeKey]:
        """The edges of a part: weights that are not 0 between its units, inputs and outputs."""
        kept = self.kept(part)
        found = []
        for i, w in enumerate(self.net.weights):
            for k in kept[i]:
                found += [(i, k, j) for j in kept[i + 1] if w[j, k] and (i, k, j) not in part.cut]
        return found

    def kept(self, part: Part) -> list[list[int]]:
        """Which nodes of each layer are kept, the inputs first and the outputs last."""
        sizes = self.net.layer_sizes
        rows = [list(range(sizes[0]))]
        rows += [
            [k for k in range(sizes[i]) if (i, k) in part.units] for i in range(1, self.depth + 1)
        ]
        return [*rows, list(range(sizes[-1]))] if self.depth else [rows[0], list(range(sizes[-1]))]

    def family(self, part: Part) -> Family:
        """All functions that the part can be, as its free weights vary."""
        return Family(self, part)


@dataclass(frozen=True)
class Family:
    r"""The functions :math:`F_j(x) + \sum_k c_{jk} \varphi_k(x)` for all choices of the free ``c``.

    Features :math:`\varphi` are the activations of the kept units of the last hidden layer (of a refit), then the constant
    1, then the inputs, as far as these may be used; ``usable[j, k]`` tells which output may use which.
    An ablation without an affine map has no free number: its family is one function.
    """

    whole: Whole
    part: Part

    @cached_property
    def kept(self) -> list[list[int]]:
        """Which nodes of each layer are kept."""
        return self.whole.kept(self.part)

    @cached_property
    def matrices(self) -> list[Array]:
        """The weights between what is kept, 0 where an edge is cut."""
        made = []
        for i, w in enumerate(self.whole.net.weights):
            made.append(w[np.ix_(self.kept[i + 1], self.kept[i])].copy())
        place = [{k: p for p, k in enumerate(row)} for row in self.kept]
        for i, k, j in self.part.cut:
            made[i][place[i + 1][j], place[i][k]] = 0.0
        return made

    @cached_property
    def constants(self) -> list[list[Any]]:
        """The biases, with what takes the place of removed units, exactly."""
        made = []
        for i, (w, b) in enumerate(zip(self.whole.net.weights, self.whole.net.biases, strict=True)):
            gone = [] if i == 0 else sorted(set(range(w.shape[1])) - set(self.kept[i]))
            row = []
            for j in self.kept[i + 1]:
                c = number(float(b[j]))
                for k in gone:
                    mean = float(self.whole.means[i - 1][k])
                    if mean and w[j, k]:
                        c += number(float(w[j, k])) * number(mean)
                row.append(c)
            made.append(row)
        return made

    @property
    def refits(self) -> bool:
        """Whether the weights into the outputs are chosen anew."""
        return self.whole.method == "refit"

    @property
    def is_affine(self) -> bool:
        """Whether an affine map of the inputs is added."""
        return self.whole.fill == "affine"

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """Which output may use which feature."""
        outputs = len(self.kept[-1])
        parts: list[NDArray[Any]] = []
        if self.refits:
            parts.append(self.matrices[-1] != 0)
        if self.whole.constant:
            parts.append(np.ones((outputs, 1)))
        if self.is_affine:
            parts.append(np.ones((outputs, self.whole.net.n_inputs)))
        return np.hstack(parts).astype(bool) if parts else np.zeros((outputs, 0), dtype=bool)

    def at(self, x: Array) -> tuple[Array, Array]:
        """Features ``(n, n_features)`` and the fixed part ``(n, n_out)`` at many inputs, in floats."""
        h = x
        for i in range(self.whole.depth):
            h = np.maximum(h @ self.matrices[i].T + floats(self.constants[i]), 0.0)
        columns = [h] if self.refits else []
        if self.whole.constant:
            columns.append(np.ones((len(x), 1)))
        if self.is_affine:
            columns.append(x)
        features = np.hstack(columns) if columns else np.zeros((len(x), 0))
        if self.refits:
            return features, np.zeros((len(x), len(self.kept[-1])))
        return features, h @ self.matrices[-1].T + floats(self.constants[-1])

    def exactly(self, x: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Features and fixed part at one input, in exact numbers."""
        point = [number(v) for v in x]
        h = point
        for i in range(self.whole.depth):
            h = [max(z, _ZERO) for z in _product(self.matrices[i], h, self.constants[i])]
        features = list(h) if self.refits else []
        if self.whole.constant:
            features.append(number(1))
        if self.is_affine:
            features += point
        if self.refits:
            return features, [_ZERO] * len(self.kept[-1])
        return features, _product(self.matrices[-1], h, self.constants[-1])

    # --- as a network -----------------------------------------------------------------------------------

    def network(self, chosen: Array) -> tuple[Network, Array | None, list[UnitKey]]:
        """The network with these free numbers ``(n_out, n_features)``.

        Returns:
            The network; the matrix of the affine map ``(n_out, n_in)``, or None; the hidden units that do
            nothing but carry it, in the new network's own numbering.
        """
        n, outputs = self.whole.net.n_inputs, len(self.kept[-1])
        width = len(self.kept[-2])
        readout = chosen[:, :width] if self.refits else self.matrices[-1]
        bias = np.zeros(outputs) if self.refits else floats(self.constants[-1])
        after = width if self.refits else 0
        if self.whole.constant:
            bias = bias + chosen[:, after]
            after += 1
        slopes = chosen[:, after:] if self.is_affine else None
        if not self.whole.depth or not all(self.kept[1:-1]) or not readout.any():
            # Of the inputs nothing comes through hidden units: what is left is an affine map.
            left = np.zeros((outputs, n)) if self.whole.depth else readout
            if self.whole.depth:
                features, fixed = self.at(np.zeros((1, n)))
                bias = fixed[0] + (chosen @ features[0] if chosen.size else 0.0)
            return Network([left if slopes is None else left + slopes], [bias]), slopes, []
        weights = [*self.matrices[:-1], readout]
        biases = [*(floats(c) for c in self.constants[:-1]), bias]
        if slopes is None or not slopes.any():
            return Network(weights, biases), slopes, []
        carriers = _carry(weights, biases, slopes)
        return Network(weights, biases), slopes, carriers


def _carry(weights: list[Array], biases: list[Array], slopes: Array) -> list[UnitKey]:
    """Add pairs of units, relu(z) - relu(-z) = z, that carry an affine map past the others, exactly.

    A pair for each output, or for each input where these are fewer.
    """
    outputs, inputs = np.flatnonzero(slopes.any(axis=1)), np.flatnonzero(slopes.any(axis=0))
    by_output = len(outputs) <= len(inputs)
    first = slopes[outputs] if by_output else np.eye(slopes.shape[1])[inputs]
    last = np.eye(len(slopes))[:, outputs] if by_output else slopes[:, inputs]
    pairs = 2 * len(first)
    carriers: list[UnitKey] = []
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        if i == len(weights) - 1:
            weights[i] = np.hstack([w, last, -last])
            break
        carriers += [(i + 1, len(w) + k) for k in range(pairs)]
        if i == 0:
            weights[i] = np.vstack([w, first, -first])
        else:
            wide = np.zeros((len(w) + pairs, w.shape[1] + pairs))
            wide[: len(w), : w.shape[1]] = w
            wide[len(w) :, w.shape[1] :] = np.eye(pairs)
            weights[i] = wide
        biases[i] = np.concatenate([b, np.zeros(pairs)])
    return carriers


def _product(matrix: Array, h: Sequence[Any], constants: Sequence[Any]) -> list[Any]:
    found = []
    for row, c in zip(matrix.tolist(), constants, strict=True):
        total = c
        for a, v in zip(row, h, strict=True):
            if a and v:
                total += number(a) * v
        found.append(total)
    return found
