/**
 * Sockets over a provider whose AEADs answer later: the last word goes out before the transport ends.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { webProvider } from '@handfast/crypto/web';
import { tls12, tls13 } from '../../src/index.ts';
import { connect, createServer, type Server, type TLSSocket } from '../../src/node/index.ts';
import { makeCredential, now, otherPki, pki } from '../support/identities.ts';

const provider = webProvider;
const credential = await makeCredential({ provider });
const open: { destroy?(): unknown; close?(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    one.destroy?.();
    one.close?.();
  }
});

for (const version of [tls13, tls12]) {
  const both = { provider, versions: [version], time: () => now };

  async function listening(
    handle: (socket: TLSSocket) => void,
  ): Promise<{ readonly server: Server; readonly port: number }> {
    const server = createServer({ ...both, credentials: [credential] }, handle);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(server);
    return { server, port: (server.address() as AddressInfo).port };
  }

  describe(`an asynchronous provider, ${version.name}`, () => {
    it('says close_notify before the transport ends, on both sides', async () => {
      const ends: (string | undefined)[] = [];
      const { port } = await listening((socket) => {
        socket.on('error', (error) => ends.push(`server: ${error.message}`));
        socket.on('close', () => ends.push('server closed'));
        socket.pipe(socket);
      });
      const socket = connect({ ...both, host: '127.0.0.1', port, servername: 'localhost', trust: pki.trust });
      open.push(socket);
      socket.on('error', (error) => ends.push(`client: ${error.message}`));
      const said: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => said.push(chunk));
      socket.end('all that there is to say');
      await once(socket, 'close');
      while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(ends, ['server closed']);
      assert.equal(Buffer.concat(said).toString(), 'all that there is to say');
    });

    it('tells the peer why it was refused', async () => {
      const { server, port } = await listening(() => {});
      const refused = once(server, 'tlsClientError') as Promise<[Error & { tlsCode?: string; alert?: string }]>;
      const socket = connect({ ...both, host: '127.0.0.1', port, servername: 'localhost', trust: otherPki.trust });
      open.push(socket);
      const [error] = (await once(socket, 'error')) as [Error & { tlsCode?: string }];
      assert.equal(error.tlsCode, 'certificate_unknown_issuer');
      const [heard] = await refused;
      assert.equal(heard.tlsCode, 'peer_alert');
      assert.match(heard.message, /unknown_ca/);
    });
  });
}
