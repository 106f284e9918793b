"""Every argument of every public function: what it does not accept is refused, by its name."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import sympy
from matplotlib.axes import Axes

import circuitkit as ck
from circuitkit import book, checks, circuits, images, plotting, superposition
from circuitkit.checks import Kind, accepted, vector
from circuitkit.functions.target import FUNCTION

TABLE = pd.DataFrame({"label": ["a"], "rate": [0.5], "low": [0.4], "high": [0.6]})

#: one of each kind of thing that an argument may be an instance of
INSTANCES: dict[type, Callable[[], Any]] = {
    ck.Network: lambda: ck.circuit("min"),
    sympy.Symbol: lambda: sympy.Symbol("x"),
    Mapping: lambda: {"weights": [[[1.0]]]},
    Axes: lambda: plt.figure().add_subplot(),
    pd.DataFrame: lambda: TABLE,
    Executor: lambda: ThreadPoolExecutor(1),
    images.Digits: images.digits,
    images.ImageNetwork: lambda: images.train(epochs=0)[0],
    superposition.Superposition: lambda: superposition.polygon(5),
    ck.Challenge: lambda: ck.Challenge("key", "prompt"),
    ck.TrainingRun: lambda: ck.train("min", 3, seeds=4, steps=1),
    superposition.TrainedFeatures: lambda: superposition.train(3, seeds=1, steps=1),
    superposition.Dictionary: lambda: superposition.autoencoder(
        superposition.train(3, seeds=1, steps=1), 2, steps=1
    ),
}


def looked_at(right: Any, *wrong: Any, said: str = "") -> Kind:
    """An argument that the function looks at itself, together with others."""
    kind = Kind(lambda name, value: value, right, wrong)
    SAID[id(kind)] = said
    return kind


#: what an argument is called in messages, where that is not its name
SAID: dict[int, str] = {}

EDGES = looked_at([(0, 0, 0)], [3], [(9, 0, 0)], [("a", "b", "c")])
BOXES = looked_at((-1, 1), (1, 1), (0, math.inf), "ab", [(1, 2, 3)], [[None, 1]])
SPELLED = FUNCTION.wrong
#: no domain of a network of two inputs
DOMAINS = (
    [], (), (0, 1), 3, True, "ab", b"ab", [(0, 1)], [(0, 1)] * 3, [(1, 0), (0, 1)], [(0, 1, 2)] * 2,
    [None, (0, 1)], [("0", "1")] * 2, [(math.nan, 1)] * 2, [(math.inf, math.inf)] * 2, [(True, 1)] * 2,
    ([[1, 0]], [1, 2]), ([[1]], [1]), ([[1, 0]], 1), ([[1, 0]], ["1"]), ([[1, "0"]], [1]),
    ([[1, math.nan]], [1]), ([], []), ([[0, 0]], [-1]), [([0, 1], [2, 3])] * 2,
)  # fmt: skip

#: where arguments are looked at in the function: callable -> argument -> what it accepts
PLACES: dict[str, dict[str, Kind]] = {
    "Network.__call__": {"x": vector()},
    "Network.activations": {"x": vector()},
    "Network.preactivations": {"x": vector()},
    "Network.from_keras": {"model": looked_at("net.h5", 3, None, [1])},
    "Network.from_onnx": {"model": looked_at("net.onnx", 3, None, [1])},
    "Network.from_sklearn": {"estimator": looked_at(None, 3, None, "mlp", [1])},
    "Network.from_torch": {"module": looked_at(None, 3, "module", None)},
    "Target": {"expression": looked_at(sympy.Symbol("x"), "x", 3, [], sympy.oo, None)},
    "Target.__call__": {"x": vector()},
    "detect": {
        "data": looked_at(None, 3, "ab", [], [[1]], [[1, 2, 3]], [[math.nan, 1]], [[[1, 2]]], [["a", "b"]]),
        "domain": looked_at(None, *DOMAINS),
    },
    "decompile": {"domain": looked_at(None, *DOMAINS)},
    "decompiled": {"domain": looked_at(None, *DOMAINS)},
    "prove": {
        "target": looked_at("min", *SPELLED, ck.circuit("abs")),
        "domain": looked_at([(-1, 1), (0, 2)], *DOMAINS),
    },
    "extract": {
        "against": looked_at("min", *(w for w in SPELLED if w is not None), "y <= x1", ck.circuit("abs"), said="against"),
        "domain": looked_at([(-1, 1), (0, 2)], *DOMAINS),
    },
    "subcircuits": {"domain": looked_at([(-1, 1), (0, 2)], *DOMAINS)},
    "target": {"t": looked_at("min", *SPELLED, said="target")},
    "CircuitWidget": {"domain": BOXES},
    "book.claim": {"measured": looked_at((0, 1, 2), (1, 2), "not in it", said="(measured|sentence)")},
    "grid": {"choices": looked_at([1], 1)},
    "plotting.blocks": {"tree": looked_at(("min", "x1", "x2"), "x1", ("min",), ["min"], (3, "x1"))},
    "plotting.heatmap": {"inputs": looked_at((0, 1), (0, 0), (0,), (0, 9), 3, "ab")},
    "superposition.geometry": {"weights": vector()},
    "superposition.interference": {"weights": vector()},
    "superposition.worst_error": {"model": looked_at([[1.0]], 3, "ab", [[1, 2]], [[math.nan]]), "bias": vector()},
    "plotting.rates": {"table": looked_at(TABLE, 3, [1], None, TABLE.iloc[:0], TABLE.drop(columns="low"))},
}  # fmt: skip

#: arguments that go with the others, where what is right in itself does not
TOGETHER: dict[str, dict[str, Any]] = {
    "plotting.function": {"net": ck.circuit("abs")},
    "plotting.direction": {"weight": [1, 0]},
    "plotting.stuck": {"nets": [ck.circuit("min")]},
}

#: what answers False to whatever it cannot read, and refuses nothing: see tests/test_check.py
ANSWERS = ("check",)

RUN = ck.train("abs", 2, seeds=4, steps=1)

#: the classes that a user makes, or asks for something; the others are results
MADE = {
    "Network": lambda: ck.circuit("min"),
    "Target": lambda: ck.target("min"),
    "Cell": lambda: ck.Cell("abs", 2),
    "Challenge": None,
    "CircuitWidget": None,
    "FeatureArrows": None,
    "LossShelves": None,
    "Mystery": None,
    "Rate": None,
    "TrainingRun": lambda: RUN,
    "Typed": None,
    "WeightPlane": None,
    "WeightsReader": None,
    "images.ImageNetwork": lambda: images.train(epochs=0)[0],
}


#: the classes that a user only asks for something
RESULTS = ("TrainingRun", "images.ImageNetwork")


@dataclass(frozen=True)
class Call:
    """Something that a user calls: how, with what, and what its arguments accept."""

    name: str
    function: Callable[..., Any]
    kinds: Mapping[str, Kind]

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.function).parameters

    def __call__(self, arguments: dict[str, Any]) -> Any:
        """With these arguments, by name where Python takes them so."""
        first = [n for n, p in self.parameters.items() if p.kind is p.POSITIONAL_ONLY]
        return self.function(*(arguments.pop(n) for n in first), **arguments)

    def required(self) -> dict[str, Any]:
        needed = (n for n, p in self.parameters.items() if p.default is p.empty)
        made = {n: right(self.kinds[n].right) for n in needed if n in self.kinds}
        return {**made, **TOGETHER.get(self.name, {})}


def calls() -> Iterator[Call]:
    """Every public function, and what the public classes are made with and can be asked."""
    data = {*ck._MODULES, "catalogue"}
    named = {name: getattr(ck, name) for name in ck.__all__ if name not in data}
    named |= {f"plotting.{name}": getattr(plotting, name) for name in plotting.__all__}
    named |= {f"book.{name}": getattr(book, name) for name in ("claim", "seeds")}
    named |= {
        f"images.{name}": getattr(images, name)
        for name in images.__all__
        if name not in ("ARCHITECTURES", "digits")
    }
    named |= {
        f"superposition.{name}": getattr(superposition, name)
        for name in superposition.__all__
        if name != "GEOMETRIES"
    }
    named |= {f"circuits.{name}": getattr(circuits, name) for name in circuits.__all__}
    for name, thing in named.items():
        if name in ANSWERS or (inspect.isclass(thing) and name not in MADE):
            continue
        if name not in RESULTS:
            yield Call(name, thing, {**declared_by(thing), **PLACES.get(name, {})})
        if MADE.get(name):
            for method in ("__call__", *(m for m in vars(thing) if not m.startswith("_"))):
                function = getattr(MADE[name](), method, None)
                if inspect.ismethod(function):
                    path = f"{name}.{method}"
                    yield Call(path, function, {**accepted(function), **PLACES.get(path, {})})


def declared_by(thing: Any) -> Mapping[str, Kind]:
    """What a function or a class declares of its arguments."""
    made = (thing.__init__, thing.__new__) if inspect.isclass(thing) else (thing,)
    return {name: kind for function in made for name, kind in accepted(function).items()}


def right(value: Any) -> Any:
    """The value that stands for what will do."""
    if isinstance(value, list):
        return [right(v) for v in value]
    return INSTANCES[value]() if isinstance(value, type) else value


CALLS = list(calls())
DECLARED = [(call, argument) for call in CALLS for argument in call.kinds]


def test_every_argument_of_every_public_function_says_what_it_accepts():
    silent = [f"{c.name}: {name}" for c in CALLS for name in c.parameters if name not in c.kinds]
    assert silent == []


@pytest.mark.parametrize(
    ("call", "argument"), DECLARED, ids=[f"{call.name}-{name}" for call, name in DECLARED]
)
def test_what_an_argument_does_not_accept_is_refused_by_its_name(call, argument):
    kind = call.kinds[argument]
    said = SAID.get(id(kind)) or argument
    others = call.required()
    default = call.parameters[argument].default
    refused = [value for value in kind.wrong if value is not default]
    assert refused
    for value in refused:
        with pytest.raises((TypeError, ValueError), match=rf"^{said}(\[.*)?: .+"):
            call({**others, argument: value})
    plt.close("all")


@pytest.mark.parametrize(
    ("call", "argument"), DECLARED, ids=[f"{call.name}-{name}" for call, name in DECLARED]
)
def test_the_value_that_will_do_does(call, argument):
    kind = call.kinds[argument]
    kind.take(argument, right(kind.right))
    plt.close("all")


def test_a_message_shows_what_was_given_but_never_at_length():
    kind = checks.number(least=0)
    with pytest.raises(ValueError, match=r"^t: expected a number, 0 or above, got -1$"):
        kind.take("t", -1)
    with pytest.raises(TypeError) as refused:
        kind.take("t", ["long"] * 1000)
    assert len(str(refused.value)) < 120


def test_what_is_missing_is_said_by_python():
    with pytest.raises(TypeError, match="compose.* missing 1 required positional argument"):
        ck.compose(ck.circuit("abs"))


def test_a_default_is_not_looked_at():
    @checks.accepts(n=checks.whole(least=1))
    def given(n=None):
        return n

    assert given() is None
    assert given(None) is None
    assert given(3) == 3


# --- numbers of other kinds ---------------------------------------------------------------------------

REFUSED = (TypeError, ValueError)


@pytest.mark.parametrize("steps", [10**9 + 1, 10**30, -1])
def test_more_steps_than_anybody_waits_for_are_refused(steps):
    with pytest.raises(
        ValueError, match=r"^steps: expected a whole number from 0 to 1000000000, got"
    ):
        ck.train("identity", 2, seeds=4, steps=steps)


@pytest.mark.parametrize("size", [2**28 + 1, 10**12, 10**30])
def test_a_batch_that_no_memory_holds_is_refused(size):
    with pytest.raises(
        ValueError, match=r"^batch_size: expected a whole number from 1 to 2\^28, got"
    ):
        ck.train("identity", 2, seeds=4, steps=1, data="batches", batch_size=size)


@pytest.mark.skipif(np.finfo(np.longdouble).maxexp < 2000, reason="long doubles are doubles here")
def test_a_long_double_is_the_number_that_it_is():
    kind = checks.number(above=0)
    assert kind.take("t", np.longdouble("1e4000")) > 10**3999
    assert 0 < kind.take("t", np.longdouble("1e-4000")) < Fraction(1, 10**3999)
    tenth = kind.take("t", np.longdouble(1) / 10)
    assert isinstance(tenth, Fraction) and tenth != 0.1
    assert type(kind.take("t", np.float32(0.5))) is float
    near = ck.approximate("x**2", [(0, 1)], tolerance=np.longdouble("1e4000"))
    assert near.network.n_inputs == 1


@pytest.mark.parametrize("least", [Fraction(1, 10**400), np.nextafter(np.longdouble(0), 1)])
def test_a_tolerance_below_all_doubles_is_refused(least):
    with pytest.raises(ValueError, match="^tolerance: expected one that .* can meet, got"):
        ck.approximate("x**2", [(0, 1)], tolerance=least)


@pytest.mark.parametrize(
    "variables", [np.array([[1, 2]]), [[1, 2]], [None], [["x"]], [sympy.Symbol("x") + 1], [1], [()]]
)
def test_a_variable_that_is_no_symbol_is_refused(variables):
    with pytest.raises(TypeError, match=r"^variables\[0\]: expected a symbol or its name, got"):
        ck.Target(sympy.Symbol("x"), variables=variables)


@pytest.mark.parametrize("value", [np.timedelta64(2), np.datetime64(2, "D"), np.ma.masked, b"1"])
def test_what_only_numpy_takes_for_a_number_is_refused(value):
    net = ck.circuit("abs")
    calls = [
        lambda: ck.prove(net, "abs", tolerance=value),
        lambda: ck.prove(net, "abs", domain=[(0, value)]),
        lambda: ck.prove(net, "abs", domain=([[1]], [value])),
        lambda: ck.approximate("x**2", [(0, value)], tolerance=0.1),
        lambda: ck.train("abs", 2, seeds=value, steps=1),
        lambda: ck.train("abs", 2, seeds=[value], steps=1),
        lambda: ck.learn("abs", 2, domain=[(0, value)]),
        lambda: ck.Network([[[1]]], scale=value),
        lambda: ck.Network([[[value]]]),
        lambda: ck.detect(net, data=[[1], [value]]),
        lambda: ck.Rate(value, 2),
        lambda: net(value),
        lambda: ck.circuit("min")([sympy.Integer(1), value]),
        lambda: ck.target("abs")([value]),
    ]
    for call in calls:
        with pytest.raises(REFUSED, match=r"^\w+(\[\d\])?: expected "):
            call()


@pytest.mark.parametrize(
    "value", [b"ab", bytearray(b"ab"), memoryview(b"ab"), np.ma.masked_array([1, 2], [True, False])]
)
def test_bytes_and_masked_values_are_no_lists_of_numbers(value):
    net, least = ck.circuit("abs"), ck.circuit("min")
    calls = [
        lambda: least(value),
        lambda: least([value]),
        lambda: ck.target("min")(value),
        lambda: ck.detect(least, data=[value, value]),
        lambda: ck.detect(least, data=value),
        lambda: ck.Network([[value]]),
        lambda: ck.Network([[[1.0]], [[1.0]]], [value, None]),
        lambda: ck.prove(net, "abs", domain=[value]),
        lambda: ck.learn("abs", 2, domain=[value]),
        lambda: ck.train("abs", 2, seeds=value, steps=1),
        lambda: ck.train("abs", value, seeds=1, steps=1),
    ]
    for call in calls:
        with pytest.raises(REFUSED, match=r"^\w+(\[\d\])?: expected "):
            call()


def test_an_array_with_a_mask_that_hides_nothing_will_do():
    assert ck.circuit("min")(np.ma.masked_array([1.0, 2.0], [False, False])) == 1


def test_an_array_of_names_will_do():
    assert ck.Target(sympy.Symbol("x"), variables=np.array(["x", "y"])).n_inputs == 2


@pytest.mark.parametrize(
    "given",
    [[1.0, True], (0, False), [np.True_, 1.0], [True, False], np.array([True, False]), [[1, 2], [True, 1]],
     [np.array([True, False]), [1.0, 2.0]], [[[0.0, 1.0]], [[np.False_, 1.0]]], np.array([1.0, True], dtype=object)],
)  # fmt: skip
def test_truth_values_among_numbers_are_no_numbers(given):
    with pytest.raises(TypeError, match=r"^x: expected real numbers, got bool"):
        ck.circuit("min")(given)
    with pytest.raises(TypeError, match=r"^x: expected real numbers, got bool"):
        ck.target("min")(given)
    with pytest.raises(TypeError, match=r"^data: expected real numbers, got bool"):
        ck.detect(ck.circuit("min"), data=given)


def test_a_networks_weights_and_biases_are_no_truth_values():
    with pytest.raises(TypeError, match=r"^weights\[0\]: expected real numbers, got booleans"):
        ck.Network([[[1, True]], [[1]]])
    with pytest.raises(TypeError, match=r"^biases\[0\]: expected real numbers, got booleans"):
        ck.Network([[[1], [1]], [[1, 1]]], [[True, 0.5], [0]])
    given = ck.circuit("abs").to_dict() | {"weights": [[[True], [-1.0]], [[1.0, 1.0]]]}
    with pytest.raises(TypeError, match=r"^.*weights\[0\]: expected real numbers, got booleans"):
        ck.Network.from_dict(given)


# --- whole numbers of any size, tensors of a graph ----------------------------------------------------

#: of 400 digits, as no double is; and of more than Python writes out
HUGE = (10**30, 10**400, -(10**400), 10**5000)


def refusal(kind, argument, given):
    """What is said of a value that is not accepted; of one that is, the argument's name."""
    try:
        kind.take(argument, given)
    except (TypeError, ValueError) as error:
        return str(error)
    return f"{argument}: accepted"


@pytest.mark.parametrize(
    ("call", "argument"), DECLARED, ids=[f"{call.name}-{name}" for call, name in DECLARED]
)
def test_a_whole_number_of_any_size_is_taken_or_refused_by_its_name(call, argument):
    said = SAID.get(id(call.kinds[argument])) or argument
    for given in (shape for v in HUGE for shape in (v, [v], [[v]], (0, v))):
        told = refusal(call.kinds[argument], argument, given)
        assert told.startswith((f"{argument}: ", f"{argument}[", f"{said}: "))
        assert len(told) < 500
    plt.close("all")


@pytest.mark.parametrize(
    ("call", "argument"), DECLARED, ids=[f"{call.name}-{name}" for call, name in DECLARED]
)
def test_a_tensor_of_a_graph_is_taken_or_refused_by_its_name(call, argument):
    torch = pytest.importorskip("torch")
    one = torch.tensor(1.0, requires_grad=True)
    for given in (one, one[None], [one], [one[None]], (one, one)):
        told = refusal(call.kinds[argument], argument, given)
        assert told.startswith((f"{argument}: ", f"{argument}["))
    plt.close("all")


def test_training_takes_whole_numbers_of_any_size_or_refuses_them_by_name():
    for threads in (10**30, 10**400):
        assert len(ck.train("abs", 2, seeds=4, steps=1, threads=threads).seeds) == 4
    for width in (10**200, 10**400, 10**5000):
        for hidden in (width, (2, width)):
            with pytest.raises(ValueError, match=r"^hidden: expected networks that fit") as refused:
                ck.train("abs", hidden, seeds=4, steps=1)
            assert len(str(refused.value)) < 300
    for device in (10**30, 10**400):
        with pytest.raises(ValueError, match=r"^device: expected 'cpu' or 'cuda', got (about )?1"):
            ck.train("abs", 2, seeds=4, steps=1, device=device)
    with pytest.raises(ValueError, match=r"^learning_rate: expected .* got about 1e\+400"):
        ck.CircuitWidget(ck.circuit("abs"), learning_rate=10**400)
    for seed in HUGE[1:]:
        with pytest.raises(ValueError, match=r"^seed: expected one of this run's 4 seeds .* about"):
            RUN.network(seed)
        with pytest.raises(ValueError, match=r"^by: expected columns of the table.*about"):
            ck.success_rates(pd.DataFrame({"solved": [True]}), [seed])


def test_tensors_of_a_graph_among_numbers_are_the_numbers_that_they_are():
    torch = pytest.importorskip("torch")
    three, five = (torch.tensor(v, requires_grad=True) for v in (3.0, 5.0))
    net = ck.circuit("min")
    for given in ([three, five], (three, five), torch.stack([three, five]), [three, 5.0]):
        assert net(given) == ck.target("min")(given) == [3.0]
    assert net([[three, five], torch.stack([five, three])]).tolist() == [[3.0], [3.0]]
    assert net(torch.tensor([3.0, 5.0], dtype=torch.bfloat16)) == 3
    assert plotting.neuron([three, five], 1, [three, five]).texts[-1].get_text() == "35"
    plt.close("all")
    assert ck.Network([[[three], [five]], [[1.0, 1.0]]]).weights[0].tolist() == [[3.0], [5.0]]
    assert ck.CircuitWidget(net, x=[three, five]).x == [3.0, 5.0]
    for odd in (
        torch.zeros(2, device="meta"),
        torch.zeros(2).to_sparse(),
        [torch.zeros((), device="meta")] * 2,
    ):
        with pytest.raises(
            TypeError, match=r"^x: expected real numbers that numpy can hold, got a"
        ):
            net(odd)
    for truth in (torch.tensor([True, False]), [torch.tensor(True), torch.tensor(False)]):
        with pytest.raises(TypeError, match=r"^x: expected real numbers, got bool"):
            net(truth)
    domain = (three.detach(), five)
    with pytest.raises(ValueError, match=r"^domain: expected None, 2 pairs"):
        ck.prove(net, "min", domain=domain)


def test_what_became_of_seeds_is_asked_with_arrays_of_bool():
    torch = pytest.importorskip("torch")
    name = ck.outcomes.name_outcomes
    weights, biases = [np.ones((1, 1, 1))], [np.zeros((1, 1))]
    yes, no = torch.tensor([True]), np.array([False])
    assert name("identity", weights, biases, solved=yes, diverged=no).tolist() == ["solved"]
    assert name("identity", weights, biases, solved=[yes[0]], diverged=no).tolist() == ["solved"]
    for odd in (torch.tensor([1.0], requires_grad=True), torch.tensor([1.0]), [10**400]):
        for flags in ({"solved": odd, "diverged": no}, {"solved": no, "diverged": odd}):
            with pytest.raises(TypeError, match=r"^(solved|diverged): expected an array of bool"):
                name("identity", weights, biases, **flags)


# --- sets, which have no order ------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [{2, 1}, frozenset({3}), {3: 2}, {2: 1, 1: 2}, set()])
def test_layer_widths_and_seeds_in_no_order_are_refused(widths):
    for call in (
        lambda: ck.train("abs", widths, seeds=4, steps=1),
        lambda: ck.learn("abs", widths),
        lambda: ck.grid("abs", widths, seeds=4),
        lambda: ck.grid("abs", [widths], seeds=4),
        lambda: ck.Cell("abs", widths),
        lambda: ck.compile_expression("abs", hidden=widths),
    ):
        with pytest.raises(TypeError, match=r"^hidden(\[0\])?: expected .*widths.*, got "):
            call()
    for call in (
        lambda: ck.train("abs", 2, seeds=widths, steps=1),
        lambda: ck.WeightPlane("identity", seeds=widths),
        lambda: superposition.train(3, seeds=widths, steps=1),
    ):
        with pytest.raises((TypeError, ValueError), match="^seeds: expected "):
            call()


@pytest.mark.parametrize("pair", [{-1, 1}, frozenset({-1, 1}), {-1: 1, 1: -1}])
def test_the_ends_of_an_interval_in_no_order_are_refused(pair):
    net = ck.circuit("abs")
    for call in (
        lambda: ck.prove(net, "abs", domain=[pair]),
        lambda: ck.prove(net, "abs", domain={(-1, 1)}),
        lambda: ck.prove(net, "abs", domain=([pair], [1])),
        lambda: ck.prove(net, "abs", domain=([[1]], {1})),
        lambda: ck.learn("abs", domain=[pair]),
        lambda: ck.approximate("x**2", [pair], tolerance=0.1),
        lambda: plotting.function(net, domain=pair),
        lambda: ck.CircuitWidget(net, domain=pair),
    ):
        with pytest.raises((TypeError, ValueError), match=r"^domain(\[0\])?: expected "):
            call()


def test_the_units_that_are_marked_may_be_a_set_but_none_of_them_is_one():
    net = ck.circuit("min")
    plotting.network(net, kept={(1, 1)})
    assert ck.CircuitWidget(net, kept={(1, 1)}, frozen={(0, 1)}).frozen == [[0, 1]]
    for keys in [{0, 1}], [{0: 1, 1: 1}]:
        with pytest.raises((TypeError, ValueError), match="^frozen: expected "):
            ck.CircuitWidget(net, frozen=keys)
        with pytest.raises((TypeError, ValueError), match="^kept: expected "):
            ck.CircuitWidget(net, kept=keys)
        with pytest.raises((TypeError, ValueError), match="^kept: expected "):
            plotting.network(net, kept=keys)
    plt.close("all")


def test_the_keys_of_a_mapping_are_in_its_order():
    titles = {"a": 1, "b": 2}
    assert checks.several(checks.string(), "titles").take("titles", titles.keys()) == ["a", "b"]
