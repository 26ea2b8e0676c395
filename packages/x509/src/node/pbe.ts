/**
 * Triple DES by `node:crypto`, for PKCS#12 files and keys as Windows and older tools write them, without anything of
 * `@handfast/x509/legacy`. RC2, single DES and MD5 are there alone.
 *
 * @module
 */

import { createDecipheriv, getCiphers } from 'node:crypto';
import type { Bytes } from '@handfast/crypto';
import type { Oid } from '../der/oid.ts';
import type { LegacyCipher, LegacyPbe, LegacyScheme } from '../pbe/legacy.ts';
import { desCipher, type OpenCbc, pkcs12Scheme } from '../pbe/old-schemes.ts';

/**
 * `pbeWithSHAAnd3-KeyTripleDES-CBC`, its variant of two keys, and DES-EDE3 in PBES2, for the `legacy` option of
 * `decryptPrivateKey` and `readPkcs12`. Where Node's OpenSSL has no triple DES (FIPS), it knows none of them.
 *
 * @example
 * ```ts
 * import { readPkcs12 } from '@handfast/x509';
 * import { tripleDesPbe } from '@handfast/x509/node';
 *
 * const { keys, certificates } = await readPkcs12(provider, bytes, 'password', { legacy: tripleDesPbe });
 * ```
 */
export const tripleDesPbe: LegacyPbe = {
  scheme: (oid) => whereThere(schemes.get(oid)),
  cipher: (oid) => whereThere(ciphers.get(oid)),
  pemCipher: () => undefined,
  partial: true,
};

const schemes: ReadonlyMap<Oid, LegacyScheme> = new Map([
  ['1.2.840.113549.1.12.1.3', pkcs12Scheme(24, openBy('des-ede3-cbc'))],
  ['1.2.840.113549.1.12.1.4', pkcs12Scheme(16, openBy('des-ede-cbc'))],
]);

const ciphers: ReadonlyMap<Oid, LegacyCipher> = new Map([
  ['1.2.840.113549.3.7', desCipher(24, openBy('des-ede3-cbc'))],
]);

function whereThere<T>(found: T | undefined): T | undefined {
  return found !== undefined && getCiphers().includes('des-ede3-cbc') ? found : undefined;
}

function openBy(cipher: 'des-ede3-cbc' | 'des-ede-cbc'): OpenCbc {
  return (key, iv, ciphertext) => {
    const decipher = createDecipheriv(cipher, key, iv);
    const plaintext = new Uint8Array(ciphertext.length);
    const start = decipher.update(ciphertext);
    try {
      const end = decipher.final();
      plaintext.set(start);
      plaintext.set(end, start.length);
      const length = start.length + end.length;
      end.fill(0);
      return cut(plaintext, length);
    } catch {
      // A wrong key, or bytes that are no whole number of blocks.
      return undefined;
    } finally {
      start.fill(0);
    }
  };
}

/** The first `length` bytes in memory of their own: what is wiped later shall be all there is. */
function cut(bytes: Bytes, length: number): Bytes {
  const own = bytes.slice(0, length);
  bytes.fill(0);
  return own;
}
