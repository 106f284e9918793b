"""The plane of a hidden unit: what moves in the page is what ``ck.train`` trains, seed by seed."""

from __future__ import annotations

import numpy as np
import pytest
from nodejs import run

import circuitkit as ck
from circuitkit.functions.page_json import target_to_json
from circuitkit.rules import RULES

SCRIPT = """
import { Descents, startsOf } from DESCENTS;
import { initialWeights, quadrature, trainer } from MATHEMATICS;
const { seeds, target, slope, rate, steps, near } = INPUT;
const descents = new Descents(startsOf(seeds), { slope, rate, near });
const fates = [...descents.fates(steps)];
const tally = [];
let crossed = 0;
for (let k = 0; k < 10; k += 1) {
  descents.run(steps / 10);
  tally.push(descents.tally());
  descents.w.forEach((w, i) => {
    const start = descents.starts[2 * i] + slope * descents.starts[2 * i + 1];
    if (Math.sign(w + slope * descents.v[i]) !== Math.sign(start)) crossed += 1;
  });
}
const machine = trainer(initialWeights([1, 2, 1], seeds[0]), quadrature(target));
for (let k = 0; k < steps; k += 1) machine.step(rate);
const { weights: [[[a], [b]], [[c, d]]] } = machine.network();
const apart = Math.max(...[[a, c], [b, d]].flatMap(([w, v], i) => [Math.abs(w - descents.w[i]), Math.abs(v - descents.v[i])]));
console.log(JSON.stringify({ fates, tally, crossed, apart, w: [...descents.w], v: [...descents.v] }));
"""


def descend(seeds, target="identity", rate=0.1, steps=500):
    given = {
        "seeds": list(seeds),
        "target": target_to_json(ck.target(target)),
        "slope": {"identity": 1, "negation": -1}[target],
        "rate": rate,
        "steps": steps,
        "near": RULES["solved"],
    }
    return run(SCRIPT, given, ("descents", "mathematics"))


@pytest.mark.parametrize(
    ("seeds", "target", "rate", "steps"),
    [
        (range(1024), "identity", 0.1, 500),
        (range(50_000, 51_024), "identity", 0.1, 500),
        (range(2000, 2400), "identity", 0.5, 200),
        (range(1024), "negation", 0.1, 500),
        ([7, 10**14, 3], "identity", 0.1, 500),
    ],
)
def test_the_page_and_python_tell_the_same_fate_of_every_seed(seeds, target, rate, steps):
    found = descend(seeds, target, rate, steps)
    run = ck.train(target, (2,), seeds=seeds, learning_rate=rate, steps=steps, dtype="float64")
    assert np.array_equal(np.array(found["fates"], dtype=bool), run.solved)
    assert found["tally"][-1] == run.solved.sum()
    w, v = run.weights[0][:, :, 0].ravel(), run.weights[1][:, 0].ravel()
    assert max(abs(w - found["w"]).max(), abs(v - found["v"]).max()) < 1e-9
    assert found["apart"] < 1e-9, "the page's own trainer"


def test_the_counter_stops_where_the_chapter_says_and_no_unit_crosses_the_border():
    found = descend(range(1024))
    solved = ck.train("identity", (2,), seeds=1024).solved.sum()
    assert found["tally"][-1] == solved
    assert found["tally"] == sorted(found["tally"])
    assert found["crossed"] == 0


def test_without_a_script_the_picture_says_what_the_page_would_count():
    widget = ck.WeightPlane()
    bundle = widget._repr_mimebundle_()[0]
    html = bundle["text/html"]
    solved = ck.train("identity", (2,), seeds=1024).solved.sum()
    assert f"{solved:,} of 1,024 networks have learned x after 500 steps" in html
    assert 'data-module="plane"' in html and "<svg" in html and 'role="img"' in html
    assert bundle["text/plain"] == "WeightPlane('identity', seeds=1024)"


def test_what_comes_from_the_page_is_the_tally():
    widget = ck.WeightPlane(seeds=[4, 5])
    assert widget.tally == {}
    widget.set_state({"tally": {"learned": 1, "networks": 2, "steps": 500}})
    assert widget.tally["learned"] == 1


def test_nothing_in_its_page_can_end_the_data():
    hostile = "</script><img onerror=alert(1)>"
    html = ck.WeightPlane(seeds=2, caption=hostile)._repr_mimebundle_()[0]["text/html"]
    assert html.count("</script>") == 1 and "<img" not in html


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target": "min"}, ValueError, "target: expected 'identity' or 'negation', got 'min'"),
        ({"seeds": 5000}, ValueError, "seeds: expected a count from 1 to 4096"),
        ({"seeds": range(5000)}, ValueError, "seeds: expected .* got 5000 of them"),
        ({"seeds": [3, 3]}, ValueError, "seeds: expected .* got one of them more than once"),
        ({"seeds": [0.5]}, TypeError, r"seeds\[0\]: expected a whole number"),
        (
            {"learning_rate": 2},
            ValueError,
            "learning_rate: expected a number above 0 and at most 1",
        ),
        ({"steps": 0}, ValueError, "steps: expected a whole number from 1 to 20000, got 0"),
        ({"compact": 1}, TypeError, "compact: expected True or False, got 1"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ck.WeightPlane(**arguments)
