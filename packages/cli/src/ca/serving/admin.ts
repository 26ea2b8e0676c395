/**
 * What supervisors and Prometheus ask of `ca serve`, at an address of its own: `/healthz` (the process lives), `/readyz` (it can do
 * its work), `/metrics`. Nothing here changes anything, and nothing is for strangers: it listens at loopback unless told otherwise.
 *
 * @module
 */

import type { RequestListener, ServerResponse } from 'node:http';
import type { Readiness } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface Admin {
  readonly ready: () => Promise<Readiness>;
  readonly metrics: Metrics;
  /** True from the moment the server is told to stop: then nobody is sent here any more. */
  readonly stopping: () => boolean;
  readonly failed: (error: unknown) => void;
}

const text = 'text/plain; charset=utf-8';

export function adminListener({ ready, metrics, stopping, failed }: Admin): RequestListener {
  const pages: Readonly<Record<string, (response: ServerResponse) => Promise<void>>> = {
    '/healthz': async (response) => answer(response, 200, text, 'ok\n'),
    '/readyz': async (response) => {
      const { ready: good, checks } = stopping() ? { ready: false, checks: { server: 'stopping' } } : await ready();
      answer(response, good ? 200 : 503, 'application/json', `${JSON.stringify({ ready: good, checks })}\n`);
    },
    '/metrics': async (response) => answer(response, 200, metrics.contentType, await metrics.text()),
  };
  return (request, response) => {
    request.resume();
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined) return answer(response, 404, text, `There are ${Object.keys(pages).join(', ')}\n`);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, text, 'GET or HEAD, please\n');
    page(response).catch((error: unknown) => {
      failed(error);
      answer(response, 500, text, 'Something is wrong here: its log says what\n');
    });
  };
}

/** A HEAD is answered without the body by Node itself. */
function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body);
}
