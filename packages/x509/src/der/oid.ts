/**
 * Object identifiers: the strict codec between DER content and dotted text (X.690 §8.19), and the ones that this package
 * knows by name.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { malformed } from '../errors.ts';

/** An object identifier in dotted form, such as `2.5.29.17`. */
export type Oid = string;

/** Longer identifiers exist only to be trouble: a UUID under 2.25 takes 20 bytes. */
const maxOidLength = 64;

/** The dotted form of an OBJECT IDENTIFIER's content. Refuses empty, cut and overlong encodings. */
export function decodeOid(content: Uint8Array, what: string): Oid {
  if (content.length === 0) throw malformed(what, 'an empty OBJECT IDENTIFIER');
  if (content.length > maxOidLength) throw malformed(what, `an OBJECT IDENTIFIER of ${content.length} bytes`);
  return shortOid(content) ?? longOid(content, what);
}

/** For identifiers whose arcs are below 2^28 and in form, which is nearly all of them: without big integers. */
function shortOid(content: Uint8Array): Oid | undefined {
  let text = '';
  let arc = 0;
  let length = 0;
  for (const byte of content) {
    if (length === 4 || (length === 0 && byte === 0x80)) return undefined;
    arc = (arc << 7) | (byte & 0x7f);
    length++;
    if ((byte & 0x80) !== 0) continue;
    if (text === '') {
      const top = arc < 40 ? 0 : arc < 80 ? 1 : 2;
      text = `${top}.${arc - 40 * top}`;
    } else {
      text += `.${arc}`;
    }
    arc = 0;
    length = 0;
  }
  return length === 0 ? text : undefined;
}

function longOid(content: Uint8Array, what: string): Oid {
  const arcs: bigint[] = [];
  let arc = 0n;
  let inArc = false;
  for (const byte of content) {
    if (!inArc && byte === 0x80) throw malformed(what, 'an overlong arc in an OBJECT IDENTIFIER');
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    inArc = (byte & 0x80) !== 0;
    if (inArc) continue;
    if (arcs.length === 0) {
      const top = arc < 40n ? 0n : arc < 80n ? 1n : 2n;
      arcs.push(top, arc - 40n * top);
    } else {
      arcs.push(arc);
    }
    arc = 0n;
  }
  if (inArc) throw malformed(what, 'an OBJECT IDENTIFIER that ends within an arc');
  return arcs.join('.');
}

/** The content of an OBJECT IDENTIFIER. Throws `RangeError` for what is not one. */
export function encodeOid(oid: Oid): Bytes {
  const [top, second, ...rest] = /^[0-2](\.(0|[1-9]\d{0,39})){1,63}$/.test(oid) ? oid.split('.').map(BigInt) : [];
  if (top === undefined || second === undefined || (top < 2n && second > 39n)) {
    throw new RangeError(`not an object identifier: ${oid}`);
  }
  const out: number[] = [];
  for (const arc of [40n * top + second, ...rest]) {
    const digits = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) digits.push(Number(left & 0x7fn) | 0x80);
    out.push(...digits.reverse());
  }
  return Uint8Array.from(out);
}

/** Attribute types of names (RFC 5280 §4.1.2.4, RFC 4519), with the short names that RFC 4514 prints. */
export const attributeNames: ReadonlyMap<Oid, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.4', 'SN'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.12', 'title'],
  ['2.5.4.15', 'businessCategory'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.42', 'GN'],
  ['2.5.4.46', 'dnQualifier'],
  ['2.5.4.65', 'pseudonym'],
  ['2.5.4.97', 'organizationIdentifier'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.3.6.1.4.1.311.60.2.1.3', 'jurisdictionC'],
  ['1.3.6.1.4.1.311.60.2.1.2', 'jurisdictionST'],
  ['1.3.6.1.4.1.311.60.2.1.1', 'jurisdictionL'],
]);

/** Certificate extensions (RFC 5280 §4.2, and a few that messages should name). */
export const extensionOids = {
  subjectDirectoryAttributes: '2.5.29.9',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  cRLNumber: '2.5.29.20',
  deltaCRLIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  nameConstraints: '2.5.29.30',
  cRLDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extKeyUsage: '2.5.29.37',
  freshestCRL: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  subjectInfoAccess: '1.3.6.1.5.5.7.1.11',
  tlsFeature: '1.3.6.1.5.5.7.1.24',
  signedCertificateTimestamps: '1.3.6.1.4.1.11129.2.4.2',
  precertificatePoison: '1.3.6.1.4.1.11129.2.4.3',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
} as const;

/** Extensions of a CRL's entries (RFC 5280 §5.3); holdInstructionCode is history. */
export const crlEntryExtensionOids = {
  cRLReason: '2.5.29.21',
  holdInstructionCode: '2.5.29.23',
  invalidityDate: '2.5.29.24',
  certificateIssuer: '2.5.29.29',
} as const;

export type ExtensionName = keyof typeof extensionOids;

const extensionNames: ReadonlyMap<Oid, string> = /* @__PURE__ */ namesOf(extensionOids);

function namesOf(oids: Readonly<Record<string, Oid>>): ReadonlyMap<Oid, string> {
  return new Map(Object.entries(oids).map(([name, oid]) => [oid, name]));
}

/** `keyUsage`, or the dotted form of an extension that has no name here. */
export function extensionLabel(oid: Oid): string {
  return extensionNames.get(oid) ?? oid;
}

/** Extended key usages (RFC 5280 §4.2.1.12). */
export const keyPurposeOids = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
} as const;

const keyPurposeNames: ReadonlyMap<Oid, string> = /* @__PURE__ */ namesOf(keyPurposeOids);

/** `serverAuth`, or the dotted form of a purpose that has no name here. */
export function keyPurposeLabel(oid: Oid): string {
  return keyPurposeNames.get(oid) ?? oid;
}

/** How to reach what an AuthorityInfoAccess or SubjectInfoAccess points to (RFC 5280 §4.2.2). */
export const accessMethodOids = {
  ocsp: '1.3.6.1.5.5.7.48.1',
  caIssuers: '1.3.6.1.5.5.7.48.2',
} as const;

/** What OCSP names its own parts by (RFC 6960 §4.2.1, §4.4; RFC 6962 §3.3). */
export const ocspOids = {
  basicResponse: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  signedCertificateTimestamps: '1.3.6.1.4.1.11129.2.4.5',
} as const;
