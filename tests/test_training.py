"""Many seeds at once: the gradients, the optimizers, the seeds' independence, the verdict."""

from __future__ import annotations

import math
import os
import pickle
import re
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from queue import Queue
from threading import Event, Thread
from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

import circuitkit as ck
from circuitkit.progress import Bar, News
from circuitkit.training import (
    arguments,
    compiled,
    compiled_loop,
    first_order,
    plain,
    steps,
    task,
    torch_gradient,
    torch_loop,
    train,
)
from circuitkit.training.flat import layers, n_parameters
from circuitkit.training.points import batches, population
from circuitkit.training.run import Rate
from circuitkit.training.start import initial
from circuitkit.training.task import OPTIONS

CPU = torch.device("cpu")
SORT = "(min(x1, x2), max(x1, x2))"
NETWORKS = [
    ("abs", (2,), False),
    ("abs", (3, 2), True),
    ("min", (3,), False),
    ("min", (3, 2), True),
    ("min4", (6, 3), False),
    (SORT, (4,), False),
    (SORT, (4, 3, 5), True),
]


def bits(run: ck.TrainingRun, seed: int) -> bytes:
    """A seed's final weights as bytes; not through a Network, which refuses diverged ones."""
    i = run.seeds.tolist().index(seed)
    return b"".join(a[i].tobytes() for a in (*run.weights, *run.biases))


def engine_for(
    target: str, hidden: tuple[int, ...], bias: bool, s: int = 8
) -> torch_gradient.Engine:
    t = ck.target(target)
    sizes = (t.n_inputs, *hidden, t.n_outputs)
    points = population(t, bias=bias)
    engine = torch_gradient.Engine(
        sizes,
        len(points.x),
        s,
        bias=bias,
        unit=points.unit,
        dtype=torch.float64,
        device=CPU,
    )
    engine.load(*torch_gradient.as_tensors(points, dtype=torch.float64, device=CPU))
    shape = (n_parameters(sizes, bias=bias), s)
    engine.theta.copy_(torch.as_tensor(np.random.default_rng(s).normal(size=shape)))
    return engine


def residuals(flat: torch.Tensor, target: str, hidden: tuple[int, ...], bias: bool) -> torch.Tensor:
    """The weighted residuals of one seed, by torch's own layers, (n_points * n_outputs,)."""
    t = ck.target(target)
    sizes = (t.n_inputs, *hidden, t.n_outputs)
    points = population(t, bias=bias)
    h = torch.as_tensor(points.x)
    for i, layer in enumerate(layers(flat.unsqueeze(1), sizes, bias=bias)):
        w = layer[:, : sizes[i], 0]
        h = torch.nn.functional.linear(h.relu() if i else h, w)
        h = h + layer[:, -1, 0] * points.unit if bias else h
    return (h - torch.as_tensor(points.y)).ravel()


# --- the engine -------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "hidden", "bias"), NETWORKS)
def test_loss_and_gradient_agree_with_autograd(target, hidden, bias):
    engine = engine_for(target, hidden, bias)
    gradient, loss = engine.run().clone(), engine.loss()
    flat = engine.theta.clone().requires_grad_()
    n_outputs = ck.target(target).n_outputs
    expected = torch.stack(
        [(residuals(flat[:, s], target, hidden, bias) ** 2).sum() for s in range(flat.shape[1])]
    )
    expected = expected / n_outputs
    expected.sum().backward()
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(gradient, flat.grad)


@pytest.mark.parametrize(("target", "hidden", "bias"), NETWORKS)
def test_normal_equations_agree_with_autograd(target, hidden, bias):
    engine = engine_for(target, hidden, bias, s=2)
    matrix, vector = engine.normal_equations()
    n_outputs = ck.target(target).n_outputs
    for s in range(2):
        flat = engine.theta[:, s].clone()
        j = torch.autograd.functional.jacobian(
            lambda f: residuals(f, target, hidden, bias), flat, vectorize=True
        )
        r = residuals(flat, target, hidden, bias)
        torch.testing.assert_close(matrix[..., s], j.T @ j / n_outputs)
        torch.testing.assert_close(vector[:, s], j.T @ r / n_outputs)


def test_points_are_taken_in_tiles_that_divide_them():
    for n in (2, 64, 128, 997, 1000, 1024):
        assert n % torch_gradient.tile(n, CPU) == 0
    assert torch_gradient.tile(1000, CPU) == 250


# --- the population ---------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.sampled_from(["abs", "x**2", "sin(3*x)"])
)
def test_the_loss_of_one_input_is_the_integral(weights, target):
    points = population(ck.target(target), bias=False)
    net = ck.Network([[[weights[0]], [weights[1]]], [[weights[2], weights[3]]]])
    f = ck.target(target)
    ours = ((net(points.x) - points.y) ** 2).sum() + points.floor
    halves = [
        integrate.quad(lambda x: float(net(x)[0] - f(x)[0]) ** 2 / 2, *ends)[0]
        for ends in ((-1, 0), (0, 1))
    ]
    assert ours == pytest.approx(sum(halves), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("target", ["min", "add", "max(x1, 2*x2)", "x1*x2", "x1**2 + min(x2, 1/2)"])
@pytest.mark.parametrize("bias", [False, True])
def test_the_loss_of_two_inputs_is_the_integral_within_a_percent(target, bias):
    f = ck.target(target)
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (400_000, 2))
    points = population(f, bias=bias)
    for _ in range(3):
        net = ck.Network([rng.normal(size=(3, 2)), rng.normal(size=(1, 3))])
        ours = ((net(points.x) - points.y) ** 2).sum() + points.floor
        assert ours == pytest.approx(((net(x) - f(x)) ** 2).mean(), rel=0.015)


def test_batches_are_one_stream_that_no_seed_shares():
    first, second = (next(batches(ck.target("min"))) for _ in range(2))
    u = np.random.Generator(np.random.Philox(key=2**64)).random((1000, 2))
    np.testing.assert_array_equal(first.x, (2 * u - 1) * first.unit)
    np.testing.assert_array_equal(first.x, second.x)


# --- initial weights --------------------------------------------------------------------------


def test_initial_weights_are_the_documented_stream():
    u = np.random.Generator(np.random.Philox(key=7)).random(13)
    run = ck.train("min", (3,), seeds=[3, 7], steps=0, bias=True, dtype="float64")
    net = run.network(7)
    np.testing.assert_array_equal(net.weights[0], (2 * u[:6].reshape(3, 2) - 1) / np.sqrt(2))
    np.testing.assert_array_equal(net.biases[0], (2 * u[6:9] - 1) / np.sqrt(2))
    np.testing.assert_array_equal(net.weights[1], (2 * u[9:12].reshape(1, 3) - 1) / np.sqrt(3))
    np.testing.assert_array_equal(net.biases[1], (2 * u[12:] - 1) / np.sqrt(3))
    assert run.initial_network(7) == net


def test_torchs_initialization_has_the_distribution_of_nn_linear():
    torch.manual_seed(0)
    theirs = torch.cat([torch.nn.Linear(3, 5).weight.detach().ravel() for _ in range(400)])
    (ours, _), _ = initial("torch", (3, 5, 1), range(400), bias=False)
    assert stats.ks_2samp(ours.ravel(), theirs.numpy()).pvalue > 0.01


def test_each_initialization_has_its_property():
    def layers(init):
        return initial(init, (3, 4, 4, 2), range(50), bias=True)

    for init, bound in [("he", np.sqrt(6 / 3)), ("xavier", np.sqrt(6 / 7))]:
        (first, *_), biases = layers(init)
        assert 0.9 * bound < np.abs(first).max() <= bound
        assert not any(b.any() for b in biases)
    w, _ = layers("orthogonal")
    gram = np.einsum("soi,sji->soj", w[1], w[1])
    np.testing.assert_allclose(gram, np.broadcast_to(2 * np.eye(4), gram.shape), atol=1e-12)
    w, b = layers("zero-bias")
    np.testing.assert_array_equal(w[0], layers("torch")[0][0])
    assert not any(a.any() for a in b)
    w, b = layers("mirrored")
    np.testing.assert_array_equal(w[1][:, 1::2], -w[1][:, 0::2])
    np.testing.assert_array_equal(b[0][:, 1::2], -b[0][:, 0::2])
    w, _ = layers("hidden-dominant")
    for into, out in pairwise(w):
        ratio = np.linalg.norm(out, axis=1) / np.linalg.norm(into, axis=2)
        assert ratio.max() <= 0.5 + 1e-12


def test_hidden_dominant_seeds_with_opposite_signs_always_find_the_identity():
    run = ck.train("identity", (2,), seeds=400, steps=3000, init="hidden-dominant")
    start = [run.initial_network(s).weights[0].ravel() for s in run.seeds]
    opposite = np.array([w[0] * w[1] < 0 for w in start])
    np.testing.assert_array_equal(run.solved, opposite)


# --- the optimizers ---------------------------------------------------------------------------

TORCH = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "rmsprop": (torch.optim.RMSprop, {}),
    "rprop": (torch.optim.Rprop, {}),
}


@pytest.mark.parametrize(
    ("name", "weight_decay"),
    # torch's Rprop has no weight decay
    [(name, w) for name in TORCH for w in (0.0, 0.03) if not (w and name == "rprop")],
)
def test_first_order_optimizers_take_the_steps_of_torch(name, weight_decay):
    run = ck.train(
        "min",
        (3, 2),
        seeds=[5, 11],
        steps=40,
        optimizer=name,
        learning_rate=0.02,
        weight_decay=weight_decay,
        bias=True,
        dtype="float64",
    )
    optimizer, arguments = TORCH[name]
    if name != "rprop":
        arguments = {**arguments, "weight_decay": weight_decay}
    start = run.initial_network(11)
    parts = [
        np.concatenate([w, b[:, None]], axis=1).ravel()
        for w, b in zip(start.weights, start.biases, strict=True)
    ]
    flat = torch.tensor(np.concatenate(parts), requires_grad=True)
    theirs = optimizer([flat], lr=0.02, **arguments)
    for _ in range(40):
        theirs.zero_grad()
        (residuals(flat, "min", (3, 2), True) ** 2).sum().backward()
        theirs.step()
    end = run.network(11)
    ours = [
        np.concatenate([w, b[:, None]], axis=1).ravel()
        for w, b in zip(end.weights, end.biases, strict=True)
    ]
    np.testing.assert_allclose(np.concatenate(ours), flat.detach().numpy(), rtol=1e-9, atol=1e-11)


def test_nesterov_momentum_takes_the_steps_of_torch():
    theta = torch.ones(3, 1, dtype=torch.float64)
    theirs_theta = theta.clone().requires_grad_()
    ours = first_order.Optimizer("momentum", {"momentum": 0.8, "nesterov": 1.0}, 0.0)
    theirs = torch.optim.SGD([theirs_theta], lr=0.1, momentum=0.8, nesterov=True)
    for _ in range(5):
        ours.update(theta, theta.clone() ** 3, 0.1)
        theirs_theta.grad = theirs_theta.detach().clone() ** 3
        theirs.step()
    torch.testing.assert_close(theta, theirs_theta.detach())


@pytest.mark.parametrize("optimizer", ["lbfgs", "lm"])
def test_second_order_optimizers_reach_a_zero_of_the_gradient(optimizer):
    run = ck.train("min", (3,), seeds=64, steps=150, optimizer=optimizer, dtype="float64")
    assert run.solved.mean() > 0.3
    assert run.loss[run.solved].max() < 1e-20  # quadratically, far below what 1e-3 asks for
    assert (np.diff(run.history, axis=0) <= 1e-12).all()  # and never uphill


def test_every_optimizer_learns_the_absolute_value_for_some_seeds():
    for name in OPTIONS:
        steps = {"lbfgs": 60, "lm": 40}.get(name, 800)
        rate = 0.1 if name in ("sgd", "momentum", "lm", "lbfgs") else 0.01
        run = ck.train(
            "abs",
            (2,),
            seeds=64,
            steps=steps,
            optimizer=name,
            learning_rate=rate,
            schedule="constant" if name in ("lbfgs", "lm") else "cosine",
        )
        assert 0.2 < run.rate < 0.7, name


def test_weight_decay_keeps_weights_small():
    kept, decayed = (
        ck.train("min", (5,), seeds=32, steps=1500, weight_decay=w).weights[0] for w in (0, 0.01)
    )
    assert np.linalg.norm(decayed) < np.linalg.norm(kept)


def test_a_schedule_may_be_a_name_or_a_function():
    named = ck.train("abs", (2,), seeds=4, steps=50, schedule="linear")
    given_ = ck.train("abs", (2,), seeds=4, steps=50, schedule=lambda progress: 1 - progress)
    constant = ck.train("abs", (2,), seeds=4, steps=50)
    assert bits(named, 2) == bits(given_, 2) != bits(constant, 2)


#: one half, as functions of several libraries give it
HALVES = [0.5, np.float32(0.5), np.array(0.5), torch.tensor(0.5), Fraction(1, 2)]


@pytest.mark.parametrize("schedule", ["linear", "cosine", "step", "warmup", lambda progress: 0.5])
@pytest.mark.parametrize("optimizer", ["lbfgs", "lm"])
def test_a_schedule_that_would_do_nothing_is_refused(optimizer, schedule):
    with pytest.raises(ValueError, match=f"^schedule: with optimizer='{optimizer}'.*'constant' or"):
        ck.train("abs", 2, seeds=2, steps=2, optimizer=optimizer, schedule=schedule)


@pytest.mark.parametrize(
    ("given_", "error", "got"),
    [
        ("a", TypeError, "'a' at 0"),
        ("0.5", TypeError, "'0.5' at 0"),
        (None, TypeError, "None at 0"),
        (True, TypeError, "True at 0"),
        (np.ones(3), TypeError, "array([1., 1., 1.]) at 0"),
        (math.nan, ValueError, "nan at 0"),
        (math.inf, ValueError, "inf at 0"),
        (10**400, ValueError, "about 1e+400 at 0"),
        (-1, ValueError, "-1 at 0"),
    ],
)
def test_what_a_schedule_gives_is_looked_at(given_, error, got):
    expected = (
        f"schedule: expected a function from [0, 1) to a finite number, 0 or above, got {got}"
    )
    with pytest.raises(error, match=f"^{re.escape(expected)}$"):
        ck.train("abs", 2, seeds=2, steps=2, schedule=lambda progress: given_)


def test_a_schedule_takes_the_share_of_the_steps():
    with pytest.raises(TypeError, match=r"^schedule: expected a function from \[0, 1\)"):
        ck.train("abs", 2, seeds=2, steps=2, schedule=lambda: 1.0)
    half = [ck.train("abs", 2, seeds=2, steps=9, schedule=lambda progress, h=h: h) for h in HALVES]
    assert len({bits(run, 1) for run in half}) == 1


def test_a_batch_size_without_batches_is_refused():
    with pytest.raises(ValueError, match=r"^batch_size: with data='population'.*left out, got 5$"):
        ck.train("abs", 2, seeds=2, steps=2, batch_size=5)
    assert ck.train("abs", 2, seeds=2, steps=2, batch_size=5, data="batches").steps == 2


# --- the trainer that one can read ------------------------------------------------------------


@pytest.mark.parametrize("fast", ["compiled loop", "torch loop"])
@pytest.mark.parametrize(("target", "hidden", "bias"), NETWORKS)
def test_the_fast_loops_take_the_steps_of_the_plain_trainer(fast, target, hidden, bias):
    seeds, rate = [5, 11, 3], 0.05
    f = ck.target(target)
    whole = population(f, bias=bias)
    plan = task.Task(
        f, hidden, np.array(seeds), steps=40, learning_rate=rate, bias=bias, dtype="float64"
    )
    kind = compiled_loop.Fused if fast == "compiled loop" else torch_loop.Stepwise
    reached = steps.take_steps(
        plan,
        kind(plan, len(whole.x)),
        initial("torch", plan.sizes, seeds, bias=bias),
        whole,
        News(),
    )
    for i, seed in enumerate(seeds):
        net, losses = plain.train_one(
            target, hidden, seed=seed, steps=40, learning_rate=rate, bias=bias
        )
        for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            np.testing.assert_allclose(reached.weights[layer][i], w, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(reached.biases[layer][i], b, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(reached.history[:-1, i] + whole.floor, losses, rtol=1e-6)


def test_a_processor_trains_and_judges_without_torch():
    code = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'torch':\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "import circuitkit as ck\n"
        "run = ck.train('abs', (2,), seeds=20, steps=50, optimizer='adam')\n"
        "assert len(run.outcomes) == 20 and 'torch' not in sys.modules\n"
        "try:\n"
        "    ck.train('abs', (2,), seeds=2, optimizer='lm')\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "comes with the extra 'torch'" in done.stdout


def test_a_thread_of_the_loop_takes_the_smallest_numbers_for_zero():
    tiny, results = np.array([1e-30], np.float32), []

    def work():
        results.append((tiny * np.float32(1e-10))[0])
        compiled.flush_subnormals()()
        results.append((tiny * np.float32(1e-10))[0])

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert results[0] > 0
    assert results[1] == 0
    assert (tiny * np.float32(1e-10))[0] > 0  # and no other thread does


def test_a_processor_that_is_not_known_keeps_its_smallest_numbers(monkeypatch):
    monkeypatch.setattr(compiled.platform, "machine", lambda: "riscv64")
    compiled.flush_subnormals.__wrapped__()()
    assert (np.array([1e-30], np.float32) * np.float32(1e-10))[0] > 0


def test_what_numba_finds_no_folder_for_is_compiled_all_the_same():
    names: dict[str, Any] = {}
    exec("def double(x):\n    for i in range(len(x)):\n        x[i] *= 2", names)  # in no file
    x = np.array([1.0, -3.0])
    compiled.compiled(names["double"], numba.types.void(numba.float64[::1]))(x)
    assert x.tolist() == [2.0, -6.0]


# --- a seed is the same in any company --------------------------------------------------------

COMPANY = [
    ("abs", (2,), {}),
    ("min", (3,), {"optimizer": "adam", "learning_rate": 0.01}),
    ("min", (3, 2), {"bias": True, "steps": 30}),
    ("min", (3,), {"data": "batches", "steps": 20}),
    ("min", (3,), {"optimizer": "lm", "steps": 15}),
    ("min", (3,), {"optimizer": "lbfgs", "steps": 15, "dtype": "float64"}),
]


@pytest.mark.parametrize(("target", "hidden", "arguments"), COMPANY)
def test_a_seed_is_the_same_alone_and_among_thousands(target, hidden, arguments):
    arguments = {"steps": 100, **arguments}
    run = ck.train(target, hidden, seeds=2500, **arguments)
    rng = np.random.default_rng(len(target))
    for seed in (0, 2499, int(rng.integers(2500))):
        alone = ck.train(target, hidden, seeds=[seed], **arguments)
        assert bits(alone, seed) == bits(run, seed)
        assert alone.loss[0] == run.loss[seed]
        assert alone.error[0] == run.error[seed]
        np.testing.assert_array_equal(alone.history[:, 0], run.history[:, seed])
    shuffled = [int(s) for s in rng.permutation(2500)[:700]]
    other = ck.train(target, hidden, seeds=shuffled, threads=1, **arguments)
    assert all(bits(other, s) == bits(run, s) for s in shuffled)


def test_a_seed_is_the_same_beside_neighbors_that_diverge():
    arguments = {"steps": 200, "learning_rate": 5.0}
    run = ck.train("abs", (2,), seeds=300, **arguments)
    assert 0 < run.diverged.sum() < 300
    well = [int(s) for s in run.seeds[~run.diverged]]
    for seed in well[:3]:
        assert bits(ck.train("abs", (2,), seeds=[seed], **arguments), seed) == bits(run, seed)
    alone = ck.train("abs", (2,), seeds=well, **arguments)
    assert all(bits(alone, s) == bits(run, s) for s in well)


def test_a_seed_is_the_same_in_another_process():
    code = (
        "import circuitkit as ck, sys\n"
        "run = ck.train('min', (3, 2), seeds=[41, 5, 7], steps=60)\n"
        "sys.stdout.write(b''.join(w[1].tobytes() for w in run.weights).hex())\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "2", "PATH": ""},
    ).stdout
    run = ck.train("min", (3, 2), seeds=20, steps=60)
    assert out == b"".join(w[5].tobytes() for w in run.weights).hex()


# --- the run ----------------------------------------------------------------------------------


def test_rates_are_those_of_the_decks_recipe():
    """Shares measured once with torch's own layers, 1024 seeds each; see the experiments chapter."""
    for target, known in [("identity", 0.469), ("abs", 0.322), ("add", 0.612), ("subtract", 0.568)]:
        run = ck.train(target, (2,))
        margin = 3 * np.sqrt(2 * known * (1 - known) / 1024)
        assert abs(run.rate - known) < margin, target


def test_batches_and_population_solve_about_the_same_seeds():
    fresh = ck.train("abs", (2,), seeds=256, steps=400, data="batches")
    exact = ck.train("abs", (2,), seeds=256, steps=400)
    assert (fresh.solved == exact.solved).mean() > 0.95


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_interval_is_wilsons(count, extra):
    n = count + extra
    rate = Rate(count, n)
    interval = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
    assert (rate.low, rate.high) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert rate == count / n
    assert pickle.loads(pickle.dumps(rate)).high == rate.high


def test_a_run_says_what_happened():
    run = ck.train("abs", (2,), seeds=[3, 1, 2**63 - 1], steps=30)
    text = repr(run)
    assert text.startswith(f"{run.solved.sum()} of 3 seeds solved abs (1-2-1): ")
    assert "30 steps of sgd at 0.1 from torch weights, population" in text
    assert repr(Rate(473, 1024)) == "0.462 [0.432, 0.493] of 1024 seeds"
    assert run.seeds.tolist() == [3, 1, 2**63 - 1]
    assert run._repr_html_().startswith("<pre>")
    assert pickle.loads(pickle.dumps(run)).loss.tolist() == run.loss.tolist()


def test_loss_and_history_belong_together():
    run = ck.train("min", (3,), seeds=50, steps=1000)
    assert run.history.shape == (len(run.history_steps), 50) == (101, 50)
    assert run.history_steps[[0, 1, -1]].tolist() == [0, 10, 1000]
    np.testing.assert_allclose(run.history[-1], run.loss, rtol=1e-6)
    start = ck.train("min", (3,), seeds=50, steps=0)
    np.testing.assert_allclose(run.history[0], start.loss, rtol=1e-5)


def test_history_of_ten_thousand_steps_stays_sparse():
    run = ck.train("abs", (2,), seeds=2, steps=10_000)
    assert len(run.history) == 101
    assert run.history.dtype == np.float32  # 10,000 seeds take 4 MB


def test_solved_is_the_verdict_over_all_inputs_not_the_loss():
    run = ck.train("min", (2,), seeds=200, steps=2000, bias=True)
    assert not run.solved.any()  # two units fit the square at best, and are wrong outside
    np.testing.assert_array_equal(run.solved, run.error <= 1e-3)


def test_diverged_seeds_are_reported():
    run = ck.train("abs", (2,), seeds=30, steps=100, learning_rate=1e6)
    assert run.diverged.all()
    assert not run.solved.any()
    assert (run.loss == np.inf).all()
    assert set(run.outcomes) == {"diverged"}
    assert "30 diverged" in repr(run)
    with pytest.raises(ValueError, match="seed: 3 diverged, its weights are not finite"):
        run.network(3)


def test_a_seed_that_is_not_in_the_run_is_named():
    run = ck.train("abs", (2,), seeds=3, steps=1)
    for ask in (run.network, run.initial_network):
        with pytest.raises(
            ValueError, match=r"^seed: expected one of this run's 3 seeds \(0 to 2\)"
        ):
            ask(3)
        with pytest.raises(TypeError, match=r"^seed: expected a whole number, got '0'"):
            ask("0")


@pytest.mark.parametrize("counts", [(5, 3), (-1, 3), (1, -3)])
def test_a_rate_of_impossible_counts_is_refused_by_name(counts):
    with pytest.raises(ValueError, match="^(count|n): expected a whole number"):
        ck.Rate(*counts)


@pytest.fixture
def press_ctrl_c(monkeypatch):
    """A function that makes Ctrl-C fall where the bar hears something for the ``n``-th time.

    No signal is sent: how the process was started, and how busy the machine is, make no difference.
    """

    def press(method: str, wanted: Any, n: int = 1) -> None:
        original, left = getattr(Bar, method), iter(range(n, -1_000_000, -1))

        def pressed(self, given):
            original(self, given)
            if wanted(given) and next(left) == 1:
                raise KeyboardInterrupt

        monkeypatch.setattr(Bar, method, pressed)

    return press


def within_ten_minutes(work):
    """The result of ``work``, which has a time limit of its own: a hang is a failure, not a wait.

    Where it runs does not matter: the keyboard is heard by the thread that has called for the work.
    """
    results: Queue[Any] = Queue()

    def run():
        try:
            results.put((work(), None))
        except BaseException as error:
            results.put((None, error))

    Thread(target=run, daemon=True).start()
    result, error = results.get(timeout=600)
    if error is not None:
        raise error
    return result


def test_ctrl_c_returns_what_is_done(press_ctrl_c):
    press_ctrl_c("update", lambda steps: True, n=3)
    run = within_ten_minutes(lambda: ck.train("min", (3,), seeds=600, steps=100_000))
    assert run.interrupted
    assert 0 < run.steps < 100_000
    assert f"interrupted after {run.steps} of 100000 steps" in repr(run)
    again = ck.train("min", (3,), seeds=[17], steps=run.steps)
    assert bits(again, 17) == bits(run, 17)  # every seed has taken the same steps
    assert run.history_steps[-1] == run.steps


@pytest.mark.parametrize("phase", ["setting up", "compiling", "training"])
def test_ctrl_c_before_the_first_step_returns_the_start(press_ctrl_c, phase):
    press_ctrl_c("say", lambda doing: doing.startswith(phase))
    run = within_ten_minutes(lambda: ck.train("abs", (2,), seeds=50, steps=10_000_000))
    assert run.interrupted
    if phase != "training":  # which may have begun before the keyboard is heard
        assert run.steps == 0
        assert run.network(7) == ck.train("abs", (2,), seeds=50, steps=0).network(7)
    assert np.isfinite(run.error).all()


def test_ctrl_c_in_the_verdicts_keeps_the_finished_training(press_ctrl_c):
    press_ctrl_c("say", lambda doing: doing == "judging")
    run = within_ten_minutes(lambda: ck.train("abs", (2,), seeds=300, steps=400))
    whole = ck.train("abs", (2,), seeds=300, steps=400)
    assert run.steps == 400
    np.testing.assert_array_equal(run.error, whole.error)
    np.testing.assert_array_equal(run.weights[0], whole.weights[0])


def test_a_second_ctrl_c_does_not_wait(press_ctrl_c, monkeypatch):
    press_ctrl_c("update", lambda steps: True)
    judged = Event()
    monkeypatch.setattr(train, "worst_errors", lambda *_: judged.wait(60))
    press_ctrl_c("say", lambda doing: doing == "judging")
    try:
        with pytest.raises(KeyboardInterrupt):
            within_ten_minutes(lambda: ck.train("abs", (2,), seeds=5, steps=1_000_000))
    finally:
        judged.set()


def test_an_error_in_the_work_reaches_the_caller():
    def schedule(progress):
        if progress > 0.5:
            raise ZeroDivisionError("from the schedule")
        return 1.0

    with pytest.raises(ZeroDivisionError, match="from the schedule"):
        ck.train("abs", (2,), seeds=5, steps=100, schedule=schedule)


def test_the_first_compilation_is_announced(capfd):
    ck.train("abs", (2,), seeds=2, steps=300, progress=True)
    assert "compiling the training loop, once on this machine" in capfd.readouterr().err


def test_a_bar_is_shown_when_asked_for_and_not_on_a_short_run(capfd):
    ck.train("abs", (2,), seeds=2, steps=10)
    assert capfd.readouterr().err == ""
    ck.train("abs", (2,), seeds=2, steps=300, progress=True)
    assert "600" in capfd.readouterr().err


def test_training_leaves_torchs_threads_as_they_were():
    before = torch.get_num_threads()
    ck.train("abs", (2,), seeds=2, steps=1)
    assert torch.get_num_threads() == before


def test_several_outputs_three_inputs_and_constants_train():
    run = ck.train(SORT, (4,), seeds=8, steps=200)
    assert run.network(3).layer_sizes == (2, 4, 2)
    assert ck.train("min(x1, abs(x2), x3)", (5, 4), seeds=2, steps=3).layer_sizes == (3, 5, 4, 1)
    clamp = ck.train(
        "clamp(x, -1/2, 1/2)", 4, seeds=64, steps=3000, bias=True, optimizer="momentum"
    )
    assert np.median(clamp.loss) < 1e-2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"hidden": ()}, ValueError, "hidden: expected layer widths such as (3, 2), got none"),
        ({"hidden": (3, 0)}, ValueError, "hidden[1]: expected a whole number, 1 or above, got 0"),
        ({"hidden": (2.5,)}, TypeError, "hidden[0]: expected a whole number, 1 or above, got 2.5"),
        ({"hidden": "32"}, TypeError, "hidden: expected layer widths such as (3, 2), got '32'"),
        ({"seeds": 0}, ValueError, "seeds: expected a count from 1, or distinct"),
        ({"seeds": 2.0}, TypeError, "from 0 to 2**63 - 1, got 2.0"),
        ({"seeds": True}, TypeError, "seeds: expected a count from 1, or distinct whole numbers"),
        ({"seeds": [1, 2, 1]}, ValueError, "got 1 more than once"),
        (
            {"seeds": [-1]},
            ValueError,
            "seeds[0]: expected a whole number from 0 to 2**63 - 1, got -1",
        ),
        ({"seeds": [2**63]}, ValueError, f"got {2**63}"),
        (
            {"seeds": [0.5]},
            TypeError,
            "seeds[0]: expected a whole number from 0 to 2**63 - 1, got 0.5",
        ),
        ({"seeds": []}, ValueError, "got none"),
        ({"steps": -1}, ValueError, "steps: expected a whole number from 0 to 1000000000, got -1"),
        (
            {"optimizer": "sdg"},
            ValueError,
            "optimizer: expected 'sgd', 'momentum', 'adam', 'adamw'",
        ),
        ({"learning_rate": 0}, ValueError, "learning_rate: expected a number above 0, got 0"),
        (
            {"learning_rate": "0.1"},
            TypeError,
            "learning_rate: expected a number above 0, got '0.1'",
        ),
        (
            {"learning_rate": float("nan")},
            ValueError,
            "learning_rate: expected a number above 0, got nan",
        ),
        (
            {"learning_rate": 10**400},
            ValueError,
            "learning_rate: expected a number above 0, within the range of a double, got about 1e+400",
        ),
        ({"target": "log(x)"}, ValueError, "target: expected a function with a finite value every"),
        ({"progress": "yes"}, TypeError, "progress: expected True or False, got 'yes'"),
        ({"init": "kaiming"}, ValueError, "init: expected 'torch', 'he', 'xavier'"),
        (
            {"data": "batch"},
            ValueError,
            "data: expected 'population' or 'batches', got 'batch'",
        ),
        ({"rescue": "wait"}, ValueError, "rescue: expected None, 'restart' or 'redraw', got"),
        ({"bias": 1}, TypeError, "bias: expected True or False, got 1"),
        (
            {"schedule": "cos"},
            ValueError,
            "schedule: expected 'constant', 'linear', 'cosine'",
        ),
        ({"weight_decay": -1}, ValueError, "weight_decay: expected a number, 0 or above, got -1"),
        ({"options": {"beta": 1}}, ValueError, "options: 'sgd' takes no options, got 'beta'"),
        ({"dtype": "float16"}, ValueError, "dtype: expected 'float32' or 'float64', got 'float16'"),
        ({"device": "tpu"}, ValueError, "device: expected 'cpu' or 'cuda', got 'tpu'"),
        (
            {"batch_size": 0},
            ValueError,
            "batch_size: expected a whole number from 1 to 2^28, got 0",
        ),
        ({"threads": 0}, ValueError, "threads: expected a whole number, 1 or above, got 0"),
        ({"target": "mim"}, ValueError, "target: unknown name 'mim'; did you mean 'min'"),
    ],
)
def test_errors_name_the_argument(arguments, error, message):
    arguments = {"target": "abs", "hidden": (2,), "seeds": 2, "steps": 1, **arguments}
    with pytest.raises(error) as caught:
        ck.train(arguments.pop("target"), arguments.pop("hidden"), **arguments)
    assert message in str(caught.value)


def test_a_missing_cuda_device_is_a_clear_error():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(ValueError, match="device: expected 'cpu' \\(no CUDA device here\\)"):
        ck.train("abs", (2,), device="cuda")


def test_of_two_gpus_there_is_no_third_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    taken = [arguments.DEVICE.take("device", v) for v in ("cuda", "cuda:1", torch.device("cuda:0"))]
    assert taken == ["cuda", "cuda:1", "cuda:0"]
    for missing in ("cuda:2", torch.device("cuda:7")):
        with pytest.raises(
            ValueError, match=r"^device: expected 'cpu' or 'cuda:0' to 'cuda:1', got"
        ):
            arguments.DEVICE.take("device", missing)
    for other in (torch.device("meta"), "cpu:x"):
        with pytest.raises(ValueError, match=r"^device: expected 'cpu' or 'cuda', got"):
            arguments.DEVICE.take("device", other)


@pytest.mark.parametrize("problem", [AttributeError, OSError, ValueError])
def test_a_machine_that_does_not_tell_its_memory_is_taken_to_have_a_tebibyte(monkeypatch, problem):
    def sysconf(name):
        raise problem(name)

    assert arguments.memory() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    monkeypatch.setattr(arguments.os, "sysconf", sysconf)
    assert arguments.memory() == 2**40


def test_training_and_its_judge_never_see_the_circuits():
    code = (
        "import sys, types\n"
        "package = types.ModuleType('circuitkit'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['circuitkit'] = package\n"
        "import circuitkit.training.train, circuitkit.training.outcomes\n"
        "assert not {'circuitkit.circuits', 'circuitkit.proof.prove'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, ck.__path__[0]], check=True)


@pytest.mark.parametrize("count", [2**50, 2**63, 10**30])
def test_more_seeds_than_memory_holds_are_refused_by_name(count):
    with pytest.raises(ValueError, match=r"^seeds: expected a count from 1"):
        ck.train("abs", 2, seeds=count, steps=1)


def test_networks_beyond_the_memory_are_refused_before_anything_is_allocated(monkeypatch):
    monkeypatch.setattr(arguments, "memory", lambda: 2**33)
    for hidden, more in ((10**9, {}), (10**5, {"optimizer": "lm"})):
        with pytest.raises(
            ValueError, match=r"^hidden: .* fit into the 8 GiB .*need at least .* GiB"
        ):
            ck.train("identity", hidden, seeds=2, steps=5, **more)
    with pytest.raises(
        ValueError, match=r"^seeds: .*got 1000000: 1,?000,?000 networks of 2000 param"
    ):
        ck.train("identity", 1000, seeds=10**6, steps=5)
    with pytest.raises(ValueError, match=r"^seeds: .*more than the memory of this machine holds"):
        ck.train("identity", 1, seeds=2**30, steps=5)


@pytest.mark.parametrize("hidden", [3821, 10**9, (50, 50)])
def test_a_search_whose_single_step_would_take_minutes_is_refused(hidden):
    told = r"^hidden: expected a network of at most 2,000 weights and biases, .*, which has "
    with pytest.raises(ValueError, match=told):
        ck.learn("identity", hidden)
    with pytest.raises(ValueError, match=told):
        ck.train("identity", hidden, seeds=2, rescue="redraw")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("learning_rate", {"learning_rate": 1e39}),
        ("learning_rate", {"learning_rate": 1e-60}),
        ("weight_decay", {"weight_decay": 1e300}),
        ("options['eps']", {"optimizer": "adam", "options": {"eps": 1e-60}}),
        ("schedule", {"schedule": lambda share: 1e200}),
    ],
)
def test_what_the_dtype_does_not_hold_is_refused(name, arguments):
    with pytest.raises(
        ValueError, match=rf"^{re.escape(name)}: expected .* range of .*float32"
    ) as caught:
        ck.train("abs", (2,), seeds=2, steps=2, **arguments)
    assert "got 1e" in str(caught.value)


@pytest.mark.filterwarnings("error")
def test_doubles_hold_what_float32_does_not():
    run = ck.train("abs", (2,), seeds=2, steps=3, learning_rate=1e39, dtype="float64")
    assert run.diverged.all()
