"""What a frame of the live pictures costs: 1,024 networks in the plane of a unit, and 1,024 tiles that fall.

    python -m benchmarks.pictures

Opens a page with each picture in headless Chromium, at 1280 x 900, lets all its networks go and measures, until the last one has come to rest,

- **processor milliseconds a frame** of the page's thread, which a busy machine makes only little longer;
- **frames a second**, which a busy machine makes fewer; the screen shows at most 60.

The best of three rounds counts. Writes ``chapters/data/pictures.json``, which the book reads.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import threading
from dataclasses import asdict, dataclass
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

import circuitkit as ck
from benchmarks.widget import FLAGS, Handler, assets
from scripts.arguments import positive
from scripts.browsers import chromium

RESULTS = Path(__file__).resolve().parents[1] / "chapters" / "data" / "pictures.json"
NETWORKS, ROUNDS = 1024, 3

# The picture asks for frames itself; each is counted where it is drawn.
LET_GO = """() => new Promise((done) => {
  const button = document.querySelector(".ck-widget .ck-primary");
  const times = [];
  const ask = window.requestAnimationFrame;
  window.requestAnimationFrame = (draw) => ask((now) => {
    draw(now);
    times.push(now);
  });
  const look = () => {
    if (button.textContent !== "Once more") return setTimeout(look, 20);
    window.requestAnimationFrame = ask;
    return done(times);
  };
  button.click();
  setTimeout(look, 100);
})"""


@dataclass(frozen=True)
class Frames:
    """What the frames of one fall took."""

    frames: int
    milliseconds: float  # of the processor, for each
    per_second: float


def frames(page: Page) -> Frames:
    """Let the networks of the page's first picture go, and wait until all have come to rest."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def thread_seconds() -> float:
        told = session.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in told if each["name"] == "ThreadTime")

    before = thread_seconds()
    times = page.evaluate(LET_GO)
    seconds = thread_seconds() - before
    session.detach()
    span = times[-1] - times[0]
    return Frames(len(times), 1000 * seconds / len(times), 1000 * (len(times) - 1) / span)


def pictures(n: int) -> dict[str, Any]:
    """The live pictures with so many networks, as the chapters show them."""
    run = ck.train("min", (3,), seeds=n, steps=2000, learning_rate=0.5, progress=False)
    return {
        "the plane of a unit": ck.WeightPlane(seeds=n, line=True),
        "networks on their shelves": ck.LossShelves(run, shelves={0.0474: "the best two units"}),
    }


def page_of(widget: Any) -> str:
    """A page with this picture alone."""
    body = widget._repr_mimebundle_()[0]["text/html"]
    added = "plane" if 'data-module="plane"' in body else "shelves"
    return (
        '<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>Picture</title>'
        '<link rel="stylesheet" href="widget.css"><script defer src="widget.js"></script>'
        f'<link rel="stylesheet" href="{added}.css"><script defer src="{added}.js"></script>'
        f"<style>body{{margin:0 auto;max-width:760px}}</style>{body}"
    )


def main() -> None:
    """Measure both pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--share",
        type=positive(1),
        default=1.0,
        help="share of the networks; below 1 nothing is kept",
    )
    share = parser.parse_args().share
    n = max(8, round(NETWORKS * share))
    result: dict[str, Any] = {"networks": n, "pictures": {}}
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        for file, text in assets().items():
            (folder / file).write_text(text, encoding="utf-8")
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=name))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for title, widget in pictures(n).items():
            (folder / "picture.html").write_text(page_of(widget), encoding="utf-8")
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"http://127.0.0.1:{server.server_port}/picture.html")
            page.wait_for_selector(".ck-widget .ck-primary")
            rounds = [frames(page) for _ in range(ROUNDS)]
            page.close()
            best = min(rounds, key=lambda each: each.milliseconds)
            told = {**asdict(best), "per_second": max(each.per_second for each in rounds)}
            result["pictures"][title] = {
                key: round(value, 1) if isinstance(value, float) else value
                for key, value in told.items()
            }
        result["browser"] = f"Chromium {browser.version}, headless, without a GPU"
        browser.close()
        server.shutdown()
    result["system"] = platform.machine()
    print(json.dumps(result, indent=1))
    if share >= 1.0:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
