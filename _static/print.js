// Paper is white: a page that is read in the dark is printed in the light.
"use strict";
(() => {
  const root = document.documentElement;
  let dark = false;

  const change = (printing) => {
    if (printing && root.dataset.theme === "dark") {
      dark = true;
      root.dataset.theme = "light";
    } else if (!printing && dark) {
      dark = false;
      root.dataset.theme = "dark";
    }
  };

  window.matchMedia("print").addEventListener("change", (media) => change(media.matches));
  window.addEventListener("beforeprint", () => change(true));
  window.addEventListener("afterprint", () => change(false));
})();
