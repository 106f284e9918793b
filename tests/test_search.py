"""The search for proofs: its worst values against the linear regions, its trees against the checker."""

from __future__ import annotations

import itertools
import math
import re
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import combinations

import highspy
import numpy as np
import pytest
from timing import timed

import circuitkit as ck
from benchmarks import properties
from benchmarks.generators import textbook
from benchmarks.properties import NETWORKS
from circuitkit.check import Q, pose, verify
from circuitkit.exact import regions
from circuitkit.functions.target import target as as_target
from circuitkit.proof.branching import Budget
from circuitkit.proof.exhaustive import exhaust
from circuitkit.proof.plane import walk_plane
from circuitkit.proof.search import Found, OutOfTime, _raced, _Way, search


def random_network(sizes, seed):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(sizes))
    return ck.Network(
        [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in pairs],
        [rng.normal(size=b) / 2 for _, b in pairs],
    )


#: seconds; for what has to be found, and is within four on a quiet machine
PATIENCE = 600


def minimum(n):
    return f"min({', '.join(f'x{i + 1}' for i in range(n))})"


def claim(domain, tolerance="1", measure="relative"):
    return {"tolerance": tolerance, "measure": measure, "domain": domain}


def searched(net, target, domain, *, limit=None, seconds=PATIENCE, measure="relative") -> Found:
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


@pytest.mark.no_cover  # tracing takes time of its own
def test_time_that_runs_out_leaves_bounds_both_ways():
    net = random_network((6, 80, 80, 1), 0)

    def search_on():
        with pytest.raises(OutOfTime) as caught:
            searched(net, minimum(6), {"box": [["-1", "1"]] * 6}, seconds=1.0)
        return caught.value

    seconds, left = timed(search_on, below=1.5)
    assert seconds < 1.5
    assert 0 < left.lower < left.upper < 1000


@pytest.mark.parametrize("threads", [0, 2])
def test_a_linear_program_of_somebody_else_in_the_same_thread_changes_nothing(threads):
    net = random_network((3, 8, 1), 0)
    box = {"box": [["-1", "1"]] * 3}

    def after_another():
        theirs = highspy.Highs()
        theirs.setOptionValue("output_flag", False)
        theirs.setOptionValue("threads", threads)
        theirs.addVar(0, 1)
        theirs.run()
        return searched(net, minimum(3), box)

    with ThreadPoolExecutor(1) as fresh:  # each thread has a scheduler of its own
        found = fresh.submit(after_another).result()
    assert found == searched(net, minimum(3), box)


# --- public networks with known answers ------------------------------------------------------------------


def ends(box):
    return {"box": [[str(Fraction(low)), str(Fraction(high))] for low, high in box]}


def strictly(net, relation, box):
    """Found for a strict relation, by a margin of 10^-9; the checker has judged what was proved."""
    margin = Fraction(1, 10**9)
    posed = {"tolerance": "0", "measure": "absolute", "domain": ends(box), "margins": [str(margin)]}
    found = search(pose(posed, net, relation), limit=-margin, deadline=time.monotonic() + PATIENCE)
    if found.tree is not None:
        assert verify({**posed, "tree": found.tree}, net, relation)
    return found


@pytest.mark.parametrize("path", sorted(NETWORKS.glob("coav/*.nnet")), ids=lambda p: p.stem)
def test_collision_avoidance_is_decided_as_its_file_says(path):
    net, box = properties.boxed(path)
    found = strictly(net, "y > 0", box)
    assert (found.tree is not None) == path.stem.startswith("unsat")
    if found.tree is None:  # a point with y <= 0, but for the margin
        assert all(low <= v <= high for v, (low, high) in zip(found.point, box, strict=False))
        assert net(np.array(found.point[:-1], dtype=float)) <= 1e-9


@pytest.mark.parametrize("path", sorted(NETWORKS.glob("twin/*.nnet")), ids=lambda p: p.stem)
def test_twin_streams_are_one_constant_by_rewriting_alone(path):
    net, box = properties.boxed(path)
    margin = re.search(r"width-(\S+)_margin", path.stem)[1]
    constant = {
        "twin_ladder-25_inp-5_layers-10_width-1e-2_margin": 0.010000000000000028,
        "twin_ladder-5_inp-4_layers-5_width-1e-2_margin": 0.010000000000000056,
    }.get(path.stem, float(margin))
    value = f"{Fraction(constant).numerator}/{Fraction(constant).denominator}"
    assert accepted(net, value, ends(box), 0, ["leaf"])
    if Fraction(constant) != Fraction(margin):
        problem = pose(claim(ends(box)), net, margin)
        found = search(problem, limit=Fraction(0), deadline=time.monotonic() + PATIENCE)
        assert found.tree is None
        assert found.worst == abs(Fraction(constant) - Fraction(margin)) / max(
            1, *(abs(v) for v in found.point)
        )


@pytest.mark.parametrize("name", ["2_9", "3_3"])
def test_a_property_of_acas_xu_is_proved(name):
    net = ck.Network.from_nnet(NETWORKS / "acasxu" / f"ACASXU_{name}.nnet")
    box, relation = properties.violation(NETWORKS / "acasxu" / "property_4.txt")
    assert strictly(net, relation, box).tree is not None


# --- equal functions, met cell by cell ---------------------------------------------------------------------


def nested(n):
    """The minimum as a chain: min(x1, min(x2, ...))."""
    text = f"x{n}"
    for i in range(n - 1, 0, -1):
        text = f"min(x{i}, {text})"
    return text


def order_statistics(n):
    """The k-th smallest of n is the least of the largest of every k of them."""
    xs = [f"x{i + 1}" for i in range(n)]
    parts = []
    for k in range(1, n + 1):
        largest = [f"max({', '.join(c)})" if k > 1 else c[0] for c in combinations(xs, k)]
        parts.append(f"min({', '.join(largest)})" if k < n else largest[0])
    return f"({', '.join(parts)})"


@pytest.mark.parametrize(
    ("name", "target"),
    [("min4", nested(4)), ("min8", nested(8)), ("sort3", order_statistics(3)), ("sort4", order_statistics(4))],
)  # fmt: skip
def test_a_circuit_equals_another_form_of_its_function(name, target):
    net = textbook(name)
    found = searched(net, target, None, limit=Fraction(0))
    assert accepted(net, target, None, 0, found.tree)


def test_one_wrong_weight_in_a_sorting_network_is_found():
    net = textbook("sort4")
    weights = [w.copy() for w in net.weights]
    weights[2][1, 3] += 2.0**-20
    wrong = ck.Network(weights, net.biases)
    found = searched(wrong, order_statistics(4), None, limit=Fraction(0))
    assert found.tree is None
    assert found.worst > 0


@pytest.mark.parametrize(
    ("relation", "worst"),
    [("y <= x1", 0), ("y <= x1 + 1", -1), ("y >= x1", None), ("y + x1 + x2 >= 3*y - 2", -2)],
)
def test_the_largest_violation_of_a_relation_for_every_input(relation, worst):
    found = searched(ck.circuit("min"), relation, None, measure="absolute")
    assert found.worst == worst
    if worst is None:
        assert found.point[-1] == 0  # a direction: the violation grows along it
    elif worst == 0:
        assert accepted(ck.circuit("min"), relation, None, 0, found.tree, "absolute")


@pytest.mark.parametrize("n", [8, 13, 40])
def test_one_region_of_many_inputs_needs_no_corners(n):
    net = ck.Network([[[1.0] * n], [[1.0]]], [[1000.0 * n], [-1000.0 * n]])
    target = " + ".join(f"x{i + 1}" for i in range(n)) + " + x1 / 1000"
    box = {"box": [["-1", "1"]] * n}
    tracemalloc.start()
    found = searched(net, target, box)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.worst == Fraction(1, 1000)
    assert accepted(net, target, box, found.worst, found.tree)
    assert peak < 50e6


def test_a_size_that_grows_with_the_inputs_is_proved_at_the_final_worst_error():
    # A leaf from before the worst error was known did not hold at it: the size's line was below 0.
    for seed in range(12):
        net = random_network((3, 8, 1) if seed % 2 else (2, 6, 4, 3, 1), seed)
        n = net.n_inputs
        target = "max(x1, min(x2, x3))" if n == 3 else "max(x1, x2)"
        box = {"box": [["-3", "3"]] * n}
        found = searched(net, target, box)
        assert accepted(net, target, box, found.worst, found.tree)


def test_a_polytope_of_many_sides():
    sides = {
        "A": [["1", "1"], ["-1", "1"], ["1", "-1"], ["-1", "-1"], ["1", "0"], ["0", "1/3"]],
        "b": ["1", "2", "2", "3", "1/2", "1/2"],
        "point": ["0", "0"],
    }
    for seed in range(4):
        net = random_network((2, 5, 3, 1), seed)
        found = searched(net, minimum(2), sides)
        assert accepted(net, minimum(2), sides, found.worst, found.tree)
        for measure in ("relative", "absolute"):
            limited = searched(net, minimum(2), sides, limit=Fraction(100), measure=measure)
            assert accepted(net, minimum(2), sides, 100, limited.tree, measure)


PLANES = [
    ((2, 3, 2, 1), False, "min(x1, x2)", None),
    ((2, 4, 2), False, "(max(x1, 0), x1 - x2/3)", None),
    ((2, 4, 1), False, "y <= abs(x1)", None),
    ((2, 3, 1), False, "abs(x1 - x2)", [["0", None], [None, "0"]]),
    ((2, 3, 1), False, "x1 + x2", [["0", None], [None, None]]),
    ((2, 3, 1), False, "abs(x1 - x2)", [["0", "0"], [None, None]]),
    ((3, 3, 1), False, "x1 + x2 - x3", [["0", None], ["0", "0"], [None, None]]),
    ((3, 4, 1), True, "abs(x1 + x2 - x3)", [[None, "0"], ["0", "0"], ["0", "0"]]),
    ((1, 4, 3, 1), True, "clamp(x, -1/2, 1/2)", None),
    ((1, 3, 1), True, "abs(x)", [[None, "0"]]),
    ((1, 4, 1), True, "x", [["-1/3", "2/3"]]),
    ((1, 1), False, "y <= x - 1", [["-1/3", "2/3"]]),
]


@pytest.mark.parametrize(("sizes", "biased", "target", "ends"), PLANES)
@pytest.mark.parametrize("seed", range(3))
def test_walking_a_plane_finds_what_linear_programs_find_and_its_proof_is_accepted(
    sizes, biased, target, ends, seed
):
    net = random_network(sizes, seed)
    if not biased:
        net = ck.Network(net.weights)
    domain = None if ends is None else {"box": ends}
    problem = pose(claim(domain), net, target)
    end = time.monotonic() + PATIENCE
    found = walk_plane(problem, deadline=end)
    worst = exhaust(problem, deadline=end).worst
    assert found.worst == worst
    assert accepted(net, target, domain, found.worst, found.tree)
    if found.worst:
        columns = problem.program.values([Q(v.numerator, v.denominator) for v in found.point])
        rows = [part.row for part in problem.claims]
        assert max(sum(c * columns[i] for i, c in row.items()) for row in rows) == Q(
            worst.numerator, worst.denominator
        )
        below, above = worst * Fraction(99, 100), worst * Fraction(101, 100)
        refuted = walk_plane(problem, limit=below, deadline=end)
        assert refuted.tree is None
        assert below < refuted.worst <= worst
        proved = walk_plane(problem, limit=above, deadline=end)
        assert accepted(net, target, domain, above, proved.tree)


@pytest.mark.parametrize(
    ("target", "domain"),
    [
        ("min(x1, x2)", {"box": [["-1", "1"]] * 2}),  # the constant, too
        ("x1 + 1", None),
        ("min(x1, x2)", {"A": [["1", "1"]], "b": ["0"], "point": ["0", "0"]}),
    ],
)
def test_what_is_no_plane_is_left_to_others(target, domain):
    net = ck.Network(random_network((2, 3, 1), 0).weights, [[0, 0, 1], [0]])
    assert walk_plane(pose(claim(domain), net, target), deadline=time.monotonic() + 60) is None


def test_the_walk_of_a_plane_stops_at_the_deadline_and_where_cells_are_too_many():
    net = ck.Network(random_network((2, 60, 1), 0).weights)
    problem = pose(claim(None), net, "min(x1, x2)")
    assert walk_plane(problem, deadline=time.monotonic() + 60) is None
    with pytest.raises(OutOfTime):
        walk_plane(problem, deadline=time.monotonic() - 1)


def test_of_two_ways_the_one_that_seems_to_be_through_sooner_takes_more_turns():
    """Each closes its tree evenly; alone they would need 100 and 1000 steps."""

    def way(steps, name):
        budget = Budget(math.inf)

        def work():
            for _ in range(steps):
                taken[name] += 1
                budget.done += 1 / steps
                yield 1.0
            return [name]

        return _Way(work(), 0.0, 1.0, budget)

    taken = {"short": 0, "long": 0}
    found = []

    def race():
        found.append((yield from _raced(way(1000, "long"), way(100, "short"))))

    assert len(list(race())) == sum(taken.values())
    assert found == [["short"]]
    assert taken["long"] <= 100 / 4 + 2
