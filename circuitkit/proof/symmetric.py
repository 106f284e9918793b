r"""A network that does not mind some orders of its inputs has to be proved for the others only.

The inputs stand in one of n! orders, :math:`x_{o_1} \ge x_{o_2} \ge \dots \ge x_{o_n}`. What a network and a target do for one of
them they do for every order that renaming makes of it, if the renaming leaves both alone. On inputs in one order, told by their
gaps, :math:`x_{o_i} = g_i + \dots + g_n` with :math:`g_1, \dots, g_{n-1} \ge 0`, most units never switch.

Which renamings leave a network alone is read off its form as a sum of maxima of linear functions. Such a form is an
identity of formulas, and renaming the inputs in it is exact: no sampling, no search.

Source: writing functions of two hidden layers through maxima, hence through polytopes, follows Hertrich, Basu, Di
Summa and Skutella, "Towards lower bounds on the depth of ReLU neural networks" (2021).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from circuitkit.checks import accepts, instance, seconds, wrong
from circuitkit.exact.canonical import CanonicalForm, canonical_form
from circuitkit.functions.pieces import Row, content
from circuitkit.functions.target import Target, TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.proof.checking import check
from circuitkit.proof.prove import prove
from circuitkit.proof.verdict import Proof
from circuitkit.words import count

__all__ = ["SumOfMaxima", "SymmetricProof", "prove_symmetric", "sum_of_maxima"]

Slope = tuple[Fraction, ...]
#: a permutation of the inputs, counted from 0
Order = tuple[int, ...]

#: absolute values in the argument of another one: their signs, in all ways, are the slopes of a maximum
_MOST_INSIDE = 12
#: 8! orders are gone through in a second, 12! in no memory
_MOST_INPUTS = 8


@dataclass(frozen=True)
class SumOfMaxima:
    r"""A function as :math:`\ell \cdot x + \sum_S c_S \max_{s \in S} s \cdot x`, all numbers exact.

    Attributes:
        linear: the slope l of the straight part.
        maxima: for every set S of slopes how often its maximum counts; the slopes of a set add up to 0, and are
            whole numbers without a common factor.
    """

    linear: Slope
    maxima: Mapping[frozenset[Slope], Fraction]

    def __call__(self, x: Sequence[Fraction | int]) -> Fraction:
        """The exact value at ``x``."""
        whole = sum(
            (c * max(_dot(s, x) for s in slopes) for slopes, c in self.maxima.items()), Fraction()
        )
        return _dot(self.linear, x) + whole

    def keeps(self, order: Sequence[int]) -> bool:
        """Whether every maximum is still in the sum if input ``order[i]`` takes the part of input i, counted from 0."""

        def moved(slope: Slope) -> Slope:
            new = [Fraction(0)] * len(slope)
            for i, v in enumerate(slope):
                new[order[i]] = v
            return tuple(new)

        return moved(self.linear) == self.linear and all(
            self.maxima.get(frozenset(map(moved, slopes))) == c for slopes, c in self.maxima.items()
        )

    @cached_property
    def renamings(self) -> frozenset[Order]:
        """All that :meth:`keeps`: a group, found from few of its members where it is large."""
        n = len(self.linear)
        group = frozenset([tuple(range(n))])
        # The exchanges of two inputs first: they make up the large groups.
        every = sorted(
            itertools.permutations(range(n)), key=lambda o: sum(i != v for i, v in enumerate(o))
        )
        for order in every:
            if order not in group and self.keeps(order):
                group = _closure(group, order)
        return group


@accepts(net=instance(Network))
def sum_of_maxima(net: Network) -> SumOfMaxima:
    r"""A network of at most two hidden layers as a linear function plus multiples of maxima.

    A unit of the second layer reads :math:`p = P - Q`, where P and Q are sums of absolute values with positive
    factors (and a linear function), and :math:`|P - Q| = 2\max(P, Q) - P - Q`. A sum of absolute values is the
    maximum over their signs, so that :math:`\max(P, Q)` is a maximum of linear functions.

    Two equal forms are the same function; a function may have several forms.

    Args:
        net: a network with one output, without biases.

    Raises:
        TypeError: ``net`` is no Network.
        ValueError: it has more than 8 inputs, biases that matter, several outputs, more than two hidden layers, or a
            unit that reads too many kinks.

    Example:
        >>> from circuitkit.circuits import maximum
        >>> form = sum_of_maxima(maximum())
        >>> [sorted(tuple(map(int, s)) for s in slopes) for slopes in form.maxima]
        [[(-1, 1), (1, -1)]]
        >>> form.linear, list(form.maxima.values()), sorted(form.renamings)
        ((Fraction(1, 2), Fraction(1, 2)), [Fraction(1, 2)], [(0, 1), (1, 0)])
    """
    if net.n_inputs > _MOST_INPUTS:
        raise wrong("net", f"at most {_MOST_INPUTS} inputs, as they have n! orders", net.n_inputs)
    if net.n_outputs != 1:
        raise wrong("net", "a network with one output", count(net.n_outputs, "output"))
    if len(net.weights) > 3:
        raise wrong("net", "at most two hidden layers", count(len(net.weights) - 1, "hidden layer"))
    form = canonical_form(net)
    if not form.is_homogeneous:
        raise wrong("net", "a network without biases", "one whose biases count")
    made = _Sum(net.n_inputs)
    made.add_straight(form.outputs[0], Fraction(1))
    for column, factor in form.outputs[0]:
        if column > net.n_inputs:
            made.add_kink(form, form.nodes[column - net.n_inputs - 1], factor)
    return SumOfMaxima(tuple(made.linear), {key: c for key, c in made.maxima.items() if c})


class _Sum:
    """A sum of maxima in the making."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.linear = [Fraction(0)] * n
        self.maxima: dict[frozenset[Slope], Fraction] = {}

    def add_straight(self, row: Row, factor: Fraction) -> None:
        for i, v in enumerate(self.straight(row)):
            self.linear[i] += factor * v

    def add_kink(self, form: CanonicalForm, row: Row, factor: Fraction) -> None:
        """A multiple of the absolute value of a row: 2 max(P, Q) - P - Q."""
        inside = [(form.nodes[j - self.n - 1], v) for j, v in row if j > self.n]
        if len(inside) > _MOST_INSIDE:
            raise wrong("net", f"units that read at most {_MOST_INSIDE} kinks", len(inside))
        zero = (Fraction(0),) * self.n
        kinks = [(tuple(abs(v) * u for u in self.straight(node)), v > 0) for node, v in inside]
        over = _signed(self.straight(row), [slope for slope, up in kinks if up])
        under = _signed(zero, [slope for slope, up in kinks if not up])
        self.add_maximum([*over, *under], 2 * factor)
        self.add_straight(row, -factor)
        for slope, _ in kinks:
            self.add_maximum(_signed(zero, [slope]), -factor)

    def add_maximum(self, slopes: Iterable[Slope], factor: Fraction) -> None:
        """A maximum, centered and divided down: the rest is straight, and a factor."""
        points = set(slopes)
        center = [sum(column, Fraction(0)) / len(points) for column in zip(*points, strict=True)]
        for i, v in enumerate(center):
            self.linear[i] += factor * v
        moved = [tuple(v - c for v, c in zip(point, center, strict=True)) for point in points]
        size = content(v for point in moved for v in point)
        key = frozenset(tuple(v / size for v in point) for point in moved)
        self.maxima[key] = self.maxima.get(key, Fraction(0)) + factor * size

    def straight(self, row: Row) -> Slope:
        """The part of a row that is over the inputs."""
        slope = [Fraction(0)] * self.n
        for j, v in row:
            if j < self.n:
                slope[j] += v
        return tuple(slope)


@dataclass(frozen=True, eq=False, repr=False)
class SymmetricProof:
    """The verdict on a network and a symmetric target, decided for some orders of the inputs, that stand for all.

    Attributes:
        network: the network.
        target: the target.
        orders: the orders that were decided, the largest input's number first, counted from 0.
        proofs: for each of them the proof of the network and the target as functions of the gaps; where one refutes, it is
            the last.
    """

    network: Network
    target: Target
    orders: tuple[Order, ...]
    proofs: tuple[Proof, ...]

    @property
    def holds(self) -> bool:
        """Whether the network is the target, for every input in every order."""
        return all(self.proofs)

    def __bool__(self) -> bool:
        return self.holds

    @property
    def counterexample(self) -> NDArray[Any] | None:
        """An input at which they differ, or None."""
        gaps = self.proofs[-1].counterexample
        if gaps is None:
            return None
        x = np.empty(self.network.n_inputs)
        x[list(self.orders[len(self.proofs) - 1])] = np.cumsum(gaps[::-1])[::-1]
        return x

    def check(self) -> bool:
        """Whether it holds once more: the orders stand for all, the gaps are right, every certificate is accepted."""
        target = _target_of_gaps(self.target)
        return (
            _symmetric(self.target)
            and self.orders == _orders(sum_of_maxima(self.network).renamings)
            and len(self.proofs) == len(self.orders)
            and all(
                _proves(proof.certificate, _of_gaps(self.network, order), target)
                for order, proof in zip(self.orders, self.proofs, strict=True)
            )
        )

    @property
    def verdict(self) -> str:
        """In words."""
        if not self.holds:
            return (
                f"Refuted in one order of the inputs, told by its gaps. {self.proofs[-1].verdict}"
            )
        every = math.factorial(self.network.n_inputs)
        return (
            f"Proved: this network equals {self.target} for every input: in "
            f"{count(len(self.orders), 'order')} of the inputs, which by symmetry stand for all {every:,}."
        )

    def __repr__(self) -> str:
        return self.verdict


@accepts(net=instance(Network), time_limit=seconds())
def prove_symmetric(
    net: Network, target: TargetLike, *, time_limit: float = 60.0
) -> SymmetricProof:
    """Decide whether a network is a symmetric function, by the orders of the inputs that stand for all.

    Args:
        net: a network with at most two hidden layers and one output, without biases; the fewer renamings leave it
            alone, the more orders are left to decide.
        target: what :func:`circuitkit.prove` takes as a function.
        time_limit: seconds for each order.

    Raises:
        Undecided: an order was not settled within the time limit.
        TypeError: an argument of the wrong type.
        ValueError: the network has more than 8 inputs; the target, as it is written, changes when inputs are exchanged; or the network has no form as a sum of
            maxima (see :func:`sum_of_maxima`).

    Example:
        >>> from circuitkit.circuits import maximum
        >>> prove_symmetric(maximum(), "max(x1, x2)")
        Proved: this network equals max(x1, x2) for every input: in 1 order of the inputs, which by symmetry stand for all 2.
    """
    if net.n_inputs > _MOST_INPUTS:
        raise wrong("net", f"at most {_MOST_INPUTS} inputs, as they have n! orders", net.n_inputs)
    function = as_target(target)
    if function.n_inputs != net.n_inputs:
        raise wrong("target", f"a function of {count(net.n_inputs, 'input')}", function.n_inputs)
    if not _symmetric(function):
        raise wrong("target", "an expression that is the same when inputs are exchanged", function)
    orders = _orders(sum_of_maxima(net).renamings)
    of_gaps = _target_of_gaps(function)
    gaps = [(0, math.inf)] * (net.n_inputs - 1) + [(-math.inf, math.inf)]
    proofs: list[Proof] = []
    for order in orders:
        proofs.append(prove(_of_gaps(net, order), of_gaps, domain=gaps, time_limit=time_limit))
        if not proofs[-1]:
            break
    return SymmetricProof(net, function, orders, tuple(proofs))


# --- orders and gaps ----------------------------------------------------------------------------------


def _closure(group: frozenset[Order], order: Order) -> frozenset[Order]:
    """The smallest group with the group and one more member."""
    found, new = set(group), {order}
    while new:
        found |= new
        new = {tuple(a[i] for i in b) for a in found for b in (*new, order)} - found
    return frozenset(found)


def _orders(renamings: frozenset[Order]) -> tuple[Order, ...]:
    """One order of the inputs for all that the renamings make of it."""
    n = len(next(iter(renamings)))
    left, chosen = set(itertools.permutations(range(n))), []
    for order in itertools.permutations(range(n)):
        if order in left:
            chosen.append(order)
            left -= {tuple(renaming[i] for i in order) for renaming in renamings}
    return tuple(chosen)


def _symmetric(function: Target) -> bool:
    """Whether exchanging two neighbors, which make up every other order, leaves the expression as it is."""
    variables, expression = function.variables, function.expression
    return all(
        expression.xreplace({a: b, b: a}) == expression for a, b in itertools.pairwise(variables)
    )


def _of_gaps(net: Network, order: Order) -> Network:
    """The network on inputs in this order as one of their gaps: every first weight is a sum of the old ones."""
    first = [
        [_double(value) for value in itertools.accumulate(Fraction(row[i]) for i in order)]
        for row in net.weights[0].tolist()
    ]
    return Network([first, *net.weights[1:]], scale=net.scale)


def _target_of_gaps(function: Target) -> Target:
    variables = function.variables
    sums = {v: sympy.Add(*variables[i:]) for i, v in enumerate(variables)}
    return Target(function.expression.xreplace(sums), variables=variables)


def _proves(certificate: dict[str, Any] | None, net: Network, target: Target) -> bool:
    """Whether a certificate says that they are equal for all gaps, and the checker accepts it."""
    box = [["0", None]] * (net.n_inputs - 1) + [[None, None]]
    return (
        certificate is not None
        and Fraction(certificate["tolerance"]) == 0
        and certificate["domain"] == {"box": box}
        and check(certificate, net, target)
    )


def _double(value: Fraction) -> float:
    if Fraction(float(value)) != value:
        raise wrong("net", "first weights whose sums are doubles", value)
    return float(value)


# --- slopes -------------------------------------------------------------------------------------------


def _dot(slope: Slope, x: Sequence[Fraction | int]) -> Fraction:
    return sum((s * Fraction(v) for s, v in zip(slope, x, strict=True)), Fraction(0))


def _signed(start: Slope, segments: Sequence[Slope]) -> list[Slope]:
    """The start plus every segment with either sign."""
    return [
        tuple(
            v + sum(s * u[i] for s, u in zip(signs, segments, strict=True))
            for i, v in enumerate(start)
        )
        for signs in itertools.product((1, -1), repeat=len(segments))
    ]
