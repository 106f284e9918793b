"""What is to be trained, as both trainers take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: the optimizers that look at curvature, in torch alone: options and their defaults
WITH_CURVATURE: dict[str, dict[str, float]] = {
    "lbfgs": {"memory": 8, "tries": 12},
    "lm": {"shrink": 0.3, "grow": 4.0},
}
#: all optimizers, first those that follow the gradient: options and their defaults
OPTIONS: dict[str, dict[str, float]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9, "nesterov": 0.0},
    "adam": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "adamw": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "rmsprop": {"alpha": 0.99, "eps": 1e-8},
    "rprop": {"shrink": 0.5, "grow": 1.2, "smallest": 1e-6, "largest": 50.0},
    **WITH_CURVATURE,
}


@dataclass(frozen=True)
class Task:
    """The networks, the optimizer, and how much work there is.

    Attributes:
        sizes: widths from input to output.
        bias: whether the layers have biases.
        optimizer: its name, as for :func:`circuitkit.train`.
        options: its constants, all of them.
        weight_decay: as in ``torch.optim``.
        dtype: ``"float32"`` or ``"float64"``.
        n_points: points of one step.
        n_seeds: all seeds together.
        steps: of the whole training.
        threads: how many of them train.
    """

    sizes: tuple[int, ...]
    bias: bool
    optimizer: str
    options: Mapping[str, float]
    weight_decay: float
    dtype: str
    n_points: int
    n_seeds: int
    steps: int
    threads: int
