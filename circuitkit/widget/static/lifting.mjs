/**
 * Getting a network off its shelf: a hidden unit drawn anew, or the whole network, and gradient descent again;
 * what ends lower is kept.
 *
 * It is the plainest relative of `rescue=` in ck.train: the same two moves, with plain gradient descent for
 * Levenberg and Marquardt's, and without a prover in the loop.
 */
import { initialWeights, trainer } from "./mathematics.mjs";

const APART = 1000003; // between the seeds of two attempts

/** The network that a seed ends at. */
export function grown(sizes, seed, { rule, rate, steps }) {
  const machine = trainer(initialWeights(sizes, seed), rule);
  for (let k = 0; k < steps; k += 1) machine.step(rate);
  return { net: machine.network(), loss: machine.loss() };
}

/**
 * The start of an attempt, counted from 1: `redraw` gives one hidden unit, each in turn, the weights into it and
 * out of it that another seed would draw; `restart` takes all weights of that seed.
 */
export function anew(net, sizes, seed, attempt, way) {
  const drawn = initialWeights(sizes, seed + APART * attempt);
  if (way === "restart") return { start: drawn, unit: null };
  const units = sizes.slice(1, -1).flatMap((n, l) => Array.from({ length: n }, (_, i) => [l, i]));
  const unit = units[(attempt - 1) % units.length];
  const [layer, i] = unit;
  const start = { weights: net.weights.map((w) => w.map((row) => [...row])), biases: net.biases };
  start.weights[layer][i] = [...drawn.weights[layer][i]];
  start.weights[layer + 1].forEach((row, r) => {
    row[i] = drawn.weights[layer + 1][r][i];
  });
  return { start, unit };
}

/** One attempt under way: `run` takes it further, `done` says when it is over. */
export class Attempt {
  constructor(best, sizes, seed, number, way, { rule, rate, steps }) {
    Object.assign(this, { best, number, way, rate, steps });
    const { start, unit } = anew(best.net, sizes, seed, number, way);
    this.unit = unit;
    this.machine = trainer(start, rule);
    this.step = 0;
    this.loss = this.machine.loss();
  }

  /** Steps until they are over, or until so many milliseconds have passed. */
  run(budget = Infinity) {
    const end = performance.now() + budget;
    while (this.step < this.steps) {
      this.loss = this.machine.step(this.rate);
      this.step += 1;
      if (this.step % 32 === 0 && performance.now() > end) break;
    }
  }

  get done() {
    return this.step >= this.steps;
  }

  /** The better of what was and what came; whether that is the new one. */
  outcome() {
    const found = { net: this.machine.network(), loss: this.machine.loss() };
    const kept = found.loss < this.best.loss;
    return { best: kept ? found : this.best, kept, found };
  }
}
