/**
 * SHA-2 and HMAC by noble: synchronous, incremental and cloneable, which WebCrypto's digests are not.
 *
 * @module
 */

import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { Bytes, CryptoProvider, Hash, HashName, Hmac } from '../provider.ts';

const hashes = { sha256, sha384, sha512 } as const;

export function createHash(hash: HashName): Hash {
  return wrap(hashes[hash].create());
}

/** What we use of noble's hash objects. */
interface NobleHash {
  update(data: Uint8Array): unknown;
  clone(): NobleHash;
  digest(): Bytes;
}

function wrap(hash: NobleHash): Hash {
  return {
    update(data) {
      hash.update(data);
      return this;
    },
    clone: () => wrap(hash.clone()),
    digest: () => hash.digest(),
  };
}

export function digest(hash: HashName, data: Uint8Array): Bytes {
  return hashes[hash](data);
}

export const legacyDigests: NonNullable<CryptoProvider['legacyDigests']> = { sha1: (data) => sha1(data) };

export function hmac(hash: HashName, key: Uint8Array): Hmac {
  // The padded key is hashed once; each message begins from there.
  const prepared = nobleHmac.create(hashes[hash], key);
  return (data) => prepared.clone().update(data).digest();
}
