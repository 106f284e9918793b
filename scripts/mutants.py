"""Does the suite notice? Change one thing at a time in what speaks verdicts, and run its tests.

    python scripts/mutants.py [--only canonical] [--jobs 2]

``tests/mutants.toml`` lists, for each group of modules, small changes of meaning (a sign, a bound, a factor
that is lost) and the tests that must fail for each, the quick ones first. The changes are made in a copy,
never in the tree. A change after which all tests pass has survived: it needs a test. What the last whole
run of a group gave, and which test noticed each change, stands in ``tests/mutants.json``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import children
from arguments import whole_number

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "mutants.toml"
#: what the last whole run of each group gave
RECORD = ROOT / "tests" / "mutants.json"
SAID = "said.txt"
#: what a copy needs to run the package's tests
COPIED = ("benchmarks", "chapters", "circuitkit", "scripts", "tests", "README.md", "pyproject.toml")
#: of fifteen changes the suite must notice so many
NOTICED = 14 / 15
PATIENCE = 300  # seconds of processor; tests that hang have noticed too
#: a process that has the libraries and not the package is forked for each change
_WARM = multiprocessing.get_context("forkserver")
_WARM.set_forkserver_preload(
    ["highspy", "hypothesis", "numba", "pytest", "scipy.sparse", "sympy", "z3"]
)


@dataclass(frozen=True)
class Mutant:
    """One change: in this file this text becomes that one."""

    group: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        """What is changed, in a line."""
        old, new = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{self.file}: {old} -> {new}"


def mutants() -> Iterator[Mutant]:
    """All changes on the list.

    Raises:
        ValueError: a text is not, or not only once, in its file: the code has moved on.
    """
    for group, listed in tomllib.loads(LIST.read_text("utf-8")).items():
        for change in listed["changes"]:
            file = ROOT / change["file"]
            found = file.read_text("utf-8").count(change["before"])
            if found != 1:
                raise ValueError(
                    f"{change['file']}: {change['before']!r} stands there {found} times"
                )
            tests = tuple(change.get("tests", listed["tests"]))
            yield Mutant(group, change["file"], change["before"], change["after"], tests)


def noticed_by(mutant: Mutant, first: str | None = None) -> str | None:
    """The test that fails with the change; None if all pass.

    Args:
        mutant: the change.
        first: a test that is asked before the others: the one that noticed it last time.

    Raises:
        RuntimeError: the tests could not be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in COPIED:
            source, copy = ROOT / name, Path(folder) / name
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, copy)
        changed = Path(folder) / mutant.file
        text = changed.read_text("utf-8").replace(mutant.before, mutant.after)
        changed.write_text(text, encoding="utf-8")
        asked = [*([first] if first and _is_there(first) else []), *mutant.tests]
        run = _WARM.Process(target=_ask, args=(folder, asked))
        run.start()
        run.join(20 * PATIENCE)  # the clock on the wall, for tests that wait without working
        if run.exitcode is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.join()
        if run.exitcode in (-signal.SIGKILL, -signal.SIGXCPU):
            return "no end"
        said = (Path(folder) / SAID).read_text("utf-8")
        if run.exitcode not in (0, 1, 2):  # 2: it could not be imported
            raise RuntimeError(f"{mutant.name}: pytest ended with {run.exitcode}\n{said}")
        failed = re.search(r"^(?:FAILED|ERROR) ([^\s\[]+)", said, re.MULTILINE)
        return None if run.exitcode == 0 else failed[1] if failed else "the import"


def _is_there(test: str) -> bool:
    """Whether there is a test of that name still."""
    file, _, name = test.partition("::")
    return (ROOT / file).is_file() and f"def {name}(" in (ROOT / file).read_text("utf-8")


def _ask(folder: str, tests: Sequence[str]) -> None:
    """Run the tests of a copy, until one fails; in a process of its own, which has the libraries."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE + 5))
    os.chdir(folder)
    os.environ.update(PYTHONPATH=folder, OMP_NUM_THREADS="1")
    sys.path[:] = [folder, *(p for p in sys.path if Path(p or ".").resolve() != ROOT)]
    said = os.open(SAID, os.O_WRONLY | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    import pytest

    # a test that measures time fails on a busy machine, whatever is changed
    told = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=unshrunk"]
    code = pytest.main([*told, "-m", "not no_cover", *tests])
    sys.stdout.flush()
    os._exit(code)


def last_run() -> dict[str, Any]:
    """For each group of modules what its last whole run gave."""
    return json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}


def write_down(group: str, tests: dict[str, str | None]) -> None:
    """Keep what a whole run of a group gave."""
    noticed = sum(test is not None for test in tests.values())
    record = {
        **last_run(),
        "note": "Written by: make mutants",
        group: {"noticed": noticed, "of": len(tests), "noticed by": tests},
    }
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False)
    RECORD.write_text(text + "\n", encoding="utf-8")


def fails_anyway(mutant: Mutant, tests: Sequence[str | None]) -> str | None:
    """A test, of those that have noticed something, that fails on the unchanged code; None if none does."""
    asked = sorted({test for test in tests if test and "::" in test})
    return noticed_by(replace(mutant, after=mutant.before, tests=tuple(asked))) if asked else None


def enough(tests: Sequence[str | None]) -> bool:
    """Whether of so many changes enough were noticed."""
    return sum(test is not None for test in tests) >= NOTICED * len(tests)


def main() -> int:
    """Try all changes; 1 if a group of modules has too many survivors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    groups = list(tomllib.loads(LIST.read_text("utf-8")))
    parser.add_argument("--only", choices=groups, help="one group of modules")
    parser.add_argument("--jobs", type=whole_number(1), default=2)
    arguments = parser.parse_args()
    children.end_with_this()
    listed = [m for m in mutants() if arguments.only in (None, m.group)]
    before = last_run()
    known = {
        k: t for g in before.values() if isinstance(g, dict) for k, t in g["noticed by"].items()
    }
    tally: dict[str, dict[str, str | None]] = {}
    with ThreadPoolExecutor(arguments.jobs) as pool:
        found = pool.map(noticed_by, listed, [known.get(m.name) for m in listed])
        for mutant, test in zip(listed, found, strict=True):
            group = tally.setdefault(mutant.group, {})
            group[mutant.name] = test
            print(f"{'noticed ' if test else 'SURVIVED'}  {mutant.name}  [{test}]", flush=True)
            if len(group) == sum(m.group == mutant.group for m in listed):
                if broken := fails_anyway(mutant, list(group.values())):
                    sys.exit(f"error: {broken} fails without any change, so it has noticed nothing")
                write_down(mutant.group, group)
    for name, group in tally.items():
        print(f"{name}: {sum(t is not None for t in group.values())} of {len(group)} noticed")
    return int(any(not enough(list(group.values())) for group in tally.values()))


if __name__ == "__main__":
    sys.exit(main())
