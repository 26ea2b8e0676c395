/**
 * Public keys that verify: SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) to `PublicKeyInfo`.
 *
 * A key is checked here for form and size alone (named curve, point form and length, raw key length, RSA's limits); whether
 * a point lies on its curve is for the provider that imports it. Private keys are in `private-keys.ts`, keys that a
 * certificate may hold and nobody verifies with in `subject-keys.ts`.
 *
 * @module
 */

import {
  type Bytes,
  copyBytes,
  type HashName,
  type KeyType,
  type PublicKeyInfo,
  type SignatureAlgorithm,
} from '@handfast/crypto';
import { type AlgorithmIdentifier, keyTypeFits, readAlgorithmIdentifier, readPssParameters } from './algorithms.ts';
import type { Oid } from './der/oid.ts';
import { DerReader, readDer, tag } from './der/reader.ts';
import { CertificateError, malformed } from './errors.ts';

export const rsaEncryption: Oid = '1.2.840.113549.1.1.1';
export const rsaSsaPss: Oid = '1.2.840.113549.1.1.10';
export const ecPublicKey: Oid = '1.2.840.10045.2.1';

export interface Curve {
  readonly type: KeyType;
  readonly oid: Oid;
  readonly bits: number;
}

const curves: readonly Curve[] = [
  { type: 'secp256r1', oid: '1.2.840.10045.3.1.7', bits: 256 },
  { type: 'secp384r1', oid: '1.3.132.0.34', bits: 384 },
  { type: 'secp521r1', oid: '1.3.132.0.35', bits: 521 },
];

/** Keys whose parameters are absent and whose BIT STRING is the raw key. `bits`: the field's, or for ML-DSA the security's. */
export interface RawKey {
  readonly type: KeyType;
  readonly oid: Oid;
  readonly length: number;
  readonly bits: number;
}

export const rawKeys: readonly RawKey[] = [
  { type: 'ed25519', oid: '1.3.101.112', length: 32, bits: 256 },
  { type: 'ed448', oid: '1.3.101.113', length: 57, bits: 456 },
  { type: 'ml-dsa-44', oid: '2.16.840.1.101.3.4.3.17', length: 1312, bits: 128 },
  { type: 'ml-dsa-65', oid: '2.16.840.1.101.3.4.3.18', length: 1952, bits: 192 },
  { type: 'ml-dsa-87', oid: '2.16.840.1.101.3.4.3.19', length: 2592, bits: 256 },
];

/**
 * A larger modulus is a denial of service, not security: Go's `crypto/x509` and `crypto/tls` refuse more than 8,192 bits
 * since a verification of such a key was made to take seconds (CVE-2023-29409).
 */
const maxRsaBits = 8192;

/** A verification's time goes with the exponent's length: Windows takes 2^32 at most, BoringSSL 2^33. */
const maxRsaExponentBits = 33;

/**
 * A SubjectPublicKeyInfo, DER.
 *
 * @throws CertificateError `malformed`, or `unsupported_key` for a key of a kind that we do not take (explicit curve
 * parameters, compressed points, DSA, P-192 …)
 */
export function parsePublicKey(spki: Uint8Array): PublicKeyInfo {
  return readPublicKey(copyBytes(spki));
}

/** The same of bytes that are ours already: the key has views of them. */
export function readPublicKey(spki: Bytes): PublicKeyInfo {
  const { algorithm, raw } = readDer(spki, 'public key', (reader) => {
    const info = reader.sequence();
    const fields = {
      algorithm: readAlgorithmIdentifier(info, 'public key algorithm'),
      raw: info.octetAlignedBitString(),
    };
    info.end();
    return fields;
  });
  const { type, bits } = keyKind(algorithm, raw);
  return { type, bits, spki, raw };
}

/** The hash that an id-RSASSA-PSS key is bound to by its parameters; `undefined`: not bound (RFC 4055 §1.2). */
export function pssKeyHash(key: PublicKeyInfo): HashName | undefined {
  if (key.type !== 'rsa-pss') return undefined;
  const info = new DerReader(key.spki, 'public key').sequence();
  return readPssParameters(readAlgorithmIdentifier(info, 'public key algorithm').parameters);
}

/** Whether `key` may make such signatures: its type fits, and so do the parameters that it is bound to. */
export function keyFits(algorithm: SignatureAlgorithm, key: PublicKeyInfo): boolean {
  const hash = pssKeyHash(key);
  return keyTypeFits(algorithm, key.type) && (hash === undefined || algorithm === `rsa-pss-${hash}`);
}

/** `RSA, 2048 bits`, `P-256`, `Ed25519`: for people. */
export function keyLabel(key: PublicKeyInfo): string {
  return key.type === 'rsa' || key.type === 'rsa-pss' ? `${keyNames[key.type]}, ${key.bits} bits` : keyNames[key.type];
}

const keyNames: Readonly<Record<KeyType, string>> = {
  rsa: 'RSA',
  'rsa-pss': 'RSA-PSS',
  secp256r1: 'ECDSA P-256',
  secp384r1: 'ECDSA P-384',
  secp521r1: 'ECDSA P-521',
  ed25519: 'Ed25519',
  ed448: 'Ed448',
  'ml-dsa-44': 'ML-DSA-44',
  'ml-dsa-65': 'ML-DSA-65',
  'ml-dsa-87': 'ML-DSA-87',
};

/** Keys that we know and do not verify with, for messages. */
const otherKeyNames: ReadonlyMap<Oid, string> = new Map([
  ['1.2.840.10040.4.1', 'a DSA key'],
  ['1.2.840.10046.2.1', 'a Diffie-Hellman key, which cannot sign,'],
  ['1.3.101.110', 'an X25519 key, which cannot sign,'],
  ['1.3.101.111', 'an X448 key, which cannot sign,'],
]);

function keyKind(algorithm: AlgorithmIdentifier, raw: Bytes): Pick<PublicKeyInfo, 'type' | 'bits'> {
  const { oid, parameters } = algorithm;
  if (oid === rsaEncryption) {
    if (parameters === undefined) throw malformed('RSA public key', 'parameters that are not NULL');
    readDer(parameters, 'parameters of an RSA public key', (reader) => reader.null());
    return { type: 'rsa', bits: rsaBits(raw) };
  }
  if (oid === rsaSsaPss) {
    if (parameters !== undefined && readPssParameters(parameters) === undefined) {
      throw unsupportedKey(
        'an RSA-PSS key bound to other parameters than one of our hashes, the same in MGF1, and as long a salt',
      );
    }
    return { type: 'rsa-pss', bits: rsaBits(raw) };
  }
  if (oid === ecPublicKey) return ecKind(parameters, raw);
  const row = rawKeys.find((candidate) => candidate.oid === oid);
  if (row === undefined) throw unsupportedKey(otherKeyNames.get(oid) ?? `a key of algorithm ${oid}`);
  if (parameters !== undefined) throw malformed(`${keyNames[row.type]} public key`, 'parameters, which must be absent');
  if (raw.length !== row.length)
    throw malformed(`${keyNames[row.type]} public key`, `${raw.length} bytes, not ${row.length}`);
  return { type: row.type, bits: row.bits };
}

function ecKind(parameters: Bytes | undefined, point: Bytes): Pick<PublicKeyInfo, 'type' | 'bits'> {
  const curve = namedCurve(parameters);
  const length = 1 + 2 * Math.ceil(curve.bits / 8);
  const form = point[0];
  if (form === 2 || form === 3) throw unsupportedKey('an EC point in compressed form');
  if (form !== 4 || point.length !== length) {
    throw malformed(`${keyNames[curve.type]} public key`, `not an uncompressed point of ${length} bytes`);
  }
  return { type: curve.type, bits: curve.bits };
}

/** The curve that an EC key's parameters name. */
export function namedCurve(parameters: Bytes | undefined): Curve {
  if (parameters?.[0] === tag.sequence) throw unsupportedKey('an EC key with explicit curve parameters');
  if (parameters === undefined) throw malformed('EC key', 'no named curve');
  const oid = readDer(parameters, 'named curve of an EC key', (reader) => reader.oid());
  const curve = curves.find((candidate) => candidate.oid === oid);
  if (curve === undefined) throw unsupportedKey(`an EC key on curve ${oid}`);
  return curve;
}

function rsaBits(raw: Bytes): number {
  const what = 'RSA public key';
  return readDer(raw, what, (reader) => {
    const key = reader.sequence();
    const modulus = key.unsigned();
    const exponent = key.unsigned();
    key.end();
    const bits = bitLength(modulus);
    if (bits > maxRsaBits) throw unsupportedKey(`an RSA key of ${bits} bits, over the limit of ${maxRsaBits},`);
    if (((modulus.at(-1) ?? 0) & 1) === 0) throw malformed(what, 'an even modulus');
    const exponentBits = bitLength(exponent);
    // RFC 8017 §3.1: 3 ≤ e < n, odd.
    if (((exponent.at(-1) ?? 0) & 1) === 0 || exponentBits < 2 || exponentBits >= bits) {
      throw malformed(what, 'an exponent that is even, 1, or as long as the modulus');
    }
    if (exponentBits > maxRsaExponentBits) {
      throw unsupportedKey(`an RSA exponent of ${exponentBits} bits, over the limit of ${maxRsaExponentBits},`);
    }
    return bits;
  });
}

/** Bits of a big-endian magnitude without leading zero bytes. */
export function bitLength(magnitude: Bytes): number {
  const first = magnitude[0];
  return first === undefined ? 0 : 8 * magnitude.length - Math.clz32(first) + 24;
}

/** A refusal of a whole kind of key. */
export function unsupportedKey(what: string): CertificateError {
  return new CertificateError('unsupported_key', `${what} is not supported`, {
    hint: 'supported are RSA, ECDSA on P-256, P-384 and P-521 (named, uncompressed), Ed25519, Ed448 and ML-DSA',
  });
}
