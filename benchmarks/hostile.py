"""Values that no function asked for: what :mod:`fuzz` puts in the place of an argument.

Each is a function that makes the value anew, so that one which is used up, or changed, harms no later call.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sympy

import circuitkit as ck

__all__ = ["TEXTS", "VALUES", "bytes_from", "changed", "text_from"]

Rng = np.random.Generator


class Unfriendly:
    """Raises whatever it is asked for."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no array")

    def __float__(self) -> float:
        raise RuntimeError("no float")

    def __iter__(self) -> Any:
        raise RuntimeError("no iterator")

    def __len__(self) -> int:
        raise RuntimeError("no length")


def _itself() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def _nested(depth: int) -> list[Any]:
    found: list[Any] = [1.0]
    for _ in range(depth):
        found = [found]
    return found


#: texts where a formula, a name or a label is asked for
TEXTS = (
    "", " ", "\x00", "\ud800", "x" * 10_000, "(" * 300, ")" * 300, "abs(" * 60 + "x" + ")" * 60, "|" * 99,
    "-" * 5000 + "x", "1+" * 3000 + "x", "9" * 5000, "9**9**9", "1e999", "1e-999*x", "0x10", "1/0", "x/0", "x/x",
    "0*x/0", "x**x", "x**-1", "x**0.5", "sqrt(x)", "sin(x)", "x if x > 0 else", "x if 1 else 2", "x1 + x99999999",
    "x0", "__import__('os').system('true')", "().__class__", "lambda: 0", "x; y", "x = 1", "x.real", "x[0]", "{x}",
    "f'{x}'", "[x for x in x]", "max()", "min(x,)", "max(*x)", "abs(x, y)", "clamp(x, 2, 1)", "median()",
    "sort()", "interpolate(x)", "interpolate(x, (0, 0), (0, 1))", "piecewise", "nan", "inf*x", "I*x", "oo", "zoo",
    "x₁", "×", "−x", "x ≤ 1", "<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "y <= x1",
    "y1 > y2 and", "y == x1", "y9 <= x1", "identitY", "min4 ", "../../etc/passwd", "a" * 70_000, "max(" + "x," * 3000 + "x)",
)  # fmt: skip

_NUMBERS = (
    0, -1, 1, 2, 3, 7, 2**31, -(2**63), 10**20, 10**400, -(10**400), 0.0, -0.0, 0.5, 1e308, -1e308, 5e-324, 1e-300,
    math.nan, math.inf, -math.inf, 1j, Fraction(1, 3), Fraction(10**400, 3), Fraction(1, 10**400), Decimal("NaN"),
    Decimal("1e999"), Decimal("0.1"), np.float32(0.1), np.float16(60000), np.int64(2**63 - 1), np.uint8(255),
    np.bool_(True), np.nan, np.datetime64("2020-01-01"), sympy.nan, sympy.oo, sympy.zoo, sympy.I, sympy.pi,
    sympy.Rational(1, 3), sympy.sqrt(2), sympy.Symbol("q"), sympy.true, sympy.Symbol("x") > 0, sympy.Integer(10) ** 400,
)  # fmt: skip

_MADE: tuple[Callable[[], Any], ...] = (
    lambda: None, lambda: True, lambda: False, lambda: b"", lambda: b"\xff\x00", bytearray, object, Unfriendly,
    lambda: int, lambda: len, lambda: lambda: 0, lambda: NotImplemented, lambda: ..., list, tuple, dict, set, _itself,
    lambda: _nested(3), lambda: _nested(2000), lambda: [[]], lambda: [[1.0], [2.0, 3.0]], lambda: [[math.nan]],
    lambda: [[math.inf]], lambda: [["a"]], lambda: [None], lambda: [None, None], lambda: (0, 0), lambda: (1, 0),
    lambda: (-1, 1), lambda: [(-1, 1)], lambda: [(-1, 1)] * 2, lambda: [(-1, 1)] * 40, lambda: [(0, math.inf)],
    lambda: [(1e308, 1.1e308)], lambda: [(-1e308, 1e308)], lambda: [(5e-324, 1e-323)], lambda: [(math.nan, 1)],
    lambda: [(math.inf, math.inf)], lambda: [(10**400, 10**401)], lambda: [(Fraction(1, 3), Fraction(1, 2))],
    lambda: ([[1.0, 1.0]], [1.0]), lambda: ([[1.0]], [math.inf]), lambda: ([[0.0]], [-1.0]), lambda: {"a": 1},
    lambda: {0: None}, lambda: {"weights": None}, lambda: {"weights": [[[1]]], "biases": 3}, lambda: range(0),
    lambda: range(10**12), lambda: iter([1, 2]), lambda: (v for v in [1, 2]), lambda: np.array([]),
    lambda: np.array(5.0), lambda: np.zeros((0, 3)), lambda: np.ones((2, 2, 2)), lambda: np.array([1 + 1j]),
    lambda: np.array(["a"]), lambda: np.array([None]), lambda: np.array([np.nan]), lambda: np.array([2**63], np.uint64),
    lambda: np.array([1e308, -1e308]), lambda: np.zeros(2, [("a", "f8")]), lambda: np.ma.masked_all(3),
    lambda: np.array([1.0], ">f8"), lambda: np.broadcast_to(1.0, (10**6, 10**6)), lambda: memoryview(b"abc"),
    pd.DataFrame, lambda: pd.DataFrame({"a": [1]}), lambda: pd.Series([1.0, None]), lambda: Path("/"),
    lambda: Path("nowhere.onnx"), lambda: "nowhere.safetensors", lambda: "\x00.npz", lambda: sympy.Matrix([[1]]),
    lambda: sympy.Symbol("x"), lambda: sympy.Abs(sympy.Symbol("x")), lambda: sympy.Function("f")(sympy.Symbol("x")),
    lambda: ck.circuit("abs"), lambda: ck.circuit("min"), lambda: ck.circuit("min4"), lambda: ck.target("sort(x1, x2)"),
    lambda: ck.Network([[[1e308]], [[1e308]]]), lambda: ck.Network([[[5e-324]], [[5e-324]]]),
    lambda: ck.Network([[[0.0]]]), lambda: ck.Network([[[1.0], [-1.0]], [[1.0, -1.0]]], [[1e17, -1e17], [1.0]]),
    lambda: ck.Network([[[1.0], [1.0]]]), lambda: [ck.circuit("abs"), 3], lambda: ValueError("a value"),
)  # fmt: skip

VALUES: tuple[Callable[[], Any], ...] = (
    *_MADE,
    *((lambda v=v: v) for v in _NUMBERS),
    *((lambda v=v: v) for v in TEXTS),
)


def text_from(rng: Rng, text: str) -> str:
    """A text with some of it lost, doubled, swapped or replaced."""
    letters = list(text)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(letters) + 1))
        kind = int(rng.integers(4))
        if kind == 0 and letters:
            del letters[at : at + int(rng.integers(1, 4))]
        elif kind == 1:
            letters[at:at] = list(str(rng.choice(list("()|+-*/,.x109 e^<>=%\"'[]{}\\~é"))))
        elif kind == 2 and letters:
            letters[at:at] = letters[: int(rng.integers(1, 9))]
        else:
            letters.reverse()
            letters = letters[: max(1, at)][::-1]
    return "".join(letters)


def bytes_from(rng: Rng, content: bytes) -> bytes:
    """A file with bits turned, a part lost or doubled, or its sizes made enormous."""
    data = bytearray(content)
    for _ in range(int(rng.choice([1, 1, 2, 4]))):
        kind, at = int(rng.choice([0, 0, 0, 1, 2, 3, 4, 5])), int(rng.integers(len(data) + 1))
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            data[at:at] = rng.bytes(int(rng.integers(1, 20)))
        elif kind == 3:
            del data[at : at + int(rng.integers(1, 30))]
        elif kind == 4:
            data[at : at + 8] = rng.choice([b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\x00" * 8])
        else:
            data[at:at] = data[: int(rng.integers(1, 60))]
    return bytes(data)


def changed(rng: Rng, data: Any) -> Any:
    """A copy of JSON-like data with one place in it lost, replaced or altered a little."""
    data = copy.deepcopy(data)
    place, key = None, None
    inside = data
    while isinstance(inside, (dict, list)) and inside and (place is None or rng.random() < 0.8):
        keys = list(inside) if isinstance(inside, dict) else range(len(inside))
        place, key = inside, keys[int(rng.integers(len(keys)))]
        inside = place[key]
    if place is None:
        return VALUES[int(rng.integers(len(VALUES)))]()
    kind = int(rng.integers(4))
    if kind == 0:
        del place[key]
    elif kind == 1 and isinstance(inside, (int, float)) and not isinstance(inside, bool):
        place[key] = inside + int(rng.integers(-2, 3)) if rng.random() < 0.5 else -inside
    elif kind == 2 and isinstance(inside, str):
        place[key] = text_from(rng, inside)
    else:
        place[key] = VALUES[int(rng.integers(len(VALUES)))]()
    return data
