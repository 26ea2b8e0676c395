/**
 * What the CA serves to everybody over plain HTTP: its root, and the lists of what is revoked. All of it is signed.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { CaError, type CrlName, issuerIdOf } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { toPem } from '@handfast/x509';
import type { OpenCa } from './open.ts';

interface PublicFile {
  readonly type: string;
  readonly body: Uint8Array | string;
  /** Seconds. */
  readonly maxAge: number;
}

/** A list is asked for again after a while: what was revoked since must be felt. */
const crlMaxAge = 300;
const rootMaxAge = 86_400;

/** Answers a request, whatever it is. */
export async function answerFile(
  ca: OpenCa,
  directoryUrl: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Nobody's body is wanted.
  request.resume();
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return answer(request, response, 405, 'GET or HEAD, please\n', { Allow: 'GET, HEAD' });
  }
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  const file = await fileAt(path, ca, directoryUrl);
  if (file === undefined) return answer(request, response, 404, 'There is nothing here\n');
  answer(request, response, 200, file.body, {
    'Content-Type': file.type,
    'Cache-Control': `max-age=${file.maxAge}`,
  });
}

async function fileAt(
  path: string,
  { authority, root, config }: OpenCa,
  directoryUrl: string,
): Promise<PublicFile | undefined> {
  if (path === '/') {
    return { type: 'text/plain; charset=utf-8', body: welcome(config.title, directoryUrl, authority), maxAge: 0 };
  }
  if (path === '/root.pem') {
    return { type: 'application/x-pem-file', body: toPem('CERTIFICATE', root.raw), maxAge: rootMaxAge };
  }
  const [, issuerId, delta, shard] = /^\/crl\/([0-9a-f]{64})(?:(-delta)|\/(0|[1-9]\d{0,3}))?\.crl$/.exec(path) ?? [];
  const name = delta !== undefined ? 'delta' : shard !== undefined ? Number(shard) : 'complete';
  const crl = issuerId === undefined ? undefined : await crlOf(issuerId, name, authority);
  return crl === undefined ? undefined : { type: 'application/pkix-crl', body: crl, maxAge: crlMaxAge };
}

async function crlOf(issuerId: string, name: CrlName, authority: OpenCa['authority']): Promise<Uint8Array | undefined> {
  try {
    return await authority.crl(issuerId, name);
  } catch (error) {
    if (error instanceof CaError && error.code === 'not_found') return undefined;
    throw error;
  }
}

function welcome(title: string, directoryUrl: string, { chain }: OpenCa['authority']): string {
  const crls = chain.map((issuer) => `/crl/${issuerIdOf(provider, issuer)}.crl`);
  const lines = [`ACME  ${directoryUrl}`, 'root  /root.pem', ...crls.map((crl) => `CRL   ${crl}`)];
  return `${title}\n\n${lines.join('\n')}\n`;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': typeof body === 'string' ? Buffer.byteLength(body) : body.length,
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    })
    .end(request.method === 'HEAD' ? undefined : body);
}
