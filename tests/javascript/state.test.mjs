// What the reader may make of weights that are tied.

import assert from "node:assert/strict";
import test from "node:test";
import { State, toPython } from "../../circuitkit/widget/static/state.mjs";

const TIES = [[[0, 0, 0], [1, 0, 0], "inverse"], [[0, 1, 0], [1, 0, 1], "inverse"]];

function identity() {
  const values = { weights: [[[2], [-0.5]], [[0.5, -2]]], biases: [[0, 0], [0]], x: [3], ablated: [], frozen: [] };
  return new State(values, { ties: TIES, changed() {} });
}

test("a gesture stops where the partner leaves its slider", () => {
  for (const wanted of [0.3, 0, -0.1, -7]) {
    const state = identity();
    state.setWeight([0, 0, 0], wanted, "drag");
    assert.deepEqual([state.weights[0][0][0], state.weights[1][0][0]], [1 / 3, 3]);
    state.setWeight([1, 0, 1], -wanted, "drag");
    assert.equal(state.weights[0][1][0], 1 / state.weights[1][0][1]);
    assert.ok(state.weights[1][0][1] < 0);
    state.undo();
    state.undo();
    assert.deepEqual(state.weights, identity().weights);
  }
});

test("a number that breaks a tie changes nothing, one that keeps it may be small", () => {
  const state = identity();
  for (const wanted of [0, -0, -3, 1e-320]) {
    assert.match(state.refusal([0, 0, 0], wanted), /as 1\/w/);
    state.setWeight([0, 0, 0], wanted);
  }
  assert.deepEqual(state.weights, identity().weights);
  assert.equal(state.past.length, 0);
  state.setWeight([0, 0, 0], 0.1);
  assert.equal(state.weights[1][0][0], 10);
  state.setWeight([0, 0, 0], 0, "step");
  assert.equal(state.weights[0][0][0], 0.1);
});

test("weights of an address keep the ties or are refused", () => {
  const state = identity();
  assert.ok(state.keepsTies(state.weights));
  assert.ok(!state.keepsTies([[[2], [0]], [[0.5, -2]]]));
  assert.ok(!state.keepsTies([[[3], [-0.5]], [[0.5, -2]]]));
});

test("ties of ties move along", () => {
  const values = { weights: [[[1], [1], [-1]], [[1, 0, 0]]], biases: [[0, 0, 0], [0]], x: [1], ablated: [], frozen: [] };
  const state = new State(values, { ties: [[[0, 0, 0], [0, 1, 0], "equal"], [[0, 1, 0], [0, 2, 0], "opposite"]], changed() {} });
  state.setWeight([0, 0, 0], 0);
  assert.deepEqual(state.weights[0].map(([w]) => w + 0), [0, 0, 0]);
  state.setWeight([0, 2, 0], 5);
  assert.deepEqual(state.weights[0].flat(), [-5, -5, 5]);
});

test("the output scale stays through changes, cuts and copying", () => {
  const values = { weights: [[[1], [-1]], [[1, 1]]], biases: [[0, 0], [0]], x: [3], ablated: [[0, 1]], frozen: [] };
  const state = new State(values, { scale: "1/3", changed() {} });
  state.setWeight([0, 0, 0], 2);
  assert.deepEqual(state.network(), { weights: [[[2], [-1]], [[1, 0]]], biases: [[0, 0], [0]], scale: "1/3" });
  assert.equal(state.first().scale, "1/3");
  assert.equal(toPython(state.network()), 'ck.Network([[[2.0], [-1.0]], [[1.0, 0.0]]], scale="1/3")');
  assert.equal(toPython(identity().network()).includes("scale"), false);
});
