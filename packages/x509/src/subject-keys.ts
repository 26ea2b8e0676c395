/**
 * Every public key that a certificate may be about, those included that verify nothing: X25519 and X448 (RFC 8410), which
 * agree, and DSA (RFC 3279 §2.3.2). For showing them and for matching keys with certificates; what verifies signatures is
 * a `PublicKeyInfo`, of `keys.ts`.
 *
 * @module
 */

import { type Bytes, copyBytes, equalBytes, type PublicKeyInfo } from '@handfast/crypto';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from './algorithms.ts';
import type { Oid } from './der/oid.ts';
import { readDer, tag } from './der/reader.ts';
import { malformed } from './errors.ts';
import { bitLength, keyLabel, parsePublicKey } from './keys.ts';

/** A key for key agreement: it cannot sign. */
export interface AgreementKey {
  readonly type: 'x25519' | 'x448';
  readonly spki: Bytes;
  readonly raw: Bytes;
  readonly bits: number;
}

export interface DsaPublicKey {
  readonly type: 'dsa';
  readonly spki: Bytes;
  /** An INTEGER, DER. */
  readonly raw: Bytes;
  /** Of the prime modulus; 0 where the parameters are the issuer's. */
  readonly bits: number;
}

/** A key that a certificate or a request is about. */
export type SubjectKey = PublicKeyInfo | AgreementKey | DsaPublicKey;

interface AgreementRow {
  readonly type: AgreementKey['type'];
  readonly oid: Oid;
  readonly length: number;
  readonly bits: number;
}

/** RFC 8410 §3, RFC 7748. */
export const agreementKeys: readonly AgreementRow[] = [
  { type: 'x25519', oid: '1.3.101.110', length: 32, bits: 255 },
  { type: 'x448', oid: '1.3.101.111', length: 56, bits: 448 },
];

export const dsaOid: Oid = '1.2.840.10040.4.1';

/** FIPS 186-4 ends at 3072. */
const maxDsaBits = 3072;

/**
 * A SubjectPublicKeyInfo, DER, of any kind that we can name.
 *
 * @throws CertificateError `malformed`, or `unsupported_key`
 */
export function parseSubjectKey(spki: Uint8Array): SubjectKey {
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
  if (algorithm.oid === dsaOid) return { type: 'dsa', spki: own, raw, bits: dsaBitsOf(algorithm, raw) };
  const row = agreementKeys.find(({ oid }) => oid === algorithm.oid);
  if (row === undefined) return parsePublicKey(own);
  const what = `${agreementNames[row.type]} public key`;
  if (algorithm.parameters !== undefined) throw malformed(what, 'parameters, which must be absent');
  if (raw.length !== row.length) throw malformed(what, `${raw.length} bytes, not ${row.length}`);
  return { type: row.type, spki: own, raw, bits: row.bits };
}

function dsaBitsOf({ parameters }: AlgorithmIdentifier, raw: Bytes): number {
  const what = 'DSA public key';
  readDer(raw, what, (reader) => reader.unsigned());
  if (parameters === undefined || parameters[0] === tag.null) return 0;
  return readDer(parameters, what, (reader) => {
    const dss = reader.sequence();
    const bits = bitLength(dss.unsigned());
    dss.unsigned();
    dss.unsigned();
    dss.end();
    if (bits < 1 || bits > maxDsaBits) throw malformed(what, `a modulus of ${bits} bits`);
    return bits;
  });
}

const agreementNames: Readonly<Record<AgreementKey['type'], string>> = { x25519: 'X25519', x448: 'X448' };

/** `RSA, 2048 bits`, `X25519`, `DSA, 1024 bits`: for people. */
export function subjectKeyLabel(key: SubjectKey): string {
  if (key.type === 'dsa') return key.bits === 0 ? "DSA, under its issuer's parameters" : `DSA, ${key.bits} bits`;
  return isAgreementKey(key) ? agreementNames[key.type] : keyLabel(key);
}

function isAgreementKey(key: PublicKeyInfo | AgreementKey): key is AgreementKey {
  return agreementKeys.some(({ type }) => type === key.type);
}

/** What is about a key: a certificate, a request, a signer's public key. */
export interface HasKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Bytes;
}

/**
 * Whether two are about the same key: a certificate and a request, or either and a private key's public one
 * (`signer.publicKey`). Kind and key decide, not how the AlgorithmIdentifier was written.
 *
 * @throws CertificateError `malformed`, or `unsupported_key` where the two differ and one cannot be read
 *
 * @example
 * ```ts
 * const signer = await provider.importPrivateKey(parsePrivateKey(keyPem));
 * if (!keyMatches(certificate, signer.publicKey)) throw new Error('this key is for another certificate');
 * ```
 */
export function keyMatches(one: HasKey, other: HasKey): boolean {
  if (equalBytes(one.spki, other.spki)) return true;
  const a = parseSubjectKey(one.spki);
  const b = parseSubjectKey(other.spki);
  return a.type === b.type && a.type !== 'dsa' && equalBytes(a.raw, b.raw);
}
