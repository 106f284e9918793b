"""Keep only those letters and icons of the site's fonts that a page of the book can show.

The theme brings all 2,000 icons of Font Awesome, some 290 KB for the two dozen that are used, and
a font for formulas has every letter of a dozen alphabets.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence, Set
from html import unescape
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from formulas import letter

_FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_ALONE = re.compile(r"<mi>(.|&\w+;)</mi>")
_SLANTED = re.compile(r"[A-Za-zΑ-ΡΣ-Ωα-ωϵϑϕϱϖ∂∇]")
_ICON = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"([^"]*)"\}')


def keep_used_icons(site: Path, pages: Mapping[str, str]) -> None:
    """Rewrite the theme's style sheet and icon fonts in the built ``site``."""
    static = site / "_static"
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    files = [*static.rglob("*.js"), *static.glob("*.css")]
    texts = [*pages.values(), *(path.read_text("utf-8") for path in files)]
    names = {name for text in texts for name in re.findall(r"fa-[\w-]+", text)}

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


def keep_used_letters(site: Path, pages: Mapping[str, str]) -> None:
    """Rewrite the text's fonts and the formulas' in the built ``site``."""
    in_formulas: set[int] = set()
    written = {ord(character) for character in string.printable}
    for html in pages.values():
        written |= set(map(ord, unescape(html)))
        in_formulas |= letters_in_formulas(html)
    for script in site.rglob("*.js"):  # whose words a reader may come to see
        written |= set(map(ord, script.read_text("utf-8")))
    fonts = site / "_static" / "fonts"
    _shrink(fonts.glob("source-serif-*.woff2"), written, ["kern", "liga"])
    for font in fonts.glob("*-math.woff2"):
        _shrink([font], in_formulas)
        set_fractions(font)


def letters_in_formulas(html: str) -> set[int]:
    """The characters that formulas on a page are set in; browsers slant what is a letter by itself.

    >>> found = letters_in_formulas("so <math><mi>x</mi><mo>≥</mo><mi>sin</mi><mi>ℝ</mi></math>")
    >>> [chr(c) for c in sorted(found)]
    ['i', 'n', 's', 'x', 'ℝ', '≥', '𝑥']

    The sign of a root stands in no text:

    >>> chr(max(letters_in_formulas("<math><msqrt><mn>2</mn></msqrt></math>")))
    '√'
    """
    found: set[int] = set()
    for formula in _FORMULA.findall(html):
        found |= set(map(ord, unescape(_TAG.sub("", formula))))
        if "<msqrt" in formula or "<mroot" in formula:
            found.add(ord("√"))
        alone = {unescape(each) for each in _ALONE.findall(formula)}
        found |= {ord(letter(each, "italic")) for each in alone if _SLANTED.match(each)}
    return found


def set_fractions(path: Path) -> None:
    """Set a fraction within a line as close as TeX does, which moves its parts by less than STIX asks for."""
    font = TTFont(path)
    constants = font["MATH"].table.MathConstants
    constants.FractionNumeratorShiftUp.Value = 394  # thousandths of an em
    constants.FractionDenominatorShiftDown.Value = 345
    font.save(path)


def _shrink(fonts: Iterable[Path], characters: Set[int], features: Sequence[str] = ()) -> None:
    options = subset.Options(flavor="woff2", layout_features=list(features), notdef_outline=True)
    for path in fonts:
        font = subset.load_font(str(path), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=characters)
        subsetter.subset(font)
        subset.save_font(font, str(path), options)
