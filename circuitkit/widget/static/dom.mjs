/**
 * Elements, numbers as text, and the number fields that can be dragged, typed and stepped.
 *
 * Text from the page's author always enters through text nodes and attributes, never as markup.
 */
import * as maths from "./mathematics.mjs";
import { exactText } from "./naming.mjs";

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "style") for (const [k, v] of Object.entries(value)) element.style.setProperty(k, v);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return element;
}

/** An HTML element: `html("p", {class: "note"}, "text", child)`. */
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Set an attribute only where it changes: most frames leave most of the drawing alone. */
export function set(element, name, value) {
  const text = String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** The same for several. */
export function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
}

/** A picture as large as its own coordinates. */
export function resize(picture, width, height) {
  setAll(picture, { viewBox: `0 0 ${width} ${height}`, width, height });
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The box of a widget, in the colors of its settings. */
export function card(config, className, label) {
  const box = html("div", { class: `ck-widget ${className}`.trim(), role: "group", "aria-label": label });
  for (const [name, color] of Object.entries(config.palette)) box.style.setProperty(`--ck-${name}`, color);
  return box;
}

/** Said before an error that nobody foresaw goes on to the console. */
export const BROKEN = "This is a fault of the page: its program failed here.";

const keyOf = (name) => `circuitkit:${name}`;

/** What this browser keeps under a name, after setting it or, with null, forgetting it; a private window may refuse. */
export function kept(name, value = undefined) {
  const key = keyOf(name);
  try {
    if (value === null) window.localStorage.removeItem(key);
    else if (value !== undefined) window.localStorage.setItem(key, value);
    if (value === "solved") window.dispatchEvent(new Event("circuitkit:solved")); // a page may count them
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Copies a text and says so; without the permission it says the text, to be copied by hand. */
export async function copyText(text, say, done = "Copied: paste it into a notebook.") {
  try {
    await navigator.clipboard.writeText(text);
    say(done);
  } catch {
    say(text);
  }
}

/** Says when another tab keeps something else under a name: of the two, one is there at the next visit. */
export function otherTab(config, name, signal, say) {
  if (!config.on_page) return;
  window.addEventListener("storage", ({ key }) => {
    if (key === keyOf(name())) say("This was changed in another tab, too: the next visit starts with what was changed last.");
  }, { signal });
}

/** A button with a label and, if wanted, a picture (an SVG path in a 24 x 24 box) and an action. */
export function button(label, { icon = null, title = null, className = "", action = null, signal } = {}) {
  const picture = icon && svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "ck-icon" }, svg("path", { d: icon, "fill-rule": "evenodd" }));
  const element = html("button", { type: "button", class: `ck-button ${className}`, title }, picture, html("span", {}, label));
  if (action) element.addEventListener("click", action, { signal });
  return element;
}

/** A slider: what it calls while it moves; Jupyter and the book's theme do not hear its keys. */
export function slider(attributes, action, signal) {
  const element = html("input", { type: "range", "data-lm-suppress-shortcuts": "true", ...attributes });
  element.addEventListener("input", () => action(Number(element.value)), { signal });
  element.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
  return element;
}

/** A list to choose from: options are [value, text]. */
export function choice(label, options, chosen, action, signal) {
  const select = html("select", { class: "ck-select", "aria-label": label }, options.map(([value, text]) => html("option", { value, selected: value === chosen }, text)));
  if (action) select.addEventListener("change", () => action(Number(select.value)), { signal });
  return select;
}

/** A number for the eye: at most `digits` decimals, a real minus sign, no "-0". */
export function show(value, digits = 2) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "?" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 0.5 * 10 ** -digits)) {
    if (size < 1e-9) return "0";
    return value.toExponential(size >= 1e5 ? 1 : 0).replace(".0e", "e").replace("e+", "e").replace(/-/g, "−");
  }
  const text = String(Number(value.toFixed(digits)));
  return text === "-0" ? "0" : text.replace("-", "−");
}

/** The colors of a map of values in this widget and theme, as red, green, blue and alpha. */
export function mapColors(root) {
  const style = getComputedStyle(root);
  const read = (name) => channels(style.getPropertyValue(`--ck-map-${name}`).trim());
  return { positive: read("positive"), zero: read("zero"), negative: read("negative") };
}

/** A color as red, green, blue and alpha; what is not six digits is for the browser to mix. */
function channels(color) {
  const digits = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(color);
  if (digits) return [...digits.slice(1).map((pair) => parseInt(pair, 16)), 255];
  const context = html("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const subscript = (digits) => digits.replace(/\d/g, (d) => SUBSCRIPTS[Number(d)]);

/** A feature's name as mathematics where it is: "-(x1)" becomes "−(x₁)"; other names stay. */
export function featureName(text) {
  if (!/^[-+\s().>x\d]+$/.test(text)) return text;
  return text.replace(/-/g, "−").replace(/x(\d+)/g, (_, d) => `x${subscript(d)}`).replace(/\s*>\s*/g, " > ");
}

/** `x` of one input, `x₁` of several. */
export function inputName(index, count, names = null) {
  if (names && names[index] !== undefined) return featureName(String(names[index]));
  if (count === 1) return "x";
  return `x${subscript(String(index + 1))}`;
}

/** Why a text is no number, in words for who typed it. */
export function noNumber(text) {
  if (maths.exactNumber(text) || /^[-+−]?[\d.]+e[-+]?\d+$/i.test(text.trim())) return `“${text}” is too large or too close to 0 to compute with.`;
  const point = /^[^,]*\d,\d[^,]*$/.test(text) ? `Write ${text.trim().replace(",", ".")}, with a point.` : "Try 2, -0.5 or 1/3.";
  return `“${text}” is not a number. ${point}`;
}

/** The nearest value in a range. */
export const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

/** The nearest multiple of `step`, free of binary dust: 0.30000000000000004 becomes 0.3. */
export function snap(value, step) {
  return Number((Math.round(value / step) * step).toFixed(8)) + 0;
}

/** The step of an input on [low, high]: a power of ten, about a hundred of them. */
export function stepOf([low, high]) {
  return 10 ** Math.round(Math.log10((high - low) / 120));
}

/**
 * A field for one number: drag it sideways, type into it ("1/3" works), or step it with the arrows.
 *
 * It is a native text input with the role of a spin button. While nothing is being typed the four
 * arrow keys change the value (Shift for ten steps, Alt for a tenth of one).
 *
 * options: label, get(), set(value, gesture), refusal(value): why not, or ""; select(), enabled(), step,
 * pixels (a step), signal
 */
export function numberField(options) {
  const { label, get, step = 0.1, pixels = 5, digits = 2, signal, low = null, high = null } = options;
  const element = html("input", {
    type: "text",
    class: `ck-number ${options.className ?? ""}`,
    role: "spinbutton",
    "aria-label": label,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    enterkeyhint: "done",
    "data-lm-suppress-shortcuts": "true",
  });
  let shown = null;
  let editing = false;
  let drag = null;
  let gestures = 0;

  const inside = (v) => clamp(v, low ?? -Infinity, high ?? Infinity);
  const enabled = () => options.enabled?.() ?? true;
  /** Why this number cannot be taken, as a sentence, or "". */
  function refused(value) {
    if (value !== inside(value)) return `${label}: expected ${low} to ${high}, got ${element.value}.`;
    const why = options.refusal?.(value);
    return why ? `${label}: not ${show(value, 4)}, as ${why}.` : "";
  }

  function update() {
    const value = get();
    if (editing || value === shown) return;
    shown = value;
    const text = show(value, digits);
    element.value = text;
    element.style.setProperty("--ck-chars", String(Math.max(2, text.length)));
    set(element, "aria-valuenow", value);
    set(element, "aria-valuetext", text);
    element.removeAttribute("aria-invalid");
    element.dataset.sign = value > 0 ? "positive" : value < 0 ? "negative" : "zero";
  }

  function change(value, gesture) {
    if (!enabled()) return;
    options.set(inside(value), gesture);
    update();
  }

  function leave() {
    editing = false;
    shown = null;
    update();
  }

  function commit() {
    if (!editing) return true;
    const value = maths.parseNumber(element.value);
    const wrong = Number.isFinite(value) ? refused(value) : noNumber(element.value);
    if (wrong) {
      element.setAttribute("aria-invalid", "true");
      options.complain?.(wrong);
      return false;
    }
    editing = false;
    shown = null;
    change(value, null);
    return true;
  }

  const on = (type, handler) => element.addEventListener(type, handler, { signal });
  // A press must not focus the field at once: it may be the start of a drag.
  on("mousedown", (event) => {
    if (document.activeElement !== element) event.preventDefault();
  });
  on("pointerdown", (event) => {
    if (event.button !== 0 || editing || !enabled()) return;
    drag = { id: event.pointerId, x: event.clientX, value: get(), moved: false, gesture: `drag ${label} ${++gestures}` };
    element.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const distance = event.clientX - drag.x;
    if (!drag.moved && Math.abs(distance) < 4) return;
    if (!drag.moved) {
      drag.moved = true;
      element.classList.add("ck-dragging");
      options.select?.();
    }
    const fine = event.shiftKey || event.altKey ? step / 10 : step;
    const steps = Math.round(distance / pixels);
    change(snap(drag.value + steps * fine, fine), drag.gesture);
  });
  const release = (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const { moved } = drag;
    drag = null;
    element.classList.remove("ck-dragging");
    if (moved || event.type === "pointercancel") return;
    // The first touch selects (no keyboard jumps up); a second one, or a mouse click, types.
    const wasSelected = element.classList.contains("ck-selected");
    options.select?.();
    if (event.pointerType !== "touch" || wasSelected) {
      element.focus();
      element.select();
    }
  };
  on("pointerup", release);
  on("pointercancel", release);
  on("focus", () => {
    element.select();
    options.select?.();
  });
  on("blur", () => {
    if (!commit()) leave();
  });
  on("input", () => {
    editing = true;
  });
  on("keydown", (event) => {
    // JupyterLab and the book's theme listen for plain keys on the page.
    if (!(event.ctrlKey || event.metaKey) || editing) event.stopPropagation();
    if (event.key === "Enter") {
      if (commit()) element.select();
      return;
    }
    if (event.key === "Escape") {
      leave();
      element.select();
      return;
    }
    const vertical = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    const sideways = editing ? undefined : { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const direction = vertical ?? sideways;
    if (direction !== undefined && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (!commit()) return;
      const size = step * (event.altKey ? 0.1 : 1);
      const by = direction * (event.shiftKey ? 10 : 1) * size;
      change(snap(get() + by, size), `step ${label}`);
      element.select();
      return;
    }
    if (!editing) options.key?.(event);
  });
  update();
  return { element, update, leave };
}

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
/** A power as it is set, x² or x^(1/2). */
export const raised = (power) => (/^\d+$/.test(power) ? String(power).replace(/\d/g, (d) => RAISED[Number(d)]) : `^(${exactText(Number(power))})`);

/** The function as a reader writes it, its numbers exact, as a verdict takes it for a name: `|x|`, `min(x₁, x₂)`, `1/1024 x`. */
export function formula(node, count, names = null, outer = 0) {
  const inner = (t, level = 0) => formula(t, count, names, level);
  const wrap = (text, level) => (outer > level ? `(${text})` : text);
  switch (node.op) {
    case "const":
      // What no fraction is, as the root of 2, is judged as its double: that has all its digits.
      return node.rounded ? String(node.value).replaceAll("-", "−") : exactText(node.value, node.text);
    case "var":
      return inputName(node.index, count, names);
    case "abs":
      return `|${inner(node.args[0])}|`;
    case "pow":
      return `${inner(node.args[0], 3)}${raised(node.power)}`;
    case "div":
      return wrap(`${inner(node.args[0], 2)} / ${inner(node.args[1], 3)}`, 2);
    case "mul": {
      const [first, ...rest] = node.args;
      const factors = first.op === "const" && rest.length ? rest : node.args;
      const tail = factors.map((a) => inner(a, 2)).join(" · ");
      if (factors === node.args) return wrap(tail, 2);
      if (first.value === 1) return wrap(tail, 2);
      if (first.value === -1) return wrap(`−${tail}`, 1);
      return wrap(`${inner(first)} ${tail}`, 2);
    }
    case "add": {
      // Positive terms first: x₁ − x₂ rather than −x₂ + x₁.
      const texts = node.args.map((a) => inner(a, 1));
      const bare = texts.map((t) => (t.startsWith("(−") && t.endsWith(")") ? t.slice(1, -1) : t));
      const ordered = [...bare.filter((t) => !t.startsWith("−")), ...bare.filter((t) => t.startsWith("−"))];
      const sum = ordered.reduce((a, t) => (t.startsWith("−") ? `${a} − ${t.slice(1)}` : `${a} + ${t}`));
      return wrap(sum, 0);
    }
    default:
      return `${node.op}(${node.args.map((a) => inner(a)).join(", ")})`;
  }
}

/** Whole numbers in threes: 1,024. */
export const whole = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** What `Kind` draws into an element: made by its constructor, ended by its `end`. */
export function drawing(Kind) {
  return ({ model, el }) => {
    const ending = new AbortController();
    const drawn = new Kind(model, el, ending.signal);
    hidePictures(model.get("_config").key);
    const stopped = () => {
      model.off("comm_live_update", stopped); // it is told more than once
      tellStopped(drawn, el);
    };
    model.on("comm_live_update", stopped);
    return () => {
      model.off("comm_live_update", stopped);
      ending.abort();
      drawn.end();
    };
  };
}

/** A notebook keeps a picture of each widget for the day that it is opened again; what lives needs none. */
function hidePictures(key) {
  for (const picture of document.querySelectorAll(".ck-picture")) {
    if (picture.dataset.key === key) (picture.closest(".jp-OutputArea-child") ?? picture).style.display = "none";
  }
}

function tellStopped(drawn, el) {
  const text = "Python has stopped or was restarted: run the cell again to connect this to it.";
  if (drawn.tell) drawn.tell(text, "note");
  else el.querySelector(".ck-widget")?.prepend(html("p", { class: "ck-message", role: "alert", "data-kind": "told" }, text));
}

/** Do something whenever the page, or JupyterLab, changes its theme; until the signal ends it. */
export function onTheme(action, signal) {
  const themes = new MutationObserver(action);
  themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  signal.addEventListener("abort", () => themes.disconnect());
}
