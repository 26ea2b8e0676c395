/**
 * Many names on one port: a callback sees the parsed ClientHello and chooses the certificate, asynchronously if it likes.
 * What it throws ends that connection alone.
 *
 * @module
 */

import { text } from 'node:stream/consumers';
import type { Credential } from '@handfast/tls';
import { connect, createServer } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const ca = await exampleCa();

/** Made when a name is first asked for: a database, or a CA, in life. */
const credentials = new Map<string, Promise<Credential>>();
function credentialFor(name: string): Promise<Credential> {
  const credential = credentials.get(name) ?? ca.server(name);
  credentials.set(name, credential);
  return credential;
}

const server = createServer(
  {
    selectCredential: async ({ serverName = 'default.example', clientHello }) => {
      console.log(`asked for ${serverName}, by a client of ${clientHello.cipherSuites.length} cipher suites`);
      return credentialFor(serverName);
    },
  },
  (socket) => socket.end(`This is ${socket.servername}.`),
);

const address = await onLoopback(server);
for (const servername of ['red.example', 'blue.example']) {
  console.log(await text(connect({ ...address, servername, trust: ca.trust })));
}

server.close();
