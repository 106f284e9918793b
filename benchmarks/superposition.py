"""What becomes of features that share directions, over many seeds; and what dictionaries find of them.

    python -m benchmarks.superposition                 # writes chapters/data/superposition.json
    python -m benchmarks.superposition --share 0.05    # a small part, printed and not kept

Three tables. ``rates``: 5 features in 2 directions, 200 seeds for each sparsity; which arrangement, the mean
error beside the exact worst one. ``dictionaries``: 20 features in 6 directions, 50 networks; sparse
autoencoders and sparse codes of 20 and 40 units, so that the encoder and the width are told apart.
``descent``: the least worst error that plain descent from many starts has found, tied and untied.
About four minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from circuitkit import superposition as sp

RESULT = Path(__file__).parent.parent / "chapters" / "data" / "superposition.json"
SPARSITIES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
SEEDS = 200
TOYS = 50
FEATURES, DIRECTIONS = 20, 6
TOY = {"importance": 1.0, "steps": 2000, "batch": 32}
PENALTIES = (0.03, 0.1, 0.3)
METHODS = {"autoencoder": sp.autoencoder, "codes": sp.sparse_codes}
SPARSER = (0.8, 0.9, 0.98)
DRAWS = 2000  # of the bootstrap


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
    for sparsity in (0.95, *SPARSER):
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


def descent(
    n: int, m: int, active: int, *, tied: bool, starts: int = 120, steps: int = 6000
) -> float:
    """The least worst error that descent along a shrinking random step has found."""
    rng = np.random.default_rng(n * 100 + m * 10 + active)

    def errors(p: tuple[np.ndarray, ...]) -> np.ndarray:
        u, v, b = p
        matrix = np.einsum("smi,smj->sij", u, u if tied else v)
        return sp.worst_error(matrix, active, bias=b)

    shapes = ((starts, m, n), (starts, m, n), (starts, n))
    best = tuple(
        rng.normal(size=shape) * scale for shape, scale in zip(shapes, (0.8, 0.8, 0.2), strict=True)
    )
    value = errors(best)
    size = np.full(starts, 0.3)
    for _ in range(steps):
        tried = tuple(
            p + rng.normal(size=p.shape) * size.reshape(-1, *[1] * (p.ndim - 1)) for p in best
        )
        new = errors(tried)
        better = new < value
        value = np.where(better, new, value)
        best = tuple(
            np.where(better.reshape(-1, *[1] * (p.ndim - 1)), t, p)
            for p, t in zip(best, tried, strict=True)
        )
        size = np.clip(np.where(better, size * 1.3, size * 0.97), 1e-6, 0.5)
    return float(value.min())


def descents(steps: int = 6000) -> list[dict[str, Any]]:
    cases = [(n, 2, 1, True) for n in (4, 5, 6, 7)] + [(n, 3, 1, True) for n in (6, 7)]
    cases += [(4, 2, 2, True), (5, 2, 2, True), (3, 2, 2, True), (5, 2, 1, False)]
    rows = []
    for n, m, active, tied in cases:
        found = descent(n, m, active, tied=tied, steps=steps)
        rows.append(
            {"features": n, "directions": m, "active": active, "tied": tied, "found": found}
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--share", type=float, help="so much of it, and keep nothing")
    share = parser.parse_args().share
    part = share or 1.0
    told = {
        "rates": rates(max(2, round(part * SEEDS))),
        "dictionaries": dictionaries(max(2, round(part * TOYS))),
        "descent": descents(max(100, round(part * 6000))),
    }
    if share is None:
        RESULT.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
