/**
 * Randomness, hashes and HMAC by `node:crypto`.
 *
 * @module
 */

import * as crypto from 'node:crypto';
import type { Bytes, CryptoProvider, Hash, HashName, Hmac, LegacyHash } from '../provider.ts';
import { plain } from './own-memory.ts';

export function random(length: number): Bytes {
  // Not randomBytes: its small Buffers can come from a shared pool.
  return crypto.randomFillSync(new Uint8Array(length));
}

/** Which of them a provider has is its type's to say. */
type AnyHash = HashName | LegacyHash;

export function createHash(hash: AnyHash): Hash {
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

export function digest(hash: AnyHash, data: Uint8Array): Bytes {
  return plain(crypto.hash(hash, data, 'buffer'));
}

export const legacyDigests: NonNullable<CryptoProvider['legacyDigests']> = {
  sha1: (data) => digest('sha1', data),
};

export function hmac(hash: AnyHash, key: Uint8Array): Hmac {
  // A KeyObject is several times as fast here as the raw key (docs/performance.md).
  const secret = crypto.createSecretKey(key);
  return (data) => plain(crypto.createHmac(hash, secret).update(data).digest());
}
