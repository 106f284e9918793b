"""The start from which training is certain to succeed: mirrored pairs, quiet output weights."""

from __future__ import annotations

import numpy as np
import pytest

import circuitkit as ck
from circuitkit.training.start import initial


def test_a_mirrored_dominant_start_has_mirror_images_and_quiet_outputs():
    weights, _ = initial("mirrored-dominant", (2, 4, 1), range(50), bias=False)
    np.testing.assert_array_equal(weights[0][:, 1::2], -weights[0][:, 0::2])
    ratio = np.abs(weights[1][:, 0]) / np.linalg.norm(weights[0], axis=2)
    assert ratio.max() <= 0.5 + 1e-12


@pytest.mark.parametrize("target", ["identity", "negation", "abs", "3*x", "max(2*x, -x/2)"])
def test_every_seed_learns_every_function_of_the_two_detectors(target):
    run = ck.train(target, 2, seeds=range(5000, 5300), steps=4000, init="mirrored-dominant")
    assert run.rate == 1.0, run.seeds[~run.solved]
