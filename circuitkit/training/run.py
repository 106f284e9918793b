"""What a training returns: the networks of all seeds, what became of each, and the share solved."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import accepts, shown, whole, wrong
from circuitkit.fixed import fix
from circuitkit.functions.target import Target
from circuitkit.network import Network
from circuitkit.training.outcomes import name_outcomes
from circuitkit.training.start import initial

__all__ = ["Rate", "TrainingRun"]

Array = NDArray[np.float64]


class Rate(float):
    r"""A share of seeds with its 95 % Wilson interval.

    It is the share :math:`p = count / n` as a plain number, and prints with its interval,

    .. math:: \frac{p + z^2/2n \pm z \sqrt{p (1 - p)/n + z^2/4n^2}}{1 + z^2/n}, \quad z = 1.95996\ldots

    Args:
        count: how many seeds were solved, 0 to ``n``.
        n: how many seeds there are, 0 or above; of none the share is nan, between 0 and 1.

    Raises:
        TypeError: one of them is not a whole number.
        ValueError: a negative number, or more solved than there are.

    Attributes:
        low: lower end of the interval, 0 to 1.
        high: upper end of the interval, 0 to 1.
        n: number of seeds.

    Example:
        >>> rate = Rate(473, 1024)
        >>> rate
        0.462 [0.432, 0.493] of 1024 seeds
        >>> rate > 0.4
        True

    Source: Wilson (1927).
    """

    low: float
    high: float
    n: int

    @accepts(count=whole(least=0), n=whole(least=0, most=2**53, top="2^53"))
    def __new__(cls, count: int, n: int) -> Rate:
        """``count`` of ``n``."""
        if count > n:
            raise wrong("count", f"a whole number from 0 to n = {n}", shown(count))
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
        layer_sizes: widths from input to output, such as ``(1, 2, 1)``.
        seeds: the seeds in the order given, ``(n_seeds,)``.
        weights: final weights, one array ``(n_seeds, n_out, n_in)`` a layer.
        biases: final biases, one array ``(n_seeds, n_out)`` a layer; zeros without ``bias``.
        loss: population loss at the end, ``(n_seeds,)``; inf where the seed diverged.
        history: losses along the way, ``(n_recorded, n_seeds)``; with ``data="batches"`` the loss on
            the batch of that step, and the population loss in the last row.
        history_steps: how many steps had been taken at each row of ``history``, ``(n_recorded,)``.
        error: the worst error over all inputs in the proof's measure,
            ``|net(x) - f(x)| / max(1, max|x_i|)``, ``(n_seeds,)``; see
            :func:`circuitkit.training.outcomes.worst_errors` for where it is exact.
        solved: whether ``error`` is at most 1e-3, ``(n_seeds,)``; with a rescue, whether the network is
            *proved* within 1e-6.
        cost: with a rescue, what each seed has cost in full-batch gradients, ``(n_seeds,)``; None
            without. See ``circuitkit.training.problem.Problem.unit``.
        diverged: whether the weights or the loss stopped being finite, ``(n_seeds,)``.
        steps: how many steps were taken; fewer than asked for when interrupted.
        settings: the arguments of :func:`train` that this run was made with.
        seconds: wall time, in seconds.
        interrupted: whether Ctrl-C was pressed; ``steps`` says how far the run had come.

    Example:
        >>> from circuitkit import train
        >>> run = train("abs", (2,), seeds=4)
        >>> isinstance(run, TrainingRun), run.weights[0].shape
        (True, (4, 2, 1))
        >>> str(run.outcomes[3])
        'solved'
        >>> run.initial_network(3), run.network(3)
        (Network(1-2-1, no biases), Network(1-2-1, no biases))
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
    cost: Array | None = None

    def __post_init__(self) -> None:
        fix(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        fix(self)  # numpy's pickles forget it

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

    @accepts(seed=whole())
    def network(self, seed: int) -> Network:
        """The network that ``seed`` ended at.

        Args:
            seed: one of the run's ``seeds``, 0 or above.

        Raises:
            TypeError: ``seed`` is not a whole number.
            ValueError: a seed that is not in this run, or that diverged, whose weights are not finite.
        """
        i = self._index(seed)
        layers = [w[i] for w in self.weights]
        offsets = [b[i] for b in self.biases]
        if not all(np.isfinite(a).all() for a in (*layers, *offsets)):
            raise ValueError(f"seed: {seed} diverged, its weights are not finite")
        return Network(layers, offsets)

    @accepts(seed=whole())
    def initial_network(self, seed: int) -> Network:
        """The network that ``seed`` started from.

        Args:
            seed: one of the run's ``seeds``, 0 or above.

        Raises:
            TypeError: ``seed`` is not a whole number.
            ValueError: a seed that is not in this run.
        """
        self._index(seed)
        weights, biases = initial(
            self.settings["init"], self.layer_sizes, [int(seed)], bias=self.settings["bias"]
        )
        return Network([w[0] for w in weights], [b[0] for b in biases])

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {int(s): i for i, s in enumerate(self.seeds)}

    def _index(self, seed: int) -> int:
        found = self._positions.get(seed)
        if found is None:
            known = f"one of this run's {len(self.seeds)} seeds ({_span(self.seeds)})"
            raise wrong("seed", known, shown(seed))
        return found

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
        if self.cost is not None:
            lines.append(
                f"  proved within 1e-6; Levenberg-Marquardt with {s.get('rescue')}, cost "
                f"{self.cost.mean():.0f} gradients a seed (at most {self.cost.max():.0f}), {self.seconds:.1f} s"
            )
            return "\n".join(lines)
        lines.append(
            f"  {self.steps} steps of {s.get('optimizer')} at {s.get('learning_rate')} from "
            f"{s.get('init')} weights, {s.get('data')}, {self.seconds:.1f} s"
        )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def _span(seeds: NDArray[np.int64]) -> str:
    return f"{seeds.min()} to {seeds.max()}" if len(seeds) else "none"
