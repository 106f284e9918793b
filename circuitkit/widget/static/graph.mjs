/**
 * The function's graph: a curve for one input, a heat map with two sections for more.
 *
 * Everything is redrawn while a weight is dragged, so the network is sampled with plain loops.
 */
import * as maths from "./mathematics.mjs";
import { html, svg, set, setAll, setText, resize, choice, show, clamp, snap, stepOf, inputName } from "./dom.mjs";

const CURVE_POINTS = 241;
const GRID = 96;

/** The network on its domain; computed exactly where its numbers are too large for doubles. */
function faithful(net, output, domain) {
  const reach = Math.max(...domain.flat().map(Math.abs));
  let before = reach;
  for (const [l, rows] of net.weights.entries()) {
    before = Math.max(...rows.map((row, i) => row.reduce((s, w) => s + Math.abs(w) * before, Math.abs(net.biases[l][i]))));
  }
  if (before < 1e9) return sampler(net, output);
  const exact = maths.exactly(net);
  return (x) => exact(x).out[output];
}

/** Reads a network once; the function it returns fills no arrays but its own. */
export function sampler(net, output) {
  const { weights, biases } = net;
  const layers = weights.length;
  const buffers = weights.map((w) => new Float64Array(w.length));
  const scaled = net.scale ? maths.scaledBy(net) : (v) => v;
  return (x) => {
    let input = x;
    for (let l = 0; l < layers; l += 1) {
      const [w, b, out] = [weights[l], biases[l], buffers[l]];
      for (let i = 0; i < w.length; i += 1) {
        const row = w[i];
        let sum = b[i];
        for (let j = 0; j < row.length; j += 1) sum += row[j] * input[j];
        out[i] = l < layers - 1 && sum < 0 ? 0 : sum;
      }
      input = out;
    }
    return scaled(input[output]);
  };
}

/** About `count` round tick values inside [low, high]. */
function ticks(low, high, count = 5) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.99);
  const first = Math.ceil(low / step - 1e-9);
  const out = [];
  for (let k = first; k * step <= high + step * 1e-9; k += 1) out.push(Number((k * step).toFixed(10)) + 0);
  return out;
}

/** A tick's number in the room that is left of an axis. */
const short = (v) => (Math.abs(v) < 1000 ? show(v) : v.toExponential().replace("e+", "e").replace("-", "−"));

const linear = (d0, d1, r0, r1) => (v) => r0 + ((v - d0) / (d1 - d0)) * (r1 - r0);

/** A place in pixels as text; what lies beyond any screen is cut off there. */
function pixel(v) {
  return clamp(v, -1e5, 1e5).toFixed(1);
}

export function path(points) {
  let text = "";
  for (let k = 0; k < points.length; k += 2) text += `${k ? "L" : "M"}${pixel(points[k])} ${pixel(points[k + 1])}`;
  return text.replaceAll("NaN", "0");
}

/** A range around the values, with room, that holds 0. */
function around(values, factor = 0.12) {
  let low = 0;
  let high = 0;
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (high - low < 1e-6) [low, high] = [-1, 1];
  const room = (high - low) * factor;
  return [low - room, high + room];
}

/** No axis reaches further, in its lengths: beyond, the differences of pixels are lost. */
const FURTHEST = 1e12;

/**
 * How far an axis reaches beyond its usual end, as a share of its length: in steps, and a step back
 * only where there is room to spare, so that the picture stands still while a weight is dragged.
 */
export function stretch(beyond, now = 0) {
  const step = (v) => (v > 0 ? 0.25 * 2 ** (Math.max(0, Math.ceil(2 * Math.log2(v / 0.25))) / 2) : 0);
  const share = Math.min(beyond, FURTHEST);
  const wanted = step(1.05 * share);
  if (wanted >= now) return wanted;
  return Math.min(now, step(1.5 * share));
}

/** Where the pointer is in the element, in pixels. */
function within(element, event) {
  const box = element.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

/** Follow the pointer with a function of its place in the element. */
function track(element, move, signal) {
  let id = null;
  const at = (event) => move(...within(element, event));
  const on = (type, handler) => element.addEventListener(type, handler, { signal });
  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    id = event.pointerId;
    element.setPointerCapture(id);
    at(event);
  });
  on("pointermove", (event) => {
    if (event.pointerId === id) at(event);
  });
  const stop = () => {
    id = null;
  };
  on("pointerup", stop);
  on("pointercancel", stop);
}

/** Tell the input that the pointer hovers over, and null when it leaves. */
function hover(element, input, pointed, signal) {
  element.addEventListener("pointermove", (event) => pointed(input(...within(element, event))), { signal });
  element.addEventListener("pointerleave", () => pointed(null), { signal });
}

/** As many children as there are things to draw. */
function fill(parent, count, make) {
  while (parent.childElementCount > count) parent.lastChild.remove();
  while (parent.childElementCount < count) parent.append(make());
}

/** Text in a plot. */
export const label = (text, x, y, anchor = null, name = null) => svg("text", { x, y, "text-anchor": anchor, class: name }, text);

/** The end of what a graph says of itself. */
const gives = (value, wanted) => ` the network gives ${show(value)}${wanted === null ? "" : `, the target ${show(wanted)}`}.`;

/** One input: the network's curve over the target's, dashed. */
export class Curve {
  /** state, config, signal, pointed(x): the pointer is over an input */
  constructor(options) {
    Object.assign(this, options);
    const { signal, pointed } = this;
    this.size = null;
    this.reach = [0, 0]; // how far the axis goes beyond the target, below and above
    this.grid = svg("g", { class: "ck-grid" });
    this.target = svg("path", { class: "ck-target-line" });
    this.halo = svg("path", { class: "ck-network-halo" });
    this.line = svg("path", { class: "ck-network-line" });
    this.kinks = svg("g", { class: "ck-kinks" });
    this.drop = svg("line", { class: "ck-drop" });
    this.error = svg("line", { class: "ck-error-line" });
    this.worst = svg("g", { class: "ck-worst" }, svg("line", {}), svg("circle", { r: 5 }));
    this.want = svg("circle", { class: "ck-want", r: 4.5 });
    this.point = svg("circle", { class: "ck-point", r: 6.5 });
    this.band = svg("rect", { class: "ck-band" });
    this.clip = svg("svg", { class: "ck-clip" }, this.band, this.target, this.error, this.halo, this.line, this.kinks, this.worst, this.drop, this.want, this.point);
    this.picture = svg("svg", { class: "ck-plot", role: "img" }, this.grid, this.clip);
    this.element = html("div", { class: "ck-graph ck-curve" }, this.picture);
    track(this.picture, (px) => this.#pick(px), signal);
    if (pointed) hover(this.picture, (px) => [this.#at(px)], pointed, signal);
  }

  #at(px) {
    const [low, high] = this.config.domain[0];
    return clamp(low + ((px - this.left) / (this.right - this.left)) * (high - low), low, high);
  }

  /** Another output is shown: scales and target anew. */
  refresh() {
    this.size = null;
    this.base = null;
    this.reach = [0, 0];
  }

  #pick(px) {
    this.state.setInput(0, snap(this.#at(px), stepOf(this.config.domain[0])));
  }

  layout(width) {
    const w = Math.round(width);
    if (w === this.size || w < 40) return;
    this.size = w;
    const h = Math.round(clamp(w * 0.86, 220, 340));
    Object.assign(this, { width: w, height: h, left: 34, right: w - 12, top: 12, bottom: h - 22 });
    resize(this.picture, w, h);
    const box = { x: this.left, y: this.top, width: this.right - this.left, height: this.bottom - this.top };
    setAll(this.clip, { ...box, viewBox: Object.values(box).join(" ") });
    setAll(this.band, { y: box.y, height: box.height });
    this.#axes();
  }

  #axes() {
    const [low, high] = this.config.domain[0];
    const { target } = this.config;
    const output = this.config.output ?? 0;
    const xs = Array.from({ length: CURVE_POINTS }, (_, k) => low + ((high - low) * k) / (CURVE_POINTS - 1));
    const wanted = target ? xs.map((x) => maths.evaluate(target, [x])[output]) : null;
    if (!this.base) {
      const start = faithful(this.state.first(), output, this.config.domain);
      this.base = around(wanted ?? xs.map((x) => start([x])));
    }
    const long = this.base[1] - this.base[0];
    this.range = [this.base[0] - this.reach[0] * long, this.base[1] + this.reach[1] * long];
    this.xs = xs;
    this.sx = linear(low, high, this.left, this.right);
    this.sy = linear(this.range[0], this.range[1], this.bottom, this.top);
    const lines = [];
    for (const t of ticks(low, high, 6)) {
      const x = this.sx(t);
      lines.push(svg("line", { x1: x, x2: x, y1: this.top, y2: this.bottom, class: t === 0 ? "ck-zero-line" : "" }));
      lines.push(label(show(t), x, this.bottom + 15, "middle"));
    }
    for (const t of ticks(this.range[0], this.range[1], 5)) {
      const y = this.sy(t);
      lines.push(svg("line", { x1: this.left, x2: this.right, y1: y, y2: y, class: t === 0 ? "ck-zero-line" : "" }));
      lines.push(label(short(t), this.left - 6, y + 4, "end"));
    }
    lines.push(label(inputName(0, 1, this.config.input_names), this.right, this.bottom - 6, "end", "ck-axis"));
    this.grid.replaceChildren(...lines);
    set(this.target, "d", wanted ? path(xs.flatMap((x, k) => [this.sx(x), this.sy(wanted[k])])) : "");
  }

  /** The axis holds the network's graph and the present point as well as the target. */
  #hold(values) {
    const [low, high] = this.base;
    let under = 0;
    let over = 0;
    for (const v of values) {
      if (!Number.isFinite(v)) continue;
      under = Math.max(under, low - v);
      over = Math.max(over, v - high);
    }
    const reach = [under, over].map((v, k) => stretch(v / (high - low), this.reach[k]));
    if (reach.every((v, k) => v === this.reach[k])) return;
    this.reach = reach;
    this.#axes();
  }

  update(net, value, wanted, worst, colors, pieces) {
    if (!this.size) return;
    const { xs, state } = this;
    const f = faithful(net, this.config.output ?? 0, this.config.domain);
    const kinks = maths.regions1d(net, null, this.config.domain[0]).slice(1).map(({ low }) => low);
    const [low, high] = this.config.domain[0];
    const seen = (x) => x >= low && x <= high;
    this.#hold([...[...xs, ...kinks].map((x) => f([x])), ...(seen(state.x[0]) ? [value] : [])]);
    const { sx, sy } = this;
    const here = pieces?.find((piece) => piece.here);
    reveal(this.band, here);
    if (here) {
      setAll(this.band, { x: sx(here.low), width: sx(here.high) - sx(here.low) });
    }
    const points = [];
    let next = 0;
    for (const x of xs) {
      for (; next < kinks.length && kinks[next] <= x; next += 1) points.push(sx(kinks[next]), sy(f([kinks[next]])));
      points.push(sx(x), sy(f([x])));
    }
    const d = path(points);
    set(this.line, "d", d);
    set(this.halo, "d", d);
    const dots = kinks.slice(0, 24);
    fill(this.kinks, dots.length, () => svg("circle", { r: 3 }));
    dots.forEach((k, i) => place(this.kinks.children[i], sx(k), sy(f([k]))));
    const x = sx(state.x[0]);
    const y = sy(value);
    line(this.drop, x, this.bottom, x, y);
    place(this.point, x, y);
    const off = wanted !== null && Math.abs(wanted - value) > 1e-9;
    reveal(this.want, off);
    reveal(this.error, off);
    if (off) {
      place(this.want, x, sy(wanted));
      line(this.error, x, y, x, sy(wanted));
    }
    const inView = worst && seen(worst[0]);
    reveal(this.worst, inView);
    if (inView) {
      const [mark, dot] = this.worst.children;
      const wx = sx(worst[0]);
      const wy = clamp(sy(f(worst)), this.top + 6, this.bottom - 6);
      line(mark, wx, this.top, wx, this.bottom);
      place(dot, wx, wy);
    }
    set(
      this.picture,
      "aria-label",
      `Graph of the network${this.config.target ? " and, dashed, of its target" : ""}. At ${show(state.x[0])}${gives(value, wanted)}`,
    );
  }
}

function reveal(element, on) {
  const value = on ? "" : "none";
  if (element.style.display !== value) element.style.display = value;
}
export function place(circle, x, y) {
  set(circle, "cx", pixel(x));
  set(circle, "cy", pixel(y));
}
function line(element, x1, y1, x2, y2) {
  set(element, "x1", pixel(x1));
  set(element, "y1", pixel(y1));
  set(element, "x2", pixel(x2));
  set(element, "y2", pixel(y2));
}

/** Values as colors on the diverging scale, into an image: transparent where there is no value. */
export function paint(canvas, values, reach, { zero, positive, negative }) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const { data } = image;
  for (let k = 0; k < values.length; k += 1) {
    const t = clamp(values[k] / reach, -1, 1);
    const end = t >= 0 ? positive : negative;
    const s = Math.abs(t) ** 0.85;
    for (let m = 0; m < 3; m += 1) data[4 * k + m] = zero[m] + (end[m] - zero[m]) * s;
    data[4 * k + 3] = Number.isFinite(values[k]) ? 255 : 0;
  }
  context.putImageData(image, 0, 0);
}

/** A function's values over two inputs on a grid, row by row from the top. */
export function sampleGrid(f, x, [i, j], domain, size) {
  const [dx, dy] = [domain[i], domain[j]];
  const values = new Float64Array(size * size);
  const at = [...x];
  for (let r = 0; r < size; r += 1) {
    at[j] = dy[1] - ((r + 0.5) / size) * (dy[1] - dy[0]);
    for (let c = 0; c < size; c += 1) {
      at[i] = dx[0] + ((c + 0.5) / size) * (dx[1] - dx[0]);
      values[r * size + c] = f(at);
    }
  }
  return values;
}

/** Two inputs or more: a heat map of two of them, and the sections through the present input. */
export class HeatMap {
  /** state, config, signal, pointed(x): as for a curve; changed(what): another map or another pair of inputs is chosen */
  constructor(options) {
    Object.assign(this, options);
    const { config, signal, changed, pointed } = this;
    this.pair = [0, 1];
    this.further = 0; // how far the sections' axes go beyond the target
    this.mode = "network";
    this.regions = config.panels.includes("regions");
    this.size = null;
    const n = config.domain.length;
    this.canvas = html("canvas", { width: GRID, height: GRID, "aria-hidden": "true" });
    this.borders = svg("g", { class: "ck-borders" });
    this.crossX = svg("line", { class: "ck-cross" });
    this.crossY = svg("line", { class: "ck-cross" });
    this.worst = svg("g", { class: "ck-worst" }, svg("circle", { r: 9 }), svg("circle", { r: 2.5 }));
    this.point = svg("circle", { class: "ck-point", r: 6.5 });
    this.clip = svg("svg", { class: "ck-clip" }, this.borders, this.crossX, this.crossY, this.worst, this.point);
    this.grid = svg("g", { class: "ck-grid" });
    this.below = section();
    this.beside = section();
    this.picture = svg("svg", { class: "ck-plot ck-map", role: "img" }, this.grid, this.below.group, this.beside.group, this.clip);
    const modes = config.target ? ["network", "target", "error"] : ["network"];
    this.tabs = html("div", { class: "ck-tabs", role: "group", "aria-label": "What the map shows" });
    if (modes.length > 1) {
      for (const mode of modes) {
        const tab = html("button", { type: "button", class: "ck-tab", "aria-pressed": String(mode === this.mode) }, mode);
        tab.addEventListener("click", () => {
          this.mode = mode;
          for (const other of this.tabs.children) set(other, "aria-pressed", String(other === tab));
          changed();
        }, { signal });
        this.tabs.append(tab);
      }
    }
    this.picker = n > 2 ? this.#picker(n, signal) : null;
    this.scale = html("div", { class: "ck-scale", "aria-hidden": "true" }, html("span"), html("i"), html("span"));
    this.frame = html("div", { class: "ck-frame" }, this.canvas, this.picture);
    this.element = html("div", { class: "ck-graph ck-heat" }, html("div", { class: "ck-graph-bar" }, this.tabs, this.picker, this.scale), this.frame);
    this.hit = svg("rect", { class: "ck-hit" });
    this.picture.append(this.hit);
    track(this.hit, (px, py) => this.#pick(px, py), signal);
    if (pointed) hover(this.hit, (px, py) => this.#at(px, py), pointed, signal);
  }

  /** Another output is shown: scales and target anew. */
  refresh() {
    this.size = null;
    this.reach = null;
    this.further = 0;
  }

  #picker(n, signal) {
    const choose = (k, name) =>
      choice(name, this.config.domain.map((_, i) => [i, inputName(i, n, this.config.input_names)]), this.pair[k], (value) => {
        if (value === this.pair[1 - k]) this.pair = [this.pair[1], this.pair[0]];
        else this.pair[k] = value;
        selects.forEach((s, m) => {
          s.value = String(this.pair[m]);
        });
        this.size = null;
        this.changed("layout");
      }, signal);
    const selects = [choose(0, "input across"), choose(1, "input upward")];
    // Where no drawing shows the inputs, their values stand here.
    this.others = this.config.panels.includes("network") ? null : html("span", {});
    return html("div", { class: "ck-picker" }, "across", selects[0], "up", selects[1], this.others);
  }

  #at(px, py) {
    const [i, j] = this.pair;
    const [dx, dy] = [this.config.domain[i], this.config.domain[j]];
    const x = [...this.state.x];
    x[i] = clamp(dx[0] + (px / this.side) * (dx[1] - dx[0]), ...dx);
    x[j] = clamp(dy[1] - (py / this.side) * (dy[1] - dy[0]), ...dy);
    return x;
  }

  #pick(px, py) {
    const x = this.#at(px, py);
    this.state.setInputs(x.map((v, k) => (this.pair.includes(k) ? snap(v, stepOf(this.config.domain[k])) : v)));
  }

  layout(width) {
    const w = Math.round(width);
    if (w === this.size || w < 60) return;
    this.size = w;
    const margin = 30;
    const strip = Math.round(clamp(w * 0.2, 46, 84));
    const side = Math.round(Math.min(340, w - margin - strip - 18));
    const h = 8 + side + 24 + strip + 12;
    Object.assign(this, { width: w, height: h, left: margin, top: 8, side, strip });
    this.frame.style.height = `${h}px`;
    this.frame.style.width = `${margin + side + strip + 18}px`;
    Object.assign(this.canvas.style, { left: `${margin}px`, top: `${this.top}px`, width: `${side}px`, height: `${side}px` });
    resize(this.picture, w, h);
    for (const element of [this.clip, this.hit]) setAll(element, { x: margin, y: this.top, width: side, height: side });
    set(this.clip, "viewBox", `0 0 ${side} ${side}`);
    this.#axes();
  }

  #axes() {
    const [i, j] = this.pair;
    const n = this.config.domain.length;
    const [dx, dy] = [this.config.domain[i], this.config.domain[j]];
    this.sx = linear(dx[0], dx[1], 0, this.side);
    this.sy = linear(dy[0], dy[1], this.side, 0);
    const parts = [];
    const bottom = this.top + this.side;
    for (const t of ticks(dx[0], dx[1], 4)) {
      parts.push(label(show(t), this.left + this.sx(t), bottom + 14, "middle"));
    }
    for (const t of ticks(dy[0], dy[1], 4)) {
      parts.push(label(show(t), this.left - 5, this.top + this.sy(t) + 4, "end"));
    }
    parts.push(label(inputName(i, n, this.config.input_names), this.left + this.side + 8, bottom + 14, null, "ck-axis"));
    parts.push(label(inputName(j, n, this.config.input_names), 2, bottom + 14, null, "ck-axis"));
    this.grid.replaceChildren(...parts);
    this.targetGrid = null;
  }

  /** The target's output that is shown, or null. */
  #target() {
    const { target, output = 0 } = this.config;
    return target && ((x) => maths.evaluate(target, x)[output]);
  }

  #faithful(net) {
    return faithful(net, this.config.output ?? 0, this.config.domain);
  }

  /** The largest size of a value, for colors and sections: the target's, else the start's. */
  #range() {
    if (this.reach) return this.reach;
    const f = this.#target() ?? this.#faithful(this.state.first());
    let most = 0;
    const corner = this.config.domain;
    for (let k = 0; k < 400; k += 1) {
      const x = corner.map(([low, high], d) => low + ((high - low) * ((k * [7, 11, 13, 17, 19, 23][d % 6] + (k >> 3) * (d + 1)) % 21)) / 20);
      const v = Math.abs(f(x));
      if (Number.isFinite(v) && v > most) most = v;
    }
    this.reach = most > 1e-6 ? most : 1;
    return this.reach;
  }

  #targetValues(x) {
    const held = x.map((v, k) => (this.pair.includes(k) ? 0 : v)).join();
    if (!this.targetGrid || this.targetGrid.held !== held) {
      this.targetGrid = { held, values: sampleGrid(this.#target(), x, this.pair, this.config.domain, GRID) };
    }
    return this.targetGrid.values;
  }

  update(net, value, wanted, worst, colors, pieces) {
    if (!this.size) return;
    const { x } = this.state;
    const [i, j] = this.pair;
    const f = this.#faithful(net);
    const g = this.#target();
    const reach = this.#range();
    let values = this.mode === "target" ? this.#targetValues(x) : sampleGrid(f, x, this.pair, this.config.domain, GRID);
    if (this.mode === "error") {
      const target = this.#targetValues(x);
      values = values.map((v, k) => v - target[k]);
    }
    const end = this.mode === "error" ? reach / 2 : reach;
    paint(this.canvas, values, end, colors);
    const [low, , high] = this.scale.children;
    setText(low, show(-end, 1));
    setText(high, show(end, 1));

    const px = this.sx(x[i]);
    const py = this.sy(x[j]);
    if (this.others) {
      const rest = x.flatMap((v, k) => (k === i || k === j ? [] : `${inputName(k, x.length, this.config.input_names)} = ${show(v)}`));
      setText(this.others, `at ${rest.join(", ")}`);
    }
    line(this.crossX, px, 0, px, this.side);
    line(this.crossY, 0, py, this.side, py);
    place(this.point, px, py);
    const [dx, dy] = [this.config.domain[i], this.config.domain[j]];
    const inView = worst && worst[i] >= dx[0] && worst[i] <= dx[1] && worst[j] >= dy[0] && worst[j] <= dy[1];
    reveal(this.worst, inView);
    if (inView) for (const dot of this.worst.children) place(dot, this.sx(worst[i]), this.sy(worst[j]));

    const [bottom, right] = [this.top + this.side, this.left + this.side];
    const across = (fn, d, k) => {
      const p = [...x];
      const out = [];
      for (let m = 0; m <= 80; m += 1) {
        p[k] = d[0] + ((d[1] - d[0]) * m) / 80;
        out.push([p[k], fn(p)]);
      }
      return out;
    };
    const sections = [across(f, dx, i), across(f, dy, j)];
    const most = [value, ...sections.flat().map(([, v]) => v)].reduce((a, v) => (Number.isFinite(v) ? Math.max(a, Math.abs(v)) : a), 0);
    this.further = stretch(most / reach - 1.15, this.further);
    const edge = reach * (1 + this.further);
    const level0 = linear(-edge, edge, bottom + 24 + this.strip, bottom + 24);
    const level1 = linear(-edge, edge, right + 10, right + 10 + this.strip);
    const held = (v) => clamp(v, -edge * 1.15, edge * 1.15);
    const draw = (parts, values, d, k, at) => {
      const flat = (list) => path(list.flatMap(([a, v]) => at(a, held(v))));
      set(parts.line, "d", flat(values));
      set(parts.target, "d", g ? flat(across(g, d, k)) : "");
      line(parts.zero, ...at(d[0], 0), ...at(d[1], 0));
      place(parts.point, ...at(x[k], held(value)));
    };
    draw(this.below, sections[0], dx, i, (a, v) => [this.left + this.sx(a), level0(v)]);
    line(this.below.now, this.left + px, bottom + 20, this.left + px, bottom + 24 + this.strip);
    draw(this.beside, sections[1], dy, j, (a, v) => [level1(v), this.top + this.sy(a)]);
    line(this.beside.now, right + 4, this.top + py, right + 10 + this.strip, this.top + py);

    if (this.regions) this.#regions(pieces);
    const n = x.length;
    const name = (k) => inputName(k, n, this.config.input_names);
    set(
      this.picture,
      "aria-label",
      `Map of the ${this.mode} over ${name(i)} (across) and ${name(j)} (up), with sections. At ${x.map((v, k) => `${name(k)} = ${show(v)}`).join(", ")}${gives(value, wanted)}`,
    );
  }

  #regions(pieces) {
    const list = pieces ?? [];
    fill(this.borders, list.length, () => svg("polygon"));
    list.forEach(({ polygon, here }, k) => {
      const shape = this.borders.children[k];
      set(shape, "points", polygon.map(([a, b]) => `${this.sx(a).toFixed(1)},${this.sy(b).toFixed(1)}`).join(" "));
      set(shape, "class", here ? "ck-here" : "");
    });
  }
}

function section() {
  const parts = {
    zero: svg("line", { class: "ck-zero-line" }),
    now: svg("line", { class: "ck-cross" }),
    target: svg("path", { class: "ck-target-line" }),
    line: svg("path", { class: "ck-network-line" }),
    point: svg("circle", { class: "ck-point ck-small", r: 4 }),
  };
  return { ...parts, group: svg("g", { class: "ck-section" }, Object.values(parts)) };
}
