r"""The linear relaxation of a claim over one box, with gates decided and freed one at a time (HiGHS).

The relaxation's variables are the inputs and the gates that are still open on the box; a gate whose sign
is known there is written out. For an open gate :math:`y = \mathrm{relu}(z)` it keeps the triangle
:math:`y \ge 0`, :math:`y \ge z`, :math:`y \le s z + b` (the chord). Deciding a gate changes two or three
bounds of the one model, so that the next solve starts from the last basis, and frees the chord: the
multipliers then lie only on what the checker has, namely the decided signs and the slopes.

Whatever the solver answers is only a proposal: :meth:`Relaxation.certified` computes, from its rounded
multipliers, the bound that the checker will find.

Source: Ehlers, "Formal verification of piece-wise linear feed-forward neural networks" (2017); Wang et
al., "Beta-CROWN" (2021) for the multipliers of decided gates; Huangfu and Hall, "Parallelizing the dual
revised simplex method" (2018) for HiGHS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from .floats import Floats, lines

__all__ = ["Relaxation", "Solved", "silent"]

Array = NDArray[np.float64]


@dataclass
class Solved:
    """What the solver says of the relaxation: its optimum and point, or that it is empty."""

    empty: bool
    value: float
    #: inputs and open gates
    point: Array
    #: per open gate: multiplier of its decided sign, or the slope of its line while it is open
    duals: Array
    #: per open gate: how much of the bound its chord carries
    weight: Array


def silent() -> Any:
    """HiGHS without a word: the initialiser of its Python class switches callbacks on, and prints."""
    solver = highspy.Highs.__new__(highspy.Highs)
    super(highspy.Highs, solver).__init__()
    solver.setOptionValue("output_flag", False)
    return solver


class Relaxation:
    r"""One claim, :math:`\max c`, over one box; see the module."""

    def __init__(
        self,
        floats: Floats,
        row: Array,
        low: Array,
        high: Array,
        bounds: tuple[Array, Array, NDArray[np.int8]],
        given: Sequence[int] = (),
    ) -> None:
        down, up, sign = bounds
        self.floats = floats
        self.low, self.high = low, high
        self.width = floats.width
        self.row = row
        needed = _needed(floats, row, sign, given)
        gates = np.flatnonzero(needed & ((sign == 0) | np.isin(np.arange(len(floats)), given)))
        #: the open gates, as numbers of ``floats``
        self.gates = gates
        k, w = len(gates), self.width
        index = np.full(len(floats), -1)
        index[gates] = np.arange(k)
        written = np.zeros((len(floats), w + k))
        rows = np.zeros((len(floats), w + k))
        for level in floats.levels:
            inside = np.arange(level.start, level.stop)[needed[level]]
            if not len(inside):
                continue
            z = floats.matrix[inside, w : w + level.start] @ written[: level.start]
            z[:, :w] += floats.matrix[inside, :w]
            rows[inside] = z
            for i, values in zip(inside.tolist(), z, strict=True):
                if index[i] >= 0:
                    written[i, w + index[i]] = 1.0
                elif sign[i] > 0:
                    written[i] = values
        self.rows = rows[gates]
        self._written = written
        self.objective = self._over_open(row)
        # gates that the domain decides have no bounds, and need none
        self.down = np.where(np.isfinite(down[gates]), np.minimum(down[gates], 0.0), -1.0)
        self.up = np.where(np.isfinite(up[gates]), np.maximum(up[gates], 0.0), 1.0)
        self.chord, self.offset, self.below = lines(self.down, self.up, np.zeros(k, dtype=np.int8))
        # Where floats cannot be sure that the checker finds a gate open too, nothing is written of it: a slope
        # would be read as a multiplier. What the checker does without is right either way.
        ends = np.minimum(-self.down, self.up), np.maximum(-self.down, self.up)
        self.unsure = ends[0] <= 1e-9 * ends[1]
        #: runs of open gates that do not read one another, the last first
        self.runs = _runs(self.rows[:, w:])
        self.sign = np.zeros(k, dtype=np.int8)
        self._build()
        #: the gates here whose rows the domain makes >= 0
        self.given = {int(index[i]) for i in given}
        for i in self.given:
            self.decide(i, 1)

    def _over_open(self, row: Array) -> Array:
        made = row[self.width :] @ self._written
        made[: self.width] += row[: self.width]
        return made

    def aim(self, row: Array) -> None:
        """Another objective, which reads no gate that the first did not."""
        self.objective = self._over_open(row)
        count = len(self.objective)
        self.highs.changeColsCost(count, np.arange(count, dtype=np.int32), self.objective)

    # --- the model ----------------------------------------------------------------------------------

    def _build(self) -> None:
        k, w = len(self.gates), self.width
        inf = highspy.kHighsInf
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = w + k, 2 * k
        lp.sense_ = highspy.ObjSense.kMaximize
        lp.col_cost_ = self.objective
        lp.col_lower_ = np.concatenate([self.low, np.zeros(k)])
        lp.col_upper_ = np.concatenate([self.high, np.full(k, inf)])
        # rows 2i: y - z >= 0; rows 2i + 1: y - s z <= b
        dense = np.repeat(-self.rows, 2, axis=0)
        dense[1::2] *= self.chord[:, None]
        both = np.arange(k)
        dense[2 * both, w + both] += 1.0
        dense[2 * both + 1, w + both] += 1.0
        self.matrix = dense
        lower = np.full(2 * k, -inf)
        lower[0::2] = 0.0
        upper = np.full(2 * k, inf)
        upper[1::2] = self.offset
        lp.row_lower_, lp.row_upper_ = lower, upper
        at = np.nonzero(dense)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum((dense != 0).sum(axis=1))]).astype(
            np.int32
        )
        lp.a_matrix_.index_ = at[1].astype(np.int32)
        lp.a_matrix_.value_ = dense[at]
        h = silent()
        for name, value in (
            ("threads", 1),
            ("presolve", "off"),
            ("solver", "simplex"),
            ("parallel", "off"),
        ):
            h.setOptionValue(name, value)
        h.passModel(lp)
        self.highs = h

    def decide(self, i: int, sign: int) -> None:
        """Decide open gate ``i`` (here, not the program's number), or free it with 0."""
        w, h, inf = self.width, self.highs, highspy.kHighsInf
        self.sign[i] = sign
        if sign > 0:
            h.changeColBounds(w + i, 0.0, inf)
            h.changeRowBounds(2 * i, 0.0, 0.0)
            h.changeRowBounds(2 * i + 1, -inf, inf)
        elif sign < 0:
            h.changeColBounds(w + i, 0.0, 0.0)
            h.changeRowBounds(2 * i, 0.0, inf)
            h.changeRowBounds(2 * i + 1, -inf, inf)
        else:
            h.changeColBounds(w + i, 0.0, inf)
            h.changeRowBounds(2 * i, 0.0, inf)
            h.changeRowBounds(2 * i + 1, -inf, self.offset[i])

    def solve(self, seconds: float) -> Solved | None:
        """Solve for the present signs; None if the solver gives no answer."""
        h = self.highs
        if seconds < 60:
            h.setOptionValue("time_limit", float(h.getRunTime() + max(seconds, 0.01)))
        if h.run() == highspy.HighsStatus.kError:
            # Somebody else's program has run in this thread, with another number of threads: keep that.
            h.setOptionValue("threads", 0)
            h.run()
        status = h.getModelStatus()
        if status not in (
            highspy.HighsModelStatus.kOptimal,
            highspy.HighsModelStatus.kInfeasible,
        ):
            h.clearSolver()
            h.setOptionValue("presolve", "on")
            h.run()
            h.setOptionValue("presolve", "off")
            status = h.getModelStatus()
        k, w = len(self.gates), self.width
        if status == highspy.HighsModelStatus.kInfeasible:
            return self._empty()
        if status != highspy.HighsModelStatus.kOptimal:
            return None
        solution = h.getSolution()
        point = np.array(solution.col_value)
        rows = np.abs(np.array(solution.row_dual)) if k else np.zeros(0)
        columns = np.abs(np.array(solution.col_dual)[w:])
        z = self.rows @ point
        gap = np.where(self.sign == 0, point[w:] - np.maximum(z, 0.0), 0.0)
        return Solved(
            False,
            h.getInfo().objective_function_value,
            point,
            self._duals(rows[0::2], rows[1::2], columns),
            gap * rows[1::2],
        )

    def _duals(self, line: Array, chord: Array, columns: Array) -> Array:
        """From the multipliers of ``y >= z``, of the chord and of ``y >= 0``, one number a gate."""
        size = chord - line - columns
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.clip((chord * self.chord - line) / size, 0.0, 1.0)
        most = max(line.max(initial=0.0), chord.max(initial=0.0), columns.max(initial=0.0))
        slope[(np.abs(size) <= 1e-9 * most) | self.unsure] = np.nan
        return np.where(self.sign > 0, columns, np.where(self.sign < 0, line, slope))

    def _empty(self) -> Solved:
        k, w = len(self.gates), self.width
        nothing = np.zeros(w + k)
        best = Solved(True, np.inf, nothing, np.zeros(k), np.zeros(k))
        _, found, ray = self.highs.getDualRay()
        top = np.abs(ray).max(initial=0.0) if found else 0.0
        if top > 0:
            for turned in (np.array(ray) / top, np.array(ray) / -top):
                line, chord = np.maximum(turned[0::2], 0.0), np.maximum(-turned[1::2], 0.0)
                columns = np.maximum(-(turned @ self.matrix)[w:], 0.0)
                duals = self._duals(line, chord, columns)
                value = self.certified(nothing, duals)
                if value < best.value:
                    best.value, best.duals = value, duals
        return best

    # --- what the checker will say --------------------------------------------------------------------

    def certified(self, objective: Array, duals: Array) -> float:
        """The bound that follows from the duals (nan: the checker's own slope)."""
        return self._walk(objective, duals)[0]

    def coefficients(self, duals: Array) -> Array:
        """What the claim's bound reads of each open gate."""
        return self._walk(self.objective, duals)[1]

    def _walk(self, objective: Array, duals: Array) -> tuple[float, Array]:
        c = objective.copy()
        w = self.width
        offset = 0.0
        read = np.zeros(len(self.gates))
        nothing = np.isnan(duals)
        given = np.where(nothing, 0.0, duals)
        for run in self.runs:
            here = c[w + run.start : w + run.stop].copy()
            read[run] = here
            sign, dual = self.sign[run], given[run]
            slope = np.where(
                nothing[run], np.where(here > 0, self.chord[run], self.below[run]), dual
            )
            open_ = sign == 0
            passed = np.where(open_, here * slope, np.where(sign > 0, here, 0.0) + sign * dual)
            rise = np.maximum((1 - slope) * self.up[run], -slope * self.down[run])
            offset += float(np.where(open_ & (here > 0), here * rise, 0.0).sum())
            c[w + run.start : w + run.stop] = 0.0
            c += passed @ self.rows[run]
        left = c[:w]
        return offset + float(np.maximum(left * self.low, left * self.high).sum()), read


def _needed(
    floats: Floats, row: Array, sign: NDArray[np.int8], given: Sequence[int]
) -> NDArray[np.bool_]:
    """The gates that the row reads, directly or through gates that are not off."""
    w = floats.width
    needed: NDArray[np.bool_] = row[w:] != 0
    for i in given:
        needed[i] = True
    for i in range(len(floats) - 1, -1, -1):
        if needed[i] and sign[i] >= 0:
            needed |= floats.matrix[i, w:] != 0
    return needed


def _runs(reads: Array) -> list[slice]:
    runs: list[slice] = []
    start = 0
    for i in range(1, len(reads) + 1):
        if i == len(reads) or reads[i, start:i].any():
            runs.append(slice(start, i))
            start = i
    return runs[::-1]
