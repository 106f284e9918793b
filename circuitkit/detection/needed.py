"""Which hidden units a network needs, and which only undo each other.

Samples propose which units could go, in floats; that they can is a claim about two networks, the one with
and the one without them, and only what is proved of these counts.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from circuitkit.exact.regions import OutOfTime, look_at_the_clock
from circuitkit.network import Network
from circuitkit.rules import RULES

__all__ = ["Mask", "needed_units", "only"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: units whose preactivations form a smaller angle than this share a hyperplane
_PARALLEL: float = RULES["reading"]["parallel"]
#: and if by less than this, what they add may cancel up to rounding
_EXACT: float = RULES["reading"]["one_hyperplane"]
#: what a unit may add without being needed, in shares of the largest, where a tolerance is given
_NOISE: float = RULES["reading"]["noise"]


def needed_units(
    net: Network,
    preactivations: list[Array],
    sizes: Array,
    tolerance: float,
    same: Callable[[list[Mask]], bool],
    deadline: float = math.inf,
) -> list[Mask]:
    """For each layer which units stay; the others are proved to be unneeded, all of them together.

    All stay that were not proved to be unneeded before the deadline.

    Args:
        net: the network.
        preactivations: of each layer at the samples, of shape ``(n_samples, n_units)``.
        sizes: what errors at the samples are divided by.
        tolerance: how far the network without units may be from the network.
        same: whether the network of which only these units stay is proved to be the same, within the
            tolerance.
        deadline: when ``same`` proves no more: then nothing is proposed to it either.
    """
    stays = [np.ones(z.shape[1], dtype=bool) for z in preactivations]
    with contextlib.suppress(OutOfTime):
        groups = _candidates(net, preactivations, sizes, tolerance, deadline)
        _take_out(groups, stays, same, deadline)
    return stays


def _candidates(
    net: Network, preactivations: list[Array], sizes: Array, tolerance: float, deadline: float
) -> list[list[tuple[int, int]]]:
    """Units that the samples say could go, those of one hyperplane together.

    Raises:
        OutOfTime: they were not found in time.
    """
    proposed = []
    for layer, kept in enumerate(_proposed(net, preactivations, tolerance, deadline)):
        reach = (np.maximum(preactivations[layer], 0) / sizes[:, None]).max(axis=0)
        out = np.abs(net.float_layers[layer + 1][0]).max(axis=0)
        proposed.append(~kept | (reach * np.maximum(out, 1.0) <= tolerance))
    return [
        [(layer, k) for k in group]
        for layer, (z, out_of) in enumerate(zip(preactivations, proposed, strict=True))
        for group in _parallel(z, np.flatnonzero(out_of).tolist(), _PARALLEL, deadline)
    ]


def _take_out(
    groups: list[list[tuple[int, int]]],
    stays: list[Mask],
    same: Callable[[list[Mask]], bool],
    deadline: float,
) -> None:
    """Takes groups of units out: all of them, or failing that, what can go of each half.

    Raises:
        OutOfTime: there is no time to prove more; what was proved is in ``stays``.
    """
    if not groups:
        return
    look_at_the_clock(deadline)
    without = [kept.copy() for kept in stays]
    for layer, k in itertools.chain(*groups):
        without[layer][k] = False
    if same(without):
        stays[:] = without
    elif len(groups) > 1:
        half = len(groups) // 2
        _take_out(groups[:half], stays, same, deadline)
        _take_out(groups[half:], stays, same, deadline)


def only(net: Network, stays: list[Mask]) -> Network:
    """The network in which nobody reads the other units."""
    weights = [w * kept for w, kept in zip(net.weights[1:], stays, strict=True)]
    return Network([net.weights[0], *weights], net.biases, scale=net.scale)


def _proposed(
    net: Network, preactivations: list[Array], tolerance: float, deadline: float
) -> list[Mask]:
    """For each layer which units stay when what cancels is taken out, from the output backwards.

    Units on one hyperplane form a group. A group bends the output along its hyperplane, or it adds
    something linear only; of those, the fewest that add up to the whole are needed.
    """
    needed = [np.ones(z.shape[1], dtype=bool) for z in preactivations]
    readers = np.ones(net.n_outputs, dtype=bool)
    for layer in reversed(range(len(preactivations))):
        z = preactivations[layer]
        w = net.float_layers[layer + 1][0][readers] * (z > 0).any(axis=0)  # nobody reads the dead
        always: NDArray[np.bool_] = np.asarray((z >= 0).all(axis=0))
        groups = _groups(z, w, deadline)
        bends, slants, members = [], [], []
        for group in groups:
            look_at_the_clock(deadline)
            lead = z[:, group[0]]
            norm = float(lead @ lead)
            factor = z[:, group].T @ lead / norm if norm else np.zeros(len(group))
            amounts = w[:, group] * np.abs(factor)
            # relu(z) = (z + |z|) / 2, but z where the unit is on throughout
            bent = amounts * ~always[group] / 2
            bends.append(bent.sum(axis=1))
            slants.append(((amounts - bent) * np.sign(factor)).sum(axis=1))
            members.append(_needed_members(group, amounts, factor, tolerance, deadline))
        leads = [z[:, g[0]] for g in groups]
        keep = _needed_groups(leads, bends, slants, w, z, groups, tolerance, deadline)
        chosen = np.zeros(z.shape[1], dtype=bool)
        for kept, units in zip(keep, members, strict=True):
            if kept:
                chosen[units] = True
        needed[layer] = chosen
        readers = chosen
    return needed


def _groups(z: Array, w: Array, deadline: float) -> list[list[int]]:
    """Units of one hyperplane; hyperplanes that bend the readers w and are nearly one count as one.

    Units of one hyperplane have preactivations that are multiples of each other, of either sign. First
    each hyperplane for itself: what cancels on it is linear there, and has no part in its neighbors.
    """
    straight, bent = [], []
    for group in _parallel(z, list(range(z.shape[1])), _EXACT, deadline):
        look_at_the_clock(deadline)
        if _bends(z, w, group):
            bent += group
        else:
            straight.append(group)
    return [*_parallel(z, bent, _PARALLEL, deadline), *straight]


def _bends(z: Array, w: Array, group: list[int]) -> bool:
    """Whether units of one hyperplane bend what a reader receives."""
    bent = w[:, group] * np.linalg.norm(z[:, group], axis=0) * ~(z[:, group] >= 0).all(axis=0)
    return bool((np.abs(bent.sum(axis=1)) > 1e-9 * np.abs(bent).max(initial=0.0)).any())


def _parallel(z: Array, units: list[int], angle: float, deadline: float) -> list[list[int]]:
    """The units in groups whose first one forms at most such an angle with the others."""
    norms = np.linalg.norm(z, axis=0)
    unit = z / np.where(norms > 0, norms, 1.0)
    groups = []
    left = np.array(units, dtype=int)
    while len(left):
        look_at_the_clock(deadline)
        lead = unit[:, left[0]]
        cosines = (lead @ unit)[left]
        # Of small angles the difference tells more than the cosine does, which only tells which are small.
        near = (np.abs(cosines) >= 1 - angle**2 / 2 - 1e-9) | (norms[left] == 0)
        near[0] = True
        sides = np.sign(cosines[near])
        apart = np.linalg.norm(unit[:, left[near]] - sides * lead[:, None], axis=0)
        same = np.zeros(len(left), dtype=bool)
        same[near] = apart <= angle
        same[0] = same[0] or not same.any()
        groups.append(left[same].tolist())
        left = left[~same]
    return groups


def _needed_members(
    group: list[int], amounts: Array, factor: Array, tolerance: float, deadline: float
) -> list[int]:
    """The fewest units of a hyperplane that add up to the same on each of its two sides."""
    units: list[int] = []
    for sign in (1, -1):
        side = np.flatnonzero(np.sign(factor) == sign)
        if not len(side):
            continue
        parts = amounts[:, side].T
        slack = max(_NOISE * (tolerance > 0), 1e-9) * float(np.abs(parts).max(initial=0.0))
        for picked in _fewest(parts, parts.sum(axis=0), slack, deadline):
            units += [group[side[i]] for i in picked]
    return units


def _needed_groups(
    leads: list[Array],
    bends: list[Array],
    slants: list[Array],
    w: Array,
    z: Array,
    groups: list[list[int]],
    tolerance: float,
    deadline: float,
) -> list[bool]:
    keep = [False] * len(groups)
    scale = float(np.abs(w @ np.maximum(z, 0).T).max(initial=0.0)) or 1.0
    loose = []
    for k, group in enumerate(groups):
        size = np.abs(leads[k]).max()
        amount = float((np.abs(w[:, group]) * np.abs(z[:, group]).max(axis=0)).max(initial=0.0))
        slack = max(tolerance / 4 * scale, _NOISE * amount * (tolerance > 0), 1e-9 * amount)
        if np.abs(bends[k]).max(initial=0.0) * size > slack:
            keep[k] = True
        elif np.abs(slants[k]).max(initial=0.0) * size > slack:
            loose.append(k)
    if not loose:
        return keep
    # The linear parts as functions on the samples, all readers beside each other.
    parts = np.stack([np.outer(slants[k], leads[k]).ravel() for k in loose])
    # Only their span matters: a few coordinates instead of all samples.
    _, s, vt = np.linalg.svd(parts, full_matrices=False)
    rank = max(1, int((s > 1e-9 * s[0]).sum()))
    parts = parts @ vt[:rank].T
    total = parts.sum(axis=0)
    sizes = np.linalg.norm(parts, axis=1)
    slack = max(1e-9, tolerance / 2) * max(float(np.linalg.norm(total)), 1e-3 * sizes.max())
    slack = max(slack, _NOISE * float(sizes.max()) * (tolerance > 0))
    for chosen in _fewest(parts, total, slack, deadline):
        for i in chosen:
            keep[loose[i]] = True
    return keep


def _fewest(parts: Array, total: Array, slack: float, deadline: float) -> Iterable[tuple[int, ...]]:
    """The smallest subset of rows that adds up to ``total``; failing that, all but what cancels."""
    count = len(parts)
    for size in range(4):
        if math.comb(count, size) > 60_000:
            break
        look_at_the_clock(deadline)
        subsets = np.array(list(itertools.combinations(range(count), size)), dtype=int)
        if not size:
            if np.linalg.norm(total) <= slack:
                return [()]
            continue
        if not len(subsets):
            break
        misses = np.linalg.norm(parts[subsets].sum(axis=1) - total, axis=1)
        best = int(misses.argmin())
        if misses[best] <= slack:
            return [tuple(subsets[best].tolist())]
    left = list(range(count))
    for size in (1, 2, 3, 4):
        again = True
        while again and len(left) >= size and math.comb(len(left), size) <= 60_000:
            look_at_the_clock(deadline)
            subsets = np.array(list(itertools.combinations(left, size)), dtype=int)
            misses = np.linalg.norm(parts[subsets].sum(axis=1), axis=1)
            best = int(misses.argmin())
            again = bool(misses[best] <= slack)
            if again:
                left = [i for i in left if i not in subsets[best]]
    return [tuple(left)]
