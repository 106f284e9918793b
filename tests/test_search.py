"""The search for proofs: its worst values against the linear regions, its trees against the checker."""

from __future__ import annotations

import itertools
import time
from fractions import Fraction

import numpy as np
import pytest

import circuitkit as ck
from circuitkit.check import pose, verify
from circuitkit.exact import regions
from circuitkit.functions.target import target as as_target
from circuitkit.proof.search import Found, OutOfTime, search


def random_network(sizes, seed):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(sizes))
    return ck.Network(
        [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in pairs],
        [rng.normal(size=b) / 2 for _, b in pairs],
    )


def minimum(n):
    return f"min({', '.join(f'x{i + 1}' for i in range(n))})"


def claim(domain, tolerance="1", measure="relative"):
    return {"tolerance": tolerance, "measure": measure, "domain": domain}


def searched(net, target, domain, *, limit=None, seconds=60.0, measure="relative") -> Found:
    problem = pose(claim(domain, measure=measure), net, target)
    return search(problem, limit=limit, deadline=time.monotonic() + seconds)


def accepted(net, target, domain, tolerance, tree, measure="relative"):
    """The checker's words; raises where the tree does not prove the claim."""
    return verify({**claim(domain, str(tolerance), measure), "tree": tree}, net, target)


@pytest.mark.parametrize("sizes", [(1, 6, 1), (2, 5, 1), (2, 4, 4, 1), (3, 5, 1), (2, 6, 2)])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("domain", [None, "box"])
def test_the_worst_error_is_that_of_the_linear_regions_and_its_proof_is_accepted(
    sizes, seed, domain
):
    net = random_network(sizes, seed)
    n, outputs = sizes[0], sizes[-1]
    words = minimum(n) if n > 1 else "abs(x)"
    target = words if outputs == 1 else f"({words}, x1 - x2)"
    box = None if domain is None else {"box": [["-1", "1"]] * n}
    found = searched(net, target, box)
    ends = None if domain is None else [(Fraction(-1), Fraction(1))] * n
    made = regions.program(net, as_target(target), homogeneous=False)
    cone = regions.domain_cone(n, homogeneous=False, box=ends)
    assert found.worst == regions.worst_difference(made, cone, homogeneous=False).error
    assert accepted(net, target, box, found.worst, found.tree)


@pytest.mark.parametrize("seed", range(4))
def test_a_limit_below_the_worst_error_is_refuted_and_one_above_it_proved(seed):
    net = random_network((3, 8, 1), seed)
    box = {"box": [["-1", "1"]] * 3}
    worst = searched(net, minimum(3), box).worst
    below = searched(net, minimum(3), box, limit=worst * Fraction(99, 100))
    assert below.tree is None
    assert worst * Fraction(99, 100) < below.worst <= worst
    above = searched(net, minimum(3), box, limit=worst * Fraction(101, 100))
    assert accepted(net, minimum(3), box, worst * Fraction(101, 100), above.tree)


def test_time_that_runs_out_leaves_bounds_both_ways():
    net = random_network((5, 50, 50, 1), 0)
    start = time.monotonic()
    with pytest.raises(OutOfTime) as caught:
        searched(net, minimum(5), {"box": [["-1", "1"]] * 5}, seconds=1.0)
    assert time.monotonic() - start < 1.5
    assert 0 < caught.value.lower < caught.value.upper < 1000
