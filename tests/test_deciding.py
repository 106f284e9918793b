"""From a claim to a verdict: what is believed of what an engine says, and what is left where time runs out."""

from __future__ import annotations

import math
import time
from fractions import Fraction
from typing import Any

import pytest

import circuitkit as ck
from circuitkit.check import Rejected
from circuitkit.exact import regions
from circuitkit.proof import deciding, z3_engine
from circuitkit.proof.claim import Claim, read_claim
from circuitkit.proof.deciding import Finding, NotSettled
from circuitkit.proof.search import Found, OutOfTime

HALF = Fraction(1, 2)
IDENTITY = ck.circuit("identity")
POSITIVE = ck.Network([[[1]], [[1]]])  # relu(x)
NEAR = ck.Network([[[1]], [[1.25]]])  # within 1/4 of it


def judge(claim: Claim) -> deciding._Judge:
    return deciding._Judge(claim, 60)


def never(*_: Any, **__: Any) -> Any:
    raise OutOfTime(0, math.inf)


def refuse(*_: Any, **__: Any) -> Any:
    raise Rejected("refused")


# --- whether the worst error is reached ----------------------------------------------------------------


def finding(worst: Any, *point: Any) -> Finding:
    exact = None if worst is None else Fraction(worst)
    return Finding(exact, tuple(map(Fraction, point)) or None, None, is_worst=True, engine="search")


@pytest.mark.parametrize(
    ("worst", "point", "reached"),
    [
        (1, (-1, 1), True),
        (1, (-5, 1), True),  # the measure is relative
        (1, (-10, 2), True),
        (HALF, (-1, 2), True),
        (1, (1, 1), False),
        (2, (-1, 1), False),
        (1, (-1, 0), True),  # towards minus infinity
        (1, (1, 0), False),
        (2, (-1, 0), False),
        (1, (), False),
        (0, (), True),
    ],
)
def test_a_worst_error_is_reached_at_a_point_or_towards_one(worst, point, reached):
    # relu(x) beside x: the error is |x| for x < 0, at most 1 times the size
    told = judge(read_claim(POSITIVE, "x"))
    assert told._reached(finding(worst, *point)) is reached


def test_where_no_size_divides_it_an_error_may_grow_without_bound():
    told = judge(read_claim(POSITIVE, "x", measure="absolute"))
    assert told._reached(finding(None, -1, 0))
    assert not told._reached(finding(None, 1, 0))
    proof = ck.prove(POSITIVE, "x", measure="absolute")
    assert proof.error == math.inf
    assert proof.bound == "exact"


def test_a_direction_that_leaves_the_domain_reaches_nothing():
    upper = ([[-1]], [0])  # x >= 0
    told = judge(read_claim(ck.Network([[[1], [-1]], [[0, 1]]]), "x", 0, upper, "absolute"))
    assert told._reached(finding(None, 1, 0))
    assert not told._reached(finding(None, -1, 0))
    assert not told._reached(finding(2, -2, 1))
    assert told._reached(finding(2, 2, 1))


# --- what the checker refuses is not believed ----------------------------------------------------------


def test_a_proof_that_the_checker_refuses_is_no_proof(monkeypatch):
    assert ck.prove(IDENTITY, "x")
    monkeypatch.setattr(deciding, "verify", refuse)
    with pytest.raises(ck.Undecided, match="a proof was found, but the checker: refused"):
        ck.prove(IDENTITY, "x")


def test_a_counterexample_stands_where_the_checker_does_not_follow_how_large_the_error_is(
    monkeypatch,
):
    full = ck.prove(POSITIVE, "x")
    assert (full.bound, full.exact_error) == ("exact", 1)
    assert ck.check(full.certificate, POSITIVE, "x")
    monkeypatch.setattr(deciding, "verify", refuse)
    proof = ck.prove(POSITIVE, "x")
    assert not proof
    (x,) = proof.counterexample
    assert max(x, 0) != x
    assert (proof.certificate, proof.bound, proof.error) == (None, "at least", 1)


def test_a_point_that_does_not_survive_exact_evaluation_is_no_counterexample():
    told = judge(read_claim(IDENTITY, "x"))
    with pytest.raises(NotSettled, match="does not survive exact evaluation"):
        told._judged(finding(1, 3, 1))
    with pytest.raises(NotSettled, match="does not survive exact evaluation"):
        told._judged(finding(1))


def test_a_target_whose_text_the_checker_cannot_read_is_given_without_it(monkeypatch):
    true, texts = deciding.pose, []

    def pose(stated: Any, network: Any, target: Any, deadline: float) -> Any:
        texts.append(getattr(target, "text", None) or target)
        if len(texts) == 1:
            raise Rejected("cannot read that")
        return true(stated, network, target, deadline)

    monkeypatch.setattr(deciding, "pose", pose)
    proof = ck.prove(IDENTITY, "1*x + 0")
    assert proof
    assert len(texts) == 2
    assert ck.check(proof.certificate, IDENTITY, proof.target)
    monkeypatch.setattr(deciding, "pose", refuse)
    with pytest.raises(ck.Undecided, match="the checker: refused"):
        ck.prove(IDENTITY, ck.Network([[[2], [-2]], [[0.5, -0.5]]]))


# --- time runs out --------------------------------------------------------------------------------------


def searched(monkeypatch, exhaust: Any) -> Found:
    def search(*_: Any, **__: Any) -> Any:
        raise OutOfTime(Fraction(1, 4), Fraction(2))

    monkeypatch.setattr(deciding, "search", search)
    monkeypatch.setattr(deciding, "exhaust", exhaust)
    told = judge(read_claim(POSITIVE, "x"))
    return told._searched(told.problem, None, told.until)


def test_after_a_search_that_has_given_up_cells_are_looked_at_one_by_one(monkeypatch):
    found = Found(HALF, None, None)
    assert searched(monkeypatch, lambda *_, **__: found) is found
    with pytest.raises(OutOfTime) as left:
        searched(monkeypatch, lambda *_, **__: None)
    assert (left.value.lower, left.value.upper) == (Fraction(1, 4), 2)


def test_of_two_that_ran_out_of_time_the_better_bounds_are_kept(monkeypatch):
    def exhaust(*_: Any, **__: Any) -> Any:
        raise OutOfTime(HALF, math.inf)

    with pytest.raises(OutOfTime) as left:
        searched(monkeypatch, exhaust)
    assert (left.value.lower, left.value.upper) == (HALF, 2)


def test_there_is_no_second_way_where_the_time_is_up(monkeypatch):
    monkeypatch.setattr(deciding, "search", never)
    told = judge(read_claim(POSITIVE, "x"))
    with pytest.raises(OutOfTime):
        told._searched(told.problem, None, time.monotonic())


def test_a_relation_is_undecided_with_bounds_in_its_own_measure(monkeypatch):
    for name in ("walk_plane", "exhaust", "search"):
        monkeypatch.setattr(deciding, name, never)
    monkeypatch.setattr(deciding, "sampled", lambda claim: None)
    for text in ("y >= 0", "y > -1", "y >= 0 and y >= x"):
        with pytest.raises(ck.Undecided) as left:
            ck.prove(POSITIVE, text, domain=[(-1, 1)])
        assert left.value.lower == 0


# --- the engine of regions, and z3 ----------------------------------------------------------------------


def cut_short(worst: regions.Worst | None, monkeypatch) -> None:
    def worst_difference(*_: Any, **__: Any) -> Any:
        raise regions.OutOfTime(worst)

    monkeypatch.setattr(regions, "worst_difference", worst_difference)


def test_what_the_regions_showed_before_the_time_was_up_refutes_and_is_a_lower_bound(monkeypatch):
    cut_short(regions.Worst(Fraction(1), 1, ray=[-1, 1, 1]), monkeypatch)
    proof = ck.prove(POSITIVE, "x", engine="regions")
    assert not proof
    assert proof.counterexample.tolist() == [-1]
    assert (proof.bound, proof.error, proof.engine) == ("at least", 1, "regions")


@pytest.mark.parametrize("worst", [None, regions.Worst(Fraction(0), 1)])
def test_regions_that_were_not_all_seen_prove_nothing(monkeypatch, worst):
    assert ck.prove(NEAR, "max(x, 0)", tolerance=HALF, engine="regions")
    cut_short(worst, monkeypatch)
    with pytest.raises(ck.Undecided):
        ck.prove(NEAR, "max(x, 0)", tolerance=HALF, engine="regions")


def test_what_all_regions_say_counts_as_far_as_a_tree_or_a_point_shows_it(monkeypatch):
    for name in ("walk_plane", "exhaust", "search"):
        monkeypatch.setattr(deciding, name, never)
    proof = ck.prove(POSITIVE, "x", engine="regions")
    assert not proof
    assert (proof.bound, proof.error) == ("at least", 1)
    with pytest.raises(ck.Undecided):
        ck.prove(NEAR, "max(x, 0)", tolerance=HALF, engine="regions")


def test_the_engine_of_regions_says_what_it_does_not_know():
    for more in ({"domain": [(1, 1)]}, {"measure": "absolute"}, {"domain": ([[1]], [1])}):
        with pytest.raises(ValueError, match="^engine: 'regions' knows functions and networks"):
            ck.prove(NEAR, "max(x, 0)", tolerance=HALF, engine="regions", **more)


def test_a_script_that_z3_cannot_read_in_time_is_undecided(monkeypatch):
    assert ck.prove(NEAR, "max(x, 0)", tolerance=HALF, engine="z3").engine == "z3"
    monkeypatch.setattr(z3_engine, "_READ_IN_A_SECOND", 0.001)
    with pytest.raises(ck.Undecided, match="z3: the script is too long to be read in time"):
        ck.prove(NEAR, "max(x, 0)", tolerance=HALF, engine="z3")
