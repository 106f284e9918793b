// An exercise's answer box, for answers that are numbers: in the text,
//   <div class="book-answer" data-label="Output at x = −2" data-answer="-2"></div>
// becomes a field that grades itself. Jupyter shows nothing there; the folded solution says it all.
// "1/3", "0.333", ".333", "-2", "−2", "4e6", "4,000,000", "2/pi" and "3π/4" are numbers; an answer counts if it is
// within half a percent of the right one (data-within says another relative tolerance, 0 for exact).
// A comma sets off thousands and nothing else: who writes 0,004 is told to write 0.004.
"use strict";
(() => {
  const number = (text) => {
    const [first, ...rest] = text.replace(/[−–]/g, "-").replace(/\s+/g, "").split(/([*·×/])/);
    const each = /^([+-]?)((?:(?:\d+|[1-9]\d{0,2}(?:,\d{3})+)\.?\d*|\.\d+)(?:e[+-]?\d+)?)?(pi|π)?$/i;
    const factor = (part, after = "*") => {
      const [, sign, digits, pi] = each.exec(part) ?? [];
      // 1/2pi may mean two numbers: who types it is asked for another spelling.
      if ((!digits && !pi) || (digits && pi && after === "/")) return NaN;
      return (sign === "-" ? -1 : 1) * Number(digits?.replaceAll(",", "") ?? 1) * (pi ? Math.PI : 1);
    };
    let value = factor(first);
    for (let k = 0; k < rest.length; k += 2) {
      const by = factor(rest[k + 1], rest[k]);
      value = rest[k] === "/" ? value / by : value * by;
    }
    return value;
  };

  // What a comma may have been meant for: 0,004 for 0.004, and 1,234 for 1234 or for 1.234.
  const advice = (text) => {
    const plain = text.trim();
    if (!/^[^,]*\d,\d[^,]*$/.test(plain) || !Number.isFinite(number(plain.replace(",", ".")))) return "";
    const whole = Number.isFinite(number(plain)) ? `${plain.replace(",", "")}, or ` : "";
    return `Write ${whole}${plain.replace(",", ".")}, with a point.`;
  };

  const kept = (key, value) => {
    try {
      if (value !== undefined) localStorage.setItem(key, value);
      return localStorage.getItem(key);
    } catch {
      return null; // a browser that keeps nothing
    }
  };

  const element = (tag, more) => Object.assign(document.createElement(tag), more);

  const build = (place) => {
    const { answer, label, within = "0.005" } = place.dataset;
    const right = number(answer);
    const key = `book-answer:${location.pathname.split("/").pop()}:${label}`;
    const form = element("form", { noValidate: true });
    const field = element("input", { type: "text", autocomplete: "off", spellcheck: false });
    const said = element("output", { role: "status" });
    const name = element("label", { textContent: label });
    name.append(field);
    form.append(name, element("button", { type: "submit", textContent: "Check" }), said);
    const grade = () => {
      const given = number(field.value);
      const good = Math.abs(given - right) <= Number(within) * Math.abs(right) + 1e-12;
      said.textContent = good
        ? "Right."
        : advice(field.value) ||
          (Number.isFinite(given) ? "Not yet." : "A number, please, such as 3, −0.5, 1/3 or 2/pi.");
      place.classList.toggle("is-right", good);
      field.setAttribute("aria-invalid", String(!good));
      if (good) kept(key, field.value);
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      grade();
    });
    field.addEventListener("input", () => {
      said.textContent = "";
      place.classList.remove("is-right");
      field.removeAttribute("aria-invalid");
    });
    place.replaceChildren(form);
    field.value = kept(key) ?? "";
    if (field.value) grade();
  };

  document.addEventListener("DOMContentLoaded", () =>
    document.querySelectorAll(".book-answer").forEach(build),
  );
})();
