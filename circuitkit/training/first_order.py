"""The optimizers that follow the gradient, for flat parameters ``(n_parameters, S)``.

Every seed moves by itself. The formulas and default constants are those of ``torch.optim``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from circuitkit.training.torch_gradient import Engine


@dataclass
class Optimizer:
    """One of them, with what it remembers of one chunk of seeds."""

    name: str
    options: Mapping[str, float]
    weight_decay: float
    state: dict[str, torch.Tensor] = field(default_factory=dict)
    t: int = 0

    def step(self, engine: Engine, rate: float) -> None:
        """One update for every seed of the engine."""
        self.update(engine.theta, engine.run(), rate)

    def update(self, theta: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Change ``theta`` in place, given the gradient there."""
        self.t += 1
        if self.weight_decay:
            if self.name == "adamw":
                theta.mul_(1 - rate * self.weight_decay)
            else:
                gradient = gradient.add_(theta, alpha=self.weight_decay)
        _UPDATES[self.name](self, theta, gradient, rate)

    def memory(self, name: str, like: torch.Tensor, value: float = 0.0) -> torch.Tensor:
        """What the optimizer remembers under this name, ``value`` at first."""
        if name not in self.state:
            self.state[name] = torch.full_like(like, value)
        return self.state[name]


def _sgd(o: Optimizer, theta: torch.Tensor, g: torch.Tensor, rate: float) -> None:
    theta.add_(g, alpha=-rate)


def _momentum(o: Optimizer, theta: torch.Tensor, g: torch.Tensor, rate: float) -> None:
    velocity = o.memory("velocity", theta).mul_(o.options["momentum"]).add_(g)
    if o.options["nesterov"]:
        theta.add_(g, alpha=-rate)
        theta.add_(velocity, alpha=-rate * o.options["momentum"])
    else:
        theta.add_(velocity, alpha=-rate)


def _adam(o: Optimizer, theta: torch.Tensor, g: torch.Tensor, rate: float) -> None:
    b1, b2 = o.options["beta1"], o.options["beta2"]
    mean = o.memory("mean", theta).mul_(b1).add_(g, alpha=1 - b1)
    square = o.memory("square", theta).mul_(b2).addcmul_(g, g, value=1 - b2)
    scale = torch.sqrt(square).mul_((1 - b2**o.t) ** -0.5).add_(o.options["eps"])
    theta.addcdiv_(mean, scale, value=-rate / (1 - b1**o.t))


def _rmsprop(o: Optimizer, theta: torch.Tensor, g: torch.Tensor, rate: float) -> None:
    a = o.options["alpha"]
    square = o.memory("square", theta).mul_(a).addcmul_(g, g, value=1 - a)
    theta.addcdiv_(g, torch.sqrt(square).add_(o.options["eps"]), value=-rate)


def _rprop(o: Optimizer, theta: torch.Tensor, g: torch.Tensor, rate: float) -> None:
    step = o.memory("step", theta, rate)
    before = o.memory("before", theta)
    agree = torch.sign(g * before)
    shrink, grow = o.options["shrink"], o.options["grow"]
    # Not torch.where on two plain numbers: that would be float32.
    step.copy_(torch.where(agree > 0, step * grow, torch.where(agree < 0, step * shrink, step)))
    step.clamp_(o.options["smallest"], o.options["largest"])
    g = torch.where(agree < 0, 0.0, g)
    theta.sub_(torch.sign(g) * step)
    before.copy_(g)


_UPDATES: dict[str, Callable[[Optimizer, torch.Tensor, torch.Tensor, float], Any]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "adam": _adam,
    "adamw": _adam,
    "rmsprop": _rmsprop,
    "rprop": _rprop,
}
