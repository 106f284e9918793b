"""The contract of the public docstrings: what it computes, arguments, errors, an example, the source."""

import ast
import builtins
import inspect
import re
from functools import cached_property
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType

import pytest

import circuitkit as ck
from circuitkit import check, circuits, palette, plotting
from circuitkit.sweeps import store
from circuitkit.training import outcomes, task

ROOT = Path(__file__).parents[1]
API = "".join(
    page.read_text(encoding="utf-8") for page in sorted((ROOT / "reference").glob("api-*.md"))
)

#: a summary that begins so names the value; any other tells what is done, and the value is in "Returns:"
NAMES_THE_VALUE = re.compile(
    r"(The|A|An|What|Which|Whether|How|One|Every|Two|Nested) |The inverse of"
)


def functions_of(module):
    names = getattr(module, "__all__", vars(module))
    return {n: f for n in names if inspect.isfunction(f := getattr(module, n)) and n[0] != "_"}


def public():
    """Every public function and class: ``circuitkit``'s, and those of the modules in the reference."""
    found = {n: getattr(ck, n) for n in ck.__all__ if not isinstance(getattr(ck, n), ModuleType)}
    del found["catalogue"]  # data
    for module in (circuits, plotting, outcomes):
        name = module.__name__.rpartition(".")[2]
        for function, value in functions_of(module).items():
            if value not in found.values():
                found[f"{name}.{function}"] = value
    # the module ck.check, called, is its function
    return found | {
        "check": check.check,
        "check.verify": check.verify,
        "check.Rejected": check.Rejected,
    }


PUBLIC = public()


def members_of(cls):
    """A class's own public methods and properties, by name."""
    kinds = (property, cached_property, classmethod, staticmethod)
    for name, member in vars(cls).items():
        if name == "__call__" or (
            not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, kinds))
        ):
            yield name, member


MEMBERS = {
    f"{name}.{member}": value
    for name, cls in PUBLIC.items()
    if inspect.isclass(cls)
    for member, value in members_of(cls)
}
EVERYTHING = PUBLIC | MEMBERS
PROPERTIES = {n for n, m in MEMBERS.items() if isinstance(m, (property, cached_property))}
#: what takes arguments: functions, classes and methods
CALLABLES = {n: v for n, v in EVERYTHING.items() if n not in PROPERTIES}


def text_of(value):
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, cached_property):
        value = value.func
    # not a docstring that is inherited
    own = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    return inspect.cleandoc(own or "")


def sections(value):
    """The docstring's parts by name, the text before the first of them as ``""``."""
    parts, name = {"": []}, ""
    for line in text_of(value).splitlines():
        head = re.fullmatch(r"(\w+):", line)
        if head:
            name = head[1]
        elif re.match(r"Source: ", line):
            name = "Source"
            line = line.removeprefix("Source: ")
        elif line and not line.startswith(" ") and name not in ("", "Source"):
            name = ""  # back to plain text
        elif not line and name == "Source":
            name = ""
        parts.setdefault(name, [])
        if not head:
            parts[name].append(line)
    return {n: inspect.cleandoc("\n".join(lines)) for n, lines in parts.items()}


def entries(section):
    """``a: ...`` and ``a, b: ...`` of a section, a name to its text."""
    found = {}
    for entry in re.split(r"\n(?! |\n)", section):
        names, colon, text = entry.partition(":")
        if colon and text.strip() and re.fullmatch(r"\w+(,\s+\w+)*", names):
            found |= dict.fromkeys(re.split(r",\s+", names), text.strip())
    return found


def parameters_of(name):
    value = CALLABLES[name]
    if inspect.isclass(value) and issubclass(value, Exception) and "__init__" not in vars(value):
        return {}
    if isinstance(value, (classmethod, staticmethod)):
        skip, value = isinstance(value, classmethod), value.__func__
    else:
        skip = name in MEMBERS
    found = list(inspect.signature(value).parameters.values())[skip:]
    return {p.name: p for p in found if not p.name.startswith("_")}


def returns(name):
    value = CALLABLES[name]
    function = getattr(value, "__func__", value)
    return str(inspect.signature(function).return_annotation)


def examples(value):
    return "\n".join(re.findall(r"^ *(?:>>>|\.\.\.) (.*)", text_of(value), re.MULTILINE))


def examples_of_class(name):
    cls = name.rpartition(".")[0]
    own = [PUBLIC[cls], *(v for n, v in MEMBERS.items() if n.startswith(f"{cls}."))]
    return "\n".join(examples(value) for value in own)


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_first_line_says_in_a_sentence_what_it_is(name):
    summary, _, rest = text_of(EVERYTHING[name]).partition("\n")
    assert summary.endswith((".", '"."')), summary
    assert not rest or rest.startswith("\n"), "a blank line after the summary"


@pytest.mark.parametrize("name", CALLABLES)
def test_every_argument_is_explained_and_nothing_that_is_none(name):
    parts = sections(CALLABLES[name])
    arguments = entries(parts.get("Args", ""))
    fields = entries(parts.get("Attributes", ""))
    wanted = set(parameters_of(name))
    assert wanted - set(arguments) - set(fields) == set()
    assert set(arguments) - wanted == set()
    # a field that is no argument is one that an instance has
    cls = CALLABLES[name]
    known = wanted | set(getattr(cls, "__annotations__", ())) | set(dir(cls))
    if not (inspect.isclass(cls) and issubclass(cls, Exception)):
        assert set(fields) - known == set()


#: what takes an argument and refuses none, with the reason
REFUSES_NOTHING = {
    "Approximation": "made by approximate, of what it has proved",
    "CircuitWidget.get_state": "ipywidgets' protocol",
    "CircuitWidget.set_state": "ipywidgets' protocol; what does not fit is sent back",
    "Decompilation": "made by decompiled, of what it has checked",
    "Detection": "made by detect, of what it has checked",
    "Extraction": "made by extract, of what it has checked",
    "Kink": "made by kinks, of what it has read",
    "NotDecompiled": "an error, made by decompile",
    "NotLearned": "an error, made by learn",
    "Proof": "made by prove, of what it has checked",
    "Subcircuits": "made by subcircuits, of what it has checked",
    "TrainingRun": "made by train, of what it has checked",
    "Undecided": "an error, made by prove",
    "Unit": "made by detect, of what it has checked",
    "check": "False for whatever is malformed",
}


@pytest.mark.parametrize("name", CALLABLES)
def test_what_an_argument_can_do_wrong_is_said(name):
    raised = sections(CALLABLES[name]).get("Raises", "")
    if not parameters_of(name) or name in REFUSES_NOTHING:
        assert not raised or name not in REFUSES_NOTHING, "not in the list, then"
        return
    found = entries(raised)
    assert found
    for error in found:
        known = getattr(builtins, error, None) or getattr(ck, error, None) or getattr(check, error)
        assert issubclass(known, Exception), error


@pytest.mark.parametrize("name", EVERYTHING)
def test_an_example_shows_it(name):
    last = name.rpartition(".")[2]
    if name in PROPERTIES:
        assert examples_of_class(name)
    elif name.endswith(".__call__"):
        assert examples(EVERYTHING[name])
    elif name in MEMBERS:
        assert re.search(rf"\.{last}\(", examples_of_class(name))
    else:
        assert re.search(rf"\b{last}\b", examples(EVERYTHING[name]))


@pytest.mark.parametrize("name", [n for n in CALLABLES if not inspect.isclass(CALLABLES[n])])
def test_what_comes_back_is_said(name):
    value, back = CALLABLES[name], returns(name)
    if back == "None":
        return
    if "Axes" in back or not NAMES_THE_VALUE.match(text_of(value)):
        assert sections(value).get("Returns")


#: what rests on the deck or on a publication: the words of its "Source:" line that say on which
SOURCES = {
    "approximate": ["Yarotsky (2017)", "Imai and Iri (1986)"],
    "Network": ["How a Single Neuron Works"],
    "Rate": ["Wilson (1927)"],
    "Unit": ["Identity Function: Features", "Subtraction: Features"],
    "check": ["Beta-CROWN"],
    "check.verify": ["Beta-CROWN"],
    "circuits.absolute": ["Absolute Value"],
    "circuits.add": ["Addition"],
    "circuits.identity": ["Identity Function: More Precisely"],
    "circuits.maximum": ["this book"],
    "circuits.maximum_of_five": ["this book", "Bakaev et al."],
    "circuits.maximum_of_six": ["this book", "msun170/relu-max6"],
    "circuits.minimum": ["Minimum Function"],
    "circuits.minimum_by_average": ["this book"],
    "circuits.minimum_four": ["Minimum of four: Circuit"],
    "circuits.minimum_two_layers": ["Minimum Function: Simplified"],
    "circuits.negation": ["Negative Identity Function"],
    "circuits.subtract": ["Subtraction"],
    "compile_expression": ["Arora et al. (2018)"],
    "decompile": ["Paulsen, Wang, Wang"],
    "decompiled": ["Paulsen, Wang, Wang"],
    "detect": ["Next Steps"],
    "enclose_error": ["Moore (1966)"],
    "extract": ["Hadad, Katz and Bassan (2026)"],
    "kinks": ["this book"],
    "learn": ["Levenberg (1944)", "Marquardt (1963)"],
    "outcomes.ways_of_being_stuck": ["Lu et al. (2020)"],
    "plotting.blocks": ["Minimum of four: Circuit"],
    "plotting.direction": ["Features", "Zoom In"],
    "plotting.legend": ["Legend"],
    "plotting.network": ["Legend", "Identity Function: Examples"],
    "plotting.neuron": ["How a Single Neuron Works"],
    "plotting.relu": ["The ReLU Activation Function"],
    "prove": ["Ehlers (2017)", "Beta-CROWN"],
    "subcircuits": ["Next Steps", "Pati et al. (1993)"],
    "success_rates": ["Wilson (1927)"],
    "train": ["Experimental Results"],
}
#: what rests on no publication, by the reason; methods and properties rest on what their class does
NO_SOURCE = {
    "holds values, and computes none": (
        "Approximation Cell Challenge Decompilation Detection Extraction Kink NotDecompiled NotLearned Proof Subcircuits TrainingRun Undecided check.Rejected"
    ),
    "reads, looks up, joins or runs what others compute": (
        "Target at_most_active circuit compose grid parallel sweep target outcomes.name_outcomes"
        " outcomes.worst_errors"
    ),
    "shows what others compute": (
        "CircuitWidget FeatureArrows Gallery LossShelves Mystery Typed WeightPlane WeightsReader plotting.filters plotting.function plotting.heatmap plotting.history"
        " plotting.rate_grid plotting.rates plotting.regions plotting.setup plotting.stuck"
        " plotting.weights"
    ),
}


def test_every_name_has_a_source_or_a_reason_to_have_none():
    without = [n for names in NO_SOURCE.values() for n in names.split()]
    assert sorted([*SOURCES, *without]) == sorted(PUBLIC)
    for name in without:
        assert "Source" not in sections(PUBLIC[name]), name


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_is_named_and_is_there(name):
    source = " ".join(sections(PUBLIC[name]).get("Source", "").split())
    for words in SOURCES[name]:
        assert words in source
    slides = (ROOT / "reference" / "slides.txt").read_text(encoding="utf-8")
    if "the deck" in source:
        titles = re.findall(r'"(.+?)"', source.partition("the deck")[2].partition(";")[0])
        assert [title for title in titles if title not in slides] == []
        assert titles


NUMBERS = re.compile(r"\bint\b|\bfloat\b|Fraction")
ARRAYS = re.compile(r"Array")
#: words that say which numbers: a bound, a default that tells the unit, a count
RANGE = re.compile(
    r"\d|positive|count|how many|seconds|any |as for |infinite|low < high|``low == high``|\(low, high\)`` for\s+each",
    re.IGNORECASE,
)
SHAPE = re.compile(
    r"shape|``\(|one (number|array)|number|two weights|point|values of", re.IGNORECASE
)


@pytest.mark.parametrize("name", CALLABLES)
def test_a_number_has_a_range_and_an_array_a_shape(name):
    parts = sections(CALLABLES[name])
    said = entries(parts.get("Attributes", "")) | entries(parts.get("Args", ""))
    for argument, parameter in parameters_of(name).items():
        kind = str(parameter.annotation)
        if ARRAYS.search(kind):
            assert SHAPE.search(said[argument]), argument
        elif NUMBERS.search(kind) and "Mapping" not in kind:
            assert RANGE.search(said[argument]), argument


@pytest.mark.parametrize("cls", [n for n, c in PUBLIC.items() if inspect.isclass(c)])
def test_what_an_instance_carries_is_named_in_its_class(cls):
    value = PUBLIC[cls]
    carried = {*getattr(value, "__annotations__", ()), *vars(value)} - {
        n.rpartition(".")[2] for n in MEMBERS if n.startswith(f"{cls}.")
    }
    text = text_of(value)
    named = set(re.findall(r"``(\w+)``", text))
    for part in ("Args", "Attributes"):
        named |= set(entries(sections(value).get(part, "")))
    assert {n for n in carried if not n.startswith("_")} - named == set()


def in_the_reference():
    """Every object that the reference documents, under its full name."""
    found, at = set(), ""
    for kind, name, options in re.findall(
        r"^\.\. (currentmodule|auto\w+):: (\S+)\n((?:   :.*\n)*)", API, re.MULTILINE
    ):
        if kind == "currentmodule":
            at = name
        elif kind == "automodule":
            left_out = re.findall(r":exclude-members: (.*)", options)
            listed = re.findall(r":members: (.+)", options)
            module = ck_module(name)
            members = listed[0].split(", ") if listed else getattr(module, "__all__", vars(module))
            out = left_out[0].split(", ") if left_out else []
            found |= {f"{name}.{m}" for m in members if m not in out}
        else:
            found.add(name if "." in name else f"{at}.{name}")
            if kind == "autoclass":
                assert re.search(":(no-)?members:", options), name
    return found


def ck_module(name):
    """The module or class of that name; a module is imported, whoever has done so before or not."""
    return resolve_name(name)


def test_the_reference_documents_every_public_name():
    documented = in_the_reference()
    wanted = {"circuitkit.check.check" if n == "check" else f"circuitkit.{n}" for n in PUBLIC}
    wanted = {n.replace(".outcomes.", ".training.outcomes.") for n in wanted}
    assert wanted - documented == set()


def test_the_reference_documents_nothing_that_is_not_there():
    for name in in_the_reference():
        module, _, last = name.rpartition(".")
        assert hasattr(ck_module(module), last), name


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (palette, [n for n in vars(palette) if n.isupper()]),
        (outcomes, ["OUTCOMES"]),
        (task, ["OPTIONS"]),
        (store, ["COLUMNS"]),
    ],
)
def test_every_constant_in_the_reference_says_what_it_is(module, names):
    lines = Path(module.__file__).read_text(encoding="utf-8").splitlines()
    tree = ast.parse("\n".join(lines))
    said = set()
    comment_for = set()  # one comment serves the constants that follow it without a blank line
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name):
            above = lines[node.lineno - 2]
            if above.startswith("#:") or node.lineno - 1 in comment_for:
                said.add(target.id)
                comment_for.add(node.end_lineno)
    assert set(names) - said == set()
