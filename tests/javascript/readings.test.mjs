// The page says of a network what Python says, or less, and never something else. readings.json is
// Python's: python tests/javascript/write_readings.py

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { read } from "../../circuitkit/widget/static/reading.mjs";

const CASES = JSON.parse(readFileSync(new URL("readings.json", import.meta.url), "utf8"));
const close = (a, b, share) => Math.abs(a - b) <= share * Math.abs(b) + 1e-15;
const found = CASES.map(({ net, tolerance }) => read(net, { tolerance, seconds: 60 }));
const each = (check) => CASES.forEach(({ net, reading }, k) => check(found[k], reading, JSON.stringify(net)));

test("the function, its exact worst error and the circuit are Python's", () => {
  each((page, python, net) => {
    assert.deepEqual([page.function, page.circuit], [python.function, python.circuit], net);
    if (python.error !== null) assert.ok(close(page.error, python.error, 1e-9), `${page.error} ${python.error} ${net}`);
  });
});

test("every unit is named as Python names it, or left out", () => {
  each((page, python, net) => {
    assert.equal(page.units.length, python.units.length);
    page.units.forEach((unit, k) => {
      const wanted = python.units[k];
      const bare = wanted.text.replace(/ of .*?(?= \((?:cancels out|nothing reads it)\)|$)/, "");
      if (unit.feature === null || (unit.layer > 0 && unit.of === null && unit.text === bare)) return;
      assert.equal(unit.text, wanted.text, net);
      if (unit.scale === null) return;
      assert.ok(close(unit.scale, wanted.scale, 1e-9), `${unit.scale} ${wanted.scale} ${net}`);
      assert.ok(close(unit.error, wanted.error, 1e-6), `${unit.error} ${wanted.error} ${net}`);
    });
  });
});

test("the expression and the sentence are Python's, or the sentence ends early", () => {
  each((page, python, net) => {
    assert.ok(page.expression === null || page.expression === python.expression, `${page.expression} ${python.expression} ${net}`);
    const whole = page.expression !== null || page.function !== null;
    if (whole) assert.equal(page.sentence, python.sentence, net);
    else assert.ok(python.sentence.startsWith(page.sentence.slice(0, -1)), `${page.sentence} ${python.sentence} ${net}`);
  });
});

test("what is left out is no more than what a page cannot follow", () => {
  const whole = found.filter((page, k) => page.sentence === CASES[k].reading.sentence).length;
  const units = found.flatMap((page) => page.units);
  assert.ok(whole >= 0.4 * CASES.length, `${whole} of ${CASES.length} sentences`);
  const unread = units.filter(({ feature }) => feature === null).length;
  assert.ok(unread <= 0.2 * units.length, `${unread} of ${units.length} units`);
});
