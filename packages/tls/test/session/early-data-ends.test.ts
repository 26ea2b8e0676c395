/**
 * Connections that end while early data is on its way: what each side hears, and that no secret is left.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CryptoProvider, toHex } from '@handfast/crypto';
import type { ReplayCache } from '../../src/index.ts';
import { exchange, give, type PairOptions, providers, settled } from '../support/pair.ts';
import { record } from '../support/wire.ts';
import { back, earlyStage, replayCache } from './early.ts';
import type { Met } from './resuming.ts';

const given = ({ client }: Met): string => Buffer.from(client.connection.takeRejectedEarlyData() ?? []).toString();
const refusing = { earlyData: { replay: { ...replayCache(), claim: () => false } } };

/** Gives the server all that the client has sent. */
async function reach({ client, server }: Met): Promise<void> {
  await settled(client);
  for (const bytes of client.outbox.splice(0)) await give(server, bytes);
}

/** Secrets as keys of HMACs are made of them: what they were, and where they lie. */
function watching(provider: CryptoProvider): {
  readonly provider: CryptoProvider;
  readonly seen: readonly (readonly [hex: string, secret: Uint8Array])[];
} {
  const seen: [string, Uint8Array][] = [];
  const hmac: CryptoProvider['hmac'] = (hash, secret) => {
    seen.push([toHex(secret), secret]);
    return provider.hmac(hash, secret);
  };
  return { provider: { ...provider, hmac }, seen };
}

for (const provider of providers) {
  describe(`an end amid early data, provider ${provider.name},`, () => {
    /** The server has taken early data, and waits for its end. */
    const waiting = async (options: PairOptions = {}): Promise<Met> => {
      const met = await back(earlyStage(provider), options, 'early');
      await reach(met);
      assert.equal(met.server.connection.state, 'WAIT_EOED');
      return met;
    };

    it('that the client makes is heard under the key of early data', async () => {
      const met = await waiting();
      const { client, server } = met;
      client.connection.abort('enough');
      assert.deepEqual(
        [client.error?.code, client.error?.alert, client.error?.state],
        ['aborted', 'user_canceled', 'WAIT_SH'],
      );
      await reach(met);
      assert.deepEqual(
        [server.error?.code, server.error?.alert, server.error?.origin, server.error?.state],
        ['peer_alert', 'close_notify', 'peer', 'WAIT_EOED'],
      );
      assert.equal(server.established, false);
      assert.equal(server.text(), '', 'what was held is not given');
      assert.equal(given(met), '', 'whether the server read it is not known');
    });

    it('that the client makes is passed by where early data is', async () => {
      const met = await back(earlyStage(provider), { server: refusing }, 'early');
      await reach(met);
      met.client.connection.abort();
      await reach(met);
      assert.equal(met.server.connection.state, 'WAIT_FINISHED');
      met.server.connection.receiveEnd();
      assert.equal(met.server.error?.code, 'truncated');
    });

    it('of the transport is a truncation', async () => {
      const got: string[] = [];
      for (const serverHandlers of [{}, { earlyData: (data: Uint8Array) => got.push(Buffer.from(data).toString()) }]) {
        const { server } = await waiting({ serverHandlers });
        server.connection.receiveEnd();
        const { error } = server;
        assert.deepEqual([error?.code, error?.alert, error?.state], ['truncated', null, 'WAIT_EOED']);
        assert.equal(error?.message, 'the client closed the transport during the handshake');
        assert.equal(server.connection.phase, 'closed');
        assert.equal(server.connection.writable, false);
        assert.equal(server.text(), '');
        assert.throws(() => server.connection.write(Buffer.from('x')), { code: 'closed' });
      }
      assert.deepEqual(got, ['early']);
    });

    it('that the server makes, with half of its answer out, is a truncation', async () => {
      let met: Met | undefined;
      const earlyData = (): void => {
        met?.server.connection.write(Buffer.from('half an answ'));
        met?.server.connection.abort();
      };
      met = await back(earlyStage(provider), { serverHandlers: { earlyData } }, 'early');
      await exchange(met);
      const { client, server } = met;
      assert.deepEqual([server.error?.code, server.error?.alert], ['aborted', null]);
      assert.deepEqual([client.established, client.text(), client.ended], [true, 'half an answ', false]);
      client.connection.receiveEnd();
      assert.equal(client.error?.code, 'truncated');
    });

    it('of the server’s writing, asked for amid early data, waits for the handshake', async () => {
      let met: Met | undefined;
      const earlyData = (): void => {
        met?.server.connection.write(Buffer.from('a whole answer'));
        met?.server.connection.closeWrite();
        assert.throws(() => met?.server.connection.write(Buffer.from('more')), { code: 'closed' });
      };
      met = await back(earlyStage(provider), { serverHandlers: { earlyData } }, 'early');
      await exchange(met);
      const { client, server } = met;
      assert.deepEqual([client.text(), client.ended, server.established], ['a whole answer', true, true]);
      assert.deepEqual([client.error, server.error], [undefined, undefined]);
      client.connection.write(Buffer.from('thanks'));
      client.connection.closeWrite();
      await exchange(met);
      assert.deepEqual([server.text(), client.error, server.error], ['thanks', null, null]);
    });

    it('by a record that does not open leaves unsaid what came with it', async () => {
      const got: unknown[] = [];
      const serverHandlers = { earlyData: (data: Uint8Array) => got.push(data) };
      const met = await back(earlyStage(provider), { serverHandlers }, 'early');
      await settled(met.client);
      const flight = Buffer.concat([...met.client.outbox.splice(0), record(23, new Uint8Array(40))]);
      const atOnce = met.server.connection.receive(flight);
      await give(met.server, flight.subarray(atOnce));
      assert.deepEqual([met.server.error?.code, met.server.error?.alert], ['bad_record_mac', 'bad_record_mac']);
      // Where operations are asynchronous each record is a step of its own.
      assert.equal(atOnce === flight.length, provider === providers[0]);
      assert.equal(got.length, atOnce === flight.length ? 0 : 1);
      assert.equal(met.server.text(), '');
      await exchange(met);
      assert.deepEqual([met.client.error?.code, met.client.error?.alert], ['peer_alert', 'bad_record_mac']);
    });

    it('while the replay cache thinks changes nothing afterwards', async () => {
      let answer: ((claimed: boolean) => void) | undefined;
      const replay: ReplayCache = {
        ...replayCache(),
        claim: () => new Promise((resolve) => (answer = resolve)),
      };
      const met = await back(earlyStage(provider), { server: { earlyData: { replay } } }, 'early');
      await settled(met.client);
      met.server.connection.receive(Buffer.concat(met.client.outbox));
      while (answer === undefined) await new Promise((resolve) => setImmediate(resolve));
      met.server.connection.abort();
      assert.equal(met.server.error?.code, 'aborted');
      const sent = met.server.outbox.length;
      answer(true);
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(met.decided, []);
      assert.equal(met.server.outbox.length, sent);
      assert.equal(met.server.connection.negotiated, undefined);
    });

    describe('leaves no secret:', () => {
      const early = 'CLIENT_EARLY_TRAFFIC_SECRET';
      /** What became of the secrets that a side has logged: all that were ever a key. */
      const wiped = (lines: readonly string[], { seen }: ReturnType<typeof watching>): readonly string[] => {
        const labels: string[] = [];
        for (const [label = '', , secret] of lines.map((line) => line.split(' '))) {
          const places = seen.filter(([hex]) => hex === secret).map(([, bytes]) => bytes);
          if (places.length === 0) continue;
          labels.push(label);
          for (const bytes of places) assert.deepEqual([...new Set(bytes)], [0], label);
        }
        return labels;
      };
      const watched = async (options: PairOptions = {}) => {
        const [ours, theirs] = [watching(provider), watching(provider)];
        const met = await back(
          earlyStage(provider),
          {
            client: { provider: ours.provider, ...options.client },
            server: { provider: theirs.provider, ...options.server },
          },
          'early',
        );
        return { met, ours, theirs };
      };
      const handshake = ['CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_HANDSHAKE_TRAFFIC_SECRET'];
      const application = ['CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0'];

      it('of early data, as soon as its key is made', async () => {
        const { met, ours, theirs } = await watched();
        assert.deepEqual(wiped(met.keyLog.client, ours), [early]);
        await reach(met);
        assert.deepEqual(wiped(met.keyLog.server.slice(0, 1), theirs), [early]);
      });

      it('where the server ends while early data comes', async () => {
        const { met, ours, theirs } = await watched();
        await reach(met);
        met.server.connection.receiveEnd();
        // The client's have not become keys.
        assert.deepEqual(wiped(met.keyLog.server, theirs), [
          ...[early, 'SERVER_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_TRAFFIC_SECRET_0'],
        ]);
        met.client.connection.abort();
        assert.deepEqual(wiped(met.keyLog.client, ours), [early]);
      });

      it('where the client ends after the answer', async () => {
        const { met, ours } = await watched();
        await reach(met);
        for (const bytes of met.server.outbox.splice(0).slice(0, 2)) await give(met.client, bytes);
        met.client.connection.abort();
        const labels = wiped(met.keyLog.client, ours);
        assert.equal(labels[0], early);
        assert.ok(labels.includes('SERVER_HANDSHAKE_TRAFFIC_SECRET'));
      });

      for (const [name, server] of [
        ['accepted', {}],
        ['rejected', refusing],
      ] as const) {
        it(`after a connection on which it was ${name}`, async () => {
          const { met, ours, theirs } = await watched({ server });
          await exchange(met);
          assert.equal(met.client.connection.negotiated?.earlyData, name);
          met.client.connection.abort();
          met.server.connection.abort();
          assert.deepEqual(wiped(met.keyLog.client, ours), [early, ...handshake, ...application]);
          const took = name === 'accepted' ? [early] : [];
          assert.deepEqual(wiped(met.keyLog.server, theirs), [...took, ...handshake, ...application]);
        });
      }
    });
  });
}
