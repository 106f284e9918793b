// What every page does by itself, beside what the theme does.
"use strict";
(() => {
  // Whoever has no mouse can scroll what is too wide for the screen, too. Only what is near it is measured,
  // and all is read before anything is written: a long page would be laid out again for each table otherwise.
  const wide = "pre, .cell_output > .output, .pst-scrollable-table-container, div.math";
  const measure = (boxes) => {
    const scrolls = boxes.map((e) => e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight);
    boxes.forEach((e, k) => {
      if (scrolls[k]) e.tabIndex = 0;
      else e.removeAttribute("tabindex");
    });
  };
  const sizes = new ResizeObserver((entries) => measure(entries.map((entry) => entry.target)));
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) sizes.observe(target);
        else sizes.unobserve(target);
      }
    },
    { rootMargin: "100% 0px" },
  );
  document.querySelectorAll(wide).forEach((e) => near.observe(e));

  // "On this page" marks the section that is read. The theme moves the mark when a heading passes near the top;
  // a leap that meets none on its way, to the end or back, would leave it at a section that is out of sight.
  const contents = document.getElementById("pst-page-toc-nav");
  const links = contents ? [...contents.querySelectorAll("a[href^='#']")] : [];
  const mark = (here) => {
    links.forEach((link) => {
      link.classList.toggle("active", link === here);
      if (link === here) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    contents.querySelectorAll(".toc-entry").forEach((entry) => entry.classList.toggle("active", entry.contains(here)));
  };
  let settling;
  const settle = () => {
    const tops = links.map((link) => {
      const place = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      return place ? place.getBoundingClientRect().top : Infinity;
    });
    const marked = links.findIndex((link) => link.hasAttribute("aria-current"));
    const ends = marked + 1 < tops.length ? tops[marked + 1] : Infinity;
    if (marked >= 0 && tops[marked] < innerHeight && ends > 0) return;
    mark(links[tops.findLastIndex((top) => top < innerHeight / 3)]);
  };
  if (links.length)
    addEventListener("scroll", () => (clearTimeout(settling), (settling = setTimeout(settle, 150))), { passive: true });

  // A formula is copied as what it was typed as: its characters, one below the other, say something else.
  document.addEventListener("copy", (event) => {
    const chosen = getSelection();
    const parts = [...Array(chosen.rangeCount).keys()].map((k) => chosen.getRangeAt(k).cloneContents());
    if (!parts.some((part) => part.querySelector("math[data-tex]"))) return;
    const box = document.createElement("div");
    box.style.cssText = "position:absolute;left:-9999px;width:60em";
    box.append(...parts);
    for (const formula of box.querySelectorAll("math")) {
      const tex = formula.dataset.tex ? `$${formula.dataset.tex}$` : "";
      formula.replaceWith(formula.getAttribute("display") === "block" ? `\n${tex}\n` : tex);
    }
    document.body.append(box);
    event.clipboardData.setData("text/plain", box.innerText);
    event.preventDefault();
    box.remove();
  });

  // On paper a solution is no longer folded away.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.solution:not([open])")];
    opened.forEach((e) => (e.open = true));
  });
  addEventListener("afterprint", () => opened.splice(0).forEach((e) => (e.open = false)));
})();
