"""A work is cited by a link to the book's list of works: ``[[Wilson, 1927]](../references.bib#wilson1927probable)``.

JupyterLab and GitHub show those words and open the list; of Sphinx's role they make "Citation Not Found". The built
page gets the role, and with it the work's full title where the reader points, and its place in the bibliography.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sphinx.application import Sphinx

#: what is said of a work, with square brackets around all or the year of it; its name in references.bib
CITATION = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\.\./references\.bib#(\w+)\)")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", cite)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def cite(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the role into what is read of a page; the code of a notebook stays what it is."""
    if not app.env.doc2path(page).endswith(".ipynb"):
        source[0] = with_roles(source[0])
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = with_roles("".join(cell["source"]))
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/markdown" in data:
                data["text/markdown"] = with_roles("".join(data["text/markdown"]))
    source[0] = json.dumps(notebook)


def with_roles(text: str) -> str:
    """Markdown in which each citation is a role.

    Example:
        >>> with_roles("the interval of Wilson [[Wilson, 1927]](../references.bib#wilson1927probable)")
        'the interval of Wilson {cite}`wilson1927probable`'
        >>> with_roles("[Safran [2026]](../references.bib#safran2026hierarchy) bounds the width")
        '{cite:t}`safran2026hierarchy` bounds the width'
    """
    return CITATION.sub(
        lambda found: f"{{cite{'' if found[1].startswith('[') else ':t'}}}`{found[2]}`", text
    )
