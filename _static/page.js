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

  // On paper a solution is no longer folded away.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.solution:not([open])")];
    opened.forEach((e) => (e.open = true));
  });
  addEventListener("afterprint", () => opened.splice(0).forEach((e) => (e.open = false)));
})();
