"""Loss and gradient of many small networks at once, the seed axis last.

Every array ends in the axis of the seeds: weights ``(n_out, n_in, S)``, activations
``(n_units, n_points, S)``. All work is elementwise over that axis, one operation for each unit that
feeds a layer, so that a processor's vector unit holds several seeds side by side and no operation
ever mixes two of them. For networks this small that is 20 to 50 times faster than a batch of matrix
products.

Two rules keep a seed's result the same to the last bit whatever runs beside it. A chunk always has
:func:`lanes` seeds, a number that depends on the layer sizes and points alone, filled up with copies
where there are fewer; so every operation sees the same shapes and takes the same code path. And sums
run over points, never over seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from circuitkit._populations import Points

Array = NDArray[np.float64]


def lanes(sizes: Sequence[int], n_points: int, device: torch.device) -> int:
    """How many seeds are trained side by side.

    On a CPU the activations of one layer should stay in the cache: about 50,000 numbers. On a GPU a
    chunk should keep the device busy.
    """
    target = 50_000 if device.type == "cpu" else 50_000_000
    width = max(sizes[1:-1], default=1)
    s = target // max(1, width * n_points)
    return max(
        32, min(2 ** (s.bit_length() - 1) if s else 0, 512 if device.type == "cpu" else 65_536)
    )


@dataclass
class Batch:
    """Points as the engine takes them."""

    columns: list[torch.Tensor]  # one (1, n_points, 1) an input
    rows: torch.Tensor  # (n_inputs [+ 1 with biases], n_points), the last row the unit
    negative_y: torch.Tensor  # (n_outputs, n_points, 1)
    unit: float

    @classmethod
    def of(cls, points: Points, *, bias: bool, dtype: torch.dtype, device: torch.device) -> Batch:
        x = torch.as_tensor(points.x, dtype=dtype, device=device)
        y = torch.as_tensor(points.y, dtype=dtype, device=device)
        columns = [c.contiguous().view(1, -1, 1) for c in x.T]
        extra = [torch.full_like(x[:, :1], points.unit)] if bias else []
        return cls(
            columns,
            torch.cat([x, *extra], dim=1).T.contiguous(),
            (-y.T).contiguous().unsqueeze(-1),
            points.unit,
        )


class Parameters:
    """Weights and biases of one chunk as one array ``(n_parameters, S)`` and views into it."""

    def __init__(self, flat: torch.Tensor, sizes: Sequence[int], bias: bool) -> None:
        self.flat = flat
        self.weights: list[torch.Tensor] = []
        self.biases: list[torch.Tensor] = []
        start = 0
        for n_in, n_out in pairwise(sizes):
            self.weights.append(flat[start : start + n_out * n_in].view(n_out, n_in, -1))
            start += n_out * n_in
            if bias:
                self.biases.append(flat[start : start + n_out])
                start += n_out


def n_parameters(sizes: Sequence[int], bias: bool) -> int:
    return sum(o * (i + bias) for i, o in pairwise(sizes))


class Engine:
    """Buffers for one chunk, and the loss and gradient written for them."""

    def __init__(
        self,
        sizes: Sequence[int],
        n_points: int,
        s: int,
        *,
        bias: bool,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.sizes, self.bias = tuple(sizes), bias
        self.n_points, self.s = n_points, s

        def empty(*shape: int) -> torch.Tensor:
            return torch.empty(shape, dtype=dtype, device=device)

        hidden = self.sizes[1:-1]
        self.h = [empty(n, n_points, s) for n in hidden]
        self.d = [empty(n, n_points, s) for n in hidden]
        self.residual = empty(self.sizes[-1], n_points, s)
        widest = max([self.sizes[-1], *hidden])
        self.scratch = empty(widest * n_points * s)
        self.gradient = Parameters(empty(n_parameters(sizes, bias), s), sizes, bias)
        # The sums over points for the first layer, and for a layer whose units share one residual.
        self.first = empty(self.sizes[1], self.sizes[0] + bias, s)
        self.ones = torch.ones(1, n_points, dtype=dtype, device=device)

    def forward(self, theta: Parameters, batch: Batch) -> torch.Tensor:
        """Fills the activations and returns the residual net(x) - y, ``(n_outputs, n_points, S)``."""
        before: Sequence[torch.Tensor] = batch.columns
        last = len(theta.weights) - 1
        for layer, w in enumerate(theta.weights):
            z = self.residual if layer == last else self.h[layer]
            start: torch.Tensor | None = None
            if self.bias:
                start = (theta.biases[layer] * batch.unit).unsqueeze(1)
            if layer == last:
                start = (
                    batch.negative_y
                    if start is None
                    else torch.add(
                        batch.negative_y, start, out=self.scratch[: z.numel()].view_as(z)
                    )
                )
            for i, column in enumerate(before):
                coefficient = w[:, i].unsqueeze(1)
                if start is None:
                    torch.mul(column, coefficient, out=z)
                else:
                    torch.addcmul(start, column, coefficient, out=z)
                start = z
            if layer != last:
                z.clamp_min_(0)
                before = [h.unsqueeze(0) for h in z]
        return self.residual

    def loss(self) -> torch.Tensor:
        """The squared residuals summed over points and averaged over outputs, ``(S,)``."""
        flat = self.residual.view(-1, self.s)
        squares = torch.mul(flat, flat, out=self.scratch[: flat.numel()].view_as(flat))
        return squares.sum(dim=0) / self.sizes[-1]

    def step(self, theta: Parameters, batch: Batch) -> torch.Tensor:
        """The gradient of the loss, ``(n_parameters, S)``; the residual stays for :meth:`loss`."""
        self.forward(theta, batch)
        g = self.gradient
        layer = len(theta.weights) - 1
        delta = self.residual
        if self.sizes[-1] == 1 and layer:
            # One output: every unit of the last hidden layer gets the same residual, where it is on.
            # With A = sum_p on * r * h_before, its incoming weights have the gradient out * A, and
            # its outgoing weight the gradient incoming . A, for its activation is incoming . h_before.
            h, d, out = self.h[-1], self.d[-1], theta.weights[-1][0]
            torch.ops.aten.threshold_backward.grad_input(delta.expand_as(h), h, 0, grad_input=d)
            if self.bias:
                torch.sum(delta, dim=1, out=g.biases[layer]).mul_(batch.unit)
            layer -= 1
            self._products(layer, d, batch)
            into = theta.weights[layer] * g.weights[layer]
            torch.sum(into, dim=1, out=g.weights[layer + 1][0])
            g.weights[layer].mul_(out.unsqueeze(1))
            if self.bias:
                g.weights[layer + 1][0].addcmul_(theta.biases[layer], g.biases[layer])
                g.biases[layer].mul_(out)
            if layer:
                self._back(layer, d, theta.weights[layer] * out.unsqueeze(1))
                layer -= 1
                delta = self.d[layer]
            else:
                return g.flat.mul_(2)
        while True:
            self._products(layer, delta, batch)
            if layer == 0:
                return g.flat.mul_(2 / self.sizes[-1])
            self._back(layer, delta, theta.weights[layer])
            layer -= 1
            delta = self.d[layer]

    def _products(self, layer: int, delta: torch.Tensor, batch: Batch) -> None:
        """Sums over points of delta times what feeds the layer, into the gradient's views."""
        g = self.gradient
        if layer == 0:
            torch.matmul(batch.rows, delta, out=self.first)
            g.weights[0].copy_(self.first[:, : self.sizes[0]])
            if self.bias:
                g.biases[0].copy_(self.first[:, -1])
            return
        scratch = self.scratch[: delta.numel()].view_as(delta)
        for i, h in enumerate(self.h[layer - 1]):
            torch.mul(delta, h.unsqueeze(0), out=scratch)
            torch.sum(scratch, dim=1, out=g.weights[layer][:, i])
        if self.bias:
            torch.sum(delta, dim=1, out=g.biases[layer]).mul_(batch.unit)

    def _back(self, layer: int, delta: torch.Tensor, w: torch.Tensor) -> None:
        """delta of the layer below: ``sum_o w[o] delta[o]`` where its unit is on."""
        below, h = self.d[layer - 1], self.h[layer - 1]
        for o, row in enumerate(delta):
            if o == 0:
                torch.mul(row.unsqueeze(0), w[0].unsqueeze(1), out=below)
            else:
                below.addcmul_(row.unsqueeze(0), w[o].unsqueeze(1))
        torch.ops.aten.threshold_backward.grad_input(below, h, 0, grad_input=below)


def to_lanes(
    weights: list[Array],
    biases: list[Array],
    s: int,
    *,
    bias: bool,
    dtype: torch.dtype,
    device: torch.device,
) -> list[torch.Tensor]:
    """Chunks ``(n_parameters, s)`` of seed-last parameters; the last one is filled with copies."""
    parts: list[Array] = []
    for w, b in zip(weights, biases, strict=True):
        parts.append(w.reshape(len(w), -1))
        if bias:
            parts.append(b)
    flat = np.concatenate(parts, axis=1)
    filled = np.concatenate([flat, np.repeat(flat[-1:], -len(flat) % s, axis=0)])
    return [
        torch.as_tensor(filled[i : i + s].T.copy(), dtype=dtype, device=device)
        for i in range(0, len(filled), s)
    ]


def from_lanes(
    chunks: Sequence[torch.Tensor], n_seeds: int, sizes: Sequence[int], *, bias: bool
) -> tuple[list[Array], list[Array]]:
    """The inverse of :func:`to_lanes`: float64 weights and biases, the seed axis first."""
    flat = np.concatenate([c.cpu().to(torch.float64).numpy().T for c in chunks])[:n_seeds]
    weights: list[Array] = []
    biases: list[Array] = []
    start = 0
    for n_in, n_out in pairwise(sizes):
        weights.append(flat[:, start : start + n_out * n_in].reshape(-1, n_out, n_in).copy())
        start += n_out * n_in
        if bias:
            biases.append(flat[:, start : start + n_out].copy())
            start += n_out
        else:
            biases.append(np.zeros((len(flat), n_out)))
    return weights, biases
