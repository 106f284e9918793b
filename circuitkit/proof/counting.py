"""How many linear regions a claim is about: for the reader; nothing that is proved rests on it.

Two networks have a region for every choice of hidden units that are on. A target is cut, within such a
region, into its pieces; where a maximum is nested, or is one of three, it is met in more cells than it has pieces,
and cells of one formula that have a wall in common are one piece.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from circuitkit.exact import regions
from circuitkit.exact.canonical import canonical_form
from circuitkit.exact.cones import Cone
from circuitkit.exact.integers import Integers
from circuitkit.functions.relation import Relation
from circuitkit.functions.target import Target
from circuitkit.network import Network
from circuitkit.proof.claim import Box, Claim, Polytope

__all__ = ["count_pieces"]

#: networks of more hidden units are simplified before their regions are counted
_PLAIN_UNITS = 16
_MOST = 300
#: and so many cells of the target in one region of the networks are put together
_MOST_CELLS = 500
_SECONDS = 2.0


def count_pieces(claim: Claim) -> int | None:
    """How many linear regions network and target have together; None where that says nothing."""
    if isinstance(claim.target, Relation) or not _has_interior(claim.domain):
        return None
    deadline = time.monotonic() + _SECONDS
    n = claim.network.n_inputs
    ends = claim.domain.ends if isinstance(claim.domain, Box) else None
    found = 0
    try:
        networks, target = regions.Program(n + 1), regions.Program(n + 1)
        _add(networks, claim.network, deadline)
        _add(target if isinstance(claim.target, Target) else networks, claim.target, deadline)
        cone = regions.domain_cone(n, homogeneous=False, box=ends)
        for cell in regions.cells(networks, cone, deadline):
            found += 1 if not target.stages else _pieces(target, cell.cone, deadline)
            if found > _MOST:
                return None
    except regions.OutOfTime:
        return None
    return found


def joint_program(claim: Claim, deadline: float) -> regions.Program | None:
    """Network and target for the region engine; None for a claim that it does not know."""
    if isinstance(claim.target, Relation) or not _has_interior(claim.domain):
        return None
    made = regions.Program(claim.network.n_inputs + 1)
    for part in (claim.network, claim.target):
        _add(made, part, deadline)
    return made


def _add(made: regions.Program, part: Network | Target, deadline: float) -> None:
    if isinstance(part, Target):
        regions.add_target(made, part, homogeneous=False)
    elif sum(part.layer_sizes[1:-1]) > _PLAIN_UNITS:
        form = canonical_form(part, deadline=deadline)
        form.add_to(made, homogeneous=False, deadline=deadline)
    else:
        regions.add_network(made, part, homogeneous=False)


def _has_interior(domain: Box | Polytope | None) -> bool:
    """All of R^n, or a box in which no input is fixed."""
    if isinstance(domain, Box):
        return all(low is None or low != high for low, high in domain.ends)
    return domain is None


# --- pieces of a target -----------------------------------------------------------------------------------


def _pieces(target: regions.Program, cone: Cone, deadline: float) -> int:
    """How many pieces the target has in a cone, up to ``_MOST``."""
    cells: dict[str, list[regions.Cell]] = {}
    for k, cell in enumerate(regions.cells(target, cone, deadline)):
        if k == _MOST_CELLS:
            return _MOST + 1
        cells.setdefault(str([rows.tolist() for rows in cell.outputs]), []).append(cell)
    return sum(sum(1 for _ in _connected(some, deadline)) for some in cells.values())


def _connected(cells: list[regions.Cell], deadline: float) -> Iterator[list[regions.Cell]]:
    """The cells in sets that hang together."""
    left = list(cells)
    while left:
        found = [left.pop()]
        for cell in found:  # which grows
            regions.look_at_the_clock(deadline)
            near = [other for other in left if _touch(cell, other, deadline)]
            left = [other for other in left if all(other is not one for one in near)]
            found += near
        yield found


def _touch(one: regions.Cell, other: regions.Cell, deadline: float) -> bool:
    """Whether two cells of one cone have more than an edge in common, a part of the wall that first told them apart."""
    regions.look_at_the_clock(deadline)
    pairs = zip(one.walls, other.walls, strict=False)
    first = next(i for i, (a, b) in enumerate(pairs) if not np.array_equal(a, b))
    part = one.cone
    for wall in other.walls[first + 1 :]:
        on_lines, on_rays = part.values(wall[None])
        if not on_lines.any() and not (on_rays > 0).any():
            return False
        part = part.clip(wall)
    wall = one.walls[first]
    on_wall = part.values(wall[None])[1][:, 0] == 0
    return _span([*part.lines, *part.rays[on_wall]], len(wall) - 1)


def _span(rows: Sequence[Integers], rank: int) -> bool:
    """Whether so many of the rows are independent."""
    left = [[int(v) for v in row] for row in rows]
    found = 0
    while left and found < rank:
        pivot = left.pop()
        k = next((i for i, v in enumerate(pivot) if v), None)
        if k is not None:
            found += 1
            left = [
                [pivot[k] * a - row[k] * b for a, b in zip(row, pivot, strict=True)] for row in left
            ]
    return found >= rank
