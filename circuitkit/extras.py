"""The libraries that one part of the package alone needs: what is missing is named with its extra.

The core (functions, networks, proof, detection, figures, widget) needs none of them, and no module of
it imports one while it is imported itself.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["DISTRIBUTION", "need"]

#: what pip calls this package: the name ``circuitkit`` on PyPI is another project's
DISTRIBUTION = "relu-circuits"

#: library -> the extra that brings it, and what it is for
_EXTRAS: dict[str, tuple[str, str]] = {
    "flint": ("exact", "the checker's fast arithmetic, and enclosures of smooth functions"),
    "fsspec": ("sweep", "a store of sweeps"),
    "h5py": ("keras", "Keras' files"),
    "numba": ("train", "training"),
    "onnx": ("onnx", "ONNX files"),
    "onnxruntime": ("onnx", "computing what an ONNX file says"),
    "pyarrow": ("sweep", "a store of sweeps"),
    "sklearn": ("sklearn", "scikit-learn's networks, and its pictures of digits"),
    "torch": ("torch", "PyTorch's modules, a GPU, L-BFGS and Levenberg-Marquardt"),
    "z3": ("smt", "the second opinion of an SMT solver"),
}


def need(library: str) -> Any:
    """The library, imported.

    Args:
        library: the name that it is imported by, one of this module's table.

    Raises:
        ImportError: it is not installed; the message names the extra that brings it.

    Example:
        >>> need("numba").__name__
        'numba'
    """
    extra, purpose = _EXTRAS[library]
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:  # it is there, and something that it needs is not
            raise
        raise ImportError(
            f"{library} is missing, for {purpose}; it comes with the extra {extra!r}: "
            f"pip install '{DISTRIBUTION}[{extra}]', or '.[{extra}]' in a clone",
            name=library,
        ) from error
