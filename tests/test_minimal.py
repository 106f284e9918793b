"""That no smaller circuit exists: shown from any start, resting on all that it names, and never without time."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

import circuitkit as ck
from circuitkit.detection import listing, smallest
from circuitkit.detection.choices import choices
from circuitkit.detection.extract import _itself
from circuitkit.detection.listing import Listed, listed
from circuitkit.detection.search import Search
from circuitkit.detection.smallest import Blocked, Branched, cannot_meet, none_smaller

SQUARE = [(-1, 1)] * 2
SIZES = {"shallow": (2, 5, 1), "deep": (2, 3, 2, 1)}


@cache
def found(kind: str, method: str = "ablation") -> ck.Extraction:
    """What is left of a few heavy units and many light ones."""
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(SIZES[kind])]
    weights[-1] = weights[-1] * rng.choice([0.02, 0.1, 1.0], size=weights[-1].shape)
    net = ck.Network(weights, [rng.normal(size=len(w)) / 2 for w in weights])
    return ck.extract(net, domain=SQUARE, tolerance=0.1, method=method, time_limit=900)


def asked(kind: str, method: str = "ablation") -> Search:
    """The same question, from the beginning."""
    extraction = found(kind, method)
    return Search(extraction.proof.claim, extraction._whole, time.monotonic() + 600)


def size(extraction: ck.Extraction) -> tuple[int, int]:
    return extraction.size, len(extraction.kept.edges)


CASES = [("shallow", "ablation"), ("shallow", "refit"), ("deep", "ablation")]


@pytest.mark.parametrize(("kind", "method"), CASES)
def test_from_the_whole_network_on_the_same_least_size_is_shown(kind, method):
    search = asked(kind, method)
    shown = none_smaller(search, _itself(search), time.monotonic() + 600, edges=True)
    assert shown is not None
    assert shown.made is not None, "something smaller than the network itself"
    assert (shown.bound.at_least, shown.bound.edges_at_least) == size(found(kind, method))
    made = shown.made.part
    assert (len(made.units), len(search.whole.edges(made))) == size(found(kind, method))
    assert shown.made.proof.holds
    assert shown.bound.holds(search.whole, search.claim)


@pytest.mark.parametrize(("kind", "method"), CASES)
def test_without_time_nothing_is_shown(kind, method):
    search = asked(kind, method)
    assert none_smaller(search, found(kind, method)._made, time.monotonic() - 1, edges=True) is None


@pytest.mark.parametrize(("kind", "method"), CASES)
def test_what_stays_open_is_not_taken_for_refuted(kind, method, monkeypatch):
    search = asked(kind, method)
    monkeypatch.setattr(Search, "settle", lambda *_, **__: None)
    assert none_smaller(search, _itself(search), time.monotonic() + 600, edges=True) is None


def test_a_list_that_would_be_too_long_is_not_begun(monkeypatch):
    search, extraction = asked("deep"), found("deep")
    bound, whole, claim = extraction.bound, extraction._whole, extraction.proof.claim
    assert isinstance(bound, Listed)
    assert bound.holds(whole, claim)
    monkeypatch.setattr(listing, "_MOST", 3)
    assert listed(search, extraction._made, time.monotonic() + 600, edges=True) is None
    assert not bound.holds(whole, claim)


def test_a_list_rests_on_its_points_and_is_for_weights_as_they_are():
    extraction = found("deep")
    bound, whole, claim = extraction.bound, extraction._whole, extraction.proof.claim
    outside = tuple((x + 9, y) for x, y in bound.points)
    for points in ((), outside, bound.points[:1]):
        assert not replace(bound, points=points).holds(whole, claim)
    assert not bound.holds(replace(whole, method="refit"), claim)
    assert not bound.holds(replace(whole, fill="affine"), claim)
    search = Search(claim, replace(whole, method="refit"), time.monotonic() + 600)
    assert listed(search, extraction._made, time.monotonic() + 600, edges=True) is None


def test_where_nothing_is_smaller_no_point_is_needed():
    extraction = found("deep")
    whole, claim = extraction._whole, extraction.proof.claim
    assert Listed(0, 0, ()).holds(whole, claim)
    assert not Listed(0, 1, ()).holds(whole, claim), "no unit and no edge, of which no point speaks"
    assert not Listed(1, None, ()).holds(whole, claim)


def test_parts_that_are_smaller_are_all_listed_and_counted():
    whole = found("deep")._whole
    parts = list(listing.smaller(whole, (2, 3)))
    assert len(set(parts)) == len(parts) == listing.count(whole, (2, 3))
    by_hand = set()
    for n in range(3):
        for units in map(frozenset, itertools.combinations(sorted(whole.everything.units), n)):
            there = whole.edges(listing.Part(units))
            for k in range((len(there) if n < 2 else 2) + 1):
                by_hand |= {(units, frozenset(kept)) for kept in itertools.combinations(there, k)}
    assert {(p.units, frozenset(whole.edges(p))) for p in parts} == by_hand
    only_units = list(listing.smaller(whole, (2, None)))
    assert {p.units for p in only_units} == {u for u, _ in by_hand if len(u) < 2}
    assert not any(p.cut for p in only_units)


def test_that_there_are_no_units_and_edges_less_than_none_needs_no_proof():
    extraction = found("shallow")
    whole, claim = extraction._whole, extraction.proof.claim
    assert Blocked(0, ()).holds(whole, claim)
    assert Branched(0, (), ("count",)).holds(whole, claim)


def test_a_bound_for_one_hidden_layer_says_nothing_of_two():
    blocked, branched = found("shallow", "refit").bound, found("shallow").bound
    deep = found("deep")
    assert isinstance(blocked, Blocked)
    assert isinstance(branched, Branched)
    assert not blocked.holds(deep._whole, deep.proof.claim)
    assert not branched.holds(deep._whole, deep.proof.claim)
    assert not blocked.holds(found("shallow")._whole, found("shallow").proof.claim)


@pytest.mark.parametrize("method", ["ablation", "refit"])
def test_where_choices_are_too_many_a_bound_on_edges_is_not_accepted(method, monkeypatch):
    extraction = found("shallow", method)
    whole, claim = extraction._whole, extraction.proof.claim
    assert extraction.bound.holds(whole, claim)
    monkeypatch.setattr("circuitkit.detection.choices._MOST", 3)
    assert not extraction.bound.holds(whole, claim)
    search = asked("shallow", method)
    assert none_smaller(search, extraction._made, time.monotonic() + 600, edges=True) is None


EMPTY = ("leaf", (), Fraction(0))


@pytest.mark.parametrize(
    "tree",
    [
        EMPTY,
        ("count",),
        ("twice",),
        ("leaf", (), Fraction(-1)),
        ("unit", 99, ("count",), ("count",)),
        ("unit", -1, ("count",), ("count",)),
        ("unit", 0, ("unit", 0, ("count",), ("count",)), ("count",)),
    ],
    ids=str,
)
def test_a_tree_that_does_not_contradict_every_choice_is_refused(tree):
    extraction = found("shallow")
    whole, claim, bound = extraction._whole, extraction.proof.claim, extraction.bound
    assert isinstance(bound, Branched)
    assert bound.holds(whole, claim)
    assert not replace(bound, tree=tree).holds(whole, claim)


def test_points_elsewhere_say_nothing_about_the_choices():
    extraction = found("shallow")
    whole, claim, bound = extraction._whole, extraction.proof.claim, extraction.bound
    outside = tuple((x + 9, y) for x, y in bound.points)
    assert not replace(bound, points=outside).holds(whole, claim)


def test_the_tree_of_choices_agrees_with_trying_them_all():
    extraction = found("shallow")
    whole, claim, bound = extraction._whole, extraction.proof.claim, extraction.bound
    among = choices(whole, edges=False)
    rows = smallest.Rows(among, claim, bound.points)
    share, base = rows.floats()
    width, limit = rows.width, float(claim.tolerance)
    needed = min(
        sum(chosen)
        for chosen in itertools.product((0, 1), repeat=width)
        if np.abs(share @ chosen + base).max() <= limit
    )
    until = time.monotonic() + 600
    tree = smallest._branched(rows, needed - 1, claim.tolerance, until)
    assert tree is not None
    assert smallest._refutes(rows, tree, {}, needed - 1, claim.tolerance)
    assert smallest._branched(rows, needed, claim.tolerance, until) is None
    least, leaf = smallest._at_once(rows, width, claim.tolerance, until)
    assert least <= needed
    assert smallest._refutes(rows, leaf, {}, least - 1, claim.tolerance)


def test_choices_of_one_unit_exclude_each_other_where_sets_are_to_be_met():
    whole = found("shallow")._whole
    among = choices(whole, edges=True)
    every = [(1, k) for k in range(len(among.unit))]
    groups = among.of_one_unit()
    rng = np.random.default_rng(0)
    for _ in range(6):
        sets = [
            frozenset(every[k] for k in rng.choice(len(every), size=6, replace=False))
            for _ in range(3)
        ]
        costs = [
            sum(among.cost[k] for k in taken)
            for taken in itertools.product(*([None, *group] for group in groups[:5]))
            for taken in [[k for k in taken if k is not None]]
            if len(taken) <= 3 and all(s & {(1, k) for k in taken} for s in sets)
        ]
        least = min(costs)  # three sets need three choices at most
        assert cannot_meet(sets, least - 1, among=among)
        assert not cannot_meet(sets, least, among=among)
