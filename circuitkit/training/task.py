"""What is to be trained, as both trainers take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
