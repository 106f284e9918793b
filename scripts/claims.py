"""Measure the book's claims again, on seeds that nobody has looked at.

    python scripts/claims.py                          every chapter, from three other base seeds
    python scripts/claims.py --base-seeds 0           as the book is built
    python scripts/claims.py min experiments          some chapters
    python scripts/claims.py --torch 2.10.0           in an environment of its own with that torch

A claim is a sentence that a chapter says with ``circuitkit.book.claim``: it carries what was measured
and between which values its words stay true. Each chapter is executed once for each base seed; the
report names the sentence, the bounds, and what was measured from each. It is kept in
``build/claims.json``. The exit status is 1 if the words of a claim do not hold, or a cell stops.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import children
import nbformat
from arguments import whole_number
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
REPORT = ROOT / "build" / "claims.json"
BASE_SEEDS = (1_000_000, 2_000_000, 3_000_000)


def measure(chapter: str, base_seed: int, *, chapters: Path = CHAPTERS) -> dict[str, Any]:
    """What a chapter claims when its seeds are counted from ``base_seed``."""
    notebook = nbformat.read(chapters / f"{chapter}.ipynb", as_version=4)
    environment = {
        **os.environ,
        "CIRCUITKIT_BASE_SEED": str(base_seed),
        "PYTHONPATH": str(ROOT),
        "TQDM_DISABLE": "1",
    }
    client = NotebookClient(
        notebook,
        timeout=None,
        startup_timeout=600,  # a loaded machine may take minutes
        allow_errors=True,  # one false sentence does not hide the next
        kernel_name="python3",
        resources={"metadata": {"path": str(chapters)}},
    )
    start = time.monotonic()
    client.execute(env=environment)
    claims, stops = read(notebook)
    return {
        "chapter": chapter,
        "base seed": base_seed,
        "claims": claims,
        "stops": stops,
        "seconds": round(time.monotonic() - start),
    }


def read(notebook: nbformat.NotebookNode) -> tuple[list[dict[str, Any]], list[str]]:
    """The claims in an executed notebook, and the errors that are not a claim's."""
    claims, stops = [], []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if record := output.get("metadata", {}).get("claim"):
                claims.append({"cell": cell.id, "words": output["data"]["text/plain"], **record})
            elif output.output_type == "error" and output.ename != "ClaimFailed":
                stops.append(f"cell {cell.id}: {output.ename}: {output.evalue}")
    return claims, stops


def report(results: Sequence[dict[str, Any]]) -> tuple[list[str], int]:
    """Lines to read, and how many claims or cells are not as they should be."""
    lines: list[str] = []
    wrong = 0
    for chapter in dict.fromkeys(result["chapter"] for result in results):
        runs = [result for result in results if result["chapter"] == chapter]
        lines += ["", f"== {chapter}"]
        for run in runs:
            for stop in run["stops"]:
                wrong += 1
                lines.append(f"STOPS  from base seed {run['base seed']}, {stop}")
        said: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for run in runs:
            for claim in run["claims"]:
                said.setdefault((claim["cell"], claim["sentence"]), []).append(claim)
        for (_, sentence), claims in said.items():
            holds = all(claim["holds"] for claim in claims)
            wrong += not holds
            lines.append(f"{'holds ' if holds else 'FALSE '} {sentence}")
            for same in zip(*(claim["checks"] for claim in claims), strict=True):
                values = ", ".join(f"{check['value']:.6g}" for check in same)
                bounds = {(c["low"], c["high"]) for c in same if "low" in c}
                if not bounds:
                    lines.append(
                        f"         {same[0]['name']}: {bool(min(c['value'] for c in same))}"
                    )
                    continue
                low, high = min(b[0] for b in bounds), max(b[1] for b in bounds)
                lines.append(f"         {same[0]['name']}: {low:.6g} <= {values} <= {high:.6g}")
    return lines, wrong


def other_torch(version: str) -> Path:
    """The Python of an environment with the lock's packages and another torch."""
    place = ROOT / "build" / f"torch-{version}"
    python = place / "bin" / "python"
    if not (place / ".ready").exists():
        lock = (ROOT / "requirements.lock").read_text("utf-8")
        wanted = place.parent / f"torch-{version}.txt"
        wanted.parent.mkdir(exist_ok=True)
        wanted.write_text(re.sub(r"^torch==\S+", f"torch=={version}", lock, flags=re.MULTILINE))
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-r", str(wanted)], check=True)
        (place / ".ready").touch()
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = sorted(path.stem for path in CHAPTERS.glob("*.ipynb"))
    parser.add_argument("chapters", nargs="*", metavar="chapter", help=f"of {', '.join(known)}")
    parser.add_argument("--base-seeds", nargs="+", type=whole_number(0), default=list(BASE_SEEDS))
    parser.add_argument("--torch", metavar="VERSION", help="measure with this version of torch")
    parser.add_argument("--jobs", type=whole_number(1), default=2)
    options = parser.parse_args()
    if unknown := set(options.chapters) - set(known):
        parser.error(f"no chapter {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if options.torch:
        again = [*options.chapters, "--jobs", str(options.jobs), "--base-seeds"]
        again += map(str, options.base_seeds)
        python = other_torch(options.torch)
        sys.exit(subprocess.run([str(python), __file__, *again]).returncode)

    children.end_with_this()
    tasks = [(name, seed) for name in options.chapters or known for seed in options.base_seeds]
    print(f"{len(tasks)} executions, {options.jobs} at a time", flush=True)
    with ProcessPoolExecutor(options.jobs) as pool:
        results = list(pool.map(partial(_call, measure), tasks))
    lines, wrong = report(results)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(results, indent=1, ensure_ascii=False), "utf-8")
    print("\n".join(lines))
    count = sum(len(result["claims"]) for result in results)
    print(f"\n{count} claims measured; not as they should be: {wrong}. {REPORT.relative_to(ROOT)}")
    sys.exit(wrong > 0)


def _call(function: Any, task: tuple[Any, ...]) -> Any:
    return function(*task)


if __name__ == "__main__":
    main()
