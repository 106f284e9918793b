"""Readers with a keyboard alone, on paper, without JavaScript: each page is for them, too."""

from __future__ import annotations

from io import BytesIO

import pytest
from conftest import HTML, after_transitions, built_pages
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect
from starting import lay_out, scroll_through, start_all, unfold, until

PAGES = built_pages()
WITH_WIDGETS = [p for p in PAGES if 'class="ck-static"' in (HTML / p).read_text("utf-8")]
#: one of each kind: the landing page, a chapter with widgets, exercises and folded parts, a reference, the search
KINDS = ["index.html", "chapters/identity.html", "reference/api-networks.html", "search.html"]

#: What has the focus: its kind, by which a control is tried once a page, its name and its place.
FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const { x, y, width, height } = e.getBoundingClientRect();
  const styled = [...e.classList].filter((name) => !/^(ck-(long|off|selected|frozen)|active|current)$/.test(name));
  return { kind: [e.tagName, e.type ?? "", ...styled].join(" "), x, y, width, height,
    name: (e.getAttribute("aria-label") || e.innerText || e.title || e.className).trim().slice(0, 60) };
}"""
FEWEST = 50  # pixels that have to change where the focus goes


def pixels_changed(page: Page, place: dict[str, float]) -> int:
    """How many pixels in and around a control look otherwise while it has the focus."""
    size = page.viewport_size
    left, top = max(0.0, place["x"] - 8), max(0.0, place["y"] - 8)
    clip = {
        "x": left,
        "y": top,
        "width": min(place["x"] + place["width"] + 8, size["width"]) - left,
        "height": min(place["y"] + place["height"] + 8, size["height"]) - top,
    }
    assert clip["width"] > 0 and clip["height"] > 0, f"out of sight: {place}"

    def seen() -> Image.Image:
        return Image.open(BytesIO(page.screenshot(clip=clip, animations="disabled"))).convert("L")

    focused = seen()
    page.evaluate("() => { window.kept = document.activeElement; kept.blur(); }")
    plain = seen()
    page.evaluate("() => kept.focus({ focusVisible: true, preventScroll: true })")
    return sum(ImageChops.difference(focused, plain).histogram()[31:])


@pytest.mark.parametrize(
    ("address", "color_scheme"),
    [
        ("chapters/identity.html", "light"),
        ("chapters/identity.html", "dark"),
        ("index.html", "dark"),
        ("search.html", "light"),
    ],
)
def test_the_keyboards_focus_is_seen_on_every_kind_of_control(address, color_scheme, visit):
    page = visit(address, color_scheme=color_scheme, reduced_motion="reduce").page
    page.evaluate("document.querySelectorAll('main details').forEach((d) => { d.open = true; })")
    tried: dict[str, str] = {}
    pale = []
    for _ in range(400):
        page.keyboard.press("Tab")
        place = page.evaluate(FOCUSED)
        if place is None:
            break
        if place["kind"] in tried or not place["width"]:
            continue
        tried[place["kind"]] = place["name"]
        if (changed := pixels_changed(page, place)) < FEWEST:
            pale.append(f"{place['name']} ({place['kind']}): {changed} pixels")
    else:
        pytest.fail("the focus never came to the end of the page")
    assert pale == []
    assert len(tried) >= 8, tried


@pytest.mark.parametrize("address", [p for p in WITH_WIDGETS if p in KINDS])
def test_a_link_leads_the_keyboard_past_each_widget(address, visit):
    page = visit(address).page
    start_all(page)
    for place in page.locator(".ck-static").all():
        link = place.locator(".ck-skip").first
        link.focus()
        expect(link).to_have_text("Skip this widget")
        assert link.bounding_box()["height"] >= 24
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert place.evaluate(
            """e => {
              const at = document.activeElement;
              return !e.contains(at) && Boolean(e.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING);
            }"""
        )
    expect(page.locator(".ck-skip").first).to_have_css("width", "1px")


def test_the_contents_mark_the_section_on_screen_after_a_leap_past_all_headings(visit):
    page = visit("chapters/universality.html").page
    marked = """() => document.querySelector("#pst-page-toc-nav a[aria-current]")?.hash ?? "" """
    last = page.locator("#pst-page-toc-nav a").last.evaluate("e => e.hash")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    until(page, f"() => ({marked})() !== ''")
    page.evaluate("scrollTo(0, 0)")
    until(page, f"() => ({marked})() !== {last!r}")
    assert page.evaluate(marked) == ""


def test_a_formula_is_copied_as_it_was_typed(visit):
    page = visit("chapters/identity.html").page
    copied = page.evaluate(
        """() => {
          const place = [...document.querySelectorAll(".bd-article p")].find((p) => p.querySelector("math"));
          getSelection().selectAllChildren(place);
          const event = new ClipboardEvent("copy", { clipboardData: new DataTransfer(), cancelable: true });
          document.dispatchEvent(event);
          return [event.defaultPrevented, event.clipboardData.getData("text/plain"),
            place.querySelector("math").dataset.tex];
        }"""
    )
    assert copied[0]
    assert f"${copied[2]}$" in copied[1]
    assert "\n" not in copied[1].strip()


def test_an_example_far_down_the_page_gets_its_button_and_is_copied_without_prompts(visit):
    """Buttons are made when their example comes near the screen."""
    page = visit("reference/api-training.html").page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    example = page.locator("div.highlight:has(.gp)").last
    button = example.locator("button.copybtn")
    expect(button).to_have_count(0)
    scroll_through(page)
    expect(button).to_have_count(1)
    shown = example.locator("pre").inner_text().splitlines()
    typed = [line[4:] for line in shown if line.startswith((">>> ", "... "))]
    assert 0 < len(typed) < len(shown)
    example.hover()
    button.click()
    expect(button).to_have_attribute("data-tooltip", "Copied!")
    assert page.evaluate("navigator.clipboard.readText()").splitlines() == typed


def test_every_root_sign_is_drawn_and_left_sides_stand_at_their_equals_signs(visit):
    font = TTFont(HTML / "_static" / "fonts" / "stix-two-math.woff2")
    assert ord("√") in font.getBestCmap()
    page = visit("chapters/watershed.html").page
    unfold(page)
    lay_out(page)
    gaps = page.evaluate(
        """() => [...document.querySelectorAll(".math-aligned mtr")].map((row) => {
          row.scrollIntoView({ behavior: "instant" });
          const [left, right] = [...row.children].map((cell) => cell.firstElementChild.getBoundingClientRect());
          return right.left - left.right;
        })"""
    )
    assert gaps
    assert max(gaps) < 12


def test_without_a_script_what_lies_over_the_text_has_a_ground(visit):
    page = visit("chapters/abs.html", java_script_enabled=False).page
    header = page.locator(".bd-header-article")
    assert not header.evaluate("e => getComputedStyle(e).backgroundColor").endswith(", 0)")


#: Text that is pale on white paper, and what is cut off at an edge or reaches over it.
ON_PAPER = """() => {
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faults = new Set();
  const name = (e) => `${e.tagName}.${e.className.baseVal ?? e.className}: ${e.textContent.trim().slice(0, 40)}`;
  for (const e of document.querySelectorAll(".bd-article *")) {
    if (!e.checkVisibility({ visibilityProperty: true }) || e.closest("svg, .visually-hidden")) continue;
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    if ([...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && style.printColorAdjust !== "exact") {
      const contrast = 1.05 / (light(style.color.match(/[\\d.]+/g).slice(0, 3).map(Number)) + 0.05);
      if (contrast < 4.5) faults.add(`pale: ${name(e)}`);
    }
    if (e.matches("pre, table, td, th, code, figcaption, p, li, img")) {
      if (style.overflowX !== "visible" && e.scrollWidth > e.clientWidth + 2) faults.add(`cut: ${name(e)}`);
      if (box.right > innerWidth + 1) faults.add(`over the edge: ${name(e)}`);
    }
  }
  return [...faults].slice(0, 12);
}"""


@pytest.mark.parametrize(
    "address", ["chapters/identity.html", "chapters/speed.html", "reference/api-networks.html"]
)
def test_on_paper_nothing_is_pale_and_nothing_is_cut(address, visit):
    page = visit(
        address, width=700, height=1000, color_scheme="dark"
    ).page  # A4 between its margins
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.emulate_media(media="print")
    until(page, "() => document.documentElement.dataset.theme === 'light'")
    after_transitions(page)
    assert page.evaluate(ON_PAPER) == []
    page.emulate_media(media="screen")
    until(page, "() => document.documentElement.dataset.theme === 'dark'")


@pytest.mark.parametrize(
    ("address", "width"), [("chapters/identity.html", 380), *((kind, 1280) for kind in KINDS)]
)
def test_without_javascript_no_button_is_dead(address, width, visit):
    seen = visit(address, width=width, java_script_enabled=False)
    page = seen.page
    controls = page.locator("button, select, input, textarea, [role=button], [role=tab]").all()
    assert [c.evaluate("e => e.outerHTML.slice(0, 120)") for c in controls if c.is_visible()] == []
    if width == 380:
        for name, place in [
            ("Contents", "#pst-primary-sidebar"),
            ("On this page", "#pst-secondary-sidebar"),
        ]:
            page.get_by_role("link", name=name, exact=True).click()
            expect(page.locator(place)).to_be_in_viewport()
            assert page.locator(f"{place} a:not(details a)").last.is_visible()
        folded = page.locator("#pst-primary-sidebar details")
        folded.locator("summary .toctree-toggle").click()
        assert folded.locator("a").last.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator('#pst-primary-sidebar a[href="abs.html"]').click()
        page.wait_for_url("**/abs.html")
        page.go_back()
    else:
        expect(page.locator(".book-contents:visible")).to_have_count(0)
    if address.startswith("chapters/"):
        expect(page.locator("a.btn-download-source-button")).to_be_visible()
        solution = page.locator("details.solution").first
        solution.locator("summary").click()
        expect(solution.locator("p").last).to_be_visible()
    assert seen.problems == []
