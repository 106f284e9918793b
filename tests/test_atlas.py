"""The atlas of stuck minima and the comparison of methods: what their numbers rest on."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import atlas, comparison, descents

pytest.importorskip("numba")

W1 = np.array([[1.0, 0], [-1, 0], [1, -1]])
W2 = np.array([[1.0, -1, -1], [-1, 1, 1]])
W3 = np.array([[1.0, -1]])


def mean_square(f, n=400):
    """Over the square, by the midpoint rule."""
    side = (np.arange(n) + 0.5) * (2 / n) - 1
    x1, x2 = np.meshgrid(side, side)
    return float(np.mean((f(x1, x2) - np.minimum(x1, x2)) ** 2))


@pytest.mark.parametrize(
    ("function", "loss"),
    [
        ("0", Fraction(1, 3)),
        ("relu(min(x1, x2))", Fraction(7, 24)),
        ("min(x1, x2, 0)", Fraction(1, 24)),
        ("relu(x1 + x2)/4", Fraction(5, 16)),
        ("(x1 + x2)/2", Fraction(1, 6)),
    ],
)
def test_heights_of_shelves_are_exact_fractions(function, loss):
    assert atlas.exact_loss(atlas.CLOSED[function]) == loss


def relu(z):
    return np.maximum(z, 0)


@pytest.mark.parametrize(
    ("root", "height"),
    list(
        zip(
            atlas.ROOTS,
            (
                lambda t: lambda x1, x2: -(relu(t * x2 - x1) + relu(t * x1 - x2)),
                lambda t: lambda x1, x2: -relu(-t * x1 - x2),
            ),
            strict=True,
        )
    ),
)
def test_a_leaning_arrow_rests_at_the_root_of_its_equation(root, height):
    def loss(t):
        side = (np.arange(400) + 0.5) / 200 - 1
        x1, x2 = np.meshgrid(side, side)
        f, m = height(t)(x1, x2), np.minimum(x1, x2)
        return np.mean(m**2) - np.mean(f * m) ** 2 / np.mean(f**2)

    assert loss(root.t) == pytest.approx(root.loss, rel=1e-3)
    assert min(loss(root.t - 0.05), loss(root.t + 0.05)) > loss(root.t)


def test_the_sign_of_a_function_is_read_off_units_that_are_off_by_their_signs_alone():
    dark = W2.copy()
    dark[0] = -1
    assert atlas.one_sign([W1, W2, W3]) == 2
    assert atlas.one_sign([W1, dark, W3]) == -1
    assert atlas.one_sign([W1, dark, -W3]) == 1
    assert atlas.one_sign([W1, -np.ones((2, 3)), W3]) == 0


def test_the_compiled_gradient_is_that_of_the_loss():
    sizes = np.array([2, 3, 2, 1])
    random = np.random.default_rng(1)
    theta, x = random.normal(size=14), random.normal(size=(5, 2))
    y, gradient = x.min(axis=1), np.empty(14)
    loss = descents.loss_and_gradient(theta, sizes, x, y, 0.3, gradient)
    for k in range(14):
        up, down = theta.copy(), theta.copy()
        up[k] += 1e-6
        down[k] -= 1e-6
        a, b = (descents.loss_and_gradient(t, sizes, x, y, 0.3, np.empty(14)) for t in (up, down))
        assert gradient[k] == pytest.approx((a - b) / 2e-6, rel=1e-5, abs=1e-7)
    errors, jacobian = descents.errors_and_jacobian(theta, sizes, x, y, 0.3)
    assert errors @ errors == pytest.approx(loss)
    assert 2 * errors @ jacobian == pytest.approx(gradient)


def test_an_attempt_starts_from_the_seeds_own_weights_and_counts_by_multiply_adds():
    import circuitkit as ck

    attempt = comparison.Attempt(7, (2, 3, 2, 1))
    run = ck.train("min", (3, 2), seeds=[7], steps=0, dtype="float64")
    for ours, theirs in pairwise([attempt.weights, [w[0] for w in run.weights]]):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    attempt.gradients(10)
    assert attempt.spent == 10
    attempt.shape, before = (2, 6, 4, 1), attempt.spent
    attempt.gradients(1)
    assert attempt.spent - before == pytest.approx((3 * 40 - 12) / (3 * 14 - 6))


def test_an_expected_cost_charges_failures_to_the_successes():
    spent, proved = np.array([1.0, 2, 3]), np.array([True, False, False])
    assert comparison.expected(spent, proved) == 6
    assert comparison.expected(spent, ~proved & proved) == np.inf
    low, high = comparison.interval(spent, np.zeros(3, dtype=bool))
    assert (low, high) == (2, None)  # the rule of three: below one success in the mean seed's three


def test_variable_projection_is_right_where_it_says_so_and_fits_the_last_layer_best():
    import circuitkit as ck

    attempt = comparison.Attempt(3, (2, 3, 1))
    theta = attempt.theta.copy()
    errors, offered, slopes = comparison.projected(attempt, theta)
    assert slopes.shape == (64, 6)
    np.testing.assert_allclose(offered.T @ errors, 0, atol=1e-9)
    assert attempt.spent > 0
    assert comparison.variable_projection(attempt, {})
    assert ck.prove(attempt.network, "min", tolerance=1e-6)


def test_the_convex_programme_finds_less_norm_than_the_circuit_and_not_the_minimum():
    known = json.loads(comparison.RESULTS.read_text())["convex programme"]
    found = comparison.convex()
    assert found["units"] == known["units"] == 4
    assert found["norm"] == pytest.approx(known["norm"])
    assert found["norm"] < 2 * 2**0.5 < found["norm of the circuit"]
    assert found["loss"] < 1e-20
    assert not found["proved"]
    assert found["error"] == pytest.approx(known["error"], rel=1e-3)
