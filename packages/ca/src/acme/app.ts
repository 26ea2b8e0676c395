/**
 * An ACME server (RFC 8555) over an authority: `fetch` takes a request and answers it; whoever calls it listens. Routes are a
 * table here, and what they do is in the files beside.
 *
 * @module
 */

import { Hono } from 'hono';
import { coreSchema, migrate } from '../store/schema.ts';
import { account, keyChange, newAccount } from './accounts.ts';
import { authorization, challenge } from './authorizations.ts';
import { type Background, background } from './background.ts';
import { base64url } from './encoding.ts';
import { endOrders, finalize } from './finalize.ts';
import { knownAccounts } from './known-accounts.ts';
import { linksUnder, paths, root, routeOf } from './links.ts';
import { openNonces } from './nonces.ts';
import { certificate, newOrder, order, orderList } from './orders.ts';
import { malformed, Problem } from './problems.ts';
import { renewalInfo } from './renewal-info.ts';
import {
  type Answer,
  alsoReading,
  answerSigned,
  early,
  forAccount,
  type Handler,
  reading,
  type SignedBy,
} from './requests.ts';
import { forgetExpired } from './retention.ts';
import { revokeCert } from './revoke.ts';
import { acmeSchema } from './schema.ts';
import { type AcmeLimits, type AcmeOptions, defaultLimits, type Service } from './settings.ts';
import { releaseValidations, resumeValidations, validate } from './validation/run.ts';

export interface Acme {
  /**
   * Answers a request; whatever goes wrong is a problem document.
   *
   * @param from where the request came from, if the new accounts of an address are to be limited
   */
  fetch(request: Request, from?: { readonly address?: string | undefined }): Promise<Response>;
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

interface Route {
  readonly path: string;
  readonly signedBy: SignedBy;
  readonly handler: Handler;
}

const routes: readonly Route[] = [
  { path: paths.newAccount, signedBy: 'key', handler: newAccount },
  { path: paths.newOrder, signedBy: 'account', handler: early(newOrder) },
  { path: paths.revokeCert, signedBy: 'either', handler: revokeCert },
  { path: paths.keyChange, signedBy: 'account', handler: forAccount(keyChange) },
  { path: routeOf('account'), signedBy: 'account', handler: forAccount(account) },
  { path: `${routeOf('account')}/orders`, signedBy: 'account', handler: reading(orderList) },
  { path: routeOf('order'), signedBy: 'account', handler: reading(order) },
  { path: `${routeOf('order')}/finalize`, signedBy: 'account', handler: early(finalize) },
  { path: routeOf('authorization'), signedBy: 'account', handler: alsoReading(authorization) },
  {
    path: routeOf('challenge'),
    signedBy: 'account',
    handler: early(
      async (call, sql) =>
        await challenge(
          call,
          sql,
          (row, own) => async () => await validate(call.service, row, own, call.account.thumbprint),
        ),
    ),
  },
  { path: routeOf('certificate'), signedBy: 'account', handler: reading(certificate) },
  { path: `${routeOf('certificate')}/:alternate`, signedBy: 'account', handler: reading(certificate) },
];

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
  const app = appOf(service);
  return {
    fetch: async (request, from = {}) => await app.fetch(request, { address: from.address }),
    async maintain() {
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
    options,
    now,
    newId: () => base64url(provider.random(16)),
    log,
    held: new Set(),
    background: (work) =>
      beside.add(async () => {
        try {
          await work();
        } catch (error) {
          log({ event: 'error', url: undefined, error });
        }
      }),
    signal,
  };
}

type App = Hono<{ Bindings: { readonly address: string | undefined } }>;

function appOf(service: Service): App {
  const app: App = new Hono();
  app.get(`${root}/directory`, () => jsonResponse(service, { status: 200, body: directory(service) }, {}));
  // A HEAD is answered as a GET without its body.
  app.get(paths.newNonce, ({ req }) => respond(service, { status: req.method === 'HEAD' ? 200 : 204 }, true));
  app.get(`${paths.renewalInfo}/:id`, async ({ req }) =>
    respond(service, await renewalInfo(service, req.param('id')), false),
  );
  for (const { path, signedBy, handler } of routes) {
    app.post(path, async ({ req, env }) => {
      const { id = '', alternate } = req.param() as Readonly<Partial<Record<string, string>>>;
      const received = { request: req.raw, address: env.address };
      const which = alternate === undefined ? id : `${id}/${alternate}`;
      return respond(service, await answerSigned(service, received, which, signedBy, handler), true);
    });
    app.all(path, () => {
      throw new Problem('malformed', {
        detail: 'this resource takes POST alone',
        status: 405,
        headers: { allow: 'POST' },
      });
    });
  }
  app.notFound(({ req }) => refuse(service, req.raw, malformed('there is no such resource', 404)));
  app.onError((error, { req }) => {
    if (error instanceof Problem) return refuse(service, req.raw, error);
    service.log({ event: 'error', url: req.url, error });
    const headers = { 'retry-after': String(service.limits.retryAfterErrorSeconds) };
    return problemResponse(service, req.raw, new Problem('serverInternal', { headers }));
  });
  return app;
}

/** RFC 8555 §7.1.1; profiles as in the profiles draft. */
function directory({ links, options }: Service): object {
  const { termsOfService, website, caa, externalAccountRequired, profiles } = options;
  const resources = Object.entries(paths).map(([name, path]) => [name, `${links.base}${path}`]);
  return {
    ...Object.fromEntries(resources),
    meta: {
      ...(termsOfService !== undefined && { termsOfService }),
      ...(website !== undefined && { website }),
      ...(caa !== undefined && { caaIdentities: caa.identities }),
      ...(externalAccountRequired === true && { externalAccountRequired }),
      ...(profiles !== undefined && { profiles }),
    },
  };
}

function refuse(service: Service, request: Request, problem: Problem): Response {
  service.log({ event: 'refused', url: request.url, problem: problem.type, cause: problem.cause ?? problem.message });
  return problemResponse(service, request, problem);
}

function problemResponse(service: Service, { method }: Request, problem: Problem): Response {
  const headers = { ...problem.headers, 'content-type': 'application/problem+json' };
  const { link, ...others } = headers as Readonly<Record<string, string>>;
  const answer = {
    status: problem.status,
    body: problem.document,
    headers: others,
    links: link === undefined ? [] : [link],
  };
  return respond(service, answer, method === 'POST');
}

function respond(service: Service, answer: Answer, withNonce: boolean): Response {
  return jsonResponse(service, answer, withNonce ? { 'replay-nonce': service.nonces.issue(service.now()) } : {});
}

function jsonResponse({ links }: Service, answer: Answer, extra: Readonly<Record<string, string>>): Response {
  const { status, body, links: further = [] } = answer;
  const headers = new Headers({
    'content-type': 'application/json',
    ...answer.headers,
    ...extra,
    'cache-control': 'no-store',
  });
  headers.append('link', `<${links.directory}>;rel="index"`);
  for (const link of further) headers.append('link', link);
  if (body === undefined) headers.delete('content-type');
  return new Response(typeof body === 'object' ? JSON.stringify(body) : (body ?? null), { status, headers });
}
