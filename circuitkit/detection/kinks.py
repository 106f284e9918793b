r"""Which units of a hidden layer bend in the same place, and how they share the bend: what tells circuits of one family apart.

A function fixes where a network bends and by how much. It does not fix who does it: on the line x1 = x2 the minimum
loses as much with relu(x1 - x2) alone, with relu(x2 - x1) alone, or with some of each; the linear rest makes up for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitkit import words
from circuitkit.checks import accepts, double, instance, wrong
from circuitkit.network import Network

__all__ = ["Kink", "kinks"]

Array = NDArray[np.float64]

#: a normal points to where its first entry of this size or more, the largest being 1, is above 0
_FIRST = 0.1
#: relative to what the units add, what rounding alone may leave of the error of parallel units
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Kink:
    r"""Units that bend on one hyperplane, :math:`t = n \cdot x + d = 0`, and what they add: front relu(t) + back relu(-t).

    Attributes:
        normal: n, one number for each input; the largest is 1 in size.
        offset: d; 0 in a network without biases.
        front: what is added for each unit of t where t > 0.
        back: what is added for each unit of -t where t < 0.
        units: which units of the hidden layer these are, 0 for the first.
        error: the units together differ from front relu(t) + back relu(-t) by no more than this, relative to
            max(1, max|x_i|), at any input, up to the rounding of doubles. 0 where they are all parallel. Where they
            are not it is told in the text, too.

    Example:
        >>> from circuitkit import circuit
        >>> (found,) = kinks(circuit("subtract"))
        >>> found
        Kink((1.0, -1.0), offset=0.0, front=1.0, back=-1.0, units=(0, 1))
        >>> isinstance(found, Kink), found.bend
        (True, 0.0)
    """

    normal: tuple[float, ...]
    offset: float
    front: float
    back: float
    units: tuple[int, ...]
    error: float

    @property
    def bend(self) -> float:
        """By how much the slope changes, front + back; 0 where the units carry a linear function.

        Example:
            >>> from circuitkit import circuit
            >>> [kink.bend for kink in kinks(circuit("abs"))]
            [2.0]
        """
        return self.front + self.back

    @property
    def share(self) -> float:
        """How much of the bend the front has, front / bend; nan where nothing bends.

        Between 0 and 1 both sides bend the same way. It says little where the bend is near 0.

        Example:
            >>> from circuitkit import circuits
            >>> [kinks(circuits.minimum(via))[-1].share for via in (1, 2)]
            [1.0, 0.0]
        """
        return self.front / self.bend + 0.0 if self.bend else math.nan

    def __repr__(self) -> str:
        return (
            f"Kink({self.normal}, offset={self.offset}, front={self.front}, back={self.back}, "
            f"units={self.units})"
        )

    def __str__(self) -> str:
        ahead = _linear(self.normal, self.offset)
        behind = _linear([-v for v in self.normal], -self.offset)
        numbers = ", ".join(map(str, self.units))
        back = f"{'-' if self.back < 0 else '+'} {words.number(abs(self.back))}"
        off = ""
        if self.error > _ROUNDING * max(abs(self.front), abs(self.back)):
            off = f", within {words.number(self.error, rounding='up')}"
        return (
            f"{words.number(self.front)} relu({ahead}) {back} relu({behind}): "
            f"unit{'s' if len(self.units) > 1 else ''} {numbers}{off}"
        )


@accepts(
    net=instance(Network),
    angle=double(
        "an angle in degrees, from 0 to 45",
        fits=lambda v: 0 <= v <= 45,
        right=3.0,
        bad=(-1.0, 46.0),
    ),
)
def kinks(net: Network, *, angle: float = 3.0) -> list[Kink]:
    r"""Where a network with one hidden layer bends, and which units do it, on which side.

    Unit i adds :math:`c_i \mathrm{relu}(w_i \cdot x + b_i)`, which bends on the hyperplane where
    :math:`w_i \cdot x + b_i = 0`. Units whose :math:`(w_i, b_i)` are within ``angle`` of parallel, or of
    opposite, to those of the strongest unit that is left are put together; the hyperplane is that unit's.
    The angle is one between the weights and the bias together, :math:`(w_i, b_i)`: where biases are large against weights it is
    small even for units that bend far apart, at x = 1000 and x = 2000, say, and they are put together, too.
    :attr:`Kink.error` bounds what that changes, at any input; an ``angle`` of 0 keeps such units apart.

    A network without biases that computes min(x1, x2) bends at x1 = x2, and the :attr:`Kink.share` p there tells
    which member of this family it is:

    .. math:: \min(x_1, x_2) = p\,x_1 + (1-p)\,x_2 - p\,\mathrm{relu}(x_1 - x_2) - (1-p)\,\mathrm{relu}(x_2 - x_1)

    :func:`circuitkit.circuits.minimum` has p = 1 via ``x1`` and p = 0 via ``x2``, and
    :func:`circuitkit.circuits.minimum_by_average` p = 1/2.

    Args:
        net: one hidden layer, one output.
        angle: in degrees, up to which two units count as bending in the same place.

    Returns:
        A Kink for each hyperplane, the strongest first. A unit without incoming weights bends nowhere, and one
        whose outgoing weight is 0 adds nothing: they are in none.

    Raises:
        TypeError: ``net`` is not a Network, or ``angle`` not a number.
        ValueError: more than one hidden layer, or none, or several outputs; an angle out of range; weights whose
            products are beyond the doubles, too large or too small.

    Example:
        >>> from circuitkit import circuits
        >>> for kink in kinks(circuits.minimum(via=2)):
        ...     print(kink)
        1 relu(x2) - 1 relu(-x2): units 0, 1
        0 relu(x1 - x2) - 1 relu(-x1 + x2): unit 2
        >>> [k.share for k in kinks(circuits.minimum_by_average()) if k.bend]
        [0.5]

    Source: this book.
    """
    if len(net.weights) != 2 or net.n_outputs != 1:
        expected = "a network with one hidden layer and one output"
        raise wrong("net", expected, words.dashes(net.layer_sizes))
    (w, b), (out, _) = net.float_layers
    rows = np.column_stack([w, b])
    size = np.abs(w).max(axis=1)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        strength = np.abs(out[0]) * size
        ratio = np.where(strength > 0, np.abs(rows).max(axis=1) / size, 0)
        sums = (1 + np.abs(out[0])) * np.abs(rows).sum(axis=1) * (1 + ratio) ** 2
    lost = (strength == 0) & (out[0] != 0) & (size != 0)
    if lost.any() or not np.isfinite(sums).all():
        raise wrong("net", "weights whose products and quotients are doubles", "others")
    left = [int(i) for i in np.argsort(-strength, kind="stable") if strength[i] > 0]
    unit = np.zeros(rows.shape)
    unit[left] = rows[left] / np.abs(rows[left]).max(axis=1)[:, None]
    unit[left] /= np.linalg.norm(unit[left], axis=1)[:, None]
    found = []
    while left:
        along = unit[left] @ unit[left[0]]
        # by both cosine and sine: the arc cosine is inexact near 1
        across = np.linalg.norm(unit[left] - along[:, None] * unit[left[0]], axis=1)
        near = np.arctan2(across, np.abs(along)) <= math.radians(angle)
        near[0] = True
        together = [i for i, is_near in zip(left, near, strict=True) if is_near]
        signs = np.sign(along[near]).astype(int)
        found.append(_kink(rows, out[0], together, signs))
        left = [i for i, is_near in zip(left, near, strict=True) if not is_near]
    return found


def _kink(rows: Array, out: Array, units: list[int], signs: NDArray[np.int_]) -> Kink:
    """What these units are together, on the hyperplane of the first; ``signs`` says which look to its side."""
    line = rows[units[0]] / np.abs(rows[units[0], :-1]).max()
    if line[np.flatnonzero(np.abs(line[:-1]) >= _FIRST)[0]] < 0:
        line, signs = -line, -signs
    line = line + 0.0  # no minus zero
    size = np.abs(rows[units] @ line) / (line @ line)
    adds = out[units] * size
    off = np.abs(rows[units] - (signs * size)[:, None] * line).sum(axis=1)
    return Kink(
        normal=tuple(line[:-1].tolist()),
        offset=float(line[-1]),
        front=float(adds[signs > 0].sum()),
        back=float(adds[signs < 0].sum()),
        units=tuple(sorted(units)),
        error=float((np.abs(out[units]) * off).sum()),
    )


def _linear(normal: Sequence[float], offset: float) -> str:
    """Such as ``x1 - 0.5 x2 + 3``."""
    names = words.input_names(len(normal))
    terms = [(v, name) for v, name in zip(normal, names, strict=True) if v]
    terms += [(offset, "")] if offset else []
    text = ""
    for value, name in terms:
        size = words.number(abs(value))
        body = name if name and size == "1" else f"{size} {name}".strip()
        sign = "-" if value < 0 else "+"
        text += f" {sign} {body}" if text else ("-" if value < 0 else "") + body
    return text
