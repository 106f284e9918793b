"""One walk through a page for all that is asked of it: opening it and starting its widgets costs most.

A walk only looks and notes; that what it noted is right, one test each says. Tests of the same walk are run in
one process (``each`` in conftest.py), which takes it once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accessible import COLORS, violations
from conftest import Visit, after_transitions
from playwright.sync_api import Page
from starting import lay_out, scroll_through, settle, start_all, unfold, until

#: What a reader of a phone, half a screen, a tablet and a desk sees.
WIDTHS = (360, 640, 768, 1280)
SCHEMES = ("light", "dark")

#: Presses the center of every control of every widget, and a slider's thumb: which are small, which are
#: covered, which overlap another one of their widget.
PRESS_ALL = """() => {
  const faults = [];
  const boxes = [];
  document.querySelectorAll(".ck-widget").forEach((widget, k) => {
    for (const control of widget.querySelectorAll("button, input, select, textarea, a[href], summary, [role=slider]")) {
      control.scrollIntoView({ block: "center", behavior: "instant" });
      const { x, y, width, height } = control.getBoundingClientRect();
      if (width === 0 || control.disabled) continue;
      const name = `${k}, ${control.getAttribute("aria-label") || control.innerText || control.className}`;
      if (width < 24 || height < 24) faults.push(`small: ${name}: ${width} x ${height}`);
      const places = [x + width / 2];
      if (control.type === "range") {
        places.push(x + 8 + ((control.value - control.min) / (control.max - control.min)) * (width - 16));
      }
      for (const place of places) {
        const hit = document.elementFromPoint(place, y + height / 2);
        if (!control.contains(hit)) faults.push(`covered: ${name}: by ${hit?.outerHTML.slice(0, 80)}`);
      }
      boxes.push({ k, name, x: x + scrollX, y: y + scrollY, width, height });
    }
  });
  boxes.forEach((p, i) => boxes.slice(0, i).forEach((q) => {
    const wide = Math.min(p.x + p.width, q.x + q.width) - Math.max(p.x, q.x);
    const high = Math.min(p.y + p.height, q.y + q.height) - Math.max(p.y, q.y);
    if (p.k === q.k && wide > 2 && high > 2) faults.push(`overlap: ${p.name} and ${q.name}`);
  }));
  return { faults, count: boxes.length };
}"""

#: What stands where on a page, to say which section is long.
SECTIONS = """() => [...document.querySelectorAll("main section > h2")].map(
    (h) => `${Math.round(h.parentElement.getBoundingClientRect().height)} px: ${h.innerText.trim()}`)"""

#: What reaches over the edge of a page that is wider than its screen.
WIDE = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  return [...document.querySelectorAll('main *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 40)}`)
    .slice(0, 8).concat(['(the page is wider than the screen)']);
}"""

#: Formulas that are wider than their place and do not say so, and what is not drawn with the book's font.
ILL_SET = """async () => {
    document.querySelectorAll("details").forEach((d) => (d.open = true));
    await document.fonts.ready;
    const fonts = [...document.fonts].filter((f) => /stix/i.test(f.family) && f.status === "loaded");
    const shows_that_it_goes_on = (e) => {
        const style = getComputedStyle(e);
        const attached = style.backgroundAttachment.split(", ");
        const shadows = style.backgroundImage.match(/gradient/g) ?? [];
        return attached.includes("scroll") && attached.includes("local") && shadows.length === 4;
    };
    const is_wide = (e) => {
        const block = e.closest("p, li, dd, dt, td, th, figcaption, h1, h2, h3, caption");
        if (!block || block.closest(".pst-scrollable-table-container")) return false;
        return e.getBoundingClientRect().right > block.getBoundingClientRect().right + 1;
    };
    const displayed = [...document.querySelectorAll("div.math")].filter((e) => e.scrollWidth > e.clientWidth + 1);
    const drawn = [...document.querySelectorAll("main math")].filter((e) => e.checkVisibility());
    const named = (fault, all) => all.map((e) => `${fault}: ${e.textContent.slice(0, 60)}`);
    return [
        ...(fonts.length ? [] : ["the font did not come"]),
        ...named("cut", displayed.filter((e) => !shows_that_it_goes_on(e))),
        ...named("nothing", drawn.filter((e) => !e.getBoundingClientRect().width)),
        ...named("too wide", drawn.filter((e) => e.matches("span.math *") && is_wide(e))),
    ];
}"""


@dataclass
class Desk:
    """What was seen of a page at a desk, 1280 px wide."""

    shift: float  # of the layout, while it was read to its end
    leaps: list[str]  # widgets that took other room than was kept free for them
    sizes: dict[str, int]  # file -> bytes, gzipped, of all that was loaded until then
    text: str
    height: int  # with every widget drawn, and folded what comes folded
    sections: list[str]
    violations: dict[str, list[str]]  # color scheme -> what axe found, with everything unfolded
    controls: dict[int, dict]  # width -> what came of pressing every control of every widget
    mute: list[str]  # weights in widgets that an arrow key did not turn
    problems: list[str]


@dataclass
class Phone:
    """What was seen of a page on a phone, 380 px wide."""

    shift: float
    leaps: list[str]
    wide: list[str]
    wide_unfolded: list[str]
    ill_set: list[str]  # formulas, on a page that has some
    violations: dict[
        str, list[str]
    ]  # color scheme -> what axe found in widgets, with everything unfolded


def kept_free(page: Page) -> list[float | None]:
    """How tall each place of a widget is that waits for its own yet."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".ck-static")].map(
            (e) => (e.dataset.state || !e.checkVisibility() ? null : e.getBoundingClientRect().height))"""
    )


def taken(page: Page, free: list[float | None]) -> list[str]:
    """Widgets that took far more or less than was kept free for them: the scroll bar leaps, and so may the page."""
    places = page.evaluate(
        """() => [...document.querySelectorAll(".ck-static")].map(
            (e) => [e.dataset.state, e.getBoundingClientRect().height])"""
    )
    return [
        f"widget {i}: {before:.0f} px kept free, {now:.0f} taken; run scripts/heights.py"
        for i, (before, (state, now)) in enumerate(zip(free, places, strict=True))
        if before and state == "live" and abs(now - before) > max(40, 0.12 * now)
    ]


def at_a_desk(visit: Callable[..., Visit], address: str) -> Desk:
    seen = visit(address)
    page = seen.page
    free = kept_free(page)
    shift, sizes = scroll_through(page), dict(seen.sizes)
    leaps = taken(page, free)
    lay_out(page)
    text = page.inner_text("main")
    # As a reader finds it: what is folded stays folded, and every widget has been drawn.
    folded = page.evaluate_handle("[...document.querySelectorAll('details:not([open])')]")
    has_widgets = start_all(page) > 0
    folded.evaluate("all => all.forEach((d) => { d.open = false; })")
    after_transitions(page)
    height = page.evaluate("document.documentElement.scrollHeight")
    sections = page.evaluate(SECTIONS)
    # Contents folded away are part of the page too, and a reader with a keyboard can scroll what came near.
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    scroll_through(page)
    after_transitions(page)
    found = in_each_scheme(page)
    controls, mute = {}, []
    if has_widgets:
        controls = {width: pressed(page, width) for width in WIDTHS}
        mute = turned_in_vain(page)
    return Desk(
        shift, leaps, sizes, text, height, sections, found, controls, mute, list(seen.problems)
    )


def on_a_phone(visit: Callable[..., Visit], address: str) -> Phone:
    page = visit(address, width=380, height=800).page
    free = kept_free(page)
    shift = scroll_through(page)
    leaps = taken(page, free)
    lay_out(page)
    wide = page.evaluate(WIDE)
    has_widgets = start_all(page) > 0
    unfold(page)
    settle(page)
    ill_set, unfolded = page.evaluate(ILL_SET), page.evaluate(WIDE)
    found = in_each_scheme(page, ".ck-widget") if has_widgets else {}
    return Phone(shift, leaps, wide, unfolded, ill_set, found)


def in_each_scheme(page: Page, context: str | None = None) -> dict[str, list[str]]:
    """What axe finds in light, and what it finds in the colors when the page follows its browser into the dark."""
    found = {"light": violations(page, context)}
    page.emulate_media(color_scheme="dark")
    until(page, "() => document.documentElement.dataset.theme === 'dark'")
    after_transitions(page)
    return {**found, "dark": violations(page, context, rules=COLORS)}


def pressed(page: Page, width: int) -> dict:
    """What came of pressing every control of every widget in a window that wide."""
    page.set_viewport_size({"width": width, "height": 900})
    start_all(page)
    unfold(page)
    settle(page)
    return page.evaluate(PRESS_ALL)


def turned_in_vain(page: Page) -> list[str]:
    """The drawings of which the arrow key does not turn the first weight."""
    mute = []
    for drawing in page.locator(".ck-drawing").all():
        field = drawing.locator(".ck-weight:not([readonly])").first
        before = float(field.get_attribute("aria-valuenow"))
        field.focus()
        page.keyboard.press("ArrowUp")
        if float(field.get_attribute("aria-valuenow")) == before:
            mute.append(field.get_attribute("aria-label"))
    return mute
