/**
 * From an HTTP request to one that is authenticated (RFC 8555 §6.2 to §6.5), and its work in one transaction with the nonce.
 *
 * The signature is verified before the nonce is written down, so that nobody without a key can make the database write. A
 * problem that a handler throws leaves the nonce used; handlers refuse before they write. What cannot be done in a transaction
 * (the authority's own work) is done after it, in `after`.
 *
 * @module
 */

import { type Bytes, join, type PublicKeyInfo } from '@handfast/crypto';
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

export type Handler<C extends Call = Call> = (call: C, sql: Sql) => Promise<Answer | After>;

/** @throws Problem */
export async function answerSigned(
  service: Service,
  request: Request,
  id: string,
  signedBy: SignedBy,
  handler: Handler,
): Promise<Answer> {
  const { provider, database } = service;
  const { pathname, search, searchParams } = new URL(request.url);
  const url = `${service.links.base}${pathname}${search}`;
  const jws = parseJws(await readBody(request, service.limits.bodyBytes));
  if (jws.url !== url) throw new Problem('unauthorized', { detail: 'the JWS is signed for another URL' });
  if (jws.kid === undefined ? signedBy === 'account' : signedBy === 'key') {
    throw malformed(`this request is signed with ${signedBy === 'key' ? 'its "jwk"' : 'an account\'s "kid"'}`);
  }
  const known = jws.kid === undefined ? undefined : await accountOf(service, jws.kid, jws);
  const key = known?.key ?? embeddedKey(jws);
  if (known === undefined) await verifyJws(provider, jws, key);

  const outcome = await database.transaction(async (sql): Promise<Answer | After | Problem> => {
    const now = service.now();
    // Both are asked before either is waited for.
    const [good, account] = await Promise.all([
      service.nonces.redeem(sql, jws.nonce, now),
      known === undefined ? undefined : findAccount(sql, known.id),
    ]);
    if (!good) return new Problem('badNonce');
    try {
      if (account?.thumbprint !== known?.thumbprint)
        throw new Problem('unauthorized', { detail: "the account's key was changed" });
      if (account !== undefined && account.status !== 'valid') {
        throw new Problem('unauthorized', { status: 401, detail: `the account is ${account.status}` });
      }
      return await handler({ service, id, query: searchParams, url, now, jws, key, account }, sql);
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  });
  if (outcome instanceof Problem) throw outcome;
  const answer = 'after' in outcome ? await outcome.after() : outcome;
  if (answer.event !== undefined) service.log(answer.event);
  return answer;
}

/** A handler of what accounts alone may ask. */
export function forAccount(handler: Handler<AccountCall>): Handler {
  return async (call, sql) => {
    const { account } = call;
    if (account === undefined) throw new Problem('unauthorized');
    return await handler({ ...call, account }, sql);
  };
}

/** A handler of POST-as-GET (RFC 8555 §6.3). */
export function reading(handler: Handler<AccountCall>): Handler {
  return forAccount(async (call, sql) => {
    if (call.jws.payload.length > 0) throw malformed('this resource is read with an empty payload (POST-as-GET)');
    return await handler(call, sql);
  });
}

async function accountOf({ links, database, accounts }: Service, kid: string, jws: Jws): Promise<Account> {
  const id = links.idOf('account', kid);
  if (id === undefined) throw new Problem('accountDoesNotExist');
  return await accounts.signerOf(database, id, jws);
}

async function readBody(request: Request, limit: number): Promise<Bytes> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/jose+json') throw malformed('requests are of type application/jose+json', 415);
  const tooLarge = (): Problem => malformed(`a request has at most ${limit} bytes`, 413);
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > limit) throw tooLarge();
    parts.push(part);
  }
  return join(parts);
}
