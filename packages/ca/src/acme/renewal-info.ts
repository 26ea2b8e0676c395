/**
 * When to renew (ARI, RFC 9773): a window around two thirds of a certificate's life, or now where it is revoked.
 *
 * @module
 */

import { type Bytes, equalBytes, toHex } from '@handfast/crypto';
import { type Certificate, parseCertificate } from '@handfast/x509';
import { fromBase64url } from './encoding.ts';
import { malformed } from './problems.ts';
import type { Answer } from './requests.ts';
import type { Service } from './settings.ts';

export interface CertId {
  readonly keyIdentifier: Bytes;
  /** Hexadecimal. */
  readonly serial: string;
}

/** RFC 9773 §4.1: the issuer's key identifier and the serial number. @throws Problem `malformed` */
export function parseCertId(text: string): CertId {
  const [keyIdentifier, serial, ...rest] = text.split('.', 3).map(fromBase64url);
  if (!keyIdentifier?.length || !serial?.length || rest.length > 0 || serial.length > 32) {
    throw malformed('this is no certificate identifier of RFC 9773');
  }
  return { keyIdentifier, serial: toHex(serial) };
}

export function isIdOf({ keyIdentifier, serial }: CertId, certificate: Certificate): boolean {
  const issuer = certificate.authorityKeyIdentifier?.keyIdentifier;
  return serial === certificate.serialNumberHex && issuer !== undefined && equalBytes(issuer, keyIdentifier);
}

export async function renewalInfo(service: Service, text: string): Promise<Answer> {
  const certId = parseCertId(text);
  const record = await service.authority.find(certId.serial);
  if (record === undefined || !isIdOf(certId, parseCertificate(record.der))) {
    throw malformed('there is no such certificate', 404);
  }
  const { limits } = service;
  const begin = record.notBefore.getTime();
  const lifetime = record.notAfter.getTime() - begin;
  const revokedAt = record.revokedAt?.getTime();
  const start =
    revokedAt === undefined ? begin + limits.renewAfter * lifetime : Math.min(revokedAt, service.now() - 2000);
  const length = revokedAt === undefined ? lifetime / 20 : 1000;
  return {
    status: 200,
    headers: { 'retry-after': String(limits.renewalInfoSeconds) },
    body: { suggestedWindow: { start: new Date(start).toISOString(), end: new Date(start + length).toISOString() } },
  };
}
