"""Do networks that tell digits apart come to the same filters? Many seeds of three architectures, and what chance gives.

    python -m benchmarks.filters                 # writes chapters/data/filters.json
    python -m benchmarks.filters --share 0.25    # fewer seeds, printed and not kept

``alike``: the mean likeness of matched filters within and across architectures, for trained, untrained and
label-shuffled networks and for two ways to scramble the trained filters: of both networks, or only of
the other one (``against``); and the same with a filter's negative unlike it. ``recurring``: the share of filters with
a twin (likeness above 0.85, of either sign or of its own) in at least k of the other networks. ``vocabulary``: the filters that recur most.
``cka``: layers as a whole. ``circuits``: channels silenced, predicted from the weights and measured. All intervals
are 95 % bootstrap intervals over networks. About three minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from circuitkit import images as im
from circuitkit.images.model import later
from scripts.arguments import positive

RESULT = Path(__file__).parent.parent / "chapters" / "data" / "filters.json"
SEEDS = 8  # of each architecture
TWIN = 0.85  # the likeness of twins; TWINS are tried beside it
TWINS = (0.8, 0.85, 0.9, 0.95)
SCRAMBLES = 20  # draws of each scrambled baseline
DRAWS = 2000  # of the bootstrap
SHOWN = 6  # filters of the vocabulary, and twins of each
Interval = list[float]
#: what is compared -> pairs of sets of filters, ``(n, 16, 5, 5)`` each: one for each draw
Kinds = dict[str, list[tuple[np.ndarray, np.ndarray]]]


def drawn(seeds: int) -> np.ndarray:
    """Networks drawn again, within each architecture: ``(DRAWS, n_networks)`` counts."""
    rng = np.random.default_rng(0)
    chance = np.full(seeds, 1 / seeds)
    counts = [rng.multinomial(seeds, chance, size=DRAWS) for _ in im.ARCHITECTURES]
    return np.concatenate(counts, axis=1)


def interval(value: float, draws: np.ndarray) -> Interval:
    return [value, *map(float, np.quantile(draws, [0.025, 0.975]))]


def pair_mean(likeness: np.ndarray, counts: np.ndarray, among: np.ndarray) -> Interval:
    """The mean over pairs of different networks in ``among`` (a mask over pairs), and its interval."""
    weights = counts[:, :, None] * counts[:, None, :] * among
    draws = (weights * likeness).sum(axis=(1, 2)) / weights.sum(axis=(1, 2))
    return interval(float(likeness[among].mean()), draws)


def matched(left: np.ndarray, right: np.ndarray, *, signed: bool) -> np.ndarray:
    """The mean likeness of matched filters of each two networks, ``(n, n)``; 0 on the diagonal."""
    n = len(left)
    found = np.zeros((n, n))
    for i in range(n):
        for j in range(i if left is right else n):
            if i != j:
                found[i, j] = im.match(left[i], right[j], signed=signed).mean
    return found + found.T if left is right else (found + found.T) / 2


def best(left: np.ndarray, right: np.ndarray, *, signed: bool) -> np.ndarray:
    """For each filter, the likeness of the most alike one in each other network, ``(n, 16, n)``."""
    n, units = left.shape[:2]
    r = im.correlations(left.reshape(-1, 5, 5), right.reshape(-1, 5, 5))
    found = (r if signed else abs(r)).reshape(n, units, n, units).max(axis=-1)
    found[np.arange(n), :, np.arange(n)] = 0
    return found


def share(units: np.ndarray, counts: np.ndarray) -> Interval:
    """The share of filters, ``(n, 16)``, over networks drawn again."""
    by_network = units.mean(axis=1)
    return interval(float(by_network.mean()), counts @ by_network / counts.sum(axis=1))


def filters_of(nets: Sequence[im.ImageNetwork]) -> np.ndarray:
    return np.array([net.filters for net in nets])


def scrambles(sets: np.ndarray, keep: str) -> list[np.ndarray]:
    n = len(sets)
    return [
        np.array([im.scrambled(f, keep=keep, seed=draw * n + i) for i, f in enumerate(sets)])
        for draw in range(SCRAMBLES)
    ]


def alike(kinds: Kinds, seeds: int, *, signed: bool) -> dict[str, Any]:
    counts = drawn(seeds)
    n = seeds * len(im.ARCHITECTURES)
    of = np.repeat(np.arange(len(im.ARCHITECTURES)), seeds)
    different = ~np.eye(n, dtype=bool)
    found: dict[str, Any] = {}
    means = {
        kind: np.mean([matched(*pair, signed=signed) for pair in sets], axis=0)
        for kind, sets in kinds.items()
    }
    for kind, likeness in means.items():
        row: dict[str, Interval] = {"all": pair_mean(likeness, counts, different)}
        for a, b in combinations_with_replacement(range(len(im.ARCHITECTURES)), 2):
            among = different & np.logical_or(
                (of[:, None] == a) & (of == b), (of[:, None] == b) & (of == a)
            )
            name = f"{im.ARCHITECTURES[a]}, {im.ARCHITECTURES[b]}"
            row[name] = pair_mean(likeness, counts, among)
        found[kind] = row
        print(kind, {k: [round(x, 3) for x in v] for k, v in row.items()}, flush=True)
    found["gain"] = {
        kind: pair_mean(means["trained"] - means[kind], counts, different)
        for kind in means
        if kind != "trained"
    }
    print("gain", found["gain"], flush=True)
    return found


def twins(likeness: Sequence[np.ndarray], threshold: float = TWIN) -> np.ndarray:
    """Whether each filter has a twin in at least k other networks, ``(n, 16, n)`` over k; a mean over draws."""
    counted = [(b > threshold).sum(axis=-1)[..., None] >= np.arange(len(b)) for b in likeness]
    return np.mean(counted, axis=0)


def recurring(kinds: Kinds, seeds: int) -> dict[str, Any]:
    counts = drawn(seeds)
    found: dict[str, Any] = {}
    for name, signed in (("either sign", False), ("its own sign", True)):
        likeness = {
            kind: [best(*pair, signed=signed) for pair in sets] for kind, sets in kinds.items()
        }
        having = {kind: twins(each) for kind, each in likeness.items()}
        row: dict[str, Any] = {
            kind: [share(units[:, :, k], counts) for k in range(units.shape[-1])]
            for kind, units in having.items()
        }
        for kind in ("coarseness", "against coarseness"):
            gap = having["trained"] - having[kind]
            row[f"gain over {kind}"] = [share(gap[:, :, k], counts) for k in range(gap.shape[-1])]
        row["other thresholds"] = {
            kind: {str(t): twins(each, t).mean(axis=(0, 1))[1:7:5].tolist() for t in TWINS}
            for kind, each in likeness.items()
        }
        found[name] = row
        for kind in (*having, "gain over coarseness", "gain over against coarseness"):
            print(name, kind, "in one or more", row[kind][1], "in six", row[kind][6:7], flush=True)
    return found


def vocabulary(sets: np.ndarray, *, shown: int = SHOWN) -> list[dict[str, Any]]:
    """The filter with twins in most other networks; then, with those away, the next one."""
    n, units = sets.shape[:2]
    flat = sets.reshape(-1, 5, 5)
    r = im.correlations(flat, flat).reshape(n, units, n, units)
    left = np.ones((n, units), dtype=bool)
    found = []
    for _ in range(shown):
        twin = (abs(r) > TWIN) & left[:, :, None, None] & left
        in_networks = twin.any(axis=-1).sum(axis=-1) - 1  # itself is one of them
        i, u = np.unravel_index(np.argmax(np.where(left, in_networks, -1)), (n, units))
        likeness = abs(r[i, u])
        nearest = np.where(left, likeness, 0)
        twins = [
            (float(nearest[j].max()), int(j), int(nearest[j].argmax()))
            for j in range(n)
            if j != i and nearest[j].max() > TWIN
        ]
        twins.sort(reverse=True)
        members = [(int(i), int(u))] + [(j, v) for _, j, v in twins]
        shapes = [_drawn(sets[j, v] * np.sign(r[i, u, j, v])) for j, v in members]
        found.append(
            {
                "networks": len(twins),
                "likeness": [t[0] for t in twins],
                "mean": _drawn(np.mean(shapes, axis=0)).tolist(),
                "filters": [shape.tolist() for shape in shapes[:shown]],
            }
        )
        left &= ~(likeness > TWIN)
    return found


def _drawn(filter_: np.ndarray) -> np.ndarray:
    """A filter, without its mean and of size 1, as a figure shows it."""
    rest = filter_ - filter_.mean()
    return rest / abs(rest).max()


def layers(kinds: dict[str, Sequence[im.ImageNetwork]]) -> dict[str, Any]:
    """CKA of the first layers, and of what the logits are read from, of each two networks."""
    data, found = im.digits(), {}
    for kind, nets in kinds.items():
        pooled = [net.pooled(data.test) for net in nets]
        before = [later(net, p) for net, p in zip(nets, pooled, strict=True)]
        row = {}
        for layer, values in (("first", pooled), ("last", before)):
            flat = [v.reshape(len(v), -1) for v in values]
            each = [im.cka(flat[i], flat[j]) for i in range(len(flat)) for j in range(i)]
            row[layer] = [float(np.mean(each)), min(each), max(each)]
        found[kind] = row
        print(kind, "CKA", row, flush=True)
    return found


def circuits(nets: Sequence[im.ImageNetwork]) -> dict[str, Any]:
    data, found = im.digits(), {}
    for architecture in im.ARCHITECTURES:
        rows = [_circuit(net, data) for net in nets if net.architecture == architecture]
        picks = np.random.default_rng(0).integers(len(rows), size=(DRAWS, len(rows)))

        def over(key: str, rows: Any = rows, picks: Any = picks) -> Interval:
            values = np.array([np.mean(row[key]) for row in rows])
            return interval(float(values.mean()), values[picks].mean(axis=1))

        found[architecture] = {
            "r": [float(np.mean([row["r"] for row in rows])), min(row["r"] for row in rows)],
            "spearman": over("spearman"),
            **{key: over(key) for key in ("intact", "top", "others")},
            "by digit": {
                key: np.mean([row[key] for row in rows], axis=0).tolist()
                for key in ("intact", "top", "others")
            },
        }
        print(architecture, found[architecture], flush=True)
    return found


def _circuit(net: im.ImageNetwork, data: im.Digits) -> dict[str, Any]:
    predicted, measured = im.predicted_changes(net, data), im.measured_changes(net, data)
    rng = np.random.default_rng(net.seed)
    intact, top, others, lost = [], [], [], []
    for digit in range(10):
        order = np.argsort(predicted[digit])
        whole = im.recall(net, data, digit)
        intact.append(whole)
        top.append(im.recall(net, data, digit, order[:4]))
        picks = [rng.choice(order[4:], 4, replace=False) for _ in range(8)]
        others.append(float(np.mean([im.recall(net, data, digit, p) for p in picks])))
        lost += [whole - im.recall(net, data, digit, [channel]) for channel in range(16)]
    return {
        "r": float(np.corrcoef(predicted.ravel(), measured.ravel())[0, 1]),
        "spearman": float(spearmanr(-predicted.ravel(), lost).statistic),
        "intact": intact,
        "top": top,
        "others": others,
    }


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    def trained(**how: Any) -> list[im.ImageNetwork]:
        return [net for a in im.ARCHITECTURES for net in im.train(a, seeds=seeds, **how)]

    nets = {
        "trained": trained(),
        "untrained": trained(epochs=0),
        "shuffled": trained(shuffled=True),
    }
    data = im.digits()
    right = [
        float((n.logits(data.test).argmax(axis=1) == data.test_labels).mean())
        for n in nets["trained"]
    ]
    accuracy = {
        a: sorted(right[k * seeds : (k + 1) * seeds]) for k, a in enumerate(im.ARCHITECTURES)
    }
    print(accuracy, flush=True)
    sets = filters_of(nets["trained"])
    kinds: Kinds = {}
    for kind, each in nets.items():
        bank = filters_of(each)
        kinds[kind] = [(bank, bank)]
    for keep in ("weights", "coarseness"):
        draws = scrambles(sets, keep)
        kinds[keep] = [(one, one) for one in draws]
        kinds[f"against {keep}"] = [(sets, one) for one in draws]
    random = [[entry["networks"] for entry in vocabulary(one)] for one, _ in kinds["coarseness"]]
    return {
        "networks": len(sets),
        "accuracy": accuracy,
        "alike": alike(kinds, seeds, signed=False),
        "alike, with its sign": alike(kinds, seeds, signed=True),
        "recurring": recurring(kinds, seeds),
        "vocabulary": vocabulary(sets),
        "vocabulary of coarse ones": np.mean(random, axis=0).tolist(),
        "cka": layers(nets),
        "circuits": circuits(nets["trained"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--share", type=positive(1), help="so much of it, and keep nothing")
    part = parser.parse_args().share
    told = measure(max(2, round((part or 1.0) * SEEDS)))
    if part is None:
        RESULT.write_text(json.dumps(_rounded(told), indent=1) + "\n", "utf-8")


def _rounded(value: Any) -> Any:
    """To five decimals, which is more than an interval leaves open."""
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 5) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
