"""Which parts of a network a widget marks: what was cut out of it is strong, sub-circuits are in colors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from circuitkit import palette, words
from circuitkit.checks import shown, string, wrong

__all__ = ["marked"]


def marked(
    sizes: tuple[int, ...],
    kept: Iterable[Sequence[int]] | None,
    blocks: Mapping[str, Iterable[Sequence[int]]] | None,
) -> dict[str, Any]:
    """The settings ``kept`` and ``blocks`` of a widget for layers of these sizes; none of those that are not given.

    Raises:
        TypeError, ValueError: what is no part of such a network; they name the argument.
    """
    found: dict[str, Any] = {}
    if kept is not None:
        found["kept"] = [_key("kept", key, sizes, edges=True) for key in kept]
    if blocks:
        if len(blocks) > len(palette.GROUPS):
            raise wrong("blocks", f"at most {len(palette.GROUPS)} of them", len(blocks))
        found["blocks"] = []
        for (label, units), color in zip(blocks.items(), palette.GROUPS, strict=False):
            name = string().take("blocks", label)
            where = f"blocks[{name!r}]"
            if isinstance(units, str) or not isinstance(units, Iterable):
                raise wrong(where, "a list of hidden units", shown(units))
            keys = [_key(where, key, sizes, edges=False) for key in units]
            found["blocks"].append({"label": name, "color": color, "units": keys})
    return found


def _key(name: str, key: Any, sizes: tuple[int, ...], *, edges: bool) -> list[int]:
    """A unit, or an edge, as whole numbers."""
    parts = list(key) if isinstance(key, (tuple, list, np.ndarray)) else []
    whole = all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in parts)
    numbers = [int(v) for v in parts] if whole else []
    if len(numbers) == 2:
        layer, unit = numbers
        if 0 < layer < len(sizes) - 1 and 0 <= unit < sizes[layer]:
            return numbers
    if len(numbers) == 3 and edges:
        layer, start, end = numbers
        pairs = list(pairwise(sizes))
        if 0 <= layer < len(pairs) and 0 <= start < pairs[layer][0] and 0 <= end < pairs[layer][1]:
            return numbers
    what = "(layer, unit) or (layer, unit_from, unit_to)" if edges else "hidden units (layer, unit)"
    expected = f"{what} of a {words.dashes(sizes)} network, counted from 0 with layer 0 the inputs"
    raise wrong(name, expected, shown(key))
