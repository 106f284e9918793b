/**
 * Exact numbers as text: what the name of a function is made of. Pure functions, no page.
 */
import * as maths from "./mathematics.mjs";

const { exactNumber, floatToRational, reduced } = maths;

const LONG = 20; // characters beyond which a number is written with a power of ten or of two, where that is shorter

/**
 * A number exactly, for the name of a function: its digits, a fraction, or one times a power of ten or of two. A
 * verdict is about the very number, so nothing is rounded here.
 *
 * @param {number} value a double.
 * @param {string} [text] the exact number, where the double is only near it: "1/3".
 * @returns {string} with a true minus sign.
 */
export function exactText(value, text = null) {
  const exact = text === null ? null : exactNumber(text);
  if (text !== null && !exact) return text.replaceAll("-", "−");
  const [n, d] = exact ? reduced(...exact) : floatToRational(value);
  if (n < 0n) return `−${exact ? exactText(-value, `${-n}/${d}`) : exactText(-value)}`;
  const short = String(value);
  if (d !== 1n && !exact && /^\d+\.\d{1,3}$/.test(short) && isSpelled(short, n, d)) return short;
  const plain = d === 1n ? String(n) : `${n}/${d}`;
  if (plain.length <= LONG && !/0{7}$/.test(plain)) return plain;
  const ways = [plain, powerOfTen(n, d), powerOfTwo(n, d)].filter(Boolean);
  return ways.reduce((best, way) => (way.length < best.length ? way : best));
}

const isSpelled = (text, n, d) => {
  const [a, b] = exactNumber(text);
  return a * d === n * b;
};

/** n/d as 1.5e30 or 2e−30, or null where it has no last decimal. */
function powerOfTen(n, d) {
  const [twos, rest] = without(2n, d);
  const [fives, left] = without(5n, rest);
  if (left !== 1n) return null;
  const decimals = Math.max(twos, fives);
  const [zeros, digits] = without(10n, (n * 10n ** BigInt(decimals)) / d);
  const text = String(digits);
  const power = zeros - decimals + text.length - 1;
  return `${text[0]}${text.length > 1 ? `.${text.slice(1)}` : ""}e${power}`.replace("-", "−");
}

/** n/d as 3 · 2^99 or 3/2^99, or null where its denominator is no power of two. */
function powerOfTwo(n, d) {
  const [below, odd] = without(2n, d);
  if (odd !== 1n) return null;
  if (below) return `${n}/2^${below}`;
  const [above, factor] = without(2n, n);
  return factor === 1n ? `2^${above}` : `${factor} · 2^${above}`;
}

/** How often a factor is in n > 0, and what is left without it. */
function without(factor, n) {
  let power = 0;
  for (; n % factor === 0n; power += 1) n /= factor;
  return [power, n];
}
