/**
 * What a client refuses of a server that takes early data wrongly: the alert, the code, the message.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import {
  type ClientOptions,
  clientResumption,
  type Session,
  TLS_AES_128_GCM_SHA256,
  TLS_CHACHA20_POLY1305_SHA256,
  type Tls13CipherSuite,
  tls12,
  tls13,
} from '../../src/index.ts';
import { writeEncryptedExtensions } from '../../src/messages/encrypted-extensions.ts';
import { writeEndOfEarlyData } from '../../src/messages/end-of-early-data.ts';
import { writeNewSessionTicket } from '../../src/messages/new-session-ticket.ts';
import { writeHelloRetryRequest } from '../../src/messages/server-hello.ts';
import { TLS13 } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { providers, startClient } from '../support/pair.ts';
import type { Step } from '../support/scripted.ts';
import { extension, handshake, opaque8, opaque16, u16 } from '../support/wire.ts';
import { x25519 } from './resuming.ts';
import { psk, ResumingServer, selecting, sessionOf } from './resuming-puppets.ts';

const none: Bytes = new Uint8Array(0);
const suites = [TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256];
const endOfEarlyData = writeEndOfEarlyData();

for (const provider of providers) {
  describe(`a client that sends early data, provider ${provider.name},`, () => {
    const start = (
      options: Partial<ClientOptions> = {},
      session: Partial<Session> = {},
      suite?: Tls13CipherSuite,
      kept: Session[] = [],
    ) =>
      new ResumingServer(
        startClient({
          ...{ provider, groups: x25519, cipherSuites: suites, earlyData: 100 },
          sessions: {
            resumption: clientResumption,
            take: () => sessionOf({ maxEarlyData: 100, ...session }),
            put: (_, one) => void kept.push(one),
            remove: () => undefined,
          },
          ...options,
        }),
        suite,
      );
    /** It has written early data, and the puppet has read it. */
    const written = async (...given: Parameters<typeof start>) => {
      const server = start(...given);
      await server.readHello();
      assert.equal(server.hello?.extensions.early_data, true);
      assert.equal(server.side.connection.writeEarlyData(Buffer.from('early')), 5);
      assert.equal(await server.readEarlyData(suites[0]), 'early');
      return server;
    };
    const taking: Step = () => writeEncryptedExtensions({ early_data: true });
    const accepting = { encrypted_extensions: taking };

    it('goes on with a server that does all right, whether it takes early data or not', async () => {
      const kept: Session[] = [];
      const server = await written({}, {}, undefined, kept);
      await server.resume(accepting, { keepsReading: true });
      await server.finishEarlyData();
      assert.equal(server.side.connection.negotiated?.earlyData, 'accepted');
      assert.equal(server.side.connection.takeRejectedEarlyData(), undefined);
      const extensions = { early_data: 0xffff_ffff };
      await server.give(
        server.seal(
          22,
          writeNewSessionTicket({
            ...{ ticketLifetime: 60, ticketAgeAdd: 7, ticketNonce: none, ticket: Uint8Array.of(1), extensions },
          }),
        ),
      );
      await server.sendData('hello');
      assert.equal(server.side.text(), 'hello');
      assert.deepEqual(
        kept.map(({ maxEarlyData }) => maxEarlyData),
        [0xffff_ffff],
      );

      for (const resumes of [true, false]) {
        const other = await written();
        await (resumes ? other.resume() : other.flight());
        await other.finish();
        await other.sendData('hello');
        assert.equal(other.side.text(), 'hello');
        assert.equal(other.side.connection.negotiated?.earlyData, 'rejected');
        assert.equal(Buffer.from(other.side.connection.takeRejectedEarlyData() ?? none).toString(), 'early');
      }
    });

    it('refuses early_data that it did not offer', async () => {
      for (const [options, session] of [
        [{ earlyData: 0 }, {}],
        [{}, { maxEarlyData: 0 }],
      ] as const) {
        const server = start(options, session);
        await server.resume(accepting);
        await assertRefused(
          server,
          'unsupported_extension',
          /^EncryptedExtensions: extension early_data answers nothing that was offered$/,
        );
      }
    });

    it('refuses early_data where no key was selected', async () => {
      const server = await written();
      await server.flight(accepting);
      await assertRefused(
        server,
        'illegal_parameter',
        /^EncryptedExtensions: early_data is accepted, and the first pre-shared key was not selected$/,
      );
    });

    it('refuses early_data where another key was selected than the first', async () => {
      const external = { identity: Buffer.from('another'), key: psk(), hash: 'sha256' } as const;
      const server = await written({ preSharedKey: () => external });
      server.psk = psk();
      await server.flight({ ...accepting, server_hello: (right) => selecting(right, 1) });
      await assertRefused(
        server,
        'illegal_parameter',
        /^EncryptedExtensions: early_data is accepted, and the first pre-shared key was not selected$/,
      );
    });

    it('refuses early_data where another suite was chosen, of the same hash', async () => {
      const server = await written({}, {}, TLS_CHACHA20_POLY1305_SHA256);
      await server.resume(accepting, { keepsReading: true });
      await assertRefused(
        server,
        'illegal_parameter',
        /^EncryptedExtensions: early_data is accepted, under TLS_AES_128_GCM_SHA256, where ServerHello chose TLS_CHACHA20_POLY1305_SHA256$/,
      );
    });

    it('goes on in another suite of the same hash, where early data is not taken', async () => {
      const server = await written({}, {}, TLS_CHACHA20_POLY1305_SHA256);
      await server.resume();
      await server.finish();
      assert.equal(server.side.connection.negotiated?.earlyData, 'rejected');
      assert.equal(server.side.connection.negotiated?.cipherSuite, TLS_CHACHA20_POLY1305_SHA256);
    });

    for (const [session, chosen] of [
      ['a', 'b'],
      ['a', undefined],
    ] as const) {
      it(`refuses early_data in a session of ${session}, where ${chosen ?? 'no protocol'} was chosen`, async () => {
        const server = await written({ alpnProtocols: ['a', 'b'] }, { alpnProtocol: session });
        const alpn = chosen === undefined ? {} : { application_layer_protocol_negotiation: chosen };
        await server.resume(
          { encrypted_extensions: () => writeEncryptedExtensions({ early_data: true, ...alpn }) },
          { keepsReading: true },
        );
        await assertRefused(
          server,
          'illegal_parameter',
          new RegExp(
            `^EncryptedExtensions: early_data is accepted, of the ALPN protocol ${session}, where ${chosen ?? 'none'} was chosen$`,
          ),
        );
      });
    }

    it('refuses early_data after a HelloRetryRequest', async () => {
      const server = await written();
      const { legacySessionId } = server.hello ?? assert.fail();
      const retry = writeHelloRetryRequest({
        ...{ legacySessionIdEcho: legacySessionId, cipherSuite: 0x1301 },
        extensions: { supported_versions: TLS13, cookie: Uint8Array.of(1) },
      });
      server.transcript.replaceByMessageHash();
      await server.send(retry);
      assert.equal(server.side.connection.writeEarlyData(Buffer.from('more')), 0);
      await server.receive();
      server.hello = server.next('client_hello');
      assert.equal(server.hello.extensions.early_data, undefined);
      server.transcript.add(server.hello.raw);
      await server.resume(accepting);
      await assertRefused(
        server,
        'unsupported_extension',
        /^EncryptedExtensions: extension early_data answers nothing that was offered$/,
      );
    });

    it('refuses early_data in ServerHello and in HelloRetryRequest', async () => {
      for (const title of ['ServerHello', 'HelloRetryRequest']) {
        const server = await written();
        const right =
          title === 'ServerHello'
            ? server.serverHello({ pre_shared_key: 0 })
            : writeHelloRetryRequest({
                ...{ legacySessionIdEcho: server.hello?.legacySessionId ?? none, cipherSuite: 0x1301 },
                extensions: { supported_versions: TLS13, cookie: Uint8Array.of(1) },
              });
        // Type and length, version, random, an echo of 32 bytes, suite, compression: then the extensions' length.
        const at = 4 + 2 + 32 + 33 + 2 + 1;
        const list = concat(right.subarray(at + 2), extension(42));
        await server.give(server.seal(22, handshake(2, concat(right.subarray(4, at), opaque16(list)))));
        await assertRefused(
          server,
          'illegal_parameter',
          new RegExp(`^${title}: extension early_data may not stand in this message$`),
        );
      }
    });

    for (const versions of [[tls13, tls12], [tls13]]) {
      const named = versions.map(({ name }) => name).join(' and ');
      it(`refuses TLS 1.2 in the answer, where it offered ${named}`, async () => {
        const server = await written({ versions });
        const echo = opaque8(server.hello?.legacySessionId ?? none);
        const body = concat(u16(0x0303), new Uint8Array(32).fill(3), echo, u16(0xc02b), Uint8Array.of(0), u16(0));
        await server.give(server.seal(22, handshake(2, body)));
        await assertRefused(
          server,
          'protocol_version',
          /^ServerHello: TLS 1\.2, and early data of TLS 1\.3 was on its way$/,
        );
        assert.equal(
          server.side.error?.hint,
          'the server knew TLS 1.3 before, and knows it no more: connect again without earlyData',
        );
      });
    }

    for (const [where, send, state] of [
      [
        'in place of EncryptedExtensions',
        { encrypted_extensions: () => endOfEarlyData },
        /WAIT_EE, which takes encrypted_extensions/,
      ],
      [
        'ahead of Finished',
        { finished: (right: Bytes) => [endOfEarlyData, right] },
        /WAIT_FINISHED, which takes finished/,
      ],
    ] as const) {
      it(`refuses EndOfEarlyData ${where}`, async () => {
        const server = await written();
        await server.resume({ ...accepting, ...send }, { keepsReading: true });
        await assertRefused(server, 'unexpected_message', new RegExp(`^EndOfEarlyData came in state ${state.source}$`));
      });
    }

    it('refuses EndOfEarlyData on a connection that stands', async () => {
      const server = await written();
      await server.resume(accepting, { keepsReading: true });
      await server.finishEarlyData();
      await server.give(server.seal(22, endOfEarlyData));
      await assertRefused(
        server,
        'unexpected_message',
        /^EndOfEarlyData came in state CONNECTED, which takes key_update or new_session_ticket$/,
      );
    });
  });
}
