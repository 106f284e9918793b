"""Tiny ReLU networks that compute mathematical functions: build, train, prove, detect, touch them.

Data flows one way: functions (:mod:`~circuitkit.functions`) and networks
(:mod:`~circuitkit.network`, :mod:`~circuitkit.circuits`), then :mod:`~circuitkit.training`, then
:mod:`~circuitkit.proof` and :mod:`~circuitkit.detection`, then figures
(:mod:`~circuitkit.plotting`) and the :mod:`~circuitkit.widget`.

A name is imported when it is first used, so that ``import circuitkit`` stays light.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

__version__ = "0.1.0"

#: Every public name and the module it comes from; the names of modules map to themselves. The one
#: list: ``__all__``, the imports and the stub for type checkers (``__init__.pyi``) follow from it.
_PUBLIC: dict[str, str] = {
    "Approximation": "compiling.approximate",
    "Cell": "sweeps.sweep",
    "Challenge": "widget.circuit_widget",
    "CircuitWidget": "widget.circuit_widget",
    "Decompilation": "compiling.decompile",
    "Detection": "detection.detect",
    "Extraction": "detection.extract",
    "FeatureArrows": "widget.arrows",
    "Gallery": "widget.gallery",
    "Kink": "detection.kinks",
    "LossShelves": "widget.shelves",
    "Mystery": "widget.mystery",
    "Network": "network",
    "NotDecompiled": "compiling.decompile",
    "NotLearned": "training.learn",
    "Proof": "proof.prove",
    "Rate": "training.run",
    "Subcircuits": "detection.inside",
    "Target": "functions.target",
    "TrainingRun": "training.run",
    "Typed": "widget.typed",
    "Undecided": "proof.prove",
    "Unit": "detection.units",
    "WeightPlane": "widget.plane",
    "WeightsReader": "widget.reader",
    "approximate": "compiling.approximate",
    "at_most_active": "superposition.worst",
    "catalogue": "entries",
    "check": "proof.checking",
    "circuit": "circuits",
    "compile_expression": "compiling.compile",
    "compose": "circuits",
    "decompile": "compiling.decompile",
    "decompiled": "compiling.decompile",
    "detect": "detection.detect",
    "enclose_error": "compiling.approximate",
    "extract": "detection.extract",
    "grid": "sweeps.sweep",
    "kinks": "detection.kinks",
    "learn": "training.learn",
    "parallel": "circuits",
    "prove": "proof.prove",
    "subcircuits": "detection.inside",
    "success_rates": "sweeps.sweep",
    "sweep": "sweeps.sweep",
    "target": "functions.target",
    "train": "training.train",
}
_MODULES: dict[str, str] = {
    "arrows": "widget.arrows",
    "book": "book",
    "canonical": "exact.canonical",
    "circuits": "circuits",
    "compiling": "compiling",
    "detection": "detection",
    "entries": "entries",
    "exact": "exact",
    "functions": "functions",
    "gallery": "widget.gallery",
    "images": "images",
    "importing": "importing",
    "mysteries": "mysteries",
    "mystery": "widget.mystery",
    "network": "network",
    "outcomes": "training.outcomes",
    "palette": "palette",
    "plane": "widget.plane",
    "plotting": "plotting",
    "proof": "proof",
    "reader": "widget.reader",
    "shelves": "widget.shelves",
    "superposition": "superposition",
    "sweeps": "sweeps",
    "training": "training",
    "widget": "widget",
}

__all__ = [*_PUBLIC, "circuits", "plotting"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(f"circuitkit.{_PUBLIC[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"circuitkit.{_MODULES[name]}")
    else:
        raise AttributeError(f"module 'circuitkit' has no attribute {name!r}")
    # Not over a module of the same name, which the import has put there: check, callable here.
    return globals().setdefault(name, value)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC, *_MODULES})


class _Checker(types.ModuleType):
    """``circuitkit.check`` is a module and the name of a function: called, the module is that function."""

    def __call__(self, certificate: dict[str, Any], network: Any, target: Any) -> bool:
        found: bool = importlib.import_module("circuitkit.proof.checking").check(
            certificate, network, target
        )
        return found


class _Package(types.ModuleType):
    """The package, which sees its modules come in, whatever was imported first."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "check" and isinstance(value, types.ModuleType):
            value.__class__ = _Checker
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
