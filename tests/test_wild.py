"""The benchmark of foreign networks: it goes on where it stopped, and counts what it should."""

from __future__ import annotations

import json

from benchmarks import wild

CELLS = [
    ("abs(x)", "scikit-learn", 1, 0.0, 0),
    ("min(x1, x2)", "scikit-learn", 2, 0.0, 0),
]


def test_the_grid_is_as_large_and_mixed_as_it_is_said_to_be():
    every = wild.cells()
    assert len(every) == len(set(every)) == 2016
    assert len(wild.FUNCTIONS) >= 40 and len(wild.TRAINERS) == 4
    assert {cell[1] for cell in every[:60]} == set(wild.TRAINERS)


def test_networks_are_trained_read_and_counted_and_none_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(wild, "cells", lambda: CELLS)
    wild.train_all(tmp_path, CELLS[:1], 1, 60)
    trained = (tmp_path / "trained.jsonl").read_text()
    with (tmp_path / "trained.jsonl").open("a") as file:
        file.write('{"cell": ["x", "torch"')  # a run that was cut off
    wild.train_all(tmp_path, CELLS, 1, 60)
    assert (tmp_path / "trained.jsonl").read_text().startswith(trained)
    assert wild.done(tmp_path / "trained.jsonl") == {wild.name_of(cell) for cell in CELLS}
    wild.read_all(tmp_path, CELLS[:1], 1, 60)
    wild.read_all(tmp_path, CELLS, 1, 60)
    assert len(wild.lines(tmp_path / "read.jsonl")) == 2
    found = wild.report(tmp_path, tmp_path / "wild.json")
    assert json.loads((tmp_path / "wild.json").read_text())["all"]["networks"] == 2
    assert found["all"]["refused_by_the_checker"] == 0 and found["all"]["readings"] >= 2
    assert found["by_trainer"]["scikit-learn"]["networks"] == 2


def test_a_network_is_trained_again_to_the_same_weights():
    assert wild.train(CELLS[0])["weights"] == wild.train(CELLS[0])["weights"]
