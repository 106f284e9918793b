/**
 * Features as arrows in the plane, y = ReLU(W'W x + b): the reader drags them, or has them trained again at every move
 * of a slider; beside them the exact worst error, and the input on which it is attained.
 */
import { html, svg, set, setText, button, numberField, show, drawing, inputName, kept } from "./dom.mjs";
import { Picture } from "./picture.mjs";
import { train, meanError, worst, geometry } from "./superposing.mjs";

const REACH = 1.5; // of the plane, in all directions
const SIZE = 300; // its side, in units of the drawing
const LONGEST = 1.4;
const TURN = 1; // a step of a direction, in degrees
const GROW = 0.02; // and of a length
const SLIDER = 200; // positions of the slider of sparsity: S = 1 - 10^(-position / 100)
const RAD = Math.PI / 180;

const x = (v) => ((v + REACH) / (2 * REACH)) * SIZE;
const y = (v) => ((REACH - v) / (2 * REACH)) * SIZE;
const near = (value, step) => Number((Math.round(value / step) * step).toFixed(6)) + 0;
const turned = (degrees) => ((Math.round(degrees) % 360) + 360) % 360;

class Arrows extends Picture {
  constructor(model, el, signal) {
    const { trained } = model.get("_config");
    super(model, el, signal, { className: "ck-arrows", label: trained ? "Features, trained" : "Features as arrows" });
    this.active = this.config.active;
    this.chosen = 0;
    this.#begin();
    this.#build();
    this.listen();
    this.#restore();
    if (this.config.trained) this.#retrain();
    else this.#tell();
  }

  /** The arrows as they are at the start: direction in degrees, length. */
  #begin() {
    const { weights: [xs, ys], bias } = this.config;
    this.polar = xs.map((v, i) => [turned(Math.atan2(ys[i], v) / RAD), near(Math.hypot(v, ys[i]), GROW)]);
    this.bias = bias[0];
    // The same object: the sliders change it.
    this.settings = Object.assign(this.settings ?? {}, this.config.trained);
    this.net = { weights: this.config.weights, bias };
  }

  /** What the arrows say, as a network. */
  #placed() {
    const row = (f) => this.polar.map(([angle, length]) => length * f(angle * RAD));
    return { weights: [row(Math.cos), row(Math.sin)], bias: this.polar.map(() => this.bias) };
  }

  get names() {
    return this.config.weights[0].map((_, i) => inputName(i, this.config.weights[0].length));
  }

  // ------------------------------------------------------------------ building

  #build() {
    const { config, signal } = this;
    const on = (label, action, className = "") => button(label, { action, className, signal });
    this.ground = svg("svg", { class: "ck-plot ck-arrows-plane", viewBox: `0 0 ${SIZE} ${SIZE}` },
      svg("g", { class: "ck-grid" },
        svg("line", { class: "ck-zero-line", x1: 0, x2: SIZE, y1: y(0), y2: y(0) }),
        svg("line", { class: "ck-zero-line", y1: 0, y2: SIZE, x1: x(0), x2: x(0) })),
      svg("circle", { class: "ck-arrows-unit", cx: x(0), cy: y(0), r: x(1) - x(0) }));
    this.tips = config.weights[0].map((_, i) => this.#tip(i));
    this.ground.append(...this.tips.map((t) => t.line), ...this.tips.map((t) => t.tip));
    if (config.trained) {
      set(this.ground, "role", "img");
      for (const { tip } of this.tips) tip.removeAttribute("tabindex");
    } else {
      set(this.ground, "role", "group");
      set(this.ground, "aria-label", "Arrows; the arrow keys turn and stretch the one that is chosen");
    }
    this.frame = html("div", { class: "ck-arrows-frame" }, this.ground);

    const count = (s, text) => {
      const choice = on(text, () => {
        this.active = s;
        this.#tell();
      });
      choice.dataset.active = String(s);
      return choice;
    };
    this.counts = [count(1, "one active"), count(2, "two active")];
    this.result = html("p", { class: "ck-arrows-worst" });
    this.where = html("p", { class: "ck-status" });
    this.mark = html("span", { class: "ck-verdict-mark", "aria-hidden": "true" });
    this.told = html("span", { class: "ck-verdict-text" });
    this.verdict = html("p", { class: "ck-verdict ck-arrows-goal", hidden: config.goal === null }, this.mark, this.told);
    this.table = html("dl", { class: "ck-arrows-table" });
    const side = config.trained ? this.#sliders(on) : this.#fields(on);
    this.root.append(
      this.message,
      html("div", { class: "ck-arrows-body" }, this.frame, html("div", { class: "ck-arrows-side" }, side)),
      ...(config.caption ? [html("p", { class: "ck-caption" }, config.caption)] : []),
      this.spoken,
    );
  }

  #fields(on) {
    const { signal } = this;
    const field = (label, k, low, high, step) => numberField({
      label, className: "ck-field", low, high, step, signal,
      get: () => (k === 2 ? this.bias : this.polar[this.chosen][k]),
      set: (value) => {
        if (k === 2) this.bias = value;
        else this.polar[this.chosen][k] = value;
        this.#moved();
      },
      complain: (text) => this.complain(text),
    });
    this.inputs = [field("direction in degrees", 0, 0, 360, TURN), field("length", 1, 0, LONGEST, GROW), field("bias b of all outputs", 2, -1, 1, 0.01)];
    this.label = html("b", { class: "ck-arrows-chosen" });
    const labeled = (text, { element }) => html("label", { class: "ck-labeled" }, text, element);
    return [
      html("div", { class: "ck-controls" }, this.label, labeled("direction", this.inputs[0]), labeled("length", this.inputs[1])),
      html("div", { class: "ck-controls" }, labeled("one bias for all, b", this.inputs[2])),
      html("div", { class: "ck-controls", role: "group", "aria-label": "How many features may be active" }, this.counts),
      this.result, this.where, this.verdict,
      html("div", { class: "ck-controls" },
        on("Start again", () => {
          this.#begin();
          this.#moved();
          this.keep(null);
        }),
        this.config.on_page ? on("Share", () => this.putInAddress({ polar: this.polar, bias: this.bias })) : null),
    ];
  }

  #sliders(on) {
    const { signal, settings } = this;
    const slider = (label, attributes, value, change) => {
      const element = html("input", { type: "range", class: "ck-range", "aria-label": label, "data-lm-suppress-shortcuts": "true", ...attributes });
      element.value = String(value);
      element.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
      element.addEventListener("input", () => {
        change(Number(element.value));
        this.#soon();
      }, { signal });
      return element;
    };
    this.sparsity = slider("sparsity", { min: 0, max: SLIDER, step: 1 }, 0, (v) => {
      settings.sparsity = Number((1 - 10 ** (-v / 100)).toFixed(3));
    });
    this.importance = slider("importance of each feature beside the one before", { min: 0.5, max: 1, step: 0.01 }, 1, (v) => {
      settings.importance = v;
    });
    this.seed = html("input", { type: "text", inputmode: "numeric", class: "ck-seed", "aria-label": "seed", autocomplete: "off", "data-lm-suppress-shortcuts": "true" });
    this.#follow();
    const sow = (by) => {
      const text = this.seed.value.trim();
      if (!/^\d{1,15}$/.test(text)) {
        this.complain(`“${text}” is not a seed. Seeds are whole numbers from 0 up.`);
        return;
      }
      this.message.hidden = true;
      settings.seed = Number(text) + by;
      this.#follow();
      this.#retrain();
      this.#keepSettings();
    };
    this.seed.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") sow(0);
    }, { signal });
    this.says = [html("output", {}), html("output", {})];
    const row = (text, element, said) => html("label", { class: "ck-arrows-slider" }, html("span", {}, text), element, said);
    return [
      row("sparsity S", this.sparsity, this.says[0]),
      row("importance", this.importance, this.says[1]),
      html("div", { class: "ck-controls" }, html("label", { class: "ck-labeled" }, "seed", this.seed), on("Train", () => sow(0)), on("Next seed", () => sow(1), "ck-primary"), on("Start again", () => {
        this.#begin();
        this.#follow();
        this.message.hidden = true;
        this.#retrain();
        this.keep(null);
      })),
      this.table,
    ];
  }

  /** The sliders and the seed say what the settings are. */
  #follow() {
    const { sparsity, importance, seed } = this.settings;
    this.sparsity.value = String(Math.round(-100 * Math.log10(1 - sparsity)));
    this.importance.value = String(importance);
    this.seed.value = String(seed);
  }

  #keepSettings() {
    const { sparsity, importance, seed } = this.settings;
    this.keep({ sparsity, importance, seed });
  }

  #tip(i) {
    const name = this.names[i];
    const tip = svg("g", { class: "ck-arrows-tip", tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": 360 },
      svg("circle", { class: "ck-arrows-touch", r: 20 }), svg("circle", { r: 12 }), svg("text", { "text-anchor": "middle", dy: "0.34em" }, String(i + 1)));
    const line = svg("path", { class: "ck-arrows-line" });
    if (this.config.trained) {
      for (const a of ["role", "aria-valuemin", "aria-valuemax"]) tip.removeAttribute(a);
      return { tip, line };
    }
    const on = (type, handler) => tip.addEventListener(type, handler, { signal: this.signal });
    let held = null;
    on("pointerdown", (event) => {
      held = event.pointerId;
      tip.setPointerCapture(held);
      tip.focus({ preventScroll: true });
      event.preventDefault();
    });
    on("pointermove", (event) => {
      if (event.pointerId !== held) return;
      const box = this.ground.getBoundingClientRect();
      const at = (share) => (2 * share - 1) * REACH;
      const [px, py] = [at((event.clientX - box.left) / box.width), -at((event.clientY - box.top) / box.height)];
      this.polar[i] = [turned(Math.atan2(py, px) / RAD), Math.min(LONGEST, near(Math.hypot(px, py), GROW))];
      this.#moved();
    });
    for (const type of ["pointerup", "pointercancel"]) on(type, () => {
      held = null;
    });
    on("focus", () => {
      this.chosen = i;
      this.#tell();
    });
    on("keydown", (event) => {
      const step = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      const by = event.shiftKey ? 10 : 1;
      const [angle, length] = this.polar[i];
      this.polar[i] = [turned(angle + step[0] * TURN * by), Math.max(0, Math.min(LONGEST, near(length + step[1] * GROW * by, GROW)))];
      this.#moved();
    });
    set(tip, "aria-label", `arrow of ${name}: direction`);
    return { tip, line };
  }

  // ------------------------------------------------------------------ what changes

  #moved() {
    this.net = this.#placed();
    this.message.hidden = true;
    this.#tell();
    this.keep({ polar: this.polar, bias: this.bias });
  }

  /** Train again before the next frame, however often a slider has moved. */
  #soon() {
    this.#settings();
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.message.hidden = true;
      this.#retrain();
      this.#keepSettings();
    });
  }

  #settings() {
    const { sparsity, importance } = this.settings;
    setText(this.says[0], sparsity.toFixed(3));
    setText(this.says[1], importance === 1 ? "equal" : `×\u00a0${importance.toFixed(2)}`);
    set(this.sparsity, "aria-valuetext", `${sparsity.toFixed(3)}: each feature is zero with this chance`);
  }

  #retrain() {
    this.#settings();
    this.net = train(this.settings);
    this.#tell();
  }

  #tell() {
    const { net, config } = this;
    const found = worst(net, this.active);
    this.#draw(config.trained ? null : found.output);
    if (config.trained) this.#tabulate();
    else this.#judge(found);
    this.model.set("found", { weights: net.weights, bias: net.bias, worst: found.error, active: this.active });
    this.model.save_changes();
  }

  #tabulate() {
    const { net, settings } = this;
    const name = geometry(net);
    const rows = [
      ["arrangement", name],
      ["mean squared error", show(meanError(net, settings.sparsity), 4)],
      ["worst error, one active", worst(net, 1).error.toFixed(3)],
      ["worst error, two active", worst(net, 2).error.toFixed(3)],
    ];
    this.table.replaceChildren(...rows.flatMap(([what, value]) => [html("dt", {}, what), html("dd", {}, value)]));
    set(this.ground, "aria-label", `Five arrows in the plane as training has left them: ${name}. Lengths ${this.#lengths().map((v) => show(v)).join(", ")}.`);
    setText(this.spoken, `Trained: ${name}.`);
  }

  #lengths() {
    const { weights: [xs, ys] } = this.net;
    return xs.map((v, i) => Math.hypot(v, ys[i]));
  }

  #judge({ error, output, x: input }) {
    const { config, names } = this;
    const [angle, length] = this.polar[this.chosen];
    for (const choice of this.counts) set(choice, "aria-pressed", Number(choice.dataset.active) === this.active);
    setText(this.label, `Arrow ${this.chosen + 1}`);
    for (const field of this.inputs) field.update();
    setText(this.result, `Worst error: ${show(error, 4)}`);
    const { weights: [xs, ys], bias } = this.net;
    const z = input.reduce((t, v, j) => t + v * (xs[output] * xs[j] + ys[output] * ys[j]), bias[output]);
    const on = input.flatMap((v, j) => (v === 0 ? [] : [`${names[j]} = ${show(v, 3)}`]));
    setText(this.where, `At ${on.length ? on.join(", ") : "no feature active"}: output ${output + 1} is ${show(Math.max(0, z), 3)} and should be ${show(input[output], 3)}.`);
    this.tips.forEach(({ tip }, i) => {
      set(tip, "aria-valuenow", this.polar[i][0]);
      set(tip, "aria-valuetext", `${this.polar[i][0]} degrees, length ${show(this.polar[i][1])}`);
    });
    if (config.goal === null) return;
    const solved = this.active === config.active && error <= config.goal;
    if (solved) this.#keep();
    this.verdict.classList.toggle("ck-holds", solved);
    setText(this.mark, solved ? "✓" : "✗");
    const asked = `with ${config.active === 1 ? "one feature" : `${config.active} features`} active`;
    const text = solved ? config.solved : this.active === config.active ? `The goal: at most ${show(config.goal, 4)} ${asked}, at every input.` : `The goal is asked ${asked}.`;
    if (solved && this.told.textContent !== text) setText(this.spoken, text);
    setText(this.told, text);
    set(this.ground, "data-chosen", `${this.chosen} ${angle} ${length}`);
  }

  #keep() {
    kept(`challenge:${this.config.challenge}`, "solved");
  }

  // ------------------------------------------------------------------ drawing

  #draw(bad) {
    const { weights: [xs, ys] } = this.net;
    this.tips.forEach(({ tip, line }, i) => {
      const length = Math.hypot(xs[i], ys[i]);
      const cut = length > REACH * 0.93 ? (REACH * 0.93) / length : 1;
      const [px, py] = [x(xs[i] * cut), y(ys[i] * cut)];
      set(line, "d", `M${x(0)} ${y(0)}L${px.toFixed(2)} ${py.toFixed(2)}`);
      set(tip, "transform", `translate(${px.toFixed(2)} ${py.toFixed(2)})`);
      for (const part of [tip, line]) {
        part.classList.toggle("ck-arrows-bad", i === bad);
        part.classList.toggle("ck-arrows-short", length <= 0.5);
        part.classList.toggle("ck-arrows-on", !this.config.trained && i === this.chosen);
      }
    });
  }

  layout() {}

  repaint() {}

  tick() {}

  // ------------------------------------------------------------------ the address

  #restore() {
    if (this.config.trained) {
      const isSeed = (v) => Number.isInteger(v) && v >= 0 && v < 1e15;
      const known = ({ sparsity, importance, seed }) => sparsity >= 0 && sparsity <= 0.99 && importance >= 0.5 && importance <= 1 && isSeed(seed);
      const brought = this.brought(known);
      if (!this.isKept) return;
      const { sparsity, importance, seed } = brought;
      Object.assign(this.settings, { sparsity, importance, seed });
      this.#follow();
      this.complain("These are your sliders from last time; Start again starts over.", "told");
      return;
    }
    const fits = ([angle, length]) => Number.isFinite(angle) && length >= 0 && length <= LONGEST;
    const known = ({ polar, bias }) => Array.isArray(polar) && polar.length === this.polar.length && polar.every((p) => Array.isArray(p) && p.length === 2 && fits(p)) && Math.abs(bias) <= 1;
    const brought = this.brought(known);
    if (brought === null) return;
    if (!known(brought)) {
      this.complain("The link is damaged, so these are the arrows as the page starts with them.");
      return;
    }
    const { polar, bias } = brought;
    this.polar = polar.map(([angle, length]) => [turned(angle), near(length, GROW)]);
    this.bias = bias;
    this.net = this.#placed();
    if (this.isKept) this.complain("These are your arrows from last time; Start again starts over.", "told");
  }
}

export default { render: drawing(Arrows) };
