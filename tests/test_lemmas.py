"""Equal functions are met half way: gates that are sums of earlier ones, each with a proof of its own."""

import copy
import json
import random

import pytest

import circuitkit as ck
from circuitkit import check

#: medians by comparators inside of maxima, which the checker reads as minima of maxima
NESTED = (
    "max(x1 + x4, median(x1, x2, x3), median(x1 - x4, x2 + x4, x3)) - min(x1, x2)",
    "(max(max(x2, max(min(x3, x2), clamp(x4, -1, 2/3), max(x3, 12, x2)), median(x4 - x3,"
    " clamp(x1, -1, 2/3), x1)), median(1, range(x2, x1, x2), x4 + x3) - clamp(x3, -1, 2/3)) - min(x1, x2))",
)


def certified(expression):
    net = ck.compile_expression(expression)
    proof = ck.prove(net, expression, time_limit=60)
    assert proof
    return net, proof.certificate


@pytest.fixture(scope="module")
def nested():
    net, certificate = certified(NESTED[1])
    assert certificate["lemmas"]
    return net.to_dict(), certificate, str(ck.target(NESTED[1]))


@pytest.mark.parametrize("expression", NESTED)
def test_forms_that_meet_on_the_way_are_proved_equal(expression):
    net, certificate = certified(expression)
    assert ck.check(json.loads(json.dumps(certificate)), net, expression)


def test_without_its_lemmas_or_their_trees_the_certificate_shows_nothing(nested):
    net, certificate, target = nested
    assert check.check(certificate, net, target)
    bare = {k: v for k, v in certificate.items() if k != "lemmas"}
    assert not check.check(bare, net, target)
    for i in range(len(certificate["lemmas"])):
        changed = copy.deepcopy(certificate)
        changed["lemmas"][i][2] = ["leaf"]
        assert not check.check(changed, net, target)


def test_a_lemma_that_is_not_true_is_refused_whatever_its_tree(nested):
    net, certificate, target = nested
    rng = random.Random(0)
    for _ in range(30):
        changed = copy.deepcopy(certificate)
        _, row, _ = rng.choice(changed["lemmas"])
        column = rng.choice([*row, "0", "1"])
        row[column] = str(rng.choice([1, 2, -3]) + (1 if row.get(column) == "1" else 0))
        if changed != certificate:
            with pytest.raises(check.Rejected):
                check.verify(changed, net, target)


def test_no_false_claim_is_shown_with_the_lemmas_of_a_true_one(nested):
    net, certificate, target = nested
    for other in (f"{target} + x1", f"{target} + 1/1000", "x1", f"2*({target})"):
        assert not check.check(certificate, net, other)


@pytest.mark.parametrize(
    "lemma",
    [
        [0, {"0": "1"}, ["leaf"]], [0, {"0": "1", "00": "1"}, ["leaf"]], [0, {"9": "1"}, ["leaf"]], [0, {}, ["leaf"]],
        [0, {"2": "1"}, ["leaf"]], [0, {"0": "0"}, ["leaf"]], [0, [], ["leaf"]], [-1, {}, ["leaf"]], [0, {}], "lemma",
        [10**9, {}, ["leaf"]], [True, {}, ["leaf"]],
    ],
)  # fmt: skip
def test_a_malformed_or_false_lemma_is_refused(lemma):
    certificate = {"tolerance": 0, "measure": "relative", "domain": None, "tree": ["leaf"]}
    net = ck.circuit("abs").to_dict()
    assert check.check(certificate, net, "abs(x)")
    assert not check.check({**certificate, "lemmas": [lemma]}, net, "abs(x)")


def test_networks_that_differ_in_a_corner_are_told_apart():
    expression = NESTED[0]
    net = ck.compile_expression(f"{expression} + relu(x1 - 1000)/1000")
    proof = ck.prove(net, expression, time_limit=60)
    assert not proof
    assert proof.counterexample[0] > 1000
