"""Many steps of many small networks in one compiled loop, for the processor.

Parameters are ``(n_parameters, S)``, the seed axis last, as in :mod:`circuitkit.training.torch_gradient`. The loop
takes a few seeds side by side (:data:`NARROW` to :data:`WIDE`) through all its steps before the next
ones, so that what it touches stays in the cache, and Python makes one call for thousands of steps.
Numba compiles it, once on a machine for each dtype, and brings its own compiler.

Why a seed's network does not depend on its company: every operation is elementwise over the seeds;
sums run over points, inputs and outputs in one fixed order; and nothing allows the compiler to reorder
a sum or to contract a product and a sum into one rounding. So every number is the plain IEEE one,
however wide the vectors are. :mod:`circuitkit.training.unrolled` writes the same operations out for one
architecture, and its numbers are the same to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from circuitkit.training import step_numbers, unrolled
from circuitkit.training.compiled import Compiled, compiled, flush_subnormals
from circuitkit.training.flat import n_parameters
from circuitkit.training.points import Points
from circuitkit.training.task import Task

Array = NDArray[np.floating[Any]]

#: the fewest and the most seeds side by side: a row of them is a few vectors of the processor
NARROW, WIDE = 16, 512
#: numbers that all rows together should not exceed, to stay in the cache closest to the processor
ROOM = 16_384
#: points whose products are summed before they join the gradient: one long float32 sum would lose digits
TILE = 64
#: about how long one parameter, point, seed and step take; chooses how to work, never what comes out
SECONDS = 0.25e-9

_inlined = numba.njit(inline="always", error_model="numpy")


# Loops, where numpy would assign slices: numba takes seconds to compile one of those.


@_inlined
def _take(rows, flat, begin):
    for k in range(len(rows)):
        for s in range(rows.shape[1]):
            rows[k, s] = flat[k, begin + s]


@_inlined
def _put(rows, flat, begin):
    for k in range(len(rows)):
        for s in range(rows.shape[1]):
            flat[k, begin + s] = rows[k, s]


@_inlined
def _clear(rows):
    zero = rows.dtype.type(0)
    for k in range(len(rows)):
        for s in range(rows.shape[1]):
            rows[k, s] = zero


@_inlined
def _set_product(z, a, b):
    for s in range(len(z)):
        z[s] = a[s] * b[s]


@_inlined
def _add_product(z, a, b):
    for s in range(len(z)):
        z[s] += a[s] * b[s]


@_inlined
def _set_multiple(z, a, number):
    for s in range(len(z)):
        z[s] = a[s] * number


@_inlined
def _add_multiple(z, a, number):
    for s in range(len(z)):
        z[s] += a[s] * number


@_inlined
def _zero_unless_positive(z, by):
    zero = z.dtype.type(0)
    for s in range(len(z)):
        z[s] = z[s] if by[s] > 0 else zero


def _gradient(w, g, loss, x, y, start, stop, unit, sizes, bias, h, d):
    """Add the gradient of half the squared residuals to ``g``, and their squares to ``loss``.

    That is the gradient of the loss where points and targets come scaled by ``sqrt(2 / n_outputs)``.

    w, g: ``(n_parameters, lanes)``; loss: ``(lanes,)``; x, y: ``(n_points, n_inputs or n_outputs)``, of
    which the points ``start`` to ``stop`` are taken; unit: what a bias is multiplied by; h, d: room for
    every unit's activation and for the derivative by its preactivation, ``(n_units, lanes)``.
    """
    last = len(sizes) - 2
    for p in range(start, stop):
        row, below, above = 0, 0, sizes[0]
        for layer in range(last + 1):
            n_in, n_out = sizes[layer], sizes[layer + 1]
            for o in range(n_out):
                z = h[above + o]
                if layer == 0:
                    _set_multiple(z, w[row], x[p, 0])
                    for i in range(1, n_in):
                        _add_multiple(z, w[row + i], x[p, i])
                else:
                    _set_product(z, w[row], h[below])
                    for i in range(1, n_in):
                        _add_product(z, w[row + i], h[below + i])
                row += n_in
                if bias:
                    _add_multiple(z, w[row], unit)
                    row += 1
                if layer < last:
                    _zero_unless_positive(z, z)
                else:
                    r, value = d[above + o], y[p, o]
                    for s in range(len(z)):
                        r[s] = z[s] - value
                        loss[s] += r[s] * r[s]
            below, above = above, above + n_out
        for layer in range(last, -1, -1):
            n_in, n_out = sizes[layer], sizes[layer + 1]
            above, below = below, below - n_in
            row -= n_out * (n_in + bias)
            for o in range(n_out):
                by_z, k = d[above + o], row + o * (n_in + bias)
                for i in range(n_in):
                    if layer == 0:
                        _add_multiple(g[k + i], by_z, x[p, i])
                    else:
                        _add_product(g[k + i], by_z, h[below + i])
                if bias:
                    _add_multiple(g[k + n_in], by_z, unit)
            if layer:
                for i in range(n_in):
                    by_h = d[below + i]
                    _set_product(by_h, d[above], w[row + i])
                    for o in range(1, n_out):
                        _add_product(by_h, d[above + o], w[row + o * (n_in + bias) + i])
                    _zero_unless_positive(by_h, h[below + i])


# One step of each optimizer, by the formulas of torch.optim. w, g: ``(n_parameters, lanes)``; first,
# second: what the optimizer remembers, of the same shape or empty; adam: Adam's two corrections for this
# step; c: the constants in the order of KINDS. Each is compiled by itself, when it is first asked for.


def _sgd(w, g, first, second, rate, adam, c):
    for k in range(len(w)):
        v, slope = w[k], g[k]
        for s in range(len(v)):
            v[s] -= rate * slope[s]


def _momentum(w, g, first, second, rate, adam, c):
    for k in range(len(w)):
        v, slope, velocity = w[k], g[k], first[k]
        for s in range(len(v)):
            velocity[s] = velocity[s] * c[0] + slope[s]
        if c[1] > 0:
            for s in range(len(v)):
                v[s] -= rate * (slope[s] + c[0] * velocity[s])
        else:
            for s in range(len(v)):
                v[s] -= rate * velocity[s]


def _adam(w, g, first, second, rate, adam, c):
    along = rate * adam[0]
    for k in range(len(w)):
        v, slope, mean, square = w[k], g[k], first[k], second[k]
        for s in range(len(v)):
            mean[s] = mean[s] * c[0] + c[1] * slope[s]
            square[s] = square[s] * c[2] + c[3] * (slope[s] * slope[s])
            v[s] -= along * (mean[s] / (np.sqrt(square[s]) * adam[1] + c[4]))


def _adamw(w, g, first, second, rate, adam, c):
    along, keep = rate * adam[0], w.dtype.type(1) - rate * c[5]
    for k in range(len(w)):
        v, slope, mean, square = w[k], g[k], first[k], second[k]
        for s in range(len(v)):
            mean[s] = mean[s] * c[0] + c[1] * slope[s]
            square[s] = square[s] * c[2] + c[3] * (slope[s] * slope[s])
            v[s] = v[s] * keep - along * (mean[s] / (np.sqrt(square[s]) * adam[1] + c[4]))


def _rmsprop(w, g, first, second, rate, adam, c):
    for k in range(len(w)):
        v, slope, square = w[k], g[k], second[k]
        for s in range(len(v)):
            square[s] = square[s] * c[0] + c[1] * (slope[s] * slope[s])
            v[s] -= rate * (slope[s] / (np.sqrt(square[s]) + c[2]))


def _rprop(w, g, first, second, rate, adam, c):
    zero = w.dtype.type(0)
    for k in range(len(w)):
        v, slope, size, before = w[k], g[k], first[k], second[k]
        for s in range(len(v)):
            agree, step = slope[s] * before[s], size[s]
            step = step * c[1] if agree > 0 else (step * c[0] if agree < 0 else step)
            step = min(max(step, c[2]), c[3])
            now = zero if agree < 0 else slope[s]
            v[s] -= step if now > 0 else (-step if now < 0 else now)
            size[s], before[s] = step, now


class Kind(NamedTuple):
    """An optimizer: its step, its constants in order, and which of first and second it remembers."""

    step: Callable[..., None]
    constants: tuple[str, ...] = ()
    remembers: tuple[bool, bool] = (False, False)


_ADAM = ("beta1", "1 - beta1", "beta2", "1 - beta2", "eps")
KINDS: dict[str, Kind] = {
    "sgd": Kind(_sgd),
    "momentum": Kind(_momentum, ("momentum", "nesterov"), (True, False)),
    "adam": Kind(_adam, _ADAM, (True, True)),
    "adamw": Kind(_adamw, (*_ADAM, "weight_decay"), (True, True)),
    "rmsprop": Kind(_rmsprop, ("alpha", "1 - alpha", "eps"), (False, True)),
    "rprop": Kind(_rprop, ("shrink", "grow", "smallest", "largest"), (True, True)),
}


class Seeds(NamedTuple):
    """What training changes: parameters and the optimizer's memory, ``(n_parameters, S)`` or empty."""

    theta: Array
    first: Array
    second: Array


class Data(NamedTuple):
    """Points ``(n_sets, n_points, ...)``, one set for all steps or one for each; see :class:`Points`."""

    x: Array
    y: Array
    unit: Any


class Steps(NamedTuple):
    """The steps to take.

    Attributes:
        rates: the learning rate of each, ``(n_steps,)``.
        adam: Adam's two corrections at each, ``(n_steps, 2)``.
        constants: the optimizer's.
        decay: what is added to the gradient of each parameter, times that parameter.
        record: the row of the losses that takes the loss before that step, or -1, ``(n_steps,)``.
    """

    rates: Array
    adam: Array
    constants: Array
    decay: Any
    record: NDArray[np.int64]


class Room(NamedTuple):
    """Where a thread works: parameters and memory, gradient and a part of it, see :func:`_gradient`.

    One array for each: of parts of one the compiler would not know that their rows are contiguous.
    """

    w: Array
    first: Array
    second: Array
    g: Array
    part: Array
    h: Array
    d: Array
    loss: Array


def _advance(gradient, update, seeds, data, steps, sizes, bias, room, losses, stop):
    """Take every seed through these steps, as many side by side as there is room for.

    The number of seeds is a multiple of that; stop: whether to give up before the next ones.
    """
    theta, n_points = seeds.theta, data.x.shape[1]
    zero = theta.dtype.type(0)
    w, first, second, g, part, h, d, loss = room
    lanes = len(loss)
    for begin in range(0, theta.shape[1], lanes):
        if stop[0]:
            return
        _take(w, theta, begin)
        _take(first, seeds.first, begin)
        _take(second, seeds.second, begin)
        for step in range(len(steps.rates)):
            x, y = data.x[step % len(data.x)], data.y[step % len(data.y)]
            for s in range(lanes):
                loss[s] = zero
            _clear(g)
            end = min(TILE, n_points)
            gradient(w, g, loss, x, y, 0, end, data.unit, sizes, bias, h, d)
            while end < n_points:
                start, end = end, min(end + TILE, n_points)
                _clear(part)
                gradient(w, part, loss, x, y, start, end, data.unit, sizes, bias, h, d)
                for k in range(len(g)):
                    total, more = g[k], part[k]
                    for s in range(lanes):
                        total[s] += more[s]
            if steps.record[step] >= 0:
                for s in range(lanes):
                    losses[steps.record[step], begin + s] = loss[s]
            if steps.decay > 0:
                for k in range(len(g)):
                    _add_multiple(g[k], w[k], steps.decay)
            update(w, g, first, second, steps.rates[step], steps.adam[step], steps.constants)
        _put(w, theta, begin)
        _put(first, seeds.first, begin)
        _put(second, seeds.second, begin)


def _signature(dtype: np.dtype[Any]) -> Any:
    """How numba sees a function that takes the arguments of :func:`_gradient`."""
    types = numba.types
    number = numba.from_dtype(dtype)
    rows, matrix = types.Array(number, 1, "C"), types.Array(number, 2, "C")
    whole = types.int64
    return types.void(
        matrix, matrix, rows, matrix, matrix, whole, whole, number,
        types.Array(whole, 1, "C"), types.boolean, matrix, matrix,
    )  # fmt: skip


@cache
def gradient_of_any(dtype: np.dtype[Any]) -> Compiled:
    """The gradient for all architectures."""
    return compiled(_gradient, _signature(dtype))


@cache
def written_out(sizes: tuple[int, ...], bias: bool, lanes: int, dtype: np.dtype[Any]) -> Compiled:
    """The gradient for networks of these widths, written out."""
    names: dict[str, Any] = {}
    exec(unrolled.source(sizes, bias=bias, lanes=lanes), names)
    return compiled(names["gradient"], _signature(dtype), keep=False)


@cache
def update(optimizer: str, dtype: np.dtype[Any]) -> Compiled:
    """One step of this optimizer."""
    return compiled(KINDS[optimizer].step, _update_signature(dtype))


def _update_signature(dtype: np.dtype[Any]) -> Any:
    number = numba.from_dtype(dtype)
    rows, matrix = numba.types.Array(number, 1, "C"), numba.types.Array(number, 2, "C")
    return numba.types.void(matrix, matrix, matrix, matrix, number, rows, rows)


@cache
def advance(dtype: np.dtype[Any]) -> Compiled:
    """The training loop; its first two arguments are a gradient and an optimizer's step."""
    types = numba.types
    number, whole = numba.from_dtype(dtype), types.int64
    rows, matrix, sets = (types.Array(number, n, "C") for n in (1, 2, 3))
    wholes, flags = types.Array(whole, 1, "C"), types.Array(types.boolean, 1, "C")
    taken = types.void(
        types.FunctionType(_signature(dtype)),
        types.FunctionType(_update_signature(dtype)),
        types.NamedUniTuple(matrix, 3, Seeds),  # type: ignore[no-untyped-call]
        types.NamedTuple((sets, sets, number), Data),  # type: ignore[no-untyped-call]
        types.NamedTuple((rows, matrix, rows, number, wholes), Steps),  # type: ignore[no-untyped-call]
        wholes,
        types.boolean,
        types.NamedTuple((*[matrix] * 7, rows), Room),  # type: ignore[no-untyped-call]
        matrix,
        flags,
    )
    return compiled(_advance, taken)


@dataclass
class Chunk:
    """Seeds that one thread takes through their steps, and what the optimizer remembers of them."""

    seeds: Seeds
    steps: int = 0


class Fused:
    """Trains chunks of seeds by :func:`_advance`; the optimizers are those that follow the gradient.

    Attributes:
        lanes: seeds in a chunk.
        block: steps that one call should take: about a twentieth of a second, so that the bar moves
            and the keyboard is heard.
    """

    def __init__(self, task: Task, n_points: int) -> None:
        sizes, n_seeds = task.sizes, len(task.seeds)
        self._dtype = np.dtype(task.dtype)
        self._task, self._sizes = task, np.array(sizes, dtype=np.int64)
        self._kind = KINDS[task.optimizer]
        self._constants = np.array(step_numbers.constants(task, self._kind.constants), self._dtype)
        self._decay = self._dtype.type(step_numbers.decay(task))
        self._scale = step_numbers.scale(task)
        self._stop = np.zeros(1, dtype=np.bool_)
        n = n_parameters(sizes, bias=task.bias)
        # A thread's share of the seeds in equal parts, none much wider than fits; and four chunks a thread,
        # so that one that is held up leaves work to the others.
        fits = min(max(ROOM // (3 * n + 2 * sum(sizes)), NARROW), WIDE)
        parts = math.ceil(n_seeds / (task.threads * fits))
        self._side = NARROW * math.ceil(n_seeds / (task.threads * parts * NARROW))
        self.lanes = self._side * min(math.ceil(parts / 4), 16)
        per_step = SECONDS * n * (n_points + 2)
        self.block = max(1, min(int(0.05 / (per_step * self.lanes)), 10_000))
        saved = 0.6 * per_step * max(n_seeds / task.threads, self._side) * task.steps
        if n <= unrolled.LARGEST and saved > 2 * unrolled.seconds(n):
            self._gradient = written_out(sizes, task.bias, self._side, self._dtype)
        else:
            self._gradient = gradient_of_any(self._dtype)
        self._flush = flush_subnormals()
        self._update = update(task.optimizer, self._dtype)
        self._advance = advance(self._dtype)

    def begin(self, flat: NDArray[np.float64], rate: float) -> Chunk:
        """A chunk that starts at these parameters ``(n_parameters, lanes)``."""
        theta = np.array(flat, self._dtype, order="C")
        first, second = (np.zeros_like(theta[: len(theta) * kept]) for kept in self._kind.remembers)
        if self._task.optimizer == "rprop":
            first[:] = rate
        return Chunk(Seeds(theta, first, second))

    def load(self, points: Sequence[Points]) -> Data:
        """Points as :meth:`advance` takes them: one set for all its steps, or one for each."""
        scaled = (self._scale * np.stack([getattr(p, name) for p in points]) for name in "xy")
        x, y = (np.ascontiguousarray(a, self._dtype) for a in scaled)
        return Data(x, y, self._dtype.type(self._scale * points[0].unit))

    def begin_thread(self) -> None:
        """What a thread does before its first chunk."""
        self._flush()

    def advance(
        self,
        chunk: Chunk,
        points: Data,
        rates: Sequence[float],
        record: Sequence[bool],
    ) -> Array:
        """Take the chunk through one step for each rate; the losses before the steps in ``record``."""
        steps = Steps(
            rates=np.array(rates, self._dtype),
            adam=step_numbers.corrections(self._task, chunk.steps, len(rates)).astype(self._dtype),
            constants=self._constants,
            decay=self._decay,
            record=step_numbers.rows(record),
        )
        losses = np.empty((sum(record), chunk.seeds.theta.shape[1]), self._dtype)
        n, units = len(chunk.seeds.theta), int(self._sizes.sum())
        heights = n, len(chunk.seeds.first), len(chunk.seeds.second), n, n, units, units
        room = Room._make(
            [
                *(np.empty((height, self._side), self._dtype) for height in heights),
                np.empty(self._side, self._dtype),
            ]
        )
        self._advance(
            self._gradient, self._update, chunk.seeds, points, steps, self._sizes,
            self._task.bias, room, losses, self._stop,
        )  # fmt: skip
        chunk.steps += len(rates)
        losses *= self._dtype.type(0.5)
        return losses

    def parameters(self, chunk: Chunk) -> Array:
        """A copy of the chunk's parameters."""
        return chunk.seeds.theta.copy()

    def stop(self) -> None:
        """Make every running call return soon."""
        self._stop[0] = True

    def close(self) -> None:
        """After the last thread has ended."""
