"""What axe-core finds on a page that keeps somebody from using it.

axe 4.14.1 lies beside this file as npm ships it (Mozilla Public License 2.0, see its folder): the
packages on PyPI that bring it are some versions behind, and rules are what a version is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

VERSION = "4.14.1"
#: The rules that look at colors: of the same page in other colors, the only ones that can find anything new.
COLORS = ("color-contrast", "link-in-text-block")


@cache
def _script() -> str:
    folder = Path(__file__).resolve().parent / "vendor" / "axe-core"
    return (folder / "axe.min.js").read_text("utf-8")


def violations(
    page: Page, context: str | None = None, *, rules: Sequence[str] | None = None
) -> list[str]:
    """One line a rule that is broken within the selector ``context``, or anywhere; all rules, or these."""
    page.evaluate(_script())
    found: dict[str, Any] = page.evaluate(
        """([context, rules]) => axe.run(context ?? document, {
          resultTypes: ['violations'], ...(rules ? { runOnly: { type: 'rule', values: rules } } : {}),
        })""",
        [context, rules],
    )
    assert found["testEngine"]["version"] == VERSION
    return [
        f"{rule['id']}: {rule['help']}; {len(rule['nodes'])} of them, first "
        f"{', '.join(str(node['target'][-1]) for node in rule['nodes'][:4])}"
        for rule in found["violations"]
    ]
