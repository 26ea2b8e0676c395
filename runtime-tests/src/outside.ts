/**
 * The server outside: it echoes what it is sent over TLS, to callers over TCP and over a WebSocket. And a WebSocket whose other end
 * the caller of `next` gets.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Duplex } from 'node:stream';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { accept, type ByteStreams, fromWebSocket } from '@handfast/tls/web';
import { toPem } from '@handfast/x509';
import { type WebSocket, WebSocketServer } from 'ws';
import { otherPki, pki, serverCredential } from '../suite/identities.ts';
import type { Outside } from '../suite/outside.ts';

export interface OutsideServer extends Outside {
  /** A WebSocket that nobody answers but who calls `next`. */
  readonly raw: string;
  next(): Promise<ByteStreams>;
  close(): Promise<void>;
}

export async function openOutside(): Promise<OutsideServer> {
  const credentials = [await serverCredential(fullWebProvider)];
  const echo = (transport: ByteStreams): void => {
    accept(transport, { credentials })
      .then(({ readable, writable }) => readable.pipeTo(writable))
      // Whoever distrusts us goes away: its side tells of it.
      .catch(() => {});
  };
  const tcp = createServer({ allowHalfOpen: true }, (socket) => echo(Duplex.toWeb(socket) as ByteStreams));
  const web = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  const arrivals: ((streams: ByteStreams) => void)[] = [];
  web.on('connection', (socket: WebSocket, { url }) => {
    const streams = fromWebSocket(socket);
    if (url === '/raw') arrivals.shift()?.(streams);
    else echo(streams);
  });
  tcp.listen(0, 'localhost');
  await Promise.all([once(tcp, 'listening'), once(web, 'listening')]);
  const bridge = `ws://localhost:${(web.address() as AddressInfo).port}/`;
  const pem = async (of: typeof pki): Promise<string> => toPem('CERTIFICATE', (await of()).certificate.raw);
  return {
    port: (tcp.address() as AddressInfo).port,
    bridge,
    raw: `${bridge}raw`,
    ca: await pem(pki),
    otherCa: await pem(otherPki),
    next: () => new Promise((resolve) => arrivals.push(resolve)),
    async close() {
      for (const socket of web.clients) socket.terminate();
      web.close();
      tcp.close();
    },
  };
}
