"""The steps of a training: chunks of seeds, threads that share them, and what is written down on the way."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from circuitkit.extras import need
from circuitkit.progress import News
from circuitkit.training.flat import from_chunks, to_chunks
from circuitkit.training.points import Points, batches
from circuitkit.training.start import Layers
from circuitkit.training.task import Task

Array = NDArray[np.float64]
Flat = NDArray[np.floating[Any]]

#: how many losses of a seed are kept along the way
RECORDS = 100
#: how many batches are drawn ahead
BATCHES = 100


class Trainer(Protocol):
    """What takes chunks of seeds through their steps.

    Attributes:
        lanes: seeds in a chunk.
        block: steps that one call should take.
    """

    lanes: int
    block: int

    def begin(self, flat: Array, rate: float) -> Any:
        """A chunk that starts at these parameters ``(n_parameters, lanes)``."""

    def load(self, points: Sequence[Points]) -> Any:
        """Points as :meth:`advance` takes them: one set for all its steps, or one for each."""

    def begin_thread(self) -> None:
        """What a thread does before its first chunk."""

    def advance(
        self, chunk: Any, points: Any, rates: Sequence[float], record: Sequence[bool]
    ) -> Flat:
        """Take the chunk through one step for each rate; the losses before the steps in ``record``."""

    def parameters(self, chunk: Any) -> Flat:
        """A copy of the chunk's parameters."""

    def stop(self) -> None:
        """Make every running call return soon."""

    def close(self) -> None:
        """After the last thread has ended: everything is as it was."""


def trainer(task: Task, n_points: int) -> Trainer:
    """What takes the seeds of this task through steps on so many points each."""
    # Each brings a heavy library, and needs no other.
    if task.on_processor:
        need("numba")
        from circuitkit.training.compiled_loop import Fused

        return Fused(task, n_points)
    need("torch")
    if task.written_for_gpu:
        from circuitkit.training.gpu_loop import Written

        return Written(task, n_points)
    from circuitkit.training.torch_loop import Stepwise

    return Stepwise(task, n_points)


@dataclass
class Reached:
    """Where all seeds are after the same number of steps.

    Attributes:
        steps: how many they have taken.
        weights, biases: of every layer, as in :class:`circuitkit.TrainingRun`.
        history: the losses on the way, ``(n_recorded + 1, n_seeds)``; the last row is still empty.
        history_steps: the steps at its rows.
    """

    steps: int
    weights: list[Array]
    biases: list[Array]
    history: NDArray[np.float32]
    history_steps: NDArray[np.int64]


def take_steps(task: Task, loop: Trainer, start: Layers, whole: Points, news: News) -> Reached:
    """Take every seed from ``start`` through the steps of the task, or as far as there is time."""
    n = len(task.seeds)
    rate = task.rate(0) if task.steps else 0.0
    chunks = [loop.begin(part, rate) for part in to_chunks(*start, loop.lanes, bias=task.bias)]
    fresh = batches(task.target, size=task.batch_size)
    points = loop.load([whole])
    recorded = {int(s) for s in np.linspace(0, task.steps, RECORDS + 1)[:-1]} - {task.steps}
    history = np.empty((len(recorded) + 1, n), dtype=np.float32)
    row = done = 0
    finished = [loop.parameters(chunk) for chunk in chunks]
    pool = ThreadPoolExecutor(
        task.threads if task.device.startswith("cpu") else 1,
        "circuitkit",
        initializer=loop.begin_thread,
    )
    try:
        while done < task.steps and not news.stopped:
            block = range(done, min(done + loop.block, task.steps))
            if task.data == "batches":
                block = block[:BATCHES]
                points = loop.load(list(islice(fresh, len(block))))
            arguments = points, [task.rate(s) for s in block], [s in recorded for s in block]
            jobs = [pool.submit(loop.advance, chunk, *arguments) for chunk in chunks]
            losses = _all(jobs, loop, news)
            if losses is None:  # some seeds are further than others
                break
            for i, part in enumerate(losses):
                places = history[row : row + len(part), i * loop.lanes :]
                with np.errstate(over="ignore"):  # what has diverged is inf in the record's float32
                    places[:, : loop.lanes] = part[:, : places.shape[1]]
            row += len(losses[0])
            done, finished = block.stop, [loop.parameters(chunk) for chunk in chunks]
            news.done(len(block) * n)
    finally:
        loop.stop()
        pool.shutdown(wait=True, cancel_futures=True)
        loop.close()
    weights, biases = from_chunks(finished, n, task.sizes, bias=task.bias)
    steps = [*sorted(s for s in recorded if s < done), done]
    return Reached(done, weights, biases, history[: len(steps)], np.array(steps))


def _all(jobs: list[Future[Flat]], loop: Trainer, news: News) -> list[Flat] | None:
    """What every job returns, or None where the work was stopped before all were done."""
    pending = set(jobs)
    while pending:
        if news.stopped:
            loop.stop()
        _, pending = wait(pending, timeout=0.1)
    losses = [job.result() for job in jobs]
    return None if news.stopped else losses
