"""The circuits derived by hand, recognized by what their units do."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from functools import cache

import sympy

from circuitkit.detection import guess
from circuitkit.detection.units import FEATURES, Unit, read_units
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.rules import RULES
from circuitkit.words import nearest_float

__all__ = ["known_circuit"]

#: name -> (its function, its weights)
_CIRCUITS: dict[str, tuple[str, Network]] = {
    each["name"]: (each["function"], Network(each["weights"])) for each in RULES["circuits"]
}
#: how far a feature's share of the output may be off, in tolerances
_SHARE: float = RULES["reading"]["share"]

#: the features of each layer, and how much the output takes of each feature of the last one
_Signature = tuple[tuple[tuple[tuple[str, str], ...], ...], dict[tuple[str, str], float]]


def known_circuit(
    net: Network, function: str, units: list[Unit], tolerance: Fraction
) -> str | None:
    """The name of the circuit that these units are, up to its symmetries; None if it is none of them."""
    own = _signature(net, units)
    if own is None:
        return None
    signature, shares = own
    for name, (target, _) in _CIRCUITS.items():
        if target != function:
            continue
        for known_signature, known_shares in _known_signatures(name):
            if signature == known_signature and all(
                abs(shares[key] - known_shares[key]) <= max(_SHARE * nearest_float(tolerance), 1e-9)
                for key in shares
            ):
                return name
    return None


@cache
def _known_signatures(name: str) -> tuple[_Signature, ...]:
    """The circuit's signatures under every order of its inputs that leaves its function the same."""
    function, net = _CIRCUITS[name]
    units = read_units(net, Fraction(0))
    variables = guess.input_variables(net.n_inputs)
    target = as_target(function)
    found = []
    for order in itertools.permutations(variables):
        # "via x1" is a circuit of its own, not another order of "via x2"
        if name.endswith(("x1", "x2")) and list(order) != variables:
            continue
        swap = dict(zip(variables, order, strict=True))
        if _swapped(target.expression, swap) != target.expression:
            continue
        permuted = [replace(u, of=None if u.of is None else _swapped(u.of, swap)) for u in units]
        signature = _signature(net, permuted)
        if signature is not None and signature not in found:
            found.append(signature)
    return tuple(found)


def _swapped(e: sympy.Expr, swap: dict[sympy.Symbol, sympy.Symbol]) -> sympy.Expr:
    """Other variables for the old ones, without simplifying anew, which SymPy is slow at."""
    if not e.args:
        return swap.get(e, e)
    arguments = [_swapped(a, swap) for a in e.args]
    if isinstance(e, (sympy.Min, sympy.Max)):
        return type(e)(*arguments, evaluate=False)
    return e.func(*arguments)


def _signature(net: Network, units: list[Unit]) -> _Signature | None:
    """For each layer which features there are, and what the first output takes of the last ones."""
    layers: list[set[tuple[str, str]]] = [set() for _ in net.weights[:-1]]
    shares: dict[tuple[str, str], float] = {}
    leaders: dict[tuple[int, str], tuple[str, str]] = {}
    for unit in units:
        if not unit.in_circuit or unit.feature == FEATURES["dead"]:
            continue
        if unit.of is None or unit.feature == FEATURES["other"]:
            return None
        key = (unit.feature, str(unit.of))
        if unit.feature == FEATURES["duplicate"]:
            key = leaders.get((unit.layer, str(unit.of)), key)
        else:
            leaders[unit.layer, str(unit.of)] = key
        layers[unit.layer].add(key)
        if unit.layer == len(layers) - 1:
            share = unit.scale * float(net.float_layers[-1][0][0, unit.index])
            shares[key] = shares.get(key, 0.0) + share
    return tuple(tuple(sorted(layer)) for layer in layers), shares
