"""JAX's half of ``benchmarks/training.py``; runs in an environment of its own.

    python training_jax.py PROBLEM.npz natural|best

Reads the points and initial weights that the other contenders get, prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np


def natural_loss(weights, x, y):
    """One network, written as everybody would: points first, matrix products."""
    h = x
    for i, w in enumerate(weights):
        h = h @ w.T
        h = jax.nn.relu(h) if i < len(weights) - 1 else h
    return ((h - y) ** 2).sum()


def seeds_last_loss(weights, x, y):
    """All networks, elementwise, the seed axis last: activations are (n_units, n_points, S)."""
    h = [column[:, None] for column in x.T]
    for i, w in enumerate(weights):
        z = [sum(w[o, k] * h[k] for k in range(len(h))) for o in range(w.shape[0])]
        h = [jax.nn.relu(v) for v in z] if i < len(weights) - 1 else z
    return ((h[0] - y) ** 2).sum()  # the sum over seeds: each has a gradient of its own


def descend(loss, weights, x, y, steps, rate):
    gradient = jax.grad(loss)

    def step(_, w):
        return jax.tree.map(lambda a, g: a - rate * g, w, gradient(w, x, y))

    return jax.lax.fori_loop(0, steps, step, weights)


def descend_on_batches(weights, key, size, n_inputs, target, steps, rate):
    """Fresh uniform batches, the same for all networks."""
    gradient = jax.grad(lambda w, x: natural_loss(w, x, target(x)) / size)

    def step(i, w):
        x = jax.random.uniform(
            jax.random.fold_in(key, i), (size, n_inputs), minval=-1.0, maxval=1.0
        )
        return jax.tree.map(lambda a, g: a - rate * g, w, gradient(w, x))

    return jax.lax.fori_loop(0, steps, step, weights)


TARGETS = {
    "abs": jnp.abs,
    "min": lambda x: x.min(axis=1, keepdims=True),
}


def measure(function, arguments, repeats):
    """Compile time, and wall and processor time of the best of some runs."""
    began = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    compile_seconds = time.perf_counter() - began
    jax.block_until_ready(compiled(*arguments))
    best = (np.inf, np.inf)
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        result = jax.block_until_ready(compiled(*arguments))
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    return compile_seconds, *best, result


def main() -> None:
    problem = np.load(sys.argv[1])
    how, repeats = sys.argv[2], int(problem["repeats"])
    steps, rate = int(problem["steps"]), float(problem["rate"])
    x, y = (jnp.asarray(problem[k], dtype=jnp.float32) for k in ("x", "y"))
    seeds_first = [problem[f"w{i}"].astype(np.float32) for i in range(int(problem["layers"]))]
    n = len(seeds_first[0])
    if how == "natural":
        run = jax.vmap(partial(descend, natural_loss, x=x, y=y, steps=steps, rate=rate))
        weights = [jnp.asarray(w) for w in seeds_first]
        compile_seconds, wall, cpu, result = measure(run, (weights,), repeats)
        final = [np.asarray(w) for w in result]
    elif how == "batches":
        key, target = jax.random.key(0), TARGETS[str(problem["target"])]
        run = jax.vmap(lambda w: descend_on_batches(w, key, 1000, x.shape[1], target, steps, rate))
        weights = [jnp.asarray(w) for w in seeds_first]
        compile_seconds, wall, cpu, result = measure(run, (weights,), repeats)
        final = [np.asarray(w) for w in result]
    else:
        best = None
        for s in (512, n):  # chunks that fit in the cache, or all at once
            one_chunk = partial(descend, seeds_last_loss, x=x, y=y[:, :1], steps=steps, rate=rate)
            run = partial(jax.lax.map, one_chunk)

            chunks = [
                jnp.asarray(w.reshape(n // s, s, *w.shape[1:]).transpose(0, 2, 3, 1))
                for w in seeds_first
            ]
            measured = (*measure(run, (chunks,), repeats), s)
            if best is None or measured[1] < best[1]:
                best = measured
        compile_seconds, wall, cpu, result, s = best
        final = [np.asarray(w).transpose(0, 3, 1, 2).reshape(n, *w.shape[1:3]) for w in result]
    np.savez(sys.argv[3], *final)
    print(
        json.dumps(
            {
                "networks": n,
                "seconds": wall,
                "cpu_seconds": cpu,
                "compile_seconds": compile_seconds,
                "chunk": s if how == "best" else None,
                "version": jax.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
