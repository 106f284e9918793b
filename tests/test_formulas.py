"""What KaTeX writes for the ear becomes what a browser draws well."""

from __future__ import annotations

import doctest
import json
import re
import subprocess
import sys
from html import escape
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "_ext"))

import formulas  # noqa: E402
import page_fonts  # noqa: E402
from sphinx.errors import ExtensionError  # noqa: E402
from sphinxcontrib import katex  # noqa: E402

formulas._prepare_katex()

WRITTEN = {
    "a=-b": '<math><mi>a</mi><mo>=</mo><mo form="prefix">−</mo><mi>b</mi></math>',
    "(-1)-1": '<math><mo stretchy="false">(</mo><mo form="prefix">−</mo><mn>1</mn>'
    '<mo stretchy="false">)</mo><mo>−</mo><mn>1</mn></math>',
    "|x|-|-y|": "−".join(
        [
            '<math><mo lspace="0" rspace="0" stretchy="false" form="prefix">|</mo><mi>x</mi>'
            '<mo lspace="0" rspace="0" stretchy="false" form="postfix">|</mo><mo>',
            '</mo><mo lspace="0" rspace="0" stretchy="false" form="prefix">|</mo><mo form="prefix">',
            '</mo><mi>y</mi><mo lspace="0" rspace="0" stretchy="false" form="postfix">|</mo></math>',
        ]
    ),
    r"\mathrm{ReLU}": "<math><mi>ReLU</mi></math>",
    r"\mathrm{W}\,\mathbb{R}": '<math><mi mathvariant="normal">W</mi><mspace width="0.1667em"></mspace>'
    "<mi>ℝ</mi></math>",
    r"b\cos^2 x": '<math><mi>b</mi><mspace width="0.1667em"></mspace><msup><mi>cos</mi><mn>2</mn></msup>'
    '<mo>\u2061</mo><mspace width="0.1667em"></mspace><mi>x</mi></math>',
    r"\max(x)": '<math><mi>max</mi><mo>\u2061</mo><mo stretchy="false">(</mo><mi>x</mi>'
    '<mo stretchy="false">)</mo></math>',
    "w'": '<math><mrow><mi>w</mi><mo lspace="0em" rspace="0em">′</mo></mrow></math>',
    r"x-\dots-y": "<math><mi>x</mi><mo>−</mo><mi>⋯</mi><mo>−</mo><mi>y</mi></math>",
    r"a_1 = 2 \le b": None,
    r"\left||x| - \tfrac12\right|": None,
    r"\bigl(a\bigr)^2": None,
    "f''": None,
}
LONG = r"\tfrac12 \max(m_{12}, x_5) + \tfrac12 \max(m_{34}, x_5) = \max(m_{12}, m_{34}) - \tfrac12"


@pytest.fixture(scope="module")
def typeset():
    """All at once: Node takes a second to start."""
    tex = [
        *WRITTEN,
        LONG,
        r"\begin{aligned} a &= b \end{aligned}",
        r"\begin{pmatrix}a\end{pmatrix}",
        r"a \\ b",
    ]
    script = (
        f"const katex = require({str(Path(katex.SCRIPT_PATH).with_name('katex.min.js'))!r});"
        'console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8")).map('
        '(t) => katex.renderToString(t, { output: "mathml" }))))'
    )
    done = subprocess.run(
        [katex.NODEJS_BINARY, "-e", script],
        input=json.dumps(tex),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return dict(zip(tex, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("module", [formulas, page_fonts])
def test_the_examples_in_the_extensions_hold(module):
    assert doctest.testmod(module).failed == 0


def drawn(typeset, tex: str) -> str:
    """Without what it was typed as, which stands in the first part."""
    made = formulas.mathml(typeset[tex], tex)
    assert made.count(f'data-tex="{escape(tex, quote=False)}"') == 1
    return re.sub(r' data-tex="[^"]*"', "", made)


def test_signs_bars_functions_and_letters_are_what_they_are_in_the_formula(typeset):
    for tex, written in WRITTEN.items():
        if written is not None:
            assert drawn(typeset, tex) == written, tex


def test_bars_within_bars_open_and_close_in_pairs(typeset):
    made = drawn(typeset, r"\left||x| - \tfrac12\right|")
    assert re.findall(r'form="(p\w+fix)">([|−])', made) == [
        ("prefix", "|"),
        ("prefix", "|"),
        ("postfix", "|"),
        ("postfix", "|"),
    ]


def test_a_bracket_with_an_exponent_grows_as_the_one_that_it_closes(typeset):
    made = drawn(typeset, r"\bigl(a\bigr)^2")
    assert re.search(r"<msup><mrow><mo [^>]*minsize[^>]*>\)</mo></mrow><mn>2</mn></msup>", made)
    assert "″" in drawn(typeset, "f''")


def test_a_long_formula_within_a_line_comes_in_parts_and_loses_nothing(typeset):
    whole = typeset[LONG]
    parts = drawn(typeset, LONG)
    assert parts.count("<math>") == 3
    ends = ['<mo form="infix">+</mo></math>', '<mo form="infix">=</mo></math>']
    assert all(end in parts for end in ends)
    # ... which is not broken within its brackets
    assert all(part.count("(") == part.count(")") for part in parts.split("<math>"))
    by_itself = formulas.mathml(whole.replace("<math ", '<math display="block" '), LONG)
    assert by_itself.count("<math") == 1
    text = page_fonts._TAG
    assert text.sub("", parts) == text.sub("", by_itself)
    short = r"a_1 = 2 \le b"
    assert drawn(typeset, short).count("<math>") == 1


def test_what_no_browser_knows_stops_the_build(typeset):
    aligned, matrix, broken = list(typeset)[-3:]
    assert 'class="math-aligned"' in formulas.mathml(typeset[aligned], aligned)
    with pytest.raises(ExtensionError, match="expected aligned or cases, got columns"):
        formulas.mathml(typeset[matrix], matrix)
    with pytest.raises(ExtensionError, match="expected no .* outside of an environment"):
        formulas.mathml(typeset[broken], broken)
    with pytest.raises(ExtensionError, match="expected MathML for 'x'"):
        formulas.mathml("<span>x</span>", "x")
    with pytest.raises(ExtensionError, match="expected a letter"):
        formulas.letter("→", "bold")


def test_the_math_font_keeps_what_formulas_are_set_in_and_the_sizes_that_brackets_grow_to(tmp_path):
    from fontTools.ttLib import TTFont

    font = tmp_path / "stix-two-math.woff2"
    font.write_bytes((ROOT / "_static" / "fonts" / font.name).read_bytes())
    before = font.stat().st_size
    letters = page_fonts.letters_in_formulas(
        "<math><mi>h</mi><mo>(</mo><mi>&lt;</mi><msqrt><mn>2</mn></msqrt></math>"
    )
    page_fonts._shrink([font], letters)
    page_fonts.set_fractions(font)
    assert font.stat().st_size < before / 10
    small = TTFont(font)
    assert {ord(c) for c in "h(ℎ<√"} <= set(small.getBestCmap())
    assert len(small.getGlyphOrder()) > 10  # larger brackets
    assert small["MATH"].table.MathConstants.FractionNumeratorShiftUp.Value < 400
