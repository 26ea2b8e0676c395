/**
 * Early data that a server takes (RFC 9846 §2.3, §4.3.10): when it comes, how much of it, what both sides then know.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, toHex } from '@handfast/crypto';
import {
  cipherSuites,
  clientConfig,
  memorySessionCache,
  type ReplayCache,
  type SessionCache,
  TLS_AES_128_GCM_SHA256,
  type TraceEvent,
  tls12,
  tls13,
  tlsClient,
} from '../../src/index.ts';
import { clientCredential, pki } from '../support/identities.ts';
import {
  clientDefaults,
  exchange,
  give,
  providers,
  recorder,
  type Side,
  settled,
  startServer,
} from '../support/pair.ts';
import { recordsIn } from '../support/wire.ts';
import { accepted, back, backAgain, earlyStage, limit, replayCache, writeEarly } from './early.ts';
import { full, helloOf, type Met, messagesOf, resumed, ticketsOf, typesOf, x25519 } from './resuming.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
/** What waits in an outbox, record by record. */
const recordsOf = (side: Met['client']): readonly Uint8Array[] => recordsIn(Buffer.concat(side.outbox));
const typesIn = (records: readonly Uint8Array[]): readonly (number | undefined)[] => records.map(([type]) => type);
const later = () => new Promise((resolve) => setImmediate(resolve));

for (const provider of providers) {
  describe(`early data, provider ${provider.name},`, () => {
    it('is allowed by tickets, offered by hellos, taken in EncryptedExtensions, and ended by a message', async () => {
      const here = earlyStage(provider);
      const first = await here.meet();
      assert.equal((await full(first)).earlyData, undefined);
      assert.deepEqual(
        ticketsOf(first).map(({ extensions }) => extensions.early_data),
        [limit, limit],
      );
      const met = await backAgain(here, {}, 'early');
      assert.equal(met.client.earlyLimit, limit);
      await accepted(met, 'early');
      assert.equal(helloOf(met).extensions.early_data, true);
      assert.equal(messagesOf(met, 'encrypted_extensions')[0]?.extensions.early_data, true);
      assert.deepEqual(typesOf(met, 'out'), ['client_hello', 'end_of_early_data', 'finished']);
      assert.deepEqual(typesOf(met, 'in'), [
        ...['server_hello', 'encrypted_extensions', 'finished', 'new_session_ticket'],
      ]);
      assert.equal(ticketsOf(met)[0]?.extensions.early_data, limit);
    });

    it('is offered where none is written after all', async () => {
      const met = await back(earlyStage(provider));
      await accepted(met, '');
      assert.deepEqual(typesOf(met, 'out'), ['client_hello', 'end_of_early_data', 'finished']);
    });

    it('goes three times in a row, each time by a ticket of the connection before', async () => {
      const here = earlyStage(provider, { client: { ticketRequest: { full: 1, resumed: 1 } } });
      await full(await here.meet());
      for (const data of ['one', 'two', 'three']) await accepted(await backAgain(here, {}, data), data);
    });

    for (const suite of cipherSuites.filter(({ aead }) => provider.aeads[aead])) {
      it(`goes in ${suite.name}`, async () => {
        const suites = { cipherSuites: [suite] };
        const negotiated = await accepted(
          await back(earlyStage(provider, { client: suites, server: suites }), {}, 'early'),
          'early',
        );
        assert.equal(negotiated.cipherSuite, suite);
      });
    }

    it('goes in the session’s ALPN protocol', async () => {
      const here = earlyStage(provider, { client: { alpnProtocols: ['h2', 'http/1.1'] } });
      await full(await here.meet({ server: { alpnProtocols: ['http/1.1'] } }));
      const met = await backAgain(here, { server: { alpnProtocols: ['http/1.1'] } }, 'early');
      assert.equal((await accepted(met, 'early')).alpnProtocol, 'http/1.1');
    });

    it('goes where both sides have TLS 1.2 as well', async () => {
      const versions = { versions: [tls13, tls12] };
      await accepted(await back(earlyStage(provider, { client: versions, server: versions }), {}, 'early'), 'early');
    });

    it('is under a secret of its own, which is logged first, by both sides', async () => {
      const met = await back(earlyStage(provider), {}, 'early');
      await accepted(met, 'early');
      const { client, server } = met.keyLog;
      assert.deepEqual(client, server);
      assert.deepEqual(
        client.map((line) => line.split(' ')[0]),
        [
          'CLIENT_EARLY_TRAFFIC_SECRET',
          ...['CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_HANDSHAKE_TRAFFIC_SECRET'],
          ...['CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0', 'EXPORTER_SECRET'],
        ],
      );
      for (const line of client) assert.equal(line.split(' ')[1], toHex(helloOf(met).random));
      assert.equal(new Set(client.map((line) => line.split(' ')[2])).size, client.length);
    });

    it('has keys and a state that traces tell', async () => {
      const events: Record<'client' | 'server', TraceEvent[]> = { client: [], server: [] };
      const here = earlyStage(provider);
      const met = await back(
        here,
        {
          client: { trace: (event) => events.client.push(event) },
          server: { trace: (event) => events.server.push(event) },
        },
        'early',
      );
      await exchange(met);
      const keys = (role: 'client' | 'server', direction: string) =>
        events[role].flatMap((event) => (event.type === 'key' && event.direction === direction ? [event.level] : []));
      assert.deepEqual(keys('client', 'out'), ['early', 'handshake', 'application']);
      assert.deepEqual(keys('server', 'in'), ['early', 'handshake', 'application']);
      assert.deepEqual(
        [keys('client', 'in'), keys('server', 'out')],
        [
          ['handshake', 'application'],
          ['handshake', 'application'],
        ],
      );
      assert.deepEqual(
        events.server.flatMap((event) => (event.type === 'state' ? [event.state] : [])),
        ['START', 'WAIT_EOED', 'WAIT_FINISHED', 'CONNECTED'],
      );
      assert.deepEqual(
        events.server.filter(({ type }) => type === 'early_data').map(({ at: _, connection: __, ...event }) => event),
        [{ type: 'early_data', accepted: true, role: 'server' }],
      );
      assert.deepEqual(
        events.client.filter(({ type }) => type === 'early_data'),
        [],
      );
    });

    it('stands behind ChangeCipherSpec, which follows the hello, and is not sent again', async () => {
      const met = await back(earlyStage(provider), {}, 'early');
      await settled(met.client);
      const first = recordsOf(met.client);
      assert.deepEqual(typesIn(first), [22, 20, 23]);
      assert.deepEqual([...(first[1] ?? [])], [20, 3, 3, 0, 1, 1]);
      const sent: Uint8Array[] = [];
      await exchange(met, (bytes, from) => {
        if (from === 'client') sent.push(bytes);
        return [bytes];
      });
      await accepted(met, 'early');
      const count = typesIn(recordsIn(Buffer.concat(sent))).filter((type) => type === 20).length;
      assert.equal(count, 1);
    });

    it('stands behind the hello at once where there is no compatibility to keep', async () => {
      const met = await back(earlyStage(provider, { client: { middleboxCompatibility: false } }), {}, 'early');
      await settled(met.client);
      assert.deepEqual(typesIn(recordsOf(met.client)), [22, 23]);
      const types: unknown[] = [];
      await exchange(met, (bytes) => {
        types.push(...typesIn(recordsIn(bytes)));
        return [bytes];
      });
      assert.equal(types.includes(20), false);
      await accepted(met, 'early');
    });

    it('goes in several writes, and in several records', async () => {
      const much = 'x'.repeat(20_000);
      const earlyData = { replay: replayCache(), limit: 40_000 };
      const here = earlyStage(provider, { client: { earlyData: 40_000 }, server: { earlyData } });
      await accepted(await back(here, {}, 'a', '', 'bc', much, 'd'), `abc${much}d`);
    });

    it('is padded as all records are, and the limit counts none of it', async () => {
      const earlyData = { replay: replayCache(), limit: 5 };
      const here = earlyStage(provider, { client: { padding: () => 100 }, server: { earlyData } });
      const met = await back(here, {}, 'early');
      await settled(met.client);
      assert.equal(recordsOf(met.client).at(-1)?.length, 5 + 5 + 1 + 100 + 16);
      await accepted(met, 'early');
    });

    describe('may be written', () => {
      it('from inside the handler that hears of it', async () => {
        const { sessions, keys, meet } = earlyStage(provider);
        await full(await meet());
        const heard: number[] = [];
        const { side, handlers } = recorder();
        const config = clientConfig({ ...clientDefaults(provider), groups: x25519, sessions, earlyData: limit });
        const connection = tlsClient(
          config,
          { serverName: 'localhost' },
          {
            ...handlers,
            earlyDataReady: (most) => {
              heard.push(most, connection.writeEarlyData(Buffer.from('from inside')));
            },
          },
        );
        assert.equal(connection.writeEarlyData(Buffer.from('too early')), 0);
        connection.start();
        const client = { ...side, connection } as unknown as Side;
        const server = startServer({
          ...{ provider, groups: x25519, tickets: { keys }, earlyData: { replay: replayCache() } },
        });
        await exchange({ client, server });
        assert.deepEqual(heard, [limit, 11]);
        assert.equal(server.text(), 'from inside');
        assert.equal(connection.negotiated?.earlyData, 'accepted');
      });

      it('after ServerHello and EncryptedExtensions, and not after the server’s Finished', async () => {
        // Records so small that Finished is cut in two.
        const suites = { cipherSuites: cipherSuites.filter(({ name }) => name === 'TLS_AES_256_GCM_SHA384') };
        const here = earlyStage(provider, {
          client: { ...suites, recordSizeLimit: 64 },
          server: { ...suites, recordSizeLimit: 16_385 },
        });
        const met = await back(here, {}, 'a');
        const { client, server } = met;
        const move = async (): Promise<void> => {
          for (const bytes of client.outbox.splice(0)) await give(server, bytes);
        };
        await settled(client);
        await move();
        const answer = recordsOf(server);
        server.outbox.length = 0;
        assert.deepEqual(typesIn(answer), [22, 20, 23, 23]);
        const [serverHello, compatibility, most, rest] = answer;
        const states: unknown[] = [];
        for (const [record, letter] of [
          [serverHello, 'b'],
          [compatibility, 'c'],
          [most, 'd'],
        ] as const) {
          await give(client, record ?? new Uint8Array(0));
          states.push(client.connection.state);
          writeEarly(client, letter);
          await settled(client);
          await move();
        }
        assert.deepEqual(states, ['WAIT_EE', 'WAIT_EE', 'WAIT_FINISHED']);
        assert.equal(server.connection.state, 'WAIT_EOED');
        await give(client, rest ?? new Uint8Array(0));
        assert.equal(client.established, true);
        assert.equal(client.connection.writeEarlyData(Buffer.from('e')), 0);
        await accepted(met, 'abcd');
      });

      it('while the client is at work on ServerHello', async () => {
        const met = await back(earlyStage(provider), {}, 'a');
        const { client, server } = met;
        await settled(client);
        for (const bytes of client.outbox.splice(0)) await give(server, bytes);
        const [serverHello = new Uint8Array(0), ...rest] = recordsOf(server);
        server.outbox.length = 0;
        assert.equal(client.connection.receive(serverHello), serverHello.length);
        writeEarly(client, 'b');
        for (const bytes of rest) await give(client, bytes);
        await accepted(met, 'ab');
      });

      it('as far as the config goes', async () => {
        const here = earlyStage(provider, { client: { earlyData: 10 } });
        const met = await back(here);
        const { client } = met;
        assert.equal(client.earlyLimit, 10);
        const written = ['12345678', 'abcd', 'e', ''].map((part) =>
          client.connection.writeEarlyData(Buffer.from(part)),
        );
        assert.deepEqual(written, [8, 2, 0, 0]);
        await accepted(met, '12345678ab');
      });

      it('as far as the ticket goes', async () => {
        const earlyData = { replay: replayCache(), limit: 5 };
        const here = earlyStage(provider, { server: { earlyData } });
        const met = await back(here);
        assert.equal(met.client.earlyLimit, 5);
        assert.equal(met.client.connection.writeEarlyData(Buffer.from('early data')), 5);
        await accepted(met, 'early');
      });

      it('as far as the ticket goes, though its server gives others today', async () => {
        const here = earlyStage(provider);
        const met = await back(here, { server: { earlyData: { replay: replayCache(), limit: 1 } } }, 'early');
        await accepted(met, 'early');
        assert.equal(ticketsOf(met)[0]?.extensions.early_data, 1);
      });

      it('not from inside what is just being written', async () => {
        let met: Met | undefined;
        const inside: (number | undefined)[] = [];
        const padding = (): number => {
          if (met !== undefined) inside.push(met.client.connection.writeEarlyData(Buffer.from('x')));
          return 0;
        };
        const here = earlyStage(provider);
        await full(await here.meet());
        met = await here.begin({ client: { padding } });
        writeEarly(met.client, 'early');
        assert.deepEqual(inside, [0]);
        await accepted(met, 'early');
      });

      it('not by a server, nor after the end', async () => {
        const met = await back(earlyStage(provider));
        const { client, server } = met;
        assert.equal(server.connection.writeEarlyData(Buffer.from('x')), 0);
        assert.equal(server.connection.takeRejectedEarlyData(), undefined);
        client.connection.abort();
        assert.equal(client.connection.writeEarlyData(Buffer.from('x')), 0);
      });

      it('from memory that its caller then changes', async () => {
        const met = await back(earlyStage(provider));
        const bytes = Buffer.from('early');
        assert.equal(met.client.connection.writeEarlyData(bytes), 5);
        bytes.fill(0);
        await accepted(met, 'early');
      });
    });

    describe('comes to the server', () => {
      it('when the handshake is done, where nobody wants it before', async () => {
        const order: string[] = [];
        const here = earlyStage(provider);
        const met = await back(here, {
          serverHandlers: {
            established: ({ earlyData }) => order.push(`established, ${earlyData}`),
            data: (data) => order.push(text(data)),
          },
        });
        const { client, server } = met;
        writeEarly(client, 'one', 'two');
        await settled(client);
        for (const bytes of client.outbox.splice(0)) await give(server, bytes);
        assert.equal(server.connection.state, 'WAIT_EOED');
        assert.deepEqual(order, []);
        await exchange(met);
        client.connection.write(Buffer.from('three'));
        await exchange(met);
        assert.deepEqual(order, ['established, accepted', 'one', 'two', 'three']);
      });

      it('at once where somebody wants it, and is answered before the client has finished', async () => {
        const order: string[] = [];
        let met: Met | undefined;
        const here = earlyStage(provider);
        met = await back(
          here,
          {
            serverHandlers: {
              earlyData: (data) => {
                order.push(`early ${text(data)}`);
                met?.server.connection.write(Buffer.from(`<${text(data)}>`));
              },
              established: () => order.push('established'),
              data: (data) => order.push(text(data)),
            },
          },
          'one',
          'two',
        );
        const { client, server } = met;
        await settled(client);
        assert.equal(server.connection.writable, false);
        for (const bytes of client.outbox.splice(0)) await give(server, bytes);
        await settled(server);
        assert.deepEqual(order, ['early one', 'early two']);
        const { connection } = server;
        assert.deepEqual([connection.writable, connection.phase, connection.state], [true, 'handshake', 'WAIT_EOED']);
        assert.deepEqual([connection.negotiated?.earlyData, connection.negotiated?.resumed], ['accepted', true]);
        assert.throws(() => connection.exportKeyingMaterial(32, 'EXPORTER-test'), { code: 'closed' });
        assert.throws(() => connection.updateKeys(), { code: 'closed' });
        // The client has them as soon as the server's flight.
        for (const bytes of server.outbox.splice(0)) await give(client, bytes);
        assert.equal(client.established, true);
        assert.equal(client.text(), '<one><two>');
        await exchange(met);
        client.connection.write(Buffer.from('three'));
        await exchange(met);
        assert.deepEqual(order, ['early one', 'early two', 'established', 'three']);
        assert.equal(server.connection.negotiated?.earlyData, 'accepted');
      });

      it('in memory that is its own', async () => {
        const got: Bytes[] = [];
        const met = await back(
          earlyStage(provider),
          { serverHandlers: { earlyData: (data) => got.push(data) } },
          'one',
          'two',
        );
        await exchange(met);
        assert.deepEqual(got.map(text), ['one', 'two']);
        assert.notEqual(got[0]?.buffer, got[1]?.buffer);
      });

      it('cut anywhere on its way', async () => {
        for (const size of [1, 7, 100]) {
          const met = await back(earlyStage(provider), {}, 'early', ' data');
          await exchange(met, (bytes) => {
            const out: Uint8Array[] = [];
            for (let at = 0; at < bytes.length; at += size) out.push(bytes.subarray(at, at + size));
            return out;
          });
          await accepted(met, 'early data');
        }
      });

      it('in records larger than it will allow', async () => {
        for (const client of [{ recordSizeLimit: 16_385 }, { maxFragmentLength: 512 as const }, {}]) {
          const here = earlyStage(provider, { client, server: { recordSizeLimit: 64 } });
          const much = 'x'.repeat(limit);
          const met = await back(here, {}, much);
          await settled(met.client);
          assert.equal(recordsOf(met.client).at(-1)?.length, 5 + limit + 1 + 16);
          await accepted(met, much);
        }
      });
    });

    it('goes with the certificate that the client once showed', async () => {
      const here = earlyStage(provider, {
        client: { credentials: [clientCredential] },
        server: { clientCertificate: 'require', trust: pki.trust },
      });
      const peers: unknown[] = [];
      let met: Met | undefined;
      met = await back(
        here,
        { serverHandlers: { earlyData: () => peers.push(met?.server.connection.negotiated?.peer?.chain[0]?.raw) } },
        'early',
      );
      await exchange(met);
      assert.equal((await resumed(met)).earlyData, 'accepted');
      assert.deepEqual(peers, [clientCredential.chain[0]?.raw]);
      assert.deepEqual(met.server.connection.negotiated?.peer?.chain[0]?.raw, clientCredential.chain[0]?.raw);
    });

    it('waits for a session cache and for ticket keys that answer later', async () => {
      const cache = memorySessionCache();
      const sessions: SessionCache = {
        ...cache,
        take: async (peer) => later().then(() => cache.take(peer)),
        put: async (peer, session) => later().then(() => cache.put(peer, session)),
        remove: async () => undefined,
      };
      const here = earlyStage(provider, { client: { sessions } });
      const tickets = {
        keys: {
          ...here.keys,
          seal: async (state: Uint8Array, at: number) => later().then(() => here.keys.seal(state, at)),
          open: async (ticket: Uint8Array, at: number) => later().then(() => here.keys.open(ticket, at)),
        },
      };
      await full(await here.meet({ server: { tickets } }));
      await accepted(await backAgain(here, { server: { tickets } }, 'early'), 'early');
    });

    it('waits for a replay cache that answers later: no input is taken meanwhile', async () => {
      const cache = replayCache();
      const asked: (() => void)[] = [];
      const replay: ReplayCache = {
        ...cache,
        claim: async (key, now) => {
          await new Promise<void>((resolve) => asked.push(resolve));
          return cache.claim(key, now);
        },
      };
      const here = earlyStage(provider, { server: { earlyData: { replay } } });
      const met = await back(here, {}, 'early');
      const { client, server } = met;
      await settled(client);
      const flight = Buffer.concat(client.outbox.splice(0));
      let taken = server.connection.receive(flight);
      // Ticket keys and key agreement may take their moment as well.
      while (asked.length === 0) await later();
      assert.equal(taken, recordsIn(flight)[0]?.length);
      assert.equal(server.connection.parked, true);
      assert.equal(server.connection.receive(flight.subarray(taken)), 0);
      assert.deepEqual(server.outbox, []);
      asked[0]?.();
      while (taken < flight.length) {
        await settled(server);
        taken += server.connection.receive(flight.subarray(taken));
      }
      await accepted(met, 'early');
      assert.equal(asked.length, 1);
    });

    it('asks the replay cache once, by the binder, at the time of tickets', async () => {
      const claims: { key: string; now: number }[] = [];
      const replay: ReplayCache = {
        ...replayCache(),
        claim: (key, now) => {
          claims.push({ key: toHex(key), now });
          return true;
        },
      };
      const here = earlyStage(provider, { server: { earlyData: { replay } } });
      await full(await here.meet());
      assert.deepEqual(claims, []);
      here.now += 1234;
      const met = await backAgain(here, {}, 'early');
      await accepted(met, 'early');
      const binder = helloOf(met).extensions.pre_shared_key?.binders[0] ?? new Uint8Array(0);
      assert.equal(binder.length, 32);
      assert.deepEqual(claims, [{ key: toHex(binder), now: here.now }]);
    });

    it('is told of by nobody else: other suites of the client change nothing', async () => {
      const here = earlyStage(provider);
      await full(await here.meet({ client: { cipherSuites: [TLS_AES_128_GCM_SHA256] } }));
      const met = await backAgain(here, {}, 'early');
      assert.equal((await accepted(met, 'early')).cipherSuite, TLS_AES_128_GCM_SHA256);
    });
  });
}
