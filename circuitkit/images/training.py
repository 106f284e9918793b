"""Training of small convolutional networks on the digits, with PyTorch on one processor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from circuitkit.checks import accepts, count_or_list, flag, made_by, one_of, whole
from circuitkit.extras import need
from circuitkit.images.digits import digits
from circuitkit.images.model import ARCHITECTURES, CHANNELS, FILTER, ImageNetwork
from circuitkit.progress import Bar

__all__ = ["train"]

EPOCHS, BATCH, RATE, DECAY = 30, 128, 0.01, 0.05

_SEED = whole(least=0, most=2**40, top="2^40")
_SEEDS = "a count from 1 to 10,000, or as many distinct whole numbers from 0 to 2^40"


_seeds = count_or_list(_SEEDS, _SEED, most=10_000)


@accepts(
    architecture=one_of(*ARCHITECTURES),
    seeds=made_by(_seeds, right=2, wrong=("4", None, 0, True, 2.5, [], [1, 1], [-1], [0.5])),
    epochs=whole(least=0, most=10_000),
    shuffled=flag(),
)
def train(
    architecture: str = "one layer",
    *,
    seeds: int | Iterable[int] = 1,
    epochs: int = EPOCHS,
    shuffled: bool = False,
) -> tuple[ImageNetwork, ...]:
    """Train networks of one architecture to tell the digits apart, one for each seed.

    AdamW with a rate that rises to 0.01 and falls again (one cycle), weight decay 0.05, batches of 128, PyTorch's own
    start. A seed gives the same network whatever other seeds run beside it; and in another architecture it starts
    elsewhere: with one stream for all, equal seeds would share their first layer before any training, and seem to agree.

    Args:
        architecture: one of ``"one layer"``, ``"two layers"``, ``"residual"``.
        seeds: a count (the seeds 0, 1, ...), or distinct whole numbers.
        epochs: how often each picture is shown; 0 leaves the networks as they start.
        shuffled: whether the digits are dealt out to the training pictures at random, anew for each seed.

    Raises:
        TypeError, ValueError: an argument that is not one of these; named in the message.
        ImportError: torch is missing, which the extra ``torch`` brings, or scikit-learn, which ``sklearn`` brings.

    Example:
        >>> net, = train("one layer", seeds=[3], epochs=1)
        >>> net.filters.shape, net.logits(digits().test).shape
        ((16, 5, 5), (500, 10))

    Source: Loshchilov and Hutter (2019) for AdamW; Smith and Topin (2019) for the one cycle.
    """
    asked = _seeds("seeds", seeds)
    bar = Bar(len(asked), "network")
    found = []
    for seed in asked:
        found.append(_trained(architecture, seed, epochs, shuffled))
        bar.update(1)
    bar.close()
    return tuple(found)


def _module(torch: Any, architecture: str) -> Any:
    """The layers; that they are the numpy network's is tested."""
    nn = torch.nn
    first = nn.Conv2d(1, CHANNELS, FILTER, padding=FILTER // 2)
    if architecture == "one layer":
        return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(64, 10))
    second = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.ReLU())

    class Residual(nn.Module):  # type: ignore[misc, name-defined]
        """A layer added to what it reads."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = second

        def forward(self, x: Any) -> Any:
            return x + self.layer(x)

    middle = Residual() if architecture == "residual" else second
    return nn.Sequential(
        first, nn.ReLU(), nn.MaxPool2d(2), middle, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 10)
    )


def _trained(architecture: str, seed: int, epochs: int, shuffled: bool) -> ImageNetwork:
    torch = need("torch")
    data = digits()
    images = torch.tensor(data.train[:, None], dtype=torch.float32)
    labels = torch.tensor(data.train_labels)
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        # No two architectures share a stream: equal first layers would be twins without any training.
        torch.manual_seed(len(ARCHITECTURES) * seed + ARCHITECTURES.index(architecture))
        torch.set_num_threads(1)  # a network this small gains nothing from more
        try:
            module = _module(torch, architecture)
            if shuffled:
                labels = labels[torch.randperm(len(labels))]
            if epochs:
                _descend(torch, module, images, labels, epochs)
        finally:
            torch.set_num_threads(threads)
    return _as_numpy(module, architecture, seed)


def _descend(torch: Any, module: Any, images: Any, labels: Any, epochs: int) -> None:
    adam = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=DECAY)
    batches = -(-len(images) // BATCH)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=epochs * batches)
    loss_of = torch.nn.CrossEntropyLoss()
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for batch in order.split(BATCH):
            loss = loss_of(module(images[batch]), labels[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
            cycle.step()


def _as_numpy(module: Any, architecture: str, seed: int) -> ImageNetwork:
    found = [p.detach().numpy().astype(np.float64) for p in module.parameters()]
    filters, bias, *second, readout, readout_bias = found
    one, two = second or (None, None)
    return ImageNetwork(architecture, seed, filters[:, 0], bias, one, two, readout, readout_bias)
