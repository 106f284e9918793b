"""Figures: networks as the deck draws them, functions, maps of the plane, results of training.

Every function takes an optional matplotlib ``Axes`` and returns the one it drew on; without one it
makes a figure of the right size. Call :func:`setup` once in a notebook. Colors and their meaning are
those of :mod:`circuitkit.palette`.
"""

from __future__ import annotations

from circuitkit.plotting._blocks import blocks
from circuitkit.plotting._filters import filters
from circuitkit.plotting._functions import function, relu
from circuitkit.plotting._maps import heatmap
from circuitkit.plotting._multiples import regions, stuck
from circuitkit.plotting._network import legend, network
from circuitkit.plotting._results import history, rate_grid, rates, weights
from circuitkit.plotting._style import setup
from circuitkit.plotting._unit import direction, neuron

__all__ = [
    "blocks",
    "direction",
    "filters",
    "function",
    "heatmap",
    "history",
    "legend",
    "network",
    "neuron",
    "rate_grid",
    "rates",
    "regions",
    "relu",
    "setup",
    "stuck",
    "weights",
]
