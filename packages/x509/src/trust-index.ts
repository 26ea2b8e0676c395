/**
 * How a trust store finds its anchors without parsing them: where the certificates of a PEM text begin and end, and a key
 * of a subject that needs a few dozen of its certificate's bytes.
 *
 * A key is a hint: equal names (`sameName`) have equal keys, and what a key finds is parsed strictly and compared. So
 * nothing here refuses: what cannot be walked has no key, and the parser says why.
 *
 * PEM as everybody writes it, in lines of one length or all in one, is read where it matters: the certificate's own length
 * says where its block must end, and if it does, and every line before it, then so many characters are so many digits.
 *
 * @module
 */

import { tag } from './der/reader.ts';
import { latin1 } from './text.ts';

/** A PEM text, as characters or as bytes: only ASCII matters in it. */
export type PemSource = string | Uint8Array;

/** A PEM block in a text: from its BEGIN to behind its END. */
export interface PemSpan {
  readonly label: string;
  readonly start: number;
  readonly end: number;
  /** What stands between the boundaries. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
  /** Set where all lines but the last are of one length, or there is one: digits in a line, and characters with its end. */
  readonly lines: Lines | undefined;
}

interface Lines {
  readonly digits: number;
  readonly characters: number;
}

const boundary = '-----';
const beginning = '-----BEGIN ';
const ending = '-----END ';

/** The blocks of a text; one without its end reaches to the next block's beginning, or to the end of the text. */
export function pemSpans(source: PemSource): readonly PemSpan[] {
  const spans: PemSpan[] = [];
  for (let start = next(source, 0, beginning); start < source.length; ) {
    const title = lineEnd(source, start);
    const label = labelOf(source, start, title);
    const regular = regularBody(source, title + 1, label);
    const bodyEnd = regular?.end ?? next(source, title, boundary);
    const whole = regular !== undefined || startsAt(source, bodyEnd, ending);
    const end = whole ? lineEnd(source, bodyEnd) : bodyEnd;
    spans.push({ label, start, end, bodyStart: title, bodyEnd, lines: regular?.lines });
    // Most often the next one follows at once.
    start = startsAt(source, end + 1, beginning) ? end + 1 : next(source, end, beginning);
  }
  return spans;
}

/** The characters of a part; bytes as ISO 8859-1. */
export function partOf(source: PemSource, from: number, to: number): string {
  return typeof source === 'string' ? source.slice(from, to) : latin1(source.subarray(from, to));
}

/** Where `text` stands next, which begins with a hyphen; or the length. */
function next(source: PemSource, from: number, text: string): number {
  if (typeof source === 'string') return orLength(source.indexOf(text, from), source);
  for (let at = source.indexOf(0x2d, from); at >= 0; at = source.indexOf(0x2d, at + 1)) {
    if (startsAt(source, at, text)) return at;
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

function codeAt(source: PemSource, at: number): number {
  return typeof source === 'string' ? source.charCodeAt(at) : (source[at] ?? 0);
}

function labelOf(source: PemSource, start: number, end: number): string {
  if (startsAt(source, start, usualBeginning)) return usualLabel;
  const from = start + beginning.length;
  const label = partOf(source, from, Math.min(end, from + maxLabel)).trimEnd();
  return label.endsWith(boundary) ? label.slice(0, -boundary.length) : label;
}

const usualLabel = 'CERTIFICATE';
const usualBeginning = '-----BEGIN CERTIFICATE-----\n';
const usualEnding = '-----END CERTIFICATE-----';

/** Characters of a label that are looked at: nothing that matters has a longer one. */
const maxLabel = 64;

/** A body in lines of one length that ends just where the DER in it does; `undefined` for any other. */
function regularBody(
  source: PemSource,
  start: number,
  label: string,
): { readonly end: number; readonly lines: Lines } | undefined {
  const firstEnd = lineEnd(source, start);
  const carriageReturn = codeAt(source, firstEnd - 1) === 0x0d ? 1 : 0;
  const digits = firstEnd - carriageReturn - start;
  const lines = { digits, characters: firstEnd + 1 - start };
  if (digits < minLine || digits % 4 !== 0) return undefined;
  const prefix = new LinePrefix(source, start, lines);
  const length = hasHeader(prefix, 0) ? valueEnd(prefix.bytes, 0) : 0;
  const total = 4 * Math.ceil(length / 3);
  if (!(total >= digits) || total > maxDigits) return undefined;
  const full = Math.floor((total - 1) / digits);
  for (let line = 1; line <= full; line++) {
    if (codeAt(source, start + line * lines.characters - 1) !== 0x0a) return undefined;
  }
  const last = start + full * lines.characters + (total - full * digits);
  const end = last + carriageReturn + 1;
  return codeAt(source, end - 1) === 0x0a &&
    startsAt(source, end, label === usualLabel ? usualEnding : `${ending}${label}${boundary}`)
    ? { end, lines }
    : undefined;
}

/** RFC 7468 §2 writes lines of 64 digits, MIME of 76. With both limits, looking at lines costs little for each block. */
const minLine = 48;
const maxDigits = 1 << 16;

/** Bytes that are decoded where they are asked for. */
interface Prefix {
  readonly bytes: Uint8Array;
  /** Whether there are bytes up to `to`; those from `from` can then be read. */
  has(from: number, to: number): boolean;
}

class DerPrefix implements Prefix {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  has(_from: number, to: number): boolean {
    return to <= this.bytes.length;
  }
}

/** The key of a certificate's subject, from its DER; `undefined` where it cannot be walked to. */
export function subjectKeyOfDer(bytes: Uint8Array): number | undefined {
  return subjectKey(new DerPrefix(bytes));
}

/** The same from a PEM block. */
export function subjectKeyOfPem(source: PemSource, { bodyStart, bodyEnd, lines }: PemSpan): number | undefined {
  return subjectKey(
    lines === undefined ? new LoosePrefix(source, bodyStart, bodyEnd) : new LinePrefix(source, bodyStart + 1, lines),
  );
}

/** The key of a name, from its DER. */
export function nameKey(raw: Uint8Array): number | undefined {
  return keyOfName(new DerPrefix(raw), 0);
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

/** A character above 255 is taken for another here; the parser refuses it. */
function digitAt(source: PemSource, at: number): number {
  return digits[codeAt(source, at) & 0xff] ?? 128;
}

/** One walk is over before the next begins. */
const scratch: Uint8Array = new Uint8Array(maxPrefix);

/** In lines of one length: bytes are decoded where they are. */
class LinePrefix implements Prefix {
  readonly bytes: Uint8Array = scratch;
  readonly #source: PemSource;
  readonly #start: number;
  readonly #digits: number;
  readonly #characters: number;

  constructor(source: PemSource, start: number, lines: Lines) {
    this.#source = source;
    this.#start = start;
    this.#digits = lines.digits;
    this.#characters = lines.characters;
  }

  has(from: number, to: number): boolean {
    if (!(to <= maxPrefix)) return false;
    const source = this.#source;
    const inLine = this.#digits;
    const group = (from / 3) | 0;
    const line = ((4 * group) / inLine) | 0;
    let inThis = 4 * group - line * inLine;
    let character = this.#start + line * this.#characters + inThis;
    for (let at = 3 * group; at < to; ) {
      const a = digitAt(source, character);
      const b = digitAt(source, character + 1);
      const c = digitAt(source, character + 2);
      const d = digitAt(source, character + 3);
      if ((a | b | c | d) >= 64) return false;
      scratch[at++] = (a << 2) | (b >> 4);
      scratch[at++] = (b << 4) | (c >> 2);
      scratch[at++] = (c << 6) | d;
      inThis += 4;
      character += 4;
      if (inThis !== inLine) continue;
      inThis = 0;
      character += this.#characters - inLine;
    }
    return true;
  }
}

/** Bytes that are decoded at a time: a multiple of three, and a divisor of the maximum. */
const step = 48;

/** With white space anywhere: bytes are decoded from the first to the last that is needed. */
class LoosePrefix implements Prefix {
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

  has(_from: number, to: number): boolean {
    while (this.#length < to && !this.#ended) this.#decode();
    return this.#length >= to;
  }

  /** A step more, in groups of four digits, up to where the text ends or holds something else. */
  #decode(): void {
    const stop = Math.min(this.#length + step, maxPrefix);
    while (this.#length < stop) {
      const [a, b, c, d] = [this.#digit(), this.#digit(), this.#digit(), this.#digit()];
      if ((a | b | c | d) >= 64) break;
      scratch[this.#length++] = (a << 2) | (b >> 4);
      scratch[this.#length++] = (b << 4) | (c >> 2);
      scratch[this.#length++] = (c << 6) | d;
    }
    this.#ended = this.#length < stop || stop === maxPrefix;
  }

  /** The next digit; 128 where there is none. */
  #digit(): number {
    while (this.#from < this.#to) {
      const digit = digitAt(this.#source, this.#from++);
      if (digit !== 64) return digit;
    }
    return 128;
  }
}

const versionTag = 0xa0;
/** Identifier, and a length below 65,536: nothing here is longer. */
const maxHeader = 4;

/** Down to the subject (RFC 5280 §4.1): Certificate, TBSCertificate, and the fields before it. */
function subjectKey(prefix: Prefix): number | undefined {
  const { bytes } = prefix;
  let at = 0;
  for (let depth = 0; depth < 2; depth++) {
    if (!hasHeader(prefix, at)) return undefined;
    at = contentStart(bytes, at);
  }
  if (!hasHeader(prefix, at)) return undefined;
  // version where it is there, serialNumber, signature, issuer, validity
  for (let left = bytes[at] === versionTag ? 5 : 4; left > 0; left--) {
    at = valueEnd(bytes, at);
    if (!hasHeader(prefix, at)) return undefined;
  }
  return keyOfName(prefix, at);
}

/** Most headers are two bytes long. */
function hasHeader(prefix: Prefix, at: number): boolean {
  return prefix.has(at, at + 2) && ((prefix.bytes[at + 1] ?? 0) < 0x80 || prefix.has(at, at + maxHeader));
}

function contentStart(bytes: Uint8Array, at: number): number {
  const first = bytes[at + 1] ?? 0;
  return at + 2 + (first < 0x80 ? 0 : first & 0x7f);
}

/** Where the value at `at` ends, which may lie beyond what is there; not a number where it has no length that we follow. */
function valueEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at + 1] ?? 0x80;
  if (first < 0x80) return at + 2 + first;
  const count = first & 0x7f;
  if (count === 1) return at + 3 + (bytes[at + 2] ?? 0);
  return count === 2 ? at + 4 + 256 * (bytes[at + 2] ?? 0) + (bytes[at + 3] ?? 0) : Number.NaN;
}

/**
 * The key of the name at `at`: that of its last relative name, which is the most specific. The sum of its attributes'
 * hashes, as the order of those says nothing.
 */
function keyOfName(prefix: Prefix, name: number): number | undefined {
  const { bytes } = prefix;
  const end = valueEnd(bytes, name);
  let at = contentStart(bytes, name);
  if (at === end) return 0;
  for (;;) {
    if (!hasHeader(prefix, at)) return undefined;
    const rdnEnd = valueEnd(bytes, at);
    if (rdnEnd === end) break;
    if (!(rdnEnd < end)) return undefined;
    at = rdnEnd;
  }
  if (!prefix.has(at, end)) return undefined;
  let key = 0;
  for (at = contentStart(bytes, at); at < end; ) {
    const type = contentStart(bytes, at);
    const value = valueEnd(bytes, type);
    const valueStop = valueEnd(bytes, value);
    if (!(valueStop <= end)) return undefined;
    key = (key + hashOf(bytes, value, contentStart(bytes, value), valueStop)) | 0;
    at = valueStop;
  }
  return key;
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
