"""The catalogue of named functions, and the language in which others are spelled.

Text is read by a parser of its own into SymPy expressions; nothing in it is ever evaluated as Python.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
import sympy

from circuitkit.checks import wrong
from circuitkit.functions.catalogue import NAMES
from circuitkit.functions.joined import CONDITIONS, Jump, joined
from circuitkit.functions.named import ALIASES, FUNCTIONS, JUMPS, STEPS
from circuitkit.functions.typed import plain
from circuitkit.rules import RULES
from circuitkit.words import alternatives, quoted

__all__ = ["CATALOGUE", "Condition", "expression", "parse", "positions", "tree"]

#: The functions that a reading tries by name: the deck's, the two that complete them, and the minimum of four.
CATALOGUE: dict[str, str] = dict(RULES["functions"])

_MAX_INPUTS = 256
_MAX_TEXT = 20_000
_MAX_DEPTH = 150
_MAX_POWER = 64
#: operations in a row; of more the checker reads no text
_LONG = 100
#: characters of a number; a double has some 310 digits before its point at most
_MAX_NUMBER = 400
#: a number that begins with a digit, or an exponent
_DIGITS = re.compile(r"(?<![A-Za-z0-9_])\d[\d_]*|[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
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

    ``["x3"]`` -> ``["x1", "x2", "x3"]``, with x0 counted from there, ``["b", "a"]`` -> ``["b", "a"]``; of one letter with numbers that do
    not start at 1, or of another one than x, by their numbers: ``["y2", "y1"]`` -> ``["y1", "y2"]``.

    Raises:
        ValueError: x01, x beside x1, x2, ..., or too many inputs.
    """
    for name in used:
        if re.fullmatch(r"x0\d+", name):
            raise wrong("target", "the variables x, or x1, x2, ... counted from 1", repr(name))
    if not used:
        return ["x"]
    if "x0" in used and all(re.fullmatch(r"x\d{1,4}", name) for name in used):
        n = 1 + max(int(name[1:]) for name in used)
        if n > _MAX_INPUTS:
            raise wrong("target", f"at most {_MAX_INPUTS} inputs", f"x{n - 1}")
        return [f"x{i}" for i in range(n)]
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
    """How names are read (``letters`` of variables) and where what may be undefined is noted, if it is read.

    ``partial`` are the calls that may be undefined, each with what SymPy made of it.
    """

    letters: str = ""
    conditions: list[Condition] | None = None
    partial: list[tuple[Condition, sympy.Expr]] = field(default_factory=list)


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
        scope = _Scope(conditions=conditions)
        one = _read(part, text, 0, scope)
        several = one if isinstance(one, list) else [one]
        _check_kept(scope.partial, several, text)
        outputs += several
    outputs = [_joined(e, text) for e in outputs]
    named = {id(n.func): n.func for n in ast.walk(read) if isinstance(n, ast.Call)}
    called = {f.id.lower() for f in named.values() if isinstance(f, ast.Name)}
    mentioned = [n for n in ast.walk(read) if isinstance(n, ast.Name) and id(n) not in named]
    mentioned.sort(key=lambda n: (n.lineno, n.col_offset))  # in the order in which they stand
    used = list(dict.fromkeys(n.id for n in mentioned))
    used += sorted({s.name for e in outputs for s in e.free_symbols} - set(used))
    names = positions([name for name in used if name not in _CONSTANTS])
    simple = called <= _CHECKED and all(re.fullmatch(r"x([1-9]\d*)?", name) for name in used)
    long = any(len(_links(n)[0]) > _LONG for n in _rows(read))
    keep = simple and not isinstance(read, ast.List) and not long
    return Parsed(outputs, [sympy.Symbol(name) for name in names], text if keep else None)


class Text(str):
    """Text in the plain grammar; ``typed`` is what was typed."""

    typed: str = ""


def checked(text: str) -> Text:
    """The text in the plain grammar, if it is not empty or too long.

    Raises:
        ValueError: it is, or it has a bar without its partner, or a number in it is.
    """
    if not text:
        raise wrong("target", "a name or an expression", "an empty string")
    if len(text) > _MAX_TEXT:
        raise wrong("target", f"at most {_MAX_TEXT} characters", len(text))
    # Before it is searched for products, which takes long, and before Python refuses 4,300 digits in its own words.
    for number in _DIGITS.findall(text):
        digits = len(number.replace("_", ""))
        if digits > _MAX_NUMBER:
            raise _unreadable(
                text, f"a number of {digits} digits is in it; {_MAX_NUMBER} are read at most"
            )
    try:
        made = Text(plain(text))
    except ValueError as error:
        raise _unreadable(text, error) from None
    made.typed = text
    return made


def tree(text: str) -> ast.expr:
    """The syntax tree of ``text`` in the plain grammar; nothing of it is evaluated."""
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _unreadable(text, _reason(error, text)) from None


def expression(node: ast.expr, text: str, *, letters: str = "") -> sympy.Expr:
    """A part of the tree of ``text`` as a SymPy expression, whose variables begin with the letters."""
    scope = _Scope(letters)
    made = _expression(node, text, 0, scope)
    _check_kept(scope.partial, [made], text)
    return _joined(made, text)


def _check_kept(
    partial: list[tuple[Condition, sympy.Expr]], outputs: list[sympy.Expr], text: str
) -> None:
    """Refuse what SymPy has made total: ``exp(log(x))`` is x to it, also where x has no logarithm."""
    kept = {part for e in outputs for part in _guarded(e)} if partial else set()
    for condition, made in partial:
        if made.has(sympy.I, sympy.zoo, sympy.nan) or not _guarded(made) <= kept:
            raise _unreadable(
                text,
                f"{quoted(condition.written)} has a value only where {condition.part} {condition.sign}; "
                "circuitkit.approximate comes near it on a box where it has one",
            )


def _guarded(e: sympy.Expr) -> set[sympy.Expr]:
    """What decides whether the expression has a value: under roots and logarithms, and in tangents."""
    found = {f.args[0] for f in e.atoms(sympy.log) if not f.args[0].is_positive}
    found |= {f.args[0] for f in e.atoms(sympy.tan) if f.args[0].free_symbols}
    powers = (p.as_base_exp() for p in e.atoms(sympy.Pow))
    return found | {b for b, k in powers if not k.is_integer and not b.is_nonnegative}


def _said(text: str) -> str:
    return quoted(text.typed if isinstance(text, Text) else text)


def _unreadable(text: str, why: object) -> ValueError:
    return ValueError(f"target: cannot read {_said(text)}: {why}")


def _reason(error: BaseException, text: str) -> str:
    if not isinstance(error, SyntaxError):
        signs = len(re.findall(r"[-+*/]+", text))
        deepest = max(accumulate(c in "([" or -(c in ")]") for c in text))
        return (
            "too deeply nested"
            if deepest > _MAX_DEPTH
            else f"its {signs:,} operations are too many"
        )
    found = _misplaced(text)
    return f"invalid syntax, {found}" if found else str(error.msg)


_TOKEN = re.compile(
    r"\s*(?:(?P<operand>\d[\w.]*|\.\d\w*|[A-Za-z_]\w*)|(?P<sign>\*\*|//|[<>=!]=|[-+*/%@<>,()\[\]])|(?P<other>\S))"
)
_WORDS = {"if", "else", "and", "or", "not"}
_PARTNERS = {")": "(", "]": "["}


def _misplaced(text: str) -> str:
    """What stands at a wrong place in a text that is no expression, or what is missing."""
    open_: list[str] = []
    last = ""  # what stands before; an operand is due after a sign
    for match in _TOKEN.finditer(text):
        if match["other"]:
            return f"{match['other']!r} is none of its signs"
        found = match["operand"] or match["sign"]
        ends = re.fullmatch(r"[\w.]+|[)\]]", last) is not None and last not in _WORDS
        starts = match["operand"] is not None and found not in _WORDS
        if ends and (starts or found in ("(", "[")) and not (last[0].isalpha() and found == "("):
            if last.lower() in FUNCTIONS:
                return f"{last} takes its arguments in brackets, such as {FUNCTIONS[last.lower()].example}"
            return f"an operation or a comma is missing between {last!r} and {found!r}"
        if not ends and found in (*_PARTNERS, ",", "*", "/", "**") and last not in ("(", "["):
            return f"something is missing before {found!r}"
        if found in ("(", "["):
            open_.append(found)
        elif found in _PARTNERS and (not open_ or open_.pop() != _PARTNERS[found]):
            return f"{found!r} closes no bracket"
        last = found
    if open_:
        return f"{open_[-1]!r} is never closed"
    ended = re.fullmatch(r"[\w.]+|[)\]]", last) and last not in _WORDS
    return "" if ended else "something is missing at the end"


def _joined(e: sympy.Expr, text: str) -> sympy.Expr:
    """What chooses between pieces as maxima of them, which it is where they meet."""
    if not e.has(*CONDITIONS):
        return e
    try:
        found = joined(e)
    except Jump as jump:
        name = next((n for n in re.findall(r"[A-Za-z]+", text) if n.lower() in STEPS), "")
        ramp = JUMPS.get(name.lower(), "clamp(100*x, 0, 1)")
        raise ValueError(
            f"target: {f'{name} in ' if name else ''}{_said(text)} jumps, {jump}, and a network is "
            f"continuous; a steep ramp comes near it, such as {ramp}"
        ) from None
    if found is None:
        raise _unreadable(text, "a choice must be between a few pieces that are all straight")
    return found


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
    if isinstance(node, ast.BinOp) and isinstance(node.op, _IN_A_ROW):
        return _row(node, text, depth, scope)
    if isinstance(node, ast.BinOp):
        left = _expression(node.left, text, depth + 1, scope)
        right = _expression(node.right, text, depth + 1, scope)
        return _binary(node, left, right, text, scope)
    if isinstance(node, ast.IfExp) and isinstance(node.test, _CONDITION):
        return _choice([(node.body, node.test), (node.orelse, None)], text, depth + 1, scope)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node, node.func.id, text, depth, scope)
    piece = ast.get_source_segment(text, node) or type(node).__name__
    if isinstance(node, _CONDITION):
        raise _unreadable(
            text,
            f"{quoted(piece)} is true or false; a function has numbers (x if x > 0 else 0), and what "
            "circuitkit.prove asks of outputs is y <= x + 1",
        )
    kinds = "a number, a variable, an operation (+ - * / **) or a known function"
    raise _unreadable(text, f"{quoted(piece)} is not {kinds}")


def _links(node: ast.expr) -> tuple[list[ast.BinOp], ast.expr]:
    """The operations of ``a + b - c`` from left to right, and what they begin with."""
    links: list[ast.BinOp] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, _IN_A_ROW):
        links.append(node)
        node = node.left
    return links[::-1], node


def _rows(tree: ast.expr) -> Iterator[ast.BinOp]:
    """The last operation of each row in a tree."""
    inner = {id(n.left) for n in ast.walk(tree) if isinstance(n, ast.BinOp)}
    yield from (n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and id(n) not in inner)


def _row(node: ast.BinOp, text: str, depth: int, scope: _Scope) -> sympy.Expr:
    """Operations in a row: nothing is nested in them, though each is the left side of the next in the tree."""
    links, first = _links(node)
    value = _expression(first, text, depth + 1, scope)
    # Those of a long row are added at once: one by one takes the square of the time.
    terms: list[sympy.Expr] = []
    for link in links:
        right = _expression(link.right, text, depth + 1, scope)
        if len(links) > _LONG and isinstance(link.op, (ast.Add, ast.Sub)):
            terms.append(right if isinstance(link.op, ast.Add) else -right)
            continue
        value = _binary(link, sympy.Add(value, *terms) if terms else value, right, text, scope)
        terms = []
    return sympy.Add(value, *terms) if terms else value


def _call(
    node: ast.Call, name: str, text: str, depth: int, scope: _Scope
) -> sympy.Expr | list[sympy.Expr]:
    if name.lower() in ("piecewise", "ite"):
        return _choice(_cases(name, node.args, text), text, depth + 1, scope)
    arguments = [_argument(a, text, depth + 1, scope) for a in node.args]
    made = _function(name, arguments, text)
    partial = _PARTIAL.get(ALIASES.get(name.lower(), name.lower()))
    if partial is not None:
        of, sign = partial
        written = ast.get_source_segment(text, node) or name
        condition = Condition(of(arguments[0]), sign, written)
        if scope.conditions is None:
            scope.partial.append((condition, made))
        else:
            scope.conditions.append(condition)
    return made


def _argument(node: ast.expr, text: str, depth: int, scope: _Scope) -> Any:
    if isinstance(node, (ast.Tuple, ast.List)) and depth <= _MAX_DEPTH:
        return [_argument(v, text, depth + 1, scope) for v in node.elts]
    return _expression(node, text, depth, scope)


_CONDITION = (ast.Compare, ast.BoolOp)
_IN_A_ROW = (ast.Add, ast.Sub, ast.Mult, ast.Div)


def _cases(
    name: str, arguments: list[ast.expr], text: str
) -> list[tuple[ast.expr, ast.expr | None]]:
    """The cases of Piecewise((value, condition), ...) or ITE(condition, value, other)."""
    if name.lower() == "ite":
        if len(arguments) != 3:
            raise _unreadable(text, f"{name} takes 3 arguments, got {len(arguments)}")
        return [(arguments[1], arguments[0]), (arguments[2], None)]
    cases: list[tuple[ast.expr, ast.expr | None]] = []
    for one in arguments:
        if not (isinstance(one, ast.Tuple) and len(one.elts) == 2):
            raise _unreadable(text, f"{name} takes cases such as (x, x > 0) and (0, True)")
        value, condition = one.elts
        always = isinstance(condition, ast.Constant) and condition.value is True
        cases.append((value, None if always else condition))
    if not cases or cases[-1][1] is not None:
        raise _unreadable(text, f"{name} ends with a case for all other inputs, such as (0, True)")
    return cases


def _choice(
    cases: list[tuple[ast.expr, ast.expr | None]], text: str, depth: int, scope: _Scope
) -> sympy.Expr:
    if depth > _MAX_DEPTH:
        raise _unreadable(text, f"nested deeper than {_MAX_DEPTH}")
    return sympy.Piecewise(
        *(
            (
                _expression(value, text, depth, scope),
                True if condition is None else _condition(condition, text, depth, scope),
            )
            for value, condition in cases
        )
    )


_COMPARISONS: dict[type, Any] = {
    ast.Lt: sympy.Lt, ast.LtE: sympy.Le, ast.Gt: sympy.Gt, ast.GtE: sympy.Ge, ast.Eq: sympy.Eq,
    ast.NotEq: sympy.Ne,
}  # fmt: skip


def _condition(node: ast.expr, text: str, depth: int, scope: _Scope) -> Any:
    """A comparison, or several joined by and, or."""
    if depth <= _MAX_DEPTH and isinstance(node, ast.BoolOp):
        join = sympy.And if isinstance(node.op, ast.And) else sympy.Or
        return join(*(_condition(v, text, depth + 1, scope) for v in node.values))
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
        sides = [_expression(v, text, depth + 1, scope) for v in (node.left, *node.comparators)]
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        return sympy.And(*(_COMPARISONS[type(op)](a, b) for op, a, b in pairs))
    piece = ast.get_source_segment(text, node) or type(node).__name__
    raise _unreadable(text, f"{quoted(piece)} is no comparison, such as x > 0")


def _number(node: ast.Constant, text: str) -> sympy.Expr:
    literal = ast.get_source_segment(text, node) or repr(node.value)
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _unreadable(text, f"{quoted(literal)} is not a number")
    too_large = isinstance(value, float) and not np.isfinite(value)
    too_small = value == 0 and re.search(r"[1-9]", re.split("[eE]", literal)[0]) is not None
    if too_large or too_small or len(literal) > _MAX_NUMBER:
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
    where = "" if name == text else f" in {_said(text)}"
    if name.lower() in JUMPS:
        raise ValueError(f"target: {_jumps(name, where)}")
    if name.lower() in FUNCTIONS:
        raise ValueError(
            f"target: {name!r} is a function{where.replace(' in', ', in')}; "
            f"write what it is of, such as {FUNCTIONS[name.lower()].example}"
        )
    if name in NAMES and name != text:
        raise ValueError(
            f"target: {name!r} names a whole function{where.replace(' in', ', in')}; "
            f"write it out: {NAMES[name]}"
        )
    raise ValueError(
        f"target: unknown name {quoted(name)}{where}; "
        + _hint(name, {**NAMES, **FUNCTIONS}, "known names", CATALOGUE)
    )


def _jumps(name: str, where: str) -> str:
    ramp = JUMPS[name.lower()]
    return f"{name}{where} jumps, and a network is continuous; a steep ramp comes near it, such as {ramp}"


def _hint(name: str, near: Iterable[str], what: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.lower(), near, n=3)
    if close:
        return f"did you mean {alternatives(close)}?"
    variables = "; variables are single letters, or x1, x2, ..." if what == "known names" else ""
    if variables and (factors := re.fullmatch(r"([A-Za-z]\d*)([A-Za-z]\d*)", name)):
        variables += f"; a product is written {factors[1]}*{factors[2]}"
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
            raise _unreadable(
                text,
                f"division by {quoted(below)}, which may be 0: it has no value there, as a network has; "
                "circuitkit.approximate comes near it on a box where it has one",
            )
        return left / right
    if isinstance(op, ast.Pow):
        # Small powers of variables only: 9**9**9 would never come back.
        if left.free_symbols and right.is_Integer and 0 <= right <= 16:
            return left**right
        if scope.conditions is not None:
            return _power(node, left, right, text, scope.conditions)
        raise _unreadable(text, "** takes a variable part and a whole power 0 to 16")
    if isinstance(op, (ast.Mod, ast.FloorDiv)):
        name = "mod" if isinstance(op, ast.Mod) else "floor"
        raise ValueError(f"target: {_jumps(name, f' in {_said(text)}')}")
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
    lower = ALIASES.get(name.lower(), name.lower())
    if lower in STEPS and len(arguments) == 1 and not isinstance(arguments[0], list):
        return STEPS[lower](arguments[0])
    if lower in JUMPS:
        raise ValueError(f"target: {_jumps(name, f' in {_said(text)}')}")
    if lower not in FUNCTIONS:
        hint = _hint(name, {**FUNCTIONS, **ALIASES}, "known functions", FUNCTIONS)
        raise ValueError(f"target: unknown function {quoted(name)} in {_said(text)}; {hint}")
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
