// Lets Python tests call the widget's modules: reads [[name, ...arguments], ...] as JSON from
// standard input, writes one {value} or {error} for each. A trainer's trajectory and gradient have names of their own;
// {"base64": ...} stands for bytes.

import { readFileSync } from "node:fs";

const mathematics = await import(process.argv[2]);

function train(net, target, options, rate, steps) {
  const machine = mathematics.trainer(net, mathematics.quadrature(target, options), options);
  const losses = Array.from({ length: steps }, () => machine.step(rate));
  return { ...machine.network(), losses: [...losses, machine.loss()] };
}

/** The loss and its gradient by a rule. */
function gradient(net, rule) {
  const machine = mathematics.trainer(net, rule);
  return { loss: machine.gradient(), ...machine.slopes() };
}

const own = { train, gradient };
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64")).buffer;

function answer([name, ...values]) {
  const args = values.map((v) => (typeof v?.base64 === "string" ? bytes(v.base64) : v));
  try {
    return { value: (own[name] ?? mathematics[name])(...args) };
  } catch (error) {
    return { error: `${error.constructor.name}: ${error.message}` };
  }
}

// Infinity and NaN, which JSON lacks, come back as text.
const plain = (_, value) => {
  if (typeof value === "bigint") return String(value);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
};

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answer), plain));
