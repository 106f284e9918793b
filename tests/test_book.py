"""What the chapters use to keep their word."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from circuitkit.book import ClaimFailed, claim, seeds
from circuitkit.training.run import Rate

ROOT = Path(__file__).resolve().parents[1]
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
        ("All of them.", {}, "nothing in 'All of them.' is checked"),
        ("Of {n}.", {"n": 5}, "nothing in 'Of {n}.' is checked"),
        ("{n}", {"n": (1, 2)}, r"n: \(1, 2\); a bound is written \(low, value, high\)"),
        ("{rte:.0%}", {"rate": (0, 0.5, 1)}, "'rte' was not measured"),
        ("One.", {"n": (1, 1, 1), "m": 5}, r"\['m'\]: neither in the sentence nor checked"),
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
    with pytest.raises(ValueError, match="CIRCUITKIT_BASE_SEED is 'many'"):
        seeds(8)
    monkeypatch.delenv("CIRCUITKIT_BASE_SEED")
    with pytest.raises(ValueError, match="count: 0"):
        seeds(0)
    with pytest.raises(ValueError, match="start: -1"):
        seeds(1, start=-1)


def test_claiming_needs_no_part_of_the_package_that_is_slow_to_import():
    code = "import sys, circuitkit.book; print(*{'torch', 'numba', 'z3', 'IPython'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
