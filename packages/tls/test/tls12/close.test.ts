/**
 * Ends of TLS 1.2 (RFC 5246 §7.2.1): a close_notify ends both directions, truncation, abort.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TlsError, tls12, tls13 } from '../../src/index.ts';
import { alerts, namedGroups } from '../../src/registry.ts';
import {
  connected,
  exchange,
  give,
  type Pair,
  type PairOptions,
  pair,
  providers,
  settled,
  startClient,
  startServer,
} from '../support/pair.ts';
import { PuppetClient12, PuppetServer12 } from '../support/puppet12.ts';
import { record } from '../support/wire.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const fatal = 2;
const sides = ['client', 'server'] as const;
const closed = (error: unknown): boolean => error instanceof TlsError && error.code === 'closed';

for (const provider of providers) {
  const options: PairOptions = {
    provider,
    client: { versions: [tls12], groups },
    server: { versions: [tls13, tls12], groups },
  };
  for (const near of sides) {
    const far = near === 'client' ? 'server' : 'client';
    describe(`closing TLS 1.2 by the ${near}, provider ${provider.name}`, () => {
      const connect = async () => {
        const both = await connected(options);
        return { both, here: both[near], there: both[far] };
      };

      it('close_notify is answered at once, and both are closed', async () => {
        const { both, here, there } = await connect();
        here.connection.write(Buffer.from('the last words'));
        here.connection.closeWrite();
        assert.equal(here.connection.phase, 'closing');
        await exchange(both);
        assert.equal(there.text(), 'the last words');
        assert.equal(there.ended, true);
        assert.equal(there.error, null);
        assert.equal(there.connection.phase, 'closed');
        assert.equal(here.ended, true);
        assert.equal(here.error, null);
        assert.equal(here.connection.phase, 'closed');
      });

      it('nothing can be written after the peer’s close_notify', async () => {
        const { both, here, there } = await connect();
        here.connection.closeWrite();
        await exchange(both);
        assert.throws(() => there.connection.write(Buffer.from('too late')), closed);
        assert.equal(here.text(), '');
        assert.equal(there.outbox.length, 0);
      });

      it('nothing can be written after our own', async () => {
        const { both, here } = await connect();
        here.connection.closeWrite();
        assert.throws(() => here.connection.write(Buffer.from('too late')), closed);
        here.connection.closeWrite();
        await settled(here);
        assert.equal(here.outbox.length, 1);
        await exchange(both);
        assert.equal(here.error, null);
      });

      it('what the peer wrote before it answers arrives', async () => {
        const { both, here, there } = await connect();
        here.connection.closeWrite();
        there.connection.write(Buffer.from('on its way'));
        await exchange(both);
        assert.equal(here.text(), 'on its way');
        assert.equal(here.error, null);
        assert.equal(there.error, null);
      });

      it('both may close at a time', async () => {
        const { both, here, there } = await connect();
        here.connection.closeWrite();
        there.connection.closeWrite();
        await exchange(both);
        assert.equal(here.error, null);
        assert.equal(there.error, null);
      });

      it('what comes after close_notify is ignored', async () => {
        const { both, here, there } = await connect();
        here.connection.closeWrite();
        await exchange(both);
        assert.equal(there.connection.receive(Buffer.from('garbage that is no record')), 25);
        assert.equal(there.error, null);
      });

      it('the transport’s end after our close_notify is clean: nobody has to answer it', async () => {
        const { here } = await connect();
        here.connection.closeWrite();
        await settled(here);
        here.connection.receiveEnd();
        assert.equal(here.error, null);
        assert.equal(here.connection.phase, 'closed');
      });

      it('the transport’s end without close_notify is a truncation', async () => {
        const { both, here, there } = await connect();
        here.connection.write(Buffer.from('whole'));
        await exchange(both);
        there.connection.receiveEnd();
        assert.equal(there.text(), 'whole');
        assert.equal(there.error?.code, 'truncated');
        assert.equal(there.error?.alert, null);
        assert.match(there.error?.message ?? '', new RegExp(`^the ${near} closed the transport without close_notify$`));
        assert.equal(there.outbox.length, 0);
      });

      it('a truncation inside a record says so', async () => {
        const { here, there } = await connect();
        here.connection.write(Buffer.from('whole'));
        await settled(here);
        const [bytes] = here.outbox.splice(0);
        assert.ok(bytes);
        there.connection.receive(bytes.subarray(0, 10));
        there.connection.receiveEnd();
        assert.equal(there.error?.code, 'truncated');
        assert.match(there.error?.message ?? '', /inside a record$/);
      });

      it('an abort says nothing: the peer sees a truncation', async () => {
        const { here, there } = await connect();
        here.connection.abort();
        assert.equal(here.error?.code, 'aborted');
        assert.equal(here.outbox.length, 0);
        there.connection.receiveEnd();
        assert.equal(there.error?.code, 'truncated');
      });

      it('an abort in the handshake says user_canceled and close_notify', async () => {
        const both: Pair = pair(options);
        const { [near]: here, [far]: there } = both;
        await exchange(both, (bytes, from) => {
          if (from === near || here.error) return [bytes];
          here.connection.abort('changed our mind');
          return [];
        });
        assert.equal(here.error?.code, 'aborted');
        assert.equal(here.error?.message, 'changed our mind');
        assert.equal(there.error?.code, 'peer_alert');
        assert.equal(there.error?.alert, 'close_notify');
        assert.match(
          there.error?.message ?? '',
          new RegExp(`^the ${near} sent the alert close_notify \\(0\\) during the handshake`),
        );
      });

      it('an error after our close_notify names no alert: none can be sent any more', async () => {
        const { here } = await connect();
        here.connection.closeWrite();
        await settled(here);
        const before = here.outbox.length;
        here.connection.receive(record(23, new Uint8Array(40)));
        await settled(here);
        assert.equal(here.error?.code, 'bad_record_mac');
        assert.equal(here.error?.alert, null);
        assert.equal(here.outbox.length, before);
      });
    });
  }

  describe(`a peer of TLS 1.2 that ends, provider ${provider.name}`, () => {
    const server = async () => {
      const puppet = new PuppetServer12(startClient({ ...options.client, provider }));
      await puppet.flight();
      await puppet.finish();
      return puppet;
    };
    const client = async () => {
      const puppet = new PuppetClient12(startServer({ ...options.server, provider }));
      await puppet.sendHello();
      await puppet.readFlight();
      puppet.messages.length = 0;
      await puppet.flight();
      await puppet.finish();
      return puppet;
    };
    for (const level of [1, 2]) {
      it(`close_notify of level ${level} before the handshake is done is its end`, async () => {
        for (const puppet of [
          new PuppetServer12(startClient({ ...options.client, provider })),
          new PuppetClient12(startServer({ ...options.server, provider })),
        ]) {
          if (puppet instanceof PuppetServer12) {
            await puppet.flight({ server_hello_done: () => [] });
          } else {
            await puppet.sendHello();
            await puppet.readFlight();
          }
          await puppet.sendAlert(level, alerts.close_notify);
          await puppet.receive();
          assert.equal(puppet.side.error?.code, 'peer_alert');
          assert.equal(puppet.side.error?.alert, 'close_notify');
          assert.equal(puppet.side.error?.origin, 'peer');
          assert.deepEqual(puppet.alerts, []);
        }
      });
    }

    for (const [name, connect] of [
      ['server', server],
      ['client', client],
    ] as const) {
      it(`a fatal close_notify of the ${name}’s is a close_notify all the same`, async () => {
        const puppet = await connect();
        await puppet.sendAlert(fatal, alerts.close_notify);
        await puppet.receive();
        assert.equal(puppet.side.error, null);
        assert.deepEqual([puppet.alerts, puppet.alertLevels], [['close_notify'], [1]]);
      });

      it(`a fatal alert of the ${name}’s is the end, and is not answered`, async () => {
        const puppet = await connect();
        await puppet.sendAlert(fatal, alerts.internal_error);
        await puppet.receive();
        assert.equal(puppet.side.error?.code, 'peer_alert');
        assert.equal(puppet.side.error?.alert, 'internal_error');
        assert.equal(puppet.side.error?.origin, 'peer');
        assert.deepEqual(puppet.alerts, []);
      });

      it(`an alert of the ${name}’s in the clear, after keys are in place, does not count`, async () => {
        const puppet = await connect();
        await puppet.give(record(21, Uint8Array.of(1, alerts.close_notify)));
        await puppet.receive();
        assert.equal(puppet.side.error?.code, 'bad_record_mac');
        assert.deepEqual(puppet.alerts, ['bad_record_mac']);
      });
    }

    for (const version of [tls13, tls12]) {
      it(`delivers what comes in one input with the handshake's end and the connection's, ${version.name}`, async () => {
        const both = pair({ provider, client: { versions: [version] }, server: { versions: [version] } });
        // Everything of the server's is kept back once the client has finished.
        while (!both.server.established) {
          await settled(both.client, both.server);
          for (const bytes of both.client.outbox.splice(0)) await give(both.server, bytes);
          if (both.server.established) break;
          for (const bytes of both.server.outbox.splice(0)) await give(both.client, bytes);
        }
        both.server.connection.write(Buffer.from('all at once'));
        both.server.connection.closeWrite();
        await settled(both.server);
        await give(both.client, Buffer.concat(both.server.outbox.splice(0)));
        assert.equal(both.client.text(), 'all at once');
        assert.equal(both.client.ended, true);
        assert.ok(!both.client.error, both.client.error?.message);
      });
    }
  });
}
