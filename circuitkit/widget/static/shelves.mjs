/**
 * The losses of many networks as tiles that fall while training goes on, and come to rest on shelves. Each tile
 * opens its network, which the page trains again from its seed, and can be lifted.
 */
import * as maths from "./mathematics.mjs";
import { html, svg, set, setText, button, formula, mapColors, drawing, whole } from "./dom.mjs";
import { Miniature, SmallMap } from "./miniature.mjs";
import { Picture } from "./picture.mjs";
import { Attempt, grown } from "./lifting.mjs";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; // heights, the lowest first
const TILE = 6; // pixels from tile to tile
const LABEL = 19; // pixels below a shelf, for its name
const LINE = 15; // and for each further line of a long one
const TOP = 24; // above the highest shelf
const LEAST = 200; // of the whole
const PACE = 0.1; // of the way from one recorded loss to the next, a frame
const BUDGET = 9; // milliseconds of training a frame

const number = (value) => maths.formatNumber(value, 3);

class Shelves extends Picture {
  constructor(model, el, signal) {
    super(model, el, signal, { className: "ck-shelves", label: "Networks on their shelves" });
    this.name = formula(this.config.target.outputs[0], 2);
    this.rule = maths.quadrature(this.config.target);
    this.opened = null;
    this.at = 0; // how far the tiles have fallen, in recorded losses
    this.#build();
    this.listen();
    this.#choose(0);
    this.#restore();
  }

  // ------------------------------------------------------------------ building

  #build() {
    const { config, signal } = this;
    const on = (label, action, title = null, className = "") => button(label, { action, title, className, signal });
    this.choice = html("select", { class: "ck-select", "aria-label": "architecture" },
      config.runs.map(({ sizes }, k) => html("option", { value: k }, sizes.join("-"))));
    this.choice.addEventListener("change", () => this.#choose(Number(this.choice.value)), { signal });
    this.go = on("", () => this.#go(), null, "ck-primary");
    this.tally = html("p", { class: "ck-shelves-tally" });
    this.ground = svg("svg", { class: "ck-plot", role: "img" });
    this.canvas = html("canvas", { "aria-hidden": "true" });
    this.frame = html("div", { class: "ck-shelves-frame" }, this.ground, this.canvas);
    this.frame.addEventListener("click", (event) => this.#touched(event), { signal });
    this.seed = html("input", { type: "text", inputmode: "numeric", class: "ck-seed", "aria-label": "seed", autocomplete: "off", "data-lm-suppress-shortcuts": "true" });
    this.seed.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") this.#typed();
    }, { signal });
    this.next = on("Next on its shelf", () => this.#along());
    this.redraw = on("Redraw a unit", () => this.#lift("redraw"), "One hidden unit gets new random weights, and gradient descent goes on; kept if the loss ends lower");
    this.restart = on("New start", () => this.#lift("restart"), "All weights are drawn anew; kept if the loss ends lower");
    this.share = config.on_page ? on("Share", () => this.#share(), "A link that opens this network") : null;
    this.words = html("p", { class: "ck-shelves-words" });
    this.lifted = html("p", { class: "ck-shelves-words" });
    this.pictures = html("div", { class: "ck-shelves-pictures" });
    const glyph = (fate) => html("i", { class: `ck-tile ck-tile-${fate}`, "aria-hidden": "true" });
    this.root.append(
      this.message,
      html("div", { class: "ck-shelves-head" },
        html("div", { class: "ck-controls" }, config.runs.length > 1 ? this.choice : null, this.go,
          html("span", { class: "ck-shelves-legend" }, glyph(1), `will be ${this.name}`, glyph(0), "will be stuck")),
        this.tally),
      this.frame,
      html("div", { class: "ck-shelves-open", role: "group", "aria-label": "One network" },
        this.pictures,
        html("div", {}, this.words, this.lifted,
          html("div", { class: "ck-controls" },
            html("label", { class: "ck-labeled" }, "seed", this.seed), on("Open", () => this.#typed()), this.next, this.redraw, this.restart, this.share))),
      ...(config.caption ? [html("p", { class: "ck-caption" }, config.caption)] : []),
      this.spoken,
    );
  }

  /** One of the runs, its tiles where they start. */
  #choose(k) {
    this.clock.stop();
    this.run = this.config.runs[k];
    this.choice.value = String(k);
    const { seeds, shelf, falls } = this.run;
    this.options = { rule: this.rule, rate: this.run.rate, steps: this.run.steps };
    this.samples = falls.length / seeds.length;
    this.levels = Uint8Array.from(falls, (letter) => LETTERS.indexOf(letter));
    this.on = [...shelf].map((letter) => LETTERS.indexOf(letter)); // 0 solved, 1.. a shelf, the last one elsewhere
    this.at = 0;
    this.#shut();
    this.size = 0;
    this.layout();
  }

  #shut() {
    this.opened = null;
    this.attempt = null;
    this.pictures.replaceChildren();
    setText(this.words, "Touch a tile, or type its seed, to see what its network computes.");
    setText(this.lifted, "");
  }

  // ------------------------------------------------------------------ the fall

  get #end() {
    return this.samples - 1;
  }

  #go() {
    if (this.clock.running && !this.attempt) {
      this.clock.stop();
    } else {
      if (this.at >= this.#end) {
        this.at = 0;
        setText(this.spoken, `${whole(this.run.seeds.length)} networks start.`);
      }
      this.clock.start();
    }
    this.#tell();
  }

  tick(factor) {
    if (this.attempt) this.#climb(factor);
    else {
      this.at = Math.min(this.#end, this.at + PACE * factor);
      if (this.at >= this.#end) {
        this.clock.stop();
        setText(this.spoken, this.#counted());
      }
    }
    this.#draw();
    this.#tell();
  }

  #counted() {
    const learned = this.on.filter((k) => k === 0).length;
    return `${whole(learned)} of ${whole(this.on.length)} networks are ${this.name}: ${((100 * learned) / this.on.length).toFixed(1)} %. The others have come to rest above the ground.`;
  }

  #tell() {
    const ended = this.at >= this.#end;
    const falling = this.clock.running && !this.attempt;
    setText(this.go.lastChild, falling ? "Pause" : this.at === 0 ? `Train ${whole(this.on.length)} networks` : ended ? "Once more" : "Go on");
    this.go.disabled = Boolean(this.attempt);
    const [a, b] = [Math.floor(this.at), Math.ceil(this.at)];
    const step = Math.round(this.run.times[a] + (this.at - a) * (this.run.times[b] - this.run.times[a]));
    setText(this.tally, ended ? this.#counted() : `Step ${whole(step)} of ${whole(this.run.steps)}.`);
    const busy = Boolean(this.attempt);
    for (const each of [this.next, this.redraw, this.restart]) each.disabled = this.opened === null || busy;
    if (this.opened?.solved) this.redraw.disabled = this.restart.disabled = true;
  }

  // ------------------------------------------------------------------ one network

  #touched(event) {
    const box = this.frame.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let nearest = -1;
    let least = 12;
    for (let k = 0; k < this.on.length; k += 1) {
      const far = Math.hypot(this.#x(k) - x, this.#y(k) - y);
      if (far < least) [nearest, least] = [k, far];
    }
    if (nearest >= 0) this.#open(nearest);
  }

  #typed() {
    const text = this.seed.value.trim();
    const k = /^\d{1,16}$/.test(text) ? this.run.seeds.indexOf(Number(text)) : -1;
    if (k < 0) this.complain(`“${text}” is none of the ${whole(this.on.length)} seeds, ${this.run.seeds[0]} to ${this.run.seeds[this.on.length - 1]}.`);
    else this.#open(k);
  }

  #along() {
    const { k } = this.opened;
    const shelf = this.on.flatMap((s, i) => (s === this.on[k] ? [i] : []));
    this.#open(shelf[(shelf.indexOf(k) + 1) % shelf.length]);
  }

  /** Train the seed again, here, and show what has become of it. */
  #open(k) {
    if (this.attempt) return;
    this.message.hidden = true;
    const seed = this.run.seeds[k];
    this.seed.value = String(seed);
    this.opened = { k, seed, best: grown(this.run.sizes, seed, this.options), attempts: 0 };
    setText(this.lifted, "");
    const [miniature, map, wanted] = [new Miniature(this.run.sizes), this.#map(), this.#map(true)];
    this.opened.pictures = [miniature, map, wanted];
    this.pictures.replaceChildren(...[[miniature, "its weights"], [map, "what it computes"], [wanted, this.name]].map(([picture, text]) => html("figure", {}, picture.element, html("figcaption", {}, text))));
    this.#shown();
    this.keep({ run: Number(this.choice.value), seed });
    if (!this.clock.running) this.at = this.#end;
    this.#draw();
    this.#tell();
    setText(this.spoken, this.words.textContent);
  }

  /** A map of a network's values, or always of the target's. */
  #map(fixed = false) {
    const { target } = this.config;
    const map = new SmallMap({ domain: [[-1, 1], [-1, 1]], target }, () => (this.maps ??= mapColors(this.root)));
    if (fixed) {
      const wanted = map.values((x) => maths.evaluate(target, x)[0]);
      map.values = () => wanted;
    }
    return map;
  }

  /** The opened network as it is now, with a verdict that the page decides for itself. */
  #shown() {
    const { opened, config } = this;
    const { best, k } = opened;
    for (const picture of opened.pictures) picture.update(best.net);
    const found = maths.verdict(best.net, config.target, { tolerance: config.near });
    opened.solved = found.holds;
    const verdict = found.holds
      ? `It is ${this.name}, within ${config.near} for every input, relative to the input's size beyond 1.`
      : this.#apart(found);
    const shelf = config.shelves[this.on[k] - 1];
    const place = this.on[k] === 0 ? "" : shelf ? ` stands on the shelf at ${shelf.text}: ${shelf.words}.` : " stands on no shelf that has a name.";
    const trap = this.on[k] === 0 ? "" : ` ck.train's word for it is “${config.outcomes[this.run.outcome[k]]}”.`;
    const from = opened.attempts ? `Seed ${opened.seed}, after ${opened.attempts} attempt${opened.attempts > 1 ? "s" : ""} to lift it, has the loss ${number(best.loss)}.` : `Seed ${opened.seed}${place || " has come down to the ground."}${trap} Its loss is ${number(best.loss)}.`;
    setText(this.words, `${from} ${verdict}`);
    this.words.dataset.outcome = found.holds ? "solved" : "stuck";
    this.model.set("opened", { seed: opened.seed, attempts: opened.attempts, loss: best.loss, solved: found.holds, weights: best.net.weights });
    this.model.save_changes();
  }

  #apart(found) {
    if (!found.worst) return Number.isFinite(found.error) ? "It fails beyond all doubles." : "Its weights are no longer finite numbers.";
    const { at, gap } = maths.farthest(found);
    return `At (${at.join(", ")}) ${gap}.`;
  }

  // ------------------------------------------------------------------ the rescue

  #lift(way) {
    const { opened } = this;
    opened.attempts += 1;
    this.attempt = new Attempt(opened.best, this.run.sizes, opened.seed, opened.attempts, way, this.options);
    this.clock.stop();
    this.clock.start();
    this.#tell();
  }

  #climb(factor) {
    const { attempt, opened } = this;
    attempt.run(BUDGET * factor);
    const what = attempt.unit ? `unit ${attempt.unit[1] + 1}${this.run.sizes.length > 3 ? ` of layer ${attempt.unit[0] + 1}` : ""} drawn anew` : "a new start";
    if (!attempt.done) {
      setText(this.lifted, `Attempt ${attempt.number}, ${what}: loss ${number(attempt.loss)} after ${whole(attempt.step)} steps.`);
      return;
    }
    const { best, kept, found } = attempt.outcome();
    const before = opened.best.loss;
    opened.best = best;
    this.attempt = null;
    this.clock.stop();
    setText(this.lifted, `Attempt ${attempt.number}, ${what}: the loss ends at ${number(found.loss)}${kept ? `, below ${number(before)}: kept` : `, not below ${number(before)}: put back`}.`);
    this.#shown();
    setText(this.spoken, `${this.lifted.textContent} ${this.words.textContent}`);
  }

  // ------------------------------------------------------------------ messages and the address

  #share() {
    this.putInAddress({ run: Number(this.choice.value), seed: this.opened?.seed ?? null });
  }

  #restore() {
    const place = ({ run, seed }) => this.config.runs[run]?.seeds.indexOf(seed) ?? -1;
    const brought = this.brought((values) => place(values) >= 0);
    if (brought === null) return;
    const { run, seed } = brought;
    const k = place(brought);
    if (k < 0 && !(seed === null && this.config.runs[run])) {
      this.complain("The link is damaged, so this is the picture as the page starts with it.");
      return;
    }
    this.#choose(run);
    if (k >= 0) this.#open(k);
    if (this.isKept) this.complain("This is the network that you opened last time.", "told");
  }

  // ------------------------------------------------------------------ drawing

  layout() {
    const size = Math.round(this.frame.clientWidth);
    if (!size || size === this.size) return;
    this.size = size;
    const columns = Math.max(1, Math.floor((size - 24) / TILE));
    const { shelves } = this.config;
    const members = [0, ...shelves.map((_, i) => i + 1)].map((s) => this.on.flatMap((on, k) => (on === s ? [k] : [])));
    this.columns = new Float64Array(this.on.length);
    this.rests = new Float64Array(this.on.length);
    const names = ["the ground: solved", ...shelves.map(({ text, words }) => `${text}: ${words}`)];
    this.labels = this.#broken(names, members);
    // From the ground up: room for a shelf's name, the shelf, above it its tiles.
    let height = 0;
    this.floors = members.map((list, s) => {
      if (s && !list.length) return null;
      height += LABEL + LINE * (this.labels[s].length - 1);
      const floor = height;
      height += TILE * Math.max(1, Math.ceil(list.length / columns));
      return floor;
    });
    this.height = Math.max(LEAST, height + LABEL + TOP);
    const knots = [[Math.log10(this.config.least), this.floors[0]], ...shelves.flatMap(({ loss }, i) => (this.floors[i + 1] === null ? [] : [[Math.log10(loss), this.floors[i + 1]]])), [Math.log10(this.config.most), this.height - 6]];
    this.above = (loss) => {
      const l = Math.log10(Math.max(loss, this.config.least));
      let i = 1;
      while (i < knots.length - 1 && l > knots[i][0]) i += 1;
      const [[l0, y0], [l1, y1]] = [knots[i - 1], knots[i]];
      return Math.min(this.height - 6, y0 + ((l - l0) / (l1 - l0)) * (y1 - y0));
    };
    const { least, most } = this.config;
    this.lines = Float64Array.from(LETTERS, (_, level) => this.height - this.above(least * (most / least) ** (level / (LETTERS.length - 1))));
    members.forEach((list, s) => list.forEach((k, i) => {
      const row = Math.floor(i / columns);
      const first = (size - Math.min(list.length, columns) * TILE) / 2;
      this.columns[k] = first + (i % columns) * TILE + TILE / 2;
      this.rests[k] = this.height - this.floors[s] - TILE * (row + 0.5);
    }));
    this.on.forEach((s, k) => {
      if (s <= shelves.length) return;
      this.columns[k] = ((k * 61) % columns) * TILE + 12 + TILE / 2;
      this.rests[k] = this.height - this.above(this.run.loss[k]) - TILE / 2;
    });
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    this.frame.style.height = `${this.height}px`;
    this.canvas.width = size * this.ratio;
    this.canvas.height = this.height * this.ratio;
    this.#ground(members);
    this.repaint();
    this.#tell();
  }

  /** The shelves' names in lines that leave room for the count at their end, on a phone too. */
  #broken(names, members) {
    const text = svg("text");
    this.ground.replaceChildren(svg("g", { class: "ck-grid" }, text));
    const wide = (words) => {
      setText(text, words);
      return text.getComputedTextLength();
    };
    return names.map((name, s) => {
      const room = this.size - 20 - wide(whole(members[s].length));
      return name.split(" ").reduce(([line, ...done], word) => {
        const longer = line ? `${line} ${word}` : word;
        return !line || wide(longer) <= room ? [longer, ...done] : [word, line, ...done];
      }, [""]).reverse();
    });
  }

  #ground(members) {
    const { size, height } = this;
    set(this.ground, "viewBox", `0 0 ${size} ${height}`);
    const parts = this.floors.flatMap((floor, s) => (floor === null ? [] : [
      svg("line", { class: "ck-shelf", x1: 0, x2: size, y1: height - floor, y2: height - floor }),
      ...this.labels[s].map((line, k) => svg("text", { x: 4, y: height - floor + 14 + LINE * k }, line)),
      svg("text", { x: size - 4, y: height - floor + 14, "text-anchor": "end" }, whole(members[s].length)),
    ]));
    this.ground.replaceChildren(svg("g", { class: "ck-grid" }, ...parts));
    const told = this.floors.flatMap((floor, s) => (floor === null ? [] : [`${this.labels[s].join(" ")}, ${members[s].length}`]));
    set(this.ground, "aria-label", `Shelves of loss, the lowest first, and how many networks come to rest on each: ${told.join("; ")}.`);
  }

  repaint() {
    if (!this.size) return;
    const probe = html("i", { class: "ck-probe" });
    this.root.append(probe);
    const read = (name) => {
      probe.style.color = `var(--ck-${name})`;
      return getComputedStyle(probe).color;
    };
    this.colors = [read("negative"), read("network"), read("text")];
    probe.remove();
    this.maps = null;
    this.sprites = [0, 1].map((fate) => this.#sprite(fate));
    if (this.opened) this.#shown();
    this.#draw();
  }

  /** A tile: filled where it will be solved, hollow where not. */
  #sprite(fate) {
    const canvas = html("canvas", { width: TILE * this.ratio, height: TILE * this.ratio });
    const pen = canvas.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.fillStyle = pen.strokeStyle = this.colors[fate];
    if (fate) pen.fillRect(0.5, 0.5, TILE - 1, TILE - 1);
    else {
      pen.lineWidth = 1.3;
      pen.strokeRect(1.1, 1.1, TILE - 2.2, TILE - 2.2);
    }
    return canvas;
  }

  #x(k) {
    return this.columns[k];
  }

  #y(k) {
    const { opened } = this;
    if (opened?.k === k && (this.attempt || opened.attempts)) {
      const loss = this.attempt ? this.attempt.loss : opened.best.loss;
      return Math.min(this.height - this.above(loss), this.height - this.floors[0]) - TILE / 2;
    }
    if (this.at >= this.#end) return this.rests[k];
    const a = Math.floor(this.at);
    const first = k * this.samples + a;
    const [up, down] = [this.lines[this.levels[first]], this.lines[this.levels[first + 1]]];
    return Math.min(this.rests[k], up + (this.at - a) * (down - up) - TILE / 2);
  }

  #draw() {
    if (!this.size || !this.sprites) return;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.size, this.height);
    for (let k = 0; k < this.on.length; k += 1) {
      pen.drawImage(this.sprites[this.on[k] === 0 ? 1 : 0], this.#x(k) - TILE / 2, this.#y(k) - TILE / 2, TILE, TILE);
    }
    if (!this.opened) return;
    const { k, solved } = this.opened;
    const [x, y] = [this.#x(k), this.#y(k)];
    const half = TILE;
    pen.drawImage(this.sprites[solved && !this.attempt ? 1 : 0], x - half, y - half, 2 * half, 2 * half);
    pen.strokeStyle = this.colors[2];
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(x, y, 11, 0, 7);
    pen.stroke();
  }
}

export default { render: drawing(Shelves) };
