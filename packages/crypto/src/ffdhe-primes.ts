/**
 * The primes of RFC 7919 appendix A, from their definition rather than as kilobytes of digits:
 *
 *     p = 2^b - 2^(b-64) + { [2^(b-130) e] + X } * 2^64 - 1
 *
 * with e the base of the natural logarithm. Tests hold them against the RFC's digits.
 *
 * @module
 */

import { fromHex } from './bytes.ts';
import type { Bytes } from './provider.ts';

/** b → X */
const offsets: Readonly<Record<number, bigint>> = {
  2048: 560_316n,
  3072: 2_625_351n,
  4096: 5_736_041n,
  6144: 15_705_020n,
  8192: 10_965_728n,
};

/** A prime as `bits / 8` bytes, most significant first. */
export function ffdhePrime(bits: number): Bytes {
  const offset = offsets[bits];
  if (offset === undefined) throw new RangeError(`RFC 7919 has no group of ${bits} bits`);
  const b = BigInt(bits);
  const prime = 2n ** b - 2n ** (b - 64n) + (scaledE(b - 130n) + offset) * 2n ** 64n - 1n;
  return fromHex(prime.toString(16));
}

/** floor(2^n e), by e = 1 + 1/1! + 1/2! + … with 64 guard bits. */
function scaledE(n: bigint): bigint {
  const guard = 64n;
  let term = 2n ** (n + guard);
  let sum = term;
  for (let k = 1n; term > 0n; k++) {
    term /= k;
    sum += term;
  }
  return sum >> guard;
}
