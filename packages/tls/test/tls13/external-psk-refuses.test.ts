/**
 * Pre-shared keys from outside in TLS 1.3: who is refused, what that shows, what callbacks may answer.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type ClientOptions,
  type PreSharedKey,
  type ServerOptions,
  TLS_AES_256_GCM_SHA384,
  TlsError,
} from '../../src/index.ts';
import { assertRefused } from '../support/assert.ts';
import { serverCredential } from '../support/identities.ts';
import { providers, startServer } from '../support/pair.ts';
import {
  ended,
  filled,
  forged,
  good,
  groups,
  KeyedClient,
  keyOf,
  large,
  meet,
  type Options,
  offered,
  outcomeOf,
  ring,
  secp256r1,
  small,
  suites,
  typesOf,
  unknown,
  wrongBinder,
  x25519,
} from './shared-keys.ts';

const credentials = [serverCredential];
const noKeyOfOurs = {
  code: 'handshake_failure',
  message: 'ClientHello: no pre-shared key of ours is in it, and we have no certificate for it',
};
const keyed = (...keys: readonly PreSharedKey[]): Partial<ClientOptions> => ({ preSharedKey: () => keys });

/** A callback's answer that its type does not allow. */
function wrong<T>(answer: unknown): T {
  return answer as T;
}

class OfTheUser extends Error {}

/** What a callback may do in place of an answer, and what comes of it. */
const failures: readonly (readonly [string, () => never | Promise<never>, readonly unknown[]])[] = [
  [
    'throws',
    () => {
      throw new OfTheUser('no vault');
    },
    ['callback_failed', 'internal_error', 'the preSharedKey callback failed: no vault'],
  ],
  [
    'rejects',
    async () => {
      throw new OfTheUser('no vault');
    },
    ['callback_failed', 'internal_error', 'the preSharedKey callback failed: no vault'],
  ],
  [
    'throws a TlsError',
    () => {
      throw new TlsError('handshake_failure', 'not today', { alert: 'access_denied' });
    },
    ['handshake_failure', 'access_denied', 'not today'],
  ],
];

for (const provider of providers) {
  const between = (client: Options['client'], server: Options['server']) =>
    meet({ provider, client: client ?? {}, server: server ?? {} });

  describe(`a server with nothing but keys from outside, provider ${provider.name},`, () => {
    it('refuses an unknown name and a wrong key alike', async () => {
      for (const key of [small, large]) {
        const wrongKey = await between(keyed(forged(key)), { preSharedKey: ring(key) });
        const unknownName = await between(keyed(key), { preSharedKey: ring() });
        ended(wrongKey, 'server', wrongBinder());
        assert.deepEqual(outcomeOf(unknownName), outcomeOf(wrongKey));
        assert.deepEqual(unknownName.wire.server, ['15030300020233']);
        assert.deepEqual(unknownName.wire.server, wrongKey.wire.server);
        assert.deepEqual(typesOf(unknownName, 'in'), []);
        assert.deepEqual(unknownName.keyLog, { client: [], server: [] });
      }
    });

    it('refuses them alike where the answer comes later, and where its suites are of another hash', async () => {
      const later = (found: PreSharedKey | undefined): NonNullable<ServerOptions['preSharedKey']> => {
        return () => new Promise((resolve) => setImmediate(resolve, found));
      };
      for (const cipherSuites of [suites, [TLS_AES_256_GCM_SHA384]]) {
        const [wrongKey, unknownName] = await Promise.all([
          between(keyed(forged(large)), { cipherSuites, preSharedKey: later(large) }),
          between(keyed(large), { cipherSuites, preSharedKey: later(undefined) }),
        ]);
        ended(wrongKey, 'server', wrongBinder());
        assert.deepEqual(outcomeOf(unknownName), outcomeOf(wrongKey));
      }
      // A key that is known, and of no use here.
      const useless = await between(keyed(small), {
        cipherSuites: [TLS_AES_256_GCM_SHA384],
        preSharedKey: ring(small),
      });
      ended(useless, 'server', wrongBinder());
    });

    it('takes nobody by a key of zeros, or of none, for a name that it does not know', async () => {
      for (const key of [filled(32, 0), filled(1, 0), filled(48, 0)]) {
        ended(await between(keyed({ ...unknown, key }), { preSharedKey: ring(small) }), 'server', wrongBinder());
      }
    });

    for (const [what, hash] of [
      ['of the hash that its first suite has', 'sha256'],
      ['of another hash than its first suite’s', 'sha384'],
    ] as const) {
      it(`shows nothing by HelloRetryRequest of a key ${what}`, async () => {
        const key = keyOf('a key', hash);
        const retrying = { groups, keyShares: x25519 };
        const [wrongKey, unknownName] = await Promise.all([
          between({ ...keyed(forged(key)), ...retrying }, { groups: secp256r1, preSharedKey: ring(key) }),
          between({ ...keyed(key), ...retrying }, { groups: secp256r1, preSharedKey: ring() }),
        ]);
        const suiteOf = (met: typeof wrongKey): readonly unknown[] =>
          met.messages.flatMap(({ message }) => (message.type === 'hello_retry_request' ? [message.cipherSuite] : []));
        assert.deepEqual(suiteOf(unknownName), suiteOf(wrongKey));
        assert.deepEqual(outcomeOf(unknownName), outcomeOf(wrongKey));
        ended(wrongKey, 'server', wrongBinder());
      });
    }

    it('refuses a hello without keys', async () => {
      ended(await between({}, { preSharedKey: ring(small) }), 'server', noKeyOfOurs);
    });

    it('refuses a hello without keys and without signature_algorithms', async () => {
      const client = new KeyedClient(startServer({ provider, credentials: [], preSharedKey: ring(small) }));
      await client.sendHello({ extensions: { signature_algorithms: undefined as never } });
      await assertRefused(client, 'missing_extension', /^ClientHello: signature_algorithms is missing$/);
    });

    it('refuses a hello with psk_ke alone as it refuses an unknown name, and asks nobody', async () => {
      let asked = 0;
      const preSharedKey: ServerOptions['preSharedKey'] = () => {
        asked++;
        return small;
      };
      for (const modes of [[0], [7], [0xfa]]) {
        const client = new KeyedClient(startServer({ provider, credentials: [], preSharedKey }));
        await client.send(client.offering(client.helloFields(), [small], { modes }));
        await assertRefused(client, 'decrypt_error', new RegExp(`^${wrongBinder().message}$`));
      }
      assert.equal(asked, 0);
    });
  });

  describe(`a puppet without signature_algorithms, provider ${provider.name},`, () => {
    const withoutSchemes = { extensions: { signature_algorithms: undefined as never } };
    const offers = async (key: PreSharedKey, options: Partial<ServerOptions>): Promise<KeyedClient> => {
      const client = new KeyedClient(startServer({ provider, ...options }));
      await client.send(client.offering(client.helloFields(withoutSchemes), [key]));
      return client;
    };

    it('is refused with decrypt_error for a wrong key and for an unknown name, with certificates or not', async () => {
      for (const own of [[], credentials]) {
        for (const key of [forged(small), unknown]) {
          const client = await offers(key, { credentials: own, preSharedKey: ring(small) });
          await assertRefused(client, 'decrypt_error', new RegExp(`^${wrongBinder().message}$`));
          assert.deepEqual(client.messages, []);
        }
      }
    });

    it('is refused with handshake_failure by a server that has no keys from outside', async () => {
      await assertRefused(
        await offers(small, { credentials }),
        'handshake_failure',
        new RegExp(`^${noKeyOfOurs.message}$`),
      );
    });
  });

  describe(`the client’s preSharedKey callback, provider ${provider.name},`, () => {
    it('may have no keys: null, an empty list, nothing, at once or later', async () => {
      for (const answer of [null, [], undefined, [null], [undefined]]) {
        for (const preSharedKey of [() => wrong<null>(answer), async () => wrong<null>(answer)]) {
          const met = await between({ preSharedKey }, { credentials, preSharedKey: ring(small) });
          assert.equal(offered(met), undefined);
          await good(met, undefined);
          ended(await between({ preSharedKey }, { preSharedKey: ring(small) }), 'server', noKeyOfOurs);
        }
      }
    });

    for (const [what, fails, expected] of failures) {
      it(`ends the connection before the hello where it ${what}`, async () => {
        const { client, wire } = await between({ preSharedKey: fails }, { preSharedKey: ring(small) });
        assert.deepEqual([client.error?.code, client.error?.alert, client.error?.message], expected);
        assert.equal(wire.client.length, 1);
        assert.match(wire.client[0] ?? '', /^150301000202|^150303000202/);
      });
    }

    for (const [what, change, message] of [
      ['no identity', { identity: undefined }, 'no identity of 1 to 4096 bytes'],
      ['an empty identity', { identity: filled(0, 0) }, 'no identity of 1 to 4096 bytes'],
      ['an identity of 4,097 bytes', { identity: filled(4097, 1) }, 'no identity of 1 to 4096 bytes'],
      ['a string for an identity', { identity: 'a client' }, 'no identity of 1 to 4096 bytes'],
      ['no key', { key: undefined }, 'no key of 1 to 65,535 bytes'],
      ['an empty key', { key: filled(0, 0) }, 'no key of 1 to 65,535 bytes'],
      ['a key of 65,536 bytes', { key: filled(65_536, 1) }, 'no key of 1 to 65,535 bytes'],
      ['a string for a key', { key: 'a secret' }, 'no key of 1 to 65,535 bytes'],
      ['an ArrayBuffer for a key', { key: new ArrayBuffer(32) }, 'no key of 1 to 65,535 bytes'],
      ['the hash sha512', { hash: 'sha512' }, 'a hash that no suite of TLS 1.3 has'],
      ['the hash sha1', { hash: 'sha1' }, 'a hash that no suite of TLS 1.3 has'],
      ['null for a hash', { hash: null }, 'a hash that no suite of TLS 1.3 has'],
    ] as const) {
      it(`is callback_failed where it answers ${what}, and the key is not said`, async () => {
        const nonsense = { ...small, ...change };
        for (const answer of [nonsense, [large, nonsense]]) {
          const { client } = await between({ preSharedKey: () => wrong(answer) }, { preSharedKey: ring(small) });
          assert.deepEqual(
            [client.error?.code, client.error?.alert, client.error?.message],
            ['callback_failed', 'internal_error', `the preSharedKey callback answered ${message}`],
          );
        }
      });
    }
  });

  describe(`the server’s preSharedKey callback, provider ${provider.name},`, () => {
    for (const [what, fails, expected] of failures) {
      it(`ends the connection where it ${what}, with certificates or not`, async () => {
        for (const own of [[], credentials]) {
          const met = await between(keyed(small), { credentials: own, preSharedKey: fails });
          const { error } = met.server;
          assert.deepEqual([error?.code, error?.alert, error?.message], expected);
          assert.deepEqual([met.client.error?.code, met.client.error?.alert], ['peer_alert', expected[1]]);
        }
      });
    }

    for (const [what, answer, message] of [
      ['null', null, 'no key of 1 to 65,535 bytes'],
      ['a number', 0, 'no key of 1 to 65,535 bytes'],
      ['a string', 'a secret', 'no key of 1 to 65,535 bytes'],
      ['an empty object', {}, 'no key of 1 to 65,535 bytes'],
      ['a hash alone', { hash: 'sha256' }, 'no key of 1 to 65,535 bytes'],
      ['an empty key', { key: filled(0, 0), hash: 'sha256' }, 'no key of 1 to 65,535 bytes'],
      ['a key of 65,536 bytes', { key: filled(65_536, 1), hash: 'sha256' }, 'no key of 1 to 65,535 bytes'],
      ['a string for a key', { key: 'a secret', hash: 'sha256' }, 'no key of 1 to 65,535 bytes'],
      ['the hash sha512', { key: small.key, hash: 'sha512' }, 'a hash that no suite of TLS 1.3 has'],
    ] as const) {
      it(`is callback_failed where it answers ${what}, and the key is not said`, async () => {
        for (const preSharedKey of [() => wrong<undefined>(answer), async () => wrong<undefined>(answer)]) {
          ended(await between(keyed(small), { preSharedKey }), 'server', {
            code: 'callback_failed',
            alert: 'internal_error',
            message: `the preSharedKey callback answered ${message}`,
          });
        }
      });
    }
  });
}
