/**
 * Pre-shared keys of TLS 1.3 without a key exchange (psk_ke, RFC 9846 §4.3.9, §9.2): only where both sides say so, and what
 * each refuses then.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Bytes } from '@handfast/crypto';
import {
  type ClientOptions,
  clientConfig,
  type Negotiated,
  type PreSharedKey,
  type ServerOptions,
  serverConfig,
  serverResumption,
  TLS_AES_128_GCM_SHA256,
  TlsConfigError,
} from '../../src/index.ts';
import { pskKe } from '../../src/legacy/index.ts';
import { writeHelloRetryRequest, writeServerHello } from '../../src/messages/server-hello.ts';
import { type PskMode, pskDheKe } from '../../src/psk-modes.ts';
import { TLS13 } from '../../src/registry.ts';
import { type SessionState, writeState } from '../../src/session/state.ts';
import { EarlySecret } from '../../src/tls13/key-schedule.ts';
import { accepted, back, earlyStage } from '../session/early.ts';
import {
  full,
  helloOf,
  type Met,
  messagesOf,
  notTaken,
  resumed,
  stage,
  ticketsIn,
  typesOf,
} from '../session/resuming.ts';
import { assertRefused } from '../support/assert.ts';
import { now, serverCredential } from '../support/identities.ts';
import { clientDefaults, providers, serverDefaults, startClient, startServer } from '../support/pair.ts';
import { PuppetServer, type ServerStep } from '../support/puppet.ts';
import type { Step } from '../support/scripted.ts';
import {
  ended,
  forged,
  good,
  groups,
  KeyedClient,
  large,
  type Meeting,
  meet,
  type Options,
  ring,
  secp256r1,
  small,
  unknown,
  wrongBinder,
  x25519,
} from '../tls13/shared-keys.ts';

type Modes = readonly PskMode[];

const alone: Modes = [pskKe];
const first: Modes = [pskKe, pskDheKe];
const second: Modes = [pskDheKe, pskKe];
const dheAlone: Modes = [pskDheKe];
const credentials = [serverCredential];
const retrying = { groups, keyShares: x25519 };
const keyed = (...keys: readonly PreSharedKey[]): Partial<ClientOptions> => ({ preSharedKey: () => keys });
const namesOf = (modes: Modes): string => modes.map(({ name }) => name).join(', ');

/** What each side lists, and what is used then; undefined: no key. */
const preferences: readonly (readonly [server: Modes, client: Modes, used: PskMode | undefined])[] = [
  [alone, alone, pskKe],
  [alone, first, pskKe],
  [alone, second, pskKe],
  [first, second, pskKe],
  [first, dheAlone, pskDheKe],
  [second, alone, pskKe],
  [second, first, pskDheKe],
  [second, second, pskDheKe],
  [dheAlone, first, pskDheKe],
  [alone, dheAlone, undefined],
  [dheAlone, alone, undefined],
];

/** A connection by a key alone: no share was answered, and neither side speaks of a group. */
function withoutExchange(met: Met | Meeting, index = 0): void {
  const [hello, ...more] = messagesOf(met as Met, 'server_hello');
  assert.deepEqual(more, []);
  assert.deepEqual([hello?.extensions.key_share, hello?.extensions.pre_shared_key], [undefined, index]);
  for (const { connection } of [met.client, met.server]) {
    assert.ok(connection.negotiated);
    assert.deepEqual([connection.negotiated.group, connection.negotiated.helloRetryRequest], [undefined, false]);
  }
  assert.deepEqual(typesOf(met as Met, 'in').slice(0, 3), ['server_hello', 'encrypted_extensions', 'finished']);
}

/** A connection by key and group. */
function withExchange({ group }: Negotiated, name = 'x25519'): void {
  assert.equal(group?.name, name);
}

/** A puppet that goes on with `small`, without a share. */
class LoneServer extends PuppetServer {
  key: Uint8Array = small.key;

  override agree(): void {
    this.handshakeSecret = new EarlySecret(this.kdf, this.key).handshakeSecret(this.kdf.zeros());
    this.traffic = this.handshakeSecret.trafficSecrets(this.transcript.hash());
  }

  serverHello(extensions: object): Bytes {
    return writeServerHello({
      ...{ random: new Uint8Array(32).fill(3), legacySessionIdEcho: this.hello?.legacySessionId ?? new Uint8Array(0) },
      cipherSuite: this.suite.id,
      extensions: { supported_versions: TLS13, ...extensions },
    });
  }

  /** The flight of a server that has the key, with `changes`. */
  async goOn(changes: Partial<Record<ServerStep, Step>> = {}): Promise<void> {
    const hello = this.hello ?? (await this.readHello());
    assert.equal(hello.extensions.pre_shared_key?.identities.length, 1);
    await this.flight({
      server_hello: () => this.serverHello({ pre_shared_key: 0 }),
      certificate: () => [],
      certificate_verify: () => [],
      ...changes,
    });
  }
}

/** A puppet that expects no share, and sends none. */
class LoneClient extends KeyedClient {
  /** The answer of a server that has the key. */
  async readAnswer(): Promise<void> {
    await this.receive();
    const hello = this.next('server_hello');
    assert.deepEqual([hello.extensions.key_share, hello.extensions.pre_shared_key], [undefined, 0]);
    this.transcript.add(hello.raw);
    this.agree(this.kdf.zeros());
    assert.ok(this.traffic);
    this.setRead(this.traffic.server);
    this.setWrite(this.traffic.client);
    await this.receive();
    assert.deepEqual(
      this.messages.map(({ type }) => type),
      ['encrypted_extensions', 'finished'],
    );
    for (const message of this.messages.splice(0)) this.transcript.add(message.raw);
    this.finishedHash();
    if (this.application) this.setRead(this.application.server);
  }

  /** Both stand: the server by this key, from outside or of a session. */
  async goesOn(key: Uint8Array = small.key): Promise<Negotiated> {
    this.psk = key;
    await this.readAnswer();
    await this.flight();
    await this.sendData('hello');
    assert.equal(this.side.error, undefined);
    assert.equal(this.side.text(), 'hello');
    const negotiated = this.side.connection.negotiated ?? assert.fail();
    assert.equal(negotiated.group, undefined);
    return negotiated;
  }
}

const without = { key_share: undefined as never, supported_groups: undefined as never };

for (const provider of providers) {
  const between = (client: Options['client'], server: Options['server']): Promise<Meeting> =>
    meet({ provider, client: client ?? {}, server: server ?? {} });

  describe(`psk_ke where both sides have it first, provider ${provider.name},`, () => {
    for (const [what, client, server] of [
      ['alone', alone, alone],
      ['before psk_dhe_ke', first, first],
    ] as const) {
      it(`${what}: a session goes on without a key exchange, and so does the next`, async () => {
        const { meet: meetAgain } = stage(provider, { client: { pskModes: client }, server: { pskModes: server } });
        withExchange(await full(await meetAgain()));
        for (let round = 0; round < 2; round++) {
          const met = await meetAgain();
          const negotiated = await resumed(met);
          withoutExchange(met);
          assert.ok(negotiated.peer?.path);
          assert.equal(ticketsIn(met), 1);
          assert.deepEqual(met.keyLog.client.toSorted(), met.keyLog.server.toSorted());
        }
      });

      it(`${what}: a key from outside connects them without a key exchange, also behind another`, async () => {
        for (const key of [small, large]) {
          for (const [index, keys] of [[key], [unknown, key]].entries()) {
            const met = await between(
              { ...keyed(...keys), pskModes: client },
              { preSharedKey: ring(key), pskModes: server },
            );
            await good(met, key);
            withoutExchange(met, index);
          }
        }
      });
    }

    it('makes other secrets in every connection', async () => {
      const secrets = new Set<string>();
      for (let round = 0; round < 3; round++) {
        const met = await between({ ...keyed(small), pskModes: alone }, { preSharedKey: ring(small), pskModes: alone });
        await good(met, small);
        for (const line of met.keyLog.client) secrets.add(line.split(' ').at(-1) ?? '');
      }
      assert.equal(secrets.size, 15);
    });

    it('refuses another key of the same name', async () => {
      const server = { preSharedKey: ring(small), pskModes: alone };
      ended(await between({ ...keyed(forged(small)), pskModes: alone }, server), 'server', wrongBinder());
    });

    it('makes a key exchange where no key is known: certificates, and the same tickets', async () => {
      const here = stage(provider, { client: { pskModes: alone }, server: { pskModes: alone } });
      const met = await here.meet({ client: keyed(unknown), server: { preSharedKey: ring(small) } });
      withExchange(await full(met));
      assert.equal(ticketsIn(met), 2);
      assert.deepEqual(met.told.slice(-2), ['kept', 'kept']);
    });

    it('takes early data', async () => {
      const both = { client: { pskModes: alone }, server: { pskModes: alone } };
      const met = await back(earlyStage(provider, both), undefined, 'early');
      assert.equal((await accepted(met, 'early')).group, undefined);
      withoutExchange(met);
    });
  });

  describe(`the mode, provider ${provider.name},`, () => {
    for (const [server, client, used] of preferences) {
      const what = used ? `is ${used.name}` : 'is none: the key is not used';
      it(`${what}, where the server has ${namesOf(server)} and the client ${namesOf(client)}`, async () => {
        const ours = { pskModes: client };
        const theirs = { pskModes: server };
        // A session of the defaults, which are taken back then.
        const here = stage(provider);
        await full(await here.meet());
        const met = await here.meet({ client: ours, server: theirs });
        const { psk_key_exchange_modes: modes, key_share: shares } = helloOf(met).extensions;
        assert.deepEqual([modes, shares?.length], [client.map(({ id }) => id), 1]);
        const outside = await between({ ...ours, ...keyed(small) }, { ...theirs, preSharedKey: ring(small) });
        if (used === undefined) {
          await notTaken(met, 0);
          ended(outside, 'server', wrongBinder());
          return;
        }
        const [one, other] = [await resumed(met), await good(outside, small)];
        for (const negotiated of used === pskDheKe ? [one, other] : []) withExchange(negotiated);
        for (const lone of used === pskKe ? [met, outside] : []) withoutExchange(lone);
      });
    }

    it('is the server’s choice also where it follows the client’s order of suites and groups', async () => {
      const server = { preSharedKey: ring(small), preferClientOrder: true };
      withExchange(
        await good(await between({ ...keyed(small), pskModes: first }, { ...server, pskModes: second }), small),
      );
      const met = await between({ ...keyed(small), pskModes: second }, { ...server, pskModes: first });
      await good(met, small);
      withoutExchange(met);
    });

    it('decides about tickets: a client of psk_ke alone gets them of a server that has it', async () => {
      for (const [server, client, tickets] of [
        [undefined, undefined, 2],
        [alone, alone, 2],
        [second, alone, 2],
        [first, undefined, 2],
        [undefined, alone, 0],
        [alone, undefined, 0],
      ] as const) {
        const met = await stage(provider).meet({
          client: client ? { pskModes: client } : {},
          server: server ? { pskModes: server } : {},
        });
        withExchange(await full(met));
        assert.equal(ticketsIn(met), tickets);
      }
    });
  });

  describe(`without a word about psk_ke, provider ${provider.name},`, () => {
    it('a client offers psk_dhe_ke alone, and a server that would rather not makes no exchange less', async () => {
      const here = stage(provider, { server: { pskModes: first } });
      await full(await here.meet());
      const met = await here.meet();
      assert.deepEqual(helloOf(met).extensions.psk_key_exchange_modes, [1]);
      withExchange(await resumed(met));
    });

    it('a server shows its certificate to a client of psk_ke alone, and asks nobody for its key', async () => {
      let asked = 0;
      const preSharedKey: ServerOptions['preSharedKey'] = () => {
        asked++;
        return small;
      };
      const met = await between({ ...keyed(small), pskModes: alone }, { credentials, preSharedKey });
      withExchange(await good(met, undefined));
      assert.equal(asked, 0);
    });

    it('a server without certificates refuses it as it refuses an unknown name', async () => {
      const met = await between({ ...keyed(small), pskModes: alone }, { preSharedKey: ring(small) });
      ended(met, 'server', wrongBinder());
    });
  });

  describe(`psk_ke and HelloRetryRequest, provider ${provider.name}:`, () => {
    it('there is none, whatever shares came: a session', async () => {
      const here = stage(provider, { client: { pskModes: first }, server: { pskModes: first } });
      await full(await here.meet());
      // Another share is needed; no group is in common at all.
      for (const client of [retrying, { groups: x25519 }]) {
        const met = await here.meet({ client, server: { groups: secp256r1 } });
        await resumed(met);
        withoutExchange(met);
      }
    });

    it('there is none, whatever shares came: a key from outside', async () => {
      for (const client of [retrying, { groups: x25519 }]) {
        const met = await between(
          { ...keyed(small), ...client, pskModes: alone },
          { preSharedKey: ring(small), groups: secp256r1, pskModes: alone },
        );
        await good(met, small);
        withoutExchange(met);
      }
    });

    it('there is one for a server that would rather have psk_dhe_ke', async () => {
      const met = await between(
        { ...keyed(small), ...retrying, pskModes: first },
        { preSharedKey: ring(small), groups: secp256r1, pskModes: second },
      );
      const negotiated = await good(met, small);
      withExchange(negotiated, 'secp256r1');
      assert.equal(negotiated.helloRetryRequest, true);
    });

    for (const [what, server, client, key] of [
      ['psk_ke alone: certificates', alone, alone, undefined],
      ['psk_ke alone of the client’s: certificates', first, alone, undefined],
      ['psk_dhe_ke as well: by that one', first, first, small],
      ['psk_dhe_ke alone of the client’s, which the server has not: certificates', alone, dheAlone, undefined],
    ] as const) {
      it(`after one a key does not go without an exchange, where there is ${what}`, async () => {
        // Nobody knows the name until the retry.
        let asked = 0;
        const met = await between(
          { ...keyed(small), ...retrying, pskModes: client },
          {
            ...{ credentials, groups: secp256r1, pskModes: server },
            preSharedKey: () => (asked++ === 0 && client !== dheAlone ? undefined : small),
          },
        );
        const negotiated = await good(met, key);
        withExchange(negotiated, 'secp256r1');
        assert.equal(negotiated.helloRetryRequest, true);
      });
    }
  });

  describe(`a client of psk_ke, provider ${provider.name},`, () => {
    const start = (options: Partial<ClientOptions> = {}): LoneServer =>
      new LoneServer(
        startClient({
          ...{ provider, groups: x25519, cipherSuites: [TLS_AES_128_GCM_SHA256], pskModes: alone },
          ...keyed(small),
          ...options,
        }),
      );
    const share = { group: 0x001d, keyExchange: new Uint8Array(32).fill(9) };

    it('goes on with a server that does all right', async () => {
      const server = start();
      await server.goOn();
      await server.finish();
      await server.sendData('hello');
      assert.equal(server.side.text(), 'hello');
      assert.equal(server.side.connection.negotiated?.group, undefined);
    });

    it('refuses a key with key_share, where it offered psk_ke alone', async () => {
      const server = start();
      await server.readHello();
      await server.send(server.serverHello({ key_share: share, pre_shared_key: 0 }));
      await assertRefused(
        server,
        'illegal_parameter',
        /^ServerHello: a pre-shared key with key_share, which we did not offer$/,
      );
    });

    it('refuses a key without key_share, where it offered psk_dhe_ke alone', async () => {
      const server = start({ pskModes: dheAlone });
      await server.readHello();
      await server.send(server.serverHello({ pre_shared_key: 0 }));
      await assertRefused(
        server,
        'illegal_parameter',
        /^ServerHello: a pre-shared key without key_share, which we did not offer$/,
      );
    });

    it('refuses a ServerHello with neither key nor key_share', async () => {
      const server = start();
      await server.readHello();
      await server.send(server.serverHello({}));
      await assertRefused(server, 'missing_extension', /^ServerHello: key_share is missing$/);
    });

    it('refuses a key without key_share after HelloRetryRequest', async () => {
      for (const pskModes of [alone, first]) {
        const server = start({ ...retrying, pskModes });
        const { legacySessionId } = await server.readHello();
        const retry = writeHelloRetryRequest({
          ...{ legacySessionIdEcho: legacySessionId, cipherSuite: server.suite.id },
          extensions: { supported_versions: TLS13, key_share: 0x0017 },
        });
        await server.give(server.seal(22, retry));
        await server.receive();
        assert.equal(server.next('client_hello').extensions.pre_shared_key?.identities.length, 1);
        await server.send(server.serverHello({ pre_shared_key: 0 }));
        await assertRefused(server, 'missing_extension', /^ServerHello: key_share is missing$/);
      }
    });

    it('refuses a server that has another key of that name', async () => {
      const server = start();
      server.key = forged(small).key;
      await server.goOn();
      // What the client says then is under keys that the puppet has not.
      await server.receive();
      assert.equal(server.side.error?.code, 'bad_record_mac');
    });

    it('refuses a Certificate beside the key', async () => {
      const server = start();
      await server.goOn({ certificate: (right) => right });
      await assertRefused(
        server,
        'unexpected_message',
        /^Certificate came in state WAIT_FINISHED, which takes finished$/,
      );
    });
  });

  describe(`a server of psk_ke and a hello without groups, provider ${provider.name},`, () => {
    const start = (options: Partial<ServerOptions> = {}): LoneClient =>
      new LoneClient(
        startServer({ provider, groups, pskModes: alone, credentials: [], preSharedKey: ring(small), ...options }),
      );
    const sends = async (
      extensions: object,
      options: Partial<ServerOptions> = {},
      { key = small, modes = [0] }: { readonly key?: PreSharedKey; readonly modes?: readonly number[] } = {},
    ): Promise<LoneClient> => {
      const client = start(options);
      await client.send(client.offering(client.helloFields({ extensions: extensions as never }), [key], { modes }));
      return client;
    };

    it('goes on by a key that it knows, with certificates or not', async () => {
      for (const own of [[], credentials]) {
        for (const signatures of [{}, { signature_algorithms: undefined }]) {
          const client = await sends({ ...without, ...signatures }, { credentials: own });
          const { pskIdentity, resumed: again } = await client.goesOn();
          assert.deepEqual([Uint8Array.from(pskIdentity ?? []), again], [small.identity, false]);
        }
      }
    });

    it('goes on by a session', async () => {
      const state: SessionState = {
        ...{ version: TLS13, cipherSuite: 0x1301, secret: Uint8Array.from(small.key), lifetime: 7200, ageAdd: 0 },
        ...{ maxEarlyData: 0, extendedMasterSecret: true, issued: now.getTime(), authenticated: now.getTime() },
        ...{ serverName: 'localhost', alpnProtocol: undefined, askedForCertificate: false, client: undefined },
        serverLeaf: provider.digest('sha256', serverCredential.chain[0]?.raw ?? assert.fail()),
      };
      const keys = { resumption: serverResumption, seal: () => Uint8Array.of(1, 2, 3), open: () => writeState(state) };
      const client = start({ credentials, preSharedKey: undefined as never, tickets: { count: 1, keys } });
      const fields = client.helloFields({ extensions: without });
      await client.send(client.offering(fields, [small], { kind: 'res', modes: [0] }));
      assert.equal((await client.goesOn()).resumed, true);
    });

    it('goes on where it would rather have psk_dhe_ke, which takes a share', async () => {
      for (const pskModes of [first, second]) {
        for (const modes of [
          [0, 1],
          [1, 0],
        ]) {
          await (await sends(without, { pskModes }, { modes })).goesOn();
        }
      }
    });

    it('goes on where both are there and the shares are none', async () => {
      await (await sends({ key_share: [] })).goesOn();
    });

    for (const [what, extensions, missing] of [
      ['supported_groups without key_share', { key_share: undefined }, 'key_share'],
      ['key_share without supported_groups', { supported_groups: undefined }, 'supported_groups'],
    ] as const) {
      it(`refuses ${what}, though it knows the key`, async () => {
        await assertRefused(
          await sends(extensions),
          'missing_extension',
          new RegExp(`^ClientHello: ${missing} is missing$`),
        );
      });
    }

    const noShare = /^ClientHello: key_share is missing$/;
    it('refuses it with psk_dhe_ke alone', async () => {
      for (const pskModes of [alone, first, dheAlone]) {
        await assertRefused(await sends(without, { pskModes }, { modes: [1] }), 'missing_extension', noShare);
      }
    });

    it('refuses it with psk_ke and without any key', async () => {
      const client = start({ credentials });
      await client.sendHello({ extensions: { ...without, psk_key_exchange_modes: [0] } });
      await assertRefused(client, 'missing_extension', noShare);
    });

    it('refuses a key that it does not know where a certificate would need a group', async () => {
      for (const pskModes of [alone, first, second]) {
        const client = await sends(without, { credentials, pskModes }, { key: unknown });
        await assertRefused(client, 'missing_extension', noShare);
      }
    });

    it('refuses a wrong key and an unknown name alike where it has no certificate', async () => {
      const message = new RegExp(`^${wrongBinder().message}$`);
      for (const key of [unknown, forged(small)]) {
        for (const pskModes of [alone, first, second]) {
          for (const modes of [[0], [0, 1]]) {
            await assertRefused(await sends(without, { pskModes }, { key, modes }), 'decrypt_error', message);
          }
        }
      }
    });

    it('refuses it by default, with the key or without, with certificates or not', async () => {
      for (const own of [[], credentials]) {
        for (const key of [small, unknown]) {
          const client = await sends(without, { credentials: own, pskModes: undefined as never }, { key });
          await assertRefused(client, 'missing_extension', noShare);
        }
      }
    });
  });
}

describe('pskModes', () => {
  const configs = (pskModes: Modes) => [
    () => clientConfig({ ...clientDefaults(), pskModes }),
    () => serverConfig({ ...serverDefaults(), pskModes }),
  ];

  for (const [what, modes] of [
    ['an object that looks like pskKe', [{ id: 0, name: 'psk_ke' }]],
    ['an object that looks like pskKe, behind a real mode', [pskDheKe, { ...pskKe }]],
    ['a name', ['psk_ke']],
    ['a number', [0]],
    ['an empty list', []],
  ] as const) {
    it(`refuses ${what}`, () => {
      for (const config of configs(modes as unknown as Modes)) {
        assert.throws(config, (error) => error instanceof TlsConfigError && error.option === 'pskModes');
      }
    });
  }

  it('are psk_dhe_ke alone by default, and otherwise as they are given', () => {
    assert.deepEqual(clientConfig(clientDefaults()).pskModes, [pskDheKe]);
    assert.deepEqual(serverConfig(serverDefaults()).pskModes, [pskDheKe]);
    for (const modes of [alone, first, second]) {
      for (const config of configs(modes)) assert.deepEqual(config().pskModes, modes);
    }
  });
});
