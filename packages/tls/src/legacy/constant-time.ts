/**
 * Arithmetic whose time does not depend on its operands, as far as JavaScript can promise it: no branch and no index on a
 * secret, 32-bit integers alone. `bench/src/constant-time` measures what is left.
 *
 * @module
 */

/** All ones where `a < b`, else zero. Both are non-negative and below 2^31. */
export function lessThan(a: number, b: number): number {
  return (a - b) >> 31;
}

/** All ones where `a === b`, else zero. Both are non-negative and below 2^31. */
export function equal(a: number, b: number): number {
  const difference = a ^ b;
  return ~((difference | -difference) >> 31);
}

/** `a` where `mask` is all ones, `b` where it is zero. */
export function select(mask: number, a: number, b: number): number {
  return (mask & a) | (~mask & b);
}

/**
 * What the last bytes of a decrypted CBC record say of its padding (RFC 5246 §6.2.3.2): `good`, all ones or zero, and how
 * many bytes it takes, its length byte included. Bad padding counts as one byte, so that the MAC is computed all the same
 * (RFC 5246's "implementation note").
 */
export function tlsPadding(
  plaintext: Uint8Array,
  macLength: number,
): { readonly good: number; readonly length: number } {
  const { length } = plaintext;
  const count = plaintext[length - 1] as number;
  // The record's length is public: it is at least a MAC and a byte of padding, which the caller has seen to.
  let good = ~lessThan(length - macLength, count + 1);
  const most = Math.min(256, length);
  for (let i = 0; i < most; i++) {
    const within = ~lessThan(count, i);
    good &= ~(within & ((plaintext[length - 1 - i] as number) ^ count));
  }
  // Every bit of a byte must have stayed: fold them into one mask.
  good = equal(good & 0xff, 0xff);
  return { good, length: select(good, count, 0) + 1 };
}

/**
 * Compares `mac` with the bytes of `plaintext` at `start`, which is secret: every place where it could stand is read. All
 * ones where they are equal, else zero.
 * @param first the lowest place where it can stand, which is public.
 */
export function macAt(plaintext: Uint8Array, start: number, first: number, mac: Uint8Array): number {
  let difference = 0;
  let seen = 0;
  const last = plaintext.length - mac.length;
  for (let place = first; place <= last; place++) {
    const here = equal(place, start);
    let found = 0;
    for (let i = 0; i < mac.length; i++) found |= (plaintext[place + i] as number) ^ (mac[i] as number);
    difference |= here & found;
    seen |= here;
  }
  return equal(difference, 0) & seen;
}
