/**
 * Revocation: of one certificate, or of a key with every certificate that holds it. A key that was lost is blocked for ever.
 *
 * @module
 */

import type { PublicKeyInfo } from '@handfast/crypto';
import type { RevocationReason } from '@handfast/x509';
import { appendAudit } from '../audit.ts';
import type { CertificateRecord, RevokeRequest } from '../authority.ts';
import type { CaContext } from '../context.ts';
import { CaError } from '../errors.ts';
import { spkiHash } from '../issuing/keys.ts';
import { quoted } from '../issuing/policy.ts';
import { findCertificate, normaliseSerial } from '../store/certificates.ts';
import type { Sql } from '../store/database.ts';
import { optional, text } from '../store/rows.ts';

/** Reasons that a certificate of this CA's cannot have: it takes none back for a while only (RFC 5280 §5.3.1). */
const refusedReasons: ReadonlySet<RevocationReason> = new Set(['certificateHold', 'removeFromCRL']);

/** A revocation of certificates that hold one key. */
interface Deed {
  readonly now: Date;
  readonly by: string;
  readonly reason: RevocationReason;
}

/** @throws CaError `not_found`, `already_done`, `bad_request` */
export async function revoke(context: CaContext, request: RevokeRequest): Promise<CertificateRecord> {
  const { by, reason = 'unspecified' } = request;
  if (refusedReasons.has(reason)) throw new CaError('bad_request', `no certificate is revoked for ${reason}`);
  return await context.database.transaction(async (sql) => {
    const deed = { now: context.clock(), by, reason };
    const serial = normaliseSerial(request.serial);
    const [row] = await sql.all(
      `SELECT spki_hash, revoked_at, reason FROM certificates WHERE serial = $1 AND state = 'issued'`,
      [serial],
    );
    if (row === undefined) throw new CaError('not_found', `no certificate has the serial number ${quoted(serial)}`);
    const before = optional(row, 'reason', text);
    // That a key was lost comes out when it comes out, and is worth knowing then, too.
    if (before !== undefined && (reason !== 'keyCompromise' || before === 'keyCompromise')) {
      throw new CaError('already_done', `the certificate ${serial} is revoked already: ${before}`);
    }
    if (before !== undefined) await amend(sql, serial, deed);
    if (reason === 'keyCompromise') await blockHash(sql, text(row, 'spki_hash'), deed);
    else await revokeWhere(sql, 'serial = $4', serial, deed);
    const record = await findCertificate(sql, serial, deed.now);
    if (record === undefined) throw new Error(`certificate ${serial} is gone`);
    return record;
  });
}

/** How many certificates it has revoked. */
export async function blockKey(
  context: CaContext,
  { key, by }: { readonly key: PublicKeyInfo; readonly by: string },
): Promise<number> {
  const hash = spkiHash(context.provider, key.spki);
  return await context.database.transaction((sql) =>
    blockHash(sql, hash, { now: context.clock(), by, reason: 'keyCompromise' }),
  );
}

async function blockHash(sql: Sql, hash: string, deed: Deed): Promise<number> {
  const blocked = await sql.run(
    'INSERT INTO blocked_keys (spki_hash, reason, at) VALUES ($1, $2, $3) ON CONFLICT (spki_hash) DO NOTHING',
    [hash, deed.reason, deed.now.getTime()],
  );
  if (blocked > 0) await appendAudit(sql, deed.now, { actor: deed.by, action: 'block key', subject: hash });
  return await revokeWhere(sql, 'spki_hash = $4', hash, deed);
}

/** `condition` is about `$4`. */
async function revokeWhere(
  sql: Sql,
  condition: 'serial = $4' | 'spki_hash = $4',
  value: string,
  { now, by, reason }: Deed,
): Promise<number> {
  const rows = await sql.all(
    `UPDATE certificates SET revoked_at = $1, reason = $2 WHERE state = $3 AND revoked_at IS NULL AND ${condition}
     RETURNING serial, issuer_id`,
    [now.getTime(), reason, 'issued', value],
  );
  if (rows.length === 0) return 0;
  const entries = rows.map((row) => ({
    actor: by,
    action: 'revoke',
    subject: text(row, 'serial'),
    issuerId: text(row, 'issuer_id'),
    reason,
  }));
  await tellLists(sql, condition === 'serial = $4' ? 'serial = $1' : 'spki_hash = $1', value);
  await appendAudit(sql, now, ...entries);
  return rows.length;
}

/** The date stays. */
async function amend(sql: Sql, serial: string, { now, by, reason }: Deed): Promise<void> {
  const [row] = await sql.all(
    'UPDATE certificates SET reason = $2, revocation = NULL WHERE serial = $1 RETURNING issuer_id',
    [serial, reason],
  );
  await tellLists(sql, 'serial = $1', serial);
  const issuerId = row === undefined ? '' : text(row, 'issuer_id');
  await appendAudit(sql, now, { actor: by, action: 'revoke', subject: serial, issuerId, reason, note: 'amended' });
}

/**
 * Whatever list or answer there is does not tell of what was just revoked. Each revocation has its issuer's next number, so that a list knows
 * by one number up to where it tells, and a delta which came after its base.
 */
export async function tellLists(sql: Sql, condition: 'serial = $1' | 'spki_hash = $1', value: string): Promise<void> {
  const untold = `revoked_at IS NOT NULL AND revocation IS NULL AND ${condition}`;
  await sql.run(
    `UPDATE issuers SET revocations = revocations + 1 WHERE id IN (SELECT issuer_id FROM certificates WHERE ${untold})`,
    [value],
  );
  await sql.run(
    `UPDATE ocsp_answers SET renew_at = 0 WHERE serial IN (SELECT serial FROM certificates WHERE ${untold})`,
    [value],
  );
  await sql.run(
    `UPDATE certificates SET revocation = (SELECT i.revocations FROM issuers i WHERE i.id = issuer_id) WHERE ${untold}`,
    [value],
  );
}
