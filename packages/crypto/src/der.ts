/**
 * The little DER that key containers need here: SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) and PKCS#8 (RFC 5958). Peers'
 * certificates are parsed in `@handfast/x509`.
 *
 * @module
 */

import { concat, copyBytes } from './bytes.ts';
import { type Bytes, CryptoError } from './provider.ts';

export const tag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
} as const;

export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly der: Uint8Array;
}

/** The elements that fill `der`. Throws `CryptoError` `invalid_key` where lengths are wrong or not the shortest. */
export function elements(der: Uint8Array): readonly Element[] {
  const found: Element[] = [];
  for (let at = 0; at < der.length; ) {
    const [start, end] = contentAt(der, at);
    found.push({ tag: der[at] ?? 0, content: der.subarray(start, end), der: der.subarray(at, end) });
    at = end;
  }
  return found;
}

/** The elements inside the one element that fills `der`, which must have the tag. */
export function inside(der: Uint8Array, expectedTag: number = tag.sequence): readonly Element[] {
  return elements(only(elements(der), expectedTag).content);
}

/** The single element of a list. */
export function only(list: readonly Element[], expectedTag: number): Element {
  const [element] = list;
  if (element === undefined || list.length !== 1 || element.tag !== expectedTag) throw malformed();
  return element;
}

export function encode(elementTag: number, ...contents: readonly Uint8Array[]): Bytes {
  const content = concat(...contents);
  const { length } = content;
  const head =
    length < 0x80
      ? [elementTag, length]
      : length < 0x100
        ? [elementTag, 0x81, length]
        : [elementTag, 0x82, length >> 8, length & 0xff];
  if (length > 0xffff) throw new RangeError('no key container is this long');
  return concat(Uint8Array.from(head), content);
}

/** An unsigned big-endian number as an INTEGER. */
export function encodeUnsigned(number: Uint8Array): Bytes {
  let at = 0;
  while (at < number.length - 1 && number[at] === 0) at++;
  const sign = (number[at] ?? 0) >= 0x80 ? [0] : [];
  return encode(tag.integer, Uint8Array.from(sign), number.subarray(at));
}

export function malformed(): CryptoError {
  return new CryptoError('invalid_key', 'the key is not well-formed DER');
}

function contentAt(der: Uint8Array, at: number): readonly [start: number, end: number] {
  const first = der[at + 1];
  if (first === undefined || first === 0x80 || first > 0x83) throw malformed();
  const count = first < 0x80 ? 0 : first - 0x80;
  const start = at + 2 + count;
  let length = first;
  if (count > 0) {
    length = 0;
    for (let i = at + 2; i < start; i++) length = length * 256 + (der[i] ?? 0);
    // The shortest form: at least 0x80, and no leading zero byte.
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformed();
  }
  if (start + length > der.length) throw malformed();
  return [start, start + length];
}

/** A copy of content that must have this length. */
export function withLength(content: Uint8Array, length: number): Bytes {
  if (content.length !== length) throw malformed();
  return copyBytes(content);
}
