"""A ReLU network as plain numbers: weights in, preactivations, activations and output out.

This module is a leaf: it needs numpy alone; what reads and writes other tools' networks is imported
inside the methods that do.
"""

from __future__ import annotations

import math
import numbers
import os
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitkit import checks
from circuitkit.checks import accepts, array, finite, instance, listed, wrong, wrong_type
from circuitkit.extras import need
from circuitkit.words import dashes

if TYPE_CHECKING:
    import onnx
    import torch

__all__ = ["Network", "need_plain"]

Array = NDArray[np.float64]


_SCALE = "a positive rational number such as Fraction(1, 3) or '1/3'"


def _checked_scale(name: str, value: Any) -> Fraction:
    """A positive fraction within the range of the doubles.

    Raises:
        TypeError: no number.
        ValueError: not positive, not finite, or beyond the doubles.
    """
    if isinstance(value, str):
        if not re.fullmatch(r"\d{1,640}(/\d{1,640})?", value, re.ASCII):
            raise wrong(name, _SCALE, checks.shown(value))
        top, _, below = value.partition("/")
        if int(below or "1") == 0:
            raise wrong(name, _SCALE, checks.shown(value))
        scale = Fraction(int(top), int(below or "1"))
    elif isinstance(value, numbers.Rational) and checks.is_real(value):
        scale = Fraction(int(value.numerator), int(value.denominator))
    elif checks.is_real(value):
        if not math.isfinite(value):
            raise wrong(name, _SCALE, checks.shown(value))
        scale = Fraction(float(value))
    else:
        raise wrong_type(name, _SCALE, checks.shown(value))
    try:
        size = float(scale)
    except OverflowError:
        size = math.inf
    if not 0 < size < math.inf or size < 2.0**-1022:
        raise wrong(name, f"{_SCALE}, within the range of a double", checks.shown(value))
    return scale


_SCALES = checks.Kind(
    _checked_scale,
    "1/3",
    (
        0,
        -1,
        "0",
        "-1",
        "1/0",
        "third",
        "",
        None,
        True,
        [1],
        1j,
        math.nan,
        math.inf,
        np.timedelta64(2),
    ),
)


class Network:
    r"""A fully connected network with ReLU after every layer but the last.

    With hidden activations :math:`h_0 = x`, layer :math:`l` computes the preactivation
    :math:`z_l = W_l h_{l-1} + b_l`; a hidden layer's activation is
    :math:`h_l = \max(z_l, 0)`, the output is the last :math:`z`, times the output scale.

    Args:
        weights: one array a layer, ``weights[l]`` of shape ``(n_out, n_in)``, the layout of
            ``torch.nn.Linear.weight``. At least one layer; finite numbers.
        biases: one array of shape ``(n_out,)`` a layer, ``None`` for a layer without biases, or
            ``None`` for a network without any. Missing biases are stored as zeros.
        scale: what all outputs are multiplied by, a positive rational number: an int, a ``Fraction``, a
            float (the fraction that it is) or text such as ``"1/3"``. Weights are doubles, of which none
            is one third; with a scale of 1/3 a network computes x/3 exactly. A float evaluation rounds.

    The arrays are copied to float64 and cannot be changed afterwards, nor be made writeable.

    Raises:
        TypeError: weights or biases that are not sequences of numbers; a scale that is no number.
        ValueError: empty, ragged, non-finite arrays, layers whose widths do not chain, or a scale that is
            not positive or beyond the doubles.

    Example:
        The deck's identity: a positiveness detector, a negativeness detector, a reconstructor.

        >>> identity = Network([[[1], [-1]], [[1, -1]]])
        >>> identity
        Network(1-2-1, no biases)
        >>> identity(-5)
        array([-5.])
        >>> identity.activations(-5)
        [array([0., 5.])]
        >>> Network([[[1]]], scale=Fraction(1, 3))
        Network(1-1, no biases, times 1/3)

    Source: the deck, "How a Single Neuron Works".
    """

    __slots__ = ("_biases", "_rounding", "_scale", "_weights")

    _weights: tuple[Array, ...]
    _biases: tuple[Array, ...]
    _scale: Fraction

    @accepts(
        weights=listed("a list with one matrix a layer"),
        biases=listed("a list with one vector a layer"),
        scale=_SCALES,
    )
    def __init__(
        self,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike | None] | None = None,
        *,
        scale: Fraction | float | str = 1,
    ) -> None:
        layers = list(weights)
        if not layers:
            raise wrong("weights", "at least one layer", "an empty list")
        matrices = tuple(_numbers(w, f"weights[{i}]", ndim=2) for i, w in enumerate(layers))
        for i in range(1, len(matrices)):
            before, after = matrices[i - 1].shape[0], matrices[i].shape[1]
            if before != after:
                raise wrong(
                    f"weights[{i}]",
                    f"{before} columns, one for each unit of the layer before",
                    f"{after} (shape {matrices[i].shape})",
                )
        self._weights = matrices
        self._biases = _checked_biases(biases, matrices)
        self._scale = Fraction(scale)
        self._rounding: float | None = None

    @property
    def weights(self) -> tuple[Array, ...]:
        """One read-only array of shape ``(n_out, n_in)`` a layer."""
        return self._weights

    @property
    def biases(self) -> tuple[Array, ...]:
        """One read-only array of shape ``(n_out,)`` a layer; zeros where none was given."""
        return self._biases

    @property
    def scale(self) -> Fraction:
        """What all outputs are multiplied by, exactly; 1 for nearly all networks."""
        return self._scale

    @property
    def exact_layers(self) -> tuple[tuple[list[list[Fraction]], list[Fraction]], ...]:
        """Weights and biases of each layer as fractions, the output scale multiplied into the last one.

        Example:
            >>> Network([[[2]]], [[1]], scale="1/3").exact_layers
            (([[Fraction(2, 3)]], [Fraction(1, 3)]),)
        """
        layers = []
        for i, (w, b) in enumerate(zip(self._weights, self._biases, strict=True)):
            by = self._scale if i == len(self._weights) - 1 else 1
            layers.append(
                (
                    [[by * Fraction(v) for v in row] for row in w.tolist()],
                    [by * Fraction(v) for v in b.tolist()],
                )
            )
        return tuple(layers)

    @property
    def float_layers(self) -> tuple[tuple[Array, Array], ...]:
        """Weights and biases of each layer as doubles; in the last one times the output scale, which rounds."""
        *before, (w, b) = zip(self._weights, self._biases, strict=True)
        return (*before, (_times(w, self._scale), _times(b, self._scale)))

    @property
    def has_biases(self) -> bool:
        """Whether any bias differs from zero."""
        return any(bool(b.any()) for b in self._biases)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Widths from input to output, ``(1, 2, 1)`` for the identity."""
        return (self._weights[0].shape[1], *(w.shape[0] for w in self._weights))

    @property
    def n_inputs(self) -> int:
        """How many numbers the network takes."""
        return self.layer_sizes[0]

    @property
    def n_outputs(self) -> int:
        """How many numbers the network gives."""
        return self.layer_sizes[-1]

    def __call__(self, x: ArrayLike) -> Array:
        """The output for ``x``.

        Args:
            x: shape ``(..., n_in)``; a plain number is fine when ``n_in`` is 1.

        Returns:
            Shape ``(..., n_out)``; inf or -inf where the value itself is beyond what float64 holds.

        Raises:
            TypeError: ``x`` is not numeric.
            ValueError: ``x`` is not finite or its last axis is not ``n_in`` wide.

        Example:
            >>> net = Network([[[1, 1], [-1, -1]], [[1, -1]]])
            >>> net([[2, 3], [-2, -3]])
            array([[ 5.],
                   [-5.]])
        """
        return self._forward(x)[-1]

    def preactivations(self, x: ArrayLike) -> list[Array]:
        """What each hidden unit receives, before ReLU: one array ``(..., width)`` a hidden layer.

        Args:
            x: shape ``(..., n_in)``; a plain number is fine when ``n_in`` is 1.

        Raises:
            TypeError: ``x`` is not numeric.
            ValueError: ``x`` is not finite or its last axis is not ``n_in`` wide.

        Example:
            >>> Network([[[1], [-1]], [[1, -1]]]).preactivations(3)
            [array([ 3., -3.])]
        """
        return self._forward(x)[:-1]

    def activations(self, x: ArrayLike) -> list[Array]:
        """What each hidden unit passes on, after ReLU: one array ``(..., width)`` a hidden layer.

        Args:
            x: shape ``(..., n_in)``; a plain number is fine when ``n_in`` is 1.

        Raises:
            TypeError: ``x`` is not numeric.
            ValueError: ``x`` is not finite or its last axis is not ``n_in`` wide.

        Example:
            >>> Network([[[1], [-1]], [[1, -1]]]).activations(3)
            [array([3., 0.])]
        """
        return [np.maximum(z, 0.0) for z in self.preactivations(x)]

    def _forward(self, x: ArrayLike) -> list[Array]:
        h = inputs = self._checked_input(x)
        preactivations: list[Array] = []
        beyond = np.zeros(inputs.shape[:-1], dtype=bool)
        with np.errstate(over="ignore", invalid="ignore"):
            for i, (w, b) in enumerate(zip(self._weights, self._biases, strict=True)):
                if i:
                    h = np.maximum(preactivations[-1], 0.0)
                # Adding 0.0 turns IEEE's -0.0 into 0.0: a reader should never meet "-0".
                preactivations.append(h @ w.T + b + 0.0)
                beyond |= ~np.isfinite(preactivations[-1]).all(axis=-1)
        if self._scale != 1:
            preactivations[-1] = _times(preactivations[-1], self._scale)
            beyond |= ~np.isfinite(preactivations[-1]).all(axis=-1)
        if beyond.any():
            slow = _forward_scaled(self._weights, self._biases, inputs[beyond], float(self._scale))
            for z, right in zip(preactivations, slow, strict=True):
                z[beyond] = right
        return preactivations

    def _checked_input(self, x: ArrayLike) -> Array:
        n = self.n_inputs
        values = array(x, "x")
        if values.ndim == 0 and n == 1:
            values = values.reshape(1)
        if values.ndim == 0 or values.shape[-1] != n:
            hint = " (for many inputs of a one-input network use x[:, None])" if n == 1 else ""
            raise wrong(
                "x",
                f"shape (..., {n}), one number for each input of the network",
                f"shape {values.shape}{hint}",
            )
        if not np.isfinite(values).all():
            raise wrong("x", "finite numbers", "inf or nan")
        return values

    def __eq__(self, other: object) -> bool:
        """Same layers, same weights, same biases, same scale, number for number."""
        if not isinstance(other, Network):
            return NotImplemented
        if self.layer_sizes != other.layer_sizes or self._scale != other._scale:
            return False
        return all(
            np.array_equal(a, b)
            for a, b in zip(
                (*self._weights, *self._biases), (*other._weights, *other._biases), strict=True
            )
        )

    def __hash__(self) -> int:
        # + 0.0: -0.0 equals 0.0, so both must hash alike.
        numbers_ = ((a + 0.0).tobytes() for a in (*self._weights, *self._biases))
        return hash((self.layer_sizes, self._scale, *numbers_))

    def __repr__(self) -> str:
        sizes = dashes(self.layer_sizes)
        scaled = "" if self._scale == 1 else f", times {self._scale}"
        return f"Network({sizes}, {'with biases' if self.has_biases else 'no biases'}{scaled})"

    # Pickling goes through the constructor, so that a process pool gets read-only arrays too.
    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (self._weights, self._biases, self._scale)

    @classmethod
    def _imported(
        cls, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike | None], rounding: float
    ) -> Network:
        net = cls(weights, biases)
        net._rounding = rounding
        return net

    @property
    def rounding(self) -> float | None:
        r"""How far rounding took an imported network from its source, at most; None for one that was not imported.

        Linear steps that follow one another become one layer, whose weights are sums of products and round to doubles. For
        every input x, ``|net(x) - source(x)| <= rounding * max(1, max|x_i|)``, both in exact numbers, the source with
        the numbers that it holds: the prover's measure, so that what is proved of the network within a tolerance
        holds of the source within the tolerance and this. 0 where nothing was rounded. Constants that the other tool
        computes itself, and the rounding in its own evaluation, are not counted; nor is underflow. Copies that are saved,
        pickled or made of ``to_dict`` do not keep it.

        Example:
            >>> Network([[[1]]]).rounding is None
            True

        Source: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), ch. 3.
        """
        return self._rounding

    @classmethod
    def from_torch(cls, module: torch.nn.Module) -> Network:
        """The network that a PyTorch module computes, compared with the module before it is returned.

        Its forward pass is traced for one input of ``n`` numbers, however its layers are nested or named,
        and each step is read by its rule: ``nn.Linear``, products with a parameter and sums, batch
        normalization in eval mode, residual connections; ReLU, LeakyReLU, PReLU, ReLU6, Hardtanh,
        Hardsigmoid, clamp, abs, maximum and minimum; small convolutions and pooling (in one or two
        dimensions, after an ``nn.Unflatten`` or a view that makes an image of the numbers); and what reshapes,
        cuts and joins. Dropout does nothing in eval mode.

        A chain of ``nn.Linear`` and ReLU is taken over bit for bit. Linear steps that follow one another
        become one layer, whose weights are sums of products of doubles, and round (``rounding`` bounds it). What skips layers is
        carried through them by further units, exactly: a ReLU's activation by one a layer, an input by
        a pair. A ReLU that comes first or last is kept by an identity matrix before or after it.

        The module is called as it is, at random and extreme inputs, and must give what the network gives.

        A clip becomes a difference of two units, relu(z) - relu(z - 6), of which doubles hold nothing where z
        is 1e17: where cancellation takes an output from the source's by more than a thousandth of the
        largest at inputs up to that size (and by more than ``1e-9 * max(1, abs(x))``) at an input tried, it is refused.

        Args:
            module: a ``torch.nn.Module`` on any device, in any precision. Where its layers take any number of
                inputs, ``nn.Sequential(nn.Unflatten(-1, (n,)), module)`` says how many.

        Raises:
            ImportError: without the extra ``torch``.
            TypeError: not a module, or a step that is not piecewise linear or not known, by its name.
            ValueError: weights that are not finite or not there yet (of a lazy layer, or on the device
                ``"meta"``), several inputs, or layers that do not tell how many numbers go in, shapes that do not fit, tensors changed in place and read
                again; or the module does something else than its steps say: it has hooks, a layer
                with a forward pass of its own, Dropout or a normalization in training mode;
                or so much cancels that float64 loses its outputs.

        Example:
            >>> import torch
            >>> module = torch.nn.Sequential(
            ...     torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
            >>> Network.from_torch(module)
            Network(2-3-1, with biases)
        """
        need("torch")
        from circuitkit.importing.torch import layers

        return cls._imported(*layers(module))

    def to_torch(self) -> torch.nn.Sequential:
        """An ``nn.Sequential`` of ``Linear`` and ``ReLU`` in float64, with the very same weights.

        The layers carry biases when any bias of the network differs from zero. An output scale other than 1
        is multiplied into the last layer, whose weights round: 1/3 is no double.

        Example:
            >>> Network([[[1], [-1]], [[1, 1]]]).to_torch()
            Sequential(
              (0): Linear(in_features=1, out_features=2, bias=False)
              (1): ReLU()
              (2): Linear(in_features=2, out_features=1, bias=False)
            )
        """
        need("torch")
        from circuitkit.importing.torch import sequential

        weights, biases = zip(*self.float_layers, strict=True)
        return sequential(weights, biases if self.has_biases else None)

    @classmethod
    def from_onnx(cls, model: str | Path | onnx.ModelProto) -> Network:
        """The network that an ONNX model computes, compared with onnxruntime before it is returned.

        Every element of every tensor is followed as an affine row over the inputs and the ReLUs met so far.
        Read so are linear layers and convolutions, average pooling and batch normalization, what
        reshapes, cuts and joins, sums and residual connections, and Relu, LeakyRelu, PRelu, Clip, Abs, Max,
        Min, MaxPool and HardSigmoid: all that is piecewise linear.

        A chain of linear layers and ReLUs is taken over bit for bit. Affine steps that follow one another
        become one, whose weights are sums of products of doubles, and round. What skips layers is carried
        through them by further units, exactly: a ReLU's activation by one a layer, since it is never
        negative, an input by a pair, x = relu(x) - relu(-x).

        A clip becomes a difference of two units, relu(z) - relu(z - 6), of which doubles hold nothing where z
        is 1e17: where cancellation takes an output from the source's by more than a thousandth of the
        largest at inputs up to that size (and by more than ``1e-9 * max(1, abs(x))``) at an input tried, it is refused.

        A batch of open size is taken as one input; several inputs or outputs stand one after another.
        Nothing of the file is run but by onnxruntime, and no other file is opened for it.

        Args:
            model: a path, or an ``onnx.ModelProto``.

        Raises:
            ImportError: without the extra ``onnx``.
            TypeError: neither of these, or an operator that is not piecewise linear, with its node.
            FileNotFoundError: no such file.
            ValueError: not an ONNX file, a model that does not fit together or is too large, or one
                of which onnxruntime computes something else, or doubles lose the outputs.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Network([[[1], [-1]], [[1, 1]]]).to_onnx(f"{folder}/abs.onnx")
            ...     Network.from_onnx(f"{folder}/abs.onnx")
            Network(1-2-1, no biases)
        """
        need("onnx")
        need("onnxruntime")
        from circuitkit.importing.onnx import layers

        return cls._imported(*layers(model))

    @accepts(path=checks.path())
    def to_onnx(self, path: str | Path) -> None:
        """Write the network to an ONNX file, after onnxruntime has computed the same of it.

        One ``Gemm`` and ``Relu`` a layer, from the input ``x`` of shape ``(batch, n_in)`` to the output
        ``y``, in float64 with the very same weights; an output scale other than 1 is multiplied into the last
        layer, whose weights round. The file appears complete or not at all.

        Args:
            path: the file to write, in a folder that is there.

        Raises:
            ImportError: without the extra ``onnx``.
            TypeError: ``path`` is not a path.
            OSError: it cannot be written there.
            ValueError: a folder, a FIFO or a device is there, or onnxruntime computes something else.

        Example:
            >>> import tempfile
            >>> net = Network([[[0.1], [-1]], [[1, 1]]], [[0, 0.3], [2]])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     net.to_onnx(f"{folder}/net.onnx")
            ...     Network.from_onnx(f"{folder}/net.onnx") == net
            True
        """
        need("onnx")
        need("onnxruntime")
        from circuitkit.importing.onnx_write import written

        weights, biases = zip(*self.float_layers, strict=True)
        _replace(Path(path), written(weights, biases, "circuit"))

    @classmethod
    def from_sklearn(cls, estimator: Any) -> Network:
        """The network of a fitted scikit-learn estimator, compared with its own predictions.

        Read are ``MLPRegressor`` and ``MLPClassifier`` with the activation ``"relu"`` (or ``"identity"``),
        alone or last in a ``Pipeline`` after ``StandardScaler``, ``MinMaxScaler``, ``RobustScaler`` or
        ``MaxAbsScaler``, which are folded in, so that the network takes what the pipeline takes; and a
        ``TransformedTargetRegressor`` of any of these, alone or last in one, with such scalers. A classifier becomes its **logits**: one
        a class, or for two classes that of the second alone, whose sign decides.

        Weights that are not scaled are taken over bit for bit; what is folded in rounds.

        Args:
            estimator: the fitted object. A file of it is a pickle, which runs code when it is loaded.

        Raises:
            ImportError: without the extra ``sklearn``.
            TypeError: another estimator, a step or an activation that is not piecewise linear, by its name.
            ValueError: not fitted, weights that are not finite, or predictions that differ.

        Example:
            >>> import numpy as np
            >>> from sklearn.neural_network import MLPRegressor
            >>> x = np.linspace(-1, 1, 50)[:, None]
            >>> fitted = MLPRegressor(hidden_layer_sizes=4, solver="lbfgs", random_state=0)
            >>> fitted = fitted.fit(x, abs(x[:, 0]))
            >>> net = Network.from_sklearn(fitted)
            >>> net, bool(np.allclose(net(x)[:, 0], fitted.predict(x)))
            (Network(1-4-1, with biases), True)
        """
        need("sklearn")
        from circuitkit.importing.sklearn import layers

        return cls._imported(*layers(estimator))

    @classmethod
    def from_keras(cls, model: str | Path | Any) -> Network:
        """The network of a Keras model or of one of its files, compared with what it computes.

        A file is read without Keras: ``.keras`` (Keras 3) or HDF5, ``.h5``, in the layouts of Keras 1 to 3.
        Nothing in it is run and no link out of it is followed. An object is any that Keras 3 calls
        ``Sequential`` or ``Functional``, with one input and one output, each layer called once.

        Read are Dense, BatchNormalization and Rescaling; ReLU (with its slope or its largest value),
        LeakyReLU and PReLU, and the activations ``"relu"``, ``"relu6"`` and ``"leaky_relu"``; Add,
        Subtract, Average, Maximum, Minimum, Concatenate and Flatten. Dropout and noise do nothing. **Not
        read**: convolutions, pooling, a model inside a model, layers of one's own.

        An object is compared with its own ``predict``, a file with a direct evaluation of its numbers: Keras
        is not asked about a file. Chains of Dense and ReLU are taken over bit for bit; what is normalized
        rounds, and what skips layers is carried as in :meth:`from_onnx`.

        Args:
            model: a path, or a built model of Keras.

        Raises:
            ImportError: without the extra ``keras``, which is h5py.
            TypeError: neither of these, or a layer that is not read, by its name.
            FileNotFoundError: no such file.
            ValueError: not a file that Keras writes, a model that does not fit together, or one that
                computes something else.

        Example:
            A file as ``model.save("abs.h5")`` writes it:

            >>> import h5py, json, tempfile
            >>> chain = {"class_name": "Sequential", "config": [
            ...     {"class_name": "Dense", "config": {"name": "hidden", "activation": "relu"}},
            ...     {"class_name": "Dense", "config": {"name": "readout"}}]}
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     with h5py.File(f"{folder}/abs.h5", "w") as file:
            ...         file.attrs["model_config"] = json.dumps(chain)
            ...         for name, kernel in ("hidden", [[1, -1]]), ("readout", [[1], [1]]):
            ...             layer = file.create_group(f"model_weights/{name}")
            ...             layer["kernel"] = kernel
            ...             layer.attrs["weight_names"] = ["kernel"]
            ...     Network.from_keras(f"{folder}/abs.h5")(-5)
            array([5.])
        """
        need("h5py")
        from circuitkit.importing.keras import layers

        return cls._imported(*layers(model))

    @classmethod
    @accepts(path=checks.path(), normalise=checks.flag())
    def from_nnet(cls, path: str | Path, *, normalise: bool = False) -> Network:
        """The network of an ``.nnet`` file, each number the double nearest to what is written.

        A file may give means and ranges of its inputs and outputs. They are **left out** unless ``normalise``
        says otherwise: the files of the ACAS Xu networks have them, while their ONNX twins and the properties
        that are asked of them speak of normalized inputs, x' = (x - mean) / range. The file's minima and
        maxima, to which the format's own tool clips its inputs, are a domain for
        :func:`~circuitkit.prove` (``circuitkit.importing.nnet.read(path).box``) and never part of the
        network.

        Args:
            path: the file, in any of the three dialects that are about (with all counts; the number of
                layers alone and a 0 for each line left out; zeros and ones for no normalization).
            normalise: whether the file's normalization is folded in: the network then takes raw inputs and
                gives raw outputs, y = y' range + mean, and its first and last weights round.

        Raises:
            TypeError: ``path`` is not a path.
            FileNotFoundError: no such file.
            ValueError: not such a file, with the line; ``normalise`` for a file without means and ranges.

        Example:
            >>> import tempfile
            >>> lines = "2", "1,2,1", "0", "-1", "1", "0.5,1", "2,3", "1", "-1", "0", "0", "1,1", "0"
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = f"{folder}/abs.nnet"
            ...     _ = open(path, "w").write("\\n".join(lines))
            ...     Network.from_nnet(path)(-5), Network.from_nnet(path, normalise=True)(-5)
            (array([5.]), array([9.25]))

        Source: the format of sisl/NNet.
        """
        from circuitkit.importing.nnet import layers

        return cls._imported(*layers(str(path), normalise))

    def to_dict(self) -> dict[str, Any]:
        """Nested lists of numbers, safe for JSON: ``{"weights": ..., "biases": ...}``.

        ``"biases"`` is ``None`` for a network without biases; ``"scale"`` is there, as text, only where the
        output scale is not 1.

        Example:
            >>> Network([[[1], [-1]], [[1, 1]]]).to_dict()
            {'weights': [[[1.0], [-1.0]], [[1.0, 1.0]]], 'biases': None}
        """
        data: dict[str, Any] = {
            "weights": [w.tolist() for w in self._weights],
            "biases": [b.tolist() for b in self._biases] if self.has_biases else None,
        }
        if self._scale != 1:
            data["scale"] = str(self._scale)
        return data

    @classmethod
    @accepts(data=instance(Mapping, "a mapping with 'weights'"))
    def from_dict(cls, data: Mapping[str, Any]) -> Network:
        """The inverse of :meth:`to_dict`.

        Args:
            data: ``{"weights": ..., "biases": ..., "scale": ...}``, nested lists shaped as for making a
                network; without ``"biases"`` a network without any, without ``"scale"`` one of scale 1.

        Raises:
            TypeError: ``data`` is not a mapping.
            ValueError: no ``"weights"``, keys beside these three, or weights or a scale that a network
                refuses.

        Example:
            >>> Network.from_dict({"weights": [[[2.0]]]})(3)
            array([6.])
        """
        unknown = sorted(set(map(str, data)) - {"weights", "biases", "scale"})
        if "weights" not in data or unknown:
            raise wrong("data", "the keys 'weights' and 'biases'", sorted(map(str, data)))
        return cls(data["weights"], data.get("biases"), scale=data.get("scale", 1))

    @accepts(path=checks.path())
    def save(self, path: str | Path) -> None:
        """Write the network to a safetensors file: ``layers.0.weight``, ``layers.0.bias``, ...

        The format holds numbers alone and runs no code when read. The file appears complete: one
        that was there before stays as it was until then. An output scale other than 1 stands in the file's
        metadata, as ``"scale": "1/3"``.

        Args:
            path: the file to write, in a folder that is there.

        Raises:
            TypeError: ``path`` is not a path.
            ValueError: a folder, a FIFO or a device is there.
            OSError: it cannot be written there.
        """
        from safetensors.numpy import save

        tensors: dict[str, Array] = {}
        for i, (w, b) in enumerate(zip(self._weights, self._biases, strict=True)):
            tensors[f"layers.{i}.weight"] = np.ascontiguousarray(w)
            if self.has_biases:
                tensors[f"layers.{i}.bias"] = np.ascontiguousarray(b)
        metadata = {"format": "circuitkit.Network"}
        if self._scale != 1:
            metadata["scale"] = str(self._scale)
        _replace(Path(path), save(tensors, metadata=metadata))

    @classmethod
    @accepts(path=checks.path())
    def load(cls, path: str | Path) -> Network:
        """Read a network that :meth:`save` has written; the same as :meth:`from_safetensors`.

        Args:
            path: the file to read.

        Returns:
            The network, its numbers exactly those of the file.

        Raises:
            TypeError: ``path`` is not a path.
            FileNotFoundError: no such file.
            ValueError: not a safetensors file, tensors that are not a chain of layers, or a whole number
                that is no double, such as 2**53 + 1.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Network([[[1], [-1]], [[1, 1]]]).save(f"{folder}/abs.safetensors")
            ...     Network.load(f"{folder}/abs.safetensors")
            Network(1-2-1, no biases)
        """
        return cls.from_safetensors(path)

    @classmethod
    @accepts(path=checks.path())
    def from_safetensors(cls, path: str | Path) -> Network:
        """The network of the weights in a safetensors file, each number exactly the file's.

        Such a file holds numbers and names and no graph, so the names say what is meant:

        ============================  ==========================================================
        ``<layer>.weight``            a layer ``(n_out, n_in)``, as PyTorch keeps it
        ``<layer>.kernel``            a layer ``(n_in, n_out)``, as Keras and Flax keep it
        ``<layer>.bias``              its biases
        matrices with other names     if all are: layers ``(n_in, n_out)``, the deck's layout, x @ W
        ============================  ==========================================================

        The layers follow one another in the natural order of their names (``layers.10`` after
        ``layers.9``), or, where the widths do not chain in that order, in the one order in which they do.
        **Between two layers a ReLU is understood**: the file cannot say otherwise. For a module with
        anything else (a normalization, a skip) read the module: :meth:`from_torch`.

        Args:
            path: the file to read, with floats of any precision or whole numbers that are doubles.

        Raises:
            TypeError: ``path`` is not a path.
            FileNotFoundError: no such file.
            ValueError: not a safetensors file, tensors that are not a chain of layers, or a whole number
                that is no double, such as 2**53 + 1.

        Example:
            >>> import tempfile, numpy as np
            >>> from safetensors.numpy import save_file
            >>> deck = {"hidden_layer_0": np.array([[1.0, -1.0]]), "output_layer": np.ones((2, 1))}
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     save_file(deck, f"{folder}/abs.safetensors")
            ...     Network.from_safetensors(f"{folder}/abs.safetensors")(-5)
            array([5.])
        """
        from circuitkit.importing.safetensors import layers

        weights, biases, scale = layers(str(path))
        return cls(weights, biases, scale=scale)


def _replace(path: Path, data: bytes) -> None:
    """Write a file that appears complete or not at all."""
    path = Path(os.path.realpath(path))  # a link stays one
    if path.exists() and not path.is_file():
        raise wrong(
            "path", "a regular file, or a name that is free", f"{_sort(path)} {str(path)!r}"
        )
    unfinished = path.with_name(f".{path.name}-{uuid.uuid4().hex}.unfinished")
    try:
        with open(unfinished, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise type(error)(error.errno, f"path: {error.strerror}", str(path)) from None
    finally:
        unfinished.unlink(missing_ok=True)


def _sort(path: Path) -> str:
    """What is at a path where there is no regular file."""
    kinds = {
        "the folder": path.is_dir(),
        "the FIFO": path.is_fifo(),
        "the socket": path.is_socket(),
        "the device": path.is_char_device() or path.is_block_device(),
    }
    return next((kind for kind, it_is in kinds.items() if it_is), "what is at")


def _forward_scaled(
    weights: Sequence[Array], biases: Sequence[Array], x: Array, scale: float
) -> list[Array]:
    """Every layer's preactivations where a sum on the way is beyond float64, though what it leads to need not be.

    A number is a fraction and an exponent of two, the exponent as wide as it has to be. What comes out is inf
    or -inf only where that number itself is beyond float64.
    """
    fraction, exponent = _split(x)
    preactivations = []
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        # The bias is a weight of an input that is 1.
        by, shift = _split(np.column_stack([w, b]))
        if i == len(weights) - 1:
            factor, more = _split(np.array(scale))
            by, shift = by * factor, shift + more
        one = np.broadcast_to(0.5, (*fraction.shape[:-1], 1))
        terms = by * np.concatenate([fraction, one], axis=-1)[..., None, :]
        at = shift + np.concatenate([exponent, np.ones(one.shape, int)], axis=-1)[..., None, :]
        most = np.where(terms == 0, np.iinfo(at.dtype).min // 2, at).max(axis=-1)
        # A term so much smaller than another that it vanishes here would have vanished in the sum.
        below = np.clip(at - most[..., None], -2000, 0)
        fraction, rest = _split(np.ldexp(terms, below).sum(axis=-1))
        exponent = np.where(fraction == 0, 0, most + rest)
        with np.errstate(over="ignore"):
            preactivations.append(np.ldexp(fraction, np.clip(exponent, -5000, 5000)) + 0.0)
        fraction = np.maximum(fraction, 0.0)
    return preactivations


def _split(x: Array) -> tuple[Array, NDArray[np.int64]]:
    """Fractions from 1/2 to 1, or 0, and exponents of two."""
    fraction, exponent = np.frexp(x)
    return fraction, exponent.astype(np.int64)


def need_plain(name: str, net: Network) -> None:
    """Refuse a network with an output scale, for what does not go on with one.

    Raises:
        ValueError: it has one.
    """
    if net.scale != 1:
        raise wrong(
            name,
            "a network of output scale 1",
            f"one times {net.scale}; Network(net.weights, net.biases) is the same without it",
        )


def _remade(weights: tuple[Array, ...], biases: tuple[Array, ...], scale: Fraction) -> Network:
    return Network(weights, biases, scale=scale)


def _times(values: Array, scale: Fraction) -> Array:
    """Values times a fraction, rounded as little as may be."""
    p, q = scale.numerator, scale.denominator
    with np.errstate(over="ignore", invalid="ignore"):
        if max(p, q) > 2**53:
            return values * float(scale) + 0.0
        return values * p / q + 0.0


def _checked_biases(biases: Iterable[Any] | None, matrices: tuple[Array, ...]) -> tuple[Array, ...]:
    if biases is None:
        given: list[Any] = [None] * len(matrices)
    else:
        given = list(biases)
    if len(given) != len(matrices):
        raise wrong("biases", f"{len(matrices)} entries, one a layer", len(given))
    checked = []
    for i, (bias, w) in enumerate(zip(given, matrices, strict=True)):
        vector = np.zeros(w.shape[0]) if bias is None else _numbers(bias, f"biases[{i}]", ndim=1)
        if vector.shape != (w.shape[0],):
            raise wrong(f"biases[{i}]", f"shape ({w.shape[0]},), one bias a unit", vector.shape)
        checked.append(_fixed(vector))
    return tuple(checked)


def _numbers(value: ArrayLike, name: str, *, ndim: int) -> Array:
    """A read-only, finite float64 copy of ``value`` with ``ndim`` axes, none of them empty."""
    checked = finite(value, name)
    if checked.ndim != ndim:
        shape = "(n_out, n_in)" if ndim == 2 else "(n_out,)"
        raise wrong(name, f"shape {shape}", f"shape {checked.shape}")
    if checked.size == 0:
        raise wrong(name, "at least one number", f"shape {checked.shape}")
    return _fixed(checked)


def _fixed(values: Array) -> Array:
    """A copy that cannot be made writeable again: its numbers belong to bytes, which nobody may change."""
    return np.frombuffer(values.tobytes()).reshape(values.shape)
