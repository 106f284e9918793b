"""How often the minimum is learned, for every optimizer and every initialization.

Trains 2-3-1 networks on min(x1, x2) from the same 1,024 seeds for each pair (first-order
methods with a learning rate that falls to 0) and writes the success
rates with their 95 % intervals to ``chapters/data/minimum-grid.csv``, which the chapter
``experiments`` shows. Takes about ten minutes on two cores::

    python benchmarks/minimum_grid.py
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import circuitkit as ck

SEEDS = 1024
#: optimizer -> learning rate and number of steps that did well in a first try of two or three
OPTIMIZERS = {
    "sgd": (1.0, 5000),
    "momentum": (0.1, 5000),
    "adam": (0.02, 5000),
    "rmsprop": (0.01, 5000),
    "rprop": (0.01, 5000),
    "lbfgs": (0.1, 500),
    "lm": (0.1, 500),
}
INITS = ("torch", "he", "xavier", "orthogonal", "mirrored", "mirrored-dominant")
RESULT = Path(__file__).resolve().parents[1] / "chapters" / "data" / "minimum-grid.csv"


def main() -> None:
    rows = []
    for optimizer, (learning_rate, steps) in OPTIMIZERS.items():
        schedule = "constant" if optimizer in ("lbfgs", "lm") else "linear"
        for init in INITS:
            run = ck.train(
                "min",
                3,
                seeds=SEEDS,
                steps=steps,
                optimizer=optimizer,
                learning_rate=learning_rate,
                init=init,
                schedule=schedule,
                progress=False,
            )
            print(f"{optimizer:9} {init:16} {run.rate}", flush=True)
            rows.append(
                {
                    "optimizer": optimizer,
                    "learning_rate": learning_rate,
                    "init": init,
                    "schedule": schedule,
                    "seeds": SEEDS,
                    "steps": steps,
                    "solved": int(run.solved.sum()),
                    "rate": round(float(run.rate), 4),
                    "low": round(run.rate.low, 4),
                    "high": round(run.rate.high, 4),
                }
            )
    pd.DataFrame(rows).to_csv(RESULT, index=False)


if __name__ == "__main__":
    main()
