"""Build what would be released, install it where nothing else of the repository is, and try it there.

    python scripts/package.py                     # into build/dist, tried in build/package
    python scripts/package.py --version v0.1.0    # and it must be this version

The source distribution is built first and the wheel from it, unpacked elsewhere: what is missing from the
one is missing from the other, and twine checks both as the index will. Two fresh environments follow, one with each, with the versions of the lock.
In both ``circuitkit`` must come from what was installed; in the wheel's, the tests named in :data:`TESTS` pass.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "build" / "dist"
PLACE = ROOT / "build" / "package"
#: what is tried: that which needs nothing but the package with its extras ``exact`` and ``smt``, pytest,
#: hypothesis and this repository's folders
TESTS = (
    "test_circuits.py", "test_canonical.py", "test_integers.py", "test_target_json.py", "test_words.py",
    "test_lemmas.py",
)  # fmt: skip
BESIDE = ("tests/cases.py", "tests/timing.py", "tests/conftest.py", "tests/compiled.toml")
TRIAL = """
import pathlib, sys
import circuitkit as ck
assert pathlib.Path(ck.__file__).is_relative_to(sys.prefix), ck.__file__
assert ck.__version__ == sys.argv[1], ck.__version__
proof = ck.prove(ck.circuit("min"), "min")
assert proof and ck.check(proof.certificate, ck.circuit("min"), "min")
assert not ck.prove(ck.circuit("max"), "min")
assert ck.detect(ck.compile_expression("max(x1, x2)")).function == "max"
assert "ck-static" in ck.CircuitWidget("abs")._repr_mimebundle_()[0]["text/html"]
print("circuitkit", ck.__version__, "from", ck.__file__)
"""


def run(command: list[str], cwd: Path, **environment: str) -> None:
    start = time.monotonic()
    clean = {n: v for n, v in os.environ.items() if n not in ("PYTHONPATH", "VIRTUAL_ENV")}
    code = subprocess.run(command, cwd=cwd, env={**clean, **environment}).returncode
    if code:
        sys.exit(f"error: {' '.join(command[:6])} ... ended with {code}")
    told = " ".join(Path(part).name for part in command[:3])
    print(f"{time.monotonic() - start:5.0f} s for {told} ...", flush=True)


def build() -> tuple[Path, Path]:
    """The source distribution and the wheel made of it."""
    shutil.rmtree(DIST, ignore_errors=True)
    hatch = [sys.executable, "-m", "hatchling", "build", "--directory", str(DIST)]
    run([*hatch, "--target", "sdist"], ROOT)
    (source,) = DIST.glob("*.tar.gz")
    unpacked = PLACE / "source"
    with tarfile.open(source) as archive:
        archive.extractall(unpacked, filter="data")
    (folder,) = unpacked.iterdir()
    run([*hatch, "--target", "wheel"], folder)
    (wheel,) = DIST.glob("*.whl")
    # Whether the index would take them: metadata that it knows, a description that it can show.
    run([sys.executable, "-m", "twine", "check", "--strict", str(source), str(wheel)], ROOT)
    return source, wheel


def environment(name: str, *what: str) -> Path:
    """A fresh one with the lock's versions; its Python."""
    folder = PLACE / name
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # Compiling all that is installed would take longer than what is tried with it.
    pip = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
    ]
    run([*pip, "--constraint", str(ROOT / "requirements.lock"), *what], PLACE)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", default="", help="what it must be, with or without a v")
    options = parser.parse_args()
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    source, wheel = build()
    version = wheel.name.split("-")[1]
    if options.version and options.version.removeprefix("v") != version:
        sys.exit(
            f"error: expected version {options.version}, got {version} in circuitkit/__init__.py"
        )

    bare = environment("from_source", str(source))
    run([str(bare), "-c", TRIAL, version], PLACE)

    python = environment("from_wheel", f"{wheel}[exact,smt]", "pytest", "hypothesis")
    run([str(python), "-c", TRIAL, version], PLACE)
    elsewhere = PLACE / "elsewhere"
    (elsewhere / "tests").mkdir(parents=True)
    for name in (*BESIDE, *(f"tests/{test}" for test in TESTS)):
        shutil.copy(ROOT / name, elsewhere / name)
    shutil.copytree(ROOT / "benchmarks", elsewhere / "benchmarks")
    shutil.copy(ROOT / "pyproject.toml", elsewhere)
    run([str(python), "-m", "pytest", "-q", "tests"], elsewhere, OMP_NUM_THREADS="1")
    run([str(python), "-m", "pip", "check"], elsewhere)
    print(f"Built and tried: {source.name}, {wheel.name}")


if __name__ == "__main__":
    main()
