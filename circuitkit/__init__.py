"""Tiny ReLU networks that compute mathematical functions: build, train, prove, detect, touch them.

Data flows one way: functions (:mod:`~circuitkit.targets`) and networks
(:mod:`~circuitkit.network`, :mod:`~circuitkit.circuits`), then :mod:`~circuitkit.training`, then
proof and detection, then figures (:mod:`~circuitkit.plotting`) and the widget.

Names that need a heavy library are imported when they are first used, so that
``import circuitkit`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from circuitkit import circuits
from circuitkit.circuits import circuit, compose, parallel
from circuitkit.network import Network
from circuitkit.targets import Target, target

if TYPE_CHECKING:
    from circuitkit import plotting as plotting
    from circuitkit.detection import Detection as Detection
    from circuitkit.detection import Unit as Unit
    from circuitkit.detection import detect as detect
    from circuitkit.proof import Proof as Proof
    from circuitkit.proof import Undecided as Undecided
    from circuitkit.proof import prove as prove
    from circuitkit.reader import WeightsReader as WeightsReader
    from circuitkit.sweeps import Cell as Cell
    from circuitkit.sweeps import grid as grid
    from circuitkit.sweeps import success_rates as success_rates
    from circuitkit.sweeps import sweep as sweep
    from circuitkit.training import TrainingRun as TrainingRun
    from circuitkit.training import train as train
    from circuitkit.widget import Challenge as Challenge
    from circuitkit.widget import CircuitWidget as CircuitWidget

__version__ = "0.1.0"

#: public name -> the module that is imported when it is first used
_LAZY: dict[str, str] = {
    "Cell": "sweeps",
    "Challenge": "widget",
    "CircuitWidget": "widget",
    "Detection": "detection",
    "Proof": "proof",
    "TrainingRun": "training",
    "Undecided": "proof",
    "Unit": "detection",
    "WeightsReader": "reader",
    "detect": "detection",
    "grid": "sweeps",
    "prove": "proof",
    "success_rates": "sweeps",
    "sweep": "sweeps",
    "train": "training",
}
_LAZY_MODULES = {"plotting", "training", "widget"}

__all__ = [
    "Cell",
    "Challenge",
    "CircuitWidget",
    "Detection",
    "Network",
    "Proof",
    "Target",
    "TrainingRun",
    "Undecided",
    "Unit",
    "WeightsReader",
    "circuit",
    "circuits",
    "compose",
    "grid",
    "parallel",
    "plotting",
    "prove",
    "success_rates",
    "sweep",
    "target",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return importlib.import_module(f"circuitkit.{name}")
    if name in _LAZY:
        return getattr(importlib.import_module(f"circuitkit.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'circuitkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
