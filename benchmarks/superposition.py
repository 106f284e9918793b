"""What becomes of features that share directions, over many seeds; and what dictionaries find of them.

    python -m benchmarks.superposition                 # writes chapters/data/superposition.json
    python -m benchmarks.superposition --share 0.05    # a small part, printed and not kept

Three tables. ``rates``: 5 features in 2 directions, 200 seeds for each sparsity; which arrangement, the mean
error beside the exact worst one. ``dictionaries``: 20 features in 6 directions, 50 networks; sparse
autoencoders and sparse codes of 20 and 40 units, so that the encoder and the width are told apart.
``descent``: the least worst error that plain descent from many starts has found, tied and untied.
About ten minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from circuitkit import superposition as sp
from scripts.arguments import positive

RESULT = Path(__file__).parent.parent / "chapters" / "data" / "superposition.json"
SPARSITIES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
SEEDS = 200
TOYS = 50
FEATURES, DIRECTIONS = 20, 6
TOY = {"importance": 1.0, "steps": 2000, "batch": 32}
PENALTIES = (0.03, 0.1, 0.3)
METHODS = {"autoencoder": sp.autoencoder, "codes": sp.sparse_codes}
OTHERS = (0.8, 0.9)  # sparsities at which the best of each method is tried
DRAWS = 2000  # of the bootstrap
STARTS = 60  # of each descent


def rates(seeds: int = SEEDS) -> list[dict[str, Any]]:
    rows = []
    for sparsity in SPARSITIES:
        run = sp.train(sparsity=sparsity, seeds=seeds)
        worst = {k: sp.worst_error(run.matrices, k, bias=run.bias) for k in (1, 2)}
        rows.append(
            {
                "sparsity": sparsity,
                "seeds": seeds,
                "geometry": dict(Counter(sp.geometry(w) for w in run.weights).most_common()),
                "mean": float(np.median(run.mean_error)),
                "worst": {str(k): float(np.median(v)) for k, v in worst.items()},
                "best": {str(k): float(np.min(v)) for k, v in worst.items()},
            }
        )
        print(rows[-1], flush=True)
    return rows


def interval(top: np.ndarray, bottom: np.ndarray) -> list[float]:
    """A share over all networks and its 95 % interval, by drawing networks again."""
    picks = np.random.default_rng(0).integers(len(top), size=(DRAWS, len(top)))
    drawn = top[picks].sum(axis=1) / bottom[picks].sum(axis=1)
    return [float(top.sum() / bottom.sum()), *map(float, np.quantile(drawn, [0.025, 0.975]))]


def dictionaries(toys: int = TOYS) -> list[dict[str, Any]]:
    rows = []
    for sparsity in (0.95, *OTHERS):
        run = sp.train(FEATURES, DIRECTIONS, sparsity=sparsity, seeds=toys, **TOY)
        cases = [(m, u, p) for m in METHODS for u in (20, 40) for p in PENALTIES]
        if sparsity != 0.95:
            cases = [("autoencoder", 40, 0.3), ("codes", 20, 0.3)]
        for method, units, penalty in cases:
            begun = time.process_time()
            found = METHODS[method](run, units, penalty=penalty)
            judged = sp.judge(found, run)
            rows.append(
                {
                    "sparsity": sparsity,
                    "method": method,
                    "units": units,
                    "penalty": penalty,
                    "networks": toys,
                    "represented": float(judged.represented.mean()),
                    "recovered": interval(judged.recovered, judged.represented),
                    "alive": float(judged.alive.mean()),
                    "false": interval(judged.false, judged.alive),
                    "copies": float(judged.copies.sum() / judged.alive.sum()),
                    "perfect": int(judged.perfect.sum()),
                    "explained": float(1 - found.unexplained.mean()),
                    "active": float(found.active.mean()),
                    "seconds": round((time.process_time() - begun) / toys, 3),
                }
            )
            print(rows[-1], flush=True)
    return rows


def descent(n: int, m: int, active: int, *, tied: bool, starts: int) -> float:
    """The least worst error that sequential quadratic programming has found, from many starts.

    The error e is a variable, and each way to be off by more than e a smooth constraint: with a set Q of
    others at 1, output i is too large, alone or beside its own feature, too small at 1, or where its ReLU bends.
    """
    rng = np.random.default_rng(n * 100 + m * 10 + active)
    rows = []  # (output, own feature there or not, others at 1)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for own in (0, 1):
            for size in range(min(active - own, n - 1) + 1):
                for chosen in combinations(others, size):
                    row = np.zeros(n)
                    row[list(chosen)] = 1
                    rows.append((i, own, row))
    output = np.array([i for i, _, _ in rows])
    own = np.array([o for _, o, _ in rows], dtype=bool)
    others = np.array([r for _, _, r in rows])

    def split(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u = p[: m * n].reshape(m, n)
        v = u if tied else p[m * n : 2 * m * n].reshape(m, n)
        return u.T @ v, p[-n - 1 : -1]

    def room(p: np.ndarray) -> np.ndarray:
        matrix, bias = split(p)
        e, self_ = p[-1], np.diagonal(matrix)[output]
        value = (matrix[output] * others).sum(axis=1) + bias[output]
        return np.concatenate(
            [
                (e - value)[~own],
                (e - (self_ + value - 1))[own],
                (e - (1 - self_ - value))[own],
                (e * self_ + value)[own],
            ]
        )

    best = 1.0
    size = (m * n if tied else 2 * m * n) + n + 1
    for _ in range(starts):
        start = rng.normal(size=size) * 0.8
        start[-n - 1 : -1] *= 0.3
        start[-1] = 1.0
        found = minimize(
            lambda p: p[-1], start, jac=lambda p: np.eye(len(p))[-1], method="SLSQP",
            constraints={"type": "ineq", "fun": room}, options={"maxiter": 300, "ftol": 1e-10},
        )  # fmt: skip
        matrix, bias = split(found.x)
        best = min(best, float(sp.worst_error(matrix, active, bias=bias)))
    return best


def descents(starts: int = STARTS) -> list[dict[str, Any]]:
    cases = [(n, 2, 1, True) for n in (4, 5, 6, 7)] + [(n, 3, 1, True) for n in (6, 7)]
    cases += [(4, 2, 2, True), (5, 2, 2, True), (3, 2, 2, True), (5, 2, 1, False)]
    rows = []
    for n, m, active, tied in cases:
        found = descent(n, m, active, tied=tied, starts=starts)
        rows.append(
            {"features": n, "directions": m, "active": active, "tied": tied, "found": found}
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--share", type=positive(1), help="so much of it, and keep nothing")
    share = parser.parse_args().share
    part = share or 1.0
    told = {
        "rates": rates(max(2, round(part * SEEDS))),
        "dictionaries": dictionaries(max(2, round(part * TOYS))),
        "descent": descents(max(2, round(part * STARTS))),
    }
    if share is None:
        RESULT.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
