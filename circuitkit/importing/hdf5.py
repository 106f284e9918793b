"""What stands in an HDF5 file, read by a process of its own.

The library that reads HDF5 is written in C. A damaged file can make it run on for ever or end its process,
and no code in Python stops it then: a notebook would hang, or lose its kernel. So the bytes go to a Python that
only reads them, for at most :data:`SECONDS` of the processor, and its answer is plain arrays and texts.

This file is that other process's program, too, which is why it leans on nothing of the package at its top.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Contents", "read"]

#: the program of the reading process
PROGRAM = __file__
#: what the reading process may take, in seconds of the processor
SECONDS = 20.0
#: and in seconds of the clock on a busy machine, where the processor's are not counted
PATIENCE = 120.0
#: bytes of address space
_MEMORY = 4 * 2**30
#: the signal that ends what has taken its seconds
_TOO_LONG = getattr(signal, "SIGXCPU", 0)
#: groups and arrays, and groups within groups; links can make a circle
_MOST, _DEEPEST = 20_000, 40


@dataclass(frozen=True)
class Contents:
    """What a file holds under some of its groups.

    Attributes:
        groups: path -> the names of what is in it.
        arrays: path -> its numbers.
        texts: path -> attributes that are a text or several.
        refused: path -> why it is not read: a link, say.
    """

    groups: Mapping[str, Sequence[str]]
    arrays: Mapping[str, NDArray[Any]]
    texts: Mapping[str, Mapping[str, Any]]
    refused: Mapping[str, str]

    def find(self, path: str) -> str | None:
        """The path, if something is there; a link on the way to it may lead out of the file.

        Raises:
            ValueError: it is not read, and why.
        """
        at = ""
        for part in path.strip("/").split("/"):
            at = f"{at}/{part}" if at else part
            if at in self.refused:
                raise ValueError(f"{part!r} {self.refused[at]}")
        return at if at in self.groups or at in self.arrays else None

    def array(self, path: str) -> NDArray[Any]:
        """The numbers at a path.

        Raises:
            ValueError: there are none.
        """
        found = self.find(path)
        if found is None or found not in self.arrays:
            raise ValueError(f"{path.rpartition('/')[2]!r} is not an array in the file")
        return self.arrays[found]


def read(data: bytes, *roots: str, largest: int) -> Contents:
    """What stands in an HDF5 file under its groups ``roots``, and the texts of the file itself.

    Args:
        data: the file.
        roots: names at its top.
        largest: bytes of an array, as doubles, and of all of them together.

    Raises:
        ValueError: the library refuses the file, ends its process, or does not end by itself.
    """
    from circuitkit import words

    command = [sys.executable, "-P", PROGRAM, repr(SECONDS), str(largest), *roots]
    where = os.pathsep.join(path for path in sys.path if path)
    try:
        done = subprocess.run(  # noqa: S603 - this Python, this file, numbers and names of our own
            command, input=data, capture_output=True, timeout=PATIENCE, check=False,
            env={**os.environ, "PYTHONPATH": where},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ValueError(f"HDF5 did not end within {words.number(PATIENCE)} s") from None
    if done.returncode == 1 and done.stdout:
        raise ValueError(done.stdout.decode(errors="replace"))
    if done.returncode == -_TOO_LONG != 0:
        raise ValueError(f"HDF5 did not end within {words.number(SECONDS)} s of the processor")
    if done.returncode:
        raise ValueError(f"HDF5 ended the process that read it, with {done.returncode}")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as parts:
        tree = json.loads(parts["tree"].tobytes())
        arrays = {path: parts[key] for path, key in tree["arrays"].items()}
    return Contents(tree["groups"], arrays, tree["texts"], tree["refused"])


# --- in the other process -----------------------------------------------------------------------------


class _Reader:
    """Walks through a file, along what is in it itself."""

    def __init__(self, largest: int) -> None:
        self.left = self.largest = largest
        self.arrays: dict[str, NDArray[Any]] = {}
        self.groups: dict[str, list[str]] = {}
        self.texts: dict[str, dict[str, Any]] = {}
        self.refused: dict[str, str] = {}

    def walk(self, holder: Any, name: str, path: str, depth: int = 0) -> None:
        import h5py

        if len(self.arrays) + len(self.groups) + len(self.refused) >= _MOST:
            raise ValueError(f"it holds more than {_MOST} groups and arrays")
        if not isinstance(holder.get(name, getlink=True), h5py.HardLink):
            self.refused[path] = "is a link"
            return
        there = holder[name]
        if isinstance(there, h5py.Group) and depth < _DEEPEST:
            self.groups[path] = sorted(there)
            self.texts[path] = _texts(there.attrs)
            for inner in self.groups[path]:
                self.walk(there, inner, f"{path}/{inner}", depth + 1)
        elif not isinstance(there, h5py.Dataset) or there.external or there.is_virtual:
            self.refused[path] = "is not an array in the file"
        elif there.dtype.kind not in "fiu" or there.size * 8 > min(self.left, self.largest):
            self.refused[path] = "is too large, or no numbers"
        else:
            self.left -= there.size * 8
            self.arrays[path] = there[()]

    def written(self) -> bytes:
        keys = {path: f"a{i}" for i, path in enumerate(self.arrays)}
        tree = {"groups": self.groups, "arrays": keys, "texts": self.texts, "refused": self.refused}
        parts: dict[str, Any] = {keys[path]: array for path, array in self.arrays.items()}
        buffer = io.BytesIO()
        np.savez(buffer, tree=np.frombuffer(json.dumps(tree).encode(), np.uint8), **parts)
        return buffer.getvalue()


def _texts(attributes: Any) -> dict[str, Any]:
    """Those that are a text, or a list of texts; Keras has written them as bytes and as texts."""
    found: dict[str, Any] = {}
    for name in attributes:
        value = attributes[name]
        several = isinstance(value, np.ndarray)
        each = list(value.ravel()) if several else [value]
        if all(isinstance(v, (bytes, str)) for v in each):
            plain = [v.decode() if isinstance(v, bytes) else str(v) for v in each]
            found[name] = plain if several else plain[0]
    return found


def _walked(data: bytes, roots: Sequence[str], largest: int) -> bytes:
    """What :func:`read` makes its answer of."""
    import h5py

    reader = _Reader(largest)
    with h5py.File(io.BytesIO(data), "r") as file:
        reader.texts[""] = _texts(file.attrs)
        for name in roots:
            if name in file:
                reader.walk(file, name, name)
    return reader.written()


def _limit(seconds: float) -> None:  # pragma: no cover - in the other process
    """Have the system end this process where the library does not come back, or takes all memory."""
    try:
        import resource
    except ImportError:  # on Windows; there the clock alone is looked at
        return
    whole = max(1, round(seconds))
    for name, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, whole, whole + 5),
        (resource.RLIMIT_AS, _MEMORY, _MEMORY),
    ):
        with contextlib.suppress(ValueError, OSError):  # lower already, or not known here
            resource.setrlimit(name, (soft, hard))


def _main(
    seconds: float, largest: int, *roots: str
) -> int:  # pragma: no cover - in the other process
    _limit(seconds)
    try:
        answer = _walked(sys.stdin.buffer.read(), roots, largest)
    except Exception as error:  # all that a library may raise: the other process says it
        answer = f"{error}"[:2000].encode()
        sys.stdout.buffer.write(answer)
        return 1
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(_main(float(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
