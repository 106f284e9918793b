"""Train the same network from many seeds at once and count how many find the function.

The work is done by :mod:`~circuitkit.training.compiled_loop`, or on a GPU and with curvature by
:mod:`~circuitkit.training.torch_loop`, on the points of :mod:`~circuitkit.training.points`; whether a seed is solved
is judged by :mod:`~circuitkit.training.outcomes`. Nothing here has seen the hand-derived circuits.
"""

from __future__ import annotations

import html
import math
import operator
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from circuitkit.extras import need
from circuitkit.functions.target import Target, TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.progress import Bar, News, attended
from circuitkit.training.flat import from_chunks, to_chunks
from circuitkit.training.outcomes import name_outcomes, worst_errors
from circuitkit.training.points import BATCH, Points, batches, population
from circuitkit.training.start import INITS, initial
from circuitkit.training.task import OPTIONS, WITH_CURVATURE, Task

if TYPE_CHECKING:
    import torch

    from circuitkit.training.compiled_loop import Fused
    from circuitkit.training.torch_loop import Stepwise

__all__ = ["Rate", "TrainingRun", "train"]

Array = NDArray[np.float64]
Flat = NDArray[np.floating[Any]]
Schedule = Callable[[float], float]

#: a seed is solved when its worst error over all inputs is at most this
TOLERANCE = 1e-3
#: how many losses of a seed are kept along the way
RECORDS = 100
#: how many batches are drawn ahead
BATCHES = 100
_MAX_SEED = 2**63

SCHEDULES: dict[str, Schedule] = {
    "constant": lambda progress: 1.0,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)),
    "step": lambda progress: 0.1 ** int(3 * progress),
    "warmup": lambda progress: min(1.0, 10 * progress + 0.01),
}
_RESCUES: tuple[str, ...] = ()


class Rate(float):
    """A share of seeds with its 95 % Wilson interval.

    It is the share as a plain number, and prints with its interval.

    Attributes:
        low: lower end of the interval.
        high: upper end of the interval.
        n: number of seeds.

    Example:
        >>> rate = Rate(473, 1024)
        >>> rate
        0.462 [0.432, 0.493] of 1024 seeds
        >>> rate > 0.4
        True
    """

    low: float
    high: float
    n: int

    def __new__(cls, count: int, n: int) -> Rate:
        """``count`` of ``n``."""
        share = count / n if n else math.nan
        self = super().__new__(cls, share)
        self.n = n
        if not n:
            self.low, self.high = 0.0, 1.0
            return self
        z = 1.959963984540054  # the normal distribution's 97.5 % point
        center = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        self.low = 0.0 if count == 0 else max(0.0, center - half)
        self.high = 1.0 if count == n else min(1.0, center + half)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Rate, (round(self * self.n) if self.n else 0, self.n)

    def __repr__(self) -> str:
        plural = "" if self.n == 1 else "s"
        return f"{float(self):.3f} [{self.low:.3f}, {self.high:.3f}] of {self.n} seed{plural}"

    __str__ = __repr__


@dataclass(frozen=True, eq=False, repr=False)
class TrainingRun:
    """Many trainings of one network: what each seed ended at, and how many found the function.

    Attributes:
        target: the function to be learned.
        layer_sizes: widths from input to output.
        seeds: the seeds in the order given, ``(n_seeds,)``.
        weights: final weights, one array ``(n_seeds, n_out, n_in)`` a layer.
        biases: final biases, one array ``(n_seeds, n_out)`` a layer; zeros without ``bias``.
        loss: population loss at the end, ``(n_seeds,)``; inf where the seed diverged.
        history: losses along the way, ``(n_recorded, n_seeds)``; with ``data="batches"`` the loss on
            the batch of that step, and the population loss in the last row.
        history_steps: how many steps had been taken at each row of ``history``.
        error: the worst error over all inputs in the proof's measure,
            ``|net(x) - f(x)| / max(1, max|x_i|)``, ``(n_seeds,)``; see
            :func:`circuitkit.training.outcomes.worst_errors` for where it is exact.
        solved: whether ``error`` is at most 1e-3, ``(n_seeds,)``.
        diverged: whether the weights or the loss stopped being finite, ``(n_seeds,)``.
        steps: steps taken; fewer than asked for when interrupted.
        settings: the arguments of :func:`train` that this run was made with.
        seconds: wall time.
        interrupted: whether Ctrl-C was pressed; ``steps`` says how far the run had come.
    """

    target: Target
    layer_sizes: tuple[int, ...]
    seeds: NDArray[np.int64]
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    loss: Array
    history: NDArray[np.floating[Any]]
    history_steps: NDArray[np.int64]
    error: Array
    solved: NDArray[np.bool_]
    diverged: NDArray[np.bool_]
    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def rate(self) -> Rate:
        """The share of seeds solved, with its 95 % Wilson interval."""
        return Rate(int(self.solved.sum()), len(self.seeds))

    @cached_property
    def outcomes(self) -> NDArray[np.str_]:
        """What became of each seed, in words; see :mod:`circuitkit.training.outcomes`."""
        return name_outcomes(
            self.target, self.weights, self.biases, solved=self.solved, diverged=self.diverged
        )

    def network(self, seed: int) -> Network:
        """The network that ``seed`` ended at.

        Raises:
            KeyError: a seed that is not in this run.
            ValueError: a seed that diverged, whose weights are not finite.
        """
        i = self._index(seed)
        layers = [w[i] for w in self.weights]
        offsets = [b[i] for b in self.biases]
        if not all(np.isfinite(a).all() for a in (*layers, *offsets)):
            raise ValueError(f"seed: {seed} diverged, its weights are not finite")
        return Network(layers, offsets)

    def initial_network(self, seed: int) -> Network:
        """The network that ``seed`` started from."""
        self._index(seed)
        weights, biases = initial(
            self.settings["init"], self.layer_sizes, [int(seed)], bias=self.settings["bias"]
        )
        return Network([w[0] for w in weights], [b[0] for b in biases])

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {int(s): i for i, s in enumerate(self.seeds)}

    def _index(self, seed: int) -> int:
        try:
            return self._positions[operator.index(seed)]
        except (TypeError, KeyError):
            raise KeyError(
                f"seed: expected one of this run's {len(self.seeds)} seeds "
                f"({_span(self.seeds)}), got {seed!r}"
            ) from None

    def __repr__(self) -> str:
        name = "-".join(map(str, self.layer_sizes))
        lines = [
            f"{int(self.solved.sum())} of {len(self.seeds)} seeds solved {self.target.name} "
            f"({name}): {float(self.rate):.3f} [{self.rate.low:.3f}, {self.rate.high:.3f}]"
        ]
        if self.interrupted:
            lines.append(f"  interrupted after {self.steps} of {self.settings.get('steps')} steps")
        if self.diverged.any():
            lines.append(f"  {int(self.diverged.sum())} diverged")
        s = self.settings
        lines.append(
            f"  {self.steps} steps of {s.get('optimizer')} at {s.get('learning_rate')} from "
            f"{s.get('init')} weights, {s.get('data')}, {self.seconds:.1f} s"
        )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def train(
    target: TargetLike,
    hidden: int | Iterable[int],
    *,
    seeds: int | Iterable[int] = 1024,
    steps: int = 500,
    optimizer: str = "sgd",
    learning_rate: float = 0.1,
    init: str = "torch",
    data: Literal["population", "batches"] = "population",
    rescue: str | None = None,
    bias: bool = False,
    schedule: str | Schedule = "constant",
    weight_decay: float = 0.0,
    options: Mapping[str, float] | None = None,
    dtype: str | torch.dtype = "float32",
    device: str | torch.device = "cpu",
    batch_size: int = BATCH,
    threads: int | None = None,
    progress: bool | None = None,
) -> TrainingRun:
    r"""Train one network from every seed, all seeds at once, on the mean squared error.

    Inputs are uniform on [-1, 1]^n. A seed gives the same network to the last bit on one machine,
    whatever other seeds run beside it, and however often.

    On the CPU, optimizers that follow the gradient run in one compiled loop; compiling it takes some
    seconds in the first training of all on a machine, and is kept. On a GPU, and for ``"lbfgs"`` and
    ``"lm"``, torch does the work.

    Args:
        target: the function: whatever :func:`circuitkit.target` takes.
        hidden: width of each hidden layer, such as ``(3, 2)``; a number for a single layer.
        seeds: a count (the seeds 0, 1, ..., count - 1) or distinct whole numbers, 0 to 2**63 - 1.
        steps: how many updates, 0 and up.
        optimizer: one of ``"sgd" "momentum" "adam" "adamw" "rmsprop" "rprop" "lbfgs" "lm"``; the last
            is Levenberg-Marquardt.
        learning_rate: positive. It is the initial step size for ``"rprop"``, the length of the very
            first step for ``"lbfgs"``, and the initial damping for ``"lm"``.
        init: the distribution of the initial weights, ``"torch"`` (that of ``nn.Linear``), ``"he"``,
            ``"xavier"``, ``"orthogonal"``, ``"zero-bias"`` (torch's, biases zero), ``"mirrored"``
            (torch's, every second hidden unit the mirror image of the one before it),
            ``"hidden-dominant"`` (torch's, every hidden unit's outgoing weights scaled down to at
            most half the norm of its incoming ones) or ``"mirrored-dominant"`` (both).
        data: ``"population"`` for the loss over the whole distribution (exact for one input without
            biases, otherwise by a fixed rule: 64 directions for two inputs), ``"batches"`` for the deck's recipe, a fresh
            uniform batch at every step. The batches are one sequence, the same for all seeds and
            all runs.
        rescue: the method that gets a stuck seed moving again; only ``None`` so far.
        bias: whether the layers have biases.
        schedule: factor on the learning rate by the share of the steps done: ``"constant"
            "linear" "cosine" "step"`` (a tenth after each third) ``"warmup"`` (over the first
            tenth) or a function from [0, 1) to a number.
        weight_decay: coefficient of the weights' decay as in ``torch.optim``: added to the gradient,
            or decoupled for ``"adamw"``.
        options: further constants of the optimizer, named as in
            :data:`circuitkit.training.task.OPTIONS`, for example ``{"momentum": 0.95}``.
        dtype: ``"float32"`` or ``"float64"``.
        device: ``"cpu"``, or a CUDA device such as ``"cuda"``.
        batch_size: points in a batch.
        threads: how many threads share the seeds; by default as many as the process may use. The
            result does not depend on it.
        progress: show a progress bar; by default once a run has taken two seconds.

    Returns:
        A :class:`TrainingRun`. Ctrl-C returns what is done so far, every seed after the same number
        of steps, and judged; a second Ctrl-C, while that is being judged, raises.

    Raises:
        TypeError, ValueError: an argument that is not one of these, named in the message.

    Example:
        Half the seeds find the identity:

        >>> run = train("identity", (2,), seeds=256)
        >>> run.rate.low < 0.5 < run.rate.high
        True
        >>> run.network(1)
        Network(1-2-1, no biases)

    Source: the deck, "Experimental Results".
    """
    began = time.perf_counter()
    plan = _Plan(
        target=as_target(target),
        hidden=_checked_hidden(hidden),
        seeds=_checked_seeds(seeds),
        steps=_whole(steps, "steps", 0),
        optimizer=_one_of(optimizer, "optimizer", OPTIONS),
        learning_rate=_number(learning_rate, "learning_rate", positive=True),
        init=_one_of(init, "init", INITS),
        data=_one_of(data, "data", ("population", "batches")),
        rescue=_checked_rescue(rescue),
        bias=_flag(bias, "bias"),
        schedule=schedule if callable(schedule) else _one_of(schedule, "schedule", SCHEDULES),
        weight_decay=_number(weight_decay, "weight_decay"),
        options=_checked_options(options, optimizer),
        dtype=_checked_dtype(dtype),
        device=_checked_device(device),
        batch_size=_whole(batch_size, "batch_size", 1),
        threads=_available() if threads is None else _whole(threads, "threads", 1),
    )
    bar = Bar(plan.steps * len(plan.seeds), "step", progress)
    return attended(lambda news: _run(plan, news, began), bar)


@dataclass(frozen=True)
class _Plan:
    """The checked arguments of :func:`train`."""

    target: Target
    hidden: tuple[int, ...]
    seeds: NDArray[np.int64]
    steps: int
    optimizer: str
    learning_rate: float
    init: str
    data: str
    rescue: str | None
    bias: bool
    schedule: str | Schedule
    weight_decay: float
    options: dict[str, float]
    dtype: str
    device: str
    batch_size: int
    threads: int

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.target.n_inputs, *self.hidden, self.target.n_outputs)

    def settings(self) -> dict[str, Any]:
        names = ("optimizer", "learning_rate", "init", "data", "rescue", "bias", "schedule")
        kept = {n: getattr(self, n) for n in (*names, "weight_decay", "options", "batch_size")}
        return {
            "hidden": self.hidden,
            "steps": self.steps,
            **kept,
            "dtype": self.dtype,
            "device": self.device,
        }

    def trainer(self, n_points: int) -> Fused | Stepwise:
        """What takes chunks of seeds through the steps."""
        task = Task(
            sizes=self.sizes,
            bias=self.bias,
            optimizer=self.optimizer,
            options={**OPTIONS[self.optimizer], **self.options},
            weight_decay=self.weight_decay,
            dtype=self.dtype,
            n_points=n_points,
            n_seeds=len(self.seeds),
            steps=self.steps,
            threads=self.threads,
        )
        # Each brings a heavy library, and needs no other.
        if self.device.startswith("cpu") and self.optimizer not in WITH_CURVATURE:
            need("numba")
            from circuitkit.training.compiled_loop import Fused

            return Fused(task)
        need("torch")
        from circuitkit.training.torch_loop import Stepwise

        return Stepwise(task, self.device)

    def rate(self, step: int) -> float:
        s = SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule
        return self.learning_rate * float(s(step / self.steps))


def _run(plan: _Plan, news: News, began: float) -> TrainingRun:
    news.doing("setting up")
    whole = population(plan.target, bias=plan.bias)
    weights, biases = initial(plan.init, plan.sizes, plan.seeds.tolist(), bias=plan.bias)
    fresh = batches(plan.target, size=plan.batch_size)
    news.doing("compiling the training loop, once on this machine")
    trainer = plan.trainer(len(whole.x) if plan.data == "population" else plan.batch_size)
    news.doing("training")
    rate = plan.rate(0) if plan.steps else 0.0
    flat = to_chunks(weights, biases, trainer.lanes, bias=plan.bias)
    workers = _Workers(trainer, [trainer.begin(part, rate) for part in flat], plan, news)
    points = trainer.load([whole])
    recorded = _recorded_steps(plan.steps)
    history = np.empty((len(recorded) + 1, len(plan.seeds)), dtype=np.float32)
    row = done = 0
    finished = workers.parameters()
    try:
        while done < plan.steps and not news.stopped:
            block = range(done, min(done + trainer.block, plan.steps))
            if plan.data == "batches":
                block = block[:BATCHES]
                points = trainer.load(list(islice(fresh, len(block))))
            rates = [plan.rate(step) for step in block]
            losses = workers.advance(points, rates, [step in recorded for step in block])
            if losses is None:  # stopped on the way: some seeds are further than others
                break
            for i, part in enumerate(losses):
                places = history[row : row + len(part), i * trainer.lanes :]
                places[:, : trainer.lanes] = part[:, : places.shape[1]]
            row += len(losses[0])
            done, finished = block.stop, workers.parameters()
            news.done(len(block) * len(plan.seeds))
    finally:
        workers.close()
    steps = sorted(step for step in recorded if step < done)
    history = history[: len(steps) + 1]
    news.doing("judging")
    return _result(plan, whole, finished, steps, history, done, news, began)


def _result(
    plan: _Plan,
    whole: Points,
    finished: list[Flat],
    steps: list[int],
    history: Flat,
    done: int,
    news: News,
    began: float,
) -> TrainingRun:
    n = len(plan.seeds)
    weights, biases = from_chunks(finished, n, plan.sizes, bias=plan.bias)
    with np.errstate(all="ignore"):
        loss = _loss(whole, weights, biases)
        error = worst_errors(plan.target, weights, biases)
    finite = np.isfinite(loss)
    for a in (*weights, *biases):
        finite &= np.isfinite(a.reshape(n, -1)).all(axis=1)
    loss = np.where(finite, loss, np.inf)
    error = np.where(finite, error, np.inf)
    if plan.data == "population" and whole.floor:
        history += np.float32(whole.floor)
    history[-1] = loss
    return TrainingRun(
        target=plan.target,
        layer_sizes=plan.sizes,
        seeds=plan.seeds,
        weights=tuple(weights),
        biases=tuple(biases),
        loss=loss,
        history=history,
        history_steps=np.array([*steps, done]),
        error=error,
        solved=error <= TOLERANCE,
        diverged=~finite,
        steps=done,
        settings=plan.settings(),
        seconds=time.perf_counter() - began,
        interrupted=news.stopped,
    )


def _loss(points: Points, weights: list[Array], biases: list[Array]) -> Array:
    """The loss of every seed on ``points`` in float64, a thousand seeds at a time."""
    n = len(weights[0])
    loss = np.empty(n)
    for start in range(0, n, 1000):
        part = slice(start, start + 1000)
        h = np.broadcast_to(points.x.T, (len(weights[0][part]), *points.x.T.shape))
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = np.maximum(h, 0) if layer else h
            h = w[part] @ h + b[part, :, None] * points.unit
        loss[part] = ((h - points.y.T) ** 2).sum(axis=(1, 2)) / points.y.shape[1]
    return loss + points.floor


def _recorded_steps(steps: int) -> set[int]:
    return {int(s) for s in np.linspace(0, steps, RECORDS + 1)[:-1]} - {steps}


class _Workers:
    """Threads that share the chunks of seeds."""

    def __init__(
        self, trainer: Fused | Stepwise, chunks: list[Any], plan: _Plan, news: News
    ) -> None:
        self.trainer, self.chunks, self.news = trainer, chunks, news
        self.pool = ThreadPoolExecutor(
            plan.threads if plan.device.startswith("cpu") else 1,
            "circuitkit",
            initializer=trainer.begin_thread,
        )

    def advance(self, points: Any, rates: list[float], record: list[bool]) -> list[Flat] | None:
        """Take every chunk through these steps; the recorded losses of each, or None when stopped."""
        jobs: list[Future[Flat]] = [
            self.pool.submit(self.trainer.advance, chunk, points, rates, record)
            for chunk in self.chunks
        ]
        pending = set(jobs)
        while pending:
            if self.news.stopped:
                self.trainer.stop()
            _, pending = wait(pending, timeout=0.1)
        losses = [job.result() for job in jobs]
        return None if self.news.stopped else losses

    def parameters(self) -> list[Flat]:
        """Where every chunk is now."""
        return [self.trainer.parameters(chunk) for chunk in self.chunks]

    def close(self) -> None:
        self.trainer.stop()
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.trainer.close()


def _available() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _span(seeds: NDArray[np.int64]) -> str:
    return f"{seeds.min()} to {seeds.max()}" if len(seeds) else "none"


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


def _number(value: object, name: str, *, positive: bool = False) -> float:
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
    if rescue is not None and rescue not in _RESCUES:
        accepted = ", ".join(["None", *map(repr, _RESCUES)])
        raise ValueError(f"rescue: expected one of {accepted}, got {rescue!r}")
    return None


def _checked_hidden(hidden: int | Iterable[int]) -> tuple[int, ...]:
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


def _checked_seeds(seeds: int | Iterable[int]) -> NDArray[np.int64]:
    expected = "a count from 1, or distinct whole numbers from 0 to 2**63 - 1"
    if isinstance(seeds, (str, bytes, bool)):
        raise TypeError(f"seeds: expected {expected}, got {seeds!r}")
    if not isinstance(seeds, Iterable):
        count = _whole(seeds, "seeds", 1)
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
        _number(value, f"options[{name!r}]")
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
