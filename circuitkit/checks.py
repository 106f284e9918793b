"""What an argument may be, said once: checked when a function is called, and tried by one common test.

::

    @accepts(net=instance(Network), tolerance=number(least=0))
    def detect(net, *, tolerance=1e-2): ...

A :class:`Kind` is data: how to take a value, one that will do, and some that will not. Every message reads
``name: expected ..., got ...``: TypeError where the type is wrong, ValueError where the value is. What depends
on several arguments stays in the function, which raises what :func:`wrong` or :func:`wrong_type` returns.

Source: scikit-learn's ``_param_validation``, for constraints as data and the common test.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import os
import reprlib
import sys
from collections.abc import Callable, Iterable, Mapping, MappingView, Set
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from circuitkit import words

__all__ = [
    "BYTES",
    "LARGEST_DRAWN",
    "SMALLEST_DRAWN",
    "Kind",
    "accepted",
    "accepts",
    "array",
    "count_or_list",
    "detached",
    "double",
    "finite",
    "finite_vector",
    "flag",
    "has_no_numbers",
    "instance",
    "interval",
    "is_list",
    "is_real",
    "is_unordered",
    "is_whole",
    "listed",
    "made_by",
    "made_with",
    "number",
    "one_of",
    "optional",
    "path",
    "possible_path",
    "runner",
    "seconds",
    "several",
    "shown",
    "string",
    "vector",
    "whole",
    "wrong",
    "wrong_type",
]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)
Array = NDArray[np.float64]

#: what is drawn is no larger: Matplotlib goes some steps beyond its axes' ends
LARGEST_DRAWN = 1e300
#: and no axis is shorter: below some 1e-287 Matplotlib takes its ends for one
SMALLEST_DRAWN = 1e-280
#: numbers in an array: two gigabytes; a view of one number may claim a million times as many
_LARGEST = 2**28


# --- errors -------------------------------------------------------------------------------------------


def wrong(name: str, expected: str, got: object) -> ValueError:
    """The error for a value that does not fit."""
    return ValueError(f"{name}: expected {expected}, got {got}")


def wrong_type(name: str, expected: str, got: object) -> TypeError:
    """The error for something of another kind."""
    return TypeError(f"{name}: expected {expected}, got {got}")


class _Repr(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        """Whole numbers shortened: Python writes out none of 5000 digits."""
        return repr(x) if abs(x) < 10**40 else f"about {words.number(x)}"


def shown(value: object) -> str:
    """A value as a message shows it, in at most some 60 characters."""
    writer = _Repr()
    writer.maxstring = writer.maxother = 60
    try:
        return writer.repr(value)
    except (ValueError, RecursionError):  # one of them inside of it, or lists within lists
        return _type(value)


def _type(value: object) -> str:
    return type(value).__name__


# --- what is a number ---------------------------------------------------------------------------------

#: bytes, whose items Python and numpy count from 0 to 255
BYTES = (bytes, bytearray, memoryview)
#: what float() reads though it is no number, or stands for none
_NOT_NUMBERS = (str, *BYTES, bool, np.bool_, np.timedelta64, np.datetime64, np.ma.MaskedArray)
#: lists in lists that are looked into; one may contain itself, twice
_DEEPEST = 8


def is_real(value: object) -> bool:
    """Whether it is a real number; numpy's times say that they are, and truth values are, for Python."""
    return isinstance(value, numbers.Real) and not isinstance(value, _NOT_NUMBERS)


def is_whole(value: object) -> bool:
    """Whether it is an int, or one of numpy's; no truth value and no time."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, _NOT_NUMBERS)


def has_no_numbers(value: object) -> bool:
    """Whether it is bytes, or an array of times, or has masked values: what numpy would take for numbers."""
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value))
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "mM"
    return isinstance(value, (*BYTES, np.timedelta64, np.datetime64))


def is_unordered(value: object) -> bool:
    """Whether it is a set or a mapping: what is listed there stands in an order that nobody chose.

    The keys or the values of a mapping have been asked for, and are in its order.
    """
    return isinstance(value, (Set, Mapping)) and not isinstance(value, MappingView)


def is_list(value: object) -> bool:
    """Whether values are listed in it, in an order: neither text nor a set or mapping."""
    text = isinstance(value, (str, *BYTES))
    return isinstance(value, Iterable) and not text and not is_unordered(value)


def _need_numbers(name: str, value: object, depth: int = 0) -> None:
    """Refuse, within lists too, what numpy would take for numbers."""
    if has_no_numbers(value):
        masked = isinstance(value, np.ma.MaskedArray)
        raise wrong_type(name, "real numbers", "masked values" if masked else _type(value))
    # Among numbers numpy makes numbers of them.
    if isinstance(value, (bool, np.bool_)) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "b"
    ):
        raise wrong_type(name, "real numbers", "booleans")
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        for v in value:
            if type(v) is not float:
                _need_numbers(name, v, depth + 1)


def _float(value: Any) -> float:
    if isinstance(value, _NOT_NUMBERS):
        raise TypeError(_type(value))
    return float(value)


# --- declaring ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """What an argument may be.

    Attributes:
        take: argument's name, value -> the value to go on with; or raises TypeError or ValueError.
        right: a value that will do; a class stands for any instance of it.
        wrong: values that will not.
    """

    take: Callable[[str, Any], Any]
    right: Any
    wrong: tuple[Any, ...]


def accepts(**kinds: Kind) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check arguments when the function is called; one that is its default is not looked at.

    Example:
        >>> @accepts(n=whole(least=1))
        ... def twice(n): return 2 * n
        >>> twice(0)
        Traceback (most recent call last):
        ...
        ValueError: n: expected a whole number, 1 or above, got 0
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        defaults = {name: signature.parameters[name].default for name in kinds}

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                given = signature.bind(*args, **kwargs)
            except TypeError:
                return function(*args, **kwargs)  # Python says best what is missing
            for name, kind in kinds.items():
                value = given.arguments.get(name, defaults[name])
                if value is not defaults[name]:
                    given.arguments[name] = kind.take(name, value)
            return function(*given.args, **given.kwargs)

        checked.__accepts__ = kinds  # type: ignore[attr-defined]
        return checked

    return decorate


def made_with(**kinds: Kind) -> Callable[[C], C]:
    """:func:`accepts` for what a class is made with."""

    def decorate(cls: C) -> C:
        cls.__init__ = accepts(**kinds)(cls.__init__)  # type: ignore[misc]
        return cls

    return decorate


def accepted(function: Callable[..., Any]) -> Mapping[str, Kind]:
    """The kinds that :func:`accepts` gave to a function; none where it was not used."""
    return getattr(function, "__accepts__", {})


# --- kinds --------------------------------------------------------------------------------------------


def instance(cls: type | tuple[type, ...], expected: str = "") -> Kind:
    """An instance of a class, or of one of several."""
    first = cls if isinstance(cls, type) else cls[0]
    expected = expected or f"{'an' if first.__name__[0] in 'AEIOU' else 'a'} {first.__name__}"

    def take(name: str, value: Any) -> Any:
        if not isinstance(value, cls):
            raise wrong_type(name, expected, _type(value))
        return value

    bad = [value for value in ("another thing", None, 3, [1]) if not isinstance(value, cls)]
    return Kind(take, first, tuple(bad))


def number(
    expected: str = "a number",
    *,
    least: float | None = None,
    above: float | None = None,
    infinite: bool = False,
    fits: Callable[[float], bool] = lambda value: True,
    right: float = 0.5,
    bad: tuple[float, ...] = (),
) -> Kind:
    """A real number, finite unless ``infinite``, with a lower bound that it may reach (``least``) or not (``above``).

    What else it must be is asked of ``fits``, with numbers that are (``right``) and are not (``bad``).
    """
    refused: list[Any] = ["1", None, True, [1.0], 1j, math.nan, np.timedelta64(1), *bad]
    refused += [] if infinite else [math.inf]
    refused += [] if least is None else [least - 1]
    refused += [] if above is None else [above, above - 1]
    right += least or above or 0
    expected = _bounded(expected, least, above)

    def take(name: str, value: Any) -> Any:
        if not is_real(value):
            raise wrong_type(name, expected, shown(value))
        low = (least is not None and value < least) or (above is not None and value <= above)
        nearest = words.nearest_float(value)
        if math.isinf(nearest) and value not in (math.inf, -math.inf):
            nearest = sys.float_info.max  # finite, but beyond the doubles
        unbounded = math.isnan(nearest) or (math.isinf(nearest) and not infinite)
        if low or unbounded or not fits(nearest):
            raise wrong(name, expected, shown(value))
        if isinstance(value, np.floating):  # numpy's long double is known to no Fraction
            return nearest if nearest == value else Fraction(*value.as_integer_ratio())
        return value

    return Kind(take, right, tuple(refused))


def _bounded(expected: str, least: float | None, above: float | None) -> str:
    if least is not None:
        return f"{expected}, {words.number(least)} or above"
    return expected if above is None else f"{expected} above {words.number(above)}"


def double(
    expected: str = "a number",
    *,
    least: float | None = None,
    above: float | None = None,
    fits: Callable[[float], bool] = lambda value: True,
    right: float = 0.5,
    bad: tuple[float, ...] = (),
) -> Kind:
    """A finite number, as the float that it is: not beyond the doubles, nor rounded to 0."""
    kind = number(expected, least=least, above=above, fits=fits, right=right, bad=bad)

    def take(name: str, value: Any) -> float:
        nearest = words.nearest_float(kind.take(name, value))
        if math.isinf(nearest) or (nearest == 0 and value != 0):
            bounded = _bounded(expected, least, above)
            raise wrong(name, f"{bounded}, within the range of a double", shown(value))
        return nearest

    return Kind(take, kind.right, (*kind.wrong, 10**400, Fraction(1, 10**400)))


def seconds() -> Kind:
    """How long something may take: a positive float, infinite for what is beyond the floats."""
    kind = number("a number of seconds", above=0, infinite=True)

    def take(name: str, value: Any) -> float:
        return words.nearest_float(kind.take(name, value))

    return Kind(take, kind.right, kind.wrong)


def whole(
    expected: str = "", *, least: int | None = None, most: int | None = None, top: str = ""
) -> Kind:
    """An int, or one of numpy's, within bounds; ``top`` writes the upper one."""
    bad: list[Any] = ["1", None, True, 1.5, [1], np.timedelta64(1)]
    if not expected:
        expected = "a whole number"
        if least is not None and most is not None:
            expected += f" from {least} to {top or most}"
        elif least is not None:
            expected += f", {least} or above"
    bad += [] if least is None else [least - 1]
    bad += [] if most is None else [most + 1]

    def take(name: str, value: Any) -> int:
        if not is_whole(value):
            raise wrong_type(name, expected, shown(value))
        if (least is not None and value < least) or (most is not None and value > most):
            raise wrong(name, expected, shown(value))
        return int(value)

    return Kind(take, 1 if least is None else least, tuple(bad))


def flag() -> Kind:
    """True or False."""

    def take(name: str, value: Any) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise wrong_type(name, "True or False", shown(value))
        return bool(value)

    return Kind(take, True, ("yes", 1, 0.0, [True]))


def string(expected: str = "text", *, empty: bool = False) -> Kind:
    """A str, and not an empty one unless ``empty``."""

    def take(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise wrong_type(name, expected, _type(value))
        if not empty and not value.strip():
            raise wrong(name, expected, "an empty string")
        return value

    return Kind(take, "text", (3, ["text"], b"text", *(() if empty else ("", " "))))


def one_of(*values: Any, expected: str = "") -> Kind:
    """One of a few values."""
    expected = expected or words.alternatives(values)

    def take(name: str, value: Any) -> Any:
        for known in values:
            if type(value) is type(known) and value == known:
                return known
        raise wrong(name, expected, shown(value))

    return Kind(take, values[0], ("none of these", -7, [values[0]]))


def several(kind: Kind, expected: str, *, fewest: int = 0) -> Kind:
    """A list of values of one kind, in order; what is said of one of them is said of ``name[1]``."""

    def take(name: str, value: Any) -> list[Any]:
        if not is_list(value):
            raise wrong_type(name, expected, shown(value))
        if isinstance(value, range) and len(value) > _LARGEST:
            raise wrong(name, expected, shown(value))
        try:
            values = list(value)
        except TypeError:  # an array of no axes says that it is iterable
            raise wrong_type(name, expected, shown(value)) from None
        if len(values) < fewest:
            raise wrong(name, expected, "none" if not values else len(values))
        return [kind.take(f"{name}[{i}]", v) for i, v in enumerate(values)]

    bad = [
        "some text",
        3,
        {"a": 1},
        set(),
        {"a", "b"},
        frozenset({1, 2}),
        bytearray(b"ab"),
        *([v] for v in kind.wrong),
        *([[]] if fewest else []),
    ]
    return Kind(take, [kind.right] * max(1, fewest), tuple(bad))


def count_or_list(
    expected: str, one: Kind, *, most: int, longest: int | None = None
) -> Callable[[str, Any], list[int]]:
    """What takes a count, for the whole numbers below it, or a list of distinct whole numbers, at most ``longest``."""

    def take(name: str, value: Any) -> list[int]:
        if not is_list(value):
            return list(range(whole(expected, least=1, most=most).take(name, value)))
        found: list[int] = several(one, expected, fewest=1).take(name, value)
        if longest is not None and len(found) > longest:
            raise wrong(name, expected, f"{len(found)} of them")
        if len(set(found)) < len(found):
            raise wrong(name, expected, "one of them more than once")
        return found

    return take


def listed(expected: str, *, ordered: bool = True) -> Kind:
    """A list whose entries the function looks at itself; or a set of them, where no order is asked for."""

    def take(name: str, value: Any) -> Any:
        text = isinstance(value, (str, *BYTES, Mapping))
        if text or (ordered and is_unordered(value)) or not isinstance(value, Iterable):
            raise wrong_type(name, expected, _type(value))
        if isinstance(value, range) and len(value) > _LARGEST:
            raise wrong(name, expected, shown(value))
        if getattr(value, "ndim", 1) == 0:  # an array of no axes says that it is iterable
            raise wrong_type(name, expected, shown(value))
        return value

    sets = (set(), {1, 2}, frozenset({1, 2})) if ordered else ()
    return Kind(take, [], ("some text", 3, {"a": 1}, np.array(5.0), memoryview(b"ab"), *sets))


def path() -> Kind:
    """Where a file is."""

    def take(name: str, value: Any) -> str:
        try:
            text = os.fsdecode(value)
        except TypeError:
            raise wrong_type(name, "a path", _type(value)) from None
        return possible_path(name, text)

    return Kind(take, "file", (3, None, ["file"], "\x00", "\ud800"))


def possible_path(name: str, text: str) -> str:
    """A path as it is, if a file can be called so.

    Raises:
        ValueError: there is a null or half a character in it.
    """
    try:
        if b"\x00" not in os.fsencode(text):
            return text
    except UnicodeEncodeError:
        pass
    raise wrong(name, "a path", shown(text))


def runner() -> Kind:
    """An executor, which runs functions elsewhere; Dask's are such, too, though of another class."""

    def take(name: str, value: Any) -> Any:
        if not callable(getattr(value, "submit", None)):
            expected = "a concurrent.futures.Executor (for Dask: client.get_executor())"
            raise wrong_type(name, expected, _type(value))
        return value

    return Kind(take, Executor, (4, "pool"))


def made_by(
    function: Callable[[str, Any], Any],
    *,
    right: Any,
    wrong: tuple[Any, ...],
    says: tuple[str, ...] = (),
) -> Kind:
    """What a function of the argument's name and the value makes something of.

    ``says`` is what the function's own errors call the argument, where that is not its name here.
    """

    def take(name: str, value: Any) -> Any:
        try:
            return function(name, value)
        except (TypeError, ValueError) as error:
            own, _, rest = str(error).partition(": ")
            if own not in says:
                raise
            raise type(error)(f"{name}: {rest}") from None

    return Kind(take, right, wrong)


def interval(*, measured: bool = True, drawn: bool = False) -> Kind:
    """A pair of finite numbers, the lower one first; ``measured``: their difference has to be finite, too.

    ``drawn``: they are the ends of an axis, which no library draws out to the largest and smallest doubles.
    """
    expected = "two finite numbers (low, high) with low < high"

    def take(name: str, value: Any) -> tuple[float, float]:
        try:
            if has_no_numbers(value) or is_unordered(value):
                raise TypeError
            low, high = (_float(v) for v in detached(name, value, within=1))
        except (TypeError, ValueError, OverflowError):
            raise wrong(name, expected, shown(value)) from None
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise wrong(name, expected, shown(value))
        if measured and math.isinf(high - low):
            difference = "a difference within the range of a double"
            raise wrong(name, f"{expected} and {difference}", shown(value))
        if drawn and (max(-low, high) > LARGEST_DRAWN or high - low < SMALLEST_DRAWN):
            sizes = f"not beyond {LARGEST_DRAWN:g} and at least {SMALLEST_DRAWN:g} apart"
            raise wrong(name, f"{expected}, {sizes}", shown(value))
        return low, high

    bad = (
        6,
        "ab",
        *([(-1e308, 1e308)] if measured else []),
        *([(-1e308, 0), (0, 1e308), (0, 5e-324)] if drawn else []),
        (1, 1),
        (2, 1),
        (0, math.inf),
        (math.nan, 1),
        (1, 2, 3),
        {0, 1},
        {0: 1, 1: 2},
        [None, 1],
        ("0", "1"),
        b"ab",
        [np.timedelta64(0), np.timedelta64(1)],
    )
    return Kind(take, (-1, 1), bad)


def vector() -> Kind:
    """Finite real numbers in an array of any shape; the value stays as it is."""
    bad = ("three", ["a"], [math.nan], [math.inf], [[1, 2], [3]], [None], [True], 1j, b"a", bytearray(b"a"),
           memoryview(b"a"), [memoryview(b"a")], [np.timedelta64(1)], [Fraction(1), "2"], [Fraction(1), True], [1, True], [0.5, np.False_], [[1.0], [True]],
           [np.array([True]), [1.0]],
           np.ma.masked_array([1.0, 2.0], [False, True]), [np.ma.masked_array([1.0], [True])])  # fmt: skip

    def take(name: str, value: Any) -> Any:
        finite(value, name)
        return value

    return Kind(take, [1.0], bad)


def optional(kind: Kind) -> Kind:
    """None, or what ``kind`` accepts."""

    def take(name: str, value: Any) -> Any:
        return None if value is None else kind.take(name, value)

    return Kind(take, kind.right, tuple(v for v in kind.wrong if v is not None))


# --- arrays of numbers --------------------------------------------------------------------------------


def array(value: Any, name: str) -> Array:
    """``value`` copied to float64.

    Raises:
        TypeError: it is not numeric.
        ValueError: a ragged list, or a number beyond the doubles.
    """
    value = detached(name, value)
    if isinstance(value, range) and len(value) > _LARGEST:
        raise wrong(name, f"at most {_LARGEST:,} numbers", f"{len(value):,}")
    _need_numbers(name, value)
    try:
        raw = np.asarray(value)
    except ValueError:
        raise wrong(name, "rows of equal length", "a ragged list") from None
    except (TypeError, RuntimeError, NotImplementedError):
        # Tensors in a list, of a graph, of a GPU or of numbers that numpy lacks.
        plain = detached(name, value, within=_DEEPEST)
        if plain is value:
            raise wrong_type(name, "real numbers", shown(value)) from None
        return array(plain, name)
    if raw.size > _LARGEST:
        raise wrong(name, f"at most {_LARGEST:,} numbers", f"{raw.size:,}")
    if raw.dtype.kind == "O":  # Fractions, SymPy numbers, Python integers beyond int64
        try:
            return np.array([_float(v) for v in raw.ravel()], dtype=np.float64).reshape(raw.shape)
        except OverflowError:
            raise wrong(name, "numbers within the range of a double", "larger ones") from None
        except (TypeError, ValueError):
            pass
    if raw.dtype.kind not in "fiu":
        raise wrong_type(name, "real numbers", _contents(raw))
    with np.errstate(over="ignore"):  # a long double may be beyond the doubles
        made = raw.astype(np.float64, copy=True)
    if raw.dtype.itemsize > made.dtype.itemsize and (np.isinf(made) & np.isfinite(raw)).any():
        raise wrong(name, "numbers within the range of a double", "larger ones")
    return made


def detached(name: str, value: Any, *, within: int = 0) -> Any:
    """A tensor of PyTorch as numpy's array, which is asked for without importing torch; anything else as it is.

    Also those in lists, so many deep (``within``).

    Raises:
        TypeError: a tensor whose numbers numpy cannot hold, or one that has none.
    """
    if within and isinstance(value, (list, tuple)):
        return [detached(name, v, within=within - 1) for v in value]
    if not (hasattr(value, "detach") and hasattr(value, "is_floating_point")):
        return value
    try:
        # bfloat16 is none of numpy's; what is more exact than float64 is no tensor's.
        held = value.detach().cpu()
        return (held.double() if held.is_floating_point() else held).numpy()
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        of = f"a tensor of {value.dtype} on {value.device}, {value.layout}"
        raise wrong_type(name, "real numbers that numpy can hold", of) from None


def finite(value: Any, name: str) -> Array:
    """``value`` copied to float64, all of it finite.

    Raises:
        TypeError: it is not numeric.
        ValueError: a ragged list, or numbers that are not finite.
    """
    numbers_ = array(value, name)
    if not np.isfinite(numbers_).all():
        raise wrong(name, "finite numbers", "inf or nan")
    return numbers_


def finite_vector(value: Any, name: str, n: int, what: str) -> Array:
    """``n`` finite numbers; a single number is fine for ``n = 1``.

    Raises:
        TypeError: it is not numeric.
        ValueError: another number of numbers, or numbers that are not finite.
    """
    numbers_ = np.atleast_1d(finite(value, name))
    if numbers_.shape != (n,):
        raise wrong(name, f"{words.count(n, 'number')}, {what}", shown(value))
    return numbers_


def _contents(raw: NDArray[Any]) -> str:
    kinds = {"U": "text", "S": "bytes", "b": "booleans", "c": "complex numbers"}
    if raw.dtype.kind in kinds:
        return kinds[raw.dtype.kind]
    if not raw.size:
        return f"dtype {raw.dtype}"
    first = next((v for v in raw.flat if isinstance(v, _NOT_NUMBERS)), raw.flat[0])
    return f"{_type(first)} objects"
