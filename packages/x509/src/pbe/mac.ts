/**
 * The MAC of a PKCS#12 file: HMAC under a key of PKCS#12's own derivation (RFC 7292 §4, Appendix B), or PBMAC1 (RFC 9579).
 * It says that file and password belong together, before anything is decrypted.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  equalConstantTime,
  type PasswordHash,
  type Settling,
  utf8,
  wipe,
} from '@handfast/crypto';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from '../algorithms.ts';
import type { Oid } from '../der/oid.ts';
import { type DerReader, readDer } from '../der/reader.ts';
import * as der from '../der/writer.ts';
import { malformed } from '../errors.ts';
import { deriveKey, encodeKeyDerivation, type KeyDerivation, readKeyDerivationAt } from './derive.ts';
import { encodeHash, hashOf, readHashOf } from './hashes.ts';
import type { PasswordForms } from './legacy.ts';
import { pkcs12Kdf, pkcs12Purpose } from './pkcs12-kdf.ts';
import { maxSaltLength, type Password, type PasswordWork, passwordBmp, passwordWork } from './work.ts';

const pbmac1: Oid = '1.2.840.113549.1.5.14';

const macLength: Readonly<Record<PasswordHash, number>> = { sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 };

/** RFC 9579 §5: keys shorter than 20 bytes are refused; a longer one than a block is hashed, and no use. */
const pbmac1KeyLength = { least: 20, most: 128 } as const;

/** A MacData as it stood. */
export interface MacData {
  readonly algorithm: AlgorithmIdentifier;
  readonly mac: Bytes;
  readonly salt: Bytes;
  readonly iterations: number;
}

/**
 * ```
 * MacData ::= SEQUENCE {
 *     mac        DigestInfo,
 *     macSalt    OCTET STRING,
 *     iterations INTEGER DEFAULT 1 }
 * DigestInfo ::= SEQUENCE { digestAlgorithm AlgorithmIdentifier, digest OCTET STRING }
 * ```
 */
export function readMacData(pfx: DerReader): MacData {
  const what = 'MAC of PKCS#12';
  const data = pfx.sequence(what);
  const info = data.sequence(what);
  const algorithm = readAlgorithmIdentifier(info, what);
  const mac = info.octetString();
  info.end();
  const salt = data.octetString();
  const iterations = data.done ? 1 : data.smallInteger();
  data.end();
  if (salt.length > maxSaltLength) throw malformed(what, `a salt of ${salt.length} bytes`);
  return { algorithm, mac, salt, iterations };
}

/**
 * Whether `content` is authentic under `password`, and in which form: an empty password is one of two zero bytes or of
 * none, as writers disagree, and both are tried. `undefined`: it is not.
 */
export function* verifyMac(
  work: PasswordWork,
  data: MacData,
  content: Bytes,
  password: Password,
): Settling<PasswordForms | undefined> {
  if (data.algorithm.oid === pbmac1) {
    const good = equalConstantTime(yield* pbmac1Of(work, data.algorithm, content, password), data.mac);
    return good ? { text: password, emptyIsAbsent: false } : undefined;
  }
  const hash = hashOf('hash', data.algorithm, 'MAC of PKCS#12');
  for (const emptyIsAbsent of password.length === 0 ? [false, true] : [false]) {
    const octets = emptyIsAbsent ? new Uint8Array(0) : passwordBmp(password);
    if (equalConstantTime(pkcs12Mac(work, hash, octets, data, content), data.mac)) {
      return { text: password, emptyIsAbsent };
    }
  }
  return undefined;
}

function pkcs12Mac(
  work: PasswordWork,
  hash: PasswordHash,
  password: Bytes,
  { salt, iterations }: Pick<MacData, 'salt' | 'iterations'>,
  content: Bytes,
): Bytes {
  work.spendIterations(iterations, 'MAC of PKCS#12');
  const length = macLength[hash];
  const key = pkcs12Kdf(work.passwords, { hash, purpose: pkcs12Purpose.mac, password, salt, iterations, length });
  const mac = work.passwords.hmac(hash, key)(content);
  wipe(key, password);
  return mac;
}

/**
 * ```
 * PBMAC1-params ::= SEQUENCE {
 *     keyDerivationFunc AlgorithmIdentifier,
 *     messageAuthScheme AlgorithmIdentifier }
 * ```
 *
 * The salt and iterations of the MacData are not used (RFC 9579 §4).
 */
function* pbmac1Of(
  work: PasswordWork,
  { parameters }: AlgorithmIdentifier,
  content: Bytes,
  password: Password,
): Settling<Bytes> {
  const what = 'PBMAC1 of PKCS#12';
  if (parameters === undefined) throw malformed(what, 'no parameters');
  const { derivation, hash } = readDer(parameters, what, (reader) => {
    const inner = reader.sequence();
    const fields = { derivation: readKeyDerivationAt(inner, what), hash: readHashOf('hmac', inner, what) };
    inner.end();
    return fields;
  });
  const { keyLength } = derivation;
  // RFC 9579 §4: "the keyLength field … MUST be present".
  if (keyLength === undefined) throw malformed(what, 'no length of the key');
  if (keyLength < pbmac1KeyLength.least || keyLength > pbmac1KeyLength.most) {
    throw malformed(what, `a key of ${keyLength} bytes`);
  }
  return yield* pbmac1Value(work, derivation, hash, content, password, keyLength);
}

function* pbmac1Value(
  work: PasswordWork,
  derivation: KeyDerivation,
  hash: PasswordHash,
  content: Bytes,
  password: Password,
  keyLength: number,
): Settling<Bytes> {
  const key = yield* deriveKey(work, derivation, password, keyLength, 'PBMAC1 of PKCS#12');
  const mac = work.passwords.hmac(hash, key)(content);
  wipe(key);
  return mac;
}

/** A MacData over `content`, DER: PKCS#12's own with SHA-256, which everybody reads, or PBMAC1 with the same. */
export function* writeMac(
  provider: CryptoProvider,
  kind: 'pkcs12' | 'pbmac1',
  content: Bytes,
  password: Password,
  iterations: number,
): Settling<Bytes> {
  const work = passwordWork(provider, { iterations });
  const hash = 'sha256';
  const salt = provider.random(16);
  if (kind === 'pkcs12') {
    const mac = pkcs12Mac(work, hash, passwordBmp(password), { salt, iterations }, content);
    return macData(encodeHash('hash', hash), mac, salt, iterations);
  }
  const derivation: KeyDerivation = { kind: 'pbkdf2', hash, salt, iterations, keyLength: 32 };
  const mac = yield* pbmac1Value(work, derivation, hash, content, password, 32);
  const parameters = der.sequence(encodeKeyDerivation(derivation), encodeHash('hmac', hash));
  // RFC 9579 §4: salt and iterations are there for old readers' grammar alone.
  return macData(der.sequence(der.oid(pbmac1), parameters), mac, utf8('NOT USED'), 1);
}

function macData(algorithm: Bytes, mac: Bytes, salt: Bytes, iterations: number): Bytes {
  const info = der.sequence(algorithm, der.octetString(mac));
  return iterations === 1
    ? der.sequence(info, der.octetString(salt))
    : der.sequence(info, der.octetString(salt), der.smallInteger(iterations));
}
