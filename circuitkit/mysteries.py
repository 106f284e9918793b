r"""A ladder of unlabelled networks: what does each of them compute?

Each level is a network without a word about it, and what is asked of the reader: its function as an
expression, equal to the network for every input (or on a range, within a tolerance), or, where the network
claims a function, an input where the claim is false. No level keeps its answer for the page: a proof there
compares what the reader proposes with the network itself. A level's ``answer`` is for the tests, which prove it.

The networks are built by hand and then disguised: units in another order, and each rescaled by a power of two
(:math:`c\,\mathrm{relu}(z) = \mathrm{relu}(c\,z)`, and :math:`1/c` where it is read), so that not a bit of the function changes.
One was trained by another library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from circuitkit.checks import (
    accepts,
    double,
    instance,
    interval,
    listed,
    made_with,
    optional,
    several,
    string,
    whole,
    wrong,
)
from circuitkit.functions.target import target
from circuitkit.network import Network
from circuitkit.words import count

__all__ = ["Level", "disguised", "ladder"]

_Names = tuple[tuple[str, ...], ...]


@made_with(
    key=string(),
    title=string(),
    prompt=string(),
    network=instance(Network),
    claim=optional(string()),
    domain=optional(listed("pairs (low, high), one for each input")),
    tolerance=double(least=0),
    hints=several(string(), "a list of texts"),
    solved=string(empty=True),
    names=optional(listed("a list of texts for each hidden layer")),
    span=interval(),
)
@dataclass(frozen=True)
class Level:
    r"""An unlabelled network, and what is asked about it.

    Args:
        key: names the level in an address and the reader's progress: lower-case letters, digits and hyphens.
        title: a few words.
        prompt: what is asked, in plain text.
        network: with one output.
        answer: what solves it: an expression, or an input where ``claim`` is false. No page is sent it: to judge, it is not needed. ``solved`` and ``names`` are sent, scrambled.
        claim: the function that the network claims to compute; then the reader looks for an input where it
            does not.
        domain: where the answer must hold, one pair ``(low, high)`` an input; None for all real inputs.
        tolerance: how far the answer may be off there, in the proof's measure, 0 or above.
        hints: shown one by one when asked for.
        solved: what is told to who has solved it.
        names: what each hidden unit is for, one list a hidden layer; shown to who has solved it.
        span: the inputs that sliders and graphs show.

    Raises:
        TypeError, ValueError: an argument, named, that does not fit.

    Example:
        >>> from circuitkit import circuit
        >>> Level("mine", "Mine", "What is it?", circuit("abs"), "abs(x)").title
        'Mine'
    """

    key: str
    title: str
    prompt: str
    network: Network
    answer: str | tuple[float, ...] = ""
    claim: str | None = None
    domain: Sequence[tuple[float, float]] | None = None
    tolerance: float = 0.0
    hints: tuple[str, ...] = ()
    solved: str = ""
    names: Sequence[Sequence[str]] | None = None
    span: tuple[float, float] = (-6.0, 6.0)

    def __post_init__(self) -> None:
        if not all(c.isascii() and (c.islower() or c.isdigit() or c == "-") for c in self.key):
            raise wrong("key", "lower-case letters, digits and hyphens", self.key)
        if self.network.n_outputs != 1:
            raise wrong("network", "one output", self.network.n_outputs)
        object.__setattr__(self, "hints", tuple(self.hints))
        if self.claim is not None:
            claimed = target(self.claim)
            if (claimed.n_inputs, claimed.n_outputs) != (self.network.n_inputs, 1):
                inputs = count(self.network.n_inputs, "input")
                raise wrong("claim", f"a function of {inputs}, as the network's", self.claim)
        if self.domain is not None:
            pairs = [tuple(map(float, interval().take("domain", pair))) for pair in self.domain]
            if len(pairs) != self.network.n_inputs:
                raise wrong("domain", f"{self.network.n_inputs} pairs (low, high)", self.domain)
            object.__setattr__(self, "domain", pairs)
        if self.names is not None:
            given = tuple(tuple(str(name) for name in layer) for layer in self.names)
            if tuple(map(len, given)) != self.network.layer_sizes[1:-1]:
                sizes = self.network.layer_sizes[1:-1]
                raise wrong("names", f"one text a hidden unit, {sizes} of them", self.names)
            object.__setattr__(self, "names", given)


@accepts(network=instance(Network), seed=whole(least=0), powers=whole(least=0, most=100))
def disguised(network: Network, seed: int, *, powers: int = 2) -> tuple[Network, list[list[int]]]:
    r"""The same function, exactly, with the hidden units in another order and rescaled by powers of two.

    Args:
        network: any; its weights must not leave the doubles when they are rescaled.
        seed: 0 or above; the same network comes of the same seed.
        powers: the largest power, so that units are rescaled by :math:`2^{-p}` to :math:`2^{p}`.

    Returns:
        The network, and for each hidden layer which of the old units stands where.

    Example:
        >>> from circuitkit import circuit, prove
        >>> hidden, order = disguised(circuit("min"), seed=1)
        >>> bool(prove(hidden, "min")), sorted(order[0])
        (True, [0, 1, 2])
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    weights = [w.copy() for w in network.weights]
    biases = [b.copy() for b in network.biases]
    orders = []
    for layer, size in enumerate(network.layer_sizes[1:-1]):
        order = rng.permutation(size)
        scale = 2.0 ** rng.integers(-powers, powers + 1, size)
        weights[layer] = weights[layer][order] * scale[:, None]
        biases[layer] = biases[layer][order] * scale
        weights[layer + 1] = weights[layer + 1][:, order] / scale
        orders.append([int(i) for i in order])
    return Network(weights, biases, scale=network.scale), orders


def _level(
    key: str, title: str, network: Network, names: Sequence[Sequence[str]], *, seed: int | None = None,
    powers: int = 2, **rest: Any,
) -> Level:  # fmt: skip
    """A level whose network is disguised, its names with it."""
    if seed is not None:
        network, orders = disguised(network, seed, powers=powers)
        names = [[layer[i] for i in order] for layer, order in zip(names, orders, strict=True)]
    return Level(key, title, rest.pop("prompt"), network, names=names, **rest)


#: scikit-learn 1.9.1's MLPRegressor for min(x1 + x2, 1): hidden_layer_sizes=(6,), solver="lbfgs", alpha=1e-5,
#: max_iter=3000, tol=1e-12, random_state=15, from default_rng(15).random((2000, 2)), rounded to three decimals.
_LEARNED = Network(
    [
        [[0.169, -0.683], [-0.85, -0.85], [-0.84, -0.727], [-0.24, -0.433], [-0.439, 0.659], [0.052, -0.409]],
        [[-0.428, -1.176, 0.652, -0.236, 0.447, -0.049]],
    ],
    [[-0.346, 0.85, -0.234, -0.501, -0.623, -0.785], [1.0]],
)  # fmt: skip


def _loud() -> tuple[Network, list[str]]:
    """max(x1, x3) in three units, among thirty that shout and cancel, three on each of ten planes."""
    rng = np.random.Generator(np.random.Philox(key=13))
    rows: list[list[float]] = [[0, 0, 1], [0, 0, -1], [1, 0, -1]]
    out: list[float] = [1, -1, 1]
    names = ["+(x3)", "-(x3)", "x1 > x3"]
    while len(rows) < 33:
        normal = rng.integers(-3, 4, 3).astype(float)
        if np.count_nonzero(normal) < 2:
            continue
        shares = rng.integers(8, 40, 2).astype(float) * rng.choice([-1.0, 1.0])
        rows += [list(normal), list(2 * normal), list(4 * normal)]
        out += [*shares, -(shares[0] + 2 * shares[1]) / 4]
        names += ["cancels"] * 3
    return Network([rows, [out]]), names


def _bumped() -> Network:
    """|x|, and a bump of height 2^-30 on an interval of width 1/2048 that starts at 45/64."""
    start, half, height = 45 / 64, 2.0**-12, 2.0**-30
    kinks = [-start, -start - half, -start - 2 * half]
    slope = height / half
    return Network(
        [[[1], [-1], [1], [1], [1]], [[1, 1, slope, -2 * slope, slope]]],
        [[0, 0, *kinks], [0]],
    )


def _folds() -> Network:
    """The tent, three times over: 2 relu(t) - 4 relu(t - 1/2)."""
    tent = [[2, -4], [2, -4]]
    kinks = [0, -0.5]
    return Network([[[1], [1]], tent, tent, [[2, -4]]], [kinks, kinks, kinks, [0]])


@cache
def ladder() -> tuple[Level, ...]:
    """The twelve levels of the book's ladder, the easiest first.

    Example:
        >>> [level.network.layer_sizes for level in ladder()[:3]]
        [(1, 2, 1), (1, 2, 1), (1, 2, 1)]
    """
    return (
        _level(
            "two-units", "Two units", Network([[[1], [-1]], [[2, -2]]]), [["+(x)", "-(x)"]], seed=1,
            prompt="Two hidden units, four weights. What do they make of x?",
            answer="2*x",
            hints=(
                "Put in 1, then −1, then 3.",
                "On each side of 0 one unit is on. There the output is x times (weight in) · (weight out).",
            ),
            solved="The two halves of a number, each passed on and doubled: hidden weight times output weight is 2 for both.",
        ),
        _level(
            "two-slopes", "Two slopes", Network([[[1], [-1]], [[3, 0.5]]]), [["+(x)", "-(x)"]], seed=2,
            prompt="The same two kinds of unit. But what is this?",
            answer="max(3*x, -x/2)",
            hints=(
                "For positive x the graph is one straight line through 0, for negative x another.",
                "Of two lines through 0, which one is above? max(…, …) takes the larger of two.",
            ),
            solved="Two slopes that meet in 0: every bias-free network of one input is such a pair, whatever its size.",
        ),
        _level(
            "a-stretch", "A stretch of road",
            Network([[[1], [1]], [[1, -1]]], [[1, -2], [-1]]), [["starts at -1", "stops at 2"]], seed=3,
            prompt="Now with biases. Where does each unit begin, and what happens between the two places?",
            answer="clamp(x, -1, 2)",
            hints=(
                "A unit switches where its weighted input is 0: solve weight · x + bias = 0.",
                "Between the two places the slope is 1. And outside?",
                "clamp(x, low, high) lets x through between low and high, and stops it there.",
            ),
            solved="One unit starts the rise, the other takes it away again.",
        ),
        _level(
            "two-numbers", "Two numbers", Network([[[0, 1], [0, -1], [1, -1]], [[1, -1, 1]]]),
            [["+(x2)", "-(x2)", "x1 > x2"]], seed=4,
            prompt="Two inputs, three units, and one of the three looks at both.",
            answer="max(x1, x2)",
            hints=(
                "Two of the units together give one of the inputs back.",
                "The third is a greaterness detector: it corrects the first two where one input is greater.",
            ),
            solved="Take x₂; where x₁ is greater, add what it has more. The minimum's circuit with the correction turned round.",
        ),
        _level(
            "dead-wood", "Dead wood",
            Network([[[2, -2], [1, -1], [-1, 1], [3, 1], [6, 2], [1, 1], [0, 0]], [[0.25, 0.5, 1, 2, -1, 0, 5]]]),
            [["x1 > x2", "x1 > x2", "x2 > x1", "cancels", "cancels", "not read", "dead"]], seed=5, powers=1,
            prompt="Seven units, and two would do. Switch units off until nothing is left that could go.",
            answer="abs(x1 - x2)",
            hints=(
                "A unit whose output weight is 0 is not read. A unit whose input weights are all 0 never speaks.",
                "Two units that look the same way are on together. Do their contributions cancel?",
                "What is left looks at x₁ − x₂ from one side and from the other.",
            ),
            solved="Units on one line are one unit, or none: what counts is the sum of what they add.",
        ),
        _level(
            "whisper", "Whisper and shout",
            Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, -2, -2]]]),
            [["+(x1)", "-(x1)", "+(x2)", "-(x2)"]], seed=6, powers=9,
            prompt="One unit whispers and is listened to closely; another shouts and is hardly heard. How much do they say?",
            answer="abs(x1) - 2*abs(x2)",
            hints=(
                "A unit's scale means nothing by itself: relu(c z) = c relu(z) for c above 0. Rescale each unit to weight 1.",
                "Two units look at x₁ alone, two at x₂ alone.",
            ),
            solved="Only the product of what goes in and how it is read counts. Rescaling changes the numbers and never the function.",
        ),
        _level(
            "two-floors", "Two floors",
            Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 0, 0], [1, 1, -1, -1]], [[1, -1]]]),
            [["+(x1)", "-(x1)", "+(x2)", "-(x2)"], ["+(|x1|)", "|x1| > |x2|"]], seed=7,
            prompt="A second hidden layer. Read the first floor; then ask what the second one is handed.",
            answer="min(abs(x1), abs(x2))",
            hints=(
                "On the first floor, the two halves of x₁ and the two halves of x₂.",
                "Two halves added are an absolute value. The second floor never needs to know a sign.",
                "One unit of the second floor carries |x₁|. The other one compares.",
            ),
            solved="Blocks on blocks: two absolute values below, a minimum above that saves a unit, as an absolute value has no negative half.",
        ),
        _level(
            "among-thirty", "Among thirty", _loud()[0], [_loud()[1]], seed=8, powers=1,
            prompt="Thirty-three units and three inputs. Thirty of the units shout, and nothing comes of it. What do the other three say?",
            answer="max(x1, x3)",
            hints=(
                "Rescale all units: what was hidden by its scale looks alike now. Units that point the same way belong together.",
                "Switch off a whole group of three. If the bench still agrees for every input, they were noise.",
                "Two of the three that are left look at x₃ alone. One input is not used at all.",
            ),
            solved="Thirty loud units cancel in threes, and a proof does not hear them. Loudness is no sign of being needed.",
        ),
        _level(
            "impostor", "The impostor",
            Network([[[1, 0], [1, -1]], [[1, -1]]], [[1024, 0], [-1024]]),
            [["always on, nearly", "x1 > x2"]], seed=9, powers=1,
            prompt="This one says that it is the minimum, and as far as its sliders go it is. But the minimum takes three units, and it has two. Find an input where it fails.",
            claim="min(x1, x2)",
            answer=(-2000.0, 0.0),
            hints=(
                "One unit is on all the time, and a unit that is always on only passes its sum along. Always?",
                "Solve: where is that unit's sum 0? Go beyond, and type the number.",
            ),
            solved="In range, an always-on unit can stand in for a pair of detectors, and no test in range will ever tell. That is why proofs are about all inputs.",
        ),
        _level(
            "a-billionth", "A billionth", _bumped(),
            [["+(x)", "-(x)", "the bump begins", "its top", "the bump ends"]], seed=10, powers=6,
            prompt="It says that it is |x|, and its graph agrees. But in one short place it is off, by less than a billionth. Where?",
            claim="abs(x)",
            answer=(45 / 64 + 2.0**-12,),
            hints=(
                "Two units are the circuit of |x|. What are the other three doing?",
                "Each of the three begins where its sum is 0. Rescale them to weight 1 and read the biases to the last digit.",
                "A slope, twice a slope back, and a slope again make a bump. Between the first place and the last it is not 0. Type a number from there, with all its digits.",
            ),
            solved="A bump as high as 2⁻³⁰, on a stretch of 1/2048. Sampling would have to be lucky and look at the tenth digit; a proof looks everywhere.",
        ),
        _level(
            "somebody-else", "Somebody else's", _LEARNED,
            [["asleep here", "1 > x1 + x2", "asleep here", "asleep here", "wakes in a corner", "asleep here"]],
            prompt="A stranger has trained this one, with another library, for inputs from 0 to 1. No weight is a round number. Within 0.02, in that square: what has it learned?",
            answer="min(x1 + x2, 1)",
            domain=((0.0, 1.0), (0.0, 1.0)), tolerance=0.02, span=(0.0, 1.0),
            hints=(
                "In the square most units never wake up: what is the largest value of each one's sum there?",
                "One unit does nearly everything. Rescale it, and round what you see.",
                "The output starts at 1, and the unit takes something off wherever x₁ + x₂ is below 1.",
            ),
            solved="min(x₁ + x₂, 1), an “or” for numbers between 0 and 1. On its own square the network can be read; outside, nobody has taught it anything.",
        ),
        _level(
            "folded", "Folded", _folds(), [["t > 0", "t > 1/2"]] * 3,
            prompt="Six units. How many straight pieces can they make? Say what it computes for x from 0 to 1.",
            answer="1 - abs(1 - 2*abs(1 - 2*abs(1 - 2*x)))",
            domain=((0.0, 1.0),), span=(0.0, 1.0),
            hints=(
                "The three layers are the same. What does one of them do to a number between 0 and 1?",
                "One layer folds the line: up from 0 to 1, and down again. With an absolute value that is 1 − |1 − 2 t|.",
                "Put it into itself, and once more. A bracket typed in a bracket in a bracket is an answer.",
            ),
            solved="Eight straight pieces from six units: each layer folds the picture again and doubles their number. That is what depth buys.",
        ),
    )  # fmt: skip
