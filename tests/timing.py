"""Processor time, measured so that neither a busy machine nor the tests before it can make a bound fail."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TRIES = 3


def timed(run: Callable[[], T], *, below: float) -> tuple[float, T]:
    """The seconds of processor time that it takes, the best of up to three tries, and what it returned.

    The first try pays for imports and caches; a neighbor on the same core can double any one of them, so
    that only a bound missed three times is missed. What the tests before have left in memory is no work
    for the garbage collector meanwhile. ``run`` must do the whole work each time, whatever caches there are.
    To be used with ``@pytest.mark.no_cover``: tracing takes time.
    """
    best = float("inf")
    gc.collect()
    gc.freeze()
    try:
        for _ in range(TRIES):
            start = time.process_time()
            result = run()
            best = min(best, time.process_time() - start)
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
