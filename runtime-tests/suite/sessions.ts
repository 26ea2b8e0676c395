/**
 * Sessions that go on, keys known beforehand, data before the handshake is done, and keys that change.
 *
 * @module
 */

import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  type ClientOptions,
  memoryReplayCache,
  memorySessionCache,
  type PreSharedKey,
  type ServerOptions,
  ticketKeys,
  tls12,
  tls13,
} from '@handfast/tls';
import { equal, failure, ok, property } from './check.ts';
import { serverCredential } from './identities.ts';
import { begin, carry, encode, meet, refused, settled, stands, textOf } from './meet.ts';
import { test } from './registry.ts';

interface Returning {
  readonly client: Partial<ClientOptions>;
  readonly server: Partial<ServerOptions>;
}

/** The same client and server each time. */
async function returning(version: typeof tls13 | typeof tls12, early = false): Promise<Returning> {
  const replay = memoryReplayCache({ window: 10_000, time: () => new Date(0) }); // it has always been there
  return {
    client: { versions: [version], sessions: memorySessionCache(), ...(early && { earlyData: 16_384 }) },
    server: {
      versions: [version],
      credentials: [await serverCredential(fullWebProvider)],
      tickets: { keys: ticketKeys({ provider: fullWebProvider }) },
      ...(early && { earlyData: { replay } }),
    },
  };
}

for (const version of [tls13, tls12]) {
  test(`${version.name} resumption by a ticket, twice`, async () => {
    const options = await returning(version);
    equal((await stands(await meet(options))).resumed, false, 'the first');
    for (const which of ['the second', 'the third']) {
      const negotiated = await stands(await meet(options));
      equal([negotiated.version, negotiated.resumed], [version.name, true], which);
    }
  });

  test(`${version.name} a ticket under keys that are gone: a full handshake`, async () => {
    const options = await returning(version);
    await stands(await meet(options));
    const server = { ...options.server, tickets: { keys: ticketKeys({ provider: fullWebProvider }) } };
    equal((await stands(await meet({ ...options, server }))).resumed, false, 'whether it was resumed');
  });
}

test('early data is taken, before anything else, and answered', async () => {
  const options = await returning(tls13, true);
  await stands(await meet(options));
  const both = await begin(options);
  await settled(both.client);
  equal(both.client.connection.writeEarlyData(encode('early')), 5, 'what went out');
  await carry(both);
  equal(textOf(both.server), 'early', 'what came');
  const negotiated = await stands(both);
  equal([negotiated.resumed, negotiated.earlyData], [true, 'accepted'], 'what became of it');
});

test('early data is refused by a server that takes none, and given back', async () => {
  const options = await returning(tls13, true);
  await stands(await meet(options));
  const { earlyData: _, ...server } = options.server;
  const both = await begin({ ...options, server });
  await settled(both.client);
  both.client.connection.writeEarlyData(encode('early'));
  await carry(both);
  equal(textOf(both.server), '', 'what came');
  equal((await stands(both)).earlyData, 'rejected', 'what became of it');
  const back = both.client.connection.takeRejectedEarlyData();
  equal(back && new TextDecoder().decode(back), 'early', 'what was given back');
});

for (const hash of ['sha256', 'sha384'] as const) {
  const known: PreSharedKey = { identity: encode('a device'), key: new Uint8Array(32).fill(7), hash };
  const isKnown = (identity: Uint8Array): boolean => new TextDecoder().decode(identity) === 'a device';

  test(`TLS 1.3 by a pre-shared key of ${hash}, without certificates`, async () => {
    const server = { credentials: [], preSharedKey: (identity: Uint8Array) => (isKnown(identity) ? known : undefined) };
    const negotiated = await stands(await meet({ client: { preSharedKey: () => known }, server }));
    equal(negotiated.pskIdentity && new TextDecoder().decode(negotiated.pskIdentity), 'a device', 'the identity');
  });

  test(`TLS 1.3 by a pre-shared key of ${hash} with the right name and other bytes is refused`, async () => {
    const other = { ...known, key: new Uint8Array(32).fill(8) };
    const server = { credentials: [], preSharedKey: () => other };
    await refused(
      await meet({ client: { preSharedKey: () => known }, server }),
      'server',
      'decrypt_error',
      'decrypt_error',
    );
  });
}

test('key updates of both sides, alone and on request, with data between', async () => {
  const both = await meet({ client: { versions: [tls13] } });
  for (const [side, other] of [
    [both.client, both.server],
    [both.server, both.client],
  ] as const) {
    side.connection.write(encode('a'));
    side.connection.updateKeys();
    side.connection.write(encode('b'));
    side.connection.updateKeys({ requestPeer: true });
    side.connection.write(encode('c'));
    await carry(both);
    other.connection.write(encode('d'));
    await carry(both);
    equal([textOf(other).slice(-3), textOf(side).slice(-1)], ['abc', 'd'], 'what came');
  }
  await stands(both);
});

test('key updates are not to be had in TLS 1.2', async () => {
  const { client } = await meet({ client: { versions: [tls12] } });
  const thrown = await failure((async () => client.connection.updateKeys())());
  equal(property(thrown, 'code'), 'not_supported', 'the error');
});

for (const version of [tls13, tls12]) {
  test(`${version.name} ALPN: the server's first that the client has`, async () => {
    const both = await meet({
      client: { versions: [version], alpnProtocols: ['http/1.1', 'h2'] },
      server: { alpnProtocols: ['h3', 'h2', 'http/1.1'] },
    });
    equal((await stands(both)).alpnProtocol, 'h2', 'the protocol');
  });

  test(`${version.name} ALPN without a common protocol is refused`, async () => {
    const both = await meet({
      client: { versions: [version], alpnProtocols: ['h2'] },
      server: { alpnProtocols: ['postgresql'] },
    });
    await refused(both, 'server', 'no_application_protocol', 'no_application_protocol');
  });

  test(`${version.name} close_notify ends each direction, and both end without an error`, async () => {
    const both = await meet({ client: { versions: [version] } });
    both.client.connection.write(encode('last'));
    both.client.connection.closeWrite();
    await carry(both);
    ok(both.server.ended, 'the server hears the end');
    equal(textOf(both.server), 'last', 'what came before');
    if (version === tls13) both.server.connection.write(encode('answer'));
    both.server.connection.closeWrite();
    await carry(both);
    equal(textOf(both.client), version === tls13 ? 'answer' : '', 'what came after');
    equal([both.client.error, both.server.error], [null, null], 'the errors');
  });
}
