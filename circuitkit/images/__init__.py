"""Small convolutional networks that tell digits apart: do different ones come to the same filters?

:mod:`.digits` are the pictures, :mod:`.model` the network in three architectures, :mod:`.training` trains it from many seeds;
:mod:`.matching` finds each filter's counterpart in another network, and what chance would give, :mod:`.cka` compares
layers as a whole, and :mod:`.scaling` keeps the squares in both within the doubles; :mod:`.ablation` silences
channels, predicted from the weights and measured.
"""

from circuitkit.images.ablation import measured_changes, predicted_changes, recall
from circuitkit.images.cka import cka
from circuitkit.images.digits import Digits, digits
from circuitkit.images.matching import Match, correlations, match, patch_covariance, scrambled
from circuitkit.images.model import ARCHITECTURES, ImageNetwork
from circuitkit.images.training import train

__all__ = [
    "ARCHITECTURES",
    "Digits",
    "ImageNetwork",
    "Match",
    "cka",
    "correlations",
    "digits",
    "match",
    "measured_changes",
    "patch_covariance",
    "predicted_changes",
    "recall",
    "scrambled",
    "train",
]
