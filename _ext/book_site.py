"""What the published book needs beyond ``_config.yml``.

- Launch and edit links to the repository that builds the book, so that a fork needs no edit.
- No page asks another host for anything, and none carries scripts that it does not use.
- A section that moved to another page is found under its old address, too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference_parts import FIRST, names_by_page
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

HERE = Path(__file__).resolve().parent
BINDER_HUB = "https://mybinder.org"
COLAB = "https://colab.research.google.com"
COLAB_BRANCH = "colab"  # which the workflow fills


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", name_the_book)
    app.connect("config-inited", link_to_repository)
    app.connect("html-page-context", drop_unused_scripts, priority=900)
    app.connect("html-page-context", open_in_colab, priority=900)
    app.connect("html-page-context", lead_on)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def name_the_book(app: Sphinx, config: Config) -> None:
    # Not in _config.yml: theme options given there would replace Jupyter Book's own.
    config.html_theme_options["logo"] = {"text": config.html_title, "alt_text": ""}
    config.html_theme_options["toc_title"] = "On this page"


# --- links to the repository -------------------------------------------------------------------


def repository(environ: Mapping[str, str], folder: Path) -> tuple[str, str] | None:
    """The web address and the branch of the repository that builds the book, or None.

    A workflow on GitHub says it in the environment; elsewhere git's remote ``origin`` does.
    """
    branch = environ.get("GITHUB_REF_NAME") or _git(folder, "branch", "--show-current") or "main"
    if environ.get("GITHUB_REF_TYPE") == "tag" or "/merge" in branch:
        branch = "main"
    if name := environ.get("GITHUB_REPOSITORY"):
        return f"{environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}", branch
    remote = _git(folder, "remote", "get-url", "origin")
    found = re.fullmatch(
        r"(?:https://(?:[^@/]+@)?|(?:ssh://)?git@)(?P<host>git(?:hub|lab)\.com)[:/]"
        r"(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?",
        remote,
    )
    return (f"https://{found['host']}/{found['name']}", branch) if found else None


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # no git: the book still builds, without these links
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def link_to_repository(app: Sphinx, config: Config) -> None:
    found = repository(os.environ, Path(app.srcdir))
    if not found:
        return
    url, branch = found
    options = config.html_theme_options
    options |= {
        "repository_url": url,
        "repository_branch": branch,
        "use_repository_button": True,
        "use_edit_page_button": True,
        "use_issues_button": True,
    }
    buttons = {**options.get("launch_buttons", {}), "binderhub_url": BINDER_HUB}
    if "GITHUB_REPOSITORY" in os.environ:  # the workflow, which also writes that branch
        buttons["colab_url"] = COLAB
    options["launch_buttons"] = buttons


def open_in_colab(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Colab opens the chapter with a first cell that installs what it needs there."""
    branch = app.config.html_theme_options.get("repository_branch")
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button.get("text") == "Colab":
                button["url"] = button["url"].replace(
                    f"/blob/{branch}/", f"/blob/{COLAB_BRANCH}/", 1
                )


# --- addresses that moved ----------------------------------------------------------------------


def _same(anchors: str) -> dict[str, str]:
    return {anchor: anchor for anchor in anchors.split()}


#: page -> page that some of its sections moved to -> old anchor -> new one
MOVED = {
    "chapters/features": {
        "chapters/claims": _same(
            "three-claims claim-1-features claim-2-circuits claim-3-universality "
            "from-photographs-to-functions"
        ),
    },
    "chapters/identity": {
        "chapters/watershed": {"a-watershed": "the-picture", "fig-watershed": "the-picture"},
    },
    "chapters/min": {
        "chapters/blocks": {
            "fig-min4-tree": "fig-min4-network",
            "fig-min-max": "and-the-maximum",
            **_same(
                "the-minimum-as-a-block four-numbers-from-three-blocks other-ways the-mirror-image "
                "the-average-less-half-the-distance and-the-maximum perfect-inside-wrong-outside "
                "fig-min4-network fig-min-average fig-min-decay "
                "fig-two-units ex-sorting ex-three-numbers ex-good-for-the-test ex-middle ex-cheapest"
            ),
        },
    },
    "chapters/experiments": {
        "chapters/traps": {
            "true-local-minima": "a-shelf-that-is-not-there",
            **_same(
                "the-shelves-of-the-minimum what-they-compute-and-why-they-stay "
                "blind-and-what-it-means learned-by-heart other-optimizers-other-starts "
                "first-the-learning-rates room fig-traps fig-tuned fig-grid fig-room ex-rescuer ex-blind"
            ),
        },
        "chapters/speed": _same("a-thousand-for-the-price-of-one"),
    },
    "chapters/detection": {
        "chapters/reading": {
            "deeper-networks": "how-it-reads",
            "the-decks-networks-read": "networks-that-nobody-made",
            "fresh-from-training-stuck-ones-included": "networks-that-nobody-made",
            **_same(
                "simplify-propose-certify a-scrambled-minimum-of-four "
                "why-there-is-guessing-in-it-at-all what-each-answer-promises where-it-fails "
                "how-good-is-it read-your-own-network fig-detection-scrambled"
            ),
        },
        "chapters/speed": {"and-how-good-is-the-prover": "what-a-proof-costs"},
    },
    # The names of the package, which were on this page with them, are found as Sphinx has them.
    "reference/api": {
        "reference/api-networks": _same("networks-and-functions"),
        "reference/api-circuits": _same("circuits the-catalogue"),
        "reference/api-expressions": _same("from-an-expression-to-a-network-and-back"),
        "reference/api-training": _same("training sweeps"),
        "reference/api-proof": _same("proof the-checker"),
        "reference/api-detection": _same("detection extraction-and-circuits-inside"),
        "reference/api-superposition": _same("superposition"),
        "reference/api-images": _same("images"),
        "reference/api-figures": _same("figures the-widget"),
    },
}


LEAD_ON = (
    "<script>for (const [place, anchors] of Object.entries(PLACES)) if (anchors.includes(location.hash.slice(1)))"
    ' location.replace(place.includes("#") ? place : place + location.hash);</script>'
)


def lead_on(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """An old address's fragment never reaches a server: the page itself has to know the new one."""
    moved = {page: dict(anchors) for page, anchors in MOVED.get(pagename, {}).items()}
    if pagename == FIRST:
        for page, names in names_by_page(app.env).items():
            anchors = " ".join(entry.node_id for entry in names.values())
            moved.setdefault(page, {}).update(_same(anchors))
    # An address with no anchor of its own is that of all the anchors that are called there as they were here.
    places: dict[str, list[str]] = {}
    for page, renamed in moved.items():
        uri = app.builder.get_relative_uri(pagename, page)
        for old, new in renamed.items():
            places.setdefault(uri if old == new else f"{uri}#{new}", []).append(old)
    if places and "body" in context:
        context["body"] += LEAD_ON.replace("PLACES", json.dumps(places))


# --- pages -------------------------------------------------------------------------------------


def drop_unused_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Thebe is off; its settings, printed twice, would be an error in the browser's console."""
    context["script_files"] = [
        script for script in context.get("script_files", []) if not _is_thebe(script)
    ]


def _is_thebe(script: Any) -> bool:
    body = getattr(script, "attributes", {}).get("body") or ""
    return "thebe" in str(getattr(script, "filename", script)).lower() or "THEBE" in body


def polish_pages(site: Path, pages: dict[str, str]) -> None:
    for address, html in pages.items():
        pages[address] = stack(polish(html), (site / address).parent)
    # 1.5 MB of script that draws the same icons as the fonts do; no page asks for it any more.
    (site / "_static" / "scripts" / "fontawesome.js").unlink(missing_ok=True)


def polish(html: str) -> str:
    """What the theme's templates leave no setting for."""
    for pattern, replacement in POLISH:
        html = pattern.sub(replacement, html)
    return html


def stack(html: str, folder: Path) -> str:
    """Figures of class ``stack-2`` or ``stack-3``: on a phone their panels stand one below the other.

    They are drawn side by side, equally wide. The same file is shown again for each panel, cropped
    to it; the style sheet says which of the images is seen.
    """
    return STACKED.sub(lambda found: _in_parts(found, folder), html)


STACKED = re.compile(
    r'(<figure class="[^"]*\bstack-(?P<n>\d)\b[^"]*"[^>]*>\s*)(?P<img><img [^>]*src="(?P<src>[^"]*)"[^>]*>)'
)


def _in_parts(found: re.Match[str], folder: Path) -> str:
    n = int(found["n"])
    drawn = (folder / found["src"]).read_text("utf-8")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)
    if not size:
        raise ExtensionError(f"book_site: expected a size in {found['src']}, got none")
    width, height = size.groups()
    parts = ""
    for i in range(n):
        style = (
            f"aspect-ratio:{float(width) / n:.1f}/{height};object-position:{100 * i // (n - 1)}% 0"
        )
        img = found["img"].replace("<img ", f'<img class="stack-part" style="{style}" ', 1)
        parts += img.replace('alt="', f'alt="Part {i + 1} of {n}. ', 1)
    whole = found["img"].replace("<img ", '<img class="stack-whole" ', 1)
    return found[1] + whole + parts


#: Style sheet for readers without JavaScript.
WITHOUT_SCRIPT = """
      .pst-js-only, .sidebar-toggle, .btn-fullscreen-button, .dropdown-toggle,
      .dropdown-menu button, form.bd-search { display: none !important; }
      .article-header-buttons .dropdown-menu { border: 0; display: flex; min-width: 0; position: static; }
      .book-contents { padding: 0 0.5rem; }
      @media screen and (max-width: 1199.98px) {
        .bd-content { flex-wrap: wrap; }
        body .bd-content .bd-sidebar-secondary { height: auto; margin: 0; max-height: none; max-width: none; position: static;
          visibility: visible; width: 100%; z-index: auto; }
      }
      @media screen and (min-width: 1200px) { .book-contents { display: none; } }
      @media screen and (max-width: 959.98px) {
        .bd-container .bd-container__inner { flex-direction: column; }
        body .bd-container .bd-sidebar-primary { height: auto; margin: 0; max-height: none; max-width: none; order: 2; position: static;
          visibility: visible; width: 100%; z-index: auto; }
      }
"""
#: Where scripts open the contents on a small screen, this leads to them: they stand below the text.
_TO_THE_CONTENTS = '<noscript><a class="book-contents" href="#{0}">{1}</a></noscript>'

POLISH = [
    (re.compile(pattern, re.DOTALL), replacement)
    for pattern, replacement in [
        (r'<script defer src="[^"]*/fontawesome\.js[^"]*"></script>\s*', ""),
        # A bar above the whole page that holds a second search field and a second menu button;
        # the theme's script wants the element and binds the first menu button that it finds.
        (r'(<header id="pst-header"[^>]*)>.*?</header>', r"\1 hidden></header>"),
        # An advertisement's place.
        (
            r'<div class="sidebar-primary-item">\s*<div id="ethical-ad-placement".*?</div>\s*</div>',
            "",
        ),
        # The reference lists classes and functions beside it, not every method: the theme watches each of these.
        # What has a class in its name, which begins with a capital, is inside of one.
        (
            r'<li class="toc-h\d [^"]*"><a [^>]*href="#circuitkit\.(?:\w+\.)*[A-Z]\w*\.\w+">(?:(?!</li>).)*</li>\s*',
            "",
        ),
        (r'<ul class="[^"]*\bsection-nav\b[^"]*">\s*</ul>', ""),
        # A comma after a formula begins no line.
        (
            r"(<math\b(?:(?!</math>).)*</math>)</span>([,.;:!?)\]]+)",
            r'<span class="math-end">\1\2</span></span>',
        ),
        # Where no script chooses, the colors are the light ones: for "auto" there are none.
        (r'(<html [^>]*data-theme=)"auto"', r'\1"light"'),
        # Firefox fetches the next page ahead, on whatever connection, and the policy of the pages says no to it, as
        # an error in the console; the way on stands below every chapter.
        (r'<link rel="(?:next|prev)"[^>]*>\s*', ""),
        # The theme's copy of a tag that Sphinx writes.
        (r'<meta name="viewport" content="width=device-width, initial-scale=1"\s*/>\s*', ""),
        # Without JavaScript what only a script answers is not shown, and the downloads stand there open.
        (r"\.pst-js-only \{ display: none !important; \}\s*", WITHOUT_SCRIPT),
        *(
            (
                rf'(?=<button class="sidebar-toggle {side}-toggle )',
                _TO_THE_CONTENTS.format(f"pst-{side}-sidebar", name),
            )
            for side, name in [("primary", "Contents"), ("secondary", "On this page")]
        ),
        # What a screen reader needs: the logo's side bar as a landmark, lists that hold items.
        (
            r'<div id="pst-primary-sidebar" ',
            '<div id="pst-primary-sidebar" role="complementary" aria-label="Book" ',
        ),
        # Who speaks to the computer says what is seen: "Search", and the keys beside it.
        (
            r'(<button class="btn search-button-field[^>]*?) title="Search" aria-label="Search"',
            r"\1",
        ),
        # What unfolds the pages below another is a bare arrow.
        (
            r'(<a [^>]*>([^<]*)</a><details[^>]*><summary)(?=><span class="toctree-toggle")',
            r'\1 aria-label="\2: its pages"',
        ),
        (r'role="doc-biblioentry"', 'role="listitem"'),
        (r'<summary aria-label="Toggle hidden content">', "<summary>"),
        # Every exercise's inner box has one name, which nothing leads to; a page has each name once.
        (r'(<section) id="(?:exercise|solution)-content"', r"\1"),
        # The corner of a data frame heads nothing.
        (
            r'<th(?: class="(?:blank|index_name)[^"]*")?( colspan="\d+")?(?: halign="\w+")?\s*>'
            r"(?:&nbsp;|\s)*</th>",
            r"<td\1></td>",
        ),
    ]
]
