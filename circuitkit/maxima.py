r"""The maximum of five and of six numbers with two hidden layers, from formulas that one can read.

With :math:`m_{ij} = \max(x_i, x_j)` and :math:`m_{ii} = x_i`, a :class:`Term` is a multiple of

.. math:: \max(A, B), \qquad A = m_{ij} + m_{kl}, \quad B = m_{pq} + m_{rs}.

The first hidden layer makes every :math:`m_{ij} = x_j + \mathrm{relu}(x_i - x_j)`; the second layer needs one
unit a term, since :math:`\max(A, B) = B + \mathrm{relu}(A - B)`. So a sum of such terms is a network with two
hidden layers, however many numbers it reads. That a sum of them can be the maximum of five, and even of
six, is the surprise: a knockout tournament needs three layers for it.

Source: the family, sums of two segments joined two by two, is that of Bakaev et al., "Better neural network
expressivity: subdividing the simplex" (2025); the formulas here were found for this book (``benchmarks/depth.py``).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np

from circuitkit import words
from circuitkit.checks import (
    BYTES,
    Kind,
    accepts,
    instance,
    is_real,
    made_with,
    several,
    shown,
    whole,
    wrong,
    wrong_type,
)
from circuitkit.functions.pieces import content
from circuitkit.network import Network

__all__ = ["Term", "five", "five_symmetric", "network", "six"]

#: m(i, j), its inputs counted from 1, as the network builds it: xj + relu(xi - xj); (i, i) is the input itself
Pair = tuple[int, int]
#: m(i, j) + m(k, l)
Sum = tuple[Pair, Pair]
#: inputs to their weights, the slope of one linear piece
Slope = tuple[int, ...]

#: inputs that a network may have here; what is read of them decides how large it is
_MOST_INPUTS = 1_000
_INPUT = whole("the number of an input, from 1", least=1)


def _coefficient(name: str, value: Any) -> Fraction:
    if not (is_real(value) and isinstance(value, Rational)):
        raise wrong_type(name, "a Fraction or an int", shown(value))
    return Fraction(int(value.numerator), int(value.denominator))


def _sum(name: str, value: Any) -> Sum:
    expected = "two pairs of inputs such as ((1, 2), (3, 4))"
    try:
        if any(isinstance(v, BYTES) for v in value):
            raise TypeError
        (i, j), (k, m) = value
    except (TypeError, ValueError):
        raise wrong(name, expected, shown(value)) from None
    i, j, k, m = (_INPUT.take(name, v) for v in (i, j, k, m))
    return (i, j), (k, m)


_COEFFICIENT = Kind(
    _coefficient, Fraction(1, 2), ("a", 0.1, None, True, 1j, [1], np.timedelta64(1))
)
_SIDE = Kind(
    _sum,
    ((1, 2), (3, 4)),
    ("ab", 3, (b"ab", b"cd"), None, (), (1, 2), ((1, 2),), ((1, 2), (3, 0)), ((1, 2), (3, -1)), ((1, 2), (3, 4.0)),
     ((1, 2), (3, True)), (("1", "2"), ("3", "4"))),
)  # fmt: skip


@made_with(coefficient=_COEFFICIENT, left=_SIDE, right=_SIDE)
@dataclass(frozen=True)
class Term:
    """``coefficient * max(left, right)``; the network builds it as ``right + relu(left - right)``.

    Attributes:
        coefficient: how often it counts, a ``Fraction`` or an int.
        left: the sum of two m(i, j) whose excess over the other one a unit detects.
        right: the sum of two m(i, j) that is there anyway.

    Raises:
        TypeError: a coefficient that is no fraction, or inputs that are no ints.
        ValueError: sides that are not two pairs of inputs, which are counted from 1.

    Example:
        >>> print(Term(Fraction(1, 6), ((1, 2), (3, 4)), ((5, 5), (5, 5))))
        1/6 max(m12 + m34, 2 x5)
    """

    coefficient: Fraction
    left: Sum
    right: Sum

    def __str__(self) -> str:
        return f"{self.coefficient} max({_spelled(self.left)}, {_spelled(self.right)})"

    @property
    def latex(self) -> str:
        """The term without its coefficient, as LaTeX."""
        return rf"\max({_spelled(self.left, '_')},\, {_spelled(self.right, '_')})"

    @property
    def most(self) -> int:
        """The last input that it reads."""
        return max(i for side in (self.left, self.right) for pair in side for i in pair)

    @accepts(n=whole(least=1, most=_MOST_INPUTS))
    def slopes(self, n: int) -> frozenset[Slope]:
        """The slopes of the linear functions of which the term is the maximum: two terms of the same slopes are one function.

        Raises:
            TypeError: ``n`` is no int.
            ValueError: ``n`` is above 1000, or below an input that the term reads.
        """
        _need_inputs([self], n)
        return frozenset(_slopes(self.left, n) | _slopes(self.right, n))


def five() -> list[Term]:
    r"""Six terms whose sum is max(x1, ..., x5); no formula with fewer is known here.

    .. math::
        \tfrac12 \max(m_{12}, x_5) + \tfrac12 \max(m_{34}, x_5) + \max(m_{12}, m_{34})
        - \tfrac12 \max(m_{12} + m_{35},\, m_{25} + m_{34})
        - \tfrac12 \max(m_{12} + m_{45},\, m_{15} + m_{34})
        + \tfrac12 \max(m_{15} + m_{35},\, m_{25} + m_{45})

    Half of a maximum of three, twice, and one of four: too much, where both pairs are above x5. The other three take back
    what is too much. They kink where x1 + x3 = x2 + x4, which the sum does not. All right sides together add up to m12, so that
    the network reads: m12, and six corrections. Every coefficient is 1, a half or a quarter.

    Example:
        >>> for term in five()[2:4]:
        ...     print(term)
        1/2 max(2 m34, 2 m12)
        -1/2 max(m12 + m35, m34 + m25)
    """
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    # Which input of a pair is carried on (the last one) decides how many units carry straight parts.
    m12, m34, m15, m25, m35, m45 = (2, 1), (4, 3), (5, 1), (2, 5), (5, 3), (4, 5)
    x5 = (5, 5)
    return [
        Term(quarter, (x5, x5), (m12, m12)),
        Term(quarter, (x5, x5), (m34, m34)),
        Term(half, (m34, m34), (m12, m12)),
        Term(-half, (m12, m35), (m34, m25)),
        Term(-half, (m15, m34), (m12, m45)),
        Term(half, (m15, m35), (m45, m25)),
    ]


def five_symmetric() -> list[Term]:
    r"""Thirteen terms whose sum is max(x1, ..., x5) and that do not mind in which order x1, ..., x4 come.

    .. math::
        \tfrac16 \sum_{\{ij|kl\}} \max(m_{ij} + m_{kl},\, 2 x_5)
        - \tfrac16 \sum_{\{ij\}} \max(m_{ij} + m_{kl},\, m_{i5} + m_{j5})
        + \tfrac12 \sum_{i \le 4} \max_{j \ne i} x_j

    where i, j, k, l are 1, 2, 3, 4 in some order: three ways to split them into pairs, and six pairs. All right sides
    together add up to x5.

    Example:
        >>> len(five_symmetric()), max(term.coefficient.denominator for term in five_symmetric())
        (13, 6)
    """
    sixth, quarter = Fraction(1, 6), Fraction(1, 4)
    terms = []
    for j in (2, 3, 4):
        low, high = (i for i in (2, 3, 4) if i != j)
        pairs = ((1, j), (low, high))
        terms.append(Term(sixth, pairs, ((5, 5), (5, 5))))
        terms.append(Term(-sixth, pairs, ((1, 5), (j, 5))))
        terms.append(Term(-sixth, pairs, ((low, 5), (high, 5))))
    for pair, k in (((1, 2), 3), ((1, 2), 4), ((3, 4), 1), ((3, 4), 2)):
        terms.append(Term(quarter, (pair, pair), ((k, 5), (k, 5))))
    return terms


def six() -> list[Term]:
    r"""Sixty-six terms whose sum is max(x1, ..., x6), in four families.

    ============  =====  ==================================  ==================================================
    coefficient   terms  example                             what it is
    ============  =====  ==================================  ==================================================
    1/12          12     max(2 m13, 2 m25)                   twice a maximum of four: a pair, one of each other
    1/12          24     max(m13 + m14, m15 + m26)
    -1/12         6      max(m13 + m14, m25 + m26)
    -1/12         24     max(m13 + m24, m15 + m36)
    ============  =====  ==================================  ==================================================

    The six numbers are in three pairs, 12, 34 and 56. A family is what its example becomes when the pairs are exchanged,
    and the two of a pair. Among the formulas that all these renamings leave alone none has fewer terms
    (``benchmarks/depth.py``); with all renamings of six the fewest are 465.

    Example:
        >>> len(six())
        66
    """
    families = [
        (Fraction(1, 12), ((1, 3), (1, 3)), ((2, 5), (2, 5))),
        (Fraction(1, 12), ((1, 3), (1, 4)), ((1, 5), (2, 6))),
        (Fraction(-1, 12), ((1, 3), (1, 4)), ((2, 5), (2, 6))),
        (Fraction(-1, 12), ((1, 3), (2, 4)), ((1, 5), (3, 6))),
    ]
    orders = [
        tuple(itertools.chain.from_iterable(pairs))
        for arranged in itertools.permutations(((1, 2), (3, 4), (5, 6)))
        for pairs in itertools.product(*((pair, pair[::-1]) for pair in arranged))
    ]
    return [term for family in families for term in _renamed(Term(*family), orders)]


def _need_inputs(terms: Sequence[Term], n: int) -> None:
    """Refuse fewer inputs than the terms read."""
    most = max((term.most for term in terms), default=1)
    if n < most:
        raise wrong("n", f"{words.count(most, 'input')} or more, since x{most} is read", n)


@accepts(
    terms=several(instance(Term), "a list of terms", fewest=1),
    n=whole(least=1, most=_MOST_INPUTS),
)
def network(terms: Sequence[Term], n: int) -> Network:
    r"""The network with two hidden layers that adds up the terms.

    First layer: ``relu(xi - xj)`` for every ``m(i, j)`` that is read; ``relu(xi - xn)`` and ``relu(xn - xi)`` where the
    straight part of some sum asks for ``xi - xn``; ``relu(xn)`` and ``relu(-xn)``. Second layer: one unit a term, and
    two that carry on what the right sides add up to.

    Args:
        terms: the terms, over the inputs 1 to n; one whose sides are the same costs no unit.
        n: how many inputs, up to 1000.

    Returns:
        All weights are doubles; where the coefficients have a common denominator that is no power of two, its inverse is the
        network's exact scale.

    Raises:
        TypeError: something that is no term, or ``n`` that is no int.
        ValueError: no term, coefficients that doubles cannot hold, fewer inputs than the terms read, or more than 1000.

    Example:
        >>> network(five(), 5)
        Network(5-10-8-1, no biases)
        >>> network(five_symmetric(), 5).scale
        Fraction(1, 12)
    """
    _need_inputs(terms, n)
    denominator = math.lcm(*(term.coefficient.denominator for term in terms))
    multiple = 1 if denominator & (denominator - 1) == 0 else denominator
    bent = [term for term in terms if term.left != term.right]
    coefficients = [_doubled(multiple * term.coefficient) for term in bent]
    excesses = [_added((1, term.left), (-1, term.right)) for term in bent]
    carried = _added(*((multiple * term.coefficient, term.right) for term in terms))
    forms = [*(_straight(e, n) for e in (*excesses, carried))]

    pairs = sorted({pair for row in (*excesses, carried) for pair in row if pair[0] != pair[1]})
    differences = {i for straight, _ in forms for i, v in straight.items() if v and i != n}
    both = sorted((*ends,) for i in differences for ends in ((i, n), (n, i)) if ends not in pairs)
    columns = {pair: k for k, pair in enumerate([*pairs, *both])}

    first = [_difference(i, j, n) for i, j in columns]
    first += [_unit(n, n, 1), _unit(n, n, -1)]
    second = [_read(straight, bends, columns, n) for straight, bends in forms]
    last = second.pop()
    size = content(last)
    second += [[v / size for v in last], [-v / size for v in last]]
    coefficients += [_doubled(size), -_doubled(size)]
    matrix = [[_doubled(v) for v in row] for row in second]
    scale = Fraction(1, multiple)
    if multiple > 2**1022:
        raise _too_long(scale)
    return Network([first, matrix, [coefficients]], scale=scale)


def _doubled(value: Fraction) -> float:
    """A weight as the double that it is; rounded it would make another function."""
    if not words.is_double(value):
        raise _too_long(value)
    return float(value)


def _too_long(value: Fraction) -> ValueError:
    return wrong("terms", "coefficients of which doubles make the sum exactly", shown(value))


# --- pairs, sums, and their straight parts ------------------------------------------------------------


def _spelled(pairs: Sum, mark: str = "") -> str:
    def one(pair: Pair) -> str:
        i, j = sorted(pair)
        if i == j:
            return f"x{mark}{i}"
        return f"m_{{{i}{j}}}" if mark else f"m{i}{j}"

    a, b = (one(pair) for pair in pairs)
    return f"2{' ' if not mark else ''}{a}" if a == b else f"{a} + {b}"


def _slopes(pairs: Sum, n: int) -> set[Slope]:
    """Of m(i, j) + m(k, l): one input of each pair, in all ways; of twice the same, the same one twice."""
    if pairs[0] == pairs[1]:
        return {tuple(2 * int(k == i) for k in range(1, n + 1)) for i in pairs[0]}
    return {
        tuple(int(k == i) + int(k == j) for k in range(1, n + 1))
        for i in pairs[0]
        for j in pairs[1]
    }


def _renamed(term: Term, orders: Sequence[tuple[int, ...]]) -> Iterator[Term]:
    """The term under some permutations of the inputs, every function once."""
    seen = set()
    for order in orders:
        left, right = (
            tuple(sorted(tuple(sorted((order[i - 1], order[j - 1]))) for i, j in side))
            for side in (term.left, term.right)
        )
        image = Term(term.coefficient, left, right)  # type: ignore[arg-type]
        slopes = image.slopes(len(order))
        if slopes not in seen:
            seen.add(slopes)
            yield image


def _added(*sums: tuple[Fraction | int, Sum]) -> dict[Pair, Fraction]:
    """A combination of sums as a combination of pairs."""
    total: dict[Pair, Fraction] = {}
    for factor, pairs in sums:
        for pair in pairs:
            total[pair] = total.get(pair, Fraction(0)) + factor
    return {pair: v for pair, v in total.items() if v}


def _straight(
    row: dict[Pair, Fraction], n: int
) -> tuple[dict[int, Fraction], dict[Pair, Fraction]]:
    """A combination of m(i, j) = xj + relu(xi - xj) in two parts.

    The straight one is over ``xi - xn`` (at i) and ``xn`` (at n), the other one over the ``relu(xi - xj)``.
    """
    straight: dict[int, Fraction] = {}
    for (_, j), v in row.items():
        straight[j] = straight.get(j, Fraction(0)) + v
        if j != n:  # xj = (xj - xn) + xn
            straight[n] = straight.get(n, Fraction(0)) + v
    bends = {pair: v for pair, v in row.items() if pair[0] != pair[1]}
    return {i: v for i, v in straight.items() if v}, bends


def _read(
    straight: dict[int, Fraction], bends: dict[Pair, Fraction], columns: dict[Pair, int], n: int
) -> list[Fraction]:
    """A second-layer unit's weights: xi - xn is relu(xi - xn) - relu(xn - xi), and xn its two halves."""
    weights = [Fraction(0)] * (len(columns) + 2)
    for pair, v in bends.items():
        weights[columns[pair]] += v
    for i, v in straight.items():
        positive, negative = (-2, -1) if i == n else (columns[i, n], columns[n, i])
        weights[positive] += v
        weights[negative] -= v
    return weights


def _difference(i: int, j: int, n: int) -> list[int]:
    return [int(k == i) - int(k == j) for k in range(1, n + 1)]


def _unit(i: int, n: int, sign: int) -> list[int]:
    return [sign * int(k == i) for k in range(1, n + 1)]
