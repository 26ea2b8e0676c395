/**
 * What both sides of TLS 1.2 refuse where a session is to go on, and where they begin anew instead (RFC 5246 §7.3,
 * RFC 5077 §3.3, RFC 7627 §5.3): the code, the alert, the message.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, type CryptoProvider, concat, fromHex, toHex } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  type ClientOptions,
  clientResumption,
  memorySessionStore,
  namedGroups,
  type ServerOptions,
  type Session,
  type SessionCache,
  type TlsErrorCode,
  ticketKeys,
  tls12,
  tls13,
} from '../../src/index.ts';
import { ecdheCipherSuites, rsaCipherSuites, ssl30, tls11 } from '../../src/legacy/index.ts';
import type { ClientHelloFields } from '../../src/messages/client-hello.ts';
import { writeClientKeyExchange } from '../../src/messages/key-exchange.ts';
import {
  writeCertificate12,
  writeCertificateRequest12,
  writeHelloRequest,
  writeNewSessionTicket12,
  writeServerHelloDone,
} from '../../src/messages/messages12.ts';
import { contentType } from '../../src/registry.ts';
import {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
} from '../../src/tls12/suites.ts';
import { oldCredential } from '../legacy/identities.ts';
import { assertRefused } from '../support/assert.ts';
import { makeCredential, now, serverCredential } from '../support/identities.ts';
import { connected, providers, startClient, startServer } from '../support/pair.ts';
import {
  type ClientChanges12,
  ecdhParams,
  PuppetClient12,
  PuppetServer12,
  type ServerChanges12,
  type ServerFlight12,
} from '../support/puppet12.ts';
import { extension, extensions, handshake, opaque8, u16 } from '../support/wire.ts';

const curves = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const x25519 = curves.filter(({ name }) => name === 'x25519');
const none: Bytes = new Uint8Array(0);
const ticket = new Uint8Array(48).fill(9);
const both = [tls13, tls12];
const twoNames = await makeCredential({ names: ['localhost', 'example.org'] });
const oldEcdsa = await oldCredential('secp256r1');
const legacyProviders: readonly CryptoProvider[] = [
  nodeLegacyProvider,
  forcedAsync(nodeLegacyProvider),
  createWebLegacyProvider(fullWebProvider),
];

/** The last byte, with a bit turned over. */
const damaged = (bytes: Bytes): Bytes => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);
const certificates = writeCertificate12(serverCredential.chain.map(({ raw }) => raw));
const withoutEms = { extensions: { extended_master_secret: undefined as never } } as const;

/** A cache of which every session can be seen. */
function open(): SessionCache & { readonly kept: Session[]; readonly given: Session[] } {
  const kept: Session[] = [];
  const given: Session[] = [];
  return {
    resumption: clientResumption,
    kept,
    given,
    take: () => kept.pop(),
    put(_, session) {
      kept.push(session);
      given.push(session);
    },
    remove: (_, session) => void kept.splice(kept.indexOf(session), 1),
  };
}

interface Wrong {
  readonly version?: number;
  readonly random?: Uint8Array;
  readonly suite?: number;
  readonly compression?: number;
  readonly sessionId?: Uint8Array;
  /** In place of renegotiation_info and extended_master_secret. */
  readonly extensions?: readonly Uint8Array[];
}
const renegotiationInfo = extension(0xff01, Uint8Array.of(0));
const extendedMasterSecret = extension(23);
const ticketAnnounced = extension(35);

/** A ServerHello with any field wrong. */
function serverHello(sessionId: Uint8Array, wrong: Wrong): Bytes {
  return handshake(
    2,
    concat(
      u16(wrong.version ?? 0x0303),
      wrong.random ?? new Uint8Array(32).fill(7),
      opaque8(wrong.sessionId ?? sessionId),
      u16(wrong.suite ?? 0xc02b),
      Uint8Array.of(wrong.compression ?? 0),
      extensions(...(wrong.extensions ?? [renegotiationInfo, extendedMasterSecret])),
    ),
  );
}

for (const provider of providers) {
  describe(`client of TLS 1.2 that comes back refuses, provider ${provider.name}`, () => {
    const start = (sessions: SessionCache, options: Partial<ClientOptions> = {}) =>
      new PuppetServer12(startClient({ provider, groups: curves, versions: [tls12], sessions, ...options }));

    /** A session by a ticket, or as `flight` has it; and a second connection, whose hello has been read. */
    const back = async (options: Partial<ClientOptions> = {}, flight?: ServerFlight12) => {
      if (flight === undefined) usual ??= begun({ ticket });
      const { session, master } = await (flight ? begun(flight) : (usual ?? assert.fail()));
      const sessions = open();
      sessions.put('localhost', { ...session, secret: session.secret.slice() });
      const server = start(sessions, options);
      const hello = await server.readHello();
      assert.equal(sessions.kept.length, 0);
      return { sessions, server, hello, master };
    };
    const begun = async (flight: ServerFlight12) => {
      const sessions = open();
      const first = start(sessions);
      await first.flight({}, flight);
      await first.finish();
      assert.equal(sessions.kept.length, 1);
      return { session: sessions.kept[0] ?? assert.fail(), master: first.master ?? assert.fail() };
    };
    /** Most tests come back from the same first connection. */
    let usual: ReturnType<typeof begun> | undefined;

    /** An abbreviated handshake, with `changes`. */
    const played = async (
      changes: ServerChanges12 | ((server: PuppetServer12) => ServerChanges12) = {},
      options: ServerFlight12 = {},
      config?: Partial<ClientOptions>,
    ) => {
      const { sessions, server, master } = await back(config);
      await server.resume(master, typeof changes === 'function' ? changes(server) : changes, options);
      return { sessions, server };
    };

    /** Something in place of a step that is no message: under the keys of that moment. */
    const instead =
      (server: PuppetServer12, type: number, ...contents: readonly Bytes[]) =>
      async (): Promise<readonly Bytes[]> => {
        for (const content of contents) await server.give(server.seal(type, content));
        return [];
      };

    const stands = async (server: PuppetServer12, goesOn: boolean) => {
      await server.receive();
      if (server.side.error) throw server.side.error;
      assert.equal(server.side.connection.negotiated?.resumed, goesOn);
      assert.deepEqual(server.alerts, []);
      await server.sendData('hello');
      assert.equal(server.side.text(), 'hello');
    };

    /** Refused, and the session is gone. */
    const refused = async (
      { server, sessions }: { readonly server: PuppetServer12; readonly sessions: ReturnType<typeof open> },
      code: TlsErrorCode,
      message: RegExp,
    ) => {
      await assertRefused(server, code, message);
      assert.equal(server.side.established, false);
      assert.deepEqual(sessions.kept, []);
      assert.ok(sessions.given.every(({ secret }) => secret.every((byte) => byte === 0)));
    };

    it('nothing of the right handshake', async () => {
      for (const config of [{}, { versions: both }]) {
        const { server, sessions } = await played({}, {}, config);
        assert.deepEqual(server.next('finished').raw, server.finished('client'));
        await stands(server, true);
        assert.deepEqual(sessions.kept[0]?.ticket, ticket);
      }
    });

    describe('in ServerHello,', () => {
      const cases: readonly [string, Wrong, RegExp, TlsErrorCode?, Partial<ClientOptions>?][] = [
        [
          'another suite than the session’s',
          { suite: 0xc02c },
          /^ServerHello: it resumes a session of suite 0xC02B with 0xC02C$/,
        ],
        ['a suite that was not offered', { suite: 0xc009 }, /the server chose 0xC009, which we did not offer/],
        [
          'a suite of TLS 1.3',
          { suite: 0x1301 },
          /TLS_AES_128_GCM_SHA256, which is not of TLS 1\.2/,
          'illegal_parameter',
          { versions: both },
        ],
        [
          'extended_master_secret dropped',
          { extensions: [renegotiationInfo] },
          /^ServerHello: extended_master_secret changed in a resumption$/,
          'handshake_failure',
        ],
        [
          'no renegotiation_info',
          { extensions: [extendedMasterSecret] },
          /renegotiation_info is missing/,
          'handshake_failure',
        ],
        [
          'renegotiation_info of the handshake that the session is of',
          { extensions: [extendedMasterSecret, extension(0xff01, opaque8(new Uint8Array(24)))] },
          /renegotiation_info of another handshake, in a first one/,
          'handshake_failure',
        ],
        ['a compression method', { compression: 1 }, /compression method 1, not null/],
        [
          'the sentinel of a downgrade',
          { random: concat(new Uint8Array(24), fromHex('444F574E47524401')) },
          /a server that knows TLS 1\.3 was made to choose TLS 1\.2/,
          'illegal_parameter',
          { versions: both },
        ],
        [
          'session_ticket with something in it',
          { extensions: [renegotiationInfo, extendedMasterSecret, extension(35, ticket)] },
          /^session_ticket of ServerHello: 48 bytes left over after its last field$/,
          'decode_error',
        ],
        [
          'another version, which is not offered',
          { version: 0x0302 },
          /^the server chose TLS 1\.1, and we offer TLS 1\.2 alone$/,
          'protocol_version',
        ],
        [
          'a protocol that was not offered',
          {
            extensions: [
              ...[renegotiationInfo, extendedMasterSecret],
              extension(16, concat(u16(3), opaque8(Buffer.from('h2')))),
            ],
          },
          /the server chose an ALPN protocol that we did not offer/,
          'illegal_parameter',
          { alpnProtocols: ['http/1.1'] },
        ],
      ];
      for (const [name, wrong, message, code = 'illegal_parameter', config] of cases) {
        it(name, async () => {
          const met = await back(config);
          await met.server.send(serverHello(met.hello.legacySessionId, wrong));
          await refused(met, code, message);
        });
      }

      it('extended_master_secret added, where the session has none; without it, it goes on', async () => {
        const met = await back({}, { ticket, ...withoutEms });
        await met.server.send(serverHello(met.hello.legacySessionId, {}));
        await refused(met, 'handshake_failure', /^ServerHello: extended_master_secret changed in a resumption$/);
        const { server, master } = await back({}, { ticket, ...withoutEms });
        await server.resume(master, {}, withoutEms);
        await stands(server, true);
        assert.equal(server.side.connection.negotiated?.extendedMasterSecret, false);
        assert.throws(() => server.side.connection.exportKeyingMaterial(16, 'x'), { code: 'not_supported' });
      });

      it('no extended_master_secret, where it is required now, of a session that has none either', async () => {
        const { sessions, hello } = await back({}, { ticket, ...withoutEms });
        assert.deepEqual(hello.extensions.session_ticket, ticket);
        const first = start(sessions);
        await first.flight({}, { ticket, ...withoutEms });
        await first.finish();
        const server = start(sessions, { requireExtendedMasterSecret: true });
        const { legacySessionId } = await server.readHello();
        await server.send(serverHello(legacySessionId, { extensions: [renegotiationInfo] }));
        await assertRefused(
          server,
          'handshake_failure',
          /^the server does not know extended_master_secret, and it is required$/,
        );
      });

      it('our identifier, where there is no session that it could stand for', async () => {
        const sessions = open();
        const server = start(sessions, { versions: both });
        const { legacySessionId, extensions: offered } = await server.readHello();
        assert.deepEqual([legacySessionId.length, offered.session_ticket], [32, none]);
        await server.send(serverHello(legacySessionId, {}));
        await refused(
          { server, sessions },
          'illegal_parameter',
          /^ServerHello: it echoes our session id, and resumes nothing in TLS 1\.2$/,
        );
      });

      it('our identifier, where only a session of TLS 1.3 is offered', async () => {
        const sessions = open();
        await connected({
          provider,
          client: { groups: x25519, sessions },
          server: { groups: x25519, tickets: { keys: ticketKeys({ provider }) } },
        });
        assert.ok(sessions.kept.length > 0);
        const server = start(sessions, { versions: both });
        const { legacySessionId, extensions: offered } = await server.readHello();
        assert.equal(offered.pre_shared_key?.identities.length, 1);
        assert.deepEqual(offered.session_ticket, none);
        await server.send(serverHello(legacySessionId, {}));
        await assertRefused(server, 'illegal_parameter', /it echoes our session id, and resumes nothing in TLS 1\.2/);
      });

      it('session_ticket, where nothing was said of it', async () => {
        const server = new PuppetServer12(startClient({ provider, groups: curves, versions: [tls12] }));
        const hello = await server.readHello();
        assert.equal(hello.extensions.session_ticket, undefined);
        await server.send(
          serverHello(none, { extensions: [renegotiationInfo, extendedMasterSecret, ticketAnnounced] }),
        );
        await assertRefused(
          server,
          'unsupported_extension',
          /^ServerHello: extension session_ticket answers nothing that was offered$/,
        );
      });
    });

    describe('nothing, and begins anew, where ServerHello names', () => {
      const other: Readonly<Record<string, (ours: Bytes) => Bytes>> = {
        'no session': () => none,
        'another one': () => new Uint8Array(32).fill(1),
        'half of ours': (ours) => ours.slice(0, 16),
        'ours with a bit turned over': damaged,
      };
      for (const [name, change] of Object.entries(other)) {
        it(name, async () => {
          const { sessions, server, hello } = await back();
          const sessionId = change(hello.legacySessionId);
          const next = new Uint8Array(30).fill(8);
          await server.flight({}, { sessionId, ticket: next });
          await server.finish();
          await stands(server, false);
          assert.deepEqual(
            sessions.kept.map((session) => session.ticket),
            [next],
          );
        });
      }
    });

    describe('in the abbreviated flight,', () => {
      const skipped = (): readonly Bytes[] => [];
      type Case = readonly [
        string,
        ServerChanges12 | ((server: PuppetServer12) => ServerChanges12),
        RegExp,
        TlsErrorCode?,
        ServerFlight12?,
      ];
      const cases: readonly Case[] = [
        ...Object.entries({
          Certificate: certificates,
          ServerHelloDone: writeServerHelloDone(),
          CertificateRequest: writeCertificateRequest12({
            certificateTypes: [64],
            signatureAlgorithms: [0x0403],
            certificateAuthorities: [],
          }),
        }).map(
          ([type, message]): Case => [
            type,
            { server_hello: (right: Bytes) => [right, message] },
            new RegExp(`^${type} came in state WAIT_CCS_12, which takes `),
          ],
        ),
        [
          'a ServerKeyExchange',
          (server) => ({
            server_hello: (right) => [right, server.serverKeyExchange(ecdhParams(server.key.share))],
          }),
          /^ServerKeyExchange came in state WAIT_CCS_12, which takes /,
        ],
        [
          'ServerHello twice',
          { server_hello: (right) => [right, right] },
          /^ServerHello came in state WAIT_CCS_12, which takes /,
        ],
        [
          'a Certificate under the new keys',
          { finished: (right) => [certificates, right] },
          /^Certificate came in state WAIT_FINISHED_12, which takes /,
        ],
        [
          'Finished before ChangeCipherSpec',
          { change_cipher_spec: skipped },
          /^Finished came in state WAIT_CCS_12, which takes /,
        ],
        [
          'ChangeCipherSpec before a ticket that was announced',
          (server) => ({ new_session_ticket: instead(server, contentType.change_cipher_spec, Uint8Array.of(1)) }),
          /^a ChangeCipherSpec came where none was due$/,
          'unexpected_message',
          { ticket },
        ],
        [
          'ChangeCipherSpec twice, the second under the new keys',
          { change_cipher_spec: (right) => [right, right] },
          /^a protected ChangeCipherSpec came$/,
        ],
        [
          'ChangeCipherSpec of another content',
          { change_cipher_spec: () => Uint8Array.of(2) },
          /^a ChangeCipherSpec other than 0x01 came$/,
          'illegal_parameter',
        ],
        [
          'a HelloRequest between ChangeCipherSpec and Finished',
          { finished: (right) => [writeHelloRequest(), right] },
          /^HelloRequest came in state WAIT_FINISHED_12, which takes /,
        ],
        [
          'a Finished of another handshake',
          { finished: damaged },
          /^Finished: the server saw another handshake than we did$/,
          'decrypt_error',
        ],
        [
          'the client’s own Finished',
          (server) => ({ finished: () => server.finished('client') }),
          /^Finished: the server saw another handshake than we did$/,
          'decrypt_error',
        ],
        [
          'a Finished that is too short',
          { finished: (right) => handshake(20, right.slice(4, -1)) },
          /^Finished: 11 bytes, where 12 are due$/,
          'decode_error',
        ],
        [
          'data instead of Finished',
          (server) => ({ finished: instead(server, contentType.application_data, Uint8Array.of(1)) }),
          /^application data came before the handshake was done$/,
        ],
        [
          'no ticket, where one was announced',
          { new_session_ticket: skipped },
          /^a ChangeCipherSpec came where none was due$/,
          'unexpected_message',
          { ticket },
        ],
        [
          'a ticket that was not announced',
          { new_session_ticket: () => writeNewSessionTicket12(7200, ticket) },
          /^NewSessionTicket came in state WAIT_CCS_12, which takes /,
        ],
        [
          'two tickets',
          { new_session_ticket: (right) => [right, right] },
          /^NewSessionTicket came in state WAIT_CCS_12, which takes /,
          'unexpected_message',
          { ticket },
        ],
        [
          'a ticket under the new keys',
          { new_session_ticket: skipped, finished: (right) => [writeNewSessionTicket12(7200, ticket), right] },
          /^NewSessionTicket came in state WAIT_FINISHED_12, which takes /,
        ],
        [
          'a ticket that is cut short',
          { new_session_ticket: (right) => handshake(4, right.slice(4, -1)) },
          /^NewSessionTicket: ends after 47 bytes where a field of 48 was due$/,
          'decode_error',
          { ticket },
        ],
        [
          'a ticket with something after it',
          { new_session_ticket: (right) => handshake(4, concat(right.subarray(4), Uint8Array.of(0))) },
          /^NewSessionTicket: 1 bytes left over after its last field$/,
          'decode_error',
          { ticket },
        ],
        [
          'a ticket message larger than any ticket',
          { new_session_ticket: () => handshake(4, none).with(1, 1).with(3, 7) },
          /^NewSessionTicket announces 65543 bytes, where 65542 are the most that we take$/,
          'message_too_large',
          { ticket },
        ],
      ];
      for (const [name, changes, message, code = 'unexpected_message', options = {}] of cases) {
        it(name, async () => {
          await refused(await played(changes, options), code, message);
        });
      }

      it('a Finished under keys of another master secret', async () => {
        const { server, sessions, master } = await back();
        await server.resume(damaged(master));
        await refused({ server, sessions }, 'bad_record_mac', /^a record does not authenticate: /);
      });

      it('nothing of a HelloRequest before ChangeCipherSpec, which is no part of the handshake', async () => {
        const { server, master } = await back();
        await server.resume(master, {
          change_cipher_spec: async (right) => {
            await server.give(server.seal(contentType.handshake, writeHelloRequest()));
            return right;
          },
        });
        await stands(server, true);
      });
    });

    describe('not, but keeps no session of,', () => {
      for (const [name, given] of Object.entries({
        'an empty ticket': none,
        'a ticket of more than 32,768 bytes': new Uint8Array(32_769),
      })) {
        it(`${name} in a full handshake`, async () => {
          const sessions = open();
          const server = start(sessions);
          await server.flight({}, { ticket: given });
          await server.finish({ new_session_ticket: sendLarge(server) });
          await stands(server, false);
          assert.deepEqual(sessions.kept, []);
        });

        it(`${name} in an abbreviated one: the one before is put back`, async () => {
          const { server, sessions, master } = await back();
          await server.resume(master, { new_session_ticket: sendLarge(server) }, { ticket: given });
          await stands(server, true);
          assert.deepEqual(
            sessions.kept.map((session) => session.ticket),
            [ticket],
          );
        });
      }

      it('the longest ticket that is kept', async () => {
        const sessions = open();
        const server = start(sessions);
        await server.flight({}, { ticket: new Uint8Array(32_768) });
        await server.finish({ new_session_ticket: sendLarge(server) });
        await stands(server, false);
        assert.equal(sessions.kept[0]?.ticket.length, 32_768);
      });

      /** A message in as many records as it needs. */
      function sendLarge(server: PuppetServer12) {
        return async (right: Bytes): Promise<readonly Bytes[]> => {
          server.transcript.add(right);
          for (let at = 0; at < right.length; at += 16_384) {
            await server.give(server.seal(contentType.handshake, right.subarray(at, at + 16_384)));
          }
          return [];
        };
      }
    });

    describe('in a full handshake,', () => {
      const cases: readonly [string, ServerChanges12, RegExp, ServerFlight12?][] = [
        [
          'no ticket, where one was announced',
          { new_session_ticket: () => [] },
          /^a ChangeCipherSpec came where none was due$/,
          { ticket },
        ],
        [
          'a ticket that was not announced',
          { new_session_ticket: () => writeNewSessionTicket12(7200, ticket) },
          /^NewSessionTicket came in state WAIT_CCS_12, which takes /,
        ],
        [
          'two tickets',
          { new_session_ticket: (right) => [right, right] },
          /^NewSessionTicket came in state WAIT_CCS_12, which takes /,
          { ticket },
        ],
        [
          'a ticket before the server’s key exchange',
          { certificate: (right) => [right, writeNewSessionTicket12(7200, ticket)] },
          /^NewSessionTicket came in state WAIT_SKE_12, which takes /,
          { ticket },
        ],
        [
          'a ticket after ChangeCipherSpec',
          { finished: (right) => [writeNewSessionTicket12(7200, ticket), right] },
          /^NewSessionTicket came in state WAIT_FINISHED_12, which takes /,
        ],
        [
          'a ticket after Finished',
          { finished: (right) => [right, writeNewSessionTicket12(7200, ticket)] },
          /^NewSessionTicket came in state CONNECTED_12, which takes /,
        ],
      ];
      for (const [name, changes, message, options] of cases) {
        it(name, async () => {
          const sessions = open();
          const server = start(sessions);
          await server.flight(changes, options);
          await server.receive();
          if (server.messages.some(({ type }) => type === 'client_key_exchange')) await server.finish(changes);
          await assertRefused(server, 'unexpected_message', message);
          assert.deepEqual(sessions.kept, []);
        });
      }
    });
  });

  describe(`server of TLS 1.2 to which a client comes back refuses, provider ${provider.name}`, () => {
    const keys = ticketKeys({ provider });
    const store = memorySessionStore();
    let time = now.getTime();
    const start = (options: Partial<ServerOptions> = {}) =>
      new PuppetClient12(
        startServer({
          ...{ provider, groups: curves, versions: [tls12], tickets: { keys, store }, time: () => new Date(time) },
          ...options,
        }),
      );
    type Fields = Partial<ClientHelloFields>;
    const merged = (one: Fields, other: Fields): Fields => ({
      ...one,
      ...other,
      extensions: { ...one.extensions, ...other.extensions },
    });
    const withoutEmsHello: Fields = { extensions: { extended_master_secret: undefined as never } };

    const finishes = async (client: PuppetClient12) => {
      await client.readFlight();
      client.messages.length = 0;
      await client.flight();
      await client.finish();
      await stands(client, false);
    };
    const stands = async (client: PuppetClient12, goesOn: boolean) => {
      await client.receive();
      if (client.side.error) throw client.side.error;
      assert.equal(client.side.connection.negotiated?.resumed, goesOn);
      assert.deepEqual(client.alerts, []);
      await client.sendData('hello');
      assert.equal(client.side.text(), 'hello');
    };

    /** By which of the two a client comes back. */
    type By = 'a ticket' | 'an identifier';
    const ways: readonly By[] = ['a ticket', 'an identifier'];

    /** A session, and what a hello says that goes on with it. */
    const begun = (by: By, options?: Partial<ServerOptions>, fields?: Fields) => {
      // An identifier ends with the connections that fail.
      if (by === 'an identifier' || options || fields) return begin(by, options, fields);
      usual ??= begin(by);
      return usual;
    };
    const begin = async (by: By, options: Partial<ServerOptions> = {}, fields: Fields = {}) => {
      const first = start(options);
      await first.sendHello(merged(by === 'a ticket' ? { extensions: { session_ticket: none } } : {}, fields));
      await finishes(first);
      const hello: Fields =
        by === 'a ticket'
          ? {
              legacySessionId: new Uint8Array(32).fill(6),
              extensions: { session_ticket: first.ticket ?? assert.fail() },
            }
          : { legacySessionId: first.serverHello?.legacySessionIdEcho ?? assert.fail() };
      return { first, hello, master: first.master ?? assert.fail() };
    };

    /** Most tests come back by the same ticket. */
    let usual: ReturnType<typeof begin> | undefined;

    for (const by of ways) {
      describe(`by ${by}:`, () => {
        it('nothing of the right handshake', async () => {
          const { hello, master } = await begun(by);
          for (const options of [{}, { versions: both }]) {
            const client = start(options);
            await client.sendHello(hello);
            await client.resume(master);
            await stands(client, true);
            assert.deepEqual(client.serverHello?.legacySessionIdEcho, hello.legacySessionId);
            const marked = toHex(client.serverHello?.random ?? none)
              .toUpperCase()
              .endsWith('444F574E47524401');
            assert.equal(marked, 'versions' in options);
          }
        });

        it('a hello without the session’s suite', async () => {
          const { hello } = await begun(by);
          const client = start();
          await client.sendHello({ ...hello, cipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384.id] });
          await assertRefused(
            client,
            'illegal_parameter',
            /^ClientHello: it would resume a session of suite 0xC02B, and does not offer that$/,
          );
        });

        it('nothing, and begins anew, where it has the session’s suite no more itself', async () => {
          const { hello } = await begun(by);
          const client = start({ cipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384] });
          const suites = [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256.id, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384.id];
          await client.sendHello({ ...hello, cipherSuites: suites });
          await client.receive();
          const answer = client.next('legacy_server_hello');
          assert.equal(answer.cipherSuite, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384.id);
          assert.notDeepEqual(answer.legacySessionIdEcho, hello.legacySessionId);
          client.next('certificate_12');
        });

        it('a hello that drops extended_master_secret', async () => {
          const { hello } = await begun(by);
          const client = start();
          await client.sendHello(merged(hello, withoutEmsHello));
          await assertRefused(
            client,
            'handshake_failure',
            /^ClientHello: extended_master_secret is missing in a resumption$/,
          );
        });

        it('nothing, and begins anew, where a hello brings extended_master_secret that the session has not', async () => {
          const { hello, master } = await begun(by, {}, withoutEmsHello);
          const client = start();
          await client.sendHello(hello);
          await finishes(client);
          assert.equal(client.serverHello?.extensions.extended_master_secret, true);
          // As it was, it goes on.
          const same = start();
          await same.sendHello(merged(hello, withoutEmsHello));
          await same.resume(master);
          await stands(same, true);
          assert.equal(same.serverHello?.extensions.extended_master_secret, undefined);
        });

        it('a session without extended_master_secret, where that is required now', async () => {
          const { hello } = await begun(by, {}, withoutEmsHello);
          const client = start({ requireExtendedMasterSecret: true });
          await client.sendHello(merged(hello, withoutEmsHello));
          await assertRefused(
            client,
            'handshake_failure',
            /^the client does not know extended_master_secret, and it is required$/,
          );
        });

        const anew: Readonly<Record<string, { options?: Partial<ServerOptions>; fields?: Fields; later?: number }>> = {
          'for another name': { fields: { extensions: { server_name: 'example.org' } } },
          'for no name': { fields: { extensions: { server_name: undefined as never } } },
          'when its time is over': { later: 7_200_000 },
          'where the clock went back': { later: -1 },
          'under other keys': { options: { tickets: { keys: ticketKeys({ provider }), store } } },
          'with keys that fail': {
            options: {
              tickets: {
                keys: {
                  ...keys,
                  open: () => {
                    throw new Error('no keys');
                  },
                },
                store,
              },
            },
          },
          'where sessions are not kept any more': { options: { tickets: undefined as never } },
        };
        for (const [name, { options, fields = {}, later = 0 }] of Object.entries(anew)) {
          it(`nothing, and begins anew, ${name}`, async () => {
            const credentials = [twoNames];
            const { hello } = await begun(by, { credentials });
            time += later;
            try {
              const client = start({ credentials, ...options });
              await client.sendHello(merged(hello, fields));
              await finishes(client);
              assert.notDeepEqual(client.serverHello?.legacySessionIdEcho, hello.legacySessionId);
            } finally {
              time -= later;
            }
          });
        }

        it('a Finished by who has no master secret', async () => {
          const { hello, master } = await begun(by);
          const client = start();
          await client.sendHello(hello);
          await client.resume(master, {
            change_cipher_spec(right) {
              client.setMaster(damaged(master));
              return right;
            },
          });
          await assertRefused(client, 'bad_record_mac', /^a record does not authenticate: /);
        });

        it('a record in the clear by who has no master secret', async () => {
          const { hello } = await begun(by);
          const client = start();
          await client.sendHello(hello);
          await client.receive();
          await client.give(client.seal(contentType.change_cipher_spec, Uint8Array.of(1)));
          await client.give(client.seal(contentType.handshake, handshake(20, new Uint8Array(12))));
          assert.equal(client.side.error?.code, 'bad_record_mac');
          assert.equal(client.side.established, false);
        });

        type Changes = Pick<ClientChanges12, 'change_cipher_spec' | 'finished'>;
        const cases: readonly [string, Changes | ((client: PuppetClient12) => Changes), RegExp, TlsErrorCode?][] = [
          [
            'a Finished of another handshake',
            { finished: damaged },
            /^Finished: the client saw another handshake than we did$/,
            'decrypt_error',
          ],
          [
            'our own Finished',
            (client) => ({ finished: () => client.finished('server') }),
            /^Finished: the client saw another handshake than we did$/,
            'decrypt_error',
          ],
          [
            'a Finished that is too long',
            { finished: (right) => handshake(20, concat(right.subarray(4), Uint8Array.of(0))) },
            /^Finished: 13 bytes, where 12 are due$/,
            'decode_error',
          ],
          [
            'Finished without ChangeCipherSpec',
            { change_cipher_spec: () => [] },
            /^Finished came in state WAIT_CCS_12, which takes /,
          ],
          [
            'ChangeCipherSpec twice',
            { change_cipher_spec: (right) => [right, right] },
            /^a protected ChangeCipherSpec came$/,
          ],
          [
            'ChangeCipherSpec of another content',
            { change_cipher_spec: () => Uint8Array.of(2) },
            /^a ChangeCipherSpec other than 0x01 came$/,
            'illegal_parameter',
          ],
          [
            'Finished twice',
            { finished: (right) => [right, right] },
            /^Finished came in state CONNECTED_12, which takes /,
          ],
          [
            'a ClientKeyExchange',
            (client) => ({
              change_cipher_spec: async (right) => {
                await client.send(writeClientKeyExchange(opaque8(client.key.share)));
                return right;
              },
            }),
            /^ClientKeyExchange came in state WAIT_CCS_12, which takes /,
          ],
          [
            'a Certificate',
            (client) => ({
              change_cipher_spec: async (right) => {
                await client.send(certificates);
                return right;
              },
            }),
            /^Certificate came in state WAIT_CCS_12, which takes /,
          ],
          [
            'another hello before Finished',
            (client) => ({
              change_cipher_spec: async (right) => {
                await client.sendHello();
                return right;
              },
            }),
            /^ClientHello came in state WAIT_CCS_12, which takes /,
          ],
          [
            'data before Finished',
            (client) => ({
              finished: async (right) => {
                await client.sendData('early');
                return right;
              },
            }),
            /^application data came before the handshake was done$/,
          ],
        ];
        for (const [name, changes, message, code = 'unexpected_message'] of cases) {
          it(name, async () => {
            const { hello, master } = await begun(by);
            const client = start();
            await client.sendHello(hello);
            await client.resume(master, typeof changes === 'function' ? changes(client) : changes);
            await assertRefused(client, code, message);
          });
        }

        it('ChangeCipherSpec before the hello', async () => {
          const { hello } = await begun(by);
          const client = start();
          await client.give(client.seal(contentType.change_cipher_spec, Uint8Array.of(1)));
          if (client.side.error === undefined) await client.sendHello(hello);
          await assertRefused(client, 'unexpected_message', /^a ChangeCipherSpec came where none was due$/);
        });
      });
    }

    describe('a ticket:', () => {
      it('nothing of one that comes without an identifier: none is echoed', async () => {
        const { hello, master } = await begun('a ticket');
        const client = start();
        await client.sendHello({ ...hello, legacySessionId: none });
        await client.resume(master);
        await stands(client, true);
        assert.equal(client.serverHello?.legacySessionIdEcho.length, 0);
      });

      const altered: Readonly<Record<string, (given: Bytes) => Bytes>> = {
        'with a bit of its key’s name turned over': (given) => given.with(0, (given[0] as number) ^ 1),
        'with a bit of its salt turned over': (given) => given.with(20, (given[20] as number) ^ 1),
        'with a bit of its tag turned over': damaged,
        'cut short by a byte': (given) => given.slice(0, -1),
        'cut to its first byte': (given) => given.slice(0, 1),
        'with a byte more': (given) => concat(given, Uint8Array.of(0)),
        'that was never ours': () => new Uint8Array(200).fill(3),
        'that is as long as it may be': () => new Uint8Array(16_000).fill(3),
      };
      for (const [name, change] of Object.entries(altered)) {
        it(`nothing of one ${name}, but begins anew and gives another`, async () => {
          const { hello } = await begun('a ticket');
          const client = start();
          const given = Uint8Array.from(hello.extensions?.session_ticket ?? none);
          await client.sendHello(merged(hello, { extensions: { session_ticket: change(given) } }));
          await finishes(client);
          assert.ok(client.ticket?.length);
          assert.notDeepEqual(client.ticket, given);
          assert.equal(client.serverHello?.legacySessionIdEcho.length, 0);
        });
      }

      for (const [name, session] of [
        ['TLS 1.3', { versions: [tls13], groups: x25519 }],
        [
          'TLS 1.1',
          { provider: nodeLegacyProvider, versions: [tls11], groups: curves, cipherSuites: ecdheCipherSuites },
        ],
      ] as const) {
        it(`nothing of one of ${name}, but begins anew`, async () => {
          const sessions = open();
          const met = await connected({
            provider,
            client: { ...session, sessions },
            server: { ...session, credentials: [name === 'TLS 1.1' ? oldEcdsa : serverCredential], tickets: { keys } },
          });
          assert.deepEqual([met.client.error, met.server.error], [undefined, undefined]);
          const given = sessions.kept[0]?.ticket ?? assert.fail();
          const client = start({ credentials: [name === 'TLS 1.1' ? oldEcdsa : serverCredential] });
          await client.sendHello({ extensions: { session_ticket: given } });
          await finishes(client);
          assert.ok(client.ticket?.length);
        });
      }

      it('nothing of one in a second hello of the same connection, which is refused as ever', async () => {
        const { hello, master } = await begun('a ticket');
        const client = start();
        await client.sendHello(hello);
        await client.resume(master);
        await stands(client, true);
        await client.send(Uint8Array.from(handshake(1, none)));
        await assertRefused(client, 'decode_error', /^ClientHello: ends after 0 bytes where a field of 2 was due$/);
      });
    });
  });
}

for (const provider of legacyProviders) {
  describe(`client of several old versions that comes back refuses, provider ${provider.name}`, () => {
    const cipherSuites = [...tls12.defaultCipherSuites, ...ecdheCipherSuites, ...rsaCipherSuites].filter(
      ({ supportedBy }) => supportedBy(provider),
    );
    for (const [name, version, id] of [
      ['TLS 1.1', tls11, 0x0302],
      ['SSL 3.0', ssl30, 0x0300],
    ] as const) {
      // A browser has no suite of SSL 3.0.
      if (!cipherSuites.some(version.uses)) continue;
      it(`our identifier from a server that has ${name} now`, async () => {
        const sessions = open();
        const start = () =>
          new PuppetServer12(
            startClient({
              ...{ provider, groups: curves, versions: [tls12, version], sessions },
              cipherSuites,
            }),
          );
        const first = start();
        await first.flight({}, { ticket });
        await first.finish();
        assert.equal(sessions.kept.length, 1);
        const server = start();
        const { legacySessionId } = await server.readHello();
        await server.send(serverHello(legacySessionId, { version: id, suite: 0xc009 }));
        await assertRefused(
          server,
          'illegal_parameter',
          new RegExp(`^ServerHello: it echoes our session id, and resumes nothing in ${name.replace('.', '\\.')}$`),
        );
        assert.deepEqual(sessions.kept, []);
      });
    }
  });
}
