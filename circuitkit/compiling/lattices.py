"""A function's straight pieces as the fewest minima and maxima: read at samples, written as a tree.

Of pieces :math:`p_i` and a function f that is one of them at every point, a set S of pieces may stand in a minimum of
maxima where its largest is nowhere below f; it is needed at the points where its largest is f. Which sets there are, and
the fewest that are enough, is a matter of bits at samples, as for the terms of a logic function. What several sets
share is then taken out, :math:`\\max(\\min(a, b), \\min(a, c)) = \\min(a, \\max(b, c))`, and what is the larger of a number
and its negative is its absolute value. All of it is a guess from samples: whoever uses it has it proved.

Source: McCluskey, "Minimization of Boolean functions" (1956), for terms without a spare literal and their cover.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PIECES", "Node", "Tree", "trees", "with_absolutes"]

Array = NDArray[np.float64]
Masks = NDArray[np.int64]

#: of so many pieces every set is looked at
MOST_PIECES = 12
#: more sets of a cover are not factored in every way
_MOST_SETS = 10
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Node:
    """``"max"`` or ``"min"`` of parts, or ``"abs"`` of one, or ``"-abs"``, the absolute value's negative."""

    kind: str
    parts: tuple[Tree, ...]


#: a piece by its number, or what is made of pieces
Tree: TypeAlias = "int | Node"
_Sets: TypeAlias = frozenset[frozenset[int]]


def trees(pieces: Array, values: Array) -> Iterator[Tree]:
    """Trees over the pieces whose values at the samples are these: a minimum of maxima, and a maximum of minima.

    Args:
        pieces: shape ``(n_pieces, m)``, at most 12 pieces at m samples.
        values: shape ``(m,)``.

    Example:
        >>> x = np.array([-2.0, -1.0, 1.0, 2.0])
        >>> list(trees(np.stack([x, -x]), -abs(x)))
        [Node(kind='min', parts=(0, 1)), Node(kind='min', parts=(0, 1))]
    """
    slack = _ROUNDING * (1 + np.abs(pieces).max(axis=0))
    bits = 1 << np.arange(len(pieces), dtype=np.int64)
    above = bits @ (pieces >= values - slack)
    below = bits @ (pieces <= values + slack)
    for outer, inner, least, most in (("min", "max", above, below), ("max", "min", below, above)):
        sets = _cover(len(pieces), np.unique(least), np.unique(most))
        if sets is not None:
            yield _Factored(outer, inner).tree(frozenset(sets))


def _cover(n: int, least: Masks, most: Masks) -> list[frozenset[int]] | None:
    """The fewest sets that meet each of ``least``, such that each of ``most`` holds one of them."""
    every = np.arange(1 << n, dtype=np.int64)
    meets = ((every[:, None] & least) != 0).all(axis=1)
    smallest = meets.copy()
    for i in range(n):
        has = (every >> i & 1).astype(bool)
        smallest[has] &= ~meets[every[has] ^ (1 << i)]
    primes = every[smallest]
    holds = (primes[:, None] & ~most) == 0
    if not holds.any(axis=0).all():
        return None
    size = np.array([int(p).bit_count() for p in primes])
    left, chosen = np.ones(len(most), dtype=bool), []
    while left.any():
        gain = holds[:, left].sum(axis=1) / size
        chosen.append(int(np.argmax(gain)))
        left &= ~holds[chosen[-1]]
    for k in sorted(chosen, key=lambda k: -size[k]):  # what the later ones made superfluous
        others = [c for c in chosen if c != k]
        if others and holds[others].any(axis=0).all():
            chosen = others
    return [frozenset(i for i in range(n) if primes[k] >> i & 1) for k in chosen]


class _Factored:
    """Trees of a cover in which what sets share is written once."""

    def __init__(self, outer: str, inner: str) -> None:
        self.outer, self.inner = outer, inner
        self.known: dict[_Sets, tuple[int, Tree]] = {}

    def tree(self, sets: _Sets) -> Tree:
        return self.best(sets)[1]

    def best(self, sets: _Sets) -> tuple[int, Tree]:
        if sets not in self.known:
            self.known[sets] = min(self.ways(sets), key=lambda way: (way[0], str(way[1])))
        return self.known[sets]

    def ways(self, sets: _Sets) -> Iterator[tuple[int, Tree]]:
        """(leaves, tree): a shared piece taken out, and the sets without it apart."""
        if len(sets) == 1:
            (only,) = sets
            yield len(only), _node(self.inner, sorted(only))
            return
        count = [(sum(i in s for s in sets), i) for i in frozenset[int]().union(*sets)]
        shared = sorted(((c, i) for c, i in count if c > 1), reverse=True)
        if not shared:
            parts = [_node(self.inner, sorted(s)) for s in sorted(sets, key=sorted)]
            yield sum(map(len, sets)), _node(self.outer, parts)
            return
        few = len(sets) <= _MOST_SETS
        for c, i in shared[: 6 if few else 1]:
            size, inside = self.best(_absorbed({s - {i} for s in sets if i in s}))
            tree = _node(self.inner, [i, inside])
            if c == len(sets):
                yield size + 1, tree
                return
            rest_size, rest = self.best(frozenset(s for s in sets if i not in s))
            yield size + rest_size + 1, _node(self.outer, [tree, rest])


def _absorbed(sets: set[frozenset[int]]) -> _Sets:
    """Without the sets that hold another one: max(a, min(a, b)) = a."""
    return frozenset(s for s in sets if not any(other < s for other in sets))


def _node(kind: str, parts: Sequence[Tree]) -> Tree:
    flat: list[Tree] = []
    for part in parts:
        same = isinstance(part, Node) and part.kind == kind
        flat.extend(part.parts if isinstance(part, Node) and same else [part])
    return flat[0] if len(flat) == 1 else Node(kind, tuple(flat))


def with_absolutes(tree: Tree, pieces: Array) -> Tree:
    """The tree with absolute values for what is, at the samples, the larger of a number and its negative.

    Example:
        >>> x = np.array([-2.0, -1.0, 1.0, 2.0])
        >>> with_absolutes(Node("max", (0, 1)), np.stack([x, -x]))
        Node(kind='abs', parts=(0,))
    """
    return _Absolutes(pieces).made(tree)


class _Absolutes:
    def __init__(self, pieces: Array) -> None:
        self.pieces = pieces
        self.slack = _ROUNDING * (1 + np.abs(pieces).max(axis=0))

    def value(self, tree: Tree) -> Array:
        if not isinstance(tree, Node):
            found: Array = self.pieces[tree]
            return found
        parts = [self.value(part) for part in tree.parts]
        if tree.kind in ("abs", "-abs"):
            return np.abs(parts[0]) if tree.kind == "abs" else -np.abs(parts[0])
        reduce = np.maximum if tree.kind == "max" else np.minimum
        whole: Array = reduce.reduce(parts)
        return whole

    def made(self, tree: Tree) -> Tree:
        if not isinstance(tree, Node) or tree.kind not in ("max", "min"):
            return tree
        sign = 1 if tree.kind == "max" else -1
        parts = [self.made(part) for part in tree.parts]
        while len(parts) > 1:
            shorter = self.once(tree.kind, sign, parts)
            if shorter is None:
                break
            parts = shorter
        return _node(tree.kind, parts)

    def once(self, kind: str, sign: int, parts: list[Tree]) -> list[Tree] | None:
        """The parts of a maximum with |part| for one of them and the others that it makes superfluous."""
        values = [sign * self.value(part) for part in parts]
        whole = np.maximum.reduce(values)
        best: tuple[int, int, list[Tree]] | None = None
        for i, part in enumerate(parts):
            if isinstance(part, Node) and part.kind in ("abs", "-abs"):
                continue
            if (np.abs(values[i]) > whole + self.slack).any():
                continue
            rest = [
                other
                for j, other in enumerate(parts)
                if j != i and (values[j] > np.abs(values[i]) + self.slack).any()
            ]
            gone = len(parts) - 1 - len(rest)
            if gone and (best is None or (gone, -_leaves(part)) > best[:2]):
                absolute = Node("abs" if kind == "max" else "-abs", (part,))
                best = (gone, -_leaves(part), [absolute, *rest])
        return None if best is None else best[2]


def _leaves(tree: Tree) -> int:
    return sum(map(_leaves, tree.parts)) if isinstance(tree, Node) else 1
