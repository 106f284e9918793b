"""A file of another tool as bytes: not too large, and nothing in it that would run."""

from __future__ import annotations

import os

from circuitkit.checks import possible_path, wrong

__all__ = ["LARGEST_FILE", "read_bytes"]

#: bytes: a network of a few thousand units is far smaller
LARGEST_FILE = 2**28

_PICKLED = (
    "is a pickle, which runs code of its own when it is loaded, so it is not read here; in the Python that "
    "trained it: {}"
)
_TORCH = (
    "ck.Network.from_torch(torch.load(path, weights_only=False)).save('net.safetensors'), or for a state "
    "alone safetensors.torch.save_file(torch.load(path, weights_only=True), 'net.safetensors')"
)
_SKLEARN = "ck.Network.from_sklearn(joblib.load(path)).save('net.safetensors')"


def read_bytes(path: str, what: str, name: str = "path") -> bytes:
    """What is in the file.

    Args:
        path: the file.
        what: what it should be, for messages.
        name: the argument, for messages.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a folder, a pickle (with the line that converts it), or larger than ``LARGEST_FILE``.
    """
    if os.path.isdir(possible_path(name, path)):
        raise wrong(name, what, f"the folder {path!r}")
    refuse_pickle(path, name)
    size = os.path.getsize(path)
    if size > LARGEST_FILE:
        raise wrong(name, f"a file of at most {LARGEST_FILE} bytes", f"{size} in {path!r}")
    with open(path, "rb") as file:
        return file.read()


def refuse_pickle(path: str, name: str = "path") -> None:
    """Say how to convert a file that would run code when it is loaded.

    Raises:
        ValueError: it is one, by its name or its first bytes.
    """
    ending = os.path.splitext(possible_path(name, path))[1].lower()
    if ending in (".pt", ".pth", ".ckpt"):
        raise ValueError(f"{name}: {path!r} {_PICKLED.format(_TORCH)}")
    if ending in (".pkl", ".pickle", ".joblib") or _begins_like_one(path):
        raise ValueError(f"{name}: {path!r} {_PICKLED.format(_SKLEARN)}")


def _begins_like_one(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        first = file.read(2)
    return first[:1] == b"\x80" and first[1:] in (b"\x02", b"\x03", b"\x04", b"\x05")
