// The mathematics of the widget: pure functions of numbers, no page, no other module.
//
// A network is {weights: number[][][], biases: number[][]}: weights[l] has one row a unit of layer
// l, as in Python; ReLU after every layer but the last. Its numbers are doubles, exactly: who types
// 1/3 means the double that Python makes of it.
//
// A target is {n_inputs, n_outputs, outputs: [tree], text, ...}; see page_json.py.

// ---------------------------------------------------------------------------------- numbers

const NUMBER = /^([+-]?)(\d+\.?\d*|\.\d+)(?:e([+-]?\d+))?$/i;

// An exact number is a rational [n, d] of BigInts, d > 0, not always in lowest terms.

function exactDecimal(text) {
  const match = NUMBER.exec(text);
  if (!match) return null;
  const [whole, fraction = ""] = match[2].split(".");
  const exponent = Number(match[3] ?? 0) - fraction.length;
  if (Math.abs(exponent) > 1200) return null;
  const digits = BigInt(match[1] + whole + fraction || "0");
  return exponent < 0 ? [digits, 10n ** BigInt(-exponent)] : [digits * 10n ** BigInt(exponent), 1n];
}

/**
 * The exact rational that a text spells: "1/3", "-0.9192", "1e-3", "−2".
 *
 * @param {string} text
 * @returns {[bigint, bigint]|null} numerator and denominator (> 0), or null when it is no number.
 */
export function exactNumber(text) {
  if (typeof text !== "string" || text.length > 400) return null;
  const parts = text.trim().replace(/[\u2212\u2013]/g, "-").split(/\s*\/\s*/);
  if (parts.length > 2) return null;
  const [above, below = [1n, 1n]] = parts.map(exactDecimal);
  if (!above || !below || below[0] === 0n) return null;
  const [n, d] = [above[0] * below[1], above[1] * below[0]];
  return d < 0n ? [-n, -d] : [n, d];
}

/**
 * Read a number as a reader types it: a decimal or a fraction, "-" or "−".
 *
 * @param {string} text
 * @returns {number} the nearest double, or NaN when the text is no number in the range of a double.
 */
export function parseNumber(text) {
  const exact = exactNumber(text);
  if (!exact) return NaN;
  const value = toNumber(...exact);
  return Number.isFinite(value) && (value !== 0 || exact[0] === 0n) ? value : NaN;
}

/**
 * A number for display, with a true minus sign; parseNumber reads it back.
 *
 * @param {number} value
 * @param {number} [digits=4] significant digits; below a million no whole part is rounded.
 * @returns {string}
 */
export function formatNumber(value, digits = 4) {
  if (Number.isNaN(value)) return "?";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  let text;
  if (size === 0) text = "0";
  else if (size < 1e6 && Number.isInteger(size)) text = String(size);
  else if (size >= 1e6 || size < 1e-4) {
    text = size.toExponential(Math.max(0, digits - 2)).replace(/\.?0*e\+?/, "e");
  } else text = String(Number(size.toPrecision(Math.max(digits, Math.floor(Math.log10(size)) + 1))));
  return value < 0 ? `−${text}` : text;
}

/** The double nearest to n/d (d > 0). */
export function toNumber(n, d) {
  if (n < 0n) return -toNumber(-n, d);
  if (n === 0n) return 0;
  // A quotient of at least 66 bits, its last bit sticky, rounds as the exact value does.
  const shift = bits(d) - bits(n) + 66;
  const scaled = shift > 0 ? n << BigInt(shift) : n;
  const divisor = shift < 0 ? d << BigInt(-shift) : d;
  let quotient = scaled / divisor;
  if (quotient * divisor !== scaled) quotient |= 1n;
  let value = Number(quotient);
  for (let left = -shift; left !== 0; ) {
    const step = Math.max(-1000, Math.min(1000, left));
    value *= 2 ** step;
    left -= step;
  }
  return value;
}

function bits(n) {
  return n.toString(16).length * 4;
}

const floatView = new DataView(new ArrayBuffer(8));

/** The rational that a double is. */
export function floatToRational(value) {
  if (Number.isSafeInteger(value)) return [BigInt(value), 1n];
  floatView.setFloat64(0, value);
  const raw = floatView.getBigUint64(0);
  const exponent = Number((raw >> 52n) & 0x7ffn);
  let mantissa = raw & 0xfffffffffffffn;
  if (exponent) mantissa |= 0x10000000000000n;
  let power = BigInt((exponent || 1) - 1075);
  while (power < 0n && !(mantissa & 1n)) {
    mantissa >>= 1n;
    power += 1n;
  }
  if (value < 0) mantissa = -mantissa;
  return power < 0n ? [mantissa, 1n << -power] : [mantissa << power, 1n];
}

export function gcd(a, b) {
  if (a < 0n) a = -a;
  if (b < 0n) b = -b;
  while (b) [a, b] = [b, a % b];
  return a;
}

/** The fraction in lowest terms. */
export function reduced(n, d) {
  const g = gcd(n, d);
  return g > 1n ? [n / g, d / g] : [n, d];
}

export const plus = ([a, b], [c, d]) => (b === d ? [a + c, b] : reduced(a * d + c * b, b * d));
export const times = ([a, b], [c, d]) => reduced(a * c, b * d);
/** The output scale of a network, exactly: `scale` is text such as "1/3", or absent for 1. */
export function outputScale({ scale }) {
  const [p, q = "1"] = String(scale ?? "1").split("/");
  return [BigInt(p), BigInt(q)];
}
export const lcm = (a, b) => (b === 1n ? a : (a / gcd(a, b)) * b);

// --------------------------------------------------------------------------- running things

/**
 * The network's preactivations, activations and output.
 *
 * @param {{weights: number[][][], biases: number[][], scale?: string}} net
 * @param {ArrayLike<number>} x one number an input.
 * @returns {{pre: number[][], act: number[][], out: number[]}} pre and act: one array a hidden layer.
 */
export function forward(net, x) {
  const pre = [];
  const act = [];
  let h = x;
  const last = net.weights.length - 1;
  for (let l = 0; l <= last; l++) {
    const rows = net.weights[l];
    const bias = net.biases?.[l];
    const z = new Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      let sum = 0;
      for (let j = 0; j < row.length; j++) sum += row[j] * h[j];
      z[i] = sum + (bias ? bias[i] : 0) + 0; // + 0: never "-0"
    }
    if (l === last) return { pre, act, out: net.scale ? z.map(scaledBy(net)) : z };
    pre.push(z);
    h = z.map((v) => (v > 0 ? v : 0));
    act.push(h);
  }
  return { pre, act, out: [] };
}

/** What multiplies a number by a network's output scale, in doubles. */
export function scaledBy(net) {
  const [p, q] = outputScale(net).map(Number);
  return (v) => (v * p) / q;
}

/**
 * The same numbers, each computed exactly and rounded once: sums of 1e17 and -1e17 keep their rest.
 *
 * @param {object} net
 * @param {ArrayLike<number>} x finite numbers.
 * @returns {{pre: number[][], act: number[][], out: number[]}} as forward.
 */
export function exactForward(net, x) {
  return exactly(net)(x);
}

/** The same for many inputs: the weights are read once. */
export function exactly(net) {
  if (!finite(net)) return (x) => forward(net, x);
  const { layers } = exactLayers(net);
  return (x) => {
    let h, scale;
    [h, scale] = homogeneous(x);
    const pre = [];
    const act = [];
    for (const { rows, factor } of layers) {
      const z = rows.map((row) => EXACT.dot(row, h));
      scale *= factor;
      const values = z.map((v) => toNumber(v, scale));
      if (act.length === layers.length - 1) return { pre, act, out: values };
      pre.push(values);
      act.push(values.map((v) => Math.max(v, 0)));
      h = [...z.map((v) => (v > 0n ? v : 0n)), h[h.length - 1]];
    }
    return { pre, act, out: [] };
  };
}

const finite = ({ weights, biases }) =>
  [weights, biases ?? []].flat(4).every((v) => v === null || v === undefined || Number.isFinite(v));

/** Doubles over one denominator, which stands last and alone. */
function homogeneous(x) {
  const point = Array.from(x, floatToRational);
  const d = point.reduce((all, [, e]) => lcm(all, e), 1n);
  return [[...point.map(([n, e]) => n * (d / e)), d], d];
}

const SMOOTH = {
  sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos, atan: Math.atan,
  sinh: Math.sinh, cosh: Math.cosh, tanh: Math.tanh, exp: Math.exp, log: Math.log, sqrt: Math.sqrt,
  sign: Math.sign, floor: Math.floor, ceil: Math.ceil,
};

const callables = new WeakMap();

function cached(store, key, make) {
  if (!store.has(key)) store.set(key, make());
  return store.get(key);
}

function callable(tree) {
  const { op } = tree;
  if (op === "const") return () => tree.value;
  if (op === "var") return (x) => x[tree.index];
  const args = tree.args.map(callable);
  const [a, b] = args;
  if (op === "abs") return (x) => Math.abs(a(x));
  if (op === "pow") return (x) => a(x) ** tree.power;
  if (op === "div") return (x) => a(x) / b(x);
  if (op in SMOOTH) return (x) => SMOOTH[op](a(x));
  const fold = {
    add: (p, q) => p + q, mul: (p, q) => p * q, min: (p, q) => Math.min(p, q),
    max: (p, q) => Math.max(p, q),
  }[op];
  if (!fold) throw new Error(`target: expected a known operation, got ${JSON.stringify(op)}`);
  if (args.length === 2) return (x) => fold(a(x), b(x));
  return (x) => {
    let value = a(x);
    for (let i = 1; i < args.length; i++) value = fold(value, args[i](x));
    return value;
  };
}

/**
 * The target's values at x.
 *
 * @param {object} target
 * @param {ArrayLike<number>} x
 * @returns {number[]} one number an output; NaN where the function is not defined.
 */
export function evaluate(target, x) {
  const outputs = cached(callables, target, () => target.outputs.map(callable));
  const values = new Array(outputs.length);
  for (let k = 0; k < values.length; k++) values[k] = outputs[k](x) + 0;
  return values;
}

// ------------------------------------------------------------- targets as min and max of lines
//
// A piecewise-linear tree becomes nodes {row} (an affine function: one rational a variable, then
// the constant), {sum: [node]}, {min: [node]}, {max: [node]}, {peak: [node]} (max(a, -a), which is |a|) and
// {valley: [node]} (min(a, -a)); factors are pushed down to the rows (a negative one swaps min and max).
// |a| keeps one a: with a second, nested absolute values would double at each level.

const isConstant = (node) => node.row?.slice(0, -1).every(([n]) => n === 0n);

function scaled(node, c) {
  if (node.row) return { row: node.row.map((v) => times(v, c)) };
  if (node.sum) return { sum: node.sum.map((a) => scaled(a, c)) };
  const high = node.peak ?? node.valley;
  if (high) return { [Boolean(node.peak) === c[0] >= 0n ? "peak" : "valley"]: [scaled(high[0], c)] };
  const args = (node.min ?? node.max).map((a) => scaled(a, c));
  return Boolean(node.min) === c[0] >= 0n ? { min: args } : { max: args };
}

function compileTree(tree, n, flags) {
  const row = () => Array.from({ length: n + 1 }, () => [0n, 1n]);
  const constant = (value) => ({ row: [...row().slice(1), value] });
  const { op } = tree;
  if (op === "const") {
    if (tree.rounded) flags.rounded = true;
    return constant((tree.text && exactNumber(tree.text)) ?? floatToRational(tree.value));
  }
  if (op === "var") {
    const r = row();
    r[tree.index] = [1n, 1n];
    return { row: r };
  }
  if (!tree.args) return null;
  const args = tree.args.map((a) => compileTree(a, n, flags));
  if (args.includes(null)) return null;
  const [a] = args;
  switch (op) {
    case "add": {
      const rows = args.filter((v) => v.row);
      const others = args.filter((v) => !v.row);
      const total = { row: rows.reduce((s, v) => s.map((c, i) => plus(c, v.row[i])), row()) };
      return others.length ? { sum: [total, ...others] } : total;
    }
    case "mul": {
      const varying = args.filter((v) => !isConstant(v));
      if (varying.length > 1) return null;
      const factor = args.filter(isConstant).reduce((p, v) => times(p, v.row[n]), [1n, 1n]);
      return varying.length ? scaled(varying[0], factor) : constant(factor);
    }
    case "abs":
      return { peak: [a] };
    case "min":
    case "max":
      return { [op]: args };
    default:
      return null;
  }
}

const compiled = new WeakMap();

/** {outputs: [node], rounded} with rational rows, or null where the target is not piecewise linear. */
function linearTarget(target) {
  return cached(compiled, target, () => {
    const flags = { rounded: false };
    const outputs = target.outputs.map((tree) => compileTree(tree, target.n_inputs, flags));
    if (outputs.includes(null)) return null;
    let denominator = 1n;
    let homogeneous = true;
    const walk = (node, f) =>
      node.row
        ? { row: f(node.row) }
        : Object.fromEntries(Object.entries(node).map(([k, v]) => [k, v.map((a) => walk(a, f))]));
    const over = (f) => outputs.map((node) => walk(node, f));
    over((row) => {
      for (const [, d] of row) denominator = lcm(denominator, d);
      if (row[row.length - 1][0] !== 0n) homogeneous = false;
      return row;
    });
    return {
      ...flags,
      homogeneous,
      denominator,
      floats: over((row) => Float64Array.from(row, ([n, d]) => toNumber(n, d))),
      integers: over((row) => row.map(([n, d]) => n * (denominator / d))),
    };
  });
}

// -------------------------------------------------------------------------------- polytopes
//
// Linear regions are cut out one hidden unit at a time. A polytope is kept as its vertices, each
// with a mask (two halves a, b of 30 bits: small integers in every engine) of the inequalities that
// it meets with equality. Two vertices span an edge exactly when no third one meets every inequality
// that both of them meet. A cut by a hyperplane needs edges alone: each edge that crosses gives one
// new vertex.
//
// The same code runs in two arithmetics. FLOAT: vertices are Float64Array. EXACT: vertices are
// BigInt arrays with a positive common denominator as last entry, functions have BigInt coefficients.

const popcount = (v) => {
  v -= (v >>> 1) & 0x55555555;
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return (((v + (v >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
};

const FULL = 0x3fffffff;
const LIMIT = 4096; // vertices of one polytope
const DEEPEST = 400; // minima, maxima and sums of a target that wait for one another
const BUDGET = 3e6; // vertices and pairs looked at before giving up: about a fifth of a second

const FLOAT = {
  values: new Float64Array(LIMIT),
  point: (coordinates) => Float64Array.from(coordinates),
  budget: 0,
  zeros: (n) => new Float64Array(n),
  dot(row, v) {
    let sum = 0;
    for (let i = 0; i < row.length; i++) sum += row[i] * v[i];
    return sum;
  },
  /** The point of the segment p q where a function with values sp > 0 and sq < 0 is zero. */
  between(p, q, sp, sq) {
    const v = new Float64Array(p.length);
    const t = sp / (sp - sq);
    for (let i = 0; i < v.length; i++) v[i] = p[i] + t * (q[i] - p[i]);
    return v;
  },
};

const EXACT = {
  values: [],
  point: (coordinates) => coordinates,
  budget: 0,
  zeros: (n) => new Array(n).fill(0n),
  dot(row, v) {
    let sum = 0n;
    for (let i = 0; i < row.length; i++) if (row[i] && v[i]) sum += row[i] * v[i];
    return sum;
  },
  between(p, q, sp, sq) {
    const v = p.map((c, i) => sp * q[i] - sq * c);
    let g = 0n;
    for (const c of v) {
      g = gcd(c, g);
      if (g === 1n) return v;
    }
    return v.map((c) => c / g);
  },
};

/** The box from `lows` to `highs`; `tail` is put behind the coordinates of every vertex. */
function boxPolytope(K, lows, highs, tail) {
  const dim = lows.length;
  if (dim > 12) throw new TooMany();
  const vertices = [];
  const a = [];
  for (let k = 0; k < 1 << dim; k++) {
    const v = lows.map((low, i) => ((k >> i) & 1 ? highs[i] : low));
    let mask = 0;
    for (let i = 0; i < dim; i++) mask |= 1 << (2 * i + ((k >> i) & 1));
    vertices.push(K.point([...v, ...tail]));
    a.push(mask);
  }
  return { dim, vertices, a, b: a.map(() => 0) };
}

/**
 * Values of a function at the vertices, left in K.values. Returns 1 (some > 0) | 2 (some < 0).
 */
function sides(K, { vertices }, row, tolerance) {
  const { values } = K;
  let seen = 0;
  K.budget -= vertices.length;
  if (K.budget < 0 || vertices.length > LIMIT) throw new TooMany();
  for (let i = 0; i < vertices.length; i++) {
    const s = K.dot(row, vertices[i]);
    values[i] = s;
    if (s > tolerance) seen |= 1;
    else if (s < -tolerance) seen |= 2;
  }
  return seen;
}

/** The parts of a polytope where the function just measured by `sides` is >= 0 and <= 0. */
function split(K, poly, tolerance) {
  const { vertices, a, b, dim } = poly;
  const { values } = K;
  const count = vertices.length;
  const up = { dim, vertices: [], a: [], b: [] };
  const down = { dim, vertices: [], a: [], b: [] };
  let usedA = 0;
  let usedB = 0;
  for (let i = 0; i < count; i++) {
    usedA |= a[i];
    usedB |= b[i];
  }
  // The first free bit, for the cutting hyperplane.
  const bitA = usedA === FULL ? 0 : ~usedA & (usedA + 1);
  const bitB = bitA ? 0 : ~usedB & (usedB + 1);
  if (bitB > FULL) throw new TooMany();
  const put = (to, v, ma, mb) => {
    to.vertices.push(v);
    to.a.push(ma);
    to.b.push(mb);
  };
  const above = [];
  const below = [];
  const belowA = [];
  for (let i = 0; i < count; i++) {
    const s = values[i];
    if (s > tolerance) {
      above.push(i);
      put(up, vertices[i], a[i], b[i]);
    } else if (s < -tolerance) {
      below.push(i);
      belowA.push(a[i]);
      put(down, vertices[i], a[i], b[i]);
    } else {
      put(up, vertices[i], a[i] | bitA, b[i] | bitB);
      put(down, vertices[i], a[i] | bitA, b[i] | bitB);
    }
  }
  K.budget -= above.length * below.length;
  for (const p of above) {
    const ap = a[p];
    const bp = b[p];
    const simple = popcount(ap) + popcount(bp) === dim;
    for (let k = 0; k < belowA.length; k++) {
      const ma = ap & belowA[k];
      const few = popcount(ma) < dim - 1;
      if (few && bp === 0) continue;
      const q = below[k];
      const mb = bp & b[q];
      if (few && popcount(ma) + popcount(mb) < dim - 1) continue;
      // At a corner of exactly dim inequalities any dim - 1 of them are an edge.
      let edge = true;
      for (let r = 0; r < count && !simple; r++) {
        if ((a[r] & ma) === ma && (b[r] & mb) === mb && r !== p && r !== q) {
          edge = false;
          break;
        }
      }
      if (!edge) continue;
      const v = K.between(vertices[p], vertices[q], values[p], values[q]);
      put(up, v, ma | bitA, mb | bitB);
      put(down, v, ma | bitA, mb | bitB);
    }
  }
  return [up, down];
}

/** The network is too large for an exact answer while somebody waits. */
class TooMany extends Error {}

/**
 * Visit every linear region of net and target inside a polytope; one of a target may be visited in several parts.
 *
 * @param K FLOAT or EXACT.
 * @param layers [{rows, tolerances}], each row one coefficient an input and, last, the bias.
 * @param nodes the target's outputs (rows in K's numbers), or [].
 * @param size coordinates: inputs, and one more (called t, 1 at ordinary points) with biases.
 * @param visit (poly, net rows, target rows, active) with active[l][i]: is the unit on?
 */
function explore(K, layers, nodes, size, poly, targetTolerance, visit) {
  const inputs = layers[0].rows[0].length - 1;
  const identity = Array.from({ length: inputs }, (_, i) => {
    const row = K.zeros(size);
    row[i] = K.zeros === FLOAT.zeros ? 1 : 1n;
    return row;
  });
  const active = layers.slice(0, -1).map(({ rows }) => rows.map(() => false));

  const affine = (rows, h) =>
    rows.map((weights) => {
      const z = K.zeros(size);
      for (let j = 0; j < h.length; j++) {
        const w = weights[j];
        const from = h[j];
        if (!w || from === null) continue;
        for (let i = 0; i < size; i++) z[i] += w * from[i];
      }
      if (size > inputs) z[inputs] += weights[weights.length - 1];
      return z;
    });

  function layer(l, h, cell) {
    const { rows, tolerances } = layers[l];
    const z = affine(rows, h);
    if (l === layers.length - 1) {
      resolveAll(nodes, 0, [], cell, (f, piece) => visit(piece, z, f, active));
      return;
    }
    const out = new Array(rows.length);
    const unit = (i, part) => {
      if (i === out.length) {
        layer(l + 1, out, part);
        return;
      }
      const seen = sides(K, part, z[i], tolerances[i]);
      const [up, down] = seen === 3 ? split(K, part, tolerances[i]) : [part, part];
      if (seen & 1) {
        out[i] = z[i];
        active[l][i] = true;
        unit(i + 1, up);
      }
      if (seen !== 1) {
        out[i] = null;
        active[l][i] = false;
        unit(i + 1, down);
      }
    };
    unit(0, cell);
  }

  let depth = 0; // of what is being resolved: each waits on the stack for those behind it
  function resolveAll(list, from, before, cell, done) {
    const found = [...before];
    let i = from;
    for (; i < list.length && list[i].row; i += 1) found.push(list[i].row);
    if (i === list.length) {
      done(found, cell);
      return;
    }
    if ((depth += 1) > DEEPEST) throw new TooMany();
    resolve(list[i], cell, (row, part) => resolveAll(list, i + 1, [...found, row], part, done));
    depth -= 1;
  }

  function resolve(node, cell, done) {
    if (node.row) {
      done(node.row, cell);
      return;
    }
    if (node.sum) {
      resolveAll(node.sum, 0, [], cell, (rows, part) => {
        const total = rows[0].slice();
        for (let k = 1; k < rows.length; k++) for (let i = 0; i < size; i++) total[i] += rows[k][i];
        done(total, part);
      });
      return;
    }
    resolveAll(Object.values(node)[0], 0, [], cell, (rows, part) => {
      const both = node.peak || node.valley ? [rows[0], rows[0].map((v) => (v ? -v : v))] : rows;
      pieces(both, node.min || node.valley ? 1 : -1, part, done);
    });
  }

  /** Where each of the rows is the smallest (sign 1) or largest (sign -1). */
  function pieces(rows, sign, cell, done) {
    const at = rows.map((row) => {
      sides(K, cell, row, 0);
      return K.values.slice(0, cell.vertices.length);
    });
    const behind = (k, j) => {
      let equal = true;
      for (let i = 0; i < at[k].length; i++) {
        const gap = sign > 0 ? at[k][i] - at[j][i] : at[j][i] - at[k][i];
        if (gap < -targetTolerance) return false;
        if (gap > targetTolerance) equal = false;
      }
      return !equal || j < k; // the first one of equals stays
    };
    const all = rows.map((_, k) => k);
    const left = all.filter((k) => !all.some((j) => j !== k && behind(k, j)));
    for (const k of left) {
      let piece = cell;
      for (const j of left) {
        if (j === k || !piece) continue;
        const [p, q] = sign > 0 ? [rows[j], rows[k]] : [rows[k], rows[j]];
        const gap = p.slice();
        for (let i = 0; i < size; i++) gap[i] -= q[i];
        const seen = sides(K, piece, gap, targetTolerance);
        if (seen === 3) piece = split(K, piece, targetTolerance)[0];
        else if (seen === 2 || (seen === 0 && j < k)) piece = null;
      }
      if (piece) done(rows[k], piece);
    }
  }

  layer(0, identity, poly);
}

const trimmed = (node, size) =>
  node.row
    ? { row: node.row.slice(0, size) }
    : Object.fromEntries(Object.entries(node).map(([k, v]) => [k, v.map((a) => trimmed(a, size))]));

const CLEAR = 1e-7; // relative to the same: a larger error has eight right digits in FLOAT
const ROUND = 1e-13; // relative to the sum of all |paths|: what is zero up to rounding, in FLOAT

/** Layers for FLOAT: rows with the bias last; `size[l][i]` bounds |z| for inputs up to `reach`. */
function floatLayers(net, reach) {
  let before = new Array(net.weights[0][0].length).fill(reach);
  return net.weights.map((given, l) => {
    const scaled = net.scale && l === net.weights.length - 1 ? scaledBy(net) : null;
    const rows = scaled ? given.map((row) => row.map(scaled)) : given;
    const bias = scaled ? net.biases?.[l]?.map(scaled) : net.biases?.[l];
    const sizes = rows.map((row, i) =>
      row.reduce((s, w, j) => s + Math.abs(w) * before[j], Math.abs(bias?.[i] ?? 0)),
    );
    before = sizes;
    return {
      rows: rows.map((row, i) => [...row, bias?.[i] ?? 0]),
      sizes,
      tolerances: sizes.map((s) => s * ROUND),
    };
  });
}

/** Layers for EXACT, and the whole number `scale`: they compute scale times the network. */
function exactLayers(net) {
  let scale = 1n;
  const layers = net.weights.map((rows, l) => {
    const by = l === net.weights.length - 1 ? outputScale(net) : [1n, 1n];
    const number = by[0] === by[1] ? floatToRational : (v) => times(by, floatToRational(v));
    const w = rows.map((row) => row.map(number));
    const b = rows.map((_, i) => number(net.biases?.[l]?.[i] ?? 0));
    let d = 1n;
    for (const [, e] of [...w.flat(), ...b]) d = lcm(d, e);
    const before = scale;
    scale *= d;
    return {
      factor: d,
      rows: w.map((row, i) => [
        ...row.map(([n, e]) => n * (d / e)),
        b[i][0] * (d / b[i][1]) * before,
      ]),
      tolerances: rows.map(() => 0n),
    };
  });
  return { layers, scale };
}

function treeSize(node, reach) {
  if (node.row) {
    const last = node.row.length - 1;
    return node.row.reduce((s, v, i) => s + Math.abs(v) * (i < last ? reach : 1), 0);
  }
  const parts = Object.values(node)[0].map((a) => treeSize(a, reach));
  return node.sum ? parts.reduce((s, v) => s + v, 0) : Math.max(...parts);
}

// ---------------------------------------------------------------------------------- verdict
//
// The error at x is |net(x) - f(x)| / max(1, |x_1|, ..., |x_n|). With one more coordinate t, both
// functions become positively homogeneous, F(x, t) = t f(x / t), and the error is |D(x, t)| over
// max(t, |x_1|, ...): its largest value over all of R^n is the largest |D| over the box
// -1 <= x_i <= 1, 0 <= t <= 1. D is linear on every region, so it is found at a corner of one. A
// corner with t > 0 is the input x / t; one with t = 0 is a direction: the error tends to that value
// far out along it. A domain adds the inequalities low_i t <= x_i <= high_i t. Without biases t is
// not needed.

/** The start of the search: the box, cut to the domain. Null where FLOAT cannot tell. */
function startPolytope(K, inputs, size, domain) {
  const one = K === FLOAT ? 1 : 1n;
  const zero = K === FLOAT ? 0 : 0n;
  const lows = Array.from({ length: size }, (_, i) => (i < inputs ? -one : zero));
  let poly = boxPolytope(K, lows, new Array(size).fill(one), K === EXACT ? [1n] : []);
  for (let i = 0; domain && i < inputs; i++) {
    for (const side of [0, 1]) {
      const limit = domain[i][side];
      if (limit === null || limit === undefined || !Number.isFinite(limit)) continue;
      const row = K.zeros(size);
      if (K === FLOAT) {
        row[i] = side ? -1 : 1;
        row[inputs] = side ? limit : -limit;
      } else {
        const [n, d] = floatToRational(limit);
        row[i] = side ? -d : d;
        row[inputs] = side ? n : -n;
      }
      const tolerance = K === FLOAT ? ROUND * (1 + Math.abs(limit)) : zero;
      const seen = sides(K, poly, row, tolerance);
      if (seen === 3) poly = split(K, poly, tolerance)[0];
      else if (!(seen & 1)) return null;
    }
  }
  return poly;
}

function floatSearch(net, linear, domain, size, magnitude) {
  const inputs = net.weights[0][0].length;
  FLOAT.budget = BUDGET;
  const poly = startPolytope(FLOAT, inputs, size, domain);
  if (!poly) return null;
  const nodes = linear.floats.map((node) => trimmed(node, size));
  const tolerance = ROUND * Math.max(...linear.floats.map((node) => treeSize(node, 1)));
  const slack = ROUND * magnitude;
  let error = 0;
  let corner = null;
  let nRegions = 0;
  explore(FLOAT, floatLayers(net, 1), nodes, size, poly, tolerance, (cell, z, f) => {
    nRegions++;
    const { vertices } = cell;
    for (let k = 0; k < z.length; k++) {
      const gap = z[k].slice();
      for (let i = 0; i < size; i++) gap[i] -= f[k][i];
      for (let i = 0; i < vertices.length; i++) {
        const v = vertices[i];
        const e = Math.abs(FLOAT.dot(gap, v));
        // Of equally bad corners, the one nearest to the origin (largest t).
        if (e > error + slack || (e > error - slack && corner && v[inputs] > corner[inputs] + 1e-9)) {
          error = Math.max(e, error);
          corner = v;
        }
      }
    }
  });
  return { error, corner, nRegions };
}

function exactSearch(net, linear, domain, size) {
  const inputs = net.weights[0][0].length;
  EXACT.budget = BUDGET / 3;
  const poly = startPolytope(EXACT, inputs, size, domain);
  const { layers, scale } = exactLayers(net);
  const nodes = linear.integers.map((node) => trimmed(node, size));
  // The largest |D| so far is above / below, in units of 1 / (scale * denominator).
  let above = 0n;
  let below = 1n;
  let corner = null;
  // A target of nested maxima comes in more cells than it has pieces.
  const regions = new Set();
  explore(EXACT, layers, nodes, size, poly, 0n, (cell, z, f, active) => {
    regions.add(`${active} ${f.join(";")}`);
    for (let k = 0; k < z.length; k++) {
      const gap = z[k].map((c, i) => c * linear.denominator - f[k][i] * scale);
      if (gap.every((c) => c === 0n)) continue;
      for (const v of cell.vertices) {
        let e = EXACT.dot(gap, v);
        if (e < 0n) e = -e;
        const w = v[size];
        const more = e * below - above * w;
        const nearer = () => corner && size > inputs && v[inputs] * corner[size] > corner[inputs] * w;
        if (more > 0n || (more === 0n && nearer())) [above, below, corner] = [e, w, v];
      }
    }
  });
  return {
    error: reduced(above, below * scale * linear.denominator),
    corner: corner?.slice(0, size).map((c) => toNumber(c, corner[size])),
    nRegions: regions.size,
  };
}

/** |net - f| at a point of doubles, the worst output's, as an exact rational. */
function exactDifference(net, linear, x) {
  const { layers, scale } = exactLayers(net);
  const [start, d] = homogeneous(x);
  let h = start;
  layers.forEach(({ rows }, l) => {
    const z = rows.map((row) => EXACT.dot(row, h));
    h = l === layers.length - 1 ? z : [...z.map((v) => (v > 0n ? v : 0n)), d];
  });
  const value = (node) => {
    if (node.row) return EXACT.dot(node.row, start);
    const parts = Object.values(node)[0].map(value);
    if (node.sum) return parts.reduce((s, v) => s + v, 0n);
    if (node.peak || node.valley) return parts[0] < 0n === Boolean(node.peak) ? -parts[0] : parts[0];
    return parts.reduce((s, v) => (v < s === Boolean(node.min) ? v : s));
  };
  let most = 0n;
  linear.integers.forEach((node, k) => {
    const e = h[k] * linear.denominator - value(node) * scale;
    if (e > most) most = e;
    else if (-e > most) most = -e;
  });
  return [most, scale * linear.denominator * d];
}

const norm = (x) => Math.max(1, ...Array.from(x, Math.abs));

/** |net - f| at a point, of a piecewise-linear target: computed exactly, and rounded once. */
export const differenceAt = (net, target, x) => toNumber(...exactDifference(net, linearTarget(target), x));

const exactErrorAt = (net, linear, x) => toNumber(...exactDifference(net, linear, x)) / norm(x);

/** |net - f| / max(1, max |x_i|) in floating point, the largest over the outputs. */
function errorAt(net, target, x) {
  const f = evaluate(target, x);
  return Math.max(...forward(net, x).out.map((v, k) => Math.abs(v - f[k]))) / norm(x);
}

/**
 * Does the network equal its target for every input?
 *
 * The error is |net(x) - f(x)| / max(1, max |x_i|), the worst output's; its supremum over R^n or a
 * box is found from the corners and rays of the linear regions, in floating point first. A point
 * evaluated exactly then settles that it is above the tolerance; where it is not clearly above,
 * the regions are cut again in exact rational arithmetic. So `holds` is right for the very numbers
 * of the network, the doubles that they are.
 *
 * What a reader should be told is `status`: "equal" (the error is 0), "rounding" (not 0, but no more
 * than rounding each weight to a double explains: 3 and the double nearest to 1/3 multiply to
 * 1 - 6e-17), "within" (at most the tolerance), "different", or "undecided" (the target is not
 * piecewise linear, or the network too large, and no difference was found among samples). Weights
 * that are not finite, as after a training that diverged, are "different" with the error Infinity.
 *
 * @param {object} net
 * @param {object} target
 * @param {{domain?: ([number, number]|null)[]|null, tolerance?: number, exact?: "auto"|boolean, samples?: boolean}}
 *   [options] domain: [low, high] an input (null or an infinite limit: unbounded), null for R^n;
 *   exact: "auto"; false, never to use exact arithmetic, which takes up to half a second for
 *   networks of four inputs that almost hold; true, to use nothing else; samples: false, not to look at samples
 *   where the regions are too many (the error is then NaN).
 * @returns {{holds: boolean, status: string, error: number, worst: number[]|null, ray: number[]|null,
 *   network: number[]|null, target: number[]|null, nRegions: number, exact: boolean}}
 *   holds: error <= tolerance; worst: the input with the largest error, null where there is none; ray:
 *   the direction, where the error is approached only far out (worst is then a point far along it);
 *   network, target: the values at worst; nRegions: where it holds exactly, largest sets of inputs with the
 *   same units on and one formula of the target (only of a target that bends within the tolerance may one be in two
 *   places, which Python counts as two), 0 where inputs were sampled (the error is then a lower bound); exact: whether holds is certain.
 * @throws {RangeError} the target takes or gives another number of values, or a domain is empty.
 */
export function verdict(net, target, { domain = null, tolerance = 0, exact = "auto", samples = true } = {}) {
  const inputs = net.weights[0][0].length;
  const outputs = net.weights[net.weights.length - 1].length;
  if (target.n_inputs !== inputs || target.n_outputs !== outputs) {
    throw new RangeError(
      `target: expected ${inputs} inputs and ${outputs} outputs, as the network has, ` +
        `got ${target.n_inputs} and ${target.n_outputs}`,
    );
  }
  const box = checkedDomain(domain, inputs);
  const question = { net, target, box, tolerance, inputs, samples };
  if (!finite(net)) {
    return {
      holds: false, status: "different", error: Infinity, worst: null, ray: null, network: null,
      target: null, nRegions: 0, exact: true,
    };
  }
  const linear = linearTarget(target);
  const found = linear ? searched(question, linear, exact) : sampled(question);
  const { error, magnitude = 0, corner = null } = found;
  // Where nothing is decided, the largest difference among samples is one of rounding.
  const place = found.undecided ? {} : found.worst ? found : corner && error > 0 ? located(question, corner, error) : {};
  const { worst = null, ray = null } = place;
  const rounding = net.weights.length * 2 ** -51 * magnitude;
  const status = found.undecided
    ? "undecided"
    : error === 0
      ? (linear?.rounded ? "rounding" : "equal")
      : error <= rounding
        ? "rounding"
        : found.holds ? "within" : "different";
  return {
    holds: found.holds && !(linear?.rounded && tolerance === 0),
    status,
    error,
    worst,
    ray,
    network: worst && exactForward(net, worst).out,
    target: worst && evaluate(target, worst),
    nRegions: found.nRegions,
    exact: found.exact,
  };
}

/** Decide from the regions: {holds, error, corner or worst, nRegions, exact, magnitude}. */
function searched(question, linear, exact) {
  const { net, box, tolerance, inputs } = question;
  const size = !hasBiases(net) && linear.homogeneous && !box ? inputs : inputs + 1;
  const magnitude = largest(net, linear);
  let found = null;
  try {
    if (exact !== true && magnitude < 1e300) found = floatSearch(net, linear, box, size, magnitude);
    // Of a small difference of large numbers floating point has lost the digits.
    if (found && found.error > CLEAR * magnitude) {
      const refuted = refutation(question, linear, found);
      if (refuted) return { ...refuted, magnitude };
    }
    if (exact !== false || !found) {
      const { error, corner, nRegions } = exactSearch(net, linear, box, size);
      const [n, d] = floatToRational(tolerance);
      const holds = error[0] * d <= n * error[1];
      return { holds, error: toNumber(...error), corner, nRegions, exact: true, magnitude };
    }
  } catch (problem) {
    if (!(problem instanceof TooMany)) throw problem;
  }
  if (found) {
    const holds = found.error <= tolerance + ROUND * magnitude;
    return { ...(refutation(question, linear, found) ?? { ...found, holds, exact: false }), magnitude };
  }
  if (!question.samples) return { holds: false, undecided: true, error: NaN, nRegions: 0, exact: false, magnitude };
  const guess = sampled(question);
  const refuted = guess.worst !== null && exceeds(question, linear, guess.worst);
  return { ...guess, exact: refuted, undecided: !refuted };
}

/** What FLOAT found, where its worst point settles exactly that the error is above the tolerance. */
function refutation(question, linear, found) {
  if (!(found.error > question.tolerance)) return null;
  const place = located(question, found.corner, found.error);
  if (!place.worst || !exceeds(question, linear, place.worst)) return null;
  // At the very point, where there is one: a corner is known up to rounding alone.
  const error = place.ray ? found.error : exactErrorAt(question.net, linear, place.worst);
  return { ...found, ...place, error, holds: false, exact: true };
}

/** Whether the error at a point is above the tolerance, decided exactly. */
function exceeds({ net, tolerance }, linear, x) {
  const [n, d] = exactDifference(net, linear, x);
  const [limit, below] = floatToRational(tolerance);
  const [m, e] = floatToRational(norm(x));
  return n * below * e > limit * m * d;
}

function largest(net, linear) {
  const layers = floatLayers(net, 1);
  const trees = linear.floats.map((node) => treeSize(node, 1));
  return Math.max(...layers[layers.length - 1].sizes) + Math.max(...trees);
}

function checkedDomain(domain, inputs) {
  if (domain === null || domain === undefined) return null;
  const box = Array.isArray(domain) && domain.map((d) => [d?.[0] ?? -Infinity, d?.[1] ?? Infinity]);
  if (!box || box.length !== inputs || !box.every(([low, high]) => low < high)) {
    throw new RangeError(
      `domain: expected ${inputs} pairs [low, high] with low < high, got ${JSON.stringify(domain)}`,
    );
  }
  return box.flat().some(Number.isFinite) ? box : null;
}

/** The input that a corner (x, t) stands for; for t = 0 a point far along the ray, null where no double is far enough. */
function located({ net, target, box, tolerance, inputs }, corner, error) {
  const x = Array.from(corner.slice(0, inputs), (v) => v + 0);
  const t = corner.length > inputs ? corner[inputs] : 1;
  const inside = (v, i) => {
    if (!box) return v;
    for (const end of box[i]) if (isFinite(end) && Math.abs(v - end) <= 1e-12 * Math.abs(end)) return end;
    return Math.min(Math.max(v, box[i][0]), box[i][1]);
  };
  if (t > 1e-12) return { worst: x.map((v, i) => inside(v / t, i)), ray: null };
  // Far enough out, which is beyond the last kink: of a bias of 1e17, beyond 1e17.
  let best = { worst: null, error: error > tolerance ? tolerance : 0 };
  for (let far = 10; far; far = far < Number.MAX_VALUE && Math.min(far * 10, Number.MAX_VALUE)) {
    const worst = x.map((v, i) => inside(0, i) + v * far);
    if (!worst.every(isFinite)) break;
    const reached = exactErrorAt(net, linearTarget(target), worst);
    if (reached > best.error) best = { worst, error: reached };
    if (reached > tolerance && reached >= 0.999 * error) break;
  }
  return { worst: best.worst, ray: x };
}

/** The largest error among samples in the domain, from -10 to 10 where it has no limits. */
function sampled({ net, target, box, tolerance, inputs }) {
  const limits = Array.from({ length: inputs }, (_, i) => {
    const [low, high] = box?.[i] ?? [-Infinity, Infinity];
    if (low === -Infinity) return high === Infinity ? [-10, 10] : [Math.min(-10, high - 20), high];
    return high === Infinity ? [low, Math.max(10, low + 20)] : [low, high];
  });
  const count = inputs === 1 ? 2000 : 8000;
  let error = 0;
  let worst = null;
  for (let k = 0; k <= count; k++) {
    const x = limits.map(([low, high], i) => {
      const share = inputs === 1 ? k / count : ((k + 1) * PRIMES[i % PRIMES.length] ** 0.5) % 1;
      return low + (high - low) * share;
    });
    const e = errorAt(net, target, x);
    if (e > error) [error, worst] = [e, x];
  }
  const undecided = error <= Math.max(tolerance, 1e-9);
  return { holds: false, error, worst, nRegions: 0, exact: !undecided, undecided };
}

const PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29];

/** A number in a sentence: to the last digit where six are enough for that, else rounded. */
export function spelled(v, digits = 3, write = formatNumber) {
  for (let d = digits; d <= 6; d += 1) if (parseNumber(write(v, d)) === v) return write(v, d);
  return write(v, digits);
}

/** An input in a sentence: so near the one that is meant that a gap of that size between values there is not in doubt. */
export function placed(v, gap, digits = 3, write = formatNumber) {
  const text = spelled(v, digits, write);
  return digits >= 18 || Math.abs(parseNumber(text) - v) <= 0.05 * gap || parseNumber(text) === v ? text : placed(v, gap, digits + 1, write);
}

/**
 * Two numbers with as many digits as it takes for their difference to be theirs, to a fifth of a percent, or
 * null where all digits are the same.
 */
export function apart(a, b, digits = 3, write = formatNumber) {
  const pair = [a, b].map((v) => spelled(v, digits, write));
  const [x, y] = pair.map(parseNumber);
  const true_ = pair[0] !== pair[1] && !(Math.abs(x - y - (a - b)) > 0.002 * Math.abs(a - b));
  if (true_) return pair;
  return digits < 18 ? apart(a, b, digits + 1, write) : pair[0] === pair[1] ? null : pair;
}

/**
 * The verdict in a sentence.
 *
 * @param {object} found from verdict.
 * @param {{name: string, names: string[], tolerance: number, range?: ([number, number]|null)[]|null,
 *   scope?: string}} question name: the target; names: the inputs'; range: where it was judged.
 * @returns {string} every "within" has its measure beside it.
 */
export function words(found, { name, names, tolerance, range = null, scope = "" }) {
  const { status, holds, error, worst, nRegions, exact } = found;
  const where = whereIn(range, names);
  const checked = exact && nRegions ? `, checked on ${nRegions === 1 ? "its one linear region" : `each of its ${nRegions} linear regions`}` : "";
  if (status === "equal" && exact) return `Equals ${name} for ${where}${checked}.`;
  if (holds) {
    const why = status === "rounding" ? ", from the rounding of its weights" : "";
    const how = exact ? checked : ", as far as floating point shows";
    return `${within(tolerance, name, where)} (worst error ${formatNumber(error, 3)}${why})${how}.`;
  }
  if (status === "undecided") return `${within(tolerance, name, where)}, wherever it was tried; that is no proof.`;
  if (!worst) return isFinite(error) ? `Not ${name}${scope}: it fails beyond all doubles.` : "The weights are no longer finite numbers.";
  const { at, gap } = farthest(found);
  return `Not ${name}${scope}: at ${at.map((v, i) => `${names[i]} = ${v}`).join(", ")} ${gap}.`;
}

/** Where a network is farthest from its target, and what it gives there, in digits that tell. */
export function farthest({ error, worst, network, target }) {
  const k = network.reduce((best, v, i) => (Math.abs(v - target[i]) > Math.abs(network[best] - target[best]) ? i : best), 0);
  const values = apart(network[k], target[k]);
  return {
    at: Array.from(worst, (v) => placed(v, Math.abs(network[k] - target[k]))),
    gap: values ? `it gives ${values[0]}, not ${values[1]}` : `it is ${formatNumber(error * norm(worst), 3)} off`,
  };
}

/** "Within 0.001 of x for every input, relative to the input's size beyond 1". */
export function within(tolerance, name, where) {
  return `Within ${formatNumber(tolerance)} of ${name} for ${where}, relative to the input's size beyond 1`;
}

/** "every input", or the ranges of the inputs. */
export function whereIn(range, names) {
  const parts = (range ?? []).flatMap(([low, high], i) => {
    const [a, b] = [low ?? -Infinity, high ?? Infinity].map((v) => (Number.isFinite(v) ? formatNumber(v, 17) : ""));
    return a || b ? [`${a ? `${a} ≤ ` : ""}${names[i]}${b ? ` ≤ ${b}` : ""}`] : [];
  });
  return parts.join(", ") || "every input";
}

// -------------------------------------------------------------------------- regions to draw

/** The network (and target) as functions of the inputs `axes` alone, the others held at `at`. */
function restricted(net, target, axes, at) {
  const [first, ...rest] = net.weights;
  const bias = first.map((row, i) =>
    row.reduce((s, w, j) => (axes.includes(j) ? s : s + w * at[j]), net.biases?.[0]?.[i] ?? 0),
  );
  const substitute = (tree) => {
    if (tree.op === "var") {
      const index = axes.indexOf(tree.index);
      return index < 0 ? { op: "const", value: at[tree.index] } : { op: "var", index };
    }
    return tree.args ? { ...tree, args: tree.args.map(substitute) } : tree;
  };
  return {
    net: {
      weights: [first.map((row) => axes.map((j) => row[j])), ...rest],
      biases: [bias, ...rest.map((rows, l) => net.biases?.[l + 1] ?? rows.map(() => 0))],
      ...(net.scale && { scale: net.scale }),
    },
    target: target && {
      ...target,
      n_inputs: axes.length,
      outputs: target.outputs.map(substitute),
    },
  };
}

/** Regions inside a box: [{vertices, net, target, active}]; none where there are too many to draw. */
function regionsIn(net, target, box) {
  const dim = box.length;
  const linear = target && linearTarget(target);
  const nodes = linear ? linear.floats : [];
  const reach = Math.max(1, ...box.flat().map(Math.abs));
  const tolerance = ROUND * Math.max(0, ...nodes.map((node) => treeSize(node, reach)));
  const found = [];
  FLOAT.budget = BUDGET;
  const poly = boxPolytope(FLOAT, box.map((d) => d[0]), box.map((d) => d[1]), [1]);
  try {
    explore(FLOAT, floatLayers(net, reach), nodes, dim + 1, poly, tolerance, (cell, z, f, active) => {
      found.push({
        vertices: cell.vertices.map((v) => Array.from(v.subarray(0, dim))),
        net: z.map((row) => Array.from(row)),
        target: linear ? f.map((row) => Array.from(row)) : null,
        active: active.map((layer) => layer.slice()),
      });
    });
  } catch (problem) {
    if (problem instanceof TooMany) return [];
    throw problem;
  }
  return found;
}

/**
 * The linear pieces of a one-input network (and target) on an interval, from left to right.
 *
 * @param {object} net one input.
 * @param {object|null} target
 * @param {[number, number]} domain
 * @returns {{low: number, high: number, net: [number, number][], target: [number, number][]|null,
 *   active: boolean[][]}[]} net and target: [slope, constant] an output; target null where it is not
 *   piecewise linear; active[l][i]: is the unit on?
 */
export function regions1d(net, target, domain) {
  return regionsIn(net, target, [domain])
    .map(({ vertices, ...rest }) => {
      const x = vertices.map((v) => v[0]);
      return { low: Math.min(...x), high: Math.max(...x), ...rest };
    })
    .sort((p, q) => p.low - q.low);
}

/**
 * The linear regions of a network (and target) over a rectangle of two inputs, as polygons.
 *
 * @param {object} net
 * @param {object|null} target
 * @param {[[number, number], [number, number]]} box
 * @param {{axes?: [number, number], at?: number[]}} [options] which two inputs vary (default: the
 *   first two), and where the others are held.
 * @returns {{polygon: [number, number][], net: number[][], target: number[][]|null,
 *   active: boolean[][]}[]} polygon: corners in order; net and target: [a, b, c] an output, the value
 *   a x + b y + c.
 */
export function regions2d(net, target, box, { axes = [0, 1], at = [] } = {}) {
  const part = net.weights[0][0].length === 2 && axes[0] === 0 ? { net, target } : restricted(net, target, axes, at);
  return regionsIn(part.net, part.target, box).map(({ vertices, ...rest }) => {
    const cx = vertices.reduce((s, v) => s + v[0], 0) / vertices.length;
    const cy = vertices.reduce((s, v) => s + v[1], 0) / vertices.length;
    const angle = (v) => Math.atan2(v[1] - cy, v[0] - cx);
    return { polygon: vertices.sort((p, q) => angle(p) - angle(q)), ...rest };
  });
}

/**
 * The formulas of a network and its target around one point, however far out, as `regions1d` and `regions2d` give them.
 *
 * @param {object} net
 * @param {object|null} target
 * @param {number[]} x where; units and pieces that change just there are taken from one side.
 * @param {number[]} axes the inputs that vary; the others are held.
 * @returns {{net: number[][], target: number[][]|null}} a coefficient an axis, and the constant; target: null where it is
 *   not piecewise linear.
 */
export function formulasAt(net, target, x, axes) {
  const n = x.length;
  const { pre } = exactForward(net, x);
  let h = x.map((_, i) => x.map((__, j) => Number(i === j)).concat(0));
  net.weights.forEach((rows, l) => {
    h = rows.map((row, i) => {
      const z = new Array(n + 1).fill(0);
      if (pre[l] && !(pre[l][i] > 0)) return z; // off
      row.forEach((w, j) => h[j].forEach((v, k) => { z[k] += w * v; }));
      z[n] += net.biases?.[l]?.[i] ?? 0;
      return z;
    });
  });
  const part = (row) => [...axes.map((k) => row[k]), row.reduce((s, v, k) => (k === n ? s + v : axes.includes(k) ? s : s + v * x[k]), 0)];
  const linear = target && linearTarget(target);
  const [point] = linear ? homogeneous(x) : [];
  const piece = (node) => {
    if (node.row) return node.row;
    const rows = Object.values(node)[0].map(piece);
    if (node.sum) return rows.reduce((s, row) => s.map((v, i) => v + row[i]));
    if (node.peak || node.valley) rows.push(rows[0].map((v) => -v));
    const lower = node.min || node.valley;
    return rows.reduce((s, row) => (EXACT.dot(row, point) < EXACT.dot(s, point) === Boolean(lower) ? row : s));
  };
  const floats = (row) => row.map((v) => toNumber(v, linear.denominator));
  return {
    net: h.map((row) => part(net.scale ? row.map(scaledBy(net)) : row)),
    target: linear && linear.integers.map((node) => part(floats(piece(node)))),
  };
}

// --------------------------------------------------------------------------------- training
//
// The population loss is circuitkit/training/points.py's, point for point: the mean squared error for
// inputs uniform on [-1, 1]^n.

/** Gauss-Legendre nodes and weights on [0, 1]. */
function gauss(count) {
  return Array.from({ length: count }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5));
    let slope = 1;
    for (let round = 0; round < 8; round++) {
      let before = 0;
      let p = 1;
      for (let k = 1; k <= count; k++) [before, p] = [p, ((2 * k - 1) * x * p - (k - 1) * before) / k];
      slope = (count * (x * p - before)) / (x * x - 1);
      x -= p / slope;
    }
    return [(x + 1) / 2, 1 / ((1 - x * x) * slope * slope)];
  });
}

// Joe and Kuo's direction numbers: the degree of a primitive polynomial, its inner coefficients, and
// the first odd integers.
const SOBOL = [
  null, [1, 0, [1]], [2, 1, [1, 3]], [3, 1, [1, 3, 1]], [3, 2, [1, 1, 1]], [4, 1, [1, 1, 3, 3]],
  [4, 4, [1, 3, 5, 13]], [5, 2, [1, 1, 5, 5, 17]], [5, 4, [1, 1, 5, 5, 5]], [5, 7, [1, 1, 7, 11, 19]],
  [5, 11, [1, 1, 5, 1, 1]], [5, 13, [1, 1, 1, 3, 11]],
];

/** 2^bits Sobol points in the middle of their cells, in [-1, 1]^n. */
function sobol(n, bits) {
  if (n > SOBOL.length) throw new RangeError(`target: expected at most ${SOBOL.length} inputs, got ${n}`);
  const directions = SOBOL.slice(0, n).map((entry) => {
    const m = entry ? entry[2].slice() : new Array(bits).fill(1);
    for (let i = m.length; i < bits; i++) {
      const [degree, inner] = entry;
      let value = m[i - degree] ^ (m[i - degree] << degree);
      for (let k = 1; k < degree; k++) {
        if ((inner >> (degree - 1 - k)) & 1) value ^= m[i - k] << k;
      }
      m.push(value);
    }
    return m.map((value, i) => value << (bits - 1 - i));
  });
  return Array.from({ length: 1 << bits }, (_, k) =>
    directions.map((v) => {
      let x = 0;
      for (let i = 0; i < bits; i++) if ((k >> i) & 1) x ^= v[i];
      return (2 * x + 1) / (1 << bits) - 1;
    }),
  );
}

/** Directions for networks without biases: along a ray u the integral over r is done exactly. */
function rays(target, directions, density) {
  const n = target.n_inputs;
  const rule = { points: directions, weights: [], values: [], floor: 0 };
  const along = gauss(64);
  for (const u of directions) {
    const edge = 1 / Math.max(...u.map(Math.abs));
    const total = edge ** (n + 2) / (n + 2);
    const at = (r) => evaluate(target, u.map((v) => v * r));
    let c = at(edge).map((v) => v / edge);
    const samples = along.map(([t, w]) => [t * edge, w * edge, at(t * edge)]);
    if (!samples.every(([r, , f]) => f.every((v, k) => Math.abs(v - r * c[k]) <= 1e-12))) {
      c = c.map((_, k) => samples.reduce((s, [r, w, f]) => s + r ** n * w * f[k], 0) / total);
      for (const [r, w, f] of samples) {
        for (let k = 0; k < c.length; k++) {
          rule.floor += (density * r ** (n - 1) * w * (f[k] - r * c[k]) ** 2) / c.length;
        }
      }
    }
    rule.weights.push(density * total);
    rule.values.push(c);
  }
  return rule;
}

/**
 * Points of the population loss: without biases exact for one input (the points -1 and 1) and 64
 * directions for two; with biases a midpoint rule (128, 16 x 16); Sobol points for 3 to 12 inputs.
 *
 * @param {object} target
 * @param {{bias?: boolean}} [options] whether the network has biases, or is to learn some.
 * @returns {{points: number[][], weights: number[], values: number[][], floor: number}} the loss is
 *   sum_p weights[p] |net(points[p]) - values[p]|^2 / n_outputs + floor.
 */
export function quadrature(target, { bias = false } = {}) {
  const n = target.n_inputs;
  if (!bias && n === 1) return rays(target, [[-1], [1]], 0.5);
  if (!bias && n === 2) {
    const step = (2 * Math.PI) / 64;
    const angles = Array.from({ length: 64 }, (_, k) => (k + 0.5) * step);
    return rays(target, angles.map((a) => [Math.cos(a), Math.sin(a)]), step / 4);
  }
  const side = { 1: 128, 2: 16 }[n];
  const middle = (k) => (k + 0.5) * (2 / side) - 1;
  const points = side
    ? Array.from({ length: side ** n }, (_, k) =>
        n === 1 ? [middle(k)] : [middle(Math.floor(k / side)), middle(k % side)],
      )
    : sobol(n, 10);
  return {
    points,
    weights: points.map(() => 1 / points.length),
    values: points.map((x) => evaluate(target, x)),
    floor: 0,
  };
}

/**
 * Gradient descent with its buffers, for many steps in a row.
 *
 * @param {object} net where to start; not changed.
 * @param {object} rule from quadrature.
 * @param {{bias?: boolean, frozen?: number[][]}} [options] bias: move the biases too; frozen: keys
 *   [l, i, j] of weights and [l, i, -1] of biases that stay.
 * @returns {{gradient: () => number, step: (rate: number) => number, loss: () => number,
 *   network: () => object, slopes: () => object}} gradient: compute it, and return the loss; step:
 *   one step w - rate * dloss/dw, returns the loss before it; network: the weights now; slopes: the
 *   gradient as last computed, shaped as a network.
 */
export function trainer(net, rule, { bias = false, frozen = [] } = {}) {
  const sizes = [net.weights[0][0].length, ...net.weights.map((rows) => rows.length)];
  const depth = net.weights.length;
  const outputs = sizes[depth];
  const stride = sizes.map((n) => n + 1); // a unit's weights, then its bias
  const theta = net.weights.map((rows, l) =>
    Float64Array.from(rows.flatMap((row, i) => [...row, net.biases?.[l]?.[i] ?? 0])),
  );
  const slopes = theta.map((t) => new Float64Array(t.length));
  const moves = theta.map((t, l) => t.map((_, k) => (bias || (k + 1) % stride[l] ? 1 : 0)));
  for (const [l, i, j] of frozen) moves[l][i * stride[l] + (j < 0 ? sizes[l] : j)] = 0;
  const h = sizes.map((n) => new Float64Array(n));
  const delta = sizes.map((n) => new Float64Array(n));
  const { points, weights, values, floor = 0 } = rule;

  function run(backward) {
    let loss = floor;
    if (backward) for (const g of slopes) g.fill(0);
    for (let p = 0; p < points.length; p++) {
      h[0].set(points[p]);
      for (let l = 0; l < depth; l++) {
        const [t, from, to, n] = [theta[l], h[l], h[l + 1], sizes[l]];
        for (let i = 0, k = 0; i < to.length; i++) {
          let sum = 0;
          for (let j = 0; j < n; j++) sum += t[k++] * from[j];
          sum += t[k++];
          to[i] = l < depth - 1 && !(sum > 0) ? 0 : sum;
        }
      }
      const c = weights[p] / outputs;
      for (let i = 0; i < outputs; i++) {
        const d = h[depth][i] - values[p][i];
        loss += c * d * d;
        delta[depth][i] = 2 * c * d;
      }
      if (!backward) continue;
      for (let l = depth - 1; l >= 0; l--) {
        const [t, g, from, n] = [theta[l], slopes[l], h[l], sizes[l]];
        const [above, below] = [delta[l + 1], delta[l]];
        below.fill(0);
        for (let i = 0, k = 0; i < above.length; i++) {
          const d = above[i];
          if (d === 0) {
            k += n + 1;
            continue;
          }
          for (let j = 0; j < n; j++, k++) {
            g[k] += d * from[j];
            below[j] += d * t[k];
          }
          g[k++] += d;
        }
        if (l) for (let j = 0; j < n; j++) if (!(from[j] > 0)) below[j] = 0;
      }
    }
    return loss;
  }

  function shaped(flat) {
    const row = (l, i) => Array.from(flat[l].subarray(i * stride[l], (i + 1) * stride[l]));
    const each = (f) => flat.map((_, l) => Array.from({ length: sizes[l + 1] }, (_, i) => f(row(l, i))));
    return { weights: each((r) => r.slice(0, -1)), biases: each((r) => r[r.length - 1]) };
  }

  return {
    gradient: () => run(true),
    step(rate) {
      const loss = run(true);
      for (let l = 0; l < depth; l++) {
        const [t, g, m] = [theta[l], slopes[l], moves[l]];
        for (let k = 0; k < t.length; k++) if (m[k]) t[k] -= rate * g[k];
      }
      return loss;
    },
    loss: () => run(false),
    network: () => shaped(theta),
    slopes: () => shaped(slopes),
  };
}

/** Whether a network has a bias that is not 0. */
export function hasBiases(net) {
  return (net.biases ?? []).some((b) => b?.some((v) => v !== 0));
}

// --------------------------------------------------------------------------- random numbers

const MASK = 0xffffffffffffffffn;

/** Doubles in [0, 1), bit for bit numpy.random.Generator(numpy.random.Philox(key=seed)).random(). */
function* philox(seed) {
  for (let block = 1n; ; block++) {
    let c0 = block & MASK, c1 = block >> 64n, c2 = 0n, c3 = 0n, k0 = seed, k1 = 0n;
    for (let round = 0; round < 10; round++) {
      const a = 0xd2e7470ee14c6c93n * c0;
      const b = 0xca5a826395121157n * c2;
      [c0, c1, c2, c3] = [(b >> 64n) ^ c1 ^ k0, b & MASK, (a >> 64n) ^ c3 ^ k1, a & MASK];
      k0 = (k0 + 0x9e3779b97f4a7c15n) & MASK;
      k1 = (k1 + 0xbb67ae8584caa73bn) & MASK;
    }
    for (const word of [c0, c1, c2, c3]) yield Number(word >> 11n) * 2 ** -53;
  }
}

/**
 * The initial weights of ck.train for a seed: (2u - 1) / sqrt(n_in), torch's nn.Linear.
 *
 * @param {number[]} sizes layer sizes from input to output.
 * @param {number|bigint|string} seed 0 <= seed < 2^63; above 2^53 as a bigint or a string.
 * @param {{bias?: boolean}} [options] whether the biases are drawn too (after each layer's weights).
 * @returns {{weights: number[][][], biases: number[][]}}
 */
export function initialWeights(sizes, seed, { bias = false } = {}) {
  const key = wholeSeed(seed);
  const stream = philox(key);
  const weights = [];
  const biases = [];
  for (let l = 1; l < sizes.length; l++) {
    const bound = Math.sqrt(sizes[l - 1]);
    const draw = () => (2 * stream.next().value - 1) / bound;
    weights.push(Array.from({ length: sizes[l] }, () => Array.from({ length: sizes[l - 1] }, draw)));
    biases.push(Array.from({ length: sizes[l] }, () => (bias ? draw() : 0)));
  }
  return { weights, biases };
}

function wholeSeed(seed) {
  const text = typeof seed === "number" && !Number.isSafeInteger(seed) ? "" : String(seed).trim();
  const key = /^\d{1,19}$/.test(text) ? BigInt(text) : -1n;
  if (key < 0n || key >= 1n << 63n) {
    throw new RangeError(`seed: expected a whole number from 0 to 2^63 - 1, got ${seed}`);
  }
  return key;
}
