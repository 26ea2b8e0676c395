/**
 * MD5, SHA-1 and HMAC over them, by noble: WebCrypto has no MD5, and nothing that is incremental.
 *
 * @module
 */

import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { md5, sha1 } from '@noble/hashes/legacy.js';
import type { Bytes, Hash, Hmac, LegacyHash } from '../../provider.ts';

const hashes = { md5, sha1 } as const;

export function createHash(hash: LegacyHash): Hash {
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

export function digest(hash: LegacyHash, data: Uint8Array): Bytes {
  return hashes[hash](data);
}

export function hmac(hash: LegacyHash, key: Uint8Array): Hmac {
  const prepared = nobleHmac.create(hashes[hash], key);
  return (data) => prepared.clone().update(data).digest();
}
