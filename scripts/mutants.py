"""Does the suite notice? Change one thing at a time in what speaks verdicts, and run its tests.

    python scripts/mutants.py [--only canonical] [--jobs 2]

``tests/mutants.toml`` lists, for each group of modules, small changes of meaning (a sign, a bound, a factor
that is lost) and the tests that must fail for each. The changes are made in a copy, never in the tree. A
change after which all tests pass has survived: it needs a test.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "mutants.toml"
#: what a copy needs to run the package's tests
COPIED = ("benchmarks", "chapters", "circuitkit", "scripts", "tests", "README.md", "pyproject.toml")
#: of fifteen changes the suite must notice so many
NOTICED = 14 / 15
PATIENCE = 900  # seconds; tests that hang have noticed too


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


def survives(mutant: Mutant) -> bool:
    """Whether the tests pass with the change."""
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
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        environment = {**os.environ, "PYTHONPATH": folder, "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                [*command, *mutant.tests], cwd=folder, env=environment, capture_output=True,
                timeout=PATIENCE, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        if done.returncode not in (0, 1):
            raise RuntimeError(
                f"{mutant.name}: pytest ended with {done.returncode}\n{done.stdout!r}"
            )
        return done.returncode == 0


def main() -> int:
    """Try all changes; 1 if a group of modules has too many survivors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", help="one group of modules")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    listed = [m for m in mutants() if arguments.only in (None, m.group)]
    tally: dict[str, list[bool]] = {}
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for mutant, alive in zip(listed, pool.map(survives, listed), strict=True):
            tally.setdefault(mutant.group, []).append(not alive)
            print(f"{'SURVIVED' if alive else 'noticed '}  {mutant.name}", flush=True)
    for group, noticed in tally.items():
        print(f"{group}: {sum(noticed)} of {len(noticed)} noticed")
    return int(any(sum(n) < NOTICED * len(n) for n in tally.values()))


if __name__ == "__main__":
    sys.exit(main())
