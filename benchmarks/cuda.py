"""What a GPU gains: the steps of ``ck.train`` on the processor and on a CUDA device, in one run.

    python -m benchmarks.cuda            # prints the table, writes chapters/data/training-cuda.json

Gradient descent at 0.1 in float32, from the same initial weights to the final ones, with the history of
the losses: what ``ck.train`` does between drawing the weights and judging them, both of which are the
processor's in either case. On the processor all threads work, with the code written out for the
architecture. Each time is the best of some, taken in turns, by the clock; the first call of each, which
compiles, is not counted. ``same`` is the share of seeds whose final weights agree to the last bit.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import circuitkit as ck
from circuitkit.progress import News
from circuitkit.training import steps, unrolled
from circuitkit.training.points import population
from circuitkit.training.start import initial
from circuitkit.training.task import task_of
from scripts.arguments import whole_number

RESULT = Path(__file__).parent.parent / "chapters" / "data" / "training-cuda.json"
PROBLEMS: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]] = {
    "abs 1-2-1": ("abs", (2,), {}),
    "min 2-3-1": ("min", (3,), {}),
    "min 2-3-2-1": ("min", (3, 2), {}),
    "min 2-3-2-1, batches": ("min", (3, 2), {"data": "batches"}),
    "min 2-3-2-1, Levenberg-Marquardt": ("min", (3, 2), {"optimizer": "lm"}),
    "min of 4 4-6-3-1": ("min4", (6, 3), {}),
}
SEEDS = (1024, 16_384, 262_144)
#: point-steps above which a row is left out: minutes on the processor
LARGEST = 2e10
DEVICES = ("cpu", "cuda")


def row(name: str, seeds: int, n_steps: int, turns: int) -> dict[str, Any] | None:
    target, hidden, more = PROBLEMS[name]
    tasks = {
        device: task_of(
            **{
                "target": target, "hidden": hidden, "seeds": seeds, "steps": n_steps,
                "device": device, "threads": None, "rescue": None, "options": None, "domain": None, "optimizer": "sgd",
                **more,
            }
        )
        for device in DEVICES
    }  # fmt: skip
    task = tasks["cpu"]
    whole = population(task.target, bias=task.bias)
    n_points = len(whole.x) if task.data == "population" else task.batch_size
    curved = 20 if task.optimizer == "lm" else 1
    if curved * seeds * n_steps * n_points > LARGEST:
        return None
    start = initial(task.init, task.sizes, task.seeds.tolist(), bias=task.bias)
    seconds = dict.fromkeys(DEVICES, np.inf)
    reached = {}
    for turn in range(turns + 1):
        for device in DEVICES:
            loop = steps.trainer(tasks[device], n_points)
            began = time.perf_counter()
            reached[device] = steps.take_steps(tasks[device], loop, start, whole, News())
            if turn:
                seconds[device] = min(seconds[device], time.perf_counter() - began)
    ours, theirs = (
        np.concatenate([w.reshape(seeds, -1) for w in reached[d].weights], axis=1) for d in DEVICES
    )
    return {
        "problem": name,
        "seeds": seeds,
        "steps": n_steps,
        "seconds": {d: round(seconds[d], 4) for d in DEVICES},
        "gain": round(seconds["cpu"] / seconds["cuda"], 2),
        "same": float(np.mean((ours == theirs).all(axis=1))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=whole_number(1), nargs="+", default=SEEDS)
    parser.add_argument("--steps", type=whole_number(1), default=500)
    parser.add_argument("--turns", type=whole_number(1), default=3)
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("error: no CUDA device here")
    unrolled.seconds = lambda n: 0.0  # written out at any rate
    rows = []
    for name in options.problems:
        for seeds in options.seeds:
            found = row(name, seeds, options.steps, options.turns)
            if found is None:
                continue
            rows.append(found)
            print(json.dumps(found), flush=True)
            result = {
                "gpu": torch.cuda.get_device_name(),
                "threads": os.cpu_count(),
                "torch": torch.__version__,
                "circuitkit": ck.__version__,
                "rows": rows,
            }
            options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
