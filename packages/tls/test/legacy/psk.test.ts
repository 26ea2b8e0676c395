/**
 * Pre-shared keys before TLS 1.3, in their four forms: who is let in, who is not, and what callbacks may answer.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, type CryptoProvider, concat } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  type ClientOptions,
  clientConfig,
  namedGroups,
  type PreSharedKey,
  type ServerOptions,
  serverConfig,
  type Tls12CipherSuite,
  TlsConfigError,
  TlsError,
  tls12,
  type Version,
} from '../../src/index.ts';
import { pskCipherSuites, tls10, tls11 } from '../../src/legacy/index.ts';
import { defaultCipherSuites12 } from '../../src/tls12/suites.ts';
import { connected, exchange, type Pair, pair } from '../support/pair.ts';
import { handshake, opaque16 } from '../support/wire.ts';
import { oldCredential } from './identities.ts';
import { bytesOf } from './reference.ts';
import { rewriting } from './rewriting.ts';

const credentials = [await oldCredential('rsa')];
const groups = namedGroups.filter(({ name }) => ['secp256r1', 'ffdhe2048'].includes(name));
const serverKeyExchange = 12;
const clientKeyExchange = 16;

const identity = new TextEncoder().encode('a client');
const key = bytesOf(32);

function suite(name: string): Tls12CipherSuite {
  return pskCipherSuites.find((row) => row.name === `TLS_${name}`) ?? assert.fail(name);
}

const forms = ['PSK', 'DHE_PSK', 'ECDHE_PSK', 'RSA_PSK'] as const;
type Form = (typeof forms)[number];

const suites: readonly (readonly [Form, Version, Tls12CipherSuite])[] = forms.flatMap((form) => [
  [form, tls12, suite(`${form}_WITH_AES_128_GCM_SHA256`)],
  [form, tls12, suite(`${form}_WITH_AES_128_CBC_SHA256`)],
  [form, tls11, suite(`${form}_WITH_AES_128_CBC_SHA`)],
  [form, tls10, suite(`${form}_WITH_AES_128_CBC_SHA`)],
]);

interface Setting {
  readonly form?: Form;
  readonly version?: Version;
  readonly suite?: Tls12CipherSuite;
  readonly provider?: CryptoProvider;
  readonly client?: ClientOptions['preSharedKey'];
  readonly server?: ServerOptions['preSharedKey'];
  readonly hint?: Uint8Array;
}

const knows: NonNullable<ServerOptions['preSharedKey']> = (theirs) =>
  Buffer.compare(theirs, identity) === 0 ? key : undefined;

function start(setting: Setting = {}): Pair {
  const { form = 'PSK', version = tls12, provider = nodeLegacyProvider, hint } = setting;
  const chosen = setting.suite ?? suite(`${form}_WITH_AES_128_GCM_SHA256`);
  const common = { provider, versions: [version], cipherSuites: [chosen], groups } as const;
  return pair({
    client: { ...common, preSharedKey: setting.client ?? (() => ({ identity, key })) },
    server: {
      ...{ ...common, preSharedKey: setting.server ?? knows },
      ...(chosen.authentication && { credentials }),
      ...(hint && { pskIdentityHint: hint }),
      ...(!chosen.authentication && { credentials: [] }),
    },
  });
}

async function ended(setting: Setting): Promise<Pair> {
  const both = start(setting);
  await exchange(both);
  return both;
}

function assertConnected({ client, server }: Pair, what?: string): void {
  assert.deepEqual([client.error?.message, server.error?.message], [undefined, undefined], what);
  assert.deepEqual([client.established, server.established], [true, true], what);
}

/** All that either side can tell of how a connection ended. */
function outcomeOf({ client, server }: Pair): unknown {
  return [client, server].map(({ error, established }) => [
    ...[error?.code, error?.alert, error?.message, error?.origin, error?.state],
    established,
  ]);
}

/** A callback's answer that its type does not allow. */
function wrong<T>(answer: unknown): T {
  return answer as T;
}

describe('PSK: a key that both have', () => {
  for (const [form, version, chosen] of suites) {
    it(`connects them: ${version.name}, ${chosen.name}`, async () => {
      for (const hint of [undefined, new Uint8Array(0), bytesOf(20)]) {
        const both = await ended({ form, version, suite: chosen, ...(hint && { hint }) });
        assertConnected(both, `hint of ${hint?.length}`);
        for (const { connection } of [both.client, both.server]) {
          assert.equal(connection.negotiated?.cipherSuite, chosen);
          assert.equal(connection.negotiated?.peerSignatureScheme, undefined);
          assert.equal(connection.negotiated?.signatureScheme, undefined);
          const { group } = connection.negotiated ?? assert.fail();
          const expected = { PSK: undefined, RSA_PSK: undefined, DHE_PSK: 'ffdhe2048', ECDHE_PSK: 'secp256r1' }[form];
          assert.equal(group?.name, expected);
        }
        const { peer } = both.client.connection.negotiated ?? assert.fail();
        assert.equal(peer !== undefined, form === 'RSA_PSK');
      }
    });
  }

  it('connects them where everything is asynchronous, callbacks too', async () => {
    for (const form of forms) {
      const both = await ended({
        ...{ form, provider: forcedAsync(nodeLegacyProvider) },
        client: async () => ({ identity, key }),
        server: async (theirs) => knows(theirs),
      });
      assertConnected(both, form);
    }
  });

  it('connects them by WebCrypto, in the forms that it has', async () => {
    const provider = createWebLegacyProvider(fullWebProvider);
    for (const chosen of [suite('PSK_WITH_AES_128_GCM_SHA256'), suite('ECDHE_PSK_WITH_AES_128_CBC_SHA')]) {
      const webGroups = namedGroups.filter(({ name }) => name === 'secp256r1');
      const common = { provider, versions: [tls12], cipherSuites: [chosen], groups: webGroups };
      const both = await connected({
        client: { ...common, preSharedKey: () => ({ identity, key }) },
        server: { ...common, credentials: [], preSharedKey: knows },
      });
      assertConnected(both, chosen.name);
    }
    for (const form of ['DHE_PSK', 'RSA_PSK']) {
      assert.equal(suite(`${form}_WITH_AES_128_GCM_SHA256`).supportedBy(provider), false);
    }
  });

  it('may be of 1 to 65,535 bytes', async () => {
    for (const length of [1, 20, 64, 65, 65_535]) {
      const own = bytesOf(length);
      for (const form of ['PSK', 'ECDHE_PSK'] as const) {
        const both = await ended({ form, client: () => ({ identity, key: own }), server: () => own });
        assertConnected(both, `${form}, ${length} bytes`);
      }
    }
  });

  it('is left as it was', async () => {
    const [ours, theirs] = [bytesOf(32), bytesOf(32)];
    for (const form of forms) {
      assertConnected(await ended({ form, client: () => ({ identity, key: ours }), server: () => theirs }));
      assert.deepEqual([ours, theirs], [bytesOf(32), bytesOf(32)]);
    }
  });

  it('binds the premaster secret to the other half: in PSK, as many zeros as the key has', async () => {
    // RFC 4279 §2: uint16 N, N zeros, uint16 N, the key. Seen through the master secret, from the server's key log.
    const lines: string[] = [];
    const secrets: Bytes[] = [];
    const provider: CryptoProvider = {
      ...nodeLegacyProvider,
      hmac(hash, secret) {
        secrets.push(Uint8Array.from(secret));
        return nodeLegacyProvider.hmac(hash, secret);
      },
    };
    const common = { versions: [tls12], cipherSuites: [suite('PSK_WITH_AES_128_GCM_SHA256')] };
    const both = await connected({
      client: { ...common, provider: nodeLegacyProvider, preSharedKey: () => ({ identity, key: bytesOf(5) }) },
      server: {
        ...{ ...common, provider, credentials: [], preSharedKey: () => bytesOf(5) },
        keyLog: (line) => lines.push(line),
      },
    });
    assertConnected(both);
    assert.equal(lines.length, 1);
    assert.deepEqual(secrets[0], concat(opaque16(new Uint8Array(5)), opaque16(bytesOf(5))));
  });
});

describe('PSK: identities', () => {
  it('reach the server byte by byte, from none to 256', async () => {
    for (const length of [0, 1, 128, 256]) {
      const sent = bytesOf(length);
      for (const form of forms) {
        let seen: Uint8Array | undefined;
        const both = await ended({
          form,
          client: () => ({ identity: sent, key }),
          server(theirs) {
            seen = theirs;
            return key;
          },
        });
        assertConnected(both, form);
        assert.deepEqual(seen, sent);
      }
    }
  });

  it('that nobody knows end as a wrong key does, in every form and version', async () => {
    for (const [form, version, chosen] of suites) {
      const wrongKey = await ended({ form, version, suite: chosen, server: () => bytesOf(32, 1) });
      for (const server of [() => undefined, async () => undefined, () => ({ key, hash: 'sha256' }) as const]) {
        const both = await ended({ form, version, suite: chosen, server });
        assert.deepEqual(outcomeOf(both), outcomeOf(wrongKey), chosen.name);
        assert.deepEqual(
          [both.server.error?.code, both.server.error?.alert, both.server.error?.state],
          ['bad_record_mac', 'bad_record_mac', 'WAIT_FINISHED_12'],
          chosen.name,
        );
      }
    }
  });

  it('that nobody knows go on with a key of 32 bytes that is another one each time', async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const secrets: Bytes[] = [];
      const provider: CryptoProvider = {
        ...nodeLegacyProvider,
        hmac(hash, secret) {
          secrets.push(Uint8Array.from(secret));
          return nodeLegacyProvider.hmac(hash, secret);
        },
      };
      const common = { versions: [tls12], cipherSuites: [suite('PSK_WITH_AES_128_GCM_SHA256')] };
      await connected({
        client: { ...common, provider: nodeLegacyProvider, preSharedKey: () => ({ identity, key }) },
        server: { ...common, provider, credentials: [], preSharedKey: () => undefined },
      });
      const [premaster] = secrets;
      assert.equal(premaster?.length, 2 + 32 + 2 + 32);
      assert.deepEqual(premaster.slice(0, 36), concat(opaque16(new Uint8Array(32)), Uint8Array.of(0, 32)));
      seen.add(Buffer.from(premaster).toString('hex'));
    }
    assert.equal(seen.size, 4);
  });

  it('longer than 256 bytes of ours are a failure of the callback, and nothing is sent', async () => {
    for (const form of forms) {
      const both = await ended({ form, client: () => ({ identity: bytesOf(257), key }) });
      const { error } = both.client;
      assert.deepEqual([error?.code, error?.alert], ['callback_failed', 'internal_error']);
      assert.equal(error?.message, 'the preSharedKey callback answered no identity of at most 256 bytes');
      assert.deepEqual([both.server.error?.code, both.server.error?.alert], ['peer_alert', 'internal_error']);
    }
  });

  it("longer than 256 bytes of a client's are a decode_error, and nobody is asked", async () => {
    for (const form of forms) {
      let asked = 0;
      const both = start({
        form,
        server() {
          asked += 1;
          return key;
        },
      });
      await exchange(
        both,
        rewriting((type, message) => {
          if (type !== clientKeyExchange) return undefined;
          const rest = message.subarray(4 + 2 + identity.length);
          return [handshake(type, concat(opaque16(bytesOf(257)), rest))];
        }),
      );
      assert.deepEqual([both.server.error?.code, both.server.error?.alert], ['decode_error', 'decode_error']);
      assert.match(both.server.error?.message ?? '', /^ClientKeyExchange: /);
      assert.equal(asked, 0);
    }
  });

  it('that end early, and bytes behind the end, are a decode_error', async () => {
    for (const form of forms) {
      for (const change of [
        () => new Uint8Array(0),
        () => Uint8Array.of(0),
        () => Uint8Array.of(0, 9, 1),
        (body: Uint8Array) => body.subarray(0, -1),
        (body: Uint8Array) => concat(body, Uint8Array.of(0)),
      ]) {
        const both = start({ form });
        await exchange(
          both,
          rewriting((type, message) =>
            type === clientKeyExchange ? [handshake(type, change(message.subarray(4)))] : undefined,
          ),
        );
        assert.deepEqual([both.server.error?.code, both.server.error?.alert], ['decode_error', 'decode_error'], form);
      }
    }
  });
});

describe('PSK: a wrong key', () => {
  it('ends as a wrong Finished does, in every form and version', async () => {
    for (const [form, version, chosen] of suites) {
      const both = await ended({ form, version, suite: chosen, server: () => bytesOf(32, 1) });
      const { error } = both.server;
      assert.deepEqual(
        [error?.code, error?.alert, error?.state],
        ['bad_record_mac', 'bad_record_mac', 'WAIT_FINISHED_12'],
      );
      assert.deepEqual([both.client.error?.code, both.client.error?.alert], ['peer_alert', 'bad_record_mac']);
    }
  });

  it('is not told from one of another length', async () => {
    const outcomes = new Set<string>();
    for (const length of [1, 31, 33, 64]) {
      const { error } = (await ended({ server: () => bytesOf(length) })).server;
      outcomes.add(`${error?.code} ${error?.message} ${error?.state}`);
    }
    assert.equal(outcomes.size, 1);
  });
});

describe('PSK: callbacks', () => {
  class OfTheUser extends Error {}

  it("of the client's that throw or reject end the connection with callback_failed", async () => {
    for (const form of forms) {
      for (const client of [
        (): never => {
          throw new OfTheUser('no vault');
        },
        async (): Promise<never> => {
          throw new OfTheUser('no vault');
        },
      ]) {
        const { error } = (await ended({ form, client })).client;
        assert.deepEqual([error?.code, error?.alert], ['callback_failed', 'internal_error']);
        assert.equal(error?.message, 'the preSharedKey callback failed: no vault');
        assert.ok(error?.cause instanceof OfTheUser);
      }
    }
  });

  it("of the server's that throw or reject end the connection with callback_failed", async () => {
    for (const form of forms) {
      for (const server of [
        (): never => {
          throw new OfTheUser('no vault');
        },
        async (): Promise<never> => {
          throw new OfTheUser('no vault');
        },
      ]) {
        const { error } = (await ended({ form, server })).server;
        assert.deepEqual([error?.code, error?.alert], ['callback_failed', 'internal_error']);
        assert.equal(error?.message, 'the preSharedKey callback failed: no vault');
      }
    }
  });

  it('may throw a TlsError that says code and alert', async () => {
    const server = (): never => {
      throw new TlsError('handshake_failure', 'not today', { alert: 'access_denied' });
    };
    const { error } = (await ended({ server })).server;
    assert.deepEqual([error?.code, error?.alert, error?.message], ['handshake_failure', 'access_denied', 'not today']);
  });

  it("of the client's that answer null, an empty list, or keys of TLS 1.3 alone end it with handshake_failure", async () => {
    const tls13Keys: readonly [PreSharedKey, PreSharedKey] = [
      { identity, key, hash: 'sha256' },
      { identity, key, hash: 'sha384' },
    ];
    for (const form of forms) {
      for (const client of [() => null, async () => null, () => [], () => tls13Keys, () => tls13Keys[0]]) {
        const { error } = (await ended({ form, client })).client;
        assert.deepEqual([error?.code, error?.alert], ['handshake_failure', 'handshake_failure']);
        assert.equal(error?.message, 'the preSharedKey callback has no key for this server');
      }
    }
  });

  it("of the client's that answer nonsense end it with callback_failed", async () => {
    const nonsense: readonly unknown[] = [
      ...[undefined, 0, 'a string', [0], {}, { identity }, { key }, { identity: 'a client', key }],
      ...[
        { identity, key: 'a key' },
        { identity, key: new Uint8Array(0) },
        { identity, key: new Uint8Array(65_536) },
      ],
      ...[
        { identity, key: [1, 2, 3] },
        { identity: new ArrayBuffer(3), key },
        { identity: null, key: null },
      ],
    ];
    for (const answer of nonsense) {
      const { error } = (await ended({ client: () => wrong(answer) })).client;
      assert.deepEqual([error?.code, error?.alert], ['callback_failed', 'internal_error']);
      assert.match(
        error?.message ?? '',
        /^the preSharedKey callback answered no (identity of at most 256|key of 1 to 65,535) bytes$/,
      );
    }
  });

  it("of the server's that answer nonsense end it with callback_failed, and the key is not said", async () => {
    const empty = { key: new Uint8Array(0) };
    for (const answer of [
      null,
      0,
      'a key',
      [],
      {},
      { key: 'a key' },
      { key: null },
      empty,
      new Uint8Array(0),
      new Uint8Array(65_536),
    ]) {
      for (const form of forms) {
        const { error } = (await ended({ form, server: () => wrong(answer) })).server;
        assert.deepEqual([error?.code, error?.alert], ['callback_failed', 'internal_error']);
        assert.equal(error?.message, 'the preSharedKey callback answered no key of 1 to 65,535 bytes');
      }
    }
  });

  it("of the server's may answer an object with the key, without a hash", async () => {
    for (const form of forms) {
      for (const server of [() => ({ key }), async () => ({ key })])
        assertConnected(await ended({ form, server }), form);
    }
  });

  it("of the client's may answer a list: the first key without a hash is taken", async () => {
    const mine: PreSharedKey = { identity, key };
    const list: readonly PreSharedKey[] = [
      { identity: bytesOf(3), key: bytesOf(48), hash: 'sha384' },
      mine,
      { identity: bytesOf(4), key: bytesOf(16) },
    ];
    for (const form of forms) assertConnected(await ended({ form, client: () => list }), form);
  });

  it('are asked once a connection', async () => {
    for (const form of forms) {
      const asked = { client: 0, server: 0 };
      assertConnected(
        await ended({
          form,
          client() {
            asked.client += 1;
            return { identity, key };
          },
          server() {
            asked.server += 1;
            return key;
          },
        }),
      );
      assert.deepEqual(asked, { client: 1, server: 1 });
    }
  });
});

describe('PSK: hints', () => {
  it("are the client callback's argument; without one it is undefined, or empty where parameters are sent", async () => {
    for (const form of forms) {
      for (const hint of [undefined, new Uint8Array(0), bytesOf(1), bytesOf(256)]) {
        const seen: unknown[] = [];
        const client: ClientOptions['preSharedKey'] = (theirs) => {
          seen.push(theirs);
          return { identity, key };
        };
        assertConnected(await ended({ form, client, ...(hint && { hint }) }));
        const always = form === 'DHE_PSK' || form === 'ECDHE_PSK';
        assert.deepEqual(seen, [hint ?? (always ? new Uint8Array(0) : undefined)]);
      }
    }
  });

  it('stand in ServerKeyExchange, which PSK and RSA_PSK send for nothing else', async () => {
    for (const form of forms) {
      for (const hint of [undefined, bytesOf(7)]) {
        const both = start({ form, ...(hint && { hint }) });
        let body: Uint8Array | undefined;
        await exchange(
          both,
          rewriting((type, message) => {
            if (type === serverKeyExchange) body = message.subarray(4);
            return undefined;
          }),
        );
        assertConnected(both);
        const always = form === 'DHE_PSK' || form === 'ECDHE_PSK';
        assert.equal(body !== undefined, always || hint !== undefined);
        if (body !== undefined) {
          const expected = opaque16(hint ?? new Uint8Array(0));
          assert.deepEqual(body.slice(0, expected.length), expected);
          if (!always) assert.equal(body.length, expected.length);
        }
      }
    }
  });

  it('of more than 256 bytes are refused by the client', async () => {
    for (const form of forms) {
      const both = start({ form, hint: bytesOf(3) });
      await exchange(
        both,
        rewriting((type, message) =>
          type === serverKeyExchange
            ? [handshake(type, concat(opaque16(bytesOf(257)), message.subarray(4 + 5)))]
            : undefined,
        ),
      );
      assert.deepEqual([both.client.error?.code, both.client.error?.alert], ['decode_error', 'decode_error']);
    }
  });

  it('of more than 256 bytes are refused in the config, which no client of ours would take', () => {
    assert.throws(
      () =>
        serverConfig({
          ...{ provider: nodeLegacyProvider, versions: [tls12], cipherSuites: [suite('PSK_WITH_AES_128_GCM_SHA256')] },
          ...{ preSharedKey: knows, pskIdentityHint: bytesOf(257) },
        }),
      (error) => error instanceof TlsConfigError && error.option === 'pskIdentityHint',
    );
  });
});

describe('PSK: which suite', () => {
  const certified = defaultCipherSuites12.find(({ name }) => name === 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256');
  const pskSuite = suite('ECDHE_PSK_WITH_AES_128_GCM_SHA256');

  it('a server without preSharedKey leaves such suites to others, and has none where there are no others', async () => {
    const ecdhe = certified ?? assert.fail();
    for (const offered of [[pskSuite, ecdhe], [pskSuite]]) {
      const both = await connected({
        client: {
          ...{ provider: nodeLegacyProvider, versions: [tls12], cipherSuites: offered },
          preSharedKey: () => ({ identity, key }),
        },
        server: { provider: nodeLegacyProvider, versions: [tls12], cipherSuites: offered, credentials },
      });
      if (offered.length === 2) {
        assertConnected(both);
        assert.equal(both.server.connection.negotiated?.cipherSuite, ecdhe);
      } else {
        assert.deepEqual(
          [both.server.error?.code, both.server.error?.alert],
          ['handshake_failure', 'handshake_failure'],
        );
        assert.match(both.server.error?.message ?? '', /the config has no preSharedKey$/);
      }
    }
  });

  it('a client without preSharedKey is refused such suites in its config, not in a handshake', () => {
    assert.throws(
      () =>
        clientConfig({
          ...{ provider: nodeLegacyProvider, versions: [tls12], cipherSuites: [pskSuite, certified ?? assert.fail()] },
        }),
      (error) => error instanceof TlsConfigError && ['preSharedKey', 'cipherSuites[0]'].includes(error.option),
    );
  });
});
