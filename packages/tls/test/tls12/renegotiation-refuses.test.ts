/**
 * What client and server refuse of a peer in a renegotiation, though their config allows one (RFC 5746 §3.5 and §3.7, RFC 7627
 * §5.2, and the triple handshake attack): the code, the alert, the message. The second handshake runs under the keys of
 * the first.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import { type TlsErrorCode, tls12, tls13 } from '../../src/index.ts';
import { secureRenegotiation } from '../../src/legacy/index.ts';
import { type ClientHelloFields, writeClientHello } from '../../src/messages/client-hello.ts';
import { writeCertificate12, writeHelloRequest } from '../../src/messages/messages12.ts';
import { writeHelloRetryRequest, writeServerHello } from '../../src/messages/server-hello.ts';
import { alerts, contentType, namedGroups } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { makeCredential, otherPki, pki, serverCredential } from '../support/identities.ts';
import { providers, settled, startClient, startServer } from '../support/pair.ts';
import { type ClientChanges12, PuppetClient12, PuppetServer12, type ServerChanges12 } from '../support/puppet12.ts';
import { handshake } from '../support/wire.ts';
import { after, FirstClient, FirstServer, listening, type VerifyData } from './second-handshake.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const renegotiation = secureRenegotiation({ most: 3 });
const none: Bytes = new Uint8Array(0);
const spec = Uint8Array.of(1);
const warning = 1;
const otherServer = await makeCredential();
const rsaServer = await makeCredential({ type: 'rsa' });
const stranger = await makeCredential({ purpose: 'clientAuth', issuer: otherPki });
const [ecdsaSuite, rsaSuite] = [0xc02b, 0xc02f];

type ClientOptions = NonNullable<Parameters<typeof startClient>[0]>;
type ServerOptions = NonNullable<Parameters<typeof startServer>[0]>;

/** Data goes both ways, under the puppet's keys. */
async function assertAlive(puppet: PuppetServer12 | PuppetClient12): Promise<void> {
  await puppet.receive();
  if (puppet.side.error) throw puppet.side.error;
  assert.deepEqual(puppet.alerts, []);
  const before = puppet.side.text();
  await puppet.sendData('to the side');
  assert.equal(puppet.side.text(), `${before}to the side`);
  puppet.side.connection.write(Buffer.from('from the side'));
  await settled(puppet.side);
  await puppet.receive();
  assert.equal(Buffer.concat(puppet.data.splice(0)).toString(), 'from the side');
}

/** The last byte, with a bit turned over. */
const damaged = (bytes: Bytes): Bytes => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);

for (const provider of providers) {
  describe(`client in a renegotiation refuses, provider ${provider.name}`, () => {
    /** Connected once, and asked for another handshake: by us, or by the server. */
    const asked = async (
      options: ClientOptions = {},
      extendedMasterSecret = true,
      by: 'us' | 'the server' = 'the server',
    ) => {
      const { trace, seen } = listening('client');
      const first = new FirstServer(
        startClient({ provider, groups, versions: [tls12], renegotiation, trace, ...options }),
      );
      await first.flight({}, extendedMasterSecret ? {} : { extensions: withoutSecret });
      await first.finish();
      const verifyData = seen();
      if (by === 'us') {
        first.side.connection.renegotiate();
        await settled(first.side);
      } else await first.give(first.seal(contentType.handshake, writeHelloRequest()));
      return { first, verifyData, server: after(first, PuppetServer12) };
    };
    const withoutSecret = { extended_master_secret: undefined } as object;

    /** Plays the second handshake, as far as the client goes along. */
    const played = async (
      changes: (server: PuppetServer12, verifyData: VerifyData) => ServerChanges12 = () => ({}),
      extensions: (verifyData: VerifyData) => object = () => ({}),
      ...start: Parameters<typeof asked>
    ) => {
      const { server, verifyData } = await asked(...start);
      const info = { renegotiation_info: concat(verifyData.client, verifyData.server) };
      const made = changes(server, verifyData);
      await server.flight(made, { extensions: { ...info, ...extensions(verifyData) } });
      await server.receive();
      if (server.messages.some(({ type }) => type === 'client_key_exchange')) await server.finish(made);
      return server;
    };

    it('nothing of the right handshake, whoever asked for it', async () => {
      for (const by of ['us', 'the server'] as const) {
        await assertAlive(await played(undefined, undefined, {}, true, by));
        await assertAlive(await played(undefined, undefined, { versions: [tls13, tls12] }, true, by));
      }
      await assertAlive(await played(undefined, () => withoutSecret, {}, false));
    });

    it('nothing of the third and the fourth', async () => {
      const { trace, seen } = listening('client');
      const side = startClient({ provider, groups, versions: [tls12], renegotiation, trace });
      let standing: FirstServer = new FirstServer(side);
      await standing.flight();
      await standing.finish();
      for (let i = 0; i < 3; i++) {
        const { client, server } = seen();
        await standing.give(standing.seal(contentType.handshake, writeHelloRequest()));
        standing = after(standing, FirstServer);
        await standing.flight({}, { extensions: { renegotiation_info: concat(client, server) } });
        assert.deepEqual(standing.hello?.extensions.renegotiation_info, client);
        await standing.finish();
      }
      await assertAlive(standing);
      // Three are the most: the next wish is answered with a warning.
      await standing.give(standing.seal(contentType.handshake, writeHelloRequest()));
      await standing.receive();
      assert.deepEqual([standing.alerts, standing.alertLevels], [['no_renegotiation'], [warning]]);
      assert.equal(side.error, undefined);
    });

    it('says in its hello what it was, and offers nothing that was chosen once', async () => {
      const options = { versions: [tls13, tls12], alpnProtocols: ['a'] };
      const { server, verifyData } = await asked(options);
      const { extensions, legacyVersion, cipherSuites, legacySessionId } = await server.readHello();
      assert.deepEqual(extensions.renegotiation_info, verifyData.client);
      assert.equal(extensions.extended_master_secret, true);
      assert.equal(extensions.supported_versions, undefined);
      assert.equal(extensions.key_share, undefined);
      assert.equal(extensions.application_layer_protocol_negotiation, undefined);
      assert.equal(extensions.server_name, 'localhost');
      assert.equal(legacyVersion, 0x0303);
      assert.equal(legacySessionId.length, 0);
      assert.deepEqual(
        cipherSuites,
        tls12.defaultCipherSuites.flatMap(({ id, supportedBy }) => (supportedBy(provider) ? [id] : [])),
      );
    });

    describe('in ServerHello', () => {
      type Case = readonly [string, (verifyData: VerifyData) => object];
      const cases: readonly Case[] = [
        ['no renegotiation_info', () => ({ renegotiation_info: undefined })],
        ['an empty renegotiation_info', () => ({ renegotiation_info: none })],
        ['the client’s half of renegotiation_info alone', ({ client }) => ({ renegotiation_info: client })],
        ['the server’s half of renegotiation_info alone', ({ server }) => ({ renegotiation_info: server })],
        ['both halves the other way about', ({ client, server }) => ({ renegotiation_info: concat(server, client) })],
        [
          'renegotiation_info with one bit changed',
          ({ client, server }) => ({ renegotiation_info: damaged(concat(client, server)) }),
        ],
        [
          'renegotiation_info with a byte more',
          ({ client, server }) => ({ renegotiation_info: concat(client, server, spec) }),
        ],
        [
          'renegotiation_info with a byte less',
          ({ client, server }) => ({ renegotiation_info: concat(client, server).subarray(0, -1) }),
        ],
      ];
      for (const [name, extensions] of cases) {
        it(name, async () => {
          await assertRefused(
            await played(undefined, extensions),
            'handshake_failure',
            /^ServerHello: renegotiation_info is not of the handshake before this one$/,
          );
        });
      }

      for (const [name, version, id] of [
        ['TLS 1.1', 'TLS 1.1', 0x0302],
        ['SSL 3.0', 'SSL 3.0', 0x0300],
        ['TLS 1.3 in the legacy field', 'TLS 1.3', 0x0304],
      ] as const) {
        it(`${name}, where ${version} was not agreed on`, async () => {
          await assertRefused(
            await played(() => ({ server_hello: (right) => right.with(4, id >> 8).with(5, id & 0xff) })),
            'protocol_version',
            /^ServerHello: another version than TLS 1\.2 in a renegotiation$/,
          );
        });
      }

      for (const versions of [[tls12], [tls13, tls12]]) {
        const what = versions.map(({ name }) => name).join(' and ');
        it(`the ServerHello of TLS 1.3, where ${what} was offered at first`, async () => {
          const extensions = {
            supported_versions: 0x0304,
            key_share: { group: 0x001d, keyExchange: new Uint8Array(32) },
          };
          const hello = writeServerHello({
            ...{ random: new Uint8Array(32), legacySessionIdEcho: none, cipherSuite: 0x1301, extensions },
          });
          await assertRefused(
            await played(() => ({ server_hello: () => hello }), undefined, { versions }),
            'protocol_version',
            /^ServerHello: another version than TLS 1\.2 in a renegotiation$/,
          );
        });
        it(`a HelloRetryRequest, where ${what} was offered at first`, async () => {
          const extensions = { supported_versions: 0x0304, key_share: 0x0017 };
          const hello = writeHelloRetryRequest({ legacySessionIdEcho: none, cipherSuite: 0x1301, extensions });
          await assertRefused(
            await played(() => ({ server_hello: () => hello }), undefined, { versions }),
            'protocol_version',
            /^ServerHello: another version than TLS 1\.2 in a renegotiation$/,
          );
        });
      }

      const changed = /^ServerHello: extended_master_secret changed in a renegotiation$/;
      it('extended_master_secret left out, where the first handshake had it', async () => {
        await assertRefused(await played(undefined, () => withoutSecret), 'handshake_failure', changed);
      });
      it('extended_master_secret, where the first handshake had none', async () => {
        await assertRefused(await played(undefined, undefined, {}, false), 'handshake_failure', changed);
      });
      it('a suite of TLS 1.3, which the second hello did not offer', async () => {
        const suiteAt = 4 + 2 + 32 + 1;
        await assertRefused(
          await played(() => ({ server_hello: (right) => right.with(suiteAt, 0x13).with(suiteAt + 1, 1) }), undefined, {
            versions: [tls13, tls12],
          }),
          'illegal_parameter',
          /^ServerHello: the server chose TLS_AES_128_GCM_SHA256, which we did not offer$/,
        );
      });
      it('an application protocol, which the second hello did not offer', async () => {
        await assertRefused(
          await played(undefined, () => ({ application_layer_protocol_negotiation: 'a' }), { alpnProtocols: ['a'] }),
          'unsupported_extension',
          /application_layer_protocol_negotiation answers nothing that was offered/,
        );
      });
    });

    describe('in Certificate', () => {
      const another = /^Certificate: the server showed another one in a renegotiation$/;
      it('another one, though it is as good and its key signs', async () => {
        const server = await played((puppet) => {
          Object.assign(puppet, { credential: otherServer });
          return {};
        });
        await assertRefused(server, 'handshake_failure', another);
      });
      it('but not the same with others behind it', async () => {
        const raws = [...serverCredential.chain, pki.root].map(({ raw }) => raw);
        await assertAlive(await played(() => ({ certificate: () => writeCertificate12(raws) })));
      });
      it('none', async () => {
        await assertRefused(
          await played(() => ({ certificate: () => writeCertificate12([]) })),
          'decode_error',
          /Certificate/,
        );
      });
    });

    describe('in Finished', () => {
      const cases: readonly [
        string,
        (server: PuppetServer12, verifyData: VerifyData) => (right: Bytes) => Bytes,
        TlsErrorCode,
        RegExp,
      ][] = [
        [
          'other verify_data',
          () => damaged,
          'decrypt_error',
          /^Finished: the server saw another handshake than we did$/,
        ],
        [
          'that of the first handshake',
          (_, verifyData) => () => handshake(20, verifyData.server),
          'decrypt_error',
          /^Finished: the server saw another handshake than we did$/,
        ],
        [
          'our own, sent back',
          (server) => () => server.finished('client'),
          'decrypt_error',
          /^Finished: the server saw another handshake than we did$/,
        ],
        [
          'too few bytes',
          () => (right) => handshake(20, right.subarray(4, -1)),
          'decode_error',
          /^Finished: 11 bytes, where 12 are due$/,
        ],
      ];
      for (const [name, change, code, pattern] of cases) {
        it(name, async () => {
          await assertRefused(
            await played((server, verifyData) => ({ finished: change(server, verifyData) })),
            code,
            pattern,
          );
        });
      }
    });

    describe('application data', () => {
      it('between the server’s ChangeCipherSpec and Finished, before it is delivered', async () => {
        const server = await played((puppet) => ({
          async finished() {
            await puppet.sendData('early');
            return [];
          },
        }));
        await assertRefused(server, 'unexpected_message', /^application data came before the handshake was done$/);
        assert.equal(server.side.text(), '');
      });
      it('without content, at the same place', async () => {
        const server = await played((puppet) => ({
          async finished() {
            await puppet.sendData('');
            return [];
          },
        }));
        await assertRefused(server, 'unexpected_message', /^application data came before the handshake was done$/);
      });
      it('in the clear', async () => {
        const { server } = await asked();
        server.side.connection.receive(concat(Uint8Array.of(23, 3, 3, 0, 2, 104, 105)));
        await assertRefused(server, 'bad_record_mac', /^a record does not authenticate/);
        assert.equal(server.side.text(), '');
      });
      it('under the old keys, after ChangeCipherSpec', async () => {
        const { first, verifyData, server } = await asked();
        await server.flight({}, { extensions: { renegotiation_info: concat(verifyData.client, verifyData.server) } });
        await server.finish({
          async finished() {
            await first.give(first.seal(contentType.application_data, Buffer.from('old')));
            return [];
          },
        });
        await assertRefused(server, 'bad_record_mac', /^a record does not authenticate/);
        assert.equal(server.side.text(), '');
      });
      it('but not before the server’s ChangeCipherSpec', async () => {
        const steps = ['server_hello', 'certificate', 'server_key_exchange', 'server_hello_done', 'change_cipher_spec'];
        const server = await played((puppet) =>
          Object.fromEntries(
            steps.map((step) => [
              step,
              async (right: Bytes) => {
                await puppet.sendData(`${step} `);
                return right;
              },
            ]),
          ),
        );
        assert.equal(server.side.text(), `${steps.join(' ')} `);
        await assertAlive(server);
      });
    });

    describe('in ChangeCipherSpec', () => {
      const steps = ['server_hello', 'certificate', 'server_key_exchange', 'server_hello_done'] as const;
      for (const step of steps) {
        it(`one before ${step}`, async () => {
          const server = await played((puppet) => ({
            async [step]() {
              await puppet.give(puppet.seal(contentType.change_cipher_spec, spec));
              return [];
            },
          }));
          await assertRefused(server, 'unexpected_message', /^a protected ChangeCipherSpec came$/);
        });
      }
      it('its absence before Finished', async () => {
        await assertRefused(
          await played(() => ({ change_cipher_spec: () => [] })),
          'unexpected_message',
          /^Finished came in state WAIT_CCS_12, which takes change_cipher_spec or hello_request$/,
        );
      });
      it('a second one under the new keys', async () => {
        await assertRefused(
          await played(() => ({ change_cipher_spec: (right) => [right, right] })),
          'unexpected_message',
          /^a protected ChangeCipherSpec came$/,
        );
      });
      it('another value', async () => {
        await assertRefused(
          await played(() => ({ change_cipher_spec: () => Uint8Array.of(2) })),
          'illegal_parameter',
          /^a ChangeCipherSpec other than 0x01 came$/,
        );
      });
    });

    it('an alert of the end, in the middle', async () => {
      const { server } = await asked();
      await server.readHello();
      await server.sendAlert(2, alerts.handshake_failure);
      await server.receive();
      assert.equal(server.side.error?.code, 'peer_alert');
      assert.equal(server.side.error?.alert, 'handshake_failure');
      assert.deepEqual(server.alerts, []);
    });

    it('but takes no_renegotiation for an answer: all stays as it was', async () => {
      const { server } = await asked({}, true, 'us');
      await server.readHello();
      assert.equal(server.side.connection.state, 'WAIT_SH_AGAIN_12');
      await server.sendAlert(warning, alerts.no_renegotiation);
      assert.equal(server.side.connection.state, 'CONNECTED_12');
      await assertAlive(server);
    });
  });

  describe(`server in a renegotiation refuses, provider ${provider.name}`, () => {
    const secretOf = (wanted: boolean): object => (wanted ? {} : { extended_master_secret: undefined });

    const standing = async (options: ServerOptions = {}, extendedMasterSecret = true) => {
      const { trace, seen } = listening('server');
      const first = new FirstClient(
        startServer({ provider, groups, versions: [tls12], renegotiation, trace, ...options }),
      );
      await first.sendHello({ extensions: secretOf(extendedMasterSecret) });
      await first.readFlight();
      first.messages.length = 0;
      await first.flight({}, { authenticate: options.clientCertificate !== undefined });
      await first.finish();
      return { first, verifyData: seen(), client: after(first, PuppetClient12) };
    };

    type Change = (right: ClientHelloFields, verifyData: VerifyData) => ClientHelloFields;

    const withExtensions =
      (changes: object): Change =>
      (right) => ({ ...right, extensions: { ...right.extensions, ...changes } });

    /** Sends the second hello, with `change`. */
    const greeted = async (change: Change = (right) => right, ...start: Parameters<typeof standing>) => {
      const { client, verifyData } = await standing(...start);
      const extensions = { renegotiation_info: verifyData.client, ...secretOf(start[1] ?? true) };
      const { random: _, ...fields } = change(client.helloFields({ extensions }), verifyData);
      await client.sendHello(fields);
      return client;
    };

    /** Goes on from the hello to the end, as far as the server goes along. */
    const played = async (
      changes: (client: PuppetClient12) => ClientChanges12 = () => ({}),
      authenticate = false,
      ...start: Parameters<typeof greeted>
    ) => {
      const client = await greeted(...start);
      await client.readFlight();
      client.messages.length = 0;
      await client.flight(changes(client), { authenticate });
      await client.receive();
      if (client.messages.length > 0) await client.finish();
      return client;
    };

    const same: Change = (right) => right;

    it('nothing of the right handshake', async () => {
      await assertAlive(await played());
      await assertAlive(await played(undefined, false, same, { versions: [tls13, tls12] }));
      await assertAlive(await played(undefined, false, same, {}, false));
      await assertAlive(await played(undefined, true, same, { clientCertificate: 'request', trust: pki.trust }));
    });

    it('nothing of a hello that says more: a higher version, other suites and groups, TLS 1.3', async () => {
      const more: readonly Change[] = [
        (right) => ({ ...right, legacyVersion: 0x0304 }),
        (right) => ({ ...right, cipherSuites: [0x1301, rsaSuite, ...right.cipherSuites] }),
        withExtensions({ supported_versions: [0x0304, 0x0303] }),
        withExtensions({ application_layer_protocol_negotiation: ['other'] }),
        withExtensions({ server_name: 'another.example' }),
      ];
      for (const change of more) {
        const client = await played(undefined, false, change, { versions: [tls13, tls12], alpnProtocols: ['h2'] });
        await assertAlive(client);
        assert.equal(client.side.connection.negotiated?.version, 'TLS 1.2');
        assert.equal(client.side.connection.negotiated?.serverName, 'localhost');
        assert.equal(client.side.connection.negotiated?.alpnProtocol, undefined);
      }
    });

    it('answers both Finished in ServerHello', async () => {
      const { client, verifyData } = await standing();
      await client.sendHello({ extensions: { renegotiation_info: verifyData.client } });
      await client.receive();
      const hello = client.next('legacy_server_hello');
      assert.deepEqual(hello.extensions.renegotiation_info, concat(verifyData.client, verifyData.server));
    });

    it('asks by a HelloRequest alone, and goes on', async () => {
      const { client } = await standing();
      client.side.connection.renegotiate();
      await client.receive();
      assert.deepEqual(
        client.messages.map(({ type }) => type),
        ['hello_request'],
      );
      await assertAlive(client);
    });

    describe('in ClientHello', () => {
      const info = /^ClientHello: renegotiation_info is not of the handshake before this one in a renegotiation$/;
      const secret = /^ClientHello: extended_master_secret changed in a renegotiation$/;
      const noSuite = /^no cipher suite in common for the same certificate, in a renegotiation$/;
      const bothKeys: ServerOptions = { credentials: [serverCredential, rsaServer] };
      const cases: readonly [
        string,
        Change,
        RegExp,
        { readonly code?: TlsErrorCode; readonly options?: ServerOptions; readonly secret?: boolean }?,
      ][] = [
        [
          'TLS_EMPTY_RENEGOTIATION_INFO_SCSV',
          (right) => ({ ...right, cipherSuites: [...right.cipherSuites, 0x00ff] }),
          /^ClientHello: TLS_EMPTY_RENEGOTIATION_INFO_SCSV in a renegotiation$/,
        ],
        [
          'TLS_EMPTY_RENEGOTIATION_INFO_SCSV in place of renegotiation_info',
          (right, data) => ({
            ...withExtensions({ renegotiation_info: undefined })(right, data),
            cipherSuites: [...right.cipherSuites, 0x00ff],
          }),
          /^ClientHello: TLS_EMPTY_RENEGOTIATION_INFO_SCSV in a renegotiation$/,
        ],
        ['no renegotiation_info', withExtensions({ renegotiation_info: undefined }), info],
        ['an empty renegotiation_info', withExtensions({ renegotiation_info: none }), info],
        [
          'renegotiation_info with one bit changed',
          (right, data) => withExtensions({ renegotiation_info: damaged(data.client) })(right, data),
          info,
        ],
        [
          'the server’s half as renegotiation_info',
          (right, data) => withExtensions({ renegotiation_info: data.server })(right, data),
          info,
        ],
        [
          'both halves as renegotiation_info',
          (right, data) => withExtensions({ renegotiation_info: concat(data.client, data.server) })(right, data),
          info,
        ],
        [
          'a lower version',
          (right) => ({ ...right, legacyVersion: 0x0302 }),
          /^ClientHello: less than TLS 1\.2 in a renegotiation$/,
          { code: 'protocol_version' },
        ],
        ['no extended_master_secret any more', withExtensions({ extended_master_secret: undefined }), secret],
        [
          'extended_master_secret, where the first handshake had none',
          withExtensions({ extended_master_secret: true }),
          secret,
          { secret: false },
        ],
        [
          'suites for another certificate alone, though there is one',
          (right) => ({ ...right, cipherSuites: [rsaSuite] }),
          noSuite,
          { options: bothKeys },
        ],
        [
          'suites for another certificate alone, and there is none',
          (right) => ({ ...right, cipherSuites: [rsaSuite] }),
          noSuite,
        ],
        [
          'no suite that we have',
          (right) => ({ ...right, cipherSuites: [0xc009] }),
          /^no cipher suite in common for TLS 1\.2: the client offers 0xC009$/,
        ],
        [
          'no group that we have',
          withExtensions({ supported_groups: [0x0019] }),
          /^no key exchange in common for TLS 1\.2: no curve in common$/,
        ],
        [
          'signature_algorithms that the certificate’s key cannot sign by',
          (right, data) => ({
            ...withExtensions({ signature_algorithms: [0x0804, 0x0503] })(right, data),
            cipherSuites: [ecdsaSuite, rsaSuite],
          }),
          noSuite,
          { options: bothKeys },
        ],
        [
          'no signature_algorithms any more',
          withExtensions({ signature_algorithms: undefined }),
          /^ClientHello: signature_algorithms is missing/,
        ],
        [
          'supported_groups without the curve of the certificate’s key',
          withExtensions({ supported_groups: [0x001d] }),
          noSuite,
        ],
      ];
      for (const [name, change, pattern, { code = 'handshake_failure', options, secret: had = true } = {}] of cases) {
        it(name, async () => {
          await assertRefused(await greeted(change, options, had), code, pattern);
        });
      }
      it('compression methods without null', async () => {
        const { client, verifyData } = await standing();
        const fields = client.helloFields({ extensions: { renegotiation_info: verifyData.client } });
        const methodAt = 4 + 2 + 32 + 1 + 2 + 2 + 1;
        await client.send(writeClientHello(fields).with(methodAt, 1));
        await assertRefused(client, 'illegal_parameter', /^ClientHello: compression methods without null$/);
      });
      it('a second one, before the first is answered to the end', async () => {
        const client = await greeted();
        await client.receive();
        client.messages.length = 0;
        await client.sendHello();
        await assertRefused(
          client,
          'unexpected_message',
          /^ClientHello came in state WAIT_CKE_12, which takes client_key_exchange$/,
        );
      });
    });

    describe('in ChangeCipherSpec', () => {
      it('one before ClientHello', async () => {
        const { client } = await standing();
        await client.give(client.seal(contentType.change_cipher_spec, spec));
        await assertRefused(client, 'unexpected_message', /^a protected ChangeCipherSpec came$/);
      });
      it('one before ClientKeyExchange', async () => {
        const client = await greeted();
        await client.readFlight();
        client.messages.length = 0;
        await client.give(client.seal(contentType.change_cipher_spec, spec));
        await assertRefused(client, 'unexpected_message', /^a protected ChangeCipherSpec came$/);
      });
      it('one before CertificateVerify', async () => {
        const client = await played(
          (puppet) => ({
            async certificate_verify() {
              await puppet.give(puppet.seal(contentType.change_cipher_spec, spec));
              return [];
            },
            change_cipher_spec: () => [],
            finished: () => [],
          }),
          true,
          same,
          { clientCertificate: 'request', trust: pki.trust },
        );
        await assertRefused(client, 'unexpected_message', /^a protected ChangeCipherSpec came$/);
      });
      it('its absence before Finished', async () => {
        await assertRefused(
          await played(() => ({ change_cipher_spec: () => [] })),
          'unexpected_message',
          /^Finished came in state WAIT_CCS_12, which takes change_cipher_spec$/,
        );
      });
      it('a second one under the new keys', async () => {
        await assertRefused(
          await played(() => ({ change_cipher_spec: (right) => [right, right] })),
          'unexpected_message',
          /^a protected ChangeCipherSpec came$/,
        );
      });
      it('another value', async () => {
        await assertRefused(
          await played(() => ({ change_cipher_spec: () => Uint8Array.of(2) })),
          'illegal_parameter',
          /^a ChangeCipherSpec other than 0x01 came$/,
        );
      });
    });

    describe('in Finished', () => {
      const saw = /^Finished: the client saw another handshake than we did$/;
      it('other verify_data', async () => {
        await assertRefused(await played(() => ({ finished: damaged })), 'decrypt_error', saw);
      });
      it('that of the first handshake', async () => {
        const { client, verifyData } = await standing();
        await client.sendHello({ extensions: { renegotiation_info: verifyData.client } });
        await client.readFlight();
        client.messages.length = 0;
        await client.flight({ finished: () => handshake(20, verifyData.client) });
        await assertRefused(client, 'decrypt_error', saw);
      });
      it('too many bytes', async () => {
        await assertRefused(
          await played(() => ({ finished: (right) => handshake(20, concat(right.subarray(4), spec)) })),
          'decode_error',
          /^Finished: 13 bytes, where 12 are due$/,
        );
      });
    });

    describe('application data', () => {
      it('between the client’s ChangeCipherSpec and Finished, before it is delivered', async () => {
        const client = await played((puppet) => ({
          async finished() {
            await puppet.sendData('early');
            return [];
          },
        }));
        await assertRefused(client, 'unexpected_message', /^application data came before the handshake was done$/);
        assert.equal(client.side.text(), '');
      });
      it('under the old keys, after ChangeCipherSpec', async () => {
        const { first, verifyData, client } = await standing();
        await client.sendHello({ extensions: { renegotiation_info: verifyData.client } });
        await client.readFlight();
        client.messages.length = 0;
        await client.flight({
          async finished() {
            await first.give(first.seal(contentType.application_data, Buffer.from('old')));
            return [];
          },
        });
        await assertRefused(client, 'bad_record_mac', /^a record does not authenticate/);
        assert.equal(client.side.text(), '');
      });
      it('but not before the client’s ChangeCipherSpec', async () => {
        const steps = ['client_key_exchange', 'change_cipher_spec'];
        const client = await played((puppet) =>
          Object.fromEntries(
            steps.map((step) => [
              step,
              async (right: Bytes) => {
                await puppet.sendData(`${step} `);
                return right;
              },
            ]),
          ),
        );
        assert.equal(client.side.text(), `${steps.join(' ')} `);
        await assertAlive(client);
      });
    });

    describe('of the client’s certificate', () => {
      const required: ServerOptions = { clientCertificate: 'require', trust: pki.trust };
      it('its absence, where one is required', async () => {
        await assertRefused(
          await played(
            () => ({ certificate: () => writeCertificate12([]), certificate_verify: () => [] }),
            true,
            same,
            {
              ...required,
            },
          ),
          'certificate_required',
          /^the client sent no certificate, and one is required$/,
          'handshake_failure',
        );
      });
      it('one of somebody whom we do not trust, after one whom we do', async () => {
        const client = await played(
          (puppet) => {
            Object.assign(puppet, { credential: stranger });
            return {};
          },
          true,
          same,
          required,
        );
        await assertRefused(client, 'certificate_unknown_issuer', /Another root/, 'unknown_ca');
      });
      it('but not another good one: who the client is may change', async () => {
        const other = await makeCredential({ purpose: 'clientAuth' });
        const client = await played(
          (puppet) => {
            Object.assign(puppet, { credential: other });
            return {};
          },
          true,
          same,
          required,
        );
        await assertAlive(client);
        assert.deepEqual(client.side.connection.negotiated?.peer?.chain[0]?.raw, other.chain[0]?.raw);
      });
    });
  });
}
