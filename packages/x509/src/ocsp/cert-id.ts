/**
 * CertID (RFC 6960 §4.1.1): how OCSP names a certificate, by hashes of its issuer's name and key, and its serial number.
 *
 * The hash is a name, not a proof: whoever finds another issuer of the same hash still has to sign as the right one. So
 * SHA-1, the one that every responder answers (RFC 5019 §2.1.1), does no harm here; SHA-2 is taken as well.
 *
 * @module
 */

import { type Bytes, type CryptoProvider, equalBytes, toHex } from '@handfast/crypto';
import { readAlgorithmIdentifier } from '../algorithms.ts';
import type { Certificate } from '../certificate.ts';
import type { Oid } from '../der/oid.ts';
import { type DerReader, readDer, tag } from '../der/reader.ts';
import * as der from '../der/writer.ts';
import { malformed } from '../errors.ts';
import { sameName } from '../names/directory.ts';

/** The hashes that a CertID is made with. */
export type CertIdHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** What hashing names takes of a provider. */
export type CertIdProvider = Pick<CryptoProvider, 'name' | 'digest' | 'legacyDigests'>;

export interface CertId {
  /** Its DER. */
  readonly raw: Bytes;
  /** `undefined` for a hash that we do not have. */
  readonly hash: CertIdHash | undefined;
  /** Over the DER of the issuer's name, as the certificate has it. */
  readonly issuerNameHash: Bytes;
  /** Over the content of the BIT STRING in the issuer's SubjectPublicKeyInfo. */
  readonly issuerKeyHash: Bytes;
  /** The INTEGER's content: two's complement. */
  readonly serialNumber: Bytes;
}

const hashOids: readonly (readonly [CertIdHash, Oid])[] = [
  ['sha1', '1.3.14.3.2.26'],
  ['sha256', '2.16.840.1.101.3.4.2.1'],
  ['sha384', '2.16.840.1.101.3.4.2.2'],
  ['sha512', '2.16.840.1.101.3.4.2.3'],
];

/** SHA-512 has 64. */
const maxHashLength = 64;

/**
 * ```
 * CertID          ::=     SEQUENCE {
 *     hashAlgorithm       AlgorithmIdentifier,
 *     issuerNameHash      OCTET STRING,
 *     issuerKeyHash       OCTET STRING,
 *     serialNumber        CertificateSerialNumber }
 * ```
 */
export function readCertId(reader: DerReader): CertId {
  const what = 'CertID';
  const element = reader.element(tag.sequence);
  const fields = reader.within(element.content, what);
  const { oid, parameters } = readAlgorithmIdentifier(fields, what);
  if (parameters !== undefined) readDer(parameters, `${what}, parameters of its hash`, (inner) => inner.null());
  const issuerNameHash = fields.octetString();
  const issuerKeyHash = fields.octetString();
  const serialNumber = fields.integer();
  fields.end();
  if (issuerNameHash.length > maxHashLength || issuerKeyHash.length > maxHashLength) {
    throw malformed(what, `a hash of more than ${maxHashLength} bytes`);
  }
  const hash = hashOids.find(([, known]) => known === oid)?.[0];
  return { raw: element.raw, hash, issuerNameHash, issuerKeyHash, serialNumber };
}

/**
 * The CertID of a certificate.
 *
 * @param hash `sha1` unless set, or `sha256` where the provider has no SHA-1
 * @throws RangeError where `issuer` does not have the issuer's name, or the provider not the hash
 */
export function certIdOf(
  provider: CertIdProvider,
  certificate: Certificate,
  issuer: Certificate,
  hash: CertIdHash = provider.legacyDigests?.sha1 === undefined ? 'sha256' : 'sha1',
): CertId {
  if (!sameName(certificate.issuer, issuer.subject)) {
    throw new RangeError('the issuer given is not the one that the certificate names');
  }
  const digest = digestOf(provider, hash);
  if (digest === undefined) throw new RangeError(`the crypto provider "${provider.name}" has no ${hash}`);
  const oid = hashOids.find(([name]) => name === hash)?.[1] ?? '';
  const { serialNumber } = certificate;
  const issuerNameHash = digest(certificate.issuer.raw);
  const issuerKeyHash = digest(keyBitsOf(issuer.spki));
  const raw = der.sequence(
    // RFC 4055 §2.1 wants both forms of the parameters taken; NULL is what everybody sends.
    der.sequence(der.oid(oid), der.nothing()),
    der.octetString(issuerNameHash),
    der.octetString(issuerKeyHash),
    der.value(tag.integer, serialNumber),
  );
  return { raw, hash, issuerNameHash, issuerKeyHash, serialNumber };
}

/** Compares CertIDs with one certificate; each hash is made once, however many a response holds. */
export class CertIdMatcher {
  readonly #provider: CertIdProvider;
  readonly #certificate: Certificate;
  readonly #issuer: Certificate;
  readonly #own = new Map<CertIdHash, CertId>();

  constructor(provider: CertIdProvider, certificate: Certificate, issuer: Certificate) {
    this.#provider = provider;
    this.#certificate = certificate;
    this.#issuer = issuer;
  }

  /** Whether `id` names the certificate; `false` also for a hash that the provider does not have. */
  matches(id: CertId): boolean {
    if (!equalBytes(id.serialNumber, this.#certificate.serialNumber)) return false;
    if (id.hash === undefined || digestOf(this.#provider, id.hash) === undefined) return false;
    const own = this.#own.get(id.hash) ?? certIdOf(this.#provider, this.#certificate, this.#issuer, id.hash);
    this.#own.set(id.hash, own);
    return equalBytes(id.issuerNameHash, own.issuerNameHash) && equalBytes(id.issuerKeyHash, own.issuerKeyHash);
  }
}

/** The same for two CertIDs of one hash: what a server looks its answers up by. */
export function certIdKey(id: CertId): string {
  return [id.hash ?? '', ...[id.issuerNameHash, id.issuerKeyHash, id.serialNumber].map(toHex)].join(':');
}

/** A hash function of the provider's, or `undefined`. */
export function digestOf(provider: CertIdProvider, hash: CertIdHash): ((data: Uint8Array) => Bytes) | undefined {
  return hash === 'sha1' ? provider.legacyDigests?.sha1 : (data) => provider.digest(hash, data);
}

/** The content of the BIT STRING in a SubjectPublicKeyInfo, also of a key that we cannot use. */
export function keyBitsOf(spki: Bytes): Bytes {
  return readDer(spki, 'public key', (reader) => {
    const info = reader.sequence();
    info.element(tag.sequence);
    const bits = info.octetAlignedBitString();
    info.end();
    return bits;
  });
}
