/**
 * A piecewise-linear function as a ReLU network, exactly and with few units: the page's `ck.compile_expression`.
 *
 * The steps are those of circuitkit/compiling: the normal form (sums of inputs and of maxima of sums), maxima as
 * units over units, what depends on one number alone in one layer, units laid out in layers with as few as
 * possible to carry what is read later, doubles. tests/test_typed.py holds the two to the same sizes.
 *
 * Pure functions, no page. A row is a Map column -> fraction [n, d] in lowest terms: columns 0 .. n-1 are the
 * inputs, column n is the constant 1, column n + 1 + k is maximum k or unit k.
 */
import * as maths from "./mathematics.mjs";
import { exactText } from "./naming.mjs";

const { exactNumber, floatToRational, plus, times, gcd, lcm, toNumber } = maths;

const ONE = [1n, 1n];
const ZERO = [0n, 1n];
const MINUS = [-1n, 1n];
const WORK = 1.2e6; // terms of rows added up before giving up: about half a second
const SMALLEST = 2 ** -1022; // double that has all its digits
const MOST = { units: 150, rows: 9, kinks: 64, subsets: 12, paired: 12, turned: 20, corners: 64 };

/** More units than a page should draw. */
export class TooLarge extends Error {}

/** A number that its circuit takes and that no weight can be: no double is that number. */
export class NoDouble extends Error {
  constructor(q) {
    const [n, d] = size(q);
    const text = d === 1n ? String(n) : `${n}/${d}`;
    const exact = text.length <= 390 ? exactText(toNumber(n, d), text) : text;
    super(exact);
    /** It, for a sentence. */
    this.said = exact.length <= 30 ? exact : `a number of ${exact.replace(/\D/g, "").length} digits`;
  }
}

const lowest = (q) => times(q, ONE);
const add = (a, b) => lowest(plus(a, b));
const minus = ([n, d]) => [-n, d];
const over = ([n, d]) => (n < 0n ? [-d, -n] : [d, n]);
const divided = (a, b) => times(a, over(b));
const sign = ([n]) => (n > 0n ? 1 : n < 0n ? -1 : 0);
const compare = (a, b) => sign(plus(a, minus(b)));
const equal = (a, b) => compare(a, b) === 0;
const size = ([n, d]) => (n < 0n ? [-n, d] : [n, d]);

/** What is left of the work for one network: a network that takes more is too large to be found here. */
let budget = 0;
function worked(terms) {
  budget -= terms;
  if (budget < 0) throw new TooLarge();
}

// ----------------------------------------------------------------------------------------- rows

const row = (...pairs) => new Map(pairs.filter(([, v]) => v[0] !== 0n));
const columns = (r) => [...r.keys()].sort((a, b) => a - b);
const keyOf = (r) => columns(r).map((c) => `${c}:${r.get(c).join("/")}`).join();

/** The sum of multiples of rows. */
function summed(...terms) {
  const total = new Map();
  for (const [factor, r] of terms) {
    if (factor[0] === 0n) continue;
    worked(1 + r.size);
    for (const [c, v] of r) {
      const value = add(total.get(c) ?? ZERO, times(factor, v));
      if (value[0] === 0n) total.delete(c);
      else total.set(c, value);
    }
  }
  return total;
}
const negative = (r) => summed([MINUS, r]);
const difference = (a, b) => summed([ONE, a], [MINUS, b]);
const without = (r, column) => new Map([...r].filter(([c]) => c !== column));

/** The largest fraction of which all are whole multiples. */
function content(values) {
  const below = values.reduce((m, [, d]) => lcm(m, d), 1n);
  return lowest([values.reduce((m, [n, d]) => gcd(m, n * (below / d)), 0n), below]);
}

// ---------------------------------------------------------------------------------- the normal form

/** Maxima of rows, each read once, and a row an output. */
function normalForm(target) {
  const n = target.n_inputs;
  const form = { n, nodes: [], outputs: [] };
  const known = new Map();
  const positive = []; // of each node, whether it is at least 0 everywhere
  const atLeastZero = (r) => [...r].every(([c, v]) => sign(v) > 0 && (c === n || (c > n && positive[c - n - 1])));
  /** Whether some mean of two rows is a number that is at least 0, as of t and -t. */
  const straddles = (a, b) => {
    const [c] = [...a.keys()].filter((k) => k !== n);
    if (c === undefined || !b.has(c) || sign(a.get(c)) === sign(b.get(c))) return false;
    return atLeastZero(summed([size(b.get(c)), a], [size(a.get(c)), b]));
  };
  /** Without the rows that are plainly never above another one: max(|t|, -|t|) is |t|. */
  const undominated = (rows) =>
    rows.reduce((kept, r) => (kept.some((o) => atLeastZero(difference(o, r))) ? kept : [...kept.filter((o) => !atLeastZero(difference(r, o))), r]), []);
  const flat = (r) => {
    const [[c, v] = []] = r;
    return r.size === 1 && c > n && equal(v, ONE) ? form.nodes[c - n - 1] : [r];
  };
  /** Of rows that differ by a number only the larger one counts. */
  const largest = (rows) => {
    const best = new Map();
    for (const r of undominated(rows).flatMap(flat)) {
      const [rest, constant] = [without(r, n), r.get(n) ?? ZERO];
      const key = keyOf(rest);
      if (!best.has(key) || compare(constant, best.get(key)[1]) > 0) best.set(key, [rest, constant]);
    }
    const kept = [...best.values()].map(([rest, constant]) => row(...rest, [n, constant]));
    if (kept.length === 1) return kept[0];
    kept.sort(byColumns);
    const key = kept.map(keyOf).join(";");
    if (!known.has(key)) {
      known.set(key, n + 1 + form.nodes.length);
      form.nodes.push(kept);
      positive.push(kept.some((a, i) => atLeastZero(a) || kept.slice(i + 1).some((b) => straddles(a, b))));
    }
    return row([known.get(key), ONE]);
  };
  const of = (tree) => {
    if (tree.op === "const") return row([n, lowest((tree.text && exactNumber(tree.text)) ?? floatToRational(tree.value))]);
    if (tree.op === "var") return row([tree.index, ONE]);
    const rows = tree.args.map(of);
    if (tree.op === "add") return summed(...rows.map((r) => [ONE, r]));
    if (tree.op === "mul") {
      const constant = (r) => [...r.keys()].every((c) => c === n);
      const factor = rows.filter(constant).reduce((p, r) => times(p, r.get(n) ?? ZERO), ONE);
      return summed([factor, rows.find((r) => !constant(r)) ?? row([n, ONE])]);
    }
    if (tree.op === "max") return largest(rows);
    if (tree.op === "min") return negative(largest(rows.map(negative)));
    return largest([...rows, ...rows.map(negative)]); // abs
  };
  form.outputs = target.outputs.map(of);
  return form;
}

/** As Python compares rows, which are sorted pairs there. */
function byColumns(a, b) {
  const [p, q] = [columns(a), columns(b)];
  for (let i = 0; i < Math.min(p.length, q.length); i += 1) {
    if (p[i] !== q[i]) return p[i] - q[i];
    const by = compare(a.get(p[i]), b.get(q[i]));
    if (by) return by;
  }
  return p.length - q.length;
}

// ---------------------------------------------------------------------------------- units over units

class Circuit {
  constructor(n) {
    this.n = n;
    this.units = [];
    this.depths = new Array(n + 1).fill(0);
    this.outputs = [];
    this.known = new Map();
  }
  /** max(r, 0) as a row; of rows that are multiples of each other one unit is built. */
  relu(r) {
    if (this.plainlyPositive(r)) return r;
    if (this.plainlyPositive(negative(r))) return new Map();
    const first = Math.min(...r.keys());
    const key = keyOf(summed([over(r.get(first)), r]));
    if (!this.known.has(key)) {
      if (this.units.length >= MOST.units) throw new TooLarge();
      this.known.set(key, this.units.length);
      this.depths.push(1 + this.depth(r));
      this.units.push(summed([over(content([...without(r, this.n).values()])), r]));
    }
    const k = this.known.get(key);
    const factor = divided(r.get(first), this.units[k].get(first));
    const unit = row([this.n + 1 + k, size(factor)]);
    return sign(factor) > 0 ? unit : summed([ONE, r], [ONE, unit]);
  }
  larger(a, b) {
    return summed([ONE, a], [ONE, this.relu(difference(b, a))]);
  }
  depth(r) {
    return Math.max(0, ...[...r.keys()].map((c) => this.depths[c]));
  }
  /** Whether a row is a sum of activations and a number that are at least 0. */
  plainlyPositive(r) {
    return [...r].every(([c, v]) => c >= this.n && sign(v) > 0);
  }
  /** Whether a row is at least 0 because unit k and unit k - row k are. */
  positive(r) {
    let rest = new Map(r);
    for (const c of columns(r).reverse()) {
      if (c <= this.n) break;
      const value = rest.get(c) ?? ZERO;
      rest.delete(c);
      if (sign(value) < 0) return false;
      const inner = without(this.units[c - this.n - 1], this.n);
      const open = [...rest].some(([i, v]) => i < this.n || (sign(v) < 0 && i !== this.n));
      if (!sign(value) || !open || !inner.size) continue;
      const top = Math.max(...inner.keys());
      const share = minus(divided(rest.get(top) ?? ZERO, inner.get(top)));
      if (sign(share) > 0 && compare(share, value) <= 0) rest = summed([ONE, rest], [share, this.units[c - this.n - 1]]);
    }
    return this.plainlyPositive(rest);
  }
  /** The same function with unit k facing the other way: relu(r) = r + relu(-r). */
  flipped(k) {
    const made = new Circuit(this.n);
    made.depths = this.depths;
    const column = this.n + 1 + k;
    const turned = (r) => (r.has(column) ? summed([ONE, r], [r.get(column), this.units[k]]) : r);
    made.units = this.units.map(turned);
    made.units[k] = negative(this.units[k]);
    made.outputs = this.outputs.map(turned);
    return made;
  }
  used() {
    const needed = new Set();
    const waiting = this.outputs.flatMap((r) => [...r.keys()]).filter((c) => c > this.n);
    while (waiting.length) {
      const c = waiting.pop();
      if (needed.has(c)) continue;
      needed.add(c);
      waiting.push(...[...this.units[c - this.n - 1].keys()].filter((i) => i > this.n));
    }
    return [...needed].map((c) => c - this.n - 1).sort((a, b) => a - b);
  }
}

// -------------------------------------------------------------------------------------- order

/** The nodes that are order statistics, by number: {rows, k}, by their values where every number is 0 or 1. */
function orderStatistics({ n, nodes }) {
  const known = [];
  const upsideDown = (table) => table.map((_, s) => !table[table.length - 1 - s]);
  const read = (r) => {
    const inner = [...r].filter(([c]) => c > n);
    const lattice = inner.length === 1 ? known[inner[0][0] - n - 1] : null;
    if (!lattice) return { rows: [r], table: [false, true] };
    const [[column, c]] = inner;
    const rows = lattice.rows.map((one) => summed([c, one], [ONE, without(r, column)]));
    return { rows, table: sign(c) > 0 ? lattice.table : upsideDown(lattice.table) };
  };
  const joined = (parts) => {
    const all = new Map(parts.flatMap(({ rows }) => rows).map((r) => [keyOf(r), r]));
    if (all.size > MOST.rows) return null;
    const rows = [...all.values()].sort(byColumns);
    const at = new Map(rows.map((r, i) => [keyOf(r), i]));
    const own = parts.map((part) => part.rows.map((r) => at.get(keyOf(r))));
    const bits = (places, s) => places.reduce((t, place, i) => t | (((s >> place) & 1) << i), 0);
    const table = Array.from({ length: 1 << rows.length }, (_, s) => parts.some((part, p) => part.table[bits(own[p], s)]));
    return { rows, table };
  };
  const found = new Map();
  for (const [k, rows] of nodes.entries()) {
    known.push(joined(rows.map(read)));
    const lattice = known[k];
    if (!lattice || lattice.rows.length < 3) continue;
    const m = lattice.rows.length;
    const count = (s) => s.toString(2).replaceAll("0", "").length;
    const fewest = Math.min(...lattice.table.flatMap((one, s) => (one ? [count(s)] : [])));
    if (fewest > 1 && fewest < m && lattice.table.every((one, s) => one === count(s) >= fewest)) found.set(k, { rows: lattice.rows, k: m + 1 - fewest });
  }
  return found;
}

/** Pairs of wires, the smaller number to the first: Batcher's merging network, what is not read left out. */
function comparators(n, wanted) {
  const merging = (low, width, step) => {
    if (2 * step >= width) return [[low, low + step]];
    const pairs = [...merging(low, width, 2 * step), ...merging(low + step, width, 2 * step)];
    for (let i = low + step; i < low + width - step; i += 2 * step) pairs.push([i, i + step]);
    return pairs;
  };
  const sorting = (low, width) => (width < 2 ? [] : [...sorting(low, width / 2), ...sorting(low + width / 2, width / 2), ...merging(low, width, 1)]);
  const read = new Set(wanted);
  return sorting(0, 2 ** Math.ceil(Math.log2(n))).filter(([, j]) => j < n).reverse().filter(([i, j]) => {
    const needed = read.has(i) || read.has(j);
    if (needed) read.add(i).add(j);
    return needed;
  }).reverse();
}

// ------------------------------------------------------------------------------------- folding

class Folding {
  constructor(form, ways) {
    this.form = form;
    this.ways = ways;
    this.circuit = new Circuit(form.n);
    this.ordered = ways.sorting ? orderStatistics(form) : new Map();
    this.nodes = new Map();
    this.sorted = new Map();
    this.circuit.outputs = form.outputs.map((r) => this.row(r));
  }
  row(r) {
    const { n } = this.form;
    const terms = new Map([...r].filter(([c]) => c > n));
    let total = new Map([...r].filter(([c]) => c <= n));
    if (this.ways.ranges) total = this.#ranges(terms, total);
    return summed([ONE, total], ...[...terms].map(([c, v]) => [v, this.node(c - n - 1)]));
  }
  node(k) {
    if (!this.nodes.has(k)) {
      const found = this.ordered.get(k);
      this.nodes.set(k, found ? this.#statistic(found) : this.largest(this.form.nodes[k].map((r) => this.row(r))));
    }
    return this.nodes.get(k);
  }
  /** The maximum of rows: parallelepipeds first, then pairs of the least depth. */
  largest(given) {
    let rows = this.#undominated(given);
    if (this.ways.corners && rows.length > 3) rows = this.#corners(rows);
    let heap = rows.map((r, i) => [this.circuit.depth(r), i, r]);
    for (let count = heap.length; heap.length > 1; count += 1) {
      heap.sort(([d, i], [e, j]) => d - e || i - j);
      const [a, b] = [heap[0][2], heap[1][2]];
      const depth = Math.max(this.circuit.depth(a), this.circuit.depth(b)) + 1;
      heap = [...heap.slice(2), [depth, count, this.circuit.larger(a, b)]];
    }
    return heap[0][2];
  }
  #undominated(rows) {
    let kept = [];
    const above = (a, b) => this.circuit.plainlyPositive(difference(a, b));
    for (const r of rows) {
      if (kept.some((o) => above(o, r))) continue;
      kept = [...kept.filter((o) => !above(r, o)), r];
    }
    return kept;
  }
  #box(start, edges) {
    return summed([ONE, start], ...edges.map((edge) => [ONE, this.circuit.relu(edge)]));
  }
  /** max(r, r + p, r + q, r + p + q) = r + relu(p) + relu(q): each parallelepiped among the rows as one row. */
  #corners(rows) {
    const whole = edgesOf(rows);
    if (whole) return [this.#box(...whole)];
    let left = rows;
    const made = [];
    for (let four = parallelogram(left); four; four = parallelogram(left)) {
      const [start, [p, q]] = four;
      made.push(this.#box(start, [p, q]));
      const gone = [start, summed([ONE, start], [ONE, p]), summed([ONE, start], [ONE, q]), summed([ONE, start], [ONE, p], [ONE, q])].map(keyOf);
      left = left.filter((r) => !gone.includes(keyOf(r)));
    }
    return [...made, ...left];
  }
  /** max(a, b, c) + max(l - a, l - b, l - c) = l + relu(a - b) + relu(b - c) + relu(c - a). */
  #ranges(terms, given) {
    let total = given;
    const { n, nodes } = this.form;
    const three = [...terms.keys()].filter((c) => nodes[c - n - 1].length === 3);
    for (const i of three) {
      for (const j of three) {
        const factor = terms.get(i);
        if (i >= j || !factor || !terms.has(j) || !equal(factor, terms.get(j))) continue;
        const [a, b] = [nodes[i - n - 1], nodes[j - n - 1]];
        const middle = summed([[1n, 3n], summed(...[...a, ...b].map((r) => [ONE, r]))]);
        const mirrored = a.map((r) => keyOf(difference(middle, r))).sort().join(";");
        if (mirrored !== b.map(keyOf).sort().join(";")) continue;
        terms.delete(i);
        terms.delete(j);
        const [p, q, r] = a.map((one) => this.row(one));
        const parts = [[p, q], [q, r], [r, p]].map(([u, v]) => [factor, this.circuit.relu(difference(u, v))]);
        total = summed([ONE, total], [factor, this.row(middle)], ...parts);
      }
    }
    return total;
  }
  #statistic({ rows: given, k }) {
    const rows = given.map((r) => this.row(r));
    if (this.ways.middle && rows.length === 3) {
      return summed(...rows.map((r) => [ONE, r]), [MINUS, this.largest(rows)], [ONE, this.largest(rows.map(negative))]);
    }
    const key = given.map(keyOf).join(";");
    if (!this.sorted.has(key)) {
      const wanted = [...this.ordered.values()].filter((o) => o.rows.map(keyOf).join(";") === key).map((o) => o.k - 1);
      for (const [i, j] of comparators(rows.length, wanted)) {
        const moved = this.circuit.relu(difference(rows[i], rows[j]));
        [rows[i], rows[j]] = [difference(rows[i], moved), summed([ONE, rows[j]], [ONE, moved])];
      }
      this.sorted.set(key, rows);
    }
    return this.sorted.get(key)[k - 1];
  }
}

/** A corner and the edges from there, where rows are all corners of a parallelepiped. */
function edgesOf(rows) {
  const m = rows.length;
  if (m & (m - 1) || m > MOST.corners) return null;
  const all = [...new Set(rows.flatMap((r) => [...r.keys()]))].sort((a, b) => a - b);
  let left = [...rows].sort((a, b) => all.map((c) => compare(a.get(c) ?? ZERO, b.get(c) ?? ZERO)).find((by) => by) ?? 0);
  const edges = [];
  while (left.length > 1) {
    const edge = difference(left[1], left[0]);
    const rest = [...left];
    const kept = [];
    while (rest.length) {
      const r = rest.shift();
      const partner = keyOf(summed([ONE, r], [ONE, edge]));
      const at = rest.findIndex((o) => keyOf(o) === partner);
      if (at < 0) return null;
      rest.splice(at, 1);
      kept.push(r);
    }
    edges.push(edge);
    left = kept;
  }
  return [left[0], edges];
}

/** Four of the rows that are the corners of a parallelogram. */
function parallelogram(rows) {
  if (rows.length > MOST.corners) return null;
  const sums = new Map();
  for (const [i, a] of rows.entries()) {
    for (const b of rows.slice(i + 1)) {
      const key = keyOf(summed([ONE, a], [ONE, b]));
      const c = sums.get(key);
      if (c) return [c, [difference(a, c), difference(b, c)]];
      sums.set(key, a);
    }
  }
  return null;
}

// --------------------------------------------------------------------- what depends on one number

/** A function of one number: constant + slope t + sum of growth relu(t - place), kinks [[place, growth]] rising. */
class Bent {
  constructor(constant, slope, kinks = []) {
    Object.assign(this, { constant, slope, kinks });
  }
  plus(factor, other) {
    worked(this.kinks.length + other.kinks.length);
    const growth = new Map(this.kinks.map(([p, d]) => [p.join("/"), [p, d]]));
    for (const [p, d] of other.kinks) growth.set(p.join("/"), [p, add(growth.get(p.join("/"))?.[1] ?? ZERO, times(factor, d))]);
    const kinks = [...growth.values()].filter(([, d]) => d[0] !== 0n).sort(([p], [q]) => compare(p, q));
    return new Bent(add(this.constant, times(factor, other.constant)), add(this.slope, times(factor, other.slope)), kinks);
  }
  at(t) {
    worked(1 + this.kinks.length);
    return this.kinks.reduce((s, [p, d]) => (compare(p, t) < 0 ? add(s, times(d, add(t, minus(p)))) : s), add(this.constant, times(this.slope, t)));
  }
  relu() {
    const places = this.kinks.map(([p]) => p);
    const slopes = this.kinks.reduce((all, [, d]) => [...all, add(all[all.length - 1], d)], [this.slope]);
    const zeros = slopes.flatMap((slope, i) => {
      if (slope[0] === 0n) return [];
      const t = places[i] ?? places[places.length - 1] ?? ZERO;
      const zero = add(t, minus(divided(this.at(t), slope)));
      return (i === 0 || compare(zero, places[i - 1]) >= 0) && (i === places.length || compare(zero, places[i]) <= 0) ? [zero] : [];
    });
    const cuts = [...new Map([...places, ...zeros].map((p) => [p.join("/"), p])).values()].sort(compare);
    if (!cuts.length) return sign(this.constant) > 0 ? this : new Bent(ZERO, ZERO);
    const ends = [add(cuts[0], MINUS), ...cuts.slice(1).map((c, i) => times([1n, 2n], add(cuts[i], c))), add(cuts[cuts.length - 1], ONE)];
    const pieces = ends.map((t) => (sign(this.at(t)) > 0 ? slopes[places.filter((p) => compare(p, t) < 0).length] : ZERO));
    const kinks = cuts.map((p, i) => [p, add(pieces[i + 1], minus(pieces[i]))]).filter(([, d]) => d[0] !== 0n);
    const left = this.at(cuts[0]);
    return new Bent(add(sign(left) > 0 ? left : ZERO, minus(times(pieces[0], cuts[0]))), pieces[0], kinks);
  }
}

function flattened(old) {
  const { n } = old;
  const bent = new Map(); // unit's column -> [key of its line, line, function]
  const lineOf = (r) => {
    const free = without(r, n);
    const factor = free.get(Math.min(...free.keys()));
    const line = summed([over(factor), free]);
    return [keyOf(line), line, factor];
  };
  const onALine = (r) => {
    for (const key of new Set([...r.keys()].filter((c) => bent.has(c)).map((c) => bent.get(c)[0]))) {
      let total = new Bent(r.get(n) ?? ZERO, ZERO);
      let line = null;
      const rest = new Map();
      for (const [c, v] of r) {
        if (bent.get(c)?.[0] === key) {
          line = bent.get(c)[1];
          total = total.plus(v, bent.get(c)[2]);
        } else if (c !== n) rest.set(c, v);
      }
      if (rest.size) {
        const [other, , factor] = lineOf(rest);
        if (other !== key) continue;
        total = total.plus(factor, new Bent(ZERO, ONE));
      }
      return [key, line, total];
    }
    return null;
  };
  for (const [k, r] of old.units.entries()) {
    const found = onALine(r);
    const after = found?.[2].relu();
    if (after && after.kinks.length <= MOST.kinks) bent.set(n + 1 + k, [found[0], found[1], after]);
    else {
      const [key, line, factor] = lineOf(r);
      bent.set(n + 1 + k, [key, line, new Bent(r.get(n) ?? ZERO, factor).relu()]);
    }
  }
  const made = new Circuit(n);
  const one = row([n, ONE]);
  const written = (line, f) => {
    const t = output(line);
    let total = summed([f.constant, one], [f.slope, t]);
    const left = facingLeft(f);
    for (const [place, growth] of f.kinks) {
      const straight = difference(t, summed([place, one]));
      if (left.includes(place)) total = summed([ONE, total], [growth, straight], [growth, made.relu(negative(straight))]);
      else total = summed([ONE, total], [growth, made.relu(straight)]);
    }
    return total;
  };
  /** A row over the old columns over the new ones; all units on one line become one sum. */
  const output = (r) => {
    const together = new Map();
    let total = new Map([...r].filter(([c]) => c <= n));
    for (const [c, v] of r) {
      if (c <= n) continue;
      const [key, line, f] = bent.get(c);
      together.set(key, [line, (together.get(key)?.[1] ?? new Bent(ZERO, ZERO)).plus(v, f)]);
    }
    for (const [line, f] of together.values()) total = summed([ONE, total], [ONE, written(line, f)]);
    return total;
  };
  made.outputs = old.outputs.map(output);
  return made;
}

/** The places of units that face left so that no straight part is left, if some do. */
function facingLeft({ slope, kinks }) {
  if (slope[0] === 0n) return [];
  let now = slope;
  for (const [i, [, growth]] of kinks.entries()) {
    now = add(now, growth);
    if (now[0] === 0n) return kinks.slice(0, i + 1).map(([p]) => p);
  }
  if (kinks.length > MOST.subsets) return [];
  const subsets = Array.from({ length: 2 ** kinks.length - 2 }, (_, s) => kinks.filter((_k, i) => ((s + 1) >> i) & 1));
  subsets.sort((a, b) => a.length - b.length);
  return subsets.find((some) => equal(some.reduce((s, [, d]) => plus(s, d), ZERO), minus(slope)))?.map(([p]) => p) ?? [];
}

// --------------------------------------------------------------------------------------- layers

/** The space that some vectors span, each row of it with the named vectors that it is made of. */
class Span {
  constructor(vectors = []) {
    this.rows = new Map();
    for (const vector of vectors) this.add(vector);
  }
  get size() {
    return this.rows.size;
  }
  rest(given, of = new Map()) {
    let vector = given;
    while (vector.size) {
      const top = Math.max(...vector.keys());
      const [r, made] = this.rows.get(top) ?? [];
      if (!r) break;
      const factor = minus(divided(vector.get(top), r.get(top)));
      [vector, of] = [summed([ONE, vector], [factor, r]), summed([ONE, of], [factor, made])];
    }
    return [vector, of];
  }
  has(vector) {
    return this.rest(vector)[0].size === 0;
  }
  add(vector, name = null) {
    const [left, of] = this.rest(vector, name === null ? new Map() : row([name, ONE]));
    if (left.size) this.rows.set(Math.max(...left.keys()), [left, of]);
    return left.size > 0;
  }
}

const PAIR = null; // a row that two units carry: v = relu(v) - relu(-v)
const SINGLE = -1; // one that is never negative

function below(circuit, rows, layer) {
  const { n, depths } = circuit;
  const read = [...new Set(rows.flatMap((r) => [...r.keys()].filter((c) => depths[c] === layer && c > n)))].sort((a, b) => a - b);
  const demands = rows.map((r) => new Map([...r].filter(([c]) => depths[c] < layer))).filter((r) => [...r.keys()].some((c) => c !== n));
  return [read, demands];
}

function basis(n, needed, cheap, demands) {
  const made = [];
  const have = new Span();
  const short = [...demands].sort((a, b) => a.size - b.size || Math.max(...a.keys()) - Math.max(...b.keys()));
  for (const [r, kind] of [...cheap, ...short.map((d) => [d, PAIR])]) {
    if (have.size === needed.size) break;
    const vector = without(r, n);
    if (vector.size && needed.has(vector) && have.add(vector)) made.push([r, kind]);
  }
  return made;
}

const price = (carried) => carried.reduce((s, [, kind]) => s + (kind === PAIR ? 2 : 1), 0);

/** The rows that a layer's units carry past it, each with how: a basis of what is read later, the cheapest found. */
function carried(circuit, read, demands) {
  const { n, units } = circuit;
  const positive = (r) => [without(r, n), negative(without(r, n))].filter((turned) => circuit.positive(turned));
  const singles = [...new Set(demands.flatMap((r) => [...r.keys()].filter((c) => c > n)))].sort((a, b) => a - b).map((c) => row([c, ONE]));
  singles.push(...demands.flatMap(positive));
  if (demands.length <= MOST.paired) {
    for (const [i, a] of demands.entries()) for (const b of demands.slice(i + 1)) singles.push(...positive(summed([ONE, a], [ONE, b])), ...positive(difference(a, b)));
  }
  const cheap = [...read.map((c) => [units[c - n - 1], c]), ...singles.map((r) => [r, SINGLE])];
  let needed = new Span(demands.map((r) => without(r, n)));
  let best = basis(n, needed, cheap, demands);
  const enlarged = () => {
    for (const [r] of cheap) {
      const vector = without(r, n);
      if (!vector.size || needed.has(vector)) continue;
      const larger = new Span([...needed.rows.values()].map(([v]) => v));
      larger.add(vector);
      const found = basis(n, larger, cheap, demands);
      if (price(found) < price(best)) return [larger, found];
    }
    return null;
  };
  while (best.filter(([, kind]) => kind === PAIR).length > 1) {
    const better = enlarged();
    if (!better) break;
    [needed, best] = better;
  }
  return best;
}

/** Layers of exact rows, the last one without ReLU: {weights, biases} each; at least so many hidden ones. */
function laidOut(circuit, least = 0) {
  const { n, units } = circuit;
  let rows = circuit.outputs;
  const made = [];
  for (let layer = Math.max(least, ...rows.map((r) => circuit.depth(r))); layer > 0; layer -= 1) {
    const [read, demands] = below(circuit, rows, layer);
    const chosen = carried(circuit, read, demands);
    made.push(weightsOf(n, rows, read, chosen));
    rows = [...read.map((c) => units[c - n - 1]), ...chosen.flatMap(([r, kind]) => (kind === SINGLE ? [r] : kind === PAIR ? [r, negative(r)] : [negative(r)]))];
  }
  made.push({ weights: rows.map((r) => Array.from({ length: n }, (_, j) => r.get(j) ?? ZERO)), biases: rows.map((r) => r.get(n) ?? ZERO) });
  return made.reverse();
}

function weightsOf(n, rows, read, chosen) {
  let width = read.length;
  const span = new Span();
  const units = chosen.map(([r, kind], i) => {
    span.add(without(r, n), i);
    if (kind === PAIR) return [[width++, ONE], [width++, MINUS]];
    return kind === SINGLE ? [[width++, ONE]] : [[read.indexOf(kind), ONE], [width++, MINUS]];
  });
  const weights = [];
  const biases = [];
  for (const r of rows) {
    const line = new Array(width).fill(ZERO);
    const rest = new Map(r);
    for (const [i, c] of read.entries()) {
      line[i] = rest.get(c) ?? ZERO;
      rest.delete(c);
    }
    const [left, shares] = span.rest(without(rest, n));
    if (left.size) throw new Error("a demand outside the space that is carried");
    let bias = rest.get(n) ?? ZERO;
    for (const [i, negated] of shares) {
      const share = minus(negated);
      bias = add(bias, minus(times(share, chosen[i][0].get(n) ?? ZERO)));
      for (const [j, v] of units[i]) line[j] = add(line[j], times(share, v));
    }
    weights.push(line);
    biases.push(bias);
  }
  return { weights, biases };
}

const counts = (layers) => layers.slice(0, -1).map(({ biases }) => biases.length);
const total = (layers) => counts(layers).reduce((s, c) => s + c, 0);

// --------------------------------------------------------------------------------------- doubles

const isDouble = ([n, d]) => {
  const value = toNumber(n, d);
  return Number.isFinite(value) && equal(floatToRational(value), [n, d]);
};

/** The output scale: 1 where all numbers are doubles, else 1 over what makes them whole, or their content. */
function scaleOf(values) {
  if (values.every(isDouble)) return ONE;
  const small = [1n, values.reduce((m, [, d]) => lcm(m, d), 1n)];
  return values.every((v) => isDouble(divided(v, small))) ? small : content(values);
}

/** Every hidden unit scaled until its numbers are doubles; what is left is the scale of the outputs. */
function doubles(layers) {
  const net = { weights: [], biases: [] };
  let sizes = layers[0].weights[0].map(() => ONE);
  for (const layer of layers.slice(0, -1)) {
    const next = [];
    const scaled = layer.weights.map((r, i) => {
      const taken = r.map((w, j) => times(w, sizes[j]));
      const some = taken.filter(([n]) => n !== 0n);
      const whole = some.length ? content(some) : ONE;
      let odd = divided(layer.biases[i], whole)[1];
      while (odd % 2n === 0n) odd /= 2n;
      const unit = times(whole, [1n, odd]);
      next.push(unit);
      return [taken.map((w) => divided(w, unit)), divided(layer.biases[i], unit)];
    });
    net.weights.push(scaled.map(([r]) => r));
    net.biases.push(scaled.map(([, b]) => b));
    sizes = next;
  }
  const last = layers[layers.length - 1];
  const rows = last.weights.map((r, i) => [...r.map((w, j) => times(w, sizes[j])), last.biases[i]]);
  const values = rows.flat().filter(([n]) => n !== 0n);
  const scale = scaleOf(values);
  net.weights.push(rows.map((r) => r.slice(0, -1).map((v) => divided(v, scale))));
  net.biases.push(rows.map((r) => divided(r[r.length - 1], scale)));
  const number = (q) => {
    if (!isDouble(q)) throw new NoDouble(q);
    return toNumber(...q);
  };
  const found = { weights: net.weights.map((rows1) => rows1.map((r) => r.map(number))), biases: net.biases.map((r) => r.map(number)) };
  if (!isFinite(toNumber(...scale)) || toNumber(...scale) < SMALLEST) throw new NoDouble(scale);
  return scale === ONE ? found : { ...found, scale: scale[1] === 1n ? String(scale[0]) : scale.join("/") };
}

// -------------------------------------------------------------------------------------- compiling

const EVERY = { corners: true, ranges: true, sorting: true, middle: true };
const WAYS = [EVERY, { ...EVERY, middle: false }, { ...EVERY, sorting: false }, { ...EVERY, ranges: false }, { ...EVERY, corners: false }, { middle: true }];

/** With units facing the other way where that saves some. */
function turned(circuit) {
  let best = circuit;
  let layers = laidOut(circuit);
  const used = circuit.used();
  for (let better = used.length <= MOST.turned; better;) {
    better = false;
    for (const k of used) {
      const tried = best.flipped(k);
      const found = laidOut(tried);
      if (total(found) < total(layers)) [best, layers, better] = [tried, found, true];
    }
  }
  return layers;
}

/**
 * The network that computes a target, with as few units as are found.
 *
 * @param {object} target piecewise linear, as parseExpression makes it.
 * @returns {object} {weights, biases, scale}: the outputs, times the fraction `scale` (text, absent for 1), are
 *   the target exactly.
 * @throws {TooLarge} where it takes more units than a page draws, or more work than a reader waits for.
 * @throws {NoDouble} where it takes a number that no double is.
 */
export function compile(target) {
  budget = WORK;
  const form = normalForm(target);
  let best = null;
  const seen = new Set();
  const consider = (circuit) => {
    const key = [...circuit.units, ...circuit.outputs].map(keyOf).join(";");
    if (seen.has(key)) return;
    seen.add(key);
    const layers = turned(circuit);
    const by = best && (total(layers) - total(best) || layers.length - best.length);
    if (!best || by < 0) best = layers;
  };
  for (const ways of WAYS) {
    try {
      const base = new Folding(form, ways).circuit;
      consider(base);
      consider(flattened(base));
    } catch (error) {
      if (!(error instanceof TooLarge && best)) throw error;
      break; // what has been found by then is exact as well
    }
  }
  budget = WORK;
  return doubles(best.length > 1 ? best : withHidden(new Folding(form, EVERY).circuit));
}

/** An affine function through a hidden layer, as the deck has it; a constant through a unit that is dead. */
function withHidden(circuit) {
  const [first, last] = laidOut(circuit, 1);
  if (first.weights.length) return [first, last];
  const dead = new Array(circuit.n).fill(ZERO);
  return [{ weights: [dead], biases: [ZERO] }, { weights: last.weights.map(() => [ZERO]), biases: last.biases }];
}

/** Whether a network is its target, exactly, for every input: by the page's own regions, not by how it was made. */
export function equals(net, target) {
  const found = maths.verdict(net, target, { tolerance: 0, exact: true, samples: false });
  return found.holds && found.exact;
}
