"""How alike two layers are as a whole: centered kernel alignment (CKA), which looks at no single unit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import Kind, accepts, finite, made_by, wrong
from circuitkit.images.scaling import scaled

__all__ = ["cka"]

Array = NDArray[np.float64]


def activations() -> Kind:
    """One row for each input, at least two."""
    expected = "activations, an array of shape (inputs, units) with two inputs or more"

    def take(name: str, value: Any) -> Array:
        numbers = finite(value, name)
        if numbers.ndim != 2 or len(numbers) < 2 or not numbers.size:
            raise wrong(name, expected, f"an array of shape {numbers.shape}")
        return numbers

    bad = ("a", None, [1.0, 2.0], [[1.0, 2.0]], [[np.nan], [1.0]], np.zeros((3, 0)))
    return made_by(take, right=[[0.0], [1.0]], wrong=bad)


@accepts(a=activations(), b=activations())
def cka(a: Array, b: Array) -> float:
    r"""Linear CKA: :math:`\lVert A^\top B \rVert^2 / (\lVert A^\top A \rVert \lVert B^\top B \rVert)`, columns centered.

    Args:
        a: activations of one layer, ``(inputs, units)``.
        b: of another, on the same inputs; as many units as it likes.

    Returns:
        From 0 to 1, and 1 for layers that are one another turned and scaled.

    Raises:
        TypeError: not numeric.
        ValueError: other shapes, different numbers of inputs, or a layer that is the same for all inputs.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(50, 3))
        >>> round(cka(x, x[:, ::-1] * -5), 6)
        1.0

    Source: Kornblith et al. (2019), "Similarity of Neural Network Representations Revisited".
    """
    if len(a) != len(b):
        raise wrong("b", f"{len(a)} rows, as many as a", len(b))
    a, b = _centered("a", a), _centered("b", b)
    norms = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
    return min(float(np.linalg.norm(a.T @ b) ** 2 / norms), 1.0)


def _centered(name: str, values: Array) -> Array:
    """Each unit less its mean, in another unit of measure, on which CKA does not depend."""
    # A mean is rounded: that a unit is the same for all inputs is told before it is taken off.
    differs = values.max(axis=0) > values.min(axis=0)
    if not differs.any():
        raise wrong(name, "activations that differ between inputs", "the same ones for all")
    near_one, _ = scaled(values[:, differs])
    return scaled(near_one - near_one.mean(axis=0))[0]
