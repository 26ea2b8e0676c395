/**
 * Hashes and HMAC by noble: synchronous, incremental and cloneable, which WebCrypto's digests are not.
 *
 * @module
 */

import { hmac } from '@noble/hashes/hmac.js';
import type { CHash } from '@noble/hashes/utils.js';
import type { Bytes, Hash, Hmac } from '../provider.ts';

export interface Hashes<N extends string> {
  createHash(hash: N): Hash;
  digest(hash: N, data: Uint8Array): Bytes;
  hmac(hash: N, key: Uint8Array): Hmac;
}

/** What a provider says of these hash functions. */
export function hashesByNoble<N extends string>(functions: Readonly<Record<N, CHash>>): Hashes<N> {
  return {
    createHash: (hash) => wrap(functions[hash].create()),
    digest: (hash, data) => functions[hash](data),
    hmac(hash, key) {
      // The padded key is hashed once; each message begins from there.
      const prepared = hmac.create(functions[hash], key);
      return (data) => prepared.clone().update(data).digest();
    },
  };
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
