"""Features as arrows: what the page is given, what stands there without a script, and what is refused."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pytest

import circuitkit as ck
from circuitkit import superposition as sp

PENTAGON = sp.polygon(5)


def page_of(widget: ck.FeatureArrows) -> str:
    return widget._repr_mimebundle_()[0]["text/html"]


def state_of(page: str) -> dict:
    return json.loads(re.findall(r'<script type="application/json">(.*?)</script>', page)[0])


def worst_at_corners(model: sp.Superposition, active: int) -> float:
    """The largest error where each feature is 0 or 1 and so many are active: no input has a larger one here."""
    x = [
        [float(i in some) for i in range(model.n_features)]
        for some in itertools.combinations(range(model.n_features), active)
    ]
    return float(np.abs(model(x) - x).max())


def test_the_arrows_of_a_model_are_what_the_page_is_given():
    widget = ck.FeatureArrows(PENTAGON, active=2, goal=0.16, caption="Drag them.")
    config = state_of(page_of(widget))["_config"]
    assert config["weights"] == PENTAGON.weights.tolist()
    assert config["bias"] == PENTAGON.bias.tolist()
    assert (config["active"], config["goal"], config["trained"]) == (2, 0.16, None)
    assert 'data-module="arrows"' in page_of(widget)
    assert np.array_equal(widget.model.weights, PENTAGON.weights)


def test_five_arrows_that_are_not_well_placed_leave_something_to_do():
    widget = ck.FeatureArrows(goal=0.16)
    assert widget.model.weights.shape == (2, 5)
    assert np.allclose(np.linalg.norm(widget.model.weights, axis=0), 1)
    assert worst_at_corners(widget.model, 1) > 4 * sp.least_worst_error(5)
    assert repr(widget) == "FeatureArrows(5 features, worst error 0.766)"


def test_trained_arrows_are_those_of_train_and_its_settings_start_the_sliders():
    widget = ck.FeatureArrows(trained=True, sparsity=0.5, importance=0.7, seed=4)
    model = sp.train(sparsity=0.5, importance=0.7, seeds=[4]).model(4)
    assert np.array_equal(widget.model.weights, model.weights)
    assert np.array_equal(widget.model.bias, model.bias)
    settings = state_of(page_of(widget))["_config"]["trained"]
    assert settings == {"sparsity": 0.5, "importance": 0.7, "seed": 4}


def test_where_the_reader_has_put_the_arrows_is_the_model():
    widget = ck.FeatureArrows()
    widget.found = {"weights": [[1, 0], [0, 1]], "bias": [0.5, 0.5], "worst": 0.5, "active": 1}
    assert widget.model([1, 0]).tolist() == [1.5, 0.5]


def test_without_a_script_the_arrows_stand_in_a_picture_with_their_errors_in_words():
    page = page_of(ck.FeatureArrows(PENTAGON, goal=0.25, caption="a < b"))
    still = page[: page.index("<script")]
    ends = re.findall(r'x2="([\d.]+)" y2="([\d.]+)"', still)
    drawn = np.array(ends, dtype=float)
    center, unit = np.array([150, 150]), np.array([100, -100])  # up is up
    assert np.allclose((drawn - center) / unit, PENTAGON.weights.T, atol=1e-3)
    assert re.findall(r">(\d)</text>", still) == list("12345")
    errors = [f"{worst_at_corners(PENTAGON, s):.3f}" for s in (1, 2)]
    says = f"(pentagon). The exact worst error is {errors[0]} with one active feature, {errors[1]} with two."
    assert still.count(f"{says} The goal: at most 0.25.") == 2, "below, and for a screen reader"
    assert "<figcaption>a &lt; b</figcaption>" in still


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (sp.Superposition(np.eye(3)), "model: expected two directions and at most 8 features"),
        (sp.polygon(9), "model: expected two directions and at most 8 features"),
        (sp.Superposition(np.eye(2), [0, 0.5]), "model: expected one bias for all outputs"),
    ],
)
def test_what_the_plane_cannot_show_is_refused_by_its_name(model, message):
    with pytest.raises(ValueError, match=message):
        ck.FeatureArrows(model)
