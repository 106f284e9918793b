/**
 * A gallery of functions, each with its circuit: cards to filter, and one circuit at a time to touch.
 *
 * Nothing is drawn before it is seen: a card's picture when the card is listed, a circuit when its card is opened.
 */
import * as view from "./view.mjs";
import { html, svg, button, set, setText, drawing, raised, featureName, card, kept } from "./dom.mjs";
import { standIn, layerSizes } from "./state.mjs";

const FIRST = 8; // so many cards before one asks for more
const THUMB = { width: 76, height: 64, edges: 150 };
const DRAWN = { edges: 130, width: 12 }; // what is larger has its graph and its verdict alone
const LONG = 64; // a longer formula is cut on its card
const UNITS = { any: [0, Infinity], "1 or 2": [0, 2], "3 to 6": [3, 6], "7 to 15": [7, 15], "16 and more": [16, Infinity] };
const INPUTS = { any: [0, Infinity], 1: [1, 1], 2: [2, 2], 3: [3, 3], "4 and more": [4, Infinity] };
let ids = 0;

/** An expression in Python's text as mathematics: x₁ − 2 x₂, x². */
export function expressionText(text) {
  return text
    .replace(/\*\*(\d+)(?![\d.])/g, (_, power) => raised(power))
    .replace(/\*\*/g, "^")
    .replace(/x\d+/g, featureName)
    .replace(/ - /g, " − ")
    .replace(/(^|[(,^] ?)-/g, "$1−")
    .replace(/\*/g, " ");
}

const within = ([low, high], n) => low <= n && n <= high;

class Gallery {
  constructor(model, el, signal) {
    this.model = model;
    this.signal = signal;
    this.config = model.get("_config");
    this.id = `ck-gallery-${++ids}`;
    this.entries = this.config.entries;
    this.first = FIRST;
    this.root = this.#box("The catalogue");
    this.place = html("div", { class: "ck-gallery-circuit" });
    this.below = this.#box("The cards");
    el.replaceChildren(this.root, this.place, this.below);
    this.#build();
    this.onChosen = () => this.#open(model.get("chosen"));
    model.on("change:chosen", this.onChosen);
    this.#recall();
    this.#list();
    const shared = this.config.on_page ? view.sharedState(window.location.hash) : null;
    // A link names a circuit, or brings the reader's own weights of one: the circuit takes those by itself.
    const linked = shared && this.entries.find(({ name }) => shared.key === this.#keyOf(name) || (shared.key === this.config.key && shared.text === name));
    const before = this.config.on_page ? this.entries.find(({ name }) => name === kept(`chosen:${this.config.key}`)) : null;
    this.#open((linked || before)?.name ?? model.get("chosen"));
  }

  /** Under which name the browser keeps what a reader has made of a circuit. */
  #keyOf(name) {
    return `${this.config.key}-${name}`;
  }

  #box(label) {
    return card(this.config, "ck-gallery", label);
  }

  // ------------------------------------------------------------------ building

  #build() {
    const { config, entries } = this;
    this.title = html("p", { class: "ck-gallery-title", tabindex: "-1" });
    this.formula = html("p", { class: "ck-gallery-formula" });
    this.use = html("p", {});
    this.facts = html("dl", { class: "ck-gallery-facts" });
    this.root.append(html("div", { class: "ck-gallery-head" }, this.title, this.formula, this.use, this.facts), ...(config.caption ? [html("p", { class: "ck-caption" }, config.caption)] : []));
    const groups = ["any", ...new Set(entries.map(({ group }) => group))];
    this.choices = [
      this.#select("group", groups),
      this.#select("inputs", Object.keys(INPUTS).sort((a, b) => (a === "any" ? -1 : b === "any" ? 1 : 0))),
      this.#select("hidden units", Object.keys(UNITS)),
    ];
    this.word = html("input", { type: "search", class: "ck-gallery-word", placeholder: "a word", autocomplete: "off", spellcheck: "false", "data-lm-suppress-shortcuts": "true" });
    this.word.addEventListener("keydown", (event) => event.stopPropagation(), { signal: this.signal });
    this.word.addEventListener("input", () => this.#filter(), { signal: this.signal });
    this.count = html("p", { class: "ck-gallery-count", "aria-live": "polite" });
    this.cards = html("ul", { class: "ck-gallery-cards" });
    this.more = button("", { action: () => this.#all(), className: "ck-gallery-more", signal: this.signal });
    this.below.append(
      html("div", { class: "ck-gallery-filters" }, ...this.choices.map(({ label }) => label), html("label", { class: "ck-labeled" }, "with", this.word)),
      this.count,
      this.cards,
      html("div", { class: "ck-gallery-end" }, this.more),
    );
  }

  #select(name, values) {
    const element = html("select", { class: "ck-select", "aria-label": name, "data-lm-suppress-shortcuts": "true" }, values.map((value) => html("option", { value }, value)));
    element.addEventListener("change", () => this.#filter(), { signal: this.signal });
    return { element, label: html("label", { class: "ck-labeled" }, name, element) };
  }

  // ------------------------------------------------------------------ the cards

  #filter() {
    this.first = FIRST;
    this.#list();
    const { word, choices } = this.#asked();
    const all = !word && choices.every((value) => value === "any");
    if (this.config.on_page) kept(`filters:${this.config.key}`, all ? null : JSON.stringify([...choices, word]));
  }

  /** What the cards are filtered by: what is chosen, in the order of the choices, and the word. */
  #asked() {
    return { choices: this.choices.map(({ element }) => element.value), word: this.word.value };
  }

  /** The filters as this reader left them; what is no list of known choices is none. */
  #recall() {
    let before = null;
    try {
      before = this.config.on_page ? JSON.parse(kept(`filters:${this.config.key}`)) : null;
    } catch {} // not what this wrote
    if (!Array.isArray(before) || before.length !== this.choices.length + 1 || typeof before.at(-1) !== "string") return;
    const known = this.choices.every(({ element }, i) => [...element.options].some(({ value }) => value === before[i]));
    if (!known) return;
    this.choices.forEach(({ element }, i) => { element.value = before[i]; });
    this.word.value = before.at(-1);
  }

  #all() {
    const before = this.first;
    this.first = Infinity;
    this.#list();
    this.cards.children[before]?.firstChild.focus();
  }

  #list() {
    const { choices: [group, inputs, units], word } = this.#asked();
    const words = word.trim().toLowerCase().split(/\s+/);
    const found = this.entries.filter((entry) => (group === "any" || entry.group === group)
      && within(INPUTS[inputs], entry.sizes[0]) && within(UNITS[units], entry.units)
      && words.every((word) => `${entry.title} ${entry.expression} ${entry.use} ${entry.group}`.toLowerCase().includes(word)));
    const shown = found.slice(0, this.first);
    const all = found.length === this.entries.length;
    setText(this.count, found.length === 0 ? "None: choose less." : all ? `${found.length} functions` : `${found.length} of ${this.entries.length} functions`);
    this.cards.replaceChildren(...shown.map((entry) => html("li", {}, this.#card(entry))));
    this.more.hidden = shown.length === found.length;
    setText(this.more.lastChild, `Show the other ${found.length - shown.length}`);
    this.#mark();
  }

  #card(entry) {
    const text = expressionText(entry.expression);
    const card = html("button", { type: "button", class: "ck-gallery-card", "data-name": entry.name },
      thumbnail(entry),
      html("span", { class: "ck-gallery-about" },
        html("b", {}, entry.title),
        html("span", { class: "ck-gallery-formula" }, text.length > LONG ? `${text.slice(0, LONG - 2)} …` : text),
        html("span", { class: "ck-gallery-size" }, `${entry.sizes.join("-")}${entry.bits ? ", for bits" : ""}`)));
    card.addEventListener("click", () => {
      this.#open(entry.name);
      if (this.config.on_page) {
        this.#address(entry.name);
        kept(`chosen:${this.config.key}`, entry.name);
      }
      this.title.focus({ preventScroll: true });
      this.root.scrollIntoView({ block: "start" });
    }, { signal: this.signal });
    return card;
  }

  #mark() {
    for (const { firstChild: card } of this.cards.children) {
      if (card.dataset.name === this.entry?.name) set(card, "aria-current", "true");
      else card.removeAttribute("aria-current");
    }
  }

  #address(name) {
    const url = new URL(window.location.href);
    url.hash = `circuit=${this.config.key}.${name}`;
    window.history.replaceState(null, "", url);
  }

  // ------------------------------------------------------------------ the one that is open

  #open(name) {
    const entry = this.entries.find((one) => one.name === name);
    if (!entry || entry === this.entry) return;
    this.entry = entry;
    setText(this.title, entry.title);
    setText(this.formula, expressionText(entry.expression));
    setText(this.use, `${entry.use[0].toUpperCase()}${entry.use.slice(1)}.`);
    const facts = [["Group", entry.group], ["Circuit", `${entry.sizes.join("-")}, ${entry.units} hidden ${entry.units === 1 ? "unit" : "units"}: ${entry.source}`], ["Inputs", entry.inputs], ["Proof", entry.proof], ...entry.notes, ["In Python", `ck.catalogue["${entry.name}"].circuit`]];
    this.facts.replaceChildren(...facts.map(([label, text]) => html("div", {}, html("dt", {}, label), html("dd", {}, text))));
    this.#mount(entry);
    this.#mark();
    if (this.model.get("chosen") !== name) {
      this.model.set("chosen", name);
      this.model.save_changes();
    }
  }

  #mount(entry) {
    this.stop?.();
    this.stop = null;
    this.place.replaceChildren();
    if (!entry.net) return;
    const { weights, biases } = entry.net;
    const edges = weights.reduce((s, m) => s + m.length * m[0].length, 0);
    const drawn = edges <= DRAWN.edges && Math.max(...layerSizes(weights)) <= DRAWN.width;
    const text = expressionText(entry.expression);
    const inner = standIn({
      weights, biases, x: entry.x, ablated: [], frozen: [], seed: null, learning_rate: 0.1,
      _config: {
        target: entry.target, domain: entry.span, said: text.length > LONG ? entry.title : text, scale: entry.scale, within: entry.within,
        panels: [...(drawn ? ["network"] : []), "graph", "verdict"], ties: [], names: null, input_names: null,
        show_biases: biases.some((b) => b.some((v) => v !== 0)), challenge: null, seeds: [], tolerance: entry.tolerance,
        caption: drawn ? "" : "Too large to draw: its graph and its verdict.",
        label: entry.title, palette: this.config.palette, key: this.#keyOf(entry.name),
        on_page: this.config.on_page, // what a reader makes of it is kept, until Reset
      },
    });
    this.stop = view.default.render({ model: inner, el: this.place });
  }

  end() {
    this.stop?.();
    this.model.off("change:chosen", this.onChosen);
    for (const element of [this.root, this.place, this.below]) element.remove();
  }
}

/** A network in the size of a stamp, input below. */
function thumbnail({ net, sizes }) {
  const { width, height } = THUMB;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "ck-gallery-thumb", "aria-hidden": "true" });
  const layers = sizes.map((size, l) => {
    const n = Math.min(size, 24);
    const y = height - 7 - (l * (height - 14)) / (sizes.length - 1);
    return Array.from({ length: n }, (_, i) => [(width * (i + 1)) / (n + 1), y]);
  });
  const edges = sizes.slice(1).reduce((s, n, l) => s + n * sizes[l], 0);
  if (net && edges <= THUMB.edges) {
    net.weights.forEach((rows, l) => rows.forEach((row, i) => row.forEach((w, j) => {
      if (w === 0) return;
      const [[x1, y1], [x2, y2]] = [layers[l][j], layers[l + 1][i]];
      picture.append(svg("line", { x1, y1, x2, y2, class: w > 0 ? "ck-gallery-positive" : "ck-gallery-negative" }));
    })));
  }
  layers.forEach((nodes, l) => nodes.forEach(([cx, cy]) => {
    const kind = l === 0 ? "input" : l === layers.length - 1 ? "output" : "hidden";
    picture.append(svg("circle", { cx, cy, r: nodes.length > 12 ? 1.5 : nodes.length > 6 ? 2.5 : 4, class: `ck-gallery-${kind}` }));
  }));
  return picture;
}

export default { render: drawing(Gallery) };
