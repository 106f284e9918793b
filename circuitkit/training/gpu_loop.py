"""Many steps of many small networks on a GPU: one seed a thread, all its steps in one program.

A step of so small a network is over before a GPU has been asked for its first operation: asked for one
operation at a time it is slower than a processor. So the whole loop is one program, written out for one
architecture and optimizer (:mod:`circuitkit.training.unrolled`), whose parameters stay in registers.
Triton compiles it, which comes with torch's CUDA build and needs no compiler of its own.

The operations and their order are those of :mod:`circuitkit.training.compiled_loop`, each rounded by
itself, so that a seed's network is the processor's to the last bit, and does not depend on its company.
(But for numbers below 1e-38, which only the processor takes for zero.)
"""

from __future__ import annotations

import importlib
import linecache
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from circuitkit.training import step_numbers, unrolled
from circuitkit.training.flat import n_parameters
from circuitkit.training.points import Points
from circuitkit.training.task import Task

Array = NDArray[np.floating[Any]]

#: seeds that are in step with each other: the width of a GPU's unit of scheduling
SIDE = 32
#: the most seeds in a chunk
MOST = 2**18
#: points whose products are summed before they join the gradient, as in the compiled loop
TILE = 64
#: about how long one parameter, point, seed and step take on a busy GPU, and a point of one seed alone
SECONDS, ALONE = 0.5e-12, 0.4e-6


class _Registers(NamedTuple):
    """How Triton spells the lines: every parameter of every seed is a variable."""

    loss: str = "loss"

    def weight(self, k: int) -> str:
        return f"w{k}"

    def slope(self, k: int) -> str:
        return f"p{k}"

    def where_positive(self, by: str, value: str) -> str:
        return f"tl.where({by} > 0, {value}, zero)"


class _Update(NamedTuple):
    """An optimizer: its constants in order, which memories it has, and one step for parameter ``#``."""

    constants: tuple[str, ...]
    memories: str
    lines: tuple[str, ...]


_ADAM = ("beta1", "1 - beta1", "beta2", "1 - beta2", "eps")
_MEANS = ("a# = a# * c0 + c1 * g#", "b# = b# * c2 + c3 * (g# * g#)")
_SCALED = "along * DIVIDE(a#, ROOT(b#) * adam1 + c4)"
#: by the formulas of :mod:`circuitkit.training.compiled_loop`, in its order
UPDATES: dict[str, _Update] = {
    "sgd": _Update((), "", ("w# -= rate * g#",)),
    "momentum": _Update(("momentum",), "a", ("a# = a# * c0 + g#", "w# -= rate * a#")),
    "nesterov": _Update(("momentum",), "a", ("a# = a# * c0 + g#", "w# -= rate * (g# + c0 * a#)")),
    "adam": _Update(_ADAM, "ab", (*_MEANS, f"w# -= {_SCALED}")),
    "adamw": _Update((*_ADAM, "weight_decay"), "ab", (*_MEANS, f"w# = w# * keep - {_SCALED}")),
    "rmsprop": _Update(
        ("alpha", "1 - alpha", "eps"),
        "b",
        ("b# = b# * c0 + c1 * (g# * g#)", "w# -= rate * DIVIDE(g#, ROOT(b#) + c2)"),
    ),
    "rprop": _Update(
        ("shrink", "grow", "smallest", "largest"),
        "ab",
        (
            "agree = g# * b#",
            "a# = tl.where(agree > 0, a# * c1, tl.where(agree < 0, a# * c0, a#))",
            "a# = tl.minimum(tl.maximum(a#, c2), c3)",
            "b# = tl.where(agree < 0, zero, g#)",
            "w# -= tl.where(b# > 0, a#, tl.where(b# < 0, -a#, b#))",
        ),
    ),
}


def source(sizes: Sequence[int], *, bias: bool, kind: str, decay: bool, dtype: str) -> str:
    """The program: a Triton function ``advance``; ``kind`` is a key of :data:`UPDATES`.

    >>> print(source((1, 1, 1), bias=False, kind="sgd", decay=False, dtype="float32"))
    def advance(theta, first, second, x, y, rates, adam, constants, record, losses,
                n_points, n_sets, n_steps, n_seeds, SIDE: tl.constexpr):
        s = tl.program_id(0) * SIDE + tl.arange(0, SIDE)
        zero = tl.zeros([SIDE], tl.float32)
        w0 = tl.load(theta + 0 * n_seeds + s)
        w1 = tl.load(theta + 1 * n_seeds + s)
        unit = tl.load(constants + 0)
        for step in range(n_steps):
            rate = tl.load(rates + step)
            points = (step % n_sets) * n_points
            loss = zero
            g0 = zero
            g1 = zero
            for start in range(0, n_points, 64):
                p0 = zero
                p1 = zero
                for p in range(points + start, points + tl.minimum(start + 64, n_points)):
                    x0 = tl.load(x + p * 1 + 0)
                    y0 = tl.load(y + p * 1 + 0)
                    z = w0 * x0
                    h1_0 = tl.where(z > 0, z, zero)
                    z = w1 * h1_0
                    d2_0 = z - y0
                    loss += d2_0 * d2_0
                    p1 += d2_0 * h1_0
                    z = d2_0 * w1
                    d1_0 = tl.where(h1_0 > 0, z, zero)
                    p0 += d1_0 * x0
                g0 += p0
                g1 += p1
            row = tl.load(record + step)
            if row >= 0:
                tl.store(losses + row * n_seeds + s, loss)
            w0 -= rate * g0
            w1 -= rate * g1
        tl.store(theta + 0 * n_seeds + s, w0)
        tl.store(theta + 1 * n_seeds + s, w1)
    """
    return "\n".join(_lines(sizes, bias, kind, decay, dtype))


def _lines(sizes: Sequence[int], bias: bool, kind: str, decay: bool, dtype: str) -> Iterator[str]:
    update, parameters = UPDATES[kind], range(n_parameters(sizes, bias=bias))
    arrays = {"w": "theta", "a": "first", "b": "second"}
    kept = [(name, arrays[name], k) for name in "w" + update.memories for k in parameters]
    yield "def advance(theta, first, second, x, y, rates, adam, constants, record, losses,"
    yield "            n_points, n_sets, n_steps, n_seeds, SIDE: tl.constexpr):"
    yield "    s = tl.program_id(0) * SIDE + tl.arange(0, SIDE)"
    yield f"    zero = tl.zeros([SIDE], tl.{dtype})"
    yield from (f"    {name}{k} = tl.load({array} + {k} * n_seeds + s)" for name, array, k in kept)
    yield "    unit = tl.load(constants + 0)"
    if decay:
        yield "    decay = tl.load(constants + 1)"
    for i in range(len(update.constants)):
        yield f"    c{i} = tl.load(constants + {2 + i})"
    yield "    for step in range(n_steps):"
    yield "        rate = tl.load(rates + step)"
    yield "        points = (step % n_sets) * n_points"
    yield "        loss = zero"
    yield from (f"        g{k} = zero" for k in parameters)
    yield f"        for start in range(0, n_points, {TILE}):"
    yield from (f"            p{k} = zero" for k in parameters)
    yield f"            for p in range(points + start, points + tl.minimum(start + {TILE}, n_points)):"
    for name, count in (("x", sizes[0]), ("y", sizes[-1])):
        for i in range(count):
            yield f"                {name}{i} = tl.load({name} + p * {count} + {i})"
    for line in unrolled.one_seed(sizes, bias=bias, spelling=_Registers()):
        yield f"                {line}"
    yield from (f"            g{k} += p{k}" for k in parameters)
    yield "        row = tl.load(record + step)"
    yield "        if row >= 0:"
    yield "            tl.store(losses + row * n_seeds + s, loss)"
    if decay:
        yield from (f"        g{k} += w{k} * decay" for k in parameters)
    yield from (f"        {line}" for line in _update(kind, parameters, dtype))
    yield from (f"    tl.store({array} + {k} * n_seeds + s, {name}{k})" for name, array, k in kept)


def _update(kind: str, parameters: Sequence[int], dtype: str) -> Iterator[str]:
    """One step of the optimizer, from the slopes ``g0 ...``."""
    if kind in ("adam", "adamw"):
        yield "along = rate * tl.load(adam + 2 * step)"
        yield "adam1 = tl.load(adam + 2 * step + 1)"
    if kind == "adamw":
        yield "keep = 1 - rate * c5"
    # Triton's plain division and root of float32 are not rounded as IEEE says.
    divide, root = ("tl.div_rn", "tl.sqrt_rn") if dtype == "float32" else ("tl.fdiv", "tl.sqrt")
    for k in parameters:
        for line in UPDATES[kind].lines:
            yield line.replace("#", str(k)).replace("DIVIDE", divide).replace("ROOT", root)


@cache
def program(sizes: tuple[int, ...], bias: bool, kind: str, decay: bool, dtype: str) -> Any:
    """The program, compiled at its first call; Triton keeps the result on disk."""
    triton = importlib.import_module("triton")
    tl = importlib.import_module("triton.language")

    text = source(sizes, bias=bias, kind=kind, decay=decay, dtype=dtype)
    # Triton reads the text of a function where Python would show it in a traceback.
    name = f"<{kind} on {'-'.join(map(str, sizes))}, {bias}, {decay}, {dtype}>"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    names: dict[str, Any] = {"tl": tl, "__name__": __name__}
    exec(compile(text, name, "exec"), names)
    counts = ["n_points", "n_sets", "n_steps", "n_seeds"]
    return triton.jit(do_not_specialize=counts)(names["advance"])


@dataclass
class Chunk:
    """Seeds and what the optimizer remembers of them, each ``(n_parameters, lanes)`` or empty."""

    theta: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    steps: int = 0


class Data(NamedTuple):
    """Points ``(n_sets, n_points, ...)``, one set for all steps or one for each; see :class:`Points`."""

    x: torch.Tensor
    y: torch.Tensor
    unit: float


class Written:
    """Trains chunks of seeds by :func:`program`; the optimizers are those that follow the gradient.

    Attributes:
        lanes: seeds in a chunk.
        block: steps that one call should take: about a twentieth of a second.
    """

    def __init__(self, task: Task, n_points: int) -> None:
        self._task, self._device = task, torch.device(task.device)
        self._dtype = getattr(torch, task.dtype)
        nesterov = task.optimizer == "momentum" and task.constants["nesterov"]
        kind = "nesterov" if nesterov else task.optimizer
        self._update = UPDATES[kind]
        self._decay = step_numbers.decay(task)
        self._constants = step_numbers.constants(task, self._update.constants)
        self._scale = step_numbers.scale(task)
        self._stopped = False
        n, n_seeds = n_parameters(task.sizes, bias=task.bias), len(task.seeds)
        chunks = math.ceil(n_seeds / MOST)
        self.lanes = SIDE * math.ceil(n_seeds / (chunks * SIDE))
        per_step = (n_points + 2) * max(SECONDS * n * self.lanes, ALONE)
        self.block = max(1, min(int(0.05 / per_step), 10_000))
        self._program = program(task.sizes, task.bias, kind, self._decay > 0, task.dtype)

    def begin(self, flat: NDArray[np.float64], rate: float) -> Chunk:
        """A chunk that starts at these parameters ``(n_parameters, lanes)``."""
        theta = self._tensor(flat)
        first, second = (
            torch.zeros_like(theta) if name in self._update.memories else theta for name in "ab"
        )
        if self._task.optimizer == "rprop":
            first.fill_(rate)
        return Chunk(theta, first, second)

    def _tensor(self, a: Any) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(a), dtype=self._dtype, device=self._device)

    def load(self, points: Sequence[Points]) -> Data:
        """Points as :meth:`advance` takes them: one set for all its steps, or one for each."""
        x, y = (self._scale * np.stack([getattr(p, name) for p in points]) for name in "xy")
        return Data(self._tensor(x), self._tensor(y), self._scale * points[0].unit)

    def begin_thread(self) -> None:
        """What a thread does before its first chunk: its GPU is the one that was asked for."""
        if self._device.index is not None and self._device.type == "cuda":
            torch.cuda.set_device(self._device)

    def advance(
        self, chunk: Chunk, points: Data, rates: Sequence[float], record: Sequence[bool]
    ) -> Array:
        """Take the chunk through one step for each rate; the losses before the steps in ``record``."""
        if self._stopped:
            return np.empty((0, self.lanes))
        adam = step_numbers.corrections(self._task, chunk.steps, len(rates))
        rows = torch.tensor(step_numbers.rows(record), device=self._device)
        losses = torch.empty(
            (max(sum(record), 1), self.lanes), dtype=self._dtype, device=self._device
        )
        n_sets, n_points = points.x.shape[:2]
        self._program[(self.lanes // SIDE,)](
            chunk.theta, chunk.first, chunk.second, points.x, points.y,
            self._tensor(rates), self._tensor(adam),
            self._tensor([points.unit, self._decay, *self._constants]),
            rows, losses, n_points, n_sets, len(rates), self.lanes,
            # Every product and every sum is rounded by itself.
            SIDE=SIDE, num_warps=1, enable_fp_fusion=False,
        )  # fmt: skip
        chunk.steps += len(rates)
        half: Array = losses[: sum(record)].mul_(0.5).cpu().numpy()
        return half

    def parameters(self, chunk: Chunk) -> Array:
        """A copy of the chunk's parameters."""
        theta: Array = chunk.theta.cpu().numpy().copy()
        return theta

    def stop(self) -> None:
        """Make every call to come return at once; one that runs is over soon."""
        self._stopped = True

    def close(self) -> None:
        """After the last thread has ended."""
