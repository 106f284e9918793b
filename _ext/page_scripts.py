"""One script for what all pages run, none before the text stands; search only where one searches."""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path

from sphinx.errors import ExtensionError

SCRIPT = "_static/site.js"
_SRC = re.compile(
    r'[ \t]*<script[^>]*? src="(?P<root>[^":?]*?)(?P<name>(?:_static/[^":?]+|searchindex)\.js)[^"]*"'
    r"[^>]*></script>\s*"
)
_PRELOAD = re.compile(r'<link rel="preload" as="script"[^>]*>\s*')
_SETTING = re.compile(r"<script>DOCUMENTATION_OPTIONS\.(\w+) = ([^<]*?);?</script>\s*")
#: the theme asks for these on every page and, the search as one types being off, runs them on none but this
_SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")
_SEARCHING = "search.html"
_NEAR_THE_SCREEN = """
const nearTheScreen = (elements, action) => {
  const places = new Map([...elements].map((element, index) => [element, index]));
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        action(target, places.get(target));
      }
    },
    { rootMargin: "100% 0px" },
  );
  for (const element of elements) observer.observe(element);
};
"""
_MINIFIED = '"loading"!=document.readyState?'


def _in_a_turn(test: str, call: str) -> tuple[str, str, str]:
    """What the themes begin with would hold a phone up, all of it together: each has a turn of its own."""
    expected = "a beginning that comes at once where the page is there"
    return f"{test}{call}(", f"{test}setTimeout({call}", expected


#: script -> what in it is replaced, by what, and what that is
_INSTEAD = {
    "doctools.js": [_in_a_turn('"loading") {\n    ', "callback")],
    "bootstrap.js": [_in_a_turn(_MINIFIED, "t")],
    "sphinx-book-theme.js": [_in_a_turn(_MINIFIED, "e")],
    "pydata-sphinx-theme.js": [
        _in_a_turn(_MINIFIED, "e"),
        # The theme lets the keyboard scroll what is too wide: it measures every table and every piece of code when
        # the page has loaded, and again whenever anything on it changes. page.js does that near the screen only.
        (
            '"complete"===document.readyState?I():window.addEventListener("load",I)',
            "0",
            "the theme to measure what scrolls when a page has loaded",
        ),
    ],
    # A button for each of hundreds of examples takes a phone a quarter of a second.
    "copybutton.js": [
        (
            "codeCells.forEach(",
            "nearTheScreen(codeCells, ",
            "buttons to copy with to be made at once",
        ),
    ],
}


def join_scripts(site: Path, pages: dict[str, str]) -> None:
    """Let every page load what all pages share as one script, after the text."""
    # a page without one only leads on to another
    lists = [[found["name"] for found in _SRC.finditer(html)] for html in pages.values()]
    lists = [names for names in lists if names]
    shared = [name for name in lists[0] if all(name in names for names in lists)]
    shared = [name for name in shared if posixpath.basename(name) not in _SEARCH]
    settings = dict(_SETTING.findall("".join(pages.values())))
    settings.pop(
        "pagename", None
    )  # for a switch between versions of a book, which this one has not
    source = ";\n".join(_source(site / name, settings) for name in shared) + "\n"
    (site / SCRIPT).write_text(source, "utf-8")
    version = hashlib.sha256(source.encode()).hexdigest()[:8]
    for address, html in pages.items():
        pages[address] = _load(html, shared, version, is_search=address == _SEARCHING)
    for name in shared:
        (site / name).unlink()
        (site / f"{name}.map").unlink(missing_ok=True)


def _source(script: Path, settings: dict[str, str]) -> str:
    source = re.sub(r"\n//# sourceMappingURL=.*\s*$", "", script.read_text("utf-8"))
    if script.name == "documentation_options.js":
        source += "".join(
            f"\nDOCUMENTATION_OPTIONS.{key} = {value};" for key, value in settings.items()
        )
        # From a disk a page cannot read another: there what is found comes without an excerpt.
        source += '\nif (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'
    for old, new, expected in _INSTEAD.get(script.name, []):
        if source.count(old) != 1:
            raise ExtensionError(
                f"page_scripts: expected {expected}, once in {script.name}; "
                "look at what that script does now, and at _static/page.js"
            )
        source = source.replace(old, new)
    return _NEAR_THE_SCREEN + source if "nearTheScreen" in source else source


def _load(html: str, shared: list[str], version: str, *, is_search: bool) -> str:
    """One script in the place of the first, all others after it, in their order, none holding the page up."""
    placed = False

    def one(found: re.Match[str]) -> str:
        nonlocal placed
        if found["name"] in shared:
            first, placed = not placed, True
            joined = f'    <script defer src="{found["root"]}{SCRIPT}?v={version}"></script>\n'
            return joined if first else ""
        if posixpath.basename(found["name"]) in _SEARCH and not is_search:
            return ""
        return found[0] if "defer" in found[0] else found[0].replace("<script", "<script defer", 1)

    html = _PRELOAD.sub("", html)
    return _SETTING.sub("", _SRC.sub(one, html))
