/**
 * A field for a function: what a reader types becomes its circuit, checked exactly before it is shown, and can be
 * learned from random weights instead.
 *
 * Everything that is typed enters the page through text nodes and field values.
 */
import * as maths from "./mathematics.mjs";
import * as view from "./view.mjs";
import { Unclear, parseExpression } from "./expression.mjs";
import { NoDouble, TooLarge, compile, equals } from "./compile.mjs";
import { BROKEN, html, button, set, setText, drawing, formula, card, copyText, kept, otherTab } from "./dom.mjs";
import { layerSizes, standIn, toAddress, toPython, unpack } from "./state.mjs";

const DRAWN = { edges: 110, width: 9 }; // of larger networks the function is shown, not the drawing
const INPUTS = 7; // as many units of a layer as lie side by side on a phone
const WAIT = 400; // after the last key, in milliseconds
const HELP = "Numbers (1/3 is a third), + − * /, |x|, min, max, relu, leaky_relu, clamp, hat, mean, median, sort, range, gap, norm1, norminf, interpolate, x if x > 0 else 0. Inputs are letters, or x1, x2, ...; a comma makes several outputs.";

let fields = 0;

class Typed {
  constructor(model, el, signal) {
    this.model = model;
    this.signal = signal;
    this.config = model.get("_config");
    this.id = `ck-typed-${++fields}`;
    this.root = card(this.config, "ck-typed", "Type your own function");
    this.place = html("div", { class: "ck-typed-network" });
    el.replaceChildren(this.root, this.place);
    this.say = (text) => setText(this.told, text);
    this.#build();
    this.onText = () => {
      if (this.field.value === model.get("text")) return;
      this.field.value = model.get("text");
      this.#make();
    };
    model.on("change:text", this.onText);
    const { config } = this;
    otherTab(config, () => `text:${config.key}`, signal, this.say);
    const shared = config.on_page ? view.sharedState(window.location.hash) : null;
    const own = shared?.key === config.key;
    const linked = own ? unpack(shared.text) : null;
    this.start = model.get("text");
    const before = config.on_page && !own ? kept(`text:${config.key}`) : null;
    this.field.value = typeof linked?.text === "string" ? linked.text : before ?? this.start;
    if (this.field.value.trim()) this.#make({ share: false });
    this.again.hidden = this.field.value === this.start;
    if (own && typeof linked?.text !== "string") this.#complain(`The function in this link is damaged${this.start ? "; here is the one the page starts with" : ""}.`);
  }

  #build() {
    const { id, signal, config } = this;
    this.field = html("input", {
      id: `${id}-text`, type: "text", class: "ck-typed-text", spellcheck: "false", autocomplete: "off", autocapitalize: "off", enterkeyhint: "go",
      maxlength: 400, "aria-describedby": `${id}-help ${id}-error`, "data-lm-suppress-shortcuts": "true",
    });
    this.field.addEventListener("keydown", (event) => {
      event.stopPropagation(); // JupyterLab and the book's theme listen for plain keys
      if (event.key === "Enter") this.#make();
    }, { signal });
    this.field.addEventListener("input", () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => !signal.aborted && this.#look(), WAIT);
    }, { signal });
    this.go = button("Build it", { className: "ck-typed-go", title: "Make the circuit of this function (Enter)", action: () => this.#make(), signal });
    this.again = button("Start over", { className: "ck-typed-again", signal, action: () => {
      this.field.value = this.start;
      this.#forget();
      this.#clear();
      if (this.start.trim()) this.#make({ share: false });
      kept(`text:${config.key}`, null);
      this.#leaveAddress();
      this.again.hidden = true;
      this.field.focus();
    } });
    const examples = config.examples.map((text) =>
      button(text, { className: "ck-typed-example", signal, action: () => {
        this.field.value = text;
        this.#make();
      } }));
    this.echo = html("code", { class: "ck-typed-echo", "aria-hidden": "true" });
    this.why = html("span", { id: `${id}-error`, role: "alert" });
    this.error = html("div", { class: "ck-typed-error", hidden: true }, this.echo, this.why);
    this.mark = html("span", { class: "ck-verdict-mark", "aria-hidden": "true" });
    this.sentence = html("span", { class: "ck-verdict-text" });
    this.verdict = html("div", { class: "ck-verdict ck-typed-verdict", hidden: true }, this.mark, this.sentence);
    this.facts = html("ul", { class: "ck-typed-facts", hidden: true });
    this.circuit = button("The circuit", { signal, action: () => this.#show("circuit") });
    this.random = button("Train from random weights instead", { signal, action: () => this.#show("random") });
    this.copy = button("Copy as Python", { signal, action: () => copyText(toPython(this.made.net), this.say) });
    this.ways = html("div", { class: "ck-typed-ways", role: "group", "aria-label": "What stands below", hidden: true }, this.circuit, this.random, this.copy);
    this.told = html("p", { class: "ck-caption", role: "status" });
    this.spoken = html("p", { class: "ck-spoken", "aria-live": "polite" });
    this.root.append(
      html("div", { class: "ck-typed-form" },
        html("label", { class: "ck-typed-label", for: `${id}-text` }, "Type a function"),
        html("div", { class: "ck-typed-row" }, this.field, this.go, this.again),
        this.error,
        html("p", { class: "ck-typed-help", id: `${id}-help` }, HELP),
        examples.length ? html("div", { class: "ck-typed-examples" }, html("span", {}, "Try:"), examples) : null),
      this.verdict, this.facts, this.ways, this.told,
      ...(config.caption ? [html("p", { class: "ck-caption" }, config.caption)] : []),
      this.spoken,
    );
  }

  // ------------------------------------------------------------------ what is wrong

  /** The message, and the text with the characters that it is about marked. */
  #complain(message, at = null, to = null) {
    const text = this.field.value;
    const here = at !== null && text.trim() !== "";
    // Where something is missing, the gap behind the text is marked.
    const marked = here ? text.slice(at, to) || "\u00a0" : "";
    this.echo.replaceChildren(...(here ? [text.slice(0, at), html("mark", {}, marked), text.slice(to)] : []));
    this.echo.hidden = !here;
    setText(this.why, message);
    this.error.hidden = false;
    this.field.setAttribute("aria-invalid", "true");
  }
  #clear() {
    this.error.hidden = true;
    setText(this.why, "");
    this.field.removeAttribute("aria-invalid");
  }

  /** While something is typed: is it a function yet? */
  #look() {
    if (!this.field.value.trim()) {
      this.#clear();
      return;
    }
    this.#try(() => {
      parseExpression(this.field.value);
      this.#clear();
    });
  }
  #try(action) {
    try {
      action();
      return true;
    } catch (error) {
      if (error instanceof Unclear) this.#complain(error.message, error.at, error.to);
      else if (error instanceof NoDouble) this.#complain(`Weights are doubles, and this function takes ${error.said}, which none is. In Python, ck.compile_expression makes a sum of several out of such a number, as far as doubles reach.`);
      else if (error instanceof TooLarge) this.#complain("The network of this function is too large for a page; in Python, ck.compile_expression makes it.");
      else {
        this.#complain(BROKEN);
        throw error;
      }
      return false;
    }
  }

  // ------------------------------------------------------------------ making the circuit

  #make({ share = true } = {}) {
    clearTimeout(this.waiting);
    this.#forget();
    const text = this.field.value;
    this.model.set("text", text);
    const made = this.#try(() => {
      this.#clear();
      const target = parseExpression(text);
      if (target.n_inputs > INPUTS) throw new Unclear(`A page has room for ${INPUTS} inputs, not ${target.n_inputs}; in Python, ck.compile_expression takes more.`);
      const net = compile(target);
      if (!equals(net, target)) throw new TooLarge(); // too many regions to look at each, here
      this.made = { target, net };
    });
    this.#send();
    const shares = share && this.config.on_page;
    if (!made) {
      if (shares) this.#leaveAddress(); // what it names is no longer what is shown
      return;
    }
    this.#try(() => {
      this.#tell();
      this.#show("circuit");
    });
    if (!shares) return;
    toAddress(this.config.key, { text });
    kept(`text:${this.config.key}`, text === this.start ? null : text);
    this.again.hidden = text === this.start;
  }

  #leaveAddress() {
    if (!this.config.on_page || view.sharedState(window.location.hash)?.key !== this.config.key) return;
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
  }

  /** Nothing of an earlier function stays where the next one fails, for whatever reason. */
  #forget() {
    this.made = null;
    setText(this.spoken, "");
    setText(this.told, "");
    this.verdict.hidden = true;
    this.facts.hidden = true;
    this.ways.hidden = true;
    this.#unmount();
  }

  #tell() {
    const { target, net } = this.made;
    const sizes = layerSizes(net.weights);
    const hidden = sizes.slice(1, -1).reduce((s, n) => s + n, 0);
    const outputs = target.outputs.map((tree) => formula(tree, target.n_inputs, target.names));
    const name = outputs.length === 1 ? outputs[0] : `(${outputs.join(", ")})`;
    const said = `A ${sizes.join("-")} network, ${hidden} hidden unit${hidden === 1 ? "" : "s"}, computes ${name}: checked here in exact arithmetic, for every input.`;
    setText(this.mark, "✓");
    setText(this.sentence, said);
    this.verdict.classList.add("ck-holds");
    this.verdict.hidden = false;
    const facts = [];
    if (net.scale) facts.push(`No ${net.scale.includes("/") ? "binary fraction" : "double"} is ${net.scale}, so the network has whole numbers, and what it gives is taken times ${net.scale}: exactly.`);
    this.facts.replaceChildren(...facts.map((fact) => html("li", {}, fact)));
    this.facts.hidden = facts.length === 0;
    setText(this.spoken, said);
  }

  #send() {
    const { model } = this;
    const { net } = this.made ?? {};
    model.set("weights", net?.weights ?? []);
    model.set("biases", net?.biases ?? []);
    model.set("scale", net?.scale ?? "1");
    model.set("error", this.why.textContent);
    model.save_changes();
  }

  // ------------------------------------------------------------------ the network to turn

  #unmount() {
    this.stop?.();
    this.stop = null;
    this.place.replaceChildren();
  }

  #show(way) {
    if (!this.made) return;
    this.#unmount();
    const { target, net } = this.made;
    const sizes = layerSizes(net.weights);
    const edges = net.weights.reduce((s, m) => s + m.length * m[0].length, 0);
    const drawn = edges <= DRAWN.edges && Math.max(...sizes) <= DRAWN.width;
    const trains = way === "random";
    const biased = trains || net.biases.flat().some((v) => v !== 0);
    const { weights, biases } = trains ? maths.initialWeights(sizes, 0, { bias: true }) : net;
    const start = [3, -5, 4, -2, 1, -3, 2];
    const model = standIn({
      weights, biases, x: target.names.map((_, i) => start[i % start.length]), ablated: [], frozen: [], seed: trains ? 0 : null, learning_rate: 0.1,
      _config: {
        target, domain: target.names.map(() => [-6, 6]),
        panels: [...(drawn ? ["network"] : []), "graph", "verdict", ...(trains ? ["training"] : [])],
        ties: [], names: null, input_names: target.names, show_biases: biased, challenge: null, seeds: [], tolerance: this.config.tolerance, scale: trains ? null : net.scale,
        caption: [
          trains ? `Random weights for as many units. Gradient descent on what you typed, for inputs from −1 to 1: run it, and try other seeds.` : drawn ? "Turn its weights; Reset brings the circuit back." : "",
          drawn ? "" : "The network is too large to draw here; this is its function.",
        ].join(" ").trim(),
        label: trains ? "Random weights that learn your function" : "The circuit of your function",
        palette: this.config.palette, key: this.config.key,
      },
    });
    this.stop = view.default.render({ model, el: this.place });
    for (const [element, name] of [[this.circuit, "circuit"], [this.random, "random"]]) set(element, "aria-pressed", String(name === way));
    this.ways.hidden = false;
    this.copy.hidden = drawn || trains; // a drawing has a button of its own
  }

  end() {
    clearTimeout(this.waiting);
    this.#unmount();
    this.model.off("change:text", this.onText);
    this.root.remove();
    this.place.remove();
  }
}

export default { render: drawing(Typed) };
