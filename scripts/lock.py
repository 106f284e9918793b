"""Refresh ``requirements.lock`` and the versions in ``binder/environment.yml``.

The lock fits machines with and without a GPU: it names torch without the ``+cpu`` of a CPU build,
and none of the packages for NVIDIA's cards that the other build brings.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
BINDER = ROOT / "binder" / "environment.yml"

CONDA_NAMES = {"matplotlib-base": "matplotlib", "pytorch-cpu": "torch"}
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
_FOR_CARDS = re.compile(r"^(nvidia-|cuda-|triton\b).*\n", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """Package -> exact version.

    >>> pins("numpy==2.4.6            # via torch")
    {'numpy': '2.4.6'}
    """
    return dict(_PIN.findall(lock))


def portable(lock: str) -> str:
    """The lock without what belongs to one kind of machine.

    >>> portable("nvidia-nccl==2.1  # via torch\\ntorch==2.13.0+cpu  # via circuitkit\\n")
    'torch==2.13.0  # via circuitkit\\n'
    """
    return re.sub(r"^(torch==[\d.]+)\+\w+", r"\1", _FOR_CARDS.sub("", lock), flags=re.MULTILINE)


def binder_with(environment: str, versions: dict[str, str]) -> str:
    """The Binder environment with the lock's versions; ``python`` keeps its own."""

    def pinned(line: re.Match[str]) -> str:
        version = versions.get(CONDA_NAMES.get(line["name"], line["name"]))
        return f"{line['start']}{line['name']}{line['sign']}{version or line['version']}"

    pattern = r"(?P<start>^ +- )(?P<name>[\w.-]+?)(?P<sign>==?)(?P<version>[\w.]+)"
    return re.sub(pattern, pinned, environment, flags=re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="keep versions that still fit")
    upgrade = [] if parser.parse_args().keep else ["--upgrade"]
    subprocess.run(
        [sys.executable, "-m", "piptools", "compile", *upgrade, "--quiet",
         "--extra=book", "--extra=test", "--extra=sweep", "--strip-extras", "--no-header",
         "--no-emit-options", "--no-emit-index-url", "--no-emit-find-links",
         "--no-emit-trusted-host", "--annotation-style=line",
         f"--output-file={LOCK}", "pyproject.toml"],
        cwd=ROOT, check=True,
    )  # fmt: skip
    LOCK.write_text(portable(LOCK.read_text("utf-8")), "utf-8")
    versions = pins(LOCK.read_text("utf-8"))
    BINDER.write_text(binder_with(BINDER.read_text("utf-8"), versions), "utf-8")
    print(f"{len(versions)} packages in {LOCK.name}; {BINDER.relative_to(ROOT)} follows")


if __name__ == "__main__":
    main()
