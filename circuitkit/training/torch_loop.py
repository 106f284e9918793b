"""Training in torch, one step of a chunk of seeds after the other: with curvature, and wide networks on a GPU."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from circuitkit.training import curvature, first_order, torch_gradient
from circuitkit.training.flat import n_parameters
from circuitkit.training.points import Points
from circuitkit.training.task import Task

Array = NDArray[np.floating[Any]]
Optimizer = first_order.Optimizer | curvature.LBFGS | curvature.LevenbergMarquardt


@dataclass
class Chunk:
    """Seeds that are trained side by side, and the optimizer with what it remembers of them."""

    theta: torch.Tensor
    optimizer: Optimizer


class Stepwise:
    """Trains chunks of seeds by :class:`circuitkit.training.torch_gradient.Engine`, with every optimizer.

    Every thread has an engine of its own.
    """

    def __init__(self, task: Task, n_points: int) -> None:
        device = torch.device(task.device)
        self._task = task
        self._dtype, self._device = getattr(torch, task.dtype), device
        # How many numbers a point and seed the largest array holds: for "lm" it is the Jacobian.
        parameters = n_parameters(task.sizes, bias=task.bias)
        width = parameters if task.optimizer == "lm" else max(task.sizes[1:])
        self.lanes = torch_gradient.lanes(width, n_points, len(task.seeds), task.threads, device)
        self.block = max(1, min(100, 20_000 * self.lanes // len(task.seeds)))
        self._new_engine = partial(
            torch_gradient.Engine,
            task.sizes,
            n_points,
            self.lanes,
            bias=task.bias,
            unit=n_points**-0.5,
            dtype=self._dtype,
            device=device,
        )
        self._local = threading.local()
        self._stop = threading.Event()
        self._threads_before = torch.get_num_threads()

    def begin(self, flat: NDArray[np.float64], rate: float) -> Chunk:
        """A chunk that starts at these parameters ``(n_parameters, lanes)``."""
        theta = torch.as_tensor(flat, dtype=self._dtype, device=self._device)
        return Chunk(theta, self._new_optimizer())

    def _new_optimizer(self) -> Optimizer:
        task = self._task
        if task.optimizer == "lbfgs":
            return curvature.LBFGS(task.constants, task.weight_decay)
        if task.optimizer == "lm":
            return curvature.LevenbergMarquardt(task.constants, task.weight_decay)
        return first_order.Optimizer(task.optimizer, task.constants, task.weight_decay)

    def begin_thread(self) -> None:
        """What a thread does before its first chunk.

        Numbers below 1e-38 slow a processor down a hundredfold and mean nothing here. One thread an
        operation: waiting for a busy neighbor at every operation would cost far more.
        """
        torch.set_flush_denormal(True)
        torch.set_num_threads(1)

    def load(self, points: Sequence[Points]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Points as :meth:`advance` takes them: one set for all its steps, or one for each."""
        return [
            torch_gradient.as_tensors(p, dtype=self._dtype, device=self._device) for p in points
        ]

    def advance(
        self,
        chunk: Chunk,
        points: Sequence[tuple[torch.Tensor, torch.Tensor]],
        rates: Sequence[float],
        record: Sequence[bool],
    ) -> Array:
        """Take the chunk through one step for each rate; the losses before the steps in ``record``."""
        losses: list[Array] = []
        with torch.inference_mode():
            if not hasattr(self._local, "engine"):
                self._local.engine = self._new_engine()
            engine: torch_gradient.Engine = self._local.engine
            engine.theta.copy_(chunk.theta)
            for i, (rate, wanted) in enumerate(zip(rates, record, strict=True)):
                if self._stop.is_set():
                    break
                if i < len(points):
                    engine.load(*points[i])
                if wanted:
                    losses.append(engine.loss().cpu().numpy())
                chunk.optimizer.step(engine, rate)
            chunk.theta.copy_(engine.theta)
        return np.array(losses).reshape(-1, self.lanes)

    def parameters(self, chunk: Chunk) -> Array:
        """A copy of the chunk's parameters."""
        return chunk.theta.cpu().numpy().copy()

    def stop(self) -> None:
        """Make every running call return soon."""
        self._stop.set()

    def close(self) -> None:
        """After the last thread has ended: torch is as it was."""
        torch.set_num_threads(self._threads_before)
