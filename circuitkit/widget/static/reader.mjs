/**
 * A field for weights and what they compute: text or a file in, the reading and the network out.
 *
 * Everything read from the reader enters the page through text nodes and field values.
 */
import * as view from "./view.mjs";
import * as reading from "./reading.mjs";
import { html, button, setText, drawing, card, kept, otherTab } from "./dom.mjs";
import { State, layerSizes, standIn, toPython } from "./state.mjs";

const ACCEPTED =
  "Accepted: nested lists such as [[[1], [-1]], [[1, -1]]], one row a unit; ck.Network(...); PyTorch's printed tensors or state_dict; plain numbers, one row a unit and an empty line between layers; or a safetensors file.";
const TOLERANCES = [
  [0.1, "within 0.1"], [0.01, "within 0.01"], [0.001, "within 0.001"], [1e-6, "within 0.000001"], [0, "exactly"],
];
const DRAWN = { edges: 80, width: 9 }; // larger networks are read, not drawn
const QUICK = 12; // hidden units that are read at once
const KEPT = 20_000; // characters that stay for the next visit
const WAIT = 250; // after the last change of a weight, in milliseconds

let readers = 0;

class Reader {
  constructor(model, el, signal) {
    this.model = model;
    this.signal = signal;
    this.config = model.get("_config");
    this.id = `ck-reader-${++readers}`;
    this.root = card(this.config, "ck-reader", "Read the weights of a network");
    this.place = html("div", { class: "ck-reader-network" });
    el.replaceChildren(this.root, this.place);
    this.#build();
    this.onText = () => {
      if (this.field.value === model.get("text")) return;
      this.field.value = model.get("text");
      this.#read();
    };
    this.onTolerance = () => {
      this.#showTolerance();
      if (this.net) this.#judge();
    };
    model.on("change:text", this.onText);
    model.on("change:tolerance", this.onTolerance);
    otherTab(this.config, () => `text:${this.config.key}`, signal, (text) => this.#note(text));
    const before = this.#kept();
    if (before) this.field.value = before;
    if (this.field.value.trim()) this.#read();
    if (before && !this.result.hidden) this.#note("This is your text from last time; Start over brings back the page's own.");
  }

  // ------------------------------------------------------------------ building

  #build() {
    const { config, id, signal, model } = this;
    const on = (element, type, handler) => {
      element.addEventListener(type, handler, { signal });
      return element;
    };
    this.field = html("textarea", {
      id: `${id}-text`, class: "ck-reader-text", rows: 7, spellcheck: "false", autocomplete: "off", autocapitalize: "off",
      "aria-describedby": `${id}-help`, "data-lm-suppress-shortcuts": "true",
      placeholder: "[[[1], [-1]], [[1, -1]]]",
    });
    this.start = model.get("text");
    this.field.value = this.start;
    on(this.field, "keydown", (event) => {
      event.stopPropagation(); // JupyterLab and the book's theme listen for plain keys
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#read();
    });
    this.file = html("input", { id: `${id}-file`, type: "file", class: "ck-reader-file", accept: ".safetensors,.json,.txt,.csv,.py,.pt,.pth,.npy,.npz,.keras,.h5,.onnx,.msgpack" });
    on(this.file, "change", () => this.#open(this.file.files[0]));
    on(this.root, "dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.root.classList.add("ck-reader-over");
    });
    on(this.root, "dragleave", () => this.root.classList.remove("ck-reader-over"));
    on(this.root, "drop", (event) => {
      this.root.classList.remove("ck-reader-over");
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.#open(event.dataTransfer.files[0]);
    });

    this.layout = html("select", { class: "ck-select" },
      html("option", { value: "auto" }, "as the text suggests"),
      html("option", { value: "rows" }, "one row a unit, as nn.Linear"),
      html("option", { value: "columns" }, "one column a unit, as the deck"));
    on(this.layout, "change", () => this.#read());
    this.tolerance = html("select", { class: "ck-select" });
    this.#showTolerance();
    on(this.tolerance, "change", () => {
      model.set("tolerance", Number(this.tolerance.value));
      model.save_changes();
      if (this.net) this.#judge();
    });
    this.again = on(button("Start over", { className: "ck-reader-again" }), "click", () => {
      this.#forget();
      this.field.value = this.start;
      if (this.start.trim()) this.#read();
      this.#keep(null);
    });
    this.again.hidden = true;
    this.button = on(button("Read it", { className: "ck-reader-go", title: "Read the weights (Ctrl+Enter)" }), "click", () => this.#read());

    const examples = config.examples.map(([label, text]) =>
      on(button(label, { className: "ck-reader-example" }), "click", () => {
        this.layout.value = "auto";
        this.field.value = text;
        this.#read();
      }));
    this.message = html("p", { class: "ck-message ck-reader-message", role: "alert", hidden: true });
    this.result = html("div", { class: "ck-reader-result", hidden: true });
    this.spoken = html("p", { class: "ck-spoken", "aria-live": "polite" });
    this.root.append(
      html("div", { class: "ck-reader-form" },
        html("label", { class: "ck-reader-label", for: `${id}-text` }, "The weights of your network"),
        this.field,
        html("p", { class: "ck-reader-help", id: `${id}-help` }, ACCEPTED),
        html("div", { class: "ck-reader-row" },
          html("label", { class: "ck-labeled" }, "file", this.file),
          html("label", { class: "ck-labeled" }, "matrices", this.layout),
          html("label", { class: "ck-labeled" }, "name a function", this.tolerance),
          this.button,
          this.again),
        examples.length ? html("div", { class: "ck-reader-row ck-reader-examples" }, html("span", {}, "Try:"), examples) : null),
      this.message,
      this.result,
      ...(config.caption ? [html("p", { class: "ck-caption" }, config.caption)] : []),
      this.spoken,
    );
    this.#buildResult();
  }

  #buildResult() {
    this.mark = html("span", { class: "ck-verdict-mark", "aria-hidden": "true" });
    this.sentence = html("span", { class: "ck-verdict-text" });
    this.verdict = html("div", { class: "ck-verdict ck-reader-verdict" }, this.mark, this.sentence);
    this.facts = html("ul", { class: "ck-reader-facts" });
    this.jump = button("Set the inputs to the worst", { className: "ck-reader-jump" });
    this.jump.addEventListener("click", () => this.#goToWorst(), { signal: this.signal });
    this.rows = html("tbody");
    this.table = html("table", { class: "ck-reader-units" },
      html("caption", {}, "What each hidden unit is"),
      html("thead", {}, html("tr", {}, ["layer", "unit", "what it is", "scale"].map((t) => html("th", { scope: "col" }, t)))),
      this.rows);
    this.result.append(this.verdict, html("div", { class: "ck-reader-body" }, this.facts, this.jump, html("div", { class: "ck-reader-scroll", tabindex: "0", role: "region", "aria-label": "The hidden units" }, this.table)));
  }

  #showTolerance() {
    const value = this.model.get("tolerance");
    const known = TOLERANCES.some(([v]) => v === value) ? TOLERANCES : [[value, `within ${reading.digits(value)}`], ...TOLERANCES];
    this.tolerance.replaceChildren(...known.map(([v, text]) => html("option", { value: v }, text)));
    this.tolerance.value = String(value);
  }

  // ------------------------------------------------------------------ reading

  #complain(text) {
    this.#forget();
    this.#note(text, "warning");
  }

  #note(text, kind = "told") {
    this.message.dataset.kind = kind;
    setText(this.message, text);
    this.message.hidden = false;
  }

  /** What was read last, text or drawing, stays as a text for the next visit, for as long as it is not the page's own. */
  #kept() {
    return this.config.on_page ? kept(`text:${this.config.key}`) : null;
  }

  #keep(text) {
    if (!this.config.on_page) return;
    const own = text === null || text === this.start || text.length > KEPT;
    kept(`text:${this.config.key}`, own ? null : text);
    this.again.hidden = own;
  }

  #forget() {
    this.net = null;
    this.message.hidden = true;
    this.result.hidden = true;
    this.#unmount();
    this.#send([], [], {});
  }

  #read() {
    const text = this.field.value;
    this.model.set("text", text);
    this.#try(() => this.#take(reading.parseWeights(text, { layout: this.layout.value })));
  }

  /** Nothing of an earlier reading stays where one fails, for whatever reason. */
  #try(action) {
    this.#forget();
    try {
      action();
    } catch (error) {
      const known = error instanceof reading.Unreadable;
      this.#complain(`${known ? error.message : `This could not be read (${error.message}).`} ${ACCEPTED}`);
    }
  }

  /** A file: safetensors by its first bytes, anything else as text. */
  async #open(file) {
    if (!file) return;
    try {
      if (file.size > reading.LIMITS.bytes) {
        throw new reading.Unreadable(`The file has ${(file.size / 1e6).toFixed(1)} MB; at most ${reading.LIMITS.bytes / 1e6} MB are read.`);
      }
      const buffer = await file.arrayBuffer();
      if (this.signal.aborted) return;
      if (/\.(json|txt|csv|py)$/i.test(file.name)) {
        this.field.value = reading.textOf(buffer);
        this.#read();
        return;
      }
      this.#try(() => {
        const found = reading.parseSafetensors(buffer, file.name);
        this.field.value = toPython(found.net);
        this.model.set("text", this.field.value);
        this.#take(found);
      });
    } catch (error) {
      this.#complain(error instanceof reading.Unreadable ? `${error.message} ${ACCEPTED}` : `The file could not be opened (${error.name}).`);
    } finally {
      this.file.value = ""; // the same file may be chosen again
    }
  }

  #take(parsed) {
    const found = reading.decided(parsed, this.model.get("tolerance"));
    this.net = found.net;
    const sizes = layerSizes(found.net.weights);
    const biased = found.net.biases.some((b) => b.some((v) => v !== 0));
    this.#keep(this.field.value);
    const round = "the matrices would also fit the other way round";
    this.source = [
      `Read as a ${sizes.join("-")} network ${biased ? "with" : "without"} biases`,
      (found.layout === "columns" || found.byBiases) && `, one ${found.layout === "rows" ? "row" : "column"} a unit${found.said ? " (as its text says)" : ""}`,
      found.byBiases && ", as its biases say",
      found.ordered && ", its layers in the order of their names",
      found.because ? `, as then it computes ${found.because}; ${round}` : found.other && `; ${round}`,
    ].filter(Boolean).join("");
    const hidden = sizes.slice(1, -1).reduce((s, n) => s + n, 0);
    if (hidden <= QUICK) this.#finish();
    else this.#afterPainting(found.net);
  }

  #finish() {
    this.#judge();
    this.#mount();
  }

  /** A larger network takes seconds: say so first. */
  #afterPainting(net) {
    this.#unmount();
    this.result.hidden = true;
    this.button.disabled = true;
    setText(this.button.firstChild, "Reading …");
    setTimeout(() => {
      this.button.disabled = false;
      setText(this.button.firstChild, "Read it");
      if (this.net === net && !this.signal.aborted) this.#try(() => {
        this.net = net;
        this.#finish();
      });
    }, 60);
  }

  #judge() {
    const found = reading.read(this.net, { tolerance: this.model.get("tolerance") });
    this.found = found;
    const holds = found.function !== null;
    setText(this.mark, holds ? "✓" : "✗");
    this.verdict.classList.toggle("ck-holds", holds);
    setText(this.sentence, pretty(found.sentence));
    const facts = [this.source, found.details];
    if (found.written && !found.expression) facts.push(`Its own function, to five digits: ${found.written}`);
    this.facts.replaceChildren(...facts.filter(Boolean).map((text) => html("li", {}, pretty(text.replace(/[.]?$/, ".")))));
    this.jump.hidden = !found.worst || !(found.error > 0);
    this.rows.replaceChildren(...found.units.map((unit) => html("tr", { class: unit.inCircuit ? "" : "ck-reader-unused" },
      html("td", {}, unit.layer + 1), html("td", {}, unit.index + 1), html("td", {}, pretty(unit.text)), html("td", {}, unit.scale === null ? "" : reading.digits(unit.scale, 4)))));
    this.table.hidden = found.units.length === 0;
    this.result.hidden = false;
    setText(this.spoken, found.sentence);
    const { function: name, circuit, expression, sentence, units } = found;
    const number = (v) => (Number.isFinite(v) ? v : "inf");
    this.#send(this.net.weights, this.net.biases, { function: name, circuit, error: number(found.error), worst: found.worst, nearest: found.nearest, expression, sentence, units });
    this.#relabel();
  }

  #send(weights, biases, found) {
    const { model } = this;
    model.set("weights", weights);
    model.set("biases", biases);
    model.set("reading", found);
    model.save_changes();
  }

  // ------------------------------------------------------------------ the network to turn

  #unmount() {
    clearTimeout(this.waiting);
    this.stop?.();
    this.stop = null;
    this.inner = null;
    this.place.replaceChildren();
  }

  #mount() {
    this.#unmount();
    const { net, found, config } = this;
    const n = found.sizes[0];
    const edges = net.weights.reduce((s, m) => s + m.length * m[0].length, 0);
    const drawn = edges <= DRAWN.edges && Math.max(...found.sizes) <= DRAWN.width;
    const start = [3, -5, 4, -2];
    this.names = named(found);
    this.inner = standIn({
      weights: net.weights,
      biases: net.biases,
      x: Array.from({ length: n }, (_, i) => start[i % 4]),
      ablated: [],
      frozen: [],
      seed: null,
      learning_rate: 0.1,
      _config: {
        target: found.target,
        domain: Array.from({ length: n }, () => [-6, 6]),
        panels: drawn ? ["network", "graph"] : ["graph"],
        ties: [],
        names: this.names,
        input_names: null,
        show_biases: net.biases.some((b) => b.some((v) => v !== 0)),
        challenge: null,
        seeds: [],
        tolerance: reading.TOLERANCE,
        caption: [
          found.target && !found.function ? "Its target here is the nearest of the eight basic functions." : "",
          drawn ? "Turn its weights: the reading above follows." : "The network is too large to draw here; this is its function.",
        ].join(" ").trim(),
        label: `Your ${found.sizes.join("-")} network`,
        palette: config.palette,
        key: config.key,
      },
    });
    for (const name of ["weights", "biases", "ablated"]) {
      this.inner.on(`change:${name}`, () => {
        clearTimeout(this.waiting);
        this.waiting = setTimeout(() => this.#follow(), WAIT);
      });
    }
    this.stop = view.default.render({ model: this.inner, el: this.place });
    this.#relabel();
  }

  /** The weights were turned in the drawing: read them anew. */
  #follow() {
    if (!this.inner || this.signal.aborted) return;
    const values = Object.fromEntries(["weights", "biases", "x", "ablated", "frozen"].map((name) => [name, this.inner.get(name)]));
    const { weights, biases } = new State(values, { changed() {} }).network();
    this.net = { weights, biases };
    this.source = "Read from the drawing below";
    this.#judge();
    this.#keep(toPython(this.net));
  }

  /** The units' names in the drawing follow the reading. */
  #relabel() {
    if (!this.inner) return;
    const fresh = named(this.found);
    this.names.forEach((layer, l) => layer.forEach((_, i) => (layer[i] = fresh[l][i])));
    const places = this.place.querySelectorAll(".ck-feature");
    const flat = fresh.flat();
    if (places.length === flat.length) places.forEach((place, k) => setText(place, pretty(flat[k])));
  }

  /** The worst input, moved along its ray into the picture. */
  #goToWorst() {
    const { worst } = this.found;
    if (!this.inner || !worst) return;
    const size = Math.max(...worst.map(Math.abs));
    this.inner.set("x", worst.map((v) => (size > 6 ? (v / size) * 6 : v)));
    this.place.scrollIntoView({ block: "nearest" });
  }

  end() {
    this.#unmount();
    this.model.off("change:text", this.onText);
    this.model.off("change:tolerance", this.onTolerance);
    this.root.remove();
    this.place.remove();
  }
}

/** Short names for the drawing: +(x), −(x), x1 > x2. */
function named({ sizes, units }) {
  const short = ({ feature, of }) => {
    if (feature === "dead" || feature === "always on") return feature;
    if (feature === "duplicate") return "duplicate";
    if (!of || of.length > 18) return (feature ?? "").split(" ")[0];
    const sides = of.split(" - ");
    if (feature.startsWith("greaterness") && sides.length === 2) return `${sides[0]} > ${sides[1]}`;
    return `${feature.startsWith("negativeness") ? "-" : "+"}(${of})`;
  };
  return sizes.slice(1, -1).map((_, l) => units.filter((u) => u.layer === l).map(short));
}

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** Python's text as the page sets mathematics: x₁ − x₂, 2 x, |x|. */
function pretty(text) {
  return text
    .replace(/\bx(\d+)/g, (_, d) => `x${[...d].map((c) => SUBSCRIPTS[c]).join("")}`)
    .replace(/\*/g, " · ")
    .replace(/(^|[\s(,])-(?=[\s\d.(x]|min|max|abs)/g, "$1−")
    .replace(/e-(\d+)/g, "e−$1");
}

export default { render: drawing(Reader) };
