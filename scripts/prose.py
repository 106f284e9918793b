r"""Every numeral in the book's prose is a claim's, has a source, or is no measurement.

    python scripts/prose.py          all chapters, pages and the README; exit status 1 and a list, if not

A measured number is said by its cell (``circuitkit.book.claim``) or read from a file. Typed into the
text it grows old: nobody measures it again. So a numeral in a text cell, a caption or an alternative
text is an error, unless it is one of these:

- in a formula, in code, in a role such as ``{ref}``, in a link, a label or a list's number;
- in the title of another page that is linked, which that page answers for;
- the sizes of a network's layers, such as 2-3-1, or a year;
- a whole number up to twelve that is not said to be a share: a worked example, a count of what stands
  on the page. "10 of 12 networks" and "3 %" are shares;
- a setting: the cell's own code or that of the two cells before or after it has the very number in it
  (``seeds(1024)`` for "1,024 seeds"), and it is no percentage;
- in a sentence that cites a source;
- the number of a table's row, in its first column;
- listed, with its source, in the cell's metadata: ``"numerals": {"95 %": "the interval's level"}``; in a
  page that is no notebook, in a comment: ``<!-- numeral 95 %: the interval's level -->``.

Number words from thirteen up, "percent", and a share in words of seeds, starts, runs or networks
("nearly all of the networks") count as numerals.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "_ext"))

from citations import with_roles  # noqa: E402

_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_NUMERAL = re.compile(
    rf"""
    (?<![\w.])[-−]?\d(?:[\d,.]*\d)?(?:\s*(?:%|percent\b|per\ cent\b))?   # 84.5 %, 1,024, 3
    | \b(?:thir|four|fif|six|seven|eigh|nine)teen\b
    | \b(?:{_TENS})(?:-\w+)?\b
    | \b(?:half|thirds?|quarters?|fifths?|tenths?|most|many|few|none|all|every\ one|not\ one|\d+)
      \ of\ (?:the\ |all\ |these\ )?(?:\w+\ )?(?:seeds|starts|runs|networks)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SHARE = re.compile(
    r"\s*(?:out of|of (?:the |all )?(?:[\d,]+|seeds|starts|runs|networks)\b|times (?:as|more|less|\w+er)\b)"
)

#: what is no prose, replaced by a space before numerals are looked for
_NOT_PROSE = [
    re.compile(r"^([`~]{3,})\{math\}.*?^\1", re.DOTALL | re.MULTILINE),
    re.compile(r"^([`~]{3,})(?:python|text|sh|bash|toml|yaml)?\n.*?^\1", re.DOTALL | re.MULTILINE),
    re.compile(r"^:[\w-]+:.*$", re.MULTILINE),  # a directive's option
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"\$[^$%]+\$"),  # a percentage is one in a formula, too
    re.compile(r"\{[\w:+-]+\}`[^`]*`"),
    re.compile(r"`[^`]*`"),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"<div class=\"book-answer\"[^>]*>"),  # the answer that an exercise asks for
    re.compile(r"^\s*>?\s*(?:\d+[.)]|[-*])\s", re.MULTILINE),
    re.compile(r"^\s*\|\s*\d+\s*\|", re.MULTILINE),
    re.compile(r"(?<![\w-])\d+(?:-\d+)+(?![\w-])"),
    re.compile(r"(?<![\w.,])(?:19|20)\d\d(?![\w%]|[.,]\d)"),
]
# Of a whole page; a test compares the two.
_TITLE = re.compile(r"\[[A-Z][^]]*\]\([\w./-]+\.(?:ipynb|md)\)")
_SENTENCE = re.compile(r"(?<=[.?!:;])\s+|\n\s*\n|^\s*(?=[-*|#])", re.MULTILINE)
_LISTED = re.compile(r"^<!-- numeral (.+?): (.*?)-->\n", re.MULTILINE)
_NEIGHBORS = 2


def unsourced(text: str, code: str = "", listed: Sequence[str] = ()) -> Iterator[str]:
    r"""The numerals of a text that nothing vouches for.

    Args:
        text: Markdown.
        code: the cell's own code and that of its neighbors.
        listed: numerals that the cell's metadata give a source for.

    Example:
        >>> list(unsourced("We saw that 84.5 % of the seeds fit, and 2.1 % are right."))
        ['84.5 %', '2.1 %']
        >>> list(unsourced("A 2-3-1 network has 3 units; $84.5$ is a formula, `0.1` is code."))
        []
        >>> list(unsourced("Of 1,024 seeds, 10 of 12 succeed.", code="seeds(1024)"))
        ['10']
        >>> list(unsourced("Nearly all of the networks are stuck, forty-nine at least."))
        ['all of the networks', 'forty-nine']
        >>> list(unsourced("They found 447 [[Olah et al., 2020]](../references.bib#olah2020zoom). They found 448."))
        ['448']
        >>> list(unsourced("[The watershed: half of all starts](watershed.ipynb) says [half of all starts](a.ipynb)."))
        ['half of all starts']
    """
    settings = _literals(code)
    for sentence in _SENTENCE.split(_hide_formulas(with_roles(text))):
        if "{cite" in sentence:
            continue
        for pattern in _NOT_PROSE:
            sentence = pattern.sub(" ", sentence)
        for found in _NUMERAL.finditer(sentence):
            numeral = " ".join(found[0].split())
            if numeral in listed or any(numeral == each.replace("-", "−") for each in listed):
                continue
            if _is_plain(numeral, sentence[found.end() :], settings):
                continue
            yield numeral


def _hide_formulas(text: str) -> str:
    """The text without what may hold a full stop, a colon or a blank line of its own."""
    for pattern in (*_NOT_PROSE[:5], _TITLE):
        text = pattern.sub(" ", text)
    return text


def _is_plain(numeral: str, after: str, settings: set[float]) -> bool:
    try:
        value = float(numeral.replace(",", "").replace("−", "-"))
    except ValueError:
        return False
    if _SHARE.match(after):
        return False
    return abs(value) in settings or (value == int(value) and abs(value) <= 12)


def _literals(code: str) -> set[float]:
    """The numbers that stand in some code."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return set()
    values = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)}


def check(notebook: dict[str, Any]) -> list[str]:
    """A line for each numeral in a chapter that nothing vouches for, and for each idle entry."""
    cells = notebook["cells"]
    code = ["".join(c["source"]) if c["cell_type"] == "code" else "" for c in cells]
    lines = []
    for i, cell in enumerate(cells):
        listed = cell["metadata"].get("numerals", {})
        near = "\n".join(code[max(0, i - _NEIGHBORS) : i + _NEIGHBORS + 1])
        text = "\n\n".join(_prose(cell))
        found = list(unsourced(text, near, list(listed)))
        lines += [f"{cell['id']}: {numeral!r} is typed into the prose" for numeral in found]
        idle = [each for each in listed if each not in text]
        lines += [f"{cell['id']}: {each!r} has a source and is not in the text" for each in idle]
        lines += [
            f"{cell['id']}: {each!r} has no source" for each, why in listed.items() if not why
        ]
    return lines


def check_page(text: str) -> list[str]:
    """A line for each numeral in a page of Markdown that nothing vouches for, and for each idle entry."""
    listed = {numeral: why.strip() for numeral, why in _LISTED.findall(text)}
    prose = _LISTED.sub("", text)
    lines = [
        f"{numeral!r} is typed into the prose" for numeral in unsourced(prose, "", list(listed))
    ]
    lines += [
        f"{each!r} has a source and is not in the text" for each in listed if each not in prose
    ]
    return lines + [f"{each!r} has no source" for each, why in listed.items() if not why]


def _prose(cell: dict[str, Any]) -> list[str]:
    if cell["cell_type"] == "markdown":
        return ["".join(cell["source"])]
    shown = cell["metadata"].get("mystnb", {})
    return [shown.get("figure", {}).get("caption", ""), shown.get("image", {}).get("alt", "")]


def pages() -> list[Path]:
    """What is read beside the notebooks."""
    return [
        ROOT / "README.md",
        *sorted(ROOT.glob("chapters/*.md")),
        *sorted(ROOT.glob("reference/*.md")),
    ]


def main() -> None:
    wrong = 0
    for path in [ROOT / "index.ipynb", *sorted(ROOT.glob("chapters/*.ipynb"))]:
        for line in check(json.loads(path.read_text("utf-8"))):
            wrong += 1
            print(f"{path.relative_to(ROOT)}, cell {line}")
    for path in pages():
        for line in check_page(path.read_text("utf-8")):
            wrong += 1
            print(f"{path.relative_to(ROOT)}: {line}")
    if wrong:
        print(
            f"\n{wrong} to mend: say it with claim(), cite, or list its source (scripts/prose.py)"
        )
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
