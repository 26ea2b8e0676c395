/**
 * The key derivations that PBES2 and PBMAC1 name: PBKDF2 (RFC 8018 §A.2) and scrypt (RFC 7914 §7). Reads them from an
 * AlgorithmIdentifier and runs them within the file's limits; writes them.
 *
 * @module
 */

import { type Bytes, type PasswordHash, type ScryptCost, type Settling, settle, wipe } from '@handfast/crypto';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from '../algorithms.ts';
import type { Oid } from '../der/oid.ts';
import { type DerReader, readDer, tag } from '../der/reader.ts';
import * as der from '../der/writer.ts';
import { CertificateError, malformed } from '../errors.ts';
import { encodeHash, readHashOf } from './hashes.ts';
import { maxSaltLength, type Password, type PasswordWork, passwordBytes, providerRefusal } from './work.ts';

const pbkdf2: Oid = '1.2.840.113549.1.5.12';
const scrypt: Oid = '1.3.6.1.4.1.11591.4.11';

/** How a key comes from a password. */
export type KeyDerivation = Pbkdf2Derivation | ScryptDerivation;

interface Pbkdf2Derivation {
  readonly kind: 'pbkdf2';
  readonly hash: PasswordHash;
  readonly salt: Bytes;
  readonly iterations: number;
  readonly keyLength?: number | undefined;
}

interface ScryptDerivation {
  readonly kind: 'scrypt';
  readonly salt: Bytes;
  readonly cost: ScryptCost;
  readonly keyLength?: number | undefined;
}

export function readKeyDerivation({ oid, parameters }: AlgorithmIdentifier, what: string): KeyDerivation {
  if (oid !== pbkdf2 && oid !== scrypt) {
    throw new CertificateError('unsupported_algorithm', `${what}: the key derivation ${oid} is not supported`, {
      hint: 'supported are PBKDF2 and scrypt',
    });
  }
  if (parameters === undefined) throw malformed(what, 'a key derivation without parameters');
  return readDer(parameters, what, (reader) => {
    const inner = reader.sequence();
    const derivation = oid === pbkdf2 ? readPbkdf2(inner, what) : readScrypt(inner, what);
    inner.end();
    return derivation;
  });
}

/**
 * ```
 * PBKDF2-params ::= SEQUENCE {
 *     salt CHOICE { specified OCTET STRING, otherSource AlgorithmIdentifier },
 *     iterationCount INTEGER (1..MAX),
 *     keyLength INTEGER (1..MAX) OPTIONAL,
 *     prf AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }
 * ```
 */
function readPbkdf2(reader: DerReader, what: string): Pbkdf2Derivation {
  const salt = readSalt(reader, what);
  const iterations = reader.smallInteger();
  const keyLength = readKeyLength(reader);
  // The default is written out by some; that it should not be is no reason to lock anybody out of a key.
  const hash = reader.done ? 'sha1' : readHashOf('hmac', reader, `${what}, PBKDF2`);
  return { kind: 'pbkdf2', hash, salt, iterations, keyLength };
}

/**
 * ```
 * scrypt-params ::= SEQUENCE {
 *     salt OCTET STRING,
 *     costParameter INTEGER (1..MAX),
 *     blockSize INTEGER (1..MAX),
 *     parallelizationParameter INTEGER (1..MAX),
 *     keyLength INTEGER (1..MAX) OPTIONAL }
 * ```
 */
function readScrypt(reader: DerReader, what: string): ScryptDerivation {
  const salt = readSalt(reader, what);
  const cost = { N: reader.smallInteger(), r: reader.smallInteger(), p: reader.smallInteger() };
  return { kind: 'scrypt', salt, cost, keyLength: readKeyLength(reader) };
}

function readSalt(reader: DerReader, what: string): Bytes {
  const salt = reader.octetString();
  if (salt.length > maxSaltLength) throw malformed(what, `a salt of ${salt.length} bytes`);
  return salt;
}

function readKeyLength(reader: DerReader): number | undefined {
  return reader.nextTag === tag.integer ? reader.smallInteger() : undefined;
}

export function encodeKeyDerivation(derivation: KeyDerivation): Bytes {
  const keyLength = derivation.keyLength === undefined ? [] : [der.smallInteger(derivation.keyLength)];
  if (derivation.kind === 'scrypt') {
    const { N, r, p } = derivation.cost;
    const numbers = [N, r, p].map(der.smallInteger);
    return der.sequence(der.oid(scrypt), der.sequence(der.octetString(derivation.salt), ...numbers, ...keyLength));
  }
  const { salt, iterations, hash } = derivation;
  const prf = hash === 'sha1' ? [] : [encodeHash('hmac', hash)];
  return der.sequence(
    der.oid(pbkdf2),
    der.sequence(der.octetString(salt), der.smallInteger(iterations), ...keyLength, ...prf),
  );
}

/** A key of `length` bytes, paid for. The caller's to wipe. */
export function* deriveKey(
  work: PasswordWork,
  derivation: KeyDerivation,
  password: Password,
  length: number,
  what: string,
): Settling<Bytes> {
  if (derivation.keyLength !== undefined && derivation.keyLength !== length) {
    throw malformed(what, `a key of ${derivation.keyLength} bytes is derived, and one of ${length} is needed`);
  }
  const { salt } = derivation;
  if (derivation.kind === 'scrypt') work.spendScrypt(derivation.cost, what);
  else work.spendIterations(derivation.iterations, what);
  const octets = passwordBytes(password);
  try {
    return yield* settle(
      derivation.kind === 'scrypt'
        ? work.passwords.scrypt(octets, salt, derivation.cost, length)
        : work.passwords.pbkdf2(derivation.hash, octets, salt, derivation.iterations, length),
    );
  } catch (error) {
    throw providerRefusal(error, what);
  } finally {
    wipe(octets);
  }
}

/** The AlgorithmIdentifier at the reader, as a derivation. */
export function readKeyDerivationAt(reader: DerReader, what: string): KeyDerivation {
  return readKeyDerivation(readAlgorithmIdentifier(reader, what), what);
}
