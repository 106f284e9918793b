/**
 * Unlabelled networks, one after the other: the reader turns, switches off, rescales and prunes, says what the
 * network computes, and the page proves it or shows an input where it is otherwise.
 *
 * No answer is kept here: what the reader types is compared with the network itself, exactly. What is typed,
 * and what a link brings, enters the page through text nodes and field values.
 */
import * as maths from "./mathematics.mjs";
import * as view from "./view.mjs";
import { Unclear, parseExpression } from "./expression.mjs";
import { difference, disguised, readNetwork, rescaled, unfit, without } from "./bench.mjs";
import { BROKEN, html, button, set, setText, drawing, numberField, featureName, inputName, formula, stepOf, noNumber, card, copyText, kept, otherTab } from "./dom.mjs";
import { State, decode, encode, layerSizes, standIn, toAddress, toPython, unpack } from "./state.mjs";

const DRAWN = { edges: 80, width: 9 }; // larger networks are a list of units and a graph
const WAIT = 250; // after the last change of the bench, in milliseconds
const ACCEPTED = "Numbers, + − * /, |…|, abs, min, max, relu, clamp(t, low, high), median, mean, hat. Fractions stay exact: 1/3 is a third.";

/** A number with all its digits. */
const full = (v) => maths.formatNumber(v, 17);
let ids = 0;

class Mystery {
  constructor(model, el, signal) {
    this.model = model;
    this.signal = signal;
    this.config = model.get("_config");
    this.id = `ck-mystery-${++ids}`;
    this.root = this.#card("Mystery networks");
    this.place = html("div", { class: "ck-mystery-network" });
    this.below = this.#card("The bench");
    el.replaceChildren(this.root, this.place, this.below);
    this.levels = this.config.levels;
    this.#build();
    this.onLevel = () => this.#follow();
    model.on("change:level", this.onLevel);
    window.addEventListener("pagehide", () => this.#keepNow(), { signal });
    this.#begin();
    otherTab(this.config, () => this.#keyOf(this.level), signal, (text) => this.#note(text));
  }

  #card(label) {
    return card(this.config, "ck-mystery", label);
  }

  // ------------------------------------------------------------------ building

  #build() {
    const { config, id } = this;
    this.steps = this.levels.map((level, k) => this.#button(String(k + 1), () => this.#open(level, { moved: true }), "ck-mystery-step"));
    this.steps.push(this.#button("A friend’s", () => this.friend && this.#open(this.friend, { moved: true }), "ck-mystery-step"));
    this.ladder = html("ol", { class: "ck-mystery-ladder", "aria-label": "Levels" }, this.steps.map((step) => html("li", {}, step)));
    this.title = html("p", { class: "ck-mystery-title", tabindex: "-1" });
    this.prompt = html("p", { class: "ck-mystery-prompt" });
    this.form = html("form", { class: "ck-mystery-form" });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#judge();
    }, { signal: this.signal });
    this.help = html("p", { class: "ck-mystery-help", id: `${id}-help` });
    this.message = html("p", { class: "ck-message", role: "alert", hidden: true });
    this.mark = html("span", { class: "ck-verdict-mark", "aria-hidden": "true" });
    this.sentence = html("span", { class: "ck-verdict-text" });
    this.jump = this.#button("Go there", () => this.inner.set("x", [...this.worst]), "ck-jump");
    this.verdict = html("div", { class: "ck-verdict ck-mystery-verdict", hidden: true }, this.mark, this.sentence, this.jump);
    this.afterword = html("p", { class: "ck-mystery-afterword" });
    this.forward = this.#button("Next level", () => this.#next(), "ck-primary");
    this.ending = html("div", { class: "ck-mystery-end", hidden: true }, this.afterword, this.forward);
    this.hints = html("ol", { class: "ck-hints", hidden: true });
    this.hintButton = this.#button("", () => this.#hint(), "ck-hint");
    this.share = config.on_page ? this.#button("Link to this level", () => this.#link()) : null;
    this.spoken = html("p", { class: "ck-spoken", "aria-live": "polite" });
    this.root.append(
      this.ladder,
      html("div", { class: "ck-mystery-head" }, this.title, this.prompt, this.form, this.help),
      this.message,
      this.verdict,
      this.ending,
      html("div", { class: "ck-mystery-foot" }, this.hints, html("div", { class: "ck-controls" }, this.hintButton, this.share)),
      ...(config.caption ? [html("p", { class: "ck-caption" }, config.caption)] : []),
      this.spoken,
    );
    this.#buildBench();
  }

  #button(label, action, className = "", title = null) {
    return button(label, { action, className, title, signal: this.signal });
  }

  #buildBench() {
    this.inputs = html("div", { class: "ck-mystery-inputs", hidden: true });
    this.units = html("ul", { class: "ck-mystery-units", "aria-label": "The hidden units" });
    this.state = html("p", { class: "ck-mystery-state" });
    this.copier = this.#button("Copy as Python", () => copyText(toPython(this.#now()), (text) => setText(this.state, text)));
    const tools = [
      this.#button("Rescale all", () => this.#rescale(), "", "Scale every unit so that its largest weight is 1; what reads it makes up for it"),
      this.#button("Prune", () => this.#prune(), "", "Take the units that are switched off out of the picture"),
      this.copier,
      this.#button("Start over", () => {
        this.#mount(this.level);
        this.#keep();
      }),
    ];
    this.bench = html("details", { class: "ck-mystery-part" },
      html("summary", {}, "The units, one by one"),
      html("p", { class: "ck-mystery-help" }, "Switch a unit off, rescale it, or give it a name. The answer above is always judged by the network as it came."),
      this.inputs,
      html("div", { class: "ck-controls" }, tools),
      this.units);
    this.bench.addEventListener("toggle", () => this.#tell(), { signal: this.signal });
    this.below.append(html("div", { class: "ck-mystery-part" }, this.state), this.bench, this.#buildMaker());
  }

  #buildMaker() {
    const { id } = this;
    this.weights = html("textarea", {
      id: `${id}-weights`, class: "ck-mystery-weights", rows: 3, spellcheck: "false", autocomplete: "off", autocapitalize: "off",
      "data-lm-suppress-shortcuts": "true", placeholder: "[[[1], [-1]], [[1, 1]]]",
    });
    this.weights.addEventListener("keydown", (event) => event.stopPropagation(), { signal: this.signal });
    this.made = html("p", { class: "ck-message ck-mystery-made", role: "alert", hidden: true });
    this.address = html("input", { type: "text", readonly: true, class: "ck-mystery-field", "aria-label": "The link to your network", hidden: true });
    return html("details", { class: "ck-mystery-part" },
      html("summary", {}, "Build one, and send the link"),
      html("label", { for: `${id}-weights` }, "The weights: nested lists, one row a unit, or what “Copy as Python” gives"),
      this.weights,
      html("div", { class: "ck-controls" },
        this.#button("Take what is on the bench", () => {
          this.weights.value = toPython(this.#now());
        }),
        this.#button("Disguise it", () => this.#offered((net) => {
          this.weights.value = toPython(disguised(net));
          return "Its units have another order and other scales, and it computes the same, to the last bit.";
        })),
        this.#button("Make the link", () => this.#offered((net) => this.#send(net)), "ck-primary")),
      this.made,
      this.address);
  }

  // ------------------------------------------------------------------ levels

  #isSolved(level) {
    return level.key !== "" && (this.model.get("solved").includes(level.key) || kept(`challenge:mystery-${level.key}`) === "solved");
  }

  #begin() {
    const first = this.levels.find((level) => level.key === this.model.get("level")) ?? this.levels.find((level) => !this.#isSolved(level)) ?? this.levels[0];
    const shared = this.config.on_page ? view.sharedState(window.location.hash) : null;
    if (shared === null || shared.key !== this.config.key) {
      this.#open(first);
      return;
    }
    const named = this.levels.find(({ key }) => key === shared.text);
    const sent = named ? null : unpack(shared.text);
    const fault = named ? "" : sent === null ? "The link is damaged, so here is the ladder." : unfit(sent);
    if (!named && !fault) this.friend = this.#friendly(sent);
    this.#open(named ?? this.friend ?? first);
    if (fault) this.#complain(fault);
  }

  /** A network that a link has brought: nobody has said anything about it. */
  #friendly({ weights, biases }) {
    return {
      key: "", title: "From a friend", weights, biases, claim: null, domain: null, tolerance: this.config.tolerance, hints: [], revealed: null,
      span: [-6, 6], prompt: "Somebody has sent you this network, without a word about it. What does it compute?",
    };
  }

  /** Python chose a level. */
  #follow() {
    const level = this.levels.find(({ key }) => key === this.model.get("level"));
    if (level && level !== this.level) this.#open(level);
  }

  #open(level, { moved = false } = {}) {
    this.#keepNow();
    this.level = level;
    this.net = { weights: level.weights, biases: level.biases };
    this.count = level.weights[0][0].length;
    this.names = Array.from({ length: this.count }, (_, i) => inputName(i, this.count));
    this.secret = null;
    this.shown = 0;
    setText(this.title, level === this.friend || this.levels.length === 1 ? level.title : `${this.levels.indexOf(level) + 1}. ${level.title}`);
    setText(this.prompt, level.prompt);
    this.hints.replaceChildren();
    this.hints.hidden = true;
    this.message.hidden = true;
    this.verdict.hidden = true;
    setText(this.spoken, "");
    this.#ask();
    this.#labelHint();
    if (this.share) this.share.hidden = false;
    this.#mount(level);
    this.#resume();
    if (this.#isSolved(level)) this.#reveal();
    else this.ending.hidden = true;
    this.#ladder();
    // A friend's network has no name: the address brings it whole.
    if (moved && this.config.on_page) this.#address(level.key || encode(this.net));
    this.#report({ level: level.key });
  }

  #address(text) {
    const url = new URL(window.location.href);
    url.hash = `circuit=${this.config.key}.${text}`;
    window.history.replaceState(null, "", url);
    return url.href;
  }

  #report(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  #ladder() {
    this.ladder.hidden = this.levels.length === 1 && !this.friend;
    this.steps.forEach((step, k) => {
      const level = this.levels[k] ?? this.friend;
      step.parentElement.hidden = !level;
      if (!level) return;
      const solved = this.#isSolved(level);
      step.classList.toggle("ck-mystery-done", solved);
      set(step, "aria-label", level === this.friend ? "A friend’s network" : `Level ${k + 1}: ${level.title}${solved ? ", solved" : ""}`);
      if (level === this.level) set(step, "aria-current", "step");
      else step.removeAttribute("aria-current");
    });
  }

  #next() {
    const k = this.levels.indexOf(this.level);
    const later = [...this.levels.slice(k + 1), ...this.levels.slice(0, k + 1)];
    this.#open(later.find((level) => !this.#isSolved(level)) ?? later[0], { moved: true });
    this.title.focus();
  }

  // ------------------------------------------------------------------ the question

  /** The fields for an expression, or for an input where a claim is false. */
  #ask() {
    const { level, names, id, count } = this;
    const field = (label, more) => html("input", {
      type: "text", class: "ck-mystery-field", autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "go", "aria-label": label,
      "aria-describedby": `${id}-help`, "data-lm-suppress-shortcuts": "true", ...more,
    });
    const given = (text) => html("span", { class: "ck-mystery-given" }, text);
    if (level.claim) {
      const name = formula(level.claim.outputs[0], count);
      this.fields = names.map((n) => field(`input ${n}`));
      this.form.replaceChildren(
        given(`It says: f(${names.join(", ")}) = ${name}. Not so at`),
        ...names.flatMap((n, i) => [html("label", { class: "ck-labeled" }, html("i", {}, `${n} =`), this.fields[i])]),
        button("Try it", { className: "ck-primary" }));
      setText(this.help, "With as many digits as it takes; a fraction such as 1/3 is rounded to the nearest double, as the network would get it.");
    } else {
      this.fields = [field(`the function of ${names.join(" and ")}`, { maxlength: 400, placeholder: count === 1 ? "2*x + |x| …" : "max(x1, 2*x2) …" })];
      this.form.replaceChildren(html("label", { class: "ck-mystery-guess" }, given(`f(${names.join(", ")}) =`), this.fields[0]), button("Prove it", { className: "ck-primary" }));
      setText(this.help, ACCEPTED);
    }
    set(this.form.lastChild, "type", "submit");
    for (const f of this.fields) f.addEventListener("keydown", (event) => event.stopPropagation(), { signal: this.signal });
  }

  #complain(text) {
    this.verdict.hidden = true;
    this.#note(text);
  }

  #note(text) {
    setText(this.message, text);
    this.message.hidden = false;
  }

  #judge() {
    this.message.hidden = true;
    this.verdict.hidden = true;
    setText(this.spoken, "");
    try {
      if (this.level.claim) this.#try();
      else this.#prove();
    } catch (error) {
      this.#complain(error instanceof Unclear ? error.message : BROKEN);
      if (!(error instanceof Unclear)) throw error;
    }
  }

  #prove() {
    const { level, net, count, names } = this;
    const { domain, tolerance } = level;
    const text = this.fields[0].value;
    const target = parseExpression(text, count);
    const found = maths.verdict(net, target, { domain, tolerance });
    const solved = found.holds && found.exact;
    const name = formula(target.outputs[0], count);
    this.#answer(solved, maths.words(found, { name, names, tolerance, range: domain, scope: domain ? " there" : "" }), found.holds ? null : found.worst, { guess: text, holds: solved, error: finite(found.error) });
  }

  /** An input where the claim is false, if it is. */
  #try() {
    const { level, net, names } = this;
    const x = this.fields.map((f, i) => {
      const value = maths.parseNumber(f.value);
      if (!Number.isFinite(value)) throw new Unclear(f.value.trim() ? `${names[i]}: ${noNumber(f.value)}` : `A number is missing for ${names[i]}.`);
      return value;
    });
    const off = maths.differenceAt(net, level.claim, x);
    const at = x.map((v, i) => `${names[i]} = ${full(v)}`).join(", ");
    const [is] = maths.exactForward(net, x).out;
    const [said] = maths.evaluate(level.claim, x);
    const guess = this.fields.map((f) => f.value).join(", ");
    if (off === 0) {
      this.#answer(false, `At ${at} both are ${full(said)}. So it is not here.`, null, { guess, holds: false, error: 0 });
      return;
    }
    const pair = maths.apart(is, said);
    const { error } = maths.verdict(net, level.claim);
    const most = `Of all inputs the worst is off by ${maths.formatNumber(error, 3)}, relative to the input’s size beyond 1.`;
    this.#answer(true, `Found: at ${at} it gives ${pair ? `${pair[0]}, not ${pair[1]}` : `${maths.formatNumber(off, 3)} more or less than it should`}. ${most}`, null, { guess, holds: true, error: off });
  }

  #answer(solved, text, worst, told) {
    setText(this.mark, solved ? "✓" : "✗");
    setText(this.sentence, text);
    this.verdict.classList.toggle("ck-holds", solved);
    this.verdict.hidden = false;
    this.worst = worst;
    this.jump.hidden = worst === null;
    setText(this.spoken, text);
    if (solved && this.level.key) {
      kept(`challenge:mystery-${this.level.key}`, "solved");
      if (!this.model.get("solved").includes(this.level.key)) this.model.set("solved", [...this.model.get("solved"), this.level.key]);
    }
    this.#report({ verdict: { ...told, text } });
    if (!solved) return;
    this.#reveal();
    this.#ladder();
  }

  /** What the units are for, and what there is to say about the level. */
  #reveal() {
    const { revealed } = this.level;
    const told = revealed === null ? { solved: "You have read it.", names: null } : opened(revealed);
    this.secret = told.names;
    const all = this.levels.length > 1 && this.levels.every((level) => this.#isSolved(level));
    setText(this.afterword, all ? `${told.solved} And with that, you have read them all.` : told.solved);
    setText(this.forward.lastChild, all ? "From the beginning" : "Next level");
    this.forward.hidden = this.levels.length === 1 && this.level !== this.friend;
    this.ending.hidden = false;
    if (this.secret && this.whole) this.#label(this.secret);
  }

  #labelHint() {
    const left = this.level.hints.length - this.shown;
    setText(this.hintButton.firstChild, this.shown === 0 ? "A hint" : `Another hint (${left} left)`);
    this.hintButton.hidden = left === 0;
  }

  #hint() {
    const text = this.level.hints[this.shown];
    this.shown += 1;
    this.hints.hidden = false;
    this.hints.append(html("li", {}, text));
    setText(this.spoken, `Hint: ${text}`);
    this.#labelHint();
  }

  #link() {
    const { level } = this;
    const address = level.key ? this.#address(level.key) : toAddress(this.config.key, this.net);
    navigator.clipboard?.writeText(address).catch(() => {});
    this.#note("The link is in the address bar, and copied where the browser allows it.");
  }

  // ------------------------------------------------------------------ the bench

  /** Put a network on the bench: a level's, or what pruning has left of it. */
  #mount({ weights, biases }, { x = null, names = null } = {}) {
    clearTimeout(this.waiting);
    this.stop?.();
    const { level, count } = this;
    const sizes = layerSizes(weights);
    const edges = weights.reduce((s, m) => s + m.length * m[0].length, 0);
    const drawn = edges <= DRAWN.edges && Math.max(...sizes) <= DRAWN.width;
    const [low, high] = level.span; // wider than the level's domain where one shall see what is outside
    const domain = Array.from({ length: count }, () => level.span);
    this.whole = names === null;
    this.base = { weights, biases };
    this.labels = sizes.slice(1, -1).map((n, l) => Array.from({ length: n }, (_, i) => names?.[l][i] ?? numbered(l, i, sizes)));
    this.inner = standIn({
      weights, biases,
      x: x ?? Array.from({ length: count }, (_, i) => (low + high === 0 ? [3, -5, 4, -2][i % 4] : low + (high - low) * [0.25, 0.75, 0.5][i % 3])),
      ablated: [], frozen: [], seed: null, learning_rate: 0.1,
      _config: {
        target: null, domain, panels: drawn ? ["network", "graph"] : ["graph"], ties: [], names: this.labels, input_names: null,
        show_biases: biases.some((b) => b.some((v) => v !== 0)), challenge: null, seeds: [], tolerance: this.config.tolerance,
        caption: drawn ? "" : "Too large to draw: its units are listed below.",
        label: `The ${sizes.join("-")} network`, palette: this.config.palette, key: this.config.key,
      },
    });
    for (const name of ["weights", "biases", "ablated"]) this.inner.on(`change:${name}`, () => this.#changed());
    this.inner.on("change:x", () => this.#tell());
    this.stop = view.default.render({ model: this.inner, el: this.place });
    if (this.whole) this.bench.open = !drawn;
    this.copier.hidden = drawn; // the drawing has its own
    this.#listInputs(domain, drawn);
    this.#list();
    this.#agree();
  }

  /** The network as it runs on the bench. */
  #now() {
    const values = Object.fromEntries(["weights", "biases", "x", "ablated", "frozen"].map((name) => [name, this.inner.get(name)]));
    const { weights, biases } = new State(values, { changed() {} }).network();
    return { weights, biases };
  }

  #changed() {
    this.unkept = true;
    this.#tell();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      if (this.signal.aborted) return;
      this.#keepNow();
      this.#agree();
    }, WAIT);
  }

  // ------------------------------------------------------------------ for the next visit

  /** What the reader has made of a level's network stays in the browser, for as long as it is not the level's own. */
  #keep() {
    const { level } = this;
    if (!this.config.on_page || !level.key) return;
    const values = Object.fromEntries(["weights", "biases", "x", "ablated", "frozen"].map((name) => [name, this.inner.get(name)]));
    const sizes = layerSizes(this.base.weights);
    const names = this.labels.map((layer, l) => layer.map((name, i) => (name === numbered(l, i, sizes) || name === this.secret?.[l]?.[i] ? null : name)));
    const own = JSON.stringify([values.weights, values.biases, values.ablated]) === JSON.stringify([level.weights, level.biases, []]) && names.flat().every((name) => name === null);
    kept(this.#keyOf(level), own ? null : encode({ ...values, names }));
  }

  /** What waits to be kept, if anything does: also when the page, or the level, goes before its time has come. */
  #keepNow() {
    if (!this.unkept) return;
    this.unkept = false;
    this.#keep();
  }

  #keyOf(level) {
    return `network:${this.config.key}-${level.key}`;
  }

  /** Put on the bench what was there at the last visit. */
  #resume() {
    const { level, count } = this;
    const text = this.config.on_page && level.key ? kept(this.#keyOf(level)) : null;
    const values = text === null ? null : unpack(text);
    if (values === null || unfit(values) || decode(text, layerSizes(values.weights)) === null) return;
    const { weights, biases, x, ablated, frozen, names } = values;
    const hidden = layerSizes(weights).slice(1, -1);
    const isName = (name) => name === null || (typeof name === "string" && name.length <= 24);
    const fits = Array.isArray(names) && names.length === hidden.length && names.every((layer, l) => Array.isArray(layer) && layer.length === hidden[l] && layer.every(isName));
    if (!fits || weights[0][0].length !== count) return;
    this.#mount({ weights, biases }, { x, names });
    this.whole = JSON.stringify(layerSizes(weights)) === JSON.stringify(layerSizes(level.weights));
    this.inner.set("ablated", ablated);
    this.inner.set("frozen", frozen);
    this.unkept = false; // it is what is kept
    this.bench.open = true;
    setText(this.message, "This is your bench from last time; Start over, among the units, starts over.");
    this.message.hidden = false;
  }

  /** Where nothing is drawn, the inputs have their fields here. */
  #listInputs(domain, drawn) {
    this.inputs.hidden = drawn;
    this.numbers = drawn ? [] : domain.map((range, i) => numberField({
      label: `input ${this.names[i]}`, className: "ck-field", step: stepOf(range), signal: this.signal,
      get: () => this.inner.get("x")[i],
      set: (value) => this.inner.set("x", this.inner.get("x").map((v, k) => (k === i ? value : v))),
      complain: (text) => this.#complain(text),
    }));
    this.value = html("span", {});
    this.inputs.replaceChildren(...this.numbers.map((field, i) => html("label", { class: "ck-labeled" }, html("i", {}, this.names[i]), field.element)), this.value);
  }

  #list() {
    const sizes = layerSizes(this.base.weights);
    this.rows = [];
    this.units.replaceChildren(...sizes.slice(1, -1).flatMap((n, l) => Array.from({ length: n }, (_, i) => this.#row(l, i, sizes))));
    this.#tell();
  }

  #row(layer, unit, sizes) {
    const number = numbered(layer, unit, sizes);
    const toggle = this.#button("", () => {
      const ablated = this.inner.get("ablated");
      const off = ablated.some((k) => k.length === 2 && k[0] === layer && k[1] === unit);
      this.inner.set("ablated", off ? ablated.filter((k) => k.length !== 2 || k[0] !== layer || k[1] !== unit) : [...ablated, [layer, unit]]);
    }, "ck-mystery-switch");
    const sum = html("span", { class: "ck-mystery-sum" });
    const read = html("span", { class: "ck-mystery-read" });
    const scale = this.#button("Rescale", () => this.#rescale(layer, unit), "", `Scale unit ${number} so that its largest weight is 1`);
    const name = html("input", {
      type: "text", class: "ck-mystery-field ck-mystery-name", maxlength: 24, placeholder: "its name", "aria-label": `a name for unit ${number}`, autocomplete: "off", spellcheck: "false",
      "data-lm-suppress-shortcuts": "true",
    });
    name.value = this.labels[layer][unit] === number ? "" : this.labels[layer][unit];
    name.addEventListener("keydown", (event) => event.stopPropagation(), { signal: this.signal });
    name.addEventListener("input", () => {
      this.labels[layer][unit] = name.value.trim() || number;
      this.#relabel();
      this.#keep();
    }, { signal: this.signal });
    set(scale, "aria-label", `Rescale unit ${number}`);
    this.rows.push({ layer, unit, number, toggle, sum, read, name });
    return html("li", {}, toggle, html("div", { class: "ck-mystery-about" }, sum, read), scale, name);
  }

  /** What stands in the list follows the bench. */
  #tell() {
    if (!this.bench.open || !this.rows) return;
    const { weights, biases, x, ablated } = Object.fromEntries(["weights", "biases", "x", "ablated"].map((n) => [n, this.inner.get(n)]));
    const sizes = layerSizes(weights);
    const pass = maths.exactForward(this.#now(), x);
    for (const { layer, unit, number, toggle, sum, read } of this.rows) {
      const off = ablated.some((k) => k.length === 2 && k[0] === layer && k[1] === unit);
      set(toggle, "aria-pressed", String(!off));
      set(toggle, "aria-label", `unit ${number} is switched ${off ? "off" : "on"}`);
      setText(toggle.lastChild, off ? "off" : "on");
      const below = layer === 0 ? this.names : Array.from({ length: sizes[layer] }, (_, j) => `h${layer}.${j + 1}`);
      setText(sum, `${number}: relu(${affine(weights[layer][unit], biases[layer]?.[unit] ?? 0, below)})`);
      const to = (i) => (layer + 2 === sizes.length - 1 ? "the output" : `${layer + 2}.${i + 1}`);
      const readers = weights[layer + 1].flatMap((row, i) => (row[unit] === 0 ? [] : [`× ${full(row[unit])} into ${to(i)}`]));
      setText(read, `${readers.join(", ") || "not read"}; now ${maths.formatNumber(pass.act[layer][unit])}`);
    }
    for (const field of this.numbers) field.update();
    const bias = biases[biases.length - 1]?.[0] ?? 0;
    setText(this.value, `gives ${maths.formatNumber(pass.out[0], 6)}${bias === 0 ? "" : `, of which ${full(bias)} is the output’s bias`}`);
    this.inputs.hidden = this.numbers.length === 0 && bias === 0;
  }

  #relabel() {
    const places = this.place.querySelectorAll(".ck-feature");
    const flat = this.labels.flat();
    if (places.length === flat.length) places.forEach((place, k) => setText(place, featureName(flat[k])));
  }

  #label(names) {
    names.forEach((layer, l) => layer.forEach((name, i) => {
      this.labels[l][i] = name;
    }));
    for (const { layer, unit, name } of this.rows) name.value = names[layer][unit];
    this.#relabel();
  }

  #rescale(layer = null, unit = null) {
    const values = { weights: this.inner.get("weights"), biases: this.inner.get("biases") };
    const made = layer === null
      ? this.rows.reduce((net, row) => rescaled(net, row.layer, row.unit), values)
      : rescaled(values, layer, unit);
    this.inner.set("weights", made.weights);
    this.inner.set("biases", made.biases);
  }

  #prune() {
    const ablated = this.inner.get("ablated").filter((key) => key.length === 2);
    if (ablated.length === 0) {
      setText(this.state, "Nothing is switched off: switch units off first, and then prune.");
      return;
    }
    const { net, kept } = without(this.#now(), ablated);
    const sizes = layerSizes(this.base.weights);
    // A unit that has no name yet gets another number.
    const names = kept.map((layer, l) => layer.map((i) => (this.labels[l][i] === numbered(l, i, sizes) ? null : this.labels[l][i])));
    this.#mount(net, { x: this.inner.get("x"), names });
    this.#keep();
    this.title.scrollIntoView({ block: "nearest" });
  }

  /** Does the bench still compute what the level's network does? */
  #agree() {
    const now = this.#now();
    const { level, net, names } = this;
    const same = JSON.stringify(now) === JSON.stringify(net);
    this.state.parentElement.classList.toggle("ck-mystery-apart", false);
    if (same) {
      setText(this.state, "The bench: turn the weights, switch units off, rescale, and see whether the function stays.");
      return;
    }
    const gone = difference(now, net);
    const zero = { n_inputs: this.count, n_outputs: 1, outputs: [{ op: "const", value: 0 }], text: "0" };
    const found = maths.verdict(gone, zero, { domain: level.domain });
    const where = maths.whereIn(level.domain, names);
    if (found.error === 0 && found.exact) setText(this.state, `✓ What is on the bench still computes the same, for ${where}: proved.`);
    else if (found.status === "rounding") setText(this.state, `✓ What is on the bench computes the same for ${where}, up to the rounding of its weights (worst ${maths.formatNumber(found.error, 2)}).`);
    else if (!found.worst) setText(this.state, "What is on the bench could not be compared.");
    else {
      const [a, b] = [now, net].map((one) => maths.exactForward(one, found.worst).out[0]);
      const at = found.worst.map((v, i) => `${names[i]} = ${maths.placed(v, Math.abs(a - b))}`).join(", ");
      const pair = maths.apart(a, b);
      setText(this.state, `✗ What is on the bench is another function now: at ${at} it gives ${pair ? `${pair[0]}, not ${pair[1]}` : `${maths.formatNumber(found.error, 3)} more or less`}.`);
      this.state.parentElement.classList.toggle("ck-mystery-apart", true);
    }
  }

  // ------------------------------------------------------------------ a network for a friend

  #offered(action) {
    this.made.hidden = false;
    this.address.hidden = true;
    try {
      const net = readNetwork(this.weights.value);
      const fault = unfit(net);
      setText(this.made, fault || action(net));
    } catch (error) {
      setText(this.made, error instanceof Unclear ? error.message : BROKEN);
      if (!(error instanceof Unclear)) throw error;
    }
  }

  #send(net) {
    this.friend = this.#friendly(net);
    this.#open(this.friend);
    const address = this.config.on_page ? toAddress(this.config.key, net) : `#circuit=${this.config.key}.${encode(net)}`;
    this.address.value = address;
    this.address.hidden = false;
    navigator.clipboard?.writeText(address).catch(() => {});
    return this.config.on_page
      ? "This is the link, copied where the browser allows it. Above stands what your friend will see."
      : "Behind the address of the published page, this is the link. Above stands what your friend will see.";
  }

  end() {
    clearTimeout(this.waiting);
    this.stop?.();
    this.model.off("change:level", this.onLevel);
    for (const element of [this.root, this.place, this.below]) element.remove();
  }
}

/** What a unit is called before it has a name: 3, or 2.1 in the second of several layers. */
const numbered = (layer, unit, sizes) => (sizes.length > 3 ? `${layer + 1}.${unit + 1}` : `${unit + 1}`);
const finite = (v) => (Number.isFinite(v) ? v : "inf");

/** What Python has wrapped, so that nobody reads it by chance. */
function opened(text) {
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))));
}

/** `0.5 x₁ − 2 x₂ + 1`, with all digits. */
function affine(row, bias, names) {
  const terms = [...row, bias].flatMap((v, j) => {
    if (v === 0) return [];
    const size = full(Math.abs(v));
    const name = names[j] ?? "";
    return [[v < 0, name === "" ? size : size === "1" ? name : `${size} ${name}`]];
  });
  if (terms.length === 0) return "0";
  return terms.map(([negative, text], k) => (k === 0 ? `${negative ? "−" : ""}${text}` : `${negative ? " − " : " + "}${text}`)).join("");
}

export default { render: drawing(Mystery) };
