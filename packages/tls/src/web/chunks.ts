/**
 * What streams and channels call bytes, as bytes.
 *
 * @module
 */

import { type Bytes, copyBytes } from '@handfast/crypto';
import { TlsError } from '../errors.ts';

/** The bytes of any buffer or view, in place; undefined for what is neither. */
export function asBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : undefined;
}

/**
 * What a transport has given.
 *
 * @throws TlsError `transport_failed` for what is no bytes.
 */
export function bytesFrom(transport: string, value: unknown): Uint8Array {
  const bytes = asBytes(value);
  if (bytes) return bytes;
  const what = typeof value === 'string' ? 'text' : `a value of type ${typeof value}`;
  throw new TlsError('transport_failed', `the ${transport} gave ${what} in place of bytes`, {
    hint: 'TLS is binary: the other end must send binary messages, and nothing else',
  });
}

/** The same in memory that nobody shares with us. */
export function unshared(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : copyBytes(bytes);
}
