/**
 * Two small extensions that say where and how a certificate's status is to be had: AuthorityInfoAccess
 * (RFC 5280 §4.2.2.1), with the URLs of the OCSP responder and of the issuer's certificate, and the TLS feature
 * extension (RFC 7633), by which a certificate demands that its server staples.
 *
 * Nothing is fetched here, and no URL is looked into: they are what the issuer wrote.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import type { Certificate } from './certificate.ts';
import { accessMethodOids, extensionLabel } from './der/oid.ts';
import { readDer } from './der/reader.ts';
import * as der from './der/writer.ts';
import { malformed } from './errors.ts';
import { encodeGeneralName } from './names/encode.ts';
import { readGeneralName } from './names/general.ts';

/** Where to ask about a certificate. Locations that are not URLs, and other access methods, are passed over. */
export interface AuthorityInfoAccess {
  /** OCSP responders, by the issuer's preference. */
  readonly ocspUrls: readonly string[];
  /** Where the issuer's certificate is: one in DER, or a PKCS #7 bundle. */
  readonly issuerUrls: readonly string[];
}

/** TLS extensions that a certificate may demand (RFC 7633 §3): `status_request` alone is in use. */
export const tlsFeatures = { statusRequest: 5, statusRequestV2: 17 } as const;

/** Locations in one extension, and features in the other: real ones have three, and one. */
const maxEntries = 64;

/**
 * The AuthorityInfoAccess of a certificate; empty where it has none.
 *
 * @throws CertificateError `malformed`
 *
 * @example
 * ```ts
 * const [url] = authorityInfoAccessOf(certificate).ocspUrls;
 * ```
 */
export function authorityInfoAccessOf(certificate: Certificate): AuthorityInfoAccess {
  const extension = certificate.extension('authorityInfoAccess');
  return extension === undefined
    ? { ocspUrls: [], issuerUrls: [] }
    : parseAuthorityInfoAccess(extension.value, extensionLabel(extension.oid));
}

/**
 * ```
 * AuthorityInfoAccessSyntax  ::= SEQUENCE SIZE (1..MAX) OF AccessDescription
 * AccessDescription  ::=  SEQUENCE {
 *      accessMethod          OBJECT IDENTIFIER,
 *      accessLocation        GeneralName  }
 * ```
 */
export function parseAuthorityInfoAccess(value: Bytes, what: string): AuthorityInfoAccess {
  const ocspUrls: string[] = [];
  const issuerUrls: string[] = [];
  readDer(value, what, (reader) => {
    const list = reader.sequence();
    const count = list.list(() => {
      const description = list.sequence();
      const method = description.oid();
      const location = readGeneralName(description, what);
      description.end();
      if (location.kind !== 'uri') return;
      if (method === accessMethodOids.ocsp) ocspUrls.push(location.text);
      if (method === accessMethodOids.caIssuers) issuerUrls.push(location.text);
    }).length;
    if (count === 0) throw malformed(what, 'an empty list');
    if (count > maxEntries) throw malformed(what, `${count} locations, over the limit of ${maxEntries}`);
  });
  return { ocspUrls, issuerUrls };
}

/** The extension's value. Throws `RangeError` where there is no URL at all, or one that is not ASCII. */
export function encodeAuthorityInfoAccess({ ocspUrls = [], issuerUrls = [] }: Partial<AuthorityInfoAccess>): Bytes {
  const descriptions = [
    ...ocspUrls.map((url) => accessDescription(accessMethodOids.ocsp, url)),
    ...issuerUrls.map((url) => accessDescription(accessMethodOids.caIssuers, url)),
  ];
  if (descriptions.length === 0) throw new RangeError('an authorityInfoAccess without any URL');
  return der.sequence(...descriptions);
}

/**
 * Whether a certificate demands that its server staples an OCSP response (must-staple: RFC 7633 §4.2.2).
 *
 * @throws CertificateError `malformed`
 */
export function demandsStaple(certificate: Certificate): boolean {
  const extension = certificate.extension('tlsFeature');
  if (extension === undefined) return false;
  return parseTlsFeatures(extension.value, extensionLabel(extension.oid)).includes(tlsFeatures.statusRequest);
}

/** `Features ::= SEQUENCE OF INTEGER`: numbers of TLS extensions (RFC 7633 §4.1). */
export function parseTlsFeatures(value: Bytes, what: string): readonly number[] {
  return readDer(value, what, (reader) => {
    const list = reader.sequence();
    const features = list.list(() => list.smallInteger());
    if (features.some((feature) => feature > 0xffff)) throw malformed(what, 'no number of a TLS extension');
    if (features.length > maxEntries) {
      throw malformed(what, `${features.length} features, over the limit of ${maxEntries}`);
    }
    return features;
  });
}

/** The extension's value. Throws `RangeError` for what is no number of a TLS extension. */
export function encodeTlsFeatures(features: readonly number[]): Bytes {
  for (const feature of features) {
    if (!Number.isInteger(feature) || feature < 0 || feature > 0xffff) {
      throw new RangeError(`not the number of a TLS extension: ${feature}`);
    }
  }
  return der.sequence(...features.map(der.smallInteger));
}

function accessDescription(method: string, url: string): Bytes {
  if (!/^[\x21-\x7e]+$/.test(url)) throw new RangeError('a URL in a certificate is printable ASCII, without spaces');
  return der.sequence(der.oid(method), encodeGeneralName({ kind: 'uri', text: url }));
}
