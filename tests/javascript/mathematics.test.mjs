// What needs no oracle in Python: node --test tests/javascript/mathematics.test.mjs (pytest runs it).

import assert from "node:assert/strict";
import test from "node:test";
import { formula } from "../../circuitkit/widget/static/dom.mjs";
import { parseExpression } from "../../circuitkit/widget/static/expression.mjs";
import { expressionText } from "../../circuitkit/widget/static/gallery.mjs";
import * as maths from "../../circuitkit/widget/static/mathematics.mjs";
import { exactText } from "../../circuitkit/widget/static/naming.mjs";

const x = { op: "var", index: 0 };
const [x1, x2, x3, x4] = [0, 1, 2, 3].map((index) => ({ op: "var", index }));
const constant = (value, text) => ({ op: "const", value, ...(text && { text }) });
const make = (n, tree, text) => ({ n_inputs: n, n_outputs: 1, outputs: [tree], text });
const identity = make(1, x, "x");
const absolute = make(1, { op: "abs", args: [x] }, "|x|");
const minimum = make(2, { op: "min", args: [x1, x2] }, "min(x1, x2)");

const pair = (hidden, output, biases = [[0, 0], [0]]) => ({
  weights: [hidden.map((w) => [w]), [output]],
  biases,
});
const say = (found, name, rest = {}) => maths.words(found, { name, names: ["x"], tolerance: 1e-9, ...rest });
const right = pair([1, -1], [1, -1]);
const min3 = { weights: [[[1, 0], [-1, 0], [1, -1]], [[1, -1, -1]]], biases: [[0, 0, 0], [0]] };

// ---------------------------------------------------------------------------------- numbers

test("decimals, fractions and true minus signs are read", () => {
  const read = {
    "1/3": 1 / 3, "-0.9192": -0.9192, "1e-3": 0.001, "−2": -2, " 5 ": 5, "+3": 3, ".5": 0.5, "5.": 5,
    "−1 / 4": -0.25, "1/-4": -0.25, "-1/-4": 0.25, "0.1/0.3": 1 / 3, "1E2": 100, "–2": -2, "-0": 0,
    "5e-324": 5e-324, "9007199254740993": 9007199254740992, "1.7976931348623157e308": 1.7976931348623157e308,
  };
  for (const [text, value] of Object.entries(read)) assert.equal(maths.parseNumber(text), value, text);
});

test("what is no finite number is NaN", () => {
  for (const text of [
    "", " ", "x", "1/0", "0/0", "1/", "/3", "1/2/3", "1,5", "0x10", "1e400", "Infinity", "NaN", "--1", "1 2",
    "1e", "e5", ".", "1e-400", "1e99999999999", "9".repeat(500), "1_000", "½", "<b>1</b>", null, undefined, 3, {},
  ]) {
    assert.ok(Number.isNaN(maths.parseNumber(text)), String(text));
  }
});

test("a shown number is short and can be typed again", () => {
  const shown = {
    0: "0", 3: "3", [-3]: "−3", [1 / 3]: "0.3333", [-0.9192]: "−0.9192", 1e-17: "1e-17", [5.551115e-17]: "5.55e-17",
    123456: "123456", 1234567: "1.23e6", [2 / 3]: "0.6667", 1e21: "1e21", 12345.678: "12346", 123456.7: "123457", 999999.9: "1000000", 0.5: "0.5",
  };
  for (const [value, text] of Object.entries(shown)) assert.equal(maths.formatNumber(Number(value)), text);
  assert.equal(maths.formatNumber(-0), "0");
  assert.equal(maths.formatNumber(-Infinity), "−∞");
  assert.equal(maths.formatNumber(NaN), "?");
  for (let k = 0; k < 2000; k++) {
    const value = (Math.random() - 0.5) * 10 ** (40 * (Math.random() - 0.5));
    const again = maths.parseNumber(maths.formatNumber(value));
    assert.ok(Math.abs(again - value) <= 6e-3 * Math.abs(value), `${value} ${maths.formatNumber(value)}`);
  }
});

test("a number in a function's name is that number", () => {
  const named = {
    0: "0", [-1]: "−1", 0.5: "0.5", [-0.25]: "−0.25", 12345.5: "12345.5", [1 / 1024]: "1/1024", [1 / 65536]: "1/65536", 1234567: "1234567", 1000001: "1000001",
    9007199254740992: "9007199254740992", [-2049 / 2048]: "−2049/2048", 1e22: "1e22", [2 ** 99]: "2^99", [3 * 2 ** -60]: "3/2^60",
  };
  for (const [value, text] of Object.entries(named)) assert.equal(exactText(Number(value)), text);
  const near = { "1/3": "1/3", "-2/3": "−2/3", [`1${"0".repeat(23)}`]: "1e23", [`1/1${"0".repeat(30)}`]: "1e−30", "9007199254740993": "9007199254740993" };
  for (const [text, said] of Object.entries(near)) assert.equal(exactText(maths.parseNumber(text), text), said);
});

test("the name of a function is that function, to the last digit", () => {
  const named = {
    "x/65536": "1/65536 x", "x + 1/1024": "x + 1/1024", "x+1234567": "x + 1234567", "max(x,1000001)": "max(x, 1000001)", "x+9007199254740992": "x + 9007199254740992",
    "|x|*2049/2048": "2049/2048 |x|", "(1+1/2048)*2*x": "2049/1024 x", "1.0005*|x|": "2001/2000 |x|", "x - 1e-30": "x − 1e−30", "|x|/3 - 0.5": "1/3 |x| − 0.5",
  };
  for (const [text, said] of Object.entries(named)) assert.equal(formula(parseExpression(text).outputs[0], 1), said);
  const root = { op: "const", value: Math.SQRT2, rounded: true };
  assert.equal(formula({ op: "mul", args: [root, x] }, 1), "1.4142135623730951 x");
});

test("a power is a power, as Python spells it and in a tree", () => {
  const set = {
    "x**2": "x²", "3*x1**12 - x2": "3 x₁¹² − x₂", "(x1 - 1)**2": "(x₁ − 1)²", "x**(1/2)": "x^(1/2)", "x**(-3)": "x^(−3)", "x**2.5": "x^2.5",
    "2*x": "2 x", "max(-x, 0)": "max(−x, 0)",
  };
  for (const [text, said] of Object.entries(set)) assert.equal(expressionText(text), said);
  assert.equal(formula({ op: "pow", args: [x], power: 2 }, 1), "x²");
  assert.equal(formula({ op: "pow", args: [x], power: -1 }, 1), "x^(−1)");
});

// ---------------------------------------------------------------------------------- verdict

test("the identity is equal, and says so first", () => {
  const found = maths.verdict(right, identity);
  assert.deepEqual(found, {
    holds: true, status: "equal", error: 0, worst: null, ray: null, network: null, target: null,
    nRegions: 2, exact: true,
  });
});

test("a difference names the worst input and both values", () => {
  const found = maths.verdict(right, absolute);
  assert.equal(found.status, "different");
  assert.equal(found.error, 2);
  assert.deepEqual([found.worst, found.network, found.target, found.ray], [[-1], [-1], [1], null]);
  assert.equal(say(found, "|x|"), "Not |x|: at x = −1 it gives −1, not 1.");
});

test("two numbers that differ are shown with the digits in which they do", () => {
  assert.deepEqual(maths.apart(1, 2), ["1", "2"]);
  assert.deepEqual(maths.apart(0.9999999, 1), ["0.9999999", "1"]);
  assert.deepEqual(maths.apart(-1e7, -1e7 - 1), ["−1e7", "−1.0000001e7"]);
  assert.equal(maths.apart(5, 5), null);
  let v = 1 / 3;
  for (let k = 0; k < 500; k++) {
    v = (Math.random() - 0.5) * 10 ** Math.floor(600 * (Math.random() - 0.5));
    const next = v * (1 + 2 ** -52 * Math.ceil(Math.random() * 9));
    const [a, b] = maths.apart(v, next);
    assert.ok(a !== b && maths.parseNumber(a) !== maths.parseNumber(b), `${v} ${next} ${a} ${b}`);
  }
});

test("an input is told so nearly that the gap there is not in doubt", () => {
  const next = 1 + 2 ** -52;
  const found = { status: "different", holds: false, exact: true, error: 2 ** -52, worst: [next], network: [1 + 2 ** -51], target: [next] };
  assert.equal(say(found, "|x|"), "Not |x|: at x = 1.0000000000000002 it gives 1.0000000000000004, not 1.0000000000000002.");
  assert.equal(maths.placed(1 / 3, 1), "0.333");
  assert.equal(maths.placed(1 / 3, 1e-6), "0.3333333");
  for (let k = 0; k < 500; k++) {
    const v = (Math.random() - 0.5) * 10 ** Math.floor(600 * (Math.random() - 0.5));
    assert.equal(maths.parseNumber(maths.placed(v, 0)), v);
  }
});

test("equal is said of an error of 0 alone, and every within has its measure", () => {
  const of = (a, tolerance = 1e-9) => say(maths.verdict(pair([3, -1], [a, -1]), identity, { tolerance }), "x", { tolerance, scope: " yet" });
  assert.equal(of(0.3333333), "Not x yet: at x = 1 it gives 0.9999999, not 1.");
  assert.equal(of(1 / 3), "Within 1e-9 of x for every input, relative to the input's size beyond 1 (worst error 5.6e-17, from the rounding of its weights), checked on each of its 2 linear regions.");
  assert.equal(of((1 - 5e-10) / 3), "Within 1e-9 of x for every input, relative to the input's size beyond 1 (worst error 5e-10), checked on each of its 2 linear regions.");
  assert.equal(say(maths.verdict(pair([2, -2], [1 / 2, -1 / 2]), identity), "x"), "Equals x for every input, checked on each of its 2 linear regions.");
  assert.equal(
    say({ status: "undecided", holds: false, worst: null }, "y", { tolerance: 1e-3 }),
    "Within 0.001 of y for every input, relative to the input's size beyond 1, wherever it was tried; that is no proof.",
  );
  const loose = maths.verdict(min3, minimum, { exact: false, tolerance: 1e-9 });
  assert.match(maths.words(loose, { name: "f", names: ["a", "b"], tolerance: 1e-9 }), /^Within 1e-9 of f .*as far as floating point shows\.$/);
  // A gap below the last digit of the values themselves.
  const far = { status: "different", holds: false, exact: true, error: 1e-8, worst: [1], network: [1e10], target: [1e10] };
  assert.equal(say(far, "y"), "Not y: at x = 1 it is 1e-8 off.");
});

test("a domain restricts the question, at its very ends", () => {
  assert.ok(maths.verdict(right, absolute, { domain: [[0, 5]] }).holds);
  assert.ok(maths.verdict(right, absolute, { domain: [[0, null]] }).holds);
  const range = [[0, 5]];
  assert.equal(say(maths.verdict(right, absolute, { domain: range }), "|x|", { range }), "Equals |x| for 0 ≤ x ≤ 5, checked on its one linear region.");
  assert.equal(maths.whereIn([[null, 2], [null, null], [1, null]], ["a", "b", "c"]), "a ≤ 2, 1 ≤ c");
  const below = maths.verdict(right, absolute, { domain: [[-1e-3, 5]] });
  assert.deepEqual([below.holds, below.worst], [false, [-1e-3]]);
  assert.equal(below.error, 2e-3);
  const far = maths.verdict(right, absolute, { domain: [[null, -100]] });
  assert.deepEqual([far.holds, far.error, far.worst], [false, 2, [-100]]);
});

test("domains that are no domain are refused", () => {
  for (const domain of [[], [[1, 1]], [[2, 1]], [[NaN, 1]], "all", [[0, 1], [0, 1]]]) {
    assert.throws(() => maths.verdict(right, identity, { domain }), /domain: expected 1 pairs \[low, high\]/);
  }
});

test("a target of another width is refused", () => {
  assert.throws(() => maths.verdict(right, minimum), /target: expected 1 inputs and 1 outputs/);
});

test("a slope that is wrong only far out is found along a ray", () => {
  const kinked = pair([1, -1, 1], [1, -1, 0.25], [[0, 0, -1000], [0]]);
  const late = maths.verdict(kinked, identity);
  assert.deepEqual([late.holds, late.error, late.ray], [false, 0.25, [1]]);
  assert.ok(late.worst[0] > 1000 && late.network[0] !== late.target[0]);
});

test("an input that is said to refute does, however far out the network bends", () => {
  const far = { weights: [[[1, 1]], [[1]]], biases: [[1e17], [-1e17]] };
  const sum = make(2, { op: "add", args: [x1, x2] }, "x1 + x2");
  const found = maths.verdict(far, sum, { tolerance: 1e-9 });
  assert.equal(maths.words(found, { name: "x₁ + x₂", names: ["x₁", "x₂"], tolerance: 1e-9 }),
    "Not x₁ + x₂: at x₁ = −1e20, x₂ = −1e20 it gives −1e17, not −2e20.");
  const pool = [0, 1, -1, 0.1, 3, -1e9, 1e17, -1e17, 1e-17, 1e-9, -1e40, 1e200];
  let state = 1;
  const some = () => pool[(state = (state * 48271) % 2147483647) % pool.length];
  for (let k = 0; k < 400; k += 1) {
    const n = 1 + (k % 2);
    const rows = (m, w) => Array.from({ length: m }, () => Array.from({ length: w }, some));
    const net = { weights: [rows(2, n), rows(1, 2)], biases: [[some(), some()], [some()]] };
    for (const target of n === 1 ? [identity, absolute] : [sum, minimum]) {
      const { holds, worst } = maths.verdict(net, target, { tolerance: 1e-9 });
      if (holds || worst === null) continue;
      const size = Math.max(1, ...worst.map(Math.abs));
      assert.ok(maths.differenceAt(net, target, worst) > 1e-9 * size, JSON.stringify([net, target.text, worst]));
    }
  }
});

test("a third as a double is equal up to rounding", () => {
  const net = pair([3, -3], [1 / 3, -1 / 3]);
  const plain = maths.verdict(net, identity);
  assert.deepEqual([plain.holds, plain.status, plain.error], [false, "rounding", 2 ** -54]);
  net.weights[1][0][1] = -0.34;
  assert.equal(maths.verdict(net, identity).status, "different");
});

test("a tolerance admits the error, and not a hair more", () => {
  const off = pair([1, -1], [1, -1.25]);
  assert.deepEqual(maths.verdict(off, identity, { tolerance: 0.25 }).holds, true);
  assert.equal(maths.verdict(off, identity, { tolerance: 0.25 }).status, "within");
  assert.equal(maths.verdict(off, identity, { tolerance: 0.25 - 2 ** -54 }).holds, false);
});

test("a perturbation of one unit in the last place is seen", () => {
  for (const k of [0, 1, 2]) {
    const net = structuredClone(min3);
    net.weights[0][k][k === 1 ? 1 : 0] += 2 ** -52;
    const found = maths.verdict(net, minimum);
    assert.deepEqual([found.holds, found.status, found.exact], [false, "rounding", true]);
    assert.equal(found.error, 2 ** -52);
  }
});

test("while dragging, an answer near equality is marked as not certain", () => {
  assert.equal(maths.verdict(min3, minimum, { exact: false }).exact, false);
  assert.equal(maths.verdict(min3, minimum, { exact: false }).holds, true);
  assert.equal(maths.verdict(min3, make(2, x1, "x1"), { exact: false }).exact, true);
});

test("targets that are not piecewise linear are sampled and never called equal", () => {
  const sine = make(1, { op: "sin", args: [x] }, "sin(x)");
  const found = maths.verdict(right, sine);
  assert.deepEqual([found.holds, found.status, found.exact], [false, "different", true]);
  const square = make(1, { op: "pow", args: [{ op: "abs", args: [x] }], power: 1.0000000000001 }, "y");
  const close = maths.verdict(pair([1, -1], [1, 1]), square);
  assert.deepEqual([close.holds, close.status, close.exact], [false, "undecided", false]);
  assert.equal(maths.verdict(right, sine, { domain: [[0, 1]] }).worst[0], 1);
});

test("a constant without an exact fraction never gives exact equality", () => {
  const root = make(1, { op: "mul", args: [{ op: "const", value: Math.SQRT2, rounded: true }, x] }, "√2 x");
  const found = maths.verdict(pair([1, -1], [Math.SQRT2, -Math.SQRT2]), root);
  assert.deepEqual([found.holds, found.status], [false, "rounding"]);
});

test("a network too large to decide says so in good time", () => {
  const sizes = [8, 24, 24, 1];
  const net = maths.initialWeights(sizes, 1, { bias: true });
  const target = make(8, { op: "max", args: [x1, x2, x3, x4] }, "max");
  const found = maths.verdict(net, target);
  assert.deepEqual([found.holds, found.status], [false, "different"]);
  const zero = { weights: net.weights.map((rows, l) => (l < 2 ? rows : rows.map((r) => r.map(() => 0)))), biases: net.biases.map((b) => b.map(() => 0)) };
  const unsure = maths.verdict(zero, make(8, constant(0), "0"));
  assert.deepEqual([unsure.holds, unsure.exact], [false, false]);
  assert.deepEqual([unsure.status, unsure.worst], ["undecided", null]);
});

test("weights beyond the range of products are decided exactly", () => {
  const huge = pair([1e200, -1e200], [1e200, -1e200]);
  assert.equal(maths.verdict(huge, identity).holds, false);
  const scaled = pair([2 ** 600, -(2 ** 600)], [2 ** -600, -(2 ** -600)]);
  assert.equal(maths.verdict(scaled, identity).status, "equal");
  const tiny = pair([2 ** -1000, -(2 ** -1000)], [2 ** 1000, -(2 ** 1000)]);
  assert.equal(maths.verdict(tiny, identity).status, "equal");
});

test("weights that are not finite, as a diverged training leaves them, are told apart", () => {
  for (const bad of [NaN, Infinity]) {
    for (const net of [pair([bad, -1], [1, -1]), pair([1, -1], [1, -1], [[0, 0], [bad]])]) {
      const found = maths.verdict(net, identity);
      assert.deepEqual([found.holds, found.error, found.worst], [false, Infinity, null]);
      assert.equal(say(found, "x"), "The weights are no longer finite numbers.");
      maths.regions1d(net, identity, [-6, 6]);
    }
  }
});

test("all weights zero, and units that are never on, are no special case", () => {
  assert.deepEqual(maths.verdict(pair([0, 0], [0, 0]), identity).error, 1);
  const dead = pair([1, -1, 0], [1, -1, 7], [[0, 0, -1], [0]]);
  assert.equal(maths.verdict(dead, identity).status, "equal");
});

test("every linear layer alone, and several outputs, are understood", () => {
  const linear = { weights: [[[1, 0], [0, 2]]], biases: [[0, 0]] };
  const both = { n_inputs: 2, n_outputs: 2, outputs: [x1, { op: "mul", args: [constant(2), x2] }], text: "both" };
  assert.equal(maths.verdict(linear, both).status, "equal");
  const other = { ...both, outputs: [x1, { op: "mul", args: [constant(3), x2] }] };
  assert.deepEqual([maths.verdict(linear, other).error, maths.verdict(linear, other).holds], [1, false]);
});

test("fractions in a target are exact", () => {
  const third = make(1, { op: "mul", args: [constant(1 / 3, "1/3"), x] }, "x/3");
  const net = pair([1, -1], [1 / 3, -1 / 3]);
  assert.equal(maths.verdict(net, third).status, "rounding");
});

test("regions are counted as a reader counts them", () => {
  assert.equal(maths.verdict(right, identity).nRegions, 2);
  assert.equal(maths.verdict(pair([1, 1], [1, 0], [[0, -1], [0]]), absolute).nRegions, 3);
  assert.equal(maths.verdict(min3, minimum).nRegions, 4);
});

test("regions are where the target has kinks, not where its maxima are nested", () => {
  const counts = {
    "max(x1, x2, x3)": 3, "max(x1, max(x2, x3))": 3, "max(abs(x1), abs(x2))": 4, "max(0, x1, x2)": 3, "max(0, max(x1, x2))": 3,
    "max(0, max(abs(x1), abs(x2)) - 1)": 5, "max(0, 1 - max(abs(x1), abs(x2)))": 5,
    "max(min(x1, x2), min(x3, x4))": 4,
  };
  for (const [text, count] of Object.entries(counts)) {
    const f = parseExpression(text);
    const net = { weights: [[new Array(f.n_inputs).fill(0)]] };
    assert.equal(maths.verdict(net, f, { tolerance: 10 }).nRegions, count, text);
  }
  const bent = { weights: [[[1, 0, 0]], [[1]]] };
  assert.equal(maths.verdict(bent, parseExpression("max(x1, x2, x3)"), { tolerance: 2 }).nRegions, 6);
});

// ---------------------------------------------------------------------------------- regions

test("pieces of one input come from left to right and meet", () => {
  const net = pair([1, -1], [1, 2], [[-1, 0], [0.5]]);
  const pieces = maths.regions1d(net, absolute, [-6, 6]);
  assert.deepEqual(pieces.map((p) => [p.low, p.high]), [[-6, 0], [0, 1], [1, 6]]);
  assert.deepEqual(pieces.map((p) => p.net[0]), [[-2, 0.5], [0, 0.5], [1, -0.5]]);
  assert.deepEqual(pieces.map((p) => p.target[0]), [[-1, 0], [1, 0], [1, 0]]);
  assert.deepEqual(pieces.map((p) => p.active[0]), [[false, true], [false, false], [true, false]]);
});

test("polygons of two inputs cover the rectangle and agree with the network", () => {
  for (let seed = 0; seed < 20; seed++) {
    const net = maths.initialWeights([2, 5, 3, 1], seed, { bias: true });
    const pieces = maths.regions2d(net, minimum, [[-3, 5], [-1, 4]]);
    let area = 0;
    for (const { polygon, net: [[a, b, c]], target: [[d, e, f]] } of pieces) {
      polygon.forEach(([x, y], i) => {
        const [u, v] = polygon[(i + 1) % polygon.length];
        area += (x * v - u * y) / 2;
        assert.ok(Math.abs(a * x + b * y + c - maths.forward(net, [x, y]).out[0]) < 1e-12);
        assert.ok(Math.abs(d * x + e * y + f - Math.min(x, y)) < 1e-12);
      });
    }
    assert.ok(Math.abs(area - 40) < 1e-10);
  }
});

test("a plane follows the network with the other inputs held", () => {
  const net = maths.initialWeights([4, 6, 3, 1], 5, { bias: true });
  const min4 = make(4, { op: "min", args: [x1, x2, x3, x4] }, "min");
  const point = [0.3, -2, 1.5, 4];
  const plane = maths.regions2d(net, min4, [[-6, 6], [-6, 6]], { axes: [3, 1], at: point });
  for (const { polygon, net: [[a, b, c]] } of plane) {
    const [u, v] = polygon[0];
    assert.ok(Math.abs(a * u + b * v + c - maths.forward(net, [0.3, v, 1.5, u]).out[0]) < 1e-12);
  }
});

test("a target that is not piecewise linear leaves the network's own regions", () => {
  const pieces = maths.regions1d(right, make(1, { op: "sin", args: [x] }, "sin"), [-6, 6]);
  assert.deepEqual(pieces.map((p) => p.target), [null, null]);
});

// --------------------------------------------------------------------------------- training

test("frozen weights stay, whatever the gradient", () => {
  const net = maths.initialWeights([1, 2, 1], 3, { bias: true });
  const frozen = [[0, 1, 0], [1, 0, -1]];
  const machine = maths.trainer(net, maths.quadrature(identity, { bias: true }), { bias: true, frozen });
  for (let k = 0; k < 50; k++) machine.step(0.1);
  const after = machine.network();
  assert.equal(after.weights[0][1][0], net.weights[0][1][0]);
  assert.equal(after.biases[1][0], net.biases[1][0]);
  assert.notEqual(after.weights[0][0][0], net.weights[0][0][0]);
  assert.notEqual(after.biases[0][0], net.biases[0][0]);
});

test("without bias the biases stay zero, and rewinding gives the very same weights", () => {
  const start = maths.initialWeights([1, 2, 1], 11);
  const kept = structuredClone(start);
  const machine = maths.trainer(start, maths.quadrature(identity));
  const loss = machine.loss();
  assert.equal(machine.step(0.1), loss);
  assert.deepEqual(start, kept);
  assert.deepEqual(machine.network().biases, [[0, 0], [0]]);
  assert.deepEqual(maths.initialWeights([1, 2, 1], 11), kept);
});

test("seeds are whole numbers below 2^63", () => {
  assert.deepEqual(maths.initialWeights([1, 2, 1], 7), maths.initialWeights([1, 2, 1], "7"));
  assert.deepEqual(maths.initialWeights([1, 2, 1], 7), maths.initialWeights([1, 2, 1], 7n));
  assert.ok(maths.initialWeights([1, 1], "9223372036854775807"));
  for (const seed of [-1, 1.5, NaN, "x", "", 2 ** 60, 1n << 63n, "9223372036854775808", null]) {
    assert.throws(() => maths.initialWeights([1, 2, 1], seed), /seed: expected a whole number from 0 to 2\^63 - 1/);
  }
});

test("a sentence gives short numbers to the last digit and others so that their gap is true", () => {
  assert.deepEqual(maths.apart(-19983.5, 10000), ["−19983.5", "10000"]);
  assert.deepEqual(maths.apart(0.9375, 1), ["0.9375", "1"]);
  assert.deepEqual(maths.apart(1 / 3, 1), ["0.333", "1"]);
  assert.deepEqual(maths.apart(1.0025 + 1e-13, 1), ["1.0025", "1"]);
  assert.deepEqual(maths.apart(1 + 1 / 1024, 1), ["1.000977", "1"]);
  assert.equal(maths.spelled(0.015625), "0.015625");
  const random = (k) => Math.sin(12.9898 * k) * 43758.5453;
  for (let k = 1; k < 500; k += 1) {
    const a = (random(k) % 1) * 10 ** (k % 9);
    const b = a + (random(k + 1) % 1) * 10 ** ((k % 7) - 4);
    const [x, y] = maths.apart(a, b).map(maths.parseNumber);
    assert.ok(Math.abs(x - y - (a - b)) <= 0.00201 * Math.abs(a - b), `${a} ${b}`);
  }
});

// ------------------------------------------------------------------------------ output scale

test("an output scale is honoured exactly", () => {
  const third = { weights: [[[1], [-1]], [[1, 1]]], biases: [[0, 0], [0]], scale: "1/3" };
  const goal = make(1, { op: "mul", args: [constant(1 / 3, "1/3"), { op: "abs", args: [x] }] }, "abs(x)/3");
  assert.deepEqual(maths.forward(third, [-1]).out, [1 / 3]);
  assert.deepEqual(maths.exactForward(third, [-1]).out, [1 / 3]);
  assert.equal(maths.verdict(third, absolute).holds, false);
  assert.equal(maths.verdict(third, absolute).error, 2 / 3);
  assert.equal(maths.verdict(third, goal, { tolerance: 0 }).holds, true);
  assert.equal(maths.verdict({ ...third, scale: undefined }, goal, { tolerance: 0 }).holds, false);
});

test("around any point, however far out, there are the formulas of network and target", () => {
  const at = (net, target, x, axes = [0]) => maths.formulasAt(net, target, x, axes);
  for (const far of [6.5, 100, 1e300]) {
    assert.deepEqual(at(right, identity, [far]), { net: [[1, 0]], target: [[1, 0]] });
    assert.deepEqual(at(right, absolute, [-far]), { net: [[1, 0]], target: [[-1, 0]] });
  }
  // Of such sums no double has the rest.
  const later = make(1, { op: "max", args: [x, { op: "add", args: [x, constant(1, "1")] }] });
  assert.deepEqual(at(right, later, [1e300]).target, [[1, 1]]);
  const min = { weights: [[[1, 0], [-1, 0], [1, -1]], [[1, -1, -1]]], biases: [[0, 0, 0], [0]] };
  assert.deepEqual(at(min, minimum, [100, -7], [0, 1]), { net: [[0, 1, 0]], target: [[0, 1, 0]] });
  assert.deepEqual(at(min, minimum, [100, -7], [0]), { net: [[0, -7]], target: [[0, -7]] });
  assert.equal(at(right, make(1, { op: "pow", args: [x], power: 2 }), [9]).target, null);
  assert.deepEqual(at({ ...pair([2, -2], [3, 1], [[1, 0], [5]]), scale: "1/3" }, null, [7]).net, [[2, 8 / 3]]);
  // Where there are regions to draw, they are the same.
  const net = { weights: [[[1, -2], [0.5, 1], [-1, 0.25]], [[1, -1, 2], [0.5, 1, -1]], [[1, -2]]], biases: [[0.5, -1, 0], [0.25, 0], [1]] };
  for (const { polygon, net: rows, target } of maths.regions2d(net, minimum, [[-3, 3], [-3, 3]])) {
    const middle = [0, 1].map((k) => polygon.reduce((s, p) => s + p[k], 0) / polygon.length);
    const found = at(net, minimum, middle, [0, 1]);
    found.net[0].forEach((v, k) => assert.ok(Math.abs(v - rows[0][k]) < 1e-12));
    assert.deepEqual(found.target, target);
  }
});

test("a place where it fails is one where it fails, however far out that is", () => {
  const target = parseExpression("x");
  const question = { name: "x", names: ["x"], tolerance: 1e-9 };
  for (const bias of [1e100, 1e149, 1e150, 1e200, 1e304, 1e308, 1.7e308]) {
    const net = { weights: [[[1]], [[1]]], biases: [[bias], [-bias]] };
    const found = maths.verdict(net, target, { tolerance: 1e-9 });
    assert.equal(found.holds, false);
    assert.ok(maths.differenceAt(net, target, found.worst) > 1e-9 * Math.abs(found.worst[0]), String(bias));
    assert.match(maths.words(found, question), /^Not x: at x = −\S+ it gives −\S+, not −\S+\.$/);
  }
  const most = Number.MAX_VALUE;
  const found = maths.verdict({ weights: [[[1]], [[1]]], biases: [[most], [-most]] }, target, { tolerance: 1e-9 });
  assert.deepEqual([found.holds, found.worst], [false, null]);
  assert.equal(maths.words(found, question), "Not x: it fails beyond all doubles.");
});
