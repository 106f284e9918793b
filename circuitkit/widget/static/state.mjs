/**
 * What the reader has made: weights, biases, inputs, what is ablated or frozen; undo; ties; the
 * state as text for an address, and as Python.
 *
 * A weight is the key [layer, row, column], a hidden unit [layer, unit], a bias [layer, unit, -1];
 * layers count from 0.
 */

const UNDO_LIMIT = 200;
export const RANGE = 3; // the slider for a weight runs from -3 to 3; drag or type for more

const copy = (value) => JSON.parse(JSON.stringify(value));
const at = (weights, [layer, row, column]) => weights[layer][row][column];
const same = (a, b) => a.length === b.length && a.every((v, i) => v === b[i]);

/** The widths of the layers, from input to output. */
export function layerSizes(weights) {
  return [weights[0][0].length, ...weights.map((w) => w.length)];
}

/** The part of a Jupyter model that the widget uses, without a kernel behind it. */
export function standIn(values) {
  const state = { ...values };
  const handlers = new Map();
  const of = (name) => handlers.get(name) ?? handlers.set(name, new Set()).get(name);
  return {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      for (const handler of [...of(`change:${name}`)]) handler(value);
    },
    on: (name, handler) => of(name).add(handler),
    off: (name, handler) => of(name).delete(handler),
    save_changes() {},
  };
}

export class State {
  /**
   * values: {weights, biases, x, ablated, frozen}; ties: [[edge, edge, relation], ...]; scale: what outputs
   * are multiplied by, as text such as "1/3", which stays as it is; changed(names): called after every change with the set of names that changed.
   */
  constructor(values, { ties = [], scale = null, changed }) {
    this.scaled = scale ? { scale } : {};
    this.values = copy(values);
    this.start = copy(values);
    this.ties = ties;
    this.changed = changed;
    this.past = [];
    this.future = [];
    this.gesture = null;
  }

  get weights() {
    return this.values.weights;
  }
  get biases() {
    return this.values.biases;
  }
  get x() {
    return this.values.x;
  }
  get sizes() {
    return layerSizes(this.values.weights);
  }

  has(list, key) {
    return this.values[list].some((k) => same(k, key));
  }

  /** Remember the present before a change; changes of one gesture are undone together. */
  remember(gesture) {
    if (gesture !== null && gesture === this.gesture) return;
    this.gesture = gesture;
    this.past.push(this.snapshot());
    if (this.past.length > UNDO_LIMIT) this.past.shift();
    this.future = [];
  }

  snapshot() {
    const { x, ...made } = this.values;
    return copy(made);
  }

  /**
   * Turn a weight, and what is tied to it. By hand (with a gesture) it goes as far toward 0 as a
   * partner tied as 1/w stays on its slider; a value that the ties do not allow changes nothing.
   */
  setWeight(key, value, gesture = null) {
    const tied = this.#tied(key, value);
    const now = at(this.weights, key);
    if (gesture !== null && tied.some(({ inverse }) => inverse)) {
      const least = Math.min(1 / RANGE, Math.abs(now));
      if (value * Math.sign(now) < least) value = least * Math.sign(now);
    }
    if (value === now && gesture !== null) return;
    if (this.refusal(key, value)) return;
    this.remember(gesture);
    for (const { key: [l, i, j], value: v } of this.#tied(key, value)) this.values.weights[l][i][j] = v;
    this.changed(new Set(["weights"]));
  }

  /** Why the ties do not allow this value for a weight, as the end of a sentence, or "". */
  refusal(key, value) {
    const now = at(this.weights, key);
    for (const { key: other, value: v, inverse } of this.#tied(key, value)) {
      if (inverse && !Number.isFinite(v)) return "it is tied to another weight as 1/w, which would be infinite";
      if (inverse && value * now < 0) return "it is tied to another weight as 1/w and keeps its sign: at 0, between the two, the other would be infinite";
      if (v !== at(this.weights, other) && value !== now && !same(other, key) && this.has("frozen", other)) return "it is tied to a weight that is frozen";
    }
    return "";
  }

  /** Whether weights are tied as this state's are. */
  keepsTies(weights) {
    return this.ties.every(([a, b, relation]) => {
      const [v, wanted] = [at(weights, b), follow(at(weights, a), relation)];
      return Number.isFinite(wanted) && Math.abs(v - wanted) <= 1e-9 * Math.abs(wanted);
    });
  }

  /** A weight and all that follow it, through ties of ties too: [{key, value, inverse}, ...]. */
  #tied(key, value) {
    const found = [{ key, value, inverse: false }];
    for (const { key: from, value: v, inverse } of found) {
      for (const [a, b, relation] of this.ties) {
        const to = same(from, a) ? b : same(from, b) ? a : null;
        if (to === null || found.some((f) => same(f.key, to))) continue;
        found.push({ key: to, value: follow(v, relation), inverse: inverse || relation.endsWith("inverse") });
      }
    }
    return found;
  }

  setBias([layer, unit], value, gesture = null) {
    this.remember(gesture);
    this.values.biases[layer][unit] = value;
    this.changed(new Set(["biases"]));
  }

  setInput(index, value) {
    if (this.values.x[index] === value) return;
    this.values.x[index] = value;
    this.changed(new Set(["x"]));
  }

  setInputs(x) {
    this.values.x = [...x];
    this.changed(new Set(["x"]));
  }

  /** Replace whole arrays: training, a challenge's start, Python. */
  replace(values, { remember = true, gesture = null } = {}) {
    if (remember) this.remember(gesture);
    Object.assign(this.values, copy(values));
    this.changed(new Set(Object.keys(values)));
  }

  /** Switch a key in or out of "ablated" or "frozen". */
  toggle(list, key) {
    this.remember(null);
    const before = this.values[list];
    this.values[list] = this.has(list, key) ? before.filter((k) => !same(k, key)) : [...before, [...key]];
    this.changed(new Set([list]));
  }

  undo() {
    this.#travel(this.past, this.future);
  }
  redo() {
    this.#travel(this.future, this.past);
  }
  #travel(from, to) {
    const snapshot = from.pop();
    if (!snapshot) return;
    to.push(this.snapshot());
    this.gesture = null;
    Object.assign(this.values, snapshot);
    this.changed(new Set(Object.keys(snapshot)));
  }

  reset() {
    this.remember(null);
    Object.assign(this.values, copy(this.start));
    this.changed(new Set(Object.keys(this.values)));
  }

  /** The network that was there at first. */
  first() {
    return { weights: this.start.weights, biases: this.start.biases, ...this.scaled };
  }

  /** The network that runs: ablated edges and units count as zero. */
  network() {
    const { weights, biases, ablated } = this.values;
    if (ablated.length === 0) return { weights, biases, ...this.scaled };
    const cut = { weights: copy(weights), biases, ...this.scaled };
    for (const key of ablated) {
      if (key.length === 3) cut.weights[key[0]][key[1]][key[2]] = 0;
      else for (const row of cut.weights[key[0] + 1]) row[key[1]] = 0;
    }
    return cut;
  }
}

function follow(value, relation) {
  switch (relation) {
    case "inverse":
      return 1 / value;
    case "negative inverse":
      return -1 / value;
    case "opposite":
      return -value;
    default:
      return value;
  }
}

/** FNV-1a, enough to notice a cut or changed address. */
function checksum(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(36);
}

/** The state as text for an address: base64url of JSON, a dot, a checksum. */
export function encode(values) {
  const bytes = new TextEncoder().encode(JSON.stringify(values));
  const body = btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return `${body}.${checksum(body)}`;
}

/** What `encode` wrote, or null for damaged text. */
export function unpack(text) {
  try {
    const [body, sum, ...rest] = text.split(".");
    if (rest.length || checksum(body) !== sum) return null;
    const bytes = Uint8Array.from(atob(body.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** The state that `encode` wrote, or null for damaged text or a state of another network. */
export function decode(text, sizes) {
  const values = unpack(text);
  try {
    return fits(values, sizes) ? values : null;
  } catch {
    return null;
  }
}

const numbers = (list, length) =>
  Array.isArray(list) && list.length === length && list.every((v) => typeof v === "number" && Number.isFinite(v));

function fits(values, sizes) {
  const { weights, biases, x, ablated, frozen } = values ?? {};
  const layers = sizes.length - 1;
  if (!Array.isArray(weights) || weights.length !== layers || !Array.isArray(biases) || biases.length !== layers) return false;
  for (let l = 0; l < layers; l += 1) {
    if (!Array.isArray(weights[l]) || weights[l].length !== sizes[l + 1]) return false;
    if (!weights[l].every((row) => numbers(row, sizes[l]))) return false;
    if (!numbers(biases[l], sizes[l + 1])) return false;
  }
  return numbers(x, sizes[0]) && [ablated, frozen].every((list) => Array.isArray(list) && list.every((k) => isKey(k, sizes)));
}

function isKey(key, sizes) {
  if (!Array.isArray(key) || !key.every(Number.isInteger)) return false;
  const [layer, row, column] = key;
  if (layer < 0 || layer >= sizes.length - 1 || row < 0 || row >= sizes[layer + 1]) return false;
  if (key.length === 2) return layer < sizes.length - 2;
  return key.length === 3 && column >= -1 && column < sizes[layer];
}

/** The network as a line of Python. */
export function toPython({ weights, biases, scale }) {
  const number = (v) => (Number.isInteger(v) && Math.abs(v) < 1e15 ? `${v}.0` : String(v));
  const list = (value) => (Array.isArray(value) ? `[${value.map(list).join(", ")}]` : number(value + 0));
  const matrices = list(weights);
  const parts = biases.some((b) => b.some((v) => v !== 0)) ? [matrices, list(biases)] : [matrices];
  if (scale) parts.push(`scale="${scale}"`);
  return `ck.Network(${parts.join(", ")})`;
}

/** Put a widget's values into the address of the page; returns the whole address. */
export function toAddress(key, values) {
  const url = new URL(window.location.href);
  url.hash = `circuit=${key}.${encode(values)}`;
  window.history.replaceState(null, "", url);
  return url.href;
}
