/**
 * No sockets at all: TLS over any Duplex, here two ends of a pipe in memory. A WebSocket, a serial line, an SSH channel
 * or a mock in a test do as well.
 *
 * @module
 */

import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect, createServer } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';

const ca = await exampleCa();
const [near, far] = duplexPair();

const server = createServer({ credentials: [await ca.server('tunnel.example')] }, (socket) => {
  socket.end('Hello through a pipe.');
});
server.emit('connection', far);

const socket = connect({ socket: near, servername: 'tunnel.example', trust: ca.trust });
console.log(await text(socket));
