"""A few of the inputs of ``make fuzz``: a right answer or a clear error each."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import sys
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.neural_network import MLPRegressor

import circuitkit as ck
from circuitkit import images, plotting, superposition

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import fuzz

#: the same inputs each time; readers of files, trainings and figures take longer, and the command has them
CHEAP = [("language", 60), ("networks", 60), ("proof", 30), ("widgets", 15)]


@pytest.mark.parametrize(("family", "count"), CHEAP)
def test_hostile_input_gets_a_right_answer_or_a_clear_error(family, count):
    tally = fuzz.part(family, 0, 0, count)
    assert tally.inputs >= count // 2
    assert tally.faults == [], json.dumps(tally.faults, indent=1)


def test_every_public_function_that_takes_an_argument_is_tried():
    tried = {
        part
        for family in fuzz.FAMILIES.values()
        for call in family
        for part in re.split(r"\W+", call.name)
    }
    rooms = (ck, ck.circuits, ck.images, ck.plotting, ck.superposition)
    public = {n: getattr(room, n) for room in rooms for n in room.__all__}
    public |= {n: getattr(ck.Network, n) for n in dir(ck.Network) if not n.startswith("_")}
    takes = {
        name
        for name, value in public.items()
        if inspect.isroutine(value) and set(inspect.signature(value).parameters) - {"self", "cls"}
    }
    assert takes - tried == set()


def test_an_error_that_names_no_argument_is_a_fault():
    def fails(x):
        raise ValueError("math domain error")

    call = fuzz.Call("fails", fails, lambda rng: {"x": 1})
    assert fuzz.tried(call, {"x": 1}, {"x"}).kind == "fault"


def test_a_wrong_answer_is_a_fault():
    call = fuzz.Call("two", lambda x: 2, lambda rng: {}, lambda arguments, replaced, y: f"{y}")
    assert fuzz.tried(call, {"x": 1}, set()) == fuzz.Outcome("fault", "wrong: 2")


def test_what_takes_for_ever_is_a_fault(monkeypatch):
    monkeypatch.setattr(fuzz, "LIMIT", 0.2)

    def forever(x):
        while x:
            pass

    outcome = fuzz.tried(fuzz.Call("forever", forever, lambda rng: {}), {"x": 1}, set())
    assert outcome == fuzz.Outcome("fault", "did not end within 0.2 s")


def _ends(x):
    os._exit(7)


def _is_deaf(x):
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    while True:
        pass


PEAK = [fuzz.peak()]


def _grows(x):
    PEAK.append(2**35)
    return x


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (_ends, "ended its process with 7"),
        (_is_deaf, "did not end within 0.2 s, and not when it was asked to"),
        (_grows, "took 32.0 GB of memory"),
    ],
    ids=["ends", "deaf", "grows"],
)
def test_a_call_that_takes_its_process_with_it_is_a_fault_and_the_part_goes_on(
    function, why, monkeypatch
):
    monkeypatch.setattr(fuzz, "LIMIT", 0.2)
    monkeypatch.setattr(fuzz, "GRACE", 0.1)
    monkeypatch.setattr(fuzz, "peak", lambda: PEAK[-1])
    right = fuzz.Call("right", lambda x: x, lambda rng: {"x": 1}, replaces=False)
    calls = (right, fuzz.Call("wrong", function, lambda rng: {"x": 1}, replaces=False))
    monkeypatch.setitem(fuzz.FAMILIES, "two", calls)
    tally = fuzz.apart("two", 0, 0, 5)
    assert tally.inputs == 5
    assert set(tally.functions) == {"right", "wrong"}
    # What has grown once has grown; the others are told each time.
    assert 2**20 < PEAK[0] < fuzz.LARGE
    times = 1 if function is _grows else tally.functions["wrong"]
    assert tally.kinds == {"answer": 5 - times, "fault": times}
    assert tally.faults[0]["why"] == why


def test_parts_with_faults_are_tried_again_and_what_is_gone_is_mended(monkeypatch):
    fault = {"call": "two", "why": "wrong", "arguments": {"x": "1"}}
    own = {"parts": [{"faults": []}, {"faults": [fault]}], "mended": []}
    monkeypatch.setattr(
        fuzz, "apart", lambda name, number, base, count: fuzz.Tally(inputs=9 + number)
    )
    fuzz.again(own, "two", 0)
    assert own["mended"] == [fault]
    assert own["parts"][1]["inputs"] == 10
    assert own["parts"][0] == {"faults": []}


def test_as_many_inputs_are_tried_as_are_asked_for(monkeypatch, tmp_path, capsys):
    kept = tmp_path / "fuzz.json"
    monkeypatch.setattr(fuzz, "KEPT", kept)
    monkeypatch.setattr(fuzz, "prepare", lambda: None)
    monkeypatch.setattr(fuzz.children, "end_with_this", lambda: None)  # not of this process
    many = fuzz.Call("many", lambda x: x, lambda rng: {"x": rng.random()}, replaces=False)
    monkeypatch.setitem(fuzz.FAMILIES, "many", (many,))
    for asked, parts in [("20", [20]), ("20", [20]), ("320", [20, 250, 50])]:
        monkeypatch.setattr(sys, "argv", ["fuzz", "--only", "many", "--inputs", asked])
        with pytest.raises(SystemExit, match="^False$"):
            fuzz.main()
        own = json.loads(kept.read_text())["families"]["many"]
        assert [part["inputs"] for part in own["parts"]] == parts
    # A short one is the same again, and no longer.
    own["parts"][0]["faults"] = [{"call": "many", "why": "wrong", "arguments": {}}]
    fuzz.again(own, "many", 0)
    assert own["parts"][0]["inputs"] == 20


def test_the_same_part_draws_the_same_calls():
    first, second = (fuzz.part("networks", 3, 0, 20) for _ in range(2))
    assert first.functions == second.functions
    assert first.kinds == second.kinds


# --- what it found, one each --------------------------------------------------------------------------

HUGE = ck.Network([[[1e308]], [[1e308]]])
WIDE = [(-1.5e308, 1.5e308)] * 2
NARROWER = r"pairs \(low, high\) whose difference is within the range of a double"
LARGER = "slopes and values within the range of a double on the domain, got larger ones"


def altered(name: str, value: object) -> Any:
    """A fitted perceptron with one of its parts changed by hand; None takes it away."""
    x = np.linspace(-1, 1, 8)[:, None]
    fitted = MLPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted.fit(x, np.abs(x[:, 0]))
    if value is None:
        delattr(fitted, name)
    else:
        setattr(fitted, name, value)
    return fitted


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: HUGE(np.broadcast_to(1.0, (10**6, 10**6))), "x: expected at most 268,435,456 numbers"),
        (lambda: HUGE(range(10**12)), "x: expected at most 268,435,456 numbers, got 1,000,000,000,000"),
        (lambda: ck.Network([[[1.0]]], range(10**12)), "biases: expected a list with one vector a layer, got range"),
        (lambda: ck.Cell("abs", range(10**12)), "hidden: "),
        (lambda: ck.grid("abs", 2, seeds=10**119), "seeds: expected at most 1,000,000 times seeds_per_cell"),
        (lambda: ck.Network.load("\x00.safetensors"), r"path: expected a path, got '\\x00"),
        (lambda: ck.Network.from_onnx("\x00"), "model: expected a path"),
        (lambda: ck.Network.from_keras("\ud800.h5"), "model: expected a path"),
        (lambda: ck.Network.from_torch("\x00.pt"), "module: expected a path"),
        (lambda: ck.Network.from_sklearn(altered("coefs_", ["a", "b"])), "estimator: its parts do not fit together"),
        (lambda: ck.Network.from_sklearn(altered("n_features_in_", None)), "estimator: its parts do not fit together"),
        (lambda: ck.prove(ck.circuit("abs"), "abs", domain=range(10**12)), "domain: expected None, 1 pair .*, got range\\(0, 1000000000000\\)"),
        (lambda: ck.detect(ck.circuit("min"), domain=WIDE), f"domain: expected {NARROWER}"),
        (lambda: ck.extract(ck.circuit("min"), domain=WIDE), f"domain: expected {NARROWER}"),
        (lambda: ck.subcircuits(ck.circuit("min"), domain=WIDE), f"domain: expected {NARROWER}"),
        (lambda: ck.decompile(ck.circuit("min"), domain=WIDE), f"domain: expected {NARROWER}"),
        (lambda: ck.success_rates(pd.DataFrame({"solved": [True]}), by=([1.0], ([1.0],))), "by: expected columns of the table"),
        (lambda: ck.Rate(8, 10**400), "n: expected a whole number from 0 to 2\\^53"),
        (lambda: plotting.network(ck.circuit("abs"), circuits={"a": 1.5}), r"circuits\['a'\]: expected"),
        (lambda: plotting.function(ck.circuit("abs"), domain=WIDE[0]), "domain: expected .* a difference within the range of a double"),
        (lambda: superposition.train(3, seeds=1, steps=1).model(np.ones((2, 2))), "seed: expected a whole number"),
        (lambda: ck.CircuitWidget("abs", ties=pd.Series([1.0])), "ties: expected"),
        (lambda: ck.CircuitWidget("abs", ties=[[0, 0, np.ones(2)]]), "ties: expected"),
        (lambda: ck.success_rates(pd.DataFrame({"solved": [True]}), by=np.array(5.0)), "by: expected"),
        (lambda: plotting.stuck([HUGE]), f"nets: expected {LARGER}"),
        (lambda: plotting.function(HUGE), f"net: expected {LARGER}"),
        (lambda: plotting.regions(ck.Network([[[1e308, 1]], [[1e308]]])), f"net: expected {LARGER}"),
        (lambda: plotting.heatmap(ck.Network([[[1e308, 1]], [[1e308]]]), regions=True), f"f: expected {LARGER}"),
    ],
)  # fmt: skip
def test_what_was_refused_without_naming_the_argument_names_it(call, told):
    with pytest.raises((TypeError, ValueError), match=f"^{told}"):
        call()
    plt.close("all")


def test_seeds_in_an_array_without_axes_are_none():
    with pytest.raises(TypeError, match=r"^seeds: "):
        ck.train("abs", 2, seeds=np.array(5.0), steps=1)


def test_a_network_whose_values_no_double_holds_is_drawn():
    net = ck.Network([[[1e308], [1e308]], [[1e308, 1e308]]], [[1e308, 1e308], [1.0]])
    assert "∞" in ck.CircuitWidget(net)._repr_mimebundle_()[0]["text/html"]


def test_a_rate_in_single_precision_is_shown():
    widget = ck.CircuitWidget("abs", learning_rate=np.float32(0.1))
    assert "ck-" in widget._repr_mimebundle_()[0]["text/html"]


def test_a_table_of_rates_holds_rates():
    with pytest.raises(TypeError, match=r"^table: expected label -> a rate with low and high, got"):
        plotting.rates({"a": [0.5, 0.4, 0.6]})


def test_the_catalogue_has_nothing_under_what_is_no_name():
    with pytest.raises(KeyError, match=r"no function called \['abs'\] in the catalogue"):
        ck.catalogue[["abs"]]
    assert ["abs"] not in ck.catalogue
    nested: list[object] = []
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(KeyError, match="no function called"):
        ck.catalogue[nested]


def test_a_relations_certificate_is_checked_under_the_name_that_its_proof_has_for_it():
    net = ck.Network([[[1.0]], [[1.0], [2.0]]])
    proof = ck.prove(net, "y2 >= y1")
    assert proof
    assert ck.check(proof.certificate, net, proof.target)
    assert ck.prove(net, proof.target).holds


def test_channels_of_a_billion_numbers_are_refused_before_they_are_listed():
    channels = images.model.channels()
    for many in (range(10**12), np.broadcast_to(1.0, (10**6, 10**6))):
        with pytest.raises(ValueError, match="^without: expected channels"):
            channels.take("without", many)


def test_a_certificate_of_a_billion_numbers_is_refused_before_they_are_counted():
    assert not ck.check(range(10**12), ck.circuit("abs"), "abs")


def test_units_are_read_with_a_tolerance_beyond_the_doubles():
    found = ck.detect(ck.circuit("abs"), domain=[(2, 6)], tolerance=Fraction(10**400, 3))
    assert len(found.units) == 2
    other = ck.compile_expression("7*max(x1, x2) + x3 + abs(x1 - x3)")
    assert "none of the eight basic functions within 1e+400" in str(
        ck.detect(other, tolerance=10**400)
    )


def test_units_are_read_whose_weights_are_lost_beside_their_constants():
    net = ck.Network([[[-1e-323], [-2.0]], [[1.0, -2.0]], [[1e-323]]], [[1.0, 0.0], [0.0], [2.0]])
    assert [unit.feature for unit in ck.detect(net).units][1] == "negativeness detector"


def test_a_function_is_named_where_values_of_others_are_beyond_the_doubles():
    assert ck.detect(ck.circuit("min"), domain=[(1e308, 1.1e308)] * 2).function == "min"


def test_an_error_is_enclosed_where_a_slope_is_beyond_the_doubles():
    low, high = ck.enclose_error(HUGE, "log(x)", domain=[(1, 2)])
    assert 10**615 < low <= high < 10**618
