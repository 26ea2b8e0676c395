/**
 * Randomness, hashes and HMAC by `node:crypto`.
 *
 * @module
 */

import * as crypto from 'node:crypto';
import { wipe } from '../bytes.ts';
import { hashLength } from '../hkdf.ts';
import type { Bytes, Hash, HashName } from '../provider.ts';
import { plain } from './own-memory.ts';

export function random(length: number): Bytes {
  // Not randomBytes: its small Buffers can come from a shared pool.
  return crypto.randomFillSync(new Uint8Array(length));
}

export function createHash(hash: HashName): Hash {
  return wrap(crypto.createHash(hash));
}

function wrap(hash: crypto.Hash): Hash {
  return {
    update(data) {
      hash.update(data);
      return this;
    },
    clone: () => wrap(hash.copy()),
    digest: () => plain(hash.digest()),
  };
}

export function digest(hash: HashName, data: Uint8Array): Bytes {
  return plain(crypto.hash(hash, data, 'buffer'));
}

/** Bytes in a block of the hash's compression function. */
const blockLength: Readonly<Record<HashName, number>> = { sha256: 64, sha384: 128, sha512: 128 };

/**
 * HMAC (RFC 2104) as two one-shot hashes. `createHmac` takes several times as long for the short inputs of a key schedule:
 * each call makes a KeyObject and a stream (docs/performance.md).
 */
export function hmac(hash: HashName, key: Uint8Array, data: Uint8Array): Bytes {
  const block = blockLength[hash];
  const short = key.length > block ? digest(hash, key) : key;
  const inner = new Uint8Array(block + data.length);
  const outer = new Uint8Array(block + hashLength[hash]);
  inner.set(short);
  outer.set(short);
  for (let i = 0; i < block; i++) {
    inner[i] = (inner[i] as number) ^ 0x36;
    outer[i] = (outer[i] as number) ^ 0x5c;
  }
  inner.set(data, block);
  const innerDigest = digest(hash, inner);
  outer.set(innerDigest, block);
  const mac = digest(hash, outer);
  wipe(inner, innerDigest, outer);
  if (short !== key) wipe(short);
  return mac;
}
