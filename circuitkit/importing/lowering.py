r"""One lowering for every tool: each element of each tensor is an affine row over inputs and ReLUs.

A reader walks its tool's graph and calls these rules. A tensor of the graph becomes a :class:`Value`: for
each of its elements one row of coefficients over ``1``, the inputs and the ReLU nodes made so far. What
moves elements (reshape, transpose, gather) moves rows; what is affine (a linear layer, a convolution, batch
normalization) multiplies and adds them; what kinks makes nodes:

========================  ======================================================================
``relu(t)``               a node each; of what is itself nodes, nothing new
``leaky(t, a)``           ``relu(t) - a * relu(-t)``, two nodes; so with ``abs`` (a = -1) and PReLU
``clip(t, low, high)``    ``low + relu(t - low) - relu(t - high)``
``maximum(a, b)``         ``b + relu(a - b)``, folded over more than two
``minimum(a, b)``         ``b - relu(b - a)``
========================  ======================================================================

Both sides of ``t`` cost two nodes, and nothing has to be carried past them: ``2 relu(t) - t`` would be one
node, but then all inputs of ``t`` go along in pairs.

**Rounding.** A linear layer after ReLUs is taken over bit for bit: its row is multiplied by unit rows. Where
affine steps follow one another (two linear layers, a normalization) their product is a sum of products of
doubles, and rounds: a coefficient made of ``n`` products is off by at most about ``n * 2**-53`` times the
sum of their absolute values. That sum is kept beside each coefficient (``Value.sizes``).

What is not piecewise linear raises :class:`NotPiecewiseLinear`; the reader adds the layer's name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST", "Block", "Lowering", "NotPiecewiseLinear", "TooLarge", "Value"]

Array = NDArray[np.float64]

#: coefficients in one tensor: 128 MiB
LARGEST = 2**24


class NotPiecewiseLinear(TypeError):
    """No network of ReLUs computes this."""


class TooLarge(ValueError):
    """More coefficients than a network that this package is for."""


#: a factor and its product: it may come from a difference, a square root, a quotient and a product
_SCALED = 8


@dataclass(frozen=True)
class Value:
    """A tensor that depends on the inputs.

    Attributes:
        rows: shape ``(*shape, columns)``: coefficients over 1, the inputs, the nodes.
        sizes: of that shape: the sum of absolute products that each coefficient is the sum of.
        nodes: whether all elements are ReLUs already, however they have been moved.
    """

    rows: Array
    sizes: Array
    nodes: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's own shape."""
        return self.rows.shape[:-1]

    def move(self, function: Callable[[Array], Array]) -> Value:
        """What rearranges elements, given an array whose last axis is not theirs."""
        return Value(function(self.rows), function(self.sizes), self.nodes)


@dataclass(frozen=True)
class Block:
    """The nodes that one step of the graph made: ``relu`` of these rows."""

    rows: Array
    sizes: Array


class Lowering:
    """The rules, and the nodes made so far.

    Args:
        n_inputs: how many numbers go in.

    Example:
        >>> low = Lowering(1)
        >>> x = low.inputs((1,), 0)
        >>> low.leaky(x, -1.0).rows  # |x| = relu(x) + relu(-x)
        array([[0., 0., 1., 1.]])
    """

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self.blocks: list[Block] = []
        #: how many roundings in a row a coefficient has had at most
        self.roundings = 0
        self.width = 1 + n_inputs

    # --- what there is -------------------------------------------------------------------------------

    def inputs(self, shape: tuple[int, ...], start: int) -> Value:
        """The inputs from number ``start`` on, in this shape."""
        n = int(np.prod(shape, dtype=np.int64))
        return self._units(1 + start, n).move(lambda r: r.reshape(*shape, r.shape[-1]))

    def value(self, tensor: Value | NDArray[np.generic]) -> Value:
        """A tensor as rows over all that there is by now; a constant one has only its first column."""
        if isinstance(tensor, Value):
            missing = self.width - tensor.rows.shape[-1]
            if not missing:
                return tensor
            _need_room(tensor.shape, self.width)
            pad = [(0, 0)] * len(tensor.shape) + [(0, missing)]
            return tensor.move(lambda r: np.pad(r, pad))
        _need_room(tensor.shape, self.width)
        rows = np.zeros((*tensor.shape, self.width))
        rows[..., 0] = tensor
        return Value(rows, np.abs(rows))

    def _units(self, start: int, n: int) -> Value:
        _need_room((n,), max(self.width, start + n))
        rows = np.eye(n, max(self.width, start + n), start)
        return Value(rows, rows)

    # --- affine --------------------------------------------------------------------------------------

    def add(self, a: Value | Array, b: Value | Array, sign: float = 1.0) -> Value:
        """``a + sign * b``, broadcast; ``sign`` is 1 or -1."""
        a, b = self._aligned(a, b)
        self.roundings += bool(((a.rows != 0) & (b.rows != 0)).any())
        return Value(a.rows + sign * b.rows, a.sizes + b.sizes)

    def scale(self, a: Value, factor: NDArray[np.generic] | float) -> Value:
        """Each element times a constant, broadcast."""
        factors = np.asarray(factor, dtype=np.float64)
        (a,), rank = _ranked([a], factors.ndim)
        factors = factors.reshape((1,) * (rank - factors.ndim) + factors.shape)[..., None]
        self.roundings += 0 if _is_exact(factors) else _SCALED
        _need_room(np.broadcast_shapes(a.shape, factors.shape[:-1]), self.width)
        return Value(a.rows * factors, a.sizes * np.abs(factors))

    def matmul(self, a: Value | Array, b: Value | Array) -> Value:
        """The matrix product, as numpy's ``@``, of a value and a constant."""
        if isinstance(a, Value) and isinstance(b, Value):
            raise NotPiecewiseLinear("multiplies two computed tensors")
        if isinstance(a, Value):
            right = np.asarray(b, dtype=np.float64)
            if len(a.shape) > 1:
                return self._linear(a, lambda r, m: r @ m, right)
            made = self._linear(a.move(lambda r: r[None]), lambda r, m: r @ m, right)
            return made.move(lambda r: r.squeeze(-2 if right.ndim == 1 else -3))
        left, value = np.asarray(a, dtype=np.float64), self.value(b)
        if len(value.shape) > 1:
            return self._linear(value, lambda r, m: m @ r, left)
        made = self._linear(value.move(lambda r: r[:, None]), lambda r, m: m @ r, left)
        return made.move(lambda r: r.squeeze(-2))

    def _linear(self, a: Value, apply: Callable[[Array, Array], Array], matrix: Array) -> Value:
        (a,), _ = _ranked([a], matrix.ndim)

        def front(rows: Array, m: Array) -> Array:
            # The columns first, so that the last two axes are the matrices'.
            return np.moveaxis(apply(np.moveaxis(rows, -1, 0), m), 0, -1)

        rows = front(a.rows, matrix)
        _need_room(rows.shape[:-1], self.width)
        terms = front((a.rows != 0).astype(float), (matrix != 0).astype(float))
        self._summed(a.rows, matrix, terms)
        return Value(rows, front(a.sizes, np.abs(matrix)))

    def _summed(self, rows: Array, matrix: Array, terms: Array) -> None:
        """Counts the roundings of sums of products, so many terms each."""
        most = int(terms.max(initial=0.0))
        self.roundings += most - 1 if most > 1 else 0
        self.roundings += not (_is_exact(rows) or _is_exact(matrix))

    def contract(self, subscripts: str, a: Value, constant: Array) -> Value:
        """``numpy.einsum`` of a value and a constant; the value's letters end with one for the columns."""
        there = [(v != 0).astype(float) for v in (a.rows, constant)]
        self._summed(a.rows, constant, np.einsum(subscripts, *there, optimize=True))
        return Value(
            np.einsum(subscripts, a.rows, constant, optimize=True),
            np.einsum(subscripts, a.sizes, np.abs(constant), optimize=True),
        )

    def concatenate(self, parts: Sequence[Value | Array], axis: int) -> Value:
        """The tensors one after another along an axis."""
        values = [self.value(part) for part in parts]
        axis = axis if axis >= 0 else axis + len(values[0].shape)
        return Value(
            np.concatenate([v.rows for v in values], axis),
            np.concatenate([v.sizes for v in values], axis),
        )

    def _aligned(self, *tensors: Value | Array) -> list[Value]:
        """The same rank and the same columns."""
        values = [self.value(t) for t in tensors]
        ranked, _ = _ranked(values, 0)
        _need_room(np.broadcast_shapes(*(v.shape for v in ranked)), self.width)
        return ranked

    # --- kinks ---------------------------------------------------------------------------------------

    def relu(self, a: Value) -> Value:
        """``max(a, 0)``."""
        if a.nodes:
            return a
        made = self._node(a, a)[0]
        return Value(made.rows, made.sizes, nodes=True)

    def leaky(self, a: Value, slope: NDArray[np.generic] | float) -> Value:
        """``a`` where it is positive, ``slope * a`` where it is not."""
        if not np.any(slope):
            return self.relu(a)
        positive, negative = self._node(a, a, self.scale(a, -1.0))
        return self.add(positive, self.scale(negative, slope), -1.0)

    def clip(self, a: Value, low: float, high: float) -> Value:
        """``min(max(a, low), high)``; either may be infinite."""
        if np.isnan(low) or np.isnan(high):
            raise NotPiecewiseLinear("has a bound that is nan")
        if low >= high:
            return self.value(np.full(a.shape, float(high)))
        if low == -np.inf and high == np.inf:
            return a
        if high == np.inf:
            above = self._shifted(a, low)
            return self.add(self._node(a, above)[0], np.array(low))
        if low == -np.inf:
            below = self.scale(self._shifted(a, high), -1.0)
            return self.add(np.array(high), self._node(a, below)[0], -1.0)
        over_low, over_high = self._node(a, self._shifted(a, low), self._shifted(a, high))
        return self._shifted(self.add(over_low, over_high, -1.0), -low)

    def maximum(self, a: Value | Array, b: Value | Array) -> Value:
        """The larger of the two, broadcast."""
        if isinstance(a, Value) and not isinstance(b, Value):
            return self.add(self.relu(self.add(a, b, -1.0)), b)
        return self.add(self.relu(self.add(b, a, -1.0)), a)

    def minimum(self, a: Value | Array, b: Value | Array) -> Value:
        """The smaller of the two, broadcast."""
        if isinstance(a, Value) and not isinstance(b, Value):
            return self.add(b, self.relu(self.add(b, a, -1.0)), -1.0)
        return self.add(a, self.relu(self.add(a, b, -1.0)), -1.0)

    def fold(
        self, parts: Sequence[Value | Array], pair: Callable[[Value | Array, Value | Array], Value]
    ) -> Value | Array:
        """A tree of pairs, so that the depth is the logarithm of the number of parts."""
        left = list(parts)
        while len(left) > 1:
            paired: list[Value | Array] = [
                pair(left[i], left[i + 1]) for i in range(0, len(left) - 1, 2)
            ]
            left = paired + left[len(left) - len(left) % 2 :]
        return left[0]

    def _shifted(self, a: Value, by: float) -> Value:
        return self.add(a, np.array(by), -1.0) if by else a

    def _node(self, like: Value, *parts: Value) -> list[Value]:
        """One block of nodes, ``relu`` of each element of the parts; each part's in its shape."""
        values = [self.value(part) for part in parts]
        n = int(np.prod(like.shape, dtype=np.int64))
        if not n:
            raise NotPiecewiseLinear("is given an empty tensor")
        flat = [v.move(lambda r: r.reshape(n, r.shape[-1])) for v in values]
        block = Block(
            np.concatenate([v.rows for v in flat]), np.concatenate([v.sizes for v in flat])
        )
        self.blocks.append(block)
        start, self.width = self.width, self.width + len(parts) * n
        made = [self._units(start + i * n, n) for i in range(len(parts))]
        return [self.value(m.move(lambda r: r.reshape(*like.shape, r.shape[-1]))) for m in made]

    # --- at points -----------------------------------------------------------------------------------

    def largest_sums(self, output: Value, x: Array, floor: float = 0.0) -> list[Array]:
        """For inputs ``(k, n)`` the sums without cancellation that rounding errors are relative to.

        One array a block, ``(k, nodes)``, and one for the output. ``floor`` is added to each, and so to
        what is made of it: below it a precision has no digits left.
        """
        known = np.concatenate([np.ones((len(x), 1)), np.abs(x)], axis=1)
        sums = []
        flat = output.sizes.reshape(-1, output.sizes.shape[-1])
        for sizes in (*(block.sizes for block in self.blocks), flat):
            sums.append(known[:, : sizes.shape[-1]] @ sizes.T + floor)
            known = np.concatenate([known, sums[-1]], axis=1)
        return sums


def _is_exact(factors: Array) -> bool:
    """Whether to multiply by them rounds nothing: powers of two and zeros."""
    halves, _ = np.frexp(factors)
    return bool(((halves == 0) | (np.abs(halves) == 0.5)).all())


def _ranked(values: Sequence[Value], least: int) -> tuple[list[Value], int]:
    """The values with as many axes as the one with most, ones in front."""
    rank = max(least, *(len(v.shape) for v in values))

    def lifted(v: Value) -> Value:
        ones = (1,) * (rank - len(v.shape))
        return v.move(lambda r: r.reshape(*ones, *r.shape)) if ones else v

    return [lifted(v) for v in values], rank


def _need_room(shape: tuple[int, ...], width: int) -> None:
    if functools.reduce(lambda a, b: a * b, shape, width) > LARGEST:
        raise TooLarge(
            f"would need a tensor of shape {shape} over {width} inputs and units; "
            f"at most {LARGEST} coefficients are read"
        )
