"""The compiled loop: against torch's operations, against itself written out, in any company."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numba
import numpy as np
import pytest
import torch

import circuitkit as ck
from circuitkit.training import compiled, compiled_loop, torch_loop, unrolled
from circuitkit.training.flat import n_parameters
from circuitkit.training.points import population
from circuitkit.training.task import OPTIONS, Task

SORT = "(min(x1, x2), max(x1, x2))"


def trainer(
    target: str,
    hidden: tuple[int, ...],
    n_seeds: int = 40,
    torch_loop_: bool = False,
    **arguments: Any,
) -> compiled_loop.Fused | torch_loop.Stepwise:
    f = ck.target(target)
    arguments = {"dtype": "float64", "steps": 1, **arguments}
    task = Task(f, hidden, np.arange(n_seeds), **arguments)
    n_points = len(population(f, bias=task.bias).x)
    return (torch_loop.Stepwise if torch_loop_ else compiled_loop.Fused)(task, n_points)


def trained(
    target: str, hidden: tuple[int, ...], rates: list[float], **arguments: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Parameters and losses before every step of 40 random networks."""
    f = ck.target(target)
    bias = arguments.get("bias", False)
    worker = trainer(target, hidden, **arguments)
    n = n_parameters((f.n_inputs, *hidden, f.n_outputs), bias=bias)
    start = np.random.default_rng(n).normal(size=(n, 40)) / 2
    filled = np.resize(start.T, (worker.lanes, n)).T
    chunk = worker.begin(filled, rates[0])
    points = worker.load([population(f, bias=bias)])
    with torch.inference_mode():
        losses = [worker.advance(chunk, points, [rate], [True]) for rate in rates]
    return worker.parameters(chunk)[:, :40], np.concatenate(losses)[:, :40]


@pytest.mark.parametrize("optimizer", list(compiled_loop.KINDS))
@pytest.mark.parametrize(
    ("target", "hidden", "bias"),
    [("min", (3, 2), False), ("abs", (2,), True), (SORT, (4, 3), True), ("min4", (6,), False)],
)
@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
def test_it_takes_the_steps_of_the_torch_engine(optimizer, target, hidden, bias, weight_decay):
    arguments = {
        "optimizer": optimizer,
        "options": dict(OPTIONS[optimizer]),
        "bias": bias,
        "weight_decay": weight_decay,
    }
    if optimizer == "momentum":
        arguments["options"]["nesterov"] = float(bias)
    rates = [0.03, 0.03, 0.02, 0.01, 0.01]
    ours, losses = trained(target, hidden, rates, **arguments)
    theirs, expected = trained(target, hidden, rates, torch_loop_=True, **arguments)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(losses, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("target", "hidden", "bias", "dtype"),
    [  # one to three layers, inputs and outputs; a second to compile, and more with each parameter
        ("abs", (2,), False, "float32"),
        ("min", (3,), True, "float64"),
        (SORT, (1, 3), False, "float64"),
        (SORT, (2, 2), True, "float32"),
        ("min(x1, x2, x3)", (2, 1, 2), True, "float32"),
    ],
)
def test_written_out_for_one_architecture_the_numbers_are_the_same_bits(
    target, hidden, bias, dtype
):
    arguments = {"bias": bias, "dtype": dtype}
    rates = [0.1] * 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unrolled, "LARGEST", 0)
        loops, losses = trained(target, hidden, rates, **arguments)
        patch.setattr(unrolled, "LARGEST", 1000)
        patch.setattr(unrolled, "seconds", lambda n: 0.0)
        lines, expected = trained(target, hidden, rates, **arguments)
    assert loops.tobytes() == lines.tobytes()
    assert losses.tobytes() == expected.tobytes()


def test_what_is_written_out_is_what_runs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unrolled, "seconds", lambda n: 0.0)
        written = trainer("min", (3,))._gradient
        many = trainer("min", (80,))._gradient
    assert written is compiled_loop.written_out((2, 3, 1), False, 48, np.dtype("float64"))
    assert many is compiled_loop.gradient_of_any(np.dtype("float64"))
    assert trainer("min", (3,))._gradient is many  # short work is not worth a compilation


@pytest.mark.parametrize(
    ("target", "hidden", "arguments"),
    [("abs", (2,), {}), ("min", (3, 2), {"optimizer": "adam", "steps": 60, "learning_rate": 0.01})],
)
def test_a_seed_is_the_same_alone_and_among_ten_thousand(target, hidden, arguments, monkeypatch):
    monkeypatch.setattr(
        unrolled, "seconds", lambda n: 0.02
    )  # ten thousand are worth it, one is not
    many = ck.train(target, hidden, seeds=10_000, **arguments)
    seeds = [0, 9_999, *np.random.default_rng(0).integers(10_000, size=10).tolist()]
    for seed in seeds:
        alone = ck.train(target, hidden, seeds=[seed], **arguments)
        for a, b in zip(
            (*alone.weights, alone.loss, alone.error, alone.history.T),
            (*many.weights, many.loss, many.error, many.history.T),
            strict=True,
        ):
            assert a[0].tobytes() == b[seed].tobytes()


def test_the_seeds_side_by_side_are_those_there_are_and_fit_the_cache():
    assert trainer("min", (3,), n_seeds=1).lanes == 16
    assert (
        trainer("min", (3,), n_seeds=1024, threads=2).lanes == 256
    )  # 512 a thread, too many at once
    assert trainer("min", (3,), n_seeds=100_000, threads=2).lanes == 16 * 432
    assert trainer("min", (200, 200), n_seeds=1024).lanes == 16 * 16
    assert trainer("min", (3,), n_seeds=1).block > trainer("min", (30, 30), n_seeds=1024).block >= 1


def test_without_a_folder_to_keep_machine_code_in_it_is_compiled_all_the_same(monkeypatch):
    compile_ = numba.njit

    def no_folder(*args, cache=False, **kwargs):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return compile_(*args, **kwargs)

    monkeypatch.setattr(numba, "njit", no_folder)
    number = numba.types.float64
    doubled = compiled.compiled(lambda x: 2 * x, number(number))
    assert doubled(4.0) == 8.0


def test_sums_over_many_points_keep_their_digits():
    """1024 points in float32: tiles of 64 lose less than one long sum would."""
    arguments = {"bias": True}
    coarse, _ = trained("min4", (6,), [0.1], dtype="float32", **arguments)
    fine, _ = trained("min4", (6,), [0.1], dtype="float64", **arguments)
    assert np.abs(coarse - fine).max() < 3e-7  # 6e-7 in one go


RUNS = """
import hashlib, circuitkit as ck
digest = hashlib.sha256()
for target, hidden, more in [("abs", 2, {}), ("min", (4, 3), {"optimizer": "adam", "bias": True})]:
    run = ck.train(target, hidden, seeds=40, steps=60, progress=False, **more)
    for array in (*run.weights, *run.biases, run.loss, run.history, run.error):
        digest.update(array.tobytes())
print(digest.hexdigest())
"""


def test_a_processor_without_wide_vectors_computes_the_same_to_the_bit(tmp_path):
    def told(**more: str) -> str:
        command = [sys.executable, "-c", RUNS]
        environment = {**os.environ, **more}
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout

    generic = told(NUMBA_CPU_NAME="generic", NUMBA_CACHE_DIR=str(tmp_path))
    assert told() == generic != ""
