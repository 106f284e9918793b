/**
 * The widget: `render({model, el})`, for JupyterLab (anywidget) and for the published page alike.
 *
 * Everything that changes goes through the state; one animation frame then redraws what the state
 * touches. All listeners end with one AbortController.
 */
import * as maths from "./mathematics.mjs";
import { html, button, choice, slider, set, setText, show, inputName, formula, mapColors, drawing, onTheme, card, copyText, kept, otherTab } from "./dom.mjs";
import { State, RANGE, encode, decode, toAddress, toPython } from "./state.mjs";
import { Drawing, legend, unitName } from "./drawing.mjs";
import { Curve, HeatMap } from "./graph.mjs";
import { Training } from "./training.mjs";

const ICONS = {
  undo: "M8 8V3L1 10l7 7v-5h6a4 4 0 0 1 0 8h-4v3h4a7.5 7.5 0 0 0 0-15z",
  redo: "M16 8V3l7 7-7 7v-5h-6a4 4 0 0 0 0 8h4v3h-4a7.5 7.5 0 0 1 0-15z",
  reset: "M12 4V0L6 6l6 6V8a5.5 5.5 0 1 1-5.5 5.5H3A9 9 0 1 0 12 4z",
  cut: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM7 9l2-2 3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3z",
  copy: "M4 2h11v4H9v10H4zM10 7h10v15H10z",
  link: "M12 2l6 6h-4v8h-4V8H6zM4 18h16v3H4z",
};

/** The model's values that make the reader's network. */
const NAMES = ["weights", "biases", "x", "ablated", "frozen"];
const NARROW = 460; // px, as for the style sheet: here the margins are slim

/** Panels that a script of their own brings to the pages that show them: what draws each, by its name. */
export const morePanels = {};

const READING = 3000; // milliseconds that a message stays while training changes what it is beside

const copy = (value) => JSON.parse(JSON.stringify(value));

class View {
  constructor(model, el, signal) {
    this.model = model;
    this.signal = signal;
    this.config = { ...model.get("_config") };
    this.onPage = Boolean(this.config.on_page);
    window.addEventListener("pagehide", () => this.#keepNow(), { signal });
    this.selected = null;
    this.cutting = false;
    this.dirty = new Set();
    this.frame = 0;
    this.receiving = false;
    this.sending = false;
    this.panels = this.config.panels;
    this.state = new State(
      Object.fromEntries(NAMES.map((name) => [name, model.get(name)])),
      { ties: this.config.ties, scale: this.config.scale, changed: (names) => this.#changed(names) },
    );
    this.root = card(this.config, "", this.config.label);
    el.replaceChildren(this.root);
    // Before there is anything in it: a browser reads these from what is laid out, and would lay all of it out twice.
    this.width = this.root.clientWidth;
    this.colors = this.width ? mapColors(this.root) : null;
    this.note = (text) => this.tell(text, "note");
    this.#build();
    this.#listen();
    this.#restore();
    otherTab(this.config, () => `network:${this.config.key}`, signal, this.note);
    this.invalidate("all");
  }

  // ------------------------------------------------------------------ building

  #build() {
    const { config, signal, panels } = this;
    this.message = html("p", { class: "ck-message", role: "alert", hidden: true });
    this.spoken = html("p", { class: "ck-spoken", "aria-live": "polite" });
    const common = { state: this.state, config, signal };
    const columns = [];
    if (panels.includes("network")) {
      this.drawing = new Drawing({
        ...common,
        select: (key) => this.#press(key, false),
        press: (key) => this.#press(key, true),
        key: (event, key) => this.#key(event, key),
        complain: (text) => this.tell(text),
      });
      const blocks = legend(config.blocks, this.state.sizes);
      columns.push(html("div", { class: "ck-column ck-column-network" }, this.drawing.element, ...(blocks.length ? [html("ul", { class: "ck-blocks" }, ...blocks)] : []), this.#buildInspector()));
    }
    if (panels.includes("graph") || panels.includes("regions")) {
      const pointing = {
        ...common,
        changed: (what) => this.invalidate(what ?? "graph"),
        pointed: panels.includes("regions") ? (x) => this.#point(x) : null,
      };
      this.graph =
        this.state.sizes[0] === 1
          ? new Curve(pointing)
          : new HeatMap(pointing);
      if (panels.includes("regions")) this.pieces = this.#buildPieces();
      this.legend = html(
        "p",
        { class: "ck-legend" },
        html("span", { class: "ck-key ck-key-network" }, "the network"),
        config.target ? html("span", { class: "ck-key ck-key-target" }, "its target") : null,
        config.target && panels.includes("verdict") ? html("span", { class: "ck-key ck-key-worst" }, "worst input") : null,
      );
      columns.push(html("div", { class: "ck-column ck-column-graph" }, this.#buildOutputs(), this.graph.element, this.legend, this.pieces?.element));
    }
    this.main = html("div", { class: "ck-main", hidden: columns.length === 0 }, columns);
    this.root.append(
      this.#buildHead(),
      ...(config.challenge ? [this.#buildChallenge()] : []),
      this.message,
      this.main,
      ...this.#buildTraining(),
      this.#buildTools(),
      ...(config.caption ? [html("p", { class: "ck-caption" }, config.caption)] : []),
      this.spoken,
    );
  }

  /** Of several outputs the graph shows one. */
  #buildOutputs() {
    const { sizes } = this.state;
    const n = sizes[sizes.length - 1];
    if (n === 1) return null;
    const outputs = Array.from({ length: n }, (_, i) => [i, `output ${i + 1}`]);
    const select = choice(null, outputs, 0, (value) => {
      this.config.output = value;
      this.graph.refresh();
      this.invalidate("layout");
    }, this.signal);
    return html("label", { class: "ck-labeled" }, "graph of", select);
  }

  /** The panel "regions": the formula of the network, and of the target, where one points. */
  #buildPieces() {
    const row = (kind, text) => {
      const value = html("span", { class: "ck-piece-formula" });
      return [html("div", { class: `ck-piece ck-piece-${kind}` }, html("span", { class: "ck-piece-name" }, text), value), value];
    };
    const [network, networkText] = row("network", "network");
    const [target, targetText] = row("target", "target");
    const title = html("p", { class: "ck-piece-title" });
    const parts = this.config.target ? [title, network, target] : [title, network];
    return { element: html("div", { class: "ck-pieces" }, parts), title, networkText, targetText };
  }

  #point(x) {
    this.pointed = x;
    this.invalidate("graph");
  }

  /** The linear regions in the picture, each with its formulas; the one at the point is marked. */
  #regions(net, key) {
    const { config, state } = this;
    const at = this.pointed ?? state.x;
    const output = config.output ?? 0;
    const n = config.domain.length;
    let list;
    let here;
    let axes = [0];
    if (n === 1) {
      if (this.regionKey !== key) this.regionList = maths.regions1d(net, config.target, config.domain[0]);
      this.regionKey = key;
      list = this.regionList;
      here = list.findIndex(({ low, high }) => at[0] >= low && at[0] <= high);
    } else {
      axes = this.graph.pair;
      const held = state.x.map((v, k) => (axes.includes(k) ? 0 : v));
      const cache = `${key} ${axes} ${held}`;
      if (this.regionKey !== cache) {
        const box = axes.map((k) => config.domain[k]);
        this.regionList = maths.regions2d(net, config.target, box, { axes, at: held });
      }
      this.regionKey = cache;
      list = this.regionList;
      const p = axes.map((k) => at[k]);
      here = list.findIndex(({ polygon }) => inside(polygon, p));
    }
    // Beyond the picture, or where its regions are too many to draw, there is a formula all the same.
    const piece = list[here] ?? maths.formulasAt(net, config.target, at, axes);
    const names = axes.map((k) => inputName(k, n, config.input_names));
    const { title, networkText, targetText } = this.pieces;
    const count = list.length === 0 ? "too many linear regions to draw" : `${list.length} linear ${list.length === 1 ? "region" : "regions"}`;
    const outside = list.length > 0 && here < 0;
    setText(title, `${count} ${outside ? "in the picture" : "here"}; ${this.pointed ? "where you point" : "around the present input"}${outside ? ", outside it" : ""}`);
    setText(networkText, affine(piece.net[output], names));
    setText(targetText, piece.target ? affine(piece.target[output], names) : "not linear");
    const agree = piece.target && piece.net[output].every((v, k) => Math.abs(v - piece.target[output][k]) < 1e-9);
    this.pieces.element.classList.toggle("ck-agree", Boolean(agree));
    return list.map((region, k) => ({ ...region, here: k === here }));
  }

  #buildHead() {
    const { config, panels } = this;
    const n = config.domain.length;
    const { target } = config;
    this.inputs = config.domain.map((_, i) => inputName(i, n, config.input_names));
    const body = target ? target.outputs.map((t) => formula(t, n, config.input_names)).join(", ") : null;
    this.formula = config.said ?? (target ? (target.outputs.length > 1 ? `(${body})` : body) : "");
    const head = html("header", { class: "ck-head" });
    if (target) head.append(html("p", { class: "ck-goal" }, html("span", { class: "ck-goal-label" }, "target"), html("span", { class: "ck-formula" }, `f(${this.inputs.join(", ")}) = ${this.formula}`)));
    if (target && panels.includes("verdict")) {
      this.verdictMark = html("span", { class: "ck-verdict-mark", "aria-hidden": "true" });
      this.verdictText = html("span", { class: "ck-verdict-text" });
      this.jump = button("Go there", {
        title: "Set the inputs to the worst case",
        className: "ck-jump",
        action: () => this.worst && this.state.setInputs(this.worst),
        signal: this.signal,
      });
      this.verdictBox = html("div", { class: "ck-verdict" }, this.verdictMark, this.verdictText, this.jump);
      head.append(this.verdictBox);
    }
    return head;
  }

  #buildInspector() {
    const { signal } = this;
    this.inspectorText = html("p", { class: "ck-inspector-text" });
    this.inspectorRange = slider({ class: "ck-range", min: -RANGE, max: RANGE, step: 0.1 }, (value) => {
      this.#write(this.selected, value, `slide ${this.selected.join()}`);
      this.invalidate("drawing"); // where a tie has held the weight, so does it the slider
    }, signal);
    this.inspectorRange.addEventListener("change", () => {
      this.state.gesture = null;
    }, { signal });
    const toggle = (label, list, options) => button(label, { ...options, action: () => this.state.toggle(list, this.selected), signal });
    this.freezeButton = toggle("Freeze", "frozen", { title: "Keep this number fixed, in training too (key F)" });
    this.ablateButton = toggle("Ablate", "ablated", { icon: ICONS.cut, title: "Take it out of the network (key X)" });
    this.inspector = html(
      "div",
      { class: "ck-inspector" },
      this.inspectorText,
      html("div", { class: "ck-inspector-controls" }, this.inspectorRange, this.freezeButton, this.ablateButton),
    );
    return this.inspector;
  }

  /** The panels that train; both need a target. */
  #buildTraining() {
    const { config, panels, signal, state, model } = this;
    if (!config.target) return [];
    const common = {
      state,
      config,
      signal,
      rate: () => model.get("learning_rate"),
      setRate: (value) => {
        model.set("learning_rate", value);
        model.save_changes();
        this.invalidate("state");
      },
      complain: (text) => this.tell(text),
    };
    const built = [];
    if (panels.includes("training")) {
      this.training = new Training({
        ...common,
        seed: () => model.get("seed"),
        setSeed: (value) => {
          model.set("seed", value);
          this.dirty.add("weights");
        },
        invalidate: () => this.invalidate("state"),
      });
      built.push(this.training.element);
    }
    if (panels.includes("compare")) {
      this.compare = new morePanels.compare({
        ...common,
        colors: () => (this.colors ??= mapColors(this.root)),
        open: (seed, start, course) => {
          if (![course.net.weights, course.net.biases].flat(4).every(Number.isFinite)) {
            this.tell(`Seed ${seed} has diverged: its weights are no longer finite numbers.`);
            return;
          }
          if (this.training) this.training.open(seed, start, course);
          else state.replace(course.net);
          this.#say(`The network of seed ${seed} is in the drawing.`);
          this.main.scrollIntoView({ block: "nearest" });
        },
      });
      built.push(this.compare.element);
    }
    return built;
  }

  #buildTools() {
    const { signal, panels } = this;
    const tool = (label, icon, action, title) => button(label, { icon, action, title, signal });
    this.undoButton = tool("Undo", ICONS.undo, () => this.#back("undo"));
    this.redoButton = tool("Redo", ICONS.redo, () => this.#back("redo"));
    this.resetButton = tool("Reset", ICONS.reset, () => this.#back("reset"));
    this.cutButton = tool("Ablate", ICONS.cut, () => {
      this.cutting = !this.cutting;
      this.invalidate("drawing");
    }, "Then click units or weights to take them out, or put them back");
    set(this.cutButton, "aria-pressed", "false");
    this.copyButton = tool("Copy as Python", ICONS.copy, () => copyText(toPython(this.state.network()), this.note));
    const parts = [this.undoButton, this.redoButton, this.resetButton, this.cutButton, this.copyButton];
    if (this.onPage) {
      this.shareButton = tool("Share", ICONS.link, () => this.#share(), "A link that opens this page with your network");
      parts.push(this.shareButton);
    }
    this.tools = html("div", { class: "ck-tools", role: "toolbar", "aria-label": "Tools", hidden: !panels.includes("network") }, parts);
    return this.tools;
  }

  // ------------------------------------------------------------------ challenges

  #buildChallenge() {
    const { challenge } = this.config;
    this.challengeMark = html("span", { class: "ck-challenge-mark" }, "Challenge");
    this.checks = html("ul", { class: "ck-checks" });
    this.hints = html("ol", { class: "ck-hints", hidden: true });
    this.hintsShown = 0;
    const parts = [html("p", { class: "ck-prompt" }, this.challengeMark, " ", challenge.prompt), this.checks];
    if (challenge.hints.length) {
      this.hintButton = button("", { className: "ck-hint", action: () => this.#hint(), signal: this.signal });
      parts.push(this.hintButton, this.hints);
      this.#labelHint();
    }
    this.afterword = html("p", { class: "ck-afterword", hidden: true }, challenge.solved);
    parts.push(this.afterword);
    this.challengeBox = html("div", { class: "ck-challenge" }, parts);
    this.solvedBefore = this.#progress() === "solved";
    return this.challengeBox;
  }

  #labelHint() {
    const left = this.config.challenge.hints.length - this.hintsShown;
    setText(this.hintButton.firstChild, this.hintsShown === 0 ? "A hint" : `Another hint (${left} left)`);
    this.hintButton.hidden = left === 0;
  }

  #hint() {
    const text = this.config.challenge.hints[this.hintsShown];
    this.hintsShown += 1;
    this.hints.hidden = false;
    this.hints.append(html("li", {}, text));
    this.#say(`Hint: ${text}`);
    this.#labelHint();
  }

  #progress(value) {
    return kept(`challenge:${this.config.challenge.key}`, value);
  }

  /** The reader's network stays for the next visit, for as long as it is not the page's own. */
  #keep() {
    if (!this.onPage) return;
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.#keepNow(), 400);
  }

  /** What waits to be kept, if anything does: also when the page goes before its time has come. */
  #keepNow() {
    if (!this.keeping) return;
    clearTimeout(this.keeping);
    this.keeping = 0;
    const { values, start } = this.state;
    const own = (v) => JSON.stringify([v.weights, v.biases, v.ablated, v.frozen]);
    kept(`network:${this.config.key}`, own(values) === own(start) ? null : encode(values));
  }

  #grade(net) {
    const { challenge, target, tolerance } = this.config;
    const checks = [];
    const box = challenge.domain;
    const inside = challenge.fails_outside ? maths.verdict(net, target, { domain: box, tolerance }) : this.verdict;
    const rule = maths.within(tolerance, this.formula, maths.whereIn(box, this.inputs));
    checks.push([inside.holds, rule[0].toLowerCase() + rule.slice(1)]);
    if (challenge.fails_outside) checks.push([!this.verdict.holds, "fails somewhere outside"]);
    if (challenge.max_units !== null) {
      const used = unitsInUse(net);
      checks.push([used <= challenge.max_units, `uses at most ${challenge.max_units} hidden unit${challenge.max_units === 1 ? "" : "s"} (now ${used})`]);
    }
    const solved = checks.every(([ok]) => ok);
    this.checks.replaceChildren(
      ...checks.map(([ok, text]) => html("li", { class: ok ? "ck-done" : "" }, html("span", { "aria-hidden": "true" }, ok ? "✓" : "○"), html("span", { class: "ck-spoken" }, ok ? "done: " : "not yet: "), text)),
    );
    this.challengeBox.classList.toggle("ck-solved", solved);
    this.afterword.hidden = !(solved && challenge.solved);
    setText(this.challengeMark, solved ? "✓ Solved" : this.solvedBefore ? "Challenge (solved before)" : "Challenge");
    if (solved && !this.solvedNow) {
      this.#progress("solved");
      this.solvedBefore = true;
      this.#say(["Challenge solved.", challenge.solved].filter(Boolean).join(" "));
    }
    this.solvedNow = solved;
  }

  // ------------------------------------------------------------------ events

  #listen() {
    const { signal, model } = this;
    const observer = new ResizeObserver(() => {
      if (this.width === this.root.clientWidth) return;
      this.width = this.root.clientWidth;
      this.invalidate("layout");
    });
    observer.observe(this.root);
    signal.addEventListener("abort", () => observer.disconnect());
    onTheme(() => {
      this.colors = null;
      this.compare?.repaint();
      this.invalidate("graph");
    }, signal);
    const hear = (name, handler) => {
      model.on(`change:${name}`, handler);
      signal.addEventListener("abort", () => model.off(`change:${name}`, handler));
    };
    for (const name of NAMES) hear(name, () => this.#receive());
    for (const name of ["seed", "learning_rate"]) hear(name, () => this.invalidate("state"));
    hear("seed", () => this.training?.seeded());
    hear("_turn", () => {
      this.dirty.add("verdict");
      this.invalidate("turn");
    });
    this.root.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const letter = event.key.toLowerCase();
      if (letter !== "z" && letter !== "y") return;
      event.preventDefault();
      event.stopPropagation();
      this.#back(letter === "y" || event.shiftKey ? "redo" : "undo");
    }, { signal });
  }

  /** Undo, redo or reset: a training that ran on would take it away again. */
  #back(way) {
    this.training?.interrupt();
    this.state[way]();
  }

  /** A unit or weight was chosen; with the cutting tool in hand that takes it out. */
  #press(key, isUnit) {
    if (this.cutting && (isUnit || key[2] >= 0)) this.state.toggle("ablated", key);
    this.selected = key;
    this.invalidate("drawing");
  }

  #key(event, key) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isBias = key.length === 3 && key[2] < 0;
    if (event.key.toLowerCase() === "x" && !isBias) this.state.toggle("ablated", key);
    else if (event.key.toLowerCase() === "f" && key.length === 3) this.state.toggle("frozen", key);
    else return;
    event.preventDefault();
  }

  #write(key, value, gesture) {
    if (key[2] < 0) this.state.setBias(key.slice(0, 2), value, gesture);
    else this.state.setWeight(key, value, gesture);
  }

  #changed(names) {
    if (!this.receiving) {
      for (const name of names) this.dirty.add(name);
      this.#keep();
    }
    this.invalidate("state");
  }

  #receive() {
    if (this.sending) return;
    const values = {};
    for (const name of NAMES) {
      const value = this.model.get(name);
      if (JSON.stringify(value) !== JSON.stringify(this.state.values[name])) values[name] = value;
    }
    if (Object.keys(values).length === 0) return;
    if ((values.weights || values.biases) && this.training?.interrupt()) {
      this.tell("Other weights were set: training has paused.", "note", () => !this.training.clock.running);
    }
    this.receiving = true;
    this.state.replace(values, { gesture: "from Python" });
    this.receiving = false;
  }

  #send() {
    if (this.dirty.size === 0) return;
    this.sending = true;
    for (const name of this.dirty) {
      this.model.set(name, name === "verdict" ? this.#plainVerdict() : copy(this.state.values[name]));
    }
    this.dirty.clear();
    // Tells Python that what it has set before is what this goes on from; in one piece, as a busy
    // kernel is sent a mixture of earlier and later values.
    const { weights, biases } = copy(this.state.values);
    this.model.set("_sent", { turn: this.model.get("_turn") ?? 0, weights, biases });
    this.model.save_changes();
    this.sending = false;
  }

  #plainVerdict() {
    const { holds, error, worst } = this.verdict;
    return { holds, error: Number.isFinite(error) ? error : "inf", worst: worst ? [...worst] : [], text: this.verdictWords };
  }

  // ------------------------------------------------------------------ share and copy

  #share() {
    const address = toAddress(this.config.key, this.state.values);
    copyText(address, this.note, "The link to your network is in the address bar and copied.");
  }

  #restore() {
    if (!this.onPage) return;
    const shared = sharedState(window.location.hash);
    const linked = shared !== null && shared.key === this.config.key;
    const text = linked ? shared.text : kept(`network:${this.config.key}`);
    if (text === null) return;
    const values = decode(text, this.state.sizes);
    const hidden = values && !this.config.show_biases && JSON.stringify(values.biases) !== JSON.stringify(this.state.biases);
    const untied = values && !this.state.keepsTies(values.weights);
    if (values === null || hidden || untied) {
      const why = hidden ? "has biases that this widget does not show" : untied ? "does not keep the ties between its weights" : "is damaged";
      if (linked) this.tell(`The link's network ${why}, so this is the one the page starts with.`);
      return;
    }
    const { weights, biases, x, ablated, frozen } = values;
    this.receiving = linked; // what a link brings does not replace what the reader has made
    this.state.replace({ weights, biases, x, ablated, frozen });
    this.receiving = false;
    if (!linked) this.tell("This is your network from last time; Reset starts over.", "note");
  }

  /** A warning under the heading, or a note over the tools; it leaves with the next change, and once it is not true any more. */
  tell(text, kind = "warning", holds = () => true) {
    this.messageHolds = holds;
    this.message.dataset.kind = kind;
    if (kind === "note") this.tools.prepend(this.message);
    else this.main.before(this.message);
    this.message.hidden = !text;
    setText(this.message, text);
    this.messageFresh = Boolean(text); // until the next frame: what is changing now is what it is about
    // A network in training changes at each step: there its reader gets the time to read.
    this.messageUntil = performance.now() + (this.training?.clock.running ? READING : 0);
    this.invalidate("message");
  }

  #say(text) {
    setText(this.spoken, text);
  }

  // ------------------------------------------------------------------ drawing a frame

  invalidate(what) {
    if (what === "layout" || what === "all") this.needsLayout = true;
    if (what === "state" && !this.messageFresh && performance.now() > this.messageUntil) this.message.hidden = true;
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.signal.aborted) this.#draw();
    });
  }

  #draw() {
    const { state, config } = this;
    if (this.needsLayout) this.#layout();
    const net = state.network();
    const pass = maths.exactForward(net, state.x);
    const wanted = config.target ? maths.evaluate(config.target, state.x) : null;
    const key = JSON.stringify(net);
    if (key !== this.judged && config.target && (this.verdictBox || config.challenge)) {
      this.judged = key;
      this.#judge(net);
    }
    this.drawing?.update(pass, wanted, this.selected);
    this.#updateInspector(pass);
    const output = config.output ?? 0;
    // The first time in a frame of its own: all of a widget at once would hold a phone up.
    if (this.graph && this.begun) {
      this.colors ??= mapColors(this.root);
      const pieces = this.pieces ? this.#regions(net, key) : null;
      this.graph.update(net, pass.out[output], wanted === null ? null : wanted[output], this.worst, this.colors, pieces);
    }
    this.training?.update();
    this.compare?.update();
    if (!this.message.hidden && !this.messageHolds()) this.message.hidden = true;
    this.undoButton.disabled = state.past.length === 0;
    this.redoButton.disabled = state.future.length === 0;
    set(this.cutButton, "aria-pressed", String(this.cutting));
    this.root.classList.toggle("ck-cutting", this.cutting);
    this.messageFresh = false;
    this.#send();
    if (!this.begun) this.invalidate("graph");
    this.begun = true;
  }

  #layout() {
    this.needsLayout = false;
    const { width } = this;
    if (width === 0) return;
    const widest = Math.max(...this.state.sizes);
    const beside = width >= 600 && widest <= 4 && this.drawing && this.graph;
    this.main.classList.toggle("ck-beside", Boolean(beside));
    const inset = width > NARROW ? 14 : 8;
    this.main.style.paddingInline = `${inset}px`;
    const inner = width - 2 * inset;
    // The drawing gets what its widest layer needs, the graph the rest.
    const share = beside ? Math.min(0.6, Math.max(0.46, 0.34 + 0.07 * widest)) : 1;
    const drawingWidth = Math.floor(beside ? (inner - 28) * share : inner);
    const graphWidth = Math.floor(beside ? inner - 28 - drawingWidth : Math.min(inner, 520));
    this.main.style.setProperty("--ck-drawing-width", `${drawingWidth}px`);
    this.drawing?.layout(drawingWidth);
    this.graph?.layout(graphWidth);
    this.training?.layout(width);
  }

  #judge(net) {
    const { config } = this;
    // A challenge on a range is about that range, unless it is also about what lies outside.
    const { challenge } = config;
    this.range = config.within ?? (challenge?.domain && !challenge.fails_outside ? challenge.domain : null);
    this.verdict = maths.verdict(net, config.target, { domain: this.range, tolerance: config.tolerance });
    this.worst = this.#visibleWorst(net);
    this.verdictWords = this.#words(net);
    this.dirty.add("verdict");
    if (this.verdictBox) {
      const { holds, status } = this.verdict;
      const open = status === "undecided";
      setText(this.verdictMark, holds ? "✓" : open ? "?" : "✗");
      this.verdictBox.classList.toggle("ck-undecided", open);
      setText(this.verdictText, this.verdictWords);
      this.verdictBox.classList.toggle("ck-holds", holds);
      this.jump.hidden = holds || !this.worst;
    }
    clearTimeout(this.saying);
    this.saying = setTimeout(() => this.#say(this.verdictWords), 700);
    if (config.challenge) this.#grade(net);
  }

  /** The worst input, moved along its ray into the picture where the network fails there too. */
  #visibleWorst(net) {
    const { worst, holds } = this.verdict;
    if (holds || !worst) return null;
    const { domain, target, tolerance } = this.config;
    let scale = 1;
    worst.forEach((v, i) => {
      const limit = v > 0 ? domain[i][1] : domain[i][0];
      if (v !== 0 && v / limit > 1) scale = Math.min(scale, limit / v);
    });
    if (!(scale > 0) || scale === 1) return [...worst];
    const nearer = worst.map((v) => v * scale);
    const gap = Math.max(...maths.exactForward(net, nearer).out.map((v, k) => Math.abs(v - maths.evaluate(target, nearer)[k])));
    return gap > tolerance * Math.max(1, ...nearer.map(Math.abs)) ? nearer : [...worst];
  }

  #words(net) {
    const { formula: name, inputs: names, range, worst, config } = this;
    const { target, tolerance, challenge } = config;
    const found = worst ? { ...this.verdict, worst, network: maths.exactForward(net, worst).out, target: maths.evaluate(target, worst) } : this.verdict;
    return maths.words(found, { name, names, range, tolerance, scope: challenge?.fails_outside ? " everywhere" : " yet" });
  }

  #updateInspector(pass) {
    if (!this.inspector) return;
    const { state, selected } = this;
    const { sizes } = state;
    const n = sizes[0];
    const isWeight = selected !== null && selected.length === 3;
    const isBias = isWeight && selected[2] < 0;
    this.inspectorRange.hidden = !isWeight;
    this.freezeButton.hidden = !isWeight;
    this.ablateButton.hidden = selected === null || isBias;
    if (selected === null) {
      setText(this.inspectorText, "Drag a number sideways, or click it and type. Click a unit to see its sum.");
      return;
    }
    const [layer, unit, column] = selected;
    const source = (j) => (layer === 0 ? inputName(j, n, this.config.input_names) : unitName(layer - 1, j, sizes));
    if (isWeight) {
      const value = isBias ? state.biases[layer][unit] : state.weights[layer][unit][column];
      const name = isBias ? `bias of ${unitName(layer, unit, sizes)}` : `${source(column)} → ${unitName(layer, unit, sizes)}`;
      setText(this.inspectorText, `${name}: ${show(value, 4)}`);
      if (this.inspectorRange.value !== String(value)) this.inspectorRange.value = String(value);
      set(this.inspectorRange, "aria-label", `${isBias ? name : `weight ${name}`}`);
      const frozen = state.has("frozen", selected);
      this.inspectorRange.disabled = frozen;
      set(this.freezeButton, "aria-pressed", String(frozen));
    } else {
      setText(this.inspectorText, this.#sum(layer, unit, pass));
    }
    set(this.ablateButton, "aria-pressed", String(state.has("ablated", selected)));
  }

  /** A unit's arithmetic spelled out: 1 · 3 + (−1) · 5 = −2, so it is off: 0. */
  #sum(layer, unit, pass) {
    const { state } = this;
    const below = layer === 0 ? state.x : pass.act[layer - 1];
    const bracket = (v) => (v < 0 ? `(${show(v)})` : show(v));
    const terms = state.network().weights[layer][unit].map((w, j) => `${bracket(w)} · ${bracket(below[j])}`);
    const b = state.biases[layer][unit];
    if (b !== 0) terms.push(bracket(b));
    const z = pass.pre[layer][unit];
    const name = unitName(layer, unit, state.sizes);
    return `${name[0].toUpperCase()}${name.slice(1)}: ${terms.join(" + ")} = ${show(z)}, ${z > 0 ? `on: ${show(z)}` : "off: 0"}.`;
  }

  end() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.saying);
    clearTimeout(this.keeping);
    this.root.remove();
  }
}


/** `2 x₁ − x₂ + 0.5` from its coefficients, the constant last. */
function affine(coefficients, names) {
  const terms = coefficients.flatMap((v, k) => {
    const size = show(Math.abs(v));
    if (size === "0") return [];
    const name = names[k] ?? "";
    const text = name === "" ? size : size === "1" ? name : `${size} ${name}`;
    return [[v < 0, text]];
  });
  if (terms.length === 0) return "0";
  return terms.map(([negative, text], k) => (k === 0 ? (negative ? `−${text}` : text) : `${negative ? " − " : " + "}${text}`)).join("");
}

function inside(polygon, [x, y]) {
  return polygon.every(([ax, ay], k) => {
    const [bx, by] = polygon[(k + 1) % polygon.length];
    return (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= -1e-9;
  });
}

/** Hidden units that something flows into and out of. */
function unitsInUse({ weights, biases }) {
  let used = 0;
  for (let l = 0; l + 1 < weights.length; l += 1) {
    weights[l].forEach((row, i) => {
      const fed = row.some((w) => w !== 0) || biases[l][i] > 0;
      const heard = weights[l + 1].some((next) => next[i] !== 0);
      if (fed && heard) used += 1;
    });
  }
  return used;
}

/** The widget's key and text in an address, or null; a damaged one has no widget's key. */
export function sharedState(hash) {
  const match = /^#?circuit=([^.]*)\.?(.*)$/.exec(hash);
  return match ? { key: match[1], text: match[2] } : null;
}

export default { render: drawing(View), sharedState };
