"""What decides a cell's numbers, as a hash: a shard made by other code is not taken for this one's."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import resolve_name
from pathlib import Path

__all__ = ["closure", "code_version", "version_of"]

_PACKAGE = Path(__file__).parents[1]
_TRAINS = ("circuitkit.training.train", "circuitkit.sweeps.sweep", "circuitkit.sweeps.store")
_DETECTS = ("circuitkit.detection.detect",)
#: where the numbers come from besides this package
_LIBRARIES = ("numba", "numpy", "scipy", "sympy", "torch")
_PROVERS = ("highspy", "python-flint", "z3-solver")


@cache
def code_version(detect: bool = False) -> str:
    """A hash of every module that a cell runs, and of the versions of the libraries under it.

    Args:
        detect: whether the cell also names its circuits.
    """
    digest = hashlib.sha256()
    # Without detection its modules decide nothing, though the sweep can reach them.
    stop = () if detect else _DETECTS
    for name in sorted(closure([*_TRAINS, *(_DETECTS if detect else ())], without=stop)):
        digest.update(name.encode() + _file(name).read_bytes())
    for library in [*_LIBRARIES, *(_PROVERS if detect else ())]:
        digest.update(f"{library} {version_of(library)}".encode())
    return digest.hexdigest()


def closure(roots: Iterable[str], *, without: Iterable[str] = ()) -> set[str]:
    """The modules of the package that these import, wherever in the file, and so on."""
    found: set[str] = set()
    waiting = list(roots)
    excluded = set(without)
    while waiting:
        name = waiting.pop()
        if name in found or name in excluded:
            continue
        found.add(name)
        waiting.extend(_imported(name))
    return found


@cache
def _imported(name: str) -> tuple[str, ...]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(_file(name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:  # from . import x: counted from the package that the file is in
                inside = name if _file(name).stem == "__init__" else name.rpartition(".")[0]
                module = resolve_name("." * node.level + module, inside)
            names.add(module)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return tuple(sorted(n for n in names if n != "circuitkit" and _file(n).is_file()))


def _file(name: str) -> Path:
    first, *rest = name.split(".")
    if first != "circuitkit":
        return Path()  # no file of ours
    path = _PACKAGE.joinpath(*rest)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def version_of(library: str) -> str:
    """The installed version of a library, or ``"absent"``."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"
