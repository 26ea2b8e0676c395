/**
 * What an entry of the audit log tells of, done again. Entries of two chains come in any order: that a certificate was revoked may be
 * told before that it was issued.
 *
 * Of what comes with an entry, and is not in it, a certificate is borne out by its digest and its issuer's signature, and the list
 * that tells of it by where the certificate says that this is. Profile, origin, and what it replaces, are taken as they are told:
 * they say how a certificate came to be, and decide nothing about whom it is good for.
 *
 * @module
 */

import { type CryptoProvider, runSettling, toHex } from '@handfast/crypto';
import {
  type Certificate,
  CertificateError,
  distributionPointsOf,
  formatIp,
  parseCertificate,
  verifySignature,
} from '@handfast/x509';
import { crlUrl } from '../context.ts';
import { spkiHash } from '../issuing/keys.ts';
import { tellLists } from '../revocation/revoke.ts';
import type { Sql } from '../store/database.ts';
import { bytes, integer, optional, text } from '../store/rows.ts';
import type { AuditEvent } from './stream.ts';

/**
 * `none`: there was nothing to do. `not done`: what it tells of is not in it. `issued and revoked`: by an entry that came before, or
 * since its key is blocked.
 */
export type Effect = 'issued' | 'issued and revoked' | 'revoked' | 'blocked' | 'none' | 'not done';

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
    case 'import crl':
      // The list itself is with whoever signed it.
      await passNumber(sql, event);
      return 'not done';
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

type Revocation = Pick<AuditEvent, 'subject' | 'reason' | 'at' | 'note'>;

async function revokeAgain(sql: Sql, revocation: Revocation): Promise<Effect> {
  if (await applyRevocation(sql, revocation)) return 'revoked';
  const [row] = await sql.all('SELECT 1 AS found FROM certificates WHERE serial = $1 AND revoked_at IS NOT NULL', [
    revocation.subject,
  ]);
  return row === undefined ? 'not done' : 'none';
}

/** Whether it changes anything. Of several the first says when, and one that amends it why. */
async function applyRevocation(sql: Sql, { subject, reason, at, note }: Revocation): Promise<boolean> {
  if (reason === undefined) return false;
  const changed = await sql.run(
    `UPDATE certificates SET revoked_at = CASE WHEN revoked_at < $2 THEN revoked_at ELSE $2 END,
       reason = CASE WHEN revoked_at IS NULL OR $4 = 'amended' THEN $3 ELSE reason END, revocation = NULL
     WHERE serial = $1 AND state = 'issued' AND (revoked_at IS NULL OR revoked_at > $2 OR $4 = 'amended')`,
    [subject, at.getTime(), reason, note ?? ''],
  );
  if (changed > 0) await tellLists(sql, 'serial = $1', subject);
  return changed > 0;
}

/** Applies what is known of a certificate that has just been entered. Whether it is revoked. */
async function applyEarlier(sql: Sql, { subject, at }: AuditEvent, keyHash: string): Promise<boolean> {
  const told = await sql.all(
    `SELECT at, reason, note FROM audit WHERE action = 'revoke' AND subject = $1
     ORDER BY CASE WHEN note = 'amended' THEN 1 ELSE 0 END, at`,
    [subject],
  );
  let revoked = false;
  for (const row of told) {
    const reason = optional(row, 'reason', text);
    const note = optional(row, 'note', text);
    if (await applyRevocation(sql, { subject, reason, note, at: new Date(integer(row, 'at')) })) revoked = true;
  }
  if (revoked) return true;
  const [blocked] = await sql.all('SELECT reason, at FROM blocked_keys WHERE spki_hash = $1', [keyHash]);
  if (blocked === undefined) return false;
  const since = new Date(Math.max(integer(blocked, 'at'), at.getTime()));
  return await applyRevocation(sql, { subject, reason: text(blocked, 'reason'), at: since });
}

async function issueAgain(sql: Sql, event: AuditEvent, provider: CryptoProvider): Promise<Effect> {
  const { subject: serial, issuerId = '', actor, at, certificate: given } = event;
  const certificate = await provenCertificate(sql, event, provider);
  if (certificate === undefined || given === undefined) return 'not done';
  const keyHash = spkiHash(provider, certificate.spki);
  const values = [
    ...[
      serial,
      issuerId,
      shardOf(certificate, issuerId) ?? null,
      given.profile,
      toHex(provider.digest('sha256', certificate.tbs)),
    ],
    ...[certificate.raw, keyHash, certificate.subject.commonName ?? null],
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
  return (await applyEarlier(sql, event, keyHash)) ? 'issued and revoked' : 'issued';
}

/** Which of the issuer's shards it names: some name the complete list, or none. */
function shardOf(certificate: Certificate, issuerId: string): number | undefined {
  const names = distributionPointsOf(certificate).flatMap(({ name }) =>
    name !== undefined && 'fullName' in name ? name.fullName : [],
  );
  for (const name of names) {
    const [url = '', base = '', shard] =
      name.kind === 'uri' ? (/^(.*)\/crl\/[^/]+\/(\d{1,4})\.crl$/.exec(name.text) ?? []) : [];
    if (shard !== undefined && url === crlUrl(base, issuerId, Number(shard))) return Number(shard);
  }
  return undefined;
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
