"""The functions that networks are asked to compute, as SymPy expressions and numpy callables.

This module is a leaf: it needs numpy and SymPy alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from circuitkit.checks import (
    accepts,
    array,
    instance,
    made_by,
    several,
    shown,
    string,
    wrong,
    wrong_type,
)
from circuitkit.functions.catalogue import NAMES
from circuitkit.functions.joined import CONDITIONS
from circuitkit.functions.language import parse, positions
from circuitkit.functions.pieces import (
    NotPiecewiseLinear,
    Pieces,
    bottom_up,
    parts_of,
    pieces_of,
    settled,
)
from circuitkit.functions.trees import Tree
from circuitkit.words import input_names, nearest_float, number, together

__all__ = ["Target", "TargetLike", "need_function", "said", "spelled", "target", "written"]


#: a number of more digits is not read, and not written out
_MOST_DIGITS = 400
#: what expressions are made of, all that is compiled for numpy
_COMPUTED = (
    sympy.Symbol, sympy.Number, sympy.NumberSymbol, sympy.Add, sympy.Mul, sympy.Pow,
    sympy.Piecewise, ExprCondPair, sympy.ITE, Boolean,
    sympy.Abs, sympy.Min, sympy.Max, sympy.exp, sympy.log, sympy.sign, sympy.floor, sympy.ceiling,
    sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos, sympy.atan, sympy.atan2, sympy.sinc,
    sympy.sinh, sympy.cosh, sympy.tanh, sympy.asinh, sympy.acosh, sympy.atanh,
    sympy.Mod, sympy.frac, sympy.Heaviside,
)  # fmt: skip
#: and one of more digits is not written out in a sentence
_IN_A_SENTENCE = 20
#: what is told of a symbol rather than what follows from it, to name it in an error
_ASSUMPTIONS = ("positive", "negative", "nonnegative", "nonpositive", "integer", "rational")


class Target:
    r"""A function :math:`f: \mathbb{R}^n \to \mathbb{R}^m`, exact as an expression, fast as a callable.

    Args:
        expression: a SymPy expression, or several for a function with several outputs. Its
            variables are ``x`` for a function of one number and ``x1, x2, ...`` for more.
        variables: the variables in the order of the inputs, where they are called something else,
            or where the function takes inputs that it does not use.
        name: what to call it; by default the expression's text.
        text: what it was read from, if it was; certificates number its parts in this order.

    Raises:
        TypeError: ``expression`` is not SymPy, or an expression has no numeric value (a relation).
        ValueError: variables that cannot be any real number (``sympy.Symbol("x", positive=True)``:
            what SymPy simplified with that need not be true here), variables that are not ``x`` or ``x1, x2, ...`` while ``variables`` is not given,
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

    @accepts(
        variables=several(
            instance((sympy.Symbol, str), "a symbol or its name"), "a list of symbols"
        ),
        name=string("a name"),
        text=string("text"),
    )
    def __init__(
        self,
        expression: sympy.Expr | Sequence[sympy.Expr],
        *,
        variables: Sequence[sympy.Symbol] | None = None,
        name: str | None = None,
        text: str | None = None,
    ) -> None:
        outputs = (
            list(expression) if isinstance(expression, (Sequence, sympy.Tuple)) else [expression]
        )
        if not outputs:
            raise wrong(
                "expression", "at least one output", f"an empty {type(expression).__name__}"
            )
        outputs = [_cases(o) if isinstance(o, sympy.ITE) else o for o in outputs]
        for output in outputs:
            _check_expression(output)
        _check_symbols([*(s for e in outputs for s in e.free_symbols), *(variables or ())])
        names = _input_names(outputs, variables)
        n = len(names)
        self._spelled = tuple(names)
        self._variables = _variables(n)
        renamed = dict(zip(names, self._variables, strict=True))
        self._outputs = tuple(settled(sympy.sympify(_renamed(e, renamed))) for e in outputs)
        self._name = name
        self._read_from = text

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
    def text(self) -> str | None:
        """The text that it was read from, where the checker reads it, too; else None."""
        return self._read_from

    @property
    def latex(self) -> str:
        r"""The expression for a formula, ``|x|`` as ``\left|{x}\right|``."""
        return str(sympy.latex(self.expression))

    @cached_property
    def _normal_form(self) -> Pieces | NotPiecewiseLinear:
        try:
            return pieces_of(self._outputs, self._variables)
        except NotPiecewiseLinear as problem:
            return problem

    @property
    def is_piecewise_linear(self) -> bool:
        """Whether it is made of numbers, ``+ -``, multiples, ``abs``, ``min`` and ``max``.

        Products count where they are linear once they are multiplied out.

        Example:
            >>> target("min(x1, 3*abs(x2))").is_piecewise_linear
            True
            >>> target("x**2").is_piecewise_linear
            False
        """
        return isinstance(self._normal_form, Pieces)

    @property
    def pieces(self) -> Pieces:
        """The normal form of a piecewise-linear function, made once.

        Raises:
            ValueError: the function is not piecewise linear.
        """
        if isinstance(self._normal_form, Pieces):
            return self._normal_form
        raise self._not_exact("a piecewise linear function", self._normal_form)

    @property
    def exact_pieces(self) -> Pieces:
        """The normal form where all of its numbers are fractions, so that it can be decided exactly.

        Raises:
            ValueError: the function is not piecewise linear, or has a number that is no fraction.
        """
        form = self._normal_form
        wanted = "a piecewise linear function with rational numbers"
        if not isinstance(form, Pieces):
            raise self._not_exact(wanted, form)
        if form.rounded:
            raise self._not_exact(wanted, form.rounded[0])
        return form

    def _not_exact(self, wanted: str, problem: NotPiecewiseLinear | sympy.Expr) -> ValueError:
        what = f"{wanted} (numbers, + -, multiples, abs, min, max)"
        if not isinstance(problem, NotPiecewiseLinear):
            why = f"{spelled(problem)} is not, as it is written; only those can be proved exactly"
        elif problem.jump:
            why = f"it jumps {problem.jump}, and a network of ReLU units is continuous"
        else:
            why = (
                f"{spelled(problem.part)} is not, as it is written; only those can be proved exactly; "
                f"{_instead(problem.part)}"
            )
        return ValueError(f"target: expected {what}, got {self}: {why}")

    @cached_property
    def _call(self) -> Callable[..., Any]:
        # Min and Max by names of our own: what SymPy prints for them differs between its versions, and
        # the older ones cannot mix arrays and numbers. Nor may its cse simplify them once more: of 256
        # arguments that takes a minute.
        call: Callable[..., Any] = sympy.lambdify(
            self._variables,
            [_with_own_extrema(e) for e in self._outputs],
            modules=[{"smallest": _reduce(np.minimum), "largest": _reduce(np.maximum)}, "numpy"],
            cse=True,
        )
        return call

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
        values = array(x, "x")
        n = self.n_inputs
        if values.ndim == 0 and n == 1:
            values = values.reshape(1)
        if values.ndim == 0 or values.shape[-1] != n:
            raise wrong("x", f"shape (..., {n})", f"shape {values.shape}")
        if not np.isfinite(values).all():
            raise wrong("x", "finite numbers", "inf or nan")
        columns = [values[..., i] for i in range(n)]
        with np.errstate(all="ignore"):
            outputs = [_as_array(y) for y in self._call(*columns)]
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
    def __getstate__(self) -> dict[str, Any]:
        state = {k: v for k, v in self.__dict__.items() if k not in ("_call", "_normal_form")}
        return {**state, "_outputs": Tree(self._outputs)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _outputs=state["_outputs"].expressions())

    def __str__(self) -> str:
        """The expression as :func:`target` reads it: ``min(x1, abs(x2))``."""
        return together([spelled(e) for e in self._outputs])

    @property
    def said(self) -> str:
        """The expression for a sentence, where a number of more than 20 digits is shortened."""
        return together([said(e) for e in self._outputs])

    def __repr__(self) -> str:
        arguments = ", ".join(v.name for v in self._variables)
        label = f"{self._name}: " if self._name is not None else ""
        where = ""
        if self._spelled != tuple(v.name for v in self._variables):
            pairs = zip(self._variables, self._spelled, strict=True)
            where = f", where {', '.join(f'{v} = {name}' for v, name in pairs)}"
        return f"Target({label}f({arguments}) = {self}{where})"


def _instead(part: sympy.Expr) -> str:
    """What to do about a part that has no exact network."""
    if isinstance(part, (*CONDITIONS, sympy.floor, sympy.ceiling, sympy.Mod, sympy.frac)):
        return "a steep ramp, such as clamp(100*x, 0, 1), comes near one that jumps"
    return "circuitkit.approximate makes one that is proved to come near it on a box"


#: a function in any of the forms that :func:`target` takes, made a Target
FUNCTION = made_by(
    lambda name, value: target(value),
    says=("target",),
    right="min",
    wrong=(
        "nonsense(x)",
        "",
        3,
        None,
        {"min"},
        [],
        (),
        [1, 2],
        ["x1", 3],
        [None],
        sympy.oo,
        sympy.Symbol("x", positive=True),
    ),
)

#: Whatever :func:`target` takes.
TargetLike: TypeAlias = "Target | str | sympy.Expr | Sequence[sympy.Expr]"


def target(t: TargetLike) -> Target:
    r"""The function that ``t`` names or spells.

    Args:
        t: a name of ``circuitkit.catalogue`` (``"identity" "abs" "min" "median_of_three" ...``), a
            :class:`Target`, a SymPy expression, or a string such as ``"min(x1, abs(x2))"`` (or a list
            of either, one an output). Strings know numbers, variables, ``+ - * / **``, and ``abs min max
            relu leaky_relu clamp clip hat mean median range sort gap norm1 norminf``,
            ``interpolate(x, (0, 0), (1, 2))`` (straight between points, level beyond them), ``sin cos
            tan atan sinh cosh tanh sigmoid softplus exp log sqrt``; a comma between expressions separates
            outputs. Choices are read where the function is continuous and made of straight pieces:
            ``x if x > 0 else 0``, ``Piecewise((x, x > 0), (0, True))``, ``x*sign(x)``,
            ``x*Heaviside(x)``. Text is read as people type it (``|x|``, ``2x``, ``x^2``, ``x₁``, ``\max(x_1, x_2)``) by a parser of this
            book and never evaluated as Python. Decimals are exact: ``0.1`` is one tenth. Variables are
            ``x``, or ``x1, x2, ...``; other letters become these in the order in which they come, and
            ``x0, x1, ...`` as they are counted, which the function's ``repr`` says.

    Raises:
        TypeError: ``t`` is none of these.
        ValueError: an unknown name (close matches are listed), or text that cannot be read, or that
            jumps (it says where).

    Example:
        >>> target("min")
        Target(min: f(x1, x2) = min(x1, x2))
        >>> target("clamp(2*x, -1, 1)")
        Target(f(x) = min(1, max(-1, 2*x)))
        >>> target("|a - b|/2")
        Target(f(x1, x2) = abs(x1 - x2)/2, where x1 = a, x2 = b)
        >>> target("x if x > 0 else x/2")
        Target(f(x) = max(x/2, x))
        >>> target("idnetity")
        Traceback (most recent call last):
        ...
        ValueError: target: unknown name 'idnetity'; did you mean 'identity'?
    """
    need_function(t)
    if isinstance(t, Target):
        return t
    if isinstance(t, str):
        return _from_text(t.strip())
    if isinstance(t, (list, tuple)) and any(isinstance(part, str) for part in t):
        return _from_texts(t)
    try:
        return Target(t)
    except (TypeError, ValueError) as error:
        own, _, rest = str(error).partition(": ")
        if own != "expression":  # what a Target is made of is called so there, and nowhere else
            raise
        raise type(error)(f"target: {rest}") from None


def need_function(t: Any, *others: str) -> None:
    """Refuse what :func:`target` cannot take for a function.

    Args:
        t: what stands for a function.
        others: what else would do, for the message.

    Raises:
        TypeError: it is of no kind that stands for one.
    """
    if isinstance(t, (Target, str, sympy.Expr, sympy.ITE)):
        return
    listed = isinstance(t, (list, tuple, sympy.Tuple))
    if listed and all(isinstance(part, (str, sympy.Expr, sympy.ITE)) for part in t):
        return
    kinds = ["a catalogue name", "an expression as text", "a SymPy expression", "a Target", *others]
    several = "a list of texts or of SymPy expressions"
    kinds = [several, *kinds] if listed else [*kinds, several]
    expected = f"{', '.join(kinds[:-1])} or {kinds[-1]}"
    raise wrong_type("target", expected, shown(t) if listed else type(t).__name__)


def _cases(e: Any) -> Any:
    """``ITE(condition, value, other)`` as cases; to SymPy it chooses truth values, 0 among them."""
    if isinstance(e, sympy.ITE):
        condition, value, other = e.args
        return sympy.Piecewise((_cases(value), condition), (_cases(other), True))
    return sympy.Integer(bool(e)) if e in (sympy.true, sympy.false) else e


def _check_expression(e: Any) -> None:
    if isinstance(e, sympy.Lambda):
        raise wrong_type("expression", "a SymPy expression", f"{e}; give what it returns")
    if not isinstance(e, sympy.Expr):
        raise wrong_type("expression", "a SymPy expression", type(e).__name__)
    if e.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I):
        raise wrong("expression", "a real, finite function", e)
    for part in parts_of(e, numbers=True):
        if not isinstance(part, _COMPUTED):
            expected = "functions that numpy computes, such as abs, min, exp and sin"
            raise wrong("expression", expected, shown(part))


def _check_symbols(symbols: Iterable[Any]) -> None:
    """SymPy has already used what it was told of a symbol: of x > 0 it makes max(x, 0) = x."""
    real = sympy.Symbol("x", real=True).assumptions0
    for symbol in symbols:
        if not isinstance(symbol, sympy.Symbol):
            continue
        told = {k: v for k, v in symbol.assumptions0.items() if real.get(k) != v}
        if told:
            name = next((k for k in _ASSUMPTIONS if told.get(k)), min(told))
            raise ValueError(
                f"expression: expected variables that may be any real number, got {symbol} with "
                f"{name}={told[name]}; make them with sympy.Symbol({symbol.name!r}, real=True)"
            )


def _from_texts(texts: Sequence[Any]) -> Target:
    """One output for each text."""
    for text in texts:
        if not isinstance(text, str):
            raise wrong_type(
                "target", "a list of texts or of SymPy expressions, not of both", shown(text)
            )
        if target(text).n_outputs > 1:
            raise wrong("target", "one output for each text of a list", repr(text))
    return _from_text(f"[{', '.join(NAMES.get(text, text) for text in texts)}]")


@lru_cache(maxsize=256)
def _from_text(text: str) -> Target:
    known = text in NAMES
    spelling = NAMES[text] if known else text
    read = parse(spelling)
    return Target(
        read.outputs, variables=read.variables, name=text if known else None, text=read.text
    )


def _renamed(e: sympy.Expr, names: dict[str, sympy.Symbol]) -> sympy.Expr:
    # SymPy simplifies whatever it replaces in anew, slowly: leave expressions that need nothing alone.
    changed = {s: names[s.name] for s in e.free_symbols if s != names[s.name]}
    return e.xreplace(changed) if changed else e


def _variables(n: int) -> tuple[sympy.Symbol, ...]:
    return tuple(sympy.Symbol(name, real=True) for name in input_names(n))


def _input_names(
    outputs: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol] | None
) -> list[str]:
    """The names of the inputs in order; positions are read off ``x1, x2, ...`` unless given."""
    used = sorted({s.name for e in outputs for s in e.free_symbols})
    if variables is not None:
        names = [v.name if isinstance(v, sympy.Symbol) else str(v) for v in variables]
        missing = [u for u in used if u not in names]
        if missing or not names or len(set(names)) != len(names):
            raise wrong("variables", f"distinct names that include {used}", names)
        return names
    strange = [u for u in used if not re.fullmatch(r"x\d*", u)]
    if strange and len(used) > 1:  # an expression, unlike text, has no order in which they come
        raise wrong(
            "target",
            "the variables x, or x1, x2, ...",
            f"{strange[0]!r}; give their order: Target(..., variables=({', '.join(used)}))",
        )
    return positions(used)


def _with_own_extrema(e: sympy.Expr) -> sympy.Expr:
    own = {sympy.Min: sympy.Function("smallest"), sympy.Max: sympy.Function("largest")}
    made: dict[sympy.Expr, sympy.Expr] = {}
    for part in bottom_up(e):
        arguments = [made.get(a, a) for a in part.args]
        if part.func in own:
            made[part] = own[part.func](*arguments)
        else:
            changed = any(a is not b for a, b in zip(arguments, part.args, strict=True))
            made[part] = part.func(*arguments) if changed else part
    return made[e]


def _reduce(ufunc: np.ufunc) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        result = values[0]
        for value in values[1:]:
            result = ufunc(result, value)
        return result

    return apply


def _as_array(values: Any) -> NDArray[Any]:
    """What the compiled function gave; its whole numbers beyond 64 bits are Python's, no array's.

    NumPy 1 makes an array of Python's numbers of a sum with one of them.
    """
    found = np.asarray(nearest_float(values) if isinstance(values, int) else values)
    return found.astype(np.float64) if found.dtype == object else found


class _Writer(StrPrinter):  # type: ignore[misc]
    """SymPy's text; a number of more than so many digits is ``1e+300``, or about one of four digits."""

    def __init__(self, order: str | None, most: int) -> None:
        super().__init__({"order": order})
        self.most = most

    def is_long(self, e: sympy.Expr) -> bool:
        return bool(e.is_Rational) and _size(e) >= 10**self.most

    def _print_Rational(self, e: sympy.Rational) -> str:  # noqa: N802 (SymPy looks for this name)
        if not self.is_long(e):
            return str(super()._print_Rational(e))
        value = Fraction(int(e.p), int(e.q))
        short = number(value, 16)
        if _size(e) < 10**_MOST_DIGITS and Fraction(short) == value:
            return short
        return f"{'-' if e < 0 else ''}about {number(abs(value))}"

    def _print_Integer(self, e: sympy.Integer) -> str:  # noqa: N802 (SymPy looks for this name)
        return self._print_Rational(e) if self.is_long(e) else str(super()._print_Integer(e))

    def _print_Mul(self, e: sympy.Mul) -> str:  # noqa: N802 (SymPy looks for this name)
        factor, rest = e.as_coeff_Mul()
        if not self.is_long(factor):
            return str(super()._print_Mul(e))
        return f"{self._print(factor)}*{self.parenthesize(rest, PRECEDENCE['Mul'])}"


def _size(e: sympy.Rational) -> int:
    return max(abs(int(e.p)), int(e.q))


def written(e: sympy.Expr, *, order: str | None = None, most: int = _MOST_DIGITS) -> str:
    """The expression as SymPy writes it, numbers of more than ``most`` digits to four of them.

    Example:
        >>> written(sympy.Rational(1, 10**14567) * sympy.Symbol("x"))
        'about 1e-14567*x'
    """
    return str(_Writer(order, most).doprint(e))


def spelled(e: sympy.Expr, *, most: int = _MOST_DIGITS) -> str:
    """The expression in the grammar of :func:`target`, SymPy's capitals lowered."""
    text = written(e, order="none", most=most)
    return re.sub(r"\b(Min|Max|Abs)\(", lambda m: m.group(0).lower(), text)


def said(e: sympy.Expr) -> str:
    """The expression for a sentence, where a number of more than 20 digits is shortened.

    Example:
        >>> said(sympy.Integer(2) ** 99 * sympy.Symbol("x")), said(sympy.Symbol("x") / 10**30)
        ('about 6.338e+29*x', '1e-30*x')
    """
    return spelled(e, most=_IN_A_SENTENCE)
