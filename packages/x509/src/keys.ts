/**
 * Keys: SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) to `PublicKeyInfo`, and the containers of private keys — PKCS#8
 * (RFC 5958), SEC1 (RFC 5915), PKCS#1 (RFC 8017) — to one plain PKCS#8.
 *
 * A public key is checked here for form alone (named curve, point form and length, raw key length); whether a point lies
 * on its curve is for the provider that imports it. Encrypted containers and PKCS#12 are not here.
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
import { looksLikePem, type PemBlock, parsePem } from './der/pem.ts';
import { contextConstructed, DerReader, readDer, tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { CertificateError, malformed } from './errors.ts';
import { quote } from './text.ts';

const rsaEncryption: Oid = '1.2.840.113549.1.1.1';
const rsaSsaPss: Oid = '1.2.840.113549.1.1.10';
const ecPublicKey: Oid = '1.2.840.10045.2.1';

interface Curve {
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
interface RawKey {
  readonly type: KeyType;
  readonly oid: Oid;
  readonly length: number;
  readonly bits: number;
}

const rawKeys: readonly RawKey[] = [
  { type: 'ed25519', oid: '1.3.101.112', length: 32, bits: 256 },
  { type: 'ed448', oid: '1.3.101.113', length: 57, bits: 456 },
  { type: 'ml-dsa-44', oid: '2.16.840.1.101.3.4.3.17', length: 1312, bits: 128 },
  { type: 'ml-dsa-65', oid: '2.16.840.1.101.3.4.3.18', length: 1952, bits: 192 },
  { type: 'ml-dsa-87', oid: '2.16.840.1.101.3.4.3.19', length: 2592, bits: 256 },
];

/** A larger modulus is a denial of service, not security: OpenSSL's `OPENSSL_RSA_MAX_MODULUS_BITS`. */
const maxRsaBits = 16384;

/**
 * A SubjectPublicKeyInfo, DER.
 *
 * @throws CertificateError `malformed`, or `unsupported_key` for a key of a kind that we do not take (explicit curve
 * parameters, compressed points, DSA, P-192 …)
 */
export function parsePublicKey(spki: Uint8Array): PublicKeyInfo {
  const own = copyBytes(spki);
  const { algorithm, raw } = readDer(own, 'public key', (reader) => {
    const info = reader.sequence();
    const fields = {
      algorithm: readAlgorithmIdentifier(info, 'public key algorithm'),
      raw: info.octetAlignedBitString(),
    };
    info.end();
    return fields;
  });
  return { ...keyKind(algorithm, raw), spki: own, raw };
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
  if (row === undefined) throw unsupportedKey(`a key of algorithm ${oid}`);
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

function namedCurve(parameters: Bytes | undefined): Curve {
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
    if (bits > maxRsaBits) throw unsupportedKey(`an RSA key of ${bits} bits`);
    if (((modulus.at(-1) ?? 0) & 1) === 0) throw malformed(what, 'an even modulus');
    const exponentBits = bitLength(exponent);
    // RFC 8017 §3.1: 3 ≤ e < n, odd.
    if (((exponent.at(-1) ?? 0) & 1) === 0 || exponentBits < 2 || exponentBits >= bits) {
      throw malformed(what, 'an exponent that is even, 1, or as long as the modulus');
    }
    return bits;
  });
}

function bitLength(magnitude: Bytes): number {
  const first = magnitude[0];
  return first === undefined ? 0 : 8 * magnitude.length - Math.clz32(first) + 24;
}

function unsupportedKey(what: string): CertificateError {
  return new CertificateError('unsupported_key', `${what} is not supported`, {
    hint: 'supported are RSA, ECDSA on P-256, P-384 and P-521 (named, uncompressed), Ed25519, Ed448 and ML-DSA',
  });
}

/** How each PEM label's private key becomes PKCS#8. */
const privateKeyLabels: ReadonlyMap<string, (bytes: Bytes) => Bytes> = new Map([
  ['PRIVATE KEY', plainPkcs8],
  ['EC PRIVATE KEY', fromSec1],
  ['RSA PRIVATE KEY', fromPkcs1],
]);

/**
 * The one private key of a file, as PKCS#8 DER in fresh memory, for `provider.importPrivateKey`. Other blocks beside it
 * (certificates, `EC PARAMETERS`) are passed over. The result is the caller's to wipe.
 *
 * @param pem PEM text (`PRIVATE KEY`, `EC PRIVATE KEY`, `RSA PRIVATE KEY`), or the DER of PKCS#8
 * @throws CertificateError `encrypted_key` for one under a password, `unsupported_key`, or `malformed`
 */
export function parsePrivateKey(pem: string | Uint8Array): Bytes {
  if (typeof pem !== 'string' && !looksLikePem(pem)) return plainPkcs8(copyBytes(pem));
  const blocks = parsePem(pem);
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [block, second] = keys;
  if (block === undefined) {
    const found = blocks.map(({ label }) => quote(label)).join(', ') || 'no PEM block at all';
    throw malformed('private key', `no PEM block of a private key; the text holds ${found}`);
  }
  if (second !== undefined) throw malformed('private key', `${keys.length} private keys in one text, not one`);
  return privateKeyOf(block);
}

function privateKeyOf(block: PemBlock): Bytes {
  if (block.label === 'ENCRYPTED PRIVATE KEY' || block.headers.some((header) => header.includes('ENCRYPTED'))) {
    throw encrypted();
  }
  const read = privateKeyLabels.get(block.label);
  if (read === undefined) throw new CertificateError('unsupported_key', `a ${quote(block.label)} is not supported`);
  return read(block.bytes);
}

function encrypted(): CertificateError {
  return new CertificateError(
    'encrypted_key',
    'the private key is encrypted under a password, which is not supported',
    {
      hint: 'decrypt it first: openssl pkey -in key.pem -out plain.pem',
    },
  );
}

/** PrivateKeyInfo without attributes or public key: the form that every importer takes. */
function plainPkcs8(bytes: Bytes): Bytes {
  const what = 'PKCS#8 private key';
  return readDer(bytes, what, (reader) => {
    const info = reader.sequence();
    // EncryptedPrivateKeyInfo begins with an AlgorithmIdentifier where a version belongs.
    if (info.nextTag === tag.sequence) throw encrypted();
    const version = info.smallInteger();
    if (version > 1) throw malformed(what, `version ${version}`);
    const algorithm = readAlgorithmIdentifier(info, what);
    const key = info.octetString();
    info.optional(contextConstructed(0));
    if (version === 1) info.optional(0x81);
    info.end();
    if (algorithm.oid === ecPublicKey) namedCurve(algorithm.parameters);
    return der.sequence(der.smallInteger(0), algorithm.raw, der.octetString(key));
  });
}

function fromPkcs1(bytes: Bytes): Bytes {
  readDer(bytes, 'RSA private key', (reader) => {
    const key = reader.sequence();
    // Version 1 has more than two primes, which no importer takes.
    if (key.smallInteger() !== 0) throw malformed('RSA private key', 'more than two primes');
    key.list(() => key.unsigned());
  });
  return der.sequence(der.smallInteger(0), der.sequence(der.oid(rsaEncryption), der.nothing()), der.octetString(bytes));
}

function fromSec1(bytes: Bytes): Bytes {
  const what = 'EC private key';
  return readDer(bytes, what, (reader) => {
    const key = reader.sequence();
    if (key.smallInteger() !== 1) throw malformed(what, 'a version that is not 1');
    const scalar = key.octetString();
    const parameters = key.optional(contextConstructed(0))?.content;
    const publicKey = key.optional(contextConstructed(1))?.raw ?? new Uint8Array(0);
    key.end();
    const curve = namedCurve(parameters);
    return der.sequence(
      der.smallInteger(0),
      der.sequence(der.oid(ecPublicKey), der.oid(curve.oid)),
      der.octetString(der.sequence(der.smallInteger(1), der.octetString(scalar), publicKey)),
    );
  });
}
