// An exercise's answer box, for answers that are numbers: in the text,
//   <div class="book-answer" data-label="Output at x = −2" data-answer="-2"></div>
// becomes a field that grades itself. Jupyter shows nothing there; the folded solution says it all.
// "1/3", "0.333", ".333", "-2", "−2", "4e6", "4·10⁶", "2^20", "4,000,000", "½", "2/pi" and "3π/4" are numbers. A whole
// number is to be met, another within half a percent (data-within says another relative tolerance, 0 for exact).
// A comma sets off thousands and nothing else: who writes 0,004 is told to write 0.004.
"use strict";
(() => {
  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const TOKEN =
    /(?:(?:[1-9]\d{0,2}(?:,\d{3})+(?!\d)|\d+)\.?\d*|\.\d+)(?:e[+-]?\d+)?|pi|π|[-+*/^()]/iy;

  const tokens = (text) => {
    const plain = text
      .replace(/[½⅓⅔¼¾⅕⅖⅗⅘⅙⅛]/g, (sign) => `(${sign.normalize("NFKD")})`)
      .replace(/[⁻⁰¹²³⁴-⁹]+/g, (raised) => `^${[...raised].map((c) => (c === "⁻" ? "-" : RAISED.indexOf(c))).join("")}`)
      .replace(/\*\*/g, "^")
      .replace(/[·×⋅]/g, "*")
      .replace(/⁄/g, "/")
      .replace(/[−–]/g, "-")
      .replace(/\s+/g, "");
    const found = [];
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < plain.length && found.length < 100) {
      const token = TOKEN.exec(plain);
      if (!token) return [];
      found.push(token[0].toLowerCase());
    }
    return TOKEN.lastIndex < plain.length ? [] : found;
  };

  const number = (text) => {
    const given = tokens(text);
    let k = 0;
    const take = (...signs) => (signs.includes(given[k]) ? given[k++] : undefined);
    const atom = (after) => {
      if (take("(")) {
        const inner = sum();
        return take(")") ? inner : NaN;
      }
      if (take("pi", "π")) return Math.PI;
      if (!/^[\d.]/.test(given[k] ?? "")) return NaN;
      const value = Number(given[k++].replaceAll(",", ""));
      if (!take("pi", "π")) return value;
      // 1/2pi and 2pi^2 may mean two numbers each: who types it is asked for another spelling.
      return after === "/" || given[k] === "^" ? NaN : value * Math.PI;
    };
    const signed = (after) => {
      if (take("-")) return -signed(after);
      if (take("+")) return signed(after);
      const base = atom(after);
      return take("^") ? base ** signed() : base;
    };
    const product = () => {
      let value = signed();
      for (let by = take("*", "/"); by; by = take("*", "/")) {
        const next = signed(by);
        value = by === "*" ? value * next : value / next;
      }
      return value;
    };
    const sum = () => {
      let value = product();
      for (let by = take("+", "-"); by; by = take("+", "-")) value += by === "+" ? product() : -product();
      return value;
    };
    const value = sum();
    return k === given.length ? value : NaN;
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
    const { answer, label } = place.dataset;
    const right = number(answer);
    const within = place.dataset.within ?? (Number.isInteger(right) ? 0 : 0.005);
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
