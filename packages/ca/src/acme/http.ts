/**
 * The two ways in: requests of the web's kind, and those of Node's servers, which are answered without the others being made of them.
 *
 * @module
 */

import type { IncomingMessage, RequestListener } from 'node:http';
import { BrokenOff, readBody } from '../body.ts';
import { malformed } from './problems.ts';
import type { Reply } from './replies.ts';
import type { Received } from './requests.ts';

type Replying = (received: Received) => Promise<Reply>;

export async function answerRequest(
  request: Request,
  address: string | undefined,
  replyTo: Replying,
): Promise<Response> {
  const { status, headers, body } = await replyTo({
    method: request.method,
    url: new URL(request.url),
    contentType: request.headers.get('content-type') ?? undefined,
    address,
    body: (maxBytes) =>
      readBody(request, maxBytes).catch((error: unknown) => {
        throw error instanceof BrokenOff ? malformed(error.message) : error;
      }),
  });
  const told = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === 'string' ? [value] : value) told.append(name, one);
  }
  return new Response(body ?? null, { status, headers: told });
}

/** @param base the server's origin: what a client says of the host is not looked at */
export function requestListener(base: string, replyTo: Replying): RequestListener {
  return (request, response) => {
    const url = URL.parse(request.url ?? '', base);
    if (url === null) {
      response.writeHead(400).end();
      return;
    }
    const received: Received = {
      method: request.method ?? '',
      url,
      contentType: request.headers['content-type'],
      address: request.socket.remoteAddress,
      body: (maxBytes) => bodyOf(request, maxBytes),
    };
    replyTo(received)
      .then(({ status, headers, body }) => {
        const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
        response.writeHead(status, { ...(headers as Readonly<Record<string, string>>), ...length }).end(body);
      })
      // A reply that cannot be written, too: it is the end of this connection alone.
      .catch((error: unknown) => response.destroy(error as Error));
  };
}

/** `undefined` for one of more than `maxBytes`: what comes after that is let go by. */
function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    request.on('data', (part: Buffer) => {
      length += part.length;
      if (length <= maxBytes) parts.push(part);
      else resolve(undefined);
    });
    request.on('end', () => resolve(Buffer.concat(parts)));
    // Every request is closed; to make an error of it costs as much as to read it.
    const brokenOff = (): void => {
      if (!request.readableEnded) reject(malformed('the request broke off'));
    };
    request.on('error', brokenOff);
    request.on('close', brokenOff);
  });
}
