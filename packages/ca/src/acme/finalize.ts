/**
 * Finalizing an order (RFC 8555 §7.4). The order is leased and `processing` before the authority is asked, and `valid` or
 * `invalid` after; what the authority signs it has recorded itself. An order whose process died meanwhile is ended when its lease
 * is over: `valid` with what was issued for it, or `invalid`.
 *
 * @module
 */

import { type Certificate, toPem } from '@handfast/x509';
import type { Issued } from '../authority.ts';
import { CaError } from '../errors.ts';
import { lastly, type Sql } from '../store/database.ts';
import { text } from '../store/rows.ts';
import { isAccountKey } from './accounts.ts';
import { authorizationsOf } from './authorizations.ts';
import { badCsr, checkCsr, parseCsr } from './csr.ts';
import { fromBase64url, jsonMembers, stringMember } from './encoding.ts';
import { orderIdentifier } from './identifiers.ts';
import { findOrder, hasProfile, type Order, orderAnswer, ownOrder, shownStatus } from './orders.ts';
import { malformed, Problem, type ProblemDocument, type ProblemType, problemDocument } from './problems.ts';
import { parseCertId } from './renewal-info.ts';
import type { AccountCall, After } from './requests.ts';
import type { Service } from './settings.ts';
import { move } from './states.ts';
import { ValidationFailure } from './validation/challenge.ts';
import { recheckCaa } from './validation/run.ts';

export async function finalize(call: AccountCall, sql: Sql): Promise<After> {
  const { service, account, now, jws } = call;
  const { authority, database, provider } = service;
  const csr = fromBase64url(stringMember(jsonMembers(jws.payload, 'the payload'), 'csr') ?? '');
  if (csr === undefined || csr.length === 0) throw malformed('"csr" is the base64url of a certification request');
  const { request, publicKey } = parseCsr(csr);
  const [own, authorizations, forAccount] = await Promise.all([
    ownOrder(call, sql),
    authorizationsOf(sql, call.id),
    isAccountKey(sql, publicKey),
  ]);
  const status = shownStatus(own, now);
  if (status !== 'ready') throw new Problem('orderNotReady', { detail: `the order is ${status}, not ready` });
  if (!authorizations.every((one) => one.status === 'valid' && one.expiresAt > now)) {
    throw new Problem('orderNotReady', { detail: 'an authorization of the order is no longer valid' });
  }
  // It may have been withdrawn since.
  if (own.profile !== undefined && !hasProfile(service, own.profile)) throw new Problem('invalidProfile');
  const names = authorizations.map((one) => orderIdentifier(one).value);
  await checkCsr(provider, request, names);
  if (forAccount) throw badCsr('its key is the key of an account');
  lastly(move(sql, 'acme_orders', own.id, 'ready', 'processing', { leased_until: now + service.limits.leaseMs }));

  return {
    after: async () => {
      let settled: Promise<Order> | undefined;
      const outcome = await attempt(async () => {
        await recheckCaa(service, account, authorizations);
        return await authority.issue({
          publicKey,
          names,
          // Who has shown that a server is theirs has not shown who they are as a client.
          purposes: ['serverAuth'],
          ...(own.profile !== undefined && { profile: own.profile }),
          ...(own.replaces !== undefined && { replaces: parseCertId(own.replaces).serial }),
          by: `acme account ${account.id}`,
          origin: originOf(own.id),
          async recorded(write, issued) {
            // The authority's records may be in another database.
            if (write.writer !== database.writer) return;
            settled = settleOrder(write, own, issued);
            lastly(settled);
          },
        });
      });
      await giveBack(service, own, outcome);
      const done =
        settled !== undefined && 'certificate' in outcome
          ? await settled
          : await database.transaction(async (write) => await settleOrder(write, own, outcome));
      const failure = 'failure' in outcome ? outcome.failure : undefined;
      const status = done.status === 'valid' ? 'valid' : 'invalid';
      const serial = 'certificate' in outcome ? outcome.certificate.serialNumberHex : undefined;
      service.log({ event: 'order', orderId: own.id, status, profile: own.profile, serial, failure });
      return orderAnswer(service, done, authorizations, service.now());
    },
  };
}

/** With another key the order is as good as before, and its proofs with it. @throws Problem `badCSR` where the key is at fault */
async function giveBack({ database }: Service, { id }: Order, outcome: Outcome): Promise<void> {
  const failure = 'failure' in outcome ? outcome.failure : undefined;
  if (!(failure instanceof CaError) || failure.code !== 'bad_key') return;
  await database.transaction(async (sql) => await move(sql, 'acme_orders', id, 'processing', 'ready'));
  throw badCsr(failure.message, failure);
}

/** Ends what others left: orders in work whose lease is over. */
export async function endOrders({ authority, database, log, now }: Service): Promise<void> {
  const rows = await database.all(
    `SELECT id FROM acme_orders WHERE status = 'processing' AND leased_until <= $1 ORDER BY id`,
    [now()],
  );
  for (const row of rows) {
    const id = text(row, 'id');
    // What is recorded with this order's name was issued for it: the process died before it said so.
    const issued = await authority.findByOrigin(originOf(id));
    const outcome = issued ?? { failure: new Error('the process that issued it died') };
    const moved = await database.transaction(async (sql) => await writeOutcome(sql, id, outcome));
    if (!moved) continue;
    const failure = 'failure' in outcome ? outcome.failure : undefined;
    log({ event: 'order', orderId: id, status: failure === undefined ? 'valid' : 'invalid', failure });
  }
}

/** How the authority's records name an order. */
function originOf(orderId: string): string {
  return `acme order ${orderId}`;
}

type Outcome = Issued | { readonly failure: unknown };

async function attempt(issue: () => Promise<Issued>): Promise<Outcome> {
  try {
    return await issue();
  } catch (failure) {
    return { failure };
  }
}

/** The order as it is now: another may have ended it, when the authority took longer than the lease. */
async function settleOrder(sql: Sql, own: Order, outcome: Outcome): Promise<Order> {
  const [, found] = await Promise.all([writeOutcome(sql, own.id, outcome), findOrder(sql, own.id)]);
  return found ?? { ...own, status: 'invalid' };
}

/** Whether it was still in work. */
async function writeOutcome(sql: Sql, id: string, outcome: Outcome): Promise<boolean> {
  if ('failure' in outcome) {
    const error = JSON.stringify(refusalOf(outcome.failure));
    return await move(sql, 'acme_orders', id, 'processing', 'invalid', { error });
  }
  const { certificate, chain, alternates } = outcome;
  return await move(sql, 'acme_orders', id, 'processing', 'valid', {
    serial: certificate.serialNumberHex,
    certificate_ends_at: certificate.notAfter.getTime(),
    chain: pemOf(chain),
    alternates: alternates === undefined ? null : JSON.stringify(alternates.map(pemOf)),
  });
}

function pemOf(chain: readonly Certificate[]): string {
  return chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
}

const refusals: Readonly<Partial<Record<CaError['code'], ProblemType>>> = {
  not_allowed: 'rejectedIdentifier',
  bad_key: 'badCSR',
  bad_request: 'badCSR',
};

/** A refusal of the authority's is in its own words; anything else is not the client's to know. */
function refusalOf(failure: unknown): ProblemDocument {
  if (failure instanceof ValidationFailure) return problemDocument(failure.type, failure.detail);
  const type = failure instanceof CaError ? refusals[failure.code] : undefined;
  return type === undefined ? problemDocument('serverInternal') : problemDocument(type, (failure as CaError).message);
}
