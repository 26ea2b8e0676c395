/**
 * Byte-string helpers that every layer uses. Nothing here is secret-dependent but `equalConstantTime`.
 *
 * @module
 */

import type { Bytes } from './provider.ts';

/** A fresh byte string of all parts in order. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  return join(parts);
}

/** The same of a list, which may be longer than a call takes arguments. */
export function join(parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Whether two byte strings are equal, in time that depends on their lengths alone (as far as JavaScript can promise). */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Whether two public byte strings are equal; returns at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Overwrites with zeros. The garbage collector may have left copies: see the threat model. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

/** A copy in memory of its own, also of a `Buffer` (whose `slice` aliases) or of shared memory. */
export function copyBytes(bytes: Uint8Array): Bytes {
  const out = new Uint8Array(bytes.length);
  out.set(bytes);
  return out;
}

const hexDigits: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  // Joined: V8 keeps what `+=` makes as a chain of pieces, many times as large, for as long as the text is a key of a Map.
  const digits: string[] = [];
  for (const byte of bytes) digits.push(hexDigits[byte] as string);
  return digits.join('');
}

/** Bytes of a hexadecimal string, white space allowed. Throws `RangeError` on anything else. */
export function fromHex(hex: string): Bytes {
  const digits = hex.replace(/\s/g, '');
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) throw new RangeError('not a hexadecimal byte string');
  const out = new Uint8Array(digits.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/**
 * UTF-8 bytes, in memory of their own; a lone surrogate becomes U+FFFD. Written by hand, since `TextEncoder` belongs to
 * no ECMAScript library and this file compiles without a host's types.
 */
export function utf8(text: string): Bytes {
  const out = new Uint8Array(3 * text.length); // a UTF-16 unit takes three bytes at most
  let at = 0;
  for (const character of text.toWellFormed()) {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x80) {
      out[at++] = point;
      continue;
    }
    const continuations = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    out[at++] = ((0xff00 >> (continuations + 1)) & 0xff) | (point >> (6 * continuations));
    for (let i = continuations - 1; i >= 0; i--) out[at++] = 0x80 | ((point >> (6 * i)) & 0x3f);
  }
  return out.slice(0, at);
}
