"""One table of circuits, their targets and expected values, shared by every test that needs some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from circuitkit import Network, circuits


@dataclass(frozen=True)
class Case:
    """A hand-derived circuit, the catalogue name of its function, and values worked out by hand."""

    name: str
    make: Callable[[], Network]
    target: str
    layer_sizes: tuple[int, ...]
    #: (input, output) pairs; the first two of a case are the deck's own examples where it has some
    values: tuple[tuple[tuple[float, ...], float], ...]

    def __str__(self) -> str:
        return self.name


CIRCUITS = (
    Case("identity", circuits.identity, "identity", (1, 2, 1), (((3,), 3), ((-5,), -5), ((0,), 0))),
    Case(
        "identity with w 4 and -1/2",
        lambda: circuits.identity(4.0, -0.5),
        "identity",
        (1, 2, 1),
        (((3,), 3), ((-5,), -5)),
    ),
    Case("negation", circuits.negation, "negation", (1, 2, 1), (((3,), -3), ((-5,), 5))),
    Case(
        "negation with w 1/8 and -2",
        lambda: circuits.negation(0.125, -2.0),
        "negation",
        (1, 2, 1),
        (((3,), -3), ((-5,), 5)),
    ),
    Case("abs", circuits.absolute, "abs", (1, 2, 1), (((3,), 3), ((-5,), 5))),
    Case(
        "abs with w 2 and -16",
        lambda: circuits.absolute(2.0, -16.0),
        "abs",
        (1, 2, 1),
        (((3,), 3), ((-5,), 5)),
    ),
    Case("add", circuits.add, "add", (2, 2, 1), (((3, -5), -2), ((2, 7), 9), ((-1, -1), -2))),
    Case("subtract", circuits.subtract, "subtract", (2, 2, 1), (((3, 5), -2), ((3, -5), 8))),
    Case("min via x1", circuits.minimum, "min", (2, 3, 1), (((3, -5), -5), ((2, 7), 2))),
    Case(
        "min via x2",
        lambda: circuits.minimum(via=2),
        "min",
        (2, 3, 1),
        (((3, -5), -5), ((2, 7), 2)),
    ),
    Case(
        "min with two hidden layers",
        circuits.minimum_two_layers,
        "min",
        (2, 3, 2, 1),
        (((3, -5), -5), ((2, 7), 2), ((-4, -3), -4)),
    ),
    Case(
        "min by average",
        circuits.minimum_by_average,
        "min",
        (2, 4, 1),
        (((3, -5), -5), ((2, 7), 2)),
    ),
    Case("max via x1", circuits.maximum, "max", (2, 3, 1), (((3, -5), 3), ((2, 7), 7))),
    Case(
        "max via x2", lambda: circuits.maximum(via=2), "max", (2, 3, 1), (((3, -5), 3), ((2, 7), 7))
    ),
    Case(
        "min of four",
        circuits.minimum_four,
        "min4",
        (4, 6, 3, 1),
        (((4, -2, 7, -3), -3), ((1, 2, 3, 4), 1), ((5, 5, 5, 5), 5)),
    ),
)
