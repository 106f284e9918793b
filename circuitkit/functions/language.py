"""The catalogue of named functions, and the language in which others are spelled.

Text is read by a parser of its own into SymPy expressions; nothing in it is ever evaluated as Python.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from circuitkit.rules import RULES
from circuitkit.words import alternatives, quoted

__all__ = ["CATALOGUE", "expression", "parse", "positions", "tree"]

#: The functions with a name: the deck's, the two that complete them, and the minimum of four.
CATALOGUE: dict[str, str] = dict(RULES["functions"])

_MAX_INPUTS = 256
_MAX_TEXT = 20_000
_MAX_DEPTH = 150
#: min and max of more arguments are left as they are written
_SIMPLIFIED = 8


def positions(used: list[str]) -> list[str]:
    """All input names up to the highest one used: ``["x3"]`` -> ``["x1", "x2", "x3"]``."""
    if not used:
        return ["x"]
    if used == ["x"]:
        return used
    bad = [u for u in used if not re.fullmatch(r"x[1-9]\d{0,3}", u)]
    if bad:
        raise ValueError(
            f"target: expected the variables x, or x1, x2, ..., got {bad[0]!r}"
            + (" beside x1, x2, ..." if bad == ["x"] else "")
        )
    n = max(int(u[1:]) for u in used)
    if n > _MAX_INPUTS:
        raise ValueError(f"target: expected at most {_MAX_INPUTS} inputs, got x{n}")
    return [f"x{i + 1}" for i in range(n)]


def _extremum(function: Any) -> Callable[..., sympy.Expr]:
    """min or max; of many arguments without SymPy's simplification, which takes minutes for 256."""

    def apply(*arguments: sympy.Expr) -> sympy.Expr:
        if len(arguments) <= _SIMPLIFIED:
            return function(*arguments)
        flat = [a for e in arguments for a in (e.args if isinstance(e, function) else (e,))]
        number = function(*(a for a in flat if a.is_Rational))
        rest = [a for a in flat if not a.is_Rational]
        return function(*rest, *([number] if number.is_Rational else []), evaluate=False)

    return apply


def _relu(t: sympy.Expr) -> sympy.Expr:
    return sympy.Max(t, 0)


def _clamp(t: sympy.Expr, low: sympy.Expr, high: sympy.Expr) -> sympy.Expr:
    return sympy.Min(sympy.Max(t, low), high)


#: name -> (function, fewest arguments, most arguments)
_FUNCTIONS: dict[str, tuple[Callable[..., sympy.Expr], int, int | None]] = {
    "abs": (sympy.Abs, 1, 1),
    "min": (_extremum(sympy.Min), 1, None),
    "max": (_extremum(sympy.Max), 1, None),
    "relu": (_relu, 1, 1),
    "clamp": (_clamp, 3, 3),
    "sin": (sympy.sin, 1, 1),
    "cos": (sympy.cos, 1, 1),
    "tanh": (sympy.tanh, 1, 1),
    "exp": (sympy.exp, 1, 1),
    "log": (sympy.log, 1, 1),
    "sqrt": (sympy.sqrt, 1, 1),
}


def parse(text: str) -> tuple[list[sympy.Expr], list[sympy.Symbol]]:
    """Read ``text`` into one expression an output, and the inputs that it mentions, in order.

    The grammar is Python's, but nothing is evaluated. A variable that cancels is still an input:
    ``x1 + 0*x2`` is a function of two numbers.
    """
    read = tree(text)
    parts = read.elts if isinstance(read, ast.Tuple) else [read]
    if not parts:
        raise ValueError(f"target: cannot read {quoted(text)}: no expression in it")
    outputs = [expression(part, text) for part in parts]
    called = {id(n.func) for n in ast.walk(read) if isinstance(n, ast.Call)}
    mentioned = {n.id for n in ast.walk(read) if isinstance(n, ast.Name) and id(n) not in called}
    names = positions(sorted(mentioned))
    return outputs, [sympy.Symbol(name) for name in names]


def tree(text: str) -> ast.expr:
    """The syntax tree of ``text``; nothing of it is evaluated."""
    if not text:
        raise ValueError("target: expected a name or an expression, got an empty string")
    if len(text) > _MAX_TEXT:
        raise ValueError(f"target: expected at most {_MAX_TEXT} characters, got {len(text)}")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"target: cannot read {quoted(text)}: {_reason(error)}") from None


def expression(node: ast.expr, text: str, *, letters: str = "x") -> sympy.Expr:
    """A part of the tree of ``text`` as a SymPy expression, whose variables begin with the letters."""
    return _expression(node, text, 0, letters)


def _reason(error: BaseException) -> str:
    return str(error.msg) if isinstance(error, SyntaxError) else "too deeply nested"


def _expression(node: ast.expr, text: str, depth: int, letters: str) -> sympy.Expr:
    if depth > _MAX_DEPTH:
        raise ValueError(f"target: cannot read {quoted(text)}: nested deeper than {_MAX_DEPTH}")
    if isinstance(node, ast.Constant):
        return _number(node, text)
    if isinstance(node, ast.Name):
        return _symbol(node.id, text, letters)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        value = _expression(node.operand, text, depth + 1, letters)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left = _expression(node.left, text, depth + 1, letters)
        right = _expression(node.right, text, depth + 1, letters)
        return _binary(node.op, left, right, text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        arguments = [_expression(a, text, depth + 1, letters) for a in node.args]
        return _function(node.func.id, arguments, text)
    piece = ast.get_source_segment(text, node) or type(node).__name__
    raise ValueError(
        f"target: cannot read {quoted(text)}: {quoted(piece)} is not a number, a variable, "
        "an operation (+ - * / **) or a known function"
    )


def _number(node: ast.Constant, text: str) -> sympy.Expr:
    literal = ast.get_source_segment(text, node) or repr(node.value)
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"target: cannot read {quoted(text)}: {quoted(literal)} is not a number")
    too_large = isinstance(value, float) and not np.isfinite(value)
    too_small = value == 0 and re.search(r"[1-9]", re.split("[eE]", literal)[0]) is not None
    if too_large or too_small or len(literal) > 400:
        raise ValueError(
            f"target: cannot read {quoted(text)}: {quoted(literal)} is outside the range of a double"
        )
    # From the text, not from the double: 0.1 means one tenth.
    return (
        sympy.Integer(value) if isinstance(value, int) else sympy.Rational(literal.replace("_", ""))
    )


def _symbol(name: str, text: str, letters: str) -> sympy.Symbol:
    if re.fullmatch(rf"[{letters}]([1-9]\d{{0,3}})?", name):
        return sympy.Symbol(name, real=True)
    if name in _FUNCTIONS:
        usual = ", ".join(["x", "-1", "1"][: _FUNCTIONS[name][1]])
        raise ValueError(
            f"target: {name!r} is a function{'' if name == text else f', in {quoted(text)}'}; "
            f"write what it is of, such as {name}({usual})"
        )
    close = difflib.get_close_matches(name, {**CATALOGUE, **_FUNCTIONS}, n=3)
    hint = (
        f"did you mean {alternatives(close)}?" if close else f"known names: {', '.join(CATALOGUE)}"
    )
    where = "" if name == text else f" in {quoted(text)}"
    raise ValueError(f"target: unknown name {quoted(name)}{where}; {hint}")


def _binary(op: ast.operator, left: sympy.Expr, right: sympy.Expr, text: str) -> sympy.Expr:
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    if isinstance(op, ast.Mult):
        return left * right
    if isinstance(op, ast.Div):
        if right.is_zero:
            raise ValueError(f"target: cannot read {quoted(text)}: division by zero")
        return left / right
    if isinstance(op, ast.Pow):
        # Small powers of variables only: 9**9**9 would never come back.
        if left.free_symbols and right.is_Integer and 0 <= right <= 16:
            return left**right
        raise ValueError(
            f"target: cannot read {quoted(text)}: ** takes a variable part and a whole power 0 to 16"
        )
    raise ValueError(f"target: cannot read {quoted(text)}: expected the operations + - * / **")


def _function(name: str, arguments: list[sympy.Expr], text: str) -> sympy.Expr:
    if name not in _FUNCTIONS:
        close = difflib.get_close_matches(name, _FUNCTIONS, n=3)
        hint = (
            f"did you mean {alternatives(close)}?"
            if close
            else f"known functions: {', '.join(_FUNCTIONS)}"
        )
        raise ValueError(f"target: unknown function {quoted(name)} in {quoted(text)}; {hint}")
    function, fewest, most = _FUNCTIONS[name]
    if len(arguments) < fewest or (most is not None and len(arguments) > most):
        expected = f"{fewest}" if most == fewest else f"at least {fewest}"
        raise ValueError(
            f"target: cannot read {quoted(text)}: {name} takes {expected} "
            f"argument{'' if fewest == 1 else 's'}, got {len(arguments)}"
        )
    if name == "clamp" and (arguments[1] - arguments[2]).is_positive:
        raise ValueError(
            f"target: cannot read {quoted(text)}: clamp(t, low, high) takes low <= high, "
            f"got {arguments[1]} and {arguments[2]}"
        )
    return function(*arguments)
