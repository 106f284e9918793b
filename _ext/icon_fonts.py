"""Keep only those icons of the theme's fonts and style sheet that a page of the book shows.

The theme brings all 2,000 of Font Awesome: some 290 KB for the two dozen that are used.
"""

from __future__ import annotations

import re
from pathlib import Path

from fontTools import subset

_RULE = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"([^"]*)"\}')


def keep_used_icons(site: Path) -> None:
    """Rewrite the theme's style sheet and icon fonts in the built ``site``."""
    static = site / "_static"
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    scripts = [p for p in static.rglob("*.js") if p.name != "fontawesome.js"]
    texts = [*site.rglob("*.html"), *scripts, *static.glob("*.css")]
    names = {name for p in texts for name in re.findall(r"fa-[\w-]+", p.read_text("utf-8"))}

    css, characters = used_rules(sheet.read_text("utf-8"), names)
    sheet.write_text(css, "utf-8")
    options = subset.Options(flavor="woff2", layout_features=[], notdef_outline=True)
    for path in (static / "vendor" / "fontawesome" / "webfonts").glob("*.woff2"):
        font = subset.load_font(str(path), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=characters)
        subsetter.subset(font)
        subset.save_font(font, str(path), options)


def used_rules(css: str, names: set[str]) -> tuple[str, set[int]]:
    """The style sheet without the icons that have none of ``names``, and the characters left.

    >>> css = '.fa-bars:before{content:"\\\\f0c9"}.fa-car:before{content:"\\\\f1b9"}a{color:red}'
    >>> used_rules(css, {"fa-bars"})
    ('.fa-bars:before{content:"\\\\f0c9"}a{color:red}', {61641})
    """
    css = _RULE.sub(
        lambda rule: rule[0] if names & set(re.findall(r"fa-[\w-]+", rule[1])) else "", css
    )
    written = {int(code, 16) for code in re.findall(r"\\([ef][0-9a-f]{3})\b", css)}
    return css, written | {ord(c) for c in css if "\ue000" <= c <= "\uf8ff"}
