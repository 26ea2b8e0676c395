/**
 * PKCS#12 (RFC 7292), writing: certificates and keys under PBES2 with AES-256-CBC, and a MAC with SHA-256 over it all. So
 * OpenSSL 3 writes it, and OpenSSL 1.1, Java since 8u301, Node, Windows since 10 and macOS since 15 read it.
 *
 * @module
 */

import {
  type Bytes,
  CryptoError,
  type CryptoProvider,
  equalBytes,
  type MaybePromise,
  runSettling,
  type Settling,
  settle,
  wipe,
} from '@handfast/crypto';
import type { Certificate } from './certificate.ts';
import { tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { checkIterations, type PasswordEncryption, sealUnderPassword } from './pbe/encryption.ts';
import { writeMac } from './pbe/mac.ts';
import type { Password } from './pbe/work.ts';
import { contentTypes, encodeContentInfo } from './pkcs7.ts';
import { type BagNames, bagAttributes, bagOids } from './pkcs12.ts';
import { sealPkcs8 } from './private-keys.ts';
import { keyMatches } from './subject-keys.ts';

/** What to put into a file. */
export interface Pkcs12Contents {
  /** Plain PKCS#8 each. */
  readonly keys?: readonly (BagNames & { readonly pkcs8: Uint8Array })[] | undefined;
  /** A key's own certificate first, then its chain. `trusted` marks an anchor, for Java. */
  readonly certificates?:
    | readonly (BagNames & { readonly certificate: Certificate; readonly trusted?: boolean | undefined })[]
    | undefined;
}

export interface Pkcs12WriteOptions {
  /** Unless set: PBKDF2 with HMAC-SHA256 and 600,000 iterations, and AES-256-CBC. */
  readonly encryption?: PasswordEncryption | undefined;
  /**
   * Unless set: `pkcs12`, which everybody reads. `pbmac1` (RFC 9579) is what OpenSSL 3.4 and Java 26 read.
   */
  readonly mac?: 'pkcs12' | 'pbmac1' | undefined;
  /** Of the MAC's key. Unless set: as many as the encryption's; fewer would be the easier way to guess the password. */
  readonly macIterations?: number | undefined;
}

/** OWASP's number for PBKDF2-HMAC-SHA256, as in `pbe/encryption.ts`. */
const defaultIterations = 600_000;

/**
 * A PKCS#12 file. A key without a `localKeyId` gets one, in common with its certificate where that is among
 * `certificates`: readers find a key's certificate by it. Synchronous where the provider is.
 *
 * @throws RangeError for a file with nothing in it or options that make no sense, CertificateError for what is no PKCS#8
 *
 * @example
 * ```ts
 * const file = await writePkcs12(provider, { keys: [{ pkcs8 }], certificates: [{ certificate }] }, 'correct horse');
 * ```
 */
export function writePkcs12(
  provider: CryptoProvider,
  contents: Pkcs12Contents,
  password: Password,
  options: Pkcs12WriteOptions = {},
): MaybePromise<Bytes> {
  return runSettling(write(provider, contents, password, options));
}

function* write(
  provider: CryptoProvider,
  { keys = [], certificates = [] }: Pkcs12Contents,
  password: Password,
  options: Pkcs12WriteOptions,
): Settling<Bytes> {
  const { encryption = {}, mac = 'pkcs12' } = options;
  const { macIterations = encryption.iterations ?? defaultIterations } = options;
  checkIterations(macIterations);
  if (keys.length + certificates.length === 0) throw new RangeError('a PKCS#12 file of nothing');
  const ids = yield* localKeyIds(provider, keys, certificates);
  const parts: Bytes[] = [];
  if (certificates.length > 0) {
    const bags = certificates.map((entry, at) => certificateBag(entry, ids.certificates[at]));
    parts.push(yield* encryptedPart(provider, der.sequence(...bags), password, encryption));
  }
  if (keys.length > 0) {
    const bags: Bytes[] = [];
    for (const [at, key] of keys.entries()) {
      const shrouded = yield* sealPkcs8(provider, key.pkcs8, password, encryption);
      bags.push(bag(bagOids.shroudedKey, shrouded, attributes(key.friendlyName, ids.keys[at], false)));
    }
    parts.push(encodeContentInfo(contentTypes.data, der.octetString(der.sequence(...bags))));
  }
  const safe = der.sequence(...parts);
  return der.sequence(
    der.smallInteger(3),
    encodeContentInfo(contentTypes.data, der.octetString(safe)),
    yield* writeMac(provider, mac, safe, password, macIterations),
  );
}

interface LocalKeyIds {
  readonly keys: readonly Bytes[];
  readonly certificates: readonly (Bytes | undefined)[];
}

/** Those given; for a key without one, the first 20 bytes of the SHA-256 of its certificate, or random ones. */
function* localKeyIds(
  provider: CryptoProvider,
  keys: NonNullable<Pkcs12Contents['keys']>,
  certificates: NonNullable<Pkcs12Contents['certificates']>,
): Settling<LocalKeyIds> {
  const ofCertificates: (Bytes | undefined)[] = certificates.map(({ localKeyId }) => localKeyId);
  const ofKeys: Bytes[] = [];
  for (const { pkcs8, localKeyId } of keys) {
    if (localKeyId !== undefined) {
      ofKeys.push(localKeyId);
      continue;
    }
    const spki = yield* publicKeyOf(provider, pkcs8);
    const at = certificates.findIndex(({ certificate }) => spki !== undefined && sameKey(certificate, spki));
    const own = certificates[at];
    const id =
      own?.localKeyId ?? (own ? provider.digest('sha256', own.certificate.raw).slice(0, 20) : provider.random(20));
    if (own !== undefined) ofCertificates[at] = id;
    ofKeys.push(id);
  }
  return { keys: ofKeys, certificates: ofCertificates };
}

/** A key that the provider does not know may be written all the same; only nobody finds its certificate for it. */
function* publicKeyOf(provider: CryptoProvider, pkcs8: Uint8Array): Settling<Bytes | undefined> {
  try {
    return (yield* settle(provider.importPrivateKey(pkcs8))).publicKey.spki;
  } catch (error) {
    if (error instanceof CryptoError) return undefined;
    throw error;
  }
}

function sameKey(certificate: Certificate, spki: Bytes): boolean {
  return equalBytes(certificate.spki, spki) || keyMatches(certificate, { spki });
}

/**
 * ```
 * EncryptedData ::= SEQUENCE { version INTEGER (0), encryptedContentInfo SEQUENCE {
 *     contentType, contentEncryptionAlgorithm, encryptedContent [0] IMPLICIT OCTET STRING } }
 * ```
 */
function* encryptedPart(
  provider: CryptoProvider,
  safe: Bytes,
  password: Password,
  encryption: PasswordEncryption,
): Settling<Bytes> {
  const { algorithm, ciphertext } = yield* sealUnderPassword(provider, password, safe, encryption);
  const info = der.sequence(der.oid(contentTypes.data), algorithm, der.implicit(0, ciphertext));
  wipe(safe);
  return encodeContentInfo(contentTypes.encryptedData, der.sequence(der.smallInteger(0), info));
}

function certificateBag(
  { certificate, friendlyName, trusted = false }: NonNullable<Pkcs12Contents['certificates']>[number],
  localKeyId: Bytes | undefined,
): Bytes {
  const value = der.sequence(der.oid(bagOids.x509Certificate), der.explicit(0, der.octetString(certificate.raw)));
  return bag(bagOids.certificate, value, attributes(friendlyName, localKeyId, trusted));
}

function bag(type: string, value: Bytes, attributeSet: readonly Bytes[]): Bytes {
  const set = attributeSet.length === 0 ? [] : [der.setOf(...attributeSet)];
  return der.sequence(der.oid(type), der.explicit(0, value), ...set);
}

function attributes(friendlyName: string | undefined, localKeyId: Bytes | undefined, trusted: boolean): Bytes[] {
  const attribute = (type: string, value: Bytes): Bytes => der.sequence(der.oid(type), der.setOf(value));
  return [
    ...(friendlyName === undefined
      ? []
      : [attribute(bagAttributes.friendlyName, der.value(tag.bmpString, bmp(friendlyName)))]),
    ...(localKeyId === undefined ? [] : [attribute(bagAttributes.localKeyId, der.octetString(localKeyId))]),
    // anyExtendedKeyUsage: trusted for everything, as keytool writes it.
    ...(trusted ? [attribute(bagAttributes.trustedKeyUsage, der.oid('2.5.29.37.0'))] : []),
  ];
}

function bmp(text: string): Uint8Array {
  return Uint8Array.from({ length: 2 * text.length }, (_, at) => {
    const unit = text.charCodeAt(at >> 1);
    return at % 2 === 0 ? unit >> 8 : unit & 0xff;
  });
}
