/**
 * ECDSA signatures between their two encodings: DER `Ecdsa-Sig-Value` (RFC 3279 §2.2.3), which X.509 and TLS carry, and
 * the fixed-length `r | s` of IEEE P1363, which WebCrypto takes and gives.
 *
 * Strict DER: shortest lengths, shortest positive INTEGERs, no trailing bytes. Range checks of r and s are the
 * verifier's; only what cannot fit the curve is refused here.
 *
 * @module
 */

import type { Bytes } from './provider.ts';

/**
 * `r | s`, each of `fieldLength` bytes, or `undefined` where `der` is not a strict encoding, or a number is negative or
 * longer than the field.
 */
export function ecdsaFromDer(der: Uint8Array, fieldLength: number): Bytes | undefined {
  const body = element(der, 0, 0x30);
  if (body === undefined || body.end !== der.length) return undefined;
  const r = element(der, body.start, 0x02);
  if (r === undefined) return undefined;
  const s = element(der, r.end, 0x02);
  if (s === undefined || s.end !== body.end) return undefined;
  const out = new Uint8Array(2 * fieldLength);
  if (!putInteger(out, fieldLength, der.subarray(r.start, r.end), fieldLength)) return undefined;
  if (!putInteger(out, 2 * fieldLength, der.subarray(s.start, s.end), fieldLength)) return undefined;
  return out;
}

/** The DER of `r | s`; halves of equal length. Throws `RangeError` on an odd or empty input. */
export function ecdsaToDer(signature: Uint8Array): Bytes {
  if (signature.length === 0 || signature.length % 2 !== 0)
    throw new RangeError('r | s has two halves of equal length');
  const half = signature.length / 2;
  const r = shortest(signature.subarray(0, half));
  const s = shortest(signature.subarray(half));
  const bodyLength = 2 + r.length + 2 + s.length; // under 256: P-521's halves are 66 bytes, 67 with a sign byte
  const head = bodyLength < 0x80 ? [0x30, bodyLength] : [0x30, 0x81, bodyLength];
  return Uint8Array.from([...head, 0x02, r.length, ...r, 0x02, s.length, ...s]);
}

interface Element {
  /** Where the content starts and ends. */
  readonly start: number;
  readonly end: number;
}

/** The element at `at`: a signature's lengths fit one byte, or 0x81 and one byte. */
function element(der: Uint8Array, at: number, tag: number): Element | undefined {
  if (der[at] !== tag) return undefined;
  let length = der[at + 1];
  let start = at + 2;
  if (length === 0x81) {
    length = der[at + 2];
    start = at + 3;
    if (length !== undefined && length < 0x80) return undefined; // not the shortest form
  } else if (length !== undefined && length >= 0x80) {
    return undefined;
  }
  if (length === undefined || start + length > der.length) return undefined;
  return { start, end: start + length };
}

/** Writes a positive INTEGER's content right-aligned before `end`; false where it is not strict or does not fit. */
function putInteger(out: Uint8Array, end: number, content: Uint8Array, fieldLength: number): boolean {
  const first = content[0];
  if (first === undefined || first >= 0x80) return false;
  const padded = first === 0 && content.length > 1;
  if (padded && (content[1] ?? 0) < 0x80) return false;
  const value = padded ? content.subarray(1) : content;
  if (value.length > fieldLength) return false;
  out.set(value, end - value.length);
  return true;
}

/** An unsigned number as the content of a DER INTEGER. */
function shortest(value: Uint8Array): readonly number[] {
  let at = 0;
  while (at < value.length - 1 && value[at] === 0) at++;
  const digits = Array.from(value.subarray(at));
  return (digits[0] ?? 0) >= 0x80 ? [0, ...digits] : digits;
}
