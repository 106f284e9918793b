"""How many linear regions a claim is about: for the reader; nothing that is proved rests on it."""

from __future__ import annotations

import itertools
import time

from circuitkit.exact import regions
from circuitkit.exact.canonical import canonical_form
from circuitkit.functions.relation import Relation
from circuitkit.functions.target import Target
from circuitkit.proof.claim import Box, Claim, Polytope

__all__ = ["count_pieces"]

#: networks of more hidden units are simplified before their regions are counted
_PLAIN_UNITS = 16
_MOST = 300
_SECONDS = 2.0


def count_pieces(claim: Claim) -> int | None:
    """How many linear regions network and target have together; None where that says nothing."""
    deadline = time.monotonic() + _SECONDS
    try:
        made = joint_program(claim, deadline)
        if made is None:
            return None
        ends = claim.domain.ends if isinstance(claim.domain, Box) else None
        cone = regions.domain_cone(claim.network.n_inputs, homogeneous=False, box=ends)
        found = sum(1 for _ in itertools.islice(regions.cells(made, cone, deadline), _MOST + 1))
    except regions.OutOfTime:
        return None
    return found if found <= _MOST else None


def joint_program(claim: Claim, deadline: float) -> regions.Program | None:
    """Network and target for the region engine; None for a claim that it does not know."""
    if isinstance(claim.target, Relation) or not _has_interior(claim.domain):
        return None
    made = regions.Program(claim.network.n_inputs + 1)
    for part in (claim.network, claim.target):
        if isinstance(part, Target):
            regions.add_target(made, part, homogeneous=False)
        elif sum(part.layer_sizes[1:-1]) > _PLAIN_UNITS:
            form = canonical_form(part, deadline=deadline)
            form.add_to(made, homogeneous=False, deadline=deadline)
        else:
            regions.add_network(made, part, homogeneous=False)
    return made


def _has_interior(domain: Box | Polytope | None) -> bool:
    """All of R^n, or a box in which no input is fixed."""
    if isinstance(domain, Box):
        return all(low is None or low != high for low, high in domain.ends)
    return domain is None
