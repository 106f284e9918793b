"""Every widget of the built book, on its own page: it starts, it answers, and nothing is asked of others."""

from __future__ import annotations

import pytest
from accessible import violations
from conftest import HTML, built_pages
from starting import settle, start_all, unfold

import circuitkit as ck

#: What a reader of a phone, half a screen, a tablet and a desk sees.
WIDTHS = (360, 640, 768, 1280)

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

PAGES = [name for name in built_pages() if 'class="ck-static"' in (HTML / name).read_text("utf-8")]


@pytest.mark.parametrize("name", PAGES)
def test_every_widget_starts_and_answers_with_all_other_hosts_blocked(visit, name):
    seen = visit(name)
    page = seen.page
    start_all(page)
    for drawing in page.locator(".ck-drawing").all():
        field = drawing.locator(".ck-weight:not([readonly])").first
        before = float(field.get_attribute("aria-valuenow"))
        field.focus()
        page.keyboard.press("ArrowUp")
        assert float(field.get_attribute("aria-valuenow")) != before
    assert seen.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_any_widget_and_none_is_wider_than_a_phone(visit, name, theme):
    seen = visit(name, width=380, color_scheme=theme)
    page = seen.page
    start_all(page)
    unfold(page)
    settle(page)
    assert violations(page, ".ck-widget") == []
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )


@pytest.mark.parametrize("name", PAGES)
def test_every_control_of_every_widget_is_large_enough_and_answers_at_its_center(visit, name):
    page = visit(name).page
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        start_all(page)
        unfold(page)
        settle(page)
        found = page.evaluate(PRESS_ALL)
        assert found["count"] > 0
        assert found["faults"] == [], f"at {width} px"


def test_what_is_opened_read_or_typed_answers_at_its_center_too(show):
    rows = [[2, -2], [-1.5, 1.5], [1, 1], [-2, -2], [1.5, 1], [-3, -2], [0.5, 2]]
    crowd = ck.Network([rows, [[0.25, 0.33, 0.5, -0.25, 6, -3, 0.01]]])
    seven = " + ".join(f"|x{i}|" for i in range(1, 8))
    page = show(ck.Gallery(chosen="median_of_three"), ck.WeightsReader(crowd), ck.Typed(seven))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        start_all(page)
        found = page.evaluate(PRESS_ALL)
        assert found["count"] > 130
        assert found["faults"] == [], f"at {width} px"
