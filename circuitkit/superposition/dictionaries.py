r"""Looking for features in the activations of a layer alone, and judging what was found by the truth.

A *dictionary* is a set of directions, *atoms*, such that each activation is a sum of few of them. Two ways
to learn one: a sparse autoencoder, in which one layer of ReLU says at once which atoms are active; and sparse
codes, in which that is solved for, input by input. Both minimize

.. math:: \lVert h - \textstyle\sum_k f_k d_k \rVert^2 + \lambda \sum_k f_k, \quad f_k \ge 0, \ \lVert d_k \rVert = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import accepts, double, instance, number, whole, wrong
from circuitkit.fixed import fix
from circuitkit.superposition.geometry import represented
from circuitkit.superposition.training import JUDGED, TrainedFeatures, sparse_inputs

__all__ = ["Dictionary", "Found", "autoencoder", "judge", "sparse_codes"]

Array = NDArray[np.float32]

#: inputs of each network to learn from, taken in turn
_POOL = 32_768
#: a code that is smaller is none
_NONE = 1e-4
_CODE_STEPS = 60


@dataclass(frozen=True)
class Dictionary:
    """What was learned from each of many networks, and how well it explains their activations.

    Attributes:
        atoms: unit vectors, ``(n_networks, units, m)``.
        alive: which of them are ever used, on 4,096 new inputs, ``(n_networks, units)``.
        unexplained: the share of the variance that is left, ``(n_networks,)``.
        active: how many atoms an input uses on average, ``(n_networks,)``.
    """

    atoms: Array
    alive: NDArray[np.bool_]
    unexplained: Array
    active: Array

    def __post_init__(self) -> None:
        fix(self)


@dataclass(frozen=True)
class Found:
    """A dictionary beside the truth, counted over all networks.

    A feature is *recovered* if an atom of its own points its way, in the best one-to-one assignment.

    Attributes:
        represented: features that the network represents, ``(n_networks,)``, and so on for the others.
        recovered: features that were found.
        alive: atoms that are used.
        false: atoms that are used and point at no feature.
        copies: atoms that are used and point at a feature that another one has.
    """

    represented: NDArray[np.int64]
    recovered: NDArray[np.int64]
    alive: NDArray[np.int64]
    false: NDArray[np.int64]
    copies: NDArray[np.int64]

    def __post_init__(self) -> None:
        fix(self)

    @property
    def missed(self) -> NDArray[np.int64]:
        """Features that are represented and were not found."""
        return self.represented - self.recovered

    @property
    def perfect(self) -> NDArray[np.bool_]:
        """Whether all features were found, and nothing else."""
        found: NDArray[np.bool_] = (self.missed == 0) & (self.false == 0)
        return found


_RUN = instance(TrainedFeatures)
# single precision holds what they are multiplied with
_PENALTY = double("a number up to 1e6", above=0, fits=lambda v: v <= 1e6, bad=(2e6,))
_RATE = double("a number up to 1000", above=0, fits=lambda v: v <= 1000, bad=(2000.0,))
#: more would end in no lifetime, and fit no memory
_UNITS = whole(least=1, most=2_000)
_STEPS = whole(least=1, most=1_000_000)


@accepts(
    run=_RUN, units=_UNITS, penalty=_PENALTY, steps=_STEPS,
    batch=whole(least=1, most=_POOL), learning_rate=_RATE,
)  # fmt: skip
def autoencoder(
    run: TrainedFeatures, units: int = 40, *, penalty: float = 0.3, steps: int = 4000,
    batch: int = 256, learning_rate: float = 0.01,
) -> Dictionary:  # fmt: skip
    r"""A sparse autoencoder of the middle layer of each network: :math:`f = \mathrm{ReLU}(E h + e)`.

    Adam, its rate falling linearly to 0; each atom is brought back to length 1 after each step.

    Args:
        run: networks from :func:`train`, whose inputs are drawn as they were in training.
        units: how many atoms, 1 to 2,000.
        penalty: :math:`\lambda`, above 0, up to 1e6.
        steps: of Adam, 1 to 1,000,000.
        batch: activations a step, 1 to 32,768.
        learning_rate: at the start, above 0, up to 1000.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Source: Bricken et al. (2023), "Towards Monosemanticity".
    """
    pools = _pools(run)
    atoms = _random_atoms(run, units)
    encoder, offset = atoms.copy(), np.zeros((len(atoms), 1, units), np.float32)
    parameters = [encoder, offset, atoms]
    adam = _Adam(parameters)
    for step in range(steps):
        h = _batch(pools, step, batch)
        before = h @ encoder.transpose(0, 2, 1) + offset
        codes = np.maximum(before, 0)
        error = codes @ atoms - h
        by_code = (2 / batch) * (error @ atoms.transpose(0, 2, 1)) + penalty / batch
        by_code *= before > 0
        slopes = [
            by_code.transpose(0, 2, 1) @ h,
            by_code.sum(axis=1, keepdims=True),
            (2 / batch) * (codes.transpose(0, 2, 1) @ error),
        ]
        adam.step(parameters, slopes, learning_rate * (1 - step / steps))
        _normalize(atoms)
    h = _pools(run, JUDGED, judging=True)
    return _judged(h, np.maximum(h @ encoder.transpose(0, 2, 1) + offset, 0), atoms)


@accepts(
    run=_RUN, units=_UNITS, penalty=_PENALTY, steps=_STEPS,
    batch=whole(least=1, most=_POOL),
)  # fmt: skip
def sparse_codes(
    run: TrainedFeatures,
    units: int = 20,
    *,
    penalty: float = 0.3,
    steps: int = 500,
    batch: int = 384,
) -> Dictionary:
    r"""Sparse codes of the middle layer of each network: what is active is solved for, by FISTA.

    Each step solves the codes of a batch and then moves each atom in turn to where it explains best what the
    steps so far have seen, older ones counting less. An atom that nothing uses takes the place of the
    activation that is explained worst.

    Args:
        run: networks from :func:`train`, whose inputs are drawn as they were in training.
        units: how many atoms, 1 to 2,000.
        penalty: :math:`\lambda`, above 0, up to 1e6.
        steps: of the dictionary, 1 to 1,000,000.
        batch: activations a step, 1 to 32,768.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Source: Beck and Teboulle (2009) for FISTA; Mairal et al. (2010), "Online Learning for Matrix
    Factorization and Sparse Coding".
    """
    pools = _pools(run)
    atoms = _random_atoms(run, units)
    n, _, m = atoms.shape
    squares = np.zeros((n, units, units), np.float32)
    products = np.zeros((n, units, m), np.float32)
    for step in range(steps):
        h = _batch(pools, step, batch)
        codes = _codes(h, atoms, penalty)
        keep = np.float32(1 - 1 / min(step + 1, 20))
        squares = keep * squares + codes.transpose(0, 2, 1) @ codes
        products = keep * products + codes.transpose(0, 2, 1) @ h
        for k in range(units):
            own = squares[:, k, k, None]
            moved = (
                products[:, k] - np.einsum("nu,num->nm", squares[:, k], atoms) + own * atoms[:, k]
            )
            used = np.linalg.norm(moved, axis=1) > 1e-6
            atoms[used, k] = moved[used] / np.linalg.norm(moved[used], axis=1, keepdims=True)
        if step % 10 == 9 and step < 0.8 * steps:
            _restart(h, codes, atoms)
    h = _pools(run, JUDGED, judging=True)
    return _judged(h, _codes(h, atoms, penalty), atoms)


@accepts(
    found=instance(Dictionary), run=_RUN, cosine=number("a cosine", above=0, fits=lambda v: v <= 1)
)
def judge(found: Dictionary, run: TrainedFeatures, *, cosine: float = 0.95) -> Found:
    """What a dictionary has found of the features that the networks really represent.

    Args:
        found: from :func:`autoencoder` or :func:`sparse_codes`.
        run: the networks that it was learned from.
        cosine: of the angle between an atom and a feature, above which it points its way.

    Raises:
        TypeError, ValueError: an argument that is not one of these, or dictionaries of other networks.
    """
    from scipy.optimize import linear_sum_assignment

    if len(found.atoms) != len(run.seeds) or found.atoms.shape[2] != run.weights.shape[1]:
        raise wrong("found", "a dictionary of the networks of run", f"shape {found.atoms.shape}")
    rows = []
    for weights, atoms, alive in zip(run.weights, found.atoms, found.alive, strict=True):
        features = weights[:, represented(weights)]
        features = features / np.linalg.norm(features, axis=0)
        near = (atoms[alive] @ features) > cosine
        pairs = linear_sum_assignment(near, maximize=True)
        recovered = int(near[pairs].sum())
        pointing = int(near.any(axis=1).sum())
        rows.append(
            (features.shape[1], recovered, len(near), len(near) - pointing, pointing - recovered)
        )
    return Found(*np.array(rows, dtype=np.int64).T)


# --- parts --------------------------------------------------------------------------------------------


def _pools(run: TrainedFeatures, count: int = _POOL, *, judging: bool = False) -> Array:
    """Activations of each network, ``(n_networks, count, m)``: of a stream of its seed, or of the judge's."""
    parts = []
    for seed, weights in zip(run.seeds, run.weights, strict=True):
        stream = {} if judging else {"seed": seed + 2**52 if seed < 2**52 else seed - 2**52}
        x = sparse_inputs(weights.shape[1], run.sparsity, count, **stream)
        parts.append((x @ weights.T).astype(np.float32))
    return np.stack(parts)


def _batch(pools: Array, step: int, batch: int) -> Array:
    start = step * batch % (pools.shape[1] - batch + 1)
    return pools[:, start : start + batch]


def _random_atoms(run: TrainedFeatures, units: int) -> Array:
    m = run.weights.shape[1]
    atoms = [np.random.default_rng(seed).normal(size=(units, m)) for seed in run.seeds]
    found = np.array(atoms, dtype=np.float32)
    _normalize(found)
    return found


def _normalize(atoms: Array) -> None:
    atoms /= np.maximum(np.linalg.norm(atoms, axis=2, keepdims=True), 1e-12)


class _Adam:
    """Adam on several arrays."""

    def __init__(self, parameters: list[Array]) -> None:
        self.first = [np.zeros_like(p) for p in parameters]
        self.second = [np.zeros_like(p) for p in parameters]
        self.steps = 0

    def step(self, parameters: list[Array], slopes: list[Any], rate: float) -> None:
        self.steps += 1
        scale1, scale2 = 1 - 0.9**self.steps, 1 - 0.999**self.steps
        for p, d, first, second in zip(parameters, slopes, self.first, self.second, strict=True):
            first += np.float32(0.1) * (d - first)
            second += np.float32(0.001) * (d * d - second)
            p -= np.float32(rate / scale1) * first / (np.sqrt(second / np.float32(scale2)) + 1e-8)


def _codes(h: Array, atoms: Array, penalty: float) -> Array:
    """Nonnegative sparse codes by FISTA, ``(n, batch, units)``."""
    gram = atoms @ atoms.transpose(0, 2, 1)
    wanted = h @ atoms.transpose(0, 2, 1) - np.float32(penalty / 2)
    size = np.float32(1) / np.linalg.eigvalsh(gram)[:, -1].astype(np.float32)[:, None, None]
    codes = ahead = np.zeros_like(wanted)
    pace = 1.0
    for _ in range(_CODE_STEPS):
        new = np.maximum(ahead + size * (wanted - ahead @ gram), 0)
        faster = (1 + np.sqrt(1 + 4 * pace * pace)) / 2
        ahead = new + np.float32((pace - 1) / faster) * (new - codes)
        codes, pace = new, faster
    return codes


def _restart(h: Array, codes: Array, atoms: Array) -> None:
    """Atoms that nothing uses take the place of the activations that are explained worst."""
    left = h - codes @ atoms
    worst = np.argsort(-np.linalg.norm(left, axis=2), axis=1)
    for network, unused in enumerate(codes.max(axis=1) <= _NONE):
        places = np.flatnonzero(unused)
        atoms[network, places] = left[network, worst[network, : len(places)]]
    _normalize(atoms)


def _judged(h: Array, codes: Array, atoms: Array) -> Dictionary:
    left = ((h - codes @ atoms) ** 2).sum(axis=(1, 2))
    around = ((h - h.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2))
    used = codes > _NONE
    alive: NDArray[np.bool_] = np.any(used, axis=1)
    return Dictionary(atoms, alive, left / around, used.sum(axis=2).mean(axis=1))
