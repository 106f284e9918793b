"""The functions that networks are asked to compute, as SymPy expressions and numpy callables.

This module is a leaf: it needs numpy and SymPy alone.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

__all__ = ["CATALOGUE", "Target", "TargetLike", "target"]

#: The functions with a name: the deck's, the two that complete them, and the minimum of four.
CATALOGUE: dict[str, str] = {
    "identity": "x",
    "negation": "-x",
    "abs": "abs(x)",
    "add": "x1 + x2",
    "subtract": "x1 - x2",
    "min": "min(x1, x2)",
    "max": "max(x1, x2)",
    "min4": "min(x1, x2, x3, x4)",
}

_MAX_INPUTS = 256
_MAX_TEXT = 20_000
_MAX_DEPTH = 150


class Target:
    r"""A function :math:`f: \mathbb{R}^n \to \mathbb{R}^m`, exact as an expression, fast as a callable.

    Args:
        expression: a SymPy expression, or several for a function with several outputs. Its
            variables are ``x`` for a function of one number and ``x1, x2, ...`` for more.
        variables: the variables in the order of the inputs, where they are called something else,
            or where the function takes inputs that it does not use.
        name: what to call it; by default the expression's text.

    Raises:
        TypeError: ``expression`` is not SymPy, or an expression has no numeric value (a relation).
        ValueError: variables that are not ``x`` or ``x1, x2, ...`` while ``variables`` is not given,
            or ones that ``variables`` leaves out.

    Example:
        >>> f = Target(sympy.Min(*sympy.symbols("x1 x2")))
        >>> f.n_inputs, f.n_outputs
        (2, 1)
        >>> f([[3, 5], [-2, -7]])
        array([[ 3.],
               [-7.]])
        >>> f.latex
        '\\min\\left(x_{1}, x_{2}\\right)'
    """

    def __init__(
        self,
        expression: sympy.Expr | Sequence[sympy.Expr],
        *,
        variables: Sequence[sympy.Symbol] | None = None,
        name: str | None = None,
    ) -> None:
        outputs = (
            list(expression) if isinstance(expression, (Sequence, sympy.Tuple)) else [expression]
        )
        if not outputs:
            raise ValueError("expression: expected at least one output, got an empty list")
        for output in outputs:
            if not isinstance(output, sympy.Expr):
                raise TypeError(
                    f"expression: expected a SymPy expression, got {type(output).__name__}"
                )
            if output.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I):
                raise ValueError(f"expression: expected a real, finite function, got {output}")
        names = _input_names(outputs, variables)
        n = len(names)
        self._variables = _variables(n)
        renamed = dict(zip(names, self._variables, strict=True))
        self._outputs = tuple(sympy.sympify(_renamed(output, renamed)) for output in outputs)
        self._name = name

    @property
    def variables(self) -> tuple[sympy.Symbol, ...]:
        """The inputs as real SymPy symbols, ``(x,)`` or ``(x1, x2, ...)``."""
        return self._variables

    @property
    def n_inputs(self) -> int:
        """How many numbers the function takes."""
        return len(self._variables)

    @property
    def n_outputs(self) -> int:
        """How many numbers the function gives."""
        return len(self._outputs)

    @property
    def outputs(self) -> tuple[sympy.Expr, ...]:
        """One expression an output."""
        return self._outputs

    @property
    def expression(self) -> sympy.Expr:
        """The function as a SymPy expression; a ``sympy.Tuple`` of them for several outputs."""
        return self._outputs[0] if self.n_outputs == 1 else sympy.Tuple(*self._outputs)

    @property
    def name(self) -> str:
        """The catalogue name, or the expression as text."""
        return self._name if self._name is not None else str(self)

    @property
    def latex(self) -> str:
        r"""The expression for a formula, ``|x|`` as ``\left|{x}\right|``."""
        return sympy.latex(self.expression)

    @cached_property
    def _call(self) -> Callable[..., Any]:
        # Own Min and Max: numpy's amin, which SymPy would print, cannot mix arrays and constants.
        return sympy.lambdify(
            self._variables,
            list(self._outputs),
            modules=[{"Min": _reduce(np.minimum), "Max": _reduce(np.maximum)}, "numpy"],
            cse=True,
        )

    def __call__(self, x: ArrayLike) -> NDArray[np.float64]:
        """The function's values, vectorised like a network.

        Args:
            x: shape ``(..., n_inputs)``; a plain number is fine for one input.

        Returns:
            Shape ``(..., n_outputs)``.

        Raises:
            TypeError: ``x`` is not numeric.
            ValueError: the last axis is not ``n_inputs`` wide, ``x`` is not finite, or the
                function is not defined at some ``x``.

        Example:
            >>> target("abs")(-3)
            array([3.])
        """
        values = np.asarray(x)
        if values.dtype.kind not in "fiu":
            raise TypeError(f"x: expected real numbers, got dtype {values.dtype}")
        values = values.astype(np.float64)
        n = self.n_inputs
        if values.ndim == 0 and n == 1:
            values = values.reshape(1)
        if values.ndim == 0 or values.shape[-1] != n:
            raise ValueError(f"x: expected shape (..., {n}), got shape {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError("x: expected finite numbers, got inf or nan")
        columns = [values[..., i] for i in range(n)]
        with np.errstate(all="ignore"):
            outputs = [np.asarray(y) for y in self._call(*columns)]
        shape = values.shape[:-1]
        stacked = np.stack([np.broadcast_to(y, shape) for y in outputs], axis=-1)
        if stacked.dtype.kind == "c" or not np.isfinite(stacked).all():
            raise ValueError(f"x: {self.name} is not defined, or too large, at some of the inputs")
        return stacked.astype(np.float64) + 0.0

    def __eq__(self, other: object) -> bool:
        """Same number of inputs and the same expressions; the names do not count."""
        if not isinstance(other, Target):
            return NotImplemented
        return self._variables == other._variables and self._outputs == other._outputs

    def __hash__(self) -> int:
        return hash((self._variables, self._outputs))

    # The compiled callable does not pickle; a process pool compiles its own.
    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._outputs, self._variables, self._name)

    def __str__(self) -> str:
        """The expression as :func:`target` reads it: ``min(x1, abs(x2))``."""
        texts = [_text(e) for e in self._outputs]
        return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"

    def __repr__(self) -> str:
        arguments = ", ".join(v.name for v in self._variables)
        label = f"{self._name}: " if self._name is not None else ""
        return f"Target({label}f({arguments}) = {self})"


def _rebuild(
    outputs: tuple[sympy.Expr, ...], variables: tuple[sympy.Symbol, ...], name: str | None
) -> Target:
    return Target(outputs, variables=variables, name=name)


#: Whatever :func:`target` takes.
TargetLike: TypeAlias = "Target | str | sympy.Expr | Sequence[sympy.Expr]"


def target(t: TargetLike) -> Target:
    r"""The function that ``t`` names or spells.

    Args:
        t: a catalogue name (``"identity" "negation" "abs" "add" "subtract" "min" "max" "min4"``),
            a :class:`Target`, a SymPy expression (or a list, one an output), or a string such as
            ``"min(x1, abs(x2))"``. Strings know numbers, ``x`` or ``x1, x2, ...``,
            ``+ - * / **``, and ``abs``, ``min``, ``max``, ``relu``, ``clamp(t, low, high)``, ``sin``,
            ``cos``, ``tanh``, ``exp``, ``log``, ``sqrt``; a comma between expressions separates
            outputs. They are read by a parser of this book and never evaluated as Python. Decimals
            are exact: ``0.1`` is one tenth.

    Raises:
        TypeError: ``t`` is none of these.
        ValueError: an unknown name (close matches are listed) or text that cannot be read.

    Example:
        >>> target("min")
        Target(min: f(x1, x2) = min(x1, x2))
        >>> target("clamp(2*x, -1, 1)")
        Target(f(x) = min(1, max(-1, 2*x)))
        >>> target("idnetity")
        Traceback (most recent call last):
        ...
        ValueError: target: unknown name 'idnetity'; did you mean 'identity'?
    """
    if isinstance(t, Target):
        return t
    if isinstance(t, str):
        text = t.strip()
        outputs, variables = _parse(CATALOGUE.get(text, text))
        return Target(outputs, variables=variables, name=text if text in CATALOGUE else None)
    if isinstance(t, (sympy.Expr, sympy.Tuple, list, tuple)):
        return Target(t)
    raise TypeError(
        f"target: expected a catalogue name, an expression as text, a SymPy expression or a Target, "
        f"got {type(t).__name__}"
    )


def _renamed(e: sympy.Expr, names: dict[str, sympy.Symbol]) -> sympy.Expr:
    # SymPy simplifies whatever it replaces in anew, slowly: leave expressions that need nothing alone.
    changed = {s: names[s.name] for s in e.free_symbols if s != names[s.name]}
    return e.xreplace(changed) if changed else e


def _variables(n: int) -> tuple[sympy.Symbol, ...]:
    names = ["x"] if n == 1 else [f"x{i + 1}" for i in range(n)]
    return tuple(sympy.Symbol(name, real=True) for name in names)


def _input_names(
    outputs: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol] | None
) -> list[str]:
    """The names of the inputs in order; positions are read off ``x1, x2, ...`` unless given."""
    used = sorted({s.name for e in outputs for s in e.free_symbols})
    if variables is not None:
        names = [v.name if isinstance(v, sympy.Symbol) else str(v) for v in variables]
        missing = [u for u in used if u not in names]
        if missing or not names or len(set(names)) != len(names):
            raise ValueError(f"variables: expected distinct names that include {used}, got {names}")
        return names
    return _positions(used)


def _positions(used: list[str]) -> list[str]:
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


def _reduce(ufunc: np.ufunc) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        result = values[0]
        for value in values[1:]:
            result = ufunc(result, value)
        return result

    return apply


def _text(e: sympy.Expr) -> str:
    """The expression in the grammar of :func:`target`, SymPy's capitals lowered."""
    return re.sub(r"\b(Min|Max|Abs)\(", lambda m: m.group(0).lower(), sympy.sstr(e, order="none"))


def _relu(t: sympy.Expr) -> sympy.Expr:
    return sympy.Max(t, 0)


def _clamp(t: sympy.Expr, low: sympy.Expr, high: sympy.Expr) -> sympy.Expr:
    return sympy.Min(sympy.Max(t, low), high)


#: name -> (function, fewest arguments, most arguments)
_FUNCTIONS: dict[str, tuple[Callable[..., sympy.Expr], int, int | None]] = {
    "abs": (sympy.Abs, 1, 1),
    "min": (sympy.Min, 1, None),
    "max": (sympy.Max, 1, None),
    "relu": (_relu, 1, 1),
    "clamp": (_clamp, 3, 3),
    "sin": (sympy.sin, 1, 1),
    "cos": (sympy.cos, 1, 1),
    "tanh": (sympy.tanh, 1, 1),
    "exp": (sympy.exp, 1, 1),
    "log": (sympy.log, 1, 1),
    "sqrt": (sympy.sqrt, 1, 1),
}


def _parse(text: str) -> tuple[list[sympy.Expr], list[sympy.Symbol]]:
    """Read ``text`` into one expression an output, and the inputs that it mentions, in order.

    The grammar is Python's, but nothing is evaluated. A variable that cancels is still an input:
    ``x1 + 0*x2`` is a function of two numbers.
    """
    if not text:
        raise ValueError("target: expected a name or an expression, got an empty string")
    if len(text) > _MAX_TEXT:
        raise ValueError(f"target: expected at most {_MAX_TEXT} characters, got {len(text)}")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"target: cannot read {_short(text)}: {_reason(error)}") from None
    parts = tree.elts if isinstance(tree, ast.Tuple) else [tree]
    if not parts:
        raise ValueError(f"target: cannot read {_short(text)}: no expression in it")
    outputs = [_expression(part, text, 0) for part in parts]
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    mentioned = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called}
    names = _positions(sorted(mentioned))
    return outputs, [sympy.Symbol(name) for name in names]


def _reason(error: BaseException) -> str:
    return str(error.msg) if isinstance(error, SyntaxError) else "too deeply nested"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _expression(node: ast.expr, text: str, depth: int) -> sympy.Expr:
    if depth > _MAX_DEPTH:
        raise ValueError(f"target: cannot read {_short(text)}: nested deeper than {_MAX_DEPTH}")
    if isinstance(node, ast.Constant):
        return _number(node, text)
    if isinstance(node, ast.Name):
        return _symbol(node.id, text)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        value = _expression(node.operand, text, depth + 1)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left = _expression(node.left, text, depth + 1)
        right = _expression(node.right, text, depth + 1)
        return _binary(node.op, left, right, text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        arguments = [_expression(a, text, depth + 1) for a in node.args]
        return _function(node.func.id, arguments, text)
    piece = ast.get_source_segment(text, node) or type(node).__name__
    raise ValueError(
        f"target: cannot read {_short(text)}: {_short(piece)} is not a number, a variable, "
        "an operation (+ - * / **) or a known function"
    )


def _number(node: ast.Constant, text: str) -> sympy.Expr:
    literal = ast.get_source_segment(text, node) or repr(node.value)
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"target: cannot read {_short(text)}: {_short(literal)} is not a number")
    too_large = isinstance(value, float) and not np.isfinite(value)
    too_small = value == 0 and re.search(r"[1-9]", re.split("[eE]", literal)[0]) is not None
    if too_large or too_small or len(literal) > 400:
        raise ValueError(
            f"target: cannot read {_short(text)}: {_short(literal)} is outside the range of a double"
        )
    # From the text, not from the double: 0.1 means one tenth.
    return (
        sympy.Integer(value) if isinstance(value, int) else sympy.Rational(literal.replace("_", ""))
    )


def _symbol(name: str, text: str) -> sympy.Symbol:
    if re.fullmatch(r"x|x[1-9]\d{0,3}", name):
        return sympy.Symbol(name, real=True)
    close = difflib.get_close_matches(name, {**CATALOGUE, **_FUNCTIONS}, n=3)
    hint = (
        f"did you mean {' or '.join(map(repr, close))}?"
        if close
        else f"known names: {', '.join(CATALOGUE)}"
    )
    where = "" if name == text else f" in {_short(text)}"
    raise ValueError(f"target: unknown name {_short(name)}{where}; {hint}")


def _binary(op: ast.operator, left: sympy.Expr, right: sympy.Expr, text: str) -> sympy.Expr:
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    if isinstance(op, ast.Mult):
        return left * right
    if isinstance(op, ast.Div):
        if right.is_zero:
            raise ValueError(f"target: cannot read {_short(text)}: division by zero")
        return left / right
    if isinstance(op, ast.Pow):
        # Small powers of variables only: 9**9**9 would never come back.
        if left.free_symbols and right.is_Integer and 0 <= right <= 16:
            return left**right
        raise ValueError(
            f"target: cannot read {_short(text)}: ** takes a variable part and a whole power 0 to 16"
        )
    raise ValueError(f"target: cannot read {_short(text)}: expected the operations + - * / **")


def _function(name: str, arguments: list[sympy.Expr], text: str) -> sympy.Expr:
    if name not in _FUNCTIONS:
        close = difflib.get_close_matches(name, _FUNCTIONS, n=3)
        hint = (
            f"did you mean {' or '.join(map(repr, close))}?"
            if close
            else f"known functions: {', '.join(_FUNCTIONS)}"
        )
        raise ValueError(f"target: unknown function {_short(name)} in {_short(text)}; {hint}")
    function, fewest, most = _FUNCTIONS[name]
    if len(arguments) < fewest or (most is not None and len(arguments) > most):
        expected = f"{fewest}" if most == fewest else f"at least {fewest}"
        raise ValueError(
            f"target: cannot read {_short(text)}: {name} takes {expected} "
            f"argument{'' if fewest == 1 else 's'}, got {len(arguments)}"
        )
    return function(*arguments)
