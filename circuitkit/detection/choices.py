"""What each unit of a hidden layer can become: left out, or kept with all of its edges, or with some of them.

A unit with some of its edges cut is a unit of its own. So a network with one hidden layer is made wider, by all
units that its own can become; a circuit then is a choice among them, at most one for each unit, and which is the
smallest, edges and all, is asked as if it were about units alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from circuitkit.detection.part import EdgeKey, Part, UnitKey, Whole
from circuitkit.network import Network

__all__ = ["Choices", "choices"]

#: with more choices than this the fewest edges are not searched for
_MOST = 240


@dataclass(frozen=True, eq=False)
class Choices:
    """The choices of a network with one hidden layer, as the units of a wider one.

    Attributes:
        whole: the wider network, with the same rules; its hidden units are the choices.
        origin: the network itself.
        unit: of each choice which unit of ``origin`` it is.
        cost: and what it counts: 1, or ``dear`` and 1 for each of its edges.
        cut: and which of that unit's edges are cut.
        dear: what a unit counts where edges count too: more than all edges there are. Else 1.
    """

    whole: Whole
    origin: Whole
    unit: tuple[int, ...]
    cost: tuple[int, ...]
    cut: tuple[frozenset[EdgeKey], ...]
    dear: int

    def part(self, chosen: Iterable[int]) -> Part:
        """The part of ``origin`` that these choices are."""
        kept = list(chosen)
        cut: frozenset[EdgeKey] = frozenset().union(*(self.cut[k] for k in kept))
        return Part(frozenset((1, self.unit[k]) for k in kept), cut)

    def size(self, part: Part) -> int:
        """What a part of ``origin`` counts."""
        edges = len(self.origin.edges(part)) if self.dear > 1 else 0
        return self.dear * len(part.units) + edges

    def total(self, chosen: Iterable[UnitKey]) -> int:
        """What the units of ``whole`` count together."""
        return sum(self.cost[k] for _, k in chosen)

    def of_one_unit(self) -> list[list[int]]:
        """For each unit its choices, of which at most one can be taken."""
        groups: dict[int, list[int]] = {}
        for k, unit in enumerate(self.unit):
            groups.setdefault(unit, []).append(k)
        return list(groups.values())


def choices(whole: Whole, *, edges: bool) -> Choices | None:
    """All choices, with the edges or without; None where they are too many, or there is none."""
    net = whole.net
    width = net.layer_sizes[1]
    if not edges:
        ones = (1,) * width
        return Choices(whole, whole, tuple(range(width)), ones, (frozenset(),) * width, 1)
    made = []
    for k in range(width):
        for one in _of(whole, k):
            made.append((k, *one))
            if len(made) > _MOST:
                return None
    if not made:
        return None  # no unit adds anything
    dear = 1 + len(whole.edges(whole.everything))
    units = tuple(k for k, *_ in made)
    first, last = net.weights[0][list(units)], net.weights[1][:, list(units)].copy()
    cut = []
    cost = []
    for row, (k, into, out) in enumerate(made):
        gone_in = [i for i in range(net.n_inputs) if net.weights[0][k, i] and i not in into]
        gone_out = [j for j in range(net.n_outputs) if net.weights[1][j, k] and j not in out]
        first[row, gone_in] = 0.0
        last[gone_out, row] = 0.0
        cut.append(frozenset([*((0, i, k) for i in gone_in), *((1, k, j) for j in gone_out)]))
        cost.append(dear + len(into) + len(out))
    wide = Network([first, last], [net.biases[0][list(units)], net.biases[1]])
    means = (whole.means[0][list(units)],)
    return Choices(
        replace(whole, net=wide, means=means), whole, units, tuple(cost), tuple(cut), dear
    )


def _of(whole: Whole, k: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The edges into a unit and out of it that may be kept, without choices that are never better than others.

    A unit that reads nothing or that nobody reads adds a constant at most: it is as good as none, except that
    without its mean it is not the same as left out.
    """
    net = whole.net
    into = np.flatnonzero(net.weights[0][k]).tolist()
    out = np.flatnonzero(net.weights[1][:, k]).tolist()
    is_constant = net.biases[0][k] > 0 and not (whole.method == "refit" and whole.constant)
    if whole.means[0][k]:
        yield (), ()
    for some in _subsets(into):
        if some or is_constant:
            yield from ((some, read) for read in _subsets(out) if read)


def _subsets(items: list[int]) -> Iterator[tuple[int, ...]]:
    """All of them, the largest first."""
    for size in range(len(items), -1, -1):
        yield from itertools.combinations(items, size)
