/**
 * PBKDF2 and AES-CBC by WebCrypto, asynchronous; scrypt, hashes and HMAC by noble, and PBKDF2 over SHA-224, which
 * WebCrypto does not have. For files under a password.
 *
 * Chromium's WebCrypto has no AES of 192 bits: there, such a file is `unsupported`.
 *
 * @module
 */

import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { pbkdf2Async } from '@noble/hashes/pbkdf2.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { copyBytes } from '../bytes.ts';
import { type Bytes, CryptoError, type PasswordCryptography, type PasswordHash } from '../provider.ts';
import { errorName, subtle, wrapError } from './subtle.ts';

const hashes = { sha1, sha224, sha256, sha384, sha512 } as const;

const webHashes: ReadonlyMap<PasswordHash, string> = new Map([
  ['sha1', 'SHA-1'],
  ['sha256', 'SHA-256'],
  ['sha384', 'SHA-384'],
  ['sha512', 'SHA-512'],
]);

export const passwords: PasswordCryptography = {
  digest: (hash, data) => hashes[hash](data),
  hmac(hash, key) {
    const prepared = hmac.create(hashes[hash], key);
    return (data) => prepared.clone().update(data).digest();
  },
  async pbkdf2(hash, password, salt, iterations, length) {
    const name = webHashes.get(hash);
    if (name === undefined) return pbkdf2Async(hashes[hash], password, salt, { c: iterations, dkLen: length });
    try {
      const key = await subtle().importKey('raw', copyBytes(password), 'PBKDF2', false, ['deriveBits']);
      const parameters = { name: 'PBKDF2', hash: name, salt: copyBytes(salt), iterations };
      return new Uint8Array(await subtle().deriveBits(parameters, key, 8 * length));
    } catch (error) {
      throw wrapError(error, 'failed', 'WebCrypto could not derive a key from the password');
    }
  },
  async scrypt(password, salt, { N, r, p }, length) {
    try {
      // noble counts what it allocates, and has a limit of its own: the caller's is the one that stands.
      return await scryptAsync(password, salt, { N, r, p, dkLen: length, maxmem: 128 * r * (N + p + 2) + 1024 });
    } catch (cause) {
      throw new CryptoError('unsupported', `scrypt with N = ${N}, r = ${r}, p = ${p} is refused by noble`, { cause });
    }
  },
  async encryptAesCbc(key, iv, plaintext) {
    try {
      const parameters = { name: 'AES-CBC', iv: copyBytes(iv) };
      return new Uint8Array(await subtle().encrypt(parameters, await importAes(key, 'encrypt'), copyBytes(plaintext)));
    } catch (error) {
      throw wrapError(error, 'failed', `WebCrypto could not encrypt with AES-CBC of ${8 * key.length} bits`);
    }
  },
  async decryptAesCbc(key, iv, ciphertext) {
    try {
      const parameters = { name: 'AES-CBC', iv: copyBytes(iv) };
      return new Uint8Array(await subtle().decrypt(parameters, await importAes(key, 'decrypt'), copyBytes(ciphertext)));
    } catch (error) {
      if (errorName(error) === 'OperationError') return undefined;
      throw wrapError(error, 'failed', `WebCrypto could not decrypt with AES-CBC of ${8 * key.length} bits`);
    }
  },
};

/** Chromium refuses 192 bits with an OperationError at import, which must not pass for wrong padding. */
async function importAes(key: Uint8Array, use: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  const raw: Bytes = copyBytes(key);
  try {
    return await subtle().importKey('raw', raw, 'AES-CBC', false, [use]);
  } catch (error) {
    throw wrapError(error, 'unsupported', `this runtime's WebCrypto takes no AES-CBC key of ${8 * key.length} bits`);
  } finally {
    raw.fill(0);
  }
}
