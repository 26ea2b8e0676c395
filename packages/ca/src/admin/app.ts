/**
 * The dashboard of `handfast ca serve`, below `/admin`: a page, and the API that it speaks to. Whoever has signed in sees; what else
 * he may do his role says, here and not in the page. Every write is in the audit log, with who.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import { type Certificate, parseCertificate } from '@handfast/x509';
import { acmeSchema } from '../acme/schema.ts';
import { defaultGuessLimits, Guesses, type GuessLimits } from '../enrolment/guesses.ts';
import type { OpenAuthority } from '../open.ts';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/schema.ts';
import { type AdminClient, judgeClient } from './clients.ts';
import { checkCsrf, checkedTarget, checkOrigin, jsonOf, securityHeaders } from './guard.ts';
import { type PageFiles, pageFile } from './page.ts';
import { AdminProblem, problemOf } from './problems.ts';
import { permissionsOf } from './roles.ts';
import { me, methodAt } from './routes.ts';
import { adminSchema } from './schema.ts';
import type { AdminEvent, AdminService } from './service.ts';
import { cookieOf, findSession, setCookie, signInByCertificate, signInByToken, signOut } from './sessions.ts';

export interface AdminOptions {
  readonly authority: OpenAuthority;
  /** The authority's own. */
  readonly database: Database;
  readonly provider: CryptoProvider;
  /** What `readAdminPage` has read; without it `/admin` says how the page is built. */
  readonly page?: PageFiles | undefined;
  /** Names and addresses by which browsers reach it, without ports: no other Host is answered. */
  readonly hosts: readonly string[];
  /** Client certificates that may sign in. */
  readonly clients?: readonly AdminClient[];
  readonly guesses?: Partial<GuessLimits>;
  readonly clock?: () => Date;
  readonly log?: (event: AdminEvent) => void;
}

/** What is known of the connection. */
export interface AdminConnection {
  /** Which the client has shown, and proven in TLS to hold the key of; nothing else need be verified. As DER, or parsed. */
  readonly clientCertificate?: Certificate | Uint8Array | undefined;
  /** The client's IP address, by which wrong tokens are counted. */
  readonly remoteAddress?: string | undefined;
}

export interface Admin {
  /** Answers a request below `/admin`; whatever goes wrong is a problem document. */
  fetch(request: Request, connection?: AdminConnection): Promise<Response>;
}

/**
 * The dashboard over an authority. Its tables are brought to the newest form first.
 *
 * @example
 * ```ts
 * const admin = await createAdmin({ authority, database, provider, page: await readAdminPage(), hosts: ['localhost'] });
 * const response = await admin.fetch(request, { clientCertificate, remoteAddress });
 * ```
 */
export async function createAdmin(options: AdminOptions): Promise<Admin> {
  const { authority, database, provider, clients = [], clock = () => new Date() } = options;
  await migrate(database, [adminSchema, acmeSchema], clock);
  const log = (event: AdminEvent): void => {
    try {
      options.log?.(event);
    } catch {
      // A log that fails changes no answer.
    }
  };
  const service: AdminService = { authority, database, provider, clients, clock, log };
  const guesses = new Guesses({ ...defaultGuessLimits, ...options.guesses });
  return {
    async fetch(request, connection = {}) {
      const url = new URL(request.url);
      try {
        return await answer({ ...options, service, guesses, request, url, connection });
      } catch (error) {
        const problem = problemOf(error);
        const { code, cause = problem } = problem;
        if (problem.status === 500 || code === 'unavailable') log({ event: 'error', path: url.pathname, error: cause });
        else log({ event: 'refused', path: url.pathname, code, cause });
        return json(problem.document, problem.status, {
          'content-type': 'application/problem+json',
          ...problem.headers,
        });
      }
    },
  };
}

interface Asked extends Pick<AdminOptions, 'page' | 'hosts'> {
  readonly service: AdminService;
  readonly guesses: Guesses;
  readonly request: Request;
  readonly url: URL;
  readonly connection: AdminConnection;
}

type Target = ReturnType<typeof checkedTarget>;

const api = '/admin/api/';

async function answer(asked: Asked): Promise<Response> {
  const { request, url, page, hosts } = asked;
  const target = checkedTarget(request, hosts);
  if (url.pathname.startsWith(api)) return await answerApi(asked, target, url.pathname.slice(api.length));
  allow(request, 'GET', 'HEAD');
  if (url.pathname === '/admin')
    return new Response(null, { status: 308, headers: { ...securityHeaders, location: '/admin/' } });
  const file = pageFile(page, url.pathname.replace(/^\/admin\//, ''));
  if (file === undefined) throw new AdminProblem('not_found');
  const body = request.method === 'HEAD' ? null : file.body;
  return new Response(body, { headers: { ...securityHeaders, 'content-type': file.type } });
}

async function answerApi(asked: Asked, target: Target, path: string): Promise<Response> {
  const { service, request, url, connection } = asked;
  const certificate = (): Certificate | undefined => parsed(connection.clientCertificate);
  if (path === 'session' && request.method === 'POST') return await signIn(asked, target);
  const session = await findSession(service, cookieOf(request, target.secure), certificate);
  if (session === undefined) {
    if (path !== 'me') throw new AdminProblem('signed_out');
    // The page asks first, and offers what there is.
    const client = await judgeClient(service.authority, service.clients, certificate());
    if (client === undefined) return json({ certificate: null });
    if (!('role' in client)) return json({ certificate: null, refused: client });
    return json({ certificate: { who: client.who, role: client.role } });
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    checkOrigin(request, target);
    checkCsrf(request, session.csrf);
  }
  if (path === 'session') {
    allow(request, 'DELETE');
    await signOut(service, session);
    return json({}, 200, { 'set-cookie': setCookie(undefined, target.secure) });
  }
  const { method, argument } = methodAt(path, request);
  const { permission, work, status } = method;
  if (!permissionsOf(session.role).includes(permission)) {
    throw new AdminProblem('forbidden', { detail: `the role "${session.role}" may not do this` });
  }
  return json(await work({ service, session, query: url.searchParams, request, argument }), status);
}

async function signIn({ service, guesses, request, connection }: Asked, target: Target): Promise<Response> {
  checkOrigin(request, target);
  const token = (await jsonOf(request)).get('token');
  const now = service.clock().getTime();
  const until = guesses.refusedUntil(connection.remoteAddress, now);
  if (until !== undefined) {
    throw new AdminProblem('rate_limited', { headers: { 'retry-after': String(Math.ceil((until - now) / 1000)) } });
  }
  try {
    const { session, secret } =
      typeof token === 'string'
        ? await signInByToken(service, token.trim().slice(0, 200))
        : await signInByCertificate(service, parsed(connection.clientCertificate));
    service.log({ event: 'signed in', who: session.who, role: session.role });
    return json(me(service, session), 201, { 'set-cookie': setCookie(secret, target.secure) });
  } catch (error) {
    if (error instanceof AdminProblem && error.code === 'token_unknown') guesses.add(connection.remoteAddress, now);
    throw error;
  }
}

function allow({ method }: Request, ...methods: readonly string[]): void {
  if (methods.includes(method)) return;
  throw new AdminProblem('method_not_allowed', { headers: { allow: methods.join(', ') } });
}

function parsed(given: Certificate | Uint8Array | undefined): Certificate | undefined {
  return given instanceof Uint8Array ? parseCertificate(given) : given;
}

function json(value: object, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { ...securityHeaders, 'content-type': 'application/json', ...headers },
  });
}
