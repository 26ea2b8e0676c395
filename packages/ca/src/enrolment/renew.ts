/**
 * Renewal: whoever shows a certificate in TLS, and so holds its key, is given another one for the same: names, profile and lifetime
 * are its, and the policy is asked again. One that ACME has issued is renewed by ACME, which looks again at who has the name.
 *
 * @module
 */

import { equalBytes } from '@handfast/crypto';
import { type Certificate, parseCertificate } from '@handfast/x509';
import type { CertificateRecord, Issued } from '../authority.ts';
import { wholeSeconds } from '../context.ts';
import { spkiHash } from '../issuing/keys.ts';
import type { KeylessRequest } from '../issuing/request.ts';
import type { Sql } from '../store/database.ts';
import { integer, optional } from '../store/rows.ts';
import { readCsr } from './csr.ts';
import { EnrolmentProblem } from './problems.ts';
import { type EnrolmentService, enrolled } from './service.ts';

/** When to renew, as a share of the lifetime. */
const renewAfter = 2 / 3;

/**
 * Renewals of one certificate within a day, over different keys: a client that loses its answers, and one that lost its head. Whoever
 * could not keep what it was given for a while, as on a full disk, is not shut out until the certificate has ended.
 */
const maxRenewals = 10;
const countedMs = 86_400_000;

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
    ...(await lifetimeOf(service, record)),
    replaces: record.serial,
    by: `${enrolled}renewal of ${record.serial}`,
    origin,
    within: (sql) => refuseMany(sql, record.serial, service.clock()),
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

/**
 * As long as the one before, as far as its profile goes by now; certificates count in seconds: what was cut off when it was issued is
 * put back. One that ended with a CA above it was cut short by that, and what its lifetime was to be nobody knows: it is the profile's.
 */
async function lifetimeOf(
  { authority }: EnrolmentService,
  { issuedAt, notAfter, profile }: CertificateRecord,
): Promise<{ readonly lifetimeMs?: number }> {
  const issuers = await authority.issuers();
  if (issuers.some(({ certificate }) => certificate.notAfter.getTime() === notAfter.getTime())) return {};
  const lifetimeMs = notAfter.getTime() - wholeSeconds(issuedAt.getTime()).getTime();
  const { maxLifetimeMs = lifetimeMs } = authority.profiles.find(({ name }) => name === profile) ?? {};
  return { lifetimeMs: Math.min(lifetimeMs, maxLifetimeMs) };
}

/** What was begun and came to nothing is no renewal: a signer that fails for a while would use them all up. */
async function refuseMany(sql: Sql, serial: string, now: Date): Promise<void> {
  const [row] = await sql.all(
    `SELECT count(*) AS renewals, min(issued_at) AS first FROM certificates
     WHERE replaces = $1 AND state <> 'unfinished' AND issued_at > $2`,
    [serial, now.getTime() - countedMs],
  );
  if (row === undefined || integer(row, 'renewals') < maxRenewals) return;
  const first = optional(row, 'first', integer) ?? now.getTime();
  const seconds = Math.ceil((first + countedMs - now.getTime()) / 1000);
  throw new EnrolmentProblem('renewed_too_often', { headers: { 'retry-after': String(seconds) } });
}
