/**
 * Byte strings of the protocol that are kept as strings: each character is one byte.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';

export function latin1(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += String.fromCharCode(byte);
  return out;
}

export function bytesOfLatin1(text: string): Bytes {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}
