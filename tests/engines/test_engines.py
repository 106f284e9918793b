"""Every page of the built book in Firefox and in WebKitGTK."""

from __future__ import annotations

import pytest
from conftest import HTML, Engine, until

PAGES = sorted(
    str(path.relative_to(HTML))
    for folder in (HTML, HTML / "chapters", HTML / "reference")
    for path in folder.glob("*.html")
    if path.name != "404.html" and 'http-equiv="refresh"' not in path.read_text("utf-8")
)

OUTSIDE = """() => performance.getEntriesByType("resource").map((entry) => entry.name)
  .filter((name) => !/^(http:\\/\\/127\\.0\\.0\\.1:|data:|blob:)/.test(name))"""
#: Scrolls to the first widget that is not live; true when all are.
ALL_LIVE = """() => {
  document.querySelectorAll("details:not([open])").forEach((d) => { d.open = true; });
  const waiting = [...document.querySelectorAll(".ck-static")].find((e) => e.dataset.state !== "live");
  waiting?.scrollIntoView({ block: "center", behavior: "instant" });
  return !waiting;
}"""
#: Formulas that are drawn as nothing, and a page that is wider than its window.
BROKEN = """() => {
  const flat = [...document.querySelectorAll("main math")].filter(
    (e) => e.checkVisibility() && e.getBoundingClientRect().width === 0);
  const root = document.documentElement;
  return [...flat.map((e) => `no formula: ${e.outerHTML.slice(0, 80)}`),
    ...(root.scrollWidth > root.clientWidth ? [`wider than the window: ${root.scrollWidth}`] : [])];
}"""


@pytest.mark.parametrize("address", PAGES)
def test_the_page_is_whole_and_every_widget_lives(
    address: str, engine: Engine, book_url: str
) -> None:
    engine.open(f"{book_url}/{address}")
    until(engine, ALL_LIVE)
    assert engine.evaluate(BROKEN) == []
    assert engine.evaluate(OUTSIDE) == []
    assert engine.errors() == []


def test_a_weight_is_typed_and_the_sentence_answers(engine: Engine, book_url: str) -> None:
    engine.open(f"{book_url}/index.html")
    until(engine, ALL_LIVE)
    sentence = "() => document.querySelector('.ck-verdict').textContent"
    before = engine.evaluate(sentence)
    assert before.startswith("✗")
    fields = [".ck-weight[aria-label='weight from x to hidden unit {}']",
              ".ck-weight[aria-label='weight from hidden unit {} to the output']"]  # fmt: skip
    for unit, weight in ((1, "1"), (2, "-1")):
        for field in fields:
            engine.type(field.format(unit), weight)
    until(
        engine,
        "() => document.querySelector('.ck-verdict').textContent.includes('for every input')",
    )


def test_the_search_finds_a_chapter(engine: Engine, book_url: str) -> None:
    engine.open(f"{book_url}/search.html?q=identity")
    until(engine, "() => document.querySelectorAll('#search-results li').length > 0")
    first = engine.evaluate(
        "() => document.querySelector('#search-results li a').getAttribute('href')"
    )
    assert first.startswith("chapters/identity.html")
