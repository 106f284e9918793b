"""Go through a page as a reader does: scroll to its end, unfold what is folded, start its widgets."""

from __future__ import annotations

import time

from playwright.sync_api import Page

#: milliseconds; for what comes within one on a quiet machine and within thirty on a busy one
PATIENCE = 120_000


def until(page: Page, condition: str, arg: object = None, pause: int = 50) -> None:
    """Wait until a condition holds, a function in JavaScript, asked every ``pause`` ms.

    Playwright's own ``wait_for_function`` evaluates a text within the page, which the book's policy forbids.
    """
    end = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(condition, arg):
        if time.monotonic() > end:
            raise TimeoutError(f"not true within {PATIENCE / 1000:.0f} s: {condition}")
        page.wait_for_timeout(pause)


def start_all(page: Page) -> int:
    # A widget that is folded away starts when its reader opens it.
    unfold(page)
    places = page.locator(".ck-static")
    for place in places.all():
        # What a busy machine draws late moves the page: follow the place until it is there.
        until(
            page,
            "e => { e.scrollIntoView({ block: 'nearest' }); return e.dataset.state === 'live'; }",
            arg=place.element_handle(),
        )
    settle(page)
    return places.count()


def unfold(page: Page) -> None:
    """Open all that is folded, within the widgets that have started, too."""
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")


def settle(page: Page) -> None:
    """Wait until no part of a widget moves any more: it is laid out anew some time after its page's width changed."""
    page.evaluate("window.before = null")
    until(
        page,
        """() => {
          const parts = document.querySelectorAll(".ck-widget, .ck-widget *");
          const now = JSON.stringify([...parts].map((e) => [e.offsetLeft, e.offsetTop, e.offsetWidth]));
          const is_still = now === window.before;
          window.before = now;
          return is_still;
        }""",
        pause=300,
    )


def scroll_through(page: Page) -> float:
    """Read to the end, and tell how much moved by itself on the way, as browsers count layout shift.

    A reader takes longer for a screen than a widget just below it takes to start, on a busy machine too.
    """
    page.evaluate(
        """async () => {
          const rest = (t) => new Promise((r) => setTimeout(() => requestAnimationFrame(r), t));
          const starting = () => [...document.querySelectorAll(".ck-static:not([data-state])")].some((e) => {
            const { top, bottom, height } = e.getBoundingClientRect();
            return height > 0 && top < innerHeight + 190 && bottom > -190;
          });
          for (let y = 0; y < document.documentElement.scrollHeight; y += 0.7 * innerHeight) {
            scrollTo({ top: y, behavior: "instant" });
            await rest(25);
            for (let tries = 0; starting() && tries < 100; tries += 1) await rest(50);
          }
          await rest(400);
        }"""
    )
    return page.evaluate(
        """() => new Promise((tell) => {
          new PerformanceObserver((list, observer) => {
            observer.disconnect();
            // The worst of the bursts: at most five seconds, and no second of rest in between.
            let worst = 0, burst = 0, first = 0, last = -Infinity;
            for (const { startTime, value, hadRecentInput } of list.getEntries()) {
              if (hadRecentInput) continue;
              if (startTime - last > 1000 || startTime - first > 5000) [burst, first] = [0, startTime];
              burst += value;
              last = startTime;
              worst = Math.max(worst, burst);
            }
            tell(worst);
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => tell(0), 1000); // nothing moved: nobody is told anything
        })"""
    )


def lay_out(page: Page) -> None:
    """Lay out what is far from the screen, too, which a browser puts off until a reader comes near."""
    page.add_style_tag(content="* { content-visibility: visible !important; }")
