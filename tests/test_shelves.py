"""Networks on their shelves: what the page opens and lifts is what ``ck.train`` trained, seed by seed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from nodejs import run as run_in_node

import circuitkit as ck
from circuitkit.functions.page_json import target_to_json
from circuitkit.widget import shelves

LIFT = """
import { grown, Attempt } from LIFTING;
import { quadrature, verdict } from MATHEMATICS;
const { target, sizes, seeds, rate, steps, most, way } = INPUT;
const options = { rule: quadrature(target), rate, steps };
const found = seeds.map((seed) => {
  let best = grown(sizes, seed, options);
  const first = { ...best, holds: verdict(best.net, target, { tolerance: 1e-3 }).holds };
  const losses = [best.loss];
  let lifted = first.holds;
  while (way && !lifted && losses.length <= most) {
    const attempt = new Attempt(best, sizes, seed, losses.length, way, options);
    while (!attempt.done) attempt.run(5);
    ({ best } = attempt.outcome());
    losses.push(best.loss);
    lifted = verdict(best.net, target, { tolerance: 1e-3 }).holds;
  }
  return { first, losses, lifted, weights: best.net.weights };
});
console.log(JSON.stringify(found));
"""
NAMED = {0.0474: "the best two units", 0.1111: "two units that look apart"}


@cache
def run(hidden=(3,), seeds=128, steps=2000, **settings):
    return ck.train("min", hidden, seeds=seeds, steps=steps, learning_rate=0.5, **settings)


def lift(trained, seeds, way=None, most=40):
    given = {
        "target": target_to_json(ck.target("min")),
        "sizes": list(trained.layer_sizes),
        "seeds": [int(s) for s in seeds],
        "rate": 0.5,
        "steps": trained.steps,
        "most": most,
        "way": way,
    }
    return run_in_node(LIFT, given, ("lifting", "mathematics"))


@pytest.mark.parametrize(
    ("hidden", "seeds", "steps"), [((3,), range(48), 2000), ((3, 2), range(8), 4000)]
)
def test_the_page_opens_the_network_that_python_trained_and_agrees_on_it(hidden, seeds, steps):
    trained = run(hidden, seeds, steps, dtype="float64")
    for i, found in enumerate(lift(trained, seeds)):
        assert found["first"]["holds"] == trained.solved[i]
        assert found["first"]["loss"] == pytest.approx(trained.loss[i], rel=1e-6, abs=1e-15)
        for mine, theirs in zip(found["weights"], trained.weights, strict=True):
            assert np.abs(np.array(mine) - theirs[i]).max() < 1e-9


@pytest.mark.parametrize("way", ["redraw", "restart"])
def test_stuck_networks_are_lifted_and_python_proves_it(way):
    trained = run()
    stuck = trained.seeds[~trained.solved][:12]
    for found in lift(trained, stuck, way):
        assert found["lifted"]
        assert found["losses"] == sorted(found["losses"], reverse=True), "what ends higher is kept"
        assert ck.prove(ck.Network(found["weights"]), "min", tolerance=1e-3)


def test_each_tile_stands_where_its_loss_says():
    trained = run()
    told = ck.LossShelves(trained, shelves=NAMED)._config["runs"][0]
    where = np.array([shelves._LETTERS.index(letter) for letter in told["shelf"]])
    assert np.array_equal(where == 0, trained.solved)
    for i, height in enumerate(NAMED):
        near = ~trained.solved & np.isclose(trained.loss, height, rtol=0.02)
        assert np.array_equal(where == i + 2, near) and near.any()
    samples = len(told["falls"]) // len(told["seeds"])
    assert len(told["times"]) == samples
    assert (told["times"][0], told["times"][-1]) == (0, trained.steps)
    ends = [shelves._LETTERS.index(told["falls"][samples * (k + 1) - 1]) for k in range(128)]
    assert max(np.array(ends)[trained.solved]) == 0 < min(np.array(ends)[where > 1])


def test_what_learned_its_data_by_heart_does_not_lie_on_the_ground():
    trained = run((3, 2), range(40_000, 40_064), 8000)
    by_heart = ~trained.solved & (trained.loss < 1e-4)
    told = ck.LossShelves(trained)._config["runs"][0]
    assert np.array_equal(np.array(list(told["shelf"])) == shelves._LETTERS[1], by_heart)


def test_without_a_script_bars_say_how_many_stand_where():
    trained = run()
    html = ck.LossShelves(trained, shelves=NAMED)._repr_mimebundle_()[0]["text/html"]
    best = int(np.isclose(trained.loss, 0.0474, rtol=0.02).sum())
    assert f"0.0474: the best two units: {best}<" in html
    assert f"solved: {trained.solved.sum()}<" in html
    assert 'data-module="shelves"' in html and 'role="img"' in html


def test_the_opened_network_comes_from_the_page():
    widget = ck.LossShelves(run())
    assert widget.network is None and repr(widget) == "LossShelves(min: 128 networks 2-3-1)"
    net = ck.circuit("min")
    widget.set_state({"opened": {"seed": 3, "weights": [w.tolist() for w in net.weights]}})
    assert widget.network == net


def test_nothing_in_its_page_can_end_the_data():
    hostile = "</script><img onerror=alert(1)>"
    widget = ck.LossShelves(run(), shelves={0.0474: hostile}, caption=hostile)
    html = widget._repr_mimebundle_()[0]["text/html"]
    assert html.count("</script>") == 1 and "<img" not in html


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: ck.LossShelves([]),
            ValueError,
            "runs: expected a TrainingRun, or several, got none",
        ),
        (lambda: ck.LossShelves([3]), TypeError, r"runs\[0\]: expected a TrainingRun, got int"),
        (
            lambda: ck.LossShelves(ck.train("abs", 2, seeds=2, steps=1)),
            ValueError,
            r"runs\[0\]: expected a target of two inputs and one output, got abs",
        ),
        (
            lambda: ck.LossShelves([run(), ck.train("max", 3, seeds=2, steps=1)]),
            ValueError,
            r"runs\[1\]: expected the target of the first run, min, got max",
        ),
        (
            lambda: ck.LossShelves(ck.train("min", 3, seeds=2, steps=1, optimizer="adam")),
            ValueError,
            r"runs\[0\]: expected a training with optimizer='sgd', got optimizer='adam'",
        ),
        (
            lambda: ck.LossShelves(ck.train("min", 3, seeds=2, rescue="restart")),
            ValueError,
            r"runs\[0\]: expected a training with rescue=None",
        ),
        (
            lambda: ck.LossShelves(ck.train("min", 3, seeds=5000, steps=1)),
            ValueError,
            r"runs\[0\]: expected at most 4096 seeds, got 5000",
        ),
        (
            lambda: ck.LossShelves(run(), shelves={0: "nothing"}),
            ValueError,
            "shelves: expected losses between 0.0001 and 2 -> texts, got 0: 'nothing'",
        ),
        (lambda: ck.LossShelves(run(), shelves=[1]), TypeError, "shelves: expected a mapping"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
