/**
 * A choice between straight pieces, written as maxima where they meet: `x if x > 0 else 0` is max(x, 0).
 *
 * The page's half of circuitkit/functions/joined.py, with the same steps: cells by the signs of what is
 * compared, an affine function on each, agreement wherever the closures of two cells meet, and the lattice of
 * the affine functions. All in exact fractions [n, d].
 */
import * as maths from "./mathematics.mjs";

const { plus, times, toNumber, formatNumber } = maths;

const ZERO = [0n, 1n];
const ONE = [1n, 1n];
const MOST = { cases: 12, cells: 120, work: 4e6 }; // work: numbers of tables, about a second
let spent = { work: 0 }; // on the text that is being read

/** The pieces do not meet; the message says where. */
export class Jump extends Error {}
/** Some piece is not straight, or there are too many. */
export class NotStraight extends Error {}

class Undecided extends Error {
  constructor(form, exactly) {
    super();
    this.form = form;
    this.exactly = exactly;
  }
}

const sign = ([n]) => (n > 0n ? 1 : n < 0n ? -1 : 0);
const minus = (a) => [-a[0], a[1]];
const over = ([n, d]) => (n < 0n ? [-d, -n] : [d, n]);
const scaled = (c, form) => form.map((v) => times(c, v));
const less = (a, b) => a.map((v, i) => plus(v, minus(b[i])));
const varies = (form) => form.slice(0, -1).some(([n]) => n !== 0n);
const simple = ([n, d]) => times([n, d], ONE);
const same = (a, b) => a.every((v, i) => sign(plus(v, minus(b[i]))) === 0);
const keyOf = (form) => form.map((v) => simple(v).join("/")).join();

// ------------------------------------------------------------------------------- what is possible

/** Factors >= 0 of the rows whose sum is the wanted row, by the first phase of the simplex method (Bland). */
function combines(wanted, rows) {
  const [q, m] = [wanted.length, rows.length];
  const table = wanted.map((w, j) => {
    const turn = sign(w) < 0 ? minus : (v) => v;
    return [...rows.map((row) => turn(row[j])), turn(w)];
  });
  const basis = new Array(q).fill(-1);
  for (;;) {
    const open = basis.flatMap((b, r) => (b < 0 ? [r] : []));
    if (open.every((r) => sign(table[r][m]) === 0)) return true;
    const enter = rows.findIndex((_, i) => !basis.includes(i) && sign(open.reduce((s, r) => plus(s, table[r][i]), ZERO)) > 0);
    if (enter < 0) return false;
    let leave = -1;
    let least = null;
    for (let r = 0; r < q; r += 1) {
      if (sign(table[r][enter]) <= 0) continue;
      const ratio = times(table[r][m], over(table[r][enter]));
      const by = least === null ? -1 : sign(plus(ratio, minus(least)));
      if (by < 0 || (by === 0 && basis[r] < basis[leave])) [leave, least] = [r, ratio];
    }
    spent.work += q * (m + 1);
    if (spent.work > MOST.work) throw new NotStraight();
    const pivot = over(table[leave][enter]);
    table[leave] = table[leave].map((v) => times(pivot, v));
    for (let r = 0; r < q; r += 1) {
      const factor = minus(table[r][enter]);
      if (r !== leave && factor[0] !== 0n) table[r] = table[r].map((v, i) => plus(v, times(factor, table[leave][i])));
    }
    basis[leave] = enter;
  }
}

/** Whether some x has every form 0 (kind 0), at least 0 (kind 1) or above 0 (kind 2): Motzkin's theorem. */
function possible(rows) {
  const n = rows[0][0].length - 1;
  const none = new Array(n + 1).fill(ZERO);
  const sums = rows.map(([form, kind]) => [...form, kind === 2 ? ONE : ZERO]);
  for (const [form, kind] of rows) if (kind === 0) sums.push([...form.map(minus), ZERO]);
  sums.push([...none.slice(1), ONE, ONE]);
  return !combines([...none, ONE], sums);
}

// ------------------------------------------------------------------------------------------ cells

class Cell {
  constructor(known) {
    this.known = known; // key -> [form, sign], forms up to a positive factor with a positive first coefficient
  }
  signOf(form, exactly) {
    if (!varies(form)) return sign(form[form.length - 1]);
    const first = form.find((v) => v[0] !== 0n);
    const turn = sign(first);
    const unit = scaled(over(turn < 0 ? minus(first) : first), turn < 0 ? form.map(minus) : form);
    const found = this.known.get(keyOf(unit));
    if (!found) throw new Undecided(unit, exactly);
    return turn * found[1];
  }
  with(form, s) {
    return new Cell(new Map([...this.known, [keyOf(form), [form, s]]]));
  }
  get open() {
    return [...this.known.values()].every(([, s]) => s !== 0);
  }
  rows(strict) {
    return [...this.known.values()].map(([form, s]) => [s < 0 ? form.map(minus) : form, s === 0 ? 0 : strict ? 2 : 1]);
  }
}

function cells(value) {
  const waiting = [new Cell(new Map())];
  const found = [];
  while (waiting.length) {
    const cell = waiting.pop();
    try {
      cell.value = value(cell);
      found.push(cell);
    } catch (open) {
      if (!(open instanceof Undecided)) throw open;
      const some = [-1, 0, 1].map((s) => [s, cell.with(open.form, s)]).filter(([, c]) => possible(c.rows(true)));
      const sides = some.filter(([s]) => s !== 0);
      waiting.push(...(open.exactly || !sides.length ? some : sides).map(([, c]) => c));
    }
    if (waiting.length + found.length > MOST.cells) throw new NotStraight();
  }
  return found.sort((a, b) => b.open - a.open);
}

/** The affine function that a node is on a cell. */
function valueOn(node, n, cell) {
  const constant = (q) => [...new Array(n).fill(ZERO), q];
  const of = (part) => {
    if (part.q) return constant(part.q);
    if (part.index !== undefined) return Array.from({ length: n + 1 }, (_, j) => (j === part.index ? ONE : ZERO));
    if (part.op === "cases") return of(part.cases.find(([, holds]) => holds === null || isTrue(holds))[0]);
    const args = part.args.map(of);
    if (part.op === "add") return args.reduce((s, a) => s.map((v, i) => plus(v, a[i])));
    if (part.op === "mul") {
      const varying = args.filter(varies);
      if (varying.length > 1) throw new NotStraight();
      const factor = args.filter((a) => !varies(a)).reduce((p, a) => times(p, a[n]), ONE);
      return scaled(factor, varying[0] ?? constant(ONE));
    }
    if (part.op === "abs") return cell.signOf(args[0], false) < 0 ? args[0].map(minus) : args[0];
    if (part.op === "sign") return constant([BigInt(cell.signOf(args[0], true)), 1n]);
    if (part.op === "step") return constant([BigInt(cell.signOf(args[0], true)) + 1n, 2n]);
    const turn = part.op === "max" ? 1 : -1;
    return args.reduce((best, a) => (turn * cell.signOf(less(a, best), false) > 0 ? a : best));
  };
  const isTrue = (holds) => {
    if (holds.all) return holds.all.every(isTrue);
    if (holds.any) return holds.any.some(isTrue);
    return holds.signs.includes(cell.signOf(less(of(holds.left), of(holds.right)), true));
  };
  return of(node);
}

const node = (form) => {
  const terms = form.slice(0, -1).flatMap((c, index) => (c[0] === 0n ? [] : [c[0] === c[1] ? { index } : { op: "mul", args: [{ q: c }, { index }] }]));
  const last = form[form.length - 1];
  if (last[0] !== 0n || !terms.length) terms.push({ q: last });
  return terms.length === 1 ? terms[0] : { op: "add", args: terms };
};
const extremum = (op, args) => (args.length === 1 ? args[0] : { op, args });

function lattice(part, n, names) {
  const found = cells((cell) => valueOn(part, n, cell));
  check(found, names);
  const full = found.filter((c) => c.open);
  const pieces = full.map((c) => c.value).filter((v, i, all) => all.findIndex((w) => same(v, w)) === i);
  const sets = (turn) => {
    const all = full.map((c) => pieces.flatMap((piece, k) => {
      const above = less(c.value, piece);
      return same(piece, c.value) || !possible([...c.rows(true), [turn < 0 ? above.map(minus) : above, 2]]) ? [k] : [];
    }));
    const within = (a, b) => a.length < b.length && a.every((k) => b.includes(k));
    return all.filter((s, i) => all.findIndex((t) => t.join() === s.join()) === i && !all.some((t) => within(t, s)));
  };
  const ways = [[sets(1), "max", "min"], [sets(-1), "min", "max"]];
  const size = ([chosen]) => chosen.reduce((s, { length }) => s + length, 0);
  const [chosen, outer, inner] = size(ways[0]) <= size(ways[1]) ? ways[0] : ways[1];
  if (chosen.length === 2 && chosen.every((s) => s.length === 1) && same(pieces[chosen[0][0]], pieces[chosen[1][0]].map(minus))) {
    const size1 = { op: "abs", args: [node(pieces[chosen[0][0]])] };
    return outer === "max" ? size1 : { op: "mul", args: [{ q: minus(ONE) }, size1] };
  }
  return extremum(outer, chosen.map((s) => extremum(inner, s.map((k) => node(pieces[k])))));
}

// ------------------------------------------------------------------------------------------ jumps

const short = (q) => formatNumber(toNumber(...q));

function spelled(form, names) {
  const parts = form.slice(0, -1).flatMap((c, i) => (c[0] === 0n ? [] : [[sign(c), `${c[0] === c[1] || -c[0] === c[1] ? "" : `${short(sign(c) < 0 ? minus(c) : c)}*`}${names[i]}`]]));
  const last = form[form.length - 1];
  if (last[0] !== 0n || !parts.length) parts.push([sign(last), short(sign(last) < 0 ? minus(last) : last)]);
  return parts.map(([s, text], i) => (i ? ` ${s < 0 ? "-" : "+"} ${text}` : `${s < 0 ? "-" : ""}${text}`)).join("");
}

function check(found, names) {
  for (const [i, a] of found.entries()) {
    for (const b of found.slice(i + 1)) {
      const apart = less(a.value, b.value);
      if (apart.every(([n]) => n === 0n)) continue;
      const both = [...a.rows(false), ...b.rows(false)];
      if ([apart, apart.map(minus)].some((form) => possible([...both, [form, 2]]))) throw new Jump(place(found, a, b, names));
    }
  }
}

function place(found, a, b, names) {
  const [form] = [...a.known].filter(([key, [, s]]) => b.known.has(key) && (b.known.get(key)[1] !== s || s === 0))[0][1];
  const last = form[form.length - 1];
  if (names.length > 1) return `where ${spelled([...form.slice(0, -1), ZERO], names)} = ${short(minus(last))}, from ${spelled(a.value, names)} to ${spelled(b.value, names)}`;
  const at = minus(times(last, over(form[0])));
  const line = [ONE, minus(at)];
  const [left, here, right] = [-1, 0, 1].map((side) => {
    const beyond = side === 0 ? [line, 0] : [side < 0 ? line.map(minus) : line, 2];
    const cell = found.find((c) => possible([...c.rows(side === 0), [line, 0]]) && possible([...c.rows(true), beyond]));
    return cell && plus(times(cell.value[0], at), cell.value[1]);
  });
  const steps = sign(plus(left, minus(right))) ? `from ${short(left)} to ${short(right)}` : `${short(left)} around it, and ${short(here ?? left)} there`;
  return `at ${names[0]} = ${short(at)}, ${steps}`;
}

// ----------------------------------------------------------------------------------------- rewriting

const CHOICES = ["cases", "sign", "step"];
const inside = (part) => (part.op === "cases" ? part.cases.flatMap(([value, holds]) => [value, ...compared(holds)]) : part.args ?? []);
const compared = (holds) => (holds === null ? [] : holds.all || holds.any ? (holds.all ?? holds.any).flatMap(compared) : [holds.left, holds.right]);
const count = (part) => (CHOICES.includes(part.op) ? 1 : 0) + inside(part).reduce((s, a) => s + count(a), 0);

/** Whether something in a tree is chosen by a comparison. */
export const chooses = (part) => CHOICES.includes(part.op) || inside(part).some(chooses);

function smallest(part, n, names) {
  if (!chooses(part)) return part;
  if (["add", "mul", "abs", "min", "max"].includes(part.op)) {
    try {
      const args = part.args.map((a) => smallest(a, n, names));
      if (part.op !== "mul" || args.filter((a) => !a.q).length < 2) return { op: part.op, args };
    } catch (error) {
      if (!(error instanceof Jump || error instanceof NotStraight)) throw error;
    }
    if (part.op === "add") {
      const others = part.args.filter((a) => !chooses(a));
      const sum = { op: "add", args: part.args.filter(chooses) };
      if (others.length) return { op: "add", args: [...others, lattice(sum, n, names)] };
    }
  }
  return lattice(part, n, names);
}

/**
 * A tree without choices that is the same function.
 *
 * @throws {Jump} where its pieces do not meet, with the place.
 * @param {{work: number}} [already] the work done for other parts of the same text.
 * @throws {NotStraight} where they are not straight, or too many, or more work than a reader waits for.
 */
export function joined(part, names, already = { work: 0 }) {
  spent = already;
  if (count(part) > MOST.cases) throw new NotStraight();
  return smallest(part, names.length, names);
}
