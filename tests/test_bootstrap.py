"""What the commands say and do on a machine where something is missing."""

from __future__ import annotations

import subprocess
import sys
import venv
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import fresh  # noqa: E402


@pytest.fixture
def machine(tmp_path):
    """Runs bootstrap.sh where only these programs exist."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("env", "printf", "rm", "dirname"):
        (programs / name).symlink_to(f"/usr/bin/{name}")

    def run(*arguments: str, **scripts: str) -> subprocess.CompletedProcess[str]:
        for name, script in scripts.items():
            path = programs / name.replace("_", "-")
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        return subprocess.run(
            ["/bin/sh", str(ROOT / "scripts" / "bootstrap.sh"), *arguments],
            cwd=tmp_path, env={"PATH": str(programs)}, capture_output=True, text=True, timeout=600,
        )  # fmt: skip

    return run


NOTED = 'echo "$(id -u) $*" >> noted.txt'
#: What the dynamic linker knows on a Debian with everything, and on a bare one.
FULL = "echo '        libatomic.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libatomic.so.1'"
FEW = "echo '        libc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6'"
#: A Python as Debian ships it: of the right version, without what makes environments.
BARE = 'case "$*" in *ensurepip*) exit 1;; *) exit 0;; esac'


def test_who_cannot_become_root_is_told_what_root_must_install(machine):
    done = machine("venv", "python3", "env", python3=BARE, id="echo 1000", apt_get="exit 9")
    assert done.returncode == 1
    assert fresh.ASKED.findall(done.stderr) == ["python3-venv"]
    done = machine("chromium", id="echo 1000", apt_get="exit 9", ldconfig=FEW)
    assert fresh.ASKED.findall(done.stderr) == ["chromium fonts-dejavu-core libatomic1"]


def test_who_may_become_root_gets_what_is_missing(machine, tmp_path):
    noted = NOTED.replace("$(id -u) ", "")
    done = machine("chromium", id="echo 1000", sudo='exec "$@"', apt_get=noted, ldconfig=FULL)
    assert done.returncode == 0, done.stderr
    update, install = (tmp_path / "noted.txt").read_text().splitlines()
    assert update == "update -qq"
    assert install.endswith("--no-install-recommends chromium fonts-dejavu-core")


def test_a_browser_that_is_there_still_needs_what_its_driver_is_linked_with(machine, tmp_path):
    done = machine("chromium", id="echo 0", chromium="exit 0", apt_get=NOTED, ldconfig=FEW)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "noted.txt").read_text().endswith("--no-install-recommends libatomic1\n")


@pytest.mark.parametrize("ldconfig", [FULL, "exit 1"])
def test_nothing_is_installed_where_nothing_is_missing(machine, tmp_path, ldconfig):
    done = machine("chromium", id="echo 0", chromium="exit 0", apt_get=NOTED, ldconfig=ldconfig)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "noted.txt").exists()


@pytest.mark.parametrize("version", ["3.11.1", "3.10.9", "3.15.0"])
def test_another_python_is_refused_with_the_range(machine, version):
    numbers = tuple(map(int, version.split(".")))
    assert not (3, 11, 2) <= numbers < (3, 15)
    python = f'case "$1" in --version) echo Python {version};; *) exit 1;; esac'
    done = machine("venv", "python3", "env", python3=python)
    assert done.returncode == 1
    assert f"expected Python 3.11.2 to 3.14, got Python {version}" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_an_environment_of_another_python_than_the_one_that_is_asked_for_is_no_silent_substitute(
    machine, tmp_path
):
    python = tmp_path / "env" / "bin" / "python"
    there, wanted = "Python 3.11.2 in /usr", "Python 3.12.4 in /opt"
    ask = partial(machine, "asked", "python3.12", "env")
    assert ask().returncode == 0, "there is none yet"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho {there}\n")
    python.chmod(0o755)
    programs = tmp_path / "bin"
    (programs / "python3.12").write_text(f"#!/bin/sh\necho {wanted}\n")
    (programs / "python3.12").chmod(0o755)
    done = ask()
    assert done.returncode == 1
    told = (
        f"error: env is of {there}, and PYTHON=python3.12 is {wanted}: remove env, or name another"
    )
    assert told in done.stderr
    (programs / "python3.12").write_text(f"#!/bin/sh\necho {there}\n")
    assert ask().returncode == 0
    done = machine("asked", "python3.15", "env")
    assert done.returncode == 1
    assert "python3.15 is missing" in done.stderr


def test_a_python_is_told_from_another_and_known_again_in_its_environment(tmp_path):
    venv.create(tmp_path / "env", with_pip=False)
    command = ["/bin/sh", str(ROOT / "scripts" / "bootstrap.sh"), "asked"]
    done = subprocess.run(
        [*command, sys.executable, "env"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_environment_that_is_there_stays_whatever_python3_is_now(machine, tmp_path):
    """One of another Python, which was asked for when it was made; and one that can be used no longer goes."""
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    old = 'case "$1" in --version) echo Python 3.10.9;; *) exit 1;; esac'
    assert machine("venv", "python3", "env", python3=old).returncode == 0
    assert python.exists()
    python.write_text('#!/bin/sh\ncase "$*" in *pip*) exit 0;; *) exit 1;; esac\n')
    assert machine("venv", "python3", "env", python3=NOTED).returncode == 0
    assert (tmp_path / "noted.txt").read_text().splitlines()[-1].endswith("-m venv env")
    assert not python.exists()


def test_without_apt_the_missing_is_named(machine):
    done = machine("chromium", ldconfig=FULL)
    assert done.returncode == 1
    assert done.stderr == "error: chromium is missing; please install it and try again\n"


def test_a_fresh_debian_is_told_where_packages_come_from(monkeypatch, tmp_path):
    (tmp_path / "own.pem").write_text("")
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "own.pem"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("SECRET_TOKEN", "nobody's business")
    told = fresh.settings()
    assert told["PIP_CERT"] == "/srv/own.pem"  # Debian's own would be overwritten by Debian
    assert told["PIP_FIND_LINKS"] == str(tmp_path)
    assert told["https_proxy"] == "http://127.0.0.1:1"
    assert "SECRET_TOKEN" not in told
    assert str(tmp_path) in fresh.local_folders()
    assert str(tmp_path / "own.pem") in fresh.local_files()
