"""How fast many small networks train: the deck's loop, torch.func.vmap, JAX twice, and ``ck.train``.

    python benchmarks/training.py            # prints the table, writes chapters/data/training-speed.json

Three problems, 500 steps of gradient descent at 0.1 in float32, from the same initial weights. On the
population loss every contender gets the same points (two for |x|, 64 directions for the minimum), so
their final losses and verdicts are compared; on fresh batches each draws its own.

- deck: one ``nn.Sequential`` at a time, a fresh uniform batch of 1000 at every step, ``optim.SGD``
- vmap: ``torch.func.vmap`` over networks of the gradient of a functional loss
- jax natural: ``jit(vmap(...))`` of the loss as everybody writes it, the steps in a ``fori_loop``
- jax best: JAX with the seed axis last, elementwise, in chunks of 512 or all at once, the faster one
- ours: ``ck.train``, the whole call: initial weights, training, worst errors, history
- ours, loop: what JAX is timed for: from given initial weights to final weights, with the code written
  out for the architecture, which ``ck.train`` takes by itself for long trainings

Each trains as many networks at once as it needs for its full speed. Every time is the best of several
runs, taken in turns so that a busy machine hurts all alike, and given twice: by the clock, and by the
processor time of all threads. Compile time is counted apart.
JAX runs in an environment of its own, made at the first call in ``.cache/benchmarks`` from
``benchmarks/requirements.txt``; ``--jax PYTHON`` names another, ``--jax none`` leaves JAX out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch

import circuitkit as ck
from circuitkit.training import compiled_loop, start, unrolled
from circuitkit.training.compiled import flush_subnormals
from circuitkit.training.flat import from_chunks, to_chunks
from circuitkit.training.points import population
from circuitkit.training.task import Task
from scripts.arguments import positive, whole_number

HERE = Path(__file__).parent
RESULT = HERE.parent / "chapters" / "data" / "training-speed.json"
STEPS, RATE = 500, 0.1
PROBLEMS = {"abs 1-2-1": ("abs", (2,)), "min 2-3-1": ("min", (3,)), "min 2-3-2-1": ("min", (3, 2))}
#: how many networks each contender trains at once: enough for its full speed, few enough to wait for
NETWORKS = {
    ("deck", "batches"): 4,
    ("vmap", "batches"): 32,
    ("vmap", "population"): 256,
    ("jax natural", "batches"): 64,
    ("jax natural", "population"): 4096,
    ("jax best", "population"): 16_384,
    ("ours", "batches"): 2048,
    ("ours", "population"): 65_536,
    ("ours, loop", "population"): 65_536,
}
SAME = 1e-6  # two contenders agree on a seed when both or neither are below this loss

Weights = list[np.ndarray]


def initial(name: str, n: int) -> Weights:
    target, hidden = PROBLEMS[name]
    sizes = (ck.target(target).n_inputs, *hidden, 1)
    return start.initial("torch", sizes, range(n), bias=False)[0]


def population_loss(name: str, weights: Weights) -> np.ndarray:
    points = population(ck.target(PROBLEMS[name][0]), bias=False)
    h = np.broadcast_to(points.x.T, (len(weights[0]), *points.x.T.shape))
    for i, w in enumerate(weights):
        h = w.astype(float) @ (np.maximum(h, 0) if i else h)
    return ((h - points.y.T) ** 2).sum(axis=(1, 2))


# --- the contenders: each takes a problem, trains, and gives back final weights -----------------

TORCH_TARGETS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "abs": torch.abs,
    "min": lambda x: x.amin(dim=1, keepdim=True),
}


def deck(name: str, weights: Weights) -> Weights:
    """One network at a time, as the deck describes it."""
    target, hidden = PROBLEMS[name]
    f = TORCH_TARGETS[target]
    sizes = (weights[0].shape[2], *hidden, 1)
    final: list[list[np.ndarray]] = []
    for seed in range(len(weights[0])):
        layers: list[torch.nn.Module] = []
        for i, w in enumerate(weights):
            linear = torch.nn.Linear(sizes[i], sizes[i + 1], bias=False)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w[seed]))
            layers += [linear, torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
        for _ in range(STEPS):
            x = torch.rand(1000, sizes[0]) * 2 - 1
            loss = torch.nn.functional.mse_loss(model(x), f(x))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        final.append([p.detach().numpy() for p in model.parameters()])
    return [np.stack(layer) for layer in zip(*final, strict=True)]


def vmap(name: str, weights: Weights, *, batches: bool) -> Weights:
    target = ck.target(PROBLEMS[name][0])
    points = population(target, bias=False)
    f = TORCH_TARGETS[target.name]

    def loss(parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = x
        for i, w in enumerate(parameters):
            h = (torch.relu(h) if i else h) @ w.T
        return ((h - y) ** 2).sum()

    gradient = torch.func.vmap(torch.func.grad(loss), in_dims=(0, None, None))
    parameters = [torch.from_numpy(w.astype(np.float32)) for w in weights]
    x, y = (torch.from_numpy(a.astype(np.float32)) for a in (points.x, points.y))
    for _ in range(STEPS):
        if batches:
            x = torch.rand(1000, target.n_inputs) * 2 - 1
            y = f(x) / 1000**0.5
            x = x / 1000**0.5
        gradients = gradient(parameters, x, y)
        parameters = [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]
    return [p.numpy() for p in parameters]


def ours(name: str, weights: Weights, *, batches: bool) -> Weights:
    target, hidden = PROBLEMS[name]
    run = ck.train(
        target,
        hidden,
        seeds=len(weights[0]),  # the same initial weights, drawn within the time
        steps=STEPS,
        learning_rate=RATE,
        data="batches" if batches else "population",
        progress=False,
    )
    return list(run.weights)


def loop(name: str, weights: Weights) -> tuple[dict[str, float], Weights]:
    """From given weights to final ones, as JAX is timed; with its compile time."""
    target, hidden = PROBLEMS[name]
    f, threads = ck.target(target), os.cpu_count() or 1
    sizes = (f.n_inputs, *hidden, 1)
    points = population(f, bias=False)
    biases = [np.zeros(w.shape[:2]) for w in weights]

    def trainer() -> compiled_loop.Fused:
        task = Task(f, hidden, np.arange(len(weights[0])), steps=STEPS, threads=threads)
        return compiled_loop.Fused(task, len(points.x))

    def train(worker: compiled_loop.Fused) -> Weights:
        flat = to_chunks(weights, biases, worker.lanes, bias=False)
        chunks = [worker.begin(part, RATE) for part in flat]
        loaded = worker.load([points])
        rates, record = [RATE] * STEPS, [False] * STEPS
        with ThreadPoolExecutor(threads, initializer=flush_subnormals()) as pool:
            list(pool.map(lambda chunk: worker.advance(chunk, loaded, rates, record), chunks))
        final = [worker.parameters(chunk) for chunk in chunks]
        return from_chunks(final, len(weights[0]), sizes, bias=False)[0]

    usual = unrolled.seconds
    unrolled.seconds = lambda n: 0.0  # written out at any rate, and compiled anew
    compiled_loop.written_out.cache_clear()
    try:
        compiled, _, worker = timed(trainer)
        wall, cpu, final = timed(partial(train, worker))
    finally:
        unrolled.seconds = usual
    return {"seconds": wall, "cpu_seconds": cpu, "compile_seconds": compiled}, final


def timed(function: Callable[[], Any]) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def jax_run(python: str, how: str, name: str, weights: Weights) -> tuple[dict[str, Any], Weights]:
    target = ck.target(PROBLEMS[name][0])
    points = population(target, bias=False)
    with tempfile.TemporaryDirectory() as folder:
        problem, answer = Path(folder) / "problem.npz", Path(folder) / "answer.npz"
        arrays: dict[str, Any] = {f"w{i}": w for i, w in enumerate(weights)}
        settings = {"layers": len(weights), "steps": STEPS, "rate": RATE, "repeats": 2}
        np.savez(problem, x=points.x, y=points.y, target=target.name, **settings, **arrays)
        command = [python, str(HERE / "training_jax.py"), str(problem), how, str(answer)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        with np.load(answer) as final:
            return json.loads(out.splitlines()[-1]), [final[k] for k in final.files]


def jax_python(wanted: str | None) -> str | None:
    """An interpreter that has JAX; made if there is none."""
    if wanted == "none":
        return None
    if wanted:
        return wanted
    folder = HERE.parent / ".cache" / "benchmarks"
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making {folder} for JAX ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        requirements = str(HERE / "requirements.txt")
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", requirements], check=True)
    return str(python)


# --- the measurements -------------------------------------------------------------------------


def run_one(
    who: str, data: str, name: str, weights: Weights, python: str | None
) -> tuple[dict[str, float], Weights]:
    """The times of one contender, and its final weights."""
    batches = data == "batches"
    if who.startswith("jax"):
        assert python
        how = "best" if who == "jax best" else "batches" if batches else "natural"
        return jax_run(python, how, name, weights)
    if who == "ours, loop":
        return loop(name, weights)
    train: Callable[[], Weights] = {
        "deck": lambda: deck(name, weights),
        "vmap": lambda: vmap(name, weights, batches=batches),
        "ours": lambda: ours(name, weights, batches=batches),
    }[who]
    wall, cpu, final = timed(train)
    return {"seconds": wall, "cpu_seconds": cpu, "compile_seconds": 0.0}, final


def compare(python: str | None, rounds: int, scale: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in PROBLEMS:
        every = initial(name, max(NETWORKS.values()))
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for turn in range(rounds):
            for (who, data), full in NETWORKS.items():
                if who.startswith("jax") and python is None:
                    continue
                weights = [w[: max(2, int(full * scale))] for w in every]
                times, final = run_one(who, data, name, weights, python)
                row = found.setdefault(
                    (who, data),
                    {"problem": name, "contender": who, "data": data, "networks": len(weights[0])},
                )
                for key in ("seconds", "cpu_seconds", "compile_seconds"):
                    row[key] = min(times[key], row.get(key, np.inf))
                row["solved"] = population_loss(name, final) < SAME
                print(
                    f"  {turn + 1}/{rounds} {name} {who} {data}: {times['seconds']:.2f} s",
                    flush=True,
                )
        reference = found["ours", "population"]["solved"]
        for row in found.values():
            solved = row.pop("solved")
            row["same_verdicts"] = float((solved == reference[: len(solved)]).mean())
            row["solved"] = float(solved.mean())
            row["networks_per_second"] = row["networks"] / row["seconds"]
            row["networks_per_cpu_second"] = row["networks"] / row["cpu_seconds"]
        for row in found.values():
            # The deck's loop is compared with what replaces it, the population loss.
            data = "population" if row["contender"] == "deck" else row["data"]
            for label, mine in (("call", "ours"), ("loop", "ours, loop")):
                if (mine, data) in found:
                    for unit in ("second", "cpu_second"):
                        key = f"networks_per_{unit}"
                        row[f"{label}_is_faster_by_{unit}"] = found[mine, data][key] / row[key]
        rows += found.values()
    return rows


def operations(name: str, points: int | None = None) -> int:
    """Multiplications and additions of one step of one network, at least; on the population loss."""
    target, hidden = PROBLEMS[name]
    t = ck.target(target)
    points = points or len(population(t, bias=False).x)
    sizes = (t.n_inputs, *hidden, 1)
    weights = [o * i for i, o in pairwise(sizes)]
    # A product and a sum for each weight: forward, for the weight's gradient, and, but for the first
    # layer, on the way back.
    return points * 2 * (2 * sum(weights) + sum(weights[1:]))


def peak() -> float:
    """Multiplications and additions a second that a large matrix product reaches, all threads."""
    a = torch.rand(1536, 1536)
    torch.set_num_threads(os.cpu_count() or 1)
    best = min(timed(lambda: [torch.mm(a, a).numpy()])[0] for _ in range(12))
    return 2 * 1536**3 / best


SCALE = """
import json, sys, time, circuitkit as ck

def memory(what):
    status = open("/proc/self/status").read()
    return int(status.split(what)[1].split()[0]) / 1024

def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")

name, hidden, counts = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
ck.train(name, hidden, seeds=64, steps=5)
for n in counts:
    forget_peak()
    before = memory("VmRSS:")
    best = None
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        ck.train(name, hidden, seeds=n, progress=False)
        times = time.perf_counter() - wall, time.process_time() - cpu
        best = min(best or times, times)
    print(json.dumps({"networks": n, "seconds": best[0], "cpu_seconds": best[1], "megabytes":
        memory("VmHWM:") - before}), flush=True)
"""


def scaling() -> list[dict[str, Any]]:
    """The cost of more seeds, best of three, and the memory they take at most (on Linux)."""
    rows: list[dict[str, Any]] = []
    for name, (target, hidden) in PROBLEMS.items():
        counts = [1_000, 10_000, 100_000]
        command = [sys.executable, "-c", SCALE, target, json.dumps(hidden), json.dumps(counts)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for line in out.splitlines():
            rows.append({"problem": name, **json.loads(line)})
            print(f"  {name} {rows[-1]['networks']}: {rows[-1]['seconds']:.2f} s", flush=True)
    return rows


def neighbor() -> dict[str, float]:
    """Our speed alone, and beside as many busy processes as there are processors."""

    def rate() -> float:
        return max(
            len(many[0]) / timed(lambda: ours("min 2-3-1", many, batches=False))[0]
            for _ in range(3)
        )

    many = initial("min 2-3-1", 32_768)
    alone = rate()
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        beside = rate()
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return {"alone": alone, "beside": beside, "busy_processes": len(busy), "share": beside / alone}


def machine() -> dict[str, Any]:
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((v.split(":")[1].strip() for v in lines if v.startswith("model name")), "")
    return {
        "processor": model or platform.processor(),
        "processors": os.cpu_count(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": numba.__version__,
        "load_before": os.getloadavg()[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Time ck.train against what people would use.")
    parser.add_argument("--jax", help="an interpreter with JAX, or 'none'")
    parser.add_argument(
        "--rounds", type=whole_number(1), default=3, help="runs of each, the best counts"
    )
    parser.add_argument(
        "--scale", type=positive(1), default=1.0, help="share of the networks: 1/4, 1/2, 1"
    )
    arguments = parser.parse_args()
    python = jax_python(arguments.jax)
    # For arrays this small one thread is torch's best: with more, every operation waits for the
    # slowest of them. ``ck.train`` shares seeds, not operations, among its threads.
    torch.set_num_threads(1)
    result: dict[str, Any] = {
        "machine": machine(),
        "steps": STEPS,
        "rate": RATE,
        "rounds": arguments.rounds,
        "scale": arguments.scale,
    }
    began = time.perf_counter()
    result["rows"] = compare(python, arguments.rounds, arguments.scale)
    result["scaling"] = scaling()
    result["neighbor"] = neighbor()
    most = peak()
    result["peak"] = {"matrix_product_per_second": most}
    for row in result["rows"]:
        if row["contender"] in ("ours, loop", "jax best"):
            row["share_of_peak"] = (
                row["networks_per_second"] * STEPS * operations(row["problem"]) / most
            )
    result["summary"] = summary(result)
    result["machine"]["load_after"] = os.getloadavg()[0]
    result["seconds"] = time.perf_counter() - began
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    report(result)


def summary(result: dict[str, Any]) -> dict[str, str]:
    """The figures that the book's prose reads, two digits each; over the three problems from and to."""

    def digits(value: float) -> str:
        return f"{float(f'{value:.2g}'):,g}"

    def of(who: str, data: str, column: str) -> list[float]:
        rows = [r for r in result["rows"] if (r["contender"], r["data"]) == (who, data)]
        return [r[column] for r in rows]

    most = result["peak"]["matrix_product_per_second"]
    ratios = {
        "deck": of("deck", "batches", "call_is_faster_by_second"),
        "natural": of("jax natural", "population", "loop_is_faster_by_second"),
        "best": of("jax best", "population", "loop_is_faster_by_second"),
        "peak": [100 * share for share in of("ours, loop", "population", "share_of_peak")],
    }
    seconds = {(r["problem"], r["networks"]): r["seconds"] for r in result["scaling"]}
    compiled = {
        who: max(of(who, "population", "compile_seconds"), default=float("nan"))
        for who in ("ours, loop", "jax best")
    }
    return {
        **{f"{name}_from": digits(min(values)) for name, values in ratios.items() if values},
        **{f"{name}_to": digits(max(values)) for name, values in ratios.items() if values},
        "compile": f"{compiled['ours, loop']:.1f}",
        "compile_jax": f"{compiled['jax best']:.1f}",
        "step": digits(1e6 / STEPS / of("deck", "batches", "networks_per_second")[1]),
        "arithmetic": digits(1e6 * operations("min 2-3-1", 1000) / most),
        "tenfold": f"{max(seconds[p, 100_000] / seconds[p, 10_000] for p in PROBLEMS):.1f}",
        "megabytes": f"{max(r['megabytes'] for r in result['scaling']):.0f}",
        "beside": f"{result['neighbor']['share']:.0%}",
        "neighbors": str(result["neighbor"]["busy_processes"]),
        "steps": str(STEPS),
        "rounds": str(result["rounds"]),
    }


def report(result: dict[str, Any]) -> None:
    print(f"\n{'problem':13}{'contender':13}{'data':12}{'networks/s':>12}{'/cpu s':>12}", end="")
    print(f"{'call, times':>13}{'(cpu)':>9}{'loop, times':>13}{'(cpu)':>9}", end="")
    print(f"{'compile s':>11}{'same':>7}{'of peak':>9}")
    for r in result["rows"]:
        ratios = [
            f"{r[key]:{width},.2f}" if key in r else " " * width
            for label in ("call", "loop")
            for key, width in (
                (f"{label}_is_faster_by_second", 13),
                (f"{label}_is_faster_by_cpu_second", 9),
            )
        ]
        share = f"{r['share_of_peak']:9.1%}" if "share_of_peak" in r else ""
        print(
            f"{r['problem']:13}{r['contender']:13}{r['data']:12}{r['networks_per_second']:12,.1f}"
            f"{r['networks_per_cpu_second']:12,.1f}{''.join(ratios)}{r['compile_seconds']:11.2f}"
            f"{r['same_verdicts']:7.1%}{share}"
        )
    print()
    for r in result["scaling"]:
        print(
            f"{r['problem']} {r['networks']:>7,} networks {r['seconds']:8.2f} s "
            f"{r['networks'] / r['seconds']:10,.0f}/s {r['megabytes']:8.0f} MB"
        )
    n = result["neighbor"]
    print(
        f"beside {n['busy_processes']} busy processes: {n['beside']:,.0f} instead of "
        f"{n['alone']:,.0f} networks/s ({n['share']:.0%})"
    )


if __name__ == "__main__":
    main()
