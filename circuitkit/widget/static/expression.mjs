/**
 * A piecewise-linear function as a reader types it, read into the tree that mathematics.mjs computes with.
 *
 * The language is that of `ck.target` (circuitkit/functions/language.py and typed.py), without what is not
 * piecewise linear; tests/test_language.py holds one table of texts that both read alike. Nothing of the text is
 * ever run. Numbers stay exact: 1/3 is one third, 0.1 one tenth.
 */
import * as maths from "./mathematics.mjs";
import { Jump, NotStraight, chooses, joined } from "./choices.mjs";

const { exactNumber, floatToRational, plus, times, toNumber } = maths;

/** What cannot be read, in words for who typed it; `at` and `to` are the characters that it is about. */
export class Unclear extends Error {
  constructor(message, at = null, to = at) {
    super(message);
    this.at = at;
    this.to = to;
  }
}

const LONGEST = 400; // characters of a text, and of a number that has come out of it
const DEEPEST = 150; // brackets and the like within one another
const INPUTS = 256;
const LARGEST = 10000; // numbers, inputs and operations of a function, written out
const LOOKS = 1e6; // at a token
const SORTED = 9; // numbers of which a median is written out
const ONE = [1n, 1n];
const MINUS = [-1n, 1n];

// What cancels is not looked for: relu(x) * relu(-x) is 0, and refused all the same.
const CURVED = "is taken for curved, and what is curved no ReLU network computes exactly; in Python, ck.approximate makes one that is proved to come near it.";

const much = (what) => `This is too much to ${what} here: nest fewer functions in one another.`;

// --------------------------------------------------------------------------------------- signs
//
// Tables have no prototype: “constructor” is no sign or function.

const SIGNS = { __proto__: null, "−": "-", "–": "-", "·": "*", "⋅": "*", "∙": "*", "×": "*", "÷": "/", "∣": "|", "≤": "<=", "≥": ">=", "^": "**", "{": "(", "}": ")", "\\{": "(", "\\}": ")" };
const LATEX = { __proto__: null, cdot: "*", times: "*", lvert: "|", rvert: "|", vert: "|", le: "<=", leq: "<=", ge: ">=", geq: ">=" };
const LOWERED = "₀₁₂₃₄₅₆₇₈₉";
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const WORDS = ["if", "else", "and", "or"];
const digits = (text, signs) => [...text].map((c) => (signs.includes(c) ? signs.indexOf(c) : c)).join("");

const TOKEN = new RegExp(
  [
    /(?<space>\s+|\\(?:left|right|big|Big)(?![a-zA-Z])|\\[,;:! ])/,
    /(?<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/,
    /(?<part>[¼-¾⅐-⅞])/,
    /(?<gap>argmax-gap\b)/,
    /\\(?:operatorname|mathrm|text)\s*\{(?<roman>\w+)\}/,
    /\\(?<latex>[a-zA-Z]+)/,
    /(?<name>[a-zA-Z_](?:_\{\d+\}|\w|[₀-₉])*)/,
    /(?<raised>[⁰¹²³⁴-⁹]+)/,
    /(?<sign>\*\*|\/\/|[<>=!]=|\\[{}]|[-+*/%^(){}[\],|<>−–·⋅∙×÷∣≤≥])/,
  ].map(({ source }) => source).join("|"),
  "uy",
);

/** x_1, x_{1} and x₁ are x1. */
const plainName = (name) => digits(name.replace(/_\{(\d+)\}/g, "_$1"), LOWERED).replace(/^([a-zA-Z])_(?=\d)/, "$1");

function tokens(text) {
  const found = [];
  for (let at = 0; at < text.length;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) {
      const [sign] = [...text.slice(at)];
      throw new Unclear(`‘${sign}’ is none of the signs here.`, at, at + sign.length);
    }
    const to = TOKEN.lastIndex;
    const place = { at, to, text: text.slice(at, to) };
    const { space, number, part, gap, roman, latex, name, raised, sign } = match.groups;
    if (number !== undefined) found.push({ ...place, number });
    else if (part) found.push({ ...place, number: part.normalize("NFKC").replace("⁄", "/") });
    else if (gap) found.push({ ...place, name: "argmax_gap" });
    else if (raised) found.push({ ...place, sign: "**" }, { ...place, number: digits(raised, RAISED) });
    else if (latex && LATEX[latex]) found.push({ ...place, sign: LATEX[latex] });
    else if (sign) found.push({ ...place, sign: SIGNS[sign] ?? sign });
    else if (!space) found.push({ ...place, name: roman ?? latex ?? plainName(name) });
    at = to;
  }
  return found;
}

// --------------------------------------------------------------------------------------- trees
//
// A node is {q: rational}, {index}, {list: [node]} (several numbers) or {op, args} with op one of add, mul (a
// constant first), abs, min, max; while it is read also sign, step and {op: "cases", cases: [[node, condition]]}.

const isConstant = (node) => node.q !== undefined;
const sizes = new WeakMap();
const numbers = (all) => all.reduce((s, node) => s + sizeOf(node), 0);

/** The nodes of a tree; what stands in it twice, as t in leaky_relu(t), counts twice. */
function sizeOf(node) {
  if (!sizes.has(node)) {
    const inner = node.list ?? node.args ?? node.cases?.flatMap(([value, holds]) => [value, ...comparedIn(holds)]) ?? [];
    sizes.set(node, 1 + numbers(inner));
  }
  return sizes.get(node);
}
const comparedIn = (holds) => (holds === null ? [] : holds.signs ? [holds.left, holds.right] : (holds.all ?? holds.any).flatMap(comparedIn));

/** What it is given, unless that is too large to be walked through. */
function bounded(node) {
  if (sizeOf(node) > LARGEST) throw new Unclear(much("build"));
  return node;
}
const negative = (node) => product({ q: MINUS }, node);
const signOf = ([n]) => (n > 0n ? 1 : n < 0n ? -1 : 0);
const less = (p, q) => p[0] * q[1] < q[0] * p[1];
const ZERO = { q: [0n, 1n] };

function sum(...args) {
  return args.every(isConstant) ? { q: args.reduce((s, { q }) => plus(s, q), [0n, 1n]) } : { op: "add", args };
}

function product(a, b) {
  if (isConstant(a) && isConstant(b)) return { q: times(a.q, b.q) };
  if (isConstant(b)) return product(b, a);
  if (!isConstant(a)) {
    if (chooses(a) || chooses(b)) return { op: "mul", args: [a, b] };
    throw new Unclear(`A product of two things with inputs in them ${CURVED}`);
  }
  if (b.op === "mul" && isConstant(b.args[0])) return product({ q: times(a.q, b.args[0].q) }, b.args[1]);
  return signOf(a.q) === 1 && a.q[0] === a.q[1] ? b : { op: "mul", args: [a, b] };
}

function quotient(a, b) {
  if (!isConstant(b)) throw new Unclear("A division by something with inputs in it is taken for one that has no value where that is 0, as a network has; in Python, ck.approximate comes near it on a box where it has one.");
  const [n, d] = b.q;
  if (n === 0n) throw new Unclear("This is a division by zero.");
  return product({ q: n < 0n ? [-d, -n] : [d, n] }, a);
}

function power(a, b) {
  const whole = isConstant(b) && b.q[1] === 1n && b.q[0] >= 0n && b.q[0] <= 16n;
  if (isConstant(a) || !whole) throw new Unclear("A power is read of what varies, and a whole power 0 to 16.");
  if (b.q[0] === 0n) return { q: ONE };
  if (b.q[0] === 1n) return a;
  throw new Unclear(`A power ${CURVED}`);
}

function extremum(op, args) {
  if (args.length === 1) return args[0];
  if (!args.every(isConstant)) return { op, args };
  return { q: args.map(({ q }) => q).reduce((s, q) => (less(q, s) === (op === "min") ? q : s)) };
}

function absolute(a) {
  return isConstant(a) ? (signOf(a.q) < 0 ? negative(a) : a) : { op: "abs", args: [a] };
}

/** The k-th smallest: the least that some k of them do not exceed. */
function smallest(k, values) {
  if (values.length > SORTED) throw new Unclear(`At most ${SORTED} numbers can be sorted, got ${values.length}.`);
  const chosen = (from, left) =>
    left === 0 ? [[]] : values.slice(from).flatMap((v, i) => chosen(from + i + 1, left - 1).map((rest) => [v, ...rest]));
  return extremum("min", chosen(0, k).map((some) => extremum("max", some)));
}

const half = (node) => product({ q: [1n, 2n] }, node);
const relu = (a) => extremum("max", [a, ZERO]);
const largest = (...args) => extremum("max", args);
const least = (...args) => extremum("min", args);
const difference = (a, b) => sum(a, negative(b));

function clamped(a, low, high) {
  if (isConstant(low) && isConstant(high) && less(high.q, low.q)) throw new Unclear("clamp(t, low, high) takes low <= high.");
  return least(largest(a, low), high);
}

function median(...args) {
  const n = args.length;
  const middle = smallest(Math.floor((n + 1) / 2), args);
  return n % 2 ? middle : half(sum(middle, smallest(n / 2 + 1, args)));
}

/** Straight lines between points, level beyond the first and the last; of x where it is not said of what. */
function interpolated(first, ...rest) {
  const of = first.list ? { index: 0, alone: true } : first;
  const given = first.list ? [first, ...rest] : rest;
  const points = (given.length === 1 && given[0].list?.every(({ list }) => list) ? given[0].list : given).map(({ list }) => list);
  if (points.length < 2 || !points.every((p) => p?.length === 2 && p.every(isConstant))) throw new Unclear("interpolate takes points of two numbers, such as (0, 1).");
  const rising = points.map(([x, y]) => [x.q, y.q]).sort(([a], [b]) => (less(a, b) ? -1 : less(b, a) ? 1 : 0));
  let total = { q: rising[0][1] };
  let slope = ZERO;
  const add = (change, at) => {
    total = sum(total, product(change, relu(difference(of, { q: at }))));
  };
  for (const [i, [x1, y1]] of rising.slice(1).entries()) {
    const [x0, y0] = rising[i];
    const run = difference({ q: x1 }, { q: x0 });
    if (run.q[0] === 0n) throw new Unclear(`interpolate takes one point at each place, got two at ${written(x0)}.`);
    const next = quotient(difference({ q: y1 }, { q: y0 }), run);
    add(difference(next, slope), x0);
    slope = next;
  }
  add(negative(slope), rising[rising.length - 1][0]);
  return total;
}

const written = ([n, d]) => {
  const { q: [a, b] } = product({ q: [n, d] }, { q: ONE });
  return b === 1n ? String(a) : `${a}/${b}`;
};

/** name -> [fewest, most arguments, what it makes of them, how it is written] */
const FUNCTIONS = {
__proto__: null,
  abs: [1, 1, absolute, "abs(x)"],
  min: [1, INPUTS, least, "min(x1, x2)"],
  max: [1, INPUTS, largest, "max(x1, x2)"],
  relu: [1, 1, relu, "relu(x)"],
  leaky_relu: [1, 2, (a, slope = { q: [1n, 100n] }) => sum(relu(a), product(slope, least(a, ZERO))), "leaky_relu(x, 0.01)"],
  clamp: [3, 3, clamped, "clamp(x, -1, 1)"],
  clip: [3, 3, clamped, "clip(x, -1, 1)"],
  hat: [1, 1, (a) => relu(difference({ q: ONE }, absolute(a))), "hat(x)"],
  mean: [1, INPUTS, (...args) => product({ q: [1n, BigInt(args.length)] }, sum(...args)), "mean(x1, x2)"],
  median: [1, INPUTS, median, "median(x1, x2, x3)"],
  range: [1, INPUTS, (...args) => difference(largest(...args), least(...args)), "range(x1, x2, x3)"],
  sort: [2, INPUTS, (...args) => ({ list: args.map((_, k) => smallest(k + 1, args)) }), "sort(x1, x2)"],
  gap: [2, INPUTS, (...args) => difference(largest(...args), smallest(args.length - 1, args)), "gap(x1, x2)"],
  norm1: [1, INPUTS, (...args) => sum(...args.map(absolute)), "norm1(x1, x2)"],
  norminf: [1, INPUTS, (...args) => largest(...args.map(absolute)), "norminf(x1, x2)"],
  interpolate: [1, INPUTS, interpolated, "interpolate(x, (0, 0), (1, 2))"],
};
const ALIASES = { __proto__: null, argmax_gap: "gap", interpolation: "interpolate", leakyrelu: "leaky_relu", norm_inf: "norminf" };
const SMOOTH = ["sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "exp", "log", "ln", "sqrt", "sigmoid", "softplus", "gelu", "norm", "pi"];
const STEPS = { __proto__: null, sign: "sign", step: "step", heaviside: "step" };
const JUMPS = { __proto__: null, floor: "clamp(100*(x - 1) + 1, 0, 1)", ceil: "clamp(100*x, 0, 1)", round: "clamp(100*x - 49, 0, 1)", frac: "clamp(100*x, 0, 1)", mod: "clamp(100*x, 0, 1)" };
const CATALOGUE = { identity: "x", negation: "-x", abs: "abs(x)", add: "x1 + x2", subtract: "x1 - x2", min: "min(x1, x2)", max: "max(x1, x2)", min4: "min(x1, x2, x3, x4)" };

const jumps = (name, where = "") => `${name} jumps${where}, and a network is continuous; a steep ramp comes near it, such as ${JUMPS[name] ?? (name === "sign" ? "clamp(100*x, -1, 1)" : "clamp(100*x, 0, 1)")}.`;

/** Of some words the nearest to one that is none of them; nothing where none is near. */
function nearest(word, words) {
  const off = (a, b) => {
    let row = [...b, ""].map((_, j) => j);
    for (const [i, c] of [...a].entries()) {
      row = row.reduce((next, _, j) => [...next, j === 0 ? i + 1 : Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (c === b[j - 1] ? 0 : 1))], []);
    }
    return row[b.length];
  };
  const [best] = words.map((w) => [off(word, w), w]).sort(([a], [b]) => a - b);
  return best[0] <= word.length / 3 ? best[1] : "";
}

// ------------------------------------------------------------------------------------- reading

const CLOSES = { "(": ")", "[": "]" };

/** One text's tokens, read from left to right. */
class Reading {
  constructor(text, inputs) {
    this.text = text;
    this.list = tokens(text);
    this.at = 0;
    this.looks = 0;
    this.spent = { work: 0 }; // on choices
    this.depth = 0;
    this.inputs = inputs; // how many there are; null where the text says so
    this.used = []; // the variables' names in the order in which they come
    this.bars = 0; // that are open here
    this.jumping = ""; // a name that jumps
  }

  get next() {
    if ((this.looks += 1) > LOOKS) throw new Unclear(much("read"));
    return this.list[this.at] ?? {};
  }
  take(sign) {
    if (this.next.sign !== sign) return false;
    this.at += 1;
    return true;
  }
  /** What is wrong with a token, or with what is missing where it stands. */
  fail(message, token = this.next) {
    const end = this.text.length;
    throw new Unclear(message, token.at ?? end, token.to ?? end);
  }
  misplaced() {
    if (this.at >= this.list.length) this.fail("Something is missing at the end.");
    const [before, here] = [this.list[this.at - 1], this.next];
    const ends = before && (before.sign === undefined ? !WORDS.includes(before.name) : ")]".includes(before.sign));
    if (here.sign === ")" || here.sign === "]") this.fail(ends ? `‘${here.text}’ closes no bracket.` : `Something is missing before ‘${here.text}’.`);
    const known = FUNCTIONS[ALIASES[before?.name?.toLowerCase()] ?? before?.name?.toLowerCase()];
    if (known && ends && here.sign === undefined) this.fail(`${before.name} takes its arguments in brackets, such as ${known[3]}.`);
    if (ends && (here.sign === undefined || here.sign === "(" || here.sign === "[")) this.fail(`An operation or a comma is missing between ‘${before.text}’ and ‘${here.text}’.`);
    if (here.sign === "%") this.fail(jumps("mod"));
    if (here.sign === "//") this.fail(jumps("floor"));
    if (here.sign === "|") this.fail("A bar | is without its partner.");
    if (/^[<>=!]/.test(here.sign ?? "")) this.fail(ends ? "This is true or false; a function has numbers, as in x if x > 0 else 0." : `Something is missing before ‘${here.text}’.`);
    this.fail(`Something is missing before ‘${here.text}’.`);
  }
  /** What an operation makes of what it was given; what is wrong with that is said of all of it. */
  made(from, make) {
    try {
      return bounded(make());
    } catch (error) {
      if (!(error instanceof Unclear) || error.at !== null) throw error;
      throw new Unclear(error.message, this.list[from].at, this.list[this.at - 1].to);
    }
  }
  number(node, from) {
    if (node.list) throw new Unclear(`${node.list.length} numbers can only stand alone.`, this.list[from].at, this.list[this.at - 1].to);
    return node;
  }
  /** Within a bracket: bars begin anew, and it closes. */
  within(open, read) {
    const { bars } = this;
    const opened = this.list[this.at - 1];
    this.bars = 0;
    if ((this.depth += 1) > DEEPEST) this.fail(`This is nested deeper than ${DEEPEST}.`);
    const found = read();
    this.depth -= 1;
    this.bars = bars;
    if (this.at >= this.list.length) throw new Unclear(`‘${opened.text}’ is never closed.`, opened.at, opened.to);
    if (!this.take(CLOSES[open])) this.misplaced();
    return found;
  }

  /** What commas separate; one alone as itself. */
  several(closing = "") {
    const found = [this.choice()];
    let comma = false;
    while (this.take(",")) {
      comma = true;
      if (closing && this.next.sign === closing) break;
      found.push(this.choice());
    }
    return comma ? { list: found } : found[0];
  }

  choice() {
    const from = this.at;
    const found = this.total();
    if (this.next.name !== "if") return found;
    this.at += 1;
    const test = this.at;
    const holds = this.condition();
    if (!holds) this.fail("‘if’ asks for a comparison, such as x > 0.", this.list[test]);
    if (this.next.name !== "else") this.fail("‘else’ is missing: what it is where the comparison is false.");
    this.at += 1;
    return bounded({ op: "cases", cases: [[this.number(found, from), holds], [this.number(this.choice(), this.at), null]] });
  }

  /** A comparison, or several joined by and, or; null for something else. */
  condition() {
    const join = (word, read) => {
      const found = [read()];
      while (this.next.name === word) {
        this.at += 1;
        found.push(read());
      }
      if (found.includes(null)) return null;
      return found.length === 1 ? found[0] : { [word === "and" ? "all" : "any"]: found };
    };
    return join("or", () => join("and", () => this.comparison()));
  }
  comparison() {
    const from = this.at;
    if (this.take("(")) {
      try {
        const found = this.condition();
        if (found && this.take(")") && !this.beside() && this.next.sign === undefined) return found;
        if (found && [",", ")"].includes(this.next.sign)) return found;
      } catch (error) {
        if (!(error instanceof Unclear)) throw error;
      }
      this.at = from;
    }
    const found = [];
    let left = this.total();
    for (let signs = COMPARED[this.next.sign]; signs; signs = COMPARED[this.next.sign]) {
      this.at += 1;
      const right = this.total();
      found.push({ left, right, signs });
      left = right;
    }
    if (!found.length) return null;
    return found.length === 1 ? found[0] : { all: found };
  }

  total() {
    let from = this.at;
    let found = this.term();
    for (;;) {
      const add = this.next.sign;
      if (add !== "+" && add !== "-") return found;
      this.number(found, from);
      this.at += 1;
      from = this.at;
      const other = this.number(this.term(), from);
      found = sum(found, add === "-" ? negative(other) : other);
    }
  }

  term() {
    const from = this.at;
    let found = this.signed();
    for (;;) {
      const beside = this.beside();
      const { sign } = this.next;
      if (!beside && sign !== "*" && sign !== "/") return found;
      this.number(found, from);
      if (!beside) this.at += 1;
      const start = this.at;
      const other = this.number(beside ? this.factor() : this.signed(), start);
      const left = found;
      found = this.made(from, () => (sign === "/" && !beside ? quotient(left, other) : product(left, other)));
    }
  }

  /** Whether a factor begins right behind a number or a bracket: 2x, 3(x + 1), 2|x|. */
  beside() {
    const before = this.list[this.at - 1];
    const { name, sign, number } = this.next;
    const opens = (name !== undefined && !WORDS.includes(name)) || sign === "(" || (sign === "|" && this.bars === 0);
    if (before.number !== undefined) return opens;
    return before.sign === ")" && (opens || number !== undefined);
  }

  signed() {
    const from = this.at;
    if (!this.take("-") && !this.take("+")) return this.factor();
    if ((this.depth += 1) > DEEPEST) this.fail(`This is nested deeper than ${DEEPEST}.`);
    const found = this.number(this.signed(), from + 1);
    this.depth -= 1;
    return this.list[from].sign === "-" ? negative(found) : found;
  }

  factor() {
    const from = this.at;
    const found = this.atom();
    if (!this.take("**")) return found;
    const start = this.at;
    const exponent = this.number(this.signed(), start);
    return this.made(from, () => power(this.number(found, from), exponent));
  }

  atom() {
    const token = this.next;
    if (token.number !== undefined) {
      this.at += 1;
      const q = exactNumber(token.number.replaceAll("_", ""));
      const value = q && toNumber(...q);
      if (!q || !Number.isFinite(value) || (value === 0 && q[0] !== 0n)) this.fail(`‘${token.text}’ is outside the range of a double.`, token);
      return { q };
    }
    if (token.name !== undefined && !WORDS.includes(token.name)) {
      this.at += 1;
      if (token.name === "frac") return this.fraction();
      const called = this.next.sign === "(" && !/^[a-z]\d*$/i.test(token.name);
      return called ? this.call(token) : this.variable(token);
    }
    for (const open of ["(", "["]) if (this.take(open)) return this.within(open, () => this.several(CLOSES[open]));
    if (this.take("|")) return this.size(token);
    return this.misplaced();
  }

  /** |t|, after its first bar. */
  size(bar) {
    const from = this.at - 1;
    this.bars += 1;
    if ((this.depth += 1) > DEEPEST) this.fail(`This is nested deeper than ${DEEPEST}.`);
    const found = this.number(this.total(), from + 1);
    this.depth -= 1;
    this.bars -= 1;
    if (!this.take("|")) {
      if (this.at < this.list.length) this.misplaced();
      throw new Unclear("A bar | is without its partner.", bar.at, bar.to);
    }
    // |2|x| - 3| could be meant in two ways.
    if (this.next.number !== undefined || (this.next.name !== undefined && !WORDS.includes(this.next.name))) throw new Unclear("These bars | can be paired in two ways; write abs(...).", bar.at, this.list[this.at - 1].to);
    return absolute(found);
  }

  /** \frac{a}{b} */
  fraction() {
    const from = this.at - 1;
    const part = () => {
      if (!this.take("(")) this.misplaced();
      return this.number(this.within("(", () => this.total()), this.at - 1);
    };
    const [above, below] = [part(), part()];
    return this.made(from, () => quotient(above, below));
  }

  call(token) {
    const from = this.at - 1;
    const typed = token.name;
    const name = ALIASES[typed.toLowerCase()] ?? typed.toLowerCase();
    if (SMOOTH.includes(name)) this.fail(`${name} ${CURVED}`, token);
    if (name in JUMPS) this.fail(jumps(name), token);
    this.take("(");
    if (name === "piecewise" || name === "ite") return this.within("(", () => this.cases(name, typed));
    const known = STEPS[name] ? [1, 1, (a) => this.step(name, a)] : FUNCTIONS[name];
    if (!known) {
      const near = nearest(name, Object.keys({ ...FUNCTIONS, ...ALIASES }));
      this.fail(`There is an unknown function ‘${typed}’; ${near ? `did you mean ‘${near}’?` : `known are ${Object.keys(FUNCTIONS).join(", ")}.`}`, token);
    }
    const args = this.next.sign === ")" ? (this.at += 1, []) : this.within("(", () => this.args());
    const [fewest, most, make] = known;
    if (args.length < fewest || args.length > most) {
      const many = fewest === most ? `${fewest}` : most === INPUTS ? `at least ${fewest}` : `${fewest} to ${most}`;
      throw new Unclear(`${typed} takes ${many} argument${fewest === 1 ? "" : "s"}, got ${args.length}.`, token.at, this.list[this.at - 1].to);
    }
    if (name !== "interpolate" && args.some(({ list }) => list)) throw new Unclear(`${typed} takes numbers, got a list.`, token.at, this.list[this.at - 1].to);
    if (name === "interpolate" && args[0].list) {
      if (this.inputs > 1) throw new Unclear("interpolate takes what it is of first: interpolate(x1, (0, 0), (1, 2)).", token.at, this.list[this.at - 1].to);
      this.name("x");
    }
    return this.made(from, () => make(...args));
  }
  args() {
    const found = [this.choice()];
    while (this.take(",") && this.next.sign !== ")") found.push(this.choice());
    return found;
  }
  step(name, a) {
    if (isConstant(a)) return { q: name === "sign" ? [BigInt(signOf(a.q)), 1n] : [BigInt(signOf(a.q)) + 1n, 2n] };
    this.jumping ||= name;
    return { op: STEPS[name], args: [a] };
  }
  /** Piecewise((value, condition), ..., (value, True)) or ITE(condition, value, other). */
  cases(name, typed) {
    if (name === "ite") {
      const test = this.next;
      const holds = this.condition();
      if (!holds) this.fail("This is no comparison, such as x > 0.", test);
      const values = [];
      while (this.take(",")) values.push(this.number(this.choice(), this.at - 1));
      if (values.length !== 2) this.fail(`${typed} takes 3 arguments, got ${values.length + 1}.`);
      return { op: "cases", cases: [[values[0], holds], [values[1], null]] };
    }
    const found = [];
    do {
      if (!this.take("(")) this.fail(`${typed} takes cases such as (x, x > 0) and (0, True).`);
      found.push(this.within("(", () => {
        const value = this.number(this.choice(), this.at - 1);
        if (!this.take(",")) this.misplaced();
        if (this.next.name === "True") {
          this.at += 1;
          return [value, null];
        }
        const test = this.next;
        return [value, this.condition() ?? this.fail("This is no comparison, such as x > 0.", test)];
      }));
    } while (this.take(","));
    if (found[found.length - 1][1] !== null) this.fail(`${typed} ends with a case for all other inputs, such as (0, True).`);
    return { op: "cases", cases: found };
  }

  /** The place of a variable among those that have come. */
  name(name) {
    if (!this.used.includes(name)) this.used.push(name);
    return { name };
  }
  variable(token) {
    const { name, text } = token;
    const lower = name.toLowerCase();
    if (this.inputs === null ? /^[a-z]\d{0,4}$/i.test(name) : /^x([1-9]\d*)?$/i.test(name)) {
      if (this.inputs === null) return this.name(name);
      const index = Number(lower.slice(1) || 1) - 1;
      if (index < this.inputs && (lower !== "x" || this.inputs === 1)) return { index };
    }
    const known = FUNCTIONS[ALIASES[lower] ?? lower];
    if (known) this.fail(this.next.sign === undefined && this.at < this.list.length ? `${name} takes its arguments in brackets, such as ${known[3]}.` : `${name} is a function: write what it is of, such as ${known[3]}.`, token);
    if (lower in JUMPS || lower in STEPS) this.fail(jumps(lower), token);
    if (SMOOTH.includes(lower)) this.fail(`${lower} is not read here: numbers are fractions, and functions have straight pieces.`, token);
    const factors = /^([a-z]\d*)([a-z]\d*)$/i.exec(name);
    const more = factors ? `; a product is written ${factors[1]}*${factors[2]}` : "";
    const inputs = this.inputs === null ? "Variables are single letters, or x1, x2, ..." : this.inputs === 1 ? "The input is called x" : `The inputs are called ${Array.from({ length: this.inputs }, (_, i) => `x${i + 1}`).join(", ")}`;
    this.fail(`There is an unknown name ‘${text}’. ${inputs}${more}.`.replace("....", "..."), token);
  }
}

const COMPARED = { __proto__: null, ">": [1], ">=": [0, 1], "<": [-1], "<=": [-1, 0], "==": [0], "!=": [-1, 1] };

/** The inputs in order, by the names that have been used: as `positions` of language.py has it. */
function positions(used) {
  const odd = used.find((name) => /^x0\d/.test(name));
  if (odd) throw new Unclear(`Inputs are called x, or x1, x2, ... counted from 1, not ${odd}.`);
  if (!used.length) return ["x"];
  const numbered = used.every((name) => /^x\d+$/.test(name));
  if (numbered) {
    const from = used.includes("x0") ? 0 : 1;
    const last = Math.max(...used.map((name) => Number(name.slice(1))));
    if (last + 1 - from > INPUTS) throw new Unclear(`There are at most ${INPUTS} inputs, not x${last}.`);
    return Array.from({ length: last + 1 - from }, (_, i) => `x${i + from}`);
  }
  if (used.includes("x") && used.some((name) => /^x\d/.test(name))) throw new Unclear("The inputs are x, or x1, x2, ...; here is ‘x’ beside x1, x2, ...");
  if (new Set(used.map((name) => name[0])).size === 1 && used.every((name) => name.length > 1)) return [...used].sort((a, b) => a.slice(1) - b.slice(1));
  return used;
}

function tree(node, names) {
  if (node.name !== undefined) return { index: names.indexOf(node.name) };
  if (node.list) return { list: node.list.map((part) => tree(part, names)) };
  if (node.cases) return { op: "cases", cases: node.cases.map(([value, holds]) => [tree(value, names), condition(holds, names)]) };
  if (node.args) return { op: node.op, args: node.args.map((part) => tree(part, names)) };
  return node.alone ? { index: names.indexOf("x") } : node;
}
function condition(holds, names) {
  if (holds === null) return null;
  if (holds.all) return { all: holds.all.map((part) => condition(part, names)) };
  if (holds.any) return { any: holds.any.map((part) => condition(part, names)) };
  return { left: tree(holds.left, names), right: tree(holds.right, names), signs: holds.signs };
}

function plain(node) {
  if (node.index !== undefined) return { op: "var", index: node.index };
  if (!isConstant(node)) return { op: node.op, args: node.args.map(plain) };
  const [n, d] = node.q;
  const value = toNumber(n, d);
  const text = written(node.q);
  if (!Number.isFinite(value) || (value === 0 && n !== 0n) || text.length > LONGEST) throw new Unclear("A number in it is too large or too close to 0 to compute with.");
  const [m, e] = floatToRational(value);
  return m * d === n * e ? { op: "const", value } : { op: "const", value, text };
}

/** What is chosen by comparisons as maxima. */
function settled(node, names, reading) {
  if (!chooses(node)) return node;
  try {
    return joined(node, names, reading.spent);
  } catch (error) {
    if (error instanceof NotStraight) throw new Unclear("A choice must be between a few pieces that are all straight.");
    if (!(error instanceof Jump)) throw error;
    throw new Unclear(jumps(reading.jumping || "This", `, ${error.message}`));
  }
}

/**
 * The function that a text spells.
 *
 * @param {string} text such as "max(x1, x2) - 1/2", "|x| + 2x".
 * @param {number|null} [inputs] how many inputs the network has: x, or x1, x2, ...; by default those that the text
 *   has, by any letters, and as many outputs as it separates by commas.
 * @returns {object} a target for mathematics.mjs; `names` are those of the inputs as they were typed.
 * @throws {Unclear} with a sentence that says what is wrong, and where.
 */
export function parseExpression(text, inputs = null) {
  if (!text.trim()) throw new Unclear("There is no function yet.");
  if (text.length > LONGEST) throw new Unclear(`The text has ${text.length} characters; at most ${LONGEST} are read.`);
  const known = inputs === null && Object.hasOwn(CATALOGUE, text.trim()) ? CATALOGUE[text.trim()] : text;
  const reading = new Reading(known, inputs);
  const found = reading.several();
  if (reading.at < reading.list.length) reading.misplaced();
  const names = inputs === null ? positions(reading.used) : Array.from({ length: inputs }, (_, i) => (inputs === 1 ? "x" : `x${i + 1}`));
  const parts = (found.list ?? [found]).flatMap((part) => part.list ?? [part]);
  if (parts.some(({ list }) => list)) throw new Unclear("A list in a list is not read.");
  if (inputs !== null && parts.length > 1) throw new Unclear(`One number is asked for, not ${parts.length}.`);
  const outputs = parts.map((part) => plain(settled(tree(part, names), names, reading)));
  return { n_inputs: names.length, n_outputs: outputs.length, outputs, name: text, text, names };
}
