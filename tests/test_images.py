"""Small networks that tell digits apart, and how alike their filters are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from circuitkit import images as im
from circuitkit import plotting
from circuitkit.images.digits import TRAINED_ON
from circuitkit.images.model import read_out, second_layer
from circuitkit.images.training import _as_numpy, _module

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def nets():
    """One of each architecture, after a single epoch."""
    return {a: im.train(a, seeds=[5], epochs=1)[0] for a in im.ARCHITECTURES}


@pytest.fixture
def bank():
    return np.random.default_rng(1).normal(size=(16, 5, 5))


def test_the_pictures_are_split_once_and_nobody_can_change_them():
    data = im.digits()
    assert data is im.digits()
    assert (len(data.train), len(data.test)) == (TRAINED_ON, 500)
    assert 0 == data.train.min() < data.train.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        data.test[0] = 0


@pytest.mark.parametrize("architecture", im.ARCHITECTURES)
def test_the_numpy_network_computes_what_the_torch_one_does(architecture):
    torch.manual_seed(0)
    module = _module(torch, architecture)
    net = _as_numpy(module, architecture, 0)
    images = im.digits().test[:7]
    with torch.no_grad():
        theirs = module(torch.tensor(images[:, None], dtype=torch.float32)).numpy()
    assert np.allclose(net.logits(images), theirs, atol=1e-5)


def test_a_seed_gives_the_same_network_whatever_runs_beside_it_and_leaves_torch_as_it_was():
    torch.manual_seed(1)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    alone = im.train(seeds=[4], epochs=1)[0]
    assert torch.equal(state, torch.get_rng_state())
    assert threads == torch.get_num_threads()
    beside = im.train(seeds=[2, 4], epochs=1)[1]
    assert (alone.filters == beside.filters).all() and (alone.readout == beside.readout).all()


def test_no_two_architectures_start_from_the_same_filters():
    starts = [
        net.filters for a in im.ARCHITECTURES for net in im.train(a, seeds=[0, 1, 2, 3], epochs=0)
    ]
    for i, a in enumerate(starts):
        for b in starts[:i]:
            assert im.match(a, b).mean < 0.9


def test_shuffled_labels_teach_another_network():
    right, dealt = (im.train(seeds=[1], epochs=4, shuffled=s)[0] for s in (False, True))
    data = im.digits()
    hits = [(n.logits(data.test).argmax(axis=1) == data.test_labels).mean() for n in (right, dealt)]
    assert hits[0] > 0.6 > 0.3 > hits[1]


def test_a_planted_permutation_is_found_whatever_the_size_and_the_sign(bank):
    order = np.random.default_rng(2).permutation(16)
    sizes = np.linspace(-3, 3, 16)[:, None, None]
    found = im.match(bank, (bank * sizes + 0.5)[order])
    assert found.mean == pytest.approx(1)
    assert all(order[j] == i for i, j in found.pairs)


def test_a_filter_and_its_negative_are_twins_unless_signs_count(bank):
    assert im.match(bank[:1], -bank[:1]).likeness == pytest.approx([1])
    assert im.match(bank[:1], -bank[:1], signed=True).likeness == pytest.approx([-1])
    assert im.match(bank, np.concatenate([-bank, bank]), signed=True).pairs[:, 1].min() == 16


def test_the_best_match_of_fewer_filters_with_more_uses_each_once(bank):
    found = im.match(bank[:3], bank[::-1])
    assert sorted(map(tuple, found.pairs.tolist())) == [(0, 15), (1, 14), (2, 13)]
    assert (np.diff(found.likeness) <= 0).all()


def test_correlations_are_those_of_the_responses_with_the_local_mean_regressed_out(bank):
    images = im.digits().test[:40]
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    cut = [
        padded[:, i : i + 5, j : j + 5].reshape(len(images), -1) for i in range(8) for j in range(8)
    ]
    seen = np.concatenate(cut)
    mean = np.stack([seen.mean(axis=1), np.ones(len(seen))], axis=1)
    responses = seen @ bank[:4].reshape(4, -1).T
    left = responses - mean @ np.linalg.lstsq(mean, responses, rcond=None)[0]
    found = im.correlations(bank[:4], bank[:4], covariance=im.patch_covariance(images))
    assert np.allclose(found, np.corrcoef(left.T))


def test_a_filter_that_sees_only_the_mean_is_like_nothing(bank):
    assert (im.correlations(np.ones((1, 5, 5)), bank) == 0).all()
    blank = im.patch_covariance(np.zeros((2, 8, 8)))
    assert (im.correlations(bank, bank, covariance=blank) == 0).all()


def test_permuted_weights_stay_in_their_filter(bank):
    found = im.scrambled(bank, seed=3)
    assert (np.sort(found.reshape(16, -1)) == np.sort(bank.reshape(16, -1))).all()
    assert (found == im.scrambled(bank, seed=3)).all()
    assert (found != im.scrambled(bank, seed=4)).any()
    assert im.match(bank, found).mean < 0.9


def test_a_random_filter_as_coarse_has_as_much_of_each_frequency(bank):
    found = im.scrambled(bank, keep="coarseness", seed=3)
    k = np.rint(np.fft.fftfreq(5) * 5) ** 2
    rings = k[:, None] + k
    for frequency in np.unique(rings):
        powers = [
            (abs(np.fft.fft2(w)) ** 2)[:, rings == frequency].sum(axis=1) for w in (bank, found)
        ]
        assert np.allclose(*powers)
    assert im.match(bank, found).mean < 0.9


def test_layers_that_are_turned_are_alike_and_unrelated_ones_are_not():
    x = np.random.default_rng(0).normal(size=(300, 4))
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    assert im.cka(x, 3 * x @ turn + 1) == pytest.approx(1)
    assert im.cka(x, np.random.default_rng(2).normal(size=(300, 5))) < 0.1


@pytest.mark.parametrize(
    ("b", "message"),
    [
        (np.ones((4, 2)), "b: expected 5 rows"),
        (np.ones((5, 2)), "b: expected activations that differ"),
    ],
)
def test_layers_that_cannot_be_compared_are_refused(b, message):
    with pytest.raises(ValueError, match=message):
        im.cka(np.arange(10.0).reshape(5, 2), b)


@pytest.mark.parametrize("architecture", im.ARCHITECTURES)
def test_the_predicted_change_is_the_gradient_times_the_difference(nets, architecture):
    net, data = nets[architecture], im.digits()
    small = im.Digits(data.train[:90], data.train_labels[:90], data.test, data.test_labels)
    predicted = im.predicted_changes(net, small)
    pooled = net.pooled(small.train)
    mean, step = pooled.mean(axis=0), 1e-6
    for digit, channel in ((int(small.train_labels[0]), 2), (int(small.train_labels[1]), 9)):
        chosen = pooled[small.train_labels == digit]
        moved = chosen.copy()
        moved[:, channel] += step * (mean[channel] - chosen[:, channel])
        slope = (read_out(net, moved) - read_out(net, chosen))[:, digit].mean() / step
        assert predicted[digit, channel] == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_what_is_measured_is_silencing_one_channel_at_its_training_mean(nets):
    net, data = nets["residual"], im.digits()
    pooled = net.pooled(data.test)
    pooled[:, 3] = net.pooled(data.train).mean(axis=0)[3]
    change = (read_out(net, pooled) - net.logits(data.test))[data.test_labels == 7, 7].mean()
    assert im.measured_changes(net, data)[7, 3] == pytest.approx(change)


def test_without_any_channel_every_picture_gets_the_same_answer(nets):
    net, data = nets["one layer"], im.digits()
    recalls = [im.recall(net, data, digit, without=range(16)) for digit in range(10)]
    assert sorted(recalls) == [0] * 9 + [1]
    assert im.recall(net, data, 4, without=3) == im.recall(net, data, 4, without=[3])


def test_one_layer_has_no_second_one(nets):
    with pytest.raises(ValueError, match="network: expected one with a second layer"):
        second_layer(nets["one layer"])


def test_a_digit_that_no_picture_shows_is_named(nets):
    data = im.digits()
    ones = data.test_labels == 1
    few = im.Digits(data.train, data.train_labels, data.test[ones], data.test_labels[ones])
    assert 0 <= im.recall(nets["one layer"], few, 1) <= 1
    with pytest.raises(ValueError, match="data: expected pictures of every digit, got none of 0"):
        im.recall(nets["one layer"], few, 0)
    with pytest.raises(ValueError, match="data: expected pictures of every digit"):
        im.measured_changes(nets["one layer"], few)


def test_filters_are_drawn_in_rows_with_their_labels_each_scaled_by_its_own_largest(bank):
    grid = bank[:6].reshape(2, 3, 5, 5) * np.array([1, 100])[:, None, None, None]
    grid[0, 0] = 0
    ax = plotting.filters(grid, labels=["first", "second"])
    assert [text.get_text() for text in ax.texts] == ["first", "second"]
    drawn = ax.collections[0].get_array()
    assert drawn.shape == (11, 17)
    assert (drawn[:5, :5] == 0).all() and abs(drawn).max() == 1
    with pytest.raises(ValueError, match="labels: expected 2, one for each row, got 1"):
        plotting.filters(grid, labels=["first"])
    plt.close("all")


# --- numbers of any size ------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200, 1e300])
def test_what_does_not_depend_on_the_scale_is_the_same_at_any_scale(bank, size):
    own = im.correlations(bank, bank)
    assert np.allclose(im.correlations(bank * size, bank), own)
    assert np.allclose(im.correlations(bank * size, bank * size), own)
    C = im.patch_covariance(im.digits().test[:40])
    assert np.allclose(
        im.correlations(bank, bank, covariance=C * size), im.correlations(bank, bank, covariance=C)
    )
    assert im.match(bank * size, bank).mean == pytest.approx(1)
    drawn = im.scrambled(bank * size, keep="coarseness", seed=3) / size
    assert np.allclose(drawn, im.scrambled(bank, keep="coarseness", seed=3))
    x = np.random.default_rng(0).normal(size=(50, 3))
    assert im.cka(x * size, x) == pytest.approx(1)
    assert im.cka(x * [1, size, 1], x * [1, size, 1]) == pytest.approx(1)


def test_a_covariance_that_is_not_symmetric_is_refused_however_small_it_is(bank):
    skew = np.arange(625.0).reshape(25, 25) * 1e-200
    with pytest.raises(ValueError, match="covariance: expected a symmetric array .* not symmetric"):
        im.correlations(bank, bank, covariance=skew)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_pictures_whose_covariance_is_beyond_the_doubles_are_refused(size):
    with pytest.raises(ValueError, match=r"images: expected pixels .*, got some of size 1e[+-]200"):
        im.patch_covariance(im.digits().test[:4] * size)


@pytest.mark.parametrize("value", [0.3, 1e300, 1e-300])
def test_a_layer_that_is_the_same_for_all_inputs_is_refused_whatever_its_mean_rounds_to(value):
    x = np.random.default_rng(0).normal(size=(50, 3))
    with pytest.raises(ValueError, match="b: expected activations that differ between inputs"):
        im.cka(x, np.full((50, 3), value))
    with_constant = np.concatenate([x, np.full((50, 3), value)], axis=1)
    assert im.cka(x, with_constant) == pytest.approx(1)


def test_of_a_filter_of_equal_weights_only_the_sign_is_drawn():
    drawn = [im.scrambled(np.ones((1, 5, 5)), keep="coarseness", seed=s) for s in range(8)]
    assert np.allclose(np.abs(drawn), 1)
    assert {float(np.sign(d).mean()) for d in drawn} == {-1.0, 1.0}


# --- pictures of one's own ----------------------------------------------------------------------------


def test_pictures_and_labels_of_ones_own_are_taken():
    own = im.Digits(np.zeros((2, 8, 8), int), [3, 9], np.zeros((1, 8, 8)), np.array([0]))
    assert (own.train.dtype, own.train_labels.tolist()) == (np.float64, [3, 9])


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([1], ValueError, "test_labels: expected 2 whole numbers from 0 to 9, one for each"),
        ([1, 10], ValueError, "test_labels: expected .*, got numbers from 1 to 10"),
        ([-1, 2], ValueError, "test_labels: expected .*, got numbers from -1 to 2"),
        ([1.0, 2.0], TypeError, "test_labels: expected .*, got other numbers"),
        (["1", "2"], TypeError, "test_labels: expected real numbers"),
    ],
)
def test_labels_that_are_not_one_digit_for_each_picture_are_refused(labels, error, message):
    blank = np.zeros((2, 8, 8))
    with pytest.raises(error, match=message):
        im.Digits(blank, [0, 1], blank, labels)


def test_pictures_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="train: expected pictures, an array of shape"):
        im.Digits(np.zeros((2, 7, 8)), [0, 1], np.zeros((2, 8, 8)), [0, 1])


def test_every_extra_that_a_docstring_names_is_one_that_can_be_installed():
    root = Path(im.__file__).parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for path in (root / "circuitkit").rglob("*.py"):
        for name in re.findall(r"the extra\s+``(\w+)``", path.read_text()):
            assert name in extras, f"{path.name} names the extra {name}"
