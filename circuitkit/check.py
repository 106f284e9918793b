r"""The checker: what exactly one has to believe when this package says "Proved".

A prover may be as clever as it likes if what it says is checked by a program small enough to read. This
is that program. It imports nothing else of circuitkit, knows nothing of how a proof was found, and uses
exact rational numbers only.

**Program.** A network and a target become *rows*, sums of columns with rational coefficients
``{column: coefficient}``: columns ``0 .. n-1`` are the inputs, ``n`` is the constant 1, and ``n + 1 + k`` is
gate k, which is ``relu(row k)``. Rows that are positive multiples of each other share a gate,
``relu(c r) = c relu(r)``, opposite ones too, ``relu(-r) = -r + relu(r)``, and a row whose sign is plain to see
needs none. That alone settles every circuit of the book: network minus target is the empty row.

**Claims** are inequalities between rows, at every input of a domain. Where the domain is not a finite box, an
input x stands as the point (x, 1) / max(1, max|x_i|): columns are then multiplied through by a scale t, which
is column n, inputs lie in [-1, 1], t in [0, 1], and "relative to the size of the input" is "less than a number".

**A certificate is a tree** that cuts the domain into cells: on ``split k`` row k is at least 0 in one child, at
most 0 in the other, so that nothing is left out. In a cell, :meth:`Cell.least` bounds a row from below. Going
from the last gate to the first, it puts for a gate whose sign is decided the row or 0, minus any multiple >= 0
of what is known to be >= 0; for another gate a line that is below or above relu. What is left is a sum of
inputs, which is least at a corner. *Whatever* multiples and slopes the certificate holds, the bound is true:
a wrong certificate proves less, never something false.

Run ``python -m circuitkit.check FILE`` on a JSON file ``{"certificate": …, "network": …, "target": …}``.

Source: linear relaxation with split constraints, Wang et al., "Beta-CROWN" (2021); certificates checked by a
small program, the de Bruijn criterion.
"""

from __future__ import annotations

import ast
import json
import math
import re
import sys
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

Q: Any  # the type of exact numbers
try:
    from flint import fmpq

    Q = fmpq  # faster
except ImportError:
    from fractions import Fraction

    Q = Fraction

__all__ = ["Cell", "Problem", "Program", "Q", "Rejected", "check", "pose", "verify"]

Row = dict[int, Any]  # column -> coefficient, never 0

MAX_GATES, MAX_NODES, MAX_WORK = 20_000, 1_000_000, 10**9
_NUMBER = re.compile(
    r"-?(\d{1,4000}|0x[0-9a-f]{1,40000})(/(\d{1,4000}|0x[0-9a-f]{1,40000}))?", re.A
)


class Rejected(Exception):
    """Why a certificate proves nothing."""


def _need(condition: Any, why: str) -> None:
    if not condition:
        raise Rejected(why)


def _number(value: Any) -> Any:
    """An exact number of a certificate: a whole number, or text such as "-1/3"; no float, no bool."""
    if type(value) is int and value.bit_length() < 200_000:
        return Q(value)
    _need(type(value) is str and _NUMBER.fullmatch(value), f"not an exact number: {value!r:.60}")
    p, _, q = value.partition("/")
    _need(int(q or "1", 0), "a denominator is 0")
    return Q(int(p, 0), int(q or "1", 0))


def _exact(value: Any) -> Any:
    """The rational number that a weight is."""
    _need(type(value) in (int, float) and math.isfinite(value), f"not a weight: {value!r:.60}")
    return Q(*value.as_integer_ratio())


def _sum(*terms: tuple[Any, Row]) -> Row:
    """The sum of multiples of rows."""
    total: Row = {}
    for factor, row in terms:
        _add(total, factor, row)
    return total


def _add(total: Row, factor: Any, row: Row) -> None:
    if factor:
        for column, value in row.items():
            new = total.get(column, 0) + factor * value
            if new:
                total[column] = new
            else:
                total.pop(column, None)


# --- networks and expressions as rows ------------------------------------------------------------------


class Program:
    """Rows over inputs and gates, made in one pass: a row only reads gates that were there before it.

    Args:
        box: ``(low, high)`` of every input and of the constant.
        sign: told the number of a new gate and its row, the sign (1, -1) that the row is known to have
            everywhere in the domain, or 0.

    Attributes:
        gates: gate k is relu of ``gates[k]``.
        signs: the gates whose sign is known everywhere in the domain.
    """

    def __init__(
        self, box: list[tuple[Any, Any]], sign: Callable[[int, Row], int] = lambda k, row: 0
    ) -> None:
        self.box, self.n, self.sign = box, len(box) - 1, sign
        self.gates: list[Row] = []
        self.signs: dict[int, int] = {}
        self._known: dict[tuple[Any, ...], int] = {}
        self.work = self.nodes = 0

    def spend(self, row: Row, factor: Any) -> None:
        """Count what a step costs, so that no certificate keeps the checker busy for ever."""
        self.work += len(row) * (1 + int(factor.numerator).bit_length() // 64)
        _need(self.work <= MAX_WORK, "too much work")

    def constant(self, value: Any) -> Row:
        return {self.n: value} if value else {}

    def plain_sign(self, row: Row) -> int:
        """The sign of a row that shows it at the corners of the box, gates being at least 0; else 0."""
        for sign in (1, -1):
            least = 0
            for column, value in row.items():
                if column <= self.n:
                    low, high = self.box[column]
                    least += sign * value * (low if sign * value > 0 else high)
                elif sign * value < 0:
                    break
            else:
                if least >= 0:
                    return sign
        return 0

    def relu(self, row: Row) -> Row:
        """``max(row, 0)`` as a row."""
        sign = self.plain_sign(row)
        if sign:
            return row if sign > 0 else {}
        size = abs(row[min(row)])
        same = {column: value / size for column, value in row.items()}
        key = tuple(sorted(same.items()))
        k = self._known.get(key)
        if k is None:
            k = self._known.get(tuple((column, -value) for column, value in key))
            if k is not None:  # relu(row) = row + relu(-row)
                sign = -self.signs.get(k, 0)
                return (
                    _sum((1, row), (size, {self.n + 1 + k: Q(1)}))
                    if not sign
                    else (row if sign > 0 else {})
                )
            k = self._new(key, same, self.sign(len(self.gates), same))
        sign = self.signs.get(k, 0)
        return {self.n + 1 + k: size} if not sign else (row if sign > 0 else {})

    def given(self, row: Row) -> None:
        """The domain has ``row >= 0``: a gate whose sign is known to be 1."""
        if self.plain_sign(row) <= 0:
            size = abs(row[min(row)])
            same = {column: value / size for column, value in row.items()}
            self._new(tuple(sorted(same.items())), same, 1)

    def _new(self, key: tuple[Any, ...], row: Row, sign: int) -> int:
        k = len(self.gates)
        _need(k < MAX_GATES, f"more than {MAX_GATES} gates")
        self.gates.append(row)
        if sign:
            self.signs[k] = sign
        self._known[key] = k
        return k

    def maximum(self, rows: list[Row]) -> Row:
        """The largest of several rows: max(a, b) = b + relu(a - b), in pairs, then pairs of those."""
        _need(rows, "a maximum of nothing")
        while len(rows) > 1:
            pairs = [
                _sum((1, b), (1, self.relu(_sum((1, a), (-1, b)))))
                for a, b in zip(rows[::2], rows[1::2], strict=False)
            ]
            rows = pairs + rows[2 * len(pairs) :]
        return rows[0]

    def network(self, network: Any) -> list[Row]:
        """The outputs of a Network, or of what its ``to_dict`` gives: weights, biases, perhaps a scale."""
        data = network if isinstance(network, dict) else network.to_dict()
        _need(not set(data) - {"weights", "biases", "scale"}, f"not a network: {sorted(data)}")
        weights, biases = data["weights"], data.get("biases")
        _need(
            weights and len(biases or weights) == len(weights), "not a network: no chain of layers"
        )
        rows: list[Row] = [{i: Q(1)} for i in range(self.n)]
        for layer, w in enumerate(weights):
            before = [self.relu(row) for row in rows] if layer else rows
            b = (biases and biases[layer]) or [0] * len(w)
            _need(w and len(b) == len(w), f"layer {layer} has another number of biases")
            rows = []
            for line, bias in zip(w, b, strict=True):
                _need(len(line) == len(before), f"layer {layer} reads another number of units")
                row = self.constant(_exact(bias))
                for weight, r in zip(line, before, strict=True):
                    self.spend(r, _exact(weight))
                    _add(row, _exact(weight), r)
                rows.append(row)
        scale = data.get("scale", 1)
        scales = scale if isinstance(scale, list) else [scale] * len(rows)
        return [_sum((_number(s), row)) for s, row in zip(scales, rows, strict=True)]

    def parts(self, target: Any, outputs: list[Row]) -> list[tuple[str, Row]]:
        """Text, a Target, SymPy: ``("", row)`` for each output of a function.

        Of a relation, ``(">=", row)`` or ``(">", row)`` for each part, to be compared with 0; ``y1, y2, ...``
        are then ``outputs``.
        """
        text = ""
        if isinstance(target, str):
            text = NAMES.get(target.strip(), target.strip())
            _need(
                len(text) <= 100_000 and text.isascii() and "\n" not in text, "not a target's text"
            )
            return self._parts(ast.parse(text, mode="eval").body, text, outputs)
        _need(getattr(target, "n_inputs", self.n) == self.n, "target of another number of inputs")
        target = getattr(target, "outputs", target)
        if isinstance(target, list | tuple):
            return [part for one in target for part in self.parts(one, outputs)]
        return self._parts(target, text, outputs)

    def _parts(self, e: Any, text: str, outputs: list[Row]) -> list[tuple[str, Row]]:
        name, arguments = _operation(e, text)
        if name in ("And", "Tuple"):
            parts = [part for a in arguments for part in self._parts(a, text, outputs)]
            _need(
                name == "Tuple" or all(relation for relation, _ in parts),
                "and between no relations",
            )
            return parts
        if name not in _RELATIONS:
            return [("", self._row(e, text, []))]
        relation, sign = _RELATIONS[name]
        left, right = (self._row(a, text, outputs) for a in arguments)
        difference = _sum((sign, left), (-sign, right))
        if relation == "=":
            return [(">=", difference), (">=", _sum((-1, difference)))]
        return [(relation, difference)]

    def _row(self, e: Any, text: str, outputs: list[Row]) -> Row:
        name, arguments = _operation(e, text)
        if name == "number":
            return self.constant(arguments[0])
        if name == "variable":
            letter, index = arguments
            rows = [{i: Q(1)} for i in range(self.n)] if letter == "x" else outputs
            _need(index is not None or len(rows) == 1, f"which {letter}?")
            index = int(index or 1) - 1
            _need(index < len(rows), f"unknown variable {letter}{index + 1}")
            return rows[index]
        rows = [self._row(a, text, outputs) for a in arguments]
        if name in ("add", "uadd"):
            return _sum(*((1, row) for row in rows))
        if name in ("sub", "usub"):
            return _sum(*((1, row) for row in rows[:-1]), (-1, rows[-1]))
        if name in ("mult", "mul", "div"):
            factor, others = Q(1), []
            for i, row in enumerate(rows):
                value = row.get(self.n, Q(0)) if set(row) <= {self.n} else None
                if name == "div" and i == 1:
                    _need(value, "divided by something else than a number")
                    factor = factor / value
                elif value is None:
                    others.append(row)
                else:
                    factor = factor * value
            _need(len(others) <= 1, "not piecewise linear: a product of two variables")
            return _sum((factor, others[0])) if others else self.constant(factor)
        if name == "abs" and len(rows) == 1:
            return _sum((1, self.relu(rows[0])), (1, self.relu(_sum((-1, rows[0])))))
        if name == "relu" and len(rows) == 1:
            return self.relu(rows[0])
        if name == "max":
            return self.maximum(rows)
        if name == "min":
            return _sum((-1, self.maximum([_sum((-1, row)) for row in rows])))
        if name == "clamp" and len(rows) == 3:
            above = self.maximum([rows[0], rows[1]])
            return _sum((-1, self.maximum([_sum((-1, above)), _sum((-1, rows[2]))])))
        raise Rejected(f"not piecewise linear: {name}")

    def values(self, point: Iterable[Any]) -> list[Any]:
        """The value of every column at a point: inputs, the constant, gates."""
        values = list(point)
        for row in self.gates:
            values.append(max(Q(0), sum((c * values[i] for i, c in row.items()), Q(0))))
        return values


#: the functions of the book's first chapters, by name
NAMES = {
    "identity": "x", "negation": "-x", "abs": "abs(x)", "add": "x1 + x2", "subtract": "x1 - x2",
    "min": "min(x1, x2)", "max": "max(x1, x2)", "min4": "min(x1, x2, x3, x4)",
}  # fmt: skip

_RELATIONS = {
    "GtE": (">=", 1), "Gt": (">", 1), "LtE": (">=", -1), "Lt": (">", -1), "Eq": ("=", 1),
    "GreaterThan": (">=", 1), "StrictGreaterThan": (">", 1), "LessThan": (">=", -1),
    "StrictLessThan": (">", -1), "Equality": ("=", 1),
}  # fmt: skip


def _operation(e: Any, text: str) -> tuple[str, list[Any]]:
    """What a node of Python's syntax tree, or of SymPy's, does, and to what. Nothing is evaluated."""
    if isinstance(e, ast.Constant):
        literal = text[e.col_offset : e.end_col_offset]
        value: Any = e.value
        _need(type(value) in (int, float) and len(literal) <= 4000, f"not a number: {literal:.60}")
        _need(math.isfinite(value), f"a number too large: {literal:.60}")
        if type(value) is int or value == 0:
            _need(
                value or not re.search("[1-9]", re.split("[eE]", literal)[0]), "a number too small"
            )
            return "number", [Q(int(value))]
        digits, _, exponent = literal.replace("_", "").lower().partition("e")
        whole, _, decimals = digits.partition(".")
        power = int(exponent or "0") - len(decimals)
        return "number", [Q(int(whole + decimals)) * Q(10) ** power]
    if isinstance(e, ast.BinOp | ast.UnaryOp):
        name = type(e.op).__name__.lower()
        _need(
            name in ("add", "sub", "mult", "div", "uadd", "usub"), f"not piecewise linear: {name}"
        )
        return name, [e.operand] if isinstance(e, ast.UnaryOp) else [e.left, e.right]
    if isinstance(e, ast.Call):
        _need(isinstance(e.func, ast.Name) and not e.keywords, "not piecewise linear: a call")
        return e.func.id.lower(), e.args  # type: ignore[attr-defined]
    if isinstance(e, ast.Compare):
        sides = [e.left, *e.comparators]
        if len(e.ops) == 1:
            return type(e.ops[0]).__name__, sides
        pairs = zip(sides, e.ops, sides[1:], strict=False)
        return "And", [ast.Compare(a, [op], [b]) for a, op, b in pairs]
    if isinstance(e, ast.BoolOp | ast.Tuple):
        name = type(e.op).__name__ if isinstance(e, ast.BoolOp) else "Tuple"
        return name, e.values if isinstance(e, ast.BoolOp) else e.elts
    if isinstance(e, ast.Name) or getattr(e, "is_Symbol", False):
        name = e.id if isinstance(e, ast.Name) else e.name
        match = re.fullmatch(r"([xy])([1-9]\d{0,3})?", name, re.A)
        _need(match, f"unknown variable {name!r:.60}")
        return "variable", list(match.groups())  # type: ignore[union-attr]
    if getattr(e, "is_Rational", False):
        return "number", [Q(int(e.p), int(e.q))]
    if getattr(e, "is_Float", False):
        sign, man, exponent, _ = e._mpf_
        _need(man and abs(exponent) < 10_000, "not a number")
        return "number", [Q((-1) ** sign * int(man)) * Q(2) ** int(exponent)]
    _need(not isinstance(e, ast.AST) and hasattr(e, "func"), f"cannot read {type(e).__name__}")
    name = e.func.__name__
    return name if name in (*_RELATIONS, "And", "Tuple") else name.lower(), list(e.args)


# --- what is claimed -----------------------------------------------------------------------------------


@dataclass
class Claim:
    """``row <= limit * size`` everywhere in the domain; ``size`` a row, or None for the number 1."""

    row: Row
    limit: Any
    size: Row | None


@dataclass
class Problem:
    """A claim as rows.

    Attributes:
        program: the gates, and the box in which the columns lie.
        claims: what is to be shown, in order.
        homogenised: whether column n is the scale t.
        words: the claim in words.
    """

    program: Program
    claims: list[Claim]
    homogenised: bool
    words: str


def pose(
    certificate: dict[str, Any],
    network: Any,
    target: Any,
    sign: Callable[[Program, int, Row], int] = lambda program, k, row: 0,
) -> Problem:
    """What the certificate claims of the network and the target; its tree is not looked at.

    Raises:
        Rejected: no such claim can be made.
    """
    _need(type(certificate) is dict, "a certificate is a JSON object")
    known = {"tolerance", "measure", "domain", "margins", "fixed", "tree"}
    _need(
        not set(certificate) - known, f"unknown part of a certificate: {set(certificate) - known}"
    )
    tolerance, measure = _number(certificate["tolerance"]), certificate["measure"]
    _need(tolerance >= 0, "the tolerance is negative")
    _need(measure in ("relative", "absolute"), "the measure is neither relative nor absolute")
    n = _n_inputs(network)
    homogenised, columns, constraints, where = _domain(certificate["domain"], n)
    one, zero = Q(1), Q(0)
    columns.append((zero if homogenised else one, one))
    program = Program(columns, lambda k, row: sign(program, k, row))
    for row in constraints:
        program.given(row)
    outputs = program.network(network)
    margins = [_number(m) for m in certificate.get("margins", [])]
    margins.reverse()
    claims: list[Claim] = []
    if isinstance(target, dict) or hasattr(target, "to_dict"):
        parts = [("", row) for row in program.network(target)]
    else:
        parts = program.parts(target, outputs)
    _need(parts, "nothing is claimed")
    if all(relation for relation, _ in parts):
        _need(tolerance == 0, "a relation has no tolerance")
        for relation, row in parts:
            margin = zero
            if relation == ">":
                _need(margins and margins[-1] > 0, "a strict relation needs a margin above 0")
                margin = margins.pop()
            claims.append(Claim(_sum((-1, row)), -margin, {n: one}))
        words = f"{_spelled(target)} {where}"
    else:
        _need(not any(relation for relation, _ in parts), "a relation beside an expression")
        _need(len(parts) == len(outputs), "target of another number of outputs")
        beyond = [{i: one} for i in range(n) if columns[i][1] > 1]
        beyond += [{i: -one} for i in range(n) if columns[i][0] < -1]
        size: Row | None = None
        if measure == "absolute":
            size = {n: one}
        elif beyond and tolerance:
            size = program.maximum([{n: one}, *beyond])
        for y, (_, f) in zip(outputs, parts, strict=True):
            difference = _sum((1, y), (-1, f))
            claims.append(Claim(difference, tolerance, size))
            claims.append(Claim(_sum((-1, difference)), tolerance, size))
        within = "equals" if not tolerance else f"is within {_short(tolerance)} of"
        how = f", {measure} error," if tolerance else ""
        words = f"the network {within} {_spelled(target)}{how} {where}"
    _need(not margins, "more margins than strict relations")
    return Problem(program, claims, homogenised, words)


def _n_inputs(network: Any) -> int:
    data = network if isinstance(network, dict) else network.to_dict()
    return len(data["weights"][0][0])


def _spelled(target: Any) -> str:
    other = isinstance(target, dict) or hasattr(target, "to_dict")
    return "the other network" if other else str(target)


def _domain(domain: Any, n: int) -> tuple[bool, list[tuple[Any, Any]], list[Row], str]:
    """Whether inputs are scaled, the ends of every input's column, rows >= 0 in the domain, and words."""
    one, zero = Q(1), Q(0)
    if domain is None:
        return True, [(-one, one)] * n, [], "for every input"
    _need(type(domain) is dict, "a domain is null, a box or a polytope")
    if set(domain) == {"box"}:
        _need(len(domain["box"]) == n, "the box has another number of inputs")
        ends = []
        for pair in domain["box"]:
            low, high = (None if v is None else _number(v) for v in pair)
            _need(low is None or high is None or low <= high, "an interval of the box is empty")
            ends.append((low, high))
        where = "for every input in " + " × ".join(
            f"{'(-inf' if low is None else f'[{_short(low)}'}, {'inf)' if high is None else f'{_short(high)}]'}"
            for low, high in ends
        )
        if all(low is not None and high is not None for low, high in ends):
            return False, ends, [], where
        rows = [
            _sum((1, {i: one}), (-low, {n: one}))
            for i, (low, _) in enumerate(ends)
            if low is not None
        ]
        rows += [
            _sum((-1, {i: one}), (high, {n: one}))
            for i, (_, high) in enumerate(ends)
            if high is not None
        ]
        columns = [
            (
                zero if low is not None and low >= 0 else -one,
                zero if high is not None and high <= 0 else one,
            )
            for low, high in ends
        ]
        return True, columns, rows, where
    _need(set(domain) == {"A", "b", "point"}, "a domain is null, a box or a polytope")
    matrix = [[_number(v) for v in line] for line in domain["A"]]
    ends, point = [_number(v) for v in domain["b"]], [_number(v) for v in domain["point"]]
    _need(
        len(point) == n and all(len(line) == n for line in matrix), "A has another number of inputs"
    )
    _need(matrix and len(matrix) == len(ends), "A and b have different lengths")
    rows = []
    for line, end in zip(matrix, ends, strict=True):
        # Nothing is claimed of an empty domain: a point of it is part of the certificate.
        _need(
            sum((a * x for a, x in zip(line, point, strict=True)), zero) <= end,
            "the point is outside",
        )
        rows.append(_sum((end, {n: one}), *((-a, {i: one}) for i, a in enumerate(line))))
    return True, [(-one, one)] * n, rows, "for every input in the polytope A x <= b"


def _short(value: Any) -> str:
    """A number for a sentence."""
    p, q = int(value.numerator), int(value.denominator)
    if max(abs(p), q) < 10**7:
        return str(value)
    try:
        return f"about {p / q:.6g}"
    except OverflowError:
        return f"about {'-' if p < 0 else ''}2**{abs(p).bit_length() - q.bit_length()}"


# --- the tree ------------------------------------------------------------------------------------------


@dataclass
class Cell:
    """A part of the domain.

    Attributes:
        box: ``(low, high)`` of every input and of the constant.
        signs: gates whose row is >= 0 (1) or <= 0 (-1) everywhere in the cell.
        bounds: ``(low, high)`` of gates' rows in the cell.
        base: the cell around this one in which bounds that are missing are computed; None: this one.
        before: the base before the last ``anew``.
    """

    program: Program
    box: list[tuple[Any, Any]]
    signs: dict[int, int]
    bounds: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    base: Cell | None = None
    before: Cell | None = None

    def least(self, row: Row, numbers: dict[int, Any]) -> Any:
        """A number that the row never falls below in the cell, whatever the ``numbers`` are."""
        n, gates = self.program.n, self.program.gates
        self._prepare(row, numbers)
        rest, constant = dict(row), Q(0)
        for k in range(max([c - n - 1 for c in row] + list(numbers), default=-1), -1, -1):
            c, number = rest.pop(n + 1 + k, 0), numbers.get(k)
            if not c and number is None:
                continue
            sign = self.sign(k)
            if sign:  # gate k is its row or 0; any multiple of sign * row >= 0 may be taken away
                _need(number is None or number >= 0, f"the multiplier of gate {k} is negative")
                slope = (c if sign > 0 else 0) - (number or 0) * sign
            else:  # relu(z) >= a z, and relu(z) <= a z + its distance from that at an end
                low, high = self.bound(k)
                if number is None:
                    number = _chord(low, high) if c < 0 else Q(1 if high > -low else 0)
                _need(0 <= number <= 1, f"the slope of gate {k} is not between 0 and 1")
                slope = c * number
                if c < 0:
                    constant += c * max((1 - number) * high, -number * low)
            self.program.spend(gates[k], slope)
            _add(rest, slope, gates[k])
        corner = (v * self.box[i][0 if v > 0 else 1] for i, v in rest.items())
        return constant + sum(corner, Q(0))

    def sign(self, k: int) -> int:
        """The sign of gate k's row, as decided or as its bounds show it; 0 if it is open."""
        if k in self.signs:
            return self.signs[k]
        low, high = self.bound(k)
        return 1 if low >= 0 else -1 if high <= 0 else 0

    def bound(self, k: int) -> tuple[Any, Any]:
        """Numbers between which gate k's row lies."""
        if k not in self.bounds and self.base is not None:
            return self.base.bound(k)
        if k not in self.bounds:
            row = self.program.gates[k]
            low, high = self.least(row, {}), -self.least(_sum((-1, row)), {})
            if self.before is not None:
                old = self.before.bound(k)
                low, high = max(low, old[0]), min(high, old[1])
            self.bounds[k] = low, high
        return self.bounds[k]

    def _prepare(self, row: Row, numbers: dict[int, Any]) -> None:
        """Bound the open gates that a row rests on, the first gates first: no deep recursion."""
        n, base = self.program.n, self.base or self
        todo, seen = [c - n - 1 for c in row if c > n] + list(numbers), set()
        while todo:
            k = todo.pop()
            closed = self.signs.get(k) == -1 and k not in numbers
            if k not in seen and not closed and k not in self.bounds and k not in base.bounds:
                seen.add(k)
                todo += [c - n - 1 for c in self.program.gates[k] if c > n]
        for k in sorted(seen):
            if k not in self.signs:
                self.bound(k)

    def part(self, **changes: Any) -> Cell:
        """A smaller cell; its bounds are those of this one until more is known."""
        return replace(self, **{"base": self.base or self, "signs": dict(self.signs), **changes})


def _chord(low: Any, high: Any) -> Any:
    """The slope of the line through the ends of relu on [low, high], down to a multiple of 2**-30."""
    slope = high / (high - low)
    return Q(int(slope.numerator * 2**30 // slope.denominator), 2**30)


def _index(value: Any, count: int) -> int:
    """A gate or column number: a whole number, or its digits where JSON wants text."""
    if type(value) is str and re.fullmatch(r"0|[1-9]\d{0,8}", value, re.A):
        value = int(value)
    _need(type(value) is int and 0 <= value < count, f"no gate or input {value!r:.60}")
    return value


def _prove(program: Program, claims: list[Claim], tree: Any) -> None:
    """Walk down a tree; every leaf must prove the claims in its cell.

    Raises:
        Rejected: one does not.
    """
    n_gates, n_columns = len(program.gates), program.n + 1

    def numbers(given: Any) -> dict[int, Any]:
        _need(type(given) is dict, "multipliers are a JSON object")
        read = {_index(k, n_gates): _number(v) for k, v in given.items()}
        _need(len(read) == len(given), "a gate is named twice")
        return read

    root = Cell(program, program.box, dict(program.signs))
    todo: list[tuple[Any, Cell, list[Claim]]] = [(tree, root, claims)]
    while todo:
        node, cell, claims = todo.pop()
        program.nodes += 1
        _need(program.nodes <= MAX_NODES, f"more than {MAX_NODES} nodes")
        _need(type(node) is list and node, "a node of the tree is a list")
        kind, *rest = node
        if kind == "split":  # row k >= 0 here, <= 0 there: no input is left out
            k, on, off = rest
            k = _index(k, n_gates)
            todo.append((on, cell.part(signs={**cell.signs, k: 1}), claims))
            todo.append((off, cell.part(signs={**cell.signs, k: -1}), claims))
        elif kind == "cut":  # column i <= c here, >= c there
            i, c, below, above = rest
            i, c = _index(i, n_columns), _number(c)
            low, high = cell.box[i]
            _need(low <= c <= high, "a cut outside the cell")
            todo.append(
                (below, cell.part(box=[*cell.box[:i], (low, c), *cell.box[i + 1 :]]), claims)
            )
            todo.append(
                (above, cell.part(box=[*cell.box[:i], (c, high), *cell.box[i + 1 :]]), claims)
            )
        elif kind == "fix":  # gates whose sign the cell decides
            steps, child = rest
            cell = cell.part()
            for k, sign, given in steps:
                k = _index(k, n_gates)
                _need(type(sign) is int and sign in (1, -1), "a sign is 1 or -1")
                least = cell.least(_sum((sign, program.gates[k])), numbers(given))
                _need(least >= 0, f"the sign of gate {k} is not shown")
                cell.signs[k] = sign
            todo.append((child, cell, claims))
        elif kind == "bound":  # gates whose row the cell bounds better
            steps, child = rest
            cell = cell.part(bounds=dict(cell.bounds) if cell.base else {})
            for k, down, up in steps:
                k = _index(k, n_gates)
                row, (low, high) = program.gates[k], cell.bound(k)
                if down is not None:
                    low = max(low, cell.least(row, numbers(down)))
                if up is not None:
                    high = min(high, -cell.least(_sum((-1, row)), numbers(up)))
                cell.bounds[k] = low, high
            todo.append((child, cell, claims))
        elif kind == "shrink":  # columns that the cell bounds better
            steps, child = rest
            cell = cell.part(box=list(cell.box))
            for i, down, up in steps:
                i = _index(i, n_columns)
                low, high = cell.box[i]
                if down is not None:
                    low = max(low, cell.least({i: Q(1)}, numbers(down)))
                if up is not None:
                    high = min(high, -cell.least({i: Q(-1)}, numbers(up)))
                cell.box[i] = low, high
            todo.append((child, cell, claims))
        elif kind == "anew":  # bounds from now on are computed in this cell
            (child,) = rest
            todo.append((child, cell.part(base=None, before=cell, bounds={}), claims))
        elif kind == "each":  # a tree for each claim
            _need(len(rest) == len(claims), "each claim needs a tree")
            todo += [(child, cell, [claim]) for child, claim in zip(rest, claims, strict=True)]
        elif kind == "empty":  # 0 is above 0: there is no input in the cell
            (given,) = rest
            _need(cell.least({}, numbers(given)) > 0, "a cell is not empty")
        elif kind == "leaf":
            _need(len(rest) <= len(claims), "more multipliers than claims")
            for claim, given in zip(claims, rest + [{}] * (len(claims) - len(rest)), strict=True):
                room = _sum((-1, claim.row), (claim.limit, claim.size or {}))
                least = cell.least(room, numbers(given)) + (0 if claim.size else claim.limit)
                _need(least >= 0, "a claim is not shown in a cell")
        else:
            raise Rejected(f"unknown kind of node: {kind!r:.60}")


# --- the answer ----------------------------------------------------------------------------------------


def verify(certificate: dict[str, Any], network: Any, target: Any) -> str:
    """What the certificate proves, in words.

    Raises:
        Rejected: it does not prove what it claims; other exceptions where it is malformed.
    """
    fixed: dict[int, tuple[int, Any]] = {}
    for k, s, tree in certificate.get("fixed", []):
        k = _index(k, MAX_GATES)
        _need(type(s) is int and s in (1, -1) and k not in fixed, "a gate is fixed twice")
        fixed[k] = s, tree

    def sign(program: Program, k: int, row: Row) -> int:
        if k not in fixed:
            return 0
        shown, tree = fixed[k]
        _prove(program, [Claim(_sum((-shown, row)), Q(0), None)], tree)
        return shown

    problem = pose(certificate, network, target, sign)
    _prove(problem.program, problem.claims, certificate["tree"])
    return problem.words


def check(certificate: dict[str, Any], network: Any, target: Any) -> bool:
    r"""Whether the certificate proves what it claims of this network and this target.

    The claim, which the certificate states itself, is one of

    - :math:`|net_j(x) - f_j(x)| \le tolerance \cdot \max(1, \max_i |x_i|)` for every output j, or without
      the maximum where its measure is absolute; the target is a function or another network;
    - a relation between outputs and inputs, such as ``"y1 <= y2 and y1 > x1 + 1"``;

    for every input x in its domain: all of R^n, a box or a polytope.

    Args:
        certificate: :attr:`circuitkit.Proof.certificate`, JSON-safe.
        network: a Network, or what its ``to_dict`` gives.
        target: text, a Target, a SymPy expression, a list of these, one an output, or a network.

    Returns:
        True only if the claim is true. False for whatever is malformed; :func:`verify` says why.

    Example:
        >>> identity = {"weights": [[[1], [-1]], [[1, -1]]]}
        >>> certificate = {"tolerance": "0", "measure": "relative", "domain": None, "tree": ["leaf"]}
        >>> check(certificate, identity, "x"), check(certificate, identity, "abs(x)")
        (True, False)
    """
    try:
        verify(certificate, network, target)
    except Exception:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Check a file; 0 accepted, 1 rejected, 2 not a file with a certificate, a network and a target."""
    try:
        (path,) = arguments
        with open(path, encoding="utf-8") as file:
            data = json.load(file, object_pairs_hook=_once)
        parts = data["certificate"], data["network"], data["target"]
    except Exception as error:
        print(
            f"usage: python -m circuitkit.check FILE\n{type(error).__name__}: {error}",
            file=sys.stderr,
        )
        return 2
    try:
        print(f"accepted: {verify(*parts)}")
    except Exception as error:
        reason = (
            str(error) if isinstance(error, Rejected) else f"malformed ({type(error).__name__})"
        )
        print(f"rejected: {reason}")
        return 1
    return 0


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _need(len(dict(pairs)) == len(pairs), "a name stands twice in a JSON object")
    return dict(pairs)


class _Module(types.ModuleType):
    """``circuitkit.check`` is this module and its function at once, whatever was imported first."""

    def __call__(self, certificate: dict[str, Any], network: Any, target: Any) -> bool:
        return check(certificate, network, target)


sys.modules[__name__].__class__ = _Module

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
