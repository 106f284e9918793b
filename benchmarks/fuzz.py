"""Every public function against input that nobody would send: a right answer, or a clear error.

    python -m benchmarks.fuzz --inputs 10000                    # every family
    python -m benchmarks.fuzz --inputs 500 --only importing     # one of them
    python -m benchmarks.fuzz --inputs 500 --only importing --chunk 7   # one part of it again, telling faults

Hypothesis draws the calls (:mod:`fuzz_families` says what is right for each argument, :mod:`hostile` has what
is not): mostly one or two arguments are replaced, now and then none. What comes back is

- an **answer**, held against values found by a way that shares no code with the package where there is
  one (fractions, another library, sampled points, a certificate checked again);
- a **refusal**: ValueError or TypeError, raised by the package, whose message names an argument (or the
  error that the value itself raises when it is asked to be an array, say);
- **undecided**: an error that the function's documentation names, such as :class:`circuitkit.Undecided`;
- or a **fault**: anything else, a wrong answer, or more than :data:`LIMIT` seconds of the processor.

The counts stand in ``build/fuzz.json`` and are added to: started again, it goes on after the last part.
``--save`` writes them to ``benchmarks/results/fuzz.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_families import FAMILIES, Call
from hostile import VALUES

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "fuzz.json"
SAVED = ROOT / "benchmarks" / "results" / "fuzz.json"
PACKAGE = str(ROOT / "circuitkit")
HOSTILE_VALUES = str(ROOT / "benchmarks" / "hostile.py")
#: seconds of the processor that a call may take; the limits that calls give themselves are far below
LIMIT = 20.0
#: inputs in a part, which is remembered as a whole
PART = 250
#: bytes of address space; what asks for more is refused by the system, as MemoryError
MEMORY = 16 * 2**30


class Hung(BaseException):
    """More than :data:`LIMIT` seconds."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends what takes longer, in seconds of the processor: a busy machine hangs nothing."""

    def stop(*_: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# --- one call -----------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came of a call: ``"answer"``, ``"refusal"``, ``"undecided"`` or ``"fault"``, and why."""

    kind: str
    why: str = ""


def tried(call: Call, arguments: dict[str, Any], replaced: set[str]) -> Outcome:
    """Call it and judge what comes back."""
    given = {name: value for name, value in arguments.items() if not name.startswith("_")}
    try:
        with warnings.catch_warnings(), at_most(LIMIT):
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", category=RuntimeWarning, module="circuitkit")
            answer = call.function(**given)
    except Hung:
        return Outcome("fault", f"did not end within {LIMIT:g} s")
    except call.named as error:
        return Outcome("undecided", type(error).__name__)
    except Exception as error:  # which is what this is about
        return unclear(call, error)
    try:
        with warnings.catch_warnings(), at_most(4 * LIMIT):
            warnings.simplefilter("ignore")
            why = call.judge(arguments, replaced, answer)
    except Hung:
        why = "what it answered takes for ever to look at"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        why = f"its answer cannot be judged: {error!r:.200} at {Path(where.filename).name}:{where.lineno}"
    return Outcome("fault", f"wrong: {why}") if why else Outcome("answer")


def unclear(call: Call, error: Exception) -> Outcome:
    """A refusal that names the argument; else a fault, with where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename.startswith(PACKAGE)]
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
    told = f"{type(error).__name__}: {str(error)[:160]!r} at {where}"
    if (
        frames[-1].filename == HOSTILE_VALUES
    ):  # the value's own error, such as no array can be made of it
        return Outcome("refusal")
    if not isinstance(error, (ValueError, TypeError)):
        return Outcome("fault", told)
    ours = type(error) in (ValueError, TypeError) or type(error).__module__.startswith("circuitkit")
    name, colon, rest = str(error).partition(":")
    first = re.match(r"\w+", name)
    names_it = bool(colon and rest.strip() and first and first[0] in call.may_name)
    if not (ours and names_it and own and frames[-1].filename.startswith(PACKAGE)):
        return Outcome("fault", told)
    return Outcome("refusal")


# --- drawing calls ------------------------------------------------------------------------------------

_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.binary(max_size=6)
)
ANYTHING = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
#: mostly from the corpus: anything at all is refused by the first look at its type
_CORPUS = st.sampled_from(VALUES).map(lambda make: make())
HOSTILE = st.one_of(_CORPUS, _CORPUS, _CORPUS, ANYTHING, st.text(max_size=30))


@st.composite
def calls(draw: Any, family: Sequence[Call]) -> tuple[Call, dict[str, Any], set[str]]:
    """One call of a family; the names of the arguments that were replaced."""
    call = draw(st.sampled_from(family))
    rng = np.random.default_rng(draw(st.integers(0, 2**40)))
    arguments = call.draw(rng)
    free = [a for a in arguments if not a.startswith("_") and a not in call.fixed]
    free += call.optional
    count = min(len(free), draw(st.sampled_from([0, 0, 1, 1, 1, 2]))) if call.replaces else 0
    replaced = {free[int(i)] for i in rng.permutation(len(free))[:count]}
    for name in sorted(replaced):
        arguments[name] = draw(HOSTILE)
    return call, arguments, replaced


# --- many of them -------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What came of a family's calls."""

    inputs: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    faults: list[dict[str, Any]] = field(default_factory=list)


def part(name: str, number: int, base: int, count: int = PART, tell: bool = False) -> Tally:
    """One part of a family: the same calls whenever and wherever it is asked for."""
    tally = Tally()
    start = time.process_time()

    @seed(base * 1_000_003 + number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(calls(FAMILIES[name]))
    def one(drawn: tuple[Call, dict[str, Any], set[str]]) -> None:
        call, arguments, replaced = drawn
        outcome = tried(call, arguments, replaced)
        tally.inputs += 1
        tally.kinds[outcome.kind] += 1
        tally.functions[call.name] += 1
        if outcome.kind == "fault":
            shown = {a: short(v) for a, v in arguments.items() if not a.startswith("_")}
            fault = {"call": call.name, "why": outcome.why, "part": number, "arguments": shown}
            tally.faults.append({**fault, "replaced": sorted(replaced)})
            if tell:
                print(json.dumps(tally.faults[-1], indent=1), flush=True)

    with inside_an_empty_folder():
        one()
    tally.seconds = time.process_time() - start
    return tally


@contextmanager
def inside_an_empty_folder() -> Iterator[None]:
    """A text that happens to be a path writes nothing where it should not."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def short(value: Any) -> str:
    """A value in at most 200 characters, even one that cannot be shown."""
    try:
        text = repr(value)
    except Exception as error:
        return f"<{type(value).__name__}: its repr raises {type(error).__name__}>"
    return text if len(text) <= 200 else f"{text[:150]}...{text[-40:]}"


def add(kept: dict[str, Any], tally: Tally) -> None:
    kept["parts"] = kept.get("parts", 0) + 1
    kept["inputs"] = kept.get("inputs", 0) + tally.inputs
    kept["seconds"] = round(kept.get("seconds", 0) + tally.seconds, 1)
    for key, counted in (("outcomes", tally.kinds), ("functions", tally.functions)):
        kept[key] = dict(sorted((Counter(kept.get(key, {})) + counted).items()))
    kept.setdefault("faults", []).extend(tally.faults)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=10_000, help="for each family")
    parser.add_argument("--only", nargs="*", choices=sorted(FAMILIES), help="these families alone")
    parser.add_argument("--seed", type=int, default=0, help="where the draws begin")
    parser.add_argument("--minutes", type=float, help="stop after so many, and go on another time")
    parser.add_argument("--chunk", type=int, help="one part of a family again; keeps nothing")
    parser.add_argument("--save", action="store_true", help=f"write {SAVED.relative_to(ROOT)}")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    names = options.only or list(FAMILIES)
    if options.chunk is not None:
        for name in names:
            print(name, dict(part(name, options.chunk, options.seed, tell=True).kinds))
        return
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if kept.get("seed") != options.seed:
        kept = {"seed": options.seed, "families": {}}
    families = kept["families"]
    until = time.monotonic() + 60 * options.minutes if options.minutes else None
    while open_ones := [n for n in names if families.get(n, {}).get("inputs", 0) < options.inputs]:
        if until is not None and time.monotonic() > until:
            break
        # The least tried first, so that a short run looks everywhere.
        name = min(open_ones, key=lambda n: families.get(n, {}).get("inputs", 0))
        own = families.setdefault(name, {})
        add(own, part(name, own.get("parts", 0), options.seed))
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    report(families)
    if options.save:
        SAVED.write_text(json.dumps(kept, indent=1) + "\n")
    sys.exit(any(families.get(n, {}).get("faults") for n in names))


def report(families: dict[str, Any]) -> None:
    print(
        f"{'family':14} {'inputs':>7} {'answers':>8} {'refusals':>8} {'undecided':>9} {'faults':>6}"
    )
    for name, own in families.items():
        counts = [own["outcomes"].get(k, 0) for k in ("answer", "refusal", "undecided", "fault")]
        print(
            f"{name:14} {own['inputs']:7} {counts[0]:8} {counts[1]:8} {counts[2]:9} {counts[3]:6}"
        )
        distinct = {(f["call"], re.sub(r"\d+", "0", f["why"])): f for f in own["faults"]}
        for fault in distinct.values():
            print(f"    {fault['call']} (part {fault['part']}): {fault['why']}")


if __name__ == "__main__":
    main()
