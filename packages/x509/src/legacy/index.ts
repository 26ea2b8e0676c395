/**
 * Reading keys and PKCS#12 files that were encrypted by what is out of use: PBES1 (RFC 8018 §6.1), the schemes of PKCS#12
 * (RFC 7292 Appendix C), DES, triple DES and RC2 in PBES2, and the old encrypted PEM (RFC 1421, as OpenSSL did it). Pass
 * `legacyPbe` to the function that reads. Nothing here writes, and RC4 and MD2 are not here.
 *
 * @module
 */

import { type Bytes, concat, wipe } from '@handfast/crypto';
import type { Oid } from '../der/oid.ts';
import { readDer, tag } from '../der/reader.ts';
import { malformed } from '../errors.ts';
import type { LegacyCipher, LegacyPbe, LegacyPemCipher, LegacyScheme } from '../pbe/legacy.ts';
import { desCipher, type OpenCbc, pkcs12Scheme, readIv, readParameters } from '../pbe/old-schemes.ts';
import { type PasswordWork, passwordBytes } from '../pbe/work.ts';
import { md5, openDes, openRc2 } from './ciphers.ts';

export type { LegacyCipher, LegacyPbe, LegacyPemCipher, LegacyScheme, PasswordForms } from '../pbe/legacy.ts';

/**
 * Everything of this module, for the `legacy` option of `decryptPrivateKey` and `readPkcs12`.
 *
 * @example
 * ```ts
 * import { readPkcs12 } from '@handfast/x509';
 * import { legacyPbe } from '@handfast/x509/legacy';
 *
 * const { keys, certificates } = await readPkcs12(provider, bytes, 'password', { legacy: legacyPbe });
 * ```
 */
export const legacyPbe: LegacyPbe = {
  scheme: (oid) => schemes.get(oid),
  cipher: (oid) => ciphers.get(oid),
  pemCipher: (name) => pemCiphers.get(name),
};

const openRc2Of =
  (bits: number): OpenCbc =>
  (key, iv, ciphertext) =>
    openRc2(key, bits, iv, ciphertext);

/** Two keys stand for three: the first again. */
const openTwoKeyDes: OpenCbc = (key, iv, ciphertext) => {
  const three = concat(key, key.subarray(0, 8));
  const plaintext = openDes(three, iv, ciphertext);
  wipe(three);
  return plaintext;
};

// biome-ignore format: a table
const schemes: ReadonlyMap<Oid, LegacyScheme> = new Map([
  ['1.2.840.113549.1.5.3',    pbes1('md5', openDes)],
  ['1.2.840.113549.1.5.6',    pbes1('md5', openRc2Of(64))],
  ['1.2.840.113549.1.5.10',   pbes1('sha1', openDes)],
  ['1.2.840.113549.1.5.11',   pbes1('sha1', openRc2Of(64))],
  ['1.2.840.113549.1.12.1.3', pkcs12Scheme(24, openDes)],
  ['1.2.840.113549.1.12.1.4', pkcs12Scheme(16, openTwoKeyDes)],
  ['1.2.840.113549.1.12.1.5', pkcs12Scheme(16, openRc2Of(128))],
  ['1.2.840.113549.1.12.1.6', pkcs12Scheme(5, openRc2Of(40))],
]);

/** RFC 8018 §B.2. RC2's key is as long as PBKDF2's keyLength says. */
const ciphers: ReadonlyMap<Oid, LegacyCipher> = new Map([
  ['1.3.14.3.2.7', desCipher(8, openDes)],
  ['1.2.840.113549.3.7', desCipher(24, openDes)],
  ['1.2.840.113549.3.2', { keyLength: 16, variableKeyLength: true, open: openRc2Pbes2 }],
]);

const pemCiphers: ReadonlyMap<string, LegacyPemCipher> = new Map([
  ['DES-CBC', pemDes(8)],
  ['DES-EDE3-CBC', pemDes(24)],
  ['AES-128-CBC', pemAes(16)],
  ['AES-192-CBC', pemAes(24)],
  ['AES-256-CBC', pemAes(32)],
]);

/** PBES1: PBKDF1 (RFC 8018 §5.1) makes 16 bytes, of which half is the key and half the initialization vector. */
function pbes1(hash: 'md5' | 'sha1', open: OpenCbc): LegacyScheme {
  return {
    open(work, parameters, password, ciphertext) {
      const { salt, iterations } = readParameters(parameters, 'PBES1');
      work.spendIterations(iterations, 'PBES1');
      const digest = (data: Uint8Array): Bytes => (hash === 'md5' ? md5(data) : work.passwords.digest('sha1', data));
      const octets = passwordBytes(password.text);
      let derived = digest(concat(octets, salt));
      for (let round = 1; round < iterations; round++) derived = digest(derived);
      const plaintext = open(derived.subarray(0, 8), derived.subarray(8, 16), ciphertext);
      wipe(octets, derived);
      return plaintext;
    },
  };
}

/**
 * ```
 * RC2-CBC-Parameter ::= SEQUENCE { rc2ParameterVersion INTEGER OPTIONAL, iv OCTET STRING (SIZE(8)) }
 * ```
 */
function openRc2Pbes2(key: Uint8Array, parameters: Bytes | undefined, ciphertext: Bytes): Bytes | undefined {
  const what = 'PBES2 with RC2';
  if (parameters === undefined) throw malformed(what, 'no parameters');
  const { bits, iv } = readDer(parameters, what, (reader) => {
    const inner = reader.sequence();
    const version = inner.nextTag === tag.integer ? inner.smallInteger() : undefined;
    const fields = { bits: effectiveKeyBits(version, what), iv: readIv(inner, what) };
    inner.end();
    return fields;
  });
  return openRc2(key, bits, iv, ciphertext);
}

/** RFC 8018 §B.2.3: the version is a code for the bits below 256, and 32 bits where it is absent. */
function effectiveKeyBits(version: number | undefined, what: string): number {
  if (version === undefined) return 32;
  const bits =
    version >= 256
      ? version
      : new Map([
          [160, 40],
          [120, 64],
          [58, 128],
        ]).get(version);
  if (bits === undefined || bits > 1024) throw malformed(what, `RC2 parameter version ${version}`);
  return bits;
}

function pemDes(keyLength: number): LegacyPemCipher {
  return {
    open(_work, password, iv, ciphertext) {
      if (iv.length !== 8) throw malformed('encrypted PEM', `an initialization vector of ${iv.length} bytes, not 8`);
      const octets = passwordBytes(password);
      const key = pemKey(octets, iv, keyLength);
      const plaintext = openDes(key, iv, ciphertext);
      wipe(octets, key);
      return plaintext;
    },
  };
}

function pemAes(keyLength: number): LegacyPemCipher {
  return {
    open(work: PasswordWork, password, iv, ciphertext) {
      if (iv.length !== 16) throw malformed('encrypted PEM', `an initialization vector of ${iv.length} bytes, not 16`);
      const octets = passwordBytes(password);
      const key = pemKey(octets, iv, keyLength);
      wipe(octets);
      // An asynchronous provider still needs the key; the garbage collector has it then.
      return work.passwords.decryptAesCbc(key, iv, ciphertext);
    },
  };
}

/** OpenSSL's EVP_BytesToKey with MD5 and one iteration: D_i = MD5(D_(i-1) || password || the vector's first 8 bytes). */
function pemKey(password: Uint8Array, iv: Uint8Array, length: number): Bytes {
  let derived = new Uint8Array(0);
  let last = new Uint8Array(0);
  while (derived.length < length) {
    last = md5(concat(last, password, iv.subarray(0, 8)));
    derived = concat(derived, last);
  }
  return derived.slice(0, length);
}
