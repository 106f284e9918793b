"""The program that a GPU is given, run here line by line: what it computes is the compiled loop's.

``tests/test_cuda.py`` runs it on a GPU, where there is one.
"""

from __future__ import annotations

import inspect
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import circuitkit as ck
from circuitkit.progress import News
from circuitkit.training import compiled_loop, gpu_loop, steps
from circuitkit.training.points import population
from circuitkit.training.start import initial
from circuitkit.training.task import Task, task_of

#: a program, made anew each time
program = gpu_loop.program.__wrapped__
SEEDS = 40  # the last group of 32 is filled up


class Pointer:
    """A place in an array, as Triton sees it; ``+`` goes on by so many numbers."""

    def __init__(self, array: np.ndarray, at: Any = 0) -> None:
        self.array, self.at = array.reshape(-1), at

    def __add__(self, by: Any) -> Pointer:
        return Pointer(self.array, self.at + by)


class Lanes(np.ndarray):
    """Numbers of 32 seeds; as in Triton, ``+=`` makes new ones."""

    def __iadd__(self, more: Any) -> Any:
        return self + more


def language(group: int) -> SimpleNamespace:
    """The words of Triton that the program uses, for one group of seeds, in numpy."""

    def store(place: Pointer, value: np.ndarray) -> None:
        place.array[place.at] = value

    return SimpleNamespace(
        constexpr=int, float32=np.float32, float64=np.float64,
        program_id=lambda axis: group, arange=np.arange, zeros=lambda n, dtype: np.zeros(n, dtype).view(Lanes),
        load=lambda place: place.array[place.at], store=store,
        where=np.where, minimum=np.minimum, maximum=np.maximum,
        div_rn=np.divide, fdiv=np.divide, sqrt_rn=np.sqrt, sqrt=np.sqrt,
    )  # fmt: skip


def interpreted(sizes: Any, bias: bool, kind: str, decay: bool, dtype: str) -> Any:
    """In place of what Triton makes of :func:`gpu_loop.program`."""
    advance = program(sizes, bias, kind, decay, dtype)

    class Program:
        def __getitem__(self, grid: tuple[int]) -> Any:
            def launch(*given: Any, SIDE: int, **options: Any) -> None:
                assert options == {"num_warps": 1, "enable_fp_fusion": False}
                arrays = [Pointer(a.numpy()) if torch.is_tensor(a) else a for a in given]
                for group in range(grid[0]):
                    advance.__globals__["tl"] = language(group)
                    advance(*arrays, SIDE)

            return launch

    return Program()


@pytest.fixture
def triton(monkeypatch) -> SimpleNamespace:
    """Triton as far as a program is handed to it: what it is told is kept, and Python runs the program."""
    told = SimpleNamespace(options=[])

    def jit(**options: Any) -> Any:
        told.options.append(options)
        return lambda function: function

    monkeypatch.setitem(sys.modules, "triton", SimpleNamespace(jit=jit))
    monkeypatch.setitem(sys.modules, "triton.language", language(0))
    return told


def reached(loop: Any, task: Task) -> steps.Reached:
    whole = population(task.target, bias=task.bias)
    start = initial("torch", task.sizes, task.seeds.tolist(), bias=task.bias)
    n_points = len(whole.x) if task.data == "population" else task.batch_size
    trainer = loop(task, n_points)
    trainer.block = 3  # the optimizer remembers from one call to the next
    return steps.take_steps(task, trainer, start, whole, News())


CASES: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    *(("abs", (2,), {"optimizer": o}) for o in compiled_loop.KINDS),
    *(
        ("min", (3, 2), {"optimizer": o, "dtype": "float64", "bias": True})
        for o in compiled_loop.KINDS
    ),
    ("min", (3,), {"optimizer": "momentum", "options": {"nesterov": 1}, "weight_decay": 0.01}),
    ("min", (3,), {"optimizer": "adamw", "weight_decay": 0.01, "schedule": "cosine"}),
    ("(min(x1, x2), max(x1, x2))", (4, 3), {"data": "batches", "batch_size": 70, "bias": True}),
]


@pytest.mark.parametrize(("target", "hidden", "more"), CASES)
def test_the_gpus_program_takes_the_compiled_loops_steps_to_the_last_bit(
    monkeypatch, triton, target, hidden, more
):
    monkeypatch.setattr(gpu_loop, "program", interpreted)
    given = {"optimizer": "sgd", "options": None, "domain": None, "threads": 1, **more}
    task = task_of(target=ck.target(target), hidden=hidden, seeds=SEEDS, steps=7, **given)
    ours, theirs = (reached(loop, task) for loop in (gpu_loop.Written, compiled_loop.Fused))
    for a, b in zip((*ours.weights, *ours.biases), (*theirs.weights, *theirs.biases), strict=True):
        assert a.tobytes() == b.tobytes()
    np.testing.assert_array_equal(ours.history[:-1], theirs.history[:-1])


def test_triton_finds_the_text_of_a_program_and_compiles_it_once_for_all_counts(triton):
    asked = {"bias": True, "kind": "adam", "decay": False, "dtype": "float32"}
    advance = program((2, 3, 1), *asked.values())
    assert inspect.getsource(advance).rstrip("\n") == gpu_loop.source((2, 3, 1), **asked)
    (options,) = triton.options
    counts = set(options.pop("do_not_specialize"))
    assert counts == {p for p in inspect.signature(advance).parameters if p.startswith("n_")}
    assert not options


def test_a_program_is_written_where_registers_hold_the_parameters(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "triton")
    asked = {"seeds": np.arange(3), "device": "cuda"}
    min_, min4 = ck.target("min"), ck.target("min4")
    assert Task(min_, (3, 2), **asked).written_for_gpu
    assert not Task(min4, (30, 10), **asked).written_for_gpu
    assert not Task(min_, (3, 2), optimizer="lm", **asked).written_for_gpu
    assert not Task(min_, (3, 2), seeds=np.arange(3)).written_for_gpu
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not Task(min_, (3, 2), **asked).written_for_gpu
