"""Training on a GPU: the same steps, the same verdicts, the same independence of the seeds.

Skipped where there is no CUDA device; ``python -m pytest tests/test_cuda.py`` runs it where there is one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import circuitkit as ck
from circuitkit.training.gpu_loop import UPDATES
from circuitkit.training.task import OPTIONS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

SORT = "(min(x1, x2), max(x1, x2))"
PROBLEMS: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("abs", (2,), {}),
    ("min", (3,), {"bias": True}),
    ("min", (3, 2), {}),
    ("min4", (6, 3), {}),
    (SORT, (4, 3, 5), {"bias": True}),
    ("min", (3, 2), {"data": "batches"}),
]


def weights(run: ck.TrainingRun, i: int) -> np.ndarray:
    return np.concatenate([a[i].ravel() for a in (*run.weights, *run.biases)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("target", "hidden", "more"), PROBLEMS)
@pytest.mark.parametrize("optimizer", sorted(UPDATES))
def test_a_network_on_the_gpu_is_the_processors_to_the_last_bit(
    optimizer, target, hidden, more, dtype
):
    if optimizer == "nesterov":
        more = {**more, "options": {"nesterov": 1}, "weight_decay": 0.01, "schedule": "cosine"}
        optimizer = "momentum"
    same = {"seeds": 256, "steps": 120, "optimizer": optimizer, "dtype": dtype, **more}
    ours, theirs = (ck.train(target, hidden, device=d, **same) for d in ("cuda", "cpu"))
    apart = [i for i in range(256) if not np.array_equal(weights(ours, i), weights(theirs, i))]
    assert apart == []
    np.testing.assert_array_equal(ours.history, theirs.history)


@pytest.mark.parametrize(("target", "hidden", "more"), PROBLEMS)
@pytest.mark.parametrize("optimizer", sorted(set(OPTIONS) - set(UPDATES)))
def test_the_gpu_takes_the_processors_steps(optimizer, target, hidden, more):
    """With curvature: in float64 for few steps, where rounding has no time to grow."""
    same = {"seeds": 64, "steps": 4, "optimizer": optimizer, "dtype": "float64", **more}
    ours, theirs = (ck.train(target, hidden, device=d, **same) for d in ("cuda", "cpu"))
    apart = [np.abs(weights(ours, i) - weights(theirs, i)).max() for i in range(64)]
    # An optimizer that decides by a comparison of two nearly equal losses may decide otherwise.
    assert np.quantile(apart, 0.9) < 1e-9


def test_a_wide_network_takes_the_processors_steps():
    """Beyond what registers hold, torch does the work."""
    same = {"seeds": 64, "steps": 4, "dtype": "float64"}
    ours, theirs = (ck.train("min4", (30, 10), device=d, **same) for d in ("cuda", "cpu"))
    for i in range(64):
        np.testing.assert_allclose(weights(ours, i), weights(theirs, i), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("target", "hidden", "more"), PROBLEMS)
@pytest.mark.parametrize("optimizer", ["adam", "lm", "lbfgs"])
def test_a_seed_on_the_gpu_is_the_same_alone_and_among_thousands(optimizer, target, hidden, more):
    same = {"steps": 20, "optimizer": optimizer, "device": "cuda", **more}
    many = ck.train(target, hidden, seeds=5000, **same)
    for seeds in ([4321], range(4300, 4400)):
        few = ck.train(target, hidden, seeds=seeds, **same)
        i = list(seeds).index(4321)
        assert weights(few, i).tobytes() == weights(many, 4321).tobytes()


def test_the_rates_are_the_processors():
    for target, hidden in (("abs", (2,)), ("min", (3,)), ("min", (3, 2))):
        ours, theirs = (ck.train(target, hidden, seeds=4096, device=d) for d in ("cuda", "cpu"))
        assert np.mean(ours.solved != theirs.solved) < 0.01
        assert ours.settings["device"] == "cuda"


def test_a_wide_seed_on_the_gpu_is_the_same_alone_and_among_thousands():
    same = {"steps": 20, "device": "cuda"}
    many = ck.train("min4", (30, 10), seeds=5000, **same)
    alone = ck.train("min4", (30, 10), seeds=[4321], **same)
    assert weights(alone, 0).tobytes() == weights(many, 4321).tobytes()


def test_networks_train_in_chunks_when_they_fill_the_device():
    run = ck.train("abs", (2,), seeds=300_000, steps=20, device="cuda")
    alone = ck.train("abs", (2,), seeds=[299_999], steps=20, device="cuda")
    assert weights(run, 299_999).tobytes() == weights(alone, 0).tobytes()


@pytest.mark.parametrize("device", ["cuda:99", "cuda:x"])
def test_a_device_that_is_not_there_is_named(device):
    with pytest.raises(ValueError, match="device: expected"):
        ck.train("abs", (2,), seeds=4, device=device)


def test_a_rescue_on_the_gpu_is_refused_or_done():
    """It runs on the processor: to ask for a device beside it would change nothing."""
    with pytest.raises(ValueError, match="device"):
        ck.train("abs", (2,), seeds=4, rescue="restart", device="cuda")
