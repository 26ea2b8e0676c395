/**
 * Certificates, as the dashboard shows and searches them, and what it does with them: revoke, and issue from a pasted request.
 *
 * @module
 */

import { fingerprintOf, keyLabel, parseCertificate, type RevocationReason, toPem } from '@handfast/x509';
import type { CertificateRecord, CertificateStatus, ListFilter } from '../authority.ts';
import { namesOf } from '../store/certificates.ts';
import { integer, optional, text } from '../store/rows.ts';
import { roleOfNames } from './clients.ts';
import { type PastedRequest, readRequest } from './csr.ts';
import { AdminProblem } from './problems.ts';
import { permissionsOf } from './roles.ts';
import type { AdminService } from './service.ts';
import type { Session } from './sessions.ts';

const day = 86_400_000;
const statuses: ReadonlySet<string> = new Set<CertificateStatus>(['valid', 'expired', 'revoked']);
const pageSize = 50;
const maxSearch = 253;

/** A page, the newest first; `next` is where the next one begins. */
export async function searchCertificates({ authority }: AdminService, query: URLSearchParams): Promise<object> {
  const search = query.get('search')?.trim() ?? '';
  const status = query.get('status') ?? '';
  const before = query.get('before') ?? '';
  // PostgreSQL takes no NUL, and SQLite ends a text with it.
  if (/\p{Cc}/u.test(search)) throw new AdminProblem('bad_request', { detail: 'the search has a control character' });
  if (search.length > maxSearch) throw new AdminProblem('bad_request', { detail: 'the search is too long' });
  if (status !== '' && !statuses.has(status))
    throw new AdminProblem('bad_request', { detail: 'there is no such status' });
  // A serial number that is written in full finds its certificate.
  if (/^[0-9a-f:]{16,59}$/i.test(search) && before === '') {
    const found = await authority.find(search);
    if (found !== undefined) return { certificates: [summaryOf(found)], next: null };
  }
  const filter: ListFilter = {
    limit: pageSize + 1,
    ...(search !== '' && { search }),
    ...(status !== '' && { status: status as CertificateStatus }),
    ...(before !== '' && { before: serialOf(before) }),
  };
  const found = await authority.list(filter);
  const page = found.slice(0, pageSize);
  const next = found.length > pageSize ? (page.at(-1)?.serial ?? null) : null;
  return { certificates: page.map(summaryOf), next };
}

const maxExpiring = 100;

/** Those that end within so many days, the first first. */
export async function expiringCertificates({ database, clock }: AdminService, query: URLSearchParams): Promise<object> {
  const now = clock().getTime();
  const until = now + daysOf(query, 30, 366) * day;
  const rows = await database.all(
    `SELECT serial, common_name, profile, not_after, issued_by FROM certificates
     WHERE not_after > $1 AND not_after <= $2 AND revoked_at IS NULL AND state = 'issued'
     ORDER BY not_after, serial LIMIT $3`,
    [now, until, maxExpiring + 1],
  );
  const names = await namesOf(database, rows);
  const certificates = rows.slice(0, maxExpiring).map((row) => ({
    serial: text(row, 'serial'),
    commonName: optional(row, 'common_name', text) ?? null,
    names: names.get(text(row, 'serial')) ?? [],
    profile: text(row, 'profile'),
    notAfter: new Date(integer(row, 'not_after')),
    by: text(row, 'issued_by'),
  }));
  return { certificates, more: rows.length > maxExpiring };
}

export async function oneCertificate({ authority, provider }: AdminService, serial: string): Promise<object> {
  const record = await authority.find(serialOf(serial));
  if (record === undefined) throw new AdminProblem('not_found', { detail: 'there is no such certificate' });
  const certificate = parseCertificate(record.der);
  return {
    ...summaryOf(record),
    issuer: certificate.issuer.toString(),
    issuerId: record.issuerId,
    subject: certificate.subject.toString(),
    origin: record.origin ?? null,
    key: keyLabel(certificate.publicKey),
    fingerprint: fingerprintOf(provider, certificate),
    pem: toPem('CERTIFICATE', record.der),
  };
}

const reasons: ReadonlySet<string> = new Set<RevocationReason>([
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
]);

export async function revokeCertificate(
  service: AdminService,
  session: Session,
  serial: string,
  body: ReadonlyMap<string, unknown>,
): Promise<object> {
  const reason = body.get('reason') ?? 'unspecified';
  if (typeof reason !== 'string' || !reasons.has(reason)) {
    throw new AdminProblem('bad_request', { detail: `a reason is one of ${[...reasons].join(', ')}` });
  }
  const record = await service.authority.revoke({
    serial: serialOf(serial),
    reason: reason as RevocationReason,
    by: session.actor,
  });
  service.log({ event: 'revoked', serial: record.serial, who: session.who });
  return summaryOf(record);
}

/** What a pasted request asks for, before anything is issued. */
export async function previewRequest(service: AdminService, body: ReadonlyMap<string, unknown>): Promise<object> {
  const { request, asked } = await readRequest(service, body);
  const { names, profile, commonName } = service.authority.checkRequest(asked);
  await service.authority.checkKey(request.publicKey, profile.name);
  return { names: names.map(({ name }) => name), commonName: commonName ?? null, key: keyLabel(request.publicKey) };
}

export async function issueCertificate(
  service: AdminService,
  session: Session,
  body: ReadonlyMap<string, unknown>,
): Promise<object> {
  const { request, asked } = await readRequest(service, body);
  refuseRaise(service, session, asked);
  const days = body.get('days');
  if (days !== undefined && !(typeof days === 'number' && days > 0 && days <= 36_600)) {
    throw new AdminProblem('bad_request', { detail: 'days are a number above 0' });
  }
  const { certificate, chain } = await service.authority.issue({
    ...asked,
    publicKey: request.publicKey,
    ...(typeof days === 'number' && { lifetimeMs: Math.round(days * day) }),
    by: session.actor,
  });
  const serial = certificate.serialNumberHex;
  service.log({ event: 'issued', serial, who: session.who });
  const pem = chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  return { serial, notAfter: certificate.notAfter, pem };
}

/** Who may issue shall not issue himself a certificate by which he may more: its names are what counts, not how they were written. */
function refuseRaise({ authority, clients }: AdminService, { role }: Session, asked: Asked): void {
  if (permissionsOf(role).includes('administer')) return;
  const { names, commonName } = authority.checkRequest(asked);
  const all = [...names.map(({ name }) => name), ...(commonName === undefined ? [] : [commonName])];
  const found = roleOfNames(clients, all);
  if (found === undefined) return;
  throw new AdminProblem('forbidden', {
    detail: `${found.who} has a role at this dashboard: an admin issues certificates for that name`,
  });
}

type Asked = PastedRequest['asked'];

function summaryOf({ der: _der, issuerId: _issuerId, origin: _origin, ...record }: CertificateRecord): object {
  const { commonName, revokedAt, reason } = record;
  return { ...record, commonName: commonName ?? null, revokedAt: revokedAt ?? null, reason: reason ?? null };
}

function serialOf(given: string): string {
  if (/^[0-9a-f:]{1,80}$/i.test(given)) return given;
  throw new AdminProblem('not_found', { detail: 'a serial number is hexadecimal' });
}

/** Days that a query asks about. */
export function daysOf(query: URLSearchParams, usual: number, most: number): number {
  const given = query.get('days');
  if (given === null) return usual;
  const days = /^\d{1,3}$/.test(given) ? Number(given) : 0;
  if (days >= 1 && days <= most) return days;
  throw new AdminProblem('bad_request', { detail: `days are a number from 1 to ${most}` });
}
