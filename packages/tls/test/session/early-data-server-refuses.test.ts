/**
 * What a server refuses of a client that sends early data wrongly: the alert, the code, the message.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { namedGroups, type ServerOptions, serverResumption } from '../../src/index.ts';
import { type ClientHelloFields, writeClientHello } from '../../src/messages/client-hello.ts';
import { writeEndOfEarlyData } from '../../src/messages/end-of-early-data.ts';
import { writeFinished } from '../../src/messages/finished.ts';
import { writeKeyUpdate } from '../../src/messages/key-update.ts';
import { writeNewSessionTicket } from '../../src/messages/new-session-ticket.ts';
import { alerts } from '../../src/registry.ts';
import { writeState } from '../../src/session/state.ts';
import { Transcript } from '../../src/tls13/transcript.ts';
import { assertRefused } from '../support/assert.ts';
import { providers, startServer } from '../support/pair.ts';
import { handshake, record } from '../support/wire.ts';
import { type OfferedIdentity, psk, ResumingClient, state } from './resuming-puppets.ts';

const none: Bytes = new Uint8Array(0);
const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const secp256r1 = groups.filter(({ name }) => name === 'secp256r1');
/** Bytes of early data that tickets allow. */
const most = 20;
const ours: OfferedIdentity = { identity: Buffer.from('ours') };
const unknown: OfferedIdentity = { identity: Buffer.from('unknown'), binder: new Uint8Array(32).fill(1) };
const endOfEarlyData = writeEndOfEarlyData();
const changed = (bytes: Bytes): Bytes => bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte));

for (const provider of providers) {
  describe(`a server that takes early data, provider ${provider.name},`, () => {
    const tickets: ServerOptions['tickets'] = {
      count: 1,
      keys: {
        resumption: serverResumption,
        seal: () => Uint8Array.of(1, 2, 3),
        open: (ticket) =>
          Buffer.from(ticket).toString() === 'ours' ? writeState({ ...state, maxEarlyData: most }) : undefined,
      },
    };
    const cache = (answer = true) => {
      const claims: Uint8Array[] = [];
      return { claims, window: 10_000, claim: (binder: Uint8Array) => claims.push(binder) > 0 && answer };
    };
    const start = (options: Partial<ServerOptions> = {}) =>
      new ResumingClient(startServer({ provider, groups, tickets, earlyData: { replay: cache() }, ...options }));
    const hello = (client: ResumingClient): ClientHelloFields =>
      client.helloFields({ extensions: { early_data: true } });

    /** A client whose hello offers early data, and goes on under its key. */
    const begun = async (offered: readonly OfferedIdentity[] = [ours], options?: Partial<ServerOptions>) => {
      const client = start(options);
      await client.send(client.offering(hello(client), offered));
      client.beginEarlyData();
      return client;
    };
    /** And the server, which has taken it, waits for more or for its end. */
    const waiting = async (options?: Partial<ServerOptions>) => {
      const client = await begun([ours], options);
      client.psk = psk();
      await client.readFlight({ keepsWriting: true });
      assert.equal(client.next('encrypted_extensions').extensions.early_data, true);
      assert.equal(client.side.connection.state, 'WAIT_EOED');
      return client;
    };
    /** A server that has not. */
    const notTaken = async (options: Partial<ServerOptions> = { earlyData: { replay: cache(false) } }) => {
      const client = await begun([ours], options);
      client.psk = psk();
      await client.sendData('early');
      await client.readFlight();
      assert.equal(client.next('encrypted_extensions').extensions.early_data, undefined);
      assert.equal(client.side.connection.state, 'WAIT_FINISHED');
      return client;
    };
    const stands = async (client: ResumingClient, early: string): Promise<void> => {
      await client.sendData('more');
      assert.equal(client.side.error, undefined);
      assert.equal(client.side.text(), `${early}more`);
    };

    it('goes on with a client that does all right', async () => {
      const client = await begun();
      await client.sendData('one');
      client.psk = psk();
      await client.readFlight({ keepsWriting: true });
      await client.sendData('two');
      await client.endEarlyData();
      await client.flight();
      await stands(client, 'onetwo');
      assert.equal(client.side.connection.negotiated?.earlyData, 'accepted');
    });

    it('takes as much as its ticket allows, with any padding, and a ChangeCipherSpec between', async () => {
      const client = await waiting();
      await client.give(client.seal(23, Buffer.from('x'.repeat(most - 1)), 1000));
      await client.give(record(20, Uint8Array.of(1)));
      await client.give(client.seal(23, Buffer.from('y'), 1000));
      await client.give(client.seal(23, none, 1000));
      await client.endEarlyData();
      await client.flight();
      await stands(client, `${'x'.repeat(most - 1)}y`);
    });

    it('takes EndOfEarlyData that is cut anywhere', async () => {
      for (const at of [1, 2, 3]) {
        const client = await waiting();
        client.transcript.add(endOfEarlyData);
        await client.give(client.seal(22, endOfEarlyData.subarray(0, at)));
        await client.give(client.seal(22, endOfEarlyData.subarray(at)));
        if (client.traffic) client.setWrite(client.traffic.client);
        await client.flight();
        await stands(client, '');
      }
    });

    for (const [name, pieces] of [
      ['in one record', ['x'.repeat(most + 1)]],
      ['in two', ['x'.repeat(most), 'x']],
      ['in the first flight', undefined],
    ] as const) {
      it(`refuses more than its ticket allows, ${name}`, async () => {
        const client = pieces ? await waiting() : await begun();
        for (const piece of pieces ?? ['x'.repeat(most + 1)]) await client.sendData(piece);
        if (!pieces) {
          client.psk = psk();
          await client.readFlight();
        }
        await assertRefused(
          client,
          'unexpected_message',
          /^more early data came than the ticket allows \(max_early_data_size\)$/,
        );
        assert.equal(client.side.text(), '');
      });
    }

    it('refuses a record that does not open', async () => {
      const broken: readonly ((client: ResumingClient) => Bytes)[] = [
        (client) => changed(client.seal(23, Buffer.from('early'))),
        () => record(23, new Uint8Array(40).fill(9)),
        // A sequence number is passed over.
        (client) => {
          client.seal(23, Buffer.from('lost'));
          return client.seal(23, Buffer.from('early'));
        },
      ];
      for (const make of broken) {
        const client = await waiting();
        await client.give(make(client));
        await assertRefused(
          client,
          'bad_record_mac',
          /^a record does not authenticate: it was changed on its way, or keys differ$/,
        );
      }
    });

    it('refuses a record that came twice', async () => {
      const client = await waiting();
      const sealed = client.seal(23, Buffer.from('early'));
      await client.give(sealed);
      await client.give(sealed);
      await assertRefused(client, 'bad_record_mac', /^a record does not authenticate/);
      assert.equal(client.side.text(), '');
    });

    it('refuses Finished under its own key, without EndOfEarlyData', async () => {
      const client = await waiting();
      if (client.traffic) client.setWrite(client.traffic.client);
      await client.flight();
      await assertRefused(client, 'bad_record_mac', /^a record does not authenticate/);
    });

    it('refuses EndOfEarlyData under the key that follows it', async () => {
      const client = await waiting();
      if (client.traffic) client.setWrite(client.traffic.client);
      await client.endEarlyData();
      await assertRefused(client, 'bad_record_mac', /^a record does not authenticate/);
    });

    for (const [title, message] of [
      ['Finished', writeFinished(new Uint8Array(32))],
      ['KeyUpdate', writeKeyUpdate(false)],
      ['Certificate', handshake(11, new Uint8Array(4))],
      ['CertificateVerify', handshake(15, new Uint8Array(4))],
      ['ClientHello', handshake(1, none)],
      [
        'NewSessionTicket',
        writeNewSessionTicket({
          ...{ ticketLifetime: 60, ticketAgeAdd: 7, ticketNonce: none, ticket: Uint8Array.of(1), extensions: {} },
        }),
      ],
    ] as const) {
      it(`refuses ${title} as early data`, async () => {
        const client = await waiting();
        await client.give(client.seal(22, message));
        await assertRefused(
          client,
          'unexpected_message',
          new RegExp(`^${title} came in state WAIT_EOED, which takes end_of_early_data$`),
        );
      });
    }

    it('refuses EndOfEarlyData that is not empty', async () => {
      for (const body of [Uint8Array.of(0), new Uint8Array(300)]) {
        const client = await waiting();
        await client.give(client.seal(22, handshake(5, body)));
        await assertRefused(
          client,
          'message_too_large',
          new RegExp(`^EndOfEarlyData announces ${body.length} bytes, where 0 are the most that we take$`),
          'illegal_parameter',
        );
      }
    });

    for (const [name, behind] of [
      ['EndOfEarlyData once more', endOfEarlyData],
      ['Finished', writeFinished(new Uint8Array(32))],
      ['one byte', Uint8Array.of(20)],
    ] as const) {
      it(`refuses ${name} behind EndOfEarlyData, in its record`, async () => {
        const client = await waiting();
        await client.give(client.seal(22, concat(endOfEarlyData, behind)));
        await assertRefused(
          client,
          'unexpected_message',
          /^handshake bytes follow in the record after which keys change$/,
        );
      });
    }

    it('refuses EndOfEarlyData twice, under the next key', async () => {
      const client = await waiting();
      await client.endEarlyData();
      await client.send(endOfEarlyData);
      await assertRefused(
        client,
        'unexpected_message',
        /^EndOfEarlyData came in state WAIT_FINISHED, which takes finished$/,
      );
    });

    it('refuses early data after EndOfEarlyData', async () => {
      const client = await waiting();
      await client.give(client.seal(22, endOfEarlyData));
      await client.sendData('early');
      await assertRefused(client, 'bad_record_mac', /^a record does not authenticate/);
    });

    it('refuses data between EndOfEarlyData and Finished', async () => {
      const client = await waiting();
      await client.endEarlyData();
      await client.sendData('data');
      await assertRefused(client, 'unexpected_message', /^application data came before the handshake was done$/);
    });

    it('refuses early data inside EndOfEarlyData', async () => {
      const client = await waiting();
      await client.give(client.seal(22, endOfEarlyData.subarray(0, 2)));
      await client.sendData('early');
      await assertRefused(
        client,
        'unexpected_message',
        /^another record type came inside a fragmented handshake message$/,
      );
    });

    it('refuses a Finished that was made without EndOfEarlyData', async () => {
      const client = await waiting();
      const finished = client.finished(client.traffic?.client);
      await client.endEarlyData();
      await client.send(finished);
      await assertRefused(client, 'decrypt_error', /^Finished: the client saw another handshake than we did$/);
    });

    it('refuses what is in plaintext', async () => {
      for (const [type, content, what] of [
        [22, endOfEarlyData, 'handshake'],
        [22, writeFinished(new Uint8Array(32)), 'handshake'],
      ] as const) {
        const client = await waiting();
        await client.give(record(type, content));
        await assertRefused(
          client,
          'unexpected_message',
          new RegExp(`^a record in plaintext \\(${what}\\) came after keys were in place$`),
        );
      }
    });

    it('refuses empty records without end', async () => {
      const client = await waiting();
      for (let count = 0; count < 33; count++) await client.give(client.seal(23, none));
      await assertRefused(client, 'too_many_records', /^more than 32 empty records in a row$/, 'unexpected_message');
    });

    it('hears an alert under the key of early data', async () => {
      for (const [name, description] of [
        ['illegal_parameter', alerts.illegal_parameter],
        ['close_notify', alerts.close_notify],
      ] as const) {
        const client = await waiting();
        await client.sendAlert(name === 'close_notify' ? 1 : 2, description);
        const { error } = client.side;
        assert.deepEqual(
          [error?.code, error?.alert, error?.origin, error?.state],
          ['peer_alert', name, 'peer', 'WAIT_EOED'],
        );
        await client.receive();
        assert.deepEqual(client.alerts, []);
      }
    });

    it('hears an alert in plaintext, of a client that refuses its hello, and not once early data was opened', async () => {
      const client = await waiting();
      await client.give(record(21, Uint8Array.of(2, alerts.illegal_parameter)));
      assert.deepEqual([client.side.error?.code, client.side.error?.alert], ['peer_alert', 'illegal_parameter']);
      const later = await waiting();
      await later.sendData('early');
      await later.give(record(21, Uint8Array.of(2, alerts.illegal_parameter)));
      await assertRefused(
        later,
        'unexpected_message',
        /^a record in plaintext \(alert\) came after keys were in place$/,
      );
    });

    it('does not ask its replay cache about a binder that is wrong', async () => {
      const replay = cache();
      const client = await begun([{ ...ours, binder: new Uint8Array(32) }], { earlyData: { replay } });
      await assertRefused(
        client,
        'decrypt_error',
        /^ClientHello: binder 0 is not by the pre-shared key: it was not made by who got it$/,
      );
      assert.deepEqual(replay.claims, []);
    });

    describe('and took none this time,', () => {
      it('passes it by, EndOfEarlyData under its key as well', async () => {
        const client = start({ earlyData: { replay: cache(false) } });
        await client.send(client.offering(hello(client), [ours]));
        client.beginEarlyData();
        await client.sendData('early');
        await client.give(client.seal(22, endOfEarlyData));
        await client.sendAlert(2, alerts.illegal_parameter);
        client.psk = psk();
        await client.readFlight();
        await client.flight();
        await stands(client, '');
        assert.equal(client.side.connection.negotiated?.earlyData, 'rejected');
      });

      it('refuses EndOfEarlyData', async () => {
        const client = await notTaken();
        await client.send(endOfEarlyData);
        await assertRefused(
          client,
          'unexpected_message',
          /^EndOfEarlyData came in state WAIT_FINISHED, which takes finished$/,
        );
      });

      it('refuses data under the handshake’s key', async () => {
        const client = await notTaken();
        await client.sendData('data');
        await assertRefused(client, 'unexpected_message', /^application data came before the handshake was done$/);
      });

      it('passes none by once a record of the handshake’s key was opened', async () => {
        const client = await notTaken();
        const finished = client.finished(client.traffic?.client);
        await client.give(client.seal(22, finished.subarray(0, 10)));
        await client.give(record(23, new Uint8Array(40)));
        await assertRefused(client, 'bad_record_mac', /^a record does not authenticate/);
      });

      it('takes none under a key that is not the first, nor without a key', async () => {
        for (const offered of [[unknown, ours], [unknown]]) {
          const replay = cache();
          const client = await begun(offered, { earlyData: { replay } });
          await client.sendData('early');
          client.psk = offered.length === 2 ? psk() : undefined;
          await client.readFlight();
          assert.equal(client.next('encrypted_extensions').extensions.early_data, undefined);
          await client.flight();
          await stands(client, '');
          assert.equal(client.side.connection.negotiated?.earlyData, 'rejected');
          assert.deepEqual(replay.claims, []);
        }
      });

      // RFC 9846 §4.3.10 forbids such a hello, and asks no server to refuse it: early data is passed by.
      it('goes on where early_data comes without pre_shared_key', async () => {
        const client = start();
        await client.send(writeClientHello(hello(client)));
        await client.give(record(23, new Uint8Array(100)));
        await client.readFlight();
        await client.flight();
        await stands(client, '');
        assert.equal(client.side.connection.negotiated?.earlyData, 'rejected');
      });
    });

    describe('after its HelloRetryRequest', () => {
      const retried = async () => {
        const client = start({ groups: secp256r1 });
        const key = await Promise.resolve(nodeProvider.groups.secp256r1?.generate());
        assert.ok(key);
        const fields = client.helloFields({ extensions: { supported_groups: [0x001d, 0x0017], early_data: true } });
        const first = client.offering(fields, [ours]);
        await client.send(first);
        await client.receive();
        const retry = client.next('hello_retry_request');
        const before = new Transcript(nodeProvider, 'sha256').add(first).replaceByMessageHash().add(retry.raw);
        const again = (early_data: true | undefined): Bytes =>
          client.offering(
            {
              ...fields,
              extensions: {
                ...fields.extensions,
                early_data,
                key_share: [{ group: 0x0017, keyExchange: key.share }],
              },
            },
            [ours],
            { before },
          );
        return { client, again };
      };

      it('refuses early_data in the second hello', async () => {
        const { client, again } = await retried();
        await client.send(again(true));
        await assertRefused(client, 'illegal_parameter', /^second ClientHello: early_data is still there$/);
      });

      it('refuses early data behind the second hello', async () => {
        const { client, again } = await retried();
        await client.give(record(23, new Uint8Array(100)));
        await client.send(again(undefined));
        await client.give(record(23, new Uint8Array(100)));
        await client.receive();
        assert.equal(client.side.error?.code, 'bad_record_mac');
        assert.match(client.side.error.message, /^a record does not authenticate/);
      });
    });
  });
}
