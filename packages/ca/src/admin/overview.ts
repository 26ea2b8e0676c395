/**
 * Figures for the dashboard's first page: how many there are, what was issued and revoked day by day, and how fresh lists and OCSP
 * answers are.
 *
 * @module
 */

import type { Sql, SqlValue } from '../store/database.ts';
import { integer, optional, text } from '../store/rows.ts';
import { daysOf } from './certificates.ts';
import type { AdminService } from './service.ts';

const day = 86_400_000;

export async function overview({ database, clock }: AdminService, query: URLSearchParams): Promise<object> {
  const now = clock().getTime();
  const days = daysOf(query, 30, 366);
  const count = async (condition: string, ...values: SqlValue[]): Promise<number> => {
    const [row] = await database.all(`SELECT count(*) AS found FROM ${condition}`, values);
    return row === undefined ? 0 : integer(row, 'found');
  };
  const good = `certificates WHERE state = 'issued' AND revoked_at IS NULL AND not_after > $1`;
  return {
    valid: await count(good, now),
    expiring: await count(`${good} AND not_after <= $2`, now, now + 30 * day),
    revoked: await count('certificates WHERE revoked_at IS NOT NULL AND not_after > $1', now),
    failedOrders: await count(`acme_orders WHERE status = 'invalid' AND created_at > $1`, now - 7 * day),
    days: await perDay(database, now, days),
  };
}

/** Days are UTC's. */
async function perDay(sql: Sql, now: number, days: number): Promise<readonly object[]> {
  const today = Math.floor(now / day);
  const first = today - days + 1;
  const counted = async (column: 'issued_at' | 'revoked_at'): Promise<ReadonlyMap<number, number>> => {
    // Whole numbers are divided to whole numbers, by both databases.
    const rows = await sql.all(
      `SELECT ${column} / ${day} AS day, count(*) AS found FROM certificates
       WHERE ${column} >= $1 AND ${column} < $2 AND state = 'issued' GROUP BY ${column} / ${day}`,
      [first * day, (today + 1) * day],
    );
    return new Map(rows.map((row) => [integer(row, 'day'), integer(row, 'found')]));
  };
  const issued = await counted('issued_at');
  const revoked = await counted('revoked_at');
  return Array.from({ length: days }, (_, index) => {
    const at = first + index;
    return {
      day: new Date(at * day).toISOString().slice(0, 10),
      issued: issued.get(at) ?? 0,
      revoked: revoked.get(at) ?? 0,
    };
  });
}

interface NewestList {
  readonly scope: string;
  readonly number: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

export async function freshness({ authority, database, clock }: AdminService): Promise<object> {
  const now = clock().getTime();
  const rows = await database.all(
    `SELECT c.issuer_id, c.scope, c.number, c.this_update, c.next_update FROM crls c
     WHERE c.number = (SELECT max(n.number) FROM crls n WHERE n.issuer_id = c.issuer_id AND n.scope = c.scope)`,
  );
  const lists = new Map<string, NewestList[]>();
  for (const row of rows) {
    const id = text(row, 'issuer_id');
    const list = {
      scope: text(row, 'scope'),
      number: integer(row, 'number'),
      thisUpdate: integer(row, 'this_update'),
      nextUpdate: integer(row, 'next_update'),
    };
    lists.set(id, [...(lists.get(id) ?? []), list]);
  }
  const issuers = (await authority.issuers()).map((issuer) => ({
    id: issuer.id,
    name: issuer.certificate.subject.commonName ?? issuer.certificate.subject.toString(),
    state: issuer.state,
    signs: issuer.signs,
    notAfter: issuer.certificate.notAfter,
    lastEnd: issuer.lastEnd ?? null,
    ...listsOf(lists.get(issuer.id) ?? []),
  }));
  return { issuers, ocsp: await ocspOf(authority, database, now) };
}

/** The complete list, and of the shards how many there are and whose end is the first. */
function listsOf(lists: readonly NewestList[]): object {
  const complete = lists.find(({ scope }) => scope === 'complete');
  const shards = lists.filter(({ scope }) => /^\d+$/.test(scope));
  return {
    crl: complete
      ? {
          number: complete.number,
          thisUpdate: new Date(complete.thisUpdate),
          nextUpdate: new Date(complete.nextUpdate),
        }
      : null,
    shards:
      shards.length === 0
        ? null
        : { count: shards.length, nextUpdate: new Date(Math.min(...shards.map(({ nextUpdate }) => nextUpdate))) },
  };
}

/** Which answers are due is in an index; those that are not need no look. */
async function ocspOf({ profiles }: AdminService['authority'], sql: Sql, now: number): Promise<object | null> {
  if (!profiles.some(({ ocsp }) => ocsp === true)) return null;
  const [row] = await sql.all(
    `SELECT (SELECT count(*) FROM ocsp_answers) AS answers, count(*) AS due, min(next_update) AS next_end
     FROM ocsp_answers WHERE renew_at <= $1`,
    [now],
  );
  if (row === undefined) return null;
  const end = optional(row, 'next_end', integer);
  return {
    answers: integer(row, 'answers'),
    due: integer(row, 'due'),
    nextEnd: end === undefined ? null : new Date(end),
  };
}
