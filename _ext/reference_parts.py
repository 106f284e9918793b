"""The reference of the package: a page for each part of it, and a first page with all their names.

The first page is made of the others: ``{parts}`` lists, for each page below its own in the table of contents,
what that page says first and the names that it explains. A browser takes seconds to lay all of it out as one page,
which the reference once was: where each of its names is now, :func:`names_by_page` tells.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import ObjectEntry, PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

#: the page that was all of the reference
FIRST = "reference/api"
PACKAGE = "circuitkit."


class Parts(nodes.General, nodes.Element):
    """Where the list will be: what the pages say is known once all of them have been read."""


class PartsDirective(SphinxDirective):
    """``{parts}``, without arguments."""

    def run(self) -> list[nodes.Node]:
        return [Parts()]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(Parts)
    app.add_directive("parts", PartsDirective)
    app.connect("doctree-resolved", list_parts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def names_by_page(env: BuildEnvironment) -> dict[str, dict[str, ObjectEntry]]:
    """Page -> the names that it explains, in its order; without those that are a second one of the same thing."""
    python = env.get_domain("py")
    assert isinstance(python, PythonDomain)
    found: dict[str, dict[str, ObjectEntry]] = {}
    for name, entry in python.objects.items():
        if not entry.aliased:
            found.setdefault(entry.docname, {})[name] = entry
    return found


def list_parts(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    places = list(doctree.findall(Parts))
    if not places:
        return
    explained = names_by_page(app.env)
    pages = app.env.toctree_includes.get(docname, [])
    entries = [_part(app, docname, page, explained.get(page, {})) for page in pages]
    for place in places:
        place.replace_self(nodes.definition_list("", *entries, classes=["reference-parts"]))


def _part(
    app: Sphinx, here: str, page: str, names: dict[str, ObjectEntry]
) -> nodes.definition_list_item:
    def link(name: str, *shown: nodes.Node) -> nodes.reference:
        uri = app.builder.get_relative_uri(here, page)
        place = f"{uri}#{names[name].node_id}" if name else uri
        return nodes.reference("", "", *shown, internal=True, refuri=place)

    def listed(shown: dict[str, str]) -> list[nodes.Node]:
        """The names one after the other, with commas."""
        parts: list[nodes.Node] = []
        for name, text in shown.items():
            parts += [nodes.Text(", ")] if parts else []
            parts.append(link(name, nodes.literal("", text)))
        return parts

    inside = {name: name.rpartition(".")[0] for name, entry in names.items() if _is_inside(entry)}
    tops = {
        n: n.removeprefix(PACKAGE) for n in names if n not in inside and not _is_module(names[n])
    }
    title = link("", nodes.Text(app.env.titles[page].astext()))
    definition = nodes.definition(
        "",
        nodes.paragraph("", _first_paragraph(app.env, page)),
        nodes.paragraph("", "", *listed(tops), classes=["names"]),
    )
    for top, text in tops.items():
        if own := {n: n.rpartition(".")[2] for n, owner in inside.items() if owner == top}:
            definition += nodes.paragraph(
                "", "", nodes.Text(f"{text}: "), *listed(own), classes=["names-inside"]
            )
    return nodes.definition_list_item("", nodes.term("", "", title), definition)


def _is_inside(entry: ObjectEntry) -> bool:
    """Whether it is a method, a property or an attribute, and so is named beside its class."""
    return entry.objtype in ("attribute", "method", "property")


def _is_module(entry: ObjectEntry) -> bool:
    return entry.objtype == "module"


def _first_paragraph(env: BuildEnvironment, page: str) -> str:
    """What a page says before anything else."""
    section = next(iter(env.get_doctree(page).findall(nodes.section)))
    for child in section.children:
        if isinstance(child, nodes.paragraph):
            return child.astext()
        if isinstance(child, nodes.section):
            break
    raise ExtensionError(
        f"reference_parts: expected a first sentence in {page}, before its sections"
    )
