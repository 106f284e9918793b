"""Results stay what they were: nobody who reads one can change it."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest

import circuitkit as ck
from circuitkit import superposition
from circuitkit.fixed import Fixed

DOMAIN = [(-1, 1)] * 4


@pytest.mark.parametrize("domain", [None, DOMAIN])
def test_lists_of_a_detection_are_the_callers_own(domain):
    found = ck.detect(ck.circuit("min4"), domain=domain)
    said, units, inner, readings = repr(found), found.units, found.inner, found.readings
    assert units
    assert inner
    found.units.clear()
    found.inner.clear()
    for functions in found.inner.values():
        functions.clear()
    found.readings.clear()
    assert (found.units, found.inner, len(found.readings)) == (units, inner, len(readings))
    assert repr(found) == said
    assert found.circuit == "min4"
    assert found.units[0] is units[0], "read once"


def test_lists_of_what_is_inside_are_the_callers_own():
    found = ck.subcircuits(ck.circuit("min4"))
    before = (found.probed, found.functions, found.read, found.blocks, repr(found))
    for each in (found.probed, found.functions, found.read, found.blocks):
        for functions in each.values():
            functions.clear()
        each.clear()
    assert (found.probed, found.functions, found.read, found.blocks, repr(found)) == before
    assert pickle.loads(pickle.dumps(found)).probed == before[0]


def _arrays(result: Any) -> list[np.ndarray[Any, Any]]:
    found = []
    for value in vars(result).values():
        found += [
            v
            for v in (value if isinstance(value, tuple) else (value,))
            if isinstance(v, np.ndarray)
        ]
    return found


@pytest.mark.parametrize("again", [lambda r: r, copy.copy, lambda r: pickle.loads(pickle.dumps(r))])
def test_a_trainings_arrays_and_settings_cannot_be_changed(again):
    run = again(ck.train("abs", 2, seeds=4, steps=3))
    arrays = _arrays(run)
    assert len(arrays) >= 9
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(TypeError, match="^this is part of a result and cannot be changed"):
        run.settings["init"] = "large"
    assert run.initial_network(3).weights[0].shape == (2, 1)


def test_what_training_made_of_features_cannot_be_changed():
    trained = superposition.train(4, 2, seeds=1, steps=2)
    for array in _arrays(trained):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_why_an_extraction_is_minimal_cannot_be_changed():
    found = ck.extract(ck.Network([[[1], [-1], [0.5]], [[1, 1, 0]]]), tolerance=0)
    with pytest.raises(TypeError, match="^this is part of a result"):
        found.refutations.clear()
    with pytest.raises(ValueError, match="read-only"):
        found.means[0][0] = 1.0
    again = pickle.loads(pickle.dumps(found))
    assert again.refutations.keys() == found.refutations.keys()
    assert found.check()
    assert again.check()


def test_a_cell_stays_the_one_that_its_table_is_kept_under():
    cell = ck.Cell("abs", (2,), options={"momentum": 0.9})
    text = cell.text()
    with pytest.raises(TypeError, match="^this is part of a result"):
        cell.options["momentum"] = 0.5
    assert cell.text() == text
    assert pickle.loads(pickle.dumps(cell)) == cell == copy.deepcopy(cell)


def test_a_fixed_dict_is_a_dict_in_all_but_changes():
    fixed = Fixed({"a": [1]})
    assert fixed == {"a": [1]}
    assert json.dumps(fixed) == '{"a": [1]}'
    assert fixed.copy() == dict(fixed)
    for change in (
        lambda: fixed.update(b=1), lambda: fixed.pop("a"), lambda: fixed.popitem(), lambda: fixed.clear(),
        lambda: fixed.setdefault("b", 1), lambda: fixed.__delitem__("a"), lambda: fixed.__ior__({"b": 1}),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="^this is part of a result"):
            change()
    assert fixed == {"a": [1]}
