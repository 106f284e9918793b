"""What a written-out step is told beside points and rates: the same numbers on a processor and on a GPU.

:mod:`.compiled_loop` and :mod:`.gpu_loop` spell the same operations; that their results agree to the last
bit begins with these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from circuitkit.training.task import Task


def scale(task: Task) -> float:
    """What points and targets are multiplied by, so that half of the residuals' squares is the loss."""
    return math.sqrt(2 / task.sizes[-1])


def constants(task: Task, names: Sequence[str]) -> list[float]:
    """The optimizer's constants of these names; ``"1 - beta1"`` is one, too."""
    known = {"weight_decay": task.weight_decay, **task.constants}
    known |= {f"1 - {name}": 1 - value for name, value in known.items()}
    return [float(known[name]) for name in names]


def decay(task: Task) -> float:
    """What is added to the gradient of each parameter, times that parameter: AdamW's is apart from it."""
    return 0.0 if task.optimizer == "adamw" else task.weight_decay


def corrections(task: Task, done: int, count: int) -> NDArray[np.float64]:
    """Adam's two corrections at the steps after ``done``, ``(count, 2)``; ones for other optimizers."""
    found = np.ones((count, 2))
    if "beta1" in task.constants:
        t = done + 1 + np.arange(count)
        found[:, 0] = 1 / (1 - task.constants["beta1"] ** t)
        found[:, 1] = (1 - task.constants["beta2"] ** t) ** -0.5
    return found


def rows(record: Sequence[bool]) -> NDArray[np.int64]:
    """The row of the losses for each step that is to be recorded, -1 for the others."""
    return np.where(record, np.cumsum(record) - 1, -1)
