"""Start the widgets of a page, as a reader does who scrolls through all of it and unfolds what is folded."""

from __future__ import annotations

from playwright.sync_api import Page


def start_all(page: Page) -> int:
    # A widget that is folded away starts when its reader opens it.
    unfold(page)
    places = page.locator(".ck-static")
    for place in places.all():
        # What a busy machine draws late moves the page: follow the place until it is there.
        page.wait_for_function(
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
    page.wait_for_function(
        """() => {
          const parts = document.querySelectorAll(".ck-widget, .ck-widget *");
          const now = JSON.stringify([...parts].map((e) => [e.offsetLeft, e.offsetTop, e.offsetWidth]));
          const is_still = now === window.before;
          window.before = now;
          return is_still;
        }""",
        polling=300,
    )
