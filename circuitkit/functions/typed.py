"""Mathematics as people type it, rewritten into the plain grammar that :mod:`.language` reads.

``|x₁| − 2x²`` becomes ``abs(x1) - 2*x**2``; LaTeX such as ``\\max(x_1, x_2)`` is read too. Only characters are
moved here: whether the result means anything is seen afterwards.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["plain"]

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_OPERATIONS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "·": "*",
        "⋅": "*",
        "∙": "*",
        "×": "*",
        "÷": "/",
        "∣": "|",
        "π": "pi",
        "≤": "<=",
        "≥": ">=",
        "\N{FRACTION SLASH}": "/",
    }
)
#: words of the grammar, which are no variables
_NO_WORD = r"(?!(?:and|or|not|if|else|for|in|is|lambda)\b)"
_NUMBER = r"(?<![\w.])(\d[\d_]*\.?\d*|\.\d+)"
#: ¼, ½, ⅔ and so on: the character stands for a whole factor
_FRACTIONS = re.compile(
    "[\N{VULGAR FRACTION ONE QUARTER}-\N{VULGAR FRACTION THREE QUARTERS}\N{VULGAR FRACTION ONE SEVENTH}-\N{VULGAR FRACTION SEVEN EIGHTHS}]"
)
_LATEX = {
    r"\\([{}])": r"\1",
    r"\\(left|right|big|Big)(?![a-zA-Z])": "",
    r"\\[,;:! ]": " ",
    r"\\(cdot|times)(?![a-zA-Z])": "*",
    r"\\(lvert|rvert|vert)(?![a-zA-Z])": "|",
    r"\\(operatorname|mathrm|text)\s*\{(\w+)\}": r"\2",
    r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}": r"((\1)/(\2))",
    r"\\leq?(?![a-zA-Z])": "<=",
    r"\\geq?(?![a-zA-Z])": ">=",
    r"\\([a-zA-Z]+)": r"\1",
}


def plain(text: str) -> str:
    """The text with operations spelled out.

    Raises:
        ValueError: a bar ``|`` without its partner, or with a choice of two.

    Example:
        >>> plain("|x₁| − 2x²"), plain(r"\\max\\left(x_{1}, x_2\\right)"), plain("||x| - 1|")
        ('abs(x1) - 2*x**2', 'max(x1, x2)', 'abs(abs(x) - 1)')
    """
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: f"**{m[0].translate(_SUPERSCRIPTS)}", text)
    text = _FRACTIONS.sub(lambda m: f"({unicodedata.normalize('NFKC', m[0])})", text)
    text = unicodedata.normalize("NFKC", text.translate(_OPERATIONS)).translate(_OPERATIONS)
    for pattern, meaning in _LATEX.items():
        text = re.sub(pattern, meaning, text)
    text = re.sub(r"_\{(\d+)\}", r"\1", text)
    text = re.sub(r"(?<![A-Za-z0-9_])([A-Za-z])_(?=\d)", r"\1", text)  # x_1 is x1
    text = re.sub(r"\bargmax-gap\b", "argmax_gap", text)
    text = text.replace("^", "**").translate({ord("{"): "(", ord("}"): ")"})
    text = _bars(text)
    # A number, or a bracket, before a name or a bracket: 2x, 3(x + 1), (x + 1)(x - 1).
    exponent = r"((?:[eE][+-]?\d+)?)"
    text = re.sub(rf"{_NUMBER}{exponent}\s*(?![eE][+-]?\d)(?=[A-Za-z(]){_NO_WORD}", r"\1\2*", text)
    return re.sub(rf"\)\s*(?=[A-Za-z0-9(]|\.\d){_NO_WORD}", ")*", text).strip()


def _bars(text: str) -> str:
    """|t| as abs(t): a bar opens where an operand is due, or after a factor 2, and closes where one has ended."""
    written: list[str] = []
    open_ = 0
    last = ""
    either_way = False
    for i, c in enumerate(text):
        if c == "|":
            before = "".join(written).rstrip()
            due = (
                last in ("", *"(,+-*/[<>=")
                or re.search(r"\b(and|or|not|if|else)$", before) is not None
            )
            number = re.search(rf"{_NUMBER}$", before) is not None
            multiplied = number and not due and not open_  # 2|x|
            if multiplied and either_way:
                raise ValueError("bars | that can be paired in two ways; write abs(...)")
            opens = due or multiplied
            # After |2|x it is open whether the second bar closed: |2|x + 3|y| or |2|x| - 3|.
            either_way |= (
                number and re.match(r"\s*[+-]?[\w.(|]", text[i + 1 :]) is not None and not opens
            )
            open_ += 1 if opens else -1
            if open_ < 0:
                break
            written.append("*abs(" if multiplied else "abs(" if opens else ")")
            last = "(" if opens else ")"
            continue
        written.append(c)
        last = c if not c.isspace() else last
    if open_:
        raise ValueError("a bar | without its partner")
    return "".join(written)
