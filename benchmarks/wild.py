"""How good is ``ck.detect`` on a domain: networks that other tools have trained, from their own starts.

    python -m benchmarks.wild train --jobs 16        trains what is missing
    python -m benchmarks.wild read --jobs 16         reads what is trained and not read yet
    python -m benchmarks.wild report                 writes chapters/data/wild.json, which the book reads
    python -m benchmarks.wild all -n 60              all three, of a sample of 60 networks

What is done is kept in ``.cache/wild`` (``--folder``), a line for each network: a run that was cut off goes on
where it stopped, ``--seconds`` stops one in time, and training and reading may be done on different machines.
Functions, trainers, widths, noise on the labels and seeds are crossed: 2,016 networks. None comes from this
project's own generator of disguises. The trainers: PyTorch (Adam), scikit-learn (L-BFGS), Flax with optax
(``pip install flax``; left out where missing), and PyTorch again with weight decay on four times as many units.

Every reading's certificate is checked again, as is every name's: one that the checker refuses counts as
false. A network counts as *solved* where it is proved to be within 0.01 of its function on its domain.
Seconds are processor time, in one process each.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import itertools
import json
import platform
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import circuitkit as ck
from circuitkit.exact.spell import length
from scripts import children
from scripts.arguments import positive, whole_number

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "chapters" / "data" / "wild.json"

#: function -> (its domain, one interval for all inputs; hidden units of the narrowest network)
FUNCTIONS: dict[str, tuple[tuple[float, float], tuple[int, ...]]] = {
    "3/4": ((-1, 1), (3,)),
    "x": ((-1, 1), (3,)),
    "1/2 - 3*x/2": ((-2, 2), (3,)),
    "abs(x)": ((-1, 1), (4,)),
    "abs(x - 0.37)": ((-1, 1), (4,)),
    "max(x, 0)": ((-1, 1), (4,)),
    "1.3*max(0, x + 0.21) - 0.6": ((-1, 1), (4,)),
    "max(x, -x/10)": ((-1, 1), (4,)),
    "clamp(x, 0, 1)": ((-1, 2), (5,)),
    "clamp(2*x, -1, 1)": ((-1, 1), (5,)),
    "max(0, 1 - abs(x))": ((-2, 2), (6,)),
    "abs(abs(x) - 1/2)": ((-1, 1), (6,)),
    "max(0, x - 1/2) + min(0, x + 1/2)": ((-1, 1), (5,)),
    "x1 + x2": ((-1, 1), (4,)),
    "x1 - x2": ((-1, 1), (4,)),
    "x1/3 + 0.7*x2 - 0.15": ((-1, 1), (4,)),
    "x1 - 2*x2": ((-1, 1), (4,)),
    "min(x1, x2)": ((-1, 1), (5,)),
    "max(x1, x2)": ((-1, 1), (5,)),
    "2*min(x1, x2)": ((-1, 1), (5,)),
    "max(x1, 2*x2 - 0.3)": ((-1, 1), (6,)),
    "abs(x1 - x2)": ((0, 1), (5,)),
    "abs(x1 + x2)": ((-1, 1), (5,)),
    "max(x1 - x2, 0)": ((-1, 1), (5,)),
    "max(0, x1 + x2 - 1)": ((0, 1), (5,)),
    "min(1, x1 + x2)": ((0, 1), (5,)),
    "x1 + x2 - 2*max(0, x1 + x2 - 1)": ((0, 1), (5,)),
    "clamp(x1 - x2, -1/2, 1/2)": ((-1, 1), (6,)),
    "abs(x1) + abs(x2)": ((-1, 1), (8,)),
    "abs(x1) - abs(x2)": ((-1, 1), (8,)),
    "abs(x1 - 1/4) + x2/2": ((-1, 1), (6,)),
    "max(x1, x2, 0)": ((-1, 1), (8, 4)),
    "3/4*max(x1, x2, 0)": ((-1, 1), (8, 4)),
    "min(x1, x2, 0.4)": ((-1, 1), (8, 4)),
    "max(abs(x1), abs(x2))": ((-1, 1), (8, 4)),
    "min(abs(x1), abs(x2))": ((-1, 1), (8, 4)),
    "x1 + x2 - x3": ((-1, 1), (5,)),
    "abs(x1 - x2) + x3": ((-1, 1), (6,)),
    "max(x1, x2, x3)": ((-1, 1), (8, 4)),
    "median(x1, x2, x3)": ((-1, 1), (10, 5)),
    "max(x1 + x2, x3)": ((-1, 1), (6,)),
    "min(x1 + x2, x3 + x4)": ((-1, 1), (6,)),
}
WIDTHS = (1, 2, 4)
#: (standard deviation of the noise on the labels, which of several networks)
DRAWS = ((0.0, 0), (0.0, 1), (0.003, 0), (0.03, 0))
POINTS, STEPS, STARTS = 1000, 3000, 3
TOLERANCE = Fraction(1, 100)
SECONDS = 30.0

Weights = list[np.ndarray]


# --- training -------------------------------------------------------------------------------------------


def points(function: str, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    target = ck.target(function)
    (low, high), _ = FUNCTIONS[function]
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, size=(POINTS, target.n_inputs))
    return x, target(x) + noise * rng.normal(size=(POINTS, 1))


def by_torch(x: np.ndarray, y: np.ndarray, hidden: tuple[int, ...], seed: int, decay: float = 0.0):
    """Adam with a falling rate, all starts side by side; the best start's weights."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    sizes = [x.shape[1], *hidden, 1]
    layers = [[torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)] for _ in range(STARTS)]
    w = [torch.stack([n[i].weight for n in layers]).detach().clone() for i in range(len(sizes) - 1)]
    b = [torch.stack([n[i].bias for n in layers]).detach().clone() for i in range(len(sizes) - 1)]
    for p in (*w, *b):
        p.requires_grad_(True)
    xs = torch.tensor(x, dtype=torch.float32).expand(STARTS, -1, -1)
    ys = torch.tensor(y, dtype=torch.float32)
    optimizer = torch.optim.AdamW([*w, *b], lr=0.02, weight_decay=decay)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    losses = torch.zeros(STARTS)
    for _ in range(STEPS):
        h = xs
        for i, (weight, bias) in enumerate(zip(w, b, strict=True)):
            h = torch.baddbmm(bias[:, None], h, weight.transpose(1, 2))
            h = torch.relu(h) if i < len(w) - 1 else h
        losses = ((h - ys) ** 2).mean(dim=(1, 2))
        optimizer.zero_grad()
        losses.sum().backward()
        optimizer.step()
        falling.step()
    best = int(losses.argmin())
    return [v[best].detach().double().numpy() for v in w], [
        v[best].detach().double().numpy() for v in b
    ]


def by_sklearn(x: np.ndarray, y: np.ndarray, hidden: tuple[int, ...], seed: int):
    from sklearn.neural_network import MLPRegressor

    best = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for start in range(STARTS):
            made = MLPRegressor(
                hidden_layer_sizes=hidden, solver="lbfgs", alpha=0.0, max_iter=3000, tol=1e-10,
                random_state=seed * STARTS + start,
            ).fit(x, y[:, 0])  # fmt: skip
            best = made if best is None or made.loss_ < best.loss_ else best
    return [w.T for w in best.coefs_], list(best.intercepts_)


def by_flax(x: np.ndarray, y: np.ndarray, hidden: tuple[int, ...], seed: int):
    """flax.linen's Dense layers and optax's Adam, compiled as one loop."""
    import jax
    import jax.numpy as jnp
    import optax
    from flax import linen

    class Perceptron(linen.Module):
        @linen.compact
        def __call__(self, h):
            for width in hidden:
                h = linen.relu(linen.Dense(width)(h))
            return linen.Dense(1)(h)

    model = Perceptron()
    optimizer = optax.adam(optax.cosine_decay_schedule(0.02, STEPS))
    xs, ys = jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)

    def loss(parameters):
        return ((model.apply(parameters, xs) - ys) ** 2).mean()

    def run(key):
        parameters = model.init(key, xs)

        def step(state, _):
            parameters, memory = state
            slope = jax.grad(loss)(parameters)
            change, memory = optimizer.update(slope, memory)
            return (optax.apply_updates(parameters, change), memory), None

        start = parameters, optimizer.init(parameters)
        (parameters, _), _ = jax.lax.scan(step, start, None, length=STEPS)
        return parameters, loss(parameters)

    keys = jax.random.split(jax.random.PRNGKey(seed), STARTS)
    parameters, losses = jax.jit(jax.vmap(run))(keys)
    best = int(losses.argmin())
    layers = [parameters["params"][f"Dense_{i}"] for i in range(len(hidden) + 1)]
    weights = [np.asarray(layer["kernel"][best], dtype=float).T for layer in layers]
    return weights, [np.asarray(layer["bias"][best], dtype=float) for layer in layers]


def by_decay(x: np.ndarray, y: np.ndarray, hidden: tuple[int, ...], seed: int):
    """Four times as many units, and weights that want to be small."""
    return by_torch(x, y, tuple(4 * h for h in hidden), seed, decay=1e-3)


TRAINERS: dict[str, Callable[..., tuple[Weights, Weights]]] = {
    "torch": by_torch,
    "scikit-learn": by_sklearn,
    "flax": by_flax,
    "torch, wide, decayed": by_decay,
}

Cell = tuple[str, str, int, float, int]


def cells() -> list[Cell]:
    """All networks, in an order in which every beginning is a sample of all."""
    every = [
        (f, t, w, noise, draw)
        for f in FUNCTIONS
        for t in TRAINERS
        for w in WIDTHS
        for noise, draw in DRAWS
    ]
    order = np.random.default_rng(2026).permutation(len(every))
    return [every[k] for k in order.tolist()]


def name_of(cell: Cell) -> str:
    return " | ".join(map(str, cell))


def train(cell: Cell) -> dict[str, Any]:
    function, trainer, width, noise, _ = cell
    seed = int.from_bytes(name_of(cell).encode(), "big") % (2**31 - 1) % 100_000
    x, y = points(function, noise, seed)
    started = time.process_time()
    hidden = tuple(width * h for h in FUNCTIONS[function][1])
    weights, biases = TRAINERS[trainer](x, y, hidden, seed)
    return {
        "cell": cell,
        "weights": [np.asarray(w).tolist() for w in weights],
        "biases": [np.asarray(b).tolist() for b in biases],
        "seconds": time.process_time() - started,
    }


# --- reading --------------------------------------------------------------------------------------------


def read(trained: dict[str, Any]) -> dict[str, Any]:
    function, *_ = trained["cell"]
    net = ck.Network(trained["weights"], trained["biases"])
    domain = [FUNCTIONS[function][0]] * net.n_inputs
    solved, own_error = near(net, function, domain)
    started, real = time.process_time(), time.monotonic()
    found = ck.detect(net, domain=domain, tolerance=TOLERANCE, time_limit=SECONDS)
    expression, readings = found.expression, found.readings
    taken, waited = time.process_time() - started, time.monotonic() - real
    proofs = [r.proof for r in readings]
    if found.basic is not None and found.basic_proof is not None:
        proofs.append(found.basic_proof)
    refused = sum(
        not ck.check(json.loads(json.dumps(p.certificate)), net, p.target) for p in proofs
    )
    best = next((r for r in readings if r.expression == expression), None)
    reached = found.error
    return {
        "cell": trained["cell"],
        "sizes": list(net.layer_sizes),
        "solved": solved,
        "own_error": own_error,
        "function": found.function,
        "expression": None if expression is None else str(expression),
        "error": reached if np.isfinite(reached) else None,
        "length": None if best is None else best.length,
        "shortest": min((r.length for r in readings if r.error <= float(TOLERANCE)), default=None),
        "textbook": length(ck.target(function).expression)[0],
        "within": bool(reached <= float(TOLERANCE)),
        "readings": len(readings),
        "refused": refused,
        "seconds": taken,
        "waited": waited,
    }


def near(net: ck.Network, function: str, domain: Any) -> tuple[bool | None, float | None]:
    """Whether it is proved to be within the tolerance of its own function; None if that is undecided."""
    try:
        proof = ck.prove(
            net, function, tolerance=TOLERANCE, domain=domain, measure="absolute",
            time_limit=SECONDS,
        )  # fmt: skip
    except ck.Undecided as undecided:
        return None, undecided.lower
    return proof.holds, proof.error


# --- parts ----------------------------------------------------------------------------------------------


def lines(path: Path) -> list[dict[str, Any]]:
    """What is done; a line that was cut off is not."""
    found = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def done(path: Path) -> set[str]:
    return {name_of(tuple(each["cell"])) for each in lines(path)}


def in_parallel(
    work: Callable[[Any], dict[str, Any]], todo: list[Any], path: Path, jobs: int, seconds: float
) -> None:
    """Each result is a line as soon as it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    count = 0
    cut_off = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" if cut_off else "")
        for made in results(work, todo, jobs, end):
            file.write(json.dumps(made) + "\n")
            file.flush()
            count += 1
            if count % 50 == 0 or count == len(todo):
                print(f"{count} of {len(todo)}", flush=True)


def results(
    work: Callable[[Any], dict[str, Any]], todo: list[Any], jobs: int, end: float
) -> Iterator[dict[str, Any]]:
    if jobs == 1:
        for each in todo:
            if time.monotonic() > end:
                return
            yield work(each)
        return
    with ProcessPoolExecutor(jobs) as pool:
        waiting: set[Any] = set()
        left = iter(todo)
        while True:
            if time.monotonic() < end:
                waiting |= {
                    pool.submit(work, each)
                    for each in itertools.islice(left, max(0, 2 * jobs - len(waiting)))
                }
            if not waiting:
                return
            ready = next(as_completed(waiting))
            waiting.discard(ready)
            yield ready.result()


def train_all(folder: Path, wanted: list[Cell], jobs: int, seconds: float) -> None:
    path = folder / "trained.jsonl"
    there = done(path)
    if find_spec("flax") is None:
        wanted = [cell for cell in wanted if cell[1] != "flax"]
        print("flax is not installed: its networks are left out")
    todo = [cell for cell in wanted if name_of(cell) not in there]
    in_parallel(train, todo, path, jobs, seconds)


def read_all(folder: Path, wanted: list[Cell], jobs: int, seconds: float) -> None:
    path = folder / "read.jsonl"
    there = done(path)
    asked = {name_of(cell) for cell in wanted}
    trained = {name_of(tuple(t["cell"])): t for t in lines(folder / "trained.jsonl")}
    todo = [t for name, t in trained.items() if name in asked and name not in there]
    in_parallel(read, todo, path, jobs, seconds)


# --- the report -----------------------------------------------------------------------------------------


def summary(group: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What the issue asks: of the solved ones the share named or read as briefly as in the textbook."""
    every = list(group)
    solved = [r for r in every if r["solved"]]
    others = [r for r in every if not r["solved"]]
    good = [r for r in solved if is_good(r)]
    times = [r["seconds"] for r in every]
    return {
        "networks": len(every),
        "solved": len(solved),
        "undecided": sum(r["solved"] is None for r in every),
        "named": sum(r["function"] is not None for r in solved),
        "named_or_as_short": len(good),
        "longer": [
            {k: r[k] for k in ("cell", "expression", "length", "textbook", "error", "own_error")}
            for r in solved
            if not is_good(r)
        ],
        "median_extra_symbols": float(
            np.median(
                [r["shortest"] - r["textbook"] for r in solved if r["shortest"] is not None] or [0]
            )
        ),
        "others": {
            "within": sum(r["within"] for r in others),
            "with_more": sum(r["expression"] is not None and not r["within"] for r in others),
            "none": sum(r["expression"] is None for r in others),
        },
        "readings": sum(r["readings"] for r in every),
        "refused_by_the_checker": sum(r["refused"] for r in every),
        "seconds": {
            "median": float(np.median(times)) if times else None,
            "p95": float(np.quantile(times, 0.95)) if times else None,
            "max": max(times, default=None),
        },
        "waited_max": max((r["waited"] for r in every), default=None),
    }


def is_good(r: dict[str, Any]) -> bool:
    return r["function"] is not None or (
        r["shortest"] is not None and r["shortest"] <= r["textbook"]
    )


def report(folder: Path, to: Path) -> dict[str, Any]:
    every = lines(folder / "read.jsonl")
    groups = {
        "trainer": lambda r: r["cell"][1],
        "width": lambda r: str(r["cell"][2]),
        "noise": lambda r: str(r["cell"][3]),
        "function": lambda r: r["cell"][0],
    }
    found = {
        "python": platform.python_version(),
        "tolerance": float(TOLERANCE),
        "time_limit": SECONDS,
        "functions": len(FUNCTIONS),
        "all": summary(every),
    }
    for label, key in groups.items():
        names = sorted({key(r) for r in every})
        found[f"by_{label}"] = {
            name: {
                k: v
                for k, v in summary(r for r in every if key(r) == name).items()
                if k != "longer"
            }
            for name in names
        }
    to.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "part", nargs="?", default="all", choices=["train", "read", "report", "all"]
    )
    parser.add_argument(
        "-n", type=whole_number(1), default=len(cells()), help="only so many networks"
    )
    parser.add_argument("--jobs", type=whole_number(1), default=1)
    parser.add_argument(
        "--seconds", type=positive(), default=float("inf"), help="begin nothing after"
    )
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache" / "wild")
    parser.add_argument("--to", type=Path, default=RESULTS)
    parser.add_argument(
        "--again", action="store_true", help="forget what the folder has of the part"
    )
    given = parser.parse_args(arguments)
    if given.again:
        for part, name in (("train", "trained.jsonl"), ("read", "read.jsonl")):
            if given.part in (part, "all"):
                (given.folder / name).unlink(missing_ok=True)
    children.end_with_this()
    wanted = cells()[: given.n]
    if given.part in ("train", "all"):
        train_all(given.folder, wanted, given.jobs, given.seconds)
    if given.part in ("read", "all"):
        read_all(given.folder, wanted, given.jobs, given.seconds)
    if given.part in ("report", "all"):
        whole = report(given.folder, given.to)["all"]
        print(json.dumps({k: v for k, v in whole.items() if k != "longer"}, indent=1))


if __name__ == "__main__":
    main()
