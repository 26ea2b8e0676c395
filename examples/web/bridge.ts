/**
 * A bridge between WebSockets and TCP, both ways. It carries bytes, and needs no trust: what it carries is TLS, whose ends
 * are elsewhere.
 *
 *   ws://…/to/NAME    to the TCP port of that name, and back
 *   ws://…/for/NAME   a text message, an id, for each connection to the TCP port of that name
 *   ws://…/take/ID    that connection
 *
 * The names are those of its lists: nobody can ask it for another machine.
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { createServer, type Socket, connect as tcp } from 'node:net';
import { type Duplex, pipeline, Transform } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';

export interface BridgeOptions {
  /** Where WebSockets may go. */
  readonly targets?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
  /** TCP ports of its own, on the loopback, whose connections a page answers. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Sees all that passes, and may put something else in its place: for tests, and for those who would. */
  readonly tap?: (from: 'page' | 'tcp', bytes: Buffer) => Buffer;
}

/** Connections that wait for their page, at most; another is closed at once. */
const mostWaiting = 64;

/** Milliseconds that one waits for it. */
const patienceMs = 10_000;

/** Answers the WebSockets of a web server, until `close()`. */
export function bridge(server: Server, { targets = {}, ports = {}, tap }: BridgeOptions): { close(): void } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1 << 20, perMessageDeflate: false });
  const pages = new Map<string, WebSocket>();
  const waiting = new Map<string, Socket>();

  const listeners = Object.entries(ports).map(([name, port]) =>
    createServer({ pauseOnConnect: true }, (socket) => {
      const page = pages.get(name);
      if (page === undefined || waiting.size >= mostWaiting) return socket.destroy();
      const id = randomUUID();
      const destroy = () => socket.destroy();
      waiting.set(id, socket.on('error', destroy).setTimeout(patienceMs, destroy));
      page.once('close', destroy);
      socket.once('close', () => {
        waiting.delete(id);
        page.off('close', destroy);
      });
      return page.send(id);
    }).listen(port, '127.0.0.1'),
  );

  server.on('upgrade', (request: IncomingMessage, outside: Duplex, head: Buffer) => {
    outside.on('error', () => outside.destroy());
    const accept = (then: (page: WebSocket) => void) => sockets.handleUpgrade(request, outside, head, then);
    const [, way, name = ''] = (request.url ?? '').split('/');
    const target = way === 'to' && Object.hasOwn(targets, name) ? targets[name] : undefined;
    const caller = way === 'take' ? waiting.get(name) : undefined;
    if (target !== undefined) accept((page) => join(page, tcp(target)));
    else if (caller !== undefined && waiting.delete(name)) accept((page) => join(page, caller.setTimeout(0)));
    else if (way === 'for' && Object.hasOwn(ports, name)) accept((page) => listen(page, name));
    else outside.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });

  function listen(page: WebSocket, name: string): void {
    pages.set(name, page.setMaxListeners(0));
    page.on('error', () => page.terminate());
    page.once('close', () => pages.get(name) === page && pages.delete(name));
  }

  /** A pipe waits where its far end is slow, and the end of one is the end of both. */
  function join(page: WebSocket, socket: Socket): void {
    const through = (from: 'page' | 'tcp') =>
      new Transform({ transform: (bytes: Buffer, _, done) => done(null, tap?.(from, bytes) ?? bytes) });
    const stream = createWebSocketStream(page);
    pipeline(stream, through('page'), socket, through('tcp'), stream, () => page.close());
  }

  return {
    close() {
      for (const listener of listeners) listener.close();
      for (const socket of waiting.values()) socket.destroy();
      for (const page of sockets.clients) page.terminate();
    },
  };
}
