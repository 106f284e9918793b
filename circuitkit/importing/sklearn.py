"""scikit-learn's multilayer perceptrons, with the scalers before them, as fitted objects.

Files of it are pickles, which run code when they are loaded: loading one is for who trusts it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from circuitkit.checks import wrong, wrong_type
from circuitkit.importing.agreement import Imported, Precision, need_agreement
from circuitkit.importing.files import refuse_pickle
from circuitkit.importing.lowering import Lowering, TooLarge, Value

__all__ = ["layers"]

Array = NDArray[np.float64]
#: what a step is called in messages, and the step
_Step = tuple[str, Any]

#: what scikit-learn and arithmetic raise where parts are not what a fit leaves
_UNFIT = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
_KNOWN = "an MLPRegressor or MLPClassifier, alone or last in a Pipeline of scalers"


def layers(estimator: Any) -> tuple[list[Array], list[Array], float]:
    """Weights and biases of a fitted estimator, compared with its own predictions.

    Raises:
        TypeError: another estimator, step or activation, by its name.
        ValueError: one that is not fitted, or has weights that are not finite.
    """
    if isinstance(estimator, (str, os.PathLike)):
        refuse_pickle(os.fsdecode(estimator), "estimator")
    (*scalers, last), targets = _parts(estimator)
    name, network = last
    if type(network) not in (MLPRegressor, MLPClassifier):
        raise wrong_type("estimator", _KNOWN, f"{type(network).__name__}{name}")
    for step in (*scalers, last, *targets):
        _need_fitted(*step)
    try:
        low = Lowering(scalers[0][1].n_features_in_ if scalers else network.n_features_in_)
        x = low.inputs((low.n_inputs,), 0)
        for step in scalers:
            x = _scaled(low, x, *step)
        x = _perceptron(low, x, network, name)
        for step in targets:
            x = _unscaled(low, x, *step)
        found = Imported.of(low, x)
        doubles = Precision.of(np.float64)
        need_agreement("estimator", found, _logits(estimator, scalers, network), doubles, "it")
        if isinstance(network, MLPClassifier):
            _need_the_same_probabilities(estimator, found, network.out_activation_)
    except TooLarge as error:
        raise ValueError(f"estimator: {error}") from None
    except _UNFIT as error:  # fitted parts that were changed by hand
        if str(error).startswith("estimator: "):
            raise
        raise ValueError(f"estimator: its parts do not fit together ({error})") from None
    return list(found.weights), list(found.biases), found.rounding


def _parts(estimator: Any) -> tuple[list[_Step], list[_Step]]:
    """The scalers and the network, in their order, and the target's scalers, in which they are undone.

    A Pipeline may be a step of another one, and what a regression with a scaled target is made of.
    """
    *before, last = _steps(("", estimator))
    targets: list[_Step] = []
    while type(last[1]) is TransformedTargetRegressor:
        name, scaled = last
        _need_fitted(name, scaled)
        targets += _steps((f"{name}, the target's transformer", scaled.transformer_))
        *inner, last = _steps((name, scaled.regressor_))
        before += inner
    # The target went through the outer ones first.
    return [*before, last], targets[::-1]


def _steps(step: _Step) -> list[_Step]:
    """A step, or those that a Pipeline has in its place."""
    where, estimator = step
    if type(estimator) is not Pipeline:
        return [step]
    found = [
        each
        for name, part in estimator.steps
        if part is not None and part != "passthrough"
        for each in _steps((f" in the step {name!r}{where}", part))
    ]
    if not found:
        raise wrong_type("estimator", _KNOWN, f"a Pipeline without steps{where}")
    return found


def _need_fitted(name: str, step: Any) -> None:
    try:
        check_is_fitted(step)
    except (NotFittedError, TypeError):
        got = f"{type(step).__name__}{name}"
        raise wrong("estimator", "a fitted estimator (call fit first)", got) from None


# --- scalers -------------------------------------------------------------------------------------------


def _affine(name: str, scaler: Any) -> tuple[Array, Array, tuple[float, float] | None]:
    """``x * factor + shift`` and the range to which the result is clipped."""
    kind = type(scaler)
    if kind is MinMaxScaler:
        return scaler.scale_, scaler.min_, tuple(scaler.feature_range) if scaler.clip else None
    if kind in (StandardScaler, RobustScaler):
        center = scaler.mean_ if kind is StandardScaler else scaler.center_
        moved = scaler.with_mean if kind is StandardScaler else scaler.with_centering
        factor = np.ones(scaler.n_features_in_) if scaler.scale_ is None else 1 / scaler.scale_
        return factor, -center * factor if moved else np.zeros_like(factor), None
    if kind is MaxAbsScaler:
        factor = 1 / scaler.scale_
        return (
            factor,
            np.zeros_like(factor),
            (-1.0, 1.0) if getattr(scaler, "clip", False) else None,
        )
    raise wrong_type(
        "estimator",
        "StandardScaler, MinMaxScaler, RobustScaler or MaxAbsScaler",
        kind.__name__ + name,
    )


def _scaled(low: Lowering, x: Value, name: str, scaler: Any) -> Value:
    factor, shift, bounds = _affine(name, scaler)
    made = low.add(low.scale(x, factor), shift)
    return made if bounds is None else low.clip(made, *bounds)


def _unscaled(low: Lowering, y: Value, name: str, scaler: Any) -> Value:
    """The inverse, of a regression's target."""
    factor, shift, _ = _affine(name, scaler)
    return low.scale(low.add(y, shift, -1.0), 1 / factor)


# --- the perceptron -----------------------------------------------------------------------------------


def _perceptron(low: Lowering, x: Value, network: Any, name: str) -> Value:
    if network.activation not in ("relu", "identity"):
        got = f"{network.activation!r}{name}"
        raise wrong_type("estimator", "the activation 'relu' or 'identity'", got)
    if isinstance(network, MLPRegressor) and network.out_activation_ != "identity":
        got = f"{network.out_activation_!r}{name}"
        raise wrong_type("estimator", "no activation of the output", got)
    for i, (w, b) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        if not (np.isfinite(w).all() and np.isfinite(b).all()):
            raise ValueError(f"inf or nan in coefs_[{i}] or intercepts_[{i}]")
        hidden = low.relu(x) if i and network.activation == "relu" else x
        x = low.add(low.matmul(np.asarray(w).T, hidden), b)
    return x


def _logits(
    estimator: Any, scalers: Sequence[tuple[str, Any]], network: Any
) -> Callable[[Array], Array]:
    """What scikit-learn makes of inputs, before the probabilities of a classifier."""
    if not isinstance(network, MLPClassifier):
        return lambda x: _quietly(estimator.predict, x).reshape(len(x), -1)
    twin = MLPRegressor(
        activation=network.activation
    )  # the same weights, without the last activation
    for attribute in ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "n_features_in_"):
        setattr(twin, attribute, getattr(network, attribute))
    twin.out_activation_ = "identity"

    def run(x: Array) -> Array:
        for _, scaler in scalers:
            x = _quietly(scaler.transform, x)
        return _quietly(twin.predict, x).reshape(len(x), -1)

    return run


def _need_the_same_probabilities(estimator: Any, found: Imported, activation: str) -> None:
    x = np.random.default_rng(1).normal(size=(64, found.low.n_inputs))
    logits = found(x)
    with np.errstate(over="ignore"):
        if activation == "softmax":
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            own = odds / odds.sum(axis=1, keepdims=True)
        else:
            own = 1 / (1 + np.exp(-logits))
    given = np.asarray(_quietly(estimator.predict_proba, x))
    if own.shape[1] == 1:
        given = given[:, 1:]  # the single logit is that of the second class
    sums = found.low.largest_sums(found.output, x)
    allowed = found.allowed(sums, Precision.of(np.float64)).max(axis=1, keepdims=True) + 1e-12
    if given.shape != own.shape or not (np.abs(given - own) <= allowed).all():
        raise ValueError("estimator: what was read is not what its predict_proba computes")


def _quietly(method: Callable[[Array], Any], x: Array) -> Array:
    """A method, without its warning that columns have names in a table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return np.asarray(method(x), dtype=np.float64)
        except Exception as error:  # what a changed estimator raises
            raise ValueError(
                f"estimator: it cannot compute {x.shape[1]} inputs ({type(error).__name__}: {error})"
            ) from None
