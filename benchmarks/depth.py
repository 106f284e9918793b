"""How few units do the maxima of five and six need in two hidden layers? A bounded search, symmetry by symmetry.

    python -m benchmarks.depth                 as in the book (about 15 minutes of one processor)
    python -m benchmarks.depth --seconds 300   five minutes for every symmetry
    python -m benchmarks.depth --only S4 C4    some symmetries; what the file has of others stays

The family is that of ``circuitkit.maxima``: sums of terms c * max(A, B), where A and B are sums of two
max(xi, xj). A formula that a group of renamings leaves alone has one coefficient an orbit. Two searches share the time:

- **MILP** (HiGHS, through scipy): the fewest terms, with the bound that HiGHS has proved on the way;
- **reweighted LP**: the smallest weighted sum of \\|coefficients\\|, from random weights, then with weights
  that make small coefficients dear. It finds, and proves nothing.

What is found is made a network and proved to be the maximum; what is not proved is not told. Which primes every solution
of the family needs in a denominator is decided by elimination modulo a power of the prime. The results go into
``chapters/data/depth.json``. The bounds are within the family and the symmetry, no bounds on networks.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import platform
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import coo_array, eye_array, hstack

from circuitkit.maxima import Term, network
from circuitkit.proof.symmetric import prove_symmetric
from scripts.arguments import positive, whole_number

RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "depth.json"

SECONDS = 90.0
#: no coefficient of the formulas known is larger than 1/2
LARGEST = 1.0
PRIME = 2_147_483_629

#: renamings that generate each group; for five numbers the last one stays where it can
GROUPS: dict[int, dict[str, list[tuple[int, ...]]]] = {
    5: {
        "S5": [(1, 0, 2, 3, 4), (1, 2, 3, 4, 0)],
        "S4": [(1, 0, 2, 3, 4), (1, 2, 3, 0, 4)],
        "S3 x S2": [(1, 0, 2, 3, 4), (1, 2, 0, 3, 4), (0, 1, 2, 4, 3)],
        "F20": [(1, 2, 3, 4, 0), (0, 2, 4, 1, 3)],
        "A4": [(1, 2, 0, 3, 4), (1, 0, 3, 2, 4)],
        "D5": [(1, 2, 3, 4, 0), (0, 4, 3, 2, 1)],
        "D4": [(1, 2, 3, 0, 4), (2, 1, 0, 3, 4)],
        "S3": [(1, 0, 2, 3, 4), (1, 2, 0, 3, 4)],
        "C4": [(1, 2, 3, 0, 4)],
        "V4": [(1, 0, 3, 2, 4), (2, 3, 0, 1, 4)],
        "S2 x S2": [(1, 0, 2, 3, 4), (0, 1, 3, 2, 4)],
        "C2, two pairs": [(1, 0, 3, 2, 4)],
    },
    6: {
        "S6": [(1, 0, 2, 3, 4, 5), (1, 2, 3, 4, 5, 0)],
        "two triples": [(1, 0, 2, 3, 4, 5), (1, 2, 0, 3, 4, 5), (3, 4, 5, 0, 1, 2)],
        "three pairs": [(1, 0, 2, 3, 4, 5), (2, 3, 0, 1, 4, 5), (2, 3, 4, 5, 0, 1)],
        "cube's rotations": [(0, 1, 4, 5, 3, 2), (2, 3, 4, 5, 0, 1)],
    },
}


# --- the family ---------------------------------------------------------------------------------------


def pairs(n: int) -> list[tuple[int, int]]:
    return list(itertools.combinations_with_replacement(range(1, n + 1), 2))


def family(n: int) -> list[Term]:
    """Every function of the family once; those of one side alone, which cost no unit, first."""
    sums = list(itertools.combinations_with_replacement(pairs(n), 2))
    alone = [Term(Fraction(1), (p, p), (p, p)) for p in pairs(n)]
    x = np.random.default_rng(1).integers(0, 1000, size=(400, n))
    seen = {values(term, x).tobytes() for term in alone}
    # What is a sum of two m(i, j) already needs no second layer.
    seen |= {values(Term(Fraction(1), a, a), x).tobytes() for a in sums}
    joined = []
    for a, b in itertools.combinations(sums, 2):
        term = Term(Fraction(1), a, b)
        if (key := values(term, x).tobytes()) not in seen:
            seen.add(key)
            joined.append(term)
    return alone + joined


def values(term: Term, x: np.ndarray) -> np.ndarray:
    def side(which: Any) -> np.ndarray:
        total: np.ndarray = sum(np.maximum(x[:, i - 1], x[:, j - 1]) for i, j in which)
        return total

    return np.maximum(side(term.left), side(term.right))


def group(generators: Sequence[tuple[int, ...]], n: int) -> list[tuple[int, ...]]:
    found = {tuple(range(n))}
    new = set(found)
    while new:
        new = {tuple(g[i] for i in h) for g in generators for h in new} - found
        found |= new
    return sorted(found)


def orbits(terms: Sequence[Term], elements: Sequence[tuple[int, ...]]) -> list[list[Term]]:
    """The terms that the renamings exchange, as functions."""
    x = np.random.default_rng(2).integers(0, 1000, size=(400, len(elements[0])))
    place = {values(term, x).tobytes(): k for k, term in enumerate(terms)}
    left, result = set(range(len(terms))), []
    for k, term in enumerate(terms):
        if k in left:
            # f(x renamed): the values at the renamed points
            orbit = {place[values(term, x[:, g]).tobytes()] for g in elements}
            left -= orbit
            result.append([terms[j] for j in sorted(orbit)])
    return result


# --- the equations ------------------------------------------------------------------------------------


def equations(found: Sequence[Sequence[Term]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """One row an integer point: the orbits' values there, and the maximum; independent rows only."""
    x = np.random.default_rng(0).integers(0, 12, size=(2 * len(found) + 200, n))
    a = np.array([sum(values(term, x) for term in orbit) for orbit in found]).T
    b = 2 * x.max(axis=1)
    rows = independent(np.column_stack([a, b]))
    return a[rows].astype(float), b[rows].astype(float)


def independent(a: np.ndarray) -> list[int]:
    """Rows that span all rows, by elimination modulo a prime."""
    kept: list[int] = []
    basis = np.zeros((0, a.shape[1]), dtype=np.int64)
    pivots: list[int] = []
    for k, row in enumerate(a.astype(np.int64) % PRIME):
        for p, other in zip(pivots, basis, strict=True):
            if row[p]:
                row = (row - row[p] * other) % PRIME
        nonzero = np.flatnonzero(row)
        if len(nonzero):
            p = int(nonzero[0])
            row = row * pow(int(row[p]), -1, PRIME) % PRIME
            basis, pivots = np.vstack([basis, row]), [*pivots, p]
            kept.append(k)
    return kept


# --- the searches -------------------------------------------------------------------------------------


def fewest(a: np.ndarray, b: np.ndarray, sizes: np.ndarray, seconds: float) -> dict[str, Any]:
    """The fewest terms by MILP: c = sum of |coefficient| <= LARGEST where its switch is on."""
    count = len(sizes)
    eye = eye_array(count)
    zero = coo_array((len(b), count))
    constraints = [
        LinearConstraint(hstack([coo_array(a), zero]).tocsc(), b, b),
        LinearConstraint(hstack([eye, -LARGEST * eye]).tocsc(), -np.inf, 0),
        LinearConstraint(hstack([-eye, -LARGEST * eye]).tocsc(), -np.inf, 0),
    ]
    free = sizes == 0
    bounds = scipy.optimize.Bounds(
        np.concatenate([np.full(count, -LARGEST), free.astype(float)]),
        np.concatenate([np.full(count, LARGEST), np.ones(count)]),
    )
    found = milp(
        np.concatenate([np.zeros(count), sizes]),
        integrality=np.concatenate([np.zeros(count), np.ones(count)]),
        constraints=constraints, bounds=bounds, options={"time_limit": seconds},
    )  # fmt: skip
    known = getattr(found, "mip_dual_bound", None)
    return {
        "solution": None if found.x is None else found.x[:count],
        "bound": None if known is None or not math.isfinite(known) else math.ceil(known - 1e-6),
        "optimal": found.status == 0,
        "impossible": found.status == 2,
    }


def reweighted(
    a: np.ndarray, b: np.ndarray, sizes: np.ndarray, until: float, rng: np.random.Generator
) -> tuple[np.ndarray | None, int]:
    """The sparsest coefficients that a few rounds of reweighted LPs found before the time is up, and the starts."""
    best, fewest_terms, starts = None, math.inf, 0
    both = np.hstack([a, -a])
    while time.process_time() < until:
        starts += 1
        weights = sizes * rng.exponential(size=len(sizes)) ** 2
        for _ in range(6):
            left = until - time.process_time()
            if left <= 0:
                break
            found = linprog(
                np.concatenate([weights, weights]), A_eq=both, b_eq=b, bounds=(0, None),
                method="highs", options={"time_limit": left},
            )  # fmt: skip
            if found.x is None:
                break
            c = found.x[: len(sizes)] - found.x[len(sizes) :]
            terms = float(sizes[np.abs(c) > 1e-7].sum())
            if terms < fewest_terms:
                best, fewest_terms = c, terms
            weights = sizes / (np.abs(c) + 0.02) * rng.uniform(0.7, 1.3, size=len(sizes))
    return best, starts


def exact(found: Sequence[Sequence[Term]], c: np.ndarray) -> list[Term]:
    """The terms with rational coefficients."""
    return [
        Term(value, term.left, term.right)
        for orbit, v in zip(found, c, strict=True)
        if abs(v) > 1e-7
        for value in [Fraction(float(v)).limit_denominator(720) / 2]
        for term in orbit
    ]


def proved(terms: list[Term], n: int) -> dict[str, Any] | None:
    """The network of the terms and its sizes, if it is the maximum."""
    net = network(terms, n)
    names = ", ".join(f"x{i}" for i in range(1, n + 1))
    if not prove_symmetric(net, f"max({names})"):
        return None
    return {
        "terms": sum(term.left != term.right for term in terms),
        "layers": list(net.layer_sizes),
        "units": sum(net.layer_sizes[1:-1]),
        "denominator": math.lcm(*(term.coefficient.denominator for term in terms)),
        "formula": [str(term) for term in terms] if len(terms) <= 30 else None,
    }


def solvable_without(p: int, a: np.ndarray, b: np.ndarray) -> bool:
    """Whether a x = b has a solution without p in a denominator, by elimination modulo a power of p."""
    power = {3: 13, 5: 9}[p]
    modulus = p**power
    rows = np.column_stack([a, b]).astype(np.int64) % modulus
    while len(rows):
        for v in range(power):
            at = np.argwhere(rows[:, :-1] % p ** (v + 1))
            if len(at):
                break
        else:
            return not rows[:, -1].any()
        # An entry that p divides least often: it clears its column, and then its row, without p in a denominator.
        i, j = at[0]
        pivot, rows = rows[i], np.delete(rows, i, axis=0)
        if pivot[-1] % p**v:
            return False
        inverse = pow(int(pivot[j]) // p**v, -1, modulus)
        factors = rows[:, j] // p**v * inverse % modulus
        rows = (rows - factors[:, None] * pivot) % modulus
    return True


def search(name: str, n: int, terms: list[Term], seconds: float) -> dict[str, Any]:
    start = time.process_time()
    elements = group(GROUPS[n][name], n)
    found = orbits(terms, elements)
    sizes = np.array([sum(t.left != t.right for t in orbit) for orbit in found], dtype=float)
    a, b = equations(found, n)
    by_milp = fewest(a, b, sizes, seconds / 2)
    candidates = [by_milp["solution"]]
    starts = 0
    if not by_milp["optimal"] and not by_milp["impossible"]:
        until = time.process_time() + seconds / 2
        other, starts = reweighted(a, b, sizes, until, np.random.default_rng(3))
        candidates.append(other)
    results = [proved(exact(found, c), n) for c in candidates if c is not None]
    return {
        "inputs": n,
        "symmetry": name,
        "renamings": len(elements),
        "orbits": len(found),
        "equations": len(b),
        "best": min((r for r in results if r), key=lambda r: r["terms"], default=None),
        "bound": by_milp["bound"],
        "optimal": by_milp["optimal"],
        "LP starts": starts,
        "primes that every solution needs": [p for p in (3, 5) if not solvable_without(p, a, b)],
        "seconds allowed": seconds,
        "seconds": round(time.process_time() - start, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=positive(), default=SECONDS, help="for each symmetry")
    names = sorted({name for groups in GROUPS.values() for name in groups})
    parser.add_argument("--only", nargs="+", choices=names, default=None)
    inputs = whole_number(min(GROUPS), max(GROUPS))
    parser.add_argument("--inputs", type=inputs, nargs="+", default=list(GROUPS))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    there = {name for n in options.inputs for name in GROUPS[n]}
    if strange := [name for name in options.only or [] if name not in there]:
        parser.error(
            f"argument --only: expected any of {', '.join(sorted(there))} for "
            f"{' and '.join(map(str, options.inputs))} inputs, got {strange[0]!r}"
        )
    told = json.loads(options.results.read_text("utf-8")) if options.results.exists() else {}
    kept = {(each["inputs"], each["symmetry"]): each for each in told.get("searches", [])}
    for n in options.inputs:
        terms = family(n)
        for name in options.only or GROUPS[n]:
            if name not in GROUPS[n]:
                continue
            found = {"functions": len(terms), **search(name, n, terms, options.seconds)}
            kept[n, name] = found
            print({k: v for k, v in found.items() if k != "best"}, flush=True)
            if best := found["best"]:
                print("   ", best["layers"], best["denominator"], flush=True)
            told = {
                "largest coefficient in the MILP": LARGEST,
                "searches": list(kept.values()),
                "versions": {"python": platform.python_version(), "scipy": scipy.__version__},
            }
            options.results.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
