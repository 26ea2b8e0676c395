/**
 * Mutual TLS: the server wants to know who the client is, too, and answers by name.
 *
 * @module
 */

import { text } from 'node:stream/consumers';
import { connect, createServer } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const ca = await exampleCa();

const server = createServer(
  { credentials: [await ca.server('vault.example')], trust: ca.trust, requestCert: true },
  (socket) => {
    const [certificate] = socket.negotiated?.peer?.chain ?? [];
    socket.end(`Welcome, ${certificate?.subject.commonName}: ${socket.authorized ? 'verified' : 'unverified'}.`);
  },
);

const socket = connect({
  ...(await onLoopback(server)),
  servername: 'vault.example',
  trust: ca.trust,
  credentials: [await ca.client('alice')],
});
console.log(await text(socket));

server.close();
