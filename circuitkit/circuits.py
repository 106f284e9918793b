r"""The networks derived by hand, one function each, and two ways to build larger ones from them.

Every circuit here is bias-free and made of the same few parts: a *positiveness detector*
``relu(t)``, a *negativeness detector* ``relu(-t)``, a *greaterness detector* ``relu(x1 - x2)``, and
*reconstructors*, the output weights that put the pieces together again.

Source: the deck, "Single Number Inputs" to "Minimum"; the 2-3-1 minimum from its later version.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from circuitkit import maxima
from circuitkit.checks import accepts, double, instance, one_of, string, wrong
from circuitkit.functions.catalogue import NAMES
from circuitkit.network import Network
from circuitkit.words import alternatives, count

__all__ = [
    "absolute",
    "add",
    "circuit",
    "compose",
    "identity",
    "maximum",
    "maximum_of_five",
    "maximum_of_six",
    "minimum",
    "minimum_by_average",
    "minimum_four",
    "minimum_two_layers",
    "negation",
    "parallel",
    "subtract",
]


#: the weight into a detector of the positive or of the negative half; its inverse is a weight, too
_POSITIVE = double(
    "a weight above 0 with a finite inverse (a positiveness detector)",
    fits=lambda w: w > 0 and math.isfinite(1 / w),
    bad=(0.0, -1.0, 5e-324),
)
_NEGATIVE = double(
    "a weight below 0 with a finite inverse (a negativeness detector)",
    fits=lambda w: w < 0 and math.isfinite(1 / w),
    right=-0.5,
    bad=(0.0, 1.0, -5e-324),
)
_VIA = one_of(1, 2, expected="1 or 2, the input that is reconstructed")


@accepts(w1=_POSITIVE, w2=_NEGATIVE)
def identity(w1: float = 1.0, w2: float = -1.0) -> Network:
    r"""The identity, 1-2-1: :math:`\mathrm{relu}(w_1 x)/w_1 + \mathrm{relu}(w_2 x)/w_2 = x`.

    ==========  ====================  =====================  ======
    input       positiveness unit     negativeness unit      output
    ==========  ====================  =====================  ======
    x >= 0      w1 x                  0                      x
    x <= 0      0                     w2 x                   x
    ==========  ====================  =====================  ======

    Every such pair of weights is a perfect solution: a curve of them for each sign. In float64 the
    inverse is exact for powers of two and rounded (relative error 1e-16) otherwise.

    Args:
        w1: hidden weight of the positiveness detector, above 0; its output weight is ``1/w1``.
        w2: hidden weight of the negativeness detector, below 0; its output weight is ``1/w2``.

    Raises:
        ValueError: a weight of the wrong sign, or one whose inverse is not finite.

    Example:
        >>> identity(w1=2.0, w2=-0.5)([[3], [-5]])
        array([[ 3.],
               [-5.]])

    Source: the deck, "Identity Function: More Precisely".
    """
    return Network([[[w1], [w2]], [[1 / w1, 1 / w2]]])


@accepts(w1=_POSITIVE, w2=_NEGATIVE)
def negation(w1: float = 1.0, w2: float = -1.0) -> Network:
    r"""The negative identity, 1-2-1: :math:`-\mathrm{relu}(w_1 x)/w_1 - \mathrm{relu}(w_2 x)/w_2 = -x`.

    The identity's detectors under output weights of the opposite sign.

    Args:
        w1: hidden weight of the positiveness detector, above 0; its output weight is ``-1/w1``.
        w2: hidden weight of the negativeness detector, below 0; its output weight is ``-1/w2``.

    Raises:
        ValueError: a weight of the wrong sign, or one whose inverse is not finite.

    Example:
        >>> negation()(3)
        array([-3.])

    Source: the deck, "Negative Identity Function".
    """
    return Network([[[w1], [w2]], [[-1 / w1, -1 / w2]]])


@accepts(w1=_POSITIVE, w2=_NEGATIVE)
def absolute(w1: float = 1.0, w2: float = -1.0) -> Network:
    r"""The absolute value, 1-2-1: :math:`\mathrm{relu}(w_1 x)/w_1 - \mathrm{relu}(w_2 x)/w_2 = |x|`.

    The identity's detectors, both counted positively.

    Args:
        w1: hidden weight of the positiveness detector, above 0; its output weight is ``1/w1``.
        w2: hidden weight of the negativeness detector, below 0; its output weight is ``-1/w2``.

    Raises:
        ValueError: a weight of the wrong sign, or one whose inverse is not finite.

    Example:
        >>> absolute()(-5)
        array([5.])

    Source: the deck, "Absolute Value".
    """
    return Network([[[w1], [w2]], [[1 / w1, -1 / w2]]])


@accepts(w1=_POSITIVE, w2=_NEGATIVE)
def add(w1: float = 1.0, w2: float = -1.0) -> Network:
    r"""The sum, 2-2-1: the identity applied to :math:`s = x_1 + x_2`.

    :math:`\mathrm{relu}(w_1 s)/w_1 + \mathrm{relu}(w_2 s)/w_2 = x_1 + x_2`.

    Args:
        w1: hidden weight of the positiveness detector, above 0; its output weight is ``1/w1``.
        w2: hidden weight of the negativeness detector, below 0; its output weight is ``1/w2``.

    Raises:
        ValueError: a weight of the wrong sign, or one whose inverse is not finite.

    Example:
        >>> add()([3, -5])
        array([-2.])

    Source: the deck, "Addition".
    """
    return Network([[[w1, w1], [w2, w2]], [[1 / w1, 1 / w2]]])


@accepts(w1=_POSITIVE, w2=_NEGATIVE)
def subtract(w1: float = 1.0, w2: float = -1.0) -> Network:
    r"""The difference, 2-2-1: the identity applied to :math:`d = x_1 - x_2`.

    Its positiveness detector, :math:`\mathrm{relu}(x_1 - x_2)`, is the *greaterness detector* of
    ``x1`` over ``x2``; its negativeness detector that of ``x2`` over ``x1``.

    Args:
        w1: hidden weight of the positiveness detector, above 0; its output weight is ``1/w1``.
        w2: hidden weight of the negativeness detector, below 0; its output weight is ``1/w2``.

    Raises:
        ValueError: a weight of the wrong sign, or one whose inverse is not finite.

    Example:
        >>> subtract()([3, 5])
        array([-2.])

    Source: the deck, "Subtraction".
    """
    return Network([[[w1, -w1], [w2, -w2]], [[1 / w1, 1 / w2]]])


@accepts(via=_VIA)
def minimum(via: int = 1) -> Network:
    r"""The minimum of two numbers, 2-3-1.

    :math:`\min(x_1, x_2) = \mathrm{relu}(x_1) - \mathrm{relu}(-x_1) - \mathrm{relu}(x_1 - x_2)`:
    reconstruct ``x1``, then subtract the greaterness detector, that is, how much too large it is.

    Args:
        via: which input is reconstructed, 1 or 2. ``via=2`` is the mirror image.

    Raises:
        ValueError: ``via`` is neither 1 nor 2.

    Example:
        >>> minimum().activations([3, -5])
        [array([3., 0., 8.])]
        >>> minimum()([3, -5])
        array([-5.])

    Source: the deck, "Minimum Function", its last hidden layer merged away.
    """
    return _extremum(via, sign=-1)


@accepts(via=_VIA)
def maximum(via: int = 1) -> Network:
    r"""The maximum of two numbers, 2-3-1.

    :math:`\max(x_1, x_2) = \mathrm{relu}(x_1) - \mathrm{relu}(-x_1) + \mathrm{relu}(x_2 - x_1)`:
    reconstruct ``x1``, then add how much greater ``x2`` is.

    Args:
        via: which input is reconstructed, 1 or 2. ``via=2`` is the mirror image.

    Raises:
        ValueError: ``via`` is neither 1 nor 2.

    Example:
        >>> maximum()([3, -5])
        array([3.])

    Source: this book, by the same argument as the minimum.
    """
    return _extremum(via, sign=1)


def minimum_two_layers() -> Network:
    r"""The deck's minimum of two numbers, 2-3-2-1.

    The first hidden layer holds ``x1`` as positiveness ``p`` and negativeness ``n`` and the
    greaterness ``g`` of ``x1`` over ``x2``; the second the minimum's own positiveness
    ``relu(p - n - g)`` and negativeness ``relu(-p + n + g)``; the output reconstructs it.

    Example:
        >>> minimum_two_layers().activations([3, -5])
        [array([3., 0., 8.]), array([0., 5.])]

    Source: the deck, "Minimum Function: Simplified".
    """
    return Network(
        [
            [[1, 0], [-1, 0], [1, -1]],
            [[1, -1, -1], [-1, 1, 1]],
            [[1, -1]],
        ]
    )


def minimum_by_average() -> Network:
    r"""The minimum as average less half the distance, 2-4-1.

    :math:`\min(x_1, x_2) = \tfrac12 (x_1 + x_2) - \tfrac12 |x_1 - x_2|`: one unit more than
    :func:`minimum`, yet a smaller weight norm (:math:`\sum |w_{in}||w_{out}|` of 2.83 against 3.41).

    Example:
        >>> minimum_by_average()([3, -5])
        array([-5.])

    Source: this book, from the circuits of "Addition", "Subtraction" and "Absolute Value".
    """
    return Network([[[1, 1], [-1, -1], [1, -1], [-1, 1]], [[0.5, -0.5, -0.5, -0.5]]])


def minimum_four() -> Network:
    r"""The minimum of four numbers from three minimum circuits, 4-6-3-1.

    :math:`\min(\min(x_1, x_2), \min(x_3, x_4))`. The output of the two blocks below and the first
    layer of the block above are both linear and merge into one layer.

    Example:
        >>> minimum_four()([4, -2, 7, -3])
        array([-3.])

    Source: the deck, "Minimum of four: Circuit".
    """
    return compose(minimum(), parallel(minimum(), minimum()))


def maximum_of_five() -> Network:
    r"""The maximum of five numbers with two hidden layers, 5-10-8-1, exact in float64.

    A sum of six terms :math:`c \max(A, B)`, where A and B are sums of two :math:`\max(x_i, x_j)`, which
    :func:`circuitkit.maxima.five` lists. A knockout tournament needs fewer units, 16, and three hidden layers.

    Example:
        >>> maximum_of_five()([3, 1, 4, 1, 5])
        array([5.])

    Source: this book; that two layers are enough for five is due to Bakaev et al., "Better neural network
    expressivity: subdividing the simplex" (2025).
    """
    return maxima.network(maxima.five(), 5)


def maximum_of_six() -> Network:
    r"""The maximum of six numbers with two hidden layers, 6-18-68-1, with an exact scale of 1/12.

    A sum of sixty-six terms :math:`c \max(A, B)` as in :func:`maximum_of_five`; :func:`circuitkit.maxima.six` tells them by four examples.
    A knockout tournament needs 17 units, in three hidden layers.

    Example:
        >>> maximum_of_six().layer_sizes, maximum_of_six().scale
        ((6, 18, 68, 1), Fraction(1, 12))
        >>> maximum_of_six()([3, 1, 4, 1, 5, 9])
        array([9.])

    Source: this book; the family of terms is that of https://github.com/msun170/relu-max6, where the first two-layer network for six was published.
    """
    return maxima.network(maxima.six(), 6)


#: the circuits derived by hand for functions of the catalogue
DERIVED: dict[str, Callable[[], Network]] = {
    "identity": identity,
    "negation": negation,
    "abs": absolute,
    "add": add,
    "subtract": subtract,
    "min": minimum,
    "max": maximum,
    "min4": minimum_four,
    "max_of_five_in_two": maximum_of_five,
    "max_of_six_in_two": maximum_of_six,
}


@accepts(name=string("the name of a circuit", empty=True))
def circuit(name: str) -> Network:
    """The smallest network known for a name of the catalogue; the deck's with its weights 1 and -1.

    Args:
        name: of :data:`circuitkit.catalogue`: ``"identity" "min" "median_of_three" "full_adder" ...``.

    Raises:
        TypeError: ``name`` is not text.
        ValueError: no circuit of that name; close matches are listed.

    Example:
        >>> circuit("min")
        Network(2-3-1, no biases)
        >>> circuit("subtrct")
        Traceback (most recent call last):
        ...
        ValueError: name: no circuit called 'subtrct'; did you mean 'subtract'?
    """
    if name in DERIVED:
        return DERIVED[name]()
    if name in NAMES:
        from circuitkit.entries import catalogue

        return catalogue[name].circuit
    close = difflib.get_close_matches(name, NAMES, n=3)
    hint = (
        f"did you mean {alternatives(close)}?"
        if close
        else f"known circuits: {', '.join(DERIVED)}, and those of ck.catalogue"
    )
    raise ValueError(f"name: no circuit called {name!r}; {hint}")


@accepts(outer=instance(Network), inner=instance(Network))
def compose(outer: Network, inner: Network) -> Network:
    r"""The network that computes ``outer(inner(x))``, exactly.

    ``inner``'s output layer and ``outer``'s first layer are both linear, so they merge into one,
    :math:`W = W_{outer} W_{inner}`, :math:`b = W_{outer} b_{inner} + b_{outer}`. Where that product
    is not a float64 to the last bit, the two layers stay apart, joined by a positiveness and a
    negativeness detector for every number passed on: a wider network, but an exact one.

    Args:
        outer: the network that is applied last.
        inner: the network that is applied first.

    Raises:
        TypeError: an argument is not a Network.
        ValueError: ``inner`` gives another number of outputs than ``outer`` takes; or it has an output
            scale, p/q, and ``outer``'s first weights times p or its biases times q are no doubles.

    Example:
        >>> compose(absolute(), subtract())([3, 5])
        array([2.])
        >>> compose(absolute(), subtract()).layer_sizes
        (2, 2, 2, 1)
    """
    if inner.n_outputs != outer.n_inputs:
        expected = f"{count(outer.n_inputs, 'output')}, one for each input of outer"
        raise wrong("inner", expected, inner.n_outputs)
    outer, inner = _fed(outer, inner.scale), Network(inner.weights, inner.biases)
    merged = _merged_layer(outer, inner)
    w_in, b_in = inner.weights[-1], inner.biases[-1]
    w_out, b_out = outer.weights[0], outer.biases[0]
    if merged is not None:
        middle_weights, middle_biases = [merged[0]], [merged[1]]
    else:
        middle_weights = [np.vstack([w_in, -w_in]), np.hstack([w_out, -w_out])]
        middle_biases = [np.concatenate([b_in, -b_in]), b_out]
    return Network(
        [*inner.weights[:-1], *middle_weights, *outer.weights[1:]],
        [*inner.biases[:-1], *middle_biases, *outer.biases[1:]],
        scale=outer.scale,
    )


@accepts(a=instance(Network), b=instance(Network))
def parallel(a: Network, b: Network) -> Network:
    """Two networks side by side: the inputs of ``a`` then those of ``b``, likewise the outputs.

    The shallower one is carried along to the deeper one's depth: activations are never negative, so
    a ReLU layer with weight 1 passes them on unchanged. Of two output scales the result has the largest
    number that both are whole multiples of.

    Args:
        a: the network of the first inputs and outputs.
        b: the network of the others.

    Raises:
        TypeError: an argument is not a Network.
        ValueError: the output scales differ, and weights times their quotient are no doubles.

    Example:
        >>> parallel(absolute(), minimum())([-4, 3, 5])
        array([4., 3.])
    """
    depth = max(len(a.weights), len(b.weights))
    scale = _common(a.scale, b.scale)
    a, b = _rescaled(a, scale, "a"), _rescaled(b, scale, "b")
    a, b = _deepened(a, depth), _deepened(b, depth)
    return Network(
        [_block_diagonal(u, v) for u, v in zip(a.weights, b.weights, strict=True)],
        [np.concatenate([u, v]) for u, v in zip(a.biases, b.biases, strict=True)],
        scale=scale,
    )


def _fed(outer: Network, scale: Fraction) -> Network:
    """The network of z that gives ``outer`` of scale z: with c relu(z) = relu(c z), in doubles.

    Raises:
        ValueError: its numbers would be no doubles.
    """
    if scale == 1:
        return outer
    p, q = scale.numerator, scale.denominator
    weights = [_multiplied(w, p if i == 0 else 1) for i, w in enumerate(outer.weights)]
    biases = [_multiplied(b, q) for b in outer.biases]
    if any(one is None for one in (*weights, *biases)):
        raise wrong("inner", "an output scale that outer's numbers can take over exactly", scale)
    return Network(
        [w for w in weights if w is not None],
        [b for b in biases if b is not None],
        scale=outer.scale / q,
    )


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The largest fraction of which both are whole multiples."""
    p, q = a.numerator * b.denominator, b.numerator * a.denominator
    return Fraction(math.gcd(p, q), a.denominator * b.denominator)


def _rescaled(net: Network, scale: Fraction, name: str) -> Network:
    """The weights and biases of the same function with another output scale; without it.

    Raises:
        ValueError: they would be no doubles.
    """
    by = net.scale / scale
    w, b = _multiplied(net.weights[-1], by), _multiplied(net.biases[-1], by)
    if w is None or b is None:
        raise wrong(name, f"weights that are doubles when multiplied by {by}", "others")
    return Network([*net.weights[:-1], w], [*net.biases[:-1], b])


def _multiplied(numbers: NDArray[np.float64], by: Fraction | int) -> NDArray[np.float64] | None:
    """Each number times a factor, or None if floats cannot hold it."""
    exact = [by * Fraction(v) for v in numbers.ravel().tolist()]
    if not all(map(_is_float, exact)):
        return None
    return np.array([float(v) for v in exact]).reshape(numbers.shape)


def _extremum(via: int, sign: int) -> Network:
    """min for ``sign=-1``, max for ``sign=1``."""
    # The last unit: how far x1 is above x2 (min via x1), or below it (max via x1).
    greaterness = -sign * np.array([1, -1])
    rows = [[1, 0], [-1, 0], greaterness] if via == 1 else [[0, 1], [0, -1], -greaterness]
    return Network([np.array(rows), [[1, -1, sign]]])


def _merged_layer(
    outer: Network, inner: Network
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """``outer``'s first layer after ``inner``'s last as one layer, or None if floats cannot hold it."""
    columns = np.column_stack([inner.weights[-1], inner.biases[-1]])
    left = [[Fraction(v) for v in row] for row in outer.weights[0].tolist()]
    right = [[Fraction(v) for v in row] for row in columns.T.tolist()]
    added = [Fraction(v) for v in outer.biases[0].tolist()]
    exact = [
        [
            sum((p * q for p, q in zip(row, column, strict=True)), Fraction(0))
            + (bias if j == len(right) - 1 else 0)
            for j, column in enumerate(right)
        ]
        for row, bias in zip(left, added, strict=True)
    ]
    if not all(_is_float(v) for row in exact for v in row):
        return None
    product = np.array([[float(v) for v in row] for row in exact])
    return product[:, :-1], product[:, -1]


def _is_float(value: Fraction) -> bool:
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False


def _deepened(net: Network, depth: int) -> Network:
    """The same function with ``depth`` layers of weights."""
    missing = depth - len(net.weights)
    if missing == 0:
        return net
    if len(net.weights) == 1:  # no hidden layer yet: make one of positiveness and negativeness
        return _deepened(_split_output(net), depth)
    width = net.layer_sizes[-2]
    passes: Sequence[NDArray[np.float64]] = [np.eye(width)] * missing
    return Network(
        [*net.weights[:-1], *passes, net.weights[-1]],
        [*net.biases[:-1], *([None] * missing), net.biases[-1]],
    )


def _split_output(net: Network) -> Network:
    eye = np.eye(net.n_outputs)
    w, b = net.weights[-1], net.biases[-1]
    return Network([np.vstack([w, -w]), np.hstack([eye, -eye])], [np.concatenate([b, -b]), None])


def _block_diagonal(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.block(
        [
            [u, np.zeros((u.shape[0], v.shape[1]))],
            [np.zeros((v.shape[0], u.shape[1])), v],
        ]
    )
