/**
 * Channel binding (RFC 9266): both ends export the same bytes from their connection, and nobody in between can. A password
 * proof that covers them is worth nothing on another connection.
 *
 * @module
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const ca = await exampleCa();
const password = 'correct horse battery staple';

/** tls-exporter: 32 bytes, of this connection alone. */
const binding = (socket: TLSSocket): Buffer =>
  socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', new Uint8Array());
const proof = (socket: TLSSocket): Buffer => createHmac('sha256', password).update(binding(socket)).digest();

const server = createServer({ credentials: [await ca.server('login.example')] }, (socket) => {
  socket.once('data', (given: Buffer) => {
    const good = given.length === 32 && timingSafeEqual(given, proof(socket));
    socket.end(good ? 'You know the password, and we talk to each other directly.' : 'Somebody is in between.');
  });
});

const socket = connect({ ...(await onLoopback(server)), servername: 'login.example', trust: ca.trust });
await once(socket, 'secureConnect');
socket.write(proof(socket));
const [answer]: Buffer[] = await once(socket, 'data');
console.log(String(answer));

socket.end();
server.close();
