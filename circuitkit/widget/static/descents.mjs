/**
 * Many networks of one input and one hidden layer, without biases, in gradient descent side by side.
 *
 * A hidden unit is a point of the plane: its hidden weight w and its output weight v. For inputs uniform on
 * [-1, 1] and a target c x the loss of a network is (a - c)^2 / 6 on each side of zero, where a is the sum of
 * w v over the units that are on there; so a step moves w by -rate G v and v by -rate G w, with
 * G = (a - c) / 3. It is what `trainer` does on the two points of `quadrature`, without its generality.
 */
import { initialWeights } from "./mathematics.mjs";

export class Descents {
  /**
   * starts: [[w, v], ...], those of one network after the other, `width` units each.
   * slope: c; rate: the learning rate; near: how close to c both sums must be for a network to have learned.
   */
  constructor(starts, { width = 2, slope = 1, rate = 0.1, near }) {
    Object.assign(this, { width, slope, rate, near });
    this.count = starts.length / width;
    this.starts = Float64Array.from(starts.flat());
    this.w = new Float64Array(starts.length);
    this.v = new Float64Array(starts.length);
    this.begin();
  }

  begin() {
    this.step = 0;
    for (let i = 0; i < this.w.length; i += 1) [this.w[i], this.v[i]] = [this.starts[2 * i], this.starts[2 * i + 1]];
  }

  /** The sums of w v over the units of network k that are on for positive and for negative inputs. */
  sums(k) {
    let above = 0;
    let below = 0;
    for (let i = k * this.width; i < (k + 1) * this.width; i += 1) {
      if (this.w[i] > 0) above += this.w[i] * this.v[i];
      else if (this.w[i] < 0) below += this.w[i] * this.v[i];
    }
    return [above, below];
  }

  /** Up to `steps` steps of all. */
  run(steps) {
    const { w, v, width, slope } = this;
    const pull = this.rate / 3;
    for (let s = 0; s < steps; s += 1) {
      for (let first = 0; first < w.length; first += width) {
        let above = -slope;
        let below = -slope;
        for (let i = first; i < first + width; i += 1) {
          if (w[i] > 0) above += w[i] * v[i];
          else if (w[i] < 0) below += w[i] * v[i];
        }
        for (let i = first; i < first + width; i += 1) {
          if (w[i] === 0) continue; // off on both sides: no slope
          const by = pull * (w[i] > 0 ? above : below);
          const before = w[i];
          w[i] -= by * v[i];
          v[i] -= by * before;
        }
      }
      this.step += 1;
    }
  }

  /** Whether network k is the target now, as ck.train's `solved` has it. */
  learned(k) {
    return this.sums(k).every((a) => Math.abs(a - this.slope) <= this.near);
  }

  tally() {
    let learned = 0;
    for (let k = 0; k < this.count; k += 1) learned += this.learned(k) ? 1 : 0;
    return learned;
  }

  /** 1 for each network that has learned after `steps` steps, else 0; back at the start afterwards. */
  fates(steps) {
    this.begin();
    this.run(steps);
    const fates = Uint8Array.from({ length: this.count }, (_, k) => (this.learned(k) ? 1 : 0));
    this.begin();
    return fates;
  }
}

/** The units that ck.train starts with for these seeds, two for each, as [w, v]. */
export function startsOf(seeds) {
  return seeds.flatMap((seed) => {
    const [[[a], [b]], [[c, d]]] = initialWeights([1, 2, 1], seed).weights;
    return [[a, c], [b, d]];
  });
}
