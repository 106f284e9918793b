"""The widget's Python half: its traits, its checks, the page it writes, the modules it joins."""

from __future__ import annotations

import gzip
import html
import importlib
import json
import re

import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from nodejs import run

import circuitkit as ck
from circuitkit.widget import page


def page_of(widget: ck.CircuitWidget) -> str:
    return widget._repr_mimebundle_()[0]["text/html"]


def state_of(page: str) -> dict:
    found = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))


# ------------------------------------------------------------------ traits


def test_the_widget_starts_with_the_networks_numbers():
    net = ck.Network([[[2], [-3]], [[0.5, -1]]], [[1, 0], [0.25]])
    widget = ck.CircuitWidget(net, "identity", x=-5)
    assert widget.weights == [[[2.0], [-3.0]], [[0.5, -1.0]]]
    assert widget.biases == [[1.0, 0.0], [0.25]]
    assert widget.x == [-5.0]
    assert widget.network == net
    assert widget.target == ck.target("identity")


def test_a_circuit_can_be_named():
    assert ck.CircuitWidget("min", "min").network == ck.circuit("min")


def test_setting_weights_tells_observers_and_changes_the_network():
    widget = ck.CircuitWidget("identity", "identity")
    seen = []
    widget.observe(lambda change: seen.append(change.new), "weights")
    widget.weights = np.array([[[2], [-2]], [[0.5, -0.5]]], dtype=object).tolist()
    assert seen == [[[[2.0], [-2.0]], [[0.5, -0.5]]]]
    assert ck.prove(widget.network, "identity")


def test_ablated_units_and_edges_count_as_zero_in_the_network():
    widget = ck.CircuitWidget("min", "min")
    widget.ablated = [[0, 1], [0, 2, 1]]
    assert (widget.network.weights[1][:, 1] == 0).all()
    assert widget.network.weights[0][2, 1] == 0
    assert widget.weights[1] == [[1.0, -1.0, -1.0]]


def test_a_seed_starts_from_the_initial_weights_of_train():
    run = ck.train("min", (3,), seeds=[7], steps=0)
    widget = ck.CircuitWidget("min", "min", seed=7)
    assert widget.network.layer_sizes == (2, 3, 1)
    for mine, theirs in zip(widget.network.weights, run.network(7).weights, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-7)  # training may compute in single precision


def test_another_seed_brings_its_initial_weights():
    widget = ck.CircuitWidget("min", "min", seed=7)
    widget.seed = 8
    assert widget.weights == ck.CircuitWidget("min", "min", seed=8).weights


def test_a_seed_that_the_page_sends_leaves_the_weights_to_the_page():
    widget = ck.CircuitWidget("identity", "identity", seed=7)
    trained = [[[1.0], [-1.0]], [[1.0, -1.0]]]
    widget.set_state({"seed": 8, "weights": trained})
    assert widget.weights == trained


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("weights", [[[1]]], "weights: expected the shape of a 1-2-1 network, got 1-1"),
        ("weights", [[[1], ["a"]], [[1, 2]]], "weights[0]: expected real numbers, got text"),
        ("weights", [[[1], [float("nan")]], [[1, 2]]], "weights[0]"),
        ("biases", [[1.0], [0.0]], "biases[0]: expected shape (2,)"),
        ("x", [1.0, 2.0], "x: expected 1 number, one for each input, got [1.0, 2.0]"),
        ("x", [float("inf")], "x: expected finite numbers"),
        ("ablated", [[3, 0]], "ablated: expected edges (layer, row, column) or hidden units"),
        ("frozen", [[0, 5, 0]], "frozen: expected edges (layer, row, column) or hidden units"),
        ("learning_rate", -0.1, "learning_rate: expected a number above 0, got -0.1"),
        ("seed", -1, "seed: expected a whole number from 0 to 2^53 - 1, got -1"),
    ],
)
def test_a_bad_trait_is_refused_by_name_and_leaves_the_old_value(trait, value, message):
    widget = ck.CircuitWidget("identity", "identity")
    before = getattr(widget, trait)
    with pytest.raises((TypeError, ValueError), match=re.escape(message)) as caught:
        setattr(widget, trait, value)
    assert isinstance(caught.value, traitlets.TraitError)
    assert getattr(widget, trait) == before
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        widget.set_state({trait: value})
    assert getattr(widget, trait) == before


@pytest.mark.parametrize(
    "trait", ["weights", "biases", "x", "ablated", "frozen", "seed", "learning_rate"]
)
@pytest.mark.parametrize("value", [1j, True, {"a": 1}, object()])
def test_a_trait_of_another_kind_is_a_type_error_that_names_it(trait, value):
    widget = ck.CircuitWidget("identity", "identity")
    before = getattr(widget, trait)
    with pytest.raises(TypeError, match=f"^{trait}: expected "):
        setattr(widget, trait, value)
    assert getattr(widget, trait) == before


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"network": [[1]]}, TypeError, "network: expected a circuitkit.Network or the name"),
        ({"target": "min"}, ValueError, "target: expected 1 input and 1 output"),
        (
            {"panels": ("graph", "piano")},
            ValueError,
            "panels[1]: expected names out of network, graph",
        ),
        ({"panels": ()}, ValueError, "panels: expected names out of"),
        ({"domain": (3, 3)}, ValueError, "domain: expected finite pairs with low < high"),
        ({"domain": [(0, 1), (0, 1)]}, ValueError, "domain: expected (low, high) or 1 such pair"),
        ({"x": [1, 2]}, ValueError, "x: expected 1 number, one for each input"),
        ({"x": "three"}, TypeError, "x: expected real numbers"),
        (
            {"ties": [((0, 0, 0), (1, 0, 0), "twice")]},
            ValueError,
            "ties: expected (edge, edge, relation)",
        ),
        (
            {"ties": [((0, 0), (1, 0, 0), "equal")]},
            ValueError,
            "ties: expected edges as (layer, row",
        ),
        (
            {"ties": [((0, 0, 0), (1, 0, 0), "opposite")]},
            ValueError,
            "ties: expected the weights (0, 0, 0) and (1, 0, 0) tied as 'opposite', got 1.0 and 1.0",
        ),
        (
            {"ties": [((0, 0, 0), (1, 0, 0), "equal")], "panels": ["training"]},
            ValueError,
            "ties: expected none with a panel that trains",
        ),
        ({"challenge": "abs"}, TypeError, "challenge: expected a Challenge, got str"),
        ({"frozen": [(9, 0, 0)]}, ValueError, "frozen: expected edges"),
        ({"frozen": [3]}, TypeError, "frozen: expected edges"),
        ({"seed": 2**60}, ValueError, "seed: expected a whole number from 0 to 2^53 - 1"),
        (
            {"seeds": [-4]},
            ValueError,
            "seeds[0]: expected a whole number from 0 to 2^53 - 1, got -4",
        ),
        ({"names": [["+(x)"]]}, ValueError, "names: expected one list of texts a hidden layer"),
        ({"input_names": ["a", "b"]}, ValueError, "input_names: expected 1 name, got 2"),
        ({"learning_rate": 0}, ValueError, "learning_rate: expected a number above 0"),
        (
            {
                "network": ck.Network([np.ones((1, 13)), [[1]]]),
                "target": "x13",
                "panels": ["training"],
            },
            ValueError,
            "panels: expected panels without training and compare, got training (a page trains networks of at most 12",
        ),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, error, message):
    full = {"network": "identity", "target": "identity", **arguments}
    with pytest.raises(error, match=re.escape(message)):
        ck.CircuitWidget(full.pop("network"), **full)


def test_a_challenge_checks_what_it_is_given():
    with pytest.raises(ValueError, match="key: expected text, got an empty string"):
        ck.Challenge(" ", "Build it.")
    with pytest.raises(TypeError, match="hints: expected a list of texts, got 'one'"):
        ck.Challenge("a", "b", hints="one")
    with pytest.raises(ValueError, match="fails_outside: expected a domain"):
        ck.Challenge("a", "b", fails_outside=True)
    with pytest.raises(ValueError, match="max_units: expected a whole number, 1 or above, got 0"):
        ck.Challenge("a", "b", max_units=0)
    with pytest.raises(ValueError, match="challenge: expected a target to grade by"):
        ck.CircuitWidget("abs", challenge=ck.Challenge("a", "b"))


# ------------------------------------------------------------------ the verdict


@pytest.mark.parametrize("name", ["identity", "abs", "subtract", "min"])
def test_python_works_the_verdict_out_when_no_page_is_open(name):
    widget = ck.CircuitWidget(name, name)
    assert widget.verdict["holds"] is True
    wrong = [w.tolist() for w in ck.circuit(name).weights]
    wrong[0][0][0] += 0.5
    widget.weights = wrong
    verdict = widget.verdict
    assert verdict["holds"] is False
    assert verdict["error"] == pytest.approx(ck.prove(widget.network, name).error)
    assert len(verdict["worst"]) == widget.network.n_inputs
    assert verdict["text"].startswith("Refuted")


def test_ablation_changes_the_verdict():
    widget = ck.CircuitWidget("identity", "identity")
    assert widget.verdict["holds"]
    widget.ablated = [[0, 0]]
    assert not widget.verdict["holds"]


def test_a_challenge_that_no_weights_solve_is_refused_where_its_biases_are_not_shown():
    start = ck.Network([[[1], [-1]], [[1, 1]]])
    puzzle = ck.Challenge("key", "Make the clamp.")
    with pytest.raises(ValueError, match=r"biases: expected biases=True .* got none"):
        ck.CircuitWidget(start, "clamp(x, 0, 1)", challenge=puzzle)
    assert ck.CircuitWidget(start, "clamp(x, 0, 1)", challenge=puzzle, biases=True)
    assert ck.CircuitWidget(start, "abs(x)/3", challenge=puzzle)


def test_a_challenge_on_a_range_is_judged_on_that_range():
    net = ck.Network([[[1], [1]], [[1, 0]]], [[5, 0], [-5]])
    inside = ck.Challenge("a", "Right on [-1, 1].", domain=(-1, 1))
    assert ck.CircuitWidget(net, "identity", challenge=inside).verdict["holds"]
    outside = ck.Challenge("a", "Right on [-1, 1] only.", domain=(-1, 1), fails_outside=True)
    assert not ck.CircuitWidget(net, "identity", challenge=outside).verdict["holds"]


def test_without_a_target_there_is_no_verdict():
    assert ck.CircuitWidget("identity").verdict is None


def test_making_and_showing_a_widget_proves_nothing(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("prove was called")

    monkeypatch.setattr("circuitkit.proof.prove", refuse)
    widget = ck.CircuitWidget("min4", "min4")
    page_of(widget)
    widget.get_state()


def test_a_verdict_that_the_page_sends_is_kept():
    widget = ck.CircuitWidget("identity", "identity")
    sent = {"holds": False, "error": 1.0, "worst": [-1.0], "text": "Not x yet."}
    weights = [[[1.0], [1.0]], [[1.0, 1.0]]]
    widget.set_state({"weights": weights, "verdict": sent})
    assert widget.verdict == sent
    widget.set_state({"verdict": sent, "biases": [[0.0, 0.0], [1.0]]})
    assert widget.verdict == sent


# ------------------------------------------------------------------ the page


def test_the_page_carries_the_state_and_a_figure():
    widget = ck.CircuitWidget("min", "min", x=[3, -5], caption="The minimum.")
    page = page_of(widget)
    state = state_of(page)
    assert state["weights"] == widget.weights
    assert state["_config"]["target"]["name"] == "min"
    assert "<svg" in page
    assert "The minimum." in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_the_page_is_the_same_in_every_build():
    first, second = (page_of(ck.CircuitWidget("min", "min")) for _ in range(2))
    assert first == second
    other = page_of(ck.CircuitWidget("min", "min", x=[1, 2]))
    assert state_of(first)["_config"]["key"] != state_of(other)["_config"]["key"]


def test_the_live_view_is_offered_beside_the_page():
    data, _ = ck.CircuitWidget("min", "min")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == "CircuitWidget(2-3-1, target min)"


@settings(max_examples=60)
@given(
    st.text(min_size=1, max_size=40),
    st.sampled_from(["</script>", "</SCRIPT>", "<!--", "]]>", "\u2028", '"', "&"]),
)
def test_no_label_can_leave_its_place_in_the_page(text, evil):
    label = text + evil + text
    widget = ck.CircuitWidget(
        "identity",
        "identity",
        caption=label,
        input_names=[label],
        names=[[label, label]],
    )
    page = page_of(widget)
    assert state_of(page)["_config"]["caption"] == label
    assert len(re.findall(r"(?i)</script", page)) == 1
    data = page[page.index("application/json") :]
    assert "<!--" not in data
    still = page[: page.index("<script")]
    assert html.escape(label) in still


def test_the_figure_shows_every_weight_and_value():
    widget = ck.CircuitWidget(ck.Network([[[1.25], [-2]], [[0.5, 3]]]), x=4)
    still = page_of(widget)
    for text in ("1.25", "\N{MINUS SIGN}2", "0.5", "3", ">4<", ">5<", "\N{MINUS SIGN}8", "2.5"):
        assert text in still


def test_the_figure_shows_the_biases_where_the_widget_does():
    net = ck.Network([[[1]], [[1]]], [[0.75], [-2]])
    still = page_of(ck.CircuitWidget(net))
    assert "b = 0.75" in still
    assert "b = \N{MINUS SIGN}2" in still
    assert "b = " not in page_of(ck.CircuitWidget("identity")).split("<script")[0]


# ------------------------------------------------------------------ the modules


def test_the_joined_module_has_no_imports_and_one_default_export():
    source = page.module_source()
    assert re.findall(r"(?m)^import .*", source) == []
    assert re.findall(r"(?m)^export default .*", source) == ["export default module_view.default;"]


def test_the_joined_module_runs_and_knows_shared_addresses(tmp_path):
    file = tmp_path / "widget.mjs"
    file.write_text(page.module_source(), encoding="utf-8")
    out = run(
        f"import w from {json.dumps(file.as_uri())};"
        "console.log(JSON.stringify([typeof w.render, w.sharedState('#circuit=ab.c.d'), w.sharedState('#top')]))"
    )
    assert out == ["function", {"key": "ab", "text": "c.d"}, None]


@pytest.mark.parametrize(
    "kind", [ck.CircuitWidget, ck.LossShelves, ck.Typed, ck.WeightPlane, ck.WeightsReader]
)
def test_jupyter_gets_one_module_without_imports(tmp_path, kind):
    source = str(kind._esm)
    assert "\nimport " not in source
    file = tmp_path / "joined.mjs"
    file.write_text(source, encoding="utf-8")
    script = (
        f"import w from {json.dumps(file.as_uri())}; console.log(JSON.stringify(typeof w.render))"
    )
    assert run(script) == "function"


def test_a_state_survives_the_address_and_damage_is_noticed():
    script = """
    import { encode, decode } from URL;
    const values = {weights: [[[1.1], [-0.3333333333333333]], [[1e-300, -0]]], biases: [[0, 0], [5e17]],
      x: [-5], ablated: [[0, 1], [1, 0, 0]], frozen: [[0, 0, -1]]};
    const text = encode(values);
    const sizes = [1, 2, 1];
    const broken = [text.slice(0, -3), text.slice(5), "", "a.b", text.replace(".", "A."), text + ".x"];
    const wrong = [
      {...values, weights: [[[1.1], ["x"]], [[1, 0]]]}, {...values, x: [null]}, {...values, biases: [[0], [0]]},
      {...values, ablated: [[7, 1]]}, {...values, frozen: "all"}, null, 3, [],
    ].map(encode);
    console.log(JSON.stringify([decode(text, sizes), decode(text, [2, 3, 1]),
      ...broken.map((t) => decode(t, sizes)), ...wrong.map((t) => decode(t, sizes))]));
    """.replace("URL", json.dumps((page.STATIC / "state.mjs").as_uri()))
    first, *others = run(script)
    assert first["weights"] == [[[1.1], [-1 / 3]], [[1e-300, 0]]]
    assert first["ablated"] == [[0, 1], [1, 0, 0]]
    assert others == [None] * len(others)


@pytest.fixture
def extension(monkeypatch):
    monkeypatch.syspath_prepend(str(page.STATIC.parents[2] / "_ext"))
    return importlib.import_module("circuit_widgets")


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("widget", 40),
        ("compare", 3),
        ("plane", 8),
        ("shelves", 8),
        ("mystery", 12),
        ("gallery", 4),
        ("language", 10),
        ("typed", 10),
    ],
)
def test_what_readers_download_is_small(extension, name, most):
    parts = [text for file, text in extension.assets().items() if file.startswith(f"{name}.")]
    weight = sum(len(gzip.compress(text.encode(), 9)) for text in parts)
    assert weight <= most * 1024


def test_the_shortened_script_offers_what_the_joined_one_does(extension, tmp_path):
    browser = "const window = { addEventListener() {} }, document = { readyState: 'loading' };"
    names = "Object.fromEntries(Object.entries(window.circuitkit).map(([k, v]) => [k, Object.keys(v).sort()]))"
    short = extension.assets()["widget.js"]
    offered = []
    for k, script in enumerate((page.page_script(), short, page.page_script() + short)):
        file = tmp_path / f"{k}.mjs"
        file.write_text(f"{browser}\n{script}\nexport default {names};", encoding="utf-8")
        url = json.dumps(file.as_uri())
        offered.append(run(f"console.log(JSON.stringify((await import({url})).default))"))
    assert offered[0] == offered[1] == offered[2]
    assert set(offered[0]) == {*page.MODULES, "renderers"}
    assert len(short) < 0.6 * len(page.page_script())


# ------------------------------------------------------------------ a page that trains, and Python


def test_weights_that_python_sets_win_over_those_a_training_page_has_sent_before():
    widget = ck.CircuitWidget("identity", "identity")
    mine = [[[2.0], [-2.0]], [[0.5, -0.5]]]
    theirs = [[[0.9], [-0.8]], [[1, -1]]]
    none = [[0.0, 0.0], [0.0]]
    widget.set_state({"weights": theirs, "_sent": {"turn": 0, "weights": theirs, "biases": none}})
    assert widget.weights == theirs and widget._turn == 0
    widget.weights = mine
    late = {"holds": False, "error": 1.0, "worst": [1.0], "text": "Not x yet."}
    widget.set_state({"weights": theirs, "biases": [[1.0, 0.0], [0.0]], "verdict": late, "x": [2]})
    assert widget.weights == mine and widget.biases == [[0.0, 0.0], [0.0]]
    assert widget.x == [2.0] and widget.verdict["holds"]
    seen = {"turn": widget._turn, "weights": theirs, "biases": none}  # the page has seen them
    widget.set_state({"weights": theirs, "_sent": seen})
    assert widget.weights == theirs


def test_earlier_weights_that_come_with_a_later_turn_do_not_undo_what_python_has_set():
    # While a kernel is busy, a page's messages are merged: the weights of before, the turn of after.
    widget = ck.CircuitWidget("identity", "identity")
    mine = [[[2.0], [-2.0]], [[0.5, -0.5]]]
    widget.weights = mine
    shown = [[[2], [-2]], [[0.5, -0.5]]]  # as JavaScript writes it
    seen = {"turn": widget._turn, "weights": shown, "biases": [[0.0, 0.0], [0.0]]}
    before = {"weights": [[[0.9], [-0.8]], [[1, -1]]], "biases": [[1.0, 0.0], [0.0]]}
    widget.set_state({**before, "_sent": seen})
    assert str(widget.weights) == str(mine) and widget.biases == [[0.0, 0.0], [0.0]]


@pytest.mark.parametrize("name", ["weights", "biases"])
def test_python_may_set_again_what_it_has_and_still_wins(name):
    # What a page has by now has not come yet: Python would see no change, and the page's would win.
    widget = ck.CircuitWidget("identity", "identity")
    told = []
    widget.send_state = lambda key=None: told.append(key)
    mine = widget.weights
    setattr(widget, name, getattr(widget, name))
    assert widget._turn == 1 and ["weights", "biases"] in told
    theirs = [[[0.9], [-0.8]], [[1, -1]]]
    widget.set_state({"weights": theirs, "_sent": {"turn": 0, "weights": theirs, "biases": []}})
    assert widget.weights == mine


def test_what_an_observer_sets_while_a_page_sends_wins_too():
    widget = ck.CircuitWidget("identity", "identity")
    mine = [[[2.0], [-2.0]], [[0.5, -0.5]]]
    widget.observe(lambda change: setattr(widget, "weights", mine), "x")
    widget.set_state({"x": [1.0]})
    widget.set_state({"weights": [[[1.0], [1.0]], [[1.0, 1.0]]]})
    assert widget.weights == mine


def test_a_key_that_is_no_whole_number_is_refused_not_cut():
    with pytest.raises(TypeError, match="frozen: expected edges"):
        ck.CircuitWidget("identity", "identity", frozen=[(0.5, 0, 0)])


def test_a_readers_tolerance_beyond_the_doubles_is_refused_by_its_name():
    with pytest.raises(ValueError, match="tolerance"):
        ck.WeightsReader("", tolerance=10**400)


# --- parts that are marked ------------------------------------------------------------------------------


def test_what_is_cut_out_is_strong_and_sub_circuits_have_colors_and_names():
    net = ck.circuit("min4")
    inside = ck.subcircuits(net)
    cut = ck.extract(net, domain=[(-1, 1)] * 4, edges=False)
    widget = ck.CircuitWidget(net, kept=cut.kept, blocks=inside.blocks)
    page = page_of(widget)
    config = state_of(page)["_config"]
    assert [1, 0] in config["kept"] and [0, 0, 0] in config["kept"]
    assert [b["label"] for b in config["blocks"]] == [*inside.blocks]
    assert len({b["color"] for b in config["blocks"]}) == len(inside.blocks)
    assert "min(x1, x2): units 1.1" in page and config["blocks"][0]["color"] in page
    plain = ck.CircuitWidget(net)
    assert "kept" not in state_of(page_of(plain))["_config"]


def test_in_the_picture_without_a_script_what_is_not_kept_is_pale():
    net = ck.Network([[[1], [-1]], [[1, 1]]])
    widget = ck.CircuitWidget(net, kept=[(1, 0), (0, 0, 0), (1, 0, 0)])
    assert page_of(widget).count('opacity="0.2"') == 5  # 2 edges, 2 labels, a unit
    marked = page_of(ck.CircuitWidget(net, blocks={"<b>": [(1, 1)]}))
    assert "<b>" not in marked.split("<figure")[1] and "&lt;b&gt;: units 1.2" in marked


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"kept": [(2, 0)]}, r"^kept: expected \(layer, unit\) or"),
        ({"kept": [(0, 0, 9)]}, "^kept: "),
        ({"kept": [(1, 0.5)]}, "^kept: "),
        ({"kept": 3}, "^kept: "),
        ({"blocks": {"a": [(0, 0)]}}, r"^blocks\['a'\]: expected hidden units"),
        ({"blocks": {"a": "ab"}}, "^blocks"),
        ({"blocks": {"a": 1}}, "^blocks"),
        ({"blocks": [(1, 0)]}, "^blocks: "),
        ({"blocks": {str(k): [(1, 0)] for k in range(7)}}, "^blocks: expected at most 6"),
    ],
)
def test_parts_that_are_none_of_the_network_are_refused(asked, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ck.CircuitWidget(ck.circuit("abs"), **asked)
