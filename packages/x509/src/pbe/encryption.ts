/**
 * Encryption under a password: PBES2 (RFC 8018 §6.2) with AES-CBC, reading and writing. What is older is refused by name,
 * or read by a `LegacyPbe` that the caller passes in.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  type HashName,
  type ScryptCost,
  type Settling,
  settle,
  wipe,
} from '@handfast/crypto';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from '../algorithms.ts';
import type { Oid } from '../der/oid.ts';
import { readDer } from '../der/reader.ts';
import * as der from '../der/writer.ts';
import { CertificateError, malformed } from '../errors.ts';
import { deriveKey, encodeKeyDerivation, type KeyDerivation, readKeyDerivationAt } from './derive.ts';
import {
  type LegacyCipher,
  type LegacyPbe,
  legacyCipherNames,
  legacySchemeNames,
  type PasswordForms,
} from './legacy.ts';
import { type Password, type PasswordLimits, type PasswordWork, passwordWork, providerRefusal } from './work.ts';

const pbes2: Oid = '1.2.840.113549.1.5.13';

/** Ciphers that are written, by OpenSSL's names. */
export type PasswordCipher = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc';

interface AesRow {
  readonly name: PasswordCipher;
  readonly oid: Oid;
  readonly keyLength: number;
}

const aesRows: readonly AesRow[] = [
  { name: 'aes-128-cbc', oid: '2.16.840.1.101.3.4.1.2', keyLength: 16 },
  { name: 'aes-192-cbc', oid: '2.16.840.1.101.3.4.1.22', keyLength: 24 },
  { name: 'aes-256-cbc', oid: '2.16.840.1.101.3.4.1.42', keyLength: 32 },
];

/** How to encrypt under a password. Unless set: PBKDF2 with HMAC-SHA256 and 600,000 iterations, and AES-256-CBC. */
export interface PasswordEncryption {
  readonly cipher?: PasswordCipher | undefined;
  /** PBKDF2's. The default is what OWASP advises for HMAC-SHA256. */
  readonly iterations?: number | undefined;
  readonly hash?: HashName | undefined;
  /** scrypt in place of PBKDF2: `true` for N = 2^14, r = 8, p = 1, which takes 16 MiB. */
  readonly scrypt?: boolean | ScryptCost | undefined;
}

/** OWASP's Password Storage Cheat Sheet, for PBKDF2-HMAC-SHA256. */
const defaultIterations = 600_000;

/** What `openssl pkcs8 -scrypt` writes, and what it reads unasked. */
const defaultScrypt: ScryptCost = { N: 1 << 14, r: 8, p: 1 };

/** Decrypts `ciphertext`; `undefined` for a wrong password, as far as padding tells. `what`: for messages. */
export function* openUnderPassword(
  work: PasswordWork,
  algorithm: AlgorithmIdentifier,
  password: PasswordForms,
  ciphertext: Bytes,
  legacy: LegacyPbe | undefined,
  what: string,
): Settling<Bytes | undefined> {
  if (algorithm.oid === pbes2) return yield* openPbes2(work, algorithm, password.text, ciphertext, legacy, what);
  const scheme = legacy?.scheme(algorithm.oid);
  if (scheme !== undefined) return yield* settle(scheme.open(work, algorithm.parameters, password, ciphertext));
  throw outOfUse(legacySchemeNames.get(algorithm.oid), `the encryption ${algorithm.oid}`, legacy, what);
}

/**
 * ```
 * PBES2-params ::= SEQUENCE {
 *     keyDerivationFunc AlgorithmIdentifier,
 *     encryptionScheme AlgorithmIdentifier }
 * ```
 */
function* openPbes2(
  work: PasswordWork,
  { parameters }: AlgorithmIdentifier,
  password: Password,
  ciphertext: Bytes,
  legacy: LegacyPbe | undefined,
  what: string,
): Settling<Bytes | undefined> {
  if (parameters === undefined) throw malformed(what, 'PBES2 without parameters');
  const { derivation, scheme } = readDer(parameters, `${what}, PBES2`, (reader) => {
    const inner = reader.sequence();
    const fields = {
      derivation: readKeyDerivationAt(inner, what),
      scheme: readAlgorithmIdentifier(inner, `${what}, encryption scheme`),
    };
    inner.end();
    return fields;
  });
  const aes = aesRows.find(({ oid }) => oid === scheme.oid);
  const other = aes === undefined ? legacy?.cipher(scheme.oid) : undefined;
  if (aes !== undefined) {
    const iv = readIv(scheme, what);
    const key = yield* deriveKey(work, derivation, password, aes.keyLength, what);
    try {
      return yield* settle(work.passwords.decryptAesCbc(key, iv, ciphertext));
    } catch (error) {
      throw providerRefusal(error, what);
    } finally {
      wipe(key);
    }
  }
  if (other === undefined) {
    throw outOfUse(legacyCipherNames.get(scheme.oid), `the cipher ${scheme.oid}`, legacy, what);
  }
  const key = yield* deriveKey(work, derivation, password, legacyKeyLength(other, derivation), what);
  try {
    return other.open(key, scheme.parameters, ciphertext);
  } finally {
    wipe(key);
  }
}

function readIv({ parameters }: AlgorithmIdentifier, what: string): Bytes {
  if (parameters === undefined) throw malformed(what, 'AES-CBC without its initialization vector');
  const iv = readDer(parameters, `${what}, initialization vector`, (reader) => reader.octetString());
  if (iv.length !== 16) throw malformed(what, `an initialization vector of ${iv.length} bytes, not 16`);
  return iv;
}

function legacyKeyLength(cipher: LegacyCipher, { keyLength }: KeyDerivation): number {
  return cipher.variableKeyLength && keyLength !== undefined && keyLength >= 1 && keyLength <= 128
    ? keyLength
    : cipher.keyLength;
}

/** A refusal of what a `LegacyPbe` may read (by its name), or of what nobody here knows. */
export function outOfUse(
  name: string | undefined,
  unknown: string,
  legacy: LegacyPbe | undefined,
  what: string,
): CertificateError {
  if (name === undefined) {
    return new CertificateError('unsupported_algorithm', `${what}: ${unknown} is not supported`, {
      hint: 'supported is PBES2 with AES-CBC and PBKDF2 or scrypt',
    });
  }
  if (legacy !== undefined && legacy.partial !== true) {
    return new CertificateError('unsupported_algorithm', `${what}: ${name} is not supported, not even as legacy`);
  }
  return new CertificateError('unsupported_algorithm', `${what}: it is encrypted with ${name}, which is out of use`, {
    hint: 'pass legacyPbe of @handfast/x509/legacy to read it',
  });
}

/** A ciphertext and the AlgorithmIdentifier (DER) that says how to open it. */
export interface SealedUnderPassword {
  readonly algorithm: Bytes;
  readonly ciphertext: Bytes;
}

export function* sealUnderPassword(
  provider: CryptoProvider,
  password: Password,
  plaintext: Uint8Array,
  options: PasswordEncryption = {},
): Settling<SealedUnderPassword> {
  const { cipher = 'aes-256-cbc' } = options;
  const row = aesRows.find(({ name }) => name === cipher);
  if (row === undefined) throw new RangeError(`no such cipher: ${cipher}`);
  const derivation = newDerivation(provider, options);
  const iv = provider.random(16);
  const work = passwordWork(provider, ownLimits(options));
  const key = yield* deriveKey(work, derivation, password, row.keyLength, 'encryption');
  try {
    return {
      algorithm: der.sequence(
        der.oid(pbes2),
        der.sequence(encodeKeyDerivation(derivation), der.sequence(der.oid(row.oid), der.octetString(iv))),
      ),
      ciphertext: yield* settle(work.passwords.encryptAesCbc(key, iv, plaintext)),
    };
  } finally {
    wipe(key);
  }
}

function newDerivation(provider: CryptoProvider, options: PasswordEncryption): KeyDerivation {
  const { iterations = defaultIterations, hash = 'sha256', scrypt = false } = options;
  const salt = provider.random(16);
  if (scrypt !== false) {
    const cost = scrypt === true ? defaultScrypt : scrypt;
    checkScrypt(cost);
    return { kind: 'scrypt', salt, cost };
  }
  checkIterations(iterations);
  return { kind: 'pbkdf2', hash, salt, iterations };
}

/** Whoever encrypts may ask of himself what he likes. */
function ownLimits({ iterations = defaultIterations, scrypt }: PasswordEncryption): PasswordLimits {
  const { N, r, p } = typeof scrypt === 'object' ? scrypt : defaultScrypt;
  return { iterations, scryptBytes: 128 * N * r * Math.max(p, 1) };
}

/** RFC 8018 §4.2: at least 1,000; and no more than a reader takes. */
export function checkIterations(iterations: number): void {
  if (!Number.isInteger(iterations) || iterations < 1000 || iterations > 10_000_000) {
    throw new RangeError(`${iterations} iterations: from 1,000 to 10,000,000 are sensible`);
  }
}

function checkScrypt({ N, r, p }: ScryptCost): void {
  const numbers = [N, r, p].every((number) => Number.isInteger(number) && number >= 1 && number <= 1 << 30);
  if (!numbers || N < 2 || !Number.isInteger(Math.log2(N))) {
    throw new RangeError(`scrypt with N = ${N}, r = ${r}, p = ${p}: N is a power of two, all are positive`);
  }
}
