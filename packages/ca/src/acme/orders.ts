/**
 * Orders (RFC 8555 §7.1.3, §7.4): made, shown, listed; RFC 9773 §5 for what an order replaces, the profiles draft for profiles.
 * Finalizing is in `finalize.ts`.
 *
 * @module
 */

import { parseCertificate, parsePem } from '@handfast/x509';
import { lastly, type Sql, type SqlRow } from '../store/database.ts';
import { integer, optional, text } from '../store/rows.ts';
import { type Authorization, authorizationFor, authorizationsOf, oneOf, retryAfter } from './authorizations.ts';
import { jsonMembers, type Members, stringMember } from './encoding.ts';
import { orderIdentifier, parseIdentifiers } from './identifiers.ts';
import { malformed, Problem, problemDocument } from './problems.ts';
import { hourMs, rateLimited, refuseFailing, roomFor } from './rates.ts';
import { isIdOf, parseCertId } from './renewal-info.ts';
import type { AccountCall, Answer } from './requests.ts';
import type { Service } from './settings.ts';
import type { OrderStatus } from './states.ts';

export interface Order {
  readonly id: string;
  readonly accountId: string;
  readonly status: OrderStatus;
  readonly expiresAt: number;
  readonly profile: string | undefined;
  /** As RFC 9773 §4.1 names a certificate. */
  readonly replaces: string | undefined;
  readonly error: string | undefined;
  readonly chain: string | undefined;
  /** Other chains, PEM each. */
  readonly alternates: readonly string[];
}

const columns = 'id, account_id, status, expires_at, profile, replaces, error, chain, alternates';

export async function newOrder(call: AccountCall, sql: Sql): Promise<Answer> {
  const { service, account, now, jws } = call;
  const { limits, options } = service;
  const payload = jsonMembers(jws.payload, 'the payload');
  const allows = options.allowsName ?? (() => true);
  const subjects = parseIdentifiers(payload.get('identifiers'), limits.identifiersPerOrder, allows);
  const unproven = subjects.filter((subject) => !service.challenges.some((challenge) => challenge.offers(subject)));
  if (unproven.length > 0) {
    const detail = 'the CA has no challenge by which this identifier could be proven';
    const subproblems = unproven.map((subject) =>
      problemDocument('rejectedIdentifier', detail, orderIdentifier(subject)),
    );
    throw new Problem('rejectedIdentifier', { detail, subproblems });
  }
  if (payload.get('notBefore') !== undefined || payload.get('notAfter') !== undefined) {
    throw malformed("how long a certificate lasts is the profile's to say, not the order's");
  }
  const profile = profileOf(payload, service);
  const names = new Set(subjects.map((subject) => orderIdentifier(subject).value));
  const expiry = now + limits.orderLifetimeMs;
  const writes: (() => Promise<unknown>)[] = [];
  const rate = { kind: 'order', subject: account.id, perHour: limits.ordersPerHour } as const;
  const authorizing = subjects.map((subject) =>
    authorizationFor(service, sql, { accountId: account.id, subject, now, expiry, writes }),
  );
  const [authorizations, replaces, count] = await Promise.all([
    Promise.all(authorizing),
    replacedBy(call, sql, payload, names),
    roomFor(service, sql, rate, now),
    refuseTooMany(call, sql),
    refuseFailing(service, sql, account.id, subjects, now),
  ]);

  const id = service.newId();
  const status: OrderStatus = authorizations.every((one) => one.status === 'valid') ? 'ready' : 'pending';
  const expiresAt = Math.min(expiry, ...authorizations.map((one) => one.expiresAt));
  lastly(
    count(),
    ...writes.map((write) => write()),
    sql.run(
      `INSERT INTO acme_orders (id, account_id, status, expires_at, profile, replaces, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, account.id, status, expiresAt, profile ?? null, replaces ?? null, now],
    ),
    ...authorizations.map((one, position) =>
      sql.run('INSERT INTO acme_order_authorizations (order_id, position, authorization_id) VALUES ($1, $2, $3)', [
        id,
        position,
        one.id,
      ]),
    ),
  );
  const order = {
    id,
    accountId: account.id,
    status,
    expiresAt,
    profile,
    replaces,
    error: undefined,
    chain: undefined,
    alternates: [],
  };
  return {
    ...orderAnswer(service, order, authorizations, now, 201),
    event: { event: 'new order', orderId: id, accountId: account.id, names: subjects.length },
  };
}

export async function order(call: AccountCall, sql: Sql): Promise<Answer> {
  const [own, authorizations] = await Promise.all([ownOrder(call, sql), authorizationsOf(sql, call.id)]);
  return orderAnswer(call.service, own, authorizations, call.now);
}

/** RFC 8555 §7.1.2.1: newest first, page by page. */
export async function orderList({ service, account, id, query }: AccountCall, sql: Sql): Promise<Answer> {
  if (id !== account.id) throw new Problem('unauthorized');
  const { links, limits } = service;
  const cursor = query.get('cursor');
  const limit = limits.ordersPerPage + 1;
  const shown = "account_id = $1 AND status <> 'invalid'";
  const order = 'ORDER BY created_at DESC, id DESC LIMIT $2';
  const [rows, cursorRow] = await Promise.all(
    cursor === null
      ? [sql.all(`SELECT id FROM acme_orders WHERE ${shown} ${order}`, [account.id, limit])]
      : [
          sql.all(
            `SELECT id FROM acme_orders WHERE ${shown}
               AND (created_at, id) < ((SELECT created_at FROM acme_orders WHERE id = $3), $3) ${order}`,
            [account.id, limit, cursor],
          ),
          sql.all('SELECT id FROM acme_orders WHERE id = $1 AND account_id = $2', [cursor, account.id]),
        ],
  );
  if (cursorRow?.length === 0) throw malformed('there is no such page', 404);
  const ids = rows.map((row) => text(row, 'id')).slice(0, limits.ordersPerPage);
  const last = rows.length > ids.length ? ids.at(-1) : undefined;
  return {
    status: 200,
    links: last === undefined ? [] : [`<${links.to('account', account.id)}/orders?cursor=${last}>;rel="next"`],
    body: { orders: ids.map((each) => links.to('order', each)) },
  };
}

/** The chain as it was issued, leaf first; with links to the others that there are, or one of those (RFC 8555 §7.4.2). */
export async function certificate(call: AccountCall, sql: Sql): Promise<Answer> {
  const { links } = call.service;
  // `<order>`, or `<order>/<alternate>`
  const [id = '', alternate = '0'] = call.id.split('/');
  const { chain, alternates } = await ownOrder({ ...call, id }, sql);
  const chains = chain === undefined ? [] : [chain, ...alternates];
  const at = chains.findIndex((_, index) => String(index) === alternate);
  const shown = chains[at];
  if (shown === undefined) throw malformed('there is no such certificate', 404);
  const urls = chains.map((_, index) => `${links.to('certificate', id)}${index === 0 ? '' : `/${index}`}`);
  return {
    status: 200,
    headers: { 'content-type': 'application/pem-certificate-chain' },
    links: urls.filter((_, index) => index !== at).map((url) => `<${url}>;rel="alternate"`),
    body: shown,
  };
}

export async function ownOrder({ account, id }: AccountCall, sql: Sql): Promise<Order> {
  const found = await findOrder(sql, id);
  if (found === undefined) throw malformed('there is no such order', 404);
  if (found.accountId !== account.id) throw new Problem('unauthorized');
  return found;
}

export async function findOrder(sql: Sql, id: string): Promise<Order | undefined> {
  const [row] = await sql.all(`SELECT ${columns} FROM acme_orders WHERE id = $1`, [id]);
  return row && orderOf(row);
}

export function orderAnswer(
  service: Service,
  own: Order,
  authorizations: readonly Authorization[],
  now: number,
  code = 200,
): Answer {
  const { links } = service;
  const location = links.to('order', own.id);
  return {
    status: code,
    headers: { location, ...(own.status === 'processing' && retryAfter(service)) },
    body: {
      status: shownStatus(own, now),
      expires: new Date(own.expiresAt).toISOString(),
      identifiers: authorizations.map(orderIdentifier),
      authorizations: authorizations.map(({ id }) => links.to('authorization', id)),
      finalize: `${location}/finalize`,
      ...(own.profile !== undefined && { profile: own.profile }),
      ...(own.replaces !== undefined && { replaces: own.replaces }),
      ...(own.error !== undefined && { error: JSON.parse(own.error) }),
      ...(own.status === 'valid' && { certificate: links.to('certificate', own.id) }),
    },
  };
}

/** What is not done in time is invalid. */
export function shownStatus({ status, expiresAt }: Order, now: number): OrderStatus {
  return (status === 'pending' || status === 'ready') && expiresAt <= now ? 'invalid' : status;
}

function profileOf(payload: Members, service: Service): string | undefined {
  const profile = stringMember(payload, 'profile');
  if (profile !== undefined && !hasProfile(service, profile)) throw new Problem('invalidProfile');
  return profile;
}

export function hasProfile({ options }: Service, profile: string): boolean {
  return Object.hasOwn(options.profiles ?? {}, profile);
}

/** RFC 9773 §5. */
async function replacedBy(
  { account, now }: AccountCall,
  sql: Sql,
  payload: Members,
  names: ReadonlySet<string>,
): Promise<string | undefined> {
  const replaces = stringMember(payload, 'replaces');
  if (replaces === undefined) return undefined;
  const certId = parseCertId(replaces);
  const ordered = 'SELECT id, chain FROM acme_orders WHERE serial = $1 AND account_id = $2';
  const [row] = await sql.all(ordered, [certId.serial, account.id]);
  const [leaf] = row === undefined ? [] : parsePem(text(row, 'chain'));
  // A certificate has one identifier: it is replaced once, whatever the client writes.
  if (row === undefined || leaf === undefined || !isIdOf(certId, parseCertificate(leaf.bytes))) {
    throw malformed('the account has no certificate as the order is to replace');
  }
  const before = await authorizationsOf(sql, text(row, 'id'));
  if (!before.some((one) => names.has(orderIdentifier(one).value))) {
    throw malformed('the certificate that is to be replaced has none of these names');
  }
  const earlier = await sql.all(
    `SELECT id FROM acme_orders WHERE replaces = $1
       AND (status IN ('processing', 'valid') OR (status IN ('pending', 'ready') AND expires_at > $2)) LIMIT 1`,
    [replaces, now],
  );
  if (earlier.length > 0) throw new Problem('alreadyReplaced');
  return replaces;
}

async function refuseTooMany({ service, account, now }: AccountCall, sql: Sql): Promise<void> {
  const { openOrdersPerAccount } = service.limits;
  const [row] = await sql.all(
    `SELECT count(*) AS open FROM acme_orders
     WHERE account_id = $1 AND status IN ('pending', 'ready', 'processing') AND expires_at > $2`,
    [account.id, now],
  );
  if (row === undefined || integer(row, 'open') < openOrdersPerAccount) return;
  const detail = `the account has ${openOrdersPerAccount} open orders: finish some, or wait until they expire`;
  throw rateLimited(service, hourMs, { detail });
}

function orderOf(row: SqlRow): Order {
  return {
    id: text(row, 'id'),
    accountId: text(row, 'account_id'),
    status: oneOf(['pending', 'ready', 'processing', 'valid', 'invalid'], text(row, 'status')),
    expiresAt: integer(row, 'expires_at'),
    profile: optional(row, 'profile', text),
    replaces: optional(row, 'replaces', text),
    error: optional(row, 'error', text),
    chain: optional(row, 'chain', text),
    alternates: JSON.parse(optional(row, 'alternates', text) ?? '[]'),
  };
}
