"""What the commands say where they are asked for what makes no sense; and that they do what they are asked."""

from __future__ import annotations

import ast
import doctest
import socket
import sys
import urllib.request
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import arguments  # noqa: E402
import book  # noqa: E402

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
