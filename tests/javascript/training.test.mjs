// What a descent says of itself is true of the weights that it has now.

import assert from "node:assert/strict";
import test from "node:test";
import { Descent } from "../../circuitkit/widget/static/training.mjs";
import { initialWeights } from "../../circuitkit/widget/static/mathematics.mjs";

const x = { op: "var", index: 0 };
const make = (n, tree) => ({ n_inputs: n, n_outputs: 1, outputs: [tree] });
const identity = make(1, x);
const descent = (net, target, { bias = false } = {}) => new Descent(net, { target, solved: 1e-3 }, { bias });
const flat = (hidden, output) => ({ weights: [hidden.map((w) => [w]), [output]], biases: [hidden.map(() => 0), [0]] });

test("a network that leaves its target again is no longer solved", () => {
  const run = descent(initialWeights([1, 2, 1], 1), identity);
  run.run(400, 0.1, Infinity);
  assert.ok(run.solved);
  assert.match(run.words(), /^solved/);
  run.status = "moving";
  let lost = 0;
  for (let k = 0; k < 60 && !run.ended; k += 1) {
    run.run(1, 5);
    const { weights: [[[a], [b]], [[c, d]]] } = run.network();
    const off = [1, -1].map((s) => Math.abs(Math.max(a * s, 0) * c + Math.max(b * s, 0) * d - s));
    assert.equal(run.solved, Math.max(...off) <= 1e-3);
    if (!run.solved) lost += 1;
  }
  assert.ok(lost > 0);
  assert.doesNotMatch(run.words(), /^solved/);
});

test("a descent that diverges is not solved, whatever it was before", () => {
  const run = descent(flat([1, -1], [1, -1.00001]), identity);
  assert.ok(run.solved);
  run.run(500, 90, Infinity);
  assert.equal(run.status, "diverged");
  assert.equal(run.solved, false);
  assert.match(run.words(), /^diverged/);
  const huge = descent(flat([1e200, -1e200], [1e200, 1e200]), identity);
  assert.equal(huge.loss, Infinity);
  huge.run(3, 0.1, Infinity);
  assert.deepEqual([huge.status, huge.loss], ["diverged", Infinity]);
});

test("weights that are right at the start are called so, and the loss is theirs", () => {
  assert.match(descent(flat([1, -1], [1, -1]), identity).words(), /^solved/);
  const run = descent(initialWeights([1, 2, 1], 1), identity);
  run.run(3, 0.1, Infinity);
  assert.equal(run.loss, descent(run.network(), identity).loss);
});

/** As if the loss had stopped falling at these weights. */
function stuck(net, target, options) {
  const run = descent(net, target, options);
  run.status = "stuck";
  return run;
}

test("with biases it is said where units are off, and those that come on there are not counted", () => {
  const clamp = make(1, { op: "max", args: [{ op: "const", value: -1 }, { op: "min", args: [{ op: "const", value: 1 }, x] }] });
  const net = (biases) => ({ weights: [[[-0.39], [0.7]], [[0.5, 0.5]]], biases: [biases, [0]] });
  const both = stuck(net([-0.69, -0.94]), clamp, { bias: true });
  assert.equal(both.words(), "stuck: 2 hidden units are off for every input from −1 to 1");
  // The second one is on for x > 0.9993: beyond the last of the training's points.
  const one = stuck(net([-0.69, -0.6995]), clamp, { bias: true });
  assert.ok(Math.max(...one.rule.points.map(([v]) => v)) < 0.9993);
  assert.equal(one.words(), "stuck: a hidden unit is off for every input from −1 to 1");
  assert.equal(stuck(net([0.1, 0.1]), clamp, { bias: true }).words(), "stuck: the loss has stopped falling");
});

test("without biases a unit that is off is off for every input, in deeper layers too", () => {
  assert.equal(stuck(flat([1, 1], [1, 0.5]), identity).words(), "stuck: the loss has stopped falling");
  const sum = make(2, { op: "add", args: [{ op: "var", index: 0 }, { op: "var", index: 1 }] });
  const deep = (row) => ({ weights: [[[1, 0], [0, 1]], [row, [1, 1]], [[1, 0.5]]], biases: [[0, 0], [0, 0], [0]] });
  assert.equal(stuck(deep([-1, -2]), sum).words(), "stuck: a hidden unit is off for every input");
  // On in a cone that lies between two of the training's directions.
  const cone = [[0.01, -1, -1], [1, 1, 1]];
  const narrow = stuck({ weights: [[[1, 0], [0, 1], [0, -1]], cone, [[1, 0.5]]], biases: [[0, 0, 0], [0, 0], [0]] }, sum);
  assert.ok(narrow.rule.points.every(([a, b]) => 0.01 * Math.max(a, 0) < Math.abs(b)));
  assert.equal(narrow.words(), "stuck: the loss has stopped falling");
});
