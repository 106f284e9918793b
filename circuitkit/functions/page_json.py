"""A target as a tree of plain data: what the page, which knows no SymPy, computes with.

The format, read by ``static/mathematics.mjs``::

    {"n_inputs": 2, "n_outputs": 1, "outputs": [tree], "name": "min", "text": "min(x1, x2)"}

The tree of a piecewise-linear target is made of ``const var add mul min max abs`` alone, products with one
factor that is no constant: of :attr:`.Pieces.expressions`, which the page compiles as they are.

A tree is a constant, a variable or an operation on trees:

* ``{"op": "const", "value": 0.333..., "text": "1/3"}``: ``value`` is the nearest double, ``text`` the
  exact number where that differs; ``"rounded": True`` where no fraction is exact (the square root
  of 2);
* ``{"op": "var", "index": 0}``, counted from 0;
* ``{"op": op, "args": [tree, ...]}`` with op one of ``add mul min max abs`` or, beyond what can be
  decided exactly, ``sin cos tan asin acos atan sinh cosh tanh exp log sqrt sign floor ceil``;
* ``{"op": "pow", "args": [tree], "power": number}`` and ``{"op": "div", "args": [above, below]}``.
"""

from __future__ import annotations

import math
from typing import Any

import sympy

from circuitkit.checks import wrong
from circuitkit.functions.target import Target

__all__ = ["target_to_json"]

Tree = dict[str, Any]

_FUNCTIONS: dict[type, str] = {
    sympy.Abs: "abs",
    sympy.Min: "min",
    sympy.Max: "max",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.sign: "sign",
    sympy.floor: "floor",
    sympy.ceiling: "ceil",
}


def target_to_json(target: Target) -> dict[str, Any]:
    """The target as JSON-safe data, in the format described above.

    Raises:
        ValueError: the target uses a function that the page does not know, or a number beyond the
            range of a double.

    Example:
        >>> import circuitkit as ck
        >>> target_to_json(ck.target("abs"))["outputs"]
        [{'op': 'abs', 'args': [{'op': 'var', 'index': 0}]}]
    """
    index = {symbol: i for i, symbol in enumerate(target.variables)}
    # Read off the normal form where there is one: the page compiles it, and multiplies nothing out.
    outputs = target.pieces.expressions if target.is_piecewise_linear else target.outputs
    return {
        "n_inputs": target.n_inputs,
        "n_outputs": target.n_outputs,
        "outputs": [_tree(output, index) for output in outputs],
        "name": target.name,
        "text": str(target),
    }


def _tree(e: sympy.Expr, index: dict[sympy.Symbol, int]) -> Tree:
    if isinstance(e, sympy.Symbol):
        return {"op": "var", "index": index[e]}
    if not e.free_symbols:
        return _constant(e)
    if isinstance(e, sympy.Pow):
        return _power(e, index)
    if isinstance(e, (sympy.Add, sympy.Mul)):
        op = "add" if isinstance(e, sympy.Add) else "mul"
    else:
        op = _FUNCTIONS.get(type(e), "")
        if not op:
            known = ", ".join(["+ - * / **", *_FUNCTIONS.values(), "sqrt"])
            expected = f"functions that the page can compute ({known})"
            raise wrong("target", expected, f"{e.func.__name__} in {e}")
    if len(e.args) > 1 and op not in {"add", "mul", "min", "max"}:
        raise wrong("target", f"one argument of {op}", f"{len(e.args)} in {e}")
    return {"op": op, "args": [_tree(a, index) for a in e.args]}


def _power(e: sympy.Pow, index: dict[sympy.Symbol, int]) -> Tree:
    base, power = e.as_base_exp()
    if power.free_symbols:  # a**b = exp(b log a), as on the real line
        exponent = power if base is sympy.E else power * sympy.log(base)
        return {"op": "exp", "args": [_tree(exponent, index)]}
    if power == sympy.Rational(1, 2):
        return {"op": "sqrt", "args": [_tree(base, index)]}
    if power == -1:
        return {"op": "div", "args": [_constant(sympy.Integer(1)), _tree(base, index)]}
    return {"op": "pow", "args": [_tree(base, index)], "power": _double(power)}


def _constant(e: sympy.Expr) -> Tree:
    value = _double(e)
    if not e.is_Rational:
        return {"op": "const", "value": value, "rounded": True}
    if sympy.Rational(value) == e:
        return {"op": "const", "value": value}
    return {"op": "const", "value": value, "text": str(e)}


def _double(e: sympy.Expr) -> float:
    try:
        value = float(e)
    except (TypeError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise wrong("target", "real numbers within the range of a double", e)
    return value
