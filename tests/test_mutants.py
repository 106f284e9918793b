"""The list of changes that the suite must notice is of the code as it stands."""

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import mutants


def test_every_listed_change_can_still_be_made():
    listed = list(mutants.mutants())
    counts = Counter(m.group for m in listed)
    assert min(counts.values()) >= 15
    assert all(m.before != m.after for m in listed)


def test_the_last_whole_run_of_each_group_noticed_enough():
    groups = [given for name, given in mutants.last_run().items() if name != "note"]
    for given in groups:
        assert given["of"] == len(given["noticed by"]) >= 15
        assert mutants.enough(list(given["noticed by"].values()))


def test_a_change_that_no_test_can_see_survives_and_one_that_breaks_all_does_not(tmp_path):
    quick = ("tests/test_words.py",)
    file = "circuitkit/words.py"
    harmless = mutants.Mutant("words", file, '"""Numbers', '"""The numbers', quick)
    fatal = mutants.Mutant("words", file, "from __future__ import annotations", "raise", quick)
    assert mutants.noticed_by(harmless) is None
    assert mutants.noticed_by(fatal) is not None


def test_a_test_that_fails_without_the_change_has_noticed_nothing(monkeypatch):
    broken = "tests/test_words.py::test_broken"
    change = mutants.Mutant("words", "circuitkit/words.py", "a", "b", ("tests/test_words.py",))

    def noticed_by(mutant):
        assert mutant.before == mutant.after
        return broken if broken in mutant.tests else None

    monkeypatch.setattr(mutants, "noticed_by", noticed_by)
    assert mutants.fails_anyway(change, [broken, None, "no end"]) == broken
    assert mutants.fails_anyway(change, [None, "the import"]) is None
