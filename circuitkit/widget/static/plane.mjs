/**
 * The plane of a hidden unit: hidden weight w sideways, output weight v upward. The reader puts units down and
 * sees where training carries them; or lets many networks go at once, each point in the color of its fate.
 */
import { html, svg, set, setText, button, numberField, show, drawing, whole } from "./dom.mjs";
import { Picture } from "./picture.mjs";
import { Descents, startsOf } from "./descents.mjs";

const REACH = 1.75; // of the plane, in both directions
const HAND = 1.6; // how far out a unit can be put down: from there none leaves the plane
const MOST = 24; // units put down by hand that stay
const PACE = 2; // steps a frame
const LONG = 3000; // steps of a single unit
const SPRITES = { many: 1, few: 2.4 }; // how large a point is
const HALF = 4; // half a sprite's side, of a point of size 1, in pixels
const GONE = 0.6; // pixels that a trail waits for


class Plane extends Picture {
  constructor(model, el, signal) {
    const small = model.get("_config").compact ? " ck-plane-small" : "";
    super(model, el, signal, { className: `ck-plane${small}`, label: "The plane of a hidden unit" });
    this.scenes = []; // what is drawn: units and networks put down, or the crowd alone
    this.crowd = null;
    this.hand = [0.6, -0.4];
    this.line = this.config.line;
    this.#build();
    this.listen();
    this.#restore();
    if (this.config.compact) this.#gather();
    this.layout();
    this.#tell();
  }

  // ------------------------------------------------------------------ building

  #build() {
    const { config, signal } = this;
    this.ground = svg("svg", { class: "ck-plot ck-plane-ground", role: "img", "aria-label": this.#says() });
    this.trails = html("canvas", { "aria-hidden": "true" });
    this.points = html("canvas", { "aria-hidden": "true" });
    this.frame = html("div", { class: "ck-plane-frame" }, this.ground, this.trails, this.points);
    const on = (label, action, title, className = "") => button(label, { action, title, className, signal });

    const n = config.seeds.length;
    this.go = on("", () => this.#go(), null, "ck-primary");
    this.tally = html("p", { class: "ck-plane-tally" });
    this.bar = html("i", {});
    const kind = (fate, text) => html("li", {}, this.#glyph(fate), html("span", {}, text));
    this.many = html("div", { class: "ck-plane-part", role: "group", "aria-label": `${whole(n)} networks` },
      html("div", { class: "ck-controls" }, this.go),
      this.tally,
      html("div", { class: "ck-plane-bar", "aria-hidden": "true" }, this.bar),
      html("ul", { class: "ck-plane-legend" },
        kind(1, `a unit of a network that will learn ${config.name}`),
        kind(0, "of one that will not")));

    const parts = [this.many];
    if (!config.compact) {
      this.fields = ["w", "v"].map((name, k) => numberField({
        label: k === 0 ? "hidden weight w" : "output weight v", className: "ck-field", step: 0.05, low: -HAND, high: HAND, signal,
        get: () => this.hand[k],
        set: (value) => {
          this.hand[k] = value;
          this.message.hidden = true;
          this.#draw();
        },
        complain: (text) => this.complain(text),
        key: (event) => {
          if (event.key === " ") this.#drop();
        },
      }));
      this.one = html("p", { class: "ck-status" });
      this.seed = html("input", { type: "text", inputmode: "numeric", class: "ck-seed", "aria-label": "seed", autocomplete: "off", value: "0", "data-lm-suppress-shortcuts": "true" });
      this.seed.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.key === "Enter") this.#sow();
      }, { signal });
      this.two = html("p", { class: "ck-status" });
      this.wall = on("Show the border", () => {
        this.line = !this.line;
        this.#keep();
        this.repaint();
        this.#tell();
      });
      this.frame.addEventListener("click", (event) => {
        const box = this.frame.getBoundingClientRect();
        const at = (share) => Math.max(-HAND, Math.min(HAND, Math.round((2 * share - 1) * REACH * 100) / 100));
        this.hand = [at((event.clientX - box.left) / box.width), at(1 - (event.clientY - box.top) / box.height)];
        this.#drop();
      }, { signal });
      const labeled = (name, field) => html("label", { class: "ck-labeled" }, html("i", {}, name), field.element);
      parts.unshift(
        html("div", { class: "ck-plane-part", role: "group", "aria-label": "One unit" },
          html("p", {}, "Touch the plane to put a unit down there."),
          html("div", { class: "ck-controls" }, labeled("w", this.fields[0]), labeled("v", this.fields[1]), on("Put down", () => this.#drop())),
          this.one),
        html("div", { class: "ck-plane-part", role: "group", "aria-label": "A network of two units" },
          html("div", { class: "ck-controls" }, html("label", { class: "ck-labeled" }, "seed", this.seed), on("Put down", () => this.#sow()), on("Next seed", () => this.#sow(1))),
          this.two),
      );
      parts.push(html("div", { class: "ck-controls ck-plane-tools" }, this.wall, on("Clear", () => this.#clear()), config.on_page ? on("Share", () => this.#share(), "A link that opens this page with your units") : null));
    }
    this.root.append(
      this.message,
      html("div", { class: "ck-plane-body" }, this.frame, html("div", { class: "ck-plane-side" }, parts)),
      ...(config.caption ? [html("p", { class: "ck-caption" }, config.caption)] : []),
      this.spoken,
    );
  }

  #says() {
    const { slope } = this.config;
    return `A plane, the hidden weight w to the right, the output weight v upward. Arrows show where training carries a unit that is alone on its side of zero: to one of two branches of the curve w v = ${show(slope)}, ${slope > 0 ? "upper right or lower left" : "lower right or upper left"}.`;
  }

  #glyph(fate) {
    const picture = svg("svg", { viewBox: "-6 -6 12 12", class: `ck-plane-glyph ck-fate-${fate}`, "aria-hidden": "true" });
    picture.append(fate ? svg("circle", { r: 4 }) : svg("path", { d: "M-3.5-3.5L3.5 3.5M-3.5 3.5L3.5-3.5" }));
    return picture;
  }

  // ------------------------------------------------------------------ what is in the plane

  #scene(starts, { limit, fates = null, width = 1, ...rest }) {
    const { slope, rate, near } = this.config;
    const descents = new Descents(starts, { width, slope, rate, near });
    const scene = { descents, limit, last: new Float64Array(2 * starts.length), ended: false, ...rest };
    scene.fates = fates ?? (width === 1 ? Uint8Array.of(1) : descents.fates(limit));
    scene.of = [0, 1].map((fate) => starts.flatMap((_, i) => (scene.fates[Math.floor(i / width)] === fate ? [i] : [])));
    return scene;
  }

  /** A unit alone, at the hand. */
  #drop() {
    this.#alone(false);
    this.#add(this.#scene([[...this.hand]], { limit: LONG, unit: [...this.hand] }));
    this.#keep();
    for (const field of this.fields) field.update();
    this.#start();
  }

  /** The two units of a seed; with `by`, of the seed that much further. */
  #sow(by = 0) {
    const text = this.seed.value.trim();
    if (!/^\d{1,15}$/.test(text)) {
      this.complain(`“${text}” is not a seed. Seeds are whole numbers from 0 up.`);
      return;
    }
    this.seed.value = String(Number(text) + (this.scenes.some((s) => s.seed !== undefined) ? by : 0));
    this.#alone(false);
    this.scenes = [];
    this.repaint();
    this.#plant(Number(this.seed.value));
    this.#keep();
    this.#start();
  }

  #plant(seed) {
    this.#add(this.#scene(startsOf([seed]), { limit: this.config.steps, width: 2, seed }));
  }

  #add(scene) {
    this.scenes.push(scene);
    if (this.scenes.length > MOST) {
      this.scenes.shift();
      this.repaint();
    }
    this.#mark(scene);
    this.message.hidden = true;
  }

  /** The crowd leaves when something is put down by hand, and the other way round. */
  #alone(crowd) {
    if (crowd === (this.scenes[0] === this.crowd && this.crowd !== null)) return;
    this.scenes = crowd ? [this.crowd] : [];
    this.repaint();
  }

  #gather() {
    this.crowd ??= this.#scene(startsOf(this.config.seeds), { limit: this.config.steps, width: 2, crowd: true });
    this.#alone(true);
  }

  #go() {
    const had = this.scenes[0] === this.crowd && this.crowd;
    if (had && this.clock.running) {
      this.clock.stop();
    } else {
      this.#gather();
      if (!had || this.crowd.ended) {
        this.crowd.descents.begin();
        this.crowd.ended = false;
        this.repaint();
        setText(this.spoken, `${whole(this.crowd.descents.count)} networks start.`);
      }
      this.#start();
    }
    this.#tell();
  }

  #clear() {
    this.clock.stop();
    this.scenes = [];
    this.message.hidden = true;
    this.keep(null);
    this.repaint();
    this.#tell();
  }

  #start() {
    this.clock.start();
    this.#tell();
  }

  tick(factor) {
    for (let k = 0; k < factor; k += 1) for (const scene of this.scenes) if (!scene.ended) this.#advance(scene, PACE);
    if (this.scenes.every((scene) => scene.ended)) {
      this.clock.stop();
      this.#settled();
    }
    this.#draw();
    this.#tell();
  }

  #advance(scene, steps) {
    const { descents, limit } = scene;
    descents.run(Math.min(steps, limit - descents.step));
    this.#trail(scene);
    scene.ended = descents.step >= limit || (scene.unit !== undefined && this.#rests(descents));
  }

  #rests({ w, v, slope, near, rate }) {
    const left = Math.abs(w[0] * v[0] - slope);
    return left <= near || rate * left * (Math.abs(w[0]) + Math.abs(v[0])) < 1e-7;
  }

  /** What has come of it, for who listens, and for Python. */
  #settled() {
    const [last] = this.scenes.slice(-1);
    if (!last) return;
    if (last.crowd) {
      const learned = last.descents.tally();
      this.model.set("tally", { learned, networks: last.descents.count, steps: last.descents.step });
      this.model.save_changes();
      setText(this.spoken, this.#counted(learned, last.descents.count));
    } else {
      setText(this.spoken, last.unit ? this.#unitWords(last) : this.#seedWords(last));
    }
  }

  // ------------------------------------------------------------------ words

  #counted(learned, count) {
    return `${whole(learned)} of ${whole(count)} networks have learned ${this.config.name}: ${((100 * learned) / count).toFixed(1)} %.`;
  }

  #unitWords({ descents, unit: [w, v], ended }) {
    const { slope } = this.config;
    const side = w + slope * v;
    const sum = this.line ? ` Its ${slope > 0 ? "sum w + v" : "difference w − v"} is ${show(side)}.` : "";
    const begin = `From w = ${show(w)}, v = ${show(v)}:`;
    if (!ended) return `${begin} step ${descents.step}, w v = ${show(descents.w[0] * descents.v[0])}.${sum}`;
    if (Math.abs(descents.w[0] * descents.v[0] - slope) > 0.1) return `${begin} it stays between the two branches.${sum}`;
    const positive = descents.w[0] > 0;
    const where = `${positive === slope > 0 ? "upper" : "lower"} ${positive ? "right" : "left"}`;
    return `${begin} it ends on the ${where} branch, a ${positive ? "positiveness" : "negativeness"} detector.${sum}`;
  }

  #seedWords({ descents, seed, ended, fates }) {
    const { starts } = descents;
    const { slope, name } = this.config;
    const pair = [0, 2].map((k) => `(${show(starts[k])}, ${show(starts[k + 1])})`).join(" and ");
    const sums = this.line ? ` ${slope > 0 ? "Sums w + v" : "Differences w − v"}: ${[0, 2].map((k) => show(starts[k] + slope * starts[k + 1])).join(" and ")}.` : "";
    if (!ended) return `Seed ${seed} starts at ${pair}. Step ${descents.step}.${sums}`;
    const [above, below] = descents.sums(0);
    return fates[0] ? `Seed ${seed}, from ${pair}, has learned ${name}.${sums}` : `Seed ${seed}, from ${pair}, has not: its slope is ${show(above)} for positive inputs and ${show(below)} for negative ones.${sums}`;
  }

  #tell() {
    const count = whole(this.config.seeds.length);
    const crowd = this.scenes[0] === this.crowd ? this.crowd : null;
    const moving = crowd && this.clock.running;
    const begun = crowd && crowd.descents.step > 0;
    setText(this.go.lastChild, moving ? "Pause" : begun && !crowd.ended ? "Go on" : begun ? "Once more" : `Let ${count} networks go`);
    if (crowd && begun) {
      const { descents } = crowd;
      const learned = descents.tally();
      setText(this.tally, `${this.#counted(learned, descents.count)}${crowd.ended ? "" : ` Step ${descents.step}.`}`);
      this.bar.style.inlineSize = `${(100 * learned) / descents.count}%`;
    } else {
      setText(this.tally, `How many of ${count} will learn ${this.config.name}?`);
      this.bar.style.inlineSize = "0";
    }
    if (this.config.compact) return;
    const of = (test) => this.scenes.filter(test).pop();
    const unit = of((s) => s.unit);
    const seed = of((s) => s.seed !== undefined);
    setText(this.one, unit ? this.#unitWords(unit) : "Alone on its side of zero, it follows the arrows.");
    setText(this.two, seed ? this.#seedWords(seed) : "A network has two units; the seed draws both.");
    setText(this.wall.lastChild, this.line ? "Hide the border" : "Show the border");
    set(this.wall, "aria-pressed", this.line);
  }

  // ------------------------------------------------------------------ the address

  #share() {
    this.putInAddress(this.#made());
  }

  #made() {
    const crowd = this.scenes[0] === this.crowd && this.crowd !== null;
    const units = this.scenes.flatMap((s) => (s.unit ? [s.unit] : []));
    const seeds = this.scenes.flatMap((s) => (s.seed === undefined ? [] : [s.seed]));
    return { units, seeds, crowd, line: this.line };
  }

  #keep() {
    this.keep(this.#made());
  }

  /** What a link or the last visit brings stands at its end: nothing moves before the reader asks. */
  #restore() {
    const inside = (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((c) => Number.isFinite(c) && Math.abs(c) <= HAND);
    const known = ({ units, seeds }) => Array.isArray(units) && units.length <= MOST && units.every(inside) && Array.isArray(seeds) && seeds.length <= 1 && seeds.every((s) => Number.isSafeInteger(s) && s >= 0 && s < 1e15);
    const brought = this.brought(known);
    if (brought === null) return;
    if (!known(brought)) {
      this.complain("The link is damaged, so this is the plane as the page starts with it.");
      return;
    }
    const { units, seeds, crowd, line } = brought;
    this.line = Boolean(line);
    if (crowd === true) this.#gather();
    else {
      for (const unit of units) this.#add(this.#scene([unit], { limit: LONG, unit }));
      for (const seed of this.config.compact ? [] : seeds) {
        this.seed.value = String(seed);
        this.#plant(seed);
      }
    }
    for (const scene of this.scenes) while (!scene.ended) this.#advance(scene, PACE);
    if (this.scenes.length) this.#settled();
    if (this.isKept) this.complain("This is what you put down last time; Clear starts over.", "told");
  }

  // ------------------------------------------------------------------ drawing

  layout() {
    const size = Math.round(this.frame.clientWidth);
    if (!size || size === this.size) return;
    this.size = size;
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    for (const canvas of [this.trails, this.points]) {
      canvas.width = canvas.height = size * this.ratio;
      canvas.getContext("2d").setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    }
    this.repaint();
  }

  #x(w) {
    return ((w + REACH) / (2 * REACH)) * this.size;
  }
  #y(v) {
    return ((REACH - v) / (2 * REACH)) * this.size;
  }

  /** Everything anew, the trails from the start of each. */
  repaint() {
    if (!this.size) return;
    const probe = html("i", { class: "ck-probe" });
    this.root.append(probe);
    this.colors = Object.fromEntries(["text", "bg", "strong", "network", "negative", "positive"].map((name) => {
      probe.style.color = `var(--ck-${name})`;
      return [name, getComputedStyle(probe).color];
    }));
    probe.remove();
    this.sprites = Object.fromEntries(Object.entries(SPRITES).map(([name, size]) => [name, [0, 1].map((fate) => this.#sprite(fate, size))]));
    this.#ground();
    this.trails.getContext("2d").clearRect(0, 0, this.size, this.size);
    for (const scene of this.scenes) {
      const { descents } = scene;
      const { step } = descents;
      descents.begin();
      this.#mark(scene);
      while (descents.step < step) {
        descents.run(Math.min(5 * PACE, step - descents.step));
        this.#trail(scene);
      }
    }
    this.#draw();
  }

  #ground() {
    const { slope, compact } = this.config;
    const { size } = this;
    const at = (w, v) => `${this.#x(w).toFixed(1)} ${this.#y(v).toFixed(1)}`;
    set(this.ground, "viewBox", `0 0 ${size} ${size}`);
    const arrows = [];
    const pixels = 2 * REACH / size;
    for (let w = -1.5; w <= 1.5; w += 0.25) {
      for (let v = -1.5; v <= 1.5; v += 0.25) {
        const [dw, dv] = [(slope - w * v) * v, (slope - w * v) * w];
        const long = Math.hypot(dw, dv);
        if (long < 0.02) continue;
        const k = (pixels * Math.min(9, 3 + 14 * long)) / long;
        const [a, b] = [w + dw * k, v + dv * k];
        const head = (turn) => at(a - (dw * Math.cos(turn) - dv * Math.sin(turn)) * k * 0.45, b - (dv * Math.cos(turn) + dw * Math.sin(turn)) * k * 0.45);
        arrows.push(`M${at(w, v)}L${at(a, b)}M${head(0.5)}L${at(a, b)}L${head(-0.5)}`);
      }
    }
    const branch = (sign) => {
      const from = 1 / REACH;
      const points = Array.from({ length: 41 }, (_, k) => from * (REACH / from) ** (k / 40));
      return `M${points.map((w) => at(sign * w, (sign * slope) / w)).join("L")}`;
    };
    const text = (w, v, anchor, label, dy = 0, className = null, dx = 0) => svg("text", { x: this.#x(w) + dx, y: this.#y(v) + dy, "text-anchor": anchor, class: className }, label);
    const ticks = [-1, 1].flatMap((t) => [text(t, 0, "middle", show(t), 15), text(0, t, "end", show(t), 4)]);
    const border = slope > 0 ? "w + v = 0" : "w − v = 0";
    this.ground.replaceChildren(
      svg("g", { class: "ck-grid" },
        svg("line", { class: "ck-zero-line", x1: 0, x2: size, y1: this.#y(0), y2: this.#y(0) }),
        svg("line", { class: "ck-zero-line", x1: this.#x(0), x2: this.#x(0), y1: 0, y2: size }),
        ...ticks,
        text(REACH, 0, "end", "w", -6, "ck-axis", -4),
        text(0, REACH, "start", "v", 16, "ck-axis", 6)),
      svg("path", { class: "ck-plane-arrows", d: arrows.join("") }),
      svg("path", { class: "ck-plane-curve", d: branch(1) + branch(-1) }),
      svg("g", { class: "ck-plane-names" },
        text(REACH, slope * 1.6, "end", "positiveness detector", 4, null, -6),
        text(-REACH, slope * -1.6, "start", "negativeness detector", 4, null, 6)),
      ...(this.line ? [
        svg("path", { class: "ck-target-line", d: `M${at(-REACH, slope * REACH)}L${at(REACH, slope * -REACH)}` }),
        ...(compact ? [] : [text(-0.97, slope * 1.28, "start", border, 0, "ck-axis ck-plane-border")]),
      ] : []),
    );
  }

  #pen(canvas, color, width = 1, alpha = 1) {
    const pen = canvas.getContext("2d");
    pen.strokeStyle = pen.fillStyle = color;
    pen.lineWidth = width;
    pen.globalAlpha = alpha;
    return pen;
  }

  /** A point in the color and the shape of its fate. */
  #sprite(fate, size) {
    const side = 2 * HALF * size * this.ratio;
    const canvas = html("canvas", { width: side, height: side });
    const pen = this.#pen(canvas, this.colors[fate ? "network" : "negative"], 1.3);
    pen.setTransform(side / (2 * HALF), 0, 0, side / (2 * HALF), side / 2, side / 2);
    pen.beginPath();
    if (fate) {
      pen.arc(0, 0, 2.3, 0, 7);
      pen.fill();
    } else {
      for (const s of [-2, 2]) {
        pen.moveTo(-2, s);
        pen.lineTo(2, -s);
      }
      pen.stroke();
    }
    return canvas;
  }

  /** The start of a scene: from here its trails go on. */
  #mark(scene) {
    if (!this.size) return;
    const { descents: { w, v }, last } = scene;
    for (let i = 0; i < w.length; i += 1) [last[2 * i], last[2 * i + 1]] = [this.#x(w[i]), this.#y(v[i])];
  }

  #trail(scene) {
    if (!this.size) return;
    const { descents: { w, v }, last, of, crowd, unit } = scene;
    for (const fate of [0, 1]) {
      const color = unit ? "text" : fate ? "network" : "negative";
      const pen = this.#pen(this.trails, this.colors[color], crowd ? 1 : 2, crowd ? 0.22 : 0.75);
      pen.beginPath();
      for (const i of of[fate]) {
        const [x, y] = [this.#x(w[i]), this.#y(v[i])];
        if (Math.abs(x - last[2 * i]) + Math.abs(y - last[2 * i + 1]) < GONE) continue;
        pen.moveTo(last[2 * i], last[2 * i + 1]);
        pen.lineTo(x, y);
        last[2 * i] = x;
        last[2 * i + 1] = y;
      }
      pen.stroke();
    }
  }

  #draw() {
    if (!this.size || !this.colors) return;
    const pen = this.#pen(this.points, this.colors.text);
    pen.clearRect(0, 0, this.size, this.size);
    if (!this.config.compact && this.scenes[0] !== this.crowd) this.#ring(pen, this.hand, this.colors.strong, [3, 3]);
    for (const scene of this.scenes) {
      const { descents: { w, v, starts }, of, crowd, unit } = scene;
      if (!crowd) {
        for (let i = 0; i < w.length; i += 1) {
          const start = [starts[2 * i], starts[2 * i + 1]];
          const side = Math.sign(start[0] + this.config.slope * start[1]);
          this.#ring(pen, start, this.colors[unit && side ? (side > 0 ? "positive" : "negative") : "text"], [], unit ? side : 0);
        }
        if (!unit) this.#bond(pen, w, v);
      }
      for (const fate of [0, 1]) {
        const name = crowd ? "many" : "few";
        const half = HALF * SPRITES[name];
        const sprite = this.sprites[name][fate];
        for (const i of of[fate]) pen.drawImage(sprite, this.#x(w[i]) - half, this.#y(v[i]) - half, 2 * half, 2 * half);
      }
    }
  }

  /** Where a unit starts; with a sign, which way it is bound. */
  #ring(pen, [w, v], color, dashes, sign = 0) {
    const [x, y] = [this.#x(w), this.#y(v)];
    pen.lineWidth = 1.8;
    pen.strokeStyle = color;
    pen.fillStyle = this.colors.bg;
    pen.setLineDash(dashes);
    pen.beginPath();
    pen.arc(x, y, 6, 0, 7);
    if (!dashes.length) pen.fill();
    if (sign) {
      pen.moveTo(x - 3, y);
      pen.lineTo(x + 3, y);
    }
    if (sign > 0) {
      pen.moveTo(x, y - 3);
      pen.lineTo(x, y + 3);
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  #bond(pen, w, v) {
    pen.lineWidth = 1;
    pen.strokeStyle = this.colors.strong;
    pen.setLineDash([2, 4]);
    pen.beginPath();
    pen.moveTo(this.#x(w[0]), this.#y(v[0]));
    pen.lineTo(this.#x(w[1]), this.#y(v[1]));
    pen.stroke();
    pen.setLineDash([]);
  }
}

export default { render: drawing(Plane) };
