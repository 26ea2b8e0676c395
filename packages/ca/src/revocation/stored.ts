/**
 * Lists as the database has them. Of complete ones an older one is remembered without its bytes for as long as somebody may hold it, since
 * a delta adds to it.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import type { Sql } from '../store/database.ts';
import { bytes, integer, optional } from '../store/rows.ts';

/** What a list tells of: every certificate of its issuer's, what is new since an older list, or one shard. */
export type CrlName = 'complete' | 'delta' | number;

/** The newest list of a name, and what has happened since. */
export interface NewestList {
  /** Absent: there is none yet. */
  readonly list:
    | {
        readonly number: number;
        readonly issuedAt: number;
        readonly thisUpdate: number;
        readonly nextUpdate: number;
      }
    | undefined;
  /** Whether something was revoked since. */
  readonly stale: boolean;
}

export interface NewList {
  readonly issuerId: string;
  readonly name: CrlName;
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly now: Date;
  /** The number of the last revocation that it tells of. */
  readonly revocations: number;
  readonly raw: Uint8Array;
}

/** `undefined` for an issuer that nobody knows, or a shard that it does not have. */
export async function newestList(sql: Sql, issuerId: string, name: CrlName): Promise<NewestList | undefined> {
  const shard = typeof name === 'number' ? name : -1;
  const [row] = await sql.all(
    `SELECT c.number, c.issued_at, c.this_update, c.next_update, c.revocations, ${
      shard < 0
        ? 'i.revocations'
        : `coalesce((SELECT max(r.revocation) FROM certificates r
             WHERE r.issuer_id = i.id AND r.crl_shard = $3 AND r.revoked_at IS NOT NULL), 0)`
    } AS revocations_now
     FROM issuers i LEFT JOIN crls c ON c.issuer_id = i.id AND c.scope = $2
     WHERE i.id = $1 AND i.crl_shards > $3 ORDER BY c.number DESC LIMIT 1`,
    [issuerId, String(name), shard],
  );
  if (row === undefined) return undefined;
  const number = optional(row, 'number', integer);
  if (number === undefined) return { list: undefined, stale: true };
  return {
    list: {
      number,
      issuedAt: integer(row, 'issued_at'),
      thisUpdate: integer(row, 'this_update'),
      nextUpdate: integer(row, 'next_update'),
    },
    stale: integer(row, 'revocations') < integer(row, 'revocations_now'),
  };
}

export async function listBytes(sql: Sql, issuerId: string, name: CrlName): Promise<Bytes | undefined> {
  const [row] = await sql.all('SELECT der FROM crls WHERE issuer_id = $1 AND scope = $2 ORDER BY number DESC LIMIT 1', [
    issuerId,
    String(name),
  ]);
  return row && bytes(row, 'der');
}

/** The oldest complete list that is good still: what came after it is what a delta tells of. */
export async function baseList(
  sql: Sql,
  issuerId: string,
  now: Date,
): Promise<{ readonly number: number; readonly revocations: number } | undefined> {
  const [row] = await sql.all(
    `SELECT number, revocations FROM crls WHERE issuer_id = $1 AND scope = 'complete' AND next_update > $2
     ORDER BY number LIMIT 1`,
    [issuerId, now.getTime()],
  );
  return row && { number: integer(row, 'number'), revocations: integer(row, 'revocations') };
}

/** Lists of a name whose bytes are kept. */
const listsKept = { complete: 10, other: 2 } as const;
const hourMs = 3_600_000;

export async function insertList(sql: Sql, list: NewList): Promise<void> {
  const { issuerId, name, number, thisUpdate, nextUpdate, now, revocations, raw } = list;
  const scope = String(name);
  await sql.run(
    `INSERT INTO crls (issuer_id, scope, number, this_update, next_update, issued_at, revocations, der)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [issuerId, scope, number, thisUpdate.getTime(), nextUpdate.getTime(), now.getTime(), revocations, raw],
  );
  const older = `issuer_id = $1 AND scope = $2 AND number NOT IN
    (SELECT number FROM crls WHERE issuer_id = $1 AND scope = $2 ORDER BY number DESC LIMIT $3)`;
  if (name !== 'complete') {
    await sql.run(`DELETE FROM crls WHERE ${older}`, [issuerId, scope, listsKept.other]);
    return;
  }
  // One an hour is enough for a base.
  await sql.run(
    `DELETE FROM crls WHERE ${older} AND (next_update <= $4 OR number NOT IN
       (SELECT min(number) FROM crls WHERE issuer_id = $1 AND scope = $2 GROUP BY issued_at / $5))`,
    [issuerId, scope, listsKept.complete, now.getTime(), hourMs],
  );
  const forgotten = `UPDATE crls SET der = NULL WHERE der IS NOT NULL AND ${older}`;
  await sql.run(forgotten, [issuerId, scope, listsKept.complete]);
}

export async function forgetDelta(sql: Sql, issuerId: string): Promise<void> {
  await sql.run(`DELETE FROM crls WHERE issuer_id = $1 AND scope = 'delta'`, [issuerId]);
}
