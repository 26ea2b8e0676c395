/**
 * The little DER that is needed to cut OpenSSL's own exports apart. Peers' DER is parsed in `@handfast/x509`.
 *
 * @module
 */

import type { Bytes } from '../provider.ts';

interface Element {
  /** Where its content begins, and ends. */
  readonly start: number;
  readonly end: number;
}

/** The element at an offset. */
export function elementAt(der: Uint8Array, at: number): Element {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + (der[at + 2 + i] ?? 0);
  const start = at + 2 + count;
  return { start, end: start + length };
}

/** The content of the BIT STRING in a SubjectPublicKeyInfo: `SEQUENCE { AlgorithmIdentifier, BIT STRING }`. */
export function bitStringOf(spki: Uint8Array): Bytes {
  const algorithm = elementAt(spki, elementAt(spki, 0).start);
  const bits = elementAt(spki, algorithm.end);
  return new Uint8Array(spki.subarray(bits.start + 1, bits.end));
}
