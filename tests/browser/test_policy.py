"""What a page may load and run: its Content-Security-Policy, as a browser takes it."""

from __future__ import annotations

import re

from conftest import HTML, built_pages, each

WIDGETS = "chapters/identity.html"


@each(built_pages(), "in its file")
def test_every_page_says_what_it_may_load_before_it_loads_anything(address):
    page = (HTML / address).read_text(encoding="utf-8")
    (meta,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    rules = dict(rule.split(" ", 1) for rule in meta.split("; "))
    assert rules["default-src"] == "'none'"
    assert "'unsafe-inline'" not in rules["script-src"]
    assert "'unsafe-eval'" not in rules["script-src"]
    assert not re.search(r"https?:|\*", meta)
    head = page[: page.index("Content-Security-Policy")]
    assert "<script" not in head
    assert "<link" not in head


def test_a_script_that_found_its_way_into_a_page_is_not_run(visit):
    seen = visit(WIDGETS)
    assert seen.problems == []
    seen.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.intruder = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", '<img src="x:" onerror="window.intruder = true">');
        }"""
    )
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("window.intruder") is None
    assert any("Content Security Policy" in error for error in seen.console_errors)


def test_a_search_reads_the_pages_that_it_quotes(visit):
    seen = visit("search.html?q=detector")
    seen.page.locator("#search-results li").first.wait_for()
    seen.page.wait_for_load_state("networkidle")
    assert seen.problems == []


def test_widgets_live_under_the_policy_from_a_disk(visit):
    seen = visit((HTML / WIDGETS).as_uri())
    seen.page.locator(".ck-widget").first.wait_for()
    assert not [e for e in seen.console_errors if "Content Security Policy" in e]
