/**
 * An ACME server (RFC 8555) over an authority: `fetch`, or `listener`, takes a request and answers it; whoever calls it listens. What there
 * is to be asked for is a table in `routes.ts`.
 *
 * @module
 */

import type { RequestListener } from 'node:http';
import { coreSchema, migrate } from '../store/schema.ts';
import { type Background, background } from './background.ts';
import { base64url } from './encoding.ts';
import { endOrders } from './finalize.ts';
import { answerRequest, requestListener } from './http.ts';
import { knownAccounts } from './known-accounts.ts';
import { linksUnder } from './links.ts';
import { openNonces } from './nonces.ts';
import { replyTo } from './replies.ts';
import type { Received } from './requests.ts';
import { forgetExpired } from './retention.ts';
import { acmeSchema } from './schema.ts';
import { type AcmeLimits, type AcmeOptions, defaultLimits, type Service } from './settings.ts';
import { holdValidations, releaseValidations, resumeValidations } from './validation/run.ts';

export interface Acme {
  /**
   * Answers a request; whatever goes wrong is a problem document.
   *
   * @param from where the request came from, if the new accounts of an address are to be limited
   */
  fetch(request: Request, from?: { readonly address?: string | undefined }): Promise<Response>;
  /** The same for a server of `node:http`, `node:https` or `@handfast/tls/node`, in less time. New accounts of an address are limited. */
  readonly listener: RequestListener;
  /**
   * Takes up what another process left when it died, and forgets what has expired. To be called when a
   * server starts, and every minute.
   */
  maintain(): Promise<void>;
  /** Until no validation is under way. */
  idle(): Promise<void>;
  /** Cuts validations short, and gives them back: another process, or the next start, takes them up at once. */
  close(): Promise<void>;
}

/**
 * An ACME server. Its tables are brought to the newest form first.
 *
 * @example
 * ```ts
 * const acme = await createAcme({ authority, database, provider, baseUrl: 'https://ca.internal', challenges: [http01()] });
 * serve({ fetch: acme.fetch, port: 443 });
 * ```
 */
export async function createAcme(options: AcmeOptions): Promise<Acme> {
  const limits = { ...defaultLimits, ...options.limits };
  const beside = background(limits.validations);
  const stop = new AbortController();
  const service = await openService(options, limits, beside, stop.signal);
  const reply = (received: Received) => replyTo(service, received);
  return {
    fetch: (request, from = {}) => answerRequest(request, from.address, reply),
    listener: requestListener(service.links.base, reply),
    async maintain() {
      await holdValidations(service);
      await resumeValidations(service, 100);
      await endOrders(service);
      while (await forgetExpired(service.database, { now: service.now(), keptMs: limits.keptMs, batch: 1000 }));
    },
    idle: beside.idle,
    async close() {
      beside.clear();
      stop.abort();
      await beside.idle();
      await releaseValidations(service);
    },
  };
}

async function openService(
  options: AcmeOptions,
  limits: AcmeLimits,
  beside: Background,
  signal: AbortSignal,
): Promise<Service> {
  const { authority, database, provider, challenges, clock = () => new Date(), log = () => undefined } = options;
  // The audit log is one of the core's tables.
  await migrate(database, [coreSchema, acmeSchema], clock);
  const now = (): number => clock().getTime();
  return {
    authority,
    database,
    provider,
    challenges,
    links: linksUnder(options.baseUrl),
    nonces: await openNonces(provider, database, { now: now(), lifetimeMs: limits.nonceLifetimeMs }),
    accounts: knownAccounts(provider),
    limits,
    options: { ...options, ...addressesOf(options) },
    now,
    newId: () => base64url(provider.random(16)),
    log,
    held: new Set(),
    waiting: beside.waiting,
    background: (accountId, work) =>
      beside.add(accountId, async () => {
        try {
          await work();
        } catch (error) {
          log({ event: 'error', url: undefined, error });
        }
      }),
    signal,
  };
}

/** What is told to clients in headers, too: as an address is written there, whatever characters it was given in. */
function addressesOf(options: AcmeOptions): Pick<AcmeOptions, (typeof addresses)[number]> {
  const written = addresses.flatMap((name) => {
    const given = options[name];
    if (given === undefined) return [];
    const url = URL.parse(given);
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
      throw new RangeError(`${name} is no address: https://host/path`);
    }
    return [[name, url.href]];
  });
  return Object.fromEntries(written);
}

const addresses = ['termsOfService', 'website', 'rateLimitsUrl'] as const;
