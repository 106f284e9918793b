/**
 * What can be done to a network without a word about its function: rescale, prune, disguise, compare, read.
 *
 * Pure functions, no page. A network is {weights, biases}, as in mathematics.mjs, with a list of biases a layer.
 */
import { Unclear } from "./expression.mjs";

/** The largest network that a link can bring. */
export const LIMITS = { inputs: 4, hidden: 40, layers: 5, size: 1e30 };

const copy = ({ weights, biases }) => JSON.parse(JSON.stringify({ weights, biases }));
const many = (n, one, more) => `${n} ${n === 1 ? one : more}`;
const finite = (v) => typeof v === "number" && Number.isFinite(v) && Math.abs(v) <= LIMITS.size;

/** Why a network, typed or brought by a link, is none that a page can show, as a sentence, or "". */
export function unfit(net) {
  const { weights, biases } = net ?? {};
  const damaged = "The link is damaged: it brings no network.";
  if (!Array.isArray(weights) || !Array.isArray(biases) || biases.length !== weights.length) return damaged;
  if (weights.length < 2) return "Expected at least one hidden layer: two lists of weights.";
  if (weights.length > LIMITS.layers) return `Expected at most ${LIMITS.layers} layers of weights, got ${weights.length}.`;
  const shapeless = weights.findIndex((rows) => !Array.isArray(rows) || rows.length === 0 || !rows.every(Array.isArray));
  if (shapeless >= 0) return `Layer ${shapeless + 1}: expected a list of rows of weights such as [[1], [-1]], one row for each unit.`;
  let width = weights[0][0].length;
  if (width === 0) return "Layer 1: expected at least one weight in each row, one for each input.";
  if (width > LIMITS.inputs) return `Expected at most ${LIMITS.inputs} inputs, got ${width}.`;
  let hidden = 0;
  for (const [l, rows] of weights.entries()) {
    if (!rows.every((row) => row.length === width)) return `Layer ${l + 1}: expected rows of ${many(width, "weight", "weights")}, one for each value below.`;
    if (!Array.isArray(biases[l]) || biases[l].length !== rows.length) return `Layer ${l + 1}: expected ${many(rows.length, "bias", "biases")}, one for each unit.`;
    if (![...rows.flat(), ...biases[l]].every(finite)) return `Layer ${l + 1}: expected numbers up to ${LIMITS.size}.`;
    width = rows.length;
    if (l < weights.length - 1) hidden += width;
  }
  if (width !== 1) return `Expected one output, got ${width}.`;
  return hidden > LIMITS.hidden ? `Expected at most ${LIMITS.hidden} hidden units, got ${hidden}.` : "";
}

/**
 * A network in nested lists, or in `ck.Network(...)` as "Copy as Python" writes it.
 *
 * @throws {Unclear} with a sentence that says what is wrong.
 */
export function readNetwork(text) {
  const inner = text.trim().replace(/^(?:ck\.)?Network\(([\s\S]*)\)$/, "$1").replace(/[−–]/g, "-");
  if (!inner) throw new Unclear("There are no weights yet.");
  if (inner.length > 20_000) throw new Unclear(`The text has ${inner.length} characters; at most 20000 are read.`);
  let lists;
  try {
    // JSON wants 0.5 and 1.0, where Python may have .5 and 1.
    lists = JSON.parse(`[${inner.replace(/(^|[^\d])\.(\d)/g, "$10.$2").replace(/(\d)\.(?!\d)/g, "$1")}]`);
  } catch {
    throw new Unclear("Expected nested lists of numbers such as [[[1], [-1]], [[1, 1]]]. For other formats there is the reader of weights, in the chapter Reading: its network can be copied as Python.");
  }
  if (lists.length === 1 && !Array.isArray(lists[0])) lists = [lists];
  const [weights, given] = lists;
  const layers = Array.isArray(weights) ? weights : [];
  const biases = layers.map((rows, l) => (Array.isArray(given) && given[l]) || (Array.isArray(rows) ? rows.map(() => 0) : []));
  return { weights: layers, biases };
}

/** Scale a hidden unit so that the largest of its weights is 1 in size; what reads it makes up for it. */
export function rescaled(net, layer, unit) {
  const made = copy(net);
  const size = Math.max(...made.weights[layer][unit].map(Math.abs));
  if (!(size > 0) || size === 1) return made;
  const row = made.weights[layer][unit].map((w) => w / size);
  const bias = made.biases[layer][unit] / size;
  const reads = made.weights[layer + 1].map((r) => r[unit] * size);
  if (![...row, bias, ...reads].every(Number.isFinite)) return made;
  made.weights[layer][unit] = row;
  made.biases[layer][unit] = bias;
  made.weights[layer + 1].forEach((r, i) => {
    r[unit] = reads[i];
  });
  return made;
}

/** The network without some hidden units, keys [layer, unit]; of each layer one stays. */
export function without(net, keys) {
  const made = copy(net);
  const kept = [];
  for (let l = 0; l + 1 < made.weights.length; l += 1) {
    const all = made.weights[l].map((_, i) => i);
    const left = all.filter((i) => !keys.some(([a, b]) => a === l && b === i));
    const stay = left.length ? left : [0];
    made.weights[l] = stay.map((i) => made.weights[l][i]);
    made.biases[l] = stay.map((i) => made.biases[l][i]);
    made.weights[l + 1] = made.weights[l + 1].map((row) => stay.map((i) => row[i]));
    kept.push(stay);
  }
  return { net: made, kept };
}

/** The same function, to the last bit: hidden units in another order, each rescaled by a power of two. */
export function disguised(net, random = Math.random) {
  const made = copy(net);
  for (let l = 0; l + 1 < made.weights.length; l += 1) {
    const order = made.weights[l].map((_, i) => i);
    for (let i = order.length - 1; i > 0; i -= 1) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    const scale = order.map(() => 2 ** (Math.floor(random() * 5) - 2));
    const [rows, biases] = [made.weights[l], made.biases[l]];
    made.weights[l] = order.map((i, k) => rows[i].map((w) => w * scale[k]));
    made.biases[l] = order.map((i, k) => biases[i] * scale[k]);
    made.weights[l + 1] = made.weights[l + 1].map((row) => order.map((i, k) => row[i] / scale[k]));
  }
  return made;
}

/**
 * The network that computes a - b, of two with as many layers, inputs and one output.
 *
 * Units of the first layer that both have are there once: where little has changed, little is left.
 */
export function difference(a, b) {
  const last = a.weights.length - 1;
  const rows = [];
  const biases = [];
  const place = new Map();
  const at = [a, b].map((net) => net.weights[0].map((row, i) => {
    const key = JSON.stringify([row, net.biases[0][i]]);
    if (!place.has(key)) {
      place.set(key, rows.length);
      rows.push([...row]);
      biases.push(net.biases[0][i]);
    }
    return place.get(key);
  }));
  const made = { weights: [rows], biases: [biases] };
  let from = at;
  for (let l = 1; l <= last; l += 1) {
    const width = made.weights[l - 1].length;
    const spread = (net, which) => net.weights[l].map((row) => {
      const wide = new Array(width).fill(0);
      row.forEach((w, j) => {
        wide[from[which][j]] += w;
      });
      return wide;
    });
    const [above, below] = [spread(a, 0), spread(b, 1)];
    if (l < last) {
      made.weights.push([...above, ...below]);
      made.biases.push([...a.biases[l], ...b.biases[l]]);
      from = [above.map((_, i) => i), below.map((_, i) => above.length + i)];
    } else {
      made.weights.push([above[0].map((w, j) => w - below[0][j])]);
      made.biases.push([a.biases[l][0] - b.biases[l][0]]);
    }
  }
  return made;
}
