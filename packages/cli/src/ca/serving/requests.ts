/**
 * What `ca serve` tells of requests: a line each, and of clients that left in the handshake.
 *
 * @module
 */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { TlsError } from '@handfast/tls';
import { escapeText } from '@handfast/x509';
import { explainJson } from '../../explain.ts';
import type { Report } from '../../report.ts';

/**
 * For each of the servers: a client that says nothing keeps no connection, and what is too long is found soon after. Node looks each
 * 30 seconds unless told.
 */
export const clientLimits = { requestTimeout: 30_000, connectionsCheckingInterval: 5000 } as const;

/** RFC 9112 §3.2.2: a server takes a target with scheme and host, too. Listeners see its path and query alone. */
export function byPath(listener: RequestListener): RequestListener {
  return (request, response) => {
    const [, rest] = /^https?:\/\/[^/?#]*(.*)$/is.exec(request.url ?? '') ?? [];
    if (rest !== undefined) request.url = rest.startsWith('/') ? rest : `/${rest}`;
    listener(request, response);
  };
}

/** A line a request, when it has been answered. */
export function logged(report: Report, listener: RequestListener): RequestListener {
  return (request, response) => {
    const started = performance.now();
    response.once('close', () => tellRequest(request, response, performance.now() - started, report));
    listener(request, response);
  };
}

function tellRequest(request: IncomingMessage, response: ServerResponse, ms: number, report: Report): void {
  const { method = '', url = '', socket } = request;
  const at = new Date().toISOString();
  const client = socket.remoteAddress ?? 'unknown';
  const status = response.writableFinished ? response.statusCode : null;
  report.news(`${at} ${client} ${method} ${escapeText(url)} ${status ?? 'cut off'} ${Math.round(ms)} ms`, 'request', {
    at,
    client,
    method,
    url,
    status,
    ms: Math.round(ms),
  });
}

/** Whoever does not trust the root says so in an alert: people want to know. */
export function tellClientError(error: Error, report: Report): void {
  const code = error instanceof TlsError ? ` [${error.tlsCode}]` : '';
  report.news(`✗ a client left in the handshake: ${error.message}${code}`, 'handshake', { ...explainJson(error) });
}

export function fail(error: unknown, response: ServerResponse, report: Report): void {
  report.error(error);
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { 'Content-Type': 'text/plain' }).end('Something is wrong here: its log says what\n');
}
