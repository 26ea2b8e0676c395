/**
 * A request in the first flight of a connection (0-RTT): a server that answers GET at once and refuses POST with 425, and a client
 * that comes back to it. docs/early-data.md says what that gives and what it costs.
 *
 * @module
 */

import { once } from 'node:events';
import { memoryReplayCache, memorySessionCache } from '@handfast/tls';
import { connect, createHttpsServer, refuseEarlyData, type TLSSocket } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const ca = await exampleCa();
// A cache refuses everything in its first ten seconds, for it does not know what came before. This one has been there for long.
const replay = memoryReplayCache({ time: () => new Date(0) });
const credentials = [await ca.server('shop.example')];
// Whatever comes early: the listener looks at each request itself.
const earlyRequests = (): boolean => true;
const server = createHttpsServer({ credentials, earlyData: { replay }, earlyRequests }, (request, response) => {
  const when = request.headers['early-data'] === '1' ? 'early' : 'after the handshake';
  console.log(`  server: ${request.method} ${request.url} came ${when}`);
  if (request.method !== 'GET' && refuseEarlyData(request, response)) return;
  response.end(`${request.method} is done`);
});
const { host, port } = await onLoopback(server);
const sessions = memorySessionCache();

/** The next answer's status and body. */
async function answer(socket: TLSSocket): Promise<{ readonly status: string; readonly body: string }> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const [head = '', body] = text.split('\r\n\r\n');
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
    if (body !== undefined && body.length >= length) return { status: head.slice(9, head.indexOf('\r\n')), body };
  }
  throw new Error('the server ended without an answer');
}

/** Asks in the first flight where that can be, and once more where the server will not have it so. */
async function ask(method: 'GET' | 'POST', path: string): Promise<void> {
  const request = `${method} ${path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n`;
  const socket = connect({ host, port, servername: 'shop.example', trust: ca.trust, sessions, earlyData: 16_384 });
  let sent = 0;
  socket.once('earlyDataReady', () => {
    sent = socket.writeEarlyData(request);
  });
  await once(socket, 'secureConnect');
  // What did not go out, or was not taken, is sent as ever. Whoever does not want that leaves it.
  if (socket.negotiated?.earlyData !== 'accepted') sent = 0;
  socket.write(request.slice(sent));
  let { status, body } = await answer(socket);
  console.log(`  client: ${status}`);
  if (status.startsWith('425')) {
    socket.write(request);
    ({ status, body } = await answer(socket));
    console.log(`  client: ${status}`);
  }
  console.log(`${method} ${path}: ${body}`);
  socket.end();
  socket.resume();
  await once(socket, 'close');
}

await ask('GET', '/the-first-time');
await ask('GET', '/basket');
// A client should not do this (RFC 8470 §4): it is here to show what the server does.
await ask('POST', '/order');
server.close();
