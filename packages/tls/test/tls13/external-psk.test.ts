/**
 * Pre-shared keys from outside in TLS 1.3 (RFC 9846 §4.3.11): who goes on with which key, and what is seen of it.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CryptoProvider } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import {
  type ClientOptions,
  memorySessionCache,
  type PreSharedKey,
  serverConfig,
  serverResumption,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  TlsConfigError,
  ticketKeys,
  tls12,
  tls13,
} from '../../src/index.ts';
import { pskCipherSuites } from '../../src/legacy/index.ts';
import { clientCredential, pki, serverCredential } from '../support/identities.ts';
import { providers, startServer } from '../support/pair.ts';
import {
  ended,
  filled,
  forged,
  good,
  groups,
  helloOf,
  KeyedClient,
  keyOf,
  large,
  type Meeting,
  meet,
  named,
  type Options,
  offered,
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
const old: PreSharedKey = { identity: named('of TLS 1.2'), key: filled(32, 0x12) };

for (const provider of providers) {
  const between = (client: Options['client'], server: Options['server'], target?: Options['target']) =>
    meet({ provider, client: client ?? {}, server: server ?? {}, ...(target && { target }) });
  const keyed = (...keys: readonly PreSharedKey[]): Partial<ClientOptions> => ({ preSharedKey: () => keys });

  describe(`a pre-shared key from outside, provider ${provider.name},`, () => {
    for (const key of [small, large]) {
      it(`of ${key.hash} connects them, without any certificate`, async () => {
        const met = await between(keyed(key), { preSharedKey: ring(key) });
        const negotiated = await good(met, key);
        assert.equal(negotiated.version, 'TLS 1.3');
        assert.equal(negotiated.serverName, 'localhost');
        assert.equal(negotiated.helloRetryRequest, false);
        assert.deepEqual(typesOf(met, 'out'), ['client_hello', 'finished']);
        assert.deepEqual(typesOf(met, 'in'), ['server_hello', 'encrypted_extensions', 'finished']);
        assert.equal(met.keyLog.client.length, 5);
      });
    }

    it('is offered with psk_dhe_ke alone, an age of 0, and a binder of its hash', async () => {
      const met = await between(keyed(large, small), { preSharedKey: ring(large) });
      const { extensionList, extensions } = helloOf(met);
      assert.deepEqual(extensions.psk_key_exchange_modes, [1]);
      assert.equal(extensionList.at(-1)?.type, 41);
      assert.deepEqual(
        extensions.pre_shared_key?.identities.map((one) => one.obfuscatedTicketAge),
        [0, 0],
      );
      assert.deepEqual(
        extensions.pre_shared_key?.binders.map(({ length }) => length),
        [48, 32],
      );
      await good(met, large);
    });

    it('decides the hash; the server, which of its suites', async () => {
      for (const [ours, key, suite] of [
        [[TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256], small, TLS_AES_128_GCM_SHA256],
        [[TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256], small, TLS_CHACHA20_POLY1305_SHA256],
        [[TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384], large, TLS_AES_256_GCM_SHA384],
      ] as const) {
        const met = await between(keyed(key), { cipherSuites: ours, preSharedKey: ring(key) });
        assert.equal((await good(met, key)).cipherSuite, suite);
      }
      const byClient = await between(
        { ...keyed(small), cipherSuites: [TLS_CHACHA20_POLY1305_SHA256, ...suites] },
        { preferClientOrder: true, preSharedKey: ring(small) },
      );
      assert.equal((await good(byClient, small)).cipherSuite, TLS_CHACHA20_POLY1305_SHA256);
    });

    it('is not offered where the client has no suite of its hash', async () => {
      const met = await between(
        { ...keyed(large, small), cipherSuites: [TLS_AES_128_GCM_SHA256] },
        { preSharedKey: ring(large, small) },
      );
      assert.deepEqual(offered(met), ['a key of sha256']);
      await good(met, small);
    });

    it('is passed over where the server has no suite of its hash', async () => {
      const met = await between(keyed(large, small), {
        cipherSuites: [TLS_AES_128_GCM_SHA256],
        preSharedKey: ring(large, small),
      });
      assert.deepEqual(offered(met), ['a key of sha384', 'a key of sha256']);
      await good(met, small);
    });

    it('is, of several, the first of the client’s that the server knows', async () => {
      for (const [known, taken] of [
        [[small, large], large],
        [[small], small],
        [[large], large],
      ] as const) {
        const met = await between(keyed(unknown, large, small), { preSharedKey: ring(...known) });
        assert.deepEqual(offered(met), ['of somebody else', 'a key of sha384', 'a key of sha256']);
        await good(met, taken);
      }
    });

    it('needs no right binder of the others', async () => {
      await good(await between(keyed(forged(unknown), small, large), { preSharedKey: ring(small) }), small);
    });

    it('is asked for at the server by name, in the client’s order, until one is known', async () => {
      const asked: string[] = [];
      const knows = ring(small, large);
      const preSharedKey: typeof knows = (identity) => {
        asked.push(Buffer.from(identity).toString());
        return knows(identity);
      };
      await good(await between(keyed(unknown, small, large), { preSharedKey }), small);
      assert.deepEqual(asked, ['of somebody else', 'a key of sha256']);
    });

    it('is one of four at most: a client offers no more, and a server looks at no more', async () => {
      const five = [1, 2, 3, 4, 5].map((number) => keyOf(`number ${number}`, 'sha256', number));
      const met = await between(keyed(...five), { preSharedKey: ring(five[3] ?? small) });
      assert.deepEqual(offered(met), ['number 1', 'number 2', 'number 3', 'number 4']);
      await good(met, five[3]);
      ended(await between(keyed(...five), { preSharedKey: ring(five[4] ?? small) }), 'server', wrongBinder());
      let asked = 0;
      const client = new KeyedClient(
        startServer({
          ...{ provider, credentials: [] },
          preSharedKey: () => {
            asked++;
            return undefined;
          },
        }),
      );
      await client.send(client.offering(client.helloFields(), five));
      await client.receive();
      assert.equal(asked, 4);
      assert.deepEqual(client.alerts, ['decrypt_error']);
    });

    it('may have a name of 1 to 4,096 bytes and be of 1 to 65,535 bytes', async () => {
      for (const [nameLength, length] of [
        [1, 1],
        [4096, 65_535],
        [32, 33],
        [32, 64],
        [32, 129],
      ] as const) {
        const key: PreSharedKey = { identity: filled(nameLength, 7), key: filled(length, 9), hash: 'sha256' };
        await good(await between(keyed(key), { preSharedKey: ring(key) }), key);
      }
    });

    it('makes other secrets in every connection', async () => {
      const lines = new Set<string>();
      for (let round = 0; round < 3; round++) {
        const met = await between(keyed(small), { preSharedKey: ring(small) });
        await good(met, small);
        for (const line of met.keyLog.client) lines.add(line.split(' ').at(-1) ?? '');
      }
      assert.equal(lines.size, 15);
    });

    it('is of the keys: the same hello with another key has other secrets, and its binder is refused', async () => {
      ended(await between(keyed(forged(small)), { preSharedKey: ring(small) }), 'server', wrongBinder());
      ended(await between(keyed(unknown, forged(large)), { preSharedKey: ring(large) }), 'server', wrongBinder(1));
    });

    it('is not asked for a certificate beside it, whatever the server wants of others', async () => {
      for (const clientCertificate of ['request', 'require'] as const) {
        const server = { credentials, clientCertificate, trust: pki.trust, preSharedKey: ring(small) };
        const met = await between({ ...keyed(small), credentials: [clientCredential] }, server);
        await good(met, small);
        assert.deepEqual(typesOf(met, 'out'), ['client_hello', 'finished']);
        // Without the key it is.
        const without = await between({ credentials: [clientCredential] }, server);
        await good(without, undefined);
        assert.ok(without.server.connection.negotiated?.peer);
      }
    });

    it('needs nobody’s trust', async () => {
      const met = await between({ ...keyed(small), trust: undefined as never }, { preSharedKey: ring(small) });
      await good(met, small);
    });

    it('goes with ALPN, record sizes, and without a server name', async () => {
      const met = await between(
        { ...keyed(small), alpnProtocols: ['one', 'two'], recordSizeLimit: 200 },
        { preSharedKey: ring(small), alpnProtocols: ['two'], recordSizeLimit: 300 },
        { verifyName: '127.0.0.1' },
      );
      const negotiated = await good(met, small);
      assert.deepEqual([negotiated.alpnProtocol, negotiated.serverName], ['two', undefined]);
    });

    it('may come from callbacks that take their time', async () => {
      const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value));
      const knows = ring(small);
      const met = await between(
        { preSharedKey: () => later(small) },
        { preSharedKey: async (identity) => later(await knows(identity)) },
      );
      assert.deepEqual(offered(met), ['a key of sha256']);
      await good(met, small);
    });

    it('may be one alone, not in a list', async () => {
      await good(await between({ preSharedKey: () => large }, { preSharedKey: () => large }), large);
    });

    it('is asked for once, before the hello, without a hint', async () => {
      const hints: unknown[] = [];
      const preSharedKey = (hint: unknown): PreSharedKey => {
        hints.push(hint);
        return small;
      };
      const server = { preSharedKey: ring(small), pskIdentityHint: named('a hint') };
      await good(await between({ preSharedKey }, server), small);
      assert.deepEqual(hints, [undefined]);
    });

    it('stays the caller’s: its bytes and its name are as they were', async () => {
      const [ours, theirs] = [structuredClone([small, large]), structuredClone([small, large])];
      const [other] = structuredClone([forged(small)]);
      for (const server of [theirs, theirs.slice(1), [other as PreSharedKey]]) {
        await between(keyed(...ours), { preSharedKey: ring(...server) });
        await between({ ...keyed(...ours), groups, keyShares: groups.slice(1) }, { preSharedKey: ring(...server) });
      }
      assert.deepEqual(ours, [small, large]);
      assert.deepEqual(theirs, [small, large]);
      assert.deepEqual(other, forged(small));
    });

    it('is copied by the server, and the copy is wiped', async () => {
      const theirs = structuredClone(small);
      for (const [offers, wiped] of [
        [small, 1],
        [forged(small), 1],
      ] as const) {
        const copies: Uint8Array[] = [];
        const watched: CryptoProvider = {
          ...provider,
          hmac(hash, secret) {
            const hmac = provider.hmac(hash, secret);
            return Object.assign((data: Uint8Array) => {
              if (data.length === 32 && Buffer.compare(data, theirs.key) === 0) copies.push(data);
              return hmac(data);
            }, hmac);
          },
        };
        await between(keyed(offers), { provider: watched, preSharedKey: () => theirs });
        assert.equal(copies.length, wiped);
        for (const copy of copies) {
          assert.notEqual(copy, theirs.key);
          assert.deepEqual(Uint8Array.from(copy), new Uint8Array(32));
        }
      }
      assert.deepEqual(theirs, small);
    });
  });

  describe(`a key from outside after HelloRetryRequest, provider ${provider.name},`, () => {
    const retrying = { groups, keyShares: x25519 };
    const retried = (client: Options['client'], server: Options['server']): Promise<Meeting> =>
      between({ ...client, ...retrying }, { groups: secp256r1, ...server });

    it('has its binder over both hellos', async () => {
      for (const [key, retryCookie] of [
        [small, false],
        [large, false],
        [small, true],
        [large, true],
      ] as const) {
        const met = await retried(keyed(key), { retryCookie, preSharedKey: ring(key) });
        const negotiated = await good(met, key);
        assert.equal(negotiated.helloRetryRequest, true);
        assert.deepEqual(typesOf(met, 'in'), [
          'hello_retry_request',
          'server_hello',
          'encrypted_extensions',
          'finished',
        ]);
        const [first, second] = [0, 1].map((index) => helloOf(met, index).extensions.pre_shared_key?.binders[0]);
        assert.notDeepEqual(first, second);
      }
    });

    it('is dropped from the second hello where it is of another hash', async () => {
      const met = await retried(keyed(unknown, large, small), { preSharedKey: ring(small) });
      assert.deepEqual(offered(met, 0), ['of somebody else', 'a key of sha384', 'a key of sha256']);
      assert.deepEqual(offered(met, 1), ['of somebody else', 'a key of sha256']);
      await good(met, small);
    });

    it('leaves the second hello without pre_shared_key where none is of the suite’s hash', async () => {
      const met = await retried(keyed(large), { credentials, preSharedKey: ring(small) });
      assert.deepEqual(offered(met, 0), ['a key of sha384']);
      assert.equal(offered(met, 1), undefined);
      await good(met, undefined);
    });

    it('falls back to certificates as without it', async () => {
      await good(await retried(keyed(unknown), { credentials, preSharedKey: ring(small) }), undefined);
    });

    it('is refused with a wrong binder', async () => {
      ended(await retried(keyed(forged(small)), { preSharedKey: ring(small) }), 'server', wrongBinder());
    });
  });

  describe(`a server with certificates and keys from outside, provider ${provider.name},`, () => {
    const server = { credentials, preSharedKey: ring(small, large) };

    it('goes on with a key that it knows, and sends no certificate', async () => {
      await good(await between(keyed(large), server), large);
    });

    it('shows its certificate for a name that it does not know', async () => {
      const met = await between(keyed(unknown), server);
      await good(met, undefined);
      assert.deepEqual(offered(met), ['of somebody else']);
    });

    it('looks at no binder of a name that it does not know', async () => {
      await good(await between(keyed(forged(unknown)), server), undefined);
    });

    it('shows its certificate to a client without keys', async () => {
      const met = await between({}, server);
      await good(met, undefined);
      assert.equal(offered(met), undefined);
      assert.equal(helloOf(met).extensions.psk_key_exchange_modes, undefined);
    });

    it('refuses a wrong binder of a name that it knows: it does not fall back', async () => {
      ended(await between(keyed(forged(small)), server), 'server', wrongBinder());
    });

    it('is verified by a client whose keys it does not take', async () => {
      const met = await between({ ...keyed(unknown), trust: undefined as never }, server);
      assert.equal(met.client.error?.code, 'certificate_unknown_issuer');
      assert.equal(met.client.established, false);
    });

    it('needs preSharedKey, or a certificate, to be one', () => {
      assert.throws(
        () => serverConfig({ provider, versions: [tls13], credentials: [] }),
        (error) => error instanceof TlsConfigError && error.option === 'credentials',
      );
      serverConfig({ provider, versions: [tls13], credentials: [], preSharedKey: () => undefined });
    });
  });

  describe(`sessions and keys from outside, provider ${provider.name},`, () => {
    const stage = () => {
      const cache = memorySessionCache();
      const keys = ticketKeys({ provider });
      return {
        meet: (client: Options['client'], server: Options['server']) =>
          between({ sessions: cache, ...client }, { credentials, tickets: { keys }, ...server }),
      };
    };

    it('are offered together, the session first, and the server takes the first that it knows', async () => {
      for (const key of [small, large]) {
        const here = stage();
        const first = await here.meet({}, { preSharedKey: ring(key) });
        await good(first, undefined);
        assert.ok(first.sessions.includes('kept'));
        const second = await here.meet(keyed(key), { preSharedKey: ring(key) });
        assert.equal(offered(second)?.length, 2);
        assert.equal(offered(second)?.[1], Buffer.from(key.identity).toString());
        for (const { connection } of [second.client, second.server]) {
          assert.deepEqual(
            [connection.negotiated?.resumed, connection.negotiated?.pskIdentity],
            [true, undefined],
            key.hash,
          );
        }
        const third = await here.meet(keyed(key), {
          preSharedKey: ring(key),
          tickets: { keys: ticketKeys({ provider }) },
        });
        assert.equal(offered(third)?.length, 2);
        await good(third, key);
      }
    });

    it('are both passed over where neither is known: certificates again', async () => {
      const here = stage();
      await good(await here.meet({}, {}), undefined);
      const met = await here.meet(keyed(unknown), {
        preSharedKey: ring(small),
        tickets: { keys: ticketKeys({ provider }) },
      });
      assert.equal(offered(met)?.length, 2);
      await good(met, undefined);
    });

    it('are offered together after HelloRetryRequest too, those of the suite’s hash', async () => {
      for (const key of [small, large]) {
        const here = stage();
        await good(await here.meet({ cipherSuites: [TLS_AES_128_GCM_SHA256] }, { preSharedKey: ring(key) }), undefined);
        const met = await here.meet(
          { ...keyed(key), groups, keyShares: x25519 },
          { preSharedKey: ring(key), groups: secp256r1 },
        );
        assert.equal(offered(met)?.length, 2);
        assert.equal(offered(met, 1)?.length, key.hash === 'sha256' ? 2 : 1);
        assert.equal(met.client.connection.negotiated?.resumed, true);
        assert.equal(met.server.connection.negotiated?.helloRetryRequest, true);
      }
    });

    it('fit a hello together, even the longest ticket that is kept and four of the longest names', async () => {
      const cache = memorySessionCache();
      const keys = { resumption: serverResumption, seal: () => filled(32_768, 1), open: () => undefined };
      const server = { credentials, tickets: { count: 1, keys } };
      await good(await between({ sessions: cache }, server), undefined);
      const longest = [1, 2, 3, 4].map((value) => ({ ...small, identity: filled(4096, value) }));
      const met = await between(
        { ...keyed(...longest), sessions: cache },
        { ...server, preSharedKey: ring(...longest) },
      );
      assert.equal(helloOf(met).extensions.pre_shared_key?.identities[0]?.identity.length, 32_768);
      await good(met, longest[0]);
    });

    it('do not mix: after a key from outside the server gives no tickets', async () => {
      for (const ticketRequest of [undefined, { full: 4, resumed: 4 }]) {
        const here = stage();
        const client = { ...keyed(small), ...(ticketRequest && { ticketRequest }) };
        const met = await here.meet(client, { preSharedKey: ring(small) });
        await good(met, small);
        assert.ok(!typesOf(met, 'in').includes('new_session_ticket'));
        assert.deepEqual(met.sessions, []);
        const again = await here.meet(client, { preSharedKey: ring(small) });
        assert.deepEqual(offered(again), ['a key of sha256']);
        await good(again, small);
      }
    });

    it('do not mix: a server without certificates gives and takes no tickets', async () => {
      const here = stage();
      await good(await here.meet({}, {}), undefined);
      const met = await here.meet(keyed(small), { credentials: [], preSharedKey: ring(small) });
      assert.equal(offered(met)?.length, 2);
      await good(met, small);
    });
  });

  describe(`a puppet that offers keys to a server, provider ${provider.name},`, () => {
    const withoutSchemes = { extensions: { signature_algorithms: undefined as never } };

    it('needs no signature_algorithms where its key is known', async () => {
      for (const own of [[], credentials]) {
        const client = new KeyedClient(startServer({ provider, credentials: own, preSharedKey: ring(small) }));
        await client.send(client.offering(client.helloFields(withoutSchemes), [small]));
        client.psk = small.key;
        await client.readFlight();
        assert.deepEqual(
          client.messages.splice(0).map(({ type }) => type),
          ['encrypted_extensions', 'finished'],
        );
        await client.flight();
        await client.sendData('hello');
        assert.equal(client.side.text(), 'hello');
        const { pskIdentity, resumed } = client.side.connection.negotiated ?? assert.fail();
        assert.deepEqual([Uint8Array.from(pskIdentity ?? []), resumed], [small.identity, false]);
      }
    });
  });
}

describe('keys from outside, of TLS 1.3 and of TLS 1.2', () => {
  const provider = nodeLegacyProvider;
  const pskSuites = pskCipherSuites.filter(({ name }) => name === 'TLS_PSK_WITH_AES_128_GCM_SHA256');
  const common = { groups, cipherSuites: [...suites, ...pskSuites] };
  const versions = [tls13, tls12];
  const between = (client: Options['client'], server: Options['server']) =>
    meet({ provider, client: { ...common, versions, ...client }, server: { ...common, versions, ...server } });
  const asking = (...keys: readonly PreSharedKey[]) => {
    const hints: unknown[] = [];
    const preSharedKey = (hint: unknown): readonly PreSharedKey[] => {
      hints.push(hint && Buffer.from(hint as Uint8Array).toString());
      return keys;
    };
    return { hints, preSharedKey };
  };

  it('are told apart by their hash: in TLS 1.3 those that name one', async () => {
    const { hints, preSharedKey } = asking(old, small);
    const met = await between({ preSharedKey }, { preSharedKey: ring(old, small) });
    assert.deepEqual(offered(met), ['a key of sha256']);
    await good(met, small);
    assert.deepEqual(hints, [undefined]);
  });

  it('are told apart by their hash: in TLS 1.2 the first that names none', async () => {
    for (const hint of [undefined, named('a hint')]) {
      const { hints, preSharedKey } = asking(small, old, large);
      const met = await between(
        { preSharedKey },
        { versions: [tls12], preSharedKey: ring(old, small), ...(hint && { pskIdentityHint: hint }) },
      );
      const negotiated = met.client.connection.negotiated ?? assert.fail(met.client.error?.message);
      assert.equal(negotiated.version, 'TLS 1.2');
      for (const { connection } of [met.client, met.server]) {
        const { pskIdentity } = connection.negotiated ?? assert.fail();
        assert.deepEqual(Uint8Array.from(pskIdentity ?? []), old.identity);
      }
      assert.deepEqual(hints, [undefined, hint ? 'a hint' : undefined]);
    }
  });

  it('of the client’s without a hash are not offered in TLS 1.3', async () => {
    const { preSharedKey } = asking(old);
    const met = await between({ preSharedKey }, { preSharedKey: ring(old) });
    assert.equal(offered(met), undefined);
    ended(met, 'server', {
      code: 'handshake_failure',
      message: 'ClientHello: no pre-shared key of ours is in it, and we have no certificate for it',
    });
  });

  it('of the client’s with a hash are not used in TLS 1.2', async () => {
    const { preSharedKey } = asking(small, large);
    ended(await between({ preSharedKey }, { versions: [tls12], preSharedKey: ring(small, large) }), 'client', {
      code: 'handshake_failure',
      message: 'the preSharedKey callback has no key for this server',
    });
  });

  describe('of the server’s without a hash are nobody’s in TLS 1.3:', () => {
    const named13: PreSharedKey = { ...old, hash: 'sha256' };
    for (const [what, answer] of [
      ['bytes', old.key],
      ['an object', { key: old.key }],
    ] as const) {
      it(`${what}`, async () => {
        const server = { preSharedKey: () => answer };
        ended(await between({ preSharedKey: () => named13 }, server), 'server', wrongBinder());
        await good(await between({ preSharedKey: () => named13 }, { ...server, credentials }), undefined);
      });
    }
  });

  it('of the server’s with a hash are nobody’s in TLS 1.2', async () => {
    const { identity, key } = small;
    const met = await between(
      { versions: [tls12], cipherSuites: pskSuites, preSharedKey: () => ({ identity, key }) },
      { preSharedKey: ring(small) },
    );
    const { error } = met.server;
    assert.deepEqual(
      [error?.code, error?.alert, error?.state],
      ['bad_record_mac', 'bad_record_mac', 'WAIT_FINISHED_12'],
    );
    assert.deepEqual([met.client.error?.code, met.client.error?.alert], ['peer_alert', 'bad_record_mac']);
  });
});
