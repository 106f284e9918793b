/**
 * A piecewise-linear function as a reader types it, read into the tree that mathematics.mjs computes with.
 *
 * The language is that of `ck.target` (circuitkit/functions/language.py), without what is not piecewise
 * linear: + - * /, |t|, abs, min, max, relu, clamp, hat, mean and median; 2x is 2*x. Nothing of the text
 * is ever run. Numbers stay exact: 1/3 is one third, 0.1 one tenth.
 */
import * as maths from "./mathematics.mjs";

const { exactNumber, floatToRational, plus, times, toNumber } = maths;

/** What cannot be read, in words for who typed it. */
export class Unclear extends Error {}

const LONGEST = 400; // characters of a text, and of a number that has come out of it
const SORTED = 5; // numbers of which a median is written out
const ONE = [1n, 1n];
const MINUS = [-1n, 1n];

const TOKEN = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([a-z_]\w*)|(\*\*|[-+*/^(),|]))/iy;

function tokens(text) {
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new Unclear(`“${text.slice(from).trim().slice(0, 12)}” is not understood here.`);
    const [, number, name, sign] = match;
    found.push(number ? { number } : name ? { name } : { sign });
  }
  return found;
}

const DIGITS = "₀₁₂₃₄₅₆₇₈₉";

/** Signs as keyboards and pages have them, in the plain ones; x_1 and x₁ are x1. */
function plain(text) {
  return text
    .replace(/[−–]/g, "-").replace(/[·⋅×]/g, "*").replace(/÷/g, "/").replace(/∣/g, "|")
    .replace(/[₀-₉]/g, (d) => String(DIGITS.indexOf(d)))
    .replace(/\bx_\{?(\d+)\}?/gi, "x$1")
    .trim();
}

// A node is {q: rational}, {index} or {op, args}, with op one of add, mul (a constant first), abs, min, max.

const isConstant = (node) => node.q !== undefined;
const negative = (node) => product({ q: MINUS }, node);
const signOf = ([n]) => (n > 0n ? 1 : n < 0n ? -1 : 0);
const less = (p, q) => p[0] * q[1] < q[0] * p[1];

function sum(...args) {
  return args.every(isConstant) ? { q: args.reduce((s, { q }) => plus(s, q), [0n, 1n]) } : { op: "add", args };
}

function product(a, b) {
  if (isConstant(a) && isConstant(b)) return { q: times(a.q, b.q) };
  if (isConstant(b)) return product(b, a);
  if (!isConstant(a)) throw new Unclear("A product of two things that vary is curved: no ReLU network computes it.");
  if (b.op === "mul") return product({ q: times(a.q, b.args[0].q) }, b.args[1]);
  return signOf(a.q) === 1 && a.q[0] === a.q[1] ? b : { op: "mul", args: [a, b] };
}

function quotient(a, b) {
  if (!isConstant(b)) throw new Unclear("Division by something that varies is curved: no ReLU network computes it.");
  const [n, d] = b.q;
  if (n === 0n) throw new Unclear("Something is divided by 0.");
  return product({ q: n < 0n ? [-d, -n] : [d, n] }, a);
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
  const chosen = (from, left) =>
    left === 0 ? [[]] : values.slice(from).flatMap((v, i) => chosen(from + i + 1, left - 1).map((rest) => [v, ...rest]));
  return extremum("min", chosen(0, k).map((some) => extremum("max", some)));
}

const half = (node) => product({ q: [1n, 2n] }, node);
const ZERO = { q: [0n, 1n] };

/** name -> [fewest, most arguments, what it makes of them] */
const FUNCTIONS = {
  abs: [1, 1, absolute],
  min: [1, 99, (...args) => extremum("min", args)],
  max: [1, 99, (...args) => extremum("max", args)],
  relu: [1, 1, (a) => extremum("max", [a, ZERO])],
  clamp: [3, 3, clamped],
  clip: [3, 3, clamped],
  hat: [1, 1, (a) => extremum("max", [sum({ q: ONE }, negative(absolute(a))), ZERO])],
  mean: [1, 99, (...args) => product({ q: [1n, BigInt(args.length)] }, sum(...args))],
  median: [1, SORTED, (...args) => {
    const n = args.length;
    const middle = smallest(Math.floor((n + 1) / 2), args);
    return n % 2 ? middle : half(sum(middle, smallest(n / 2 + 1, args)));
  }],
};

function clamped(a, low, high) {
  if (isConstant(low) && isConstant(high) && less(high.q, low.q)) throw new Unclear("clamp(t, low, high) takes the lower end first.");
  return extremum("min", [extremum("max", [a, low]), high]);
}

const SMOOTH = /^(sin|cos|tan|tanh|exp|log|ln|sqrt|sigmoid|softplus|norm|gelu|pi|e)$/;
const JUMP = /^(sign|step|heaviside|floor|ceil|round|mod)$/;

/** One text's tokens, read from left to right. */
class Reading {
  constructor(list, inputs) {
    this.list = list;
    this.at = 0;
    this.inputs = inputs;
    this.bars = 0; // that are open here
  }

  get next() {
    return this.list[this.at] ?? {};
  }
  take(sign) {
    if (this.next.sign !== sign) return false;
    this.at += 1;
    return true;
  }
  expect(sign) {
    if (!this.take(sign)) throw new Unclear(this.at < this.list.length ? `Expected “${sign}” before “${this.shown()}”.` : `A “${sign}” is missing at the end.`);
  }
  shown() {
    const { number, name, sign } = this.next;
    return number ?? name ?? sign ?? "the end";
  }

  total() {
    let found = this.term();
    for (;;) {
      if (this.take("+")) found = sum(found, this.term());
      else if (this.take("-")) found = sum(found, negative(this.term()));
      else return found;
    }
  }

  term() {
    let found = this.signed();
    for (;;) {
      if (this.take("*")) found = product(found, this.signed());
      else if (this.take("/")) found = quotient(found, this.signed());
      else if (this.beside()) found = product(found, this.factor());
      else return found;
    }
  }

  /** Whether a factor begins right behind a number or a bracket: 2x, 3(x + 1), 2|x|. */
  beside() {
    const before = this.list[this.at - 1];
    const { name, sign, number } = this.next;
    const opens = name !== undefined || sign === "(" || (sign === "|" && this.bars === 0);
    if (before.number !== undefined) return opens;
    return before.sign === ")" && (opens || number !== undefined);
  }

  signed() {
    if (this.take("-")) return negative(this.signed());
    if (this.take("+")) return this.signed();
    return this.factor();
  }

  factor() {
    const found = this.atom();
    if (this.next.sign === "^" || this.next.sign === "**") throw new Unclear("A power is curved: no ReLU network computes it.");
    return found;
  }

  atom() {
    const { number, name } = this.next;
    if (number !== undefined) {
      this.at += 1;
      const q = exactNumber(number);
      if (!q) throw new Unclear(`“${number}” is too large or too close to 0 to compute with.`);
      return { q };
    }
    if (name !== undefined) {
      this.at += 1;
      return this.list[this.at]?.sign === "(" && !/^x\d*$/i.test(name) ? this.call(name.toLowerCase()) : this.variable(name);
    }
    if (this.take("(")) {
      const open = this.bars;
      this.bars = 0;
      const found = this.total();
      this.bars = open;
      this.expect(")");
      return found;
    }
    if (this.take("|")) {
      this.bars += 1;
      const found = this.total();
      this.bars -= 1;
      this.expect("|");
      // |2|x| - 3| could be meant in two ways.
      if ((this.next.name ?? this.next.number) !== undefined) throw new Unclear("Bars | that can be paired in two ways: write abs(...).");
      return absolute(found);
    }
    throw new Unclear(this.at < this.list.length ? `Something is missing before “${this.shown()}”.` : "Something is missing at the end.");
  }

  call(name) {
    if (SMOOTH.test(name)) throw new Unclear(`${name} is curved: no ReLU network computes it.`);
    if (JUMP.test(name)) throw new Unclear(`${name} jumps, and a network is continuous.`);
    const known = FUNCTIONS[name];
    if (!known) throw new Unclear(`“${name}” is not known here; ${Object.keys(FUNCTIONS).join(", ")} are.`);
    this.expect("(");
    const open = this.bars;
    this.bars = 0;
    const args = [this.total()];
    while (this.take(",")) args.push(this.total());
    this.bars = open;
    this.expect(")");
    const [fewest, most, make] = known;
    if (args.length < fewest || args.length > most) {
      throw new Unclear(`${name} takes ${fewest === most ? fewest : most > SORTED ? `at least ${fewest}` : `${fewest} to ${most}`}, not ${args.length}.`);
    }
    return make(...args);
  }

  variable(name) {
    const { inputs } = this;
    const expected = inputs === 1 ? "The input is called x." : `The inputs are called ${Array.from({ length: inputs }, (_, i) => `x${i + 1}`).join(", ")}.`;
    const lower = name.toLowerCase();
    if (inputs === 1 && (lower === "x" || lower === "x1")) return { index: 0 };
    const match = /^x([1-9]\d?)$/.exec(lower);
    if (match && Number(match[1]) <= inputs) return { index: Number(match[1]) - 1 };
    if (lower in FUNCTIONS) throw new Unclear(`Write what ${lower} is of, in brackets.`);
    throw new Unclear(`“${name}” is not known here. ${expected}`);
  }
}

function tree(node) {
  if (node.index !== undefined) return { op: "var", index: node.index };
  if (!isConstant(node)) return { op: node.op, args: node.args.map(tree) };
  const [n, d] = node.q;
  const value = toNumber(n, d);
  const text = d === 1n ? String(n) : `${n}/${d}`;
  if (!Number.isFinite(value) || (value === 0 && n !== 0n) || text.length > LONGEST) throw new Unclear("A number in it is too large or too close to 0 to compute with.");
  const [m, e] = floatToRational(value);
  return m * d === n * e ? { op: "const", value } : { op: "const", value, text };
}

/**
 * The function that a text spells, of a network's inputs.
 *
 * @param {string} text such as "max(x1, x2) - 1/2", "|x| + 2x".
 * @param {number} inputs how many inputs the network has: x, or x1, x2, ...
 * @returns {object} a target for mathematics.mjs.
 * @throws {Unclear} with a sentence that says what is wrong.
 */
export function parseExpression(text, inputs) {
  if (!text.trim()) throw new Unclear("There is no function yet.");
  if (text.length > LONGEST) throw new Unclear(`The text has ${text.length} characters; at most ${LONGEST} are read.`);
  const list = tokens(plain(text));
  const reading = new Reading(list, inputs);
  const found = reading.total();
  if (reading.at < list.length) throw new Unclear(`Something is missing before “${reading.shown()}”.`);
  return { n_inputs: inputs, n_outputs: 1, outputs: [tree(found)], name: text, text };
}
