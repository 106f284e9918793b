"""What Python and the page go by alike, from one file: ``rules.json``.

The catalogue of functions, the weights of the circuits that are recognized, the names of features, the
thresholds of reading a network, and the phrases of what is said about it. The page's script has the same
file in it (:mod:`circuitkit.widget.page`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["RULES", "phrase"]

#: the file as it stands
RULES: dict[str, Any] = json.loads(Path(__file__).with_name("rules.json").read_text("utf-8"))


def phrase(name: str, **values: object) -> str:
    """A phrase with values in the places that its braces name; other phrases fill the rest.

    >>> phrase("how_within", tolerance=0.01)
    "within 0.01, relative to the input's size beyond 1"
    """
    phrases: dict[str, str] = RULES["phrases"]
    return phrases[name].format_map({**phrases, **values})
