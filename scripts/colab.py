"""The notebooks as Colab opens them: with a first cell that installs what is missing there.

    python scripts/colab.py ADDRESS COMMIT FOLDER

ADDRESS and COMMIT say which repository builds the book; the notebooks are written to FOLDER, under the
names that they have here. The workflow keeps them in a branch ``colab``, to which the pages link.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

SETUP = """\
# Installs what is missing, from the repository that built the book: a minute or two.
import importlib
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("circuitkit") is None:
    get = ["git", "-C", "book"]
    subprocess.run(["git", "init", "--quiet", "book"], check=True)
    subprocess.run([*get, "fetch", "--quiet", "--depth=1", {address!r}, {commit!r}], check=True)
    subprocess.run([*get, "checkout", "--quiet", "FETCH_HEAD"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "./book[sklearn,train,torch]"], check=True)
    importlib.invalidate_caches()
if os.path.isdir({folder!r}):  # where the chapter finds its data, also in a session that began anew
    os.chdir({folder!r})
try:
    from google.colab import output
except ImportError:
    pass
else:
    output.enable_custom_widget_manager()"""


def with_setup(notebook: dict[str, Any], name: str, address: str, commit: str) -> dict[str, Any]:
    """The notebook with the cell in front."""
    folder = str(Path("book", name).parent)
    source = SETUP.format(address=address, commit=commit, folder=folder)
    cell = {
        "cell_type": "code",
        "id": "setup-for-colab",
        "execution_count": None,
        "metadata": {"cellView": "form"},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }
    return {**notebook, "cells": [cell, *notebook["cells"]]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("commit")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    if not re.fullmatch(r"(https|file)://[^\s'\"]+", options.address):
        parser.error(f"address: expected https://..., got {options.address!r}")
    if not re.fullmatch(r"[0-9a-f]{40}", options.commit):
        parser.error(f"commit: expected 40 hexadecimal digits, got {options.commit!r}")
    notebooks = [ROOT / "index.ipynb", *sorted((ROOT / "chapters").glob("*.ipynb"))]
    for path in notebooks:
        name = path.relative_to(ROOT).as_posix()
        notebook = json.loads(path.read_text("utf-8"))
        (options.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (options.folder / name).write_text(
            json.dumps(
                with_setup(notebook, name, options.address, options.commit),
                indent=1, ensure_ascii=False,
            ) + "\n",
            "utf-8",
        )  # fmt: skip
    print(f"{len(notebooks)} notebooks in {options.folder}")


if __name__ == "__main__":
    main()
