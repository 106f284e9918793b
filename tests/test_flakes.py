"""The command that executes the chapters again and again, and names what stops now and then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import book  # noqa: E402
import flakes  # noqa: E402

#: in the place of the command that executes one chapter, which says what the real one says (test_executing.py)
SECOND_TIME = """
import sys
from pathlib import Path
assert sys.argv[1] == "notebook" and Path(sys.argv[2]).exists() and sys.argv[3] == "--limit=9"
seen = Path(__file__).with_name("seen")
if seen.exists():
    sys.exit("a warning\\nerror: flake.ipynb: cell 2 (x = 1) did not end within 9 s")
seen.touch()
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A book of three chapters."""
    monkeypatch.setattr(book, "ROOT", tmp_path)
    monkeypatch.setattr(book, "BUILD", tmp_path / "build")
    (tmp_path / "chapters").mkdir()
    for name in ("one", "flake", "other"):
        nbformat.write(nbformat.v4.new_notebook(), tmp_path / "chapters" / f"{name}.ipynb")
    return tmp_path


def test_a_chapter_that_stops_in_a_later_run_is_named_with_its_run_and_its_cell(
    small, capsys, monkeypatch
):
    (small / "command.py").write_text(SECOND_TIME)
    monkeypatch.setattr(book, "__file__", str(small / "command.py"))
    monkeypatch.setattr(flakes.children, "end_with_this", lambda: None)  # not of this process
    with pytest.raises(SystemExit, match="^1$"):
        flakes.main(["--runs=2", "--seed=5", "--load=1", "--limit=9", "flake"])
    told = capsys.readouterr().out
    assert "run with seed 5: 1 of 1 chapters" in told
    assert "run with seed 6: chapters/flake.ipynb stopped" in told
    assert "error: flake.ipynb: cell 2 (x = 1) did not end within 9 s" in told
    assert "a warning" not in told
    assert "2 of 2 runs made; 1 of them stopped somewhere." in told
    first, second = json.loads((small / "build" / "flakes.json").read_text())
    assert first["stopped"] == {}
    assert list(second["stopped"]) == ["chapters/flake.ipynb"]


def test_the_order_is_the_seeds_and_the_load_ends_with_the_run(small, monkeypatch):
    beside: list[int] = []

    def look(name, place, limit):
        assert (place / name).exists()
        beside.append(len(psutil.Process().children()))
        return ""

    monkeypatch.setattr(flakes, "executed", look)
    names = flakes.notebooks([])
    before = len(psutil.Process().children())
    orders = [flakes.once(names, s, load=2, jobs=1, limit=9).order for s in (1, 1, 2, 3, 4)]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) > 1
    assert all(sorted(order) == names for order in orders)
    assert set(beside) == {before + 2}
    assert len(psutil.Process().children()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by other means there")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"])
def test_what_ends_the_command_ends_all_that_it_has_started(small, name):
    """At SIGKILL, of which no process hears, at least what keeps the processor busy and would never end."""
    number = getattr(signal, name)
    (small / "command.py").write_text("import time; time.sleep(600)")
    (small / "begin.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r})\n"
        "import book, flakes, pathlib\n"
        "book.ROOT = pathlib.Path.cwd(); book.BUILD = book.ROOT / 'build'\n"
        "book.__file__ = 'command.py'\n"
        "flakes.main(['--runs=5', '--load=2', '--jobs=2'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "begin.py"], cwd=small, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        started = psutil.Process(process.pid)
        until = time.monotonic() + 60
        while len(children := started.children(recursive=True)) < 4 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(children) == 4
        busy = [c for c in children if flakes.BUSY in c.cmdline()]
        assert len(busy) == 2
        os.kill(process.pid, number)
        process.wait(60)
    _, alive = psutil.wait_procs(busy if name == "SIGKILL" else children, timeout=30)
    for each in children:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    assert alive == []
    assert process.returncode == (-9 if name == "SIGKILL" else 128 + number)


def test_a_chapter_that_is_not_there_is_refused(small):
    with pytest.raises(
        SystemExit, match=r"no chapter is called nowhere; there are flake, one, other"
    ):
        flakes.notebooks(["nowhere"])
