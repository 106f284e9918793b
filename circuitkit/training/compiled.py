"""How functions become machine code here: by numba, which brings its own compiler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numba

Compiled = Callable[..., None]

#: Plain IEEE arithmetic: no sum is reordered, and no product and sum share one rounding. So a number
#: does not depend on the width of the vectors or on its place in one. And without the GIL.
OPTIONS: Mapping[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}


def compiled(function: Callable[..., None], signature: Any, *, keep: bool = True) -> Compiled:
    """Machine code of ``function`` for arguments of these types.

    With ``keep`` it is read from disk where an earlier process left it, and left there.
    """
    if keep:
        try:
            kept: Compiled = numba.njit(signature, cache=True, **OPTIONS)(function)
            return kept
        except RuntimeError:  # there is no folder to leave it in
            pass
    made: Compiled = numba.njit(signature, **OPTIONS)(function)
    return made
