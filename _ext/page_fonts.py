"""Keep only those letters and icons of the site's fonts that a page of the book can show.

The theme brings all 2,000 icons of Font Awesome, some 290 KB for the two dozen that are used, and
KaTeX every letter of its alphabets.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence, Set
from html import unescape
from pathlib import Path

from bs4 import BeautifulSoup
from fontTools import subset

_ICON = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"([^"]*)"\}')


def keep_used_icons(site: Path) -> None:
    """Rewrite the theme's style sheet and icon fonts in the built ``site``."""
    static = site / "_static"
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    scripts = [p for p in static.rglob("*.js") if p.name != "fontawesome.js"]
    texts = [*site.rglob("*.html"), *scripts, *static.glob("*.css")]
    names = {name for p in texts for name in re.findall(r"fa-[\w-]+", p.read_text("utf-8"))}

    css, characters = used_icons(sheet.read_text("utf-8"), names)
    sheet.write_text(css, "utf-8")
    _shrink((static / "vendor" / "fontawesome" / "webfonts").glob("*.woff2"), characters)


def used_icons(css: str, names: set[str]) -> tuple[str, set[int]]:
    """The style sheet without the icons that have none of ``names``, and the characters left.

    >>> css = '.fa-bars:before{content:"\\\\f0c9"}.fa-car:before{content:"\\\\f1b9"}a{color:red}'
    >>> used_icons(css, {"fa-bars"})
    ('.fa-bars:before{content:"\\\\f0c9"}a{color:red}', {61641})
    """
    css = _ICON.sub(
        lambda rule: rule[0] if names & set(re.findall(r"fa-[\w-]+", rule[1])) else "", css
    )
    written = {int(code, 16) for code in re.findall(r"\\([ef][0-9a-f]{3})\b", css)}
    return css, written | {ord(c) for c in css if "\ue000" <= c <= "\uf8ff"}


def keep_used_letters(site: Path) -> None:
    """Rewrite KaTeX's fonts and the text's own in the built ``site``."""
    characters: set[int] = set()
    written = {ord(character) for character in string.printable}
    for page in site.rglob("*.html"):
        html = page.read_text("utf-8")
        written |= set(map(ord, unescape(html)))
        if 'class="katex' in html:
            characters |= letters_in_formulas(html)
    for script in site.rglob("*.js"):  # whose words a reader may come to see
        written |= set(map(ord, script.read_text("utf-8")))
    _shrink((site / "_static" / "katex" / "fonts").glob("*.woff2"), characters)
    _shrink((site / "_static" / "fonts").glob("*.woff2"), written, ["kern", "liga"])


def letters_in_formulas(html: str) -> set[int]:
    """The characters that formulas on a page are set in.

    >>> sorted(letters_in_formulas('<p>so <span class="katex-html">x≥0</span></p>'))
    [48, 120, 8805]
    """
    formulas = BeautifulSoup(html, "html.parser").select(".katex-html")
    return {ord(character) for formula in formulas for character in formula.get_text()}


def _shrink(fonts: Iterable[Path], characters: Set[int], features: Sequence[str] = ()) -> None:
    options = subset.Options(flavor="woff2", layout_features=list(features), notdef_outline=True)
    for path in fonts:
        font = subset.load_font(str(path), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=characters)
        subsetter.subset(font)
        subset.save_font(font, str(path), options)
