r"""Exact multipliers at a vertex: the small linear systems that settle what floats leave open.

At an optimum :math:`x^*` of :math:`\max\, c x` over :math:`\{x : g_i x \ge 0\}` within a box, the
objective is minus a combination, with factors :math:`\lambda_i \ge 0`, of the constraints that are tight
there. Which are tight, floats know; the factors and the vertex itself are found here in exact
rationals, by the first phase of the simplex method with Bland's rule, which cannot cycle.

Source: Bland, "New finite pivoting rules for the simplex method" (1977).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["multipliers", "solve"]


def multipliers(wanted: Sequence[Any], generators: Sequence[Sequence[Any]]) -> list[Any] | None:
    """Factors >= 0 with ``sum(factor * generator) == wanted`` exactly; None if there are none."""
    q, m = len(wanted), len(generators)
    zero = wanted[0] * 0 if q else 0
    table = []
    for j in range(q):
        turn = -1 if wanted[j] < 0 else 1
        table.append([turn * g[j] for g in generators] + [turn * wanted[j]])
    basis = [-1] * q  # -1: an artificial column
    while True:
        rows = [r for r in range(q) if basis[r] < 0]
        if not any(table[r][m] for r in rows):
            break
        outside = (i for i in range(m) if i not in basis)
        enter = next((i for i in outside if sum((table[r][i] for r in rows), zero) > 0), None)
        if enter is None:
            return None
        leave = _leaving(table, basis, enter)
        _pivot(table, leave, enter)
        basis[leave] = enter
    found = [zero] * m
    for r in range(q):
        if basis[r] >= 0:
            found[basis[r]] = table[r][m]
    return found


def _leaving(table: list[list[Any]], basis: list[int], enter: int) -> int:
    """The row with the least ratio; among several the one of the first column (Bland)."""
    rows = [r for r, line in enumerate(table) if line[enter] > 0]
    return min(rows, key=lambda r: (table[r][-1] / table[r][enter], basis[r]))


def _pivot(table: list[list[Any]], leave: int, enter: int) -> None:
    pivot = table[leave][enter]
    table[leave] = [v / pivot if v else v for v in table[leave]]
    source = [(i, v) for i, v in enumerate(table[leave]) if v]
    for r, line in enumerate(table):
        factor = line[enter]
        if r != leave and factor:
            for i, v in source:
                line[i] = line[i] - factor * v


def solve(rows: Sequence[Sequence[Any]], values: Sequence[Any], guess: Sequence[Any]) -> list[Any]:
    """The x with ``row x == value`` for a maximal independent choice of the rows, the first ones first.

    Unknowns that the rows leave free are taken from ``guess``.
    """
    q = len(guess)
    reduced: list[tuple[int, list[Any]]] = []
    for row, value in zip(rows, values, strict=True):
        line = [*row, value]
        for column, other in reduced:
            factor = line[column]
            if factor:
                line = [a - factor * b for a, b in zip(line, other, strict=True)]
        column = next((j for j in range(q) if line[j]), -1)
        if column < 0:
            continue
        pivot = line[column]
        line = [v / pivot for v in line]
        for i, (there, other) in enumerate(reduced):
            factor = other[column]
            if factor:
                reduced[i] = there, [a - factor * b for a, b in zip(other, line, strict=True)]
        reduced.append((column, line))
        if len(reduced) == q:
            break
    found = list(guess)
    for column, line in reduced:
        found[column] = line[q] - sum(
            (line[j] * guess[j] for j in range(q) if j != column and line[j]), guess[0] * 0
        )
    return found
