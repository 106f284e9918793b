"""What the landing page counts: what there is to solve on a page, and where a browser keeps it."""

from __future__ import annotations

import importlib
import json
import zipfile
from pathlib import Path

import pytest

import circuitkit as ck

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def progress(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "_ext"))
    return importlib.import_module("reader_progress")


def test_puzzles_levels_and_answers_are_what_there_is_to_solve(progress):
    page = "".join(
        widget._repr_mimebundle_()[0]["text/html"]
        for widget in (
            ck.CircuitWidget("abs", "abs"),
            ck.CircuitWidget("abs", "abs", challenge=ck.Challenge("a-puzzle", "Build it.")),
            ck.FeatureArrows(goal=0.2, challenge="some-arrows"),
            ck.FeatureArrows(trained=True),
            ck.Mystery(),
        )
    )
    page += '<div class="book-answer" data-label="One &amp; only" data-answer="2"></div>'
    keys = progress.to_solve("abs.html", page + page)
    assert keys[:2] == ["circuitkit:challenge:a-puzzle", "circuitkit:challenge:some-arrows"]
    assert keys[-1] == "book-answer:abs.html:One & only"
    assert len(keys) == 2 + 12 + 1


def test_the_landing_page_is_told_of_every_page_with_something_to_solve(progress, tmp_path):
    class App:
        outdir = tmp_path

        class builder:  # noqa: N801
            format = "html"

        class config:  # noqa: N801
            root_doc = "index"
            html_static_path: list[str] = []  # noqa: RUF012

        added: list[str] = []  # noqa: RUF012

        def add_js_file(self, name, **_):
            self.added.append(name)

    app, context = App(), {"body": "<p>The way in</p>"}
    progress.bring_script(app, app.config)
    assert (Path(app.config.html_static_path[0]) / "progress.js").exists()
    progress.start_counting(app, "chapters/abs", "page.html", {"body": ""}, None)
    assert app.added == []
    progress.start_counting(app, "index", "page.html", context, None)
    assert app.added == ["progress.js"]
    answer = '<div class="book-answer" data-label="a </script> b" data-answer="2"></div>'
    pages = {
        "index.html": context["body"],
        "chapters/abs.html": answer,
        "chapters/calm.html": "<p>Nothing to solve.</p>",
    }
    progress.say_what_there_is(tmp_path, pages)
    html = pages["index.html"]
    assert html.count("book-to-solve") == 1
    data = html.split('id="book-to-solve">')[1].split("</script>")[0]
    assert json.loads(data) == {"chapters/abs.html": ["book-answer:abs.html:a </script> b"]}


def test_the_zip_to_read_offline_is_the_same_for_the_same_pages(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    book = importlib.import_module("book")
    site = tmp_path / "site"
    (site / "_static").mkdir(parents=True)
    (site / "_static" / "a.js").write_text("1", "utf-8")
    (site / "index.html").write_text(
        '<link rel="preload" as="font" href="a.woff2" crossorigin><p>Read.</p>'
        '<p class="book-offline">A <a href="circuits-book.zip">zip</a>.</p>',
        "utf-8",
    )
    made = []
    for _ in range(2):
        book.pack(site, site / book.OFFLINE)
        made.append((site / book.OFFLINE).read_bytes())
        (site / "index.html").touch()
    assert made[0] == made[1]
    with zipfile.ZipFile(site / book.OFFLINE) as archive:
        assert sorted(archive.namelist()) == [
            "circuits-book/_static/a.js",
            "circuits-book/index.html",
        ]
        assert archive.read("circuits-book/index.html") == b"<p>Read.</p>"
