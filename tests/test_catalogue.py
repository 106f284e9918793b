"""The catalogue: every function with a name has its circuit, its proof, and what is told of it is so."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import circuitkit as ck
from circuitkit.functions.named import FUNCTIONS
from circuitkit.functions.page_json import target_to_json
from circuitkit.rules import RULES
from circuitkit.training.architecture import too_small

DATA = Path(__file__).parents[1] / "chapters" / "data" / "catalogue.json"
#: proved by the chapter on depth, in more than a minute
LONG = {"max_of_six_in_two"}
NAMES = list(ck.catalogue)
#: not made of straight pieces
NEAR = {n for n in NAMES if ck.catalogue[n].tolerance}
BITS = {
    "not": lambda a: 1 - a,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "nand": lambda a, b: 1 - (a & b),
    "implies": lambda a, b: int(a <= b),
    "xor": lambda a, b: a ^ b,
    "majority": lambda a, b, c: int(a + b + c >= 2),
    "multiplexer": lambda a, b, c: b if c else a,
    "decoder": lambda a, b: [int(2 * a + b == k) for k in range(4)],
    "compare_two_bits": lambda a, b, c, d: int(2 * a + b > 2 * c + d),
    "half_adder": lambda a, b: [a ^ b, a & b],
    "full_adder": lambda a, b, c: [(a + b + c) % 2, (a + b + c) // 2],
    "parity_of_four": lambda *bits: sum(bits) % 2,
}


def test_there_are_at_least_fifty_six_functions_in_groups():
    assert len(ck.catalogue) >= 56
    assert (
        repr(ck.catalogue)
        == f"Catalogue({len(NAMES)} functions in {len(ck.catalogue.groups)} groups)"
    )
    assert {entry.group for entry in ck.catalogue.values()} == set(ck.catalogue.groups)
    assert set(RULES["functions"]) <= set(NAMES)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in LONG | NEAR])
def test_every_circuit_is_its_function_exactly_and_as_large_as_it_is_said_to_be(name):
    entry = ck.catalogue[name]
    assert entry.circuit.layer_sizes == (entry.n_inputs, *entry.hidden, entry.n_outputs)
    assert entry.proof.holds
    assert entry.proof.exact_error == 0
    assert entry.proof.target == ck.target(entry.expression) == entry.target


@pytest.mark.parametrize("name", sorted(NEAR))
def test_what_bends_has_a_circuit_with_a_proved_bound(name):
    entry = ck.catalogue[name]
    assert entry.circuit.layer_sizes == (entry.n_inputs, *entry.hidden, entry.n_outputs)
    assert entry.proof.check()
    assert entry.proof.error <= entry.tolerance
    assert entry.proof.network == entry.circuit
    low, high = entry.domain
    x = np.random.default_rng(0).uniform(low, high, size=(500, entry.n_inputs))
    assert np.abs(entry.circuit(x) - entry.target(x)).max() <= entry.tolerance


@pytest.mark.parametrize("name", sorted(LONG))
def test_a_circuit_whose_proof_takes_long_agrees_where_it_is_tried(name):
    entry = ck.catalogue[name]
    assert entry.circuit.layer_sizes == (entry.n_inputs, *entry.hidden, entry.n_outputs)
    x = np.random.default_rng(0).integers(-9, 10, size=(500, entry.n_inputs))
    np.testing.assert_allclose(entry.circuit(x), entry.target(x), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_known_everywhere(name):
    assert ck.target(name).name == name
    assert target_to_json(ck.target(name))["name"] == name
    entry = ck.catalogue[name]
    assert entry.title.replace(" ", "_") == name
    assert not entry.use.endswith(".")
    assert 3 < len(entry.use) < 130
    assert entry.span[0] < entry.span[1]
    # A function of expressions by this name would make `relu` two things.
    assert name not in FUNCTIONS or name in RULES["functions"]


def test_circuit_of_a_name_is_the_catalogues():
    assert ck.circuit("median_of_three") == ck.catalogue["median_of_three"].circuit
    with pytest.raises(ValueError, match=r"did you mean 'full_adder'"):
        ck.circuit("full_addr")
    with pytest.raises(ValueError, match=r"did you mean 'full_adder'"):
        ck.target("full_addr")
    with pytest.raises(KeyError, match=r"did you mean 'full_adder'"):
        ck.catalogue["full_addr"]
    with pytest.raises(ValueError, match=r"'tent' names a whole function.*write it out: hat\(x\)"):
        ck.target("tent + 1")


@pytest.mark.parametrize("name", [n for n in NAMES if "none has fewer" in ck.catalogue[n].source])
def test_where_none_is_said_to_have_fewer_units_in_one_layer_a_proof_says_so(name):
    entry = ck.catalogue[name]
    (units,) = entry.hidden
    assert units == 1 or too_small(entry.target, (units - 1,), None)


@pytest.mark.parametrize("name", [n for n in NAMES if ck.catalogue[n].bits and n in BITS])
def test_every_function_of_bits_is_its_table(name):
    entry = ck.catalogue[name]
    for bits in itertools.product((0, 1), repeat=entry.n_inputs):
        np.testing.assert_array_equal(entry.circuit(bits), np.ravel(BITS[name](*bits)))


@pytest.mark.parametrize("name", ["adder_of_four_bits", "flat_adder_of_four_bits"])
def test_an_adder_adds_all_512_inputs(name):
    net = ck.circuit(name)
    bits = np.array(list(itertools.product((0, 1), repeat=9)))
    powers = 2 ** np.arange(4)
    wanted = bits[:, :4] @ powers + bits[:, 4:8] @ powers + bits[:, 8]
    found = net(bits)
    assert set(np.unique(found)) == {0.0, 1.0}
    np.testing.assert_array_equal(found @ 2 ** np.arange(5), wanted)


def test_every_function_of_bits_has_its_table_here():
    adders = {"adder_of_four_bits", "flat_adder_of_four_bits"}
    assert {n for n in NAMES if ck.catalogue[n].bits} == set(BITS) | adders


# --- what training finds -----------------------------------------------------------------------


def test_the_measured_rates_are_of_these_functions_at_these_sizes():
    rows = json.loads(DATA.read_text("utf-8"))["functions"]
    assert set(rows) <= set(NAMES)
    assert len(rows) >= 56
    for name, row in rows.items():
        assert row["hidden"] == list(ck.catalogue[name].hidden), name


@pytest.mark.parametrize("name", ["abs", "insensitive_loss"])
def test_a_rate_of_descent_is_what_training_gives_again(name):
    from benchmarks.catalogue import descended

    told = json.loads(DATA.read_text("utf-8"))["functions"][name]["descent"]
    assert told["n"] == 1000
    again = descended(ck.catalogue[name], 200).rate
    assert again.low <= told["high"]
    assert again.high >= told["low"]


def test_a_function_in_larger_units_is_the_same_function():
    from benchmarks.catalogue import scale, scaled

    entry = ck.catalogue["lookup"]
    s, f = Fraction(str(scale(entry))), scaled(entry)
    assert s == 5
    x = np.linspace(-1, 1, 41)[:, None]
    np.testing.assert_allclose(f(x) * float(s), entry.target(x * float(s)), atol=1e-12)


# --- the gallery -------------------------------------------------------------------------------


def test_a_gallery_tells_what_the_catalogue_says():
    gallery = ck.Gallery(["tent", "adder_of_four_bits"], notes={"tent": {"Note": "<b>"}})
    told = gallery._config["entries"]
    assert [one["name"] for one in told] == ["tent", "adder_of_four_bits"]
    assert told[0]["sizes"] == [1, 3, 1]
    assert told[0]["notes"] == [["Note", "<b>"]]
    assert told[1]["net"] is None
    page = gallery._repr_mimebundle_()[0]["text/html"]
    assert "<b>" not in page.split("application/json")[1]
    assert repr(gallery) == "Gallery(2 functions)"


def test_a_gallery_refuses_what_is_not_there():
    with pytest.raises(ValueError, match="names: expected names of the catalogue, got .*tnt"):
        ck.Gallery("tnt")
    gallery = ck.Gallery(["tent", "abs"])
    with pytest.raises(ValueError, match="chosen: expected one of 'tent' or 'abs'"):
        gallery.chosen = "min"
    assert gallery.chosen == "tent"


@pytest.mark.parametrize(
    "notes", [{"abs": 1}, {"abs": {1: 2}}, {"abs": {"a": None}}, {"no name": {}}]
)
def test_notes_that_are_no_text_or_of_no_card_are_refused(notes: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match="notes: expected"):
        ck.Gallery(["abs"], notes=notes)


def test_the_gallery_says_truly_why_a_function_has_no_rate(monkeypatch):
    """One of 18 units was "too large, or not exact", one that another chapter has was "not measured"."""
    chapters = DATA.parents[1]
    monkeypatch.chdir(chapters)
    cells = json.loads((chapters / "functions.ipynb").read_text("utf-8"))["cells"]
    (source,) = ("".join(c["source"]) for c in cells if c["id"] == "functions-gallery")
    names: dict[str, Any] = {"ck": ck, "json": json, "Path": Path}
    exec(source, names)
    notes = {name: tuple(told.values()) for name, told in names["notes"].items()}
    assert notes["max_of_five_in_two"] == (
        "not measured here (not yet)",
        "not measured here (more than 16 hidden units)",
    )
    assert notes["max_of_six_in_two"][0] == "not measured here (more than 24 hidden units)"
    assert notes["square"] == ("not measured here (only what a network equals is)",) * 2
    assert notes["max_of_eight"] == (
        "0 of 20 seeds",
        "not measured here (more than 16 hidden units); in “How far learning reaches”, 1 of 3 seeds",
    )
