/**
 * What `cert show --json` prints: one value a piece, by names that stay. Times are ISO 8601, bytes lower-case hexadecimal;
 * what is not there is `null`.
 *
 * @module
 */

import { type Bytes, toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type CertId,
  type Certificate,
  CertificateError,
  type CertificateRequest,
  type Crl,
  type DistributionPoint,
  extensionLabel,
  formatIp,
  type GeneralName,
  keyPurposeLabel,
  type NameConstraints,
  type OcspRequest,
  type OcspResponse,
  type PolicyInformation,
  parseAuthorityInfoAccess,
  parseDistributionPoints,
  parseSubjectKey,
  verifyRequest,
} from '@handfast/x509';
import { bundlePieces, openPkcs12, piecesOf } from './contents.ts';
import { type Extended, extensionJson } from './extensions.ts';
import { publicHalfOf } from './keys.ts';
import { timeText } from './layout.ts';
import type { Content, Entry, EntryOf, KeyAccess } from './load.ts';

/** One piece of a file. */
export async function entryJson(entry: Entry, access: KeyAccess): Promise<object> {
  const { file, index, label } = entry;
  return { kind: entry.kind, file, index, label: label ?? null, ...(await contentJson(entry, access)) };
}

async function contentJson(entry: Entry, access: KeyAccess): Promise<object> {
  switch (entry.kind) {
    case 'certificate':
      return certificateJson(entry.certificate);
    case 'request':
      return requestJson(entry.request);
    case 'crl':
      return crlJson(entry.crl);
    case 'ocspRequest':
      return ocspRequestJson(entry.request);
    case 'ocspResponse':
      return ocspResponseJson(entry.response);
    case 'pkcs7':
      return { pieces: await piecesJson(entry, bundlePieces(entry), access) };
    case 'pkcs12':
      return pkcs12Json(entry, access);
    case 'publicKey':
      return { key: keyJson(entry.spki) };
    case 'privateKey':
      return privateKeyJson(entry, access);
    case 'other':
      return { der: toHex(entry.bytes) };
    case 'unreadable':
      return { what: entry.what, error: errorJson(entry.error) };
  }
}

export function certificateJson(certificate: Certificate): object {
  return {
    version: certificate.version,
    subject: certificate.subject.toString(),
    issuer: certificate.issuer.toString(),
    serialNumber: certificate.serialNumberHex,
    notBefore: timeText(certificate.notBefore),
    notAfter: timeText(certificate.notAfter),
    key: keyJson(certificate.spki),
    signatureAlgorithm: certificate.signatureAlgorithm ?? certificate.legacySignatureAlgorithm ?? null,
    signatureAlgorithmOid: certificate.signatureAlgorithmOid,
    ...extensionsJson(certificate),
    sha256: digestHex(certificate.raw),
  };
}

async function requestJson(request: CertificateRequest): Promise<object> {
  return {
    subject: request.subject.toString(),
    key: keyJson(request.spki),
    signatureAlgorithm: request.signatureAlgorithm ?? request.legacySignatureAlgorithm ?? null,
    signatureAlgorithmOid: request.signatureAlgorithmOid,
    possessionProven: await isSelfMade(request),
    ...extensionsJson(request),
    sha256: digestHex(request.raw),
  };
}

async function isSelfMade(request: CertificateRequest): Promise<boolean> {
  try {
    await verifyRequest(nodeProvider, request);
    return true;
  } catch (error) {
    if (error instanceof CertificateError) return false;
    throw error;
  }
}

/** The whole list, however long: programs asked for it. */
function crlJson(crl: Crl): object {
  return {
    version: crl.version,
    issuer: crl.issuer.toString(),
    thisUpdate: timeText(crl.thisUpdate),
    nextUpdate: crl.nextUpdate === undefined ? null : timeText(crl.nextUpdate),
    number: decoded(() => crl.number?.toString() ?? null),
    baseNumber: decoded(() => crl.baseNumber?.toString() ?? null),
    revoked: decoded(() =>
      [...crl.entries()].map(({ serialNumber, revokedAt, reason, certificateIssuer }) => ({
        serialNumber: toHex(serialNumber),
        revokedAt: timeText(revokedAt),
        reason,
        certificateIssuer: certificateIssuer.toString(),
      })),
    ),
    signatureAlgorithm: crl.signatureAlgorithm ?? crl.legacySignatureAlgorithm ?? null,
    signatureAlgorithmOid: crl.signatureAlgorithmOid,
    extensions: crl.extensions.map(extensionJson),
    sha256: digestHex(crl.raw),
  };
}

function ocspRequestJson({ requests, nonce }: OcspRequest): object {
  return { certificates: requests.map(({ certId }) => certIdJson(certId)), nonce: hexOrNull(nonce) };
}

function ocspResponseJson({ status, basic }: OcspResponse): object {
  if (basic === undefined) return { status };
  const { responderId } = basic;
  return {
    status,
    responder: responderId.kind === 'name' ? responderId.name.toString() : { keyHash: toHex(responderId.keyHash) },
    producedAt: timeText(basic.producedAt),
    answers: basic.responses.map(({ certId, status: said, thisUpdate, nextUpdate }) => ({
      ...certIdJson(certId),
      status: said.kind,
      ...(said.kind === 'revoked' ? { revokedAt: timeText(said.revokedAt), reason: said.reason } : {}),
      thisUpdate: timeText(thisUpdate),
      nextUpdate: nextUpdate === undefined ? null : timeText(nextUpdate),
    })),
    nonce: hexOrNull(basic.nonce),
    signatureAlgorithm: basic.signatureAlgorithm ?? basic.legacySignatureAlgorithm ?? null,
    signatureAlgorithmOid: basic.signatureAlgorithmOid,
    certificates: decoded(() => basic.certificates.map(certificateJson)),
  };
}

function certIdJson({ serialNumber, issuerNameHash, issuerKeyHash }: CertId): object {
  return {
    serialNumber: toHex(serialNumber),
    issuerNameHash: toHex(issuerNameHash),
    issuerKeyHash: toHex(issuerKeyHash),
  };
}

async function pkcs12Json(entry: EntryOf<'pkcs12'>, access: KeyAccess): Promise<object> {
  try {
    const { pieces, skipped } = await openPkcs12(entry.bytes, access);
    const values = await piecesJson(
      entry,
      pieces.map(({ content }) => content),
      access,
    );
    return {
      pieces: values.map((value, index) => ({ friendlyName: pieces[index]?.friendlyName ?? null, ...value })),
      skipped: skipped.map(({ reason }) => reason),
    };
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    access.onRefusal?.();
    return { pieces: null, error: errorJson(error) };
  }
}

async function piecesJson(
  { file }: Entry,
  contents: readonly Content[],
  access: KeyAccess,
): Promise<readonly object[]> {
  const values: object[] = [];
  for (const piece of piecesOf(file, contents)) values.push(await entryJson(piece, access));
  return values;
}

/** What a getter says, or its refusal in its place. */
function decoded<T>(read: () => T): T | { readonly error: object } {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return { error: errorJson(error) };
    throw error;
  }
}

/** What extensions say, where they are there and decode; and all of them as they stood. */
function extensionsJson(object: Extended): object {
  const extensionValue = (name: string): Bytes | undefined =>
    object.extensions.find((extension) => extensionLabel(extension.oid) === name)?.value;
  const points = (name: string): object | null => {
    const value = extensionValue(name);
    return value === undefined ? null : decoded(() => parseDistributionPoints(value, name).map(pointJson));
  };
  return {
    names: decoded(() => object.subjectAltName?.names.map(generalNameJson) ?? null),
    basicConstraints: decoded(() => object.basicConstraints ?? null),
    keyUsage: decoded(() => (object.keyUsage === undefined ? null : [...object.keyUsage])),
    extendedKeyUsage: decoded(() => object.extendedKeyUsage?.map(keyPurposeLabel) ?? null),
    nameConstraints: decoded(() => (object.nameConstraints === undefined ? null : spaceJson(object.nameConstraints))),
    policies: decoded(() => object.certificatePolicies?.map(policyJson) ?? null),
    subjectKeyIdentifier: decoded(() => hexOrNull(object.subjectKeyIdentifier)),
    authorityKeyIdentifier: decoded(() => hexOrNull(object.authorityKeyIdentifier?.keyIdentifier)),
    authorityInfoAccess: decoded(() => {
      const value = extensionValue('authorityInfoAccess');
      return value === undefined ? null : parseAuthorityInfoAccess(value, 'authorityInfoAccess');
    }),
    crlDistributionPoints: points('cRLDistributionPoints'),
    extensions: object.extensions.map(extensionJson),
  };
}

/** A key by its public half. */
export function keyJson(spki: Uint8Array): object {
  const sha256 = digestHex(spki);
  try {
    const { type, bits } = parseSubjectKey(spki);
    return { type, bits, sha256 };
  } catch (error) {
    if (error instanceof CertificateError) return { type: null, bits: null, sha256, error: errorJson(error) };
    throw error;
  }
}

async function privateKeyJson(entry: EntryOf<'privateKey'>, access: KeyAccess): Promise<object> {
  const { form, encryption = null } = entry;
  if (encryption !== null && access.password === undefined) return { form, encryption, key: null };
  try {
    return { form, encryption, key: keyJson(await publicHalfOf(entry, access)) };
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    access.onRefusal?.();
    return { form, encryption, key: null, error: errorJson(error) };
  }
}

function generalNameJson(name: GeneralName): object {
  switch (name.kind) {
    case 'dns':
    case 'email':
    case 'uri':
      return { kind: name.kind, value: name.text };
    case 'ip':
      return { kind: name.kind, value: ipText(name.bytes) };
    case 'directory':
      return { kind: name.kind, value: name.name.toString() };
    default:
      return { kind: name.kind, der: toHex(name.raw) };
  }
}

/** An address; in a constraint, address and mask. */
function ipText(bytes: Uint8Array): string {
  const half = bytes.length / 2;
  if (bytes.length === 4 || bytes.length === 16) return formatIp(bytes);
  if (bytes.length === 8 || bytes.length === 32)
    return `${formatIp(bytes.subarray(0, half))}/${formatIp(bytes.subarray(half))}`;
  return toHex(bytes);
}

function spaceJson({ permitted, excluded }: NameConstraints): object {
  return { permitted: permitted.map(generalNameJson), excluded: excluded.map(generalNameJson) };
}

function policyJson({ policy, qualifiers }: PolicyInformation): object {
  return { policy, practiceStatements: qualifiers.flatMap((one) => (one.kind === 'cps' ? [one.uri] : [])) };
}

function pointJson({ name, crlIssuer }: DistributionPoint): object {
  return {
    names: name !== undefined && 'fullName' in name ? name.fullName.map(generalNameJson) : null,
    crlIssuer: crlIssuer?.map(generalNameJson) ?? null,
  };
}

export function errorJson({ code, message }: CertificateError): object {
  return { code, message };
}

/** SHA-256. */
export function digestHex(bytes: Uint8Array): string {
  return toHex(nodeProvider.digest('sha256', bytes));
}

function hexOrNull(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : toHex(bytes);
}
