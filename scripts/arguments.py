"""What a number on a command line may be, said once for all commands of scripts/ and benchmarks/.

    parser.add_argument("--jobs", type=whole_number(1), default=2)

argparse puts the option in front of what is said here: ``argument --jobs: expected a whole number, 1 or
above, got '0'``. Without these, a number that makes no sense ends in a traceback, or in nothing being done.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A type for argparse.

    >>> whole_number(1)("20")
    20
    >>> whole_number(0, 65535)("70000")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: expected a whole number from 0 to 65535, got '70000'
    """
    accepted = (
        f"a whole number, {least} or above"
        if most is None
        else f"a whole number from {least} to {most}"
    )

    def read(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            found = None
        if found is None or found < least or (most is not None and found > most):
            raise argparse.ArgumentTypeError(f"expected {accepted}, got {text!r}")
        return found

    return read


def positive(most: float | None = None) -> Callable[[str], float]:
    """A type for argparse: seconds, minutes, a share.

    >>> positive()("0.5")
    0.5
    >>> positive(1)("nan")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: expected a number above 0 and at most 1, got 'nan'
    """
    accepted = "a number above 0" + ("" if most is None else f" and at most {most:g}")

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not 0 < found < math.inf or (most is not None and found > most):
            raise argparse.ArgumentTypeError(f"expected {accepted}, got {text!r}")
        return found

    return read
