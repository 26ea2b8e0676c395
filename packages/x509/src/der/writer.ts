/**
 * Writes DER (X.690). Each function makes one value from its parts; what it writes is what `reader.ts` takes. Import as
 * a namespace: `der.sequence(der.oid(…), der.nothing())`.
 *
 * @module
 */

import { type Bytes, concat, utf8 } from '@handfast/crypto';
import { encodeOid, type Oid } from './oid.ts';
import { contextConstructed, contextPrimitive, tag } from './reader.ts';

/** A value of any tag, its content in parts. */
export function value(tagByte: number, ...content: readonly Uint8Array[]): Bytes {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return concat(Uint8Array.of(tagByte), encodeLength(length), ...content);
}

export function sequence(...parts: readonly Uint8Array[]): Bytes {
  return value(tag.sequence, ...parts);
}

/** A SET OF: its values are sorted as DER demands (X.690 §11.6). */
export function setOf(...parts: readonly Uint8Array[]): Bytes {
  return value(tag.set, ...parts.toSorted(compareBytes));
}

/** `[number] EXPLICIT`. */
export function explicit(number: number, ...parts: readonly Uint8Array[]): Bytes {
  return value(contextConstructed(number), ...parts);
}

/** `[number] IMPLICIT` of a string or another primitive. */
export function implicit(number: number, content: Uint8Array): Bytes {
  return value(contextPrimitive(number), content);
}

/** A non-negative INTEGER from its big-endian magnitude; leading zeros are dropped. */
export function unsigned(magnitude: Uint8Array): Bytes {
  let start = 0;
  while (start < magnitude.length && magnitude[start] === 0) start++;
  const minimal = magnitude.subarray(start);
  const needsZero = (minimal[0] ?? 0x80) >= 0x80;
  return value(tag.integer, needsZero ? Uint8Array.of(0) : new Uint8Array(0), minimal);
}

/** An INTEGER from 0 to 2^31 - 1. */
export function smallInteger(number: number): Bytes {
  if (!Number.isInteger(number) || number < 0 || number > 0x7fff_ffff) throw new RangeError(`out of range: ${number}`);
  return unsigned(Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number));
}

export function boolean(flag: boolean): Bytes {
  return value(tag.boolean, Uint8Array.of(flag ? 0xff : 0));
}

/** NULL. */
export function nothing(): Bytes {
  return value(tag.null);
}

export function oid(dotted: Oid): Bytes {
  return value(tag.oid, encodeOid(dotted));
}

export function octetString(content: Uint8Array): Bytes {
  return value(tag.octetString, content);
}

/** A BIT STRING of whole bytes. */
export function bitString(content: Uint8Array): Bytes {
  return value(tag.bitString, Uint8Array.of(0), content);
}

/** A BIT STRING with named bits: trailing zero bits are dropped (X.690 §11.2.2). `bits` holds the numbers of those set. */
export function namedBits(bits: readonly number[]): Bytes {
  if (bits.length === 0) return value(tag.bitString, Uint8Array.of(0));
  const last = Math.max(...bits);
  const bytes = new Uint8Array((last >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return value(tag.bitString, Uint8Array.of(7 - (last & 7)), bytes);
}

export function utf8String(text: string): Bytes {
  return value(tag.utf8String, utf8(text));
}

export function printableString(text: string): Bytes {
  return value(tag.printableString, utf8(text));
}

export function ia5String(text: string): Bytes {
  return value(tag.ia5String, utf8(text));
}

/** UTCTime through 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). Milliseconds are dropped. */
export function time(date: Date): Bytes {
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050 ? value(tag.utcTime, utf8(timeDigits(date).slice(2))) : generalizedTime(date);
}

/** GeneralizedTime, whatever the year. */
export function generalizedTime(date: Date): Bytes {
  return value(tag.generalizedTime, utf8(timeDigits(date)));
}

function timeDigits(date: Date): string {
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw new RangeError('there is no way to write this date');
  return `${date.toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
}

function encodeLength(length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(length);
  const digits: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) digits.unshift(left % 256);
  return Uint8Array.of(0x80 | digits.length, ...digits);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
