"""Refresh ``requirements.lock`` and the versions in ``binder/environment.yml``, or check the lock.

The lock fits every Python that ``pyproject.toml`` promises: where no version serves them all, it has
one line for each range. It fits machines with and without a GPU: it names none of the packages for
NVIDIA's cards that one build of torch brings. ``--check`` resolves it for each of those Pythons.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
BINDER = ROOT / "binder" / "environment.yml"
CHECKED = ROOT / "build" / "lock-checked.txt"  # what was last found to resolve

BINDER_PYTHON = "3.11"
_PACKAGE = {"exact", "keras", "onnx", "sklearn", "smt", "sweep", "torch", "train"}  # its extras
CONDA_NAMES = {"matplotlib-base": "matplotlib", "pytorch-cpu": "torch"}
_FOR_CARDS = re.compile(r"^(nvidia-|cuda-|triton\b).*\n", re.MULTILINE)


def pins(lock: str, python: str = BINDER_PYTHON) -> dict[str, str]:
    """Package -> exact version, on Linux with that Python: ``3.11.2``, or ``3.11`` for its newest.

    >>> pins("numpy==2.4.6\\nsoupsieve==2.10 ; python_full_version < '3.11.5'\\n"
    ...      "soupsieve==4.1.2 ; python_full_version >= '3.11.5'  # via beautifulsoup4\\n")
    {'numpy': '2.4.6', 'soupsieve': '4.1.2'}
    """
    machine = {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python if python.count(".") > 1 else f"{python}.99",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_machine": "x86_64",
        "platform_system": "Linux",
        "sys_platform": "linux",
        "os_name": "posix",
    }
    lines = (line.partition("#")[0].strip() for line in lock.splitlines())
    asked = [Requirement(line) for line in lines if line]
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in asked
        if each.marker is None or each.marker.evaluate(machine)
    }


def portable(lock: str) -> str:
    """The lock without what belongs to one kind of machine.

    >>> portable("nvidia-nccl==2.1  # via torch\\ntorch==2.13.0  # via circuitkit\\n")
    'torch==2.13.0  # via circuitkit\\n'
    """
    return _FOR_CARDS.sub("", lock)


def binder_with(environment: str, versions: dict[str, str]) -> str:
    """The Binder environment with the lock's versions; ``python`` keeps its own."""

    def pinned(line: re.Match[str]) -> str:
        version = versions.get(CONDA_NAMES.get(line["name"], line["name"]))
        return f"{line['start']}{line['name']}{line['sign']}{version or line['version']}"

    pattern = r"(?P<start>^ +- )(?P<name>[\w.-]+?)(?P<sign>==?)(?P<version>[\w.]+)"
    return re.sub(pattern, pinned, environment, flags=re.MULTILINE)


def pythons(project: str) -> list[str]:
    """The promised Pythons: the oldest release, then each minor version.

    >>> pythons('[project]\\nrequires-python = ">=3.11.2,<3.14"')
    ['3.11.2', '3.11', '3.12', '3.13']
    """
    promised = SpecifierSet(tomllib.loads(project)["project"]["requires-python"])
    oldest = next(each.version for each in promised if each.operator == ">=")
    minors = [f"3.{minor}" for minor in range(11, 30) if promised.contains(f"3.{minor}.99")]
    return [oldest, *minors]


def uv(*arguments: str, quiet: bool = True) -> None:
    environ = dict(os.environ)
    if "PIP_INDEX_URL" in environ:  # one place says where packages come from
        environ.setdefault("UV_DEFAULT_INDEX", environ["PIP_INDEX_URL"])
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", *["--quiet"] * quiet, *arguments],
        cwd=ROOT, env=environ, check=True,
    )  # fmt: skip


def refresh(keep: bool) -> None:
    uv(
        "pyproject.toml", "--universal", "--all-extras", *([] if keep else ["--upgrade"]),
        "--no-header", "--annotation-style=line", f"--output-file={LOCK.name}",
    )  # fmt: skip
    LOCK.write_text(portable(LOCK.read_text("utf-8")), "utf-8")
    versions = pins(LOCK.read_text("utf-8"))
    BINDER.write_text(binder_with(BINDER.read_text("utf-8"), versions), "utf-8")
    print(f"{len(versions)} packages in {LOCK.name}; {BINDER.relative_to(ROOT)} follows")


def lowest(result: Path) -> None:
    """The lowest versions that the package promises, with the newest tools to test them."""
    with tempfile.TemporaryDirectory() as folder:
        low = Path(folder) / "low.txt"
        oldest = f"--python-version={pythons(PROJECT.read_text('utf-8'))[0]}"
        extras = [f"--extra={name}" for name in sorted(_PACKAGE)]
        # Without this project's constraints: they are the lock's.
        common = ["pyproject.toml", "--no-config", *extras, oldest]
        uv(*common, "--resolution=lowest-direct", f"--output-file={low}")
        low.write_text(portable(low.read_text("utf-8")), "utf-8")
        result.unlink(missing_ok=True)  # whose versions would be kept
        uv(
            *common,
            "--extra=book",
            "--extra=test",
            f"--constraint={low}",
            f"--output-file={result}",
        )
    result.write_text(portable(result.read_text("utf-8")), "utf-8")
    print(f"{len(pins(result.read_text('utf-8')))} packages in {result}")


def check() -> None:
    """Resolve the lock for every promised Python, from wheels alone; remember that it was done."""
    texts = [LOCK.read_text("utf-8"), PROJECT.read_text("utf-8"), Path(__file__).read_text("utf-8")]
    key = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    if CHECKED.exists() and CHECKED.read_text("utf-8") == key:
        print("The lock is as last checked.")
        return
    for python in pythons(texts[1]):
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder) / "resolved.txt"
            try:
                uv(
                    LOCK.name, "--only-binary=:all:", f"--python-version={python}",
                    "--python-platform=linux", f"--output-file={result}",
                )  # fmt: skip
            except subprocess.CalledProcessError:
                sys.exit(f"error: {LOCK.name} cannot be installed on Python {python} (see above)")
            found = pins(result.read_text("utf-8"), python)
        print(f"The lock resolves on Python {python}: {len(found)} packages")
    CHECKED.parent.mkdir(exist_ok=True)
    CHECKED.write_text(key, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="keep versions that still fit")
    parser.add_argument("--check", action="store_true", help="only resolve it for every Python")
    parser.add_argument(
        "--lowest", type=Path, metavar="FILE", help="only write down the lowest versions promised"
    )
    options = parser.parse_args()
    if options.lowest:
        lowest(options.lowest)
    elif options.check:
        check()
    else:
        refresh(options.keep)


if __name__ == "__main__":
    main()
