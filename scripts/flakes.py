"""Execute all chapters again and again, in random order and under load: does one stop now and then?

    python scripts/flakes.py --runs 20             # all of them, twenty times (hours)
    python scripts/flakes.py --runs 1 --seed 7     # the run of one seed again
    python scripts/flakes.py --runs 20 abs min     # these chapters alone

Each run draws its order from its seed. Beside it, ``--load`` processes keep the processor busy. A chapter that
stops is told with its run and its cell, and so is a cell that does not end within ``--limit`` seconds.
What has been done stands in ``build/flakes.json``, run by run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import book
import children
from arguments import positive, whole_number

#: seconds that a cell may take, however busy the machine is
LIMIT = 900
#: ends by itself where the process that has started it is gone, however that came
BUSY = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): sum(range(10**6))"


@dataclass
class Run:
    """One time through the chapters.

    Attributes:
        seed: decides the order.
        order: the chapters as they were begun.
        load: busy processes beside them.
        seconds: of the clock.
        stopped: what each chapter said that did not come to its end.
    """

    seed: int
    order: list[str]
    load: int
    seconds: float = 0.0
    stopped: dict[str, str] = field(default_factory=dict)


def notebooks(chosen: Sequence[str]) -> list[str]:
    """The names of the book's notebooks, or of those that are asked for by their stems."""
    every = [p for p in book.files("index.ipynb", "chapters") if p.suffix == ".ipynb"]
    stems = {path.stem: path.relative_to(book.ROOT).as_posix() for path in every}
    unknown = sorted(set(chosen) - set(stems))
    if unknown:
        sys.exit(f"error: no chapter is called {', '.join(unknown)}; there are {', '.join(stems)}")
    return [stems[stem] for stem in stems if not chosen or stem in chosen]


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but take the processor's time."""
    command = [sys.executable, "-c", BUSY, str(os.getpid())]
    burners = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def executed(name: str, place: Path, limit: int) -> str:
    """What a chapter says where it stops, beginning with its cell; nothing where it does not."""
    done = subprocess.run(
        [sys.executable, book.__file__, "notebook", str(place / name), f"--limit={limit}"],
        cwd=book.ROOT, env=book.environment(), capture_output=True, text=True,
    )  # fmt: skip
    if not done.returncode:
        return ""
    told = re.search(r"^error: .*", done.stderr, re.MULTILINE | re.DOTALL)
    return told[0] if told else f"ended with {done.returncode}\n{done.stderr[-2000:]}"


def once(names: Sequence[str], seed: int, *, load: int, jobs: int, limit: int) -> Run:
    """All chapters once, from copies as they stand in the repository."""
    run = Run(seed, random.Random(seed).sample(list(names), len(names)), load)
    place = book.BUILD / "flakes"
    shutil.rmtree(place, ignore_errors=True)
    for path in book.files(*book.SOURCES):
        target = place / path.relative_to(book.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    start = time.monotonic()
    with busy(load), ThreadPoolExecutor(jobs) as pool:
        told = pool.map(partial(executed, place=place, limit=limit), run.order)
        for name, why in zip(run.order, told, strict=True):
            if why:
                run.stopped[name] = why
                print(f"run with seed {seed}: {name} stopped\n{why}", flush=True)
    run.seconds = round(time.monotonic() - start)
    return run


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chapters", nargs="*", help="these alone, such as abs")
    parser.add_argument("--runs", type=whole_number(1), default=20)
    parser.add_argument("--seed", type=whole_number(0), default=0, help="of the first run")
    parser.add_argument(
        "--load", type=whole_number(0), default=2, help="busy processes beside them"
    )
    parser.add_argument("--jobs", type=whole_number(1), default=2, help="chapters at a time")
    parser.add_argument(
        "--limit", type=whole_number(1), default=LIMIT, help="seconds that a cell may take"
    )
    parser.add_argument("--minutes", type=positive(), help="begin no run after so many")
    options = parser.parse_args(arguments)
    names = notebooks(options.chapters)
    children.end_with_this()
    until = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    runs: list[Run] = []
    for seed in range(options.seed, options.seed + options.runs):
        if time.monotonic() > until:
            break
        runs.append(once(names, seed, load=options.load, jobs=options.jobs, limit=options.limit))
        kept = book.BUILD / "flakes.json"
        kept.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n", "utf-8")
        good = len(names) - len(runs[-1].stopped)
        print(
            f"run with seed {seed}: {good} of {len(names)} chapters in {runs[-1].seconds:.0f} s",
            flush=True,
        )
    flawed = [run for run in runs if run.stopped]
    print(f"{len(runs)} of {options.runs} runs made; {len(flawed)} of them stopped somewhere.")
    sys.exit(1 if flawed else 0)


if __name__ == "__main__":
    main()
