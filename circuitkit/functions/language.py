"""The catalogue of named functions, and the language in which others are spelled.

Text is read by a parser of its own into SymPy expressions; nothing in it is ever evaluated as Python.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from circuitkit.checks import wrong
from circuitkit.functions.named import FUNCTIONS, JUMPS
from circuitkit.functions.typed import plain
from circuitkit.rules import RULES
from circuitkit.words import alternatives, quoted

__all__ = ["CATALOGUE", "Condition", "expression", "parse", "positions", "tree"]

#: The functions with a name: the deck's, the two that complete them, and the minimum of four.
CATALOGUE: dict[str, str] = dict(RULES["functions"])

_MAX_INPUTS = 256
_MAX_TEXT = 20_000
_MAX_DEPTH = 150
_MAX_POWER = 64
#: variables are single letters, some with a number: x, x1, a, y2
_VARIABLE = r"[A-Za-z]\d{0,4}"
_CONSTANTS = {"pi": sympy.pi}
#: the functions that the checker reads, too
_CHECKED = {"abs", "min", "max", "relu", "clamp"}
#: those that do not have a value for every number: what decides, and how that has to be
_PARTIAL = {
    "log": (lambda t: t, "> 0"),
    "sqrt": (lambda t: t, ">= 0"),
    "tan": (sympy.cos, "!= 0"),
}


def positions(used: list[str]) -> list[str]:
    """The inputs in order: positions are read off ``x1, x2, ...``; others come as they are given.

    ``["x3"]`` -> ``["x1", "x2", "x3"]``, ``["b", "a"]`` -> ``["b", "a"]``; of one letter with numbers that do
    not start at 1, or of another one than x, by their numbers: ``["y2", "y1"]`` -> ``["y1", "y2"]``.

    Raises:
        ValueError: x0, x beside x1, x2, ..., or too many inputs.
    """
    for name in used:
        if re.fullmatch(r"x0\d*", name):  # renamed, x1 would be another input than the one written
            raise wrong("target", "the variables x, or x1, x2, ... counted from 1", repr(name))
    if not used:
        return ["x"]
    if all(re.fullmatch(r"x[1-9]\d{0,3}", name) for name in used):
        n = max(int(name[1:]) for name in used)
        if n > _MAX_INPUTS:
            raise wrong("target", f"at most {_MAX_INPUTS} inputs", f"x{n}")
        return [f"x{i + 1}" for i in range(n)]
    if "x" in used and any(re.fullmatch(r"x\d+", name) for name in used):
        raise wrong("target", "the variables x, or x1, x2, ...", "'x' beside x1, x2, ...")
    if len({name[0] for name in used}) == 1 and all(name[1:] for name in used):
        return sorted(used, key=lambda name: int(name[1:]))
    return used


@dataclass(frozen=True)
class Parsed:
    """What a text says.

    Attributes:
        outputs: one expression an output.
        variables: the inputs that it mentions, in order.
        text: the text in the plain grammar that the checker reads, too; None where it goes beyond that.
    """

    outputs: list[sympy.Expr]
    variables: list[sympy.Symbol]
    text: str | None


@dataclass(frozen=True)
class Condition:
    """What has to hold where an expression is to have a value.

    Attributes:
        part: the expression that it is about.
        sign: how ``part`` must be: ``"!= 0"``, ``">= 0"`` or ``"> 0"``.
        written: the text whose value depends on it.
    """

    part: sympy.Expr
    sign: str
    written: str


@dataclass(frozen=True)
class _Scope:
    """How names are read (``letters`` of variables) and where what may be undefined is noted, if it is read."""

    letters: str = ""
    conditions: list[Condition] | None = None


def parse(text: str, *, conditions: list[Condition] | None = None) -> Parsed:
    """Read ``text``.

    The grammar is Python's, after :func:`~circuitkit.functions.typed.plain`, but nothing is evaluated. A variable
    that cancels is still an input: ``x1 + 0*x2`` is a function of two numbers.

    What may have no value somewhere, such as ``1/x`` and ``x**0.5``, is refused, unless there is a list to which
    the conditions are added under which it has one: SymPy makes 1 of ``x/x``, also where x is 0.
    """
    text = checked(text)
    read = tree(text)
    parts = read.elts if isinstance(read, (ast.Tuple, ast.List)) else [read]
    if not parts:
        raise _unreadable(text, "no expression in it")
    outputs: list[sympy.Expr] = []
    for part in parts:
        one = _read(part, text, 0, _Scope(conditions=conditions))
        outputs += one if isinstance(one, list) else [one]
    named = {id(n.func): n.func for n in ast.walk(read) if isinstance(n, ast.Call)}
    called = {f.id.lower() for f in named.values() if isinstance(f, ast.Name)}
    mentioned = [n for n in ast.walk(read) if isinstance(n, ast.Name) and id(n) not in named]
    mentioned.sort(key=lambda n: (n.lineno, n.col_offset))  # in the order in which they stand
    used = list(dict.fromkeys(n.id for n in mentioned))
    names = positions([name for name in used if name not in _CONSTANTS])
    simple = called <= _CHECKED and all(re.fullmatch(r"x([1-9]\d*)?", name) for name in used)
    keep = simple and not isinstance(read, ast.List)
    return Parsed(outputs, [sympy.Symbol(name) for name in names], text if keep else None)


def checked(text: str) -> str:
    """The text in the plain grammar, if it is not empty or too long.

    Raises:
        ValueError: it is, or it has a bar without its partner.
    """
    if not text:
        raise wrong("target", "a name or an expression", "an empty string")
    if len(text) > _MAX_TEXT:
        raise wrong("target", f"at most {_MAX_TEXT} characters", len(text))
    try:
        return plain(text)
    except ValueError as error:
        raise _unreadable(text, error) from None


def tree(text: str) -> ast.expr:
    """The syntax tree of ``text`` in the plain grammar; nothing of it is evaluated."""
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _unreadable(text, _reason(error)) from None


def expression(node: ast.expr, text: str, *, letters: str = "") -> sympy.Expr:
    """A part of the tree of ``text`` as a SymPy expression, whose variables begin with the letters."""
    return _expression(node, text, 0, _Scope(letters))


def _unreadable(text: str, why: object) -> ValueError:
    return ValueError(f"target: cannot read {quoted(text)}: {why}")


def _reason(error: BaseException) -> str:
    return str(error.msg) if isinstance(error, SyntaxError) else "too deeply nested"


def _expression(node: ast.expr, text: str, depth: int, scope: _Scope) -> sympy.Expr:
    read = _read(node, text, depth, scope)
    if isinstance(read, list):
        piece = ast.get_source_segment(text, node) or "it"
        raise _unreadable(text, f"{quoted(piece)} is {len(read)} numbers; it can only stand alone")
    return read


def _read(node: ast.expr, text: str, depth: int, scope: _Scope) -> sympy.Expr | list[sympy.Expr]:
    """One expression; several for what gives several numbers."""
    if depth > _MAX_DEPTH:
        raise _unreadable(text, f"nested deeper than {_MAX_DEPTH}")
    if isinstance(node, ast.Constant):
        return _number(node, text)
    if isinstance(node, ast.Name):
        return _symbol(node.id, text, scope.letters)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        value = _expression(node.operand, text, depth + 1, scope)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left = _expression(node.left, text, depth + 1, scope)
        right = _expression(node.right, text, depth + 1, scope)
        return _binary(node, left, right, text, scope)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        arguments: list[Any] = [
            [_expression(v, text, depth + 2, scope) for v in a.elts]
            if isinstance(a, ast.Tuple)
            else _expression(a, text, depth + 1, scope)
            for a in node.args
        ]
        if (
            scope.conditions is not None
            and node.func.id.lower() in _PARTIAL
            and len(arguments) == 1
        ):
            written = ast.get_source_segment(text, node) or node.func.id
            of, sign = _PARTIAL[node.func.id.lower()]
            scope.conditions.append(Condition(of(arguments[0]), sign, written))
        return _function(node.func.id, arguments, text)
    piece = ast.get_source_segment(text, node) or type(node).__name__
    kinds = "a number, a variable, an operation (+ - * / **) or a known function"
    raise _unreadable(text, f"{quoted(piece)} is not {kinds}")


def _number(node: ast.Constant, text: str) -> sympy.Expr:
    literal = ast.get_source_segment(text, node) or repr(node.value)
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _unreadable(text, f"{quoted(literal)} is not a number")
    too_large = isinstance(value, float) and not np.isfinite(value)
    too_small = value == 0 and re.search(r"[1-9]", re.split("[eE]", literal)[0]) is not None
    if too_large or too_small or len(literal) > 400:
        raise _unreadable(text, f"{quoted(literal)} is outside the range of a double")
    # From the text, not from the double: 0.1 means one tenth.
    return (
        sympy.Integer(value) if isinstance(value, int) else sympy.Rational(literal.replace("_", ""))
    )


def _symbol(name: str, text: str, letters: str) -> sympy.Expr:
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if re.fullmatch(rf"[{letters}]([1-9]\d{{0,3}})?" if letters else _VARIABLE, name):
        return sympy.Symbol(name, real=True)
    where = "" if name == text else f" in {quoted(text)}"
    if name.lower() in FUNCTIONS:
        raise ValueError(
            f"target: {name!r} is a function{where.replace(' in', ', in')}; "
            f"write what it is of, such as {FUNCTIONS[name.lower()].example}"
        )
    if name in CATALOGUE and name != text:
        raise ValueError(
            f"target: {name!r} names a whole function{where.replace(' in', ', in')}; "
            f"write it out: {CATALOGUE[name]}"
        )
    raise ValueError(
        f"target: unknown name {quoted(name)}{where}; "
        + _hint(name, {**CATALOGUE, **FUNCTIONS}, "known names", CATALOGUE)
    )


def _hint(name: str, near: Iterable[str], what: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.lower(), near, n=3)
    if close:
        return f"did you mean {alternatives(close)}?"
    variables = "; variables are single letters, or x1, x2, ..." if what == "known names" else ""
    return f"{what}: {', '.join(known)}{variables}"


def _binary(
    node: ast.BinOp, left: sympy.Expr, right: sympy.Expr, text: str, scope: _Scope
) -> sympy.Expr:
    op = node.op
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    if isinstance(op, ast.Mult):
        return left * right
    if isinstance(op, ast.Div):
        if right.is_zero:
            raise _unreadable(text, "division by zero")
        if right.is_zero is not False:  # before x/x is 1, and not at 0
            if scope.conditions is not None:
                written = ast.get_source_segment(text, node) or text
                scope.conditions.append(Condition(right, "!= 0", written))
                return left / right
            below = ast.get_source_segment(text, node.right) or "it"
            raise _unreadable(text, f"division by {quoted(below)}, which may be 0")
        return left / right
    if isinstance(op, ast.Pow):
        # Small powers of variables only: 9**9**9 would never come back.
        if left.free_symbols and right.is_Integer and 0 <= right <= 16:
            return left**right
        if scope.conditions is not None:
            return _power(node, left, right, text, scope.conditions)
        raise _unreadable(text, "** takes a variable part and a whole power 0 to 16")
    raise _unreadable(text, "expected the operations + - * / **")


def _power(
    node: ast.BinOp, base: sympy.Expr, exponent: sympy.Expr, text: str, conditions: list[Condition]
) -> sympy.Expr:
    """Any power that stays small where its base and exponent are numbers."""
    sizes = [abs(int(part)) for v in (base, exponent) if v.is_Rational for part in (v.p, v.q)]
    if exponent.is_Rational and max(abs(exponent.p), exponent.q) > _MAX_POWER:
        raise _unreadable(text, f"a power beyond {_MAX_POWER}")
    if base.is_zero or max(sizes, default=0) >= 2**64:
        raise _unreadable(text, "a power of 0, or of a number of more than 19 digits")
    if exponent.is_Integer:
        sign = "!= 0" if exponent < 0 else ""
    else:
        sign = ">= 0" if exponent.is_Rational and exponent > 0 else "> 0"
    if sign and not base.is_positive:
        conditions.append(Condition(base, sign, ast.get_source_segment(text, node) or text))
    return base**exponent


def _function(name: str, arguments: list[Any], text: str) -> sympy.Expr | list[sympy.Expr]:
    lower = name.lower()
    if lower in JUMPS:
        raise ValueError(
            f"target: {name} in {quoted(text)} jumps, and a network is continuous; a steep ramp comes near "
            f"it, such as {JUMPS[lower]}"
        )
    if lower not in FUNCTIONS:
        hint = _hint(name, FUNCTIONS, "known functions", FUNCTIONS)
        raise ValueError(f"target: unknown function {quoted(name)} in {quoted(text)}; {hint}")
    function = FUNCTIONS[lower]
    fewest, most = function.fewest, function.most
    if len(arguments) < fewest or (most is not None and len(arguments) > most):
        expected = {fewest: f"{fewest}", None: f"at least {fewest}"}.get(
            most, f"{fewest} to {most}"
        )
        plural = "" if fewest == 1 else "s"
        raise _unreadable(text, f"{name} takes {expected} argument{plural}, got {len(arguments)}")
    if lower != "interpolate" and any(isinstance(a, list) for a in arguments):
        raise _unreadable(text, f"{name} takes numbers, got a list")
    try:
        made: sympy.Expr | list[sympy.Expr] = function.make(*arguments)
    except ValueError as error:
        raise _unreadable(text, error) from None
    return made
