/**
 * Buffers as plain byte strings, in memory of their own: secrets never lie in Node's shared pool.
 *
 * @module
 */

import type { Bytes } from '../provider.ts';

/** Memory of its own, not zeroed: the caller writes every byte. */
export function ownMemory(length: number): Bytes {
  const { buffer } = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer, 0, length);
}

/**
 * The bytes of a Buffer that OpenSSL answered: the same memory where that is its own, as it is for all that we call; else a
 * copy, and the Buffer is wiped.
 */
export function plain(buffer: Buffer): Bytes {
  const { buffer: memory, byteLength } = buffer;
  if (memory instanceof ArrayBuffer && memory.byteLength === byteLength) return new Uint8Array(memory);
  const own = new Uint8Array(buffer);
  buffer.fill(0);
  return own;
}

/** A Buffer over the same memory, for parameters that take nothing else. (`Buffer.from(bytes)` would copy into the pool.) */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** From here on it is worth while. */
const large = 4096;

/**
 * Gives memory back at once, if it is large and no other array has a part in it: whoever still has it finds it empty. Left to
 * the garbage collector, which sees a small object, it would stay so long that each record was sealed into memory that no
 * cache knows (docs/performance.md).
 */
export function releaseMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength >= large && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
