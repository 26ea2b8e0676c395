/**
 * Decoded structures written again, from their fields: what was accepted must come out as the very bytes that went in, or
 * a second spelling was accepted. What a structure does not say in fields (an algorithm's parameters that nobody
 * understood, unique identifiers) is taken over as it stands.
 *
 * @module
 */

import { type Bytes, equalBytes, type PublicKeyInfo } from '@handfast/crypto';
import { encodeTlsFeatures, parseTlsFeatures } from '../../src/access.ts';
import { encodeSignatureAlgorithm } from '../../src/algorithms.ts';
import type { Certificate } from '../../src/certificate.ts';
import type { Crl } from '../../src/crl.ts';
import { extensionOids, type Oid } from '../../src/der/oid.ts';
import { contextConstructed, contextPrimitive, type DerElement, DerReader, tag } from '../../src/der/reader.ts';
import * as der from '../../src/der/writer.ts';
import {
  type Extension,
  encodeBasicConstraints,
  encodeExtendedKeyUsage,
  encodeExtension,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
} from '../../src/extensions.ts';
import { parseNameConstraints } from '../../src/names/constraints.ts';
import type { DirectoryName } from '../../src/names/directory.ts';
import { encodeGeneralName } from '../../src/names/encode.ts';
import type { GeneralName } from '../../src/names/general.ts';
import {
  encodePolicyConstraints,
  encodePolicyMappings,
  parseInhibitAnyPolicy,
  parsePolicyConstraints,
  parsePolicyMappings,
} from '../../src/policy-extensions.ts';
import type { CertificateRequest, RequestAttribute } from '../../src/request.ts';

/** The elements directly in a structure. */
export function elementsIn(content: Bytes): readonly DerElement[] {
  const reader = new DerReader(content, 'elements');
  const elements: DerElement[] = [];
  while (!reader.done) elements.push(reader.element());
  return elements;
}

/** The elements of a structure that is one element. */
function partsOf(raw: Bytes): readonly DerElement[] {
  const [whole] = elementsIn(raw);
  return whole === undefined ? [] : elementsIn(whole.content);
}

export function nameAgain(name: DirectoryName): Bytes {
  return der.sequence(
    ...name.rdns.map((rdn) => der.value(tag.set, ...rdn.map(({ type, raw }) => der.sequence(der.oid(type), raw)))),
  );
}

function generalNameAgain(name: GeneralName): Bytes {
  return name.kind === 'directory' ? der.explicit(4, nameAgain(name.name)) : encodeGeneralName(name);
}

const again: ReadonlyMap<Oid, (value: Bytes) => Bytes> = new Map<Oid, (value: Bytes) => Bytes>([
  [extensionOids.basicConstraints, (value) => encodeBasicConstraints(parseBasicConstraints(value, 'test'))],
  [extensionOids.keyUsage, keyUsageAgain],
  [extensionOids.extKeyUsage, (value) => encodeExtendedKeyUsage(parseExtendedKeyUsage(value, 'test'))],
  [extensionOids.subjectKeyIdentifier, (value) => encodeSubjectKeyIdentifier(parseSubjectKeyIdentifier(value, 'test'))],
  [
    extensionOids.subjectAltName,
    (value) => der.sequence(...parseSubjectAltName(value, 'test').names.map(generalNameAgain)),
  ],
  [extensionOids.nameConstraints, constraintsAgain],
  [extensionOids.policyMappings, (value) => encodePolicyMappings(parsePolicyMappings(value, 'test'))],
  [extensionOids.policyConstraints, (value) => encodePolicyConstraints(parsePolicyConstraints(value, 'test'))],
  [extensionOids.tlsFeature, (value) => encodeTlsFeatures(parseTlsFeatures(value, 'test'))],
  [extensionOids.inhibitAnyPolicy, (value) => der.smallInteger(parseInhibitAnyPolicy(value, 'test'))],
]);

/** Nine bits have names (§4.2.1.3). Others are read over, and cannot come out again. */
function keyUsageAgain(value: Bytes): Bytes {
  const usages = parseKeyUsage(value, 'test');
  const { bytes } = new DerReader(value, 'test').bitString();
  return bytes.length > 2 || ((bytes[1] ?? 0) & 0x7f) !== 0 ? value : encodeKeyUsage(usages);
}

function constraintsAgain(value: Bytes): Bytes {
  const { permitted, excluded } = parseNameConstraints(value, 'test');
  return der.sequence(
    ...[permitted, excluded].flatMap((names, number) =>
      names.length === 0 ? [] : [der.explicit(number, ...names.map((name) => der.sequence(generalNameAgain(name))))],
    ),
  );
}

/** Throws what the extension's parser throws. */
export function extensionAgain({ oid, critical, value }: Extension): Bytes {
  return encodeExtension(oid, critical, again.get(oid)?.(value) ?? value);
}

/** Those whose values cannot be read are written as they stand: a certificate may hold them. */
function extensionsAgain(extensions: readonly Extension[]): Bytes {
  return der.sequence(...extensions.map(({ oid, critical, value }) => encodeExtension(oid, critical, value)));
}

/** In a CHOICE of two, the one that was taken: RFC 5280 has one for each year, and both are read. */
function timeAgain(date: Date, original: DerElement | undefined): Bytes {
  return original?.tag === tag.generalizedTime ? der.generalizedTime(date) : der.time(date);
}

function algorithmAgain(known: Parameters<typeof encodeSignatureAlgorithm>[0] | undefined, original: Bytes): Bytes {
  if (known === undefined) return original;
  const canonical = encodeSignatureAlgorithm(known);
  return equalBytes(canonical, original) ? canonical : original;
}

function signedAgain(tbs: Bytes, identifier: Bytes, signature: Bytes): Bytes {
  return der.sequence(tbs, identifier, der.bitString(signature));
}

export function certificateAgain(certificate: Certificate): Bytes {
  const parts = partsOf(certificate.tbs);
  const explicitVersion = parts[0]?.tag === contextConstructed(0);
  const [, identifier, , validity] = explicitVersion ? parts.slice(1) : parts;
  const [notBefore, notAfter] = validity === undefined ? [] : elementsIn(validity.content);
  const { version, extensions } = certificate;
  const algorithm = algorithmAgain(certificate.signatureAlgorithm, identifier?.raw ?? new Uint8Array());
  const uniqueIds = parts.filter(({ tag: one }) => one === contextPrimitive(1) || one === contextPrimitive(2));
  const tbs = der.sequence(
    ...(version === 1 ? [] : [der.explicit(0, der.smallInteger(version - 1))]),
    der.value(tag.integer, certificate.serialNumber),
    algorithm,
    nameAgain(certificate.issuer),
    der.sequence(timeAgain(certificate.notBefore, notBefore), timeAgain(certificate.notAfter, notAfter)),
    nameAgain(certificate.subject),
    certificate.spki,
    ...uniqueIds.map(({ raw }) => raw),
    ...(extensions.length === 0 ? [] : [der.explicit(3, extensionsAgain(extensions))]),
  );
  return signedAgain(tbs, algorithm, certificate.signature);
}

/** SubjectPublicKeyInfo from what was understood of it; its AlgorithmIdentifier as it stands. */
export function keyAgain({ spki, raw }: Pick<PublicKeyInfo, 'spki' | 'raw'>): Bytes {
  return der.sequence(partsOf(spki)[0]?.raw ?? new Uint8Array(), der.bitString(raw));
}

/** The entries as they stand: `entries()` gathers them by serial number, and says less than they do. */
export function crlAgain(crl: Crl): Bytes {
  const parts = partsOf(crl.tbs);
  const [identifier, , thisUpdate, nextUpdate, ...others] = crl.version === 2 ? parts.slice(1) : parts;
  const revoked = [nextUpdate, ...others].filter((part) => part?.tag === tag.sequence);
  const algorithm = algorithmAgain(crl.signatureAlgorithm, identifier?.raw ?? new Uint8Array());
  const { version, extensions } = crl;
  const tbs = der.sequence(
    ...(version === 1 ? [] : [der.smallInteger(1)]),
    algorithm,
    nameAgain(crl.issuer),
    timeAgain(crl.thisUpdate, thisUpdate),
    ...(crl.nextUpdate === undefined ? [] : [timeAgain(crl.nextUpdate, nextUpdate)]),
    ...revoked.flatMap((part) => part?.raw ?? []),
    ...(extensions.length === 0 ? [] : [der.explicit(0, extensionsAgain(extensions))]),
  );
  return signedAgain(tbs, algorithm, crl.signature);
}

/** Attributes are a SET OF, which DER sorts and others do not: `attributes` as they come. Absent ones stay absent. */
export function requestAgain(request: CertificateRequest): Bytes {
  const [, , , attributes] = partsOf(request.tbs);
  const identifier = partsOf(request.raw)[1]?.raw ?? new Uint8Array();
  const tbs = der.sequence(
    der.smallInteger(0),
    nameAgain(request.subject),
    request.spki,
    ...(attributes === undefined ? [] : [der.explicit(0, ...request.attributes.map(attributeAgain))]),
  );
  return signedAgain(tbs, algorithmAgain(request.signatureAlgorithm, identifier), request.signature);
}

function attributeAgain({ oid, values }: RequestAttribute): Bytes {
  return der.sequence(der.oid(oid), der.value(tag.set, ...values));
}
