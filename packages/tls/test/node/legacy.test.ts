/**
 * Old versions over real sockets, with names as `node:tls` has them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { nodeLegacyProvider as provider } from '@handfast/crypto/legacy/node';
import { nodeProvider } from '@handfast/crypto/node';
import { toPem } from '@handfast/x509';
import { tls12, tls13 } from '../../src/index.ts';
import {
  insecureServers,
  legacyCipherSuites,
  secureRenegotiation,
  ssl30,
  tls10,
  tls11,
} from '../../src/legacy/index.ts';
import { connect, createServer } from '../../src/node/index.ts';
import { makeCredential, now, pki } from '../support/identities.ts';

const { signer, pkcs8 } = await nodeProvider.generateKeyPair('rsa');
const keyUsage = ['digitalSignature', 'keyEncipherment'] as const;
const { chain } = await makeCredential({ with: { publicKey: signer.publicKey, keyUsage } });
const cert = chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
const key = toPem('PRIVATE KEY', pkcs8);

const old = {
  provider,
  versions: [tls13, tls12, tls11, tls10, ssl30],
  cipherSuites: [
    ...[...tls13.defaultCipherSuites, ...tls12.defaultCipherSuites],
    ...legacyCipherSuites.filter(({ supportedBy }) => supportedBy(provider)),
  ],
  time: () => now,
};

it('renegotiate() calls back when the other handshake is done', async () => {
  const renegotiation = secureRenegotiation({ most: 2 });
  const server = createServer({ ...old, cert, key, renegotiation }, (socket) => {
    socket.on('error', () => undefined).pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({
    ...{ ...old, host: '127.0.0.1', port, servername: 'localhost', trust: pki.trust },
    ...{ versions: [tls12], renegotiation },
  });
  await once(socket, 'secureConnect');
  const before = socket.negotiated;
  const error = await new Promise((resolve) => {
    assert.equal(socket.renegotiate({}, resolve), true);
  });
  assert.equal(error, null);
  assert.notEqual(socket.negotiated, before);
  socket.write('after it');
  const [data] = (await once(socket, 'data')) as [Buffer];
  assert.equal(data.toString(), 'after it');
  const ended = new Promise((resolve) => {
    socket.renegotiate({}, resolve);
  });
  socket.destroy();
  assert.equal(await ended, null);
  server.close();
});

describe('a server that speaks every version, with a key in PEM', async () => {
  const server = createServer({ ...old, cert, key }, (socket) => socket.pipe(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  after(() => server.close());

  for (const [version, name] of [
    [tls12, 'TLSv1.2'],
    [tls11, 'TLSv1.1'],
    [tls10, 'TLSv1'],
    [ssl30, 'SSLv3'],
  ] as const) {
    it(`answers a client of ${name}`, async () => {
      const socket = connect({
        ...{ ...old, host: '127.0.0.1', port, servername: 'localhost', trust: pki.trust },
        ...{ versions: [version], renegotiation: insecureServers },
      });
      await once(socket, 'secureConnect');
      assert.equal(socket.getProtocol(), name);
      assert.equal(socket.authorized, true);
      socket.end('over the wire');
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk);
      // Before TLS 1.3 the server's echo is cut by our close_notify, which ends both directions.
      assert.ok('over the wire'.startsWith(Buffer.concat(chunks).toString()));
    });
  }
});
