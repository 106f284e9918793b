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
});

test("weights that are right at the start are called so, and the loss is theirs", () => {
  assert.match(descent(flat([1, -1], [1, -1]), identity).words(), /^solved/);
  const run = descent(initialWeights([1, 2, 1], 1), identity);
  run.run(3, 0.1, Infinity);
  assert.equal(run.loss, descent(run.network(), identity).loss);
});
