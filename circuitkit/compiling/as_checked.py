"""The circuit in which the checker reads a function: of the same units, so that a proof has nothing left to show."""

from __future__ import annotations

from circuitkit.check import Program, Q, read_target
from circuitkit.compiling.circuit import Circuit, Number, Row, summed
from circuitkit.functions.target import Target
from circuitkit.proof.rationals import fraction

__all__ = ["as_checked"]


def as_checked(f: Target) -> Circuit | None:
    """The circuit of a function in the order of the checker's own reading; None where it reads it in no way.

    Example:
        >>> import circuitkit as ck
        >>> as_checked(ck.target("max(x1, x2)")).units
        [{0: 1, 1: -1}]
    """
    n = f.n_inputs
    program = Program([(Q(-1), Q(1))] * n + [(Q(0), Q(1))])
    try:
        outputs = [row for _, row in read_target(program, f, [])]
    except Exception:  # whatever it refuses, or finds malformed
        return None
    circuit = Circuit(n)
    columns: list[Row] = [{i: 1} for i in range(n + 1)]
    for gate in program.gates:
        columns.append(circuit.relu(_over(gate, columns)))
    circuit.outputs = [_over(row, columns) for row in outputs]
    return circuit


def _over(row: Row, columns: list[Row]) -> Row:
    return summed(*((_number(c), columns[i]) for i, c in row.items()))


def _number(value: object) -> Number:
    exact = fraction(value)
    return exact.numerator if exact.denominator == 1 else exact
