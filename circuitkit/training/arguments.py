"""What the arguments of :func:`circuitkit.train` and :func:`circuitkit.learn` may be, each by itself.

What depends on several of them is looked at in :mod:`.task`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuitkit import words
from circuitkit.checks import (
    Kind,
    double,
    instance,
    interval,
    is_list,
    listed,
    made_by,
    one_of,
    optional,
    several,
    shown,
    whole,
    wrong,
)
from circuitkit.extras import need
from circuitkit.training.flat import n_parameters

__all__ = [
    "BOX",
    "DEVICE",
    "DTYPE",
    "HIDDEN",
    "OPTIONS_GIVEN",
    "POSITIVE",
    "RESCUE",
    "SEED",
    "SEEDS",
    "Box",
    "box_of",
    "memory",
    "names",
    "need_few",
    "need_memory",
]

#: the ends of each input
Box: TypeAlias = tuple[tuple[float, float], ...]

#: more networks than any memory holds
_MOST_SEEDS = 2**40
_SEEDS = "a count from 1, or distinct whole numbers from 0 to 2**63 - 1"
_WIDTHS = "layer widths such as (3, 2)"
_PAIRS = "a pair (low, high) for each input, such as [(-1, 1)]"

#: of a parameter: its random number, the weight made of it, and that in the array of all, there at once
_BYTES = 3 * 8
#: parameters whose normal equations are solved within seconds, in a step that nothing interrupts
_MOST_PARAMETERS = 2_000

POSITIVE = double(above=0)
SEED = whole(least=0, most=2**63 - 1, top="2**63 - 1")
RESCUE = one_of(None, "restart", "redraw")
OPTIONS_GIVEN = instance(Mapping, "a mapping from options of the optimizer to numbers")


def names(known: Iterable[str]) -> Kind:
    """One of these names."""
    return one_of(*known)


def _hidden(name: str, value: Any) -> tuple[int, ...]:
    width = whole(least=1)
    if isinstance(value, (int, np.integer)):
        return (width.take(name, value),)
    return tuple(several(width, _WIDTHS, fewest=1).take(name, value))


HIDDEN = made_by(
    _hidden,
    right=(3, 2),
    wrong=("32", None, 2.5, (), 0, True, (3, 0), (2.5,), {}, {2, 1}, {2: 1}, frozenset({2})),
)


def _seeds(name: str, value: Any) -> NDArray[np.int64]:
    if not is_list(value):
        count = whole(_SEEDS, least=1, most=_MOST_SEEDS).take(name, value)
        if _BYTES * count > memory():  # a single parameter of each
            raise wrong(name, _SEEDS, f"{count}, more than the memory of this machine holds")
        return np.arange(count)
    seeds = several(SEED, _SEEDS, fewest=1).take(name, value)
    if len(set(seeds)) != len(seeds):
        twice = next(v for v in seeds if seeds.count(v) > 1)
        raise wrong(name, _SEEDS, f"{twice} more than once")
    return np.array(seeds, dtype=np.int64)


SEEDS = made_by(
    _seeds,
    right=4,
    wrong=("4", None, 2.0, 0, True, 2**50, [], [1, 2, 1], [-1], [0.5], [2**63], {1: 2}, {1, 2}),
)


def _box(name: str, value: Any) -> Box:
    pairs = list(listed(_PAIRS).take(name, value))
    if not pairs or all(isinstance(v, (int, float)) for v in pairs):
        raise wrong(name, _PAIRS, shown(value))
    # Training scales a box to the unit one, however far it reaches.
    return tuple(
        interval(measured=False).take(f"{name}[{i}]", pair) for i, pair in enumerate(pairs)
    )


BOX = optional(
    made_by(
        _box,
        right=[(-1, 1)],
        wrong=(
            3,
            "ab",
            [],
            {(0, 1)},
            {(0, 1): 1},
            [{0, 1}],
            (0, 1),
            [(1, 0)],
            [(1, 1)],
            [(0, np.inf)],
            [(1, 2, 3)],
            [(None, 1)],
        ),
    )
)


def box_of(domain: Box | None, n: int) -> Box | None:
    """The box, if it has a pair for each of ``n`` inputs.

    Raises:
        ValueError: it has not.
    """
    if domain is not None and len(domain) != n:
        raise wrong(
            "domain", f"{words.count(n, 'pair')} (low, high), one for each input", len(domain)
        )
    return domain


def _dtype(name: str, value: Any) -> str:
    known = ("float32", "float64")
    try:
        text = str(value).removeprefix("torch.")
    except ValueError:  # Python writes out no number of 5000 digits
        text = ""
    if text not in known:
        raise wrong(name, words.alternatives(known), shown(value))
    return text


DTYPE = made_by(_dtype, right="float64", wrong=("float16", 32, None, ["float32"]))


def _device(name: str, value: Any) -> str:
    if isinstance(value, str) and value == "cpu":  # without torch, which alone knows the others
        return "cpu"
    refused = wrong(name, "'cpu' or 'cuda'", shown(value))
    if isinstance(value, str) and value.partition(":")[0] not in ("cpu", "cuda"):
        raise refused
    torch = need("torch")
    try:
        found = torch.device(value)
    except (RuntimeError, TypeError, ValueError, OverflowError):  # a number beyond its own, too
        raise refused from None
    if found.type not in ("cpu", "cuda"):
        raise refused
    if found.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise wrong(name, "'cpu' (no CUDA device here)", shown(value))
        if (found.index or 0) >= count:
            raise wrong(name, f"'cpu' or 'cuda:0' to 'cuda:{count - 1}'", shown(value))
    return str(found)


DEVICE = made_by(_device, right="cpu", wrong=("tpu", "", None, ["cpu"], "meta", 10**30))


def need_memory(sizes: Sequence[int], seeds: int, *, bias: bool, squares: bool) -> None:
    """Refuse networks that no memory of this machine can hold, before anything is allocated.

    Args:
        sizes: widths from input to output.
        seeds: how many networks.
        bias: whether they have biases.
        squares: whether the normal equations of one of them are needed, too.

    Raises:
        ValueError: it cannot, with what they need at least.
    """
    parameters, available = n_parameters(sizes, bias=bias), memory()
    one = _BYTES * parameters + (8 * parameters**2 if squares else 0)
    needed = one + _BYTES * parameters * (seeds - 1)
    if needed > available:
        name, given = ("hidden", tuple(sizes[1:-1])) if one > available else ("seeds", seeds)
        raise wrong(
            name,
            f"networks that fit into the {words.number(round(available / 2**30, 1))} GiB of this machine",
            f"{shown(given)}: {words.count(seeds, 'network')} of {shown(parameters)} parameters, "
            f"which need at least {words.number(Fraction(needed, 2**30), 3)} GiB",
        )


def need_few(sizes: Sequence[int], *, bias: bool) -> None:
    """Refuse a network of which one step of Levenberg-Marquardt would take minutes, or years.

    Args:
        sizes: widths from input to output.
        bias: whether it has biases.

    Raises:
        ValueError: it has too many parameters.
    """
    parameters = n_parameters(sizes, bias=bias)
    if parameters > _MOST_PARAMETERS:
        raise wrong(
            "hidden",
            f"a network of at most {_MOST_PARAMETERS:,} weights and biases, whose normal equations can be solved",
            f"{shown(tuple(sizes[1:-1]))}, which has {words.number(parameters)}",
        )


def memory() -> int:
    """The bytes of this machine's memory; 1 TiB where it does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**40
