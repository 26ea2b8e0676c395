/**
 * Complete CRLs, one an issuer: made when one is due, or when something was revoked since. A number is on the disk before a list
 * with it is signed, so that none comes twice; and it is never below the time in seconds, so that a database which was put back to
 * an older state goes on above all that it has forgotten.
 *
 * @module
 */

import { type Bytes, fromHex, runSettling, toHex } from '@handfast/crypto';
import {
  type Certificate,
  CertificateError,
  type Crl,
  type DirectoryName,
  issueCrl,
  parseCrl,
  type RevocationReason,
  type RevokedCertificate,
  verifySignature,
} from '@handfast/x509';
import { appendAudit } from '../audit.ts';
import { type CaContext, refuseClockBehind, wholeSeconds } from '../context.ts';
import { CaError } from '../errors.ts';
import { spkiHash } from '../issuing/keys.ts';
import { quoted } from '../issuing/policy.ts';
import type { Sql } from '../store/database.ts';
import { bytes, integer, optional, text } from '../store/rows.ts';

/** Older ones are forgotten. */
const listsKept = 10;

/** Lists that are being made: whoever asks meanwhile waits. */
const underway = new WeakMap<CaContext, Promise<Bytes>>();

/**
 * The newest list of an issuer.
 *
 * @throws CaError `not_found` for an issuer that is unknown, or whose key is elsewhere and whose list was not imported;
 * `cannot_sign`; what signer and database throw
 */
export async function currentCrl(context: CaContext, issuerId: string): Promise<Bytes> {
  for (;;) {
    const newest = await newestList(context.database, issuerId);
    if (newest?.der !== undefined && (issuerId !== context.issuerId || !isDue(context, newest))) return newest.der;
    if (issuerId !== context.issuerId) {
      throw new CaError('not_found', `there is no CRL of the issuer ${quoted(issuerId)}`);
    }
    const others = underway.get(context);
    if (others === undefined) return await makeAlone(context);
    // It may have been begun before a revocation that the caller knows of: so the newest is looked at again.
    await others;
  }
}

/** While others wait. */
async function makeAlone(context: CaContext): Promise<Bytes> {
  const made = makeCrl(context).finally(() => underway.delete(context));
  underway.set(context, made);
  return await made;
}

interface Newest {
  readonly der: Bytes | undefined;
  readonly issuedAt: number;
  readonly thisUpdate: number;
  readonly stale: boolean;
}

async function newestList(sql: Sql, issuerId: string): Promise<Newest | undefined> {
  const [row] = await sql.all(
    `SELECT c.der, c.issued_at, c.this_update, c.revocations, i.revocations AS revocations_now
     FROM issuers i LEFT JOIN crls c ON c.issuer_id = i.id WHERE i.id = $1 ORDER BY c.number DESC LIMIT 1`,
    [issuerId],
  );
  return (
    row && {
      der: optional(row, 'der', bytes),
      issuedAt: optional(row, 'issued_at', integer) ?? 0,
      thisUpdate: optional(row, 'this_update', integer) ?? 0,
      stale: row.revocations !== row.revocations_now,
    }
  );
}

function isDue({ clock, crlIntervalMs }: CaContext, { issuedAt, stale }: Newest): boolean {
  return stale || clock().getTime() - issuedAt >= crlIntervalMs;
}

async function makeCrl(context: CaContext): Promise<Bytes> {
  const { database, provider, issuer, signer, issuerId, crlLifetimeMs, backdateMs, clock } = context;
  const now = clock();
  const plan = await database.transaction((sql) => planCrl(sql, context, now));
  const thisUpdate = wholeSeconds(now.getTime() - backdateMs);
  const nextUpdate = wholeSeconds(now.getTime() + crlLifetimeMs);
  const { number, revoked } = plan;
  const crl = await issueCrl({
    issuer: { certificate: issuer, signer },
    number: BigInt(number),
    thisUpdate,
    nextUpdate,
    revoked,
  });
  if (!(await isSignedBy(context, crl, issuer))) throw new Error('the signer made a signature that does not verify');
  await database.transaction(async (sql) => {
    await insertList(sql, issuerId, crl, { number, thisUpdate, nextUpdate, now, revocations: plan.revocations });
    await appendAudit(sql, now, {
      actor: 'authority',
      action: 'crl',
      subject: String(number),
      issuerId,
      digest: toHex(provider.digest('sha256', crl.raw)),
      note: `${revoked.length} revoked`,
    });
  });
  return crl.raw;
}

interface Plan {
  readonly number: number;
  /** How many revocations it tells of, all in all. */
  readonly revocations: number;
  readonly revoked: readonly RevokedCertificate[];
}

async function planCrl(sql: Sql, { issuerId, clockSkewMs }: CaContext, now: Date): Promise<Plan> {
  await refuseClockBehind(sql, now, clockSkewMs);
  const newest = await newestList(sql, issuerId);
  // RFC 5280 §3.3: one that has expired stands in a list that is made after that, and then in none.
  const rows = await sql.all(
    `SELECT serial, revoked_at, reason FROM certificates
     WHERE issuer_id = $1 AND revoked_at IS NOT NULL AND not_after >= $2 ORDER BY serial`,
    [issuerId, newest?.thisUpdate ?? 0],
  );
  const seconds = Math.floor(now.getTime() / 1000);
  const [issuer] = await sql.all(
    `UPDATE issuers SET crl_number = CASE WHEN crl_number >= $2 THEN crl_number + 1 ELSE $2 END WHERE id = $1
     RETURNING crl_number, revocations`,
    [issuerId, seconds],
  );
  if (issuer === undefined) throw new Error(`the issuer ${issuerId} is gone`);
  return {
    number: integer(issuer, 'crl_number'),
    revocations: integer(issuer, 'revocations'),
    revoked: rows.map((row) => ({
      serialNumber: fromHex(text(row, 'serial')),
      revokedAt: new Date(integer(row, 'revoked_at')),
      reason: text(row, 'reason') as RevocationReason, // what `revoke` wrote
    })),
  };
}

interface ListDates {
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly now: Date;
  readonly revocations: number;
}

async function insertList(
  sql: Sql,
  issuerId: string,
  { raw }: Crl,
  { number, thisUpdate, nextUpdate, now, revocations }: ListDates,
): Promise<void> {
  await sql.run(
    `INSERT INTO crls (issuer_id, number, this_update, next_update, issued_at, revocations, der)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [issuerId, number, thisUpdate.getTime(), nextUpdate.getTime(), now.getTime(), revocations, raw],
  );
  await sql.run(
    `DELETE FROM crls WHERE issuer_id = $1 AND number NOT IN
       (SELECT number FROM crls WHERE issuer_id = $1 ORDER BY number DESC LIMIT $2)`,
    [issuerId, listsKept],
  );
}

/**
 * Takes a list whose issuer's key is elsewhere.
 *
 * @throws CaError `bad_request`: not of an issuer in the chain, wrongly signed, without number or next update, not newer
 */
export async function importCrl(
  context: CaContext,
  { crl: der, by }: { readonly crl: Uint8Array; readonly by: string },
): Promise<void> {
  const crl = parsed(der);
  const issuer = context.chain.find(({ subject }) => isSameName(subject, crl.issuer));
  if (issuer === undefined) throw refused(`its issuer is none of this CA's: ${quoted(crl.issuer.toString())}`);
  const issuerId = spkiHash(context.provider, issuer.spki);
  const { number, nextUpdate } = crl;
  if (number === undefined || nextUpdate === undefined || crl.baseNumber !== undefined) {
    throw refused('it is no complete list with a number and a next update');
  }
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) throw refused(`its number is ${number}`);
  if (!(await isSignedBy(context, crl, issuer))) throw refused("its signature is not its issuer's");
  const now = context.clock();
  await context.database.transaction(async (sql) => {
    const [row] = await sql.all(
      'UPDATE issuers SET crl_number = $2 WHERE id = $1 AND crl_number < $2 RETURNING revocations',
      [issuerId, Number(number)],
    );
    if (row === undefined) throw refused(`its number ${number} is not above those before it`);
    const dates = { number: Number(number), thisUpdate: crl.thisUpdate, nextUpdate, now };
    await insertList(sql, issuerId, crl, { ...dates, revocations: integer(row, 'revocations') });
    const digest = toHex(context.provider.digest('sha256', crl.raw));
    await appendAudit(sql, now, { actor: by, action: 'import crl', subject: String(number), issuerId, digest });
  });
}

function isSameName({ keys }: DirectoryName, other: DirectoryName): boolean {
  return keys.length === other.keys.length && keys.every((key, index) => key === other.keys[index]);
}

function parsed(der: Uint8Array): Crl {
  try {
    return parseCrl(der);
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause;
    throw refused(cause.message, cause);
  }
}

async function isSignedBy({ provider }: CaContext, crl: Crl, issuer: Certificate): Promise<boolean> {
  const { signatureAlgorithm: algorithm, tbs, signature } = crl;
  if (algorithm === undefined) return false;
  return await runSettling(verifySignature(provider, issuer.publicKey, algorithm, tbs, signature));
}

function refused(why: string, cause?: unknown): CaError {
  return new CaError('bad_request', `the CRL cannot be taken: ${why}`, { cause });
}
