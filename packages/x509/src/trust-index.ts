/**
 * How a trust store finds its anchors without parsing them: where the certificates of a PEM text begin and end, and a key
 * of a subject that needs only the first few hundred bytes of its certificate.
 *
 * A key is a hint: equal names (`sameName`) have equal keys, and what a key finds is parsed strictly and compared. So
 * nothing here refuses: what cannot be walked has no key, and the parser says why.
 *
 * @module
 */

import { tag } from './der/reader.ts';
import { latin1 } from './text.ts';

/** A PEM block in a text: from its BEGIN to behind its END. */
export interface PemSpan {
  readonly label: string;
  readonly start: number;
  readonly end: number;
  /** What stands between the boundaries. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** A PEM text, as characters or as bytes: only ASCII matters in it. */
export type PemSource = string | Uint8Array;

const boundary = '-----';
const beginning = '-----BEGIN ';
const ending = '-----END ';

/** The blocks of a text; one without its end reaches to the next block's beginning, or to the end of the text. */
export function pemSpans(source: PemSource): readonly PemSpan[] {
  const spans: PemSpan[] = [];
  let open: { readonly label: string; readonly start: number; readonly bodyStart: number } | undefined;
  for (let at = find(source, 0); at < source.length; at = find(source, at)) {
    const begins = startsAt(source, at, beginning);
    if (!begins && !startsAt(source, at, ending)) {
      at += boundary.length;
      continue;
    }
    const next = lineEnd(source, at);
    if (open !== undefined) spans.push({ ...open, end: begins ? at : next, bodyEnd: at });
    open = begins ? { label: labelOf(source, at, next), start: at, bodyStart: next } : undefined;
    at = next;
  }
  if (open !== undefined) spans.push({ ...open, end: source.length, bodyEnd: source.length });
  return spans;
}

/** The characters of a part; bytes as ISO 8859-1. */
export function partOf(source: PemSource, from: number, to: number): string {
  return typeof source === 'string' ? source.slice(from, to) : latin1(source.subarray(from, to));
}

/** The next boundary line, or the length. */
function find(source: PemSource, from: number): number {
  if (typeof source === 'string') return orLength(source.indexOf(boundary, from), source);
  for (let at = source.indexOf(0x2d, from); at >= 0; at = source.indexOf(0x2d, at + 1)) {
    if (startsAt(source, at, boundary)) return at;
  }
  return source.length;
}

function startsAt(source: PemSource, at: number, text: string): boolean {
  if (typeof source === 'string') return source.startsWith(text, at);
  for (let i = 0; i < text.length; i++) if (source[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function lineEnd(source: PemSource, from: number): number {
  return orLength(typeof source === 'string' ? source.indexOf('\n', from) : source.indexOf(0x0a, from), source);
}

function orLength(at: number, source: PemSource): number {
  return at < 0 ? source.length : at;
}

function labelOf(source: PemSource, start: number, end: number): string {
  const from = start + beginning.length;
  const label = partOf(source, from, Math.min(end, from + maxLabel)).trimEnd();
  return label.endsWith(boundary) ? label.slice(0, -boundary.length) : label;
}

/** Characters of a label that are looked at: nothing that matters has a longer one. */
const maxLabel = 64;

/** Bytes that are decoded as far as they are asked for. */
interface Prefix {
  readonly bytes: Uint8Array;
  /** Whether there are `length` bytes. */
  has(length: number): boolean;
}

/** The key of a certificate's subject, from its DER; `undefined` where it cannot be walked to. */
export function subjectKeyOfDer(bytes: Uint8Array): number | undefined {
  return subjectKey({ bytes, has: (length) => length <= bytes.length });
}

/** The same from the Base64 between `from` and `to`. */
export function subjectKeyOfPem(source: PemSource, from: number, to: number): number | undefined {
  return subjectKey(new Base64Prefix(source, from, to));
}

/** The key of a name, from its DER. */
export function nameKey(raw: Uint8Array): number | undefined {
  const name = element(raw, 0);
  return name === undefined ? undefined : keyOfRdns(raw, name.start, name.end);
}

/** Certificates whose subject ends beyond this are parsed at once: the web's roots end theirs before byte 700. */
const maxPrefix = 2304;

/** Base64 digits by character code: 64 for white space, which may stand anywhere, 128 for what ends them. */
const digits: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[ \t\r\n]/.test(character)) return 64;
  const digit = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(character);
  return digit < 0 ? 128 : digit;
});

/** One walk is over before the next begins. */
const scratch: Uint8Array = new Uint8Array(maxPrefix);

/** Bytes that are decoded at a time: a multiple of three, and a divisor of the maximum. */
const step = 48;

class Base64Prefix implements Prefix {
  readonly bytes: Uint8Array = scratch;
  readonly #source: PemSource;
  readonly #to: number;
  #from: number;
  #length = 0;
  #ended = false;

  constructor(source: PemSource, from: number, to: number) {
    this.#source = source;
    this.#from = from;
    this.#to = to;
  }

  has(length: number): boolean {
    while (this.#length < length && !this.#ended) this.#decode();
    return this.#length >= length;
  }

  /** A step more, in groups of four digits, up to where the text ends or holds something else. */
  #decode(): void {
    const source = this.#source;
    let from = this.#from;
    let at = this.#length;
    const stop = Math.min(at + step, maxPrefix);
    while (at < stop) {
      let a = digitAt(source, from);
      // Lines end between groups, as a rule.
      while (a === 64) a = digitAt(source, ++from);
      let b = digitAt(source, from + 1);
      let c = digitAt(source, from + 2);
      let d = digitAt(source, from + 3);
      if ((a | b | c | d) < 64) from += 4;
      else [a, b, c, d, from] = spreadGroup(source, from);
      if (((a | b | c | d) & 128) !== 0 || from > this.#to) break;
      scratch[at++] = (a << 2) | (b >> 4);
      scratch[at++] = (b << 4) | (c >> 2);
      scratch[at++] = (c << 6) | d;
    }
    this.#ended = at < stop || at === maxPrefix;
    this.#length = at;
    this.#from = from;
  }
}

function digitAt(source: PemSource, at: number): number {
  // Behind the end there is a 0 here, which is no digit. A character above 255 is taken for another: the parser is not.
  const code = typeof source === 'string' ? source.charCodeAt(at) : (source[at] ?? 0);
  return digits[code & 0xff] ?? 128;
}

/** Four digits from `from` with white space between them, and where the next group begins. */
function spreadGroup(source: PemSource, from: number): [number, number, number, number, number] {
  const group: [number, number, number, number, number] = [0, 0, 0, 0, from];
  for (let i = 0; i < 4; i++) {
    let digit = digitAt(source, group[4]++);
    while (digit === 64) digit = digitAt(source, group[4]++);
    group[i] = digit;
  }
  return group;
}

/** Down to the subject (RFC 5280 §4.1): Certificate, TBSCertificate, and the fields before it. */
function subjectKey(prefix: Prefix): number | undefined {
  const { bytes } = prefix;
  let at = 0;
  for (let depth = 0; depth < 2; depth++) {
    const inside = prefix.has(at + maxHeader) ? element(bytes, at) : undefined;
    if (inside === undefined) return undefined;
    at = inside.start;
  }
  // version where it is there, serialNumber, signature, issuer, validity
  if (!prefix.has(at + maxHeader)) return undefined;
  for (let left = bytes[at] === versionTag ? 5 : 4; left > 0; left--) {
    const field = element(bytes, at);
    if (field === undefined || !prefix.has(field.end + maxHeader)) return undefined;
    at = field.end;
  }
  const subject = element(bytes, at);
  return subject !== undefined && prefix.has(subject.end) ? keyOfRdns(bytes, subject.start, subject.end) : undefined;
}

const versionTag = 0xa0;
/** Identifier, and a length of up to three bytes: nothing here is longer. */
const maxHeader = 5;

/** Where the content of the value at `at` starts and ends; its end may lie beyond what is there. */
function element(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | undefined {
  const first = bytes[at + 1] ?? 0x80;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (count === 0 || count > 3) return undefined;
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  return { start: at + 2 + count, end: at + 2 + count + length };
}

/**
 * What of a value counts, by byte, in one case: ASCII's letters and digits. Not white space, which names are compared
 * without; not what is beyond ASCII, where string types differ; not i and k, which the lower case of İ and of the Kelvin
 * sign begin with.
 */
const counted: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte).toLowerCase();
  return byte < 0x80 && /[a-hjl-z0-9]/.test(character) ? character.charCodeAt(0) : 0;
});

/** The sum of the attributes' hashes: the order within a relative name says nothing. */
function keyOfRdns(bytes: Uint8Array, start: number, end: number): number | undefined {
  let key = 0;
  for (let at = start; at < end; ) {
    const rdn = element(bytes, at);
    if (rdn === undefined || rdn.end > end) return undefined;
    at = rdn.start;
    while (at < rdn.end) {
      const attribute = element(bytes, at);
      const type = attribute && element(bytes, attribute.start);
      const value = type && element(bytes, type.end);
      if (value === undefined || value.end > rdn.end) return undefined;
      key = (key + hashOf(bytes, type?.end ?? 0, value.start, value.end)) | 0;
      at = value.end;
    }
  }
  return key;
}

/** FNV-1a over the last byte of the attribute's type, which stands before `at`, and what counts of its value. */
function hashOf(bytes: Uint8Array, at: number, start: number, end: number): number {
  const width = bytes[at] === tag.bmpString ? 2 : bytes[at] === tag.universalString ? 4 : 1;
  let hash = 0x811c9dc5 ^ (bytes[at - 1] ?? 0);
  for (let last = start + width - 1; last < end; last += width) {
    if (width > 1 && !isAscii(bytes, last, width)) continue;
    const character = counted[bytes[last] ?? 0] ?? 0;
    if (character !== 0) hash = Math.imul(hash ^ character, 0x01000193);
  }
  return hash;
}

/** Whether the code unit of `width` bytes that ends at `last` has nothing above its last byte. */
function isAscii(bytes: Uint8Array, last: number, width: number): boolean {
  for (let at = last - width + 1; at < last; at++) if (bytes[at] !== 0) return false;
  return true;
}
