/**
 * Training in the page: gradient descent on the population loss, from weights that can be met again.
 * One descent in the widget's own network; compare.mjs has several seeds side by side.
 */
import * as maths from "./mathematics.mjs";
import { html, svg, button, choice, set, setText, resize, numberField } from "./dom.mjs";
import { path, place, label } from "./graph.mjs";

export const ICONS = {
  run: "M6 3l14 9-14 9z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  step: "M5 4l10 8-10 8zM17 4h3v16h-3z",
  rewind: "M19 4L9 12l10 8zM4 4h3v16H4z",
};
export const FRAME = 9; // milliseconds of training a frame: the page stays smooth
const KEPT = 1500; // points of a loss curve
const PATIENCE = 400; // steps without progress before a descent counts as stuck
const PLACES = 256; // more than can be undone: from each of them training is known to have gone on

/** Gradient descent from one network, with its loss curve and what became of it. */
export class Descent {
  constructor(net, { target, solved }, { bias, frozen = [] }) {
    this.target = target;
    this.near = solved; // ck.train's "solved": within this of the target, in the proof's measure
    this.options = { bias, frozen };
    this.rule = maths.quadrature(target, { bias: bias || maths.hasBiases(net) });
    this.begin(net);
  }

  begin(net) {
    this.machine = maths.trainer(net, this.rule, this.options);
    this.steps = 0;
    this.every = 1;
    this.loss = this.#measured();
    this.curve = [[0, this.loss]];
    this.mark = [0, this.loss];
    this.status = "ready";
    this.turned = false; // whether somebody else has set the weights since its last step
    this.judged = this.offNow = null;
  }

  /** Up to `count` steps, as far as `budget` milliseconds reach. */
  run(count, rate, budget = FRAME) {
    const end = performance.now() + budget;
    if (this.status === "ready") this.status = "moving";
    this.turned = false;
    for (let k = 0; k < count && this.status === "moving"; k += 1) {
      this.loss = this.machine.step(rate); // before it
      if (this.steps > 0 && this.steps % this.every === 0) this.#record();
      this.steps += 1;
      if (!Number.isFinite(this.loss) || this.loss > 1e9) this.status = "diverged";
      else if (this.loss < 1e-26) this.status = "done";
      else if (this.steps - this.mark[0] >= PATIENCE) {
        const fell = this.mark[1] - this.loss;
        if (fell <= 1e-7 * this.mark[1]) this.status = this.loss < 1e-20 ? "done" : "stuck";
        this.mark = [this.steps, this.loss];
      }
      if (k % 8 === 7 && performance.now() > end) break;
    }
    // What is said of the network is said of where it has arrived.
    this.loss = this.#measured();
    if (!(this.loss <= 1e9)) this.status = "diverged";
    this.judged = this.offNow = null;
  }

  /** The loss now; infinite where the numbers have overflowed. */
  #measured() {
    const loss = this.machine.loss();
    return Number.isNaN(loss) ? Infinity : loss;
  }

  /** Whether the network is the target now: a later step may lose what an earlier one had. */
  get solved() {
    // Within `near` of the target everywhere, it is so where the loss looks.
    this.judged ??= this.loss <= 1.001 * this.near ** 2 && maths.verdict(this.network(), this.target, { tolerance: this.near, exact: false }).holds;
    return this.judged;
  }

  get bounded() {
    return this.options.bias || maths.hasBiases(this.network());
  }

  /** The hidden units that no input which counts here turns on. */
  get off() {
    const { points } = this.rule;
    this.offNow ??= offUnits(this.network(), points, this.bounded ? points[0].map(() => [-1, 1]) : null);
    return this.offNow;
  }

  #record() {
    this.curve.push([this.steps, this.loss]);
    if (this.curve.length <= KEPT) return;
    this.curve = this.curve.filter((_, k) => k % 2 === 0);
    this.every *= 2;
  }

  network() {
    return this.machine.network();
  }

  /** How far it has come, for another one to go on from. */
  course() {
    const { steps, every, curve, mark, status, turned } = this;
    return { net: this.network(), steps, every, curve: [...curve], mark, status, turned };
  }

  get ended() {
    return ["stuck", "done", "diverged"].includes(this.status);
  }

  /** The state in words. */
  words() {
    if (this.status === "diverged") return "diverged: the learning rate was too large";
    if (this.solved) return `solved: within ${this.near} of the target for every input, relative to the input's size beyond 1`;
    if (this.status === "stuck" || this.status === "done") {
      const count = this.off;
      if (count === 0) return "stuck: the loss has stopped falling";
      // Without biases what holds there holds everywhere.
      const where = this.bounded ? "every input from −1 to 1" : "every input";
      return `stuck: ${count === 1 ? "a hidden unit is" : `${count} hidden units are`} off for ${where}`;
    }
    if (this.turned) return this.steps === 0 ? "ready to start from these weights" : "ready to go on from these weights";
    return this.steps === 0 ? "at its initial weights" : "on its way";
  }
}

/** How many hidden units are certainly off, for every input of a domain (null: for all there are). */
function offUnits(net, points, domain) {
  const on = net.weights.slice(0, -1).map((w) => w.map(() => false));
  for (const x of points) maths.forward(net, x).pre.forEach((layer, l) => layer.forEach((z, i) => (on[l][i] ||= z > 0)));
  const zero = { n_inputs: net.weights[0][0].length, n_outputs: 1, outputs: [{ op: "const", value: 0 }] };
  // Between the points a unit may be on: what is off at all of them is decided.
  const off = (l, i) => {
    const weights = [...net.weights.slice(0, l), [net.weights[l][i]], [[1]]];
    const biases = [...net.biases.slice(0, l), [net.biases[l][i]], [0]];
    return maths.verdict({ weights, biases }, zero, { domain, samples: false }).holds;
  };
  return on.reduce((count, layer, l) => count + layer.filter((some, i) => !some && off(l, i)).length, 0);
}

/** The loss against the steps, on a logarithmic scale. */
class LossCurve {
  constructor(height) {
    this.height = height;
    this.grid = svg("g", { class: "ck-grid" });
    this.line = svg("path", { class: "ck-loss-line" });
    this.dot = svg("circle", { class: "ck-point ck-small", r: 4 });
    this.element = svg("svg", { class: "ck-plot ck-loss", role: "img" }, this.grid, this.line, this.dot);
    this.width = 0;
  }

  layout(width) {
    this.width = Math.round(width);
    resize(this.element, this.width, this.height);
  }

  update({ curve, steps, loss }) {
    if (!this.width) return;
    const [left, right, top, bottom] = [40, this.width - 10, 8, this.height - 20];
    const most = Math.max(1e-3, ...curve.map(([, v]) => (Number.isFinite(v) ? v : 0)));
    const high = Math.min(9, Math.ceil(Math.log10(most)));
    let least = Infinity;
    for (const [, v] of curve) if (v > 0 && v < least) least = v;
    const low = Math.max(-26, Math.min(high - 2, Math.floor(Math.log10(least === Infinity ? 1e-3 : least))));
    const sy = (v) => top + ((high - Math.log10(Math.max(v, 10 ** low))) / (high - low)) * (bottom - top);
    const end = Math.max(steps, 50);
    const sx = (s) => left + (s / end) * (right - left);
    const scale = `${low} ${high} ${end} ${this.width}`;
    if (scale !== this.scale) {
      this.scale = scale;
      const parts = [];
      const stride = Math.ceil((high - low) / 4);
      for (let p = high; p >= low; p -= stride) {
        const y = sy(10 ** p);
        parts.push(svg("line", { x1: left, x2: right, y1: y, y2: y }));
        parts.push(label(p === 0 ? "1" : p === 1 ? "10" : `1e${p}`.replace("-", "−"), left - 5, y + 4, "end"));
      }
      parts.push(label(`${end} steps`, right, this.height - 4, "end"), label("0", left, this.height - 4));
      this.grid.replaceChildren(...parts);
    }
    set(this.line, "d", path([...curve, [steps, loss]].flatMap(([s, v]) => [sx(s), sy(v)])));
    place(this.dot, sx(steps), sy(loss));
    set(this.element, "aria-label", `Loss curve: ${maths.formatNumber(loss, 2)} after ${steps} steps.`);
  }
}

/** Settings that both panels share: learning rate and speed. */
export function settings({ rate, setRate, complain, signal }) {
  const field = numberField({
    label: "learning rate",
    className: "ck-field",
    get: rate,
    set: setRate,
    step: 0.01,
    digits: 4,
    low: 1e-6,
    high: 100,
    complain,
    signal,
  });
  const speed = choice("steps a frame", [[1, "slow"], [5, "medium"], [25, "fast"], [250, "fastest"]], 1);
  const element = html("div", { class: "ck-settings" }, html("label", { class: "ck-labeled" }, "learning rate", field.element), html("label", { class: "ck-labeled" }, "speed", speed));
  return { element, field, speed: () => Number(speed.value) };
}

/** What pressing the button does next. */
export function showRunning(button, running, start) {
  setText(button.lastChild, running ? "Pause" : start);
  set(button.querySelector("path"), "d", running ? ICONS.pause : ICONS.run);
}

/** Calls `tick` once a frame while it runs and is on screen; gentler where motion is unwelcome. */
export class Clock {
  constructor(tick, element, signal) {
    this.tick = tick;
    this.running = false;
    this.visible = true;
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.observer = new IntersectionObserver((entries) => {
      this.visible = entries[entries.length - 1].isIntersecting;
      if (this.visible && this.running) this.#next();
    });
    this.observer.observe(element);
    signal.addEventListener("abort", () => {
      this.stop();
      this.observer.disconnect();
    });
  }

  start() {
    this.running = true;
    this.#next();
  }

  stop() {
    this.running = false;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.waiting = false;
  }

  #next() {
    if (this.waiting) return;
    this.waiting = true;
    const go = () => {
      this.waiting = false;
      if (!this.running || !this.visible) return;
      this.tick(this.calm.matches ? 20 : 1);
      if (this.running) this.#next();
    };
    if (this.calm.matches) this.timer = setTimeout(go, 330);
    else this.frame = requestAnimationFrame(go);
  }
}

/** The panel "training": the widget's own network learns. */
export class Training {
  /** state, config, signal; rate(), setRate(v), seed(), setSeed(v), complain(text), invalidate() */
  constructor(options) {
    Object.assign(this, options);
    this.descent = null;
    this.known = null;
    this.naming = false;
    this.places = new Map(); // a network that a descent began or was left at -> where in it that was
    this.bias = Boolean(this.config.show_biases);
    this.#build();
    this.restart();
  }

  #build() {
    const { signal } = this;
    const control = (label, icon, action, title) => button(label, { icon, action, title, signal });
    this.runButton = control("Run", ICONS.run, () => (this.clock.running ? this.pause() : this.play()));
    this.runButton.classList.add("ck-primary");
    this.stepButton = control("Step", ICONS.step, () => this.advance(1), "One step of gradient descent");
    this.rewindButton = control("Rewind", ICONS.rewind, () => this.rewind(), "Back to the very same initial weights");
    this.seedInput = html("input", { type: "text", inputmode: "numeric", class: "ck-seed", "aria-label": "seed", autocomplete: "off", "data-lm-suppress-shortcuts": "true" });
    this.seedInput.addEventListener("change", () => this.#typed(), { signal });
    this.seedInput.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") this.#typed(true);
    }, { signal });
    this.newButton = control("New seed", null, () => this.begin(Math.floor(Math.random() * 1e5)), "Other random initial weights");
    this.settings = settings(this);
    this.loss = new LossCurve(132);
    this.status = html("p", { class: "ck-status" });
    this.element = html(
      "div",
      { class: "ck-training", role: "group", "aria-label": "Training" },
      html(
        "div",
        { class: "ck-controls" },
        this.runButton,
        this.stepButton,
        this.rewindButton,
        html("label", { class: "ck-labeled" }, "seed", this.seedInput),
        this.newButton,
        this.settings.element,
      ),
      this.status,
      this.loss.element,
    );
    this.clock = new Clock((factor) => this.advance(this.settings.speed() * factor), this.element, signal);
  }

  /** Enter begins anew from the same seed too; leaving the field does so from another one. */
  #typed(entered = false) {
    const text = this.seedInput.value.trim();
    if (text === String(this.seed() ?? "") && !(entered && text)) return;
    const seed = Number(text);
    if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(seed)) {
      this.seedInput.setAttribute("aria-invalid", "true");
      this.complain(`“${text}” is not a seed. Seeds are whole numbers from 0 up.`);
      return;
    }
    this.complain(""); // what was typed before, even in this frame, is mended
    this.begin(seed);
  }

  /** Initial weights for a seed, the ones that ck.train starts from. */
  begin(seed) {
    this.#leave(seed);
    this.state.replace(this.#initial(seed));
    this.restart();
  }

  #initial(seed) {
    return maths.initialWeights(this.state.sizes, seed, { bias: this.bias });
  }

  /** A seed's descent as it was left elsewhere: it goes on from there, or back to its initial weights. */
  open(seed, start, { net, ...course }) {
    this.#leave(seed);
    this.state.replace(net);
    this.restart();
    this.origin = { weights: start.weights, biases: start.biases, seed, turned: false };
    Object.assign(this.descent, course);
    this.shown = course.steps;
  }

  /** Somebody else has set the seed; its weights come along, or right behind. */
  seeded() {
    if (this.naming) return;
    if (!this.descent.turned) this.#note();
    this.restart();
  }

  /** What is on screen becomes the start. */
  restart() {
    this.clock?.stop();
    const { weights, biases } = this.state.snapshot();
    const seed = this.seed();
    // What was given with the widget is what it starts from; later only the seed's own weights are its initial ones.
    const initial = seed === null || seed === undefined ? this.descent === null : JSON.stringify(this.#initial(seed)) === JSON.stringify({ weights, biases });
    this.origin = { weights, biases, seed, turned: !initial };
    this.#descend();
    this.descent.turned = !initial;
    this.invalidate();
  }

  /** A descent from what is on screen. */
  #descend() {
    this.descent = new Descent(this.state.network(), this.config, { bias: this.bias, frozen: this.#fixed() });
    this.#arrive();
  }

  /** What is on screen is where the descent is. */
  #arrive() {
    this.known = JSON.stringify(this.state.snapshot());
    this.here = JSON.stringify(this.state.network());
    this.shown = this.descent.steps;
  }

  /** Keep where the descent is, for the day that its weights are met again: by Undo, Redo, Reset. */
  #note() {
    // Beyond what numbers can say the screen has stayed behind.
    if (this.shown !== this.descent.steps) return;
    const { origin, known, here } = this;
    this.places.delete(here); // the latest comes last
    this.places.set(here, { origin, known, course: this.descent.course() });
    if (this.places.size > PLACES) this.places.delete(this.places.keys().next().value);
  }

  /** Other weights come, of this seed. */
  #leave(seed) {
    this.pause();
    this.#follow();
    this.#note();
    this.#name(seed);
  }

  #name(seed) {
    if (seed === this.seed()) return;
    this.naming = true;
    this.setSeed(seed);
    this.naming = false;
  }

  rewind() {
    const { origin } = this;
    this.#leave(origin.seed);
    this.state.replace({ weights: origin.weights, biases: origin.biases });
    this.restart();
    this.origin = origin;
    this.descent.turned = origin.turned;
  }

  play() {
    this.#follow();
    if (this.descent.ended) return;
    this.gesture = `training ${Math.random()}`;
    this.clock.start();
    this.invalidate();
  }

  pause() {
    this.clock.stop();
    this.gesture = null;
    this.invalidate();
  }

  /** Somebody else has set the weights; whether that ended a run. */
  interrupt() {
    const { running } = this.clock;
    if (running) this.pause();
    return running;
  }

  advance(count) {
    this.#follow();
    // Where this stretch begins, Undo comes back to.
    if (!this.clock.running || this.stretch !== this.gesture) this.#note();
    this.stretch = this.gesture;
    this.descent.run(count, this.rate());
    const trained = this.descent.network();
    const { weights, biases } = this.state.snapshot();
    const cut = (key) => this.state.has("ablated", key) || (key[0] > 0 && this.state.has("ablated", [key[0] - 1, key[2]]));
    // What is ablated keeps its number, for the day that it comes back.
    trained.weights.forEach((w, l) => w.forEach((row, i) => row.forEach((v, j) => {
      if (!cut([l, i, j])) weights[l][i][j] = v;
    })));
    const finite = weights.flat(2).every(Number.isFinite);
    if (finite) {
      this.state.replace({ weights, biases: this.bias ? trained.biases : biases }, { gesture: this.clock.running ? this.gesture : null });
      this.#arrive();
    } else this.invalidate(); // no weight has moved, and still there is something to tell
    if (this.descent.ended && this.clock.running) this.pause();
  }

  #fixed() {
    const { ablated, frozen } = this.state.values;
    const keys = [...frozen, ...ablated.filter((k) => k.length === 3)];
    for (const [l, i] of ablated.filter((k) => k.length === 2)) {
      this.state.weights[l + 1].forEach((_, r) => keys.push([l + 1, r, i]));
    }
    return keys;
  }

  /** Somebody may have turned something since the last step: train on from what is there. */
  #follow() {
    if (JSON.stringify(this.state.snapshot()) === this.known) return;
    // What was only turned on the way, as by a hand that drags, nobody comes back to.
    if (!this.descent.turned) this.#note();
    this.stretch = null;
    const place = this.places.get(JSON.stringify(this.state.network()));
    if (place) this.#return(place);
    else if (this.descent.steps === 0) this.restart();
    else {
      const { steps, curve, every } = this.descent;
      this.#descend();
      Object.assign(this.descent, { steps, curve, every, mark: [steps, this.descent.loss], turned: true });
      this.shown = steps;
    }
  }

  /** The weights are those that a descent has been at: so are its step, its curve, its seed. */
  #return({ origin, known, course: { steps, every, curve, mark, status, turned } }) {
    this.#name(origin.seed);
    this.origin = origin;
    this.#descend();
    Object.assign(this.descent, { steps, every, curve: [...curve], mark: [steps, this.descent.loss], turned });
    this.shown = steps;
    // With other weights frozen it may move again.
    if (known === this.known) Object.assign(this.descent, { status, mark });
  }

  layout(width) {
    this.loss.layout(width - 28);
  }

  update() {
    const { running } = this.clock;
    this.#follow();
    showRunning(this.runButton, running, "Run");
    this.rewindButton.disabled = this.descent.steps === 0;
    this.runButton.disabled = this.descent.ended;
    this.stepButton.disabled = this.descent.ended;
    if (document.activeElement !== this.seedInput) {
      const text = String(this.seed() ?? "");
      if (this.seedInput.value !== text) this.seedInput.value = text;
      this.seedInput.removeAttribute("aria-invalid");
    }
    this.settings.field.update();
    const { steps, loss, turned } = this.descent;
    const since = turned && steps > 0 ? ", then the network was changed" : "";
    const behind = this.shown === steps ? "" : `; what is shown are the weights of step ${this.shown}`;
    setText(this.status, `Step ${steps}${since}, loss ${maths.formatNumber(loss, 2)}: ${this.descent.words()}${behind}.`);
    this.status.dataset.outcome = this.descent.solved ? "solved" : this.descent.ended ? "stuck" : "";
    this.loss.update(this.descent);
  }
}
