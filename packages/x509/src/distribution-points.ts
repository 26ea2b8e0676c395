/**
 * Where CRLs are, and what one covers: the extensions CRLDistributionPoints and FreshestCRL of certificates (RFC 5280
 * §4.2.1.13, §4.2.1.15) and IssuingDistributionPoint of CRLs (§5.2.5).
 *
 * ```
 * DistributionPointName ::= CHOICE {
 *      fullName                [0] GeneralNames,
 *      nameRelativeToCRLIssuer [1] RelativeDistinguishedName }
 * ```
 *
 * @module
 */

import { type Bytes, equalBytes, utf8 } from '@handfast/crypto';
import type { Certificate } from './certificate.ts';
import { extensionLabel } from './der/oid.ts';
import { contextConstructed, contextPrimitive, type DerReader, readDer, tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { malformed } from './errors.ts';
import { type DirectoryName, parseDirectoryName, sameName } from './names/directory.ts';
import { encodeGeneralName } from './names/encode.ts';
import { type GeneralName, readGeneralName } from './names/general.ts';
import type { RevocationReason } from './revocation/status.ts';

/** ReasonFlags (RFC 5280 §4.2.1.13) by bit; bit 0 is not used. */
const reasonBits: readonly (RevocationReason | undefined)[] = [
  undefined,
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
];

/** Reasons as a set of bits, bit `n` for flag `n`. */
export type ReasonMask = number;

export const allReasons: ReasonMask = 0b1_1111_1110;

/** Either names of one place, or a name below that of the CRL's issuer. */
export type DistributionPointName = { readonly fullName: readonly GeneralName[] } | { readonly relativeName: Bytes };

export interface DistributionPoint {
  readonly name: DistributionPointName | undefined;
  /** The reasons that its CRL covers. */
  readonly reasons: ReasonMask;
  /** Who issues its CRL, where that is not the certificate's issuer. */
  readonly crlIssuer: readonly GeneralName[] | undefined;
}

export interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCaCerts: boolean;
  readonly onlyContainsAttributeCerts: boolean;
  readonly onlySomeReasons: ReasonMask | undefined;
  readonly indirectCrl: boolean;
}

/** Points in one certificate beyond which no list is read: real ones have up to four. */
const maxPoints = 64;

/**
 * Where the CRLs are that tell of a certificate; empty where it does not say.
 *
 * @throws CertificateError `malformed`
 */
export function distributionPointsOf(certificate: Certificate): readonly DistributionPoint[] {
  const extension = certificate.extension('cRLDistributionPoints');
  return extension === undefined ? [] : parseDistributionPoints(extension.value, extensionLabel(extension.oid));
}

/** CRLDistributionPoints or FreshestCRL. */
export function parseDistributionPoints(value: Bytes, what: string): readonly DistributionPoint[] {
  return readDer(value, what, (reader) => {
    const list = reader.sequence();
    const points = list.list(() => readPoint(list.sequence(), what));
    if (points.length === 0) throw malformed(what, 'an empty list');
    if (points.length > maxPoints) throw malformed(what, `more than ${maxPoints} distribution points`);
    return points;
  });
}

/**
 * ```
 * DistributionPoint ::= SEQUENCE {
 *      distributionPoint [0] DistributionPointName OPTIONAL,
 *      reasons           [1] ReasonFlags OPTIONAL,
 *      cRLIssuer         [2] GeneralNames OPTIONAL }
 * ```
 */
function readPoint(point: DerReader, what: string): DistributionPoint {
  const name = readName(point, what);
  const reasons = point.nextTag === contextPrimitive(1) ? readReasons(point, 1) : allReasons;
  const crlIssuer =
    point.nextTag === contextConstructed(2) ? readNames(point.inside(contextConstructed(2)), what) : undefined;
  point.end();
  if (name === undefined && crlIssuer === undefined) throw malformed(what, 'a distribution point without any name');
  return { name, reasons, crlIssuer };
}

/**
 * ```
 * IssuingDistributionPoint ::= SEQUENCE {
 *      distributionPoint          [0] DistributionPointName OPTIONAL,
 *      onlyContainsUserCerts      [1] BOOLEAN DEFAULT FALSE,
 *      onlyContainsCACerts        [2] BOOLEAN DEFAULT FALSE,
 *      onlySomeReasons            [3] ReasonFlags OPTIONAL,
 *      indirectCRL                [4] BOOLEAN DEFAULT FALSE,
 *      onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE }
 * ```
 */
export function parseIssuingDistributionPoint(value: Bytes, what: string): IssuingDistributionPoint {
  return readDer(value, what, (reader) => {
    const point = reader.sequence();
    const name = readName(point, what);
    const onlyContainsUserCerts = readTrue(point, 1, what);
    const onlyContainsCaCerts = readTrue(point, 2, what);
    const onlySomeReasons = point.nextTag === contextPrimitive(3) ? readReasons(point, 3) : undefined;
    const indirectCrl = readTrue(point, 4, what);
    const onlyContainsAttributeCerts = readTrue(point, 5, what);
    point.end();
    if ([onlyContainsUserCerts, onlyContainsCaCerts, onlyContainsAttributeCerts].filter(Boolean).length > 1) {
      throw malformed(what, 'more than one of onlyContainsUserCerts, -CACerts and -AttributeCerts');
    }
    return {
      name,
      onlyContainsUserCerts,
      onlyContainsCaCerts,
      onlyContainsAttributeCerts,
      onlySomeReasons,
      indirectCrl,
    };
  });
}

/** An IssuingDistributionPoint of a list at these URLs, for users, CAs or both. */
export function encodeIssuingDistributionPoint(options: {
  readonly urls?: readonly string[] | undefined;
  readonly only?: 'users' | 'cas' | undefined;
  readonly indirect?: boolean | undefined;
}): Bytes {
  const { urls = [], only, indirect = false } = options;
  const yes = Uint8Array.of(0xff);
  return der.sequence(
    ...(urls.length === 0 ? [] : [der.explicit(0, der.explicit(0, ...urls.map(urlName)))]),
    ...(only === 'users' ? [der.implicit(1, yes)] : []),
    ...(only === 'cas' ? [der.implicit(2, yes)] : []),
    ...(indirect ? [der.implicit(4, yes)] : []),
  );
}

/** One point with these URLs of one and the same list. */
export function encodeDistributionPoints(urls: readonly string[]): Bytes {
  return der.sequence(der.sequence(der.explicit(0, der.explicit(0, ...urls.map(urlName)))));
}

function urlName(text: string): Bytes {
  return encodeGeneralName({ kind: 'uri', text });
}

/** The URLs of points that can be fetched by HTTP. */
export function httpUrlsOf(points: readonly DistributionPoint[]): readonly string[] {
  return points.flatMap(({ name }) =>
    name !== undefined && 'fullName' in name
      ? name.fullName.flatMap((one) => (one.kind === 'uri' && /^http:/i.test(one.text) ? [one.text] : []))
      : [],
  );
}

/** A point's names in full: one that is relative stands below its CRL's issuer. */
export function fullNames(name: DistributionPointName, crlIssuer: DirectoryName): readonly GeneralName[] {
  if ('fullName' in name) return name.fullName;
  const issuerContent = readDer(crlIssuer.raw, 'CRL issuer', (reader) => reader.element(tag.sequence).content);
  const raw = der.sequence(issuerContent, der.value(tag.set, name.relativeName));
  return [{ kind: 'directory', name: parseDirectoryName(raw, 'distribution point') }];
}

/** Whether two lists have a name in common. */
export function shareName(some: readonly GeneralName[], others: readonly GeneralName[]): boolean {
  return some.some((one) => others.some((other) => sameGeneralName(one, other)));
}

function sameGeneralName(a: GeneralName, b: GeneralName): boolean {
  if (a.kind === 'directory' && b.kind === 'directory') return sameName(a.name, b.name);
  if (a.kind !== b.kind) return false;
  return equalBytes(bytesOf(a), bytesOf(b));
}

function bytesOf(name: GeneralName): Bytes {
  if (name.kind === 'directory') return name.name.raw;
  if ('text' in name) return utf8(name.text);
  return 'bytes' in name ? name.bytes : name.raw;
}

function readName(reader: DerReader, what: string): DistributionPointName | undefined {
  if (reader.nextTag !== contextConstructed(0)) return undefined;
  const choice = reader.inside(contextConstructed(0), what);
  const name =
    choice.nextTag === contextConstructed(0)
      ? { fullName: readNames(choice.inside(contextConstructed(0)), what) }
      : { relativeName: choice.element(contextConstructed(1)).content };
  choice.end();
  return name;
}

function readNames(reader: DerReader, what: string): readonly GeneralName[] {
  const names = reader.list(() => readGeneralName(reader, what));
  if (names.length === 0) throw malformed(what, 'an empty list of names');
  return names;
}

function readReasons(reader: DerReader, number: number): ReasonMask {
  const { bytes } = reader.bitString(contextPrimitive(number));
  return reasonBits.reduce(
    (mask, reason, bit) =>
      reason !== undefined && ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0 ? mask | (1 << bit) : mask,
    0,
  );
}

/** A `[number] IMPLICIT BOOLEAN DEFAULT FALSE`. */
function readTrue(reader: DerReader, number: number, what: string): boolean {
  const content = reader.optional(contextPrimitive(number))?.content;
  if (content === undefined) return false;
  if (content.length !== 1 || content[0] !== 0xff) throw malformed(what, 'a BOOLEAN that is not TRUE');
  return true;
}
