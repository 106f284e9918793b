"""The core works without the libraries that only one part needs; what is missing is named."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from circuitkit import extras

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
HEAVY = {
    "flint", "fsspec", "h5py", "llvmlite", "numba", "onnx", "onnxruntime", "pyarrow", "sklearn", "torch",
    "z3", "dask", "distributed",
}  # fmt: skip

#: Makes the named libraries as absent as on a machine that never had them.
ABSENT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def without(absent: set[str], code: str) -> str:
    """What the code prints in a Python that lacks these libraries."""
    done = subprocess.run(
        [sys.executable, "-c", ABSENT.format(absent=absent) + code],
        capture_output=True, text=True, timeout=600, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_core_builds_proves_detects_draws_and_touches_without_any_of_them(tmp_path):
    told = without(
        HEAVY,
        f"""
import matplotlib
matplotlib.use("agg")
import circuitkit as ck

net = ck.circuit("min")
print(net([3, -5]))
net.save({str(tmp_path / "net.safetensors")!r})
net = ck.Network.load({str(tmp_path / "net.safetensors")!r})
print(ck.prove(net, "min"))
print(ck.prove(net, "max").counterexample is not None)
print(ck.detect(net))
ck.plotting.network(net).figure.savefig({str(tmp_path / "net.png")!r})
print(len(ck.CircuitWidget(net)._repr_mimebundle_()[0]["text/html"]) > 1000)
print(ck.compose(ck.circuit("abs"), ck.circuit("identity")).layer_sizes)
assert not {HEAVY!r} & set(sys.modules)
""",
    )
    assert told.startswith("[-5.]\nProved: ")
    assert "min(x1, x2)" in told
    assert told.count("True") >= 2
    assert (tmp_path / "net.png").stat().st_size > 1000


def test_every_module_of_the_core_is_imported_without_them():
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "circuitkit").rglob("*.py")
    )
    told = without(
        HEAVY,
        f"""
import importlib
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name)
""",
    )
    # What trains, and what reads other tools' networks; nothing of the core imports these.
    assert set(told.split()) <= {
        "circuitkit.importing.keras",
        "circuitkit.importing.onnx",
        "circuitkit.importing.onnx_write",
        "circuitkit.importing.sklearn",
        "circuitkit.importing.torch",
        "circuitkit.importing.torch_rules",
        "circuitkit.superposition.loops",
        "circuitkit.training.compiled_loop",
        "circuitkit.training.compiled_search",
        "circuitkit.training.curvature",
        "circuitkit.training.first_order",
        "circuitkit.training.gpu_loop",
        "circuitkit.training.torch_gradient",
        "circuitkit.training.torch_loop",
    }


def test_training_on_a_processor_needs_no_torch():
    told = without(
        HEAVY - {"numba", "llvmlite"},
        "import circuitkit as ck\n"
        "run = ck.train('abs', 2, seeds=64, steps=300, progress=False)\n"
        "print(int(run.solved.sum()), run.outcomes[0])\n"
        "assert 'torch' not in sys.modules",
    )
    assert re.fullmatch(r"\d+ [a-z -]+\n", told)


@pytest.mark.parametrize(
    ("library", "extra", "code"),
    [
        ("numba", "train", "ck.train('abs', 2, seeds=2)"),
        ("numba", "train", "ck.learn('abs', 2)"),
        ("torch", "torch", "ck.train('abs', 2, seeds=2, optimizer='lbfgs')"),
        ("torch", "torch", "ck.train('abs', 2, seeds=2, device='cuda')"),
        ("torch", "torch", "ck.circuit('abs').to_torch()"),
        ("torch", "torch", "ck.Network.from_torch(None)"),
        ("onnx", "onnx", "ck.Network.from_onnx('net.onnx')"),
        ("onnxruntime", "onnx", "ck.circuit('abs').to_onnx('net.onnx')"),
        ("sklearn", "sklearn", "ck.Network.from_sklearn(None)"),
        ("sklearn", "sklearn", "ck.images.digits()"),
        ("torch", "torch", "ck.images.train(epochs=0)"),
        ("h5py", "keras", "ck.Network.from_keras('net.h5')"),
        ("fsspec", "sweep", "ck.sweep([ck.Cell('abs', 2)], store='nowhere')"),
        ("pyarrow", "sweep", "ck.sweep([ck.Cell('abs', 2)], store='nowhere')"),
        ("z3", "smt", "ck.prove(ck.circuit('min'), 'max', engine='z3')"),
    ],
)
def test_what_is_missing_is_named_with_its_extra(library, extra, code):
    told = without(
        {library},
        f"import circuitkit as ck\ntry:\n    {code}\nexcept ImportError as error:\n    print(error)",
    )
    assert told.startswith(f"{library} is missing, for ")
    assert f"pip install 'relu-circuits[{extra}]', or '.[{extra}]' in a clone" in told


def test_a_library_that_is_there_but_broken_says_its_own_error(monkeypatch, tmp_path):
    (tmp_path / "z3.py").write_text("import no_such_thing")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "z3", raising=False)
    with pytest.raises(ModuleNotFoundError, match="no_such_thing"):
        extras.need("z3")


def test_the_extras_are_those_that_pip_knows():
    distributions = {"flint": "python-flint", "sklearn": "scikit-learn", "z3": "z3-solver"}
    assert PROJECT["name"] == extras.DISTRIBUTION
    for library, (extra, _) in extras._EXTRAS.items():
        asked = PROJECT["optional-dependencies"][extra]
        assert any(re.match(rf"{distributions.get(library, library)}\b", line) for line in asked), (
            library
        )
    core = " ".join(PROJECT["dependencies"])
    assert not re.search(
        r"\b(torch|numba|z3-solver|pyarrow|dask|onnx|onnxruntime|scikit-learn|h5py|keras)\b", core
    )
