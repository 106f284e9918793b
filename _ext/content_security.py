"""Every page says in a Content-Security-Policy what it may load and run: this site's own files, nothing else.

A book is served from places that send no headers of its own, so the policy is a ``meta`` tag, put into each
page after everything else has written it. Scripts in the page itself are allowed one by one, by the
hashes of what they are, taken here: an edited theme or a new script needs no edit of a list, and whatever
finds its way into a page afterwards is not run. What the policy still allows, and why:

- ``style-src 'unsafe-inline'``: figures, tables and widgets place things by style attributes;
- ``img-src data: blob:``: icons in style sheets, and drawings that a reader downloads;
- ``font-src data:``: fonts within a figure;
- ``connect-src 'self'``: the search page reads the pages that it quotes;
- ``'unsafe-hashes'``: the theme's two buttons (full screen, print) are ``onclick`` attributes, allowed by
  their hashes alone.

Not in a ``meta`` tag, but only in a header, could a page forbid to be framed by others (``frame-ancestors``).

Source: W3C, "Content Security Policy Level 3".
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from pathlib import Path

_SCRIPT = re.compile(r"<script\b(?P<attributes>[^>]*)>(?P<body>.*?)</script>", re.DOTALL | re.I)
_TYPE = re.compile(r"""\btype\s*=\s*["']?([^"'\s>]+)""")
_HANDLER = re.compile(r"""<[a-z][^<>]*?\son[a-z]+\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
_FIRST = re.compile(r"<head[^>]*>\s*(?:<meta charset=[^>]*>)?", re.I)
#: a script of another type is data, which nobody runs
_RUN = {"", "text/javascript", "application/javascript", "module"}


def say_what_is_allowed(site: Path, pages: dict[str, str]) -> None:
    """Write its policy into every page, as the last thing that is done to it."""
    # Those of all pages on each of them: the search page reads the others.
    known = dict.fromkeys(h for page in pages.values() for h in handlers(page))
    for address, page in pages.items():
        pages[address] = with_policy(page, known)


def handlers(page: str) -> list[str]:
    """What attributes such as ``onclick`` run.

    Example:
        >>> handlers('<button class="a" onclick="go(&#39;x&#39;)">')
        ["go('x')"]
    """
    return [html.unescape(a or b) for a, b in _HANDLER.findall(page)]


def with_policy(page: str, known: Iterable[str] = ()) -> str:
    """The page with its policy as the first thing that it says, in place of one said before.

    Example:
        >>> with_policy("<head></head><script>run()</script>")[:56]
        '<head><meta http-equiv="Content-Security-Policy" content'
        >>> "sha256" in with_policy("<head></head><script type='application/json'>{}</script>")
        False
    """
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(page, known)}">'
    return _FIRST.sub(lambda found: found[0] + meta, page, count=1)


def policy(page: str, known: Iterable[str] = ()) -> str:
    """What a page may load and run; ``known`` are handlers of other pages."""
    scripts = [
        found["body"]
        for found in _SCRIPT.finditer(page)
        if "src=" not in found["attributes"] and _kind(found["attributes"]) in _RUN
    ]
    called = dict.fromkeys([*known, *handlers(page)])
    allowed = [f"'{_hash(script)}'" for script in dict.fromkeys(scripts)]
    if called:
        allowed += ["'unsafe-hashes'", *(f"'{_hash(h)}'" for h in called)]
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src 'self'", *allowed]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
        ]
    )


def _kind(attributes: str) -> str:
    found = _TYPE.search(attributes)
    return found[1].lower() if found else ""


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
