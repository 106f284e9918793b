"""The browser that measures the built pages, and the pages that it is to measure."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """The path of ``$CHROMIUM``, or of the first of these that is there; stops where there is none."""
    asked = os.environ.get("CHROMIUM")
    found = shutil.which(asked) if asked else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and asked:
        sys.exit(f"error: CHROMIUM: expected a program, got {asked!r}, which is none")
    if found is None:
        sys.exit(f"error: expected a browser, one of {', '.join(NAMES)}; found none")
    return found


def named(asked: Sequence[str], there: Sequence[str]) -> list[str]:
    """The pages that are asked for, such as chapters/min; stops at the first that is not there."""
    pages = [name.removesuffix(".html") for name in asked]
    if unknown := [name for name in pages if name not in there]:
        sys.exit(f"error: argument pages: expected any of {', '.join(there)}; got {unknown[0]!r}")
    return pages
