"""Numbers and names as text, the same in every sentence of this package."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, Literal, TypeAlias

__all__ = [
    "FLOAT_DIGITS",
    "alternatives",
    "count",
    "dashes",
    "drawn",
    "ends",
    "exactly",
    "float_above",
    "float_below",
    "input_names",
    "interval",
    "is_double",
    "is_said",
    "larger",
    "nearest_float",
    "number",
    "numbers",
    "output_names",
    "pretty",
    "quoted",
    "together",
    "vector",
    "vectors",
    "with_decimals",
]

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_MINUS = "\N{MINUS SIGN}"
#: significant digits of a number in a sentence, where fewer do not say something false
_DIGITS = 4
#: that tell any two doubles apart
FLOAT_DIGITS = 17
#: digits beyond which two numbers that differ are written as fractions
_MOST_DIGITS = 40

#: which way a number is rounded: an upper bound up, a lower bound down, so that what is said stays true
Rounding: TypeAlias = Literal["nearest", "up", "down"]
_ROUNDINGS = {"nearest": ROUND_HALF_EVEN, "up": ROUND_CEILING, "down": ROUND_FLOOR}


# --- numbers in sentences -----------------------------------------------------------------------------


def nearest_float(value: float | Fraction) -> float:
    """The nearest float, infinite where a number is beyond them.

    Example:
        >>> nearest_float(Fraction(1, 4)), nearest_float(-(10**400))
        (0.25, -inf)
    """
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def is_double(value: float | Fraction) -> bool:
    """Whether a float is just that number.

    Example:
        >>> is_double(Fraction(1, 4)), is_double(Fraction(1, 3)), is_double(10**400)
        (True, False, False)
    """
    near = nearest_float(value)
    return math.isfinite(near) and Fraction(near) == value


def float_above(value: float | Fraction) -> float:
    """The least float that is not below a number, infinite beyond the largest: an upper bound.

    Example:
        >>> float_above(Fraction(1, 10**400)), float_above(10**400), float_above(0.5)
        (5e-324, inf, 0.5)
    """
    nearest = nearest_float(value)
    if math.isinf(nearest):
        return nearest if value > 0 else max(nearest, -sys.float_info.max)
    return nearest if Fraction(nearest) >= value else math.nextafter(nearest, math.inf)


def float_below(value: float | Fraction) -> float:
    """The largest float that is not above a number: a lower bound.

    Example:
        >>> float_below(Fraction(1, 10**400)), float_below(10**400) == sys.float_info.max
        (0.0, True)
    """
    return -float_above(-value) + 0.0


def number(
    value: float | Fraction, digits: int = _DIGITS, *, rounding: Rounding = "nearest"
) -> str:
    """A number for a sentence: whole ones as they are, others with ``digits`` significant digits.

    Example:
        >>> number(3.0), number(Fraction(1, 3)), number(0.00081512), number(math.inf)
        ('3', '0.3333', '0.0008151', 'inf')
        >>> number(0.015625, rounding="up"), number(0.015625, rounding="down")
        ('0.01563', '0.01562')
    """
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    exact = Fraction(value)
    if exact.denominator == 1 and abs(exact) < 10 ** max(6, digits):
        return str(exact.numerator)
    context = Context(prec=digits, rounding=_ROUNDINGS[rounding])
    decimal = context.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    nearest = nearest_float(Fraction(decimal))
    if digits <= 17 and nearest and math.isfinite(nearest):
        text = f"{nearest:.{digits}g}"
        if Fraction(text) == Fraction(decimal):
            return text
    return f"{context.normalize(decimal):g}"


def exactly(value: float | Fraction) -> str:
    """A double in as many digits as it takes to be that one; another number as a fraction, where that is short.

    Example:
        >>> exactly(1.0), exactly(0.1), exactly(1 + 2**-52), exactly(Fraction(4, 3))
        ('1', '0.1', '1.0000000000000002', '4/3')
    """
    exact = Fraction(value)
    for digits in range(1, FLOAT_DIGITS + 1):
        text = number(exact, digits)
        near = nearest_float(Fraction(text))
        if exact == Fraction(text) or (math.isfinite(near) and exact == Fraction(near)):
            return text
    short = max(abs(exact.numerator), exact.denominator) < 10**6
    return str(exact) if short else number(exact, FLOAT_DIGITS)


def ends(
    low: float | Fraction, high: float | Fraction, digits: int | None = None
) -> tuple[str, str]:
    """The ends of an interval in words, and no input between them that is not in it.

    Each is written so that it can be read back, a double in its own digits. With ``digits``, or where a
    fraction is long, it is rounded inwards, so little that a thousandth of the interval is lost at most.

    Example:
        >>> ends(Fraction(1, 3), 123456.4), ends(-0.333333333333333, 1e9, digits=4)
        (('1/3', '123456.4'), ('-0.3333', '1e+09'))
        >>> ends(1e9, 1e9 + 3, digits=4), ends(1, 1 + Fraction(1, 10**30))
        (('1e+09', '1000000003'), ('1', '1.000000000000000000000000000001'))
        >>> ends(1, 1 + 2**-52), ends(5e-324, 1e-323)
        (('1', '1.0000000000000002'), ('5e-324', '1e-323'))
    """
    first, last = Fraction(low), Fraction(high)
    texts = [_end(v, digits) for v in (first, last)]
    width = last - first
    if not width:
        about = texts[0] or f"about {number(first, digits or FLOAT_DIGITS)}"
        return about, about
    many = digits or FLOAT_DIGITS
    while True:
        rounded = (number(first, many, rounding="up"), number(last, many, rounding="down"))
        lost = [
            abs(Fraction(other) - end)
            for text, other, end in zip(texts, rounded, (first, last), strict=True)
            # A text that stands is read back as that end, no matter how few its digits are.
            if text is None
        ]
        if sum(lost) <= width / 1000:
            a, b = (text or other for text, other in zip(texts, rounded, strict=True))
            return a, b
        many += 1


def interval(
    low: float | Fraction | None, high: float | Fraction | None, digits: int | None = None
) -> str:
    """An interval in words, as :func:`ends` writes them; None where it has no end.

    Example:
        >>> interval(0, Fraction(1, 3)), interval(None, 2.5), interval(1, 1)
        ('[0, 1/3]', '(-inf, 2.5]', '{1}')
    """
    if low is not None and high is not None:
        a, b = ends(low, high, digits)
        return f"{{{a}}}" if low == high else f"[{a}, {b}]"
    many = digits or FLOAT_DIGITS
    if low is not None:
        return f"[{_end(Fraction(low), digits) or number(low, many, rounding='up')}, inf)"
    if high is not None:
        return f"(-inf, {_end(Fraction(high), digits) or number(high, many, rounding='down')}]"
    return "(-inf, inf)"


def is_said(value: float | Fraction) -> bool:
    """Whether :func:`exactly` says just that number.

    Example:
        >>> is_said(0.1), is_said(Fraction(1, 3)), is_said(Fraction(1, 3**40))
        (True, True, False)
    """
    exact = Fraction(value)
    return is_double(exact) or Fraction(exactly(exact)) == exact


def _end(value: Fraction, digits: int | None) -> str | None:
    """An end that can be read back, where that is short enough."""
    text = exactly(value)
    short = digits is None or len(text.strip("-")) <= digits + 1
    return text if short and is_said(value) else None


def numbers(*values: float | Fraction) -> list[str]:
    """Numbers that stand in one sentence: as many digits as it takes to tell different ones apart.

    Where forty do not tell them apart, one is written as the other and their difference.

    Example:
        >>> numbers(1.0, 0.5, Fraction(1, 3)), numbers(1.0, 1.00001)
        (['1', '0.5', '0.3333'], ['1', '1.00001'])
        >>> numbers(2, 2 + Fraction(1, 10**300))
        ['2', '2 + 1e-300']
    """
    exact = [v if isinstance(v, float) and not math.isfinite(v) else Fraction(v) for v in values]
    for digits in range(_DIGITS, _MOST_DIGITS):
        texts = [number(v, digits) for v in values]
        if len(set(texts)) == len({v if isinstance(v, Fraction) else str(v) for v in exact}):
            return texts
    return _by_differences(exact)


def _by_differences(values: Sequence[float | Fraction]) -> list[str]:
    shown: dict[float | Fraction, str] = {}
    for v in values:
        if v not in shown:
            text = _short(v)
            base = next((b for b, t in shown.items() if t == text), None)
            for digits in range(_DIGITS, _MOST_DIGITS) if base is not None else ():
                difference = number(abs(Fraction(v) - Fraction(base or 0)), digits)
                text = f"{shown[base]} {'+' if v > base else '-'} {difference}"  # type: ignore[index,operator]
                if text not in shown.values():
                    break
            shown[v] = text
    return [shown[v] for v in values]


def _short(value: float | Fraction) -> str:
    """A number exactly, where that is short."""
    if isinstance(value, float):
        return str(value)
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    text = str(value) if bits < 4 * _MOST_DIGITS else ""
    return text if 0 < len(text) <= _MOST_DIGITS else number(value)


def larger(
    above: Fraction, below: Fraction, *, rounding: Rounding = "nearest", digits: int = _DIGITS
) -> tuple[str, str]:
    """Two numbers, the first of them larger, with as many digits as it takes to read so.

    Args:
        above: the larger number.
        below: the smaller one.
        rounding: how the larger one is rounded.
        digits: how many they have at least.

    Example:
        >>> larger(Fraction("0.00100001"), Fraction("0.001")), larger(Fraction(2, 3), Fraction(0))
        (('0.00100001', '0.001'), ('0.6667', '0'))
    """
    for many in range(digits, _MOST_DIGITS):
        texts = number(above, many, rounding=rounding), number(below, many)
        if Fraction(texts[0]) > Fraction(texts[1]):
            return texts
    base = number(below)
    return f"{base} + {number(above - below, rounding=rounding)}", base


def vector(values: Iterable[float | Fraction]) -> str:
    """One number, or ``(1, -2)``.

    Example:
        >>> vector([3.0]), vector([1.0, -2.5])
        ('3', '(1, -2.5)')
    """
    return vectors(list(values))[0]


def vectors(*points: Sequence[float | Fraction]) -> list[str]:
    """Several vectors in one sentence, told apart as in :func:`numbers`.

    Example:
        >>> vectors([1.0, 2.0], [1.0, 2.000001])
        ['(1, 2)', '(1, 2.000001)']
    """
    texts = iter(numbers(*(v for point in points for v in point)))
    written = [[next(texts) for _ in point] for point in points]
    return [together(t) for t in written]


def together(texts: Sequence[str]) -> str:
    """One text as it is, several as ``(a, b)``.

    Example:
        >>> together(["a"]), together(["a", "b"])
        ('a', '(a, b)')
    """
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def with_decimals(text: str) -> str:
    """An expression with decimals for those fractions whose denominators are above 10 and that are short so.

    Example:
        >>> with_decimals("abs(x - 37/100) + 3*x/20 + 1/3 - 4*x1/7")
        'abs(x - 0.37) + 0.15*x + 1/3 - 4*x1/7'
    """

    def decimal(top: str, bottom: str) -> str | None:
        value = Fraction(int(top), int(bottom))
        digits = number(value, 12)
        return digits if value.denominator > 10 and Fraction(digits) == value else None

    def factor(found: re.Match[str]) -> str:
        digits = decimal(found[1] or "1", found[3])
        return f"{digits}*{found[2]}" if digits else found[0]

    def alone(found: re.Match[str]) -> str:
        return decimal(found[1], found[2]) or found[0]

    text = re.sub(r"(?:(?<![\w.])(\d+)\*)?\b([a-z]\d*)/(\d+)\b", factor, text)
    return re.sub(r"(?<![\w.)/])(\d+)/(\d+)\b(?![*.])", alone, text)


def count(n: int, noun: str) -> str:
    """``"1 input"``, ``"2 inputs"``."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


# --- names --------------------------------------------------------------------------------------------


def dashes(sizes: Iterable[int]) -> str:
    """Layer sizes as the field writes them: ``2-3-1``."""
    return "-".join(map(str, sizes))


def input_names(n: int) -> list[str]:
    """``x``, or ``x1, x2, ...``."""
    return _names("x", n)


def output_names(n: int) -> list[str]:
    """``y``, or ``y1, y2, ...``."""
    return _names("y", n)


def _names(letter: str, n: int) -> list[str]:
    return [letter] if n == 1 else [f"{letter}{i + 1}" for i in range(n)]


def quoted(text: str, most: int = 60) -> str:
    """``text`` in quotation marks, a long one cut off."""
    return repr(text if len(text) <= most else text[: most - 3] + "...")


def alternatives(values: Iterable[Any]) -> str:
    """``'a', 'b' or 'c'``."""
    *first, last = map(repr, values)
    return f"{', '.join(first)} or {last}" if first else last


# --- in figures ---------------------------------------------------------------------------------------


def drawn(value: float) -> str:
    """A number in few characters: ``1``, ``0.5``, ``−0.92``, and ``1.00`` for what is not quite 1.

    Example:
        >>> [drawn(v) for v in (1.0, 0.5, 1.0035, -0.9192, 0.0003, 2e-7, 12345.6)]
        ['1', '0.5', '1.00', '−0.92', '0.0003', '2e−7', '1.2e4']
        >>> drawn(-math.inf)  # beyond the doubles
        '−∞'
    """
    v = float(value) + 0.0
    if not math.isfinite(v):
        text = str(v).replace("inf", "∞")
    elif v == int(v) and abs(v) < 10_000:
        text = str(int(v))
    elif abs(v) >= 10_000 or abs(v) < 5e-5:
        mantissa, exponent = f"{v:.1e}".split("e")
        text = f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    elif abs(v) < 0.005:
        text = f"{v:.4f}".rstrip("0")
    elif abs(v) >= 100:
        text = f"{v:.0f}"
    else:
        text = f"{v:.2f}"
        # Zeros at the end say "about"; an exact 0.5 has none.
        if math.isclose(float(text), v, rel_tol=1e-12):
            text = text.rstrip("0").rstrip(".")
    return text.replace("-", _MINUS)


def pretty(name: str) -> str:
    """A name as it is drawn: ``x1>x2`` as ``x₁ > x₂``, a true minus sign; ``$...$`` is left alone.

    Example:
        >>> pretty("x1>x2"), pretty("-(x)")
        ('x₁ > x₂', '−(x)')
    """
    if "$" in name:
        return name
    name = re.sub(
        r"(?<![A-Za-z])([a-z])_?(\d+)\b", lambda m: m[1] + m[2].translate(_SUBSCRIPTS), name
    )
    name = name.replace(">=", "≥").replace("<=", "≤")
    if re.search(r"\w\s*[<>≤≥]\s*\w", name):
        name = re.sub(r"\s*([<>≤≥])\s*", r" \1 ", name)
    return re.sub(r"-(?![A-Za-z]{2})", _MINUS, name)
