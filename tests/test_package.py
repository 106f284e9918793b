"""The package as a whole: one list of public names, one direction of imports."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import circuitkit as ck

PACKAGE = Path(ck.__file__).parent
#: the rooms in the order in which data flows; a module imports from its own room and those above
ORDER = (
    ["extras", "palette", "progress", "check", "fixed", "rules", "simplex", "words"],
    ["checks"],
    ["functions"],
    ["network"],
    ["maxima", "circuits"],
    ["exact"],
    ["difference", "training"],
    ["superposition", "images"],
    ["proof"],
    ["detection"],
    ["compiling"],
    ["sweeps"],
    ["importing"],
    ["entries"],
    ["plotting"],
    ["mysteries"],
    ["widget"],
    ["book"],
)


def modules():
    return sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(("circuitkit", *parts)).removesuffix(".__init__")


NAMES = {name_of(p) for p in modules()}


@cache
def imports(path, *, top_level_only):
    """The modules of the package that a module imports; those in functions on demand."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    if top_level_only:
        inner = {
            id(n)
            for f in nodes
            if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))
            for n in ast.walk(f)
        }
        nodes = [n for n in nodes if id(n) not in inner]
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                found.add(inside if inside in NAMES else node.module)
    return {m for m in found if m in NAMES and m != "circuitkit"}


def test_every_public_name_is_listed_once_and_there():
    assert len(ck.__all__) == len(set(ck.__all__))
    for name in ck.__all__:
        assert getattr(ck, name) is not None


def test_every_name_is_there_before_anything_else_was_imported():
    # One process, a fork for each module: each finds the package as a first import leaves it. What others
    # make, and takes long to import, is there before.
    code = """
import os, sys
import anywidget, highspy, matplotlib.pyplot, numba, numpy, pandas, scipy.optimize, sympy
for names in sys.argv[1:]:
    if not (child := os.fork()):
        import circuitkit
        for name in names.split(","):
            getattr(circuitkit, name)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, names
"""
    of_one_module: dict[str, list[str]] = {}
    for name, module in [*ck._PUBLIC.items(), *ck._MODULES.items()]:
        of_one_module.setdefault(module, []).append(name)
    names = [",".join(names) for names in of_one_module.values()]
    subprocess.run([sys.executable, "-c", code, *names], check=True, timeout=900)


def test_the_stub_for_type_checkers_says_what_the_list_says():
    written = (PACKAGE / "__init__.pyi").read_text(encoding="utf-8")
    assert sorted(written.split("\n")) == sorted(stub().split("\n"))


def stub():
    names = [f"from circuitkit.{m} import {n} as {n}\n" for n, m in sorted(ck._PUBLIC.items())]
    rooms = []
    for name, module in sorted(ck._MODULES.items()):
        parent, _, last = f"circuitkit.{module}".rpartition(".")
        rooms.append(f"from {parent} import {last} as {name}\n")
    return "".join([*sorted(rooms), *sorted(names), "\n__version__: str\n__all__: list[str]\n"])


def test_no_module_imports_in_a_circle():
    graph = {name_of(p): imports(p, top_level_only=True) for p in modules()}
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            path.append(module)
            for other in sorted(graph[module]):
                visit(other)
            path.pop()
            done.add(module)

    for module in graph:
        visit(module)


def test_imports_never_go_back():
    rank = {room: i for i, rooms in enumerate(ORDER) for room in rooms}
    for path in modules():
        own = name_of(path).split(".")[1:2]
        if not own:
            continue
        for other in imports(path, top_level_only=True):
            room = other.split(".")[1]
            assert rank[room] <= rank[own[0]], f"{name_of(path)} imports {other}"


@pytest.mark.parametrize("room", ["proof", "training"])
def test_neither_the_judge_nor_the_learner_sees_the_answers(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert "circuitkit.circuits" not in imports(path, top_level_only=False), path


def test_the_exact_room_leans_on_nothing_that_rounds():
    # words: how a number is written, and about how large, for what is shown; it decides nothing
    rooms = ("checks", "exact", "functions", "network", "words")
    known = {f"circuitkit.{room}" for room in rooms}
    outside = "__future__ collections dataclasses fractions functools itertools math time typing"
    allowed = {*outside.split(), "numpy", "sympy", "circuitkit"}
    for path in (PACKAGE / "exact").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] in allowed, path
            elif isinstance(node, ast.Import):
                assert {a.name.split(".")[0] for a in node.names} <= allowed, path
        rooms = {".".join(m.split(".")[:2]) for m in imports(path, top_level_only=False)}
        assert rooms <= known, path


def test_the_readmes_map_shows_every_room_and_nothing_else():
    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^[├└]── ([\w.]+)(/?) ", readme, re.MULTILINE)
    rooms = {
        p.name
        for p in PACKAGE.iterdir()
        if not p.name.startswith(("_", ".")) and (p.is_dir() or p.suffix == ".py")
    }
    assert [name for name, _ in shown] == list(dict.fromkeys(name for name, _ in shown))
    assert {name for name, _ in shown} == rooms


@pytest.mark.parametrize("room", sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py")))
def test_a_rooms_table_of_contents_names_each_of_its_modules(room):
    text = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
    named = set(re.findall(r":mod:`\.(\w+)`", text))
    there = {p.stem for p in (PACKAGE / room).glob("[a-z]*.py")}
    assert named == there
