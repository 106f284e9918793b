"""The command that executes the chapters: what it remembers, and what it says when one stops."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import nbformat
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import book  # noqa: E402


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A book of two chapters and nothing else."""
    monkeypatch.setattr(book, "ROOT", tmp_path)
    monkeypatch.setattr(book, "COPY", tmp_path / "build" / "book")
    monkeypatch.setattr(book, "EXECUTED", tmp_path / "build" / "executed.json")
    (tmp_path / "chapters").mkdir()
    write(tmp_path / "chapters" / "good.ipynb", "6 * 7")
    write(tmp_path / "chapters" / "other.ipynb", "1 + 1", "import sys\n\nsys.exit")
    return tmp_path


def write(path: Path, *sources: str) -> Path:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, path)
    return path


def execute_one(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "book.py"), "notebook", str(path), *options],
        capture_output=True, text=True, timeout=600, env=book.environment(),
    )  # fmt: skip


def test_a_chapter_that_passed_is_not_executed_again_because_another_stopped(small, capfd):
    write(small / "chapters" / "other.ipynb", "1 + 1", "raise OSError('no such luck')")
    with pytest.raises(SystemExit, match=r"chapters/other\.ipynb$"):
        book.execute(jobs=2, limit=300)
    assert "no such luck" in capfd.readouterr().err
    assert list(json.loads(book.EXECUTED.read_text())) == ["chapters/good.ipynb"]

    write(small / "chapters" / "other.ipynb", "2 + 2")
    book.execute(jobs=2, limit=300)
    told = capfd.readouterr().out
    assert "1 of 2 notebooks: other" in told
    executed = nbformat.read(book.COPY / "chapters" / "good.ipynb", as_version=4)
    assert executed.cells[0].outputs[0].data["text/plain"] == "42"

    book.execute(jobs=2, limit=300)
    assert "All 2 notebooks are as last executed." in capfd.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent by other means there")
def test_ctrl_c_ends_it_without_a_word(tmp_path):
    """As in a terminal, where it reaches the command and what that has started."""
    folder = tmp_path / "a book für you"
    (folder / "scripts").mkdir(parents=True)
    for name in ("book.py", "arguments.py"):
        shutil.copy(ROOT / "scripts" / name, folder / "scripts")
    (folder / "ready").write_text(
        "import sys; sys.path.insert(0, 'scripts'); import book\n"
        "book.install = lambda venv: None\n"
        "book.subprocess.run = lambda *a, **k: (print('Ctrl-C', flush=True), book.time.sleep(60))\n"
        "book.main()"
    )
    with subprocess.Popen(
        [sys.executable, "ready"], cwd=folder, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "Ctrl-C\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.read().strip() == ""
    assert process.returncode == book.INTERRUPTED


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by other means there")
def test_what_ends_the_command_ends_its_chapters(tmp_path):
    """From elsewhere than a terminal it reaches the command alone."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    for name in ("book.py", "arguments.py", "children.py"):
        shutil.copy(ROOT / "scripts" / name, folder)
    (tmp_path / "chapters").mkdir()
    write(tmp_path / "chapters" / "long.ipynb", "import time\ntime.sleep(600)")
    with subprocess.Popen(
        [sys.executable, "scripts/book.py", "execute"], cwd=tmp_path, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=book.environment(),
    ) as process:  # fmt: skip
        started, found, until = psutil.Process(process.pid), [], time.monotonic() + 120
        while len(found) < 2 and time.monotonic() < until:  # the chapter's process, and its kernel
            found = started.children(recursive=True)
            time.sleep(0.05)
        assert len(found) >= 2
        process.terminate()
        process.wait(60)
    _, alive = psutil.wait_procs(found, timeout=30)
    for each in alive:
        each.kill()
    assert alive == []
    assert process.returncode == 128 + signal.SIGTERM


def test_a_hung_cell_ends_and_is_named(tmp_path):
    path = write(tmp_path / "hung.ipynb", "1", "import time\ntime.sleep(600)")
    done = execute_one(path, "--limit=10")
    assert done.returncode == 1
    assert "error: hung.ipynb: cell 2 (import time) did not end within 10 s" in done.stderr


def test_a_cell_that_ends_its_kernel_is_named(tmp_path):
    path = write(tmp_path / "dead.ipynb", "import os\nos._exit(9)")
    done = execute_one(path)
    assert done.returncode == 1
    assert "error: dead.ipynb: cell 1 (import os) ended its kernel" in done.stderr


def test_a_cell_that_raises_is_named_and_shown(tmp_path):
    path = write(tmp_path / "wrong.ipynb", "x = 1\n1 / (x - 1)")
    before = path.read_text()
    done = execute_one(path)
    assert done.returncode == 1
    assert "error: wrong.ipynb: cell 1 (x = 1) raised an error" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert path.read_text() == before


def test_a_cell_that_takes_too_much_memory_ends_and_is_named(tmp_path):
    path = write(tmp_path / "large.ipynb", "1", "big = b'x' * 10**9\nimport time\ntime.sleep(60)")
    done = execute_one(path, "--memory=500")
    assert done.returncode == 1
    told = "error: large.ipynb: cell 2 (big = b'x' * 10**9) took more than 500 MB of memory"
    assert told in done.stderr


def test_what_a_chapter_took_is_told(tmp_path):
    done = execute_one(write(tmp_path / "small.ipynb", "big = b'x' * 10**8; len(big)"))
    assert done.returncode == 0, done.stderr
    peak = int(re.search(r"small.ipynb took at most (\d+) MB", done.stdout)[1])
    assert 100 < peak < 400


# --- what the chapters take from the package ----------------------------------------------------


@pytest.mark.parametrize("path", sorted(ROOT.glob("chapters/*.ipynb")), ids=lambda p: p.stem)
def test_every_name_of_the_package_that_a_chapter_uses_is_there(path):
    import circuitkit

    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    used = {"ck"}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("ck."):
            used.add(ast.unparse(node))
    modules = {"ck": circuitkit}
    for name in sorted(used - {"ck"}):  # a module comes before what is in it
        owner, _, attribute = name.rpartition(".")
        if owner in modules:
            assert hasattr(modules[owner], attribute), name
            value = getattr(modules[owner], attribute)
            if isinstance(value, types.ModuleType):
                modules[name] = value
