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
- or a **fault**: anything else, a wrong answer, more than :data:`LIMIT` seconds of the processor, more than
  :data:`LARGE` bytes of memory, or the end of the process.

Each part of :data:`PART` inputs, or of as many as are missing, runs in a process of its own, forked from this one, with at most :data:`MEMORY`
of address space. A call that never comes back from a library in C, or ends the process, is a fault as any other:
the part is begun again without it.

The counts stand in ``build/fuzz.json`` and are added to: started again, it goes on after the last part.
``--save`` writes them to ``benchmarks/results/fuzz.json``.
"""

from __future__ import annotations

import argparse
import json
import mmap
import multiprocessing
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
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_families import FAMILIES, Call
from hostile import VALUES

from scripts import children
from scripts.arguments import positive, whole_number

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "fuzz.json"
SAVED = ROOT / "benchmarks" / "results" / "fuzz.json"
PACKAGE = str(ROOT / "circuitkit")
HOSTILE_VALUES = str(ROOT / "benchmarks" / "hostile.py")
#: seconds of the processor that a call may take; the limits that calls give themselves are far below
LIMIT = 20.0
#: inputs in a part, which is remembered as a whole
PART = 250
#: seconds more, after which the process ends: code in C does not hear Python's signals
GRACE = 20.0
#: bytes of address space; what asks for more is refused by the system, as MemoryError
MEMORY = 12 * 2**30
#: bytes that a call may take at once
LARGE = 3 * 2**30
#: bytes of what a call is known by, should it end its process
_NOTE = 400


class Hung(BaseException):
    """More than :data:`LIMIT` seconds."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends what takes longer, in seconds of the processor: a busy machine hangs nothing.

    What does not hear that in :data:`GRACE` seconds more is ended by the system, and its process with it.
    """

    def stop(*_: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds + GRACE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def peak() -> int:
    """Bytes of memory that this process has held at once."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


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
    memory: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)

    def add(self, call: str, outcome: Outcome, more: dict[str, Any]) -> None:
        self.inputs += 1
        self.kinds[outcome.kind] += 1
        self.functions[call] += 1
        if outcome.kind == "fault":
            self.faults.append({"call": call, "why": outcome.why, **more})


def part(
    name: str,
    number: int,
    base: int,
    count: int = PART,
    *,
    tell: bool = False,
    ended: Sequence[Ended] = (),
    note: MutableSequence[int] | None = None,
) -> Tally:
    """One part of a family: the same calls whenever and wherever it is asked for.

    Args:
        name: the family.
        number: which part of it.
        base: where the draws begin.
        count: how many inputs.
        tell: print each fault at once.
        ended: calls that are known to end the process, and are not made again.
        note: where each call is written down before it is made.
    """
    tally = Tally()
    start = time.process_time()
    known = {each.at: each for each in ended}

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
        at, before = tally.inputs, peak()
        if note is not None:
            written = json.dumps([at, call.name, sorted(replaced)]).encode()[:_NOTE]
            note[:_NOTE] = written.ljust(_NOTE)
        outcome = (
            Outcome("fault", known[at].why) if at in known else tried(call, arguments, replaced)
        )
        if peak() > max(before, LARGE) and outcome.kind != "fault":
            outcome = Outcome("fault", f"took {peak() / 2**30:.1f} GB of memory")
        told: dict[str, Any] = {}
        if outcome.kind == "fault":
            shown = {a: short(v) for a, v in arguments.items() if not a.startswith("_")}
            told = {"part": number, "arguments": shown, "replaced": sorted(replaced)}
        tally.add(call.name, outcome, told)
        if tell and outcome.kind == "fault":
            print(json.dumps(tally.faults[-1], indent=1), flush=True)

    with inside_an_empty_folder():
        one()
    tally.seconds = time.process_time() - start
    tally.memory = peak()
    return tally


@dataclass(frozen=True)
class Ended:
    """A call that did not come back, and took its process with it."""

    at: int
    why: str


def apart(name: str, number: int, base: int, count: int = PART) -> Tally:
    """:func:`part` in a process of its own, begun again without a call that ended it."""
    ended: list[Ended] = []
    while True:
        note = mmap.mmap(-1, _NOTE)  # shared with what is forked
        ours, theirs = multiprocessing.Pipe(duplex=False)

        def work(
            ended: Sequence[Ended] = tuple(ended), note: Any = note, theirs: Any = theirs
        ) -> None:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            theirs.send(part(name, number, base, count, ended=ended, note=note))

        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        theirs.close()
        try:
            tally: Tally = ours.recv()
            child.join()
            return tally
        except EOFError:
            child.join()
        at, *call = json.loads(bytes(note[:]).decode() or "[-1]")
        if at < 0 or any(each.at == at for each in ended):
            sys.exit(f"error: {name}, part {number}, ended with {child.exitcode} at {call}")
        ended.append(Ended(at, _end(child.exitcode)))


def _end(code: int | None) -> str:
    if code == -signal.SIGVTALRM:
        return f"did not end within {LIMIT:g} s, and not when it was asked to"
    return f"ended its process with {code}"


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


def prepare() -> None:
    """Call everything once: what is compiled or imported then is there in all that is forked."""
    rng = np.random.default_rng(0)
    with inside_an_empty_folder(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in {call.name: call for family in FAMILIES.values() for call in family}.values():
            with suppress(Exception):
                call.function(**{n: v for n, v in call.draw(rng).items() if not n.startswith("_")})


def kept_of(name: str, number: int, base: int, count: int = PART) -> dict[str, Any]:
    """A part as it is remembered; one that is shorter than others says so, to be the same again."""
    tally = apart(name, number, base, count)
    return ({} if count == PART else {"count": count}) | {
        "inputs": tally.inputs,
        "seconds": round(tally.seconds, 1),
        "megabytes": round(tally.memory / 2**20),
        "outcomes": dict(sorted(tally.kinds.items())),
        "functions": dict(sorted(tally.functions.items())),
        "faults": tally.faults,
    }


def again(own: dict[str, Any], name: str, base: int) -> None:
    """The parts with faults once more; what is no fault any longer has been mended."""
    for number, before in enumerate(own["parts"]):
        if before["faults"]:
            now = own["parts"][number] = kept_of(name, number, base, before.get("count", PART))
            left = {(f["call"], str(f["arguments"])) for f in now["faults"]}
            own["mended"] += [
                f for f in before["faults"] if (f["call"], str(f["arguments"])) not in left
            ]


def inputs(own: dict[str, Any]) -> int:
    return sum(part["inputs"] for part in own["parts"])


def faults(own: dict[str, Any]) -> list[dict[str, Any]]:
    return [fault for part in own["parts"] for fault in part["faults"]]


def summed(own: dict[str, Any]) -> dict[str, Any]:
    """What a report says of a family: the sums over its parts."""
    parts = own["parts"]

    def over(key: str) -> dict[str, int]:
        total: Counter[str] = Counter()
        for part in parts:
            total.update(part[key])
        return dict(sorted(total.items()))

    return {
        "inputs": inputs(own),
        "seconds": round(sum(part["seconds"] for part in parts)),
        "megabytes": max((part["megabytes"] for part in parts), default=0),
        "outcomes": over("outcomes"),
        "functions": over("functions"),
        "faults": faults(own),
        "mended": own["mended"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=whole_number(1), default=10_000, help="for each family")
    parser.add_argument("--only", nargs="*", choices=sorted(FAMILIES), help="these families alone")
    parser.add_argument("--seed", type=whole_number(0), default=0, help="where the draws begin")
    parser.add_argument(
        "--minutes", type=positive(), help="stop after so many, and go on another time"
    )
    parser.add_argument(
        "--chunk", type=whole_number(0), help="one part of a family again; keeps nothing"
    )
    parser.add_argument("--again", action="store_true", help="first the parts that had faults")
    parser.add_argument("--save", action="store_true", help=f"write {SAVED.relative_to(ROOT)}")
    options = parser.parse_args()
    names = options.only or list(FAMILIES)
    if options.chunk is not None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        for name in names:
            print(name, dict(part(name, options.chunk, options.seed, tell=True).kinds))
        return
    children.end_with_this()
    prepare()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if kept.get("seed") != options.seed:
        kept = {"seed": options.seed, "families": {}}
    families = kept["families"]
    for name in names:
        families.setdefault(name, {"parts": [], "mended": []})
        if options.again:
            again(families[name], name, options.seed)
            keep(kept)
    until = time.monotonic() + 60 * options.minutes if options.minutes else None
    while open_ones := [n for n in names if inputs(families[n]) < options.inputs]:
        if until is not None and time.monotonic() > until:
            break
        # The least tried first, so that a short run looks everywhere.
        name = min(open_ones, key=lambda n: inputs(families[n]))
        parts = families[name]["parts"]
        missing = options.inputs - inputs(families[name])
        parts.append(kept_of(name, len(parts), options.seed, min(PART, missing)))
        keep(kept)
    keep(kept)
    sums = {name: summed(own) for name, own in families.items()}
    report(sums)
    if options.save:
        saved = {"seed": options.seed, "families": sums}
        SAVED.write_text(json.dumps(saved, indent=1) + "\n")
    sys.exit(any(sums[name]["faults"] for name in names))


def keep(kept: dict[str, Any]) -> None:
    KEPT.parent.mkdir(exist_ok=True)
    partly = KEPT.with_suffix(".part")
    partly.write_text(json.dumps(kept, indent=1) + "\n")
    partly.replace(KEPT)


def report(sums: dict[str, Any]) -> None:
    kinds = ("answer", "refusal", "undecided", "fault")
    heads = ("inputs", "answers", "refusals", "undecided", "faults", "mended", "MB")
    print(f"{'family':14}" + "".join(f" {head:>9}" for head in heads))
    for name, own in sums.items():
        counts = [own["outcomes"].get(kind, 0) for kind in kinds]
        row = [own["inputs"], *counts, len(own["mended"]), own["megabytes"]]
        print(f"{name:14}" + "".join(f" {count:9}" for count in row))
        distinct = {(f["call"], re.sub(r"\d+", "0", f["why"])): f for f in own["faults"]}
        for fault in distinct.values():
            print(f"    {fault['call']} (part {fault['part']}): {fault['why']}")


if __name__ == "__main__":
    main()
