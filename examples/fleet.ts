/**
 * A small fleet on one machine: two servers with the same certificate share ticket keys by a file, and a client that was at
 * one is resumed at the other. docs/fleets.md goes on from here to many machines.
 *
 * @module
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { memorySessionCache, ticketKeys } from '@handfast/tls';
import { connect, createServer, fileKeyRing, type Server } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const folder = await mkdtemp(join(tmpdir(), 'handfast-fleet-'));
const ca = await exampleCa();
const credentials = [await ca.server('api.example')];

async function startServer(): Promise<Server> {
  const ring = fileKeyRing({ path: join(folder, 'ticket-keys.json') });
  await ring.keys(Date.now());
  const tickets = { keys: ticketKeys({ provider, ring, onError: console.warn }) };
  return createServer({ credentials, tickets }, (socket) => {
    socket.once('data', () => socket.end(socket.negotiated?.resumed === true ? 'welcome back' : 'hello'));
  });
}

const sessions = memorySessionCache();
const servers = [await startServer(), await startServer()];
for (const server of servers) {
  const { port } = await onLoopback(server);
  // As behind a balancer: the client asks for one host, and comes to either server.
  const transport = netConnect(port, '127.0.0.1');
  const socket = connect({ socket: transport, host: 'api.example', trust: ca.trust, sessions });
  socket.write('Who am I?');
  console.log(await text(socket));
}

for (const server of servers) server.close();
await rm(folder, { recursive: true });
