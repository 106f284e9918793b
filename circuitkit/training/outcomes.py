r"""What became of a seed: its worst error over all inputs, and the named ways of being stuck.

**The worst error** is the proof's measure, the largest ``|net(x) - f(x)| / max(1, max|x_i|)`` over
all of R^n, in double precision and for all seeds at once. A network with biases b is one without
biases in one input more, ``Net(x, c) = net with biases c b``, and ``net(x) = Net(x, 1)``. Since
``Net(s x, s c) = s Net(x, c)`` for s > 0, the worst error over R^n is the largest
``|Net(x, c) - F(x, c)|`` on the surface ``max(|x_1|, ..., |x_n|, c) = 1`` with ``c >= 0``. Where
neither network nor target has a constant in it, c drops out.

=========================================  ====================================================
network and target                         the surface, and how its largest error is found
=========================================  ====================================================
one input, no constants                    two points: exact
two inputs, no constants;                  segments: both sides are piecewise linear on each, the
one input with constants                   breakpoints are computed layer by layer: exact
more                                       a fixed dense sample with all corners: a lower bound
a target that is not piecewise linear      a fixed dense sample: a lower bound
=========================================  ====================================================

Exact means up to rounding. Where it is a lower bound, :func:`circuitkit.prove` decides.

**The ways of being stuck**, in the order in which they are looked for; the first that fits names
the seed: what is wrong with the function, then with a unit, then with a layer. Several may fit, and
:func:`ways_of_being_stuck` tells all of them. They are read off the activations at fixed points that
cover [-1, 1]^n.

=================  ============================================================================
``"solved"``       the worst error is at most 1e-3
``"diverged"``     weights or loss are not finite
``"affine"``       the output is within 0.01 of an affine function: all kinks have gone
``"dead unit"``    some hidden unit contributes nothing: what it adds to the next layer is below 0.01
``"duplicate"``    two units of a layer are on together, in fixed proportion: one is to spare
``"one-sided"``    a hidden layer is off on a whole side of the inputs, where nothing can be learned
``"other"``        none of these: every unit does something of its own, and the sum is still wrong
=================  ============================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, reduce
from itertools import islice, product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitkit import words
from circuitkit.checks import (
    Kind,
    accepts,
    array,
    detached,
    listed,
    shown,
    whole,
    wrong,
    wrong_type,
)
from circuitkit.extras import need
from circuitkit.functions.pieces import Pieces, crossings
from circuitkit.functions.target import FUNCTION, Target
from circuitkit.training.compiled import Compiled, compiled

__all__ = ["OUTCOMES", "name_outcomes", "ways_of_being_stuck", "worst_errors"]

Array = NDArray[np.float64]

#: what can become of a seed, in the words of ``TrainingRun.outcomes``
OUTCOMES = ("solved", "diverged", "affine", "dead unit", "duplicate", "one-sided", "other")

_WAYS = OUTCOMES[2:-1]

#: what counts as nothing, for the ways of being stuck
_NOTHING = 1e-2
#: numbers held at a time: the memory that judging takes
_BUDGET = 2_000_000
#: more breakpoints than this on one segment, and a dense sample is taken instead
_MOST_BREAKPOINTS = 5_000
#: points of the dense samples: along a segment, along the side of a face, and in more dimensions
_DENSE = {2: 1025, 3: 21, 4: 4096}
#: an error of this size at one millionth of the way to infinity is taken for unbounded
_UNBOUNDED = 1e5
#: corners in a sample, and inputs that a Sobol sequence can have
_CORNERS = 2**12
_MOST_INPUTS = 21_200

_WEIGHTS = listed("a list with one array (n_seeds, n_out, n_in) a layer")
_BIASES = listed("a list with one array (n_seeds, n_out) a layer")


def _stacks(
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike] | None,
    *,
    n_inputs: int,
    n_outputs: int | None = None,
    whose: str = "target",
) -> tuple[list[Array], list[Array]]:
    """The layers of all seeds as float64, each chained to the one before; they may be inf or nan.

    Args:
        weights: one array ``(n_seeds, n_out, n_in)`` a layer.
        biases: one array ``(n_seeds, n_out)`` a layer; zeros if missing.
        n_inputs: how many columns the first layer has.
        n_outputs: how many rows the last layer has; None for any number.
        whose: what says how many inputs and outputs there are.

    Raises:
        TypeError: something that is no real number.
        ValueError: no layer, or shapes that do not fit.
    """
    given = list(weights)
    if not given:
        raise wrong("weights", "at least one layer", "an empty list")
    w = [array(a, f"weights[{i}]") for i, a in enumerate(given)]
    n_seeds, before, of = None, n_inputs, f"input of the {whose}"
    for i, a in enumerate(w):
        name, got = f"weights[{i}]", f"shape {a.shape}"
        if a.ndim != 3 or not a.shape[1]:
            raise wrong(name, "shape (n_seeds, n_out, n_in), with at least one unit", got)
        n_seeds = len(a) if n_seeds is None else n_seeds
        if len(a) != n_seeds:
            raise wrong(name, f"{words.count(n_seeds, 'seed')} as in weights[0]", got)
        if a.shape[2] != before:
            columns = words.count(before, "column")
            raise wrong(name, f"{columns}, one for each {of}", f"{a.shape[2]} ({got})")
        before, of = a.shape[1], "unit of the layer before"
    if n_outputs is not None and before != n_outputs:
        rows = words.count(n_outputs, "row")
        raise wrong(
            f"weights[{len(w) - 1}]",
            f"{rows}, one for each output of the {whose}",
            f"{before} (shape {w[-1].shape})",
        )
    if biases is None:
        return w, [np.zeros(a.shape[:2]) for a in w]
    b = [array(a, f"biases[{i}]") for i, a in enumerate(biases)]
    if len(b) != len(w):
        raise wrong("biases", f"{words.count(len(w), 'array')}, one a layer", len(b))
    for i, (a, o) in enumerate(zip(w, b, strict=True)):
        if o.shape != a.shape[:2]:
            raise wrong(f"biases[{i}]", f"shape {a.shape[:2]}, as weights[{i}]", f"shape {o.shape}")
    return w, b


def _flags(name: str, value: ArrayLike) -> NDArray[np.bool_]:
    try:
        flags = np.asarray(detached(name, value, within=1))
    except (TypeError, ValueError):  # a ragged list
        flags = np.asarray(None)
    if flags.dtype != bool:
        raise wrong_type(name, "an array of bool, one for each seed", shown(value))
    return flags


_FLAGS = Kind(_flags, [True], ("yes", 1, [1], [0.5], None, 10**400))


@accepts(target=FUNCTION, weights=_WEIGHTS, biases=_BIASES)
def worst_errors(
    target: Target, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike] | None = None
) -> Array:
    """The largest ``|net(x) - f(x)| / max(1, max|x_i|)`` over R^n for every seed.

    Args:
        target: the function f, or what :func:`circuitkit.target` takes for one.
        weights: one array ``(n_seeds, n_out, n_in)`` a layer.
        biases: one array ``(n_seeds, n_out)`` a layer; zeros if missing.

    Returns:
        Shape ``(n_seeds,)``; inf where the error grows without bound relative to the inputs, nan for
        networks that are not finite. The module's documentation says where it is exact.

    Raises:
        TypeError: no function, or weights and biases that are not real numbers.
        ValueError: no layer, shapes that do not chain, or other inputs and outputs than the function's.

    Example:
        The identity, and the network that has only its positive half:

        >>> from circuitkit.functions.target import target
        >>> in_weights = [[[1.0], [-1.0]], [[1.0], [1.0]]]
        >>> out_weights = [[[1.0, -1.0]], [[0.5, 0.5]]]
        >>> worst_errors(target("identity"), [in_weights, out_weights])
        array([0., 1.])
    """
    w, b = _stacks(weights, biases, n_inputs=target.n_inputs, n_outputs=target.n_outputs)
    pieces = target.pieces if target.is_piecewise_linear else None
    constants = any(bool(a.any()) for a in b) or pieces is None or not pieces.is_homogeneous
    # Weights (n_seeds, n_out, n_in + 1): the last column multiplies c.
    rows = [np.concatenate([a, o[..., None]], axis=2) for a, o in zip(w, b, strict=True)]
    m = target.n_inputs + constants
    worst = np.zeros(len(w[0]))
    if m == 2 and pieces is not None:
        for start, end in _segments(target.n_inputs):
            known = pieces.breakpoints(start, end)
            worst = np.maximum(worst, _along(pieces, rows, start, end, known))
        return worst
    points = _surface(target.n_inputs, constants)
    if pieces is None:
        # The way to infinity: a target that outgrows every linear function shows it at c = 1e-6.
        points[:, -1] = np.maximum(points[:, -1], 1e-6)
    f = pieces.values(points) if pieces is not None else _numerically(target, points)
    for part in _parts(len(worst), len(points) * max(a.shape[1] for a in rows)):
        worst[part] = np.abs(_outputs(rows, part, points.T) - f.T).max(axis=(1, 2))
    return worst if pieces is not None else np.where(worst > _UNBOUNDED, np.inf, worst)


def _parts(n: int, numbers: int) -> Iterator[slice]:
    """Slices of ``n`` seeds that need ``numbers`` numbers each."""
    step = max(1, _BUDGET // max(1, numbers))
    return (slice(start, start + step) for start in range(0, n, step))


def _preactivations(rows: list[Array], part: slice, x: Array) -> Iterator[Array]:
    """Every layer's preactivations at homogeneous points, ``(n_seeds, n_units, n_points)``.

    Args:
        rows: weights with the column for c.
        part: which seeds.
        x: points (x_1, ..., x_n, c), ``(n + 1, n_points)`` or ``(n_seeds, n + 1, n_points)``.
    """
    c = np.ascontiguousarray(x[..., -1, :].reshape(-1, x.shape[-1]))
    h = x[..., :-1, :]
    for layer, w in enumerate(rows):
        if layer:
            h = np.maximum(h, 0)
        seeds = np.ascontiguousarray(w[part])
        z = np.empty((*seeds.shape[:2], x.shape[-1]))
        _affine()(seeds, np.ascontiguousarray(h.reshape(-1, *h.shape[-2:])), c, z)
        yield z
        h = z


@cache
def _affine() -> Compiled:
    types = need("numba").types
    matrices = types.Array(types.float64, 3, "C")
    taken = types.void(matrices, matrices, types.Array(types.float64, 2, "C"), matrices)
    return compiled(_sum_over_units, taken)


def _sum_over_units(w: Array, h: Array, c: Array, z: Array) -> None:
    """Into z the preactivations of a layer: ``w[..., :-1] h + w[..., -1] c``.

    Not a matrix product: that may round differently in other company. ``h`` and ``c`` are for all
    seeds, or one for each.
    """
    for s in range(w.shape[0]):
        below, constant = h[s % len(h)], c[s % len(c)]
        for o in range(w.shape[1]):
            total = z[s, o]
            last = w[s, o, w.shape[2] - 1]
            for p in range(len(total)):
                total[p] = last * constant[p]
            for i in range(w.shape[2] - 1):
                factor, unit = w[s, o, i], below[i]
                for p in range(len(total)):
                    total[p] += factor * unit[p]


def _outputs(rows: list[Array], part: slice, x: Array) -> Array:
    return reduce(lambda _, z: z, _preactivations(rows, part, x))


def _segments(n_inputs: int) -> list[tuple[Array, Array]]:
    """Both ends (x.., c) of the pieces of the surface that are segments."""
    if n_inputs == 1:  # x = -1 and x = 1 out to infinity (c = 0), and between them c = 1
        ends = [((-1, 0), (-1, 1)), ((1, 0), (1, 1)), ((-1, 1), (1, 1))]
    else:  # the square's sides; c plays no part
        square = [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]
        corners = [np.array(a, dtype=float) for a in square]
        return list(zip(corners, [*corners[1:], corners[0]], strict=True))
    return [(np.array(a, dtype=float), np.array(b, dtype=float)) for a, b in ends]


def _along(pieces: Pieces, rows: list[Array], start: Array, end: Array, known: Array) -> Array:
    """The largest error of every seed on the segment from ``start`` to ``end``."""
    n = len(rows[0])
    count = len(known)
    for w in rows[:-1]:
        count += (count - 1) * w.shape[1]
    dense = count > _MOST_BREAKPOINTS
    if dense:
        known = np.union1d(known, np.linspace(0, 1, _DENSE[2]))
        count = len(known)
    worst = np.empty(n)
    for part in _parts(n, count * max(w.shape[1] for w in rows)):
        t = np.broadcast_to(known, (len(rows[0][part]), len(known)))
        for layer in range(0 if dense else len(rows) - 1):
            x = _points_on(start, end, t)
            *_, z = _preactivations(rows[: layer + 1], part, x)
            t = np.sort(np.concatenate([t, crossings(t, z)], axis=1), axis=1)
        x = _points_on(start, end, t)
        f = pieces.values(x.transpose(0, 2, 1)).transpose(0, 2, 1)
        worst[part] = np.abs(_outputs(rows, part, x) - f).max(axis=(1, 2))
    return worst


def _points_on(start: Array, end: Array, t: Array) -> Array:
    """Points at the shares ``t`` of the way, ``(..., n + 1, n_points)``."""
    return start[:, None] * (1 - t[..., None, :]) + end[:, None] * t[..., None, :]


def _surface(n_inputs: int, constants: bool) -> Array:
    """Points (x, c) that cover the surface max(|x_i|, c) = 1, c >= 0, shape ``(n_points, n + 1)``."""
    m = n_inputs + constants
    # Not all of them: of 30 inputs they would be a thousand million.
    corners = np.array(list(islice(product([-1.0, 1.0], repeat=m), _CORNERS)))
    if m == 1:
        points = corners
    elif m <= 3:
        side = np.linspace(-1, 1, _DENSE[m])
        face = np.stack(np.meshgrid(*[side] * (m - 1), indexing="ij"), axis=-1).reshape(-1, m - 1)
        faces = [np.insert(face, axis, sign, axis=1) for axis in range(m) for sign in (-1, 1)]
        points = np.concatenate(faces)
    else:
        from scipy.stats import qmc

        inside = 2 * qmc.Sobol(m, scramble=True, rng=np.random.default_rng(0)).random(_DENSE[4]) - 1
        out = inside / np.abs(inside).max(axis=1, keepdims=True)
        axes = np.concatenate([np.eye(m), -np.eye(m)])
        points = np.concatenate([corners, axes, out])
    if not constants:
        return np.column_stack([points, np.zeros(len(points))])
    return points[points[:, -1] >= 0]


def _numerically(target: Target, points: Array) -> Array:
    c = points[:, -1:]
    with np.errstate(all="ignore"):
        columns = list((points[:, :-1] / c).T)
        values = [
            np.broadcast_to(np.asarray(y, dtype=float), len(c)) for y in target._call(*columns)
        ]
    f = c * np.stack(values, axis=-1)
    return np.where(np.isfinite(f), f, np.inf)


@accepts(target=FUNCTION, weights=_WEIGHTS, biases=_BIASES, solved=_FLAGS, diverged=_FLAGS)
def name_outcomes(
    target: Target,
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    *,
    solved: NDArray[np.bool_],
    diverged: NDArray[np.bool_],
) -> NDArray[np.str_]:
    """One of :data:`OUTCOMES` for every seed, ``(n_seeds,)``.

    Args:
        target: the function f, or what :func:`circuitkit.target` takes for one.
        weights: one array ``(n_seeds, n_out, n_in)`` a layer.
        biases: one array ``(n_seeds, n_out)`` a layer.
        solved: which seeds found the function, shape ``(n_seeds,)``.
        diverged: which seeds have weights or a loss that is not finite, shape ``(n_seeds,)``.

    Raises:
        TypeError: no function, numbers that are not real, or flags that are no bool.
        ValueError: shapes that do not fit each other or the function.

    Example:
        >>> import numpy as np
        >>> from circuitkit.functions.target import target
        >>> weights = [np.array([[[1.0], [-1.0]], [[1.0], [0.0]]]), np.array([[[1.0, -1.0]]] * 2)]
        >>> biases = [np.zeros((2, 2)), np.zeros((2, 1))]
        >>> right, lost = np.array([True, False]), np.array([False, False])
        >>> name_outcomes(target("identity"), weights, biases, solved=right, diverged=lost)
        array(['solved', 'dead unit'], dtype='<U9')
    """
    w, b = _stacks(weights, biases, n_inputs=target.n_inputs, n_outputs=target.n_outputs)
    for name, flags in (("solved", solved), ("diverged", diverged)):
        if flags.shape != (len(w[0]),):
            raise wrong(name, f"shape {(len(w[0]),)}, one for each seed", f"shape {flags.shape}")
    ways = ways_of_being_stuck(target.n_inputs, w, b)
    conditions = [diverged, solved, *ways.values()]
    return np.select(conditions, ["diverged", "solved", *ways], default="other")


@accepts(n_inputs=whole(least=1, most=_MOST_INPUTS), weights=_WEIGHTS, biases=_BIASES)
def ways_of_being_stuck(
    n_inputs: int, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]
) -> dict[str, NDArray[np.bool_]]:
    """Which of the named ways fit each network; several may.

    Args:
        n_inputs: how many numbers the networks take, from 1 to 21,200.
        weights: one array ``(n_seeds, n_out, n_in)`` a layer.
        biases: one array ``(n_seeds, n_out)`` a layer.

    Returns:
        ``"affine" "dead unit" "duplicate" "one-sided"`` -> bool array ``(n_seeds,)``.

    Raises:
        TypeError: ``n_inputs`` that is no int, weights or biases that are not real numbers.
        ValueError: no layer, shapes that do not chain, or another number of inputs.

    Example:
        Both units are on for x > 0 alone:

        >>> weights = [np.array([[[1.0], [2.0]]]), np.array([[[1.0, -1.0]]])]
        >>> ways = ways_of_being_stuck(1, weights, [np.zeros((1, 2)), np.zeros((1, 1))])
        >>> [name for name, fits in ways.items() if fits[0]]
        ['duplicate', 'one-sided']

    Source: Lu et al. (2020) for dead units; the other ways are this book's.
    """
    ws, bs = _stacks(weights, biases, n_inputs=n_inputs, whose="networks")
    rows = [np.concatenate([w, b[..., None]], axis=2) for w, b in zip(ws, bs, strict=True)]
    n = len(rows[0])
    found = {k: np.zeros(n, dtype=bool) for k in _WAYS}
    x = _inside(n_inputs, any(bool(b.any()) for b in bs))
    affine = np.column_stack([x, np.ones(len(x))])
    project = np.eye(len(x)) - affine @ np.linalg.pinv(affine)
    homogeneous = affine.T
    with np.errstate(all="ignore"):
        for part in _parts(n, len(x) * sum(w.shape[1] for w in rows)):
            *hidden, output = _preactivations(rows, part, homogeneous)
            bend = np.abs(output @ project).max(axis=(1, 2))
            found["affine"][part] = bend <= _NOTHING
            for z, w in zip(hidden, rows[1:], strict=True):
                h = np.maximum(z, 0)  # (n_seeds, n_units, n_points)
                size = h.max(axis=2)
                outgoing = np.abs(w[part, :, :-1]).max(axis=1)
                off = (h == 0).all(axis=1).any(axis=1)
                found["one-sided"][part] |= off
                found["dead unit"][part] |= (size * outgoing <= _NOTHING).any(axis=1)
                shape = h / np.maximum(size, 1e-300)[..., None]
                for i in range(shape.shape[1]):
                    for j in range(i):
                        apart = np.abs(shape[:, i] - shape[:, j]).max(axis=1)
                        both = (size[:, i] > 0) & (size[:, j] > 0)
                        found["duplicate"][part] |= both & (apart <= _NOTHING)
    return found


def _inside(n_inputs: int, biases: bool) -> Array:
    """Points of [-1, 1]^n in general position: none lies where a unit of a tidy network turns on."""
    if n_inputs == 1:
        return (np.linspace(-1, 1, 128) if biases else np.array([-1, -0.5, 0.5, 1.0]))[:, None]
    if n_inputs == 2 and not biases:
        angle = (np.arange(128) + 1 / np.pi) * (2 * np.pi / 128)
        u = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return np.concatenate([u, u / 2])
    from scipy.stats import qmc

    sobol = qmc.Sobol(n_inputs, scramble=True, rng=np.random.default_rng(0))
    return np.asarray(2 * sobol.random(512) - 1)
