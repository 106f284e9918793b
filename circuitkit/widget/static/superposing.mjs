/**
 * A layer too narrow for its inputs, y = ReLU(W'W x + b): trained from a seed, number for number as
 * circuitkit.superposition.train does, and its exact worst error in closed form.
 */

/** The next number in [0, 1) of a stream of 32 bits: sfc32. */
function next(state) {
  const t = (((state[0] + state[1]) | 0) + state[3]) | 0;
  state[3] = (state[3] + 1) | 0;
  state[0] = state[1] ^ (state[1] >>> 9);
  state[1] = (state[2] + (state[2] << 3)) | 0;
  state[2] = (((state[2] << 21) | (state[2] >>> 11)) + t) | 0;
  return (t >>> 0) * 2 ** -32;
}

/** The stream of a seed. */
function streamOf(seed) {
  const state = new Int32Array([Number(BigInt(seed) & 0xffffffffn) | 0, Math.floor(seed / 2 ** 32) | 0, 0x9e3779b9 | 0, 1]);
  for (let k = 0; k < 12; k += 1) next(state);
  return state;
}

const power = (base, n) => {
  let found = 1;
  for (let k = 0; k < n; k += 1) found *= base;
  return found;
};

/** An input that is not all zeros: the first active feature from its geometric law, the later ones one by one. */
function draw(x, state, sparsity, none) {
  const n = x.length;
  const u = next(state);
  const first = sparsity > 0 ? Math.min(n - 1, Math.floor(Math.log(1 - u * (1 - none)) / Math.log(sparsity))) : 0;
  for (let i = 0; i < n; i += 1) {
    x[i] = 0;
    if (i === first || (i > first && next(state) >= sparsity)) x[i] = next(state);
  }
}

/** The network of a seed: the rows of W, and b. */
export function train({ features: n = 5, directions: m = 2, sparsity, importance = 0.9, seed = 0, steps = 3000, batch = 64, rate: start = 0.01 }) {
  const state = streamOf(seed);
  const reach = Math.sqrt(6 / (n + m));
  const none = power(sparsity, n);
  const p = new Float64Array((m + 1) * n); // W row by row, then b
  for (let k = 0; k < m * n; k += 1) p[k] = (2 * next(state) - 1) * reach;
  const share = Float64Array.from({ length: n }, (_, i) => power(importance, i));
  const [x, h, g] = [new Float64Array(n), new Float64Array(m), new Float64Array(m)];
  const [slope, first, second] = [0, 1, 2].map(() => new Float64Array(p.length));
  let fade1 = 1;
  let fade2 = 1;
  const each = (2 * (1 - none)) / batch;
  for (let step = 0; step < steps; step += 1) {
    slope.fill(0);
    for (let i = 0; i < n; i += 1) if (p[m * n + i] > 0) slope[m * n + i] = 2 * none * share[i] * p[m * n + i];
    for (let s = 0; s < batch; s += 1) {
      draw(x, state, sparsity, none);
      for (let k = 0; k < m; k += 1) {
        h[k] = g[k] = 0;
        for (let i = 0; i < n; i += 1) h[k] += p[k * n + i] * x[i];
      }
      for (let i = 0; i < n; i += 1) {
        let z = p[m * n + i];
        for (let k = 0; k < m; k += 1) z += p[k * n + i] * h[k];
        if (z <= 0) continue;
        const d = each * share[i] * (z - x[i]);
        slope[m * n + i] += d;
        for (let k = 0; k < m; k += 1) {
          slope[k * n + i] += d * h[k];
          g[k] += d * p[k * n + i];
        }
      }
      for (let k = 0; k < m; k += 1) for (let i = 0; i < n; i += 1) slope[k * n + i] += g[k] * x[i];
    }
    fade1 *= 0.9;
    fade2 *= 0.999;
    const rate = start * (1 - step / steps);
    for (let k = 0; k < p.length; k += 1) {
      const d = slope[k];
      first[k] = 0.9 * first[k] + 0.1 * d;
      second[k] = 0.999 * second[k] + 0.001 * d * d;
      p[k] -= (rate * (first[k] / (1 - fade1))) / (Math.sqrt(second[k] / (1 - fade2)) + 1e-8);
    }
  }
  return { weights: Array.from({ length: m }, (_, k) => [...p.slice(k * n, (k + 1) * n)]), bias: [...p.slice(m * n)] };
}

const JUDGED = 4096; // inputs on which the mean error is measured
const JUDGE = 2 ** 53 - 1; // whose stream no network has

/** The mean squared error over the inputs of training, summed over the features. */
export function meanError({ weights, bias }, sparsity) {
  const n = bias.length;
  const none = power(sparsity, n);
  const state = streamOf(JUDGE);
  const x = new Float64Array(n);
  let sum = 0;
  for (let s = 0; s < JUDGED; s += 1) {
    draw(x, state, sparsity, none);
    const h = weights.map((row) => row.reduce((t, w, i) => t + w * x[i], 0));
    for (let i = 0; i < n; i += 1) {
      const z = weights.reduce((t, row, k) => t + row[i] * h[k], bias[i]);
      sum += (Math.max(z, 0) - x[i]) ** 2;
    }
  }
  return none * bias.reduce((t, b) => t + Math.max(b, 0) ** 2, 0) + ((1 - none) * sum) / JUDGED;
}

/** W'W. */
export function matrixOf({ weights, bias }) {
  return bias.map((_, i) => bias.map((__, j) => weights.reduce((t, row) => t + row[i] * row[j], 0)));
}

const total = (values, count) => values.slice(0, count).reduce((t, v) => t + v, 0);

/**
 * The largest |y_i − x_i| over all x in [0, 1]^n with at most `active` numbers that are not 0, and an input where it is
 * attained: `{ error, output, x }`. The overshoot is convex, so it is largest at a corner; the undershoot is largest at
 * x_i = 1 or where the ReLU bends.
 */
export function worst(net, active) {
  const { bias } = net;
  const matrix = matrixOf(net);
  let found = { error: -1, output: 0, x: [] };
  const offer = (error, output, x) => {
    if (error > found.error + 1e-15) found = { error, output, x };
  };
  bias.forEach((b, i) => {
    const own = matrix[i][i];
    const others = matrix[i].map((value, j) => [value, j]).filter(([, j]) => j !== i);
    const most = others.filter(([v]) => v > 0).sort((p, q) => q[0] - p[0]);
    const least = others.filter(([v]) => v < 0).sort((p, q) => p[0] - q[0]);
    const input = (list, mine) => bias.map((_, j) => (j === i ? mine : list.some(([, k]) => k === j) ? 1 : 0));
    const relu = (v) => Math.max(0, v);
    const value = (list) => b + total(list.map(([v]) => v), list.length);
    const free = most.slice(0, active);
    offer(relu(value(free)), i, input(free, 0));
    if (active < 1) return;
    const up = most.slice(0, active - 1);
    offer(relu(own + value(up)) - 1, i, input(up, 1));
    const down = least.slice(0, active - 1);
    offer(1 - relu(own + value(down)), i, input(down, 1));
    const kink = -value(down) / own;
    if (kink > 0 && kink < 1) offer(kink, i, input(down, kink));
  });
  return found;
}

/** Arrangements with a name: the angles between neighbors, in degrees. */
const GEOMETRIES = {
  "two orthogonal": [90, 270],
  "a pair and one": [90, 90, 180],
  "two antipodal pairs": [90, 90, 90, 90],
  pentagon: [72, 72, 72, 72, 72],
};

/** The arrangement of the arrows longer than 1/2, as circuitkit.superposition.geometry names it. */
export function geometry({ weights: [xs, ys] }, tolerance = 12) {
  const angles = xs.map((x, i) => [x, ys[i]]).filter(([x, y]) => Math.hypot(x, y) > 0.5)
    .map(([x, y]) => (Math.atan2(y, x) * 180) / Math.PI).sort((p, q) => p - q);
  const gaps = angles.map((a, k) => (k + 1 < angles.length ? angles[k + 1] : angles[0] + 360) - a).sort((p, q) => p - q);
  const [name = "other"] = Object.entries(GEOMETRIES).find(([, wanted]) => wanted.length === gaps.length && wanted.every((w, k) => Math.abs(w - gaps[k]) <= tolerance)) ?? [];
  return name;
}
