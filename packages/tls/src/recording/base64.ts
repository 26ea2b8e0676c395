/**
 * Base64 (RFC 4648 §4) both ways, strict: padded, without white space, in any runtime.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { atob, btoa } from '../platform.ts';

/** Characters that `fromCharCode` is given at once. */
const atOnce = 8192;

export function toBase64(bytes: Uint8Array): string {
  let latin1 = '';
  for (let at = 0; at < bytes.length; at += atOnce) {
    latin1 += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(at, at + atOnce));
  }
  return btoa(latin1);
}

/** How many bytes a text stands for; undefined: it is no base64. */
export function base64Length(text: string): number | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding;
  for (let at = 0; at < digits; at++) if (!isDigit(text.charCodeAt(at))) return undefined;
  return (text.length / 4) * 3 - padding;
}

function isDigit(code: number): boolean {
  const letter = code | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2f;
}

/** The bytes of a text that `base64Length` knows as such: those of every recording that was read. */
export function fromBase64(text: string): Bytes {
  const latin1 = atob(text);
  const bytes = new Uint8Array(latin1.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = latin1.charCodeAt(at);
  return bytes;
}
