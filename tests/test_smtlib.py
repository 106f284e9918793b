"""The second opinion: solvers that know nothing of this package read the claim and say the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import CIRCUITS

import circuitkit as ck
from benchmarks.generators import random_network, random_target


def z3_says(script):
    z3 = pytest.importorskip("z3")
    solver = z3.Solver(ctx=z3.Context())
    solver.from_string(script)
    return str(solver.check())


def cvc5_says(script):
    cvc5 = pytest.importorskip("cvc5")
    solver = cvc5.Solver(cvc5.TermManager())
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, script, "claim")
    said = []
    while not (command := parser.nextCommand()).isNull():
        said.append(command.invoke(solver, parser.getSymbolManager()).strip())
    return said[-1]


SOLVERS = pytest.mark.parametrize("says", [z3_says, cvc5_says])


@SOLVERS
@pytest.mark.parametrize("case", CIRCUITS, ids=str)
def test_strangers_confirm_every_circuit(case, says):
    assert says(ck.prove(case.make(), case.target).to_smtlib()) == "unsat"


@SOLVERS
@pytest.mark.parametrize("seed", range(12))
def test_strangers_confirm_the_worst_error_of_random_networks(seed, says):
    rng = np.random.default_rng(seed)
    n, bias = int(rng.integers(1, 3)), bool(rng.integers(2))
    net = random_network(rng, [n, 3, 2, 1], bias=bias, weights="quarters")
    target = random_target(rng, n, bias=bias)
    arguments = (
        {},
        {"domain": [(-1, 2)] * n},
        {"domain": [(-1, 2)] * n, "measure": "absolute"},
        {"domain": ([[1] * n, [-1] * n], [2, 3])},
    )[seed % 4]
    worst = ck.prove(net, target, **arguments).exact_error
    for tolerance in (worst, worst * 999 / 1000):
        found = ck.prove(net, target, tolerance=tolerance, **arguments)
        assert found.holds == (tolerance == worst)
        assert says(found.to_smtlib()) == ("unsat" if found else "sat")


@SOLVERS
@pytest.mark.parametrize(
    ("claim", "arguments"),
    [
        ("y <= x1 and y <= x2", {}),
        ("y < x1", {}),
        ("y < x1 + 1", {}),
        ("y == x1", {"domain": [(-1, 0), (0, math.inf)]}),
        ("2*y >= x1 + x2 - abs(x1 - x2)", {}),
        ("y > min(x1, x2) - 1/3", {"domain": [(0, 1), (0.5, 0.5)]}),
        (ck.circuits.minimum_two_layers(), {}),
        (ck.circuit("max"), {"domain": [(1, 1), (-1, 1)]}),
    ],
    ids=str,
)
def test_strangers_confirm_relations_and_two_networks(claim, arguments, says):
    found = ck.prove(ck.circuit("min"), claim, **arguments)
    assert says(found.to_smtlib()) == ("unsat" if found else "sat")


def test_numbers_of_any_length_are_written_out():
    net = ck.Network([[[5e-324]]] * 20)
    script = ck.prove(net, "0*x").to_smtlib()
    assert z3_says(script) == "sat"
