// How long the widget's mathematics takes while a weight is dragged.
//
//     node benchmarks/widget_mathematics.mjs
//
// Milliseconds of processor time, the median and the 95th percentile over networks that a reader
// meets: initial weights of many seeds (all regions in general position, the worst case), the circuit
// itself, and the circuit with one weight dragged. "exact" is the verdict in rational arithmetic
// alone; the verdict itself uses it only near equality. Writes
// benchmarks/results/widget_mathematics.json.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import * as maths from "../circuitkit/widget/static/mathematics.mjs";

const variable = (index) => ({ op: "var", index });
const minimum = (n) => ({
  n_inputs: n, n_outputs: 1, text: "min",
  outputs: [{ op: "min", args: Array.from({ length: n }, (_, i) => variable(i)) }],
});
const zeros = (weights) => weights.map((rows) => rows.map(() => 0));
const circuit = (weights) => ({ weights, biases: zeros(weights) });

const min2 = circuit([[[1, 0], [-1, 0], [1, -1]], [[1, -1, -1]]]);
const min4 = circuit([
  [[1, 0, 0, 0], [-1, 0, 0, 0], [1, -1, 0, 0], [0, 0, 1, 0], [0, 0, -1, 0], [0, 0, 1, -1]],
  [[1, -1, -1, 0, 0, 0], [-1, 1, 1, 0, 0, 0], [1, -1, -1, -1, 1, 1]],
  [[1, -1, -1]],
]);

function dragged(net, k) {
  const moved = structuredClone(net);
  moved.weights[0][k % moved.weights[0].length][0] += 0.01 * ((k % 50) + 1);
  return moved;
}

const scaled = (net, k) => {
  const c = 0.3 + (k % 17) / 10;
  const [first, second, ...rest] = net.weights;
  return {
    ...net,
    weights: [
      first.map((row, i) => (i ? row : row.map((w) => w * c))),
      second.map((row) => row.map((w, j) => (j ? w : w / c))),
      ...rest,
    ],
  };
};

const networks = {
  "2-3-1": [[2, 3, 1], minimum(2), min2],
  "4-6-3-1": [[4, 6, 3, 1], minimum(4), min4],
};

function measure(work, repeats) {
  for (let k = 0; k < Math.min(repeats, 100); k++) work(k);
  const times = [];
  for (let k = 0; k < repeats; k++) {
    const start = process.cpuUsage();
    work(k);
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
  }
  times.sort((a, b) => a - b);
  const at = (share) => Number(times[Math.floor(share * (times.length - 1))].toPrecision(3));
  return { median: at(0.5), p95: at(0.95), repeats };
}

const results = {};
for (const [name, [sizes, target, exact]] of Object.entries(networks)) {
  const n = sizes[0];
  const box = [[-6, 6], [-6, 6]];
  const seeds = Array.from({ length: 40 }, (_, s) => maths.initialWeights(sizes, s));
  const biased = Array.from({ length: 40 }, (_, s) => maths.initialWeights(sizes, s, { bias: true }));
  const point = new Array(n).fill(1);
  const work = {
    "verdict, initial weights": [(k) => maths.verdict(seeds[k % 40], target), 400],
    "verdict, initial weights and biases": [(k) => maths.verdict(biased[k % 40], target), 400],
    "verdict, one weight dragged": [(k) => maths.verdict(dragged(exact, k), target), 400],
    "verdict, the circuit": [() => maths.verdict(exact, target), 400],
    "verdict, the circuit with rounded inverses": [(k) => maths.verdict(scaled(exact, k), target), 200],
    "verdict, exact, initial weights": [(k) => maths.verdict(seeds[k % 40], target, { exact: true }), 40],
    "regions of two inputs": [(k) => maths.regions2d(seeds[k % 40], target, box, { at: point }), 400],
    "section along one input": [(k) => maths.section(seeds[k % 40], target, point, 0), 400],
  };
  const rule = maths.quadrature(target);
  const machine = maths.trainer(seeds[0], rule);
  work["100 steps of training"] = [
    () => {
      for (let k = 0; k < 100; k++) machine.step(0.1);
    },
    40,
  ];
  results[name] = {};
  for (const [label, [run, repeats]] of Object.entries(work)) {
    results[name][label] = measure(run, repeats);
    const { median, p95 } = results[name][label];
    console.log(`${name.padEnd(8)} ${label.padEnd(44)} ${median} ms (95 %: ${p95} ms)`);
  }
}

const folder = new URL("results/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(
  new URL("widget_mathematics.json", folder),
  `${JSON.stringify({ node: process.version, processor: cpus()[0].model, milliseconds: results }, null, 1)}\n`,
);
