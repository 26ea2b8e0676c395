/**
 * What a config decides, over Web Streams: certificates, ALPN, keying material, resumption, early data.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webProvider } from '@handfast/crypto/web';
import {
  clientConfig,
  memoryReplayCache,
  memorySessionCache,
  serverConfig,
  ticketKeys,
  tls13Client,
  tls13Server,
} from '../../src/index.ts';
import { acceptWith, connect, connectWith } from '../../src/web/index.ts';
import { clientCredential, now, pki, serverCredential } from '../support/identities.ts';
import {
  clientOptions,
  connectedPair,
  playedTransport,
  receive,
  send,
  transportPair,
  turns,
  versions,
} from './support.ts';

test('configs that are shared: client certificates, ALPN, and the same keying material on both sides', async () => {
  const common = { provider: webProvider, trust: pki.trust, time: () => now, alpnProtocols: ['chat'] };
  const ours = clientConfig({ ...common, versions: [tls13Client], credentials: [clientCredential] });
  const theirs = serverConfig({
    ...common,
    versions: [tls13Server],
    credentials: [serverCredential],
    clientCertificate: 'require',
  });
  const [near, far] = transportPair();
  const [client, server] = await Promise.all([
    connectWith(ours, Promise.resolve(near), { serverName: 'localhost' }),
    acceptWith(theirs, far),
  ]);
  assert.equal(client.negotiated.alpnProtocol, 'chat');
  assert.equal(server.peer?.chain[0]?.subject.toString(), 'CN=a client');
  assert.deepEqual(client.exportKeyingMaterial(32, 'EXPORTER-test'), server.exportKeyingMaterial(32, 'EXPORTER-test'));
  client.updateKeys({ requestPeer: true });
  await Promise.all([send(client, 'new keys'), send(server, 'new keys')]);
  assert.equal(String(await receive(server, 8)), 'new keys');
  assert.equal(String(await receive(client, 8)), 'new keys');
  await Promise.all([client.close(), server.close()]);
});

for (const { name, ...options } of versions) {
  test(`a session is resumed by its sessionKey: ${name}`, async () => {
    const sessions = memorySessionCache();
    const tickets = { keys: ticketKeys({ provider: webProvider }) };
    const once = async (sessionKey: string): Promise<boolean> => {
      const { client, server } = await connectedPair({
        client: { ...options.client, sessions, sessionKey },
        server: { ...options.server, tickets },
      });
      await send(server, 'x');
      await receive(client, 1);
      await Promise.all([client.close(), server.close()]);
      return client.negotiated.resumed;
    };
    assert.deepEqual([await once('a:1'), await once('a:1'), await once('b:1')], [false, true, false]);
  });
}

test('earlyBytes go out with the hello where a session allows it; what the server did not take is told', async () => {
  const sessions = memorySessionCache();
  const keys = ticketKeys({ provider: webProvider });
  const replay = memoryReplayCache({ time: () => new Date(0) });
  const earlyBytes = new TextEncoder().encode('GET / at once');
  const once = async (takes: boolean): Promise<{ readonly said: string | undefined; readonly left: string }> => {
    const { client, server } = await connectedPair({
      client: { versions: [tls13Client], sessions, earlyData: 1000, earlyBytes },
      server: {
        versions: [tls13Server],
        tickets: { keys },
        ...(takes && { earlyData: { replay } }),
      },
    });
    const left = Buffer.from(client.earlyBytesLeft).toString();
    await send(client, client.earlyBytesLeft);
    assert.equal(String(await receive(server, earlyBytes.length)), 'GET / at once');
    await send(server, 'x');
    await receive(client, 1);
    await Promise.all([client.close(), server.close()]);
    return { said: client.negotiated.earlyData, left };
  };
  assert.deepEqual(await once(true), { said: undefined, left: 'GET / at once' });
  assert.deepEqual(await once(true), { said: 'accepted', left: '' });
  assert.deepEqual(await once(false), { said: 'rejected', left: 'GET / at once' });
});

test('an option of a config that cannot work is said as such, and the transport is let go', async () => {
  const transport = playedTransport();
  await assert.rejects(connect(transport, { ...clientOptions, groups: [] }), {
    name: 'TlsConfigError',
    option: 'groups',
  });
  await turns();
  assert.deepEqual(transport.ends, ['cancelled', 'aborted']);
});
