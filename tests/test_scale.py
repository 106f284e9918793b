"""An exact output scale is honoured by everything that takes a network, or refused in words."""

import inspect
import json
import pickle
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import circuitkit as ck
from circuitkit import check, mysteries, plotting
from circuitkit.exact.canonical import canonical_form

THIRD = Fraction(1, 3)
#: |x| / 3 and max(x1, x2) / 3
LINE = ck.Network([[[1], [-1]], [[1, 1]]], scale=THIRD)
PLANE = ck.Network([[[1, -1], [0, 1], [0, -1]], [[1, 1, -1]]], scale=THIRD)


def proves(net, target, wrong):
    return bool(ck.prove(net, target)) and not ck.prove(net, wrong)


def draws(draw, *words):
    draw()
    figure = plt.gcf()
    texts = " ".join(t.get_text() for ax in figure.axes for t in ax.texts)
    plt.close("all")
    return all(word in texts for word in words)


def refuses(call):
    with pytest.raises(ValueError, match=r"output scale"):
        call()
    return True


def widget():
    made = ck.CircuitWidget(LINE, "abs(x)/3")
    good = made.network == LINE and made.verdict["holds"] and made._config["scale"] == "1/3"
    wrong = ck.CircuitWidget(LINE, "abs(x)").verdict["holds"]
    page = made._static_html()
    return good and not wrong and "× 1/3" in page and '"scale"' in page.replace("&quot;", '"')


def exact():
    quarter = ck.Network(LINE.weights, scale="1/4")
    folded = ck.Network([[[1], [-1]], [[0.25, 0.25]]])
    return canonical_form(quarter) == canonical_form(folded) != canonical_form(LINE)


#: every public function that takes a network -> whether it goes on with its scale
HONOURED = {
    "CircuitWidget": widget,
    "Mystery": lambda: refuses(lambda: ck.Mystery(LINE)),
    "WeightsReader": lambda: refuses(lambda: ck.WeightsReader(LINE)),
    "check": lambda: ck.check(ck.prove(LINE, "abs(x)/3").certificate, LINE, "abs(x)/3"),
    "compose": lambda: proves(ck.compose(LINE, LINE), "abs(x)/9", "abs(x)/3"),
    "decompile": lambda: str(ck.decompile(LINE)) == "Abs(x)/3",
    "decompiled": lambda: (
        ck.check((found := ck.decompiled(LINE)).certificate, LINE, found.expression)
        and not ck.check(found.certificate, ck.circuit("abs"), found.expression)
    ),
    "detect": lambda: (
        str(ck.detect(LINE).expression) == "Abs(x)/3" and ck.detect(LINE).function is None
    ),
    # |x| / 3 is furthest above x^2 at 1/6, below it at 1
    "enclose_error": lambda: ck.enclose_error(LINE, "x**2", domain=[(0, 1)]) == (2 * THIRD,) * 2,
    "extract": lambda: refuses(lambda: ck.extract(LINE)),
    "kinks": lambda: [(k.front, k.back) for k in ck.kinks(LINE)] == [(1 / 3, 1 / 3)],
    "parallel": lambda: proves(
        ck.parallel(LINE, ck.circuit("abs")), "abs(x1)/3, abs(x2)", "abs(x1), abs(x2)"
    ),
    "prove": lambda: proves(LINE, "abs(x)/3", "abs(x)"),
    "subcircuits": lambda: ck.subcircuits(LINE).network == LINE,
    "canonical.canonical_form": exact,
    "mysteries.Level": lambda: True,  # holds it; Mystery refuses it
    "mysteries.disguised": lambda: proves(mysteries.disguised(LINE, seed=1)[0], LINE, "abs(x)"),
    "plotting.function": lambda: draws(lambda: plotting.function(LINE, units=True)),
    "plotting.heatmap": lambda: draws(lambda: plotting.heatmap(PLANE)),
    "plotting.network": lambda: draws(lambda: plotting.network(LINE), "times 1/3"),
    "plotting.regions": lambda: draws(lambda: plotting.regions(PLANE)),
    "plotting.stuck": lambda: draws(lambda: plotting.stuck([PLANE])),
    "plotting.weights": lambda: draws(lambda: plotting.weights(LINE), "times 1/3"),
}
#: results, which hold networks and are made by the functions above
RESULTS = ("Approximation", "Decompilation", "Detection", "Extraction", "NotLearned", "Subcircuits")


def takers():
    """Every public function or class that a network goes into."""
    found = {name: getattr(ck, name) for name in ck.__all__ if name not in ck._MODULES}
    found |= {f"plotting.{name}": getattr(plotting, name) for name in plotting.__all__}
    found |= {f"mysteries.{name}": getattr(mysteries, name) for name in mysteries.__all__}
    for name, function in found.items():
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            continue
        if any("Network" in str(p.annotation) or p.name in ("net", "network") for p in parameters):
            yield name


def test_the_table_names_everything_that_takes_a_network():
    assert set(takers()) - set(RESULTS) <= set(HONOURED)


@pytest.mark.parametrize("name", HONOURED)
def test_the_scale_is_honoured_or_refused(name):
    assert HONOURED[name]()


def test_a_scaled_network_gives_scaled_numbers():
    assert LINE(-1)[0] == 1 / 3
    assert ck.Network([[[1]]], scale=Fraction(3, 7))(7)[0] == 3
    assert ck.Network([[[1e300]]], [[0]], scale="1/1000")(1e10)[0] == pytest.approx(1e307)
    assert np.isinf(ck.Network([[[1e300]]], scale=1000)(1e10)[0])
    assert LINE.activations(-3)[0].tolist() == [0, 3]
    assert LINE.exact_layers[-1] == ([[THIRD, THIRD]], [Fraction(0)])
    assert repr(LINE) == "Network(1-2-1, no biases, times 1/3)"


def test_scales_are_told_apart():
    plain = ck.Network(LINE.weights)
    assert plain.scale == 1
    assert plain != LINE
    assert ck.Network(LINE.weights, scale="2/6") == LINE
    assert len({plain, LINE, ck.Network(LINE.weights, scale="1/3")}) == 2


def test_copies_and_files_keep_the_scale(tmp_path):
    assert pickle.loads(pickle.dumps(LINE)) == LINE
    assert ck.Network.from_dict(json.loads(json.dumps(LINE.to_dict()))) == LINE
    path = tmp_path / "net.safetensors"
    LINE.save(path)
    assert ck.Network.load(path) == LINE
    with safe_open(path, "np") as file:
        assert file.metadata()["scale"] == "1/3"
    assert "scale" not in ck.circuit("abs").to_dict()


@pytest.mark.parametrize("scale", ["0", "-1", "1/0", "a", "", "1.5", "1/3/5"])
def test_a_file_with_another_scale_is_refused(tmp_path, scale):
    path = tmp_path / "net.safetensors"
    tensors = {"layers.0.weight": np.ones((1, 1))}
    save_file(tensors, path, metadata={"format": "circuitkit.Network", "scale": scale})
    with pytest.raises(ValueError, match="path: .*scale"):
        ck.Network.load(path)


def test_another_tools_metadata_mean_nothing(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({"layers.0.weight": np.ones((1, 1))}, path, metadata={"scale": "4"})
    assert ck.Network.load(path).scale == 1


def test_other_tools_get_the_scale_in_the_last_layer(tmp_path):
    torch = pytest.importorskip("torch")
    assert LINE.to_torch()(torch.tensor([-1.0], dtype=torch.float64)).item() == pytest.approx(1 / 3)
    LINE.to_onnx(tmp_path / "net.onnx")
    assert ck.Network.from_onnx(tmp_path / "net.onnx")(-1)[0] == pytest.approx(1 / 3)


def test_every_engine_and_the_script_for_other_solvers_honour_the_scale():
    for engine in ("auto", "regions", "z3"):
        assert ck.prove(LINE, "abs(x)/3", engine=engine)
        assert not ck.prove(LINE, "abs(x)", engine=engine)
    assert ck.prove(LINE, LINE)
    assert not ck.prove(ck.Network(LINE.weights), LINE)
    assert ck.prove(LINE, "abs(x)", domain=[(-1, 1)]).error == pytest.approx(2 / 3)
    assert ck.prove(LINE, "y <= abs(x)/3 and y >= 0")
    z3 = pytest.importorskip("z3")
    solver = z3.Solver()
    solver.from_string(ck.prove(LINE, "abs(x)/3").to_smtlib())
    assert solver.check() == z3.unsat


def test_the_checker_believes_no_certificate_of_another_scale():
    certificate = ck.prove(LINE, "abs(x)/3").certificate
    assert check.check(certificate, LINE.to_dict(), "abs(x)/3")
    for other in (1, "1/4", "-1/3", "0", 0.3333, None, [1, 1]):
        assert not check.check(certificate, {**LINE.to_dict(), "scale": other}, "abs(x)/3")


def test_scales_that_cannot_go_together_exactly_are_refused():
    odd = ck.Network([[[0.1]]], [[0.1]], scale="1/3")
    with pytest.raises(ValueError, match="inner: expected an output scale"):
        ck.compose(ck.Network([[[1], [1]], [[1, 1]]], [[0.1, 0.3], [0]]), odd)
    with pytest.raises(ValueError, match="a: expected weights that are doubles"):
        ck.parallel(odd, ck.Network([[[1]]], scale="1/7"))
    with pytest.raises(ValueError, match="panels"):
        ck.CircuitWidget(LINE, panels=["training"])


@pytest.mark.parametrize("scale", [10**400, Fraction(1, 10**400), 5e-324])
def test_scales_beyond_the_doubles_are_refused(scale):
    with pytest.raises(ValueError, match="scale: .*range of a double"):
        ck.Network([[[1]]], scale=scale)
