/**
 * Rate limits (RFC 8555 §6.6), in the database, so that all processes hold them together: new accounts of an address, orders of an
 * account, failed validations of an account's name.
 *
 * A limit of N an hour is one row: each thing done weighs an hour / N, and the row says until when all that was done weighs. What
 * would make that more than an hour ahead is refused. So N things may come at once, then one every hour / N; a row is of no more
 * use when its time has come, and there is never more than one of a subject.
 *
 * @module
 */

import type { Sql } from '../store/database.ts';
import { integer, text } from '../store/rows.ts';
import type { Authorization } from './authorizations.ts';
import type { Identifier, Subject } from './identifiers.ts';
import { Problem, type ProblemOptions, problemDocument } from './problems.ts';
import type { AcmeLimits, Service } from './settings.ts';

export type RateKind = 'account' | 'order' | 'failed validation';

export const hourMs = 3_600_000;

const weightOf = (perHour: number): number => Math.ceil(hourMs / perHour);

interface Rate {
  readonly kind: RateKind;
  readonly subject: string;
  /** 0: no limit. */
  readonly perHour: number;
}

/**
 * Looks whether there is room for one more, and answers what counts it in the same transaction.
 *
 * @throws Problem `rateLimited`
 */
export async function roomFor(service: Service, sql: Sql, rate: Rate, now: number): Promise<() => Promise<unknown>> {
  if (rate.perHour === 0) return async () => undefined;
  const [row] = await sql.all('SELECT weighs_until FROM acme_rates WHERE kind = $1 AND subject = $2', [
    rate.kind,
    rate.subject,
  ]);
  const until = row === undefined ? now : integer(row, 'weighs_until');
  if (until + weightOf(rate.perHour) <= now + hourMs) return () => add(sql, rate, now);
  const what = rate.kind === 'account' ? 'new accounts from this address' : 'orders of this account';
  const detail = `there are ${rate.perHour} ${what} an hour`;
  throw rateLimited(service, until + weightOf(rate.perHour) - hourMs - now, { detail });
}

/** A validation that failed. */
export async function countFailure(limits: AcmeLimits, sql: Sql, own: Authorization, now: number): Promise<void> {
  const { failedValidationsPerHour: perHour } = limits;
  if (perHour === 0) return;
  await add(sql, { kind: 'failed validation', subject: failureSubject(own.accountId, own.identifier), perHour }, now);
}

/**
 * Whether names may be tried again that have failed.
 *
 * @throws Problem `rateLimited`
 */
export async function refuseFailing(
  service: Service,
  sql: Sql,
  accountId: string,
  subjects: readonly Subject[],
  now: number,
): Promise<void> {
  const { failedValidationsPerHour: perHour } = service.limits;
  if (perHour === 0) return;
  const full = now + hourMs - weightOf(perHour);
  const keys = subjects.map(({ identifier }) => failureSubject(accountId, identifier));
  const rows = await sql.all(
    `SELECT subject, weighs_until FROM acme_rates WHERE kind = 'failed validation' AND weighs_until > $1
       AND subject IN (${keys.map((_, index) => `$${index + 2}`).join(', ')})`,
    [full, ...keys],
  );
  if (rows.length === 0) return;
  const failing = new Set(rows.map((row) => text(row, 'subject')));
  const detail = `there were ${perHour} failed validations of this identifier within an hour`;
  const subproblems = subjects
    .filter(({ identifier }) => failing.has(failureSubject(accountId, identifier)))
    .map(({ identifier }) => problemDocument('rateLimited', detail, identifier));
  const waitMs = Math.max(...rows.map((row) => integer(row, 'weighs_until'))) - full;
  throw rateLimited(service, waitMs, { detail, subproblems });
}

/** With when to come again, and where the limits are explained. */
export function rateLimited({ options }: Pick<Service, 'options'>, waitMs: number, more: ProblemOptions): Problem {
  const { rateLimitsUrl } = options;
  const headers = {
    'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))),
    ...(rateLimitsUrl !== undefined && { link: `<${rateLimitsUrl}>;rel="help"` }),
  };
  return new Problem('rateLimited', { ...more, headers });
}

/** An IPv4 address; of an IPv6 address its network of 64 bits, which one host has all of. */
export function addressRange(address: string): string {
  const plain = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = (half = ''): string[] => (half === '' ? [] : half.split(':'));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const network = [...before, ...(tail === undefined ? [] : zeros), ...after].slice(0, 4);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** Forgets what weighs nothing any more. */
export async function pruneRates(sql: Sql, now: number, limit: number): Promise<number> {
  return await sql.run(
    `DELETE FROM acme_rates WHERE (kind, subject) IN
       (SELECT kind, subject FROM acme_rates WHERE weighs_until <= $1 LIMIT $2) AND weighs_until <= $1`,
    [now, limit],
  );
}

/** Where there is room. */
async function add(sql: Sql, { kind, subject, perHour }: Rate, now: number): Promise<unknown> {
  const weight = weightOf(perHour);
  return await sql.run(
    `INSERT INTO acme_rates (kind, subject, weighs_until) VALUES ($1, $2, $3)
     ON CONFLICT (kind, subject) DO UPDATE SET weighs_until =
       CASE WHEN acme_rates.weighs_until > $4 THEN acme_rates.weighs_until + $5 ELSE excluded.weighs_until END
     WHERE acme_rates.weighs_until <= $6`,
    [kind, subject, now + weight, now, weight, now + hourMs - weight],
  );
}

function failureSubject(accountId: string, { type, value }: Identifier): string {
  return `${accountId} ${type} ${value}`;
}
