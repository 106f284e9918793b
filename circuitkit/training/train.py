"""Train the same network from many seeds at once and count how many find the function.

The work is done by :mod:`~circuitkit.training.compiled_loop`, or on a GPU and with curvature by
:mod:`~circuitkit.training.torch_loop`, on the points of :mod:`~circuitkit.training.points`; whether a seed is solved
is judged by :mod:`~circuitkit.training.outcomes`. Nothing here has seen the hand-derived circuits.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import accepts, double, flag, optional, whole, wrong
from circuitkit.functions.target import FUNCTION, TargetLike
from circuitkit.progress import Bar, News, attended
from circuitkit.rules import RULES
from circuitkit.training.arguments import (
    BOX,
    DEVICE,
    DTYPE,
    HIDDEN,
    OPTIONS_GIVEN,
    POSITIVE,
    RESCUE,
    SEEDS,
    names,
)
from circuitkit.training.learn import search_all
from circuitkit.training.outcomes import worst_errors
from circuitkit.training.points import BATCH, Points, population
from circuitkit.training.problem import Problem
from circuitkit.training.run import TrainingRun
from circuitkit.training.start import INITS, initial
from circuitkit.training.steps import Reached, take_steps, trainer
from circuitkit.training.task import OPTIONS, SCHEDULE, Schedule, Task, task_of

if TYPE_CHECKING:
    import torch

__all__ = ["train"]

Array = NDArray[np.float64]

#: a seed is solved when its worst error over all inputs is at most this
TOLERANCE: float = RULES["solved"]


@accepts(
    target=FUNCTION,
    hidden=HIDDEN,
    seeds=SEEDS,
    steps=whole(least=0, most=10**9),
    optimizer=names(OPTIONS),
    learning_rate=POSITIVE,
    init=names(INITS),
    data=names(("population", "batches")),
    rescue=RESCUE,
    bias=flag(),
    schedule=SCHEDULE,
    weight_decay=double(least=0),
    options=OPTIONS_GIVEN,
    dtype=DTYPE,
    device=DEVICE,
    batch_size=whole(least=1, most=2**28, top="2^28"),
    threads=whole(least=1),
    domain=BOX,
    budget=POSITIVE,
    progress=optional(flag()),
)
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
    domain: Sequence[tuple[float, float]] | None = None,
    budget: float = 20_000.0,
    progress: bool | None = None,
) -> TrainingRun:
    r"""Train one network from every seed, all seeds at once, on the mean squared error.

    Inputs are uniform on [-1, 1]^n. A seed gives the same network to the last bit on one machine,
    whatever other seeds run beside it, and however often.

    On the CPU, optimizers that follow the gradient run in one compiled loop; compiling it takes some
    seconds in the first training of all on a machine, says so, and is kept. On a GPU they run in one
    program that Triton compiles, up to 100 parameters; beyond, and for ``"lbfgs"`` and ``"lm"``, torch
    does the work.

    Args:
        target: the function: whatever :func:`circuitkit.target` takes.
        hidden: width of each hidden layer, such as ``(3, 2)``; a number for a single layer.
        seeds: a count (the seeds 0, 1, ..., count - 1) or distinct whole numbers, 0 to 2**63 - 1.
        steps: how many updates, from 0 to 10^9.
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
        rescue: the method that gets a stuck seed moving again: ``None``, ``"restart"`` (a new start), or
            ``"redraw"`` (the best network so far with one or two units drawn anew, and new starts
            when that has been in vain). With one, the steps are Levenberg-Marquardt's, as in
            :func:`circuitkit.learn`, steps and learning rate have no meaning, ``solved`` means
            *proved* within 1e-6, and ``cost`` says what each seed has cost.
        bias: whether the layers have biases.
        schedule: factor on the learning rate by the share of the steps done: ``"constant"
            "linear" "cosine" "step"`` (a tenth after each third) ``"warmup"`` (over the first
            tenth) or a function from [0, 1) to a finite number, 0 or above.
            Of ``"rprop"`` it changes the initial step size alone; ``"lbfgs"`` and ``"lm"`` take none.
        weight_decay: coefficient of the weights' decay, 0 or above, as in ``torch.optim``: added to
            the gradient, or decoupled for ``"adamw"``.
        options: further constants of the optimizer, named as in
            :data:`circuitkit.training.task.OPTIONS`, for example ``{"momentum": 0.95}``.
        dtype: ``"float32"`` or ``"float64"``.
        device: ``"cpu"``, or a CUDA device such as ``"cuda"``. The optimizers that follow the gradient
            reach the same weights on both, up to 100 parameters to the last bit.
        batch_size: with ``data="batches"``, how many points in a batch.
        threads: how many threads share the seeds; by default as many as the process may use. The
            result does not depend on it.
        domain: with a rescue, the box on which the network is to be the function, ``(low, high)`` for
            each input; None for all of R^n.
        budget: with a rescue, what a seed may cost, above 0, in full-batch gradients.
        progress: show a progress bar; by default once a run has taken two seconds.

    Returns:
        A :class:`TrainingRun`. Ctrl-C returns what is done so far, every seed after the same number
        of steps, and judged; a second Ctrl-C, while that is being judged, raises.

    Raises:
        TypeError, ValueError: an argument that is not one of these, or that would change nothing beside
            the others, or networks beyond the machine's memory; named in the message.

    Example:
        Half the seeds find the identity:

        >>> run = train("identity", (2,), seeds=256)
        >>> run.rate.low < 0.5 < run.rate.high
        True
        >>> run.network(1)
        Network(1-2-1, no biases)

        With a rescue, all do:

        >>> run = train("identity", (2,), seeds=256, rescue="redraw")
        >>> run.rate
        1.000 [0.985, 1.000] of 256 seeds

    Source: the deck, "Experimental Results".
    """
    task = task_of(
        target=target, hidden=hidden, seeds=seeds, steps=steps, optimizer=optimizer,
        learning_rate=learning_rate, init=init, data=data, rescue=rescue, bias=bias,
        schedule=schedule, weight_decay=weight_decay, options=options, dtype=dtype, device=device,
        batch_size=batch_size, threads=threads, domain=domain, budget=budget,
    )  # fmt: skip
    if task.rescue is not None:
        bar = Bar(len(task.seeds), "seed", progress)
        return attended(lambda news: _rescued(task, news), bar)
    bar = Bar(task.steps * len(task.seeds), "step", progress)
    return attended(lambda news: _trained(task, news), bar)


def _trained(task: Task, news: News) -> TrainingRun:
    began = time.perf_counter()
    news.doing("setting up")
    try:
        whole = population(task.target, bias=task.bias)
    except ValueError:  # not finite somewhere
        expected = "a function with a finite value everywhere on [-1, 1]^n"
        raise wrong("target", expected, task.target.name) from None
    start = initial(task.init, task.sizes, task.seeds.tolist(), bias=task.bias)
    news.doing("compiling the training loop, once on this machine")
    loop = trainer(task, len(whole.x) if task.data == "population" else task.batch_size)
    news.doing("training")
    reached = take_steps(task, loop, start, whole, news)
    news.doing("judging")
    return _judged(task, reached, whole, began, interrupted=news)


def _rescued(task: Task, news: News) -> TrainingRun:
    """The same where stuck seeds are rescued: each searches until it is proved, or its budget is spent."""
    began = time.perf_counter()
    problem = Problem(task.target, task.sizes, task.bias, task.domain)
    found = search_all(
        problem, task.seeds, str(task.rescue), task.budget,
        news=news, threads=task.threads, init=task.init,
    )  # fmt: skip
    news.doing("judging")
    weights = tuple(np.stack(layer) for layer in zip(*(f.weights for f in found), strict=True))
    biases = tuple(np.stack(layer) for layer in zip(*(f.biases for f in found), strict=True))
    proved = np.array([f.proved for f in found])
    with np.errstate(all="ignore"):
        error = problem.worst_errors(weights, biases)
    loss = np.array([f.loss for f in found])
    return TrainingRun(
        target=task.target,
        layer_sizes=task.sizes,
        seeds=task.seeds,
        weights=weights,
        biases=biases,
        loss=loss,
        history=loss[None].astype(np.float32),
        history_steps=np.array([max(f.steps for f in found)]),
        error=error,
        solved=proved,
        diverged=~np.isfinite(loss),
        steps=max(f.steps for f in found),
        settings=task.settings(),
        seconds=time.perf_counter() - began,
        interrupted=news.stopped,
        cost=np.array([f.cost for f in found]),
    )


def _judged(
    task: Task, reached: Reached, whole: Points, began: float, *, interrupted: News
) -> TrainingRun:
    weights, biases = reached.weights, reached.biases
    with np.errstate(all="ignore"):
        loss = _loss(whole, weights, biases)
        error = worst_errors(task.target, weights, biases)
    finite = np.isfinite(loss)
    for a in (*weights, *biases):
        finite &= np.isfinite(a.reshape(len(loss), -1)).all(axis=1)
    loss = np.where(finite, loss, np.inf)
    error = np.where(finite, error, np.inf)
    history = reached.history
    if task.data == "population" and whole.floor:
        history += np.float32(whole.floor)
    history[-1] = loss
    return TrainingRun(
        target=task.target,
        layer_sizes=task.sizes,
        seeds=task.seeds,
        weights=tuple(weights),
        biases=tuple(biases),
        loss=loss,
        history=history,
        history_steps=reached.history_steps,
        error=error,
        solved=error <= TOLERANCE,
        diverged=~finite,
        steps=reached.steps,
        settings=task.settings(),
        seconds=time.perf_counter() - began,
        interrupted=interrupted.stopped,
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
