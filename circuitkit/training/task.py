"""What is to be trained: the one container that all of this room reads, and what goes together in it."""

from __future__ import annotations

import importlib.util
import inspect
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import double, made_by, one_of, shown, wrong, wrong_type
from circuitkit.functions.target import Target
from circuitkit.functions.target import target as as_target
from circuitkit.training.arguments import Box, box_of, need_few, need_memory
from circuitkit.training.flat import n_parameters
from circuitkit.training.points import BATCH
from circuitkit.training.unrolled import LARGEST

__all__ = ["OPTIONS", "SCHEDULE", "SCHEDULES", "Schedule", "Task", "task_of"]

Schedule = Callable[[float], float]

#: name -> factor on the learning rate by the share of the steps done
SCHEDULES: dict[str, Schedule] = {
    "constant": lambda progress: 1.0,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)),
    "step": lambda progress: 0.1 ** int(3 * progress),
    "warmup": lambda progress: min(1.0, 10 * progress + 0.01),
}
_FACTOR = "a function from [0, 1) to a finite number, 0 or above"


def _schedule(name: str, value: Any) -> str | Schedule:
    if not callable(value):
        known: str = one_of(*SCHEDULES).take(name, value)
        return known
    try:
        inspect.signature(value).bind(0.0)
    except TypeError as error:
        raise wrong_type(name, _FACTOR, f"{shown(value)}: {error}") from None
    except ValueError:  # written in C, and silent about its arguments
        pass
    schedule: Schedule = value
    return schedule


SCHEDULE = made_by(
    _schedule,
    right="cosine",
    wrong=("cos", 3, None, ["cosine"], lambda: 1.0),
)
#: the optimizers that look at curvature, in torch alone: options and their defaults
WITH_CURVATURE: dict[str, dict[str, float]] = {
    "lbfgs": {"memory": 8, "tries": 12},
    "lm": {"shrink": 0.3, "grow": 4.0},
}
#: all optimizers, first those that follow the gradient, with their options and the defaults
OPTIONS: dict[str, dict[str, float]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9, "nesterov": 0.0},
    "adam": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "adamw": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "rmsprop": {"alpha": 0.99, "eps": 1e-8},
    "rprop": {"shrink": 0.5, "grow": 1.2, "smallest": 1e-6, "largest": 50.0},
    **WITH_CURVATURE,
}
#: what a rescue decides itself: these arguments are left as they are
_DECIDED = (
    "steps",
    "learning_rate",
    "data",
    "schedule",
    "weight_decay",
    "options",
    "dtype",
    "device",
    "batch_size",
)


@dataclass(frozen=True)
class Task:
    """The arguments of :func:`circuitkit.train`, each in one form, and what follows from them.

    Attributes:
        target, hidden, seeds, steps, optimizer, learning_rate, init, data, rescue, bias, schedule,
            weight_decay, options, dtype, device, batch_size, threads, domain, budget: as there.
    """

    target: Target
    hidden: tuple[int, ...]
    seeds: NDArray[np.int64]
    steps: int = 500
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    init: str = "torch"
    data: str = "population"
    rescue: str | None = None
    bias: bool = False
    schedule: str | Schedule = "constant"
    weight_decay: float = 0.0
    options: Mapping[str, float] = field(default_factory=dict)
    dtype: str = "float32"
    device: str = "cpu"
    batch_size: int = BATCH
    threads: int = 1
    domain: Box | None = None
    budget: float = 20_000.0

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths from input to output."""
        return (self.target.n_inputs, *self.hidden, self.target.n_outputs)

    @property
    def constants(self) -> dict[str, float]:
        """The optimizer's options, all of them."""
        return {**OPTIONS[self.optimizer], **self.options}

    @property
    def on_processor(self) -> bool:
        """Whether the compiled loop does the work, not torch."""
        return self.device.startswith("cpu") and self.optimizer not in WITH_CURVATURE

    @property
    def written_for_gpu(self) -> bool:
        """Whether a program written for a GPU does the work: where all parameters find a register.

        Triton, which compiles it, is a part of torch's CUDA build, though not on every system.
        """
        if self.device.startswith("cpu") or self.optimizer in WITH_CURVATURE:
            return False
        small = n_parameters(self.sizes, bias=self.bias) <= LARGEST
        return small and importlib.util.find_spec("triton") is not None

    def rate(self, step: int) -> float:
        """The learning rate of that step."""
        if isinstance(self.schedule, str):
            return self.learning_rate * SCHEDULES[self.schedule](step / self.steps)
        factor = _factor(self.schedule, step / self.steps)
        rate = self.learning_rate * factor
        if rate > float(np.finfo(self.dtype).max):
            expected = f"factors that leave the learning rate within the range of {self.dtype}"
            raise wrong("schedule", expected, f"{shown(factor)} at {step / self.steps:.6g}")
        return rate

    def settings(self) -> dict[str, Any]:
        """The arguments as a run keeps them."""
        left_out = ["target", "seeds", "threads"]
        left_out += ["domain", "budget"] if self.rescue is None else [*_DECIDED, "optimizer"]
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}


def task_of(**given: Any) -> Task:
    """The task that the arguments of :func:`circuitkit.train` make together, each looked at already.

    Raises:
        ValueError: arguments that do not go together, named in the message.
    """
    target, threads = as_target(given["target"]), given["threads"]
    seeds = given["seeds"] if isinstance(given["seeds"], np.ndarray) else np.arange(given["seeds"])
    decided = {
        "target": target,
        "seeds": seeds,
        "options": _options(given["options"] or {}, given["optimizer"]),
        # No more than there are seeds to share: a number of any size is divided by.
        "threads": min(_available() if threads is None else threads, len(seeds)),
        "domain": box_of(given["domain"], target.n_inputs),
    }
    task = Task(**{**given, **decided})
    _check_rescue(task)
    _check_ignored(task)
    _check_range(task)
    if task.rescue is not None:
        need_few(task.sizes, bias=task.bias)
    squares = task.optimizer == "lm"
    need_memory(task.sizes, len(task.seeds), bias=task.bias, squares=squares)
    return task


def _factor(schedule: Schedule, progress: float) -> float:
    """What a schedule says there.

    Raises:
        TypeError: it is no number.
        ValueError: it is not finite, or below 0.
    """
    given: Any = schedule(progress)
    try:
        # numpy and torch give some numbers as arrays without an axis.
        value = given.item() if getattr(given, "shape", None) == () else given
        factor: float = double(least=0).take("schedule", value)
    except (TypeError, ValueError) as error:
        kind = wrong_type if isinstance(error, TypeError) else wrong
        raise kind("schedule", _FACTOR, f"{shown(given)} at {progress:.6g}") from None
    return factor


def _available() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _options(options: Mapping[str, Any], optimizer: str) -> dict[str, float]:
    known = OPTIONS[optimizer]
    for name in options:
        if name not in known:
            accepted = ", ".join(map(repr, known)) or "no options"
            raise ValueError(f"options: {optimizer!r} takes {accepted}, got {shown(name)}")
    constant = double(least=0)
    return {name: constant.take(f"options[{name!r}]", v) for name, v in options.items()}


def _check_ignored(task: Task) -> None:
    """Refuse what would change nothing."""
    if task.schedule != "constant" and task.optimizer in WITH_CURVATURE:
        raise ValueError(
            f"schedule: with optimizer={task.optimizer!r}, whose learning rate is that of its start alone, "
            f"expected 'constant' or left out, got {shown(task.schedule)}"
        )
    if task.batch_size != BATCH and task.data == "population":
        raise ValueError(
            f"batch_size: with data='population', which has no batches, expected it left out, "
            f"got {task.batch_size}"
        )


def _check_range(task: Task) -> None:
    """Refuse constants that the numbers of the training do not hold: they would be inf, or 0."""
    held = np.finfo(task.dtype)
    least, most = float(held.tiny), float(held.max)
    constants = {f"options[{name!r}]": value for name, value in task.options.items()}
    own = {"learning_rate": task.learning_rate, "weight_decay": task.weight_decay}
    for name, value in {**own, **constants}.items():
        if value and not least <= value <= most:
            expected = f"a number from {least:.3g} to {most:.3g}, the range of dtype={task.dtype!r}"
            raise wrong(
                name, f"{expected}{'' if name == 'learning_rate' else ', or 0'}", shown(value)
            )


def _check_rescue(task: Task) -> None:
    """Refuse what a rescue decides itself, or what it alone has where there is none."""
    usual = {f.name: f.default for f in fields(Task)} | {"options": {}}
    if task.rescue is None:
        for name in ("domain", "budget"):
            if getattr(task, name) != usual[name]:
                raise ValueError(f"{name}: only with rescue, got {getattr(task, name)!r} without")
        return
    for name in _DECIDED:
        if getattr(task, name) != usual[name]:
            raise ValueError(
                f"{name}: with rescue={task.rescue!r}, whose steps are Levenberg-Marquardt's, "
                f"expected it left out, got {getattr(task, name)!r}"
            )
    if task.optimizer not in ("sgd", "lm"):
        raise ValueError(
            f"optimizer: with rescue={task.rescue!r} expected 'lm' or left out, got {task.optimizer!r}"
        )
    _ = task.target.exact_pieces  # what can be proved
    if task.domain is not None and not task.bias:
        raise ValueError("domain: networks that fit on a box alone need bias=True, got bias=False")
