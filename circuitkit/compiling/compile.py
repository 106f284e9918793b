"""An expression becomes a network that equals it, exactly, with few units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

from circuitkit.checks import Kind, accepts, shown, wrong, wrong_type
from circuitkit.compiling.circuit import TooLarge
from circuitkit.compiling.doubles import NoDoubles, network_of
from circuitkit.compiling.layers import laid_out
from circuitkit.compiling.smallest import Found, smallest
from circuitkit.functions.pieces import Pieces
from circuitkit.functions.target import Target, TargetLike, target
from circuitkit.network import Network
from circuitkit.proof.claim import values
from circuitkit.words import count, dashes, number

__all__ = ["compile_expression"]

#: the finished network is evaluated exactly at so many points
_POINTS = 5


def _function(name: str, value: Any) -> Target:
    try:
        f = target(value)
        f.exact_pieces  # noqa: B018 (raises)
    except (TypeError, ValueError) as error:
        own, _, rest = str(error).partition(": ")
        if own != "target":
            raise
        raise type(error)(f"{name}: {rest}") from None
    return f


_EXPRESSION = Kind(_function, "min", ("nonsense(x)", "", 3, None, "x**2", "x1*x2", "sqrt(2)*x", []))


def _widths(name: str, value: Any) -> tuple[int, ...]:
    expected = "None, a width, or a tuple of widths, one a hidden layer, such as (2,)"
    given = [value] if isinstance(value, int) else value
    if isinstance(given, (str, bytes)) or not isinstance(given, (list, tuple)):
        raise wrong_type(name, expected, shown(value))
    if any(isinstance(v, bool) or not isinstance(v, int) for v in given):
        raise wrong_type(name, expected, shown(value))
    if any(not 0 < v <= 2_000 for v in given) or len(given) > 100:
        raise wrong(name, f"{expected}, each from 1 to 2000, at most 100 layers", shown(value))
    return tuple(given)


_HIDDEN = Kind(_widths, (2,), ("2", 1.5, True, [1.5], 0, -1, (2, 0), (True,), {2}, [None]))


@accepts(expr=_EXPRESSION, hidden=_HIDDEN)
def compile_expression(expr: TargetLike, *, hidden: int | Sequence[int] | None = None) -> Network:
    r"""The network that computes an expression, exactly: ``prove(compile_expression(e), e)`` holds at tolerance 0.

    Maxima are folded in pairs, :math:`\max(a, b) = a + \operatorname{relu}(b - a)`, those of least depth first;
    the same unit is built once, also where one is a multiple of the other; layers without ReLU between them are
    one; what is never negative is carried by one unit. Several forms are tried, each equal by an exact
    argument, and the one with the fewest units is taken: what depends on one number alone in one layer (clamp:
    two units), maxima over the corners of a parallelepiped, ranges, order statistics by comparators.

    Numbers are exact. What is no binary fraction is cleared of its denominator unit by unit, which leaves the
    last layer; what remains there is the network's output scale, :attr:`Network.scale`.

    Args:
        expr: a catalogue name, text, a SymPy expression or a Target, that is continuous and piecewise linear
            with rational numbers; several outputs as a list or with commas.
        hidden: the widths of the hidden layers, one number for one layer: ``(2,)`` gives the identity in the
            deck's form, 1-2-1. What needs fewer units is filled up with units of weight 0, what needs fewer
            layers is carried through. None: as few units as are found; an affine function needs none.

    Raises:
        TypeError: ``expr`` is no function, ``hidden`` is neither a number nor a tuple of them.
        ValueError: the function is not piecewise linear with rational numbers, or it takes thousands of units,
            or numbers in it are too far apart for doubles, as 1e300 and 1e-300; ``hidden`` is too small, with the
            fewest units that were found.

    Example:
        >>> from circuitkit import prove
        >>> net = compile_expression("clamp(x/3, -1, 1)")
        >>> net, prove(net, "clamp(x/3, -1, 1)").holds
        (Network(1-2-1, with biases, times 1/3), True)
        >>> compile_expression("sort(x1, x2, x3)")
        Network(3-6-6-3, no biases)
        >>> compile_expression("x", hidden=(2,)).weights[0].tolist()
        [[1.0], [-1.0]]

    Source: Arora et al. (2018), "Understanding Deep Neural Networks with Rectified Linear Units", for maxima in
    pairs.
    """
    f = target(expr)
    pieces = f.exact_pieces
    widths = None if hidden is None else _widths("hidden", hidden)
    try:
        found = smallest(f, widths)
        if widths is not None:
            _room_for(found, widths)
        net = network_of(laid_out(found.circuit, len(found.counts)))
    except TooLarge:
        raise wrong(
            "expr", "a function of fewer units", f"{f.said}, which takes thousands"
        ) from None
    except NoDoubles as problem:
        raise ValueError(
            f"expr: expected numbers near enough to each other for doubles, got {f.said}, which takes {number(problem.number)}"
        ) from None
    if widths is not None:
        inner = net.layer_sizes[1:-1]
        _room_for(replace(found, counts=inner), widths)  # numbers of many digits take further units
        net = _filled(net, widths)
    return _checked(net, pieces)


def _room_for(found: Found, widths: tuple[int, ...]) -> None:
    """Refuse widths that the least circuit that was found does not fit.

    Raises:
        ValueError: it does not.
    """
    if not found.fits(widths):
        units, layers = found.price
        fewest = f"{count(units, 'unit')} in {count(layers, 'layer')} ({dashes(found.counts)})"
        raise wrong("hidden", f"at least {fewest}, the fewest found", widths)


def _filled(net: Network, widths: tuple[int, ...]) -> Network:
    """The same function with more units in a layer, of weight 0."""
    weights = [w.tolist() for w in net.weights]
    biases = [b.tolist() for b in net.biases]
    for layer, width in enumerate(widths):
        more = width - len(weights[layer])
        weights[layer] += [[0.0] * len(weights[layer][0])] * more
        biases[layer] += [0.0] * more
        weights[layer + 1] = [[*row, *[0.0] * more] for row in weights[layer + 1]]
    return Network(weights, biases, scale=net.scale)


def _checked(net: Network, pieces: Pieces) -> Network:
    """The network, if it gives the function's exact values at some points; it always should."""
    random = Random(0)  # noqa: S311 (no secret)
    for _ in range(_POINTS):
        x = [Fraction(random.randint(-400, 400), 100) for _ in range(pieces.n_inputs)]
        if values(net, x) != pieces(x):
            raise ArithmeticError(f"a fault of this package: the compiled network is wrong at {x}")
    return net
