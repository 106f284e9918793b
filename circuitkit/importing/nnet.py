"""Networks in the ``.nnet`` format: numbers as text, line by line.

Comments (``//``); a line of counts (layers, and in most files inputs, outputs, the largest layer); the layers'
sizes; a line that nobody reads; minima and maxima of the inputs; means and ranges of a normalization,
the inputs' and one for the outputs; then layer by layer the weights, a line a unit, and the biases.
Three dialects are about: all of this; the number of layers alone and a 0 for each line that is left out;
zeros and ones where there is no normalization.

Source: the format's description in sisl/NNet.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import wrong
from circuitkit.importing.agreement import Imported, Precision, need_agreement
from circuitkit.importing.files import read_bytes
from circuitkit.importing.lowering import Lowering, TooLarge

__all__ = ["NnetFile", "layers", "read"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NnetFile:
    """What a file says; what its dialect leaves out is None.

    Attributes:
        weights: one array ``(n_out, n_in)`` a layer.
        biases: one array ``(n_out,)`` a layer.
        minima: shape ``(n_in,)``, the lowest of each input.
        maxima: shape ``(n_in,)``, the highest.
        means: shape ``(n_in + 1,)``, the last one of all outputs.
        ranges: shape ``(n_in + 1,)``, so too.
    """

    weights: list[Array]
    biases: list[Array]
    minima: Array | None
    maxima: Array | None
    means: Array | None
    ranges: Array | None

    @property
    def box(self) -> list[tuple[float, float]] | None:
        """The file's minima and maxima, as the domain of a proof; None where it has none."""
        if self.minima is None or self.maxima is None:
            return None
        return [(float(a), float(b)) for a, b in zip(self.minima, self.maxima, strict=True)]


def read(path: str | Path) -> NnetFile:
    """The numbers of a file, each the double nearest to what is written.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not this format, with the line.
    """
    data = read_bytes(str(path), "an .nnet file")
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise wrong(
            "path", "an .nnet file, which is text", f"other bytes in {str(path)!r}"
        ) from None
    reader = _Lines(str(path), lines)
    n_layers, *counts = reader.whole()
    sizes = reader.whole()
    if n_layers < 1 or len(sizes) != n_layers + 1 or min(sizes) < 1:
        raise reader.refused(f"the sizes of {n_layers} layers and of the input", sizes)
    if counts and counts[:2] != [sizes[0], sizes[-1]]:
        raise reader.refused(f"{counts[:2]}, inputs and outputs, first and last", sizes)
    reader.skip()
    n = sizes[0]
    minima, maxima = reader.optional(n), reader.optional(n)
    if n == 1 and minima is not None and minima == maxima == 0:
        minima = maxima = None  # with one input a 0 for "none" looks like a number
    means, ranges = reader.optional(n + 1), reader.optional(n + 1)
    weights, biases = [], []
    for before, width in itertools.pairwise(sizes):
        weights.append(np.array([reader.numbers(before) for _ in range(width)]))
        biases.append(np.array([reader.numbers(1)[0] for _ in range(width)]))
    reader.end()
    return NnetFile(weights, biases, minima, maxima, means, ranges)


def layers(path: str, normalise: bool) -> tuple[list[Array], list[Array], float]:
    """Weights and biases of the file's network, compared with a direct evaluation of its numbers.

    Raises:
        ValueError: as :func:`read`; ``normalise`` and the file has no normalization.
    """
    file = read(path)
    n = file.weights[0].shape[1]
    low = Lowering(n)
    try:
        h = low.inputs((n,), 0)
        means, ranges = _normalization(file, path) if normalise else (None, None)
        if means is not None and ranges is not None:
            h = low.scale(low.add(h, means[:n], -1.0), 1 / ranges[:n])
        for i, (w, b) in enumerate(zip(file.weights, file.biases, strict=True)):
            h = low.add(low.matmul(w, low.relu(h) if i else h), b)
        if means is not None and ranges is not None:
            h = low.add(low.scale(h, ranges[n]), means[n : n + 1])
        found = Imported.of(low, h)
    except TooLarge as error:
        raise ValueError(f"path: {path!r} {error}") from None

    def directly(x: Array) -> Array:
        return np.array([_evaluate(file, row, means, ranges) for row in x])

    need_agreement(
        "path", found, directly, Precision.of(np.float64), "a direct evaluation of the file"
    )
    return list(found.weights), list(found.biases), found.rounding


def _evaluate(file: NnetFile, x: Array, means: Array | None, ranges: Array | None) -> Array:
    """One input through the file's numbers, as the format's own tool does it (but for its clipping)."""
    n = len(x)
    if means is not None and ranges is not None:
        x = (x - means[:n]) / ranges[:n]
    for w, b in zip(file.weights[:-1], file.biases[:-1], strict=True):
        x = np.maximum(w.dot(x) + b, 0.0)
    x = file.weights[-1].dot(x) + file.biases[-1]
    if means is not None and ranges is not None:
        x = x * ranges[-1] + means[-1]
    return x


def _normalization(file: NnetFile, path: str) -> tuple[Array, Array]:
    if file.means is None or file.ranges is None:
        raise ValueError(f"normalise: {path!r} has no means and ranges")
    if not (file.ranges > 0).all():
        raise ValueError(f"normalise: {path!r} has a range that is not positive")
    return file.means, file.ranges


class _Lines:
    """The lines with numbers, one after another."""

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path = path
        numbered = enumerate(lines, start=1)
        self.lines = [
            (i, text.strip())
            for i, text in numbered
            if text.strip() and not text.lstrip().startswith("//")
        ]
        self.at = 0

    def refused(self, expected: str, got: object) -> ValueError:
        number = self.lines[self.at - 1][0] if 0 < self.at <= len(self.lines) else 0
        shown = str(got)[:60]
        return wrong("path", f"{expected} in line {number} of {self.path!r}", shown)

    def skip(self) -> str:
        if self.at == len(self.lines):
            raise wrong("path", f"an .nnet file with more than {self.at} lines", repr(self.path))
        self.at += 1
        return self.lines[self.at - 1][1]

    def numbers(self, n: int | None = None) -> Array:
        text = self.skip()
        try:
            # float() reads 1_0 and the digits of other scripts, too
            if "_" in text or not text.isascii():
                raise ValueError
            values = np.array([float(v) for v in text.replace(",", " ").split()])
        except ValueError:
            raise self.refused("numbers", repr(text)) from None
        if not np.isfinite(values).all() or not len(values):
            raise self.refused("finite numbers", repr(text))
        if n is not None and len(values) != n:
            raise self.refused(f"{n} number{'s' if n > 1 else ''}", len(values))
        return values

    def whole(self) -> list[int]:
        values = self.numbers()
        if (values != np.round(values)).any() or (np.abs(values) > 1e6).any():
            raise self.refused("whole numbers up to a million", values)
        return [int(v) for v in values]

    def optional(self, n: int) -> Array | None:
        """``n`` numbers; or a single 0 in their place."""
        values = self.numbers()
        if len(values) == n:
            return values
        if len(values) == 1 and not values[0]:
            return None
        raise self.refused(f"{n} numbers, or a 0 for none", len(values))

    def end(self) -> None:
        if self.at != len(self.lines):
            self.at += 1
            raise self.refused("nothing after the last bias", repr(self.lines[self.at - 1][1]))
