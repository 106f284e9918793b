r"""Gates that are sums of columns before them: a proof that two functions are equal, in many small steps.

Two programs for one function often meet on the way: the median by comparators is the median as a minimum of
maxima, and what follows is the same. At exact samples a gate that is always the same sum of earlier columns is
found by linear algebra; that it is one is then a claim about a small part of the program. What samples propose may
be wrong, so each is proved, and the checker asks for the proof.

What both sides read may often be any numbers at all: a maximum of five is that in whatever order it is taken. Then
the claim is proved for free columns in the place of the gates that both sides share; a proof for all values of
these is one for the values that they have.

Source: equivalence checking of circuits by merging equal nodes, Kuehlmann and Krohm (1997).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.check import Problem, Program, Q
from circuitkit.proof.rationals import values

__all__ = ["Freed", "freed", "shared", "sums_of_earlier"]

Modular = NDArray[np.int64]

#: residues of this prime are multiplied in 64 bits
_PRIME = 2**31 - 1
#: numerators and denominators of a proposed sum are at most so large
_LARGEST = 2**15
#: of more gates none are proposed
_MOST_GATES = 400
#: more samples than columns, and what coordinates of samples are
_MORE, _SIZES = 24, (1000, 30, 3)


def sums_of_earlier(problem: Problem, start: int) -> Iterator[tuple[int, dict[int, Any]]]:
    """Gates from number ``start`` on that are, at the samples, sums of columns before them; with these sums.

    Args:
        problem: rows and the box, from :func:`circuitkit.check.pose`.
        start: the first gate that is asked about.
    """
    gates = problem.program.gates
    width = len(problem.program.box)
    if not gates or len(gates) > _MOST_GATES:
        return
    table = _table(problem, width + len(gates) + _MORE)
    if table is None:
        return
    known = _Echelon(table.shape[0], table.shape[1])
    for column in range(table.shape[1]):
        shares = known.add(table[:, column], column)
        if shares is None or column - width < start:
            continue
        row = {c: _fraction(int(shares[c])) for c in np.flatnonzero(shares).tolist()}
        if all(v is not None for v in row.values()):
            yield column - width, row


def _table(problem: Problem, count: int) -> Modular | None:
    """The columns' values at samples of the domain, modulo the prime: a row a sample."""
    rng = np.random.default_rng(0)
    program = problem.program
    given = [program.gates[k] for k, sign in program.signs.items() if sign > 0]
    columns = [{c: Q(1)} for c in range(len(program.box) + len(program.gates))]
    found: list[list[int]] = []
    for trial in range(20 * count):
        if len(found) == count:
            break
        most = _SIZES[trial % len(_SIZES)]
        shares = rng.integers(0, most + 1, size=len(program.box)).tolist()
        point = [a + (b - a) * Q(s, most) for (a, b), s in zip(program.box, shares, strict=True)]
        if any(v < 0 for v in values(program.gates, given, point)):
            continue
        found.append([_residue(v) for v in values(program.gates, columns, point)])
    return np.array(found, dtype=np.int64) if len(found) == count else None


def _residue(value: Any) -> int:
    below = int(value.denominator) % _PRIME
    return int(value.numerator) % _PRIME * pow(below, -1, _PRIME) % _PRIME if below else 0


class _Echelon:
    """Independent columns in reduced form, and what each is made of."""

    def __init__(self, rows: int, columns: int) -> None:
        self.basis: Modular = np.zeros((0, rows), dtype=np.int64)
        self.made: Modular = np.zeros((0, columns), dtype=np.int64)
        self.pivots: list[int] = []

    def add(self, vector: Modular, column: int) -> Modular | None:
        """The vector as a sum of columns before it; None where it is none, and is kept."""
        factors = vector[self.pivots]
        rest = (vector - _sums(factors, self.basis)) % _PRIME
        shares = _sums(factors, self.made)
        nonzero = np.flatnonzero(rest)
        if not len(nonzero):
            return shares
        pivot = int(nonzero[0])
        inverse = pow(int(rest[pivot]), -1, _PRIME)
        rest = rest * inverse % _PRIME
        made = -shares % _PRIME
        made[column] = 1
        made = made * inverse % _PRIME
        others = self.basis[:, pivot].copy()
        self.basis = (self.basis - others[:, None] * rest[None] % _PRIME) % _PRIME
        self.made = (self.made - others[:, None] * made[None] % _PRIME) % _PRIME
        self.basis = np.vstack([self.basis, rest])
        self.made = np.vstack([self.made, made])
        self.pivots.append(pivot)
        return None


def _sums(factors: Modular, rows: Modular) -> Modular:
    found: Modular = (factors[:, None] * rows % _PRIME).sum(axis=0) % _PRIME
    return found


def _fraction(residue: int) -> Any:
    """The fraction of small numbers that the residue is; None if there is none."""
    a, b, s, t = _PRIME, residue, 0, 1
    while b > _LARGEST:
        a, b, s, t = b, a % b, t, s - a // b * t
    if not t or abs(t) > _LARGEST:
        return None
    exact = Fraction(b, t)
    return Q(exact.numerator, exact.denominator)


# --- free columns -------------------------------------------------------------------------------------


def shared(problem: Problem, mine: Iterable[int], theirs: Iterable[int]) -> set[int]:
    """The gates that both lists of columns rest on, directly or through others."""
    return _cone(problem, mine) & _cone(problem, theirs)


def _cone(problem: Problem, columns: Iterable[int]) -> set[int]:
    width = len(problem.program.box)
    found: set[int] = set()
    waiting = [c for c in columns if c >= width]
    while waiting:
        k = waiting.pop() - width
        if k not in found:
            found.add(k)
            waiting += [c for c in problem.program.gates[k] if c >= width]
    return found


@dataclass
class Freed:
    """A problem in which some gates may be any numbers that are at least 0; ``gates`` are the others' numbers."""

    problem: Problem
    gates: list[int]
    free: list[int]

    def back(self, tree: Any) -> Any:
        """A proof of it as one of the problem itself: of a free gate nothing is used but that it is at least 0."""
        kind, *rest = tree
        if kind == "split":
            return ["split", self.gates[rest[0]], self.back(rest[1]), self.back(rest[2])]
        if kind == "fix":
            steps = [[self.gates[k], sign, self._numbers(given)] for k, sign, given in rest[0]]
            return ["fix", steps, self.back(rest[1])]
        return [kind, *(self._numbers(given) for given in rest)]

    def _numbers(self, given: dict[str, str]) -> dict[str, str]:
        named = {str(self.gates[int(k)]): v for k, v in given.items()}
        return {**named, **{str(k): "0" for k in self.free}}


def freed(problem: Problem, free: set[int]) -> Freed:
    """The problem with free columns in the place of gates; without what its domain decides."""
    program = problem.program
    width, listed = len(program.box), sorted(free)
    asked = _cone(problem, (c for part in problem.claims for c in part.row))
    gates = sorted(asked - free)
    place = {i: i for i in range(width)}
    place.update((width + k, width + i) for i, k in enumerate(listed))
    place.update((width + k, width + len(listed) + i) for i, k in enumerate(gates))

    def moved(row: dict[int, Any]) -> dict[int, Any]:
        return {place[c]: v for c, v in row.items()}

    made = Program([*program.box, *((Q(0), Q(1)) for _ in listed)])
    made.gates = [moved(program.gates[k]) for k in gates]
    claims = [replace(part, row=moved(part.row), size=None) for part in problem.claims]
    return Freed(replace(problem, program=made, claims=claims), gates, listed)
