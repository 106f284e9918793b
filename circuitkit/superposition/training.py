r"""Training of many tied layers on sparse inputs, one seed beside the other.

``widget/static/superposing.mjs`` does the same, number for number, in the page: same stream, same order of
additions. So a seed has the same arrows here and there.

An input that is all zeros needs no sample: its loss is known, and samples are drawn from the others. For that
the first active feature is drawn from its geometric law, the later ones one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import accepts, count_or_list, double, made_by, number, shown, whole, wrong
from circuitkit.extras import need
from circuitkit.fixed import fix
from circuitkit.superposition.model import Superposition

__all__ = ["TrainedFeatures", "sparse_inputs", "train"]

Array = NDArray[np.float64]

_SPARSITY = number(
    "a chance from 0 to below 1", least=0, fits=lambda v: v < 1, bad=(1.0, 1.5), right=0.4
)
_SEED = whole(least=0, most=2**53 - 1, top="2^53 - 1")
_SEEDS = "a count from 1 to 1,000,000, or as many distinct whole numbers from 0 to 2^53 - 1"
#: inputs on which the mean error is measured
JUDGED = 4096
#: and on which it is asked for, at most; seeds, if they are counted
_MOST_INPUTS, _MOST_SEEDS = 10**7, 10**6
#: numbers in an array: two gigabytes
_MOST_NUMBERS = 2**28
#: which stream judges: no seed's own
_JUDGE = 2**53 - 1


_seeds = count_or_list(_SEEDS, _SEED, most=_MOST_SEEDS)


@dataclass(frozen=True)
class TrainedFeatures:
    """What training has made of each seed.

    Attributes:
        seeds: in the order given.
        weights: ``(n_seeds, m, n)``.
        bias: ``(n_seeds, n)``.
        sparsity: the chance that a feature is 0.
        importance: of each feature in the loss, ``(n,)``.
    """

    seeds: tuple[int, ...]
    weights: Array
    bias: Array
    sparsity: float
    importance: tuple[float, ...]

    def __post_init__(self) -> None:
        fix(self)

    def model(self, seed: int) -> Superposition:
        """The network of one seed.

        Raises:
            TypeError: no whole number.
            ValueError: a seed that was not trained.
        """
        if _SEED.take("seed", seed) not in self.seeds:
            raise wrong("seed", "one of those that were trained", shown(seed))
        k = self.seeds.index(seed)
        return Superposition(self.weights[k], self.bias[k])

    @property
    def matrices(self) -> Array:
        """:math:`W^\\top W` of every seed, ``(n_seeds, n, n)``."""
        found: Array = np.einsum("smi,smj->sij", self.weights, self.weights)
        return found

    @property
    def mean_error(self) -> Array:
        """The mean squared error, summed over the features, of every seed.

        Over the inputs of training, of which one that is all zeros is counted exactly and the others are
        4,096 samples, the same for every seed.
        """
        n = len(self.importance)
        x = sparse_inputs(n, self.sparsity, JUDGED)
        hidden = np.einsum("smi,xi->sxm", self.weights, x)
        out = np.maximum(np.einsum("smi,sxm->sxi", self.weights, hidden) + self.bias[:, None], 0)
        empty = self.sparsity**n
        sampled = ((out - x) ** 2).sum(axis=2).mean(axis=1)
        found: Array = empty * (np.maximum(self.bias, 0) ** 2).sum(axis=1) + (1 - empty) * sampled
        return found


@accepts(
    features=whole(least=1, most=1000),
    directions=whole(least=1, most=1000),
    sparsity=_SPARSITY,
    importance=double("a number above 0 and at most 1", above=0, fits=lambda v: v <= 1, bad=(1.5,)),
    seeds=made_by(
        _seeds, right=2, wrong=("4", None, 0, True, 2.5, [], [1, 1], [-1], [0.5], [2**53])
    ),
    steps=whole(least=1, most=1_000_000),
    batch=whole(least=1, most=100_000),
    learning_rate=double("a number", above=0),
)
def train(
    features: int = 5,
    directions: int = 2,
    *,
    sparsity: float = 0.9,
    importance: float = 0.9,
    seeds: int | Iterable[int] = 1,
    steps: int = 3000,
    batch: int = 64,
    learning_rate: float = 0.01,
) -> TrainedFeatures:
    r"""Train :math:`y = \mathrm{ReLU}(W^\top W x + b)` to give x back, from many seeds.

    Each feature is 0 with chance ``sparsity`` and else uniform between 0 and 1. The loss is
    :math:`\sum_i I_i (y_i - x_i)^2` with :math:`I_i =` ``importance`` :math:`^i`, i from 0; Adam, its rate falling
    linearly to 0; W starts uniform between :math:`\pm\sqrt{6/(n+m)}`, b at 0.

    Args:
        features: n, 1 to 1000.
        directions: m, 1 to 1000.
        sparsity: 0 or above, and below 1.
        importance: above 0 and at most 1.
        seeds: a count (the seeds 0, 1, ...), or distinct whole numbers. A seed gives the same network
            whatever other seeds run beside it, and in the page.
        steps: of Adam.
        batch: inputs a step.
        learning_rate: at the start.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.
        ImportError: numba is missing; it comes with the extra ``train``.

    Example:
        >>> run = train(sparsity=0.95, seeds=[3])
        >>> from circuitkit.superposition import geometry
        >>> geometry(run.weights[0])
        'pentagon'

    Source: Elhage et al. (2022); Kingma and Ba (2015) for Adam; Glorot and Bengio (2010) for the start.
    """
    asked = _seeds("seeds", seeds)
    if len(asked) * directions * features > _MOST_NUMBERS:
        raise wrong(
            "seeds",
            f"networks of at most {_MOST_NUMBERS:,} weights together",
            f"{len(asked):,} times {directions} times {features}",
        )
    weights = np.empty((len(asked), directions, features))
    bias = np.zeros((len(asked), features))
    shares = _powers(importance, features)
    words = _words(asked)
    _loops().descend()(
        weights, bias, words, shares, float(sparsity), steps, batch, float(learning_rate)
    )
    return TrainedFeatures(tuple(asked), weights, bias, float(sparsity), tuple(shares.tolist()))


@accepts(
    features=whole(least=1, most=1000),
    sparsity=_SPARSITY,
    count=whole(least=1, most=_MOST_INPUTS),
    seed=_SEED,
)
def sparse_inputs(features: int, sparsity: float, count: int, *, seed: int = _JUDGE) -> Array:
    """Inputs that are not all zeros, as training draws them, ``(count, features)``.

    Args:
        features: how many numbers an input has.
        sparsity: the chance that one of them is 0.
        count: how many inputs, 1 to 10 million, and not more than 2^28 numbers in all.
        seed: of the stream.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> x = sparse_inputs(5, 0.99, 1000)
        >>> bool((x.sum(axis=1) > 0).all()), bool(((x > 0).sum(axis=1) == 1).mean() > 0.95)
        (True, True)
    """
    if count * features > _MOST_NUMBERS:
        raise wrong("count", f"at most {_MOST_NUMBERS:,} numbers", f"{count:,} times {features}")
    x = np.empty((count, features))
    _loops().fill()(x, _words([seed])[0], float(sparsity))
    return x


def _powers(base: float, n: int) -> Array:
    """1, base, base^2, ... by products, as the page has them."""
    found = np.ones(n)
    for i in range(1, n):
        found[i] = found[i - 1] * base
    return found


def _words(seeds: Sequence[int]) -> NDArray[np.uint32]:
    """The state of the stream of each seed, ``(n_seeds, 4)``: lower and upper half, a constant, the counter."""
    return np.array([[s & 0xFFFFFFFF, s >> 32, 0x9E3779B9, 1] for s in seeds], dtype=np.uint32)


def _loops() -> Any:
    """The compiled loops, or an error that names the extra."""
    need("numba")
    from circuitkit.superposition import loops

    return loops
