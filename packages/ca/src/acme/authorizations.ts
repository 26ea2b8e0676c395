/**
 * Authorizations and their challenges (RFC 8555 §7.1.4, §7.5): made with an order or taken over from an earlier one, shown,
 * deactivated, and settled when a challenge was validated.
 *
 * @module
 */

import { lastly, type Sql, type SqlRow } from '../store/database.ts';
import { integer, optional, text } from '../store/rows.ts';
import { base64url, jsonMembers } from './encoding.ts';
import { type Identifier, orderIdentifier, type Subject } from './identifiers.ts';
import { malformed, Problem, type ProblemDocument, problemDocument } from './problems.ts';
import { countFailure, rateLimited } from './rates.ts';
import type { AccountCall, After, Answer } from './requests.ts';
import type { Service } from './settings.ts';
import { type AuthorizationStatus, type ChallengeStatus, move } from './states.ts';

export interface Authorization extends Subject {
  readonly id: string;
  readonly accountId: string;
  readonly status: AuthorizationStatus;
  readonly expiresAt: number;
  readonly caaCheckedAt: number | undefined;
}

export interface ChallengeRow {
  readonly id: string;
  readonly authorizationId: string;
  readonly type: string;
  readonly token: string;
  readonly status: ChallengeStatus;
  readonly validatedAt: number | undefined;
  readonly error: string | undefined;
}

const columns =
  'a.id, a.account_id, a.identifier_type, a.identifier_value, a.wildcard, a.status, a.expires_at, a.caa_checked_at';

export async function findAuthorization(sql: Sql, id: string): Promise<Authorization | undefined> {
  const [row] = await sql.all(`SELECT ${columns} FROM acme_authorizations a WHERE a.id = $1`, [id]);
  return row && authorizationOf(row);
}

/** Those of an order, in its order. */
export async function authorizationsOf(sql: Sql, orderId: string): Promise<readonly Authorization[]> {
  const rows = await sql.all(
    `SELECT ${columns} FROM acme_order_authorizations o JOIN acme_authorizations a ON a.id = o.authorization_id
     WHERE o.order_id = $1 ORDER BY o.position`,
    [orderId],
  );
  return rows.map(authorizationOf);
}

interface Wanted {
  readonly accountId: string;
  readonly subject: Subject;
  readonly now: number;
  readonly expiry: number;
  /** Takes what is to be written, so that it goes to the database with the order. */
  readonly writes: (() => Promise<unknown>)[];
}

/** One that is valid still and proven a short while ago, where that is allowed; else a new one with its challenges. */
export async function authorizationFor(
  service: Service,
  sql: Sql,
  { accountId, subject, now, expiry: expiresAt, writes }: Wanted,
): Promise<Authorization> {
  const { identifier, wildcard } = subject;
  const reusable = service.limits.authorizationReuseMs;
  if (reusable > 0) {
    const [row] = await sql.all(
      `SELECT ${columns} FROM acme_authorizations a WHERE a.account_id = $1 AND a.identifier_value = $2
         AND a.identifier_type = $3 AND a.wildcard = $4 AND a.status = 'valid' AND a.validated_at > $5 AND a.expires_at > $6
       ORDER BY a.validated_at DESC LIMIT 1`,
      [accountId, identifier.value, identifier.type, wildcard ? 1 : 0, now - reusable, now],
    );
    if (row !== undefined) return authorizationOf(row);
  }
  const id = service.newId();
  const types = service.challenges.filter((challenge) => challenge.offers(subject)).map(({ type }) => type);
  writes.push(
    () =>
      sql.run(
        `INSERT INTO acme_authorizations
           (id, account_id, identifier_type, identifier_value, wildcard, status, expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7)`,
        [id, accountId, identifier.type, identifier.value, wildcard ? 1 : 0, expiresAt, now],
      ),
    ...types.map(
      (type) => () =>
        sql.run(
          "INSERT INTO acme_challenges (id, authorization_id, type, token, status) VALUES ($1, $2, $3, $4, 'pending')",
          // RFC 8555 §8.3: at least 128 bits; 256 here.
          [service.newId(), id, type, base64url(service.provider.random(32))],
        ),
    ),
  );
  return { id, accountId, identifier, wildcard, status: 'pending', expiresAt, caaCheckedAt: undefined };
}

export async function authorization(call: AccountCall, sql: Sql): Promise<Answer> {
  const { service, now, jws } = call;
  const [own, challenges] = await Promise.all([ownAuthorization(call, sql, call.id), challengesOf(sql, call.id)]);
  if (jws.payload.length === 0) return authorizationAnswer(service, own, challenges, now);
  // RFC 8555 §7.5.2
  if (jsonMembers(jws.payload, 'the payload').get('status') !== 'deactivated') {
    throw malformed('a client sets the status to "deactivated" alone');
  }
  if (own.status !== 'pending' && own.status !== 'valid') throw malformed(`the authorization is ${own.status}`);
  await move(sql, 'acme_authorizations', own.id, own.status, 'deactivated');
  await failOrders(sql, own, problemDocument('unauthorized', 'an authorization was deactivated'));
  return authorizationAnswer(service, { ...own, status: 'deactivated' }, challenges, now);
}

/** What validations take that wait for many others. */
const busyMs = 60_000;

/** What a challenge that is looked at again, or begun, comes down to: the validation runs after the transaction. */
export type Begin = (challenge: ChallengeRow, authorization: Authorization) => () => Promise<void>;

/** POST-as-GET shows it; a POST with an object says that the client is ready (RFC 8555 §7.5.1). */
export async function challenge(call: AccountCall, sql: Sql, begin: Begin): Promise<Answer | After> {
  const { service, jws, now } = call;
  const [[row], [owner]] = await Promise.all([
    sql.all('SELECT * FROM acme_challenges WHERE id = $1', [call.id]),
    sql.all(
      `SELECT ${columns} FROM acme_authorizations a
       WHERE a.id = (SELECT authorization_id FROM acme_challenges WHERE id = $1)`,
      [call.id],
    ),
  ]);
  if (row === undefined) throw malformed('there is no such challenge', 404);
  const found = challengeOf(row);
  const own = ownedBy(call, owner && authorizationOf(owner));
  if (jws.payload.length === 0) return challengeAnswer(service, found);
  jsonMembers(jws.payload, 'the payload');
  // Asked again, or too late: the client sees how it stands.
  if (found.status !== 'pending' || own.status !== 'pending') return challengeAnswer(service, found);
  if (own.expiresAt <= now) throw malformed('the authorization has expired');
  const { waitingValidations } = service.limits;
  if (service.waiting(own.accountId) >= waitingValidations) {
    const detail = `${waitingValidations} validations of this account wait for their turn: come again when some are done`;
    throw rateLimited(service, busyMs, { detail });
  }
  const lease = { leased_until: now + service.limits.leaseMs };
  lastly(move(sql, 'acme_challenges', found.id, 'pending', 'processing', lease));
  const processing: ChallengeRow = { ...found, status: 'processing' };
  const work = begin(processing, own);
  return {
    after: async () => {
      service.held.add(found.id);
      service.background(own.accountId, work);
      return challengeAnswer(service, processing);
    },
  };
}

/** Writes down what came of a validation, for the authorization and its orders too. */
export async function settle(
  service: Service,
  sql: Sql,
  { id, authorizationId }: ChallengeRow,
  failure: ProblemDocument | undefined,
): Promise<void> {
  const now = service.now();
  const status = failure === undefined ? 'valid' : 'invalid';
  const set = failure === undefined ? { validated_at: now } : { error: JSON.stringify(failure) };
  const [moved, own] = await Promise.all([
    move(sql, 'acme_challenges', id, 'processing', status, set),
    findAuthorization(sql, authorizationId),
  ]);
  if (!moved || own === undefined) return;
  if (failure !== undefined) {
    if (!(await move(sql, 'acme_authorizations', own.id, 'pending', 'invalid'))) return;
    await countFailure(service.limits, sql, own, now);
    return await failOrders(sql, own, failure);
  }
  // The second looks at what is valid by then, so that it needs no answer of the first.
  lastly(
    move(sql, 'acme_authorizations', own.id, 'pending', 'valid', {
      validated_at: now,
      expires_at: Math.max(own.expiresAt, now + service.limits.authorizationReuseMs),
      caa_checked_at: service.options.caa === undefined ? null : now,
    }),
    sql.run(
      `UPDATE acme_orders SET status = 'ready' WHERE status = 'pending'
         AND id IN (SELECT order_id FROM acme_order_authorizations WHERE authorization_id = $1)
         AND NOT EXISTS (SELECT 1 FROM acme_order_authorizations o JOIN acme_authorizations a ON a.id = o.authorization_id
                         WHERE o.order_id = acme_orders.id AND a.status <> 'valid')`,
      [own.id],
    ),
  );
}

/** RFC 8555 §7.1.6: an order whose authorization fails is invalid. */
async function failOrders(sql: Sql, own: Authorization, failure: ProblemDocument): Promise<void> {
  const subproblem: ProblemDocument = { ...failure, identifier: orderIdentifier(own) };
  await sql.run(
    `UPDATE acme_orders SET status = 'invalid', error = $2 WHERE status IN ('pending', 'ready')
       AND id IN (SELECT order_id FROM acme_order_authorizations WHERE authorization_id = $1)`,
    [own.id, JSON.stringify({ ...failure, subproblems: [subproblem] })],
  );
}

async function ownAuthorization(call: AccountCall, sql: Sql, id: string): Promise<Authorization> {
  return ownedBy(call, await findAuthorization(sql, id));
}

function ownedBy({ account }: AccountCall, found: Authorization | undefined): Authorization {
  if (found === undefined) throw malformed('there is no such authorization', 404);
  if (found.accountId !== account.id) throw new Problem('unauthorized');
  return found;
}

async function challengesOf(sql: Sql, authorizationId: string): Promise<readonly ChallengeRow[]> {
  const rows = await sql.all('SELECT * FROM acme_challenges WHERE authorization_id = $1 ORDER BY type, id', [
    authorizationId,
  ]);
  return rows.map(challengeOf);
}

function authorizationAnswer(
  service: Service,
  own: Authorization,
  challenges: readonly ChallengeRow[],
  now: number,
): Answer {
  const { identifier, wildcard, expiresAt } = own;
  const working = challenges.some(({ status }) => status === 'processing');
  // Once it is decided, the one that decided is of interest (RFC 8555 §7.1.4).
  const decided = challenges.filter(({ status }) => status === own.status);
  const shown = own.status === 'pending' || decided.length === 0 ? challenges : decided;
  return {
    status: 200,
    headers: working ? retryAfter(service) : undefined,
    body: {
      identifier,
      status: shownStatus(own, now),
      expires: new Date(expiresAt).toISOString(),
      challenges: shown.map((row) => challengeBody(service, row)),
      ...(wildcard && { wildcard }),
    },
  };
}

function shownStatus({ status, expiresAt }: Authorization, now: number): string {
  if (expiresAt > now) return status;
  return status === 'valid' ? 'expired' : status === 'pending' ? 'invalid' : status;
}

function challengeAnswer(service: Service, row: ChallengeRow): Answer {
  return {
    status: 200,
    headers: row.status === 'processing' ? retryAfter(service) : undefined,
    links: [`<${service.links.to('authorization', row.authorizationId)}>;rel="up"`],
    body: challengeBody(service, row),
  };
}

function challengeBody({ links }: Service, { id, type, token, status, validatedAt, error }: ChallengeRow): object {
  return {
    type,
    url: links.to('challenge', id),
    token,
    status,
    ...(validatedAt !== undefined && { validated: new Date(validatedAt).toISOString() }),
    ...(error !== undefined && { error: JSON.parse(error) }),
  };
}

export function retryAfter({ limits }: Service): Readonly<Record<string, string>> {
  return { 'retry-after': String(limits.retryAfterSeconds) };
}

export function authorizationOf(row: SqlRow): Authorization {
  const identifier: Identifier = {
    type: text(row, 'identifier_type') === 'ip' ? 'ip' : 'dns',
    value: text(row, 'identifier_value'),
  };
  return {
    id: text(row, 'id'),
    accountId: text(row, 'account_id'),
    identifier,
    wildcard: integer(row, 'wildcard') === 1,
    status: oneOf(['pending', 'valid', 'invalid', 'deactivated'], text(row, 'status')),
    expiresAt: integer(row, 'expires_at'),
    caaCheckedAt: optional(row, 'caa_checked_at', integer),
  };
}

export function challengeOf(row: SqlRow): ChallengeRow {
  return {
    id: text(row, 'id'),
    authorizationId: text(row, 'authorization_id'),
    type: text(row, 'type'),
    token: text(row, 'token'),
    status: oneOf(['pending', 'processing', 'valid', 'invalid'], text(row, 'status')),
    validatedAt: optional(row, 'validated_at', integer),
    error: optional(row, 'error', text),
  };
}

export function oneOf<T extends string>(values: readonly T[], value: string): T {
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) throw new TypeError('a status that the schema does not have');
  return found;
}
