/**
 * What the viewer answers browsers: the built page of `@handfast/viewer`, and what happens, at `live`. Nothing else, and nothing to
 * whom `access.ts` does not know.
 *
 * @module
 */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Access } from './access.ts';
import type { Archive } from './archive.ts';
import { Feed } from './feed.ts';
import type { Site } from './site.ts';

/** So many pages at once. */
const maxFeeds = 16;

const headers: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': [
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'",
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

export interface PagesOptions {
  readonly access: Access;
  readonly archive: Archive;
  readonly site: Site;
  /** Somebody came with an address that was opened before. */
  readonly openedAgain: () => void;
}

export function pages({ access, archive, site, openedAgain }: PagesOptions): RequestListener {
  return (request, response) => {
    const { pathname, token } = partsOf(request);
    const refusal = access.refusalOf(request, token !== null);
    if (refusal !== undefined) return say(response, request, refusal.status, refusal.words);
    const cookie = token === null ? undefined : access.open(token);
    if (token !== null && (cookie !== undefined || access.admits(request))) {
      response.writeHead(303, {
        ...headers,
        Location: '/#live',
        ...(cookie !== undefined && { 'Set-Cookie': cookie }),
      });
      response.end();
      return;
    }
    if (!access.admits(request)) {
      if (token !== null && access.wasOpened(token)) openedAgain();
      say(response, request, 403, closedDoor);
      return;
    }
    if (pathname === '/live') return feed(request, response, archive);
    const file = site.get(pathname === '/' ? 'index.html' : pathname.slice(1));
    if (file === undefined) return say(response, request, 404, 'There is nothing here.');
    answer(response, request, 200, file.type, file.body);
  };
}

const closedDoor = [
  'This page is for whoever has started handfast view, and this browser has not come by the address that it printed.',
  'An address opens once: for another, press Enter where handfast view runs.',
].join('\n');

/** The path as it was sent, and the token that opens the page, where there is one. */
function partsOf({ url = '' }: IncomingMessage): { readonly pathname: string; readonly token: string | null } {
  const at = url.indexOf('?');
  if (at < 0) return { pathname: url, token: null };
  const pathname = url.slice(0, at);
  return { pathname, token: pathname === '/' ? new URLSearchParams(url.slice(at)).get('token') : null };
}

function feed(request: IncomingMessage, response: ServerResponse, archive: Archive): void {
  if (request.method !== 'HEAD' && archive.readers.size >= maxFeeds) {
    say(response, request, 403, `${maxFeeds} pages are open already: close one.`);
    return;
  }
  response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream; charset=utf-8' });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const { 'last-event-id': last } = request.headers;
  new Feed(archive, response, typeof last === 'string' && /^\d{1,15}$/.test(last) ? Number(last) : 0);
}

function say(response: ServerResponse, request: IncomingMessage, status: number, words: string): void {
  answer(response, request, status, 'text/plain; charset=utf-8', Buffer.from(`${words}\n`));
}

function answer(
  response: ServerResponse,
  { method }: IncomingMessage,
  status: number,
  type: string,
  body: Buffer,
): void {
  response.writeHead(status, {
    ...headers,
    'Content-Type': type,
    'Content-Length': body.length,
    ...(status === 405 && { Allow: 'GET, HEAD' }),
  });
  response.end(method === 'HEAD' ? undefined : body);
}
