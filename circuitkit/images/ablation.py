r"""What becomes of a network when channels of its first layer are silenced, predicted from its weights and measured.

To *silence* a channel is to put what it hands on at each place to its mean :math:`\mu` over the training pictures, so
that it still says what it says of a typical picture, and nothing of this one. Of the change of a digit's logit z the
prediction is the first-order one, over the training pictures X that show the digit,

.. math:: \frac{1}{|X|} \sum_{x \in X} \nabla z(h(x)) \cdot (\mu - h(x)),

with h what the channel hands on. Where everything after it is linear, that is the weights times the difference of
two means. It is measured on the test pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from circuitkit.checks import accepts, instance, whole, wrong
from circuitkit.images.digits import Digits
from circuitkit.images.model import (
    CHANNELS,
    PICTURE,
    ImageNetwork,
    channels,
    read_out,
    second_layer,
    windows,
)

__all__ = ["measured_changes", "predicted_changes", "recall"]

Array = NDArray[np.float64]

_NETWORK, _DATA = instance(ImageNetwork), instance(Digits)


@accepts(network=_NETWORK, data=_DATA)
def predicted_changes(network: ImageNetwork, data: Digits) -> Array:
    """How each digit's logit should change, on average over its pictures, when one channel is silenced.

    Args:
        network: any architecture.
        data: whose *training* pictures are used.

    Returns:
        ``(10, 16)``: digit, channel.

    Raises:
        TypeError: an argument that is not one of these.
        ValueError: a digit that no picture shows.

    Example:
        >>> from circuitkit.images import digits, train
        >>> net, = train("one layer", epochs=1)
        >>> predicted_changes(net, digits()).shape
        (10, 16)
    """
    pooled = network.pooled(data.train)
    difference = pooled.mean(axis=0) - pooled
    found = np.empty((10, CHANNELS))
    for digit in range(10):
        chosen = _showing(digit, data.train_labels)
        slopes = _slopes(network, pooled[chosen], digit)
        found[digit] = (slopes * difference[chosen]).sum(axis=(2, 3)).mean(axis=0)
    return found


def _showing(digit: int, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which pictures show a digit: at least one, or a mean over them is none."""
    found: NDArray[np.bool_] = labels == digit
    if not found.any():
        raise wrong("data", "pictures of every digit", f"none of {digit}")
    return found


def _slopes(network: ImageNetwork, pooled: Array, digit: int) -> Array:
    """The gradient of a digit's logit in what the first layer hands on, for each picture."""
    weights = network.readout[digit]
    if network.second is None:
        return np.broadcast_to(weights.reshape(pooled.shape[1:]), pooled.shape)
    side = PICTURE // 2
    means = windows(np.arange(1.0 * CHANNELS * side * side).reshape(1, CHANNELS, side, side), 2)
    spread = np.empty(CHANNELS * side * side)
    for weight, members in zip(weights, means.reshape(-1, 4), strict=True):
        spread[members.astype(int)] = weight / 4
    flat = pooled.reshape(len(pooled), -1)
    matrix, offset = second_layer(network)
    slopes = ((flat @ matrix.T + offset > 0) * spread) @ matrix
    if network.architecture == "residual":
        slopes = slopes + spread
    found: Array = slopes.reshape(pooled.shape)
    return found


def _silenced(network: ImageNetwork, data: Digits, without: Iterable[int]) -> Array:
    """The logits of the test pictures with some channels at their means."""
    pooled, means = _handed_on(network, data)
    pooled, chosen = pooled.copy(), list(without)
    pooled[:, chosen] = means[chosen]
    return read_out(network, pooled)


@lru_cache(maxsize=4)
def _handed_on(network: ImageNetwork, data: Digits) -> tuple[Array, Array]:
    """What the first layer hands on of the test pictures, and its means over the training pictures."""
    return network.pooled(data.test), network.pooled(data.train).mean(axis=0)


@accepts(network=_NETWORK, data=_DATA)
def measured_changes(network: ImageNetwork, data: Digits) -> Array:
    """How each digit's logit does change, on average over its test pictures, when one channel is silenced.

    Args:
        network: any architecture.
        data: whose *test* pictures are used; the means are those of the training pictures.

    Returns:
        ``(10, 16)``: digit, channel.

    Raises:
        TypeError: an argument that is not one of these.
        ValueError: a digit that no picture shows.

    Example:
        >>> from circuitkit.images import digits, train
        >>> net, = train("one layer", epochs=1)
        >>> data = digits()
        >>> bool(np.corrcoef(predicted_changes(net, data).ravel(), measured_changes(net, data).ravel())[0, 1] > 0.9)
        True
    """
    before = _silenced(network, data, ())
    shows = [_showing(digit, data.test_labels) for digit in range(10)]
    found = np.empty((10, CHANNELS))
    for channel in range(CHANNELS):
        change = _silenced(network, data, (channel,)) - before
        for digit in range(10):
            found[digit, channel] = change[shows[digit], digit].mean()
    return found


@accepts(network=_NETWORK, data=_DATA, digit=whole(least=0, most=9), without=channels())
def recall(network: ImageNetwork, data: Digits, digit: int, without: Iterable[int] = ()) -> float:
    """The share of a digit's test pictures that are told to be that digit, some channels silenced.

    Args:
        network: any architecture.
        data: the pictures.
        digit: 0 to 9.
        without: the channels that are silenced, each from 0 to 15; none by default.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.

    Example:
        >>> from circuitkit.images import digits, train
        >>> net, = train("one layer", epochs=2)
        >>> recall(net, digits(), 0) > recall(net, digits(), 0, without=range(16))
        True
    """
    logits = _silenced(network, data, without)
    return float((logits[_showing(digit, data.test_labels)].argmax(axis=1) == digit).mean())
