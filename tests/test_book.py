"""What the chapters use to keep their word."""

from __future__ import annotations

import ast
import doctest
import json
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

from circuitkit.book import ClaimFailed, claim, seeds
from circuitkit.training.run import Rate

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "_ext")]

import citations  # noqa: E402
import claims  # noqa: E402
import prose  # noqa: E402

NOTEBOOKS = ["index.ipynb", *sorted(f"chapters/{p.name}" for p in ROOT.glob("chapters/*.ipynb"))]

#: What a chapter may import: what Python and Binder's environment bring.
ALLOWED = {"IPython", "circuitkit", "ipywidgets", "matplotlib", "numpy", "pandas"}


@pytest.fixture
def said(monkeypatch):
    """The sentences that were displayed."""
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    return shown


# --- the chapters ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_a_chapter_imports_only_what_binder_installs(path):
    notebook = json.loads((ROOT / path).read_text("utf-8"))
    imported = set()
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).split(".")[0])
    assert imported - ALLOWED - sys.stdlib_module_names == set()


def test_every_chapter_has_its_card_with_a_picture_on_the_landing_page_in_the_order_of_the_contents():
    chapters = re.findall(r"file: (chapters/\S+)", (ROOT / "_toc.yml").read_text("utf-8"))
    notebook = json.loads((ROOT / "index.ipynb").read_text("utf-8"))
    text = "".join("".join(cell["source"]) for cell in notebook["cells"])
    cards = re.findall(
        r"\{grid-item-card\} .+\n:link: (\S+)\n:link-type: doc\n:img-top: (\S+)\n:img-alt: .+\n\S.+\n",
        text,
    )
    assert [link for link, _ in cards] == chapters
    assert [picture for _, picture in cards] == [
        f"_static/cards/{Path(chapter).name}.svg" for chapter in chapters
    ]
    assert {path.stem for path in ROOT.glob("_static/cards/*.svg")} == {
        Path(chapter).name for chapter in chapters
    }


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_an_answer_box_stands_in_an_exercise_with_a_solution_and_asks_for_a_number(path):
    cells = json.loads((ROOT / path).read_text("utf-8"))["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    exercises = re.findall(r"^`{3,}\{exercise\}.*?\n:label: (\S+)(.*?)^`{3,}$", text, re.M | re.S)
    boxes = {label: body for label, body in exercises if "book-answer" in body}
    assert sum(body.count("book-answer") for body in boxes.values()) == text.count("book-answer")
    for label, body in boxes.items():
        assert re.search(rf"\{{solution(?:-start)?\}} {label}$", text, re.M), label
        asked = re.findall(r'^<div class="book-answer" (.*)></div>$', body, re.M)
        assert len(asked) == body.count("book-answer"), label
        for each in asked:
            told = dict(re.findall(r'data-(\w+)="([^"]*)"', each))
            assert told.keys() in ({"label", "answer"}, {"label", "answer", "within"}), each
            Fraction(told["answer"])
            # relative to the answer: a smaller tolerance, taken for an absolute one, refuses right answers
            assert (
                "within" not in told
                or told["within"] == "0"
                or 5e-4 <= float(told["within"]) <= 0.5
            ), each
        labels = re.findall(r'data-label="([^"]*)"', text)
        assert len(labels) == len(set(labels))


def test_a_word_is_new_once_in_a_chapter_that_uses_it():
    """Each "New words" line names words of its own page, and no page names one of an earlier page."""
    chapters = re.findall(r"file: (chapters/\S+)", (ROOT / "_toc.yml").read_text("utf-8"))
    first = {}
    for path in (ROOT / f"{chapter}.ipynb" for chapter in chapters):
        if not path.exists():  # a page without code
            continue
        cells = json.loads(path.read_text("utf-8"))["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        found = re.search(r"\*\*New words:\*\* (.*?)(?:\n\n|\Z)", text, re.S)
        if not found:
            continue
        new, _, old = found[1].partition("none. Old ones put to use:")
        rest = text.replace(found[0], "").casefold()
        for word in re.findall(r"\[([^]]*)\]\([^)]*#term-", new):
            assert word not in first, f"{word}: new in {first[word]} and again in {path.stem}"
            first[word] = path.stem
            for part in word.casefold().split():
                assert re.search(rf"\b{part}", rest), f"{word}: nowhere else in {path.stem}"
        for word in re.findall(r"\[([^]]*)\]\([^)]*#term-", old):
            assert word in first, f"{word}: called old in {path.stem}, and new nowhere before"
    assert len(first) > 30


# --- claim -------------------------------------------------------------------------------------


def test_a_sentence_is_shown_with_its_numbers_as_markdown_that_carries_what_was_checked(said):
    claim("It is {rate:.0%} of {rate.n}, $\\tfrac{1}{2}$.", rate=(0.4, Rate(473, 1024), 0.499))
    data, metadata = said[0]._repr_mimebundle_()
    assert data["text/markdown"] == "It is 46\N{NO-BREAK SPACE}% of 1024, $\\tfrac{1}{2}$."
    assert data["text/plain"] == repr(said[0]) == data["text/markdown"]
    assert json.loads(json.dumps(metadata["claim"])) == {
        "sentence": "It is {rate:.0%} of {rate.n}, $\\tfrac{1}{2}$.",
        "holds": True,
        "checks": [{"name": "rate", "value": 473 / 1024, "low": 0.4, "high": 0.499, "holds": True}],
    }


def test_a_claim_that_is_not_true_is_shown_and_names_its_sentence(said):
    message = '"Only 600 of them." is not true: n is 600, and the words hold from 0 to 511'
    with pytest.raises(ClaimFailed) as caught:
        claim("Only {n} of them.", n=(0, np.int64(600), 511))
    assert str(caught.value) == message
    assert repr(said[0]) == "Only 600 of them."
    assert said[0]._repr_mimebundle_()[1]["claim"]["holds"] is False


@pytest.mark.parametrize("value", [False, np.bool_(False)])
def test_a_claim_may_be_a_plain_yes_or_no(said, value):
    claim("The first is faster.", faster=not value)
    with pytest.raises(ClaimFailed, match='^"The first is faster." is not true: faster is false$'):
        claim("The first is faster.", faster=value)


def test_not_a_number_is_within_no_bounds(said):
    with pytest.raises(ClaimFailed, match="x is nan"):
        claim("{x}", x=(0, float("nan"), 1))


def test_a_paragraph_may_be_indented_and_hold_formulas_and_roles(said):
    text = r"""
    Of {n} networks

    all have a {term}`kink`: $\mathrm{ReLU}(x)$.
    """
    claim(text, n=(1, 3, 3))
    assert repr(said[0]) == "Of 3 networks\n\nall have a {term}`kink`: $\\mathrm{ReLU}(x)$."


@pytest.mark.parametrize(
    ("sentence", "measured", "message"),
    [
        ("All of them.", {}, "sentence: expected .* got nothing that is checked in 'All of them.'"),
        ("Of {n}.", {"n": 5}, "sentence: expected .* got nothing that is checked in 'Of {n}.'"),
        ("{n}", {"n": (1, 2)}, r"n: expected a bound \(low, value, high\), got \(1, 2\)"),
        (
            "{rte:.0%}",
            {"rate": (0, 0.5, 1)},
            "sentence: expected what was measured, got {rte:.0%}, and no 'rte' was",
        ),
        (
            "One.",
            {"n": (1, 1, 1), "m": 5},
            "m: expected something that the sentence shows, or that is checked, got neither",
        ),
    ],
)
def test_a_claim_that_would_check_nothing_is_an_error_of_its_author(
    said, sentence, measured, message
):
    with pytest.raises(ValueError, match=message):
        claim(sentence, **measured)


# --- seeds -------------------------------------------------------------------------------------


def test_seeds_count_from_the_base_seed(monkeypatch):
    monkeypatch.delenv("CIRCUITKIT_BASE_SEED", raising=False)
    assert seeds(8) == range(8)
    monkeypatch.setenv("CIRCUITKIT_BASE_SEED", "300000")
    assert seeds(8, start=16) == range(300016, 300024)


def test_a_base_seed_that_is_no_number_is_named(monkeypatch):
    monkeypatch.setenv("CIRCUITKIT_BASE_SEED", "many")
    with pytest.raises(
        ValueError, match="CIRCUITKIT_BASE_SEED: expected a whole number, got 'many'"
    ):
        seeds(8)
    monkeypatch.delenv("CIRCUITKIT_BASE_SEED")
    with pytest.raises(ValueError, match="count: expected a whole number, 1 or above, got 0"):
        seeds(0)
    with pytest.raises(ValueError, match="start: expected a whole number, 0 or above, got -1"):
        seeds(1, start=-1)


def test_claiming_needs_no_part_of_the_package_that_is_slow_to_import():
    code = "import sys, circuitkit.book; print(*{'torch', 'numba', 'z3', 'IPython'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


# --- numerals in the prose, and the report of claims -------------------------------------------


@pytest.mark.parametrize("module", [claims, prose, citations])
def test_the_examples_in_the_scripts_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_every_numeral_in_the_prose_is_a_claims_or_has_a_source(path):
    assert prose.check(json.loads((ROOT / path).read_text("utf-8"))) == []


def cell(kind, text, **metadata):
    return {"id": "a", "cell_type": kind, "source": [text], "metadata": metadata}


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("84.5 % of the seeds fit in the range, 2.1 % are right everywhere.", ["84.5 %", "2.1 %"]),
        ("So $84.5\\,\\%$ of them fit.", ["84.5"]),
        ("10 of 12 networks.", ["10"]),
        ("It is 20 times as fast.", ["20"]),
        ("It is 7 times faster.", ["7"]),
        ("Forty-nine cells.", ["Forty-nine"]),
        ("None of the stuck networks is blind.", ["None of the stuck networks"]),
        ("The worst error is 0.047.", ["0.047"]),
        (
            "The worst error is 0.047 [[A, 2020]](../references.bib#a). It was 0.048 before.",
            ["0.048"],
        ),
        ("[A et al. [2020]](../references.bib#a) found 3 %. They found 4 %.", ["4 %"]),
        (
            "1. A 2-3-1 network.\n2. In 2020, `3.5` and $0.5$, and 3 units: see {numref}`fig-7-3`.",
            [],
        ),
        (
            '<div class="book-answer" data-label="p" data-answer="0.704"></div>\nIt is 0.705.',
            ["0.705"],
        ),
        ("```{math}\n:label: eq-1\n0.5 x\n```\nand\n\n$$\n84.5\n$$\n", []),
    ],
)
def test_a_number_that_nobody_measures_again_is_caught(text, caught):
    lines = prose.check({"cells": [cell("markdown", text)]})
    assert lines == [f"a: {numeral!r} is typed into the prose" for numeral in caught]


@pytest.mark.parametrize("path", prose.pages(), ids=lambda p: p.name)
def test_every_numeral_in_a_page_has_a_source(path):
    assert prose.check_page(path.read_text("utf-8")) == []


def test_a_page_lists_the_sources_of_its_numerals_in_comments():
    text = "About 108 MB.\n\n| 13 | 84.5 % |\n"
    assert prose.check_page(text) == [
        "'108' is typed into the prose",
        "'84.5 %' is typed into the prose",
    ]
    listed = "<!-- numeral 108: a download -->\n<!-- numeral 84.5 %: a table -->\n<!-- numeral 7.5: gone -->\n"
    assert prose.check_page(listed + text) == ["'7.5' has a source and is not in the text"]


def test_a_numeral_may_be_a_setting_of_the_code_beside_it_or_list_its_source():
    code = cell("code", "run = ck.train('min', 3, seeds=seeds(1024))")
    text = "We take 1,024 seeds; about 95 % of such intervals."
    assert prose.check({"cells": [code, cell("markdown", text)]}) == [
        "a: '95 %' is typed into the prose"
    ]
    listed = {"95 %": "the interval's level"}
    assert prose.check({"cells": [code, cell("markdown", text, numerals=listed)]}) == []
    assert prose.check({"cells": [code, cell("markdown", "Gone.", numerals=listed)]}) == [
        "a: '95 %' has a source and is not in the text"
    ]


def test_captions_and_alternative_texts_are_prose():
    figure = {"figure": {"caption": "They level off at 0.56."}, "image": {"alt": "At 0.57."}}
    lines = prose.check({"cells": [cell("code", "plot()", mystnb=figure)]})
    assert [line.split("'")[1] for line in lines] == ["0.56", "0.57"]


def test_the_report_names_the_sentence_whose_words_do_not_hold_from_every_base_seed():
    def run(base_seed, value):
        checks = [{"name": "rate", "value": value, "low": 0, "high": 0.5, "holds": value <= 0.5}]
        said = {"cell": "a", "words": "…", "sentence": "Only {rate:.0%}.", "checks": checks}
        said["holds"] = value <= 0.5
        return {"chapter": "min", "base seed": base_seed, "claims": [said], "stops": []}

    lines, wrong = claims.report([run(1, 0.4), run(2, 0.6)])
    assert lines[1:] == ["== min", "FALSE  Only {rate:.0%}.", "         rate: 0 <= 0.4, 0.6 <= 0.5"]
    assert wrong == 1
    assert claims.report([run(1, 0.4), run(2, 0.45)])[1] == 0


def test_a_cell_that_stops_is_reported_and_a_false_claim_does_not_hide_the_next(tmp_path):
    source = (
        "from circuitkit.book import claim, seeds\nclaim('First {n}.', n=(0, seeds(1)[0], 6))",
        "claim('Second {n}.', n=(0, 1, 2))",
        "1 / 0",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in source])
    nbformat.write(notebook, tmp_path / "tiny.ipynb")
    result = claims.measure("tiny", 7, chapters=tmp_path)
    assert [(c["words"], c["holds"]) for c in result["claims"]] == [
        ("First 7.", False),
        ("Second 1.", True),
    ]
    assert [stop.split(": ", 1)[1] for stop in result["stops"]] == [
        "ZeroDivisionError: division by zero"
    ]


def test_every_work_of_the_bibliography_is_cited_and_every_citation_is_in_it():
    keys = set(re.findall(r"^@\w+\{([^,]+),", (ROOT / "references.bib").read_text("utf-8"), re.M))
    cited = set()
    for path in [*ROOT.glob("chapters/*.*"), *ROOT.glob("reference/*.md")]:
        text = path.read_text("utf-8")
        found = citations.CITATION.findall(text)
        assert len(found) == text.count("references.bib"), f"{path.name}: not written as a citation"
        for said, name in found:
            assert re.fullmatch(r"\[.+, (\d{4}|n\.d\.)\]|[^\[\]]+ \[\d{4}\]", said), said
            cited.add(name)
    assert cited == keys


def test_a_citation_becomes_a_role_in_the_text_and_what_it_shows_and_never_in_code():
    link = "[[A, 2020]](../references.bib#a2020)"
    shown = nbformat.v4.new_output("display_data", {"text/markdown": link, "text/plain": link})
    cells = [
        nbformat.v4.new_markdown_cell(f"One\n{link}."),
        nbformat.v4.new_code_cell(f'claim("{link}")', outputs=[shown]),
    ]
    source = [nbformat.writes(nbformat.v4.new_notebook(cells=cells))]
    app = SimpleNamespace(env=SimpleNamespace(doc2path="{}.ipynb".format))
    citations.cite(app, "chapter", source)
    text, code = nbformat.reads(source[0], 4).cells
    assert text.source == "One\n{cite}`a2020`."
    assert code.source == f'claim("{link}")'
    assert code.outputs[0].data == {"text/markdown": "{cite}`a2020`", "text/plain": link}
