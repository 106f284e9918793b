r"""A field where a reader types a function, which becomes its circuit in the page itself.

``static/expression.mjs`` reads the language of ``ck.target``, ``static/compile.mjs`` does what
``ck.compile_expression`` does, and the page's exact arithmetic checks the result before it is shown; below it
stands the circuit to turn, or a network of the same widths that learns the function from random weights.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import traitlets

from circuitkit.checks import accepts, several, string
from circuitkit.network import Network
from circuitkit.rules import RULES
from circuitkit.widget import page, still

__all__ = ["ADDED", "Typed"]

#: what a page needs beside what all widgets share
ADDED = page.Added("compile", "typed", reads=True)

#: what the reader can try at once
_EXAMPLES = (
    "max(x1, x2)",
    "|x| - 2|x - 1|",
    "clamp(x, -1, 1)",
    "x if x > 0 else x/3",
    "median(a, b, c)",
    "sort(x1, x2)",
    "interpolate(x, (-2, 0), (0, 3), (2, -1))",
)
_LONGEST = 400


class Typed(page.PageWidget):
    r"""A field for a function: what is typed becomes a circuit that computes it, exactly.

    The language is that of :func:`circuitkit.target` where it is piecewise linear; what cannot be read is shown
    under the field, at the characters that are wrong. The circuit is built in the page as
    :func:`circuitkit.compile_expression` builds it (an affine function takes the deck's hidden layer), up to 7
    inputs, and shown only if the page's exact verdict is that it *equals* the function for every input. It can
    be turned, and a network of the same widths can be trained towards the function from random weights. The
    function is in the page's address, to send to somebody.

    Args:
        text: the function that stands there at first; empty for none. At most 400 characters.
        examples: texts that the reader can try with one click; by default seven.
        caption: a sentence below.

    Traits: ``text`` can be set; ``weights``, ``biases`` (nested lists), ``scale`` (a fraction as text, what the
    outputs are taken times) and ``error`` (what is wrong with the text, else empty) come from the page.

    Raises:
        TypeError: an argument that is no text.
        ValueError: text of more than 400 characters.

    Example:
        >>> w = Typed("max(x1, x2)")
        >>> w.text, w.network is None      # until a page has built it
        ('max(x1, x2)', True)
    """

    _added = ADDED
    _esm = ADDED.module_source
    _css = page.style_source() + ADDED.style_source

    text = traitlets.Unicode("").tag(sync=True)
    weights: traitlets.List[Any] = traitlets.List().tag(sync=True)
    biases: traitlets.List[Any] = traitlets.List().tag(sync=True)
    scale = traitlets.Unicode("1").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    _config: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    @accepts(
        text=string(f"text of at most {_LONGEST} characters", empty=True),
        examples=several(string(), "a list of texts"),
        caption=string(empty=True),
    )
    def __init__(
        self,
        text: str = "max(x1, x2)",
        *,
        examples: Sequence[str] = _EXAMPLES,
        caption: str = "",
    ) -> None:
        config: dict[str, Any] = {
            "examples": list(examples),
            "tolerance": RULES["verdict"],
            "caption": caption,
            "palette": page.palette_variables(),
        }
        config["key"] = page.key_of([config, text])
        super().__init__(text=text, _config=config)

    @property
    def network(self) -> Network | None:
        """The network that the page has built, exact; None where there is none."""
        if not self.weights:
            return None
        return Network(self.weights, self.biases, scale=Fraction(self.scale))

    @traitlets.validate("text")
    def _check_text(self, proposal: Any) -> str:
        text = str(proposal["value"])
        if len(text) > _LONGEST:
            raise ValueError(
                f"text: expected at most {_LONGEST} characters, got text of {len(text)}"
            )
        return text

    def _static_html(self) -> str:
        state: dict[str, Any] = {"text": self.text, "weights": [], "biases": []}
        state |= {"scale": "1", "error": "", "_config": {**self._config, "on_page": True}}
        return page.page_html(state, self._still(), module=ADDED.name)

    def _still(self) -> str:
        """What stands there without a script: the circuit of the text, and how Python makes others."""
        below = still.captions(self._config["caption"])
        return (
            f'{_drawn(self.text)}<figure class="ck-still ck-still-text"><p>With a script running, a function can '
            "be typed here and becomes its circuit. In Python: "
            f"<code>ck.compile_expression({html.escape(repr(self.text or _EXAMPLES[0]))})</code>.</p>{below}</figure>"
        )

    def __repr__(self) -> str:
        return f"Typed({self.text!r})"


def _drawn(text: str) -> str:
    """A drawing of a function's circuit; nothing of a text that has none."""
    from circuitkit.compiling.compile import compile_expression

    if not text:
        return ""
    try:
        net = compile_expression(text)
    except ValueError:
        return ""
    if len(net.layer_sizes) < 3 or net.n_inputs > 4 or max(net.layer_sizes) > 9:
        return ""
    config = {
        "show_biases": net.has_biases, "label": f"The circuit of {text}", "caption": "", "challenge": None,
        "names": None, "input_names": None, "target": None,
    }  # fmt: skip
    return still.figure(net, [3.0, -5.0, 4.0, -2.0][: net.n_inputs], config)
