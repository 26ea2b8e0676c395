/**
 * The values of the certificate extensions that this package acts on (RFC 5280 §4.2): decoders and encoders, one pair an
 * extension. Which of them a path demands is for `path/check.ts`.
 *
 * @module
 */

import { type Bytes, utf8 } from '@handfast/crypto';
import type { Oid } from './der/oid.ts';
import { contextConstructed, contextPrimitive, type DerReader, readDer } from './der/reader.ts';
import * as der from './der/writer.ts';
import { malformed } from './errors.ts';
import type { DirectoryName } from './names/directory.ts';
import { type GeneralName, readGeneralName } from './names/general.ts';

/** One extension as it stood. */
export interface Extension {
  readonly oid: Oid;
  readonly critical: boolean;
  /** The DER inside the OCTET STRING. */
  readonly value: Bytes;
}

/** RFC 5280 §4.2.1.9. */
export interface BasicConstraints {
  readonly ca: boolean;
  /** How many intermediates may follow below, self-issued ones not counted. Absent: any number. */
  readonly pathLength?: number;
}

/** RFC 5280 §4.2.1.3, in the order of the bits. */
export const keyUsageBits = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsage = (typeof keyUsageBits)[number];

/** RFC 5280 §4.2.1.6. */
export interface SubjectAltName {
  /** As they stood: any case, wildcards, and perhaps no host names at all. */
  readonly dnsNames: readonly string[];
  /** 4 or 16 octets each, where the certificate is in order. */
  readonly ipAddresses: readonly Bytes[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  readonly directoryNames: readonly DirectoryName[];
  /** All of them in order, forms that have no list above included. */
  readonly names: readonly GeneralName[];
}

/** RFC 5280 §4.2.1.1. */
export interface AuthorityKeyIdentifier {
  readonly keyIdentifier?: Bytes;
  /** Whether issuer and serial number of the authority's certificate are given, which nothing here follows. */
  readonly namesIssuer: boolean;
}

/** Extensions or names in one certificate beyond which no list is read: real ones have 15, hostile tests 4,096. */
const maxListLength = 8192;

/** The `[3] Extensions` of a certificate. A second extension of one kind is refused (§4.2). */
export function readExtensions(reader: DerReader, what: string): readonly Extension[] {
  const list = reader.sequence();
  const seen = new Set<Oid>();
  const extensions = list.list(() => {
    const extension = list.sequence();
    const oid = extension.oid();
    const critical = extension.booleanDefaultFalse();
    const value = extension.octetString();
    extension.end();
    if (seen.has(oid)) throw malformed(what, `extension ${oid} stands twice`);
    seen.add(oid);
    return { oid, critical, value };
  });
  if (extensions.length === 0) throw malformed(what, 'an empty list');
  return extensions;
}

export function parseBasicConstraints(value: Bytes, what: string): BasicConstraints {
  return readDer(value, what, (reader) => {
    const constraints = reader.sequence();
    const ca = constraints.booleanDefaultFalse();
    const pathLength = constraints.done ? undefined : constraints.smallInteger();
    constraints.end();
    if (pathLength === undefined) return { ca };
    if (!ca) throw malformed(what, 'a path length on what is not a CA');
    return { ca, pathLength };
  });
}

export function encodeBasicConstraints({ ca, pathLength }: BasicConstraints): Bytes {
  return der.sequence(
    ...(ca ? [der.boolean(true)] : []),
    ...(ca && pathLength !== undefined ? [der.smallInteger(pathLength)] : []),
  );
}

export function parseKeyUsage(value: Bytes, what: string): ReadonlySet<KeyUsage> {
  const { bytes, unusedBits } = readDer(value, what, (reader) => reader.bitString());
  const last = bytes.at(-1);
  // A named-bit list has no trailing zero bits (X.690 §11.2.2), and §4.2.1.3 wants one bit at least.
  if (last === undefined) throw malformed(what, 'no usage at all');
  if ((last & (1 << unusedBits)) === 0) throw malformed(what, 'trailing zero bits');
  if (bytes.length > 2) throw malformed(what, 'more bits than there are usages');
  return new Set(keyUsageBits.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

export function encodeKeyUsage(usages: Iterable<KeyUsage>): Bytes {
  return der.namedBits([...usages].map((usage) => keyUsageBits.indexOf(usage)));
}

export function parseExtendedKeyUsage(value: Bytes, what: string): readonly Oid[] {
  return readDer(value, what, (reader) => {
    const list = reader.sequence();
    const purposes = list.list(() => list.oid());
    if (purposes.length === 0) throw malformed(what, 'an empty list');
    return purposes;
  });
}

export function encodeExtendedKeyUsage(purposes: readonly Oid[]): Bytes {
  return der.sequence(...purposes.map(der.oid));
}

export function parseSubjectAltName(value: Bytes, what: string): SubjectAltName {
  const names = readDer(value, what, (reader) => {
    const list = reader.sequence();
    return list.list(() => readGeneralName(list, what));
  });
  if (names.length === 0) throw malformed(what, 'an empty list');
  if (names.length > maxListLength) throw malformed(what, `${names.length} names`);
  const dnsNames: string[] = [];
  const ipAddresses: Bytes[] = [];
  const emails: string[] = [];
  const uris: string[] = [];
  const directoryNames: DirectoryName[] = [];
  for (const name of names) {
    if (name.kind === 'dns') dnsNames.push(name.text);
    else if (name.kind === 'ip') ipAddresses.push(name.bytes);
    else if (name.kind === 'email') emails.push(name.text);
    else if (name.kind === 'uri') uris.push(name.text);
    else if (name.kind === 'directory') directoryNames.push(name.name);
  }
  return { dnsNames, ipAddresses, emails, uris, directoryNames, names };
}

export function encodeSubjectAltName(names: {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly Uint8Array[];
  readonly emails: readonly string[];
}): Bytes {
  return der.sequence(
    ...names.dnsNames.map((name) => der.implicit(2, utf8(name))),
    ...names.ipAddresses.map((address) => der.implicit(7, address)),
    ...names.emails.map((email) => der.implicit(1, utf8(email))),
  );
}

export function parseSubjectKeyIdentifier(value: Bytes, what: string): Bytes {
  return readDer(value, what, (reader) => reader.octetString());
}

export function encodeSubjectKeyIdentifier(identifier: Uint8Array): Bytes {
  return der.octetString(identifier);
}

export function parseAuthorityKeyIdentifier(value: Bytes, what: string): AuthorityKeyIdentifier {
  return readDer(value, what, (reader) => {
    const fields = reader.sequence();
    const keyIdentifier = fields.optional(contextPrimitive(0))?.content;
    const issuer = fields.optional(contextConstructed(1));
    const serialNumber = fields.optional(contextPrimitive(2));
    fields.end();
    // RFC 5280 §A.2: both or neither.
    if ((issuer === undefined) !== (serialNumber === undefined))
      throw malformed(what, 'an issuer without serial number, or the reverse');
    return { namesIssuer: issuer !== undefined, ...(keyIdentifier === undefined ? {} : { keyIdentifier }) };
  });
}

export function encodeAuthorityKeyIdentifier(keyIdentifier: Uint8Array): Bytes {
  return der.sequence(der.implicit(0, keyIdentifier));
}

/** The Extension itself. */
export function encodeExtension(oid: Oid, critical: boolean, value: Uint8Array): Bytes {
  return der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}
