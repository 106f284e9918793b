"""How small are the circuits that ``ck.extract`` cuts out, beside other ways to choose what to keep?

    python -m benchmarks.extraction              as in the book (about a quarter of an hour)
    python -m benchmarks.extraction --share 0.2  a fifth of the networks
    python -m benchmarks.extraction --seed 1     other networks

All ways are held to one standard: the circuit is *proved* to be within the tolerance of the network, at every input of its
box. So what is compared is how many units and edges are left at an equal certified error.

- **magnitude**: units leave in the order of norm(weights in) * norm(weights out);
- **attribution**: in the order of the mean of |gradient * activation| over the box, by captum's
  LayerGradientXActivation where captum is installed (``pip install captum``; the file says whether), else computed here;
- **ACDC-like**: from the outputs down, each edge is cut if the mean change of the output stays below a threshold; of
  twelve thresholds the smallest circuit that is proved is taken.

Magnitude and attribution remove units until the prover refuses. Each is tried with nothing (zero) and with the mean
activation in the place of what is removed, and counts what is left. The networks are trained by scikit-learn, not
by this book. The results go into ``chapters/data/extraction.json``; times are processor seconds.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from sklearn.neural_network import MLPRegressor

import circuitkit as ck
from scripts.arguments import positive, whole_number

RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "extraction.json"

#: how far a circuit may be from its network
TOLERANCE = 0.02
#: function, its box, hidden layers
CASES = [
    (function, box, hidden)
    for hidden in ((16,), (32,), (64,))
    for function, box in (
        ("abs(x)", [(-1, 1)]),
        ("clamp(x, 0, 1)", [(-1, 2)]),
        ("hat(x)", [(-2, 2)]),
        ("max(0, x - 1/2) - max(0, -x - 1/2)", [(-2, 2)]),
        ("min(x1, x2)", [(-1, 1)] * 2),
        ("max(0, x1 - x2)", [(-1, 1)] * 2),
        ("abs(x1 - x2)", [(0, 1)] * 2),
        ("abs(x1) + abs(x2)", [(-1, 1)] * 2),
    )
] + [("max(x1, x2, x3)", [(-1, 1)] * 3, hidden) for hidden in ((5, 3), (10, 6))]
SOLVERS = ("lbfgs", "adam")
TIME_LIMIT = 30.0

Box = list[tuple[float, float]]


def trained(function: str, box: Box, hidden: tuple[int, ...], solver: str, seed: int) -> ck.Network:
    """The better of two scikit-learn networks, by its largest error on what it was trained on."""
    target = ck.target(function)
    rng = np.random.default_rng(seed)
    low, high = np.array(box, dtype=float).T
    x = low + (high - low) * rng.random((2000, len(box)))
    y = target(x)[:, 0]
    found = []
    for start in range(2):
        rows = MLPRegressor(
            hidden_layer_sizes=hidden, solver=solver, random_state=1000 * seed + start, alpha=1e-6,
            max_iter=3000 if solver == "lbfgs" else 500, tol=1e-9, learning_rate_init=0.01,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows.fit(x, y)
        net = ck.Network.from_sklearn(rows)
        found.append((float(np.abs(net(x)[:, 0] - y).max()), start, net))
    return min(found)[2]


# --- circuits by other rules ------------------------------------------------------------------------------


class Masked:
    """A network with edges cut and units replaced, written here once more and independently."""

    def __init__(self, net: ck.Network, box: Box, fill: str) -> None:
        self.net, self.box = net, box
        rng = np.random.default_rng(4)
        low, high = np.array(box, dtype=float).T
        self.x = low + (high - low) * rng.random((1000, len(box)))
        self.means = [
            h.mean(axis=0) if fill == "mean" else 0 * h[0] for h in net.activations(self.x)
        ]
        self.proofs = 0

    def network(self, edges: list[np.ndarray]) -> ck.Network:
        """The network with these edges: what a missing one carried is replaced by its mean."""
        weights, biases = [], []
        for i, (w, b) in enumerate(zip(self.net.weights, self.net.biases, strict=True)):
            weights.append(w * edges[i])
            biases.append(b if i == 0 else b + (w * ~edges[i]) @ self.means[i - 1])
        return ck.Network(weights, biases)

    def every(self) -> list[np.ndarray]:
        return [w != 0 for w in self.net.weights]

    def without(self, gone: list[tuple[int, int]]) -> list[np.ndarray]:
        """The edges that are left when units are gone."""
        edges = self.every()
        for layer, unit in gone:
            edges[layer][unit] = False
            edges[layer + 1][:, unit] = False
        return edges

    def holds(self, edges: list[np.ndarray]) -> bool:
        """Whether the prover says so; samples may say no before."""
        smaller = self.network(edges)
        if np.abs(smaller(self.x) - self.net(self.x)).max() > TOLERANCE:
            return False
        self.proofs += 1
        try:
            proof = ck.prove(
                smaller, self.net, tolerance=TOLERANCE, domain=self.box, measure="absolute",
                time_limit=TIME_LIMIT,
            )  # fmt: skip
        except ck.Undecided:
            return False
        return bool(proof)

    def size(self, edges: list[np.ndarray]) -> tuple[int, int]:
        """Units that inputs reach and that reach outputs, and the edges among them and the ends."""
        left = [e.copy() for e in edges]
        while True:
            before = sum(int(e.sum()) for e in left)
            for i in range(len(left) - 1):
                used = left[i].any(axis=1) & left[i + 1].any(axis=0)
                left[i][~used] = False
                left[i + 1][:, ~used] = False
            if sum(int(e.sum()) for e in left) == before:
                break
        return sum(int(e.any(axis=1).sum()) for e in left[:-1]), before


def in_order(masked: Masked, order: list[tuple[int, int]]) -> tuple[int, int]:
    """Remove units in this order until the prover refuses."""
    gone: list[tuple[int, int]] = []
    for unit in order:
        if not masked.holds(masked.without([*gone, unit])):
            break
        gone.append(unit)
    return masked.size(masked.without(gone))


def by_magnitude(net: ck.Network) -> list[tuple[int, int]]:
    scores = {
        (i, k): np.linalg.norm(net.weights[i][k]) * np.linalg.norm(net.weights[i + 1][:, k])
        for i in range(len(net.weights) - 1)
        for k in range(len(net.weights[i]))
    }
    return sorted(scores, key=lambda unit: scores[unit])


def by_attribution(net: ck.Network, x: np.ndarray) -> tuple[list[tuple[int, int]], str]:
    """Units by the mean of |gradient * activation|, and whose code computed it."""
    try:
        import torch
        from captum.attr import LayerGradientXActivation
    except ImportError:
        return _own_attribution(net, x), "this file"
    module = net.to_torch()
    scores = {}
    for i in range(len(net.weights) - 1):
        attribution = LayerGradientXActivation(module, module[2 * i + 1])
        found = attribution.attribute(torch.tensor(x), target=0).detach().abs().mean(dim=0)
        scores.update({(i, k): float(v) for k, v in enumerate(found.tolist())})
    return sorted(scores, key=lambda unit: scores[unit]), "captum"


def _own_attribution(net: ck.Network, x: np.ndarray) -> list[tuple[int, int]]:
    z = net.preactivations(x)
    gradient = np.repeat(net.weights[-1][:1], len(x), axis=0)
    scores = {}
    for i in range(len(z) - 1, -1, -1):
        found = np.abs(gradient * np.maximum(z[i], 0)).mean(axis=0)
        scores.update({(i, k): float(v) for k, v in enumerate(found)})
        gradient = (gradient * (z[i] > 0)) @ net.weights[i]
    return sorted(scores, key=lambda unit: scores[unit])


def acdc(masked: Masked) -> tuple[int, int]:
    """Edges from the outputs down, each cut if the output changes by less than a threshold on average."""
    best = masked.size(masked.every())
    wanted = masked.net(masked.x)
    for threshold in np.geomspace(TOLERANCE / 1000, TOLERANCE / 4, 12):
        edges = masked.every()
        change = 0.0
        for i in range(len(edges) - 1, -1, -1):
            for k, j in ((k, j) for j in range(len(edges[i])) for k in range(edges[i].shape[1])):
                if not edges[i][j, k]:
                    continue
                edges[i][j, k] = False
                now = float(np.abs(masked.network(edges)(masked.x) - wanted).mean())
                if now - change > threshold:
                    edges[i][j, k] = True
                else:
                    change = now
        size = masked.size(edges)
        if size < best and masked.holds(edges):
            best = size
    return best


# --- side by side -----------------------------------------------------------------------------------------

OURS = {
    "extract, zero": {},
    "extract, mean": {"fill": "mean"},
    "extract, refit": {"method": "refit"},
    "extract, refit and affine": {"method": "refit", "fill": "affine"},
}


def measured(net: ck.Network, box: Box) -> dict[str, dict[str, Any]]:
    """Units and edges that every way leaves of one network."""
    found: dict[str, dict[str, Any]] = {}
    for name, how in OURS.items():
        start = time.process_time()
        circuit = ck.extract(net, domain=box, tolerance=TOLERANCE, time_limit=TIME_LIMIT, **how)
        seconds = time.process_time() - start
        if not circuit.check():
            raise SystemExit(f"{name}: an extraction does not pass its own check")
        found[name] = {
            "units": circuit.size, "edges": len(circuit.kept.edges), "minimal": circuit.minimal or "open",
            "seconds": round(seconds, 2),
        }  # fmt: skip
    for fill in ("zero", "mean"):
        ways = {
            "magnitude": lambda m: in_order(m, by_magnitude(net)),
            "attribution": lambda m: in_order(m, by_attribution(net, m.x)[0]),
            "ACDC-like": acdc,
        }
        for name, way in ways.items():
            masked = Masked(net, box, fill)
            start = time.process_time()
            units, edges = way(masked)
            found[f"{name}, {fill}"] = {
                "units": units, "edges": edges, "proofs": masked.proofs,
                "seconds": round(time.process_time() - start, 2),
            }  # fmt: skip
    return found


def networks(seed: int) -> Iterator[tuple[dict[str, Any], ck.Network, Box]]:
    for i, (function, box, hidden) in enumerate(CASES):
        for solver in SOLVERS:
            net = trained(function, box, hidden, solver, seed + i)
            yield {"function": function, "solver": solver, "hidden": list(hidden)}, net, box


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over the networks, and how often the fewest units were proved."""
    made = {}
    for name in rows[0]["circuits"]:
        each = [row["circuits"][name] for row in rows]
        made[name] = {
            "networks": len(each),
            "units": sum(r["units"] for r in each),
            "edges": sum(r["edges"] for r in each),
            "median seconds": float(np.median([r["seconds"] for r in each])),
            "largest seconds": max(r["seconds"] for r in each),
        }
        if "minimal" in each[0]:
            kinds = [r["minimal"] for r in each]
            made[name]["minimal"] = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=whole_number(0), default=0)
    parser.add_argument(
        "--share", type=positive(1), default=1.0, help="share of the networks to measure"
    )
    parser.add_argument("--save", action="store_true", help="keep the results of a share, too")
    arguments = parser.parse_args()
    every = len(CASES) * len(SOLVERS)
    wanted = set(
        np.linspace(0, every - 1, max(1, round(every * arguments.share))).astype(int).tolist()
    )
    rows = []
    for i, (about, net, box) in enumerate(networks(arguments.seed)):
        if i not in wanted:
            continue
        rows.append({**about, "units": sum(net.layer_sizes[1:-1]), "circuits": measured(net, box)})
        print(json.dumps(rows[-1]), flush=True)
    result = results(rows, arguments.seed)
    print(json.dumps({k: v for k, v in result.items() if k != "each"}, indent=2))
    if arguments.share >= 1.0 or arguments.save:
        save(result)


def results(rows: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """What the file says: sums, each network, and of how many planned ones these are."""
    shallow = [row for row in rows if len(row["hidden"]) == 1]
    deep = [row for row in rows if len(row["hidden"]) > 1]
    return {
        "seed": seed,
        "tolerance": TOLERANCE,
        "time limit": TIME_LIMIT,
        "networks": len(rows),
        "networks planned": len(CASES) * len(SOLVERS),
        "hidden units in all": sum(row["units"] for row in rows),
        "attribution by": by_attribution(ck.circuit("abs"), np.ones((1, 1)))[1],
        "one hidden layer": summary(shallow) if shallow else {},
        "two hidden layers": summary(deep) if deep else {},
        "each": rows,
        "software": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }


def save(result: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
