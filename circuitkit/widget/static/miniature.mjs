/**
 * Small pictures: a network as dots and lines, its function as a curve or a map.
 */
import * as maths from "./mathematics.mjs";
import { html, svg, set, clamp } from "./dom.mjs";
import { sampler, sampleGrid, paint, path } from "./graph.mjs";

const SMALL = 32; // pixels a side of a small map

/** A network as dots and lines: sign by color and dashes, size by width. */
export class Miniature {
  constructor(sizes) {
    const [w, h] = [96, 96];
    this.element = svg("svg", { class: "ck-miniature", viewBox: `0 0 ${w} ${h}`, "aria-hidden": "true" });
    const at = (l, i) => [w / 2 + (i - (sizes[l] - 1) / 2) * Math.min(30, (w - 14) / Math.max(1, Math.max(...sizes) - 0.5)), h - 9 - (l / (sizes.length - 1)) * (h - 18)];
    this.lines = [];
    for (let l = 0; l + 1 < sizes.length; l += 1) {
      for (let i = 0; i < sizes[l + 1]; i += 1) {
        for (let j = 0; j < sizes[l]; j += 1) {
          const [[x1, y1], [x2, y2]] = [at(l, j), at(l + 1, i)];
          const line = svg("line", { x1, y1, x2, y2 });
          this.lines.push([l, i, j, line]);
          this.element.append(line);
        }
      }
    }
    sizes.forEach((n, l) => {
      for (let i = 0; i < n; i += 1) {
        const [cx, cy] = at(l, i);
        const kind = l === 0 ? "input" : l === sizes.length - 1 ? "output" : "hidden";
        this.element.append(svg("circle", { cx, cy, r: 5.5, class: `ck-dot-${kind}` }));
      }
    });
  }

  update({ weights }) {
    for (const [l, i, j, line] of this.lines) {
      const w = weights[l][i][j];
      set(line, "class", `ck-edge ck-${w > 0 ? "positive" : "negative"}${w < 0 ? " ck-dashed" : ""}`);
      line.style.strokeWidth = (0.6 + 2.2 * Math.min(Math.abs(w), 2)).toFixed(1);
    }
  }
}

/** A function of one input over its target's, dashed. */
export class SmallCurve {
  constructor(config) {
    this.domain = config.domain[0];
    const [low, high] = this.domain;
    this.xs = Array.from({ length: 61 }, (_, k) => low + ((high - low) * k) / 60);
    const wanted = this.xs.map((x) => maths.evaluate(config.target, [x])[0]);
    const most = Math.max(1e-6, ...wanted.map(Math.abs));
    this.sy = (v) => 48 - clamp(v / most, -1.2, 1.2) * 38;
    this.target = svg("path", { class: "ck-target-line", d: this.#path(wanted) });
    this.line = svg("path", { class: "ck-network-line" });
    this.element = svg("svg", { class: "ck-small-graph ck-plot", viewBox: "0 0 96 96", "aria-hidden": "true" }, svg("line", { class: "ck-zero-line", x1: 0, x2: 96, y1: 48, y2: 48 }), this.target, this.line);
  }
  #path(values) {
    return path(values.flatMap((v, k) => [k * 1.6, this.sy(v)]));
  }
  update(net) {
    const f = sampler(net, 0);
    set(this.line, "d", this.#path(this.xs.map((x) => f([x]))));
  }
}

/** A function of two inputs. */
export class SmallMap {
  constructor({ domain, target }, colors) {
    this.element = html("canvas", { class: "ck-small-graph", width: SMALL, height: SMALL, "aria-hidden": "true" });
    this.values = (f) => sampleGrid(f, domain.map(() => 0), [0, 1], domain, SMALL);
    this.colors = colors;
    this.reach = this.values((x) => maths.evaluate(target, x)[0]).reduce((most, v) => Math.max(most, Math.abs(v)), 1e-6);
  }
  update(net) {
    paint(this.element, this.values(sampler(net, 0)), this.reach, this.colors());
  }
}
