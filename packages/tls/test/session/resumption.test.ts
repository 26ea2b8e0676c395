/**
 * Sessions of TLS 1.3 that go on (RFC 9846 §2.2): what they keep, what may be otherwise.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, toHex } from '@handfast/crypto';
import {
  cipherSuites,
  memorySessionCache,
  namedGroups,
  type ServerOptions,
  type SessionCache,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  ticketKeys,
} from '../../src/index.ts';
import { clientCredential, makeCredential, pki, serverCredential } from '../support/identities.ts';
import { providers, settled, startClient } from '../support/pair.ts';
import {
  exported,
  full,
  helloOf,
  minute,
  offerOf,
  open,
  resumed,
  stage,
  ticketsOf,
  typesOf,
  x25519,
} from './resuming.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const secp256r1 = groups.filter(({ name }) => name === 'secp256r1');
/** A share that the server does not take: it asks for another. */
const retried = { client: { groups, keyShares: x25519 }, server: { groups: secp256r1 } };

/** Labels and secrets, without the random of the hello, which both have anyway. */
const secretsOf = (lines: readonly string[]) => new Map(lines.map((line) => [line.split(' ')[0], line.split(' ')[2]]));

const isWiped = (bytes: Bytes): boolean => bytes.every((byte) => byte === 0);

for (const provider of providers) {
  describe(`resumption, provider ${provider.name}`, () => {
    it('goes on three times in a row, each time by a ticket of the connection before', async () => {
      const { meet } = stage(provider, { server: { tickets: undefined as never } });
      const keys = ticketKeys({ provider });
      const server: Partial<ServerOptions> = { tickets: { keys, count: 1 } };
      const first = await meet({ server });
      await full(first);
      let last = first;
      for (let time = 0; time < 3; time++) {
        const next = await meet({ server });
        await resumed(next);
        assert.deepEqual(next.told, ['offered', 'kept']);
        assert.deepEqual(offerOf(next)?.identities[0]?.identity, ticketsOf(last)[0]?.ticket);
        assert.equal(offerOf(next)?.identities.length, 1);
        last = next;
      }
    });

    it('shows no certificate and asks for none', async () => {
      const { meet } = stage(provider, {
        client: { credentials: [clientCredential] },
        server: { clientCertificate: 'require', trust: pki.trust },
      });
      const first = await meet();
      await full(first);
      assert.deepEqual(typesOf(first, 'in').slice(0, 6), [
        ...['server_hello', 'encrypted_extensions', 'certificate_request', 'certificate', 'certificate_verify'],
        'finished',
      ]);
      const second = await meet();
      await resumed(second);
      assert.deepEqual(typesOf(second, 'in'), [
        'server_hello',
        'encrypted_extensions',
        'finished',
        'new_session_ticket',
      ]);
      assert.deepEqual(typesOf(second, 'out'), ['client_hello', 'finished']);
    });

    it('has secrets of its own, the same on both sides', async () => {
      const { meet } = stage(provider);
      const first = await meet();
      await full(first);
      const second = await meet();
      await resumed(second);
      for (const { keyLog } of [first, second]) {
        assert.deepEqual(keyLog.client, keyLog.server);
        assert.deepEqual(
          [...secretsOf(keyLog.client).keys()],
          [
            'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
            'SERVER_HANDSHAKE_TRAFFIC_SECRET',
            'CLIENT_TRAFFIC_SECRET_0',
            'SERVER_TRAFFIC_SECRET_0',
            'EXPORTER_SECRET',
          ],
        );
      }
      const [before, after] = [secretsOf(first.keyLog.client), secretsOf(second.keyLog.client)];
      for (const [label, secret] of after) assert.notEqual(secret, before.get(label), label);
      assert.notEqual(exported(first.client), exported(second.client));
    });

    it('knows the server again: its certificate, verified anew, and no signature', async () => {
      const here = stage(provider);
      const before = await full(await here.meet());
      here.now += 30 * minute;
      const met = await here.meet();
      const after = await resumed(met);
      assert.equal(before.resumed, false);
      assert.equal(before.peerSignatureScheme?.name, 'ecdsa_secp256r1_sha256');
      assert.deepEqual([after.peerSignatureScheme, after.signatureScheme], [undefined, undefined]);
      assert.equal(met.server.connection.negotiated?.signatureScheme, undefined);
      assert.deepEqual(after.peer?.chain[0]?.raw, serverCredential.chain[0]?.raw);
      assert.equal(after.peer?.error, undefined);
      assert.equal(after.peer?.path?.path.length, 2);
      assert.notEqual(after.peer, before.peer);
    });

    it('asks verifyPeer again, with the same certificate and name', async () => {
      const asked: unknown[] = [];
      const { meet } = stage(provider, {
        client: {
          verifyPeer: ({ role, serverName, chain, error }) => {
            asked.push([role, serverName, chain.length, error]);
            return { accepted: true };
          },
        },
      });
      await full(await meet());
      await resumed(await meet());
      assert.deepEqual(asked, [
        ['server', 'localhost', 1, undefined],
        ['server', 'localhost', 1, undefined],
      ]);
    });

    it('may speak another protocol than the session did', async () => {
      const { meet } = stage(provider, { server: { alpnProtocols: ['h2', 'http/1.1'] } });
      assert.equal((await full(await meet({ client: { alpnProtocols: ['h2'] } }))).alpnProtocol, 'h2');
      const other = await meet({ client: { alpnProtocols: ['http/1.1'] } });
      assert.equal((await resumed(other)).alpnProtocol, 'http/1.1');
      assert.equal((await resumed(await meet())).alpnProtocol, undefined);
    });

    it('may go on in another suite of the same hash', async () => {
      const { meet } = stage(provider);
      const [aes, chacha] = [[TLS_AES_128_GCM_SHA256], [TLS_CHACHA20_POLY1305_SHA256]];
      assert.equal((await full(await meet({ client: { cipherSuites: aes } }))).cipherSuite, TLS_AES_128_GCM_SHA256);
      const other = await meet({ client: { cipherSuites: chacha } });
      assert.equal((await resumed(other)).cipherSuite, TLS_CHACHA20_POLY1305_SHA256);
      const back = await meet({ client: { cipherSuites: aes } });
      assert.equal((await resumed(back)).cipherSuite, TLS_AES_128_GCM_SHA256);
    });

    it('goes on in a suite of its own hash, though the server likes another better', async () => {
      const { meet } = stage(provider, {
        server: { cipherSuites: [TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256] },
      });
      const first = await meet({ client: { cipherSuites: [TLS_AES_128_GCM_SHA256] } });
      assert.equal((await full(first)).cipherSuite, TLS_AES_128_GCM_SHA256);
      assert.equal((await resumed(await meet())).cipherSuite, TLS_AES_128_GCM_SHA256);
    });

    it('gives way to a full handshake where the server has no suite of its hash', async () => {
      const { meet } = stage(provider);
      await full(await meet({ server: { cipherSuites: [TLS_AES_128_GCM_SHA256] } }));
      const other = await meet({ server: { cipherSuites: [TLS_AES_256_GCM_SHA384] } });
      assert.equal((await full(other)).cipherSuite, TLS_AES_256_GCM_SHA384);
      assert.equal(other.told[0], 'offered');
    });

    for (const suite of cipherSuites.filter(({ aead }) => provider.aeads[aead])) {
      it(`goes on in ${suite.name}`, async () => {
        const suites = { cipherSuites: [suite] };
        const { meet } = stage(provider, { client: suites, server: suites });
        await full(await meet());
        assert.equal((await resumed(await meet())).cipherSuite, suite);
      });
    }

    describe('after a HelloRetryRequest', () => {
      for (const retryCookie of [false, true]) {
        it(`goes on, its binder made over both hellos${retryCookie ? ', with a cookie' : ''}`, async () => {
          const { meet } = stage(provider);
          await full(await meet());
          const met = await meet({ ...retried, server: { ...retried.server, retryCookie } });
          assert.equal((await resumed(met)).helloRetryRequest, true);
          assert.deepEqual(typesOf(met, 'out'), ['client_hello', 'client_hello', 'finished']);
          const [one, two] = [offerOf(met, 0), offerOf(met, 1)];
          assert.deepEqual(one?.identities[0]?.identity, two?.identities[0]?.identity);
          assert.notDeepEqual(one?.binders, two?.binders);
          assert.equal(helloOf(met, 1).extensionList.at(-1)?.type, 41);
        });
      }

      it('goes on in SHA-384 as well, and from a connection that was retried itself', async () => {
        const suites = { cipherSuites: [TLS_AES_256_GCM_SHA384] };
        const { meet } = stage(provider, {
          client: { ...retried.client, ...suites },
          server: { ...retried.server, ...suites },
        });
        await full(await meet());
        for (let time = 0; time < 2; time++) assert.equal((await resumed(await meet())).helloRetryRequest, true);
      });

      it('that chooses a suite of another hash, the key is offered no more', async () => {
        const { meet } = stage(provider);
        await full(await meet({ server: { cipherSuites: [TLS_AES_128_GCM_SHA256] } }));
        const met = await meet({ ...retried, server: { ...retried.server, cipherSuites: [TLS_AES_256_GCM_SHA384] } });
        assert.equal((await full(met)).cipherSuite, TLS_AES_256_GCM_SHA384);
        assert.equal(offerOf(met, 0)?.identities.length, 1);
        assert.equal(offerOf(met, 1), undefined);
        assert.deepEqual(helloOf(met, 1).extensions.psk_key_exchange_modes, [1]);
      });

      it('of a server that does not know the ticket, the key is offered again and not taken', async () => {
        const { meet } = stage(provider);
        await full(await meet());
        const met = await meet({
          ...retried,
          server: { ...retried.server, tickets: { keys: ticketKeys({ provider }) } },
        });
        await full(met);
        assert.equal(offerOf(met, 1)?.identities.length, 1);
      });
    });

    describe('a client that showed a certificate', () => {
      const mutual = { clientCertificate: 'require', trust: pki.trust } as const;
      it('is the same client afterwards, verified anew', async () => {
        const { meet } = stage(provider, { client: { credentials: [clientCredential] }, server: mutual });
        const first = await meet();
        await full(first);
        const before = first.server.connection.negotiated?.peer;
        let previous = before;
        for (let time = 0; time < 2; time++) {
          const met = await meet();
          await resumed(met);
          const after = met.server.connection.negotiated?.peer;
          assert.deepEqual(after?.chain[0]?.raw, clientCredential.chain[0]?.raw);
          assert.equal(after?.path?.path.length, 2);
          assert.notEqual(after, previous);
          assert.equal(met.server.connection.negotiated?.peerSignatureScheme, undefined);
          previous = after;
        }
      });

      it('and one that had none to show comes back as nobody', async () => {
        const { meet } = stage(provider, { server: { ...mutual, clientCertificate: 'request' } });
        await full(await meet());
        const met = await meet();
        await resumed(met);
        assert.equal(met.server.connection.negotiated?.peer, undefined);
      });

      it('is shown to verifyPeer again', async () => {
        const asked: string[] = [];
        const { meet } = stage(provider, {
          client: { credentials: [clientCredential] },
          server: {
            ...mutual,
            verifyPeer: ({ role, chain }) => {
              asked.push(`${role} ${toHex(chain[0]?.raw ?? new Uint8Array(0)).length}`);
              return { accepted: true };
            },
          },
        });
        await full(await meet());
        await resumed(await meet());
        assert.deepEqual([asked.length, asked[0]], [2, asked[1]]);
      });
    });

    it('keeps pre_shared_key last in a hello with reserved values, before and after a HelloRetryRequest', async () => {
      const { meet } = stage(provider, { client: { grease: true } });
      await full(await meet());
      const met = await meet();
      await resumed(met);
      const types = helloOf(met).extensionList.map(({ type }) => type);
      assert.equal(types.at(-1), 41);
      assert.equal((types.at(-2) ?? 0) & 0x0f0f, 0x0a0a);
      const again = await meet({ ...retried, client: { ...retried.client, grease: true } });
      await resumed(again);
      for (const index of [0, 1]) assert.equal(helloOf(again, index).extensionList.at(-1)?.type, 41);
    });

    it('waits for a cache and for ticket keys that answer later', async () => {
      const cache = memorySessionCache();
      const keys = ticketKeys({ provider });
      const later = () => new Promise((resolve) => setImmediate(resolve));
      const sessions: SessionCache = {
        ...cache,
        take: async (peer) => later().then(() => cache.take(peer)),
        put: async (peer, session) => later().then(() => cache.put(peer, session)),
        remove: async () => undefined,
      };
      const tickets = {
        keys: {
          ...keys,
          // Arguments are borrowed until the answer is there: they must still be good by then.
          seal: async (state: Uint8Array, at: number) => later().then(() => keys.seal(state, at)),
          open: async (ticket: Uint8Array, at: number) => later().then(() => keys.open(ticket, at)),
        },
      };
      const { meet } = stage(provider, { client: { sessions }, server: { tickets } });
      await full(await meet());
      for (let time = 0; time < 2; time++) await resumed(await meet());
    });

    it('finds sessions by the name that is verified, or by what the caller knows the server by', async () => {
      const asked: string[] = [];
      const cache = memorySessionCache();
      const sessions: SessionCache = {
        ...cache,
        take: (peer) => {
          asked.push(peer);
          return cache.take(peer);
        },
      };
      const { meet } = stage(provider, { client: { sessions } });
      await full(await meet());
      await full(await meet({ target: { serverName: 'localhost', sessionKey: 'localhost:8443' } }));
      await resumed(await meet({ target: { serverName: 'localhost', sessionKey: 'localhost:8443' } }));
      await resumed(await meet());
      assert.deepEqual(asked, ['localhost', 'localhost:8443', 'localhost:8443', 'localhost']);
    });

    it('goes on without a name, with a server that is known by its address', async () => {
      const credentials = [await makeCredential({ names: ['127.0.0.1'] })];
      const { meet } = stage(provider, { server: { credentials }, target: { verifyName: '127.0.0.1' } });
      await full(await meet());
      assert.equal((await resumed(await meet())).serverName, undefined);
    });

    it('wipes the secret of a session that was used, and of no other', async () => {
      const sessions = open();
      const { meet } = stage(provider, { client: { sessions } });
      await full(await meet());
      const [other, used] = sessions.kept;
      await resumed(await meet());
      assert.ok(used && other);
      assert.deepEqual([isWiped(used.secret), isWiped(other.secret)], [true, false]);
    });

    it('wipes the secret of a session that was offered, where no answer ever comes', async () => {
      const sessions = open();
      const { meet } = stage(provider, { client: { sessions } });
      await full(await meet());
      const offered = sessions.kept.at(-1) ?? assert.fail();
      const client = startClient({ provider, groups: x25519, sessions });
      await settled(client);
      assert.equal(client.outbox.length, 1);
      client.connection.abort();
      assert.equal(isWiped(offered.secret), true);
    });
  });
}
