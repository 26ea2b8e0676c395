/**
 * PEM, the textual encoding of RFC 7468: blocks between `-----BEGIN label-----` and `-----END label-----`, with any text
 * between blocks. Encapsulated headers (RFC 1421) are handed on as they stood: they say how a key was encrypted once.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { malformed } from '../errors.ts';
import { latin1, quote } from '../text.ts';

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, … */
  readonly label: string;
  readonly bytes: Bytes;
  /** Header lines of the old format, `Proc-Type: 4,ENCRYPTED` among them; usually none. */
  readonly headers: readonly string[];
}

/** Characters of a text that is searched for blocks: a bundle of the web's roots is about 250 KiB. */
const maxPemLength = 16 << 20;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The value of each ASCII character as a digit of Base64; 64 for what is none. */
const digits: Readonly<Uint8Array> = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = alphabet.indexOf(String.fromCharCode(code));
  return digit < 0 ? 64 : digit;
});

/** Whether bytes hold PEM rather than DER: DER starts with a SEQUENCE. */
export function looksLikePem(bytes: Uint8Array): boolean {
  return bytes[0] !== 0x30;
}

/** The text of a PEM file given as a string or as bytes. Only ASCII matters in it. */
export function pemText(pem: string | Uint8Array): string {
  if (pem.length > maxPemLength) throw malformed('PEM', `${pem.length} characters, over the limit of ${maxPemLength}`);
  if (typeof pem === 'string') return pem;
  const parts: string[] = [];
  for (let at = 0; at < pem.length; at += 4096) parts.push(latin1(pem.subarray(at, at + 4096)));
  return parts.join('');
}

/**
 * All blocks of a text, in order; none where it holds none.
 *
 * @throws CertificateError `malformed` for a block without its end, or whose Base64 is wrong
 */
export function parsePem(pem: string | Uint8Array): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { readonly label: string; readonly headers: string[]; readonly body: string[] } | undefined;
  for (const untrimmed of pemText(pem).split('\n')) {
    const line = untrimmed.trim();
    const begin = boundary(line, 'BEGIN');
    const end = boundary(line, 'END');
    if (open === undefined) {
      if (begin !== undefined) open = { label: begin, headers: [], body: [] };
    } else if (begin !== undefined) {
      throw malformed('PEM', `${quote(begin)} begins before ${quote(open.label)} ends`);
    } else if (end === undefined) {
      // Headers stand before the body; a colon in the body is no digit of Base64.
      if (open.body.length === 0 && line.includes(':')) open.headers.push(line);
      else if (line !== '') open.body.push(line);
    } else {
      if (end !== open.label) throw malformed('PEM', `${quote(open.label)} ends as ${quote(end)}`);
      blocks.push({ label: open.label, bytes: decodeBase64(open.body.join(''), open.label), headers: open.headers });
      open = undefined;
    }
  }
  if (open !== undefined) throw malformed('PEM', `${quote(open.label)} has no end`);
  return blocks;
}

/** One block, its lines 64 characters long, ending in a line feed. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = encodeBase64(der).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

function boundary(line: string, word: 'BEGIN' | 'END'): string | undefined {
  const prefix = `-----${word} `;
  return line.startsWith(prefix) && line.endsWith('-----') && line.length > prefix.length + 5
    ? line.slice(prefix.length, -5)
    : undefined;
}

/** Strict: padded, canonical (RFC 4648 §3.5), white space between characters allowed. */
export function decodeBase64(text: string, label: string): Bytes {
  const compact = text.replace(/[ \t\r]/g, '');
  const data = compact.endsWith('==') ? compact.slice(0, -2) : compact.endsWith('=') ? compact.slice(0, -1) : compact;
  if (compact.length % 4 !== 0) throw malformed('PEM', `the Base64 of ${quote(label)} is cut short`);
  const out = new Uint8Array(Math.floor((data.length * 3) / 4));
  let at = 0;
  let bits = 0;
  let pending = 0;
  for (let index = 0; index < data.length; index++) {
    const digit = digits[data.charCodeAt(index)] ?? 64;
    if (digit === 64) throw malformed('PEM', `${quote(data.charAt(index))} in the Base64 of ${quote(label)}`);
    pending = ((pending << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = pending >> bits;
    }
  }
  if ((pending & ((1 << bits) - 1)) !== 0) throw malformed('PEM', `the Base64 of ${quote(label)} has stray bits`);
  return out;
}

function encodeBase64(bytes: Uint8Array): string {
  let out = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const present = Math.min(3, bytes.length - at) + 1;
    for (let digit = 0; digit < 4; digit++) {
      out += digit < present ? alphabet.charAt((group >> (18 - 6 * digit)) & 0x3f) : '=';
    }
  }
  return out;
}
