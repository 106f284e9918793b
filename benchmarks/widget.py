"""How fast the widget answers the hand, what twenty of them cost a page, and what they weigh.

    python benchmarks/widget.py

Opens pages with the widget in headless Chromium and measures

- **input to paint**: from a pointer event that turns a weight to the frame in which the new network,
  heat map and verdict are painted, over 200 moves, for the smallest and the largest network of the
  book; and the part of it in which the page is busy (the rest is waiting for the screen's next frame);
- **twenty widgets**: the time until the page is loaded, how many widgets have started by then, and
  the longest frame while a reader scrolls through all of them;
- **size**: the script, style sheet and starter, gzipped.

Writes ``benchmarks/results/widget.json``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

import circuitkit as ck
from scripts.browsers import chromium

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "_ext"))
from circuit_widgets import assets  # noqa: E402

MOVES = 200
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

# A task queued from a frame's callback runs after that frame has been painted.
DRAG = """async (moves) => {
  const field = document.querySelector('.ck-weight');
  const box = field.getBoundingClientRect();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const fire = (type, dx) => field.dispatchEvent(new PointerEvent(type,
    {pointerId: 1, clientX: x + dx, clientY: y, button: 0, bubbles: true, isPrimary: true}));
  field.setPointerCapture = () => {};
  const channel = new MessageChannel();
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    channel.port1.onmessage = done;
    channel.port2.postMessage(0);
  }));
  fire('pointerdown', 0);
  const total = [];
  for (let k = 0; k < moves + 20; k += 1) {
    await new Promise((r) => setTimeout(r, 3 + (k % 16)));  // events come at any time of a frame
    const t0 = performance.now();
    fire('pointermove', 10 + 5 * (1 + (k % 30)));
    await painted();
    if (k >= 20) total.push(performance.now() - t0);
  }
  fire('pointerup', 10);
  return total;
}"""

# The widget's own callback runs first in the frame: time between the frame's start and its paint.
WORK = """async (moves) => {
  const field = document.querySelector('.ck-weight');
  const box = field.getBoundingClientRect();
  const fire = (type, dx) => field.dispatchEvent(new PointerEvent(type,
    {pointerId: 1, clientX: box.x + dx, clientY: box.y, button: 0, bubbles: true, isPrimary: true}));
  field.setPointerCapture = () => {};
  const channel = new MessageChannel();
  fire('pointerdown', 0);
  const busy = [];
  for (let k = 0; k < moves + 20; k += 1) {
    let start;
    requestAnimationFrame(() => { start = performance.now(); });  // queued before the widget's
    const t0 = performance.now();
    fire('pointermove', 10 + 5 * (1 + (k % 30)));
    const handled = performance.now() - t0;
    await new Promise((done) => requestAnimationFrame(() => {
      channel.port1.onmessage = done;
      channel.port2.postMessage(0);
    }));
    if (k >= 20) busy.push(handled + performance.now() - start);
  }
  fire('pointerup', 10);
  return busy;
}"""

SCROLL = """async () => {
  let last = performance.now(), longest = 0, frames = 0;
  const height = document.documentElement.scrollHeight;
  for (let y = 0; y < document.documentElement.scrollHeight - innerHeight; y += 60) {
    window.scrollTo(0, y);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    frames += 1;
    last = now;
  }
  return {longest, frames, height};
}"""


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:
        pass


def write_page(folder: Path, name: str, widgets: list[ck.CircuitWidget]) -> None:
    body = "".join(w._repr_mimebundle_()[0]["text/html"] for w in widgets)
    (folder / name).write_text(
        '<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8">'
        '<link rel="stylesheet" href="widget.css"><script defer src="widget.js"></script>'
        f'<body style="max-width:760px;margin:auto">{body}</body></html>',
        encoding="utf-8",
    )


def measure_drag(page: Page, address: str) -> dict[str, float]:
    page.goto(address)
    page.wait_for_selector(".ck-widget")
    page.wait_for_timeout(500)
    total, busy = page.evaluate(DRAG, MOVES), page.evaluate(WORK, MOVES)
    return {
        "input to paint, median ms": round(statistics.median(total), 1),
        "input to paint, 95th percentile ms": round(sorted(total)[int(0.95 * MOVES)], 1),
        "busy, median ms": round(statistics.median(busy), 1),
        "busy, 95th percentile ms": round(sorted(busy)[int(0.95 * MOVES)], 1),
    }


def measure_twenty(page: Page, address: str) -> dict[str, float]:
    page.goto(address, wait_until="load")
    loaded = page.evaluate("performance.timing.loadEventEnd - performance.timing.navigationStart")
    page.wait_for_timeout(500)
    started = page.locator(".ck-widget").count()
    scroll = page.evaluate(SCROLL)
    return {
        "load, ms": loaded,
        "started after loading": started,
        "started after scrolling": page.locator(".ck-widget").count(),
        "longest frame while scrolling, ms": round(scroll["longest"], 1),
        "frames": scroll["frames"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "widget.json")
    options = parser.parse_args()
    shipped = {name: text for name, text in assets().items() if "reader" not in name}
    sizes = {name: len(gzip.compress(text.encode(), 9)) for name, text in shipped.items()}
    result: dict[str, object] = {
        "machine": f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} before the start",
        "gzipped bytes": {**sizes, "together": sum(sizes.values())},
    }
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        for name, text in assets().items():
            (folder / name).write_text(text, encoding="utf-8")
        for name in ("identity", "min", "min4"):
            write_page(folder, f"{name}.html", [ck.CircuitWidget(name, name)])
        names = ("identity", "min", "abs", "min4")
        twenty = [ck.CircuitWidget(names[k % 4], names[k % 4], caption=str(k)) for k in range(20)]
        write_page(folder, "twenty.html", twenty)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        result["browser"] = f"Chromium {browser.version}, headless, software rendering"
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        for name in ("identity", "min", "min4"):
            label = "-".join(map(str, ck.circuit(name).layer_sizes))
            result[f"{name} ({label})"] = measure_drag(page, f"{address}/{name}.html")
        result["twenty widgets"] = measure_twenty(page, f"{address}/twenty.html")
        browser.close()
        server.shutdown()
    text = json.dumps(result, indent=2)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
