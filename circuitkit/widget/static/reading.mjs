/**
 * Reads a network: from a text or a file to its weights, from its weights to what it computes.
 *
 * Pure functions, no page. `read` says what Python's ck.detect says, or less: everything that it names
 * is certified for all inputs by the verdict of mathematics.mjs; samples only propose. What both go by
 * stands in rules.json, and tests/javascript/readings.json holds readings that both must give.
 */
import * as maths from "./mathematics.mjs";
import { layerSizes } from "./state.mjs";
import rules from "../../rules.json" with { type: "json" };

const { plus, times, gcd, lcm, toNumber, floatToRational } = maths;

/** What is not accepted, in words for the reader. */
export class Unreadable extends Error {}

/** Within this the verdict of a widget holds. */
export const TOLERANCE = rules.verdict;

/** The largest network, text and file that are read in a page. */
export const LIMITS = { bytes: 5e6, hidden: 64, inputs: 12, outputs: 8, layers: 8, size: 1e30 };

/** What is said of a network with an output scale, which this page does not read. */
const SCALED = "This network has an output scale: ck.detect in Python reads it. Without the scale it is read here, divided by it.";

// ------------------------------------------------------------------------------ text to numbers

const TOKEN =
  /\s+|(?:\d+\.)+(?:weight|kernel|bias)\b|[-+\u2212]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:\s*\/\s*\d+(?:\.\d*)?)?|[A-Za-z_][\w.]*|"[^"\n]*"|'[^'\n]*'|\.\.\.|#[^\n]*|./gsu;
const WORDS = new Set(
  "tensor array np.array numpy.array torch.tensor Parameter containing float float32 float64 np.float64 np.float32 torch.float32 torch.float64 dtype requires_grad grad_fn device OrderedDict Linear list".split(" "),
);
const short = (text) => (text.length > 30 ? `${text.slice(0, 30)}…` : text);

/** Keys that have come once: of two of the same name nobody knows which is meant. */
class Keys {
  #seen = new Set();
  add(name) {
    if (this.#seen.has(name)) throw new Unreadable(`The key “${short(name)}” is there twice: which of the two is meant?`);
    this.#seen.add(name);
  }
}

/** The bracketed lists of numbers in a text: {items, label}, each with the words that name it. */
function scan(text) {
  const top = { items: [] };
  const open = [top];
  const path = []; // {"dense": {"bias": [...]}} names its list dense.bias
  const outside = new Keys();
  const dictionaries = []; // the keys of those that are open
  let label = "";
  let previous = "";
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const list = open.at(-1);
    const inside = open.length > 1;
    if (token === "[") {
      const child = { items: [], label: [...path, label].filter(Boolean).join(".") };
      list.items.push(child);
      open.push(child);
      label = "";
    } else if (token === "]") {
      if (!inside) throw new Unreadable("A bracket “]” closes nothing: is the beginning cut off?");
      open.pop();
    } else if (token === "{" || token === "}") {
      if (token === "{") {
        path.push(label);
        dictionaries.push(new Keys());
      } else {
        path.pop();
        dictionaries.pop();
      }
      label = "";
    } else if (/^[-+\u2212]?\.?\d/.test(token) && !/(weight|kernel|bias)$/.test(token)) {
      if (inside) {
        if (/^[\w.]$/.test(previous.slice(-1)) && previous !== "") {
          throw new Unreadable(`“${short(previous + token)}” is not a number.`);
        }
        list.items.push(numberOf(token));
      }
    } else if (token === "..." || token === "…") {
      if (inside) throw new Unreadable("Some numbers are left out (“...”): print all of them, for example after torch.set_printoptions(profile=\"full\").");
    } else if (/^(None|null)$/.test(token)) {
      if (inside) list.items.push(null);
    } else if (/^[-+\u2212]?(nan|inf|infinity)$/i.test(token)) {
      if (inside) throw new Unreadable("A weight is not finite (nan or inf), so there is nothing to read: the training has diverged.");
    } else if (/^["'\w]/.test(token)) {
      if (/^["']?scale["']?$/.test(token)) throw new Unreadable(SCALED);
      const names = !WORDS.has(token);
      if (names) label = token.replace(/["']/g, "");
      const keys = dictionaries.at(-1);
      const isKey = /^["']/.test(token) && /^\s*:/.test(text.slice(index + token.length, index + token.length + 20));
      // Beside dictionaries, a tensor's whole name: fc1.weight, as in OrderedDict([('fc1.weight', ...)]).
      if (keys ? isKey : names && /\.(weight|kernel|bias)$/.test(label)) (keys ?? outside).add(label);
      const known = !names || (/^(True|False)$/.test(token) && previous === "=") || /Backward\d*$/.test(token) || /^["']/.test(token) || /(weights?|kernel|bias|biases)$/.test(token);
      if (inside && !known) throw new Unreadable(`“${short(token)}” is not a number.`);
    } else if (inside && !/^[\s,;:()<>={}#]/.test(token)) {
      throw new Unreadable(`“${short(token)}” is not a number.`);
    }
    previous = token;
  }
  if (open.length > 1) throw new Unreadable("A bracket “[” is never closed: is the end cut off?");
  return top.items;
}

function numberOf(token) {
  // As Python computes it: 0.1/3 is a quotient of doubles.
  const [above, under = 1] = token.replace("\u2212", "-").replace(/\s/g, "").split("/").map(maths.parseNumber);
  const value = above / under;
  if (token.split("/").some((part) => Number(part.replace("\u2212", "-")) === 0 && Number.isNaN(maths.parseNumber(part)))) {
    throw new Unreadable(`“${short(token)}” is too close to 0: no double but 0 is as small as that.`);
  }
  if (!Number.isFinite(value) || Math.abs(value) > LIMITS.size) {
    throw new Unreadable(`“${short(token)}” is not a number between −${LIMITS.size} and ${LIMITS.size}.`);
  }
  return { value };
}

const isNumber = (v) => v !== null && v.value !== undefined;
const depth = (v) => (v === null || isNumber(v) ? 0 : 1 + v.items.reduce((most, item) => Math.max(most, depth(item)), 0));

/** A rectangular list of lists of numbers, or an error that names it. */
function matrixOf(node, name) {
  const rows = node.items.map((row) => {
    if (row === null || isNumber(row) || !row.items.every(isNumber)) {
      throw new Unreadable(`${name}: expected a list of rows, each a list of numbers.`);
    }
    return row.items;
  });
  const width = rows[0]?.length ?? 0;
  if (width === 0) throw new Unreadable(`${name}: there is no number.`);
  const odd = rows.findIndex((row) => row.length !== width);
  if (odd >= 0) {
    throw new Unreadable(`${name}: row 1 has ${count(width, "number")}, row ${odd + 1} has ${rows[odd].length}; all rows must be of equal length.`);
  }
  return rows;
}

function vectorOf(node, name) {
  if (node === null) return null;
  // A bias as a column, [[1], [2]], is a bias too.
  const items = node.items.map((v) => (v !== null && !isNumber(v) && v.items.length === 1 ? v.items[0] : v));
  if (!items.every((v) => v !== null && isNumber(v))) throw new Unreadable(`${name}: expected a list of numbers.`);
  return items;
}

const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const turned = (m) => m[0].map((_, j) => m.map((row) => row[j]));

/**
 * The network that a text spells.
 *
 * Accepted: nested lists [[[...]], [[...]]] (JSON), ck.Network(...) with or without biases,
 * {"weights": ..., "biases": ...}, PyTorch's printed tensors or state_dict, and plain numbers, one
 * row a unit, an empty line between layers.
 *
 * @param {string} text
 * @param {{layout?: "auto"|"rows"|"columns"}} [options] rows: one row a unit, as nn.Linear keeps its
 *   weights; columns: one column a unit, as the deck prints them; auto: what the text says or what
 *   fits.
 * @returns {{net: {weights: number[][][], biases: number[][]}, layout: string,
 *   other: object|null, said: boolean, ordered: boolean}} other: the same in the other layout, where
 *   that fits too; said: whether the text itself told which; byBiases: whether the numbers of biases did; ordered: whether the layers had to be put
 *   in the order of their names.
 * @throws {Unreadable} with a sentence that says what is wrong.
 */
export function parseWeights(text, { layout = "auto" } = {}) {
  if (typeof text !== "string" || text.trim() === "") throw new Unreadable("There is no text yet.");
  if (/^\s*\w+\(\s*\(\w+\): \w+\(/.test(text)) throw new Unreadable("This shows the layers, not their numbers: paste what print(model.state_dict()) shows.");
  if (text.length > LIMITS.bytes) throw new Unreadable(`The text has ${count(text.length, "character")}; at most ${LIMITS.bytes} are read.`);
  const { weights, biases, ordered = false } = /\[/.test(text) ? bracketed(scan(text)) : plain(text);
  // print(layer.weight.t()) shows the weights turned round, and says so; a kernel is one of Flax or Keras.
  const said = /PermuteBackward|\bTBackward|TransposeBackward|\bkernel\b/.test(text);
  return { ...assembled(weights, biases, layout === "auto" && said ? "columns" : layout), said, ordered };
}

function bracketed(nodes) {
  let items = nodes.filter((v) => v.items.length);
  if (items.length === 0) throw new Unreadable("The lists in this text are empty.");
  const three = items.find((v) => depth(v) >= 3);
  if (three) {
    const others = items.filter((v) => v !== three);
    const flat = three.items.every((v) => v !== null && depth(v) === 2);
    if (flat) {
      if (others.length > 1) throw new Unreadable(`Expected a list of weights and perhaps one of biases, got ${nodes.length} lists.`);
      const biases = others.length ? others[0].items : [];
      if (biases.length && biases.length !== three.items.length) {
        throw new Unreadable(`There are ${count(three.items.length, "layer")} but biases for ${biases.length}.`);
      }
      return {
        weights: three.items.map((v, l) => matrixOf(v, `The weights of layer ${l + 1}`)),
        biases: three.items.map((_, l) => (biases[l] ? layerBias(biases[l], l) : null)),
      };
    }
    items = three.items.filter((v) => v !== null); // [weight, bias, weight, bias, ...]
  }
  const weights = [];
  const stems = [];
  const waiting = [];
  const biases = [];
  for (const item of items) {
    const d = depth(item);
    const stem = /^(.*?)(?:weights?|kernel|biases|bias)$/i.exec(item.label ?? "")?.[1];
    const isBias = d === 1 || /bias(es)?$/i.test(item.label ?? "");
    if (!isBias && d === 2) {
      weights.push(matrixOf(item, `The weights of layer ${weights.length + 1}`));
      stems.push(stem);
      biases.push(null);
    } else if (isBias && d <= 2) {
      waiting.push({ stem, item, after: weights.length - 1 });
    } else throw new Unreadable(`A list is nested ${d} deep; a layer's weights are a list of rows.`);
  }
  if (weights.length === 0) {
    throw new Unreadable("There is one list of numbers, but no matrix: write a layer's weights as a list of rows, such as [[1], [-1]].");
  }
  const first = waiting.some(({ after }) => after < 0); // biases stand before their weights
  for (const { stem, item, after } of waiting) {
    const named = stem === undefined ? -1 : stems.indexOf(stem);
    const l = stem && named >= 0 ? named : after + (first ? 1 : 0);
    if (l < 0 || l >= weights.length || biases[l]) throw new Unreadable("A list of biases belongs to no layer: put it after its weights.");
    biases[l] = layerBias(item, l);
  }
  return inOrder(weights, biases, stems);
}

/** The layers by their numbers, where names that differ in nothing else have some. */
function inOrder(weights, biases, stems) {
  const named = stems.every((stem) => stem !== undefined) && new Set(stems).size === stems.length;
  const alike = named && new Set(stems.map((stem) => stem.replace(/\d+/g, "#"))).size === 1;
  const order = stems.map((_, l) => l);
  if (alike) order.sort((a, b) => naturally(stems[a], stems[b]));
  const by = (list) => order.map((l) => list[l]);
  return { weights: by(weights), biases: by(biases), ordered: order.some((l, k) => l !== k) };
}

const layerBias = (node, l) => vectorOf(node, `The biases of layer ${l + 1}`);

/** Rows of numbers, an empty line between layers; or layer sizes "2-3-1" and all numbers in a row. */
function plain(text) {
  const lines = text.replace(/#[^\n]*/g, "").split(/\r?\n/).map((line) => line.trim());
  const first = lines.findIndex((line) => line !== "");
  // "2-3-1" or "2 - 3 - 1"; "1 -1" is a row.
  const sizes = /^(\d{1,4}(?:-\d{1,4})+|\d{1,4}(?: - \d{1,4})+)\s*:?$/.exec(lines[first] ?? "");
  if (sizes) return flat(sizes[1].split("-").map(Number), lines.slice(first + 1).join(" "));
  const weights = [];
  const biases = [];
  let block = null;
  for (const line of lines) {
    const bias = /^(?:bias(?:es)?|b)\s*[:=]?\s+(.*)$/i.exec(line);
    if (line === "") block = null;
    else if (bias) {
      const l = weights.length - 1;
      if (l < 0 || biases[l]) throw new Unreadable("A line of biases belongs to no layer: put it after its rows.");
      biases[l] = numbersIn(bias[1]);
    } else {
      if (!block) {
        block = [];
        weights.push(block);
        biases.push(null);
      }
      block.push({ items: numbersIn(line) });
    }
  }
  const matrices = weights.map((rows, l) => matrixOf({ items: rows }, `Layer ${l + 1}`));
  return { weights: matrices, biases };
}

function flat(sizes, text) {
  const empty = sizes.indexOf(0);
  if (empty >= 0) {
    const what = empty === 0 ? "0 inputs" : empty === sizes.length - 1 ? "0 outputs" : `0 units in hidden layer ${empty}`;
    throw new Unreadable(`The first line, ${sizes.join("-")}, says that there are ${what}: each layer takes at least 1.`);
  }
  const numbers = numbersIn(text);
  const pairs = sizes.slice(1).map((n, l) => [n, sizes[l]]);
  const bare = pairs.reduce((s, [n, m]) => s + n * m, 0);
  const full = pairs.reduce((s, [n, m]) => s + n * m + n, 0);
  if (numbers.length !== bare && numbers.length !== full) {
    throw new Unreadable(`A ${sizes.join("-")} network has ${bare} weights, or ${full} with its biases; the text has ${count(numbers.length, "number")}.`);
  }
  let at = 0;
  const take = (n) => numbers.slice(at, (at += n));
  const weights = [];
  const biases = [];
  for (const [n, m] of pairs) {
    weights.push(Array.from({ length: n }, () => take(m)));
    biases.push(numbers.length === full ? take(n) : null);
  }
  return { weights, biases };
}

function numbersIn(line) {
  const parts = line.split(/[\s,;|]+/).filter(Boolean);
  return parts.map((part) => {
    if (!/^[-+\u2212]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?:\/\d+)?$/i.test(part)) {
      throw new Unreadable(`“${short(part)}” is not a number.`);
    }
    return numberOf(part);
  });
}

function chains(weights) {
  return weights.every((m, l) => l === 0 || m[0].length === weights[l - 1].length);
}

/** The network of these matrices in the layout that fits, and in the other one where that fits too. */
function assembled(given, biases, layout) {
  const ways = { rows: given, columns: given.map(turned) };
  const fits = (m) => chains(m) && biases.every((b, l) => !b || b.length === m[l].length);
  const fitting = ["rows", "columns"].filter((way) => fits(ways[way]));
  // What fits in no way is refused in words about the likelier one.
  const likely = chains(ways.rows) || !chains(ways.columns) ? "rows" : "columns";
  const chosen = layout === "auto" ? (fitting[0] ?? likely) : layout;
  const open = layout === "auto" && shapeDiffers(ways.rows, ways.columns);
  const way = fitting.find((name) => name !== chosen && open);
  const byBiases = open && fitting.length === 1 && chains(ways.rows) && chains(ways.columns);
  let other = null;
  try {
    if (way) other = { net: networkOf(ways[way], biases), layout: way };
  } catch {
    // too large the other way round
  }
  return { net: networkOf(ways[chosen], biases), layout: chosen, other, byBiases };
}

function networkOf(weights, biases) {
  const l = weights.findIndex((m, k) => k > 0 && m[0].length !== weights[k - 1].length);
  if (l > 0) {
    throw new Unreadable(
      `The layers do not fit together: layer ${l} gives ${count(weights[l - 1].length, "number")}, ` +
        `layer ${l + 1} takes ${weights[l][0].length}.`,
    );
  }
  const net = {
    weights: weights.map((m) => m.map((row) => row.map((v) => v.value + 0))),
    biases: weights.map((m, k) => {
      const b = biases[k];
      if (b && b.length !== m.length) {
        throw new Unreadable(`Layer ${k + 1} has ${count(m.length, "unit")} but ${count(b.length, "bias").replace("biass", "biases")}.`);
      }
      return m.map((_, i) => (b ? b[i].value + 0 : 0));
    }),
  };
  checkSize(net);
  return net;
}

/**
 * Of two layouts that fit the one in which the network computes a function of the catalogue.
 *
 * @param {object} found from parseWeights or parseSafetensors.
 * @param {number} tolerance as for read.
 * @returns {object} found, or found.other in its place; `because` is the text of that function where it
 *   decided.
 */
export function decided(found, tolerance) {
  if (!found.other) return found;
  const [mine, other] = [found, found.other].map(({ net }) => judge(net, tolerance).best?.target.text);
  if (mine || !other) return found;
  const { net, layout } = found;
  return { ...found, ...found.other, other: { net, layout }, because: other };
}

const shapeDiffers = (a, b) => a.some((m, l) => JSON.stringify(m) !== JSON.stringify(b[l]));

function checkSize(net) {
  const sizes = layerSizes(net.weights);
  const hidden = sizes.slice(1, -1).reduce((s, n) => s + n, 0);
  const much = [
    [hidden, LIMITS.hidden, "hidden units"],
    [sizes[0], LIMITS.inputs, "inputs"],
    [sizes.at(-1), LIMITS.outputs, "outputs"],
    [sizes.length - 1, LIMITS.layers, "layers of weights"],
  ].find(([n, most]) => n > most);
  if (much) {
    throw new Unreadable(
      `This is a ${short(sizes.join("-"))} network; a page reads at most ${much[1]} ${much[2]}. In Python, ck.detect reads larger ones.`,
    );
  }
}

// ------------------------------------------------------------------------------ safetensors

const TYPES = {
  F64: [8, (v, i) => v.getFloat64(i, true)],
  F32: [4, (v, i) => v.getFloat32(i, true)],
  F16: [2, (v, i) => small(v.getUint16(i, true), 5, 10)],
  BF16: [2, (v, i) => small(v.getUint16(i, true), 8, 7)],
  I64: [8, (v, i) => Number(v.getBigInt64(i, true))],
  I32: [4, (v, i) => v.getInt32(i, true)],
  I16: [2, (v, i) => v.getInt16(i, true)],
  I8: [1, (v, i) => v.getInt8(i)],
};

/** Orders names so that layers.10 follows layers.9. */
function naturally(a, b) {
  const [p, q] = [a, b].map((name) => name.split(/(\d+)/));
  for (let i = 0; i < Math.min(p.length, q.length); i++) {
    if (p[i] === q[i]) continue;
    if (i % 2 && Number(p[i]) !== Number(q[i])) return Number(p[i]) - Number(q[i]);
    return p[i] < q[i] ? -1 : 1;
  }
  return p.length - q.length;
}

/** A float of 16 bits: sign, exponent, fraction. */
function small(bits, exponents, fractions) {
  const sign = bits >> 15 ? -1 : 1;
  const e = (bits >> fractions) & ((1 << exponents) - 1);
  const f = bits & ((1 << fractions) - 1);
  const bias = (1 << (exponents - 1)) - 1;
  if (e === (1 << exponents) - 1) return f ? NaN : sign * Infinity;
  return sign * (e ? 1 + f / (1 << fractions) : f / (1 << fractions)) * 2 ** ((e || 1) - bias);
}

/** The line of Python that turns another kind of file into one that is read here; or null. */
function otherKind(buffer, name) {
  const start = String.fromCharCode(...new Uint8Array(buffer.slice(0, 9)));
  if (start[8] === "{") return null; // a safetensors file, whatever the length that stands before
  const file = JSON.stringify(name || "file");
  const is = (end) => name.toLowerCase().endsWith(end);
  const shown = (kind, line) => `This is ${kind}. Paste what this prints: ${line}`;
  if (start.startsWith("\x93NUMPY")) return shown("one array of NumPy", `print(numpy.load(${file}).tolist())`);
  if (start.startsWith("\x89HDF") || is(".keras")) return shown("a model of Keras", `print([w.tolist() for w in keras.models.load_model(${file}).get_weights()])`);
  if (is(".msgpack")) return shown("a state of Flax", `print(jax.tree.map(lambda v: v.tolist(), flax.serialization.msgpack_restore(open(${file}, "rb").read())))`);
  if (is(".onnx")) return shown("a model in ONNX", `print([onnx.numpy_helper.to_array(t).tolist() for t in onnx.load(${file}).graph.initializer])`);
  if (start.startsWith("PK") && is(".npz")) return shown("a set of NumPy's arrays", `print({k: v.tolist() for k, v in numpy.load(${file}).items()})`);
  if (start.startsWith("PK") || start.startsWith("\x80")) {
    return `This is a pickle, which could run a program where it is opened, such as PyTorch's files. Paste what this prints: print({k: v.tolist() for k, v in torch.load(${file}, weights_only=True).items()})`;
  }
  return null;
}

/** The text in a file: UTF-8, or UTF-16 as its first two bytes say. */
export function textOf(buffer) {
  const [a, b] = new Uint8Array(buffer);
  return new TextDecoder(a + b === 0x1fd ? (a === 0xff ? "utf-16le" : "utf-16be") : "utf-8").decode(buffer);
}

/**
 * The network in a safetensors file: every <name>.weight is a layer, in the natural order of the
 * names, <name>.bias its biases, as in Network.load; a <name>.kernel is a weight turned round.
 *
 * @param {ArrayBuffer} buffer
 * @param {string} [file] the file's name, for what is said of other kinds of files.
 * @returns {object} as parseWeights.
 * @throws {Unreadable}
 */
export function parseSafetensors(buffer, file = "") {
  const other = otherKind(buffer, file);
  if (other) throw new Unreadable(other);
  const damaged = () => new Unreadable("This is not a safetensors file, or it is damaged.");
  const size = buffer.byteLength;
  if (size > LIMITS.bytes) throw new Unreadable(`The file has ${(size / 1e6).toFixed(1)} MB; at most ${LIMITS.bytes / 1e6} MB are read.`);
  if (size < 10) throw damaged();
  const view = new DataView(buffer);
  const length = Number(view.getBigUint64(0, true));
  if (!(length >= 2 && length <= size - 8)) throw damaged();
  let heading;
  let header;
  try {
    heading = new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(buffer, 8, length));
    header = JSON.parse(heading);
  } catch {
    throw damaged();
  }
  if (header === null || typeof header !== "object" || Array.isArray(header)) throw damaged();
  const keys = new Keys(); // of two the same JSON.parse keeps the last
  for (const [, name] of heading.matchAll(/"((?:[^"\\]|\\.)*)"\s*:\s*\{/g)) keys.add(name);
  if (header.__metadata__?.format === "circuitkit.Network" && header.__metadata__.scale) throw new Unreadable(SCALED);
  const tensors = new Map(Object.entries(header).filter(([name]) => name !== "__metadata__"));
  const names = [...tensors.keys()];
  const wrong = names.find((name) => !/(^|\.)(weight|kernel|bias)$/.test(name));
  const stems = names.filter((name) => !name.endsWith("bias")).map((name) => name.slice(0, -6));
  const kind = names.some((name) => name.endsWith("kernel")) ? "kernel" : "weight";
  const orphan = names.find((name) => name.endsWith("bias") && !stems.includes(name.slice(0, -4)));
  if (wrong !== undefined || orphan !== undefined || stems.length === 0) {
    throw new Unreadable(
      `Expected tensors named <layer>.weight and <layer>.bias, found ${names.length === 0 ? "none" : `“${short(wrong ?? orphan ?? names[0])}”`}.`,
    );
  }
  stems.sort(naturally);
  const tensor = (name, dimensions) => {
    const { dtype, shape, data_offsets: at } = tensors.get(name) ?? {};
    const type = Object.hasOwn(TYPES, dtype) ? TYPES[dtype] : null;
    if (!type) throw new Unreadable(`“${short(name)}” holds ${short(String(dtype))} numbers; ${Object.keys(TYPES).join(", ")} are read.`);
    const whole = Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!whole || !Array.isArray(at) || at.length !== 2) throw damaged();
    if (shape.length !== dimensions) {
      throw new Unreadable(`“${short(name)}” has ${count(shape.length, "dimension")}, not ${dimensions}: it is not a layer of a fully connected network.`);
    }
    const n = shape.reduce((p, v) => p * v, 1);
    const start = 8 + length + at[0];
    if (!at.every(Number.isSafeInteger) || at[0] < 0 || at[1] - at[0] !== n * type[0] || 8 + length + at[1] > size) throw damaged();
    if (n > 100_000) throw new Unreadable(`“${short(name)}” holds ${n} numbers; a page reads at most ${LIMITS.hidden} hidden units.`);
    const values = Array.from({ length: n }, (_, i) => ({ value: type[1](view, start + i * type[0]) }));
    if (!values.every(({ value }) => Number.isFinite(value) && Math.abs(value) <= LIMITS.size)) {
      throw new Unreadable(`“${short(name)}” holds numbers that are not finite, or above ${LIMITS.size}.`);
    }
    return { values, shape };
  };
  const weights = stems.map((stem) => {
    const { values, shape } = tensor(`${stem}${kind}`, 2);
    const [rows, columns] = shape;
    return matrixOf(
      { items: Array.from({ length: rows }, (_, i) => ({ items: values.slice(i * columns, (i + 1) * columns) })) },
      `“${short(stem)}${kind}”`,
    );
  });
  const biases = stems.map((stem) => (tensors.has(`${stem}bias`) ? tensor(`${stem}bias`, 1).values : null));
  const said = kind === "kernel";
  return { ...assembled(weights, biases, said ? "columns" : "auto"), said, ordered: false };
}

// ------------------------------------------------------------------------------ expressions
//
// An expression is a tree as the verdict takes it (see page_json.py). They are built by the few
// functions here, which keep one order of terms, so that equal expressions have equal texts.

const variable = (index) => ({ op: "var", index });
const inputNames = (n) => (n === 1 ? ["x"] : Array.from({ length: n }, (_, i) => `x${i + 1}`));

/** The fraction with the smallest denominator that a double is up to rounding, or null. */
function fractionOf(v) {
  for (let q = 1; q <= 5040; q++) {
    const p = Math.round(v * q);
    if (Math.abs(v * q - p) <= 1e-9 * Math.max(1, Math.abs(p))) return [p, q];
  }
  return null;
}

function constant(v) {
  const simple = fractionOf(v);
  if (!simple) return { op: "const", value: v };
  const [p, q] = simple;
  return q === 1 ? { op: "const", value: p + 0 } : { op: "const", value: p / q, text: `${p}/${q}` };
}

const isConst = (e) => e.op === "const";
/** [coefficient, rest] of a product with a number. */
const parts = (e) => (e.op === "mul" ? [e.args[0].value, e.args[1]] : isConst(e) ? [e.value, null] : [1, e]);

function scaledBy(c, e) {
  const [k, rest] = parts(e);
  const factor = c * k;
  if (factor === 0) return constant(0);
  if (!rest) return constant(factor);
  if (rest.op === "add") return sum(rest.args.map((a) => scaledBy(factor, a)));
  return factor === 1 ? rest : { op: "mul", args: [constant(factor), rest] };
}

function sum(terms) {
  const found = new Map();
  for (const e of terms.flatMap((t) => (t.op === "add" ? t.args : [t]))) {
    const [k, rest] = parts(e);
    const key = rest ? spell(rest, 64) : "";
    const before = found.get(key);
    found.set(key, { k: (before?.k ?? 0) + k, rest });
  }
  const kept = [...found.values()].filter(({ k }) => Math.abs(k) > 1e-12);
  kept.sort((a, b) => order(a.rest, b.rest));
  const args = kept.map(({ k, rest }) => (rest ? scaledBy(k, rest) : constant(k)));
  return args.length === 0 ? constant(0) : args.length === 1 ? args[0] : { op: "add", args };
}

const rank = (e) => (e === null ? 3 : e.op === "var" ? 0 : 1);
function order(a, b) {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (a === null) return 0;
  if (a.op === "var" && b.op === "var") return a.index - b.index;
  return spell(a, 64) < spell(b, 64) ? -1 : 1;
}

function absolute(e) {
  if (isConst(e)) return constant(Math.abs(e.value));
  const size = content(e);
  const inner = scaledBy((minus(e) ? -1 : 1) / size, e);
  return scaledBy(size, inner.op === "abs" ? inner : { op: "abs", args: [inner] });
}

/** The largest number that divides an expression and leaves whole numbers; 1 where there is none. */
function content(e) {
  if (isConst(e)) return Math.abs(e.value);
  if (e.op === "mul") return Math.abs(e.args[0].value) * content(e.args[1]);
  if (e.op === "add") {
    const simple = e.args.map((a) => fractionOf(content(a)));
    if (simple.includes(null)) return 1;
    const above = simple.reduce((g, [p]) => gcd(g, BigInt(p)), 0n);
    return Number(above) / Number(simple.reduce((d, [, q]) => lcm(d, BigInt(q)), 1n));
  }
  if (e.op !== "min" && e.op !== "max") return 1;
  const sizes = e.args.map(content).filter((v) => v !== 0);
  return sizes.every((v) => Math.abs(v - sizes[0]) <= 1e-9 * sizes[0]) ? sizes[0] : 1;
}

/** The expression without a positive common factor: 2 min(a, b) and min(2 a, 2 b) become min(a, b). */
function unscaled(e) {
  const size = content(e);
  if (e.op === "min" || e.op === "max") return extremum(e.op, e.args.map((a) => scaledBy(1 / size, a)));
  return scaledBy(1 / size, e);
}

/** min or max, its parts in one order; max(a, -a) is |a|. */
function extremum(op, list) {
  const flat = list.flatMap((e) => (e.op === op ? e.args : [e]));
  const kept = new Map(flat.map((e) => [spell(e, 64), e]));
  // Of parts that differ by a number only one counts.
  for (const [key, e] of [...kept]) {
    for (const [other, f] of [...kept]) {
      if (key === other || !kept.has(key) || !kept.has(other)) continue;
      const gap = sum([e, scaledBy(-1, f)]);
      if (isConst(gap)) kept.delete(gap.value > 0 === (op === "max") ? other : key);
    }
  }
  for (const [key, e] of [...kept]) {
    const opposite = spell(scaledBy(-1, e), 64);
    if (opposite === key || !kept.has(key) || !kept.has(opposite)) continue;
    kept.delete(key);
    kept.delete(opposite);
    const whole = op === "max" ? absolute(e) : scaledBy(-1, absolute(e));
    kept.set(spell(whole, 64), whole);
  }
  const args = [...kept.values()];
  if (args.length === 1) return args[0];
  args.sort((a, b) => (isConst(b) - isConst(a)) || order(a, b) || 0);
  return { op, args };
}

/** Whether it is better written as minus something: more minus signs, or the first term has one. */
function minus(e) {
  if (isConst(e)) return e.value < 0;
  if (e.op === "mul") return e.args[0].value < 0;
  if (e.op !== "add") return false;
  const signs = e.args.map(minus);
  const negative = signs.filter(Boolean).length;
  return 2 * negative === signs.length ? signs[0] : 2 * negative > signs.length;
}

function affine(row) {
  return sum(row.map((v, j) => (j < row.length - 1 ? scaledBy(v, variable(j)) : constant(v))));
}

/** The text of an expression as Python writes it: "2*x1 + x2", "min(x1, x2)", "7*x/10". */
function spell(e, n) {
  const names = (i) => (n === 1 ? "x" : `x${i + 1}`);
  const number = (v) => {
    const simple = fractionOf(v);
    if (simple) return simple[1] === 1 ? String(simple[0]) : simple.join("/");
    return String(Number(v.toPrecision(5)));
  };
  switch (e.op) {
    case "const":
      return number(e.value);
    case "var":
      return names(e.index);
    case "add": {
      const terms = [...e.args.filter((a) => !minus(a)), ...e.args.filter(minus)];
      return terms.map((t, k) => {
        if (k === 0 || !minus(t)) return (k ? " + " : "") + spell(t, n);
        return ` - ${spell(scaledBy(-1, t), n)}`;
      }).join("");
    }
    case "mul": {
      const [c, inner] = e.args;
      const text = inner.op === "add" ? `(${spell(inner, n)})` : spell(inner, n);
      const simple = fractionOf(c.value);
      if (!simple) return `${number(c.value)}*${text}`;
      const [p, q] = simple;
      const above = p === 1 ? text : p === -1 ? `-${text}` : `${p}*${text}`;
      return q === 1 ? above : `${above}/${q}`;
    }
    default:
      return `${e.op}(${e.args.map((a) => spell(a, n)).join(", ")})`;
  }
}

/** Its numbers, variables and operations; a number that is no simple fraction counts more. */
function length(e) {
  const own = isConst(e) && !fractionOf(e.value) ? 12 : 1;
  return own + (e.args ?? []).reduce((s, a) => s + length(a), 0);
}

const asTarget = (trees, n) => ({
  n_inputs: n,
  n_outputs: trees.length,
  outputs: trees,
  text: trees.length === 1 ? spell(trees[0], n) : `(${trees.map((t) => spell(t, n)).join(", ")})`,
});

// ------------------------------------------------------------------------------ the catalogue

/** The tree of a text such as "min(x1, x2)" or "2*x - x2". */
function treeOf(text) {
  const tokens = text.match(/[a-z]+\d*|[\d.]+|\S/g);
  let at = 0;
  const term = () => {
    const token = tokens[at++];
    if (token === "-") return scaledBy(-1, term());
    if (/^\d/.test(token)) return tokens[at] === "*" ? scaledBy(Number(token), (at++, term())) : constant(Number(token));
    if (/^x\d*$/.test(token)) return variable(Number(token.slice(1) || 1) - 1);
    const args = [];
    do {
      at++; // "(" or ","
      args.push(total());
    } while (tokens[at] === ",");
    at++;
    return token === "abs" ? absolute(args[0]) : extremum(token, args);
  };
  const total = () => {
    const terms = [term()];
    while (tokens[at] === "+" || tokens[at] === "-") terms.push(scaledBy(tokens[at++] === "-" ? -1 : 1, term()));
    return sum(terms);
  };
  return total();
}

const CATALOGUE = Object.entries(rules.functions).map(([name, text]) => {
  const n = Math.max(1, ...[...text.matchAll(/x(\d+)/g)].map(([, k]) => Number(k)));
  return { ...asTarget([treeOf(text)], n), name };
});
const FEATURES = rules.features;

// ------------------------------------------------------------------------------ samples

/** Numbers in (0, 1), the same in every reading. */
function* noise() {
  let state = 0x9e3779b9;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let v = state;
    v = Math.imul(v ^ (v >>> 15), 0x2c1b3c6d);
    v = Math.imul(v ^ (v >>> 12), 0x297a2d39);
    yield (((v ^ (v >>> 15)) >>> 0) + 0.5) / 2 ** 32;
  }
}

/** Directions (max |x_i| = 1) for a network without biases, otherwise points near and far. */
function sampleInputs(n, homogeneous, number) {
  const draw = noise();
  const next = () => draw.next().value;
  const normal = () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  return Array.from({ length: number }, (_, k) => {
    const point = n === 1 ? [k % 2 ? 1 : -1] : Array.from({ length: n }, normal);
    const size = Math.max(...point.map(Math.abs));
    const reach = homogeneous ? 1 : [0.3, 1, 3, 30][Math.floor(4 * next())] * next();
    return point.map((v) => (v / size) * reach);
  });
}

const norm = (point) => Math.max(1, ...point.map(Math.abs));
const dot = (a, b) => a.reduce((s, v, i) => s + v * b[i], 0);
const biased = (net) => net.biases.some((b) => b.some((v) => v !== 0));

// ------------------------------------------------------------------------------ one hidden layer
//
// relu(t) = (t + |t|) / 2 turns a network with one hidden layer into a linear part and multiples of
// |n . x + d|, one for each hyperplane, exactly: equal functions have equal forms.

/** {linear: [row an output], kinks: [{normal, factors}]}: rows of doubles from exact rationals. */
function absForm(net) {
  const [first, last] = net.weights;
  const n = first[0].length;
  const zero = [0n, 1n];
  const exact = (l, i, j) =>
    maths.floatToRational(j < 0 ? net.biases[l][i] : net.weights[l][i][j]);
  const linear = last.map((_, o) => [...Array(n).fill(zero), exact(1, o, -1)]);
  const kinks = new Map();
  first.forEach((row, i) => {
    const z = [...row.map((_, j) => exact(0, i, j)), exact(0, i, -1)];
    const outs = last.map((_, o) => exact(1, o, i));
    const lead = z.find(([p]) => p !== 0n);
    if (!lead) return;
    const half = ([p, q]) => [p, 2n * q];
    if (z.slice(0, n).every(([p]) => p === 0n)) {
      if (lead[0] > 0n) outs.forEach((w, o) => (linear[o][n] = plus(linear[o][n], times(w, z[n]))));
      return;
    }
    outs.forEach((w, o) => {
      linear[o] = linear[o].map((v, j) => plus(v, times(w, half(z[j]))));
    });
    const common = z.reduce((d, [, q]) => lcm(d, q), 1n);
    const whole = z.map(([p, q]) => p * (common / q));
    const divisor = whole.reduce(gcd, 0n) * (lead[0] < 0n ? -1n : 1n);
    const normal = whole.map((v) => v / divisor);
    const factor = [divisor < 0n ? -divisor : divisor, 2n * common];
    const kink = kinks.get(normal.join()) ?? { normal, factors: outs.map(() => zero) };
    kink.factors = kink.factors.map((v, o) => plus(v, times(outs[o], factor)));
    kinks.set(normal.join(), kink);
  });
  const list = [...kinks.values()].filter(({ factors }) => factors.some(([p]) => p !== 0n));
  const exact_ = list.map(({ normal, factors }) => {
    const top = normal.reduce((m, v) => ((v < 0n ? -v : v) > m ? (v < 0n ? -v : v) : m), 0n);
    return { normal: normal.map((v) => [v, top]), factors: factors.map(([p, q]) => [p * top, q]) };
  });
  const doubles = (row) => row.map((v) => toNumber(...v));
  return {
    linear: linear.map(doubles),
    kinks: exact_.map(({ normal, factors }) => ({ normal: doubles(normal), factors: doubles(factors) })),
    plain: [...linear, ...exact_.flatMap(({ normal, factors }) => [normal, factors])].flat().every(isPlain),
  };
}

/** Whether a rational is a fraction of small whole numbers, which expressions here hold exactly. */
function isPlain([p, q]) {
  const g = gcd(p, q);
  return q / g <= 100n && p / g < 1000n && p / g > -1000n;
}

const RULES = rules.reading;

function simpleFraction(value, slack) {
  for (const q of RULES.denominators) {
    const p = Math.round(value * q);
    if (Math.abs(value - p / q) <= slack) return p / q + 0;
  }
  return null;
}

/** The row with simple coefficients, or null. */
function rounded(row, slack) {
  const simple = row.map((v) => simpleFraction(v, slack));
  return simple.includes(null) ? null : simple;
}

/** Simple functions near output `o`: nearly parallel hyperplanes merged, numbers rounded. */
function simpleForms({ linear, kinks }, o) {
  const found = [];
  for (const slack of RULES.coarseness) {
    const total = rounded(linear[o], slack);
    const groups = [];
    const ranked = [...kinks].sort((a, b) => Math.abs(b.factors[o]) - Math.abs(a.factors[o]));
    for (const { normal, factors } of ranked) {
      const near = groups.find(({ lead }) => {
        const sign = dot(lead, normal) >= 0 ? 1 : -1;
        return lead.every((v, j) => Math.abs(v - sign * normal[j]) <= 2 * slack);
      });
      const group = near ?? { lead: normal, jump: normal.map(() => 0) };
      if (!near) groups.push(group);
      const sign = dot(group.lead, normal) >= 0 ? 1 : -1;
      group.jump = group.jump.map((v, j) => v + sign * factors[o] * normal[j]);
    }
    const bent = groups.filter(({ jump }) => Math.max(...jump.map(Math.abs)) > slack);
    if (!total || bent.length > RULES.kinks) continue;
    const terms = bent.map(({ lead, jump }) => ({ b: dot(jump, lead) > 0 ? 1 : -1, y: rounded(jump, slack) }));
    if (terms.every(({ y }) => y)) found.push(shortest(merged(total, terms)));
  }
  return found;
}

/** Rows that rounding made equal, or constant, put together. */
function merged(total, terms) {
  const rest = [...total];
  const found = new Map();
  for (const { b, y } of terms) {
    const lead = y.find((v) => v !== 0) ?? 0;
    if (y.slice(0, -1).every((v) => v === 0)) {
      rest[rest.length - 1] += b * Math.abs(y.at(-1));
      continue;
    }
    const unit = y.map((v) => v / lead);
    const key = unit.map((v) => v.toFixed(9)).join();
    const before = found.get(key) ?? { b: 0, y: unit };
    found.set(key, { b: before.b + b * Math.abs(lead), y: unit });
  }
  return { rest, terms: [...found.values()].filter(({ b }) => Math.abs(b) > 1e-12) };
}

const entries = (row) => row.filter((v) => Math.abs(v) > 1e-12).length;
const added = (row, c, other) => row.map((v, j) => v + c * other[j]);

/** The shortest way found to write rest + sum of b |y|. */
function shortest({ rest, terms }) {
  if (terms.length === 0) return affine(rest);
  const options = [asSum(rest, terms)];
  const folded = fold(rest, terms);
  if (folded) options.push(folded);
  return options.reduce((a, b) => (length(b) < length(a) ? b : a));
}

/** rest + b|y| = max(rest + b y, rest - b y), min for b < 0, where both sides are simpler. */
function fold(rest, terms) {
  if (terms.length > 2) return null;
  for (let k = terms.length - 1; k >= 0; k--) {
    const { b, y } = terms[k];
    const others = terms.filter((_, j) => j !== k);
    const sides = [1, -1].map((s) => added(rest, s * b, y));
    const sizes = sides.reduce((s, row) => s + entries(row) + others.length, 0);
    const size = entries(rest) + others.length + entries(y);
    if (sizes > size || (others.length && sizes >= size)) continue;
    const spelled = sides.map((row) => shortest({ rest: row, terms: others }));
    return extremum(b > 0 ? "max" : "min", spelled);
  }
  return null;
}

/** A sum; each b|y| in the way that leaves the shortest linear rest. */
function asSum(rest, terms) {
  const ways = terms.slice(0, 5).map(({ b, y }) => {
    const options = [{ cost: 1, over: y.map(() => 0), e: () => scaledBy(b, absolute(affine(y))) }];
    for (const side of [1, -1]) {
      const e = () => scaledBy(2 * b, extremum("max", [affine(y.map((v) => side * v)), constant(0)]));
      options.push({ cost: 1.1, over: y.map((v) => -side * b * v), e });
    }
    const rises = y.map((v) => (v > 0 ? 2 * Math.abs(b) * v : 0));
    const falls = y.map((v) => (v < 0 ? -2 * Math.abs(b) * v : 0));
    if (entries(rises) && entries(falls)) {
      for (const sign of [1, -1]) {
        const op = b > 0 === sign > 0 ? "max" : "min";
        options.push({
          cost: 1.2,
          over: rises.map((v, j) => (-sign * (v + falls[j])) / 2),
          e: () => scaledBy(sign, extremum(op, [affine(rises), affine(falls)])),
        });
      }
    }
    return options;
  });
  let choices = [{ left: rest, cost: 0, picks: [] }];
  for (const options of ways) {
    choices = choices.flatMap(({ left, cost, picks }) =>
      options.map((way) => ({ left: added(left, 1, way.over), cost: cost + way.cost, picks: [...picks, way] })),
    );
  }
  const best = choices.reduce((a, b) => (entries(b.left) + b.cost < entries(a.left) + a.cost ? b : a));
  const others = terms.slice(5).map(({ b, y }) => scaledBy(b, absolute(affine(y))));
  return sum([affine(best.left), ...best.picks.map((way) => way.e()), ...others]);
}

/** One tree an output: the function of a network with at most one hidden layer and few kinks; or null. */
function ownTrees(net) {
  if (net.weights.length > 2) return null;
  // A layer alone is one whose hidden units, one an output, never bend it.
  const { linear, kinks, plain } = net.weights.length === 2 ? absForm(net) : affineForm(net);
  const trees = linear.map((rest, o) => {
    const terms = kinks.filter(({ factors }) => factors[o] !== 0).map(({ normal, factors }) => ({ b: factors[o], y: normal }));
    return terms.length > RULES.kinks ? null : shortest({ rest, terms });
  });
  return trees.includes(null) ? null : { trees, plain, affine: kinks.length === 0 };
}

function affineForm({ weights: [rows], biases: [bias] }) {
  const exact = rows.map((row, i) => [...row, bias[i]].map(maths.floatToRational));
  return { linear: exact.map((row) => row.map((v) => toNumber(...v))), kinks: [], plain: exact.flat().every(isPlain) };
}

/** The network's own function, where Python too would give it, and in the same words; or null. */
function ownText(net, own, tolerance) {
  if (!own?.plain) return null;
  const short = own.trees.every((e) => symbols(e) <= RULES.short);
  // Longer ones are given where no other simple function is within the tolerance.
  const simple = (e) => (isConst(e) ? simpleFraction(e.value, 0) !== null : (e.args ?? []).every(simple));
  const alone = own.affine && tolerance <= 0.01 && own.trees.every(simple);
  return short || alone ? asTarget(own.trees, net.weights[0][0].length).text : null;
}

/** It with five digits, where doubles hold it: 1e17 + x - 1e17 they would call 0. */
function ownWords(net, own) {
  if (!own) return null;
  const target = asTarget(own.trees, net.weights[0][0].length);
  const slope = net.weights.reduce((s, rows) => s * Math.max(...rows.map((row) => row.reduce((a, w) => a + Math.abs(w), 0))), 1);
  return maths.verdict(net, target, { tolerance: 1e-6 * Math.max(1, slope) }).holds ? target.text : null;
}

/** How many symbols SymPy has for an expression, long numbers counting more. */
function symbols(e) {
  const bits = (v) => Math.abs(v).toString(2).length;
  const own = isConst(e) ? 1 + Math.floor(Math.max(0, fractionOf(e.value).map(bits).reduce((a, b) => a + b) - 8) / 4) : 1;
  return own + (e.args ?? []).reduce((s, a) => s + symbols(a), 0);
}

// ------------------------------------------------------------------------------ any depth
//
// The affine pieces that a network has at the samples, rounded, put together as a maximum of minima
// or a minimum of maxima.

/** [gradient..., offset] of output `o` at each sample. */
function slopesAt(net, samples, o) {
  return samples.map((point) => {
    const { pre, out } = maths.forward(net, point);
    let row = net.weights.at(-1)[o];
    for (let l = pre.length - 1; l >= 0; l--) {
      const below = net.weights[l];
      const on = row.map((w, i) => (pre[l][i] > 0 ? w : 0));
      row = below[0].map((_, j) => on.reduce((s, w, i) => s + w * below[i][j], 0));
    }
    return [...row, out[o] - dot(row, point)];
  });
}

function pieceForms(net, samples, o, slopes, slacks = RULES.coarseness) {
  const rows = biased(net) ? slopes : slopes.map((row) => [...row.slice(0, -1), 0]);
  const values = samples.map((point) => maths.forward(net, point).out[o]);
  const found = [];
  for (const slack of slacks) {
    const pieces = simplePieces(rows, slack);
    if (!pieces) continue;
    if (pieces.length === 1) {
      found.push(affine(pieces[0]));
      continue;
    }
    const heights = samples.map((point) => pieces.map((piece) => dot(piece, [...point, 1])));
    const own = heights.map((h, k) => h.reduce((a, b) => (Math.abs(b - values[k]) < Math.abs(a - values[k]) ? b : a)));
    const misfits = own.map((v, k) => Math.abs(v - values[k])).sort((a, b) => a - b);
    const margin = Math.min(0.25, Math.max(1e-9, 3 * misfits[Math.floor(0.95 * misfits.length)]));
    const spelled = pieces.map(affine);
    for (const [outer, inner, side] of [["max", "min", 1], ["min", "max", -1]]) {
      const sets = frequentSets(heights.map((h, k) => h.map((v) => side * (v - own[k]) >= -margin)));
      const least = sets.filter((s) => !sets.some((t) => t.length < s.length && t.every((i) => s.includes(i))));
      if (least.length > RULES.pieces) continue;
      found.push(extremum(outer, least.map((s) => extremum(inner, s.map((i) => spelled[i])))));
    }
  }
  return found;
}

/** The affine pieces that most samples are on, rounded; null if they are many or not simple. */
function simplePieces(rows, slack) {
  const unique = new Map();
  for (const row of rows) {
    const key = row.map((v) => v.toFixed(9)).join();
    const entry = unique.get(key) ?? { row, count: 0 };
    entry.count += 1;
    unique.set(key, entry);
  }
  let left = [...unique.values()].sort((a, b) => b.count - a.count).slice(0, 1000);
  const least = Math.max(0.01, slack / 4) * rows.length;
  const pieces = new Map();
  for (let tries = 0; left.length && tries < 200; tries++) {
    const [{ row: lead }] = left;
    const near = ({ row }) => row.every((v, j) => Math.abs(v - lead[j]) <= 2 * slack);
    const group = left.filter(near);
    const total = group.reduce((s, { count: c }) => s + c, 0);
    if (total < least) {
      left = left.slice(1);
      continue;
    }
    left = left.filter((entry) => !near(entry));
    const piece = lead.map((v, j) => {
      const mean = group.reduce((s, entry) => s + entry.count * entry.row[j], 0) / total;
      return simpleFraction(v, slack) ?? simpleFraction(mean, slack) ?? (Math.abs(v) <= slack ? 0 : null);
    });
    if (piece.includes(null)) return null;
    pieces.set(piece.join(), piece);
    if (pieces.size > RULES.pieces) return null;
  }
  return pieces.size ? [...pieces.values()] : null;
}

/** The different rows of truth values as index lists; those of very few samples lie on a border. */
function frequentSets(rows) {
  const counts = new Map();
  for (const row of rows) {
    const key = row.flatMap((v, i) => (v ? [i] : [])).join();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const least = Math.min(Math.max(2, 0.002 * rows.length), Math.max(...counts.values()));
  return [...counts].filter(([, c]) => c >= least).map(([key]) => (key === "" ? [] : key.split(",").map(Number)));
}

/** Simple functions near output `o`, the closest on the samples first: [{e, error, length}]. */
function guesses(net, samples, o) {
  const forms = net.weights.length === 2 ? simpleForms(absForm(net), o) : [];
  const slopes = slopesAt(net, samples, o);
  forms.push(...pieceForms(net, samples, o, slopes));
  const n = samples[0].length;
  const distinct = new Map(forms.map((e) => [spell(e, n), e]));
  const values = samples.map((point) => maths.forward(net, point).out[o]);
  const found = [...distinct.values()].map((e) => ({ e, error: sampledError(e, samples, values), length: length(e) }));
  return found.sort((a, b) => a.error - b.error || a.length - b.length);
}

function sampledError(e, samples, values) {
  const target = asTarget([e], samples[0].length);
  return samples.reduce((m, point, k) => Math.max(m, Math.abs(maths.evaluate(target, point)[0] - values[k]) / norm(point)), 0);
}

/** The guess that best trades error for length: half the error is worth a few symbols. */
function balanced(found) {
  if (found.length === 0) return null;
  const floor = Math.max(found[0].error, 1e-12);
  const cost = (g) => 3 * Math.log2(Math.max(g.error, 1e-12) / floor) + g.length;
  return found.reduce((a, b) => (cost(b) < cost(a) ? b : a));
}

// ------------------------------------------------------------------------------ units

/** The network that ends at one hidden unit's preactivation, `factor` times it. */
function upTo(net, layer, index, factor = 1) {
  return {
    weights: [...net.weights.slice(0, layer), [net.weights[layer][index].map((w) => factor * w)]],
    biases: [...net.biases.slice(0, layer), [factor * net.biases[layer][index]]],
  };
}

/** Values below two to this power stay as they are, and larger ones become about as large as two to the other. */
const [LARGE, MODERATE] = [498, 400];

/**
 * The network with each hidden unit and output divided by a power of two, so that the squares of values are
 * numbers, and these powers, layer by layer; null where a number, divided, is none.
 */
function moderate(net, samples) {
  const power = (v) => (v === 0 ? -Infinity : Math.floor(Math.log2(Math.abs(v))) + 1);
  let sizes = samples[0].map((_, j) => power(Math.max(...samples.map((point) => Math.abs(point[j])))));
  let before = sizes.map(() => 1);
  const found = { net: { ...net, weights: [], biases: [] }, factors: [] };
  for (const [l, rows] of net.weights.entries()) {
    const bias = net.biases[l];
    sizes = rows.map((row, i) => Math.max(power(bias[i]), ...row.map((w, j) => power(w) + sizes[j])) + Math.ceil(Math.log2(row.length + 1)));
    const factors = sizes.map((size) => (size > LARGE ? 2 ** (size - MODERATE) : 1));
    // A product with a power of two is exact unless it leaves the doubles.
    const exact = (v, by) => (v * by) / by === v;
    const by = rows.map((row, i) => row.map((_, j) => before[j] / factors[i]));
    const fits = rows.every((row, i) => row.every((w, j) => exact(w, by[i][j])) && exact(bias[i], 1 / factors[i]));
    if (!fits || !factors.every(Number.isFinite)) return null;
    found.net.weights.push(rows.map((row, i) => row.map((w, j) => w * by[i][j])));
    found.net.biases.push(bias.map((v, i) => v / factors[i]));
    found.factors.push(factors);
    before = factors;
  }
  return found;
}

/** The factor with rounding noise of its last few bits taken off, as the given network has it, `factor` times. */
const simpleScale = (v, factor) => Number((v * factor).toPrecision(12)) / factor;
const below = ([a, b], [c, d]) => a * d <= c * b;
const minusOne = [-1n, 1n];

/** |net - e| <= tolerance max(1, |x|) everywhere: its exact worst error, or null. */
function certified(net, trees, tolerance) {
  const found = maths.verdict(net, asTarget(trees, net.weights[0][0].length), { tolerance });
  return found.holds && found.exact ? found.error : null;
}

/** A first layer's unit: its weights as a multiple of a simple direction, the error exactly. */
function describeLinear(alone, factor, tolerance) {
  const row = [...alone.weights[0][0], alone.biases[0][0]].map(maths.floatToRational);
  const size = ([p, q]) => [p < 0n ? -p : p, q];
  const sizes = row.slice(0, -1).map(size);
  let top = sizes.reduce((a, b) => (below(a, b) ? b : a));
  if (top[0] === 0n) top = size(row.at(-1));
  if (top[0] === 0n) return null;
  const shares = row.map(([p, q]) => toNumber(p * top[1], q * top[0]));
  for (const slack of RULES.unit_coarseness) {
    const simple = rounded(shares, slack);
    if (!simple) continue;
    const denominator = simple.reduce((d, v) => lcm(d, BigInt(fractionOf(v)[1])), 1n);
    const whole = simple.map((v) => BigInt(Math.round(v * Number(denominator))));
    const divisor = whole.reduce(gcd, 0n);
    const direction = whole.map((v) => v / divisor);
    const along = row.reduce((s, v, j) => plus(s, times(v, [direction[j], 1n])), [0n, 1n]);
    const square = direction.reduce((s, v) => s + v * v, 0n);
    const scale = simpleScale(toNumber(along[0], along[1] * square), factor);
    if (!scale) continue;
    const exactScale = floatToRational(scale);
    // relu changes by no more than its argument, and that by no more than the sum of all changes.
    const gap = row.reduce(
      (s, v, j) => plus(s, size(plus(v, times(minusOne, times(exactScale, [direction[j], 1n]))))),
      [0n, 1n],
    );
    const [p, q] = size(exactScale);
    const error = [gap[0] * q, gap[1] * p];
    if (!below(error, floatToRational(tolerance))) continue;
    const e = affine(direction.map(Number));
    return minus(e) ? { e: scaledBy(-1, e), scale: -scale, error: toNumber(...error) } : { e, scale, error: toNumber(...error) };
  }
  return null;
}

/** {e, scale, error} with |z - scale e| <= error |scale| max(1, |x|), certified; null if not simple. */
function describe(net, layer, index, factor, z, samples, tolerance, deadline) {
  const alone = upTo(net, layer, index);
  if (layer === 0) return describeLinear(alone, factor, tolerance);
  if (Date.now() > deadline) return null;
  const slope = Math.max(0, ...slopesAt(alone, samples, 0).flatMap((row) => row.slice(0, -1).map(Math.abs)));
  if (!slope) return null;
  const exact = [];
  const near = [];
  for (const sign of [1, -1]) {
    const found = guesses(upTo(net, layer, index, sign / slope), samples, 0);
    const right = found.filter(({ error, length: size }) => error <= 1e-9 && size <= RULES.unit_length);
    right.sort((a, b) => a.length - b.length);
    exact.push(...right.slice(0, 1));
    const best = balanced(found);
    if (tolerance && best && best.error <= 10 * tolerance) near.push(best);
  }
  const byLength = (a, b) => length(a) - length(b);
  const candidates = [
    ...exact.map(({ e }) => unscaled(e)).sort(byLength).slice(0, 1),
    ...near.map(({ e }) => unscaled(e)).sort(byLength),
  ];
  for (const e of candidates) {
    const target = asTarget([e], samples[0].length);
    const values = samples.map((point) => maths.evaluate(target, point)[0]);
    const square = dot(values, values);
    const scale = square ? simpleScale(dot(values, z) / square, factor) : 0;
    if (!scale) continue;
    const scaled = { op: "mul", args: [{ op: "const", value: scale }, e] };
    const error = certified(alone, [scaled], tolerance * Math.abs(scale));
    if (error !== null) return { e, scale, error: error / Math.abs(scale) };
  }
  return null;
}

/** Whether relu(factor z) <= bound max(1, |x|) for every x. */
function atMost(net, layer, index, factor, bound) {
  const alone = upTo(net, layer, index, factor);
  const activation = { ...alone, weights: [...alone.weights, [[1]]], biases: [...alone.biases, [0]] };
  return certified(activation, [{ op: "const", value: 0 }], bound) !== null;
}

/** A unit of a network whose values are divided: by `factor`; `out` is the largest given weight that reads it, at least 1. */
function readUnit(net, layer, index, { factor, out }, z, samples, tolerance, deadline) {
  const reach = z.reduce((m, v, k) => Math.max(m, v / norm(samples[k])), 0);
  const unit = (feature, of, scale, error = 0) => ({ layer, index, feature, of, scale, error, inCircuit: true });
  if (reach * factor * out <= Math.max(tolerance, 1e-12) && atMost(net, layer, index, 1, tolerance / out / factor)) return unit(FEATURES.dead, null, 0);
  const found = describe(net, layer, index, factor, z, samples, tolerance, deadline);
  if (Math.min(...z) >= 0 && atMost(net, layer, index, -1, 0)) {
    if (!found) return unit(FEATURES.always_on, null, reach);
    // What it passes on.
    return unit(FEATURES.always_on, found.scale > 0 ? found.e : scaledBy(-1, found.e), Math.abs(found.scale), found.error);
  }
  if (!found) return unit(FEATURES.other, null, reach);
  const { e, scale, error } = found;
  const isDifference = e.op === "add" && e.args.length === 2 && !e.args.some(isConst) && minus(e.args[0]) !== minus(e.args[1]);
  if (isDifference) return unit(FEATURES.greater, scale > 0 ? e : scaledBy(-1, e), Math.abs(scale), error);
  return unit(scale > 0 ? FEATURES.positive : FEATURES.negative, e, Math.abs(scale), error);
}

function readUnits(given, tolerance, deadline = Infinity) {
  const n = given.weights[0][0].length;
  const samples = sampleInputs(n, !biased(given), 1000);
  const { net, factors } = moderate(given, samples) ?? { net: given, factors: given.weights.map((rows) => rows.map(() => 1)) };
  const passes = samples.map((point) => maths.forward(net, point).pre);
  const columns = net.weights.slice(0, -1).map((rows, l) => rows.map((_, i) => passes.map((pre) => pre[l][i])));
  const needed = neededUnits(given, net, columns, samples.map(norm), tolerance, deadline);
  const read = readBySomething(net);
  return columns.flatMap((layer, l) => {
    const leaders = [];
    return layer.map((z, i) => {
      const factor = factors[l][i];
      const out = Math.max(1, ...given.weights[l + 1].map((row) => Math.abs(row[i])));
      let unit = readUnit(net, l, i, { factor, out }, z, samples, tolerance, deadline);
      if (unit.feature !== FEATURES.dead && unit.feature !== FEATURES.always_on) {
        const of = unit.of && spell(unit.of, n);
        let error = null;
        for (const other of leaders) {
          if (unit.of) error = other.of === of && other.feature === unit.feature ? unit.error : null;
          else error = cosine(z, other.z) > 1 - 1e-12 ? apartFrom(net, unit, other, z, tolerance) : null;
          if (error !== null) break;
        }
        if (error !== null) unit = { ...unit, feature: FEATURES.duplicate, error };
        else leaders.push({ feature: unit.feature, of, z, i });
      }
      const off = needed[l][i] && unit.feature === FEATURES.dead && atMost(net, l, i, 1, 0);
      return { ...unit, scale: unit.scale * factor, inCircuit: needed[l][i] && !off, isRead: read[l][i] };
    });
  });
}

/** For each hidden layer whether a path of weights that are not 0 leads from a unit to an output. */
function readBySomething(net) {
  let readers = net.weights.at(-1).map(() => true);
  return net.weights.slice(1).reverse().map((w) => (readers = w[0].map((_, k) => w.some((row, j) => readers[j] && row[k] !== 0)))).reverse();
}

/** How far a unit is from a positive multiple of another one, relative to its scale; null: too far. */
function apartFrom(net, { layer, index, scale }, { i, z: lead }, z, tolerance) {
  const [mine, theirs] = [index, i].map((k) => [...net.weights[layer][k], net.biases[layer][k]]);
  const pivot = theirs.findIndex((v) => v !== 0);
  if (pivot >= 0 && Math.sign(mine[pivot]) === Math.sign(theirs[pivot])) {
    const product = (a, b) => times(floatToRational(a), floatToRational(b));
    const same = ([p, q], [r, t]) => p * t === r * q;
    if (mine.every((v, k) => same(product(v, theirs[pivot]), product(theirs[k], mine[pivot])))) return 0;
  }
  const difference = {
    weights: [...net.weights.slice(0, layer), [index, i].map((k) => net.weights[layer][k]), [[1, -dot(z, lead) / dot(lead, lead)]]],
    biases: [...net.biases.slice(0, layer), [index, i].map((k) => net.biases[layer][k]), [0]],
  };
  const error = scale ? certified(difference, [{ op: "const", value: 0 }], tolerance * scale) : null;
  return error === null ? null : error / scale;
}

function cosine(a, b) {
  const size = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b)); // the product of both would be a fourth power
  return size ? dot(a, b) / size : 0;
}

/** A unit in words; beyond the first layer only where Python too finds these, and spells them so. */
function told(unit, n) {
  const { layer, feature } = unit;
  const same = layer === 0 || (unit.of !== null && isFlat(unit.of));
  const known = same || feature === FEATURES.dead || feature === FEATURES.always_on;
  const of = same ? unit.of : null;
  // Without "of" its size was measured on samples, which are the page's own.
  const scale = of || feature === FEATURES.dead ? unit.scale : null;
  return { ...unit, scale, feature: known ? feature : null, of: of && spell(of, n), text: known ? unitText({ ...unit, of }, n) : rules.phrases.unread };
}

/** Whether an expression is a few variables, min, max and abs of such, or minus one, and at most one difference of these. */
function isFlat(e) {
  const simple = (a) => a.op === "var" || (["min", "max", "abs"].includes(a.op) && a.args.every((b) => b.op === "var" || isConst(b)));
  const signed = (a) => simple(a) || simple(scaledBy(-1, a));
  return signed(e) || (e.op === "add" && e.args.length === 2 && e.args.every(signed));
}

/** "greaterness detector of x1 - x2 (cancels out)". */
function unitText({ feature, of, inCircuit, isRead }, n) {
  const text = of ? phrase("unit", { feature, of: spell(of, n) }) : feature;
  if (!isRead) return phrase("nobody", { unit: text });
  // What adds nothing has nothing to cancel.
  return inCircuit || feature === FEATURES.dead ? text : phrase("unused", { unit: text });
}

function phrase(name, values = {}) {
  return rules.phrases[name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? rules.phrases[key]);
}

// ------------------------------------------------------------------------------ what cancels out

/** For each layer which units stay; the others are proved to be unneeded, all of them together. */
function neededUnits(given, net, columns, norms, tolerance, deadline) {
  const kept = proposedUnits(net, columns, tolerance);
  const groups = columns.flatMap((z, l) => {
    const loose = z.map((_, i) => i).filter((i) => {
      const reach = z[i].reduce((m, v, k) => Math.max(m, v / norms[k]), 0);
      const out = Math.max(1, ...net.weights[l + 1].map((row) => Math.abs(row[i])));
      return !kept[l][i] || reach * out <= tolerance;
    });
    return parallel(z, loose, RULES.parallel).map((group) => group.map((i) => [l, i]));
  });
  let stays = columns.map((layer) => layer.map(() => true));
  // All of them, or failing that, what can go of each half.
  const takeOut = (some) => {
    if (some.length === 0) return;
    const without = stays.map((layer) => [...layer]);
    for (const [l, i] of some.flat()) without[l][i] = false;
    if (sameWithout(given, without, tolerance, deadline)) stays = without;
    else if (some.length > 1) {
      const half = some.length >> 1;
      takeOut(some.slice(0, half));
      takeOut(some.slice(half));
    }
  };
  takeOut(groups);
  return stays;
}

/** Whether the network in which nobody reads the other units is proved to be the same, within the tolerance. */
function sameWithout(net, stays, tolerance, deadline) {
  if (Date.now() > deadline) return false;
  const [first, ...rest] = net.weights;
  const only = rest.map((rows, l) => rows.map((row) => row.map((w, i) => (stays[l][i] ? w : 0))));
  const minus = (rows) => rows.map((row) => row.map((w) => -w));
  const beside = (a, b) => [...a.map((row) => [...row, ...b[0].map(() => 0)]), ...b.map((row) => [...a[0].map(() => 0), ...row])];
  const joined = (a, b) => a.map((row, o) => [...row, ...b[o]]);
  const nothing = net.biases.at(-1).map(() => 0);
  const inner = net.biases.slice(1, -1).map((b) => [...b, ...b]);
  let weights;
  if (rest.length === 1) {
    // What is taken out, alone: both read the same units.
    const out = first.map((_, i) => i).filter((i) => !stays[0][i]);
    weights = [out.map((i) => first[i]), rest[0].map((row) => out.map((i) => row[i]))];
    return certified({ weights, biases: [out.map((i) => net.biases[0][i]), nothing] }, nothing.map(zero), tolerance) !== null;
  }
  const deeper = rest.slice(1, -1).map((rows, l) => beside(rows, only[l + 1]));
  weights = [first, [...rest[0], ...only[0]], ...deeper, joined(rest.at(-1), minus(only.at(-1)))];
  return certified({ weights, biases: [net.biases[0], ...inner, nothing] }, nothing.map(zero), tolerance) !== null;
}

const zero = () => ({ op: "const", value: 0 });

/**
 * For each layer which units stay when what cancels is taken out, from the output backwards.
 *
 * Units on one hyperplane form a group. A group bends the output along its hyperplane, or it adds
 * something linear only; of those, the fewest that add up to the whole are needed.
 */
function proposedUnits(net, columns, tolerance) {
  const needed = columns.map((layer) => layer.map(() => false));
  let readers = net.weights.at(-1);
  for (let l = columns.length - 1; l >= 0; l--) {
    const z = columns[l];
    const on = z.map((column) => column.some((v) => v > 0)); // nobody reads the dead
    const w = readers.map((row) => row.map((v, i) => (on[i] ? v : 0)));
    for (const i of neededOf(z, w, tolerance)) needed[l][i] = true;
    readers = net.weights[l].filter((_, i) => needed[l][i]);
  }
  return needed;
}

/**
 * Units of one hyperplane, those whose preactivations are multiples of each other, of either sign.
 *
 * First each hyperplane for itself: what cancels on it is linear there, and has no part in its neighbors.
 * Then hyperplanes that bend the readers w and are nearly one count as one.
 */
function hyperplanes(z, w) {
  const exact = parallel(z, z.map((_, i) => i), RULES.one_hyperplane);
  const straight = exact.filter((group) => !bends(z, w, group));
  const bent = exact.filter((group) => bends(z, w, group)).flat();
  return [...parallel(z, bent, RULES.parallel), ...straight];
}

/** Whether units of one hyperplane bend what a reader receives. */
function bends(z, w, group) {
  const sizes = group.map((i) => (z[i].every((v) => v >= 0) ? 0 : sizeOf(z[i])));
  const bent = w.map((row) => group.map((i, g) => row[i] * sizes[g]));
  return bent.some((row) => Math.abs(row.reduce((s, v) => s + v, 0)) > 1e-9 * biggest(bent.flat()));
}

/** Units in groups whose first one forms at most such an angle with the others. */
function parallel(z, units, angle) {
  const unit = z.map((column) => {
    const size = sizeOf(column) || 1; // once, and not for each of its numbers
    return column.map((v) => v / size);
  });
  const groups = [];
  for (const i of units) {
    const near = groups.find(([lead]) => {
      const side = Math.sign(dot(unit[lead], unit[i]));
      // Of small angles the difference tells more than the cosine does.
      return sizeOf(unit[i].map((v, k) => v - side * unit[lead][k])) <= angle;
    });
    if (near) near.push(i);
    else groups.push([i]);
  }
  return groups;
}

const biggest = (list) => list.reduce((m, v) => Math.max(m, Math.abs(v)), 0);

/** The units of a layer, with preactivations z and read by the rows w, that are needed. */
function neededOf(z, w, tolerance) {
  let scale = 0;
  for (const row of w) {
    for (let k = 0; k < z[0].length; k++) scale = Math.max(scale, Math.abs(row.reduce((s, v, i) => s + v * Math.max(z[i][k], 0), 0)));
  }
  const kept = [];
  const loose = [];
  for (const group of hyperplanes(z, w)) {
    const lead = z[group[0]];
    const square = dot(lead, lead);
    const factors = group.map((i) => (square ? dot(z[i], lead) / square : 0));
    const amounts = group.map((i, g) => w.map((row) => row[i] * Math.abs(factors[g])));
    // relu(z) = (z + |z|) / 2, but z where the unit is on throughout
    const bent = amounts.map((a, g) => a.map((v) => (z[group[g]].every((u) => u >= 0) ? 0 : v / 2)));
    const bends = w.map((_, o) => bent.reduce((s, a) => s + a[o], 0));
    const slants = w.map((_, o) => amounts.reduce((s, a, g) => s + (a[o] - bent[g][o]) * Math.sign(factors[g]), 0));
    const amount = Math.max(0, ...group.map((i) => biggest(w.map((row) => row[i])) * biggest(z[i])));
    const slack = Math.max((tolerance / 4) * (scale || 1), tolerance > 0 ? RULES.noise * amount : 0, 1e-9 * amount);
    const members = neededMembers(group, amounts, factors, tolerance);
    if (biggest(bends) * biggest(lead) > slack) kept.push(...members);
    else if (biggest(slants) * biggest(lead) > slack) loose.push({ members, part: slants.flatMap((c) => lead.map((v) => c * v)) });
  }
  if (loose.length === 0) return kept;
  const coordinates = inFewCoordinates(loose.map(({ part }) => part));
  const total = totalOf(coordinates);
  const largest = Math.max(...coordinates.map(sizeOf));
  let slack = Math.max(1e-9, tolerance / 2) * Math.max(sizeOf(total), 1e-3 * largest);
  if (tolerance > 0) slack = Math.max(slack, RULES.noise * largest);
  return [...kept, ...fewest(coordinates, total, slack).flatMap((i) => loose[i].members)];
}

/** The fewest units of a hyperplane that add up to the same on each of its two sides. */
function neededMembers(group, amounts, factors, tolerance) {
  return [1, -1].flatMap((sign) => {
    const side = group.map((_, g) => g).filter((g) => Math.sign(factors[g]) === sign);
    if (side.length === 0) return [];
    const vectors = side.map((g) => amounts[g]);
    const slack = Math.max(tolerance > 0 ? RULES.noise : 0, 1e-9) * biggest(vectors.flat());
    return fewest(vectors, totalOf(vectors), slack).map((i) => group[side[i]]);
  });
}

const sizeOf = (v) => Math.sqrt(dot(v, v));
const totalOf = (vectors) => vectors.reduce((s, v) => s.map((c, j) => c + v[j]));

/** The vectors in a basis of their span: only that matters for which sums are equal. */
function inFewCoordinates(vectors) {
  const basis = [];
  let most = 0;
  for (const vector of vectors) most = Math.max(most, sizeOf(vector));
  for (const vector of vectors) {
    let left = vector;
    for (let round = 0; round < 2; round++) for (const b of basis) left = added(left, -dot(left, b), b);
    const size = sizeOf(left);
    if (size > 1e-9 * most) basis.push(left.map((v) => v / size));
  }
  return vectors.map((vector) => basis.map((b) => dot(vector, b)));
}

/** Index lists of `size` out of `list`; none where there are too many to try. */
function subsets(list, size) {
  let number = 1;
  for (let k = 0; k < size; k++) number *= (list.length - k) / (k + 1);
  if (number > 60_000) return null;
  const all = [];
  const grow = (chosen, from) => {
    if (chosen.length === size) all.push(chosen);
    else for (let i = from; i < list.length; i++) grow([...chosen, list[i]], i + 1);
  };
  grow([], 0);
  return all;
}

/** The smallest subset of vectors that adds up to `total`; failing that, all but what cancels. */
function fewest(vectors, total, slack) {
  const missOf = (subset, wanted) => {
    const left = wanted.map((v, j) => subset.reduce((s, i) => s - vectors[i][j], v));
    return sizeOf(left);
  };
  const closest = (list, size, wanted) => {
    let best = null;
    for (const subset of subsets(list, size) ?? []) {
      const miss = missOf(subset, wanted);
      if (!best || miss < best.miss) best = { subset, miss };
    }
    return best && best.miss <= slack ? best.subset : null;
  };
  const all = vectors.map((_, i) => i);
  for (let size = 0; size < 4; size++) {
    const found = closest(all, size, total);
    if (found) return found;
  }
  let left = all;
  const nothing = total.map(() => 0);
  for (const size of [1, 2, 3, 4]) {
    for (let found = closest(left, size, nothing); found; found = closest(left, size, nothing)) {
      left = left.filter((i) => !found.includes(i));
      if (left.length < size) break;
    }
  }
  return left;
}

// ------------------------------------------------------------------------------ circuits

/** For each layer which features there are, and what the first output takes of the last ones. */
function signature(weights, units, n) {
  const layers = weights.slice(0, -1).map(() => new Set());
  const shares = new Map();
  const leaders = new Map();
  for (const { layer, index, feature, of, scale, inCircuit } of units) {
    if (!inCircuit || feature === FEATURES.dead) continue;
    if (!of || feature === FEATURES.other) return null;
    const text = spell(of, n);
    let key = `${feature} of ${text}`;
    if (feature === FEATURES.duplicate) key = leaders.get(`${layer} ${text}`) ?? key;
    else leaders.set(`${layer} ${text}`, key);
    layers[layer].add(key);
    if (layer === layers.length - 1) shares.set(key, (shares.get(key) ?? 0) + scale * weights.at(-1)[0][index]);
  }
  return { features: layers.map((set) => [...set].sort().join("; ")).join(" | "), shares };
}

const known = new Map();

/** The signatures of a known circuit under every order of its inputs that keeps its function. */
function knownSignatures(name, target, weights) {
  if (known.has(name)) return known.get(name);
  const net = { weights, biases: weights.map((m) => m.map(() => 0)) };
  const units = readUnits(net, 0);
  const n = target.n_inputs;
  const found = [];
  for (const orderOf of permutations(target.outputs[0], n)) {
    // "via x1" is a circuit of its own, not another order of "via x2"
    if (/x[12]$/.test(name) && orderOf.some((v, i) => v !== i)) continue;
    const swapped = units.map((u) => ({ ...u, of: u.of && reordered(u.of, orderOf) }));
    found.push(signature(weights, swapped, n));
  }
  known.set(name, found);
  return found;
}

function permutations(tree, n) {
  const text = spell(rebuilt(tree), n);
  const orders = (left) => (left.length === 0 ? [[]] : left.flatMap((v) => orders(left.filter((u) => u !== v)).map((o) => [v, ...o])));
  return orders(Array.from({ length: n }, (_, i) => i)).filter((o) => spell(reordered(tree, o), n) === text);
}

const rebuilt = (e) => reordered(e, null);

function reordered(e, orderOf) {
  if (e.op === "var") return orderOf ? variable(orderOf[e.index]) : e;
  if (isConst(e)) return e;
  const args = e.args.map((a) => reordered(a, orderOf));
  if (e.op === "add") return sum(args);
  if (e.op === "mul") return scaledBy(args[0].value, args[1]);
  return e.op === "abs" ? absolute(args[0]) : extremum(e.op, args);
}

function knownCircuit(net, name, units, tolerance) {
  const target = CATALOGUE.find((t) => t.name === name);
  const own = signature(net.weights, units, target.n_inputs);
  if (!own) return null;
  const close = (shares) => [...own.shares].every(([key, v]) => Math.abs(v - shares.get(key)) <= Math.max(RULES.share * tolerance, 1e-9));
  const found = rules.circuits.find(
    (circuit) =>
      circuit.function === name &&
      knownSignatures(circuit.name, target, circuit.weights).some((s) => s && s.features === own.features && close(s.shares)),
  );
  return found ? found.name : null;
}

// ------------------------------------------------------------------------------ the reading

/** As Python's format(v, ".3g"). */
export function digits(v, precision = 3) {
  if (!Number.isFinite(v)) return v > 0 ? "inf" : "nan";
  if (v === 0) return "0";
  const exponent = Number(v.toExponential(precision - 1).split("e")[1]);
  if (exponent >= -4 && exponent < precision) {
    const text = v.toPrecision(precision);
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  }
  const [mantissa, power] = v.toExponential(precision - 1).split("e");
  const short_ = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return `${short_}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

/** A bound in three digits, rounded up or down so that it stays one. */
function bounded(v, up) {
  if (!Number.isFinite(v) || (Number.isInteger(v) && v < 1e6)) return String(v).replace("Infinity", "inf");
  const text = digits(v);
  const [n, d] = maths.exactNumber(text) ?? [0n, 1n];
  const [a, b] = maths.floatToRational(v);
  const off = up ? n * b < a * d : n * b > a * d && Number(text) !== v;
  const unit = (up ? 1 : -1) * 10 ** (Number(v.toExponential().split("e")[1]) - 2);
  return off ? digits(Number(text) + unit) : text;
}

/** An error above the tolerance in three digits, or as many as it takes to see that it is above. */
const above = (error, tolerance, p = 3) =>
  p < 17 && digits(error, p) === digits(tolerance, p) ? above(error, tolerance, p + 1) : digits(error, p);

const spelled = (v) => maths.spelled(v, 4, digits);
const point = (v, gap) => {
  const texts = v.map((each) => maths.placed(each, gap, 4, digits));
  return v.length === 1 ? texts[0] : `(${texts.join(", ")})`;
};

/** The functions of the catalogue, the nearest first, and the one that the network certainly computes. */
function judge(net, tolerance) {
  const [n, outputs] = [net.weights[0][0].length, net.weights.at(-1).length];
  const judged = CATALOGUE.filter((t) => t.n_inputs === n && outputs === 1).map((target) => ({
    ...maths.verdict(net, target, { tolerance }),
    target,
  }));
  judged.sort((a, b) => a.error - b.error);
  return { judged, best: judged.find(({ holds, exact }) => holds && exact) ?? null };
}

/**
 * Which function a network computes, with which circuit, and what each hidden unit is for.
 *
 * @param {object} net {weights, biases} as mathematics.mjs takes it.
 * @param {{tolerance?: number, seconds?: number}} [options] tolerance: how far from a function it may
 *   be, in the verdict's measure over all inputs, to be called by its name, and how far from a feature
 *   a unit may be, relative to its scale; seconds: units of deeper layers that are not reached in this
 *   time stay "other".
 * @returns {{sizes: number[], function: string|null, circuit: string|null, target: object|null,
 *   error: number, worst: number[]|null, certain: boolean, nearest: string|null,
 *   expression: string|null, written: string|null, units: object[], sentence: string,
 *   details: string, undecided: string[]}} target: the function, or the nearest of the catalogue;
 *   error, worst: how far the network is from it, and where; expression: what it computes exactly, as
 *   ck.detect spells it, or null; written: its own function with five digits, where one hidden layer at
 *   most makes it; units: {layer, index, feature or null
 *   where a page cannot tell, of: text or null, scale, error, inCircuit, text};
 *   sentence: what ck.detect says, or its beginning.
 */
export function read(net, { tolerance = 0.01, seconds = 5 } = {}) {
  const deadline = Date.now() + 1000 * seconds;
  const sizes = layerSizes(net.weights);
  const n = sizes[0];
  const { judged, best } = judge(net, tolerance);
  const undecided = best ? [] : judged.filter(({ exact, holds, status }) => status === "undecided" || (holds && !exact)).map(({ target }) => target.name);
  const nearest = best ?? judged[0] ?? null;
  const units = readUnits(net, tolerance, deadline);
  const circuit = best ? knownCircuit(net, best.target.name, units, tolerance) : null;
  const own = ownTrees(net);
  const reading = {
    sizes,
    function: best?.target.name ?? null,
    circuit,
    target: nearest?.target ?? null,
    error: nearest?.error ?? Infinity,
    worst: nearest?.worst ?? null,
    certain: nearest?.exact ?? true,
    nearest: nearest?.target.name ?? null,
    expression: best?.error === 0 ? best.target.text : best ? null : ownText(net, own, tolerance),
    undecided,
    units: units.map((u) => told(u, n)),
  };
  reading.written = best || reading.expression ? null : ownWords(net, own);
  reading.sentence = sentence(reading, tolerance);
  reading.details = nearest ? details(reading.function, nearest, tolerance) : "";
  return reading;
}

function sentence({ function: name, target, error, circuit, undecided, expression }, tolerance) {
  if (name !== null) {
    const with_ = circuit ? phrase("circuit", { label: circuit }) : "";
    return phrase(error === 0 ? "exactly" : "within", { function: target.text, error: bounded(error, true), circuit: with_ });
  }
  const how = phrase(tolerance ? "how_within" : "how_exactly", { tolerance: bounded(tolerance, false) });
  const start = phrase(undecided.length ? "undecided" : "none", { how, names: undecided.join(", ") });
  return `${start}${expression ? phrase("own", { expression }) : ""}.`;
}

/** Where the network is farthest from its function, or from the nearest of the catalogue. */
function details(name, { target, error, worst, ray, network, exact }, tolerance) {
  if (error === 0) return "";
  const nearest = `The nearest of the eight basic functions is ${target.text}, ${exact ? "worst" : "in floating point"} error ${above(error, tolerance)}, ${rules.phrases.measure}`;
  if (!worst) return `${nearest}.`;
  const wanted = maths.evaluate(target, worst)[0];
  // Where doubles do not tell the two values apart, their exact difference does.
  const pair = maths.apart(network[0], wanted, 4, digits);
  const off = error * Math.max(1, ...worst.map(Math.abs));
  const at = `at x = ${point(worst, pair ? Math.abs(network[0] - wanted) : off)}`;
  const gap = pair ? `${at} the network gives ${pair[0]} instead of ${pair[1]}` : `${at} the network is ${digits(off)} off ${spelled(wanted)}`;
  const far = ray ? "; further out the gap grows in proportion" : "";
  return name === null ? `${nearest}: ${gap}${far}.` : `Worst input: ${gap}${far}.`;
}
