/**
 * What the schemes of `legacyPbe` and those by `node:crypto` have in common: parameters, and the derivation of keys. The
 * ciphers are passed in.
 *
 * @module
 */

import { type Bytes, wipe } from '@handfast/crypto';
import { type DerReader, readDer } from '../der/reader.ts';
import { malformed } from '../errors.ts';
import type { LegacyCipher, LegacyScheme, PasswordForms } from './legacy.ts';
import { pkcs12Kdf, pkcs12Purpose } from './pkcs12-kdf.ts';
import { maxSaltLength, passwordBmp } from './work.ts';

/** Decrypts in CBC mode and takes the padding off; `undefined` where length or padding is wrong. */
export type OpenCbc = (key: Uint8Array, iv: Uint8Array, ciphertext: Bytes) => Bytes | undefined;

/** RFC 7292 Appendix C: key and initialization vector by the derivation of Appendix B over SHA-1. */
export function pkcs12Scheme(keyLength: number, open: OpenCbc): LegacyScheme {
  return {
    open(work, parameters, password, ciphertext) {
      const what = 'PKCS#12 encryption';
      const { salt, iterations } = readParameters(parameters, what);
      const octets = pkcs12Password(password);
      const derived = (purpose: 1 | 2, length: number): Bytes => {
        work.spendIterations(Math.ceil(length / 20) * iterations, what);
        return pkcs12Kdf(work.passwords, { hash: 'sha1', purpose, password: octets, salt, iterations, length });
      };
      const key = derived(pkcs12Purpose.key, keyLength);
      const plaintext = open(key, derived(pkcs12Purpose.iv, 8), ciphertext);
      wipe(octets, key);
      return plaintext;
    },
  };
}

function pkcs12Password({ text, emptyIsAbsent }: PasswordForms): Bytes {
  return emptyIsAbsent && text.length === 0 ? new Uint8Array(0) : passwordBmp(text);
}

/** DES in PBES2 (RFC 8018 §B.2.1, §B.2.2): the parameters are the initialization vector. */
export function desCipher(keyLength: number, open: OpenCbc): LegacyCipher {
  return {
    keyLength,
    variableKeyLength: false,
    open(key, parameters, ciphertext) {
      if (parameters === undefined) throw malformed('PBES2 with DES', 'no initialization vector');
      const iv = readDer(parameters, 'PBES2 with DES', (reader) => readIv(reader, 'PBES2 with DES'));
      return open(key, iv, ciphertext);
    },
  };
}

/** The salt and the iteration count that PBES1 and PKCS#12 have in the same form. */
export function readParameters(parameters: Bytes | undefined, what: string): { salt: Bytes; iterations: number } {
  if (parameters === undefined) throw malformed(what, 'no parameters');
  return readDer(parameters, what, (reader) => {
    const inner = reader.sequence();
    const fields = { salt: inner.octetString(), iterations: inner.smallInteger() };
    inner.end();
    if (fields.salt.length > maxSaltLength) throw malformed(what, `a salt of ${fields.salt.length} bytes`);
    return fields;
  });
}

export function readIv(reader: DerReader, what: string): Bytes {
  const iv = reader.octetString();
  if (iv.length !== 8) throw malformed(what, `an initialization vector of ${iv.length} bytes, not 8`);
  return iv;
}
