/**
 * What is looked at before anything else of a request, and what every answer says: no other site's page reads or writes here. A name
 * that is rebound to this address has another Host; a form of another site another Origin, and no CSRF token.
 *
 * @module
 */

import { readBody } from '../body.ts';
import { AdminProblem } from './problems.ts';
import { sameText } from './secrets.ts';

export const securityHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Where a request says that it goes to. */
interface Target {
  readonly secure: boolean;
  /** As in an Origin: with the port where it is not the usual. */
  readonly origin: string;
}

/**
 * Refuses a Host that is none of `hosts` (names and addresses, without ports), and one that is not this machine where there is no
 * TLS.
 *
 * @throws AdminProblem `wrong_host`, `insecure`
 */
export function checkedTarget({ url, headers }: Request, hosts: readonly string[]): Target {
  const { protocol, host } = new URL(url);
  const given = URL.parse(`${protocol}//${headers.get('host') ?? host}/`);
  if (given === null || !hosts.some((one) => bare(one) === bare(given.hostname))) throw new AdminProblem('wrong_host');
  const secure = protocol === 'https:';
  if (!secure && !isLoopback(bare(given.hostname))) throw new AdminProblem('insecure');
  return { secure, origin: given.origin };
}

function bare(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$/g, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** For what changes something. @throws AdminProblem `wrong_origin` */
export function checkOrigin({ headers }: Request, { origin }: Target): void {
  const site = headers.get('sec-fetch-site');
  if (headers.get('origin') !== origin || (site !== null && site !== 'same-origin')) {
    throw new AdminProblem('wrong_origin');
  }
}

/** @throws AdminProblem `wrong_csrf` */
export function checkCsrf({ headers }: Request, wanted: string): void {
  if (!sameText(headers.get('x-csrf-token') ?? '', wanted)) throw new AdminProblem('wrong_csrf');
}

/** Bytes of a request. */
const maxBody = 64 * 1024;

/** An object, whatever is in it. @throws AdminProblem `bad_request`, `too_large`, `unsupported_type` */
export async function jsonOf(request: Request): Promise<ReadonlyMap<string, unknown>> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  // No form can send it, so that no other site's page can without being asked about.
  if (type !== 'application/json') throw new AdminProblem('unsupported_type');
  const body = await readBody(request, maxBody);
  if (body === undefined) throw new AdminProblem('too_large');
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new AdminProblem('bad_request', { detail: 'the request is no JSON', cause });
  }
  if (typeof value === 'object' && value !== null) return new Map(Object.entries(value));
  throw new AdminProblem('bad_request', { detail: 'the request is no JSON object' });
}
