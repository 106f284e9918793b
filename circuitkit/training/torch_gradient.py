"""Loss and gradient of many small networks at once in torch, the seed axis last.

For a GPU, and for the optimizers that look at curvature; on a processor those that follow the gradient
have a compiled loop of their own, :mod:`circuitkit.training.compiled_loop`.

Every array ends in the axis of the seeds: parameters ``(n_out, n_in, S)``, activations
``(n_units, n_points, S)``. All work is elementwise over that axis, one operation for each unit that
feeds a layer, so that a processor's vector unit holds several seeds side by side and no operation
ever mixes two of them. For networks this small that is 20 to 50 times faster than a batch of matrix
products.

An :class:`Engine` has its buffers and its list of operations laid out once; a step runs down the
list. What is left to Python is about a microsecond an operation.

Two rules keep a seed's result the same to the last bit whatever runs beside it. A chunk is filled up
with copies to a power of two from 32, so that no seed falls into the rest that a vector unit treats
differently. And sums run over points, never over seeds, by elementwise operations: in a matrix
product the order of a sum may depend on where in the matrix a seed is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from circuitkit.training.flat import layers, n_parameters
from circuitkit.training.points import Points


def tile(n_points: int, device: torch.device) -> int:
    """How many points are taken at a time: on a CPU the largest divisor up to 256, if there is one.

    It must not depend on the number of seeds: the order of a sum over points would.
    """
    if device.type != "cpu" or n_points <= 256:
        return n_points
    return next((p for p in range(256, 31, -1) if n_points % p == 0), n_points)


def lanes(width: int, n_points: int, n_seeds: int, threads: int, device: torch.device) -> int:
    """How many seeds are trained side by side: a power of two from 32.

    On a CPU an array of ``width`` numbers a point should stay in the cache: 100,000 numbers; and there
    should be work for every thread. On a GPU a chunk should keep the device busy, and is as large for
    one seed as for a thousand: how a GPU adds up depends on the shape, and costs no more.
    """
    numbers, most = (100_000, 2**14) if device.type == "cpu" else (2**24, 2**14)
    fits = 2 ** max((numbers // (width * tile(n_points, device))).bit_length() - 1, 0)
    share = 2 ** (-(-n_seeds // threads) - 1).bit_length() if device.type == "cpu" else most
    return int(max(32, min(fits, share, most)))


class Engine:
    """Buffers for one chunk of seeds, and the operations that compute loss and gradient in them.

    Args:
        sizes: widths from input to output.
        n_points: how many points a loss is taken over.
        s: how many seeds side by side.
        bias: whether the layers have biases.
        unit: what a bias is multiplied by (:attr:`circuitkit.training.points.Points.unit`).

    Attributes:
        theta: the parameters, ``(n_parameters, S)``; write here before :meth:`run`.
        gradient: the gradient of the loss, the same shape; read here after :meth:`run`.
        residual: ``net(x) - y``, ``(n_outputs, n_points, S)``, of the points taken last.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        n_points: int,
        s: int,
        *,
        bias: bool,
        unit: float,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._empty = partial(torch.empty, dtype=dtype, device=device)
        self._sizes, self._s, self._tile = tuple(sizes), s, tile(n_points, device)
        self._bias, self._unit = bias, unit
        n = n_parameters(sizes, bias=bias)
        self.theta, self.gradient, self._sum = (self._empty(n, s) for _ in range(3))
        self._inputs = self._empty(sizes[0], n_points)
        self._outputs = self._empty(sizes[-1], n_points)
        n_points = self._tile
        self._layers = layers(self.theta, sizes, bias=bias)
        self._gradients = layers(self.gradient, sizes, bias=bias)
        self._rows = self._empty(sizes[0] + bias, n_points)
        self._rows[-1] = unit  # with biases; otherwise overwritten by load
        self._negative_y = self._empty(sizes[-1], n_points, 1)
        self._h = [self._empty(width, n_points, s) for width in sizes[1:-1]]
        self._d = [self._empty(width, n_points, s) for width in sizes[1:-1]]
        self.residual = self._empty(sizes[-1], n_points, s)
        self._scratch = self._empty(max(sizes[1:]) * n_points * s)
        self._forward = self._build(self._write_forward)
        self._backward = self._build(self._write_backward)

    def load(self, x: torch.Tensor, negative_y: torch.Tensor) -> None:
        """Take these points: ``x`` is ``(n_inputs, n_points)``, ``negative_y`` ``(n_outputs, n_points)``."""
        self._inputs.copy_(x)
        self._outputs.copy_(negative_y)
        self._take(0)

    def run(self) -> torch.Tensor:
        """The gradient of the loss at ``theta``."""
        n_points = self._inputs.shape[1]
        if n_points == self._tile:
            return self._run_tile()
        for start in range(0, n_points, self._tile):
            self._take(start)
            part = self._run_tile()
            self._sum.copy_(part) if start == 0 else self._sum.add_(part)
        return self.gradient.copy_(self._sum)

    def loss(self) -> torch.Tensor:
        """The loss at ``theta``: squared residuals, summed over points, averaged over outputs, ``(S,)``."""
        total = torch.zeros(self._s, dtype=self.theta.dtype, device=self.theta.device)
        flat = self.residual.view(-1, self._s)
        for start in range(0, self._inputs.shape[1], self._tile):
            self._take(start)
            for operation in self._forward:
                operation()
            total += torch.mul(flat, flat, out=self._like(flat)).sum(dim=0)
        return total / self._sizes[-1]

    def normal_equations(self) -> tuple[torch.Tensor, torch.Tensor]:
        """``J^T J`` and ``J^T r`` of the residuals, averaged over outputs.

        Returns:
            Shapes ``(n_parameters, n_parameters, S)`` and ``(n_parameters, S)``.
        """
        n = len(self.theta)
        matrix = torch.zeros(n, n, self._s, dtype=self.theta.dtype, device=self.theta.device)
        vector = torch.zeros_like(self.theta)
        jacobian = self._empty(n, self._tile, self._s)
        for start in range(0, self._inputs.shape[1], self._tile):
            self._take(start)
            for operation in self._forward:
                operation()
            for output in range(self._sizes[-1]):
                self._jacobian(output, jacobian)
                vector += (jacobian * self.residual[output]).sum(dim=1)
                for k in range(n):
                    matrix[k, : k + 1] += (jacobian[: k + 1] * jacobian[k]).sum(dim=1)
        for k in range(n):
            matrix[:k, k] = matrix[k, :k]
        return matrix / self._sizes[-1], vector / self._sizes[-1]

    def _jacobian(self, output: int, out: torch.Tensor) -> None:
        """The derivative of one output by each parameter, ``(n_parameters, n_points, S)``."""
        last = len(self._layers) - 1
        out.zero_()
        views: list[torch.Tensor] = []
        start = 0
        for w in self._layers:
            count = w.shape[0] * w.shape[1]
            views.append(out[start : start + count].view(*w.shape[:2], *out.shape[1:]))
            start += count
        # by the preactivations of a layer, (n_units, n_points, S); of the output there is one
        by_z = torch.ones_like(self.residual[:1])
        for layer in range(last, -1, -1):
            view = views[layer][output : output + 1] if layer == last else views[layer]
            w = self._layers[layer][output : output + 1] if layer == last else self._layers[layer]
            width = self._sizes[layer]
            before = self._h[layer - 1] if layer else self._rows[:width].unsqueeze(-1)
            torch.mul(by_z.unsqueeze(1), before.unsqueeze(0), out=view[:, :width])
            if self._bias:
                torch.mul(by_z, self._unit, out=view[:, width])
            if layer:
                by_h = sum(z * c.unsqueeze(1) for z, c in zip(by_z, w[:, :width], strict=True))
                by_z = torch.where(before > 0, by_h, torch.zeros_like(before))

    def _take(self, start: int) -> None:
        part = slice(start, start + self._tile)
        self._rows[: self._sizes[0]].copy_(self._inputs[:, part])
        self._negative_y.copy_(self._outputs[:, part].unsqueeze(-1))

    def _run_tile(self) -> torch.Tensor:
        for operation in (*self._forward, *self._backward):
            operation()
        return self.gradient

    def _build(self, write: Callable[[Callable[..., None]], None]) -> list[Callable[[], Any]]:
        operations: list[Callable[[], Any]] = []

        def then(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
            operations.append(partial(function, *args, **kwargs))

        write(then)
        return operations

    def _like(self, z: torch.Tensor) -> torch.Tensor:
        """Room for a passing result of the shape of ``z``."""
        return self._scratch[: z.numel()].view_as(z)

    def _write_forward(self, then: Callable[..., None]) -> None:
        before = [row.view(1, -1, 1) for row in self._rows[: self._sizes[0]]]
        last = len(self._layers) - 1
        for layer, w in enumerate(self._layers):
            z = self.residual if layer == last else self._h[layer]
            start: torch.Tensor | None = self._negative_y if layer == last else None
            if self._bias:
                offset = self._empty(len(w), self._s)
                then(torch.mul, w[:, -1], self._unit, out=offset)
                if start is not None:
                    then(torch.add, start, offset.unsqueeze(1), out=z)
                start = offset.unsqueeze(1) if start is None else z
            for i, column in enumerate(before):
                coefficient = w[:, i].unsqueeze(1)
                if start is None:
                    then(torch.mul, column, coefficient, out=z)
                else:
                    then(torch.addcmul, start, column, coefficient, out=z)
                start = z
            if layer == last:
                return
            then(z.clamp_min_, 0)
            before = [h.unsqueeze(0) for h in self._h[layer]]

    def _write_backward(self, then: Callable[..., None]) -> None:
        layer = len(self._layers) - 1
        delta = self.residual
        coefficients = self._layers[layer]
        if self._sizes[-1] == 1:
            # With one output every unit of the last hidden layer gets the same residual where it is
            # on. Let A = sum_p on r h, h what feeds the unit. Its incoming weights have the gradient
            # out A; and since its activation is (incoming . h) where it is on, its outgoing weight
            # has the gradient incoming . A: no further sum over the points.
            out, g_out = self._layers[layer][0], self._gradients[layer][0]
            if self._bias:
                then(torch.sum, delta[0], dim=0, out=g_out[-1])
                then(g_out[-1].mul_, self._unit)
            layer -= 1
            w, g, d = self._layers[layer], self._gradients[layer], self._d[layer]
            width = len(d)
            then(
                torch.ops.aten.threshold_backward.grad_input,
                delta.expand_as(d),
                self._h[layer],
                0,
                grad_input=d,
            )
            self._write_products(then, layer, d)
            into = torch.empty_like(g)
            then(torch.mul, w, g, out=into)
            then(torch.sum, into, dim=1, out=g_out[:width])
            then(g.mul_, out[:width].unsqueeze(1))
            coefficients = torch.empty_like(w)
            if layer:
                then(torch.mul, w, out[:width].unsqueeze(1), out=coefficients)
            delta = d
        else:
            self._write_products(then, layer, delta)
        while layer:
            below = self._d[layer - 1]
            for o, row in enumerate(delta):
                coefficient = coefficients[o, : len(below)].unsqueeze(1)
                if o == 0:
                    then(torch.mul, row.unsqueeze(0), coefficient, out=below)
                else:
                    then(torch.addcmul, below, row.unsqueeze(0), coefficient, out=below)
            layer -= 1
            then(
                torch.ops.aten.threshold_backward.grad_input,
                below,
                self._h[layer],
                0,
                grad_input=below,
            )
            self._write_products(then, layer, below)
            delta, coefficients = below, self._layers[layer]
        then(self.gradient.mul_, 2 / self._sizes[-1])

    def _write_products(self, then: Callable[..., None], layer: int, delta: torch.Tensor) -> None:
        """Into the layer's gradient: sums over the points of ``delta`` times what feeds the layer."""
        # Not a matrix product: its sums depend on where in the chunk a seed is.
        g = self._gradients[layer]
        before = self._h[layer - 1] if layer else self._rows[: self._sizes[0]].unsqueeze(-1)
        for i, h in enumerate(before):
            then(torch.mul, delta, h.unsqueeze(0), out=self._like(delta))
            then(torch.sum, self._like(delta), dim=1, out=g[:, i])
        if self._bias:
            then(torch.sum, delta, dim=1, out=g[:, -1])
            then(g[:, -1].mul_, self._unit)


def as_tensors(
    points: Points, *, dtype: torch.dtype, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """What :meth:`Engine.load` takes."""
    x = torch.as_tensor(points.x.T.copy(), dtype=dtype, device=device)
    return x, torch.as_tensor(-points.y.T, dtype=dtype, device=device)
