/**
 * Profiles: demands on a certificate's form that security does not hang on, as one table. RFC 5280's MUSTs for CAs that
 * conform to it, and those of the CA/Browser Forum's Baseline Requirements (BR) for the web's. A profile is a value: what
 * verifies without one has none of this code.
 *
 * @module
 */

import type { Certificate } from '../certificate.ts';
import { type ExtensionName, keyPurposeOids } from '../der/oid.ts';
import { formatIp } from '../names/ip.ts';
import type { Position } from './check.ts';
import { type DsaKeys, dsaKeys } from './dsa.ts';

/** Whose demands: `rfc5280` or `webpki`. */
export interface Profile {
  readonly name: 'rfc5280' | 'webpki';
  /** The first demand that a certificate does not meet, after "certificate for … ", with its source. */
  readonly violation: (certificate: Certificate, position: Position) => string | undefined;
  /** Set where DSA keys are taken. */
  readonly dsa?: DsaKeys;
}

/** RFC 5280's MUSTs for CAs that conform to it, and its DSA. */
export const rfc5280: Profile = {
  name: 'rfc5280',
  violation: (certificate, position) => violationOf('rfc5280', certificate, position),
  dsa: dsaKeys,
};

/** The Baseline Requirements of the CA/Browser Forum, and those of `rfc5280` that they do not lift. */
export const webpki: Profile = {
  name: 'webpki',
  violation: (certificate, position) => violationOf('webpki', certificate, position),
};

interface ProfileRule {
  readonly profiles: readonly Profile['name'][];
  readonly source: string;
  /** What is wrong, after "certificate for … ". */
  readonly violation: string;
  readonly broken: (certificate: Certificate, position: Position) => boolean;
}

const both: readonly Profile['name'][] = ['rfc5280', 'webpki'];

const profileRules: readonly ProfileRule[] = [
  {
    profiles: ['webpki'],
    source: 'BR 7.1.1',
    violation: 'is not of version 3',
    broken: ({ version }) => version !== 3,
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.1.2.2',
    violation: 'has a serial number that is not positive and at most 20 octets',
    broken: ({ serialNumber }) => {
      const first = serialNumber[0] ?? 0x80;
      return first >= 0x80 || serialNumber.length > 20 || serialNumber.every((byte) => byte === 0);
    },
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.2.1.1',
    violation: 'has no authority key identifier',
    broken: (certificate) => !certificate.selfIssued && certificate.authorityKeyIdentifier?.keyIdentifier === undefined,
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.2.1.2',
    violation: 'is a CA without a subject key identifier',
    broken: (certificate) => isCa(certificate) && certificate.subjectKeyIdentifier === undefined,
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.2.1.1, §4.2.1.2, §4.2.2.1',
    violation: 'has a critical extension that must not be critical',
    broken: (certificate) => neverCritical.some((name) => certificate.extension(name)?.critical === true),
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.2.1.9',
    violation: 'is a CA whose basicConstraints are not critical, or missing',
    broken: (certificate, position) =>
      (position !== 'leaf' || isCa(certificate)) && certificate.extension('basicConstraints')?.critical !== true,
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.2.1.9',
    violation: 'may sign certificates by its KeyUsage, but is not a CA',
    broken: (certificate) => !isCa(certificate) && certificate.keyUsage?.has('keyCertSign') === true,
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.1.2.6',
    violation: 'is a CA without a subject',
    broken: (certificate) => isCa(certificate) && certificate.subject.rdns.length === 0,
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.1.2.6',
    violation: 'has neither a subject nor a critical subjectAltName',
    broken: (certificate) =>
      certificate.subject.rdns.length === 0 && certificate.extension('subjectAltName')?.critical !== true,
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.2.1.10',
    violation: 'has name constraints without being a CA',
    broken: (certificate) => !isCa(certificate) && certificate.extension('nameConstraints') !== undefined,
  },
  {
    // BR 7.1.2.5.2 lets them be non-critical.
    profiles: ['rfc5280'],
    source: 'RFC 5280 §4.2.1.10',
    violation: 'has name constraints that are not critical',
    broken: (certificate) => certificate.extension('nameConstraints')?.critical === false,
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.2.1.11',
    violation: 'has policy constraints that are not critical',
    broken: (certificate) => certificate.extension('policyConstraints')?.critical === false,
  },
  {
    profiles: both,
    source: 'RFC 5280 §4.2.1.14',
    violation: 'inhibits "any policy" in an extension that is not critical',
    broken: (certificate) => certificate.extension('inhibitAnyPolicy')?.critical === false,
  },
  {
    profiles: ['webpki'],
    source: 'BR 7.1.2.1.3',
    violation: 'is a root whose authority key identifier names an issuer',
    broken: (certificate) => certificate.selfIssued && certificate.authorityKeyIdentifier?.namesIssuer === true,
  },
  {
    profiles: ['webpki'],
    source: 'BR 7.1.2.1.2',
    violation: 'is a root with an extended key usage',
    broken: (certificate, position) =>
      position === 'anchor' && certificate.selfIssued && certificate.extendedKeyUsage !== undefined,
  },
  {
    profiles: ['webpki'],
    source: 'BR 7.1.2.7.8',
    violation: 'is a CA, and not for a server or client',
    broken: (certificate, position) => position === 'leaf' && isCa(certificate),
  },
  {
    profiles: ['webpki'],
    source: 'BR 7.1.2.7.6, 7.1.2.7.10',
    violation: 'has no extended key usage, or one for any purpose',
    broken: ({ extendedKeyUsage }, position) =>
      position === 'leaf' && (extendedKeyUsage === undefined || extendedKeyUsage.includes(keyPurposeOids.any)),
  },
  {
    profiles: ['webpki'],
    source: 'BR 7.1.4.3',
    violation: 'has a common name that does not repeat one of its alternative names',
    broken: (certificate, position) => position === 'leaf' && commonNameIsNoCopy(certificate),
  },
  {
    profiles: ['webpki'],
    source: 'BR 6.1.5',
    violation: 'has an RSA key whose bits are no multiple of 8',
    broken: ({ publicKey }) => publicKey.type === 'rsa' && publicKey.bits % 8 !== 0,
  },
];

const neverCritical: readonly ExtensionName[] = [
  'subjectKeyIdentifier',
  'authorityKeyIdentifier',
  'authorityInfoAccess',
  'subjectInfoAccess',
  'freshestCRL',
  'subjectDirectoryAttributes',
];

function violationOf(name: Profile['name'], certificate: Certificate, position: Position): string | undefined {
  const rule = profileRules.find(({ profiles, broken }) => profiles.includes(name) && broken(certificate, position));
  return rule === undefined ? undefined : `${rule.violation} (${rule.source})`;
}

function isCa(certificate: Certificate): boolean {
  return certificate.basicConstraints?.ca === true;
}

/** BR 7.1.4.3: a common name is a character-for-character copy of an alternative name; an address as RFC 5952 writes it. */
function commonNameIsNoCopy(certificate: Certificate): boolean {
  const names = certificate.subjectAltName;
  const alternatives = [
    ...(names?.dnsNames ?? []),
    ...(names?.ipAddresses ?? []).filter(({ length }) => length === 4 || length === 16).map(formatIp),
  ];
  return certificate.subject.rdns
    .flat()
    .some(({ type, text }) => type === '2.5.4.3' && (text === undefined || !alternatives.includes(text)));
}
