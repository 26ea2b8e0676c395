/**
 * A peer's strings on their way into messages and terminals: escaped, and cut at 256 characters. Decoding of the
 * character strings of ASN.1 that names use.
 *
 * @module
 */

const maxQuoted = 256;

/** Control, format (bidirectional overrides among them), surrogate, private-use and line-separator characters. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** `text` with everything that could move a cursor or reorder a line written as `\u{…}`, cut at 256 characters. */
export function escapeText(text: string): string {
  return escapeWhole(text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text);
}

/** The same, not cut: of a text whose length is bounded elsewhere. */
export function escapeWhole(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `text` escaped, in double quotes. */
export function quote(text: string): string {
  return `"${escapeText(text)}"`;
}

/**
 * `text` with A to Z in lower case and all else as it is. `toLowerCase` folds what is not ASCII into it: the Kelvin sign
 * becomes a `k`.
 */
export function asciiLowerCase(text: string): string {
  let upper = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return text.replace(upperCase, (letters) => letters.toLowerCase());
    upper ||= code >= 0x41 && code <= 0x5a;
  }
  return upper ? text.toLowerCase() : text;
}

const upperCase = /[A-Z]+/g;

/** One character a byte (ISO 8859-1; ASCII where the bytes are). */
export function latin1(bytes: Uint8Array): string {
  // At once, up to what a call takes arguments: what `+=` makes is a chain of pieces, which its first reader pays for.
  if (bytes.length <= maxArguments) return Reflect.apply(String.fromCharCode, undefined, bytes);
  let out = '';
  for (let at = 0; at < bytes.length; at += maxArguments) out += latin1(bytes.subarray(at, at + maxArguments));
  return out;
}

const maxArguments = 1024;

/** The text of ASCII bytes, or `undefined`. */
export function ascii(bytes: Uint8Array): string | undefined {
  for (const byte of bytes) if (byte > 0x7f) return undefined;
  return latin1(bytes);
}

/** The text of valid UTF-8, or `undefined`: no overlong forms, no surrogates, nothing cut. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  const plain = ascii(bytes);
  if (plain !== undefined) return plain;
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    // The language's own strict UTF-8 decoder: this package is compiled without those of any runtime.
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
}

/** The text of big-endian code units of `width` bytes (BMPString: 2, UniversalString: 4), or `undefined`. */
export function codeUnitText(bytes: Uint8Array, width: 2 | 4): string | undefined {
  if (bytes.length % width !== 0) return undefined;
  let out = '';
  for (let at = 0; at < bytes.length; at += width) {
    let unit = 0;
    for (const byte of bytes.subarray(at, at + width)) unit = unit * 256 + byte;
    if (unit > 0x10ffff || (unit >= 0xd800 && unit <= 0xdfff)) return undefined;
    out += String.fromCodePoint(unit);
  }
  return out;
}

/** `2026-11-18T00:00:00Z`, or what can be said of a date that is none. */
export function isoTime(time: Date): string {
  return Number.isNaN(time.getTime()) ? 'invalid date' : `${time.toISOString().slice(0, -5)}Z`;
}
