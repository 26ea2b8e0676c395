/**
 * Reads DER (X.690) and nothing else: definite minimal lengths, minimal INTEGERs, BOOLEANs of 00 or FF, BIT STRINGs
 * whose unused bits are zero, times in their one DER form, no trailing bytes. A value is read once, at the edge, so that
 * no two parts of the stack can understand the same bytes differently.
 *
 * The reader never recurses by itself: the callers' grammars do, and `maxDepth` bounds them. What it hands out are views
 * of its input, which the caller made a private copy.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { type CertificateError, malformed } from '../errors.ts';
import { decodeOid, type Oid } from './oid.ts';

/** The identifier octets that X.509 uses. Tag numbers above 30 do not occur in it, and are refused. */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The identifier octet of `[number]` with primitive content: an IMPLICIT string, say. */
export function contextPrimitive(number: number): number {
  return 0x80 | number;
}

/** The identifier octet of `[number]` with constructed content: every EXPLICIT tag, and an IMPLICIT SEQUENCE. */
export function contextConstructed(number: number): number {
  return 0xa0 | number;
}

/** A certificate's grammar nests some 12 deep where its author tries. */
const maxDepth = 32;

/** Bytes of one top-level value, unless its reader says otherwise. The largest certificate seen in the wild is below 64 KiB; hostile tests use 200 KiB. */
export const maxDerLength: number = 1 << 20;

/** One value: its identifier octet, all of its bytes, and its content. */
export interface DerElement {
  readonly tag: number;
  readonly raw: Bytes;
  readonly content: Bytes;
}

export interface BitString {
  /** Bits of the last byte that are not part of the value; they are zero. */
  readonly unusedBits: number;
  readonly bytes: Bytes;
}

export class DerReader {
  readonly #bytes: Bytes;
  readonly #what: string;
  readonly #depth: number;
  /** What is read lies from here to `#end`: a reader inside another has the same bytes, and no view of its own. */
  readonly #start: number;
  readonly #end: number;
  #at: number;

  /**
   * @param what names the structure in errors: `certificate`, `keyUsage of "db.internal"`
   * @param limit of bytes; what lies inside cannot be longer
   */
  constructor(
    bytes: Bytes,
    what: string,
    depth = 0,
    limit: number = maxDerLength,
    start = 0,
    end: number = bytes.length,
  ) {
    if (depth === 0 && bytes.length > limit) throw malformed(what, `${bytes.length} bytes, over the limit of ${limit}`);
    if (depth > maxDepth) throw malformed(what, `nested deeper than ${maxDepth}`);
    this.#bytes = bytes;
    this.#what = what;
    this.#depth = depth;
    this.#start = start;
    this.#end = end;
    this.#at = start;
  }

  /** Whether nothing is left. */
  get done(): boolean {
    return this.#at === this.#end;
  }

  /** The next value's identifier octet, or `undefined` at the end. */
  get nextTag(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#at];
  }

  /** Refuses trailing bytes. Every structure is read up to this call. */
  end(): void {
    if (!this.done) throw this.#error(`${this.#end - this.#at} bytes too many`);
  }

  /** The next value, of the tag that the grammar demands (any, where absent). */
  element(expected?: number): DerElement {
    const start = this.#at;
    const contentStart = this.#next(expected);
    return new ReadElement(this.#bytes, start, contentStart, this.#at);
  }

  /** Steps over the next value, and answers where its content starts; it ends where the reader then is. */
  #next(expected?: number): number {
    const tagByte = this.#byte();
    if ((tagByte & 0x1f) === 0x1f) throw this.#error('a tag number above 30');
    if (expected !== undefined && tagByte !== expected) {
      throw this.#error(`tag ${hex(tagByte)} where ${hex(expected)} belongs`);
    }
    const length = this.#length();
    const contentStart = this.#at;
    if (length > this.#end - contentStart) throw this.#error('a length beyond the end');
    this.#at = contentStart + length;
    return contentStart;
  }

  #content(expected: number): Bytes {
    const start = this.#next(expected);
    return this.#bytes.subarray(start, this.#at);
  }

  /** The next value where it has this tag; else `undefined`, and nothing is read. */
  optional(expected: number): DerElement | undefined {
    return this.nextTag === expected ? this.element(expected) : undefined;
  }

  /** A reader over the content of the next value, which has this tag. */
  inside(expected: number, what: string = this.#what): DerReader {
    const start = this.#next(expected);
    return new DerReader(this.#bytes, what, this.#depth + 1, maxDerLength, start, this.#at);
  }

  sequence(what: string = this.#what): DerReader {
    return this.inside(tag.sequence, what);
  }

  /** A reader over `content`, one level deeper: for a value that was read as an element. */
  within(content: Bytes, what: string = this.#what): DerReader {
    return new DerReader(content, what, this.#depth + 1);
  }

  /** An INTEGER's content: two's complement, big-endian, minimal. */
  integer(expected: number = tag.integer): Bytes {
    const content = this.#content(expected);
    const first = content[0];
    const second = content[1];
    if (first === undefined) throw this.#error('an empty INTEGER');
    if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw this.#error('an INTEGER that is not minimal');
    }
    return content;
  }

  /** The magnitude of an INTEGER that must not be negative, without a leading zero byte (empty for zero). */
  unsigned(): Bytes {
    const content = this.integer();
    const first = content[0] ?? 0;
    if (first >= 0x80) throw this.#error('a negative INTEGER');
    return first === 0 ? content.subarray(1) : content;
  }

  /** An INTEGER from 0 to 2^31 - 1. */
  smallInteger(expected: number = tag.integer): number {
    const content = this.integer(expected);
    if (content.length > 4 || (content[0] ?? 0) >= 0x80) throw this.#error('an INTEGER out of range');
    return content.reduce((value, byte) => value * 256 + byte, 0);
  }

  boolean(): boolean {
    const start = this.#next(tag.boolean);
    const value = this.#bytes[start];
    if (this.#at - start !== 1 || (value !== 0 && value !== 0xff)) throw this.#error('a BOOLEAN not 00 or FF');
    return value === 0xff;
  }

  /** A `BOOLEAN DEFAULT FALSE`: absent, or TRUE. DER does not encode defaults. */
  booleanDefaultFalse(): boolean {
    if (this.nextTag !== tag.boolean) return false;
    if (!this.boolean()) throw this.#error('a DEFAULT value that is encoded');
    return true;
  }

  null(): void {
    if (this.#next(tag.null) !== this.#at) throw this.#error('a NULL that is not empty');
  }

  oid(): Oid {
    return decodeOid(this.#content(tag.oid), this.#what);
  }

  octetString(): Bytes {
    return this.#content(tag.octetString);
  }

  bitString(expected: number = tag.bitString): BitString {
    const start = this.#next(expected);
    const end = this.#at;
    if (start === end) throw this.#error('an empty BIT STRING');
    const unusedBits = this.#bytes[start] ?? 0;
    const empty = end - start === 1;
    if (unusedBits > 7 || (empty && unusedBits > 0)) throw this.#error('a BIT STRING of impossible length');
    const last = empty ? 0 : (this.#bytes[end - 1] ?? 0);
    if ((last & ((1 << unusedBits) - 1)) !== 0) throw this.#error('a BIT STRING whose unused bits are set');
    return { unusedBits, bytes: this.#bytes.subarray(start + 1, end) };
  }

  /** A BIT STRING of whole bytes: a key, a signature. */
  octetAlignedBitString(): Bytes {
    const { unusedBits, bytes } = this.bitString();
    if (unusedBits !== 0) throw this.#error('a BIT STRING that is not whole bytes');
    return bytes;
  }

  /** A UTCTime or GeneralizedTime in the forms of RFC 5280 §4.1.2.5: seconds, `Z`, no fraction. */
  time(): Date {
    const { tag: tagByte, content } = this.element();
    if (tagByte !== tag.utcTime && tagByte !== tag.generalizedTime) throw this.#error(`tag ${hex(tagByte)} is no time`);
    const yearDigits = tagByte === tag.utcTime ? 2 : 4;
    const fields = timeFields(content, yearDigits);
    if (fields === undefined) throw this.#error('a time not in its DER form');
    const date = dateOf(fields, yearDigits);
    if (date === undefined) throw this.#error('a time that does not exist');
    return date;
  }

  /** Each value of a SEQUENCE OF or SET OF, read by `read`, to the end. */
  list<T>(read: (reader: this) => T): T[] {
    const items: T[] = [];
    while (!this.done) items.push(read(this));
    return items;
  }

  #byte(): number {
    const byte = this.nextTag;
    if (byte === undefined) throw this.#error('cut short');
    this.#at++;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    if (first === 0x80) throw this.#error('an indefinite length');
    const count = first & 0x7f;
    if (count > 4) throw this.#error('a length of more than 4 bytes');
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1)) throw this.#error('a length that is not minimal');
    return length;
  }

  #error(why: string): CertificateError {
    return malformed(this.#what, `${why} (at byte ${this.#at - this.#start} of the ${this.#end - this.#start} there)`);
  }
}

/** Views are made for who asks for them: of a value, most want either its content or all of it. */
class ReadElement implements DerElement {
  readonly #from: Bytes;
  readonly #start: number;
  readonly #contentStart: number;
  readonly #end: number;

  constructor(from: Bytes, start: number, contentStart: number, end: number) {
    this.#from = from;
    this.#start = start;
    this.#contentStart = contentStart;
    this.#end = end;
  }

  get tag(): number {
    return this.#from[this.#start] ?? 0;
  }

  get raw(): Bytes {
    return this.#from.subarray(this.#start, this.#end);
  }

  get content(): Bytes {
    return this.#from.subarray(this.#contentStart, this.#end);
  }
}

/** Reads one value that is all of `bytes`. */
export function readDer<T>(bytes: Bytes, what: string, read: (reader: DerReader) => T, limit?: number): T {
  const reader = new DerReader(bytes, what, 0, limit);
  const value = read(reader);
  reader.end();
  return value;
}

/** Year, month, day, hour, minute and second of digits that `Z` ends, or `undefined` where it is anything else. */
function timeFields(content: Bytes, yearDigits: number): readonly number[] | undefined {
  if (content.length !== yearDigits + 11 || content[yearDigits + 10] !== 0x5a) return undefined;
  const fields: number[] = [];
  for (let at = 0; at < yearDigits + 10; ) {
    const end = at === 0 ? yearDigits : at + 2;
    let field = 0;
    for (; at < end; at++) {
      const digit = (content[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) return undefined;
      field = field * 10 + digit;
    }
    fields.push(field);
  }
  return fields;
}

/** `Date` takes a 30th of February for another day, and hour 24 for the next: `undefined` for what does not exist. */
function dateOf(fields: readonly number[], yearDigits: number): Date | undefined {
  const [yearField = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields;
  // RFC 5280 §4.1.2.5.1: two digits from 50 are of the last century.
  const year = yearDigits === 4 ? yearField : yearField + (yearField >= 50 ? 1900 : 2000);
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  // Not Date.UTC, for which a year below 100 is one of the last century.
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getUTCDate() === day ? date : undefined;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
