/**
 * MD5, SHA-1 and HMAC over them, by `node:crypto`.
 *
 * @module
 */

import * as crypto from 'node:crypto';
import { plain } from '../../node/own-memory.ts';
import type { Bytes, Hash, Hmac, LegacyHash } from '../../provider.ts';

export function createHash(hash: LegacyHash): Hash {
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

export function digest(hash: LegacyHash, data: Uint8Array): Bytes {
  return plain(crypto.hash(hash, data, 'buffer'));
}

export function hmac(hash: LegacyHash, key: Uint8Array): Hmac {
  const secret = crypto.createSecretKey(key);
  return (data) => plain(crypto.createHmac(hash, secret).update(data).digest());
}
