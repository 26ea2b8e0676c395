/**
 * PBKDF2, scrypt and AES-CBC by `node:crypto`: synchronous. For files under a password.
 *
 * @module
 */

import * as crypto from 'node:crypto';
import { type Bytes, CryptoError, type PasswordCryptography } from '../provider.ts';
import { preparedHmac } from './hash.ts';
import { plain } from './own-memory.ts';

export const passwords: PasswordCryptography = {
  digest: (hash, data) => plain(crypto.hash(hash, data, 'buffer')),
  hmac: preparedHmac,
  pbkdf2: (hash, password, salt, iterations, length) =>
    plain(crypto.pbkdf2Sync(password, salt, iterations, length, hash)),
  scrypt(password, salt, { N, r, p }, length) {
    try {
      // Node's own limit, of 32 MiB, would come before the caller's: OpenSSL counts 128·r·(N + p + 2) bytes.
      const maxmem = 128 * r * (N + p + 2) + 1024;
      return plain(crypto.scryptSync(password, salt, length, { N, r, p, maxmem }));
    } catch (cause) {
      throw new CryptoError('unsupported', `scrypt with N = ${N}, r = ${r}, p = ${p} is refused by OpenSSL`, { cause });
    }
  },
  encryptAesCbc(key, iv, plaintext) {
    const cipher = crypto.createCipheriv(aesCbc(key), key, iv);
    return joined(cipher.update(plaintext), cipher.final());
  },
  decryptAesCbc(key, iv, ciphertext) {
    const decipher = crypto.createDecipheriv(aesCbc(key), key, iv);
    const first = decipher.update(ciphertext);
    try {
      return joined(first, decipher.final());
    } catch {
      first.fill(0);
      return undefined;
    }
  },
};

function aesCbc(key: Uint8Array): string {
  return `aes-${8 * key.length}-cbc`;
}

/** Both parts in memory of their own, wiped where they lay. */
function joined(...parts: readonly Buffer[]): Bytes {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
    part.fill(0);
  }
  return out;
}
