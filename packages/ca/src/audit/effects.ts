/**
 * What an entry of the audit log tells of, done again.
 *
 * @module
 */

import { type CryptoProvider, runSettling, toHex } from '@handfast/crypto';
import { type Certificate, CertificateError, formatIp, parseCertificate, verifySignature } from '@handfast/x509';
import { spkiHash } from '../issuing/keys.ts';
import { tellLists } from '../revocation/revoke.ts';
import type { Sql } from '../store/database.ts';
import { bytes } from '../store/rows.ts';
import type { AuditEvent } from './stream.ts';

/** `none`: there was nothing to do. `not done`: what it tells of is not in it. */
export type Effect = 'issued' | 'revoked' | 'blocked' | 'none' | 'not done';

/** Entries that opening the authority has answered already, or that ask for nothing. */
const telling: ReadonlySet<string> = new Set(['issuer', 'retire issuer', 'unfinished', 'restore']);

export async function effectOf(sql: Sql, event: AuditEvent, provider: CryptoProvider): Promise<Effect> {
  switch (event.action) {
    case 'issue':
      return await issueAgain(sql, event, provider);
    case 'revoke':
      return await revokeAgain(sql, event);
    case 'block key':
      await sql.run(
        'INSERT INTO blocked_keys (spki_hash, reason, at) VALUES ($1, $2, $3) ON CONFLICT (spki_hash) DO NOTHING',
        [event.subject, 'keyCompromise', event.at.getTime()],
      );
      return 'blocked';
    case 'crl':
    case 'delta crl':
    case 'shard crl':
      return await passNumber(sql, event);
    default:
      return telling.has(event.action) ? 'none' : 'not done';
  }
}

/** No later list has a number that was signed already. */
async function passNumber(sql: Sql, { subject, issuerId }: AuditEvent): Promise<Effect> {
  if (!/^\d{1,15}$/.test(subject)) return 'not done';
  await sql.run('UPDATE issuers SET crl_number = $2 WHERE id = $1 AND crl_number < $2', [
    issuerId ?? '',
    Number(subject),
  ]);
  return 'none';
}

async function revokeAgain(sql: Sql, { subject, reason, at, note }: AuditEvent): Promise<Effect> {
  if (reason === undefined) return 'not done';
  // A reason that was amended leaves the date as it is.
  const changed = await sql.run(
    `UPDATE certificates SET revoked_at = coalesce(revoked_at, $2), reason = $3, revocation = NULL
     WHERE serial = $1 AND state = 'issued' AND (revoked_at IS NULL OR $4 = 'amended')`,
    [subject, at.getTime(), reason, note ?? ''],
  );
  if (changed > 0) await tellLists(sql, 'serial = $1', subject);
  return changed > 0 ? 'revoked' : 'not done';
}

async function issueAgain(sql: Sql, event: AuditEvent, provider: CryptoProvider): Promise<Effect> {
  const { subject: serial, issuerId = '', actor, at, certificate: given } = event;
  const certificate = await provenCertificate(sql, event, provider);
  if (certificate === undefined || given === undefined) return 'not done';
  const values = [
    ...[serial, issuerId, given.shard ?? null, given.profile, toHex(provider.digest('sha256', certificate.tbs))],
    ...[certificate.raw, spkiHash(provider, certificate.spki), certificate.subject.commonName ?? null],
    ...[certificate.notBefore.getTime(), certificate.notAfter.getTime(), at.getTime(), actor],
    ...[given.origin ?? null, given.replaces ?? null],
  ];
  // One that was begun before may stand there, unfinished.
  const changed = await sql.run(
    `INSERT INTO certificates (serial, issuer_id, crl_shard, profile, state, tbs_hash, der, spki_hash, common_name,
       not_before, not_after, issued_at, issued_by, origin, replaces)
     VALUES ($1, $2, $3, $4, 'issued', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     ON CONFLICT (serial) DO UPDATE SET state = 'issued', der = excluded.der WHERE certificates.state <> 'issued'`,
    values,
  );
  if (changed === 0) return 'none';
  for (const [position, { kind, name }] of namesIn(certificate).entries()) {
    await sql.run(
      `INSERT INTO certificate_names (serial, position, kind, name) VALUES ($1, $2, $3, $4)
       ON CONFLICT (serial, position) DO NOTHING`,
      [serial, position, kind, name],
    );
  }
  return 'issued';
}

/** The certificate that the entry has the hash of, if an issuer of this CA's has signed it. */
async function provenCertificate(
  sql: Sql,
  { subject, issuerId = '', digest, certificate: given }: AuditEvent,
  provider: CryptoProvider,
): Promise<Certificate | undefined> {
  if (given === undefined || toHex(provider.digest('sha256', given.der)) !== digest) return undefined;
  const [row] = await sql.all('SELECT certificate FROM issuers WHERE id = $1', [issuerId]);
  if (row === undefined) return undefined;
  const certificate = parsed(given.der);
  const algorithm = certificate?.signatureAlgorithm;
  if (certificate?.serialNumberHex !== subject || algorithm === undefined) return undefined;
  const { publicKey } = parseCertificate(bytes(row, 'certificate'));
  const good = await runSettling(
    verifySignature(provider, publicKey, algorithm, certificate.tbs, certificate.signature),
  );
  return good ? certificate : undefined;
}

function parsed(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

function namesIn({ subjectAltName }: Certificate): readonly { readonly kind: string; readonly name: string }[] {
  return (subjectAltName?.names ?? []).flatMap((name) => {
    if (name.kind === 'ip') return [{ kind: 'ip', name: formatIp(name.bytes) }];
    return name.kind === 'dns' || name.kind === 'email' ? [{ kind: name.kind, name: name.text }] : [];
  });
}
