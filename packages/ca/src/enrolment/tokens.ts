/**
 * Tokens: an operator makes one for some names and a profile, and whoever has it gets one certificate with it. It is shown once;
 * the database has its SHA-256.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import type { CryptoProvider } from '@handfast/crypto';
import { appendAudit } from '../audit.ts';
import { CaError } from '../errors.ts';
import type { RequestedName } from '../issuing/policy.ts';
import type { KeylessRequest } from '../issuing/request.ts';
import type { OpenAuthority } from '../open.ts';
import type { Database, Sql, SqlRow } from '../store/database.ts';
import { integer, optional, text } from '../store/rows.ts';
import { migrate } from '../store/schema.ts';
import { enrolmentSchema } from './schema.ts';

export type TokenStatus = 'open' | 'used' | 'expired' | 'revoked';

/** A token, without what would redeem it. */
export interface EnrolmentToken {
  readonly id: string;
  readonly status: TokenStatus;
  readonly profile: string;
  readonly commonName: string | undefined;
  readonly names: readonly RequestedName[];
  /** Who made it. */
  readonly by: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly usedAt: Date | undefined;
  readonly revokedAt: Date | undefined;
}

export interface TokenRequest extends KeylessRequest {
  /** An hour unless set; at most 30 days. */
  readonly lifetimeMs?: number;
  /** Who makes it, for the audit log: `operator alice`. */
  readonly by: string;
}

export interface TokensOptions {
  readonly authority: Pick<OpenAuthority, 'checkRequest'>;
  /** The authority's. */
  readonly database: Database;
  readonly provider: Pick<CryptoProvider, 'random'>;
  readonly clock?: () => Date;
}

export interface Tokens {
  /** A new one; `secret` is shown this once. @throws CaError for names that are not certified, or a lifetime that is none */
  create(request: TokenRequest): Promise<{ readonly token: EnrolmentToken; readonly secret: string }>;
  /** The newest first; 100 unless `limit` says otherwise. */
  list(options?: { readonly limit?: number }): Promise<readonly EnrolmentToken[]>;
  /** From now on it redeems nothing. @throws CaError `not_found`, `already_done` */
  revoke(id: string, by: string): Promise<EnrolmentToken>;
}

const hour = 3_600_000;
const longest = 30 * 24 * hour;

/** Opens the tokens of an authority; their tables are brought to the newest form first. */
export async function openTokens(options: TokensOptions): Promise<Tokens> {
  const { database, clock = () => new Date() } = options;
  await migrate(database, [enrolmentSchema], clock);
  return {
    create: (request) => create(options, request, clock()),
    async list({ limit = 100 } = {}) {
      const rows = await database.all('SELECT * FROM enrolment_tokens ORDER BY created_at DESC, id DESC LIMIT $1', [
        limit,
      ]);
      return await tokensOf(database, rows, clock());
    },
    revoke: (id, by) => revoke(database, id, by, clock()),
  };
}

async function create({ authority, database, provider }: TokensOptions, request: TokenRequest, now: Date) {
  const { lifetimeMs = hour, by } = request;
  if (!(lifetimeMs >= 1000 && lifetimeMs <= longest)) {
    throw new CaError('bad_request', `a token's lifetime of ${lifetimeMs} ms`, {
      hint: 'it is from 1 second to 30 days',
    });
  }
  const { profile, names, commonName } = authority.checkRequest(request);
  const id = Buffer.from(provider.random(8)).toString('hex');
  // The prefix is for those who look for secrets that were left lying about.
  const secret = `hfe_${Buffer.from(provider.random(32)).toString('base64url')}`;
  const expiresAt = new Date(now.getTime() + lifetimeMs);
  await database.transaction(async (sql) => {
    await sql.run(
      `INSERT INTO enrolment_tokens (id, hash, profile, common_name, created_by, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, hashOf(secret), profile.name, commonName ?? null, by, now.getTime(), expiresAt.getTime()],
    );
    for (const [position, { kind, name }] of names.entries()) {
      const values = [id, position, kind, name];
      await sql.run(
        'INSERT INTO enrolment_token_names (token_id, position, kind, name) VALUES ($1, $2, $3, $4)',
        values,
      );
    }
    const what = [commonName, ...names.map(({ kind, name }) => `${kind} ${name}`)].filter((one) => one !== undefined);
    const note = `${profile.name}: ${what.join(', ')}`;
    await appendAudit(sql, now, { actor: by, action: 'create token', subject: id, note });
  });
  const token: EnrolmentToken = {
    ...{ id, status: 'open', profile: profile.name, commonName, names, by, createdAt: now, expiresAt },
    ...{ usedAt: undefined, revokedAt: undefined },
  };
  return { token, secret };
}

async function revoke(database: Database, id: string, by: string, now: Date): Promise<EnrolmentToken> {
  return await database.transaction(async (sql) => {
    const changed = await sql.run(
      'UPDATE enrolment_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL AND key_hash IS NULL',
      [id, now.getTime()],
    );
    const [token] = await tokensWhere(sql, 'id', id, now);
    if (token === undefined) throw new CaError('not_found', 'there is no such token');
    if (changed === 0) {
      throw new CaError('already_done', `the token ${id} is ${token.status} already`, {
        ...(token.status === 'used' && { hint: 'what can be taken back is the certificate that it was used for' }),
      });
    }
    await appendAudit(sql, now, { actor: by, action: 'revoke token', subject: id });
    return token;
  });
}

/** A token as redeeming sees it. */
export interface KnownToken extends EnrolmentToken {
  /** Of the key that it was redeemed with. */
  readonly keyHash: string | undefined;
  readonly leasedUntil: number | undefined;
}

/** Looked up by its hash: how long that takes says nothing of any token that is there. */
export async function findToken(sql: Sql, secret: string, now: Date): Promise<KnownToken | undefined> {
  const [token] = await tokensWhere(sql, 'hash', hashOf(secret), now);
  return token;
}

/** SHA-256: a token is as long as any hash, so that nothing slower would add anything. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

async function tokensWhere(sql: Sql, column: 'id' | 'hash', value: string, now: Date): Promise<readonly KnownToken[]> {
  return await tokensOf(sql, await sql.all(`SELECT * FROM enrolment_tokens WHERE ${column} = $1`, [value]), now);
}

async function tokensOf(sql: Sql, rows: readonly SqlRow[], now: Date): Promise<readonly KnownToken[]> {
  const all: KnownToken[] = [];
  for (const row of rows) {
    const names = await sql.all('SELECT kind, name FROM enrolment_token_names WHERE token_id = $1 ORDER BY position', [
      text(row, 'id'),
    ]);
    all.push(tokenOf(row, names, now));
  }
  return all;
}

function tokenOf(row: SqlRow, names: readonly SqlRow[], now: Date): KnownToken {
  const expiresAt = new Date(integer(row, 'expires_at'));
  const usedAt = dateOf(row, 'used_at');
  const revokedAt = dateOf(row, 'revoked_at');
  const status = usedAt ? 'used' : revokedAt ? 'revoked' : expiresAt <= now ? 'expired' : 'open';
  return {
    id: text(row, 'id'),
    status,
    profile: text(row, 'profile'),
    commonName: optional(row, 'common_name', text),
    // What `create` wrote.
    names: names.map((name) => ({ kind: text(name, 'kind') as RequestedName['kind'], name: text(name, 'name') })),
    by: text(row, 'created_by'),
    createdAt: new Date(integer(row, 'created_at')),
    expiresAt,
    usedAt,
    revokedAt,
    keyHash: optional(row, 'key_hash', text),
    leasedUntil: optional(row, 'leased_until', integer),
  };
}

function dateOf(row: SqlRow, column: string): Date | undefined {
  const time = optional(row, column, integer);
  return time === undefined ? undefined : new Date(time);
}

/** Forgets tokens long after their end. Whether there may be more to do. */
export async function forgetTokens(sql: Sql, before: number, batch: number): Promise<boolean> {
  const forgotten = await sql.run(
    'DELETE FROM enrolment_tokens WHERE id IN (SELECT id FROM enrolment_tokens WHERE expires_at <= $1 LIMIT $2)',
    [before, batch],
  );
  return forgotten === batch;
}
