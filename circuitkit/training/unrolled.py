"""The gradient of one architecture, every unit and weight written out.

:mod:`circuitkit.training.compiled_loop` has loops that fit every architecture; here the program is written for one, as
straight lines that keep a point's activations in registers. That is three to five times as fast and
takes about a second to compile, which a long training pays for.
The operations and their order are the same, and so are the results, to the last bit. So are they in
:mod:`circuitkit.training.gpu_loop`, which spells the same lines for a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple, Protocol

#: parameters of the largest network that is written out; compiling takes longer with every one
LARGEST = 100


def seconds(n: int) -> float:
    """About how long a network of ``n`` parameters takes to compile."""
    return 0.3 + 0.03 * n


def source(sizes: Sequence[int], *, bias: bool, lanes: int) -> str:
    """A Python function ``gradient`` with the arguments of ``circuitkit.training.compiled_loop._gradient``.

    >>> print(source((1, 1, 1), bias=False, lanes=16))
    def gradient(w_rows, g_rows, loss, x, y, start, stop, unit, sizes, bias, h, d):
        w, g = w_rows.reshape(w_rows.size), g_rows.reshape(g_rows.size)
        zero = w.dtype.type(0)
        for p in range(start, stop):
            x0 = x[p, 0]
            y0 = y[p, 0]
            for s in range(16):
                z = w[0 + s] * x0
                h1_0 = z if z > 0 else zero
                z = w[16 + s] * h1_0
                d2_0 = z - y0
                loss[s] += d2_0 * d2_0
                g[16 + s] += d2_0 * h1_0
                z = d2_0 * w[16 + s]
                d1_0 = z if h1_0 > 0 else zero
                g[0 + s] += d1_0 * x0
    """
    lines = [
        "def gradient(w_rows, g_rows, loss, x, y, start, stop, unit, sizes, bias, h, d):",
        # Flat: so the compiler knows how far apart two rows are, and that they do not overlap.
        "    w, g = w_rows.reshape(w_rows.size), g_rows.reshape(g_rows.size)",
        "    zero = w.dtype.type(0)",
        "    for p in range(start, stop):",
        *(f"        x{i} = x[p, {i}]" for i in range(sizes[0])),
        *(f"        y{o} = y[p, {o}]" for o in range(sizes[-1])),
        f"        for s in range({lanes}):",
        *(f"            {line}" for line in one_seed(sizes, bias=bias, spelling=_Rows(lanes))),
    ]
    return "\n".join(lines)


class Spelling(Protocol):
    """How a language writes what one point and one seed need."""

    @property
    def loss(self) -> str:
        """Where the squared residuals are summed."""

    def weight(self, k: int) -> str:
        """The ``k``-th parameter."""

    def slope(self, k: int) -> str:
        """The derivative by it."""

    def where_positive(self, by: str, value: str) -> str:
        """``value`` where ``by`` is positive, else 0."""


class _Rows(NamedTuple):
    """For the compiled loop: rows of so many seeds in one flat array, ``s`` the seed."""

    lanes: int
    loss: str = "loss[s]"

    def weight(self, k: int) -> str:
        return f"w[{k * self.lanes} + s]"

    def slope(self, k: int) -> str:
        return f"g[{k * self.lanes} + s]"

    def where_positive(self, by: str, value: str) -> str:
        return f"{value} if {by} > 0 else zero"


def one_seed(sizes: Sequence[int], *, bias: bool, spelling: Spelling) -> Iterator[str]:
    """The lines for one point, its inputs in ``x0 ...`` and its targets in ``y0 ...``, and one seed."""
    last = len(sizes) - 1  # the layer of the outputs
    starts = [0, *accumulate(o * (i + bias) for i, o in pairwise(sizes))]

    def place(layer: int, o: int, i: int) -> int:
        return starts[layer - 1] + o * (sizes[layer - 1] + bias) + i

    def unit(layer: int, i: int) -> str:
        if i == sizes[layer]:
            return "unit"
        return f"h{layer}_{i}" if layer else f"x{i}"

    for layer in range(1, last + 1):
        inputs = range(sizes[layer - 1] + bias)
        for o in range(sizes[layer]):
            terms = (
                f"{spelling.weight(place(layer, o, i))} * {unit(layer - 1, i)}" for i in inputs
            )
            yield f"z = {' + '.join(terms)}"
            if layer < last:
                yield f"h{layer}_{o} = {spelling.where_positive('z', 'z')}"
            else:
                yield f"d{layer}_{o} = z - y{o}"
                yield f"{spelling.loss} += d{layer}_{o} * d{layer}_{o}"
    for layer in range(last, 0, -1):
        outputs = range(sizes[layer])
        for o in outputs:
            for i in range(sizes[layer - 1] + bias):
                yield f"{spelling.slope(place(layer, o, i))} += d{layer}_{o} * {unit(layer - 1, i)}"
        if layer == 1:
            return
        for i in range(sizes[layer - 1]):
            terms = (f"d{layer}_{o} * {spelling.weight(place(layer, o, i))}" for o in outputs)
            yield f"z = {' + '.join(terms)}"
            yield f"d{layer - 1}_{i} = {spelling.where_positive(f'h{layer - 1}_{i}', 'z')}"
