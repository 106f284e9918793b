"""Execute every chapter where a learner on Binder would: ``make binder``.

An environment of exactly the packages of ``binder/environment.yml`` (what it takes from conda-forge
comes from pip here), set up by ``binder/postBuild`` and entered by ``binder/start``; and no chapter may
take more than a gigabyte of memory, which is what Binder has to spare. Prints what each one took.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml
from arguments import whole_number
from lock import BINDER, CONDA_NAMES

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "binder"
VENV = BUILD / "venv"
COPY = BUILD / "book"
KERNELS = BUILD / "jupyter"
MEMORY = 1024  # megabytes


def requirements(environment: str) -> list[str]:
    """What Binder installs, as pip writes it; Python and pip themselves are there already.

    >>> requirements("dependencies: [python=3.11, pytorch-cpu=2.13.0, pip, {pip: [tqdm==4.70.1]}]")
    ['torch==2.13.0', 'tqdm==4.70.1']
    """
    asked = []
    for each in yaml.safe_load(environment)["dependencies"]:
        if isinstance(each, dict):
            asked += each["pip"]
        elif "=" in each and not each.startswith("python="):
            name, version = each.split("=")
            asked.append(f"{CONDA_NAMES.get(name, name)}=={version}")
    return asked


def prepare() -> None:
    """The environment, and a copy of the repository in it."""
    BUILD.mkdir(parents=True, exist_ok=True)
    asked = "\n".join(requirements(BINDER.read_text("utf-8")))
    done = BUILD / "installed.txt"
    if not done.exists() or done.read_text("utf-8") != asked:
        shutil.rmtree(VENV, ignore_errors=True)
        done.unlink(missing_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(VENV / "bin" / "pip"), "install", *asked.split()], check=True)
        done.write_text(asked, "utf-8")
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    kernel = KERNELS / "kernels" / "binder"
    kernel.mkdir(parents=True, exist_ok=True)
    argv = [str(VENV / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Binder", "language": "python"}), "utf-8"
    )
    subprocess.run(["bash", "binder/postBuild"], cwd=COPY, env=environment(), check=True)


def environment() -> dict[str, str]:
    """As a learner finds it: nothing of this project's own environment."""
    kept = {n: v for n, v in os.environ.items() if n not in ("PYTHONPATH", "OMP_NUM_THREADS")}
    path = f"{VENV / 'bin'}{os.pathsep}{kept['PATH']}"
    return {**kept, "PATH": path, "JUPYTER_PATH": str(KERNELS)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--memory", type=whole_number(1), default=MEMORY, help="megabytes for a chapter"
    )
    options = parser.parse_args()
    prepare()
    notebooks = [COPY / "index.ipynb", *sorted((COPY / "chapters").glob("*.ipynb"))]
    failed = False
    for path in notebooks:
        start = time.monotonic()
        done = subprocess.run(
            ["bash", str(COPY / "binder" / "start"), sys.executable, str(ROOT / "scripts" / "book.py"),
             "notebook", str(path), "--kernel=binder", f"--memory={options.memory}"],
            cwd=COPY, env=environment(), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        failed |= done.returncode != 0
        peak = re.search(r"at most (\d+) MB", done.stdout)
        told = f"{peak[1]} MB" if peak else "STOPPED"
        print(f"{path.stem:14} {told:>8}  {time.monotonic() - start:5.0f} s", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
