"""Of the forms of a function the one that takes the fewest units.

Each form is equal to the function by an exact argument of the module that makes it; here they are only counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from circuitkit.compiling.as_checked import as_checked
from circuitkit.compiling.circuit import Circuit
from circuitkit.compiling.flattening import flattened
from circuitkit.compiling.folding import Form, folded
from circuitkit.compiling.layers import units_a_layer
from circuitkit.functions.target import Target

__all__ = ["Found", "smallest"]

#: the forms in which a function is tried
_FORMS = (
    Form(),
    Form(middle=False),
    Form(sorting=False),
    Form(ranges=False),
    Form(corners=False),
    *(Form(seed=seed) for seed in range(1, 4)),
)
#: of a circuit of more units no other form is tried; none of more units is turned unit by unit
_MOST_TRIED, _MOST_TURNED = 150, 60
#: so many of the smallest forms are turned unit by unit, if they take at most so many units more than the least
_TURNED, _NEAR = 3, 8


@dataclass(frozen=True)
class Found:
    """A circuit, and how many units each hidden layer takes."""

    circuit: Circuit
    counts: tuple[int, ...]

    @property
    def price(self) -> tuple[int, int]:
        """How many units, then how many layers."""
        return sum(self.counts), len(self.counts)

    def fits(self, widths: tuple[int, ...]) -> bool:
        """Whether there is room for it in layers of these widths."""
        same = len(self.counts) == len(widths)
        return same and all(a <= b for a, b in zip(self.counts, widths, strict=True))


def smallest(f: Target, widths: tuple[int, ...] | None = None) -> Found:
    """The circuit of the fewest units, then layers; with widths the one that fits, if one does.

    Of equal ones the first, which is the checker's own where that is as small.

    Example:
        >>> import circuitkit as ck
        >>> smallest(ck.target("sort(x1, x2, x3)")).counts
        (6, 6)
    """
    depth = 0 if widths is None else len(widths)
    found = [Found(c, tuple(units_a_layer(c, depth))) for c in _forms(f)]
    if widths is not None:
        found = [one for one in found if len(one.counts) == depth] or found
    found.sort(key=lambda one: one.price)
    least = found[0].price[0]
    turned = [
        _turned(one, depth) if i < _TURNED and one.price[0] <= least + _NEAR else one
        for i, one in enumerate(found)
    ]
    fitting = [one for one in turned if widths is not None and one.fits(widths)]
    return min(fitting or turned, key=lambda one: one.price)


def _forms(f: Target) -> Iterator[Circuit]:
    """The circuit in every form, each once; of a large one the first alone."""
    seen = set()
    for base in _bases(f):
        for circuit in (base, flattened(base)):
            key = str((circuit.units, circuit.outputs))
            if key not in seen:
                seen.add(key)
                yield circuit
        if len(base.units) > _MOST_TRIED:
            break


def _bases(f: Target) -> Iterator[Circuit]:
    read = as_checked(f)
    if read is not None:
        yield read
    for form in _FORMS:
        yield folded(f.exact_pieces, form)


def _turned(found: Found, depth: int) -> Found:
    """The circuit with units facing the other way where that saves some."""
    used = found.circuit.used()
    better = len(used) <= _MOST_TURNED
    while better:
        better = False
        for k in used:
            circuit = found.circuit.flipped(k)
            counts = tuple(units_a_layer(circuit, depth))
            if sum(counts) < sum(found.counts):
                found, better = Found(circuit, counts), True
    return found
