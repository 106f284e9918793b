"""What is done to the built pages to make them fast, on a site of two pages."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "_ext"))

import circuit_widgets  # noqa: E402
import finishing  # noqa: E402
import page_images  # noqa: E402
import page_scripts  # noqa: E402
import page_styles  # noqa: E402
from sphinx.errors import ExtensionError  # noqa: E402

HEAD = """<html><head>
    <link rel="stylesheet" href="{root}_static/theme.css?digest=1" />
    {widget}<link rel="stylesheet" type="text/css" href="{root}_static/book.css?v=2" />
    <script src="{root}_static/documentation_options.js?v=3"></script>
    <script>DOCUMENTATION_OPTIONS.search_as_you_type = false;</script>
    <script src="{root}_static/searchtools.js"></script>
    <script src="{root}searchindex.js"></script></head>
<body><article class="bd-article"><p class="used"><img src="{root}_static/a.svg" alt="A"/></p></article>
<script defer src="{root}_static/scripts/pydata-sphinx-theme.js?digest=1"></script></body></html>"""


@pytest.fixture
def site(tmp_path) -> Path:
    files = {
        "search.html": HEAD.format(root="", widget=""),
        "chapters/one.html": HEAD.format(
            root="../", widget='<link rel="stylesheet" href="../_static/folder/widget.css" />'
        ),
        "old.html": "<html><head><script>location.replace('chapters/one.html')</script></head></html>",
        "searchindex.js": "Search.setIndex({})",
        "_static/theme.css": '@import "basic.css"; @charset "UTF-8"; .unused, .used {top: 0}',
        "_static/basic.css": "html {left: 0} .never {left: 1}",
        "_static/folder/widget.css": ".made {background: url('dot.png')} :root {--read-nowhere: 1}",
        "_static/book.css": "@media print {p {top: 1} .never {top: 2}} p::after {content: '.never{'}",
        "_static/documentation_options.js": "const DOCUMENTATION_OPTIONS = {};\n//# sourceMappingURL=documentation_options.js.map",
        "_static/searchtools.js": "let Search = {};",
        "_static/scripts/pydata-sphinx-theme.js": 'function I(){}"made";'
        + "\n".join(old for old, _, _ in page_scripts._INSTEAD["pydata-sphinx-theme.js"]),
        "_static/a.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt"></svg>',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def done(step, site):
    """One step alone, as all of them are done."""
    app = SimpleNamespace(outdir=site, builder=SimpleNamespace(format="html"))
    before, finishing.STEPS = finishing.STEPS, (step,)
    try:
        finishing.finish(app, RuntimeError("a build that failed"))
        finishing.finish(app, None)
    finally:
        finishing.STEPS = before


@pytest.mark.parametrize("module", [page_images, page_styles])
def test_the_examples_in_the_extensions_hold(module):
    assert doctest.testmod(module).failed == 0


def test_all_sheets_become_one_that_has_what_the_pages_and_scripts_use(site):
    done(page_styles.join_styles, site)
    css = (site / page_styles.SHEET).read_text("utf-8").replace(" ", "")
    assert ".used{" in css
    assert "html{" in css  # what a sheet imports
    assert (
        "url(folder/dot.png)" in css
    )  # a class that a script makes, its picture found from the new place
    assert "@mediaprint{p{" in css
    for gone in (".unused", ".never,", ".never{left", ".never{top", "--read-nowhere", "charset"):
        assert gone not in css
    one, search = (
        (site / name).read_text("utf-8") for name in ("chapters/one.html", "search.html")
    )
    assert one.count("stylesheet") == search.count("stylesheet") == 1
    assert 'href="../_static/site.css?v=' in one
    assert 'href="_static/site.css?v=' in search
    assert not (site / "_static" / "theme.css").exists()


def test_what_all_pages_run_becomes_one_script_and_search_stays_where_one_searches(site):
    done(page_scripts.join_scripts, site)
    one, search = (
        (site / name).read_text("utf-8") for name in ("chapters/one.html", "search.html")
    )
    assert one.count("<script") == 1
    assert '<script defer src="../_static/site.js?v=' in one
    order = ["_static/site.js", "_static/searchtools.js", "searchindex.js"]
    assert [search.index(name) for name in order] == sorted(search.index(name) for name in order)
    assert search.count("<script defer ") == search.count("<script") == 3
    script = (site / page_scripts.SCRIPT).read_text("utf-8")
    assert "DOCUMENTATION_OPTIONS.search_as_you_type = false" in script
    assert "sourceMappingURL" not in script
    assert "location.replace" in (site / "old.html").read_text("utf-8")


def test_a_rule_for_a_name_that_a_script_completes_is_kept(tmp_path):
    script = tmp_path / "widget.js"
    script.write_text(
        "e.className=`edge edge-${w>0?'more':'less'}`;f.className='fate-'+k;"
        "s.getPropertyValue(`--map-${name}`);x-y;",
        "utf-8",
    )
    used = page_styles.Used.by(["<html><p></p></html>"], [script])
    css = ".edge.edge-more,.fate-0,.x-flex{top:0}p{--map-zero:red;--other:red}"
    assert page_styles.purge(css, used) == ".edge.edge-more,.fate-0{top:0}p{--map-zero:red}"


@pytest.mark.parametrize("name", page_scripts._INSTEAD)
def test_what_holds_a_page_up_is_replaced_and_another_version_of_a_script_stops_the_build(
    name, tmp_path
):
    script = tmp_path / name
    replaced = page_scripts._INSTEAD[name]
    script.write_text("\n".join(old for old, _, _ in replaced), "utf-8")
    source = page_scripts._source(script, {})
    assert all(new in source for _, new, _ in replaced)
    assert not any(old in source for old, _, _ in replaced)
    for missing, _, expected in replaced:
        others = [old for old, _, _ in replaced if old != missing]
        script.write_text("\n".join(others), "utf-8")
        with pytest.raises(ExtensionError, match=f"expected {expected}, once in {name}"):
            page_scripts._source(script, {})


def test_a_sheet_that_cannot_be_read_and_opposite_orders_stop_the_build():
    with pytest.raises(ExtensionError, match="in line 2"):
        page_styles.purge("a {}\n}", page_styles.Used(frozenset({"a"})))
    with pytest.raises(ExtensionError, match="opposite orders"):
        page_styles.in_order([["a", "b"], ["b", "a"]])


def test_a_picture_in_the_text_has_its_size_and_waits(site):
    done(page_images.size_images, site)
    html = (site / "chapters" / "one.html").read_text("utf-8")
    assert '<img width="96" height="48" loading="lazy" decoding="async"' in html
    assert "--wide:96.00px;--ratio:2.0000" in html
    (site / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\x10")
    assert page_images.natural_size(site / "b.png") == (256, 16)
    assert page_images.natural_size(site / "search.html") is None
    assert page_images.svg_size("<svg>") is None
    assert page_images.svg_size('<svg viewBox="0 0 20 10" height="5">') == (10, 5)


def test_every_step_is_done_once_and_the_policy_last():
    names = [step.__name__ for step in finishing.STEPS]
    assert len(set(names)) == len(names)
    assert names[-1] == "say_what_is_allowed"  # of the page as it stays
    assert names.index("join_scripts") < names.index("join_styles")  # which reads the scripts


def test_room_is_kept_free_for_each_widget_and_none_where_the_widgets_are_others():
    assert doctest.testmod(circuit_widgets).failed == 0
    assert all(len(row) == 4 for rows in circuit_widgets.HEIGHTS.values() for row in rows)
    two = '<div class="ck-static">' * 2
    assert circuit_widgets.keep_free(two, [(1, 2, 3, 4)]) == two
