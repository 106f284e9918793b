"""What is to be trained, checked once: the one container that all of this room reads."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.extras import need
from circuitkit.functions.target import Target, TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.training.points import BATCH
from circuitkit.training.problem import Box
from circuitkit.training.start import INITS

if TYPE_CHECKING:
    import torch

__all__ = ["OPTIONS", "SCHEDULES", "Task", "checked"]

Schedule = Callable[[float], float]

#: name -> factor on the learning rate by the share of the steps done
SCHEDULES: dict[str, Schedule] = {
    "constant": lambda progress: 1.0,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)),
    "step": lambda progress: 0.1 ** int(3 * progress),
    "warmup": lambda progress: min(1.0, 10 * progress + 0.01),
}
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
#: what gets a stuck seed moving again
RESCUES = ("restart", "redraw")
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
_MAX_SEED = 2**63
#: more networks than any memory holds
_MOST_SEEDS = 2**40


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

    def rate(self, step: int) -> float:
        """The learning rate of that step."""
        s = SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule
        return self.learning_rate * float(s(step / self.steps))

    def settings(self) -> dict[str, Any]:
        """The arguments as a run keeps them."""
        left_out = ["target", "seeds", "threads"]
        left_out += ["domain", "budget"] if self.rescue is None else [*_DECIDED, "optimizer"]
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}


def checked(
    *,
    target: TargetLike,
    hidden: int | Iterable[int],
    seeds: int | Iterable[int],
    steps: int,
    optimizer: str,
    learning_rate: float,
    init: str,
    data: str,
    rescue: str | None,
    bias: bool,
    schedule: str | Schedule,
    weight_decay: float,
    options: Mapping[str, float] | None,
    dtype: str | torch.dtype,
    device: str | torch.device,
    batch_size: int,
    threads: int | None,
    domain: Sequence[tuple[float, float]] | None,
    budget: float,
) -> Task:
    """The task, or the error that names the argument which is none."""
    task = Task(
        target=as_target(target),
        hidden=checked_hidden(hidden),
        seeds=checked_seeds(seeds),
        steps=_whole(steps, "steps", 0),
        optimizer=_one_of(optimizer, "optimizer", OPTIONS),
        learning_rate=checked_number(learning_rate, "learning_rate", positive=True),
        init=_one_of(init, "init", INITS),
        data=_one_of(data, "data", ("population", "batches")),
        rescue=_checked_rescue(rescue),
        bias=_flag(bias, "bias"),
        schedule=schedule if callable(schedule) else _one_of(schedule, "schedule", SCHEDULES),
        weight_decay=checked_number(weight_decay, "weight_decay"),
        options=_checked_options(options, optimizer),
        dtype=_checked_dtype(dtype),
        device=_checked_device(device),
        batch_size=_whole(batch_size, "batch_size", 1),
        threads=_available() if threads is None else _whole(threads, "threads", 1),
        domain=checked_box(domain, as_target(target).n_inputs),
        budget=checked_number(budget, "budget", positive=True),
    )
    _check_rescue(task)
    return task


def _available() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _whole(value: object, name: str, smallest: int) -> int:
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name}: expected a whole number, got {value!r}") from None
    if number < smallest:
        raise ValueError(f"{name}: expected {smallest} or more, got {number}")
    return number


def checked_number(value: object, name: str, *, positive: bool = False) -> float:
    if isinstance(value, (bool, str, bytes)):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, got {value!r}") from None
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        raise ValueError(
            f"{name}: expected a {'positive number' if positive else 'number 0 or more'}, got {value!r}"
        )
    return number


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def _one_of(value: object, name: str, accepted: Iterable[str]) -> str:
    names = list(accepted)
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, names))}, got {value!r}")
    return value


def _checked_rescue(rescue: object) -> str | None:
    if rescue is None:
        return None
    if rescue not in RESCUES:
        accepted = ", ".join(["None", *map(repr, RESCUES)])
        raise ValueError(f"rescue: expected one of {accepted}, got {rescue!r}")
    return str(rescue)


def _check_rescue(task: Task) -> None:
    """Whether the arguments that a rescue decides itself, or that it alone has, are as they should be."""
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
    if not task.target.is_piecewise_linear:
        raise ValueError(
            f"target: with rescue={task.rescue!r} expected a piecewise-linear function, which can be "
            f"proved, got {task.target.name}"
        )
    if task.domain is not None and not task.bias:
        raise ValueError("domain: networks that fit on a box alone need bias=True, got bias=False")


def checked_box(domain: Sequence[tuple[float, float]] | None, n: int) -> Box | None:
    """A box with finite ends, or the error that says what is expected."""
    if domain is None:
        return None
    expected = f"domain: expected {n} pair{'s' * (n > 1)} (low, high), low < high, or None"
    try:
        pairs = tuple((float(low), float(high)) for low, high in domain)
    except (TypeError, ValueError):
        raise TypeError(f"{expected}, got {domain!r}") from None
    finite = all(math.isfinite(v) for pair in pairs for v in pair)
    if len(pairs) != n or not finite or any(low >= high for low, high in pairs):
        raise ValueError(f"{expected}, got {domain!r}")
    return pairs


def checked_hidden(hidden: int | Iterable[int]) -> tuple[int, ...]:
    if isinstance(hidden, (str, bytes)):
        raise TypeError(f"hidden: expected layer widths such as (3, 2), got {hidden!r}")
    widths = list(hidden) if isinstance(hidden, Iterable) else [hidden]
    try:
        checked = tuple(_whole(w, "hidden", 1) for w in widths)
    except (TypeError, ValueError):
        raise _hidden_error(widths, hidden) from None
    if not checked:
        raise ValueError("hidden: expected at least one hidden layer, got none")
    return checked


def _hidden_error(widths: Sequence[object], hidden: object) -> Exception:
    text = f"hidden: expected whole numbers from 1, such as (3, 2), got {hidden!r}"
    whole = all(isinstance(w, (int, np.integer)) and not isinstance(w, bool) for w in widths)
    return ValueError(text) if whole else TypeError(text)


def checked_seeds(seeds: int | Iterable[int]) -> NDArray[np.int64]:
    expected = "a count from 1, or distinct whole numbers from 0 to 2**63 - 1"
    if isinstance(seeds, (str, bytes, bool)):
        raise TypeError(f"seeds: expected {expected}, got {seeds!r}")
    if not isinstance(seeds, Iterable):
        count = _whole(seeds, "seeds", 1)
        if count > _MOST_SEEDS:
            raise ValueError(
                f"seeds: expected {expected}, at most {_MOST_SEEDS} of them, got {count}"
            )
        return np.arange(count)
    values: list[int] = []
    for seed in seeds:
        try:
            if isinstance(seed, (bool, np.bool_)):
                raise TypeError
            values.append(operator.index(seed))
        except TypeError:
            raise TypeError(f"seeds: expected {expected}, got {seed!r} among them") from None
    bad = [v for v in values if not 0 <= v < _MAX_SEED]
    if bad or not values:
        raise ValueError(f"seeds: expected {expected}, got {bad[0] if bad else 'none'}")
    if len(set(values)) != len(values):
        twice = next(v for v in values if values.count(v) > 1)
        raise ValueError(f"seeds: expected {expected}, got {twice} more than once")
    return np.array(values, dtype=np.int64)


def _checked_options(options: Mapping[str, float] | None, optimizer: str) -> dict[str, float]:
    if options is None:
        return {}
    known = OPTIONS[optimizer]
    if not isinstance(options, Mapping):
        raise TypeError(f"options: expected a mapping, got {type(options).__name__}")
    for name, value in options.items():
        if name not in known:
            accepted = ", ".join(map(repr, known)) or "no options"
            raise ValueError(f"options: {optimizer!r} takes {accepted}, got {name!r}")
        checked_number(value, f"options[{name!r}]")
    return {k: float(v) for k, v in options.items()}


def _checked_dtype(dtype: object) -> str:
    name = str(dtype).removeprefix("torch.")
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype: expected 'float32' or 'float64', got {dtype!r}")
    return name


def _checked_device(device: object) -> str:
    if device == "cpu":  # without torch, which alone knows the others
        return "cpu"
    if isinstance(device, str) and device.partition(":")[0] not in ("cpu", "cuda"):
        raise ValueError(f"device: expected 'cpu' or 'cuda', got {device!r}")
    torch = need("torch")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device: expected 'cpu' or 'cuda', got {device!r}") from None
    if found.type not in ("cpu", "cuda"):
        raise ValueError(f"device: expected 'cpu' or 'cuda', got {device!r}")
    if found.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device: expected 'cpu' (no CUDA device here), got {device!r}")
    return str(found)
