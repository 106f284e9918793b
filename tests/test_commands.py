"""What the commands say where they are asked for what makes no sense; and that they do what they are asked."""

from __future__ import annotations

import ast
import doctest
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "_ext")]

import arguments  # noqa: E402
import book  # noqa: E402
import browsers  # noqa: E402
import heights  # noqa: E402
import lighthouse  # noqa: E402

COMMANDS = sorted([*ROOT.glob("scripts/*.py"), *ROOT.glob("benchmarks/*.py")])


# --- numbers -----------------------------------------------------------------------------------


def test_the_examples_hold():
    assert doctest.testmod(arguments).failed == 0


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "", "1e3"])
def test_a_number_that_is_none_or_out_of_range_is_refused_with_what_is_accepted(text):
    with pytest.raises(Exception, match=f"^expected a whole number, 1 or above, got '{text}'$"):
        arguments.whole_number(1)(text)


@pytest.mark.parametrize("text", ["0", "-0.5", "inf", "nan", "half", "1.01"])
def test_a_share_is_above_nothing_and_at_most_all(text):
    with pytest.raises(Exception, match=f"^expected a number above 0 and at most 1, got '{text}'$"):
        arguments.positive(1)(text)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_number_of_a_command_says_what_is_accepted(path):
    """int and float accept 0 processes, -1 minutes, or what is no number at all."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            kinds = {each.value.id for each in node.keywords if isinstance(each.value, ast.Name)}
            assert not kinds & {"int", "float"}, f"line {node.lineno}: use scripts/arguments.py"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["serve", "--port", "70000"], "argument --port: expected a whole number from 0 to 65535, got '70000'"),
        (["serve", "--port", "-1"], "argument --port: expected a whole number from 0 to 65535, got '-1'"),
        (["execute", "--jobs", "0"], "argument --jobs: expected a whole number, 1 or above, got '0'"),
        (["execute", "--limit", "0"], "argument --limit: expected a whole number, 1 or above, got '0'"),
        (["notebook", "nowhere.ipynb"], "argument path: expected a notebook, got 'nowhere.ipynb'"),
    ],
)  # fmt: skip
def test_the_book_is_not_made_of_what_makes_no_sense(asked, told, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["book.py", *asked])
    with pytest.raises(SystemExit) as caught:
        book.main()
    assert told in capsys.readouterr().err + str(caught.value.code)


# --- the Makefile ------------------------------------------------------------------------------


@pytest.fixture
def make(tmp_path):
    """Runs the Makefile in an empty folder, where the programs of .venv only say how they were called."""
    if shutil.which("make") is None:
        pytest.skip("no make here")
    for name in ("requirements.lock", "pyproject.toml", "scripts/bootstrap.sh", "scripts/book.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "jupyter"):
        (programs / name).write_text('#!/bin/sh\necho "called: ${0##*/} $*"\n')
        (programs / name).chmod(0o755)
    (tmp_path / ".venv" / ".ready").touch()

    def run(*asked: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {n: v for n, v in os.environ.items() if not n.startswith(("MAKE", "PYTHON"))}
        for name in ("SHARE", "PARTS", "JOBS", "VENV"):
            clean.pop(name, None)
        return subprocess.run(
            ["make", "-f", str(ROOT / "Makefile"), *asked],
            cwd=tmp_path, env={**clean, **environment}, capture_output=True, text=True,
        )  # fmt: skip

    return run


def called(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [
        line.removeprefix("called: ").strip()
        for line in done.stdout.splitlines()
        if line.startswith("called: ")
    ]


@pytest.mark.parametrize(("user", "told"), [(0, " --allow-root"), (1000, "")])
def test_jupyterlab_opens_for_root_too_who_is_the_only_user_of_a_container(
    make, tmp_path, user, told
):
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (tmp_path / "id").chmod(0o755)
    done = make("lab", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert called(done) == [f"jupyter lab index.ipynb --LabApp.app_settings_dir=binder/lab{told}"]


def test_a_python_that_is_asked_for_is_compared_with_the_environments_and_no_other(make, tmp_path):
    assert called(make("links")) == ["python scripts/book.py links"]
    for done in (make("links", f"PYTHON={sys.executable}"), make("links", PYTHON=sys.executable)):
        assert done.returncode == 2
        assert "error: .venv is of called: python" in done.stderr
        assert f"and PYTHON={sys.executable} is Python 3." in done.stderr
        assert "called" not in done.stdout
    same = tmp_path / ".venv" / "bin" / "python"
    assert called(make("links", PYTHON=str(same))) == ["python scripts/book.py links"]


def test_who_makes_the_book_with_another_python_than_its_environments_is_told(
    tmp_path, monkeypatch, capsys
):
    python = tmp_path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.parent.mkdir()
    python.touch()
    monkeypatch.setattr(book, "run", lambda command, failure: None)
    monkeypatch.setattr(book, "version_of", lambda python: "3.0.1")
    book.install(tmp_path)
    assert f"{tmp_path} is of Python 3.0.1 and stays so" in capsys.readouterr().out
    monkeypatch.undo()
    assert book.version_of(Path(sys.executable)) == book.platform.python_version()


def test_what_a_command_leaves_is_cleaned_away(make, tmp_path):
    kept = {
        ".cache/": "downloads of the benchmarks",
        ".venv/": "minutes of installing",
        ".venv*/": "likewise",
        ".ipynb_checkpoints/": "a reader's own work",
        "*.egg-info/": "another tool's",
        "*.py[cod]": "in __pycache__",
        "node_modules/": "in build",
        "_build/": "in build",
    }
    ignored = set((ROOT / ".gitignore").read_text("utf-8").split()) - set(kept)
    names = [name.rstrip("/").replace("*", "one") for name in ignored]
    for name in names:
        (tmp_path / name).mkdir()
    done = make("clean")
    assert done.returncode == 0, done.stderr
    assert [name for name in names if (tmp_path / name).exists()] == []
    assert (tmp_path / ".venv" / ".ready").exists()


#: what make results does not write, and why
ELSEWHERE = {
    "deck-results": "the numbers of the slides that the book grew out of, measured by nobody here",
    "soundness": "make soundness, whose report says with which seed",
}
#: part -> its file, where the names differ
FILES = {"training": "training-speed"}


def tables(name: str) -> list[str]:
    text = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", "")
    return re.search(rf"^{name} := (.*)$", text, re.MULTILINE)[1].split()


def test_every_table_that_the_chapters_read_is_measured_again_by_make_results():
    written = {FILES.get(part, part.replace("_", "-")) for part in tables("TABLES")}
    there = {path.stem for path in ROOT.glob("chapters/data/*.json")}
    assert written == there - set(ELSEWHERE)


def test_a_part_can_be_tried_in_a_share_or_says_that_it_cannot():
    assert set(tables("WHOLE")) | set(tables("AGAIN")) <= set(tables("TABLES"))
    for part in tables("TABLES"):
        text = (ROOT / "benchmarks" / f"{part}.py").read_text("utf-8")
        assert ('"--share"' in text) == (part not in tables("WHOLE")), part
        assert ('"--again"' in text) == (part in tables("AGAIN")), part


@pytest.mark.parametrize("part", tables("WHOLE"))
def test_what_cannot_be_tried_in_a_share_is_refused_before_anything_is_measured(make, part):
    done = make("results", "SHARE=0.001", f"PARTS=learning {part}")
    assert done.returncode == 2
    assert "SHARE: expected PARTS of which a share can be tried (learning " in done.stderr
    assert f"got {part}" in done.stderr
    assert "called" not in done.stdout


def test_a_part_that_is_not_there_is_refused_before_anything_is_measured(make):
    done = make("results", "PARTS=learning nowhere")
    assert done.returncode == 2
    assert re.search(r"PARTS: expected some of learning .*, got nowhere", done.stderr)
    assert "called" not in done.stdout


def test_a_share_of_all_leaves_out_what_has_none_and_all_of_it_is_measured_anew(make):
    tried = called(make("results", "SHARE=0.001"))
    assert len(tried) == len(tables("TABLES")) - len(tables("WHOLE"))
    assert all("--share 0.001" in line for line in tried)
    assert called(make("results", "PARTS=wild atlas")) == [
        "python -m benchmarks.wild --again",
        "python -m benchmarks.atlas",
    ]


@pytest.mark.parametrize("asked", ["--share=0.001", "--help"])
def test_the_strangers_network_is_not_trained_anew_by_mistake(asked):
    path = ROOT / "chapters" / "data" / "stranger.json"
    before = path.read_bytes(), path.stat().st_mtime_ns
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.stranger", asked],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == (0 if asked == "--help" else 2)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


# --- what measures the built pages --------------------------------------------------------------


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Three pages, two of them with a widget; and no browser may be started."""
    (tmp_path / "chapters").mkdir()
    text = f"<script src=site.js></script>{heights.PLACE}"
    for name in ("index", "chapters/min"):
        (tmp_path / f"{name}.html").write_text(text)
    (tmp_path / "404.html").write_text("site.js")
    monkeypatch.setattr(heights, "WRITTEN", tmp_path / "heights.json")
    heights.WRITTEN.write_text("{}")
    for module in (heights, lighthouse):
        monkeypatch.setattr(module, "HTML", tmp_path)
        monkeypatch.setattr(module, "chromium", lambda: sys.exit("the browser is next"))
    monkeypatch.setattr(lighthouse.children, "end_with_this", lambda: None)  # not of this process
    monkeypatch.setattr(lighthouse, "install", lambda: pytest.fail("npm was called"))
    return tmp_path


@pytest.mark.parametrize("command", ["heights", "lighthouse"])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["nope"], r"error: argument pages: expected any of chapters/min, index; got 'nope'"),
        (["index", "404"], r"error: argument pages: expected any of chapters/min, index; got '404'"),
        (["--help"], "^0$"),
        (["--nope"], "^2$"),
        (["chapters/min", "index.html"], "^the browser is next$"),
        ([], "^the browser is next$"),
    ],
)  # fmt: skip
def test_a_page_that_is_not_there_is_refused_before_anything_is_done(
    measured, monkeypatch, command, asked, told
):
    monkeypatch.setattr(sys, "argv", [command, *asked])
    with pytest.raises(SystemExit) as caught:
        {"heights": heights, "lighthouse": lighthouse}[command].main()
    assert re.search(told, str(caught.value.code))
    assert heights.WRITTEN.read_text() == "{}"


def test_the_browser_that_is_asked_for_is_taken_or_missed(monkeypatch):
    monkeypatch.setenv("CHROMIUM", sys.executable)
    assert browsers.chromium() == sys.executable
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(SystemExit, match="CHROMIUM: expected a program, got '/nowhere/chromium'"):
        browsers.chromium()
    monkeypatch.delenv("CHROMIUM")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit, match="expected a browser, one of chromium, .*; found none"):
        browsers.chromium()


# --- where the book is served ------------------------------------------------------------------


@pytest.fixture
def pages(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("<p>The book.")
    monkeypatch.setattr(book, "HTML", tmp_path)
    return tmp_path


@pytest.mark.parametrize("host", ["300.1.1.1", "192.0.2.1", "2001:db8::1", "", "a" * 300])
def test_a_host_that_is_not_this_machine_is_refused(pages, host):
    """Two of them are addresses for documentation, which nobody has."""
    with pytest.raises(SystemExit) as caught:
        book.serve(host, 0)
    assert str(caught.value).startswith(
        "error: argument --host: expected a name or an address of this machine, such as 127.0.0.1, "
        f"::1 or 0.0.0.0, got '{host}'"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_the_address_that_is_told_leads_to_the_book(pages, host, capsys, monkeypatch):
    if host == "::1" and not book.is_free("::1", 0, socket.AF_INET6):
        pytest.skip("no IPv6 here")
    seen = []
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def look(server):
        address = capsys.readouterr().out.split()[4]
        reader = Thread(target=lambda: seen.append(direct.open(address).read()))
        reader.start()
        server.handle_request()
        reader.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(book.ThreadingHTTPServer, "serve_forever", look)
    book.serve(host, 0)
    assert seen == [b"<p>The book."]


def test_beside_the_last_port_there_is_another(pages, capsys, monkeypatch):
    monkeypatch.setattr(book.ThreadingHTTPServer, "serve_forever", lambda server: None)
    monkeypatch.setattr(book, "is_free", lambda host, port, family: port == 0)
    book.serve("127.0.0.1", book.MOST_PORT)
    assert "The book is at http://127.0.0.1:" in capsys.readouterr().out
