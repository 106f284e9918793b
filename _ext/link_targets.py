"""What a link in a notebook can name in another page: ``[kink](../reference/glossary.md#term-kink)``.

Such a link leads on in JupyterLab, too, which opens the file and knows nothing of Sphinx's roles. MyST finds headings
that way and nothing else; here it learns of words in the glossary, of figures, exercises and other labels, and of
the names of the package. A link to what is not there stays a warning, which stops the build.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("env-updated", tell_targets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def tell_targets(app: Sphinx, env: BuildEnvironment) -> None:
    """Add what pages hold to what MyST looks up for a link with a page and a name; its headings come first."""
    for page, name, identifier, title in targets(env):
        known = env.metadata[page].setdefault("myst_slugs", {})
        known.setdefault(name, (0, identifier, title))  # the line is for MyST's own messages


def targets(env: BuildEnvironment) -> Iterator[tuple[str, str, str, str]]:
    """Page, name in a link, identifier in the page, and words for a link without any."""
    standard, python = env.get_domain("std"), env.get_domain("py")
    assert isinstance(standard, StandardDomain)
    assert isinstance(python, PythonDomain)
    for (kind, term), (page, identifier) in standard.objects.items():
        if kind == "term":
            yield page, identifier, identifier, term
    for label, (page, identifier) in standard.anonlabels.items():
        if page and identifier:
            yield page, label, identifier, label
    for name, entry in python.objects.items():
        yield entry.docname, name, entry.node_id, name
