/**
 * A program as anybody has one: `node:https` and nothing of ours, a server and its client. Whether its connections are shown is for who
 * starts it to say. It prints the time at each handshake's end, or why there was none.
 *
 * Arguments: a folder with `server.pem`, `server-key.pem` and `ca.pem`; how many connections; the name to ask for; how many at a time.
 *
 * @module
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';

const [, , folder = '.', times = '1', servername = 'localhost', together = '8'] = process.argv;
const read = (name: string): Buffer => readFileSync(join(folder, name));

const server = https.createServer({ cert: read('server.pem'), key: read('server-key.pem') }, (_request, response) => {
  response.end('the answer');
});
server.on('tlsClientError', () => undefined);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const ca = read('ca.pem');

async function one(): Promise<void> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername, ca });
  try {
    await once(socket, 'secureConnect');
    process.stdout.write(`${performance.timeOrigin + performance.now()}\n`);
    socket.end('GET / HTTP/1.1\r\nHost: localhost\r\nCookie: the-secret-of-a-user\r\nConnection: close\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
}

let left = Number(times);
await Promise.all(
  Array.from({ length: Math.min(left, Number(together)) }, async () => {
    while (left-- > 0) await one();
  }),
);
server.close();
