"""Processor time, measured so that neither a busy machine nor the tests before it can make a bound fail."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")
TRIES = 3
#: what `a_piece_of_work` takes on a machine with nothing else to do, in seconds of processor time
USUAL = 0.022


def a_piece_of_work() -> None:
    """Sums of fractions in dictionaries: what most of the package's time goes into."""
    total: dict[int, Fraction] = {}
    for i in range(200):
        for column in range(20):
            total[column] = total.get(column, Fraction(0)) + Fraction(i % 40 + 1, column + 1)


def slowness() -> float:
    """How many times longer than usual this machine takes just now; at least 1."""
    start = time.process_time()
    a_piece_of_work()
    return max(1.0, (time.process_time() - start) / USUAL)


def timed(run: Callable[[], T], *, below: float) -> tuple[float, T]:
    """The seconds of processor time that it takes, the best of up to three tries, and what it returned.

    A second is what a machine does in one that has nothing else to do: a neighbor that shares a core's
    caches and arithmetic, or a slow machine, makes a piece of work before and after slower, too. The
    first try pays for imports and caches, so that only a bound missed three times is missed. What the
    tests before have left in memory is no work for the garbage collector meanwhile. ``run`` must do the
    whole work each time, whatever caches there are. To be used with ``@pytest.mark.no_cover``: tracing
    takes time.
    """
    best = float("inf")
    gc.collect()
    gc.freeze()
    try:
        for _ in range(TRIES):
            before, start = slowness(), time.process_time()
            result = run()
            taken = time.process_time() - start
            best = min(best, taken / ((before + slowness()) / 2))
            if best < below:
                break
    finally:
        gc.unfreeze()
    return best, result


def longest_between_looks(monkeypatch, run: Callable[[], T], *, below: float) -> tuple[float, T]:
    """The longest processor time between two looks at ``time.monotonic()``, the best of three tries.

    What has a deadline may overrun it by so much.
    """
    real = time.monotonic
    looks: list[float] = []

    def monotonic() -> float:
        looks.append(time.process_time())
        return real()

    def look_through() -> T:
        looks.clear()
        looks.append(time.process_time())
        result = run()
        looks.append(time.process_time())
        return result

    best = float("inf")
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", monotonic)
        for _ in range(TRIES):
            _, result = timed(look_through, below=float("inf"))
            best = min(best, max(b - a for a, b in itertools.pairwise(looks)))
            if best < below:
                break
    return best, result
