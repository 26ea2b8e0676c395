/**
 * A client and a server: the smallest whole conversation. The client verifies the server's chain and name.
 *
 * @module
 */

import { text } from 'node:stream/consumers';
import { connect, createServer } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const ca = await exampleCa();

const server = createServer({ credentials: [await ca.server('api.example')] }, (socket) => {
  socket.end(`Hello over ${socket.getCipher()?.name}!`);
});

const socket = connect({ ...(await onLoopback(server)), servername: 'api.example', trust: ca.trust });
console.log(await text(socket));

server.close();
