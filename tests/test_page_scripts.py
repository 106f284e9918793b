"""What readers get of the widget's modules is shorter than what is written, and does the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from nodejs import node

from circuitkit.widget.page import _EXPORT, LANGUAGE, MODULES, STATIC, joined

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "_ext"))

import circuit_widgets  # noqa: E402

TESTS = ROOT / "tests" / "javascript"
ADDED = [name for own in circuit_widgets._ADDED.values() for name in own.modules]
EVERY = list(dict.fromkeys([*MODULES, *LANGUAGE, *ADDED]))
needs_minify = pytest.mark.skipif(
    circuit_widgets.minify is None, reason="no wheel of the minifier for this machine"
)


def short(source: str) -> str:
    return circuit_widgets._small(circuit_widgets._SCRIPT, source)


def run(folder: Path, source: str) -> str:
    file = folder / "short.mjs"
    file.write_text(short(source), encoding="utf-8")
    done = subprocess.run([node(), file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{file.read_text()}\n{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def shortened(tmp_path_factory) -> Path:
    """The JavaScript tests beside modules that hand on what is in one short script."""
    root = tmp_path_factory.mktemp("short")
    static = root / "circuitkit" / "widget" / "static"
    static.mkdir(parents=True)
    (root / "circuitkit" / "rules.json").write_text(
        (ROOT / "circuitkit" / "rules.json").read_text("utf-8"), encoding="utf-8"
    )
    names = ", ".join(f"module_{name} as {name}" for name in EVERY)
    (static / "all.mjs").write_text(short(f"{joined(EVERY)}export {{ {names} }};\n"), "utf-8")
    for name in EVERY:
        source = (STATIC / f"{name}.mjs").read_text("utf-8")
        exports = _EXPORT.findall(source)
        (static / f"{name}.mjs").write_text(
            f'import {{ {name} as all }} from "./all.mjs";\n'
            f"export const {{ {', '.join(exports)} }} = all;\nexport default all.default;\n",
            encoding="utf-8",
        )
    (root / "tests" / "javascript").mkdir(parents=True)
    for file in TESTS.iterdir():
        if file.suffix in (".mjs", ".json"):
            (root / "tests" / "javascript" / file.name).write_bytes(file.read_bytes())
    return root


@needs_minify
@pytest.mark.parametrize("name", sorted(p.name for p in TESTS.glob("*.test.mjs")))
def test_the_javascript_tests_pass_on_what_readers_get(shortened, name):
    done = subprocess.run(
        [node(), "--test", shortened / "tests" / "javascript" / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_minify
@pytest.mark.parametrize(
    "declared",
    [
        "const a = f(2); const [b] = [f((a))];",
        "const a = f(2); const {b} = {b: f((a))};",
        "const a = f(2); const [b] = [f(3)];",
        "const [c] = [f(1)]; const a = f((c)); const [b] = [f((a))];",
        "let a = f(2); const [b] = [f((a))];",
    ],
)
def test_no_declaration_moves_past_what_it_reads_or_comes_after(tmp_path, declared):
    before = (
        "const said = []; function f(n) { said.push(n); return n + 1; } "
        f"function whole() {{ {declared} return [a, b, ...said]; }} console.log(whole().join());"
    )
    file = tmp_path / "long.mjs"
    file.write_text(before, encoding="utf-8")
    wanted = subprocess.run([node(), file], capture_output=True, text=True, check=True)
    assert run(tmp_path, before) == wanted.stdout.strip()


@pytest.mark.parametrize("name", [*EVERY, "start"])
def test_what_changes_is_declared_without_a_pattern(name):
    """The one kind of declaration that the minifier could still move: see circuit_widgets._CONSTANT."""
    assert re.findall(r"\blet [\[{]", (STATIC / f"{name}.mjs").read_text("utf-8")) == []
