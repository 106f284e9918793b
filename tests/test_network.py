"""The network: its arithmetic, its errors, and its ways in and out of torch, JSON and files."""

from __future__ import annotations

import copy
import errno
import itertools
import json
import os
import pickle
import subprocess
import sys
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuitkit import Network

finite = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    pairs = list(itertools.pairwise(sizes))

    def array(*shape: int) -> np.ndarray:
        n = int(np.prod(shape))
        return np.array(draw(st.lists(finite, min_size=n, max_size=n))).reshape(shape)

    weights = [array(n_out, n_in) for n_in, n_out in pairs]
    biases = [array(n_out) for _, n_out in pairs] if draw(st.booleans()) else None
    return Network(weights, biases)


def random_network(rng: np.random.Generator, sizes: tuple[int, ...]) -> Network:
    pairs = list(itertools.pairwise(sizes))
    return Network(
        [rng.normal(size=(b, a)) for a, b in pairs], [rng.normal(size=b) for _, b in pairs]
    )


def test_the_forward_pass_is_that_of_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for sizes in [(1, 2, 1), (3, 1), (2, 3, 2, 1), (4, 6, 3, 2)]:
        net = random_network(rng, sizes)
        x = rng.normal(size=(50, sizes[0]))
        expected = net.to_torch()(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(net(x), expected, rtol=0, atol=1e-12)


def test_activations_are_the_positive_part_of_the_preactivations():
    net = random_network(np.random.default_rng(1), (2, 3, 4, 1))
    x = np.random.default_rng(2).normal(size=(5, 7, 2))
    pre, act = net.preactivations(x), net.activations(x)
    assert [p.shape for p in pre] == [(5, 7, 3), (5, 7, 4)]
    for p, a in zip(pre, act, strict=True):
        np.testing.assert_array_equal(a, np.where(p > 0, p, 0))
    np.testing.assert_allclose(net(x), act[-1] @ net.weights[-1].T + net.biases[-1])


def test_a_network_without_hidden_layers_is_linear():
    net = Network([[[2, 3]]], [[1]])
    assert net.layer_sizes == (2, 1)
    assert net.preactivations([1, 1]) == []
    np.testing.assert_array_equal(net([1, 1]), [6])


def test_a_plain_number_is_an_input_of_a_one_input_network():
    net = Network([[[1], [-1]], [[1, 1]]])
    assert net(-5).shape == (1,)
    assert net(np.float32(2)).tolist() == [2.0]
    assert net([[1], [2], [-3]]).shape == (3, 1)


def test_no_output_is_minus_zero():
    net = Network([[[1], [-1]], [[-1, -1]]])
    assert not np.signbit(net(0)).any()


@pytest.mark.filterwarnings("error")
def test_a_sum_beyond_float64_on_the_way_is_not_lost():
    pair = Network([[[1e308], [1e308]], [[1.0, -1.0]]])
    np.testing.assert_array_equal(pair([[10], [1], [-10]]), np.zeros((3, 1)))
    np.testing.assert_array_equal(pair.preactivations(10)[0], [np.inf, np.inf])
    back = Network([[[1e308, 1e308]], [[1e-308]]], [[0], [1]])
    np.testing.assert_allclose(back([[[10, 10], [10, -10]]]), [[[21], [1]]], rtol=1e-12)
    np.testing.assert_array_equal(Network([[[-1e300]]] * 2)(-1e300), [-np.inf])


@settings(max_examples=40)
@given(st.data())
def test_an_output_is_infinite_only_where_its_exact_value_is_beyond_float64(data):
    number = st.builds(
        lambda a, k: a * 10.0**k, st.floats(-1, 1), st.sampled_from([0, 0, 150, -150, 300, -300])
    )

    def numbers(*shape):
        return [numbers(*shape[1:]) for _ in range(shape[0])] if shape else data.draw(number)

    net = Network([numbers(2, 2), numbers(2, 2), numbers(1, 2)], [numbers(2), numbers(2), [0]])
    x = numbers(2)
    h, size = [Fraction(v) for v in x], [Fraction(abs(v)) for v in x]
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        h, size = [max(v, 0) for v in h] if i else h, size
        rows = [([Fraction(v) for v in row], Fraction(o)) for row, o in zip(w, b, strict=True)]
        h = [sum((c * v for c, v in zip(row, h, strict=True)), o) for row, o in rows]
        size = [
            sum((abs(c) * v for c, v in zip(row, size, strict=True)), abs(o)) for row, o in rows
        ]
    (value,), (scale,) = h, size
    (found,) = net(x)
    if abs(found) == np.inf:
        assert abs(value) + scale * Fraction(1, 10**12) > Fraction(sys.float_info.max)
    else:
        assert abs(Fraction(found) - value) <= scale * Fraction(1, 10**12) + Fraction(1, 10**290)


def test_the_arrays_are_copies_and_read_only():
    w = np.ones((2, 1))
    net = Network([w, [[1, 1]]])
    w[0, 0] = 7
    assert net.weights[0][0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        net.weights[0][0, 0] = 2
    with pytest.raises(ValueError, match="read-only"):
        net.biases[0][0] = 2
    with pytest.raises(AttributeError):
        net.weights = []  # type: ignore[misc]


def test_biases_may_be_missing_for_some_layers():
    net = Network([[[1], [1]], [[1, 1]]], [None, [3]])
    assert [b.tolist() for b in net.biases] == [[0, 0], [3]]
    assert net.has_biases
    assert not Network([[[1]]], [[0]]).has_biases


def test_fractions_and_large_integers_are_numbers():
    net = Network([[[Fraction(1, 4)], [2**70]]])
    assert net.weights[0].tolist() == [[0.25], [2.0**70]]


@pytest.mark.parametrize(
    ("weights", "biases", "error", "message"),
    [
        ([], None, ValueError, "weights: expected at least one layer, got an empty list"),
        (3, None, TypeError, "weights: expected a list with one matrix a layer, got int"),
        ("abc", None, TypeError, "weights: expected a list with one matrix a layer, got str"),
        (
            [[1, 2]],
            None,
            ValueError,
            r"weights\[0\]: expected shape \(n_out, n_in\), got shape \(2,\)",
        ),
        ([[[1, 2], [3]]], None, ValueError, r"weights\[0\]: expected rows of equal length"),
        ([[[]]], None, ValueError, r"weights\[0\]: expected at least one number"),
        ([[["a"]]], None, TypeError, r"weights\[0\]: expected real numbers, got text"),
        ([[[True]]], None, TypeError, r"weights\[0\]: expected real numbers, got booleans"),
        ([[[1j]]], None, TypeError, r"weights\[0\]: expected real numbers, got complex numbers"),
        ([[[None]]], None, TypeError, r"weights\[0\]: expected real numbers, got NoneType objects"),
        ([[[np.nan]]], None, ValueError, r"weights\[0\]: expected finite numbers, got inf or nan"),
        ([[[np.inf]]], None, ValueError, r"weights\[0\]: expected finite numbers"),
        (
            [[[1], [1]], [[1, 1, 1]]],
            None,
            ValueError,
            r"weights\[1\]: expected 2 columns, one for each unit of the layer before, got 3",
        ),
        ([[[1]]], [[1], [2]], ValueError, "biases: expected 1 entries, one a layer, got 2"),
        ([[[1]]], [[1, 2]], ValueError, r"biases\[0\]: expected shape \(1,\), one bias a unit"),
        ([[[1]]], [[np.nan]], ValueError, r"biases\[0\]: expected finite numbers"),
        ([[[1]]], 5, TypeError, "biases: expected a list with one vector a layer, got int"),
    ],
)
def test_bad_weights_are_refused_by_name(weights, biases, error, message):
    with pytest.raises(error, match=message):
        Network(weights, biases)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1, 2, 3], ValueError, r"x: expected shape \(\.\.\., 2\).*got shape \(3,\)"),
        (1, ValueError, r"x: expected shape \(\.\.\., 2\).*got shape \(\)"),
        ([np.nan, 1], ValueError, "x: expected finite numbers, got inf or nan"),
        (["a", "b"], TypeError, "x: expected real numbers, got text"),
        ([[1, 2], [3]], ValueError, "x: expected rows of equal length"),
    ],
)
def test_bad_inputs_are_refused_by_name(x, error, message):
    net = Network([[[1, 1]]])
    for method in (net, net.activations, net.preactivations):
        with pytest.raises(error, match=message):
            method(x)


def test_a_flat_list_for_a_one_input_network_gets_the_remedy():
    with pytest.raises(ValueError, match=r"use x\[:, None\]"):
        Network([[[1]]])([1, 2, 3])


@given(networks())
def test_dict_json_torch_and_pickle_keep_every_bit(net):
    assert Network.from_dict(json.loads(json.dumps(net.to_dict()))) == net
    assert Network.from_torch(net.to_torch()) == net
    assert pickle.loads(pickle.dumps(net)) == net
    assert hash(Network.from_dict(net.to_dict())) == hash(net)


def test_saving_keeps_every_bit(tmp_path):
    rng = np.random.default_rng(3)
    for sizes in [(1, 1), (2, 3, 1), (1, *[2] * 11, 1)]:
        net = random_network(rng, sizes)
        path = tmp_path / "net.safetensors"
        net.save(path)
        assert Network.load(path) == net


def test_a_file_that_cannot_be_finished_leaves_the_one_before_it(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    before = Network([[[1.0], [-1.0]], [[1.0, 1.0]]])
    before.save(path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="path: No space left on device: .*net.safetensors"):
            Network([[[2.0]]]).save(path)
    assert Network.load(path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.safetensors"]  # and nothing unfinished
    with pytest.raises(FileNotFoundError, match="path: No such file or directory: .*missing/net"):
        before.save(tmp_path / "missing" / "net")


@pytest.mark.parametrize("write", ["save", "to_onnx"])
def test_what_is_no_regular_file_is_not_replaced(tmp_path, write):
    if write == "to_onnx":
        pytest.importorskip("onnxruntime")
    net = Network([[[1.0], [-1.0]], [[1.0, 1.0]]])
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    for name, got in (
        ("pipe", "the FIFO '.*pipe'"),
        ("link", "the FIFO '.*pipe'"),
        ("folder", "the folder '.*folder'"),
    ):
        with pytest.raises(ValueError, match=f"^path: expected a regular file, .* got {got}"):
            getattr(net, write)(tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "link", "pipe"]


def test_load_reads_the_state_of_a_torch_sequential(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    save_file(module.state_dict(), tmp_path / "state.safetensors")
    assert Network.load(tmp_path / "state.safetensors") == Network.from_torch(module)


def test_load_refuses_what_is_not_a_network(tmp_path):
    from safetensors.numpy import save_file

    (tmp_path / "text").write_text("hello")
    with pytest.raises(ValueError, match="is not a safetensors file"):
        Network.load(tmp_path / "text")
    save_file({"conv": np.ones(3)}, tmp_path / "other")
    with pytest.raises(ValueError, match=r"expected tensors named <layer>.weight.*got 'conv'"):
        Network.load(tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        Network.load(tmp_path / "missing")


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([1], TypeError, "data: expected a mapping with 'weights', got list"),
        ({}, ValueError, r"data: expected the keys 'weights' and 'biases', got \[\]"),
        ({"weights": [[[1]]], "bias": None}, ValueError, r"got \['bias', 'weights'\]"),
    ],
)
def test_from_dict_refuses_other_data(data, error, message):
    with pytest.raises(error, match=message):
        Network.from_dict(data)


def test_from_torch_follows_the_forward_pass_of_any_module():
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Deck(nn.Module):
        def __init__(self):
            super().__init__()
            self.output_layer = nn.Linear(3, 2)  # registered first, applied last
            self.hidden_layer_0 = nn.Linear(2, 3, bias=False)

        def forward(self, x):
            return self.output_layer(torch.relu(self.hidden_layer_0(x)))

    module = Deck()
    net = Network.from_torch(module)
    assert net.layer_sizes == (2, 3, 2)
    x = torch.randn(20, 2)
    np.testing.assert_allclose(net(x.numpy()), module(x).detach().numpy(), atol=1e-6)


def test_from_torch_keeps_a_relu_at_either_end():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    module = (
        nn.Sequential(nn.ReLU(), nn.Linear(2, 2), nn.ReLU(), nn.Dropout(), nn.ReLU())
        .double()
        .eval()
    )
    net = Network.from_torch(module)
    x = torch.randn(50, 2, dtype=torch.float64)
    np.testing.assert_allclose(net(x.numpy()), module(x).detach().numpy(), atol=1e-15)


def test_from_torch_refuses_what_is_no_module_or_has_no_layers_that_it_knows():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    with pytest.raises(TypeError, match="module: expected a torch.nn.Module, got int"):
        Network.from_torch(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected layers of nn.Linear.*got Tanh in the layer '1'"):
        Network.from_torch(nn.Sequential(nn.Linear(1, 1), nn.Tanh()))
    with pytest.raises(ValueError, match="at least one nn.Linear"):
        Network.from_torch(nn.Sequential(nn.ReLU()))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_from_torch_takes_modules_of_every_precision(dtype):
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    sizes = [3, 40, 40, 2]
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    module = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    assert Network.from_torch(module.to(getattr(torch, dtype))).layer_sizes == tuple(sizes)


def test_from_torch_refuses_a_module_that_does_something_else_than_its_layers_say():
    torch = pytest.importorskip("torch")
    nn = torch.nn

    def plain():
        return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))

    hooked, before, stale = plain(), plain(), plain()
    hooked[0].register_forward_hook(lambda module, given, output: output + 1)
    before[2].register_forward_pre_hook(lambda module, given: (2 * given[0],))

    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the old weight_norm, which keeps a stale copy
        nn.utils.weight_norm(stale[0])
    with torch.no_grad():
        stale[0].weight_g.mul_(3)
    dropping = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.ReLU(), nn.Linear(3, 1))
    for module, reason in (
        (hooked, "layer '0' has a forward hook"),
        (before, "layer '2' has a forward hook"),
        (Doubled(2, 1), "the module is a test_network.Doubled with a forward pass of its own"),
        (stale, "the weights of layer '0' are computed by a hook .* out of date"),
        (dropping, "layer '1' is a Dropout in training mode; call module.eval"),
    ):
        with pytest.raises(ValueError, match=reason):
            Network.from_torch(module)
    assert Network.from_torch(dropping.eval()) == Network.from_torch(dropping)


def test_from_torch_refuses_what_changes_a_module_only_far_out():
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Clamped(nn.Linear):
        def forward(self, x):
            return super().forward(x).clamp(-1000, 1000)

    hooked = nn.Sequential(nn.Linear(1, 1))
    hooked.register_forward_hook(lambda module, given, output: output.clamp(-1000, 1000))
    listened = nn.Linear(1, 1)  # nothing tells a hook that only listens from one that clamps
    listened.register_forward_hook(lambda module, given, output: None)
    patched = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))
    patched[1].forward = lambda x: x.clamp(0, 1000)
    for module, reason in (
        (Clamped(1, 1), "the module is a test_network.Clamped with a forward pass of its own"),
        (hooked, "the module has a forward hook"),
        (listened, "the module has a forward hook"),
        (patched, "layer '1' is a ReLU with a forward pass of its own"),
        (nn.Linear(1, 1, dtype=torch.complex64), "expected real weights, got torch.complex64"),
    ):
        with pytest.raises(ValueError, match=reason):
            Network.from_torch(module)


def test_from_torch_reads_a_module_whose_own_precision_is_too_narrow():
    torch = pytest.importorskip("torch")
    nn = torch.nn

    def chain(*weights, dtype=torch.float32):
        layers = []
        for weight in weights:
            layers += [nn.Linear(1, 1, bias=False, dtype=dtype), nn.ReLU()]
            nn.init.constant_(layers[-2].weight, weight)
        return nn.Sequential(*layers[:-1])

    wide = nn.Linear(2, 3)
    nn.init.constant_(wide.weight, 3e38)
    assert Network.from_torch(wide).weights[0][0, 0] == pytest.approx(3e38)
    for weights in ((1e30, -1e30), (1e30, 1e30, -1e30, 1.0), (1e-30, 1e-30), (1e-30, 1e-30, 1e30)):
        net = Network.from_torch(chain(*weights))
        assert [w[0, 0] for w in net.weights] == pytest.approx(weights)
    with pytest.raises(
        ValueError, match=r"^module: its values leave the range of torch.float64 at"
    ):
        Network.from_torch(chain(1e200, -1e200, dtype=torch.float64))
    dropping = nn.Sequential(wide, nn.Dropout(0.5), nn.ReLU(), nn.Linear(3, 1))
    with pytest.raises(ValueError, match="layer '1' is a Dropout in training mode"):
        Network.from_torch(dropping)


def test_from_torch_refuses_weights_that_are_no_numbers_by_their_name():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    spoiled = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        spoiled[2].bias.fill_(torch.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lazy layers are said to be new
        lazy = nn.Sequential(nn.LazyLinear(2), nn.ReLU(), nn.Linear(2, 1))
    for module, message in (
        (spoiled, "module: expected finite weights, got inf or nan in '2.bias'"),
        (nn.Linear(1, 2, device="meta"), "module: expected weights with values, got 'weight' on"),
        (lazy, "module: expected weights whose shape is known, got '0.weight' of a lazy layer"),
    ):
        with pytest.raises(ValueError, match=f"^{message}"):
            Network.from_torch(module)


def test_a_folder_is_no_file_to_load(tmp_path):
    with pytest.raises(ValueError, match="^path: expected a safetensors file, got the folder"):
        Network.load(tmp_path)


def test_numbers_beyond_the_doubles_are_refused_as_such():
    with pytest.raises(ValueError, match=r"^weights\[0\]: expected numbers within the range of a"):
        Network([[[10**400]]])


def test_importing_the_package_imports_no_torch_and_no_matplotlib():
    code = (
        "import sys, circuitkit; "
        "print([m for m in ('torch', 'matplotlib', 'pandas', 'z3', 'anywidget') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "again", [lambda net: net, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))]
)
def test_arrays_cannot_be_made_writeable_again(again):
    net = again(Network([[[1, 2]], [[3]]], [[1], [2]]))
    for values in (*net.weights, *net.biases):
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
            values.flags.writeable = True


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(float).max, reason="they are doubles")
@pytest.mark.parametrize(
    "value", [np.array([[np.longdouble("1e400")]]), [[np.longdouble("-1e400")]]]
)
@pytest.mark.filterwarnings("error")
def test_long_doubles_beyond_the_doubles_are_refused(value):
    with pytest.raises(
        ValueError, match=r"weights\[0\]: expected numbers within the range of a double"
    ):
        Network([value])
