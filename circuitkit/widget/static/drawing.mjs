/**
 * The network as the book draws it: input below, output above; in a hidden unit the activation
 * above, the preactivation below, a line between. Edges are SVG lines, everything that can be
 * touched is a native control laid over them, and none lies over another.
 */
import { html, svg, set, setText, resize, show, clamp, numberField, slider, stepOf, inputName, featureName } from "./dom.mjs";

const ROW = 31; // height of a row of weight fields
const LEAD = 30; // between a layer of units and the first row of fields
const SLIDER = 46; // the sliders below the inputs
const TRACK = [100, 150]; // the shortest and the longest slider that stands below its input
const LONG = 34; // names of inputs that need a line of their own
const BIAS = 28; // a bias field below its unit
const NAME = 20; // a feature's name below its unit

/** How a reader calls a unit: "hidden unit 2", or "hidden unit 2 of layer 1". */
export function unitName(layer, unit, sizes) {
  const hidden = sizes.length - 2;
  if (layer === hidden) return sizes[sizes.length - 1] === 1 ? "the output" : `output ${unit + 1}`;
  return hidden === 1 ? `hidden unit ${unit + 1}` : `hidden unit ${unit + 1} of layer ${layer + 1}`;
}

/** The blocks' names and units in words, beside their colors; nothing where there are none. */
export function legend(blocks, sizes) {
  const named = (units) => units.map(([l, i]) => unitName(l - 1, i, sizes)).join(", ");
  return (blocks ?? []).map(({ label, color, units }) => {
    const swatch = html("span", { class: "ck-swatch", "aria-hidden": "true" });
    swatch.style.background = color;
    return html("li", {}, swatch, `${label}: ${named(units)}`);
  });
}

export class Drawing {
  /**
   * state: State; config: the widget's settings; select(key): a weight or unit was chosen;
   * press(key): a unit was pressed; complain(text); signal: ends all listeners.
   */
  constructor(options) {
    Object.assign(this, options);
    const { config } = this;
    this.sizes = this.state.sizes;
    this.layers = this.sizes.length - 1;
    this.edges = [];
    this.biases = [];
    this.units = [];
    this.outputs = [];
    this.inputs = [];
    // Keys as figures count them: (layer, unit), (layer, from, to), layer 0 the inputs.
    this.kept = config.kept && new Set(config.kept.map(String));
    this.blocks = new Map((config.blocks ?? []).flatMap((block) => block.units.map((key) => [String(key), block])));
    this.lines = svg("svg", { class: "ck-lines", "aria-hidden": "true" });
    this.element = html("div", { class: "ck-drawing", role: "group", "aria-label": "The network" }, this.lines);
    this.width = 0;
    this.#build();
  }

  #build() {
    const { state, sizes, config, complain, signal } = this;
    /** What the fields of weights and biases have in common. */
    const fieldOf = (edge, options) =>
      numberField({
        ...options,
        enabled: () => !state.has("frozen", edge),
        select: () => this.select(edge),
        key: (event) => this.key(event, edge),
        complain,
        signal,
      });
    const named = (i) => inputName(i, sizes[0], config.input_names);
    const source = (l, j) => (l === 0 ? named(j) : unitName(l - 1, j, sizes));
    for (let j = 0; j < sizes[0]; j += 1) {
      const [low, high] = config.domain[j];
      const step = stepOf(config.domain[j]);
      const field = numberField({
        label: `input ${named(j)}`,
        className: "ck-input-number",
        get: () => state.x[j],
        set: (v) => state.setInput(j, v),
        step,
        pixels: 4,
        complain,
        signal,
      });
      const range = slider({ class: "ck-range ck-input-range", min: low, max: high, step, "aria-label": `slider for input ${named(j)}` }, (v) => state.setInput(j, v), signal);
      const node = html("div", { class: "ck-node ck-input" }, html("span", { class: "ck-name", "aria-hidden": "true" }, named(j)), field.element);
      const label = html("span", { class: "ck-slider-name", "aria-hidden": "true" }, named(j));
      this.inputs.push({ node, field, range, label });
      this.element.append(node, label, range);
    }
    for (let l = 0; l < this.layers; l += 1) {
      this.edges.push([]);
      this.biases.push([]);
      if (l < this.layers - 1) this.units.push([]);
      for (let i = 0; i < sizes[l + 1]; i += 1) {
        const row = [];
        for (let j = 0; j < sizes[l]; j += 1) {
          const edge = [l, i, j];
          const field = fieldOf(edge, {
            label: `weight from ${source(l, j)} to ${unitName(l, i, sizes)}`,
            className: "ck-weight",
            get: () => state.weights[l][i][j],
            set: (v, gesture) => state.setWeight(edge, v, gesture),
            refusal: (v) => state.refusal(edge, v),
          });
          const line = svg("polyline", { class: "ck-edge" });
          const pale = this.kept && !this.kept.has(String([l, j, i]));
          this.lines.append(line);
          mark(field.element, { "ck-pale": pale });
          row.push({ edge, field, line, pale });
          this.element.append(field.element);
        }
        this.edges[l].push(row);
        if (config.show_biases) {
          const bias = [l, i, -1];
          const field = fieldOf(bias, {
            label: `bias of ${unitName(l, i, sizes)}`,
            className: "ck-weight ck-bias",
            get: () => state.biases[l][i],
            set: (v, gesture) => state.setBias([l, i], v, gesture),
          });
          this.biases[l].push({ bias, field });
          this.element.append(field.element);
        }
        if (l < this.layers - 1) this.#buildUnit(l, i);
        else this.#buildOutput(i);
      }
    }
  }

  #buildUnit(l, i) {
    const { signal } = this;
    const act = html("span", { class: "ck-act" });
    const pre = html("span", { class: "ck-pre" });
    const flag = html("span", { class: "ck-flag" });
    const node = html("button", { type: "button", class: "ck-node ck-unit" }, act, " ", pre);
    const place = String([l + 1, i]);
    mark(node, { "ck-pale": this.kept && !this.kept.has(place), "ck-block": this.blocks.has(place) });
    if (this.blocks.has(place)) node.style.setProperty("--ck-block", this.blocks.get(place).color);
    node.addEventListener("click", () => this.press([l, i]), { signal });
    node.addEventListener("keydown", (event) => {
      event.stopPropagation();
      this.key(event, [l, i]);
    }, { signal });
    const text = this.config.names?.[l]?.[i];
    const name = text ? html("span", { class: "ck-feature" }, featureName(text)) : null;
    this.units[l].push({ node, act, pre, flag, name });
    this.element.append(node, flag);
    if (name) this.element.append(name);
  }

  #buildOutput(i) {
    const value = html("span", { class: "ck-out" });
    const { scale } = this.config;
    const name = scale ? [html("span", { class: "ck-name" }, `× ${scale}`)] : [];
    const node = html("div", { class: "ck-node ck-output" }, ...name, value);
    const wanted = html("span", { class: "ck-wanted" });
    this.outputs.push({ node, value, wanted });
    this.element.append(node, wanted);
  }

  /** Place everything for a width in pixels. */
  layout(width) {
    if (width === this.width || width < 40) return;
    this.width = width;
    const { sizes } = this;
    const widest = Math.max(...sizes);
    const gap = width / widest;
    const radius = Math.round(clamp(gap * 0.36, 19, 34));
    const dense = gap < 84;
    const pill = dense ? 37 : 50;
    this.element.classList.toggle("ck-dense", dense);
    this.element.style.setProperty("--ck-pill", `${pill}px`);
    // Narrow layers spread wider than the grid, so that their edges stay apart.
    const spacing = sizes.map((n) => Math.min(width / n, Math.max(gap, Math.min(150, gap * 1.25))));
    const track = Math.min(TRACK[1], width / sizes[0] - 12);
    const stacked = track < TRACK[0];
    if (!stacked) spacing[0] = Math.max(spacing[0], track + 12);
    const column = (layer, unit) => width / 2 + (unit - (sizes[layer] - 1) / 2) * spacing[layer];
    // One lane of fields a unit of the narrower layer; where units stand closer than fields are wide,
    // a lane has several rows.
    const broad = sizes.slice(1).map((n, l) => (n >= sizes[l] ? l + 1 : l));
    const folds = broad.map((layer) => (sizes[layer] > 1 ? Math.ceil((pill + 3) / spacing[layer]) : 1));
    const rows = folds.map((k, l) => k * Math.min(sizes[l], sizes[l + 1]));
    const bias = this.config.show_biases ? BIAS : 0;
    const below = (l) => bias + (this.config.names?.[l]?.length ? (width < 400 && dense ? 2 * NAME : NAME) : 0);
    const heights = rows.map((n, l) => LEAD + n * ROW + 12 + below(l));
    let y = 22 + radius;
    const centers = new Array(sizes.length);
    for (let l = sizes.length - 1; l >= 0; l -= 1) {
      centers[l] = y;
      if (l > 0) y += 2 * radius + heights[l - 1];
    }
    const words = (this.config.input_names ?? []).some((name) => name.length > 3);
    this.element.classList.toggle("ck-words", words);
    this.element.style.setProperty("--ck-gap", `${Math.floor(gap)}px`);
    const sliderTop = radius + SLIDER / 2 + (words ? LONG : stacked ? 16 : 4);
    const height = Math.round(y + sliderTop + 19 + (stacked ? (sizes[0] - 1) * ROW : 0));
    this.element.classList.toggle("ck-stacked", stacked);
    this.element.style.height = `${height}px`;
    this.element.style.setProperty("--ck-radius", `${radius}px`);
    resize(this.lines, width, height);

    const place = (element, x, top) => {
      element.style.left = `${x.toFixed(1)}px`;
      element.style.top = `${top.toFixed(1)}px`;
    };
    const aside = words ? 0.4 * width : 36; // what a slider in a row of its own leaves to its name
    this.inputs.forEach(({ node, range, label }, j) => {
      const x = column(0, j);
      const top = centers[0] + sliderTop + (stacked ? j * ROW : 0);
      place(node, x, centers[0]);
      place(label, aside / 2, top);
      label.style.maxWidth = `${aside}px`;
      place(range, stacked ? (width + aside) / 2 : x, top);
      range.style.width = `${stacked ? width - aside - 8 : track}px`;
    });
    this.units.forEach((layer, l) =>
      layer.forEach(({ node, flag, name }, i) => {
        const x = column(l + 1, i);
        place(node, x, centers[l + 1]);
        const aside = radius * (radius < 26 ? 1 : 0.8);
        place(flag, x + aside, centers[l + 1] - aside);
        if (name) place(name, x, centers[l + 1] + radius + bias + 11);
      }),
    );
    this.outputs.forEach(({ node, wanted }, i) => {
      const x = column(this.layers, i);
      place(node, x, centers[this.layers]);
      place(wanted, x + radius + 8, centers[this.layers]);
    });
    this.edges.forEach((layer, l) => {
      const [from, to] = [centers[l], centers[l + 1]];
      const fanOut = broad[l] > l;
      const k = folds[l];
      const wide = k * spacing[broad[l]];
      layer.forEach((row, i) => {
        row.forEach(({ field, line }, j) => {
          const [x1, x2] = [column(l, j), column(l + 1, i)];
          // On the side where the edges fan out.
          const lane = fanOut ? j * k + (i % k) : i * k + (j % k);
          const up = ROW * (rows[l] - lane - 0.5);
          const py = fanOut ? to + radius + below(l) + 8 + up : from - radius - 10 - up;
          const t = (from - py) / (from - to);
          const straight = x1 + t * (x2 - x1);
          // Where the straight edges are too close, each field slides toward its unit's column, and
          // its edge bends with it.
          const pitch = (fanOut ? t : 1 - t) * wide;
          const slide = pitch < pill + 3 && wide > pitch ? Math.min(1, (pill + 3 - pitch) / (wide - pitch)) : 0;
          const x = clamp(straight + slide * ((fanOut ? x2 : x1) - straight), pill / 2, width - pill / 2);
          place(field.element, x, py);
          set(line, "points", [x1, from, x, py, x2, to].map((v) => v.toFixed(1)).join(" "));
        });
      });
      this.biases[l].forEach(({ field }, i) => place(field.element, column(l + 1, i), to + radius + BIAS / 2));
    });
  }

  /** Show the state: `pass` is the forward pass of the network that runs. */
  update(pass, wanted, selected) {
    const { state, sizes } = this;
    const sameKey = (key) => selected !== null && key.length === selected.length && key.every((v, k) => v === selected[k]);
    const hold = (element, key) => {
      const frozen = state.has("frozen", key);
      mark(element, { "ck-frozen": frozen, "ck-selected": sameKey(key) });
      if (element.readOnly !== frozen) element.readOnly = frozen;
    };
    this.inputs.forEach(({ field, range }, j) => {
      field.update();
      const value = String(state.x[j]);
      if (range.value !== value) range.value = value;
      set(range, "aria-valuetext", show(state.x[j]));
    });
    for (let l = 0; l < this.layers; l += 1) {
      for (let i = 0; i < sizes[l + 1]; i += 1) {
        for (let j = 0; j < sizes[l]; j += 1) {
          const { edge, field, line, pale } = this.edges[l][i][j];
          const w = state.weights[l][i][j];
          field.update();
          const cut = state.has("ablated", edge) || (l > 0 && state.has("ablated", [l - 1, j]));
          const silent = l > 0 && !(pass.act[l - 1][j] > 0);
          const classes = `ck-edge ck-${w > 0 ? "positive" : w < 0 ? "negative" : "zero"}${cut ? " ck-cut" : silent ? " ck-silent" : ""}${pale ? " ck-pale" : ""}${sameKey(edge) ? " ck-selected" : ""}`;
          set(line, "class", classes);
          const thickness = (w === 0 ? 1 : 1.2 + 2.3 * Math.min(Math.abs(w), 3)).toFixed(1);
          if (line.style.strokeWidth !== thickness) line.style.strokeWidth = thickness;
          mark(field.element, { "ck-cut": cut });
          hold(field.element, edge);
        }
        const bias = this.biases[l][i];
        if (bias) {
          bias.field.update();
          hold(bias.field.element, bias.bias);
        }
        if (l < this.layers - 1) this.#updateUnit(l, i, pass, sameKey([l, i]));
      }
    }
    const last = pass.out;
    this.outputs.forEach(({ node, value, wanted: note }, i) => {
      setText(value, show(last[i]));
      const target = wanted === null ? null : wanted[i];
      const close = target !== null && Math.abs(target - last[i]) <= 1e-9 * Math.max(1, Math.abs(target));
      setText(note, target === null ? "" : close ? "✓" : `${show(target) === show(last[i]) ? "almost" : "should be"} ${show(target)}`);
      mark(note, { "ck-right": close });
      set(node, "aria-label", `${unitName(this.layers - 1, i, sizes)}: ${show(last[i])}`);
      set(node, "role", "img");
    });
  }

  #updateUnit(l, i, pass, selected) {
    const { node, act, pre, flag } = this.units[l][i];
    const cut = this.state.has("ablated", [l, i]);
    const z = pass.pre[l][i];
    const off = !(z > 0);
    setText(act, cut ? "0" : show(pass.act[l][i]));
    setText(pre, show(z));
    setText(flag, cut ? "cut" : off ? "off" : "");
    mark(node, { "ck-long": Math.max(act.textContent.length, pre.textContent.length) > 5, "ck-off": off && !cut, "ck-cut": cut, "ck-selected": selected });
    mark(flag, { "ck-on": cut || off });
    const feature = featureName(this.config.names?.[l]?.[i] ?? "");
    // The numbers in the order in which they stand in the unit: who speaks to the computer says what is seen.
    set(
      node,
      "aria-label",
      `${unitName(l, i, this.sizes)}${feature ? ` (${feature})` : ""}, activation and preactivation: ${act.textContent}, ${pre.textContent}${cut ? ", ablated" : off ? ", off" : ""}`,
    );
  }
}


function mark(element, classes) {
  for (const [name, on] of Object.entries(classes)) element.classList.toggle(name, Boolean(on));
}
