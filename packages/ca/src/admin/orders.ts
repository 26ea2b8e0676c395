/**
 * ACME orders that failed, and why: what the client was told of the order, and of each challenge that was tried.
 *
 * @module
 */

import type { Sql, SqlRow } from '../store/database.ts';
import { integer, optional, text } from '../store/rows.ts';
import { AdminProblem } from './problems.ts';
import type { AdminService } from './service.ts';

const pageSize = 50;

/** Whose end is the latest first, which is about when they were made. */
export async function failedOrders({ database, clock }: AdminService, query: URLSearchParams): Promise<object> {
  const cursor = cursorOf(query.get('before'));
  const now = clock().getTime();
  // A state at a time, since each is then read from the end of its index.
  const rows = [
    ...(await ordersIn(database, 'invalid', cursor)),
    // What nobody finished in time is told when somebody asks: nothing is written.
    ...(await ordersIn(database, 'pending', { ...cursor, endsBy: Math.min(cursor.endsBy, now) })),
    ...(await ordersIn(database, 'ready', { ...cursor, endsBy: Math.min(cursor.endsBy, now) })),
  ].sort((a, b) => integer(b, 'expires_at') - integer(a, 'expires_at') || (text(a, 'id') < text(b, 'id') ? 1 : -1));
  const page = rows.slice(0, pageSize);
  const last = page.at(-1);
  const identifiers = await identifiersOf(database, page);
  return {
    orders: page.map((row) => ({
      id: text(row, 'id'),
      status: text(row, 'status') === 'invalid' ? 'failed' : 'lapsed',
      account: text(row, 'account_id'),
      contacts: listOf(text(row, 'contacts')),
      profile: optional(row, 'profile', text) ?? null,
      createdAt: new Date(integer(row, 'created_at')),
      expiresAt: new Date(integer(row, 'expires_at')),
      error: reasonOf(optional(row, 'error', text)),
      identifiers: identifiers.get(text(row, 'id')) ?? [],
    })),
    next: rows.length > pageSize && last ? `${integer(last, 'expires_at')}.${text(last, 'id')}` : null,
  };
}

interface Cursor {
  readonly endsBy: number;
  /** Among those that end just then: before this one. */
  readonly id: string | undefined;
  readonly at: number;
}

function cursorOf(given: string | null): Cursor {
  if (given === null) return { endsBy: Number.MAX_SAFE_INTEGER, id: undefined, at: Number.MAX_SAFE_INTEGER };
  const [, at, id] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(given) ?? [];
  if (at === undefined || id === undefined) throw new AdminProblem('bad_request', { detail: 'no such page' });
  return { endsBy: Number(at), id, at: Number(at) };
}

async function ordersIn(sql: Sql, status: string, { endsBy, id, at }: Cursor): Promise<readonly SqlRow[]> {
  return await sql.all(
    `SELECT o.id, o.status, o.account_id, a.contacts, o.profile, o.created_at, o.expires_at, o.error
     FROM acme_orders o JOIN acme_accounts a ON a.id = o.account_id
     WHERE o.status = $1 AND o.expires_at <= $2 AND (o.expires_at < $3 OR o.id < $4)
     ORDER BY o.expires_at DESC, o.id DESC LIMIT $5`,
    [status, endsBy, at, id ?? '', pageSize + 1],
  );
}

interface FailedIdentifier {
  readonly name: string;
  readonly status: string;
  readonly attempts: { readonly type: string; readonly error: Reason }[];
}

async function identifiersOf(
  sql: Sql,
  orders: readonly SqlRow[],
): Promise<ReadonlyMap<string, readonly FailedIdentifier[]>> {
  const found = new Map<string, Map<string, FailedIdentifier>>();
  if (orders.length === 0) return new Map();
  const rows = await sql.all(
    `SELECT oa.order_id, z.id, z.identifier_value, z.wildcard, z.status, c.type, c.error
     FROM acme_order_authorizations oa
     JOIN acme_authorizations z ON z.id = oa.authorization_id
     LEFT JOIN acme_challenges c ON c.authorization_id = z.id AND c.error IS NOT NULL
     WHERE oa.order_id IN (${orders.map((_, index) => `$${index + 1}`).join(', ')})
     ORDER BY oa.order_id, oa.position, c.type`,
    orders.map((row) => text(row, 'id')),
  );
  for (const row of rows) {
    const order = found.get(text(row, 'order_id')) ?? new Map<string, FailedIdentifier>();
    found.set(text(row, 'order_id'), order);
    const name = `${integer(row, 'wildcard') === 1 ? '*.' : ''}${text(row, 'identifier_value')}`;
    const one = order.get(text(row, 'id')) ?? { name, status: text(row, 'status'), attempts: [] };
    order.set(text(row, 'id'), one);
    const error = reasonOf(optional(row, 'error', text));
    if (error !== null) one.attempts.push({ type: text(row, 'type'), error });
  }
  return new Map([...found].map(([id, order]) => [id, [...order.values()]]));
}

interface Reason {
  /** As in `urn:ietf:params:acme:error:…`. */
  readonly type: string;
  readonly detail: string;
}

/** Of a problem document, which the CA itself has written. */
function reasonOf(json: string | undefined): Reason | null {
  if (json === undefined) return null;
  const problem: unknown = JSON.parse(json);
  const of = (key: 'type' | 'detail'): string => {
    const value = typeof problem === 'object' && problem !== null ? new Map(Object.entries(problem)).get(key) : '';
    return typeof value === 'string' ? value : '';
  };
  return { type: of('type').replace(/^urn:ietf:params:acme:error:/, ''), detail: of('detail') };
}

function listOf(json: string): readonly string[] {
  const value: unknown = JSON.parse(json);
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
