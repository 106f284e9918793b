"""One style sheet for all pages, with only those rules that apply to something in the book.

The theme and its extensions bring a dozen sheets, nine tenths of whose rules are for what no page shows;
each stands between a reader and the first word.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tinycss2
from bs4 import BeautifulSoup
from sphinx.errors import ExtensionError

try:
    import minify
except ModuleNotFoundError:  # no wheel of it for this machine: the same sheet, only longer
    minify = None

SHEET = "_static/site.css"
_LINK = re.compile(
    r'[ \t]*<link(?=[^>]*rel="stylesheet")[^>]*href="(?P<root>[^":?]*?)(?P<name>_static/[^":?]+\.css)'
    r'[^"]*"[^>]*>\s*'
)
_IMPORT = re.compile(r"""@import\s+(?:url\()?["']([^"']+)["']\)?\s*;""")
_URL = re.compile(r"""url\(\s*(["']?)(?!data:|#|https?:|/)([^"')]+)\1\s*\)""")
_WORD = re.compile(r"[\w-]+")
#: the beginning of a name that a script completes: `ck-${sign}`, "ck-fate-" + k
_BEGUN = re.compile(r"""(-*[A-Za-z][\w-]*-)(?:\$\{|["'`]\s*\+)""")
_READ = re.compile(r"var\(\s*(--[\w-]+)")
#: rules that hold rules
_GROUPS = frozenset({"media", "supports", "layer", "container"})
#: what a browser sets by itself, and what stands for the page as a whole
_ALWAYS = frozenset({"html", "body", "root"})


def join_styles(site: Path, pages: dict[str, str]) -> None:
    """Let every page load one sheet instead of its own."""
    names = in_order([link["name"] for link in _LINK.finditer(html)] for html in pages.values())
    used = Used.by(pages.values(), site.rglob("*.js"))
    css = _small(purge("\n".join(_source(site / name) for name in names), used))
    (site / SHEET).write_text(css, "utf-8")
    version = hashlib.sha256(css.encode()).hexdigest()[:8]
    for address, html in pages.items():
        pages[address] = _link_one(html, version)
    for name in names:
        (site / name).unlink()


def in_order(lists: Iterable[list[str]]) -> list[str]:
    """The names of all lists, each list's own order kept.

    >>> in_order([["theme", "book"], ["theme", "widget", "book"], ["theme", "widget", "plane", "book"]])
    ['theme', 'widget', 'plane', 'book']
    """
    left = [list(names) for names in lists]
    found: list[str] = []
    while left := [names for names in left if names]:
        later = {name for names in left for name in names[1:]}
        first = next((names[0] for names in left if names[0] not in later), None)
        if first is None:
            raise ExtensionError(
                "page_styles: two pages load their style sheets in opposite orders"
            )
        found.append(first)
        left = [[name for name in names if name != first] for names in left]
    return found


def _source(sheet: Path) -> str:
    """A sheet with what it imports, its addresses relative to ``_static``."""
    css = sheet.read_text("utf-8")
    css = _IMPORT.sub(lambda found: _source((sheet.parent / found[1]).resolve()), css)
    folder = sheet.resolve().parent.as_posix()
    static = folder[: folder.rindex("/_static") + len("/_static")]
    return _URL.sub(
        lambda found: f"url({posixpath.relpath(posixpath.join(folder, found[2]), static)})", css
    )


def _link_one(html: str, version: str) -> str:
    """One link where the first of several stood."""
    first = _LINK.search(html)
    if first is None:  # a page that only leads on to another
        return html
    before, after = html[: first.start()], _LINK.sub("", html[first.start() :])
    return (
        f'{before}    <link rel="stylesheet" href="{first["root"]}{SHEET}?v={version}" />\n{after}'
    )


def _small(css: str) -> str:
    return css if minify is None else str(minify.string("text/css", css))


# --- which rules apply -------------------------------------------------------------------------


@dataclass(frozen=True)
class Used:
    """Classes, identifiers and elements of the pages, and every word of the scripts, which may add them.

    Attributes:
        names: whole ones.
        begun: with which the names begin that a script completes.
    """

    names: frozenset[str]
    begun: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return name in self.names or name.startswith(self.begun)

    @classmethod
    def by(cls, pages: Iterable[str], scripts: Iterable[Path]) -> Used:
        names: set[str] = set(_ALWAYS)
        sources = [path.read_text("utf-8") for path in scripts]
        for html in pages:
            soup = BeautifulSoup(html, "html.parser")
            for tag in soup.find_all(True):
                names.add(tag.name)
                names.update(tag.get("class") or [])
                names.add(str(tag.get("id", "")))
            own = soup.find_all("script", type=lambda kind: kind != "application/json")
            sources += [script.get_text() for script in own]
        text = "\n".join(sources)
        return cls(frozenset(names.union(_WORD.findall(text))), tuple(set(_BEGUN.findall(text))))


def purge(css: str, used: Used) -> str:
    """The rules that may apply where there is nothing but ``used`` classes, identifiers and elements.

    What stands in ``:is()``, ``:not()`` and their like is not looked at, nor are attributes. Of the custom
    properties those stay that another rule or a script reads.

    >>> purge("a.on, a.off {color: red} @media print {.off {top: 0}}", Used(frozenset({"a", "on"})))
    'a.on{color: red}'
    >>> purge("a {--x: 1; --y: var(--x); --z: 2; top: var(--y)}", Used(frozenset({"a"})))
    'a{--x: 1; --y: var(--x); top: var(--y)}'
    >>> purge(".fate-0 {top: 0} .other {top: 1}", Used(frozenset(), ("fate-",)))
    '.fate-0{top: 0}'
    """
    css = _rewritten(css, lambda rule: _applying(rule, used))
    while True:
        read = Used(used.names.union(_READ.findall(css)), used.begun)
        fewer = _rewritten(css, lambda rule, read=read: _without_properties(rule, read))
        if fewer == css:
            return css
        css = fewer


def _rewritten(css: str, rewrite: Callable[[Any], str]) -> str:
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(_written(rule, rewrite) for rule in rules)


def _written(rule: Any, rewrite: Callable[[Any], str]) -> str:
    if rule.type == "error":
        raise ExtensionError(f"page_styles: {rule.message} in line {rule.source_line}")
    if rule.type == "qualified-rule":
        return rewrite(rule)
    if rule.lower_at_keyword == "charset":
        return ""
    if rule.lower_at_keyword in _GROUPS and rule.content is not None:
        inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
        body = "".join(_written(each, rewrite) for each in inner)
        return f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{body}}}" if body else ""
    return str(rule.serialize())


def _applying(rule: Any, used: Used) -> str:
    selectors = [
        each for each in _parts(rule.prelude, ",") if all(name in used for name in _names(each))
    ]
    prelude = ",".join(tinycss2.serialize(each).strip() for each in selectors)
    return f"{prelude}{{{tinycss2.serialize(rule.content)}}}" if selectors else ""


def _without_properties(rule: Any, read: Used) -> str:
    kept = []
    for declaration in _parts(rule.content, ";"):
        name = next((t.value for t in declaration if t.type == "ident"), "")
        if not name.startswith("--") or name in read:
            kept.append(tinycss2.serialize(declaration))
    body = ";".join(kept)
    return f"{tinycss2.serialize(rule.prelude)}{{{body}}}" if body.strip("; \n") else ""


def _parts(tokens: list[Any], sign: str) -> list[list[Any]]:
    parts: list[list[Any]] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == sign:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _names(selector: list[Any]) -> set[str]:
    """The names that a selector asks for: of classes, identifiers and elements."""
    found, before = set(), ""
    for token in selector:
        if token.type == "hash" or (token.type == "ident" and before != ":"):
            found.add(token.value)
        before = token.value if token.type == "literal" else ""
    return found
