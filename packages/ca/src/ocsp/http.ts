/**
 * OCSP over HTTP (RFC 6960, appendix A; RFC 5019 §5, §6): a POST, or a GET with the request in its path. What comes wrong is
 * answered as OCSP has it; caches on the way may keep an answer, but not for long: what was revoked since must be felt.
 *
 * @module
 */

import { BrokenOff, readBody } from '../body.ts';
import { CaError } from '../errors.ts';
import type { OpenAuthority } from '../open.ts';
import type { OcspReply } from './answers.ts';

export interface OcspOptions {
  readonly authority: Pick<OpenAuthority, 'ocsp'>;
  readonly clock?: () => Date;
  /** What goes wrong with the CA itself: the client is told `internalError`. */
  readonly log?: (error: unknown) => void;
}

/** Seconds that an answer is kept on the way at most, as a CRL is. */
const maxAge = 300;

/** Octets of a request that asks about 20 certificates by SHA-512, and more. */
const maxRequestBytes = 8192;

/**
 * Answers requests for `…/ocsp/<issuer>`, and `…/ocsp/<issuer>/<request in base64>`.
 *
 * @example
 * ```ts
 * const ocsp = createOcsp({ authority });
 * serve({ fetch: ocsp, port: 80 });
 * ```
 */
export function createOcsp(options: OcspOptions): (request: Request) => Promise<Response> {
  const { authority, clock = () => new Date(), log = () => undefined } = options;
  return async (request) => {
    const { method, url } = request;
    const [, issuerId, encoded] = /\/ocsp\/([0-9a-f]{64})(?:\/([^?#]*))?(?:[?#]|$)/.exec(url) ?? [];
    if (issuerId === undefined) return plain(404, 'There is nothing here\n');
    if (method !== 'GET' && method !== 'POST') return plain(405, 'GET or POST, please\n', { allow: 'GET, POST' });
    try {
      const asked = method === 'POST' ? await readBody(request, maxRequestBytes) : fromPath(encoded);
      // What cannot be read is no request: so is nothing at all.
      const reply = await authority.ocsp(issuerId, asked ?? new Uint8Array(0));
      return respond(method, reply, clock());
    } catch (error) {
      if (error instanceof CaError && error.code === 'not_found') return plain(404, 'There is nothing here\n');
      if (error instanceof BrokenOff) return plain(400, `${error.message}\n`);
      log(error);
      return answer(internalError, { 'cache-control': 'no-store' });
    }
  };
}

/** OCSPResponse with responseStatus internalError (2). */
const internalError: Uint8Array<ArrayBuffer> = Uint8Array.of(0x30, 0x03, 0x0a, 0x01, 0x02);

function respond(method: string, { der, dates }: OcspReply, now: Date): Response {
  if (dates === undefined || method !== 'GET') return answer(der, { 'cache-control': 'no-store' });
  const left = Math.floor((dates.renewedAt.getTime() - now.getTime()) / 1000);
  return answer(der, {
    'cache-control': `max-age=${Math.max(0, Math.min(maxAge, left))}, public, no-transform, must-revalidate`,
    'last-modified': dates.thisUpdate.toUTCString(),
    expires: dates.nextUpdate.toUTCString(),
  });
}

function answer(der: Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>>): Response {
  return new Response(der, { headers: { 'content-type': 'application/ocsp-response', ...headers } });
}

function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } });
}

/** RFC 6960 §A.1: "{url}/{url-encoding of base-64 encoding of the DER encoding of the OCSPRequest}". */
function fromPath(encoded = ''): Uint8Array | undefined {
  if (encoded.length > 2 * maxRequestBytes) return undefined;
  try {
    const text = decodeURIComponent(encoded);
    return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  } catch {
    // A percent sign that stands for nothing.
    return undefined;
  }
}
