/**
 * From an HTTP request to one that is authenticated (RFC 8555 §6.2 to §6.5), and its work in one transaction with the nonce.
 *
 * The signature is verified before the nonce is written down, so that nobody without a key can make the database write. A
 * problem that a handler throws leaves the nonce used; handlers refuse before they write. What cannot be done in a transaction
 * (the authority's own work) is done after it, in `after`.
 *
 * @module
 */

import { type Bytes, copyBytes, type PublicKeyInfo } from '@handfast/crypto';
import type { Sql } from '../store/database.ts';
import { type Account, findAccount } from './accounts.ts';
import { embeddedKey, type Jws, parseJws, verifyJws } from './jws.ts';
import { malformed, Problem } from './problems.ts';
import type { AcmeEvent, Service } from './settings.ts';

/** Who may sign: an account, by its URL; a key that comes along; or either. */
export type SignedBy = 'account' | 'key' | 'either';

export interface Call {
  readonly service: Service;
  /** The path's parameter; empty where there is none. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly url: string;
  readonly now: number;
  /** The client's, where whoever listens has told it. */
  readonly address: string | undefined;
  readonly jws: Jws;
  /** The key that has signed. */
  readonly key: PublicKeyInfo;
  /** Where an account has signed. */
  readonly account: Account | undefined;
}

export interface AccountCall extends Call {
  readonly account: Account;
}

/** What goes back: `body` as JSON, or text as it is. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: object | string | undefined;
  /** Further Link headers. */
  readonly links?: readonly string[] | undefined;
  /** For the log, once it is durable. */
  readonly event?: AcmeEvent | undefined;
}

export interface After {
  /** Runs once the transaction is durable. */
  readonly after: () => Promise<Answer>;
}

export interface Handler<C extends Call = Call> {
  (call: C, sql: Sql): Promise<Answer | After>;
  /** Whether it asks nothing of its account but who it is: then what it reads is asked for before the account is looked at. */
  readonly early?: true;
  /** Whether it only reads where the payload is empty, all of it at once. */
  readonly reads?: true;
}

/** A request as it came in. */
export interface Received {
  readonly method: string;
  readonly url: URL;
  readonly contentType: string | undefined;
  readonly address: string | undefined;
  /** `undefined` where it is longer. */
  body(maxBytes: number): Promise<Uint8Array | undefined>;
}

/** @throws Problem */
export async function answerSigned(
  service: Service,
  received: Received,
  id: string,
  signedBy: SignedBy,
  handler: Handler,
): Promise<Answer> {
  const { provider, database } = service;
  const { pathname, search, searchParams } = received.url;
  const url = `${service.links.base}${pathname}${search}`;
  const jws = parseJws(await jwsOf(received, service.limits.bodyBytes));
  if (jws.url !== url) throw new Problem('unauthorized', { detail: 'the JWS is signed for another URL' });
  if (jws.kid === undefined ? signedBy === 'account' : signedBy === 'key') {
    throw malformed(`this request is signed with ${signedBy === 'key' ? 'its "jwk"' : 'an account\'s "kid"'}`);
  }
  const known = jws.kid === undefined ? undefined : await accountOf(service, jws.kid, jws);
  const key = known?.key ?? embeddedKey(jws);
  if (known === undefined) await verifyJws(provider, jws, key);

  const early = known !== undefined && handler.early === true;
  const work = async (sql: Sql): Promise<Answer | After | Problem> => {
    const now = service.now();
    const call = { service, id, query: searchParams, url, now, address: received.address, jws, key };
    const checked = checkedAccount(service, sql, { jws, known, now });
    try {
      if (!early) return await handler({ ...call, account: await checked }, sql);
      // All is asked before any of it is waited for: what was read is forgotten where nonce or account are not good.
      const handled = handler({ ...call, account: known }, writingAfter(checked, sql));
      handled.catch(() => undefined); // it is looked at below, or not at all
      await checked.finally(async () => await Promise.allSettled([handled]));
      return await handled;
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  };
  const atOnce = early && handler.reads === true && jws.payload.length === 0;
  const outcome = await database.transaction(work, { atOnce });
  if (outcome instanceof Problem) throw outcome;
  const answer = 'after' in outcome ? await outcome.after() : outcome;
  if (answer.event !== undefined) service.log(answer.event);
  return answer;
}

/**
 * The account as it is now. The nonce is used up whatever comes of it.
 *
 * @throws Problem `badNonce`, `unauthorized`
 */
async function checkedAccount(
  { nonces }: Service,
  sql: Sql,
  { jws, known, now }: { readonly jws: Jws; readonly known: Account | undefined; readonly now: number },
): Promise<Account | undefined> {
  const [good, account] = await Promise.all([
    nonces.redeem(sql, jws.nonce, now),
    known === undefined ? undefined : findAccount(sql, known.id, known),
  ]);
  if (!good) throw new Problem('badNonce');
  if (account?.thumbprint !== known?.thumbprint)
    throw new Problem('unauthorized', { detail: "the account's key was changed" });
  if (account !== undefined && account.status !== 'valid') {
    throw new Problem('unauthorized', { status: 401, detail: `the account is ${account.status}` });
  }
  return account;
}

/** What reads goes to the database at once; what writes does when `checked` is good, and never else. */
function writingAfter(checked: Promise<unknown>, sql: Sql): Sql {
  let good = false;
  const passed = checked.then(() => {
    good = true;
  });
  passed.catch(() => undefined); // it is the caller's to look at
  return {
    writer: sql.writer,
    all: (text, values) =>
      good || /^\s*select\b/i.test(text) ? sql.all(text, values) : passed.then(() => sql.all(text, values)),
    run: (text, values) => (good ? sql.run(text, values) : passed.then(() => sql.run(text, values))),
  };
}

/** A handler of what accounts alone may ask. */
export function forAccount(handler: Handler<AccountCall>): Handler {
  return async (call, sql) => {
    const { account } = call;
    if (account === undefined) throw new Problem('unauthorized');
    return await handler({ ...call, account }, sql);
  };
}

/** One whose account's id, key and thumbprint are all that matters. */
export function early(handler: Handler<AccountCall>): Handler {
  return Object.assign(forAccount(handler), { early: true as const });
}

/** A handler of POST-as-GET (RFC 8555 §6.3). */
export function reading(handler: Handler<AccountCall>): Handler {
  return alsoReading(async (call, sql) => {
    if (call.jws.payload.length > 0) throw malformed('this resource is read with an empty payload (POST-as-GET)');
    return await handler(call, sql);
  });
}

/** One that reads where the payload is empty, all of it at once, and else does more. */
export function alsoReading(handler: Handler<AccountCall>): Handler {
  return Object.assign(early(handler), { reads: true as const });
}

async function accountOf({ links, database, accounts }: Service, kid: string, jws: Jws): Promise<Account> {
  const id = links.idOf('account', kid);
  if (id === undefined) throw new Problem('accountDoesNotExist');
  return await accounts.signerOf(database, id, jws);
}

async function jwsOf({ contentType, body }: Received, limit: number): Promise<Bytes> {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/jose+json') throw malformed('requests are of type application/jose+json', 415);
  const read = await body(limit);
  if (read === undefined) throw malformed(`a request has at most ${limit} bytes`, 413);
  return copyBytes(read);
}
