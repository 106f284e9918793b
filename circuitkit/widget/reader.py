r"""A place to paste weights and have them read: ``ck.detect`` in the page itself.

The reader of the published page needs no Python: ``static/reading.mjs`` takes the text or the file to
a network, and says of it what ``ck.detect`` says, by the same rules; ``static/reader.mjs``
shows that beside the network, which can then be turned like any other widget's. In Jupyter the same
thing is an `anywidget <https://anywidget.dev>`_ whose ``network`` is what the reader has pasted.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any

import traitlets

from circuitkit.checks import accepts, double, instance, string, wrong
from circuitkit.network import Network, need_plain
from circuitkit.widget import page
from circuitkit.widget.still import captions

__all__ = ["ADDED", "WeightsReader"]

#: what a page needs beside what all widgets share
ADDED = page.Added("reading", "reader")

#: what the reader can try at once: the deck's own print, a circuit, a network that training left stuck
_EXAMPLES = {
    "the deck's identity, as PyTorch printed it": (
        "hidden_layer_0:\n"
        "tensor([[ -0.9192,  1.0035]], grad_fn=<PermuteBackward0>)\n\n"
        "output_layer:\n"
        "tensor([[ -1.0872],\n"
        "        [ 0.9957]], grad_fn=<PermuteBackward0>)"
    ),
    "a minimum with units that cancel": (
        "ck.Network([[[2, 0], [-0.5, 0], [1, -1], [3, 1], [6, 2]],\n"
        "            [[0.5, -2, -1, 2, -1]]])"
    ),
    "a network that got stuck": "1.2\n0.4\n\n0.7 0.4",
}


class WeightsReader(page.PageWidget):
    r"""A text field for the weights of a small network, and below it what the network computes.

    Accepted are nested lists (JSON), ``ck.Network(...)``, PyTorch's printed tensors or ``state_dict``, the
    weights of Keras and Flax, plain numbers, and safetensors files; up to 64 hidden units. The reading is
    that of ``ck.detect``, or less: which of the eight basic functions the network computes for *all* inputs
    with its exact worst error :math:`\max |net(x) - f(x)| / \max(1, \max_i |x_i|)`, or the nearest one;
    the circuit; what each hidden unit is for; and where it is short, what else the network computes. The
    network below can be turned, and the reading follows.

    Args:
        weights: what stands in the field at first: a :class:`~circuitkit.Network`, or text; by
            default nothing.
        tolerance: how far from a function the network may be to be called by its name, 0 or above.
        examples: label -> text that the reader can load instead; by default three.
        caption: a sentence below.

    Traits: ``text``, what stands in the field, can be set; ``weights``, ``biases`` (nested lists) and
    ``reading`` (a dict with ``function``, ``circuit``, ``error``, ``worst``, ``expression``,
    ``sentence`` and ``units``) come from the page and are empty where nothing has been read.

    Raises:
        TypeError: weights that are neither a Network nor text.
        ValueError: a tolerance below 0 or not finite.

    Example:
        >>> w = WeightsReader(Network([[[1], [-1]], [[1, -1]]]))
        >>> w.text
        'ck.Network([[[1.0], [-1.0]], [[1.0, -1.0]]])'
    """

    _added = ADDED
    _esm = ADDED.module_source
    _css = page.style_source() + ADDED.style_source

    text = traitlets.Unicode("").tag(sync=True)
    weights: traitlets.List[Any] = traitlets.List().tag(sync=True)
    biases: traitlets.List[Any] = traitlets.List().tag(sync=True)
    reading: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    tolerance = traitlets.Float(0.01).tag(sync=True)
    _config: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    @accepts(
        weights=instance((Network, str), "a Network or text"),
        tolerance=double(least=0),
        examples=instance(Mapping, "a mapping of labels to texts"),
        caption=string(empty=True),
    )
    def __init__(
        self,
        weights: Network | str = "",
        *,
        tolerance: float = 1e-2,
        examples: Mapping[str, str] | None = None,
        caption: str = "",
    ) -> None:
        if isinstance(weights, Network):
            need_plain("weights", weights)
        text = weights if isinstance(weights, str) else _python(weights)
        choices = _EXAMPLES if examples is None else examples
        config: dict[str, Any] = {
            "examples": [[str(label), str(example)] for label, example in choices.items()],
            "caption": str(caption),
            "palette": page.palette_variables(),
        }
        config["key"] = page.key_of([config, text])
        super().__init__(text=text, tolerance=tolerance, _config=config)

    @property
    def network(self) -> Network | None:
        """The network as it stands on screen; None where nothing has been read."""
        return Network(self.weights, self.biases) if self.weights else None

    @traitlets.validate("tolerance")
    def _check_tolerance(self, proposal: Any) -> float:
        value = float(proposal["value"])
        if not (math.isfinite(value) and value >= 0):
            raise wrong("tolerance", "a number, 0 or above", value)
        return value

    def _static_html(self) -> str:
        state: dict[str, Any] = {"text": self.text, "tolerance": self.tolerance}
        state |= {"weights": [], "biases": [], "reading": {}}
        state["_config"] = {**self._config, "on_page": True}
        still = (
            '<figure class="ck-still"><p>With a script running, weights can be pasted here and read. '
            "In Python: <code>ck.detect(ck.Network(...))</code>, or "
            '<code>ck.detect(ck.Network.load("weights.safetensors"))</code>.</p>'
            + (f"<pre>{html.escape(self.text)}</pre>" if self.text else "")
            + captions(self._config["caption"])
            + "</figure>"
        )
        return page.page_html(state, still, module=ADDED.name)

    def __repr__(self) -> str:
        net = self.network
        return f"WeightsReader({'nothing read yet' if net is None else net})"


def _python(net: Network) -> str:
    parts = [str([w.tolist() for w in net.weights])]
    if net.has_biases:
        parts.append(str([b.tolist() for b in net.biases]))
    return f"ck.Network({', '.join(parts)})"
