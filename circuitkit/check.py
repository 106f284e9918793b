r"""The checker: what exactly one has to believe when this package says "Proved".

A prover may be as clever as it likes if what it says is checked by a program small enough to read. This is
that program. It imports nothing else of circuitkit, does not ask how a proof was found, and computes with
exact fractions only.

**Rows.** A network and a target become *rows*, sums of columns, ``{column: coefficient}``. Columns
``0 .. n-1`` are the inputs, ``n`` is the constant 1, and ``n + 1 + k`` is gate k: relu of row k. A row that is
a positive multiple of row k is that multiple of gate k, ``relu(c r) = c relu(r)``; an opposite one needs no
gate either, ``relu(-r) = -r + relu(r)``; nor does a row whose sign is plain to see, as that of a sum of activations all of
whose weights are at least 0. That alone settles every circuit of the book: network minus target is the empty
row.

**Claims** are inequalities between rows, everywhere in a domain. Where the domain is not a finite box, an
input x is looked at as the point (x, 1) / max(1, max|x_i|): inputs lie in [-1, 1], column n is a scale t in
[0, 1], rows are multiplied through by it, and "relative to the size of the input" means "as a number".

**A certificate is a tree** that cuts the domain into cells: ``split k`` leads to a cell where row k is at least
0 and one where it is at most 0, so that nothing is left out. In a cell, ``Cell.least`` bounds a row from
below: from the last gate to the first it puts for a gate of known sign its row or 0 (and takes away any
multiple, at least 0, of what is at least 0), for another gate a line on the right side of relu. What is
left is a sum of inputs, least at a corner. *Whatever* multiples and slopes the certificate holds, the bound
is true: a wrong certificate shows less, never something false.

**A lemma** says that a gate is a row of columns before it, and has a tree of its own. From then on that row stands
for the gate, so that later gates may turn out to be the same: a proof of many small steps.

``python -m circuitkit.check FILE`` checks a JSON file ``{"certificate": …, "network": …, "target": …}``.

Source: bounds by linear relaxation with multipliers, Wang et al., "Beta-CROWN" (2021).
"""

from __future__ import annotations

import ast
import json
import math
import re
import reprlib
import sys
import time
from dataclasses import dataclass, field, replace
from typing import Any

Q: Any  # the type of every number here
try:
    from flint import fmpq

    Q = fmpq  # the same numbers as Fraction's, faster
except ImportError:
    from fractions import Fraction

    Q = Fraction

__all__ = [
    "Cell",
    "Claim",
    "Problem",
    "Program",
    "Q",
    "Rejected",
    "check",
    "pose",
    "prove_rows",
    "read_network",
    "verify",
]

Row = dict[int, Any]  # column -> coefficient, never 0

#: limits: gates, a tree's nodes and levels, and steps; what is larger is rejected
MAX_GATES, MAX_NODES, MAX_DEPTH, MAX_WORK = 20_000, 1_000_000, 10_000, 4 * 10**9
_DIGITS = r"(\d{1,4000}|0x[0-9a-f]{1,40000})"
_EXACT = re.compile(rf"-?{_DIGITS}(/{_DIGITS})?", re.ASCII)
_COUNT = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)


class Rejected(Exception):
    """Why a certificate proves nothing.

    Example:
        >>> certificate = {"tolerance": 0, "measure": "relative", "domain": None, "tree": ["leaf"]}
        >>> try:
        ...     verify(certificate, {"weights": [[[2]]]}, "x")
        ... except Rejected as why:
        ...     print(type(why).__name__)
        Rejected
    """


def _need(condition: Any, why: str, *what: Any) -> None:
    if not condition:
        raise Rejected(": ".join([why, *map(reprlib.repr, what)]))


def _number(value: Any) -> Any:
    """A number of a certificate: a whole number or text such as "-1/3". No float, no bool."""
    if type(value) is int and value.bit_length() < 160_000:
        return Q(value)
    _need(type(value) is str and _EXACT.fullmatch(value), "not an exact number", value)
    p, _, q = value.partition("/")
    return Q(int(p, 0), int(q or "1", 0))


def _index(value: Any, count: int) -> int:
    """The number of a gate or a column; JSON writes it as text where it is a key."""
    if type(value) is str and _COUNT.fullmatch(value):
        value = int(value)
    _need(type(value) is int and 0 <= value < count, "no such gate or column", value)
    return int(value)


def _list(value: Any, length: int | None = None) -> list[Any]:
    _need(type(value) is list, "not a list", value)
    _need(length is None or len(value) == length, "a list of another length", length)
    return list(value)


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
                del total[column]


# --- rows and gates ----------------------------------------------------------------------------------


class Program:
    """Rows over inputs and gates, made in one pass: a row reads only gates that were there before it.

    Args:
        box: ``(low, high)`` of every input and of the constant.
        deadline: when to give up, as ``time.monotonic`` counts.

    Attributes:
        gates: gate k is relu of ``gates[k]``.
        signs: 1 for the gates whose row the domain has at least 0.
    """

    def __init__(self, box: list[tuple[Any, Any]], deadline: float = math.inf) -> None:
        self.box, self.n, self._deadline = box, len(box) - 1, deadline
        self.gates: list[Row] = []
        self.signs: dict[int, int] = {}
        self.lemmas: dict[int, tuple[Any, Any]] = {}  # gate -> a row and a tree, as given
        self._equal: dict[int, Row] = {}  # gate -> the row that was shown to be the same
        self._gates: dict[Any, int] = {}
        self.work = self.nodes = 0

    def spend(self, length: int, factor: Any = 1) -> None:
        """Count what a step costs: no certificate keeps the checker busy for ever."""
        self.work += length * (1 + (factor.numerator.bit_length() // 256) ** 2)
        _need(self.work <= MAX_WORK, "too much work")
        _need(self._deadline == math.inf or time.monotonic() < self._deadline, "out of time")

    def plain_sign(self, row: Row) -> int:
        """The sign that a row shows at the corners of the box, gates being at least 0; or 0."""
        for sign in (1, -1):
            least = Q(0)
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

    def relu(self, row: Row, sign: int = 0) -> Row:
        """``max(row, 0)`` as a row; ``sign`` is 1 or -1 if the row is known to be >= 0 or <= 0, else 0."""
        self.spend(len(row))
        sign = sign or self.plain_sign(row)
        if not sign:
            key = self._key(row)
            if key not in self._gates:
                self._new(row)
            k = self._gates[key]
            factor = row[min(row)] / self.gates[k][min(row)]  # row = factor * row k
            gate = _sum((abs(factor), self._equal.get(k, {self.n + 1 + k: Q(1)})))
            sign = self.signs.get(k, 0) * (1 if factor > 0 else -1)
            if not sign:
                return gate if factor > 0 else _sum((1, row), (1, gate))
        return row if sign > 0 else {}

    def given(self, row: Row) -> None:
        """The domain has ``row >= 0``: a gate of known sign."""
        if self.plain_sign(row) <= 0:
            self.signs[self._new(row)] = 1

    def _new(self, row: Row) -> int:
        self._gates[self._key(row)] = k = len(self.gates)
        _need(k < MAX_GATES, "too many gates")
        self.gates.append(row)
        if k in self.lemmas:
            given, tree = self.lemmas[k]
            _need(type(given) is dict, "a lemma's row is a JSON object")
            other = {_index(c, self.n + 1 + k): _number(v) for c, v in given.items()}
            _need(len(other) == len(given) and all(other.values()), "not a row")
            difference = _sum((1, {self.n + 1 + k: Q(1)}), (-1, other))
            prove_rows(self, [Claim(_sum((s, difference)), Q(0), None) for s in (1, -1)], tree)
            self._equal[k] = other
        return k

    def _key(self, row: Row) -> Any:
        """The same for all multiples of a row: the row divided by its first coefficient."""
        columns = sorted(row)
        ratios = [row[c] / row[columns[0]] for c in columns]
        return tuple(
            (c, int(v.numerator), int(v.denominator)) for c, v in zip(columns, ratios, strict=True)
        )

    def maximum(self, rows: list[Row]) -> Row:
        """``max(a, b) = b + relu(a - b)``: pairs of rows, in an order of their own, then pairs of those."""
        _need(rows, "a maximum of nothing")
        rows = sorted(rows, key=lambda row: sorted(row.items()))
        rows = [row for row, last in zip(rows, [None, *rows], strict=False) if row != last]
        while len(rows) > 1:
            pairs = list(zip(rows[::2], rows[1::2], strict=False))
            odd = rows[2 * len(pairs) :]
            rows = [_sum((1, b), (1, self.relu(_sum((1, a), (-1, b))))) for a, b in pairs] + odd
        return rows[0]

    def values(self, point: list[Any]) -> list[Any]:
        """The value of every column at a point: the inputs and the constant as given, then the gates."""
        values = list(point)
        for row in self.gates:
            values.append(max(Q(0), sum((c * values[i] for i, c in row.items()), Q(0))))
        return values


# --- cells and the tree ------------------------------------------------------------------------------


@dataclass
class Claim:
    """``row <= limit * size`` everywhere in the domain; ``size`` is a row, None for the number 1."""

    row: Row
    limit: Any
    size: Row | None


@dataclass
class Cell:
    """A part of the domain.

    Attributes:
        box: ``(low, high)`` of every input and of the constant.
        signs: gates whose row is at least 0 (1) or at most 0 (-1) everywhere in the cell.
        bounds: ``(low, high)`` of gates' rows.
        base: a cell around this one where bounds that are missing are computed; None for this one.
        before: the cell before the last ``anew``, whose bounds are good here too.
    """

    program: Program
    box: list[tuple[Any, Any]]
    signs: dict[int, int]
    bounds: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    base: Cell | None = None
    before: Cell | None = None

    def least(self, row: Row, numbers: dict[int, Any]) -> Any:
        """A number that the row is nowhere in the cell below, whatever the ``numbers`` are."""
        n, gates = self.program.n, self.program.gates
        rest, constant = dict(row), Q(0)
        last = max(row, default=0) - n - 1
        for k in range(max(last, *numbers) if numbers else last, -1, -1):
            c, number = rest.pop(n + 1 + k, 0), numbers.get(k)
            if not c and number is None:
                continue
            sign = self.sign(k)
            if sign:  # gate k is its row or 0; minus a multiple of sign * row >= 0
                _need(number is None or number >= 0, "a multiple is negative: gate", k)
                factor = (c if sign > 0 else 0) - sign * (number or 0)
            else:  # relu(z) >= a z; relu(z) <= a z + what it is above a z at one of the ends
                low, high = self.bound(k)
                if number is None:
                    number = _chord(low, high) if c < 0 else Q(high > -low)
                _need(0 <= number <= 1, "a slope is not in [0, 1]: gate", k)
                factor = c * number
                if c < 0:
                    constant += c * max((1 - number) * high, -number * low)
            if factor:
                self.program.spend(len(gates[k]), factor)
                for column, value in gates[k].items():
                    rest[column] = rest.get(column, 0) + factor * value
        for i, v in rest.items():
            constant += v * self.box[i][v < 0]
        return constant

    def sign(self, k: int) -> int:
        """The sign of row k as decided, or as its bounds show it; 0 if it is open."""
        known = self.signs.get(k)
        if known:
            return known
        low, high = self.bound(k)
        return 1 if low >= 0 else -1 if high <= 0 else 0

    def bound(self, k: int) -> tuple[Any, Any]:
        """Numbers between which row k lies."""
        if k in self.bounds:
            return self.bounds[k]
        if self.base is not None:
            return self.base.bound(k)
        todo = [k]
        while todo:  # the gates that row k rests on come first
            j = todo[-1]
            row = self.program.gates[j]
            below = [c - self.program.n - 1 for c in row if c > self.program.n]
            missing = [i for i in below if i not in self.bounds and self.signs.get(i) != -1]
            todo += missing
            if not missing:
                todo.pop()
                if j not in self.bounds:
                    ends = self.before.bound(j) if self.before else None
                    if ends is None or ends[0] < 0 < ends[1]:
                        if below:
                            new = self.least(row, {}), -self.least(_sum((-1, row)), {})
                        else:
                            new = _ends(row, self.box)
                        ends = (max(ends[0], new[0]), min(ends[1], new[1])) if ends else new
                    self.bounds[j] = ends
        return self.bounds[k]

    def part(self, **changes: Any) -> Cell:
        """A cell inside this one."""
        self.program.spend(len(self.signs) + len(self.box))
        changes = {"base": self.base or self, "signs": dict(self.signs), **changes}
        return replace(self, **changes)


def _ends(row: Row, box: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The least and the largest value of a row of inputs on a box."""
    least = most = Q(0)
    for i, v in row.items():
        low, high = box[i] if v > 0 else box[i][::-1]
        least, most = least + v * low, most + v * high
    return least, most


def _chord(low: Any, high: Any) -> Any:
    """The slope between the ends of relu on [low, high], low < 0 < high, down to a multiple of 2**-30."""
    slope = high / (high - low)
    return Q(int(slope.numerator * 2**30 // slope.denominator), 2**30)


def prove_rows(program: Program, claims: list[Claim], tree: Any) -> None:
    """Every leaf of the tree shows the claims in its cell.

    Raises:
        Rejected: one does not.
    """
    n_gates, n_columns = len(program.gates), program.n + 1

    def numbers(given: Any) -> dict[int, Any]:
        _need(type(given) is dict, "multiples and slopes are a JSON object")
        read = {_index(k, n_gates): _number(v) for k, v in given.items()}
        _need(len(read) == len(given), "a gate stands twice")
        return read

    root = Cell(program, program.box, dict(program.signs))
    todo: list[tuple[Any, Cell, list[Claim], int]] = [(tree, root, claims, 1)]
    while todo:
        node, cell, claims, depth = todo.pop()
        program.nodes += 1
        _need(program.nodes <= MAX_NODES, "too many nodes")
        _need(depth <= MAX_DEPTH, "too deep a tree")
        match _list(node):
            case ["split", k, on, off]:  # row k >= 0, row k <= 0: nothing is left out
                k = _index(k, n_gates)
                for sign, child in ((1, on), (-1, off)):
                    todo.append(
                        (child, cell.part(signs={**cell.signs, k: sign}), claims, depth + 1)
                    )
            case ["cut", i, c, below, above]:  # column i <= c, column i >= c
                i, c = _index(i, n_columns), _number(c)
                low, high = cell.box[i]
                _need(low <= c <= high, "a cut outside the cell")
                for ends, child in (((low, c), below), ((c, high), above)):
                    box = [*cell.box[:i], ends, *cell.box[i + 1 :]]
                    todo.append((child, cell.part(box=box), claims, depth + 1))
            case ["fix", steps, child]:  # gates whose sign is shown
                cell = cell.part()
                for k, sign, given in (_list(step, 3) for step in _list(steps)):
                    k = _index(k, n_gates)
                    _need(type(sign) is int and sign in (1, -1), "a sign is 1 or -1")
                    least = cell.least(_sum((sign, program.gates[k])), numbers(given))
                    _need(least >= 0, "a sign is not shown: gate", k)
                    cell.signs[k] = sign
                todo.append((child, cell, claims, depth + 1))
            case ["anew", child]:  # from here on, bounds are computed in this cell
                todo.append(
                    (child, cell.part(bounds={}, base=None, before=cell), claims, depth + 1)
                )
            case ["each", *children]:  # a tree for each claim
                for claim, child in zip(claims, children, strict=True):
                    todo.append((child, cell, [claim], depth + 1))
            case ["empty", given]:  # 0 is above 0: there is no input here
                _need(cell.least({}, numbers(given)) > 0, "a cell is not shown to be empty")
            case ["leaf", *given]:
                _need(len(given) <= len(claims), "more multiples than claims")
                given += [{}] * (len(claims) - len(given))
                for claim, multiples in zip(claims, given, strict=True):
                    room = _sum((-1, claim.row), (claim.limit, claim.size or {}))
                    least = cell.least(room, numbers(multiples))
                    least += claim.limit if claim.size is None else 0
                    _need(least >= 0, "a claim is not shown in a cell")
            case _:
                raise Rejected(f"not a node of a tree: {reprlib.repr(node)}")


# --- what is claimed ---------------------------------------------------------------------------------


@dataclass
class Problem:
    """Claims over a program; ``homogenised`` if column n is a scale; the claims in words."""

    program: Program
    claims: list[Claim]
    homogenised: bool
    words: str


def pose(
    certificate: dict[str, Any],
    network: Any,
    target: Any,
    deadline: float = math.inf,
) -> Problem:
    """What the certificate claims of the network and the target; its tree is not looked at.

    Raises:
        Rejected: there is no such claim; other exceptions where something is malformed.
    """
    _need(type(certificate) is dict, "a certificate is a JSON object")
    extra = sorted(
        set(certificate) - {"tolerance", "measure", "domain", "margins", "lemmas", "tree"}
    )
    _need(not extra, "not part of a certificate", ", ".join(extra))
    missing = sorted({"tolerance", "measure", "domain"} - set(certificate))
    _need(not missing, "missing in the certificate", ", ".join(missing))
    tolerance, measure = _number(certificate["tolerance"]), certificate["measure"]
    _need(tolerance >= 0, "the tolerance is negative")
    _need(measure in ("relative", "absolute"), "the measure is neither relative nor absolute")
    n = len(_as_dict(network)["weights"][0][0])
    _need(n, "a network without inputs")
    box, constraints, where = _domain(certificate["domain"], n)
    homogenised, one = constraints is not None, {n: Q(1)}
    columns = [*box, (Q(0) if homogenised else Q(1), Q(1))]
    program = Program(columns, deadline)
    lemmas = [_list(lemma, 3) for lemma in _list(certificate.get("lemmas", []))]
    program.lemmas = {_index(k, MAX_GATES): (row, tree) for k, row, tree in lemmas}
    for row in constraints or []:
        program.given(row)
    outputs = read_network(program, network)
    other = isinstance(target, dict) or hasattr(target, "weights")
    spelled = "the other network" if other else _spelled(target)
    stated = (
        [("", row) for row in read_network(program, target)]
        if other
        else read_target(program, target, outputs)
    )
    relation = bool(stated) and all(r for r, _ in stated)
    _need(relation or len(stated) == len(outputs) > 0, "a target of other outputs")
    _need(relation or not any(r for r, _ in stated), "a relation beside an expression")
    margins = [_number(m) for m in _list(certificate.get("margins", []))]
    strict = [r for r, _ in stated if r == ">"] if not tolerance else []
    _need(len(margins) == len(strict), "a margin for each strict relation, and no other")
    _need(all(m > 0 for m in margins), "the margin of a strict relation is above 0")
    size = one if measure == "absolute" else None
    if measure == "relative" and not homogenised:  # max(1, |x_i|), where that can be above 1
        large = [{i: Q(s)} for i in range(n) for s in (1, -1) if s * box[i][s > 0] > 1]
        size = program.maximum([one, *large]) if large else None
    claims = []
    for i, (r, row) in enumerate(stated):
        if not relation:
            difference = _sum((1, outputs[i]), (-1, row))
            claims += [Claim(_sum((s, difference)), tolerance, size) for s in (1, -1)]
        elif r == ">" and not tolerance:
            claims.append(Claim(_sum((-1, row)), -margins.pop(0), one))
        else:
            claims.append(Claim(_sum((-1, row)), tolerance, size))
    error = f"by at most {_text(tolerance)}"
    if tolerance and measure == "relative":
        error += ", relative to the size of the input beyond 1,"
    if relation:
        words = f"{spelled}{' is violated ' + error if tolerance else ''} {where}"
    else:
        words = f"this network {'differs from' if tolerance else 'equals'} {spelled} "
        words += f"{error} {where}" if tolerance else where
    return Problem(program, claims, homogenised, words)


def _domain(domain: Any, n: int) -> tuple[list[tuple[Any, Any]], list[Row] | None, str]:
    """The ends of each input's column; rows >= 0 where inputs are scaled, else None; and the words."""
    one, zero = Q(1), Q(0)
    if domain is None:
        return [(-one, one)] * n, [], "for every input"
    _need(type(domain) is dict, "a domain is null, a box or a polytope")
    if set(domain) == {"box"}:
        ends: list[Any] = [
            [None if v is None else _number(v) for v in _list(pair, 2)]
            for pair in _list(domain["box"], n)
        ]
        _need(all(None in p or p[0] <= p[1] for p in ends), "an interval of the box is empty")
        words = (
            f"{'(-inf' if low is None else '[' + _text(low)}, {'inf)' if high is None else _text(high) + ']'}"
            for low, high in ends
        )
        where = f"for every input in {' × '.join(words)}"
        if not any(None in p for p in ends):
            return [(low, high) for low, high in ends], None, where
        rows = []
        for i, (low, high) in enumerate(ends):
            rows += [] if low is None else [_sum((1, {i: one}), (-low, {n: one}))]
            rows += [] if high is None else [_sum((-1, {i: one}), (high, {n: one}))]
        sides = [
            (-one if low is None or low < 0 else zero, one if high is None or high > 0 else zero)
            for low, high in ends
        ]
        return sides, rows, where
    _need(set(domain) == {"A", "b", "point"}, "a domain is null, a box or a polytope")
    point = [_number(v) for v in _list(domain["point"], n)]
    rows = []
    for line, end in zip(_list(domain["A"]), _list(domain["b"]), strict=True):
        line, end = [_number(v) for v in _list(line, n)], _number(end)
        # An empty domain would make everything true; a point of it is part of the certificate.
        product = sum((a * x for a, x in zip(line, point, strict=True)), zero)
        _need(product <= end, "the point is outside the polytope")
        rows.append(_sum((end, {n: one}), *((-a, {i: one}) for i, a in enumerate(line))))
    return [(-one, one)] * n, rows, "for every input in the polytope A x <= b"


def _spelled(target: Any) -> str:
    """The target as it is read."""
    if isinstance(target, list | tuple):
        return f"({', '.join(map(_spelled, target))})"
    text = getattr(target, "text", None)
    text = text if type(text) is str else str(target)
    return NAMES.get(text.strip(), text)


def _text(value: Any) -> str:
    """A number for a sentence."""
    p, q = int(value.numerator), int(value.denominator)
    if max(abs(p), q) < 10**9:
        return str(value)
    try:
        return f"about {p / q:.6g}"
    except OverflowError:
        return f"about {'-' if p < 0 else ''}2**{abs(p).bit_length() - q.bit_length()}"


# --- networks and targets as rows --------------------------------------------------------------------


def read_network(program: Program, network: Any) -> list[Row]:
    """The outputs of a Network, or of what its ``to_dict`` gives."""
    data = _as_dict(network)
    _need(not set(data) - {"weights", "biases", "scale"}, "not a network", data)
    weights = _list(data["weights"])
    biases = data.get("biases") or [None] * len(weights)
    _need(weights and len(biases) == len(weights), "not a chain of layers")
    rows: list[Row] = [{i: Q(1)} for i in range(program.n)]
    signs = [0] * program.n
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        before = list(map(program.relu, rows, signs)) if layer else rows
        rows, signs = [], []
        for line, bias in zip(w, [0.0] * len(w) if b is None else b, strict=True):
            row: Row = {}
            for weight, r in zip((bias, *line), ({program.n: Q(1)}, *before), strict=True):
                _need(type(weight) in (int, float), "not a weight", weight)
                if weight:
                    factor = Q(*weight.as_integer_ratio())  # fails for infinity and nan
                    program.spend(len(r), factor)
                    _add(row, factor, r)
            rows.append(row)
            # The constant and activations are at least 0: where all weights have one sign, so has the row,
            # though it may not be plain to see in other gates, such as relu(-r) = relu(r) - r.
            up, down = min(bias, *line) >= 0, max(bias, *line) <= 0
            signs.append(1 if layer and up else -1 if layer and down else 0)
    scale = data.get("scale", 1)
    scales = scale if type(scale) is list else [scale] * len(rows)
    return [_sum((_number(s), row)) for s, row in zip(scales, rows, strict=True)]


def read_target(program: Program, target: Any, outputs: list[Row]) -> list[tuple[str, Row]]:
    """Text, a Target, SymPy or a list as rows: ``("", row)`` for each output of a function.

    ``(">=", row)`` or ``(">", row)`` for each part of a relation, to be compared with 0; there
    ``y1, y2, ...`` are ``outputs``.
    """
    if isinstance(target, str):
        text = NAMES.get(target.strip(), target.strip())
        _need(len(text) <= 20_000, "a target's text is too long")
        _need(text.isascii() and text.isprintable(), "a target's text has other characters")
        return _parts(program, ast.parse(text, mode="eval").body, text, outputs)
    _need(getattr(target, "n_inputs", program.n) == program.n, "a target of other inputs")
    if type(getattr(target, "text", None)) is str:
        return read_target(program, target.text, outputs)
    target = getattr(target, "outputs", target)
    if isinstance(target, list | tuple):
        return [part for one in target for part in read_target(program, one, outputs)]
    return _parts(program, target, "", outputs)


def _parts(program: Program, e: Any, text: str, outputs: list[Row]) -> list[tuple[str, Row]]:
    name, arguments = _operation(e, text)
    if name in ("and", "tuple"):
        parts = [part for a in arguments for part in _parts(program, a, text, outputs)]
        _need(name == "tuple" or all(r for r, _ in parts), "'and' stands between relations")
        return parts
    if name not in ("<", "<=", ">", ">=", "=="):
        return [("", _row(program, e, text, []))]
    left, right = (_row(program, a, text, outputs) for a in arguments)
    up, down = _sum((1, left), (-1, right)), _sum((1, right), (-1, left))
    return {
        "<": [(">", down)], "<=": [(">=", down)], ">": [(">", up)], ">=": [(">=", up)],
        "==": [(">=", up), (">=", down)],
    }[name]  # fmt: skip


def _row(program: Program, e: Any, text: str, outputs: list[Row]) -> Row:
    name, arguments = _operation(e, text)
    if name == "a number":
        return _sum((arguments[0], {program.n: Q(1)}))
    if name == "a variable":
        letter, index = arguments
        rows = outputs if letter == "y" else [{i: Q(1)} for i in range(program.n)]
        _need(index or len(rows) == 1, "not one number", letter)
        _need(int(index or 1) <= len(rows), "no such variable", letter, index)
        return rows[int(index or 1) - 1]
    rows = [_row(program, a, text, outputs) for a in arguments]
    negative = [_sum((-1, row)) for row in rows]
    match name, len(rows):
        case "+", _:
            return _sum(*((1, row) for row in rows))
        case "-", _:
            return _sum(*((1, row) for row in rows[:-1]), (-1, rows[-1]))
        case "*" | "/", _:
            product = {program.n: Q(1)}
            for i, row in enumerate(rows):
                if name == "/" and i:
                    _need(set(row) == {program.n}, "a division by a variable or 0")
                    row = {program.n: 1 / row[program.n]}
                factor, other = (row, product) if set(row) <= {program.n} else (product, row)
                _need(set(factor) <= {program.n}, "a product of two variables")
                product = _sum((factor.get(program.n, 0), other))
                program.spend(len(other), factor.get(program.n, Q(0)))
            return product
        case "abs", 1:
            return _sum((1, program.relu(rows[0])), (1, program.relu(negative[0])))
        case "relu", 1:
            return program.relu(rows[0])
        case "max", _:
            return program.maximum(rows)
        case "min", _:
            return _sum((-1, program.maximum(negative)))
        case "clamp", 3:
            above = program.maximum(rows[:2])
            return _sum((-1, program.maximum([_sum((-1, above)), negative[2]])))
    raise Rejected(f"not piecewise linear: {name:.60}")


#: functions of the book by their names
NAMES = {
    "identity": "x", "negation": "-x", "abs": "abs(x)", "add": "x1 + x2", "subtract": "x1 - x2",
    "min": "min(x1, x2)", "max": "max(x1, x2)", "min4": "min(x1, x2, x3, x4)",
}  # fmt: skip

#: what operations are called in Python's syntax trees and in SymPy's
_OPERATIONS = {
    "Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "UAdd": "+", "USub": "-", "And": "and",
    "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "Mul": "*", "Tuple": "tuple",
    "StrictLessThan": "<", "LessThan": "<=", "StrictGreaterThan": ">", "GreaterThan": ">=",
    "Equality": "==", "Abs": "abs", "Min": "min", "Max": "max",
}  # fmt: skip


def _operation(e: Any, text: str) -> tuple[str, Any]:
    """What a node of Python's or SymPy's syntax tree does, and to what. Nothing is evaluated."""
    match e:
        case ast.BinOp():
            return _named(e.op), [e.left, e.right]
        case ast.UnaryOp():
            return _named(e.op), [e.operand]
        case ast.BoolOp():
            return _named(e.op), e.values
        case ast.Tuple():
            return "tuple", e.elts
        case ast.Compare(ops=[op]):
            return _named(op), [e.left, e.comparators[0]]
        case ast.Compare():
            sides = [e.left, *e.comparators]
            pairs = zip(sides, e.ops, sides[1:], strict=False)
            return "and", [ast.Compare(a, [op], [b]) for a, op, b in pairs]
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            name = _OPERATIONS.get(name, name)
            _need(name in ("abs", "min", "max", "relu", "clamp"), "not piecewise linear", name)
            return name, e.args
        case ast.Constant(value=int() | float() as value):
            return "a number", [_literal(text[e.col_offset : e.end_col_offset], value)]
        case ast.Name(id=name):
            return "a variable", _variable(name)
    _need(type(e).__module__.startswith("sympy."), "not a target", type(e).__name__)
    if e.is_Symbol:
        return "a variable", _variable(e.name)
    if e.is_Rational:
        return "a number", [Q(int(e.p), int(e.q))]
    if e.is_Float:
        sign, digits, exponent, _ = e._mpf_
        _need(digits and abs(exponent) < 10_000, "not a number")
        return "a number", [(-1) ** sign * Q(int(digits)) * Q(2) ** int(exponent)]
    return _named(e), list(e.args)


def _named(operation: Any) -> str:
    name = type(operation).__name__
    _need(name in _OPERATIONS, "not piecewise linear", name)
    return _OPERATIONS[name]


def _variable(name: str) -> tuple[str, str | None]:
    found = re.fullmatch(r"([xy])([1-9]\d{0,3})?", name, re.ASCII)
    _need(found, "unknown variable", name)
    return found[1], found[2]  # type: ignore[index]


def _literal(literal: str, value: int | float) -> Any:
    """The number that is written: 0.1 is one tenth."""
    _need(type(value) is not bool and math.isfinite(value), "not a number", literal)
    _need(len(literal) <= 400, "a number with too many digits")
    if type(value) is int:
        return Q(value)
    digits, _, exponent = literal.replace("_", "").lower().partition("e")
    whole, _, decimals = digits.partition(".")
    _need(value or not int(whole + decimals), "too small a number", literal)
    return (
        Q(int(whole + decimals)) * Q(10) ** (int(exponent or "0") - len(decimals))
        if value
        else Q(0)
    )


def _as_dict(network: Any) -> dict[str, Any]:
    data = network if type(network) is dict else network.to_dict()
    _need(type(data) is dict, "not a network")
    return dict(data)


# --- the answer ----------------------------------------------------------------------------------------


def verify(
    certificate: dict[str, Any], network: Any, target: Any, *, deadline: float = math.inf
) -> str:
    """What the certificate proves of the network and the target, in words.

    Args:
        certificate: ``Proof.certificate``, JSON-safe.
        network: a Network, or what its ``to_dict`` gives.
        target: text, a Target, a SymPy expression, a list of these, one an output; or a network.
        deadline: the ``time.monotonic()`` in seconds at which to give up; infinite for never.

    Raises:
        Rejected: it does not prove what it claims, or not before the deadline; other exceptions
            where something is malformed.

    Example:
        >>> certificate = {"tolerance": 0, "measure": "relative", "domain": None, "tree": ["leaf"]}
        >>> verify(certificate, {"weights": [[[1], [-1]], [[1, -1]]]}, "x")
        'this network equals x for every input'

    Source: Wang et al., "Beta-CROWN" (2021).
    """
    problem = pose(certificate, network, target, deadline)
    _need("tree" in certificate, "missing in the certificate", "tree")
    prove_rows(problem.program, problem.claims, certificate["tree"])
    return problem.words


def check(certificate: dict[str, Any], network: Any, target: Any) -> bool:
    r"""Whether the certificate proves what it claims of this network and this target.

    The certificate states the claim itself: its domain, and for a function or another network as target

    .. math:: |net_j(x) - f_j(x)| \le tolerance \cdot \max(1, \max_i |x_i|)

    for every output j and every input x in the domain (without the maximum where its measure is
    ``"absolute"``); for a relation as target, such as ``"y1 <= y2 and y1 > x1 + 1"``, that it holds there.

    Args:
        certificate: ``Proof.certificate``, JSON-safe.
        network: a Network, or what its ``to_dict`` gives.
        target: text, a Target, a SymPy expression, a list of these, one an output; or a network.

    Returns:
        True only if the claim is true; False also for whatever is malformed. :func:`verify` says why.

    Example:
        >>> identity = {"weights": [[[1], [-1]], [[1, -1]]]}
        >>> certificate = {"tolerance": 0, "measure": "relative", "domain": None, "tree": ["leaf"]}
        >>> check(certificate, identity, "x"), check(certificate, identity, "abs(x)")
        (True, False)

    Source: Wang et al., "Beta-CROWN" (2021), for bounds with multipliers.
    """
    try:
        verify(certificate, network, target)
    except Exception:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Check a file; 0: accepted, 1: rejected, 2: no file that holds a certificate, network and target."""
    try:
        _need(len(arguments) == 1, "expected one file")
        with open(arguments[0], encoding="utf-8") as file:
            data = json.load(file, object_pairs_hook=_once)
        _need(type(data) is dict, "not a JSON object")
        missing = [name for name in ("certificate", "network", "target") if name not in data]
        _need(not missing, "missing in the file", ", ".join(missing))
    except Exception as error:
        print(f"python -m circuitkit.check FILE: {_reason(error)}", file=sys.stderr)
        return 2
    try:
        words = verify(data["certificate"], data["network"], data["target"])
    except Exception as error:
        print(f"rejected: {_reason(error)}")
        return 1
    print(f"accepted: {words}")
    return 0


def _reason(error: Exception) -> str:
    """Why, without the names of Python's errors."""
    match error:
        case Rejected():
            return str(error)
        case json.JSONDecodeError(lineno=line, colno=column):
            return f"not JSON, as line {line}, column {column} shows"
        case OSError(strerror=str(why)):
            return f"the file cannot be read: {why.lower()}"
        case UnicodeError():
            return "not text in UTF-8"
        case RecursionError() | MemoryError():
            return "too large or too deeply nested"
        case SyntaxError():
            return "the target is no expression that the checker reads"
        case KeyError(args=(str(name),)):
            return f"missing: {reprlib.repr(name)}"
        case ZeroDivisionError():
            return "a division by 0"
    return "malformed: something in it has the wrong type, length or size"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _need(len(dict(pairs)) == len(pairs), "a name stands twice in a JSON object")
    return dict(pairs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
