/**
 * Tokens that operators sign in with: each for a person and a role, until its end. It is shown once; the database has its SHA-256. A
 * year after its end it is forgotten; what the audit log says of it stays.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import { appendAudit } from '../audit.ts';
import { CaError } from '../errors.ts';
import { quoted } from '../issuing/policy.ts';
import type { Database, SqlRow } from '../store/database.ts';
import { integer, optional, text } from '../store/rows.ts';
import { migrate } from '../store/schema.ts';
import { type AdminRole, adminRoles, isRole } from './roles.ts';
import { adminSchema } from './schema.ts';
import { hashOf, newId, newSecret } from './secrets.ts';

export type AdminTokenStatus = 'active' | 'expired' | 'revoked';

/** A token, without what one signs in with. */
export interface AdminToken {
  readonly id: string;
  readonly status: AdminTokenStatus;
  /** Who signs in with it: the audit log says `operator alice (dashboard)`. */
  readonly who: string;
  readonly role: AdminRole;
  /** Who made it. */
  readonly by: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** When somebody last signed in with it. */
  readonly usedAt: Date | undefined;
  readonly revokedAt: Date | undefined;
}

export interface AdminTokenRequest {
  /** 1 to 64 characters that can be printed. */
  readonly who: string;
  readonly role: AdminRole;
  /** 30 days unless set; at most a year. */
  readonly lifetimeMs?: number;
  /** Who makes it, for the audit log: `operator alice`. */
  readonly by: string;
}

export interface AdminTokensOptions {
  /** The authority's. */
  readonly database: Database;
  readonly provider: Pick<CryptoProvider, 'random'>;
  readonly clock?: () => Date;
}

const day = 86_400_000;
const usual = 30 * day;
const longest = 366 * day;
const kept = 365 * day;
/** Forgotten with each new one: more than come. */
const batch = 100;

/** A new one; `secret` is shown this once. The tables are brought to the newest form first. @throws CaError `bad_request` */
export async function createAdminToken(
  options: AdminTokensOptions,
  { who, role, lifetimeMs = usual, by }: AdminTokenRequest,
): Promise<{ readonly token: AdminToken; readonly secret: string }> {
  const { database, provider } = options;
  const now = await opened(options);
  checkWho(who);
  if (!isRole(role))
    throw new CaError('bad_request', `no role: ${quoted(String(role))}`, { hint: adminRoles.join(', ') });
  if (!(lifetimeMs >= 1000 && lifetimeMs <= longest)) {
    throw new CaError('bad_request', `a token's lifetime of ${lifetimeMs} ms`, { hint: 'from 1 second to 366 days' });
  }
  const id = newId(provider);
  // The prefix is for those who look for secrets that were left lying about.
  const secret = `hfa_${newSecret(provider)}`;
  const expiresAt = new Date(now.getTime() + lifetimeMs);
  await database.transaction(async (sql) => {
    await sql.run(
      `INSERT INTO admin_tokens (id, hash, who, role, created_by, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, hashOf(secret), who, role, by, now.getTime(), expiresAt.getTime()],
    );
    await sql.run(
      `DELETE FROM admin_tokens WHERE id IN
         (SELECT id FROM admin_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
      [now.getTime() - kept, batch],
    );
    await appendAudit(sql, now, { actor: by, action: 'create admin token', subject: id, note: `${role}: ${who}` });
  });
  const nothingYet = { usedAt: undefined, revokedAt: undefined };
  return { token: { id, status: 'active', who, role, by, createdAt: now, expiresAt, ...nothingYet }, secret };
}

/** The newest first; 100 unless `limit` says otherwise. */
export async function listAdminTokens(
  options: AdminTokensOptions,
  { limit = 100 }: { readonly limit?: number } = {},
): Promise<readonly AdminToken[]> {
  const now = await opened(options);
  const rows = await options.database.all('SELECT * FROM admin_tokens ORDER BY created_at DESC, id DESC LIMIT $1', [
    limit,
  ]);
  return rows.map((row) => tokenOf(row, now));
}

/** Nobody signs in with it any more, and who has is signed out. @throws CaError `not_found`, `already_done` */
export async function revokeAdminToken(options: AdminTokensOptions, id: string, by: string): Promise<AdminToken> {
  const now = await opened(options);
  return await options.database.transaction(async (sql) => {
    const changed = await sql.run('UPDATE admin_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL', [
      id,
      now.getTime(),
    ]);
    const [row] = await sql.all('SELECT * FROM admin_tokens WHERE id = $1', [id]);
    if (row === undefined) throw new CaError('not_found', `there is no admin token ${quoted(id)}`);
    if (changed === 0) throw new CaError('already_done', `the admin token ${id} is revoked already`);
    await sql.run('DELETE FROM admin_sessions WHERE token_id = $1', [id]);
    await appendAudit(sql, now, { actor: by, action: 'revoke admin token', subject: id });
    return tokenOf(row, now);
  });
}

async function opened({ database, clock = () => new Date() }: AdminTokensOptions): Promise<Date> {
  await migrate(database, [adminSchema], clock);
  return clock();
}

function checkWho(who: string): void {
  if (who.length > 0 && who.length <= 64 && who === who.trim() && !/[\p{C}\p{Zl}\p{Zp}]/u.test(who)) return;
  throw new CaError('bad_request', `whom is the token for? A name has 1 to 64 characters that can be printed`);
}

function tokenOf(row: SqlRow, now: Date): AdminToken {
  const date = (column: string): Date | undefined => {
    const time = optional(row, column, integer);
    return time === undefined ? undefined : new Date(time);
  };
  const expiresAt = new Date(integer(row, 'expires_at'));
  const revokedAt = date('revoked_at');
  return {
    id: text(row, 'id'),
    status: revokedAt ? 'revoked' : expiresAt <= now ? 'expired' : 'active',
    who: text(row, 'who'),
    role: text(row, 'role') as AdminRole, // the table has no other
    by: text(row, 'created_by'),
    createdAt: new Date(integer(row, 'created_at')),
    expiresAt,
    usedAt: date('used_at'),
    revokedAt,
  };
}
