"""More features than directions: a linear layer too narrow for its inputs, and what is read out of it.

:mod:`.model` is the network, :mod:`.worst` its exact worst error and the inputs on which it is asked,
:mod:`.training` the training of many seeds in :mod:`.loops`, :mod:`.geometry` what they have become, :mod:`.dictionaries`
methods that look for the features from the activations alone, judged by the truth.
"""

from circuitkit.superposition.dictionaries import (
    Dictionary,
    Found,
    autoencoder,
    judge,
    sparse_codes,
)
from circuitkit.superposition.geometry import GEOMETRIES, geometry, interference
from circuitkit.superposition.model import Superposition, polygon, untied
from circuitkit.superposition.training import TrainedFeatures, sparse_inputs, train
from circuitkit.superposition.worst import at_most_active, least_worst_error, worst_error

__all__ = [
    "GEOMETRIES",
    "Dictionary",
    "Found",
    "Superposition",
    "TrainedFeatures",
    "at_most_active",
    "autoencoder",
    "geometry",
    "interference",
    "judge",
    "least_worst_error",
    "polygon",
    "sparse_codes",
    "sparse_inputs",
    "train",
    "untied",
    "worst_error",
]
