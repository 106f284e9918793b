r"""A network that the reader can turn: weights, inputs, graph and verdict, in Jupyter and on a page.

One ES module does the drawing and the mathematics in both places. In Jupyter it is an `anywidget
<https://anywidget.dev>`_ whose traits follow the reader's hand; in the published book the same
module starts from data in the page, without a kernel (``_ext/circuit_widgets.py`` ships it). Where
no script runs, and until one does, a drawn figure of the network stands there.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from circuitkit import words
from circuitkit.checks import (
    accepts,
    array,
    double,
    finite_vector,
    flag,
    instance,
    is_unordered,
    listed,
    made_by,
    made_with,
    one_of,
    optional,
    several,
    shown,
    string,
    vector,
    whole,
    wrong,
    wrong_type,
)
from circuitkit.functions.page_json import target_to_json
from circuitkit.functions.target import FUNCTION, Target, TargetLike
from circuitkit.functions.target import target as as_target
from circuitkit.network import Network
from circuitkit.rules import RULES
from circuitkit.widget import page, parts, still

__all__ = ["Challenge", "CircuitWidget"]

#: what a page loads for the panel "compare" alone
ADDED = page.Added("miniature", "compare")
_PANELS = ("network", "graph", "verdict", "training", "compare", "regions", "share")
_RELATIONS = ("equal", "opposite", "inverse", "negative inverse")
#: what the verdict allows, as the 1/3 that a reader types is no exact third
_TOLERANCE: float = RULES["verdict"]
#: beyond this a page cannot tell neighboring whole numbers apart
_SEEDS = 2**53
_SEED = whole(least=0, most=_SEEDS - 1, top="2^53 - 1")
_RATE = double(above=0)
#: the inputs for which the page has the points of the training loss
_TRAINED = 12


def _as_network(name: str, network: Any) -> Network:
    if isinstance(network, str):
        from circuitkit.circuits import circuit

        return circuit(network)
    if not isinstance(network, Network):
        expected = "a circuitkit.Network or the name of a circuit"
        raise wrong_type(name, expected, type(network).__name__)
    return network


def _panels(name: str, panels: Any) -> Any:
    """One name or several."""
    expected = f"names out of {', '.join(_PANELS)}"
    given = [panels] if isinstance(panels, str) else panels
    return several(one_of(*_PANELS, expected=expected), expected, fewest=1).take(name, given)


def _texts(name: str, texts: Any) -> Any:
    """One text or several."""
    given = [texts] if isinstance(texts, str) else texts
    return several(string(empty=True), "a list of texts").take(name, given)


@made_with(
    key=string(),
    prompt=string(),
    hints=several(string(), "a list of texts"),
    domain=listed("a pair (low, high), or one for each input"),
    fails_outside=flag(),
    max_units=whole(least=1),
    solved=string(empty=True),
)
@dataclass(frozen=True)
class Challenge:
    r"""A puzzle that a widget grades by its exact verdict.

    Args:
        key: names the reader's progress in the browser; unique in the book, e.g. ``"abs-two-units"``.
        prompt: what to build, in plain text.
        hints: shown one by one when asked for.
        domain: where the network must be within 1e-9 of the target, in the proof's measure: ``(low,
            high)`` for every input, or one such pair an input; None for all real inputs.
        fails_outside: the network must moreover differ from the target somewhere outside ``domain``.
        max_units: how many hidden units the network may use, or None.
        solved: what a reader is told who has solved it: why it works, and where that leads.

    Raises:
        TypeError: ``key``, ``prompt`` or a hint that is not text.
        ValueError: an empty key or prompt, ``fails_outside`` without a domain, a bad number.

    Example:
        >>> Challenge("abs", "Build |x|.", hints=("Two detectors will do.",)).key
        'abs'
    """

    key: str
    prompt: str
    hints: tuple[str, ...] = ()
    domain: Any = None
    fails_outside: bool = False
    max_units: int | None = None
    solved: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hints", tuple(self.hints))
        if self.fails_outside and self.domain is None:
            raise wrong("fails_outside", "a domain to be outside of", "domain=None")


class _Verdict(traitlets.Dict):
    """A verdict that Python works out when it is asked for one and no page has sent it."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        value = super().get(obj, cls)
        if value is None and not obj._sending_state:
            value = obj._prove()
            obj._trait_values["verdict"] = value
        return value


class _WrongValue(traitlets.TraitError, ValueError):
    """A trait's value that does not fit."""


class _WrongType(traitlets.TraitError, TypeError):
    """A trait's value of another kind."""


def _as_trait_error(error: TypeError | ValueError) -> traitlets.TraitError:
    """The same error as traitlets knows it, which then keeps the trait's old value."""
    return (_WrongType if isinstance(error, TypeError) else _WrongValue)(str(error))


class _Named:
    """A trait that refuses what is of another kind with a TypeError that names it."""

    name: str | None
    expected = "another value"

    def _validate(self, obj: Any, value: Any) -> Any:
        try:
            if isinstance(value, bool):  # an int to Python
                self.error(obj, value)  # type: ignore[attr-defined]
            return super()._validate(obj, value)  # type: ignore[misc]
        except (_WrongType, _WrongValue):
            raise
        except traitlets.TraitError:
            raise _WrongType(f"{self.name}: expected {self.expected}, got {shown(value)}") from None


class _List(_Named, traitlets.List[Any]):
    expected = "a list"


class _Numbers(_List):
    """Weights or biases: to set what stands there already is to set it, too.

    A page may have other numbers by then, on their way to Python; traitlets would say nothing.
    """

    def set(self, obj: Any, value: Any) -> None:
        before = obj._trait_values.get(self.name)
        super().set(obj, value)
        if before == obj._trait_values.get(self.name):
            obj._insist()


class _Int(_Named, traitlets.Int[Any, Any]):
    expected = "a whole number or None"


class _Float(_Named, traitlets.Float[Any, Any]):
    expected = "a number above 0"


class CircuitWidget(page.PageWidget):
    r"""A network to touch: drag its inputs, turn its weights, see its function and whether it is right.

    The verdict is decided from the network's linear regions, for all real inputs and not for a
    sample. It holds within 1e-9 in the proof's measure
    :math:`|net(x) - f(x)| / \max(1, \max_i |x_i|)`, and says so where the error is not exactly 0.

    Args:
        network: a :class:`~circuitkit.Network`, or a catalogue name for ``ck.circuit(name)``.
        target: what the network should compute, anything that ``ck.target`` takes, or None.
        x: the input to start with, one number an input; by default 3, -5, ... inside the domain.
        domain: the inputs that sliders and graphs span: ``(low, high)``, or one such pair an input.
        panels: what to show, out of ``"network" "graph" "verdict" "training" "compare" "regions"
            "share"``; by default the first three. Sharing is offered on every published page.
        challenge: a :class:`Challenge` to solve.
        ties: triples ``(edge, edge, relation)`` of weights that move together, an edge as
            ``(layer, row, column)``, the relation ``"equal"``, ``"opposite"``, ``"inverse"`` or
            ``"negative inverse"``. They hold whatever the reader does: a weight tied as an inverse
            neither becomes 0 nor changes its sign. Training moves every weight on its own, so there
            are none with its panels.
        names: feature names, one list a hidden layer, shown at the units.
        input_names: names of the inputs instead of ``x`` or ``x1, x2, ...``.
        seed: start from ``ck.train``'s initial weights for this seed, 0 or above, instead of
            ``network``'s weights.
        seeds: the seeds, 0 or above, that the panel ``"compare"`` trains side by side.
        learning_rate: of gradient descent in the page, above 0.
        frozen: edges ``(layer, row, column)``, from 0, that neither the reader nor training moves.
        biases: show the biases; by default where the network has any.
        kept: units and edges that are drawn strong, all others pale, counted as ``plotting.network`` does: units
            ``(layer, unit)`` and edges ``(layer, unit_from, unit_to)`` from 0, layer 0 the inputs. The ``kept`` of an
            Extraction, say.
        blocks: label -> hidden units ``(layer, unit)``, counted so, at most six; each in a color of its own, named
            below the network. The ``blocks`` of :func:`~circuitkit.subcircuits`, say.
        caption: a sentence below the widget.

    Traits that follow the reader and can be set and observed: ``weights`` and ``biases`` (nested
    lists, shaped as the network's), ``x``, ``ablated`` (edges, and hidden units as
    ``(layer, unit)``), ``frozen``, ``seed``, ``learning_rate``. The trait ``verdict`` is the answer
    ``{"holds": bool, "error": float or "inf", "worst": [...], "text": "..."}``: the page works it out,
    and where none is open Python does when it is read (None without a target).

    A notebook exported as HTML is alive too, without a network: ``jupyter nbconvert --to html --execute
    --NotebookClient.store_widget_state=False``. A notebook that is opened again shows a picture of each widget
    until its cell has run.

    Raises:
        TypeError, ValueError: an argument or trait, named, that does not fit; a trait keeps its value, and its
            error is a ``traitlets.TraitError``, too.

    Example:
        >>> w = CircuitWidget("identity", "identity", x=-5)
        >>> w.weights[0][1] = [-2.0]          # changes nothing: lists inside are copies
        >>> w.weights = [[[1.0], [-2.0]], [[1.0, -0.5]]]
        >>> w.network(-5), w.verdict["holds"]
        (array([-5.]), True)
    """

    _esm = ADDED.module_source
    _css = page.style_source() + ADDED.style_source

    weights = _Numbers().tag(sync=True)
    biases = _Numbers().tag(sync=True)
    x = _List().tag(sync=True)
    ablated = _List().tag(sync=True)
    frozen = _List().tag(sync=True)
    seed = _Int(None, allow_none=True).tag(sync=True)
    learning_rate = _Float(0.1).tag(sync=True)
    verdict = _Verdict(None, allow_none=True).tag(sync=True)
    #: how often Python has set weights or biases
    _turn = traitlets.Int(0).tag(sync=True)
    #: what a page had when it sent: the turn it had seen, its weights and its biases
    _sent: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    _config: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    @accepts(
        network=made_by(
            _as_network, says=("name",), right="min", wrong=(3, None, [[1]], "no circuit")
        ),
        target=FUNCTION,
        x=vector(),
        panels=made_by(_panels, right=["graph"], wrong=("piano", [], ["graph", 3], 3)),
        challenge=instance(Challenge),
        ties=listed("triples (edge, edge, relation)"),
        names=listed("a list of texts for each hidden layer"),
        input_names=made_by(_texts, right=["a", "b"], wrong=(3, [1, 2])),
        seed=_SEED,
        seeds=several(_SEED, "a list of seeds"),
        learning_rate=_RATE,
        frozen=listed("a list of edges", ordered=False),
        biases=flag(),
        kept=listed("a list of units and edges, or an Extraction's kept", ordered=False),
        blocks=instance(Mapping, "a dict of label -> hidden units"),
        caption=string(empty=True),
    )
    def __init__(
        self,
        network: Network | str,
        target: TargetLike | None = None,
        *,
        x: ArrayLike | None = None,
        domain: Sequence[Any] = (-6, 6),
        panels: Iterable[str] | None = None,
        challenge: Challenge | None = None,
        ties: Iterable[tuple[Any, Any, str]] | None = None,
        names: Sequence[Sequence[str]] | None = None,
        input_names: Sequence[str] | None = None,
        seed: int | None = None,
        seeds: Iterable[int] | None = None,
        learning_rate: float = 0.1,
        frozen: Iterable[Sequence[int]] | None = None,
        biases: bool | None = None,
        kept: Iterable[Sequence[int]] | None = None,
        blocks: Mapping[str, Iterable[Sequence[int]]] | None = None,
        caption: str = "",
    ) -> None:
        self._sending_state = False
        self._made = False
        self._sizes: tuple[int, ...] | None = None
        net = _as_network("network", network)
        goal = None if target is None else as_target(target)
        if goal is not None and (goal.n_inputs, goal.n_outputs) != (net.n_inputs, net.n_outputs):
            inputs, outputs = (
                words.count(net.n_inputs, "input"),
                words.count(net.n_outputs, "output"),
            )
            given = f"{goal.n_inputs} and {goal.n_outputs}"
            raise wrong("target", f"{inputs} and {outputs} as the network has", given)
        chosen = ["network", "graph", "verdict"] if panels is None else list(panels)
        box = _checked_domain(domain, net.n_inputs, "domain")
        if net.scale != 1 and {"training", "compare"} & set(chosen):
            given = f"{', '.join(chosen)} (of an output scale of {net.scale}, weights are not trained here)"
            raise wrong("panels", "panels without training and compare", given)
        trains = goal is not None and {"training", "compare"} & set(chosen)
        if trains and net.n_inputs > _TRAINED:
            given = f"{', '.join(chosen)} (a page trains networks of at most {_TRAINED} inputs, not {net.n_inputs})"
            raise wrong("panels", "panels without training and compare", given)
        with_biases = net.has_biases if biases is None else bool(biases)
        self._scale = net.scale
        if seed is not None:
            net = _initial_network(net.layer_sizes, seed, bias=with_biases)
        self._target = goal
        config: dict[str, Any] = {
            "target": None if goal is None else target_to_json(goal),
            "domain": box,
            "panels": chosen,
            "ties": _checked_ties(ties, net, chosen),
            "names": _checked_names(names, net),
            "input_names": _checked_input_names(input_names, net.n_inputs),
            "show_biases": with_biases,
            **parts.marked(net.layer_sizes, kept, blocks),
            "challenge": _challenge_dict(
                challenge, goal, net.n_inputs, biases=with_biases or net.has_biases
            ),
            "seeds": list(seeds or ()),
            "tolerance": _TOLERANCE,
            "solved": RULES["solved"],
            "caption": str(caption),
            "label": _label(net, goal),
            "palette": page.palette_variables(),
        }
        values: dict[str, Any] = {
            "weights": [w.tolist() for w in net.weights],
            "biases": [b.tolist() for b in net.biases],
            "x": _checked_x(x, box),
            "ablated": [],
            "frozen": [
                _checked_key(edge, net.layer_sizes, "frozen")
                for edge in (() if frozen is None else frozen)
            ],
            "seed": seed,
            "learning_rate": float(learning_rate),
        }
        if self._scale != 1:
            config["scale"] = str(self._scale)
        config["key"] = page.key_of([config, values])
        self._sizes = net.layer_sizes
        self._ties = config["ties"]
        # A challenge on a range is about that range, unless it is also about what lies outside.
        task = config["challenge"]
        self._judged = task["domain"] if task and not task["fails_outside"] else None
        if "compare" in chosen:
            self._added = ADDED
        super().__init__(_config=config, **values)
        self._made = True

    # ------------------------------------------------------------------ what is on screen

    @property
    def network(self) -> Network:
        """The network as it runs now: ablated weights and units count as zero."""
        weights = [np.array(w) for w in self.weights]
        for key in self.ablated:
            if len(key) == 3:
                weights[key[0]][key[1], key[2]] = 0.0
            else:
                weights[key[0] + 1][:, key[1]] = 0.0
        return Network(weights, self.biases, scale=self._scale)

    @property
    def target(self) -> Target | None:
        """What the network should compute, or None."""
        return self._target

    def _prove(self) -> dict[str, Any] | None:
        """The verdict in Python, for all real inputs."""
        if self._target is None or self._sizes is None:
            return None
        from circuitkit.proof.prove import prove

        try:
            proof = prove(self.network, self._target, tolerance=_TOLERANCE, domain=self._judged)
        except Exception as error:  # undecided, or a function that cannot be decided exactly
            return {"holds": False, "error": "inf", "worst": [], "text": f"Not decided: {error}"}
        worst = [] if proof.counterexample is None else [float(v) for v in proof.counterexample]
        error_ = float(proof.error)
        return {
            "holds": bool(proof.holds),
            "error": error_ if math.isfinite(error_) else "inf",
            "worst": worst,
            "text": proof.verdict,
        }

    @traitlets.observe("weights", "biases", "ablated")
    def _forget_verdict(self, change: Any) -> None:
        # A page that sent these numbers sends its verdict with them.
        if "verdict" not in self._property_lock:
            self._trait_values["verdict"] = None

    @traitlets.observe("weights", "biases")
    def _count_turn(self, change: Any) -> None:
        sent = self._property_lock.get(change.name)
        if self._made and sent != change.new:
            self._turn += 1

    def _insist(self) -> None:
        """Tell every page the weights that stand here, as if they were new."""
        if self._made and not self._property_lock:
            self._turn += 1
            self.send_state(["weights", "biases"])

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what a page sends, except weights that it sent before it had seen Python's.

        A page that trains sends weights all the time; one of them, on its way when Python sets
        others, must not undo that. While Python is busy the protocol gathers what a page sends:
        then older weights come along with a newer turn, so that a turn brings its own weights.

        Args:
            sync_data: trait name -> value, as ipywidgets' protocol sends them.

        Example:
            >>> w = CircuitWidget("identity")
            >>> w.set_state({"x": [-5.0]})
            >>> w.x
            [-5.0]
        """
        sent = sync_data.get("_sent", self._sent)
        both = ("weights", "biases")
        if sent.get("turn", 0) != self._turn:
            stale = (*both, "verdict")
            sync_data = {name: value for name, value in sync_data.items() if name not in stale}
        elif "_sent" in sync_data:
            news = {n: sent[n] for n in both if n in sync_data and sent[n] != getattr(self, n)}
            sync_data = {n: v for n, v in sync_data.items() if n not in both} | news
        super().set_state(sync_data)

    @traitlets.observe("seed")
    def _start_from_seed(self, change: Any) -> None:
        # A page that sent the seed sends the weights with it.
        if self._sizes is None or not self._made or "seed" in self._property_lock:
            return
        if change.new is not None:
            net = _initial_network(self._sizes, change.new, bias=self._config["show_biases"])
            self.weights = [w.tolist() for w in net.weights]
            self.biases = [b.tolist() for b in net.biases]

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """The state for the page; a verdict that nobody has asked for is not worked out for it.

        Args:
            key: the name of a trait, or several; None for all.
            drop_defaults: leave out traits that are as they were made.

        Example:
            >>> CircuitWidget("identity", x=-5).get_state("x")
            {'x': [-5.0]}
        """
        self._sending_state = True
        try:
            return super().get_state(key, drop_defaults)
        finally:
            self._sending_state = False

    # ------------------------------------------------------------------ checks

    @traitlets.validate("weights")
    def _check_weights(self, proposal: Any) -> list[Any]:
        weights = self._checked_layers(proposal["value"], None)[0]
        if self._sizes is not None:
            try:
                _check_tied("weights", weights, self._ties)
            except ValueError as error:
                raise _as_trait_error(error) from error
        return weights

    @traitlets.validate("biases")
    def _check_biases(self, proposal: Any) -> list[Any]:
        if self._sizes is None:
            return list(proposal["value"])
        zeros = [np.zeros((n, m)) for m, n in pairwise(self._sizes)]
        return self._checked_layers(zeros, proposal["value"])[1]

    def _checked_layers(self, weights: Any, biases: Any) -> tuple[list[Any], list[Any]]:
        name = "weights" if biases is None else "biases"
        try:
            net = Network(weights, biases)
        except (TypeError, ValueError) as error:
            raise _as_trait_error(error) from error
        if self._sizes is not None and net.layer_sizes != self._sizes:
            raise _WrongValue(
                f"{name}: expected the shape of a {words.dashes(self._sizes)} network, "
                f"got {words.dashes(net.layer_sizes)}"
            )
        return [w.tolist() for w in net.weights], [b.tolist() for b in net.biases]

    @traitlets.validate("x")
    def _check_x(self, proposal: Any) -> list[float]:
        if self._sizes is None:
            return list(proposal["value"])
        try:
            x = finite_vector(proposal["value"], "x", self._sizes[0], "one for each input")
        except (TypeError, ValueError) as error:
            raise _as_trait_error(error) from error
        return [float(v) for v in x]

    @traitlets.validate("ablated", "frozen")
    def _check_keys(self, proposal: Any) -> list[list[int]]:
        name = proposal["trait"].name
        if self._sizes is None:
            return list(proposal["value"])
        try:
            return [_checked_key(key, self._sizes, name) for key in proposal["value"]]
        except (TypeError, ValueError) as error:
            raise _as_trait_error(error) from error

    @traitlets.validate("learning_rate")
    def _check_rate(self, proposal: Any) -> float:
        try:
            return float(_RATE.take("learning_rate", proposal["value"]))
        except (TypeError, ValueError) as error:
            raise _as_trait_error(error) from error

    @traitlets.validate("seed")
    def _check_seed(self, proposal: Any) -> int | None:
        try:
            seed: int | None = optional(_SEED).take("seed", proposal["value"])
        except (TypeError, ValueError) as error:
            raise _as_trait_error(error) from error
        return seed

    # ------------------------------------------------------------------ the published page

    def _static_html(self) -> str:
        state = {
            name: getattr(self, name)
            for name in ("weights", "biases", "x", "ablated", "frozen", "seed", "learning_rate")
        }
        state["_config"] = {**self._config, "on_page": True}
        picture = still.figure(self.network, self.x, self._config)
        return page.page_html(state, picture, module=self._added.name if self._added else "widget")

    def __repr__(self) -> str:
        goal = "" if self._target is None else f", target {self._target.name}"
        return f"CircuitWidget({words.dashes(self._sizes or ())}{goal})"


def _initial_network(sizes: tuple[int, ...], seed: int, *, bias: bool) -> Network:
    from circuitkit.training.start import initial

    weights, biases = initial("torch", sizes, [seed], bias=bias)
    return Network([w[0] for w in weights], [b[0] for b in biases])


def _checked_names(names: Any, net: Network) -> list[list[str]] | None:
    if names is None:
        return None
    hidden = net.layer_sizes[1:-1]
    layers = [_texts(f"names[{i}]", layer) for i, layer in enumerate(names)]
    if tuple(map(len, layers)) != hidden:
        expected = f"one list of texts a hidden layer, of lengths {list(hidden)}"
        raise wrong("names", expected, shown(names))
    return layers


def _checked_input_names(names: Sequence[str] | None, n: int) -> list[str] | None:
    if names is not None and len(names) != n:
        raise wrong("input_names", words.count(n, "name"), len(names))
    return None if names is None else list(names)


def _label(net: Network, goal: Target | None) -> str:
    text = f"Interactive network {words.dashes(net.layer_sizes)}"
    return text if goal is None else f"{text}, target {goal}"


def _checked_domain(domain: Any, n: int, name: str) -> list[list[float]]:
    pairs = array(domain, name)
    if pairs.shape == (2,):
        pairs = np.tile(pairs, (n, 1))
    if pairs.shape != (n, 2):
        raise wrong(name, f"(low, high) or {words.count(n, 'such pair')}", shown(domain))
    if not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        raise wrong(name, "finite pairs with low < high", shown(domain))
    return [[float(a), float(b)] for a, b in pairs]


def _checked_x(x: ArrayLike | None, box: list[list[float]]) -> list[float]:
    if x is not None:
        return [float(v) for v in finite_vector(x, "x", len(box), "one for each input")]
    start = [3.0, -5.0, 4.0, -2.0]
    return [min(max(start[i % 4], low), high) for i, (low, high) in enumerate(box)]


def _checked_key(key: Any, sizes: tuple[int, ...], name: str) -> list[int]:
    expected = f"edges (layer, row, column) or hidden units (layer, unit) of a {words.dashes(sizes)} network"
    try:
        if is_unordered(key):
            raise TypeError
        parts = [operator.index(k) for k in key]
    except (TypeError, ValueError):
        raise wrong_type(name, expected, shown(key)) from None
    layers = len(sizes) - 1
    good = len(parts) in (2, 3) and 0 <= parts[0] < layers and 0 <= parts[1] < sizes[parts[0] + 1]
    if good and len(parts) == 3:
        good = -1 <= parts[2] < sizes[parts[0]]
    elif good:
        good = parts[0] < layers - 1
    if not good:
        raise wrong(name, expected, shown(key))
    return parts


def _checked_ties(ties: Any, net: Network, panels: Sequence[str]) -> list[list[Any]]:
    checked = []
    for tie in () if ties is None else listed("a list of ties").take("ties", ties):
        fits = isinstance(tie, Sequence) and len(tie) == 3 and isinstance(tie[2], str)
        if not fits or tie[2] not in _RELATIONS:
            relations = words.alternatives(_RELATIONS)
            expected = f"(edge, edge, relation) with the relation {relations}"
            raise wrong("ties", expected, shown(tie))
        edges = [_checked_key(edge, net.layer_sizes, "ties") for edge in tie[:2]]
        if any(len(edge) != 3 or edge[2] < 0 for edge in edges):
            raise wrong("ties", "edges as (layer, row, column)", shown(tie))
        checked.append([*edges, tie[2]])
    if checked and not {"training", "compare"}.isdisjoint(panels):
        raise wrong("ties", "none with a panel that trains, which would break them", shown(ties))
    _check_tied("ties", net.weights, checked)
    return checked


def _check_tied(name: str, weights: Any, ties: Iterable[Sequence[Any]]) -> None:
    """Whether weights are tied as said: what follows is rounded, hence the 1e-9."""
    for a, b, relation in ties:
        value, other = (float(weights[layer][row][column]) for layer, row, column in (a, b))
        inverse = relation.endswith("inverse")
        size = (1 / value if value else math.inf) if inverse else value
        wanted = -size if relation in ("opposite", "negative inverse") else size
        if not abs(other - wanted) <= 1e-9 * abs(wanted) or math.isinf(wanted):
            tied = f"the weights {tuple(a)} and {tuple(b)} tied as {relation!r}"
            raise wrong(name, tied, f"{value!r} and {other!r}")


def _challenge_dict(
    challenge: Challenge | None, goal: Target | None, n_inputs: int, *, biases: bool
) -> dict[str, Any] | None:
    if challenge is None:
        return None
    if goal is None:
        raise wrong("challenge", "a target to grade by", "target=None")
    values = asdict(challenge)
    if challenge.domain is not None:
        values["domain"] = _checked_domain(challenge.domain, n_inputs, "challenge.domain")
    elif not biases and not (goal.is_piecewise_linear and goal.pieces.is_homogeneous):
        given = f"none, where at 2 x a network gives twice what it gives at x, and {goal} does not"
        raise wrong("biases", "biases=True for a challenge that needs them", given)
    values["hints"] = list(challenge.hints)
    return values
