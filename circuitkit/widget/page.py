"""What a widget brings along: its script and style sheet as one source each, and its place in a page."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import anywidget

from circuitkit import palette
from circuitkit.rules import RULES

__all__ = [
    "AGAIN",
    "CARRIED",
    "LANGUAGE",
    "MODULES",
    "PICTURE",
    "STATIC",
    "Added",
    "PageWidget",
    "joined",
    "key_of",
    "language_script",
    "module_source",
    "page_html",
    "page_script",
    "palette_variables",
    "style_source",
]

#: what stands around the parts that an exported notebook needs, so that a book can take them out
CARRIED = ("<!-- circuitkit's widgets -->", "<!-- end of circuitkit's widgets -->")
#: the metadata of an output that is only there for a notebook that is opened again
PICTURE = "circuitkit-picture"
#: what stands below such a picture
AGAIN = "A picture: run this cell again, and it can be turned."
STATIC = Path(__file__).parent / "static"
#: the modules of the widget in the order in which they need one another
MODULES = ("mathematics", "naming", "state", "dom", "graph", "training", "drawing", "view")
#: what reads functions that are typed: a script of its own, for the widgets that ask for one
LANGUAGE = ("choices", "expression")

_RULES_TEXT = json.dumps(RULES, separators=(",", ":"))
_IMPORT_RULES = re.compile(r'^import (\w+) from "\.\./\.\./rules\.json" with .*;$', re.MULTILINE)
_IMPORT_ALL = re.compile(r'^import \* as (\w+) from "\./(\w+)\.mjs";$', re.MULTILINE)
_IMPORT_NAMES = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.mjs";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)


@cache
def module_source() -> str:
    """The widget's modules joined into one, as Jupyter and the page load it.

    Each module becomes a constant, the object of its exports, and each import from a neighbor reads
    that constant; the default export of ``view.mjs`` is the export of the whole, and every module is
    an export by its name. Nothing else is rewritten: the source that runs is the source in
    ``static/``.
    """
    names = ", ".join(f"module_{name} as {name}" for name in MODULES)
    return f"{joined(MODULES)}export {{ {names} }};\nexport default module_{MODULES[-1]}.default;\n"


@cache
def page_script() -> str:
    """The same as one classic script that brings a page's widgets to life, from a disk too.

    It may stand in a page more than once. Its modules are in ``window.circuitkit``, where another
    script finds them and adds to ``renderers``.
    """
    return (
        "(() => {\nif (window.circuitkit) return;\n"
        f"{joined((*MODULES, 'start'))}"
        f"window.circuitkit = {{ {_named(MODULES)}, renderers: module_start.renderers }};\n}})();\n"
    )


@cache
def language_script() -> str:
    """The modules that read functions, for a page that has loaded the shared ones; it may come twice."""
    return (
        f"(() => {{\nif (window.circuitkit.{LANGUAGE[-1]}) return;\n"
        f"const {{ {_named(MODULES)} }} = window.circuitkit;\n{joined(LANGUAGE)}"
        f"Object.assign(window.circuitkit, {{ {_named(LANGUAGE)} }});\n}})();\n"
    )


def _named(modules: Iterable[str]) -> str:
    return ", ".join(f"{name}: module_{name}" for name in modules)


def joined(modules: Iterable[str]) -> str:
    """The modules as constants, each after those that it imports."""
    parts = []
    for name in modules:
        source = (STATIC / f"{name}.mjs").read_text(encoding="utf-8")
        # A number of JSON is one of JavaScript, and so is the rest.
        source = _IMPORT_RULES.sub(lambda m: f"const {m.group(1)} = {_RULES_TEXT};", source)
        source = _IMPORT_ALL.sub(r"const \1 = module_\2;", source)
        source = _IMPORT_NAMES.sub(r"const {\1} = module_\2;", source)
        exports = [match.group(1) for match in _EXPORT.finditer(source)]
        source = _EXPORT.sub("", source)
        default = re.search(r"^export default (.*);$", source, re.MULTILINE)
        if default:
            source = source.replace(default.group(0), "")
            exports.append(f"default: {default.group(1)}")
        parts.append(
            f"const module_{name} = (() => {{\n{source}\nreturn {{ {', '.join(exports)} }};\n}})();\n"
        )
    return "".join(parts)


@cache
def style_source() -> str:
    """The widget's style sheet."""
    return (STATIC / "view.css").read_text(encoding="utf-8")


class Added:
    """Another widget's own modules and its style sheet, beside what all widgets share.

    The last module gives it its name, its style sheet, and what draws it, the default export; ``reads`` says
    whether it reads functions that are typed.
    """

    def __init__(self, *modules: str, reads: bool = False) -> None:
        self.modules = modules
        self.reads = reads
        self.shared = (*MODULES, *LANGUAGE) if reads else MODULES
        self.name = modules[-1]

    @cached_property
    def module_source(self) -> str:
        """The shared modules and its own joined into one, as Jupyter loads them."""
        return (
            f"{joined((*self.shared, *self.modules))}export default module_{self.name}.default;\n"
        )

    @cached_property
    def page_script(self) -> str:
        """Its own modules as a classic script, for a page that has loaded the shared ones."""
        return (
            f"(() => {{\nconst {{ {_named(self.shared)} }} = window.circuitkit;\n{joined(self.modules)}"
            f"window.circuitkit.renderers.{self.name} = module_{self.name}.default;\n}})();\n"
        )

    @cached_property
    def style_source(self) -> str:
        """The rules that it needs beside the shared ones."""
        return (STATIC / f"{self.name}.css").read_text(encoding="utf-8")


class PageWidget(anywidget.AnyWidget):
    """A widget that is live in Jupyter and runs by itself in a published page."""

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view for Jupyter and, beside it, HTML that runs by itself."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = dict(data or {})
        data["text/plain"] = repr(self)
        lives = self._static_html()
        data["text/html"] = lives + _carried(self)
        _leave_picture(lives)
        return data, metadata

    #: what it has beside what all widgets share
    _added: Added | None = None

    def _page_parts(self) -> tuple[str, ...]:
        """What its HTML needs in a page of its own: style sheets and scripts, as HTML."""
        parts: tuple[str, ...] = (
            f"<style>{style_source()}.ck-picture{{display:none}}</style>",
            f"<script>{page_script()}</script>",
        )
        own = self._added
        if own is None:
            return parts
        if own.reads:
            parts = (*parts, f"<script>{language_script()}</script>")
        return (*parts, f"<style>{own.style_source}</style>", f"<script>{own.page_script}</script>")

    def _static_html(self) -> str:
        raise NotImplementedError


#: part -> the cell of this kernel's notebook that carries it
_carriers: dict[str, Any] = {}


def _carried(widget: PageWidget) -> str:
    """What a widget's HTML needs, in the first cell of a notebook that shows one: exports live by it.

    A cell that runs again carries it again. The book has these parts as files and takes them out.
    """
    shell = _kernel_shell()
    if shell is None:
        return ""
    metadata = shell.get_parent().get("metadata", {})
    cell = metadata.get("cellId", shell.execution_count)
    parts = [part for part in widget._page_parts() if _carriers.setdefault(part, cell) == cell]
    return f"{CARRIED[0]}{''.join(parts)}{CARRIED[1]}" if parts else ""


def _leave_picture(lives: str) -> None:
    """A picture in an output of its own, before the widget's, for the day that the notebook is opened again.

    A notebook that was saved has no model of its widgets: Jupyter shows nothing of them until their cells run.
    The live view hides this picture, and so do the styles of an exported page; the book takes it out.
    """
    shell = _kernel_shell()
    if shell is None:
        return
    key, inside = re.fullmatch(
        r'<div class="ck-static" data-key="([^"]*)"[^>]*>(.*)<script type="application/json">.*',
        lives,
        re.DOTALL,
    ).groups()  # type: ignore[union-attr]
    # Drawn for a page whose style sheet it does not have: on white.
    ground = "background:#fff;color:#1d2430;padding:4px 12px"
    html = (
        f'<div class="ck-picture" data-key="{key}" style="{ground}">{inside}'
        f"<p><i>{AGAIN}</i></p></div>"
    )
    data = {"text/html": html, "text/plain": AGAIN}
    shell.display_pub.publish(data=data, metadata={PICTURE: True})


def _kernel_shell() -> Any:
    """The shell of this notebook's kernel, or None."""
    interactive = sys.modules.get("IPython")
    shell = None if interactive is None else interactive.get_ipython()
    return shell if shell is not None and hasattr(shell, "kernel") else None


def page_html(state: dict[str, Any], still: str, module: str = "widget") -> str:
    """What stands in the page: the state as data for the script, and what shows without one.

    Args:
        state: the traits' values, with the key of this place in ``_config``.
        still: HTML.
        module: which of the page's scripts brings it to life.
    """
    data = json.dumps(state, separators=(",", ":"))
    # Nothing in the data can end the script element or start another.
    for sign in "<>&\u2028\u2029":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    other = "" if module == "widget" else f' data-module="{module}"'
    return (
        f'<div class="ck-static" data-key="{state["_config"]["key"]}"{other}>{still}'
        f'<script type="application/json">{data}</script></div>'
    )


def key_of(state: Any) -> str:
    """What names a widget in a shared address: the same in every build of the same page."""
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:10]


def palette_variables() -> dict[str, str]:
    """The palette's colors, for the widget's style sheet."""
    names = (
        "INPUT",
        "HIDDEN",
        "OUTPUT",
        "BIAS",
        "POSITIVE",
        "ZERO",
        "NEGATIVE",
        "NETWORK",
        "TARGET",
    )
    return {f"palette-{name.lower()}": getattr(palette, name) for name in names}
