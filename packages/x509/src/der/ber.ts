/**
 * BER to DER, for containers alone: PKCS#12 and PKCS#7 allow BER outside (RFC 7292 §3.1, RFC 5652 §1.1), and NSS, Windows
 * and old Java write indefinite lengths and strings in pieces. One pass makes lengths definite and minimal and puts OCTET
 * STRINGs together; all other rules of DER stay with the reader behind it. Certificates never come this way by themselves:
 * what is signed is taken as it is, or refused.
 *
 * @module
 */

import { type Bytes, concat } from '@handfast/crypto';
import { malformed } from '../errors.ts';
import { maxDerLength, tag } from './reader.ts';
import * as der from './writer.ts';

/** Deeper than any container: PFX, content, bag and attribute make some 14. */
const maxDepth = 32;

/** Values in one container: 2,000 certificates in bags have fewer. */
const maxValues = 1 << 16;

const endOfContents = 0;
const constructed = 0x20;

interface State {
  readonly bytes: Bytes;
  readonly what: string;
  at: number;
  values: number;
}

/**
 * The DER of the one value that is all of `bytes`; DER comes back as it is.
 *
 * @throws CertificateError `malformed`
 */
export function berToDer(bytes: Bytes, what: string): Bytes {
  if (bytes.length > maxDerLength) throw malformed(what, `${bytes.length} bytes, over the limit of ${maxDerLength}`);
  const state: State = { bytes, what, at: 0, values: 0 };
  const value = readValue(state, bytes.length, 0);
  if (state.at !== bytes.length) throw malformed(what, `${bytes.length - state.at} bytes too many`);
  return value;
}

/** The next value, which ends at `end` at the latest, as DER. */
function readValue(state: State, end: number, depth: number): Bytes {
  const { what } = state;
  if (depth > maxDepth) throw malformed(what, `nested deeper than ${maxDepth}`);
  if (++state.values > maxValues) throw malformed(what, `more than ${maxValues} values`);
  const start = state.at;
  const tagByte = nextByte(state, end);
  if ((tagByte & 0x1f) === 0x1f) throw malformed(what, 'a tag number above 30');
  const length = readLength(state, end);
  const isConstructed = (tagByte & constructed) !== 0;
  if (length === undefined && !isConstructed) throw malformed(what, 'an indefinite length of a primitive value');
  const contentEnd = length === undefined ? end : state.at + length;
  if (contentEnd > end) throw malformed(what, 'a length beyond the end');
  if (!isConstructed) {
    const content = state.bytes.subarray(state.at, contentEnd);
    state.at = contentEnd;
    const raw = state.bytes.subarray(start, contentEnd);
    const minimal = der.value(tagByte, content);
    return minimal.length === raw.length ? raw : minimal;
  }
  const parts = readParts(state, contentEnd, length === undefined, depth);
  // Of strings, only OCTET STRINGs come in pieces in the wild.
  return tagByte === (tag.octetString | constructed) ? joinPieces(parts, what) : der.value(tagByte, ...parts);
}

function readParts(state: State, end: number, indefinite: boolean, depth: number): Bytes[] {
  const parts: Bytes[] = [];
  for (;;) {
    if (!indefinite && state.at === end) return parts;
    if (indefinite && state.bytes[state.at] === endOfContents && state.at + 2 <= end) {
      if (state.bytes[state.at + 1] !== 0) throw malformed(state.what, 'end-of-contents with a length');
      state.at += 2;
      return parts;
    }
    parts.push(readValue(state, end, depth + 1));
  }
}

function joinPieces(pieces: readonly Bytes[], what: string): Bytes {
  return der.octetString(concat(...pieces.map((piece) => contentOf(piece, what))));
}

/** The content of an OCTET STRING, DER. */
function contentOf(piece: Bytes, what: string): Bytes {
  if (piece[0] !== tag.octetString) throw malformed(what, 'a piece of an OCTET STRING that is none');
  const first = piece[1] ?? 0;
  return piece.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f));
}

/**
 * The content of an OCTET STRING under an IMPLICIT tag that came in pieces: what `encryptedContent [0]` may be in BER.
 * `content`: that of the tagged value, normalised already.
 */
export function joinedString(content: Bytes, what: string): Bytes {
  const state: State = { bytes: content, what, at: 0, values: 0 };
  const pieces: Bytes[] = [];
  while (state.at < content.length) pieces.push(contentOf(readValue(state, content.length, 0), what));
  return concat(...pieces);
}

function nextByte(state: State, end: number): number {
  const byte = state.at < end ? state.bytes[state.at] : undefined;
  if (byte === undefined)
    throw malformed(state.what, `cut short (at byte ${state.at} of the ${state.bytes.length} there)`);
  state.at++;
  return byte;
}

/** The length, or `undefined` for the indefinite one. */
function readLength(state: State, end: number): number | undefined {
  const first = nextByte(state, end);
  if (first < 0x80) return first;
  if (first === 0x80) return undefined;
  const count = first & 0x7f;
  if (count > 8) throw malformed(state.what, 'a length of more than 8 bytes');
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + nextByte(state, end);
  return length;
}
