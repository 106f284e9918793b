"""The one list of functions with a name, read from ``catalogue.json``.

The eight that a reading tries by name, in Python and in the page, have their expressions in ``rules.json``; what
else is told of them stands here, beside all others. :mod:`circuitkit.entries` adds the circuits and proofs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from circuitkit.rules import RULES

__all__ = ["NAMES", "ROWS"]

#: what is told of each function, in order; ``expression`` is there for each
ROWS: dict[str, dict[str, Any]] = {
    row["name"]: {"expression": RULES["functions"].get(row["name"]), **row}
    for row in json.loads(Path(__file__).with_name("catalogue.json").read_text("utf-8"))
}
#: name -> expression
NAMES: dict[str, str] = {name: row["expression"] for name, row in ROWS.items()}
