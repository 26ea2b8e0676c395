/**
 * Renewal: whoever shows a certificate in TLS, and so holds its key, is given another one for the same: names, profile and lifetime
 * are its, and the policy is asked again. One that ACME has issued is renewed by ACME, which looks again at who has the name.
 *
 * @module
 */

import { equalBytes } from '@handfast/crypto';
import { type Certificate, parseCertificate } from '@handfast/x509';
import type { CertificateRecord, Issued } from '../authority.ts';
import { spkiHash } from '../issuing/keys.ts';
import type { KeylessRequest } from '../issuing/request.ts';
import type { Sql } from '../store/database.ts';
import { integer } from '../store/rows.ts';
import { readCsr } from './csr.ts';
import { EnrolmentProblem } from './problems.ts';
import { type EnrolmentService, enrolled } from './service.ts';

/** When to renew, as a share of the lifetime. */
const renewAfter = 2 / 3;

/** Renewals of one certificate, over different keys: a client that loses its answers, and one that lost its head. */
const maxRenewals = 10;

/** What a client asks before it renews. */
export interface RenewalAdvice {
  readonly serial: string;
  readonly notAfter: Date;
  /** From when on: now, where its issuer signs no more. */
  readonly renewAt: Date;
}

/** @throws EnrolmentProblem for one that is not renewed */
export async function renewalAdvice(
  service: EnrolmentService,
  certificate: Certificate | undefined,
): Promise<RenewalAdvice> {
  const { serial, notAfter, issuedAt, issuerId } = await renewable(service, certificate);
  const issuer = (await service.authority.issuers()).find(({ id }) => id === issuerId);
  const share = issuedAt.getTime() + renewAfter * (notAfter.getTime() - issuedAt.getTime());
  return { serial, notAfter, renewAt: issuer?.state === 'current' ? new Date(share) : service.clock() };
}

/** @throws EnrolmentProblem, CaError */
export async function renew(
  service: EnrolmentService,
  certificate: Certificate | undefined,
  csr: string,
): Promise<Issued> {
  const { authority, provider } = service;
  const record = await renewable(service, certificate);
  const asked = askedFor(record);
  const request = await readCsr(provider, csr, authority.checkRequest(asked));
  // Whoever lost the answer asks again, and is given the same.
  const origin = `${enrolled}renewal of ${record.serial} with key ${spkiHash(provider, request.spki)}`;
  const before = await authority.findByOrigin(origin);
  if (before !== undefined) return before;
  return await authority.issue({
    ...asked,
    publicKey: request.publicKey,
    lifetimeMs: lifetimeOf(record),
    replaces: record.serial,
    by: `${enrolled}renewal of ${record.serial}`,
    origin,
    within: (sql) => refuseMany(sql, record.serial),
  });
}

async function renewable(
  { authority, renewed }: EnrolmentService,
  certificate: Certificate | undefined,
): Promise<CertificateRecord> {
  if (certificate === undefined) throw new EnrolmentProblem('certificate_missing');
  const record = await authority.find(certificate.serialNumberHex);
  // What is on the disk was signed here: no other certificate is the same.
  if (record === undefined || !equalBytes(record.der, certificate.raw))
    throw new EnrolmentProblem('certificate_unknown');
  if (record.status === 'revoked') throw new EnrolmentProblem('certificate_revoked');
  if (record.status === 'expired') throw new EnrolmentProblem('certificate_expired');
  const byUs = record.origin === undefined ? record.by.startsWith('operator ') : record.origin.startsWith(enrolled);
  if (!byUs || !renewed.has(record.profile)) throw new EnrolmentProblem('not_renewable');
  return record;
}

function askedFor({ names, commonName, profile, der }: CertificateRecord): KeylessRequest {
  const all = parseCertificate(der).subjectAltName?.names ?? [];
  const emails = all.flatMap((name) => (name.kind === 'email' ? [name.text] : []));
  return {
    profile,
    names: names.filter((name) => !emails.includes(name)),
    emails,
    ...(commonName !== undefined && { commonName }),
  };
}

/** Certificates count in seconds: what was cut off when it was issued is put back. */
function lifetimeOf({ issuedAt, notAfter }: CertificateRecord): number {
  return notAfter.getTime() - Math.floor(issuedAt.getTime() / 1000) * 1000;
}

async function refuseMany(sql: Sql, serial: string): Promise<void> {
  const [row] = await sql.all('SELECT count(*) AS renewals FROM certificates WHERE replaces = $1', [serial]);
  if (row !== undefined && integer(row, 'renewals') >= maxRenewals) throw new EnrolmentProblem('renewed_too_often');
}
