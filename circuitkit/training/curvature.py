"""The two optimizers that look at curvature, L-BFGS and Levenberg-Marquardt, every seed by itself.

Both try steps and keep those that lower the loss, so each seed decides for itself; a decision never
changes what a neighbor does. As everywhere, arrays end in the axis of the seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from circuitkit.training.torch_gradient import Engine


@dataclass
class LBFGS:
    """Limited-memory BFGS with backtracking (Armijo) line search.

    The first step has the length ``learning_rate`` at most; from then on the full quasi-Newton step
    is tried first and halved up to ``tries`` times. A seed that finds no better point stays, and
    starts its memory anew.
    """

    options: Mapping[str, float]
    weight_decay: float
    pairs: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = field(default_factory=list)
    scale: torch.Tensor | None = (
        None  # (S,), the length of the inverse Hessian; 0 before there is one
    )
    before: tuple[torch.Tensor, torch.Tensor] | None = None

    def step(self, engine: Engine, rate: float) -> None:
        """One iteration for every seed of the engine."""
        theta = engine.theta.clone()
        value = _objective(engine, self.weight_decay)
        gradient = engine.run().clone().add_(theta, alpha=self.weight_decay)
        if self.scale is None:
            self.scale = torch.zeros_like(value)
        if self.before is not None:
            self.scale = self._remember(
                self.scale, theta - self.before[0], gradient - self.before[1]
            )
        direction = self._direction(self.scale, gradient, rate)
        slope = (direction * gradient).sum(dim=0)
        length = torch.ones_like(value)
        open_ = torch.isfinite(value) & torch.isfinite(slope)
        length[~open_] = 0.0
        for _ in range(int(self.options["tries"])):
            torch.addcmul(theta, direction, length, out=engine.theta)
            reached = _objective(engine, self.weight_decay)
            open_ &= ~(reached <= value + 1e-4 * length * slope)
            if not open_.any():
                break
            length = torch.where(open_, 0.5 * length, length)
        length = torch.where(open_, 0.0, length)
        for _, _, weight in self.pairs:
            weight[open_] = 0.0
        self.scale[open_] = 0.0
        # A seed at rest keeps its own weights: 0 * inf would be nan.
        moved = torch.addcmul(theta, direction, length)
        engine.theta.copy_(torch.where(length > 0, moved, theta))
        self.before = (theta, gradient)

    def _remember(
        self, scale: torch.Tensor, step: torch.Tensor, change: torch.Tensor
    ) -> torch.Tensor:
        product = (step * change).sum(dim=0)
        size = (change * change).sum(dim=0)
        good = product > 1e-10 * size
        weight = torch.where(good, 1 / product, 0.0)
        zero = torch.zeros_like(step)
        pair = (torch.where(good, step, zero), torch.where(good, change, zero), weight)
        self.pairs = [*self.pairs, pair][-int(self.options["memory"]) :]
        return torch.where(good, product / size, scale)

    def _direction(self, scale: torch.Tensor, gradient: torch.Tensor, rate: float) -> torch.Tensor:
        """Minus the inverse Hessian, as far as it is known, times the gradient."""
        q = gradient.clone()
        shares: list[torch.Tensor] = []
        for step, change, weight in reversed(self.pairs):
            share = weight * (step * q).sum(dim=0)
            shares.append(share)
            q -= share * change
        first = rate / torch.clamp_min(gradient.abs().sum(dim=0), 1.0)
        q *= torch.where(scale > 0, scale, first)
        for (step, change, weight), share in zip(self.pairs, reversed(shares), strict=True):
            q += (share - weight * (change * q).sum(dim=0)) * step
        uphill = (q * gradient).sum(dim=0) <= 0
        return -torch.where(uphill, gradient * first, q)


@dataclass
class LevenbergMarquardt:
    """Damped Gauss-Newton: solve ``(J^T J + damping I) step = J^T r``, keep what lowers the loss.

    The damping starts at ``learning_rate``, shrinks after a success and grows after a failure.
    """

    options: Mapping[str, float]
    weight_decay: float
    damping: torch.Tensor | None = None

    def step(self, engine: Engine, rate: float) -> None:
        """One iteration for every seed of the engine."""
        theta = engine.theta.clone()
        value = _objective(engine, self.weight_decay)
        if self.damping is None:
            self.damping = torch.full_like(value, rate, dtype=torch.float64)
        matrix, vector = engine.normal_equations()
        matrix, vector = matrix.double(), vector.double()
        vector += 0.5 * self.weight_decay * theta
        diagonal = matrix.diagonal(dim1=0, dim2=1)  # (S, n_parameters), a view
        diagonal += self.damping.unsqueeze(1) + 0.5 * self.weight_decay
        engine.theta.copy_(theta - _solve(matrix, vector))
        better = _objective(engine, self.weight_decay) < value
        engine.theta.copy_(torch.where(better, engine.theta, theta))
        shrink, grow = self.options["shrink"], self.options["grow"]
        damping = torch.where(better, self.damping * shrink, self.damping * grow)
        self.damping = damping.clamp_(1e-12, 1e12)


def _objective(engine: Engine, weight_decay: float) -> torch.Tensor:
    value = engine.loss()
    if weight_decay:
        value += 0.5 * weight_decay * (engine.theta * engine.theta).sum(dim=0)
    return value


def _solve(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Solve a x = b by Cholesky; a is ``(k, k, S)`` and positive definite, b ``(k, S)``; both are lost."""
    k = len(b)
    for j in range(k):
        a[j, j].sqrt_()
        a[j + 1 :, j] /= a[j, j]
        b[j] /= a[j, j]
        b[j + 1 :] -= a[j + 1 :, j] * b[j]
        a[j + 1 :, j + 1 :] -= a[j + 1 :, j].unsqueeze(1) * a[j + 1 :, j].unsqueeze(0)
    for j in reversed(range(k)):
        b[j] = (b[j] - (a[j + 1 :, j] * b[j + 1 :]).sum(dim=0)) / a[j, j]
    return b
