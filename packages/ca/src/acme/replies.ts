/**
 * From a request to its reply, whoever listens: the resource is found, asked, and what it answers is put into HTTP's words. Whatever
 * goes wrong is a problem document.
 *
 * @module
 */

import { directory } from './directory.ts';
import { directoryPath, paths } from './links.ts';
import { malformed, Problem } from './problems.ts';
import { renewalInfo } from './renewal-info.ts';
import { type Answer, answerSigned, type Received } from './requests.ts';
import { findRoute } from './routes.ts';
import type { Service } from './settings.ts';

export interface Reply {
  readonly status: number;
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | undefined;
}

export async function replyTo(service: Service, received: Received): Promise<Reply> {
  const { method, url } = received;
  const reply = await answerTo(service, received).catch((error: unknown) => {
    if (error instanceof Problem) {
      service.log({ event: 'refused', url: url.href, problem: error.type, cause: error.cause ?? error.message });
      return problemReply(service, method, error);
    }
    service.log({ event: 'error', url: url.href, error });
    const headers = { 'retry-after': String(service.limits.retryAfterErrorSeconds) };
    return problemReply(service, method, new Problem('serverInternal', { headers }));
  });
  return method === 'HEAD' ? { ...reply, body: undefined } : reply;
}

async function answerTo(service: Service, received: Received): Promise<Reply> {
  const { method, url } = received;
  const { pathname } = url;
  if (method === 'GET' || method === 'HEAD') {
    if (pathname === directoryPath) return replyOf(service, directory(service), {});
    // A HEAD is answered as a GET without its body.
    if (pathname === paths.newNonce) return withNonce(service, { status: method === 'HEAD' ? 200 : 204 });
    const [id = '', ...more] = pathname.startsWith(renewals) ? pathname.slice(renewals.length).split('/') : [];
    if (id !== '' && more.length === 0) return replyOf(service, await renewalInfo(service, id), {});
  }
  const found = findRoute(pathname);
  if (found === undefined) throw malformed('there is no such resource', 404);
  if (method !== 'POST') {
    throw new Problem('malformed', {
      detail: 'this resource takes POST alone',
      status: 405,
      headers: { allow: 'POST' },
    });
  }
  const { signedBy, handler } = found.route;
  const { id = '', alternate } = found.parameters;
  const which = alternate === undefined ? id : `${id}/${alternate}`;
  return withNonce(service, await answerSigned(service, received, which, signedBy, handler));
}

const renewals = `${paths.renewalInfo}/`;

function problemReply(service: Service, method: string, problem: Problem): Reply {
  const { link, ...headers } = problem.headers as Readonly<Record<string, string>>;
  const answer = {
    status: problem.status,
    body: problem.document,
    headers: { ...headers, 'content-type': 'application/problem+json' },
    links: link === undefined ? [] : [link],
  };
  return method === 'POST' ? withNonce(service, answer) : replyOf(service, answer, {});
}

function withNonce(service: Service, answer: Answer): Reply {
  return replyOf(service, answer, { 'replay-nonce': service.nonces.issue(service.now()) });
}

function replyOf({ links }: Service, answer: Answer, extra: Readonly<Record<string, string>>): Reply {
  const { status, body, links: further = [] } = answer;
  return {
    status,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...answer.headers,
      ...extra,
      'cache-control': 'no-store',
      link: [`<${links.directory}>;rel="index"`, ...further],
    },
    body: typeof body === 'object' ? JSON.stringify(body) : body,
  };
}
